"""Many tentacles over PostgreSQL, RustFS and NATS at once: a folder of them registered, and again with nothing to do.

The figures are printed, none is asserted: time and round trips for each, and observe-all of each service. What is
checked is the end: what the services' own catalogues hold, and that tenants get in. COUNT=1000 is the number of
tentacles; without COUNT and SOAK there are 20."""

import copy
import json
import os
import random
import re
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from registrar import Probe, Report, check, equal  # noqa: E402
from test_commands import TENTACLE, Tenant, World, validate  # noqa: E402
from turns import Turns  # noqa: E402

COUNT = int(os.environ.get("COUNT") or (1000 if os.environ.get("SOAK") else 20))
ENCLAVES = 10 if COUNT >= 100 else 2
SEED = int(os.environ.get("SEED", "7"))


def names():
    return [(f"shop{i % ENCLAVES}", f"web-{i:04}") for i in range(COUNT)]


def write(world, folder):
    os.mkdir(folder)
    lines = "\n".join(f"        tentacular-{s}:" for s in world.servers)
    for enclave, name in names():
        with open(os.path.join(folder, f"{name}.yaml"), "w") as f:
            f.write(TENTACLE.format(enclave=enclave, name=name, epoch=0, dependencies=lines))
    return folder


def note(text):
    print(f"note {text}", flush=True)


def timed(what, run, count=COUNT):
    start = time.monotonic()
    done = run()
    seconds = time.monotonic() - start
    note(f"{what}: {seconds:.2f} s, {seconds / count * 1000:.1f} ms for each of {count}")
    return done


def details(value):
    return {(t["enclave"], t["name"]): {s["name"]: s["detail"] for s in t["exo_services"]} for t in value["tentacles"]}


def holds(world):
    """What each service has, by its own catalogue: the names of the tentacles' users."""
    found = {}
    if "postgres" in world.servers:
        rows = world.servers["postgres"].sql(
            "SELECT r.rolname FROM pg_roles r JOIN pg_namespace n ON n.nspname = r.rolname AND n.nspowner = r.oid "
            "WHERE r.rolname LIKE 'tent\\_%' AND r.rolcanlogin", database="tentacular")
        found["postgres"] = sorted(rows.split())
    if "rustfs" in world.servers:
        s3 = world.servers["rustfs"]
        policies = s3.root.get(s3.admin + "/list-canned-policies").json()
        if s3.kind == "rustfs":
            users = s3.root.get(s3.admin + "/list-users").json()
            found["rustfs"] = sorted(name for name, user in users.items() if name.startswith("tent_") and name in policies
                                     and user["status"] == "enabled" and user["policyName"] == name)
        else:
            found["rustfs"] = sorted(name for name in policies if name.startswith("tent_"))
    if "nats" in world.servers:
        text = "".join(world.servers["nats"].files().values())
        found["nats"] = sorted(set(re.findall(r'\buser: "?(shop[0-9]+\.web-[0-9]+)"?', text)))
    return found


def should(world):
    every = {"postgres": [f"tent_{e}_{n}" for e, n in names()], "rustfs": [f"tent_{e}_{n}" for e, n in names()],
             "nats": [f"{e}.{n}" for e, n in names()]}
    return {s: sorted(every[s]) for s in world.servers}


def through_doors(world, services, *words):
    """Runs it with a door in front of each service; what it printed, and the turns of each."""
    settings, doors = copy.deepcopy(world.settings), {}
    try:
        for service in services:
            admin = settings[service]["admin"]
            doors[service] = Turns(settings[service]["port"]).__enter__()
            if service == "nats":
                admin["url"] = f"nats://127.0.0.1:{doors[service].port}"
            else:
                admin.update({"host": "127.0.0.1", "port": doors[service].port})
        config = world.write_config("doors.yaml", settings)
        done = world.run(*words, options=("--no-cluster", "--config", config, "--root-key-file", world.keys), timeout=1800,
                         status=0)
        return done, {s: (d.count, d.connections) for s, d in doors.items()}
    finally:
        for door in doors.values():
            door.__exit__()


def trips(what, turns, count):
    note(f"{what}: " + ", ".join(f"{s} {n / count:.1f} round trips and {c / count:.2f} connections"
                                 for s, (n, c) in turns.items()) + f" for each of {count}")


def one_by_one(world, count=7):
    """A new tentacle alone, among all the others."""
    took = []
    for i in range(count):
        path = world.tentacle("alone", f"one-{i}")
        start = time.monotonic()
        world.run("register", path, status=0)
        took.append((time.monotonic() - start) * 1000)
    note(f"one alone, among {COUNT}: median {statistics.median(took):.0f} ms, {min(took):.0f} to {max(took):.0f}")
    _, turns = through_doors(world, world.servers, "register", world.tentacle("alone", "one-more"))
    trips("one alone", turns, 1)
    _, turns = through_doors(world, world.servers, "register", world.tentacle("alone", "one-more"))
    trips("one alone with nothing to do", turns, 1)
    world.run("enclave", "deprovision", "alone", "--force", "--yes", status=0)


def observe_all(world):
    """With registrar_probe, in one enclave of its own: all of the others are told too."""
    for service in world.servers:
        dialects = [None]
        if service == "rustfs" and world.servers[service].kind == "rustfs":
            dialects = ["rustfs", "minio"]
        for dialect in dialects:
            settings = copy.deepcopy(world.settings[service])
            if dialect:
                settings["admin"]["dialect"] = dialect
            probe = Probe(world.build, world.folder, service, json.dumps(settings), environment=world.environment,
                          keys=world.keys)
            took = []
            for _ in range(3):
                run = probe.fine("observe-all", timeout=600)
                equal(sum(" applied " in line for line in run.lines if line.startswith("tentacle shop")), COUNT,
                      f"{service}: tentacles told as applied")
                took.append(run.number("observe-all"))
            note(f"observe-all of {COUNT}: {service}{' by the dialect ' + dialect if dialect else ''} "
                 f"{' '.join(f'{t:.0f}' for t in sorted(took))} ms")


def many(world, report):
    folder = write(world, os.path.join(world.folder, "many"))

    with report.case(f"{COUNT} tentacles registered from a folder: all is there, in the order of the folder"):
        value = timed("registered", lambda: world.run("register", "-f", folder, "--format", "json", timeout=3600)).json
        validate(world, "register", value)
        equal([(t["enclave"], t["name"]) for t in value["tentacles"]], names())
        equal({d for t in details(value).values() for d in t.values()}, {"created"})
        note("steps: " + ", ".join(f"{s} {sum(step.startswith(s + ': ') for t in value['tentacles'] for step in t['steps'])}"
                                   for s in world.servers))
        equal(holds(world), should(world))

    with report.case("registered again: unchanged, and the services hold what they held"):
        before = world.dump()
        done = timed("registered again", lambda: world.run("register", "-f", folder, timeout=3600, status=0))
        for service in world.servers:
            equal(done.out.count(f"  {service:9} unchanged\n"), COUNT, f"{service}: unchanged")
        equal(re.findall(r"^(\S+)/(\S+)$", done.out, re.M), names())
        timed("planned", lambda: world.run("register", "-f", folder, "--dry-run", timeout=3600, status=0))
        _, turns = through_doors(world, world.servers, "register", "-f", folder)
        trips("registered again", turns, COUNT)
        _, turns = through_doors(world, world.servers, "register", "-f", folder, "--dry-run")
        trips("planned", turns, COUNT)
        equal(world.dump(), before)

    with report.case("tenants get in: a random sample, with the values of their Secrets"):
        for enclave, name in random.Random(SEED).sample(names(), min(COUNT, 12)):
            tenant = Tenant(world, os.path.join(folder, f"{name}.yaml"))
            tenant.write()
            equal(tenant.reads(), {s: True for s in world.servers}, f"{enclave}/{name} (SEED={SEED})")

    with report.case("some of them taken away or bent: only these are put right"):
        broken = random.Random(SEED + 1).sample(names(), min(5, COUNT))
        for enclave, name in broken:
            if "postgres" in world.servers:
                world.servers["postgres"].sql(f'ALTER ROLE "tent_{enclave}_{name}" CONNECTION LIMIT 1')
        value = world.run("register", "-f", folder, "--format", "json", timeout=3600, status=0).json
        if "postgres" in world.servers:
            bent = {who for who, d in details(value).items() if d["postgres"].startswith("put right: ")}
            equal(bent, set(broken))
        equal({d for t in details(value).values() for s, d in t.items() if s != "postgres"} or {"unchanged"}, {"unchanged"})

    with report.case("a folder that is wrong in one place: that one is refused, in each service, and the others are done"):
        mixed = os.path.join(world.folder, "mixed")
        os.mkdir(mixed)
        for i in range(18):
            os.rename(world.tentacle("mixed", f"m-{i:02}", 0 if i else 3), os.path.join(mixed, f"m-{i:02}.yaml"))
        world.run("register", os.path.join(mixed, "m-00.yaml"), status=0)
        os.rename(world.tentacle("mixed", "m-00", 2), os.path.join(mixed, "m-00.yaml"))
        value = world.run("register", "-f", mixed, "--format", "json", status=3).json
        validate(world, "register", value)
        for (_, name), told in details(value).items():
            for service, detail in told.items():
                check("raise tentacular.io/credential-epoch" in detail if name == "m-00" else detail == "created",
                      f"{name}: {service}: {detail}")
        world.run("enclave", "deprovision", "mixed", "--force", "--yes", status=0, timeout=600)

    rounds = 6 if COUNT >= 100 else 3
    with report.case(f"killed in the middle, {rounds} times, then two at once: as if nothing had been"):
        dice = random.Random(SEED)
        broken = os.path.join(world.folder, "broken")
        os.mkdir(broken)
        for i in range(18):
            os.rename(world.tentacle("broken", f"b-{i:02}"), os.path.join(broken, f"b-{i:02}.yaml"))
        words = [world.tentc, "register", "-f", broken, "--no-cluster", "--config", world.config, "--root-key-file",
                 world.keys]
        for _ in range(rounds):
            process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=world.environment)
            time.sleep(dice.uniform(0.05, 0.6))
            process.kill()
            process.wait()
        both = [subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=world.environment)
                for _ in range(2)]
        for process in both:
            said, _ = process.communicate(timeout=600)
            equal(process.returncode, 0, f"status ({said})")
        value = world.run("register", "-f", broken, "--format", "json", status=0, timeout=600).json
        equal({d for t in details(value).values() for d in t.values()}, {"unchanged"}, f"with SEED={SEED}")
        tenant = Tenant(world, os.path.join(broken, "b-07.yaml"))
        tenant.write()
        equal(tenant.reads(), {s: True for s in world.servers})
        world.run("enclave", "deprovision", "broken", "--force", "--yes", status=0, timeout=600)

    with report.case("one more, alone"):
        one_by_one(world)

    with report.case("observe-all"):
        observe_all(world)


def outage(world, report):
    """A service that is away, for a folder: its outage stops no other."""
    folder = os.path.join(world.folder, "many")
    for service in list(world.servers) if COUNT >= 100 else list(world.servers)[-1:]:
        with report.case(f"{service} is away: the others are looked at, all of them, and told"):
            world.stop(service)
            try:
                done = timed(f"registered without {service}",
                             lambda: world.run("register", "-f", folder, "--format", "json", timeout=3600))
            finally:
                world.start(service)
            equal(done.status, 5, "status")
            for t in done.json["tentacles"]:
                equal({s["name"]: s["available"] for s in t["exo_services"]}, {s: s != service for s in world.servers})


def main(build):
    report = Report()
    with tempfile.TemporaryDirectory(prefix="tentc-scale-") as folder, World(build, folder) as world:
        for service, why in world.missing.items():
            report.skip(f"many tentacles with {service}", why)
        if not world.servers:
            return report.end()
        many(world, report)
        outage(world, report)
    return report.end()


if __name__ == "__main__":
    sys.exit(main(os.path.abspath(sys.argv[1])))
