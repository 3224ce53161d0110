"""The webhook in a real API server: what it stores is what `tentc compile` prints, and nobody is hurt by it."""

import json
import subprocess
import sys
import tempfile
import time

from cluster import Cluster, NoPrograms
from report import Report, check, contains, equal, until
from served import CONFIGURATION, Served, enclave, install, point_at, program, until_called
from workloads import KINDS, path, template, workloads

CONFIG = "apiVersion: tentacular.io/v1alpha1\nkind: ExoskeletonConfig\nnetworkPolicy: {defaultDeny: true}\n"
POSTGRES = 'version: "1"\ndependencies:\n  tentacular-postgres:\n'
BROKEN = 'version: "1"\ndependencies:\n  tentacular-postgress:\n'


def deployment(name, contract=POSTGRES, **spec):
    o = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name},
         "spec": {"replicas": 0, "selector": {"matchLabels": {"app": name}},
                  "template": {"metadata": {"labels": {"app": name}},
                               "spec": {"containers": [{"name": "web", "image": "registry.example.com/web:v1"}]}}}}
    if contract:
        o["metadata"]["annotations"] = {"tentacular.io/contract": contract}
    o["spec"].update(spec)
    return o


def collection(namespace):
    return f"/apis/apps/v1/namespaces/{namespace}/deployments"


def post(cluster, where, o, query="", want=201):
    answer = cluster.api("POST", where + query, o)
    if answer.status != want:
        raise AssertionError(f"{o['kind']} {o['metadata'].get('name')}: {answer.status}: {answer.text[:1500]}")
    return answer.json


def apply(cluster, where, o, manager, force=False, want=(200, 201)):
    answer = cluster.api("PATCH", f"{where}?fieldManager={manager}&force={str(force).lower()}", o,
                         {"Content-Type": "application/apply-patch+yaml"})
    check(answer.status in want, f"{answer.status}: {answer.text[:1500]}")
    return answer.json


def compiled(build, objects, config):
    """What `tentc compile` prints for them: {(kind, name): object}."""
    with tempfile.NamedTemporaryFile("w", suffix=".json") as f:
        f.write("\n".join(json.dumps(o) for o in objects))
        f.flush()
        done = subprocess.run([program(build), "compile", "--config", config, "--format", "json", f.name],
                              capture_output=True, text=True)
    equal(done.returncode, 0, f"status of tentc compile ({done.stderr[:500]})")
    return {(o["kind"], o["metadata"]["name"]): o for o in map(json.loads, done.stdout.splitlines())}


def essence(o):
    """What law 3 compares."""
    return {"labels": o["metadata"].get("labels", {}), "annotations": annotations(o), "spec": o.get("spec"),
            "data": o.get("data")}


def annotations(o):
    return o["metadata"].get("annotations") or {}


def mounted(o):
    """The containers, init containers too, that see /app/secrets."""
    spec = template(o)["spec"]
    return [c["name"] for c in spec.get("initContainers", []) + spec["containers"]
            if any(m["mountPath"] == "/app/secrets" for m in c.get("volumeMounts", []))]


def differ(a, b):
    """The first place where two trees differ."""
    if type(a) is not type(b):
        return f"{a!r} and {b!r}"
    if isinstance(a, dict):
        for k in sorted(set(a) | set(b)):
            if a.get(k) != b.get(k):
                return f"{k}: {differ(a.get(k), b.get(k))}"
    if isinstance(a, list) and len(a) == len(b):
        for i, (x, y) in enumerate(zip(a, b)):
            if x != y:
                return f"[{i}] {differ(x, y)}"
    return f"{a!r} and {b!r}"


# --- law 3


def same_as_offline(report, build, cluster, config):
    """Two API servers, one without the webhook: it stores what tentc compile printed, the other what it admitted."""
    sets = workloads(1, 320, "law3")
    objects = [o for made in sets for o in made]
    with report.case("320 generated workloads: admitted is what tentc compile prints, accepted strictly"), \
            Cluster() as plain:
        want = compiled(build, objects, config)
        enclave(cluster, "law3")
        plain.namespace("law3")
        for made in sets:
            if len(made) == 2:
                where = "/api/v1/namespaces/law3/configmaps"
                stored = post(cluster, where, made[0], "?fieldValidation=Strict")
                theirs = post(plain, where, want["ConfigMap", made[0]["metadata"]["name"]])
                equal(differ(essence(stored), essence(theirs)) if essence(stored) != essence(theirs) else None, None)
                known(cluster, made[0]["metadata"]["name"])
            o = made[-1]
            stored = post(cluster, path(o["kind"], "law3"), o, "?fieldValidation=Strict")
            theirs = post(plain, path(o["kind"], "law3"), want[o["kind"], o["metadata"]["name"]],
                          "?fieldValidation=Strict")
            for one in (stored, theirs):
                hide_generated(one)
                if o["kind"] == "Job" and "labels" not in o["metadata"]:
                    # The API server gives it those of its template, before admission and so without ours.
                    del one["metadata"]["labels"]
            if essence(stored) != essence(theirs):
                raise AssertionError(f"{o['kind']} {o['metadata']['name']}: {differ(essence(stored), essence(theirs))}")
        counted = {}
        for (kind, name), o in want.items():
            counted[kind] = counted.get(kind, 0) + 1
            if kind in ("Secret", "NetworkPolicy"):
                group = "/api/v1" if kind == "Secret" else "/apis/networking.k8s.io/v1"
                plural = "secrets" if kind == "Secret" else "networkpolicies"
                post(plain, f"{group}/namespaces/law3/{plural}", o, "?fieldValidation=Strict&dryRun=All")
        check(counted["Secret"] > 200 and counted["NetworkPolicy"] > 300, counted)


def known(cluster, name):
    """The watch cache hears of a ConfigMap a moment later; until then a workload is admitted without its contract."""
    probe = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name[:-len("-code")]}, "spec": {
        "containers": [{"name": "c", "image": "i", "volumeMounts": [{"name": "code", "mountPath": "/c"}]}],
        "volumes": [{"name": "code", "configMap": {"name": name}}]}}
    until(lambda: "tentacular.io/filled" in annotations(
        post(cluster, "/api/v1/namespaces/law3/pods?dryRun=All", probe)), 10, f"{name} is known")


def hide_generated(o):
    """Jobs get a selector with their uid; Pods their account, where the API server knows accounts."""
    if o["kind"] == "Pod":
        for field in ("serviceAccount", "serviceAccountName"):
            o["spec"].pop(field, None)
    if o["kind"] == "Job":
        uid = o["metadata"]["uid"]
        text = json.dumps(o["spec"]).replace(uid, "UID")
        o["spec"] = json.loads(text)


def boutique(report, build, cluster, config):
    with report.case("the online boutique: each Deployment stored is what tentc compile prints"):
        with tempfile.TemporaryDirectory() as folder:
            made = subprocess.run(
                ["sh", "-c", 'cp in/* "$1" && cd "$1" && sh annotate.sh "$2" > shop.yaml', "sh", folder,
                 f"{ROOT}/testdata/corpus/online-boutique/kubernetes-manifests.yaml"],
                cwd=f"{ROOT}/testdata/golden/online-boutique", capture_output=True, text=True)
            equal(made.returncode, 0, made.stderr)
            done = subprocess.run([program(build), "compile", "--config", config, "--enclave", "boutique", "--format",
                                   "json", "shop.yaml", "workflows.yaml"], cwd=folder, capture_output=True, text=True)
            equal(done.returncode, 0, done.stderr)
            enclave(cluster, "boutique")
            cluster.kubectl("apply", "-n", "boutique", "-f", f"{folder}/workflows.yaml")
            time.sleep(1)
            cluster.kubectl("apply", "-n", "boutique", "-f", f"{folder}/shop.yaml")
        want = {o["metadata"]["name"]: o for o in map(json.loads, done.stdout.splitlines())
                if o["kind"] == "Deployment"}
        stored = {o["metadata"]["name"]: o for o in cluster.api("GET", collection("boutique")).json["items"]}
        equal(sorted(stored), sorted(want), "Deployments")
        with Cluster() as plain:
            plain.namespace("boutique")
            for name, o in want.items():
                theirs = post(plain, collection("boutique"), o)
                mine = stored[name]
                for one in (mine, theirs):
                    for noise in ("kubectl.kubernetes.io/last-applied-configuration",
                                  "deployment.kubernetes.io/revision"):
                        annotations(one).pop(noise, None)
                if essence(mine) != essence(theirs):
                    raise AssertionError(f"{name}: {differ(essence(mine), essence(theirs))}")
        equal(sum("tentacular.io/compiled" in annotations(o) for o in stored.values()), 5, "tentacles")


def restricted(report, build, cluster, config):
    with report.case("Pods from our templates are accepted where Pod Security enforces restricted"):
        enclave(cluster, "strict", {"pod-security.kubernetes.io/enforce": "restricted"})
        want = compiled(build, [o for made in workloads(2, 60, "strict") for o in made], config)
        count = 0
        for (kind, name), o in want.items():
            if kind not in KINDS:
                continue
            pod = template(o)
            pod = {"apiVersion": "v1", "kind": "Pod", "spec": dict(pod["spec"]),
                   "metadata": {"name": name, "labels": pod["metadata"]["labels"]}}
            post(cluster, "/api/v1/namespaces/strict/pods?dryRun=All", pod)
            count += 1
        equal(count, 60, "templates")
        loose = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "loose"},
                 "spec": {"hostNetwork": True, "containers": [{"name": "c", "image": "i"}]}}
        contains(cluster.api("POST", "/api/v1/namespaces/strict/pods?dryRun=All", loose).text, "violates PodSecurity")


# --- one object


def objects(report, cluster, tentc):
    where = collection("shop")
    enclave(cluster, "shop")

    with report.case("a contract error denies with the compiler's own diagnostics, code 422, all problems"):
        two = BROKEN + "  other: {protocol: https}\n"
        answer = cluster.api("POST", where, deployment("bad", two))
        equal(answer.status, 422)
        message = answer.json["message"]
        contains(message, 'admission webhook "')
        contains(message, 'unknown dependency "tentacular-postgress"')
        contains(message, 'did you mean "tentacular-postgres"')
        contains(message, ":3:3: error: ")
        contains(message, "   3 |   tentacular-postgress:")
        contains(message, ":4:")

    with report.case("--dry-run=server shows the whole object and stores nothing"):
        shown = cluster.kubectl("create", "-n", "shop", "--dry-run=server", "-o", "json", "-f", "-",
                                input=json.dumps(deployment("dry")))
        equal(mounted(json.loads(shown.stdout)), ["web"])
        equal(cluster.api("GET", where + "/dry").status, 404)

    with report.case("annotations and labels that are null or absent"):
        for name, meta in (("nulls", {"annotations": None, "labels": None}), ("none", {})):
            o = deployment(name, None)
            o["metadata"].update(meta)
            equal(annotations(post(cluster, where, o)), {})
        o = deployment("no-labels")
        o["metadata"]["labels"] = None
        o["spec"]["template"]["spec"]["volumes"] = None
        o["spec"]["template"]["spec"]["containers"][0].update({"volumeMounts": None, "env": None})
        equal(mounted(post(cluster, where, o)), ["web"])

    with report.case("namespace only in the request; generateName cannot be a tentacle: its name is nobody's"):
        check("namespace" not in deployment("x")["metadata"], "the object names none")
        o = deployment("gen", "name: gen\n" + POSTGRES)
        del o["metadata"]["name"]
        o["metadata"]["generateName"] = "gen-"
        contains(post(cluster, where, o, want=422)["message"], "nobody's identity [TC221]")
        o = deployment("gen")
        del o["metadata"]["name"]
        o["metadata"]["generateName"] = "gen-"
        contains(post(cluster, where, o, want=422)["message"], "help: give it metadata.name instead of generateName")

    with report.case("Helm-style server-side apply by another manager: no conflict, again no change"):
        o = deployment("helm")
        o["metadata"]["namespace"] = "shop"
        first = apply(cluster, where + "/helm", o, "helm")
        equal(mounted(first), ["web"])
        # The Deployment's own controller writes its status meanwhile.
        version = [apply(cluster, where + "/helm", o, "helm")["metadata"]["resourceVersion"] for _ in range(2)]
        until(lambda: version[-1] == version[-2] or version.append(
            apply(cluster, where + "/helm", o, "helm")["metadata"]["resourceVersion"]), 10, "an apply without effect")
        o["spec"]["template"]["spec"]["containers"][0]["image"] = "registry.example.com/web:v2"
        third = apply(cluster, where + "/helm", o, "helm")
        equal(mounted(third), ["web"])
        equal(third["spec"]["template"]["spec"]["containers"][0]["image"], "registry.example.com/web:v2")

    with report.case("kubectl diff of what is there already shows nothing"):
        text = json.dumps(deployment("diff"))
        cluster.kubectl("apply", "-n", "shop", "--server-side", "-f", "-", input=text)
        done = cluster.kubectl("diff", "-n", "shop", "--server-side", "-f", "-", input=text, check=False)
        equal((done.returncode, done.stdout), (0, ""), "kubectl diff")
        cluster.kubectl("apply", "-n", "shop", "-f", "-", input=json.dumps(deployment("diff2")))
        done = cluster.kubectl("diff", "-n", "shop", "-f", "-", input=json.dumps(deployment("diff2")), check=False)
        equal((done.returncode, done.stdout), (0, ""), "kubectl diff of a client-side apply")

    with report.case("the contract is taken away: so is all that it brought"):
        post(cluster, where, deployment("gone"))
        stored = cluster.api("PATCH", where + "/gone", {"metadata": {"annotations": {"tentacular.io/contract": None}}},
                             {"Content-Type": "application/merge-patch+json"}).json
        equal(mounted(stored), [])
        equal([a for a in annotations(stored) if "tentacular.io" in a], [])
        equal(stored["spec"]["template"]["metadata"]["labels"], {"app": "gone"})

    with report.case("finalizers come off when the contract has become invalid"):
        point_at(cluster, tentc.url + "-is-not-there")
        failing = cluster.api("GET", CONFIGURATION).json
        for hook in failing["webhooks"]:
            hook["failurePolicy"] = "Ignore"
        cluster.api("PUT", CONFIGURATION, failing)
        invalid = deployment("final", BROKEN)
        invalid["metadata"]["finalizers"] = ["example.com/hold"]
        until(lambda: cluster.api("POST", where, invalid).status in (201, 409), 20, "stored while the webhook is away")
        for hook in failing["webhooks"]:
            hook["failurePolicy"] = "Fail"
        failing = {**cluster.api("GET", CONFIGURATION).json, "webhooks": failing["webhooks"]}
        equal(cluster.api("PUT", CONFIGURATION, failing).status, 200)
        point_at(cluster, tentc.url)
        until(lambda: cluster.api("POST", where + "?dryRun=All", deployment("final2", BROKEN)).status == 422, 20,
              "the webhook is back")
        patch = {"Content-Type": "application/merge-patch+json"}
        scaled = cluster.api("PATCH", where + "/final", {"spec": {"template": {"spec": {"priority": 1}}}}, patch)
        equal(scaled.status, 422, f"a change of the template ({scaled.text})")
        equal(cluster.api("PATCH", where + "/final", {"metadata": {"labels": {"a": "b"}}}, patch).status, 200)
        equal(cluster.api("DELETE", where + "/final").status, 200)
        equal(cluster.api("PATCH", where + "/final", {"metadata": {"finalizers": None}}, patch).status, 200)
        equal(cluster.api("GET", where + "/final").status, 404)

    with report.case("a ConfigMap with the contract that comes after its Deployment: a later pass finishes it"):
        o = deployment("late", None)
        o["spec"]["template"]["spec"]["volumes"] = [{"name": "code", "configMap": {"name": "late-code"}}]
        stored = post(cluster, where, o)
        equal(mounted(stored), [])
        cm = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "late-code"},
              "data": {"workflow.yaml": "name: late\ncontract:\n  " + POSTGRES.replace("\n", "\n  ").rstrip() + "\n"}}
        kept = post(cluster, "/api/v1/namespaces/shop/configmaps", cm)
        contains(kept["data"]["workflow.yaml"], "user: tent_shop_late")
        patch = {"metadata": {"annotations": {"tentacular.io/compiled": ""}}}
        stored = until(lambda: (lambda o: o if mounted(o) else None)(cluster.api(
            "PATCH", where + "/late", patch, {"Content-Type": "application/merge-patch+json"}).json), 10,
            "the pass that finishes it")
        equal(mounted(stored), ["web"])

    with report.case("mode audit by the namespace's label: warned of, not denied, not patched"):
        enclave(cluster, "trial", {"tentacular.io/mode": "audit"})
        until(lambda: cluster.api("POST", collection("trial") + "?dryRun=All", deployment("x", BROKEN)).status == 201,
              10, "the label is known")
        answer = cluster.api("POST", collection("trial"), deployment("x", BROKEN))
        equal(answer.status, 201)
        contains(str(answer.headers.get_all("Warning")), "tentacular-postgress")
        equal(mounted(answer.json), [])

    with report.case("a namespace without the label is none of ours"):
        cluster.namespace("elsewhere")
        equal(post(cluster, collection("elsewhere"), deployment("x", BROKEN))["metadata"]["annotations"],
              {"tentacular.io/contract": BROKEN})

    with report.case("a second kind of the same name is denied while the first lives"):
        post(cluster, where, deployment("twin"))
        o = deployment("twin")
        o.update(kind="StatefulSet")
        o["spec"]["serviceName"] = "twin"
        until(lambda: cluster.api("POST", "/apis/apps/v1/namespaces/shop/statefulsets?dryRun=All", o).status == 422,
              10, "the first is known")
        message = post(cluster, "/apis/apps/v1/namespaces/shop/statefulsets", o, want=422)["message"]
        contains(message, "Deployment")
        thief = deployment("twin", None)
        thief.update(kind="StatefulSet")
        thief["spec"]["serviceName"] = "twin"
        thief["spec"]["template"]["metadata"]["labels"]["tentacular.io/release"] = "twin"
        message = post(cluster, "/apis/apps/v1/namespaces/shop/statefulsets", thief, want=422)["message"]
        contains(message, "would give its pods the identity of Deployment")

    with report.case("level: a Deployment of an older tentc stays as it is"):
        old = cluster.api("GET", where + "/helm").json
        patch = {"metadata": {"labels": {"touched": "yes"}}}
        new = cluster.api("PATCH", where + "/helm", patch, {"Content-Type": "application/merge-patch+json"}).json
        equal(new["spec"], old["spec"])
        equal(new["metadata"]["generation"], old["metadata"]["generation"], "generation: no rollout")


def with_controllers(report, cluster, where):
    with report.case("a rollout, a Job and a CronJob go through: what their controllers make is not touched"):
        o = deployment("roll")
        o["spec"]["replicas"] = 2
        post(cluster, where, o)
        pods = "/api/v1/namespaces/shop/pods?labelSelector=app%3Droll"
        made = until(lambda: (lambda items: items if len(items) == 2 else None)(cluster.api("GET", pods).json["items"]),
                     30, "two Pods")
        for pod in made:
            equal(pod["metadata"]["labels"]["tentacular.io/release"], "roll")
            equal(annotations(pod).get("tentacular.io/compiled"), None, "compiled of an owned Pod")


def away(report, cluster, tentc):
    where = collection("shop")
    with report.case("scaled to 0 with failurePolicy Fail: enclaves wait, all others and our own go on; then back"):
        tentc.stop()
        answer = cluster.api("POST", where, deployment("waits"))
        equal(answer.status, 500)
        contains(answer.text, "failed calling webhook")
        post(cluster, collection("elsewhere"), deployment("goes-on"))
        post(cluster, collection("tentacular-system"), deployment("ours-goes-on"))
        post(cluster, "/api/v1/namespaces/shop/configmaps", {
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "plain"}, "data": {"a": "b"}})
        equal(cluster.api("DELETE", where + "/roll").status, 200, "deleting")
        tentc.start()
        tentc.until_ready()
        until(lambda: cluster.api("POST", where, deployment("waits")).status == 201, 20, "back")


ROOT = __file__.rsplit("/tests/e2e/", 1)[0]


def main(build):
    report = Report()
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as config, Cluster(controllers=True) as cluster:
        config.write(CONFIG)
        config.flush()
        kubeconfig = install(cluster)
        with Served(build, cluster, ["--config", config.name, "--webhook", "tentc"], kubeconfig=kubeconfig) as tentc:
            point_at(cluster, tentc.url)
            enclave(cluster, "first")
            until_called(cluster, tentc, "first")
            same_as_offline(report, build, cluster, config.name)
            boutique(report, build, cluster, config.name)
            restricted(report, build, cluster, config.name)
            objects(report, cluster, tentc)
            with_controllers(report, cluster, collection("shop"))
            away(report, cluster, tentc)
            with report.case("the log has one line per decision, and no line that is not JSON"):
                lines = tentc.lines()
                equal([line for line in lines if line["msg"] == "unreadable"], [])
                check(len(tentc.lines("reviewed")) > 300, len(tentc.lines("reviewed")))
    return report.end()


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1]))
    except NoPrograms as e:
        print(f"skipped webhook: {e}")
        print("0 passed, 0 failed, 1 skipped")
