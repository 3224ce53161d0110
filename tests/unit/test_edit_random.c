/* Random changes at random places of real texts: an online shop's manifests, the YAML project's own test suite, and the
 * inputs of the golden cases. Every edited text must read back as the patched tree, or be declined; how often that
 * happens is printed, and has a bound. Lines that no change touches must be in the result, in order.
 *
 * TENTC_EDIT_ROUNDS: patches a document (default 40). TENTC_EDIT_VERBOSE=1 prints every text that was not edited. */
#include <dirent.h>
#include <sys/stat.h>

#include "tests/unit/tree.h"

#include "compiler/tree/edit.h"

struct tally {
	size_t documents, patches, crossed, anchors, declined, failed, documents_failed, followed, anew;
};

static uint64_t next_random(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

static size_t pick(uint64_t *state, size_t n)
{
	return (size_t)(next_random(state) % n);
}

/* Values and their kinds in every shape that has rules of its own. */
static const char *const values[] = {
	"1",
	"x",
	"~",
	"\"true\"",
	"\"a: b # c\"",
	"\"two\\nlines\\n\"",
	"\"  two\\nlines\"",
	"\"kept\\n\\n\"",
	"\"\"",
	"{}",
	"[]",
	"{p: 1}",
	"{p: {q: [1, 2]}, r: \"s\\nt\\n\"}",
	"[1]",
	"[{p: 1, q: 2}, [x, v]]",
};

struct change {
	const struct tc_node *at, *parent;
	enum tc_op_kind kind;
};

struct target {
	struct tc_arena *mem;
	const struct tc_doc *doc;
	const struct tc_node **nodes; /* values and items, the root first */
	size_t count, cap;
	struct change changes[8];
	size_t nchanges;
};

static void collect(struct target *t, const struct tc_node *n)
{
	tc_grow(t->mem, t->nodes, t->count, t->cap);
	t->nodes[t->count++] = n;
	if (n->kind != TC_MAP && n->kind != TC_SEQ)
		return;
	for (const struct tc_node *i = n->first; i; i = i->next) {
		if (n->kind == TC_MAP)
			i = i->next;
		collect(t, i);
	}
}

static struct tc_node *random_value(struct target *t, uint64_t *state)
{
	return tc_copy_new(t->mem, read_yaml(t->mem, values[pick(state, TC_COUNT(values))]), NULL);
}

static void note(struct target *t, enum tc_op_kind kind, const struct tc_node *at)
{
	bool adds = kind == TC_OP_ADD_KEY || kind == TC_OP_ADD_ITEM;

	t->changes[t->nchanges++] = (struct change){.at = at, .parent = adds ? at : at->parent, .kind = kind};
}

static void random_change(struct target *t, struct tc_patch *p, uint64_t *state)
{
	const struct tc_node *n = t->nodes[pick(state, t->count)];
	size_t how = pick(state, 4);

	if (how < 2 && n->kind == TC_MAP) {
		tc_patch_set(p, n, tc_printf(t->mem, "new%zu", pick(state, 3)), random_value(t, state));
		note(t, TC_OP_ADD_KEY, n);
	} else if (how < 2 && n->kind == TC_SEQ) {
		tc_patch_push(p, n, random_value(t, state));
		note(t, TC_OP_ADD_ITEM, n);
	} else if (how == 2 || n == p->root) {
		tc_patch_replace(p, n, random_value(t, state));
		note(t, TC_OP_REPLACE, n);
	} else {
		tc_patch_remove(p, n);
		note(t, TC_OP_REMOVE, n);
	}
}

/* Lines */

static void mark_lines(const struct target *t, bool *touched, uint32_t from, uint32_t to)
{
	struct tc_str text = t->doc->src->text;
	size_t line = 0;

	for (uint32_t i = t->doc->begin; i < t->doc->end && i <= to; i++) {
		if (i >= from)
			touched[line] = true;
		line += text.s[i] == '\n';
	}
}

static uint32_t line_begin(const struct target *t, uint32_t off)
{
	while (off > t->doc->begin && t->doc->src->text.s[off - 1] != '\n')
		off--;
	return off;
}

/* Past comments and blank lines. */
static uint32_t with_comments(const struct target *t, uint32_t off)
{
	const char *s = t->doc->src->text.s;

	for (;;) {
		while (off < t->doc->end && s[off] != '\n')
			off++;
		uint32_t next = off + 1;
		while (next < t->doc->end && (s[next] == ' ' || s[next] == '\t'))
			next++;
		if (next >= t->doc->end || (s[next] != '#' && s[next] != '\n' && s[next] != '\r'))
			return off;
		off = next;
	}
}

/* What a change may touch, seen from outside: the entry from its key or dash to its end, comments below it included;
 * of what gets something new in brackets, or loses something there, the brackets. */
static void mark_change(const struct target *t, bool *touched, const struct change *c)
{
	const struct tc_node *n = c->at, *parent = n->parent, *before = parent;
	bool adds = c->kind == TC_OP_ADD_KEY || c->kind == TC_OP_ADD_ITEM;

	if (adds && n->style == TC_STYLE_BLOCK && n->first)
		return;
	if (!adds && parent && (parent->style == TC_STYLE_FLOW || c->kind == TC_OP_REMOVE))
		before = parent;
	if (!adds && c->kind == TC_OP_REMOVE && parent &&
	    (parent->style == TC_STYLE_FLOW || parent->count <= t->nchanges)) {
		/* all of it may go */
		mark_lines(t, touched, line_begin(t, parent->off), with_comments(t, parent->end));
		n = parent;
		parent = n->parent;
		before = parent;
	}
	if (!parent || parent->kind == TC_DOC) {
		mark_lines(t, touched, n->off, with_comments(t, n->end));
		return;
	}
	for (const struct tc_node *i = parent->first; i && i != n; i = i->next)
		before = i;
	mark_lines(t, touched,
		   line_begin(t, before == parent         ? parent->off
				 : parent->kind == TC_MAP ? before->off
							  : before->end),
		   with_comments(t, n->end));
	if (n->next)
		mark_lines(t, touched, n->next->off, n->next->off);
}

static struct tc_str next_line(struct tc_str *text)
{
	const char *nl = memchr(text->s, '\n', text->len);
	struct tc_str line = {text->s, nl ? (size_t)(nl - text->s) : text->len};
	size_t used = line.len + (nl != NULL);

	text->s += used;
	text->len -= used;
	if (line.len && line.s[line.len - 1] == '\r')
		line.len--;
	return line;
}

static bool keeps_lines(const struct target *t, struct tc_str out)
{
	struct tc_str in = {t->doc->src->text.s + t->doc->begin, t->doc->end - t->doc->begin};
	bool *touched = tc_alloc(t->mem, in.len + 2);

	for (size_t i = 0; i < t->nchanges; i++)
		mark_change(t, touched, &t->changes[i]);
	for (size_t nth = 0; in.len > 0; nth++) {
		struct tc_str line = next_line(&in);
		bool found = touched[nth];

		while (!found && out.len > 0)
			found = tc_str_equal(next_line(&out), line);
		if (!found)
			return false;
	}
	return true;
}

/* One patch */

static void report(const char *what, const struct tc_doc *doc, const struct tc_patch *p, struct tc_str got)
{
	_cleanup_buf_ struct tc_buf json = {0};

	tc_patch_json(&json, p);
	print_message("---- %s: %s, byte %u\n%.*s\n---- %s\n---- got\n%.*s\n", what, doc->src->name, doc->begin,
		      (int)(doc->end - doc->begin), doc->src->text.s + doc->begin, json.p, TC_STR_ARG(got));
}

static bool try_patch(struct tally *tally, struct target *t, uint64_t *state)
{
	bool verbose = getenv("TENTC_EDIT_VERBOSE");
	_cleanup_buf_ struct tc_buf out = {0};
	struct tc_patch p;
	const char *why = NULL;
	size_t changes = 1 + pick(state, 4);

	t->nchanges = 0;
	tc_patch_init(&p, t->mem, t->doc->root);
	while (changes-- > 0)
		random_change(t, &p, state);
	if (p.crossed) {
		tally->crossed++;
		return true;
	}
	tally->patches++;
	if (!tc_edit(&out, t->doc, &p, &why)) {
		tally->declined++;
		if (verbose)
			report(why, t->doc, &p, (struct tc_str){0});
		return false;
	}
	tc_buf_clear(&out);
	if (!tc_edit_verified(&out, t->doc, &p, tc_patch_apply(t->mem, &p), &why)) {
		/* There is no text for it: what the alias stood for has to be written out. */
		if (strcmp(why, "an anchor goes that an alias names") == 0) {
			tally->anchors++;
			return true;
		}
		tally->failed++;
		tc_edit(&out, t->doc, &p, &why);
		if (verbose)
			report("wrong", t->doc, &p, tc_buf_str(&out));
		return false;
	}
	if (!keeps_lines(t, tc_buf_str(&out))) {
		report("a line is lost", t->doc, &p, tc_buf_str(&out));
		fail_msg("a line that no change touches is lost");
	}
	return true;
}

/* Where every alias is a copy of what it names. */
static void try_followed(struct tally *tally, struct target *t, const struct tc_node *root, uint64_t *state)
{
	_cleanup_buf_ struct tc_buf out = {0};
	struct tc_patch p;
	const char *why = NULL;
	size_t changes = 1 + pick(state, 4);

	t->nchanges = 0;
	tc_patch_init(&p, t->mem, root);
	while (changes-- > 0)
		random_change(t, &p, state);
	assert_false(p.crossed);
	tally->followed++;
	if (!tc_edit_verified(&out, t->doc, &p, tc_patch_apply(t->mem, &p), &why)) {
		tally->anew++;
		if (getenv("TENTC_EDIT_VERBOSE"))
			report(why, t->doc, &p, (struct tc_str){0});
	}
}

static bool has_alias(const struct tc_node *n)
{
	bool found = n->kind == TC_ALIAS;

	if (n->kind == TC_MAP || n->kind == TC_SEQ)
		for (const struct tc_node *i = n->first; i && !found; i = i->next)
			found = has_alias(i);
	return found;
}

static void try_document(struct tally *tally, struct tc_doc *doc, struct tc_arena *mem)
{
	const char *rounds = getenv("TENTC_EDIT_ROUNDS");
	uint64_t state = doc->begin + doc->src->text.len;
	struct target t = {.mem = mem, .doc = doc};
	bool fine = true;

	tally->documents++;
	collect(&t, doc->root);
	for (long i = rounds ? strtol(rounds, NULL, 10) : 40; i > 0; i--) {
		struct tc_arena_mark mark = tc_arena_mark(mem);

		fine = try_patch(tally, &t, &state) && fine;
		tc_arena_rewind(mem, mark);
	}
	tally->documents_failed += !fine;

	const struct tc_node *followed = has_alias(doc->root) ? tc_copy_followed(mem, doc->root) : NULL;
	if (!followed)
		return;
	t = (struct target){.mem = mem, .doc = doc};
	collect(&t, followed);
	for (int i = 0; i < 100; i++) {
		struct tc_arena_mark mark = tc_arena_mark(mem);

		try_followed(tally, &t, followed, &state);
		tc_arena_rewind(mem, mark);
	}
}

static bool read_file(struct tc_buf *out, const char *path)
{
	FILE *f = fopen(path, "r");
	char block[4096];
	size_t n;

	if (!f)
		return false;
	while ((n = fread(block, 1, sizeof(block), f)) > 0)
		tc_buf_add(out, block, n);
	fclose(f);
	return true;
}

static void try_text(struct tally *tally, const char *path, struct tc_str text)
{
	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(64 * 1024);
	struct tc_source src = {.name = path, .text = text};
	struct tc_diags diags = {.mem = mem};
	struct tc_limits limits = TC_LIMITS_FILE;
	struct tc_doc *docs;
	size_t n = tc_stream_cut(mem, &src, &limits, &diags, &docs);

	for (size_t i = 0; i < n; i++) {
		struct tc_arena_mark mark = tc_arena_mark(mem);

		if (tc_doc_read(mem, &docs[i], &limits, &diags) && docs[i].root)
			try_document(tally, &docs[i], mem);
		(void)mark;
	}
}

static void try_file(struct tally *tally, const char *path)
{
	_cleanup_buf_ struct tc_buf text = {0}, crlf = {0};

	if (!read_file(&text, path) || text.len > 1 << 20)
		return;
	try_text(tally, path, tc_buf_str(&text));
	for (size_t i = 0; i < text.len; i++) {
		if (text.p[i] == '\n')
			tc_buf_putc(&crlf, '\r');
		tc_buf_putc(&crlf, text.p[i]);
	}
	try_text(tally, path, tc_buf_str(&crlf));
	/* without its last line end */
	if (text.len && text.p[text.len - 1] == '\n')
		try_text(tally, path, (struct tc_str){text.p, text.len - 1});
}

static bool has_end(const char *name, const char *end)
{
	size_t n = strlen(name), m = strlen(end);

	return n > m && strcmp(name + n - m, end) == 0;
}

static void try_folder(struct tally *tally, const char *path)
{
	struct dirent **list;
	int n = scandir(path, &list, NULL, alphasort);

	for (int i = 0; i < n; i++) {
		_cleanup_buf_ struct tc_buf below = {0};
		struct stat st;

		tc_buf_printf(&below, "%s/%s", path, list[i]->d_name);
		if (list[i]->d_name[0] != '.' && stat(below.p, &st) == 0) {
			if (S_ISDIR(st.st_mode))
				try_folder(tally, below.p);
			else if (has_end(below.p, ".yaml") || has_end(below.p, ".json"))
				try_file(tally, below.p);
		}
		free(list[i]);
	}
	if (n >= 0)
		free(list);
}

/* at_most: failed and declined patches of 1,000. */
static void try_corpus(const char *path, size_t at_most)
{
	struct tally tally = {0};

	try_folder(&tally, path);
	if (!tally.documents) {
		print_message("skipped: no %s (set TENTC_CORPUS)\n", strrchr(path, '/') + 1);
		skip();
	}
	print_message("%s: %zu documents, %zu patches, %zu declined, %zu wrong and so written anew, in %zu documents; "
		      "%zu more reached through an alias, %zu lost an anchor; of %zu with aliases followed %zu written "
		      "anew\n",
		      path, tally.documents, tally.patches, tally.declined, tally.failed, tally.documents_failed,
		      tally.crossed, tally.anchors, tally.followed, tally.anew);
	assert_true(tally.patches > 0);
	assert_in_range(tally.anew * 10, 0,
			tally.followed); /* keys that are aliases, and what others cannot be either */
	assert_in_range((tally.declined + tally.failed) * 1000, 0, tally.patches * at_most);
}

static void try_in_corpus(const char *name, size_t at_most)
{
	const char *corpus = getenv("TENTC_CORPUS");
	_cleanup_buf_ struct tc_buf path = {0};

	tc_buf_printf(&path, "%s/%s", corpus && corpus[0] ? corpus : "../shared/corpus", name);
	try_corpus(path.p, at_most);
}

static void test_online_boutique(void **state)
{
	(void)state;
	try_corpus("testdata/corpus/online-boutique", 0);
}

static void test_yaml_test_suite(void **state)
{
	(void)state;
	try_in_corpus("yaml-test-suite", 20);
}

static void test_golden_inputs(void **state)
{
	(void)state;
	/* shapes that were made to be hard are among them */
	try_corpus("testdata/golden", 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_online_boutique),
		cmocka_unit_test(test_yaml_test_suite),
		cmocka_unit_test(test_golden_inputs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
