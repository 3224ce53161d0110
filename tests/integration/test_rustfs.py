"""A tentacle's life in RustFS and MinIO, and what another tentacle can do to it: from the tenant's side."""

import base64
import hashlib
import json
import os
import shutil
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from registrar import CommandLines  # noqa: E402
from pki import Authority  # noqa: E402
from report import Report, check, contains, equal  # noqa: E402
from rustfs_tests import BUCKET, RIGHTS, Tenant, limited_admin, make_probe, pairs, state  # noqa: E402
from s3_client import escape  # noqa: E402
from s3_server import SECRET, Server  # noqa: E402

NEW = ["write the policy tent_shop_web", "write the user tent_shop_web", "give the policy to the user tent_shop_web"]
TRIED = ["write shop/web/.tentc-probe as the user tent_shop_web", "remove shop/web/.tentc-probe as the user tent_shop_web"]
# Disabled, removed, or another secret key: every server has its own words, and they are never 200.
SHUT = ("InvalidAccessKeyId", "AccessDenied", "XMinioInvalidAccessKeyId")


def life(report, server, probe, v):
    a = Tenant(server, probe, "shop", "web")
    with report.case(f"{v}: nothing is there before"):
        run = probe.fine("observe", "shop", "web")
        equal((run.state, run.number("items"), run.differs), ("absent", 0, []))
        check(a.refused() in SHUT, a.refused())
    with report.case(f"{v}: provisioned, and used through the Secret that the compiler prints"):
        run = probe.fine("apply,verify,observe", "shop", "web")
        equal([s for s in run.steps if not s.startswith("create the bucket")], NEW + TRIED)
        equal((run.state, run.differs, run.number("items")), ("applied", [], 0))
        a.put("a/b", b"tea")
        equal(a.get("a/b").body, b"tea")
        equal(a.keys(), ["a/b"])
        run = probe.fine("observe", "shop", "web")
        equal((run.number("items"), run.number("bytes")), (1, 3))
    with report.case(f"{v}: again: nothing is written, and a running upload survives"):
        big = b"x" * (5 << 20)
        upload = a.begin_upload("large")
        tags = [a.part("large", upload, 1, big)]
        before = state(server)
        equal(probe.fine("apply", "shop", "web").steps, [])
        equal(state(server), before)
        tags.append(a.part("large", upload, 2, b"end"))
        answer = a.end_upload("large", upload, tags)
        equal((answer.status, answer.code), (200, ""))
        equal(hashlib.sha256(a.get("large").body).digest(), hashlib.sha256(big + b"end").digest())
    with report.case(f"{v}: rotated: the old secret key is refused at once, a connection that is open serves the new one"):
        equal(probe.fine("apply,verify", "shop", "web", 1).steps,
              ["write the user tent_shop_web", "write the policy tent_shop_web"] + TRIED)
        equal(a.refused(), "SignatureDoesNotMatch")
        old, a = a, Tenant(server, probe, "shop", "web", epoch=1)
        check(old.secret != a.secret, "the secret key is another one")
        a.s3.connection, old.s3.connection = old.s3.connection, None
        equal(a.get("a/b").body, b"tea")
    with report.case(f"{v}: an older epoch is refused, and changes nothing"):
        before = state(server)
        run = probe("apply", "shop", "web", 0)
        equal((run.status, run.steps), (3, []))
        contains(run.error, "has a secret key of epoch 1, and epoch 0 is wanted")
        equal(state(server), before)
        equal(probe.fine("observe", "shop", "web", 0).differs,
              ['secret key of "tent_shop_web" is of key "k1", epoch 1, and not of key "k1", epoch 0'])
    with report.case(f"{v}: retained: refused at once, also what was signed before; the data is there"):
        link = a.s3.presign("GET", a.path("a/b"))
        equal(a.s3.follow("GET", link).body, b"tea")
        run = probe.fine("retain,observe", "shop", "web", 1)
        equal((run.steps, run.state, run.number("items")), (["disable the user tent_shop_web"], "retained", 2))
        check(a.refused() in SHUT, a.refused())
        equal(a.s3.follow("GET", link).status, 403)
        equal(probe("verify", "shop", "web", 1).status, 1)
        equal(probe.fine("retain", "shop", "web", 1).steps, [])
    with report.case(f"{v}: provisioned again: the data is back"):
        equal(probe.fine("apply,verify", "shop", "web", 1).steps, ["write the user tent_shop_web"] + TRIED)
        equal(a.get("a/b").body, b"tea")
    with report.case(f"{v}: observe-all tells this tentacle, one that nobody wants, and one that is absent"):
        probe.fine("apply", "shop", "other", 3)
        run = probe.fine("observe-all", "shop", "web", 1)
        check("tentacle shop/web applied 0" in run.lines, run.output)
        check("tentacle shop/other applied 0" in run.lines, run.output)
        run = probe.fine("observe-all", "shop", "nothing")
        check("tentacle shop/nothing absent 0" in run.lines, run.output)
        check("tentacle shop/web applied 0" in run.lines, run.output)
        probe.fine("retain", "shop", "web", 1)
        check("tentacle shop/web retained 1" in probe.fine("observe-all", "shop", "web", 1).lines, "retained")
        probe.fine("apply", "shop", "web", 1)
    with report.case(f"{v}: destroyed: user, policy, objects; the neighbour's are there"):
        other = Tenant(server, probe, "shop", "other", epoch=3)
        other.put("mine")
        run = probe.fine("destroy,observe", "shop", "web", 1)
        equal(run.steps, ["disable the user tent_shop_web",
                          'remove objects from the bucket tentacular below "shop/web/", 0 done',
                          "remove the user tent_shop_web", "remove the policy tent_shop_web"])
        equal((run.state, run.number("items")), ("absent", 0))
        equal(state(server), {"user": None, "policy": None, "keys": []})
        equal(other.keys(), ["mine"])
        check(a.refused() in SHUT, a.refused())
        equal(probe.fine("destroy", "shop", "web", 1).steps, [])
        probe.fine("destroy", "shop", "other", 3)


KEYS = ["a b", "a+b", "100%", "%41", "ä/ö/ü", "日本語", "😀", "a//b", "a/./b" , "q?x=1&y=2", "h#frag", "'\"<>&", "!*'()~=@:,;$",
        " ", "trailing ", "a" * 200 + "/" + "b" * 200, "back\\slash", "[1]{2}|^`", "tab\there", "line\nfeed", "\x01\x1f", "\x7f"]


def keys(report, server, probe, v):
    """What is listed and removed by tentc is written by the tests' own client."""
    with report.case(f"{v}: keys with blanks, +, %, UTF-8, slashes and control characters are counted and removed"):
        probe.fine("apply", "shop", "web")
        a = Tenant(server, probe, "shop", "web")
        stored = []
        for key in KEYS:
            answer = a.s3.put(a.path(key), key.encode())
            # Some servers refuse some of them; what they store must be removed.
            if answer.status == 200:
                stored.append(key)
        check(len(stored) >= 16, f"only {stored}")
        equal(probe.fine("observe", "shop", "web").number("items"), len(stored))
        probe.fine("destroy", "shop", "web")
        equal(server.versions(BUCKET, "shop/web/"), [])
    with report.case(f"{v}: more than a page of objects is removed in pages"):
        probe.fine("apply", "shop", "web")
        a = Tenant(server, probe, "shop", "web")
        for i in range(1050):
            a.put(f"k{i:05}", b"")
        equal(probe.fine("observe", "shop", "web").number("items"), 1050)
        run = probe.fine("destroy", "shop", "web")
        removals = [s for s in run.steps if s.startswith("remove objects")]
        equal([s.rsplit(", ", 1)[1] for s in removals], ["0 done", "250 done", "500 done", "750 done", "1000 done"])
        equal(server.versions(BUCKET, "shop/web/"), [])
    with report.case(f"{v}: an upload that was never ended goes too, where the server lists it"):
        probe.fine("apply", "shop", "web")
        a = Tenant(server, probe, "shop", "web")
        upload = a.begin_upload("half")
        a.part("half", upload, 1, b"x")
        run = probe.fine("destroy", "shop", "web")
        if server.kind == "rustfs":
            check(any(s.startswith("end an unfinished upload") for s in run.steps), run.steps)
            equal(server.root.get(f"/{BUCKET}", {"uploads": "", "prefix": "shop/web/"}).all("UploadId"), [])
    with report.case(f"{v}: in a bucket with versions, versions and delete markers go, and verify leaves none"):
        body = (b'<VersioningConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Status>Enabled</Status>'
                b"</VersioningConfiguration>")
        server.root.put("/versioned")
        answer = server.root.put("/versioned", body, {"versioning": ""})
        equal(answer.status, 200, str(answer))
        kept = make_probe(probe.build, probe.folder, server, probe.dialect, bucket="versioned")
        kept.fine("apply,verify", "shop", "web")
        equal(server.versions("versioned", "shop/web/"), [])
        a = Tenant(server, kept, "shop", "web")
        for text in (b"1", b"2"):
            a.put("k", text)
        equal(a.s3.delete(a.path("k")).status, 204)
        equal(a.keys(), [])
        equal(kept.fine("observe", "shop", "web").number("items"), 2)
        kept.fine("destroy", "shop", "web")
        equal(server.versions("versioned"), [])


def attacks(report, server, probe, v):
    for enclave, name in (("shop", "web"), ("shop", "web2"), ("shop", "we"), ("bank", "web")):
        probe.fine("apply", enclave, name)
    a, a2 = Tenant(server, probe, "shop", "web"), Tenant(server, probe, "shop", "web2")
    b, far = Tenant(server, probe, "shop", "we"), Tenant(server, probe, "bank", "web")
    for t in (a, a2, far):
        t.put("secret", b"of " + t.user.encode())
    s3, admin = b.s3, server.admin
    upload = a.begin_upload("half")
    b.put("own", b"b")
    before = [state(server, t.user, prefix=t.prefix) for t in (a, a2, b, far)]

    def listing(prefix, **more):
        return lambda: s3.get(f"/{BUCKET}", {"list-type": "2", "prefix": prefix} | more)

    def body(text):
        return json.dumps(text).encode()

    public = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": ["*"]}, "Action": ["s3:*"],
              "Resource": [f"arn:aws:s3:::{BUCKET}/*"]}]}
    everything = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["s3:*"],
                  "Resource": ["arn:aws:s3:::*"]}]}
    remove = f"<Delete><Object><Key>{a.prefix}secret</Key></Object></Delete>".encode()
    checked = {"Content-MD5": base64.b64encode(hashlib.md5(remove).digest()).decode()}

    def raw(path):
        """A path with dots in it, signed as it is."""
        return lambda: s3.get(path)

    tries = {
        "list without a prefix": lambda: s3.get(f"/{BUCKET}", {"list-type": "2"}),
        "list, version 1": lambda: s3.get(f"/{BUCKET}"),
        "list the enclave": listing("shop/"),
        "list its own prefix without the slash": listing("shop/we"),
        "list the neighbour that begins alike": listing("shop/web/"),
        "list the neighbour with a delimiter": listing("shop/web/", delimiter="/"),
        "list another enclave": listing("bank/web/"),
        "list with ..": listing("shop/we/../web/"),
        "get the neighbour's object": lambda: s3.get(a.path("secret")),
        "head it": lambda: s3.head(a.path("secret")),
        "overwrite it": lambda: s3.put(a.path("secret"), b"b was here"),
        "delete it": lambda: s3.delete(a.path("secret")),
        "get with .. in the path": raw(f"/{BUCKET}/shop/we/../web/secret"),
        "get with a double slash": raw(f"/{BUCKET}//shop/web/secret"),
        "get an object of another enclave": lambda: s3.get(far.path("secret")),
        "copy from it": lambda: s3.put(b.path("stolen"), b"", headers={"x-amz-copy-source": escape(a.path("secret"))}),
        "copy from .. of its own": lambda: s3.put(b.path("stolen"), b"", headers={
            "x-amz-copy-source": f"/{BUCKET}/shop/we/../web/secret"}),
        "copy to it": lambda: s3.put(a.path("secret"), b"", headers={"x-amz-copy-source": b.path("own")}),
        "begin an upload there": lambda: s3.post(a.path("half"), query={"uploads": ""}),
        "add a part to its upload": lambda: s3.put(a.path("half"), b"x", {"partNumber": "1", "uploadId": upload}),
        "list the parts of its upload": lambda: s3.get(a.path("half"), {"uploadId": upload}),
        "abort its upload": lambda: s3.delete(a.path("half"), {"uploadId": upload}),
        "copy a part from it": lambda: s3.put(b.path("p"), b"", {"partNumber": "1", "uploadId": b.begin_upload("p")}, {
            "x-amz-copy-source": escape(a.path("secret"))}),
        "list all uploads": lambda: s3.get(f"/{BUCKET}", {"uploads": ""}),
        "list the versions of its objects": lambda: s3.get(f"/{BUCKET}", {"versions": "", "prefix": a.prefix}),
        "list all buckets' objects by ACL": lambda: s3.get(f"/{BUCKET}", {"acl": ""}),
        "make it public by ACL": lambda: s3.put(a.path("secret"), b"", {"acl": ""}, {"x-amz-acl": "public-read"}),
        "read its tags": lambda: s3.get(a.path("secret"), {"tagging": ""}),
        "read the bucket's policy": lambda: s3.get(f"/{BUCKET}", {"policy": ""}),
        "write the bucket's policy": lambda: s3.put(f"/{BUCKET}", body(public), {"policy": ""}),
        "delete the bucket's policy": lambda: s3.delete(f"/{BUCKET}", {"policy": ""}),
        "write a lifecycle that expires all": lambda: s3.put(f"/{BUCKET}", (
            b"<LifecycleConfiguration><Rule><ID>x</ID><Status>Enabled</Status><Filter><Prefix></Prefix></Filter>"
            b"<Expiration><Days>1</Days></Expiration></Rule></LifecycleConfiguration>"), {"lifecycle": ""}),
        "switch versions on": lambda: s3.put(f"/{BUCKET}", (
            b"<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"), {"versioning": ""}),
        "send notifications elsewhere": lambda: s3.put(
            f"/{BUCKET}", b"<NotificationConfiguration></NotificationConfiguration>", {"notification": ""}),
        "tag the bucket": lambda: s3.put(f"/{BUCKET}", b"<Tagging><TagSet></TagSet></Tagging>", {"tagging": ""}),
        "head the bucket": lambda: s3.head(f"/{BUCKET}"),
        "make a bucket": lambda: s3.put("/mine-alone"),
        "delete the bucket": lambda: s3.delete(f"/{BUCKET}"),
        "give itself another secret key": lambda: s3.put(admin + "/add-user", body(
            {"secretKey": "x" * 40, "status": "enabled"}), {"accessKey": b.user}),
        "make a user": lambda: s3.put(admin + "/add-user", body({"secretKey": "x" * 40, "status": "enabled"}),
                                      {"accessKey": "mallory"}),
        "read the neighbour's user": lambda: s3.get(admin + "/user-info", {"accessKey": a.user}),
        "list the users": lambda: s3.get(admin + "/list-users"),
        "disable the neighbour": lambda: s3.put(admin + "/set-user-status", b"", {
            "accessKey": a.user, "status": "disabled"}),
        "remove the neighbour": lambda: s3.delete(admin + "/remove-user", {"accessKey": a.user}),
        "write its own policy": lambda: s3.put(admin + "/add-canned-policy", body(everything), {"name": b.user}),
        "take a policy of the server's": lambda: s3.put(admin + "/set-user-or-group-policy", b"", {
            "policyName": "readwrite", "userOrGroup": b.user, "isGroup": "false"}),
        "join a group": lambda: s3.put(admin + "/update-group-members", body(
            {"group": "admins", "members": [b.user], "isRemove": False, "groupStatus": "enabled"})),
        "make an account of its own": lambda: s3.put(admin + ("/add-service-accounts" if server.kind == "rustfs" else
                                                               "/add-service-account"), body(
            {"accessKey": "mallory-mallory", "secretKey": "x" * 40})),
        "read the server's configuration": lambda: s3.get(admin + "/get-config"),
        "trace the server": lambda: s3.get(admin + "/info"),
        "no signature at all": lambda: s3.send("GET", a.path("secret"), headers={"host": f"127.0.0.1:{server.port}"}),
        "a presigned link to the neighbour": lambda: s3.follow("GET", s3.presign("GET", a.path("secret"))),
        "a presigned upload to the neighbour": lambda: s3.follow("PUT", s3.presign("PUT", a.path("secret")), b"b"),
    }
    for name, attempt in tries.items():
        with report.case(f"{v}: tenant B cannot: {name}"):
            answer = attempt()
            # 501: what the server has not got, nobody can do.
            check(400 <= answer.status < 500 or answer.status == 501, f"{answer}")
            check(b"of tent_" not in answer.body, f"it was given {answer.body!r}")
    with report.case(f"{v}: tenant B cannot: delete by DeleteObjects, which says so inside of a 200"):
        answer = s3.post(f"/{BUCKET}", remove, {"delete": ""}, checked)
        check((answer.status, answer.code) == (200, "AccessDenied") or answer.status == 403, f"{answer}")
    with report.case(f"{v}: tenant B sees no bucket but its own, and no name of another in what it may ask"):
        for answer in (s3.get("/"), s3.get(admin + "/accountinfo")):
            for other in (a.user, far.user, a.prefix + "secret", "bank/web"):
                check(other.encode() not in answer.body, f"{other} in {answer.body[:500]!r}")
    with report.case(f"{v}: tenant B's temporary credentials, where the server gives any, are worth nothing"):
        answer = s3.call("POST", "/", None, b"Action=AssumeRole&Version=2011-06-15&DurationSeconds=900", {
            "content-type": "application/x-www-form-urlencoded"}, service="sts")
        if answer.status == 200:
            session = server.client(answer.all("AccessKeyId")[0], answer.all("SecretAccessKey")[0],
                                    token=answer.all("SessionToken")[0])
            for path in (b.path("own"), a.path("secret")):
                equal(session.get(path).status, 403)
            equal(session.get(admin + "/user-info", {"accessKey": b.user}).status, 403)
    with report.case(f"{v}: after all of it, everything is as it was"):
        equal([state(server, t.user, prefix=t.prefix) for t in (a, a2, b, far)], before)
        for t in (a, a2, far):
            equal(t.get("secret").body, b"of " + t.user.encode())
        equal(server.user("mallory"), None)
        equal(server.root.get(f"/{BUCKET}", {"policy": ""}).status, 404)
        run = probe.fine("observe", "shop", "we")
        equal((run.state, run.differs), ("applied", []))
    for enclave, name in (("shop", "web"), ("shop", "web2"), ("shop", "we"), ("bank", "web")):
        probe.fine("destroy", enclave, name)


def drift(report, server, probe, v):
    root, admin = server.root, server.admin

    def repaired(name, what, do, differs, steps):
        with report.case(f"{v}: {name}: seen, and repaired"):
            probe.fine("apply", "shop", "web")
            before = state(server)
            answer = do()
            equal(answer.status, 200, f"{answer}")
            run = probe.fine("observe", "shop", "web")
            equal((run.state, run.differs), (what, differs))
            run = probe.fine("apply,observe", "shop", "web")
            equal((run.state, run.steps), ("applied", steps))
            equal(state(server), before)

    def attach(policy):
        return lambda: root.put(admin + "/set-user-or-group-policy", b"", {
            "policyName": policy, "userOrGroup": "tent_shop_web", "isGroup": "false"})

    attached = ["give the policy to the user tent_shop_web"]
    wider = json.loads(json.dumps(server.policy("readwrite")))
    repaired("another policy beside its own", "differs", attach("tent_shop_web,readwrite"),
             ['user "tent_shop_web" has "tent_shop_web,readwrite" for a policy'], attached)
    repaired("another policy in place of its own", "differs", attach("readwrite"),
             ['user "tent_shop_web" has "readwrite" for a policy'], attached)

    def join():
        return root.put(admin + "/update-group-members", json.dumps(
            {"group": "all", "members": ["tent_shop_web"], "isRemove": False, "groupStatus": "enabled"}).encode())

    repaired("a group", "differs", join, ['user "tent_shop_web" is in the group "all"'],
             ['take the user tent_shop_web out of the group "all"'])

    def widen():
        policy = server.policy("tent_shop_web")
        policy["Statement"].append(wider["Statement"][0])
        return root.put(admin + "/add-canned-policy", json.dumps(policy).encode(), {"name": "tent_shop_web"})

    repaired("a wider policy", "differs", widen, ['policy "tent_shop_web" is not as it should be'],
             ["write the policy tent_shop_web"])
    repaired("a disabled user", "retained", lambda: root.put(admin + "/set-user-status", b"", {
        "accessKey": "tent_shop_web", "status": "disabled"}), ['user "tent_shop_web" is disabled'],
        ["write the user tent_shop_web"])
    repaired("a removed user", "differs", lambda: root.delete(admin + "/remove-user", {"accessKey": "tent_shop_web"}),
             ['user "tent_shop_web" is missing'], ["write the user tent_shop_web"] + attached)

    def lose_policy():
        attach("readwrite")()
        return root.delete(admin + "/remove-canned-policy", {"name": "tent_shop_web"})

    with report.case(f"{v}: a removed policy: its user is known by its secret key, and repaired"):
        probe.fine("apply", "shop", "web")
        equal(lose_policy().status, 200)
        run = probe.fine("observe", "shop", "web")
        equal((run.state, run.differs), ("differs", ['policy "tent_shop_web" is missing',
                                                     'user "tent_shop_web" has "readwrite" for a policy']))
        equal(probe.fine("apply,verify,observe", "shop", "web").state, "applied")
        for operation, ends in (("retain", "retained"), ("destroy", "absent")):
            equal(lose_policy().status, 200)
            run = probe.fine(f"{operation},observe", "shop", "web")
            equal((run.steps[0], run.state), ("write the policy tent_shop_web", ends))
            probe.fine("apply,verify", "shop", "web")
    with report.case(f"{v}: another root key: seen in the mark, and the secret key becomes the new one"):
        other = make_probe(probe.build, tempfile.mkdtemp(dir=probe.folder), server, probe.dialect)
        run = other.fine("observe", "shop", "web")
        equal(run.state, "differs")
        other.fine("apply,verify", "shop", "web")
        equal(probe("verify", "shop", "web").status, 1)
        probe.fine("apply,verify", "shop", "web")
    probe.fine("destroy", "shop", "web")


def foreign(report, server, probe, v):
    theirs = make_probe(probe.build, probe.folder, server, probe.dialect, installation="theirs")
    with report.case(f"{v}: what another installation made is refused and left alone"):
        theirs.fine("apply", "shop", "web")
        Tenant(server, theirs, "shop", "web").put("theirs")
        before = state(server)
        want = 'the policy "tent_shop_web" belongs to the installation "theirs", this one is "default"'
        run = probe.fine("observe", "shop", "web")
        equal((run.state, run.differs), ("foreign", [want]))
        for operation in ("apply", "retain", "destroy"):
            run = probe(operation, "shop", "web")
            equal((run.status, run.steps), (3, []), operation)
            contains(run.error, want)
        check("tentacle shop/web foreign 1" in probe.fine("observe-all", "shop", "web").lines, "observe-all")
        check("shop/web" not in probe.fine("observe-all", "shop", "other").output, "it is told to nobody else")
        equal(state(server), before)
        theirs.fine("destroy", "shop", "web")
    with report.case(f"{v}: a policy and a user of that name that nobody marked are refused"):
        body = json.dumps(server.policy("readonly")).encode()
        server.root.put(server.admin + "/add-canned-policy", body, {"name": "tent_shop_web"})
        run = probe("apply", "shop", "web")
        equal((run.status, run.steps), (3, []))
        contains(run.error, 'the policy "tent_shop_web" was not made by tentc')
        server.root.delete(server.admin + "/remove-canned-policy", {"name": "tent_shop_web"})
        if server.kind == "rustfs":  # MinIO would want it encrypted
            server.root.put(server.admin + "/add-user", json.dumps(
                {"secretKey": "y" * 40, "status": "enabled"}).encode(), {"accessKey": "tent_shop_web"})
            for operation in ("apply", "retain", "destroy"):
                run = probe(operation, "shop", "web")
                equal((run.status, run.steps), (3, []))
                contains(run.error, 'the user "tent_shop_web" is there without a policy of tentc')
            server.root.delete(server.admin + "/remove-user", {"accessKey": "tent_shop_web"})


def enclaves(report, server, probe, v):
    own = make_probe(probe.build, probe.folder, server, probe.dialect, bucket="own-{enclave}")
    with report.case(f"{v}: a bucket for each enclave: made, marked, and closed to tentacles of another"):
        run = own.fine("enclave-apply", "shop")
        equal(run.steps, ["create the bucket own-shop", "mark the bucket own-shop"])
        equal(own.fine("enclave-apply", "shop").steps, [])
        own.fine("apply,verify", "shop", "web")
        own.fine("apply,verify", "bank", "web")
        a, b = Tenant(server, own, "shop", "web"), Tenant(server, own, "bank", "web")
        a.put("k")
        equal((a.bucket, b.bucket), ("own-shop", "own-bank"))
        for path in ("/own-shop/shop/web/k", "/own-shop/bank/web/k"):
            equal(b.s3.get(path).status, 403)
        equal(b.s3.listing("own-shop", "bank/web/").status, 403)
    with report.case(f"{v}: an enclave with tentacles is not destroyed, one with strange objects neither"):
        run = own("enclave-destroy", "shop")
        equal((run.status, run.steps), (3, []))
        contains(run.error, "the tentacle shop/web still has its data there")
        own.fine("destroy", "shop", "web")
        server.root.put("/own-shop/strange", b"x")
        run = own("enclave-destroy", "shop")
        equal(run.status, 3)
        contains(run.error, "the bucket own-shop holds objects that are no tentacle's")
        server.root.delete("/own-shop/strange")
        equal(own.fine("enclave-destroy", "shop").steps, ["remove the bucket own-shop"])
        equal(server.root.head("/own-shop").status, 404)
        equal(own.fine("enclave-destroy", "shop").steps, [])
        own.fine("destroy,enclave-destroy", "bank", "web")
    with report.case(f"{v}: a bucket of another installation is refused, one that nobody marked is used and stays"):
        theirs = make_probe(probe.build, probe.folder, server, probe.dialect, bucket="own-{enclave}", installation="theirs")
        theirs.fine("enclave-apply", "shop")
        for operation in (("enclave-apply", "shop"), ("apply", "shop", "web"), ("enclave-destroy", "shop")):
            run = own(*operation)
            equal((run.status, run.steps), (3, []), str(operation))
        theirs.fine("enclave-destroy", "shop")
        server.root.put("/own-shop")
        server.root.put("/own-shop/before", b"x")
        own.fine("apply,verify,destroy", "shop", "web")
        server.root.delete("/own-shop/before")
        run = own("enclave-destroy", "shop")
        equal(run.status, 3)
        contains(run.error, "was not made by this installation")
        server.root.delete("/own-shop")
    with report.case(f"{v}: one bucket for all stays when an enclave goes"):
        equal(probe.fine("enclave-destroy", "shop").steps, [])
        equal(server.root.head(f"/{BUCKET}").status, 200)
    with report.case(f"{v}: the longest names that there are"):
        long = ["a" * 63, "b" * 63]
        probe.fine("apply,verify", *long)
        equal(probe.fine("observe", *long).state, "applied")
        check(f"tentacle {long[0]}/{long[1]} applied 0" in probe.fine("observe-all").lines, "observe-all")
        probe.fine("destroy", *long)


def administrator(report, server, folder, build, dialect, v):
    with report.case(f"{v}: an administrator with the rights of docs/rustfs.md: nothing is missing"):
        access, secret = limited_admin(build, folder, server, dialect)
        probe = make_probe(build, folder, server, dialect, access=access, secret=secret)
        run = probe.fine("probe")
        clear = ["secret keys of tentacles go over the network as they are; set services.rustfs.admin.tls.mode, or "
                 "admin.dialect to minio, which encrypts them (RustFS speaks it too)"]
        equal(run.complaints, clear if dialect == "rustfs" else [])
        contains(run.output, f'dialect "{dialect}"')
    with report.case(f"{v}: an administrator without rights: each that is missing is named"):
        rights = {"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": ["admin:ListUserPolicies", "admin:GetPolicy"]}, RIGHTS["Statement"][1]]}
        less = limited_admin(build, folder, server, dialect, rights, "less")
        run = make_probe(build, folder, server, dialect, access=less[0], secret=less[1]).fine("probe")
        for right in ("CreateUser", "DisableUser", "DeleteUser", "CreatePolicy", "DeletePolicy", "AttachUserOrGroupPolicy"):
            contains(run.output, f"complaint the administrator lacks the right admin:{right}")
        run = make_probe(build, folder, server, dialect, access=less[0], secret=less[1])("apply", "shop", "web")
        equal(run.status, 2)
        contains(run.error, "the server does not let the administrator do this (HTTP 403 AccessDenied); docs/rustfs.md")
    with report.case(f"{v}: a wrong login says which half"):
        run = make_probe(build, folder, server, dialect, access="nobody-there")("probe")
        equal(run.status, 2)
        contains(run.error, "accessKeyFile")
        run = make_probe(build, folder, server, dialect, secret="wrong-secret-key")("probe")
        equal(run.status, 2)
        contains(run.error, "secretKeyFile")
    if server.kind == "minio":
        with report.case(f"{v}: a wrong dialect is named, and nothing is changed"):
            run = make_probe(build, folder, server, "rustfs")("apply", "shop", "web")
            equal((run.status, run.steps), (2, []))
            contains(run.error, 'does not speak the dialect "rustfs"; set services.rustfs.admin.dialect')
    with report.case(f"{v}: trying the rights leaves nothing"):
        equal((server.user("tentc-probe-nobody"), server.policy("tentc-probe-nobody")), (None, None))
    return probe


def encrypted(report, kind, folder, build, dialect, v):
    ours, theirs = Authority(folder, "ours"), Authority(folder, "theirs")

    def mode(mode, authority=None):
        with open(authority.cert if authority else ours.cert) as f:
            pem = "\\n".join(f.read().splitlines())
        return f', tls: {{mode: {mode}, ca: "{pem}\\n"}}'

    with Server(kind, tls=ours.issue("s3", "s3", names=["IP:127.0.0.1"])) as server:
        with report.case(f"{v}: TLS: the certificate is checked against the CA of the configuration alone"):
            probe = make_probe(build, folder, server, dialect, more=mode("verify-full"))
            probe.fine("probe,apply,verify,retain,apply", "shop", "web")
            equal(probe.fine("probe").complaints, [])
            probe.fine("destroy", "shop", "web")
            run = make_probe(build, folder, server, dialect, more=mode("verify-full", theirs))("apply", "shop", "web")
            equal((run.status, run.steps), (2, []))
            contains(run.error, "its certificate is not trusted")
            make_probe(build, folder, server, dialect, more=mode("require", theirs)).fine("observe", "shop", "web")
        with report.case(f"{v}: TLS: a server without it is told from one with it"):
            run = make_probe(build, folder, server, dialect)("observe", "shop", "web")
            check(run.status in (2, 5), run.output)
            contains(run.error, "tls.mode")
    with Server(kind, tls=ours.issue("other", "other", names=["DNS:other.example"])) as server:
        with report.case(f"{v}: TLS: a certificate of another name is refused"):
            run = make_probe(build, folder, server, dialect, more=mode("verify-full"))("apply", "shop", "web")
            equal((run.status, run.steps), (2, []))
            contains(run.error, "its certificate is not trusted")


def client(report, server, probe, v):
    try:
        import boto3
        from botocore.config import Config
    except ImportError as e:
        report.skip(f"{v}: the usual client", str(e))
        return
    with report.case(f"{v}: the usual client (boto3) works with the Secret's fields"):
        probe.fine("apply", "shop", "web")
        a = Tenant(server, probe, "shop", "web")
        s3 = boto3.client("s3", endpoint_url=f"http://127.0.0.1:{server.port}", aws_access_key_id=a.user,
                          aws_secret_access_key=a.secret, region_name="us-east-1",
                          config=Config(s3={"addressing_style": "path"}, proxies={}))
        s3.put_object(Bucket=a.bucket, Key=a.prefix + "ä b+c", Body=b"tea")
        equal(s3.get_object(Bucket=a.bucket, Key=a.prefix + "ä b+c")["Body"].read(), b"tea")
        found = [o["Key"] for page in s3.get_paginator("list_objects_v2").paginate(Bucket=a.bucket, Prefix=a.prefix)
                 for o in page["Contents"]]
        equal(found, [a.prefix + "ä b+c"])
        with open(os.path.join(probe.folder, "big"), "wb") as f:
            f.truncate(9 << 20)
        s3.upload_file(f.name, a.bucket, a.prefix + "big")
        equal(s3.head_object(Bucket=a.bucket, Key=a.prefix + "big")["ContentLength"], 9 << 20)
        s3.delete_object(Bucket=a.bucket, Key=a.prefix + "big")
        probe.fine("destroy", "shop", "web")


def secrets(report, server, probe, folder, watched, v):
    with report.case(f"{v}: no secret in a command line, in what was printed, in the server's log"):
        values = {SECRET: "the administrator's"}
        for enclave, name, epoch in (("shop", "web", 0), ("shop", "web", 1), ("shop", "other", 3), ("bank", "web", 0)):
            values[Tenant(server, probe, enclave, name, epoch).secret] = f"{enclave}/{name} {epoch}"
        logged = server.logged()
        check(len(logged) > 100, "the server logged nothing")
        for value, whose in values.items():
            check(not any(value in line for line in watched.seen), f"{whose} in a command line")
            check(not any(value in output for output in probe.printed), f"{whose} was printed")
            check(value not in logged, f"{whose} in the server's log")
        if server.kind == "rustfs":
            check("tent_shop_web" in logged, "the log shows too little to prove anything")


def main(build):
    report = Report()
    for kind, dialect in pairs(report, "life and attacks"):
        v = kind if kind == dialect else f"{kind} as {dialect}"
        folder = tempfile.mkdtemp(prefix="tentc-rustfs-")
        try:
            with Server(kind, level="debug") as server, CommandLines() as watched:
                probe = administrator(report, server, folder, build, dialect, v)
                life(report, server, probe, v)
                attacks(report, server, probe, v)
                keys(report, server, probe, v)
                drift(report, server, probe, v)
                foreign(report, server, probe, v)
                enclaves(report, server, probe, v)
                client(report, server, probe, v)
                secrets(report, server, probe, folder, watched, v)
            if shutil.which("openssl"):
                encrypted(report, kind, folder, build, dialect, v)
            else:
                report.skip(f"{v}: TLS", "there is no openssl")
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    return report.end()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
