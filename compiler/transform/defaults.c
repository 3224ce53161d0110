#include "compiler/transform/defaults.h"

/* pkg/apis/core/v1 of Kubernetes 1.30 sets these. `in`: the key of the mapping, or of the list that the mapping is an
 * item of; "{}" is any collection with nothing but defaults in it. */
struct row {
	struct tc_str in, key;
	const char *value;
	const char *beside; /* only where this key is there too; NULL: anywhere */
};

#define TEXT(literal)                          \
	{                                      \
		(literal), sizeof(literal) - 1 \
	}

static const struct row rows[] = {
	{TEXT("secret"), TEXT("defaultMode"), "420", NULL},
	{TEXT("configMap"), TEXT("defaultMode"), "420", NULL},
	{TEXT("downwardAPI"), TEXT("defaultMode"), "420", NULL},
	{TEXT("projected"), TEXT("defaultMode"), "420", NULL},
	{TEXT("serviceAccountToken"), TEXT("expirationSeconds"), "3600", NULL},
	{TEXT("fieldRef"), TEXT("apiVersion"), "v1", NULL},
	{TEXT("hostPath"), TEXT("type"), "", NULL},
	{TEXT("volumes"), TEXT("emptyDir"), "{}", NULL},
	{TEXT("ports"), TEXT("protocol"), "TCP", "containerPort"},
	{TEXT("volumeMounts"), TEXT("readOnly"), "false", NULL},
	{TEXT("httpGet"), TEXT("scheme"), "HTTP", NULL},
	{TEXT("httpGet"), TEXT("path"), "/", NULL},
	{TEXT("grpc"), TEXT("service"), "", NULL},
	{TEXT("containers"), TEXT("terminationMessagePath"), "/dev/termination-log", NULL},
	{TEXT("containers"), TEXT("terminationMessagePolicy"), "File", NULL},
	{TEXT("containers"), TEXT("resources"), "{}", NULL},
	{TEXT("containers"), TEXT("volumeMounts"), "{}", NULL},
	{TEXT("containers"), TEXT("env"), "{}", NULL},
	{TEXT("spec"), TEXT("restartPolicy"), "Always", NULL},
	{TEXT("spec"), TEXT("terminationGracePeriodSeconds"), "30", NULL},
	{TEXT("spec"), TEXT("dnsPolicy"), "ClusterFirst", NULL},
	{TEXT("spec"), TEXT("securityContext"), "{}", NULL},
	{TEXT("spec"), TEXT("schedulerName"), "default-scheduler", NULL},
	{TEXT("spec"), TEXT("enableServiceLinks"), "true", NULL},
	{TEXT("spec"), TEXT("hostNetwork"), "false", NULL},
	{TEXT("spec"), TEXT("hostPID"), "false", NULL},
	{TEXT("spec"), TEXT("hostIPC"), "false", NULL},
	{TEXT("spec"), TEXT("volumes"), "{}", NULL},
	{TEXT("spec"), TEXT("initContainers"), "{}", NULL},
	{TEXT("metadata"), TEXT("labels"), "{}", NULL},
	{TEXT("metadata"), TEXT("annotations"), "{}", NULL},
	{TEXT("probe"), TEXT("timeoutSeconds"), "1", NULL},
	{TEXT("probe"), TEXT("periodSeconds"), "10", NULL},
	{TEXT("probe"), TEXT("successThreshold"), "1", NULL},
	{TEXT("probe"), TEXT("failureThreshold"), "3", NULL},
	{TEXT(""), TEXT("metadata"), "{}", NULL}, /* of the template itself */
};

/* What is defaulted in the same way. */
static const struct tc_str aliases[][2] = {
	{TEXT("initContainers"), TEXT("containers")},
	{TEXT("livenessProbe"), TEXT("probe")},
	{TEXT("readinessProbe"), TEXT("probe")},
	{TEXT("startupProbe"), TEXT("probe")},
};

/* A place without rows; that of the template itself is "". */
static const struct tc_str nowhere = {0};

static bool is_hollow(const struct tc_node *n, struct tc_str in);

/* A number may be written in many ways: 0644 is 420. in: of the entries of a collection. */
static bool has_value(const struct tc_node *n, const char *value, struct tc_str in)
{
	uint64_t number, wanted = 0;

	for (const char *c = value; tc_is_digit(*c); c++)
		wanted = wanted * 10 + (uint64_t)(*c - '0');
	if (tc_as_int(n, UINT32_MAX, &number))
		return tc_is_digit(value[0]) && number == wanted;
	if (n->kind == TC_MAP || n->kind == TC_SEQ)
		return strcmp(value, "{}") == 0 && is_hollow(n, in);
	return n->kind != TC_NULL && tc_str_is(n->text, value);
}

/* Of an image without a tag, or with the tag latest, each start asks the registry. */
static const char *pull_policy(struct tc_str image)
{
	const char *colon = image.len ? memrchr(image.s, ':', image.len) : NULL;
	const char *slash = image.len ? memrchr(image.s, '/', image.len) : NULL;
	struct tc_str tag = {0};

	if (image.len && memchr(image.s, '@', image.len))
		return "IfNotPresent";
	if (colon && (!slash || colon > slash))
		tag = (struct tc_str){.s = colon + 1, .len = (size_t)(image.s + image.len - colon - 1)};
	return tag.len == 0 || tc_str_is(tag, "latest") ? "Always" : "IfNotPresent";
}

/* The name under which a collection at a key has its rows; nowhere for a key that has none. */
static struct tc_str place_of(struct tc_str key)
{
	for (size_t i = 0; i < TC_COUNT(aliases); i++) {
		if (tc_str_equal(key, aliases[i][0]))
			return aliases[i][1];
	}
	for (size_t i = 0; i < TC_COUNT(rows); i++) {
		if (tc_str_equal(key, rows[i].in))
			return rows[i].in;
	}
	return nowhere;
}

static bool is_default(const struct tc_node *map, struct tc_str in, const struct tc_entry *e)
{
	struct tc_str key = tc_text(e->key);

	if (e->value->kind == TC_NULL)
		return true;
	if (!in.s)
		return false;
	for (size_t i = 0; i < TC_COUNT(rows); i++) {
		if (tc_str_equal(rows[i].in, in) && tc_str_equal(key, rows[i].key) &&
		    (!rows[i].beside || tc_get(map, rows[i].beside)) &&
		    has_value(e->value, rows[i].value, place_of(key)))
			return true;
	}
	if (tc_str_is(in, "containers") && tc_str_is(key, "imagePullPolicy"))
		return tc_is_string(e->value, pull_policy(tc_text(tc_get(map, "image"))));
	/* The old name of a field, which is kept equal to the new one. */
	if (tc_str_is(in, "spec") && tc_str_is(key, "serviceAccount"))
		return tc_equal(e->value, tc_get(map, "serviceAccountName"), false);
	return false;
}

static bool is_hollow(const struct tc_node *n, struct tc_str in)
{
	for (struct tc_entry e = tc_first(n); e.key; e = tc_next(e)) {
		if (!is_default(n, in, &e))
			return false;
	}
	return n->kind == TC_MAP || n->count == 0;
}

static bool has_defaults(const struct tc_node *n, struct tc_str in)
{
	for (struct tc_entry e = tc_first(n); e.key; e = tc_next(e)) {
		if (is_default(n, in, &e))
			return true;
		if (e.value->kind >= TC_SEQ && has_defaults(e.value, place_of(tc_text(e.key))))
			return true;
	}
	for (const struct tc_node *i = tc_item(n); i; i = tc_item_next(i)) {
		if (has_defaults(tc_deref(i), in))
			return true;
	}
	return false;
}

static struct tc_node *stripped(struct tc_arena *mem, const struct tc_node *n, struct tc_str in)
{
	struct tc_node *copy;

	n = tc_deref(n);
	if (n->kind == TC_MAP) {
		copy = tc_new_map(mem, NULL);
		for (struct tc_entry e = tc_first(n); e.key; e = tc_next(e)) {
			if (!is_default(n, in, &e))
				tc_put_str(mem, copy, tc_key_text(mem, e.key),
					   stripped(mem, e.value, place_of(tc_text(e.key))));
		}
		return copy;
	}
	if (n->kind != TC_SEQ)
		return tc_copy_new(mem, n, NULL);
	copy = tc_new_seq(mem, NULL);
	for (const struct tc_node *i = tc_item(n); i; i = tc_item_next(i))
		tc_push(copy, stripped(mem, i, in));
	return copy;
}

const struct tc_node *tc_without_defaults(struct tc_arena *mem, const struct tc_node *n)
{
	n = tc_deref(n);
	return n && has_defaults(n, TC_STR("")) ? stripped(mem, n, TC_STR("")) : n;
}

bool tc_equal_stored(struct tc_arena *mem, const struct tc_node *a, const struct tc_node *b)
{
	if (!a || !b)
		return a == b;
	return tc_equal(a, b, false) || tc_equal(tc_without_defaults(mem, a), tc_without_defaults(mem, b), false);
}
