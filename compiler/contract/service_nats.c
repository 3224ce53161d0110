/* NATS: an account for each enclave, a user and a subject space for each tentacle. */
#include "compiler/contract/services.h"

enum { SUBJECTS };

static const struct tc_setting settings[] = {
	[SUBJECTS] = {.name = "subjects",
		      .type = TC_SETTING_ENUM,
		      .fallback = "all",
		      .choices = (const char *const[]){"all", "single", NULL},
		      .help = "all: every subject below <enclave>.<name> (`>`); single: one more token (`*`), which "
			      "leaves no room for a private inbox"},
	{0},
};

static const char *url_fault(struct tc_arena *mem, const char *value)
{
	(void)mem;
	if (strncmp(value, "nats://", 7) != 0 && strncmp(value, "tls://", 6) != 0)
		return "does not begin with nats:// or tls://";
	return strchr(value, '@') ? "holds a user or a password, which belong into user and passwordFile" : NULL;
}

static const char *secrets_fault(struct tc_arena *mem, const char *value)
{
	const char *slash = strchr(value, '/'), *fault;

	if (!slash)
		return "is not NAMESPACE/NAME";
	fault = tc_label_fault(mem, (struct tc_str){.s = value, .len = (size_t)(slash - value)});
	return fault ? fault : tc_label_fault(mem, tc_str(slash + 1));
}

/* What registrars write accounts to; a server includes the files, or a Secret's files are mounted into it. */
static const struct tc_setting admin_settings[] = {
	{.name = "mode",
	 .type = TC_SETTING_ENUM,
	 .fallback = "file",
	 .choices = (const char *const[]){"file", "secret", NULL},
	 .help = "where accounts are written: to files of accountsDir, or to Secrets"},
	{.name = "url",
	 .fallback = "",
	 .fault = url_fault,
	 .help = "the servers, nats://host:port,... ; empty: host and port"},
	{.name = "accountsDir",
	 .fallback = "",
	 .help = "mode file: the folder of the accounts files, which the server includes"},
	{.name = "secrets",
	 .fallback = "tentacular-system/tentacular-nats-accounts",
	 .fault = secrets_fault,
	 .help = "mode secret: NAMESPACE/NAME that the Secrets' names begin with"},
	{.name = "shards",
	 .type = TC_SETTING_ENUM,
	 .fallback = "1",
	 .choices = (const char *const[]){"1", "2", "4", "8", "16", "32", "64", NULL},
	 .help = "how many files or Secrets the enclaves are spread over, in quotes; the servers include each"},
	{0},
};

static const struct tc_service_limit limits[] = {
	{"connections", 1000, 1, 1000000, "the connections of one enclave"},
	{"payload", 1048576, 1024, 67108864, "the largest message of an enclave, in bytes"},
	{"jetstream", 0, 0, 1048576, "JetStream storage of an enclave, in MiB; 0: no JetStream"},
	{0},
};

static const char *user(const struct tc_subject *s)
{
	return tc_printf(s->mem, "%s.%s", s->enclave, s->name);
}

static const char *subject(const struct tc_subject *s)
{
	bool single = strcmp(s->service->settings[SUBJECTS], "single") == 0;

	return tc_printf(s->mem, "%s.%s.%s", s->enclave, s->name, single ? "*" : ">");
}

static const char *inbox_prefix(const struct tc_subject *s)
{
	return tc_printf(s->mem, "%s.%s._INBOX", s->enclave, s->name);
}

static const char *account(const struct tc_subject *s)
{
	return s->enclave;
}

static const struct tc_value values[] = {
	TC_VALUE_PROTOCOL("the protocol of NATS"),
	TC_VALUE_HOST,
	TC_VALUE_PORT,
	{"user", TC_V_CONTRACT | TC_V_SECRET | TC_V_IDENTITY | TC_V_UNIQUE, user, "the user that connects"},
	{"subject", TC_V_CONTRACT | TC_V_SECRET | TC_V_IDENTITY | TC_V_UNIQUE, subject,
	 "the subjects it may publish and subscribe to"},
	{"account", TC_V_IDENTITY, account, "the account of the enclave"},
	{"inbox_prefix", TC_V_SECRET | TC_V_UNIQUE, inbox_prefix,
	 "what the client's inboxes begin with, so that nobody else reads its replies"},
	/* NATS knows no token of one user's own: it is the password of `user`. */
	{"token", TC_V_SECRET | TC_V_CREDENTIAL, NULL, "the password of the user"},
	TC_VALUE_TLS_MODE,
	TC_VALUE_TLS_CA,
	{0},
};

const struct tc_service tc_service_nats = {
	.key = "nats",
	.title = "NATS",
	.dependency = "tentacular-nats",
	.protocols = (const char *const[]){"nats", "tls", NULL},
	.values = values,
	.binding_type = "nats",
	.settings = settings,
	.admin_settings = admin_settings,
	.limits = limits,
	.host = "nats.tentacular-system.svc",
	.port = 4222,
	.auth_type = "password",
	.auth_field = "token",
	.consumes = true,
};
