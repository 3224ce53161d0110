/* Hex digests and base64: the two encodings that names, annotations and Secrets need. */
#include "compiler/contract/identity.h"

#include <endian.h>

const char *tc_sha256_hex(struct tc_arena *mem, struct tc_str data, size_t n)
{
	static const char digits[] = "0123456789abcdef";
	unsigned char sum[TC_SHA256_LEN];
	char *hex = tc_alloc_text(mem, n + 1);

	if (n > 2 * sizeof(sum))
		abort(); /* unreachable: no caller wants more than there is */
	tc_sha256(data, sum);
	for (size_t i = 0; i < n; i++)
		hex[i] = digits[i % 2 ? sum[i / 2] & 15 : sum[i / 2] >> 4];
	hex[n] = '\0';
	return hex;
}

static const char base64_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* Of the low 24 bits. */
static inline void put_quad(char *out, uint32_t bits)
{
	out[0] = base64_digits[bits >> 18 & 63];
	out[1] = base64_digits[bits >> 12 & 63];
	out[2] = base64_digits[bits >> 6 & 63];
	out[3] = base64_digits[bits & 63];
}

char *tc_base64(struct tc_arena *mem, struct tc_str data)
{
	char *text = tc_alloc_text(mem, (data.len + 2) / 3 * 4 + 1), *out = text;

	size_t i = 0;

	/* Six bytes of eight that are read at once. */
	for (; data.len - i >= sizeof(uint64_t); i += 6, out += 8) {
		uint64_t eight;

		memcpy(&eight, data.s + i, sizeof(eight));
		eight = be64toh(eight);
		put_quad(out, (uint32_t)(eight >> 40));
		put_quad(out + 4, (uint32_t)(eight >> 16));
	}
	for (; data.len - i >= 3; i += 3, out += 4) {
		const unsigned char *in = (const unsigned char *)data.s + i;

		put_quad(out, (uint32_t)in[0] << 16 | (uint32_t)in[1] << 8 | in[2]);
	}
	if (i < data.len) {
		unsigned char a = (unsigned char)data.s[i], b = data.len - i > 1 ? (unsigned char)data.s[i + 1] : 0;

		*out++ = base64_digits[a >> 2];
		*out++ = base64_digits[(a & 3) << 4 | b >> 4];
		*out++ = data.len - i > 1 ? base64_digits[(b & 15) << 2] : '=';
		*out++ = '=';
	}
	*out = '\0';
	return text;
}

/* Four characters, of which the last `pad` are '='. False for a bad digit or for spare bits that are not zero: such a
 * text has a second spelling, and two texts would mean one value. */
static bool decode_quad(const char *in, size_t pad, char **out)
{
	uint32_t bits = 0;

	for (size_t k = 0; k < 4; k++) {
		int digit = k < 4 - pad ? tc_base64_digit(in[k]) : 0;

		if (digit < 0 || (k >= 4 - pad && in[k] != '='))
			return false;
		bits = bits << 6 | (uint32_t)digit;
	}
	if (bits & ((1u << 8 * pad) - 1))
		return false;
	for (size_t k = 0; k < 3 - pad; k++)
		*(*out)++ = (char)(bits >> (16 - 8 * k) & 0xff);
	return true;
}

bool tc_base64_decode(struct tc_arena *mem, struct tc_str text, struct tc_str *out)
{
	char *bytes = tc_alloc_text(mem, text.len / 4 * 3 + 1), *end = bytes;

	*out = (struct tc_str){.s = bytes, .len = 0};
	if (text.len % 4 != 0)
		return false;
	for (size_t i = 0; i < text.len; i += 4) {
		size_t pad = 0;

		if (i + 4 == text.len)
			pad = text.s[i + 3] != '=' ? 0 : text.s[i + 2] != '=' ? 1 : 2;
		if (!decode_quad(text.s + i, pad, &end))
			return false;
	}
	*end = '\0';
	out->len = (size_t)(end - bytes);
	return true;
}
