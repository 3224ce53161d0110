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
	.host = "nats.tentacular-system.svc",
	.port = 4222,
	.auth_type = "password",
	.auth_field = "token",
	.consumes = true,
};
