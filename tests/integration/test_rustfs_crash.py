"""The registrar of RustFS killed at every step, run twice at once, and with the server restarted in between: the end is
the same as without."""

import os
import shutil
import signal
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from rustfs_tests import BUCKET, Tenant, make_probe, pairs, state  # noqa: E402
from report import Report, check, equal  # noqa: E402
from s3_server import Server  # noqa: E402

WEB = ("shop", "web")


def fill(server, probe, epoch=0):
    tenant = Tenant(server, probe, *WEB, epoch=epoch)
    for i in range(3):
        tenant.put(f"k{i}")
    tenant.put("control\x01")


def attach_other(server):
    server.root.put(server.admin + "/set-user-or-group-policy", b"", {
        "policyName": "readwrite", "userOrGroup": "tent_shop_web", "isGroup": "false"})


def gone(server, probe):
    probe.fine("destroy", *WEB, 9)
    if server.root.head(f"/{BUCKET}").status == 200:
        equal(server.root.delete(f"/{BUCKET}").status, 204)


# What is there before, the operation, and what a normal run of it leaves.
OPERATIONS = {
    "apply, nothing there": (lambda s, p: None, ("apply", *WEB)),
    "apply of a new epoch": (lambda s, p: (p.fine("apply", *WEB), fill(s, p)), ("apply", *WEB, 1)),
    "apply after retain": (lambda s, p: (p.fine("apply", *WEB), fill(s, p), p.fine("retain", *WEB)), ("apply", *WEB)),
    "apply against drift": (lambda s, p: (p.fine("apply", *WEB), fill(s, p), attach_other(s)), ("apply", *WEB)),
    "verify": (lambda s, p: (p.fine("apply", *WEB), fill(s, p)), ("verify", *WEB)),
    "retain": (lambda s, p: (p.fine("apply", *WEB), fill(s, p)), ("retain", *WEB)),
    "destroy": (lambda s, p: (p.fine("apply", *WEB), fill(s, p)), ("destroy", *WEB)),
    "destroy after retain": (lambda s, p: (p.fine("apply", *WEB), fill(s, p), p.fine("retain", *WEB)),
                             ("destroy", *WEB)),
    "enclave-apply": (lambda s, p: None, ("enclave-apply", "shop")),
}


def killed(report, server, probe, v):
    for name, (before, operation) in OPERATIONS.items():
        with report.case(f"{v}: killed at every step: {name}"):
            gone(server, probe)
            before(server, probe)
            steps = probe.fine(*operation).steps
            want = state(server)
            check(steps, "there is no step")
            for n in range(1, len(steps) + 1):
                gone(server, probe)
                before(server, probe)
                run = probe(*operation, kill_at=n)
                check(run.killed, f"step {n}: {run.output}")
                equal(run.steps, steps[:n])
                # Whatever is there now, it is not taken for what is wanted.
                if operation[0] == "apply":
                    seen = probe.fine("observe", *operation[1:])
                    check(seen.state != "applied", f"killed at step {n}, {steps[n - 1]}: {seen.output}")
                probe.fine(*operation)
                equal(state(server), want, f"the end after a kill at step {n}, {steps[n - 1]},")
                if operation[0] == "apply":
                    run = probe.fine("observe,verify", *operation[1:])
                    equal((run.state, run.differs), ("applied", []))
    gone(server, probe)


def killed_enclave(report, server, probe, v):
    own = make_probe(probe.build, probe.folder, server, probe.dialect, bucket="own-{enclave}")
    with report.case(f"{v}: killed at every step: an enclave's own bucket, made and removed"):
        for n in (1, 2):
            check(own("enclave-apply", "shop", kill_at=n).killed, f"step {n}")
            own.fine("enclave-apply", "shop")
            equal(own.fine("enclave-apply", "shop").steps, [])
            check(own("enclave-destroy", "shop", kill_at=1).killed, "destroy")
            equal(own.fine("enclave-destroy", "shop").steps, ["remove the bucket own-shop"])
        for n in range(1, 6):
            run = own("apply", *WEB, kill_at=n)
            check(run.killed, run.output)
            own.fine("apply", *WEB)
            own.fine("destroy,enclave-destroy", *WEB)
            equal(server.root.head("/own-shop").status, 404)


def at_once(report, server, probe, v):
    for name, first, second, ends in (
            ("apply and apply", ("apply", *WEB), ("apply", *WEB), "applied"),
            ("destroy and destroy", ("destroy", *WEB), ("destroy", *WEB), "absent"),
            ("retain and apply", ("retain", *WEB), ("apply", *WEB), None),
            ("destroy and apply", ("destroy", *WEB), ("apply", *WEB), None)):
        with report.case(f"{v}: two at once, 20 times: {name}"):
            for i in range(20):
                if first[0] != "apply":
                    probe.fine("apply", *WEB)
                    Tenant(server, probe, *WEB).put(f"k{i}")
                else:
                    probe.fine("destroy", *WEB)
                both = [probe.start(*first), probe.start(*second)]
                runs = [probe.end(p) for p in both]
                for run in runs:
                    # Two that want the opposite may say "try again"; two that want the same are both fine.
                    check(run.status == 0 or (ends is None and run.status == 5), run.output)
                if ends:
                    equal(probe.fine("observe", *WEB).state, ends)
                else:
                    probe.fine("apply,verify", *WEB)
                    equal(probe.fine("observe", *WEB).state, "applied")
    probe.fine("destroy", *WEB)


def restarted(report, server, probe, v):
    with report.case(f"{v}: the server killed and started again before every step"):
        for operation, steps in ((("apply", *WEB), 4), (("destroy", *WEB), 5)):
            for n in range(1, steps + 1):
                gone(server, probe)
                if operation[0] == "destroy":
                    probe.fine("apply", *WEB)
                    fill(server, probe)
                process = probe.start(*operation, stop_at=n)
                line = ""
                while not line.startswith(f"step {n} "):
                    line = process.stdout.readline()
                    check(line, f"{operation} ended before step {n}")
                server.restart(signal.SIGKILL)
                run = probe.end(process, send="\n")
                check(run.status in (0, 5), run.output)
                probe.fine(*operation)
                equal(probe.fine("observe", *WEB).state, "applied" if operation[0] == "apply" else "absent")
    with report.case(f"{v}: while the server is away: try again, and not a word of success"):
        server.stop()
        for operation in ("probe", "observe", "apply", "verify", "retain", "destroy", "observe-all", "enclave-apply"):
            run = probe(operation, *WEB)
            equal(run.status, 5, operation)
            check("no connection" in run.error, run.error)
        server.start()
        gone(server, probe)


def main(build):
    report = Report()
    for kind, dialect in pairs(report, "crashes"):
        if (kind, dialect) == ("rustfs", "minio"):
            continue
        v = kind
        folder = tempfile.mkdtemp(prefix="tentc-rustfs-")
        try:
            with Server(kind) as server:
                probe = make_probe(build, folder, server, dialect)
                killed(report, server, probe, v)
                killed_enclave(report, server, probe, v)
                at_once(report, server, probe, v)
                restarted(report, server, probe, v)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    return report.end()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
