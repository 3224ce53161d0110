/* Who holds an identity: objects by kind, namespace and name, and the same ones by namespace and identity, which is
 * another text where a pod's name was generated. */
#include "webhook/cache_parts.h"

#include "compiler/base/arena.h"

struct identity;

struct holder {
	struct tc_map_item item; /* kind/namespace/name */
	struct identity *of;
	struct holder *next; /* of the same identity */
	const char *kind;
	unsigned list;
	bool compiled;
	const char *uid, *created; /* in text */
	char text[];
};

struct identity {
	struct tc_map_item item; /* namespace/identity */
	struct holder *first;
	char text[];
};

/* The longest kind is "StatefulSet". */
struct object_name {
	char text[16 + sizeof(((struct tc_place_name *)0)->text)];
	size_t len;
};

static struct object_name object_name(const char *kind, const char *ns, const char *name)
{
	struct tc_place_name p = tc_place_name(ns, name);
	struct object_name o = {0};

	if (p.len)
		o.len = (size_t)snprintf(o.text, sizeof(o.text), "%s/%s", kind, p.text);
	return o;
}

static struct identity *need_identity(struct tc_holders *h, struct tc_place_name name)
{
	struct identity *i = (struct identity *)tc_map_get(&h->identities, (struct tc_str){name.text, name.len});

	if (i)
		return i;
	i = tc_xalloc(sizeof(*i) + name.len + 1);
	memcpy(i->text, name.text, name.len);
	i->item.key = (struct tc_str){i->text, name.len};
	tc_map_put(&h->identities, &i->item);
	return i;
}

static void drop(struct tc_map_item *item, void *self)
{
	struct holder *o = (struct holder *)item, **at = &o->of->first;
	struct tc_holders *h = self;

	while (*at != o)
		at = &(*at)->next;
	*at = o->next;
	if (!o->of->first)
		free(tc_map_take(&h->identities, o->of->item.key));
	free(o);
}

void tc_holders_remove(struct tc_holders *h, const char *kind, const char *ns, const char *name)
{
	struct object_name n = object_name(kind, ns, name);
	struct tc_map_item *item = n.len ? tc_map_take(&h->objects, (struct tc_str){n.text, n.len}) : NULL;

	if (item)
		drop(item, h);
}

void tc_holders_put(struct tc_holders *h, const struct tc_holder_want *want, unsigned list)
{
	struct object_name n = object_name(want->kind, want->ns, want->name);
	struct tc_place_name identity = tc_place_name(want->ns, want->identity);
	size_t uid = strlen(want->uid) + 1, created = strlen(want->created) + 1;
	struct holder *o;

	tc_holders_remove(h, want->kind, want->ns, want->name);
	if (!n.len || !identity.len)
		return;
	o = tc_xalloc(sizeof(*o) + n.len + 1 + uid + created);
	memcpy(o->text, n.text, n.len + 1);
	o->item.key = (struct tc_str){o->text, n.len};
	o->uid = memcpy(o->text + n.len + 1, want->uid, uid);
	o->created = memcpy(o->text + n.len + 1 + uid, want->created, created);
	o->kind = want->kind;
	o->list = list;
	o->compiled = want->compiled;
	o->of = need_identity(h, identity);
	o->next = o->of->first;
	o->of->first = o;
	tc_map_put(&h->objects, &o->item);
}

bool tc_holders_keep(struct tc_holders *h, const struct tc_holder_want *want, unsigned list)
{
	struct object_name n = object_name(want->kind, want->ns, want->name);
	struct holder *o = n.len ? (struct holder *)tc_map_get(&h->objects, (struct tc_str){n.text, n.len}) : NULL;

	if (!o || !o->compiled || strcmp(o->uid, want->uid) != 0)
		return false;
	o->list = list;
	return true;
}

struct listing {
	struct tc_holders *h;
	const char *kind;
	unsigned list;
};

static bool is_unseen(const struct tc_map_item *item, void *self)
{
	const struct holder *o = (const struct holder *)item;
	const struct listing *l = self;

	return o->kind == l->kind && o->list != l->list;
}

static void drop_unseen(struct tc_map_item *item, void *self)
{
	const struct listing *l = self;

	drop(item, l->h);
}

void tc_holders_listed(struct tc_holders *h, const char *kind, unsigned list)
{
	struct listing l = {h, kind, list};

	tc_map_sweep(&h->objects, is_unseen, drop_unseen, &l);
}

/* Times of RFC 3339 in UTC sort as texts; of two from one second the uid decides, so that every replica says the same.
 */
static bool is_older(const struct holder *a, const struct holder *b)
{
	int order = strcmp(a->created, b->created);

	return order < 0 || (order == 0 && strcmp(a->uid, b->uid) < 0);
}

const char *tc_holders_get(const struct tc_holders *h, const char *ns, const char *identity, const char **uid)
{
	struct tc_place_name name = tc_place_name(ns, identity);
	const struct identity *i =
		name.len ? (const struct identity *)tc_map_get(&h->identities, (struct tc_str){name.text, name.len})
			 : NULL;
	const struct holder *oldest = i ? i->first : NULL;

	for (const struct holder *o = oldest; o; o = o->next) {
		if (is_older(o, oldest))
			oldest = o;
	}
	if (!oldest)
		return NULL;
	*uid = oldest->uid;
	return oldest->kind;
}

void tc_holders_clear(struct tc_holders *h)
{
	tc_map_clear(&h->objects, drop, h);
	free(h->identities.slots);
	h->identities = (struct tc_map){0};
}
