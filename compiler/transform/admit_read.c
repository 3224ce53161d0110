/* An AdmissionReview, read once; what stands in it becomes trees of their own, whose pointers begin at the object. */
#include "compiler/transform/admit_parts.h"

#include "compiler/base/scan.h"
#include "compiler/base/utf8.h"

bool tc_review_fault(struct tc_buf *why, struct tc_pos at, const char *fmt, ...)
{
	struct tc_place place = tc_place(at);
	va_list ap;
	char text[512];

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	tc_buf_printf(why, "%u:%u: %s\n", place.line, place.column, text);
	return false;
}

/* The offset of the first byte that is not UTF-8; the text's length when there is none. Control characters are the
 * reader's business: JSON allows more of them in strings than YAML does. */
static size_t utf8_check(struct tc_str text)
{
	const char *begin = text.s ? text.s : "", *p = begin, *end = p + text.len;
	uint32_t cp;
	size_t n;

	while ((p = tc_ascii_end(p, end)) < end) {
		n = tc_utf8_decode(p, (size_t)(end - p), &cp);
		if (n == 0)
			break;
		p += n;
	}
	return (size_t)(p - begin);
}

static const struct tc_node *read_json(struct tc_arena *mem, const struct tc_source *src,
				       const struct tc_limits *limits, struct tc_buf *why)
{
	struct tc_diags diags = {.mem = mem};
	struct tc_pos start = {.src = src};
	const struct tc_node *root;
	uint32_t end = 0;

	if (src->text.len > limits->max_bytes) {
		tc_review_fault(why, start, "found %zu bytes, expected an AdmissionReview of at most %zu",
				src->text.len, limits->max_bytes);
		return NULL;
	}
	start.off = (uint32_t)utf8_check(src->text);
	if (start.off < src->text.len) {
		tc_review_fault(why, start, "found a byte that is not UTF-8, expected an AdmissionReview as JSON");
		return NULL;
	}
	root = tc_json_read(mem, src, &end, (uint32_t)src->text.len, limits, &diags);
	if (!root) {
		tc_diags_sort(&diags);
		tc_review_fault(why, diags.list[0]->at, "%s; an AdmissionReview as JSON was expected",
				diags.list[0]->text);
		return NULL;
	}
	if (end < src->text.len) {
		start.off = end;
		tc_review_fault(why, start, "found more text behind the AdmissionReview, expected its end");
		return NULL;
	}
	return root;
}

static bool expect_text(struct tc_arena *mem, struct tc_buf *why, const struct tc_node *root, const char *key,
			const char *expected)
{
	const struct tc_node *n = tc_get(root, key);

	if (tc_is_string(n, expected))
		return true;
	return tc_review_fault(why, tc_node_pos(n ? n : root), "found %s as %s, expected \"%s\"",
			       tc_is(n, TC_STRING) ? tc_quote(mem, tc_text(n)) : tc_kind_name(n), key, expected);
}

static bool expect_filled(struct tc_buf *why, const struct tc_node *request, const char *key)
{
	const struct tc_node *n = tc_get(request, key);

	if (tc_text(n).len > 0)
		return true;
	return tc_review_fault(why, tc_node_pos(n ? n : request), "found %s as request.%s, expected a text",
			       tc_is(n, TC_STRING) ? "\"\"" : tc_kind_name(n), key);
}

/* The object under its own name, as the root of a tree. NULL when it is null or absent. */
static const struct tc_node *detach(struct tc_arena *mem, const struct tc_review *r, const struct tc_node *object,
				    struct tc_source *src)
{
	struct tc_str kind = tc_text(tc_get(object, "kind")),
		      name = tc_text(tc_get_path(object, "metadata", "name", NULL));
	struct tc_node *root = (struct tc_node *)(uintptr_t)object; /* of a tree that nobody else has seen yet */

	if (!tc_is(object, TC_MAP))
		return NULL;
	if (name.len == 0)
		name = r->name;
	*src = *r->src;
	src->name = tc_printf(mem, "%.*s%s%.*s", TC_STR_ARG(kind), name.len ? "/" : "", TC_STR_ARG(name));
	root->parent = tc_new_doc(mem, src);
	return root;
}

static void read_request(struct tc_review *r, struct tc_arena *mem, const struct tc_node *request)
{
	r->uid = tc_text(tc_get(request, "uid"));
	r->operation = tc_text(tc_get(request, "operation"));
	r->ns = tc_text(tc_get(request, "namespace"));
	r->name = tc_text(tc_get(request, "name"));
	r->subresource = tc_text(tc_get(request, "subResource"));
	r->user = tc_text(tc_get_path(request, "userInfo", "username", NULL));
	(void)tc_as_bool(tc_get(request, "dryRun"), &r->dry_run);
	r->update = tc_str_is(r->operation, "UPDATE");
	r->object = detach(mem, r, tc_get(request, "object"), &r->object_src);
	r->old = detach(mem, r, tc_get(request, "oldObject"), &r->old_src);
	if (r->object)
		r->kind = tc_kind_row(tc_text(tc_get(r->object, "apiVersion")), tc_text(tc_get(r->object, "kind")));
}

/* What the API server sees to before it asks; the stage relies on it. */
static bool check_object(const struct tc_review *r, struct tc_arena *mem, const struct tc_node *request,
			 struct tc_buf *why)
{
	const struct tc_node *metadata = tc_get(r->object, "metadata"), *ns = tc_get(metadata, "namespace");

	if (r->subresource.len || (!r->update && !tc_str_is(r->operation, "CREATE")))
		return true;
	if (!r->object)
		return tc_review_fault(why,
				       tc_node_pos(tc_get(request, "object") ? tc_get(request, "object") : request),
				       "found %s as request.object, expected a mapping",
				       tc_kind_name(tc_get(request, "object")));
	if (!r->kind || (r->kind->role != TC_ROLE_WORKLOAD && r->kind->role != TC_ROLE_CONFIGMAP))
		return true;
	if (!tc_is(metadata, TC_MAP))
		return tc_review_fault(why, tc_node_pos(metadata ? metadata : r->object),
				       "found %s as metadata of the object, expected a mapping",
				       tc_kind_name(metadata));
	if (r->ns.len == 0)
		return tc_review_fault(why, tc_node_pos(request),
				       "found no request.namespace, expected the namespace of the %s", r->kind->kind);
	if (tc_text(ns).len > 0 && !tc_str_equal(tc_text(ns), r->ns))
		return tc_review_fault(why, tc_node_pos(ns),
				       "found %s as metadata.namespace, expected request.namespace, %s",
				       tc_quote(mem, tc_text(ns)), tc_quote(mem, r->ns));
	return true;
}

bool tc_review_read(struct tc_review *r, struct tc_arena *mem, const struct tc_source *src,
		    const struct tc_limits *limits, struct tc_buf *why)
{
	const struct tc_node *root = read_json(mem, src, limits, why), *request = tc_get(root, "request");

	*r = (struct tc_review){.src = src};
	if (!root)
		return false;
	if (!tc_is(root, TC_MAP))
		return tc_review_fault(why, tc_node_pos(root), "found %s, expected an AdmissionReview",
				       tc_kind_name(root));
	if (!expect_text(mem, why, root, "kind", "AdmissionReview") ||
	    !expect_text(mem, why, root, "apiVersion", "admission.k8s.io/v1"))
		return false;
	if (!tc_is(request, TC_MAP))
		return tc_review_fault(why, tc_node_pos(request ? request : root),
				       "found %s as request, expected a mapping", tc_kind_name(request));
	read_request(r, mem, request);
	return expect_filled(why, request, "uid") && expect_filled(why, request, "operation") &&
	       check_object(r, mem, request, why);
}
