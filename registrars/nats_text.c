/* The text of an accounts file. One line a user, so that a person sees in a diff what has changed; all of it is written
 * by tc_nats_text_write, and a line that it would not write makes the file somebody else's. */
#include "registrars/nats.h"

#include "compiler/contract/identity.h"

static const char first[] = "# tentc accounts: installation=";
static const char second[] = "# All of this file is tentc's, and written anew with every change. It refuses a file "
			     "that holds anything else: put\n"
			     "# accounts of others into files of their own.\n";

/* --- reading ---------------------------------------------------------------------------------------------------------
 */

struct reader {
	struct tc_nats_registrar *r;
	struct tc_nats_accounts *a;
	struct tc_str rest;
	unsigned line;
	const char *enclave; /* of the account that is open */
	bool users;
};

static bool take(struct tc_str *text, const char *start)
{
	size_t n = strlen(start);

	if (!tc_str_starts(*text, start))
		return false;
	text->s += n;
	text->len -= n;
	return true;
}

/* Up to that character, which is taken too. */
static bool take_until(struct tc_str *text, char end, struct tc_str *out)
{
	const char *at = text->len ? memchr(text->s, end, text->len) : NULL;

	if (!at)
		return false;
	*out = (struct tc_str){.s = text->s, .len = (size_t)(at - text->s)};
	text->s = at + 1;
	text->len -= out->len + 1;
	return true;
}

static bool read_number(struct tc_str text, unsigned *out)
{
	*out = 0;
	for (size_t i = 0; i < text.len; i++) {
		if (!tc_is_digit(text.s[i]) || i >= 9)
			return false;
		*out = *out * 10 + (unsigned)(text.s[i] - '0');
	}
	return text.len > 0;
}

static const char *label(struct reader *x, struct tc_str text)
{
	return tc_label_fault(x->r->mem, text) ? NULL : tc_strndup(x->r->mem, text.s, text.len);
}

/* "shop.web" */
static bool read_name(struct reader *x, struct tc_str text, struct tc_nats_entry *out)
{
	struct tc_str enclave;

	if (!take_until(&text, '.', &enclave))
		return false;
	out->enclave = label(x, enclave);
	out->name = label(x, text);
	return out->enclave && out->name && x->enclave && strcmp(out->enclave, x->enclave) == 0;
}

/* "key=k1 epoch=0", and " seal=..." where there is a user */
static bool read_mark(struct reader *x, struct tc_str text, struct tc_nats_entry *out)
{
	struct tc_str key, epoch = {0};

	if (!take(&text, "key=") || !take_until(&text, ' ', &key) || !take(&text, "epoch="))
		return false;
	out->key_id = label(x, key);
	out->seal = "";
	if (out->retained)
		return out->key_id && read_number(text, &out->epoch);
	if (!take_until(&text, ' ', &epoch) || !take(&text, "seal="))
		return false;
	out->seal = tc_strndup(x->r->mem, text.s, text.len);
	return out->key_id && read_number(epoch, &out->epoch);
}

static void add_entry(struct reader *x, const struct tc_nats_entry *entry)
{
	struct tc_nats_accounts *a = x->a;

	tc_grow(x->r->mem, a->entries, a->nentries, a->cap);
	a->entries[a->nentries++] = *entry;
}

static bool read_user(struct reader *x, struct tc_str line)
{
	static const char hash[] = " # key=";
	struct tc_nats_entry entry = {0};
	struct tc_str rest = line, name;
	const char *mark = memmem(line.s, line.len, hash, sizeof(hash) - 1);

	if (!mark || !take(&rest, "{user: \"") || !take_until(&rest, '"', &name) || !read_name(x, name, &entry))
		return false;
	entry.user = (struct tc_str){.s = line.s, .len = (size_t)(mark - line.s)};
	rest = (struct tc_str){.s = mark + 3, .len = line.len - entry.user.len - 3};
	if (!read_mark(x, rest, &entry))
		return false;
	add_entry(x, &entry);
	return true;
}

static bool read_retained(struct reader *x, struct tc_str line)
{
	struct tc_nats_entry entry = {.retained = true};
	struct tc_str name;

	if (!take_until(&line, ' ', &name) || !read_name(x, name, &entry) || !read_mark(x, line, &entry))
		return false;
	add_entry(x, &entry);
	return true;
}

static bool read_users(struct reader *x, struct tc_str line)
{
	if (tc_str_is(line, "  ]")) {
		x->users = false;
		return true;
	}
	if (take(&line, "    # retained "))
		return read_retained(x, line);
	if (!take(&line, "    "))
		return false;
	/* tentc's own user of the account says nothing that is not derived */
	return tc_str_starts(line, "{user: \"tentc/") || read_user(x, line);
}

static bool read_line(struct reader *x, struct tc_str line)
{
	struct tc_str name;

	if (x->users)
		return read_users(x, line);
	if (x->enclave) {
		if (tc_str_is(line, "}"))
			x->enclave = NULL;
		else if (tc_str_is(line, "  users: ["))
			x->users = true;
		else
			return tc_str_starts(line, "  limits: {") || tc_str_starts(line, "  jetstream: {");
		return true;
	}
	if (!take(&line, "\"") || !take_until(&line, '"', &name))
		return false;
	if (tc_str_starts(name, "tentc/"))
		return x->rest.len == 0; /* the last line */
	x->enclave = label(x, name);
	return x->enclave && tc_str_is(line, " {");
}

static void refuse(struct reader *x, const char *why)
{
	x->a->foreign = tc_printf(x->r->mem, "%s %s", x->a->place, why);
}

static bool read_shards(struct tc_str text, unsigned *out)
{
	return read_number(text, out) && *out && *out <= TC_NATS_SHARDS_MAX && !(*out & (*out - 1));
}

/* "4", or, of enclaves that are moving, "4>8" */
static bool read_count(struct tc_str text, struct tc_nats_accounts *a)
{
	struct tc_str of;

	if (!take_until(&text, '>', &of))
		return read_shards(text, &a->of);
	return read_shards(of, &a->of) && read_shards(text, &a->to);
}

/* "# tentc accounts: installation=default shard=0/1", and the lines that only tell people */
static bool read_head(struct reader *x)
{
	struct tc_str line, installation, shard;
	unsigned number;

	if (!take_until(&x->rest, '\n', &line) || !take(&line, first) || !take_until(&line, ' ', &installation) ||
	    !take(&line, "shard=") || !take_until(&line, '/', &shard) || !read_number(shard, &number) ||
	    !read_count(line, x->a) || !take(&x->rest, second)) {
		refuse(x, "does not begin as tentc begins its files: move what it holds into a file of its own, which "
			  "the servers include too, and empty this one");
		return false;
	}
	if (!tc_str_is(installation, x->r->conf.config->installation)) {
		refuse(x, tc_printf(x->r->mem,
				    "belongs to the installation \"%.*s\", and this is \"%s\": give each a folder of "
				    "its own",
				    TC_STR_ARG(installation), x->r->conf.config->installation));
		return false;
	}
	x->line = 3;
	return true;
}

static int by_name(const void *first_entry, const void *second_entry)
{
	const struct tc_nats_entry *a = first_entry, *b = second_entry;
	int order = strcmp(a->enclave, b->enclave);

	return order ? order : strcmp(a->name, b->name);
}

void tc_nats_sort(struct tc_nats_accounts *a)
{
	if (a->nentries)
		qsort(a->entries, a->nentries, sizeof(*a->entries), by_name);
	a->nsorted = a->nentries;
}

void tc_nats_text_read(struct tc_nats_registrar *r, struct tc_nats_accounts *a)
{
	struct reader x = {.r = r, .a = a, .rest = a->text};
	struct tc_str line;

	if (!a->text.len || !read_head(&x))
		return;
	while (x.rest.len && !a->foreign) {
		x.line++;
		if (!take_until(&x.rest, '\n', &line) || !read_line(&x, line))
			refuse(&x, tc_printf(r->mem,
					     "holds something that is not tentc's in line %u: move it into a file of "
					     "its own, which the servers include too",
					     x.line));
	}
	tc_nats_sort(a);
}

/* --- entries ---------------------------------------------------------------------------------------------------------
 */

struct tc_nats_entry *tc_nats_find(const struct tc_nats_accounts *a, const char *enclave, const char *name)
{
	struct tc_nats_entry key = {.enclave = enclave, .name = name};

	return a->nsorted ? bsearch(&key, a->entries, a->nsorted, sizeof(key), by_name) : NULL;
}

static int by_enclave(const void *key, const void *entry)
{
	return strcmp(key, ((const struct tc_nats_entry *)entry)->enclave);
}

bool tc_nats_has_enclave(const struct tc_nats_accounts *a, const char *enclave)
{
	for (size_t i = a->nsorted; i < a->nentries; i++)
		if (strcmp(a->entries[i].enclave, enclave) == 0)
			return true;
	return a->nsorted && bsearch(enclave, a->entries, a->nsorted, sizeof(*a->entries), by_enclave);
}

void tc_nats_put(struct tc_nats_registrar *r, struct tc_nats_accounts *a, const struct tc_nats_entry *entry)
{
	struct tc_nats_entry *old = tc_nats_find(a, entry->enclave, entry->name);

	if (old) {
		*old = *entry;
		return;
	}
	tc_grow(r->mem, a->entries, a->nentries, a->cap);
	a->entries[a->nentries++] = *entry;
}

void tc_nats_remove(struct tc_nats_accounts *a, struct tc_nats_entry *entry)
{
	size_t at = (size_t)(entry - a->entries);

	memmove(entry, entry + 1, (a->nentries - at - 1) * sizeof(*entry));
	a->nentries--;
	if (at < a->nsorted)
		a->nsorted--;
}

/* --- writing ---------------------------------------------------------------------------------------------------------
 */

/* keeper: the password of tentc's own user, as bcrypt; NULL: enclaves have no JetStream. */
static void open_account(struct tc_buf *out, struct tc_nats_registrar *r, const char *enclave, const char *keeper)
{
	const unsigned *limits = r->conf.service->limits;

	tc_buf_printf(out, "\"%s\" {\n  limits: {max_connections: %u, max_payload: %u}\n", enclave,
		      limits[TC_NATS_CONNECTIONS], limits[TC_NATS_PAYLOAD]);
	if (keeper)
		tc_buf_printf(out, "  jetstream: {max_memory: 0, max_file: %llu}\n",
			      (unsigned long long)limits[TC_NATS_JETSTREAM] << 20);
	tc_buf_puts(out, "  users: [\n");
	if (keeper)
		tc_buf_printf(out,
			      "    {user: \"tentc/%s\", password: \"%s\", permissions: {publish: \"$JS.API.>\", "
			      "subscribe: \"_INBOX.tentc.>\"}}\n",
			      enclave, keeper);
}

static const char *keeper_hash(struct tc_nats_registrar *r)
{
	if (!tc_nats_streams(r) || !r->conf.keys)
		return NULL;
	return tc_nats_hash(r->mem, tc_nats_keeper_password(r), tc_nats_derive(r, "keeper.salt", "", "", 0));
}

static void add_line(struct tc_buf *out, const struct tc_nats_entry *e)
{
	if (e->retained)
		tc_buf_printf(out, "    # retained %s.%s key=%s epoch=%u\n", e->enclave, e->name, e->key_id, e->epoch);
	else
		tc_buf_printf(out, "    %.*s # key=%s epoch=%u seal=%s\n", TC_STR_ARG(e->user), e->key_id, e->epoch,
			      e->seal);
}

static void write_body(struct tc_buf *out, struct tc_nats_registrar *r, struct tc_nats_accounts *a, unsigned of,
		       unsigned to)
{
	const char *keeper = keeper_hash(r);

	tc_nats_sort(a);
	tc_buf_printf(out, "%s%s shard=%u/%u", first, r->conf.config->installation, a->shard, of);
	if (to)
		tc_buf_printf(out, ">%u", to);
	tc_buf_printf(out, "\n%s", second);
	for (size_t i = 0; i < a->nentries; i++) {
		const struct tc_nats_entry *e = &a->entries[i];

		/* twice in the list of an apply, or in a file that somebody has put together */
		if (i && by_name(e, e - 1) == 0)
			continue;
		if (!i || strcmp(e->enclave, e[-1].enclave) != 0) {
			tc_buf_puts(out, i ? "  ]\n}\n" : "");
			open_account(out, r, e->enclave, keeper);
		}
		add_line(out, e);
	}
	tc_buf_puts(out, a->nentries ? "  ]\n}\n" : "");
}

const char *tc_nats_witness(struct tc_nats_registrar *r, unsigned shard)
{
	return tc_printf(r->mem, "tentc/%s/%u", r->conf.config->installation, shard);
}

static const char *witness_password(struct tc_nats_registrar *r, unsigned shard, struct tc_str body)
{
	return tc_nats_derive(r, tc_printf(r->mem, "witness/%u/%s", shard, tc_sha256_hex(r->mem, body, 64)), "", "", 0);
}

/* Where the last line begins. */
static size_t body_len(struct tc_str text)
{
	size_t len = text.len ? text.len - 1 : 0;

	while (len && text.s[len - 1] != '\n')
		len--;
	return len;
}

const char *tc_nats_witness_password(struct tc_nats_registrar *r, const struct tc_nats_accounts *a)
{
	if (!a->text.len)
		return NULL;
	return witness_password(r, a->shard, (struct tc_str){.s = a->text.s, .len = body_len(a->text)});
}

struct tc_str tc_nats_text_write(struct tc_nats_registrar *r, struct tc_nats_accounts *a)
{
	return tc_nats_text_write_for(r, a, r->shards, 0);
}

struct tc_str tc_nats_text_write_for(struct tc_nats_registrar *r, struct tc_nats_accounts *a, unsigned of, unsigned to)
{
	_cleanup_buf_ struct tc_buf out = {0};
	const char *name = tc_nats_witness(r, a->shard), *password, *salt;

	write_body(&out, r, a, of, to);
	password = witness_password(r, a->shard, tc_buf_str(&out));
	salt = tc_nats_derive(r, tc_printf(r->mem, "witness.salt/%u", a->shard), "", "", 0);
	tc_buf_printf(&out,
		      "\"%s\" {users: [{user: \"%s\", password: \"%s\", permissions: {publish: {deny: \">\"}, "
		      "subscribe: {deny: \">\"}}}]}\n",
		      name, name, tc_nats_hash(r->mem, password, salt));
	return (struct tc_str){.s = tc_strndup(r->mem, out.p, out.len), .len = out.len};
}

bool tc_nats_text_intact(struct tc_nats_registrar *r, struct tc_nats_accounts *a)
{
	_cleanup_buf_ struct tc_buf body = {0};

	if (r->conf.keys)
		return tc_str_equal(tc_nats_text_write(r, a), a->text);
	if (tc_nats_streams(r))
		return true; /* a part of every account is derived */
	write_body(&body, r, a, r->shards, 0);
	return tc_str_equal(tc_buf_str(&body), (struct tc_str){.s = a->text.s, .len = body_len(a->text)});
}
