/* Replicas, an API server and its readers, in one program and on one clock that the test turns: what kube/ would do is
 * done here, so that one replica's step can be cut by another's between any two calls. */
#include "webhook/publish.h"

#include <mbedtls/base64.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "webhook/publish_state.h"
#include "webhook/serving_gnutls.h"

#include "tests/unit/unit.h"

#define START INT64_C(1800000000)
#define LIFE INT64_C(1200) /* a step each 60 s, settled after 5 s */
#define REPLICAS 3
#define LAG_MAX 4 /* seconds until an API server knows a new caBundle: fewer than it takes to settle */

static const char *const names[] = {"tentc.tentacular-system.svc", "127.0.0.1"};

struct replica {
	struct tc_publish *publish;
	struct tc_serving *serving;
	int64_t next, look, clock_off;
	bool stopped;
};

static struct {
	int64_t now;
	json_t *secret, *config;
	unsigned version, writes;
	/* What the readers of the caBundle know: one at once, one late. */
	struct tc_buf known[2];
	int64_t learns;
	struct replica replica[REPLICAS];
	struct tc_log log;
	int log_fd;
	int depth;
	unsigned cut; /* one in so many calls lets another replica make its step first; 0: none */
	uint64_t seed;
	int fail_status; /* of writes */
	unsigned failed; /* calls that could not be verified */
	unsigned leaves, bundles;
} w;

static uint64_t roll(uint64_t n)
{
	w.seed ^= w.seed << 13;
	w.seed ^= w.seed >> 7;
	w.seed ^= w.seed << 17;
	return w.seed % n;
}

static int64_t clock_ms(void)
{
	return w.now * 1000;
}

static void step(struct replica *r);

static void maybe_cut(void)
{
	if (!w.cut || w.depth > 2 || roll(w.cut) != 0)
		return;
	step(&w.replica[roll(REPLICAS)]);
}

/* --- what kube/ does
 * -------------------------------------------------------------------------------------------------- */

static int answer(struct tc_kube_error *err, int status, const char *reason)
{
	*err = (struct tc_kube_error){.status = status};
	(void)snprintf(err->reason, sizeof(err->reason), "%s", reason);
	return tc_fail(&err->error, TC_E_USAGE, "%d %s", status, reason);
}

static json_t **object_at(const char *path)
{
	return strstr(path, "/secrets/tentc-webhook-certs") ? &w.secret : &w.config;
}

static void stored(json_t **where, json_t *object)
{
	char version[16];

	(void)snprintf(version, sizeof(version), "%u", ++w.version);
	(void)json_object_set_new(json_object_get(object, "metadata"), "resourceVersion", json_string(version));
	json_decref(*where);
	*where = object;
	w.writes++;
}

static bool same_version(const json_t *a, const json_t *b)
{
	return json_equal(json_object_get(json_object_get(a, "metadata"), "resourceVersion"),
			  json_object_get(json_object_get(b, "metadata"), "resourceVersion"));
}

const char *tc_kube_path(struct tc_arena *mem, const char *fmt, ...)
{
	va_list ap;
	char *path;

	va_start(ap, fmt);
	path = tc_vprintf(mem, fmt, ap);
	va_end(ap);
	return path;
}

int tc_kube_get(struct tc_kube *k, json_t **out, const char *path, struct tc_kube_error *err)
{
	(void)k;
	maybe_cut();
	if (!*object_at(path))
		return answer(err, 404, "NotFound");
	*out = json_deep_copy(*object_at(path));
	return 0;
}

int tc_kube_create(struct tc_kube *k, json_t **out, const char *path, json_t *object, struct tc_kube_error *err)
{
	char when[32];

	(void)k;
	maybe_cut();
	if (strstr(path, "selfsubjectreviews")) {
		tc_time_text(when, w.now);
		*out = json_pack("{s:{s:s}}", "metadata", "creationTimestamp", when);
		return 0;
	}
	assert_string_equal(path, "/api/v1/namespaces/tentacular-system/secrets");
	if (w.fail_status)
		return answer(err, w.fail_status, "Forbidden");
	if (w.secret)
		return answer(err, 409, "AlreadyExists");
	stored(&w.secret, json_deep_copy(object));
	return 0;
}

int tc_kube_replace(struct tc_kube *k, json_t **out, const char *path, json_t *object, struct tc_kube_error *err)
{
	(void)k;
	(void)out;
	maybe_cut();
	assert_string_equal(path, "/api/v1/namespaces/tentacular-system/secrets/tentc-webhook-certs");
	if (w.fail_status)
		return answer(err, w.fail_status, "Forbidden");
	if (!w.secret)
		return answer(err, 404, "NotFound");
	if (!same_version(w.secret, object))
		return answer(err, 409, "Conflict");
	stored(&w.secret, json_deep_copy(object));
	return 0;
}

int tc_kube_apply(struct tc_kube *k, json_t **out, const char *path, json_t *object, const struct tc_kube_apply *how,
		  struct tc_kube_error *err)
{
	json_t *config, *entry, *new_entry;
	size_t i, n;

	(void)k;
	(void)out;
	maybe_cut();
	assert_string_equal(path, "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/tentc");
	assert_string_equal(how->manager, "tentc-certs");
	if (w.fail_status)
		return answer(err, w.fail_status, "Forbidden");
	if (!w.config || !same_version(w.config, object))
		return answer(err, 409, "Conflict");
	config = json_deep_copy(w.config);
	json_array_foreach(json_object_get(object, "webhooks"), n, new_entry)
	{
		bool found = false;

		json_array_foreach(json_object_get(config, "webhooks"), i, entry)
		{
			if (!json_equal(json_object_get(entry, "name"), json_object_get(new_entry, "name")))
				continue;
			found = true;
			(void)json_object_update(json_object_get(entry, "clientConfig"),
						 json_object_get(new_entry, "clientConfig"));
		}
		assert_true(found);
	}
	stored(&w.config, config);
	w.bundles++;
	return 0;
}

/* --- the world
 * -------------------------------------------------------------------------------------------------------- */

static const char configuration[] =
	"{\"apiVersion\":\"admissionregistration.k8s.io/v1\",\"kind\":\"MutatingWebhookConfiguration\","
	"\"metadata\":{\"name\":\"tentc\",\"uid\":\"u1\",\"resourceVersion\":\"1\"},\"webhooks\":["
	"{\"name\":\"workloads.tentacular.io\",\"clientConfig\":{\"service\":{\"name\":\"tentc\","
	"\"namespace\":\"tentacular-system\",\"path\":\"/mutate\"}}},"
	"{\"name\":\"other.example.org\",\"clientConfig\":{\"caBundle\":\"T1RIRVI=\",\"service\":{\"name\":\"other\","
	"\"namespace\":\"tentacular-system\"}}},"
	"{\"name\":\"configmaps.tentacular.io\",\"clientConfig\":{\"url\":\"https://127.0.0.1:8443/mutate\"}}]}";

static void put_config(void)
{
	stored(&w.config, json_loads(configuration, 0, NULL));
}

static void bundle_now(struct tc_buf *out)
{
	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(16384);
	struct tc_bundles b;

	tc_buf_clear(out);
	tc_bundles_read(&b, mem, w.config, names, TC_COUNT(names));
	if (b.count == 0)
		return;
	assert_int_equal(b.count, 2);
	assert_true(tc_str_equal(b.entry[0].pem, b.entry[1].pem));
	tc_buf_add(out, b.entry[0].pem.s, b.entry[0].pem.len);
}

static void start_replica(struct replica *r)
{
	tc_publish_free(r->publish);
	tc_serving_free(r->serving);
	r->publish = tc_publish_new(&(struct tc_publish_conf){.ns = "tentacular-system",
							      .secret = "tentc-webhook-certs",
							      .webhook = "tentc",
							      .names = names,
							      .nnames = TC_COUNT(names),
							      .lifetime = LIFE,
							      .clock_ms = clock_ms});
	r->serving = tc_serving_new();
	r->next = w.now;
}

static int open_world(void **state)
{
	(void)state;
	memset(&w, 0, sizeof(w));
	w.now = START;
	w.seed = 88172645463325252u;
	w.log_fd = memfd_create("log", MFD_CLOEXEC);
	w.log = (struct tc_log){.fd = w.log_fd};
	put_config();
	for (size_t i = 0; i < REPLICAS; i++)
		start_replica(&w.replica[i]);
	return 0;
}

static int close_world(void **state)
{
	(void)state;
	for (size_t i = 0; i < REPLICAS; i++) {
		tc_publish_free(w.replica[i].publish);
		tc_serving_free(w.replica[i].serving);
	}
	json_decref(w.secret);
	json_decref(w.config);
	tc_buf_free(&w.known[0]);
	tc_buf_free(&w.known[1]);
	close(w.log_fd);
	return 0;
}

static int step_once(struct replica *r, struct tc_kube_error *err)
{
	unsigned again = 0;
	int rc;

	*err = (struct tc_kube_error){0};
	w.depth++;
	rc = tc_publish_step(r->publish, NULL, r->serving, w.now + r->clock_off, &again, &w.log, err);
	w.depth--;
	assert_in_range(again, 1, 60);
	r->next = w.now + again;
	r->look = rc == 0 ? w.now + TC_PUBLISH_LOOK : r->next;
	return rc;
}

static void step(struct replica *r)
{
	struct tc_kube_error err;

	if (r->stopped)
		return;
	if (step_once(r, &err) < 0 && !w.fail_status)
		assert_string_equal(err.reason, "Conflict"); /* cut too often */
}

/* Looks between steps, as `tentc serve` does. */
static void live(struct replica *r)
{
	if (w.now >= r->next) {
		step(r);
	} else if (w.now >= r->look && !r->stopped) {
		r->look = w.now + TC_PUBLISH_LOOK;
		if (!tc_publish_look(r->publish, NULL))
			step(r);
	}
}

/* What a replica shows in a handshake, and whether a reader of the caBundle would take it. A good answer is asked for
 * once a second by each: that takes milliseconds, so it is remembered until the leaf ends or the caBundle changes. */
static bool verifies(struct replica *r, const struct tc_buf *known, struct tc_error *err)
{
	static char seen[64][65 + 32];
	static size_t nseen;
	char print[65], about[65 + 32];
	uint64_t sum = 1;
	int64_t from = 0, to = 0;
	_cleanup_(tc_serving_give) struct tc_serving_pair *p = tc_serving_take(r->serving);
	gnutls_x509_crt_t leaf;
	gnutls_datum_t pem = {0};
	const gnutls_datum_t *der;
	unsigned n;
	int rc;

	if (!p)
		return false;
	tc_serving_fingerprint(r->serving, print);
	(void)tc_serving_validity(r->serving, &from, &to);
	for (size_t i = 0; i < known->len; i++)
		sum = (sum ^ (unsigned char)known->p[i]) * UINT64_C(1099511628211);
	(void)snprintf(about, sizeof(about), "%s %llx", print, (unsigned long long)sum);
	for (size_t i = 0; i < TC_COUNT(seen) && w.now >= from && w.now <= to; i++)
		if (strcmp(seen[i], about) == 0)
			return true;
	der = tc_serving_pair_certs(p, &n);
	assert_int_equal(gnutls_x509_crt_init(&leaf), 0);
	assert_int_equal(gnutls_x509_crt_import(leaf, der, GNUTLS_X509_FMT_DER), 0);
	assert_int_equal(gnutls_x509_crt_export2(leaf, GNUTLS_X509_FMT_PEM, &pem), 0);
	rc = tc_chain_check((struct tc_str){.s = (char *)pem.data, .len = pem.size}, tc_buf_str(known), w.now, err);
	gnutls_free(pem.data);
	gnutls_x509_crt_deinit(leaf);
	if (rc == 0)
		memcpy(seen[nseen++ % TC_COUNT(seen)], about, sizeof(about));
	return rc == 0;
}

/* A second passes: replicas whose time has come make their step, one reader knows the caBundle at once, the other up to
 * LAG_MAX seconds late; then both call every replica that has been ready once. */
static void tick(bool calls)
{
	w.now++;
	for (size_t i = 0; i < REPLICAS; i++)
		live(&w.replica[i]);
	bundle_now(&w.known[0]);
	if (w.learns && w.now >= w.learns) {
		tc_buf_clear(&w.known[1]);
		tc_buf_add(&w.known[1], w.known[0].p, w.known[0].len);
		w.learns = 0;
	} else if (!w.learns && !tc_str_equal(tc_buf_str(&w.known[0]), tc_buf_str(&w.known[1]))) {
		w.learns = w.now + 1 + (int64_t)roll(LAG_MAX);
	}
	for (size_t i = 0; calls && i < REPLICAS; i++) {
		int64_t from, to;

		if (w.replica[i].stopped || !tc_serving_validity(w.replica[i].serving, &from, &to))
			continue;
		for (size_t k = 0; k < TC_COUNT(w.known); k++) {
			struct tc_error err = {0};

			/* it calls nobody before it knows whom to trust */
			if (w.known[k].len == 0)
				continue;
			if (verifies(&w.replica[i], &w.known[k], &err))
				continue;
			if (w.failed++ < 5)
				print_error("%lld: replica %zu, reader %zu: %s\n", (long long)(w.now - START), i, k,
					    err.msg);
		}
	}
}

static void run(int64_t seconds)
{
	for (int64_t end = w.now + seconds; w.now < end;)
		tick(true);
}

static void check_all_serve_one(void)
{
	char first[65], other[65];

	tc_serving_fingerprint(w.replica[0].serving, first);
	assert_string_not_equal(first, "");
	for (size_t i = 1; i < REPLICAS; i++) {
		tc_serving_fingerprint(w.replica[i].serving, other);
		assert_string_equal(first, other);
	}
}

static size_t count_bundle(void)
{
	struct tc_str rest, one;
	size_t n = 0;

	bundle_now(&w.known[0]);
	rest = tc_buf_str(&w.known[0]);
	while (tc_pem_next(&rest, &one))
		n++;
	return n;
}

static void ca_of(char out[65])
{
	_cleanup_certs_ struct tc_certs c = {0};
	_cleanup_cert_info_ struct tc_cert_info info = {0};
	struct tc_error err = {0};

	tc_certs_read(&c, w.secret);
	assert_int_equal(tc_cert_info(&info, tc_buf_str(&c.ca.cert), &err), 0);
	memcpy(out, info.fingerprint, sizeof(info.fingerprint));
}

static bool logged(const char *text)
{
	static char log[1 << 20];
	ssize_t n = pread(w.log_fd, log, sizeof(log), 0);

	assert_true(n >= 0);
	assert_null(memmem(log, (size_t)n, "PRIVATE", 7));
	return memmem(log, (size_t)n, text, strlen(text)) != NULL;
}

/* --- tests
 * ------------------------------------------------------------------------------------------------------------ */

static void test_first_start(void **state)
{
	struct replica *r = &w.replica[0];
	struct tc_kube_error err;
	_cleanup_certs_ struct tc_certs c = {0};
	_cleanup_cert_info_ struct tc_cert_info leaf = {0}, ca = {0};
	const json_t *other;
	char print[65];

	(void)state;
	assert_int_equal(step_once(r, &err), 0);
	assert_int_equal(r->next, w.now + 1);
	assert_int_equal(w.writes, 3); /* the configuration is the first */
	tc_serving_fingerprint(r->serving, print);
	assert_string_equal(print, ""); /* it was not read back yet */
	w.now++;
	assert_int_equal(step_once(r, &err), 0);
	assert_int_equal(w.writes, 3);
	assert_int_equal(r->next, w.now + 60);
	assert_string_equal(json_string_value(json_object_get(w.secret, "type")), "Opaque");
	tc_certs_read(&c, w.secret);
	assert_int_equal(tc_cert_info(&leaf, tc_buf_str(&c.leaf.cert), &err.error), 0);
	assert_int_equal(tc_cert_info(&ca, tc_buf_str(&c.ca.cert), &err.error), 0);
	tc_serving_fingerprint(r->serving, print);
	assert_string_equal(print, leaf.fingerprint);
	assert_string_equal(leaf.names.p, "tentc.tentacular-system.svc\n127.0.0.1\n");
	assert_int_equal(leaf.not_after, START + LIFE);
	assert_int_equal(ca.not_after, START + 10 * LIFE);
	assert_int_equal(c.next.cert.len + c.next.key.len + c.old.len, 0);
	bundle_now(&w.known[0]);
	assert_true(tc_str_equal(tc_buf_str(&w.known[0]), tc_buf_str(&c.ca.cert)));
	/* an entry that is not ours is left alone */
	other = json_array_get(json_object_get(w.config, "webhooks"), 1);
	assert_string_equal(json_string_value(json_object_get(json_object_get(other, "clientConfig"), "caBundle")),
			    "T1RIRVI=");
	assert_true(logged("made a CA and a certificate"));
}

static void test_replicas_start_at_once(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 8; seed++) {
		(void)close_world(NULL);
		(void)open_world(NULL);
		w.seed = seed * 0x9e3779b97f4a7c15u;
		w.cut = 3;
		run(10);
		check_all_serve_one();
		assert_int_equal(count_bundle(), 1);
	}
	assert_int_equal(w.failed, 0);
}

/* Ten renewals and a change of the CA, with steps that cut each other. */
static void test_renewals(void **state)
{
	char first[65], last[65];
	size_t most = 0;

	(void)state;
	w.cut = 8;
	run(10);
	ca_of(first);
	for (int i = 0; i < 80; i++) {
		size_t n;

		run(LIFE / 10);
		n = count_bundle();
		most = n > most ? n : most;
	}
	w.cut = 0;
	run(200); /* a leaf may just have been renewed: a step of each, and no next renewal */
	ca_of(last);
	assert_string_not_equal(first, last);
	assert_int_equal(most, 2);
	assert_int_equal(count_bundle(), 1);
	check_all_serve_one();
	assert_int_equal(w.failed, 0);
	/* bundle: first CA; both; the second one */
	assert_int_equal(w.bundles, 3);
	/* Secret: made; 9 leaves; next; promoted; old one forgotten */
	assert_in_range(w.writes, 1 + 3 + 1 + 9 + 3 - 2, 1 + 3 + 1 + 9 + 3 + 2);
}

static void test_standby_across_a_change_of_the_ca(void **state)
{
	char before[65], after[65];

	(void)state;
	run(10);
	while (w.now < START + 10 * LIFE && !logged("changed to the new CA")) {
		/* it sleeps whenever a change is near, for less than what is left of its leaf's life */
		w.replica[2].stopped = logged("made a new CA");
		run(1);
	}
	tc_serving_fingerprint(w.replica[2].serving, before);
	run(65);
	tc_serving_fingerprint(w.replica[0].serving, after);
	assert_string_not_equal(before, after);
	/* awake, with the old leaf: its CA is still announced */
	w.replica[2].stopped = false;
	w.replica[2].next = w.now + 30;
	run(29);
	tc_serving_fingerprint(w.replica[2].serving, after);
	assert_string_equal(before, after);
	run(5);
	check_all_serve_one();
	assert_int_equal(w.failed, 0);
}

static void test_secret_deleted(void **state)
{
	char first[65], last[65];

	(void)state;
	run(100);
	ca_of(first);
	json_decref(w.secret);
	w.secret = NULL;
	run(62);
	assert_int_equal(count_bundle(), 2);
	run(60);
	ca_of(last);
	assert_string_not_equal(first, last);
	check_all_serve_one();
	/* the unknown CA goes when no leaf of it can be valid any more */
	run(LIFE + 200);
	assert_int_equal(count_bundle(), 1);
	assert_int_equal(w.failed, 0);
}

/* A replica that starts while its CA is not settled has nothing to serve, and that is right. */
static void test_restart_in_between(void **state)
{
	(void)state;
	run(100);
	json_decref(w.secret);
	w.secret = NULL;
	step(&w.replica[0]);
	start_replica(&w.replica[1]);
	run(300);
	check_all_serve_one();
	assert_int_equal(w.failed, 0);
}

static void test_garbage(void **state)
{
	static const char *const keys[] = {"ca.crt", "ca.key", "tls.crt", "tls.key", "old-ca.crt", "next-ca.crt"};
	static const char *const values[] = {"!", "aGVsbG8=", ""};

	(void)state;
	run(70);
	for (size_t k = 0; k < TC_COUNT(keys); k++) {
		for (size_t v = 0; v < TC_COUNT(values); v++) {
			json_t *secret = json_deep_copy(w.secret);

			(void)json_object_set_new(json_object_get(secret, "data"), keys[k], json_string(values[v]));
			stored(&w.secret, secret);
			run(150);
			check_all_serve_one();
		}
	}
	assert_int_equal(w.failed, 0);
	(void)json_object_set_new(w.secret, "data", json_string("none"));
	run(150);
	check_all_serve_one();
	assert_int_equal(w.failed, 0);
}

/* An old Secret comes back from a backup: the leaf in it is served only when its CA is known again. */
static void test_old_secret_comes_back(void **state)
{
	json_t *old;

	(void)state;
	run(100);
	old = json_deep_copy(w.secret);
	json_decref(w.secret);
	w.secret = NULL;
	run(LIFE + 300);
	assert_int_equal(count_bundle(), 1);
	stored(&w.secret, old);
	run(300);
	check_all_serve_one();
	assert_int_equal(w.failed, 0);
}

static void test_bundle_wiped(void **state)
{
	unsigned bundles;

	(void)state;
	run(100);
	put_config();
	bundles = w.bundles;
	for (int i = 0; i < 62; i++)
		tick(false); /* nobody can call: there is no CA */
	assert_int_equal(w.bundles, bundles + 1);
	assert_int_equal(count_bundle(), 1);
	for (int i = 0; i < LAG_MAX + 1; i++)
		tick(false);
	run(100);
	check_all_serve_one();
	assert_int_equal(w.failed, 0);
}

static void set_bundle(size_t entry, const struct tc_buf *pem)
{
	json_t *config = json_deep_copy(w.config);
	json_t *client = json_object_get(json_array_get(json_object_get(config, "webhooks"), entry), "clientConfig");
	char *text = NULL;

	if (pem) {
		size_t size = pem->len * 2, n = 0;

		text = calloc(1, size);
		assert_non_null(text);
		assert_int_equal(mbedtls_base64_encode((unsigned char *)text, size, &n, (const unsigned char *)pem->p,
						       pem->len),
				 0);
	}
	(void)json_object_set_new(client, "caBundle", pem ? json_string(text) : json_null());
	free(text);
	stored(&w.config, config);
}

/* Somebody writes into the caBundle: seconds later it holds the CA again, whatever it was. */
static void test_bundle_changed_by_others(void **state)
{
	static const struct {
		const char *what;
		bool foreign, first, second;
	} cases[] = {
		{"emptied", false, true, true},           {"one entry emptied", false, true, false},
		{"a foreign CA", true, true, true},       {"a foreign CA in one entry", true, false, true},
		{"emptied once more", false, true, true},
	};
	_cleanup_pem_ struct tc_pem foreign = {0};
	struct tc_error err = {0};

	(void)state;
	assert_int_equal(tc_ca_make(&foreign, "foreign", START, 100 * LIFE, &err), 0);
	run(100);
	for (size_t i = 0; i < TC_COUNT(cases); i++) {
		const struct tc_buf *pem = cases[i].foreign ? &foreign.cert : NULL;
		unsigned bundles = w.bundles;

		assert_true(tc_publish_bundle_ok(w.replica[0].publish));
		if (cases[i].first)
			set_bundle(0, pem);
		if (cases[i].second)
			set_bundle(2, pem);
		/* Nobody may write: that much can be seen. */
		w.fail_status = 403;
		for (int k = 0; k < TC_PUBLISH_LOOK; k++) {
			w.now++;
			for (size_t r = 0; r < REPLICAS; r++)
				live(&w.replica[r]);
		}
		assert_false(tc_publish_bundle_ok(w.replica[0].publish));
		w.fail_status = 0;
		for (size_t r = 0; r < REPLICAS; r++)
			w.replica[r].next = w.now;
		for (int k = 0; k < 1 + LAG_MAX + 1; k++)
			tick(false);
		if (w.bundles == bundles)
			fail_msg("%s: it was not written", cases[i].what);
		assert_true(tc_publish_bundle_ok(w.replica[0].publish));
		run(100);
		check_all_serve_one();
		assert_int_equal(w.failed, 0);
	}
}

/* The same without trouble: how long it takes. */
static void test_bundle_restored_at_once(void **state)
{
	unsigned bundles;

	(void)state;
	run(103);
	set_bundle(0, NULL);
	set_bundle(2, NULL);
	bundles = w.bundles;
	for (int i = 0; i < TC_PUBLISH_LOOK; i++)
		tick(false);
	assert_int_equal(w.bundles, bundles + 1);
	assert_int_equal(count_bundle(), 1);
	/* The configuration is gone, on purpose: nobody is told, and nothing is asked but whether it is there. */
	json_decref(w.config);
	w.config = NULL;
	for (int i = 0; i < TC_PUBLISH_LOOK; i++)
		tick(false);
	assert_false(tc_publish_bundle_ok(w.replica[0].publish));
	put_config();
	for (int i = 0; i < TC_PUBLISH_LOOK; i++)
		tick(false);
	assert_int_equal(count_bundle(), 1);
	assert_true(tc_publish_bundle_ok(w.replica[0].publish));
}

static void test_no_configuration_yet(void **state)
{
	(void)state;
	json_decref(w.config);
	w.config = NULL;
	for (int i = 0; i < 5; i++)
		tick(false);
	check_all_serve_one(); /* so that it becomes ready */
	assert_true(logged("there is no webhook configuration yet, so no CA is announced"));
	put_config();
	for (int i = 0; i < TC_PUBLISH_LOOK + 1 + LAG_MAX; i++)
		tick(false);
	run(100);
	assert_int_equal(count_bundle(), 1);
	assert_int_equal(w.failed, 0);
}

/* The API server's clock counts: it is what verifies. */
static void test_clock_jumps(void **state)
{
	static const int64_t jumps[] = {400 * 86400, -400 * 86400, 3600, -3600, 0};
	unsigned writes;

	(void)state;
	run(100);
	writes = w.writes;
	for (size_t i = 0; i < TC_COUNT(jumps); i++) {
		w.replica[1].clock_off = jumps[i];
		run(120);
	}
	assert_int_equal(w.writes, writes);
	check_all_serve_one();
	assert_int_equal(w.failed, 0);
	assert_true(logged("clock differs from the API server's"));
}

static void test_writes_forbidden(void **state)
{
	struct tc_kube_error err;
	char before[65], after[65];

	(void)state;
	run(100);
	tc_serving_fingerprint(w.replica[0].serving, before);
	w.fail_status = 403;
	put_config();
	assert_int_equal(step_once(&w.replica[0], &err), -1);
	assert_string_equal(err.error.msg, "certificates: 403 Forbidden");
	assert_int_equal(w.replica[0].next, w.now + 1);
	tc_serving_fingerprint(w.replica[0].serving, after);
	assert_string_equal(before, after);
	w.fail_status = 0;
	assert_int_equal(step_once(&w.replica[0], &err), 0);
	assert_int_equal(count_bundle(), 1);
}

/* Two versions of us side by side, each with a name of its own: one leaf has both. */
static void test_names(void **state)
{
	static const char *const other[] = {"tentc.tentacular-system.svc", "2001:DB8:0::1"};
	_cleanup_certs_ struct tc_certs c = {0};
	_cleanup_cert_info_ struct tc_cert_info leaf = {0};
	struct replica *r = &w.replica[2];
	struct tc_error err = {0};
	unsigned writes;

	(void)state;
	run(10);
	tc_publish_free(r->publish);
	r->publish = tc_publish_new(&(struct tc_publish_conf){.ns = "tentacular-system",
							      .secret = "tentc-webhook-certs",
							      .webhook = "tentc",
							      .names = other,
							      .nnames = TC_COUNT(other),
							      .lifetime = LIFE,
							      .clock_ms = clock_ms});
	r->next = w.now;
	writes = w.writes;
	run(200);
	assert_int_equal(w.writes, writes + 1);
	tc_certs_read(&c, w.secret);
	assert_int_equal(tc_cert_info(&leaf, tc_buf_str(&c.leaf.cert), &err), 0);
	assert_string_equal(leaf.names.p, "tentc.tentacular-system.svc\n2001:db8::1\n127.0.0.1\n");
	check_all_serve_one();
	assert_int_equal(w.failed, 0);
}

/* One replica is told shorter lives, the others are not yet: one renewal, and peace. */
static void test_shorter_lives(void **state)
{
	_cleanup_certs_ struct tc_certs c = {0};
	_cleanup_cert_info_ struct tc_cert_info leaf = {0};
	struct replica *r = &w.replica[2];
	struct tc_error err = {0};
	unsigned writes;

	(void)state;
	run(10);
	tc_publish_free(r->publish);
	r->publish = tc_publish_new(&(struct tc_publish_conf){.ns = "tentacular-system",
							      .secret = "tentc-webhook-certs",
							      .webhook = "tentc",
							      .names = names,
							      .nnames = TC_COUNT(names),
							      .lifetime = LIFE / 4,
							      .clock_ms = clock_ms});
	r->next = w.now + 1;
	writes = w.writes;
	run(120);
	assert_int_equal(w.writes, writes + 1);
	tc_certs_read(&c, w.secret);
	assert_int_equal(tc_cert_info(&leaf, tc_buf_str(&c.leaf.cert), &err), 0);
	assert_int_equal(leaf.not_after, START + 11 + LIFE / 4);
	check_all_serve_one();
	assert_int_equal(w.failed, 0);
}

#define WORLD(test) cmocka_unit_test_setup_teardown(test, open_world, close_world)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD(test_first_start),
		WORLD(test_replicas_start_at_once),
		WORLD(test_renewals),
		WORLD(test_standby_across_a_change_of_the_ca),
		WORLD(test_secret_deleted),
		WORLD(test_restart_in_between),
		WORLD(test_garbage),
		WORLD(test_old_secret_comes_back),
		WORLD(test_bundle_wiped),
		WORLD(test_no_configuration_yet),
		WORLD(test_bundle_changed_by_others),
		WORLD(test_bundle_restored_at_once),
		WORLD(test_clock_jumps),
		WORLD(test_writes_forbidden),
		WORLD(test_names),
		WORLD(test_shorter_lives),
	};

	return cmocka_run_group_tests_name("publish", tests, NULL, NULL);
}
