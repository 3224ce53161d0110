#include "tests/property/grants.h"

static void add(struct grants *g, struct tc_arena *mem, const char *line)
{
	tc_grow(mem, g->list, g->count, g->cap);
	g->list[g->count++] = line;
}

struct reading {
	struct grants *g;
	struct tc_arena *mem;
	const struct model *m;
	const struct tc_node *object;
	const char *who; /* enclave/name */
};

static const char *text(struct reading *r, const struct tc_node *n)
{
	struct tc_str t = tc_text(n);

	return tc_strndup(r->mem, t.s ? t.s : "", t.len);
}

static const char *enclave_of(struct reading *r)
{
	const struct tc_node *ns = tc_get_path(r->object, "metadata", "namespace", NULL);

	return ns ? text(r, ns) : r->m->enclave_flag ? r->m->enclave_flag : "";
}

#define LINE(r, ...) add((r)->g, (r)->mem, tc_printf((r)->mem, __VA_ARGS__))

static void read_secret(struct reading *r)
{
	LINE(r, "secret|%s", r->who);
	for (struct tc_entry e = tc_first(tc_get(r->object, "data")); e.key; e = tc_next(e))
		LINE(r, "key|%s|%s", r->who, text(r, e.key));
}

/* A rule's peers and ports, each pair a line. */
static void read_rule(struct reading *r, const struct tc_node *rule)
{
	for (const struct tc_node *i = tc_item(tc_get(rule, "to")); i; i = tc_item_next(i)) {
		const struct tc_node *block = tc_get(i, "ipBlock");
		const struct tc_node *ns =
			tc_get_path(i, "namespaceSelector", "matchLabels", "kubernetes.io/metadata.name", NULL);
		const char *peer = block ? tc_printf(r->mem, "%s%s", text(r, tc_get(block, "cidr")),
						     tc_get(block, "except") ? "!" : "")
					 : tc_printf(r->mem, "ns:%s", ns ? text(r, ns) : "EVERY");

		for (const struct tc_node *p = tc_item(tc_get(rule, "ports")); p; p = tc_item_next(p)) {
			const struct tc_node *protocol = tc_get(p, "protocol");
			uint64_t port = 0;

			(void)tc_as_int(tc_get(p, "port"), 65535, &port);
			LINE(r, "egress|%s|%s|%s/%u", r->who, peer, protocol ? text(r, protocol) : "TCP",
			     (unsigned)port);
		}
	}
}

static void read_policy(struct reading *r)
{
	for (const struct tc_node *i = tc_item(tc_get_path(r->object, "spec", "egress", NULL)); i; i = tc_item_next(i))
		read_rule(r, i);
}

static void read_flag(struct reading *r, const char *container, const char *list)
{
	while (*list) {
		const char *comma = strchr(list, ',');
		size_t n = comma ? (size_t)(comma - list) : strlen(list);

		LINE(r, "net|%s|%s|%.*s", r->who, container, (int)n, list);
		list += n + (comma ? 1 : 0);
	}
}

static void read_container(struct reading *r, const struct tc_node *c)
{
	static const char *const lists[] = {"command", "args"};
	const char *name = text(r, tc_get(c, "name"));

	for (const struct tc_node *i = tc_item(tc_get(c, "volumeMounts")); i; i = tc_item_next(i))
		LINE(r, "mount|%s|%s|%.12s", r->who, name, text(r, tc_get(i, "mountPath")));
	for (const struct tc_node *i = tc_item(tc_get(c, "env")); i; i = tc_item_next(i))
		LINE(r, "env|%s|%s|%s", r->who, name, text(r, tc_get(i, "name")));
	for (size_t k = 0; k < TC_COUNT(lists); k++)
		for (const struct tc_node *i = tc_item(tc_get(c, lists[k])); i; i = tc_item_next(i))
			if (tc_str_starts(tc_text(i), "--allow-net="))
				read_flag(r, name, text(r, i) + strlen("--allow-net="));
}

static void read_items(struct reading *r, const struct tc_node *items)
{
	for (const struct tc_node *i = tc_item(items); i; i = tc_item_next(i))
		LINE(r, "item|%s|%s", r->who, text(r, tc_get(i, "key")));
}

static void read_volume(struct reading *r, const struct tc_node *v)
{
	const char *name = text(r, tc_get(v, "name"));

	LINE(r, "volume|%s|%s", r->who, name);
	if (strcmp(name, "tentacular-exoskeleton") != 0)
		return;
	read_items(r, tc_get_path(v, "secret", "items", NULL));
	for (const struct tc_node *i = tc_item(tc_get_path(v, "projected", "sources", NULL)); i; i = tc_item_next(i))
		if (tc_str_starts(tc_text(tc_get_path(i, "secret", "name", NULL)), "tentacular-exoskeleton-"))
			read_items(r, tc_get_path(i, "secret", "items", NULL));
}

static void read_workload(struct reading *r, const struct tc_node *template)
{
	const struct tc_node *spec = tc_get(template, "spec");

	for (struct tc_entry e = tc_first(tc_get_path(template, "metadata", "labels", NULL)); e.key; e = tc_next(e))
		LINE(r, "label|%s|%s=%s", r->who, text(r, e.key), text(r, e.value));
	for (const struct tc_node *i = tc_item(tc_get(spec, "volumes")); i; i = tc_item_next(i))
		read_volume(r, i);
	for (const struct tc_node *i = tc_item(tc_get(spec, "containers")); i; i = tc_item_next(i))
		read_container(r, i);
	for (const struct tc_node *i = tc_item(tc_get(spec, "initContainers")); i; i = tc_item_next(i))
		read_container(r, i);
}

static const struct tc_node *template_of(const struct tc_node *object)
{
	struct tc_str kind = tc_text(tc_get(object, "kind"));

	if (tc_str_is(kind, "Pod"))
		return object;
	if (tc_str_is(kind, "CronJob"))
		return tc_get_path(object, "spec", "jobTemplate", "spec", "template", NULL);
	return tc_get_path(object, "spec", "template", NULL);
}

static void read_object(struct reading *r, const struct tc_node *object)
{
	const struct tc_node *labels = tc_get_path(object, "metadata", "labels", NULL);
	const struct tc_node *release = tc_get(labels, "tentacular.io/release");
	struct tc_str kind = tc_text(tc_get(object, "kind"));
	const char *name;

	r->object = object;
	name = text(r, tc_get_path(object, "metadata", "name", NULL));
	r->who = tc_printf(r->mem, "%s/%s", enclave_of(r), release ? text(r, release) : name);
	if (tc_str_is(kind, "Secret") && release) {
		read_secret(r);
	} else if (tc_str_is(kind, "NetworkPolicy")) {
		if (!release && strlen(name) > 7)
			r->who = tc_printf(r->mem, "%s/%.*s", enclave_of(r), (int)strlen(name) - 7, name);
		read_policy(r);
	} else if (tc_str_is(kind, "ClusterSPIFFEID")) {
		LINE(r, "spiffe|%s", text(r, tc_get_path(object, "spec", "hint", NULL)));
	} else if (template_of(object)) {
		r->who = tc_printf(r->mem, "%s/%s", enclave_of(r), name);
		read_workload(r, template_of(object));
	}
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

void grants_read(struct grants *g, struct tc_arena *mem, const struct trees *t, const struct model *m)
{
	struct reading r = {.g = g, .mem = mem, .m = m};
	size_t kept = 0;

	*g = (struct grants){0};
	for (size_t i = 0; i < t->count; i++) {
		const struct tc_node *root = t->list[i].root;

		if (!tc_is_string(tc_get(root, "kind"), "List")) {
			read_object(&r, root);
			continue;
		}
		for (const struct tc_node *k = tc_item(tc_get(root, "items")); k; k = tc_item_next(k))
			read_object(&r, tc_deref(k));
	}
	if (g->count)
		qsort(g->list, g->count, sizeof(char *), compare);
	for (size_t i = 0; i < g->count; i++)
		if (!kept || strcmp(g->list[kept - 1], g->list[i]) != 0)
			g->list[kept++] = g->list[i];
	g->count = kept;
}

bool grants_has(const struct grants *g, const char *line)
{
	return g->count && bsearch(&line, g->list, g->count, sizeof(char *), compare);
}
