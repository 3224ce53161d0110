#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cli/cluster/certs.h"
#include "cli/cluster/commands.h"
#include "cli/output.h"
#include "kube/client.h"
#include "webhook/publish_state.h"

#define DAY INT64_C(86400)

/* --- show ------------------------------------------------------------------------------------------------------------
 */

static void problem(struct tc_certs_view *v, const char *fmt, ...) TC_PRINTF(2, 3);

static void problem(struct tc_certs_view *v, const char *fmt, ...)
{
	va_list ap;

	tc_grow(v->mem, v->problems, v->nproblems, v->cap);
	va_start(ap, fmt);
	v->problems[v->nproblems++] = tc_vprintf(v->mem, fmt, ap);
	va_end(ap);
	tc_buf_printf(&v->out, "  problem: %s\n", v->problems[v->nproblems - 1]);
}

static void show_names(struct tc_certs_view *v, const struct tc_cert_info *info)
{
	const char *line = tc_buf_str(&info->names).s;

	for (size_t n; *line; line += n + (line[n] == '\n')) {
		n = strcspn(line, "\n");
		tc_buf_printf(&v->out, "%s%.*s", line == info->names.p ? "    names   " : ", ", (int)n, line);
	}
	if (info->names.len)
		tc_buf_putc(&v->out, '\n');
}

static void show_cert(struct tc_certs_view *v, const char *key, struct tc_str pem)
{
	_cleanup_cert_info_ struct tc_cert_info info = {0};
	struct tc_error err = {0};
	char from[32], to[32];
	int64_t left;

	if (tc_cert_info(&info, pem, &err) < 0) {
		problem(v, "%s: %s", key, err.msg);
		return;
	}
	left = info.not_after - v->now;
	tc_time_text(from, info.not_before);
	tc_time_text(to, info.not_after);
	/* of somebody else's making: what is no plain text stays off the terminal */
	for (char *c = info.subject; *c; c++)
		*c = *c < ' ' || *c == 0x7f ? '?' : *c;
	tc_buf_printf(&v->out, "  %s: %s%s\n", key, info.subject, info.ca ? " (CA)" : "");
	show_names(v, &info);
	tc_buf_printf(&v->out, "    valid   %s to %s, ", from, to);
	if (left < 0)
		tc_buf_puts(&v->out, "expired\n");
	else if (left < 2 * DAY)
		tc_buf_printf(&v->out, "%lld s left\n", (long long)left);
	else
		tc_buf_printf(&v->out, "%lld days left\n", (long long)(left / DAY));
	tc_buf_printf(&v->out, "    sha256  %s\n", info.fingerprint);
	/* Renewed at two thirds: with a quarter left, nobody did. */
	if (left >= 0 && left < (info.not_after - info.not_before - TC_CERT_BACKDATE) / 4)
		problem(v, "%s was not renewed at two thirds of its life", key);
}

static void show_secret(struct tc_certs_view *v, const struct tc_certs *c)
{
	struct tc_error err = {0};

	if (c->ca.cert.len)
		show_cert(v, "ca.crt", tc_buf_str(&c->ca.cert));
	/* one that cert-manager made holds no key of the CA, and needs none */
	if (c->ca.key.len && tc_pair_check(tc_buf_str(&c->ca.cert), tc_buf_str(&c->ca.key), &err) < 0)
		problem(v, "ca.crt and ca.key: %s", err.msg);
	show_cert(v, "tls.crt", tc_buf_str(&c->leaf.cert));
	if (c->leaf.cert.len && tc_pair_check(tc_buf_str(&c->leaf.cert), tc_buf_str(&c->leaf.key), &err) < 0)
		problem(v, "tls.crt and tls.key: %s", err.msg);
	else if (c->leaf.cert.len && c->ca.cert.len &&
		 tc_chain_check(tc_buf_str(&c->leaf.cert), tc_buf_str(&c->ca.cert), v->now, &err) < 0)
		problem(v, "tls.crt and ca.crt: %s", err.msg);
	if (c->next.cert.len)
		show_cert(v, "next-ca.crt", tc_buf_str(&c->next.cert));
	for (struct tc_str rest = tc_buf_str(&c->old), one; tc_pem_next(&rest, &one);)
		show_cert(v, "old-ca.crt", one);
}

static void show_bundles(struct tc_certs_view *v, const char *webhook, const json_t *config, const struct tc_certs *c)
{
	_cleanup_cert_info_ struct tc_cert_info leaf = {0};
	struct tc_error ignored = {0};
	struct tc_bundles b;
	const char **names = NULL;
	size_t n = 0, cap = 0;

	tc_buf_printf(&v->out, "MutatingWebhookConfiguration %s\n", webhook);
	if (!config) {
		problem(v, "there is none");
		return;
	}
	(void)tc_cert_info(&leaf, tc_buf_str(&c->leaf.cert), &ignored);
	for (const char *line = tc_buf_str(&leaf.names).s; *line;) {
		size_t len = strcspn(line, "\n");

		tc_grow(v->mem, names, n, cap);
		names[n++] = tc_strndup(v->mem, line, len);
		line += len + (line[len] == '\n');
	}
	tc_bundles_read(&b, v->mem, config, names, n);
	if (b.count == 0)
		problem(v, "it has no entry with a url, or with a service that tls.crt is made for");
	for (size_t i = 0; i < b.count; i++) {
		struct tc_str rest = b.entry[i].pem, one;
		struct tc_error err = {0};
		size_t held = 0;

		while (tc_pem_next(&rest, &one))
			held++;
		tc_buf_printf(&v->out, "  %s: %zu in the caBundle\n", b.entry[i].webhook, held);
		if (held == 0)
			problem(v, "the caBundle of %s is empty", b.entry[i].webhook);
		else if (c->leaf.cert.len &&
			 tc_chain_check(tc_buf_str(&c->leaf.cert), b.entry[i].pem, v->now, &err) < 0)
			problem(v, "tls.crt and the caBundle of %s: %s", b.entry[i].webhook, err.msg);
	}
}

static int get(struct tc_kube *k, json_t **out, const char *path, struct tc_error *err)
{
	struct tc_kube_error failed = {0};

	if (tc_kube_get(k, out, path, &failed) == 0 || failed.status == 404)
		return 0;
	*err = failed.error;
	return -1;
}

int tc_certs_look(struct tc_certs_view *v, struct tc_kube *k, const char *cert_secret, const char *webhook,
		  struct tc_error *err)
{
	const char *ns, *name;
	_cleanup_secret_ json_t *secret = NULL;
	_cleanup_json_ json_t *webhooks = NULL;
	_cleanup_certs_ struct tc_certs certs = {0};

	if (!webhook)
		webhook = "tentc";
	if (tc_split_name(v->mem, "cert-secret", cert_secret ? cert_secret : "tentacular-system/tentc-webhook-certs",
			  &ns, &name, err) < 0)
		return -1;
	if (get(k, &secret, tc_kube_path(v->mem, "/api/v1/namespaces/%s/secrets/%s", ns, name), err) < 0 ||
	    get(k, &webhooks,
		tc_kube_path(v->mem, "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/%s", webhook),
		err) < 0)
		return -1;
	tc_certs_read(&certs, secret);
	tc_buf_printf(&v->out, "Secret %s/%s\n", ns, name);
	if (secret)
		show_secret(v, &certs);
	else
		problem(v, "there is none; tentc serve makes it, or: tentc certs make");
	show_bundles(v, webhook, webhooks, &certs);
	return 0;
}

static int show(const struct tc_cli *cli, const struct tc_args *args, struct tc_error *err)
{
	_cleanup_(tc_kube_config_free) struct tc_kube_config *config = NULL;
	_cleanup_(tc_kube_free) struct tc_kube *k = NULL;
	struct tc_kube_error failed = {0};
	struct tc_certs_view v = {.mem = cli->mem, .now = (int64_t)time(NULL)};
	int rc;

	tc_hide_memory();
	if (tc_kube_find(&config, args->value[TC_CERTS_KUBECONFIG], err) < 0)
		return -1;
	if (tc_kube_open(&k, config, &failed) < 0) {
		*err = failed.error;
		return -1;
	}
	rc = tc_certs_look(&v, k, args->value[TC_CERTS_CERT_SECRET], args->value[TC_CERTS_WEBHOOK], err);
	if (rc == 0)
		rc = tc_write_stdout(tc_buf_str(&v.out), err);
	tc_buf_free(&v.out);
	return rc < 0 ? -1 : v.nproblems ? TC_E_DIFFERS : 0;
}

/* --- make ------------------------------------------------------------------------------------------------------------
 */

struct file {
	const char *name;
	mode_t mode;
	const struct tc_buf *text;
	const char *path;
	bool made;
};

static int write_file(struct file *f, struct tc_error *err)
{
	struct tc_str text = tc_buf_str(f->text);
	int fd = open(f->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, f->mode), rc;

	if (fd < 0 && errno == EEXIST)
		return tc_fail(err, TC_E_USAGE, "\"%s\" exists already and is not overwritten; give another folder",
			       f->path);
	if (fd < 0)
		return tc_fail(err, TC_E_USAGE, "cannot make \"%s\": %s", f->path, tc_errno(errno));
	f->made = true;
	rc = tc_write_all(fd, f->path, &text, 1, err);
	if (rc == 0 && fsync(fd) < 0)
		rc = tc_fail(err, TC_E_USAGE, "cannot write to %s: %s", f->path, tc_errno(errno));
	if (close(fd) < 0 && errno != EINTR && rc == 0)
		rc = tc_fail(err, TC_E_USAGE, "cannot write to %s: %s", f->path, tc_errno(errno));
	return rc;
}

/* All or none. */
static int write_files(struct tc_arena *mem, const char *dir, struct file *files, size_t n, struct tc_error *err)
{
	bool made = mkdir(dir, 0700) == 0;
	int rc = made || errno == EEXIST ? 0 : tc_fail(err, TC_E_USAGE, "cannot make \"%s\": %s", dir, tc_errno(errno));

	for (size_t i = 0; i < n && rc == 0; i++) {
		files[i].path = tc_path_join(mem, tc_folder_path(mem, dir), files[i].name);
		rc = write_file(&files[i], err);
	}
	for (size_t i = 0; i < n && rc < 0; i++)
		if (files[i].made)
			(void)unlink(files[i].path);
	if (rc < 0 && made)
		(void)rmdir(dir);
	return rc;
}

static int make(const struct tc_cli *cli, const struct tc_args *args, struct tc_error *err)
{
	const char *dir = args->value[TC_CERTS_OUTPUT], *list = args->value[TC_CERTS_NAME], **names;
	_cleanup_pem_ struct tc_pem ca = {0}, leaf = {0};
	struct file files[] = {
		{.name = "ca.crt", .mode = 0644, .text = &ca.cert},
		{.name = "ca.key", .mode = 0600, .text = &ca.key},
		{.name = "tls.crt", .mode = 0644, .text = &leaf.cert},
		{.name = "tls.key", .mode = 0600, .text = &leaf.key},
	};
	int64_t now = (int64_t)time(NULL);
	char when[32], title[64];
	unsigned days;
	size_t n;

	if (!dir || !*dir || !list)
		return tc_fail(err, TC_E_USAGE, "say %s: tentc certs make -o DIR --name HOST[,HOST]",
			       list ? "where the files go" : "whom the certificate is for");
	if (tc_number("days", args->value[TC_CERTS_DAYS], 1, 3650, 90, &days, err) < 0 ||
	    tc_list(cli->mem, "name", list, &names, &n, err) < 0)
		return -1;
	tc_hide_memory();
	tc_time_text(when, now);
	(void)snprintf(title, sizeof(title), "tentc webhook CA %s", when);
	if (tc_ca_make(&ca, title, now, 10 * days * DAY, err) < 0)
		return -1;
	if (tc_leaf_make(&leaf, &ca, names, n, now, days * DAY, err) < 0)
		return tc_wrap(err, "option \"--name\"");
	return write_files(cli->mem, dir, files, TC_COUNT(files), err);
}

/* --- both ------------------------------------------------------------------------------------------------------------
 */

static const struct verb {
	const char *name;
	int (*run)(const struct tc_cli *cli, const struct tc_args *args, struct tc_error *err);
	struct {
		int number;
		const char *name;
	} others[3]; /* options that are for another verb */
} verbs[] = {
	{"show", show, {{TC_CERTS_NAME, "name"}, {TC_CERTS_DAYS, "days"}, {TC_CERTS_OUTPUT, "output"}}},
	{"make",
	 make,
	 {{TC_CERTS_CERT_SECRET, "cert-secret"}, {TC_CERTS_WEBHOOK, "webhook"}, {TC_CERTS_KUBECONFIG, "kubeconfig"}}},
};

int tc_certs(const struct tc_cli *cli, const struct tc_args *args, struct tc_error *err)
{
	for (size_t i = 0; i < TC_COUNT(verbs); i++) {
		const struct verb *v = &verbs[i];

		if (strcmp(args->operands[0], v->name) != 0)
			continue;
		for (size_t o = 0; o < TC_COUNT(v->others); o++)
			if (args->value[v->others[o].number])
				return tc_fail(err, TC_E_USAGE, "option \"--%s\" is not for tentc certs %s",
					       v->others[o].name, v->name);
		return v->run(cli, args, err);
	}
	return tc_fail(err, TC_E_USAGE, "tentc certs %s is unknown, expected show or make", args->operands[0]);
}
