/* Contracts in ConfigMaps, and the namespaces that they are in. Namespaces and ConfigMaps are watched by different
 * threads, so either may come first: a space is there as long as it is an enclave or holds something. */
#include "webhook/cache_parts.h"

#include "compiler/transform/object.h"

#define OURS "tentacular.io/"

struct space {
	struct tc_map_item item;
	bool enclave, audit;
	unsigned list;
	size_t bytes, count; /* of its contracts */
	char name[];
};

/* What the workflows of some ConfigMaps name: one, unless authors contradict each other. */
struct tentacle {
	struct tc_map_item item;
	struct contract *first;
	char name[]; /* namespace/name */
};

struct contract {
	struct tc_map_item item;
	struct space *space;
	struct tentacle *tentacle; /* NULL: it names none */
	struct contract *next;     /* of the same tentacle */
	bool bare;                 /* it speaks of no contract */
	unsigned list;
	size_t len;
	char *text;
	char name[]; /* namespace/name */
};

struct tc_place_name tc_place_name(const char *ns, const char *name)
{
	struct tc_place_name p = {0};
	int n = snprintf(p.text, sizeof(p.text), "%s/%s", ns, name);

	if (n > 0 && (size_t)n < sizeof(p.text))
		p.len = (size_t)n;
	return p;
}

const char *tc_meta(const json_t *object, const char *field)
{
	const char *text = json_string_value(json_object_get(json_object_get(object, "metadata"), field));

	return text ? text : "";
}

const char *tc_meta_in(const json_t *object, const char *map, const char *key)
{
	return json_string_value(json_object_get(json_object_get(json_object_get(object, "metadata"), map), key));
}

/* --- the text of a ConfigMap, as short as the stage can do with --- */

static json_t *our_annotations(const json_t *object)
{
	json_t *all = json_object_get(json_object_get(object, "metadata"), "annotations"), *ours = json_object(),
	       *value;
	const char *key;

	json_object_foreach(all, key, value)
	{
		if (strncmp(key, OURS, strlen(OURS)) == 0)
			json_object_set(ours, key, value);
	}
	return ours;
}

char *tc_contract_text(const json_t *configmap, const char *contract_key)
{
	json_t *contract = json_object_get(json_object_get(configmap, "data"), contract_key), *brief;
	char *text;

	if (!json_is_string(contract))
		return NULL;
	brief = json_pack("{s:s, s:s, s:{s:s, s:s, s:s, s:o}, s:{s:O}}", "apiVersion", "v1", "kind", "ConfigMap",
			  "metadata", "name", tc_meta(configmap, "name"), "namespace", tc_meta(configmap, "namespace"),
			  "uid", tc_meta(configmap, "uid"), "annotations", our_annotations(configmap), "data",
			  contract_key, contract);
	if (!brief)
		tc_no_memory();
	if (json_is_true(json_object_get(configmap, "immutable")))
		json_object_set_new(brief, "immutable", json_true());
	text = json_dumps(brief, JSON_COMPACT);
	json_decref(brief);
	if (!text)
		tc_no_memory();
	return text;
}

const char *tc_contract_tentacle(struct tc_arena *mem, const json_t *configmap, const char *contract_key)
{
	json_t *contract = json_object_get(json_object_get(configmap, "data"), contract_key);
	struct tc_str text = {json_string_value(contract), json_string_length(contract)};

	return tc_admit_tentacle(mem, text);
}

/* --- namespaces --- */

static struct space *find_space(const struct tc_contracts *c, const char *ns)
{
	return (struct space *)tc_map_get(&c->spaces, tc_str(ns));
}

static struct space *need_space(struct tc_contracts *c, const char *ns)
{
	struct space *s = find_space(c, ns);
	size_t len = strlen(ns);

	if (s)
		return s;
	s = tc_xalloc(sizeof(*s) + len + 1);
	memcpy(s->name, ns, len);
	s->item.key = (struct tc_str){s->name, len};
	tc_map_put(&c->spaces, &s->item);
	return s;
}

static void drop_space(struct tc_map_item *item, void *self)
{
	(void)self;
	free(item);
}

static void label(struct tc_contracts *c, struct space *s, bool enclave)
{
	if (s->enclave == enclave)
		return;
	s->enclave = enclave;
	c->known = enclave ? c->known + s->count : c->known - s->count;
	c->loose_bytes = enclave ? c->loose_bytes - s->bytes : c->loose_bytes + s->bytes;
}

static bool is_idle(const struct tc_map_item *item, void *self)
{
	const struct space *s = (const struct space *)item;

	(void)self;
	return !s->enclave && s->count == 0;
}

static void drop_if_idle(struct tc_contracts *c, struct space *s)
{
	if (is_idle(&s->item, NULL))
		free(tc_map_take(&c->spaces, s->item.key));
}

void tc_contracts_space(struct tc_contracts *c, const char *ns, bool labelled, bool audit, unsigned list)
{
	struct space *s = labelled ? need_space(c, ns) : find_space(c, ns);

	if (!s)
		return;
	label(c, s, labelled);
	s->audit = labelled && audit;
	s->list = list;
	drop_if_idle(c, s);
}

struct listing {
	struct tc_contracts *c;
	unsigned list;
};

static bool unlabel_unseen(const struct tc_map_item *item, void *self)
{
	struct space *s = (struct space *)(uintptr_t)item;
	const struct listing *l = self;

	if (s->enclave && s->list != l->list) {
		label(l->c, s, false);
		s->audit = false;
	}
	return is_idle(item, NULL);
}

void tc_contracts_spaces_listed(struct tc_contracts *c, unsigned list)
{
	struct listing l = {c, list};

	tc_map_sweep(&c->spaces, unlabel_unseen, drop_space, &l);
}

bool tc_contracts_audit(const struct tc_contracts *c, const char *ns)
{
	const struct space *s = find_space(c, ns);

	return s && s->audit;
}

/* --- ConfigMaps --- */

static void count(struct tc_contracts *c, struct space *s, size_t contracts, size_t bytes)
{
	/* Unsigned: what is taken away is added as its negative. */
	s->count += contracts;
	s->bytes += bytes;
	if (s->enclave)
		c->known += contracts;
	else
		c->loose_bytes += bytes;
}

static void name_tentacle(struct tc_contracts *c, struct contract *m, const char *ns, const char *name)
{
	struct tc_place_name p = tc_place_name(ns, name);
	struct contract **end;

	if (p.len == 0)
		return;
	m->tentacle = (struct tentacle *)tc_map_get(&c->tentacles, (struct tc_str){p.text, p.len});
	if (!m->tentacle) {
		m->tentacle = tc_xalloc(sizeof(*m->tentacle) + p.len + 1);
		memcpy(m->tentacle->name, p.text, p.len);
		m->tentacle->item.key = (struct tc_str){m->tentacle->name, p.len};
		tc_map_put(&c->tentacles, &m->tentacle->item);
	}
	/* Ordered by name, so that every replica answers in one order, whatever came first. */
	for (end = &m->tentacle->first; *end && strcmp((*end)->name, m->name) < 0;)
		end = &(*end)->next;
	m->next = *end;
	*end = m;
}

static void unname_tentacle(struct tc_contracts *c, struct contract *m)
{
	struct contract **at;

	if (!m->tentacle)
		return;
	for (at = &m->tentacle->first; *at != m;)
		at = &(*at)->next;
	*at = m->next;
	if (!m->tentacle->first)
		free(tc_map_take(&c->tentacles, m->tentacle->item.key));
}

static void drop_contract(struct tc_map_item *item, void *self)
{
	struct contract *m = (struct contract *)item;
	struct tc_contracts *c = self;

	unname_tentacle(c, m);
	count(c, m->space, (size_t)-1, -m->len);
	drop_if_idle(c, m->space);
	free(m->text);
	free(m);
}

void tc_contracts_remove(struct tc_contracts *c, const char *ns, const char *name)
{
	struct tc_place_name p = tc_place_name(ns, name);
	struct tc_map_item *item = p.len ? tc_map_take(&c->maps, (struct tc_str){p.text, p.len}) : NULL;

	if (item)
		drop_contract(item, c);
}

bool tc_contracts_put(struct tc_contracts *c, const struct tc_contract_want *want, char *text_steal, unsigned list)
{
	struct tc_place_name p = tc_place_name(want->ns, want->name);
	size_t len = strlen(text_steal);
	struct contract *m;
	struct space *s;

	/* The old text goes first, also where the new one finds no room: better unknown than of yesterday. */
	tc_contracts_remove(c, want->ns, want->name);
	s = p.len ? need_space(c, want->ns) : NULL;
	if (!s || (s->enclave ? s->bytes : c->loose_bytes) + len > TC_CACHE_SPACE_BYTES) {
		if (s)
			drop_if_idle(c, s);
		free(text_steal);
		return false;
	}
	m = tc_xalloc(sizeof(*m) + p.len + 1);
	memcpy(m->name, p.text, p.len);
	m->item.key = (struct tc_str){m->name, p.len};
	m->space = s;
	m->list = list;
	m->text = text_steal;
	m->len = len;
	count(c, s, 1, len);
	tc_map_put(&c->maps, &m->item);
	m->bare = want->tentacle && !want->tentacle[0];
	if (want->tentacle && want->tentacle[0])
		name_tentacle(c, m, want->ns, want->tentacle);
	return true;
}

static bool is_unseen(const struct tc_map_item *item, void *self)
{
	const struct listing *l = self;

	return ((const struct contract *)item)->list != l->list;
}

static void drop_unseen(struct tc_map_item *item, void *self)
{
	const struct listing *l = self;

	drop_contract(item, l->c);
}

void tc_contracts_listed(struct tc_contracts *c, unsigned list)
{
	struct listing l = {c, list};

	tc_map_sweep(&c->maps, is_unseen, drop_unseen, &l);
}

static const struct contract *find_contract(const struct tc_contracts *c, const char *ns, const char *name)
{
	struct tc_place_name p = tc_place_name(ns, name);
	const struct contract *m =
		p.len ? (const struct contract *)tc_map_get(&c->maps, (struct tc_str){p.text, p.len}) : NULL;

	return m && m->space->enclave ? m : NULL;
}

bool tc_contracts_get(const struct tc_contracts *c, const char *ns, const char *name, struct tc_str *text)
{
	const struct contract *m = find_contract(c, ns, name);

	if (!m)
		return false;
	*text = (struct tc_str){m->text, m->len};
	return true;
}

const char *tc_contracts_tentacle(const struct tc_contracts *c, const char *ns, const char *name)
{
	const struct contract *m = find_contract(c, ns, name);

	if (!m)
		return NULL;
	return m->bare ? "" : m->tentacle ? m->tentacle->name + strlen(ns) + 1 : NULL;
}

bool tc_contracts_of(const struct tc_contracts *c, const char *ns, const char *tentacle, size_t nth,
		     const char **configmap, struct tc_str *text)
{
	struct tc_place_name p = tc_place_name(ns, tentacle);
	const struct tentacle *t =
		p.len ? (const struct tentacle *)tc_map_get(&c->tentacles, (struct tc_str){p.text, p.len}) : NULL;
	const struct contract *m = t ? t->first : NULL;

	while (m && nth-- > 0)
		m = m->next;
	if (!m || !m->space->enclave)
		return false;
	*configmap = m->name + strlen(ns) + 1;
	if (text)
		*text = (struct tc_str){m->text, m->len};
	return true;
}

void tc_contracts_clear(struct tc_contracts *c)
{
	tc_map_clear(&c->maps, drop_contract, c);
	tc_map_clear(&c->tentacles, drop_space, NULL); /* which is empty by now, but for its slots */
	tc_map_clear(&c->spaces, drop_space, NULL);
}
