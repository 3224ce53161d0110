"""SPIRE, Secrets and enclaves against a real API server: tentc register, undeploy, enclave and doctor. There is no SPIRE
server: the CustomResourceDefinition has the group, version and fields of spire-controller-manager's, and a thread
writes into the status what that would count."""

import base64
import json
import os
import subprocess
import sys
import tempfile
import threading
import time

import yaml

from cluster import Cluster, NoPrograms
from report import Failed, Report, check, contains, equal, until

DIFFERS, USAGE, REJECTED, RETRY = 1, 2, 3, 5
OBJECTS = "/apis/spire.spiffe.io/v1alpha1/clusterspiffeids"

STRING, BOOL = {"type": "string"}, {"type": "boolean"}
SELECTOR = {"type": "object", "properties": {
    "matchLabels": {"type": "object", "additionalProperties": STRING},
    "matchExpressions": {"type": "array", "items": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}}}
STATS = ["namespacesSelected", "namespacesIgnored", "podsSelected", "podEntryRenderFailures", "entriesMasked",
         "entriesToSet", "entryFailures"]
CRD = {
    "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
    "metadata": {"name": "clusterspiffeids.spire.spiffe.io"},
    "spec": {
        "group": "spire.spiffe.io", "scope": "Cluster",
        "names": {"kind": "ClusterSPIFFEID", "listKind": "ClusterSPIFFEIDList", "plural": "clusterspiffeids",
                  "singular": "clusterspiffeid"},
        "versions": [{
            "name": "v1alpha1", "served": True, "storage": True, "subresources": {"status": {}},
            "schema": {"openAPIV3Schema": {"type": "object", "properties": {
                "apiVersion": STRING, "kind": STRING, "metadata": {"type": "object"},
                "spec": {"type": "object", "required": ["spiffeIDTemplate"], "properties": {
                    "spiffeIDTemplate": STRING, "podSelector": SELECTOR, "namespaceSelector": SELECTOR,
                    "dnsNameTemplates": {"type": "array", "items": STRING},
                    "workloadSelectorTemplates": {"type": "array", "items": STRING},
                    "federatesWith": {"type": "array", "items": STRING}, "ttl": STRING, "jwtTtl": STRING,
                    "admin": BOOL, "downstream": BOOL, "autoPopulateDNSNames": BOOL, "className": STRING,
                    "fallback": BOOL, "hint": STRING}},
                "status": {"type": "object", "properties": {"stats": {
                    "type": "object", "properties": {s: {"type": "integer"} for s in STATS}}}}}}}}]}}


class Controller(threading.Thread):
    """What spire-controller-manager does with an object, as far as its status tells."""

    def __init__(self, cluster, trust_domain="tentacular.local", class_name=None):
        super().__init__(daemon=True)
        self.cluster, self.trust_domain, self.class_name = cluster, trust_domain, class_name
        self.ended = threading.Event()

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.join()

    def stats(self, spec):
        ns = spec["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"]
        there = self.cluster.api("GET", f"/api/v1/namespaces/{ns}").status == 200
        pods = 1 if there else 0
        fits = spec["spiffeIDTemplate"].startswith(f"spiffe://{self.trust_domain}/")
        return {"namespacesSelected": pods, "podsSelected": pods, "entriesToSet": pods if fits else 0,
                "podEntryRenderFailures": 0 if fits else pods, "entryFailures": 0, "entriesMasked": 0,
                "namespacesIgnored": 0}

    def run(self):
        while not self.ended.wait(0.1):
            answer = self.cluster.api("GET", OBJECTS)
            for o in answer.json.get("items", []) if answer.status == 200 else []:
                if o["spec"].get("className") != self.class_name:
                    continue
                stats = self.stats(o["spec"])
                if o.get("status", {}).get("stats") != stats:
                    self.cluster.api("PATCH", f"{OBJECTS}/{o['metadata']['name']}/status", {"status": {"stats": stats}},
                                     {"Content-Type": "application/merge-patch+json"})


class Done:
    def __init__(self, status, out, err):
        self.status, self.out, self.err = status, out, err

    @property
    def json(self):
        return json.loads(self.out)


class Tentc:
    def __init__(self, build, cluster, folder):
        self.build, self.cluster, self.folder = build, cluster, folder
        self.program = os.path.join(build, "tentc")
        self.keys = os.path.join(folder, "keys")
        subprocess.run([self.program, "keygen", "-o", self.keys], check=True, timeout=30)
        self.config = self.write_config("exo.yaml", {})
        self.printed = ""

    def write_config(self, name, spire, **more):
        path = os.path.join(self.folder, name)
        with open(path, "w") as f:
            yaml.safe_dump({"apiVersion": "tentacular.io/v1alpha1", "kind": "ExoskeletonConfig", "services": {
                "postgres": {"enabled": False}, "rustfs": {"enabled": False}, "nats": {"enabled": False},
                "spire": spire}, **more}, f)
        return path

    def __call__(self, *words, status=None, config=None, kubeconfig=None, input=None):
        done = subprocess.run([self.program, *words, "--config", config or self.config, "--root-key-file", self.keys,
                               *([] if words[0] == "compile" else
                                 ["--kubeconfig", kubeconfig or self.cluster.kubeconfig])],
                              input=input, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=120)
        if words[0] != "compile":
            self.printed += done.stdout + done.stderr
        if status is not None and done.returncode != status:
            raise Failed(f"{' '.join(words)}: status {done.returncode}, want {status}: {done.stdout} {done.stderr}")
        return Done(done.returncode, done.stdout, done.stderr)

    def tentacle(self, enclave, name, epoch=0):
        path = os.path.join(self.folder, f"{enclave}-{name}-{epoch}.yaml")
        with open(path, "w") as f:
            yaml.safe_dump({"apiVersion": "v1", "kind": "Pod", "metadata": {
                "name": name, "namespace": enclave, "annotations": {
                    "tentacular.io/credential-epoch": str(epoch),
                    "tentacular.io/contract": "dependencies: {tentacular-spire: }\n"}},
                "spec": {"containers": [{"name": "main", "image": "main"}]}}, f)
        return path

    def compiled(self, path, kind, config=None):
        for document in yaml.safe_load_all(self("compile", path, status=0, config=config).out):
            if document["kind"] == kind:
                return document
        raise Failed(f"tentc compile made no {kind}")

    def probe(self, *words, config=None):
        """The registrar alone."""
        return subprocess.Popen([os.path.join(self.build, "tests/integration/registrar_probe"), config or self.config,
                                 self.keys, "spire", *words, "--kubeconfig", self.cluster.kubeconfig],
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def spiffeid(cluster, enclave, name):
    answer = cluster.api("GET", f"{OBJECTS}/tentacular.{enclave}.{name}")
    return answer.json if answer.status == 200 else None


def secret(cluster, enclave, name):
    answer = cluster.api("GET", f"/api/v1/namespaces/{enclave}/secrets/{name}")
    return answer.json if answer.status == 200 else None


def versions(cluster):
    """Of all that the commands could have written."""
    found = {}
    for path in ("/api/v1/namespaces", "/api/v1/secrets", "/apis/networking.k8s.io/v1/networkpolicies", OBJECTS):
        answer = cluster.api("GET", path)
        for o in answer.json.get("items", []) if answer.status == 200 else []:
            meta = o["metadata"]
            found[path, meta.get("namespace"), meta["name"]] = meta["resourceVersion"]
    return found


def validate(tentc, name, value):
    try:
        import jsonschema
    except ImportError:
        return
    schema = json.loads(subprocess.run([tentc.program, "schema", "output"], check=True, stdout=subprocess.PIPE).stdout)
    jsonschema.Draft202012Validator({**schema, "$ref": f"#/$defs/{name}"}).validate(value)


def without_crd(cluster, tentc, report):
    with report.case("no CustomResourceDefinition: SPIRE is unavailable, said plainly; exit 5"):
        done = tentc("register", tentc.tentacle("shop", "web"), status=RETRY)
        contains(done.out, "the cluster serves no spire.spiffe.io/v1alpha1, so SPIRE is not there; install")
        contains(done.out, "secret    tentacular-exoskeleton-web: not applied: not all of its services are ready")
        equal(secret(cluster, "shop", "tentacular-exoskeleton-web"), None)
        value = tentc("undeploy", "shop/web", "--format", "json", status=RETRY).json
        equal([(s["name"], s["available"]) for s in value["exo_services"]], [("spire", False)])
        doctor = tentc("doctor", "--format", "json").json
        validate(tentc, "doctor", doctor)
        equal([c["status"] for c in doctor["checks"] if c["name"] == "spire"], ["unavailable"])


def enclaves(cluster, tentc, report):
    with report.case("enclave provision --dry-run writes nothing"):
        before = versions(cluster)
        done = tentc("enclave", "provision", "shop", "--dry-run", status=0)
        contains(done.out, "namespace shop would be created")
        contains(done.out, "NetworkPolicy tentacular-default-deny would be created")
        equal(versions(cluster), before)

    with report.case("enclave provision: namespace, label, default policies; again changes nothing"):
        made = tentc("enclave", "provision", "shop", "--format", "json", status=0).json
        validate(tentc, "provision", made)
        equal(made["resources_created"], ["namespace shop", "networkpolicy shop/tentacular-default-deny",
                                          "networkpolicy shop/tentacular-allow-dns"])
        meta = cluster.api("GET", "/api/v1/namespaces/shop").json["metadata"]
        equal(meta["labels"]["tentacular.io/enclave"], "true")
        policies = {p["metadata"]["name"]: p["spec"] for p in cluster.api(
            "GET", "/apis/networking.k8s.io/v1/namespaces/shop/networkpolicies").json["items"]}
        equal(policies["tentacular-default-deny"], {"podSelector": {}, "policyTypes": ["Egress", "Ingress"]})
        equal([p["port"] for p in policies["tentacular-allow-dns"]["egress"][0]["ports"]], [53, 53])
        before = versions(cluster)
        again = tentc("enclave", "provision", "shop", "--format", "json", status=0).json
        equal(again["resources_created"], [])
        equal(versions(cluster), before)

    with report.case("enclave provision: a namespace that was there gets the label, keeps its own, and is not ours"):
        cluster.namespace("theirs", {"team": "a", "tentacular.io/enclave": "yes"})
        tentc("enclave", "provision", "theirs", status=0)
        meta = cluster.api("GET", "/api/v1/namespaces/theirs").json["metadata"]
        equal((meta["labels"]["team"], meta["labels"]["tentacular.io/enclave"]), ("a", "yes"))
        check("tentacular.io/provisioned-by" not in meta.get("annotations", {}), "it is not marked as ours")
        other = tentc.write_config("other.yaml", {}, installation="other")
        done = tentc("enclave", "provision", "shop", config=other, status=REJECTED)
        contains(done.out, 'namespace "shop" belongs to the installation "default", this one is "other"')


def life(cluster, tentc, report):
    path = tentc.tentacle("shop", "web")
    with Controller(cluster):
        with report.case("register --dry-run writes nothing and says what would be"):
            before = versions(cluster)
            done = tentc("register", "-f", path, "--dry-run", status=0)
            contains(done.out, "  spire     would be created\n")
            contains(done.out, "  secret    tentacular-exoskeleton-web: would be created\n")
            equal(versions(cluster), before)

        with report.case("register: the object and the Secret that tentc compile prints"):
            value = tentc("register", path, "--format", "json", status=0).json
            validate(tentc, "register", value)
            equal(value["tentacles"][0]["resources_created"],
                  ["spire id spiffe://tentacular.local/ns/shop/wf/web", "spire clusterspiffeid tentacular.shop.web"])
            made, printed = spiffeid(cluster, "shop", "web"), tentc.compiled(path, "ClusterSPIFFEID")
            equal(made["spec"], printed["spec"])
            equal(made["metadata"]["labels"], printed["metadata"]["labels"])
            equal(made["metadata"]["annotations"], {"tentacular.io/installation": "default"})
            made, printed = secret(cluster, "shop", "tentacular-exoskeleton-web"), tentc.compiled(path, "Secret")
            equal((made["data"], made["type"], made["metadata"]["labels"]),
                  (printed["data"], printed["type"], printed["metadata"]["labels"]))

        with report.case("register again: unchanged, to the resourceVersion"):
            time.sleep(0.3)
            before = versions(cluster)
            done = tentc("register", path, status=0)
            contains(done.out, "  spire     unchanged\n")
            done = tentc("register", path, "--dry-run", status=0)
            contains(done.out, "  spire     as it should be\n")
            contains(done.out, "tentacular-exoskeleton-web: as it should be\n")
            equal(versions(cluster), before)

        with report.case("what was applied from compiled manifests is taken over"):
            two = tentc.tentacle("shop", "two")
            printed = tentc.compiled(two, "ClusterSPIFFEID")
            cluster.kubectl("apply", "-f", "-", input=json.dumps(printed))
            tentc("register", two, status=0)
            equal(spiffeid(cluster, "shop", "two")["spec"], printed["spec"])

        with report.case("a changed selector is put right; what another set is said, and left"):
            name = f"{OBJECTS}/tentacular.shop.web"
            merge = {"Content-Type": "application/merge-patch+json"}
            cluster.api("PATCH", name, {"spec": {"podSelector": {"matchLabels": {"tentacular.io/release": "other"}}}},
                        merge)
            done = tentc("register", path, "--dry-run", status=0)
            contains(done.out, 'would be put right: ClusterSPIFFEID has podSelector {"matchLabels":'
                               '{"tentacular.io/release":"other"}}, it should be')
            done = tentc("register", path, status=0)
            contains(done.out, "  spire     put right: ")
            equal(spiffeid(cluster, "shop", "web")["spec"], tentc.compiled(path, "ClusterSPIFFEID")["spec"])
            cluster.api("PATCH", name, {"spec": {"downstream": True}}, merge)
            done = tentc("register", path, status=REJECTED)
            contains(done.out, "has downstream true, which tentc does not set; somebody else set that field")
            cluster.api("PATCH", name, {"spec": {"downstream": None}}, merge)
            tentc("register", path, status=0)

        with report.case("enclave info: phases from what is there"):
            info = tentc("enclave", "info", "shop", "--format", "json", status=0).json
            validate(tentc, "info", info)
            equal(info["namespace"], {"exists": True, "labelled": True})
            equal([(t["name"], t["phase"], t["services"]) for t in info["tentacles"]],
                  [("two", "registered", {"spire": "applied"}), ("web", "registered", {"spire": "applied"})])
            known = tentc("enclave", "list", "--format", "json", status=0).json
            validate(tentc, "list", known)
            equal(known["enclaves"], [{"name": "shop", "labelled": True, "tentacle_count": 2},
                                      {"name": "theirs", "labelled": True, "tentacle_count": 0}])

        with report.case("rotation: a Secret of its own for the new epoch; the old one stays for old pods"):
            tentc("register", tentc.tentacle("shop", "web", 1), status=0)
            names = {s["metadata"]["name"] for s in cluster.api("GET", "/api/v1/namespaces/shop/secrets").json["items"]}
            equal(len([n for n in names if n.startswith("tentacular-exoskeleton-web")]), 2)

        with report.case("a namespace that is not there"):
            done = tentc("register", tentc.tentacle("nowhere", "web"), status=RETRY)
            contains(done.out, "no spire-controller-manager has taken up ClusterSPIFFEID tentacular.nowhere.web, or the "
                               "namespace nowhere is not there")
            tentc("undeploy", "nowhere/web", status=0)
            equal(spiffeid(cluster, "nowhere", "web"), None)

        with report.case("className and trust domain by template; a wrong trust domain fails in words"):
            wrong = tentc.write_config("wrong.yaml", {"trustDomain": "{enclave}.example"})
            three = tentc.tentacle("shop", "three")
            done = tentc("register", three, config=wrong, status=DIFFERS)
            contains(done.out, "the identity of 1 of 1 pods could not be made: spiffe://shop.example/ns/shop/wf/three is "
                               "refused")
            contains(done.out, "see services.spire.trustDomain")
            info = tentc("enclave", "info", "shop", "--format", "json", config=wrong, status=0).json
            check(("three", "degraded") in [(t["name"], t["phase"]) for t in info["tentacles"]], info)
            tentc("undeploy", "shop/three", config=wrong, status=0)

    with report.case("a class that nobody watches: unavailable; one that somebody does: fine"):
        classes = tentc.write_config("class.yaml", {"className": "spire-{enclave}"})
        three = tentc.tentacle("shop", "three")
        done = tentc("register", three, config=classes, status=RETRY)
        contains(done.out, "watches the class spire-shop (services.spire.className)")
        with Controller(cluster, class_name="spire-shop"):
            tentc("register", three, config=classes, status=0)
        equal(spiffeid(cluster, "shop", "three")["spec"]["className"], "spire-shop")
        tentc("undeploy", "shop/three", config=classes, status=0)

    with report.case("undeploy: object and Secrets are gone, others' stay; again is fine"):
        cluster.api("POST", "/api/v1/namespaces/shop/secrets", {"metadata": {"name": "theirs"}})
        value = tentc("undeploy", "shop/web", "--format", "json", status=0).json
        validate(tentc, "undeploy", value)
        equal(spiffeid(cluster, "shop", "web"), None)
        check(spiffeid(cluster, "shop", "two") is not None, "two stays")
        names = {s["metadata"]["name"] for s in cluster.api("GET", "/api/v1/namespaces/shop/secrets").json["items"]}
        equal(names, {"theirs", "tentacular-exoskeleton-two"})
        contains(tentc("undeploy", "shop/web", status=0).out, "  spire     nothing is there\n")


def foreign(cluster, tentc, report):
    def make(name, labels, annotations):
        cluster.api("POST", OBJECTS, {
            "apiVersion": "spire.spiffe.io/v1alpha1", "kind": "ClusterSPIFFEID",
            "metadata": {"name": f"tentacular.shop.{name}", "labels": labels, "annotations": annotations},
            "spec": {"spiffeIDTemplate": "spiffe://x/y"}})
        made = cluster.api("POST", "/api/v1/namespaces/shop/secrets", {"metadata": {
            "name": f"tentacular-exoskeleton-{name}",
            "labels": {"tentacular.io/exoskeleton": "true", "tentacular.io/release": name}}})
        equal(made.status, 201)
        return versions(cluster)

    with report.case("an object that is not tentc's, or another installation's, is refused and left"):
        ours = {"tentacular.io/exoskeleton": "true", "tentacular.io/release": "marked"}
        for name, labels, annotations, why in (
                ("bare", {}, {}, 'ClusterSPIFFEID "tentacular.shop.bare" is there and was not made by tentc'),
                ("marked", ours, {"tentacular.io/installation": "other"},
                 'ClusterSPIFFEID "tentacular.shop.marked" belongs to the installation "other", this one is "default"')):
            before = make(name, labels, annotations)
            path = tentc.tentacle("shop", name)
            contains(tentc("register", path, status=REJECTED).out, why)
            contains(tentc("register", path, "--dry-run", status=REJECTED).out, "would be refused: " + why)
            done = tentc("undeploy", f"shop/{name}", status=REJECTED)
            contains(done.out, "left alone: " + why)
            contains(done.out, "secret    left alone: it is not known to be this installation's")
            equal(versions(cluster), before)
            cluster.api("DELETE", f"{OBJECTS}/tentacular.shop.{name}")


def crashes(cluster, tentc, report):
    with report.case("killed at its step, then run once more: as without it; no orphan"):
        for operation in ("apply", "destroy", "apply", "retain"):
            process = tentc.probe(operation, "shop", "killed", "--kill-at", "1")
            process.communicate(timeout=30)
            equal(process.returncode, -9, f"{operation} is killed")
            process = tentc.probe(operation, "shop", "killed")
            out = process.communicate(timeout=30)[0]
            equal(process.returncode, 0, out)
            check((spiffeid(cluster, "shop", "killed") is not None) == (operation == "apply"), operation)

    with report.case("two at once, 20 times"):
        for i in range(20):
            both = [tentc.probe("apply" if i % 2 == 0 else "retain", "shop", "both") for _ in range(2)]
            for process in both:
                out = process.communicate(timeout=30)[0]
                equal(process.returncode, 0, out)
            check((spiffeid(cluster, "shop", "both") is not None) == (i % 2 == 0), f"round {i}")

    with report.case("observe_all tells what is wanted and absent, and what nobody wants"):
        process = tentc.probe("apply", "shop", "many", "--count", "20")
        process.communicate(timeout=60)
        process = tentc.probe("observe-all", "shop", "many", "--count", "30")
        out = process.communicate(timeout=60)[0]
        contains(out, "all applied 21\n")  # two is there, too
        contains(out, "all absent 10\n")
        process = tentc.probe("destroy", "shop", "many", "--count", "20")
        process.communicate(timeout=60)


def rights(cluster, tentc, report):
    with report.case("doctor: what an account lacks, each with what to grant"):
        weak = cluster.user_kubeconfig("weak")
        done = tentc("doctor", kubeconfig=weak, status=DIFFERS)
        contains(done.out, "[warn]    permissions: we may not patch secrets")
        contains(done.out, '-> grant "patch" on networkpolicies.networking.k8s.io in a ClusterRole')
        contains(done.out, 'we may not patch ClusterSPIFFEIDs; grant "patch" on clusterspiffeids.spire.spiffe.io')
        done = tentc("register", tentc.tentacle("shop", "web"), kubeconfig=weak, status=USAGE)
        contains(done.out, 'grant it "get" on clusterspiffeids.spire.spiffe.io in a ClusterRole')

    with report.case("doctor: a whole cluster"):
        done = tentc("doctor")
        contains(done.out, "[ok]      cluster: Kubernetes v")
        contains(done.out, "[ok]      clock: ")
        contains(done.out, "[ok]      permissions: ")
        contains(done.out, "[ok]      spire: ClusterSPIFFEID of spire.spiffe.io/v1alpha1")
        contains(done.out, "[warn]    webhook: there is no MutatingWebhookConfiguration tentc")
        equal(done.status, DIFFERS)

    with report.case("doctor: a webhook whose certificate nobody has made"):
        cluster.api("POST", "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations", {
            "apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingWebhookConfiguration",
            "metadata": {"name": "tentc"}, "webhooks": [{
                "name": "a.tentacular.io", "clientConfig": {"url": "https://127.0.0.1:9/mutate"}, "sideEffects": "None",
                "admissionReviewVersions": ["v1"], "failurePolicy": "Ignore", "rules": []}]})
        done = tentc("doctor", status=DIFFERS)
        contains(done.out, "[FAIL]    webhook: there is none; tentc serve makes it, or: tentc certs make")
        contains(done.out, "[FAIL]    webhook: the caBundle of a.tentacular.io is empty")
        contains(done.out, "-> tentc certs show says more")

    with report.case("doctor: an API server that is away"):
        gone = os.path.join(tentc.folder, "gone.kubeconfig")
        with open(cluster.kubeconfig) as f:
            config = json.load(f)
        config["clusters"][0]["cluster"]["server"] = "https://127.0.0.1:1"
        with open(gone, "w") as f:
            json.dump(config, f)
        done = tentc("doctor", kubeconfig=gone, status=RETRY)
        contains(done.out, "[down]    cluster: ")
        contains(done.out, "[down]    spire: ")
        tentc("register", tentc.tentacle("shop", "web"), kubeconfig=gone, status=RETRY)


def end(cluster, tentc, report):
    with report.case("enclave deprovision keeps the namespace; --force deletes it where tentc made it"):
        kept = tentc("enclave", "deprovision", "shop", "--format", "json", status=0).json
        validate(tentc, "deprovision", kept)
        equal(kept["deleted"], False)
        equal([o["metadata"]["name"] for o in cluster.api("GET", OBJECTS).json["items"]], [])
        check("deletionTimestamp" not in cluster.api("GET", "/api/v1/namespaces/shop").json["metadata"], "it is kept")
        gone = tentc("enclave", "deprovision", "shop", "--force", "--yes", "--format", "json", status=0).json
        validate(tentc, "deprovision", gone)
        equal(gone["deleted"], True)
        check("deletionTimestamp" in cluster.api("GET", "/api/v1/namespaces/shop").json["metadata"], "it goes")
        done = tentc("enclave", "deprovision", "theirs", "--force", "--yes", status=0)
        contains(done.out, "namespace theirs stays: tentc did not make it")
        check("deletionTimestamp" not in cluster.api("GET", "/api/v1/namespaces/theirs").json["metadata"], "it stays")

    with report.case("no credential in what was printed"):
        with open(tentc.keys) as f:
            hidden = [f.read().split()[1], cluster.token]
        check(len(tentc.printed) > 2000, "something was printed")
        for value in hidden:
            check(value not in tentc.printed and base64.b64encode(value.encode()).decode() not in tentc.printed,
                  "a credential was printed")


def main():
    report = Report()
    try:
        with Cluster() as cluster, tempfile.TemporaryDirectory(prefix="tentc-spire.") as folder:
            tentc = Tentc(sys.argv[1], cluster, folder)
            without_crd(cluster, tentc, report)
            equal(cluster.api("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", CRD).status, 201)
            until(lambda: cluster.api("GET", OBJECTS).status == 200, 30, "the CustomResourceDefinition is served")
            for part in (enclaves, life, foreign, crashes, rights, end):
                part(cluster, tentc, report)
    except NoPrograms as e:
        report.skip("SPIRE", str(e))
    return report.end()


sys.exit(main())
