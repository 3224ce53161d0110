/* admit_parts.h - one review on its way through admission, shared by its files. */
#ifndef TC_ADMIT_PARTS_H
#define TC_ADMIT_PARTS_H

#include "compiler/transform/admit.h"
#include "compiler/transform/tentacle.h"

/* What an AdmissionReview says. Texts point into the review; what is absent is "" or NULL. */
struct tc_review {
	const struct tc_source *src;
	struct tc_source object_src, old_src; /* src under the object's own name: "Deployment/web" */
	struct tc_str uid, operation, ns, name, subresource, user;
	bool dry_run, update;
	const struct tc_node *object, *old; /* each the root of a tree of its own; NULL: none */
	const struct tc_kind_row *kind;     /* of the object; NULL: none that concerns the stage */
};

struct tc_admission {
	struct tc_arena *mem;
	const struct tc_admit *how;
	struct tc_admitted *out;
	struct tc_review review;
	struct tc_diags diags;
	struct tc_stage stage;
	struct tc_work work;
	const char *enclave;
	struct tc_object *object; /* the one under review; its document is the first of work.docs */
	/* The tentacle of the object, once the stage has run; NULL: it has no contract. */
	const struct tc_tentacle *tentacle;
	size_t context_bytes; /* of the contracts that were read besides the review */
	bool unknown;         /* it mounts a ConfigMap that may hold its contract and is not known */
	bool unchanged;       /* the request changes nothing that the stage reads: never denied */
	bool poked;           /* unchanged, but for the wish to be looked at again: compiled is "" */
	const char *hash;     /* as the object would carry it; NULL: none */
	struct tc_str patch;

	struct tc_str *warnings; /* as they go out */
	size_t nwarnings, warnings_cap, warnings_len;
	const char *errors_are; /* before an error that is only warned of */
};

/* admit_read.c. False, with one line in *why: no AdmissionReview v1. */
bool tc_review_read(struct tc_review *r, struct tc_arena *mem, const struct tc_source *src,
		    const struct tc_limits *limits, struct tc_buf *why);
/* One line: "3:14: found ..., expected ...". Always false. */
bool tc_review_fault(struct tc_buf *why, struct tc_pos at, const char *fmt, ...) TC_PRINTF(3, 4);

/* admit_context.c: w->docs and w->objects from the review and from what is known; the object's first. */
void tc_admit_context(struct tc_admission *a);

/* admit_rules.c */
/* Why a request is left alone whatever it holds; NULL: it is not. */
const char *tc_admit_skip(const struct tc_review *r);
/* Compares with the old object: sets unchanged, poked, and the level that the old one hands on. */
void tc_admit_compare(struct tc_admission *a);
/* One workload of a name: reports another kind that lives under it. */
void tc_admit_check_holder(struct tc_admission *a);
/* Would the patch change more of a Job than its metadata? */
bool tc_admit_beyond_metadata(const struct tc_patch *patch);
/* Reports a compiled hash that another configuration made. */
void tc_admit_check_hash(struct tc_admission *a);

/* admit_say.c: diagnostics as the reader of an answer sees them. */
void tc_admit_message(struct tc_admission *a, struct tc_buf *out);
/* All diagnostics as warnings. */
void tc_admit_warn_all(struct tc_admission *a, const char *errors_are);

/* admit_write.c. message: of a denial. */
void tc_admit_write(const struct tc_admission *a, struct tc_buf *answer, struct tc_str message);

#endif
