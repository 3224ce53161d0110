#include "kube/event.h"

#include <time.h>

#include "compiler/base/buf.h"
#include "kube/clock.h"

#define NOTE_MAX 1024
#define NAME_MAX_BYTES 200 /* and the clock behind it: 253 is the limit */
#define WINDOW 600000      /* ms: equal events in it become one */
#define KEPT 256           /* events that are remembered; of more the oldest is forgotten */

struct kept {
	char *key; /* NULL: free */
	char *path;
	int64_t last;
	unsigned count;
};

struct tc_events {
	struct kept list[KEPT];
};

struct tc_events *tc_events_new(void)
{
	return tc_xalloc(sizeof(struct tc_events));
}

static void drop(struct kept *k)
{
	free(k->key);
	free(k->path);
	memset(k, 0, sizeof(*k));
}

void tc_events_free(struct tc_events *e)
{
	if (!e)
		return;
	for (size_t i = 0; i < KEPT; i++)
		drop(&e->list[i]);
	free(e);
}

static const char *or_empty(const char *s)
{
	return s ? s : "";
}

/* Between code points. */
static size_t cut(const char *s, size_t max)
{
	size_t n = strnlen(s, max + 1);

	if (n <= max)
		return n;
	for (n = max; n > 0 && ((unsigned char)s[n] & 0xc0) == 0x80;)
		n--;
	return n;
}

/* What makes two events equal; a newline stands in no name. */
static char *make_key(const struct tc_event *ev)
{
	struct tc_buf key = {0};

	tc_buf_printf(&key, "%s\n%s\n%s\n%s\n%d\n%s\n%s", or_empty(ev->kind), or_empty(ev->ns), or_empty(ev->name),
		      or_empty(ev->uid), ev->warning, or_empty(ev->reason), or_empty(ev->note));
	return key.p;
}

static struct kept *find(struct tc_events *e, const char *key)
{
	for (size_t i = 0; i < KEPT; i++)
		if (e->list[i].key && !strcmp(e->list[i].key, key))
			return &e->list[i];
	return NULL;
}

static struct kept *make_room(struct tc_events *e)
{
	struct kept *oldest = &e->list[0];

	for (size_t i = 0; i < KEPT; i++) {
		if (!e->list[i].key)
			return &e->list[i];
		if (e->list[i].last < oldest->last)
			oldest = &e->list[i];
	}
	drop(oldest);
	return oldest;
}

/* Events about what has no namespace stand in `default`. */
static const char *namespace_of(const struct tc_event *ev)
{
	return ev->ns && *ev->ns ? ev->ns : "default";
}

/* "web.17f3a0c2b4d5e6f7": unique enough, and readable. What a name of an Event may not hold ("system:x") becomes '-'.
 */
static const char *make_name(struct tc_arena *mem, const struct tc_event *ev)
{
	char *name = tc_strndup(mem, or_empty(ev->name), cut(or_empty(ev->name), NAME_MAX_BYTES));
	size_t n = strlen(name);
	struct timespec now;

	for (char *p = name; *p; p++)
		if (!tc_is_lower(*p) && !tc_is_digit(*p) && *p != '.')
			*p = '-';
	/* Neither the front nor the back of a label is one. */
	while (n > 0 && (name[n - 1] == '.' || name[n - 1] == '-'))
		name[--n] = '\0';
	while (*name == '.' || *name == '-')
		name++;
	clock_gettime(CLOCK_REALTIME, &now);
	return tc_printf(mem, "%s.%llx", *name ? name : "event",
			 (unsigned long long)now.tv_sec * 1000000000 + (unsigned long long)now.tv_nsec);
}

static json_t *make_object(const struct tc_event *ev, const char *name)
{
	char now[TC_MICRO_TIME];
	json_t *about = json_pack("{s:s,s:s,s:s}", "apiVersion", or_empty(ev->api_version), "kind", or_empty(ev->kind),
				  "name", or_empty(ev->name));
	const char *note = or_empty(ev->note);

	if (ev->ns && *ev->ns)
		json_object_set_new(about, "namespace", json_string(ev->ns));
	if (ev->uid && *ev->uid)
		json_object_set_new(about, "uid", json_string(ev->uid));
	tc_micro_time(now);
	return json_pack("{s:s,s:s,s:{s:s,s:s},s:s,s:s,s:s,s:s,s:s,s:s,s:o,s:o}", "apiVersion", "events.k8s.io/v1",
			 "kind", "Event", "metadata", "name", name, "namespace", namespace_of(ev), "eventTime", now,
			 "type", ev->warning ? "Warning" : "Normal", "reason", or_empty(ev->reason), "action",
			 or_empty(ev->action), "reportingController", or_empty(ev->controller), "reportingInstance",
			 or_empty(ev->instance), "regarding", about, "note", json_stringn(note, cut(note, NOTE_MAX)));
}

/* 1: the Event is not there any more. */
static int repeat(struct kept *kept, struct tc_kube *k, struct tc_kube_error *err)
{
	_cleanup_json_ json_t *patch = NULL;
	char now[TC_MICRO_TIME];

	tc_micro_time(now);
	patch = json_pack("{s:{s:i,s:s}}", "series", "count", (int)(kept->count + 1), "lastObservedTime", now);
	if (tc_kube_merge_patch(k, NULL, kept->path, patch, err) == 0) {
		kept->count++;
		kept->last = tc_clock();
		return 0;
	}
	if (err->status != 404)
		return -1;
	memset(err, 0, sizeof(*err));
	return 1;
}

static int post_new(struct tc_events *e, struct tc_kube *k, const struct tc_event *event, char **key,
		    struct tc_kube_error *err)
{
	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(1024);
	const char *name = make_name(mem, event);
	const char *all = tc_kube_path(mem, "/apis/events.k8s.io/v1/namespaces/%s/events", namespace_of(event));
	_cleanup_json_ json_t *object = make_object(event, name);
	struct kept *kept;

	if (!object)
		return tc_fail(&err->error, TC_E_BUG, "an event with a text that is no UTF-8");
	if (tc_kube_create(k, NULL, all, object, err) < 0)
		return -1;
	kept = make_room(e);
	*kept = (struct kept){.key = tc_take(key), .last = tc_clock(), .count = 1};
	if (asprintf(&kept->path, "%s/%s", all, tc_kube_path(mem, "%s", name)) < 0)
		tc_no_memory();
	return 0;
}

int tc_events_post(struct tc_events *e, struct tc_kube *k, const struct tc_event *event, struct tc_kube_error *err)
{
	char *key = make_key(event);
	struct kept *kept = find(e, key);
	int done = 1;

	if (kept && tc_clock() - kept->last < WINDOW)
		done = repeat(kept, k, err);
	if (done == 1) {
		if (kept)
			drop(kept);
		done = post_new(e, k, event, &key, err);
	}
	free(key);
	return done;
}
