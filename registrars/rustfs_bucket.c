/* Buckets, and the mark of an enclave's own. */
#include "registrars/rustfs.h"

#define MARK "tentacular.io/installation"

int tc_rustfs_bucket_there(struct tc_rustfs *r, const char *bucket, bool *there, struct tc_error *err)
{
	_cleanup_s3_answer_ struct tc_s3_answer answer = {0};
	struct tc_s3_request req = {.step = tc_printf(r->mem, "look for the bucket %s", bucket),
				    .method = "HEAD",
				    .path = tc_s3_path(r->mem, bucket, NULL)};

	*there = false;
	if (tc_s3_call(r->s3, &req, &answer, err) < 0)
		return -1;
	*there = tc_s3_good(&answer);
	if (*there || answer.status == 404)
		return 0;
	if (answer.status != 403 && answer.status != 400)
		return tc_s3_refused(&req, &answer, err);
	/* An answer to HEAD has no body, so it can't say why: a GET can. */
	req.method = "GET";
	req.query[0] = (struct tc_param){"location", TC_STR("")};
	if (tc_s3_call(r->s3, &req, &answer, err) < 0)
		return -1;
	*there = tc_s3_good(&answer);
	return *there ? 0 : tc_s3_refused(&req, &answer, err);
}

/* *bare: it has no tags at all. */
static int read_tags(struct tc_rustfs *r, const char *bucket, const char **installation, bool *bare,
		     struct tc_error *err)
{
	_cleanup_s3_answer_ struct tc_s3_answer answer = {0};
	struct tc_s3_request req = {.step = tc_printf(r->mem, "read the mark of the bucket %s", bucket),
				    .method = "GET",
				    .path = tc_s3_path(r->mem, bucket, NULL),
				    .query = {{"tagging", TC_STR("")}}};
	const struct tc_xml *root, *tag;
	const char *fault;

	*installation = NULL;
	*bare = true;
	if (tc_s3_call(r->s3, &req, &answer, err) < 0)
		return -1;
	if (answer.status == 404)
		return 0;
	if (!tc_s3_good(&answer))
		return tc_s3_refused(&req, &answer, err);
	root = tc_xml_read(r->mem, tc_buf_str(&answer.body), &fault);
	if (!root)
		return tc_s3_garbage(&req, fault, err);
	tag = tc_xml_get(tc_xml_get(root, "TagSet"), "Tag");
	*bare = !tag;
	for (; tag; tag = tag->next)
		if (tc_str_is(tc_xml_text(tag, "Key"), MARK))
			*installation = tc_xml_text(tag, "Value").s;
	return 0;
}

int tc_rustfs_bucket_mark(struct tc_rustfs *r, const char *bucket, const char **installation, struct tc_error *err)
{
	bool bare;

	return read_tags(r, bucket, installation, &bare, err);
}

static int write_mark(struct tc_rustfs *r, const char *bucket, struct tc_error *err)
{
	const char *body =
		tc_printf(r->mem, "<Tagging><TagSet><Tag><Key>" MARK "</Key><Value>%s</Value></Tag></TagSet></Tagging>",
			  r->conf.config->installation);
	struct tc_s3_request req = {.step = tc_printf(r->mem, "mark the bucket %s", bucket),
				    .method = "PUT",
				    .path = tc_s3_path(r->mem, bucket, NULL),
				    .query = {{"tagging", TC_STR("")}},
				    .body = tc_str(body),
				    .checksum = true};

	return tc_rustfs_change(r, &req, NULL, err);
}

/* A bucket without a mark may be one that was made and not marked yet, or somebody's; only an empty one is taken. */
static int ensure_mark(struct tc_rustfs *r, const char *bucket, struct tc_error *err)
{
	const char *installation;
	struct tc_rustfs_page page;
	bool bare;

	if (read_tags(r, bucket, &installation, &bare, err) < 0)
		return -1;
	if (installation && strcmp(installation, r->conf.config->installation) != 0)
		return tc_fail(
			err, TC_E_REJECTED,
			"rustfs: the bucket %s belongs to the installation \"%s\", this one is \"%s\"; it was left "
			"as it is: give services.rustfs.bucket another name",
			bucket, installation, r->conf.config->installation);
	if (installation || !bare)
		return 0;
	if (tc_rustfs_list(r, r->mem, &(struct tc_rustfs_range){bucket, "", 1}, NULL, &page, err) < 0)
		return -1;
	if (tc_xml_get(page.root, "Version") || tc_xml_get(page.root, "DeleteMarker"))
		return 0;
	return write_mark(r, bucket, err);
}

int tc_rustfs_bucket_ensure(struct tc_rustfs *r, const char *bucket, bool own, struct tc_error *err)
{
	struct tc_s3_request req = {.step = tc_printf(r->mem, "create the bucket %s", bucket),
				    .method = "PUT",
				    .path = tc_s3_path(r->mem, bucket, NULL)};
	struct tc_error why = {0};
	bool there;

	if (tc_rustfs_bucket_there(r, bucket, &there, err) < 0)
		return -1;
	/* Another run may have made it meanwhile: then it is there, whatever was answered. */
	if (!there && tc_rustfs_change(r, &req, NULL, &why) < 0) {
		if (tc_rustfs_bucket_there(r, bucket, &there, err) < 0)
			return -1;
		if (!there) {
			*err = why;
			return -1;
		}
	}
	return own ? ensure_mark(r, bucket, err) : 0;
}
