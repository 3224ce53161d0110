/* postgres.h - the registrar of PostgreSQL, shared by its files postgres*.c; internal to registrars/.
 *
 *   postgres.c           the table of operations; apply, verify
 *   postgres_connect.c   a session that never waits longer than its time limit
 *   postgres_failure.c   what a state of SQL means, and what to do
 *   postgres_scram.c     the SCRAM verifier, which is all that the server ever gets of a password
 *   postgres_sql.c       quoting, and the texts of the statements
 *   postgres_look.c      what is there: observe, observe_all
 *   postgres_probe.c     the server and the administrator's rights
 *   postgres_enclave.c   the database, the group of an enclave, the table of locks
 *   postgres_shut.c      retain: no login, no session
 *   postgres_destroy.c   removing all of a tentacle, in parts */
#ifndef TC_POSTGRES_H
#define TC_POSTGRES_H

#include <libpq-fe.h>

#include "compiler/base/buf.h"
#include "registrars/registrar.h"
#include "registrars/resolve.h"

/* --- sessions --------------------------------------------------------------------------------------------------------
 */

/* Where and as whom; borrowed. */
struct tc_pg_login {
	const char *host;
	unsigned port;
	const char *database, *user, *password; /* password NULL: none */
	const char *tls_mode, *tls_ca;          /* as in struct tc_service_config */
};

struct tc_pg {
	PGconn *conn;
	unsigned seconds; /* for one call */
	bool asked;       /* the server wanted the password */
};

/* How a connection or a statement ended: "" and NULL when the server said nothing. */
struct tc_pg_failure {
	char state[6];
	char text[512]; /* what the server or libpq said, in one line */
	bool timed_out;
};

/* out->conn is NULL after a failure. */
int tc_pg_connect(struct tc_pg *out, const struct tc_pg_login *login, unsigned seconds, struct tc_pg_failure *why);
void tc_pg_close(struct tc_pg *pg);
/* Whether a session that lay idle can still be used. */
bool tc_pg_alive(struct tc_pg *pg);
/* Sends sql (one or more statements) in one round trip. *rows: the last result that has rows, NULL when none has; out
 * may be NULL. After a failure no transaction is open; a session that timed out is closed. */
int tc_pg_run(struct tc_pg *pg, PGresult **rows, const char *sql, struct tc_pg_failure *why);

/* The failure as an error: "postgres: <step>: <what it means>", with what to do. Always -1. */
int tc_pg_fail(struct tc_error *err, const char *step, const struct tc_pg_failure *why);

static inline void tc_pg_result_free(PGresult *r)
{
	PQclear(r);
}
TC_DEFINE_CLEANUP(PGresult, tc_pg_result_free)

/* --- verifier --------------------------------------------------------------------------------------------------------
 */

#define TC_SCRAM_ITERATIONS 4096
#define TC_SCRAM_SALT 16

/* "SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>" (RFC 5803, RFC 7677), what pg_authid holds. The password
 * is ASCII, so SASLprep leaves it as it is. */
const char *tc_scram_verifier(struct tc_arena *mem, const char *password, const unsigned char salt[TC_SCRAM_SALT],
			      unsigned iterations);
/* The salt of a label, always the same: what is written again is then the same to the byte. */
void tc_scram_salt(const char *label, unsigned char salt[TC_SCRAM_SALT]);

/* --- statements ------------------------------------------------------------------------------------------------------
 */

void tc_sql_name(struct tc_buf *out, const char *name); /* "quoted" */
void tc_sql_text(struct tc_buf *out, const char *text); /* 'quoted', whatever standard_conforming_strings says */
const char *tc_sql_name_in(struct tc_arena *mem, const char *name);
const char *tc_sql_text_in(struct tc_arena *mem, const char *text);

/* Raised by the blocks below: what they found forbids what they were to do. */
#define TC_STATE_FOREIGN_MARK "TC001"
#define TC_STATE_FOREIGN_SCHEMA "TC002"
#define TC_STATE_OLD_EPOCH "TC003"
/* Not the server's either: it asked for a password, and there is none. */
#define TC_STATE_NO_PASSWORD "TC004"

/* All that the statements about one tentacle are made of; texts in mem. */
struct tc_pg_names {
	const char *installation, *enclave, *name, *key_id;
	const char *role, *group, *database;
	bool own_database; /* the enclave has one to itself */
	unsigned epoch, connections;
	/* Derived beside the password, from the same key and epoch: what was last set is known without asking for what
	 * nobody may read, and it says nothing about the password. NULL: not compared. */
	const char *check;
	const char *password, *verifier; /* NULL where they are not needed */
};

/* What COMMENT ON ROLE says; the marks of an enclave's tentacles begin with the mark of its group and a blank. */
const char *tc_pg_mark(struct tc_arena *mem, const struct tc_pg_names *n);
const char *tc_pg_group_mark(struct tc_arena *mem, const char *installation, const char *enclave);

struct tc_pg_mark {
	const char *installation, *enclave, *name, *key_id, *check;
	unsigned epoch;
};
/* False when it is none of tentc's. name is "" for a group. */
bool tc_pg_mark_read(struct tc_arena *mem, const char *text, struct tc_pg_mark *out);

/* Begins a transaction with its own limits of time and a search_path that no tenant can write to; sql is what it does,
 * under the lock of the row `lock` of tentc.lock (NULL: without). */
const char *tc_sql_transaction(struct tc_arena *mem, unsigned seconds, const char *lock, const char *sql);
const char *tc_sql_read(struct tc_arena *mem, unsigned seconds, const char *sql);

const char *tc_sql_apply(struct tc_arena *mem, const struct tc_pg_names *n);
const char *tc_sql_retain(struct tc_arena *mem, const struct tc_pg_names *n);
const char *tc_sql_group(struct tc_arena *mem, const struct tc_pg_names *n);
/* One role with its group, or (n NULL) every role whose name could be a tentacle's; the columns of enum tc_look. */
const char *tc_sql_look(struct tc_arena *mem, const struct tc_pg_names *n);

enum tc_look {
	LOOK_ROLE,
	LOOK_IS_THERE, /* the role */
	LOOK_MARK,
	LOOK_MAY_LOGIN,
	LOOK_CONNECTIONS,
	LOOK_RESTRICTED,   /* NOINHERIT, or it expires */
	LOOK_SCHEMA,       /* is there */
	LOOK_SCHEMA_OWNER, /* its name */
	LOOK_OWNS_SCHEMA,
	LOOK_CONNECTS,     /* may connect to the database */
	LOOK_ALLOWED,      /* what it may do there besides, in words */
	LOOK_SEARCH_PATH,  /* is as it should be */
	LOOK_MEMBER,       /* of its group */
	LOOK_ADMINISTERED, /* by us: we are a member of it */
	LOOK_SURPLUS,      /* what it has too much, in words, separated by TC_SURPLUS_END */
	LOOK_SURPLUS_SQL,  /* the statements that take it away, likewise */
	LOOK_SESSIONS,
	LOOK_GROUP, /* is there */
	LOOK_GROUP_MARK,
	LOOK_GROUP_CONNECTS,
	LOOK_LOCKS,  /* tentc.lock is there, and ours */
	LOOK_PUBLIC, /* PUBLIC may do something with the database */
	LOOK_COLUMNS,
};
#define TC_SURPLUS_END "\x1f"

/* --- the registrar ---------------------------------------------------------------------------------------------------
 */

struct tc_postgres {
	struct tc_registrar_conf conf;
	struct tc_arena *mem; /* of one operation; wiped */
	struct tc_pg pg;      /* the administrator's session, kept between operations */
	char *database;       /* that it is connected to */
	const char *admin_database;
};

/* mem is rewound: every operation begins with it. */
void tc_postgres_begin(struct tc_postgres *p);
/* With `check` when there are keys. */
void tc_postgres_names(struct tc_postgres *p, struct tc_pg_names *out, const struct tc_want *want);
/* password and verifier, which take some milliseconds. */
void tc_postgres_credential(struct tc_postgres *p, struct tc_pg_names *n);
void tc_postgres_enclave_names(struct tc_postgres *p, struct tc_pg_names *out, const char *enclave);
/* Makes p->pg the administrator's session in that database. *missing (may be NULL): the answer is -1 and the database
 * is not there, or closed because its making was interrupted. */
int tc_postgres_use(struct tc_postgres *p, const char *database, bool *missing, struct tc_error *err);
/* Tells the step (NULL: nothing may change), runs sql, and makes a failure an error. */
int tc_postgres_do(struct tc_postgres *p, PGresult **rows, const char *step, const char *sql, struct tc_error *err);
/* Where and as whom the administrator logs in, or the tenant of n. */
struct tc_pg_login tc_postgres_login(struct tc_postgres *p, const char *database);

/* What is there of one tentacle, as observe says it and as apply repairs it. */
struct tc_pg_seen {
	struct tc_observed observed;
	bool database; /* is there; without it only there, foreign and mark are known */
	bool locks, group, group_connects, open_to_public;
	bool there, schema;
	const char *foreign; /* why it is not ours; NULL: it is, or there is nothing */
	const char *surplus_sql;
	struct tc_pg_mark mark;
};
int tc_postgres_look(struct tc_postgres *p, struct tc_pg_seen *out, const struct tc_pg_names *n, struct tc_arena *mem,
		     struct tc_error *err);
int tc_postgres_observe(struct tc_observed *out, void *self, const struct tc_want *want, struct tc_error *err);
int tc_postgres_observe_all(void *self, const struct tc_want *wants, size_t nwants,
			    void (*each)(void *, const char *, const char *, const struct tc_observed *),
			    void *each_self, struct tc_error *err);
int tc_postgres_probe(struct tc_probed *out, void *self, struct tc_error *err);
int tc_postgres_retain(void *self, const struct tc_want *want, struct tc_error *err);
int tc_postgres_destroy(void *self, const struct tc_want *want, struct tc_error *err);
int tc_postgres_enclave_apply(void *self, const char *enclave, struct tc_error *err);
int tc_postgres_enclave_destroy(void *self, const char *enclave, struct tc_error *err);
/* What enclave_apply does, from where p->pg is. */
int tc_postgres_ensure_enclave(struct tc_postgres *p, const struct tc_pg_names *n, struct tc_error *err);
int tc_postgres_make_locks(struct tc_postgres *p, struct tc_error *err);
int tc_postgres_refuse(const struct tc_pg_seen *seen, struct tc_error *err);
/* Locks the role out and ends its sessions. Nothing there: fine. */
int tc_postgres_shut(struct tc_postgres *p, const struct tc_pg_names *n, const struct tc_pg_seen *seen,
		     struct tc_error *err);

#endif
