#include "cli/cluster/doctor.h"

#include <sys/stat.h>

#include "cli/cluster/commands.h"

void tc_doctor_say(struct tc_doctor *d, const char *group, enum tc_check what, const char *text, const char *help)
{
	static const struct {
		const char *mark, *status;
	} rows[] = {
		[TC_CHECK_OK] = {"[ok]  ", "ok"},
		[TC_CHECK_SKIPPED] = {"[--]  ", "skipped"},
		[TC_CHECK_WARNING] = {"[warn]", "warning"},
		[TC_CHECK_FAILED] = {"[FAIL]", "failed"},
		[TC_CHECK_UNAVAILABLE] = {"[down]", "unavailable"},
	};
	json_t *one = json_object();

	d->found[what]++;
	tc_session_row(d->s, rows[what].mark, "%s: %s", group, text);
	if (help)
		tc_session_row(d->s, "", "-> %s", help);
	json_object_set_new(one, "name", json_string(group));
	json_object_set_new(one, "status", json_string(rows[what].status));
	json_object_set_new(one, "detail", tc_json_text(text));
	if (help)
		json_object_set_new(one, "help", json_string(help));
	json_array_append_new(d->checks, one);
}

void tc_doctor_error(struct tc_doctor *d, const char *group, const struct tc_error *err)
{
	size_t n = strlen(group);
	const char *text = err->msg;

	/* the group says already whose it is */
	if (strncmp(text, group, n) == 0 && text[n] == ':' && text[n + 1] == ' ')
		text += n + 2;
	tc_doctor_say(d, group, err->code == TC_E_RETRY ? TC_CHECK_UNAVAILABLE : TC_CHECK_FAILED, text, NULL);
}

/* --- configuration and keys ------------------------------------------------------------------------------------------
 */

static bool take_line(void *to, const struct tc_diag *diag, struct tc_str line)
{
	struct tc_doctor *d = to;

	tc_doctor_say(d, diag->id >= 400 && diag->id < 500 ? "root keys" : "configuration",
		      diag->severity == TC_ERROR ? TC_CHECK_FAILED : TC_CHECK_WARNING,
		      tc_printf(d->s->mem, "%.*s", TC_STR_ARG(line)), NULL);
	return true;
}

static void check_key_file(struct tc_doctor *d, const char *path)
{
	struct stat st;

	if (stat(path, &st) == 0 && (st.st_mode & 077))
		tc_doctor_say(d, "root keys", TC_CHECK_WARNING,
			      tc_printf(d->s->mem, "%s may be read by others than its owner (mode %03o)", path,
					(unsigned)(st.st_mode & 0777)),
			      tc_printf(d->s->mem, "chmod 600 %s", path));
	tc_doctor_say(d, "root keys", TC_CHECK_OK,
		      tc_printf(d->s->mem, "%s has the key \"%s\", which the configuration names", path,
				d->s->run.config->key_id),
		      NULL);
}

/* False: nothing else can be looked at. */
static bool check_files(struct tc_doctor *d)
{
	struct tc_session *s = d->s;
	const char *config = s->run.options.config, *keys = s->run.options.root_key_file;
	bool configured;

	tc_run_config(&s->run);
	configured = !s->run.diags.errors;
	if (configured)
		tc_run_keys(&s->run);
	tc_diags_lines(&s->run.diags, (struct tc_diag_style){.secret_keys = tc_credential_keys(s->mem)}, take_line, d);
	if (!configured)
		return false;
	tc_doctor_say(d, "configuration", TC_CHECK_OK,
		      tc_printf(s->mem, "%s, installation \"%s\"", config ? config : "the built-in values",
				s->run.config->installation),
		      NULL);
	if (s->run.keys)
		check_key_file(d, keys);
	else if (!keys)
		tc_doctor_say(d, "root keys", TC_CHECK_SKIPPED, "no --root-key-file was given", NULL);
	return true;
}

/* --- services --------------------------------------------------------------------------------------------------------
 */

static void check_service(struct tc_doctor *d, const struct tc_service_config *service)
{
	struct tc_session *s = d->s;
	const char *key = service->service->key;
	struct tc_outcome o;

	if (!service->enabled) {
		tc_doctor_say(d, key, TC_CHECK_SKIPPED, "it is switched off in the configuration", NULL);
		return;
	}
	if (tc_session_skips(s, service)) {
		tc_doctor_say(d, key, TC_CHECK_SKIPPED, "it is registered in the cluster, and there is --no-cluster",
			      NULL);
		return;
	}
	if (!tc_crew_do(s->crew, TC_ACT_PROBE, service, NULL, &o, s->mem)) {
		tc_doctor_error(d, key, &o.err);
		return;
	}
	tc_doctor_say(d, key, TC_CHECK_OK,
		      tc_printf(s->mem, "%s; %s", o.probed.version ? o.probed.version : "of an unknown version",
				o.probed.ncomplaints ? "the administrator can log in"
						     : "the administrator can log in and may do what is needed"),
		      NULL);
	for (size_t k = 0; k < o.probed.ncomplaints; k++)
		tc_doctor_say(d, key, TC_CHECK_WARNING, o.probed.complaints[k], NULL);
}

/* --- all of it -------------------------------------------------------------------------------------------------------
 */

static int finish(struct tc_doctor *d, struct tc_error *err)
{
	_cleanup_json_ json_t *root = json_object();
	size_t bad = d->found[TC_CHECK_WARNING] + d->found[TC_CHECK_FAILED], down = d->found[TC_CHECK_UNAVAILABLE];

	json_object_set(root, "checks", d->checks);
	json_object_set_new(root, "ok", json_boolean(!bad && !down));
	tc_session_head(d->s, "%zu ok, %zu warning%s, %zu failed, %zu unavailable, %zu skipped", d->found[TC_CHECK_OK],
			d->found[TC_CHECK_WARNING], d->found[TC_CHECK_WARNING] == 1 ? "" : "s",
			d->found[TC_CHECK_FAILED], down, d->found[TC_CHECK_SKIPPED]);
	if (tc_session_print(d->s, root, err) < 0)
		return -1;
	/* a retry mends what is away, not what is wrong */
	return bad ? TC_E_DIFFERS : down ? TC_E_RETRY : 0;
}

static int run(struct tc_doctor *d, struct tc_error *err)
{
	struct tc_session *s = d->s;
	struct tc_error unknown = {0};

	tc_session_head(s, "tentc %s", TC_VERSION);
	if (!check_files(d))
		return finish(d, err);
	if (tc_session_connect(s, &unknown) < 0) {
		tc_doctor_error(d, "cluster", &unknown);
		s->no_cluster = true;
		s->kubeconfig = NULL;
		if (tc_session_connect(s, err) < 0)
			return -1;
	} else if (s->kube) {
		tc_doctor_cluster(d);
	} else {
		tc_doctor_say(d, "cluster", TC_CHECK_SKIPPED, "--no-cluster was given", NULL);
	}
	for (size_t i = 0; i < s->run.config->nservices; i++)
		check_service(d, &s->run.config->services[i]);
	return finish(d, err);
}

int tc_doctor(const struct tc_cli *cli, const struct tc_args *args, struct tc_error *err)
{
	struct tc_session_options options = {
		.run = {.config = args->value[TC_DOCTOR_CONFIG], .root_key_file = args->value[TC_DOCTOR_ROOT_KEY_FILE]},
		.kubeconfig = args->value[TC_DOCTOR_KUBECONFIG],
		.format = args->value[TC_DOCTOR_FORMAT],
		.no_cluster = args->value[TC_DOCTOR_NO_CLUSTER] != NULL,
	};
	struct tc_session s;
	_cleanup_json_ json_t *checks = json_array();
	struct tc_doctor d = {.s = &s,
			      .webhook = args->value[TC_DOCTOR_WEBHOOK],
			      .cert_secret = args->value[TC_DOCTOR_CERT_SECRET],
			      .checks = checks};
	int rc = tc_session_init(&s, cli, &options, err);

	if (rc == 0)
		rc = run(&d, err);
	tc_session_end(&s);
	return rc;
}
