"""Registering in PostgreSQL when everything goes wrong: killed at every step, twice at once, and with servers that
refuse, hang, close, lie, are read-only, full, or start anew in the middle."""

import os
import random
import shutil
import signal
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import fake_postgres as fake  # noqa: E402
import postgres_server  # noqa: E402
from fake_postgres import Listener  # noqa: E402
from postgres_server import ADMIN_PASSWORD, Server  # noqa: E402
from registrar import Probe  # noqa: E402
from report import Report, check, contains, equal, until  # noqa: E402
from test_postgres import Tenant, ask, everything, make_probe, settings  # noqa: E402

RETRY = 5


def rid(server, probe):
    """Back to the server of after the bootstrap."""
    for enclave in ("shop", "bank"):
        for name in ("web", "web-0", "web-1"):
            probe.fine("destroy", enclave, name)
        probe.fine("enclave-destroy", enclave)
    server.sql("DROP SCHEMA IF EXISTS elsewhere CASCADE", database="tentacular")


def fill(server, probe):
    tenant = Tenant(server, probe, "shop", "web")
    everything(server, tenant)
    server.sql(f'REVOKE ALL ON SCHEMA elsewhere FROM "{tenant.user}"', database=tenant.database)


# name, what is there before, the operation, its epoch
OPERATIONS = [
    ("enclave-apply", None, "enclave-apply", None),
    ("apply", None, "apply", 0),
    ("rotation", lambda s, p: p.fine("apply", "shop", "web", 0), "apply", 1),
    ("repair", lambda s, p: (p.fine("apply", "shop", "web", 0),
                             s.sql("ALTER ROLE tent_shop_web CREATEDB NOINHERIT CONNECTION LIMIT 1")), "apply", 0),
    ("retain", lambda s, p: p.fine("apply", "shop", "web", 0), "retain", 0),
    ("apply after retain", lambda s, p: p.fine("apply,retain", "shop", "web", 0), "apply", 0),
    ("destroy", lambda s, p: (p.fine("apply", "shop", "web", 0), fill(s, p)), "destroy", 0),
    ("enclave-destroy", lambda s, p: p.fine("apply,destroy", "shop", "web", 0), "enclave-destroy", None),
]


def words(operation, epoch):
    return (operation, "shop") + (("web", epoch) if epoch is not None else ())


def killed_at_every_step(report, server, probe, v, mode, databases, moments):
    for name, before, operation, epoch in OPERATIONS:
        with report.case(f"{v}: {mode}: {name}: killed at every step, then run once more"):
            rid(server, probe)
            if before:
                before(server, probe)
            steps = len(probe.fine(*words(operation, epoch)).steps)
            want = server.dump(databases)
            check(steps > 0, "no step was taken")
            for n in range(1, steps + 1):
                rid(server, probe)
                if before:
                    before(server, probe)
                run = probe(*words(operation, epoch), kill_at=n)
                check(run.killed, f"was not killed at step {n}: {run.output}")
                probe.fine(*words(operation, epoch))
                equal(server.dump(databases), want, f"after a kill at step {n} of {steps}")
                if operation == "apply":
                    probe.fine("verify", "shop", "web", epoch)
    with report.case(f"{v}: {mode}: killed at any moment of each operation, then run once more"):
        chance = random.Random(7)
        for name, before, operation, epoch in OPERATIONS:
            rid(server, probe)
            if before:
                before(server, probe)
            probe.fine(*words(operation, epoch))
            want = server.dump(databases)
            for _ in range(moments):
                rid(server, probe)
                if before:
                    before(server, probe)
                process = probe.start(*words(operation, epoch))
                time.sleep(chance.uniform(0.005, 0.08))
                process.kill()
                probe.end(process)
                # what the dead session had sent is still being done; the lock keeps the next run from it
                probe.fine(*words(operation, epoch))
                until(lambda: server.sql("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'tentc'") == "0",
                      5, "the dead sessions end")
                equal(server.dump(databases), want, f"after a kill in {name}")
    rid(server, probe)


def at_once(report, server, probe, v, mode, rounds):
    def together(*commands, fine=(0,)):
        runs = [probe.end(p) for p in [probe.start(*c) for c in commands]]
        for run in runs:
            check(run.status in fine, f"status {run.status}: {run.output}")

    with report.case(f"{v}: {mode}: two that apply the same at once, {rounds} times, the enclave new each time"):
        for _ in range(rounds):
            together(("apply", "shop", "web"), ("apply", "shop", "web"))
            probe.fine("verify", "shop", "web")
            equal(probe.fine("observe", "shop", "web").state, "applied")
            together(("destroy", "shop", "web"), ("destroy", "shop", "web"))
            equal(probe.fine("observe", "shop", "web").state, "absent")
            together(("enclave-destroy", "shop"), ("enclave-destroy", "shop"))
    with report.case(f"{v}: {mode}: four at once, of two enclaves, {rounds // 5} times"):
        for _ in range(rounds // 5):
            together(*(("apply", enclave, name) for enclave in ("shop", "bank") for name in ("web-0", "web-1")))
            for enclave in ("shop", "bank"):
                for name in ("web-0", "web-1"):
                    probe.fine("verify", enclave, name)
            together(*(("destroy", enclave, name) for enclave in ("shop", "bank") for name in ("web-0", "web-1")))
            for enclave in ("shop", "bank"):
                probe.fine("enclave-destroy", enclave)
    with report.case(f"{v}: {mode}: retain and apply at once end in one of the two states"):
        probe.fine("apply", "shop", "web")
        for _ in range(5):
            # one that finds the other's work in place of its own says "try again"
            together(("apply", "shop", "web", 1), ("retain", "shop", "web", 1), fine=(0, RETRY))
            check(probe.fine("observe", "shop", "web", 1).state in ("applied", "retained"), "neither")
        probe.fine("apply,verify,destroy", "shop", "web", 1)
        probe.fine("enclave-destroy", "shop")


class At:
    """settings() for a listener in place of the server."""

    def __init__(self, server, port):
        self.port, self.folder = port, server.folder


def no_server(report, server, build, folder, v):
    """Nothing there speaks the protocol: every operation ends in time, as one that may be retried."""
    faults = [
        ("nobody listens", None, "onnection refused"),
        ("hangs after accept", fake.hang, "no answer in time"),
        ("closes at once", fake.hang_up, "server closed the connection"),
        ("answers garbage", fake.garbage, ""),
        ("is a web server", fake.web_server, ""),
        ("a message of 1 GiB that does not come", fake.refuse_encryption_then(fake.huge_message), ""),
        ("hangs after its first byte", fake.refuse_encryption_then(fake.hang), "no answer in time"),
        ("parameters for ever", fake.refuse_encryption_then(fake.endless), "no answer in time"),
    ]
    for what, behave, words_of_error in faults:
        with report.case(f"{v}: fault: {what}"):
            with Listener(behave or fake.hang) as listener:
                port = listener.port
                if not behave:
                    listener.__exit__()
                probe = Probe(build, folder, "postgres", settings(At(server, port)))
                for operation in ("apply", "observe", "retain", "destroy", "probe", "verify", "enclave-apply"):
                    run = probe(operation, "shop", "web", seconds=1, timeout=20)
                    equal((run.status, run.steps), (RETRY, []), f"{operation}: {run.output}")
                    check(run.seconds < 20, f"{operation} took {run.seconds:.1f} s with a limit of 1 s")
                    contains(run.error, words_of_error)
                    check(ADMIN_PASSWORD not in run.output, "the password stands in the error")
    with report.case(f"{v}: fault: a name that does not resolve"):
        probe = Probe(build, folder, "postgres", settings(At(server, 1), host="nowhere.invalid"))
        run = probe("apply", "shop", "web", seconds=2)
        equal(run.status, RETRY)
        check(run.seconds < 20, f"took {run.seconds:.1f} s")
        contains(run.error, 'the name "nowhere.invalid"')


def broken_pipe(report, server, build, folder, probe, v):
    """The real server through a pipe that is cut, or stalls, after every so many bytes: never a wrong success."""
    for then in ("cut", "stall"):
        with report.case(f"{v}: fault: the connection is {then} after so many bytes of its answers"):
            rid(server, probe)
            refused = 0
            for allowance in list(range(1, 2400, 97 if then == "cut" else 331)):
                with Listener(fake.pipe(server.port, allowance, then)) as listener:
                    broken = Probe(build, folder, "postgres", settings(At(server, listener.port)))
                    run = broken("apply", "shop", "web", seconds=1, timeout=20)
                    check(run.status in (0, RETRY), run.output)
                    check(run.seconds < 20, f"took {run.seconds:.1f} s")
                    refused += run.status == RETRY
                    if run.status == 0:
                        equal(probe.fine("observe", "shop", "web").state, "applied")
                probe.fine("apply,verify,destroy", "shop", "web")
            check(refused > 4, f"only {refused} were broken")


def restarts(report, server, probe, v):
    with report.case(f"{v}: fault: restarted between the steps of apply and of destroy"):
        rid(server, probe)
        for operation, count in (("apply", 2), ("destroy", 4)):
            for n in range(1, count + 1):
                rid(server, probe)
                if operation == "destroy":
                    probe.fine("apply", "shop", "web")
                process = probe.start(operation, "shop", "web", stop_at=n)
                until(lambda: any(line.startswith(f"step {n} ") for line in iter(process.stdout.readline, "")), 10,
                      f"step {n}")
                server.restart()
                run = probe.end(process, send="go\n")
                check(run.status in (0, RETRY), run.output)
                check(operation == "destroy" or run.status == RETRY, "apply went through a session that was gone")
                probe.fine(operation, "shop", "web")
                equal(probe.fine("observe", "shop", "web").state, "absent" if operation == "destroy" else "applied")
    with report.case(f"{v}: fault: the server crashes in the middle (SIGQUIT), and recovers"):
        rid(server, probe)
        process = probe.start("apply", "shop", "web", stop_at=2)
        until(lambda: any(line.startswith("step 2 ") for line in iter(process.stdout.readline, "")), 10, "step 2")
        server.restart(signal.SIGQUIT)
        equal(probe.end(process, send="go\n").status, RETRY)
        probe.fine("apply,verify", "shop", "web")


def limits(report, server, build, folder, probe, v):
    with report.case(f"{v}: fault: read-only"):
        rid(server, probe)
        server.sql("ALTER SYSTEM SET default_transaction_read_only = on; SELECT pg_reload_conf()")
        run = until(lambda: (lambda r: r if r.status else None)(probe("apply", "shop", "web")), 10, "read-only is refused")
        equal(run.status, RETRY)
        contains(run.error, "read-only")
        server.sql("SET default_transaction_read_only = off; ALTER SYSTEM RESET default_transaction_read_only")
        server.sql("SELECT pg_reload_conf()")
        until(lambda: probe("apply,verify", "shop", "web").status == 0, 10, "works again")
    with report.case(f"{v}: fault: no connection left"):
        room = int(server.sql("SELECT current_setting('max_connections')::int - "
                              "current_setting('superuser_reserved_connections')::int - "
                              "coalesce(current_setting('reserved_connections', true)::int, 0)"))
        server.sql("CREATE ROLE crowd LOGIN PASSWORD 'crowd'; GRANT CONNECT ON DATABASE postgres TO crowd")
        sessions = [server.session("crowd", "crowd", "postgres") for _ in range(room)]
        for session in sessions:
            ask(session, "SELECT 1")
        try:
            run = probe("apply", "shop", "web", 1)
            equal(run.status, RETRY)
            contains(run.error, "the server has no connection left (53300)")
        finally:
            for session in sessions:
                session.kill()
                session.wait()
        until(lambda: probe("apply,verify", "shop", "web", 1).status == 0, 10, "works again")
        server.sql("REVOKE ALL ON DATABASE postgres FROM crowd; DROP ROLE crowd")
    with report.case(f"{v}: fault: somebody with the right to it holds the lock's row: no hang, then it works"):
        holder = server.session("tentc_admin", ADMIN_PASSWORD, "tentacular")
        ask(holder, "BEGIN; SELECT name FROM tentc.lock WHERE name = 'tent_shop_web' FOR UPDATE")
        run = probe("apply", "shop", "web", 2, seconds=2)
        equal(run.status, RETRY)
        contains(run.error, "a lock was not free in time")
        check(run.seconds < 20, f"took {run.seconds:.1f} s")
        holder.kill()
        holder.wait()
        until(lambda: probe("apply,verify", "shop", "web", 2).status == 0, 10, "works again")
        probe.fine("destroy", "shop", "web", 2)
    with report.case(f"{v}: fault: the administrator's password is wrong, its role is gone, there is none"):
        bad = make_probe(build, folder, server, environment={"TENTACULAR_POSTGRES_ADMIN_PASSWORD": "wrong-secret"})
        run = bad("apply", "shop", "web")
        equal(run.status, 2)
        contains(run.error, "the server refused the administrator's password (28P01); look at services.postgres.admin")
        check("wrong-secret" not in run.output, "the password stands in the error")
        bad = make_probe(build, folder, server, environment={"TENTACULAR_POSTGRES_ADMIN_USER": "nobody-there"})
        equal(bad("apply", "shop", "web").status, 2)
        os.unlink(os.path.join(server.folder, "admin-password"))
        run = probe("apply", "shop", "web")
        equal(run.status, 2)
        contains(run.error, "services.postgres.admin.passwordFile: cannot read")
        make_probe(build, folder, server)


def encrypted(report, build, folder, v):
    def tls(server, mode, ca, host="localhost"):
        text = ca.replace("\n", "\\n")
        return make_probe(build, folder, server, host=host, more=f'tls: {{mode: {mode}, ca: "{text}"}}, ')

    with Server(v, tls=True) as server, Server(v, tls=True) as other:
        server.bootstrap(os.path.join(build, "tentc"))
        with report.case(f"{v}: TLS: verify-full with the right CA and name; require; the certificate is looked at"):
            make_probe(build, folder, server)
            tls(server, "verify-full", server.ca()).fine("apply,verify", "shop", "web")
            tls(server, "require", server.ca()).fine("verify", "shop", "web")
            make_probe(build, folder, server, more="tls: {mode: require}, ").fine("verify", "shop", "web")
            equal(server.sql("SELECT count(*) > 0 FROM pg_stat_ssl WHERE ssl"), "t")
            for probe, why in ((tls(server, "verify-full", other.ca()), "certificate verify failed"),
                               (tls(server, "verify-full", server.ca(), "127.0.0.1"), "does not match host name"),
                               (make_probe(build, folder, server, more="tls: {mode: verify-full}, ", host="localhost"),
                                "certificate verify failed")):
                run = probe("verify", "shop", "web")
                equal(run.status, RETRY)
                contains(run.error, why)
    with Server(v) as plain:
        plain.bootstrap(os.path.join(build, "tentc"))
        with report.case(f"{v}: TLS: a server without it is refused, and gets no password"):
            run = make_probe(build, folder, plain, more="tls: {mode: require}, ")("apply", "shop", "web")
            equal(run.status, RETRY)
            contains(run.error, "server does not support SSL")


def main():
    build, report = os.path.abspath(sys.argv[1]), Report()
    for version, why in postgres_server.reasons().items():
        report.skip(f"PostgreSQL {version}", why)
    for v in postgres_server.versions():
        folder = tempfile.mkdtemp(prefix="tentc-probe-")
        try:
            with Server(v, settings={"max_connections": "30"}) as server:
                server.bootstrap(os.path.join(build, "tentc"))
                server.sql("ALTER ROLE tentc_admin CREATEDB; GRANT CONNECT ON DATABASE postgres TO tentc_admin")
                shared = make_probe(build, folder, server)
                own = make_probe(build, folder, server, database="own-{enclave}")
                killed_at_every_step(report, server, shared, v, "one database", ("tentacular",), 5)
                at_once(report, server, shared, v, "one database", 20)
                # CREATE DATABASE takes its time
                killed_at_every_step(report, server, own, v, "a database each", ("tentacular", "own-shop"), 1)
                at_once(report, server, own, v, "a database each", 10)
                no_server(report, server, build, folder, v)
                broken_pipe(report, server, build, folder, shared, v)
                restarts(report, server, shared, v)
                limits(report, server, build, folder, shared, v)
            if v in postgres_server.BUNDLED:
                report.skip(f"{v}: TLS", "that server is built without it")
            else:
                encrypted(report, build, folder, v)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    return report.end()


if __name__ == "__main__":
    sys.exit(main())
