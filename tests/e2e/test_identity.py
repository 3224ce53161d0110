#!/usr/bin/env python3
"""test_identity.py - one tenant takes another's identity, in each way that is known: each is refused, says why, and
would have succeeded without the policy. Honest workloads of each kind go through untouched meanwhile.

The thief is an ordinary user with the role `edit` in the enclave. Where a way needs more than that, the thief is given
just that more: the policies do not count on RBAC.
"""

import copy
import json
import os
import re
import subprocess
import sys

from cluster import Cluster, NoPrograms
from report import Report, check, contains, equal, until
from served import DEPLOY

BUILD = sys.argv[1]
RELEASE, EXOSKELETON = "tentacular.io/release", "tentacular.io/exoskeleton"
PREFIX = "tentacular-exoskeleton-"
LABELS, SECRETS, IDENTITIES = "tentc-reserved-labels", "tentc-secrets", "tentc-identities"
THIEF = {"Impersonate-User": "mallory", "Impersonate-Group": "system:authenticated"}
MERGE = {"Content-Type": "application/merge-patch+json"}
STRATEGIC = {"Content-Type": "application/strategic-merge-patch+json"}
PLURALS = {"Pod": "pods", "PodTemplate": "podtemplates", "ReplicationController": "replicationcontrollers",
           "Deployment": "deployments", "ReplicaSet": "replicasets", "StatefulSet": "statefulsets",
           "DaemonSet": "daemonsets", "ControllerRevision": "controllerrevisions", "Job": "jobs",
           "CronJob": "cronjobs", "Secret": "secrets", "ConfigMap": "configmaps"}
VERSIONS = {"Job": "batch/v1", "CronJob": "batch/v1", "Pod": "v1", "PodTemplate": "v1", "ReplicationController": "v1",
            "Secret": "v1", "ConfigMap": "v1"}

# The kind that SPIRE's controller-manager has, as far as it matters here.
CRD = {
    "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
    "metadata": {"name": "clusterspiffeids.spire.spiffe.io"},
    "spec": {
        "group": "spire.spiffe.io", "scope": "Cluster",
        "names": {"kind": "ClusterSPIFFEID", "listKind": "ClusterSPIFFEIDList", "plural": "clusterspiffeids",
                  "singular": "clusterspiffeid"},
        "versions": [{
            "name": "v1alpha1", "served": True, "storage": True, "subresources": {"status": {}},
            "schema": {"openAPIV3Schema": {
                "type": "object",
                "properties": {
                    "spec": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
                    "status": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}}}}]},
}


# --- objects

def version(kind):
    return VERSIONS.get(kind, "apps/v1")


def path(ns, kind, name=""):
    v = version(kind)
    root = "/api/v1" if v == "v1" else "/apis/" + v
    return f"{root}/namespaces/{ns}/{PLURALS[kind]}" + ("/" + name if name else "")


def pod_spec(**more):
    spec = {"containers": [{"name": "c", "image": "registry.example.com/app:v1"}]}
    spec.update(copy.deepcopy(more))
    return spec


def workload(kind, name, labels=None, **more):
    """labels: of its pods, besides `app`. more: of the pod's spec."""
    o = {"apiVersion": version(kind), "kind": kind, "metadata": {"name": name}}
    t = {"metadata": {"labels": {"app": name, **(labels or {})}}, "spec": pod_spec(**more)}
    if kind == "Pod":
        o["metadata"]["labels"] = t["metadata"]["labels"]
        o["spec"] = t["spec"]
    elif kind == "PodTemplate":
        o["template"] = t
    elif kind in ("Job", "CronJob"):
        t["spec"]["restartPolicy"] = "Never"
        o["spec"] = {"template": t}
        if kind == "CronJob":
            o["spec"] = {"schedule": "* * * * *", "jobTemplate": {"spec": {"template": t}}}
    elif kind == "ControllerRevision":
        o["revision"], o["data"] = 1, {"spec": {"template": t}}
    else:
        selector = {"app": name}
        o["spec"] = {"selector": selector if kind == "ReplicationController" else {"matchLabels": selector},
                     "template": t}
        if kind in ("ReplicaSet", "ReplicationController", "Deployment"):
            o["spec"]["replicas"] = 0
        if kind == "StatefulSet":
            o["spec"].update(serviceName=name, podManagementPolicy="Parallel", replicas=0)
    return o


def compiled(ns, kind, name, **spec):
    """What `tentc compile` makes of a workload with a contract: the workload, its Secret and its NetworkPolicy."""
    o = workload(kind, name)
    o["metadata"].update(namespace=ns, annotations={
        "tentacular.io/contract": 'version: "1"\ndependencies:\n  tentacular-postgres:\n'})
    o["spec"].update(spec)
    done = subprocess.run([os.path.join(BUILD, "tentc"), "compile", "-"], input=json.dumps(o), capture_output=True,
                          text=True)
    equal(done.returncode, 0, "the status of tentc compile (" + done.stderr + ")")
    return done.stdout


def owned(o, kind, by):
    o["metadata"]["ownerReferences"] = [{"apiVersion": version(kind), "kind": kind, "name": by["metadata"]["name"],
                                         "uid": by["metadata"]["uid"], "controller": True}]
    return o


# --- an enclave with a victim, and what the thief has there

class Scene:
    def __init__(self, c, ns):
        self.c, self.ns = c, ns
        c.namespace(ns, {"tentacular.io/enclave": "true"})
        c.api("POST", f"/apis/rbac.authorization.k8s.io/v1/namespaces/{ns}/rolebindings", {
            "metadata": {"name": "mallory-edits"}, "subjects": [{"kind": "User", "name": "mallory"}],
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "edit"}})
        c.api("POST", f"/apis/rbac.authorization.k8s.io/v1/namespaces/{ns}/rolebindings", {
            "metadata": {"name": "mallory-has-more"}, "subjects": [{"kind": "User", "name": "mallory"}],
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "more-than-edit"}})
        for name in ("victim", "mine"):
            c.kubectl("apply", "-f", "-", "--as=mallory", input=compiled(ns, "Deployment", name, replicas=1))
        until(lambda: len(self.pods("victim")) == 1 and len(self.pods("mine")) == 1, 30, f"the pods of {ns}")
        check(self.post(workload("Pod", "plain")).status == 201, "a Pod without our labels is refused")
        check(self.post(workload("Pod", "single", {RELEASE: "single"})).status == 201, "a Pod of its own name")
        check(self.post(workload("Deployment", "bare")).status == 201, "a Deployment without our labels is refused")

    def post(self, o):
        return self.c.api("POST", path(self.ns, o["kind"]), o, THIEF)

    def patch(self, kind, name, patch, how=MERGE, sub=""):
        return self.c.api("PATCH", path(self.ns, kind, name) + sub, patch, {**THIEF, **how})

    def get(self, kind, name):
        return self.c.api("GET", path(self.ns, kind, name)).json

    def pods(self, release):
        answer = self.c.api("GET", path(self.ns, "Pod") + f"?labelSelector=tentacular.io%2Frelease%3D{release}")
        return answer.json["items"]

    def replicaset(self, deployment):
        """The first that it owns."""
        def found():
            items = self.c.api("GET", path(self.ns, "ReplicaSet")).json["items"]
            return next((o for o in items if deployment in
                         [owner["name"] for owner in o["metadata"].get("ownerReferences", [])]), None)
        return until(found, 30, f"a ReplicaSet of {deployment}")

    def revisions(self, workload):
        """The ControllerRevisions that it owns."""
        items = self.c.api("GET", path(self.ns, "ControllerRevision")).json["items"]
        return [o for o in items if workload in
                [owner["name"] for owner in o["metadata"].get("ownerReferences", [])]]

    def pod(self, release):
        return self.pods(release)[0]["metadata"]["name"]


# --- ways to take a label; each returns the API server's answer

STOLEN = {RELEASE: "victim"}


def new(kind, name, labels=None, **more):
    return lambda s: s.post(workload(kind, name, STOLEN if labels is None else labels, **more))


def change(kind, name, labels, sub=""):
    """Labels of a Pod, or of a template. name: a function of the scene, or a text."""
    def act(s):
        patch = {"metadata": {"labels": labels}}
        if kind != "Pod":
            patch = {"spec": {"template": patch}}
        return s.patch(kind, name(s) if callable(name) else name, patch, sub=sub)
    return act


def forged_pod(name, labels):
    return lambda s: s.post(owned(workload("Pod", name, labels), "ReplicaSet", s.replicaset("victim")))


def forged_job(s):
    cron = s.post(workload("CronJob", "mallorys"))
    equal(cron.status, 201, "the status of a CronJob of the thief's own")
    return s.post(owned(workload("Job", "mallorys-1", STOLEN), "CronJob", cron.json))


def forged_ownership_first(s):
    # Owned by what no controller lets go again.
    owner = s.post({"kind": "ConfigMap", "metadata": {"name": "mallorys"}}).json
    made = s.post(owned(workload("ReplicaSet", "mallorys"), "ConfigMap", owner))
    equal(made.status, 201, "the status of a ReplicaSet without our labels")
    return s.patch("ReplicaSet", "mallorys", {"spec": {"template": {"metadata": {"labels": STOLEN}}}})


def bound(plural):
    def act(s):
        name = "unbound-" + plural.replace("/", "-")
        equal(s.post(workload("Pod", name)).status, 201, "the status of a Pod without our labels")
        to = path(s.ns, "Pod", name) + "/binding" if "/" in plural else f"/api/v1/namespaces/{s.ns}/bindings"
        return s.c.api("POST", to, {"apiVersion": "v1", "kind": "Binding", "metadata": {"name": name, "labels": STOLEN},
                                    "target": {"kind": "Node", "name": "node-1"}}, THIEF)
    return act


def while_deleted(s):
    """What is being deleted does not reach the webhook, which would refuse a second workload named victim."""
    o = workload("StatefulSet", "victim")
    o["metadata"]["finalizers"] = ["example.com/stays"]
    equal(s.post(o).status, 201, "the status of a StatefulSet without our labels")
    s.c.api("DELETE", path(s.ns, "StatefulSet", "victim"), headers=THIEF)
    return s.patch("StatefulSet", "victim", {"spec": {"template": {"metadata": {"labels": STOLEN}}}})


def suspended_job(s):
    """A Job that is suspended may change its template's labels; here one that a CronJob's controller would own."""
    cron = s.post(workload("CronJob", "suspended")).json
    job = owned(workload("Job", "suspended-1"), "CronJob", cron)
    job["spec"]["suspend"] = True
    equal(s.post(job).status, 201, "the status of a Job without our labels")
    return s.patch("Job", "suspended-1", {"spec": {"template": {"metadata": {"labels": STOLEN}}}})


def spelled(name, template, metadata):
    """A ControllerRevision with keys that Go's JSON reads as if they were `template`, `metadata` and `labels`."""
    def act(s):
        o = workload("ControllerRevision", name)
        o["data"]["spec"] = {template: {**o["data"]["spec"]["template"], metadata[0]: {metadata[1]: STOLEN}}}
        if metadata[0] != "metadata":
            del o["data"]["spec"][template]["metadata"]
        return s.post(o)
    return act


def revision(s):
    """The ControllerRevision of a StatefulSet of the thief's own."""
    s.post(workload("StatefulSet", "revised"))
    return until(lambda: s.revisions("revised"), 30, "a ControllerRevision of revised")[0]["metadata"]["name"]


def revised(metadata):
    return lambda s: s.patch("ControllerRevision", revision(s), {"metadata": metadata})


DENIED = ": ValidatingAdmissionPolicy '%s' with binding '%s' denied request: "
ELSEWHERE = ", tentc sets it where it belongs"
OWN = (" (an own name is for Pods, Deployments, StatefulSets, DaemonSets, Jobs and CronJobs that have no controller "
       "and no dot in it)")


def takes(kind, name, release="victim", end=ELSEWHERE):
    return (DENIED % (LABELS, LABELS) + f"{kind} {name} would give pods the label tentacular.io/release: {release}, "
            f"which is the identity of the workload {release}: remove the label{end}")


def stays(kind, name, old, new_release):
    return (DENIED % (LABELS, LABELS) + "the labels tentacular.io/release and tentacular.io/exoskeleton of "
            f"{kind} {name} are its identity and cannot change (release was {old}, would be {new_release}): "
            "change the workload that made it")


def keeps(name):
    return (DENIED % (LABELS, LABELS) + f"ControllerRevision {name} keeps a template that pods are made from, and mallory "
            "is none of the controllers that may write it: change the workload, whose controller keeps its revisions, "
            "or see controllers in ConfigMap tentacular-system/tentc-policy")


# What the thief does, how, and what follows "<resource> "<name>" is forbidden" (a function: of the scene).
LABEL_THEFTS = [
    ("a bare Pod", new("Pod", "thief-pod"), takes("Pod", "thief-pod")),
    ("a ReplicaSet", new("ReplicaSet", "thief"), takes("ReplicaSet", "thief")),
    ("a ReplicaSet of the victim's name", new("ReplicaSet", "victim"), takes("ReplicaSet", "victim", end=OWN)),
    ("a ReplicationController", new("ReplicationController", "thief"), takes("ReplicationController", "thief")),
    ("a ReplicationController of the victim's name", new("ReplicationController", "victim"),
     takes("ReplicationController", "victim", end=OWN)),
    ("a PodTemplate", new("PodTemplate", "thief"), takes("PodTemplate", "thief")),
    ("a ControllerRevision", new("ControllerRevision", "thief"), keeps("thief")),
    ("a ControllerRevision with Metadata", spelled("thief-m", "template", ("Metadata", "labels")), keeps("thief-m")),
    ("a ControllerRevision with Labels", spelled("thief-l", "template", ("metadata", "Labels")), keeps("thief-l")),
    ("a ControllerRevision with Template", spelled("thief-t", "Template", ("metadata", "labels")), keeps("thief-t")),
    ("other labels of a ControllerRevision", revised({"labels": {"app": "thief"}}), lambda s: keeps(revision(s))),
    ("a ControllerRevision without its owner", revised({"ownerReferences": None}), lambda s: keeps(revision(s))),
    *[(f"a {kind} of another name", new(kind, "thief"), takes(kind, "thief"))
      for kind in ("Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob")],
    ("a Deployment that gets the label later", change("Deployment", "bare", STOLEN), takes("Deployment", "bare")),
    ("a name that ends like the name of a Secret", new("Pod", "victim.0123abcd", {RELEASE: "victim.0123abcd"}),
     takes("Pod", "victim.0123abcd", "victim.0123abcd", OWN)),
    ("a forged ownerReference of a Pod", forged_pod("thief-owned", STOLEN), takes("Pod", "thief-owned")),
    ("a forged ownerReference that keeps the webhook away", forged_pod("victim", STOLEN),
     takes("Pod", "victim", end=OWN)),
    ("a forged ownerReference of a Job", forged_job, takes("Job", "mallorys-1")),
    ("a forged ownerReference first, the label later", forged_ownership_first,
     stays("ReplicaSet", "mallorys", "absent", "victim")),
    ("a workload of the victim's name that is being deleted", while_deleted, takes("StatefulSet", "victim", end=OWN)),
    ("the template of a suspended Job", suspended_job, stays("Job", "suspended-1", "absent", "victim")),
    ("kubectl label pod", change("Pod", lambda s: s.pod("mine"), STOLEN),
     lambda s: stays("Pod", s.pod("mine"), "mine", "victim")),
    ("a label on a Pod that had none", change("Pod", "plain", STOLEN),
     stays("Pod", "plain", "absent", "victim")),
    ("a Pod that escapes its NetworkPolicy", change("Pod", "single", {RELEASE: None}),
     stays("Pod", "single", "single", "absent")),
    ("labels by way of a Pod's status", change("Pod", "plain", STOLEN, "/status"),
     stays("Pod", "plain", "absent", "victim")),
    ("labels by way of a Binding of a Pod", bound("pods/binding"), takes("Binding", "unbound-pods-binding")),
    ("labels by way of a Binding", bound("bindings"), takes("Binding", "unbound-bindings")),
    ("the template of a ReplicaSet that a Deployment owns",
     change("ReplicaSet", lambda s: s.replicaset("bare")["metadata"]["name"], STOLEN),
     lambda s: stays("ReplicaSet", s.replicaset("bare")["metadata"]["name"], "absent", "victim")),
    ("the mark of a ReplicaSet that a Deployment owns",
     change("ReplicaSet", lambda s: s.replicaset("mine")["metadata"]["name"], {EXOSKELETON: None}),
     lambda s: stays("ReplicaSet", s.replicaset("mine")["metadata"]["name"], "mine", "mine")),
]


# --- ways to read a Secret

VICTIMS = PREFIX + "victim"


def container(name="c", **more):
    return {"name": name, "image": "registry.example.com/app:v1", **more}


def env(secret):
    return [{"name": "P", "valueFrom": {"secretKeyRef": {"name": secret, "key": "tentacular-postgres.password"}}}]


def volume(secret):
    return [{"name": "v", "secret": {"secretName": secret}}]


def ephemeral(s):
    return s.patch("Pod", s.pod("mine"), {"spec": {"ephemeralContainers": [container("debug", env=env(VICTIMS))]}},
                   STRATEGIC, "/ephemeralcontainers")


def names(kind, name, secret=VICTIMS, release=""):
    return (DENIED % (SECRETS, SECRETS) + f"{kind} {name} names the Secret {secret}, which holds the "
            "credentials of another release; "
            + (f"pods of release {release} may name only {PREFIX}{release}" if release
               else "pods without the label tentacular.io/release may name none of these")
            + ": remove the reference, tentc mounts what the contract asks for")


def reads(what, name, kind="Pod", secret=VICTIMS, labels=None, release="", **more):
    return what, new(kind, name, labels or {}, **more), names(kind, name, secret, release)


SECRET_THEFTS = [
    reads("a volume", "by-volume", volumes=volume(VICTIMS)),
    reads("a projected volume", "by-projection", volumes=[
        {"name": "v", "projected": {"sources": [{"configMap": {"name": "x"}}, {"secret": {"name": VICTIMS}}]}}]),
    reads("a variable", "by-env", containers=[container(), container("d", env=env(VICTIMS))]),
    reads("envFrom", "by-env-from", containers=[container(envFrom=[{"secretRef": {"name": VICTIMS}}])]),
    reads("a variable of an init container", "by-init-env", initContainers=[container("i", env=env(VICTIMS))]),
    reads("envFrom of an init container", "by-init-env-from",
          initContainers=[container("i", envFrom=[{"secretRef": {"name": VICTIMS}}])]),
    ("an ephemeral container", ephemeral, lambda s: names("Pod", s.pod("mine"), release="mine")),
    reads("what a CSI driver is handed", "by-csi", volumes=[
        {"name": "v", "csi": {"driver": "s3.example.com", "nodePublishSecretRef": {"name": VICTIMS}}}]),
    reads("what a flexible volume is handed", "by-flex", volumes=[
        {"name": "v", "flexVolume": {"driver": "example.com/s3", "secretRef": {"name": VICTIMS}}}]),
    reads("what OpenStack's driver is handed", "by-cinder", volumes=[
        {"name": "v", "cinder": {"volumeID": "x", "secretRef": {"name": VICTIMS}}}]),
    reads("imagePullSecrets", "by-pull", imagePullSecrets=[{"name": VICTIMS}]),
    reads("the Secret of an epoch", "by-epoch", secret=VICTIMS + ".0123abcd", volumes=volume(VICTIMS + ".0123abcd")),
    reads("a release whose name begins the victim's", "vict", secret=VICTIMS, labels={RELEASE: "vict"}, release="vict",
          volumes=volume(VICTIMS)),
    reads("a release of its own", "own", labels={RELEASE: "own"}, release="own",
          volumes=volume(PREFIX + "own") + [{"name": "w", "secret": {"secretName": VICTIMS}}]),
    *[reads(f"the template of a {kind}", "by-template", kind, volumes=volume(VICTIMS))
      for kind in ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "ReplicationController", "Job", "CronJob",
                   "PodTemplate")],
    ("the template of a Deployment, later",
     lambda s: s.patch("Deployment", "bare", {"spec": {"template": {"spec": {"volumes": volume(VICTIMS)}}}}),
     names("Deployment", "bare")),
]


# --- identities of SPIRE

SPIFFE = "/apis/spire.spiffe.io/v1alpha1/clusterspiffeids"


def spiffe(name, path_of="shop/wf/mallory"):
    return {"apiVersion": "spire.spiffe.io/v1alpha1", "kind": "ClusterSPIFFEID", "metadata": {"name": name},
            "spec": {"spiffeIDTemplate": "spiffe://tentacular.local/ns/" + path_of,
                     "podSelector": {"matchLabels": {"app": "mallorys"}}}}


def writes(name):
    return (DENIED % (IDENTITIES, IDENTITIES) + f"ClusterSPIFFEID {name} hands out the identity of a tentacle, and "
            "mallory is none of those who may write it: choose a name that does not begin with tentacular., or see "
            "identityWriters in ConfigMap tentacular-system/tentc-policy")


IDENTITY_THEFTS = [
    ("a new ClusterSPIFFEID", lambda s: s.c.api("POST", SPIFFE, spiffe(f"tentacular.{s.ns}.thief"), THIEF),
     lambda s: writes(f"tentacular.{s.ns}.thief")),
    ("the selector of tentc's ClusterSPIFFEID",
     lambda s: s.c.api("PATCH", SPIFFE + "/tentacular.shop.victim",
                       {"spec": {"podSelector": {"matchLabels": {"app": s.ns}}}}, {**THIEF, **MERGE}),
     writes("tentacular.shop.victim")),
]

THEFTS = {LABELS: LABEL_THEFTS, SECRETS: SECRET_THEFTS, IDENTITIES: IDENTITY_THEFTS}


# --- what is tested

def apply_policies(c):
    c.kubectl("apply", "-k", DEPLOY)
    # Nothing answers here, and the policies have to do without.
    c.kubectl("delete", "mutatingwebhookconfiguration", "tentc")
    c.api("POST", "/apis/rbac.authorization.k8s.io/v1/clusterroles", {
        "metadata": {"name": "more-than-edit"},
        "rules": [
            {"apiGroups": [""], "verbs": ["*"],
             "resources": ["pods/status", "pods/ephemeralcontainers", "pods/binding", "bindings", "podtemplates"]},
            {"apiGroups": ["apps"], "resources": ["controllerrevisions"], "verbs": ["*"]}]})
    c.api("POST", "/apis/rbac.authorization.k8s.io/v1/clusterroles", {
        "metadata": {"name": "identities"},
        "rules": [{"apiGroups": ["spire.spiffe.io"], "resources": ["clusterspiffeids"], "verbs": ["*"]}]})
    c.api("POST", "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", {
        "metadata": {"name": "identities"},
        "subjects": [{"kind": "User", "name": "mallory"},
                     {"kind": "ServiceAccount", "name": "tentc-controller", "namespace": "tentacular-system"}],
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "identities"}})
    c.api("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", CRD)
    until(lambda: c.api("GET", SPIFFE).status == 200, 20, "the kind ClusterSPIFFEID")


def refused(c, ns):
    """Of each policy, whether it works now."""
    dry = "?dryRun=All"
    return {
        LABELS: c.api("POST", path(ns, "Pod") + dry, workload("Pod", "probe", {RELEASE: "probed"})).status == 403,
        SECRETS: c.api("POST", path(ns, "Pod") + dry,
                       workload("Pod", "probe", volumes=volume(PREFIX + "probed"))).status == 403,
        IDENTITIES: c.api("POST", SPIFFE + dry, spiffe("tentacular.probe")).status == 403,
    }


# A file of the node's, which holds a key of Ceph's.
NO_SECRET = {("volumes", "[]", "cephfs", "secretFile")}


def references(schemas, name, at=()):
    """Every way in which a schema names a Secret: the properties to go through, "[]" for each item of a list."""
    for key, p in schemas[name].get("properties", {}).items():
        path, of = at + (key,), p
        if p.get("type") == "array":
            path, of = path + ("[]",), p["items"]
        ref = of.get("$ref") or next((r["$ref"] for r in of.get("allOf", []) if "$ref" in r), None)
        if ref:
            yield from references(schemas, ref.split("/")[-1], path)
        elif of.get("type") == "string" and ("secret" in key.lower() or
                                             key == "name" and any("secret" in k.lower() for k in at)):
            yield path


def every_reference_is_known(report, c):
    with report.case("tentc-secrets knows each way in which this version of Kubernetes lets a pod name a Secret"):
        found = set(references(c.api("GET", "/openapi/v3/api/v1").json["components"]["schemas"],
                               "io.k8s.api.core.v1.PodSpec")) - NO_SECRET
        check({("volumes", "[]", "secret", "secretName"), ("imagePullSecrets", "[]", "name"),
               ("initContainers", "[]", "env", "[]", "valueFrom", "secretKeyRef", "name")} <= found, f"only {found}")
        with open(os.path.join(DEPLOY, "policy-secrets.yaml")) as f:
            text = f.read()
        # As it is written there: .?volumes, and of each v.?cinder.?secretRef.?name.
        parts = {"." + part.strip(".") for way in found for part in
                 ".".join("[]" if k == "[]" else "?" + k for k in way).split("[]")}
        missing = sorted(part for part in parts if not re.search(re.escape(part) + r"\b", text))
        equal(missing, [], "what it does not look at")


def thefts_are_refused(report, s, said):
    for policy, thefts in THEFTS.items():
        for what, act, message in thefts:
            with report.case(f"{policy} refuses {what}"):
                want = message(s) if callable(message) else message
                answer = act(s)
                equal(answer.status, 403, "the status")
                contains(answer.json["message"], want, "the message")
                check(answer.json["message"].endswith(want), "more follows: " + answer.json["message"])
                said.add(answer.json["message"])


def documented(report, said):
    """Each message in docs/security.md is one that somebody got."""
    with open(os.path.join(os.path.dirname(DEPLOY), "docs", "security.md")) as f:
        shown = [" ".join(block.split()) for block in re.findall(r"^```text\n(.*?)^```$", f.read(), re.M | re.S)]
    with report.case("the messages in docs/security.md are real"):
        check(shown, "there is none")
        equal([m for m in shown if m not in said], [], "what nobody got")


def thefts_succeed_without(report, s, policy):
    for what, act, _ in THEFTS[policy]:
        with report.case(f"without {policy}: {what} succeeds"):
            answer = act(s)
            check(answer.status in (200, 201), f"{answer.status}: {answer.json.get('message')}")
    if policy == LABELS:
        with report.case("without tentc-reserved-labels: a name like that of a Secret still opens none"):
            o = workload("Pod", "victim.0123ab", {RELEASE: "victim.0123ab"}, volumes=volume(VICTIMS + ".0123ab"))
            contains(s.post(o).text, names("Pod", "victim.0123ab", VICTIMS + ".0123ab", "victim.0123ab"), "the answer")
        with report.case("without tentc-reserved-labels: pods have the victim's label"):
            stolen = {o["metadata"]["name"] for o in s.pods("victim")}
            for name in ("thief-pod", "thief-owned", "plain", "unbound-bindings", "unbound-pods-binding"):
                check(name in stolen, f"{name} is not among {sorted(stolen)}")


def honest_workloads(report, s):
    c, ns = s.c, s.ns

    def apply(kind, name, **spec):
        c.kubectl("apply", "--as=mallory", "-f", "-", input=compiled(ns, kind, name, **spec))

    with report.case("a CronJob is admitted"):
        apply("CronJob", "cron", schedule="* * * * *")
    with report.case("a Deployment makes its pods, and rolls out"):
        apply("Deployment", "web", replicas=2)
        until(lambda: len(s.pods("web")) == 2, 30, "2 pods of web")
        first = s.replicaset("web")["metadata"]["name"]
        c.kubectl("set", "image", "deployment/web", "*=registry.example.com/app:v2", "-n", ns, "--as=mallory")
        until(lambda: any(o["metadata"]["ownerReferences"][0]["name"] != first for o in s.pods("web")), 30,
              "a pod of the second ReplicaSet")
        c.kubectl("scale", "deployment/web", "--replicas=3", "-n", ns, "--as=mallory")
        c.kubectl("rollout", "undo", "deployment/web", "-n", ns, "--as=mallory")
        until(lambda: len([o for o in s.pods("web") if o["metadata"]["ownerReferences"][0]["name"] == first]) >= 2, 30,
              "the pods of the first ReplicaSet")
    with report.case("a StatefulSet makes its pods"):
        apply("StatefulSet", "store", replicas=2)
        until(lambda: {"store-0", "store-1"} <= {o["metadata"]["name"] for o in s.pods("store")}, 30, "2 pods of store")
    with report.case("a DaemonSet makes a pod for each node"):
        apply("DaemonSet", "agent")
        until(lambda: len(s.pods("agent")) == 1, 30, "1 pod of agent")
    for kind, name in (("StatefulSet", "store"), ("DaemonSet", "agent")):
        with report.case(f"a {kind} keeps its revisions, rolls out and back, and finds them again when it was orphaned"):
            until(lambda: len(s.revisions(name)) == 1, 30, f"a ControllerRevision of {name}")
            c.kubectl("set", "image", f"{kind}/{name}", "*=registry.example.com/app:v2", "-n", ns, "--as=mallory")
            until(lambda: len(s.revisions(name)) == 2, 30, f"a second ControllerRevision of {name}")
            c.kubectl("rollout", "undo", f"{kind}/{name}", "-n", ns, "--as=mallory")
            until(lambda: max(o["revision"] for o in s.revisions(name)) == 3, 30, f"the third revision of {name}")
            c.kubectl("annotate", "controllerrevision", s.revisions(name)[0]["metadata"]["name"], "why=noted", "-n", ns)
            c.kubectl("delete", kind, name, "--cascade=orphan", "-n", ns, "--as=mallory", "--timeout=30s")
            equal(s.revisions(name), [], "what it owns still")
            apply(kind, name)
            until(lambda: len(s.revisions(name)) == 2, 30, f"both ControllerRevisions of {name}")
    with report.case("a Job makes its pod"):
        apply("Job", "once")
        until(lambda: len(s.pods("once")) == 1, 30, "1 pod of once")
    with report.case("a Pod by itself is admitted"):
        apply("Pod", "alone")
        check(len(s.pods("alone")) == 1, "there is none")
    with report.case("a workload gets the label, and loses it again"):
        equal(s.patch("Deployment", "bare", {"spec": {"template": {"metadata": {"labels": {RELEASE: "bare"}}}}}).status,
              200, "the status of getting it")
        equal(s.patch("Deployment", "bare", {"spec": {"template": {"metadata": {"labels": {RELEASE: None}}}}}).status,
              200, "the status of losing it")
    with report.case("other labels of a pod, its status and its binding are its tenant's and the node's"):
        name = s.pod("mine")
        equal(s.patch("Pod", name, {"metadata": {"labels": {"colour": "blue"}}}).status, 200, "the status of a label")
        equal(s.patch("Pod", name, {"status": {"message": "fine"}}, sub="/status").status, 200, "that of a status")
        equal(c.api("POST", path(ns, "Pod", name) + "/binding", {
            "apiVersion": "v1", "kind": "Binding", "metadata": {"name": name},
            "target": {"kind": "Node", "name": "node-1"}}).status, 201, "that of a Binding")
        shell = container("shell", env=env(PREFIX + "mine"), envFrom=[{"secretRef": {"name": PREFIX + "mine.0123ab"}}])
        answer = s.patch("Pod", name, {"spec": {"ephemeralContainers": [shell]}}, STRATEGIC, "/ephemeralcontainers")
        equal(answer.status, 200, "that of an ephemeral container")
    with report.case("an orphaned ReplicaSet keeps its pods and its labels"):
        apply("Deployment", "leaves", replicas=1)
        until(lambda: len(s.pods("leaves")) == 1, 30, "1 pod of leaves")
        c.kubectl("delete", "deployment", "leaves", "--cascade=orphan", "-n", ns, "--as=mallory", "--wait=true",
                  "--timeout=30s")
        check(len(s.pods("leaves")) == 1, "the pod is gone")
        # Once more: it finds its ReplicaSet, which has an owner again.
        apply("Deployment", "leaves", replicas=1)
        s.replicaset("leaves")
    with report.case("a finalizer comes off what an older policy let in"):
        o = workload("StatefulSet", "old", {RELEASE: "old"}, volumes=volume(PREFIX + "old"))
        o["metadata"]["finalizers"] = ["example.com/stays"]
        equal(s.post(o).status, 201, "the status")
        c.api("DELETE", path(ns, "StatefulSet", "old"), headers=THIEF)
        equal(s.patch("StatefulSet", "old", {"metadata": {"finalizers": None}}).status, 200, "the status")
        equal(c.api("GET", path(ns, "StatefulSet", "old")).status, 404, "the status afterwards")
    with report.case("tentc's controller writes ClusterSPIFFEIDs, and others theirs"):
        controller = {"Impersonate-User": "system:serviceaccount:tentacular-system:tentc-controller"}
        equal(c.api("POST", SPIFFE, spiffe("tentacular.shop.victim", "shop/wf/victim"), controller).status, 201,
              "the status of tentc's")
        equal(c.api("POST", SPIFFE, spiffe("payments"), THIEF).status, 201, "the status of another")
        equal(c.api("PATCH", SPIFFE + "/tentacular.shop.victim", {"metadata": {"finalizers": []}}, {**THIEF, **MERGE})
              .status, 200, "the status of a change that is none of the identity")


def cron_made_its_pods(report, s):
    with report.case("a CronJob makes Jobs, and those their pods"):
        pods = until(lambda: s.pods("cron"), 90, "a pod of cron", every=0.5)
        equal(pods[0]["metadata"]["ownerReferences"][0]["kind"], "Job", "the kind of its owner")
        check(pods[0]["metadata"]["ownerReferences"][0]["name"].startswith("cron-"), "the Job has another name")


def a_job_by_hand(report, s):
    with report.case("kubectl create job --from is refused, as docs/security.md says"):
        said = s.c.kubectl("create", "job", "by-hand", "--from=cronjob/cron", "-n", s.ns, "--as=mallory", check=False)
        contains(said.stderr, takes("Job", "by-hand", "cron"), "what kubectl says")


def nothing_failed(report, s):
    """What a controller could not make shows in an event only."""
    with report.case("no controller was refused anything"):
        events = s.c.api("GET", f"/api/v1/namespaces/{s.ns}/events").json["items"]
        equal([e["message"] for e in events if e["type"] == "Warning" and "ValidatingAdmissionPolicy" in e["message"]],
              [], "the list of refusals")


def outside_of_enclaves(report, c):
    with report.case("other namespaces are let alone"):
        c.namespace("other")
        answer = c.api("POST", path("other", "Pod"), workload("Pod", "x", STOLEN, volumes=volume(VICTIMS)))
        equal(answer.status, 201, "the status")
    for ns in ("kube-system", "tentacular-system"):
        with report.case(f"{ns} is let alone, labelled or not"):
            c.kubectl("label", "namespace", ns, "tentacular.io/enclave=true")
            equal(c.api("POST", path(ns, "ReplicaSet"), workload("ReplicaSet", "x", STOLEN)).status, 201, "the status")
            c.kubectl("label", "namespace", ns, "tentacular.io/enclave-")


def without_parameters(report, s):
    c = s.c
    with report.case("without its ConfigMap of parameters, what a policy looks at is refused"):
        c.kubectl("delete", "configmap", "tentc-policy", "-n", "tentacular-system")
        until(lambda: s.c.api("POST", path(s.ns, "Pod") + "?dryRun=All", workload("Pod", "harmless")).status != 201, 20,
              "an innocent Pod is refused")
        c.kubectl("apply", "-f", os.path.join(DEPLOY, "policy-parameters.yaml"))
        until(lambda: s.c.api("POST", path(s.ns, "Pod") + "?dryRun=All", workload("Pod", "harmless")).status == 201, 20,
              "an innocent Pod is admitted")


def main():
    report = Report()
    try:
        with Cluster(controllers=True) as c:
            c.api("POST", "/api/v1/nodes", {"metadata": {"name": "node-1"}})
            apply_policies(c)
            s = Scene(c, "shop")
            until(lambda: all(refused(c, "shop").values()), 30, "the policies are in force", every=0.2)
            honest_workloads(report, s)
            said = set()
            thefts_are_refused(report, s, said)
            documented(report, said)
            every_reference_is_known(report, c)
            outside_of_enclaves(report, c)
            without_parameters(report, s)
            a_job_by_hand(report, s)
            cron_made_its_pods(report, s)
            nothing_failed(report, s)
            # Each defence matters: without it the same acts, in an enclave of the same kind, succeed.
            for policy in THEFTS:
                bare = Scene(c, "without-" + policy.removeprefix("tentc-"))
                c.kubectl("delete", "validatingadmissionpolicybinding", policy)
                until(lambda: not refused(c, bare.ns)[policy], 30, policy + " is no more in force", every=0.2)
                thefts_succeed_without(report, bare, policy)
                c.kubectl("apply", "-f", os.path.join(DEPLOY, f"policy-{policy.removeprefix('tentc-')}.yaml"))
                until(lambda: refused(c, bare.ns)[policy], 30, policy + " is in force again", every=0.2)
    except NoPrograms as e:
        report.skip("identity theft", str(e))
    return report.end()


if __name__ == "__main__":
    sys.exit(main())
