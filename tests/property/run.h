/* run.h - the stage over a batch, and its output as texts and as trees. */
#ifndef TC_PROPERTY_RUN_H
#define TC_PROPERTY_RUN_H

#include "compiler/transform/stage.h"
#include "tests/property/render.h"

/* A configuration and keys, ready for the stage. */
struct platform {
	struct tc_arena *mem;
	const struct tc_config *config;
	struct tc_keyring *keys;
};

void platform_make(struct platform *p, struct tc_arena *mem, const struct model_config *c, bool keys);
void platform_free(struct platform *p);

struct outcome {
	struct tc_arena *mem;
	struct tc_result *result;
	struct tc_diags diags;
	struct tc_error err;
	int rc;
	bool ok; /* no error of any kind: out is the output */
	struct tc_buf out[MODEL_FILES_MAX];
	size_t n;
};

void outcome_make(struct outcome *o, const struct batch *b, const struct platform *p, const char *enclave);
void outcome_free(struct outcome *o);
/* Output as input again; it must outlive the batch. */
void outcome_batch(const struct outcome *o, const struct batch *from, struct batch *to);
bool outcome_equal(const struct outcome *a, const struct outcome *b);

#define _cleanup_outcome_ __attribute__((cleanup(outcome_free)))

/* Every document of every source of a batch; one that cannot be read is NULL. Empty ones are left out. */
struct tree {
	size_t source;
	struct tc_doc *doc;
	const struct tc_node *root;
};
struct trees {
	struct tree *list;
	size_t count, cap;
	size_t problems; /* diagnostics of reading them */
};
void trees_read(struct trees *t, struct tc_arena *mem, const struct batch *b);

/* NULL when both are the same documents, by meaning: what is embedded in a string is compared as the tree it is, a
 * collection without anything in it is as good as none, and egress rules have no order. Else a line that says where
 * they differ. any_order: of documents, and of the items of a List, too. */
const char *trees_differ(struct tc_arena *mem, const struct trees *a, const struct trees *b, bool any_order);
/* A document as trees_differ compares it. */
const char *tree_text(struct tc_arena *mem, const struct tc_node *root, bool any_order);
/* A text as the tree that it holds; NULL when it holds none. */
const struct tc_node *tree_parse(struct tc_arena *mem, struct tc_str text);

#endif
