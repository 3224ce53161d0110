/* The policy of a tentacle, and the mark in it. */
#include "registrars/rustfs.h"

#define MARK "tentc:"
#define DEPTH 16

/* --- the mark */

static const char *mark(struct tc_buf *out, const struct tc_rustfs_names *n)
{
	tc_buf_printf(out, MARK "%s:%s:%s:%s:%u:%s", n->installation, n->enclave, n->name, n->key_id, n->epoch,
		      n->check ? n->check : "");
	return out->p;
}

static const char *mark_of(const json_t *policy)
{
	const json_t *list = json_object_get(policy, "Statement");
	const char *sid;

	for (size_t i = 0; i < json_array_size(list); i++) {
		sid = json_string_value(json_object_get(json_array_get(list, i), "Sid"));
		if (sid && strncmp(sid, MARK, strlen(MARK)) == 0)
			return sid + strlen(MARK);
	}
	return NULL;
}

bool tc_rustfs_mark_read(struct tc_arena *mem, const json_t *policy, struct tc_rustfs_mark *out)
{
	const char *text = mark_of(policy), *parts[6];
	char *rest, *end;
	size_t n = 0;

	*out = (struct tc_rustfs_mark){0};
	if (!text)
		return false;
	rest = tc_strdup(mem, text);
	while (rest && n < TC_COUNT(parts))
		parts[n++] = strsep(&rest, ":");
	if (rest || n != TC_COUNT(parts) || !tc_is_digit(*parts[4]))
		return false;
	*out = (struct tc_rustfs_mark){
		.installation = parts[0], .enclave = parts[1], .name = parts[2], .key_id = parts[3], .check = parts[5]};
	out->epoch = (unsigned)strtoul(parts[4], &end, 10);
	return *end == '\0';
}

bool tc_rustfs_mark_is(const struct tc_rustfs_mark *m, const struct tc_rustfs_names *n)
{
	return m->installation && strcmp(m->key_id, n->key_id) == 0 && m->epoch == n->epoch &&
	       (!n->check || strcmp(m->check, n->check) == 0);
}

/* --- the document */

static json_t *lists(const struct tc_rustfs_names *n)
{
	_cleanup_buf_ struct tc_buf sid = {0}, bucket = {0}, keys = {0};

	tc_buf_printf(&bucket, "arn:aws:s3:::%s", n->bucket);
	/* With the slash: else the tentacle "web" would see what "web2" has. */
	tc_buf_printf(&keys, "%s*", n->prefix);
	return json_pack("{s:s,s:s,s:[s],s:[s],s:{s:{s:[s]}}}", "Sid", mark(&sid, n), "Effect", "Allow", "Action",
			 "s3:ListBucket", "Resource", bucket.p, "Condition", "StringLike", "s3:prefix", keys.p);
}

static json_t *uses(const struct tc_rustfs_names *n)
{
	_cleanup_buf_ struct tc_buf objects = {0};

	tc_buf_printf(&objects, "arn:aws:s3:::%s/%s*", n->bucket, n->prefix);
	return json_pack("{s:s,s:[s,s,s,s,s],s:[s]}", "Effect", "Allow", "Action", "s3:GetObject", "s3:PutObject",
			 "s3:DeleteObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts", "Resource",
			 objects.p);
}

/* A user may give itself another secret key, and make accounts of its own, unless it is denied. */
static json_t *no_administration(void)
{
	return json_pack("{s:s,s:[s]}", "Effect", "Deny", "Action", "admin:*");
}

/* Nor may it use temporary credentials: they outlive a rotation, on MinIO even a removal, and no right is needed there
 * to get them. */
static json_t *no_sessions(void)
{
	return json_pack("{s:s,s:[s],s:[s],s:{s:{s:[s]}}}", "Effect", "Deny", "Action", "s3:*", "Resource",
			 "arn:aws:s3:::*", "Condition", "StringEquals", "aws:principaltype", "AssumedRole");
}

json_t *tc_rustfs_policy(const struct tc_rustfs_names *n)
{
	json_t *policy = json_pack("{s:s,s:[o,o,o,o]}", "Version", "2012-10-17", "Statement", lists(n), uses(n),
				   no_administration(), no_sessions());

	if (!policy)
		tc_no_memory();
	return policy;
}

/* --- comparing */

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static json_t *canonical(const json_t *value, unsigned depth);

static char *text_of(const json_t *value, unsigned depth)
{
	_cleanup_json_ json_t *plain =
		json_is_object(value) || json_is_array(value) ? canonical(value, depth) : json_deep_copy(value);
	char *text = json_dumps(plain, JSON_SORT_KEYS | JSON_COMPACT | JSON_ENCODE_ANY);

	if (!text)
		tc_no_memory();
	return text;
}

/* Sorted by what they look like, each once; what is no list is a list of one. */
static json_t *canonical_list(const json_t *list, unsigned depth)
{
	size_t n = json_is_array(list) ? json_array_size(list) : 1;
	char **texts = tc_xalloc((n + 1) * sizeof(*texts));
	json_t *out = json_array();

	for (size_t i = 0; i < n; i++)
		texts[i] = text_of(json_is_array(list) ? json_array_get(list, i) : list, depth);
	qsort(texts, n, sizeof(*texts), by_text);
	for (size_t i = 0; i < n; i++)
		if (i == 0 || strcmp(texts[i], texts[i - 1]) != 0)
			json_array_append_new(out, json_string(texts[i]));
	for (size_t i = 0; i < n; i++)
		free(texts[i]);
	free(texts);
	return out;
}

/* What servers add without being told: an empty Id, an empty Condition. */
static bool says_nothing(const json_t *value)
{
	return json_is_null(value) || (json_is_string(value) && json_string_length(value) == 0) ||
	       (json_is_object(value) && json_object_size(value) == 0) ||
	       (json_is_array(value) && json_array_size(value) == 0);
}

static json_t *canonical(const json_t *value, unsigned depth)
{
	json_t *out, *member;
	const char *key;

	/* Ours is not as deep, so this equals nothing in it. */
	if (depth == DEPTH)
		return json_string("too deep");
	if (!json_is_object(value))
		return canonical_list(value, depth + 1);
	out = json_object();
	json_object_foreach((json_t *)(uintptr_t)value, key, member)
	{
		if (says_nothing(member) || strcmp(key, "Sid") == 0 || strcasecmp(key, "Id") == 0)
			continue;
		json_object_set_new(out, key, canonical(member, depth + 1));
	}
	return out;
}

bool tc_rustfs_policy_equal(const json_t *a, const json_t *b)
{
	_cleanup_json_ json_t *x = a ? canonical(a, 0) : NULL, *y = b ? canonical(b, 0) : NULL;

	return json_equal(x, y);
}
