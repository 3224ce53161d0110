"""cluster.py - a real API server for tests: etcd, kube-apiserver and, where asked for, kube-controller-manager.

    with Cluster(controllers=True) as c:
        c.kubectl("apply", "-f", "-", input=manifest)
        answer = c.api("GET", "/api/v1/namespaces/default")      # .status, .headers, .text, .json
        alice = c.user_kubeconfig("alice", ["team"])             # a client certificate
        c.kubectl("get", "pods", kubeconfig=alice, check=False)

All of it listens on 127.0.0.1, keeps its files in a folder of its own, and ends with this program, however that ends.
There is no kubelet: Pods are stored, not run. Admission is the API server's default: PodSecurity,
ValidatingAdmissionPolicy and the webhooks are on; ServiceAccount is on when the controllers run, which make the
accounts that it wants. A namespace's `default` account comes a moment after the namespace: see namespace().
"""

import atexit
import ctypes
import http.client
import json
import os
import secrets
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import threading
import time

from pki import Authority, key

HERE = os.path.dirname(os.path.abspath(__file__))


class NoPrograms(Exception):
    """There are no programs to run, and why: the tests are skipped."""


def programs():
    """The folder that holds etcd, kube-apiserver, kube-controller-manager and kubectl: builds them when it has to."""
    if not shutil.which("openssl"):
        raise NoPrograms("there is no openssl")
    found = subprocess.run(["sh", os.path.join(HERE, "tools.sh")], capture_output=True, text=True)
    if found.returncode != 0:
        raise NoPrograms((found.stderr.strip().splitlines() or ["tools.sh failed"])[-1])
    return found.stdout.strip()


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


PR_SET_PDEATHSIG = 1
libc = ctypes.CDLL(None)


def die_with_parent():
    """In the child: the kernel ends it when this program's thread ends, kill -9 included."""
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Answer:
    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers
        self.text = body.decode("utf-8", "replace")

    @property
    def json(self):
        return json.loads(self.text)


class Cluster:
    def __init__(self, controllers=False, arguments=(), audit=False, compaction="5m"):
        """arguments: more of them for kube-apiserver. audit: every request, with metadata, as JSON lines in
        `audit_log`. compaction: how often the API server compacts etcd; "0" never, then compact() alone does."""
        self.controllers = controllers
        self.arguments = list(arguments)
        self.audit = audit
        self.compaction = compaction
        self.processes = {}
        self.folder = None

    # --- from start to end

    def __enter__(self):
        if not self.folder:
            self.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def start(self):
        """To be called by the main thread, whose signals SIGTERM, SIGINT and SIGHUP then stop the cluster too."""
        self.bin = programs()
        self.folder = tempfile.mkdtemp(prefix="tentc-e2e.")
        atexit.register(self.stop)
        self._catch_signals()
        try:
            self._make_files()
            # A port that was free may be taken when the program gets to it: then once more, with others.
            for attempt in (1, 2, 3):
                self.etcd_port, self.etcd_peer, self.port = free_port(), free_port(), free_port()
                self.url = f"https://127.0.0.1:{self.port}"
                try:
                    self.start_etcd()
                    self.start_apiserver()
                    break
                except RuntimeError:
                    self._end_all()
                    if attempt == 3:
                        raise
            self._write_kubeconfig(self.kubeconfig, {"token": self.token})
            if self.controllers:
                self.start_controllers()
                self._wait("a service account in namespace default", 60, lambda: self._has_account("default"))
        except BaseException:
            self.stop()
            raise

    def stop(self):
        self._end_all()
        if self.folder and not os.environ.get("TENTC_E2E_KEEP"):
            shutil.rmtree(self.folder, ignore_errors=True)
        self.folder = None
        atexit.unregister(self.stop)

    def _catch_signals(self):
        if threading.current_thread() is not threading.main_thread():
            return

        def leave(number, _):
            raise SystemExit(128 + number)

        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, leave)

    def _end_all(self):
        # The API server stops slowly when etcd goes first.
        for name in ("controllers", "apiserver", "etcd"):
            self._end(name)

    def _end(self, name, number=signal.SIGTERM, patience=2):
        p = self.processes.pop(name, None)
        if p is None:
            return
        if p.poll() is None:
            p.send_signal(number)
            try:
                p.wait(patience)
            except subprocess.TimeoutExpired:
                # Nothing of theirs is kept: what does not hurry is killed.
                p.kill()
        p.wait()

    # --- the programs, one by one: a test may end them and start them again

    def start_etcd(self):
        url, peer = f"http://127.0.0.1:{self.etcd_port}", f"http://127.0.0.1:{self.etcd_peer}"
        self._run("etcd", "etcd", "--data-dir", self.path("etcd"), "--unsafe-no-fsync", "--log-level", "warn",
                  "--listen-client-urls", url, "--advertise-client-urls", url, "--listen-peer-urls", peer,
                  "--initial-advertise-peer-urls", peer, "--initial-cluster", f"default={peer}")
        self._wait("etcd", 30, lambda: self._etcd("/v3/maintenance/status", {}) is not None, "etcd")

    def start_apiserver(self):
        args = [
            "--etcd-servers", f"http://127.0.0.1:{self.etcd_port}",
            "--etcd-compaction-interval", self.compaction,
            "--bind-address", "127.0.0.1", "--secure-port", str(self.port),
            "--tls-cert-file", self.path("apiserver.crt"), "--tls-private-key-file", self.path("apiserver.key"),
            "--client-ca-file", self.authority.cert,
            "--token-auth-file", self.path("tokens.csv"),
            "--authorization-mode", "RBAC",
            "--service-account-key-file", self.path("accounts.key"),
            "--service-account-signing-key-file", self.path("accounts.key"),
            "--service-account-issuer", "https://kubernetes.default.svc",
            "--service-cluster-ip-range", "10.0.0.0/24",
            "--allow-privileged=true",
            "--profiling=false",
        ]
        if not self.controllers:
            # Nobody makes the accounts that it wants.
            args += ["--disable-admission-plugins", "ServiceAccount"]
        if self.audit:
            args += ["--audit-policy-file", self.path("audit.json"), "--audit-log-path", self.audit_log]
        self._run("apiserver", "kube-apiserver", *args, *self.arguments)
        self._wait("the API server", 90, self._ready, "apiserver")

    def kill_apiserver(self, number=signal.SIGKILL):
        self._end("apiserver", number, 60)

    def start_controllers(self):
        cert, private = self.authority.issue("controllers", "system:kube-controller-manager")
        self._write_kubeconfig(self.path("controllers.kubeconfig"),
                               {"client-certificate": cert, "client-key": private})
        # As in a real cluster each controller is an account of its own, which policies can name.
        self._run("controllers", "kube-controller-manager", "--kubeconfig", self.path("controllers.kubeconfig"),
                  "--use-service-account-credentials", "--leader-elect=false", "--bind-address", "127.0.0.1",
                  "--secure-port", "0", "--root-ca-file", self.authority.cert,
                  "--service-account-private-key-file", self.path("accounts.key"),
                  # Soon enough for a test that waits for it.
                  "--namespace-sync-period", "10s", "--concurrent-gc-syncs", "5")

    def kill_controllers(self):
        self._end("controllers", signal.SIGKILL)

    def pid(self, name):
        """Of "etcd", "apiserver" or "controllers"."""
        return self.processes[name].pid

    def log(self, name):
        with open(self.path(name + ".log"), errors="replace") as f:
            return f.read()

    def _run(self, name, program, *args):
        with open(self.path(name + ".log"), "ab") as log:
            self.processes[name] = subprocess.Popen(
                [os.path.join(self.bin, program), *args], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                cwd=self.folder, env=self._environment(), preexec_fn=die_with_parent)

    def _wait(self, what, seconds, ready, name=None):
        end = time.monotonic() + seconds
        while not ready():
            p = self.processes.get(name)
            if p is not None and p.poll() is not None:
                raise RuntimeError(f"{what} ended with status {p.returncode}: {self._tail(name)}")
            if time.monotonic() > end:
                raise RuntimeError(f"{what} was not there within {seconds} s: {self._tail(name) if name else ''}")
            time.sleep(0.05)

    def _tail(self, name):
        return " | ".join(self.log(name).strip().splitlines()[-3:])

    def _ready(self):
        try:
            return self.api("GET", "/readyz").status == 200
        except (OSError, http.client.HTTPException):
            return False

    def _has_account(self, namespace):
        return self.api("GET", f"/api/v1/namespaces/{namespace}/serviceaccounts/default").status == 200

    # --- its files

    def path(self, name):
        return os.path.join(self.folder, name)

    def _make_files(self):
        self.authority = Authority(self.folder)
        self.authority.issue("apiserver", "kube-apiserver",
                             names=["IP:127.0.0.1", "IP:10.0.0.1", "DNS:localhost", "DNS:kubernetes.default.svc"])
        key(self.path("accounts.key"))
        self.kubeconfig = self.path("admin.kubeconfig")
        self.audit_log = self.path("audit.log")
        self.token = secrets.token_hex(16)
        with open(self.path("tokens.csv"), "w") as f:
            f.write(f'{self.token},admin,admin,"system:masters"\n')
        with open(self.path("audit.json"), "w") as f:
            json.dump({"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "rules": [{"level": "Metadata"}]}, f)
        os.mkdir(self.path("home"))

    def _write_kubeconfig(self, path, user, cluster=None):
        """kubeconfigs are JSON, which is YAML too."""
        server = {"server": self.url, "certificate-authority": self.authority.cert}
        config = {
            "apiVersion": "v1", "kind": "Config", "current-context": "e2e",
            "contexts": [{"name": "e2e", "context": {"cluster": "e2e", "user": "e2e"}}],
            "clusters": [{"name": "e2e", "cluster": {**server, **(cluster or {})}}],
            "users": [{"name": "e2e", "user": user}],
        }
        with open(path, "w") as f:
            json.dump(config, f)
        os.chmod(path, 0o600)

    def _environment(self):
        kept = {name: os.environ[name] for name in ("PATH", "TMPDIR", "LANG") if name in os.environ}
        return {**kept, "HOME": self.path("home")}

    # --- using it

    def user_kubeconfig(self, name, groups=()):
        """A kubeconfig with a client certificate of that user. Without RBAC rules it may do nothing."""
        stem = "user-" + secrets.token_hex(4)
        cert, private = self.authority.issue(stem, name, groups)
        path = self.path(stem + ".kubeconfig")
        self._write_kubeconfig(path, {"client-certificate": cert, "client-key": private})
        return path

    def account_token(self, namespace, name, seconds=3600):
        """A token of a service account, which is made when it is missing."""
        accounts = f"/api/v1/namespaces/{namespace}/serviceaccounts"
        self.api("POST", accounts, {"metadata": {"name": name}})
        made = self.api("POST", f"{accounts}/{name}/token", {"spec": {"expirationSeconds": seconds}})
        if made.status != 201:
            raise RuntimeError(f"no token for {namespace}/{name}: {made.text}")
        return made.json["status"]["token"]

    def account_kubeconfig(self, namespace, name):
        """A kubeconfig with the token of a service account."""
        path = self.path("account-" + secrets.token_hex(4) + ".kubeconfig")
        self._write_kubeconfig(path, {"token": self.account_token(namespace, name)})
        return path

    def namespace(self, name, labels=None):
        """Makes a namespace, and waits until Pods can be made in it."""
        made = self.api("POST", "/api/v1/namespaces", {"metadata": {"name": name, "labels": labels or {}}})
        if made.status != 201:
            raise RuntimeError(f"namespace {name}: {made.text}")
        if self.controllers:
            self._wait(f"the service account of namespace {name}", 30, lambda: self._has_account(name))

    def kubectl(self, *args, input=None, check=True, kubeconfig=None):
        """check: a failure is an exception that holds its stderr."""
        done = subprocess.run(
            [os.path.join(self.bin, "kubectl"), "--kubeconfig", kubeconfig or self.kubeconfig, *args],
            input=input, stdin=subprocess.DEVNULL if input is None else None, capture_output=True, text=True,
            env=self._environment(), timeout=120)
        if check and done.returncode != 0:
            raise RuntimeError(f"kubectl {' '.join(args)}: status {done.returncode}: {done.stderr.strip()}")
        return done

    def api(self, method, path, body=None, headers=None, token=None):
        """One request, as system:masters unless a token says otherwise. body: text, bytes, or what becomes JSON."""
        if body is not None and not isinstance(body, (str, bytes)):
            body = json.dumps(body)
        context = ssl.create_default_context(cafile=self.authority.cert)
        connection = http.client.HTTPSConnection("127.0.0.1", self.port, context=context, timeout=60)
        try:
            connection.request(method, path, body, {
                "Authorization": "Bearer " + (token or self.token), "Accept": "application/json",
                "Content-Type": "application/json", **(headers or {})})
            answer = connection.getresponse()
            return Answer(answer.status, answer.headers, answer.read())
        finally:
            connection.close()

    def compact(self):
        """etcd forgets all but the newest revision: what watches from an older one gets 410."""
        status = self._etcd("/v3/maintenance/status", {})
        revision = status["header"]["revision"]
        self._etcd("/v3/kv/compaction", {"revision": revision, "physical": True})
        return revision

    def _etcd(self, path, body):
        connection = http.client.HTTPConnection("127.0.0.1", self.etcd_port, timeout=10)
        try:
            connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
            answer = connection.getresponse()
            text = answer.read()
            if answer.status != 200:
                raise RuntimeError(f"etcd {path}: {answer.status}: {text!r}")
            return json.loads(text)
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()
