"""workloads.py - workloads with contracts, made from a seed: equal seeds give equal objects.

Every pod template is one that Pod Security `restricted` accepts, so that what it refuses afterwards is ours.
"""

import random

KINDS = {
    "Deployment": ("apps/v1", "deployments"),
    "StatefulSet": ("apps/v1", "statefulsets"),
    "DaemonSet": ("apps/v1", "daemonsets"),
    "Job": ("batch/v1", "jobs"),
    "CronJob": ("batch/v1", "cronjobs"),
    "Pod": ("v1", "pods"),
}

SERVICES = {
    "tentacular-postgres": ["", " {protocol: postgresql}", "\n    protocol: postgres"],
    "tentacular-rustfs": ["", " {protocol: http}", " {protocol: s3}"],
    "tentacular-nats": ["", " {protocol: nats}", "\n    consumes: [other]"],
    "tentacular-spire": ["", " null"],
}

OWN = [
    "  github: {protocol: https, host: api.github.com}\n",
    "  mail:\n    protocol: https\n    host: api.mail.example.com\n    auth: {type: api-key, secret: mail.key}\n",
    "  other: {protocol: grpc, host: other.%(ns)s.svc, port: 7000}\n",
]


def path(kind, namespace, name=""):
    """Of the API server."""
    version, plural = KINDS[kind]
    root = "/api/v1" if version == "v1" else "/apis/" + version
    return f"{root}/namespaces/{namespace}/{plural}" + ("/" + name if name else "")


def template(o):
    """The pod template of a workload; of a Pod itself."""
    if o["kind"] == "Pod":
        return o
    if o["kind"] == "CronJob":
        return o["spec"]["jobTemplate"]["spec"]["template"]
    return o["spec"]["template"]


def contract(rng, namespace, indent=""):
    services = rng.sample(sorted(SERVICES), rng.randint(0, 4))
    lines = ['version: "1"\n', "dependencies:\n"]
    lines += [f"  {s}:{rng.choice(SERVICES[s])}\n" for s in services]
    lines += [own % {"ns": namespace} for own in rng.sample(OWN, rng.randint(0 if services else 1, 2))]
    return "".join(indent + line for line in "".join(lines).splitlines(keepends=True))


def container(rng, name):
    c = {
        "name": name, "image": "registry.example.com/app:v1",
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]},
                            "runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
    }
    if rng.random() < 0.4:
        c["env"] = [{"name": "LOG_LEVEL", "value": "info"}]
    if rng.random() < 0.3:
        c["volumeMounts"] = [{"name": "scratch", "mountPath": "/tmp"}]
    if rng.random() < 0.2:
        c["command"], c["args"] = ["deno"], ["run", "--allow-net=example.com", "main.ts"]
    if rng.random() < 0.3:
        c["resources"] = {"requests": {"cpu": "10m", "memory": "64Mi"}, "limits": {"memory": "64Mi"}}
    return c


def pod_spec(rng, configmap):
    spec = {"automountServiceAccountToken": False,
            "containers": [container(rng, f"c{i}") for i in range(rng.randint(1, 3))]}
    if rng.random() < 0.3:
        spec["initContainers"] = [container(rng, "init")]
    volumes = []
    if any("volumeMounts" in c for c in spec["containers"] + spec.get("initContainers", [])):
        volumes.append({"name": "scratch", "emptyDir": {}})
    if configmap:
        volumes.append({"name": "code", "configMap": {"name": configmap}})
        spec["containers"][0].setdefault("volumeMounts", []).append({"name": "code", "mountPath": "/app/code"})
    if rng.random() < 0.15 and not configmap:
        volumes.append({"name": "mine", "secret": {"secretName": "mine", "optional": True}})
        for c in spec["containers"] + spec.get("initContainers", []):
            c.setdefault("volumeMounts", []).append({"name": "mine", "mountPath": "/app/secrets"})
    if volumes:
        spec["volumes"] = volumes
    return spec


def workload(rng, kind, namespace, name):
    """[ConfigMap,] workload: as an author applies them, in this order."""
    version, _ = KINDS[kind]
    mounted = rng.random() < 0.35
    configmap = f"{name}-code" if mounted else None
    labels = {"app": name}
    meta = {"name": name, "namespace": namespace}
    if rng.random() < 0.5:
        meta["labels"] = dict(labels)
    if not mounted:
        meta["annotations"] = {"tentacular.io/contract": contract(rng, namespace)}
        if rng.random() < 0.2:
            meta["annotations"]["tentacular.io/inject-containers"] = "c0"
    elif rng.random() < 0.3:
        meta["annotations"] = {"example.com/owner": "team"}
    spec = pod_spec(rng, configmap)
    pod = {"metadata": {"labels": dict(labels)}, "spec": spec}
    if rng.random() < 0.2:
        pod["metadata"]["annotations"] = {"example.com/checksum": "1"}
    o = {"apiVersion": version, "kind": kind, "metadata": meta}
    if kind == "Pod":
        o["spec"] = spec
    elif kind == "Job":
        spec["restartPolicy"] = "Never"
        o["spec"] = {"template": pod}
    elif kind == "CronJob":
        spec["restartPolicy"] = "OnFailure"
        o["spec"] = {"schedule": "0 * * * *", "jobTemplate": {"spec": {"template": pod}}}
    else:
        o["spec"] = {"selector": {"matchLabels": dict(labels)}, "template": pod}
        if kind == "StatefulSet":
            o["spec"]["serviceName"] = name
        if kind != "DaemonSet":
            o["spec"]["replicas"] = 0
    if not mounted:
        return [o]
    text = f"name: {name}\n# what it needs\ncontract:\n" + contract(rng, namespace, "  ") + "steps: []\n"
    cm = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": configmap, "namespace": namespace},
          "data": {"workflow.yaml": text, "main.ts": "console.log(1)\n"}}
    return [cm, o]


def workloads(seed, count, namespace, kinds=tuple(KINDS)):
    """[[ConfigMap,] workload] * count."""
    rng = random.Random(seed)
    return [workload(rng, kinds[i % len(kinds)], namespace, f"w{i:03}") for i in range(count)]
