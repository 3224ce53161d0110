#include "tests/property/model.h"

const struct model_kind model_kinds[] = {
	{"Deployment", "apps/v1"}, {"StatefulSet", "apps/v1"}, {"DaemonSet", "apps/v1"},
	{"Job", "batch/v1"},       {"CronJob", "batch/v1"},    {"Pod", "v1"},
};

static const char *pick(struct rng *r, const char *const *list, size_t n)
{
	return list[rng_below(r, (unsigned)n)];
}
#define PICK(r, list) pick((r), (list), TC_COUNT(list))

static const char *const outside_hosts[] = {"api.github.com", "example.org", "hooks.slack.example",
					    "API.Stripe.example", "api.github.com."};
static const char *const inside_hosts[] = {"db." MODEL_SHARED_NAMESPACE ".svc",
					   "cache.deep." MODEL_SHARED_NAMESPACE ".svc.cluster.local"};
static const char *const addresses[] = {"203.0.113.7", "2001:db9::7", "198.100.0.1"};
static const char *const blocks[] = {"203.0.112.0/24", "0.0.0.0/0", "::/0", "10.20.30.0/24", "8.8.8.8/32"};
static const struct {
	const char *name;
	unsigned port;
} protocols[] = {{"https", 443}, {"http", 80}, {"postgresql", 5432}, {"redis", 6379}, {"kafka", 9092}, {"grpc", 443}};

static void draw_own(struct model *m, struct rng *r, struct model_dep *d)
{
	static const char *const modules[] = {"jsr", "npm"};
	unsigned p = rng_below(r, (unsigned)TC_COUNT(protocols));

	d->kind = (enum dep_kind)(DEP_OUTSIDE + rng_below(r, 6));
	d->extension = rng_chance(r, 30);
	d->port = protocols[p].port;
	d->protocol = protocols[p].name;
	d->form = FORM_FIELDS;
	switch (d->kind) {
	case DEP_OUTSIDE:
		d->host = PICK(r, outside_hosts);
		break;
	case DEP_ADDRESS:
		d->host = PICK(r, addresses);
		break;
	case DEP_INSIDE:
		d->host = PICK(r, inside_hosts);
		break;
	case DEP_BLOCK:
		d->cidr = PICK(r, blocks);
		d->protocol = NULL;
		break;
	case DEP_MODULES:
		d->protocol = PICK(r, modules);
		break;
	case DEP_OPAQUE:
		d->protocol = NULL;
		d->form = (enum dep_form)rng_below(r, 4);
		d->extension = d->form == FORM_FIELDS;
		break;
	case DEP_PLATFORM:
		break;
	}
	if (rng_chance(r, 30) || d->kind == DEP_BLOCK) {
		d->write_port = true;
		d->port = 1 + rng_below(r, 65535);
		if (d->kind < DEP_BLOCK && rng_chance(r, 30))
			d->protocol = rng_chance(r, 50) ? NULL : "xmpp";
	}
	d->name = tc_printf(m->mem, "%s-%u", rng_chance(r, 80) ? "own" : "yes", rng_below(r, 1000));
}

static void draw_platform(struct rng *r, struct model_dep *d)
{
	size_t accepted = 0;

	d->kind = DEP_PLATFORM;
	d->name = d->service->alias && rng_chance(r, 30) ? d->service->alias : d->service->dependency;
	d->form = rng_chance(r, 50) ? FORM_ABSENT : (enum dep_form)rng_below(r, 4);
	if (d->form != FORM_FIELDS)
		return;
	while (d->service->protocols[accepted])
		accepted++;
	if (rng_chance(r, 60))
		d->protocol = d->service->protocols[rng_below(r, (unsigned)accepted)];
	if (rng_chance(r, 40))
		d->fields = rng_below(r, 256);
	d->own_fields = d->fields != 0;
	d->consumes = d->service->consumes && rng_chance(r, 40);
	d->extension = rng_chance(r, 10);
	if (!d->protocol && !d->fields && !d->consumes && !d->extension)
		d->form = FORM_NULL;
}

static bool name_taken(const struct model_tentacle *t, const char *name)
{
	for (size_t i = 0; i < t->ndeps; i++)
		if (strcmp(t->deps[i].name, name) == 0)
			return true;
	return false;
}

static void draw_deps(struct model *m, struct rng *r, struct model_tentacle *t)
{
	bool asked[4] = {false};
	unsigned n = rng_below(r, 6);

	for (unsigned i = 0; i < n; i++) {
		struct model_dep d = {0};
		unsigned s = rng_below(r, 4);

		if (rng_chance(r, 60)) {
			if (asked[s] || !m->config.services[s].enabled)
				continue;
			asked[s] = true;
			d.service = tc_services[s];
			draw_platform(r, &d);
		} else {
			draw_own(m, r, &d);
		}
		if (!name_taken(t, d.name))
			t->deps[t->ndeps++] = d;
	}
	t->extra = rng_chance(r, 20);
}

static void draw_containers(struct model *m, struct rng *r, struct model_tentacle *t)
{
	static const char *const nets[] = {"", "deno.land", "deno.land,api.github.com:443",
					   "example.org,203.0.113.7:443"};
	unsigned n = 1 + rng_below(r, 3);
	bool any = false;

	for (unsigned i = 0; i < n; i++) {
		struct model_container *c = &t->containers[t->ncontainers++];

		c->name = tc_printf(m->mem, "c%u", i);
		c->init = i > 0 && rng_chance(r, 30);
		c->injected = true;
		c->net = rng_chance(r, 30) ? PICK(r, nets) : NULL;
		c->in_command = rng_chance(r, 50);
	}
	t->narrowed = rng_chance(r, 20);
	for (unsigned i = 0; i < n && t->narrowed; i++) {
		t->containers[i].injected = rng_chance(r, 60);
		any = any || t->containers[i].injected;
	}
	if (t->narrowed && !any)
		t->containers[0].injected = true;
	t->mount = rng_chance(r, 30) ? (enum author_mount)(1 + rng_below(r, 4)) : MOUNT_NONE;
}

static void draw_names(struct model *m, struct rng *r, struct model_tentacle *t, size_t nth)
{
	static const char *const enclaves[] = {"demo", "a-b", "team1", "prod", "on"};
	static const char *const names[] = {"shop",       "b-c",
					    "myworkflow", "x",
					    "null",       "0x1f",
					    "007",        "a-name-that-is-long-so-that-roles-are-cut-by-their-hash0"};

	t->enclave = m->enclave_flag ? m->enclave_flag : PICK(r, enclaves);
	t->no_namespace = m->enclave_flag && rng_chance(r, 50);
	t->name = tc_printf(m->mem, "%s%s", PICK(r, names), nth == 0 ? "" : nth == 1 ? "-2" : "-3");
}

static void draw_tentacle(struct model *m, struct rng *r, size_t nth)
{
	struct model_tentacle *t = &m->tentacles[nth];

	t->seed = rng_next(r);
	draw_names(m, r, t, nth);
	t->place = (enum place)rng_below(r, m->enclave_flag ? 3 : 2);
	t->kind = t->place == PLACE_BARE || (t->place == PLACE_CONFIGMAP && rng_chance(r, 15))
			  ? -1
			  : (int)rng_below(r, MODEL_KINDS);
	if (t->place == PLACE_BARE && rng_chance(r, 30))
		t->kind = (int)rng_below(r, MODEL_KINDS);
	t->style = (enum text_style)rng_below(r, 4);
	if (rng_chance(r, 40))
		t->style = TEXT_LITERAL;
	t->code_name = t->place == PLACE_CONFIGMAP && rng_chance(r, 30);
	draw_deps(m, r, t);
	draw_containers(m, r, t);
	if (rng_chance(r, 40))
		t->policy = (enum author_policy)(1 + rng_below(r, 3));
	t->policy_has_postgres = rng_chance(r, 50);
	t->epoch = rng_chance(r, 20) ? (int)rng_below(r, 3) : -1;
	t->level = rng_chance(r, 20);
	t->release_label = rng_chance(r, 20);
	t->host_network = rng_chance(r, 10);
	t->shared_labels = rng_chance(r, 30);
	t->annotations_null = rng_chance(r, 10);
	t->file = rng_below(r, m->nfiles);
}

void model_draw(struct model *m, struct tc_arena *mem, uint64_t seed)
{
	struct rng r = {.s = seed * 0x2545f4914f6cdd1du + 1};

	*m = (struct model){.seed = seed, .mem = mem};
	m->config = rng_chance(&r, 30) ? model_config_draw(&(struct rng){.s = 0}) : model_config_draw(&r);
	m->enclave_flag = rng_chance(&r, 50) ? "demo" : NULL;
	m->keys = rng_chance(&r, 40);
	m->nfiles = 1 + rng_below(&r, MODEL_FILES_MAX);
	for (unsigned i = 0; i < m->nfiles; i++)
		m->files[i] = (struct model_file){.json = rng_chance(&r, 15),
						  .crlf = rng_chance(&r, 10),
						  .list = rng_chance(&r, 20),
						  .bom = rng_chance(&r, 5),
						  .noise = rng_chance(&r, 50),
						  .seed = rng_next(&r)};
	m->ntentacles = 1 + rng_below(&r, MODEL_TENTACLES_MAX);
	for (size_t i = 0; i < m->ntentacles; i++)
		draw_tentacle(m, &r, i);
}

struct model_config model_config_draw(struct rng *r)
{
	static const char *const modes[] = {"contract", "contract", "services", "off"};
	static const char *const databases[] = {"tentacular", "data-{enclave}", "my db"};
	struct model_config c = {.database = "tentacular",
				 .mode = "contract",
				 .key_id = "k1",
				 .trust_domain = "tentacular.local"};
	bool plain = r->s == 0;

	for (unsigned i = 0; i < 4; i++) {
		c.services[i] = (struct model_service){.enabled = true,
						       .host = tc_services[i]->host,
						       .port = tc_services[i]->port};
		if (plain || !tc_services[i]->host)
			continue;
		c.services[i].enabled = i == 0 || rng_chance(r, 85);
		if (rng_chance(r, 20))
			c.services[i].pod_port = 10000 + rng_below(r, 100);
	}
	if (plain)
		return c;
	c.services[3].enabled = rng_chance(r, 85);
	if (rng_chance(r, 30)) {
		c.services[1].host = "s3.outside.example";
		c.services[1].outside = true;
	}
	if (rng_chance(r, 30))
		c = model_config_moved(c, r);
	c.database = PICK(r, databases);
	c.mode = PICK(r, modes);
	c.full = rng_chance(r, 30);
	c.proxy = rng_chance(r, 30);
	c.pod_labels = rng_chance(r, 30);
	c.default_deny = rng_chance(r, 30);
	c.single_subject = rng_chance(r, 20);
	c.other_key = rng_chance(r, 20);
	c.key_id = c.other_key ? "k2" : "k1";
	c.trust_domain = rng_chance(r, 30) ? "{enclave}.example.org" : c.trust_domain;
	return c;
}

struct model_config model_config_moved(struct model_config c, struct rng *r)
{
	static const char *const hosts[] = {"pg.data.svc", "pg.elsewhere.example", "192.0.2.44",
					    "pg2.tentacular-system.svc"};
	unsigned n = rng_below(r, 4);
	struct model_service *s = &c.services[0];

	if (strcmp(s->host, hosts[n]) == 0)
		n = (n + 1) % 4;
	s->host = hosts[n];
	s->outside = n == 1;
	s->port = 5000 + rng_below(r, 1000);
	s->pod_port = rng_chance(r, 30) ? 6000 + rng_below(r, 1000) : 0;
	return c;
}

static void service_text(struct tc_buf *b, const struct model_service *s, const struct tc_service *service,
			 const struct model_config *c)
{
	tc_buf_printf(b, "  %s:\n    enabled: %s\n", service->key, s->enabled ? "true" : "false");
	if (service->host) {
		tc_buf_printf(b, "    host: \"%s\"\n    port: %u\n", s->host, s->port);
		if (s->outside || s->pod_port || c->pod_labels)
			tc_buf_puts(b, "    network:\n");
		if (s->outside)
			tc_buf_puts(b, "      cidrs: [198.51.100.0/24]\n");
		if (s->pod_port)
			tc_buf_printf(b, "      podPort: %u\n", s->pod_port);
		if (c->pod_labels)
			tc_buf_printf(b, "      podLabels: {app: \"%s\"}\n", service->key);
	}
}

const char *model_config_text(struct tc_arena *mem, const struct model_config *c)
{
	_cleanup_buf_ struct tc_buf b = {0};

	tc_buf_puts(&b, "apiVersion: tentacular.io/v1alpha1\nkind: ExoskeletonConfig\n");
	tc_buf_printf(&b, "credentials: {keyId: %s}\ncontract: {detail: %s}\n", c->key_id,
		      c->full ? "full" : "standard");
	tc_buf_puts(&b, "network:\n  allowedNamespaces: [" MODEL_SHARED_NAMESPACE
			"]\n  allowedCidrs: [" MODEL_ALLOWED_CIDR "]\n");
	tc_buf_printf(&b, "networkPolicy:\n  mode: \"%s\"\n  defaultDeny: %s\n", c->mode,
		      c->default_deny ? "true" : "false");
	if (c->proxy)
		tc_buf_puts(&b, "  moduleProxy: {host: modules.tentacular-system.svc, port: 8443}\n");
	tc_buf_puts(&b, "services:\n");
	for (unsigned i = 0; i < 4; i++) {
		service_text(&b, &c->services[i], tc_services[i], c);
		if (i == 0)
			tc_buf_printf(&b, "    database: \"%s\"\n", c->database);
		if (i == 2)
			tc_buf_printf(&b, "    subjects: %s\n", c->single_subject ? "single" : "all");
		if (i == 3)
			tc_buf_printf(&b, "    trustDomain: \"%s\"\n", c->trust_domain);
	}
	return tc_strndup(mem, b.p, b.len);
}
