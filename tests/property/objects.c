#include "tests/property/objects.h"

#include "tests/property/render.h"

static struct tc_node *labels_new(struct builder *b, const char *key, const char *value)
{
	struct tc_node *labels = map_new(b);

	put_text(b, labels, key, value);
	return labels;
}

static struct tc_node *head(struct builder *b, const char *api_version, const char *kind, const char *name,
			    struct tc_node **metadata)
{
	struct tc_node *object = map_new(b);

	*metadata = map_new(b);
	put_text(b, object, "apiVersion", api_version);
	put_text(b, object, "kind", kind);
	put(b, object, "metadata", *metadata);
	put_text(b, *metadata, "name", name);
	if (!b->t->no_namespace)
		put_text(b, *metadata, "namespace", b->t->enclave);
	return object;
}

static void annotate(struct builder *b, struct tc_node *metadata)
{
	const struct model_tentacle *t = b->t;
	struct tc_node *annotations = map_new(b);
	bool empty = rng_chance(&b->rng, 5); /* drawn first: what is drawn may not depend on what is taken away */

	if (t->place == PLACE_ANNOTATION && !t->no_contract)
		put(b, annotations, "tentacular.io/contract", contract_text(b, contract_tree(b)));
	if (t->narrowed) {
		_cleanup_buf_ struct tc_buf names = {0};

		for (size_t i = 0; i < t->ncontainers; i++)
			if (t->containers[i].injected)
				tc_buf_printf(&names, "%s%s", names.len ? ", " : "", t->containers[i].name);
		put_text(b, annotations, "tentacular.io/inject-containers", names.p);
	}
	if (t->epoch >= 0)
		put_text(b, annotations, "tentacular.io/credential-epoch", tc_printf(b->mem, "%d", t->epoch));
	if (t->level)
		put_text(b, annotations, "tentacular.io/level", "1");
	if (rng_chance(&b->rng, 30))
		put_text(b, annotations, "example.org/note", "line one\nline: two\n");
	if (annotations->count || empty)
		put(b, metadata, "annotations", annotations);
	else if (t->annotations_null)
		put(b, metadata, "annotations", tc_new_null(b->mem, NULL));
}

static struct tc_node *source_of(struct builder *b, const char *field, const char *name)
{
	struct tc_node *source = map_new(b), *items = seq_new(b), *item = map_new(b);

	put_text(b, source, field, name);
	put_text(b, item, "key", "api.key");
	put_text(b, item, "path", "api.key");
	tc_push(items, item);
	put(b, source, "items", items);
	if (b->t->seed & 32)
		put(b, source, "optional", tc_new_bool(b->mem, NULL, true));
	return source;
}

static struct tc_node *downward(struct builder *b)
{
	struct tc_node *source = map_new(b), *items = seq_new(b), *item = map_new(b), *ref = map_new(b);

	put_text(b, ref, "fieldPath", "metadata.labels");
	put_text(b, item, "path", "labels");
	put(b, item, "fieldRef", ref);
	tc_push(items, item);
	put(b, source, "items", items);
	return source;
}

static struct tc_node *author_volume(struct builder *b)
{
	struct tc_node *volume = map_new(b), *source, *sources, *one;

	put_text(b, volume, "name", RENDER_AUTHOR_VOLUME);
	switch (b->t->mount) {
	case MOUNT_SECRET:
		source = source_of(b, "secretName", "author-keys");
		if (b->t->seed & 64)
			put(b, source, "defaultMode", tc_new_int(b->mem, NULL, 288));
		put(b, volume, "secret", source);
		break;
	case MOUNT_CONFIGMAP:
		put(b, volume, "configMap", source_of(b, "name", "author-config"));
		break;
	case MOUNT_DOWNWARD:
		put(b, volume, "downwardAPI", downward(b));
		break;
	case MOUNT_PROJECTED:
	case MOUNT_NONE:
		sources = seq_new(b);
		one = map_new(b);
		put(b, one, "secret", source_of(b, "name", "author-keys"));
		tc_push(sources, one);
		source = map_new(b);
		put(b, source, "sources", sources);
		put(b, volume, "projected", source);
		break;
	}
	return volume;
}

static void add_volumes(struct builder *b, struct tc_node *spec)
{
	struct tc_node *volumes = seq_new(b), *volume;

	if (rng_chance(&b->rng, 30)) {
		volume = map_new(b);
		put_text(b, volume, "name", "scratch");
		put(b, volume, "emptyDir", map_new(b));
		tc_push(volumes, volume);
	}
	if (b->t->mount != MOUNT_NONE)
		tc_push(volumes, author_volume(b));
	if (volumes->count || rng_chance(&b->rng, 10))
		put(b, spec, "volumes", volumes);
}

static void add_mounts(struct builder *b, struct tc_node *container)
{
	struct tc_node *mounts = seq_new(b), *mount = map_new(b);

	if (b->t->mount == MOUNT_NONE)
		return;
	put_text(b, mount, "name", RENDER_AUTHOR_VOLUME);
	put_text(b, mount, "mountPath", b->t->seed & 128 ? "/app/secrets" : "/app/secrets/");
	if (b->t->seed & 256)
		put(b, mount, "readOnly", tc_new_bool(b->mem, NULL, true));
	tc_push(mounts, mount);
	put(b, container, "volumeMounts", mounts);
}

static void add_command(struct builder *b, struct tc_node *container, const struct model_container *c)
{
	struct tc_node *list = seq_new(b);

	if (!c->net)
		return;
	tc_push(list, text_new(b, "deno"));
	tc_push(list, text_new(b, "run"));
	tc_push(list, text_new(b, *c->net ? tc_printf(b->mem, "--allow-net=%s", c->net) : "--allow-net="));
	tc_push(list, text_new(b, "--allow-read"));
	tc_push(list, text_new(b, "main.ts"));
	put(b, container, c->in_command ? "command" : "args", list);
}

static struct tc_node *container_new(struct builder *b, const struct model_container *c)
{
	struct tc_node *n = map_new(b), *resources = map_new(b), *limits = map_new(b), *env = seq_new(b),
		       *v = map_new(b);

	put_text(b, n, "name", c->name);
	put_text(b, n, "image", "registry.example/app:1.2");
	add_command(b, n, c);
	if (rng_chance(&b->rng, 40)) {
		put_text(b, v, "name", "LOG_LEVEL");
		put_text(b, v, "value", rng_chance(&b->rng, 50) ? "debug" : "1");
		tc_push(env, v);
		put(b, n, "env", env);
	}
	if (rng_chance(&b->rng, 60)) {
		put_text(b, limits, "cpu", "500m");
		put_text(b, limits, "memory", "1Gi");
		put(b, resources, "limits", limits);
		put(b, resources, "requests", tc_copy_new(b->mem, limits, NULL));
		put(b, n, "resources", resources);
	}
	if (c->injected)
		add_mounts(b, n);
	return n;
}

static struct tc_node *pod_spec(struct builder *b)
{
	const struct model_tentacle *t = b->t;
	struct tc_node *spec = map_new(b), *containers = seq_new(b), *inits = seq_new(b);

	for (size_t i = 0; i < t->ncontainers; i++)
		tc_push(t->containers[i].init ? inits : containers, container_new(b, &t->containers[i]));
	if (inits->count)
		put(b, spec, "initContainers", inits);
	put(b, spec, "containers", containers);
	if (t->host_network)
		put(b, spec, "hostNetwork", tc_new_bool(b->mem, NULL, true));
	add_volumes(b, spec);
	return spec;
}

static struct tc_node *pod_labels(struct builder *b)
{
	struct tc_node *labels = labels_new(b, "app", b->t->name);

	if (b->t->release_label)
		put_text(b, labels, "tentacular.io/release", b->t->name);
	return labels;
}

static struct tc_node *template_new(struct builder *b)
{
	struct tc_node *template = map_new(b), *metadata = map_new(b);

	if (b->t->release_label || b->t->shared_labels || rng_chance(&b->rng, 80)) {
		put(b, metadata, "labels", pod_labels(b));
		put(b, template, "metadata", metadata);
	}
	put(b, template, "spec", pod_spec(b));
	return template;
}

struct tc_node *object_workload(struct builder *b)
{
	const struct model_tentacle *t = b->t;
	const struct model_kind *kind = &model_kinds[t->kind];
	struct tc_node *metadata, *object = head(b, kind->api_version, kind->kind, t->name, &metadata),
				  *spec = map_new(b), *selector, *job;

	annotate(b, metadata);
	if (strcmp(kind->kind, "Pod") == 0) {
		if (t->release_label || rng_chance(&b->rng, 70))
			put(b, metadata, "labels", pod_labels(b));
		put(b, object, "spec", pod_spec(b));
		return object;
	}
	put(b, object, "spec", spec);
	if (strcmp(kind->kind, "CronJob") == 0) {
		put_text(b, spec, "schedule", "0 3 * * *");
		job = map_new(b);
		put(b, spec, "jobTemplate", job);
		spec = map_new(b);
		put(b, job, "spec", spec);
	} else if (strcmp(kind->kind, "Job") != 0) {
		selector = map_new(b);
		put(b, selector, "matchLabels", t->shared_labels ? pod_labels(b) : labels_new(b, "app", t->name));
		put(b, spec, "selector", selector);
	}
	put(b, spec, "template", template_new(b));
	return object;
}

struct tc_node *object_configmap(struct builder *b)
{
	const struct model_tentacle *t = b->t;
	struct tc_node *metadata,
		*data = map_new(b),
		*object = head(b, "v1", "ConfigMap", tc_printf(b->mem, "%s-code", t->name), &metadata);

	if (t->annotations_null)
		put(b, metadata, "annotations", tc_new_null(b->mem, NULL));
	put(b, object, "data", data);
	if (t->seed & 512)
		put_text(b, data, "nodes__fetch.ts", "export default async () => 1;\n");
	put(b, data, "workflow.yaml", contract_text(b, object_workflow(b)));
	if (t->seed & 1024)
		put_text(b, data, "deno.json", "{\"imports\": {}}\n");
	return object;
}

static struct tc_node *author_rule(struct builder *b, const char *ns, unsigned port, bool protocol)
{
	struct tc_node *rule = map_new(b), *to = seq_new(b), *peer = map_new(b), *selector = map_new(b),
		       *ports = seq_new(b), *p = map_new(b);

	put(b, p, "port", tc_new_int(b->mem, NULL, port));
	if (protocol)
		put_text(b, p, "protocol", "TCP");
	tc_push(ports, p);
	put(b, rule, "ports", ports);
	put(b, selector, "matchLabels", labels_new(b, "kubernetes.io/metadata.name", ns));
	put(b, peer, "namespaceSelector", selector);
	tc_push(to, peer);
	put(b, rule, "to", to);
	return rule;
}

struct tc_node *object_policy(struct builder *b)
{
	const struct model_tentacle *t = b->t;
	struct tc_node *metadata, *object, *spec = map_new(b), *types = seq_new(b), *egress = seq_new(b),
					   *selector = map_new(b);

	if (t->policy == POLICY_NONE)
		return NULL;
	object = head(b, "networking.k8s.io/v1", "NetworkPolicy", tc_printf(b->mem, "%s-netpol", t->name), &metadata);
	put(b, object, "spec", spec);
	if (t->policy == POLICY_WIDER)
		put(b, selector, "matchLabels", labels_new(b, "app", t->name));
	else
		put(b, selector, "matchLabels", labels_new(b, "tentacular.io/release", t->name));
	put(b, spec, "podSelector", selector);
	tc_push(types, text_new(b, "Ingress"));
	if (t->policy != POLICY_INGRESS) {
		tc_push(types, text_new(b, "Egress"));
		if (t->policy_has_postgres)
			tc_push(egress, author_rule(b, "tentacular-system", 5432, t->seed & 2048));
		if (t->seed & 4096)
			tc_push(egress, author_rule(b, "monitoring", 9090, true));
		if (egress->count || t->seed & 8192)
			put(b, spec, "egress", egress);
	}
	put(b, spec, "policyTypes", types);
	return object;
}

struct tc_node *object_noise(struct builder *b)
{
	static const char *const kinds[] = {"Service", "ServiceAccount", "Deployment", "Secret", "ConfigMap"};
	const char *kind = kinds[rng_below(&b->rng, (unsigned)TC_COUNT(kinds))];
	struct tc_node *metadata, *object, *spec = map_new(b);

	object = head(b, strcmp(kind, "Deployment") == 0 ? "apps/v1" : "v1", kind,
		      tc_printf(b->mem, "noise-%u", (unsigned)(rng_next(&b->rng) % 100000)), &metadata);
	if (strcmp(kind, "ConfigMap") == 0) {
		put_text(b, spec, "workflow.yaml", "name: none\nnodes: {}\n");
		put(b, object, "data", spec);
	} else if (strcmp(kind, "Deployment") == 0 || strcmp(kind, "Service") == 0) {
		put(b, spec, "selector", labels_new(b, "app", "noise"));
		put(b, spec, "replicas", tc_new_int(b->mem, NULL, 2));
		put(b, object, "spec", spec);
	}
	return object;
}
