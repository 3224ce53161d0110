"""tentc serve --controller on a real API server over real PostgreSQL and NATS: what is deployed is registered, what is
deleted loses its access and keeps its data, and every safeguard of taking something away holds. PARTS="life outages"
leaves the rest of it out, for a build that is slow."""

import base64
import json
import os
import signal
import subprocess
import sys
import tempfile
import time

import yaml

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), "integration")]

import nats_server  # noqa: E402
import postgres_server  # noqa: E402
from cluster import Cluster, NoPrograms, die_with_parent  # noqa: E402
from report import Failed, Report, check, contains, equal, until  # noqa: E402

SYSTEM = "tentacular-system"
GRACE = 3


def workload(name, enclave, dependencies=("tentacular-postgres",), epoch=0, kind="Deployment", annotations=None):
    contract = "dependencies:\n" + "".join(f"  {d}:\n" for d in dependencies)
    template = {"metadata": {"labels": {"app": name}}, "spec": {"containers": [{"name": "main", "image": "main"}]}}
    spec = {"selector": {"matchLabels": {"app": name}}, "template": template}
    if kind == "StatefulSet":
        spec["serviceName"] = name
    if kind == "Job":
        template["spec"]["restartPolicy"] = "Never"
        spec = {"template": template}
    return {"apiVersion": "batch/v1" if kind == "Job" else "apps/v1", "kind": kind,
            "metadata": {"name": name, "namespace": enclave, "annotations": {
                "tentacular.io/contract": contract, "tentacular.io/credential-epoch": str(epoch),
                **(annotations or {})}}, "spec": spec}


class Controller:
    """One process of it."""

    def __init__(self, world, name):
        self.log_path = os.path.join(world.folder, f"{name}.log")
        self.log_file = open(self.log_path, "a")
        self.process = subprocess.Popen(
            [world.tentc, "serve", "--controller", "--config", world.config, "--root-key-file", world.keys,
             "--kubeconfig", world.kubeconfig],
            stderr=self.log_file, env=world.environment, preexec_fn=die_with_parent)

    def log(self):
        with open(self.log_path) as f:
            return f.read()

    def leads(self):
        lines = [l for l in self.log().splitlines() if " leads " in l or " leads no more " in l]
        return bool(lines) and " leads instance" in lines[-1] and self.process.poll() is None

    def kill(self, number=signal.SIGKILL):
        if self.process.poll() is None:
            self.process.send_signal(number)
        status = self.process.wait(40)
        self.log_file.close()
        return status


class World:
    def __init__(self, build, folder, cluster):
        self.tentc, self.folder, self.cluster = os.path.join(build, "tentc"), folder, cluster
        self.environment = dict(os.environ)

    def __enter__(self):
        self.postgres = postgres_server.Server(postgres_server.versions()[0]).__enter__()
        self.postgres.bootstrap(self.tentc)
        self.environment["TENTACULAR_POSTGRES_ADMIN_PASSWORD"] = postgres_server.ADMIN_PASSWORD
        self.nats = nats_server.Cluster(nats_server.versions()[-1]).__enter__()
        port = self.nats.servers[0].port
        self.config = os.path.join(self.folder, "exo.yaml")
        with open(self.config, "w") as f:
            yaml.safe_dump({
                "apiVersion": "tentacular.io/v1alpha1", "kind": "ExoskeletonConfig",
                "controller": {"resync": 2}, "undeploy": {"grace": GRACE, "jobGrace": 3600},
                "services": {
                    "postgres": {"host": "127.0.0.1", "port": self.postgres.port, "admin": {"user": "tentc_admin"},
                                 "network": {"cidrs": ["127.0.0.1/32"]}},
                    "nats": {"host": "127.0.0.1", "port": port, "network": {"cidrs": ["127.0.0.1/32"]}, "admin": {
                        "url": f"nats://127.0.0.1:{port}", "user": nats_server.ADMIN,
                        "passwordFile": f"{self.nats.folder}/admin-password", "accountsDir": self.nats.accounts}},
                    "rustfs": {"enabled": False}, "spire": {"enabled": False}}}, f)
        self.keys = os.path.join(self.folder, "keys")
        subprocess.run([self.tentc, "keygen", "-o", self.keys], check=True, stdout=subprocess.PIPE,
                       stderr=subprocess.PIPE)
        self.cluster.namespace(SYSTEM)
        self.cluster.kubectl("apply", "-f", "-", input=self.rights())
        # As its own account, with nothing but what deploy/controller gives it.
        self.kubeconfig = self.cluster.account_kubeconfig(SYSTEM, "tentc-controller")
        self.controllers = []
        return self

    def rights(self):
        text = ""
        for name in ("serviceaccount.yaml", "rbac.yaml"):
            with open(os.path.join(os.path.dirname(os.path.dirname(HERE)), "deploy", "controller", name)) as f:
                text += f.read() + "\n---\n"
        return text

    def run(self, *words, status=0):
        done = subprocess.run([self.tentc, *words, "--config", self.config, "--kubeconfig", self.cluster.kubeconfig],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60)
        equal(done.returncode, status, f"status of {words} ({done.stderr})")
        return done.stdout if status == 0 or done.stdout else done.stderr

    def denied(self):
        """What the API server refused the controller's account, from its audit log."""
        user = f"system:serviceaccount:{SYSTEM}:tentc-controller"
        with open(self.cluster.audit_log) as f:
            lines = [json.loads(line) for line in f]
        return [f"{e['verb']} {e['requestURI']}" for e in lines
                if e["user"]["username"] == user and (e.get("responseStatus") or {}).get("code") == 403]

    def __exit__(self, *_):
        for c in self.controllers:
            if c.process.poll() is None:
                c.kill()
        self.nats.__exit__(None, None, None)
        self.postgres.__exit__(None, None, None)

    def start(self, name="a", leads=True):
        c = Controller(self, name)
        self.controllers.append(c)
        if leads:
            until(c.leads, 20, f"controller {name} leads: {c.log()}")
        return c

    def enclave(self, name):
        self.cluster.namespace(name, {"tentacular.io/enclave": "true"})

    def apply(self, *objects, manager="kubectl"):
        return self.cluster.kubectl("apply", "--server-side", "--force-conflicts", f"--field-manager={manager}", "-f",
                                    "-", input="\n---\n".join(json.dumps(o) for o in objects))

    def get(self, path):
        answer = self.cluster.api("GET", path)
        return answer.json if answer.status == 200 else None

    def record(self, enclave, name):
        found = self.get(f"/api/v1/namespaces/{SYSTEM}/configmaps/exo.{enclave}.{name}")
        return json.loads(found["data"]["record.json"]) if found else None

    def phase(self, enclave, name):
        r = self.record(enclave, name)
        return r and r["phase"]

    def reaches(self, enclave, name, phase, seconds=30):
        def look():
            return self.phase(enclave, name) == phase
        try:
            until(look, seconds, "")
        except Failed:
            raise Failed(f"{enclave}/{name} is not {phase} within {seconds} s: {self.record(enclave, name)}; "
                         f"{self.controllers[-1].log()[-2000:]}") from None

    def condition(self, enclave, name, condition, seconds=20):
        def look():
            r = self.record(enclave, name)
            return r and r["conditions"].get(condition)
        return until(look, seconds, f"condition {condition} of {enclave}/{name}: {self.record(enclave, name)}")

    def secret(self, enclave, name):
        found = self.get(f"/api/v1/namespaces/{enclave}/secrets/{name}")
        return {k: base64.b64decode(v).decode() for k, v in found["data"].items()} if found else None

    def login(self, enclave, name, sql, epoch_secret=None):
        """As the tenant, with what is in its Secret."""
        secret = self.secret(enclave, epoch_secret or f"tentacular-exoskeleton-{name}")
        return self.psql(secret, sql)

    def psql(self, secret, sql):
        key = "tentacular-postgres."
        done = subprocess.run(
            ["psql", "-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", "-c", sql,
             f"host={secret[key + 'host']} port={secret[key + 'port']} dbname={secret[key + 'database']} "
             f"user={secret[key + 'user']} connect_timeout=5"],
            env={**os.environ, "PGPASSWORD": secret[key + "password"]}, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, timeout=20)
        if done.returncode != 0:
            raise Failed(done.stdout)
        return done.stdout.strip()

    def refused(self, secret):
        try:
            self.psql(secret, "SELECT 1")
        except Failed as e:
            return str(e)
        raise Failed("the tenant's login works")

    def events(self, namespace, reason):
        found = self.get(f"/apis/events.k8s.io/v1/namespaces/{namespace}/events")
        return [e for e in found["items"] if e["reason"] == reason]

    def delete(self, kind, enclave, name):
        self.cluster.kubectl("delete", kind, name, "-n", enclave, "--wait=false")


def life(world, report):
    with report.case("a workload is deployed: record, services, policy, and a Secret whose values work"):
        world.enclave("shop")
        world.apply(workload("web", "shop", ("tentacular-postgres", "tentacular-nats")))
        world.reaches("shop", "web", "Registered")
        equal(world.login("shop", "web", "CREATE TABLE kept AS SELECT 42 AS n; SELECT n FROM kept"), "42")
        secret = world.secret("shop", "tentacular-exoskeleton-web")
        client = world.nats.client(secret["tentacular-nats.user"], secret["tentacular-nats.token"],
                                   inbox=secret["tentacular-nats.inbox_prefix"])
        client.close()
        check(world.get("/apis/networking.k8s.io/v1/namespaces/shop/networkpolicies/web-netpol"), "there is no policy")
        record = world.record("shop", "web")
        equal([s["service"] for s in record["services"]], ["postgres", "nats"])
        equal({s["phase"] for s in record["services"]}, {"Registered"})
        event = until(lambda: world.events("shop", "Registered"), 5, "an Event")[0]
        equal(event["note"], "ready: postgres, nats")
        equal(event["regarding"]["kind"], "Deployment")
    with report.case("tentc status and list tell it"):
        equal(world.run("status", "shop/web"), "shop/web\n  phase     Registered\n  workload  Deployment\n"
                                               "  epoch     0\n  postgres  Registered\n  nats      Registered\n")
        equal(world.run("list"), "shop/web  Registered  postgres, nats\n")
        equal(json.loads(world.run("status", "shop/web", "--format", "json")), world.record("shop", "web"))
        contains(world.run("status", "shop/none", status=1), "there is no record of shop/none in namespace " + SYSTEM)
        equal(world.run("list", "--orphans"), "no orphans\n")
    with report.case("nothing more is written while nothing changes, over several looks at all services"):
        before = world.get(f"/api/v1/namespaces/{SYSTEM}/configmaps/exo.shop.web")["metadata"]["resourceVersion"]
        version = world.get("/api/v1/namespaces/shop/secrets/tentacular-exoskeleton-web")["metadata"]["resourceVersion"]
        time.sleep(6)
        equal(world.get(f"/api/v1/namespaces/{SYSTEM}/configmaps/exo.shop.web")["metadata"]["resourceVersion"], before)
        equal(world.get("/api/v1/namespaces/shop/secrets/tentacular-exoskeleton-web")["metadata"]["resourceVersion"],
              version)
        equal(world.events("shop", "DriftRepaired"), [])
    with report.case("a grant that somebody took away is given back, and told once"):
        role = secret["tentacular-postgres.user"]
        world.postgres.sql(f'ALTER ROLE "{role}" NOLOGIN', user="postgres")
        until(lambda: world.events("shop", "DriftRepaired"), 20, "the Event DriftRepaired")
        equal(world.login("shop", "web", "SELECT n FROM kept"), "42")
        time.sleep(5)
        equal(len(world.events("shop", "DriftRepaired")), 1)
    with report.case("a NetworkPolicy that was deleted, or changed, is there again"):
        path = "/apis/networking.k8s.io/v1/namespaces/shop/networkpolicies/web-netpol"
        spec = world.get(path)["spec"]
        world.delete("networkpolicy", "shop", "web-netpol")
        until(lambda: (world.get(path) or {}).get("spec") == spec, 20, "the policy")
        world.cluster.kubectl("patch", "networkpolicy", "web-netpol", "-n", "shop", "--type=json", "-p",
                              '[{"op": "replace", "path": "/spec/egress", "value": [{}]}]')
        until(lambda: world.get(path)["spec"] == spec, 20, "the policy as it was")
        until(lambda: any(e["note"] == "its NetworkPolicy was changed" for e in world.events("shop", "DriftRepaired")),
              10, "the Event DriftRepaired")
    with report.case("an author's own NetworkPolicy under the name of tentc's stays as it is; tentc's stands beside it"):
        own = {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
               "metadata": {"name": "own-netpol", "namespace": "shop"},
               "spec": {"podSelector": {"matchLabels": {"app": "own"}}, "policyTypes": ["Ingress"]}}
        world.apply(own, workload("own", "shop"))
        world.reaches("shop", "own", "Registered")
        policies = {p["metadata"]["name"]: p["spec"]
                    for p in world.get("/apis/networking.k8s.io/v1/namespaces/shop/networkpolicies")["items"]}
        equal(policies["own-netpol"], own["spec"])
        check("Egress" in policies["tentacular-exoskeleton-own"]["policyTypes"], "tentc's policy is not there")
    with report.case("one dependency less: that service is retained, the other stays"):
        world.apply(workload("web", "shop", ("tentacular-postgres",)))
        until(lambda: [s["phase"] for s in world.record("shop", "web")["services"]] == ["Registered", "Retained"], 20,
              "nats is retained")
        try:
            world.nats.client(secret["tentacular-nats.user"], secret["tentacular-nats.token"])
        except Exception as e:  # noqa: BLE001 - whatever the client calls it
            contains(str(e).lower(), "authorization")
        else:
            raise Failed("the tenant's login to NATS works")
        equal(world.login("shop", "web", "SELECT n FROM kept"), "42")
    with report.case("a new epoch: a new Secret, whose password works; the old password does not"):
        world.apply(workload("web", "shop", epoch=1))
        until(lambda: world.record("shop", "web")["epoch"] == 1, 20, "epoch 1 is registered")
        names = [s["metadata"]["name"] for s in world.get("/api/v1/namespaces/shop/secrets")["items"]
                 if s["metadata"]["name"].startswith("tentacular-exoskeleton-web.")]
        equal(len(names), 1, "Secrets of the new epoch")
        equal(world.login("shop", "web", "SELECT n FROM kept", names[0]), "42")
        contains(world.refused(secret), "password authentication failed")
    with report.case("a lower epoch is refused, and what is registered stays"):
        world.apply(workload("web", "shop", epoch=0))
        why = world.condition("shop", "web", "EpochLowered")["why"]
        equal(why, "tentacular.io/credential-epoch is 0, at least 1 was expected: a password that was replaced never "
                   "comes back")
        equal(world.login("shop", "web", "SELECT n FROM kept", names[0]), "42")
        world.apply(workload("web", "shop", epoch=1))
        until(lambda: not world.record("shop", "web")["conditions"], 20, "the condition is cleared")
    with report.case("deleted: after the grace access is gone and data is kept; deployed again the data is there"):
        current = world.secret("shop", names[0])
        world.delete("deployment", "shop", "web")
        world.reaches("shop", "web", "Gone")
        equal(world.psql(current, "SELECT n FROM kept"), "42")
        world.reaches("shop", "web", "Retained")
        contains(world.refused(current), "is not permitted to log in")
        equal(world.secret("shop", names[0]), None)
        until(lambda: world.events(SYSTEM, "Retained"), 5, "the Event Retained")
        world.apply(workload("web", "shop", epoch=1))
        world.reaches("shop", "web", "Registered")
        equal(world.login("shop", "web", "SELECT n FROM kept", names[0]), "42")
    with report.case("deleted and deployed again within the grace: nothing was taken away"):
        world.delete("deployment", "shop", "web")
        world.reaches("shop", "web", "Gone")
        world.apply(workload("web", "shop", epoch=1))
        world.reaches("shop", "web", "Registered")
        equal(len(world.events(SYSTEM, "Retained")), 1)


def safeguards(world, report):
    with report.case("a namespace that lost its label: a condition, and no removal, even when the workload goes"):
        world.enclave("label")
        world.apply(workload("web", "label"))
        world.reaches("label", "web", "Registered")
        world.cluster.kubectl("label", "namespace", "label", "tentacular.io/enclave-")
        world.condition("label", "web", "NotEnclave")
        world.delete("deployment", "label", "web")
        time.sleep(2 * GRACE + 1)
        equal(world.phase("label", "web"), "Registered")
        equal(world.login("label", "web", "SELECT 1"), "1")
        world.cluster.kubectl("label", "namespace", "label", "tentacular.io/enclave=true")
        world.reaches("label", "web", "Retained")
    with report.case("kubectl replace --force: the same tentacle, its access never ended"):
        world.enclave("force")
        world.apply(workload("web", "force"))
        world.reaches("force", "web", "Registered")
        uid = world.record("force", "web")["uid"]
        world.cluster.kubectl("replace", "--force", "-f", "-", input=json.dumps(workload("web", "force")))
        until(lambda: world.record("force", "web")["uid"] != uid, 20, "the new uid")
        world.reaches("force", "web", "Registered")
        equal([e for e in world.events(SYSTEM, "Retained") if "force/web" in e.get("note", "")], [])
    with report.case("another kind of the same name gets nothing while the first lives"):
        world.apply(workload("web", "force", kind="StatefulSet"))
        why = world.condition("force", "web", "NameTaken")["why"]
        equal(why, "the name belongs to Deployment web, which lives; StatefulSet gets nothing: give it another")
        equal(world.record("force", "web")["kind"], "Deployment")
        world.delete("statefulset", "force", "web")
        until(lambda: not world.record("force", "web")["conditions"], 20, "the condition is cleared")
    with report.case("a contract that became invalid keeps what is registered, and says why"):
        broken = workload("web", "force")
        broken["metadata"]["annotations"]["tentacular.io/contract"] = "dependencies:\n  tentacular-postgress:\n"
        world.apply(broken)
        contains(world.condition("force", "web", "Invalid")["why"], "tentacular-postgress")
        equal(world.login("force", "web", "SELECT 1"), "1")
    with report.case("a namespace deleted and made again by somebody else: no access to what was kept"):
        world.enclave("reborn")
        world.apply(workload("web", "reborn"))
        world.reaches("reborn", "web", "Registered")
        equal(world.login("reborn", "web", "CREATE TABLE private AS SELECT 7 AS n; SELECT n FROM private"), "7")
        old = world.secret("reborn", "tentacular-exoskeleton-web")
        world.cluster.kubectl("delete", "namespace", "reborn", "--timeout=60s")
        world.enclave("reborn")
        world.apply(workload("web", "reborn"))
        world.condition("reborn", "web", "OwnerChanged", 30)
        equal(world.phase("reborn", "web"), "Retained")
        contains(world.refused(old), "is not permitted to log in")
        equal(world.secret("reborn", "tentacular-exoskeleton-web"), None)
    with report.case("adopted: the data is there, under an epoch whose password nobody knew"):
        equal(world.run("enclave", "adopt", "reborn", "--dry-run"),
              'reborn\n  web       would be adopted: its workload needs tentacular.io/credential-epoch: "1" at least\n')
        equal(world.phase("reborn", "web"), "Retained")
        equal(world.run("enclave", "adopt", "reborn"),
              'reborn\n  web       adopted: its workload needs tentacular.io/credential-epoch: "1" at least\n')
        world.condition("reborn", "web", "EpochLowered")
        world.apply(workload("web", "reborn", epoch=1))
        world.reaches("reborn", "web", "Registered")
        new = next(s["metadata"]["name"] for s in world.get("/api/v1/namespaces/reborn/secrets")["items"])
        equal(world.login("reborn", "web", "SELECT n FROM private", new), "7")
        contains(world.refused(old), "password authentication failed")
        equal(world.run("enclave", "adopt", "reborn"), "reborn\n  -         nothing that another namespace left\n")
    with report.case("a Job that is gone keeps its grant for undeploy.jobGrace"):
        world.apply(workload("job", "shop", kind="Job"))
        world.reaches("shop", "job", "Registered")
        world.delete("job", "shop", "job")
        world.reaches("shop", "job", "Gone")
        time.sleep(2 * GRACE)
        equal(world.login("shop", "job", "SELECT 1"), "1")
    with report.case("more than ten at once: the rest is held until somebody says that it was meant"):
        world.enclave("many")
        names = [f"t{i:02d}" for i in range(14)]
        world.apply(*[workload(n, "many") for n in names])
        for n in names:
            world.reaches("many", n, "Registered", 60)
        world.cluster.kubectl("delete", "deployment", "-n", "many", "--all")
        until(lambda: world.get(f"/api/v1/namespaces/{SYSTEM}/configmaps/tentc-removals-held"), 30, "removals are held")
        until(lambda: all(world.phase("many", n) in ("Retained", "Gone") for n in names), 30, "all are looked at")
        time.sleep(2 * GRACE)
        held = [n for n in names if world.phase("many", n) == "Gone"]
        check(4 <= len(held), f"only {len(held)} are held")
        for n in held:
            equal(world.login("many", n, "SELECT 1"), "1")
        world.condition("many", held[0], "RemovalsHeld")
        out = world.run("status", f"many/{held[0]}", status=1)
        contains(out, "RemovalsHeld: it would be retained, but too many tentacles went away at once")
        orphans = world.run("list", "--orphans")
        check(all(f"many/{n}  " in orphans for n in names), f"not all are orphans: {orphans}")
        equal(world.run("resume"), "removals go on\n")
        equal(world.run("resume"), "nothing is held\n")
        for n in names:
            world.reaches("many", n, "Retained", 40)


def outages(world, report):
    with report.case("a service is away: the other one is made, the Secret waits, and all is well when it is back"):
        world.postgres.stop()
        world.apply(workload("web", "away", ("tentacular-postgres", "tentacular-nats")))
        world.condition("away", "web", "Unavailable", 40)
        equal([s["phase"] for s in world.record("away", "web")["services"]], ["Pending", "Registered"])
        equal(world.secret("away", "tentacular-exoskeleton-web"), None)
        world.postgres.start()
        world.reaches("away", "web", "Registered", 60)
        equal(world.login("away", "web", "SELECT 1"), "1")
        until(lambda: not world.record("away", "web")["conditions"], 20, "the condition is cleared")
    with report.case("the API server refused it nothing, with the rights of deploy/controller"):
        equal(world.denied(), [])
    with report.case("the API server is killed and comes back: nothing is taken away, and work goes on"):
        world.cluster.kill_apiserver()
        time.sleep(GRACE + 2)
        world.cluster.start_apiserver()
        world.apply(workload("api", "away"))
        world.reaches("away", "api", "Registered", 90)
        equal(world.phase("away", "web"), "Registered")
    with report.case("a record that was deleted is written again"):
        world.delete("configmap", SYSTEM, "exo.away.api")
        until(lambda: world.phase("away", "api") == "Registered", 30, "the record")


def leaders(world, report, first):
    with report.case("a second one waits; the first is killed: the second leads, and goes on"):
        second = world.start("b", leads=False)
        time.sleep(3)
        check(not second.leads(), "two lead")
        begin = time.monotonic()
        first.kill()
        until(second.leads, 25, "the second leads")
        took = time.monotonic() - begin
        print(f"  takeover after kill -9: {took:.1f} s")
        check(took < 20, f"it took {took:.1f} s")
        world.apply(workload("late", "away"))
        world.reaches("away", "late", "Registered")
    with report.case("SIGTERM: it ends with 0, and the next one leads at once"):
        third = world.start("c", leads=False)
        time.sleep(1)
        begin = time.monotonic()
        equal(second.kill(signal.SIGTERM), 0, "status")
        until(third.leads, 8, "the third leads")
        print(f"  takeover after SIGTERM: {time.monotonic() - begin:.1f} s")
    with report.case("a leader that slept longer than its Lease writes nothing when it wakes up"):
        fourth = world.start("d", leads=False)
        third.process.send_signal(signal.SIGSTOP)
        until(fourth.leads, 25, "the fourth leads")
        third.process.send_signal(signal.SIGCONT)
        until(lambda: " leads no more " in third.log(), 10, "the third knows that it leads no more")
        world.apply(workload("after", "away"))
        world.reaches("away", "after", "Registered")
        contains(fourth.log(), "tentacle=away/after")
        check("tentacle=away/after" not in third.log().split(" leads no more ")[-1], "the third worked on it")
    with report.case("no log holds a password, a key or a Secret's value"):
        texts = [c.log() for c in world.controllers]
        for name in ("late", "after"):
            password = world.secret("away", f"tentacular-exoskeleton-{name}")["tentacular-postgres.password"]
            check(not any(password in t for t in texts), f"the password of {name} is in a log")
        with open(world.keys) as f:
            key = f.read().split()[1]
        check(not any(key in t or postgres_server.ADMIN_PASSWORD in t for t in texts), "a key is in a log")


def main(build):
    report = Report()
    missing = postgres_server.reasons() if not postgres_server.versions() else {}
    missing = missing or (nats_server.reasons() if not nats_server.versions() else {})
    if missing:
        report.skip("the controller", "; ".join(missing.values()))
        return report.end()
    try:
        with Cluster(controllers=True, audit=True) as cluster, tempfile.TemporaryDirectory(prefix="tentc-controller.") as folder:
            with World(build, folder, cluster) as world:
                first = world.start("a")
                world.enclave("away")
                for part in (life, safeguards, outages):
                    if part.__name__ in os.environ.get("PARTS", part.__name__):
                        part(world, report)
                leaders(world, report, first)
    except NoPrograms as e:
        report.skip("the controller", str(e))
    return report.end()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
