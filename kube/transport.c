#include "kube/transport.h"

#include <curl/curl.h>

#include "kube/credential.h"

#define CONNECT_MAX 10000 /* ms */
#define CALL_SECONDS 30
#define HEADERS_MAX (64u << 10)
#define STOP_EVERY 200 /* ms */

struct tc_transport {
	const struct tc_kube_config *config;
	struct tc_kube_credential cred;
	struct tc_arena *mem;
	CURLM *multi;
	CURL *easy;
	const char *base;       /* what stands before a path */
	const char *host;       /* "Host: ...", where the URL says another one; or NULL */
	const char *connect_to; /* and where it is really; or NULL */
};

/* One attempt. */
struct call {
	struct tc_transport *t;
	const struct tc_request *req;
	struct tc_answer *answer;
	struct tc_kube_error *err;
	struct tc_buf line;         /* what came of a line whose end did not come yet */
	size_t headers;             /* bytes */
	bool failed;                /* err says why the transfer was broken off */
	char said[CURL_ERROR_SIZE]; /* by libcurl */
};

/* --- errors */

/* What libcurl calls it; whether to try again; what to do. */
static const struct {
	CURLcode code;
	enum tc_code our;
	const char *what, *help;
} faults[] = {
	{CURLE_PEER_FAILED_VERIFICATION, TC_E_USAGE, "its certificate is not trusted",
	 "; check certificate-authority and tls-server-name of the cluster"},
	{CURLE_SSL_CACERT_BADFILE, TC_E_USAGE, "the certificate authority cannot be read", ""},
	{CURLE_SSL_CERTPROBLEM, TC_E_USAGE, "the client certificate or its key cannot be used", ""},
	{CURLE_SSL_CONNECT_ERROR, TC_E_RETRY, "no TLS connection", ""},
	{CURLE_URL_MALFORMAT, TC_E_USAGE, "\"server\" is no URL", ""},
	{CURLE_COULDNT_RESOLVE_HOST, TC_E_RETRY, "its name cannot be resolved", ""},
	{CURLE_COULDNT_RESOLVE_PROXY, TC_E_RETRY, "the name of proxy-url cannot be resolved", ""},
	{CURLE_COULDNT_CONNECT, TC_E_RETRY, "no connection", ""},
	{CURLE_OPERATION_TIMEDOUT, TC_E_RETRY, "no answer in time", ""},
	{CURLE_GOT_NOTHING, TC_E_RETRY, "the connection was closed without an answer", ""},
	{CURLE_PARTIAL_FILE, TC_E_RETRY, "the connection was closed in the middle of the answer", ""},
	{CURLE_RECV_ERROR, TC_E_RETRY, "the connection broke", ""},
	{CURLE_SEND_ERROR, TC_E_RETRY, "the connection broke", ""},
	{CURLE_UNSUPPORTED_PROTOCOL, TC_E_RETRY, "what answers there does not speak HTTP", ""},
	{CURLE_WEIRD_SERVER_REPLY, TC_E_RETRY, "what answers there does not speak HTTP", ""},
};

static int fail_curl(struct call *c, CURLcode code)
{
	const char *server = c->t->config->server, *path = c->req->path;
	const char *what = "the call failed", *help = "";
	enum tc_code our = TC_E_RETRY;

	for (size_t i = 0; i < TC_COUNT(faults); i++)
		if (faults[i].code == code) {
			what = faults[i].what;
			help = faults[i].help;
			our = faults[i].our;
		}
	return tc_fail(&c->err->error, our, "%s %.*s: %s: %s: %s%s", c->req->method, (int)strcspn(path, "?"), path,
		       server, what, *c->said ? c->said : curl_easy_strerror(code), help);
}

static int fail_call(struct call *c, const char *fmt, ...) TC_PRINTF(2, 3);
static int fail_call(struct call *c, const char *fmt, ...)
{
	const char *path = c->req->path;
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	c->failed = true;
	return tc_fail(&c->err->error, TC_E_RETRY, "%s %.*s: %s", c->req->method, (int)strcspn(path, "?"), path, text);
}

/* --- what comes */

static bool header_is(const char *s, size_t n, const char *name, const char **value, size_t *len)
{
	size_t k = strlen(name);

	if (n <= k || s[k] != ':' || strncasecmp(s, name, k))
		return false;
	s += k + 1;
	n -= k + 1;
	while (n > 0 && (*s == ' ' || *s == '\t')) {
		s++;
		n--;
	}
	while (n > 0 && (s[n - 1] == '\r' || s[n - 1] == '\n' || s[n - 1] == ' '))
		n--;
	*value = s;
	*len = n;
	return true;
}

/* Seconds; a date or anything else is as if it was not said. */
static unsigned read_seconds(const char *s, size_t n)
{
	unsigned seconds = 0;

	if (n == 0 || n > 6)
		return 0;
	for (; n > 0; n--, s++) {
		if (!tc_is_digit(*s))
			return 0;
		seconds = seconds * 10 + (unsigned)(*s - '0');
	}
	return seconds;
}

static size_t on_header(char *s, size_t size, size_t count, void *self)
{
	struct call *c = self;
	size_t n = size * count, len;
	const char *value;

	c->headers += n;
	if (c->headers > HEADERS_MAX) {
		fail_call(c, "the answer has more than %u bytes of headers", HEADERS_MAX);
		return 0;
	}
	if (header_is(s, n, "Retry-After", &value, &len))
		c->answer->retry_after = read_seconds(value, len);
	else if (header_is(s, n, "Content-Type", &value, &len))
		c->answer->json = len >= 16 && !strncasecmp(value, "application/json", 16);
	return n;
}

/* Hands out whole lines. Only new bytes are looked at. */
static int take_lines(struct call *c, const char *s, size_t n)
{
	while (n > 0) {
		const char *end = memchr(s, '\n', n);
		size_t part = end ? (size_t)(end - s) : n;

		if (c->line.len + part > TC_LINE_MAX)
			return fail_call(c, "a line of the answer is longer than %u MiB", TC_LINE_MAX >> 20);
		if (!end) {
			tc_buf_add(&c->line, s, part);
			return 0;
		}
		if (c->line.len > 0) {
			tc_buf_add(&c->line, s, part);
			if (c->req->line(c->req->self, c->line.p, c->line.len, c->err) < 0)
				return -1;
			tc_buf_clear(&c->line);
		} else if (part > 0 && c->req->line(c->req->self, s, part, c->err) < 0) {
			return -1;
		}
		s += part + 1;
		n -= part + 1;
	}
	return 0;
}

static size_t on_body(char *s, size_t size, size_t count, void *self)
{
	struct call *c = self;
	size_t n = size * count, max = c->req->max > 0 ? c->req->max : TC_ANSWER_MAX;
	long status = 0;

	curl_easy_getinfo(c->t->easy, CURLINFO_RESPONSE_CODE, &status);
	if (c->req->line && status == 200) {
		if (take_lines(c, s, n) == 0)
			return n;
		c->failed = true;
		return 0;
	}
	if (c->answer->body.len + n > max) {
		c->answer->too_large = true;
		fail_call(c, "the answer is larger than %zu MiB", max >> 20);
		return 0;
	}
	tc_buf_add(&c->answer->body, s, n);
	return n;
}

/* --- what goes */

static struct curl_blob blob(struct tc_str text)
{
	/* libcurl does not write to it. */
	return (struct curl_blob){.data = (void *)(uintptr_t)text.s, .len = text.len, .flags = CURL_BLOB_NOCOPY};
}

static void set_tls(struct tc_transport *t)
{
	struct curl_blob ca = blob(t->config->ca), cert = blob(t->cred.cert), key = blob(t->cred.key);
	CURL *e = t->easy;

	curl_easy_setopt(e, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(e, CURLOPT_SSL_VERIFYPEER, t->config->insecure ? 0L : 1L);
	curl_easy_setopt(e, CURLOPT_SSL_VERIFYHOST, t->config->insecure ? 0L : 2L);
	if (ca.len > 0) {
		/* Else the system's would count as well. */
		curl_easy_setopt(e, CURLOPT_CAINFO, NULL);
		curl_easy_setopt(e, CURLOPT_CAPATH, NULL);
		curl_easy_setopt(e, CURLOPT_CAINFO_BLOB, &ca);
	}
	if (cert.len > 0) {
		curl_easy_setopt(e, CURLOPT_SSLCERTTYPE, "PEM");
		curl_easy_setopt(e, CURLOPT_SSLCERT_BLOB, &cert);
		curl_easy_setopt(e, CURLOPT_SSLKEYTYPE, "PEM");
		curl_easy_setopt(e, CURLOPT_SSLKEY_BLOB, &key);
	}
}

static void set_limits(struct call *c)
{
	unsigned seconds = c->req->seconds > 0 ? c->req->seconds : CALL_SECONDS;
	CURL *e = c->t->easy;

	curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MAX);
	curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, (long)seconds * 1000);
	curl_easy_setopt(e, CURLOPT_TCP_KEEPALIVE, 1L);
	curl_easy_setopt(e, CURLOPT_TCP_KEEPIDLE, 30L);
	curl_easy_setopt(e, CURLOPT_TCP_KEEPINTVL, 10L);
	/* Other threads have signals of their own. */
	curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, strncmp(c->t->config->server, "http:", 5) ? "https" : "http");
	/* "" turns the environment's proxies off. */
	curl_easy_setopt(e, CURLOPT_PROXY, c->t->config->proxy ? c->t->config->proxy : "");
	curl_easy_setopt(e, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
}

static struct curl_slist *add(struct curl_slist *list, const char *line)
{
	struct curl_slist *longer = curl_slist_append(list, line);

	if (!longer)
		tc_no_memory();
	return longer;
}

static struct curl_slist *make_headers(struct call *c)
{
	const struct tc_transport *t = c->t;
	_cleanup_buf_ struct tc_buf line = {.secret = true};
	struct curl_slist *list = NULL;

	tc_buf_printf(&line, "Accept: %s", c->req->accept ? c->req->accept : "application/json");
	list = add(list, line.p);
	if (c->req->body.len > 0) {
		tc_buf_clear(&line);
		tc_buf_printf(&line, "Content-Type: %s",
			      c->req->content_type ? c->req->content_type : "application/json");
		list = add(list, line.p);
	}
	/* Waiting for "100 Continue" only costs time. */
	list = add(list, "Expect:");
	if (t->host)
		list = add(list, t->host);
	for (const char *const *h = t->config->headers; h && *h; h++)
		list = add(list, *h);
	if (t->cred.token) {
		tc_buf_clear(&line);
		tc_buf_puts(&line, "Authorization: Bearer ");
		tc_buf_puts(&line, t->cred.token);
		list = add(list, line.p);
	}
	return list;
}

static void free_headers(struct curl_slist *list)
{
	for (struct curl_slist *h = list; h; h = h->next)
		explicit_bzero(h->data, strlen(h->data));
	curl_slist_free_all(list);
}

static void set_request(struct call *c, const char *url, struct curl_slist *headers, struct curl_slist *connect_to)
{
	CURL *e = c->t->easy;

	curl_easy_reset(e);
	curl_easy_setopt(e, CURLOPT_URL, url);
	curl_easy_setopt(e, CURLOPT_CUSTOMREQUEST, c->req->method);
	if (c->req->body.len > 0) {
		curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)c->req->body.len);
		curl_easy_setopt(e, CURLOPT_POSTFIELDS, c->req->body.s);
	}
	curl_easy_setopt(e, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(e, CURLOPT_CONNECT_TO, connect_to);
	curl_easy_setopt(e, CURLOPT_USERAGENT, "tentc");
	curl_easy_setopt(e, CURLOPT_ERRORBUFFER, c->said);
	curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(e, CURLOPT_HEADERDATA, c);
	curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(e, CURLOPT_WRITEDATA, c);
	set_limits(c);
	set_tls(c->t);
}

/* --- one attempt, and the second one after a 401 */

static int run(struct call *c)
{
	const atomic_bool *stop = c->req->stop;
	CURLcode code = CURLE_FAILED_INIT;
	CURLM *multi = c->t->multi;
	struct CURLMsg *msg;
	int running = 1, left;

	if (curl_multi_add_handle(multi, c->t->easy) != CURLM_OK)
		return tc_fail(&c->err->error, TC_E_BUG, "libcurl refuses a transfer");
	while (running > 0) {
		if (stop && atomic_load(stop)) {
			fail_call(c, "stopped");
			break;
		}
		if (curl_multi_perform(multi, &running) != CURLM_OK ||
		    (running > 0 && curl_multi_poll(multi, NULL, 0, STOP_EVERY, NULL) != CURLM_OK))
			break;
	}
	msg = curl_multi_info_read(multi, &left);
	if (msg && msg->msg == CURLMSG_DONE)
		code = msg->data.result;
	curl_multi_remove_handle(multi, c->t->easy);
	if (c->failed)
		return -1;
	return code == CURLE_OK ? 0 : fail_curl(c, code);
}

static int attempt(struct tc_transport *t, const struct tc_request *req, struct tc_answer *answer,
		   struct tc_kube_error *err)
{
	struct call c = {.t = t, .req = req, .answer = answer, .err = err, .line = {.secret = true}};
	struct curl_slist *headers = make_headers(&c), *connect_to = t->connect_to ? add(NULL, t->connect_to) : NULL;
	_cleanup_buf_ struct tc_buf url = {0};
	long status = 0;
	int done;

	tc_buf_puts(&url, t->base);
	tc_buf_puts(&url, req->path);
	set_request(&c, url.p, headers, connect_to);
	done = run(&c);
	curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
	answer->status = (int)status;
	/* It points to what ends here. */
	curl_easy_reset(t->easy);
	free_headers(headers);
	curl_slist_free_all(connect_to);
	tc_buf_free(&c.line);
	return done;
}

int tc_transport_call(struct tc_transport *t, const struct tc_request *req, struct tc_answer *answer,
		      struct tc_kube_error *err)
{
	int changed;

	memset(err, 0, sizeof(*err));
	if (req->path[0] != '/')
		return tc_fail(&err->error, TC_E_BUG, "a path that does not begin with a slash: %s", req->path);
	for (const char *p = req->path; *p; p++)
		if (*p <= ' ' || *p > '~')
			return tc_fail(&err->error, TC_E_BUG, "a path that is not escaped: %s", req->path);
	if (tc_kube_credential_refresh(&t->cred, t->config, false, req->stop, err) < 0)
		return -1;
	for (bool again = true;; again = false) {
		*answer = (struct tc_answer){.body = {.secret = true}};
		if (attempt(t, req, answer, err) < 0)
			break;
		if (answer->status != 401 || !again)
			return 0;
		changed = tc_kube_credential_refresh(&t->cred, t->config, true, req->stop, err);
		if (changed < 0)
			break;
		if (changed == 0)
			return 0;
		tc_answer_free(answer);
	}
	tc_answer_free(answer);
	return -1;
}

void tc_answer_free(struct tc_answer *a)
{
	tc_buf_free(&a->body);
}

/* --- opening */

/* tls-server-name: the URL holds the name that the certificate must have, and libcurl is told where that is. */
static int set_place(struct tc_transport *t, struct tc_kube_error *err)
{
	const char *server = t->config->server;
	char *host = NULL, *port = NULL, *url = NULL;
	CURLU *u = curl_url();
	bool good;

	if (!u)
		tc_no_memory();
	good = curl_url_set(u, CURLUPART_URL, server, 0) == CURLUE_OK &&
	       curl_url_get(u, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
	       curl_url_get(u, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) == CURLUE_OK;
	t->base = server;
	if (good && t->config->tls_name) {
		good = curl_url_set(u, CURLUPART_HOST, t->config->tls_name, 0) == CURLUE_OK &&
		       curl_url_get(u, CURLUPART_URL, &url, 0) == CURLUE_OK;
		if (good) {
			size_t n = strlen(url);

			while (n > 0 && url[n - 1] == '/')
				n--;
			t->base = tc_strndup(t->mem, url, n);
			t->connect_to = tc_printf(t->mem, "::%s:%s", host, port);
			t->host = tc_printf(t->mem, "Host: %s:%s", host, port);
		}
	}
	curl_free(host);
	curl_free(port);
	curl_free(url);
	curl_url_cleanup(u);
	return good ? 0 : tc_fail(&err->error, TC_E_USAGE, "\"server\" is no URL: \"%s\"", server);
}

int tc_transport_open(struct tc_transport **out, const struct tc_kube_config *config, struct tc_kube_error *err)
{
	_cleanup_(tc_transport_free) struct tc_transport *t = tc_xalloc(sizeof(*t));

	*out = NULL;
	t->config = config;
	t->mem = tc_arena_new(1024);
	t->multi = curl_multi_init();
	t->easy = curl_easy_init();
	if (!t->multi || !t->easy)
		tc_no_memory();
	curl_multi_setopt(t->multi, CURLMOPT_MAXCONNECTS, 2L);
	if (set_place(t, err) < 0)
		return -1;
	*out = tc_take(&t);
	return 0;
}

void tc_transport_free(struct tc_transport *t)
{
	if (!t)
		return;
	curl_easy_cleanup(t->easy);
	curl_multi_cleanup(t->multi);
	tc_kube_credential_clear(&t->cred);
	tc_arena_free(t->mem);
	free(t);
}
