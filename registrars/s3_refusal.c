/* What the errors of S3 servers mean here, what to do, and whether trying again may help. */
#include <jansson.h>
#include <time.h>

#include "registrars/s3.h"
#include "registrars/xml.h"

static const struct {
	const char *code; /* NULL: any of that status */
	int status;       /* where code is NULL */
	enum tc_code our;
	const char *meaning; /* NULL: what the server says */
	const char *help;
} rows[] = {
	{"AccessDenied", 0, TC_E_USAGE, "the server does not let the administrator do this",
	 "docs/rustfs.md lists the rights of the administrator; of disks that are read-only MinIO says the same"},
	{"InvalidAccessKeyId", 0, TC_E_USAGE,
	 "the server does not know the administrator's access key, or it is disabled",
	 "look at services.rustfs.admin.accessKeyFile"},
	{"SignatureDoesNotMatch", 0, TC_E_USAGE, "the administrator's secret key is wrong",
	 "look at services.rustfs.admin.secretKeyFile"},
	{"AuthorizationHeaderMalformed", 0, TC_E_USAGE, "the server wants another region",
	 "look at services.rustfs.region and services.rustfs.admin.region"},
	{"XMinioAdminConfigBadJSON", 0, TC_E_USAGE, "the server cannot read it",
	 "look at services.rustfs.admin.dialect and secretKeyFile"},
	{"XMinioStorageFull", 0, TC_E_RETRY, "the server's disks are full", "make room, then try again"},
	{"InternalError", 0, TC_E_RETRY, NULL, "look at the server's disks and its log, then try again"},
	{"XMinioServerNotInitialized", 0, TC_E_RETRY, "the server is starting", "try again"},
	{"BucketAlreadyExists", 0, TC_E_REJECTED, "the bucket belongs to somebody else",
	 "give services.rustfs.bucket another name"},
	{"InvalidArgument", 0, TC_E_RETRY, NULL, "another run may be at work, try again"},
	{"XMinioIAMPolicyInUse", 0, TC_E_RETRY, "it is in use again", "another run may be at work, try again"},
	{"SlowDown", 0, TC_E_RETRY, "the server is busy", "try again"},
	/* It was there when we looked. */
	{NULL, 404, TC_E_RETRY, NULL, "another run may be at work, try again"},
	{NULL, 409, TC_E_RETRY, NULL, "another run may be at work, try again"},
	{NULL, 403, TC_E_USAGE, "the server does not let the administrator do this",
	 "docs/rustfs.md lists the rights of the administrator"},
	{NULL, 429, TC_E_RETRY, "the server is busy", "try again"},
	{NULL, 500, TC_E_RETRY, NULL, "try again"},
	{NULL, 502, TC_E_RETRY, "a proxy has no connection to the server", "try again"},
	{NULL, 503, TC_E_RETRY, "the server is not ready", "try again"},
	{NULL, 504, TC_E_RETRY, "a proxy got no answer of the server in time", "try again"},
	{NULL, 507, TC_E_RETRY, "the server's disks are full", "make room, then try again"},
	{NULL, 301, TC_E_USAGE, "the server wants to be asked elsewhere", "look at services.rustfs.host and region"},
	{NULL, 307, TC_E_USAGE, "the server wants to be asked elsewhere", "look at services.rustfs.host and region"},
	{NULL, 308, TC_E_USAGE, "the server wants to be asked elsewhere", "look at services.rustfs.host and region"},
	{NULL, 501, TC_E_USAGE, "the server cannot do this", "docs/rustfs.md lists the servers that can"},
};

/* Printable ASCII of it, as much as there is room for. */
static void keep(char *out, size_t room, const char *s, size_t n)
{
	size_t len = 0;

	for (size_t i = 0; i < n && len + 1 < room; i++)
		out[len++] = s[i] >= ' ' && s[i] <= '~' ? s[i] : ' ';
	out[len] = '\0';
}

/* XML from S3, JSON from MinIO's administration; anything else says nothing. */
void tc_s3_read_error(struct tc_s3_answer *a)
{
	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(4096);
	const struct tc_xml *root;
	const char *fault;
	struct tc_str code, message;
	json_t *json;

	json = a->body.len && a->body.p[0] == '{' ? json_loadb(a->body.p, a->body.len, 0, NULL) : NULL;
	if (json) {
		code = tc_str(json_string_value(json_object_get(json, "Code")));
		message = tc_str(json_string_value(json_object_get(json, "Message")));
	} else {
		root = tc_xml_read(mem, tc_buf_str(&a->body), &fault);
		if (root && strcmp(root->name, "Error") != 0)
			root = tc_xml_get(root, "Error");
		code = tc_xml_text(root, "Code");
		message = tc_xml_text(root, "Message");
	}
	keep(a->code, sizeof(a->code), code.s, code.len);
	keep(a->message, sizeof(a->message), message.s, message.len);
	json_decref(json);
}

static int skewed(const struct tc_s3_request *req, const struct tc_s3_answer *a, struct tc_error *err)
{
	char ours[32], theirs[32];
	time_t now = time(NULL), then = (time_t)a->date;
	struct tm tm;

	(void)strftime(ours, sizeof(ours), "%Y-%m-%d %H:%M:%S UTC", gmtime_r(&now, &tm));
	if (a->date < 0)
		return tc_fail(err, TC_E_RETRY,
			       "rustfs: %s: the clocks differ too much; here it is %s; set the clock that is wrong",
			       req->step, ours);
	(void)strftime(theirs, sizeof(theirs), "%Y-%m-%d %H:%M:%S UTC", gmtime_r(&then, &tm));
	return tc_fail(err, TC_E_RETRY,
		       "rustfs: %s: the clocks differ too much: here it is %s, at the server %s; set the clock that is "
		       "wrong",
		       req->step, ours, theirs);
}

/* RustFS has none of its own for disks that are full. */
static const char *code_of(const struct tc_s3_answer *answer)
{
	bool full = strcmp(answer->code, "InternalError") == 0 && strstr(answer->message, "Disk full");

	return full ? "XMinioStorageFull" : answer->code;
}

int tc_s3_refused(const struct tc_s3_request *req, const struct tc_s3_answer *answer, struct tc_error *err)
{
	/* What it says to a secret may quote the secret. */
	const char *said = req->secret ? "" : answer->message, *meaning = NULL, *help = "this is not expected";
	enum tc_code our = answer->status >= 500 ? TC_E_RETRY : TC_E_BUG;

	if (strcmp(answer->code, "RequestTimeTooSkewed") == 0)
		return skewed(req, answer, err);
	if (answer->status == 400 && !*answer->code)
		return tc_fail(err, TC_E_USAGE,
			       "rustfs: %s: the server does not take it for a request to S3 (HTTP 400); look at "
			       "services.rustfs.port and tls.mode",
			       req->step);
	for (size_t i = 0; i < TC_COUNT(rows); i++) {
		if (rows[i].code ? strcmp(rows[i].code, code_of(answer)) != 0 : rows[i].status != answer->status)
			continue;
		our = rows[i].our;
		meaning = rows[i].meaning;
		help = rows[i].help;
		break;
	}
	if (!meaning)
		meaning = *said ? said : "the server refused";
	return tc_fail(err, our, "rustfs: %s: %s (HTTP %d%s%s); %s", req->step, meaning, answer->status,
		       *answer->code ? " " : "", answer->code, help);
}

int tc_s3_garbage(const struct tc_s3_request *req, const char *what, struct tc_error *err)
{
	return tc_fail(err, TC_E_RETRY,
		       "rustfs: %s: the answer %s; check services.rustfs.host, port and admin.dialect, or try again",
		       req->step, what);
}
