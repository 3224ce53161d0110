#include "kube/status.h"

#include "compiler/base/arena.h"

#define TEXT_MAX 400 /* bytes of a message of the server's */

/* RETRY: the very same call may succeed later. reason "": any. The first row that fits decides. */
static const struct {
	int status;
	const char *reason, *part; /* part: of the message; NULL: any */
	enum tc_code code;
	const char *help;
} classes[] = {
	{400, "", NULL, TC_E_BUG, ""},
	{401, "", NULL, TC_E_USAGE, "; the token or certificate is unknown there or has expired"},
	{403, "", NULL, TC_E_USAGE, ""}, /* see permission() */
	{404, "NotFound", NULL, TC_E_REJECTED, ""},
	{404, "", NULL, TC_E_REJECTED, "; this API is not served there: is its CustomResourceDefinition installed?"},
	{405, "", NULL, TC_E_BUG, ""},
	{408, "", NULL, TC_E_RETRY, ""},
	{409, "", NULL, TC_E_REJECTED, ""},
	{410, "", NULL, TC_E_REJECTED, ""},
	{413, "", NULL, TC_E_REJECTED, "; the object is too large"},
	{415, "", NULL, TC_E_BUG, ""},
	{422, "", NULL, TC_E_REJECTED, ""},
	{429, "", NULL, TC_E_RETRY, ""},
	/* The one 500 that stays: the object does not fit its schema. */
	{500, "", "failed to create typed patch object", TC_E_REJECTED, ""},
};

static const char *phrase(int status)
{
	static const struct {
		int status;
		const char *text;
	} phrases[] = {
		{400, "Bad Request"},
		{401, "Unauthorized"},
		{403, "Forbidden"},
		{404, "Not Found"},
		{405, "Method Not Allowed"},
		{409, "Conflict"},
		{410, "Gone"},
		{413, "Too Large"},
		{415, "Unsupported Media Type"},
		{422, "Unprocessable Entity"},
		{429, "Too Many Requests"},
		{500, "Internal Server Error"},
		{502, "Bad Gateway"},
		{503, "Service Unavailable"},
		{504, "Gateway Timeout"},
	};

	for (size_t i = 0; i < TC_COUNT(phrases); i++)
		if (phrases[i].status == status)
			return phrases[i].text;
	return "";
}

/* --- what RBAC would have to allow, from the request alone */

struct asked {
	const char *verb;
	char group[128], resource[160], ns[80]; /* resource with its subresource: "pods/status" */
};

static struct tc_str next_part(const char **path)
{
	struct tc_str part;

	while (**path == '/')
		(*path)++;
	part = (struct tc_str){.s = *path, .len = strcspn(*path, "/?")};
	*path += part.len;
	return part;
}

static void set(char *to, size_t size, struct tc_str part)
{
	snprintf(to, size, "%.*s", (int)(part.len < size ? part.len : size - 1), part.s);
}

static const char *verb(const char *method, bool named, bool watch)
{
	static const struct {
		const char *method, *named, *all;
	} verbs[] = {
		{"GET", "get", "list"},
		{"POST", "create", "create"},
		{"PUT", "update", "update"},
		{"PATCH", "patch", "patch"},
		{"DELETE", "delete", "deletecollection"},
	};

	for (size_t i = 0; i < TC_COUNT(verbs); i++)
		if (!strcmp(method, verbs[i].method))
			return watch ? "watch" : named ? verbs[i].named : verbs[i].all;
	return method;
}

static bool what_was_asked(struct asked *a, const char *method, const char *path)
{
	struct tc_str part = next_part(&path), name, sub;

	memset(a, 0, sizeof(*a));
	if (tc_str_is(part, "apis"))
		set(a->group, sizeof(a->group), next_part(&path));
	else if (!tc_str_is(part, "api"))
		return false;
	next_part(&path); /* the version */
	part = next_part(&path);
	name = next_part(&path);
	sub = next_part(&path);
	/* /namespaces/NS/RESOURCE...; but /namespaces/NS is a namespace itself. */
	if (tc_str_is(part, "namespaces") && sub.len > 0) {
		set(a->ns, sizeof(a->ns), name);
		part = sub;
		name = next_part(&path);
		sub = next_part(&path);
	}
	snprintf(a->resource, sizeof(a->resource), "%.*s%s%.*s", (int)part.len, part.s, sub.len > 0 ? "/" : "",
		 (int)sub.len, sub.s);
	a->verb = verb(method, name.len > 0, strstr(path, "watch=1") != NULL);
	return part.len > 0;
}

static const char *permission(char *out, size_t size, const char *message, const char *method, const char *path)
{
	struct asked a;

	/* Of RBAC; a 403 of admission says itself what it wants. */
	if (!strstr(message, " cannot ") || !what_was_asked(&a, method, path))
		return "";
	snprintf(out, size, "; grant it \"%s\" on %s%s%s in a %s%s", a.verb, a.resource, *a.group ? "." : "", a.group,
		 *a.ns ? "Role of namespace " : "ClusterRole", a.ns);
	return out;
}

/* --- the error */

static int fail_status(int status, const char *reason, const char *message, const char *method, const char *path,
		       struct tc_kube_error *err)
{
	enum tc_code code = status >= 500 ? TC_E_RETRY : TC_E_BUG;
	const char *help = "";
	char text[TEXT_MAX + 1], allow[512];

	/* It may have several lines; ours has one. */
	snprintf(text, sizeof(text), "%s", message);
	for (char *p = text; *p; p++)
		if (*p == '\n' || *p == '\r' || *p == '\t')
			*p = ' ';
	err->status = status;
	snprintf(err->reason, sizeof(err->reason), "%s", reason);
	for (size_t i = 0; i < TC_COUNT(classes); i++) {
		if (classes[i].status != status || (*classes[i].reason && strcmp(classes[i].reason, reason)) ||
		    (classes[i].part && !strstr(message, classes[i].part)))
			continue;
		code = classes[i].code;
		help = classes[i].help;
		break;
	}
	if (status == 403)
		help = permission(allow, sizeof(allow), message, method, path);
	/* No call of ours is answered so; a proxy or a login page is. */
	if (status < 400) {
		code = TC_E_USAGE;
		help = "; \"server\" is not an API server's address";
	}
	return tc_fail(&err->error, code, "%s %.*s: %d%s%s%s%s%s", method, (int)strcspn(path, "?"), path, status,
		       *phrase(status) ? " " : "", phrase(status), *text ? ": " : "", text, help);
}

int tc_kube_refused(const json_t *object, int status, const char *method, const char *path, struct tc_kube_error *err)
{
	const json_t *details = json_object_get(object, "details");
	json_int_t code = json_integer_value(json_object_get(object, "code"));
	json_int_t seconds = json_integer_value(json_object_get(details, "retryAfterSeconds"));

	if (err->retry_after == 0 && seconds > 0 && seconds < 1000000)
		err->retry_after = (unsigned)seconds;
	if (status == 0 && code >= 400 && code < 600)
		status = (int)code;
	return fail_status(status > 0 ? status : 500, tc_json_string(object, "reason"),
			   tc_json_string(object, "message"), method, path, err);
}

int tc_kube_check(const struct tc_answer *a, const char *method, const char *path, struct tc_kube_error *err)
{
	struct tc_str body = tc_buf_str(&a->body);
	json_t *object = NULL;
	char text[TEXT_MAX + 1];
	int failed;

	if (a->status >= 200 && a->status < 300)
		return 0;
	err->retry_after = a->retry_after;
	if (a->json)
		object = json_loadb(body.s, body.len, JSON_ALLOW_NUL, NULL);
	if (json_is_object(object)) {
		failed = tc_kube_refused(object, a->status, method, path, err);
	} else {
		/* Plain text, or the page of a proxy: its first line. */
		snprintf(text, sizeof(text), "%.*s", (int)strcspn(body.s, "\r\n"), body.s);
		failed = fail_status(a->status, "", text, method, path, err);
	}
	json_decref(object);
	return failed;
}

json_t *tc_kube_parse(const char *s, size_t n, const char *method, const char *path, struct tc_kube_error *err)
{
	json_error_t where;
	json_t *object = json_loadb(s, n, JSON_ALLOW_NUL, &where);

	if (json_is_object(object))
		return object;
	/* What stands there may be a secret: only where it went wrong is said. */
	tc_fail(&err->error, TC_E_RETRY, "%s %.*s: the answer is no JSON object%s", method, (int)strcspn(path, "?"),
		path,
		object                                                         ? ""
		: json_error_code(&where) == json_error_premature_end_of_input ? ": it ends too early"
									       : "");
	json_decref(object);
	return NULL;
}
