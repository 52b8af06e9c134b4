# SPDX-License-Identifier: Apache-2.0
"""A PostgreSQL that stops, moves, stalls, refuses or is locked: what clients hear, when, and that the server gets over
it by itself."""

import contextlib
import os
import pathlib
import re
import signal
import subprocess
import threading
import time

import postgres as support_postgres
import pytest
from support import SCALE, Server, wait_until
from tcp_proxy import Proxy

AGENT = {"name": "n", "description": "d", "code": "async def run(input_dict, tools):\n    return 1"}
AGAIN = "Others are changing the same in the database: try again"
pytestmark = pytest.mark.skipif(not support_postgres.programs(), reason="PostgreSQL is not installed")


def setting(**settings):
    return [f"plugins.storage-postgres.{name}={value}" for name, value in settings.items()]


@pytest.fixture
def cluster():
    with support_postgres.Cluster() as cluster:
        yield cluster


@pytest.fixture
def start(start_server):
    return lambda url, **settings: start_server(backend="postgres", env={"DATABASE_URL": url}, sets=setting(**settings))


@pytest.fixture
def network(cluster):
    """To the cluster: a proxy, and the URL that leads there."""
    with Proxy(f"{cluster.folder}/.s.PGSQL.5432") as proxy:
        yield proxy, f"postgresql://einion@127.0.0.1:{proxy.port}/postgres?sslmode=disable"


def refused(reply, detail):
    assert (reply.status, reply.detail) == (503, detail), reply
    assert int(reply.header("Retry-After")) > 0


def refusal(url, tmp_path, **settings):
    """What a server says that does not start."""
    server = Server("postgres", sets=setting(**settings), env={"DATABASE_URL": url}, state=tmp_path).spawn()
    server.expect_end = True
    assert server.process.wait(60 * SCALE) == 1, server.log()
    return server.log()


# ---- it stops and starts ----


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGQUIT], ids=["in order", "immediately"])
def test_a_database_that_was_restarted_is_used_again(cluster, start, how):
    server = start(cluster.url)
    created = server.post("/agents", AGENT).json
    cluster.stop(how)
    refused(server.get(f"/agents/{created['_id']}"), "The database cannot be reached")
    refused(server.post("/agents", AGENT), "The database cannot be reached")
    assert server.get("/health").status == 200
    ready = server.get("/readyz")
    assert ready.status == 503 and "The database cannot be reached" in ready.text and cluster.folder not in ready.text
    assert cluster.folder in server.log()  # the operator is told where
    cluster.start()
    server.wait_ready()  # though nobody asks for anything
    assert server.get(f"/agents/{created['_id']}").json == created
    assert server.post("/agents", AGENT).status == 201


def test_the_standby_that_was_promoted_is_found(cluster, start, tmp_path):
    with support_postgres.Cluster(primary=cluster) as standby:
        assert "read-only" in refusal(standby.url, tmp_path)
        server = start(f"postgresql://einion@/postgres?host={standby.folder},{cluster.folder}")
        created = server.post("/agents", AGENT).json
        position = support_postgres.query(cluster.url, "SELECT pg_current_wal_lsn()").strip()
        caught_up = f"SELECT pg_last_wal_replay_lsn() >= '{position}'"
        wait_until(lambda: support_postgres.query(standby.url, caught_up).strip() == "t", 10, "the standby")
        cluster.stop()
        refused(server.post("/agents", AGENT), "The database cannot be reached")
        standby.run("pg_ctl", "promote", "-D", standby.data)
        server.wait_ready()
        assert server.get(f"/agents/{created['_id']}").json == created
        assert server.post("/agents", AGENT).status == 201


def test_a_database_that_became_read_only_is_left(cluster, start):
    server = start(cluster.url)
    assert server.post("/agents", AGENT).status == 201
    for value, status in (("on", 503), ("off", 201)):
        support_postgres.query(f"{cluster.url}&options=-cdefault_transaction_read_only%3Doff",
                               f"ALTER ROLE einion SET default_transaction_read_only = {value}")  # fmt: skip
        support_postgres.query(cluster.url, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
        wait_until(lambda: server.post("/agents", AGENT).status == status, 10, f"a {status}")
    assert "session is read-only" in server.log()


# ---- it does not answer ----


def test_a_database_that_stalls_is_not_waited_for(network, start):
    proxy, url = network
    server = start(url, statement_ms=500, connect_s=2, wait_ms=3000, connections=2)
    created = server.post("/agents", AGENT).json
    proxy.stalled = True
    began, replies = time.monotonic(), []
    threads = [threading.Thread(target=lambda: replies.append(server.get(f"/agents/{created['_id']}"))) for _ in range(6)]
    for thread in threads:
        thread.start()
    assert server.get("/health", timeout=1 * SCALE).status == 200
    for thread in threads:
        thread.join()
    assert time.monotonic() - began < 8 * SCALE
    for reply in replies:
        assert reply.status == 503 and "database" in reply.detail and reply.header("Retry-After"), reply
    wait_until(lambda: server.get("/agents").status == 503 and server.get("/readyz").status == 503, 20, "the server to notice")
    proxy.stalled = False
    server.wait_ready()
    assert server.get(f"/agents/{created['_id']}").json == created


def test_a_write_that_is_not_confirmed_in_time_may_have_been_done(network, start):
    proxy, url = network
    server = start(url, statement_ms=500, connect_s=2, connections=2)
    assert server.post("/agents", AGENT).status == 201

    def cut(to_server, data):
        proxy.stalled = proxy.stalled or (to_server and b"late" in data)

    proxy.cut = cut
    refused(server.post("/agents", AGENT | {"name": "late"}), "The database does not answer: whether this was written is not known")
    proxy.cut, proxy.stalled = None, False
    server.wait_ready()
    assert [agent["name"] for agent in server.get("/agents").json] == ["n", "late"]


def test_a_database_that_stalls_while_it_makes_an_index_is_not_waited_for(network, tmp_path):
    proxy, url = network

    def cut(to_server, data):
        proxy.stalled = proxy.stalled or (to_server and b"CREATE INDEX" in data)

    proxy.cut = cut
    assert "The database does not answer" in refusal(url, tmp_path, index_ms=1000, connect_s=2)
    assert proxy.stalled


def test_who_cannot_be_connected_in_time_does_not_hold_up_others(cluster, network, start):
    proxy, url = network
    server = start(url, connect_s=2, connections=4)
    assert server.post("/agents", AGENT).status == 201
    proxy.stalled = True
    proxy.cut_all()
    wait_until(lambda: server.get("/readyz").status == 503, 20, "the server to notice")
    took = []
    for _ in range(5):
        began = time.monotonic()
        refused(server.get("/agents"), "The database cannot be reached")
        took.append(time.monotonic() - began)
    assert sorted(took)[1] < 0.5 * SCALE, took  # one at a time tries, the others are told at once


@pytest.mark.parametrize("to_server", [True, False], ids=["what is sent", "what is answered"])
def test_a_connection_that_breaks_anywhere_loses_nothing_that_was_answered(network, start, to_server):
    proxy, url = network
    server = start(url, connections=2)
    created, spent, unknown, not_known = [], 0, 0, 0
    assert server.post("/agents", AGENT).status == 201 and server.post("/users/me/usage", {"responseCost": 0.5}).status == 200

    for number in range(12):
        passed = [0]

        def cut(direction, data, number=number, passed=passed):
            before = passed[0]
            passed[0] += len(data) if direction == to_server else 0
            at = 140 * number
            return max(0, at - before) if direction == to_server and passed[0] > at else None

        proxy.cut = cut
        agent = server.post("/agents", AGENT | {"name": f"n{number}"})
        passed[0] = 0
        usage = server.post("/users/me/usage", {"responseCost": 0.5})
        proxy.cut = None
        for reply in (agent, usage):
            assert reply.status in (200, 201, 503), reply
        created += [agent.json["_id"]] if agent.status == 201 else []
        not_known += agent.status == 503 and "not known" in agent.detail
        spent += usage.status == 200
        spent += usage.status == 503 and "was recorded" in usage.detail
        unknown += usage.status == 503 and "not known" in usage.detail
        server.wait_ready()
    assert len(created) < 12
    agents = server.get("/agents")
    assert agents.status == 200, (agents, server.log()[-3000:])
    there = [agent["_id"] for agent in agents.json]
    assert set(created) <= set(there) and len(there) - 1 - len(created) <= not_known
    me = server.get("/users/me").json["usageInfo"]
    entries = len(me["usage"])
    assert me["spendRemaining"] == 100 - 0.5 * entries
    assert 1 + spent <= entries <= 1 + spent + unknown


POOLER = "/usr/sbin/pgbouncer"


@contextlib.contextmanager
def pooler(cluster, mode):
    """A PgBouncer before the cluster: its URL."""
    pathlib.Path(cluster.folder, "pooler.ini").write_text(
        f"[databases]\n* = host={cluster.folder} user=einion\n[pgbouncer]\nlisten_port = 6432\n"
        f"unix_socket_dir = {cluster.folder}\nauth_type = any\npool_mode = {mode}\n"
    )  # fmt: skip
    process = subprocess.Popen([POOLER, f"{cluster.folder}/pooler.ini"], stderr=subprocess.DEVNULL, **cluster.quiet())
    try:
        wait_until(lambda: os.path.exists(f"{cluster.folder}/.s.PGSQL.6432"), 10, "the pooler")
        yield f"{cluster.url}&port=6432"
    finally:
        process.kill()
        process.wait()


@pytest.mark.skipif(not os.path.exists(POOLER), reason="PgBouncer is not installed")
def test_a_pooler_has_to_give_each_connection_its_session(cluster, start, tmp_path):
    for mode in ("transaction", "statement"):
        with pooler(cluster, mode) as url:
            assert "(PgBouncer: pool_mode = session)" in refusal(url, tmp_path)
    with pooler(cluster, "session") as url:
        assert start(url).post("/agents", AGENT).status == 201


def test_no_two_connections_call_a_statement_the_same(network, start):
    """A pooler in transaction mode gives one the session of another: what is called so there must not run."""
    proxy, url = network
    names = []

    def look(to_server, data):
        if to_server:
            names.extend(re.findall(rb"P\0\0..([^\0]+)\0(?:SELECT|INSERT|UPDATE|DELETE)", data, re.DOTALL))

    proxy.cut = look
    server = start(url)
    threads = [threading.Thread(target=lambda: [server.post("/agents", AGENT) for _ in range(5)]) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(names) > 20 and len(set(names)) == len(names), names


# ---- it says no ----


def test_the_operator_s_timeouts_are_not_a_client_s_trouble(start):
    settings = [f"{name}={200 * SCALE}" for name in ("idle_session_timeout", "idle_in_transaction_session_timeout", "statement_timeout", "lock_timeout")]
    with support_postgres.Cluster(*settings) as cluster:
        server = start(cluster.url)
        for _ in range(4):
            time.sleep(0.3 * SCALE)
            assert server.post("/agents", AGENT).status == 201


def test_a_server_gets_on_with_the_connections_it_has(start):
    with support_postgres.Cluster("max_connections=10", "superuser_reserved_connections=0") as cluster, contextlib.ExitStack() as others:
        server = start(cluster.url)
        assert server.post("/agents", AGENT).status == 201
        said = "in\n"
        while said:  # until one is refused
            other = subprocess.Popen(["psql", "-X", "-q", cluster.url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
            others.callback(other.communicate)
            with contextlib.suppress(BrokenPipeError):
                other.stdin.write("\\echo in\n")
                other.stdin.flush()
            said = other.stdout.readline()
        statuses = []
        threads = [threading.Thread(target=lambda: statuses.append(server.post("/agents", AGENT).status)) for _ in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert statuses == [201] * 16
        assert server.get("/readyz").status == 200


def test_a_locked_table_is_not_waited_for(cluster, start):
    server = start(cluster.url, lock_ms=300, connections=2)
    created = server.post("/agents", AGENT).json
    lock = subprocess.Popen(["psql", "-X", "-q", cluster.url], stdin=subprocess.PIPE, text=True)
    lock.stdin.write("BEGIN; LOCK TABLE einion.set_agents IN ACCESS EXCLUSIVE MODE;\n")
    lock.stdin.flush()
    held = "SELECT count(*) FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND granted AND relation = 'einion.set_agents'::regclass"
    wait_until(lambda: support_postgres.query(cluster.url, held).strip() == "1", 10, "the lock")
    began = time.monotonic()
    refused(server.get(f"/agents/{created['_id']}"), "Somebody has locked a table of the database")
    assert time.monotonic() - began < 2 * SCALE
    assert server.get("/users/me").status == 200 and server.get("/readyz").status == 200
    lock.communicate("COMMIT;\n")
    assert server.get(f"/agents/{created['_id']}").json == created


def raising(cluster, state, times=1000000):
    """Whoever writes an agent hears STATE, so many times."""
    support_postgres.query(cluster.url, f"""
        CREATE SEQUENCE IF NOT EXISTS public.raised; ALTER SEQUENCE public.raised RESTART;
        CREATE OR REPLACE FUNCTION public.raise() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
          IF nextval('public.raised') <= {times} THEN
            RAISE EXCEPTION 'could not extend file "base/5/16388"' USING ERRCODE = '{state}';
          END IF;
          RETURN NEW; END $$;
        CREATE OR REPLACE TRIGGER raise BEFORE INSERT ON einion.set_agents FOR EACH ROW EXECUTE FUNCTION public.raise()""")


def test_what_the_database_refuses_is_said_in_a_sentence(cluster, start):
    server = start(cluster.url, statement_ms=1000)
    assert server.post("/agents", AGENT).status == 201
    for state, detail in (("53100", "The database's disk is full"), ("57014", "The database takes too long"), ("42501", "The database does not permit this any more"),
                          ("58030", "The database cannot read or write its files"), ("25006", "The database is read-only"), ("40001", AGAIN), ("40P01", AGAIN)):  # fmt: skip
        raising(cluster, state)
        refused(server.post("/agents", AGENT), detail)
        assert server.get("/agents").status == 200 and server.get("/readyz").status == 200
        assert [server.post("/agents", AGENT).status for _ in range(5)] == [503] * 5
    assert server.log().count('could not extend file "base/5/16388" (53100)') == 1


@pytest.mark.parametrize("state", ["40001", "40P01", "26000", "42P05"])
def test_what_passes_is_tried_again(cluster, start, state):
    server = start(cluster.url)
    assert server.post("/agents", AGENT).status == 201
    raising(cluster, state, times=1)
    assert server.post("/agents", AGENT).status == 201
    assert len(server.get("/agents").json) == 2


def test_a_role_that_may_not_log_in_any_more_is_not_named_to_clients(cluster, start):
    support_postgres.query(cluster.url, "CREATE ROLE clerk LOGIN SUPERUSER")
    server = start(cluster.url.replace("einion@", "clerk@"))
    assert server.post("/agents", AGENT).status == 201
    for may, status in (("NOLOGIN", 503), ("LOGIN", 201)):
        support_postgres.query(cluster.url, f"ALTER ROLE clerk {may}")
        support_postgres.query(cluster.url, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'clerk'")
        wait_until(lambda: server.post("/agents", AGENT).status == status, 10, f"a {status}")
        assert "clerk" not in server.get("/readyz").text
    assert 'role "clerk" is not permitted to log in' in server.log()


def test_tables_that_may_not_be_seen_any_more_are_no_others_change(cluster, start):
    support_postgres.query(cluster.url, "CREATE ROLE clerk LOGIN; GRANT CREATE ON DATABASE postgres TO clerk")
    server = start(cluster.url.replace("einion@", "clerk@"))
    assert server.post("/agents", AGENT).status == 201
    support_postgres.query(cluster.url, "ALTER SCHEMA einion OWNER TO einion")
    refused(server.post("/agents", AGENT), "The database's tables are gone, or not to be seen any more")
    assert "gone, or not to be seen any more (42P01)" in server.log()
    support_postgres.query(cluster.url, "ALTER SCHEMA einion OWNER TO clerk")
    assert server.post("/agents", AGENT).status == 201


@pytest.mark.parametrize("case", ["encoding", "tls"])
def test_a_database_that_does_not_do_is_refused_at_start(cluster, network, tmp_path, case):
    if case == "encoding":
        support_postgres.query(cluster.url, "CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0")
        assert "encoding is LATIN1, not UTF8" in refusal(cluster.url.replace("/postgres?", "/latin?"), tmp_path)
    else:
        assert "server does not support SSL" in refusal(network[1].replace("disable", "require"), tmp_path)
