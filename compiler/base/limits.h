/* limits.h - how much input is read. Reaching one is a diagnostic, never a crash or a hang; they hold while parsing. */
#ifndef TC_LIMITS_H
#define TC_LIMITS_H

#include "compiler/base/base.h"

struct tc_limits {
	size_t max_bytes;     /* of one source */
	size_t max_documents; /* in one source */
	size_t max_nodes;     /* in one document: "-\n" is two bytes and one node */
	size_t max_expanded;  /* nodes of one document after its aliases are followed */
	unsigned max_depth;   /* of nested collections */
	/* JSON: entries with this key at this depth (1: of the root) are checked as JSON, but no node is made of them;
	 * NULL: there are none. */
	const char *unread;
	unsigned unread_depth;
};

/* A file or stream of a user's own. */
#define TC_LIMITS_FILE                               \
	((struct tc_limits){.max_bytes = 64u << 20,  \
			    .max_documents = 100000, \
			    .max_nodes = 2000000,    \
			    .max_expanded = 4000000, \
			    .max_depth = 64})

/* A contract in an annotation: 64 KiB, and what stands in it is small. */
#define TC_LIMITS_ANNOTATION                        \
	((struct tc_limits){.max_bytes = 64u << 10, \
			    .max_documents = 1,     \
			    .max_nodes = 20000,     \
			    .max_expanded = 40000,  \
			    .max_depth = 64})

/* Contracts in ConfigMaps, as admission reads them: a server has to answer in milliseconds, and anybody who may write a
 * ConfigMap could make it read. max_bytes and max_expanded are of all that are read for one object; a file of a user's
 * own has the limits of files. */
#define TC_LIMITS_CONTRACT                           \
	((struct tc_limits){.max_bytes = 256u << 10, \
			    .max_documents = 1,      \
			    .max_nodes = 20000,      \
			    .max_expanded = 40000,   \
			    .max_depth = 64})

/* An AdmissionReview. The API server takes no object over 3 MiB, and an update brings two of them, the new and the old.
 * Who manages which field (metadata.managedFields) is as long as the object again, and nothing that the stage reads. */
#define TC_LIMITS_REQUEST                              \
	((struct tc_limits){.max_bytes = 7u << 20,     \
			    .max_documents = 1,        \
			    .max_nodes = 600000,       \
			    .max_expanded = 600000,    \
			    .max_depth = 64,           \
			    .unread = "managedFields", \
			    .unread_depth = 4})

#endif
