/* utf8.h - one code point at a time. */
#ifndef TC_UTF8_H
#define TC_UTF8_H

#include "compiler/base/base.h"

/* Bytes of the code point at s (1 to 4), and the code point; 0 when the bytes are not UTF-8 (RFC 3629: no overlong
 * forms, no surrogates, nothing above U+10FFFF) or when n ends them too early;
 * *cp then stays as it was. */
static inline size_t tc_utf8_decode(const char *s, size_t n, uint32_t *cp)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	unsigned char c = n ? (unsigned char)s[0] : 0xff;
	size_t len = c < 0x80 ? 1 : c < 0xc2 ? 0 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : c < 0xf5 ? 4 : 0;
	uint32_t v = len < 2 ? c : c & (0x7fu >> len);

	if (len == 0 || len > n)
		return 0;
	for (size_t i = 1; i < len; i++) {
		if (((unsigned char)s[i] & 0xc0) != 0x80)
			return 0;
		v = v << 6 | ((unsigned char)s[i] & 0x3fu);
	}
	if (len > 1 && (v < least[len] || v > 0x10ffff || (v >= 0xd800 && v <= 0xdfff)))
		return 0;
	*cp = v;
	return len;
}

/* A code point that a terminal does not draw in one place of its own: control characters, the zero-width ones, and
 * those that change the direction or the line. Tab is one too. */
static inline bool tc_utf8_invisible(uint32_t cp)
{
	return cp < 0x20 || (cp >= 0x7f && cp < 0xa0) || cp == 0xad || (cp >= 0x200b && cp <= 0x200f) ||
	       (cp >= 0x2028 && cp <= 0x202e) || (cp >= 0x2060 && cp <= 0x206f) || cp == 0xfeff;
}

#endif
