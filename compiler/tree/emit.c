#include "compiler/tree/emit.h"
#include "compiler/base/utf8.h"
#include "compiler/tree/emit_out.h"
#include "compiler/tree/narrow.h"

void tc_emit(struct tc_buf *out, const struct tc_node *n, struct tc_emit how)
{
	if (how.format == TC_JSON)
		tc_emit_json(out, n, how);
	else
		tc_emit_yaml(out, n, how);
}

size_t tc_out_char(const char *p, const char *end)
{
	uint32_t code = 0;
	size_t len = tc_utf8_decode(p, (size_t)(end - p), &code);

	if (code < 0x20 || (code >= 0x7f && code < 0xa0) || code == 0x2028 || code == 0x2029 || code == 0xfeff ||
	    code == 0xfffe || code == 0xffff)
		return 0;
	return len;
}

/* The tree was within its limits when it was read; what tentc adds does not matter to safety. */
static const struct tc_limits verify_limits = {.max_bytes = UINT32_MAX,
					       .max_documents = 1,
					       .max_nodes = UINT32_MAX,
					       .max_expanded = UINT32_MAX,
					       .max_depth = 4096};

static const struct tc_node *read_again(struct tc_arena *mem, struct tc_str text, enum tc_format format,
					struct tc_diags *diags)
{
	struct tc_source *src = tc_alloc(mem, sizeof(*src));
	uint32_t begin = 0;
	bool empty = false;
	const struct tc_node *n;

	*src = (struct tc_source){.name = "what tentc wrote", .text = text};
	if (format == TC_YAML)
		return tc_yaml_read(mem, src, 0, (uint32_t)text.len, &verify_limits, diags, &empty);
	n = tc_json_read(mem, src, &begin, (uint32_t)text.len, &verify_limits, diags);
	return begin == text.len ? n : NULL;
}

int tc_emit_verified(struct tc_buf *out, const struct tc_node *n, struct tc_emit how, struct tc_error *err)
{
	_cleanup_(tc_arena_free) struct tc_arena *mem =
		out->secret ? tc_arena_new_secret(16 * 1024) : tc_arena_new(16 * 1024);
	struct tc_diags diags = {.mem = mem};
	size_t begin = out->len;
	_cleanup_buf_ struct tc_buf shifted = {.secret = out->secret};
	struct tc_str text;
	const struct tc_node *again;

	tc_emit(out, n, how);
	text = (struct tc_str){.s = out->p + begin, .len = out->len - begin};
	if (text.len >= UINT32_MAX)
		return tc_fail(err, TC_E_BUG, "the text is larger than 4 GiB"); /* unreachable: no test has 4 GiB */
	if (how.format == TC_YAML && how.indent > 0) {
		tc_out_spaces(&shifted, how.indent);
		tc_out(&shifted, text.s, text.len);
		text = tc_buf_str(&shifted);
	}
	if (how.format == TC_YAML && tc_narrow_reads_as(text, out->secret, n))
		return 0;
	again = read_again(mem, text, how.format, &diags);
	if (!again)
		return tc_fail(err, TC_E_BUG, "the text written cannot be read again: %s",
			       diags.count ? diags.list[0]->text : "it holds nothing, or more than one value");
	if (!tc_equal(n, again, true))
		return tc_fail(err, TC_E_BUG, "the text written does not read back as the tree it was written from");
	return 0;
}
