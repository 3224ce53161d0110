#include "cli/output_schema.h"

#include "compiler/contract/schema_json.h"

enum form {
	STRING,
	BOOLEAN,
	COUNT,
	STRINGS,   /* a list of strings */
	OBJECT,    /* one of `of` */
	LIST,      /* a list of them */
	WORDS,     /* a string, one of `choices` */
	WORDS_MAP, /* an object whose values are such */
};

struct field {
	const char *name;
	enum form form;
	const char *help;
	const char *of;             /* OBJECT, LIST: the definition */
	const char *const *choices; /* WORDS, WORDS_MAP */
	bool optional;
};

static const char *const states[] = {"absent", "applied", "differs", "retained", "foreign", NULL};
static const char *const phases[] = {"registered", "degraded", "retained", NULL};
static const char *const statuses[] = {"ok", "skipped", "warning", "failed", "unavailable", NULL};

/* Every member has a value, so that compilers see that none was forgotten. */
#define F(name, form, help)                               \
	{                                                 \
		(name), (form), (help), NULL, NULL, false \
	}
#define OPTIONAL(name, form, help)                       \
	{                                                \
		(name), (form), (help), NULL, NULL, true \
	}
#define OF(name, form, help, of)                          \
	{                                                 \
		(name), (form), (help), (of), NULL, false \
	}
#define ONE_OF(name, form, help, choices)                      \
	{                                                      \
		(name), (form), (help), NULL, (choices), false \
	}

#define ENCLAVE F("enclave", STRING, "the enclave's name")
#define NAME F("name", STRING, "the tentacle's name")
#define DRY_RUN F("dry_run", BOOLEAN, "nothing was changed: it says what would be")
#define FORCE F("force", BOOLEAN, "data was to be destroyed too")
#define STEPS F("steps", STRINGS, "what was changed, in order: the service, and what was done")
#define CREATED F("resources_created", STRINGS, "what was not there before, by name")
#define SERVICES OF("exo_services", LIST, "how it went in each service", "service")
#define DELETED F("deleted", BOOLEAN, "all of it is gone, data too; false where it is kept")
#define TENTACLE_COUNT F("tentacle_count", COUNT, "how many tentacles")

static const struct definition {
	const char *name, *help;
	bool answer; /* a command prints it */
	struct field fields[10];
} definitions[] = {
	{"register",
	 "tentc register",
	 true,
	 {DRY_RUN, TENTACLE_COUNT, OF("tentacles", LIST, "in the order of the input", "registration")}},
	{"undeploy", "tentc undeploy", true, {ENCLAVE, NAME, FORCE, DRY_RUN, SERVICES, STEPS, DELETED}},
	{"provision",
	 "tentc enclave provision",
	 true,
	 {ENCLAVE, DRY_RUN, SERVICES, CREATED, OPTIONAL("cluster", STRING, "what went wrong in the cluster")}},
	{"info",
	 "tentc enclave info",
	 true,
	 {ENCLAVE,
	  {"namespace", OBJECT, "of that name; absent with --no-cluster", "namespace", NULL, true},
	  SERVICES,
	  TENTACLE_COUNT,
	  OF("tentacles", LIST, "sorted by name", "resident")}},
	{"list", "tentc enclave list", true, {OF("enclaves", LIST, "sorted by name", "enclave"), SERVICES}},
	{"deprovision",
	 "tentc enclave deprovision",
	 true,
	 {ENCLAVE, FORCE, DRY_RUN, STEPS, TENTACLE_COUNT, SERVICES, DELETED}},
	{"doctor",
	 "tentc doctor",
	 true,
	 {OF("checks", LIST, "in the order they were made", "check"), F("ok", BOOLEAN, "nothing is to be done")}},
	{"service",
	 "one service of the exoskeleton",
	 false,
	 {F("name", STRING, "as in the configuration: postgres, rustfs, nats, spire"),
	  F("available", BOOLEAN, "it answers; false: try again later"), F("detail", STRING, "one line for people"),
	  OPTIONAL("deleted", BOOLEAN, "undeploy: its data is gone"),
	  OPTIONAL("items", COUNT, "undeploy: how many tables, objects, messages it has or had"),
	  OPTIONAL("bytes", COUNT, "undeploy: and how large they are")}},
	{"registration",
	 "one tentacle",
	 false,
	 {ENCLAVE,
	  NAME,
	  F("epoch", COUNT, "of its credentials"),
	  SERVICES,
	  CREATED,
	  STEPS,
	  {"secret", OBJECT, "absent when it needs none", "secret", NULL, true}}},
	{"secret",
	 "the Secret in the cluster",
	 false,
	 {F("name", STRING, "its name"), F("applied", BOOLEAN, "it was"), F("detail", STRING, "one line for people")}},
	{"namespace",
	 "the namespace of an enclave",
	 false,
	 {F("exists", BOOLEAN, "it is there"), F("labelled", BOOLEAN, "as an enclave")}},
	{"resident",
	 "one tentacle, as the services have it",
	 false,
	 {NAME, ONE_OF("phase", WORDS, "of all services together", phases),
	  ONE_OF("services", WORDS_MAP, "its state in each service that has something of it", states)}},
	{"enclave",
	 "one enclave",
	 false,
	 {F("name", STRING, "its name"), F("labelled", BOOLEAN, "there is a namespace with the label"),
	  TENTACLE_COUNT}},
	{"check",
	 "one thing that was looked at",
	 false,
	 {F("name", STRING, "what: configuration, root keys, cluster, clock, ..., or a service"),
	  ONE_OF("status", WORDS, "how it is", statuses), F("detail", STRING, "one line for people"),
	  OPTIONAL("help", STRING, "what to do")}},
};

static void write_ref(struct tc_json *j, const char *definition)
{
	char ref[64];

	(void)snprintf(ref, sizeof(ref), "#/$defs/%s", definition);
	tc_json_string(j, "$ref", ref);
}

static void write_form(struct tc_json *j, const struct field *f)
{
	static const char *const types[] = {
		[STRING] = "string", [BOOLEAN] = "boolean", [COUNT] = "integer", [STRINGS] = "array",
		[OBJECT] = NULL,     [LIST] = "array",      [WORDS] = NULL,      [WORDS_MAP] = "object",
	};

	if (types[f->form])
		tc_json_string(j, "type", types[f->form]);
	switch (f->form) {
	case COUNT:
		tc_json_int(j, "minimum", 0);
		break;
	case STRINGS:
	case LIST:
		tc_json_open_map(j, "items");
		if (f->form == LIST)
			write_ref(j, f->of);
		else
			tc_json_string(j, "type", "string");
		tc_json_close(j);
		break;
	case OBJECT:
		write_ref(j, f->of);
		break;
	case WORDS:
		tc_json_strings(j, "enum", f->choices);
		break;
	case WORDS_MAP:
		tc_json_open_map(j, "additionalProperties");
		tc_json_strings(j, "enum", f->choices);
		tc_json_close(j);
		break;
	case STRING:
	case BOOLEAN:
		break;
	}
}

static void write_definition(struct tc_json *j, const struct definition *d)
{
	const char *required[TC_COUNT(d->fields) + 1];
	size_t n = 0;

	tc_json_open_map(j, d->name);
	tc_json_string(j, "description", d->help);
	tc_json_string(j, "type", "object");
	for (const struct field *f = d->fields; f < d->fields + TC_COUNT(d->fields) && f->name; f++)
		if (!f->optional)
			required[n++] = f->name;
	required[n] = NULL;
	tc_json_strings(j, "required", required);
	tc_json_bool(j, "additionalProperties", false);
	tc_json_open_map(j, "properties");
	for (const struct field *f = d->fields; f < d->fields + TC_COUNT(d->fields) && f->name; f++) {
		tc_json_open_map(j, f->name);
		tc_json_string(j, "description", f->help);
		write_form(j, f);
		tc_json_close(j);
	}
	tc_json_close(j);
	tc_json_close(j);
}

void tc_output_schema(struct tc_buf *out)
{
	struct tc_json j = {.out = out};

	tc_json_open_map(&j, NULL);
	tc_json_string(&j, "$schema", "https://json-schema.org/draft/2020-12/schema");
	tc_json_string(&j, "title", "Output of tentc");
	tc_json_string(&j, "description", "What commands that work on services print with --format json.");
	tc_json_open_list(&j, "anyOf");
	for (size_t i = 0; i < TC_COUNT(definitions); i++) {
		if (!definitions[i].answer)
			continue;
		tc_json_open_map(&j, NULL);
		write_ref(&j, definitions[i].name);
		tc_json_close(&j);
	}
	tc_json_close(&j);
	tc_json_open_map(&j, "$defs");
	for (size_t i = 0; i < TC_COUNT(definitions); i++)
		write_definition(&j, &definitions[i]);
	tc_json_close(&j);
	tc_json_close(&j);
}
