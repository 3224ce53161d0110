#include "compiler/contract/netaddr.h"

#include "tests/unit/unit.h"

static struct tc_arena *mem;

#define FINE NULL

static void expect_fault(const char *text, const char *got, const char *want)
{
	if (want ? got && strcmp(got, want) == 0 : !got)
		return;
	fail_msg("%s\n  want: %s\n  got:  %s", text, want ? want : "fine", got ? got : "fine");
}

static void test_cidr_parse(void **state)
{
#define NOT_A_BLOCK "is neither an address nor a block such as 203.0.113.0/24 or 2001:db8::/32"
	static const struct {
		const char *text, *want, *fault;
	} rows[] = {
		{"10.0.0.0/8", "10.0.0.0/8", FINE},
		{"0.0.0.0/0", "0.0.0.0/0", FINE},
		{"192.0.2.7", "192.0.2.7/32", FINE},
		{"255.255.255.255/32", "255.255.255.255/32", FINE},
		{"172.16.0.0/12", "172.16.0.0/12", FINE},
		{"::/0", "::/0", FINE},
		{"::", "::/128", FINE},
		{"::1", "::1/128", FINE},
		{"1::", "1::/128", FINE},
		{"2001:db8::/32", "2001:db8::/32", FINE},
		{"2001:DB8:0:0:1:0:0:1", "2001:db8::1:0:0:1/128", FINE},
		{"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1/128", FINE},
		{"1:0:0:2:0:0:0:3", "1:0:0:2::3/128", FINE},
		{"1:2:3:4:5:6:0:0", "1:2:3:4:5:6::/128", FINE},
		{"0:0:3:4:5:6:7:8", "::3:4:5:6:7:8/128", FINE},
		{"1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0/128", FINE},
		{"::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8/128", FINE},
		{"64:ff9b::192.0.2.33", "64:ff9b::c000:221/128", FINE},
		{"fe80::/10", "fe80::/10", FINE},
		{"fc00::/7", "fc00::/7", FINE},
		{"", NULL, "is empty"},
		{"/8", NULL, NOT_A_BLOCK},
		{"example.com", NULL, NOT_A_BLOCK},
		{"300.example.com", NULL, NOT_A_BLOCK},
		{"10.0.0/8", NULL, NOT_A_BLOCK},
		{"10.0.0.0.0", NULL, NOT_A_BLOCK},
		{"10.0.0.", NULL, NOT_A_BLOCK},
		{"10..0.0", NULL, NOT_A_BLOCK},
		{"1000.0.0.0", NULL, NOT_A_BLOCK},
		{" 10.0.0.0", NULL, NOT_A_BLOCK},
		{"-1.0.0.0", NULL, NOT_A_BLOCK},
		{"256.0.0.0", NULL, "has a number over 255"},
		{"010.0.0.0", NULL, "has a number with a leading zero"},
		{"10.0.0.00", NULL, "has a number with a leading zero"},
		{"10.0.0.0/", NULL, "has no number behind its slash"},
		{"10.0.0.0/33", NULL, "has \"33\" behind its slash, expected a number from 0 to 32"},
		{"10.0.0.0/08", NULL, "has \"08\" behind its slash, expected a number from 0 to 32"},
		{"10.0.0.0/8/8", NULL, "has \"8/8\" behind its slash, expected a number from 0 to 32"},
		{"10.0.0.0/-1", NULL, "has \"-1\" behind its slash, expected a number from 0 to 32"},
		{"10.0.0.0/255.0.0.0", NULL, "has \"255.0.0.0\" behind its slash, expected a number from 0 to 32"},
		{"::/129", NULL, "has \"129\" behind its slash, expected a number from 0 to 128"},
		{"10.1.0.0/8", NULL, "has bits set behind the first 8, the block is 10.0.0.0/8"},
		{"10.255.0.0/9", NULL, "has bits set behind the first 9, the block is 10.128.0.0/9"},
		{"0.0.0.1/0", NULL, "has bits set behind the first 0, the block is 0.0.0.0/0"},
		{"2001:db8::1/32", NULL, "has bits set behind the first 32, the block is 2001:db8::/32"},
		{":", NULL, NOT_A_BLOCK},
		{":::", NULL, NOT_A_BLOCK},
		{"1::2::3", NULL, NOT_A_BLOCK},
		{":1:2:3:4:5:6:7", NULL, NOT_A_BLOCK},
		{"1:2:3:4:5:6:7", NULL, NOT_A_BLOCK},
		{"1:2:3:4:5:6:7:", NULL, NOT_A_BLOCK},
		{"1:2:3:4:5:6:7:8:9", NULL, NOT_A_BLOCK},
		{"1:2:3:4::5:6:7:8", NULL, NOT_A_BLOCK},
		{"1:2:3:4:5:6:7:8::", NULL, NOT_A_BLOCK},
		{"12345::", NULL, NOT_A_BLOCK},
		{"g::", NULL, NOT_A_BLOCK},
		{"::1.2.3", NULL, NOT_A_BLOCK},
		{"::1.2.3.4:5", NULL, NOT_A_BLOCK},
		{"1:2:3:4:5:6:7:1.2.3.4", NULL, NOT_A_BLOCK},
		{"::ffff:10.0.0.1", NULL, "is an IPv4 address written as IPv6, write it as IPv4"},
		{"::ffff:0:0/96", NULL, "is an IPv4 address written as IPv6, write it as IPv4"},
		{"fe80::1%eth0", NULL, "has a scope id, which means something on one node only"},
	};

	(void)state;
	for (size_t i = 0; i < TC_COUNT(rows); i++) {
		struct tc_cidr c;

		expect_fault(rows[i].text, tc_cidr_parse(mem, tc_str(rows[i].text), &c), rows[i].fault);
		if (rows[i].want)
			assert_string_equal(tc_cidr_text(mem, &c), rows[i].want);
	}
}

/* What is printed is read back as the same block, for every prefix length. */
static void test_cidr_round_trip(void **state)
{
	(void)state;
	for (unsigned v6 = 0; v6 < 2; v6++) {
		for (unsigned bits = 0; bits <= (v6 ? 128 : 32); bits++) {
			struct tc_cidr c = {.bits = (unsigned char)bits, .v6 = v6}, back;

			for (unsigned i = 0; i < bits; i++)
				c.addr[i / 8] |= (unsigned char)(0x80 >> i % 8);
			assert_null(tc_cidr_parse(mem, tc_str(tc_cidr_text(mem, &c)), &back));
			assert_memory_equal(&back, &c, sizeof(c));
		}
	}
}

static struct tc_cidr cidr(const char *text)
{
	struct tc_cidr c;

	expect_fault(text, tc_cidr_parse(mem, tc_str(text), &c), FINE);
	return c;
}

static void test_contains_and_overlaps(void **state)
{
	static const struct {
		const char *a, *b;
		bool contains, overlaps;
	} rows[] = {
		{"10.0.0.0/8", "10.1.0.0/16", true, true},
		{"10.1.0.0/16", "10.0.0.0/8", false, true},
		{"10.0.0.0/8", "10.0.0.0/8", true, true},
		{"10.0.0.0/9", "10.128.0.0/9", false, false},
		{"172.16.0.0/12", "172.31.255.255", true, true},
		{"172.16.0.0/12", "172.32.0.0", false, false},
		{"0.0.0.0/0", "255.255.255.255", true, true},
		{"0.0.0.0/0", "::", false, false},
		{"::/0", "0.0.0.0", false, false},
		{"fc00::/7", "fd00:ec2::254", true, true},
		{"fc00::/7", "fe00::", false, false},
		{"192.0.2.1", "192.0.2.1", true, true},
		{"192.0.2.1", "192.0.2.0", false, false},
	};

	(void)state;
	for (size_t i = 0; i < TC_COUNT(rows); i++) {
		struct tc_cidr a = cidr(rows[i].a), b = cidr(rows[i].b);

		if (tc_cidr_contains(&a, &b) != rows[i].contains || tc_cidr_overlaps(&a, &b) != rows[i].overlaps ||
		    tc_cidr_overlaps(&b, &a) != rows[i].overlaps)
			fail_msg("%s and %s", rows[i].a, rows[i].b);
	}
}

/* Every row is a block as the API server wants it, in order, none inside another; and the addresses that must never be
 * reached by "anything outside" are covered. */
static void test_private_ranges(void **state)
{
	static const char *const covered[] = {
		"0.0.0.0",
		"10.255.255.255",
		"100.64.0.1",
		"100.100.100.200",
		"127.0.0.53",
		"168.63.129.16",
		"169.254.0.1",
		"169.254.169.254",
		"172.31.0.1",
		"192.168.1.1",
		"192.0.0.192",
		"198.19.0.1",
		"224.0.0.1",
		"255.255.255.255",
		"::",
		"::1",
		"fd00:ec2::254",
		"fe80::1",
		"ff02::1",
		"64:ff9b::a00:1",
		"64:ff9b::169.254.169.254",
		"64:ff9b::172.31.0.1",
		"64:ff9b::192.168.0.1",
		"64:ff9b::100.127.0.1",
		"64:ff9b::0.0.0.0",
		"64:ff9b::127.0.0.1",
		"64:ff9b::168.63.129.16",
		"64:ff9b::192.0.0.192",
		"64:ff9b::198.19.0.1",
		"64:ff9b::224.0.0.1",
		"64:ff9b::255.255.255.255",
		"2002:a00:1::1",
		"fec0::1",
		"64:ff9b:1::1",
	};
	static const char *const open[] = {
		"1.1.1.1",
		"8.8.8.8",
		"11.0.0.0",
		"100.128.0.0",
		"172.32.0.0",
		"192.167.0.0",
		"203.0.113.1",
		"2001:db8::1",
		"64:ff9b::8.8.8.8",
		"2606:4700::1111",
		"64:ff9b::168.63.129.17",
		"64:ff9b::198.20.0.1",
		"2003::1",
	};

	(void)state;
	for (unsigned v6 = 0; v6 < 2; v6++) {
		size_t n;
		const struct tc_cidr *r = tc_private_ranges(v6, &n);

		for (size_t i = 0; i < n; i++) {
			struct tc_cidr same = cidr(tc_cidr_text(mem, &r[i]));

			assert_memory_equal(&same, &r[i], sizeof(same));
			assert_int_equal(r[i].v6, v6);
			if (i > 0)
				assert_true(memcmp(r[i - 1].addr, r[i].addr, 16) < 0);
			for (size_t k = 0; k < n; k++)
				assert_true(k == i || !tc_cidr_overlaps(&r[k], &r[i]));
		}
	}
	for (size_t i = 0; i < TC_COUNT(covered) + TC_COUNT(open); i++) {
		bool want = i < TC_COUNT(covered), found = false;
		const char *text = want ? covered[i] : open[i - TC_COUNT(covered)];
		struct tc_cidr c = cidr(text);
		size_t n;
		const struct tc_cidr *r = tc_private_ranges(c.v6, &n);

		for (size_t k = 0; k < n; k++)
			found |= tc_cidr_contains(&r[k], &c);
		if (found != want)
			fail_msg("%s is %s", text, found ? "covered" : "not covered");
	}
}

#define L10 "abcdefghij"
#define L60 L10 L10 L10 L10 L10 L10
#define L63 L60 "abc"
#define D189 L63 "." L63 "." L60 "." /* 63 + 1 + 63 + 1 + 60 + 1 */

static void test_host_fault(void **state)
{
	static const struct {
		const char *text, *fault;
		bool is_ip;
	} rows[] = {
		{"api.github.com", FINE, false},
		{"API.GitHub.COM.", FINE, false},
		{"redis", FINE, false},
		{"3com.com", FINE, false},
		{"300.example.com", FINE, false},
		{"010.example.com", FINE, false},
		{"xn--bcher-kva.example", FINE, false},
		{L63 ".com", FINE, false},
		{D189 L60 ".xyz.", FINE, false},
		{"192.0.2.1", FINE, true},
		{"2001:db8::1", FINE, true},
		{"", "is empty", false},
		{".", "has an empty part between its dots", false},
		{"a..b", "has an empty part between its dots", false},
		{".a", "has an empty part between its dots", false},
		{"a.b..", "has an empty part between its dots", false},
		{"-a.b", "has a part that begins with \"-\"", false},
		{"a.b-", "has a part that ends with \"-\"", false},
		{L63 "d.com", "has a part of 64 characters between its dots, at most 63 are allowed", false},
		{D189 L60 ".abcd", "is 254 characters long, at most 253 are allowed", false},
		{"https://api.github.com/x", "has a scheme (https://), give the host alone", false},
		{"api.github.com/v3", "has a path, give the host alone", false},
		{"10.0.0.0/8", "is a block of addresses, not one host", false},
		{"10.0.0.1/8", "has a path, give the host alone", false},
		{"api.github.com:443", "has a port, which belongs in the field port", false},
		{"192.0.2.1:443", "has a port, which belongs in the field port", false},
		{"[2001:db8::1]:443", "has brackets, write the address without them", false},
		{"2001:db8::g", "is not an IPv6 address", false},
		{"fe80::1%eth0", "has a scope id, which means something on one node only", false},
		{"::ffff:10.0.0.1", "is an IPv4 address written as IPv6, write it as IPv4", false},
		{"me@example.com", "has a user in front of its @, give the host alone", false},
		{"*.example.com", "has a wildcard, which a NetworkPolicy cannot express", false},
		{"my_host.example.com", "has an underscore, which host names do not have", false},
		{"example.com?x", "has a query, give the host alone", false},
		{"a.example,b.example", "is several hosts, give each a dependency of its own", false},
		{"example .com", "has a blank", false},
		{"ex\tample.com", "has \"\\t\" as character 3, allowed are letters, digits, - and .", false},
		{"a.b{enclave}", "has \"{\" as character 4, allowed are letters, digits, - and .", false},
		{"b\xc3\xbc"
		 "cher.example",
		 "has \"\xc3\xbc\" as character 2, write an international name in its xn-- form", false},
		{"256.0.0.1", "has a number over 255", false},
		{"127.0.0.01", "has a number with a leading zero", false},
		{"127.1", "ends in a number, but is not an IPv4 address of four", false},
		{"2130706433", "ends in a number, but is not an IPv4 address of four", false},
		{"0x7f.0.0.0x1", "ends in a number, but is not an IPv4 address of four", false},
		{"a.0x", "ends in a number, but is not an IPv4 address of four", false},
		{"192.0.2.1.", "ends in a number, but is not an IPv4 address of four", false},
	};
	static const struct tc_str nul = {.s = "a\0b", .len = 3};
	bool is_ip;

	(void)state;
	for (size_t i = 0; i < TC_COUNT(rows); i++) {
		expect_fault(rows[i].text, tc_host_fault(mem, tc_str(rows[i].text), &is_ip), rows[i].fault);
		if (is_ip != rows[i].is_ip)
			fail_msg("%s: is_ip is %d", rows[i].text, is_ip);
	}
	expect_fault("NUL", tc_host_fault(mem, nul, &is_ip),
		     "has \"\\u0000\" as character 2, allowed are letters, digits, - and .");
}

static void test_host_namespace(void **state)
{
	static const struct {
		const char *host, *want;
	} rows[] = {
		{"postgres.tentacular-system.svc", "tentacular-system"},
		{"postgres.tentacular-system.svc.cluster.local", "tentacular-system"},
		{"Postgres.Tentacular-System.SVC.Cluster.Local.", "tentacular-system"},
		{"pg-0.pg.data.svc", "data"},
		{"x.svc.svc", "svc"},
		{"svc", NULL},
		{"a.svc", NULL},
		{".a.svc", NULL},
		{"x..svc", NULL},
		{".svc", NULL},
		{"", NULL},
		{".", NULL},
		{"x.ns.svc.example.com", NULL},
		{"x.ns.notsvc", NULL},
		{"x.ns.pod.cluster.local", NULL},
		{"svc.ns.example", NULL},
	};

	(void)state;
	for (size_t i = 0; i < TC_COUNT(rows); i++)
		expect_fault(rows[i].host, tc_host_namespace(mem, rows[i].host), rows[i].want);
}

static int setup(void **state)
{
	(void)state;
	mem = tc_arena_new(4096);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	tc_arena_free(mem);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_cidr_parse, setup, teardown),
		cmocka_unit_test_setup_teardown(test_cidr_round_trip, setup, teardown),
		cmocka_unit_test_setup_teardown(test_contains_and_overlaps, setup, teardown),
		cmocka_unit_test_setup_teardown(test_private_ranges, setup, teardown),
		cmocka_unit_test_setup_teardown(test_host_fault, setup, teardown),
		cmocka_unit_test_setup_teardown(test_host_namespace, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
