/* emit_yaml.c - a tree as YAML in block style (emit.h): which line begins in which column. */
#include "compiler/tree/emit_yaml.h"

/* libyaml looks back 1,024 characters for the beginning of a key; a longer one has to say that it is one. */
#define KEY_MAX 1000

static void write_map(const struct tc_yaml_out *y, const struct tc_node *map, unsigned col);
static void write_seq(const struct tc_yaml_out *y, const struct tc_node *seq, unsigned col);

static bool is_filled(const struct tc_node *n)
{
	return (n->kind == TC_MAP || n->kind == TC_SEQ) && n->first;
}

/* The name that an alias is written with; NULL: there is none, and the value itself has to be written. */
static const char *alias_name(const struct tc_node *n)
{
	const struct tc_node *to = n->kind == TC_ALIAS ? n->target : NULL;

	return to && !(to->flags & TC_NODE_NEW) && to->props ? to->props->anchor : NULL;
}

static void write_filled(const struct tc_yaml_out *y, const struct tc_node *n, unsigned col)
{
	if (n->kind == TC_MAP)
		write_map(y, n, col);
	else
		write_seq(y, n, col);
}

/* A null that was left out, and has no anchor that needs something to stand before, stays left out. */
static bool is_left_out(const struct tc_node *n)
{
	return n->kind == TC_NULL && n->text.len == 0 && !(n->flags & TC_NODE_NEW) && !n->props;
}

/* What fits on the line, with the line end. */
static void write_inline(const struct tc_yaml_out *y, const struct tc_node *n, struct tc_yaml_place place)
{
	if (n->kind == TC_MAP || n->kind == TC_SEQ)
		tc_out(y->out, n->kind == TC_MAP ? "{}" : "[]", 2);
	else if (tc_yaml_scalar(y, n, place))
		return;
	tc_yaml_line(y);
}

static void write_alias(const struct tc_yaml_out *y, const char *name)
{
	tc_out_lit(y->out, "*");
	tc_buf_puts(y->out, name);
}

/* A value that stands behind "key:" or "-" of a collection at col. */
static void write_value(const struct tc_yaml_out *y, const struct tc_node *n, unsigned col)
{
	const char *alias = alias_name(n);

	if (alias) {
		tc_out_lit(y->out, " ");
		write_alias(y, alias);
		tc_yaml_line(y);
		return;
	}
	n = tc_deref(n);
	if (tc_yaml_has_props(n)) {
		tc_out_lit(y->out, " ");
		tc_yaml_props(y, n);
	}
	if (!is_filled(n)) {
		if (!is_left_out(n))
			tc_out_lit(y->out, " ");
		write_inline(y, n, (struct tc_yaml_place){.col = col});
		return;
	}
	tc_yaml_line(y);
	if (n->kind == TC_MAP || y->indent_items)
		col += y->step;
	tc_out_spaces(y->out, col);
	write_filled(y, n, col);
}

static void write_key(const struct tc_yaml_out *y, const struct tc_node *key, unsigned col)
{
	struct tc_buf *out = y->out;
	size_t begin = out->len;
	const char *alias = alias_name(key);

	if (key->flags & TC_NODE_MERGE) {
		tc_out_lit(out, "<<:");
		return;
	}
	if (alias) {
		write_alias(y, alias);
		tc_out_lit(out, " :"); /* a colon can be part of an anchor's name */
		return;
	}
	key = tc_deref(key);
	if (tc_yaml_has_props(key)) {
		tc_yaml_props(y, key);
		tc_out_lit(out, " ");
	}
	tc_yaml_scalar(y, key, (struct tc_yaml_place){.col = col, .key = true});
	if (out->len - begin > KEY_MAX) {
		size_t len = out->len - begin;

		tc_out_lit(out, "? ");
		memmove(out->p + begin + 2, out->p + begin, len);
		memcpy(out->p + begin, "? ", 2);
		tc_yaml_line(y);
		tc_out_spaces(out, col);
	}
	tc_out_lit(out, ":");
}

/* Both begin where the first line's indentation has been written already. */
static void write_map(const struct tc_yaml_out *y, const struct tc_node *map, unsigned col)
{
	for (const struct tc_node *key = map->first; key; key = key->next->next) {
		if (key != map->first)
			tc_out_spaces(y->out, col);
		write_key(y, key, col);
		write_value(y, key->next, col);
	}
}

static void write_item(const struct tc_yaml_out *y, const struct tc_node *n, unsigned col)
{
	if (alias_name(n) || !is_filled(tc_deref(n))) {
		write_value(y, n, col);
		return;
	}
	n = tc_deref(n);
	tc_out_lit(y->out, " ");
	if (tc_yaml_has_props(n)) {
		tc_yaml_props(y, n);
		/* Properties on the line of the first key would be that key's. */
		tc_yaml_line(y);
		tc_out_spaces(y->out, col + TC_YAML_STEP);
	}
	write_filled(y, n, col + TC_YAML_STEP);
}

static void write_seq(const struct tc_yaml_out *y, const struct tc_node *seq, unsigned col)
{
	for (const struct tc_node *i = seq->first; i; i = i->next) {
		if (i != seq->first)
			tc_out_spaces(y->out, col);
		tc_out_lit(y->out, "-");
		write_item(y, i, col);
	}
}

void tc_emit_yaml(struct tc_buf *out, const struct tc_node *n, struct tc_emit how)
{
	struct tc_yaml_out y = {.out = out,
				.step = how.step ? how.step : TC_YAML_STEP,
				.crlf = how.crlf,
				.indent_items = how.indent_items};

	n = tc_deref(n);
	if (!n) {
		tc_out_lit(out, "null");
		tc_yaml_line(&y);
		return;
	}
	tc_yaml_props(&y, n);
	if (!is_filled(n)) {
		tc_out(out, " ", tc_yaml_has_props(n));
		write_inline(&y, n, (struct tc_yaml_place){.col = how.indent, .root = true});
		return;
	}
	if (tc_yaml_has_props(n)) {
		tc_yaml_line(&y);
		tc_out_spaces(out, how.indent);
	}
	write_filled(&y, n, how.indent);
}
