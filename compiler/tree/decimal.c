#include "compiler/tree/decimal.h"

/* 0.<digits> x 10^exp, digits without zeros at either end; zero has none. */
struct decimal {
	const char *digits;
	size_t n;
	long exp;
	const char *sign;
};

#define EXPONENT_MAX 1000000 /* what lies beyond is no number that any reader lets through */

static long exponent_of(const char *p, const char *end)
{
	bool minus = p < end && *p == '-';
	long e = 0;

	for (; p < end; p++) {
		if (tc_is_digit(*p) && e < EXPONENT_MAX)
			e = e * 10 + (*p - '0');
	}
	return minus ? -e : e;
}

static struct decimal split(struct tc_arena *mem, struct tc_str json)
{
	const char *p = json.s, *end = json.s + json.len;
	char *digits = tc_alloc_text(mem, json.len + 1);
	struct decimal d = {.digits = digits, .sign = ""};
	bool point = false;

	if (p < end && *p == '-') {
		d.sign = "-";
		p++;
	}
	for (; p < end && (tc_is_digit(*p) || *p == '.'); p++) {
		if (*p == '.') {
			point = true;
			continue;
		}
		if (d.n > 0 || *p != '0')
			digits[d.n++] = *p;
		d.exp += point ? -(d.n == 0) : d.n > 0;
	}
	if (p < end)
		d.exp += exponent_of(p + 1, end);
	while (d.n > 0 && digits[d.n - 1] == '0')
		d.n--;
	return d;
}

static struct tc_str zeros(struct tc_arena *mem, const struct decimal *d)
{
	return tc_str(tc_printf(mem, "%s%.*s%.*s", d->sign, (int)d->n, d->digits, (int)(d->exp - (long)d->n),
				"00000000000000000000"));
}

struct tc_str tc_decimal_key(struct tc_arena *mem, struct tc_str json)
{
	struct decimal d = split(mem, json);
	int n = (int)d.n;

	if (n == 0)
		return tc_str(d.sign[0] ? "-0" : "0");
	if (d.exp < -3 || d.exp > 6)
		return tc_str(tc_printf(mem, "%s%c%s%.*se%c%02ld", d.sign, d.digits[0], n > 1 ? "." : "", n - 1,
					d.digits + 1, d.exp > 0 ? '+' : '-', d.exp > 0 ? d.exp - 1 : 1 - d.exp));
	if (d.exp <= 0)
		return tc_str(tc_printf(mem, "%s0.%.*s%.*s", d.sign, (int)-d.exp, "000", n, d.digits));
	if (d.exp >= n)
		return zeros(mem, &d);
	return tc_str(tc_printf(mem, "%s%.*s.%.*s", d.sign, (int)d.exp, d.digits, n - (int)d.exp, d.digits + d.exp));
}

/* FLT_DIG digits come back from any float of full precision; the smallest of those is 1.18e-38, the largest 3.4e38. */
bool tc_decimal_is_short(struct tc_arena *mem, struct tc_str json)
{
	struct decimal d = split(mem, json);

	return d.n == 0 ? !d.sign[0] : (d.n <= 6 && d.exp >= -36 && d.exp <= 38);
}

/* Digits alone, and not too many: what nearly all numbers are. */
static bool is_plain(struct tc_str json)
{
	for (size_t i = 0; i < json.len; i++) {
		if (!tc_is_digit(json.s[i]))
			return false;
	}
	return json.len <= 20 && (json.s[0] != '0' || json.len == 1);
}

struct tc_str tc_decimal_canonical(struct tc_arena *mem, struct tc_str json)
{
	struct decimal d;

	if (is_plain(json))
		return json;
	d = split(mem, json);

	if (d.n == 0)
		return TC_STR("0");
	if (d.exp >= (long)d.n && d.exp <= 20)
		return zeros(mem, &d);
	return tc_str(tc_printf(mem, "%s%.*se%ld", d.sign, (int)d.n, d.digits, d.exp - (long)d.n));
}
