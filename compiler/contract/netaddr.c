#include "compiler/contract/netaddr.h"

#include "compiler/base/buf.h"
#include "compiler/base/diag.h"

#define HOST_MAX 253
#define LABEL_MAX 63

/* What an outside destination never includes. 168.63.129.16 is Azure's metadata service and 192.0.0.0/24 holds
 * Oracle's; 240.0.0.0/4 serves as a pod range on GKE. Sorted, and none lies in another. */
#define PRIVATE_V4(X)           \
	X(0, 0, 0, 0, 8)        \
	X(10, 0, 0, 0, 8)       \
	X(100, 64, 0, 0, 10)    \
	X(127, 0, 0, 0, 8)      \
	X(168, 63, 129, 16, 32) \
	X(169, 254, 0, 0, 16)   \
	X(172, 16, 0, 0, 12)    \
	X(192, 0, 0, 0, 24)     \
	X(192, 168, 0, 0, 16)   \
	X(198, 18, 0, 0, 15)    \
	X(224, 0, 0, 0, 4)      \
	X(240, 0, 0, 0, 4)

#define V4(a, b, c, d, n) {.addr = {a, b, c, d}, .bits = (n)},
#define NAT64(a, b, c, d, n) {.addr = {0, 0x64, 0xff, 0x9b, [12] = a, b, c, d}, .bits = 96 + (n), .v6 = true},

static const struct tc_cidr private_v4[] = {PRIVATE_V4(V4)};

/* 64:ff9b::/96 is how IPv6-only clusters reach IPv4 (NAT64), so only the private ranges inside it are left out. 6to4
 * has no public relays any more, so that nothing is lost with the whole of it. */
static const struct tc_cidr private_v6[] = {
	{.addr = {0}, .bits = 127, .v6 = true},                        /* ::, ::1 */
	PRIVATE_V4(NAT64)                                              /* the same behind NAT64 */
	{.addr = {0, 0x64, 0xff, 0x9b, 0, 1}, .bits = 48, .v6 = true}, /* local NAT64 */
	{.addr = {0x20, 0x02}, .bits = 16, .v6 = true},                /* 6to4 */
	{.addr = {0xfc}, .bits = 7, .v6 = true},                       /* unique local */
	{.addr = {0xfe, 0x80}, .bits = 10, .v6 = true},                /* link-local */
	{.addr = {0xfe, 0xc0}, .bits = 10, .v6 = true},                /* site-local, deprecated */
	{.addr = {0xff}, .bits = 8, .v6 = true},                       /* multicast */
};

static const char not_a_block[] = "is neither an address nor a block such as 203.0.113.0/24 or 2001:db8::/32";

const struct tc_cidr *tc_private_ranges(bool v6, size_t *count)
{
	*count = v6 ? TC_COUNT(private_v6) : TC_COUNT(private_v4);
	return v6 ? private_v6 : private_v4;
}

static bool has_char(struct tc_str t, char c)
{
	return t.len && memchr(t.s, c, t.len);
}

static char lower(char c)
{
	return tc_is_upper(c) ? (char)(c - 'A' + 'a') : c;
}

static struct tc_str from(struct tc_str t, size_t i)
{
	return (struct tc_str){.s = t.s + i, .len = t.len - i};
}

/* Decimal, 1 to 3 digits, without leading zeros; *i is moved past it. */
static const char *parse_small(struct tc_str t, size_t *i, unsigned *value)
{
	size_t start = *i;

	*value = 0;
	for (; *i < t.len && tc_is_digit(t.s[*i]) && *i - start < 4; ++*i)
		*value = *value * 10 + (unsigned)(t.s[*i] - '0');
	if (*i == start || *i - start > 3)
		return not_a_block;
	return *i - start > 1 && t.s[start] == '0' ? "has a number with a leading zero" : NULL;
}

static const char *parse_v4(struct tc_str t, unsigned char out[4])
{
	size_t i = 0;

	/* Otherwise 300.example.com would be told that it has a number over 255. */
	for (size_t k = 0; k < t.len; k++)
		if (!tc_is_digit(t.s[k]) && t.s[k] != '.')
			return not_a_block;
	for (unsigned n = 0; n < 4; n++) {
		unsigned value;
		const char *fault = parse_small(t, &i, &value);

		if (fault)
			return fault;
		if (value > 255)
			return "has a number over 255";
		out[n] = (unsigned char)value;
		if (n < 3 && (i == t.len || t.s[i++] != '.'))
			return not_a_block;
	}
	return i == t.len ? NULL : not_a_block;
}

static unsigned hex_digit(char c)
{
	return (unsigned)(tc_is_digit(c) ? c - '0' : lower(c) - 'a' + 10);
}

/* One group of an IPv6 address, or the dotted IPv4 address at its end. *n: bytes of out that are filled. */
static bool parse_group(struct tc_str t, size_t *i, unsigned char out[16], size_t *n)
{
	size_t start = *i;
	unsigned value = 0;

	for (; *i < t.len && tc_is_hex(t.s[*i]) && *i - start < 4; ++*i)
		value = value * 16 + hex_digit(t.s[*i]);
	if (*i == start)
		return false;
	if (*i < t.len && t.s[*i] == '.') {
		if (*n > 12 || parse_v4(from(t, start), out + *n))
			return false;
		*n += 4;
		*i = t.len;
		return true;
	}
	out[(*n)++] = (unsigned char)(value >> 8);
	out[(*n)++] = (unsigned char)(value & 0xff);
	return true;
}

/* RFC 4291, section 2.2. */
static bool parse_v6(struct tc_str t, unsigned char out[16])
{
	size_t n = 0, i = 0, gap = SIZE_MAX;

	memset(out, 0, 16);
	if (t.len >= 2 && t.s[0] == ':' && t.s[1] == ':') {
		gap = 0;
		i = 2;
	}
	while (i < t.len) {
		if (n == 16 || !parse_group(t, &i, out, &n))
			return false;
		if (i == t.len)
			break;
		if (t.s[i++] != ':' || i == t.len)
			return false;
		if (t.s[i] == ':') {
			if (gap != SIZE_MAX)
				return false;
			gap = n;
			i++;
		}
	}
	if (gap == SIZE_MAX)
		return n == 16;
	if (n > 14)
		return false;
	memmove(out + 16 - (n - gap), out + gap, n - gap);
	memset(out + gap, 0, 16 - n);
	return true;
}

static const char *parse_address(struct tc_str t, struct tc_cidr *out)
{
	static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};

	out->v6 = has_char(t, ':');
	out->bits = out->v6 ? 128 : 32;
	if (!out->v6)
		return parse_v4(t, out->addr);
	if (has_char(t, '%'))
		return "has a scope id, which means something on one node only";
	if (!parse_v6(t, out->addr))
		return not_a_block;
	return memcmp(out->addr, mapped, sizeof(mapped)) == 0 ? "is an IPv4 address written as IPv6, write it as IPv4"
							      : NULL;
}

/* Clears the bits behind the prefix; true if one was set. */
static bool mask(struct tc_cidr *c)
{
	bool set = false;

	for (unsigned i = 0; i < (c->v6 ? 16 : 4); i++) {
		unsigned here = c->bits > i * 8 ? c->bits - i * 8 : 0;
		unsigned char keep = here >= 8 ? 0xff : (unsigned char)(0xff00 >> here);

		set |= (c->addr[i] & ~keep) != 0;
		c->addr[i] &= keep;
	}
	return set;
}

const char *tc_cidr_parse(struct tc_arena *mem, struct tc_str text, struct tc_cidr *out)
{
	const char *slash = text.len ? memchr(text.s, '/', text.len) : NULL, *fault;
	struct tc_str address = {.s = text.s, .len = slash ? (size_t)(slash - text.s) : text.len};
	size_t i = address.len + 1;
	unsigned bits, most;

	*out = (struct tc_cidr){0};
	if (!text.len)
		return "is empty";
	if ((fault = parse_address(address, out)) || !slash)
		return fault;
	most = out->bits;
	if (i == text.len)
		return "has no number behind its slash";
	if (parse_small(text, &i, &bits) || i < text.len || bits > most)
		return tc_printf(mem, "has %s behind its slash, expected a number from 0 to %u",
				 tc_quote(mem, from(text, address.len + 1)), most);
	out->bits = (unsigned char)bits;
	if (mask(out))
		return tc_printf(mem, "has bits set behind the first %u, the block is %s", bits,
				 tc_cidr_text(mem, out));
	return NULL;
}

/* The longest run of at least two groups of zero, the first of equals (RFC 5952, section 4.2). */
static void longest_gap(const unsigned groups[8], unsigned *at, unsigned *len)
{
	*at = *len = 0;
	for (unsigned i = 0; i < 8; i++) {
		unsigned n = 0;

		while (i + n < 8 && groups[i + n] == 0)
			n++;
		if (n > 1 && n > *len) {
			*at = i;
			*len = n;
		}
		i += n;
	}
}

const char *tc_cidr_text(struct tc_arena *mem, const struct tc_cidr *c)
{
	unsigned groups[8], at, len;
	_cleanup_buf_ struct tc_buf b = {0};

	if (!c->v6)
		return tc_printf(mem, "%u.%u.%u.%u/%u", c->addr[0], c->addr[1], c->addr[2], c->addr[3], c->bits);
	for (unsigned i = 0; i < 8; i++)
		groups[i] = (unsigned)c->addr[2 * i] << 8 | c->addr[2 * i + 1];
	longest_gap(groups, &at, &len);
	for (unsigned i = 0; i < 8; i++) {
		if (len && i == at) {
			tc_buf_puts(&b, "::");
			i += len - 1;
			continue;
		}
		tc_buf_printf(&b, "%s%x", i == 0 || (len && i == at + len) ? "" : ":", groups[i]);
	}
	tc_buf_printf(&b, "/%u", c->bits);
	return tc_strndup(mem, b.p, b.len);
}

static bool same_prefix(const struct tc_cidr *a, const struct tc_cidr *b, unsigned bits)
{
	unsigned bytes = bits / 8, rest = bits % 8;

	return a->v6 == b->v6 && memcmp(a->addr, b->addr, bytes) == 0 &&
	       (rest == 0 || ((a->addr[bytes] ^ b->addr[bytes]) >> (8 - rest)) == 0);
}

bool tc_cidr_contains(const struct tc_cidr *outer, const struct tc_cidr *inner)
{
	return outer->bits <= inner->bits && same_prefix(outer, inner, outer->bits);
}

bool tc_cidr_overlaps(const struct tc_cidr *a, const struct tc_cidr *b)
{
	return tc_cidr_contains(a, b) || tc_cidr_contains(b, a);
}

/* Bytes of the code point at the start of t, for showing it. */
static size_t code_point(struct tc_str t)
{
	size_t n = 1;

	while (n < t.len && ((unsigned char)t.s[n] & 0xc0) == 0x80)
		n++;
	return n;
}

static bool is_label_char(char c)
{
	return tc_is_lower(c) || tc_is_upper(c) || tc_is_digit(c) || c == '-';
}

/* What people write where a host belongs, by the text that gives it away; the first that is found is named. */
static const char *mistaken_for(struct tc_arena *mem, struct tc_str t)
{
	static const struct {
		char sign;
		const char *fault;
	} signs[] = {
		{'@', "has a user in front of its @, give the host alone"},
		{'*', "has a wildcard, which a NetworkPolicy cannot express"},
		{'[', "has brackets, write the address without them"},
		{']', "has brackets, write the address without them"},
		{'%', "has a scope id, which means something on one node only"},
		{'?', "has a query, give the host alone"},
		{'_', "has an underscore, which host names do not have"},
		{',', "is several hosts, give each a dependency of its own"},
		{' ', "has a blank"},
	};
	struct tc_cidr cidr;

	for (size_t i = 0; i + 2 < t.len; i++)
		if (memcmp(t.s + i, "://", 3) == 0)
			return tc_printf(mem, "has a scheme (%.*s://), give the host alone", (int)(i > 16 ? 16 : i),
					 t.s);
	if (has_char(t, '/'))
		return tc_cidr_parse(mem, t, &cidr) ? "has a path, give the host alone"
						    : "is a block of addresses, not one host";
	for (size_t i = 0; i < TC_COUNT(signs); i++)
		if (has_char(t, signs[i].sign))
			return signs[i].fault;
	if (has_char(t, ':')) {
		const char *colon = memchr(t.s, ':', t.len);
		bool another = memchr(colon + 1, ':', t.len - (size_t)(colon + 1 - t.s));

		return another ? "is not an IPv6 address" : "has a port, which belongs in the field port";
	}
	return NULL;
}

static const char *label_fault(struct tc_arena *mem, struct tc_str host, size_t start, size_t end)
{
	for (size_t i = start; i < end; i++) {
		struct tc_str one = {.s = host.s + i, .len = code_point(from(host, i))};

		if (is_label_char(host.s[i]))
			continue;
		return tc_printf(mem, "has %s as character %zu%s", tc_quote(mem, one), i + 1,
				 (unsigned char)one.s[0] >= 0x80 ? ", write an international name in its xn-- form"
								 : ", allowed are letters, digits, - and .");
	}
	if (start == end)
		return "has an empty part between its dots";
	if (end - start > LABEL_MAX)
		return tc_printf(mem, "has a part of %zu characters between its dots, at most %d are allowed",
				 end - start, LABEL_MAX);
	if (host.s[start] == '-' || host.s[end - 1] == '-')
		return tc_printf(mem, "has a part that %s with \"-\"", host.s[start] == '-' ? "begins" : "ends");
	return NULL;
}

/* Resolvers read 10.1, 0x7f.1 and 2130706433 as IPv4 addresses: whatever ends in a number must be one, in full. */
static bool ends_in_number(struct tc_str label)
{
	bool hex = label.len >= 2 && label.s[0] == '0' && lower(label.s[1]) == 'x';

	for (size_t i = hex ? 2 : 0; i < label.len; i++)
		if (hex ? !tc_is_hex(label.s[i]) : !tc_is_digit(label.s[i]))
			return false;
	return true;
}

static const char *name_fault(struct tc_arena *mem, struct tc_str t)
{
	size_t start = 0;

	if (t.len > 1 && t.s[t.len - 1] == '.')
		t.len--;
	for (size_t i = 0; i <= t.len; i++) {
		const char *fault;

		if (i < t.len && t.s[i] != '.')
			continue;
		if ((fault = label_fault(mem, t, start, i)))
			return fault;
		if (i == t.len && ends_in_number(from(t, start)))
			return "ends in a number, but is not an IPv4 address of four";
		start = i + 1;
	}
	if (t.len > HOST_MAX)
		return tc_printf(mem, "is %zu characters long, at most %d are allowed", t.len, HOST_MAX);
	return NULL;
}

const char *tc_host_fault(struct tc_arena *mem, struct tc_str text, bool *is_ip)
{
	struct tc_cidr address;
	const char *fault, *ip_fault;

	*is_ip = false;
	if (!text.len)
		return "is empty";
	if (!has_char(text, '/')) {
		ip_fault = parse_address(text, &address);
		*is_ip = !ip_fault;
		if (*is_ip)
			return NULL;
		if (ip_fault != not_a_block)
			return ip_fault;
	}
	fault = mistaken_for(mem, text);
	return fault ? fault : name_fault(mem, text);
}

/* Cuts suffix off the end of t, whatever its case. */
static bool cut_suffix(struct tc_str *t, const char *suffix)
{
	size_t n = strlen(suffix);

	if (t->len < n)
		return false;
	for (size_t i = 0; i < n; i++)
		if (lower(t->s[t->len - n + i]) != suffix[i])
			return false;
	t->len -= n;
	return true;
}

const char *tc_host_namespace(struct tc_arena *mem, const char *host)
{
	struct tc_str t = tc_str(host);
	size_t start;
	char *name;

	cut_suffix(&t, ".");
	cut_suffix(&t, ".cluster.local");
	if (!cut_suffix(&t, ".svc"))
		return NULL;
	for (start = t.len; start > 0 && t.s[start - 1] != '.'; start--)
		;
	if (start < 2 || start == t.len)
		return NULL;
	name = tc_strndup(mem, t.s + start, t.len - start);
	for (char *c = name; *c; c++)
		*c = lower(*c);
	return name;
}
