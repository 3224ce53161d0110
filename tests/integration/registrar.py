"""registrar.py - drives registrar_probe, and what else the tests of all registrars share.

    probe = Probe(build, folder, "postgres", "{host: 127.0.0.1, ...}")   # YAML of services.postgres
    run = probe("apply,observe", "shop", "web", epoch=1)
    run.status, run.steps, run.state, run.differs, run.error, run.output
    probe.fine("apply", "shop", "web")                                    # fails the case unless the status is 0
    probe.secret("shop", "web")["tentacular-postgres.password"]           # as `tentc compile` prints it for the author"""

import base64
import os
import re
import signal
import subprocess
import sys
import threading
import time

import yaml

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))

from report import Failed, Report, check, contains, equal  # noqa: E402,F401

# So that a test that is ended ends its servers and removes their folders.
signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))


class Run:
    def __init__(self, status, output, seconds):
        self.status, self.output, self.seconds = status, output, seconds
        self.lines = output.splitlines()
        self.steps = [line.split(" ", 2)[2] for line in self.lines if line.startswith("step ")]
        self.state = self._last("state ")
        self.differs = [line[8:] for line in self.lines if line.startswith("differs ")]
        self.error = self._last("error ")
        self.complaints = [line[10:] for line in self.lines if line.startswith("complaint ")]

    def _last(self, start):
        return ([line[len(start):] for line in self.lines if line.startswith(start)] or [""])[-1]

    def number(self, what):
        """Of "items 3", or the milliseconds of "apply ok 12.5"."""
        m = re.search(rf"^{re.escape(what)} (?:ok )?(-?[0-9.]+)$", self.output, re.M)
        if not m:
            raise Failed(f"no {what} in {self.output!r}")
        return float(m.group(1))

    @property
    def killed(self):
        return self.status == -signal.SIGKILL


class Probe:
    def __init__(self, build, folder, service, settings, installation="default", key_id="k1", keys=None,
                 environment=None):
        self.build, self.folder, self.service = build, folder, service
        self.program = os.path.join(build, "tests", "integration", "registrar_probe")
        self.tentc = os.path.join(build, "tentc")
        self.config = os.path.join(folder, f"exo-{installation}-{key_id}-{abs(hash(settings))}.yaml")
        self.environment = {**os.environ, **(environment or {})}
        with open(self.config, "w") as f:
            f.write("apiVersion: tentacular.io/v1alpha1\nkind: ExoskeletonConfig\n"
                    f"installation: {installation}\ncredentials: {{keyId: {key_id}}}\n"
                    f"networkPolicy: {{mode: off}}\nservices:\n  {service}: {settings}\n")
        self.keys = keys or os.path.join(folder, "keys")
        if not os.path.exists(self.keys):
            subprocess.run([self.tentc, "keygen", "-o", self.keys], check=True, timeout=30)

    def command(self, operation, enclave=None, name=None, epoch=None, **options):
        words = [self.program, self.config, self.keys, self.service, operation]
        words += [str(w) for w in (enclave, name, epoch) if w is not None]
        for option, value in options.items():
            words += ["--" + option.replace("_", "-"), str(value)]
        return words

    def start(self, *args, **options):
        return subprocess.Popen(self.command(*args, **options), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, text=True, env=self.environment)

    def end(self, process, start=None, timeout=120, send=None):
        output, _ = process.communicate(send, timeout=timeout)
        return Run(process.returncode, output, time.monotonic() - (start or time.monotonic()))

    def __call__(self, *args, timeout=120, **options):
        start = time.monotonic()
        return self.end(self.start(*args, **options), start, timeout)

    def fine(self, *args, **options):
        run = self(*args, **options)
        if run.status != 0:
            raise Failed(f"{' '.join(map(str, args))}: status {run.status}: {run.output}")
        return run

    def secret(self, enclave, name, epoch=0):
        """The values of the tentacle's Secret: what its author's program gets."""
        pod = {"apiVersion": "v1", "kind": "Pod",
               "metadata": {"name": name, "namespace": enclave, "annotations": {
                   "tentacular.io/contract": f"dependencies: {{tentacular-{self.service}: }}\n",
                   **({"tentacular.io/credential-epoch": str(epoch)} if epoch else {})}},
               "spec": {"containers": [{"name": "main", "image": "main"}]}}
        done = subprocess.run([self.tentc, "compile", "--root-key-file", self.keys, "--config", self.config, "-"],
                              input=yaml.safe_dump(pod), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              timeout=30)
        for document in yaml.safe_load_all(done.stdout) if done.returncode == 0 else []:
            if document.get("kind") == "Secret":
                return {key: base64.b64decode(value).decode() for key, value in document["data"].items()}
        raise Failed(f"tentc compile made no Secret: {done.stderr}")


class CommandLines:
    """Reads /proc/*/cmdline all the time, in a thread of its own; what stood there is in .seen."""

    def __enter__(self):
        self.seen, self._ended = set(), False
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._ended = True
        self._thread.join()

    def _watch(self):
        while not self._ended:
            for pid in filter(str.isdigit, os.listdir("/proc")):
                try:
                    with open(f"/proc/{pid}/cmdline", "rb") as f:
                        self.seen.add(f.read().replace(b"\0", b" ").decode(errors="replace"))
                except OSError:
                    pass
            time.sleep(0.05)
