"""Registering in NATS when everything goes wrong: killed at every step, twice at once, and with servers that refuse,
hang, close, lie, cannot reload, have no room, or start anew in the middle."""

import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import nats_server  # noqa: E402
from fake_postgres import Listener, hang, pipe  # noqa: E402
from nats_server import ADMIN_PASSWORD, Cluster  # noqa: E402
from registrar import Run  # noqa: E402
from report import Report, check, contains, equal, until  # noqa: E402
from test_nats import RETRY, USAGE, Tenant, ended, exchange, make_probe, refused_everywhere  # noqa: E402

# name, what is there before, the operation, its epoch, its options
OPERATIONS = [
    ("apply", None, "apply", 0, {}),
    ("apply beside others", ("apply", "shop", "other"), "apply", 0, {}),
    ("rotation", ("apply", "shop", "web", 0), "apply", 1, {}),
    ("other permissions", ("apply", "shop", "web", 0), "apply", 0, {"consumes": "other"}),
    ("retain", ("apply", "shop", "web", 0), "retain", 0, {}),
    ("apply after retain", ("apply,retain", "shop", "web", 0), "apply", 0, {}),
    ("destroy", ("apply", "shop", "web", 0), "destroy", 0, {}),
    ("destroy beside others", ("apply-all", "shop", "web"), "destroy", 0, {}),
]


def rid(probe):
    for name in ("web", "other", "web-0", "web-1"):
        for epoch in (0,):
            probe.fine("destroy", "shop", name, epoch)
    for name in ("web-0", "web-1"):
        probe.fine("destroy", "bank", name)


def prepare(probe, before):
    rid(probe)
    if before:
        options = {"count": 2} if before[0] == "apply-all" else {}
        probe.fine(*before, **options)


def killed(report, cluster, probe, v, moments):
    for name, before, operation, epoch, options in OPERATIONS:
        target = "web-0" if before and before[0] == "apply-all" else "web"
        words = (operation, "shop", target, epoch)
        with report.case(f"{v}: {name}: killed at every step, then run once more"):
            prepare(probe, before)
            probe.fine(*words, **options)
            want, n = cluster.files(), 0
            while True:
                n += 1
                prepare(probe, before)
                run = probe(*words, kill_at=n, **options)
                if not run.killed:
                    break
                state = probe.fine("observe", "shop", target, epoch, **options).state
                probe.fine(*words, **options)
                equal(cluster.files(), want, f"after a kill at step {n}, state {state}")
                equal(sorted(os.listdir(cluster.accounts)), ["accounts-0.conf", "tentc.lock"])
                settled(cluster, probe, operation, target, epoch, options)
            # a server that reloads by itself needs not be told
            check(n > (2 if cluster.watch else 4), f"only {n - 1} steps")
    with report.case(f"{v}: killed at any moment of each operation, then run once more"):
        chance = random.Random(7)
        for name, before, operation, epoch, options in OPERATIONS:
            target = "web-0" if before and before[0] == "apply-all" else "web"
            words = (operation, "shop", target, epoch)
            prepare(probe, before)
            probe.fine(*words, **options)
            want = cluster.files()
            for _ in range(moments):
                prepare(probe, before)
                process = probe.start(*words, **options)
                time.sleep(chance.uniform(0.002, 0.05))
                process.kill()
                probe.end(process)
                probe.fine(*words, **options)
                equal(cluster.files(), want, f"after a kill in {name}")
                settled(cluster, probe, operation, target, epoch, options)
    rid(probe)


def settled(cluster, probe, operation, name, epoch, options):
    tenant = Tenant(cluster, probe, "shop", name, epoch)
    state = probe.fine("observe", "shop", name, epoch, **options).state
    equal(state, {"apply": "applied", "retain": "retained", "destroy": "absent"}[operation])
    if operation == "apply":
        probe.fine("verify", "shop", name, epoch, **options)
    else:
        refused_everywhere(tenant)


def at_once(report, cluster, probe, v):
    def together(*commands):
        runs = [probe.end(p) for p in [probe.start(*c) for c in commands]]
        for run in runs:
            check(run.status == 0, f"status {run.status}: {run.output}")

    with report.case(f"{v}: two that apply the same at once, then destroy, 20 times"):
        for _ in range(20):
            together(("apply", "shop", "web"), ("apply", "shop", "web"))
            equal(probe.fine("verify,observe", "shop", "web").state, "applied")
            together(("destroy", "shop", "web"), ("destroy", "shop", "web"))
            equal(probe.fine("observe", "shop", "web").state, "absent")
    with report.case(f"{v}: four at once, of two enclaves: none undoes another's, 8 times"):
        everyone = [(enclave, name) for enclave in ("shop", "bank") for name in ("web-0", "web-1")]
        for _ in range(8):
            together(*(("apply", *who) for who in everyone))
            for who in everyone:
                equal(probe.fine("verify,observe", *who).state, "applied")
            together(*(("destroy", *who) for who in everyone))
            for who in everyone:
                equal(probe.fine("observe", *who).state, "absent")
    with report.case(f"{v}: one that is stopped with the lock in its hand: the other ends in time, as to be retried"):
        process = probe.start("apply", "shop", "web", stop_at=1)
        until(lambda: "step 1" in process.stdout.readline(), 10, "step 1")
        run = probe("apply", "shop", "other", seconds=1)
        equal(run.status, RETRY)
        contains(run.error, "another run held it for 1 seconds")
        check(run.seconds < 20, f"took {run.seconds:.1f} s")
        equal(probe.end(process, send="go\n").status, 0)
        probe.fine("apply,verify", "shop", "other")
    rid(probe)


INFO = (b'INFO {"server_id":"N","server_name":"n","version":"2.15.1","headers":true,"auth_required":true,'
        b'"max_payload":1048576}\r\n')


def say(*parts, then_hang=True):
    """Each part after the client has said something; the first at once."""
    def behave(connection, ended_):
        connection.sendall(parts[0])
        for part in parts[1:]:
            if not connection.recv(4096):
                return
            connection.sendall(part)
        if then_hang:
            ended_.wait(60)
    return behave


def endless(start, more):
    def behave(connection, ended_):
        connection.sendall(start)
        while not ended_.is_set():
            connection.sendall(more)
    return behave


def no_server(report, cluster, build, v):
    """Nothing there speaks the protocol: every operation ends in time, as one that may be retried."""
    faults = [
        ("nobody listens", None, "onnection refused"),
        ("hangs after accept", hang, "no answer within 1 seconds"),
        ("closes at once", lambda c, e: None, "closed the connection"),
        ("is a web server", say(b"HTTP/1.1 400 Bad Request\r\n\r\n"), "is it a NATS server"),
        ("garbage INFO", say(b"INFO {not json\r\n"), "is it a NATS server"),
        ("INFO that is a list", say(b"INFO []\r\n"), "is it a NATS server"),
        ("INFO without a server", say(b"INFO {}\r\n"), "is it a NATS server"),
        ("INFO nested a million deep", say(b"INFO " + b"[" * 1000000 + b"\r\n"), "is it a NATS server"),
        ("bytes", say(bytes(range(256)) * 40), "is it a NATS server"),
        ("a line without an end", endless(b"INFO {", b"x" * 65536), "a line without an end"),
        ("INFO, then a hang", say(INFO), "no answer within 1 seconds"),
        ("INFO, then the end", say(INFO, b"", then_hang=False), "closed the connection"),
        ("INFO, then garbage", say(INFO, b"hello\r\n"), "not in the protocol"),
        ("INFO, then INFO for ever", endless(INFO, INFO * 100), ""),
        ("PING for ever", endless(INFO, b"PING\r\n" * 1000), ""),
        ("logs in, then a hang", say(INFO, b"PONG\r\n"), "no answer within 1 seconds"),
        ("logs in, then a message of 9 GB", say(INFO, b"PONG\r\n", b"MSG x 1 9999999999\r\n"), "no message"),
        ("logs in, then a message of 30 MB that does not come",
         say(INFO, b"PONG\r\n", b"MSG x 1 30000000\r\n" + b"y" * 1000), "no answer within 1 seconds"),
        ("logs in, then a message without numbers", say(INFO, b"PONG\r\n", b"MSG x\r\n"), "no message"),
        ("logs in, then headers larger than all", say(INFO, b"PONG\r\n", b"HMSG x 1 20 10\r\n0123456789\r\n"),
         "no message"),
        ("logs in, then an answer that is no JSON", say(INFO, b"PONG\r\n", b"MSG x 1 5\r\nhello\r\n"), "no JSON"),
        ("says that it has too many connections", say(INFO, b"-ERR 'maximum connections exceeded'\r\n"),
         "maximum connections exceeded"),
        ("has escapes in what it says", say(INFO, b"-ERR '\x1b[31mred\x07'\r\n"), "the server says: [31mred"),
    ]
    for what, behave, words in faults:
        with report.case(f"{v}: fault: {what}"):
            with Listener(behave or hang) as listener:
                if not behave:
                    listener.__exit__()
                probe = make_probe(build, cluster, port=listener.port)
                for operation in ("apply", "observe", "retain", "destroy", "probe", "verify", "observe-all"):
                    run = probe(operation, "shop", "web", seconds=1, timeout=30)
                    equal((run.status, run.steps), (RETRY, []), f"{operation}: {run.output}")
                    check(run.seconds < 20, f"{operation} took {run.seconds:.1f} s with a limit of 1 s")
                    contains(run.error, words)
                    contains(run.error, "nats: ")
                    check(ADMIN_PASSWORD not in run.output, "the password stands in the error")
    with report.case(f"{v}: fault: a name that does not resolve"):
        run = make_probe(build, cluster, url="nats://nowhere.invalid:4222")("apply", "shop", "web", seconds=2)
        equal(run.status, RETRY)
        check(run.seconds < 20, f"took {run.seconds:.1f} s")
        contains(run.error, 'the name "nowhere.invalid"')


def broken_pipe(report, build, v):
    """The real server through a pipe that is cut, or stalls, after every so many bytes: never a wrong success."""
    with Cluster(v, 1) as cluster:
        probe = make_probe(build, cluster)
        for then in ("cut", "stall"):
            with report.case(f"{v}: fault: the connection is {then} after so many bytes of its answers"):
                refused = 0
                for allowance in range(1, 2400, 73 if then == "cut" else 331):
                    with Listener(pipe(cluster.servers[0].port, allowance, then)) as listener:
                        run = make_probe(build, cluster, port=listener.port)("apply", "shop", "web", seconds=1,
                                                                             timeout=30)
                        check(run.status in (0, RETRY), run.output)
                        check(run.seconds < 20, f"took {run.seconds:.1f} s")
                        refused += run.status == RETRY
                        if run.status == 0:
                            equal(probe.fine("observe", "shop", "web").state, "applied")
                    probe.fine("apply,verify,destroy", "shop", "web")
                check(refused > 2, f"only {refused} were broken")


def restarts(report, cluster, probe, v):
    with report.case(f"{v}: fault: a server is restarted between the steps of apply and of destroy"):
        for operation in ("apply", "destroy"):
            # a server that reloads by itself needs not always be told
            for n in range(1, 3 if cluster.watch else 4):
                rid(probe)
                if operation == "destroy":
                    probe.fine("apply", "shop", "web")
                process = probe.start(operation, "shop", "web", stop_at=n)
                until(lambda: process.stdout.readline().startswith(f"step {n} "), 10, f"step {n}")
                cluster.servers[0].stop()
                cluster.servers[0].start()
                cluster._wait_for_routes() if len(cluster.servers) > 1 else None
                run = probe.end(process, send="go\n")
                check(run.status in (0, RETRY), run.output)
                until(lambda: probe(operation, "shop", "web").status == 0, 10, "works again")
                run = probe.fine("observe", "shop", "web")
                equal((run.state, run.differs), ("absent" if operation == "destroy" else "applied", []))
        rid(probe)
    with report.case(f"{v}: fault: one of two servers hangs: nobody counts as registered, or as gone, and then it works"):
        probe.fine("apply", "shop", "web")
        session = Tenant(cluster, probe, "shop", "web").connect(1)
        os.kill(cluster.servers[1].process.pid, signal.SIGSTOP)
        try:
            for operation, name in (("apply", "other"), ("retain", "web"), ("destroy", "web")):
                run = probe(operation, "shop", name, seconds=1)
                equal(run.status, RETRY, run.output)
                check(run.seconds < 20, f"took {run.seconds:.1f} s")
        finally:
            os.kill(cluster.servers[1].process.pid, signal.SIGCONT)
        until(lambda: probe("apply,verify", "shop", "other").status == 0, 10, "works again")
        probe.fine("destroy", "shop", "web")
        ended(session)
    with report.case(f"{v}: fault: a server that is down is not waited for, and has it all when it comes back"):
        cluster.servers[1].stop()
        until(lambda: probe("apply", "shop", "web").status == 0, 15, "registered at the one that is there")
        cluster.servers[1].start()
        cluster._wait_for_routes()
        exchange(Tenant(cluster, probe, "shop", "web"))
        probe.fine("destroy", "shop", "web")
    rid(probe)


def bad_configuration(report, cluster, probe, v):
    with report.case(f"{v}: fault: the server's configuration is broken by another hand: said, nothing lost"):
        probe.fine("apply", "shop", "web")
        with Tenant(cluster, probe, "shop", "web").connect() as session:
            server = cluster.servers[0]
            with open(server.config) as f:
                good = f.read()
            with open(server.config, "w") as f:
                f.write(good + "accounts {{{ nonsense\n")
            run = probe("apply", "shop", "other", seconds=2)
            equal(run.status, USAGE if v != "2.9" else RETRY, run.output)
            if v != "2.9":
                contains(run.error, 'reload the server "server-0": it goes on as before, since it says: ')
            session.flush()
            check(not session.ended, "the session ended")
            equal(probe("observe", "shop", "other").state, "differs")
            with open(server.config, "w") as f:
                f.write(good)
            cluster.reload()
            probe.fine("apply,verify", "shop", "other")
            session.flush()
        rid(probe)


def no_room(report, cluster, build, probe, v):
    with report.case(f"{v}: fault: the file may not grow: the old one stays, whole, and nothing beside it"):
        probe.fine("apply", "shop", "web")
        before = cluster.files()

        def small():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (400, 400))
        done = subprocess.run(probe.command("apply", "shop", "other"), preexec_fn=small, stdout=subprocess.PIPE,
                              text=True, timeout=30)
        run = Run(done.returncode, done.stdout, 0)
        equal(run.status, RETRY, run.output)
        contains(run.error, "File too large")
        equal(cluster.files(), before)
        probe.fine("apply,verify", "shop", "other")
        rid(probe)
    with tempfile.TemporaryDirectory() as small:
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", small],
                                 stderr=subprocess.PIPE).returncode == 0
        if not mounted:
            report.skip(f"{v}: fault: a full disk", "a tmpfs cannot be mounted here")
        else:
            try:
                full_disk(report, build, v, small)
            finally:
                subprocess.run(["umount", small], check=True)
    with report.case(f"{v}: fault: the folder is not there, or is not ours to write to"):
        gone = make_probe(build, cluster)
        moved = cluster.accounts + ".moved"
        os.rename(cluster.accounts, moved)
        try:
            for operation in ("apply", "observe", "destroy"):
                run = gone(operation, "shop", "web")
                equal(run.status, USAGE, run.output)
                contains(run.error, "No such file or directory")
        finally:
            os.rename(moved, cluster.accounts)


def full_disk(report, build, v, folder):
    with Cluster(v, 1) as cluster:
        shutil.rmtree(cluster.accounts)
        os.symlink(folder, cluster.accounts)
        open(os.path.join(folder, "accounts-0.conf"), "w").close()
        probe = make_probe(build, cluster)
        with report.case(f"{v}: fault: a full disk: to be retried, the old file stays, and once there is room it works"):
            probe.fine("apply", "shop", "web")
            before = cluster.files()
            ballast = os.path.join(folder, "ballast")
            with open(ballast, "wb", buffering=0) as f:
                try:
                    while True:
                        f.write(b"x" * 512)
                except OSError:
                    pass
            run = probe("apply", "shop", "other")
            equal(run.status, RETRY, run.output)
            contains(run.error, "No space left on device")
            os.unlink(ballast)
            equal(cluster.files(), before)
            probe.fine("apply,verify", "shop", "other")


def main():
    build, report = os.path.abspath(sys.argv[1]), Report()
    for version, why in nats_server.reasons().items():
        report.skip(f"nats-server {version}", why)
    for v in nats_server.versions():
        with Cluster(v, 2) as cluster:
            # each by name: one that is known through another only is missed while it is cut off from that one
            probe = make_probe(build, cluster, url=",".join(f"nats://127.0.0.1:{s.port}" for s in cluster.servers))
            killed(report, cluster, probe, v, 4)
            at_once(report, cluster, probe, v)
            no_server(report, cluster, build, v)
            restarts(report, cluster, probe, v)
            bad_configuration(report, cluster, probe, v)
            no_room(report, cluster, build, probe, v)
        broken_pipe(report, build, v)
    return report.end()


if __name__ == "__main__":
    sys.exit(main())
