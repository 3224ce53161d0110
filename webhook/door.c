#include "webhook/door.h"

#include <malloc.h>
#include <netdb.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "compiler/base/arena.h"
#include "webhook/conn.h"
#include "webhook/serving_gnutls.h"
#include "webhook/tls.h"

enum {
	SWEEP_MS = 250,
	TIDY_MS = 1000,
	CROWD = 256, /* connections whose end frees much memory */
	CLOSING_MS = 20,
	FREE_MS = 5000, /* for a request that is being answered while everything ends */
	BACKLOG = 1024,
	ACCEPT_AT_ONCE = 64, /* then the clocks are looked at again */
	EVENTS = 64,
	/* Of a connection: the head of a request, and its body on the way through. The API server's heads have 1 KiB.
	 */
	CONNECTION_BYTES = 32 * 1024,
	/* What is being ended takes a moment to go, and does not count until there are as many of them. */
	ENDING_SHARE = 4,
};

struct tc_door {
	struct tc_door_conf conf;
	struct MHD_Daemon *daemon;
	struct tc_conns conns;
	pthread_t doorman;
	bool running;
	int listen_fd, epoll_fd, wake_fd;
	unsigned port;
	size_t most, last;    /* connections, since it was tidied, and a moment ago: the doorman's own */
	uint64_t tidied;      /* when: too */
	atomic_size_t open;   /* handed to libmicrohttpd and not closed yet */
	atomic_bool closing;  /* no new connections, and idle ones end */
	atomic_bool stopping; /* everything ends */
	atomic_bool untidy;
	atomic_bool forsaken; /* whoever is left */
};

/* --- what libmicrohttpd calls, in its worker threads --- */

static void begin_connection(struct tc_door *d, struct MHD_Connection *c, void **context)
{
	struct tc_conn *conn = tc_xalloc(sizeof(*conn));

	conn->mhd = c;
	conn->fd = MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
	conn->wake_fd = d->epoll_fd;
	conn->stopping = &d->stopping;
	conn->visit.conn = conn;
	*context = conn;
	tc_conns_add(&d->conns, conn);
	if (d->conf.serving)
		tc_conn_attach(conn, MHD_get_connection_info(c, MHD_CONNECTION_INFO_GNUTLS_SESSION)->tls_session);
	if (d->conf.metrics)
		atomic_fetch_add_explicit(&d->conf.metrics->connections, 1, memory_order_relaxed);
}

/* Called before the socket is closed: until now its number was this connection's. */
static void end_connection(struct tc_door *d, struct tc_conn *conn)
{
	tc_conns_remove(&d->conns, conn);
	if (d->conf.metrics)
		atomic_fetch_sub_explicit(&d->conf.metrics->connections, 1, memory_order_relaxed);
	atomic_fetch_sub(&d->open, 1);
	free(conn);
}

static void on_connection(void *self, struct MHD_Connection *c, void **context,
			  enum MHD_ConnectionNotificationCode what)
{
	if (what == MHD_CONNECTION_NOTIFY_STARTED)
		begin_connection(self, c, context);
	else if (*context)
		end_connection(self, *context);
}

/* NOLINTNEXTLINE(readability-function-size): the library's signature */
static int on_handshake(gnutls_session_t session, const struct gnutls_cert_retr_st *asked, gnutls_pcert_st **certs,
			unsigned *ncerts, gnutls_ocsp_data_st **ocsp, unsigned *nocsp, gnutls_privkey_t *key,
			unsigned *flags)
{
	struct MHD_Connection *c = gnutls_session_get_ptr(session); /* as libmicrohttpd set it */
	const struct tc_conn *conn = MHD_get_connection_info(c, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;

	(void)asked;
	*ocsp = NULL;
	*nocsp = 0;
	return tc_serving_answer(conn->all->serving, certs, ncerts, key, flags);
}

/* The first line of a request is there. What is answered becomes the request's context: its visit. */
static void *on_line(void *self, const char *uri, struct MHD_Connection *c)
{
	struct tc_conn *conn = MHD_get_connection_info(c, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;

	(void)self;
	(void)uri;
	conn->asked = true;
	tc_conn_begin(conn);
	return &conn->visit;
}

/* NOLINTNEXTLINE(readability-function-size): the library's signature */
static enum MHD_Result on_request(void *self, struct MHD_Connection *c, const char *url, const char *method,
				  const char *version, const char *body, size_t *size, void **context)
{
	struct tc_door *d = self;

	(void)version;
	return d->conf.answer(d->conf.self, c, *context, url, method, body, size);
}

static void on_done(void *self, struct MHD_Connection *c, void **context, enum MHD_RequestTerminationCode how)
{
	struct tc_visit *v = *context;
	struct tc_door *d = self;

	(void)c;
	(void)how;
	if (!v)
		return;
	d->conf.done(d->conf.self, v);
	tc_conn_rest(v->conn);
}

/* --- the doorman: a thread that accepts, resumes and sweeps --- */

static void admit(struct tc_door *d, int fd, const struct sockaddr *from, socklen_t len)
{
	atomic_fetch_add(&d->open, 1);
	if (MHD_add_connection(d->daemon, fd, from, len) != MHD_YES) /* which closes it */
		atomic_fetch_sub(&d->open, 1);
}

static void accept_some(struct tc_door *d)
{
	for (int i = 0; i < ACCEPT_AT_ONCE; i++) {
		struct sockaddr_storage from;
		socklen_t len = sizeof(from);
		int fd = accept4(d->listen_fd, (struct sockaddr *)&from, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
		size_t open = atomic_load(&d->open);

		if (fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)) {
			/* Nothing can be accepted before something ends; the sockets wait. */
			(void)tc_conns_make_room(&d->conns);
			usleep(1000);
			return;
		}
		if (fd < 0)
			return;
		if ((open >= d->conf.connections && !tc_conns_make_room(&d->conns)) ||
		    open >= d->conf.connections + d->conf.connections / ENDING_SHARE + 16) {
			close(fd);
			if (d->conf.metrics)
				atomic_fetch_add_explicit(&d->conf.metrics->closed, 1, memory_order_relaxed);
			continue;
		}
		admit(d, fd, (struct sockaddr *)&from, len);
	}
}

static void resume(struct tc_conn *conn)
{
	/* A suspended connection is not closed by anybody, so it is still there. */
	if (atomic_exchange(&conn->suspended, false))
		MHD_resume_connection(conn->mhd);
}

static void look(struct tc_door *d, const struct epoll_event *e)
{
	uint64_t n;

	if (e->data.ptr == &d->listen_fd)
		accept_some(d);
	else if (e->data.ptr == &d->wake_fd)
		(void)!read(d->wake_fd, &n, sizeof(n));
	else
		resume(e->data.ptr);
}

/* The C library keeps what was freed for the next crowd, which may never come. */
static void tidy(struct tc_door *d, uint64_t now)
{
	size_t open = atomic_load(&d->open), before = d->last;

	d->last = open;
	if (open > d->most)
		d->most = open;
	if (now - d->tidied < TIDY_MS)
		return;
	/* When the crowd is gone, not while it goes. */
	if (d->most > CROWD && open < d->most / 4 && open >= before) {
		d->most = open;
		atomic_store(&d->untidy, true);
	}
	if (!atomic_exchange(&d->untidy, false))
		return;
	d->tidied = now;
	malloc_trim(0);
}

static void *stand(void *self)
{
	struct tc_door *d = self;
	struct epoll_event events[EVENTS];
	uint64_t swept = tc_now_ms(), now;

	while (!atomic_load(&d->forsaken) && (!atomic_load(&d->stopping) || atomic_load(&d->open))) {
		int n = epoll_wait(d->epoll_fd, events, EVENTS, atomic_load(&d->closing) ? CLOSING_MS : SWEEP_MS);

		for (int i = 0; i < n; i++)
			look(d, &events[i]);
		if (atomic_load(&d->closing) && d->listen_fd >= 0) {
			close(d->listen_fd);
			d->listen_fd = -1;
		}
		now = tc_now_ms();
		if (atomic_load(&d->stopping)) {
			(void)tc_conns_end(&d->conns, true);
		} else if (atomic_load(&d->closing)) {
			(void)tc_conns_end(&d->conns, false);
		} else if (now - swept >= SWEEP_MS) {
			swept = now;
			tc_conns_sweep(&d->conns);
			tidy(d, now);
		}
	}
	return NULL;
}

/* --- opening and closing --- */

static int listen_at(const struct addrinfo *at)
{
	int one = 1, fd = socket(at->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, at->ai_addr, at->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0)
		return fd;
	close(fd);
	return -1;
}

static const char *listen_fault(int number)
{
	static const struct {
		int number;
		const char *text;
	} rows[] = {
		{EADDRINUSE, "the port is taken; give another one, or end who has it"},
		{EACCES, "it takes a right to have such a port; give one from 1024 on"},
		{EADDRNOTAVAIL, "this host has no such address; give one of its own, or 0.0.0.0"},
	};

	for (size_t i = 0; i < TC_COUNT(rows); i++) {
		if (rows[i].number == number)
			return rows[i].text;
	}
	return strerror(number);
}

static int open_socket(struct tc_door *d, struct tc_error *err)
{
	struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE, .ai_socktype = SOCK_STREAM};
	const char *address = d->conf.address ? d->conf.address : "0.0.0.0";
	struct sockaddr_storage here;
	socklen_t len = sizeof(here);
	struct addrinfo *at = NULL;
	char port[16], text[16];
	int saved;

	snprintf(port, sizeof(port), "%u", d->conf.port);
	if (getaddrinfo(address, port, &hints, &at) != 0)
		return tc_fail(err, TC_E_USAGE,
			       "%s: '%s' is no address; give a numeric one, as 0.0.0.0 or ::", d->conf.name, address);
	d->listen_fd = listen_at(at);
	saved = errno;
	freeaddrinfo(at);
	if (d->listen_fd < 0)
		return tc_fail(err, TC_E_USAGE, "%s: cannot listen at %s port %u: %s", d->conf.name, address,
			       d->conf.port, listen_fault(saved));
	if (getsockname(d->listen_fd, (struct sockaddr *)&here, &len) == 0 &&
	    getnameinfo((struct sockaddr *)&here, len, NULL, 0, text, sizeof(text), NI_NUMERICSERV) == 0)
		d->port = (unsigned)strtoul(text, NULL, 10);
	return 0;
}

static bool watch(int epoll_fd, int *fd)
{
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = fd};

	return *fd >= 0 && epoll_ctl(epoll_fd, EPOLL_CTL_ADD, *fd, &event) == 0;
}

static int start_daemon(struct tc_door *d, struct tc_error *err)
{
	unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_NO_LISTEN_SOCKET | MHD_USE_ITC |
			 MHD_ALLOW_SUSPEND_RESUME | (d->conf.serving ? MHD_USE_TLS : MHD_NO_FLAG);
	struct MHD_OptionItem tls[] = {
		{MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(uintptr_t)TC_TLS_PRIORITIES},
		{MHD_OPTION_HTTPS_CERT_CALLBACK2, 0, (void *)(uintptr_t)on_handshake},
		{MHD_OPTION_END, 0, NULL},
	};
	struct MHD_OptionItem pool[] = {
		{MHD_OPTION_THREAD_POOL_SIZE, (intptr_t)d->conf.threads, NULL},
		{MHD_OPTION_END, 0, NULL},
	};
	static const struct MHD_OptionItem none[] = {{MHD_OPTION_END, 0, NULL}};

	/* Its limit stands above ours, which may be passed for a moment; its timeout stays off. */
	d->daemon = MHD_start_daemon(flags, 0, NULL, NULL, on_request, d, MHD_OPTION_CONNECTION_LIMIT,
				     4 * d->conf.connections + 1024, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
				     (size_t)CONNECTION_BYTES, MHD_OPTION_STRICT_FOR_CLIENT, 1,
				     MHD_OPTION_NOTIFY_CONNECTION, on_connection, d, MHD_OPTION_NOTIFY_COMPLETED,
				     on_done, d, MHD_OPTION_URI_LOG_CALLBACK, on_line, d, MHD_OPTION_ARRAY,
				     d->conf.serving ? tls : none, MHD_OPTION_ARRAY, d->conf.threads > 1 ? pool : none,
				     MHD_OPTION_END);
	return d->daemon ? 0 : tc_fail(err, TC_E_BUG, "%s: libmicrohttpd does not start", d->conf.name);
}

static int open_door(struct tc_door *d, struct tc_error *err)
{
	int rc;

	if (open_socket(d, err) < 0)
		return -1;
	d->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	d->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (d->epoll_fd < 0 || !watch(d->epoll_fd, &d->listen_fd) || !watch(d->epoll_fd, &d->wake_fd))
		return tc_fail(err, TC_E_USAGE, "%s: cannot watch its port: %s", d->conf.name, strerror(errno));
	if (start_daemon(d, err) < 0)
		return -1;
	rc = pthread_create(&d->doorman, NULL, stand, d);
	if (rc != 0)
		return tc_fail(err, TC_E_USAGE, "%s: cannot start a thread: %s", d->conf.name, strerror(rc));
	d->running = true;
	return 0;
}

int tc_door_open(struct tc_door **out, const struct tc_door_conf *conf, struct tc_error *err)
{
	struct tc_door *d = tc_xalloc(sizeof(*d));

	d->conf = *conf;
	d->listen_fd = d->epoll_fd = d->wake_fd = -1;
	tc_conns_init(&d->conns);
	d->conns.request_ms = conf->request_ms;
	d->conns.idle_ms = conf->idle_ms;
	d->conns.metrics = conf->metrics;
	d->conns.serving = conf->serving;
	/* Before there are threads: what they answer with may look for its door there. */
	*out = d;
	if (open_door(d, err) == 0)
		return 0;
	tc_door_free(d);
	*out = NULL;
	return -1;
}

unsigned tc_door_port(const struct tc_door *d)
{
	return d->port;
}

void tc_door_tidy(struct tc_door *d)
{
	atomic_store(&d->untidy, true);
}

bool tc_door_closing(const struct tc_door *d)
{
	return atomic_load(&d->closing);
}

static void wake(struct tc_door *d)
{
	uint64_t one = 1;

	(void)!write(d->wake_fd, &one, sizeof(one));
}

void tc_door_close(struct tc_door *d)
{
	atomic_store(&d->closing, true);
	wake(d);
}

bool tc_door_drained(struct tc_door *d, unsigned ms)
{
	uint64_t end = tc_now_ms() + ms;

	while (atomic_load(&d->open) && tc_now_ms() < end)
		usleep(5000);
	return atomic_load(&d->open) == 0;
}

static void close_fd(int fd)
{
	if (fd >= 0)
		close(fd);
}

void tc_door_free(struct tc_door *d)
{
	if (!d)
		return;
	if (d->running) {
		atomic_store(&d->stopping, true);
		tc_door_close(d);
		(void)tc_door_drained(d, FREE_MS);
		atomic_store(&d->forsaken, true);
		wake(d);
		pthread_join(d->doorman, NULL);
		/* libmicrohttpd would abort if one of these were left when it stops. */
		tc_conns_resume(&d->conns);
	}
	if (d->daemon)
		MHD_stop_daemon(d->daemon);
	close_fd(d->listen_fd);
	close_fd(d->epoll_fd);
	close_fd(d->wake_fd);
	tc_conns_destroy(&d->conns);
	free(d);
}
