"""s3_client.py - a small S3 client of the tests' own: Signature V4 from the standard library alone.

It shares nothing with registrars/: what tentc signs and what tentc makes is tried from outside. It sends what it is
told to, wrong paths and queries too, which clients for real use do not.

    s3 = Client("127.0.0.1", 9000, "tent_shop_web", secret)
    answer = s3.put("/bucket/shop/web/key", b"data")
    answer.status, answer.code, answer.body
"""

import hashlib
import hmac
import http.client
import json
import ssl
import time
import urllib.parse
import xml.etree.ElementTree as ElementTree


def escape(text, safe="-._~"):
    return urllib.parse.quote(text, safe=safe)


def sha256(data):
    return hashlib.sha256(data).hexdigest()


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def code(self):
        """The code of an error, of XML or JSON; "" for none."""
        text = self.body.decode("utf-8", "replace")
        if text.startswith("{"):
            try:
                return json.loads(text).get("Code", "")
            except ValueError:
                return ""
        start, end = text.find("<Code>"), text.find("</Code>")
        return text[start + 6 : end] if 0 <= start < end else ""

    def json(self):
        return json.loads(self.body)

    def all(self, name):
        """The texts of all elements of that name."""
        return [e.text or "" for e in ElementTree.fromstring(self.body).iter() if e.tag.rpartition("}")[2] == name]

    def __repr__(self):
        return f"{self.status} {self.code} {self.body[:200]!r}"


class Client:
    def __init__(self, host, port, access, secret, region="us-east-1", token=None, skew=0, tls=False):
        self.tls = tls
        self.host, self.port, self.access, self.secret = host, port, access, secret
        self.region, self.token, self.skew = region, token, skew
        self.connection = None

    def key(self, day, service="s3"):
        key = ("AWS4" + self.secret).encode()
        for part in (day, self.region, service, "aws4_request"):
            key = hmac.new(key, part.encode(), hashlib.sha256).digest()
        return key

    def signature(self, method, path, query, headers, payload, stamp, service="s3"):
        names = sorted(headers)
        canonical = "\n".join(
            [method, path, query, *(f"{n}:{headers[n]}" for n in names), "", ";".join(names), payload]
        )
        scope = f"{stamp[:8]}/{self.region}/{service}/aws4_request"
        text = "\n".join(["AWS4-HMAC-SHA256", stamp, scope, sha256(canonical.encode())])
        return scope, hmac.new(self.key(stamp[:8], service), text.encode(), hashlib.sha256).hexdigest()

    def send(self, method, target, body=b"", headers=None, timeout=30):
        """Sends that very target, on the connection that is there or on a new one."""
        for again in (True, False):
            if self.connection is None:
                self.connection = (http.client.HTTPSConnection(self.host, self.port, timeout=timeout,
                                                               context=ssl._create_unverified_context())
                                   if self.tls else
                                   http.client.HTTPConnection(self.host, self.port, timeout=timeout))
                again = False
            try:
                self.connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
                for name, value in (headers or {}).items():
                    self.connection.putheader(name, value)
                self.connection.putheader("Content-Length", str(len(body)))
                self.connection.endheaders(body)
                answer = self.connection.getresponse()
                return Answer(answer.status, answer.headers, answer.read())
            except (http.client.HTTPException, OSError):
                self.close()
                if not again:
                    raise
        raise AssertionError("not reached")

    def close(self):
        if self.connection:
            self.connection.close()
        self.connection = None

    @staticmethod
    def query(query):
        return "&".join(sorted(f"{escape(k)}={escape(v)}" for k, v in (query or {}).items()))

    def call(self, method, path, query=None, body=b"", headers=None, service="s3"):
        """path: not escaped yet; query: a dictionary."""
        stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(time.time() + self.skew))
        path, query = escape(path, "/-._~"), self.query(query)
        headers = {name.lower(): value for name, value in (headers or {}).items()}
        headers |= {"host": f"{self.host}:{self.port}", "x-amz-date": stamp, "x-amz-content-sha256": sha256(body)}
        if self.token:
            headers["x-amz-security-token"] = self.token
        scope, signature = self.signature(method, path, query, headers, sha256(body), stamp, service)
        names = ";".join(sorted(headers))
        headers["authorization"] = (
            f"AWS4-HMAC-SHA256 Credential={self.access}/{scope}, SignedHeaders={names}, Signature={signature}"
        )
        return self.send(method, path + ("?" + query if query else ""), body, headers)

    def presign(self, method, path, seconds=600):
        """A target that anybody may send to: escaped path and query."""
        stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        path = escape(path, "/-._~")
        query = {
            "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
            "X-Amz-Credential": f"{self.access}/{stamp[:8]}/{self.region}/s3/aws4_request",
            "X-Amz-Date": stamp,
            "X-Amz-Expires": str(seconds),
            "X-Amz-SignedHeaders": "host",
        }
        text = self.query(query)
        _, signature = self.signature(
            method, path, text, {"host": f"{self.host}:{self.port}"}, "UNSIGNED-PAYLOAD", stamp
        )
        return f"{path}?{text}&X-Amz-Signature={signature}"

    def follow(self, method, target, body=b""):
        return self.send(method, target, body, {"host": f"{self.host}:{self.port}"})

    def get(self, path, query=None, headers=None):
        return self.call("GET", path, query, headers=headers)

    def put(self, path, body=b"", query=None, headers=None):
        return self.call("PUT", path, query, body, headers)

    def post(self, path, body=b"", query=None, headers=None):
        return self.call("POST", path, query, body, headers)

    def head(self, path, query=None):
        return self.call("HEAD", path, query)

    def delete(self, path, query=None):
        return self.call("DELETE", path, query)

    def listing(self, bucket, prefix, **more):
        return self.get(f"/{bucket}", {"list-type": "2", "prefix": prefix} | more)

    def keys(self, bucket, prefix):
        return [urllib.parse.unquote_plus(k) for k in self.listing(bucket, prefix, **{"encoding-type": "url"}).all("Key")]
