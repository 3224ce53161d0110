"""The registrar of RustFS with many tentacles, and with many objects: the times are printed. SOAK=1: 100,000 objects."""

import concurrent.futures
import os
import re
import shutil
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from rustfs_tests import BUCKET, Tenant, make_probe, pairs  # noqa: E402
from report import Report, check, equal  # noqa: E402
from s3_server import Server  # noqa: E402

COUNT = 1000
PAGE = 250  # objects that are removed in a call
OBJECTS = 100000 if os.environ.get("SOAK") else 3000


def many_tentacles(report, server, build, folder, dialect, v):
    probe = make_probe(build, folder, server, dialect)
    with report.case(f"{v}: {COUNT} tentacles, then again with nothing to do, then all of them observed"):
        first = probe.fine("apply", "shop", "t", count=COUNT, timeout=900)
        again = probe.fine("apply", "shop", "t", count=COUNT, timeout=900)
        seen = probe.fine("observe-all", "shop", "t", count=COUNT, timeout=300)
        check(f"all applied {COUNT}" in seen.lines, seen.output)
        print(f"{v}: {first.number('apply') / COUNT:.1f} ms for a new tentacle, {again.number('apply') / COUNT:.1f} ms with "
              f"nothing to do, {seen.number('observe-all'):.0f} ms for observe-all of {COUNT}", flush=True)
    with report.case(f"{v}: one more, beside {COUNT}"):
        run = probe.fine("apply,verify", "shop", "one")
        print(f"{v}: {run.number('apply'):.0f} ms for it, {run.number('verify'):.0f} ms for its login", flush=True)
    with report.case(f"{v}: all of them destroyed"):
        run = probe.fine("destroy", "shop", "t", count=COUNT, timeout=900)
        print(f"{v}: {run.number('destroy') / COUNT:.1f} ms for each", flush=True)
        probe.fine("destroy", "shop", "one")
        equal([name for name in server.root.get(server.admin + "/list-canned-policies").json() if "tent_" in name], [])


def many_objects(report, server, build, folder, dialect, v):
    probe = make_probe(build, folder, server, dialect)
    with report.case(f"{v}: {OBJECTS} objects: killed on the way, then removed to the last"):
        probe.fine("apply", "shop", "web")
        tenant = Tenant(server, probe, "shop", "web")

        def put(numbers):
            s3 = server.client(tenant.user, tenant.secret)
            for i in numbers:
                equal(s3.put(tenant.path(f"{i % 100:02}/{i:06}"), b"x").status, 200)

        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            list(pool.map(put, [range(k, OBJECTS, 4) for k in range(4)]))
        start = time.monotonic()
        run = probe.fine("observe", "shop", "web", timeout=300)
        counted = run.number("items")
        # Over the time of one call it is not counted.
        check(counted == OBJECTS or (counted == -1 and OBJECTS > 20000), run.output)
        print(f"{v}: {OBJECTS} objects observed in {time.monotonic() - start:.1f} s", flush=True)
        # In the middle of what there is, and in the middle of what is left then.
        removed, total = 0, 0.0
        for part in (2, 4):
            start = time.monotonic()
            run = probe("destroy", "shop", "web", kill_at=2 + OBJECTS // PAGE // part, timeout=3600)
            total += time.monotonic() - start
            check(run.killed, run.output[-500:])
            removed += int(re.search(r", (\d+) done$", run.steps[-1]).group(1))
            check(len(server.versions(BUCKET, tenant.prefix)) > 0, "nothing was left to do")
            print(f"{v}: killed after {removed} of {OBJECTS} objects, {total:.1f} s", flush=True)
        start = time.monotonic()
        run = probe.fine("destroy,observe", "shop", "web", timeout=3600)
        total += time.monotonic() - start
        print(f"{v}: the rest removed; {total:.1f} s in all, {OBJECTS / total:.0f} objects a second", flush=True)
        equal(run.state, "absent")
        # What a killed run had removed is not removed, nor counted, again: pages of the rest, and what follows.
        pages = [step for step in run.steps if "remove objects" in step]
        check(len(pages) <= (OBJECTS - removed) // PAGE + 2, f"{len(pages)} pages for {OBJECTS - removed} objects")
        equal(server.versions(BUCKET, tenant.prefix), [])


def main(build):
    report = Report()
    for kind, dialect in pairs(report, "scale"):
        if (kind, dialect) == ("rustfs", "minio"):
            continue
        folder = tempfile.mkdtemp(prefix="tentc-rustfs-")
        try:
            with Server(kind) as server:
                many_tentacles(report, server, build, folder, dialect, kind)
                many_objects(report, server, build, folder, dialect, kind)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    return report.end()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
