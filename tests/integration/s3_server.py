"""s3_server.py - real S3 servers for the tests, each with a folder of its own, on free ports of 127.0.0.1.

    for kind in kinds():                # ["rustfs", "minio"], those that can be had; reasons() says why others cannot
        with Server(kind) as server:
            server.root.get("/")        # an s3_client.Client of the server's own administrator
            server.restart()

RustFS is taken from TENTC_RUSTFS, from the PATH, or from ../shared/servers beside the repository, unpacked once into
${TENTC_CACHE:-~/.cache/tentc}. MinIO is built there once, from the Go modules that minio/go.sum pins (6 minutes on 2
cores); TENTC_MINIO names one that is there already."""

import fcntl
import glob
import hashlib
import lzma
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

from s3_client import Client

HERE = os.path.dirname(os.path.abspath(__file__))
ACCESS, SECRET = "tentc-tests-root", "root-secret-of-the-tests-0123456789"
# What is signed and sent to the administration, by dialect.
ADMIN = {"rustfs": "/rustfs/admin/v3", "minio": "/minio/admin/v3"}

_found = None

def _ended(*_):
    """A run that is ended stops its servers and removes their folders; the signal may come twice."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    sys.exit(143)


signal.signal(signal.SIGTERM, _ended)


def cache():
    folder = os.environ.get("TENTC_CACHE") or os.path.join(
        os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "tentc")
    os.makedirs(folder, exist_ok=True)
    return folder


class Alone:
    """One run at a time makes what the cache holds."""

    def __init__(self, name):
        self.path = os.path.join(cache(), name + ".lock")

    def __enter__(self):
        self.file = open(self.path, "w")
        fcntl.flock(self.file, fcntl.LOCK_EX)

    def __exit__(self, *_):
        self.file.close()


def _into_place(new, program):
    os.chmod(new, 0o755)
    os.makedirs(os.path.dirname(program), exist_ok=True)
    os.replace(new, program)
    return program


def _rustfs():
    named = os.environ.get("TENTC_RUSTFS") or shutil.which("rustfs")
    if named:
        if not os.access(named, os.X_OK):
            raise RuntimeError(f"TENTC_RUSTFS names {named}, which is no program")
        return named
    packed = sorted(glob.glob(os.path.join(HERE, "../../../shared/servers/rustfs-*-x86_64.xz")))
    if not packed or os.uname().machine != "x86_64":
        raise RuntimeError("there is no rustfs in TENTC_RUSTFS, on the PATH or in ../shared/servers")
    program = os.path.join(cache(), os.path.basename(packed[-1])[: -len("-x86_64.xz")], "rustfs")
    with Alone("rustfs"):
        if not os.access(program, os.X_OK):
            with lzma.open(packed[-1]) as source, tempfile.NamedTemporaryFile(dir=cache(), delete=False) as new:
                shutil.copyfileobj(source, new)
            _into_place(new.name, program)
    return program


def _minio():
    named = os.environ.get("TENTC_MINIO")
    if named:
        if not os.access(named, os.X_OK):
            raise RuntimeError(f"TENTC_MINIO names {named}, which is no program")
        return named
    with open(os.path.join(HERE, "minio", "go.sum"), "rb") as f:
        pinned = hashlib.sha256(f.read()).hexdigest()[:12]
    program = os.path.join(cache(), "minio-" + pinned, "minio")
    with Alone("minio"):
        if os.access(program, os.X_OK):
            return program
        if not shutil.which("go"):
            raise RuntimeError("there is no minio in TENTC_MINIO, and no go to build it with")
        print("building MinIO, once", flush=True)
        with tempfile.TemporaryDirectory(dir=cache()) as folder:
            new = os.path.join(folder, "minio")
            done = subprocess.run(
                ["nice", "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", new, "github.com/minio/minio"],
                cwd=os.path.join(HERE, "minio"), env={**os.environ, "CGO_ENABLED": "0", "GOFLAGS": "-mod=readonly"},
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            if done.returncode != 0:
                lines = done.stdout.strip().splitlines()
                raise RuntimeError(f"MinIO could not be built: {lines[-1] if lines else 'no reason given'}")
            return _into_place(new, program)


def _find():
    global _found
    if _found is None:
        there, why = {}, {}
        for kind, find in (("rustfs", _rustfs), ("minio", _minio)):
            try:
                there[kind] = find()
            except (RuntimeError, OSError) as e:
                why[kind] = str(e)
        _found = (there, why)
    return _found


def kinds():
    return list(_find()[0])


def reasons():
    return _find()[1]


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Server:
    def __init__(self, kind, tls=None, level="error", **environment):
        """tls: the files of a certificate and its key. level: of RustFS' log; "debug" shows requests, and is slow."""
        self.kind, self.tls, self.level = kind, tls, level
        self.program = _find()[0][kind]
        self.folder = tempfile.mkdtemp(prefix="tentc-s3-")
        self.port, self.console = free_port(), free_port()
        self.log = os.path.join(self.folder, "log")
        self.data = os.path.join(self.folder, "data")
        self.environment = environment
        self.process = None
        self.admin = ADMIN[kind]
        self.root = self.client(ACCESS, SECRET)
        os.mkdir(self.data)
        if tls:
            self.certificates = os.path.join(self.folder, "certificates")
            os.mkdir(self.certificates)
            for source, *names in ((tls[0], "public.crt", "rustfs_cert.pem"), (tls[1], "private.key", "rustfs_key.pem")):
                for name in names:
                    shutil.copy(source, os.path.join(self.certificates, name))

    def client(self, access, secret, **options):
        return Client("127.0.0.1", self.port, access, secret, tls=bool(self.tls), **options)

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(self, wait=True):
        place = f"127.0.0.1:{self.port}"
        if self.kind == "rustfs":
            words = [self.program, "server", "--address", place, self.data]
            names = {"RUSTFS_ACCESS_KEY": ACCESS, "RUSTFS_SECRET_KEY": SECRET, "RUSTFS_OBS_LOG_DIRECTORY": "",
                     "RUSTFS_OBS_LOGGER_LEVEL": self.level, "RUST_LOG": self.level}
        else:
            words = [self.program, "server", "--address", place, "--console-address", f"127.0.0.1:{self.console}",
                     self.data]
            names = {"MINIO_ROOT_USER": ACCESS, "MINIO_ROOT_PASSWORD": SECRET, "MINIO_BROWSER": "off"}
        if self.tls:
            words[2:2] = ["--tls-path" if self.kind == "rustfs" else "--certs-dir", self.certificates]
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder,
                                            env={**os.environ, "HOME": self.folder, **names, **self.environment})
        if wait:
            self.ready()

    def ready(self, seconds=60):
        end = time.monotonic() + seconds
        while True:
            if self.process.poll() is not None:
                raise RuntimeError(f"{self.kind} ended with {self.process.returncode}: {self.logged()[-500:]}")
            try:
                if (self.root.get(self.admin + "/list-canned-policies").status == 200
                        and self.root.get("/").status == 200):
                    return
            except OSError:
                pass
            if time.monotonic() > end:
                raise RuntimeError(f"{self.kind} is not ready after {seconds} s: {self.logged()[-500:]}")
            time.sleep(0.1)

    def stop(self, how=signal.SIGTERM):
        if self.process:
            self.root.close()
            self.process.send_signal(how)
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
            self.process = None

    def restart(self, how=signal.SIGTERM):
        self.stop(how)
        self.start()

    def logged(self):
        with open(self.log, errors="replace") as f:
            return f.read()

    # --- what the administrator sees, without tentc

    def user(self, name):
        answer = self.root.get(self.admin + "/user-info", {"accessKey": name})
        return answer.json() if answer.status == 200 else None

    def policy(self, name):
        answer = self.root.get(self.admin + "/info-canned-policy", {"name": name})
        if answer.status != 200:
            return None
        found = answer.json()
        return found.get("policy", found)

    def versions(self, bucket, prefix=""):
        answer = self.root.get(f"/{bucket}", {"versions": "", "prefix": prefix})
        return answer.all("VersionId") if answer.status == 200 else []
