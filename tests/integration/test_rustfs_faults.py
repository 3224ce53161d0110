"""The registrar of RustFS against servers that hang, close, answer garbage or a 503 in the middle: no wait beyond the
limit, no wrong success, and the next run succeeds."""

import email.utils
import os
import shutil
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from rustfs_tests import Tenant, make_probe, pairs, state  # noqa: E402
import fake_disk  # noqa: E402
import fake_s3  # noqa: E402
from fake_s3 import Door, Listener, answer, says  # noqa: E402
from report import Report, check, contains, equal, until  # noqa: E402
from s3_server import Server  # noqa: E402

OPERATIONS = ("probe", "observe", "observe-all", "apply", "verify", "retain", "destroy", "enclave-apply",
              "enclave-destroy")
WEB = ("shop", "web")
XML = "Content-Type: application/xml\r\n"
NOT_READY = answer("503 Service Unavailable",
                   b"<Error><Code>ServiceUnavailable</Code><Message>server context is not ready</Message></Error>", XML)
JSON_GARBAGE = answer("200 OK", b'{"policyName": ', "Content-Type: application/json\r\n")
TOWER = b"<!DOCTYPE a [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;\">]><Error>&b;</Error>"

# Behaviour, what its error says, and whether it may be retried.
BAD = {
    "hangs after accept": (fake_s3.hangs_unread, "no answer in time", 5),
    "hangs after the request": (fake_s3.hangs, "no answer in time", 5),
    "drips": (fake_s3.drips, "no answer in time", 5),
    "closes": (fake_s3.closes, "the connection was closed without an answer", 5),
    "is no HTTP server": (says(b"220 mail.example ESMTP\r\n"), "does not speak HTTP", 5),
    "answers binary": (says(bytes(range(256))), "does not speak HTTP", 5),
    "closes in the middle of headers": (says(b"HTTP/1.1 200 OK\r\nContent-Le"), "", 5),
    "is not ready": (says(NOT_READY), "the server is not ready (HTTP 503", 5),
    "is a proxy without a server": (says(answer("502 Bad Gateway", b"<html>")), "no connection to the server", 5),
    "answers an entity bomb": (says(answer("500 Internal Server Error", TOWER, XML)), "the server refused (HTTP 500)", 5),
    "redirects": (says(answer("301 Moved", b"", "Location: http://127.0.0.1:9/\r\n")), "wants to be asked elsewhere", 2),
    "answers without an end": (fake_s3.endless, "is larger than any should be", 5),
    "sends headers without an end": (fake_s3.endless_headers, "", 5),
}


def fakes(report, build, folder):
    for name, (behave, words, status) in BAD.items():
        with report.case(f"a server that {name}: every operation ends in time, and says so"):
            with Listener(behave) as fake:
                probe = make_probe(build, folder, None, "rustfs", port=fake.port)
                slow = "in time" in words or "without an end" in name
                for operation in ("probe", "observe", "apply") if slow else OPERATIONS:
                    start = time.monotonic()
                    run = probe(operation, *WEB, seconds=2)
                    equal(run.status, status, f"{operation}: {run.output}")
                    contains(run.error, words, operation)
                    contains(run.error, "rustfs: ", operation)
                    check(time.monotonic() - start < 30, f"{operation} took {time.monotonic() - start:.1f} s")
    for name, garbage in (("HTML", answer("200 OK", b"<html><body>Welcome</body></html>")),
                          ("an empty answer", answer("200 OK")),
                          ("half of JSON", JSON_GARBAGE),
                          ("a JSON list", answer("200 OK", b"[]"))):
        with report.case(f"a server that answers {name} with 200: never taken for success"):
            with Listener(says(garbage)) as fake:
                probe = make_probe(build, folder, None, "rustfs", port=fake.port)
                for operation in ("probe", "observe", "observe-all", "apply", "retain", "destroy", "enclave-destroy"):
                    run = probe(operation, *WEB, seconds=2)
                    equal(run.status, 5, f"{operation}: {run.output}")
                    contains(run.error, "the answer is no JSON object; check services.rustfs.host, port", operation)
    with report.case("a clock 20 minutes off: both clocks are told"):
        late = email.utils.formatdate(time.time() + 1200, usegmt=True)
        text = answer("403 Forbidden", b"<Error><Code>RequestTimeTooSkewed</Code><Message>x</Message></Error>",
                      f"Date: {late}\r\n" + XML)
        with Listener(says(text)) as fake:
            probe = make_probe(build, folder, None, "rustfs", port=fake.port)
            for operation in ("probe", "apply", "verify"):
                run = probe(operation, *WEB)
                equal(run.status, 5, run.output)
                contains(run.error, "the clocks differ too much: here it is 20")
                contains(run.error, time.strftime("at the server %Y-%m-%d %H:%M:", time.gmtime(time.time() + 1200)))
    with report.case("a name that is not there, and TLS where there is none"):
        probe = make_probe(build, folder, None, "rustfs", port=1)
        equal(probe("observe", *WEB).status, 5)
        with Listener(lambda connection, _: connection.sendall(NOT_READY)) as fake:
            probe = make_probe(build, folder, None, "rustfs", port=fake.port, more=", tls: {mode: verify-full}")
            run = probe("observe", *WEB)
            equal(run.status, 5)
            contains(run.error, "no TLS connection")


def in_the_middle(report, server, build, folder, dialect, v):
    """Request N of an operation gets a bad answer, for every N: before the server got it, and after it."""
    direct = make_probe(build, folder, server, dialect)

    def before(operation):
        if operation[0] == "apply" and len(operation) == 3:
            direct.fine("destroy", *WEB, 9)
        else:
            direct.fine("destroy,apply", *WEB)
            Tenant(server, direct, *WEB).put("k")

    bad = {"closed": b"", "a 503": NOT_READY, "garbage": answer("200 OK", b"<html>"),
           "half an answer": b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"}
    kinds = [("before", "a 503"), ("behind", "closed"), ("before", "garbage"), ("before", "closed"),
             ("behind", "half an answer")]
    # What is done about them is the same in both dialects.
    for where, what in kinds if server.kind == "rustfs" else kinds[:2]:
        for operation in (("apply", *WEB), ("apply", *WEB, 1), ("retain", *WEB), ("destroy", *WEB)):
            with report.case(f"{v}: {what} at every request, {where} the server had it: {' '.join(map(str, operation))}"):
                before(operation)
                with Door(server.port, lambda *_: None) as door:
                    probe = make_probe(build, folder, server, dialect, port=door.port)
                    probe.fine(*operation)
                    requests = door.count
                want = state(server)
                for n in range(1, requests + 1):
                    before(operation)
                    with Door(server.port, lambda i, *_: (where, bad[what]) if i == n else None) as door:
                        probe = make_probe(build, folder, server, dialect, port=door.port)
                        run = probe(*operation, seconds=5)
                    if run.status == 0:
                        equal(state(server), want, f"success with request {n} of {requests} spoilt, but the state")
                    else:
                        equal(run.status, 5, f"request {n}: {run.output}")
                        direct.fine(*operation)
                        equal(state(server), want, f"request {n} of {requests} was spoilt, the state")
    direct.fine("destroy", *WEB, 9)


def stubborn(report, server, build, folder, dialect, v):
    """A server that says yes and does nothing."""
    yes = answer("200 OK")
    direct = make_probe(build, folder, server, dialect)
    for operation, what in ((("apply", *WEB), "is not as it should be though all was done for it"),
                            (("retain", *WEB), "is still enabled"), (("destroy", *WEB), "")):
        with report.case(f"{v}: a server that says yes to every change and does nothing: {operation[0]} is no success"):
            direct.fine("destroy", *WEB)
            if operation[0] != "apply":
                direct.fine("apply", *WEB)
                Tenant(server, direct, *WEB).put("k")
            with Door(server.port, lambda _, method, path: ("before", yes) if method in ("PUT", "DELETE") else None) as door:
                run = make_probe(build, folder, server, dialect, port=door.port)(*operation, timeout=60)
            equal(run.status, 5, run.output)
            contains(run.error, what)
    with report.case(f"{v}: a server that removes no object: said, and not tried for ever"):
        direct.fine("destroy", *WEB)
        direct.fine("apply", *WEB)
        Tenant(server, direct, *WEB).put("k")
        refusal = answer("200 OK", b"<DeleteResult><Error><Key>shop/web/k</Key><Code>AccessDenied</Code></Error>"
                                   b"</DeleteResult>", XML)
        with Door(server.port, lambda _, method, path: ("before", refusal) if method == "POST" else None) as door:
            run = make_probe(build, folder, server, dialect, port=door.port)("destroy", *WEB, timeout=60)
        equal(run.status, 2, run.output)
        contains(run.error, "the server removes none of the next 1 (shop/web/k: AccessDenied); look at the locks")
    with report.case(f"{v}: a server that says it removed objects and lists them again: said, and not tried for ever"):
        with Door(server.port, lambda _, method, path: ("before", answer("200 OK", b"<DeleteResult></DeleteResult>", XML))
                  if method == "POST" else None) as door:
            run = make_probe(build, folder, server, dialect, port=door.port)("destroy", *WEB, timeout=60)
        equal(run.status, 5, run.output)
        contains(run.error, "the server says that they are removed, and lists them again; look at the server")
    with report.case(f"{v}: a server that lists a key outside of the prefix: nothing of it is removed"):
        outside = answer("200 OK", b"<ListVersionsResult><IsTruncated>false</IsTruncated><Version><Key>bank/web/k</Key>"
                                   b"<VersionId>null</VersionId></Version></ListVersionsResult>", XML)
        with Door(server.port, lambda _, method, path: ("before", outside) if "versions=" in path else None) as door:
            run = make_probe(build, folder, server, dialect, port=door.port)("destroy", *WEB, timeout=60)
        equal(run.status, 5, run.output)
        contains(run.error, "the server listed a key outside")
    with report.case(f"{v}: a list that never ends is not counted for ever"):
        page = answer("200 OK", b"<ListVersionsResult><IsTruncated>true</IsTruncated><NextKeyMarker>k</NextKeyMarker>"
                                b"<Version><Key>shop/web/k</Key><Size>1</Size></Version></ListVersionsResult>", XML)
        with Door(server.port, lambda _, method, path: ("before", page) if "versions=" in path else None) as door:
            run = make_probe(build, folder, server, dialect, port=door.port)("observe", *WEB, seconds=2, timeout=60)
        equal((run.status, run.number("items")), (0, -1))
    direct.fine("destroy", *WEB)


def full(report, server, build, folder, dialect, v):
    with report.case(f"{v}: a disk that is full: try again, with what to do"):
        text = answer("507 Insufficient Storage", b"<Error><Code>XMinioStorageFull</Code></Error>", XML)
        with Door(server.port, lambda _, method, path: ("before", text) if method == "PUT" else None) as door:
            run = make_probe(build, folder, server, dialect, port=door.port)("apply", *WEB)
        equal(run.status, 5)
        contains(run.error, "the server's disks are full (HTTP 507 XMinioStorageFull); make room, then try again")


# What may be said of a change that a disk does not take. RustFS itself waits for its disk, without an end.
FULL = ("the server's disks are full (HTTP 507 XMinioStorageFull); make room, then try again",
        "the server's disks are full (HTTP 500 InternalError); make room, then try again",
        "look at the server's disks: full or read-only, RustFS answers no change")
READ_ONLY = (FULL[2], "look at the server's disks and its log", "of disks that are read-only MinIO says the same",
             "its policy does not allow it (AccessDenied); register it again")


def disks(report, build, folder, kind, dialect):
    """A real disk that is full, and then one that is read-only."""
    if fake_disk.reason():
        report.skip(f"{kind}: a full and a read-only disk", fake_disk.reason())
        return
    server = Server(kind)
    with fake_disk.Disk(server.data, 200) as disk, server:
        probe = make_probe(build, folder, server, dialect)
        for what, begin, end, words in (("full", disk.fill, disk.room, FULL),
                                        ("read-only", lambda: equal(disk.read_only(True), ""),
                                         lambda: equal(disk.read_only(False), ""), READ_ONLY)):
            with report.case(f"{kind}: a disk that is {what}: what reads works, what writes says what to do"):
                probe.fine("destroy,apply", *WEB)
                a = Tenant(server, probe, *WEB)
                a.put("k")
                want = state(server)
                begin()
                probe.fine("probe")
                equal(probe.fine("observe", *WEB).state, "applied")
                for operation in (("apply", "shop", "new"), ("verify", *WEB), ("apply", *WEB, 1), ("retain", *WEB),
                                  ("destroy", *WEB)):
                    run = probe(*operation, seconds=2, timeout=30)
                    check(run.status in (1, 2, 5), run.output)
                    check(any(w in run.error for w in words), f"{operation}: {run.error}")
                    check(run.seconds < 15, f"{operation} took {run.seconds:.1f} s with a limit of 2 s")
                equal(a.get("k").body, b"data")
                equal(probe.fine("observe", *WEB).state, "applied")
            with report.case(f"{kind}: a disk that was {what}: the next run works"):
                end()
                equal(state(server), want)
                # MinIO looks at its disk now and then only
                until(lambda: probe("apply,verify", *WEB, 1).status == 0, 30, "it works again", every=0.5)
                probe.fine("retain,apply,verify,destroy", *WEB, 1)
                equal(probe.fine("observe", *WEB, 1).state, "absent")
                probe.fine("apply,verify,destroy", "shop", "new")
    # what was mounted on was left by the server
    shutil.rmtree(server.folder, ignore_errors=True)


def main(build):
    report = Report()
    fake_disk.reason()
    folder = tempfile.mkdtemp(prefix="tentc-rustfs-")
    try:
        fakes(report, build, folder)
        for kind, dialect in pairs(report, "faults"):
            if (kind, dialect) == ("rustfs", "minio"):
                continue
            with Server(kind) as server:
                in_the_middle(report, server, build, folder, dialect, kind)
                stubborn(report, server, build, folder, dialect, kind)
                full(report, server, build, folder, dialect, kind)
            disks(report, build, folder, kind, dialect)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return report.end()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
