"""What a tentacle feels in RustFS and MinIO when its credential's epoch is raised: requests with the old and the new secret
key, transfers that are on their way, links that were signed before, uploads in parts. What docs/rustfs.md says of it is
tried here, and the times are printed."""

import http.client
import os
import shutil
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from rustfs_tests import Tenant, make_probe, pairs  # noqa: E402
from report import Report, check, equal  # noqa: E402
from s3_server import Server  # noqa: E402

WEB = ("shop", "web")
BIG = os.urandom(1 << 20) * 48  # more than sockets hold
REFUSED = "SignatureDoesNotMatch"


class Requests:
    """Reads all the time, with the old secret key and then with the new one."""

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
            old = self.old.get("small")
            between = time.monotonic()
            self.rounds.append((begun, old.status, between, self.new.get("small").status))


class Download:
    """By a signed link, of which a part is read."""

    def __init__(self, server, link):
        self.connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
        self.connection.request("GET", link)
        self.answer = self.connection.getresponse()
        equal(self.answer.status, 200, "the download")
        self.data = self.answer.read(1000)

    def rest(self):
        data = self.data + self.answer.read()
        self.connection.close()
        return data


class Upload:
    """By a signed link, of which a part is sent."""

    def __init__(self, server, link, data):
        self.connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
        self.connection.putrequest("PUT", link)
        self.connection.putheader("Content-Length", str(len(data)))
        self.connection.endheaders(data[: len(data) // 2])
        self.left = data[len(data) // 2 :]
        time.sleep(0.5)

    def rest(self):
        self.connection.send(self.left)
        status = self.connection.getresponse().status
        self.connection.close()
        return status


def rotation(report, server, build, folder, dialect, v):
    probe = make_probe(build, folder, server, dialect)
    probe.fine("apply,verify", *WEB)
    old, new = Tenant(server, probe, *WEB), Tenant(server, probe, *WEB, epoch=1)
    old.put("small", b"tea")
    old.put("big", BIG)
    links = {method: old.s3.presign(method, old.path("small" if method == "GET" else "link")) for method in ("GET", "PUT")}
    equal(old.s3.follow("GET", links["GET"]).body, b"tea")
    download = Download(server, old.s3.presign("GET", old.path("big")))
    upload = Upload(server, old.s3.presign("PUT", old.path("up")), BIG)
    parts = old.begin_upload("parts")
    tags = [old.part("parts", parts, 1, BIG[: 5 << 20])]
    with report.case(f"{v}: rotation: requests go from the old secret key to the new one at a stroke"):
        with Requests(Tenant(server, probe, *WEB), Tenant(server, probe, *WEB, epoch=1)) as requests:
            time.sleep(0.2)
            begun = time.monotonic()
            run = probe.fine("apply,verify", *WEB, 1)
            ended = time.monotonic()
            time.sleep(0.2)
        for at, with_old, between, with_new in requests.rounds:
            check(with_old in (200, 403) and with_new in (200, 403), f"{with_old}, {with_new}")
            check(with_old == 200 or with_new == 200, "there was a moment for neither secret key")
            check(at < ended or with_old == 403, "the old secret key was good after apply had ended")
            check(between > begun or with_new == 403, "the new secret key was good before apply had begun")
        check(requests.rounds[0][1] == 200 and requests.rounds[-1][1] == 403, "too few requests")
        print(f"{v}: apply and verify of a rotation: {(ended - begun) * 1000:.0f} ms; {len(requests.rounds)} rounds of "
              "requests beside it", flush=True)
        equal(run.steps[0], "write the user tent_shop_web")
    with report.case(f"{v}: rotation: a connection that is open is refused too"):
        check(old.s3.connection, "the connection is open")
        equal(old.refused(), REFUSED)
    with report.case(f"{v}: rotation: links that the old secret key signed are refused, to read and to write"):
        for method, link in links.items():
            answer = old.s3.follow(method, link, b"x" if method == "PUT" else b"")
            equal((answer.status, answer.code), (403, REFUSED), method)
        equal(new.get("link").status, 404)
    with report.case(f"{v}: rotation: transfers that are on their way end well"):
        check(download.rest() == BIG, "the download")
        equal(upload.rest(), 200, "the upload")
        check(new.get("up").body == BIG, "what was uploaded")
    with report.case(f"{v}: rotation: an upload in parts goes on with the new secret key, and not with the old one"):
        answer = old.s3.put(old.path("parts"), b"end", {"partNumber": "2", "uploadId": parts})
        equal((answer.status, answer.code), (403, REFUSED))
        tags.append(new.part("parts", parts, 2, b"end"))
        equal(new.end_upload("parts", parts, tags).status, 200)
        check(new.get("parts").body == BIG[: 5 << 20] + b"end", "what was uploaded")
    with report.case(f"{v}: undeployed: a download that is on its way ends well, links and requests are refused"):
        link = new.s3.presign("GET", new.path("small"))
        download = Download(server, new.s3.presign("GET", new.path("big")))
        probe.fine("retain", *WEB, 1)
        check(download.rest() == BIG, "the download")
        equal(new.s3.follow("GET", link).status, 403)
        check(new.refused() != "", "a request")
    probe.fine("destroy", *WEB, 1)


def main(build):
    report = Report()
    for kind, dialect in pairs(report, "rotation"):
        folder = tempfile.mkdtemp(prefix="tentc-rustfs-")
        try:
            with Server(kind) as server:
                rotation(report, server, build, folder, dialect, kind if kind == dialect else f"{kind}, dialect {dialect}")
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    return report.end()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
