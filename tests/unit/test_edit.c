/* Each case is a whole text, what is done to it, and the whole text that comes out. Every one is also tried with CRLF
 * line ends and without the last line end, unless its table says that these matter. */
#include "tests/unit/tree.h"

#include "compiler/tree/edit_text.h"

/* For all cases of a table. */
enum { AS_IS = 1, JSON = 2 };

struct edit_case {
	const char *in;
	const char *ops;  /* set|push|replace|remove PATH [VALUE], a line each; VALUE is YAML */
	const char *want; /* NULL: declined */
};

static const struct tc_node *child_of(struct tc_arena *mem, const struct tc_node *n, struct tc_str token)
{
	size_t nth = 0;

	n = tc_deref(n);
	for (const struct tc_node *i = n->first; i; i = i->next, nth++) {
		if (n->kind == TC_MAP && tc_str_equal(tc_key_text(mem, i), token))
			return i->next;
		if (n->kind == TC_MAP)
			i = i->next;
		else if (tc_str_is(token, tc_printf(mem, "%zu", nth)))
			return i;
	}
	return NULL;
}

/* /a/0/b: parent is what holds the last token. */
static const struct tc_node *walk(struct tc_arena *mem, const struct tc_node *root, struct tc_str path,
				  const struct tc_node **parent, struct tc_str *token)
{
	const struct tc_node *n = root;

	*parent = NULL;
	while (path.len > 1) {
		const char *slash = memchr(path.s + 1, '/', path.len - 1);
		size_t len = slash ? (size_t)(slash - path.s - 1) : path.len - 1;

		assert_non_null(n);
		*token = (struct tc_str){path.s + 1, len};
		*parent = n;
		n = child_of(mem, n, *token);
		path.s += len + 1;
		path.len -= len + 1;
	}
	return n;
}

static void run_op(struct tc_arena *mem, struct tc_patch *p, struct tc_str line)
{
	const char *path = (const char *)memchr(line.s, ' ', line.len) + 1, *stop = line.s + line.len;
	const char *blank = memchr(path, ' ', (size_t)(stop - path)), *value = blank ? blank + 1 : stop;
	const struct tc_node *parent, *at;
	struct tc_str token = {0};
	struct tc_node *v = NULL;

	at = walk(mem, p->root, (struct tc_str){path, (size_t)((blank ? blank : stop) - path)}, &parent, &token);
	if (blank)
		v = tc_copy_new(mem, read_yaml(mem, tc_strndup(mem, value, (size_t)(stop - value))), NULL);
	if (tc_str_starts(line, "set "))
		tc_patch_set(p, parent, tc_strndup(mem, token.s, token.len), v);
	else if (tc_str_starts(line, "push "))
		tc_patch_push(p, at, v);
	else if (tc_str_starts(line, "replace "))
		tc_patch_replace(p, at, v);
	else
		tc_patch_remove(p, at);
}

static void run_ops(struct tc_arena *mem, struct tc_patch *p, const char *ops)
{
	while (*ops) {
		size_t len = strcspn(ops, "\n");

		run_op(mem, p, (struct tc_str){ops, len});
		ops += len + (ops[len] == '\n');
	}
}

static void check_text(const struct edit_case *c, unsigned flags, struct tc_str in, struct tc_str want)
{
	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(4096);
	_cleanup_buf_ struct tc_buf out = {0};
	struct tc_source src = {.name = "test", .text = in};
	struct tc_limits limits = TC_LIMITS_FILE;
	struct tc_doc doc = {.src = &src, .format = flags & JSON ? TC_JSON : TC_YAML, .end = (uint32_t)in.len};
	struct tc_patch p;
	const char *why = NULL;

	if (!tc_doc_read(mem, &doc, &limits, NULL))
		fail_msg("cannot read:\n%.*s", TC_STR_ARG(in));
	tc_patch_init(&p, mem, doc.root);
	run_ops(mem, &p, c->ops);
	tc_buf_puts(&out, "before|");
	if (!tc_edit_verified(&out, &doc, &p, tc_patch_apply(mem, &p), &why)) {
		tc_buf_clear(&out);
		tc_edit(&out, &doc, &p, &why);
		if (c->want)
			fail_msg("declined (%s):\n%.*s\n%s\nlast text:\n%s", why, TC_STR_ARG(in), c->ops,
				 out.p ? out.p : "");
		return;
	}
	if (!c->want)
		fail_msg("not declined:\n%.*s\n%s\ngot:\n%s", TC_STR_ARG(in), c->ops, out.p);
	if (out.len != want.len + 7 || memcmp(out.p + 7, want.s, want.len) != 0)
		fail_msg("in:\n%.*s\nops:\n%s\nwant:\n%.*s\ngot:\n%s", TC_STR_ARG(in), c->ops, TC_STR_ARG(want),
			 out.p + 7);
}

static struct tc_str with_crlf(struct tc_arena *mem, struct tc_str text)
{
	char *to = tc_alloc_text(mem, 2 * text.len);
	size_t n = 0;

	for (size_t i = 0; i < text.len; i++) {
		if (text.s[i] == '\n')
			to[n++] = '\r';
		to[n++] = text.s[i];
	}
	return (struct tc_str){to, n};
}

static struct tc_str without_end(struct tc_str text)
{
	if (text.len && text.s[text.len - 1] == '\n')
		text.len--;
	return text;
}

static void check_case(const struct edit_case *c, unsigned flags)
{
	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(4096);
	struct tc_str in = tc_str(c->in), want = tc_str(c->want ? c->want : "");

	check_text(c, flags, in, want);
	if (flags & AS_IS)
		return;
	check_text(c, flags, with_crlf(mem, in), with_crlf(mem, want));
	check_text(c, flags, without_end(in), without_end(want));
}

static void check_cases(const struct edit_case *cases, size_t n, unsigned flags)
{
	for (size_t i = 0; i < n; i++)
		check_case(&cases[i], flags);
}

#define CASES(flags, ...)                                              \
	do {                                                           \
		static const struct edit_case cases[] = {__VA_ARGS__}; \
		check_cases(cases, TC_COUNT(cases), (flags));          \
	} while (0)

static void test_add_key(void **state)
{
	(void)state;
	/* clang-format off */
	CASES(0,
	{"a: 1\n", "set /b 2", "a: 1\nb: 2\n"},
	{"a: 1\n", "set /b 2\nset /c 3", "a: 1\nb: 2\nc: 3\n"},
	{"a: 1 # one\n# end\n", "set /b x", "a: 1 # one\nb: x\n# end\n"},
	{"# head\na:\n  x: 1\nb: 2\n", "set /a/u 2", "# head\na:\n  x: 1\n  u: 2\nb: 2\n"},
	{"a:\n    x:\n        u: 1\n", "set /a/z {p: {q: 1}, r: [1]}",
	 "a:\n    x:\n        u: 1\n    z:\n        p:\n            q: 1\n        r:\n        - 1\n"},
	{"a:\n  x:\n    u: 1\n", "set /a/x/z 2\nset /a/w 3\nset /b 4", "a:\n  x:\n    u: 1\n    z: 2\n  w: 3\nb: 4\n"},
	{"a:\n  x:\n    u: 1\n", "set /b 4\nset /a/w 3\nset /a/x/z 2", "a:\n  x:\n    u: 1\n    z: 2\n  w: 3\nb: 4\n"},
	/* comments right of a column belong to what is above */
	{"a:\n  x: 1\n  # u: 2\nb: 1\n", "set /a/z 3\nset /c 1", "a:\n  x: 1\n  z: 3\n  # u: 2\nb: 1\nc: 1\n"},
	{"a:\n  x: 1\n\n  # u: 2\n", "set /b 3", "a:\n  x: 1\n\n  # u: 2\nb: 3\n"},
	{"a:\n  l:\n    x: 1\n    # u: 2\n  # z: 3\n# end\n", "set /a/m 3\nset /b 4",
	 "a:\n  l:\n    x: 1\n    # u: 2\n  m: 3\n  # z: 3\nb: 4\n# end\n"},
	/* values on several lines */
	{"a: one\n  two\nb: 'x\n\n  u' # c\n", "set /c 1", "a: one\n  two\nb: 'x\n\n  u' # c\nc: 1\n"},
	{"a: {x: 1,\n  u: 2}\n", "set /c 1", "a: {x: 1,\n  u: 2}\nc: 1\n"},
	{"a:\n", "set /c 1", "a:\nc: 1\n"},
	{"a: # why\n", "set /c 1", "a: # why\nc: 1\n"},
	{"x: &x 1\na: *x # why\n", "set /c 1", "x: &x 1\na: *x # why\nc: 1\n"},
	{"  a: 1\n  b: 1\n", "set /c 1", "  a: 1\n  b: 1\n  c: 1\n"},
	{"a: 1\n...\n", "set /c 1", "a: 1\nc: 1\n...\n"},
	{"? a\n: 1\n", "set /c 1", "? a\n: 1\nc: 1\n"},
	{"? a\n", "set /c 1", "? a\nc: 1\n"},
	{"- a: 1\n- b: 1\n", "set /0/c 1\nset /1/d {f: f}", "- a: 1\n  c: 1\n- b: 1\n  d:\n    f: f\n"},
	{"- - a: 1\n  - b: 1\n", "set /0/0/c 1", "- - a: 1\n    c: 1\n  - b: 1\n"},
	{"-\n  a: 1\n", "set /0/c 1", "-\n  a: 1\n  c: 1\n"},
	{"a: &m\n  b: 1\n", "set /a/c 1", "a: &m\n  b: 1\n  c: 1\n"},
	{"a: !!map # tagged\n  b: 1\n", "set /a/c 1", "a: !!map # tagged\n  b: 1\n  c: 1\n"},
	{"&k a: 1\n&l b: 2\n", "set /c 1", "&k a: 1\n&l b: 2\nc: 1\n"},
	{"\"a b\": \"x # u\" # z\n", "set /c 1", "\"a b\": \"x # u\" # z\nc: 1\n"},
	{"é: ü # ö\n", "set /c 1", "é: ü # ö\nc: 1\n"},
	{"\xef\xbb\xbf" "a: 1\n", "set /c 1", "\xef\xbb\xbf" "a: 1\nc: 1\n"},
	{"a: 1\n", "set /b \"x: u\"\nset /c \"two\\nlines\\n\"", "a: 1\nb: \"x: u\"\nc: |\n  two\n  lines\n"},
	{"a:\n    b: 1\n", "set /a/c \"two\\nlines\"", "a:\n    b: 1\n    c: |-\n        two\n        lines\n"},
	{"a:\n    b: 1\n", "set /a/c \" two\\nlines\"", "a:\n    b: 1\n    c: |4-\n         two\n        lines\n"},
	{"a: {}\n", "set /a/b 1", "a:\n  b: 1\n"},
	{"a: {} # none\nc: 1\n", "set /a/b 1", "a: # none\n  b: 1\nc: 1\n"},
	{"- {}\n", "set /0/b 1\nset /0/c 1", "- b: 1\n  c: 1\n"},
	{"- {} # none\n", "set /0/b 1\nset /0/c 1", "- # none\n  b: 1\n  c: 1\n"},
	{"{}\n", "set /b 1", "b: 1\n"},
	{"<<: &m {x: 1}\na: 1\n", "set /b 1", "<<: &m {x: 1}\na: 1\nb: 1\n"}
	);
	/* clang-format on */
}

static void test_add_after_block_scalar(void **state)
{
	(void)state;
	/* clang-format off */
	CASES(0,
	{"a: |\n  x\n  u\n", "set /b 1", "a: |\n  x\n  u\nb: 1\n"},
	{"a: |\n  x\n\n\nc: 1\n", "set /b 1", "a: |\n  x\n\n\nc: 1\nb: 1\n"},
	{"m:\n  a: |-\n    x\n\nc: 1\n", "set /m/b 1", "m:\n  a: |-\n    x\n  b: 1\n\nc: 1\n"},
	{"m:\n  a: |+\n    x\n\nc: 1\n", "set /m/b 1", "m:\n  a: |+\n    x\n\n  b: 1\nc: 1\n"},
	{"m:\n  a: |\n    x\n     \n\nc: 1\n", "set /m/b 1", "m:\n  a: |\n    x\n     \n  b: 1\n\nc: 1\n"},
	{"m:\n  a: |\n    x\n  \n\nc: 1\n", "set /m/b 1", "m:\n  a: |\n    x\n  b: 1\n  \n\nc: 1\n"},
	{"m:\n  a: >2-\n     x\n    u\n\n  # deep\nc: 1\n", "set /m/b 1", "m:\n  a: >2-\n     x\n    u\n  b: 1\n\n  # deep\nc: 1\n"},
	{"m:\n  a: |\n    x\n   # c\nc: 1\n", "set /m/b 1", "m:\n  a: |\n    x\n   # c\n  b: 1\nc: 1\n"},
	{"a: |\n\nb: 1\n", "set /c 1", "a: |\n\nb: 1\nc: 1\n"},
	{"m:\n  a: |\n\nb: 1\n", "set /m/c 1", "m:\n  a: |\n  c: 1\n\nb: 1\n"},
	{"a: | # why\n  x\n", "set /b 1", "a: | # why\n  x\nb: 1\n"},
	{"- |\n  x\n\n- b\n", "push / c", "- |\n  x\n\n- b\n- c\n"},
	{"a:\n- b: |2\n    x\n\nc: 1\n", "push /a d", "a:\n- b: |2\n    x\n- d\n\nc: 1\n"}
	);
	/* clang-format on */
}

static void test_add_item(void **state)
{
	(void)state;
	/* clang-format off */
	CASES(0,
	{"a:\n- 1\n- 2\nb: 1\n", "push /a 3", "a:\n- 1\n- 2\n- 3\nb: 1\n"},
	{"a:\n  - 1\n  - 2 # two\n  # - 3\nb: 1\n", "push /a {x: 1, u: [2]}",
	 "a:\n  - 1\n  - 2 # two\n  - x: 1\n    u:\n      - 2\n  # - 3\nb: 1\n"},
	{"- 1\n", "push / [2, 3]\npush / {}", "- 1\n- - 2\n  - 3\n- {}\n"},
	{"- - 1\n  - 2\n- 3\n", "push /0 x\npush / u", "- - 1\n  - 2\n  - x\n- 3\n- u\n"},
	{"- - 1\n", "push /0 x\npush / u", "- - 1\n  - x\n- u\n"},
	{"a: []\n", "push /a 1", "a:\n- 1\n"},
	{"a: []\nb:\n  - x\n", "push /a 1", "a:\n  - 1\nb:\n  - x\n"},
	{"a: &x\n- 1\n", "push /a 2", "a: &x\n- 1\n- 2\n"},
	{"a: !!seq\n# c\n- 1\n", "push /a 2", "a: !!seq\n# c\n- 1\n- 2\n"},
	{"-\n- ~\n", "push / 2", "-\n- ~\n- 2\n"},
	{"a:\n- x: 1\n  u:\n    z: 1\n", "push /a 2\nset /a/0/u/w 1\nset /a/0/v 1\nset /b 1",
	 "a:\n- x: 1\n  u:\n    z: 1\n    w: 1\n  v: 1\n- 2\nb: 1\n"},
	{"-   a: 1\n    b: 2\n", "set /0/c 3\npush / x", "-   a: 1\n    b: 2\n    c: 3\n- x\n"}
	);
	/* clang-format on */
}

static void test_replace_scalar(void **state)
{
	(void)state;
	/* clang-format off */
	CASES(0,
	{"a: 1 # one\nb: 2\n", "set /a 3", "a: 3 # one\nb: 2\n"},
	{"a: \"x\" # one\n", "set /a \"u z\"", "a: \"u z\" # one\n"},
	{"a: 'x' # one\n", "set /a \"it's\"", "a: 'it''s' # one\n"},
	{"a: 'x' # one\n", "set /a \"a\\tb\\nc\"", "a: \"a\\tb\\nc\" # one\n"},
	{"a: x # one\n", "set /a \"true\"", "a: \"true\" # one\n"},
	{"a: \"5\"\n", "set /a 5", "a: 5\n"},
	{"a: &x 1 # one\n", "set /a 2", "a: &x 2 # one\n"},
	{"a: !!str 1 # one\n", "set /a \"2\"", "a: \"2\" # one\n"},
	{"a: !!str &x 1 # one\n", "set /a 2", "a: &x 2 # one\n"},
	{"a: one\n  two # x\nb: 1\n", "set /a 2", "a: 2 # x\nb: 1\n"},
	{"a:\n  one # x\nb: 1\n", "set /a 2", "a:\n  2 # x\nb: 1\n"},
	{"a:   1\n", "set /a 22", "a:   22\n"},
	{"- 1 # x\n- \"u\"\n", "replace /0 2\nreplace /1 \"z\"", "- 2 # x\n- \"z\"\n"},
	{"? a\n: 1 # x\n", "set /a 2", "? a\n: 2 # x\n"},
	{"x: &x 1\na: *x # c\n", "replace /a 2", "x: &x 1\na: 2 # c\n"},
	{"x # c\n", "replace / u", "u # c\n"},
	{"a: |\n  x\n  u\n\nb: 1\n", "set /a \"z\\nw\\n\"", "a: |\n  z\n  w\n\nb: 1\n"},
	{"a: |- # c\n  x\n  u\n\nb: 1\n", "set /a \"z\\nw\"", "a: |- # c\n  z\n  w\n\nb: 1\n"},
	{"a: |- # c\n  x\n  u\n\nb: 1\n", "set /a 1", "a: 1 # c\n\nb: 1\n"},
	{"a: >+\n  x\n\nb: 1\n", "set /a {c: 1}", "a:\n  c: 1\nb: 1\n"},
	{"- |\n  x\n", "replace /0 {c: 1, d: 2}", "- c: 1\n  d: 2\n"},
	{"a: &x |\n  x\n", "set /a {c: 1, d: 2}", "a: &x\n  c: 1\n  d: 2\n"},
	{"a: x # c\n  # deep\nb: 1\n", "set /a \"z\\nw\\n\"", "a: \"z\\nw\\n\" # c\n  # deep\nb: 1\n"},
	{"a: x # c\n\nb: 1\n", "set /a \"z\\nw\\n\\n\"", "a: \"z\\nw\\n\\n\" # c\n\nb: 1\n"},
	{"a: x # c\nb: 1\n", "set /a \"z\\nw\\n\"", "a: | # c\n  z\n  w\nb: 1\n"}
	);
	/* clang-format on */
}

static void test_replace_null(void **state)
{
	(void)state;
	/* clang-format off */
	CASES(0,
	{"a:\nb: 1\n", "set /a 1", "a: 1\nb: 1\n"},
	{"a: # c\nb: 1\n", "set /a 1", "a: 1 # c\nb: 1\n"},
	{"a: ~ # c\n", "set /a 1", "a: 1 # c\n"},
	{"a: null\n", "set /a x", "a: x\n"},
	{"a:\nb: 1\n", "set /a {x: 1}", "a:\n  x: 1\nb: 1\n"},
	{"a: # c\nb: 1\n", "set /a {x: 1}", "a: # c\n  x: 1\nb: 1\n"},
	{"a: ~ # c\nb: 1\n", "set /a {x: 1}", "a: # c\n  x: 1\nb: 1\n"},
	{"a: null  \nb: 1\n", "set /a {x: 1}", "a:\n  x: 1\nb: 1\n"},
	{"a:\n  ~\nb: 1\n", "set /a {x: 1}", "a:\n  x: 1\nb: 1\n"},
	{"a:\n  ~ # c\nb: 1\n", "set /a {x: 1}", "a:\n  # c\n  x: 1\nb: 1\n"},
	{"a: &x # c\nb: 1\n", "set /a {x: 1}", "a: &x # c\n  x: 1\nb: 1\n"},
	{"a: !!null\nb: 1\n", "set /a {x: 1}", "a:\n  x: 1\nb: 1\n"},
	{"a: !!null &x ~\nb: 1\n", "set /a 1", "a: &x 1\nb: 1\n"},
	{"a: &x\n!!str b: 1\n", "set /a 1", "a: &x 1\n!!str b: 1\n"},
	{"a:\n    b:\n        c:\n    # d\n", "set /a/b/c {x: {u: 1}}",
	 "a:\n    b:\n        c:\n            x:\n                u: 1\n    # d\n"},
	{"a:\n    b:\n      # later\n", "set /a/b {x: 1}", "a:\n    b:\n        x: 1\n      # later\n"},
	{"- # c\n- x\n", "replace /0 1", "- 1 # c\n- x\n"},
	{"-\n- x\n", "replace /0 {a: 1, b: 2}", "- a: 1\n  b: 2\n- x\n"},
	{"- # c\n- x\n", "replace /0 {a: 1, b: 2}", "- # c\n  a: 1\n  b: 2\n- x\n"},
	{"- &x # c\n- x\n", "replace /0 {a: 1}", "- &x # c\n  a: 1\n- x\n"},
	{"- ~\n- x\n", "replace /0 [1, 2]", "- - 1\n  - 2\n- x\n"},
	{"? a\n? b\n", "set /a 1", "? a\n: 1\n? b\n"},
	{"? a # c\n? b\n", "set /a {x: 1}", "? a # c\n:\n  x: 1\n? b\n"},
	{"? a\n:\n? b\n", "set /a {x: 1}", "? a\n:\n  x: 1\n? b\n"},
	{"a: {b, c: }\n", "set /a/b 1\nset /a/c 2", "a: {b: 1, c: 2 }\n"}
	);
	/* clang-format on */
}

static void test_replace_by_collection(void **state)
{
	(void)state;
	/* clang-format off */
	CASES(0,
	{"a: 1 # c\nb: 1\n", "set /a {x: 1}", "a: # c\n  x: 1\nb: 1\n"},
	{"a: 1 # c\nb: 1\n", "set /a {}", "a: {} # c\nb: 1\n"},
	{"a:\n  x: 1\n  u: 2 # c\n# d\nb: 1\n", "set /a 1", "a: 1\n# d\nb: 1\n"},
	{"a: # c\n  x: 1\n  # d\n  u: 2\nb: 1\n", "set /a [1, 2]", "a: # c\n- 1\n- 2\nb: 1\n"},
	{"a: # c\n# f\n  x: 1\n  # d\nb: 1\n", "set /a {z: 1}", "a: # c\n# f\n  z: 1\nb: 1\n"},
	{"a: &x\n  x: 1\nb: 1\n", "set /a {z: 1}", "a: &x\n  z: 1\nb: 1\n"},
	{"a: &x !!map # c\n  x: 1\nb: 1\n", "set /a 1", "a: &x 1 # c\nb: 1\n"},
	{"a: !!map # c\n  x: 1\nb: 1\n", "set /a {z: 1}", "a: # c\n  z: 1\nb: 1\n"},
	{"- x: 1\n  u: 2\n- 3\n", "replace /0 5", "- 5\n- 3\n"},
	{"- x: 1\n  u: 2\n- 3\n", "replace /0 {z: 1, w: 2}", "- z: 1\n  w: 2\n- 3\n"},
	{"-\n  x: 1\n  u: 2\n- 3\n", "replace /0 {z: 1, w: 2}", "- z: 1\n  w: 2\n- 3\n"},
	{"- # c\n  x: 1\n- 3\n", "replace /0 {z: 1, w: 2}", "- # c\n  z: 1\n  w: 2\n- 3\n"},
	{"- - 1\n  - 2\n- 3\n", "replace /0 x", "- x\n- 3\n"},
	{"a:\n- 1\n- 2\nb: 1\n", "set /a {x: 1}", "a:\n  x: 1\nb: 1\n"},
	{"a:\n- 1\n- 2\nb: 1\n", "set /a \"x\\nu\\n\"", "a: |\n  x\n  u\nb: 1\n"},
	{"a:\n# c\n- 1\n- 2\nb: 1\n", "set /a \"x\\nu\\n\"", "a: \"x\\nu\\n\"\n# c\nb: 1\n"},
	{"? a\n: x: 1\n  u: 1\n? b\n", "set /a {z: 1}", "? a\n:\n  z: 1\n? b\n"},
	{"? a\n: x: 1\n  u: 1\n? b\n", "set /a 1", "? a\n: 1\n? b\n"},
	{"a: 1\nb: 2\n", "replace / x", "x\n"},
	{"x # c\n", "replace / {c: 1}", "# c\nc: 1\n"},
	{"a: {x: 1} # c\n", "set /a {z: 1}", "a: # c\n  z: 1\n"},
	{"a: |\n  x\nb: 1\n", "set /a {z: 1}", "a:\n  z: 1\nb: 1\n"}
	);
	/* clang-format on */
}

static void test_remove(void **state)
{
	(void)state;
	/* clang-format off */
	CASES(0,
	{"a: 1\nb: 2 # two\nc: 3\n", "remove /b", "a: 1\nc: 3\n"},
	{"a: 1\nb: 2\n", "remove /b", "a: 1\n"},
	{"a: 1\nb: 2\n", "remove /a", "b: 2\n"},
	{"a: 1\n# above b\nb:\n  x: 1\n  # in b\n\n  # in b too\n# above c\nc: 3\n", "remove /b",
	 "a: 1\n# above b\n# above c\nc: 3\n"},
	{"a:\n  x: 1\nb: 2\n", "remove /a/x", "a: {}\nb: 2\n"},
	{"a: # c\n- 1\n- 2\nb: 2\n", "remove /a/0\nremove /a/1", "a: [] # c\nb: 2\n"},
	{"a: &x\n- 1\nb: 2\n", "remove /a/0", "a: &x []\nb: 2\n"},
	{"- a: 1\n  b: 2\n- c\n", "remove /0/a", "- b: 2\n- c\n"},
	{"- a: 1 # one\n  # about b\n  b: 2\n- c\n", "remove /0/a", "-\n  # about b\n  b: 2\n- c\n"},
	{"- a: 1\n  b: 2\n  c: 3\n", "remove /0/a\nremove /0/b", "- c: 3\n"},
	{"- a: 1\n  # b\n  b: 2\n  # c\n  c: 3\n", "remove /0/a\nremove /0/b", "-\n  # b\n  # c\n  c: 3\n"},
	{"- a: 1\n- c\n", "remove /0/a", "- {}\n- c\n"},
	{"- a: 1\n  b: 2\n- c\n", "remove /0/b", "- a: 1\n- c\n"},
	{"- - 1\n  - 2\n- c\n", "remove /0/0", "- - 2\n- c\n"},
	{"- - 1\n  - 2\n- c\n", "remove /0/1", "- - 1\n- c\n"},
	{"- - 1\n  - 2\n- c\n", "remove /0/0\nremove /0/1", "- []\n- c\n"},
	{"- 1\n# about 2\n- 2\n- 3\n", "remove /1", "- 1\n# about 2\n- 3\n"},
	{"-\n  a: 1\n- 3\n", "remove /0", "- 3\n"},
	{"- # c\n  a: 1\n- 3\n", "remove /0", "- 3\n"},
	{"- &x\n  # c\n\n  a: 1\n- 3\n", "remove /0", "- 3\n"},
	{"-\n-\n- 3\n", "remove /1\nremove /0", "- 3\n"},
	{"a: |\n  x\n\nb: 1\n", "remove /a", "\nb: 1\n"},
	{"c: 1\na: |+\n  x\n\nb: 1\n", "remove /a", "c: 1\nb: 1\n"},
	{"? a\n: 1\n? b\n: 2\n", "remove /a", "? b\n: 2\n"},
	{"? a\n: 1\n? b\n: 2\n", "remove /b", "? a\n: 1\n"},
	{"a: 1\n", "remove /a", "{}\n"},
	{"a: 1\n", "remove /a\nset /b 2", "b: 2\n"},
	{"a: 1\nb: 2\n", "remove /b\nset /c 2", "a: 1\nc: 2\n"},
	{"x:\n  a: 1 # one\n  b: 2\nu: 1\n", "remove /x/b\nremove /x/a\nset /x/c 2", "x:\n  c: 2\nu: 1\n"},
	{"- a\n- b\n", "remove /1\npush / c", "- a\n- c\n"},
	{"a: 1\nb: {x: 1,\n  u: 2} # c\nc: 1\n", "remove /b", "a: 1\nc: 1\n"},
	{"a: 1\nb: one\n  two\nc: 1\n", "remove /b", "a: 1\nc: 1\n"}
	);
	/* clang-format on */
}

static void test_ends(void **state)
{
	(void)state;
	/* clang-format off */
	CASES(AS_IS,
	{"a: 1\n\n\n", "set /b x", "a: 1\nb: x\n\n\n"},
	{"  a: 1\n  b: 2\n# c\n", "replace / {c: 1}", "c: 1\n# c\n"}
	);
	/* clang-format on */
}

static void test_flow(void **state)
{
	(void)state;
	/* clang-format off */
	CASES(0,
	{"a: {x: 1} # c\n", "set /a/u 2", "a: {x: 1, u: 2} # c\n"},
	{"a: { x: 1 }\n", "set /a/u {p: [q, \"1\"], r: {}}", "a: { x: 1, u: {p: [q, \"1\"], r: {}} }\n"},
	{"a: {\"x\": 1}\n", "set /a/u b", "a: {\"x\": 1, \"u\": \"b\"}\n"},
	{"a: {'x': 1}\n", "set /a/u \"b\\nc\"", "a: {'x': 1, 'u': \"b\\nc\"}\n"},
	{"a: {x: 1,}\n", "set /a/u 2", "a: {x: 1, u: 2}\n"},
	{"a: {x: 1 , # c\n  }\n", "set /a/u 2", "a: {x: 1 , u: 2 # c\n  }\n"},
	{"a: [1, 2]\n", "push /a 3\npush /a 4", "a: [1, 2, 3, 4]\n"},
	{"a: [1,\t2]\n", "push /a 3", "a: [1,\t2, 3]\n"},
	{"a: [\n  1, # one\n  2 # two\n  ]\n", "push /a 3\npush /a 4", "a: [\n  1, # one\n  2, # two\n  3,\n  4\n  ]\n"},
	{"a: [\n  1,\n  2,\n  ]\n", "push /a 3", "a: [\n  1,\n  2,\n  3,\n  ]\n"},
	{"a: [\n  1,\n  2]\n", "push /a 3", "a: [\n  1,\n  2,\n  3]\n"},
	{"a: [{}, []]\n", "set /a/0/x 1\npush /a/1 2", "a: [{x: 1}, [2]]\n"},
	{"a: [b: c]\n", "set /a/0/x 1", "a: [{b: c, x: 1}]\n"},
	{"a: {b}\n", "set /a/x 1", "a: {b, x: 1}\n"},
	{"a: {b: }\n", "set /a/x 1", "a: {b: , x: 1}\n"},
	{"a: {? b : c}\n", "set /a/x 1", "a: {? b : c, x: 1}\n"},
	{"a: {b: 'x', c: \"u\", d: z, f: &f 5}\n", "set /a/b \"1\"\nset /a/c w\nset /a/d \"1\"\nset /a/f 6",
	 "a: {b: '1', c: \"w\", d: \"1\", f: &f 6}\n"},
	{"a: {b: 1, c: 2, d: 3}\n", "remove /a/b", "a: {c: 2, d: 3}\n"},
	{"a: {b: 1, c: 2, d: 3}\n", "remove /a/c", "a: {b: 1, d: 3}\n"},
	{"a: {b: {c: 1, # x\n  d: 2}} # y\n", "remove /a/b/d", "a: {b: {c: 1 # x\n  }} # y\n"},
	{"a: [1,\n  # x\n  2 , ]\n", "remove /a/1", "a: [1,\n  # x\n   ]\n"},
	{"a: [1,\n  2 ]\n", "remove /a/1", "a: [1 ]\n"},
	{"a: {\"b\":}\n", "set /a/c 1", "a: {\"b\": , \"c\": 1}\n"},
	{"a: [1,# x\n  ]\n", "push /a 2", "a: [1, 2 # x\n  ]\n"},
	{"a: [1]# x\n", "set /a 2", "a: 2 # x\n"},
	{"a: [b: 1]\n", "set /a/0/b 2\nset /a/0/c 3", "a: [{b: 2, c: 3}]\n"},
	{"a: {b: 1, c: 2, d: 3}\n", "remove /a/d", "a: {b: 1, c: 2}\n"},
	{"a: {b: 1, c: 2, d: 3}\n", "remove /a/d\nremove /a/c", "a: {b: 1}\n"},
	{"a: {b: 1, c: 2, d: 3}\n", "remove /a/d\nremove /a/c\nset /a/f 1", "a: {b: 1, f: 1}\n"},
	{"a: {b: 1, c: 2}\n", "remove /a/b\nremove /a/c", "a: {}\n"},
	{"a: {b: 1, c: 2,}\n", "remove /a/c", "a: {b: 1,}\n"},
	{"a: [\n  1, # one\n  # about 2\n  2, # two\n  # about 3\n  3 # three\n]\n", "remove /a/1",
	 "a: [\n  1, # one\n  # about 2\n  # about 3\n  3 # three\n]\n"},
	{"a: [\n  1, # one\n  # about 2\n  2, # two\n  # about 3\n  3 # three\n]\n", "remove /a/2",
	 "a: [\n  1, # one\n  # about 2\n  2 # two\n  # about 3\n]\n"},
	{"a: [\n  1,\n  2,\n  3,\n]\n", "remove /a/2\nremove /a/1", "a: [\n  1,\n]\n"},
	{"a: [1,\n  2,\n  3]\n", "remove /a/0\nremove /a/1", "a: [3]\n"},
	{"{a: 1}\n", "set /b 2", "{a: 1, b: 2}\n"},
	{"{a: 1, b: [x]}\n", "remove /a\npush /b u", "{b: [x, u]}\n"},
	{"- {a: 1}\n- [x]\n", "set /0/b \"a, b\"\npush /1 \"[\"", "- {a: 1, b: \"a, b\"}\n- [x, \"[\"]\n"}
	);
	/* clang-format on */
}

static void test_declined(void **state)
{
	(void)state;
	/* clang-format off */
	CASES(0,
	{"a: [?x]\n", "set /a/0/b 1", NULL},
	{"a: [b: ]\n", "set /a/0/c 1", NULL},
	{"a: {x: &x 1}\nb: *x\n", "remove /a", NULL},
	{"- &x a\n- *x\n", "remove /0\npush / b", NULL},
	{"? # far\n  a\n: 1\n? b\n: 2\n? # off\n  c\n: 3\n", "remove /c", NULL},
	/* line breaks that only YAML 1.1 knows */
	{"a: 1\xe2\x80\xa8" "b: 2\nc: 3\n", "remove /b", NULL},
	{"- a: 1\xe2\x80\xa8  b: 2\n  c: 3\n", "remove /0/a", NULL},
	{"? a\xe2\x80\xa8: 1\n", "replace /a 2", NULL},
	{"a: &x\xe2\x80\xa8  b: 1\n", "replace /a 2", NULL}
	);
	/* clang-format on */
}

/* Nothing is written where two splices would say different things about one place. */
static void test_overlap(void **state)
{
	(void)state;
	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(4096);
	_cleanup_buf_ struct tc_buf out = {0};
	struct tc_source src = {.name = "test", .text = TC_STR("a: 1\nb: 2\n")};
	struct tc_doc doc = {.src = &src, .end = 10};
	struct tc_patch p = {0};
	struct tc_splices splices;
	struct tc_edit e;

	tc_edit_begin(&e, &splices, mem, &doc, &p);
	tc_edit_splice(&e, 3, 8, TC_STR("x"));
	tc_edit_splice(&e, 0, 1, TC_STR("k"));
	tc_buf_puts(&out, "before|");
	assert_true(tc_edit_apply(&out, &e));
	assert_string_equal(out.p, "before|k: x2\n");
	tc_edit_splice(&e, 5, 6, TC_STR("y"));
	out.len = 7;
	assert_false(tc_edit_apply(&out, &e));
	assert_int_equal(out.len, 7);
	assert_string_equal(splices.why, "two changes meet in one place");
}

/* Each new line would repeat the indentation. */
static void test_far_right(void **state)
{
	(void)state;
	_cleanup_buf_ struct tc_buf in = {0}, want = {0};

	for (int far = 0; far < 2; far++) {
		struct edit_case c = {.ops = "set /a/c 2"};
		size_t col = far ? 1001 : 1000;

		tc_buf_clear(&in);
		tc_buf_puts(&in, "a:\n");
		tc_buf_fill(&in, ' ', col);
		tc_buf_puts(&in, "b: 1\n");
		tc_buf_clear(&want);
		tc_buf_puts(&want, in.p);
		tc_buf_fill(&want, ' ', col);
		tc_buf_puts(&want, "c: 2\n");
		c.in = in.p;
		c.want = far ? NULL : want.p;
		check_case(&c, 0);

		/* between brackets */
		tc_buf_clear(&in);
		tc_buf_puts(&in, "a:\n");
		tc_buf_fill(&in, ' ', col);
		tc_buf_clear(&want);
		tc_buf_puts(&want, in.p);
		tc_buf_puts(&in, "{b: 1}\n");
		tc_buf_puts(&want, "{b: 1, c: 2}\n");
		c.in = in.p;
		c.want = far ? NULL : want.p;
		check_case(&c, 0);
	}
}

static void test_json(void **state)
{
	(void)state;
	/* clang-format off */
	CASES(JSON,
	{"{\"a\":1}\n", "set /b {c: [1, \"x\"]}", "{\"a\":1,\"b\":{\"c\":[1,\"x\"]}}\n"},
	{"[{\"a\":1}]\n", "set /0/b 2", "[{\"a\":1,\"b\":2}]\n"},
	{"{\"a\": 1, \"b\": [1, 2]}\n", "push /b {x: 0x10}\nset /a ~", "{\"a\": null, \"b\": [1, 2, {\"x\": 16}]}\n"},
	{"{\n  \"a\": 1\n}\n", "set /b {c: [1, {}]}", "{\n  \"a\": 1,\n  \"b\": {\n    \"c\": [\n      1,\n      {}\n    ]\n  }\n}\n"},
	{"{\n\t\"a\": {}\n}\n", "set /a/b 1\nset /c []", "{\n\t\"a\": {\n\t\t\"b\": 1\n\t},\n\t\"c\": []\n}\n"},
	{"{\n    \"a\" : [\n        \"x\"\n    ]\n}", "push /a u\nset /b z", "{\n    \"a\" : [\n        \"x\",\n        \"u\"\n    ],\n    \"b\": \"z\"\n}"},
	{"{\n  \"a\": null,\n  \"b\": \"x\"\n}\n", "set /a {c: d}\nset /b 5", "{\n  \"a\": {\n    \"c\": \"d\"\n  },\n  \"b\": 5\n}\n"},
	{"{\n  \"a\": 1,\n  \"b\": 2,\n  \"c\": 3\n}\n", "remove /b", "{\n  \"a\": 1,\n  \"c\": 3\n}\n"},
	{"{\n  \"a\": 1,\n  \"b\": 2,\n  \"c\": 3\n}\n", "remove /b\nremove /c", "{\n  \"a\": 1\n}\n"},
	{"{\n  \"a\": [\n    1\n  ]\n}\n", "remove /a/0", "{\n  \"a\": []\n}\n"},
	{"{\"a\":[1,2,3]}", "remove /a/0\nremove /a/2", "{\"a\":[2]}"},
	{"  {\n    \"a\": 1\n  }\n", "set /b {c: 1}", "  {\n    \"a\": 1,\n    \"b\": {\n      \"c\": 1\n    }\n  }\n"},
	{"{\n            \"a\": 1\n}\n", "set /b {c: 1}",
	 "{\n            \"a\": 1,\n            \"b\": {\n              \"c\": 1\n            }\n}\n"},
	{"[]", "push / 1", "[1]"},
	{"{}", "set /a 1", "{\"a\":1}"}
	);
	/* clang-format on */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_add_key),      cmocka_unit_test(test_add_after_block_scalar),
		cmocka_unit_test(test_add_item),     cmocka_unit_test(test_replace_scalar),
		cmocka_unit_test(test_replace_null), cmocka_unit_test(test_replace_by_collection),
		cmocka_unit_test(test_remove),       cmocka_unit_test(test_ends),
		cmocka_unit_test(test_flow),         cmocka_unit_test(test_json),
		cmocka_unit_test(test_declined),     cmocka_unit_test(test_far_right),
		cmocka_unit_test(test_overlap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
