/* netaddr.h - addresses, blocks and host names as a NetworkPolicy and a flag may hold them. */
#ifndef TC_NETADDR_H
#define TC_NETADDR_H

#include "compiler/base/arena.h"

struct tc_cidr {
	unsigned char addr[16]; /* IPv4: the first 4 */
	unsigned char bits;
	bool v6;
};

/* "10.0.0.0/8", "2001:db8::/32"; an address alone is a block of itself. Host bits must be zero, as the API server wants
 * it. NULL when fine, else what is wrong, in the arena. No scope ids, no IPv4-mapped IPv6 (::ffff:0:0/96), no leading
 * zeros in octets. */
const char *tc_cidr_parse(struct tc_arena *mem, struct tc_str text, struct tc_cidr *out);
const char *tc_cidr_text(struct tc_arena *mem, const struct tc_cidr *c); /* RFC 5952 for IPv6; always with /bits */
bool tc_cidr_contains(const struct tc_cidr *outer, const struct tc_cidr *inner);
bool tc_cidr_overlaps(const struct tc_cidr *a, const struct tc_cidr *b);

/* Private, shared, loopback, link-local, metadata ranges of one family: what an outside destination never includes. */
const struct tc_cidr *tc_private_ranges(bool v6, size_t *count);

/* NULL when text is a DNS name (RFC 1123 subdomain, at most 253 characters, upper case allowed, one trailing dot
 * allowed) or an IPv4/IPv6 literal (*is_ip); else what is wrong: schemes, ports, paths, wildcards and underscores are
 * named as what they are. */
const char *tc_host_fault(struct tc_arena *mem, struct tc_str text, bool *is_ip);

/* "x.ns.svc", "x.ns.svc.cluster.local" (any depth before ns): the namespace; NULL when host is not inside the cluster.
 */
const char *tc_host_namespace(struct tc_arena *mem, const char *host);

#endif
