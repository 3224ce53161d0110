"""Registering in PostgreSQL on a server that only reads, on one whose disk is full, and on one that is killed between the
steps."""

import os
import shutil
import signal
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import fake_disk  # noqa: E402
import postgres_server  # noqa: E402
from postgres_server import ADMIN_PASSWORD, Server  # noqa: E402
from test_postgres import Tenant, everything, make_probe  # noqa: E402
from report import Report, check, contains, equal, until  # noqa: E402

RETRY = 5
WEB = ("shop", "web")
ALL = ("probe", "observe", "observe-all", "apply", "verify", "retain", "destroy", "enclave-apply", "enclave-destroy")


# --- a server that only reads ----------------------------------------------------------------------------------------

def refused_read_only(probe):
    for operation in ALL:
        run = probe(operation, *WEB, seconds=3)
        equal((run.status, run.steps), (RETRY, []), f"{operation}: {run.output}")
        contains(run.error, "the server is read-only (25006); point services.postgres.admin.host to the primary, or "
                            "wait", operation)


def standby(report, server, probe, v):
    with report.case(f"{v}: fault: default_transaction_read_only: every operation says so, the next one works"):
        probe.fine("apply,verify", *WEB)
        server.sql("ALTER SYSTEM SET default_transaction_read_only = on; SELECT pg_reload_conf()")
        until(lambda: server.sql("SHOW default_transaction_read_only") == "on", 10, "it is on")
        refused_read_only(probe)
        server.sql("SET default_transaction_read_only = off; ALTER SYSTEM RESET default_transaction_read_only")
        server.sql("SELECT pg_reload_conf()")
        until(lambda: server.sql("SHOW default_transaction_read_only") == "off", 10, "it is off")
        probe.fine("apply,verify,retain,destroy", *WEB)
    with report.case(f"{v}: fault: a hot standby: every operation says so; promoted, it is served"):
        probe.fine("apply,verify", *WEB)
        server.stop()
        with open(os.path.join(server.data, "standby.signal"), "w"):
            pass
        if os.geteuid() == 0:
            shutil.chown(os.path.join(server.data, "standby.signal"), "nobody")
        server.start()
        equal(server.sql("SELECT pg_is_in_recovery()"), "t")
        refused_read_only(probe)
        equal(server.sql("SELECT pg_promote()"), "t")
        probe.fine("apply,verify", *WEB, epoch=1)
        probe.fine("retain,apply,destroy", *WEB, epoch=1)
    with report.case(f"{v}: fault: it becomes read-only between the steps: no success, and then it works"):
        process = probe.start("apply", *WEB, stop_at=1)
        reach(process, 1)
        server.sql("ALTER DATABASE tentacular SET default_transaction_read_only = on")
        # as after a failover: the session that there was is gone
        server.sql("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = 'tentc'")
        run = probe.end(process, send="go\n")
        equal(run.status, RETRY, run.output)
        equal(probe("apply", *WEB).status, RETRY)
        server.sql("ALTER DATABASE tentacular RESET default_transaction_read_only")
        probe.fine("apply,verify,destroy", *WEB)


# --- a disk that is full ---------------------------------------------------------------------------------------------

def full_disk(report, build, folder, v):
    why = fake_disk.reason()
    if why:
        report.skip(f"{v}: fault: a full disk", why)
        return
    with Server(v, settings={"wal_recycle": "off", "max_wal_size": "'64MB'", "log_statement": "'none'",
                             "log_min_messages": "'warning'"}) as server:
        # its data moves to the small disk, its log stays
        server.stop()
        data = server.data
        os.rename(data, data + ".big")
        os.mkdir(data)
        with fake_disk.Disk(data, megabytes=256) as disk:
            shutil.copytree(data + ".big", os.path.join(data, "pg"), copy_function=shutil.copy2)
            server.data = os.path.join(data, "pg")
            if os.geteuid() == 0:
                for path, folders, files in os.walk(data):
                    for name in [""] + files:
                        shutil.chown(os.path.join(path, name), "nobody")
            os.chmod(server.data, 0o700)
            server.start()
            try:
                out_of_room(report, server, make_probe(bootstrapped(build, server), folder, server), disk, v)
            finally:
                server.stop(signal.SIGQUIT)


def bootstrapped(build, server):
    server.bootstrap(os.path.join(build, "tentc"))
    return build


def out_of_room(report, server, probe, disk, v):
    with report.case(f"{v}: fault: the disk is full: said, no wrong success, and with room again all of it works"):
        probe.fine("apply,verify", *WEB)
        a = Tenant(server, probe, *WEB)
        a.sql("CREATE TABLE t AS SELECT 1 AS x")
        server.sql("CHECKPOINT")
        disk.fill()
        # Many: the pages of the catalogues have room for some.
        run = probe("apply", "shop", "t", count=400, timeout=300)
        equal(run.status, RETRY, run.output)
        check("the server's disk is full (53100); make room, then try again" in run.error, run.error)
        check(ADMIN_PASSWORD not in run.output, "the password stands in the error")
        seen = probe("observe", *WEB)
        check(seen.status == RETRY or seen.state == "applied", seen.output)
        disk.room()
        until(lambda: probe("observe", *WEB).status == 0, 30, "the server answers")
        probe.fine("apply", "shop", "t", count=400, timeout=300)
        run = probe.fine("observe-all", "shop", "t", count=400, timeout=60)
        contains(run.output, "all applied 401")
        for n in (0, 1, 57, 399):
            probe.fine("verify", "shop", f"t-{n}")
        equal(a.sql("SELECT x FROM t"), "1")
    with report.case(f"{v}: fault: the disk is full: retain and destroy end, one way or the other, and then work"):
        everything(server, a)
        server.sql(f'REVOKE ALL ON SCHEMA elsewhere FROM "{a.user}"', database=a.database)
        disk.fill()
        for operation, state in (("retain", "retained"), ("destroy", "absent")):
            run = probe(operation, *WEB, timeout=60)
            check(run.status in (0, RETRY), run.output)
            check(run.status == 0 or "(53100)" in run.error or "try again" in run.error, run.error)
            if run.status == 0:
                equal(probe.fine("observe", *WEB).state, state)
        disk.room()
        until(lambda: probe("observe", *WEB).status == 0, 30, "the server answers")
        probe.fine("destroy", *WEB)
        equal(probe.fine("observe", *WEB).state, "absent")
        probe.fine("destroy", "shop", "t", count=400, timeout=300)


# --- a server that is killed -----------------------------------------------------------------------------------------

def reach(process, n):
    until(lambda: any(line.startswith(f"step {n} ") for line in iter(process.stdout.readline, "")), 10, f"step {n}")


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children") as f:
        return [int(word) for word in f.read().split()]


def kill(server):
    """All of it at once, as a machine that goes down does."""
    pids = [server.process.pid, *children(server.process.pid)]
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    server.process.wait(20)
    until(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in pids), 20, "all of it is gone")


def killed_server(report, server, probe, v):
    """Before step n of each operation the server is killed; it comes back before, or only after, the run goes on."""
    before = {"apply": (), "rotation": ("apply",), "retain": ("apply",), "destroy": ("apply",)}
    for name, operation, epoch in (("apply", "apply", 0), ("rotation", "apply", 1), ("retain", "retain", 0),
                                   ("destroy", "destroy", 0)):
        with report.case(f"{v}: fault: the server is killed (-9) before every step: {name}"):
            probe.fine("destroy", *WEB)
            probe.fine("enclave-destroy", "shop")
            for first in before[name]:
                probe.fine(first, *WEB, 0)
            steps = len(probe.fine(operation, *WEB, epoch).steps)
            want = server.dump()
            check(steps > 0, "no step was taken")
            for n in range(1, steps + 1):
                for away in (False, True):
                    probe.fine("destroy", *WEB)
                    probe.fine("enclave-destroy", "shop")
                    for first in before[name]:
                        probe.fine(first, *WEB, 0)
                    process = probe.start(operation, *WEB, epoch, stop_at=n, seconds=3)
                    reach(process, n)
                    kill(server)
                    if not away:
                        server.start()
                    begun = time.monotonic()
                    run = probe.end(process, send="go\n")
                    check(time.monotonic() - begun < 20, "the run took too long")
                    equal(run.status, RETRY, f"step {n} of {steps}: {run.output}")
                    check(away or "try again" in run.error or "terminat" in run.error or "lost" in run.error or
                          "closed" in run.error, run.error)
                    if away:
                        equal(probe(operation, *WEB, epoch, seconds=2).status, RETRY)
                        server.start()
                    probe.fine(operation, *WEB, epoch)
                    equal(server.dump(), want, f"after step {n} of {steps}")
                    if operation == "apply":
                        probe.fine("verify", *WEB, epoch)
    probe.fine("destroy", *WEB)
    probe.fine("enclave-destroy", "shop")


def main():
    build, report = os.path.abspath(sys.argv[1]), Report()
    fake_disk.reason()
    for version, why in postgres_server.reasons().items():
        report.skip(f"PostgreSQL {version}", why)
    for v in postgres_server.versions():
        folder = tempfile.mkdtemp(prefix="tentc-probe-")
        try:
            # what it has said is done has to be so after a kill
            with Server(v, settings={"synchronous_commit": "on"}) as server:
                server.bootstrap(os.path.join(build, "tentc"))
                probe = make_probe(build, folder, server)
                standby(report, server, probe, v)
                killed_server(report, server, probe, v)
            full_disk(report, build, folder, v)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    return report.end()


if __name__ == "__main__":
    sys.exit(main())
