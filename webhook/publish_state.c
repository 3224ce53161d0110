#include "webhook/publish_state.h"

#include <mbedtls/base64.h>

/* --- the Secret ------------------------------------------------------------------------------------------------------
 */

struct slot {
	const char *key;
	size_t offset; /* of a struct tc_buf in struct tc_certs */
	bool secret;
};

static const struct slot slots[] = {
	{"ca.crt", offsetof(struct tc_certs, ca.cert), false},
	{"ca.key", offsetof(struct tc_certs, ca.key), true},
	{"tls.crt", offsetof(struct tc_certs, leaf.cert), false},
	{"tls.key", offsetof(struct tc_certs, leaf.key), true},
	{"next-ca.crt", offsetof(struct tc_certs, next.cert), false},
	{"next-ca.key", offsetof(struct tc_certs, next.key), true},
	{"old-ca.crt", offsetof(struct tc_certs, old), false},
};

static struct tc_buf *buf_of(struct tc_certs *c, const struct slot *s)
{
	return (struct tc_buf *)((char *)c + s->offset);
}

static void decode(struct tc_buf *out, const json_t *value)
{
	size_t len = json_string_length(value), n = 0;

	if (len == 0)
		return;
	tc_buf_reserve(out, len);
	if (mbedtls_base64_decode((unsigned char *)out->p, len, &n, (const unsigned char *)json_string_value(value),
				  len) == 0) {
		out->len = n;
		out->p[n] = '\0';
	}
}

/* A JSON string of the base64 of p. */
static json_t *encode(struct tc_str s)
{
	size_t size = (s.len + 2) / 3 * 4 + 1, n = 0;
	char *text = tc_xalloc(size);
	json_t *value;

	(void)mbedtls_base64_encode((unsigned char *)text, size, &n, (const unsigned char *)s.s, s.len);
	value = json_stringn(text, n);
	explicit_bzero(text, size);
	free(text);
	return value;
}

void tc_certs_read(struct tc_certs *out, const json_t *secret)
{
	const json_t *data = json_object_get(secret, "data");
	_cleanup_buf_ struct tc_buf until = {0};

	*out = (struct tc_certs){0};
	for (size_t i = 0; i < TC_COUNT(slots); i++) {
		struct tc_buf *b = buf_of(out, &slots[i]);

		b->secret = slots[i].secret;
		decode(b, json_object_get(data, slots[i].key));
	}
	decode(&until, json_object_get(data, "old-ca.until"));
	if (until.len > 0 && until.len <= 12 && strspn(until.p, "0123456789") == until.len)
		out->old_until = strtoll(until.p, NULL, 10);
}

void tc_certs_free(struct tc_certs *c)
{
	tc_pem_free(&c->ca);
	tc_pem_free(&c->leaf);
	tc_pem_free(&c->next);
	tc_buf_free(&c->old);
}

static json_t *new_secret(const char *ns, const char *name)
{
	return json_pack("{s:s, s:s, s:s, s:{s:s, s:s, s:{s:s}}, s:{}}", "apiVersion", "v1", "kind", "Secret", "type",
			 "Opaque", "metadata", "namespace", ns, "name", name, "labels", "app.kubernetes.io/name",
			 "tentc", "data");
}

json_t *tc_certs_write(const struct tc_certs *c, const json_t *secret, const char *ns, const char *name)
{
	json_t *out = secret ? json_deep_copy(secret) : new_secret(ns, name), *data = json_object_get(out, "data");
	char until[32];

	if (!json_is_object(data)) {
		data = json_object();
		(void)json_object_set_new(out, "data", data);
	}
	for (size_t i = 0; i < TC_COUNT(slots); i++) {
		const struct tc_buf *b = buf_of((struct tc_certs *)(uintptr_t)c, &slots[i]);
		/* A Secret of type kubernetes.io/tls has to have tls.*, empty or not. */
		bool keep = b->len > 0 || tc_str_starts(tc_str(slots[i].key), "tls.");

		if (keep)
			(void)json_object_set_new(data, slots[i].key, encode(tc_buf_str(b)));
		else
			(void)json_object_del(data, slots[i].key);
	}
	(void)snprintf(until, sizeof(until), "%lld", (long long)c->old_until);
	if (c->old.len)
		(void)json_object_set_new(data, "old-ca.until", encode(tc_str(until)));
	else
		(void)json_object_del(data, "old-ca.until");
	return out;
}

void tc_secret_drop(json_t *secret)
{
	json_t *data = json_object_get(secret, "data"), *value;
	const char *key;

	json_object_foreach(data, key, value)
	{
		/* jansson frees it and does not wipe; the text is ours alone here */
		if (json_is_string(value))
			explicit_bzero((char *)(uintptr_t)json_string_value(value), json_string_length(value));
	}
	json_decref(secret);
}

/* --- the webhook configuration ---------------------------------------------------------------------------------------
 */

static bool is_ours(struct tc_arena *mem, const json_t *client, const char *const *names, size_t nnames)
{
	const json_t *service = json_object_get(client, "service");
	const char *name = json_string_value(json_object_get(service, "name"));
	const char *ns = json_string_value(json_object_get(service, "namespace"));
	const char *host;

	if (json_is_string(json_object_get(client, "url")))
		return true;
	if (!name || !ns)
		return false;
	host = tc_printf(mem, "%s.%s.svc", name, ns);
	for (size_t i = 0; i < nnames; i++)
		if (strcmp(names[i], host) == 0)
			return true;
	return false;
}

void tc_bundles_read(struct tc_bundles *out, struct tc_arena *mem, const json_t *config, const char *const *names,
		     size_t nnames)
{
	const json_t *entries = json_object_get(config, "webhooks"), *entry;
	size_t i;

	*out = (struct tc_bundles){.entry = tc_alloc(mem, json_array_size(entries) * sizeof(*out->entry))};
	json_array_foreach(entries, i, entry)
	{
		const json_t *client = json_object_get(entry, "clientConfig");
		const char *name = json_string_value(json_object_get(entry, "name"));
		_cleanup_buf_ struct tc_buf pem = {0};

		if (!name || !is_ours(mem, client, names, nnames))
			continue;
		decode(&pem, json_object_get(client, "caBundle"));
		out->entry[out->count++] = (struct tc_bundle){
			.webhook = tc_strdup(mem, name),
			.pem = {.s = tc_strndup(mem, pem.len ? pem.p : "", pem.len), .len = pem.len},
		};
	}
}

static bool pem_holds(struct tc_str bundle, const char *fingerprint)
{
	struct tc_str one;

	while (tc_pem_next(&bundle, &one)) {
		_cleanup_cert_info_ struct tc_cert_info info = {0};
		struct tc_error ignored = {0};

		if (tc_cert_info(&info, one, &ignored) == 0 && strcmp(info.fingerprint, fingerprint) == 0)
			return true;
	}
	return false;
}

bool tc_bundles_hold_print(const struct tc_bundles *b, const char *fingerprint)
{
	for (size_t i = 0; i < b->count; i++)
		if (!pem_holds(b->entry[i].pem, fingerprint))
			return false;
	return true;
}

bool tc_bundles_hold(const struct tc_bundles *b, struct tc_str pem)
{
	_cleanup_cert_info_ struct tc_cert_info info = {0};
	struct tc_error ignored = {0};

	return tc_cert_info(&info, pem, &ignored) == 0 && tc_bundles_hold_print(b, info.fingerprint);
}

bool tc_bundles_are(const struct tc_bundles *b, struct tc_str pem)
{
	for (size_t i = 0; i < b->count; i++)
		if (!tc_str_equal(b->entry[i].pem, pem))
			return false;
	return true;
}

json_t *tc_bundles_write(const struct tc_bundles *b, const json_t *config, struct tc_str pem)
{
	const json_t *meta = json_object_get(config, "metadata");
	json_t *entries = json_array();

	for (size_t i = 0; i < b->count; i++)
		(void)json_array_append_new(entries, json_pack("{s:s, s:{s:o}}", "name", b->entry[i].webhook,
							       "clientConfig", "caBundle", encode(pem)));
	/* uid and version: an entry or object that went away meanwhile is not made anew by this */
	return json_pack("{s:s, s:s, s:{s:O, s:O, s:O}, s:o}", "apiVersion", "admissionregistration.k8s.io/v1", "kind",
			 "MutatingWebhookConfiguration", "metadata", "name", json_object_get(meta, "name"), "uid",
			 json_object_get(meta, "uid"), "resourceVersion", json_object_get(meta, "resourceVersion"),
			 "webhooks", entries);
}
