"""Certificates while the API server calls: renewal, restart, swapped files, expiry; and another webhook beside ours."""

import base64
import http.server
import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time

from cluster import Cluster, NoPrograms, free_port
from pki import Authority
from report import Report, check, contains, equal, until
from served import CONFIGURATION, DEPLOY, SYSTEM, Served, bundle_of, enclave, install, point_at, until_called
from test_webhook import collection, deployment, mounted, post

LIFE = 24  # seconds: renewed at 16
REST = 0.7  # seconds after which a connection is closed that nobody used


class Balancer:
    """Two replicas behind one address, in turn; a connection that rests is closed, so that there is a handshake again
    and again. A replica that does not answer is left out, as a Service leaves out what is not ready."""

    def __init__(self, ports):
        self.ports, self.next, self.ending = list(ports), 0, False
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.join, args=(client,), daemon=True).start()

    def join(self, client):
        for _ in self.ports:
            self.next += 1
            try:
                server = socket.create_connection(("127.0.0.1", self.ports[self.next % len(self.ports)]), 2)
                break
            except OSError:
                continue
        else:
            client.close()
            return
        for s in (client, server):
            s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        used = [time.monotonic()]
        for a, b in ((client, server), (server, client)):
            threading.Thread(target=self.copy, args=(a, b, used), daemon=True).start()

    def copy(self, a, b, used):
        try:
            a.settimeout(0.2)
            while time.monotonic() < used[0] + REST:
                try:
                    data = a.recv(65536)
                except TimeoutError:
                    continue
                if not data:
                    break
                used[0] = time.monotonic()
                b.sendall(data)
        except OSError:
            pass
        for s in (a, b):
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def close(self):
        self.listener.close()


def served_certificate(port):
    """The fingerprint of what is served now."""
    pem = ssl.get_server_certificate(("127.0.0.1", port))
    return base64.b64encode(ssl.PEM_cert_to_DER_cert(pem)).decode()


class Load(threading.Thread):
    """Calls through the API server, one after the other, and what failed of them. Now and then it rests, and the API
    server has to connect anew."""

    def __init__(self, cluster, namespace):
        super().__init__(daemon=True)
        self.cluster, self.namespace = cluster, namespace
        self.calls, self.failed, self.ending = 0, [], threading.Event()

    def run(self):
        while not self.ending.is_set():
            answer = self.cluster.api("POST", collection(self.namespace) + "?dryRun=All", deployment("load"))
            self.calls += 1
            if answer.status != 201 or mounted(answer.json) != ["web"]:
                self.failed.append((answer.status, answer.text[:300]))
            time.sleep(2 * REST if self.calls % 40 == 0 else 0.02)

    def end(self):
        self.ending.set()
        self.join()


def forget_certificates(cluster):
    """As deploy/ ships the Secret: empty."""
    where = f"/api/v1/namespaces/{SYSTEM}/secrets/tentc-webhook-certs"
    secret = cluster.api("GET", where).json
    secret.pop("data", None)
    equal(cluster.api("PUT", where, secret).status, 200, "status of the emptied Secret")


def renewals(report, build, cluster, kubeconfig):
    forget_certificates(cluster)
    arguments = ["--webhook", "tentc", "--cert-life", f"{LIFE}s"]
    with Served(build, cluster, arguments, kubeconfig=kubeconfig) as a, \
            Served(build, cluster, arguments, kubeconfig=kubeconfig) as b:
        balancer = Balancer([a.port, b.port])
        point_at(cluster, f"https://127.0.0.1:{balancer.port}/mutate")
        until_called(cluster, a, "rotation")
        b.until_ready()
        with report.case(f"two replicas, {LIFE} s certificates, three renewals, zero failed calls"):
            seen = {served_certificate(a.port)}
            load = [Load(cluster, "rotation") for _ in range(2)]
            for thread in load:
                thread.start()
            end = time.monotonic() + 4 * LIFE
            while len(seen) < 4 and time.monotonic() < end:
                seen |= {served_certificate(a.port), served_certificate(b.port)}
                time.sleep(0.2)
            time.sleep(2)
            for thread in load:
                thread.end()
            failed = [f for thread in load for f in thread.failed]
            equal(failed[:3], [], f"failed calls ({len(failed)} of {sum(t.calls for t in load)})")
            check(len(seen) >= 4, f"{len(seen)} certificates were seen")
            equal(served_certificate(a.port), served_certificate(b.port), "what both serve")

        with report.case("a replica that stood still across a renewal does no harm when it wakes up"):
            balancer.ports = [a.port]
            b.process.send_signal(signal.SIGSTOP)
            try:
                before = served_certificate(a.port)
                until(lambda: served_certificate(a.port) != before, 2 * LIFE, "a renewal", every=0.3)
                now = bundle_of(cluster)
            finally:
                b.process.send_signal(signal.SIGCONT)
            until(lambda: served_certificate(b.port) == served_certificate(a.port), 15, "both serve the same again")
            balancer.ports = [b.port]
            until(lambda: cluster.api("POST", collection("rotation") + "?dryRun=All", deployment("x")).status == 201,
                  10, "calls reach it")
            check(len(set(now)) == 1, "one bundle in all entries")

        with report.case("a replica that restarts serves what is published, at once"):
            balancer.ports = [a.port]
            b.stop()
            b.start()
            b.until_ready()
            equal(served_certificate(b.port), served_certificate(a.port), "certificate")

        with report.case("kubectl apply of the shipped configuration does not cut the bundle off for long"):
            shipped = cluster.api("GET", CONFIGURATION).json
            for hook in shipped["webhooks"]:
                hook["clientConfig"] = {"service": {"name": "tentc", "namespace": SYSTEM, "path": "/mutate",
                                                    "port": 443}}
            equal(cluster.api("PUT", CONFIGURATION, shipped).status, 200)
            cluster.kubectl("apply", "-k", DEPLOY)
            point_at(cluster, f"https://127.0.0.1:{balancer.port}/mutate")
            until(lambda: all(bundle_of(cluster)), 70, "every entry has a caBundle", every=0.3)
            until(lambda: cluster.api("POST", collection("rotation") + "?dryRun=All", deployment("x")).status == 201,
                  10, "calls reach it")
        balancer.close()


def files(report, build, cluster):
    """As kubelet mounts a Secret: tls.crt -> ..data/tls.crt, ..data -> a folder with a date in its name."""
    folder = tempfile.mkdtemp(prefix="tentc-certs.")
    authority = Authority(folder)
    mount = os.path.join(folder, "mount")
    os.mkdir(mount)

    def publish(name, private=None):
        made = authority.issue(name, "tentc", names=["IP:127.0.0.1"])
        inner = os.path.join(mount, f"..{name}")
        os.mkdir(inner)
        for source, target in ((made[0], "tls.crt"), (private or made[1], "tls.key")):
            shutil.copy(source, os.path.join(inner, target))
        link = os.path.join(mount, "..new")
        os.symlink(f"..{name}", link)
        os.replace(link, os.path.join(mount, "..data"))
        return made

    try:
        first = publish("one")
        for f in ("tls.crt", "tls.key"):
            os.symlink(f"..data/{f}", os.path.join(mount, f))
        with Served(build, cluster, cert_dir=mount) as tentc:
            with open(authority.cert, "rb") as f:
                point_at(cluster, tentc.url, base64.b64encode(f.read()).decode())
            until_called(cluster, tentc, "rotation")
            load = Load(cluster, "rotation")
            load.start()
            one = served_certificate(tentc.port)
            with report.case("files that are swapped by ..data are served within seconds, connections go on"):
                publish("two")
                until(lambda: served_certificate(tentc.port) != one, 10, "the new certificate")
            two = served_certificate(tentc.port)
            with report.case("a half-written pair is not taken: what was served is served on, and the log says why"):
                publish("half", private=first[1])
                time.sleep(3)
                equal(served_certificate(tentc.port) == two, True, "the old one is served")
                said = [line for line in tentc.lines() if line.get("level") in ("warn", "error")]
                check(len(said) >= 1, tentc.log()[-1000:])
                check("tls" in json.dumps(said), said)
                check("PRIVATE KEY" not in tentc.log(), "no key in the log")
                check(tentc.metrics()["tentc_certificate_errors_total"] >= 1, "the metrics do not say so")
                publish("whole")
                until(lambda: served_certificate(tentc.port) != two, 10, "the next whole pair")
            load.end()
            with report.case("no call failed meanwhile"):
                equal(load.failed[:3], [], f"failed calls of {load.calls}")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def bundle(report, build, cluster, kubeconfig):
    """The caBundle is changed by others."""
    with tempfile.TemporaryDirectory() as folder, Served(build, cluster, kubeconfig=kubeconfig) as tentc:
        with open(Authority(folder).cert, "rb") as f:
            foreign = base64.b64encode(f.read()).decode()
        point_at(cluster, tentc.url)
        until_called(cluster, tentc, "rotation")
        for name, text, entries in (("emptied", None, None), ("another CA's", foreign, None),
                                    ("another CA's in one entry", foreign, 1)):
            with report.case(f"the caBundle is {name}: calls fail for seconds, not for a minute"):
                until(lambda: tentc.metrics().get("tentc_ca_bundle_ok") == 1, 10, "the metrics say that it is right")
                time.sleep(8)  # a step that is due anyway must not help
                shipped = cluster.api("GET", CONFIGURATION).json
                for hook in shipped["webhooks"][:entries]:
                    hook["clientConfig"]["caBundle"] = text
                equal(cluster.api("PUT", CONFIGURATION, shipped).status, 200)
                until(lambda: all(b and b != text for b in bundle_of(cluster)), 8, "it is written again", every=0.2)
                until(lambda: cluster.api("POST", collection("rotation") + "?dryRun=All", deployment("x")).status == 201,
                      5, "calls reach it")
        with report.case("the configuration is gone: the metrics say so"):
            kept = cluster.api("GET", CONFIGURATION).json
            equal(cluster.api("DELETE", CONFIGURATION).status, 200)
            until(lambda: tentc.metrics()["tentc_ca_bundle_ok"] == 0, 10, "the metric is 0")
            for key in ("uid", "resourceVersion", "managedFields", "creationTimestamp", "generation"):
                kept["metadata"].pop(key, None)
            for hook in kept["webhooks"]:
                hook["clientConfig"].pop("caBundle", None)
            equal(cluster.api("POST", os.path.dirname(CONFIGURATION), kept).status, 201)
            until(lambda: all(bundle_of(cluster)), 8, "it is announced in the new one")


def bad_files(report, build):
    with report.case("files that cannot be read are counted, also while what was served is served on"), \
            tempfile.TemporaryDirectory() as folder:
        made = Authority(folder).issue("leaf", "tentc", names=["IP:127.0.0.1"])
        for source, target in zip(made, ("tls.crt", "tls.key")):
            shutil.copy(source, os.path.join(folder, target))
        with Served(build, cert_dir=folder) as tentc:
            errors = lambda: tentc.metrics()["tentc_certificate_errors_total"]
            tentc.until_ready()
            equal(errors(), 0, "errors at first")
            check("tentc_ca_bundle_ok" not in tentc.metrics(), "it judges a caBundle that is not its own")
            with open(os.path.join(folder, "tls.crt"), "w") as f:
                f.write("garbage")
            until(lambda: errors() > 3, 10, "they are counted")
            equal(tentc.ready(), True, "what was served is served on")
            shutil.copy(made[0], os.path.join(folder, "tls.crt"))
            time.sleep(2)
            told = errors()
            time.sleep(2)
            equal(errors(), told, "errors when it is right again")


def expiry(report, build):
    with report.case("an expired certificate: in the metrics before it happens, in /readyz when it has"), \
            tempfile.TemporaryDirectory() as folder:
        authority = Authority(folder)
        made = authority.issue("leaf", "tentc", names=["IP:127.0.0.1"])
        # openssl counts in days; from 24 h ago, for a day and 6 s
        subprocess.run(["openssl", "req", "-new", "-key", made[1], "-subj", "/CN=tentc", "-out", f"{folder}/l.csr"],
                       check=True, capture_output=True)
        end = time.time() + 6
        stamp = [time.strftime("%Y%m%d%H%M%SZ", time.gmtime(t)) for t in (end - 86400, end)]
        for name, text in (("index.txt", ""), ("serial", "01\n"), ("ca.conf", (
                "[ca]\ndefault_ca = d\n[d]\ndatabase = index.txt\nserial = serial\nnew_certs_dir = .\n"
                "default_md = sha256\npolicy = p\n[p]\ncommonName = supplied\n"))):
            with open(os.path.join(folder, name), "w") as f:
                f.write(text)
        subprocess.run(["openssl", "ca", "-batch", "-config", "ca.conf", "-cert", authority.cert, "-keyfile", authority.key,
                        "-in", "l.csr", "-out", "tls.crt", "-notext", "-startdate", stamp[0], "-enddate", stamp[1]],
                       check=True, capture_output=True, cwd=folder)
        shutil.copy(made[1], f"{folder}/tls.key")
        with Served(build, cert_dir=folder) as tentc:
            equal(tentc.request("GET", "/readyz")[0], 200)
            told = [v for k, v in tentc.metrics().items() if "certificate" in k and "expir" in k]
            equal(told, [float(int(end))], "expiry in the metrics")
            until(lambda: not tentc.ready(), 15, "/readyz fails once it has expired")
            status, text = tentc.request("GET", "/readyz")
            equal(status, 503)
            contains(text, "expired")
            equal(tentc.request("GET", "/healthz")[0], 200, "/healthz: it lives")


class Sidecar(http.server.BaseHTTPRequestHandler):
    """Another webhook, which adds a container to every Deployment that has none of its own."""

    protocol_version = "HTTP/1.1"

    def do_POST(self):
        review = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        names = [c["name"] for c in review["request"]["object"]["spec"]["template"]["spec"]["containers"]]
        patch = [] if "sidecar" in names else [{
            "op": "add", "path": "/spec/template/spec/containers/-",
            "value": {"name": "sidecar", "image": "registry.example.com/sidecar:v1"}}]
        answer = json.dumps({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": {
            "uid": review["request"]["uid"], "allowed": True, "patchType": "JSONPatch",
            "patch": base64.b64encode(json.dumps(patch).encode()).decode()}}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


def another_webhook(report, build, cluster, kubeconfig):
    cert, private = cluster.authority.issue("sidecar", "sidecar", names=["IP:127.0.0.1"])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, private)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", free_port()), Sidecar)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with open(cluster.authority.cert, "rb") as f:
        bundle = base64.b64encode(f.read()).decode()
    configuration = {
        "apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingWebhookConfiguration",
        "metadata": {"name": "zz-sidecar"},
        "webhooks": [{
            "name": "sidecar.example.com", "admissionReviewVersions": ["v1"], "sideEffects": "None",
            "clientConfig": {"url": f"https://127.0.0.1:{server.server_port}/", "caBundle": bundle},
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "rotation"}},
            "rules": [{"apiGroups": ["apps"], "apiVersions": ["v1"], "operations": ["CREATE"],
                       "resources": ["deployments"]}]}]}
    with Served(build, cluster, ["--webhook", "tentc"], kubeconfig=kubeconfig) as tentc:
        point_at(cluster, tentc.url)
        until_called(cluster, tentc, "rotation")
        with report.case("re-invoked after another webhook added a container: mounted there too, nothing twice"):
            answer = cluster.api("POST", CONFIGURATION.rsplit("/", 1)[0], configuration)
            equal(answer.status, 201, answer.text)
            both = until(lambda: (lambda o: o if len(o["spec"]["template"]["spec"]["containers"]) == 2 else None)(
                post(cluster, collection("rotation"), deployment("both"), "?dryRun=All")), 20, "the sidecar is there")
            equal(mounted(both), ["web", "sidecar"])
            pod = both["spec"]["template"]["spec"]
            equal([v["name"] for v in pod["volumes"]], ["tentacular-exoskeleton"], "volumes")
            for c in pod["containers"]:
                equal([m["mountPath"] for m in c["volumeMounts"]], ["/app/secrets"], f"mounts of {c['name']}")
            stored = post(cluster, collection("rotation"), deployment("both"))
            again = cluster.api("PATCH", collection("rotation") + "/both", {"metadata": {"labels": {"a": "b"}}},
                                {"Content-Type": "application/merge-patch+json"}).json
            equal(again["spec"], stored["spec"])
        cluster.api("DELETE", CONFIGURATION.rsplit("/", 1)[0] + "/zz-sidecar")
        until(lambda: mounted(post(cluster, collection("rotation"), deployment("one"), "?dryRun=All")) == ["web"], 20,
              "the other webhook is gone")
    server.shutdown()
    server.server_close()


def main(build):
    report = Report()
    expiry(report, build)
    bad_files(report, build)
    with Cluster() as cluster:
        kubeconfig = install(cluster)
        enclave(cluster, "rotation")
        another_webhook(report, build, cluster, kubeconfig)
        renewals(report, build, cluster, kubeconfig)
        files(report, build, cluster)
        bundle(report, build, cluster, kubeconfig)
    return report.end()


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1]))
    except NoPrograms as e:
        print(f"skipped rotation: {e}")
        print("0 passed, 0 failed, 1 skipped")
