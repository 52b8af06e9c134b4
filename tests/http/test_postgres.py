# SPDX-License-Identifier: Apache-2.0
"""Several servers on one PostgreSQL database, and a database that comes and goes."""

import re
import subprocess
import threading

import postgres as support_postgres
import pytest
from ports import free_port
from support import EINION, wait_until

AGENT = {"name": "n", "description": "d", "code": "async def run(input_dict, tools):\n    return 1"}


@pytest.fixture
def pair(start_server, postgres):
    """Two servers that share a schema of their own."""

    def start():
        sets = ["plugins.storage-postgres.schema=pair"]
        return start_server(backend="postgres", sets=sets, env={"DATABASE_URL": postgres()})

    return start(), start()


def test_what_one_server_writes_the_other_reads(pair):
    one, other = pair
    created = one.post("/agents", AGENT).json
    assert other.get(f"/agents/{created['_id']}").json == created
    changed = other.put(f"/agents/{created['_id']}", {"name": "m", "_rev": created["_rev"]})
    assert changed.status == 200
    assert one.get(f"/agents/{created['_id']}").json["name"] == "m"
    assert one.put(f"/agents/{created['_id']}", {"name": "x", "_rev": created["_rev"]}).status == 409
    assert one.delete(f"/agents/{created['_id']}").status == 204
    assert other.get(f"/agents/{created['_id']}").status == 404


def test_a_name_is_deployed_once_whichever_server_is_asked(pair):
    agents = [pair[i % 2].post("/agents", AGENT | {"friendlyName": "race"}).json["_id"] for i in range(8)]
    statuses = []

    def deploy(i):
        statuses.append(pair[i % 2].post(f"/agents/{agents[i]}/deploy").status)

    threads = [threading.Thread(target=deploy, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [201] + [409] * 7
    assert len(pair[0].get("/deployments").json) == 1


def test_a_database_that_goes_is_missed_and_one_that_comes_back_is_used(start_server, tmp_path):
    with support_postgres.server() as url:
        server = start_server(backend="postgres", env={"DATABASE_URL": url})
        created = server.post("/agents", AGENT).json
    reply = server.get(f"/agents/{created['_id']}")
    assert reply.status == 503 and "database" in reply.detail
    assert url not in reply.text
    assert server.post("/agents", AGENT).status == 503
    assert server.get("/readyz").status == 503
    assert server.get("/health").status == 200


def test_connections_that_the_database_ended_are_made_anew(start_server, postgres):
    server = start_server(backend="postgres", env={"DATABASE_URL": postgres()})
    created = server.post("/agents", AGENT).json
    support_postgres.query(postgres(), "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
    wait_until(lambda: server.get(f"/agents/{created['_id']}").status == 200, 5, "the agent to be read again")
    assert server.post("/agents", AGENT).status == 201


def test_check_says_where_documents_are_kept_and_a_backup_who_makes_it(postgres, tmp_path):
    def run(*words):
        command = [EINION, "--set", "storage.backend=postgres", "--set", f"listen.port={free_port()}", *words]
        env = {"PATH": "/usr/bin:/bin", "EINION_STATE_DIR": str(tmp_path), "DATABASE_URL": postgres()}
        return subprocess.run(command, capture_output=True, text=True, timeout=300, env=env)

    told = run("check")
    assert told.returncode == 0, told.stderr
    assert re.search(r"(?m)^documents are kept in PostgreSQL \d+ at \S+, database \S+, schema einion$", told.stdout), told.stdout
    assert "einion.db" not in told.stdout
    told = run("backup", tmp_path / "copy")
    assert told.returncode == 1 and "einion export works with every storage" in told.stderr
    assert not (tmp_path / "einion.db").exists()


@pytest.mark.parametrize("command", ["check", "serve"])
@pytest.mark.parametrize("url", ["postgresql://nobody@/none?host=/nonexistent", "postgresql://x:secret-word@127.0.0.1:1/x", "nonsense"])
def test_a_database_that_cannot_be_reached_is_said_without_its_password(url, command, postgres, tmp_path):
    done = subprocess.run(
        [EINION, "--set", "storage.backend=postgres",
         "--set", f"listen.port={free_port()}", command],
        capture_output=True, text=True, timeout=300,
        env={"PATH": "/usr/bin:/bin", "EINION_STATE_DIR": str(tmp_path), "DATABASE_URL": url},
    )  # fmt: skip
    assert done.returncode == 1
    assert "cannot be reached" in done.stderr, done.stderr
    assert "secret-word" not in done.stderr + done.stdout
