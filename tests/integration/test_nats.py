"""A tentacle's life in NATS, and what another tentacle can do to it: seen with a client of the tests' own, from the
tenant's side."""

import os
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import nats_server  # noqa: E402
from nats_server import ADMIN, ADMIN_PASSWORD, Cluster, Refused  # noqa: E402
from registrar import CommandLines, Probe  # noqa: E402
from report import Report, check, contains, equal, until  # noqa: E402

RETRY, REJECTED, USAGE, DIFFERS = 5, 3, 2, 1


def settings(cluster, more="", admin="", url=None, port=None):
    port = port or cluster.servers[0].port
    return (f"{{host: 127.0.0.1, port: {port}, {more}admin: {{url: '{url or f'nats://127.0.0.1:{port}'}', {admin}"
            f"user: {ADMIN}, passwordFile: {cluster.folder}/admin-password, accountsDir: {cluster.accounts}}}}}")


def make_probe(build, cluster, installation="default", key_id="k1", keys=None, environment=None, **kw):
    return Probe(build, cluster.folder, "nats", settings(cluster, **kw), installation, key_id, keys, environment)


class Tenant:
    """What a tentacle's own program has: the fields of its Secret."""

    def __init__(self, cluster, probe, enclave, name, epoch=0):
        secret = probe.secret(enclave, name, epoch)
        self.cluster, self.enclave, self.name = cluster, enclave, name
        self.user, self.password = secret["tentacular-nats.user"], secret["tentacular-nats.token"]
        self.subject, self.inbox = secret["tentacular-nats.subject"], secret["tentacular-nats.inbox_prefix"]

    def once(self, server=0, **options):
        return self.cluster.client(self.user, self.password, server, inbox=self.inbox, **options)

    def connect(self, server=0, **options):
        """As clients do: a server that is just reloading ends, or refuses, whoever is just logging in."""
        end = time.monotonic() + 2
        while True:
            try:
                return self.once(server, **options)
            except Refused:
                if time.monotonic() > end:
                    raise
            time.sleep(0.05)

    def refused(self, server=0):
        """What the server says; "" when it lets in."""
        end = time.monotonic() + 2
        while True:
            try:
                self.once(server).close()
                return ""
            except Refused as e:
                if str(e) != "closed" or time.monotonic() > end:
                    return str(e)
            time.sleep(0.05)


def refused_everywhere(tenant):
    for k in range(len(tenant.cluster.servers)):
        contains(tenant.refused(k), "Authorization Violation", f"{tenant.user} at server {k}")


def ended(client):
    """The server has closed it."""
    def gone():
        client.wait(0.05)
        return client.ended
    until(gone, 3, "the live connection is ended")


def exchange(tenant):
    """Publish and subscribe, and a request answered through the private inbox, over two servers where there are."""
    last = len(tenant.cluster.servers) - 1
    with tenant.connect(0) as one, tenant.connect(last) as two:
        # the other server learns of a subscription a moment later, and what is published before is nobody's
        two.subscribe(f"{tenant.user}.work")
        one.subscribe(f"{tenant.inbox}.1")
        until(lambda: one.publish(f"{tenant.user}.work", b"hello", f"{tenant.inbox}.1") or two.wait(0.05)
              or two.messages, 3, "the message arrives")
        subject, reply, data = two.take()[0]
        equal((subject, reply, data), (f"{tenant.user}.work", f"{tenant.inbox}.1", b"hello"))
        until(lambda: two.publish(reply, b"answer") or one.wait(0.05) or one.messages, 3, "the answer arrives")
        equal(one.take()[0][2], b"answer")
        equal((one.errors, two.errors), ([], []))


def life(report, cluster, probe, v):
    a = Tenant(cluster, probe, "shop", "web")
    with report.case(f"{v}: nothing is there before"):
        run = probe.fine("observe", "shop", "web")
        equal((run.state, run.differs, run.number("sessions")), ("absent", [], 0))
        refused_everywhere(a)
    with report.case(f"{v}: provisioned, and used through the Secret that the compiler prints"):
        run = probe.fine("apply,verify,observe", "shop", "web")
        equal((run.state, run.differs), ("applied", []))
        exchange(a)
    with report.case(f"{v}: again: nothing changes, a live session survives, and is counted"):
        before = cluster.files()
        with a.connect() as session:
            session.subscribe("shop.web.>")
            run = probe.fine("apply,observe", "shop", "web")
            equal((run.steps, run.state, run.number("sessions")), ([], "applied", 1))
            equal(cluster.files(), before)
            session.publish("shop.web.x", b"still here")
            session.flush()
            equal(session.take()[0][2], b"still here")
    with report.case(f"{v}: another tentacle comes and goes: the live session survives"):
        with a.connect() as session:
            probe.fine("apply", "shop", "other")
            probe.fine("apply", "bank", "other")
            probe.fine("destroy", "shop", "other")
            probe.fine("destroy", "bank", "other")
            session.flush()
            equal((session.ended, session.errors), (False, []))
        equal(cluster.files(), before)
    with report.case(f"{v}: rotated: the old password is refused, live sessions end, the new one is let in"):
        b = Tenant(cluster, probe, "shop", "web", epoch=1)
        check(a.password != b.password, "the passwords are equal")
        session = a.connect()
        start = time.monotonic()
        probe.fine("apply,verify", "shop", "web", 1)
        ended(session)
        print(f"  # {v}: rotation: the live session ended {(time.monotonic() - start) * 1000:.0f} ms after it began")
        refused_everywhere(a)
        exchange(b)
    with report.case(f"{v}: an older epoch does not come back"):
        run = probe("apply", "shop", "web", 0)
        equal(run.status, REJECTED)
        contains(run.error, "an old password must not come back")
        refused_everywhere(a)
    with report.case(f"{v}: retained: refused everywhere, live connections ended on every server"):
        sessions = [b.connect(k) for k in range(len(cluster.servers))]
        start = time.monotonic()
        run = probe.fine("retain,observe", "shop", "web", 1)
        print(f"  # {v}: retain took {(time.monotonic() - start) * 1000:.0f} ms")
        equal((run.state, run.number("sessions")), ("retained", 0))
        for session in sessions:
            ended(session)
        refused_everywhere(b)
        equal(probe.fine("retain", "shop", "web", 1).steps, [])
    with report.case(f"{v}: provisioned again, then destroyed: nothing of it is left"):
        probe.fine("apply", "shop", "web", 1)
        exchange(b)
        session = b.connect()
        run = probe.fine("destroy,observe", "shop", "web", 1)
        equal(run.state, "absent")
        ended(session)
        refused_everywhere(b)
        check("shop" not in cluster.files()["accounts-0.conf"], "the file still names it")
        equal(probe.fine("destroy,enclave-destroy", "shop", "web", 1).steps, [])
    with report.case(f"{v}: an enclave with tentacles is not destroyed"):
        probe.fine("apply,retain", "shop", "web")
        run = probe("enclave-destroy", "shop")
        equal(run.status, REJECTED)
        contains(run.error, 'still has 1 user, such as "shop.web"')
        probe.fine("destroy", "shop", "web")


def attacks(report, cluster, probe, v):
    """B is a neighbour of A in its enclave, C a tentacle of another. A listens, and speaks, all the time."""
    names = [("shop", "a"), ("shop", "b"), ("bank", "c")]
    for enclave, name in names:
        probe.fine("apply", enclave, name)
    a, b, c = (Tenant(cluster, probe, *pair) for pair in names)
    victim = a.connect()
    victim.subscribe("shop.a.>")

    def overhears(attacker, *subscription):
        """None of what A says and gets arrives; the subscription itself is refused, or is in another account."""
        with attacker.connect() as x:
            errors = x.refusals(subscription)
            for subject in ("shop.a.x", "shop.a._INBOX.1", "shop.a.public.x"):
                victim.publish(subject, b"of A's", "shop.a._INBOX.2")
            victim.flush()
            x.wait(0.1)
            equal(x.take(), [], "overheard")
            victim.take()
            return errors

    def injects(attacker, *publication):
        with attacker.connect() as x:
            errors = x.refusals(publication)
            victim.wait(0.1)
            equal(victim.take(), [], "injected")
            return errors

    subscriptions = [
        (">",), ("*",), ("*.>",), ("shop.>",), ("shop.*.>",), ("*.a.>",), ("shop.a.>",), ("shop.a.x",),
        ("shop.a._INBOX.>",), ("_INBOX.>",), ("_INBOX.1",), ("$SYS.>",), ("$SYS.ACCOUNT.>",),
        ("$SYS.REQ.SERVER.PING",), ("$JS.>",), ("$JS.API.>",), ("$JS.EVENT.>",), ("shop.a.>", "workers"),
        (">", "workers"), ("shop.*.*", "shop.b.>"), ("shop.a.public.>",), ("SHOP.A.>",), ("shop.b",), ("shop.b2.>",),
        ("*.*.*",), ("shop.b.>.x",), ("$SRV.>",),
    ]
    for s in subscriptions:
        with report.case(f"{v}: attack by a neighbour: subscribe {' '.join(s)}"):
            errors = overhears(b, *s)
            check(any("ermissions Violation" in e or "Invalid Subject" in e for e in errors), f"not refused: {errors}")
    for s in [(">",), ("shop.a.>",), ("$SYS.>",)]:
        with report.case(f"{v}: attack from another enclave: subscribe {' '.join(s)}"):
            check(any("ermissions Violation" in e for e in overhears(c, *s)), "not refused")
    publications = [
        ("shop.a.x", b"1"), ("shop.a._INBOX.1", b"1"), ("shop.a.public.x", b"1"), ("_INBOX.1", b"1"),
        ("$SYS.REQ.SERVER.PING", b""), ("$SYS.REQ.USER.INFO", b"", "shop.a._INBOX.1"),
        ("$SYS.REQ.ACCOUNT.SYS.CONNZ", b"{}"), ("$SYS.REQ.CLAIMS.UPDATE", b"x"),
        ("$JS.API.INFO", b"", "shop.b._INBOX.1"),
        ("$JS.API.STREAM.CREATE.spy", b'{"name":"spy","subjects":["shop.a.>"]}', "shop.b._INBOX.1"),
        ("$JS.API.STREAM.CREATE.spy", b'{"name":"spy","mirror":{"name":"shop_a"}}', "shop.b._INBOX.1"),
        ("$JS.API.STREAM.LIST", b"", "shop.b._INBOX.1"), ("$JS.API.CONSUMER.CREATE.shop_a", b"{}", "shop.b._INBOX.1"),
        ("$JS.ACK.shop_a.x.1.1.1.1.0", b"+ACK"), ("$SRV.PING", b"", "shop.a._INBOX.1"), ("shop.b", b"1"),
        ("shop.b2.x", b"1"), ("bank.c.x", b"1"),
    ]
    for p in publications:
        with report.case(f"{v}: attack by a neighbour: publish {p[0]} {p[1].decode()}"):
            check(any("ermissions Violation" in e for e in injects(b, *p)), "not refused")
    with report.case(f"{v}: attack: a wildcard to publish to"):
        injects(b, "shop.*.x", b"1")
        injects(b, "shop.>", b"1")
    with report.case(f"{v}: attack: a right to answer, got by asking oneself with the victim's subject as reply"):
        with b.connect() as x:
            x.subscribe("shop.b.loop")
            x.publish("shop.b.loop", b"1", "shop.a.command")
            x.flush()
            x.wait(0.1)
            equal(len(x.take()), 1, "messages to itself")
            check(any("ermissions Violation" in e for e in x.refusals(("shop.a.command", b"spoofed"))), "not refused")
            victim.wait(0.1)
            equal(victim.take(), [], "injected")
    with report.case(f"{v}: attack: a reply subject makes nobody answer to the victim"):
        injects(b, "shop.b.nobody", b"1", "shop.a._INBOX.9")
    with report.case(f"{v}: attack: another's account, by user name without and with the own password"):
        for user, password in ((a.user, b.password), (a.user, ""), (a.user, None), ("", ""), (None, None),
                               (ADMIN, b.password), (f"tentc/{a.enclave}", b.password), ("tentc/default/0", b.password),
                               (b.user.upper(), b.password), (f"{b.user} ", b.password)):
            try:
                cluster.client(user, password).close()
            except Refused as e:
                contains(str(e), "Authorization Violation")
            else:
                check(False, f"{user!r} was let in")
    with report.case(f"{v}: attack: a hash from the file is no password"):
        line = next(x for x in cluster.files()["accounts-0.conf"].splitlines() if '"shop.a"' in x)
        try:
            cluster.client("shop.a", line.split('password: "')[1].split('"')[0]).close()
        except Refused:
            pass
        else:
            check(False, "the hash was taken for a password")
    with report.case(f"{v}: attack: all connections of the enclave are taken, and its tentacles are registered still"):
        narrow = make_probe(os.path.dirname(os.path.dirname(os.path.dirname(probe.program))), cluster,
                            more="limits: {connections: 3}, ")
        narrow.fine("apply", "shop", "b")
        held = []
        try:
            while True:
                held.append(b.connect())
                check(len(held) < 50, "there is no limit")
        except Refused as e:
            contains(str(e), "maximum account active connections exceeded")
        narrow.fine("apply,verify", "shop", "b")
        narrow.fine("apply", "shop", "n")
        for x in held:
            x.close()
        narrow.fine("destroy", "shop", "n")
        probe.fine("apply", "shop", "b")
    if victim.ended:
        victim = a.connect()
    victim.close()
    for enclave, name in names:
        probe.fine("destroy", enclave, name)


def consumes(report, cluster, probe, v):
    probe.fine("apply", "shop", "a")
    probe.fine("apply", "bank", "a")
    probe.fine("apply,verify,observe", "shop", "b", consumes="a")
    a, b, foreign = (Tenant(cluster, probe, *p) for p in (("shop", "a"), ("shop", "b"), ("bank", "a")))
    with report.case(f"{v}: consumes: what is published below public arrives, and nothing else"):
        with a.connect() as producer, b.connect() as consumer:
            equal(consumer.refusals(("shop.a.public.>",), ("shop.a.public.prices", "q")), [])
            for subject in ("shop.a.x", "shop.a.public", "shop.a.publicity.x", "shop.a._INBOX.1", "shop.a.public.prices"):
                producer.publish(subject, subject.encode())
            producer.flush()
            consumer.wait(0.1)
            equal({m[0] for m in consumer.take()}, {"shop.a.public.prices"})
            equal(producer.errors, [])
    with report.case(f"{v}: consumes: never published to, nor subscribed above, nor in another enclave"):
        with b.connect() as consumer, a.connect() as producer, foreign.connect() as other:
            producer.subscribe("shop.a.>")
            for action in (("shop.a.public.prices", b"fake"), ("shop.a.public.x", b"fake", "shop.b._INBOX.1"),
                           ("shop.a.public",), ("shop.a.>",), ("shop.a.*.prices",), ("shop.*.public.>",),
                           ("*.a.public.>",), ("bank.a.public.>",)):
                check(any("ermissions Violation" in e for e in consumer.refusals(action)), f"{action} was not refused")
            other.publish("bank.a.public.x", b"of the bank")
            other.flush()
            consumer.wait(0.1)
            producer.wait(0.1)
            equal((consumer.take(), producer.take()), ([], []))
    with report.case(f"{v}: consumes: a message with a reply subject gives no right to answer"):
        with a.connect() as producer, b.connect() as consumer:
            consumer.subscribe("shop.a.public.>")
            producer.subscribe("shop.a._INBOX.>")
            producer.publish("shop.a.public.x", b"?", "shop.a._INBOX.1")
            producer.flush()
            consumer.wait(0.1)
            equal(len(consumer.take()), 1)
            check(consumer.refusals(("shop.a._INBOX.1", b"answer")), "not refused")
    with report.case(f"{v}: consumes no more: a live session loses the subscription, and is kept"):
        with a.connect() as producer, b.connect() as consumer:
            consumer.subscribe("shop.a.public.>")
            run = probe.fine("observe", "shop", "b")
            equal((run.state, run.differs), ("differs", ['user "shop.b" has other permissions than it should have']))
            probe.fine("apply", "shop", "b")
            producer.publish("shop.a.public.x")
            producer.flush()
            consumer.wait(0.1)
            equal((consumer.take(), consumer.ended), ([], False))
    for enclave, name in (("shop", "a"), ("shop", "b"), ("bank", "a")):
        probe.fine("destroy", enclave, name)


def drift(report, cluster, build, probe, v):
    path = os.path.join(cluster.accounts, "accounts-0.conf")

    def edit(old, new):
        with open(path) as f:
            text = f.read()
        check(old in text, f"{old} is not in the file")
        put(text.replace(old, new, 1))

    def put(text):
        """At once: a server that reloads meanwhile is not to see a part of it."""
        with open(path + ".new", "w") as f:
            f.write(text)
        os.rename(path + ".new", path)

    probe.fine("apply", "shop", "web")
    web = Tenant(cluster, probe, "shop", "web")
    for name, old, new, why in (
            ("permissions", 'publish: "shop.web.>"', 'publish: ">"', "has other permissions"),
            ("password", 'password: "$2b$04$', 'password: "$2a$04$', "has another password"),
            ("limits", "max_connections: 1000", "max_connections: 7", "was changed by hand"),
            ("a line gone", '    {user: "shop.web"', '    # {user: "shop.web"', None)):
        with report.case(f"{v}: drift: {name}: seen and repaired"):
            good = cluster.files()
            edit(old, new)
            cluster.reload()
            run = probe("observe", "shop", "web")
            if why:
                equal(run.state, "differs")
                contains(" ".join(run.differs), why)
                probe.fine("apply", "shop", "web")
                equal(probe.fine("observe", "shop", "web").state, "applied")
            else:
                equal(run.state, "foreign")
                put(good["accounts-0.conf"])
                cluster.reload()
                until(lambda: probe("observe", "shop", "web").state == "applied", 10, "loaded again")
            equal(cluster.files(), good)
            exchange(web)
    with report.case(f"{v}: drift: a line that is not tentc's: refused, left, and named"):
        good = cluster.files()
        edit('"shop" {', '"mine" { users: [{user: "mine", password: "my-own-secret"}] }\n"shop" {')
        before = cluster.files()
        for operation in ("apply", "retain", "destroy"):
            run = probe(operation, "shop", "web")
            equal(run.status, REJECTED)
            contains(run.error, "holds something that is not tentc's in line 4")
            check("my-own-secret" not in run.output, "the line is shown")
        run = probe.fine("observe", "shop", "web")
        equal(run.state, "foreign")
        equal(cluster.files(), before)
        put(good["accounts-0.conf"])
        cluster.reload()
    with report.case(f"{v}: foreign: a file that tentc has not begun is refused and left"):
        text = 'theirs { users: [{user: "x", password: "y"}] }\n'
        put(text)
        run = probe("apply", "shop", "web")
        equal(run.status, REJECTED)
        contains(run.error, "does not begin as tentc begins its files")
        equal(cluster.files()["accounts-0.conf"], text)
        put(good["accounts-0.conf"])
        cluster.reload()
    with report.case(f"{v}: foreign: another installation's file is refused, by both names"):
        other = make_probe(build, cluster, installation="blue")
        before = cluster.files()
        for operation in ("apply", "destroy"):
            run = other(operation, "shop", "web")
            equal(run.status, REJECTED)
            contains(run.error, 'belongs to the installation "default", and this is "blue"')
        equal(other.fine("observe", "shop", "web").state, "foreign")
        equal(cluster.files(), before)
    with report.case(f"{v}: foreign: an account of the server's own configuration is not taken over"):
        before = cluster.files()
        run = probe("apply", "legacy", "web")
        equal(run.status, REJECTED)
        contains(run.error, 'the account "legacy" is one that the server\'s own configuration has')
        equal(cluster.files(), before)
        cluster.client("old", "old-secret").close()
    with report.case(f"{v}: a key that comes after: every credential is another one"):
        keys = os.path.join(cluster.folder, "keys2")
        subprocess.run([probe.tentc, "keygen", "--key-id", "k2"], check=True, timeout=30,
                       stdout=open(keys, "w"), stderr=subprocess.PIPE)
        with open(probe.keys) as f, open(keys, "a") as out:
            out.write(f.read())
        later = make_probe(build, cluster, key_id="k2", keys=keys)
        later.fine("apply,verify,observe", "shop", "web")
        refused_everywhere(web)
        exchange(Tenant(cluster, later, "shop", "web"))
        probe.fine("apply", "shop", "web")
    with report.case(f"{v}: names that the server's configuration could take for something else"):
        for enclave, name in (("include", "a"), ("123", "1"), ("true", "no"), ("1k", "x"), ("a-b", "c"), ("a", "b-c"),
                              ("users", "users"), ("sys", "sys"), ("e" * 63, "n" * 63)):
            probe.fine("apply,verify,observe", enclave, name)
            exchange(Tenant(cluster, probe, enclave, name))
            probe.fine("destroy", enclave, name)
    probe.fine("destroy", "shop", "web")


def single(report, cluster, build, v):
    probe = make_probe(build, cluster, more="subjects: single, ")
    with report.case(f"{v}: subjects: single: one token, and no more"):
        probe.fine("apply,verify,observe", "shop", "one")
        t = Tenant(cluster, probe, "shop", "one")
        equal(t.subject, "shop.one.*")
        with t.connect() as x:
            equal(x.refusals(("shop.one.x",), ("shop.one.*",), ("shop.one.x", b"1")), [])
            # the server takes ">" for the one token, so that subscribing to shop.one.> is let through; nobody else
            # may publish there
            for action in (("shop.one.x.y",), ("shop.one.x.y", b"1"), ("shop.*",), ("shop.*.*",), (">",)):
                check(x.refusals(action), f"{action} was not refused")
        probe.fine("destroy", "shop", "one")


def shards(report, build, version):
    with Cluster(version, 1, shards=8) as cluster:
        one, eight, four = (make_probe(build, cluster, admin=f"shards: '{n}', ") for n in (1, 8, 4))
        names = [(f"e{k}", "web") for k in range(12)]

        def all_there(probe):
            for enclave, name in names:
                equal(probe.fine("observe", enclave, name).state, "applied", enclave)
                Tenant(cluster, probe, enclave, name).connect().close()
            lines = [x for text in cluster.files().values() for x in text.splitlines()]
            equal(len([x for x in lines if x.startswith("    {user:")]), len(names))
            equal(len([x for x in lines if x.startswith('"e')]), len(names))

        for enclave, name in names:
            one.fine("apply", enclave, name)
        with report.case(f"{version}: shards: from 1 to 8: all users move at once, and none twice"):
            run = eight.fine("observe", "e0", "web")
            equal(run.state, "differs")
            with Tenant(cluster, one, "e3", "web").connect() as session:
                for enclave, name in names:
                    eight.fine("apply", enclave, name)
                session.flush()
            all_there(eight)
            check(len([t for t in cluster.files().values() if "    {user" in t]) > 3, "they are not spread")
        with report.case(f"{version}: shards: a move that is killed at every step is ended by the next run"):
            for probe in (four, one, eight, one, four):
                n = 0
                while True:
                    n += 1
                    run = probe("apply", "e0", "web", kill_at=n)
                    if not run.killed:
                        break
                for enclave, name in names:
                    probe.fine("apply", enclave, name)
                all_there(probe)


def jetstream(report, build, version):
    with Cluster(version, 1, jetstream=True) as cluster:
        probe = make_probe(build, cluster, more="limits: {jetstream: 16}, ")
        plain = make_probe(build, cluster)
        if version == "2.9":
            with report.case(f"{version}: JetStream: refused, since this server lets a tentacle empty others' streams"):
                run = probe("apply", "shop", "a")
                equal((run.status, run.steps), (USAGE, []))
                contains(run.error, "before 2.12 a tentacle with JetStream can empty the streams of others")
                contains(" ".join(probe.fine("probe").complaints), "before 2.12")
            return
        for name in ("a", "b"):
            probe.fine("apply,verify", "shop", name)
        a, b = (Tenant(cluster, probe, "shop", n) for n in ("a", "b"))
        with report.case(f"{version}: JetStream: what is published below stream is kept, and read by a consumer"):
            with a.connect() as x:
                for k in range(3):
                    contains(x.request("shop.a.stream.x", b"%d" % k).decode(), '"stream":"shop_a"')
                contains(x.request("$JS.API.CONSUMER.DURABLE.CREATE.shop_a.d", b'{"stream_name":"shop_a","config":'
                                   b'{"durable_name":"d","ack_policy":"explicit"}}').decode(), '"name":"d"')
                equal(x.request("$JS.API.CONSUMER.MSG.NEXT.shop_a.d", b"1"), b"0")
            run = probe.fine("observe", "shop", "a")
            equal((run.state, run.number("items")), ("applied", 3))
            check(run.number("bytes") > 0, "no bytes")
        with report.case(f"{version}: JetStream: another's stream is neither read, nor changed, nor spied upon"):
            with b.connect() as x:
                for subject, body in (
                        ("$JS.API.STREAM.INFO.shop_a", b""), ("$JS.API.STREAM.PURGE.shop_a", b""),
                        ("$JS.API.STREAM.DELETE.shop_a", b""), ("$JS.API.STREAM.DELETE.shop_b", b""),
                        ("$JS.API.STREAM.MSG.GET.shop_a", b'{"seq":1}'), ("$JS.API.DIRECT.GET.shop_a", b'{"seq":1}'),
                        ("$JS.API.CONSUMER.CREATE.shop_a", b"{}"), ("$JS.API.CONSUMER.MSG.NEXT.shop_a.d", b"1"),
                        ("$JS.API.STREAM.UPDATE.shop_b", b'{"name":"shop_b","subjects":["shop.>"]}'),
                        ("$JS.API.STREAM.CREATE.spy", b'{"name":"spy","subjects":["shop.a.other"]}'),
                        ("$JS.API.STREAM.RESTORE.shop_b", b"{}"), ("$JS.API.STREAM.SNAPSHOT.shop_a", b"{}"),
                        ("$JS.API.STREAM.NAMES", b""), ("$JS.API.INFO", b""),
                        ("$JS.ACK.shop_a.d.1.1.1.1.0", b"+TERM")):
                    check(any("ermissions Violation" in e for e in x.refusals((subject, body, "shop.b._INBOX.9"))),
                          f"{subject} was not refused")
                # a consumer of one's own, named for another's stream
                answer = x.request("$JS.API.CONSUMER.CREATE.shop_b.z.shop.a.>", b'{"stream_name":"shop_a","config":'
                                   b'{"name":"z","filter_subject":"shop.a.>","ack_policy":"none"}}')
                check(answer is None or b'"error"' in answer, f"answered {answer}")
                # answers that would be requests to JetStream, were they taken for some
                for k in range(3):
                    x.publish("shop.b.stream.x", b"", "$JS.API.STREAM.DELETE.shop_a")
                    x.publish("shop.b.stream.x", b'{"seq":9}', "$JS.API.STREAM.PURGE.shop_a")
                x.flush()
                x.request("$JS.API.CONSUMER.DURABLE.CREATE.shop_b.d", b'{"stream_name":"shop_b","config":'
                          b'{"durable_name":"d","ack_policy":"none"}}')
                for target in ("DELETE", "PURGE") * 3:
                    x.publish("$JS.API.CONSUMER.MSG.NEXT.shop_b.d", b"1", f"$JS.API.STREAM.{target}.shop_a")
                for target in ("$JS.API.STREAM.PURGE.shop_a", "$JS.API.STREAM.DELETE.shop_a", "shop.a.pushed"):
                    x.request(f"$JS.API.CONSUMER.DURABLE.CREATE.shop_b.p{len(target)}", (
                        '{"stream_name":"shop_b","config":{"durable_name":"p%d","ack_policy":"none",'
                        '"deliver_subject":"%s"}}' % (len(target), target)).encode())
                x.wait(0.3)
            equal(probe.fine("observe", "shop", "a").number("items"), 3)
        with report.case(f"{version}: JetStream: the limit is the enclave's"):
            with a.connect() as x:
                body = b"x" * 1000000
                answers = [x.request("shop.a.stream.big", body) for _ in range(20)]
                check(any(b"error" in (y or b"") for y in answers), "more than 16 MiB were taken")
        with report.case(f"{version}: JetStream: retained: refused, and the data is there afterwards"):
            items = probe.fine("observe", "shop", "a").number("items")
            run = probe.fine("retain,observe", "shop", "a")
            equal((run.state, run.number("items")), ("retained", items))
            refused_everywhere(a)
            probe.fine("retain", "shop", "b")
            probe.fine("apply,verify", "shop", "a")
            equal(probe.fine("observe", "shop", "a").number("items"), items)
        with report.case(f"{version}: JetStream: destroyed: killed at every step, then gone, and a new one is empty"):
            n = 0
            while True:
                n += 1
                if not probe("destroy", "shop", "a", kill_at=n).killed:
                    break
            check(n > 4, f"only {n} steps")
            equal(probe.fine("destroy,observe", "shop", "a").state, "absent")
            run = probe.fine("apply,observe", "shop", "a")
            equal((run.state, run.number("items")), ("applied", 0))
            probe.fine("destroy", "shop", "a")
            probe.fine("destroy", "shop", "b")
        with report.case(f"{version}: JetStream: off by default"):
            plain.fine("apply", "shop", "a")
            with Tenant(cluster, plain, "shop", "a").connect() as x:
                check(x.refusals(("$JS.API.INFO", b"", "shop.a._INBOX.1")), "not refused")


def tls(report, build, version):
    with Cluster(version, 1, tls=True) as cluster:
        port = cluster.servers[0].port
        ca = open(os.path.join(cluster.folder, "ca.pem")).read()
        folded = "tls: {mode: %s, ca: " + repr(ca).replace("'", '"') + "}, "

        def probe(mode, host="localhost", with_ca=True):
            more = (folded % mode) if with_ca else f"tls: {{mode: {mode}}}, "
            return make_probe(build, cluster, more=more, url=f"tls://{host}:{port}")

        with report.case(f"{version}: TLS: the certificate is checked, and all operations go over it"):
            probe("verify-full").fine("apply,verify,observe,retain,destroy", "shop", "web")
        with report.case(f"{version}: TLS: another name in the certificate, another CA, no TLS wanted: refused"):
            for p, why in ((probe("verify-full", "127.0.0.1"), "CN"), (probe("verify-full", with_ca=False), "handshake"),
                           (probe("disable", with_ca=False), "tls.mode is disable")):
                run = p("apply", "shop", "web")
                equal(run.status, USAGE, run.output)
                contains(run.error, why)
        with report.case(f"{version}: TLS: required, the name is not looked at, the CA is where it is given"):
            probe("require", "127.0.0.1").fine("apply,verify,destroy", "shop", "web")
            probe("require", with_ca=False).fine("apply,destroy", "shop", "web")
    with Cluster(version, 1) as cluster:
        with report.case(f"{version}: TLS: a server that offers none gets no password"):
            run = make_probe(build, cluster, more="tls: {mode: require}, ")("apply", "shop", "web")
            equal(run.status, USAGE)
            contains(run.error, "the server offers no TLS")
            check("CONNECT" not in cluster.logged(), "it was sent a CONNECT")


def doctor(report, cluster, build, probe, v):
    with report.case(f"{v}: the probe of a server that is as it should be"):
        run = probe.fine("probe")
        contains(run.output, f"version nats-server {v}")
        equal([c for c in run.complaints if "cannot be told to reload" not in c], [])
    with report.case(f"{v}: the probe: wrong password, no system account, a file that is not included"):
        wrong = make_probe(build, cluster, environment={"TENTACULAR_NATS_TOKEN": "wrong-secret"})
        run = wrong("probe")
        equal(run.status, USAGE)
        contains(run.error, "the server refused user or password")
        more = make_probe(build, cluster, admin="shards: '2', ")
        more.fine("probe")
        run = more("apply", *next(("e%d" % k, "x") for k in range(99) if _odd(f"e{k}")), seconds=2)
        equal(run.status, RETRY)
        contains(run.error, "include that file in accounts" if v != "2.9" else "SIGHUP")
        os.remove(os.path.join(cluster.accounts, "accounts-1.conf"))
        # what was written for two files is moved back
        probe.fine("apply,destroy", "shop", "web")


def _odd(text):
    import hashlib
    return int(hashlib.sha256(text.encode()).hexdigest()[:8], 16) % 2 == 1


def secrets(report, cluster, probe, seen, v):
    with report.case(f"{v}: no secret in the servers' logs, the files, the command lines or what was printed"):
        passwords = [probe.secret(e, n, epoch)["tentacular-nats.token"]
                     for e, n in (("shop", "web"), ("shop", "a"), ("shop", "b"), ("bank", "c")) for epoch in (0, 1)]
        passwords += [ADMIN_PASSWORD]
        logged, files = cluster.logged(), "".join(cluster.files().values())
        contains(logged, "[CONNECT ", "the log")
        for p in passwords:
            check(p not in logged, "a password is in a server's log")
            check(p not in files, "a password is in a file")
            check(not any(p in c for c in seen.seen.copy()), "a password was in a command line")
            check(p not in printed(), "a password was printed")


_printed = []


def printed():
    return "".join(_printed)


def keep_output():
    """Every answer of every run, for the last look."""
    end = Probe.end

    def kept(self, *args, **kw):
        run = end(self, *args, **kw)
        _printed.append(run.output)
        return run
    Probe.end = kept


def amounts(report, build, version):
    count = 1000
    shards = 4
    with Cluster(version, 1, shards=shards) as cluster:
        probe = make_probe(build, cluster, admin=f"shards: '{shards}', ")
        with report.case(f"{version}: {count} tentacles, and again with nothing to do"):
            first = probe.fine("apply-all", "shop", "n", count=count, timeout=300)
            again = probe.fine("apply-all,observe-all", "shop", "n", count=count, timeout=300)
            equal(int(again.number("all applied")), count)
            one = sorted(probe.fine("apply", "shop", f"m{k}").number("apply") for k in range(5))[2]
            print(f"  # {version}: {count} at once {first.number('apply-all'):.0f} ms, again "
                  f"{again.number('apply-all'):.0f} ms, observe_all {again.number('observe-all'):.0f} ms, one more "
                  f"beside them {one:.0f} ms")


def resident(server):
    """MB."""
    with open(f"/proc/{server.process.pid}/status") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("VmRSS:")) / 1024


def reload_time(cluster):
    """Of one server, without a change; 2.9 cannot be asked."""
    with cluster.client(ADMIN, ADMIN_PASSWORD) as c:
        start = time.monotonic()
        c.request(f"$SYS.REQ.SERVER.{c.info['server_id']}.RELOAD", b"{}", 60)
        return (time.monotonic() - start) * 1000


def soak(report, build, version):
    if not os.environ.get("SOAK"):
        return
    with Cluster(version, 2, shards=16) as cluster:
        probe = make_probe(build, cluster, admin="shards: '16', ")
        with report.case(f"{version}: 10,000 users of 100 enclaves over 16 shards and two servers"):
            empty, start = resident(cluster.servers[0]), time.monotonic()
            for k in range(100):
                probe.fine("apply-all", f"e{k}", "n", count=100, timeout=300)
            total = time.monotonic() - start
            one = sorted(probe.fine("apply", "shop", f"m{k}").number("apply") for k in range(5))[2]
            seen = probe.fine("observe-all", timeout=300)
            equal(int(seen.number("all applied")), 10005)
            size = sum(map(len, cluster.files().values()))
            print(f"  # {version}: 10,000 users in {total:.0f} s, one more {one:.0f} ms, observe_all "
                  f"{seen.number('observe-all'):.0f} ms, files {size} bytes, nats-server {empty:.0f} MB before, "
                  f"{resident(cluster.servers[0]):.0f} MB after"
                  + ("" if version == "2.9" else f", one reload {reload_time(cluster):.0f} ms"))


def main():
    build = sys.argv[1]
    report = Report()
    keep_output()
    for version, why in nats_server.reasons().items():
        report.skip(f"nats-server {version}", why)
    for version in nats_server.versions():
        with Cluster(version, 2) as cluster, CommandLines() as seen:
            probe = make_probe(build, cluster)
            life(report, cluster, probe, version)
            attacks(report, cluster, probe, version)
            consumes(report, cluster, probe, version)
            drift(report, cluster, build, probe, version)
            single(report, cluster, build, version)
            doctor(report, cluster, build, probe, version)
            secrets(report, cluster, probe, seen, version)
        shards(report, build, version)
        jetstream(report, build, version)
        tls(report, build, version)
        amounts(report, build, version)
        soak(report, build, version)
    return report.end()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as _:
        sys.exit(main())
