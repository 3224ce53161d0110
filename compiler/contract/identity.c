#include "compiler/contract/identity.h"

#include "compiler/base/buf.h"
#include "compiler/base/diag.h"

/* Postgres cuts identifiers at NAMEDATALEN - 1 bytes, silently: two tentacles would share a role. */
#define POSTGRES_NAME_MAX 63
#define LONG_FORM_HEAD 29
#define LONG_FORM_DIGITS 32

static bool is_label_end(char c)
{
	return tc_is_lower(c) || tc_is_digit(c);
}

static bool is_label_byte(char c)
{
	return is_label_end(c) || c == '-';
}

/* The character that begins at s[0], quoted. A name may come from a command line, so it need not be UTF-8. */
static const char *show_character(struct tc_arena *mem, struct tc_str s)
{
	unsigned char lead = (unsigned char)s.s[0];
	size_t len = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
	struct tc_str one = {.s = s.s, .len = len < s.len ? len : s.len};

	if (lead >= 0x80 && tc_text_check(one) != one.len)
		return tc_printf(mem, "the byte 0x%02x", lead);
	return tc_quote(mem, one);
}

const char *tc_label_fault(struct tc_arena *mem, struct tc_str text)
{
	if (text.len == 0)
		return "is empty";
	for (size_t i = 0; i < text.len; i++)
		if (!is_label_byte(text.s[i])) {
			struct tc_str rest = {.s = text.s + i, .len = text.len - i};

			return tc_printf(mem, "has %s as character %zu, allowed are a-z, 0-9 and -",
					 show_character(mem, rest), i + 1);
		}
	if (text.len > TC_LABEL_MAX)
		return tc_printf(mem, "is %zu characters long, at most %d are allowed", text.len, TC_LABEL_MAX);
	if (!is_label_end(text.s[0]))
		return "begins with \"-\", a letter or a digit must stand there";
	if (!is_label_end(text.s[text.len - 1]))
		return "ends with \"-\", a letter or a digit must stand there";
	return NULL;
}

/* The natural name where it fits. Labels hold no underscore, so a natural name never holds the "__" of a long one, and
 * two long names differ in the hash of what they stand for. */
static const char *fit(struct tc_arena *mem, const char *natural, const char *hashed)
{
	if (strlen(natural) <= POSTGRES_NAME_MAX)
		return natural;
	return tc_printf(mem, "%.*s__%s", LONG_FORM_HEAD, natural,
			 tc_sha256_hex(mem, tc_str(hashed), LONG_FORM_DIGITS));
}

const char *tc_name_tentacle(struct tc_arena *mem, const char *enclave, const char *name)
{
	return fit(mem, tc_printf(mem, "tent_%s_%s", enclave, name), tc_printf(mem, "%s/%s", enclave, name));
}

const char *tc_name_enclave(struct tc_arena *mem, const char *enclave)
{
	return fit(mem, tc_printf(mem, "tentenc_%s", enclave), enclave);
}

const char *tc_template_expand(struct tc_arena *mem, const char *text, const char *enclave)
{
	static const char hole[] = "{enclave}";
	_cleanup_buf_ struct tc_buf out = {0};
	const char *next;

	while ((next = strstr(text, hole)) != NULL) {
		tc_buf_add(&out, text, (size_t)(next - text));
		tc_buf_puts(&out, enclave);
		text = next + sizeof(hole) - 1;
	}
	tc_buf_puts(&out, text);
	return tc_strndup(mem, tc_buf_str(&out).s, out.len);
}
