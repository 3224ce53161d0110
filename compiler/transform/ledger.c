#include "compiler/transform/ledger.h"

#include "compiler/contract/identity.h"
#include "compiler/transform/defaults.h"
#include "compiler/transform/object.h"
#include "compiler/tree/emit.h"

/* What the API server allows for all annotations of an object together. It also bounds every search here. */
#define LEDGER_MAX (256u << 10)

static const char *digest(struct tc_arena *mem, struct tc_str json)
{
	return tc_sha256_hex(mem, json, 16);
}

const char *tc_node_digest(struct tc_arena *mem, const struct tc_node *n)
{
	_cleanup_buf_ struct tc_buf json = {0};

	tc_emit_canonical(&json, n);
	return digest(mem, tc_buf_str(&json));
}

void tc_put_string(struct tc_patch *p, const struct tc_node *map, const char *key, const char *value,
		   const struct tc_origin *origin)
{
	if (!tc_is_string(tc_patch_get(p, map, key), value))
		tc_patch_set(p, map, key, tc_new_string(p->mem, origin, tc_str(value)));
}

static bool is_collection(const struct tc_node *n)
{
	return tc_is(n, TC_MAP) || tc_is(n, TC_SEQ);
}

/* What is digested of a collection: the API server adds to what it stores, and that is tentc's all the same. */
static void add_recorded(struct tc_buf *out, struct tc_arena *mem, const struct tc_node *value)
{
	tc_buf_reserve(out, 1000);
	tc_emit_canonical(out, tc_without_defaults(mem, value));
}

static const struct tc_node *digest_entry(struct tc_arena *mem, struct tc_str json)
{
	return tc_new_string(mem, NULL, tc_str(tc_printf(mem, "sha256:%s", digest(mem, json))));
}

/* The form in which a value stands in the ledger. */
static const struct tc_node *recorded(struct tc_arena *mem, const struct tc_node *value)
{
	_cleanup_buf_ struct tc_buf json = {0};

	if (!is_collection(value))
		return value;
	add_recorded(&json, mem, value);
	return digest_entry(mem, tc_buf_str(&json));
}

static struct tc_node *read_annotation(struct tc_arena *mem, const struct tc_node *scalar)
{
	struct tc_source *src = tc_alloc(mem, sizeof(*src));
	struct tc_diags unseen = {.mem = mem};
	uint32_t begin = 0;
	struct tc_node *root;

	*src = (struct tc_source){.name = TC_ANNOTATION_FILLED, .text = tc_text(scalar)};
	if (src->text.len == 0 || src->text.len > LEDGER_MAX)
		return NULL;
	root = tc_json_read(mem, src, &begin, (uint32_t)src->text.len, &TC_LIMITS_FILE, &unseen);
	return root && begin == src->text.len && tc_is(root, TC_MAP) ? root : NULL;
}

static bool find_foreign(const struct tc_ledger *l, const struct tc_node *object, struct tc_str *path)
{
	const struct tc_kind_row *kind =
		tc_kind_row(tc_text(tc_get(object, "apiVersion")), tc_text(tc_get(object, "kind")));

	for (struct tc_entry e = tc_first(l->old); e.key; e = tc_next(e)) {
		*path = tc_text(e.key);
		if (!tc_ledger_writes(l->mem, kind, *path, e.value))
			return true;
	}
	return false;
}

bool tc_ledger_open(struct tc_ledger *l, const struct tc_node *object, struct tc_diags *diags)
{
	const struct tc_node *scalar;
	struct tc_diag *d = NULL;
	struct tc_str path;

	l->metadata = l->holder ? tc_get(object, "metadata") : NULL;
	scalar = tc_get(tc_get(l->metadata, "annotations"), TC_ANNOTATION_FILLED);
	if (!scalar)
		return true;
	l->old = read_annotation(l->mem, scalar);
	if (!l->old)
		d = tc_diag(diags, TC_MSG_BAD_ANNOTATION, tc_node_pos(scalar),
			    "%s is not the JSON object that tentc wrote there", TC_ANNOTATION_FILLED);
	else if (find_foreign(l, object, &path))
		d = tc_diag(diags, TC_MSG_BAD_ANNOTATION, tc_node_pos(scalar),
			    "%s has an entry that tentc never writes: %s", TC_ANNOTATION_FILLED,
			    tc_quote(l->mem, path));
	if (!d)
		return true;
	tc_diag_help(d, "compile the source again, or restore the annotation from version control");
	l->old = NULL;
	return false;
}

static bool is_escaped(char c)
{
	return c == '~' || c == '/';
}

/* Behind what is written. */
static char *put_escaped(char *to, const char *part)
{
	*to++ = '/';
	for (; *part; part++) {
		*to++ = is_escaped(*part) ? '~' : *part;
		if (is_escaped(*part))
			*to++ = *part == '~' ? '0' : '1';
	}
	return to;
}

const char *tc_ledger_path(struct tc_arena *mem, const char *base, ...)
{
	size_t len = strlen(base), at = len;
	const char *part;
	char *path, *to;
	va_list ap;

	va_start(ap, base);
	while ((part = va_arg(ap, const char *)) != NULL) {
		for (len++; *part; part++)
			len += is_escaped(*part) ? 2 : 1;
	}
	va_end(ap);
	path = tc_alloc_text(mem, len + 1);
	memcpy(path, base, at);
	to = path + at;
	va_start(ap, base);
	while ((part = va_arg(ap, const char *)) != NULL)
		to = put_escaped(to, part);
	va_end(ap);
	*to = '\0';
	return path;
}

static const struct tc_node *old_entry(const struct tc_ledger *l, const char *path)
{
	return l->old ? tc_get(l->old, tc_printf(l->mem, "%s%s", l->prefix, path)) : NULL;
}

static bool entry_matches(const struct tc_ledger *l, const struct tc_node *entry, const struct tc_node *value)
{
	const struct tc_node *is = tc_is(entry, TC_MAP) ? tc_get(entry, "is") : entry;

	return is && value && tc_equal(is, recorded(l->mem, value), false);
}

bool tc_ledger_ours(const struct tc_ledger *l, const char *path, const struct tc_node *value)
{
	return entry_matches(l, old_entry(l, path), value);
}

const struct tc_node *tc_ledger_was(const struct tc_ledger *l, const char *path, const struct tc_node *value)
{
	const struct tc_node *entry = old_entry(l, path);

	return entry_matches(l, entry, value) && tc_is(entry, TC_MAP) ? tc_get(entry, "was") : NULL;
}

/* As recorded(), for a collection. */
static const struct tc_node *digest_once(struct tc_ledger *l, const struct tc_node *value)
{
	_cleanup_buf_ struct tc_buf json = {0};

	add_recorded(&json, l->mem, value);
	if (!l->digest || !tc_str_equal(tc_buf_str(&json), l->digested)) {
		l->digested = (struct tc_str){.s = tc_strndup(l->mem, json.p, json.len), .len = json.len};
		l->digest = digest_entry(l->mem, l->digested);
	}
	return l->digest;
}

void tc_ledger_record(struct tc_ledger *l, const char *path, const struct tc_node *value, const struct tc_node *was)
{
	const struct tc_node *is = is_collection(value) ? digest_once(l, value) : value;

	tc_grow(l->mem, l->entries, l->count, l->cap);
	l->entries[l->count++] = (struct tc_ledger_entry){.path = path, .is = is, .was = was};
}

/* The value at a ledger path in the tree as it was read; NULL when it isn't there. */
static const struct tc_node *resolve(struct tc_ledger *l, struct tc_str path)
{
	const struct tc_node *n = l->target_root;
	_cleanup_buf_ struct tc_buf part = {0};
	size_t i = 0;

	while (n && i < path.len) {
		if (path.s[i++] != '/')
			return NULL; /* unreachable: every path that ledger_paths.c knows begins with a slash */
		tc_buf_clear(&part);
		for (; i < path.len && path.s[i] != '/'; i++) {
			if (path.s[i] == '~' && i + 1 < path.len)
				tc_buf_putc(&part, path.s[++i] == '1' ? '/' : '~');
			else
				tc_buf_putc(&part, path.s[i]);
		}
		if (part.len > 1 && part.p[0] == '[' && part.p[part.len - 1] == ']' && tc_is(n, TC_SEQ)) {
			n = tc_ledger_item(l, n, (struct tc_str){.s = part.p + 1, .len = part.len - 2});
		} else {
			n = tc_get_str(n, tc_buf_str(&part));
		}
	}
	return n;
}

void tc_ledger_remove(struct tc_patch *p, const struct tc_node *root, const struct tc_node *n)
{
	for (;;) {
		const struct tc_node *parent = n->parent;

		tc_patch_remove(p, n);
		if (!parent || parent == root || parent->kind == TC_DOC)
			return;
		if (!tc_patch_is_empty(p, parent) || (parent->parent && parent->parent->kind == TC_SEQ))
			return;
		n = parent;
	}
}

static bool is_recorded(const struct tc_ledger *l, struct tc_str path)
{
	for (size_t i = 0; i < l->count; i++) {
		if (tc_str_is(path, l->entries[i].path))
			return true;
	}
	return false;
}

static void sweep(struct tc_ledger *l)
{
	size_t prefix = strlen(l->prefix);

	for (struct tc_entry e = tc_first(l->old); e.key; e = tc_next(e)) {
		struct tc_str path = tc_text(e.key);
		const struct tc_node *n, *was;

		if (!tc_str_starts(path, l->prefix))
			continue;
		path.s += prefix;
		path.len -= prefix;
		if (is_recorded(l, path))
			continue;
		n = resolve(l, path);
		if (!n || !entry_matches(l, e.value, n))
			continue;
		was = tc_is(e.value, TC_MAP) ? tc_get(e.value, "was") : NULL;
		if (was)
			tc_patch_replace(l->target, n, tc_copy_new(l->mem, was, NULL));
		else
			tc_ledger_remove(l->target, l->target_root, n);
	}
}

static void write_annotation(struct tc_ledger *l, const struct tc_origin *origin)
{
	_cleanup_buf_ struct tc_buf json = {0};
	const struct tc_node *annotations;
	const char *prefix = l->prefix;

	tc_buf_reserve(&json, 1000);
	tc_buf_putc(&json, '{');
	for (size_t i = 0; i < l->count; i++) {
		const struct tc_ledger_entry *e = &l->entries[i];
		const struct tc_emit compact = {.format = TC_JSON};

		if (i > 0)
			tc_buf_putc(&json, ',');
		tc_emit_json_string(&json, tc_str(tc_printf(l->mem, "%s%s", prefix, e->path)));
		tc_buf_puts(&json, e->was ? ":{\"is\":" : ":");
		tc_emit(&json, e->is, compact);
		if (e->was) {
			tc_buf_puts(&json, ",\"was\":");
			tc_emit(&json, e->was, compact);
			tc_buf_putc(&json, '}');
		}
	}
	tc_buf_putc(&json, '}');
	annotations = tc_patch_map_at(l->holder, l->metadata, "annotations", origin);
	if (annotations)
		tc_put_string(l->holder, annotations, TC_ANNOTATION_FILLED, json.p, origin);
}

void tc_ledger_close(struct tc_ledger *l, const struct tc_origin *origin)
{
	if (!l->holder)
		return;
	if (l->old)
		sweep(l);
	if (l->count > 0) {
		write_annotation(l, origin);
	} else if (l->old) {
		const struct tc_node *annotations = tc_get(l->metadata, "annotations");

		tc_ledger_remove(l->holder, l->metadata, tc_get(annotations, TC_ANNOTATION_FILLED));
	}
}
