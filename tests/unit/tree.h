/* tree.h - for tests of the tree room: reading a text, and what it takes to say where two things differ. */
#ifndef UNIT_TREE_H
#define UNIT_TREE_H

#include "tests/unit/unit.h"

#include "compiler/tree/emit.h"
#include "compiler/tree/stream.h"

/* The document in text, or a failed test that says why there is none. The text must outlive the tree. */
static inline struct tc_node *read_as(struct tc_arena *mem, enum tc_format format, struct tc_str text)
{
	struct tc_source *src = tc_alloc(mem, sizeof(*src));
	struct tc_diags diags = {.mem = mem};
	struct tc_limits limits = TC_LIMITS_FILE;
	struct tc_node *n;
	uint32_t begin = 0;
	bool empty = false;

	*src = (struct tc_source){.name = "test", .text = text};
	if (format == TC_YAML)
		n = tc_yaml_read(mem, src, 0, (uint32_t)text.len, &limits, &diags, &empty);
	else
		n = tc_json_read(mem, src, &begin, (uint32_t)text.len, &limits, &diags);
	if (!n)
		fail_msg("cannot read %.*s: %s", TC_STR_ARG(text), diags.count ? diags.list[0]->text : "empty");
	return n;
}

static inline struct tc_node *read_yaml(struct tc_arena *mem, const char *text)
{
	return read_as(mem, TC_YAML, tc_str(text));
}

static inline struct tc_node *read_json(struct tc_arena *mem, const char *text)
{
	return read_as(mem, TC_JSON, tc_str(text));
}

static inline void assert_yaml(const struct tc_node *n, const char *want)
{
	_cleanup_buf_ struct tc_buf out = {0};

	tc_emit(&out, n, (struct tc_emit){.format = TC_YAML});
	assert_string_equal(out.p, want);
}

static inline void assert_json(const struct tc_node *n, const char *want)
{
	_cleanup_buf_ struct tc_buf out = {0};

	tc_emit(&out, n, (struct tc_emit){.format = TC_JSON});
	assert_string_equal(out.p, want);
}

#endif
