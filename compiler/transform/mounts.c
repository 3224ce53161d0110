/* The Secret at /app/secrets in every container, and the SPIFFE socket.
 *
 * The volume lists every expected key, credentials included, and is not optional: a Secret without its credentials
 * keeps the pod in ContainerCreating, so a pod starts only with working credentials. */
#include "compiler/transform/workload.h"

static struct tc_node *text_node(struct tc_pod_edit *e, const struct tc_origin *origin, const char *text)
{
	return tc_new_string(e->w->mem, origin, tc_str(text));
}

static void reserved(struct tc_pod_edit *e, const struct tc_node *at, const char *what, const char *name)
{
	struct tc_diag *d = tc_diag(e->w->diags, TC_MSG_RESERVED_NAME, tc_node_pos(at),
				    "%s \"%s\" of the pod is not tentc's, but has a name that tentc uses", what, name);

	tc_diag_help(d, "rename it, or remove it: tentc adds its own");
}

bool tc_is_secrets_path(struct tc_str path)
{
	while (path.len > 1 && path.s[path.len - 1] == '/')
		path.len--;
	return tc_str_is(path, TC_SECRETS_PATH);
}

/* The mount of a container at /app/secrets, as it is in the input. */
static const struct tc_node *secrets_mount(const struct tc_container *c)
{
	const struct tc_node *mounts = tc_get(c->node, "volumeMounts");

	for (const struct tc_node *i = tc_item(mounts); i; i = tc_item_next(i)) {
		if (tc_is_secrets_path(tc_text(tc_get(i, "mountPath"))))
			return tc_deref(i);
	}
	return NULL;
}

static const char *mount_path(struct tc_pod_edit *e, const struct tc_container *c, struct tc_str where)
{
	return tc_ledger_path(e->w->mem, c->path, "volumeMounts", tc_printf(e->w->mem, "[%.*s]", TC_STR_ARG(where)),
			      NULL);
}

/* The volume of the author's that a container mounts at /app/secrets (maybe under our name by now); NULL: none. */
static const struct tc_node *author_volume(struct tc_pod_edit *e, const struct tc_container *c)
{
	const struct tc_node *mount = secrets_mount(c), *name = tc_get(mount, "name"), *was;
	const char *path;

	if (!mount)
		return NULL;
	path = mount_path(e, c, tc_text(tc_get(mount, "mountPath")));
	if (tc_ledger_ours(&e->ledger, path, mount))
		return NULL;
	was = tc_ledger_was(&e->ledger, tc_ledger_path(e->w->mem, path, "name", NULL), name);
	return was ? was : name;
}

static struct tc_diag *taken(struct tc_pod_edit *e, const struct tc_node *at, const char *why)
{
	return tc_diag(e->w->diags, TC_MSG_MOUNT_TAKEN, tc_node_pos(at), "%s is mounted already: %s", TC_SECRETS_PATH,
		       why);
}

/* The name of the author's volume that all containers share at /app/secrets: NULL for none. False, reported, when they
 * differ. */
static bool shared_volume(struct tc_pod_edit *e, const struct tc_node **volume)
{
	*volume = NULL;
	for (size_t i = 0; i < e->ncontainers; i++) {
		const struct tc_node *v = author_volume(e, &e->containers[i]);
		const struct tc_node *mount = v ? secrets_mount(&e->containers[i]) : NULL;

		if (mount && (tc_get(mount, "subPath") || tc_get(mount, "subPathExpr"))) {
			tc_diag_help(taken(e, mount, "with a subPath, which cannot be combined with tentc's files"),
				     "mount it elsewhere");
			return false;
		}
		if (i > 0 && (!v != !*volume || (v && !tc_str_equal(tc_text(v), tc_text(*volume))))) {
			const struct tc_node *at = mount ? mount : e->containers[i].node;

			tc_diag_help(taken(e, at, "not by the same volume in every container"),
				     "mount one volume in all of them, or narrow the containers by %s",
				     TC_ANNOTATION_CONTAINERS);
			return false;
		}
		*volume = v;
	}
	return true;
}

/* secretName becomes name; everything else of a source is kept as it is. */
static void push_source(struct tc_pod_edit *e, struct tc_node *sources, const char *kind, const struct tc_node *source)
{
	const struct tc_origin *origin = e->t->origin;
	struct tc_node *item = tc_new_map(e->w->mem, origin), *copy = tc_new_map(e->w->mem, origin);

	for (struct tc_entry i = tc_first(source); i.key; i = tc_next(i)) {
		struct tc_str key = tc_text(i.key);

		if (tc_str_is(key, "defaultMode"))
			continue;
		tc_put_str(e->w->mem, copy, tc_str_is(key, "secretName") ? TC_STR("name") : key,
			   tc_copy_new(e->w->mem, i.value, origin));
	}
	tc_put(e->w->mem, item, kind, copy);
	tc_push(sources, item);
}

/* The author's source as sources of a projected volume; false when it cannot be one. */
static bool project(struct tc_pod_edit *e, const struct tc_node *volume, struct tc_node *sources,
		    const struct tc_node **mode)
{
	static const char *const kinds[] = {"secret", "configMap", "downwardAPI"};
	const struct tc_node *projected = tc_get(volume, "projected");

	for (size_t i = 0; i < TC_COUNT(kinds); i++) {
		const struct tc_node *source = tc_get(volume, kinds[i]);

		if (!source)
			continue;
		push_source(e, sources, kinds[i], source);
		*mode = tc_get(source, "defaultMode");
		return true;
	}
	if (!projected)
		return false;
	for (const struct tc_node *i = tc_item(tc_get(projected, "sources")); i; i = tc_item_next(i))
		tc_push(sources, tc_copy_new(e->w->mem, i, e->t->origin));
	*mode = tc_get(projected, "defaultMode");
	return true;
}

static struct tc_node *key_items(struct tc_pod_edit *e)
{
	struct tc_node *items = tc_new_seq(e->w->mem, e->t->origin);

	for (size_t i = 0; i < e->t->nkeys; i++) {
		const struct tc_secret_key *key = &e->t->keys[i];
		struct tc_node *item = tc_new_map(e->w->mem, key->origin);

		tc_put(e->w->mem, item, "key", text_node(e, key->origin, key->key));
		tc_put(e->w->mem, item, "path", text_node(e, key->origin, key->key));
		tc_push(items, item);
	}
	return items;
}

/* Our Secret alone, or behind the author's source. NULL, reported, when the author's cannot be combined. */
static struct tc_node *secrets_volume(struct tc_pod_edit *e, const struct tc_node *author)
{
	const struct tc_origin *origin = e->t->origin;
	struct tc_arena *mem = e->w->mem;
	struct tc_node *volume = tc_new_map(mem, origin), *secret = tc_new_map(mem, origin), *projected, *sources,
		       *item;
	struct tc_str name = tc_text(author);
	const struct tc_node *theirs, *mode = NULL;

	tc_put(mem, volume, "name", text_node(e, origin, TC_SECRETS_VOLUME));
	tc_put(mem, secret, author ? "name" : "secretName", text_node(e, origin, e->t->secret_name));
	tc_put(mem, secret, "items", key_items(e));
	if (!author) {
		tc_put(mem, volume, "secret", secret);
		return volume;
	}
	theirs = tc_find(tc_get(e->spec, "volumes"), "name", tc_strndup(mem, name.s, name.len));
	sources = tc_new_seq(mem, origin);
	if (!theirs || !project(e, theirs, sources, &mode)) {
		tc_diag_help(
			taken(e, theirs ? theirs : author,
			      theirs ? "its source is not one that can be projected together with tentc's Secret"
				     : "by a volume that the pod does not have"),
			"mount it elsewhere; secret, configMap, downwardAPI and projected volumes can be combined");
		return NULL;
	}
	projected = tc_new_map(mem, origin);
	item = tc_new_map(mem, origin);
	tc_put(mem, item, "secret", secret);
	tc_push(sources, item);
	tc_put(mem, projected, "sources", sources);
	if (mode)
		tc_put(mem, projected, "defaultMode", tc_copy_new(mem, mode, origin));
	tc_put(mem, volume, "projected", projected);
	return volume;
}

void tc_pod_add_mount(struct tc_pod_edit *e, const struct tc_container *c, const struct tc_origin *origin,
		      const char *volume, const char *where)
{
	struct tc_node *mount = tc_new_map(e->w->mem, origin);

	tc_put(e->w->mem, mount, "name", text_node(e, origin, volume));
	tc_put(e->w->mem, mount, "mountPath", text_node(e, origin, where));
	tc_put(e->w->mem, mount, "readOnly", tc_new_bool(e->w->mem, origin, true));
	if (!tc_pod_item(e, c->node, "volumeMounts", "mountPath", mount_path(e, c, tc_str(where)), mount))
		reserved(e, tc_find(tc_get(c->node, "volumeMounts"), "mountPath", where), "the mount at", where);
}

void tc_pod_add_volume(struct tc_pod_edit *e, struct tc_node *volume)
{
	struct tc_str text = tc_text(tc_get(volume, "name"));
	const char *name = tc_strndup(e->w->mem, text.s, text.len);
	const char *item = tc_printf(e->w->mem, "[%s]", name);

	if (!tc_pod_item(e, e->spec, "volumes", "name", tc_ledger_path(e->w->mem, e->spec_path, "volumes", item, NULL),
			 volume))
		reserved(e, tc_find(tc_get(e->spec, "volumes"), "name", name), "the volume", name);
}

/* The author's mount stays, and points to our volume instead. */
static void redirect_mount(struct tc_pod_edit *e, const struct tc_container *c, const struct tc_node *author)
{
	const struct tc_node *mount = secrets_mount(c), *name = tc_get(mount, "name");
	struct tc_node *ours = text_node(e, e->t->origin, TC_SECRETS_VOLUME);

	if (!tc_is_string(name, TC_SECRETS_VOLUME))
		tc_patch_replace(e->patch, name, ours);
	tc_ledger_record(&e->ledger,
			 tc_ledger_path(e->w->mem, mount_path(e, c, tc_text(tc_get(mount, "mountPath"))), "name", NULL),
			 ours, author);
}

static void mount_secret(struct tc_pod_edit *e)
{
	const struct tc_node *author;
	struct tc_node *volume;

	if (!shared_volume(e, &author))
		return;
	if (author && tc_is_string(author, TC_SECRETS_VOLUME)) {
		reserved(e, author, "the volume", TC_SECRETS_VOLUME);
		return;
	}
	volume = secrets_volume(e, author);
	if (!volume)
		return;
	tc_pod_add_volume(e, volume);
	for (size_t i = 0; i < e->ncontainers; i++) {
		if (author)
			redirect_mount(e, &e->containers[i], author);
		else
			tc_pod_add_mount(e, &e->containers[i], e->t->origin, TC_SECRETS_VOLUME, TC_SECRETS_PATH);
	}
}

static void mount_socket(struct tc_pod_edit *e, const struct tc_dep *dep)
{
	const struct tc_service *s = dep->service;
	const struct tc_origin *origin = tc_dep_origin(e->w->mem, dep, "socket");
	const char *item = tc_printf(e->w->mem, "[%s]", s->csi_volume);
	struct tc_node *volume = tc_new_map(e->w->mem, origin), *csi = tc_new_map(e->w->mem, origin);
	const struct tc_node *there = tc_find(tc_get(e->spec, "volumes"), "name", s->csi_volume);

	tc_put(e->w->mem, volume, "name", text_node(e, origin, s->csi_volume));
	tc_put(e->w->mem, csi, "driver", text_node(e, origin, s->csi_driver));
	tc_put(e->w->mem, csi, "readOnly", tc_new_bool(e->w->mem, origin, true));
	tc_put(e->w->mem, volume, "csi", csi);
	if (!tc_pod_item(e, e->spec, "volumes", "name", tc_ledger_path(e->w->mem, e->spec_path, "volumes", item, NULL),
			 volume) &&
	    !tc_is_string(tc_get_path(there, "csi", "driver", NULL), s->csi_driver))
		reserved(e, there, "the volume", s->csi_volume);
	for (size_t i = 0; i < e->ncontainers; i++)
		tc_pod_add_mount(e, &e->containers[i], origin, s->csi_volume, s->csi_mount);
}

void tc_pod_mount(struct tc_pod_edit *e)
{
	if (e->t->secret_name)
		mount_secret(e);
	for (size_t i = 0; i < e->t->contract->ndeps; i++) {
		const struct tc_dep *dep = &e->t->contract->deps[i];

		if (dep->kind == TC_DEP_PLATFORM && dep->service->csi_driver)
			mount_socket(e, dep);
	}
}
