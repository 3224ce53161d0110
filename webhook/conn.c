#include "webhook/conn.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>

uint64_t tc_now_ms(void)
{
	struct timespec now = {0};

	/* A tick of some milliseconds is exact enough for seconds, and costs no system call. */
	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

void tc_conns_init(struct tc_conns *c)
{
	pthread_mutex_init(&c->lock, NULL);
	TAILQ_INIT(&c->welcome);
	TAILQ_INIT(&c->strangers);
	TAILQ_INIT(&c->ending);
}

void tc_conns_destroy(struct tc_conns *c)
{
	pthread_mutex_destroy(&c->lock);
}

static struct tc_conn_list *list_of(struct tc_conns *c, const struct tc_conn *conn)
{
	return conn->ending ? &c->ending : conn->welcome ? &c->welcome : &c->strangers;
}

void tc_conns_add(struct tc_conns *c, struct tc_conn *conn)
{
	conn->all = c;
	conn->since = tc_now_ms();
	conn->busy = true;
	pthread_mutex_lock(&c->lock);
	TAILQ_INSERT_TAIL(&c->strangers, conn, link);
	pthread_mutex_unlock(&c->lock);
}

void tc_conns_remove(struct tc_conns *c, struct tc_conn *conn)
{
	pthread_mutex_lock(&c->lock);
	TAILQ_REMOVE(list_of(c, conn), conn, link);
	pthread_mutex_unlock(&c->lock);
}

void tc_visit_welcome(struct tc_visit *v)
{
	struct tc_conn *conn = v->conn;
	struct tc_conns *c = conn->all;

	if (conn->welcome) /* only its worker, which is this one, sets it */
		return;
	pthread_mutex_lock(&c->lock);
	if (!conn->ending) {
		TAILQ_REMOVE(&c->strangers, conn, link);
		conn->welcome = true;
		TAILQ_INSERT_TAIL(&c->welcome, conn, link);
	}
	pthread_mutex_unlock(&c->lock);
}

/* Under the lock, so the socket is still this connection's. What is shut down is readable, so whoever waits for it
 * wakes up: libmicrohttpd, or the doorman. */
static void end(struct tc_conns *c, struct tc_conn *conn)
{
	TAILQ_REMOVE(list_of(c, conn), conn, link);
	conn->ending = true;
	TAILQ_INSERT_TAIL(&c->ending, conn, link);
	shutdown(conn->fd, SHUT_RDWR);
}

static void end_counted(struct tc_conns *c, struct tc_conn *conn)
{
	end(c, conn);
	if (c->metrics)
		atomic_fetch_add_explicit(&c->metrics->closed, 1, memory_order_relaxed);
}

static struct tc_conn *idlest(const struct tc_conns *c)
{
	struct tc_conn *found = NULL, *conn;

	TAILQ_FOREACH(conn, &c->welcome, link)
	if (!conn->busy && (!found || conn->since < found->since))
		found = conn;
	return found;
}

bool tc_conns_make_room(struct tc_conns *c)
{
	struct tc_conn *conn;

	pthread_mutex_lock(&c->lock);
	conn = TAILQ_FIRST(&c->strangers);
	if (!conn)
		conn = idlest(c);
	if (conn)
		end_counted(c, conn);
	pthread_mutex_unlock(&c->lock);
	return conn != NULL;
}

static void sweep_list(struct tc_conns *c, struct tc_conn_list *list, uint64_t now)
{
	struct tc_conn *conn, *next;

	for (conn = TAILQ_FIRST(list); conn; conn = next) {
		bool busy = conn->busy;
		uint64_t since = conn->since;

		next = TAILQ_NEXT(conn, link);
		/* since may be newer than now: the request began meanwhile */
		if (now <= since || now - since < (busy ? c->request_ms : c->idle_ms))
			continue;
		if (busy)
			end_counted(c, conn);
		else
			end(c, conn);
	}
}

void tc_conns_sweep(struct tc_conns *c)
{
	uint64_t now = tc_now_ms();

	pthread_mutex_lock(&c->lock);
	sweep_list(c, &c->strangers, now);
	sweep_list(c, &c->welcome, now);
	pthread_mutex_unlock(&c->lock);
}

static size_t end_list(struct tc_conns *c, struct tc_conn_list *list, bool all)
{
	struct tc_conn *conn, *next;
	size_t left = 0;

	for (conn = TAILQ_FIRST(list); conn; conn = next, left++) {
		next = TAILQ_NEXT(conn, link);
		if (!conn->ending && (all || !conn->busy))
			end(c, conn);
	}
	return left;
}

size_t tc_conns_end(struct tc_conns *c, bool all)
{
	size_t left;

	pthread_mutex_lock(&c->lock);
	left = end_list(c, &c->ending, all);
	left += end_list(c, &c->strangers, all);
	left += end_list(c, &c->welcome, all);
	pthread_mutex_unlock(&c->lock);
	return left;
}

void tc_conns_resume(struct tc_conns *c)
{
	struct tc_conn_list *lists[] = {&c->ending, &c->strangers, &c->welcome};
	struct tc_conn *conn;

	pthread_mutex_lock(&c->lock);
	for (size_t i = 0; i < TC_COUNT(lists); i++)
		TAILQ_FOREACH(conn, lists[i], link)
	if (atomic_exchange(&conn->suspended, false))
		MHD_resume_connection(conn->mhd);
	pthread_mutex_unlock(&c->lock);
}

void tc_conn_begin(struct tc_conn *conn)
{
	if (conn->busy)
		return;
	/* In this order: an idle connection's time must never be measured as a request's. */
	conn->since = tc_now_ms();
	conn->busy = true;
}

void tc_conn_rest(struct tc_conn *conn)
{
	conn->since = tc_now_ms();
	conn->busy = false;
}

/* libmicrohttpd asks again and again while a handshake has nothing to read: it would burn a core for whoever connects
 * and stays silent. Suspended, it is asked again when the doorman has seen bytes. */
static void wait_for_bytes(struct tc_conn *conn)
{
	struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP | EPOLLONESHOT, .data.ptr = conn};

	if (atomic_load(conn->stopping))
		return;
	MHD_suspend_connection(conn->mhd);
	conn->suspended = true;
	/* Last: from now on the doorman may resume it. */
	if (epoll_ctl(conn->wake_fd, conn->watched ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, conn->fd, &event) != 0) {
		conn->suspended = false;
		MHD_resume_connection(conn->mhd);
	}
	conn->watched = true;
}

static ssize_t pull(gnutls_transport_ptr_t ptr, void *to, size_t n)
{
	struct tc_conn *conn = ptr;
	ssize_t got = recv(conn->fd, to, n, 0);

	if (got > 0)
		tc_conn_begin(conn);
	else if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK) && !conn->asked) {
		wait_for_bytes(conn);
		errno = EAGAIN;
	}
	return got;
}

static int pull_timeout(gnutls_transport_ptr_t ptr, unsigned ms)
{
	struct tc_conn *conn = ptr;
	struct pollfd p = {.fd = conn->fd, .events = POLLIN};

	return poll(&p, 1, ms == GNUTLS_INDEFINITE_TIMEOUT ? -1 : (int)ms);
}

void tc_conn_attach(struct tc_conn *conn, gnutls_session_t session)
{
	gnutls_transport_set_ptr2(session, conn, (gnutls_transport_ptr_t)(intptr_t)conn->fd);
	gnutls_transport_set_pull_function(session, pull);
	gnutls_transport_set_pull_timeout_function(session, pull_timeout);
}
