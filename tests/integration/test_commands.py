"""tentc register, undeploy, enclave and doctor over real PostgreSQL, RustFS and NATS at once: a tentacle's life as the
person at the terminal sees it, outages of one service, plans that change nothing, and the JSON that scripts read."""

import base64
import glob
import json
import os
import pty
import select
import subprocess
import sys
import tempfile
import time

import yaml

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import nats_server  # noqa: E402
import postgres_server  # noqa: E402
import s3_server  # noqa: E402
from registrar import CommandLines  # noqa: E402
from cluster import Cluster, NoPrograms  # noqa: E402
from report import Failed, Report, check, contains, equal  # noqa: E402

DIFFERS, USAGE, REJECTED, RETRY = 1, 2, 3, 5

TENTACLE = """apiVersion: apps/v1
kind: Deployment
metadata:
  name: {name}
  namespace: {enclave}
  annotations:
    tentacular.io/credential-epoch: "{epoch}"
    tentacular.io/contract: |
      dependencies:
{dependencies}
spec:
  selector:
    matchLabels: {{app: {name}}}
  template:
    metadata:
      labels: {{app: {name}}}
    spec:
      containers:
      - {{name: main, image: main}}
"""


def in_order(value):
    """Both servers answer the actions of a policy in an order that changes."""
    if isinstance(value, dict):
        return {k: in_order(v) for k, v in value.items()}
    if isinstance(value, list):
        return sorted(map(in_order, value), key=lambda v: json.dumps(v, sort_keys=True))
    return value


class Done:
    def __init__(self, status, out, err):
        self.status, self.out, self.err = status, out, err

    @property
    def json(self):
        return json.loads(self.out)


class World:
    """All servers that can be had, one configuration for them, and tentc."""

    def __init__(self, build, folder):
        self.build, self.folder = build, folder
        self.tentc = os.path.join(build, "tentc")
        self.servers, self.missing, self.printed = {}, {}, []
        self.settings = {"spire": {"enabled": False}}
        self.environment = dict(os.environ)

    def __enter__(self):
        try:
            self._start("postgres", self._postgres, postgres_server.versions(), postgres_server.reasons())
            self._start("rustfs", self._rustfs, s3_server.kinds(), s3_server.reasons())
            self._start("nats", self._nats, nats_server.versions(), nats_server.reasons())
        except BaseException:
            self.__exit__()
            raise
        for service in ("postgres", "rustfs", "nats"):
            self.settings.setdefault(service, {"enabled": False})
        self.config = self.write_config("exo.yaml", self.settings)
        self.keys = os.path.join(self.folder, "keys")
        self.run("keygen", "-o", self.keys, status=0, options=())
        with open(self.keys) as f:
            self.root_key = f.read().split()[1]
        return self

    def __exit__(self, *_):
        for server in self.servers.values():
            server.__exit__(None, None, None)

    def _start(self, service, start, versions, reasons):
        if versions:
            self.servers[service] = start(versions[-1] if service == "nats" else versions[0])
        else:
            self.missing[service] = "; ".join(reasons.values())

    def _postgres(self, version):
        server = postgres_server.Server(version).__enter__()
        server.bootstrap(self.tentc)
        self.settings["postgres"] = {"host": "127.0.0.1", "port": server.port, "admin": {"user": "tentc_admin"}}
        self.environment["TENTACULAR_POSTGRES_ADMIN_PASSWORD"] = postgres_server.ADMIN_PASSWORD
        return server

    def _rustfs(self, kind):
        server = s3_server.Server(kind).__enter__()
        self.settings["rustfs"] = {"host": "127.0.0.1", "port": server.port, "admin": {
            "dialect": "rustfs" if kind == "rustfs" else "minio"}}
        self.environment["TENTACULAR_RUSTFS_ACCESS_KEY"] = s3_server.ACCESS
        self.environment["TENTACULAR_RUSTFS_SECRET_KEY"] = s3_server.SECRET
        return server

    def _nats(self, version):
        cluster = nats_server.Cluster(version).__enter__()
        port = cluster.servers[0].port
        self.settings["nats"] = {"host": "127.0.0.1", "port": port, "admin": {
            "url": f"nats://127.0.0.1:{port}", "user": nats_server.ADMIN,
            "passwordFile": f"{cluster.folder}/admin-password", "accountsDir": cluster.accounts}}
        return cluster

    def write_config(self, name, services):
        path = os.path.join(self.folder, name)
        with open(path, "w") as f:
            yaml.safe_dump({"apiVersion": "tentacular.io/v1alpha1", "kind": "ExoskeletonConfig",
                            "networkPolicy": {"mode": "off"}, "services": services}, f)
        return path

    def run(self, *words, status=None, options=None, input=None, environment=None, timeout=180):
        if options is None:
            options = ("--no-cluster", "--config", self.config, "--root-key-file", self.keys)
        done = subprocess.run([self.tentc, *words, *options], input=input, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, timeout=timeout,
                              env={**self.environment, **(environment or {})})
        self.printed += [done.stdout, done.stderr] if words[0] not in ("keygen", "compile") else []
        if status is not None and done.returncode != status:
            raise Failed(f"{' '.join(words)}: status {done.returncode}, want {status}: {done.stdout} {done.stderr}")
        return Done(done.returncode, done.stdout, done.stderr)

    def tentacle(self, enclave, name, epoch=0, services=None):
        path = os.path.join(self.folder, f"{enclave}-{name}-{epoch}.yaml")
        lines = "\n".join(f"        tentacular-{s}:" for s in services or self.servers)
        with open(path, "w") as f:
            f.write(TENTACLE.format(enclave=enclave, name=name, epoch=epoch, dependencies=lines))
        return path

    def secret(self, path):
        """What the author's program gets: the Secret that tentc compile prints."""
        done = self.run("compile", path, status=0, options=("--config", self.config, "--root-key-file", self.keys))
        for document in yaml.safe_load_all(done.out):
            if document.get("kind") == "Secret":
                return {k: base64.b64decode(v).decode() for k, v in document["data"].items()}
        raise Failed("tentc compile made no Secret")

    def dump(self):
        """All that the services hold."""
        parts = []
        if "postgres" in self.servers:
            parts.append(self.servers["postgres"].dump())
        if "rustfs" in self.servers:
            s3 = self.servers["rustfs"]
            for path in ("/list-users", "/list-canned-policies"):
                answer = s3.root.get(s3.admin + path)
                parts.append(json.dumps(in_order(answer.json()), sort_keys=True) if answer.body[:1] in b"{[" else "")
            parts += s3.root.get("/").all("Name")
        if "nats" in self.servers:
            for path in sorted(glob.glob(os.path.join(self.servers["nats"].accounts, "*"))):
                with open(path) as f:
                    parts.append(f.read())
        return "\n".join(parts)

    def stop(self, service):
        server = self.servers[service]
        (server.servers[0] if service == "nats" else server).stop()

    def start(self, service):
        server = self.servers[service]
        (server.servers[0] if service == "nats" else server).start()


class Tenant:
    """The usual clients, with the values of the Secret."""

    def __init__(self, world, path):
        self.world, self.field = world, world.secret(path)

    def psql(self, sql):
        f = self.field
        return self.world.servers["postgres"].psql(sql, f["tentacular-postgres.user"], f["tentacular-postgres.password"],
                                                   f["tentacular-postgres.database"])

    def s3(self):
        f = self.field
        return self.world.servers["rustfs"].client(f["tentacular-rustfs.access_key"], f["tentacular-rustfs.secret_key"],
                                                   region=f["tentacular-rustfs.region"])

    def key(self, name):
        return f"/{self.field['tentacular-rustfs.bucket']}/{self.field['tentacular-rustfs.prefix']}{name}"

    def nats(self):
        f = self.field
        return self.world.servers["nats"].client(f["tentacular-nats.user"], f["tentacular-nats.token"],
                                                 inbox=f["tentacular-nats.inbox_prefix"])

    def write(self):
        if "postgres" in self.world.servers:
            equal(self.psql("CREATE TABLE t (i int); INSERT INTO t VALUES (7)")[0], 0, "psql")
        if "rustfs" in self.world.servers:
            equal(self.s3().put(self.key("a"), b"data").status, 200)
        if "nats" in self.world.servers:
            self.nats().close()

    def reads(self):
        """What it can use, by service."""
        works = {}
        if "postgres" in self.world.servers:
            works["postgres"] = self.psql("SELECT i FROM t")[1] == "7"
        if "rustfs" in self.world.servers:
            works["rustfs"] = self.s3().get(self.key("a")).body == b"data"
        if "nats" in self.world.servers:
            try:
                self.nats().close()
                works["nats"] = True
            except nats_server.Refused:
                works["nats"] = False
        return works


def validate(world, name, value):
    """Against schema/output.json, as tentc prints it."""
    try:
        import jsonschema
    except ImportError:
        return
    schema = world.run("schema", "output", status=0, options=()).json
    jsonschema.Draft202012Validator({**schema, "$ref": f"#/$defs/{name}"}).validate(value)


def details(value):
    return {s["name"]: s["detail"] for s in value["exo_services"]}


def life(world, report):
    path = world.tentacle("shop", "web")
    tenant = Tenant(world, path)
    all_services = set(world.servers)

    with report.case("register --dry-run: the plan, and nothing changes"):
        before = world.dump()
        done = world.run("register", "-f", path, "--dry-run", status=0)
        for service in all_services:
            contains(done.out, f"{service:9} would be created")
        contains(done.out, "shop/web\n")
        plan = world.run("register", path, "--dry-run", "--format", "json", status=0).json
        validate(world, "register", plan)
        equal(plan["dry_run"], True)
        equal(set(details(plan["tentacles"][0]).values()), {"would be created"})
        equal(world.dump(), before, "the services after a dry run")

    with report.case("enclave provision: what every enclave has, and again changes nothing"):
        made = world.run("enclave", "provision", "shop", "--format", "json", status=0).json
        validate(world, "provision", made)
        check("nats" not in details(made), "NATS is made when a contract asks")
        check(not all_services & {"rustfs"} or any("bucket" in r for r in made["resources_created"]), made)
        before = world.dump()
        again = world.run("enclave", "provision", "shop", "--format", "json", status=0).json
        equal(again["resources_created"], [])
        equal(set(details(again).values()) or {"is ready"}, {"is ready"})
        equal(world.dump(), before)

    with report.case("register: each step, each service, and the tenant's clients work"):
        done = world.run("register", "-f", path, status=0)
        for service in all_services:
            contains(done.out, f"  {service:9} created\n")
        if "postgres" in all_services:
            contains(done.out, "  postgres    create role tent_shop_web\n")
        contains(done.out, "  secret    tentacular-exoskeleton-web: not applied: no cluster")
        equal(done.err, "")
        tenant.write()
        equal(tenant.reads(), {s: True for s in all_services})

    with report.case("register again: unchanged, from standard input and by -f"):
        before = world.dump()
        with open(path) as f:
            text = f.read()
        done = world.run("register", "-", input=text, status=0)
        done = world.run("register", "-f", "-", input=text, status=0)
        for service in all_services:
            contains(done.out, f"  {service:9} unchanged\n")
        value = world.run("register", path, "--format", "json", status=0).json
        validate(world, "register", value)
        equal(value["tentacle_count"], 1)
        equal(value["tentacles"][0]["resources_created"], [])
        equal(set(details(value["tentacles"][0]).values()), {"unchanged"})
        equal(world.dump(), before, "the services after a second registration")

    with report.case("enclave info and list: who lives there"):
        info = world.run("enclave", "info", "shop", "--format", "json", status=0).json
        validate(world, "info", info)
        equal(info["tentacle_count"], 1)
        equal([(t["name"], t["phase"]) for t in info["tentacles"]], [("web", "registered")])
        equal(set(info["tentacles"][0]["services"]), all_services)
        equal({s["name"] for s in info["exo_services"] if s["available"]}, all_services)
        contains(world.run("enclave", "info", "shop", status=0).out, "tentacle  web: registered (")
        known = world.run("enclave", "list", "--format", "json", status=0).json
        validate(world, "list", known)
        equal([(e["name"], e["tentacle_count"]) for e in known["enclaves"]], [("shop", 1)])
        equal(world.run("enclave", "info", "empty", "--format", "json", status=0).json["tentacles"], [])

    with report.case("undeploy --dry-run: what would be, and nothing changes"):
        before = world.dump()
        done = world.run("undeploy", "shop/web", "--dry-run", status=0)
        contains(done.out, "would be retained")
        done = world.run("undeploy", "shop/web", "--dry-run", "--force", status=0)
        if "postgres" in all_services:
            contains(done.out, "would be destroyed: 1 table, ")
        if "rustfs" in all_services:
            contains(done.out, "would be destroyed: 1 object, 4 bytes")
        equal(world.dump(), before)
        equal(tenant.reads(), {s: True for s in all_services})

    with report.case("undeploy: access is gone, data is kept"):
        done = world.run("undeploy", "shop/web", "--format", "json", status=0).json
        validate(world, "undeploy", done)
        equal(done["deleted"], False)
        equal(tenant.reads(), {s: False for s in all_services})
        again = world.run("undeploy", "shop/web", status=0)
        if "postgres" in all_services:
            contains(again.out, "postgres  retained already, its data is kept")
        info = world.run("enclave", "info", "shop", "--format", "json", status=0).json
        if info["tentacles"]:
            equal(info["tentacles"][0]["phase"], "retained")

    with report.case("register after undeploy: the data is back"):
        done = world.run("register", path, status=0)
        if "postgres" in all_services:
            contains(done.out, "postgres  given back: its data is there")
        equal(tenant.reads(), {s: True for s in all_services})

    with report.case("rotation: a new epoch works, the old credentials do not, the data stays"):
        rotated = world.tentacle("shop", "web", 1)
        done = world.run("register", rotated, status=0)
        contains(done.out, "tentacular-exoskeleton-web.")
        equal(Tenant(world, rotated).reads(), {s: True for s in all_services})
        equal(tenant.reads(), {s: False for s in all_services})

    with report.case("an epoch below the last one is refused"):
        done = world.run("register", path)
        check(done.status == REJECTED, f"{done.status}: {done.out} {done.err}")
        equal(Tenant(world, rotated).reads(), {s: True for s in all_services})

    with report.case("undeploy --force without a terminal and without --yes is refused, with what would be lost"):
        done = world.run("undeploy", "shop/web", "--force", status=USAGE)
        contains(done.err, "shop/web loses, for ever:")
        contains(done.err, "there is no terminal to ask on")
        equal(Tenant(world, rotated).reads(), {s: True for s in all_services})

    with report.case("undeploy --force on a terminal asks, and takes only the name for an answer"):
        status, said = on_terminal(world, ["undeploy", "shop/web", "--force"], "yes\n")
        equal(status, USAGE)
        contains(said, "Type shop/web to go on:")
        equal(Tenant(world, rotated).reads(), {s: True for s in all_services})
        if "postgres" in all_services:
            status, said = on_terminal(world, ["undeploy", "shop/web", "--force", "--service", "postgres"],
                                       "shop/web\n")
            equal(status, 0)
            contains(said, "destroyed: 1 table")
            equal(Tenant(world, rotated).reads(), {s: s != "postgres" for s in all_services})

    with report.case("undeploy --force --yes: gone, and again is fine"):
        done = world.run("undeploy", "shop/web", "--force", "--yes", "--format", "json", status=0).json
        validate(world, "undeploy", done)
        equal(done["deleted"], True)
        equal(Tenant(world, rotated).reads(), {s: False for s in all_services})
        done = world.run("undeploy", "shop/web", "--force", "--yes", status=0)
        for service in all_services:
            contains(done.out, f"  {service:9} nothing is there\n")
        info = world.run("enclave", "info", "shop", "--format", "json", status=0).json
        equal(info["tentacle_count"], 0)


def on_terminal(world, words, answer):
    """Runs it with a terminal as standard input and standard error; (status, all that it said)."""
    master, slave = pty.openpty()
    process = subprocess.Popen([world.tentc, *words, "--no-cluster", "--config", world.config, "--root-key-file",
                                world.keys], stdin=slave, stdout=slave, stderr=slave, env=world.environment,
                               close_fds=True)
    os.close(slave)
    said, sent, end = b"", False, time.monotonic() + 120
    while time.monotonic() < end:
        ready, _, _ = select.select([master], [], [], 0.2)
        try:
            data = os.read(master, 65536) if ready else b""
        except OSError:
            break
        said += data
        if not sent and b"to go on: " in said:
            os.write(master, answer.encode())
            sent = True
        if process.poll() is not None and not ready:
            break
    process.wait(60)
    os.close(master)
    text = said.decode(errors="replace").replace("\r\n", "\n")
    world.printed.append(text)
    return process.returncode, text


def outage(world, report):
    for service in world.servers:
        with report.case(f"{service} is away: the others are done, exit 5, and a retry finishes"):
            name = f"out-{service}"
            path = world.tentacle("outage", name)
            world.stop(service)
            try:
                done = world.run("register", path, "--format", "json")
                equal(done.status, RETRY, f"status ({done.out} {done.err})")
                value = done.json
                validate(world, "register", value)
                equal({s["name"]: s["available"] for s in value["tentacles"][0]["exo_services"]},
                      {s: s != service for s in world.servers})
                contains(done.err, "a service is unavailable; what could be done is done: run it again later")
                text = world.run("register", path, status=RETRY).out
                if set(world.servers) != {service}:
                    contains(text, "not applied: no cluster")
                doctor = world.run("doctor", "--format", "json")
                validate(world, "doctor", doctor.json)
                check(service in [c["name"] for c in doctor.json["checks"] if c["status"] == "unavailable"], doctor.out)
                info = world.run("enclave", "info", "outage", "--format", "json", status=RETRY).json
                equal({s["name"]: s["available"] for s in info["exo_services"]},
                      {s: s != service for s in world.servers})
            finally:
                world.start(service)
            done = world.run("register", path, status=0)
            contains(done.out, f"  {service:9} created\n")
            Tenant(world, path).write()
    with report.case("deprovision: all tentacles of the enclave are retained, then destroyed with --force"):
        names = {f"out-{s}" for s in world.servers}
        plan = world.run("enclave", "deprovision", "outage", "--dry-run", status=0)
        for name in names:
            contains(plan.out, f"{name} would be retained")
        kept = world.run("enclave", "deprovision", "outage", "--format", "json", status=0).json
        validate(world, "deprovision", kept)
        equal((kept["deleted"], kept["tentacle_count"]), (False, len(names)))
        check(all(d.endswith(" retained") for d in details(kept).values()), kept)
        for name in names:
            equal(set(Tenant(world, world.tentacle("outage", name)).reads().values()), {False})
        refused = world.run("enclave", "deprovision", "outage", "--force", status=USAGE)
        contains(refused.err, "enclave outage loses, for ever:")
        gone = world.run("enclave", "deprovision", "outage", "--force", "--yes", "--format", "json", status=0).json
        validate(world, "deprovision", gone)
        equal(gone["deleted"], True)
        info = world.run("enclave", "info", "outage", "--format", "json", status=0).json
        equal(info["tentacle_count"], 0)
        again = world.run("enclave", "deprovision", "outage", "--force", "--yes", "--format", "json", status=0).json
        equal(again["deleted"], True)


def several(world, report):
    with report.case("a folder of tentacles; a contract that is wrong stops all of it"):
        folder = os.path.join(world.folder, "several")
        os.mkdir(folder)
        for name in ("one", "two"):
            os.rename(world.tentacle("several", name), os.path.join(folder, name + ".yaml"))
        value = world.run("register", folder, "--format", "json", status=0).json
        equal([t["name"] for t in value["tentacles"]], ["one", "two"])
        before = world.dump()
        bad = world.tentacle("several", "three", services=["postgress"])
        done = world.run("register", folder, bad, status=REJECTED)
        contains(done.err, 'did you mean "tentacular-postgres"?')
        contains(done.err, "; nothing was registered")
        equal(done.out, "")
        equal(world.dump(), before)
        world.run("enclave", "deprovision", "several", "--force", "--yes", status=0)

    with report.case("without a root key nothing is registered"):
        path = world.tentacle("shop", "web")
        done = world.run("register", path, options=("--no-cluster", "--config", world.config), status=USAGE)
        contains(done.err, "give --root-key-file FILE: tentc keygen -o FILE makes one")

    if {"postgres", "rustfs"} <= set(world.servers):
        with report.case("a database and a bucket for each enclave: made, filled, kept while somebody lives there, gone"):
            settings = json.loads(json.dumps(world.settings))
            settings["postgres"]["database"] = "tentacular_{enclave}"
            settings["rustfs"]["bucket"] = "tentacular-{enclave}"
            settings["nats"] = {"enabled": False}
            own = world.write_config("own.yaml", settings)
            server, s3 = world.servers["postgres"], world.servers["rustfs"]
            server.bootstrap(world.tentc, own)
            options = ("--no-cluster", "--config", own, "--root-key-file", world.keys)
            made = world.run("enclave", "provision", "own", "--format", "json", options=options, status=0).json
            validate(world, "provision", made)
            check("postgres: create database tentacular_own" in made["resources_created"], made)
            check("rustfs: create the bucket tentacular-own" in made["resources_created"], made)
            path = world.tentacle("own", "web", services=["postgres", "rustfs"])
            world.run("register", path, options=options, status=0)
            tables = "SELECT count(*) FROM pg_database WHERE datname = 'tentacular_own'"
            world.run("enclave", "deprovision", "own", options=options, status=0)
            equal(server.sql(tables), "1")
            info = world.run("enclave", "info", "own", "--format", "json", options=options, status=0).json
            equal([(t["name"], t["phase"]) for t in info["tentacles"]], [("web", "retained")])
            world.run("enclave", "deprovision", "own", "--force", "--yes", options=options, status=0)
            equal(server.sql(tables), "0")
            check("tentacular-own" not in s3.root.get("/").all("Name"), "the bucket is gone")

    if "postgres" in world.servers:
        with report.case("another installation's tentacle is refused, in the plan too, and left as it is"):
            path = world.tentacle("theirs", "web", services=["postgres"])
            other = world.write_config("other.yaml", world.settings)
            with open(other, "a") as f:
                f.write("installation: other\n")
            world.run("register", path, status=0)
            before = world.dump()
            for words in (["--dry-run"], []):
                done = world.run("register", path, *words, options=(
                    "--no-cluster", "--config", other, "--root-key-file", world.keys), status=REJECTED)
                contains(done.out, '"default"')
            done = world.run("undeploy", "theirs/web", "--force", "--yes", "--service", "postgres", options=(
                "--no-cluster", "--config", other), status=REJECTED)
            contains(done.out, "left alone:")
            equal(world.dump(), before)
            world.run("undeploy", "theirs/web", "--force", "--yes", "--service", "postgres", status=0)


def doctor(world, report):
    with report.case("doctor: all services there"):
        done = world.run("doctor")
        for service in world.servers:
            contains(done.out, f"[ok]      {service}: ")
        contains(done.out, '[ok]      root keys: ')
        check("[FAIL]" not in done.out and "[down]" not in done.out, done.out)
        value = world.run("doctor", "--format", "json").json
        validate(world, "doctor", value)
        equal(done.status, 0 if value["ok"] else DIFFERS)

    with report.case("doctor: a key file that others may read, and one without the key"):
        os.chmod(world.keys, 0o644)
        try:
            done = world.run("doctor", status=DIFFERS)
        finally:
            os.chmod(world.keys, 0o600)
        contains(done.out, "may be read by others than its owner (mode 644)")
        contains(done.out, f"-> chmod 600 {world.keys}")
        broken = os.path.join(world.folder, "broken")
        with open(broken, "w") as f:
            f.write("k9: " + world.root_key + "\n")
        os.chmod(broken, 0o600)
        done = world.run("doctor", options=("--no-cluster", "--config", world.config, "--root-key-file", broken),
                         status=DIFFERS)
        contains(done.out, "[FAIL]    root keys: ")
        contains(done.out, "has no key")

    with report.case("doctor: a configuration that is wrong is the whole answer"):
        wrong = world.write_config("wrong.yaml", {"postgress": {}})
        done = world.run("doctor", options=("--no-cluster", "--config", wrong), status=DIFFERS)
        contains(done.out, "[FAIL]    configuration: ")
        contains(done.out, "postgress")

    if "postgres" in world.servers:
        with report.case("doctor: an administrator that may do too little, or whose password is wrong"):
            server = world.servers["postgres"]
            server.sql("CREATE ROLE weak LOGIN PASSWORD 'weak-admin-secret'; GRANT CONNECT ON DATABASE tentacular, postgres TO weak")
            settings = {s: {"enabled": False} for s in ("rustfs", "nats", "spire")}
            settings["postgres"] = {**world.settings["postgres"], "admin": {"user": "weak"}}
            weak = world.write_config("weak.yaml", settings)
            done = world.run("doctor", options=("--no-cluster", "--config", weak), status=DIFFERS,
                             environment={"TENTACULAR_POSTGRES_ADMIN_PASSWORD": "weak-admin-secret"})
            contains(done.out, "[warn]    postgres: ")
            done = world.run("doctor", options=("--no-cluster", "--config", weak),
                             environment={"TENTACULAR_POSTGRES_ADMIN_PASSWORD": "not-the-password"}, status=DIFFERS)
            contains(done.out, "[FAIL]    postgres: ")


POLICIES = "/apis/networking.k8s.io/v1/namespaces/shop/networkpolicies"
SECRETS = "/api/v1/namespaces/shop/secrets"


class InCluster:
    """tentc with a cluster: one service is enough, and NetworkPolicies are on."""

    def __init__(self, world, cluster):
        self.world, self.cluster = world, cluster
        self.services = [s for s in ("postgres", "rustfs", "nats") if s in world.servers][:1]
        path = world.write_config("cluster.yaml", {
            **{s: {"enabled": False} for s in ("postgres", "rustfs", "nats", "spire")},
            **{s: world.settings[s] for s in self.services}})
        with open(path) as f:
            text = f.read()
        with open(path, "w") as f:
            f.write(text.replace("mode: 'off'", "mode: contract").replace("mode: off", "mode: contract"))
        self.config = path

    def __call__(self, *words, status=0, kubeconfig=None):
        return self.world.run(*words, status=status, options=(
            "--config", self.config, "--root-key-file", self.world.keys,
            "--kubeconfig", kubeconfig or self.cluster.kubeconfig))

    def tentacle(self, name):
        return self.world.tentacle("shop", name, services=self.services)

    def get(self, where, name):
        answer = self.cluster.api("GET", f"{where}/{name}")
        return answer.json if answer.status == 200 else None

    def compiled(self, path, kind):
        done = self.world.run("compile", path, status=0, options=("--config", self.config, "--root-key-file",
                                                                  self.world.keys))
        return next(d for d in yaml.safe_load_all(done.out) if d["kind"] == kind)

    def versions(self):
        return {(where, o["metadata"]["name"]): o["metadata"]["resourceVersion"] for where in (POLICIES, SECRETS)
                for o in self.cluster.api("GET", where).json["items"]}

    def author_policy(self, name):
        answer = self.cluster.api("POST", POLICIES, {
            "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": name},
            "spec": {"podSelector": {}, "policyTypes": ["Ingress"]}})
        equal(answer.status, 201, "status of an author's policy")
        return answer.json["metadata"]["resourceVersion"]


def policies(world, report, cluster):
    tentc = InCluster(world, cluster)
    tentc("enclave", "provision", "shop")
    path = tentc.tentacle("net")

    with report.case("in a cluster, register --dry-run: the NetworkPolicy and the Secret would be created, nothing is"):
        before = tentc.versions()
        done = tentc("register", path, "--dry-run")
        contains(done.out, "  network   net-netpol: would be created\n")
        contains(done.out, "  secret    tentacular-exoskeleton-net: would be created\n")
        equal(tentc.versions(), before)

    with report.case("register: the NetworkPolicy that tentc compile prints, and the Secret after it"):
        value = tentc("register", path, "--format", "json").json
        validate(world, "register", value)
        t = value["tentacles"][0]
        equal(t["steps"][-1], "network: create NetworkPolicy net-netpol")
        equal(t["secret"], {"name": "tentacular-exoskeleton-net", "applied": True, "detail": "applied"})
        policy, wanted = tentc.get(POLICIES, "net-netpol"), tentc.compiled(path, "NetworkPolicy")
        equal(policy["spec"], wanted["spec"])
        equal(policy["metadata"]["labels"], wanted["metadata"]["labels"])
        equal([f["manager"] for f in policy["metadata"]["managedFields"]], ["tentc"])
        secret = tentc.get(SECRETS, "tentacular-exoskeleton-net")
        check(int(policy["metadata"]["resourceVersion"]) < int(secret["metadata"]["resourceVersion"]),
              "the Secret was applied before the NetworkPolicy")

    with report.case("register again: the NetworkPolicy is unchanged, to its version"):
        before = tentc.versions()
        contains(tentc("register", path).out, "  network   net-netpol: unchanged\n")
        contains(tentc("register", path, "--dry-run").out, "  network   net-netpol: as it should be\n")
        equal(tentc.versions(), before)

    with report.case("a NetworkPolicy that somebody opened is put right"):
        before = tentc.get(POLICIES, "net-netpol")["spec"]
        cluster.kubectl("patch", "-n", "shop", "networkpolicy", "net-netpol", "--type=json", "-p",
                        '[{"op": "replace", "path": "/spec/egress", "value": [{}]}]')
        bent = tentc.versions()
        contains(tentc("register", path, "--dry-run").out, "  network   net-netpol: would be put right\n")
        equal(tentc.versions(), bent)
        contains(tentc("register", path).out, "  network   net-netpol: put right\n")
        equal(tentc.get(POLICIES, "net-netpol")["spec"], before)

    with report.case("a NetworkPolicy of the author's stays as it is, and tentc's stands beside it"):
        version = tentc.author_policy("own-netpol")
        path = tentc.tentacle("own")
        contains(tentc("register", path, "--dry-run").out, "  network   tentacular-exoskeleton-own: would be created\n")
        contains(tentc("register", path).out, "  network   tentacular-exoskeleton-own: created\n")
        contains(tentc("register", path).out, "  network   tentacular-exoskeleton-own: unchanged\n")
        equal(tentc.get(POLICIES, "own-netpol")["metadata"]["resourceVersion"], version)
        equal(tentc.get(POLICIES, "tentacular-exoskeleton-own")["spec"], tentc.compiled(path, "NetworkPolicy")["spec"])

    with report.case("where both names are somebody else's, it is refused, and no Secret is applied"):
        before = {name: tentc.author_policy(name) for name in ("both-netpol", "tentacular-exoskeleton-both")}
        path = tentc.tentacle("both")
        contains(tentc("register", path, "--dry-run", status=REJECTED).out, "it is not tentc's; it was left as it is")
        value = tentc("register", path, "--format", "json", status=REJECTED).json
        validate(world, "register", value)
        secret = value["tentacles"][0]["secret"]
        equal(secret["applied"], False)
        contains(secret["detail"], "not applied: NetworkPolicy tentacular-exoskeleton-both: it is not tentc's")
        equal({n: tentc.get(POLICIES, n)["metadata"]["resourceVersion"] for n in before}, before)
        equal(tentc.get(SECRETS, "tentacular-exoskeleton-both"), None)

    with report.case("a tentacle without a service: its NetworkPolicy alone"):
        path = tentc.tentacle("plain")
        with open(path) as f:
            text = f.read()
        with open(path, "w") as f:
            f.write(text.replace(f"tentacular-{tentc.services[0]}:", "github: {protocol: https, host: api.github.com}"))
        done = tentc("register", path)
        contains(done.out, "  -         its contract asks for no service\n  network   plain-netpol: created\n")
        check("secret" not in done.out, done.out)

    with report.case("an API server that is away: the service is done, nothing in the cluster, exit 5"):
        gone = os.path.join(world.folder, "gone.kubeconfig")
        with open(cluster.kubeconfig) as f:
            config = json.load(f)
        config["clusters"][0]["cluster"]["server"] = "https://127.0.0.1:1"
        with open(gone, "w") as f:
            json.dump(config, f)
        paths = [tentc.tentacle(f"away-{i}") for i in range(4)]
        value = tentc("register", *paths, "--format", "json", status=RETRY, kubeconfig=gone).json
        for t in value["tentacles"]:
            equal({s["detail"] for s in t["exo_services"]}, {"created"})
            equal(t["secret"]["applied"], False)
            contains(t["secret"]["detail"], "not applied: ")
        contains(value["tentacles"][3]["secret"]["detail"], "the API server failed 3 times in a row, last with: ")
        contains(tentc("register", *paths).out, "  network   away-3-netpol: created\n")


def in_cluster(world, report):
    try:
        with Cluster() as cluster:
            policies(world, report, cluster)
    except NoPrograms as e:
        report.skip("register in a cluster", str(e))


def secrets(world, report, lines):
    with report.case("no credential in what was printed, nor in a command line"):
        hidden = [world.root_key, postgres_server.ADMIN_PASSWORD, s3_server.SECRET, nats_server.ADMIN_PASSWORD,
                  "weak-admin-secret"]
        for enclave, name, epoch in (("shop", "web", 0), ("shop", "web", 1), ("outage", "out-postgres", 0)):
            field = world.secret(world.tentacle(enclave, name, epoch))
            hidden += [v for k, v in field.items() if k.endswith((".password", ".token", ".secret_key"))]
        check(len(hidden) > 6 and all(len(h) > 10 for h in hidden), "secrets to look for")
        printed = "\n".join(world.printed)
        check(len(printed) > 2000, "something was printed")
        for value in hidden:
            check(value not in printed, "a credential was printed")
            check(base64.b64encode(value.encode()).decode() not in printed, "a credential was printed, in base64")
            check(not any(value in line for line in lines.seen if "tentc" in line), "a credential in a command line")


def main():
    report = Report()
    with tempfile.TemporaryDirectory(prefix="tentc-commands-") as folder, World(sys.argv[1], folder) as world:
        for service, why in world.missing.items():
            report.skip(f"commands with {service}", why)
        if not world.servers:
            return report.end()
        with CommandLines() as lines:
            for part in (life, outage, several, doctor, in_cluster):
                part(world, report)
        secrets(world, report, lines)
    return report.end()


if __name__ == "__main__":
    sys.exit(main())
