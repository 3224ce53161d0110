/* What a NATS server sends: lines that end in CRLF, and messages that a line announces. */
#include "registrars/nats_wire_parts.h"

#include <poll.h>
#include <sys/socket.h>

#define LINE_MAX_BYTES (1u << 20)     /* INFO names every server of the cluster */
#define MESSAGE_MAX_BYTES (32u << 20) /* ACCOUNTZ names every account */

/* --- bytes -----------------------------------------------------------------------------------------------------------
 */

int tc_nats_late(struct tc_error *err, const struct tc_nats *n)
{
	return tc_fail(err, TC_E_RETRY, "no answer within %u seconds", n->seconds);
}

static int broken(struct tc_error *err)
{
	return tc_fail(err, TC_E_RETRY, "the server closed the connection");
}

int tc_nats_foul(struct tc_error *err, const char *what)
{
	return tc_fail(err, TC_E_RETRY, "%s; is it a NATS server that listens there?", what);
}

static int fill(struct tc_nats *n, struct tc_error *err)
{
	int64_t limit = n->patience && n->patience < n->deadline ? n->patience : n->deadline;
	char room[16384];
	short events = POLLIN;

	if (n->at && n->in.p) {
		n->in.len -= n->at;
		memmove(n->in.p, n->in.p + n->at, n->in.len);
		n->at = 0;
	}
	/* one who never stops talking answers nothing either */
	n->late = tc_monotonic() >= limit;
	if (n->late)
		return tc_nats_late(err, n);
	for (;;) {
		ssize_t got = n->tls ? tc_nats_tls_read(n->tls, room, sizeof(room), &events)
				     : recv(n->fd, room, sizeof(room), 0);

		if (got > 0) {
			tc_buf_add(&n->in, room, (size_t)got);
			return 0;
		}
		if (got == 0 || got == -2 || (!n->tls && errno != EAGAIN && errno != EINTR))
			return broken(err);
		n->late = !tc_nats_await(n->fd, events, limit);
		if (n->late)
			return tc_nats_late(err, n);
	}
}

int tc_nats_send_all(struct tc_nats *n, const char *bytes, size_t len, struct tc_error *err)
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
			return tc_nats_late(err, n);
		}
	}
	return 0;
}

/* Up to CRLF, which is taken too. The text stays until the next one is asked for. */
int tc_nats_read_line(struct tc_nats *n, struct tc_str *out, struct tc_error *err)
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
			return tc_nats_foul(err, "the answer is a line without an end");
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

int tc_nats_read_info(struct tc_nats *n, struct tc_str text, struct tc_error *err)
{
	_cleanup_json_ json_t *info = json_loadb(text.s, text.len, JSON_REJECT_DUPLICATES, NULL);
	struct tc_arena *before = n->mem;
	const json_t *urls = json_object_get(info, "connect_urls");
	const char *account, *name;
	size_t count = json_array_size(urls);

	n->mem = tc_arena_new(4096);
	account = text_of(n, info, "remote_account");
	if (!account && n->info.account)
		account = tc_strdup(n->mem, n->info.account);
	/* what the one before said is replaced: a server says it anew whenever its cluster changes */
	tc_arena_free(before);
	n->info = (struct tc_nats_info){.account = account,
					.id = text_of(n, info, "server_id"),
					.version = text_of(n, info, "version")};
	if (!n->info.id || !n->info.version)
		return tc_nats_foul(err, "the answer is no INFO of a server");
	name = text_of(n, info, "server_name");
	n->info.name = name ? name : n->info.id;
	n->tls_required = json_is_true(json_object_get(info, "tls_required"));
	n->tls_available = json_is_true(json_object_get(info, "tls_available"));
	n->info.urls = tc_alloc(n->mem, count * sizeof(*n->info.urls));
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

static int read_message(struct tc_nats *n, struct tc_str line, bool headers, enum tc_nats_event *what,
			struct tc_error *err)
{
	bool current = is_current(n, line);
	size_t sizes[2] = {0, 0};
	struct tc_str all;

	if (!read_sizes(line, headers ? sizes : sizes + 1, headers ? 2 : 1) || sizes[0] > sizes[1] ||
	    sizes[1] > MESSAGE_MAX_BYTES)
		return tc_nats_foul(err, "the answer announces no message that could be read");
	n->patience = 0; /* the line is used up: all of it has to be read */
	if (read_bytes(n, &all, sizes[1], err) < 0)
		return -1;
	n->body = (struct tc_str){.s = all.s + sizes[0], .len = all.len - sizes[0]};
	*what = !current                                        ? TC_NATS_STALE
		: headers && tc_str_starts(all, "NATS/1.0 503") ? TC_NATS_NO_RESPONDERS
								: TC_NATS_MESSAGE;
	return 0;
}

int tc_nats_next_event(struct tc_nats *n, enum tc_nats_event *what, struct tc_error *err)
{
	struct tc_str line = {0};

	for (;;) {
		if (tc_nats_read_line(n, &line, err) < 0)
			return -1;
		if (tc_str_is(line, "PING")) {
			if (tc_nats_send_all(n, "PONG\r\n", 6, err) < 0)
				return -1;
		} else if (tc_str_is(line, "PONG")) {
			*what = TC_NATS_PONG;
			return 0;
		} else if (tc_str_starts(line, "-ERR ")) {
			keep_error(n, (struct tc_str){.s = line.s + 5, .len = line.len - 5});
			*what = TC_NATS_ERROR;
			return 0;
		} else if (tc_str_starts(line, "MSG ") || tc_str_starts(line, "HMSG ")) {
			return read_message(n, line, line.s[0] == 'H', what, err);
		} else if (tc_str_starts(line, "INFO ")) {
			if (tc_nats_read_info(n, (struct tc_str){.s = line.s + 5, .len = line.len - 5}, err) < 0)
				return -1;
		} else if (!tc_str_is(line, "+OK")) {
			return tc_nats_foul(err, "the answer is not in the protocol of NATS");
		}
	}
}
