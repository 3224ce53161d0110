#include "tests/unit/tree.h"

#include <jansson.h>

#include "compiler/tree/patch.h"
#include "tests/property/rng.h"

/* RFC 6902 on jansson's values, as little of it as a patch of ours uses. */

static char *unescape(const char *token, size_t len)
{
	char *out = malloc(len + 1), *to = out;

	for (size_t i = 0; i < len; i++) {
		char c = token[i];

		if (c == '~') {
			i++;
			assert_true(i < len && (token[i] == '0' || token[i] == '1'));
			c = token[i] == '0' ? '~' : '/';
		}
		*to++ = c;
	}
	*to = '\0';
	return out;
}

static void rfc_change(json_t *parent, const char *token, const char *op, json_t *value)
{
	if (json_is_object(parent)) {
		bool there = json_object_get(parent, token) != NULL;

		assert_int_equal(there, strcmp(op, "add") != 0);
		if (strcmp(op, "remove") == 0)
			json_object_del(parent, token);
		else
			json_object_set(parent, token, value);
		return;
	}
	assert_true(json_is_array(parent));
	if (strcmp(op, "add") == 0) {
		assert_string_equal(token, "-");
		json_array_append(parent, value);
		return;
	}
	size_t at = strtoul(token, NULL, 10);
	assert_true(at < json_array_size(parent));
	if (strcmp(op, "remove") == 0)
		json_array_remove(parent, at);
	else
		json_array_set(parent, at, value);
}

static void rfc_apply_one(json_t **doc, const json_t *op)
{
	const char *name = json_string_value(json_object_get(op, "op"));
	const char *path = json_string_value(json_object_get(op, "path"));
	json_t *at = *doc, *value = json_object_get(op, "value");

	assert_int_equal(value != NULL, strcmp(name, "remove") != 0);
	if (!*path) {
		assert_string_equal(name, "replace");
		json_decref(*doc);
		*doc = json_deep_copy(value);
		return;
	}
	while (*path) {
		assert_int_equal(*path, '/');
		size_t len = strcspn(path + 1, "/");
		char *token = unescape(path + 1, len);

		path += 1 + len;
		if (!*path) {
			json_t *copy = json_deep_copy(value);

			rfc_change(at, token, name, copy);
			json_decref(copy);
		} else {
			at = json_is_array(at) ? json_array_get(at, strtoul(token, NULL, 10))
					       : json_object_get(at, token);
			assert_non_null(at);
		}
		free(token);
	}
}

static json_t *as_jansson(const struct tc_node *n)
{
	_cleanup_buf_ struct tc_buf out = {0};

	tc_emit(&out, n, (struct tc_emit){.format = TC_JSON});
	json_t *j = json_loadb(out.p, out.len, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(j);
	return j;
}

/* flags: JSON_SORT_KEYS where the order of keys has no meaning. */
static void assert_same(const struct tc_node *n, const json_t *want, size_t flags, const char *what)
{
	json_t *got = as_jansson(n);
	char *a = json_dumps(got, JSON_ENCODE_ANY | flags), *b = json_dumps(want, JSON_ENCODE_ANY | flags);

	if (strcmp(a, b) != 0)
		fail_msg("%s: %s, wanted %s", what, a, b);
	free(a);
	free(b);
	json_decref(got);
}

/* The patch as RFC 6902, applied to what the root says, gives the patched tree. */
static void assert_rfc(const struct tc_patch *p, const struct tc_node *root)
{
	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(4096);
	_cleanup_buf_ struct tc_buf out = {0};
	json_t *doc = as_jansson(root), *ops, *op;
	size_t i;

	tc_patch_json(&out, p);
	ops = json_loadb(out.p, out.len, JSON_REJECT_DUPLICATES, NULL);
	assert_true(json_is_array(ops));
	json_array_foreach(ops, i, op) rfc_apply_one(&doc, op);
	assert_same(tc_patch_apply(mem, p), doc, JSON_SORT_KEYS, "the patched tree and the patched JSON differ");
	json_decref(ops);
	json_decref(doc);
}

static void assert_patch_json(const struct tc_patch *p, const char *want)
{
	_cleanup_buf_ struct tc_buf out = {0};

	tc_patch_json(&out, p);
	assert_string_equal(out.p, want);
}

static struct tc_node *text(struct tc_arena *mem, const char *s)
{
	return tc_new_string(mem, NULL, tc_str(s));
}

static void test_set(void **state)
{
	(void)state;
	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(4096);
	const struct tc_node *root = read_yaml(mem, "a: 1 # kept\nb: {c: 2}\nn:\n");
	struct tc_patch p;

	tc_patch_init(&p, mem, root);
	assert_true(tc_is_string(tc_patch_get(&p, root, "a"), "") == false);
	tc_patch_set(&p, root, "a", text(mem, "one"));
	tc_patch_set(&p, root, "a", text(mem, "two"));
	tc_patch_set(&p, tc_get(root, "b"), "d/e~f", text(mem, "three"));
	tc_patch_set(&p, tc_get(root, "b"), "d/e~f", text(mem, "four"));
	assert_true(tc_is_string(tc_patch_get(&p, root, "a"), "two"));
	assert_true(tc_is_string(tc_patch_get(&p, tc_get(root, "b"), "d/e~f"), "four"));
	assert_null(tc_patch_get(&p, root, "x"));
	assert_null(tc_patch_get(&p, tc_get(root, "a"), "x"));
	assert_null(tc_patch_get(&p, NULL, "x"));
	assert_int_equal(p.count, 2);
	assert_false(p.crossed);
	assert_yaml(tc_patch_apply(mem, &p), "a: two\nb:\n  c: 2\n  d/e~f: four\nn:\n");
	assert_patch_json(&p, "[{\"op\":\"replace\",\"path\":\"/a\",\"value\":\"two\"},"
			      "{\"op\":\"add\",\"path\":\"/b/d~1e~0f\",\"value\":\"four\"}]");
	/* The tree that was read is as it was. */
	assert_yaml(root, "a: 1\nb:\n  c: 2\nn:\n");
}

static void test_nothing(void **state)
{
	(void)state;
	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(4096);
	const struct tc_node *root = read_yaml(mem, "a: &x ['1']\nb: *x\nc: {<<: {k: 1}}\n");
	struct tc_patch p;

	tc_patch_init(&p, mem, root);
	const struct tc_node *copy = tc_patch_apply(mem, &p);
	assert_yaml(copy, "a: &x\n- '1'\nb: *x\nc:\n  <<:\n    k: 1\n");
	assert_ptr_not_equal(copy, root);
	assert_ptr_equal(tc_node_source(copy), tc_node_source(root));
	assert_int_equal(tc_node_pos(tc_get(copy, "b")->first).off, tc_node_pos(tc_get(root, "b")->first).off);
	assert_patch_json(&p, "[]");
}

static void test_added_collections_grow_in_place(void **state)
{
	(void)state;
	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(4096);
	const struct tc_node *root = read_yaml(mem, "annotations:\nspec: {}\nname: x\n");
	struct tc_origin origin = {.rule = "a test"};
	struct tc_patch p;

	tc_patch_init(&p, mem, root);
	const struct tc_node *a = tc_patch_map_at(&p, root, "annotations", &origin);
	const struct tc_node *list = tc_patch_seq_at(&p, tc_get(root, "spec"), "list", &origin);
	assert_ptr_equal(a->origin, &origin);
	assert_ptr_equal(tc_patch_map_at(&p, root, "annotations", NULL), a);
	assert_ptr_equal(tc_patch_seq_at(&p, tc_get(root, "spec"), "list", NULL), list);
	assert_null(tc_patch_map_at(&p, root, "name", NULL));
	assert_null(tc_patch_seq_at(&p, root, "annotations", NULL));
	assert_ptr_equal(tc_patch_map_at(&p, root, "spec", NULL), tc_get(root, "spec"));
	tc_patch_set(&p, a, "k", text(mem, "1"));
	tc_patch_set(&p, a, "k", text(mem, "2"));
	tc_patch_set(&p, tc_patch_map_at(&p, a, "deep", NULL), "x", text(mem, "y"));
	tc_patch_push(&p, list, text(mem, "one"));
	tc_patch_push(&p, list, text(mem, "two"));
	assert_int_equal(p.count, 2);
	assert_patch_json(
		&p, "[{\"op\":\"replace\",\"path\":\"/annotations\",\"value\":{\"k\":\"2\",\"deep\":{\"x\":\"y\"}}},"
		    "{\"op\":\"add\",\"path\":\"/spec/list\",\"value\":[\"one\",\"two\"]}]");
	assert_rfc(&p, root);
}

static void test_remove(void **state)
{
	(void)state;
	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(4096);
	const struct tc_node *root = read_yaml(mem, "l: [a, b, c, {d: e}, f]\nm: {x: 1, z: 2}\n");
	const struct tc_node *l = tc_get(root, "l"), *m = tc_get(root, "m");
	struct tc_patch p;
	size_t count;

	tc_patch_init(&p, mem, root);
	tc_patch_set(&p, l->first->next->next->next, "d", text(mem, "E"));
	tc_patch_push(&p, l, text(mem, "g"));
	tc_patch_remove(&p, l->first->next->next);
	tc_patch_remove(&p, l->first);
	tc_patch_remove(&p, l->first);
	tc_patch_replace(&p, l->last, text(mem, "F"));
	tc_patch_remove(&p, tc_get(m, "x"));
	tc_patch_set(&p, m, "x", text(mem, "again"));
	tc_patch_remove(&p, root);
	assert_patch_json(
		&p, "[{\"op\":\"remove\",\"path\":\"/l/0\"},{\"op\":\"remove\",\"path\":\"/l/1\"},"
		    "{\"op\":\"replace\",\"path\":\"/l/1/d\",\"value\":\"E\"},"
		    "{\"op\":\"replace\",\"path\":\"/l/2\",\"value\":\"F\"},"
		    "{\"op\":\"add\",\"path\":\"/l/-\",\"value\":\"g\"},"
		    "{\"op\":\"remove\",\"path\":\"/m/x\"},{\"op\":\"add\",\"path\":\"/m/x\",\"value\":\"again\"}]");
	assert_rfc(&p, root);
	assert_json(tc_patch_apply(mem, &p),
		    "{\"l\":[\"b\",{\"d\":\"E\"},\"F\",\"g\"],\"m\":{\"z\":2,\"x\":\"again\"}}");

	const struct tc_node **items = tc_patch_items(&p, l, &count);
	assert_int_equal(count, 4);
	assert_true(tc_is_string(items[0], "b"));
	assert_true(tc_is_string(items[2], "F"));
	assert_true(tc_is_string(items[3], "g"));
	items = tc_patch_items(&p, m, &count);
	assert_int_equal(count, 4);
	assert_true(tc_is_string(items[0], "z"));
	assert_true(tc_is_string(items[2], "x"));
	assert_true(tc_is_string(items[3], "again"));
	tc_patch_items(&p, tc_get(m, "z"), &count);
	assert_int_equal(count, 0);
}

/* What was added and is taken back leaves nothing. */
static void test_is_empty(void **state)
{
	(void)state;
	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(4096);
	const struct tc_node *root = read_yaml(mem, "m: {a: 1}\ns: [1]\n");
	const struct tc_node *m = tc_get(root, "m"), *s = tc_get(root, "s");
	struct tc_patch p;

	tc_patch_init(&p, mem, root);
	assert_false(tc_patch_is_empty(&p, m));
	assert_false(tc_patch_is_empty(&p, s));
	tc_patch_remove(&p, tc_get(m, "a"));
	tc_patch_remove(&p, tc_item(s));
	assert_true(tc_patch_is_empty(&p, m));
	assert_true(tc_patch_is_empty(&p, s));
	tc_patch_set(&p, m, "b", text(mem, "x"));
	tc_patch_push(&p, s, text(mem, "x"));
	assert_false(tc_patch_is_empty(&p, m));
	assert_false(tc_patch_is_empty(&p, s));
}

static void test_take_back(void **state)
{
	(void)state;
	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(4096);
	const struct tc_node *root = read_yaml(mem, "a: 1\nl: []\n");
	struct tc_patch p;
	struct tc_node *map = tc_new_map(mem, NULL), *seq = tc_new_seq(mem, NULL);

	tc_patch_init(&p, mem, root);
	tc_patch_set(&p, root, "x", map);
	tc_patch_set(&p, root, "y", text(mem, "y"));
	tc_patch_push(&p, tc_get(root, "l"), text(mem, "one"));
	tc_patch_push(&p, tc_get(root, "l"), text(mem, "two"));
	tc_patch_set(&p, map, "seq", seq);
	tc_patch_set(&p, map, "k", text(mem, "1"));
	tc_patch_push(&p, seq, text(mem, "s1"));
	tc_patch_push(&p, seq, text(mem, "s2"));
	tc_patch_push(&p, seq, text(mem, "s3"));
	tc_patch_replace(&p, seq->first->next, text(mem, "S2"));
	tc_patch_remove(&p, seq->last);
	tc_patch_remove(&p, seq->first);
	assert_json(map, "{\"seq\":[\"S2\"],\"k\":\"1\"}");
	assert_int_equal(seq->count, 1);
	tc_patch_push(&p, seq, text(mem, "s4"));
	tc_patch_remove(&p, tc_get(map, "k"));
	assert_json(map, "{\"seq\":[\"S2\",\"s4\"]}");
	tc_patch_set(&p, map, "k", text(mem, "2"));
	tc_patch_remove(&p, tc_get(map, "seq"));
	assert_json(map, "{\"k\":\"2\"}");
	assert_int_equal(map->count, 1);
	assert_int_equal(p.count, 4);

	size_t count;
	tc_patch_remove(&p, tc_patch_items(&p, tc_get(root, "l"), &count)[0]);
	tc_patch_remove(&p, tc_patch_get(&p, root, "y"));
	assert_int_equal(p.count, 2);
	assert_patch_json(&p, "[{\"op\":\"add\",\"path\":\"/l/-\",\"value\":\"two\"},"
			      "{\"op\":\"add\",\"path\":\"/x\",\"value\":{\"k\":\"2\"}}]");
	tc_patch_replace(&p, map, text(mem, "no map"));
	tc_patch_remove(&p, tc_patch_items(&p, tc_get(root, "l"), &count)[0]);
	tc_patch_set(&p, root, "a", text(mem, "new"));
	tc_patch_remove(&p, tc_patch_get(&p, root, "a"));
	tc_patch_push(&p, tc_get(root, "l"), text(mem, "three"));
	assert_patch_json(&p,
			  "[{\"op\":\"remove\",\"path\":\"/a\"},{\"op\":\"add\",\"path\":\"/l/-\",\"value\":\"three\"},"
			  "{\"op\":\"add\",\"path\":\"/x\",\"value\":\"no map\"}]");
	assert_rfc(&p, root);
}

/* What happens inside of something that goes away does not happen. */
static void test_moot(void **state)
{
	(void)state;
	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(4096);
	const struct tc_node *root = read_yaml(mem, "a: {b: {c: 1}}\nd: [[1]]\n");
	struct tc_patch p;

	tc_patch_init(&p, mem, root);
	tc_patch_set(&p, tc_get_path(root, "a", "b", NULL), "c", text(mem, "x"));
	tc_patch_set(&p, tc_get_path(root, "a", "b", NULL), "d", text(mem, "x"));
	tc_patch_remove(&p, tc_get(root, "a"));
	tc_patch_push(&p, tc_get(root, "d")->first, text(mem, "x"));
	tc_patch_set(&p, root, "d", tc_new_seq(mem, NULL));
	assert_patch_json(&p,
			  "[{\"op\":\"remove\",\"path\":\"/a\"},{\"op\":\"replace\",\"path\":\"/d\",\"value\":[]}]");
	assert_rfc(&p, root);
	tc_patch_replace(&p, root, text(mem, "all"));
	assert_patch_json(&p, "[{\"op\":\"replace\",\"path\":\"\",\"value\":\"all\"}]");
	assert_rfc(&p, root);
	/* A document is never without a root. */
	tc_patch_remove(&p, root);
	assert_patch_json(&p, "[{\"op\":\"replace\",\"path\":\"\",\"value\":\"all\"}]");
}

static void test_new_root(void **state)
{
	(void)state;
	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(4096);
	struct tc_node *root = tc_new_map(mem, NULL);
	struct tc_patch p;

	tc_patch_init(&p, mem, root);
	tc_patch_set(&p, root, "k", text(mem, "v"));
	assert_json(tc_patch_apply(mem, &p), "{\"k\":\"v\"}");
	assert_int_equal(p.count, 0);
	tc_patch_replace(&p, root, text(mem, "other"));
	assert_json(tc_patch_apply(mem, &p), "\"other\"");
}

enum way { SET_K, SET_NEW, PUSH, REPLACE_V, REMOVE_V };

static void test_crossed(void **state)
{
	(void)state;
	static const struct {
		const char *yaml;
		const char *key; /* what is looked up at the root */
		enum way way;    /* and what is done there */
		bool crossed;
		const char *applied; /* NULL: of no interest */
	} rows[] = {
		{"a: &x {k: 1}\n", "a", SET_K, false, "a: &x\n  k: new\n"},
		{"a: &x {k: 1}\nb: *x\n", "a", SET_K, true, NULL},
		{"a: &x {k: 1}\nb: *x\n", "b", SET_K, true, NULL},
		{"a: &x {k: 1}\nb: *x\n", "b", SET_NEW, true, NULL},
		{"a: &x [1]\nb: *x\n", "b", PUSH, true, NULL},
		{"a: &x 1\nb: *x\n", "a", REPLACE_V, true, NULL},
		{"a: &x {k: 1}\nb: {<<: *x, c: 2}\n", "b", SET_K, true, NULL},
		{"a: &x {k: 1}\nb: {<<: *x, c: 2}\n", "b", SET_NEW, false,
		 "a: &x\n  k: 1\nb:\n  <<: *x\n  c: 2\n  new: new\n"},
		{"a: &x {j: 1}\nb: {<<: *x, k: 2}\n", "b", SET_K, false, "a: &x\n  j: 1\nb:\n  <<: *x\n  k: new\n"},
		{"b: {<<: {k: 1}, c: 2}\n", "b", SET_K, true, NULL},
		{"a: &x {y: {k: 1}}\nb: *x\nc: {k: 1}\n", "c", SET_K, false, NULL},
	};

	for (size_t i = 0; i < TC_COUNT(rows); i++) {
		_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(4096);
		const struct tc_node *root = read_yaml(mem, rows[i].yaml), *at = tc_get(root, rows[i].key);
		struct tc_patch p;

		tc_patch_init(&p, mem, root);
		if (rows[i].way == SET_K || rows[i].way == SET_NEW)
			tc_patch_set(&p, at, rows[i].way == SET_K ? "k" : "new", text(mem, "new"));
		else if (rows[i].way == PUSH)
			tc_patch_push(&p, at, text(mem, "new"));
		else
			tc_patch_replace(&p, at, text(mem, "new"));
		assert_int_equal(p.crossed, rows[i].crossed);
		if (rows[i].applied)
			assert_yaml(tc_patch_apply(mem, &p), rows[i].applied);
		if (!p.crossed)
			assert_rfc(&p, root);
	}
}

/* An alias itself is a place of its own; and what it stood for stays when its anchor goes. */
static void test_aliases(void **state)
{
	(void)state;
	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(4096);
	const struct tc_node *root = read_yaml(mem, "a: {in: &x {k: 'v'}}\nb: *x\nc: {<<: *x, j: 1}\nd: *x\n");
	struct tc_patch p;

	tc_patch_init(&p, mem, root);
	tc_patch_set(&p, root, "b", text(mem, "own"));
	assert_false(p.crossed);
	assert_yaml(tc_patch_apply(mem, &p), "a:\n  in: &x\n    k: 'v'\nb: own\nc:\n  <<: *x\n  j: 1\nd: *x\n");
	tc_patch_remove(&p, tc_get(root, "a"));
	assert_false(p.crossed);
	assert_yaml(tc_patch_apply(mem, &p), "b: own\nc:\n  <<:\n    k: 'v'\n  j: 1\nd:\n  k: 'v'\n");
	assert_rfc(&p, root);
	assert_true(tc_is_string(tc_get_path(tc_patch_apply(mem, &p), "c", "k", NULL), "v"));
}

/* Random patches, made on the tree and on a model of jansson's values at the same time. */

struct both {
	struct tc_arena *mem;
	struct tc_patch p;
	struct rng r;
	json_t *model;
};

static const char *const keys[] = {"a", "b", "c", "d/e", "f~g", "0", "-", ""};

static struct tc_node *random_value(struct both *b, json_t **json, unsigned depth)
{
	unsigned what = rng_below(&b->r, depth > 2 ? 2 : 4), n = rng_below(&b->r, 3);
	struct tc_node *node;
	json_t *child;

	if (what == 0) {
		*json = json_string(keys[n]);
		return text(b->mem, keys[n]);
	}
	if (what == 1) {
		*json = json_integer(n);
		return tc_new_int(b->mem, NULL, n);
	}
	node = what == 2 ? tc_new_map(b->mem, NULL) : tc_new_seq(b->mem, NULL);
	*json = what == 2 ? json_object() : json_array();
	for (unsigned i = 0; i < n; i++) {
		struct tc_node *value = random_value(b, &child, depth + 1);

		if (what == 2) {
			tc_put(b->mem, node, keys[i], value);
			json_object_set_new(*json, keys[i], child);
		} else {
			tc_push(node, value);
			json_array_append_new(*json, child);
		}
	}
	return node;
}

/* One change at a place found by walking down the tree as it would be by now, and the model beside it. */
static void random_change(struct both *b)
{
	const struct tc_node *n = tc_deref(b->p.root);
	json_t *j = b->model, *value;

	for (;;) {
		size_t count, step = n->kind == TC_MAP ? 2 : 1;
		const struct tc_node **items = tc_patch_items(&b->p, n, &count);
		size_t nth = count ? rng_below(&b->r, (unsigned)(count / step)) : 0;
		const struct tc_node *child = count ? items[nth * step + step - 1] : NULL;
		struct tc_str key = count && step == 2 ? tc_key_text(b->mem, items[nth * step]) : TC_STR("");
		const char *name = tc_strndup(b->mem, key.s, key.len);

		assert_int_equal(count / step, step == 2 ? json_object_size(j) : json_array_size(j));
		if (child && (tc_is(child, TC_MAP) || tc_is(child, TC_SEQ)) && rng_chance(&b->r, 60)) {
			n = tc_deref(child);
			j = step == 2 ? json_object_get(j, name) : json_array_get(j, nth);
			continue;
		}
		unsigned what = rng_below(&b->r, 4);
		if (step == 2 && (what == 0 || !child)) {
			name = what == 1 && child ? name : keys[rng_below(&b->r, TC_COUNT(keys))];
			tc_patch_set(&b->p, n, name, random_value(b, &value, 0));
			json_object_set_new(j, name, value);
		} else if (!child || (step == 1 && what == 0)) {
			tc_patch_push(&b->p, n, random_value(b, &value, 0));
			json_array_append_new(j, value);
		} else if (what == 1) {
			if (step == 2)
				child = tc_patch_get(&b->p, n, name);
			tc_patch_remove(&b->p, child);
			if (step == 2)
				json_object_del(j, name);
			else
				json_array_remove(j, nth);
		} else if (step == 2) {
			tc_patch_set(&b->p, n, name, random_value(b, &value, 0));
			json_object_set_new(j, name, value);
		} else {
			tc_patch_replace(&b->p, child, random_value(b, &value, 0));
			json_array_set_new(j, nth, value);
		}
		return;
	}
}

static bool random_patch(const struct tc_node *root, struct tc_arena *mem, uint64_t seed, bool merges)
{
	struct both b = {.mem = mem, .r = {.s = seed}, .model = as_jansson(root)};
	_cleanup_buf_ struct tc_buf out = {0};
	struct tc_error err = {0};

	tc_patch_init(&b.p, mem, root);
	for (unsigned i = rng_below(&b.r, 12); i > 0 && !b.p.crossed; i--)
		random_change(&b);
	if (!b.p.crossed) {
		const struct tc_node *patched = tc_patch_apply(mem, &b.p);

		assert_same(patched, b.model, merges ? JSON_SORT_KEYS : 0, "the patched tree is not the model");
		assert_rfc(&b.p, root);
		if (tc_emit_verified(&out, patched, (struct tc_emit){.format = TC_YAML}, &err) < 0)
			fail_msg("%s\n%s", err.msg, out.p);
	}
	json_decref(b.model);
	return !b.p.crossed;
}

static void test_random_patches(void **state)
{
	(void)state;
	static const char *const docs[] = {
		"{}",
		"[]",
		"{a: 1, b: [x, {c: d}, [y, z], w], c: {a: {b: {c: 1}}}, 0x1F: e, d/e: {f~g: [1, 2, 3, 4, 5]}}",
		"[[1, 2, [3, 4]], {a: [5, {b: 6}]}, 7, [], {}]",
		"a: &x {a: 1, b: [2, 3]}\nb: *x\nc: [1, *x, {a: *x}]\nd/e: {x: y}\n",
		"a: {b: &x [1, {c: 2}], c: &y {k: 1}}\nb: *x\nc: {a: *y, b: [*x, *y]}\nd: {e: {f: [1, 2]}, g: h}\n",
		"a: &x {a: 1, b: {c: 2}}\nb: {<<: *x, c: 3}\nc: [1, {<<: *x, d: [4]}, 5]\n",
	};
	unsigned done = 0, crossed = 0;

	for (uint64_t seed = 1; seed <= 6000; seed++) {
		_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(16 * 1024);
		const char *doc = docs[seed % TC_COUNT(docs)];
		const struct tc_node *root = read_yaml(mem, doc);
		bool merges = strstr(doc, "<<");

		if (random_patch(root, mem, seed, merges)) {
			done++;
			continue;
		}
		/* As the stage does: again, on a copy without aliases. */
		crossed++;
		assert_true(random_patch(tc_copy_expanded(mem, root), mem, seed, merges));
	}
	assert_true(done > 3000 && crossed > 500);
}

/* Each item of a long list is changed or goes: linear. */
static void test_many(void **state)
{
	(void)state;
	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(1 << 20);
	_cleanup_buf_ struct tc_buf list = {0}, out = {0};
	struct tc_patch p;
	size_t n = 0, count;

	for (int i = 0; i < 100000; i++)
		tc_buf_puts(&list, i ? ",{}" : "[{}");
	tc_buf_putc(&list, ']');
	const struct tc_node *root = read_as(mem, TC_JSON, tc_buf_str(&list));
	tc_patch_init(&p, mem, root);
	for (const struct tc_node *i = root->first; i; i = i->next, n++) {
		if (n % 2)
			tc_patch_remove(&p, i);
		else
			tc_patch_set(&p, i, "k", text(mem, "v"));
		tc_patch_push(&p, root, tc_new_null(mem, NULL));
	}
	assert_int_equal(p.count, 200000);
	tc_patch_items(&p, root, &count);
	assert_int_equal(count, 150000);
	assert_int_equal(tc_patch_apply(mem, &p)->count, 150000);
	tc_patch_json(&out, &p);
	assert_non_null(strstr(out.p, "{\"op\":\"add\",\"path\":\"/49999/k\",\"value\":\"v\"}"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_set),
		cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_added_collections_grow_in_place),
		cmocka_unit_test(test_remove),
		cmocka_unit_test(test_is_empty),
		cmocka_unit_test(test_take_back),
		cmocka_unit_test(test_moot),
		cmocka_unit_test(test_new_root),
		cmocka_unit_test(test_crossed),
		cmocka_unit_test(test_aliases),
		cmocka_unit_test(test_random_patches),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
