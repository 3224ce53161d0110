"""Self-made certificates against a real API server: two replicas (certs_probe) publish, and a client that trusts
exactly the caBundle as it is published calls both all the time."""

import base64
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time

from cluster import Cluster, NoPrograms, die_with_parent, free_port
from report import Report, check, contains, equal, until

SYSTEM = "tentacular-system"
SECRET = f"/api/v1/namespaces/{SYSTEM}/secrets/tentc-webhook-certs"
CONFIGURATION = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/tentc"
LIFE = 15  # seconds: a leaf is renewed at 10, a CA at 100


def entry(name, client):
    return {"name": name, "clientConfig": client, "sideEffects": "None", "admissionReviewVersions": ["v1"],
            "failurePolicy": "Ignore",
            "rules": [{"apiGroups": ["nobody.example.org"], "apiVersions": ["v1"], "operations": ["CREATE"],
                       "resources": ["nothings"]}]}


SERVICE = {"service": {"name": "tentc", "namespace": SYSTEM, "path": "/mutate"}}
OTHER = {"service": {"name": "other", "namespace": SYSTEM}}
SHIPPED = {"apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingWebhookConfiguration",
           "metadata": {"name": "tentc"},
           "webhooks": [entry("workloads.tentacular.io", SERVICE), entry("other.example.org", OTHER),
                        entry("configmaps.tentacular.io", {"url": "https://127.0.0.1:9/mutate"})]}


class Replica:
    def __init__(self, build, cluster, life=LIFE):
        self.port = free_port()
        self.log_path = tempfile.mkstemp(prefix="certs-probe.", suffix=".log")[1]
        self.command = [os.path.join(build, "tests/e2e/certs_probe"), cluster.kubeconfig, str(self.port), str(life),
                        "tentc", f"tentc.{SYSTEM}.svc", "127.0.0.1"]
        self.process = None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()
        os.unlink(self.log_path)

    def start(self):
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            preexec_fn=die_with_parent)

    def stop(self):
        self.process.send_signal(signal.SIGCONT)
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise

    def log(self):
        with open(self.log_path, errors="replace") as log:
            return log.read()

    def serves(self):
        """The certificate that it shows, as PEM; None when there is none."""
        try:
            return ssl.get_server_certificate(("127.0.0.1", self.port), timeout=5)
        except (OSError, ssl.SSLError):
            return None


def bundles(cluster):
    hooks = cluster.api("GET", CONFIGURATION).json["webhooks"]
    ours = [h["clientConfig"].get("caBundle", "") for h in hooks if h["name"] != "other.example.org"]
    return [base64.b64decode(b).decode() for b in ours]


def call(port, bundle):
    context = ssl.create_default_context(cadata=bundle)
    with socket.create_connection(("127.0.0.1", port), 5) as plain:
        with context.wrap_socket(plain, server_hostname=f"tentc.{SYSTEM}.svc") as s:
            s.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            if not s.recv(100).startswith(b"HTTP/1.1 200"):
                raise OSError("not 200")


class Client(threading.Thread):
    """Calls every replica in turn. What it trusts is up to half a second old, as an API server's knowledge may be."""

    def __init__(self, cluster, replicas):
        super().__init__(daemon=True)
        self.cluster, self.replicas = cluster, list(replicas)
        self.left_out, self.ending = set(), threading.Event()
        self.calls, self.failed, self.shown = 0, [], set()

    def run(self):
        read, bundle = 0, None
        while not self.ending.is_set():
            if time.monotonic() - read > 0.5:
                bundle, read = bundles(self.cluster)[0], time.monotonic()
            for r in self.replicas:
                if r in self.left_out:
                    continue
                self.calls += 1
                try:
                    call(r.port, bundle)
                except (OSError, ssl.SSLError) as e:
                    if r not in self.left_out:
                        self.failed.append((time.strftime("%H:%M:%S"), r.port, str(e)))
            time.sleep(0.05)

    def end(self):
        self.ending.set()
        self.join()
        equal(self.failed[:3], [], f"failed calls ({len(self.failed)} of {self.calls})")


def secret(cluster):
    data = cluster.api("GET", SECRET).json["data"]
    return {k: base64.b64decode(v).decode() for k, v in data.items()}


def same(replicas):
    shown = {r.serves() for r in replicas}
    return None not in shown and len(shown) == 1


def verifies(bundle, leaf):
    with tempfile.NamedTemporaryFile("w") as ca, tempfile.NamedTemporaryFile("w") as crt:
        ca.write(bundle), ca.flush(), crt.write(leaf), crt.flush()
        done = subprocess.run(["openssl", "verify", "-x509_strict", "-purpose", "sslserver", "-verify_hostname",
                               f"tentc.{SYSTEM}.svc", "-CAfile", ca.name, crt.name], capture_output=True, text=True)
        equal(done.returncode, 0, done.stdout + done.stderr)


def first_start(report, cluster, a, b):
    with report.case("two replicas that start at once agree, and fill every entry that is ours"):
        until(lambda: same([a, b]), 20, "both serve the same")
        s = secret(cluster)
        equal(sorted(s), ["ca.crt", "ca.key", "tls.crt", "tls.key"], "keys of the Secret")
        equal(a.serves().strip(), s["tls.crt"].strip(), "what is served")
        equal(bundles(cluster), [s["ca.crt"]] * 2, "caBundle")
        hooks = cluster.api("GET", CONFIGURATION).json["webhooks"]
        equal([h["name"] for h in hooks], [h["name"] for h in SHIPPED["webhooks"]], "entries")
        check("caBundle" not in hooks[1]["clientConfig"], "an entry that is not ours is left alone")
        verifies(bundles(cluster)[0], s["tls.crt"])
        for r in (a, b):
            check("PRIVATE" not in r.log(), "no key in the log")

    with report.case("curl takes what is served"):
        with tempfile.NamedTemporaryFile("w") as ca:
            ca.write(bundles(cluster)[0]), ca.flush()
            done = subprocess.run(["curl", "-sS", "--cacert", ca.name, f"https://127.0.0.1:{a.port}/"],
                                  capture_output=True, text=True)
            equal((done.returncode, done.stdout), (0, "served\n"), done.stderr)


def renewals(report, cluster, a, b):
    with report.case(f"{LIFE} s certificates: three renewals, zero failed calls"):
        client = Client(cluster, [a, b])
        client.start()
        seen = {a.serves()}
        end = time.monotonic() + 5 * LIFE
        while len(seen) < 4 and time.monotonic() < end:
            seen |= {a.serves(), b.serves()}
            time.sleep(0.2)
        time.sleep(2)
        client.end()
        check(len(seen) >= 4, f"{len(seen)} certificates were seen")
        check(client.calls > 100, f"{client.calls} calls")

    with report.case("a standby that stood still across a renewal: zero failed calls when it wakes up"):
        client = Client(cluster, [a, b])
        before = a.serves()
        until(lambda: a.serves() != before, 2 * LIFE, "a renewal", every=0.2)
        until(lambda: same([a, b]), 5, "both have it")
        client.start()
        time.sleep(LIFE * 2 / 3 - 3)
        client.left_out.add(b)
        before = a.serves()
        b.process.send_signal(signal.SIGSTOP)
        try:
            until(lambda: a.serves() != before, LIFE, "a renewal", every=0.1)
        finally:
            b.process.send_signal(signal.SIGCONT)
        client.left_out.discard(b)
        until(lambda: same([a, b]), 5, "both serve the same")
        client.end()


def changes(report, cluster, a, b):
    with report.case("the Secret is deleted: a new CA, both announced meanwhile, zero failed calls"):
        client = Client(cluster, [a, b])
        client.start()
        old = secret(cluster)["ca.crt"]
        equal(cluster.api("DELETE", SECRET).status, 200)
        until(lambda: bundles(cluster)[0].count("BEGIN") == 2, 10, "both CAs are announced")
        contains(bundles(cluster)[0], old.strip(), "caBundle")
        until(lambda: cluster.api("GET", SECRET).status == 200 and secret(cluster).get("ca.crt", old) != old, 10,
              "the new CA signs")
        until(lambda: same([a, b]), 5, "both serve the same")
        until(lambda: old.strip() not in bundles(cluster)[0], 2 * LIFE, "the old CA goes", every=0.2)
        client.end()
        until(lambda: sorted(secret(cluster)) == ["ca.crt", "ca.key", "tls.crt", "tls.key"], 5, "it is forgotten")

    with report.case("the Secret holds garbage: zero failed calls"):
        client = Client(cluster, [a, b])
        client.start()
        for key in ("tls.key", "ca.key"):
            now = cluster.api("GET", SECRET).json
            now["data"][key] = base64.b64encode(b"garbage").decode()
            equal(cluster.api("PUT", SECRET, now).status, 200)
            until(lambda: "garbage" not in secret(cluster).values(), 15, f"{key} is made anew")
            until(lambda: same([a, b]), 5, "both serve the same")
        client.end()

    with report.case("the caBundle is wiped: written again"):
        now = cluster.api("GET", CONFIGURATION).json
        for hook in now["webhooks"]:
            hook["clientConfig"].pop("caBundle", None)
        equal(cluster.api("PUT", CONFIGURATION, now).status, 200)
        until(lambda: all(bundles(cluster)), 5, "every entry has one")
        call(a.port, bundles(cluster)[0])

    with report.case("kubectl apply of the shipped configuration, client side and server side, leaves the caBundle"):
        before = bundles(cluster)
        for how in ([], ["--server-side", "--force-conflicts"]):
            cluster.kubectl("apply", *how, "-f", "-", input=json.dumps(SHIPPED))
            equal([b != "" for b in bundles(cluster)], [True, True], f"caBundle after apply {how}")
        del before

    with report.case("an entry that goes is not made anew; one that comes is filled"):
        now = cluster.api("GET", CONFIGURATION).json
        gone = now["webhooks"].pop()
        equal(cluster.api("PUT", CONFIGURATION, now).status, 200)
        time.sleep(2.5)
        equal(len(cluster.api("GET", CONFIGURATION).json["webhooks"]), 2, "entries")
        now = cluster.api("GET", CONFIGURATION).json
        gone["clientConfig"].pop("caBundle", None)
        now["webhooks"].append(gone)
        equal(cluster.api("PUT", CONFIGURATION, now).status, 200)
        until(lambda: len(bundles(cluster)) == 2 and all(bundles(cluster)), 5, "every entry has one")

    with report.case("a replica that restarts serves what is published"):
        b.stop()
        b.start()
        until(lambda: same([a, b]), 5, "both serve the same")


def commands(report, build, cluster, folder):
    tentc = os.path.join(build, "tentc")
    if not os.path.exists(os.path.join(build, "libexec/tentc/tentc-cluster")):
        report.skip("tentc certs", "there is no tentc-cluster")
        return

    def show():
        return subprocess.run([tentc, "certs", "show", "--kubeconfig", cluster.kubeconfig], capture_output=True,
                              text=True)

    with report.case("tentc certs show: nothing there, and what fits"):
        done = show()
        equal(done.returncode, 1, done.stderr)
        equal(done.stdout, f"Secret {SYSTEM}/tentc-webhook-certs\n  problem: there is none; tentc serve makes it, or: "
              "tentc certs make\nMutatingWebhookConfiguration tentc\n  problem: there is none\n")
        equal(cluster.api("POST", CONFIGURATION.rsplit("/", 1)[0], SHIPPED).status, 201)
        with Replica(build, cluster, 86400 * 90) as r:
            until(r.serves, 20, "it serves")
        done = show()
        equal(done.returncode, 0, done.stdout + done.stderr)
        for part in ("ca.crt: CN=tentc webhook CA 20", " (CA)\n", f"names   tentc.{SYSTEM}.svc, 127.0.0.1\n",
                     "89 days left\n", "  workloads.tentacular.io: 1 in the caBundle\n"):
            contains(done.stdout, part)
        check("PRIVATE" not in done.stdout, "no key is shown")
        subject = subprocess.run(["openssl", "x509", "-noout", "-fingerprint", "-sha256"], capture_output=True,
                                 text=True, input=secret(cluster)["tls.crt"]).stdout
        contains(done.stdout, subject.split("=")[1].strip().replace(":", "").lower(), "fingerprint")

    with report.case("tentc certs make: files that openssl takes and nobody else reads; show says what does not fit"):
        where = os.path.join(folder, "made")
        made = [tentc, "certs", "make", "-o", where, "--name", f"tentc.{SYSTEM}.svc,127.0.0.1", "--days", "30"]
        equal(subprocess.run(made).returncode, 0)
        files = {}
        for name in ("ca.crt", "ca.key", "tls.crt", "tls.key"):
            with open(os.path.join(where, name)) as f:
                files[name] = f.read()
        equal([os.stat(os.path.join(where, n)).st_mode & 0o777 for n in ("ca.key", "tls.key")], [0o600, 0o600])
        verifies(files["ca.crt"], files["tls.crt"])
        again = subprocess.run(made, capture_output=True, text=True)
        equal((again.returncode, again.stderr), (2, f'tentc: error: "{where}/ca.crt" exists already and is not '
                                                 'overwritten; give another folder\n'))
        now = cluster.api("GET", SECRET).json
        now["data"] = {k: base64.b64encode(v.encode()).decode() for k, v in files.items()}
        equal(cluster.api("PUT", SECRET, now).status, 200)
        done = show()
        equal(done.returncode, 1, done.stderr)
        contains(done.stdout, "problem: tls.crt and the caBundle of workloads.tentacular.io: the certificate is signed "
                 "by none of the 1 in the bundle\n")

    cluster.api("DELETE", SECRET)
    cluster.api("DELETE", CONFIGURATION)


def main(build):
    report = Report()
    try:
        cluster = Cluster()
    except NoPrograms as e:
        report.skip("certs", str(e))
        return report.end()
    with cluster, tempfile.TemporaryDirectory(prefix="tentc-certs.") as folder:
        cluster.namespace(SYSTEM)
        commands(report, build, cluster, folder)
        cluster.api("POST", CONFIGURATION.rsplit("/", 1)[0], SHIPPED)
        with Replica(build, cluster) as a, Replica(build, cluster) as b:
            first_start(report, cluster, a, b)
            renewals(report, cluster, a, b)
            changes(report, cluster, a, b)
    return report.end()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
