"""served.py - `tentc serve` as a process of a test, and the API server told to call it.

    with Served(build, cluster) as tentc:              # certificates of its own, in a Secret of the cluster
        install(cluster, tentc.url)                    # deploy/, with the URL of a process outside the cluster
        tentc.until_ready()
"""

import http.client
import json
import os
import re
import signal
import ssl
import subprocess
import tempfile
import time

from cluster import die_with_parent, free_port
from report import Failed, until

HERE = os.path.dirname(os.path.abspath(__file__))
DEPLOY = os.path.join(os.path.dirname(os.path.dirname(HERE)), "deploy")
SYSTEM = "tentacular-system"
ACCOUNT = "tentc-admission"
WEBHOOK = "tentc"
CONFIGURATION = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/" + WEBHOOK


def program(build):
    return os.path.abspath(os.path.join(build, "tentc"))


class Served:
    def __init__(self, build, cluster=None, args=(), cert_dir=None, kubeconfig=None, port=None, log=None):
        self.port = port or free_port()
        self.url = f"https://127.0.0.1:{self.port}/mutate"
        self.command = [program(build), "serve", "--admission", "--listen", f"127.0.0.1:{self.port}",
                        "--metrics", "127.0.0.1:0", "--log", "json", "--drain", "0"]
        if cert_dir:
            self.command += ["--cert-dir", cert_dir]
        else:
            self.command += ["--service", "127.0.0.1,tentc.tentacular-system.svc"]
        self.command += ["--kubeconfig", kubeconfig or cluster.kubeconfig] if cluster else ["--no-cluster"]
        self.command += list(args)
        self.log_path = log or tempfile.mkstemp(prefix="tentc-serve.", suffix=".log")[1]
        self.process = None

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.stop(check=False)
        os.unlink(self.log_path)

    def start(self):
        start = os.path.getsize(self.log_path)
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            preexec_fn=die_with_parent)

        def listening():
            with open(self.log_path, errors="replace") as log:
                log.seek(start)
                text = log.read()
            if self.process.poll() is not None:
                raise Failed(f"tentc serve ended with status {self.process.returncode}: {text}")
            return next((line for line in map(parse, text.splitlines()) if line.get("msg") == "listening"), None)

        self.metrics_port = int(until(listening, 20, "tentc serve is listening")["metrics_port"])

    def stop(self, number=signal.SIGTERM, check=True):
        """Ends it, and returns its exit status."""
        if self.process is None:
            return None
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            status = self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            status = "killed after 30 s"
        self.process = None
        if check and number == signal.SIGTERM and status != 0:
            raise Failed(f"tentc serve ended with status {status}: {self.log()[-2000:]}")
        return status

    def log(self):
        with open(self.log_path, errors="replace") as log:
            return log.read()

    def lines(self, msg=None):
        return [line for line in map(parse, self.log().splitlines()) if msg is None or line.get("msg") == msg]

    def request(self, method, path, body=None, headers=None):
        """(status, text). The certificate is not looked at: that is the API server's to do."""
        context = ssl._create_unverified_context()
        connection = http.client.HTTPSConnection("127.0.0.1", self.port, context=context, timeout=20)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def metrics(self):
        """{'name{labels}': value}"""
        connection = http.client.HTTPConnection("127.0.0.1", self.metrics_port, timeout=20)
        try:
            connection.request("GET", "/metrics")
            text = connection.getresponse().read().decode()
        finally:
            connection.close()
        return {m[1]: float(m[2]) for m in re.finditer(r"^([a-zA-Z_][^ #]*(?:\{[^}]*\})?) (\S+)$", text, re.M)}

    def ready(self):
        try:
            return self.request("GET", "/readyz")[0] == 200
        except (OSError, http.client.HTTPException):
            return False

    def until_ready(self, seconds=20):
        until(self.ready, seconds, f"/readyz says 200: {self.log()[-1500:]}")


def parse(line):
    try:
        return json.loads(line)
    except ValueError:
        return {"msg": "unreadable", "line": line}


def enclave(cluster, name, labels=None):
    cluster.namespace(name, {"tentacular.io/enclave": name, **(labels or {})})


def point_at(cluster, url, bundle=None):
    """What deploy/ says of the webhooks stays, but where they are: a process outside the cluster."""
    def written():
        configuration = cluster.api("GET", CONFIGURATION).json
        for hook in configuration["webhooks"]:
            old = hook["clientConfig"].get("caBundle")
            hook["clientConfig"] = {"url": url}
            if bundle or old:
                hook["clientConfig"]["caBundle"] = bundle or old
        answer = cluster.api("PUT", CONFIGURATION, configuration)
        if answer.status not in (200, 409):
            raise Failed(answer.text)
        return answer.status == 200  # 409: tentc wrote its bundle meanwhile

    until(written, 10, "the configuration is written")


def bundle_of(cluster):
    return [hook["clientConfig"].get("caBundle") for hook in cluster.api("GET", CONFIGURATION).json["webhooks"]]


def install(cluster):
    """deploy/ as it is shipped; then the account that it makes is what tentc runs as."""
    cluster.kubectl("apply", "-k", DEPLOY)
    return cluster.account_kubeconfig(SYSTEM, ACCOUNT)


def until_called(cluster, tentc, namespace):
    """The API server hears of a webhook's configuration a moment later: until it has asked about an object."""
    def asked():
        probe = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {
            "name": "probe", "annotations": {"tentacular.io/contract": 'version: "1"\ndependencies:\n  tentacular-nats:\n'}},
            "spec": {"selector": {"matchLabels": {"a": "b"}},
                     "template": {"metadata": {"labels": {"a": "b"}},
                                  "spec": {"containers": [{"name": "c", "image": "i"}]}}}}
        answer = cluster.api("POST", f"/apis/apps/v1/namespaces/{namespace}/deployments?dryRun=All", probe)
        return answer.status == 201 and "tentacular.io/compiled" in answer.json["metadata"].get("annotations", {})

    tentc.until_ready()
    until(asked, 30, "the API server calls the webhook", every=0.2)
    time.sleep(0.1)
