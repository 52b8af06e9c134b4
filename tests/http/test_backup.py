# SPDX-License-Identifier: Apache-2.0
"""einion backup: a copy that a server can be started on, taken while another one writes."""

import os
import shutil
import subprocess
import threading

import pytest
from support import EINION, Server


def backup(server, path):
    return subprocess.run([str(EINION), "backup", str(path)], env=server.environment(),
                          capture_output=True, text=True, timeout=300)


def add_agent(server, name):
    return server.post("/agents", {"name": name, "description": "d", "code": "c"}).json


def test_a_backup_of_a_busy_server_holds_all_that_was_answered_before(start_server, tmp_path):
    server = start_server()
    before = [add_agent(server, f"before-{number}") for number in range(20)]
    done = threading.Event()

    def write_on():
        while not done.is_set():
            add_agent(server, "later")

    writer = threading.Thread(target=write_on)
    writer.start()
    try:
        copied = backup(server, tmp_path / "copy.db")
    finally:
        done.set()
        writer.join()
    assert copied.returncode == 0, copied.stderr

    state = tmp_path / "restored"
    state.mkdir()
    shutil.copy(tmp_path / "copy.db", state / "einion.db")
    restored = Server(state=state)
    try:
        restored.start()
        agents = {agent["_id"]: agent for agent in restored.get("/agents").json}
        assert all(agents.get(agent["_id"]) == agent for agent in before)
    finally:
        restored.stop()


def test_a_backup_of_a_killed_server_holds_what_it_answered(start_server, tmp_path):
    server = start_server()
    agent = add_agent(server, "answered")
    server.kill()

    assert backup(server, tmp_path / "copy.db").returncode == 0
    assert server.start().get(f"/agents/{agent['_id']}").json == agent


def test_a_backup_writes_over_nothing(sqlite_server, tmp_path):
    path = tmp_path / "precious"
    path.write_text("mine")
    refused = backup(sqlite_server, path)

    assert refused.returncode == 1 and "exists already" in refused.stderr
    assert path.read_text() == "mine" and list(tmp_path.iterdir()) == [path]


def test_where_there_is_no_store_none_is_made(tmp_path):
    state = tmp_path / "none"
    refused = backup(Server(state=state), tmp_path / "copy.db")

    assert refused.returncode == 1 and "No such file" in refused.stderr
    assert not state.exists() and not (tmp_path / "copy.db").exists()


def test_a_backup_in_the_place_of_a_killed_servers_store_is_what_it_was(start_server, tmp_path):
    server = start_server()
    before = add_agent(server, "before")
    assert backup(server, tmp_path / "copy.db").returncode == 0
    for number in range(20):
        add_agent(server, f"after-{number}")
    server.kill()
    assert (server.state / "einion.db-wal").stat().st_size > 0  # which is not the copy's
    shutil.copy(tmp_path / "copy.db", server.state / "einion.db")
    restored = start_server(state=server.state)
    assert restored.get("/agents").json == [before]
    assert "was restored" in restored.log()
    later = add_agent(restored, "later")
    restored.kill()
    again = start_server(state=server.state)  # its own WAL counts
    assert again.get("/agents").json == [before, later]


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_what_root_makes_in_the_folder_of_a_service_is_the_services(start_server, tmp_path):
    service, copy, state = 65534, tmp_path / "copy.jsonl", tmp_path / "state"
    state.mkdir()
    os.chown(state, service, service)
    path = f"plugins.storage-sqlite.path={state}/a/einion.db"
    for command in (["audit", "verify"], ["export", str(copy)], ["import", str(copy)], ["rotate-keys"]):
        done = subprocess.run([str(EINION), "--set", path, *command], capture_output=True, text=True,
                              env={"PATH": os.environ["PATH"], "EINION_STATE_DIR": str(state)})  # fmt: skip
        assert done.returncode == 0, done.stderr
    server = start_server(state=state, sets=[path], ready=True)
    assert server.stop() == 0
    made = {path.relative_to(state).as_posix(): path.stat().st_uid for path in state.rglob("*")}
    assert {"a", "a/einion.db", "a/einion.db.lock", "vault.key", "vault.key.lock"} <= set(made)
    assert set(made.values()) == {service}, made
