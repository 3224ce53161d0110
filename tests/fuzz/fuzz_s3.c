/* fuzz_s3.c - any bytes as what an S3 server answers to the registrar of RustFS: XML, JSON, statuses, broken transfers.
 *
 * The input is an operation (its first byte, and the dialect: an upper case letter is MinIO's) and then the answers,
 * with a byte 1e between them. An answer is its status in three digits, a flag, and the body. Status 000: none in time;
 * 001: the body is cut. Flag "v": it names a version. In place of libcurl stand the functions below: no byte leaves the
 * program. Whatever is answered, it ends, nothing outside of the prefix is touched, what only looks does not write, and
 * messages are fit for a terminal. */
#include "tests/fuzz/compile.h"

#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>
#include <pthread.h>

#include "registrars/registrar.h"

/* They are macros that only count their arguments. */
#undef curl_easy_setopt
#undef curl_easy_getinfo

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define SECRET "administrator-s-secret"

static struct {
	pthread_mutex_t lock; /* users are read side by side */
	struct tc_str left;   /* of the input */
	bool looks;           /* nothing may be changed */
	bool told;            /* the answers hold the secret themselves */
	const char *user;     /* of whom alone something may be changed */
} door = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* --- in place of libcurl */

struct transfer {
	const char *url, *method, *body;
	size_t body_len;
	curl_write_callback on_header, on_body;
	void *header_self, *body_self;
	long status;
};

CURL *curl_easy_init(void)
{
	return tc_xalloc(sizeof(struct transfer));
}

void curl_easy_cleanup(CURL *easy)
{
	free(easy);
}

void curl_easy_reset(CURL *easy)
{
	long status = ((struct transfer *)easy)->status;

	*(struct transfer *)easy = (struct transfer){.status = status};
}

CURLcode curl_easy_setopt(CURL *easy, CURLoption option, ...)
{
	struct transfer *t = easy;
	va_list ap;

	va_start(ap, option);
	switch ((int)option) {
	case CURLOPT_URL:
		t->url = va_arg(ap, const char *);
		break;
	case CURLOPT_CUSTOMREQUEST:
		t->method = va_arg(ap, const char *);
		break;
	case CURLOPT_POSTFIELDS:
		t->body = va_arg(ap, const char *);
		break;
	case CURLOPT_POSTFIELDSIZE_LARGE:
		t->body_len = (size_t)va_arg(ap, curl_off_t);
		break;
	case CURLOPT_HEADERFUNCTION:
		t->on_header = va_arg(ap, curl_write_callback);
		break;
	case CURLOPT_HEADERDATA:
		t->header_self = va_arg(ap, void *);
		break;
	case CURLOPT_WRITEFUNCTION:
		t->on_body = va_arg(ap, curl_write_callback);
		break;
	case CURLOPT_WRITEDATA:
		t->body_self = va_arg(ap, void *);
		break;
	default: /* limits and TLS, of which there is nothing here */
		break;
	}
	va_end(ap);
	return CURLE_OK;
}

CURLcode curl_easy_getinfo(CURL *easy, CURLINFO info, ...)
{
	va_list ap;

	door_check(info == CURLINFO_RESPONSE_CODE, "another piece of information is asked for");
	va_start(ap, info);
	*va_arg(ap, long *) = ((struct transfer *)easy)->status;
	va_end(ap);
	return CURLE_OK;
}

/* --- what is asked */

static bool starts(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

static void check_admin(const char *path)
{
	static const char *const who[] = {"accessKey=", "name=", "policyName=", "userOrGroup="};

	for (size_t i = 0; i < TC_COUNT(who); i++) {
		const char *at = strstr(path, who[i]), *value = at ? at + strlen(who[i]) : NULL;

		door_check(!value || (starts(value, door.user) && strchr("&", value[strlen(door.user)])),
			   "somebody else's user or policy is changed");
	}
}

static void check_keys(const struct transfer *t)
{
	struct tc_str rest = {.s = t->body, .len = t->body_len};
	const char *at;

	while (rest.len && (at = memmem(rest.s, rest.len, "<Key>", 5))) {
		rest.len -= (size_t)(at + 5 - rest.s);
		rest.s = at + 5;
		door_check(tc_str_starts(rest, "shop/web/"), "an object outside of the prefix is removed");
	}
}

static void check_request(const struct transfer *t)
{
	const char *path = strchr(strstr(t->url, "://") + 3, '/');

	if (strcmp(t->method, "GET") == 0 || strcmp(t->method, "HEAD") == 0)
		return;
	door_check(!door.looks, "what only looks writes");
	if (starts(path, "/rustfs/admin/v3/") || starts(path, "/minio/admin/v3/"))
		check_admin(path);
	else if (strcmp(door.user, "tent_shop_web") != 0)
		door_check(false, "what only tries writes to a bucket");
	else if (strcmp(t->method, "DELETE") == 0)
		door_check(starts(path, "/tentacular/shop/web/"), "something outside of the prefix is removed");
	else if (strcmp(t->method, "POST") == 0)
		check_keys(t);
	else
		door_check(starts(path, "/tentacular/shop/web/") || strcmp(path, "/tentacular") == 0 ||
				   starts(path, "/tentacular?tagging="),
			   "something outside of the prefix is written");
}

/* --- what is answered */

/* False: there is no more. */
static bool next_answer(struct tc_str *out)
{
	const char *end;

	pthread_mutex_lock(&door.lock);
	*out = door.left;
	end = out->len ? memchr(out->s, 0x1e, out->len) : NULL;
	if (end)
		out->len = (size_t)(end - out->s);
	door.left.s += out->len + (end != NULL);
	door.left.len -= out->len + (end != NULL);
	pthread_mutex_unlock(&door.lock);
	return out->s != door.left.s;
}

static CURLcode deliver(curl_write_callback to, void *self, const char *s, size_t len)
{
	_cleanup_buf_ struct tc_buf copy = {0};

	tc_buf_add(&copy, s, len);
	return !len || to(copy.p, 1, len, self) == len ? CURLE_OK : CURLE_WRITE_ERROR;
}

CURLcode curl_easy_perform(CURL *easy)
{
	static const char version[] = "x-amz-version-id: 1\r\n", date[] = "Date: Tue, 24 Nov 2026 12:00:00 GMT\r\n";
	struct transfer *t = easy;
	struct tc_str a;
	char flag;

	check_request(t);
	if (!next_answer(&a))
		return CURLE_GOT_NOTHING;
	t->status = 0;
	for (size_t i = 0; i < 3 && i < a.len; i++)
		t->status = t->status * 10 + (tc_is_digit(a.s[i]) ? a.s[i] - '0' : 2);
	if (t->status == 0)
		return CURLE_OPERATION_TIMEDOUT;
	flag = (char)(a.len > 3 ? a.s[3] : ' ');
	if (deliver(t->on_header, t->header_self, date, sizeof(date) - 1) != CURLE_OK ||
	    (flag == 'v' && deliver(t->on_header, t->header_self, version, sizeof(version) - 1) != CURLE_OK))
		return CURLE_WRITE_ERROR;
	/* in two parts, as they come */
	a.s += a.len < 4 ? a.len : 4;
	a.len -= a.len < 4 ? a.len : 4;
	if (deliver(t->on_body, t->body_self, a.s, a.len / 2) != CURLE_OK ||
	    deliver(t->on_body, t->body_self, a.s + a.len / 2, a.len - a.len / 2) != CURLE_OK)
		return CURLE_WRITE_ERROR;
	return t->status == 1 ? CURLE_PARTIAL_FILE : CURLE_OK;
}

/* --- the operations */

static const struct tc_want web = {.enclave = "shop", .name = "web"};

static void check_text(const char *text)
{
	for (const char *c = text; *c; c++)
		door_check((unsigned char)*c >= 0x20 && *c != 0x7f, "a message has a control character");
	door_check(door.told || !strstr(text, SECRET), "a message has the secret");
}

static void on_each(void *self, const char *enclave, const char *name, const struct tc_observed *seen)
{
	(void)self;
	door_check(*enclave && *name && seen->state <= TC_STATE_FOREIGN, "a tentacle without a name or a state");
	for (size_t i = 0; i < seen->ndiffers; i++)
		check_text(seen->differs[i]);
}

static int run(char operation, void *self, struct tc_arena *mem, struct tc_error *err)
{
	const struct tc_registrar_ops *ops = &tc_registrar_rustfs;
	const struct tc_want wants[] = {web, {.enclave = "shop", .name = "other"}, {.enclave = "bank", .name = "web"}};
	struct tc_observed seen = {.mem = mem};
	struct tc_probed probed = {.mem = mem};
	int rc;

	door.looks = strchr("ol", operation);
	/* What probe tries is about somebody who cannot be there. */
	door.user = operation == 'p' ? "tentc-probe-nobody" : "tent_shop_web";
	switch (operation) {
	case 'p':
		rc = ops->probe(&probed, self, err);
		for (size_t i = 0; rc == 0 && i < probed.ncomplaints; i++)
			check_text(probed.complaints[i]);
		if (rc == 0)
			check_text(probed.version);
		return rc;
	case 'o':
		rc = ops->observe(&seen, self, &web, err);
		if (rc == 0)
			on_each(NULL, web.enclave, web.name, &seen);
		return rc;
	case 'l':
		return ops->observe_all(self, wants, TC_COUNT(wants), on_each, NULL, err);
	case 'v':
		return ops->verify(self, &web, err);
	case 'r':
		return ops->retain(self, &web, err);
	case 'd':
		return ops->destroy(self, &web, err);
	case 'e':
		return ops->enclave_apply(self, web.enclave, err);
	case 'x':
		return ops->enclave_destroy(self, web.enclave, err);
	default:
		return ops->apply(self, &web, err);
	}
}

/* A ring of one key, always the same: the corpus holds what was derived from it. */
static struct tc_keyring *make_keys(struct tc_arena *mem)
{
	_cleanup_buf_ struct tc_buf line = {0};
	struct tc_source *src = tc_alloc(mem, sizeof(*src));
	struct tc_diags diags = {.mem = mem};
	unsigned char key[TC_ROOT_KEY_LEN];
	struct tc_keyring *keys;

	memset(key, 'k', sizeof(key));
	tc_keyring_line(&line, "k1", key);
	*src = (struct tc_source){.name = "keys", .text = {tc_strndup(mem, line.p, line.len), line.len}};
	keys = tc_keyring_parse(src, &diags);
	door_check(keys, "no keys");
	return keys;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(64 * 1024);
	_cleanup_(tc_keyring_free) struct tc_keyring *keys = make_keys(mem);
	const struct tc_config *config = tc_config_default(mem);
	bool minio = len && tc_is_upper((char)data[0]);
	const char *const settings[TC_SETTINGS_MAX] = {minio ? "minio" : "rustfs", ""};
	unsigned char secret[] = SECRET;
	const struct tc_admin admin = {.user = "admin",
				       .password = {.bytes = secret, .len = sizeof(secret) - 1},
				       .settings = settings};
	const struct tc_registrar_conf conf = {.config = config,
					       .service = tc_config_service(config, "rustfs"),
					       .admin = &admin,
					       .keys = keys,
					       .seconds = 1};
	struct tc_error err = {0};
	void *self = NULL;

	if (!len || len > 256u << 10)
		return 0;
	door.left = (struct tc_str){.s = (const char *)data + 1, .len = len - 1};
	/* libFuzzer finds it in our memory */
	door.told = memmem(data, len, SECRET, strlen(SECRET));
	door_check(tc_registrar_rustfs.open(&self, &conf, &err) == 0, "it does not open");
	if (run((char)(minio ? data[0] - 'A' + 'a' : data[0]), self, mem, &err) < 0) {
		door_check(err.code != TC_E_NONE && starts(err.msg, "rustfs: "), "an error without a name");
		check_text(err.msg);
	}
	tc_registrar_rustfs.close(self);
	return 0;
}
