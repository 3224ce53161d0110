/* What a tentacle's user is: its name, its password as bcrypt, and the subjects that are its own.
 *
 * It may publish and subscribe below <enclave>.<name>, its inbox included, and nothing else but what it consumes.
 * allow_responses is left out on purpose: a user that sends itself a message with a reply subject of its choice would
 * be allowed to publish to that subject, whoever's it is. */
#include "registrars/nats.h"

#include "compiler/contract/identity.h"

#define SEAL_LEN 16

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static const char *subject_of(struct tc_nats_registrar *r, const struct tc_want *want)
{
	return tc_value_named(&(struct tc_subject){.mem = r->mem,
						   .config = r->conf.config,
						   .service = r->conf.service,
						   .enclave = want->enclave,
						   .name = want->name},
			      "subject");
}

/* "a", or ["a", "b"] */
static void add_list(struct tc_buf *out, const char *const *subjects, size_t count)
{
	tc_buf_puts(out, count > 1 ? "[" : "");
	for (size_t i = 0; i < count; i++)
		tc_buf_printf(out, "%s\"%s\"", i ? ", " : "", subjects[i]);
	tc_buf_puts(out, count > 1 ? "]" : "");
}

/* The order of the contract's list makes no other user. */
static const char **sorted(struct tc_nats_registrar *r, const struct tc_want *want)
{
	const char **names = tc_alloc(r->mem, (want->nconsumes + 1) * sizeof(*names));

	for (size_t i = 0; i < want->nconsumes; i++)
		names[i] = want->consumes[i];
	if (want->nconsumes)
		qsort(names, want->nconsumes, sizeof(*names), by_text);
	return names;
}

/* Of JetStream, what concerns its own stream alone; making and changing streams is tentc's. */
static const char *const stream_rights[] = {
	"$JS.API.STREAM.INFO.%s",         "$JS.API.CONSUMER.CREATE.%s",
	"$JS.API.CONSUMER.CREATE.%s.>",   "$JS.API.CONSUMER.DURABLE.CREATE.%s.>",
	"$JS.API.CONSUMER.INFO.%s.>",     "$JS.API.CONSUMER.DELETE.%s.>",
	"$JS.API.CONSUMER.MSG.NEXT.%s.>", "$JS.ACK.%s.>",
};

static const char *fill_in(struct tc_nats_registrar *r, const char *pattern, const char *stream)
{
	const char *hole = strchr(pattern, '%');

	return tc_printf(r->mem, "%.*s%s%s", (int)(hole - pattern), pattern, stream, hole + 2);
}

static void add_publish(struct tc_buf *out, struct tc_nats_registrar *r, const struct tc_want *want)
{
	const char *subjects[1 + TC_COUNT(stream_rights)] = {subject_of(r, want)}, *stream;
	size_t count = 1;

	if (tc_nats_streams(r)) {
		stream = tc_nats_stream_name(r, want);
		for (size_t i = 0; i < TC_COUNT(stream_rights); i++)
			subjects[count++] = fill_in(r, stream_rights[i], stream);
	}
	add_list(out, subjects, count);
}

static void add_subscribe(struct tc_buf *out, struct tc_nats_registrar *r, const struct tc_want *want)
{
	const char **names = sorted(r, want), **subjects;
	size_t count = 0;

	subjects = tc_alloc(r->mem, (want->nconsumes + 1) * sizeof(*subjects));
	subjects[count++] = subject_of(r, want);
	for (size_t i = 0; i < want->nconsumes; i++)
		if (!i || strcmp(names[i], names[i - 1]) != 0)
			subjects[count++] = tc_printf(r->mem, "%s.%s.public.>", want->enclave, names[i]);
	add_list(out, subjects, count);
}

static struct tc_str user_text(struct tc_nats_registrar *r, const struct tc_want *want, struct tc_str hash)
{
	_cleanup_buf_ struct tc_buf out = {0};

	tc_buf_printf(&out, "{user: \"%s.%s\", password: \"%.*s\", permissions: {publish: ", want->enclave, want->name,
		      TC_STR_ARG(hash));
	add_publish(&out, r, want);
	tc_buf_puts(&out, ", subscribe: ");
	add_subscribe(&out, r, want);
	tc_buf_puts(&out, "}}");
	return (struct tc_str){.s = tc_strndup(r->mem, out.p, out.len), .len = out.len};
}

/* Derived from the text, password and all: whoever changes it without the root key leaves a seal that does not fit. And
 * it is quick to compare, where bcrypt is not. */
static const char *seal_of(struct tc_nats_registrar *r, const struct tc_want *want, struct tc_str user)
{
	const char *field = tc_printf(r->mem, "seal/%s", tc_sha256_hex(r->mem, user, 64));

	return tc_strndup(r->mem, tc_nats_derive(r, field, want->enclave, want->name, want->epoch), SEAL_LEN);
}

void tc_nats_entry_make(struct tc_nats_registrar *r, struct tc_nats_entry *out, const struct tc_want *want)
{
	const char *password = tc_nats_derive(r, "token", want->enclave, want->name, want->epoch);
	const char *salt = tc_nats_derive(r, "token.salt", want->enclave, want->name, want->epoch);

	*out = (struct tc_nats_entry){
		.enclave = tc_strdup(r->mem, want->enclave),
		.name = tc_strdup(r->mem, want->name),
		.key_id = r->conf.config->key_id,
		.epoch = want->epoch,
	};
	out->user = user_text(r, want, tc_str(tc_nats_hash(r->mem, password, salt)));
	out->seal = seal_of(r, want, out->user);
}

static struct tc_str hash_in(struct tc_str user)
{
	static const char key[] = "password: \"";
	const char *start = memmem(user.s, user.len, key, sizeof(key) - 1), *end;

	if (!start)
		return (struct tc_str){.s = "", .len = 0};
	start += sizeof(key) - 1;
	end = memchr(start, '"', user.len - (size_t)(start - user.s));
	return (struct tc_str){.s = start, .len = end ? (size_t)(end - start) : 0};
}

static bool differs(struct tc_observed *o, const struct tc_want *want, const char *what)
{
	if (o)
		tc_observed_add(o, "user \"%s.%s\" %s", want->enclave, want->name, what);
	return false;
}

bool tc_nats_entry_is(struct tc_nats_registrar *r, const struct tc_nats_entry *entry, const struct tc_want *want,
		      struct tc_observed *o)
{
	struct tc_arena_mark mark = tc_arena_mark(r->mem);
	bool same = true, sealed;

	if (entry->retained)
		return differs(o, want, "is retained");
	if (entry->epoch != want->epoch || strcmp(entry->key_id, r->conf.config->key_id) != 0)
		same = differs(o, want, "has the credential of another key or epoch");
	if (!tc_str_equal(entry->user, user_text(r, want, hash_in(entry->user)))) {
		same = differs(o, want, "has other permissions than it should have");
	} else if (same && r->conf.keys) {
		sealed = strcmp(entry->seal, seal_of(r, want, entry->user)) == 0;
		same = sealed || differs(o, want, "has another password than the derived one");
	}
	tc_arena_rewind(r->mem, mark);
	return same;
}
