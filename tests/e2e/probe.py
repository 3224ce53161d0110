"""probe.py - runs kube_probe (kube_probe.c), and a scripted server for answers that no API server gives."""

import http.server
import json
import os
import signal
import subprocess
import threading
import time

from report import Failed, until


class Probe:
    """kube_probe with a kubeconfig."""

    said = ""  # all that any of them printed: no secret may be in it

    def __init__(self, program):
        self.program = program

    def _command(self, kubeconfig, args):
        return [self.program, kubeconfig, *map(str, args)]

    def _env(self, env):
        # Nothing listens there: whoever asked the environment for a proxy would fail.
        proxies = {name: "http://127.0.0.1:9" for name in ("http_proxy", "https_proxy", "HTTPS_PROXY", "ALL_PROXY")}
        return {"PATH": os.environ["PATH"], **proxies, **(env or {})}

    def run(self, kubeconfig, *args, input=None, env=None, timeout=60):
        """One command: what it printed."""
        done = subprocess.run(self._command(kubeconfig, args), input=json.dumps(input) if input is not None else "",
                              capture_output=True, text=True, env=self._env(env), timeout=timeout)
        Probe.said += done.stdout + done.stderr
        if done.returncode not in (0, 1) or done.stderr:
            raise Failed(f"kube_probe {args}: status {done.returncode}: {done.stderr[-2000:]}")
        return json.loads(done.stdout)

    def start(self, kubeconfig, *args, env=None):
        return Running(self._command(kubeconfig, args), self._env(env))


class Running:
    """One that goes on: its lines, as they come, each with the time in "time"."""

    def __init__(self, command, env):
        self.p = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                  text=True, env=env)
        self.lines = []
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.p.stdout:
            Probe.said += line
            self.lines.append({**json.loads(line), "time": time.monotonic()})

    def ops(self, name):
        return [line for line in list(self.lines) if line.get("op") == name]

    def names(self, name="seen"):
        return [line["name"] for line in self.ops(name)]

    def wait(self, op, count=1, seconds=20):
        until(lambda: len(self.ops(op)) >= count, seconds, f"{count} times {op}: {self.lines[-3:]}")

    def wait_seen(self, name, op="seen", seconds=30):
        until(lambda: name in self.names(op), seconds, f"{op} {name}: {self.lines[-3:]}")

    def kill(self, number):
        self.p.send_signal(number)

    def memory(self):
        """The most that it ever held, in MiB."""
        with open(f"/proc/{self.p.pid}/status") as f:
            return next(int(line.split()[1]) // 1024 for line in f if line.startswith("VmHWM"))

    def end(self, number=signal.SIGTERM, status=0):
        """Ends it, and says how long that took."""
        began = time.monotonic()
        if self.p.poll() is None:
            self.p.send_signal(signal.SIGCONT)
            self.p.send_signal(number)
        try:
            self.p.wait(20)
        except subprocess.TimeoutExpired:
            self.p.kill()
            raise Failed("kube_probe did not end")
        took = time.monotonic() - began
        self.reader.join(5)
        errors = self.p.stderr.read()
        if number == signal.SIGTERM and (self.p.returncode != status or errors):
            raise Failed(f"kube_probe: status {self.p.returncode}: {errors[-2000:]}")
        return took

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if self.p.poll() is None:
            self.p.kill()
            self.p.wait()
        self.reader.join(5)
        self.p.stdout.close()
        self.p.stderr.close()


class Fake:
    """An HTTP server that answers with what script(handler, number of the request, path) writes."""

    def __init__(self, folder, script):
        fake = self
        self.requests = []  # (time, path)

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                fake.requests.append((time.monotonic(), self.path))
                self.close_connection = True
                try:
                    script(self, len(fake.requests), self.path)
                except (BrokenPipeError, ConnectionResetError):
                    pass

            def send(self, status, body, headers=(), kind="application/json"):
                body = body if isinstance(body, (str, bytes)) else json.dumps(body)
                body = body.encode() if isinstance(body, str) else body
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                for name, value in headers:
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def stream(self):
                """The head of an answer without an end: the caller writes on."""
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Connection", "close")
                self.end_headers()

            def event(self, kind, object):
                self.wfile.write((json.dumps({"type": kind, "object": object}) + "\n").encode())

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.ending = threading.Event()
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()
        self.kubeconfig = os.path.join(folder, f"fake-{self.server.server_port}.kubeconfig")
        with open(self.kubeconfig, "w") as f:
            json.dump({
                "current-context": "f",
                "contexts": [{"name": "f", "context": {"cluster": "f"}}],
                "clusters": [{"name": "f", "cluster": {"server": f"http://127.0.0.1:{self.server.server_port}"}}],
            }, f)

    def hang(self):
        self.ending.wait(60)

    def watches(self):
        return [path for _, path in self.requests if "watch=1" in path]

    def lists(self):
        return [path for _, path in self.requests if "watch=1" not in path]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.ending.set()
        self.server.shutdown()
        self.server.server_close()


def config_map(name, version="1", **data):
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "resourceVersion": version},
            "data": data}


def config_map_list(*items, version="1", more=None):
    meta = {"resourceVersion": version, **({"continue": more} if more else {})}
    return {"apiVersion": "v1", "kind": "ConfigMapList", "metadata": meta, "items": list(items)}
