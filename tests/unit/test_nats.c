/* Accounts files of NATS, as text and back, and what of a server's words is taken for an answer. */
#include "unit.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "registrars/nats.h"
#include "registrars/nats_wire_parts.h"

static const char key_file[] = "k1: AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n";

struct fixture {
	struct tc_arena *mem;
	struct tc_keyring *keys;
	struct tc_config *config;
	struct tc_nats_registrar r;
};

static int setup(void **state)
{
	struct fixture *f = tc_xalloc(sizeof(*f));
	struct tc_source src = {.name = "keys", .text = tc_str(key_file)};
	struct tc_diags diags;

	f->mem = tc_arena_new(4096);
	diags = (struct tc_diags){.mem = f->mem};
	f->keys = tc_keyring_parse(&src, &diags);
	f->config = tc_config_default(f->mem);
	f->r = (struct tc_nats_registrar){
		.conf = {.config = f->config, .service = tc_config_service(f->config, "nats"), .keys = f->keys},
		.seconds = 1,
		.shards = 1,
		.dir = "/d",
		.mem = tc_arena_new_secret(4096),
	};
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	tc_keyring_free(f->keys);
	tc_arena_free(f->r.mem);
	tc_arena_free(f->mem);
	free(f);
	return 0;
}

/* --- text ------------------------------------------------------------------------------------------------------------
 */

static const char *const cart[] = {"cart", "api", "cart"};
static const struct tc_want web = {.enclave = "shop", .name = "web"};
static const struct tc_want spy = {
	.enclave = "shop", .name = "spy", .epoch = 3, .consumes = cart, .nconsumes = TC_COUNT(cart)};
static const struct tc_want bank = {.enclave = "bank", .name = "web"};

#define HEAD                                                                                                        \
	"# tentc accounts: installation=default shard=0/1\n"                                                        \
	"# All of this file is tentc's, and written anew with every change. It refuses a file that holds anything " \
	"else: put\n# accounts of others into files of their own.\n"
#define ACCOUNT "  limits: {max_connections: 1000, max_payload: 1048576}\n  users: [\n"

static struct tc_nats_accounts three(struct tc_nats_registrar *r)
{
	struct tc_nats_accounts a = {.place = "/d/accounts-0.conf"};
	const struct tc_want *wants[] = {&web, &spy, &bank};

	for (size_t i = 0; i < TC_COUNT(wants); i++) {
		struct tc_nats_entry entry;

		tc_nats_entry_make(r, &entry, wants[i]);
		tc_nats_put(r, &a, &entry);
	}
	return a;
}

/* Every hash and seal replaced by X, which are 60 and 16 characters. */
static char *without_derived(struct tc_arena *mem, struct tc_str text)
{
	char *out = tc_strndup(mem, text.s, text.len), *p = out;

	while ((p = strstr(p, "password: \"$2b$04$"))) {
		p += 11;
		assert_int_equal(p[60], '"');
		memmove(p + 1, p + 60, strlen(p + 60) + 1);
		*p = 'X';
	}
	for (p = out; (p = strstr(p, "seal="));) {
		p += 5;
		assert_int_equal(p[16], '\n');
		memmove(p + 1, p + 16, strlen(p + 16) + 1);
		*p = 'X';
	}
	return out;
}

static void test_text(void **state)
{
	struct fixture *f = *state;
	struct tc_nats_accounts a = three(&f->r), again = {.place = "/d/accounts-0.conf"};
	struct tc_str text;

	text = tc_nats_text_write(&f->r, &a);
	tc_nats_find(&a, "shop", "spy")->retained = true;
	assert_string_equal(
		without_derived(f->mem, text),
		HEAD "\"bank\" {\n" ACCOUNT
		     "    {user: \"bank.web\", password: \"X\", permissions: {publish: \"bank.web.>\", subscribe: "
		     "\"bank.web.>\"}} # key=k1 epoch=0 seal=X\n  ]\n}\n"
		     "\"shop\" {\n" ACCOUNT
		     "    {user: \"shop.spy\", password: \"X\", permissions: {publish: \"shop.spy.>\", subscribe: "
		     "[\"shop.spy.>\", \"shop.api.public.>\", \"shop.cart.public.>\"]}} # key=k1 epoch=3 seal=X\n"
		     "    {user: \"shop.web\", password: \"X\", permissions: {publish: \"shop.web.>\", subscribe: "
		     "\"shop.web.>\"}} # key=k1 epoch=0 seal=X\n  ]\n}\n"
		     "\"tentc/default/0\" {users: [{user: \"tentc/default/0\", password: \"X\", permissions: {publish: "
		     "{deny: \">\"}, subscribe: {deny: \">\"}}}]}\n");
	again.text = text;
	tc_nats_text_read(&f->r, &again);
	assert_null(again.foreign);
	assert_int_equal(again.nentries, 3);
	assert_true(tc_nats_text_intact(&f->r, &again));
	assert_true(tc_nats_entry_is(&f->r, tc_nats_find(&again, "shop", "spy"), &spy, NULL));
	again.text = tc_nats_text_write(&f->r, &a);
	assert_non_null(strstr(again.text.s, "    # retained shop.spy key=k1 epoch=3\n"));
	again.nentries = again.nsorted = 0;
	tc_nats_text_read(&f->r, &again);
	assert_null(again.foreign);
	assert_true(tc_nats_find(&again, "shop", "spy")->retained);
	assert_int_equal(tc_nats_find(&again, "shop", "spy")->epoch, 3);
	assert_null(tc_nats_find(&again, "shop", "nobody"));
}

/* What the password of the last line is derived from. */
static void test_witness(void **state)
{
	struct fixture *f = *state;
	struct tc_nats_accounts a = three(&f->r);
	const char *before, *other;

	a.text = tc_nats_text_write(&f->r, &a);
	before = tc_nats_witness_password(&f->r, &a);
	assert_string_equal(before, tc_nats_witness_password(&f->r, &a));
	tc_nats_remove(&a, tc_nats_find(&a, "bank", "web"));
	a.text = tc_nats_text_write(&f->r, &a);
	other = tc_nats_witness_password(&f->r, &a);
	assert_string_not_equal(before, other);
	a.text = (struct tc_str){.s = "", .len = 0};
	assert_null(tc_nats_witness_password(&f->r, &a));
}

/* What is changed by hand in the file is seen: old is replaced by new. */
static void test_changed(void **state)
{
	static const struct {
		const char *old, *new, *foreign; /* foreign NULL: it is read, and differs */
	} cases[] = {
		{"max_connections: 1000", "max_connections: 1001", NULL},
		{"publish: \"shop.web.>\"", "publish: \">\"", NULL},
		{"epoch=3", "epoch=4", NULL},
		{"$2b$04$", "$2a$04$", NULL},
		{"{deny: \">\"}", "{deny: \"x\"}", NULL},
		{"installation=default", "installation=blue",
		 "/d/accounts-0.conf belongs to the installation \"blue\", and this is \"default\": give each a folder "
		 "of "
		 "its own"},
		{"# tentc accounts", "# accounts",
		 "/d/accounts-0.conf does not begin as tentc begins its files: move what it holds into a file of its "
		 "own, "
		 "which the servers include too, and empty this one"},
		{"\"bank\" {\n", "\"bank\" {\n  exports: []\n",
		 "/d/accounts-0.conf holds something that is not tentc's in line 5: move it into a file of its own, "
		 "which "
		 "the servers include too"},
		{"    {user: \"bank.web\"", "    {user: \"shop.web\"",
		 "/d/accounts-0.conf holds something that is not tentc's in line 7: move it into a file of its own, "
		 "which "
		 "the servers include too"},
		{"epoch=3", "epoch=9999999999",
		 "/d/accounts-0.conf holds something that is not tentc's in line 13: move it into a file of its own, "
		 "which "
		 "the servers include too"},
		{"\"tentc/default/0\" {users", "\"mine\" {users",
		 "/d/accounts-0.conf holds something that is not tentc's in line 17: move it into a file of its own, "
		 "which "
		 "the servers include too"},
		{"}}}]}\n", "}}}]}\nmine {}\n",
		 "/d/accounts-0.conf holds something that is not tentc's in line 17: move it into a file of its own, "
		 "which "
		 "the servers include too"},
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < TC_COUNT(cases); i++) {
		struct tc_nats_accounts a = three(&f->r), read = {.place = "/d/accounts-0.conf"};
		struct tc_str text = tc_nats_text_write(&f->r, &a);
		const char *at = strstr(text.s, cases[i].old);

		assert_non_null(at);
		read.text = tc_str(tc_printf(f->r.mem, "%.*s%s%s", (int)(at - text.s), text.s, cases[i].new,
					     at + strlen(cases[i].old)));
		tc_nats_text_read(&f->r, &read);
		if (!cases[i].foreign) {
			assert_null(read.foreign);
			assert_false(tc_nats_text_intact(&f->r, &read) &&
				     tc_nats_entry_is(&f->r, tc_nats_find(&read, "shop", "web"), &web, NULL) &&
				     tc_nats_entry_is(&f->r, tc_nats_find(&read, "shop", "spy"), &spy, NULL) &&
				     tc_nats_entry_is(&f->r, tc_nats_find(&read, "bank", "web"), &bank, NULL));
		} else {
			assert_non_null(read.foreign);
			assert_string_equal(read.foreign, cases[i].foreign);
		}
	}
}

/* Cut anywhere, it is refused or differs, and nothing is read that is not there. */
static void test_cut(void **state)
{
	struct fixture *f = *state;
	struct tc_nats_accounts a = three(&f->r);
	struct tc_str text = tc_nats_text_write(&f->r, &a);

	for (size_t len = 1; len < text.len; len++) {
		char *copy = memcpy(tc_xalloc(len), text.s, len);
		struct tc_nats_accounts cut = {.place = "x", .text = {.s = copy, .len = len}};

		tc_nats_text_read(&f->r, &cut);
		assert_true(cut.foreign || len > sizeof(HEAD) - 2);
		free(copy);
	}
}

static void test_hash(void **state)
{
	struct fixture *f = *state;
	const char *hash = tc_nats_hash(f->mem, "secret", "ABCDEFGHIJKLMNOPQRSTUVWXYZ");

	assert_string_equal(hash, tc_nats_hash(f->mem, "secret", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"));
	assert_int_equal(strlen(hash), 60);
	assert_memory_equal(hash, "$2b$04$ABCDEFGHIJKLMNOPQRSTU", 28);
	assert_string_not_equal(hash, tc_nats_hash(f->mem, "Secret", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"));
}

/* --- what a server says ----------------------------------------------------------------------------------------------
 */

struct said {
	const char *bytes, *error; /* error NULL: the event */
	enum tc_nats_event event;
	const char *body;
};

static void check_said(const struct said *c, size_t piece)
{
	struct tc_error err = {0};
	struct tc_nats n = {.seconds = 1, .deadline = tc_monotonic() + 1000, .sid = 7, .mem = tc_arena_new(1024)};
	enum tc_nats_event what;
	int ends[2], rc;

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, ends), 0);
	n.fd = ends[0];
	/* each piece is a read of its own */
	for (size_t at = 0; at < strlen(c->bytes); at += piece) {
		size_t len = strlen(c->bytes + at) < piece ? strlen(c->bytes + at) : piece;

		assert_int_equal(write(ends[1], c->bytes + at, len), len);
	}
	close(ends[1]);
	rc = tc_nats_next_event(&n, &what, &err);
	if (c->error) {
		assert_int_equal(rc, -1);
		assert_string_equal(err.msg, c->error);
		assert_int_equal(err.code, TC_E_RETRY);
	} else {
		assert_int_equal(rc, 0);
		assert_int_equal(what, c->event);
		if (c->body)
			assert_int_equal(n.body.len, strlen(c->body));
		if (c->body && *c->body)
			assert_memory_equal(n.body.s, c->body, n.body.len);
	}
	close(ends[0]);
	tc_buf_free(&n.in);
	tc_arena_free(n.mem);
}

static void test_said(void **state)
{
#define NO_MESSAGE "the answer announces no message that could be read; is it a NATS server that listens there?"
#define NO_PROTOCOL "the answer is not in the protocol of NATS; is it a NATS server that listens there?"
	static const struct said cases[] = {
		{"PONG\r\n", NULL, TC_NATS_PONG, NULL},
		{"+OK\r\nPONG\n", NULL, TC_NATS_PONG, NULL},
		{"-ERR 'Authorization Violation'\r\n", NULL, TC_NATS_ERROR, NULL},
		{"MSG a.b 7 5\r\nhello\r\n", NULL, TC_NATS_MESSAGE, "hello"},
		{"MSG a.b 7 reply.to 5\r\nhello\r\n", NULL, TC_NATS_MESSAGE, "hello"},
		{"MSG a 7 0\r\n\r\n", NULL, TC_NATS_MESSAGE, ""},
		{"MSG a 6 5\r\nhello\r\n", NULL, TC_NATS_STALE, NULL},
		{"HMSG a 7 12 17\r\nNATS/1.0\r\n\r\nhello\r\n", NULL, TC_NATS_MESSAGE, "hello"},
		{"HMSG a 7 16 16\r\nNATS/1.0 503\r\n\r\n\r\n", NULL, TC_NATS_NO_RESPONDERS, NULL},
		{"HMSG a 77 16 16\r\nNATS/1.0 503\r\n\r\n\r\n", NULL, TC_NATS_STALE, NULL},
		{"", "the server closed the connection", 0, NULL},
		{"PON", "the server closed the connection", 0, NULL},
		{"MSG a 7 5\r\nhel", "the server closed the connection", 0, NULL},
		{"PONG \r\n", NO_PROTOCOL, 0, NULL},
		{"\r\n", NO_PROTOCOL, 0, NULL},
		{"MSG \r\n", NO_MESSAGE, 0, NULL},
		{"MSG a\r\n", NO_MESSAGE, 0, NULL},
		{"MSG a 7 -5\r\n", NO_MESSAGE, 0, NULL},
		{"MSG a 7 5x\r\n", NO_MESSAGE, 0, NULL},
		{"MSG a 7 99999999999999999999\r\n", NO_MESSAGE, 0, NULL},
		{"MSG a 7 999999999\r\n", NO_MESSAGE, 0, NULL},
		{"HMSG a 7 20 10\r\n", NO_MESSAGE, 0, NULL},
		{"HMSG a b\r\n", NO_MESSAGE, 0, NULL},
		{"INFO nonsense\r\n", "the answer is no INFO of a server; is it a NATS server that listens there?", 0,
		 NULL},
	};

	(void)state;
	for (size_t i = 0; i < TC_COUNT(cases); i++) {
		check_said(&cases[i], 1000);
		check_said(&cases[i], 1);
	}
}

/* --- a server that is just reloading ---------------------------------------------------------------------------------
 */

struct forgetful {
	int fd;
	unsigned lost; /* so many questions are lost; all of those before come late, when another one is answered */
	unsigned heard;
};

/* Answers questions by their number, `{"n":2}`. */
static void *serve(void *self)
{
	struct forgetful *f = self;
	char text[4096], *pub;
	size_t len = 0;
	ssize_t n;

	while ((n = read(f->fd, text + len, sizeof(text) - 1 - len)) > 0) {
		len += (size_t)n;
		text[len] = '\0';
		while ((pub = strstr(text, "PUB "))) {
			*pub = 'x';
			f->heard++;
			if (f->heard > f->lost)
				for (unsigned k = 1; k <= f->heard; k++)
					dprintf(f->fd, "PING\r\nMSG a %u 7\r\n{\"n\":%u}\r\n", k, k);
		}
	}
	return NULL;
}

static unsigned on_answer(void *self, const json_t *answer)
{
	*(json_int_t *)self = json_integer_value(json_object_get(answer, "n"));
	return 100;
}

/* Asked again before the time is over; answered by the question that was asked last. */
static void test_lost_question(void **state)
{
	(void)state;
	for (unsigned lost = 0; lost < 6; lost += lost < 2 ? 1 : 4) {
		for (int all = 0; all < 2; all++) {
			struct forgetful f = {.lost = lost};
			struct tc_nats n = {.seconds = 1, .mem = tc_arena_new(1024)};
			struct tc_error err = {0};
			json_t *answer = NULL;
			json_int_t number = 0;
			bool nobody = false;
			pthread_t thread;
			int ends[2], rc;

			assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
			n.fd = ends[0];
			f.fd = ends[1];
			assert_int_equal(fcntl(f.fd, F_SETFL, 0), 0);
			assert_int_equal(pthread_create(&thread, NULL, serve, &f), 0);
			rc = all ? tc_nats_request_all(&n, "q", "", on_answer, &number, &err)
				 : tc_nats_request(&n, &answer, "q", "", &nobody, &err);
			assert_int_equal(rc, lost < 4 ? 0 : -1);
			if (rc < 0) {
				assert_int_equal(err.code, TC_E_RETRY);
				assert_string_equal(err.msg, "no answer within 1 seconds");
			}
			if (!all)
				number = json_integer_value(json_object_get(answer, "n"));
			/* later than that where the machine is busy */
			assert_true(rc < 0 ? number == 0 : number > lost);
			json_decref(answer);
			close(ends[0]);
			pthread_join(thread, NULL);
			close(ends[1]);
			tc_buf_free(&n.in);
			tc_arena_free(n.mem);
		}
	}
}

static void test_versions(void **state)
{
	(void)state;
	assert_true(tc_nats_older("2.9.10", 2, 10));
	assert_false(tc_nats_older("2.10.0-beta", 2, 10));
	assert_true(tc_nats_older("2.11.9", 2, 12));
	assert_false(tc_nats_older("2.15.1", 2, 12));
	assert_false(tc_nats_older("3.0.0", 2, 12));
	assert_true(tc_nats_older("1.99", 2, 0));
	assert_true(tc_nats_older("", 2, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_text, setup, teardown),
		cmocka_unit_test_setup_teardown(test_witness, setup, teardown),
		cmocka_unit_test_setup_teardown(test_changed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_cut, setup, teardown),
		cmocka_unit_test_setup_teardown(test_hash, setup, teardown),
		cmocka_unit_test(test_said),
		cmocka_unit_test(test_lost_question),
		cmocka_unit_test(test_versions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
