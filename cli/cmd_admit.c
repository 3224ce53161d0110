#include "cli/cli.h"
#include "cli/output.h"
#include "cli/run.h"
#include "compiler/transform/admit.h"
#include "compiler/transform/object.h"
#include "compiler/tree/emit.h"

enum { OPT_CONFIG, OPT_CONTEXT, OPT_AUDIT };

static const struct tc_option options[] = {
	[OPT_CONFIG] = {.name = "config", .arg = "FILE", .help = "ExoskeletonConfig (default: built-in values)"},
	[OPT_CONTEXT] = {.name = "context", .arg = "FILE|DIR", .help = "what the cluster holds: ConfigMaps, workloads"},
	[OPT_AUDIT] = {.name = "audit", .help = "warn only, as in the mode audit"},
	{0},
};

/* An object of the cluster that admission may ask for. */
struct known {
	const char *ns, *name, *kind, *uid; /* ns "": any */
	struct tc_str json;                 /* of a ConfigMap */
	const char *tentacle;               /* that its workflow names; NULL: none */
};

struct cluster {
	struct tc_arena *mem;
	const char *contract_key;
	struct known *list;
	size_t count, cap;
	bool audit;
};

static bool is_named(const struct known *k, const char *ns, const char *name)
{
	return strcmp(k->name, name) == 0 && (!k->ns[0] || strcmp(k->ns, ns) == 0);
}

static bool find_configmap(void *self, const char *ns, const char *name, struct tc_str *json)
{
	const struct cluster *c = self;

	for (size_t i = 0; i < c->count; i++) {
		if (c->list[i].json.len && is_named(&c->list[i], ns, name)) {
			*json = c->list[i].json;
			return true;
		}
	}
	return false;
}

static const char *find_tentacle(void *self, const char *ns, const char *configmap)
{
	const struct cluster *c = self;

	for (size_t i = 0; i < c->count; i++) {
		if (c->list[i].json.len && is_named(&c->list[i], ns, configmap))
			return c->list[i].tentacle;
	}
	return NULL;
}

static bool find_contract(void *self, const char *ns, const char *tentacle, size_t nth, const char **configmap,
			  struct tc_str *json)
{
	const struct cluster *c = self;

	for (size_t i = 0; i < c->count; i++) {
		const struct known *k = &c->list[i];

		if (!k->tentacle || strcmp(k->tentacle, tentacle) != 0 || !is_named(k, ns, k->name) || nth-- > 0)
			continue;
		*configmap = k->name;
		if (json)
			*json = k->json;
		return true;
	}
	return false;
}

static const char *find_holder(void *self, const char *ns, const char *name, const char **uid)
{
	const struct cluster *c = self;

	for (size_t i = 0; i < c->count; i++) {
		if (!c->list[i].json.len && is_named(&c->list[i], ns, name)) {
			*uid = c->list[i].uid;
			return c->list[i].kind;
		}
	}
	return NULL;
}

static bool is_audit(void *self, const char *ns)
{
	const struct cluster *c = self;

	(void)ns;
	return c->audit;
}

static void add_known(struct cluster *c, const struct tc_object *o)
{
	struct known k = {.ns = o->ns, .name = o->name, .kind = o->kind->kind};
	struct tc_str uid = tc_text(tc_get(tc_object_metadata(o), "uid"));
	_cleanup_buf_ struct tc_buf json = {0};

	if (o->kind->role == TC_ROLE_CONFIGMAP) {
		tc_emit(&json, o->root, (struct tc_emit){.format = TC_JSON});
		k.json = (struct tc_str){.s = tc_strndup(c->mem, json.p, json.len), .len = json.len};
		k.tentacle = tc_admit_tentacle(c->mem, tc_text(tc_get(tc_get(o->root, "data"), c->contract_key)));
	} else if (o->kind->role != TC_ROLE_WORKLOAD || tc_object_is_owned(o)) {
		return;
	}
	k.uid = uid.len ? tc_strndup(c->mem, uid.s, uid.len) : NULL;
	tc_grow(c->mem, c->list, c->count, c->cap);
	c->list[c->count++] = k;
}

static void read_context(struct tc_run *run, struct cluster *c, const char *path)
{
	size_t first = run->inputs.count;

	tc_inputs_add(&run->inputs, path);
	for (size_t i = first; i < run->inputs.count; i++) {
		struct tc_doc *docs;
		size_t n = tc_stream_cut(run->mem, &run->inputs.list[i]->src, &run->limits, &run->diags, &docs);

		for (size_t k = 0; k < n; k++) {
			struct tc_stage_doc doc = {.cut = &docs[k]};

			if (!tc_doc_read(run->mem, &docs[k], &run->limits, &run->diags) || !docs[k].root)
				continue;
			doc.root = docs[k].root;
			tc_objects_of(run->mem, &doc);
			for (size_t o = 0; o < doc.nobjects; o++)
				add_known(c, doc.objects[o]);
		}
	}
}

static int print_answer(const struct tc_buf *answer, const struct tc_source *review, const struct tc_admitted *admitted,
			struct tc_error *err)
{
	if (admitted->verdict == TC_VERDICT_INVALID)
		return tc_fail(err, TC_E_USAGE, "%s:%.*s", review->name, (int)(answer->len - 1), answer->p);
	if (tc_write_stdout(tc_buf_str(answer), err) < 0)
		return -1;
	return admitted->verdict == TC_VERDICT_DENIED ? TC_E_REJECTED : 0;
}

static int admit(struct tc_run *run, struct cluster *c, struct tc_error *err)
{
	const struct tc_knowledge knowledge = {.self = c,
					       .configmap = find_configmap,
					       .tentacle = find_tentacle,
					       .contract = find_contract,
					       .holder = find_holder,
					       .audit = is_audit};
	const struct tc_admit how = {.config = run->config, .limits = &TC_LIMITS_REQUEST, .knowledge = &knowledge};
	const struct tc_source *review = &run->inputs.list[0]->src;
	_cleanup_buf_ struct tc_buf answer = {0};
	struct tc_admitted admitted;

	if (tc_admit(&answer, run->mem, review, &how, &admitted, err) < 0)
		return -1; /* unreachable: only a bug of the stage fails */
	return print_answer(&answer, review, &admitted, err);
}

static int run(const struct tc_cli *cli, const struct tc_args *args, struct tc_error *err)
{
	struct tc_run_options how = {.config = args->value[OPT_CONFIG]};
	const char *operand = args->noperands ? args->operands[0] : "-";
	struct cluster cluster = {.mem = cli->mem, .audit = args->value[OPT_AUDIT]};
	struct tc_file_id folder;
	struct tc_run run;
	int rc = tc_run_init(&run, &how, err);

	tc_run_config(&run);
	cluster.contract_key = run.config->contract_key;
	if (tc_is_folder(operand, &folder))
		rc = tc_fail(err, TC_E_USAGE, "\"%s\" is a folder, one AdmissionReview was expected", operand);
	else
		tc_inputs_add(&run.inputs, operand);
	if (rc == 0 && args->value[OPT_CONTEXT])
		read_context(&run, &cluster, args->value[OPT_CONTEXT]);
	if (rc == 0) {
		(void)tc_run_report(&run, cli->colour, "");
		rc = tc_run_failed(&run) ? TC_E_USAGE : admit(&run, &cluster, err);
	}
	tc_run_free(&run);
	return rc;
}

const struct tc_command tc_cmd_admit = {
	.name = "admit",
	.summary = "answer one AdmissionReview as the webhook would",
	.operands = "[FILE|-]",
	.missing = "",
	.min = 0,
	.max = 1,
	.about = "Answer one AdmissionReview (admission.k8s.io/v1, JSON) as the webhook would.\n"
		 "Exit status 0: allowed; 2: no review, or a file is wrong; 3: denied.\n",
	.examples = "  tentc admit review.json\n"
		    "  tentc admit --context k8s/ < review.json | jq -r .response.patch | base64 -d\n",
	.options = options,
	.run = run,
};
