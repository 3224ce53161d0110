/* objects.h - the Kubernetes objects of a model, as trees. */
#ifndef TC_PROPERTY_OBJECTS_H
#define TC_PROPERTY_OBJECTS_H

#include "compiler/contract/config.h"
#include "compiler/tree/node.h"
#include "tests/property/model.h"

struct builder {
	struct tc_arena *mem;
	const struct model *m;
	const struct model_tentacle *t;
	const struct tc_config *config;
	struct rng rng;
	bool json; /* the file's format */
};

struct tc_node *object_workload(struct builder *b);
struct tc_node *object_configmap(struct builder *b);
struct tc_node *object_workflow(struct builder *b); /* bare, or inside of a ConfigMap */
struct tc_node *object_policy(struct builder *b);   /* NULL: none */
struct tc_node *object_noise(struct builder *b);

/* The contract itself, and the text of an annotation or an entry. */
struct tc_node *contract_tree(struct builder *b);
struct tc_node *contract_text(struct builder *b, const struct tc_node *tree);

/* Shorthands. */
struct tc_node *map_new(struct builder *b);
struct tc_node *seq_new(struct builder *b);
void put(struct builder *b, struct tc_node *map, const char *key, struct tc_node *value);
void put_text(struct builder *b, struct tc_node *map, const char *key, const char *text);
struct tc_node *text_new(struct builder *b, const char *text);

#endif
