/* One value of the configuration into its field. Where it is refused, the default stays there. */
#include "compiler/contract/config_table.h"

#include "compiler/contract/identity.h"

/* "an integer 70000", "a string \"x\"", "a list" */
static const char *found(struct tc_config_reader *r, const struct tc_node *n)
{
	const struct tc_node *value = tc_deref(n);
	const char *kind = tc_kind_name(n);

	if (tc_is(n, TC_STRING))
		return tc_printf(r->mem, "%s %s", kind, tc_quote(r->mem, tc_text(n)));
	if ((tc_is(n, TC_INT) || tc_is(n, TC_FLOAT) || tc_is(n, TC_BOOL)) && value->text.len <= 40)
		return tc_printf(r->mem, "%s %.*s", kind, TC_STR_ARG(value->text));
	return kind;
}

static struct tc_diag *wrong(struct tc_config_reader *r, const char *path, const struct tc_node *n,
			     const char *expected)
{
	return tc_diag(r->diags, TC_MSG_BAD_CONFIG_VALUE, tc_node_pos(n), "%s: expected %s, found %s", path, expected,
		       found(r, n));
}

static struct tc_diag *faulty(struct tc_config_reader *r, const char *path, const struct tc_node *n, const char *fault)
{
	struct tc_str text = tc_text(n);
	/* A key in the wrong place is a secret all the same. */
	bool key = text.len && memmem(text.s, text.len, "PRIVATE KEY", 11);
	/* user:password@ of a URL */
	bool login = text.len && memmem(text.s, text.len, "://", 3) && memchr(text.s, '@', text.len);
	bool secret = key || login;

	if (secret)
		r->diags->secret_keys = tc_config_secret_keys;
	return tc_diag(r->diags, TC_MSG_BAD_CONFIG_VALUE, tc_node_pos(n), "%s: %s %s", path,
		       secret ? "the value" : tc_quote(r->mem, text), fault);
}

/* The value as a C string, NULL with a diagnostic when it is not one. */
static const char *string_of(struct tc_config_reader *r, const char *path, const struct tc_node *n, const char *what)
{
	struct tc_str text = tc_text(n);

	if (!tc_is(n, TC_STRING)) {
		struct tc_diag *diag = wrong(r, path, n, what);

		if (tc_is(n, TC_INT) || tc_is(n, TC_FLOAT) || tc_is(n, TC_BOOL))
			tc_diag_help(diag, "put the value in quotes");
		return NULL;
	}
	if (text.len && memchr(text.s, '\0', text.len)) {
		faulty(r, path, n, "holds a NUL character");
		return NULL;
	}
	return tc_strndup(r->mem, text.s, text.len);
}

/* What is wrong with a template: braces that are not {enclave}, or a value that breaks the rules whatever the enclave
 * is called. Whether it keeps them for a given enclave is seen when that enclave is compiled (tc_template_check). */
static const char *template_fault(struct tc_config_reader *r, const struct tc_row *row, const char *text)
{
	char enclave[TC_LABEL_MAX + 1] = "";
	const char *bare = tc_template_expand(r->mem, text, ""), *fault = NULL;

	if (strchr(bare, '{') || strchr(bare, '}'))
		return "has braces around something else than {enclave}, the only thing that can be filled in";
	for (size_t n = 0; row->fault && n < TC_LABEL_MAX; n++) {
		enclave[n] = 'a';
		fault = row->fault(r->mem, tc_template_expand(r->mem, text, enclave));
		if (!fault || strcmp(bare, text) == 0)
			return fault;
	}
	return fault ? tc_printf(r->mem, "%s (whatever the enclave's name is)", fault) : NULL;
}

static void read_string(struct tc_config_reader *r, const struct tc_row *row, const struct tc_node *n)
{
	const char *text = string_of(r, row->path, n, row->what), *fault = NULL;

	if (!text)
		return;
	if (row->flags & TC_ROW_TEMPLATE)
		fault = template_fault(r, row, text);
	else if (row->fault && (*text || *row->fallback)) /* "" may be said where it is the default */
		fault = row->fault(r->mem, text);
	if (fault)
		faulty(r, row->path, n, fault);
	else
		*(const char **)tc_row_slot(row, r->config) = text;
}

static void read_bool(struct tc_config_reader *r, const struct tc_row *row, const struct tc_node *n)
{
	bool value;

	if (tc_as_bool(n, &value))
		*(bool *)tc_row_slot(row, r->config) = value;
	else if (tc_is_string(n, "true") || tc_is_string(n, "false"))
		tc_diag_help(wrong(r, row->path, n, "true or false"), "remove the quotes");
	else
		wrong(r, row->path, n, "true or false");
}

static void read_int(struct tc_config_reader *r, const struct tc_row *row, const struct tc_node *n)
{
	uint64_t value;
	struct tc_diag *diag;

	if (tc_as_int(n, row->max, &value) && value >= row->min) {
		*(unsigned *)tc_row_slot(row, r->config) = (unsigned)value;
		return;
	}
	diag = wrong(r, row->path, n, tc_printf(r->mem, "a number from %u to %u", row->min, row->max));
	if (tc_is(n, TC_STRING) && tc_text(n).len && tc_is_digit(tc_text(n).s[0]))
		tc_diag_help(diag, "remove the quotes");
}

/* "a", "b" or "c" */
static const char *choices_text(struct tc_config_reader *r, const char *const *choices)
{
	_cleanup_buf_ struct tc_buf out = {0};

	for (size_t i = 0; choices[i]; i++) {
		if (i > 0)
			tc_buf_puts(&out, choices[i + 1] ? ", " : " or ");
		tc_buf_printf(&out, "\"%s\"", choices[i]);
	}
	return tc_strndup(r->mem, tc_buf_str(&out).s, out.len);
}

static void read_choice(struct tc_config_reader *r, const struct tc_row *row, const struct tc_node *n)
{
	struct tc_str text = tc_text(n);
	size_t count = 0;
	const char *near;
	struct tc_diag *diag;
	bool truth;

	/* `off` without quotes is the boolean false in YAML, and people write it so. */
	if (tc_as_bool(n, &truth) && !truth)
		text = TC_STR("off");
	if (tc_is(n, TC_STRING) && text.len == 0 && !*row->fallback)
		return;
	for (; row->choices[count]; count++)
		if (text.len && tc_str_is(text, row->choices[count])) {
			tc_row_choose(row, r->config, count);
			return;
		}
	diag = wrong(r, row->path, n, choices_text(r, row->choices));
	near = tc_nearest(text, row->choices, count);
	if (near)
		tc_diag_help(diag, "did you mean \"%s\"?", near);
}

static void read_strings(struct tc_config_reader *r, const struct tc_row *row, const struct tc_node *n)
{
	struct tc_strings strings = {0};
	size_t cap = 0, nth = 0;

	if (!tc_is(n, TC_SEQ)) {
		tc_diag_help(wrong(r, row->path, n, tc_printf(r->mem, "a list of %s", row->what)),
			     "write a list, with one item too: [...]");
		return;
	}
	for (const struct tc_node *item = tc_item(n); item; item = tc_item_next(item), nth++) {
		const char *path = tc_printf(r->mem, "%s[%zu]", row->path, nth);
		const char *text = string_of(r, path, item, "a string");
		const char *fault = text ? row->fault(r->mem, text) : NULL;

		if (fault)
			faulty(r, path, item, fault);
		if (!text || fault)
			continue;
		tc_grow(r->mem, strings.list, strings.count, cap);
		strings.list[strings.count++] = text;
	}
	*(struct tc_strings *)tc_row_slot(row, r->config) = strings;
}

static bool is_alphanumeric(char c)
{
	return tc_is_lower(c) || tc_is_upper(c) || tc_is_digit(c);
}

/* The rule that the name of a label (without its prefix) and the value of one share. */
static const char *label_word_fault(struct tc_str text)
{
	if (text.len > 63)
		return "is longer than 63 characters";
	for (size_t i = 0; i < text.len; i++)
		if (!is_alphanumeric(text.s[i]) && (!text.s[i] || !strchr("-_.", text.s[i])))
			return "has a character that labels don't, allowed are letters, digits, -, _ and .";
	if (text.len && (!is_alphanumeric(text.s[0]) || !is_alphanumeric(text.s[text.len - 1])))
		return "begins or ends with something else than a letter or a digit";
	return NULL;
}

/* The DNS name before the slash, if there is one, comes from the API server's own rules (RFC 1123, lower case). */
static const char *label_name_fault(struct tc_str name)
{
	const char *slash = name.len ? memchr(name.s, '/', name.len) : NULL;
	size_t prefix = slash ? (size_t)(slash - name.s) : 0;

	if (slash) {
		if (prefix == 0 || prefix > 253)
			return "has a prefix that is empty or longer than 253 characters";
		for (size_t i = 0; i < prefix; i++)
			if (!tc_is_lower(name.s[i]) && !tc_is_digit(name.s[i]) && name.s[i] != '-' && name.s[i] != '.')
				return "has a prefix that is not a DNS name";
		name = (struct tc_str){.s = slash + 1, .len = name.len - prefix - 1};
	}
	return name.len == 0 ? "is empty" : label_word_fault(name);
}

static void read_labels(struct tc_config_reader *r, const struct tc_row *row, const struct tc_node *n)
{
	struct tc_labels labels = {0};
	size_t listed = 0, cap = 0;

	if (!tc_is(n, TC_MAP)) {
		tc_diag_help(wrong(r, row->path, n, "a mapping of labels"), "write the labels as name: value");
		return;
	}
	for (struct tc_entry e = tc_first(n); e.key; e = tc_next(e)) {
		struct tc_str key = tc_key_text(r->mem, e.key);
		const char *path = tc_printf(r->mem, "%s[%s]", row->path, tc_quote(r->mem, key));
		const char *fault = label_name_fault(key), *value;

		if (fault) {
			tc_diag(r->diags, TC_MSG_BAD_CONFIG_VALUE, tc_node_pos(e.key), "%s: the label's name %s", path,
				fault);
			continue;
		}
		value = string_of(r, path, e.value, "a string");
		fault = value ? label_word_fault(tc_str(value)) : NULL;
		if (fault)
			faulty(r, path, e.value, fault);
		if (!value || fault)
			continue;
		tc_grow(r->mem, labels.list, listed, cap);
		labels.list[listed++] = tc_strndup(r->mem, key.s, key.len);
		tc_grow(r->mem, labels.list, listed, cap);
		labels.list[listed++] = value;
	}
	labels.count = listed / 2;
	*(struct tc_labels *)tc_row_slot(row, r->config) = labels;
}

void tc_config_read_value(struct tc_config_reader *r, const struct tc_row *row, const struct tc_node *n)
{
	static void (*const readers[])(struct tc_config_reader *, const struct tc_row *, const struct tc_node *) = {
		[TC_ROW_BOOL] = read_bool,       [TC_ROW_INT] = read_int,       [TC_ROW_STRING] = read_string,
		[TC_ROW_STRINGS] = read_strings, [TC_ROW_LABELS] = read_labels, [TC_ROW_CHOICE] = read_choice,
	};

	readers[row->type](r, row, n);
}
