/* The nth allocation fails, for every n: the compiler ends by abort(), tentc with status 70, and nothing was written.
 */
#include <signal.h>

#include "tests/property/process.h"
#include "tests/property/properties.h"

static const char deployment[] = "apiVersion: apps/v1\n"
				 "kind: Deployment\n"
				 "metadata:\n"
				 "  name: shop\n"
				 "  namespace: demo\n"
				 "  annotations:\n"
				 "    tentacular.io/contract: |\n"
				 "      dependencies:\n"
				 "        tentacular-postgres:\n"
				 "        tentacular-spire:\n"
				 "        github: {protocol: https, host: api.github.com}\n"
				 "spec:\n"
				 "  selector: &s {matchLabels: {app: shop}}\n"
				 "  template:\n"
				 "    metadata: {labels: {app: shop}}\n"
				 "    spec: {containers: [{name: app, args: [--allow-net=x]}]}\n";
static const char configmap[] = "kind: ConfigMap\n"
				"apiVersion: v1\n"
				"metadata: {name: till-code, namespace: demo}\n"
				"data:\n"
				"  workflow.yaml: |\n"
				"    name: till\n"
				"    contract:\n"
				"      dependencies: {tentacular-rustfs: , tentacular-nats: {protocol: nats}}\n";
static const char json[] =
	"{\"apiVersion\": \"v1\", \"kind\": \"Pod\", \"metadata\": {\"name\": \"cart\", \"namespace\": "
	"\"demo\", \"annotations\": {\"tentacular.io/contract\": \"dependencies: {tentacular-nats: "
	"}\"}}, \"spec\": {\"containers\": [{\"name\": \"c\"}]}}\n";
static const char pod[] =
	"apiVersion: v1\nkind: Pod\nmetadata: {name: shop, namespace: demo, annotations: "
	"{tentacular.io/contract: 'dependencies: {tentacular-spire: }'}}\nspec: {containers: [{name: c}]}\n";
static const char refused[] = "apiVersion: v1\nkind: Pod\nmetadata: {name: x, namespace: demo, annotations: "
			      "{tentacular.io/contract: 'dependencies: {tentacular-postgress: }'}}\n";
static const char key[] = "k1: AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n";

static int compile(const void *given)
{
	const struct batch *b = given;
	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(4096);
	static const struct model_config plain = {.database = "tentacular",
						  .mode = "contract",
						  .key_id = "k1",
						  .trust_domain = "tentacular.local"};
	struct model_config config = plain;
	struct platform platform;
	struct outcome o;

	for (unsigned i = 0; i < 4; i++)
		config.services[i] = (struct model_service){.enabled = true,
							    .host = tc_services[i]->host,
							    .port = tc_services[i]->port};
	platform_make(&platform, mem, &config, true);
	outcome_make(&o, b, &platform, NULL);
	outcome_free(&o);
	platform_free(&platform);
	return 0;
}

/* Answers whether n was beyond the last allocation. */
static bool library_at(struct counts *c, const struct batch *b, unsigned long n)
{
	struct process p;
	bool over;

	process_run(&p, &(struct process_how){.run = compile, .given = b, .fail_nth = n});
	over = !p.alloc_failed;
	suite_check(c, p.status == (over ? 0 : 128 + SIGABRT), "%s, allocation %lu: status %d\n%s", b->src[0].name, n,
		    p.status, p.err.p ? p.err.p : "");
	process_free(&p);
	return over;
}

static void library(struct counts *c)
{
	static const struct {
		const char *name, *text;
	} inputs[] = {{"deployment.yaml", deployment},
		      {"configmap.yaml", configmap},
		      {"pod.json", json},
		      {"refused.yaml", refused}};

	for (size_t i = 0; i < TC_COUNT(inputs); i++) {
		struct batch b = {0};
		unsigned long n = 1;

		batch_set(&b, 0, inputs[i].name, tc_str(inputs[i].text));
		while (!library_at(c, &b, n) && n < 100000)
			n++;
	}
}

struct command {
	const char *args[12];
	int status;    /* when nothing fails */
	bool for_good; /* also: that one, and all that follow */
	bool reports;  /* what it finds goes to standard output, whatever it could not look at */
};

static const struct command commands[] = {
	{.args = {"tentc", "compile", "--root-key-file", "root.key", "in", "-o", "out", NULL}, .for_good = true},
	{.args = {"tentc", "compile", "--format", "json", "in/a.yaml", NULL}},
	{.args = {"tentc", "compile", "--cluster-scoped", "cluster", "in", "-o", "new/er", NULL}},
	{.args = {"tentc", "compile", "in", "bad.yaml", "-o", "out", NULL}, .status = TC_E_REJECTED},
	{.args = {"tentc", "compile", "in", "-o", "out", "--check", NULL}, .status = TC_E_DIFFERS, .reports = true},
	{.args = {"tentc", "identity", "demo", "shop", NULL}},
	{.args = {"tentc", "schema", "contract", NULL}},
};

static char *prepare(void)
{
	char *folder = folder_new();

	file_write(folder, "in/a.yaml", tc_str(pod));
	file_write(folder, "in/below/b.json", tc_str(json));
	file_write(folder, "bad.yaml", tc_str(refused));
	file_write(folder, "root.key", tc_str(key));
	file_write(folder, "out/a.yaml", TC_STR("old\n"));
	return folder;
}

/* What a run does when nothing fails, and what it did. */
struct seen {
	struct process p;
	struct tc_buf folder;
};

static void seen_free(struct seen *s)
{
	process_free(&s->p);
	tc_buf_free(&s->folder);
}

static bool same(const struct tc_buf *a, const struct tc_buf *b)
{
	return tc_str_equal(tc_buf_str(a), tc_buf_str(b));
}

static void see(struct seen *s, const struct command *command, const char *folder, unsigned long n, bool and_all_later)
{
	*s = (struct seen){0};
	process_run(&s->p, &(struct process_how){.folder = folder,
						 .args = command->args,
						 .fail_nth = n,
						 .and_all_later = and_all_later});
	folder_show(&s->folder, folder);
}

/* Either tentc says that memory is over and has written nothing, or it could do without, and did what it always does:
 * the C library has allocations of its own, of which it survives some. */
static bool is_right(const struct seen *now, const struct seen *always, const struct tc_buf *before, bool reports)
{
	const char *said = now->p.err.p ? now->p.err.p : "";

	if (now->p.status == always->p.status && same(&now->p.out, &always->p.out))
		return same(&now->folder, &always->folder);
	return now->p.alloc_failed && (now->p.out.len == 0 || reports) && same(&now->folder, before) &&
	       ((now->p.status == TC_E_BUG && strstr(said, "out of memory")) ||
		(now->p.status == TC_E_USAGE && strstr(said, "annot allocate memory")));
}

/* Answers whether n was beyond the last allocation. */
static bool command_at(struct counts *c, const struct command *command, const struct seen *always, unsigned long n,
		       bool and_all_later)
{
	static char *folder;
	static struct tc_buf before;
	struct seen now;
	bool over;

	if (!folder) {
		folder = prepare();
		folder_show(&before, folder);
	}
	see(&now, command, folder, n, and_all_later);
	over = !now.p.alloc_failed;
	suite_check(c, is_right(&now, always, &before, command->reports),
		    "tentc %s, allocation %lu: status %d, %zu bytes on standard output, folder %s, standard error: %s",
		    command->args[1], n, now.p.status, now.p.out.len,
		    same(&now.folder, &before) ? "untouched" : "changed", now.p.err.p ? now.p.err.p : "nothing");
	if (!same(&now.folder, &before) || over) {
		folder_remove(folder);
		free(folder);
		folder = NULL;
		tc_buf_free(&before);
	}
	seen_free(&now);
	return over;
}

static void command_line(struct counts *c, const struct command *command, bool and_all_later)
{
	char *folder = prepare();
	struct seen always;
	unsigned long n = 1;

	see(&always, command, folder, 0, false);
	suite_check(c, always.p.status == command->status, "tentc %s: status %d\n%s", command->args[1], always.p.status,
		    always.p.err.p ? always.p.err.p : "");
	while (!command_at(c, command, &always, n, and_all_later) && n < 100000)
		n++;
	seen_free(&always);
	folder_remove(folder);
	free(folder);
}

void suite_no_memory(struct counts *c)
{
	if (!alloc_reachable()) {
		(void)printf("no-memory: skipped: the allocator belongs to a sanitizer\n");
		c->skipped++;
		return;
	}
	library(c);
	for (size_t i = 0; i < TC_COUNT(commands); i++) {
		command_line(c, &commands[i], false);
		if (commands[i].for_good)
			command_line(c, &commands[i], true);
	}
}
