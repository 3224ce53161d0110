/* fuzz_contract.c - any text as a contract, in each place where one may stand, through the whole stage.
 *
 * Beside what holds for every text (compile.h): how the annotation is written decides nothing. A contract in a block
 * scalar, which is read and edited in place, is accepted where the same one in quotes is, and gives the same objects.
 */
#include "compiler/tree/emit.h"
#include "tests/fuzz/compile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static const char head[] = "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: fuzz\n  annotations:\n"
			   "    tentacular.io/contract: ";
static const char tail[] = "spec:\n  selector: {matchLabels: {app: fuzz}}\n  template:\n"
			   "    metadata: {labels: {app: fuzz}}\n    spec:\n      containers:\n"
			   "      - {name: main, image: example/fuzz}\n";

/* Every line of a text behind an indentation. */
static void indented(struct tc_buf *out, struct tc_str text, const char *indent)
{
	while (text.len) {
		const char *lf = memchr(text.s, '\n', text.len);
		size_t n = lf ? (size_t)(lf - text.s) + 1 : text.len;

		tc_buf_puts(out, indent);
		tc_buf_add(out, text.s, n);
		text.s += n;
		text.len -= n;
	}
}

static void in_block(struct tc_buf *out, struct tc_str text)
{
	tc_buf_printf(out, "%s|6%s\n", head, text.len && text.s[text.len - 1] == '\n' ? "+" : "-");
	/* the indicator counts from the parent's column, 4 */
	indented(out, text, "          ");
	if (!text.len || text.s[text.len - 1] != '\n')
		tc_buf_putc(out, '\n');
	tc_buf_puts(out, tail);
}

static void in_quotes(struct tc_buf *out, struct tc_str text)
{
	tc_buf_puts(out, head);
	tc_emit_json_string(out, text);
	tc_buf_printf(out, "\n%s", tail);
}

/* The contract, when the text is what was meant to be; else {0}. */
static struct tc_str annotation(struct tc_arena *mem, struct tc_str text)
{
	struct tc_source *src = tc_alloc(mem, sizeof(*src));
	struct tc_diags diags = {.mem = mem};
	struct tc_doc *docs;

	*src = (struct tc_source){.name = "fuzz.yaml", .text = text};
	if (tc_stream_cut(mem, src, &door_limits, &diags, &docs) != 1 ||
	    !tc_doc_read(mem, &docs[0], &door_limits, &diags))
		return (struct tc_str){0};
	return tc_text(tc_get_path(docs[0].root, "metadata", "annotations", "tentacular.io/contract", NULL));
}

/* What was made; the author's own document, which comes first, is left out. */
static void made(struct tc_buf *out, const struct tc_result *result)
{
	const struct tc_result_source *source = &result->sources[0];

	for (size_t i = 1; i < source->npieces; i++)
		tc_buf_add(out, source->pieces[i].text.s, source->pieces[i].text.len);
}

static void compare(struct tc_arena *mem, struct tc_str block, struct tc_str quotes)
{
	const struct tc_result *a = door_compile(mem, block), *b = door_compile(mem, quotes);
	_cleanup_buf_ struct tc_buf x = {0}, y = {0};

	if (a && b) {
		made(&x, a);
		made(&y, b);
	}
	if (!a == !b && tc_str_equal(tc_buf_str(&x), tc_buf_str(&y)))
		return;
	(void)fprintf(stderr, "in a block scalar, %s:\n%s\nin quotes, %s:\n%s\n", a ? "accepted" : "refused",
		      x.p ? x.p : block.s, b ? "accepted" : "refused", y.p ? y.p : quotes.s);
	abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(64 * 1024);
	_cleanup_buf_ struct tc_buf bare = {0}, block = {0}, quotes = {0};
	struct tc_str text = {(const char *)data, len};

	tc_buf_puts(&bare, "name: fuzz\ncontract:\n");
	indented(&bare, text, "  ");
	(void)door_compiles(mem, tc_buf_str(&bare));

	in_block(&block, text);
	in_quotes(&quotes, text);
	(void)door_compiles(mem, tc_buf_str(&block));
	(void)door_compiles(mem, tc_buf_str(&quotes));
	if (len && tc_str_equal(annotation(mem, tc_buf_str(&block)), text) &&
	    tc_str_equal(annotation(mem, tc_buf_str(&quotes)), text))
		compare(mem, tc_buf_str(&block), tc_buf_str(&quotes));
	return 0;
}
