#include "webhook/publish.h"

#include <time.h>

#include "webhook/publish_state.h"

#define TRIES 5
#define AGAIN_MAX 60
/* How long an announced CA has to stand in the caBundle before a leaf of it is served. API servers hear of it by their
 * watch of webhook configurations, in milliseconds as a rule; nothing tells when the last one has. */
#define SETTLE_MS 5000
#define FIELD_MANAGER "tentc-certs"

struct tc_publish {
	struct tc_arena *mem;
	struct tc_publish_conf conf;
	char next[65];           /* fingerprint of the next CA that the caBundle was seen to hold, */
	int64_t next_since;      /* and since when; milliseconds of a clock that never goes back */
	char served_ca[65];      /* fingerprint of the CA of what is served */
	struct tc_buf announced; /* what the caBundle held when a step was done; nothing where there was no entry */
	bool bundle_ok;
	bool clock_said, absent_said;
};

static int64_t monotonic_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

struct tc_publish *tc_publish_new(const struct tc_publish_conf *conf)
{
	struct tc_publish *p = tc_xalloc(sizeof(*p));
	const char **names;

	p->mem = tc_arena_new(1024);
	p->conf = *conf;
	p->conf.ns = tc_strdup(p->mem, conf->ns);
	p->conf.secret = tc_strdup(p->mem, conf->secret);
	p->conf.webhook = conf->webhook ? tc_strdup(p->mem, conf->webhook) : NULL;
	p->conf.names = names = tc_alloc(p->mem, conf->nnames * sizeof(*names));
	for (size_t i = 0; i < conf->nnames; i++)
		names[i] = tc_strdup(p->mem, conf->names[i]);
	if (p->conf.lifetime <= 0)
		p->conf.lifetime = TC_PUBLISH_LIFETIME;
	if (!p->conf.clock_ms)
		p->conf.clock_ms = monotonic_ms;
	return p;
}

void tc_publish_free(struct tc_publish *p)
{
	if (!p)
		return;
	tc_arena_free(p->mem);
	tc_buf_free(&p->announced);
	free(p);
}

static int64_t settle_ms(const struct tc_publish *p)
{
	int64_t part = p->conf.lifetime * 1000 / 20;

	return part < SETTLE_MS ? part : SETTLE_MS;
}

/* --- one step: what was read, and what follows -----------------------------------------------------------------------
 */

struct step {
	struct tc_publish *p;
	struct tc_kube *k;
	struct tc_serving *serving;
	struct tc_log *log;
	struct tc_arena *mem;
	int64_t now, ms;
	json_t *config, *secret; /* NULL: not there */
	struct tc_bundles bundles;
	struct tc_certs certs;
	bool soon; /* something is on its way */
};

static void step_close(struct step *s)
{
	json_decref(s->config);
	tc_secret_drop(s->secret);
	tc_certs_free(&s->certs);
	s->config = s->secret = NULL;
}

static int64_t parse_time(const char *text)
{
	struct tm tm = {0};
	const char *end = text ? strptime(text, "%Y-%m-%dT%H:%M:%S", &tm) : NULL;

	return end ? (int64_t)timegm(&tm) : 0;
}

/* The API server's time: a question that everybody may ask (system:basic-user) and that stores nothing. Where it may
 * not be asked, the own clock has to do. */
static int ask_time(struct step *s, struct tc_kube_error *err)
{
	_cleanup_json_ json_t *question =
		json_pack("{s:s, s:s}", "apiVersion", "authentication.k8s.io/v1", "kind", "SelfSubjectReview");
	_cleanup_json_ json_t *answer = NULL;
	int64_t server, off;

	if (tc_kube_create(s->k, &answer, "/apis/authentication.k8s.io/v1/selfsubjectreviews", question, err) < 0) {
		if (err->status != 403 && err->status != 404 && err->status != 405)
			return -1;
		*err = (struct tc_kube_error){0};
		return 0;
	}
	server = parse_time(
		json_string_value(json_object_get(json_object_get(answer, "metadata"), "creationTimestamp")));
	off = server - s->now;
	if (server == 0 || (off >= -2 && off <= 2)) /* it counts whole seconds, and the answer took its time */
		return 0;
	s->now = server;
	if ((off < -30 || off > 30) && !s->p->clock_said) {
		s->p->clock_said = true;
		tc_log(s->log, TC_LOG_WARN, "clock differs from the API server's, whose time is used for certificates",
		       (struct tc_field[]){TC_LOG_NUMBER("seconds", off)}, 1);
	}
	return 0;
}

/* 404: no error, *out is NULL. */
static int get(struct step *s, json_t **out, const char *path, struct tc_kube_error *err)
{
	if (tc_kube_get(s->k, out, path, err) == 0)
		return 0;
	if (err->status != 404)
		return -1;
	*err = (struct tc_kube_error){0};
	*out = NULL;
	return 0;
}

static const char *config_path(const struct tc_publish *p, struct tc_arena *mem)
{
	return tc_kube_path(mem, "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/%s",
			    p->conf.webhook);
}

static const char *secret_path(const struct step *s)
{
	return tc_kube_path(s->mem, "/api/v1/namespaces/%s/secrets/%s", s->p->conf.ns, s->p->conf.secret);
}

/* The configuration before the Secret: a CA goes into the Secret first, so what the caBundle holds and the Secret does
 * not is really unknown, and no fresh CA of another replica. */
static int read_all(struct step *s, struct tc_kube_error *err)
{
	struct tc_publish *p = s->p;

	if (p->conf.webhook && get(s, &s->config, config_path(s->p, s->mem), err) < 0)
		return -1;
	tc_bundles_read(&s->bundles, s->mem, s->config, p->conf.names, p->conf.nnames);
	if (p->conf.webhook && s->bundles.count == 0 && !p->absent_said)
		tc_log(s->log, TC_LOG_WARN,
		       s->config ? "webhook configuration has no entry for this service, so no CA is announced"
				 : "there is no webhook configuration yet, so no CA is announced",
		       (struct tc_field[]){TC_LOG_TEXT("name", tc_str(p->conf.webhook))}, 1);
	p->absent_said = s->bundles.count == 0;
	if (get(s, &s->secret, secret_path(s), err) < 0)
		return -1;
	tc_certs_read(&s->certs, s->secret);
	tc_certs_judge(&s->certs, s->now);
	return 0;
}

static void fingerprint(char out[65], const struct tc_buf *pem)
{
	_cleanup_cert_info_ struct tc_cert_info info = {0};
	struct tc_error ignored = {0};

	out[0] = '\0';
	if (tc_cert_info(&info, tc_buf_str(pem), &ignored) == 0)
		memcpy(out, info.fingerprint, sizeof(info.fingerprint));
}

/* Has the caBundle, whenever we looked, held the next CA for long enough? Without an entry there is nobody to tell. */
static bool next_settled(struct step *s)
{
	struct tc_publish *p = s->p;
	char print[65];

	fingerprint(print, &s->certs.next.cert);
	if (s->bundles.count == 0)
		return true;
	if (!print[0] || !tc_bundles_hold(&s->bundles, tc_buf_str(&s->certs.next.cert))) {
		p->next[0] = '\0';
		return false;
	}
	if (strcmp(print, p->next) != 0) {
		memcpy(p->next, print, sizeof(print));
		p->next_since = s->ms;
	}
	return s->ms - p->next_since >= settle_ms(p);
}

/* What was read back from the API server, and nothing else, is served. A leaf of another CA than before only when the
 * caBundle holds that one; a leaf of the same CA is no worse than the one before it, whatever the caBundle says. */
static int serve(struct step *s, struct tc_error *err)
{
	struct tc_publish *p = s->p;
	bool changed = false;
	char ca[65], print[65], when[32];
	int64_t from, to;

	if (!s->certs.leaf_good)
		return 0; /* the plan makes another */
	fingerprint(ca, &s->certs.ca.cert);
	if (strcmp(ca, p->served_ca) != 0 && !tc_bundles_hold(&s->bundles, tc_buf_str(&s->certs.ca.cert))) {
		s->soon = true;
		return 0;
	}
	if (tc_serving_set(s->serving, tc_buf_str(&s->certs.leaf.cert), tc_buf_str(&s->certs.leaf.key), &changed, err) <
	    0)
		return -1;
	memcpy(p->served_ca, ca, sizeof(ca));
	if (!changed)
		return 0;
	tc_serving_fingerprint(s->serving, print);
	(void)tc_serving_validity(s->serving, &from, &to);
	tc_time_text(when, to);
	tc_log(s->log, TC_LOG_INFO, "certificate served",
	       (struct tc_field[]){TC_LOG_TEXT("sha256", tc_str(print)), TC_LOG_TEXT("not_after", tc_str(when))}, 2);
	return 0;
}

static void judge_bundles(struct tc_publish *p, const struct tc_bundles *b)
{
	p->bundle_ok = b->count > 0 && p->served_ca[0] && tc_bundles_hold_print(b, p->served_ca);
}

static int write_secret(struct step *s, struct tc_kube_error *err)
{
	const struct tc_publish_conf *conf = &s->p->conf;
	_cleanup_secret_ json_t *secret = tc_certs_write(&s->certs, s->secret, conf->ns, conf->secret);

	if (s->secret)
		return tc_kube_replace(s->k, NULL, secret_path(s), secret, err);
	return tc_kube_create(s->k, NULL, tc_kube_path(s->mem, "/api/v1/namespaces/%s/secrets", conf->ns), secret, err);
}

static int announce(struct step *s, struct tc_kube_error *err)
{
	_cleanup_buf_ struct tc_buf pem = {0};
	_cleanup_json_ json_t *object = NULL;

	tc_certs_bundle(&pem, &s->certs, s->now);
	tc_buf_clear(&s->p->announced);
	if (s->bundles.count > 0)
		tc_buf_add(&s->p->announced, pem.p, pem.len);
	if (tc_bundles_are(&s->bundles, tc_buf_str(&pem)))
		return 0;
	s->soon = true;
	object = tc_bundles_write(&s->bundles, s->config, tc_buf_str(&pem));
	if (tc_kube_apply(s->k, NULL, config_path(s->p, s->mem), object,
			  &(struct tc_kube_apply){.manager = FIELD_MANAGER, .force = true}, err) < 0)
		return -1;
	for (size_t i = 0; i < s->bundles.count; i++)
		s->bundles.entry[i].pem = tc_buf_str(&pem);
	judge_bundles(s->p, &s->bundles);
	tc_log(s->log, TC_LOG_INFO, "caBundle written",
	       (struct tc_field[]){TC_LOG_TEXT("name", tc_str(s->p->conf.webhook)),
				   TC_LOG_NUMBER("entries", s->bundles.count)},
	       2);
	return 0;
}

static int take_step(struct step *s, struct tc_kube_error *err)
{
	const struct tc_publish_conf *conf = &s->p->conf;
	struct tc_plan plan;
	const char *what;

	if (read_all(s, err) < 0 || serve(s, &err->error) < 0)
		return -1;
	judge_bundles(s->p, &s->bundles);
	plan = (struct tc_plan){.names = conf->names,
				.nnames = conf->nnames,
				.lifetime = conf->lifetime,
				.now = s->now,
				.bundles = &s->bundles,
				.next_settled = next_settled(s)};
	if (tc_certs_plan(&s->certs, &plan, &what, &err->error) < 0)
		return -1;
	s->soon |= what != NULL || s->certs.next.cert.len > 0;
	if (what && write_secret(s, err) < 0)
		return -1;
	if (what)
		tc_log(s->log, TC_LOG_INFO, what,
		       (struct tc_field[]){TC_LOG_TEXT("ns", tc_str(conf->ns)),
					   TC_LOG_TEXT("secret", tc_str(conf->secret))},
		       2);
	return announce(s, err);
}

static bool is_conflict(const struct tc_kube_error *err)
{
	return err->status == 409 &&
	       (strcmp(err->reason, "Conflict") == 0 || strcmp(err->reason, "AlreadyExists") == 0);
}

int tc_publish_step(struct tc_publish *p, struct tc_kube *k, struct tc_serving *serving, int64_t now, unsigned *again,
		    struct tc_log *log, struct tc_kube_error *err)
{
	int64_t wait = p->conf.lifetime / 20;
	struct step s = {.p = p, .k = k, .serving = serving, .log = log, .now = now};
	int rc = ask_time(&s, err);

	if (rc == 0) {
		for (int i = 0; i < TRIES; i++) {
			_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(16384);

			s.mem = mem;
			s.ms = p->conf.clock_ms();
			*err = (struct tc_kube_error){0};
			rc = take_step(&s, err);
			step_close(&s);
			if (rc == 0 || !is_conflict(err))
				break;
		}
	}
	if (rc < 0)
		(void)tc_wrap(&err->error, "certificates");
	wait = wait < 1 ? 1 : wait > AGAIN_MAX ? AGAIN_MAX : wait;
	*again = s.soon || (rc < 0 && is_conflict(err)) ? 1 : rc < 0 && wait > 5 ? 5 : (unsigned)wait;
	return rc;
}

bool tc_publish_look(struct tc_publish *p, struct tc_kube *k)
{
	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(16384);
	_cleanup_json_ json_t *config = NULL;
	struct tc_kube_error err = {0};
	struct tc_bundles bundles;

	if (!p->conf.webhook)
		return true;
	if (tc_kube_get(k, &config, config_path(p, mem), &err) < 0 && err.status != 404)
		return false;
	tc_bundles_read(&bundles, mem, config, p->conf.names, p->conf.nnames);
	judge_bundles(p, &bundles);
	/* Where there was no entry, one that has come holds nothing yet. */
	return bundles.count == 0 || (p->announced.len > 0 && tc_bundles_are(&bundles, tc_buf_str(&p->announced)));
}

bool tc_publish_bundle_ok(const struct tc_publish *p)
{
	return p->bundle_ok;
}
