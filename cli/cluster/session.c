#include "cli/cluster/session.h"

#include <unistd.h>

#include "cli/cluster/admin.h"
#include "cli/cluster/commands.h"
#include "cli/output.h"

int tc_session_init(struct tc_session *s, const struct tc_cli *cli, const struct tc_session_options *options,
		    struct tc_error *err)
{
	*s = (struct tc_session){
		.mem = cli->mem,
		.colour = cli->colour,
		.kubeconfig = options->kubeconfig,
		.no_cluster = options->no_cluster,
		.json = options->format && strcmp(options->format, "json") == 0,
		.secrets = tc_arena_new_secret(16 * 1024),
	};
	tc_hide_memory();
	if (options->no_cluster && options->kubeconfig)
		return tc_fail(err, TC_E_USAGE, "\"--no-cluster\" and \"--kubeconfig\" contradict each other");
	return tc_run_init(&s->run, &options->run, err);
}

void tc_session_end(struct tc_session *s)
{
	tc_crew_free(s->crew);
	tc_kube_free(s->kube);
	tc_kube_config_free(s->cluster);
	if (s->run.mem)
		tc_run_free(&s->run);
	tc_arena_free(s->secrets);
}

int tc_session_read(struct tc_session *s)
{
	tc_run_config(&s->run);
	if (!s->run.diags.errors)
		tc_run_keys(&s->run);
	return tc_run_report(&s->run, s->colour, "; nothing was done");
}

static int read_admin(void *self, struct tc_admin *out, const struct tc_service_config *service, struct tc_error *err)
{
	struct tc_session *s = self;

	return tc_admin_read(out, s->secrets, service, err);
}

void tc_session_step(struct tc_session *s, const char *service, const char *what)
{
	tc_session_row(s, service, "  %s", what); /* deeper than how it ended */
	if (s->steps)
		tc_json_push(s->steps, tc_printf(s->mem, "%s: %s", service, what));
}

static void on_step(void *self, const char *service, const char *what)
{
	tc_session_step(self, service, what);
}

struct tc_crew_conf tc_session_crew(struct tc_session *s)
{
	return (struct tc_crew_conf){
		.config = s->run.config,
		.keys = s->run.keys,
		.kube = s->cluster,
		.admin = read_admin,
		.admin_self = s,
		.step = on_step,
		.step_self = s,
	};
}

int tc_session_connect(struct tc_session *s, struct tc_error *err)
{
	struct tc_kube_error failed = {0};
	struct tc_crew_conf conf;

	if (!s->no_cluster) {
		if (tc_kube_find(&s->cluster, s->kubeconfig, err) < 0)
			return s->kubeconfig ? -1 : tc_wrap(err, "no cluster is known, and --no-cluster was not given");
		if (tc_kube_open(&s->kube, s->cluster, &failed) < 0) {
			*err = failed.error;
			return -1;
		}
	}
	conf = tc_session_crew(s);
	s->crew = tc_crew_new(&conf);
	return 0;
}

/* --- what is said ----------------------------------------------------------------------------------------------------
 */

static void print(struct tc_session *s, const char *text)
{
	if (s->lost.code == TC_E_NONE)
		(void)tc_write_stdout(tc_str(text), &s->lost);
}

void tc_session_head(struct tc_session *s, const char *fmt, ...)
{
	va_list ap;

	if (s->json)
		return;
	va_start(ap, fmt);
	print(s, tc_printf(s->mem, "%s\n", tc_vprintf(s->mem, fmt, ap)));
	va_end(ap);
}

/* What services answer is theirs: what is no plain text stays off the terminal. */
static const char *plain(char *text)
{
	for (char *c = text; *c; c++)
		*c = (unsigned char)*c < ' ' || *c == 0x7f ? '?' : *c;
	return text;
}

void tc_session_row(struct tc_session *s, const char *first, const char *fmt, ...)
{
	va_list ap;

	if (s->json)
		return;
	va_start(ap, fmt);
	print(s, tc_printf(s->mem, "  %-9s %s\n", first, plain(tc_vprintf(s->mem, fmt, ap))));
	va_end(ap);
}

static int append(const char *text, size_t len, void *self)
{
	tc_buf_add(self, text, len);
	return 0;
}

int tc_session_print(struct tc_session *s, const json_t *root, struct tc_error *err)
{
	_cleanup_buf_ struct tc_buf out = {0};

	if (s->lost.code != TC_E_NONE) {
		*err = s->lost;
		return -1;
	}
	if (!s->json)
		return 0;
	if (json_dump_callback(root, append, &out, JSON_INDENT(2)) < 0)
		return tc_fail(err, TC_E_BUG, "the answer is no JSON");
	tc_buf_putc(&out, '\n');
	return tc_write_stdout(tc_buf_str(&out), err);
}

json_t *tc_json_text(const char *text)
{
	json_t *string = json_string(text);
	char *copy;

	if (string)
		return string;
	copy = strdup(text);
	if (!copy)
		tc_no_memory();
	for (char *c = copy; *c; c++)
		*c = (unsigned char)*c < 0x80 ? *c : '?';
	string = json_string(copy);
	free(copy);
	return string;
}

void tc_json_push(json_t *list, const char *text)
{
	if (list)
		json_array_append_new(list, tc_json_text(text));
}

const char *tc_outcome_error(const struct tc_outcome *o)
{
	size_t n = strlen(o->service->service->key);
	const char *text = o->err.msg;

	return strncmp(text, o->service->service->key, n) == 0 && text[n] == ':' && text[n + 1] == ' ' ? text + n + 2
												       : text;
}

json_t *tc_session_service(json_t *list, const struct tc_outcome *o, const char *detail)
{
	json_t *one = json_object();

	json_object_set_new(one, "name", json_string(o->service->service->key));
	json_object_set_new(one, "available", json_boolean(o->done || o->err.code != TC_E_RETRY));
	json_object_set_new(one, "detail", tc_json_text(o->done ? detail : tc_outcome_error(o)));
	json_array_append_new(list, one);
	return one;
}

const char *tc_state_name(enum tc_state state)
{
	static const char *const names[] = {
		[TC_STATE_ABSENT] = "absent",     [TC_STATE_APPLIED] = "applied", [TC_STATE_DIFFERS] = "differs",
		[TC_STATE_RETAINED] = "retained", [TC_STATE_FOREIGN] = "foreign",
	};

	return names[state];
}

static const char *size_text(struct tc_arena *mem, uint64_t bytes)
{
	static const char *const units[] = {"bytes", "KiB", "MiB", "GiB", "TiB", "PiB"};
	double n = (double)bytes;
	size_t unit = 0;

	while (n >= 1024 && unit + 1 < TC_COUNT(units)) {
		n /= 1024;
		unit++;
	}
	return unit ? tc_printf(mem, "%.1f %s", n, units[unit]) : tc_printf(mem, "%.0f bytes", n);
}

const char *tc_amount(struct tc_arena *mem, const struct tc_service_config *service, uint64_t items, uint64_t bytes)
{
	static const struct {
		const char *service, *one, *many;
	} rows[] = {
		{"postgres", "table", "tables"},
		{"rustfs", "object", "objects"},
		{"nats", "message", "messages"},
	};
	const char *one = "item", *many = "items";

	for (size_t i = 0; i < TC_COUNT(rows); i++)
		if (strcmp(rows[i].service, service->service->key) == 0) {
			one = rows[i].one;
			many = rows[i].many;
		}
	if (items == UINT64_MAX)
		return tc_printf(mem, "%s that are too many to count", many);
	if (bytes == UINT64_MAX)
		return tc_printf(mem, "%llu %s", (unsigned long long)items, items == 1 ? one : many);
	return tc_printf(mem, "%llu %s, %s", (unsigned long long)items, items == 1 ? one : many, size_text(mem, bytes));
}

const char *tc_sentences(struct tc_arena *mem, const char *const *list, size_t n, const char *fallback)
{
	_cleanup_buf_ struct tc_buf all = {0};

	for (size_t i = 0; i < n; i++)
		tc_buf_printf(&all, "%s%s", i ? "; " : "", list[i]);
	return n ? tc_strdup(mem, all.p) : fallback;
}

bool tc_session_skips(const struct tc_session *s, const struct tc_service_config *service)
{
	return s->no_cluster && !service->host;
}

int tc_session_confirm(const char *what, const char *expected, struct tc_error *err)
{
	_cleanup_buf_ struct tc_buf question = {0};
	struct tc_error lost = {0};
	char line[256], *end;
	ssize_t n;

	if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO))
		return tc_fail(err, TC_E_USAGE,
			       "%s destroys data, and there is no terminal to ask on; look at it with --dry-run, then "
			       "give --yes",
			       what);
	tc_buf_printf(&question, "This cannot be undone. Type %s to go on: ", expected);
	(void)tc_write_all(STDERR_FILENO, "standard error", &(struct tc_str){question.p, question.len}, 1, &lost);
	do
		n = read(STDIN_FILENO, line, sizeof(line) - 1);
	while (n < 0 && errno == EINTR);
	line[n > 0 ? n : 0] = '\0';
	end = strpbrk(line, "\r\n");
	if (end)
		*end = '\0';
	if (strcmp(line, expected) != 0)
		return tc_fail(err, TC_E_USAGE, "\"%s\" was expected and not typed; nothing was destroyed", expected);
	return 0;
}

void tc_session_advise(enum tc_code code)
{
	static const struct {
		enum tc_code code;
		const char *text;
	} rows[] = {
		{TC_E_RETRY, "a service is unavailable; what could be done is done: run it again later"},
		{TC_E_REJECTED, "something was refused; what could be done is done"},
		{TC_E_USAGE, "something could not be done as it was asked for; tentc doctor tells more"},
		{TC_E_DIFFERS, "a service does not do what it was told; tentc doctor tells more"},
		{TC_E_BUG, "internal error"},
	};

	for (size_t i = 0; i < TC_COUNT(rows); i++)
		if (rows[i].code == code)
			tc_say("error: %s", rows[i].text);
}
