#include "registrars/s3.h"

#include <curl/curl.h>
#include <time.h>

#include "compiler/contract/identity.h"

#define HEADERS_MAX (64u << 10)

struct tc_s3 {
	struct tc_s3_conf conf;
	CURL *easy;
	bool tls, verified;
	char *base; /* "https://rustfs.example:9000" */
	char *host; /* of the header, which is signed */
};

/* One transfer. */
struct call {
	struct tc_s3 *s;
	const struct tc_s3_request *req;
	struct tc_s3_answer *answer;
	size_t headers; /* bytes */
	bool too_large;
	char said[CURL_ERROR_SIZE]; /* by libcurl */
};

/* --- what comes */

static size_t on_header(char *s, size_t size, size_t count, void *self)
{
	struct call *c = self;
	size_t n = size * count;
	char date[64];

	c->headers += n;
	if (c->headers > HEADERS_MAX) {
		c->too_large = true;
		return 0;
	}
	if (n > 5 && n < sizeof(date) && strncasecmp(s, "Date:", 5) == 0) {
		memcpy(date, s + 5, n - 5);
		date[n - 5] = '\0';
		c->answer->date = curl_getdate(date, NULL);
	}
	if (n > 17 && strncasecmp(s, "x-amz-version-id:", 17) == 0)
		c->answer->versioned = !memmem(s, n, "null", 4);
	return n;
}

static size_t on_body(char *s, size_t size, size_t count, void *self)
{
	struct call *c = self;
	size_t n = size * count;

	if (n > TC_S3_ANSWER_MAX - c->answer->body.len) {
		c->too_large = true;
		return 0;
	}
	tc_buf_add(&c->answer->body, s, n);
	return n;
}

/* --- what goes */

static struct curl_slist *add(struct curl_slist *list, const char *line)
{
	struct curl_slist *longer = curl_slist_append(list, line);

	if (!longer)
		tc_no_memory();
	return longer;
}

static const char *stamp_now(char out[17])
{
	time_t now = time(NULL);
	struct tm tm;

	gmtime_r(&now, &tm);
	(void)strftime(out, 17, "%Y%m%dT%H%M%SZ", &tm);
	return out;
}

static const char *checksum(struct tc_arena *mem, const char *hash)
{
	char bytes[32];

	for (size_t i = 0; i < sizeof(bytes); i++) {
		unsigned high = (unsigned)(hash[2 * i] - (hash[2 * i] > '9' ? 'a' - 10 : '0'));
		unsigned low = (unsigned)(hash[2 * i + 1] - (hash[2 * i + 1] > '9' ? 'a' - 10 : '0'));

		bytes[i] = (char)(high << 4 | low);
	}
	return tc_base64(mem, (struct tc_str){.s = bytes, .len = sizeof(bytes)});
}

static struct curl_slist *make_headers(const struct call *c, struct tc_arena *mem, const char *query)
{
	const struct tc_s3_login *login = c->req->as ? c->req->as : &c->s->conf.login;
	_cleanup_buf_ struct tc_buf line = {0};
	char stamp[17], hash[TC_SHA256_HEX];
	struct tc_param headers[4];
	struct curl_slist *list = NULL;
	struct tc_sigv4 r = {
		.access_key = login->access_key,
		.secret_key = login->secret_key,
		.region = c->s->conf.region,
		.service = "s3",
		.stamp = stamp_now(stamp),
		.method = c->req->method,
		.path = c->req->path,
		.query = query,
		.headers = headers,
		.payload = hash,
	};

	tc_sigv4_hash(c->req->body, hash);
	headers[r.nheaders++] = (struct tc_param){"host", tc_str(c->s->host)};
	if (c->req->checksum)
		headers[r.nheaders++] = (struct tc_param){"x-amz-checksum-sha256", tc_str(checksum(mem, hash))};
	headers[r.nheaders++] = (struct tc_param){"x-amz-content-sha256", tc_str(hash)};
	headers[r.nheaders++] = (struct tc_param){"x-amz-date", tc_str(stamp)};
	for (size_t i = 0; i < r.nheaders; i++) {
		tc_buf_clear(&line);
		tc_buf_printf(&line, "%s: %.*s", headers[i].name, TC_STR_ARG(headers[i].value));
		list = add(list, line.p);
	}
	tc_buf_clear(&line);
	tc_buf_puts(&line, "Authorization: ");
	tc_sigv4_sign(&line, &r);
	list = add(list, line.p);
	/* Waiting for "100 Continue" only costs time, and libcurl would call a body a form. */
	list = add(list, "Expect:");
	return add(list, "Content-Type:");
}

static void set_tls(const struct tc_s3 *s)
{
	const char *ca = s->conf.tls_ca;
	struct curl_blob blob = {.flags = CURL_BLOB_NOCOPY};
	CURL *e = s->easy;

	curl_easy_setopt(e, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(e, CURLOPT_SSL_VERIFYPEER, s->verified ? 1L : 0L);
	curl_easy_setopt(e, CURLOPT_SSL_VERIFYHOST, s->verified ? 2L : 0L);
	if (!ca || !*ca)
		return;
	/* libcurl does not write to it. */
	blob.data = (void *)(uintptr_t)ca;
	blob.len = strlen(ca);
	/* Else the system's would count as well. */
	curl_easy_setopt(e, CURLOPT_CAINFO, NULL);
	curl_easy_setopt(e, CURLOPT_CAPATH, NULL);
	curl_easy_setopt(e, CURLOPT_CAINFO_BLOB, &blob);
}

static void set_limits(const struct tc_s3 *s)
{
	CURL *e = s->easy;

	curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, (long)s->conf.seconds * 1000);
	curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, (long)s->conf.seconds * 1000);
	curl_easy_setopt(e, CURLOPT_TCP_KEEPALIVE, 1L);
	/* Other threads have signals of their own. */
	curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, s->tls ? "https" : "http");
	/* "" turns the environment's proxies off. */
	curl_easy_setopt(e, CURLOPT_PROXY, "");
	curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
}

static void set_request(struct call *c, const char *url, struct curl_slist *headers)
{
	CURL *e = c->s->easy;

	/* What was on the connection stays there: reset forgets options only. */
	curl_easy_reset(e);
	curl_easy_setopt(e, CURLOPT_URL, url);
	/* Else "." and ".." would be taken out of what was signed. */
	curl_easy_setopt(e, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(e, CURLOPT_CUSTOMREQUEST, c->req->method);
	if (strcmp(c->req->method, "HEAD") == 0)
		curl_easy_setopt(e, CURLOPT_NOBODY, 1L);
	else if (c->req->method[0] == 'P') { /* PUT and POST say the length of a body even when there is none */
		curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)c->req->body.len);
		curl_easy_setopt(e, CURLOPT_POSTFIELDS, c->req->body.len ? c->req->body.s : "");
	}
	curl_easy_setopt(e, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(e, CURLOPT_USERAGENT, "tentc");
	curl_easy_setopt(e, CURLOPT_ERRORBUFFER, c->said);
	curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(e, CURLOPT_HEADERDATA, c);
	curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(e, CURLOPT_WRITEDATA, c);
	set_limits(c->s);
	set_tls(c->s);
}

/* --- errors of the connection */

static const struct {
	CURLcode code;
	enum tc_code our;
	const char *what, *help;
} faults[] = {
	{CURLE_PEER_FAILED_VERIFICATION, TC_E_USAGE, "its certificate is not trusted",
	 "check services.rustfs.tls.ca and host"},
	{CURLE_SSL_CACERT_BADFILE, TC_E_USAGE, "the certificate authority cannot be read",
	 "services.rustfs.tls.ca is to be certificates in PEM"},
	{CURLE_SSL_CONNECT_ERROR, TC_E_RETRY, "no TLS connection", "check services.rustfs.tls.mode"},
	{CURLE_URL_MALFORMAT, TC_E_USAGE, "the host cannot be part of a URL", "check services.rustfs.host"},
	{CURLE_COULDNT_RESOLVE_HOST, TC_E_RETRY, "its name cannot be resolved",
	 "check services.rustfs.host, or try again"},
	{CURLE_COULDNT_CONNECT, TC_E_RETRY, "no connection", "check that the server runs, then try again"},
	{CURLE_OPERATION_TIMEDOUT, TC_E_RETRY, "no answer in time", "try again"},
	{CURLE_GOT_NOTHING, TC_E_RETRY, "the connection was closed without an answer",
	 "check services.rustfs.port and tls.mode, or try again"},
	{CURLE_PARTIAL_FILE, TC_E_RETRY, "the connection was closed in the middle of the answer", "try again"},
	{CURLE_RECV_ERROR, TC_E_RETRY, "the connection broke", "try again"},
	{CURLE_SEND_ERROR, TC_E_RETRY, "the connection broke", "try again"},
	{CURLE_UNSUPPORTED_PROTOCOL, TC_E_RETRY, "what answers there does not speak HTTP",
	 "check services.rustfs.port and tls.mode"},
	{CURLE_WEIRD_SERVER_REPLY, TC_E_RETRY, "what answers there does not speak HTTP",
	 "check services.rustfs.port and tls.mode"},
};

static int fail_curl(const struct call *c, CURLcode code, struct tc_error *err)
{
	const struct tc_s3_conf *conf = &c->s->conf;

	if (c->too_large)
		return tc_fail(err, TC_E_RETRY,
			       "rustfs: %s: the answer of %s:%u is larger than any should be; check that an S3 server "
			       "runs there",
			       c->req->step, conf->host, conf->port);
	if (code == CURLE_OPERATION_TIMEDOUT && strcmp(c->req->method, "GET") != 0)
		return tc_fail(err, TC_E_RETRY,
			       "rustfs: %s: %s:%u: no answer in time (%s); try again, and look at the server's disks: "
			       "full or read-only, RustFS answers no change",
			       c->req->step, conf->host, conf->port, c->said);
	for (size_t i = 0; i < TC_COUNT(faults); i++)
		if (faults[i].code == code)
			return tc_fail(err, faults[i].our, "rustfs: %s: %s:%u: %s (%s); %s", c->req->step, conf->host,
				       conf->port, faults[i].what, *c->said ? c->said : curl_easy_strerror(code),
				       faults[i].help);
	return tc_fail(err, TC_E_RETRY, "rustfs: %s: %s:%u: %s; try again", c->req->step, conf->host, conf->port,
		       *c->said ? c->said : curl_easy_strerror(code));
}

/* --- one call */

static size_t count_query(const struct tc_s3_request *req)
{
	size_t n = 0;

	while (n < TC_QUERY_MAX && req->query[n].name)
		n++;
	return n;
}

int tc_s3_call(struct tc_s3 *s, const struct tc_s3_request *req, struct tc_s3_answer *answer, struct tc_error *err)
{
	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(1024);
	_cleanup_buf_ struct tc_buf query = {0}, url = {0};
	struct call c = {.s = s, .req = req, .answer = answer};
	struct curl_slist *headers;
	CURLcode code;
	long status = 0;

	tc_s3_answer_free(answer);
	*answer = (struct tc_s3_answer){.date = -1};
	tc_buf_reserve(&query, 1);
	tc_sigv4_query(&query, req->query, count_query(req));
	tc_buf_printf(&url, "%s%s%s%s", s->base, req->path, query.len ? "?" : "", query.p);
	headers = make_headers(&c, mem, query.p);
	set_request(&c, url.p, headers);
	code = curl_easy_perform(s->easy);
	curl_easy_getinfo(s->easy, CURLINFO_RESPONSE_CODE, &status);
	answer->status = (int)status;
	/* It points to what ends here. */
	curl_easy_reset(s->easy);
	curl_slist_free_all(headers);
	if (code != CURLE_OK)
		return fail_curl(&c, code, err);
	if (!tc_s3_good(answer))
		tc_s3_read_error(answer);
	return 0;
}

int tc_s3_do(struct tc_s3 *s, const struct tc_s3_request *req, struct tc_s3_answer *answer, struct tc_error *err)
{
	_cleanup_s3_answer_ struct tc_s3_answer own = {0};

	if (!answer)
		answer = &own;
	if (tc_s3_call(s, req, answer, err) < 0)
		return -1;
	return tc_s3_good(answer) ? 0 : tc_s3_refused(req, answer, err);
}

void tc_s3_answer_free(struct tc_s3_answer *a)
{
	tc_buf_free(&a->body);
}

const char *tc_s3_path(struct tc_arena *mem, const char *bucket, const struct tc_str *key)
{
	_cleanup_buf_ struct tc_buf path = {0};

	tc_buf_putc(&path, '/');
	tc_sigv4_escape(&path, tc_str(bucket), false);
	if (key) {
		tc_buf_putc(&path, '/');
		tc_sigv4_escape(&path, *key, true);
	}
	return tc_strndup(mem, path.p, path.len);
}

/* --- opening */

void tc_s3_open(struct tc_s3 **out, const struct tc_s3_conf *conf)
{
	struct tc_s3 *s = tc_xalloc(sizeof(*s));
	const char *mode = conf->tls_mode ? conf->tls_mode : "";
	_cleanup_buf_ struct tc_buf host = {0}, base = {0};
	bool literal = strchr(conf->host, ':') != NULL;

	s->conf = *conf;
	s->verified = strcmp(mode, "verify-full") == 0;
	s->tls = s->verified || strcmp(mode, "require") == 0;
	tc_buf_printf(&host, "%s%s%s", literal ? "[" : "", conf->host, literal ? "]" : "");
	/* As every client writes it: without the scheme's own port. */
	if (conf->port != (s->tls ? 443 : 80))
		tc_buf_printf(&host, ":%u", conf->port);
	tc_buf_printf(&base, "%s://%s", s->tls ? "https" : "http", host.p);
	s->host = tc_take(&host.p);
	s->base = tc_take(&base.p);
	s->easy = curl_easy_init();
	if (!s->easy)
		tc_no_memory();
	*out = s;
}

void tc_s3_free(struct tc_s3 *s)
{
	if (!s)
		return;
	curl_easy_cleanup(s->easy);
	free(s->host);
	free(s->base);
	free(s);
}
