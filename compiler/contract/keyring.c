#include "compiler/contract/keyring.h"

#include "compiler/contract/identity.h"

/* A ring holds the current key and those being rotated out. The limit keeps the look-up of twins short. */
#define KEYS_MAX 256

struct root_key {
	struct tc_str id;
	const unsigned char *bytes;
};

struct tc_keyring {
	struct tc_arena *mem; /* wiped when freed: the ring itself lives in it */
	struct root_key *keys;
	size_t count, cap;
};

struct parser {
	struct tc_keyring *ring;
	const char *file;
	struct tc_diags *diags;
	size_t line;
};

/* Without a position: the line it would print is a secret. */
static struct tc_diag *refuse(const struct parser *p, const char *what)
{
	return tc_diag(p->diags, TC_MSG_BAD_KEY_FILE, (struct tc_pos){0}, "%s, line %zu: %s", p->file, p->line, what);
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static struct tc_str trim(struct tc_str s)
{
	while (s.len && is_blank(s.s[0])) {
		s.s++;
		s.len--;
	}
	while (s.len && is_blank(s.s[s.len - 1]))
		s.len--;
	return s;
}

const unsigned char *tc_keyring_find(const struct tc_keyring *ring, struct tc_str key_id)
{
	for (size_t i = 0; i < ring->count; i++)
		if (tc_str_equal(ring->keys[i].id, key_id))
			return ring->keys[i].bytes;
	return NULL;
}

bool tc_keyring_has(const struct tc_keyring *ring, const char *key_id)
{
	return tc_keyring_find(ring, tc_str(key_id)) != NULL;
}

static void parse_key(struct parser *p, struct tc_str id, struct tc_str text)
{
	struct tc_keyring *ring = p->ring;
	struct tc_str key;

	if (tc_label_fault(ring->mem, id)) {
		tc_diag_help(refuse(p, "what stands before the colon is not a key id"),
			     "a key id has 1 to %d characters of a-z, 0-9 and -, such as k1", TC_KEY_ID_MAX);
		return;
	}
	if (!tc_base64_decode(ring->mem, text, &key) || key.len != TC_ROOT_KEY_LEN) {
		tc_diag_help(refuse(p, "what stands behind the colon is not the base64 of 32 bytes"),
			     "tentc keygen prints such a line");
		return;
	}
	if (tc_keyring_find(ring, id)) {
		tc_diag_help(refuse(p, tc_printf(ring->mem, "the key %.*s stands there twice", TC_STR_ARG(id))),
			     "give one of the two another id; an id never changes its key");
		return;
	}
	if (ring->count == KEYS_MAX) {
		tc_diag_help(refuse(p, tc_printf(ring->mem, "more than %d keys", KEYS_MAX)),
			     "remove the keys that are no longer in use");
		return;
	}
	tc_grow(ring->mem, ring->keys, ring->count, ring->cap);
	ring->keys[ring->count++] = (struct root_key){
		.id = {.s = tc_strndup(ring->mem, id.s, id.len), .len = id.len},
		.bytes = (const unsigned char *)key.s,
	};
}

static void parse_line(struct parser *p, struct tc_str line)
{
	const char *colon;

	line = trim(line);
	if (line.len == 0 || line.s[0] == '#')
		return;
	colon = memchr(line.s, ':', line.len);
	if (!colon) {
		tc_diag_help(refuse(p, "expected <key id>: <base64 of 32 bytes>, found no colon"),
			     "tentc keygen prints such a line");
		return;
	}
	parse_key(p, trim((struct tc_str){.s = line.s, .len = (size_t)(colon - line.s)}),
		  trim((struct tc_str){.s = colon + 1, .len = (size_t)(line.s + line.len - colon - 1)}));
}

struct tc_keyring *tc_keyring_parse(const struct tc_source *src, struct tc_diags *diags)
{
	struct tc_arena *mem = tc_arena_new_secret(4 * 1024);
	_cleanup_(tc_keyring_free) struct tc_keyring *ring = tc_alloc(mem, sizeof(*ring));
	struct parser p = {.ring = ring, .file = src->name, .diags = diags};
	const char *at = src->text.s, *end = at + src->text.len;
	size_t before = diags->errors;

	ring->mem = mem;
	while (at < end) {
		const char *stop = memchr(at, '\n', (size_t)(end - at));

		if (!stop)
			stop = end;
		p.line++;
		parse_line(&p, (struct tc_str){.s = at, .len = (size_t)(stop - at)});
		at = stop + 1;
	}
	if (ring->count == 0 && diags->errors == before)
		tc_diag_help(tc_diag(diags, TC_MSG_BAD_KEY_FILE, (struct tc_pos){0}, "%s: the file holds no key",
				     p.file),
			     "tentc keygen prints one");
	return diags->errors == before ? tc_take(&ring) : NULL;
}

void tc_keyring_free(struct tc_keyring *ring)
{
	if (ring)
		tc_arena_free(ring->mem);
}

const char *tc_keyring_ids(struct tc_arena *mem, const struct tc_keyring *ring)
{
	_cleanup_buf_ struct tc_buf out = {0};

	for (size_t i = 0; i < ring->count; i++)
		tc_buf_printf(&out, "%s%.*s", i > 0 ? ", " : "", TC_STR_ARG(ring->keys[i].id));
	return tc_strndup(mem, tc_buf_str(&out).s, out.len);
}

void tc_keyring_line(struct tc_buf *out, const char *key_id, const unsigned char key[TC_ROOT_KEY_LEN])
{
	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new_secret(1024);

	tc_buf_printf(out, "%s: %s\n", key_id,
		      tc_base64(mem, (struct tc_str){.s = (const char *)key, .len = TC_ROOT_KEY_LEN}));
}
