"""Registering in PostgreSQL from an environment that means harm: what libpq would look up there, in the files that it names
and in the home folder, is neither obeyed nor warned of."""

import os
import shutil
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import postgres_server  # noqa: E402
from fake_postgres import Listener  # noqa: E402
from postgres_server import ADMIN_PASSWORD, PASSWORD, Server  # noqa: E402
from registrar import Probe  # noqa: E402
from report import Report, check, contains, equal  # noqa: E402
from test_postgres import Tenant, make_probe  # noqa: E402

USAGE = 2
WEB = ("shop", "web")
LIFE = "probe,observe,observe-all,apply,verify,retain"


def hostile(folder, server, decoy):
    """All that libpq looks up when it is not told, each with a value that would lead elsewhere, or nowhere."""
    home = os.path.join(folder, "home")
    os.makedirs(os.path.join(home, ".postgresql"), exist_ok=True)
    files = {
        "pgpass": f"*:*:*:tentc_admin:{ADMIN_PASSWORD}\n*:*:*:postgres:{PASSWORD}\n*:*:*:*:wrong\n",
        "pg_service.conf": f"[hostile]\nhost=127.0.0.1\nhostaddr=127.0.0.1\nport={decoy}\ndbname=postgres\n"
                           f"user=postgres\npassword={PASSWORD}\nsslmode=disable\n"
                           "options=-c default_transaction_read_only=on\nrequirepeer=nobody\n",
        "postgresql/root.crt": "no certificate\n", "postgresql/postgresql.crt": "none\n",
        "postgresql/postgresql.key": "none\n",
    }
    for name, text in files.items():
        with open(os.path.join(home, "." + name), "w") as f:
            f.write(text)
        os.chmod(os.path.join(home, "." + name), 0o666)
    return {
        "HOME": home, "PGPASSFILE": os.path.join(home, ".pgpass"), "PGSYSCONFDIR": home,
        "PGSERVICEFILE": os.path.join(home, ".pg_service.conf"), "PGSERVICE": "hostile", "PGHOST": "127.0.0.1",
        "PGHOSTADDR": "127.0.0.1", "PGPORT": str(decoy), "PGDATABASE": "postgres", "PGUSER": "postgres",
        "PGPASSWORD": PASSWORD, "PGOPTIONS": "-c default_transaction_read_only=on -c search_path=public",
        "PGSSLMODE": "verify-full", "PGREQUIRESSL": "1", "PGSSLROOTCERT": f"{home}/.postgresql/root.crt",
        "PGSSLCERT": f"{home}/.postgresql/postgresql.crt", "PGSSLKEY": f"{home}/.postgresql/postgresql.key",
        "PGSSLCRL": f"{home}/.pgpass", "PGSSLCRLDIR": home, "PGSSLCERTMODE": "require",
        "PGSSLNEGOTIATION": "direct", "PGSSLMINPROTOCOLVERSION": "TLSv9", "PGSSLMAXPROTOCOLVERSION": "TLSv1",
        "PGREQUIREPEER": "nobody", "PGREQUIREAUTH": "gss", "PGCHANNELBINDING": "require", "PGGSSENCMODE": "require",
        "PGTARGETSESSIONATTRS": "standby", "PGLOADBALANCEHOSTS": "random", "PGCONNECT_TIMEOUT": "1",
        "PGCLIENTENCODING": "SJIS", "PGDATESTYLE": "German", "PGTZ": "Pacific/Apia", "PGGEQO": "nonsense",
        "PGAPPNAME": "hostile", "PGKRBSRVNAME": "hostile", "PGMINPROTOCOLVERSION": "9.9", "PG": "", "PGX": "",
    }


def environments(report, server, build, folder, v):
    calls = []
    with Listener(lambda connection, ended: calls.append(1)) as decoy:
        variables = hostile(folder, server, decoy.port)
        plain = make_probe(build, folder, server)
        want = plain.fine(LIFE, *WEB)
        plain.fine("destroy,enclave-destroy", *WEB)
        for what, chosen in (("every variable of libpq", variables),
                             ("a service that is in no file", {"PGSERVICE": "missing"}),
                             ("a service of the home folder", {"HOME": variables["HOME"], "PGSERVICE": "hostile"}),
                             ("a password file that all may read", {"PGPASSFILE": variables["PGPASSFILE"]})):
            with report.case(f"{v}: environment: {what}: nothing of it counts"):
                probe = make_probe(build, folder, server, environment=chosen)
                run = probe.fine(LIFE, *WEB)
                equal([line for line in run.lines if " ok " not in line],
                      [line for line in want.lines if " ok " not in line], "what is said")
                equal(Tenant(server, probe, *WEB).state("SELECT 1"), "28000")
                probe.fine("destroy,enclave-destroy", *WEB)
                equal(len(calls), 0, "connections to the decoy")
                check("hostile" not in server.log_text(), "the server heard of it")
    settings = f"{{host: 127.0.0.1, port: {server.port}, admin: {{user: tentc_admin}}}}"
    with report.case(f"{v}: environment: without a password of ours none is looked for elsewhere, and it is said"):
        for chosen in ({"PGPASSWORD": ADMIN_PASSWORD}, {"PGPASSFILE": variables["PGPASSFILE"]},
                       {"HOME": variables["HOME"]}, variables):
            run = Probe(build, folder, "postgres", settings, environment=chosen)("apply", *WEB)
            equal(run.status, USAGE, run.output)
            contains(run.error, "the server asks for a password, and there is none (TC004); give "
                                "services.postgres.admin.passwordFile, or TENTACULAR_POSTGRES_ADMIN_PASSWORD")
            equal(len(run.lines), 1, "lines of output")


def main():
    build, report = os.path.abspath(sys.argv[1]), Report()
    for version, why in postgres_server.reasons().items():
        report.skip(f"PostgreSQL {version}", why)
    for v in postgres_server.versions():
        folder = tempfile.mkdtemp(prefix="tentc-probe-")
        try:
            with Server(v) as server:
                server.bootstrap(os.path.join(build, "tentc"))
                environments(report, server, build, folder, v)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    return report.end()


if __name__ == "__main__":
    sys.exit(main())
