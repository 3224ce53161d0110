/* nats.h - the registrar of NATS, shared by its files nats*.c; internal to registrars/.
 *
 *   nats.c            the table of operations; retain, destroy
 *   nats_apply.c      apply, of one or many; verify
 *   nats_entry.c      what a tentacle's user is, and whether the file has it so
 *   nats_password.c   bcrypt, which is all that a file ever holds of a password
 *   nats_text.c       the text of an accounts file, read and written
 *   nats_change.c     one change of a file, of several writers one after the other
 *   nats_move.c       enclaves move, when the number of files is another one
 *   nats_file.c       where the text is: in a folder,
 *   nats_secret.c     or in Secrets of the cluster
 *   nats_find.c       which servers there are
 *   nats_servers.c    what they have loaded, what they are told
 *   nats_look.c       what is there: observe, observe_all
 *   nats_probe.c      the servers and the administrator's rights
 *   nats_stream.c     a tentacle's stream, where enclaves have JetStream
 *   nats_wire.c       the client; nats_read.c and nats_tls.c below it
 *
 * An enclave is an account, a tentacle a user of it. The accounts stand in files that are tentc's alone and that every
 * server includes. The last line of a file is a user nobody uses, whose password is derived from all that stands above
 * it: who can log in with it knows that this very text is what the server has loaded. */
#ifndef TC_NATS_H
#define TC_NATS_H

#include "compiler/base/buf.h"
#include "registrars/nats_wire.h"
#include "registrars/registrar.h"

#define TC_NATS_SHARDS_MAX 64

/* Rows of services.nats.admin and of services.nats.limits. */
enum { TC_NATS_MODE, TC_NATS_URL, TC_NATS_DIR, TC_NATS_SECRETS, TC_NATS_SHARDS };
enum { TC_NATS_CONNECTIONS, TC_NATS_PAYLOAD, TC_NATS_JETSTREAM };

struct tc_nats_server {
	const char *id, *name, *version;
	const char *host, *address; /* address NULL: resolve host */
	unsigned port;
	int64_t told; /* when it was last told to reload; 0: never */
};

struct tc_nats_registrar {
	struct tc_registrar_conf conf;
	unsigned seconds, shards;
	const struct tc_nats_store *store;
	const char *dir;     /* mode file */
	const char *secrets; /* mode secret: NAMESPACE/NAME */
	struct tc_kube *kube;
	struct tc_arena *mem; /* of one operation; wiped */

	struct tc_nats *admin; /* kept between operations */
	struct tc_arena *servers_mem;
	struct tc_nats_server *servers;
	size_t nservers;
	json_t *accounts; /* names that servers know, as keys; NULL: not asked yet */
};

/* mem is rewound: every operation begins with it. */
void tc_nats_begin(struct tc_nats_registrar *r);
int tc_nats_need_keys(const struct tc_nats_registrar *r, struct tc_error *err);
/* A derived credential, in r->mem. */
const char *tc_nats_derive(struct tc_nats_registrar *r, const char *field, const char *enclave, const char *name,
			   unsigned epoch);
unsigned tc_nats_shard_of(struct tc_nats_registrar *r, const char *enclave);
/* The number that shards are the remainder of. */
unsigned long tc_nats_spread(struct tc_nats_registrar *r, const char *enclave);

/* --- passwords -------------------------------------------------------------------------------------------------------
 */

/* "$2b$04$...": always the same for the same salt, which is some 22 characters of [A-Za-z0-9]. Cost 4, since every
 * server computes it anew for every live session at every reload; a password of 40 derived characters needs no more. */
const char *tc_nats_hash(struct tc_arena *mem, const char *password, const char *salt);

/* --- one user --------------------------------------------------------------------------------------------------------
 */

struct tc_nats_entry {
	const char *enclave, *name;
	const char *key_id, *seal;
	unsigned epoch;
	bool retained;
	struct tc_str user; /* "{user: ...}"; empty when retained */
};

void tc_nats_entry_make(struct tc_nats_registrar *r, struct tc_nats_entry *out, const struct tc_want *want);
/* Whether it is what tc_nats_entry_make would make; says into o (may be NULL) what differs. Without keys the password
 * is not compared. */
bool tc_nats_entry_is(struct tc_nats_registrar *r, const struct tc_nats_entry *entry, const struct tc_want *want,
		      struct tc_observed *o);

/* --- one file --------------------------------------------------------------------------------------------------------
 */

struct tc_nats_accounts {
	unsigned shard;
	const char *place;   /* "/etc/nats/accounts-0.conf": for messages */
	struct tc_str text;  /* as it was read; empty: not there */
	unsigned of;         /* the number of shards when it was written; 0: nothing was written yet */
	unsigned to;         /* in the first file: the number that enclaves are moving to; 0: they are not */
	const char *foreign; /* why it is not ours, and what to do; NULL: it is */
	const char *version; /* of that text, for its store */
	bool gone;           /* see tc_nats_look_for_lost */
	struct tc_nats_entry *entries;
	size_t nentries, cap, nsorted;
};

/* Reads a->text. */
void tc_nats_text_read(struct tc_nats_registrar *r, struct tc_nats_accounts *a);
/* NULL: there is none. */
struct tc_nats_entry *tc_nats_find(const struct tc_nats_accounts *a, const char *enclave, const char *name);
bool tc_nats_has_enclave(const struct tc_nats_accounts *a, const char *enclave);
/* Adds, or takes the place of the one of that name. */
void tc_nats_put(struct tc_nats_registrar *r, struct tc_nats_accounts *a, const struct tc_nats_entry *entry);
void tc_nats_remove(struct tc_nats_accounts *a, struct tc_nats_entry *entry);
void tc_nats_sort(struct tc_nats_accounts *a);
/* The text that its entries make, in r->mem; sorts them. */
struct tc_str tc_nats_text_write(struct tc_nats_registrar *r, struct tc_nats_accounts *a);
/* Written for another number of files than is configured; to: as in tc_nats_accounts. */
struct tc_str tc_nats_text_write_for(struct tc_nats_registrar *r, struct tc_nats_accounts *a, unsigned of, unsigned to);
/* Whether a->text is that text. Without keys, but for its last line. */
bool tc_nats_text_intact(struct tc_nats_registrar *r, struct tc_nats_accounts *a);
/* The user of the last line, and its password: NULL when the file is empty. */
const char *tc_nats_witness(struct tc_nats_registrar *r, unsigned shard);
const char *tc_nats_witness_password(struct tc_nats_registrar *r, const struct tc_nats_accounts *a);

/* --- where files are -------------------------------------------------------------------------------------------------
 */

struct tc_nats_store {
	const char *mode; /* of services.nats.admin */
	/* Whether it is long, minutes perhaps, until servers see what was written; and what they may want. */
	bool slow;
	const char *behind;

	/* Asks nobody yet. */
	int (*open)(struct tc_nats_registrar *r, struct tc_error *err);
	void (*close)(struct tc_nats_registrar *r);
	/* For messages. */
	const char *(*place)(struct tc_nats_registrar *r, unsigned shard);
	/* text and version of a; not there: an empty text. May set foreign. A text may come back, a version never. */
	int (*read)(struct tc_nats_registrar *r, struct tc_nats_accounts *a, struct tc_error *err);
	/* *lost: it is not any more what was read; nothing was written then. Else a is as if it had been read. */
	int (*write)(struct tc_nats_registrar *r, struct tc_nats_accounts *a, struct tc_str text, bool *lost,
		     struct tc_error *err);
	/* What is wrong there though it can be read. */
	int (*probe)(struct tc_nats_registrar *r, struct tc_probed *out, struct tc_error *err);
};

extern const struct tc_nats_store tc_nats_store_file, tc_nats_store_secret;

/* One file, as it is. */
int tc_nats_read_one(struct tc_nats_registrar *r, struct tc_nats_accounts *out, unsigned shard, struct tc_error *err);
/* As tc_nats_read_one; its entries: all that belong there, though some have not moved yet. */
int tc_nats_accounts_read(struct tc_nats_registrar *r, struct tc_nats_accounts *out, unsigned shard,
			  struct tc_error *err);
/* Reads the file, lets `edit` change its entries, and writes it when its text is then another one; all of that again,
 * `edit` too, when somebody else has written it meanwhile. A file that is not ours is an error, and left. out: as it is
 * afterwards. */
int tc_nats_change(struct tc_nats_registrar *r, struct tc_nats_accounts *out, unsigned shard,
		   int (*edit)(void *self, struct tc_nats_accounts *a, struct tc_error *err), void *self,
		   struct tc_error *err);
int tc_nats_refuse(const struct tc_nats_accounts *a, struct tc_error *err);

/* Whether enclaves are to move, or are moving, to another number of files. first: the file 0. */
bool tc_nats_moving(const struct tc_nats_registrar *r, const struct tc_nats_accounts *first);
/* Moves them all. *lost: somebody else has written meanwhile; begin again. */
int tc_nats_move(struct tc_nats_registrar *r, struct tc_nats_accounts *first, bool *lost, struct tc_error *err);
/* The entries that belong into out->shard, wherever they stand: into out. */
int tc_nats_gather(struct tc_nats_registrar *r, struct tc_nats_accounts *out, const struct tc_nats_accounts *first,
		   struct tc_error *err);

/* --- servers ---------------------------------------------------------------------------------------------------------
 */

struct tc_nats_login tc_nats_login(struct tc_nats_registrar *r, const struct tc_nats_server *server, const char *user,
				   const char *password);
/* Whether "2.10.3" is older than major.minor. */
bool tc_nats_older(const char *version, unsigned long major, unsigned long minor);
/* As tc_nats_connect, tried again where that may help: who is refused, for as many milliseconds as `patience` says. A
 * failure is wrapped. */
enum tc_nats_answer tc_nats_login_at(struct tc_nats_registrar *r, struct tc_nats **out,
				     const struct tc_nats_server *server, const char *user, const char *password,
				     unsigned patience, struct tc_error *err);
/* For those who are to be let in. */
#define TC_NATS_PATIENCE 2000
/* Fills r->servers, all of the cluster, and opens r->admin. */
int tc_nats_servers(struct tc_nats_registrar *r, struct tc_error *err);
/* A question to one server as the administrator: "VARZ". *nobody as in tc_nats_request; NULL: then it is an error. */
int tc_nats_ask(struct tc_nats_registrar *r, json_t **out, const struct tc_nats_server *server, const char *what,
		const char *body, bool *nobody, struct tc_error *err);
/* Whether the server has loaded this text of the file. */
int tc_nats_loaded(struct tc_nats_registrar *r, bool *loaded, const struct tc_nats_server *server,
		   const struct tc_nats_accounts *a, unsigned patience, struct tc_error *err);
/* Makes every server load the files as they are now; those are read again where somebody else has changed them. */
int tc_nats_converge(struct tc_nats_registrar *r, struct tc_nats_accounts *files, size_t nfiles, struct tc_error *err);
/* Live sessions of the user on all servers. */
int tc_nats_sessions(struct tc_nats_registrar *r, uint64_t *count, const char *user, struct tc_error *err);
/* Waits until there is none, and ends those that the reload has not ended. */
int tc_nats_end_sessions(struct tc_nats_registrar *r, const char *user, struct tc_error *err);
/* Whether a server knows an account of that name; asked once in an operation, unless it is forgotten. */
int tc_nats_account_there(struct tc_nats_registrar *r, bool *there, const char *enclave, struct tc_error *err);

void tc_nats_forget_accounts(struct tc_nats_registrar *r);

/* Sets a->gone when the file is empty or not there though servers have loaded one: somebody has taken it away, and they
 * let in whom it named until there is another one. */
int tc_nats_look_for_lost(struct tc_nats_registrar *r, struct tc_nats_accounts *a, struct tc_error *err);

/* --- streams ---------------------------------------------------------------------------------------------------------
 */

/* Whether enclaves have JetStream. */
bool tc_nats_streams(const struct tc_nats_registrar *r);
/* Whether that server keeps tentacles from the streams of others. */
int tc_nats_stream_safe(const struct tc_nats_server *server, struct tc_error *err);
const char *tc_nats_stream_name(struct tc_nats_registrar *r, const struct tc_want *want);
/* Of tentc/<enclave>, the same in all accounts. */
const char *tc_nats_keeper_password(struct tc_nats_registrar *r);
/* These three need the account to be loaded. */
int tc_nats_stream_ensure(struct tc_nats_registrar *r, const struct tc_want *want, struct tc_error *err);
int tc_nats_stream_look(struct tc_nats_registrar *r, const struct tc_want *want, bool *there, uint64_t *messages,
			uint64_t *bytes, struct tc_error *err);
int tc_nats_stream_destroy(struct tc_nats_registrar *r, const struct tc_want *want, struct tc_error *err);

/* --- operations ------------------------------------------------------------------------------------------------------
 */

/* Logs in as the tenant at every server. */
int tc_nats_prove(struct tc_nats_registrar *r, const struct tc_want *want, struct tc_error *err);
int tc_nats_apply(void *self, const struct tc_want *want, struct tc_error *err);
int tc_nats_apply_all(void *self, const struct tc_want *wants, size_t nwants,
		      void (*done)(void *, const struct tc_want *, const struct tc_error *), void *done_self,
		      struct tc_error *err);
int tc_nats_verify(void *self, const struct tc_want *want, struct tc_error *err);
int tc_nats_observe(struct tc_observed *out, void *self, const struct tc_want *want, struct tc_error *err);
int tc_nats_observe_all(void *self, const struct tc_want *wants, size_t nwants,
			void (*each)(void *, const char *, const char *, const struct tc_observed *), void *each_self,
			struct tc_error *err);
int tc_nats_probe(struct tc_probed *out, void *self, struct tc_error *err);

#endif
