/* The Service Binding layout (servicebinding.io, specification 1.1, "Workload Projection"): one folder a service below
 * SERVICE_BINDING_ROOT, one file an entry. The files are those of the tentacle's Secret. */
#include "compiler/transform/workload.h"

static struct tc_node *binding_items(struct tc_pod_edit *e)
{
	struct tc_arena *mem = e->w->mem;
	struct tc_node *items = tc_new_seq(mem, e->t->origin);

	for (size_t i = 0; i < e->t->nkeys; i++) {
		const struct tc_secret_key *key = &e->t->keys[i];
		struct tc_node *item;

		if (!key->binding)
			continue;
		item = tc_new_map(mem, key->origin);
		tc_put(mem, item, "key", tc_new_string(mem, key->origin, tc_str(key->key)));
		tc_put(mem, item, "path", tc_new_string(mem, key->origin, tc_str(key->binding)));
		tc_push(items, item);
	}
	return items;
}

void tc_pod_bindings(struct tc_pod_edit *e)
{
	const struct tc_origin *origin = e->t->origin;
	struct tc_arena *mem = e->w->mem;
	struct tc_node *volume, *secret;

	if (!e->w->stage->config->bindings || !e->t->secret_name)
		return;
	volume = tc_new_map(mem, origin);
	secret = tc_new_map(mem, origin);
	tc_put(mem, volume, "name", tc_new_string(mem, origin, TC_STR(TC_BINDINGS_VOLUME)));
	tc_put(mem, secret, "secretName", tc_new_string(mem, origin, tc_str(e->t->secret_name)));
	tc_put(mem, secret, "items", binding_items(e));
	tc_put(mem, volume, "secret", secret);
	tc_pod_add_volume(e, volume);
	for (size_t i = 0; i < e->ncontainers; i++) {
		tc_pod_add_mount(e, &e->containers[i], origin, TC_BINDINGS_VOLUME, TC_BINDINGS_PATH);
		tc_pod_add_variable(e, &e->containers[i], origin, TC_BINDINGS_VARIABLE, TC_BINDINGS_PATH);
	}
}
