#include "registrars/sigv4.h"

#include <mbedtls/md.h>

#define HASH 32

static const char hex[] = "0123456789abcdef";

static const mbedtls_md_info_t *sha256(void)
{
	const mbedtls_md_info_t *md = mbedtls_md_info_from_type(MBEDTLS_MD_SHA256);

	if (!md)
		abort(); /* unreachable: every mbedTLS has SHA-256 */
	return md;
}

static void to_hex(const unsigned char *hash, char out[TC_SHA256_HEX])
{
	for (size_t i = 0; i < HASH; i++) {
		out[2 * i] = hex[hash[i] >> 4];
		out[2 * i + 1] = hex[hash[i] & 15];
	}
	out[2 * HASH] = '\0';
}

void tc_sigv4_hash(struct tc_str body, char out[TC_SHA256_HEX])
{
	unsigned char hash[HASH];

	if (mbedtls_md(sha256(), (const unsigned char *)(body.s ? body.s : ""), body.len, hash) != 0)
		tc_no_memory();
	to_hex(hash, out);
}

static void hmac(const unsigned char *key, size_t len, struct tc_str text, unsigned char out[HASH])
{
	if (mbedtls_md_hmac(sha256(), key, len, (const unsigned char *)(text.s ? text.s : ""), text.len, out) != 0)
		tc_no_memory();
}

static bool unreserved(unsigned char c)
{
	return tc_is_lower(c) || tc_is_upper(c) || tc_is_digit(c) || c == '-' || c == '.' || c == '_' || c == '~';
}

void tc_sigv4_escape(struct tc_buf *out, struct tc_str text, bool keep_slash)
{
	static const char upper[] = "0123456789ABCDEF";

	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.s[i];

		if (unreserved(c) || (keep_slash && c == '/')) {
			tc_buf_putc(out, (char)c);
		} else {
			tc_buf_putc(out, '%');
			tc_buf_putc(out, upper[c >> 4]);
			tc_buf_putc(out, upper[c & 15]);
		}
	}
}

struct escaped {
	struct tc_buf name, value;
};

static int by_name(const void *a, const void *b)
{
	const struct escaped *x = a, *y = b;
	int order = strcmp(x->name.p, y->name.p);

	return order ? order : strcmp(x->value.p, y->value.p);
}

void tc_sigv4_query(struct tc_buf *out, const struct tc_param *pairs, size_t n)
{
	struct escaped list[TC_QUERY_MAX] = {0};

	if (n > TC_QUERY_MAX)
		abort(); /* unreachable: callers have a handful */
	for (size_t i = 0; i < n; i++) {
		tc_buf_reserve(&list[i].name, 1);
		tc_buf_reserve(&list[i].value, 1);
		tc_sigv4_escape(&list[i].name, tc_str(pairs[i].name), false);
		tc_sigv4_escape(&list[i].value, pairs[i].value, false);
	}
	qsort(list, n, sizeof(*list), by_name);
	for (size_t i = 0; i < n; i++) {
		if (i)
			tc_buf_putc(out, '&');
		tc_buf_puts(out, list[i].name.p);
		tc_buf_putc(out, '=');
		tc_buf_puts(out, list[i].value.p);
		tc_buf_free(&list[i].name);
		tc_buf_free(&list[i].value);
	}
}

/* --- the signature */

static void signed_names(struct tc_buf *out, const struct tc_sigv4 *r)
{
	for (size_t i = 0; i < r->nheaders; i++) {
		if (i)
			tc_buf_putc(out, ';');
		tc_buf_puts(out, r->headers[i].name);
	}
}

static void canonical_request(struct tc_buf *out, const struct tc_sigv4 *r)
{
	tc_buf_printf(out, "%s\n%s\n%s\n", r->method, r->path, r->query);
	for (size_t i = 0; i < r->nheaders; i++) {
		tc_buf_printf(out, "%s:", r->headers[i].name);
		tc_buf_add(out, r->headers[i].value.s, r->headers[i].value.len);
		tc_buf_putc(out, '\n');
	}
	tc_buf_putc(out, '\n');
	signed_names(out, r);
	tc_buf_printf(out, "\n%s", r->payload);
}

static void signing_key(const struct tc_sigv4 *r, unsigned char key[HASH])
{
	_cleanup_buf_ struct tc_buf first = {.secret = true};
	const struct tc_str parts[] = {tc_str(r->region), tc_str(r->service), TC_STR("aws4_request")};

	tc_buf_puts(&first, "AWS4");
	tc_buf_add(&first, r->secret_key.s, r->secret_key.len);
	hmac((const unsigned char *)first.p, first.len, (struct tc_str){.s = r->stamp, .len = 8}, key);
	for (size_t i = 0; i < TC_COUNT(parts); i++)
		hmac(key, HASH, parts[i], key);
}

void tc_sigv4_sign(struct tc_buf *out, const struct tc_sigv4 *r)
{
	_cleanup_buf_ struct tc_buf request = {0}, scope = {0}, text = {0};
	unsigned char key[HASH], signature[HASH];
	char hash[TC_SHA256_HEX];

	canonical_request(&request, r);
	tc_sigv4_hash(tc_buf_str(&request), hash);
	tc_buf_printf(&scope, "%.8s/%s/%s/aws4_request", r->stamp, r->region, r->service);
	tc_buf_printf(&text, "AWS4-HMAC-SHA256\n%s\n%s\n%s", r->stamp, scope.p, hash);
	signing_key(r, key);
	hmac(key, HASH, tc_buf_str(&text), signature);
	explicit_bzero(key, sizeof(key));
	to_hex(signature, hash);
	tc_buf_printf(out, "AWS4-HMAC-SHA256 Credential=%s/%s, SignedHeaders=", r->access_key, scope.p);
	signed_names(out, r);
	tc_buf_printf(out, ", Signature=%s", hash);
}
