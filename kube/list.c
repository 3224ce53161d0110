#include "kube/list.h"

#include "compiler/base/arena.h"
#include "kube/status.h"

#define EMPTY_MAX 20

/* Objects of a page, from step to step a fifth: 500 small ones are one call, and one is never too large. */
static const unsigned sizes[] = {500, 100, 20, 4, 1};

#define STEP 5
#define LAST (TC_COUNT(sizes) - 1)

const char *tc_path_query(struct tc_arena *mem, const char *path, const char *query)
{
	return tc_printf(mem, "%s%c%s", path, strchr(path, '?') ? '&' : '?', query);
}

void tc_path_escape(struct tc_buf *out, struct tc_str text)
{
	for (size_t i = 0; i < text.len; i++) {
		char c = text.s[i];

		if (tc_is_digit(c) || tc_is_lower(c) || tc_is_upper(c) || (c != '\0' && strchr("-._~", c)))
			tc_buf_putc(out, c);
		else
			tc_buf_printf(out, "%%%02X", (unsigned char)c);
	}
}

struct pages {
	const struct tc_list *list;
	struct tc_transport *t;
	struct tc_kube_error *err;
	size_t step;   /* of sizes */
	size_t handed; /* items */
	char version[TC_LIST_VERSION];
	char *next;     /* of the page after this one; NULL: it was the last */
	unsigned empty; /* pages in a row */
};

/* "ConfigMapList" of "v1": each item is a ConfigMap of v1. */
static void name_kind(json_t *item, const json_t *page)
{
	const char *kind = tc_json_string(page, "kind"), *version = tc_json_string(page, "apiVersion");
	size_t n = strlen(kind);

	if (n > 4 && !strcmp(kind + n - 4, "List") && !json_object_get(item, "kind")) {
		json_object_set_new(item, "kind", json_stringn(kind, n - 4));
		json_object_set_new(item, "apiVersion", json_string(version));
	}
}

static int fail_shape(struct pages *p, const char *what)
{
	return tc_fail(&p->err->error, TC_E_RETRY, "GET %.*s: the answer is no list: %s",
		       (int)strcspn(p->list->path, "?"), p->list->path, what);
}

static int take_page(struct pages *p, json_t *page, bool first)
{
	json_t *meta = json_object_get(page, "metadata"), *items = json_object_get(page, "items"), *item;
	const char *version = tc_json_string(meta, "resourceVersion"), *next = tc_json_string(meta, "continue");
	size_t i;

	if (first)
		p->handed = 0;
	/* No item at all may be written as null. */
	if (!json_is_array(items) && !json_is_null(items))
		return fail_shape(p, "it has no items");
	if (!*version || strlen(version) >= sizeof(p->version))
		return fail_shape(p, "it has no resourceVersion");
	if (p->handed + json_array_size(items) > TC_LIST_ITEMS_MAX)
		return fail_shape(p, "it is too long");
	json_array_foreach(items, i, item)
	{
		if (!json_is_object(item))
			return fail_shape(p, "an item is no object");
		name_kind(item, page);
	}
	snprintf(p->version, sizeof(p->version), "%s", version);
	free(p->next);
	p->next = *next ? strdup(next) : NULL;
	p->empty = json_array_size(items) > 0 ? 0 : p->empty + 1;
	p->handed += json_array_size(items);
	if (first)
		p->list->begin(p->list->self);
	json_array_foreach(items, i, item) p->list->seen(p->list->self, item);
	return 0;
}

/* 1: it is larger than max bytes. */
static int get_page(struct pages *p, const char *query, size_t max, size_t *size)
{
	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(1024);
	_cleanup_answer_ struct tc_answer answer = {0};
	struct tc_request req = {.method = "GET",
				 .path = tc_path_query(mem, p->list->path, query),
				 .accept = p->list->accept,
				 .max = max,
				 .stop = p->list->stop};
	bool first = !strstr(query, "continue=");
	json_t *page;
	int done;

	if (tc_transport_call(p->t, &req, &answer, p->err) < 0)
		return answer.too_large ? 1 : -1;
	if (tc_kube_check(&answer, req.method, p->list->path, p->err) < 0)
		return -1;
	*size = answer.body.len;
	page = tc_kube_parse(answer.body.p ? answer.body.p : "", answer.body.len, req.method, p->list->path, p->err);
	tc_answer_free(&answer);
	if (!page)
		return -1;
	done = take_page(p, page, first);
	json_decref(page);
	return done;
}

/* Within the same bound: of what is larger, pages have to be tried again. */
static int all_at_once(struct pages *p)
{
	size_t size;

	if (get_page(p, "limit=0", TC_LIST_PAGE_MAX, &size) != 0)
		return -1;
	/* Half a list must not pass for a whole one: what is not in it counts as gone. */
	return p->next ? fail_shape(p, "it does not end") : 0;
}

/* The page behind p->next, or the first one. What is too large is asked for in smaller pieces from the same place on;
 * the pieces grow again behind it, for a few large objects must not make a call of each small one. */
static int next_page(struct pages *p)
{
	_cleanup_buf_ struct tc_buf query = {0};
	size_t size = 0;

	for (;;) {
		int done;

		tc_buf_clear(&query);
		tc_buf_printf(&query, "limit=%u", sizes[p->step]);
		if (p->next) {
			tc_buf_puts(&query, "&continue=");
			tc_path_escape(&query, tc_str(p->next));
		}
		done = get_page(p, query.p, p->step < LAST ? TC_LIST_PAGE_MAX : TC_LINE_MAX, &size);
		if (done == 1 && p->step < LAST) {
			p->step++;
			continue;
		}
		if (done == 0 && p->step > 0 && size * STEP <= TC_LIST_PAGE_MAX / 2)
			p->step--;
		return done == 0 ? 0 : -1;
	}
}

static int all_pages(struct pages *p)
{
	if (next_page(p) < 0)
		return -1;
	while (p->next) {
		/* A page may be empty, where a selector leaves nothing of it; but not again and again. */
		if (p->empty >= EMPTY_MAX)
			return all_at_once(p);
		if (next_page(p) == 0)
			continue;
		/* The pages were too slow, and the server has forgotten that state. */
		return p->err->status == 410 ? all_at_once(p) : -1;
	}
	return 0;
}

int tc_list_read(struct tc_transport *t, const struct tc_list *list, char version[TC_LIST_VERSION],
		 struct tc_kube_error *err)
{
	/* Metadata is small; of whole objects a first page of 500 would often be read in vain. */
	struct pages p = {.list = list, .t = t, .err = err, .step = list->accept ? 0 : 1};
	int done = all_pages(&p);

	free(p.next);
	if (done == 0)
		memcpy(version, p.version, sizeof(p.version));
	return done;
}
