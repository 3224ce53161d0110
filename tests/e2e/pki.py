"""pki.py - certificates for tests, made by the openssl program: ECDSA P-256, valid for days or for what a test asks."""

import os
import subprocess


def openssl(*args):
    made = subprocess.run(["openssl", *args], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if made.returncode != 0:
        raise RuntimeError(f"openssl {args[0]}: {made.stderr.strip()}")
    return made.stdout


def key(path):
    """A new private key."""
    openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", path)
    os.chmod(path, 0o600)


class Authority:
    """A CA with its files in `folder`: `name`.crt and `name`.key."""

    def __init__(self, folder, name="ca"):
        self.folder = folder
        self.name = name
        self.cert = os.path.join(folder, name + ".crt")
        self.key = os.path.join(folder, name + ".key")
        key(self.key)
        openssl("req", "-x509", "-new", "-key", self.key, "-days", "2", "-subj", "/CN=" + name, "-out", self.cert,
                "-addext", "keyUsage=critical,keyCertSign,cRLSign")

    def issue(self, stem, common_name, groups=(), names=()):
        """Writes `stem`.crt and `stem`.key into the folder and returns both paths. names: "DNS:x", "IP:127.0.0.1"."""
        cert = os.path.join(self.folder, stem + ".crt")
        private = os.path.join(self.folder, stem + ".key")
        extensions = os.path.join(self.folder, stem + ".ext")
        key(private)
        with open(extensions, "w") as f:
            f.write("keyUsage=critical,digitalSignature\nextendedKeyUsage=serverAuth,clientAuth\n")
            if names:
                f.write("subjectAltName=" + ",".join(names) + "\n")
        # Names hold no slash, plus or equals sign: "system:masters" and the like.
        subject = "".join(f"/O={group}" for group in groups) + "/CN=" + common_name
        request = openssl("req", "-new", "-key", private, "-subj", subject)
        asked = os.path.join(self.folder, stem + ".csr")
        with open(asked, "w") as f:
            f.write(request)
        openssl("x509", "-req", "-in", asked, "-CA", self.cert, "-CAkey", self.key, "-days", "2",
                "-set_serial", str(int.from_bytes(os.urandom(8), "big")), "-extfile", extensions, "-out", cert)
        os.remove(asked)
        os.remove(extensions)
        return cert, private
