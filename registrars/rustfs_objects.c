/* Objects below a prefix: counted, and removed in pages. */
#include <time.h>

#include "registrars/rustfs.h"

#define PAGE 1000u
/* Removed in one call. Servers take 1,000; a slow one would need longer for them than a call may take. */
#define BATCH 250u

/* --- listing */

static int digit(char c)
{
	return tc_is_digit(c) ? c - '0' : c >= 'a' ? c - 'a' + 10 : c - 'A' + 10;
}

/* As forms escape: MinIO writes a blank as +, and a + as %2B. */
static struct tc_str unescape(struct tc_arena *mem, struct tc_str text)
{
	char *out = tc_alloc_text(mem, text.len + 1);
	size_t n = 0;

	for (size_t i = 0; i < text.len; i++) {
		if (text.s[i] == '%' && i + 2 < text.len && tc_is_hex(text.s[i + 1]) && tc_is_hex(text.s[i + 2])) {
			out[n++] = (char)(digit(text.s[i + 1]) << 4 | digit(text.s[i + 2]));
			i += 2;
		} else {
			out[n++] = text.s[i] == '+' ? ' ' : text.s[i];
		}
	}
	out[n] = '\0';
	return (struct tc_str){.s = out, .len = n};
}

static struct tc_str key_of(struct tc_arena *mem, const struct tc_xml *root, struct tc_str text)
{
	return tc_str_is(tc_xml_text(root, "EncodingType"), "url") ? unescape(mem, text) : text;
}

/* One page of ?versions or ?uploads. */
static int list(struct tc_rustfs *r, struct tc_arena *mem, struct tc_s3_request *req, const struct tc_xml **root,
		struct tc_error *err)
{
	_cleanup_s3_answer_ struct tc_s3_answer answer = {0};
	const char *fault;

	if (tc_s3_do(r->s3, req, &answer, err) < 0)
		return -1;
	*root = tc_xml_read(mem, tc_buf_str(&answer.body), &fault);
	if (!*root)
		return tc_s3_garbage(req, fault, err);
	if (!tc_xml_get(*root, "IsTruncated"))
		return tc_s3_garbage(req, "is no list", err);
	return 0;
}

int tc_rustfs_list(struct tc_rustfs *r, struct tc_arena *mem, const struct tc_rustfs_range *range,
		   const struct tc_rustfs_page *after, struct tc_rustfs_page *out, struct tc_error *err)
{
	struct tc_s3_request req = {
		.step = tc_printf(mem, "list what is in the bucket %s below \"%s\"", range->bucket, range->prefix),
		.method = "GET",
		.path = tc_s3_path(mem, range->bucket, NULL),
		.query = {{"versions", TC_STR("")},
			  {"encoding-type", TC_STR("url")},
			  {"prefix", tc_str(range->prefix)},
			  {"max-keys", tc_str(tc_printf(mem, "%u", range->max))}},
	};

	*out = (struct tc_rustfs_page){0};
	if (after) {
		req.query[4] = (struct tc_param){"key-marker", after->next_key};
		req.query[5] = (struct tc_param){"version-id-marker", after->next_version};
	}
	if (list(r, mem, &req, &out->root, err) < 0)
		return -1;
	out->more = tc_str_is(tc_xml_text(out->root, "IsTruncated"), "true");
	out->next_key = key_of(mem, out->root, tc_xml_text(out->root, "NextKeyMarker"));
	out->next_version = tc_xml_text(out->root, "NextVersionIdMarker");
	return 0;
}

static bool is_object(const struct tc_xml *n)
{
	return strcmp(n->name, "Version") == 0 || strcmp(n->name, "DeleteMarker") == 0;
}

static void keep(struct tc_buf *out, struct tc_str text)
{
	tc_buf_clear(out);
	tc_buf_reserve(out, 1);
	if (text.len)
		tc_buf_add(out, text.s, text.len);
}

/* --- counting */

static uint64_t number(struct tc_str text)
{
	return strtoull(text.s, NULL, 10);
}

int tc_rustfs_count(struct tc_rustfs *r, const struct tc_rustfs_names *n, uint64_t *items, uint64_t *bytes,
		    struct tc_error *err)
{
	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(256 * 1024);
	const struct tc_rustfs_range range = {.bucket = n->bucket, .prefix = n->prefix, .max = PAGE};
	const struct tc_arena_mark empty = tc_arena_mark(mem);
	_cleanup_buf_ struct tc_buf key = {0}, version = {0};
	struct tc_rustfs_page page = {.more = true}, last;
	time_t end = time(NULL) + (time_t)r->seconds;
	bool first = true;

	*items = *bytes = 0;
	for (; page.more; first = false) {
		if (time(NULL) > end) {
			*items = *bytes = UINT64_MAX;
			return 0;
		}
		/* Of the page before nothing is needed but where it ended. */
		keep(&key, page.next_key);
		keep(&version, page.next_version);
		last = (struct tc_rustfs_page){.next_key = tc_buf_str(&key), .next_version = tc_buf_str(&version)};
		tc_arena_rewind(mem, empty);
		if (tc_rustfs_list(r, mem, &range, first ? NULL : &last, &page, err) < 0)
			return -1;
		for (const struct tc_xml *v = page.root->first; v; v = v->next) {
			if (strcmp(v->name, "Version") != 0)
				continue;
			++*items;
			*bytes += number(tc_xml_text(v, "Size"));
		}
		/* A server that goes round in circles is ended by time, but one that stands still need not wait. */
		if (page.more && !page.next_key.len)
			break;
	}
	return 0;
}

/* --- removing */

struct removal {
	struct tc_rustfs *r;
	struct tc_arena *mem; /* of one page */
	const char *bucket, *prefix;
	uint64_t removed;
	size_t failed; /* of one page */
	const char *why;
	struct tc_buf first; /* key and version with which a page began of which nothing failed; "": none */
};

/* What XML 1.0 cannot carry, or not without changing it: control characters, U+FFFE and U+FFFF. */
static bool fits_xml(struct tc_str key)
{
	for (size_t i = 0; i < key.len; i++) {
		unsigned char c = (unsigned char)key.s[i];

		if (c < 0x20 || c == 0x7f ||
		    (c == 0xef && i + 2 < key.len && memcmp(key.s + i + 1, "\xbf\xbe", 2) >= 0))
			return false;
	}
	return true;
}

static void add_escaped(struct tc_buf *out, struct tc_str text)
{
	for (size_t i = 0; i < text.len; i++) {
		if (text.s[i] == '<')
			tc_buf_puts(out, "&lt;");
		else if (text.s[i] == '>')
			tc_buf_puts(out, "&gt;");
		else if (text.s[i] == '&')
			tc_buf_puts(out, "&amp;");
		else
			tc_buf_putc(out, text.s[i]);
	}
}

static const char *removal_step(const struct removal *x)
{
	return tc_printf(x->mem, "remove objects from the bucket %s below \"%s\", %llu done", x->bucket, x->prefix,
			 (unsigned long long)x->removed);
}

static void note_failure(struct removal *x, struct tc_str key, const char *code)
{
	_cleanup_buf_ struct tc_buf shown = {0};

	if (x->failed++)
		return;
	tc_sigv4_escape(&shown, key, true);
	x->why = tc_printf(x->mem, "%s: %s", shown.p ? shown.p : "", *code ? code : "refused");
}

static int remove_one(struct removal *x, struct tc_str key, struct tc_str version, struct tc_error *err)
{
	_cleanup_s3_answer_ struct tc_s3_answer answer = {0};
	struct tc_s3_request req = {.step = removal_step(x),
				    .method = "DELETE",
				    .path = tc_s3_path(x->mem, x->bucket, &key)};

	if (version.len)
		req.query[0] = (struct tc_param){"versionId", version};
	tc_step(&x->r->conf, "%s", req.step);
	if (tc_s3_call(x->r->s3, &req, &answer, err) < 0)
		return -1;
	if (answer.status >= 500)
		return tc_s3_refused(&req, &answer, err);
	if (!tc_s3_good(&answer) && answer.status != 404)
		note_failure(x, key, answer.code);
	else
		x->removed++;
	return 0;
}

/* The answer is 200 even when nothing was removed: it says for each what went wrong. */
static int remove_many(struct removal *x, struct tc_str body, struct tc_error *err)
{
	_cleanup_s3_answer_ struct tc_s3_answer answer = {0};
	struct tc_s3_request req = {.step = removal_step(x),
				    .method = "POST",
				    .path = tc_s3_path(x->mem, x->bucket, NULL),
				    .query = {{"delete", TC_STR("")}},
				    .body = body,
				    .checksum = true};
	const struct tc_xml *root;
	const char *fault;

	if (tc_rustfs_change(x->r, &req, &answer, err) < 0)
		return -1;
	root = tc_xml_read(x->mem, tc_buf_str(&answer.body), &fault);
	if (!root)
		return tc_s3_garbage(&req, fault, err);
	for (const struct tc_xml *e = root->first; e; e = e->next) {
		struct tc_str code = tc_xml_text(e, "Code");

		if (strcmp(e->name, "Error") == 0 && !tc_str_starts(code, "NoSuch"))
			note_failure(x, tc_xml_text(e, "Key"), code.s);
	}
	return 0;
}

static void add_object(struct tc_buf *body, struct tc_str key, struct tc_str version)
{
	tc_buf_puts(body, "<Object><Key>");
	add_escaped(body, key);
	tc_buf_puts(body, "</Key>");
	if (version.len) {
		tc_buf_puts(body, "<VersionId>");
		add_escaped(body, version);
		tc_buf_puts(body, "</VersionId>");
	}
	tc_buf_puts(body, "</Object>");
}

/* Removes what is in the batch, and empties it. */
static int remove_batch(struct removal *x, struct tc_buf *body, size_t *n, struct tc_error *err)
{
	size_t failed = x->failed, count = *n;

	if (!count)
		return 0;
	tc_buf_puts(body, "</Delete>");
	if (remove_many(x, tc_buf_str(body), err) < 0)
		return -1;
	x->removed += count - (x->failed - failed);
	tc_buf_clear(body);
	tc_buf_puts(body, "<Delete><Quiet>true</Quiet>");
	*n = 0;
	return 0;
}

static int remove_page(struct removal *x, const struct tc_rustfs_page *page, size_t *count, struct tc_error *err)
{
	_cleanup_buf_ struct tc_buf body = {0};
	size_t many = 0;

	*count = x->failed = 0;
	tc_buf_puts(&body, "<Delete><Quiet>true</Quiet>");
	for (const struct tc_xml *v = page->root->first; v; v = v->next) {
		struct tc_str key, version = tc_xml_text(v, "VersionId");

		if (!is_object(v))
			continue;
		++*count;
		key = key_of(x->mem, page->root, tc_xml_text(v, "Key"));
		/* Whatever a server answers, nothing outside is removed. */
		if (!tc_str_starts(key, x->prefix))
			return tc_fail(
				err, TC_E_RETRY,
				"rustfs: %s: the server listed a key outside, which was left as it is; look at the "
				"server",
				removal_step(x));
		if (!fits_xml(key)) {
			if (remove_one(x, key, version, err) < 0)
				return -1;
			continue;
		}
		add_object(&body, key, version);
		if (++many == BATCH && remove_batch(x, &body, &many, err) < 0)
			return -1;
	}
	return remove_batch(x, &body, &many, err);
}

/* Whether a page begins as the last one did, all of which the server says it has removed. */
static bool begins_again(struct removal *x, const struct tc_rustfs_page *page)
{
	const struct tc_xml *v = page->root->first;
	struct tc_buf first = {0};
	bool again;

	while (v && !is_object(v))
		v = v->next;
	tc_buf_printf(&first, "%s %s", tc_xml_text(v, "Key").s, tc_xml_text(v, "VersionId").s);
	again = v && tc_str_equal(tc_buf_str(&first), tc_buf_str(&x->first));
	tc_buf_free(&x->first);
	x->first = first;
	return again;
}

static int remove_objects(struct removal *x, struct tc_error *err)
{
	const struct tc_rustfs_range range = {.bucket = x->bucket, .prefix = x->prefix, .max = PAGE};
	struct tc_rustfs_page page;
	unsigned again = 0;
	size_t count;

	for (;;) {
		struct tc_arena_mark mark = tc_arena_mark(x->mem);

		/* Always from the start: what was removed is not listed any more, wherever the last run was ended. */
		if (tc_rustfs_list(x->r, x->mem, &range, NULL, &page, err) < 0)
			return -1;
		/* Somebody who is quick may have written one anew, not one after the other. */
		again = begins_again(x, &page) ? again + 1 : 0;
		if (again == 3)
			return tc_fail(err, TC_E_RETRY,
				       "rustfs: %s: the server says that they are removed, and lists them again; look "
				       "at the server",
				       removal_step(x));
		if (remove_page(x, &page, &count, err) < 0)
			return -1;
		if (!count)
			return 0;
		if (x->failed >= count)
			return tc_fail(
				err, TC_E_USAGE,
				"rustfs: %s: the server removes none of the next %zu (%s); look at the locks and "
				"retention of the bucket, and at the administrator's rights",
				removal_step(x), count, x->why);
		if (x->failed)
			tc_buf_clear(&x->first);
		tc_arena_rewind(x->mem, mark);
	}
}

static int abort_upload(struct removal *x, struct tc_str key, struct tc_str id, struct tc_error *err)
{
	_cleanup_s3_answer_ struct tc_s3_answer answer = {0};
	struct tc_s3_request req = {
		.step = tc_printf(x->mem, "end an unfinished upload in the bucket %s below \"%s\"", x->bucket,
				  x->prefix),
		.method = "DELETE",
		.path = tc_s3_path(x->mem, x->bucket, &key),
		.query = {{"uploadId", id}},
	};

	tc_step(&x->r->conf, "%s", req.step);
	if (tc_s3_call(x->r->s3, &req, &answer, err) < 0)
		return -1;
	return tc_s3_good(&answer) || answer.status == 404 ? 0 : tc_s3_refused(&req, &answer, err);
}

/* MinIO lists none but by the exact key; it removes them itself after a day. */
static int remove_uploads(struct removal *x, struct tc_error *err)
{
	struct tc_s3_request req = {
		.step = tc_printf(x->mem, "list unfinished uploads in the bucket %s below \"%s\"", x->bucket,
				  x->prefix),
		.method = "GET",
		.path = tc_s3_path(x->mem, x->bucket, NULL),
		.query = {{"uploads", TC_STR("")}, {"encoding-type", TC_STR("url")}, {"prefix", tc_str(x->prefix)}},
	};
	const struct tc_arena_mark mark = tc_arena_mark(x->mem);
	_cleanup_buf_ struct tc_buf last = {0};
	const struct tc_xml *root;

	for (;; tc_arena_rewind(x->mem, mark)) {
		struct tc_str first = TC_STR("");

		if (list(x->r, x->mem, &req, &root, err) < 0)
			return -1;
		for (const struct tc_xml *u = root->first; u; u = u->next) {
			struct tc_str key = key_of(x->mem, root, tc_xml_text(u, "Key"));

			if (strcmp(u->name, "Upload") != 0 || !tc_str_starts(key, x->prefix))
				continue;
			if (!first.len)
				first = tc_xml_text(u, "UploadId");
			if (abort_upload(x, key, tc_xml_text(u, "UploadId"), err) < 0)
				return -1;
		}
		/* A list that begins as before is of a server that removes nothing. */
		if (!first.len || tc_str_equal(first, tc_buf_str(&last)))
			return 0;
		keep(&last, first);
	}
}

int tc_rustfs_empty(struct tc_rustfs *r, const char *bucket, const char *prefix, struct tc_error *err)
{
	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(256 * 1024);
	struct removal x = {.r = r, .mem = mem, .bucket = bucket, .prefix = prefix};
	int rc = remove_uploads(&x, err);

	if (rc == 0)
		rc = remove_objects(&x, err);
	tc_buf_free(&x.first);
	return rc;
}
