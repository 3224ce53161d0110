/* object.h - what the stage sees in a document: Kubernetes objects, and which of them concern it. */
#ifndef TC_OBJECT_H
#define TC_OBJECT_H

#include "compiler/tree/patch.h"
#include "compiler/tree/stream.h"

/* Names that tentc reads and writes. */
#define TC_ANNOTATION_CONTRACT "tentacular.io/contract"
#define TC_ANNOTATION_CONTAINERS "tentacular.io/inject-containers"
#define TC_ANNOTATION_EPOCH "tentacular.io/credential-epoch"
#define TC_ANNOTATION_LEVEL "tentacular.io/level"
#define TC_ANNOTATION_COMPILED "tentacular.io/compiled"
#define TC_ANNOTATION_FILLED "tentacular.io/filled"
#define TC_LABEL_EXOSKELETON "tentacular.io/exoskeleton"
#define TC_LABEL_RELEASE "tentacular.io/release"
#define TC_LABEL_MANAGED_BY "app.kubernetes.io/managed-by"
#define TC_LABEL_ENCLAVE "tentacular.io/enclave" /* of a namespace */
#define TC_LABEL_NAMESPACE "kubernetes.io/metadata.name"

enum tc_role {
	TC_ROLE_WORKLOAD,
	TC_ROLE_CONFIGMAP,
	TC_ROLE_SECRET,
	TC_ROLE_NETWORKPOLICY,
	TC_ROLE_SPIFFEID,
	TC_ROLE_WORKFLOW, /* a bare workflow.yaml: no apiVersion, no kind */
};

struct tc_kind_row {
	const char *kind, *group; /* group "": core */
	enum tc_role role;
	/* Workloads: the path from the object to its pod template (an object with metadata and spec). */
	const char *template_path[4];
};

struct tc_stage_doc;

/* One object of the input that concerns the stage. */
struct tc_object {
	struct tc_stage_doc *doc;
	const struct tc_node *root; /* NULL while its document is let go (tc_object_load brings it back) */
	const struct tc_kind_row *kind;
	const char *name, *ns; /* "" when absent */
	size_t item;           /* in a List: which item; SIZE_MAX elsewhere */
	struct tc_pos at;      /* metadata.name, or the object: for messages */
	bool ours;             /* made by tentc: an exoskeleton label and a release, under one of our names */
	bool marked;           /* edited by tentc before: carries a ledger or a compiled hash */
	struct tc_node *fresh; /* in a List: what takes its place if the document is written anew */
	bool expand;  /* its contract's document has aliases that a change would reach through: they are followed */
	bool claimed; /* a tentacle has it: as its contract, its workload, its policy, or as an object of ours still
			 wanted */
};

/* An object that tentc makes, as text without a separator. Its tree is let go: there are more of these than of anything
 * else. */
struct tc_made {
	struct tc_str text;
	bool cluster_scoped;
};

/* One document of the input and what becomes of it. */
struct tc_stage_doc {
	struct tc_doc *cut;
	const struct tc_node *root; /* NULL: let go, or nothing in it */
	struct tc_patch *patch;     /* NULL: no change yet */
	struct tc_made whole;  /* text.s set: takes the document's place. What tentc made is replaced, never edited */
	bool drop;             /* leaves the output */
	bool context;          /* in admission: may be read, and stays as it is */
	const char *inner_why; /* why a document inside of it was written anew; NULL: none was */
	struct tc_made *added; /* new objects that follow the document */
	size_t nadded, added_cap;
	struct tc_object **objects; /* of this document, in order */
	size_t nobjects;
};

/* The row of a kind that concerns the stage; NULL for any other. */
const struct tc_kind_row *tc_kind_row(struct tc_str api_version, struct tc_str kind);

/* Finds the objects of a document that was read; they are allocated in mem. Lists are looked into. */
void tc_objects_of(struct tc_arena *mem, struct tc_stage_doc *doc);
/* The one object of a document whose kind is known. */
struct tc_object *tc_object_of_kind(struct tc_arena *mem, struct tc_stage_doc *doc, const struct tc_kind_row *kind);

/* True if the document's tree must stay: something in it may be read or changed. */
bool tc_doc_needed(const struct tc_stage_doc *doc, const char *contract_key);

/* Reads the tree of a document that was let go, again. */
void tc_object_load(struct tc_arena *mem, struct tc_object *object, const struct tc_limits *limits);

/* Takes an expanded copy of the document's tree, so that no operation can cross an alias; objects follow. */
void tc_doc_expand(struct tc_arena *mem, struct tc_stage_doc *doc);

/* The document's patch, made at the first call. */
struct tc_patch *tc_doc_patch(struct tc_arena *mem, struct tc_stage_doc *doc);

/* Is the document a List, which new objects join? */
bool tc_doc_is_list(const struct tc_stage_doc *doc);

/* The tentacle that the text of a workflow.yaml names, in mem; NULL: none, or it cannot be read. */
const char *tc_workflow_tentacle(struct tc_arena *mem, struct tc_str text, const struct tc_limits *limits);

const struct tc_node *tc_object_metadata(const struct tc_object *o);
/* NULL when absent. */
const struct tc_node *tc_object_annotation(const struct tc_object *o, const char *key);
/* The pod template of a workload (for a Pod: itself); NULL when the object has none. */
const struct tc_node *tc_object_template(const struct tc_object *o);
/* An owner with `controller: true`: such an object is never a workload of its own. */
bool tc_object_is_owned(const struct tc_object *o);

#endif
