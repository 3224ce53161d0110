"""test_kube_hostile.py BUILD - kube/ against answers that no API server gives: a scripted server gives them."""

import os
import re
import shutil
import socket
import sys
import tempfile
import time

from probe import Fake, Probe, config_map, config_map_list
from report import Report, check, contains, equal, until

CMS = "/api/v1/namespaces/default/configmaps"
MIB = 1 << 20


def is_watch(path):
    return "watch=1" in path


def bad_answers(report, folder, probe):
    """Each is one answer to a GET, and what is said about it."""

    def too_long(h, *_):
        h.stream()
        try:
            for _ in range(100):
                h.wfile.write(b"x" * MIB)
        except OSError:
            pass

    def endless_headers(h, *_):
        h.wfile.write(b"HTTP/1.1 200 OK\r\n" + b"".join(b"X-%d: %s\r\n" % (i, b"y" * 1000) for i in range(1000)))

    def raw(text):
        return lambda h, *_: h.wfile.write(text)

    start = f"GET {CMS}: "
    cases = [
        ("no HTTP at all", raw(b"hello\r\n\r\n"), "what answers there does not speak HTTP", 5),
        ("nothing", raw(b""), "the connection was closed without an answer", 5),
        ("half of an answer", raw(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"),
         "the connection was closed in the middle of the answer", 5),
        ("100 MiB", too_long, "the answer is larger than 64 MiB", 5),
        ("headers without an end", endless_headers, "the answer has more than 65536 bytes of headers", 5),
        ("text", lambda h, *_: h.send(200, "hunter2"), "the answer is no JSON object", 5),
        ("half an object", lambda h, *_: h.send(200, '{"a": "hunter2'), "the answer is no JSON object", 5),
        ("a million brackets", lambda h, *_: h.send(200, "[" * 1000000), "the answer is no JSON object", 5),
        ("bad UTF-8", lambda h, *_: h.send(200, b'{"a":"\xff"}'), "the answer is no JSON object", 5),
        ("a redirect", lambda h, *_: h.send(302, "", [("Location", "http://127.0.0.1:9/")]),
         "302; \"server\" is not an API server's address", 2),
        ("a page of a proxy", lambda h, *_: h.send(502, "<html>\r\nx</html>", kind="text/html"),
         "502 Bad Gateway: <html>", 5),
        ("a Status of wrong types", lambda h, *_: h.send(503, {"reason": [], "message": {}, "details": "x", "code": {}}),
         "503 Service Unavailable", 5),
    ]
    for name, script, why, code in cases:
        with report.case(f"answer to a call: {name}"), Fake(folder, script) as fake:
            refused = probe.run(fake.kubeconfig, "get", CMS)
            check(refused["error"].startswith(start) and why in refused["error"], refused["error"])
            equal(refused["code"], code)
            # libcurl tries a kept connection once more, but never a new one.
            equal(len(fake.requests), 1, "number of requests")

    with report.case("Retry-After is handed on"):
        with Fake(folder, lambda h, *_: h.send(429, "{}", [("Retry-After", "7")])) as fake:
            refused = probe.run(fake.kubeconfig, "get", CMS)
            equal((refused["status"], refused["retry"], refused["retry_after"]), (429, True, 7))


def paged(objects):
    """A server with these: limit and continue as the API server has them; a watch says nothing."""
    def script(h, n, path):
        if is_watch(path):
            h.stream()
            time.sleep(1)
            return
        limit = int(re.search(r"limit=(\d+)", path)[1])
        start = int((re.search(r"continue=(\d+)", path) or [0, 0])[1])
        end = start + limit if limit else len(objects)
        h.send(200, config_map_list(*objects[start:end], version="7", more=str(end) if end < len(objects) else None))

    return script


def lists(report, folder, probe):
    def expiring(h, n, path):
        if "limit=0" in path:
            h.send(200, config_map_list(config_map("whole"), version="9"))
        elif "continue=" in path:
            h.send(410, {"reason": "Expired", "code": 410})
        else:
            h.send(200, config_map_list(config_map("half"), version="8", more="a b&c"))

    with report.case("pages that expire in the middle: all at once, then"), Fake(folder, expiring) as fake:
        listed = probe.run(fake.kubeconfig, "list", CMS + "?labelSelector=a")
        equal((listed["count"], listed["version"], listed["first"]["metadata"]["name"]), (1, "9", "whole"))
        equal([path for _, path in fake.requests],
              [f"{CMS}?labelSelector=a&{rest}" for rest in ("limit=100", "limit=500&continue=a%20b%26c", "limit=0")])

    with report.case("pages that are too large are asked for in pieces, and in larger ones behind them"):
        objects = [config_map(f"small-{i}") for i in range(130)] + \
            [config_map(f"large-{i}", x="y" * MIB) for i in range(9)] + \
            [config_map("huge", x="y" * 6 * MIB)] + [config_map(f"more-{i}") for i in range(200)]
        with Fake(folder, paged(objects)) as fake:
            equal(probe.run(fake.kubeconfig, "list", CMS)["count"], len(objects))
            asked = [int(re.search(r"limit=(\d+)", path)[1]) for _, path in fake.requests]
            equal((asked[0], min(asked), asked[-1]), (100, 1, 500), "how many objects were asked for")
            check(len(asked) < 35, f"{len(asked)} pages")

    with report.case("a list of 70 objects of 1 MB is watched, with the memory of one page"):
        many = [config_map(f"c{i}", x="y" * 1000000) for i in range(70)]
        with Fake(folder, paged(many)) as fake, probe.start(fake.kubeconfig, "watch", CMS, 60, 5, 600) as w:
            w.wait("synced")
            equal((len(w.ops("seen")), len(w.ops("begin")), len(w.ops("trouble"))), (70, 1, 0))
            check(w.memory() < 60, f"{w.memory()} MiB")
            w.end()

    with report.case("an object that is larger than any may be"):
        with Fake(folder, paged([config_map("c", x="y" * 17 * MIB)])) as fake:
            refused = probe.run(fake.kubeconfig, "list", CMS)
            equal((refused["error"], refused["retry"]), (f"GET {CMS}: the answer is larger than 16 MiB", True))
            equal(len(fake.requests), 4)

    with report.case("lists that are none"):
        for answer, why in (({}, "it has no items"), ({"items": "x"}, "it has no items"),
                            ({"items": []}, "it has no resourceVersion"),
                            (config_map_list(7), "an item is no object"),
                            (config_map_list(version="9" * 100), "it has no resourceVersion")):
            with Fake(folder, lambda h, *_: h.send(200, answer)) as fake:
                equal(probe.run(fake.kubeconfig, "list", CMS)["error"], f"GET {CMS}: the answer is no list: {why}")

    def sparse(h, n, path):
        h.send(200, config_map_list(*([] if n < 5 else [config_map("last")]), more="next" if n < 5 else None))

    with report.case("empty pages belong to it, but do not go on for ever"):
        with Fake(folder, sparse) as fake:
            equal(probe.run(fake.kubeconfig, "list", CMS)["count"], 1)
        with Fake(folder, lambda h, *_: h.send(200, config_map_list(more="again"))) as fake:
            equal(probe.run(fake.kubeconfig, "list", CMS)["error"],
                  f"GET {CMS}: the answer is no list: it does not end")
            equal(len(fake.requests), 21)


def watched(report, folder, probe):
    """Watches that go wrong in one way first, and then well."""

    def then_well(wrong):
        """The first watch is wrong; each list has a version of its own; later watches tell of "later"."""
        state = {"lists": 0, "watches": 0}

        def script(h, n, path):
            if not is_watch(path):
                state["lists"] += 1
                h.send(200, config_map_list(config_map("first"), version=str(state["lists"] * 100)))
                return
            state["watches"] += 1
            if state["watches"] == 1:
                wrong(h)
                return
            h.stream()
            h.event("ADDED", config_map("later", "777"))
            h.hang_up.wait(30)

        return script

    def with_hang(script, fake_box):
        def wrapped(h, n, path):
            h.hang_up = fake_box[0].ending
            script(h, n, path)

        return wrapped

    def streamed(*chunks):
        def wrong(h):
            h.stream()
            for chunk in chunks:
                h.wfile.write(chunk)

        return wrong

    def error_410(h):
        h.stream()
        h.event("ADDED", config_map("early", "150"))
        h.event("ERROR", {"kind": "Status", "code": 410, "reason": "Expired", "message": "too old"})

    def huge_line(h):
        h.stream()
        h.wfile.write(b'{"type":"ADDED","object":{"x":"')
        for _ in range(100):
            h.wfile.write(b"x" * MIB)

    def slowly(h):
        h.stream()
        line = b'{"type":"ADDED","object":{"metadata":{"name":"slow","resourceVersion":"5"}}}\r\n'
        for i in range(len(line)):
            h.wfile.write(line[i:i + 1])
            h.wfile.flush()

    # name, the wrong watch, what is said (None: nothing), whether it is listed again
    cases = [
        ("410 as an event", error_410, None, True),
        ("410 as an answer", lambda h: h.send(410, {"reason": "Expired", "code": 410}), None, True),
        ("503 with Retry-After", lambda h: h.send(503, "{}", [("Retry-After", "2")]), "503 Service Unavailable", False),
        ("a line of 100 MiB", huge_line, "a line of the answer is longer than 16 MiB", False),
        ("garbage", streamed(b"garbage\n"), "a line that is no JSON object", False),
        ("deep JSON", streamed(b"[" * MIB, b"\n"), "a line that is no JSON object", False),
        ("an event of wrong types", streamed(b'{"type":7,"object":[]}\n'), "an event of an unknown type", False),
        ("an event without an object", streamed(b'{"type":"ADDED"}\n'), "an event without an object", False),
        ("an object without a version", streamed(b'{"type":"ADDED","object":{"metadata":{"name":"x"}}}\n'),
         "an event without a resourceVersion", False),
        ("an ERROR of its own kind", streamed(b'{"type":"ERROR","object":{"code":500,"message":"etcd"}}\n'),
         "500 Internal Server Error: etcd", False),
        ("an ERROR without a Status", streamed(b'{"type":"ERROR"}\n'), "500 Internal Server Error", False),
        ("ends at once", streamed(), "the server ended it at once", False),
        ("half a line, and the end", streamed(b'{"type":"ADDED","obj'), "the server ended it at once", False),
        ("byte for byte, with CRLF and empty lines", slowly, None, False),
        ("it hangs", lambda h: h.hang_up.wait(30), "no answer in time", False),
    ]
    for name, wrong, why, listed in cases:
        box = []
        with report.case(f"watch: {name}"), Fake(folder, with_hang(then_well(wrong), box)) as fake:
            box.append(fake)
            with probe.start(fake.kubeconfig, "watch", CMS, 1, 1, 600) as w:
                w.wait_seen("later", seconds=15)
                told = [t["error"] for t in w.ops("trouble")]
                check(told == [] if why is None else len(told) == 1 and why in told[0], f"told {told}")
                equal(len(fake.lists()), 2 if listed else 1, "number of lists")
                if "Retry-After" in name:
                    watches = [at for at, path in fake.requests if is_watch(path)]
                    check(2 <= watches[1] - watches[0] < 3.5, f"tried again after {watches[1] - watches[0]:.1f} s")
                if name.startswith("410"):
                    contains(fake.watches()[1], "resourceVersion=200&")
                check(w.memory() < 120, f"{w.memory()} MiB")
                check(w.end() < 0.6, "ended late")

    with report.case("a server that always ends at once is not asked without a pause"):
        def ending(h, n, path):
            h.send(200, "" if is_watch(path) else config_map_list())

        with Fake(folder, ending) as fake, probe.start(fake.kubeconfig, "watch", CMS, 60, 5, 600) as w:
            time.sleep(5)
            check(3 <= len(fake.requests) <= 12, f"{len(fake.requests)} requests in 5 s")
            w.end()

    with report.case("410 for ever: listed again and again, with pauses"):
        def expired(h, n, path):
            h.send(410, {"code": 410}) if is_watch(path) else h.send(200, config_map_list())

        with Fake(folder, expired) as fake, probe.start(fake.kubeconfig, "watch", CMS, 60, 5, 600) as w:
            time.sleep(5)
            check(4 <= len(fake.requests) <= 20, f"{len(fake.requests)} requests in 5 s")
            w.end()

    with report.case("a list that breaks in the middle takes nothing away"):
        def broken(h, n, path):
            if is_watch(path):
                h.send(410, {"code": 410})
            elif n == 1:
                h.send(200, config_map_list(config_map("a"), config_map("b")))
            else:
                h.send(200, '{"metadata":{"resourceVersion":"2"},"items":[{"metadata":{"name":"a"}}')

        with Fake(folder, broken) as fake, probe.start(fake.kubeconfig, "watch", CMS, 60, 5, 600) as w:
            w.wait("trouble", 2)
            equal((len(w.ops("begin")), len(w.ops("synced"))), (1, 1))
            w.end()


def relists(report, folder, probe):
    """The first list is good, and every later one is not."""
    def frozen(bad, told):
        def script(h, n, path):
            if not is_watch(path):
                h.send(200, config_map_list(config_map("first"), version="100")) if n == 1 else bad(h, path)
                return
            told["watches"] += 1
            h.stream()
            h.event("ADDED", config_map(f"later-{told['watches']}", str(200 + told["watches"])))
            time.sleep(0.95)

        return script

    def breaks_off(h, path):
        if "continue=" in path:
            h.send(500, {"code": 500, "message": "etcd"})
        else:
            h.send(200, config_map_list(config_map("half"), version="300", more="x"))

    cases = [("500", lambda h, path: h.send(500, {"code": 500}), 1),
             ("429", lambda h, path: h.send(429, {"code": 429}), 1),
             ("403", lambda h, path: h.send(403, {"code": 403}), 1),
             ("an object that is too large", lambda h, path: h.send(200, b" " * 17 * MIB), 1),
             ("it breaks off behind the first page", breaks_off, 2)]
    for name, bad, begun in cases:
        told = {"watches": 0}
        with report.case(f"a relist that fails does not stop the watch: {name}"), \
                Fake(folder, frozen(bad, told)) as fake, probe.start(fake.kubeconfig, "watch", CMS, 1, 5, 2) as w:
            w.wait_seen("later-5", seconds=15)
            check(len(w.ops("trouble")) >= 1, "nothing was said of it")
            check(len(w.ops("begin")) >= begun, "it was not tried")
            equal((len(w.ops("synced")), w.ops("gone")), (1, []))
            # What was handed out by a list that broke off comes again: from where the watch was.
            versions = [re.search(r"resourceVersion=(\d+)", path)[1] for path in fake.watches()]
            equal(versions[:5], ["100", "201", "202", "203", "204"])
            w.end()
            # A list that failed is no news: what is asked how old it is must not become young by it.
            equal(len(w.ops("alive")), 1 + len([n for n in w.names() if n.startswith("later-")]))

    with report.case("a relist that fails, and then the watch is too old: listed until it succeeds"):
        state = {"lists": 0, "watches": 0}

        def forgotten(h, n, path):
            if is_watch(path):
                state["watches"] += 1
                h.send(410, {"code": 410})
                return
            state["lists"] += 1
            if state["lists"] in (2, 3):
                h.send(500, {"code": 500})
            else:
                h.send(200, config_map_list(config_map("a"), version=str(state["lists"])))

        with Fake(folder, forgotten) as fake, probe.start(fake.kubeconfig, "watch", CMS, 1, 5, 600) as w:
            w.wait("synced", 2)
            equal([is_watch(path) for _, path in fake.requests[:5]], [False, True, False, False, False])
            before = w.lines[:w.lines.index(w.ops("synced")[1])]
            equal(len([line for line in before if line["op"] == "alive"]), 1)
            w.end()


def silent(report, folder, probe):
    """A port that takes connections and says nothing, not even for TLS."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        s.listen(16)
        path = os.path.join(folder, "silent.kubeconfig")
        with open(path, "w") as f:
            f.write('{"current-context":"f","contexts":[{"name":"f","context":{"cluster":"f"}}],"clusters":[{"name":"f",'
                    f'"cluster":{{"server":"https://127.0.0.1:{s.getsockname()[1]}"}}}}]}}')
        with report.case("a port that says nothing: stopped within half a second"):
            with probe.start(path, "watch", CMS, 60, 5, 600) as w:
                time.sleep(1)
                check(w.end() < 0.6, "ended late")
        with report.case("a port that says nothing: no call takes for ever"):
            began = time.monotonic()
            refused = probe.run(path, "get", CMS)
            check(time.monotonic() - began < 15, "it took too long")
            equal((refused["code"], refused["status"]), (5, 0))
            contains(refused["error"], "no answer in time")


def main():
    report = Report()
    probe = Probe(os.path.join(sys.argv[1], "tests/e2e/kube_probe"))
    folder = tempfile.mkdtemp(prefix="tentc-e2e.")
    try:
        for part in (bad_answers, lists, watched, relists, silent):
            part(report, folder, probe)
        with report.case("no answer was quoted where it could be a secret"):
            check("hunter2" not in Probe.said, "it was")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return report.end()


if __name__ == "__main__":
    sys.exit(main())
