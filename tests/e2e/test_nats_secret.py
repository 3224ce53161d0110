"""NATS accounts in Secrets (services.nats.admin.mode: secret), on a real API server and real NATS servers. The test is
the kubelet: it brings a Secret's data into the servers' folder, when it is let, and sends SIGHUP as a config reloader
beside the server does."""

import base64
import os
import random
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "integration"))

import nats_server  # noqa: E402
from cluster import Cluster, NoPrograms  # noqa: E402
from nats_server import ADMIN, ADMIN_PASSWORD  # noqa: E402
from registrar import Probe  # noqa: E402
from report import Report, check, contains, equal, until  # noqa: E402
from test_nats import Tenant, exchange, refused_everywhere  # noqa: E402

RETRY, REJECTED, USAGE = 5, 3, 2
NAMESPACE, NAME = "tentacular-system", "tentacular-nats-accounts"
SECRETS = f"/api/v1/namespaces/{NAMESPACE}/secrets"
MERGE = {"Content-Type": "application/merge-patch+json"}


class Kubelet(threading.Thread):
    """late: changes stay where they are."""

    def __init__(self, cluster, nats):
        super().__init__(daemon=True)
        self.cluster, self.nats, self.late, self.ended = cluster, nats, False, threading.Event()

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.join()

    def bring(self):
        changed = False
        for k in range(self.nats.shards):
            answer = self.cluster.api("GET", f"{SECRETS}/{NAME}-{k}")
            if answer.status != 200:
                continue
            text = data_of(answer.json, k)
            path = os.path.join(self.nats.accounts, f"accounts-{k}.conf")
            with open(path) as f:
                if f.read() == text:
                    continue
            with open(path + ".new", "w") as f:
                f.write(text)
            os.rename(path + ".new", path)
            changed = True
        if changed:
            self.nats.reload()

    def bring_nothing(self):
        """What a server has that is started without any Secret."""
        for k in range(self.nats.shards):
            with open(os.path.join(self.nats.accounts, f"accounts-{k}.conf"), "w"):
                pass
        self.nats.reload()
        time.sleep(0.5)

    def run(self):
        while not self.ended.wait(0.03):
            if not self.late:
                try:
                    self.bring()
                except OSError:  # the API server is away
                    pass


def data_of(secret, k):
    return base64.b64decode(secret.get("data", {}).get(f"accounts-{k}.conf", "")).decode()


class Secrets:
    def __init__(self, cluster):
        self.cluster = cluster

    def get(self, k=0):
        return self.cluster.api("GET", f"{SECRETS}/{NAME}-{k}").json

    def text(self, k=0):
        return data_of(self.get(k), k)

    def texts(self):
        listed = self.cluster.api("GET", SECRETS).json["items"]
        return {s["metadata"]["name"]: data_of(s, s["metadata"]["name"].rsplit("-", 1)[1]) for s in listed
                if s["metadata"]["name"].startswith(NAME)}

    def delete(self, k=0):
        self.cluster.api("DELETE", f"{SECRETS}/{NAME}-{k}")

    def make(self, k=0, data=None, **more):
        made = self.cluster.api("POST", SECRETS, {
            "metadata": {"name": f"{NAME}-{k}"},
            "data": {key: base64.b64encode(v.encode()).decode() for key, v in (data or {}).items()}, **more})
        equal(made.status, 201, made.text)

    def patch(self, body, k=0):
        equal(self.cluster.api("PATCH", f"{SECRETS}/{NAME}-{k}", body, MERGE).status, 200)


class Driver(Probe):
    """Calls with the kubeconfig. done() tries again as long as it is told to."""

    def __init__(self, build, folder, settings, kubeconfig, installation="default"):
        super().__init__(build, folder, "nats", settings, installation)
        self.kubeconfig, self.printed = kubeconfig, []

    def command(self, *args, **options):
        options.setdefault("kubeconfig", self.kubeconfig)
        if not options["kubeconfig"]:
            del options["kubeconfig"]
        return super().command(*args, **options)

    def end(self, *args, **options):
        run = super().end(*args, **options)
        self.printed.append(run.output)
        return run

    def done(self, *args, seconds=30, **options):
        end = time.monotonic() + seconds
        while True:
            run = self(*args, **options)
            if run.status != RETRY or time.monotonic() > end:
                equal(run.status, 0, run.output)
                return run


class Here:
    """All that a case needs."""

    def __init__(self, report, build, cluster, nats, kubelet, folder):
        self.report, self.build, self.cluster, self.nats, self.kubelet, self.folder = (
            report, build, cluster, nats, kubelet, folder)
        self.secrets = Secrets(cluster)
        self.drivers = []
        self.probe = self.driver()
        self.case = report.case

    def driver(self, shards=1, kubeconfig=None, installation="default"):
        urls = ",".join(f"nats://127.0.0.1:{s.port}" for s in self.nats.servers)
        settings = (f"{{host: 127.0.0.1, port: {self.nats.servers[0].port}, admin: {{mode: secret, url: '{urls}', "
                    f"shards: '{shards}', user: {ADMIN}, passwordFile: {self.nats.folder}/admin-password}}}}")
        d = Driver(self.build, self.folder, settings,
                   self.cluster.kubeconfig if kubeconfig is None else kubeconfig, installation)
        self.drivers.append(d)
        return d

    def tenant(self, name, enclave="shop", epoch=0):
        return Tenant(self.nats, self.probe, enclave, name, epoch)

    def rid(self):
        for enclave, name in (("shop", "web"), ("shop", "other"), ("bank", "web")):
            self.probe.done("destroy", enclave, name)


def first(h):
    with h.case("the Secret is not there: it is made; used through the tentacle's own Secret"):
        run = h.probe("apply", "shop", "web")
        equal(run.steps[0], f"create Secret {NAMESPACE}/{NAME}-0", run.output)
        h.probe.done("apply,verify", "shop", "web")
        run = h.probe.fine("observe", "shop", "web")
        equal((run.state, run.differs), ("applied", []))
        exchange(h.tenant("web"))
        secret = h.secrets.get()
        equal((secret["type"], list(secret["data"])), ("Opaque", ["accounts-0.conf"]))
    with h.case("again: no step, and the Secret is the same version"):
        before = h.secrets.get()["metadata"]["resourceVersion"]
        with h.tenant("web").connect() as session:
            run = h.probe.fine("apply,observe", "shop", "web")
            equal((run.steps, run.state), ([], "applied"))
            session.flush()
        equal(h.secrets.get()["metadata"]["resourceVersion"], before)
    with h.case("many at once: one change of the Secret, one reload of each server"):
        # the second step is the first reload: all of them are written by then
        check(h.probe("apply-all", "shop", "many", count=40, kill_at=2).killed, "there is no second step")
        equal(h.secrets.text().count('{user: "shop.many-'), 40)
        h.probe.done("retain", "shop", "many", count=40)
        h.kubelet.late = True
        try:
            told = h.nats.logged().count(".RELOAD ")
            run = h.probe("apply-all", "shop", "many", count=40)
            equal(run.status, RETRY, run.output)
            equal(h.nats.logged().count(".RELOAD ") - told, 1, "reloads of the server that has not taken it")
        finally:
            h.kubelet.late = False
        run = h.probe.done("apply-all", "shop", "many", count=40)
        text, version = h.secrets.text(), h.secrets.get()["metadata"]["resourceVersion"]
        h.probe.done("apply-all", "shop", "many", count=40)
        equal((h.secrets.text(), h.secrets.get()["metadata"]["resourceVersion"]), (text, version))
        h.probe.done("destroy", "shop", "many", count=40)
    with h.case("rotation, retain, destroy"):
        h.probe.done("apply,verify", "shop", "web", 1)
        refused_everywhere(h.tenant("web"))
        exchange(h.tenant("web", epoch=1))
        h.probe.done("retain", "shop", "web", 1)
        equal(h.probe.fine("observe", "shop", "web", 1).state, "retained")
        refused_everywhere(h.tenant("web", epoch=1))
        h.probe.done("destroy", "shop", "web", 1)
        equal(h.probe.fine("observe", "shop", "web", 1).state, "absent")
    with h.case("the probe of what is as it should be"):
        equal([c for c in h.probe.fine("probe").complaints if "reload" not in c], [])
    with h.case("an empty Secret that somebody made beforehand is taken, and its labels stay"):
        h.secrets.delete()
        h.secrets.make(data={"accounts-0.conf": ""}, metadata={"name": f"{NAME}-0", "labels": {"team": "messaging"}})
        h.probe.done("apply", "shop", "web")
        equal(h.secrets.get()["metadata"]["labels"], {"team": "messaging"})
        h.probe.done("destroy", "shop", "web")


def late(h):
    web = h.tenant("web")
    with h.case("the kubelet is late: not registered, to be retried, in little time; then it is"):
        h.kubelet.late = True
        try:
            for n in range(2):
                run = h.probe("apply", "shop", "web")
                equal(run.status, RETRY, run.output)
                contains(run.error, 'nats: the server "server-0" has not taken yet what Secret '
                                    f"{NAMESPACE}/{NAME}-0 says: a kubelet brings")
                check(run.seconds < 8, f"took {run.seconds:.1f} s")
                equal(len([s for s in run.steps if s.startswith("change")]), 0 if n else 1, "changes")
                equal(len([s for s in run.steps if s.startswith("reload")]), 1, "reloads of one server")
            refused_everywhere(web)
            run = h.probe.fine("observe", "shop", "web")
            equal(run.state, "differs")
            contains(" ".join(run.differs), "has not loaded what Secret")
            equal(h.probe("verify", "shop", "web").status, 1)
        finally:
            h.kubelet.late = False
        h.probe.done("apply,verify", "shop", "web")
        exchange(web)
    with h.case("the kubelet is late: nobody counts as retained or destroyed who may still log in"):
        for operation, state in (("retain", "retained"), ("destroy", "absent")):
            h.probe.done("apply", "shop", "web")
            h.kubelet.late = True
            try:
                run = h.probe(operation, "shop", "web")
                equal(run.status, RETRY, run.output)
                web.connect().close()
                equal(h.probe.fine("observe", "shop", "web").state, "differs")
            finally:
                h.kubelet.late = False
            h.probe.done(operation, "shop", "web")
            refused_everywhere(web)
            equal(h.probe.fine("observe", "shop", "web").state, state)
    with h.case("one server has it, the other one not yet: not registered"):
        kept = h.nats.reload
        h.nats.reload = lambda: os.kill(h.nats.servers[0].process.pid, 1)
        try:
            os.kill(h.nats.servers[1].process.pid, 19)
            run = h.probe("apply", "shop", "web", seconds=1)
            equal(run.status, RETRY, run.output)
        finally:
            os.kill(h.nats.servers[1].process.pid, 18)
            h.nats.reload = kept
        h.probe.done("apply,verify", "shop", "web")
        exchange(web)
    h.rid()


def together(h, *commands):
    """All at once, and each again as long as it is to be retried."""
    waiting = list(commands)
    end = time.monotonic() + 60
    while waiting:
        runs = [(c, h.probe.end(p)) for c, p in [(c, h.probe.start(*c)) for c in waiting]]
        for c, run in runs:
            check(run.status in (0, RETRY), f"{c}: {run.output}")
        check(time.monotonic() < end, f"not in time: {runs[-1][1].output}")
        waiting = [c for c, run in runs if run.status == RETRY]


def at_once(h):
    with h.case("two processes at once, the same tentacle and two of one Secret, 10 times: none is lost"):
        for _ in range(10):
            together(h, ("apply", "shop", "web"), ("apply", "shop", "web"))
            together(h, ("apply", "shop", "other"), ("apply", "bank", "web"))
            for who in (("shop", "web"), ("shop", "other"), ("bank", "web")):
                equal(h.probe.done("verify,observe", *who).state, "applied")
            together(h, ("destroy", "shop", "web"), ("destroy", "bank", "web"), ("destroy", "shop", "other"))
            equal(h.secrets.text().count("{user: \"shop.") + h.secrets.text().count("{user: \"bank."), 0)

    def meanwhile(what, act, step="change "):
        """One is stopped right before it writes; then it goes on."""
        with h.case(f"a conflicting write: {what}: nothing is undone"):
            h.probe.done("apply", "shop", "other")
            process = h.probe.start("apply", "shop", "web", stop_at=1)
            until(lambda: process.stdout.readline().startswith("step 1 " + step), 10, "step 1")
            act()
            run = h.probe.end(process, send="go\n")
            check(run.status in (0, RETRY), run.output)
            check(len([s for s in run.steps if "Secret" in s]) >= 1, f"it did not write again: {run.steps}")
            h.probe.done("apply,verify", "shop", "web")
    meanwhile("another tentacle", lambda: h.probe.done("apply", "bank", "web"))
    with h.case("a conflicting write: the other tentacle is there"):
        exchange(h.tenant("web", "bank"))
    h.probe.done("destroy", "shop", "web")
    meanwhile("a label of somebody's", lambda: h.secrets.patch({"metadata": {"labels": {"team": "blue"}}}))
    with h.case("a conflicting write: the label is there"):
        equal(h.secrets.get()["metadata"]["labels"]["team"], "blue")
    h.probe.done("destroy", "shop", "web")
    meanwhile("the Secret is deleted", h.secrets.delete)
    with h.case("the Secret is deleted, the servers have it still: what is destroyed is not let in any more"):
        h.secrets.delete()
        h.tenant("web").connect().close()
        h.probe.done("destroy", "shop", "web")
        refused_everywhere(h.tenant("web"))
        h.probe.done("apply,verify", "shop", "other")
    h.secrets.delete()
    h.kubelet.bring_nothing()
    with h.case("a conflicting write: two make the Secret at once"):
        process = h.probe.start("apply", "shop", "web", stop_at=1)
        until(lambda: process.stdout.readline().startswith("step 1 create "), 10, "step 1")
        h.probe.done("apply", "shop", "other")
        h.probe.end(process, send="go\n")
        for name in ("web", "other"):
            h.probe.done("apply,verify", "shop", name)
            exchange(h.tenant(name))
    h.rid()


OPERATIONS = [
    ("apply", None, "apply", 0, {}),
    ("rotation", "apply", "apply", 1, {}),
    ("other permissions", "apply", "apply", 0, {"consumes": "other"}),
    ("retain", "apply", "retain", 0, {}),
    ("destroy", "apply", "destroy", 0, {}),
]


def killed(h):
    def prepare(before):
        for epoch in (0,):
            h.probe.done("destroy", "shop", "web", epoch)
        if before:
            h.probe.done(before, "shop", "web")

    chance = random.Random(11)
    for name, before, operation, epoch, options in OPERATIONS:
        words = (operation, "shop", "web", epoch)
        with h.case(f"{name}: killed at every step, and at any moment, then run again"):
            prepare(before)
            h.probe.done(*words, **options)
            want, n = h.secrets.text(), 0
            while True:
                n += 1
                prepare(before)
                if not h.probe(*words, kill_at=n, **options).killed:
                    break
                h.probe.done(*words, **options)
                equal(h.secrets.text(), want, f"after a kill at step {n}")
            check(n > 1, "no step")
            for _ in range(4):
                prepare(before)
                process = h.probe.start(*words, **options)
                time.sleep(chance.uniform(0.005, 0.08))
                process.kill()
                h.probe.end(process)
                h.probe.done(*words, **options)
                equal(h.secrets.text(), want, "after a kill")
    h.rid()


def foreign(h):
    mine = 'mine { users: [{user: "x", password: "my-own-secret"}] }\n'

    def refused(what, words, make, probe=None):
        with h.case(f"foreign: {what}: refused and left"):
            h.secrets.delete()
            make()
            before = h.secrets.get()
            for operation in ("apply", "retain", "destroy"):
                run = (probe or h.probe)(operation, "shop", "web")
                equal((run.status, run.steps), (REJECTED, []), run.output)
                contains(run.error, words)
                contains(run.error, "it was left as it is")
                check("my-own-secret" not in run.output, "what it holds is shown")
            equal((probe or h.probe).fine("observe", "shop", "web").state, "foreign")
            contains(" ".join((probe or h.probe).fine("probe").complaints), words)
            equal(h.secrets.get(), before)
    place = f"Secret {NAMESPACE}/{NAME}-0 "
    refused("accounts of somebody else", place + "does not begin as tentc begins its files",
            lambda: h.secrets.make(data={"accounts-0.conf": mine}))
    refused("another key", place + 'holds "password", which is not tentc\'s',
            lambda: h.secrets.make(data={"password": "my-own-secret"}))
    refused("another type", place + 'is of the type "kubernetes.io/basic-auth"',
            lambda: h.secrets.make(data={"username": "x", "password": "my-own-secret"},
                                   type="kubernetes.io/basic-auth"))
    refused("immutable", place + "is immutable", lambda: h.secrets.make(immutable=True))
    refused("bytes", place + "does not begin as tentc begins its files",
            lambda: h.secrets.make(data={"accounts-0.conf": "\x00\x01\n"}))
    h.secrets.delete()
    h.probe.done("apply", "shop", "web")
    with h.case("foreign: another installation's: refused, by both names"):
        before = h.secrets.get()
        run = h.driver(installation="blue")("apply", "shop", "web")
        equal(run.status, REJECTED, run.output)
        contains(run.error, 'belongs to the installation "default", and this is "blue"')
        equal(h.secrets.get(), before)
    h.rid()


def rights(h):
    c = h.cluster
    with h.case("RBAC: who may nothing is told what to grant"):
        mallory = h.driver(kubeconfig=c.user_kubeconfig("nobody", []))
        run = mallory("apply", "shop", "web")
        equal((run.status, run.steps), (USAGE, []), run.output)
        contains(run.error, f"nats: read Secret {NAMESPACE}/{NAME}-0: ")
        contains(run.error, f'; grant it "get" on secrets in a Role of namespace {NAMESPACE}')
    with h.case("RBAC: the Role of docs/nats.md is enough; without a rule of it the probe says which"):
        alice = h.driver(kubeconfig=c.user_kubeconfig("alice", []))
        rules = [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["create"]},
                 {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get", "patch"],
                  "resourceNames": [f"{NAME}-0"]}]
        role = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{NAMESPACE}/roles"
        c.api("POST", role, {"metadata": {"name": "accounts"}, "rules": rules})
        c.api("POST", role[:-5] + "rolebindings", {
            "metadata": {"name": "accounts"},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "accounts"},
            "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "alice"}]})
        h.secrets.delete()
        until(lambda: alice("probe").status == 0, 10, "the Role holds")
        alice.done("apply,verify", "shop", "web")
        alice.done("destroy", "shop", "web")
        equal([x for x in alice.fine("probe").complaints if "Secret" in x], [])
        rules[1]["verbs"] = ["get"]
        c.api("PUT", f"{role}/accounts", {"metadata": {"name": "accounts"}, "rules": rules})
        until(lambda: f'we may not patch the Secret {NAME}-0; grant "patch"' in
              " ".join(alice.fine("probe").complaints), 10, "the probe complains")
        run = alice("apply", "shop", "web")
        equal(run.status, USAGE, run.output)
        contains(run.error, f'grant it "patch" on secrets in a Role of namespace {NAMESPACE}')
    with h.case("no cluster is given"):
        run = h.driver(kubeconfig="")("apply", "shop", "web")
        equal(run.status, USAGE)
        contains(run.error, "give --kubeconfig FILE")


def shards(h):
    names = [(f"e{k}", "web") for k in range(12)]
    one, two, eight = (h.driver(n) for n in (1, 2, 8))

    def all_there(probe):
        """Each user stands in one Secret, and gets in."""
        for enclave, name in names:
            equal(probe.done("verify,observe", enclave, name).state, "applied", enclave)
        lines = [x for text in h.secrets.texts().values() for x in text.splitlines()]
        equal(len([x for x in lines if x.startswith("    {user:")]), len(names))

    for k in range(8):
        h.secrets.delete(k)
    for enclave, name in names:
        eight("apply", enclave, name)
    with h.case("shards: the first Secret is written first, and all are found when the number changes"):
        for enclave, name in names:
            eight.done("apply", enclave, name)
        all_there(eight)
        check(len([t for t in h.secrets.texts().values() if "    {user" in t]) > 3, "they are not spread")
    with h.case("shards: a move that is killed at every step is ended by the next run, wanting another number too"):
        for probe, after in ((one, two), (eight, eight), (two, one), (eight, two)):
            n = 0
            while True:
                n += 1
                if not probe("apply", "e0", "web", kill_at=n).killed:
                    break
            check(n > 2, f"only {n - 1} steps")
            probe("apply", "e0", "web", kill_at=3)
            for enclave, name in names:
                after.done("apply", enclave, name)
            all_there(after)
    with h.case("shards: four at once, who want different numbers: no user is lost or there twice"):
        for k in range(4):
            processes = [p.start("apply", f"e{n}", "web") for n, p in enumerate((one, eight, two, eight))]
            for p in processes:
                run = h.probe.end(p)
                check(run.status in (0, RETRY), run.output)
            last = (one, two, eight, two)[k]
            for enclave, name in names:
                last.done("apply", enclave, name)
            all_there(last)
    for enclave, name in names:
        two.done("destroy", enclave, name)
    with h.case("a Secret that would be too large: said, and the old one stays"):
        for k in range(8):
            h.secrets.delete(k)
        one.done("apply", "shop", "web")
        before = h.secrets.text()
        run = one("apply-all", "shop", "x" * 60, count=4000)
        equal(run.status, USAGE, run.output[-400:])
        contains(run.error, 'and a Secret has room for 1048576; raise services.nats.admin.shards, now "1"')
        equal(h.secrets.text(), before)
        one.done("destroy", "shop", "web")


def away(h):
    with h.case("the API server is away: to be retried, in time; then it works"):
        h.cluster._end("apiserver")
        for operation in ("apply", "observe", "retain", "destroy"):
            run = h.probe(operation, "shop", "web", seconds=2)
            equal(run.status, RETRY, run.output)
            contains(run.error, "nats: ")
            check(run.seconds < 30, f"took {run.seconds:.1f} s")
        h.cluster.start_apiserver()
        h.probe.done("apply,verify", "shop", "web")
        exchange(h.tenant("web"))
        h.rid()


def quiet(h):
    with h.case("no password in the Secrets, or in what was printed"):
        passwords = [h.probe.secret(e, n, epoch)["tentacular-nats.token"]
                     for e, n in (("shop", "web"), ("shop", "other"), ("bank", "web")) for epoch in (0, 1)]
        text = "".join(h.secrets.texts().values()) + "".join(x for d in h.drivers for x in d.printed)
        for p in passwords + [ADMIN_PASSWORD]:
            check(p not in text, "a password is there")


def main():
    build, report = os.path.abspath(sys.argv[1]), Report()
    versions = nats_server.versions()
    for version, why in nats_server.reasons().items():
        report.skip(f"nats-server {version}", why)
    if not versions:
        return report.end()
    try:
        with Cluster() as cluster, nats_server.Cluster(versions[-1], 2, shards=8, watch=False) as nats, \
                tempfile.TemporaryDirectory() as folder, Kubelet(cluster, nats) as kubelet:
            cluster.namespace(NAMESPACE)
            h = Here(report, build, cluster, nats, kubelet, folder)
            only = os.environ.get("CASES", "").split()
            for part in (first, late, at_once, killed, foreign, rights, shards, away, quiet):
                if not only or part.__name__ in only:
                    part(h)
    except NoPrograms as e:
        report.skip("NATS in Secrets", str(e))
    return report.end()


if __name__ == "__main__":
    sys.exit(main())
