#!/usr/bin/env python3
"""What hostile, broken and slow clients get from the webhook, and what good ones get meanwhile.

    test_hostile.py BUILD_DIR [CASE]...

The server is BUILD_DIR/tests/e2e/serve_probe: the real one, without a cluster. Each case says what it proves. The server
has to be alive at the end, with the memory, the threads and the sockets that it had, and to end with status 0 on SIGTERM.
"""
import json
import os
import resource
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import warnings

from report import Report, check

warnings.simplefilter("ignore", DeprecationWarning)  # of old TLS versions, which are asked for on purpose

REQUEST_SECONDS = 2
IDLE_SECONDS = 4
CONNECTIONS = 1000
CROWD = 10000
BODY_MAX = 7 << 20
# As deploy/deployment.yaml reckons: bodies on their way, and what each worker holds at most while it makes an answer.
WORKERS, BASE_KB, BODIES_KB, REVIEW_KB = 2, 24 << 10, 32 << 10, 64 << 10


def review(name="web", size=0):
    containers = [{"name": "web", "image": "web:1", "env": [{"name": "PAD", "value": "x" * size}]}]
    return json.dumps({
        "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
        "request": {
            "uid": "705ab4f5-6393-11e8-b7cc-42010a800002", "operation": "CREATE",
            "kind": {"group": "apps", "version": "v1", "kind": "Deployment"},
            "resource": {"group": "apps", "version": "v1", "resource": "deployments"},
            "name": name, "namespace": "shop", "userInfo": {"username": "admin"}, "oldObject": None, "dryRun": False,
            "object": {
                "apiVersion": "apps/v1", "kind": "Deployment",
                "metadata": {"name": name, "namespace": "shop", "annotations": {
                    "tentacular.io/contract": "version: \"1\"\ndependencies:\n  tentacular-postgres:\n"}},
                "spec": {"selector": {"matchLabels": {"app": name}}, "template": {
                    "metadata": {"labels": {"app": name}}, "spec": {"containers": containers}}}}}}).encode()


def request(body, path="/mutate", method="POST", version="1.1", headers=(), length=True, kind="application/json"):
    lines = [f"{method} {path} HTTP/{version}", "Host: localhost"]
    if kind:
        lines.append(f"Content-Type: {kind}")
    if length:
        lines.append(f"Content-Length: {len(body)}")
    lines.extend(headers)
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


def chunk(data):
    return b"%x\r\n%s\r\n" % (len(data), data)


class Server:
    def __init__(self, program, folder, log=None):
        self.program = program
        self.cert = os.path.join(folder, "tls.crt")
        with open(program, "rb") as f:
            code = f.read()
        self.sanitized = b"__tsan" in code or b"__asan" in code
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-keyout", os.path.join(folder, "tls.key"), "-out", self.cert, "-days", "2", "-subj",
                        "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"],
                       check=True, stderr=subprocess.DEVNULL)
        self.process = subprocess.Popen(
            [program, folder, f"request={REQUEST_SECONDS}", f"idle={IDLE_SECONDS}", f"connections={CONNECTIONS}",
             f"threads={WORKERS}", f"log={1 if log else 0}"],
            stdout=subprocess.PIPE, stderr=log, text=True)
        self.port = int(self.process.stdout.readline().split()[1])
        self.metrics_port = int(self.process.stdout.readline().split()[1])
        self.context = ssl.create_default_context(cafile=self.cert)

    def status(self, key):
        with open(f"/proc/{self.process.pid}/status") as f:
            for line in f:
                if line.startswith(key + ":"):
                    return int(line.split()[1])
        raise KeyError(key)

    def sockets(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def cpu(self):
        with open(f"/proc/{self.process.pid}/stat") as f:
            fields = f.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def raw(self):
        return socket.create_connection(("127.0.0.1", self.port), timeout=20)

    def tls(self, context=None):
        return (context or self.context).wrap_socket(self.raw(), server_hostname="localhost")

    def metric(self, name):
        s = socket.create_connection(("127.0.0.1", self.metrics_port), timeout=20)
        s.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
        for line in read_all(s).decode().splitlines():
            if line.startswith(name + " "):
                return float(line.split()[1])
        raise KeyError(name)


def read_all(s):
    """Everything up to the end, clean or not."""
    data = b""
    try:
        while True:
            more = s.recv(65536)
            if not more:
                return data
            data += more
    except (OSError, ssl.SSLError):
        return data


class Answers:
    """Reads one answer after the other."""

    def __init__(self, s):
        self.s, self.data = s, b""

    def next(self, bodyless=False):
        while b"\r\n\r\n" not in self.data:
            self.more()
        head, self.data = self.data.split(b"\r\n\r\n", 1)
        lines = head.decode().split("\r\n")
        headers = {k.lower(): v for k, v in (line.split(": ", 1) for line in lines[1:])}
        length = 0 if bodyless else int(headers["content-length"])
        while len(self.data) < length:
            self.more()
        body, self.data = self.data[:length], self.data[length:]
        return int(lines[0].split()[1]), headers, body

    def more(self):
        got = self.s.recv(65536)
        if not got:
            raise EOFError(f"closed after {self.data[:200]!r}")
        self.data += got


def statuses(data):
    """Of all answers in what came."""
    return [int(part[:3]) for part in data.split(b"HTTP/1.1 ")[1:]]


def ask(server, data):
    """One request on a connection of its own; the status, 0 when the connection ended without one."""
    with server.tls() as s:
        try:
            s.sendall(data)
        except OSError:
            pass
        got = statuses(read_some(s))
        return got[0] if got else 0


def read_some(s):
    """Up to the end of the first answer, or of the connection."""
    try:
        status, _, body = Answers(s).next()
        return b"HTTP/1.1 %d " % status + body
    except (EOFError, OSError, ssl.SSLError):
        return b""


def good(server):
    """A good client is served, and how long it took."""
    start = time.monotonic()
    with server.tls() as s:
        s.sendall(request(review()))
        status, headers, body = Answers(s).next()
    took = time.monotonic() - start
    check(status == 200 and headers["content-type"] == "application/json", f"a good review got {status} {body!r}")
    answer = json.loads(body)["response"]
    check(answer["allowed"] and answer["patch"], f"a good review got {answer}")
    return took


def ended_in(s, most, least=0.0):
    """The server ends the connection, not before and not after."""
    start = time.monotonic()
    s.settimeout(most + 5)
    read_all(s)
    took = time.monotonic() - start
    check(least <= took <= most, f"ended after {took:.1f} s, expected {least} to {most}")


# --- the cases: each gets the server --------------------------------------------------------------------------------------


def test_answers(server):
    """Each mistake gets the status that names it, with one line that says what to do."""
    r = review()
    for want, data in (
            (200, request(r)),
            (200, request(r, path="/mutate?timeout=5s")),
            (200, request(r, kind="application/json; charset=utf-8")),
            (200, request(r, kind="APPLICATION/JSON")),
            (415, request(r, kind="application/jsonx")),
            (415, request(r, kind="text/plain")),
            (415, request(r, kind=None)),
            (415, request(r, headers=("Content-Type: text/plain",))),
            (415, request(r, headers=("Content-Encoding: gzip",))),
            (400, request(b"")),
            (400, request(b"{}")),
            (400, request(b"[" * 100000)),
            (400, request(b'{"a":' * 65 + b"1" + b"}" * 65)),
            (400, request(r.replace(b"web:1", b"web\xff1"))),
            (400, request(r + b"x")),
            (400, request(r[:-1])),
            (400, request(r.replace(b'"CREATE"', b"NaN"))),
            (404, request(r, path="/")),
            (404, request(r, path="/mutate/")),
            (404, request(r, path="/metrics", method="GET")),
            (405, request(r, path="/mutate", method="PUT")),
            (405, request(b"", path="/mutate", method="GET")),
            (405, request(b"", path="/readyz", method="DELETE")),
            (200, request(b"", path="/readyz", method="GET")),
            (413, request(b"x" * (BODY_MAX + 1))),
    ):
        got = ask(server, data)
        check(got == want, f"{data[:120]!r} got {got}, expected {want}")
    with server.tls() as s:
        answers = Answers(s)
        s.sendall(request(b"", method="GET"))
        status, headers, body = answers.next()
        check(status == 405 and headers["allow"] == "POST" and body == b"/mutate takes POST only\n", f"{headers} {body!r}")
        s.sendall(request(b"", path="/healthz", method="HEAD"))
        status, headers, body = answers.next(bodyless=True)
        check(status == 200 and headers["content-length"] == "3", f"HEAD got {status} {headers}")
        s.sendall(request(b"", path="/healthz", method="GET"))
        check(answers.next()[2] == b"ok\n", "GET after HEAD on one connection")


def test_limits(server):
    """Bodies and heads over the limit: refused at once when they say so, and when they turn out so if they don't."""
    start = time.monotonic()
    with server.tls() as s:
        s.sendall(request(b"", length=False, headers=(f"Content-Length: {BODY_MAX + 1}",)))
        status, headers, body = Answers(s).next()
    check(status == 413 and headers["connection"].lower() == "close", f"got {status} {headers}")
    check(body == b"the body has 7340033 bytes; at most 7340032 are read\n", f"{body!r}")
    check(time.monotonic() - start < 1, "the answer did not come at once")
    pad = chunk(b" " * 65536)
    check(ask(server, request(b"", length=False, headers=("Transfer-Encoding: chunked",)) + pad * 113 + b"0\r\n\r\n") == 413,
          "a chunked body over the limit")
    with server.tls() as s:  # endless: ends, with or without an answer
        s.sendall(request(b"", length=False, headers=("Transfer-Encoding: chunked",)))
        try:
            for _ in range(1000):
                s.sendall(pad)
            raise AssertionError("an endless body was read to the end")
        except (OSError, ssl.SSLError):
            pass
    whole = review(size=BODY_MAX - len(review()))
    check(len(whole) == BODY_MAX and ask(server, request(whole)) == 200, "a body of exactly the limit")
    for want, head in (((431, 413, 0), "X: " + "a" * 70000), ((431, 413, 0), "\r\n".join(f"X-{i}: a" for i in range(20000))),
                       ((431, 413, 414, 0), None)):
        data = request(b"", path="/" + "a" * 70000) if head is None else request(b"", headers=(head,))
        got = ask(server, data)
        check(got in want, f"a head too large got {got}")


def test_lengths(server):
    """Lengths that lie, and two ways to tell a length: nothing behind them is ever read as a request of its own."""
    smuggled = request(b"", path="/version", method="GET")
    r = review()
    for name, want, data in (
            ("too short", (400,), request(r, length=False, headers=(f"Content-Length: {len(r) - 100}",))),
            ("two equal", (400,), request(r, headers=(f"Content-Length: {len(r)}",)) + smuggled),
            ("two different", (400,), request(r, headers=("Content-Length: 1",)) + smuggled),
            ("negative", (400,), request(r, length=False, headers=("Content-Length: -1",)) + smuggled),
            ("plus", (400,), request(r, length=False, headers=("Content-Length: +5",)) + smuggled),
            ("hex", (400,), request(r, length=False, headers=("Content-Length: 0x10",)) + smuggled),
            ("a list", (400,), request(r, length=False, headers=("Content-Length: 5, 5",)) + smuggled),
            ("huge", (413, 400), request(r, length=False, headers=("Content-Length: " + "9" * 30,)) + smuggled),
            ("2^64", (413, 400), request(r, length=False, headers=("Content-Length: 18446744073709551616",)) + smuggled),
            ("empty", (400, 415), request(r, length=False, headers=("Content-Length:",)) + smuggled),
            ("TE and CL", (400,), request(b"0\r\n\r\n", headers=("Transfer-Encoding: chunked",)) + smuggled),
            ("CL.TE", (400,), request(b"", length=False, headers=("Transfer-Encoding: chunked", "Content-Length: 3")) +
             b"0\r\n\r\n" + smuggled),
            ("TE twice", (400,), request(b"", length=False, headers=("Transfer-Encoding: chunked",
                                                                    "Transfer-Encoding: identity")) + smuggled),
            ("TE unknown", (400, 501), request(b"", length=False, headers=("Transfer-Encoding: xchunked",)) + smuggled),
            ("TE list", (400, 501), request(b"", length=False, headers=("Transfer-Encoding: gzip, chunked",)) + smuggled),
            ("space before colon", (400,), request(r, length=False, headers=("Content-Length : 5",)) + smuggled),
    ):
        with server.tls() as s:
            s.settimeout(REQUEST_SECONDS + 3)
            try:
                s.sendall(data)
            except OSError:
                pass
            got = statuses(read_all(s))
            # libmicrohttpd 0.9.75 sends the head of such an answer twice, and then closes.
            check(len(set(got)) <= 1 and all(g in want for g in got), f"{name}: got {got}, expected {want} or a close")
    with server.tls() as s:  # longer than what comes
        s.sendall(request(r, length=False, headers=(f"Content-Length: {len(r) + 100}",)))
        ended_in(s, REQUEST_SECONDS + 1, REQUEST_SECONDS - 0.5)


def test_chunks(server):
    """Chunks that are none end the connection; those that are right are a body."""
    head = request(b"", length=False, headers=("Transfer-Encoding: chunked",))
    r = review()
    check(ask(server, head + chunk(r[:10]) + chunk(r[10:]) + b"0\r\n\r\n") == 200, "a chunked review")
    check(ask(server, head + b"".join(chunk(r[i:i + 1]) for i in range(len(r))) + b"0\r\n\r\n") == 200,
          "a review in chunks of one byte")
    for garbage in (b"zz\r\n", b"-1\r\nabc\r\n", b"5\r\nab", b"ffffffffffffffffff\r\n", b"5\r\nabcdefgh\r\n0\r\n\r\n",
                    b"\r\n\r\n\r\n", os.urandom(5000), b"5" * 5000, b"1;" + b"x" * 60000):
        with server.tls() as s:
            s.settimeout(REQUEST_SECONDS + 3)
            try:
                s.sendall(head + garbage)
            except OSError:
                pass
            got = statuses(read_all(s))
            # 500 is libmicrohttpd's answer to an extension of a chunk that is longer than its buffer.
            check(len(got) <= 1 and all(g in (400, 413, 431, 500) for g in got), f"{garbage[:20]!r} got {got}")


def test_versions(server):
    """HTTP/1.0 is answered, TLS before 1.2 is not, nor is plain HTTP; the server agrees to http/1.1 only."""
    with server.tls() as s:
        s.sendall(request(review(), version="1.0"))
        check(statuses(read_all(s)) == [200], "HTTP/1.0")
    check(ask(server, request(review(), version="2.0")) in (505, 400), "HTTP/2.0")
    with server.raw() as s:
        s.sendall(request(review()))
        check(b"HTTP" not in read_all(s), "plain HTTP on the TLS port")
    for version in (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1):
        old = ssl.create_default_context(cafile=server.cert)
        old.set_ciphers("ALL:@SECLEVEL=0")
        old.minimum_version = old.maximum_version = version
        try:
            with server.tls(old):
                raise AssertionError(f"{version} was accepted")
        except (ssl.SSLError, ConnectionError):
            pass
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        new = ssl.create_default_context(cafile=server.cert)
        new.minimum_version = new.maximum_version = version
        new.set_alpn_protocols(["h2", "http/1.1"])
        with server.tls(new) as s:
            check(s.selected_alpn_protocol() == "http/1.1", f"ALPN chose {s.selected_alpn_protocol()}")
            s.sendall(request(review()))
            check(Answers(s).next()[0] == 200, f"{version}")


def test_renegotiation(server):
    """A client that wants to renegotiate is cut off, and the server goes on."""
    for _ in range(20):
        client = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{server.port}", "-tls1_2", "-quiet"],
                                input=b"R\n" * 3, capture_output=True, timeout=20, check=False)
        check(b"HTTP/1.1 2" not in client.stdout, "a request got through")
    good(server)


def test_pipelining(server):
    """Requests that come at once are answered in their order, each once."""
    names = [f"web-{i}" for i in range(50)]
    with server.tls() as s:
        thread = threading.Thread(target=lambda: s.sendall(b"".join(request(review(n)) for n in names)))
        thread.start()
        answers = Answers(s)
        for name in names:
            status, _, body = answers.next()
            check(status == 200, f"{name} got {status}")
        thread.join()


def test_slow_handshake(server):
    """A handshake that never ends is ended, and waiting for it costs no CPU."""
    socks = [server.raw() for _ in range(20)]
    for s in socks[10:]:
        s.sendall(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
    before, start = server.cpu(), time.monotonic()
    time.sleep(1)
    used = (server.cpu() - before) / (time.monotonic() - start)
    check(used < 0.2, f"20 silent handshakes used {used:.0%} of a core")
    for s in socks:
        ended_in(s, REQUEST_SECONDS)
        s.close()
    with server.raw() as s:  # byte by byte: each byte is activity
        start = time.monotonic()
        try:
            for b in b"\x16\x03\x01\x02\x00\x01" + b"\x00" * 1000:
                s.sendall(bytes([b]))
                time.sleep(0.05)
        except OSError:
            pass
        check(time.monotonic() - start < REQUEST_SECONDS + 1, "a trickled handshake lived on")


def trickle(server, data, first=b""):
    """Sends a byte every 50 ms; how long the server bore it."""
    with server.tls() as s:
        if first:
            s.sendall(first)
            Answers(s).next()
        start = time.monotonic()
        s.setblocking(True)
        try:
            for b in data:
                s.sendall(bytes([b]))
                time.sleep(0.05)
        except OSError:
            pass
        return time.monotonic() - start


def test_slow_request(server):
    """Slow heads and bodies are cut after the time of a whole request, first ones and later ones."""
    head = request(b"", headers=tuple(f"X-{i}: a" for i in range(100)))
    body = request(review())
    results = {}

    def one(name, *args):
        results[name] = trickle(server, *args)

    threads = [threading.Thread(target=one, args=a) for a in (
        ("head", head), ("body", body[-1000:], b""), ("later head", head, request(review())))]
    for t in threads:
        t.start()
    check(good(server) < 1, "a good client waited")
    for t in threads:
        t.join()
    for name, took in results.items():
        check(took < REQUEST_SECONDS + 1.5, f"a slow {name} lived {took:.1f} s")
    with server.tls() as s:
        s.sendall(body[:-1])
        ended_in(s, REQUEST_SECONDS + 1, REQUEST_SECONDS - 0.5)


def test_slow_reader(server):
    """A client that does not take its answer is cut too."""
    s = server.raw()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    t = server.context.wrap_socket(s, server_hostname="localhost")
    t.settimeout(1)
    many = request(review(size=1000)) * 2000
    try:
        t.sendall(many)
    except OSError:
        pass
    time.sleep(REQUEST_SECONDS + 1)
    check(server.metric("tentc_connections") <= 1, "the slow reader is still there")
    t.close()


def test_idle(server):
    """Between requests a connection may rest, and no longer than it may."""
    with server.tls() as s:
        s.sendall(request(review()))
        answers = Answers(s)
        answers.next()
        time.sleep(IDLE_SECONDS - 1.5)
        s.sendall(request(review()))
        check(answers.next()[0] == 200, "a rested connection")
        ended_in(s, IDLE_SECONDS + 1, IDLE_SECONDS - 1)


def test_half_closed(server):
    """Ends in the middle: of TCP, of TLS, of a request. What was asked whole is answered."""
    with server.raw() as s:
        s.shutdown(socket.SHUT_WR)
        ended_in(s, 1)
    with server.raw() as s:
        s.sendall(b"\x16\x03\x01\x02\x00")
        s.shutdown(socket.SHUT_WR)
        ended_in(s, 1)
    with server.tls() as s:  # TCP ends behind a whole request, without a close_notify
        s.sendall(request(review()))
        socket.socket.shutdown(s, socket.SHUT_WR)
        ended_in(s, REQUEST_SECONDS + 1)
    for cut in (10, 200, -1):
        with server.tls() as s:
            s.sendall(request(review())[:cut])
            socket.socket.shutdown(s, socket.SHUT_WR)
            ended_in(s, REQUEST_SECONDS + 1)
    s = server.tls()
    s.sendall(request(review())[:100])
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    s.close()  # a reset


def test_crowd(server):
    """Ten thousand connections that want nothing: good clients are served, those that hold one are left alone."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    keeper = server.tls()
    answers = Answers(keeper)
    keeper.sendall(request(review()))
    answers.next()
    crowd, longest = [], 0.0
    for i in range(CROWD):
        try:
            crowd.append(server.raw())
            if i % 10 == 0:
                crowd[-1].sendall(b"\x16\x03\x01\x02\x00\x01")
        except OSError:
            pass
        if i % 500 == 0:
            longest = max(longest, good(server))
            keeper.sendall(request(review()))
            check(answers.next()[0] == 200, "the connection of a good client")
    check(longest < 2, f"a good client waited {longest:.1f} s")
    check(len(crowd) > CROWD / 2, f"only {len(crowd)} connections were made")
    open_now = server.metric("tentc_connections")
    check(open_now <= CONNECTIONS * 1.25 + 16, f"{open_now} connections are open, the limit is {CONNECTIONS}")
    for s in crowd:
        s.close()
    keeper.close()


def test_shaken_crowd(server):
    """The same with whole handshakes, which cost more: more than the limit, all of them silent."""
    crowd = []
    for i in range(CONNECTIONS + 200):
        try:
            crowd.append(server.tls())
        except (OSError, ssl.SSLError):
            pass
        if i % 200 == 0:
            check(good(server) < 2, "a good client waited")
    for s in crowd:
        s.close()


def test_large_together(server):
    """Many large bodies at once: answered or put off, in bounded memory."""
    pad = b" " * (BODY_MAX - 1)
    results = []

    def one():
        results.append(ask(server, request(pad + b"x")))

    threads = [threading.Thread(target=one) for _ in range(60)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    check(all(r in (0, 400, 503) for r in results), f"got {results}")
    check(good(server) < 2, "a good client waited")


def test_large_reviews(server):
    """Large reviews that are valid, many at once: answered or put off, within what deploy/deployment.yaml reckons with."""
    small = json.loads(review())
    small["request"]["object"]["x"] = [{}] * 590000
    body = json.dumps(small, separators=(",", ":")).encode().ljust(BODY_MAX)
    data, results = request(body), []
    with open(f"/proc/{server.process.pid}/clear_refs", "w") as f:
        f.write("5")  # the highest so far is forgotten

    def one():
        results.append(ask(server, data))

    threads = [threading.Thread(target=one) for _ in range(30)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    check(200 in results and all(r in (0, 200, 503) for r in results), f"got {results}")
    most = server.status("VmHWM")
    check(server.sanitized or most <= BASE_KB + BODIES_KB + WORKERS * REVIEW_KB, f"{most} KiB were used")
    check(good(server) < 2, "a good client waited")


def test_refusals_are_logged(server):
    """What is refused is in the log with its status and why, and a flood of it is counted."""
    r = review()
    with tempfile.TemporaryDirectory() as folder, open(os.path.join(folder, "log"), "w+") as log:
        logging = Server(server.program, folder, log)
        try:
            for data in (request(b"x" * (BODY_MAX + 1)), request(r, kind="text/plain"), request(b"{}"), request(r, path="/x")):
                ask(logging, data)
            time.sleep(1.1)
            for _ in range(40):
                ask(logging, request(b"[]"))
            time.sleep(1.1)
            ask(logging, request(b"[]"))
        finally:
            logging.process.terminate()
            status = logging.process.wait(timeout=30)
        check(status == 0, f"status {status}")
        log.seek(0)
        lines = [line.split(" ", 1)[1].rstrip() for line in log if " refused " in line]
    check(lines[:4] == [
        'warn refused status=413 why="the body has 7340033 bytes; at most 7340032 are read"',
        'warn refused status=415 why="the Content-Type is not JSON; send application/json"',
        'warn refused status=400 why="1:1: found nothing as kind, expected \\"AdmissionReview\\""',
        'warn refused status=404 why="nothing is served at this path; admission is at /mutate"'], f"{lines[:4]}")
    left_out = sum(int(line.rsplit("=", 1)[1]) for line in lines[4:] if "left_out=" in line)
    check(len(lines) - 4 + left_out == 41 and all("expected an AdmissionReview" in line for line in lines[4:]), f"{lines[4:]}")


CASES = [value for name, value in globals().items() if name.startswith("test_")]


def settle(server, sockets=None):
    """Until only the listening ones are left."""
    for _ in range(100):
        time.sleep(0.05)
        if server.metric("tentc_connections") == 0:
            time.sleep(0.05)  # that question had a connection too
            if sockets in (None, server.sockets()):
                return
    raise AssertionError(f"{server.metric('tentc_connections'):.0f} connections and {server.sockets()} files are left, "
                         f"there were {sockets} files")


def whole(server, case, threads, sockets):
    """A case, and that nothing of it stays."""
    case(server)
    check(server.process.poll() is None, f"the server ended with {server.process.returncode}")
    check(good(server) < 2, "a good client waited behind it")
    settle(server, sockets)
    check(server.status("Threads") == threads, f"{server.status('Threads')} threads, there were {threads}")


def memory_flat(server):
    """What the cases did once may stay as a cache; done again, nothing more may come."""
    time.sleep(2)
    before = server.status("RssAnon")
    for case in (test_answers, test_limits, test_half_closed, test_shaken_crowd, test_large_together):
        case(server)
    settle(server)
    time.sleep(2)
    after = server.status("RssAnon")
    check(after <= before * 1.25 + 2048, f"{before} KiB after the first round, {after} KiB after the second")
    check(after <= 32768, f"{after} KiB are kept")


def ends(server):
    """SIGTERM ends it with status 0 while connections hang in every state."""
    hanging = [server.raw(), server.tls(), server.raw(), server.tls()]
    hanging[2].sendall(b"\x16\x03\x01")
    hanging[3].sendall(request(review())[:50])
    time.sleep(0.2)
    start = time.monotonic()
    server.process.send_signal(signal.SIGTERM)
    status = server.process.wait(timeout=30)
    took = time.monotonic() - start
    check(status == 0 and took < 10, f"status {status} after {took:.1f} s")


def main():
    program = os.path.join(sys.argv[1], "tests/e2e/serve_probe")
    names = sys.argv[2:]
    report = Report()
    if not os.path.exists(program):
        report.skip("hostile clients", f"{program} is not built")
        return report.end()
    with tempfile.TemporaryDirectory() as folder:
        server = Server(program, folder)
        try:
            for _ in range(200):
                good(server)
            settle(server)
            threads, sockets = server.status("Threads"), server.sockets()
            for case in CASES:
                if not names or case.__name__ in names:
                    with report.case(case.__doc__.split("\n")[0].rstrip(".")):
                        whole(server, case, threads, sockets)
            if server.sanitized:
                report.skip("memory stays flat", "the sanitizer keeps memory of its own")
            elif not names:
                with report.case("memory stays flat over a second round"):
                    memory_flat(server)
            with report.case("SIGTERM ends it with status 0 while connections hang in every state"):
                ends(server)
        finally:
            if server.process.poll() is None:
                server.process.kill()
    return report.end()


sys.exit(main())
