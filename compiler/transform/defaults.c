#include "compiler/transform/defaults.h"

/* pkg/apis/core/v1 of Kubernetes 1.30 sets these. `in`: the key of the mapping, or of the list that the mapping is an
 * item of; "{}" is any collection with nothing but defaults in it. */
struct row {
	const char *in, *key, *value;
	const char *beside; /* only where this key is there too; NULL: anywhere */
};

static const struct row rows[] = {
	{"secret", "defaultMode", "420", NULL},
	{"configMap", "defaultMode", "420", NULL},
	{"downwardAPI", "defaultMode", "420", NULL},
	{"projected", "defaultMode", "420", NULL},
	{"serviceAccountToken", "expirationSeconds", "3600", NULL},
	{"fieldRef", "apiVersion", "v1", NULL},
	{"hostPath", "type", "", NULL},
	{"volumes", "emptyDir", "{}", NULL},
	{"ports", "protocol", "TCP", "containerPort"},
	{"volumeMounts", "readOnly", "false", NULL},
	{"httpGet", "scheme", "HTTP", NULL},
	{"httpGet", "path", "/", NULL},
	{"grpc", "service", "", NULL},
	{"containers", "terminationMessagePath", "/dev/termination-log", NULL},
	{"containers", "terminationMessagePolicy", "File", NULL},
	{"containers", "resources", "{}", NULL},
	{"containers", "volumeMounts", "{}", NULL},
	{"containers", "env", "{}", NULL},
	{"spec", "restartPolicy", "Always", NULL},
	{"spec", "terminationGracePeriodSeconds", "30", NULL},
	{"spec", "dnsPolicy", "ClusterFirst", NULL},
	{"spec", "securityContext", "{}", NULL},
	{"spec", "schedulerName", "default-scheduler", NULL},
	{"spec", "enableServiceLinks", "true", NULL},
	{"spec", "hostNetwork", "false", NULL},
	{"spec", "hostPID", "false", NULL},
	{"spec", "hostIPC", "false", NULL},
	{"spec", "volumes", "{}", NULL},
	{"spec", "initContainers", "{}", NULL},
	{"metadata", "labels", "{}", NULL},
	{"metadata", "annotations", "{}", NULL},
	{"probe", "timeoutSeconds", "1", NULL},
	{"probe", "periodSeconds", "10", NULL},
	{"probe", "successThreshold", "1", NULL},
	{"probe", "failureThreshold", "3", NULL},
	{"", "metadata", "{}", NULL}, /* of the template itself */
};

/* What is defaulted in the same way. */
static const char *const aliases[][2] = {
	{"initContainers", "containers"},
	{"livenessProbe", "probe"},
	{"readinessProbe", "probe"},
	{"startupProbe", "probe"},
};

static bool is_hollow(const struct tc_node *n, const char *in);

/* A number may be written in many ways: 0644 is 420. in: of the entries of a collection. */
static bool has_value(const struct tc_node *n, const char *value, const char *in)
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

/* The name under which a collection at a key has its rows; NULL for a key that has none. */
static const char *place_of(struct tc_str key)
{
	for (size_t i = 0; i < TC_COUNT(aliases); i++) {
		if (tc_str_is(key, aliases[i][0]))
			return aliases[i][1];
	}
	for (size_t i = 0; i < TC_COUNT(rows); i++) {
		if (tc_str_is(key, rows[i].in))
			return rows[i].in;
	}
	return NULL;
}

static bool is_default(const struct tc_node *map, const char *in, const struct tc_entry *e)
{
	struct tc_str key = tc_text(e->key);

	if (e->value->kind == TC_NULL)
		return true;
	if (!in)
		return false;
	for (size_t i = 0; i < TC_COUNT(rows); i++) {
		if (strcmp(rows[i].in, in) == 0 && tc_str_is(key, rows[i].key) &&
		    (!rows[i].beside || tc_get(map, rows[i].beside)) &&
		    has_value(e->value, rows[i].value, place_of(key)))
			return true;
	}
	if (strcmp(in, "containers") == 0 && tc_str_is(key, "imagePullPolicy"))
		return tc_is_string(e->value, pull_policy(tc_text(tc_get(map, "image"))));
	/* The old name of a field, which is kept equal to the new one. */
	if (strcmp(in, "spec") == 0 && tc_str_is(key, "serviceAccount"))
		return tc_equal(e->value, tc_get(map, "serviceAccountName"), false);
	return false;
}

static bool is_hollow(const struct tc_node *n, const char *in)
{
	for (struct tc_entry e = tc_first(n); e.key; e = tc_next(e)) {
		if (!is_default(n, in, &e))
			return false;
	}
	return n->kind == TC_MAP || n->count == 0;
}

static bool has_defaults(const struct tc_node *n, const char *in)
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

static struct tc_node *stripped(struct tc_arena *mem, const struct tc_node *n, const char *in)
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
	return n && has_defaults(n, "") ? stripped(mem, n, "") : n;
}

bool tc_equal_stored(struct tc_arena *mem, const struct tc_node *a, const struct tc_node *b)
{
	if (!a || !b)
		return a == b;
	return tc_equal(a, b, false) || tc_equal(tc_without_defaults(mem, a), tc_without_defaults(mem, b), false);
}
