/* Connecting to a NATS server, logging in, asking it. */
#include "registrars/nats_wire_parts.h"

#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

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
		return tc_nats_late(err, n);
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
	if (tc_resolve(&found, login->host, n->deadline, &unresolved) < 0)
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
		return tc_nats_foul(err, "the server spoke on before TLS began");
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
	enum tc_nats_event what;

	add_connect(&out, n, login);
	if (tc_nats_send_all(n, out.p, out.len, err) < 0)
		return TC_NATS_FAILED;
	do {
		if (tc_nats_next_event(n, &what, err) < 0)
			return TC_NATS_FAILED;
	} while (what != TC_NATS_PONG && what != TC_NATS_ERROR);
	if (what == TC_NATS_PONG)
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
	n->deadline = tc_monotonic() + (int64_t)seconds * 1000;
	n->mem = tc_arena_new(4096);
	if (dial(n, login, err) < 0 || tc_nats_read_line(n, &line, err) < 0)
		return TC_NATS_FAILED;
	if (!tc_str_starts(line, "INFO ")) {
		tc_nats_foul(err, "the first line is no INFO");
		return TC_NATS_FAILED;
	}
	if (tc_nats_read_info(n, (struct tc_str){.s = line.s + 5, .len = line.len - 5}, err) < 0 ||
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
	n->deadline = tc_monotonic() + (int64_t)n->seconds * 1000;
	n->patience = 0;
	n->late = false;
}

bool tc_nats_alive(struct tc_nats *n)
{
	struct tc_error ignored = {0};
	enum tc_nats_event what = TC_NATS_MESSAGE;

	begin(n);
	if (tc_nats_send_all(n, "PING\r\n", 6, &ignored) < 0)
		return false;
	while (what != TC_NATS_PONG)
		if (tc_nats_next_event(n, &what, &ignored) < 0 || what == TC_NATS_ERROR)
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
	return tc_nats_send_all(n, out.p, out.len, err);
}

static int forget(struct tc_nats *n, struct tc_error *err)
{
	char line[32];

	snprintf(line, sizeof(line), "UNSUB %lu\r\n", n->sid);
	return tc_nats_send_all(n, line, strlen(line), err);
}

static int answer_of(struct tc_nats *n, json_t **out, bool *nobody, struct tc_error *err)
{
	enum tc_nats_event what = TC_NATS_PONG;

	while (what == TC_NATS_PONG || what == TC_NATS_STALE)
		if (tc_nats_next_event(n, &what, err) < 0)
			return -1;
	*nobody = what == TC_NATS_NO_RESPONDERS;
	if (what == TC_NATS_ERROR)
		return tc_fail(err, TC_E_USAGE, "the server says: %s", n->said);
	*out = *nobody ? NULL : json_loadb(n->body.s, n->body.len, 0, NULL);
	if (!*nobody && !json_is_object(*out))
		return tc_nats_foul(err, "the answer is no JSON");
	return 0;
}

/* A server that is just reloading may lose a question, or its answer. All that is asked here may be asked twice. */
static bool ask_again(struct tc_nats *n, struct tc_error *err)
{
	if (!n->late || tc_monotonic() >= n->deadline)
		return false;
	n->late = false;
	*err = (struct tc_error){0};
	return forget(n, err) == 0;
}

static unsigned patience(const struct tc_nats *n)
{
	return n->seconds * 1000 / 4;
}

int tc_nats_request(struct tc_nats *n, json_t **out, const char *subject, const char *body, bool *nobody,
		    struct tc_error *err)
{
	int rc;

	begin(n);
	do {
		*out = NULL;
		rc = ask(n, subject, body, err);
		n->patience = tc_monotonic() + patience(n);
		if (rc == 0)
			rc = answer_of(n, out, nobody, err);
	} while (rc < 0 && ask_again(n, err));
	if (rc == 0)
		rc = forget(n, err);
	if (rc < 0) {
		json_decref(*out);
		*out = NULL;
	}
	return rc;
}

int tc_nats_request_all(struct tc_nats *n, const char *subject, const char *body,
			unsigned (*each)(void *self, const json_t *answer), void *self, struct tc_error *err)
{
	unsigned wait = patience(n);
	bool nobody = false, first = true;

	begin(n);
	if (ask(n, subject, body, err) < 0)
		return -1;
	while (wait && !nobody) {
		_cleanup_json_ json_t *answer = NULL;

		n->patience = tc_monotonic() + wait;
		if (answer_of(n, &answer, &nobody, err) == 0) {
			first = false;
			wait = nobody ? 0 : each(self, answer);
		} else if (first) {
			if (!ask_again(n, err) || ask(n, subject, body, err) < 0)
				return -1;
		} else if (n->late) {
			*err = (struct tc_error){0};
			wait = 0; /* nothing more comes: that was all */
		} else {
			return -1;
		}
	}
	return forget(n, err);
}

int tc_nats_may_subscribe(struct tc_nats *n, bool *may, const char *subject, struct tc_error *err)
{
	_cleanup_buf_ struct tc_buf out = {0};
	enum tc_nats_event what = TC_NATS_MESSAGE;

	begin(n);
	n->sid++;
	*may = true;
	tc_buf_printf(&out, "SUB %s %lu\r\nUNSUB %lu\r\nPING\r\n", subject, n->sid, n->sid);
	if (tc_nats_send_all(n, out.p, out.len, err) < 0)
		return -1;
	while (what != TC_NATS_PONG) {
		if (tc_nats_next_event(n, &what, err) < 0)
			return -1;
		if (what == TC_NATS_ERROR && !strstr(n->said, "ermissions Violation"))
			return tc_fail(err, TC_E_RETRY, "the server says: %s", n->said);
		if (what == TC_NATS_ERROR)
			*may = false;
	}
	return 0;
}
