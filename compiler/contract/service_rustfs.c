/* RustFS, or another S3 store: one prefix of a bucket for each tentacle, and a user who sees nothing else. */
#include "compiler/contract/services.h"

enum { BUCKET, REGION };

static bool is_bucket_end(char c)
{
	return tc_is_lower(c) || tc_is_digit(c);
}

/* A bucket whose name is an IPv4 address could not be told from a host. */
static bool looks_like_address(const char *value)
{
	unsigned dots = 0;

	for (; *value; value++) {
		if (*value == '.')
			dots++;
		else if (!tc_is_digit(*value))
			return false;
	}
	return dots == 3;
}

static const char *bucket_fault(struct tc_arena *mem, const char *value)
{
	size_t len = strlen(value);

	for (const char *c = value; *c; c++)
		if (!is_bucket_end(*c) && *c != '.' && *c != '-')
			return "has a character that S3 buckets don't, allowed are a-z, 0-9, . and -";
	if (len < 3 || len > 63)
		return tc_printf(mem, "is %zu character%s long, S3 buckets have 3 to 63", len, len == 1 ? "" : "s");
	if (!is_bucket_end(value[0]) || !is_bucket_end(value[len - 1]))
		return "begins or ends with . or -, an S3 bucket has a letter or a digit there";
	if (strstr(value, ".."))
		return "has two dots in a row, which S3 buckets may not";
	if (looks_like_address(value))
		return "is an IP address, which S3 buckets may not be";
	return NULL;
}

static const char *region_fault(struct tc_arena *mem, const char *value)
{
	return tc_label_fault(mem, tc_str(value));
}

static const struct tc_setting settings[] = {
	[BUCKET] = {.name = "bucket",
		    .type = TC_SETTING_TEMPLATE,
		    .fallback = "tentacular",
		    .fault = bucket_fault,
		    .help = "the bucket of the tentacles' prefixes; {enclave} gives each enclave its own"},
	[REGION] = {.name = "region",
		    .type = TC_SETTING_STRING,
		    .fallback = "us-east-1",
		    .fault = region_fault,
		    .help = "the region that requests are signed for"},
	{0},
};

static const struct tc_setting admin_settings[] = {
	{.name = "dialect",
	 .type = TC_SETTING_ENUM,
	 .fallback = "rustfs",
	 .choices = (const char *const[]){"rustfs", "minio", NULL},
	 .help = "how users and policies are administered"},
	{.name = "region",
	 .fallback = "",
	 .fault = region_fault,
	 .help = "the region that administrative requests are signed for; empty: the tentacles' region"},
	{0},
};

static const char *bucket(const struct tc_subject *s)
{
	return tc_template_expand(s->mem, s->service->settings[BUCKET], s->enclave);
}

static const char *prefix(const struct tc_subject *s)
{
	return tc_printf(s->mem, "%s/%s/", s->enclave, s->name);
}

static const char *region(const struct tc_subject *s)
{
	return s->service->settings[REGION];
}

static const struct tc_value values[] = {
	TC_VALUE_PROTOCOL("the S3 protocol"),
	TC_VALUE_HOST,
	TC_VALUE_PORT,
	{"bucket", TC_V_CONTRACT | TC_V_SECRET | TC_V_IDENTITY, bucket, "the bucket of the prefix"},
	{"prefix", TC_V_CONTRACT | TC_V_SECRET | TC_V_IDENTITY | TC_V_UNIQUE, prefix,
	 "what the keys of the tentacle's objects begin with"},
	{"region", TC_V_CONTRACT | TC_V_SECRET, region, "the region that requests are signed for"},
	{"user", TC_V_IDENTITY | TC_V_UNIQUE, tc_value_tentacle, "the user, the access key and the policy"},
	/* Not a secret by itself, but half of a credential: it comes and goes with the other half. */
	{"access_key", TC_V_SECRET | TC_V_CREDENTIAL, tc_value_tentacle, "the access key, which is the user's name"},
	{"secret_key", TC_V_SECRET | TC_V_CREDENTIAL, NULL, "the secret key"},
	TC_VALUE_TLS_MODE,
	TC_VALUE_TLS_CA,
	{0},
};

const struct tc_service tc_service_rustfs = {
	.key = "rustfs",
	.title = "RustFS (S3)",
	.dependency = "tentacular-rustfs",
	.protocols = (const char *const[]){"s3", "http", "https", "rustfs", NULL},
	.values = values,
	.binding_type = "s3",
	.settings = settings,
	.admin_settings = admin_settings,
	.admin_key_pair = true,
	.host = "rustfs.tentacular-system.svc",
	.port = 9000,
	.auth_type = "access-key",
	.auth_field = "secret_key",
};
