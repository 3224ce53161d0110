#include "compiler/tree/emit.h"
#include "compiler/tree/emit_out.h"

void tc_emit(struct tc_buf *out, const struct tc_node *n, struct tc_emit how)
{
	if (how.format == TC_JSON)
		tc_emit_json(out, n, how);
	else
		tc_emit_yaml(out, n, how);
}

size_t tc_out_char(const char *p, const char *end)
{
	unsigned char c = (unsigned char)*p;
	size_t len = c < 0x80 ? 1 : c < 0xc2 ? 0 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : c < 0xf5 ? 4 : 0;
	uint32_t code;

	if (len <= 1)
		return len && c >= 0x20 && c != 0x7f;
	if ((size_t)(end - p) < len)
		return 0;
	code = c & (0xffu >> (len + 1));
	for (size_t i = 1; i < len; i++) {
		if (((unsigned char)p[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | ((unsigned char)p[i] & 0x3f);
	}
	if (code < 0xa0 || code == 0x2028 || code == 0x2029 || code == 0xfeff || code == 0xfffe || code == 0xffff)
		return 0;
	if ((len == 3 && code < 0x800) || (code >= 0xd800 && code <= 0xdfff))
		return 0;
	return len == 4 && (code < 0x10000 || code > 0x10ffff) ? 0 : len;
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
	_cleanup_(tc_arena_free)
	struct tc_arena *mem = out->secret ? tc_arena_new_secret(64 * 1024) : tc_arena_new(64 * 1024);
	struct tc_diags diags = {.mem = mem};
	size_t begin = out->len;
	_cleanup_buf_
	struct tc_buf shifted = {.secret = out->secret};
	struct tc_str text;
	const struct tc_node *again;

	tc_emit(out, n, how);
	text = (struct tc_str){.s = out->p + begin, .len = out->len - begin};
	if (text.len >= UINT32_MAX)
		return tc_fail(err, TC_E_BUG, "the text written is larger than 4 GiB");
	if (how.format == TC_YAML && how.indent > 0) {
		tc_out_spaces(&shifted, how.indent);
		tc_out(&shifted, text.s, text.len);
		text = tc_buf_str(&shifted);
	}
	again = read_again(mem, text, how.format, &diags);
	if (!again)
		return tc_fail(err, TC_E_BUG, "the text written cannot be read again: %s",
			       diags.count ? diags.list[0]->text : "it holds nothing, or more than one value");
	if (!tc_equal(n, again, true))
		return tc_fail(err, TC_E_BUG, "the text written does not read back as the tree it was written from");
	return 0;
}
