"""How long it takes: 1,000 tentacles registered, then again with nothing to do; with SOAK=1 the removal of one that has
5,000 tables, 3,000 large objects and 2,000 functions. The figures are printed; what is checked is that all of it is so."""

import os
import shutil
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import postgres_server  # noqa: E402
from postgres_server import Server  # noqa: E402
from registrar import Report, check, contains, equal  # noqa: E402
from test_postgres import Tenant, make_probe  # noqa: E402

COUNT = int(os.environ.get("COUNT", "1000"))


def asked(server):
    """How many texts the administrator has sent: each is a round trip."""
    return sum(" LOG:  statement: " in line for line in server.log_text().splitlines() if line.startswith("tentc_admin@"))


def measure(server, what, v, run):
    before, start = asked(server), time.monotonic()
    result = run()
    seconds, trips = time.monotonic() - start, asked(server) - before
    print(f"note {v}: {what}: {seconds:.2f} s, {seconds / COUNT * 1000:.1f} ms and {trips / COUNT:.2f} round trips for each "
          f"of {COUNT}", flush=True)
    return result


def many(report, server, probe, v):
    with report.case(f"{v}: {COUNT} tentacles registered, and again with nothing to do"):
        measure(server, "registered", v, lambda: probe.fine("apply", "shop", "t", count=COUNT, timeout=900))
        before = server.dump()
        measure(server, "registered again", v, lambda: probe.fine("apply", "shop", "t", count=COUNT, timeout=900))
        equal(server.dump(), before)
    with report.case(f"{v}: observe-all of {COUNT}"):
        run = measure(server, "observe-all", v, lambda: probe.fine("observe-all", "shop", "t", count=COUNT, timeout=900))
        print(f"note {v}: observe-all: {run.number('observe-all'):.0f} ms", flush=True)
        contains(run.output, f"all applied {COUNT}\n")
        contains(run.output, "all differs 0\n")
    with report.case(f"{v}: one more, among {COUNT}"):
        run = probe.fine("apply,verify", "shop", "one-more")
        print(f"note {v}: one more: {run.number('apply'):.0f} ms, and {run.number('verify'):.0f} ms to verify", flush=True)
    with report.case(f"{v}: {COUNT} retained and destroyed"):
        measure(server, "destroyed", v, lambda: probe.fine("destroy", "shop", "t", count=COUNT, timeout=900))
        probe.fine("destroy", "shop", "one-more")
        probe.fine("enclave-destroy", "shop")
        equal(server.sql("SELECT count(*) FROM pg_roles WHERE rolname LIKE 'tent%\\_%'"), "1")


def soak(report, server, probe, v):
    with report.case(f"{v}: 5,000 tables, 3,000 large objects, 2,000 functions removed in parts"):
        probe.fine("apply", "shop", "big")
        tenant = Tenant(server, probe, "shop", "big")
        for start in range(0, 5000, 500):
            tenant.sql(f"DO $$ BEGIN FOR i IN {start}..{start + 499} LOOP EXECUTE format('CREATE TABLE t%s (id serial "
                       "PRIMARY KEY, x text)', i); END LOOP; END $$")
        tenant.sql("SELECT count(lo_from_bytea(0, 'x')) FROM generate_series(1, 3000)")
        tenant.sql("DO $$ BEGIN FOR i IN 1..2000 LOOP EXECUTE format('CREATE FUNCTION f%s() RETURNS int LANGUAGE sql AS "
                   "''SELECT 1''', i); END LOOP; END $$")
        run = probe.fine("observe", "shop", "big", timeout=300)
        equal(run.number("items"), 8000)
        check(run.number("bytes") > 5000 * 8192, "too few bytes were counted")
        run = probe("destroy", "shop", "big", kill_at=5, timeout=300)
        check(run.killed, "was not killed")
        start = time.monotonic()
        run = probe.fine("destroy", "shop", "big", timeout=600)
        print(f"note {v}: destroyed 5,000 tables, 3,000 large objects, 2,000 functions in {time.monotonic() - start:.1f} s, "
              f"{len(run.steps)} steps", flush=True)
        equal(probe.fine("observe", "shop", "big").state, "absent")
        equal(server.sql("SELECT count(*) FROM pg_largeobject_metadata", database="tentacular"), "0")


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
                many(report, server, probe, v)
                if os.environ.get("SOAK"):
                    soak(report, server, probe, v)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    return report.end()


if __name__ == "__main__":
    sys.exit(main())
