#include "webhook/request.h"

#include <strings.h>
#include <time.h>

#include "compiler/base/arena.h"

enum {
	/* Of a refused request so much body is read and thrown away, so that the connection stays usable; announced as
	 * more, it is answered at once and the connection ends. */
	SKIP_BYTES = 64 * 1024,
	LARGE_BYTES = 256 * 1024, /* with the trees that are made of it */
	/* Bodies of all requests together. Without it each of some thousand connections could hold one;
	 * deploy/deployment.yaml reckons with it. */
	BODIES_BYTES = 32 * 1024 * 1024,
};

/* From the head of a request to its answer. */
struct request {
	const struct tc_route *route; /* NULL: refused */
	uint64_t start_ns;
	char *body;
	size_t len, cap;
	size_t thrown; /* bytes of the body that nobody will read */
	bool answered; /* while the body was still on its way */
	struct tc_answer answer;
};

uint64_t tc_now_ns(void)
{
	struct timespec now = {0};

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

void tc_answer_line(struct tc_answer *a, unsigned status, const char *fmt, ...)
{
	va_list ap;
	char line[512];

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	a->status = status;
	tc_buf_clear(&a->body);
	tc_buf_puts(&a->body, line);
	tc_buf_putc(&a->body, '\n');
}

/* --- the head of a request --- */

/* How the end of the body is told. Whoever tells it in two ways may want two readers to see two requests. */
struct framing {
	unsigned lengths, encodings, types;
	bool chunked, coded;
	uint64_t length;
	struct tc_str type;
};

static enum MHD_Result read_header(void *self, enum MHD_ValueKind kind, const char *name, size_t name_len,
				   const char *value, size_t len)
{
	struct framing *f = self;
	struct tc_str key = {name, name_len};

	(void)kind;
	if (key.len == 14 && strncasecmp(key.s, MHD_HTTP_HEADER_CONTENT_LENGTH, key.len) == 0) {
		f->lengths++;
		/* libmicrohttpd has refused what is no number, or too large a one. */
		f->length = strtoull(value ? value : "", NULL, 10);
	} else if (key.len == 17 && strncasecmp(key.s, MHD_HTTP_HEADER_TRANSFER_ENCODING, key.len) == 0) {
		f->encodings++;
		f->chunked = len == 7 && strncasecmp(value, "chunked", len) == 0;
	} else if (key.len == 12 && strncasecmp(key.s, MHD_HTTP_HEADER_CONTENT_TYPE, key.len) == 0) {
		f->types++;
		f->type = (struct tc_str){value, len};
	} else if (key.len == 16 && strncasecmp(key.s, MHD_HTTP_HEADER_CONTENT_ENCODING, key.len) == 0) {
		f->coded = !(len == 8 && strncasecmp(value, "identity", len) == 0);
	}
	return MHD_YES;
}

static bool is_json(struct tc_str type)
{
	static const char json[] = "application/json";
	size_t n = sizeof(json) - 1;

	if (type.len < n || strncasecmp(type.s, json, n) != 0)
		return false;
	while (n < type.len && (type.s[n] == ' ' || type.s[n] == '\t'))
		n++;
	return n == type.len || type.s[n] == ';';
}

static bool check_framing(struct tc_answer *a, const struct framing *f)
{
	if (f->lengths + f->encodings > 1)
		tc_answer_line(a, 400, "%u Content-Length and %u Transfer-Encoding headers; send one of them, once",
			       f->lengths, f->encodings);
	else if (f->encodings && !f->chunked)
		tc_answer_line(a, 501, "unknown Transfer-Encoding; send chunked, or a Content-Length");
	else
		return true;
	a->close = true;
	return false;
}

static const struct tc_route *find_route(const struct tc_entry_point *entry, struct tc_answer *a, const char *url,
					 const char *method)
{
	for (size_t i = 0; i < entry->nroutes; i++) {
		const struct tc_route *r = &entry->routes[i];
		bool get = strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;

		if (strcmp(url, r->path) != 0)
			continue;
		if (r->post ? strcmp(method, "POST") == 0 : get)
			return r;
		a->allow = r->post ? "POST" : "GET, HEAD";
		tc_answer_line(a, 405, "%s takes %s only", r->path, a->allow);
		return NULL;
	}
	tc_answer_line(a, 404, "nothing is served at this path; admission is at /mutate");
	return NULL;
}

static bool check_body(const struct tc_service *s, struct tc_answer *a, const struct framing *f)
{
	if (f->types > 1 || !is_json(f->type))
		tc_answer_line(a, 415, "%s; send application/json",
			       f->types == 0  ? "no Content-Type"
			       : f->types > 1 ? "more than one Content-Type"
					      : "the Content-Type is not JSON");
	else if (f->coded)
		tc_answer_line(a, 415, "the body has a Content-Encoding; send it plain");
	else if (f->length > s->conf.max_body)
		tc_answer_line(a, 413, "the body has %llu bytes; at most %zu are read", (unsigned long long)f->length,
			       s->conf.max_body);
	else
		return true;
	return false;
}

/* --- its body --- */

static void refuse_body(struct tc_service *s, struct request *r)
{
	r->route = NULL;
	atomic_fetch_sub(&s->body_bytes, r->len);
	r->thrown = r->len;
	if (r->cap > LARGE_BYTES)
		tc_door_tidy(s->door);
	free(r->body);
	r->body = NULL;
	r->len = r->cap = 0;
}

static void grow(struct request *r, size_t need)
{
	size_t cap = r->cap ? r->cap : 4096;

	while (cap < need)
		cap *= 2;
	r->body = tc_xrealloc(r->body, cap);
	r->cap = cap;
}

/* false: the connection is to end without an answer. */
static bool take(struct tc_service *s, struct request *r, const char *bytes, size_t n)
{
	if (!r->route) {
		r->thrown += n;
		return r->thrown <= 4 * s->conf.max_body;
	}
	if (n > s->conf.max_body - r->len) {
		tc_answer_line(&r->answer, 413, "the body has more than %zu bytes; no more are read", s->conf.max_body);
		refuse_body(s, r);
		return true;
	}
	if (atomic_fetch_add(&s->body_bytes, n) + n > BODIES_BYTES) {
		atomic_fetch_sub(&s->body_bytes, n);
		tc_answer_line(&r->answer, 503, "too many large requests at once; try again");
		refuse_body(s, r);
		return true;
	}
	if (r->cap - r->len < n)
		grow(r, r->len + n);
	memcpy(r->body + r->len, bytes, n);
	r->len += n;
	return true;
}

/* --- its answer --- */

static enum MHD_Result send_answer(const struct tc_service *s, struct MHD_Connection *c, struct tc_answer *a)
{
	struct MHD_Response *response;
	enum MHD_Result sent;

	/* The text goes to libmicrohttpd, which frees it. */
	response = MHD_create_response_from_buffer_with_free_callback(a->body.len, a->body.p, free);
	if (!response)
		return MHD_NO;
	a->body = (struct tc_buf){0};
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE,
				a->type ? a->type : "text/plain; charset=utf-8");
	if (a->allow)
		MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, a->allow);
	if (a->close || tc_door_closing(s->door))
		MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
	sent = MHD_queue_response(c, a->status, response);
	MHD_destroy_response(response);
	return sent;
}

static enum MHD_Result finish(struct tc_service *s, struct MHD_Connection *c, struct tc_visit *v, struct request *r)
{
	if (r->route) {
		r->route->handle(s, (struct tc_str){r->body ? r->body : "", r->len}, r->start_ns, &r->answer);
		if (r->route->post && r->answer.status == MHD_HTTP_OK)
			tc_visit_welcome(v);
		refuse_body(s, r); /* what has been read is not kept while the answer goes out */
	} else {
		atomic_fetch_add_explicit(&s->conf.metrics->requests[TC_RESULT_REFUSED], 1, memory_order_relaxed);
		tc_refusals_log(&s->refusals, s->conf.log, tc_now_ns(), r->answer.status, tc_buf_str(&r->answer.body));
	}
	return send_answer(s, c, &r->answer);
}

static enum MHD_Result begin(struct tc_entry_point *entry, struct MHD_Connection *c, struct tc_visit *v,
			     const char *url, const char *method)
{
	struct tc_service *s = entry->service;
	struct request *r = tc_xalloc(sizeof(*r));
	struct framing f = {0};
	bool sound;

	v->request = r;
	r->start_ns = tc_now_ns();
	MHD_get_connection_values_n(c, MHD_HEADER_KIND, read_header, &f);
	sound = check_framing(&r->answer, &f);
	if (sound)
		r->route = find_route(entry, &r->answer, url, method);
	if (r->route && r->route->post && !check_body(s, &r->answer, &f))
		r->route = NULL;
	if (r->route && f.length)
		grow(r, f.length < s->conf.max_body ? f.length : s->conf.max_body);
	if (r->route || (sound && f.length <= SKIP_BYTES))
		return MHD_YES;
	r->answered = true;
	r->answer.close = true;
	return finish(s, c, v, r);
}

enum MHD_Result tc_request_answer(void *self, struct MHD_Connection *c, struct tc_visit *visit, const char *url,
				  const char *method, const char *body, size_t *size)
{
	struct tc_entry_point *entry = self;
	struct request *r = visit->request;

	if (!r)
		return begin(entry, c, visit, url, method);
	if (*size) {
		bool go_on = r->answered || take(entry->service, r, body, *size);

		*size = 0;
		return go_on ? MHD_YES : MHD_NO;
	}
	return r->answered ? MHD_YES : finish(entry->service, c, visit, r);
}

void tc_request_done(void *self, struct tc_visit *visit)
{
	const struct tc_entry_point *entry = self;
	struct request *r = visit->request;

	if (!r)
		return;
	visit->request = NULL;
	refuse_body(entry->service, r);
	tc_buf_free(&r->answer.body);
	free(r);
}
