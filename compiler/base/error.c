#include "compiler/base/error.h"

/* What is printed must stay one line, and names of files may hold anything; nor may the cut leave half a code point. */
static void tidy(char *s, bool cut)
{
	size_t n = strlen(s), lead = n;

	for (char *p = s; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = '?';
	if (!cut)
		return;
	while (lead > 0 && ((unsigned char)s[lead - 1] & 0xc0) == 0x80)
		lead--;
	if (lead > 0 && (unsigned char)s[lead - 1] >= 0xc0)
		s[lead - 1] = '\0';
}

int tc_fail(struct tc_error *e, enum tc_code code, const char *fmt, ...)
{
	va_list ap;
	int n;

	e->code = code;
	va_start(ap, fmt);
	n = vsnprintf(e->msg, sizeof(e->msg), fmt, ap);
	va_end(ap);
	tidy(e->msg, n >= (int)sizeof(e->msg));
	return -1;
}

int tc_wrap(struct tc_error *e, const char *fmt, ...)
{
	char context[sizeof(e->msg)], cause[sizeof(e->msg)];
	va_list ap;
	int n;

	memcpy(cause, e->msg, sizeof(cause));
	va_start(ap, fmt);
	vsnprintf(context, sizeof(context), fmt, ap);
	va_end(ap);
	n = snprintf(e->msg, sizeof(e->msg), "%s: %s", context, cause);
	tidy(e->msg, n >= (int)sizeof(e->msg));
	return -1;
}
