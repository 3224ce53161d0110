#!/usr/bin/env python3
"""test_deploy.py - deploy/ as it is shipped, on a real API server: it is accepted as it stands, may do what the table
below says and no more, and what the API server checks before a pod runs is checked."""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

import yaml

from cluster import Cluster, NoPrograms
from report import Failed, Report, check, contains, equal, until
from served import DEPLOY

BUILD = sys.argv[1]
SYSTEM = "tentacular-system"
ACCOUNT = "system:serviceaccount:tentacular-system:tentc-admission"
ROOT = os.path.dirname(DEPLOY)
WEBHOOKS = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/tentc"
CERTIFICATE = f"/api/v1/namespaces/{SYSTEM}/secrets/tentc-webhook-certs"

# What `tentc serve --admission` may do beyond what every account may: namespace ("" where the cluster is meant), group,
# resource, names, verbs. docs/operations.md has the same rows.
RIGHTS = {
    ("", "", "namespaces", "", "list watch"),
    ("", "", "configmaps", "", "list watch"),
    ("", "", "pods", "", "list watch"),
    ("", "apps", "deployments", "", "list watch"),
    ("", "apps", "statefulsets", "", "list watch"),
    ("", "apps", "daemonsets", "", "list watch"),
    ("", "batch", "jobs", "", "list watch"),
    ("", "batch", "cronjobs", "", "list watch"),
    ("", "admissionregistration.k8s.io", "mutatingwebhookconfigurations", "tentc", "get patch"),
    (SYSTEM, "", "secrets", "tentc-webhook-certs", "get update"),
}


def kustomize(c, folder):
    return list(yaml.safe_load_all(c.kubectl("kustomize", folder).stdout))


def find(objects, kind, name):
    found = [o for o in objects if o["kind"] == kind and o["metadata"]["name"] == name]
    equal(len(found), 1, f"the number of {kind} {name}")
    return found[0]


def overlay(*components):
    """A folder with an overlay: what a platform would have in its own repository."""
    folder = tempfile.mkdtemp(prefix="tentc-overlay.")
    with open(os.path.join(folder, "kustomization.yaml"), "w") as f:
        yaml.safe_dump({"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization",
                        "resources": [os.path.relpath(DEPLOY, folder)],
                        "components": [os.path.relpath(os.path.join(DEPLOY, c), folder) for c in components]}, f)
    return folder


def built(c, *components):
    folder = overlay(*components)
    try:
        return kustomize(c, folder)
    finally:
        os.unlink(os.path.join(folder, "kustomization.yaml"))
        os.rmdir(folder)


# --- what is written

def the_base(report, c):
    objects = kustomize(c, DEPLOY)
    with report.case("the configuration that is shipped is one that tentc accepts"):
        text = next(o for o in objects if o["metadata"]["name"].startswith("tentc-config-"))["data"]["config.yaml"]
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as f:
            f.write(text)
            f.flush()
            done = subprocess.run([os.path.join(BUILD, "tentc"), "compile", "--config", f.name,
                                   os.path.join(ROOT, "examples", "shop.yaml")], capture_output=True, text=True)
        equal(done.returncode, 0, f"the status ({done.stderr})")
    with report.case("the configuration that runs is the one with its hash in its name"):
        volumes = find(objects, "Deployment", "tentc")["spec"]["template"]["spec"]["volumes"]
        names = [o["metadata"]["name"] for o in objects if o["kind"] == "ConfigMap"]
        check(volumes[0]["configMap"]["name"] in names, f"{volumes} is none of {names}")
        check(re.fullmatch(r"tentc-config-[a-z0-9]+", volumes[0]["configMap"]["name"]), "it has no hash")
    with report.case("no caBundle, no URL and no secret value is rendered"):
        text = json.dumps(objects)
        for word in ("caBundle", '"url"', "stringData", "PRIVATE KEY"):
            check(word not in text, f"there is {word}")
        check("data" not in find(objects, "Secret", "tentc-webhook-certs"), "the Secret holds something")
    with report.case("the webhook calls the Service, and the Service finds the pods"):
        service = find(objects, "Service", "tentc")
        pods = find(objects, "Deployment", "tentc")["spec"]["template"]
        check(service["spec"]["selector"].items() <= pods["metadata"]["labels"].items(), "its selector selects others")
        ports = {p["name"]: p["containerPort"] for p in pods["spec"]["containers"][0]["ports"]}
        for webhook in find(objects, "MutatingWebhookConfiguration", "tentc")["webhooks"]:
            called = webhook["clientConfig"]["service"]
            equal((called["name"], called["namespace"], called["port"]), ("tentc", SYSTEM, 443), "what is called")
        equal(ports[service["spec"]["ports"][0]["targetPort"]], 8443, "the port of the pod")
    with report.case("each option in the arguments is one of tentc serve"):
        with open(os.path.join(ROOT, "cli", "cmd_serve.c")) as f:
            known = set(re.findall(r'\.name = "([a-z-]+)"', f.read()))
        for objects in (objects, built(c, "cert-manager")):
            args = find(objects, "Deployment", "tentc")["spec"]["template"]["spec"]["containers"][0]["args"]
            equal(args[0], "serve", "the command")
            for arg in args[1:]:
                check(arg.removeprefix("--").split("=")[0] in known, f"{arg} is not known")


def the_components(report, c):
    with report.case("cert-manager: its files, its injector, and no right to write"):
        objects = built(c, "cert-manager")
        args = find(objects, "Deployment", "tentc")["spec"]["template"]["spec"]["containers"][0]["args"]
        check("--cert-dir=/etc/tentc-tls" in args, "it does not read the files")
        for gone in ("--cert-secret", "--webhook", "--service"):
            check(not [a for a in args if a.startswith(gone)], f"{gone} is there still")
        webhook = find(objects, "MutatingWebhookConfiguration", "tentc")
        certificate = find(objects, "Certificate", "tentc-webhook")
        equal(webhook["metadata"]["annotations"]["cert-manager.io/inject-ca-from"], SYSTEM + "/tentc-webhook",
              "what is injected")
        check("tentc.tentacular-system.svc" in certificate["spec"]["dnsNames"], "the name that is called is not in it")
        spec = find(objects, "Deployment", "tentc")["spec"]["template"]["spec"]
        equal([v["secret"]["secretName"] for v in spec["volumes"] if "secret" in v],
              [certificate["spec"]["secretName"]], "the Secret that is mounted")
        verbs = {v for o in objects if o["kind"] in ("Role", "ClusterRole") for r in o["rules"] for v in r["verbs"]}
        equal(verbs, {"list", "watch"}, "what it may do")
        check(not [o for o in objects if o["kind"] == "Secret"], "there is a Secret still")
    with report.case("monitoring: every metric in an alert is one that tentc has, and may be scraped"):
        objects = built(c, "monitoring")
        with open(os.path.join(ROOT, "webhook", "metrics.c")) as f:
            known = set(re.findall(r'"(tentc_[a-z_]+)"', f.read()))
        rules = find(objects, "PrometheusRule", "tentc")["spec"]["groups"][0]["rules"]
        used = {m for rule in rules for m in re.findall(r"tentc_[a-z_]+", rule["expr"])}
        check(used, "no alert uses a metric")
        equal({m for m in used if m.removesuffix("_bucket") not in known}, set(), "what is unknown")
        ingress = find(objects, "NetworkPolicy", "tentc")["spec"]["ingress"]
        equal([r["ports"][0]["port"] for r in ingress], [8443, 9090], "the ports that are open")
        ports = find(objects, "Deployment", "tentc")["spec"]["template"]["spec"]["containers"][0]["ports"]
        check(find(objects, "PodMonitor", "tentc")["spec"]["podMetricsEndpoints"][0]["port"] in
              [p["name"] for p in ports], "the port that is scraped is none of the pod's")
    with report.case("controller: two replicas that lead in turn, restricted, with the configuration of admission"):
        objects = built(c, "controller")
        spec = find(objects, "Deployment", "tentc-controller")["spec"]
        equal(spec["replicas"], 2)
        pod = spec["template"]["spec"]
        config = find(objects, "Deployment", "tentc")["spec"]["template"]["spec"]["volumes"][0]["configMap"]["name"]
        equal([v["configMap"]["name"] for v in pod["volumes"] if "configMap" in v], [config], "the configuration")
        equal([v["secret"]["secretName"] for v in pod["volumes"] if "secret" in v], ["tentc-root-key"])
        equal(pod["containers"][0]["args"][:2], ["serve", "--controller"])
        secrets = [r for o in objects if o["kind"] in ("Role", "ClusterRole") and o["metadata"]["name"] ==
                   "tentc-controller" for r in o["rules"] if "secrets" in r["resources"]]
        equal([r["verbs"] for r in secrets], [["create", "patch", "deletecollection"]], "what it may do with Secrets")
    with report.case("the components go together"):
        built(c, "monitoring", "cert-manager", "controller")


def the_documented_overlay(report, c):
    with report.case("the overlay in docs/operations.md: its image, its configuration, all components"):
        with open(os.path.join(ROOT, "docs", "operations.md")) as f:
            text = re.search(r"^```yaml\n(.*?)^```$", f.read(), re.M | re.S).group(1)
        with tempfile.TemporaryDirectory() as folder:
            platform = os.path.join(folder, "platform")
            shutil.copytree(DEPLOY, os.path.join(folder, "deploy"))
            os.mkdir(platform)
            with open(os.path.join(platform, "kustomization.yaml"), "w") as f:
                f.write(text)
            with open(os.path.join(platform, "config.yaml"), "w") as f:
                f.write("kind: ExoskeletonConfig\n")
            objects = kustomize(c, platform)
        equal(find(objects, "Deployment", "tentc")["spec"]["template"]["spec"]["containers"][0]["image"],
              "registry.internal/tentc:0.1.0", "the image")
        equal([o["data"] for o in objects if o["metadata"]["name"].startswith("tentc-config-")],
              [{"config.yaml": "kind: ExoskeletonConfig\n"}], "the configuration")
        find(objects, "PrometheusRule", "tentc")
        find(objects, "Certificate", "tentc-webhook")


# --- what the API server says

def applied(report, c):
    with report.case("every object is accepted as it stands (--validate=strict, --dry-run=server)"):
        c.kubectl("apply", "-f", os.path.join(DEPLOY, "namespace.yaml"))
        said = c.kubectl("apply", "-k", DEPLOY, "--validate=strict", "--dry-run=server")
        equal(said.stderr, "", "what kubectl warns of")
    with report.case("kubectl apply -k"):
        said = c.kubectl("apply", "-k", DEPLOY, "--validate=strict")
        equal(said.stderr, "", "what kubectl warns of")
    with report.case("applying it again changes nothing, and leaves what tentc wrote"):
        c.api("PATCH", WEBHOOKS, [{"op": "add", "path": "/webhooks/0/clientConfig/caBundle", "value": "eA=="}],
              {"Content-Type": "application/json-patch+json"})
        c.api("PATCH", CERTIFICATE, {"data": {"ca.crt": "eA=="}},
              {"Content-Type": "application/merge-patch+json"})

        def kept():
            return c.api("GET", WEBHOOKS).json["webhooks"], c.api("GET", CERTIFICATE).json["data"]

        before = kept()
        for how in ((), ("--server-side", "--force-conflicts")):
            c.kubectl("apply", "-k", DEPLOY, *how)
            equal(kept(), before, "the webhook and the Secret")
        equal(before[0][0]["clientConfig"]["caBundle"], "eA==", "the caBundle")
        c.api("PATCH", WEBHOOKS, [{"op": "remove", "path": "/webhooks/0/clientConfig/caBundle"}],
              {"Content-Type": "application/json-patch+json"})


def pods_run_under(report, c):
    with report.case("Pod Security restricted: both replicas get their pods, with nothing to warn of"):
        pods = until(lambda: [p for p in c.api("GET", f"/api/v1/namespaces/{SYSTEM}/pods").json["items"]
                              if p["metadata"]["labels"].get("app.kubernetes.io/component") == "admission"][1:], 30,
                     "two pods")
        check(pods, "there are none")
        labels = c.api("GET", "/api/v1/namespaces/" + SYSTEM).json["metadata"]["labels"]
        equal(labels["pod-security.kubernetes.io/enforce"], "restricted", "what is enforced")
    with report.case("Pod Security restricted is enforced"):
        said = c.kubectl("run", "root", "--image=x", "-n", SYSTEM, check=False)
        check(said.returncode != 0 and 'violates PodSecurity "restricted:latest"' in said.stderr, said.stderr)
    with report.case("no pod but tentc's own gets a token, and that one is what it says"):
        account = c.api("GET", f"/api/v1/namespaces/{SYSTEM}/serviceaccounts/tentc-admission").json
        equal(account["automountServiceAccountToken"], False, "the account's default")
        spec = c.api("GET", f"/apis/apps/v1/namespaces/{SYSTEM}/deployments/tentc").json["spec"]["template"]["spec"]
        equal(spec["serviceAccountName"], "tentc-admission", "the pod's account")
        equal(spec["automountServiceAccountToken"], True, "the pod's choice")


def listed(c, namespace, *more):
    """What kubectl auth can-i --list says, as rows."""
    text = c.kubectl("auth", "can-i", "--list", "-n", namespace, *more).stdout
    rows = set()
    for line in text.splitlines()[1:]:
        found = re.fullmatch(r"(\S*)\s+\[(.*?)\]\s+\[(.*?)\]\s+\[(.*?)\]", line)
        if not found:
            raise Failed(f"cannot read {line!r}")
        rows.add(found.groups())
    return rows


def as_row(right):
    _, group, resource, names, verbs = right
    return (f"{resource}.{group}" if group else resource), "", names, verbs


def rights(report, c):
    c.kubectl("create", "serviceaccount", "nobody", "-n", SYSTEM)
    for namespace in (SYSTEM, "default"):
        with report.case(f"kubectl auth can-i --list in {namespace} is the table, no more, no less"):
            everybody = listed(c, namespace, f"--as=system:serviceaccount:{SYSTEM}:nobody")
            own = listed(c, namespace, "--as=" + ACCOUNT) - everybody
            equal(own, {as_row(r) for r in RIGHTS if r[0] in ("", namespace)}, "what it may do")
    with report.case("the table of docs/operations.md is the same"):
        with open(os.path.join(ROOT, "docs", "operations.md")) as f:
            text = f.read()
        table = text[text.index("| namespace | group | resource | names | verbs |"):].split("\n\n")[0]
        rows = [tuple(cell.strip(" `") for cell in line.strip("|").split("|")) for line in table.splitlines()[2:]]
        equal({tuple({"all": "", "core": ""}.get(cell, cell) for cell in row) for row in rows}, RIGHTS, "the table")
        equal(len(rows), len(RIGHTS), "the number of rows")


def types(report, c):
    c.kubectl("apply", "-f", "-", input=json.dumps({
        "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": "wrong"}, "spec": {
            "matchConstraints": {"resourceRules": [{"apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"],
                                                    "operations": ["CREATE"]}]},
            "validations": [{"expression": "object.spec.nonsense == 1"}]}}))
    def checked(name):
        """Its status, when the controller has looked at it as it is."""
        def status():
            policy = c.api("GET", "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies/" + name).json
            found = policy.get("status", {})
            return found if found.get("observedGeneration") == policy["metadata"]["generation"] else None
        return until(status, 30, f"the types of {name} are checked")["typeChecking"]

    with report.case("a wrong type in a policy is seen"):
        contains(checked("wrong")["expressionWarnings"][0]["warning"], "undefined field 'nonsense'", "the warning")
    for name in ("tentc-reserved-labels", "tentc-secrets", "tentc-identities"):
        with report.case(f"the types of {name} are right"):
            equal(checked(name), {}, "what is wrong")


# --- without anybody who answers

def deployment(name):
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": {
        "replicas": 0, "selector": {"matchLabels": {"a": name}}, "template": {
            "metadata": {"labels": {"a": name}}, "spec": {"containers": [{"name": "c", "image": "i"}]}}}}


def scaled_to_zero(report, c):
    """The API server here cannot reach a Service, which is what it is like when no replica runs."""
    c.kubectl("scale", "deployment/tentc", "--replicas=0", "-n", SYSTEM)
    c.namespace("enclave")
    paths = {ns: f"/apis/apps/v1/namespaces/{ns}/deployments" for ns in ("enclave", "default", SYSTEM)}
    for name in ("before", "owned"):
        o = deployment(name)
        o["metadata"]["finalizers"] = ["example.com/stays"]
        equal(c.api("POST", paths["enclave"], o).status, 201, "the status before it is an enclave")
    c.kubectl("label", "namespace", "enclave", "tentacular.io/enclave=true")
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "code"},
              "data": {"workflow.yaml": "name: a\n"}}
    patch = {"Content-Type": "application/merge-patch+json"}
    with report.case("nobody answers: an enclave refuses workloads and contracts"):
        until(lambda: c.api("POST", paths["enclave"] + "?dryRun=All", deployment("new")).status == 500, 20, "a refusal")
        answer = c.api("POST", paths["enclave"], deployment("new"))
        contains(answer.json["message"], 'failed calling webhook "workloads.tentacular.io"', "the message")
        answer = c.api("POST", "/api/v1/namespaces/enclave/configmaps", config)
        contains(answer.json["message"], 'failed calling webhook "contracts.tentacular.io"', "the message")
    with report.case("nobody answers: what has no contract, scale, status, and deleting go on"):
        config["data"] = {"other.yaml": "a: b\n"}
        equal(c.api("POST", "/api/v1/namespaces/enclave/configmaps", config).status, 201, "the status of a ConfigMap")
        equal(c.api("PATCH", paths["enclave"] + "/before/scale", {"spec": {"replicas": 1}}, patch).status, 200,
              "the status of scale")
        until(lambda: c.api("GET", "/api/v1/namespaces/enclave/pods").json["items"], 30, "a pod of a ReplicaSet")
        equal(c.api("DELETE", paths["enclave"] + "/before").status, 200, "the status of deleting")
        equal(c.api("PATCH", paths["enclave"] + "/before", {"metadata": {"finalizers": None}}, patch).status, 200,
              "the status of taking the finalizer off")
    for ns in ("default", SYSTEM):
        with report.case(f"nobody answers: {ns} goes on"):
            equal(c.api("POST", paths[ns], deployment("other")).status, 201, "the status")
    with report.case("nobody answers: tentc itself comes back"):
        c.kubectl("label", "namespace", SYSTEM, "tentacular.io/enclave=true")
        c.kubectl("scale", "deployment/tentc", "--replicas=2", "-n", SYSTEM)
        c.kubectl("rollout", "restart", "deployment/tentc", "-n", SYSTEM)
        c.kubectl("label", "namespace", SYSTEM, "tentacular.io/enclave-")
    with report.case("break-glass: without the webhook, enclaves go on"):
        c.kubectl("delete", "mutatingwebhookconfiguration", "tentc")
        until(lambda: c.api("POST", paths["enclave"] + "?dryRun=All", deployment("new")).status == 201, 20,
              "it is admitted")
    with report.case("kubectl delete -k"):
        c.kubectl("delete", "-k", DEPLOY, "--ignore-not-found", "--wait=false")
        equal(c.api("GET", "/apis/rbac.authorization.k8s.io/v1/clusterroles/tentc-admission").status, 404, "the status")


def main():
    report = Report()
    try:
        with Cluster(controllers=True) as c:
            the_base(report, c)
            the_components(report, c)
            the_documented_overlay(report, c)
            applied(report, c)
            pods_run_under(report, c)
            rights(report, c)
            types(report, c)
            scaled_to_zero(report, c)
    except NoPrograms as e:
        report.skip("deploy", str(e))
    report.skip("probes, drain, eviction, NetworkPolicy of the deployment", "needs a kubelet and a network of pods")
    report.skip("the image of deploy/Dockerfile", "needs a container runtime")
    return report.end()


if __name__ == "__main__":
    sys.exit(main())
