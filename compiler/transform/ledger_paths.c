/* The paths that tentc writes. Anybody may write anything into an annotation: without this a ledger could have any
 * field removed, or replaced, that its writer knows the value of. */
#include "compiler/transform/ledger.h"

#include "compiler/contract/catalogue.h"
#include "compiler/transform/workload.h"

#define SEGMENTS_MAX 12 /* more than any path of ours has */

static bool is_any(struct tc_str s)
{
	return s.len > 0;
}

static bool is_item(struct tc_str s)
{
	return s.len > 2 && s.s[0] == '[' && s.s[s.len - 1] == ']';
}

static bool names(struct tc_str segment, const char *name)
{
	return name && is_item(segment) && tc_str_is((struct tc_str){segment.s + 1, segment.len - 2}, name);
}

static bool is_digest(struct tc_str s)
{
	if (!is_item(s) || s.len != 18)
		return false;
	for (size_t i = 1; i < s.len - 1; i++) {
		if (!tc_is_digit(s.s[i]) && (s.s[i] < 'a' || s.s[i] > 'f'))
			return false;
	}
	return true;
}

static bool is_label(struct tc_str s)
{
	return tc_str_is(s, TC_LABEL_EXOSKELETON) || tc_str_is(s, TC_LABEL_RELEASE);
}

static bool is_containers(struct tc_str s)
{
	return tc_str_is(s, "containers") || tc_str_is(s, "initContainers");
}

static bool is_command(struct tc_str s)
{
	return tc_str_is(s, "command") || tc_str_is(s, "args");
}

static bool is_volume(struct tc_str s)
{
	bool found = names(s, TC_SECRETS_VOLUME) || names(s, TC_BINDINGS_VOLUME);

	for (size_t i = 0; tc_services[i] && !found; i++)
		found = names(s, tc_services[i]->csi_volume);
	return found;
}

static bool is_mount(struct tc_str s)
{
	bool found = names(s, TC_SECRETS_PATH) || names(s, TC_BINDINGS_PATH);

	for (size_t i = 0; tc_services[i] && !found; i++)
		found = names(s, tc_services[i]->csi_mount);
	return found;
}

/* As its author wrote it: maybe with slashes behind it. */
static bool is_author_mount(struct tc_str s)
{
	return is_item(s) && tc_is_secrets_path((struct tc_str){s.s + 1, s.len - 2});
}

static bool is_variable(struct tc_str s)
{
	bool found = names(s, TC_BINDINGS_VARIABLE);

	for (size_t i = 0; tc_services[i] && !found; i++)
		found = names(s, tc_services[i]->socket_env);
	return found;
}

static bool is_flag(struct tc_str s)
{
	return names(s, TC_ALLOW_NET);
}

static bool is_service(struct tc_str s)
{
	return tc_service_of(s) != NULL;
}

static bool is_field(struct tc_str s)
{
	for (size_t i = 0; tc_services[i]; i++) {
		for (const struct tc_value *v = tc_services[i]->values; v->name; v++) {
			if ((v->flags & (TC_V_CONTRACT | TC_V_FULL)) && tc_str_is(s, v->name))
				return true;
		}
	}
	return false;
}

static bool is_auth_field(struct tc_str s)
{
	return tc_str_is(s, "type") || tc_str_is(s, "secret");
}

struct segment {
	const char *text; /* NULL: see is */
	bool (*is)(struct tc_str segment);
};

#define AT(name)             \
	{                    \
		.text = name \
	}
#define IS(function)           \
	{                      \
		.is = function \
	}

struct written {
	enum tc_role role;
	bool in_template; /* of the pods */
	/* What tentc replaced there begins so; NULL: it only ever adds. */
	const char *was;
	struct segment segments[8]; /* ends with neither */
};

#define CONTAINER AT("spec"), IS(is_containers), IS(is_item)
#define DEPENDENCY AT("data"), IS(is_any), AT("contract"), AT("dependencies"), IS(is_service)

static const struct written table[] = {
	{TC_ROLE_WORKLOAD, true, NULL, {AT("metadata"), AT("labels"), IS(is_label)}},
	{TC_ROLE_WORKLOAD, true, NULL, {AT("spec"), AT("volumes"), IS(is_volume)}},
	{TC_ROLE_WORKLOAD, true, NULL, {CONTAINER, AT("volumeMounts"), IS(is_mount)}},
	{TC_ROLE_WORKLOAD, true, "", {CONTAINER, AT("volumeMounts"), IS(is_author_mount), AT("name")}},
	{TC_ROLE_WORKLOAD, true, NULL, {CONTAINER, AT("env"), IS(is_variable)}},
	{TC_ROLE_WORKLOAD, true, TC_ALLOW_NET "=", {CONTAINER, IS(is_command), IS(is_flag)}},
	{TC_ROLE_WORKLOAD, false, "", {AT("metadata"), AT("annotations"), AT(TC_ANNOTATION_LEVEL)}},
	{TC_ROLE_CONFIGMAP, false, NULL, {DEPENDENCY, IS(is_field)}},
	{TC_ROLE_CONFIGMAP, false, NULL, {DEPENDENCY, AT("auth"), IS(is_auth_field)}},
	{TC_ROLE_NETWORKPOLICY, false, NULL, {AT("spec"), AT("egress"), IS(is_digest)}},
};

/* A segment as it was before it was escaped. */
static struct tc_str unescaped(struct tc_arena *mem, struct tc_str s)
{
	char *text;
	size_t n = 0;

	if (!memchr(s.s, '~', s.len))
		return s;
	text = tc_alloc(mem, s.len);
	for (size_t i = 0; i < s.len; i++) {
		if (s.s[i] == '~' && i + 1 < s.len)
			text[n++] = s.s[++i] == '1' ? '/' : '~';
		else
			text[n++] = s.s[i];
	}
	return (struct tc_str){.s = text, .len = n};
}

/* How many segments there are; 0: it is no path, or longer than any of ours. */
static size_t split(struct tc_arena *mem, struct tc_str path, struct tc_str *segments)
{
	size_t count = 0;

	for (size_t i = 0; i < path.len; count++) {
		size_t from = i + 1;

		if (path.s[i] != '/' || count == SEGMENTS_MAX)
			return 0;
		for (i = from; i < path.len && path.s[i] != '/';)
			i++;
		segments[count] = unescaped(mem, (struct tc_str){.s = path.s + from, .len = i - from});
	}
	return count;
}

static bool matches(const struct written *row, const struct tc_kind_row *kind, const struct tc_str *path, size_t count)
{
	size_t at = 0;

	if (row->role != kind->role)
		return false;
	for (size_t i = 0; row->in_template && i < TC_COUNT(kind->template_path) && kind->template_path[i]; i++, at++) {
		if (at == count || !tc_str_is(path[at], kind->template_path[i]))
			return false;
	}
	for (const struct segment *s = row->segments; s->text || s->is; s++, at++) {
		if (at == count || !(s->text ? tc_str_is(path[at], s->text) : s->is(path[at])))
			return false;
	}
	return at == count;
}

bool tc_ledger_writes(struct tc_arena *mem, const struct tc_kind_row *kind, struct tc_str path,
		      const struct tc_node *entry)
{
	struct tc_str segments[SEGMENTS_MAX];
	size_t count = split(mem, path, segments);

	for (size_t i = 0; kind && i < TC_COUNT(table); i++) {
		const struct tc_node *was;

		if (!matches(&table[i], kind, segments, count))
			continue;
		if (!table[i].was)
			return !tc_is(entry, TC_MAP);
		was = tc_is(entry, TC_MAP) ? tc_get(entry, "was") : NULL;
		return was && !tc_is(was, TC_MAP) && !tc_is(was, TC_SEQ) && tc_str_starts(tc_text(was), table[i].was);
	}
	return false;
}
