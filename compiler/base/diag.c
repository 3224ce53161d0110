#include "compiler/base/diag.h"

/* Where a diagnostic is shown: an inner source's place is that of the scalar it stood in. */
static struct tc_pos shown(struct tc_pos at)
{
	while (at.src && at.src->outer)
		at = (struct tc_pos){.src = at.src->outer, .off = at.src->outer_off};
	return at;
}

static struct tc_diag *unkept(struct tc_diags *d)
{
	if (!d->unkept)
		d->unkept = tc_alloc(d->mem, sizeof(*d->unkept));
	*d->unkept = (struct tc_diag){.text = ""};
	return d->unkept;
}

struct tc_diag *tc_diag(struct tc_diags *d, enum tc_msg id, struct tc_pos at, const char *fmt, ...)
{
	enum tc_severity severity = tc_message(id)->severity;
	struct tc_diag *diag;
	va_list ap;

	if (severity == TC_ERROR)
		d->errors++;
	else
		d->warnings++;
	if (d->count == TC_DIAGS_MAX) {
		d->dropped++;
		return unkept(d);
	}
	diag = tc_alloc(d->mem, sizeof(*diag));
	*diag = (struct tc_diag){.id = id, .severity = severity, .at = at, .all = d};
	va_start(ap, fmt);
	diag->text = tc_vprintf(d->mem, fmt, ap);
	va_end(ap);
	tc_grow(d->mem, d->list, d->count, d->cap);
	d->list[d->count++] = diag;
	return diag;
}

static TC_PRINTF(3, 0) void add_note(struct tc_diag *diag, struct tc_pos at, const char *fmt, va_list ap)
{
	struct tc_note *note;

	if (!diag->all)
		return;
	note = tc_alloc(diag->all->mem, sizeof(*note));
	*note = (struct tc_note){.at = at, .text = tc_vprintf(diag->all->mem, fmt, ap)};
	if (diag->last_note)
		diag->last_note->next = note;
	else
		diag->notes = note;
	diag->last_note = note;
}

void tc_diag_note(struct tc_diag *diag, struct tc_pos at, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add_note(diag, at, fmt, ap);
	va_end(ap);
}

void tc_diag_help(struct tc_diag *diag, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add_note(diag, (struct tc_pos){0}, fmt, ap);
	va_end(ap);
}

/* qsort is not stable: a copy of the order of arrival makes the order total. */
struct entry {
	struct tc_diag *diag;
	size_t arrival;
};

static int compare_numbers(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

static int compare(const struct tc_diag *a, const struct tc_diag *b)
{
	struct tc_pos pa = shown(a->at), pb = shown(b->at);
	int c = compare_numbers(pa.src ? pa.src->order + 1ull : 0, pb.src ? pb.src->order + 1ull : 0);

	if (c == 0)
		c = compare_numbers(pa.off, pb.off);
	if (c == 0)
		c = compare_numbers(a->at.off, b->at.off);
	if (c == 0)
		c = compare_numbers(a->id, b->id);
	return c ? c : strcmp(a->text, b->text);
}

static int compare_entries(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	int c = compare(x->diag, y->diag);

	return c ? c : compare_numbers(x->arrival, y->arrival);
}

void tc_diags_sort(struct tc_diags *d)
{
	size_t kept = 0;
	struct entry *entries;

	if (d->count == 0)
		return;
	entries = tc_alloc(d->mem, d->count * sizeof(*entries));
	for (size_t i = 0; i < d->count; i++)
		entries[i] = (struct entry){.diag = d->list[i], .arrival = i};
	qsort(entries, d->count, sizeof(*entries), compare_entries);
	for (size_t i = 0; i < d->count; i++) {
		struct tc_diag *diag = entries[i].diag;

		if (kept > 0 && compare(d->list[kept - 1], diag) == 0) {
			if (diag->severity == TC_ERROR)
				d->errors--;
			else
				d->warnings--;
			continue;
		}
		d->list[kept++] = diag;
	}
	d->count = kept;
}
