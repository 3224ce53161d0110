"""What a tentacle feels in PostgreSQL when its credential's epoch is raised: open sessions, transactions in the middle, new
logins with the old and with the new password. What docs/postgres.md says of it is tried here, and the times are printed."""

import os
import shutil
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import postgres_server  # noqa: E402
from postgres_server import Server  # noqa: E402
from test_postgres import Tenant, ask, make_probe  # noqa: E402
from report import Report, check, equal  # noqa: E402

WEB = ("shop", "web")


class Logins:
    """Logs in all the time, with the old password and then with the new one."""

    def __init__(self, old, new):
        self.old, self.new, self.rounds, self._ended = old, new, [], threading.Event()

    def __enter__(self):
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._ended.set()
        self._thread.join()

    def _run(self):
        while not self._ended.is_set():
            begun = time.monotonic()
            old = self.old.state("SELECT 1")
            between = time.monotonic()
            self.rounds.append((begun, old, between, self.new.state("SELECT 1")))


def open_sessions(report, server, probe, v):
    old, new = Tenant(server, probe, *WEB), Tenant(server, probe, *WEB, epoch=1)
    old.sql("CREATE TABLE t (x int); INSERT INTO t VALUES (1)")
    idle, busy, asleep = old.session(), old.session(), old.session()
    try:
        ask(idle, "PREPARE p AS SELECT count(*) FROM t; EXECUTE p")
        ask(busy, "BEGIN; INSERT INTO t VALUES (2); SELECT count(*) FROM t")
        asleep.stdin.write("SELECT count(*) FROM t, pg_sleep(2);\n")
        asleep.stdin.flush()
        with report.case(f"{v}: rotation: logins go from the old password to the new one at a stroke"):
            with Logins(old, new) as logins:
                time.sleep(0.3)
                begun = time.monotonic()
                run = probe.fine("apply,verify", *WEB, 1)
                ended = time.monotonic()
                time.sleep(0.3)
            equal(run.steps, ["alter role tent_shop_web"])
            for at, with_old, between, with_new in logins.rounds:
                check(with_old in ("", "28P01") and with_new in ("", "28P01"), f"{with_old}, {with_new}")
                # Who was refused with the old one gets in with the new one, whenever that is.
                check(with_old == "" or with_new == "", "there was a moment for neither password")
                check(at < ended or with_old == "28P01", "the old password was good after apply had ended")
                check(between > begun or with_new == "28P01", "the new password was good before apply had begun")
            check(any(r[1] == "" for r in logins.rounds) and any(r[1] for r in logins.rounds), "too few logins")
            print(f"{v}: apply and verify of a rotation: {(ended - begun) * 1000:.0f} ms; {len(logins.rounds)} rounds of "
                  "logins beside it", flush=True)
        with report.case(f"{v}: rotation: sessions of the old password live on: idle, in a transaction, in a statement"):
            equal(ask(idle, "EXECUTE p"), "1")
            equal(ask(busy, "COMMIT; SELECT count(*) FROM t"), "2")
            equal(asleep.stdout.readline().strip(), "1")
            equal(server.sql("SELECT count(*) FROM pg_stat_activity WHERE usename = 'tent_shop_web'"), "3")
            equal(old.state("SELECT 1"), "28P01")
        with report.case(f"{v}: rotation: a session of the old password can set a password; it is seen and repaired"):
            ask(idle, f'ALTER ROLE "{old.user}" PASSWORD \'mine\'; SELECT 1')
            equal(server.psql("SELECT 1", old.user, "mine", old.database)[:2], (0, "1"))
            equal(probe("verify", *WEB, 1).status, 1)
            probe.fine("apply,verify", *WEB, 1)
            equal(new.state("SELECT 1"), "")
        with report.case(f"{v}: rotation, undeployed and deployed again: no session of the old password is left"):
            probe.fine("retain,apply,verify", *WEB, 1)
            for session in (idle, busy, asleep):
                check("57P01" in (text := ask(session, "SELECT 1")) or "terminat" in text or session.wait(5) is not None,
                      text)
            equal(server.sql("SELECT count(*) FROM pg_stat_activity WHERE usename = 'tent_shop_web'"), "0")
            equal(new.sql("SELECT count(*) FROM t"), "2")
    finally:
        for session in (idle, busy, asleep):
            session.kill()
            session.wait()


def main():
    build, report = os.path.abspath(sys.argv[1]), Report()
    for version, why in postgres_server.reasons().items():
        report.skip(f"PostgreSQL {version}", why)
    for v in postgres_server.versions():
        folder = tempfile.mkdtemp(prefix="tentc-probe-")
        try:
            with Server(v) as server:
                server.bootstrap(os.path.join(build, "tentc"))
                probe = make_probe(build, folder, server)
                probe.fine("apply,verify", *WEB)
                open_sessions(report, server, probe, v)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    return report.end()


if __name__ == "__main__":
    sys.exit(main())
