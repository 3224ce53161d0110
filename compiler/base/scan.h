/* scan.h - texts looked through sixteen bytes at a time, where the processor can. */
#ifndef TC_SCAN_H
#define TC_SCAN_H

#include "compiler/base/base.h"

/* What stands for itself in a JSON string that is read: not `"`, `\`, control characters. */
static inline bool tc_is_plain(char c)
{
	return (unsigned char)c >= 0x20 && c != '"' && c != '\\';
}

/* In one that is written: of ASCII, and no DEL either. */
static inline bool tc_is_plain_ascii(char c)
{
	return tc_is_plain(c) && (unsigned char)c < 0x7f;
}

static inline bool tc_is_ascii(char c)
{
	return (unsigned char)c < 0x80;
}

/* Each is the rule above for sixteen bytes: which of them are not so. */
#ifdef __SSE2__
#include <emmintrin.h>

static inline __m128i tc_not_ascii(__m128i text)
{
	return text; /* the high bits are what is looked at */
}

static inline __m128i tc_quotes(__m128i text)
{
	return _mm_or_si128(_mm_cmpeq_epi8(text, _mm_set1_epi8('"')), _mm_cmpeq_epi8(text, _mm_set1_epi8('\\')));
}

static inline __m128i tc_not_plain(__m128i text)
{
	return _mm_or_si128(_mm_cmpeq_epi8(_mm_min_epu8(text, _mm_set1_epi8(0x1f)), text), tc_quotes(text));
}

static inline __m128i tc_not_plain_ascii(__m128i text)
{
	/* signed: what is beyond ASCII is below zero */
	__m128i low = _mm_cmplt_epi8(text, _mm_set1_epi8(0x20)), del = _mm_cmpeq_epi8(text, _mm_set1_epi8(0x7f));

	return _mm_or_si128(_mm_or_si128(low, del), tc_quotes(text));
}

static inline __attribute__((always_inline)) const char *tc_skip_blocks(const char *p, const char *end,
									__m128i (*stops)(__m128i))
{
	for (; end - p >= 16; p += 16) {
		int mask = _mm_movemask_epi8(stops(_mm_loadu_si128((const void *)p)));

		if (mask)
			return p + __builtin_ctz((unsigned)mask);
	}
	if (end - p >= 8) {
		/* The first eight bytes and the last eight, which may share some. */
		__m128i both =
			_mm_unpacklo_epi64(_mm_loadl_epi64((const void *)p), _mm_loadl_epi64((const void *)(end - 8)));

		if (!_mm_movemask_epi8(stops(both)))
			return end;
	}
	return p;
}

#define TC_SKIP_BLOCKS(p, end, stops) tc_skip_blocks((p), (end), (stops))
#else
#define TC_SKIP_BLOCKS(p, end, stops) (p)
#endif

/* The first byte from p on that is not plain; end: all are. */
static inline const char *tc_plain_end(const char *p, const char *end)
{
	p = TC_SKIP_BLOCKS(p, end, tc_not_plain);
	while (p < end && tc_is_plain(*p))
		p++;
	return p;
}

static inline const char *tc_plain_ascii_end(const char *p, const char *end)
{
	p = TC_SKIP_BLOCKS(p, end, tc_not_plain_ascii);
	while (p < end && tc_is_plain_ascii(*p))
		p++;
	return p;
}

static inline const char *tc_ascii_end(const char *p, const char *end)
{
	p = TC_SKIP_BLOCKS(p, end, tc_not_ascii);
	while (p < end && tc_is_ascii(*p))
		p++;
	return p;
}

#endif
