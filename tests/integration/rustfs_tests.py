"""rustfs_tests.py - what the tests of the registrar of RustFS share."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import json  # noqa: E402

import s3_server  # noqa: E402
from registrar import Probe  # noqa: E402
from report import check, equal  # noqa: E402
from s3_server import ACCESS, SECRET  # noqa: E402

BUCKET = "tentacular"
# Servers and the dialects that they are administered in.
PAIRS = [("rustfs", "rustfs"), ("rustfs", "minio"), ("minio", "minio")]


def pairs(report, name):
    """Those that can be had; the others are said to be skipped."""
    for kind, dialect in PAIRS:
        if kind in s3_server.kinds():
            yield kind, dialect
        else:
            report.skip(f"{name}, {kind}, dialect {dialect}", s3_server.reasons()[kind])


class S3Probe(Probe):
    printed = set()

    def end(self, *args, **options):
        run = super().end(*args, **options)
        self.printed.add(run.output)
        return run


def make_probe(build, folder, server, dialect, bucket=BUCKET, port=None, access=ACCESS, secret=SECRET, more="", **options):
    settings = (f"{{host: 127.0.0.1, port: {port or server.port}, bucket: '{bucket}', "
                f"admin: {{dialect: {dialect}}}{more}}}")
    probe = S3Probe(build, folder, "rustfs", settings, environment={
        "TENTACULAR_RUSTFS_ACCESS_KEY": access, "TENTACULAR_RUSTFS_SECRET_KEY": secret,
        # Neither is for us.
        "http_proxy": "http://127.0.0.1:9", "HTTP_PROXY": "http://127.0.0.1:9"}, **options)
    probe.dialect = dialect
    return probe


class Tenant:
    """What a tentacle's own program has: the fields of its Secret."""

    def __init__(self, server, probe, enclave, name, epoch=0):
        secret = probe.secret(enclave, name, epoch)
        field = {k: secret[f"tentacular-rustfs.{k}"] for k in ("bucket", "prefix", "access_key", "secret_key", "region")}
        self.bucket, self.prefix = field["bucket"], field["prefix"]
        self.user, self.secret = field["access_key"], field["secret_key"]
        self.s3 = server.client(self.user, self.secret, region=field["region"])

    def path(self, key):
        return f"/{self.bucket}/{self.prefix}{key}"

    def put(self, key, data=b"data"):
        answer = self.s3.put(self.path(key), data)
        equal(answer.status, 200, f"PUT {key!r}: {answer}")

    def get(self, key):
        return self.s3.get(self.path(key))

    def keys(self):
        return [k[len(self.prefix):] for k in self.s3.keys(self.bucket, self.prefix)]

    def refused(self):
        """The code with which it is refused; "" when it is not."""
        return self.s3.listing(self.bucket, self.prefix).code

    def begin_upload(self, key):
        answer = self.s3.post(self.path(key), query={"uploads": ""})
        equal(answer.status, 200, "CreateMultipartUpload")
        return answer.all("UploadId")[0]

    def part(self, key, upload, number, data):
        answer = self.s3.put(self.path(key), data, {"partNumber": str(number), "uploadId": upload})
        equal(answer.status, 200, "UploadPart")
        return answer.headers["ETag"]

    def end_upload(self, key, upload, tags):
        parts = "".join(f"<Part><PartNumber>{i + 1}</PartNumber><ETag>{t}</ETag></Part>" for i, t in enumerate(tags))
        return self.s3.post(self.path(key), f"<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>".encode(),
                            {"uploadId": upload})


def state(server, user="tent_shop_web", bucket=BUCKET, prefix="shop/web/"):
    """All that the server has of a tentacle, for comparing."""
    info = server.user(user)
    policy = server.policy(user)
    return {
        "user": info and {k: info.get(k) for k in ("status", "policyName")},
        "policy": policy and json.dumps(normal(policy), sort_keys=True),
        "keys": server.root.keys(bucket, prefix) if server.root.head(f"/{bucket}").status == 200 else None,
    }


def normal(value):
    """Of a policy: lists are sets, and one text is a list of one."""
    if isinstance(value, dict):
        return {k: normal(v if isinstance(v, (dict, list)) or k in ("Effect", "Version", "Sid") else [v])
                for k, v in value.items() if v not in ("", {}, [])}
    if isinstance(value, list):
        return sorted((normal(v) for v in value), key=lambda v: json.dumps(v, sort_keys=True))
    return value


# The rights of the administrator, as docs/rustfs.md lists them.
RIGHTS = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Action": [
            "admin:CreateUser", "admin:DeleteUser", "admin:EnableUser", "admin:DisableUser", "admin:GetUser",
            "admin:ListUsers", "admin:CreatePolicy", "admin:DeletePolicy", "admin:GetPolicy", "admin:ListUserPolicies",
            "admin:AttachUserOrGroupPolicy", "admin:AddUserToGroup", "admin:RemoveUserFromGroup", "admin:ServerInfo"]},
        {"Effect": "Allow", "Action": [
            "s3:CreateBucket", "s3:DeleteBucket", "s3:GetBucketLocation", "s3:GetBucketPolicy", "s3:GetBucketTagging",
            "s3:PutBucketTagging", "s3:ListBucket", "s3:ListBucketVersions", "s3:ListBucketMultipartUploads",
            "s3:AbortMultipartUpload", "s3:DeleteObject", "s3:DeleteObjectVersion"],
         "Resource": ["arn:aws:s3:::*"]},
    ],
}


def limited_admin(build, folder, server, dialect, rights=None, name="admin"):
    """An administrator who is not the server's root: access key and secret key. tentc makes the user, since MinIO wants
    it encrypted; then it gets another policy."""
    probe = make_probe(build, folder, server, dialect)
    probe.fine("apply", "ops", name)
    tenant = Tenant(server, probe, "ops", name)
    done = server.root.put(server.admin + "/add-canned-policy", json.dumps(rights or RIGHTS).encode(),
                           {"name": "tentc-" + name})
    check(done.status == 200, f"the server refuses the rights: {done}")
    done = server.root.put(server.admin + "/set-user-or-group-policy", b"", {
        "policyName": "tentc-" + name, "userOrGroup": tenant.user, "isGroup": "false"})
    check(done.status == 200, f"the server refuses the policy: {done}")
    return tenant.user, tenant.secret
