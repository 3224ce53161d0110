#include "kube/watch.h"

#include "kube/clock.h"
#include "kube/list.h"
#include "kube/status.h"

#define RELIST 600        /* seconds */
#define RELIST_AGAIN 60   /* after one that failed, while the watch goes on */
#define TIMEOUT 480       /* of one watch, with jitter: 240 to 480 s */
#define PATIENCE 30       /* behind that, for an answer that does not end */
#define BACKOFF_FIRST 500 /* ms */
#define BACKOFF_MAX 30000
#define GOOD_AFTER 10000   /* ms: who was connected as long as that begins to wait anew with the first wait */
#define FAILURES_TO_LIST 5 /* in a row: then what we know may be too old to build on */
#define ASK_MAX 60         /* seconds: longer than that nobody may make us wait */

#define METADATA_LIST "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
#define METADATA_ONE "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"

struct state {
	const struct tc_watch *w;
	struct tc_transport *t;
	const char *path;              /* with the selector */
	char version[TC_LIST_VERSION]; /* go on from here; "": there is nowhere to go on from */
	int64_t list_due;
	int64_t backoff; /* ms; 0: no wait */
	unsigned failures;
	bool moved;       /* the watch that runs has said something */
	bool has_expired; /* and the one before it was too old already */
};

static bool stopped(const struct state *s)
{
	return s->w->stop && atomic_load(s->w->stop);
}

static void tell(const struct state *s, void (*op)(void *self))
{
	if (op)
		op(s->w->self);
}

static void give(const struct state *s, void (*op)(void *self, const json_t *object), const json_t *object)
{
	if (op)
		op(s->w->self, object);
}

static int set_version(struct state *s, const char *version)
{
	if (!*version || strlen(version) >= sizeof(s->version))
		return -1;
	snprintf(s->version, sizeof(s->version), "%s", version);
	return 0;
}

static int64_t relist_ms(const struct state *s)
{
	return (int64_t)(s->w->relist > 0 ? s->w->relist : RELIST) * 1000;
}

/* --- the list */

static void on_begin(void *self)
{
	const struct state *s = self;

	tell(s, s->w->ops->begin);
}

static void on_item(void *self, json_t *item)
{
	const struct state *s = self;

	give(s, s->w->ops->seen, item);
}

static int list(struct state *s, struct tc_kube_error *err)
{
	struct tc_list how = {.path = s->path,
			      .accept = s->w->metadata_only ? METADATA_LIST : NULL,
			      .stop = s->w->stop,
			      .begin = on_begin,
			      .seen = on_item,
			      .self = s};

	/* One that broke in the middle takes nothing away; and what it gave, the watch from before it gives again. */
	if (tc_list_read(s->t, &how, s->version, err) < 0)
		return -1;
	s->list_due = tc_clock() + relist_ms(s);
	tell(s, s->w->ops->synced);
	tell(s, s->w->ops->alive);
	return 0;
}

/* --- the watch */

static int fail_event(const struct state *s, struct tc_kube_error *err, const char *what)
{
	return tc_fail(&err->error, TC_E_RETRY, "watch of %s: %s", s->w->path, what);
}

static int on_event(struct state *s, const json_t *event, struct tc_kube_error *err)
{
	static const struct {
		const char *type;
		bool gone, quiet;
	} types[] = {
		{"ADDED", false, false},
		{"MODIFIED", false, false},
		{"DELETED", true, false},
		{"BOOKMARK", false, true},
	};
	const char *type = tc_json_string(event, "type");
	const json_t *object = json_object_get(event, "object");
	const json_t *meta = json_object_get(object, "metadata");

	if (!strcmp(type, "ERROR"))
		return tc_kube_refused(object, 0, "GET", s->w->path, err);
	for (size_t i = 0; i < TC_COUNT(types); i++) {
		if (strcmp(type, types[i].type))
			continue;
		if (!json_is_object(meta))
			return fail_event(s, err, "an event without an object");
		if (!types[i].quiet)
			give(s, types[i].gone ? s->w->ops->gone : s->w->ops->seen, object);
		/* Only now: what was not handed out must come again. */
		if (set_version(s, tc_json_string(meta, "resourceVersion")) < 0)
			return fail_event(s, err, "an event without a resourceVersion");
		s->moved = true;
		s->has_expired = false;
		tell(s, s->w->ops->alive);
		return 0;
	}
	return fail_event(s, err, "an event of an unknown type");
}

static int on_line(void *self, const char *line, size_t n, struct tc_kube_error *err)
{
	struct state *s = self;
	_cleanup_json_ json_t *event = json_loadb(line, n, JSON_ALLOW_NUL, NULL);

	if (!json_is_object(event))
		return fail_event(s, err, "a line that is no JSON object");
	return on_event(s, event, err);
}

/* One watch, until the server ends it. 0: in its time. */
static int watch(struct state *s, struct tc_kube_error *err)
{
	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(1024);
	_cleanup_answer_ struct tc_answer answer = {0};
	int64_t left = s->list_due - tc_clock();
	int64_t seconds = s->w->timeout > 0 ? s->w->timeout : tc_jitter(TIMEOUT);
	struct tc_request req = {.method = "GET",
				 .accept = s->w->metadata_only ? METADATA_ONE : NULL,
				 .stop = s->w->stop,
				 .line = on_line,
				 .self = s};

	/* The list is due in the middle of it: then it ends there. */
	if (seconds > left / 1000)
		seconds = left / 1000;
	if (seconds < 1)
		seconds = 1;
	req.seconds = (unsigned)seconds + (s->w->patience > 0 ? s->w->patience : PATIENCE);
	req.path = tc_path_query(mem, s->path,
				 tc_printf(mem, "watch=1&allowWatchBookmarks=true&resourceVersion=%s&timeoutSeconds=%u",
					   tc_kube_path(mem, "%s", s->version), (unsigned)seconds));
	s->moved = false;
	if (tc_transport_call(s->t, &req, &answer, err) < 0)
		return -1;
	return tc_kube_check(&answer, req.method, req.path, err);
}

/* --- going on */

static void say_trouble(const struct state *s, const struct tc_kube_error *err)
{
	if (s->w->ops->trouble && !stopped(s))
		s->w->ops->trouble(s->w->self, err);
}

/* After trouble: says so, and makes the next wait longer. */
static void note_trouble(struct state *s, const struct tc_kube_error *err)
{
	int64_t asked = (int64_t)(err->retry_after < ASK_MAX ? err->retry_after : ASK_MAX) * 1000;

	if (stopped(s))
		return;
	s->failures++;
	say_trouble(s, err);
	s->backoff = s->backoff == 0 ? BACKOFF_FIRST : s->backoff * 2;
	if (s->backoff > BACKOFF_MAX)
		s->backoff = BACKOFF_MAX;
	if (err->status > 0 && err->status < 500 && err->status != 429)
		s->version[0] = '\0';
	else if (s->failures >= FAILURES_TO_LIST)
		s->list_due = 0;
	tc_clock_wait(asked > s->backoff ? asked : tc_jitter(s->backoff), s->w->stop);
}

/* Returns true when there is a place to watch from. */
static bool list_now(struct state *s)
{
	int64_t again = (relist_ms(s) < RELIST_AGAIN * 1000 ? relist_ms(s) : RELIST_AGAIN * 1000);
	struct tc_kube_error err = {0};

	if (list(s, &err) == 0) {
		s->failures = 0;
		return true;
	}
	/* The watch still says what changes: not to listen would freeze what we know for as long as lists fail. */
	if (*s->version) {
		say_trouble(s, &err);
		s->list_due = tc_clock() + tc_jitter(again);
		return true;
	}
	note_trouble(s, &err);
	return false;
}

static void step(struct state *s)
{
	struct tc_kube_error err = {0};
	int64_t began;

	if ((!*s->version || tc_clock() >= s->list_due) && !list_now(s))
		return;
	if (stopped(s))
		return;
	began = tc_clock();
	if (watch(s, &err) == 0) {
		/* An answer that ends at once, again and again, is trouble as well. */
		if (!s->moved && tc_clock() - began < 900) {
			fail_event(s, &err, "the server ended it at once");
			note_trouble(s, &err);
			return;
		}
		s->backoff = 0;
		s->failures = 0;
		return;
	}
	if (tc_clock() - began >= GOOD_AFTER) {
		s->backoff = 0;
		s->failures = 0;
	}
	/* Too old, as an answer or in an event: that is no trouble, and listed at once; unless it happens again. */
	if (err.status == 410 && !s->has_expired) {
		s->has_expired = true;
		s->version[0] = '\0';
		return;
	}
	note_trouble(s, &err);
}

void tc_watch_run(const struct tc_kube_config *config, const struct tc_watch *w)
{
	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(1024);
	_cleanup_(tc_transport_free) struct tc_transport *t = NULL;
	struct state s = {.w = w, .path = w->path};
	struct tc_kube_error err = {0};

	if (w->selector)
		s.path = tc_path_query(mem, w->path, tc_kube_path(mem, "labelSelector=%s", w->selector));
	/* Nothing but the address can be wrong here; it stays so. */
	while (!stopped(&s) && tc_transport_open(&t, config, &err) < 0)
		note_trouble(&s, &err);
	s.t = t;
	while (!stopped(&s))
		step(&s);
}
