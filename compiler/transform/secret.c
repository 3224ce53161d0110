/* The Secret of a tentacle: connection fields, and credentials where there is a root key. */
#include "compiler/transform/tentacle.h"

#include "compiler/contract/identity.h"
#include "compiler/tree/emit.h"

static void add_key(struct tc_work *w, struct tc_tentacle *t, size_t *cap, struct tc_secret_key key)
{
	tc_grow(w->mem, t->keys, t->nkeys, *cap);
	t->keys[t->nkeys++] = key;
}

/* The value as it is in the enriched contract: the author's spelling of a protocol counts. */
static const char *contract_value(struct tc_work *w, const struct tc_tentacle *t, const char *dep, const char *field)
{
	struct tc_str text = tc_text(tc_get_path(t->enriched, "dependencies", dep, field, NULL));

	return text.len ? tc_strndup(w->mem, text.s, text.len) : NULL;
}

/* The name of a field among the well-known entries of a Service Binding. */
static const char *binding_entry(const char *field)
{
	return strcmp(field, "user") == 0 ? "username" : field;
}

static void dep_keys(struct tc_work *w, struct tc_tentacle *t, size_t *cap, const struct tc_dep *dep)
{
	struct tc_subject subject = tc_subject_of(w, t, dep->config);
	const char *name = tc_strndup(w->mem, dep->name.s, dep->name.len);

	for (const struct tc_value *row = dep->service->values; row->name; row++) {
		struct tc_secret_key key = {.key = tc_join(w->mem, dep->name, '.', row->name),
					    .credential = row->flags & TC_V_CREDENTIAL};

		if (!(row->flags & TC_V_SECRET))
			continue;
		if (!key.credential || subject.keys)
			key.value = tc_value_of(&subject, row);
		if (!key.credential && !key.value)
			continue;
		/* No Secret is made in admission: there only the names count. */
		if ((row->flags & TC_V_CONTRACT) && !w->stage->edits_only) {
			const char *written = contract_value(w, t, name, row->name);

			key.value = written ? written : key.value;
		}
		key.origin = tc_dep_origin(w->mem, dep, row->name);
		if (w->stage->config->bindings)
			key.binding = tc_join(w->mem, dep->name, '/', binding_entry(row->name));
		add_key(w, t, cap, key);
	}
	if (w->stage->config->bindings)
		add_key(w, t, cap,
			(struct tc_secret_key){.key = tc_join(w->mem, dep->name, '.', "type"),
					       .value = dep->service->binding_type,
					       .binding = tc_join(w->mem, dep->name, '/', "type"),
					       .origin = tc_dep_origin(w->mem, dep, "type")});
}

void tc_secret_keys(struct tc_work *w, struct tc_tentacle *t)
{
	_cleanup_buf_ struct tc_buf text = {0};
	size_t cap = 0;

	if (!t->secret_name)
		return;
	for (size_t i = 0; i < t->contract->ndeps; i++) {
		if (t->contract->deps[i].kind == TC_DEP_PLATFORM)
			dep_keys(w, t, &cap, &t->contract->deps[i]);
	}
	/* The annotation is Git's and never rewritten: the pod reads the enriched contract from the Secret. */
	if (t->places[0]->kind != TC_PLACE_ANNOTATION)
		return;
	if (!w->stage->edits_only &&
	    tc_emit_verified(&text, t->enriched, (struct tc_emit){.format = TC_YAML}, w->err) < 0)
		return; /* unreachable: only a bug of the emitter fails */
	add_key(w, t, &cap,
		(struct tc_secret_key){.key = "contract.yaml",
				       .value = text.p ? tc_strndup(w->mem, text.p, text.len) : NULL,
				       .origin = t->origin});
}

void tc_transform_secret(struct tc_work *w, struct tc_tentacle *t)
{
	struct tc_arena_mark mark = tc_arena_mark(w->mem);
	struct tc_node *secret, *data;

	if (!t->secret_name)
		return;
	secret = tc_new_object(w, t, "v1", "Secret", t->secret_name, t->enclave, t->origin);
	data = tc_new_map(w->mem, t->origin);
	tc_put(w->mem, secret, "type", tc_new_string(w->mem, t->origin, TC_STR("Opaque")));
	tc_put(w->mem, secret, "data", data);
	for (size_t i = 0; i < t->nkeys; i++) {
		const struct tc_secret_key *key = &t->keys[i];
		struct tc_node *value;

		if (!key->value)
			continue;
		value = tc_new_string(w->mem, key->origin, tc_str(tc_base64(w->mem, tc_str(key->value))));
		if (key->credential) {
			value->flags |= TC_NODE_SECRET;
		} else {
			_cleanup_buf_ struct tc_buf comment = {0};

			tc_emit_json_string(&comment, tc_str(key->value));
			value->comment = tc_strndup(w->mem, comment.p, comment.len);
		}
		tc_put(w->mem, data, key->key, value);
	}
	tc_place_object(w, t, TC_ROLE_SECRET, secret, mark);
}
