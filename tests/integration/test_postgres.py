"""A tentacle's life in PostgreSQL, and what another tentacle can do to it: seen with psql, from the tenant's side."""

import os
import shutil
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import postgres_server  # noqa: E402
from postgres_server import ADMIN_PASSWORD, Server, sqlstate  # noqa: E402
from registrar import CommandLines, Probe  # noqa: E402
from report import Report, check, contains, equal, until  # noqa: E402

DENIED = "42501"


def settings(server, database="tentacular", more="", host="127.0.0.1"):
    return (f"{{host: {host}, port: {server.port}, database: '{database}', {more}"
            f"admin: {{user: tentc_admin, passwordFile: {server.folder}/admin-password}}}}")


def make_probe(build, folder, server, **kw):
    options = {k: kw.pop(k) for k in ("installation", "key_id", "environment") if k in kw}
    with open(os.path.join(server.folder, "admin-password"), "w") as f:
        f.write(ADMIN_PASSWORD + "\n")
    return Probe(build, folder, "postgres", settings(server, **kw), **options)


class Tenant:
    """What a tentacle's own program has: the fields of its Secret."""

    def __init__(self, server, probe, enclave, name, epoch=0):
        secret = probe.secret(enclave, name, epoch)
        self.server = server
        self.enclave, self.name = enclave, name
        self.user, self.password, self.database = (secret[f"tentacular-postgres.{k}"]
                                                   for k in ("user", "password", "database"))

    def psql(self, sql, database=None):
        return self.server.psql(sql, self.user, self.password, database or self.database)

    def sql(self, sql):
        status, out, err = self.psql(sql)
        check(status == 0, f"{self.user}: {err}")
        return out

    def state(self, sql, database=None):
        """The SQLSTATE with which it was refused, "" when it was not."""
        status, _, err = self.psql(sql, database)
        return sqlstate(err) or (err and refused_login(err)) if status else ""

    def session(self):
        return self.server.session(self.user, self.password, self.database)


def refused_login(err):
    """psql shows no state for a failed connection."""
    for words, state in (("password authentication failed", "28P01"), ("is not permitted to log in", "28000"),
                         ("permission denied for database", "42501"), ("does not exist", "3D000"),
                         ("too many connections", "53300")):
        if words in err:
            return state
    return err


def ask(session, sql):
    session.stdin.write(sql + ";\n")
    session.stdin.flush()
    return session.stdout.readline().strip()


def life(report, server, probe, v):
    a = Tenant(server, probe, "shop", "web")
    with report.case(f"{v}: nothing is there before"):
        run = probe.fine("observe", "shop", "web")
        equal((run.state, run.number("items"), run.differs), ("absent", 0, []))
        equal(a.state("SELECT 1"), "28P01")
    with report.case(f"{v}: provisioned, and used through the Secret that the compiler prints"):
        run = probe.fine("apply,verify,observe", "shop", "web")
        equal(run.steps, ["create group tentenc_shop", "create role tent_shop_web"])
        equal((run.state, run.differs), ("applied", []))
        a.sql("CREATE TABLE orders (id serial PRIMARY KEY, what text); INSERT INTO orders (what) VALUES ('tea');"
              "SELECT lo_from_bytea(0, 'large');")
        equal(a.sql("SELECT schemaname FROM pg_tables WHERE tablename = 'orders'"), "tent_shop_web")
        equal(probe.fine("observe", "shop", "web").number("items"), 2)
    with report.case(f"{v}: again: nothing is written, and a session survives"):
        session = a.session()
        equal(ask(session, "SELECT count(*) FROM orders"), "1")
        before = server.dump(), server.sql("SELECT xmin FROM pg_authid WHERE rolname = 'tent_shop_web'")
        run = probe.fine("apply,verify", "shop", "web")
        equal(run.steps, [])
        equal((server.dump(), server.sql("SELECT xmin FROM pg_authid WHERE rolname = 'tent_shop_web'")), before)
        equal(ask(session, "SELECT count(*) FROM orders"), "1")
    with report.case(f"{v}: rotated: the session survives, the old password does not"):
        equal(probe.fine("apply,verify", "shop", "web", 1).steps, ["alter role tent_shop_web"])
        equal(ask(session, "SELECT count(*) FROM orders"), "1")
        equal(a.state("SELECT 1"), "28P01")
        a = Tenant(server, probe, "shop", "web", epoch=1)
        equal(a.sql("SELECT what FROM orders"), "tea")
    with report.case(f"{v}: an older epoch is refused, and changes nothing"):
        before = server.dump()
        run = probe("apply", "shop", "web", 0)
        equal(run.status, 3)
        contains(run.error, "has the credential of epoch 1, that of epoch 0 was asked for")
        equal(server.dump(), before)
        equal(probe.fine("observe", "shop", "web", 0).differs,
              ['has the credential of epoch 1, key "k1"; wanted is epoch 0, key "k1"'])
    with report.case(f"{v}: retained: the session ends, no login, the data is there"):
        run = probe.fine("retain,observe", "shop", "web", 1)
        equal(run.steps, ["lock out role tent_shop_web", "end sessions of role tent_shop_web"])
        equal((run.state, run.number("sessions"), run.number("items")), ("retained", 0, 2))
        check("57P01" in ask(session, "SELECT 1") or session.wait(5) is not None, "the session lives")
        equal(a.state("SELECT 1"), "28000")
        equal(probe("verify", "shop", "web", 1).status, 1)
        equal(probe.fine("retain", "shop", "web", 1).steps, [])
    with report.case(f"{v}: provisioned again: the data is back"):
        probe.fine("apply,verify", "shop", "web", 1)
        equal(a.sql("SELECT what FROM orders"), "tea")
    with report.case(f"{v}: an enclave with tentacles is not destroyed"):
        run = probe("enclave-destroy", "shop")
        equal(run.status, 3)
        contains(run.error, 'still has 1 role, such as "tent_shop_web"')
    with report.case(f"{v}: destroyed: nothing is left"):
        everything(server, a)
        run = probe("destroy", "shop", "web", 1)
        equal(run.status, 3)
        contains(run.error, "privileges for schema elsewhere (2BP01); what it names is not ours to take away")
        server.sql(f'REVOKE ALL ON SCHEMA elsewhere FROM "{a.user}"', database=a.database)
        run = probe.fine("destroy,observe", "shop", "web", 1)
        equal(run.steps, ["lock out role tent_shop_web", "end sessions of role tent_shop_web",
                          "drop schema tent_shop_web", "drop role tent_shop_web"])
        equal((run.state, run.number("items")), ("absent", 0))
        equal(a.state("SELECT 1"), "28P01")
        equal(server.sql("SELECT count(*) FROM pg_largeobject_metadata; SELECT count(*) FROM pg_namespace WHERE nspname "
                         "LIKE 'tent\\_%'; SELECT count(*) FROM tentc.lock WHERE name LIKE 'tent\\_%'; SELECT count(*) "
                         "FROM pg_default_acl; SELECT count(*) FROM pg_shdescription WHERE description LIKE "
                         "'tentc%name%'; DROP SCHEMA elsewhere", database="tentacular"), "0\n0\n0\n0\n0")
        equal(probe.fine("destroy,retain", "shop", "web", 1).steps, [])
        probe.fine("enclave-destroy", "shop")
        equal(server.sql("SELECT count(*) FROM pg_roles WHERE rolname LIKE 'tent%\\_%'"), "1", "roles (tentc_admin)")


def everything(server, a):
    """One of each thing that a tenant can own, also where it does not look for it."""
    server.sql(f'CREATE SCHEMA elsewhere; GRANT CREATE, USAGE ON SCHEMA elsewhere TO "{a.user}"', database=a.database)
    a.sql("CREATE VIEW v AS SELECT 1 AS x; CREATE MATERIALIZED VIEW m AS SELECT * FROM v; CREATE SEQUENCE s;"
          "CREATE TYPE color AS ENUM ('red'); CREATE DOMAIN small AS int CHECK (VALUE < 9);"
          "CREATE TYPE pair AS (a int, b color); CREATE TABLE typed (p pair, c color, s small);"
          "CREATE FUNCTION f(int, text DEFAULT 'x') RETURNS int LANGUAGE sql AS 'SELECT $1';"
          "CREATE PROCEDURE p() LANGUAGE sql AS 'SELECT 1'; CREATE AGGREGATE agg(int) (SFUNC = int4pl, STYPE = int);"
          "CREATE TABLE parts (id int) PARTITION BY RANGE (id);"
          "CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (9);"
          "CREATE TABLE \"odd \"\"name\" (id int); CREATE TABLE elsewhere.mine (id int);"
          "CREATE FUNCTION elsewhere.mine() RETURNS int LANGUAGE sql AS 'SELECT 1';"
          "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC; ALTER DEFAULT PRIVILEGES IN SCHEMA "
          f"\"{a.user}\" GRANT SELECT ON TABLES TO PUBLIC; CREATE OPERATOR === (LEFTARG = int, RIGHTARG = int, FUNCTION = "
          "int4eq); CREATE COLLATION mine FROM \"C\"; SELECT count(lo_create(0)) FROM generate_series(1, 20);")


def attacks(report, server, probe, v):
    """As tenant B of the same enclave, and as C of another, against A."""
    for enclave, name in (("shop", "a"), ("shop", "b"), ("bank", "c")):
        probe.fine("apply,verify", enclave, name)
    a, b, c = (Tenant(server, probe, *who) for who in (("shop", "a"), ("shop", "b"), ("bank", "c")))
    large = a.sql("CREATE TABLE t (x int); INSERT INTO t VALUES (1); CREATE FUNCTION f() RETURNS int LANGUAGE sql AS "
                  "'SELECT 1'; CREATE SEQUENCE s; SELECT lo_from_bytea(0, 'secret')")
    with_a = a.session()
    pid = ask(with_a, "SELECT pg_backend_pid()")
    sa, admin = f'"{a.user}"', "tentc_admin"
    refusals = [
        ("read a table", f"SELECT * FROM {sa}.t", DENIED),
        ("write a table", f"INSERT INTO {sa}.t VALUES (2)", DENIED),
        ("lock a table", f"BEGIN; LOCK TABLE {sa}.t", DENIED),
        ("create a table in its schema", f"CREATE TABLE {sa}.x (x int)", DENIED),
        ("create a function in its schema",
         f"CREATE FUNCTION {sa}.g() RETURNS int LANGUAGE sql AS 'SELECT 1'", DENIED),
        ("call its function", f"SELECT {sa}.f()", DENIED),
        ("use its sequence", f"SELECT nextval('{sa}.s')", DENIED),
        ("drop its schema", f"DROP SCHEMA {sa} CASCADE", DENIED),
        ("drop what it owns", f"DROP OWNED BY {sa}", DENIED),
        ("drop its role", f"DROP ROLE {sa}", DENIED),
        ("create in public", "CREATE TABLE public.x (x int)", DENIED),
        ("create a schema", "CREATE SCHEMA x", DENIED),
        ("create a temporary table", "CREATE TEMP TABLE x (x int)", DENIED),
        ("SET ROLE to it", f"SET ROLE {sa}", DENIED),
        ("SET ROLE to the administrator", f"SET ROLE {admin}", DENIED),
        ("SET SESSION AUTHORIZATION", f"SET SESSION AUTHORIZATION {sa}", DENIED),
        ("create as the group", f"SET ROLE tentenc_{b.enclave}; CREATE TABLE public.x (x int)", DENIED),
        ("change its password", f"ALTER ROLE {sa} PASSWORD 'x'", DENIED),
        ("raise the own connection limit", f'ALTER ROLE "{b.user}" CONNECTION LIMIT 1000', DENIED),
        ("give itself CREATEDB", f'ALTER ROLE "{b.user}" CREATEDB', DENIED),
        ("give itself CREATEROLE", f'ALTER ROLE "{b.user}" CREATEROLE', DENIED),
        ("give itself SUPERUSER", f'ALTER ROLE "{b.user}" SUPERUSER', DENIED),
        ("create a role", "CREATE ROLE x", DENIED),
        ("grant its role to itself", f'GRANT {sa} TO "{b.user}"', DENIED),
        ("grant the own role to it", f'GRANT "{b.user}" TO {sa}', DENIED),
        ("grant the group to itself", f'GRANT tentenc_bank TO "{b.user}"; GRANT tentenc_shop TO "{b.user}"', DENIED),
        ("rename the own role", f'ALTER ROLE "{b.user}" RENAME TO x', "0A000"),
        ("rename the own schema", f'ALTER SCHEMA "{b.user}" RENAME TO x', DENIED),
        ("give the own schema away", f'ALTER SCHEMA "{b.user}" OWNER TO {sa}', DENIED),
        ("forge the own mark", f"COMMENT ON ROLE \"{b.user}\" IS 'tentc installation=other'", DENIED),
        ("forge its mark", f"COMMENT ON ROLE {sa} IS ''", DENIED),
        ("read pg_authid", "SELECT rolpassword FROM pg_authid", DENIED),
        ("read pg_shadow", "SELECT passwd FROM pg_shadow", DENIED),
        ("read a large object", f"SELECT lo_get({large})", DENIED),
        ("write a large object", f"SELECT lo_put({large}, 0, 'x')", DENIED),
        ("unlink a large object", f"SELECT lo_unlink({large})", DENIED),
        ("read a file", "SELECT pg_read_file('postgresql.conf')", DENIED),
        ("list a folder", "SELECT pg_ls_dir('.')", DENIED),
        ("copy from a file", f"CREATE TABLE \"{b.user}\".x (x text); COPY \"{b.user}\".x FROM '/etc/passwd'", DENIED),
        ("run a program", "COPY (SELECT 1) TO PROGRAM 'true'", DENIED),
        ("import a large object", "SELECT lo_import('/etc/passwd')", DENIED),
        ("read our locks", "SELECT * FROM tentc.lock", DENIED),
        ("hold our lock row", f"BEGIN; SELECT FROM tentc.lock WHERE name = '{a.user}' FOR UPDATE", DENIED),
        ("lock our table of locks", "BEGIN; LOCK TABLE tentc.lock", DENIED),
        ("end its session", f"SELECT pg_terminate_backend({pid})", DENIED),
        ("cancel its query", f"SELECT pg_cancel_backend({pid})", DENIED),
        ("ALTER SYSTEM", "ALTER SYSTEM SET log_statement = 'none'", DENIED),
        ("turn off the log", "SET log_statement = 'none'", DENIED),
        ("create a database", "CREATE DATABASE x", DENIED),
        ("alter the database", f"ALTER DATABASE {b.database} SET search_path = '{b.user}'", DENIED),
        ("create an extension", "CREATE EXTENSION pg_trgm", (DENIED, "0A000")),
        ("create an event trigger", "CREATE FUNCTION e() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';"
         "CREATE EVENT TRIGGER x ON ddl_command_start EXECUTE FUNCTION e()", DENIED),
        ("create a replication slot", "SELECT pg_create_physical_replication_slot('x')", DENIED),
        ("default privileges of it", f"ALTER DEFAULT PRIVILEGES FOR ROLE {sa} GRANT SELECT ON TABLES TO PUBLIC", DENIED),
        ("C (untrusted language)", "CREATE FUNCTION g() RETURNS int LANGUAGE c AS 'libc', 'getpid'", DENIED),
    ]
    for who, tenant in (("the same enclave", b), ("another enclave", c)):
        for what, sql, want in refusals:
            with report.case(f"{v}: attack from {who}: {what}"):
                got = tenant.state(sql.replace(f'"{b.user}"', f'"{tenant.user}"').replace(
                    f"tentenc_{b.enclave};", f"tentenc_{tenant.enclave};"))
                check(got in (want if isinstance(want, tuple) else (want,)), f"{got or 'not refused'}, want {want}")
    for database in ("postgres", "template1"):
        with report.case(f"{v}: attack: connect to {database}"):
            equal(b.state("SELECT 1", database), DENIED)
    with report.case(f"{v}: attack: see what others ask the server"):
        ask(with_a, "SELECT 'my own business'")
        equal(b.sql(f"SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%my own ' || 'business%'"), "0")
    with report.case(f"{v}: an advisory lock, all table locks of its own and a sleeping session stop nobody"):
        with_b = b.session()
        ask(with_b, f"BEGIN; SELECT pg_advisory_lock(hashtextextended('tentc:' || '{a.user}', 0))")
        ask(with_b, f"SELECT count(pg_advisory_lock(i)) FROM generate_series(1, 500) i; LOCK TABLE \"{b.user}\".t")
        for name in ("a", "b"):
            probe.fine("apply,verify,observe", "shop", name, 1)
        probe.fine("retain", "shop", "b", 1)
        with_b.kill()
        probe.fine("apply", "shop", "b", 1)
    with report.case(f"{v}: A's data is what it was"):
        a = Tenant(server, probe, "shop", "a", 1)
        equal(a.sql("SELECT count(*) FROM t"), "1")
        equal(server.sql(f"SELECT convert_from(lo_get({large}), 'UTF8')", database=a.database), "secret")
    drift(report, server, probe, v, Tenant(server, probe, "shop", "b", 1))
    for enclave, name in (("shop", "a"), ("shop", "b"), ("bank", "c")):
        probe.fine("destroy", enclave, name)
    for enclave in ("shop", "bank"):
        probe.fine("enclave-destroy", enclave)


def drift(report, server, probe, v, b):
    """What somebody changed is seen in words, and repaired."""
    user = f'"{b.user}"'
    changes = [
        ("its own password, by itself", lambda: b.sql(f"ALTER ROLE {user} PASSWORD 'my-own'"), None),
        ("its own search_path", lambda: b.sql(f"ALTER ROLE {user} IN DATABASE {b.database} SET search_path = public"),
         ['the role "tent_shop_b" has another search_path in the database']),
        ("its schema opened to A", lambda: b.sql(f'GRANT ALL ON SCHEMA {user} TO "tent_shop_a"'),
         ["opens its schema to tent_shop_a"]),
        ("its schema opened to PUBLIC", lambda: b.sql(f"GRANT USAGE ON SCHEMA {user} TO PUBLIC"),
         ["opens its schema to PUBLIC"]),
        ("its schema dropped, by itself", lambda: b.sql(f"DROP SCHEMA {user} CASCADE"),
         ['the role "tent_shop_b" has no schema']),
        ("member of another role", lambda: server.sql(f"CREATE ROLE other; SET ROLE tentc_admin; GRANT tent_shop_a TO "
                                                      f"{user}"), ["is a member of tent_shop_a"]),
        ("another role a member", lambda: server.sql(f"SET ROLE tentc_admin; GRANT {user} TO tent_shop_a"),
         ["tent_shop_a is a member of it"]),
        ("CREATEROLE", lambda: server.sql(f"ALTER ROLE {user} CREATEROLE"), ["has the attribute CREATEROLE"]),
        ("another connection limit", lambda: server.sql(f"ALTER ROLE {user} CONNECTION LIMIT -1"),
         ['the role "tent_shop_b" may have any number of connections, wanted are 20']),
        ("an end of its password", lambda: server.sql(f"ALTER ROLE {user} VALID UNTIL '2001-01-01'"),
         ['the role "tent_shop_b" is NOINHERIT, or its password expires']),
        ("out of the group", lambda: server.sql(f"REVOKE tentenc_shop FROM {user} CASCADE; SET ROLE tentc_admin; REVOKE "
                                                f"tentenc_shop FROM {user} CASCADE"),
         ['the role "tent_shop_b" is not in the group of its enclave',
          'the role "tent_shop_b" may not connect to the database']),
        ("the database opened to PUBLIC", lambda: server.sql(f"GRANT ALL ON DATABASE {b.database} TO PUBLIC"),
         ['the role "tent_shop_b" may create schemas, create temporary tables in the database']),
        ("a grant on the database", lambda: server.sql(f"SET ROLE tentc_admin; GRANT CREATE ON DATABASE {b.database} TO "
                                                       f"{user}"),
         ['the role "tent_shop_b" may create schemas in the database',
          f"has CREATE on the database {b.database}"]),
    ]
    for what, change, differs in changes:
        with report.case(f"{v}: drift: {what}"):
            before = server.dump()
            change()
            if differs is not None:
                run = probe.fine("observe", "shop", "b", 1)
                equal((run.state, run.differs), ("differs", differs))
            else:
                equal(probe("verify", "shop", "b", 1).status, 1)
            run = probe.fine("apply,verify,observe", "shop", "b", 1)
            equal((run.state, run.differs), ("applied", []))
            if "dropped" not in what and "member of another" not in what:
                equal(server.dump(), before)
    server.sql("DROP ROLE other")
    with report.case(f"{v}: drift that the administrator may not repair is an error that names it"):
        server.sql(f"ALTER ROLE {user} REPLICATION")
        run = probe("apply", "shop", "b", 1)
        equal(run.status, 2)
        contains(run.error.lower(), "replication")
        contains(run.error, "(42501)")
        server.sql(f"ALTER ROLE {user} NOREPLICATION")


def foreign(report, server, build, folder, probe, v):
    other = make_probe(build, folder, server, installation="other")
    with report.case(f"{v}: another installation's role: refused by every operation, never altered"):
        probe.fine("apply", "shop", "mine")
        before = server.dump()
        for operation in ("apply", "retain", "destroy"):
            run = other(operation, "shop", "mine")
            equal((run.status, run.steps), (3, []))
            contains(run.error, 'was made by the installation "default", this one is "other"')
        equal(other.fine("observe", "shop", "mine").state, "foreign")
        check("tentacle" not in other.fine("observe-all", "shop").output, "observe-all tells of it")
        equal(server.dump(), before)
        probe.fine("destroy", "shop", "mine")
    with report.case(f"{v}: somebody's role, somebody's schema: refused, never altered"):
        server.sql("CREATE ROLE tent_shop_alice; CREATE ROLE bob")
        server.sql("CREATE SCHEMA tent_shop_bob AUTHORIZATION bob", database="tentacular")
        before = server.dump()
        for name, why in (("alice", 'the role "tent_shop_alice" was not made by tentc'),
                          ("bob", 'the schema "tent_shop_bob" belongs to "bob"')):
            for operation in ("apply", "retain", "destroy"):
                run = probe(operation, "shop", name)
                equal(run.status, 3)
                contains(run.error, why)
            equal(probe.fine("observe", "shop", name).differs, [why])
        equal(server.dump(), before)
        server.sql("DROP SCHEMA tent_shop_bob", database="tentacular")
        server.sql("DROP ROLE tent_shop_alice, bob")
    with report.case(f"{v}: somebody's group, and somebody's tentc.lock: refused"):
        server.sql("CREATE ROLE tentenc_club")
        run = probe("apply", "club", "x")
        equal(run.status, 3)
        contains(run.error, "the role tentenc_club is not of this installation")
        server.sql("DROP ROLE tentenc_club; CREATE ROLE bob")
        server.sql("ALTER SCHEMA tentc OWNER TO bob", database="tentacular")
        run = probe("apply", "club", "x")
        equal(run.status, 3)
        contains(run.error, 'the schema tentc of database "tentacular" belongs to "bob"')
        server.sql("ALTER SCHEMA tentc OWNER TO tentc_admin; DROP ROLE bob", database="tentacular")
    with report.case(f"{v}: objects in another database: the role stays, and the error says where they are"):
        probe.fine("apply", "shop", "far")
        server.sql("CREATE DATABASE far")
        server.sql('CREATE TABLE t (x int); ALTER TABLE t OWNER TO "tent_shop_far"', database="far")
        run = probe("destroy", "shop", "far")
        equal(run.status, 3)
        contains(run.error, "1 object in database far")
        server.sql("DROP DATABASE far")
        probe.fine("destroy", "shop", "far")
        probe.fine("enclave-destroy", "shop")


def own_databases(report, server, build, folder, v):
    probe = make_probe(build, folder, server, database="tentacles-{enclave}", more="")
    database = "tentacles-shop"
    with report.case(f"{v}: a database for each enclave: made, closed to the other"):
        for enclave in ("shop", "bank"):
            probe.fine("enclave-apply", enclave)
            equal(probe.fine("enclave-apply", enclave).steps, [])
            run = probe.fine("apply,verify,observe", enclave, "web")
            equal((run.state, run.steps), ("applied", ["create role tent_%s_web" % enclave]))
        shop, bank = Tenant(server, probe, "shop", "web"), Tenant(server, probe, "bank", "web")
        equal(shop.database, database)
        shop.sql("CREATE TABLE t (x int)")
        equal(bank.state("SELECT 1", database), DENIED)
        equal(bank.sql("SELECT count(*) FROM pg_tables WHERE tablename = 't'"), "0")
        equal(shop.state("CREATE TABLE public.x (x int)"), DENIED)
    with report.case(f"{v}: observe-all looks into each of them"):
        lines = [line for line in probe.fine("observe-all", "shop", "web").lines if line.startswith("tentacle")]
        equal(sorted(lines), ["tentacle bank/web applied 0", "tentacle shop/web applied 0"])
    with report.case(f"{v}: a database that somebody else made is refused"):
        server.sql('CREATE DATABASE "tentacles-club"')
        run = probe("enclave-apply", "club")
        equal(run.status, 3)
        contains(run.error, "is not of this installation")
        server.sql('DROP DATABASE "tentacles-club"')
    with report.case(f"{v}: without its database the role is still found"):
        server.sql(f'DROP DATABASE "{database}" WITH (FORCE)')
        run = probe.fine("observe", "shop", "web")
        equal(run.state, "differs")
        contains(run.differs[-1], f'the database "{database}" does not exist')
        probe.fine("retain", "shop", "web")
        probe.fine("apply,verify", "shop", "web")
        server.sql(f'DROP DATABASE "{database}" WITH (FORCE)')
        probe.fine("destroy", "shop", "web")
        equal(probe.fine("observe", "shop", "web").state, "absent")
    with report.case(f"{v}: an enclave's database goes with it"):
        equal(probe("enclave-destroy", "bank").status, 3)
        probe.fine("destroy", "bank", "web")
        probe.fine("enclave-destroy", "bank")
        probe.fine("enclave-destroy", "shop")
        equal(server.sql("SELECT count(*) FROM pg_database WHERE datname LIKE 'tentacles%'"), "0")
        equal(server.sql("SELECT count(*) FROM pg_roles WHERE rolname LIKE 'tentenc%'"), "0")


def doctor(report, server, build, folder, probe, v):
    with report.case(f"{v}: probe: nothing to complain about after the bootstrap"):
        run = probe.fine("probe")
        equal(run.complaints, [])
        contains(run.output, f"version PostgreSQL {v}")
    with report.case(f"{v}: the administrator of all that follows is no superuser, and in no other role"):
        equal(server.sql("SELECT rolsuper, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls, (SELECT count(*) FROM "
                         "pg_auth_members WHERE member = r.oid) FROM pg_roles r WHERE rolname = 'tentc_admin'"),
              "f|t|f|f|f|0")
        admin = "tentc_admin", ADMIN_PASSWORD, "tentacular"
        for sql in ("SELECT rolpassword FROM pg_authid", "COPY (SELECT 1) TO PROGRAM 'true'", "ALTER ROLE postgres PASSWORD 'x'",
                    "SELECT pg_read_file('postgresql.conf')", "CREATE ROLE x SUPERUSER", "ALTER SYSTEM SET work_mem = 1"):
            equal(sqlstate(server.psql(sql, *admin)[2]), DENIED, sql)
        # What CREATEROLE is worth up to 15, as docs/postgres.md says: a way to a shell of the server's account.
        shell = sqlstate(server.psql("GRANT pg_execute_server_program TO CURRENT_USER", *admin)[2])
        equal(shell, "" if int(v) < 16 else DENIED, "GRANT pg_execute_server_program")
        if not shell:
            server.sql("REVOKE pg_execute_server_program FROM tentc_admin")
    with report.case(f"{v}: probe: what the bootstrap did is missed where it was undone"):
        server.sql("GRANT CONNECT ON DATABASE postgres, template1 TO PUBLIC; ALTER ROLE tentc_admin NOCREATEROLE")
        server.sql("GRANT CREATE ON SCHEMA public TO PUBLIC; GRANT USAGE ON SCHEMA tentc TO PUBLIC",
                   database="tentacular")
        run = probe.fine("probe")
        for words in ('"tentc_admin" may not create roles; have a DBA run', "may connect to postgres, template1, tentacles "
                      "too", "others may use the schema tentc", "may create in the schema public"):
            check(any(words in c for c in run.complaints), f"no {words!r} in {run.complaints}")
        server.sql("REVOKE CONNECT ON DATABASE postgres, template1 FROM PUBLIC; ALTER ROLE tentc_admin CREATEROLE")
        server.sql("REVOKE ALL ON SCHEMA public FROM PUBLIC; REVOKE ALL ON SCHEMA tentc FROM PUBLIC",
                   database="tentacular")
        equal(probe.fine("probe").complaints, [])
    with report.case(f"{v}: a server that asks for no password is found out"):
        probe.fine("apply", "shop", "trusted")
        hba = os.path.join(server.data, "pg_hba.conf")
        was = open(hba).read()
        with open(hba, "w") as f:
            f.write("host tentacular all 127.0.0.1/32 trust\n" + was)
        server.sql("SELECT pg_reload_conf()")
        run = until(lambda: (lambda r: r if r.status else None)(probe("verify", "shop", "trusted")), 5, "trust is refused")
        contains(run.error, "without a password, so everybody is every tentacle")
        with open(hba, "w") as f:
            f.write(was)
        server.sql("SELECT pg_reload_conf()")
        probe.fine("destroy", "shop", "trusted")
    with report.case(f"{v}: all connections in use: the password was right all the same"):
        few = make_probe(build, folder, server, more="limits: {connections: 2}, ")
        few.fine("apply", "shop", "busy")
        tenant = Tenant(server, few, "shop", "busy")
        sessions = [tenant.session() for _ in range(2)]
        for session in sessions:
            ask(session, "SELECT 1")
        equal(tenant.state("SELECT 1"), "53300")
        few.fine("verify", "shop", "busy")
        few.fine("retain,apply,destroy", "shop", "busy")
        few.fine("enclave-destroy", "shop")
    with report.case(f"{v}: long names"):
        name, enclave = "n" * 63, "e" * 63
        probe.fine("apply,verify", enclave, name)
        equal(Tenant(server, probe, enclave, name).sql("SELECT length(current_user), current_schema() = current_user"),
              "63|t")
        probe.fine("destroy", enclave, name)
        probe.fine("enclave-destroy", enclave)


def secrets(report, server, probe, seen, v):
    """The true values, in all that was written or could be read."""
    values = [ADMIN_PASSWORD] + [probe.secret(enclave, name, epoch)["tentacular-postgres.password"]
                                 for enclave, name, epoch in (("shop", "web", 0), ("shop", "web", 1), ("shop", "a", 0),
                                                              ("shop", "b", 1), ("bank", "c", 0))]
    with report.case(f"{v}: no password in the server's log (log_statement = all)"):
        log = server.log_text()
        contains(log, "ALTER ROLE", "the log")
        contains(log, "SCRAM-SHA-256$4096:", "the log")
        for value in values:
            check(value not in log, "a password stands in the server's log")
    with report.case(f"{v}: no password in a command line"):
        check(any("registrar_probe" in line for line in seen), "no command line was read")
        for value in values:
            check(not any(value in line for line in seen), "a password stands in a command line")


def main():
    build, report = os.path.abspath(sys.argv[1]), Report()
    for version, why in postgres_server.reasons().items():
        report.skip(f"PostgreSQL {version}", why)
    for v in postgres_server.versions():
        folder = tempfile.mkdtemp(prefix="tentc-probe-")
        try:
            with Server(v) as server, CommandLines() as lines:
                server.bootstrap(os.path.join(build, "tentc"))
                probe = make_probe(build, folder, server)
                doctor(report, server, build, folder, probe, v)
                life(report, server, probe, v)
                attacks(report, server, probe, v)
                foreign(report, server, build, folder, probe, v)
                server.sql("ALTER ROLE tentc_admin CREATEDB; GRANT CONNECT ON DATABASE postgres TO tentc_admin")
                own_databases(report, server, build, folder, v)
                secrets(report, server, probe, lines.seen, v)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    return report.end()


if __name__ == "__main__":
    sys.exit(main())
