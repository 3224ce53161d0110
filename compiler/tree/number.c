#include "compiler/tree/number.h"
#include "compiler/tree/scalar.h"

/* The smallest magnitude that rounds to infinity as a double: 2^1024 - 2^970. */
static const char too_large[] = "17976931348623158079372897140530341507993413271003782693617377898044496829276475"
				"09466490179775872070963302864166928879109465555478519404026306574886715058206819"
				"08902000708383676273854845817711531764475730270069855571366959622842914819860834"
				"936475292719074168444365510704342711559699508093042880177904174497792";

enum { INFINITE_AT = 309 }; /* its decimal exponent, as 0.ddd * 10^309 */

/* The characters of a number without its underscores. */
struct chars {
	const char *p, *end;
};

static int next_char(struct chars *c)
{
	while (c->p < c->end && *c->p == '_')
		c->p++;
	return c->p < c->end ? (unsigned char)*c->p++ : -1;
}

static struct chars chars_of(struct tc_str text)
{
	return (struct chars){.p = text.s, .end = text.s + text.len};
}

static unsigned digit_value(int c)
{
	if (tc_is_digit(c))
		return (unsigned)(c - '0');
	if (c >= 'a' && c <= 'f')
		return (unsigned)(c - 'a') + 10;
	if (c >= 'A' && c <= 'F')
		return (unsigned)(c - 'A') + 10;
	return 99;
}

/* The base by the prefix; *c becomes the first character after it, *digits whether the prefix counts as a digit, *small
 * whether its letter is small. */
static unsigned base_of(struct chars *in, int *c, bool *digits, bool *small)
{
	static const struct {
		char letter;
		unsigned base;
	} prefixes[] = {{'x', 16}, {'o', 8}, {'b', 2}};

	*digits = *small = false;
	if (*c != '0')
		return 10;
	*c = next_char(in);
	for (size_t i = 0; i < TC_COUNT(prefixes); i++)
		if ((*c | 0x20) == prefixes[i].letter && *c > 0) {
			*small = *c == prefixes[i].letter;
			*c = next_char(in);
			return prefixes[i].base;
		}
	*digits = true;
	return 8;
}

bool tc_number_int(struct tc_str text, bool *negative, uint64_t *magnitude)
{
	struct chars in = chars_of(text);
	int c = next_char(&in);
	bool digits, small, sign = c == '+' || c == '-';
	uint64_t value = 0;

	*negative = c == '-';
	if (sign)
		c = next_char(&in);
	unsigned base = base_of(&in, &c, &digits, &small);
	if (base == 2 && small && !sign && (c == '+' || c == '-')) { /* Go's reader takes a sign behind 0b */
		*negative = c == '-';
		sign = true;
		c = next_char(&in);
	}
	for (; c >= 0; c = next_char(&in)) {
		unsigned d = digit_value(c);
		if (d >= base || value > (UINT64_MAX - d) / base)
			return false;
		value = value * base + d;
		digits = true;
	}
	if (!digits || (sign && value > (uint64_t)INT64_MAX + *negative))
		return false;
	*magnitude = value;
	return true;
}

/* [sign] (digits [. [digits]] | . digits) [e [sign] digits] */
static bool is_decimal(struct tc_str text)
{
	struct chars in = chars_of(text);
	int c = next_char(&in);
	bool whole = false, part = false;

	if (c == '+' || c == '-')
		c = next_char(&in);
	for (; tc_is_digit(c); c = next_char(&in))
		whole = true;
	if (c == '.')
		for (c = next_char(&in); tc_is_digit(c); c = next_char(&in))
			part = true;
	if (!whole && !part)
		return false;
	if (c == 'e' || c == 'E') {
		c = next_char(&in);
		if (c == '+' || c == '-')
			c = next_char(&in);
		if (!tc_is_digit(c))
			return false;
		while (tc_is_digit(c))
			c = next_char(&in);
	}
	return c < 0;
}

/* A decimal taken apart: 0.ddd * 10^exponent, the first d not zero; no digits at all for zero. */
struct decimal {
	bool negative;
	struct chars digits; /* up to the exponent; still with dot, leading zeros skipped */
	int64_t exponent;
};

static int next_digit(struct chars *d)
{
	int c;

	do
		c = next_char(d);
	while (c == '.');
	return c < 0 ? -1 : c;
}

static int64_t exponent_of(const char *p, const char *end)
{
	struct chars in = {.p = p, .end = end};
	int c = next_char(&in);
	bool negative = c == '-';
	int64_t e = 0;

	if (c == '+' || c == '-')
		c = next_char(&in);
	for (; tc_is_digit(c); c = next_char(&in))
		if (e < 1000000000000)
			e = e * 10 + (c - '0');
	return negative ? -e : e;
}

/* text: is_decimal. */
static struct decimal decimal_of(struct tc_str text)
{
	const char *end = text.s + text.len, *p = text.s, *mantissa = end;
	struct decimal d = {.negative = text.len && *p == '-', .digits = {end, end}};
	bool dot = false;

	for (const char *e = p; e < end; e++)
		if (*e == 'e' || *e == 'E') {
			d.exponent = exponent_of(e + 1, end);
			mantissa = e;
			break;
		}
	for (; p < mantissa; p++) {
		if (*p == '.') {
			dot = true;
		} else if (tc_is_digit(*p)) {
			bool started = d.digits.p != end;
			if (!started && *p != '0')
				d.digits = (struct chars){p, mantissa};
			started = d.digits.p != end;
			if (started && !dot)
				d.exponent++;
			else if (!started && dot)
				d.exponent--;
		}
	}
	return d;
}

/* Of two sequences of digits behind the point; trailing zeros mean nothing. */
static int compare_digits(struct chars a, struct chars b)
{
	for (;;) {
		int x = next_digit(&a), y = next_digit(&b);
		if (x < 0 && y < 0)
			return 0;
		x = x < 0 ? '0' : x;
		y = y < 0 ? '0' : y;
		if (x != y)
			return x < y ? -1 : 1;
	}
}

static bool is_zero(const struct decimal *d)
{
	return d->digits.p == d->digits.end;
}

static bool is_finite(struct tc_str text)
{
	struct decimal d = decimal_of(text);

	if (is_zero(&d) || d.exponent < INFINITE_AT)
		return true;
	return d.exponent == INFINITE_AT &&
	       compare_digits(d.digits, (struct chars){too_large, too_large + sizeof(too_large) - 1}) < 0;
}

/* After a dot Go reads the text itself, where an underscore must stand between digits. */
static bool underscores_fit(struct tc_str text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.s[i] == '_' &&
		    (i == 0 || !tc_is_digit(text.s[i - 1]) || i + 1 == text.len || !tc_is_digit(text.s[i + 1])))
			return false;
	return true;
}

enum tc_kind tc_number_kind(struct tc_str text)
{
	bool negative;
	uint64_t magnitude;

	if (text.len && text.s[0] == '.' && !underscores_fit(text))
		return TC_STRING;
	if (tc_number_int(text, &negative, &magnitude))
		return TC_INT;
	return is_decimal(text) && is_finite(text) ? TC_FLOAT : TC_STRING;
}

bool tc_number_is_json(struct tc_str text)
{
	const char *p = text.s, *end = text.s + text.len;

	for (const char *q = p; q < end; q++)
		if (*q == '_')
			return false;
	if (!is_decimal(text) || *p == '+')
		return false;
	p += *p == '-';
	if (*p == '.' || (p + 1 < end && *p == '0' && tc_is_digit(p[1])))
		return false;
	while (p < end && tc_is_digit(*p))
		p++;
	return p == end || *p != '.' || (p + 1 < end && tc_is_digit(p[1]));
}

/* A decimal that JSON does not know: 08, +1, .5, 5., 1_0.5 */
static struct tc_str respell(struct tc_arena *mem, struct tc_str text)
{
	char *out = tc_alloc_text(mem, text.len + 2);
	struct chars in = chars_of(text);
	size_t n = 0;
	int c = next_char(&in);

	if (c == '-')
		out[n++] = '-';
	if (c == '+' || c == '-')
		c = next_char(&in);
	size_t whole = n;
	for (; tc_is_digit(c); c = next_char(&in)) {
		if (n == whole + 1 && out[whole] == '0')
			n--;
		out[n++] = (char)c;
	}
	if (n == whole)
		out[n++] = '0';
	if (c == '.') {
		size_t dot = n;
		out[n++] = '.';
		for (c = next_char(&in); tc_is_digit(c); c = next_char(&in))
			out[n++] = (char)c;
		if (n == dot + 1)
			n = dot;
	}
	for (; c >= 0; c = next_char(&in))
		out[n++] = (char)c;
	return (struct tc_str){.s = out, .len = n};
}

struct tc_str tc_scalar_json_number(struct tc_arena *mem, struct tc_str text, enum tc_kind kind)
{
	bool negative;
	uint64_t magnitude;

	if (tc_number_is_json(text))
		return text;
	/* A float may be spelled so as well: !!float 017. */
	if ((kind == TC_INT || kind == TC_FLOAT) && tc_number_int(text, &negative, &magnitude))
		return tc_str(
			tc_printf(mem, "%s%llu", negative && magnitude ? "-" : "", (unsigned long long)magnitude));
	return respell(mem, text);
}

bool tc_scalar_same_number(struct tc_str a, struct tc_str b)
{
	struct tc_str side[2] = {a, b};
	struct decimal d[2];
	char digits[2][24];

	if (tc_str_equal(a, b))
		return true;
	for (int i = 0; i < 2; i++) {
		bool negative;
		uint64_t magnitude;
		if (tc_number_int(side[i], &negative,
				  &magnitude)) { /* 0x1F and 017 are no decimals: spell them as one */
			size_t n = sizeof(digits[i]);
			for (; magnitude || n == sizeof(digits[i]); magnitude /= 10)
				digits[i][--n] = (char)('0' + magnitude % 10);
			if (negative)
				digits[i][--n] = '-';
			side[i] = (struct tc_str){.s = digits[i] + n, .len = sizeof(digits[i]) - n};
		} else if (!is_decimal(side[i])) {
			return false;
		}
		d[i] = decimal_of(side[i]);
	}
	if (is_zero(&d[0]) || is_zero(&d[1]))
		return is_zero(&d[0]) && is_zero(&d[1]);
	return d[0].negative == d[1].negative && d[0].exponent == d[1].exponent &&
	       compare_digits(d[0].digits, d[1].digits) == 0;
}
