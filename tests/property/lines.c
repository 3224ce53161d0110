#include "tests/property/lines.h"

struct lines {
	struct tc_arena *mem;
	const struct tc_source *src;
	const char *s;
	uint32_t end;
	uint32_t *begins; /* of each line */
	bool *free;       /* this one may change */
	size_t count, cap;
	bool inside;
};

/* Lines and places */

static size_t line_of(const struct lines *l, uint32_t off)
{
	size_t low = 0, high = l->count;

	while (high - low > 1) {
		size_t mid = low + (high - low) / 2;

		*(l->begins[mid] <= off ? &low : &high) = mid;
	}
	return low;
}

static uint32_t next_line(const struct lines *l, size_t nth)
{
	return nth + 1 < l->count ? l->begins[nth + 1] : l->end;
}

/* The first character of a line, or its break. */
static uint32_t first_of(const struct lines *l, size_t nth)
{
	uint32_t off = l->begins[nth], stop = next_line(l, nth);

	while (off < stop && (l->s[off] == ' ' || l->s[off] == '\t'))
		off++;
	return off;
}

static bool is_blank(const struct lines *l, size_t nth)
{
	uint32_t off = first_of(l, nth);

	return off == next_line(l, nth) || l->s[off] == '\n' || l->s[off] == '\r';
}

static bool is_comment(const struct lines *l, size_t nth)
{
	uint32_t off = first_of(l, nth);

	return off < next_line(l, nth) && l->s[off] == '#';
}

/* The lines of [from, to). */
static void change(struct lines *l, uint32_t from, uint32_t to)
{
	size_t last = line_of(l, to > from ? to - 1 : from);

	for (size_t i = line_of(l, from); i <= last; i++)
		l->free[i] = true;
}

/* The same, and comments below that stand right of a column: they belong to what stands above. */
static void change_below(struct lines *l, uint32_t from, uint32_t to, int col)
{
	size_t last = line_of(l, to > from ? to - 1 : from);

	change(l, from, to);
	for (size_t i = last + 1; i < l->count && (is_blank(l, i) || is_comment(l, i)); i++) {
		if (is_blank(l, i))
			continue;
		if ((int)(first_of(l, i) - l->begins[i]) <= col)
			return;
		while (last < i)
			l->free[++last] = true;
	}
}

/* Where the dash of an item is: left of it, or on a line above with only comments between. */
static uint32_t dash_of(const struct lines *l, const struct tc_node *item)
{
	size_t nth = line_of(l, item->off);

	for (uint32_t off = item->off; off > l->begins[nth];) {
		if (l->s[--off] == '-')
			return off;
		if (l->s[off] != ' ' && l->s[off] != '\t')
			return item->off;
	}
	while (nth-- > 0) {
		if (is_blank(l, nth) || is_comment(l, nth))
			continue;
		/* "- # why", "- - &a" */
		for (uint32_t off = first_of(l, nth), dash = off; off < next_line(l, nth); off++) {
			if (l->s[off] == '-')
				dash = off;
			else if (l->s[off] != ' ')
				return dash;
		}
		break;
	}
	return item->off;
}

static bool in_flow(const struct tc_node *parent)
{
	return parent->style == TC_STYLE_FLOW;
}

/* Where an entry or item begins: its key, its dash. */
static uint32_t entry_of(const struct lines *l, const struct tc_node *parent, const struct tc_node *key,
			 const struct tc_node *value)
{
	if (key)
		return key->off;
	return in_flow(parent) ? value->off : dash_of(l, value);
}

/* Trees. A child is a value with its key, or an item. */

struct child {
	const struct tc_node *key, *value;
	size_t other; /* which one it is in the other tree; SIZE_MAX: gone, or new */
};

static struct child *children(struct lines *l, const struct tc_node *n, size_t *count)
{
	struct child *list = tc_alloc(l->mem, (n->count + 1) * sizeof(*list));

	*count = 0;
	for (const struct tc_node *i = n->first; i; i = i->next) {
		struct child *c = &list[(*count)++];

		*c = (struct child){.key = n->kind == TC_MAP ? i : NULL, .other = SIZE_MAX};
		if (n->kind == TC_MAP)
			i = i->next;
		c->value = i;
	}
	return list;
}

static bool same_props(const struct tc_node *a, const struct tc_node *b)
{
	const char *x = a->props ? a->props->anchor : NULL, *y = b->props ? b->props->anchor : NULL;

	return !x == !y && (!x || strcmp(x, y) == 0);
}

/* Of two equal values: has each an alias where the other one has? */
static bool same_aliases(const struct tc_node *a, const struct tc_node *b)
{
	if (a->kind == TC_ALIAS || b->kind == TC_ALIAS)
		return a->kind == b->kind;
	if (a->kind != TC_MAP && a->kind != TC_SEQ)
		return true;
	for (a = a->first, b = b->first; a && b; a = a->next, b = b->next) {
		if (!same_aliases(a, b))
			return false;
	}
	return !a == !b;
}

/* An alias that is written out, or stands for itself now, is another text. */
static bool same(const struct tc_node *a, const struct tc_node *b)
{
	if (a->kind == TC_ALIAS && b->kind == TC_ALIAS)
		return a->target->props && same_props(a->target, b->target);
	return a->kind == b->kind && same_props(a, b) && tc_equal(a, b, true) && same_aliases(a, b);
}

static void pair(struct child *a, size_t i, struct child *b, size_t k)
{
	a[i].other = k;
	b[k].other = i;
}

static void match_entries(struct lines *l, struct child *a, size_t na, struct child *b, size_t nb)
{
	for (size_t i = 0; i < na; i++) {
		struct tc_str key = tc_key_text(l->mem, a[i].key);

		for (size_t k = 0; k < nb; k++) {
			/* order is kept: the next one is a good guess */
			size_t at = (i + k) % nb;

			if (b[at].other == SIZE_MAX && tc_str_equal(key, tc_key_text(l->mem, b[at].key))) {
				pair(a, i, b, at);
				break;
			}
		}
	}
}

/* The longest common subsequence of equal items; between two of them, what is left is paired from the front when
 * nothing can have gone from there. */
static void match_items(struct lines *l, struct child *a, size_t na, struct child *b, size_t nb)
{
	size_t head = 0, tail = 0, width = nb + 1;
	uint32_t *best;

	while (head < na && head < nb && same(a[head].value, b[head].value)) {
		pair(a, head, b, head);
		head++;
	}
	while (tail < na - head && tail < nb - head && same(a[na - 1 - tail].value, b[nb - 1 - tail].value)) {
		pair(a, na - 1 - tail, b, nb - 1 - tail);
		tail++;
	}
	na -= tail;
	nb -= tail;
	if ((na - head) * (nb - head) < 100000) {
		best = tc_alloc(l->mem, (na + 1) * width * sizeof(*best));
		for (size_t i = na; i-- > head;) {
			for (size_t k = nb; k-- > head;) {
				uint32_t down = best[(i + 1) * width + k], right = best[i * width + k + 1];

				best[i * width + k] = same(a[i].value, b[k].value) ? best[(i + 1) * width + k + 1] + 1
						      : down > right               ? down
										   : right;
			}
		}
		for (size_t i = head, k = head; i < na && k < nb;) {
			if (same(a[i].value, b[k].value))
				pair(a, i++, b, k++);
			else if (best[(i + 1) * width + k] > best[i * width + k + 1])
				i++;
			else
				k++;
		}
	}
	for (size_t i = head, k = head; i < na || k < nb; i++, k++) {
		size_t gone = 0, came = 0;

		while (i + gone < na && a[i + gone].other == SIZE_MAX)
			gone++;
		while (k + came < nb && b[k + came].other == SIZE_MAX)
			came++;
		for (size_t n = 0; n < gone && gone <= came; n++)
			pair(a, i + n, b, k + n);
		i += gone;
		k += came;
	}
}

/* What may change */

/* All of a value, from its key or dash. */
static void change_value(struct lines *l, const struct tc_node *parent, const struct tc_node *key,
			 const struct tc_node *value)
{
	uint32_t from;

	if (!parent) {
		change_below(l, value->off, value->end, -1);
		return;
	}
	from = entry_of(l, parent, key, value);
	if (in_flow(parent))
		change(l, from, value->end);
	else
		change_below(l, from, value->end, (int)(from - l->begins[line_of(l, from)]));
}

/* From the end of what stands before it to the beginning of what stands behind it. */
static void change_in_flow(struct lines *l, const struct tc_node *n, const struct child *list, size_t count, size_t nth)
{
	uint32_t from = nth > 0 ? list[nth - 1].value->end : n->off;
	const struct child *next = nth + 1 < count ? &list[nth + 1] : NULL;

	change(l, from > n->off ? from - 1 : from, next ? (next->key ? next->key : next->value)->off + 1 : n->end);
}

static void remove_child(struct lines *l, const struct tc_node *n, const struct child *list, size_t count, size_t nth)
{
	uint32_t from = entry_of(l, n, list[nth].key, list[nth].value);

	if (in_flow(n)) {
		change_in_flow(l, n, list, count, nth);
		return;
	}
	change_value(l, n, list[nth].key, list[nth].value);
	if (first_of(l, line_of(l, from)) == from)
		return;
	/* It stands on the line of a dash: what follows moves there. */
	while (nth + 1 < count && list[nth].other == SIZE_MAX)
		nth++;
	from = entry_of(l, n, list[nth].key, list[nth].value);
	change(l, from, from);
}

static bool compare(struct lines *l, const struct tc_node *parent, const struct tc_node *key, const struct tc_node *a,
		    const struct tc_node *b);

/* False: nothing stays of the old one. An entry stays by its key, an item by something in it. */
static bool compare_children(struct lines *l, const struct tc_node *a, const struct tc_node *b)
{
	size_t na, nb, added = 0;
	struct child *old = children(l, a, &na), *new = children(l, b, &nb);
	bool kept = false;

	(a->kind == TC_MAP ? match_entries : match_items)(l, old, na, new, nb);
	for (size_t i = 0; i < na; i++) {
		if (old[i].other == SIZE_MAX)
			remove_child(l, a, old, na, i);
		else if (compare(l, a, old[i].key, old[i].value, new[old[i].other].value) || old[i].key)
			kept = true;
	}
	for (size_t k = 0; k < nb; k++)
		added += new[k].other == SIZE_MAX;
	if (added && in_flow(a))
		change_in_flow(l, a, old, na, na - 1);
	return kept;
}

/* Documents inside of both scalars, the old one read in place. */
static bool compare_inside(struct lines *l, const struct tc_node *a, const struct tc_node *b)
{
	struct tc_limits limits = TC_LIMITS_FILE;
	struct tc_diags diags = {.mem = l->mem};
	const struct tc_node *x, *y;
	bool empty = false;

	if (!l->inside || a->kind != TC_STRING || b->kind != TC_STRING || a->style != TC_STYLE_LITERAL ||
	    b->style != TC_STYLE_LITERAL)
		return false;
	x = tc_embedded_read(l->mem, a, "old", &limits, &diags, &empty);
	y = tc_embedded_read(l->mem, b, "new", &limits, &diags, &empty);
	if (!tc_is(x, TC_MAP) || !tc_is(y, TC_MAP) || tc_node_source(x) != l->src)
		return false;
	(void)compare(l, NULL, NULL, x, y);
	return true;
}

/* False: nothing stays of the old value, and all its lines may change. */
static bool compare(struct lines *l, const struct tc_node *parent, const struct tc_node *key, const struct tc_node *a,
		    const struct tc_node *b)
{
	bool both = a->kind == b->kind && (a->kind == TC_MAP || a->kind == TC_SEQ) && a->first && b->first;

	if (same(a, b) || (both && same_props(a, b) && compare_children(l, a, b)) || compare_inside(l, a, b))
		return true;
	change_value(l, parent, key, a);
	return false;
}

/* Lines of [sep, end), each with its line end. */
static struct tc_str cut_line(struct tc_str *text)
{
	const char *nl = memchr(text->s, '\n', text->len);
	struct tc_str line = {text->s, nl ? (size_t)(nl - text->s) + 1 : text->len};

	text->s += line.len;
	text->len -= line.len;
	return line;
}

/* The last line of a text may get the line end that it lacks; what becomes the last line may lose its own. */
static bool is_line(struct tc_str line, bool last, struct tc_str want)
{
	if (last || (want.len && want.s[want.len - 1] != '\n')) {
		while (line.len && (line.s[line.len - 1] == '\n' || line.s[line.len - 1] == '\r'))
			line.len--;
		while (want.len && (want.s[want.len - 1] == '\n' || want.s[want.len - 1] == '\r'))
			want.len--;
	}
	return tc_str_equal(line, want);
}

const char *lines_lost(struct tc_arena *mem, const struct tc_doc *from, const struct tc_doc *to, bool inside)
{
	struct lines l = {.mem = mem, .src = from->src, .s = from->src->text.s, .end = from->end, .inside = inside};
	struct tc_str old = {l.s + from->sep, from->end - from->sep};
	struct tc_str new = {to->src->text.s + to->sep, to->end - to->sep};

	for (uint32_t off = from->sep; off < from->end;) {
		tc_grow(mem, l.begins, l.count, l.cap);
		l.begins[l.count++] = off;
		while (off < from->end && l.s[off++] != '\n')
			;
	}
	l.free = tc_alloc(mem, l.count + 1);
	if (from->root && to->root && l.count)
		(void)compare(&l, NULL, NULL, from->root, to->root);
	for (size_t nth = 0; nth < l.count; nth++) {
		struct tc_str line = cut_line(&old);
		bool found = l.free[nth];

		while (!found && new.len > 0) {
			struct tc_str now = cut_line(&new);

			found = is_line(now, new.len == 0, line);
		}
		if (!found)
			return tc_printf(mem, "line %zu of this document is lost: %s", nth + 1, tc_quote(mem, line));
	}
	return NULL;
}
