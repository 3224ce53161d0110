#include "tests/property/render.h"

#include "tests/property/objects.h"
#include "tests/property/writer.h"

#define FILE_OBJECTS_MAX 24

struct file {
	struct tc_node *objects[FILE_OBJECTS_MAX];
	bool bare[FILE_OBJECTS_MAX];
	size_t n;
};

static void add(struct file *f, struct tc_node *object, bool bare)
{
	if (!object || f->n == FILE_OBJECTS_MAX)
		return;
	f->bare[f->n] = bare;
	f->objects[f->n++] = object;
}

static void add_tentacle(struct builder *b, struct file *f)
{
	const struct model_tentacle *t = b->t;

	b->rng = (struct rng){.s = t->seed};
	if (b->m->files[t->file].noise)
		add(f, object_noise(b), false);
	if (t->policy != POLICY_NONE && (t->seed & (1u << 14)))
		add(f, object_policy(b), false);
	b->rng = (struct rng){.s = t->seed ^ 1};
	if (t->place == PLACE_CONFIGMAP && (t->seed & (1u << 15)))
		add(f, object_configmap(b), false);
	if (t->kind >= 0)
		add(f, object_workload(b), false);
	if (t->place == PLACE_CONFIGMAP && !(t->seed & (1u << 15)))
		add(f, object_configmap(b), false);
	if (t->place == PLACE_BARE && !t->no_contract)
		add(f, object_workflow(b), true);
	if (t->policy != POLICY_NONE && !(t->seed & (1u << 14)))
		add(f, object_policy(b), false);
}

static void separator(struct tc_buf *out, struct rng *r, bool first)
{
	static const char *const lines[] = {
		"---\n", "---\n", "--- # next\n", "---   \n\n", "---\n# only a comment\n---\n", "\n\n---\n"};

	if (!first || rng_chance(r, 30))
		tc_buf_puts(out, lines[rng_below(r, (unsigned)TC_COUNT(lines))]);
	if (rng_chance(r, 15))
		tc_buf_puts(out, "# Source: chart/templates/x.yaml\n\n");
}

/* Objects of Kubernetes go into one List; a bare workflow stands alone. */
static void gather(struct builder *b, struct file *f)
{
	struct tc_node *list = map_new(b), *items = seq_new(b);
	struct file out = {0};

	put_text(b, list, "apiVersion", "v1");
	put_text(b, list, "kind", "List");
	put(b, list, "items", items);
	for (size_t i = 0; i < f->n; i++) {
		if (f->bare[i])
			add(&out, f->objects[i], true);
		else
			tc_push(items, f->objects[i]);
	}
	if (items->count)
		add(&out, list, false);
	*f = out;
}

static void crlf(struct tc_buf *text)
{
	struct tc_buf out = {0};

	for (size_t i = 0; i < text->len; i++) {
		if (text->p[i] == '\n')
			tc_buf_putc(&out, '\r');
		tc_buf_putc(&out, text->p[i]);
	}
	tc_buf_free(text);
	*text = out;
}

static void write_file(struct builder *b, struct tc_buf *out, struct file *f, const struct model_file *how)
{
	struct rng r = {.s = how->seed};

	if (how->list)
		gather(b, f);
	if (how->json) {
		for (size_t i = 0; i < f->n; i++)
			writer_json(out, f->objects[i], how->seed & 1);
	} else {
		for (size_t i = 0; i < f->n; i++) {
			struct writing w = {.seed = rng_next(&r), .plain = rng_chance(&r, 30)};

			separator(out, &r, i == 0);
			writer_yaml(out, b->mem, f->objects[i], &w);
		}
		if (f->n && rng_chance(&r, 10))
			tc_buf_puts(out, "...\n");
	}
	/* a text without a line end at its end; a block scalar would mean something else without it */
	if (out->len > 2 && out->p[out->len - 1] == '\n' && rng_chance(&r, 10) && out->p[out->len - 2] == '}')
		out->len--;
	if (how->crlf)
		crlf(out);
}

void batch_set(struct batch *b, size_t i, const char *name, struct tc_str text)
{
	b->src[i] = (struct tc_source){.name = name, .text = text, .order = (unsigned)i + 1};
	b->list[i] = &b->src[i];
	if (b->n <= i)
		b->n = i + 1;
}

void render(struct batch *b, struct tc_arena *mem, const struct model *m, const struct tc_config *config)
{
	struct file files[MODEL_FILES_MAX] = {0};
	struct builder build = {.mem = mem, .m = m, .config = config};

	b->n = 0;
	for (size_t i = 0; i < m->ntentacles; i++) {
		build.t = &m->tentacles[i];
		build.json = m->files[build.t->file].json;
		add_tentacle(&build, &files[build.t->file]);
	}
	for (unsigned i = 0; i < m->nfiles; i++) {
		_cleanup_buf_ struct tc_buf text = {0};
		const char *end = m->files[i].json ? "json" : "yaml";

		if (m->files[i].bom && !m->files[i].json)
			tc_buf_puts(&text, "\xef\xbb\xbf");
		write_file(&build, &text, &files[i], &m->files[i]);
		batch_set(b, i, tc_printf(mem, "file%u.%s", i, end),
			  (struct tc_str){.s = tc_strndup(mem, tc_buf_str(&text).s, text.len), .len = text.len});
	}
}
