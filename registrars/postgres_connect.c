/* libpq's blocking calls wait as long as the server likes. Here every wait is poll() with what is left of the time
 * limit, and at the deadline the session is closed: PQcancel would connect once more, blocking, and without TLS. */
#include "registrars/postgres.h"

#include <poll.h>
#include <sys/mman.h>
#include <unistd.h>

#include "compiler/base/utf8.h"

/* What it is not told libpq looks up in the environment, and in the files that this names, and nothing keeps it from
 * that: to it an empty parameter is none. So what is libpq's leaves the environment, before main(), while nobody else
 * reads there. */
__attribute__((constructor)) static void forget_environment(void)
{
	char **to = environ;

	for (char **from = environ; from && *from; from++)
		if (strncmp(*from, "PG", 2) != 0)
			*to++ = *from;
	if (to)
		*to = NULL;
}

static void ignore_notice(void *self, const PGresult *notice)
{
	(void)self;
	(void)notice;
}

/* One line of what was said, without what a terminal would obey, and UTF-8 whatever it was. */
static void say(struct tc_pg_failure *why, const char *text)
{
	size_t n = 0, left = text ? strlen(text) : 0, len;
	uint32_t cp;

	for (; left && n + 4 < sizeof(why->text); text += len, left -= len) {
		len = tc_utf8_decode(text, left, &cp);
		if (len && cp != ' ' && !tc_utf8_invisible(cp)) {
			memcpy(why->text + n, text, len);
			n += len;
			continue;
		}
		if (!len)
			why->text[n++] = '?';
		else if (n && why->text[n - 1] != ' ')
			why->text[n++] = ' ';
		len = len ? len : 1;
	}
	while (n && why->text[n - 1] == ' ')
		n--;
	why->text[n] = '\0';
}

/* False at the deadline. */
static bool await(PGconn *conn, short events, int64_t deadline)
{
	struct pollfd fd = {.fd = PQsocket(conn), .events = events};

	for (;;) {
		int64_t left = deadline - tc_monotonic();
		int rc = left <= 0 || fd.fd < 0 ? 0 : poll(&fd, 1, (int)left);

		if (rc >= 0 || errno != EINTR)
			return rc > 0;
	}
}

/* libpq takes certificates as files only. This one has no name, and is gone with its descriptor. */
static int certificate_file(const char *pem)
{
	size_t len = strlen(pem);
	int fd = memfd_create("ca", MFD_CLOEXEC);

	if (fd >= 0 && write(fd, pem, len) == (ssize_t)len)
		return fd;
	if (fd >= 0)
		(void)close(fd);
	return -1;
}

/* Where systems keep the certificates that they trust. */
static const char *const bundles[] = {
	"/etc/ssl/certs/ca-certificates.crt",
	"/etc/pki/tls/certs/ca-bundle.crt",
	"/etc/ssl/cert.pem",
};

static const char *bundle(void)
{
	for (size_t i = 0; i < TC_COUNT(bundles); i++)
		if (access(bundles[i], R_OK) == 0)
			return bundles[i];
	return "/dev/null/none";
}

struct parameters {
	const char *keys[32], *values[32];
	size_t count;
};

static void add(struct parameters *p, const char *key, const char *value)
{
	p->keys[p->count] = key;
	p->values[p->count++] = value;
}

static void add_tls(struct parameters *p, const struct tc_pg_login *login, const char *ca)
{
	bool verify = strcmp(login->tls_mode, "verify-full") == 0, require = strcmp(login->tls_mode, "require") == 0;

	add(p, "sslmode", *login->tls_mode ? login->tls_mode : "prefer");
	/* A server whose certificate nobody checks has to prove that it knows the verifier, on this very channel. */
	add(p, "channel_binding", require ? "require" : "prefer");
	/* never the files of whoever runs this: a path below a file is none */
	add(p, "sslrootcert", *ca ? ca : verify ? bundle() : "/dev/null/none");
	add(p, "sslcert", "/dev/null/none");
	add(p, "sslkey", "/dev/null/none");
	add(p, "sslcrl", "/dev/null/none");
}

static void add_all(struct parameters *p, const struct tc_pg_login *login, const char *hosts, const char *addresses,
		    const char *port, const char *ca)
{
	add(p, "host", hosts);
	add(p, "hostaddr", addresses);
	add(p, "port", port);
	add(p, "dbname", login->database);
	add(p, "user", login->user);
	if (login->password)
		add(p, "password", login->password);
	/* of /dev/null itself libpq would warn on stderr that it is no plain file */
	add(p, "passfile", "/dev/null/none");
	add(p, "application_name", "tentc");
	add(p, "client_encoding", "UTF8");
	add(p, "gssencmode", "disable");
	add(p, "target_session_attrs", "read-write");
	add(p, "keepalives_idle", "30");
	add(p, "keepalives_interval", "5");
	add(p, "keepalives_count", "3");
	add(p, "tcp_user_timeout", "10000");
	add_tls(p, login, ca);
	add(p, NULL, NULL);
}

/* libpq has no state for a failed connection, but at this verbosity the server's part ends "FATAL:  28P01". */
static void find_state(struct tc_pg_failure *why, const char *text)
{
	const char *at = text, *last = NULL;

	while ((at = strstr(at, "FATAL:  ")))
		last = at += 8;
	for (size_t i = 0; last && i < 5; i++)
		if (!tc_is_digit(last[i]) && !tc_is_upper(last[i]))
			return;
	if (last && (!last[5] || last[5] == '\n' || last[5] == ' '))
		memcpy(why->state, last, 5);
}

static bool handshake(PGconn *conn, int64_t deadline, bool *timed_out)
{
	/* as PQconnectPoll wants it before its first call */
	PostgresPollingStatusType next = PGRES_POLLING_WRITING;

	while (next == PGRES_POLLING_READING || next == PGRES_POLLING_WRITING) {
		if (!await(conn, next == PGRES_POLLING_READING ? POLLIN : POLLOUT, deadline)) {
			*timed_out = true;
			return false;
		}
		next = PQconnectPoll(conn);
	}
	return next == PGRES_POLLING_OK;
}

static int start(struct tc_pg *out, const struct parameters *p, int64_t deadline, struct tc_pg_failure *why)
{
	PGconn *conn = PQconnectStartParams(p->keys, p->values, 0);

	if (!conn)
		tc_no_memory();
	(void)PQsetErrorVerbosity(conn, PQERRORS_SQLSTATE);
	(void)PQsetNoticeReceiver(conn, ignore_notice, NULL);
	if (PQstatus(conn) != CONNECTION_BAD && handshake(conn, deadline, &why->timed_out) &&
	    PQsetnonblocking(conn, 1) == 0) {
		(void)PQsetErrorVerbosity(conn, PQERRORS_DEFAULT);
		out->asked = PQconnectionUsedPassword(conn);
		out->conn = conn;
		return 0;
	}
	out->asked = PQconnectionUsedPassword(conn);
	if (!why->timed_out) {
		find_state(why, PQerrorMessage(conn));
		/* These two are libpq's own, it says them in words alone. */
		if (PQconnectionNeedsPassword(conn))
			snprintf(why->state, sizeof(why->state), "%s", TC_STATE_NO_PASSWORD);
		else if (!why->state[0] && strstr(PQerrorMessage(conn), "session is read-only"))
			snprintf(why->state, sizeof(why->state), "25006");
		say(why, PQerrorMessage(conn));
	}
	PQfinish(conn);
	return -1;
}

int tc_pg_connect(struct tc_pg *out, const struct tc_pg_login *login, unsigned seconds, struct tc_pg_failure *why)
{
	_cleanup_buf_ struct tc_buf hosts = {0}, addresses = {0};
	int64_t deadline = tc_monotonic() + (int64_t)seconds * 1000;
	struct tc_addresses found;
	struct tc_error unresolved = {0};
	struct parameters p = {0};
	char port[8], path[32] = "";
	int fd = *login->tls_ca ? certificate_file(login->tls_ca) : -1, rc;

	*out = (struct tc_pg){.seconds = seconds};
	*why = (struct tc_pg_failure){0};
	if (tc_resolve(&found, login->host, deadline, &unresolved) < 0) {
		say(why, unresolved.msg);
		if (fd >= 0)
			(void)close(fd);
		return -1;
	}
	for (size_t i = 0; i < found.count; i++) {
		tc_buf_printf(&hosts, "%s%s", i ? "," : "", login->host);
		tc_buf_printf(&addresses, "%s%s", i ? "," : "", found.list[i]);
	}
	snprintf(port, sizeof(port), "%u", login->port);
	if (fd >= 0)
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	add_all(&p, login, hosts.p, addresses.p, port, path);
	rc = start(out, &p, deadline, why);
	if (fd >= 0)
		(void)close(fd);
	return rc;
}

void tc_pg_close(struct tc_pg *pg)
{
	PQfinish(pg->conn);
	pg->conn = NULL;
}

bool tc_pg_alive(struct tc_pg *pg)
{
	struct pollfd fd = {.fd = pg->conn ? PQsocket(pg->conn) : -1, .events = POLLIN};

	if (!pg->conn || PQstatus(pg->conn) != CONNECTION_OK || PQtransactionStatus(pg->conn) != PQTRANS_IDLE)
		return false;
	/* An idle server says nothing but its farewell, or that a setting has changed. */
	if (poll(&fd, 1, 0) > 0 && (!PQconsumeInput(pg->conn) || PQstatus(pg->conn) != CONNECTION_OK))
		return false;
	return fd.fd >= 0 && (poll(&fd, 1, 0) == 0);
}

static bool flush(PGconn *conn, int64_t deadline)
{
	int rc;

	while ((rc = PQflush(conn)) > 0)
		if (!await(conn, POLLIN | POLLOUT, deadline) || !PQconsumeInput(conn))
			return false;
	return rc == 0;
}

/* NULL with *ended: there is no more; NULL without: the session is broken, or it is late. */
static PGresult *next_result(PGconn *conn, int64_t deadline, bool *ended)
{
	PGresult *result;

	*ended = false;
	while (PQisBusy(conn))
		if (!await(conn, POLLIN, deadline) || !PQconsumeInput(conn))
			return NULL;
	result = PQgetResult(conn);
	*ended = !result;
	return result;
}

static void keep_failure(struct tc_pg_failure *why, const PGresult *result)
{
	const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	const char *detail = PQresultErrorField(result, PG_DIAG_MESSAGE_DETAIL);
	char text[1024];

	if (why->state[0])
		return;
	snprintf(why->state, sizeof(why->state), "%s", state ? state : "XX000");
	snprintf(text, sizeof(text), "%s%s%s", PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY), detail ? ": " : "",
		 detail ? detail : "");
	say(why, text);
}

/* All results of one text; the first failure counts. False: the session is of no use any more. */
static bool collect(struct tc_pg *pg, PGresult **rows, int64_t deadline, struct tc_pg_failure *why)
{
	PGresult *result;
	bool ended;

	while ((result = next_result(pg->conn, deadline, &ended))) {
		ExecStatusType status = PQresultStatus(result);

		if (status == PGRES_FATAL_ERROR)
			keep_failure(why, result);
		if (status == PGRES_TUPLES_OK && rows) {
			PQclear(*rows);
			*rows = result;
		} else {
			PQclear(result);
		}
		/* we never copy: it is no server of PostgreSQL */
		if (status == PGRES_COPY_IN || status == PGRES_COPY_OUT || status == PGRES_COPY_BOTH)
			return false;
	}
	return ended && PQstatus(pg->conn) == CONNECTION_OK;
}

int tc_pg_run(struct tc_pg *pg, PGresult **rows, const char *sql, struct tc_pg_failure *why)
{
	int64_t deadline = tc_monotonic() + (int64_t)pg->seconds * 1000;
	struct tc_pg_failure more = {0};

	*why = (struct tc_pg_failure){0};
	if (rows)
		*rows = NULL;
	if (!PQsendQuery(pg->conn, sql) || !flush(pg->conn, deadline) || !collect(pg, rows, deadline, why)) {
		why->timed_out = tc_monotonic() >= deadline;
		if (!why->state[0])
			say(why, PQerrorMessage(pg->conn));
		tc_pg_close(pg);
	} else if (why->state[0] && PQtransactionStatus(pg->conn) != PQTRANS_IDLE) {
		/* the block that failed is still open, and would refuse all that follows */
		if (!PQsendQuery(pg->conn, "ROLLBACK") || !flush(pg->conn, deadline) ||
		    !collect(pg, NULL, deadline, &more))
			tc_pg_close(pg);
	}
	if (pg->conn && !why->state[0])
		return 0;
	if (rows) {
		PQclear(*rows);
		*rows = NULL;
	}
	return -1;
}
