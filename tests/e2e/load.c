/* load.c - many reviews over a few connections: load PORT BODY COUNT CONNECTIONS [OPTION=VALUE]...
 *
 * Sends the file BODY as POST /mutate to 127.0.0.1, COUNT times over TLS connections that stay open. Every answer has
 * to be 200, and the same bytes as the first one. Options: rate (requests a second in all; none: as fast as answers
 * come), pid (the server's: its CPU time and memory are printed too), ca (what the certificate is checked against),
 * field (one line of numbers with this name in front, for tables), vary (1: answers may differ).
 *
 * Exit status: 1 when an answer is missing or another one. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <gnutls/gnutls.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { ANSWER_MAX = 1 << 20, CONNECTIONS_MAX = 4096, EVENTS = 64 };

struct connection {
	int fd;
	gnutls_session_t tls;
	bool busy;
	size_t sent, got;
	uint64_t from; /* when the request was due */
	char *answer;
};

static struct {
	unsigned port, connections;
	unsigned long count, rate, pid;
	const char *ca, *field;
	bool vary;
	char *request;
	size_t request_len;
} conf;

static struct connection *connections;
static uint32_t *latencies; /* microseconds */
static unsigned long started, finished;
static char *first_body;
static size_t first_len;
static int epoll_fd;

static void __attribute__((noreturn, format(printf, 1, 2))) die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fputs("load: ", stderr);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	va_end(ap);
	exit(1);
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void read_request(const char *path)
{
	FILE *f = fopen(path, "rb");
	long size;
	char head[256];
	int n;

	if (!f || fseek(f, 0, SEEK_END) != 0 || (size = ftell(f)) < 0 || fseek(f, 0, SEEK_SET) != 0)
		die("cannot read %s", path);
	n = snprintf(head, sizeof(head),
		     "POST /mutate?timeout=5s HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: load\r\n"
		     "Accept: application/json, */*\r\nContent-Type: application/json\r\nContent-Length: %ld\r\n\r\n",
		     size);
	conf.request = malloc((size_t)n + (size_t)size);
	if (!conf.request)
		die("no memory");
	memcpy(conf.request, head, (size_t)n);
	if (fread(conf.request + n, 1, (size_t)size, f) != (size_t)size)
		die("cannot read %s", path);
	fclose(f);
	conf.request_len = (size_t)n + (size_t)size;
}

/* --- of the server, from /proc --- */

static double cpu_us(void)
{
	char path[64], text[1024], *at;
	unsigned long ticks;
	FILE *f;
	size_t n;

	snprintf(path, sizeof(path), "/proc/%lu/stat", conf.pid);
	f = conf.pid ? fopen(path, "r") : NULL;
	if (!f)
		return 0;
	n = fread(text, 1, sizeof(text) - 1, f);
	text[n] = '\0';
	fclose(f);
	/* Behind the name, which may hold anything: user time is the 12th field, system time the 13th. */
	at = strrchr(text, ')');
	for (int i = 0; at && i < 12; i++)
		at = strchr(at + 1, ' ');
	if (!at)
		return 0;
	ticks = strtoul(at, &at, 10);
	ticks += strtoul(at, NULL, 10);
	return (double)ticks * 1e6 / (double)sysconf(_SC_CLK_TCK);
}

static unsigned long anonymous_kib(void)
{
	char path[64], line[256];
	unsigned long kib = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%lu/status", conf.pid);
	f = conf.pid ? fopen(path, "r") : NULL;
	while (f && fgets(line, sizeof(line), f)) {
		if (strncmp(line, "RssAnon:", 8) == 0)
			kib = strtoul(line + 8, NULL, 10);
	}
	if (f)
		fclose(f);
	return kib;
}

/* --- connections --- */

static void connect_one(struct connection *c, gnutls_certificate_credentials_t cred)
{
	struct sockaddr_in to = {.sin_family = AF_INET,
				 .sin_port = htons((uint16_t)conf.port),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
	int one = 1, rc;

	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&to, sizeof(to)) != 0)
		die("cannot connect to port %u: %s", conf.port, strerror(errno));
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	gnutls_init(&c->tls, GNUTLS_CLIENT | GNUTLS_NO_SIGNAL);
	gnutls_set_default_priority(c->tls);
	gnutls_credentials_set(c->tls, GNUTLS_CRD_CERTIFICATE, cred);
	if (conf.ca)
		gnutls_session_set_verify_cert(c->tls, "localhost", 0);
	gnutls_transport_set_int(c->tls, c->fd);
	do {
		rc = gnutls_handshake(c->tls);
	} while (rc < 0 && !gnutls_error_is_fatal(rc));
	if (rc < 0)
		die("handshake: %s", gnutls_strerror(rc));
	c->answer = malloc(ANSWER_MAX + 1);
	if (!c->answer || fcntl(c->fd, F_SETFL, O_NONBLOCK) != 0 ||
	    epoll_ctl(epoll_fd, EPOLL_CTL_ADD, c->fd, &event) != 0)
		die("cannot use a connection: %s", strerror(errno));
}

static void send_some(struct connection *c)
{
	while (c->busy && c->sent < conf.request_len) {
		ssize_t n = gnutls_record_send(c->tls, conf.request + c->sent, conf.request_len - c->sent);

		if (n == GNUTLS_E_AGAIN || n == GNUTLS_E_INTERRUPTED) {
			struct pollfd p = {.fd = c->fd, .events = POLLOUT};

			/* Nothing is on its way back before all has been sent. */
			(void)poll(&p, 1, 1000);
			continue;
		}
		if (n <= 0)
			die("sending request %lu: %s", started, gnutls_strerror((int)n));
		c->sent += (size_t)n;
	}
}

static void start_one(struct connection *c, uint64_t due)
{
	c->busy = true;
	c->sent = c->got = 0;
	c->from = due;
	started++;
	send_some(c);
}

static void check(const char *body, size_t len)
{
	if (conf.vary)
		return;
	if (!first_body) {
		first_body = malloc(len ? len : 1);
		if (!first_body)
			die("no memory");
		memcpy(first_body, body, len);
		first_len = len;
	} else if (first_len != len || memcmp(first_body, body, len) != 0) {
		die("answer %lu is not the first one", finished);
	}
}

/* How long a body in chunks is, with what marks them; 0: it is not all there. */
static size_t chunked(const char *body, size_t len)
{
	size_t at = 0;

	for (;;) {
		const char *line = memchr(body + at, '\n', len - at);
		unsigned long n = line ? strtoul(body + at, NULL, 16) : 0;

		if (!line)
			return 0;
		at = (size_t)(line - body) + 1 + n + 2;
		if (at > len)
			return 0;
		if (n == 0)
			return at;
	}
}

/* Is the answer complete? */
static bool complete(struct connection *c)
{
	char *end, *length;
	size_t head, len;

	c->answer[c->got] = '\0';
	end = strstr(c->answer, "\r\n\r\n");
	if (!end)
		return false;
	head = (size_t)(end - c->answer) + 4;
	if (strncmp(c->answer, "HTTP/1.1 200 ", 13) != 0)
		die("request %lu was answered: %.*s", finished, (int)c->got, c->answer);
	length = strcasestr(c->answer, "\r\nContent-Length:");
	if (length && length < end)
		len = strtoul(length + 17, NULL, 10);
	else
		len = chunked(c->answer + head, c->got - head);
	if (len == 0 || c->got < head + len)
		return false;
	if (c->got > head + len)
		die("an answer is longer than it says");
	check(c->answer + head, len);
	return true;
}

static void receive_some(struct connection *c)
{
	while (c->busy) {
		ssize_t n = gnutls_record_recv(c->tls, c->answer + c->got, ANSWER_MAX - c->got);
		uint64_t us;

		if (n == GNUTLS_E_AGAIN)
			return;
		if (n < 0 && !gnutls_error_is_fatal((int)n))
			continue; /* a ticket */
		if (n <= 0)
			die("answer %lu did not come: %s", finished,
			    n ? gnutls_strerror((int)n) : "the connection ended");
		c->got += (size_t)n;
		if (!complete(c))
			continue;
		us = (now_ns() - c->from) / 1000;
		latencies[finished++] = us > UINT32_MAX ? UINT32_MAX : (uint32_t)us;
		c->busy = false;
		if (!conf.rate && started < conf.count)
			start_one(c, now_ns());
	}
}

/* With a rate: a request is late from when it was due, also when no connection is free for it. */
static int start_due(uint64_t from)
{
	uint64_t step = 1000000000 / conf.rate, due, now;
	unsigned next = 0;

	for (;;) {
		now = now_ns();
		due = from + started * step;
		if (started >= conf.count)
			return 1000;
		if (due > now)
			return (int)((due - now) / 1000000); /* 0 near the end: spinning keeps the time */
		while (next < conf.connections && connections[next].busy)
			next++;
		if (next == conf.connections)
			return 1;
		start_one(&connections[next], due);
	}
}

static void run(void)
{
	struct epoll_event events[EVENTS];
	uint64_t from = now_ns(), progress = from;
	unsigned long before = 0;

	for (unsigned i = 0; !conf.rate && i < conf.connections && started < conf.count; i++)
		start_one(&connections[i], now_ns());
	while (finished < conf.count) {
		int wait = conf.rate ? start_due(from) : 1000;
		int n = epoll_wait(epoll_fd, events, EVENTS, wait);

		for (int i = 0; i < n; i++) {
			struct connection *c = events[i].data.ptr;

			receive_some(c);
		}
		if (finished != before) {
			before = finished;
			progress = now_ns();
		} else if (now_ns() - progress > 30000000000) {
			die("no answer for 30 s, after %lu of %lu", finished, conf.count);
		}
	}
}

static int compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static void report(double seconds, double cpu, unsigned long kib_before)
{
	double each = conf.pid ? cpu / (double)conf.count : 0;
	uint32_t p50, p99, most;

	qsort(latencies, conf.count, sizeof(*latencies), compare);
	p50 = latencies[conf.count / 2];
	p99 = latencies[conf.count * 99 / 100];
	most = latencies[conf.count - 1];
	if (conf.field) {
		printf("%s %u %.0f %u %u %u %.1f %lu\n", conf.field, conf.connections, (double)conf.count / seconds,
		       p50, p99, most, each, anonymous_kib());
		return;
	}
	printf("%lu reviews over %u connections: %.0f a second, p50 %u us, p99 %u us, longest %u us\n", conf.count,
	       conf.connections, (double)conf.count / seconds, p50, p99, most);
	if (conf.pid)
		printf("server: %.1f us CPU for each, RssAnon %lu KiB before, %lu KiB after\n", each, kib_before,
		       anonymous_kib());
}

static void set_option(const char *arg)
{
	const char *value = strchr(arg, '=');

	if (value && strncmp(arg, "rate=", 5) == 0)
		conf.rate = strtoul(value + 1, NULL, 10);
	else if (value && strncmp(arg, "pid=", 4) == 0)
		conf.pid = strtoul(value + 1, NULL, 10);
	else if (value && strncmp(arg, "ca=", 3) == 0)
		conf.ca = value + 1;
	else if (value && strncmp(arg, "vary=", 5) == 0)
		conf.vary = value[1] == '1';
	else if (value && strncmp(arg, "field=", 6) == 0)
		conf.field = value + 1;
	else
		die("unknown option %s", arg);
}

int main(int argc, char **argv)
{
	gnutls_certificate_credentials_t cred;
	unsigned long kib;
	uint64_t from;
	double cpu;

	if (argc < 5) {
		fputs("load: give PORT BODY COUNT CONNECTIONS\n", stderr);
		return 2;
	}
	conf.port = (unsigned)strtoul(argv[1], NULL, 10);
	read_request(argv[2]);
	conf.count = strtoul(argv[3], NULL, 10);
	conf.connections = (unsigned)strtoul(argv[4], NULL, 10);
	for (int i = 5; i < argc; i++)
		set_option(argv[i]);
	if (conf.count == 0 || conf.connections == 0 || conf.connections > CONNECTIONS_MAX)
		die("COUNT and CONNECTIONS are at least 1, connections at most %d", CONNECTIONS_MAX);
	connections = calloc(conf.connections, sizeof(*connections));
	latencies = calloc(conf.count, sizeof(*latencies));
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (!connections || !latencies || epoll_fd < 0 || gnutls_certificate_allocate_credentials(&cred) < 0)
		die("no memory");
	if (conf.ca && gnutls_certificate_set_x509_trust_file(cred, conf.ca, GNUTLS_X509_FMT_PEM) <= 0)
		die("cannot read %s", conf.ca);
	for (unsigned i = 0; i < conf.connections; i++)
		connect_one(&connections[i], cred);
	kib = anonymous_kib();
	cpu = cpu_us();
	from = now_ns();
	run();
	report((double)(now_ns() - from) / 1e9, cpu_us() - cpu, kib);
	return 0;
}
