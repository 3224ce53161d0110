#include "compiler/base/format.h"

struct out {
	char *to;
	size_t room, len; /* len: of the whole text, which may not have room */
};

static void put(struct out *o, const char *s, size_t n)
{
	if (o->len < o->room)
		memcpy(o->to + o->len, s, n < o->room - o->len ? n : o->room - o->len);
	o->len += n;
}

static void put_number(struct out *o, size_t number)
{
	char digits[24], *p = digits + sizeof(digits);

	do
		*--p = (char)('0' + number % 10);
	while (number /= 10);
	put(o, p, (size_t)(digits + sizeof(digits) - p));
}

/* Of a text that need not be terminated when it is as long as that. */
static void put_text(struct out *o, const char *s, int most)
{
	const char *end = most < 0 ? NULL : memchr(s, '\0', (size_t)most);

	put(o, s, most < 0 ? strlen(s) : end ? (size_t)(end - s) : (size_t)most);
}

/* fmt stands behind a percent sign and moves past its conversion. False: not one of ours. */
static bool convert(struct out *o, const char **fmt, va_list *ap)
{
	const char *f = *fmt, *s;
	char c;
	int most;

	if (*f == 's') {
		s = va_arg(*ap, const char *);
		*fmt = f + 1;
		if (s)
			put_text(o, s, -1);
		return s;
	}
	if (f[0] == '.' && f[1] == '*' && f[2] == 's') {
		most = va_arg(*ap, int);
		s = va_arg(*ap, const char *);
		*fmt = f + 3;
		if (s)
			put_text(o, s, most);
		return s;
	}
	if (*f == 'c') {
		c = (char)va_arg(*ap, int);
		*fmt = f + 1;
		put(o, &c, 1);
		return true;
	}
	if (*f == 'u') {
		*fmt = f + 1;
		put_number(o, va_arg(*ap, unsigned));
		return true;
	}
	if (f[0] == 'z' && f[1] == 'u') {
		*fmt = f + 2;
		put_number(o, va_arg(*ap, size_t));
		return true;
	}
	return false;
}

int tc_format(char *to, size_t room, const char *fmt, va_list ap)
{
	struct out o = {.to = to, .room = room};
	const char *f = fmt;
	va_list mine;
	bool ours = true;

	va_copy(mine, ap);
	while (ours && *f) {
		const char *run = f;

		while (*f && *f != '%')
			f++;
		put(&o, run, (size_t)(f - run));
		if (*f) {
			f++;
			ours = convert(&o, &f, &mine);
		}
	}
	va_end(mine);
	if (!ours || o.len > INT_MAX)
		return vsnprintf(to, room, fmt, ap);
	if (room)
		to[o.len < room ? o.len : room - 1] = '\0';
	return (int)o.len;
}
