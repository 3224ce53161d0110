/* Input that was damaged: it compiles or is refused, and never anything else. */
#include "tests/property/properties.h"

static void flip(struct rng *r, struct tc_buf *text)
{
	static const char interesting[] = "\n\r\t :-#&*!|>'\"%@`{}[],?<=~\0\x01\x7f\x80\xc3\xff\xef\xbb\xbf";

	for (unsigned n = 1 + rng_below(r, 4); n && text->len; n--) {
		size_t at = rng_below(r, (unsigned)text->len);

		text->p[at] = rng_chance(r, 70) ? interesting[rng_below(r, sizeof(interesting) - 1)]
						: (char)rng_below(r, 256);
	}
}

static void cut(struct rng *r, struct tc_buf *text)
{
	text->len = rng_below(r, (unsigned)text->len + 1);
}

static void repeat(struct rng *r, struct tc_buf *text)
{
	size_t from = rng_below(r, (unsigned)text->len + 1), n = rng_below(r, (unsigned)(text->len - from) + 1);
	size_t times = rng_chance(r, 90) ? 1 : 20;
	struct tc_buf out = {0};

	tc_buf_add(&out, text->p, from);
	for (size_t i = 0; i <= times; i++)
		tc_buf_add(&out, text->p + from, n);
	tc_buf_add(&out, text->p + from + n, text->len - from - n);
	tc_buf_free(text);
	*text = out;
}

static void drop(struct rng *r, struct tc_buf *text)
{
	size_t from = rng_below(r, (unsigned)text->len + 1), n = rng_below(r, 40);

	n = n < text->len - from ? n : text->len - from;
	memmove(text->p + from, text->p + from + n, text->len - from - n);
	text->len -= n;
}

/* Words that mean something, in places where they don't. */
static void insert(struct rng *r, struct tc_buf *text)
{
	static const char *const words[] = {"tentacular-postgres",
					    "&a ",
					    "*a1",
					    "<<: *a1\n",
					    "---\n",
					    "...\n",
					    "null",
					    "!!int ",
					    "{",
					    "- ",
					    "? ",
					    "contract:\n",
					    "\xef\xbb\xbf",
					    "%YAML 1.1\n",
					    "\r",
					    "\"",
					    ".inf",
					    "dependencies: []",
					    "\xe2\x80\xa8",
					    "tentacular.io/filled: '{}'\n"};
	size_t at = rng_below(r, (unsigned)text->len + 1);
	struct tc_buf out = {0};

	tc_buf_add(&out, text->p, at);
	tc_buf_puts(&out, words[rng_below(r, (unsigned)TC_COUNT(words))]);
	tc_buf_add(&out, text->p + at, text->len - at);
	tc_buf_free(text);
	*text = out;
}

static void damage(struct rng *r, struct tc_buf *text)
{
	static void (*const ways[])(struct rng *, struct tc_buf *) = {flip, cut, repeat, drop, insert};

	for (unsigned n = 1 + rng_below(r, 2); n && text->len; n--)
		ways[rng_below(r, (unsigned)TC_COUNT(ways))](r, text);
}

/* The source, or what an earlier compile made of it: then ledgers and hashes are damaged too. */
const char *property_hostile(struct kase *k)
{
	struct rng r = {.s = k->seed ^ 23};
	bool compiled = k->outcome.ok && rng_chance(&r, 50);
	const struct batch *from = compiled ? &k->output : &k->batch;
	size_t victim = rng_below(&r, (unsigned)from->n);
	struct batch damaged = {0}, again;
	_cleanup_outcome_ struct outcome o = {0}, twice = {0};
	struct trees trees;

	for (size_t i = 0; i < from->n; i++) {
		_cleanup_buf_ struct tc_buf text = {0};

		tc_buf_add(&text, from->src[i].text.s, from->src[i].text.len);
		if (i == victim)
			damage(&r, &text);
		batch_set(&damaged, i, from->src[i].name,
			  (struct tc_str){.s = tc_strndup(k->mem, tc_buf_str(&text).s, text.len), .len = text.len});
	}
	outcome_make(&o, &damaged, &k->platform, k->model.enclave_flag);
	if (o.rc < 0 || o.err.code != TC_E_NONE)
		return tc_printf(k->mem, "damaged input shows a bug: %s\n--- %s\n%.*s", o.err.msg,
				 damaged.src[victim].name, TC_STR_ARG(damaged.src[victim].text));
	if (!o.ok)
		return o.diags.errors ? NULL : "neither output nor an error";
	outcome_batch(&o, &damaged, &again);
	trees_read(&trees, k->mem, &again);
	for (size_t i = 0; i < trees.count; i++)
		if (!trees.list[i].root)
			return "output that cannot be read";
	outcome_make(&twice, &again, &k->platform, k->model.enclave_flag);
	if (twice.ok && !outcome_equal(&o, &twice))
		return tc_printf(k->mem, "damaged input compiles, but not to the same a second time\n--- %s\n%.*s",
				 damaged.src[victim].name, TC_STR_ARG(damaged.src[victim].text));
	if (!twice.ok) {
		_cleanup_buf_ struct tc_buf text = {0};

		tc_diags_render(&text, &twice.diags, (struct tc_diag_style){0});
		return tc_printf(k->mem, "damaged input compiles, but its output does not: %s\n%s\n--- %s\n%.*s",
				 twice.err.msg, text.p ? text.p : "", damaged.src[victim].name,
				 TC_STR_ARG(damaged.src[victim].text));
	}
	return NULL;
}
