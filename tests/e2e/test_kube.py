"""test_kube.py BUILD - kube/ against a real API server."""

import base64
import http.client
import json
import os
import signal
import ssl
import sys
import time

from cluster import Cluster, NoPrograms
from pki import Authority
from probe import Probe
from report import Report, check, contains, equal, until

CMS = "/api/v1/namespaces/default/configmaps"


def cm(name, labels=None, **data):
    meta = {"name": name, **({"labels": labels} if labels else {})}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": data}


def make_many(c, count, prefix):
    """Over one connection: some milliseconds each."""
    connection = http.client.HTTPSConnection("127.0.0.1", c.port,
                                             context=ssl.create_default_context(cafile=c.authority.cert))
    for i in range(count):
        connection.request("POST", CMS, json.dumps(cm(f"{prefix}-{i}")),
                           {"Authorization": "Bearer " + c.token, "Content-Type": "application/json"})
        answer = connection.getresponse()
        answer.read()
        equal(answer.status, 201, "status")
    connection.close()


def kubeconfig(c, name, user=None, **cluster):
    path = c.path(name + ".kubeconfig")
    c._write_kubeconfig(path, user if user is not None else {"token": c.token}, cluster)
    return path


# --- calls

def calls(report, c, probe):
    run = lambda *args, **more: probe.run(c.kubeconfig, *args, **more)

    with report.case("create, get, replace, patch"):
        made = run("create", CMS, input=cm("one", a="1"))
        equal(run("get", CMS + "/one")["data"], {"a": "1"})
        equal(made["metadata"]["managedFields"][0]["manager"], "tentc")
        again = run("create", CMS, input=cm("one"))
        equal((again["status"], again["reason"], again["retry"]), (409, "AlreadyExists", False))
        equal(run("patch", CMS + "/one", input={"data": {"b": "2"}})["data"], {"a": "1", "b": "2"})
        late = run("replace", CMS + "/one", input=made)
        equal((late["status"], late["reason"], late["retry"]), (409, "Conflict", False))
        now = run("get", CMS + "/one")
        equal(run("replace", CMS + "/one", input={**now, "data": {"c": "3"}})["data"], {"c": "3"})

    with report.case("what is not there, and what is not known there"):
        none = run("get", CMS + "/none")
        equal(none["error"], f'GET {CMS}/none: 404 Not Found: configmaps "none" not found')
        equal((none["reason"], none["code"], none["retry"]), ("NotFound", 3, False))
        equal(run("get", "/apis/spire.spiffe.io/v1alpha1/clusterspiffeids")["error"],
              "GET /apis/spire.spiffe.io/v1alpha1/clusterspiffeids: 404 Not Found: 404 page not found; this API is "
              "not served there: is its CustomResourceDefinition installed?")

    with report.case("a list of three pages, each item with its kind"):
        make_many(c, 1100, "page")
        listed = run("list", CMS)
        equal(listed["count"], 1101 + (0 if c.api("GET", CMS + "/kube-root-ca.crt").status == 404 else 1))
        equal((listed["first"]["kind"], listed["first"]["apiVersion"]), ("ConfigMap", "v1"))
        equal(c.api("DELETE", CMS + "?labelSelector=!x").status, 200)


def applies(report, c, probe):
    at = CMS + "/applied"
    run = lambda *args, **more: probe.run(c.kubeconfig, *args, **more)

    with report.case("server-side apply: the same again changes nothing, a key left out goes"):
        first = run("apply", at, input=cm("applied", a="1", b="2"))
        second = run("apply", at, input=cm("applied", a="1", b="2"))
        equal(second["metadata"]["resourceVersion"], first["metadata"]["resourceVersion"])
        equal(run("apply", at, input=cm("applied", a="1"))["data"], {"a": "1"})
        dry = run("apply", at, "dry-run", input=cm("applied", a="dry"))
        equal((dry["data"], run("get", at)["data"]), ({"a": "dry"}, {"a": "1"}))

    with report.case("a field of another manager: refused, named, and taken by force"):
        c.api("PATCH", at + "?fieldManager=helm&force=true", cm("applied", a="helm's"),
              {"Content-Type": "application/apply-patch+yaml"})
        refused = run("apply", at, input=cm("applied", a="ours"))
        equal((refused["status"], refused["reason"], refused["retry"]), (409, "Conflict", False))
        contains(refused["error"], 'conflict with "helm": .data.a')
        equal(run("apply", at, "force", input=cm("applied", a="ours"))["data"], {"a": "ours"})

    with report.case("apply to this very object or to none"):
        other = {**cm("applied", a="x")}
        other["metadata"]["uid"] = "00000000-0000-0000-0000-000000000000"
        refused = run("apply", at, "force", input=other)
        equal((refused["status"], refused["reason"], refused["retry"]), (422, "Invalid", False))
        contains(refused["error"], "metadata.uid: Invalid value")
        other["metadata"]["name"] = "nothing"
        refused = run("apply", CMS + "/nothing", "force", input=other)
        equal((refused["status"], refused["reason"], refused["retry"]), (409, "Conflict", False))
        contains(refused["error"], "uid mismatch")
        equal(run("get", CMS + "/nothing")["status"], 404)

    with report.case("what the schema does not have is refused for good"):
        odd = {**cm("applied"), "dataa": {"x": "y"}}
        for args in ([], ["strict"]):
            refused = run("apply", at, *args, input=odd)
            equal((refused["retry"], refused["code"] in (3, 70)), (False, True), refused["error"])
            contains(refused["error"], "dataa")

    with report.case("delete: what is gone is gone, and another object of that name stays"):
        uid = run("get", at)["metadata"]["uid"]
        equal(run("delete", at, "00000000-0000-0000-0000-000000000000"), {"done": True})
        equal(run("get", at)["metadata"]["uid"], uid)
        equal(run("delete", at, uid), {"done": True})
        equal(run("get", at)["status"], 404)
        equal(run("delete", at, uid), {"done": True})
        equal(run("delete", at), {"done": True})
        equal(run("delete", "/apis/x.y/v1/zs/a")["status"], 404)


# --- who, and to whom

def users(report, c, probe):
    c.kubectl("create", "clusterrole", "reader", "--verb=get,list,watch", "--resource=configmaps")
    with report.case("a client certificate without rights: what to grant is said"):
        alice = c.user_kubeconfig("alice", ["team"])
        refused = probe.run(alice, "list", CMS)
        equal((refused["status"], refused["reason"], refused["code"]), (403, "Forbidden", 2))
        check(refused["error"].endswith('; grant it "list" on configmaps in a Role of namespace default'),
              refused["error"])
        c.kubectl("create", "clusterrolebinding", "alice", "--clusterrole=reader", "--user=alice")
        until(lambda: "count" in probe.run(alice, "list", CMS), 10, "alice may list")

    with report.case("certificate, key and CA in the kubeconfig itself"):
        cert, key = c.authority.issue("inline", "alice")
        read = lambda path: base64.b64encode(open(path, "rb").read()).decode()
        path = kubeconfig(c, "inline", {"client-certificate-data": read(cert), "client-key-data": read(key)},
                          **{"certificate-authority-data": read(c.authority.cert)})
        check("count" in probe.run(path, "list", CMS), "it may list")

    with report.case("as: less than the token gives"):
        path = kubeconfig(c, "as", {"token": c.token, "as": "nobody", "as-groups": ["nothing"]})
        contains(probe.run(path, "list", CMS)["error"], 'User "nobody" cannot list')

    with report.case("the files of a pod"):
        folder = c.path("account")
        os.mkdir(folder)
        token = c.account_token("default", "pod")
        c.kubectl("create", "clusterrolebinding", "pod", "--clusterrole=reader", "--serviceaccount=default:pod")
        for name, text in (("token", token), ("ca.crt", open(c.authority.cert).read()), ("namespace", "shop")):
            with open(os.path.join(folder, name), "w") as f:
                f.write(text)
        env = {"KUBERNETES_SERVICE_HOST": "127.0.0.1", "KUBERNETES_SERVICE_PORT": str(c.port), "ACCOUNT_DIR": folder}
        equal(probe.run("-", "server", env=env), {"server": c.url, "namespace": "shop"})
        until(lambda: "count" in probe.run("-", "list", CMS, env=env), 10, "the account may list")

    with report.case("an exec plugin gives the token"):
        plugin = c.path("plugin")
        token = c.account_token("default", "pod")
        with open(plugin, "w") as f:
            f.write("#!/bin/sh\ncat <<.\n" + json.dumps({
                "apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential",
                "status": {"token": token}}) + "\n.\n")
        os.chmod(plugin, 0o700)
        path = kubeconfig(c, "exec", {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "./plugin",
                                               "interactiveMode": "Never"}})
        check("count" in probe.run(path, "list", CMS), "it may list")

    with report.case("a token that is not known"):
        refused = probe.run(kubeconfig(c, "unknown", {"token": "hunter2"}), "get", CMS)
        equal(refused["error"], f"GET {CMS}: 401 Unauthorized: Unauthorized; the token or certificate is unknown there "
              "or has expired")
        equal((refused["code"], refused["retry"]), (2, False))


def rotation(report, c, probe):
    with report.case("a token is replaced, and the old one ends: no call fails"):
        path = c.path("rotated")
        for name in ("first", "second"):
            c.kubectl("create", "clusterrolebinding", name, "--clusterrole=reader", f"--serviceaccount=default:{name}")

        def write(name):
            with open(path + ".new", "w") as f:
                f.write(c.account_token("default", name) + "\n")
            os.rename(path + ".new", path)

        write("first")
        config = kubeconfig(c, "rotation", {"tokenFile": "rotated"})
        until(lambda: "status" not in probe.run(config, "get", CMS), 10, "the first account may list")
        write("second")
        until(lambda: "status" not in probe.run(config, "get", CMS), 10, "the second account may list")
        write("first")
        with probe.start(config, "poll", CMS, 100) as p:
            until(lambda: len(p.lines) > 3, 10, "calls")
            old = open(path).read().strip()
            write("second")
            c.api("DELETE", "/api/v1/namespaces/default/serviceaccounts/first")
            # The API server remembers a token that it has found good for 10 s.
            until(lambda: c.api("GET", CMS, token=old).status == 401, 30, "the old token has ended", 0.5)
            count = len(p.lines)
            until(lambda: len(p.lines) > count + 5, 10, "more calls")
            equal([line["error"] for line in p.lines if "error" in line], [])
            p.end()


def tls(report, c, probe):
    with report.case("a server of another CA, or of another name, is not trusted"):
        os.mkdir(c.path("other"))
        other = Authority(c.path("other"))
        cases = [({"certificate-authority": other.cert}, "self-signed certificate|unable to get local issuer"),
                 ({"tls-server-name": "wrong.example"}, "no alternative certificate subject name matches"),
                 ({"certificate-authority": None}, "self-signed certificate|unable to get local issuer")]
        for i, (cluster, why) in enumerate(cases):
            refused = probe.run(kubeconfig(c, f"tls-{i}", **cluster), "get", CMS)
            equal((refused["code"], refused["status"], refused["retry"]), (2, 0, False), refused["error"])
            contains(refused["error"], f"GET {CMS}: {c.url}: its certificate is not trusted: ")
            check(any(part in refused["error"] for part in why.split("|")), refused["error"])
            contains(refused["error"], "; check certificate-authority and tls-server-name of the cluster")

    with report.case("tls-server-name is the name that counts, and insecure means no name at all"):
        check("items" in probe.run(kubeconfig(c, "named", **{"tls-server-name": "kubernetes.default.svc"}), "get", CMS),
              "a name of the certificate")
        check("items" in probe.run(kubeconfig(c, "insecure", **{"certificate-authority": None,
                                                                "insecure-skip-tls-verify": True}), "get", CMS),
              "insecure")

    with report.case("nobody is there"):
        refused = probe.run(kubeconfig(c, "nobody", server="https://127.0.0.1:9"), "get", CMS)
        equal((refused["code"], refused["status"], refused["retry"]), (5, 0, True))
        contains(refused["error"], f"GET {CMS}: https://127.0.0.1:9: no connection: ")


# --- watching

def replay(lines):
    """What a cache would hold after these operations."""
    have, fresh = {}, {}
    for line in lines:
        op = line.get("op")
        if op == "begin":
            fresh = {}
            listing = True
        elif op == "synced":
            have, listing = fresh, False
        elif op == "seen":
            (fresh if listing else have)[line["name"]] = line.get("data")
        elif op == "gone":
            have.pop(line["name"], None)
    return have


def stored(c):
    return {o["metadata"]["name"]: o.get("data") for o in c.api("GET", CMS).json["items"]}


def watches(report, c, probe):
    with report.case("new, changed and removed objects are seen; a quiet watch stops within half a second"):
        c.api("POST", CMS, cm("before", a="1"))
        with probe.start(c.kubeconfig, "watch", CMS, 300, 5, 600) as w:
            w.wait("synced")
            check("before" in w.names(), "what was there is seen")
            c.api("POST", CMS, cm("during", a="1"))
            w.wait_seen("during")
            c.api("PATCH", CMS + "/during", {"data": {"a": "2"}}, {"Content-Type": "application/merge-patch+json"})
            until(lambda: any(x.get("data") == {"a": "2"} for x in w.ops("seen")), 10, "the change")
            c.api("DELETE", CMS + "/during")
            w.wait_seen("during", "gone")
            # A tenant's text may hold a NUL: it must not take the watch away from everybody.
            c.api("POST", CMS, cm("nul", a="x\0y"))
            w.wait_seen("nul")
            equal(w.ops("trouble"), [])
            equal({x["kind"] for x in w.ops("seen")}, {"ConfigMap"})
            check(w.end() < 0.5, "ended late")
            equal(w.lines[-1]["op"], "stopped")
            equal(len(w.ops("begin")), 1)

    with report.case("labels choose; metadata alone comes without data"):
        with probe.start(c.kubeconfig, "watch", CMS, 300, 5, 600, "meta", "mine") as w:
            w.wait("synced")
            c.api("POST", CMS, cm("theirs", {"app": "theirs"}, a="1"))
            c.api("POST", CMS, cm("mine", {"app": "mine"}, a="1"))
            w.wait_seen("mine")
            equal(w.names(), ["mine"])
            equal((w.ops("seen")[0]["kind"], w.ops("seen")[0].get("data")), ("PartialObjectMetadata", None))
            w.end()

    with report.case("watches end every second, and go on where they were: nothing is missed, nothing listed again"):
        with probe.start(c.kubeconfig, "watch", CMS, 1, 5, 600) as w:
            w.wait("synced")
            for part in range(4):
                make_many(c, 60, f"resume{part}")
                time.sleep(0.6)
            w.wait_seen("resume3-59")
            for part in range(4):
                equal([n for n in w.names() if n.startswith(f"resume{part}-")],
                      [f"resume{part}-{i}" for i in range(60)], "what was seen")
            equal((len(w.ops("begin")), w.ops("trouble")), (1, []))
            w.end()

    with report.case("listed again when it is time, without trouble"):
        with probe.start(c.kubeconfig, "watch", CMS, 300, 5, 2) as w:
            w.wait("begin", 3, 12)
            check(w.ops("begin")[2]["time"] - w.ops("begin")[0]["time"] > 3, "too often")
            equal(w.ops("trouble"), [])
            w.end()

    with report.case("who may not watch is told, and waits longer each time"):
        with probe.start(c.user_kubeconfig("mallory"), "watch", CMS, 300, 5, 600) as w:
            w.wait("trouble", 3, 15)
            contains(w.ops("trouble")[0]["error"], 'grant it "list" on configmaps')
            check(w.end() < 0.5, "ended late")


def restarts(report, c, probe):
    with report.case("kill -9 of the API server in the middle: the watch goes on and misses nothing"):
        with probe.start(c.kubeconfig, "watch", CMS, 300, 5, 600) as w:
            w.wait("synced")
            c.api("POST", CMS, cm("restart-a"))
            c.api("DELETE", CMS + "/before")
            c.kill_apiserver()
            time.sleep(1)
            c.start_apiserver()
            # At once: before the watch is back.
            c.api("POST", CMS, cm("restart-b"))
            c.api("DELETE", CMS + "/restart-a")
            w.wait_seen("restart-b")
            check(w.ops("trouble"), "the trouble is told")
            equal({t["retry"] for t in w.ops("trouble")}, {True})
            until(lambda: replay(w.lines) == stored(c), 20, "the same state")
            c.api("POST", CMS, cm("restart-c"))
            w.wait_seen("restart-c")
            w.end()

    with report.case("410: what happened is no longer known; it is listed again, and the removed are gone"):
        with probe.start(c.kubeconfig, "watch", CMS, 300, 5, 600) as w:
            w.wait("synced")
            # What happens after the first restart does not reach it; the second one's memory begins behind that.
            w.kill(signal.SIGSTOP)
            c.kill_apiserver()
            c.start_apiserver()
            make_many(c, 30, "old")
            c.api("DELETE", CMS + "/restart-b")
            c.kill_apiserver()
            c.compact()
            c.start_apiserver()
            make_many(c, 30, "new")
            w.kill(signal.SIGCONT)
            w.wait("synced", 2)
            until(lambda: replay(w.lines) == stored(c), 20, "the same state")
            check("restart-b" not in replay(w.lines), "restart-b is gone")
            check("restart-b" not in w.names("gone"), "nobody saw it go")
            w.end()

    with report.case("stopped while nobody answers, within half a second"):
        c.kill_apiserver()
        with probe.start(c.kubeconfig, "watch", CMS, 300, 5, 600) as w:
            w.wait("trouble", 3)
            check(w.end() < 0.5, "ended late")
        c.start_apiserver()


# --- leases and events

LEASES = "/apis/coordination.k8s.io/v1/namespaces/default/leases"


def steps(p):
    return [line for line in list(p.lines) if "held" in line]


def holds(p):
    return bool(steps(p)) and steps(p)[-1]["held"]


def leases(report, c, probe):
    start = lambda name, who, *times: probe.start(c.kubeconfig, "lease", "default", name, who, *(times or (3, 1, 2)))

    with report.case("a Lease: one holds it; kill -9, and the other takes over, no sooner than it may"):
        with start("crash", "a") as a, start("crash", "b") as b:
            until(lambda: holds(a) or holds(b), 10, "a holder")
            first, second = (a, b) if holds(a) else (b, a)
            until(lambda: len(steps(second)) >= 5, 10, "five steps")
            check(not any(s["held"] for s in steps(second)), "two holders")
            equal(steps(second)[-1]["holder"], "a" if first is a else "b")
            first.end(signal.SIGKILL)
            last = steps(first)[-1]["at"]
            until(lambda: holds(second), 10, "the other one")
            taken = next(s["at"] for s in steps(second) if s["held"])
            check(2.0 <= taken - last <= 6.5, f"taken over after {taken - last:.1f} s")
            equal(c.api("GET", LEASES + "/crash").json["spec"]["leaseTransitions"], 1)
            second.end()

    with report.case("a holder that stood still sees that it holds it no more"):
        with start("still", "a") as a:
            until(lambda: holds(a), 10, "a holds it")
            with start("still", "b") as b:
                until(lambda: len(steps(b)) >= 2, 10, "b waits")
                a.kill(signal.SIGSTOP)
                until(lambda: holds(b), 10, "b takes it")
                count = len(steps(a))
                a.kill(signal.SIGCONT)
                until(lambda: len(steps(a)) >= count + 2, 10, "a goes on")
                equal([s["held"] for s in steps(a)[count:]], [False] * len(steps(a)[count:]))
                check(holds(b), "b has it still")
                # Let go: the other one need not wait.
                began = time.monotonic()
                b.end()
                until(lambda: holds(a), 10, "a has it again")
                check(time.monotonic() - began < 2.2, "it waited for a Lease that was let go")
                a.end()

    with report.case("a Lease that is removed is made again; of other fields none is lost"):
        with start("removed", "a") as a:
            until(lambda: holds(a), 10, "a holds it")
            c.api("DELETE", LEASES + "/removed")
            until(lambda: c.api("GET", LEASES + "/removed").status == 200, 10, "it is there again")
            c.api("PATCH", LEASES + "/removed", {"metadata": {"annotations": {"x": "y"}}},
                  {"Content-Type": "application/merge-patch+json"})
            count = len(steps(a))
            until(lambda: len(steps(a)) >= count + 3, 10, "renewals")
            check(all(s["held"] for s in steps(a)[1:]), "it was held throughout")
            equal(c.api("GET", LEASES + "/removed").json["metadata"]["annotations"], {"x": "y"})
            a.end()

    with report.case("without the API server it is given up in time, and had again afterwards"):
        with start("alone", "a", 6, 1, 3) as a:
            until(lambda: holds(a), 10, "a holds it")
            c.kill_apiserver()
            gone = time.monotonic()
            until(lambda: not holds(a), 10, "it is given up")
            check(time.monotonic() - gone < 5.5, "given up late")
            check("error" in steps(a)[-1], "why is said")
            c.start_apiserver()
            until(lambda: holds(a), 10, "it has it again")
            a.end()


def events(report, c, probe):
    with report.case("Events are seen in kubectl describe, equal ones as one"):
        c.api("POST", CMS, cm("about"))
        uid = c.api("GET", CMS + "/about").json["metadata"]["uid"]
        long = "ä" * 600
        equal(probe.run(c.kubeconfig, "event", "ConfigMap", "default", "about", uid, "Probed", "it was seen", 3),
              {"done": True})
        equal(probe.run(c.kubeconfig, "event", "ConfigMap", "default", "about", uid, "Long", long, 1), {"done": True})
        made = c.api("GET", "/apis/events.k8s.io/v1/namespaces/default/events").json["items"]
        made = {e["reason"]: e for e in made if e["regarding"]["name"] == "about"}
        equal(sorted(made), ["Long", "Probed"])
        equal(made["Probed"]["series"]["count"], 3)
        equal(made["Long"]["note"], "ä" * 512)
        told = c.kubectl("describe", "configmap", "about").stdout
        contains(told, "it was seen")
        contains(told, "Probed")
        contains(told, "tentacular.io/tentc")

    with report.case("Events about what has no namespace, and a name that an Event may not have"):
        equal(probe.run(c.kubeconfig, "event", "ClusterRole", "", "system:node", "", "Probed", "x", 1), {"done": True})
        made = c.api("GET", "/apis/events.k8s.io/v1/namespaces/default/events").json["items"]
        check(any(e["regarding"]["name"] == "system:node" for e in made), "it is there")


def main():
    build = sys.argv[1]
    report = Report()
    try:
        cluster = Cluster(compaction="0")
        cluster.start()
    except NoPrograms as e:
        report.skip("all", str(e))
        return report.end()
    probe = Probe(os.path.join(build, "tests/e2e/kube_probe"))
    with cluster as c:
        for part in (calls, applies, users, tls, watches, restarts, leases, events, rotation):
            part(report, c, probe)
        with report.case("no token was printed"):
            for name in ("rotated", "account/token"):
                check(open(c.path(name)).read().strip() not in Probe.said, name)
            check(c.token not in Probe.said and "hunter2" not in Probe.said, "a token")
    return report.end()


if __name__ == "__main__":
    sys.exit(main())
