"""One look of the controller at one tentacle, ended with SIGKILL before every single write that it makes, then made once
more: registering, a new epoch, a dependency taken away, retaining, giving back and destroying end as they do without the
kill. Then two looks at once. Over real PostgreSQL and NATS and a real API server."""

import json
import os
import re
import subprocess
import sys
import tempfile
import time

import yaml

from cluster import Cluster, NoPrograms
from report import Report, check, equal, until
from test_controller import SYSTEM, World, workload, nats_server, postgres_server


class Crashing(World):
    def __enter__(self):
        super().__enter__()
        with open(self.config) as f:
            config = yaml.safe_load(f)
        config["undeploy"] = {"grace": 1, "allowAnnotation": True, "destroyDelay": 60}
        with open(self.config, "w") as f:
            yaml.safe_dump(config, f)
        return self

    def command(self, enclave, name, kind, *options):
        probe = os.path.join(os.path.dirname(self.tentc), "tests", "e2e", "reconcile_probe")
        return [probe, self.config, self.keys, self.kubeconfig, enclave, name, kind, *options]

    def look(self, enclave, name, kind="Deployment", kill_at=0):
        done = subprocess.run(self.command(enclave, name, kind, "--kill-at", str(kill_at)), stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, env=self.environment, timeout=60)
        done.steps = [l.split(" ", 2)[2] for l in done.stdout.splitlines() if l.startswith("step ")]
        return done

    def well(self, enclave, name, kind="Deployment"):
        done = self.look(enclave, name, kind)
        equal(done.returncode, 0, f"status ({done.stdout}{done.stderr})")
        return done

    def age(self, enclave, name, **times):
        """What a day of waiting would do to the record."""
        path = f"/api/v1/namespaces/{SYSTEM}/configmaps/exo.{enclave}.{name}"
        record = self.record(enclave, name)
        record.update(times)
        answer = self.cluster.api("PATCH", path, json.dumps({"data": {"record.json": json.dumps(record)}}),
                                  {"Content-Type": "application/merge-patch+json"})
        equal(answer.status, 200, "the record's patch")

    def state(self, enclave, name):
        """All that there is of a tentacle, without what differs from name to name and from time to time."""
        record = self.record(enclave, name)
        seen = {"phase": record["phase"], "epoch": record["epoch"], "least": record["leastEpoch"],
                "services": [(s["service"], s["phase"]) for s in record["services"]],
                "conditions": sorted(record["conditions"])}
        role = f"tent_{enclave}_{name}"
        seen["role"] = self.postgres.sql(f"SELECT rolcanlogin, rolconnlimit, shobj_description(oid, 'pg_authid') FROM "
                                         f"pg_authid WHERE rolname = '{role}'", user="postgres").strip()
        seen["schema"] = self.postgres.sql(f"SELECT pg_get_userbyid(nspowner) = '{role}' FROM pg_namespace WHERE "
                                           f"nspname = '{role}'", user="postgres", database="tentacular").strip()
        accounts = ""
        for file in sorted(os.listdir(self.nats.accounts)):
            with open(os.path.join(self.nats.accounts, file)) as f:
                accounts += f.read()
        seen["nats"] = accounts.count(f"{enclave}.{name}.>")
        secrets = [s for s in self.get(f"/api/v1/namespaces/{enclave}/secrets")["items"]
                   if s["metadata"]["labels"].get("tentacular.io/release") == name]
        seen["secrets"] = len(secrets)
        seen["policy"] = self.get(
            f"/apis/networking.k8s.io/v1/namespaces/{enclave}/networkpolicies/{name}-netpol") is not None
        return json.loads(re.sub("check=\\w+", "check=...", json.dumps(seen).replace(name, "NAME")))

    def gone(self, enclave, name):
        self.delete("deployment", enclave, name)
        until(lambda: not self.get(f"/apis/apps/v1/namespaces/{enclave}/deployments/{name}"), 20, "it is gone")
        equal(self.well(enclave, name).stdout.splitlines()[-2], "phase Gone")
        time.sleep(1.1)


BOTH = ("tentacular-postgres", "tentacular-nats")


def registered(world, name, epoch=0):
    world.apply(workload(name, "crash", BOTH, epoch=epoch))
    world.well("crash", name)


# Each makes a tentacle ready for the look that is ended.
def fresh(world, name):
    world.apply(workload(name, "crash", BOTH))


def new_epoch(world, name):
    registered(world, name)
    world.apply(workload(name, "crash", BOTH, epoch=1))


def one_less(world, name):
    registered(world, name)
    world.apply(workload(name, "crash", ("tentacular-postgres",)))


def deleted(world, name):
    registered(world, name)
    world.gone("crash", name)


def back(world, name):
    deleted(world, name)
    world.well("crash", name)
    world.apply(workload(name, "crash", BOTH))


def condemned(world, name):
    world.apply(workload(name, "crash", BOTH, annotations={"tentacular.io/undeploy": "destroy"}))
    world.well("crash", name)
    world.gone("crash", name)
    world.well("crash", name)
    world.age("crash", name, retainedSince="2020-01-01T00:00:00Z")


LIVES = (("register", fresh, "Registered"), ("new epoch", new_epoch, "Registered"),
         ("one dependency less", one_less, "Registered"), ("retain", deleted, "Retained"),
         ("give back", back, "Registered"), ("destroy", condemned, "Destroyed"))


def killed(world, report):
    for what, prepare, phase in LIVES:
        short = what.replace(" ", "")
        with report.case(f"{what}: killed before each write, it ends as without"):
            whole = f"{short}-whole"
            prepare(world, whole)
            steps = world.well("crash", whole).steps
            want = world.state("crash", whole)
            equal(want["phase"], phase)
            check(len(steps) >= 3, f"only {steps}")
            for n in range(1, len(steps) + 1):
                name = f"{short}-{n}"
                prepare(world, name)
                done = world.look("crash", name, kill_at=n)
                equal(done.returncode, -9, f"status at step {n} ({done.stdout}{done.stderr})")
                for attempt in range(3):
                    done = world.look("crash", name)
                    if done.returncode == 0:
                        break
                    time.sleep(0.5)
                equal(done.returncode, 0, f"after the kill at step {n}, {steps[n - 1]} ({done.stdout})")
                equal(world.state("crash", name), want, f"after the kill at step {n}, {steps[n - 1]}")
                equal(world.look("crash", name).steps, [], f"steps of the next look, killed at {n}")
            print(f"  {what}: {len(steps)} steps")


def together(world, report):
    with report.case("two at once, ten times: both end well, or the one that lost says to try again"):
        for n in range(10):
            name = f"both-{n}"
            fresh(world, name)
            pair = [subprocess.Popen(world.command("crash", name, "Deployment"), stdout=subprocess.PIPE,
                                     stderr=subprocess.STDOUT, text=True, env=world.environment) for _ in range(2)]
            outs = [p.communicate(timeout=60)[0] for p in pair]
            codes = sorted(p.returncode for p in pair)
            check(codes[0] == 0 and codes[1] in (0, 5), f"statuses {codes}: {outs}")
            world.well("crash", name)
            equal(world.state("crash", name)["phase"], "Registered")
            equal(world.login("crash", name, "SELECT 1"), "1")


def main(build):
    report = Report()
    if not postgres_server.versions() or not nats_server.versions():
        report.skip("the controller's crashes", "; ".join({**postgres_server.reasons(),
                                                           **nats_server.reasons()}.values()))
        return report.end()
    try:
        with Cluster(controllers=True) as cluster, tempfile.TemporaryDirectory(prefix="tentc-crash.") as folder:
            with Crashing(build, folder, cluster) as world:
                world.enclave("crash")
                registered(world, "first")  # which also makes what the enclave has
                killed(world, report)
                together(world, report)
    except NoPrograms as e:
        report.skip("the controller's crashes", str(e))
    return report.end()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
