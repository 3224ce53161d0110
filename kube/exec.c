#include "kube/credential.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "compiler/tree/emit.h"
#include "compiler/tree/stream.h"
#include "kube/clock.h"

#define TIME_MAX 60000
#define ANSWER_MAX (1u << 20)

struct plugin {
	const struct tc_kube_exec *x;
	const atomic_bool *stop;
	struct tc_kube_error *err;
	struct tc_buf out; /* what it printed */
	pid_t pid;
	int fd;     /* of its stdout */
	int status; /* of waitpid */
	bool ended;
};

static int fail(struct plugin *p, enum tc_code code, const char *fmt, ...) TC_PRINTF(3, 4);
static int fail(struct plugin *p, enum tc_code code, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return tc_fail(&p->err->error, code, "%s: exec plugin \"%s\": %s", p->x->where, p->x->command, text);
}

/* --- what it is told */

static void put(struct tc_arena *mem, struct tc_node *map, const char *key, struct tc_str value)
{
	if (value.len > 0)
		tc_put(mem, map, key, tc_new_string(mem, NULL, value));
}

static char *base64(struct tc_arena *mem, struct tc_str text)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	char *out = tc_alloc_text(mem, (text.len + 2) / 3 * 4 + 1), *p = out;

	for (size_t i = 0; i < text.len; i += 3) {
		size_t left = text.len - i;
		uint32_t bits = (uint32_t)(unsigned char)text.s[i] << 16;

		if (left > 1)
			bits |= (uint32_t)(unsigned char)text.s[i + 1] << 8;
		if (left > 2)
			bits |= (unsigned char)text.s[i + 2];
		*p++ = digits[bits >> 18];
		*p++ = digits[bits >> 12 & 63];
		*p++ = left > 1 ? digits[bits >> 6 & 63] : '=';
		*p++ = left > 2 ? digits[bits & 63] : '=';
	}
	*p = '\0';
	return out;
}

/* KUBERNETES_EXEC_INFO: which version is spoken, that there is no terminal, and which cluster it is for. */
static const char *exec_info(struct tc_arena *mem, const struct tc_kube_config *c)
{
	struct tc_node *info = tc_new_map(mem, NULL), *spec = tc_new_map(mem, NULL), *cluster;
	_cleanup_buf_ struct tc_buf text = {0};

	put(mem, info, "apiVersion", tc_str(c->exec->api_version));
	put(mem, info, "kind", TC_STR("ExecCredential"));
	tc_put(mem, spec, "interactive", tc_new_bool(mem, NULL, false));
	if (c->exec->cluster_info) {
		cluster = tc_new_map(mem, NULL);
		put(mem, cluster, "server", tc_str(c->server));
		put(mem, cluster, "tls-server-name", tc_str(c->tls_name));
		put(mem, cluster, "proxy-url", tc_str(c->proxy));
		if (c->insecure)
			tc_put(mem, cluster, "insecure-skip-tls-verify", tc_new_bool(mem, NULL, true));
		if (c->ca.len > 0)
			put(mem, cluster, "certificate-authority-data", tc_str(base64(mem, c->ca)));
		tc_put(mem, spec, "cluster", cluster);
	}
	tc_put(mem, info, "spec", spec);
	tc_emit(&text, info, (struct tc_emit){.format = TC_JSON});
	return tc_printf(mem, "KUBERNETES_EXEC_INFO=%s", text.p);
}

static bool same_name(const char *a, const char *b)
{
	size_t n = strcspn(a, "=");

	return !strncmp(a, b, n) && b[n] == '=';
}

/* Our own environment, where the plugin's does not say otherwise. */
static const char **environment(struct tc_arena *mem, const struct tc_kube_config *c)
{
	const char *info = exec_info(mem, c), **list = NULL;
	size_t n = 0, cap = 0;

	for (char **e = environ; *e; e++) {
		bool replaced = same_name(info, *e);

		for (const char *const *own = c->exec->env; *own; own++)
			replaced |= same_name(*own, *e);
		if (replaced)
			continue;
		tc_grow(mem, list, n, cap);
		list[n++] = *e;
	}
	for (const char *const *own = c->exec->env; *own; own++) {
		tc_grow(mem, list, n, cap);
		list[n++] = *own;
	}
	tc_grow(mem, list, n, cap);
	list[n++] = info;
	tc_grow(mem, list, n, cap);
	list[n] = NULL;
	return list;
}

/* --- running it */

/* stdin is empty, stdout ours, stderr the user's; a group of its own, so that its children can be ended with it. */
static int spawn(struct plugin *p, const char **env)
{
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	sigset_t all, none;
	int pipes[2], error;

	if (pipe2(pipes, O_CLOEXEC) < 0)
		return fail(p, TC_E_RETRY, "cannot be run: %s", strerrordesc_np(errno));
	sigfillset(&all);
	sigemptyset(&none);
	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&files, pipes[1], 1);
	posix_spawn_file_actions_addclosefrom_np(&files, 3);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setsigdefault(&attr, &all);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setpgroup(&attr, 0);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
	error = posix_spawnp(&p->pid, p->x->command, &files, &attr, (char *const *)(uintptr_t)p->x->argv,
			     (char *const *)(uintptr_t)env);
	posix_spawn_file_actions_destroy(&files);
	posix_spawnattr_destroy(&attr);
	close(pipes[1]);
	if (error != 0) {
		close(pipes[0]);
		return fail(p, TC_E_USAGE, "cannot be run: %s%s%s", strerrordesc_np(error), p->x->advice ? "; " : "",
			    p->x->advice ? p->x->advice : "");
	}
	p->fd = pipes[0];
	return 0;
}

/* False: there is nothing more, or not now. */
static bool take_some(struct plugin *p)
{
	char some[4096];
	ssize_t n = read(p->fd, some, sizeof(some));

	if (n > 0 && p->out.len <= ANSWER_MAX)
		tc_buf_add(&p->out, some, (size_t)n);
	explicit_bzero(some, sizeof(some));
	return n > 0 || (n < 0 && errno == EINTR);
}

static int gather(struct plugin *p)
{
	int64_t end = tc_clock() + TIME_MAX;
	bool open = true;

	while (!p->ended) {
		struct pollfd ready = {.fd = open ? p->fd : -1, .events = POLLIN};

		if (tc_clock() > end)
			return fail(p, TC_E_RETRY, "it did not end within %d s", TIME_MAX / 1000);
		if (p->stop && atomic_load(p->stop))
			return fail(p, TC_E_RETRY, "stopped");
		if (poll(&ready, 1, open ? 50 : 10) > 0)
			open = take_some(p);
		if (p->out.len > ANSWER_MAX)
			return fail(p, TC_E_USAGE, "it printed more than %u bytes", ANSWER_MAX);
		p->ended = waitpid(p->pid, &p->status, WNOHANG) == p->pid;
	}
	/* What it left in the pipe. Children of its own may hold the pipe open: they are not waited for. */
	fcntl(p->fd, F_SETFL, O_NONBLOCK);
	while (open && p->out.len <= ANSWER_MAX && take_some(p))
		;
	if (WIFSIGNALED(p->status))
		return fail(p, TC_E_USAGE, "it was ended by signal %d", WTERMSIG(p->status));
	if (WEXITSTATUS(p->status) != 0)
		return fail(p, TC_E_USAGE, "it ended with status %d", WEXITSTATUS(p->status));
	return 0;
}

/* --- what it says: of that nothing is ever quoted */

static const char *copy(struct tc_kube_credential *cred, const struct tc_node *status, const char *key)
{
	struct tc_str text = tc_text(tc_get(status, key));

	return text.len > 0 ? tc_strndup(cred->mem, text.s, text.len) : NULL;
}

static int read_status(struct plugin *p, struct tc_kube_credential *cred, const struct tc_node *status)
{
	const struct tc_node *expires = tc_get(status, "expirationTimestamp");
	struct tc_str token = tc_str(copy(cred, status, "token"));

	cred->cert = tc_str(copy(cred, status, "clientCertificateData"));
	cred->key = tc_str(copy(cred, status, "clientKeyData"));
	if (token.len > 0) {
		if (!tc_kube_token(&token))
			return fail(p, TC_E_USAGE, "\"status.token\" holds what no token may hold");
		cred->token = tc_strndup(cred->mem, token.s, token.len);
	}
	if ((cred->cert.len > 0) != (cred->key.len > 0))
		return fail(p, TC_E_USAGE, "it gave one of \"clientCertificateData\" and \"clientKeyData\", want both");
	if (!cred->token && cred->cert.len == 0)
		return fail(p, TC_E_USAGE, "\"status\" holds neither a token nor a client certificate");
	if (cred->cert.len > 0 &&
	    (!tc_kube_is_pem(cred->cert, "CERTIFICATE") || !tc_kube_is_pem(cred->key, "PRIVATE KEY")))
		return fail(p, TC_E_USAGE, "\"clientCertificateData\" or \"clientKeyData\" is no PEM");
	if (tc_is(expires, TC_STRING)) {
		cred->expires = tc_time_parse(tc_text(expires));
		if (cred->expires < 0)
			return fail(p, TC_E_USAGE, "\"status.expirationTimestamp\" is no time of RFC 3339");
	}
	return 0;
}

static int read_answer(struct plugin *p, struct tc_kube_credential *cred)
{
	static const struct tc_limits limits = {.max_bytes = ANSWER_MAX,
						.max_documents = 1,
						.max_nodes = 10000,
						.max_expanded = 20000,
						.max_depth = 64};
	struct tc_source src = {.name = "answer.json", .text = tc_buf_str(&p->out)};
	struct tc_diags diags = {.mem = cred->mem};
	struct tc_doc *docs = NULL;
	const struct tc_node *root;

	if (tc_stream_cut(cred->mem, &src, &limits, &diags, &docs) != 1 ||
	    !tc_doc_read(cred->mem, &docs[0], &limits, &diags) || !tc_is(docs[0].root, TC_MAP))
		return fail(p, TC_E_USAGE, "what it printed is no JSON object");
	root = docs[0].root;
	if (!tc_is_string(tc_get(root, "kind"), "ExecCredential"))
		return fail(p, TC_E_USAGE, "what it printed is no ExecCredential");
	if (!tc_is_string(tc_get(root, "apiVersion"), p->x->api_version))
		return fail(p, TC_E_USAGE, "its ExecCredential is not of %s", p->x->api_version);
	return read_status(p, cred, tc_get(root, "status"));
}

int tc_kube_exec_run(struct tc_kube_credential *cred, const struct tc_kube_config *config, const atomic_bool *stop,
		     struct tc_kube_error *err)
{
	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(4096);
	struct plugin p = {.x = config->exec, .stop = stop, .err = err, .out = {.secret = true}, .fd = -1};
	int done = spawn(&p, environment(mem, config));

	if (done == 0) {
		done = gather(&p);
		if (!p.ended) {
			/* The group, which is the plugin's own until the plugin has been waited for. */
			kill(-p.pid, SIGKILL);
			waitpid(p.pid, &p.status, 0);
		}
		close(p.fd);
	}
	if (done == 0)
		done = read_answer(&p, cred);
	tc_buf_free(&p.out);
	return done;
}
