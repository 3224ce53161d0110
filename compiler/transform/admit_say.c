/* Diagnostics as the reader of an answer sees them, who knows the object but not the review's text: a place in a
 * contract is a line of that contract, a place in the object a JSON Pointer. */
#include "compiler/transform/admit_parts.h"

#include "compiler/base/utf8.h"
#include "compiler/contract/catalogue.h"

/* What Kubernetes asks for in one warning, and what it takes in all. */
#define WARNING_MAX 256
#define WARNINGS_MAX 4096
/* Room for the line that counts the rest. */
#define WARNINGS_REST 64
/* A message far longer than this helps nobody, and it goes through every log on its way. */
#define MESSAGE_MAX 65536

static const struct tc_node *node_below(const struct tc_node *n, uint32_t off)
{
	const struct tc_node *key = n->kind == TC_MAP ? n->first : NULL;

	for (; key; key = key->next->next) {
		if (off >= key->off && off < key->next->end)
			return key->next;
	}
	for (const struct tc_node *i = n->kind == TC_SEQ ? n->first : NULL; i; i = i->next) {
		if (off >= i->off && off < i->end)
			return i;
	}
	return NULL;
}

/* "Deployment/web: /spec/template/spec/volumes/0" */
static const char *locate(void *self, struct tc_pos at)
{
	const struct tc_admission *a = self;
	_cleanup_buf_ struct tc_buf out = {0};

	tc_buf_puts(&out, at.src->name);
	for (size_t i = 0; i < a->work.ndocs; i++) {
		const struct tc_node *n = a->work.docs[i].root;

		if (!n || tc_node_source(n) != at.src)
			continue;
		for (const struct tc_node *next = n; next; next = node_below(n, at.off))
			n = next;
		if (n->parent->kind != TC_DOC)
			tc_buf_puts(&out, ": ");
		tc_pointer(&out, n);
	}
	return tc_strndup(a->mem, out.p, out.len);
}

static struct tc_diag_style style(struct tc_admission *a)
{
	return (struct tc_diag_style){.secret_keys = tc_credential_keys(a->mem), .locate = locate, .self = a};
}

void tc_admit_message(struct tc_admission *a, struct tc_buf *out)
{
	static const char rest[] = "tentc: note: the rest is not shown";
	const char *end;

	tc_diags_render(out, &a->diags, style(a));
	if (out->len > MESSAGE_MAX) {
		end = memrchr(out->p, '\n', MESSAGE_MAX - sizeof(rest));
		out->len = (size_t)(end + 1 - out->p);
		tc_buf_puts(out, rest);
	}
	while (out->len && out->p[out->len - 1] == '\n')
		out->p[--out->len] = '\0';
}

/* At a code point, with "..." where something is left out. */
static struct tc_str cut(struct tc_str text)
{
	size_t len = WARNING_MAX - 3;

	if (text.len <= WARNING_MAX)
		return text;
	while (((unsigned char)text.s[len] & 0xc0) == 0x80)
		len--;
	memcpy((char *)(uintptr_t)text.s + len, "...", 3);
	return (struct tc_str){.s = text.s, .len = len + 3};
}

static void push_warning(struct tc_admission *a, struct tc_str text)
{
	tc_grow(a->mem, a->warnings, a->nwarnings, a->warnings_cap);
	a->warnings[a->nwarnings++] = text;
	a->warnings_len += text.len;
}

static bool take_warning(void *to, const struct tc_diag *diag, struct tc_str line)
{
	struct tc_admission *a = to;
	const char *text =
		tc_printf(a->mem, "%s%.*s", diag->severity == TC_ERROR ? a->errors_are : "", TC_STR_ARG(line));
	struct tc_str warning = cut(tc_str(text));

	if (a->warnings_len + warning.len > WARNINGS_MAX - WARNINGS_REST)
		return false;
	push_warning(a, warning);
	return true;
}

void tc_admit_warn_all(struct tc_admission *a, const char *errors_are)
{
	size_t unsaid;

	if (!a->diags.count)
		return;
	a->errors_are = errors_are;
	tc_diags_lines(&a->diags, style(a), take_warning, a);
	unsaid = a->diags.count - a->nwarnings + a->diags.dropped;
	if (unsaid)
		push_warning(a, tc_str(tc_printf(a->mem, "tentc: %zu more problem%s not shown", unsaid,
						 unsaid == 1 ? " is" : "s are")));
}
