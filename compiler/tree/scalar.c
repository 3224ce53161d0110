#include "compiler/tree/scalar.h"
#include "compiler/base/utf8.h"
#include "compiler/tree/number.h"

/* What the first byte says a plain scalar may be besides a string. */
enum hint { NOTHING, WORD, NUMBER };

static const uint8_t hints[256] = {
	['0'] = NUMBER, ['1'] = NUMBER, ['2'] = NUMBER, ['3'] = NUMBER, ['4'] = NUMBER, ['5'] = NUMBER,
	['6'] = NUMBER, ['7'] = NUMBER, ['8'] = NUMBER, ['9'] = NUMBER, ['+'] = NUMBER, ['-'] = NUMBER,
	['.'] = NUMBER, ['y'] = WORD,   ['Y'] = WORD,   ['n'] = WORD,   ['N'] = WORD,   ['t'] = WORD,
	['T'] = WORD,   ['f'] = WORD,   ['F'] = WORD,   ['o'] = WORD,   ['O'] = WORD,   ['~'] = WORD,
};

/* Spelled small, Capitalised or LARGE, never mixed. */
static const struct word {
	const char *word;
	size_t len;
	enum tc_kind kind;
	bool value;
} words[] = {
	{"y", 1, TC_BOOL, true},    {"yes", 3, TC_BOOL, true},    {"true", 4, TC_BOOL, true},
	{"on", 2, TC_BOOL, true},   {"n", 1, TC_BOOL, false},     {"no", 2, TC_BOOL, false},
	{"off", 3, TC_BOOL, false}, {"false", 5, TC_BOOL, false}, {"null", 4, TC_NULL, false},
	{"~", 1, TC_NULL, false},
};

enum {
	LONGEST_WORD = 5,
	KEY_LONGEST = 1000 /* an implicit key ends before 1024 characters */
};

/* letters: of a word in one of the three spellings; anything but a letter must be equal. */
static bool spelled(struct tc_str text, const struct word *w)
{
	size_t n = w->len, large = 0;

	if (text.len != n)
		return false;
	for (size_t i = 0; i < n; i++) {
		bool upper = tc_is_upper(text.s[i]);
		if ((upper ? text.s[i] | 0x20 : text.s[i]) != w->word[i])
			return false;
		large += upper;
	}
	return large == 0 || large == n || (large == 1 && tc_is_upper(text.s[0]));
}

/* .inf, +.INF, .NaN: in the spellings that the resolver lists, which know no .Nan. */
static bool is_not_finite(struct tc_str text)
{
	static const char *const spellings[] = {".inf", ".Inf", ".INF"}, *const nans[] = {".nan", ".NaN", ".NAN"};

	if ((text.len != 4 || text.s[0] != '.') && (text.len != 5 || text.s[1] != '.'))
		return false;
	for (size_t i = 0; i < TC_COUNT(nans); i++)
		if (tc_str_is(text, nans[i]))
			return true;
	if (text.len == 5 && (text.s[0] == '+' || text.s[0] == '-'))
		text = (struct tc_str){.s = text.s + 1, .len = text.len - 1};
	for (size_t i = 0; i < TC_COUNT(spellings); i++)
		if (tc_str_is(text, spellings[i]))
			return true;
	return false;
}

enum tc_kind tc_scalar_kind(struct tc_str text, enum tc_scalar_fault *fault)
{
	*fault = TC_SCALAR_FINE;
	if (text.len == 0)
		return TC_NULL;
	switch (hints[(unsigned char)text.s[0]]) {
	case WORD:
		for (size_t i = 0; text.len <= LONGEST_WORD && i < TC_COUNT(words); i++)
			if (spelled(text, &words[i]))
				return words[i].kind;
		return TC_STRING;
	case NUMBER:
		if (is_not_finite(text)) {
			*fault = TC_SCALAR_NOT_FINITE;
			return TC_FLOAT;
		}
		return tc_number_kind(text);
	default:
		return TC_STRING;
	}
}

bool tc_scalar_true(struct tc_str text)
{
	for (size_t i = 0; i < TC_COUNT(words); i++)
		if (spelled(text, &words[i]))
			return words[i].value;
	return false; /* unreachable: a boolean is one of the words */
}

static bool is_utf8(struct tc_str text)
{
	uint32_t cp;

	for (size_t i = 0, n; i < text.len; i += n) {
		n = tc_utf8_decode(text.s + i, text.len - i, &cp);
		if (n == 0)
			return false;
	}
	return true;
}

/* RFC 4648 with padding; line breaks are skipped. JSON carries text only, so that bytes which are none are refused. */
static bool decode_base64(struct tc_arena *mem, struct tc_str *text)
{
	char *out = tc_alloc_text(mem, text->len / 4 * 3 + 3);
	size_t n = 0, filled = 0, pads = 0;
	uint32_t bits = 0;

	for (size_t i = 0; i < text->len; i++) {
		char c = text->s[i];
		if (c == '\n' || c == '\r')
			continue;
		int v = tc_base64_digit(c);
		if (c == '=' && filled >= 2 && pads < 2)
			pads++;
		else if (v < 0 || pads)
			return false;
		bits = bits << 6 | (uint32_t)(v < 0 ? 0 : v);
		if (++filled < 4)
			continue;
		for (size_t k = 0; k < 3 - pads; k++)
			out[n++] = (char)(bits >> (16 - 8 * k) & 0xff);
		bits = 0;
		filled = pads ? 4 : 0; /* nothing may follow padding */
		if (pads)
			pads = 2;
	}
	if (filled % 4)
		return false;
	*text = (struct tc_str){.s = out, .len = n};
	return is_utf8(*text);
}

/* A number of at most `most` digits, between low and high. */
static bool take_number(struct tc_str *in, size_t most, unsigned low, unsigned high, unsigned *value)
{
	size_t n = 0;

	*value = 0;
	while (n < in->len && n < most && tc_is_digit(in->s[n]))
		*value = *value * 10 + (unsigned)(in->s[n++] - '0');
	*in = (struct tc_str){.s = in->s + n, .len = in->len - n};
	return n > 0 && *value >= low && *value <= high;
}

static bool take_char(struct tc_str *in, const char *any)
{
	if (in->len == 0 || !strchr(any, in->s[0]) || in->s[0] == '\0')
		return false;
	*in = (struct tc_str){.s = in->s + 1, .len = in->len - 1};
	return true;
}

static unsigned days_in(unsigned year, unsigned month)
{
	static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

	return days[month - 1] + (month == 2 && leap);
}

/* 2001-12-14, with a time behind a space, or behind T and then with a zone: 2001-12-14T21:59:43.10-05:00 */
static bool is_timestamp(struct tc_str in)
{
	unsigned year, month, day, part;
	const char *begin = in.s;

	if (!take_number(&in, 4, 0, 9999, &year) || in.s - begin != 4 || !take_char(&in, "-") ||
	    !take_number(&in, 2, 1, 12, &month) || !take_char(&in, "-") ||
	    !take_number(&in, 2, 1, days_in(year, month), &day))
		return false;
	if (in.len == 0)
		return true;
	bool zone = in.s[0] != ' ';
	if (!take_char(&in, " Tt"))
		return false;
	while (!zone && take_char(&in, " ")) /* more of them mean nothing */
		;
	if (!take_number(&in, 2, 0, 23, &part) || !take_char(&in, ":") || !take_number(&in, 2, 0, 59, &part) ||
	    !take_char(&in, ":") || !take_number(&in, 2, 0, 59, &part))
		return false;
	if (take_char(&in, ".,") && !take_number(&in, in.len, 0, UINT32_MAX, &part))
		return false;
	if (!zone)
		return in.len == 0;
	if (take_char(&in, "Z"))
		return in.len == 0;
	return in.len == 6 && take_char(&in, "+-") && take_number(&in, 2, 0, 24, &part) && take_char(&in, ":") &&
	       take_number(&in, 2, 0, 60, &part) && in.len == 0;
}

static const struct {
	const char *tag;
	enum tc_kind kind;
} core_tags[] = {
	{"tag:yaml.org,2002:null", TC_NULL},
	{"tag:yaml.org,2002:bool", TC_BOOL},
	{"tag:yaml.org,2002:int", TC_INT},
	{"tag:yaml.org,2002:float", TC_FLOAT},
};

/* !!float takes an integer too, one that fits int64. */
static bool fits_tag(struct tc_str text, enum tc_kind found, enum tc_kind wanted)
{
	bool negative;
	uint64_t magnitude;

	return found == wanted ||
	       (wanted == TC_FLOAT && found == TC_INT && tc_number_int(text, &negative, &magnitude) &&
		magnitude <= (uint64_t)INT64_MAX + negative);
}

enum tc_kind tc_scalar_tagged(struct tc_arena *mem, const char *tag, struct tc_str *text, enum tc_scalar_fault *fault)
{
	*fault = TC_SCALAR_FINE;
	for (size_t i = 0; i < TC_COUNT(core_tags); i++) {
		if (strcmp(tag, core_tags[i].tag) != 0)
			continue;
		enum tc_kind found = tc_scalar_kind(*text, fault);
		if (*fault == TC_SCALAR_FINE && !fits_tag(*text, found, core_tags[i].kind))
			*fault = TC_SCALAR_BAD_TAG;
		return core_tags[i].kind;
	}
	if ((strcmp(tag, "tag:yaml.org,2002:timestamp") == 0 && !is_timestamp(*text)) ||
	    (strcmp(tag, "tag:yaml.org,2002:binary") == 0 && !decode_base64(mem, text)))
		*fault = TC_SCALAR_BAD_TAG;
	return TC_STRING;
}

/* Strings to Kubernetes, but a number or a date to other readers of YAML 1.1: 1:30, 2001-01-01, 1e400. */
static bool looks_like_number(struct tc_str text)
{
	static const char other[] = "_:.eE+-";
	size_t colons = 0, i = 0;

	if (text.len >= 6 && tc_is_digit(text.s[0]) && tc_is_digit(text.s[1]) && tc_is_digit(text.s[2]) &&
	    tc_is_digit(text.s[3]) && text.s[4] == '-' && tc_is_digit(text.s[5]))
		return true;
	for (; i < text.len && (tc_is_digit(text.s[i]) || (text.s[i] && strchr(other, text.s[i]))); i++)
		colons += text.s[i] == ':';
	return i == text.len && (colons > 0 || memchr(text.s, 'e', i) || memchr(text.s, 'E', i));
}

/* Breaks and marks that readers take for more than a letter: NEL and the other C1 controls, LS, PS, BOM. */
static bool has_odd_letter(struct tc_str text)
{
	const unsigned char *p = (const unsigned char *)text.s;

	for (size_t i = 0; i < text.len; i++) {
		size_t left = text.len - i;
		if (p[i] < 0x20 || p[i] == 0x7f)
			return true;
		if (p[i] < 0x80)
			continue;
		if (p[i] == 0xc2 && left > 1 && p[i + 1] < 0xa0)
			return true;
		if (p[i] == 0xe2 && left > 2 && p[i + 1] == 0x80 && (p[i + 2] == 0xa8 || p[i + 2] == 0xa9))
			return true;
		if (p[i] == 0xef && left > 2 && p[i + 1] == 0xbb && p[i + 2] == 0xbf)
			return true;
	}
	return tc_text_check(text) != text.len;
}

/* Nearly all keys and values: a letter, and behind it what means nothing anywhere. 1e3 is a number to some, so that e
 * has to be looked at. */
static bool is_harmless(struct tc_str text)
{
	static const bool letters[256] = {
		['a' ... 'z'] = true, ['A' ... 'Z'] = true, ['0' ... '9'] = true, ['-'] = true, ['_'] = true,
		['.'] = true,         ['/'] = true,         ['+'] = true,         ['='] = true,
	};

	if ((!tc_is_lower(text.s[0]) && !tc_is_upper(text.s[0])) || (text.s[0] | 0x20) == 'e')
		return false;
	for (size_t i = 1; i < text.len; i++)
		if (!letters[(unsigned char)text.s[i]])
			return false;
	return text.len <= KEY_LONGEST;
}

bool tc_scalar_plain_ok(struct tc_str text, bool flow, bool key)
{
	enum tc_scalar_fault fault;

	if (text.len == 0 || tc_scalar_kind(text, &fault) != TC_STRING)
		return false;
	if (is_harmless(text))
		return true;
	if (looks_like_number(text) || has_odd_letter(text))
		return false;
	char first = text.s[0], last = text.s[text.len - 1];
	if (strchr("?:,[]{}#&*!|>'\"%@`=< ", first) || last == ' ' || last == ':')
		return false;
	if (first == '-' && (text.len == 1 || text.s[1] == ' ' || text.s[1] == '-'))
		return false;
	if (tc_str_starts(text, "..."))
		return false;
	if (key && text.len > KEY_LONGEST)
		return false;
	for (size_t i = 0; i + 1 < text.len; i++)
		if ((text.s[i] == ':' && text.s[i + 1] == ' ') || (text.s[i] == ' ' && text.s[i + 1] == '#'))
			return false;
	for (size_t i = 0; flow && i < text.len; i++)
		if (strchr(",[]{}?:", text.s[i]))
			return false;
	return !(flow && first == '-');
}
