#include "cli/udiff.h"

#include "compiler/base/redact.h"

/* How many edits the search for the shortest script goes before it takes the best it has: time is linear in the
 * number of lines then. */
#define COST_MAX 512

struct side {
	struct tc_str text;
	struct tc_spans hidden;
	uint32_t n;
	uint32_t *off;    /* of each line, and the end */
	uint32_t *number; /* equal lines have equal numbers */
	bool *changed;
};

struct diff {
	struct side a, b;
	int32_t *forward, *backward; /* furthest place reached on each diagonal; -1: none */
};

/* Lines [a, a_end) against [b, b_end). */
struct box {
	uint32_t a, a_end, b, b_end;
};

static struct tc_str line(const struct side *s, uint32_t i)
{
	return (struct tc_str){.s = s->text.s + s->off[i], .len = s->off[i + 1] - s->off[i]};
}

static size_t count_lines(struct tc_str text)
{
	size_t n = 0;

	for (const char *p = text.s, *end = text.s + text.len; p < end; n++) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));

		p = nl ? nl + 1 : end;
	}
	return n;
}

static void split(struct tc_arena *mem, struct side *s, struct tc_str text, size_t n)
{
	uint32_t at = 0;

	s->text = text;
	s->n = (uint32_t)n;
	s->off = tc_alloc(mem, (n + 1) * sizeof(*s->off));
	s->number = tc_alloc(mem, (n + 1) * sizeof(*s->number));
	s->changed = tc_alloc(mem, n + 1);
	for (uint32_t i = 0; i < s->n; i++) {
		const char *nl = memchr(text.s + at, '\n', text.len - at);

		s->off[i] = at;
		at = nl ? (uint32_t)(nl - text.s) + 1 : (uint32_t)text.len;
	}
	s->off[s->n] = (uint32_t)text.len;
}

struct ref {
	struct tc_str text;
	uint32_t *number;
};

static int by_text(const void *x, const void *y)
{
	const struct ref *a = x, *b = y;
	size_t n = a->text.len < b->text.len ? a->text.len : b->text.len;
	int order = memcmp(a->text.s, b->text.s, n);

	return order ? order : (a->text.len > b->text.len) - (a->text.len < b->text.len);
}

/* By sorting: unlike a hash table it has no bad inputs. */
static void number_lines(struct tc_arena *mem, struct diff *d, const struct box *box)
{
	size_t n = 0, total = (size_t)(box->a_end - box->a) + (box->b_end - box->b);
	struct ref *refs = tc_alloc(mem, (total + 1) * sizeof(*refs));
	uint32_t number = 0;

	for (uint32_t i = box->a; i < box->a_end; i++)
		refs[n++] = (struct ref){.text = line(&d->a, i), .number = &d->a.number[i]};
	for (uint32_t i = box->b; i < box->b_end; i++)
		refs[n++] = (struct ref){.text = line(&d->b, i), .number = &d->b.number[i]};
	qsort(refs, n, sizeof(*refs), by_text);
	for (size_t i = 0; i < n; i++) {
		if (i > 0 && by_text(&refs[i - 1], &refs[i]) != 0)
			number++;
		*refs[i].number = number;
	}
}

/* One more edit on every diagonal k = x - y, from the corner (0, 0) of the box, or, with back, from the other corner
 * and counted from there. v[k] becomes the furthest x. */
static void advance(const struct diff *d, const struct box *box, int32_t *v, int32_t edits, bool back)
{
	int32_t n = (int32_t)(box->a_end - box->a), m = (int32_t)(box->b_end - box->b);
	const uint32_t *a = d->a.number + (back ? box->a_end - 1 : box->a);
	const uint32_t *b = d->b.number + (back ? box->b_end - 1 : box->b);
	int32_t step = back ? -1 : 1;

	for (int32_t k = -edits; k <= edits; k += 2) {
		int32_t right = -1, down = -1, x;

		if (k < -m || k > n)
			continue;
		if (edits == 0)
			right = 0;
		if (k > -edits && k - 1 >= -m && v[k - 1] >= 0 && v[k - 1] < n)
			right = v[k - 1] + 1;
		if (k < edits && k + 1 <= n && v[k + 1] >= 0 && v[k + 1] - k <= m)
			down = v[k + 1];
		x = right > down ? right : down;
		if (x >= 0)
			while (x < n && x - k < m && a[step * x] == b[step * (x - k)])
				x++;
		v[k] = x;
	}
}

/* Of the two searches the place that came furthest: what both cost is then paid by the lines left behind. */
static void furthest(const struct diff *d, const struct box *box, int32_t edits, uint32_t *at_a, uint32_t *at_b)
{
	int32_t n = (int32_t)(box->a_end - box->a), m = (int32_t)(box->b_end - box->b), best = -1;

	for (int32_t k = -edits; k <= edits; k += 2)
		for (int back = 0; back < 2 && k >= -m && k <= n; back++) {
			int32_t x = (back ? d->backward : d->forward)[m + 1 + k], y = x - k;

			if (x < 0 || x + y <= best)
				continue;
			best = x + y;
			*at_a = back ? box->a_end - (uint32_t)x : box->a + (uint32_t)x;
			*at_b = back ? box->b_end - (uint32_t)y : box->b + (uint32_t)y;
		}
}

/* A place on a shortest way through the box (on a good one beyond COST_MAX), away from both corners. The box has lines
 * on both sides, and they differ at both ends. */
static void middle(const struct diff *d, const struct box *box, uint32_t *at_a, uint32_t *at_b)
{
	int32_t n = (int32_t)(box->a_end - box->a), m = (int32_t)(box->b_end - box->b), delta = n - m;
	int32_t *forward = d->forward + m + 1, *backward = d->backward + m + 1; /* diagonals -m-1 to n+1 */
	int32_t edits;

	for (edits = 0; edits <= COST_MAX; edits++) {
		/* when the difference in length is odd, the two meet after a step forward; else after one back */
		for (int back = 0; back < 2; back++) {
			int32_t other = back ? edits : edits - 1;

			advance(d, box, back ? backward : forward, edits, back);
			if ((delta & 1) == back)
				continue;
			for (int32_t k = -edits; k <= edits; k += 2) {
				int32_t mine, theirs, from = delta - k;

				if (k < -m || k > n || from < -other || from > other)
					continue;
				mine = (back ? backward : forward)[k];
				theirs = (back ? forward : backward)[from];
				if (mine < 0 || theirs < 0 || mine + theirs < n)
					continue;
				*at_a = back ? box->a_end - (uint32_t)mine : box->a + (uint32_t)mine;
				*at_b = back ? box->b_end - (uint32_t)(mine - k) : box->b + (uint32_t)(mine - k);
				return;
			}
		}
	}
	furthest(d, box, edits - 1, at_a, at_b);
}

static void compare(struct diff *d, struct box box)
{
	for (;;) {
		struct box first;

		while (box.a < box.a_end && box.b < box.b_end && d->a.number[box.a] == d->b.number[box.b])
			box.a++, box.b++;
		while (box.a < box.a_end && box.b < box.b_end &&
		       d->a.number[box.a_end - 1] == d->b.number[box.b_end - 1])
			box.a_end--, box.b_end--;
		if (box.a == box.a_end || box.b == box.b_end) {
			memset(d->a.changed + box.a, true, box.a_end - box.a);
			memset(d->b.changed + box.b, true, box.b_end - box.b);
			return;
		}
		first = box;
		middle(d, &box, &first.a_end, &first.b_end);
		box.a = first.a_end;
		box.b = first.b_end;
		compare(d, first); /* half of the edits, or COST_MAX lines less: never deep */
	}
}

static void put_line(struct tc_buf *out, char mark, const struct side *s, struct tc_str text)
{
	size_t at = (size_t)(text.s - s->text.s), end = at + text.len;

	tc_buf_putc(out, mark);
	for (const struct tc_span *span; at < end && (span = tc_spans_from(&s->hidden, at)) && span->from < end;
	     at = span->to) {
		tc_buf_add(out, s->text.s + at, span->from - at);
		tc_buf_puts(out, TC_REDACTED);
	}
	tc_buf_add(out, s->text.s + at, end - at);
	if (text.len == 0 || text.s[text.len - 1] != '\n')
		tc_buf_puts(out, "\n\\ No newline at end of file\n");
}

static void put_range(struct tc_buf *out, char mark, size_t first, size_t n)
{
	tc_buf_printf(out, "%c%zu", mark, n ? first + 1 : first); /* an empty range stands after a line */
	if (n != 1)
		tc_buf_printf(out, ",%zu", n);
}

static void put_hunk_head(struct tc_buf *out, const struct box *box)
{
	tc_buf_puts(out, "@@ ");
	put_range(out, '-', box->a, box->a_end - box->a);
	tc_buf_putc(out, ' ');
	put_range(out, '+', box->b, box->b_end - box->b);
	tc_buf_puts(out, " @@\n");
}

static void put_hunk(struct tc_buf *out, const struct diff *d, const struct box *box)
{
	uint32_t a = box->a, b = box->b;

	put_hunk_head(out, box);
	while (a < box->a_end || b < box->b_end) {
		if (a < box->a_end && d->a.changed[a]) {
			put_line(out, '-', &d->a, line(&d->a, a++));
		} else if (b < box->b_end && d->b.changed[b]) {
			put_line(out, '+', &d->b, line(&d->b, b++));
		} else {
			put_line(out, ' ', &d->a, line(&d->a, a++));
			b++;
		}
	}
}

static void put_hunks(struct tc_buf *out, const struct diff *d)
{
	uint32_t a = 0, b = 0;

	for (;;) {
		uint32_t same = 0;
		struct box box;

		while (a < d->a.n && b < d->b.n && !d->a.changed[a] && !d->b.changed[b])
			a++, b++, same++;
		if (a == d->a.n && b == d->b.n)
			return;
		if (same > TC_UDIFF_CONTEXT)
			same = TC_UDIFF_CONTEXT;
		box = (struct box){.a = a - same, .b = b - same};
		for (same = 0; a < d->a.n || b < d->b.n;) { /* until two contexts would not touch */
			if (a < d->a.n && d->a.changed[a]) {
				a++, same = 0;
			} else if (b < d->b.n && d->b.changed[b]) {
				b++, same = 0;
			} else {
				if (same == 2 * TC_UDIFF_CONTEXT)
					break;
				a++, b++, same++;
			}
		}
		if (same > TC_UDIFF_CONTEXT) {
			a -= same - TC_UDIFF_CONTEXT;
			b -= same - TC_UDIFF_CONTEXT;
		}
		box.a_end = a;
		box.b_end = b;
		put_hunk(out, d, &box);
	}
}

static void put_whole(struct tc_buf *out, const struct diff *d, size_t na, size_t nb)
{
	const struct side *sides[] = {&d->a, &d->b};
	struct box box = {.a_end = (uint32_t)na, .b_end = (uint32_t)nb};

	put_hunk_head(out, &box);
	for (size_t i = 0; i < TC_COUNT(sides); i++)
		for (const char *p = sides[i]->text.s, *end = p + sides[i]->text.len; p < end;) {
			const char *nl = memchr(p, '\n', (size_t)(end - p)), *next = nl ? nl + 1 : end;

			put_line(out, i ? '+' : '-', sides[i], (struct tc_str){.s = p, .len = (size_t)(next - p)});
			p = next;
		}
}

bool tc_udiff(struct tc_buf *out, const struct tc_udiff *u)
{
	_cleanup_(tc_arena_free) struct tc_arena *mem = NULL;
	size_t na = count_lines(u->old_text), nb = count_lines(u->new_text);
	struct diff d = {.a.text = u->old_text, .b.text = u->new_text};
	struct box box;

	if (tc_str_equal(u->old_text, u->new_text))
		return false;
	tc_buf_printf(out, "--- %s\n+++ %s\n", u->old_name, u->new_name);
	mem = tc_arena_new(64 * 1024);
	d.a.hidden = tc_redact(mem, u->old_text, u->secret_keys);
	d.b.hidden = tc_redact(mem, u->new_text, u->secret_keys);
	if (na == 0 || nb == 0 || na > TC_UDIFF_LINES || nb > TC_UDIFF_LINES) {
		put_whole(out, &d, na, nb);
		return true;
	}

	split(mem, &d.a, u->old_text, na);
	split(mem, &d.b, u->new_text, nb);
	/* most of a file is equal at both ends: that need not be sorted */
	for (box = (struct box){0}; box.a < na && box.b < nb; box.a++, box.b++)
		if (!tc_str_equal(line(&d.a, box.a), line(&d.b, box.b)))
			break;
	for (box.a_end = d.a.n, box.b_end = d.b.n; box.a_end > box.a && box.b_end > box.b; box.a_end--, box.b_end--)
		if (!tc_str_equal(line(&d.a, box.a_end - 1), line(&d.b, box.b_end - 1)))
			break;
	number_lines(mem, &d, &box);
	d.forward = tc_alloc(mem, (na + nb + 4) * sizeof(*d.forward));
	d.backward = tc_alloc(mem, (na + nb + 4) * sizeof(*d.backward));
	compare(&d, box);
	put_hunks(out, &d);
	return true;
}
