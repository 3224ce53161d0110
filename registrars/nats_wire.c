/* The client protocol of NATS: lines that end in CRLF, and messages that a line announces. */
#include "registrars/nats_wire.h"

#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "registrars/postgres.h" /* tc_pg_resolve: names to addresses, with a time limit */

#define LINE_MAX_BYTES (1u << 20)     /* INFO names every server of the cluster */
#define MESSAGE_MAX_BYTES (32u << 20) /* ACCOUNTZ names every account */

enum event { MESSAGE, NO_RESPONDERS, PONG, ERROR, STALE /* the answer to an earlier question */ };

struct tc_nats {
	int fd;
	struct tc_nats_tls *tls;
	unsigned seconds;
	int64_t deadline; /* of the call that is under way */
	struct tc_arena *mem;
	struct tc_buf in;
	size_t at; /* what of `in` was used */
	struct tc_nats_info info;
	bool tls_required, tls_available;
	char said[256]; /* the last -ERR, without its quotes */
	unsigned long sid;
	struct tc_str body; /* of the last message; until the next one is read */
};

/* --- bytes -----------------------------------------------------------------------------------------------------------
 */

static int late(struct tc_error *err, const struct tc_nats *n)
{
	return tc_fail(err, TC_E_RETRY, "no answer within %u seconds", n->seconds);
}

static int broken(struct tc_error *err)
{
	return tc_fail(err, TC_E_RETRY, "the server closed the connection");
}

static int foul(struct tc_error *err, const char *what)
{
	return tc_fail(err, TC_E_RETRY, "%s; is it a NATS server that listens there?", what);
}

static int fill(struct tc_nats *n, struct tc_error *err)
{
	char room[16384];
	short events = POLLIN;

	if (n->at && n->at == n->in.len) {
		tc_buf_clear(&n->in);
		n->at = 0;
	}
	for (;;) {
		ssize_t got = n->tls ? tc_nats_tls_read(n->tls, room, sizeof(room), &events)
				     : recv(n->fd, room, sizeof(room), 0);

		if (got > 0) {
			tc_buf_add(&n->in, room, (size_t)got);
			return 0;
		}
		if (got == 0 || got == -2 || (!n->tls && errno != EAGAIN && errno != EINTR))
			return broken(err);
		if (!tc_nats_await(n->fd, events, n->deadline))
			return late(err, n);
	}
}

static int send_all(struct tc_nats *n, const char *bytes, size_t len, struct tc_error *err)
{
	short events = POLLOUT;

	while (len) {
		ssize_t sent =
			n->tls ? tc_nats_tls_write(n->tls, bytes, len, &events) : send(n->fd, bytes, len, MSG_NOSIGNAL);

		if (sent > 0) {
			bytes += sent;
			len -= (size_t)sent;
		} else if (sent == -2 || sent == 0 || (!n->tls && errno != EAGAIN && errno != EINTR)) {
			return broken(err);
		} else if (!tc_nats_await(n->fd, events, n->deadline)) {
			return late(err, n);
		}
	}
	return 0;
}

/* Up to CRLF, which is taken too. The text stays until the next one is asked for. */
static int read_line(struct tc_nats *n, struct tc_str *out, struct tc_error *err)
{
	size_t seen = 0;

	for (;;) {
		const char *start = n->in.p ? n->in.p + n->at : "", *end;
		size_t len = n->in.len - n->at;

		end = len > seen ? memchr(start + seen, '\n', len - seen) : NULL;
		if (end) {
			*out = (struct tc_str){.s = start, .len = (size_t)(end - start)};
			n->at += out->len + 1;
			if (out->len && out->s[out->len - 1] == '\r')
				out->len--;
			return 0;
		}
		if (len > LINE_MAX_BYTES)
			return foul(err, "the answer is a line without an end");
		seen = len;
		if (fill(n, err) < 0)
			return -1;
	}
}

static int read_bytes(struct tc_nats *n, struct tc_str *out, size_t len, struct tc_error *err)
{
	while (n->in.len - n->at < len + 2)
		if (fill(n, err) < 0)
			return -1;
	*out = (struct tc_str){.s = n->in.p + n->at, .len = len};
	n->at += len + 2;
	return 0;
}

/* --- what the server says --------------------------------------------------------------------------------------------
 */

static void keep_error(struct tc_nats *n, struct tc_str line)
{
	size_t len = 0;

	for (size_t i = 0; i < line.len && len + 1 < sizeof(n->said); i++)
		if ((unsigned char)line.s[i] >= 0x20 && line.s[i] != 0x7f && line.s[i] != '\'')
			n->said[len++] = line.s[i];
	n->said[len] = '\0';
}

static const char *text_of(struct tc_nats *n, const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? tc_strdup(n->mem, text) : NULL;
}

static int read_info(struct tc_nats *n, struct tc_str text, struct tc_error *err)
{
	_cleanup_json_ json_t *info = json_loadb(text.s, text.len, JSON_REJECT_DUPLICATES, NULL);
	const json_t *urls = json_object_get(info, "connect_urls");
	const char *id = text_of(n, info, "server_id"), *name = text_of(n, info, "server_name");
	const char *version = text_of(n, info, "version"), *account = text_of(n, info, "remote_account");
	size_t count = json_array_size(urls);

	if (!id || !version)
		return foul(err, "the answer is no INFO of a server");
	n->info.id = id;
	n->info.name = name ? name : id;
	n->info.version = version;
	n->info.account = account ? account : n->info.account;
	n->tls_required = json_is_true(json_object_get(info, "tls_required"));
	n->tls_available = json_is_true(json_object_get(info, "tls_available"));
	n->info.urls = tc_alloc(n->mem, count * sizeof(*n->info.urls));
	n->info.nurls = 0;
	for (size_t i = 0; i < count; i++) {
		const char *url = json_string_value(json_array_get(urls, i));

		if (url)
			n->info.urls[n->info.nurls++] = tc_strdup(n->mem, url);
	}
	return 0;
}

/* "MSG subject sid [reply] bytes", "HMSG subject sid [reply] headers bytes": the numbers at the end. */
static bool read_sizes(struct tc_str line, size_t sizes[2], size_t count)
{
	char digits[64];
	size_t end = line.len;

	for (size_t i = count; i-- > 0;) {
		size_t start = end;

		while (start && line.s[start - 1] != ' ')
			start--;
		if (start == end || end - start > 9 || !start)
			return false;
		snprintf(digits, sizeof(digits), "%.*s", (int)(end - start), line.s + start);
		if (strspn(digits, "0123456789") != end - start)
			return false;
		sizes[i] = strtoul(digits, NULL, 10);
		end = start - 1;
	}
	return true;
}

/* Of "MSG subject sid ...": whether it answers what was asked last, and not something that was given up. */
static bool is_current(const struct tc_nats *n, struct tc_str line)
{
	_cleanup_buf_ struct tc_buf want = {0};
	const char *space = memchr(line.s, ' ', line.len), *second;

	second = memchr(space + 1, ' ', line.len - (size_t)(space + 1 - line.s));
	tc_buf_printf(&want, " %lu ", n->sid);
	return second &&
	       tc_str_starts((struct tc_str){.s = second, .len = line.len - (size_t)(second - line.s)}, want.p);
}

static int read_message(struct tc_nats *n, struct tc_str line, bool headers, enum event *what, struct tc_error *err)
{
	bool current = is_current(n, line);
	size_t sizes[2] = {0, 0};
	struct tc_str all;

	if (!read_sizes(line, headers ? sizes : sizes + 1, headers ? 2 : 1) || sizes[0] > sizes[1] ||
	    sizes[1] > MESSAGE_MAX_BYTES)
		return foul(err, "the answer announces no message that could be read");
	if (read_bytes(n, &all, sizes[1], err) < 0)
		return -1;
	n->body = (struct tc_str){.s = all.s + sizes[0], .len = all.len - sizes[0]};
	*what = !current ? STALE : headers && tc_str_starts(all, "NATS/1.0 503") ? NO_RESPONDERS : MESSAGE;
	return 0;
}

static int next_event(struct tc_nats *n, enum event *what, struct tc_error *err)
{
	struct tc_str line;

	for (;;) {
		if (read_line(n, &line, err) < 0)
			return -1;
		if (tc_str_is(line, "PING")) {
			if (send_all(n, "PONG\r\n", 6, err) < 0)
				return -1;
		} else if (tc_str_is(line, "PONG")) {
			*what = PONG;
			return 0;
		} else if (tc_str_starts(line, "-ERR ")) {
			keep_error(n, (struct tc_str){.s = line.s + 5, .len = line.len - 5});
			*what = ERROR;
			return 0;
		} else if (tc_str_starts(line, "MSG ") || tc_str_starts(line, "HMSG ")) {
			return read_message(n, line, line.s[0] == 'H', what, err);
		} else if (tc_str_starts(line, "INFO ")) {
			if (read_info(n, (struct tc_str){.s = line.s + 5, .len = line.len - 5}, err) < 0)
				return -1;
		} else if (!tc_str_is(line, "+OK")) {
			return foul(err, "the answer is not in the protocol of NATS");
		}
	}
}

/* --- connecting ------------------------------------------------------------------------------------------------------
 */

static int dial_one(struct tc_nats *n, const char *address, unsigned port, struct tc_error *err)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV}, *at = NULL;
	char service[8];
	int failure = 0;
	socklen_t len = sizeof(failure);

	snprintf(service, sizeof(service), "%u", port);
	if (getaddrinfo(address, service, &hints, &at) != 0)
		return tc_fail(err, TC_E_USAGE, "%s is no address", address);
	n->fd = socket(at->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	/* questions are small and answered at once: none of them waits to be sent together with the next */
	if (n->fd >= 0 && setsockopt(n->fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int)) < 0)
		failure = errno;
	if (n->fd >= 0 && !failure && connect(n->fd, at->ai_addr, at->ai_addrlen) < 0 && errno != EINPROGRESS)
		failure = errno;
	freeaddrinfo(at);
	if (n->fd < 0)
		return tc_fail(err, TC_E_RETRY, "no socket: %s", strerrordesc_np(errno));
	if (!failure && !tc_nats_await(n->fd, POLLOUT, n->deadline))
		return late(err, n);
	if (!failure && getsockopt(n->fd, SOL_SOCKET, SO_ERROR, &failure, &len) < 0)
		failure = errno;
	if (!failure)
		return 0;
	(void)close(n->fd);
	n->fd = -1;
	return tc_fail(err, TC_E_RETRY, "cannot connect: %s", strerrordesc_np(failure));
}

static int dial(struct tc_nats *n, const struct tc_nats_login *login, struct tc_error *err)
{
	struct tc_addresses found;
	struct tc_error unresolved = {0};

	if (login->address)
		return dial_one(n, login->address, login->port, err);
	if (tc_pg_resolve(&found, login->host, n->deadline, &unresolved) < 0)
		return tc_fail(err, TC_E_RETRY, "the name \"%s\" has no address, or was not resolved in time",
			       login->host);
	for (size_t i = 0; i < found.count; i++)
		if (dial_one(n, found.list[i], login->port, err) == 0)
			return 0;
	return -1;
}

static int start_tls(struct tc_nats *n, const struct tc_nats_login *login, struct tc_error *err)
{
	const char *mode = login->tls_mode;
	bool wanted = strcmp(mode, "require") == 0 || strcmp(mode, "verify-full") == 0;

	if (strcmp(mode, "disable") == 0 && n->tls_required)
		return tc_fail(err, TC_E_USAGE, "the server wants TLS, and tls.mode is disable");
	/* A password goes over no connection that is less than what was configured. */
	if (wanted && !n->tls_required && !n->tls_available)
		return tc_fail(err, TC_E_USAGE, "the server offers no TLS, and tls.mode is %s; nothing was sent to it",
			       mode);
	if (!wanted && !n->tls_required)
		return 0;
	if (n->at != n->in.len)
		return foul(err, "the server spoke on before TLS began");
	return tc_nats_tls_start(&n->tls, n->fd, login->host, mode, login->tls_ca, n->deadline, err);
}

static void add_connect(struct tc_buf *out, const struct tc_nats *n, const struct tc_nats_login *login)
{
	_cleanup_json_ json_t *options = json_pack("{sb, sb, sb, ss, ss, ss, si, sb, sb}", "verbose", 0, "pedantic", 0,
						   "tls_required", n->tls != NULL, "name", "tentc", "lang", "c",
						   "version", "1", "protocol", 1, "headers", 1, "no_responders", 1);
	char *text;

	text = json_dumps(options, JSON_COMPACT);
	if (!text)
		tc_no_memory();
	text[strlen(text) - 1] = '\0'; /* the brace: user and password follow by hand, so that no copy of them stays */
	tc_buf_printf(out, "CONNECT %s", text);
	free(text);
	if (login->user) {
		tc_buf_puts(out, ",\"user\":\"");
		for (const char *p = login->user; *p; p++)
			tc_buf_printf(out, *p == '"' || *p == '\\' ? "\\%c" : "%c", *p);
		tc_buf_puts(out, "\",\"pass\":\"");
		for (const char *p = login->password; *p; p++)
			tc_buf_printf(out, *p == '"' || *p == '\\' ? "\\%c" : "%c", *p);
		tc_buf_putc(out, '"');
	}
	tc_buf_puts(out, "}\r\nPING\r\n");
}

static const struct {
	const char *part;
	enum tc_nats_answer answer;
} logins[] = {
	{"uthorization Violation", TC_NATS_REFUSED},
	{"uthentication Revoked", TC_NATS_REFUSED},
	{"uthentication Expired", TC_NATS_REFUSED},
	{"aximum account active connections", TC_NATS_FULL},
};

static enum tc_nats_answer log_in(struct tc_nats *n, const struct tc_nats_login *login, struct tc_error *err)
{
	_cleanup_buf_ struct tc_buf out = {.secret = true};
	enum event what;

	add_connect(&out, n, login);
	if (send_all(n, out.p, out.len, err) < 0)
		return TC_NATS_FAILED;
	do {
		if (next_event(n, &what, err) < 0)
			return TC_NATS_FAILED;
	} while (what != PONG && what != ERROR);
	if (what == PONG)
		return TC_NATS_OK;
	for (size_t i = 0; i < TC_COUNT(logins); i++)
		if (strstr(n->said, logins[i].part))
			return logins[i].answer;
	tc_fail(err, TC_E_RETRY, "the server says: %s", n->said);
	return TC_NATS_FAILED;
}

enum tc_nats_answer tc_nats_connect(struct tc_nats **out, const struct tc_nats_login *login, unsigned seconds,
				    struct tc_error *err)
{
	_cleanup_(tc_nats_close) struct tc_nats *n = tc_xalloc(sizeof(*n));
	enum tc_nats_answer answer;
	struct tc_str line;

	n->fd = -1;
	n->seconds = seconds;
	n->deadline = tc_nats_clock() + (int64_t)seconds * 1000;
	n->mem = tc_arena_new(4096);
	if (dial(n, login, err) < 0 || read_line(n, &line, err) < 0)
		return TC_NATS_FAILED;
	if (!tc_str_starts(line, "INFO ")) {
		foul(err, "the first line is no INFO");
		return TC_NATS_FAILED;
	}
	if (read_info(n, (struct tc_str){.s = line.s + 5, .len = line.len - 5}, err) < 0 ||
	    start_tls(n, login, err) < 0)
		return TC_NATS_FAILED;
	answer = log_in(n, login, err);
	if (answer == TC_NATS_OK)
		*out = tc_take(&n);
	return answer;
}

void tc_nats_close(struct tc_nats *n)
{
	if (!n)
		return;
	tc_nats_tls_free(n->tls);
	if (n->fd >= 0)
		(void)close(n->fd);
	tc_buf_free(&n->in);
	tc_arena_free(n->mem);
	free(n);
}

const struct tc_nats_info *tc_nats_info(const struct tc_nats *n)
{
	return &n->info;
}

/* --- asking ----------------------------------------------------------------------------------------------------------
 */

static void begin(struct tc_nats *n)
{
	n->deadline = tc_nats_clock() + (int64_t)n->seconds * 1000;
}

bool tc_nats_alive(struct tc_nats *n)
{
	struct tc_error ignored = {0};
	enum event what = MESSAGE;

	begin(n);
	if (send_all(n, "PING\r\n", 6, &ignored) < 0)
		return false;
	while (what != PONG)
		if (next_event(n, &what, &ignored) < 0 || what == ERROR)
			return false;
	return true;
}

static int ask(struct tc_nats *n, const char *subject, const char *body, struct tc_error *err)
{
	_cleanup_buf_ struct tc_buf out = {0};
	unsigned char random[8];
	char inbox[64];

	if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
		return tc_fail(err, TC_E_BUG, "no random bytes");
	snprintf(inbox, sizeof(inbox), "_INBOX.tentc.%02x%02x%02x%02x%02x%02x%02x%02x", random[0], random[1], random[2],
		 random[3], random[4], random[5], random[6], random[7]);
	n->sid++;
	tc_buf_printf(&out, "SUB %s %lu\r\nPUB %s %s %zu\r\n%s\r\n", inbox, n->sid, subject, inbox, strlen(body), body);
	return send_all(n, out.p, out.len, err);
}

static int forget(struct tc_nats *n, struct tc_error *err)
{
	char line[32];

	snprintf(line, sizeof(line), "UNSUB %lu\r\n", n->sid);
	return send_all(n, line, strlen(line), err);
}

static int answer_of(struct tc_nats *n, json_t **out, bool *nobody, struct tc_error *err)
{
	enum event what = PONG;

	while (what == PONG || what == STALE)
		if (next_event(n, &what, err) < 0)
			return -1;
	*nobody = what == NO_RESPONDERS;
	if (what == ERROR)
		return tc_fail(err, TC_E_USAGE, "the server says: %s", n->said);
	*out = *nobody ? NULL : json_loadb(n->body.s, n->body.len, 0, NULL);
	if (!*nobody && !json_is_object(*out))
		return foul(err, "the answer is no JSON");
	return 0;
}

int tc_nats_request(struct tc_nats *n, json_t **out, const char *subject, const char *body, bool *nobody,
		    struct tc_error *err)
{
	*out = NULL;
	begin(n);
	if (ask(n, subject, body, err) < 0 || answer_of(n, out, nobody, err) < 0 || forget(n, err) < 0) {
		json_decref(*out);
		*out = NULL;
		return -1;
	}
	return 0;
}

int tc_nats_request_all(struct tc_nats *n, const char *subject, const char *body, unsigned gap,
			bool (*each)(void *self, const json_t *answer), void *self, struct tc_error *err)
{
	bool nobody = false, last = false;

	begin(n);
	if (ask(n, subject, body, err) < 0)
		return -1;
	for (unsigned count = 0; !last && !nobody; count++) {
		_cleanup_json_ json_t *answer = NULL;

		/* nothing more in what was read, and nothing comes: that was all */
		if (count && n->at == n->in.len && !tc_nats_await(n->fd, POLLIN, tc_nats_clock() + gap))
			break;
		if (answer_of(n, &answer, &nobody, err) < 0)
			return -1;
		last = !nobody && each(self, answer);
	}
	return forget(n, err);
}

int tc_nats_may_subscribe(struct tc_nats *n, bool *may, const char *subject, struct tc_error *err)
{
	_cleanup_buf_ struct tc_buf out = {0};
	enum event what = MESSAGE;

	begin(n);
	n->sid++;
	*may = true;
	tc_buf_printf(&out, "SUB %s %lu\r\nUNSUB %lu\r\nPING\r\n", subject, n->sid, n->sid);
	if (send_all(n, out.p, out.len, err) < 0)
		return -1;
	while (what != PONG) {
		if (next_event(n, &what, err) < 0)
			return -1;
		if (what == ERROR && !strstr(n->said, "ermissions Violation"))
			return tc_fail(err, TC_E_RETRY, "the server says: %s", n->said);
		if (what == ERROR)
			*may = false;
	}
	return 0;
}
