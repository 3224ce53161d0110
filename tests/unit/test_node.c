#include "tests/unit/tree.h"

#include "compiler/tree/node.h"

/* Every entry of a mapping as "key=value " in the order of the iterator. */
static void assert_entries(const struct tc_node *map, const char *want)
{
	_cleanup_buf_ struct tc_buf out = {0};
	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(1024);

	tc_buf_puts(&out, "");
	for (struct tc_entry e = tc_first(map); e.key; e = tc_next(e)) {
		tc_buf_printf(&out, "%.*s=", TC_STR_ARG(tc_key_text(mem, e.key)));
		tc_emit(&out, e.value, (struct tc_emit){.format = TC_JSON});
		tc_buf_putc(&out, ' ');
		/* What is listed is what is found. */
		assert_ptr_equal(tc_get_str(map, tc_key_text(mem, e.key)), e.value);
	}
	assert_string_equal(out.p, want);
}

static void test_get(void **state)
{
	(void)state;
	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(4096);
	const struct tc_node *root = read_yaml(mem, "a: {b: {c: x}}\n"
						    "base: &b\n"
						    "  v: 1\n"
						    "again: *b\n"
						    "list:\n"
						    "- name: one\n"
						    "- *b\n"
						    "- name: two\n"
						    "empty:\n");

	assert_true(tc_is_string(tc_get_path(root, "a", "b", "c", NULL), "x"));
	assert_null(tc_get_path(root, "a", "x", "c", NULL));
	assert_null(tc_get(root, "missing"));
	assert_null(tc_get(NULL, "a"));
	assert_null(tc_get(tc_get(root, "list"), "name"));
	assert_true(tc_is(tc_get(root, "empty"), TC_NULL));
	assert_ptr_equal(tc_get(root, "again"), tc_get(root, "base"));
	assert_string_equal(tc_kind_name(tc_get(root, "again")), "a mapping");
	assert_true(tc_is_string(tc_get(tc_find(tc_get(root, "list"), "name", "two"), "name"), "two"));
	assert_null(tc_find(tc_get(root, "list"), "name", "three"));
	assert_null(tc_find(root, "name", "two"));
	assert_null(tc_item(root));
	assert_null(tc_item_next(NULL));
	assert_null(tc_first(tc_get(root, "list")).key);

	size_t n = 0;
	for (const struct tc_node *i = tc_item(tc_get(root, "list")); i; i = tc_item_next(i))
		n++;
	assert_int_equal(n, 3);
	assert_int_equal(tc_get(root, "list")->count, 3);
	assert_int_equal(root->count, 5);
}

static void test_text(void **state)
{
	(void)state;
	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(4096);
	const struct tc_node *root = read_yaml(mem, "s: &s text\nn: 5\nalias: *s\n");

	assert_int_equal(tc_text(tc_get(root, "s")).len, 4);
	assert_int_equal(tc_text(tc_get(root, "alias")).len, 4);
	assert_int_equal(tc_text(tc_get(root, "n")).len, 0);
	assert_int_equal(tc_text(NULL).len, 0);
	assert_true(tc_is_string(tc_get_key(root, "alias")->next, "text"));
	assert_false(tc_is_string(NULL, ""));
}

/* As kubectl 1.37 reads them: `kubectl label --local -o json` of the same text. */
static void test_merges(void **state)
{
	(void)state;
	static const struct {
		const char *text, *want;
	} rows[] = {
		{"b: {<<: *x, k: 9}\n", "k=9 j=2 "},
		{"b: {<<: *x, m: 3}\n", "m=3 k=1 j=2 "},
		{"b: {<<: [*x, *y]}\n", "m=5 k=1 j=2 "},
		{"b: {<<: [*y, *x]}\n", "j=2 k=4 m=5 "},
		{"b: {<<: [*x, *x], z: 1}\n", "z=1 k=1 j=2 "},
		{"c: &c {<<: *x, k: 7}\nb: {<<: *c, q: 1}\n", "q=1 j=2 k=7 "},
		{"b: {<<: {i: 1}, q: 1}\n", "q=1 i=1 "},
		{"b: {<<: {}}\n", ""},
		{"b: {<<: []}\n", ""},
		{"b: {\"<<\": *x}\n", "<<={\"k\":1,\"j\":2} "},
	};

	for (size_t i = 0; i < TC_COUNT(rows); i++) {
		_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(4096);
		const char *text = tc_printf(mem, "x: &x {k: 1, j: 2}\ny: &y {k: 4, m: 5}\n%s", rows[i].text);
		const struct tc_node *b = tc_get(read_yaml(mem, text), "b");

		assert_entries(b, rows[i].want);
		/* The same when nobody has noted beforehand which keys are seen. */
		struct tc_node plain = *b;
		plain.props = NULL;
		assert_entries(&plain, rows[i].want);
		struct tc_props named = {.anchor = "here"};
		plain.props = &named;
		if (plain.flags & TC_NODE_MERGES)
			tc_merges_resolve(mem, &plain);
		assert_string_equal(plain.props->anchor, "here");
		assert_entries(&plain, rows[i].want);
	}
}

/* Which of two wins where no reader lets the text through (it would be lost in silence), but a tree may still hold it.
 */
static void test_merge_below_local_key(void **state)
{
	(void)state;
	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(4096);
	const struct tc_node *root = read_yaml(mem, "x: &x {k: 1}\nb: {<<: *x, k: 9}\n");
	const struct tc_node *b = tc_get(root, "b");
	struct tc_node merge = *b->first, alias = *b->first->next, key = *b->first->next->next;
	struct tc_node value = *b->last, map = *b;

	map.props = NULL;
	map.first = &key;
	key.next = &value;
	value.next = &merge;
	merge.next = &alias;
	map.last = &alias;
	alias.next = NULL;
	assert_entries(&map, "k=1 ");
}

static void test_keys(void **state)
{
	(void)state;
	static const struct {
		const char *yaml, *want;
	} rows[] = {
		{"a", "a"},
		{"'1'", "1"},
		{"1", "1"},
		{"0x1F", "31"},
		{"0o17", "15"},
		{"1_000", "1000"},
		{"-5", "-5"},
		{"y", "true"},
		{"Off", "false"},
		{"1.10", "1.1"},
		{"1e3", "1000"},
		{"100000.", "100000"},
		{"1000000.0", "1e+06"},
		{"1e21", "1e+21"},
		{"1e-7", "1e-07"},
		{"0.0001", "0.0001"},
		{"0.00001", "1e-05"},
		{".5", "0.5"},
		{"-0.25", "-0.25"},
		{"0.0", "0"},
		{"1234560.0", "1.23456e+06"},
		{"1.5e30", "1.5e+30"},
		{"123.456", "123.456"},
		{"-1200.0", "-1200"},
	};

	for (size_t i = 0; i < TC_COUNT(rows); i++) {
		_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(4096);
		const struct tc_node *map = read_yaml(mem, tc_printf(mem, "%s: found\n", rows[i].yaml));
		struct tc_str got = tc_key_text(mem, map->first);

		assert_string_equal(tc_strndup(mem, got.s, got.len), rows[i].want);
		assert_true(tc_is_string(tc_get(map, rows[i].want), "found"));
		assert_null(tc_get(map, "other"));
	}
	/* No document that is read holds these; a text that is wrong is looked at too, to say all that is wrong. */
	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(4096);
	assert_true(tc_str_is(tc_key_text(mem, tc_new_null(mem, NULL)), "null"));
	assert_true(tc_str_is(tc_key_text(mem, tc_new_seq(mem, NULL)), ""));
	assert_true(tc_str_is(tc_key_text(mem, tc_new_map(mem, NULL)), ""));
}

static void test_numbers(void **state)
{
	(void)state;
	static const struct {
		const char *yaml;
		uint64_t max, want;
		bool ok;
	} rows[] = {
		{"0", 10, 0, true},
		{"-0", 10, 0, true},
		{"10", 10, 10, true},
		{"11", 10, 0, false},
		{"-1", 10, 0, false},
		{"0x1F", 100, 31, true},
		{"017", 100, 15, true},
		{"1_000", 1000, 1000, true},
		{"18446744073709551615", UINT64_MAX, UINT64_MAX, true},
		{"18446744073709551616", UINT64_MAX, 0, false},
		{"1.0", 10, 0, false},
		{"'5'", 10, 0, false},
		{"[5]", 10, 0, false},
	};

	for (size_t i = 0; i < TC_COUNT(rows); i++) {
		_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(4096);
		uint64_t value = 0;

		assert_int_equal(tc_as_int(read_yaml(mem, rows[i].yaml), rows[i].max, &value), rows[i].ok);
		assert_true(value == rows[i].want);
	}

	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(4096);
	bool value = false;
	uint64_t number;
	assert_true(tc_as_bool(read_yaml(mem, "on"), &value) && value);
	assert_true(tc_as_bool(read_yaml(mem, "N"), &value) && !value);
	assert_false(tc_as_bool(read_yaml(mem, "'on'"), &value));
	assert_false(tc_as_bool(NULL, &value));
	assert_false(tc_as_int(NULL, 1, &number));

	struct tc_node *large = tc_new_int(mem, NULL, 1);
	large->text = TC_STR("18446744073709551616");
	assert_false(tc_as_int(large, UINT64_MAX, &number));
	large->text = TC_STR("18446744073709551615");
	assert_true(tc_as_int(large, UINT64_MAX, &number) && number == UINT64_MAX);
}

static void test_kind_names(void **state)
{
	(void)state;
	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(4096);
	const struct tc_node *i = tc_item(read_yaml(mem, "[~, y, 1, 1.5, a, [], {}]"));
	static const char *const want[] = {"null",     "a boolean", "an integer", "a number",
					   "a string", "a list",    "a mapping"};

	for (size_t n = 0; n < TC_COUNT(want); n++, i = tc_item_next(i))
		assert_string_equal(tc_kind_name(i), want[n]);
	assert_null(i);
	assert_string_equal(tc_kind_name(NULL), "nothing");
}

static void test_equal(void **state)
{
	(void)state;
	static const struct {
		const char *a, *b;
		bool ordered, unordered;
	} rows[] = {
		{"a: 1\nb: 2", "{b: 2, a: 1}", false, true},
		{"a: 1\nb: 2", "{a: 1, b: 2}", true, true},
		{"a: 1\nb: 2", "{a: 1, c: 2}", false, false},
		{"a: 1\nb: 2", "{a: 1}", false, false},
		{"a: 1", "{a: 1, b: 2}", false, false},
		{"a: 1\nb: 2", "{c: 1}", false, false},
		{"x: {a: 1, b: 2}\ny: 1", "y: 1\nx: {b: 2, a: 1}", false, true},
		{"[1, 2]", "- 1\n- 2", true, true},
		{"[1, 2]", "[2, 1]", false, false},
		{"[1, 2]", "[1]", false, false},
		{"[1]", "[1, 2]", false, false},
		{"'x'", "\"x\"", true, true},
		{"'1'", "1", false, false},
		{"1", "1.0", true, true},
		{"0x10", "16", true, true},
		{"1.5", "15e-1", true, true},
		{"1", "2", false, false},
		{"yes", "true", true, true},
		{"yes", "'yes'", false, false},
		{"~", "null", true, true},
		{"~", "false", false, false},
		{"{}", "[]", false, false},
		{"{}", "~", false, false},
		{"1: a", "'1': a", true, true},
		{"a: &a {k: 1}\nb: *a", "{a: {k: 1}, b: {k: 1}}", true, true},
		{"a: &a {k: 1}\nb: {<<: *a, c: 2}", "{a: {k: 1}, b: {c: 2, k: 1}}", true, true},
	};

	for (size_t i = 0; i < TC_COUNT(rows); i++) {
		_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(4096);
		const struct tc_node *a = read_yaml(mem, rows[i].a), *b = read_yaml(mem, rows[i].b);

		assert_int_equal(tc_equal(a, b, true), rows[i].ordered);
		assert_int_equal(tc_equal(b, a, true), rows[i].ordered);
		assert_int_equal(tc_equal(a, b, false), rows[i].unordered);
		assert_int_equal(tc_equal(b, a, false), rows[i].unordered);
		assert_true(tc_equal(a, a, true));
	}
	assert_true(tc_equal(NULL, NULL, true));
	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(4096);
	assert_false(tc_equal(NULL, tc_new_null(mem, NULL), true));
}

static void assert_pointer(const struct tc_node *n, const char *want)
{
	_cleanup_buf_ struct tc_buf out = {0};

	tc_buf_puts(&out, "");
	tc_pointer(&out, n);
	assert_string_equal(out.p, want);
}

static void test_pointer(void **state)
{
	(void)state;
	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(4096);
	const struct tc_node *root = read_yaml(mem, "a/b~c:\n- x\n- 0x1F: [y]\n");
	const struct tc_node *list = tc_get(root, "a/b~c");

	assert_pointer(root, "");
	assert_pointer(list, "/a~1b~0c");
	assert_pointer(root->first, "/a~1b~0c");
	assert_pointer(tc_item(list), "/a~1b~0c/0");
	assert_pointer(tc_item(tc_get(list->last, "31")), "/a~1b~0c/1/31/0");
	assert_pointer(NULL, "");
}

static void test_positions(void **state)
{
	(void)state;
	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(4096);
	const struct tc_node *root = read_yaml(mem, "a: &a [x, yy]\nb: *a\n");
	const struct tc_node *yy = tc_get(root, "b")->last;
	struct tc_origin origin = {.at = tc_node_pos(yy), .rule = "a test"};
	const struct tc_node *made = tc_new_map(mem, &origin);

	assert_int_equal(tc_node_pos(yy).off, 10);
	assert_int_equal(tc_node_end_pos(yy).off, 12);
	assert_string_equal(tc_node_pos(yy).src->name, "test");
	assert_ptr_equal(tc_node_source(yy), tc_node_pos(yy).src);
	assert_int_equal(tc_node_pos(made).off, 10);
	assert_ptr_equal(tc_node_pos(made).src, tc_node_source(yy));
	assert_null(tc_node_source(made));
	assert_null(tc_node_pos(tc_new_map(mem, NULL)).src);
	assert_null(tc_node_pos(NULL).src);

	const struct tc_node *copy = tc_copy_expanded(mem, root);
	assert_int_equal(tc_node_pos(tc_get(copy, "b")->last).off, 10);
	assert_ptr_equal(tc_node_source(copy), tc_node_source(root));
}

static void test_making(void **state)
{
	(void)state;
	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(4096);
	char key[] = "key";
	struct tc_node *map = tc_new_map(mem, NULL), *seq = tc_new_seq(mem, NULL);

	tc_put(mem, map, key, seq);
	key[0] = 'X';
	tc_put_str(mem, map, TC_STR("nul\0l"), tc_new_null(mem, NULL));
	tc_push(seq, tc_new_int(mem, NULL, UINT64_MAX));
	tc_push(seq, tc_new_bool(mem, NULL, true));
	tc_push(seq, tc_new_bool(mem, NULL, false));
	tc_push(seq, tc_new_string(mem, NULL, (struct tc_str){0}));
	assert_json(map, "{\"key\":[18446744073709551615,true,false,\"\"],\"nul\\u0000l\":null}");
	assert_int_equal(map->count, 2);
	assert_int_equal(seq->count, 4);
	assert_ptr_equal(seq->parent, map);
	assert_ptr_equal(seq->first->parent, seq);
}

static void test_copies(void **state)
{
	(void)state;
	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(4096);
	const struct tc_node *root = read_yaml(mem, "a: &a {k: 'v'}\nb: {<<: *a, c: !!str 5}\nd: *a\n");
	const struct tc_node *copy = tc_copy_expanded(mem, root);
	struct tc_origin origin = {.rule = "a test"};
	const struct tc_node *made = tc_copy_new(mem, root, &origin);

	assert_true(tc_equal(root, copy, true));
	assert_true(tc_equal(root, made, true));
	assert_yaml(copy, "a:\n  k: 'v'\nb:\n  c: !!str \"5\"\n  k: 'v'\nd:\n  k: 'v'\n");
	assert_yaml(made, "a:\n  k: v\nb:\n  c: \"5\"\n  k: v\nd:\n  k: v\n");
	assert_ptr_equal(tc_get(made, "b")->origin, &origin);
	assert_null(tc_copy_expanded(mem, NULL));
	assert_null(tc_next(tc_first(NULL)).key);
	assert_null(tc_copy_new(mem, NULL, NULL));
}

/* Linear: at 100,000 keys anything else would be noticed. */
static void test_large_merge(void **state)
{
	(void)state;
	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(1 << 20);
	struct tc_node *big = tc_new_map(mem, NULL), *map = tc_new_map(mem, NULL);
	struct tc_node *alias = tc_new_null(mem, NULL), *key = tc_new_string(mem, NULL, TC_STR("<<"));
	size_t n = 0;

	for (int i = 0; i < 100000; i++)
		tc_put(mem, big, tc_printf(mem, "key%d", i), tc_new_null(mem, NULL));
	alias->kind = TC_ALIAS;
	alias->target = big;
	key->flags = TC_NODE_MERGE;
	tc_put_node(map, key, alias);
	map->flags = TC_NODE_MERGES;
	map->props = NULL;
	tc_merges_resolve(mem, map);
	for (struct tc_entry e = tc_first(map); e.key; e = tc_next(e))
		n++;
	assert_int_equal(n, 100000);
	assert_true(tc_equal(map, big, true));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_get),         cmocka_unit_test(test_text),
		cmocka_unit_test(test_merges),      cmocka_unit_test(test_merge_below_local_key),
		cmocka_unit_test(test_keys),        cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_kind_names),  cmocka_unit_test(test_equal),
		cmocka_unit_test(test_pointer),     cmocka_unit_test(test_positions),
		cmocka_unit_test(test_making),      cmocka_unit_test(test_copies),
		cmocka_unit_test(test_large_merge),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
