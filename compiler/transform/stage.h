/* stage.h - the stage: documents and configuration in, enriched documents and diagnostics out.
 *
 * Pure: no clock, no file, no environment, no randomness, no locale; equal input gives equal bytes. One arena per call.
 * Every text that is not the input's own was read again and compared before it is handed out. */
#ifndef TC_STAGE_H
#define TC_STAGE_H

#include "compiler/base/error.h"
#include "compiler/contract/config.h"
#include "compiler/contract/credentials.h"
#include "compiler/tree/stream.h"

/* The highest level (shape of output) that this tentc knows. */
#define TC_LEVEL_MAX 1

struct tc_stage {
	const struct tc_config *config;
	const char *enclave;           /* --enclave: for objects without a namespace and bare workflows; NULL: none */
	const struct tc_keyring *keys; /* NULL: no credentials are written */
	const struct tc_limits *limits;
	bool cluster_scoped_apart; /* a ClusterSPIFFEID never joins a List, so that it can be left out */
	bool edits_only;         /* in admission: no object of tentc's is made, and no policy of the enclave is known */
	unsigned level;          /* of a workload that names none; 0: the configuration's */
	const char *config_hash; /* tc_config_hash of config; NULL: computed where it is needed */
	bool wants;              /* the result says what each tentacle wants (struct tc_wanted) */
};

/* SHA-256 of the canonical configuration, as hex: what tentacular.io/compiled knows of it. */
const char *tc_config_hash(struct tc_arena *mem, const struct tc_config *config);

/* How an author's document got its changes. */
enum tc_edit_kind {
	TC_EDIT_NONE, /* it has none, or is not an author's */
	TC_EDIT_MADE, /* in its text: all other lines are the input's */
	TC_EDIT_ANEW, /* all of it was written from the tree */
};

/* One document of the output, in order. */
struct tc_piece {
	struct tc_str text;  /* with its separator line; concatenated, the pieces of a source are its output stream */
	bool document;       /* false: bytes between documents (a byte order mark, a line end) */
	bool cluster_scoped; /* made by tentc and not namespaced: ClusterSPIFFEID */
	enum tc_edit_kind edit;
	const char *why;       /* TC_EDIT_ANEW: what could not be done in the text */
	const char *inner_why; /* the same of a document inside of it; NULL: that was edited, or there is none */
	struct tc_pos at;      /* of an author's document with changes */
};

struct tc_result_source {
	const struct tc_source *src;
	enum tc_format format; /* of the input, and so of the output */
	struct tc_piece *pieces;
	size_t npieces;
	bool changed; /* false: the output is the input, byte for byte */
};

/* What a tentacle asks of one service. */
struct tc_wanted_service {
	const struct tc_service_config *config;
	const char *const *consumes; /* other tentacles of the enclave */
	size_t nconsumes;
};

/* An object that the stage makes for it. */
struct tc_wanted_object {
	const char *kind, *ns, *name; /* ns NULL: cluster-scoped */
	struct tc_str json;           /* on one line; a Secret's holds the credentials when there are keys */
};

/* One tentacle, for who makes its contract true. */
struct tc_wanted {
	const char *enclave, *name;
	unsigned epoch;
	const char *compiled; /* tentacular.io/compiled, as its workload gets it; NULL: no workload was in the input */
	struct tc_wanted_service *services; /* in the order of the catalogue; none: only its network is restricted */
	size_t nservices;
	const struct tc_wanted_object *objects; /* Secret, NetworkPolicy, ClusterSPIFFEID: those that it has */
	size_t nobjects;
};

struct tc_result {
	struct tc_result_source *sources; /* in the order of the input */
	size_t nsources;
	struct tc_wanted *wants; /* with tc_stage.wants: of all tentacles but those of an unknown level */
	size_t nwants;
	size_t tentacles;    /* how many workloads or workflows with a contract there were */
	size_t edited, anew; /* documents by what their changes were made in: see tc_edit_kind */
};

/* All problems go to diags; the result is to be used only when diags->errors is 0. Sources, configuration and keys
 * outlive the result, which lives in mem. -1 only for a bug (an emitted text that does not read back). */
int tc_compile(struct tc_result **result, struct tc_arena *mem, const struct tc_source *const *sources, size_t nsources,
	       const struct tc_stage *stage, struct tc_diags *diags, struct tc_error *err);

enum tc_cluster_scoped {
	TC_CLUSTER_SCOPED_INCLUDE,
	TC_CLUSTER_SCOPED_OMIT,
	TC_CLUSTER_SCOPED_ONLY,
};

/* The output stream of one source in the source's own format. */
void tc_result_write(struct tc_buf *out, const struct tc_result_source *source, enum tc_cluster_scoped which);
/* As JSON, one document a line, whatever the source's format. Reads the texts of the pieces again. */
int tc_result_write_json(struct tc_buf *out, const struct tc_result_source *source, enum tc_cluster_scoped which,
			 const struct tc_limits *limits, struct tc_error *err);

#endif
