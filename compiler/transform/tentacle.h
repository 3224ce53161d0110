/* tentacle.h - a workload and its contract, found in the input, and what the transforms derive from them.
 *
 * The transforms below each have a file of their own. Each reads the tentacle and either adds new objects or edits
 * documents through their patches; none changes what another one reads. */
#ifndef TC_TENTACLE_H
#define TC_TENTACLE_H

#include "compiler/contract/contract.h"
#include "compiler/transform/ledger.h"
#include "compiler/transform/object.h"
#include "compiler/transform/policies.h"
#include "compiler/transform/stage.h"

enum tc_place_kind {
	TC_PLACE_ANNOTATION, /* tentacular.io/contract of a workload */
	TC_PLACE_CONFIGMAP,  /* workflow.yaml in a ConfigMap */
	TC_PLACE_BARE,       /* a workflow.yaml on its own */
};

/* Where a contract stands. */
struct tc_contract_place {
	enum tc_place_kind kind;
	struct tc_object *object;
	const struct tc_node *scalar;   /* the annotation's or the ConfigMap entry's value; NULL: bare */
	const struct tc_node *document; /* root of what was read there: the contract, or the workflow that holds it */
	const struct tc_node *contract_node; /* the contract itself */
	struct tc_pos at;                    /* of the contract, for messages */
	const char *enclave, *name;          /* of the tentacle */
	struct tc_object *workload;          /* NULL: not in the input */
	struct tc_contract *contract;        /* NULL: refused */
	struct tc_patch *patch;              /* on document: the fields filled in */
	const struct tc_node *enriched;      /* the contract with them */
};

/* One key of the Secret. */
struct tc_secret_key {
	const char *key;   /* "tentacular-postgres.host" */
	const char *value; /* NULL: a credential, and there is no root key */
	bool credential;
	const char *binding; /* its path in the Service Binding layout: "tentacular-postgres/username"; NULL: none */
	const struct tc_origin *origin;
};

struct tc_tentacle {
	const char *enclave, *name;
	struct tc_object *workload;        /* NULL: only a contract in the input */
	struct tc_stage_doc *home;         /* the document that new objects follow */
	struct tc_contract_place **places; /* at least one, unless the contract was taken away */
	size_t nplaces;
	const struct tc_contract *contract; /* of the first place; NULL: taken away, or refused */
	const struct tc_node *enriched;
	const struct tc_origin *origin; /* the contract, for what belongs to all of it */
	unsigned level, epoch;
	const char *compiled;       /* tentacular.io/compiled of the workload; NULL: there is none */
	const char *secret_name;    /* NULL: no dependency needs one */
	struct tc_secret_key *keys; /* in order */
	size_t nkeys;
	struct tc_wanted_object *made; /* for tc_stage.wants */
	size_t nmade, made_cap;
};

/* All that one compilation knows. */
struct tc_work {
	struct tc_arena *mem; /* what the result points to */
	const struct tc_stage *stage;
	struct tc_diags *diags;
	struct tc_error *err;             /* a text that does not read back: a bug */
	const char *config_hash;          /* of the configuration; NULL: not needed yet */
	const struct tc_object *reviewed; /* in admission: what contracts of others do not concern; NULL: elsewhere */

	struct tc_stage_doc *docs; /* of all sources, in order */
	size_t ndocs;
	struct tc_object **objects; /* in order of the input */
	size_t nobjects;
	struct tc_object **by_name; /* sorted by role, namespace, name, then order */
	struct tc_policies policies;
	size_t orphans; /* warned of */

	struct tc_tentacle *tentacles;
	size_t ntentacles, tentacles_cap;
};

/* The objects of a role and name in an enclave, in input order; objects without a namespace are in stage->enclave.
 * *count is set. */
struct tc_object **tc_objects_named(const struct tc_work *w, enum tc_role role, const char *enclave, const char *name,
				    size_t *count);
/* The enclave that an object without errors is in: its namespace, or --enclave; NULL when neither is there, "" for what
 * is in none. */
const char *tc_enclave_of(const struct tc_work *w, const struct tc_object *o);

/* Reads the contract that stands in a place, and reports what is wrong with it. */
struct tc_contract *tc_contract_check(struct tc_work *w, const struct tc_contract_place *p,
				      const struct tc_contract_context *ctx);
/* Finds contracts and their workloads: fills w->tentacles. */
void tc_bind(struct tc_work *w);
/* stage.c: all that happens to documents that were read: w->objects are theirs. Their patches, and all problems. */
void tc_transform(struct tc_work *w, struct tc_arena *index);
/* Fills the level; false: what is wrong with it was reported. So is one above TC_LEVEL_MAX. */
bool tc_tentacle_level(struct tc_work *w, struct tc_tentacle *t);
/* Reports what is wrong with one tentacle's epoch and names, and fills the other derived members; false: leave it
 * alone. */
bool tc_tentacle_derive(struct tc_work *w, struct tc_tentacle *t);

struct tc_subject tc_subject_of(const struct tc_work *w, const struct tc_tentacle *t,
				const struct tc_service_config *service);
const struct tc_origin *tc_origin_new(struct tc_arena *mem, struct tc_pos at, const char *rule);
const struct tc_origin *tc_dep_origin(struct tc_arena *mem, const struct tc_dep *dep, const char *what);

/* contract.c: fills in the fields that the author left out, in every place. False: contradictions were reported. */
bool tc_transform_contract(struct tc_work *w, struct tc_tentacle *t);
/* secret.c: decides the keys (tc_secret_keys), then makes the Secret. */
void tc_secret_keys(struct tc_work *w, struct tc_tentacle *t);
void tc_transform_secret(struct tc_work *w, struct tc_tentacle *t);
void tc_transform_networkpolicy(struct tc_work *w, struct tc_tentacle *t);
void tc_transform_clusterspiffeid(struct tc_work *w, struct tc_tentacle *t);
/* workload.c: mounts, labels and annotations; with t->contract NULL takes all of them away. */
void tc_transform_workload(struct tc_work *w, struct tc_tentacle *t);

/* A string in a new mapping, with the mapping's origin. */
void tc_put_text(struct tc_work *w, struct tc_node *map, const char *key, const char *value);
/* {apiVersion, kind, metadata: {name, namespace (NULL: cluster-scoped), labels}}, for an object of ours. */
struct tc_node *tc_new_object(struct tc_work *w, const struct tc_tentacle *t, const char *api_version, const char *kind,
			      const char *name, const char *ns, const struct tc_origin *origin);
/* Puts it in place of the object of that role and name that tentc made before, or after the tentacle's document.
 * Reports an object of the author's under that name. mark: of w->mem, from before anything of the object was allocated:
 * where it is written as text at once, that is given back. */
void tc_place_object(struct tc_work *w, struct tc_tentacle *t, enum tc_role role, struct tc_node *object,
		     struct tc_arena_mark mark);

/* wants.c: what the tentacles of a finished transformation want. */
void tc_wants_fill(struct tc_work *w, struct tc_result *result);
/* Remembers an object as JSON; its tree may go afterwards. */
void tc_wants_keep(struct tc_work *w, struct tc_tentacle *t, const struct tc_buf *json, enum tc_role role,
		   const char *name);

/* {key: value} as a label selector's matchLabels. */
struct tc_node *tc_new_selector(struct tc_arena *mem, const struct tc_origin *origin, const char *key,
				const char *value);

#endif
