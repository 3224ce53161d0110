/* admit.h - the stage on one object of an AdmissionReview (admission.k8s.io/v1).
 *
 * The review's text in, the answer's text out; pure, as the rest of the stage: what the server knows besides the review
 * is asked through struct tc_knowledge, and nothing else is. The patch is RFC 6902, from the same operations that
 * `tentc compile` makes in text. The answer never holds a credential: there is no root key here. */
#ifndef TC_ADMIT_H
#define TC_ADMIT_H

#include "compiler/transform/stage.h"

/* What the server has seen in the cluster. Texts are borrowed and must stay until tc_admit returns. Each member may be
 * NULL: nothing is known then. */
struct tc_knowledge {
	void *self;
	/* A ConfigMap with a contract, as JSON text, with its entry and the annotation tentacular.io/filled at least;
	 * false when there is none, or it is not known yet. */
	bool (*configmap)(void *self, const char *ns, const char *name, struct tc_str *json);
	/* The tentacle that the workflow in this ConfigMap names, so that it need not be read for another: "" when it
	 * speaks of no contract at all; NULL when it names none, or there is no such ConfigMap. */
	const char *(*tentacle)(void *self, const char *ns, const char *configmap);
	/* The nth ConfigMap whose workflow's `name` is this tentacle, mounted by it or not, and its own name; false
	 * past the last. json may be NULL. */
	bool (*contract)(void *self, const char *ns, const char *tentacle, size_t nth, const char **configmap,
			 struct tc_str *json);
	/* The live workload that has this identity: its kind, and its uid in *uid; NULL when none is known. */
	const char *(*holder)(void *self, const char *ns, const char *name, const char **uid);
	/* Does the enclave only want warnings (label tentacular.io/mode: audit)? */
	bool (*audit)(void *self, const char *ns);
};

struct tc_admit {
	const struct tc_config *config;
	const struct tc_limits *limits;       /* TC_LIMITS_REQUEST */
	const struct tc_knowledge *knowledge; /* NULL: nothing is known */
	const char *config_hash;              /* tc_config_hash of config; NULL: computed for each review */
};

enum tc_verdict {
	TC_VERDICT_UNTOUCHED, /* allowed as it is */
	TC_VERDICT_PATCHED,   /* allowed, with a patch */
	TC_VERDICT_DENIED,    /* code 422, with the compiler's own diagnostics */
	TC_VERDICT_INVALID,   /* no AdmissionReview v1: HTTP 400; the answer is one line of text that says why */
};

/* For the log line and the metrics; texts are in mem or in the review, "" where absent. */
struct tc_admitted {
	enum tc_verdict verdict;
	struct tc_str uid, ns, kind, name, operation, user;
	bool dry_run, audit; /* audit: what would have been denied or patched was only warned of */
	size_t operations, warnings, errors;
	const char *why; /* why it was left untouched: "owned", "subresource", "no contract", "unchanged", ... */
};

/* Appends the answer: an AdmissionReview, one line of JSON, or, for TC_VERDICT_INVALID, a line of text. -1 only for a
 * bug. */
int tc_admit(struct tc_buf *answer, struct tc_arena *mem, const struct tc_source *review, const struct tc_admit *how,
	     struct tc_admitted *admitted, struct tc_error *err);

/* What tentacle() of struct tc_knowledge has to answer for a workflow's text, in mem: found once, asked often. */
const char *tc_admit_tentacle(struct tc_arena *mem, struct tc_str workflow);

#endif
