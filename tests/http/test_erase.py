# SPDX-License-Identifier: Apache-2.0
"""DELETE /admin/users/{user_id}: what is theirs alone goes, everywhere."""

import json
import subprocess
import time
import uuid

import pytest
from agents import ECHO, deploy, make_agent, unique
from chats import SCRIPTED, ask, ended
from demos import api, make_demo
from people import SETS as AUTH_SETS
from people import Person
from people import room as people_room
from support import PATIENCE, logins, wait_until
from support import Person as LoggedIn
from vendor import Gate, raw

ADMIN = {"X-Admin-Password": "pw"}
SETS = ["plugins.auth-api-key.enabled=true", "plugins.chat.poll_ms=50", *(one for one in SCRIPTED if "runtime-python" not in one)]
STAY = {"users", "ledger_accounts", "ledger_entries", "audit"}  # the books, and who did what
SETS_OF_ALL = {"agents", "agent_versions", "demos", "data_store", "sessions", "tickets", "runs", "api_keys", "vault",
               "idempotent_answers"}  # fmt: skip
SLOW = "import time\nasync def run(input_dict, tools):\n    time.sleep(1000)\n"


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def room(request, postgres):
    env = {"ADMIN_PANEL_ENABLED": "true", "ADMIN_PANEL_PASSWORD": "pw"}
    sets = [*SETS, f"plugins.storage-postgres.schema=t{uuid.uuid4().hex}"] if request.param == "postgres" else SETS
    with people_room(request.param, postgres, sets, ready=True, env=env) as server:
        yield server


@pytest.fixture
def somebody(room):
    """somebody(): nobody has seen them before."""
    return lambda **roles: Person(room, f"header:{uuid.uuid4().hex}", **roles)


def erase(room, uid, **headers):
    return room.delete(f"/admin/users/{uid}", headers=ADMIN | headers)


def run_code(person, code=ECHO):
    reply = person.post("/agents/run-code", {"code": code, "inputDict": {}, "tools": {}})
    assert reply.status == 200, reply
    return reply.header("X-Einion-Run-Id")


def live(person):
    """Has all that a user can have."""
    agent, _ = deploy(person)
    assert person.put(f"/agents/{agent['_id']}", {"description": "another"}).status == 200
    assert person.put(f"/agents/{agent['_id']}/secrets/TOKEN", {"value": "v"}).status == 204
    make_demo(person)
    assert person.put("/data-store/namespaces/n/records/k", {"value": 1}).status == 200
    config = {"provider": "openai", "model": "gpt-4o-mini", "parameters": {}}
    assert person.post("/sessions/s/config", config).status == 200
    assert person.put("/users/me/api-keys", {"provider": "openai", "api_key": "sk-live-0123456789abcdefWXYZ"}).status == 200
    reply = person.post("/users/me/keys", {"name": "k", "scopes": ["agents:read"]})
    assert reply.status == 201, reply
    assert person.post("/users/me/usage", {"responseCost": 0.25}).status == 200
    ended(person, ask(person, {"text": "hello"}))
    run_code(person)
    body = {"name": unique(), "description": person.uid, "code": ECHO}
    assert person.post("/agents", body, headers={"Idempotency-Key": "k"}).status == 201
    return agent, reply.json


def sets_with(room, tmp_path, text):
    """The sets of documents that say TEXT."""
    out = tmp_path / f"{uuid.uuid4().hex}.jsonl"
    command = [*room.command(), "--set", "plugins.transfer.left_out=[]", "export", str(out)]
    subprocess.run(command, env=room.environment(), cwd=room.state, check=True, capture_output=True, timeout=300)
    return {json.loads(line).get("set") for line in out.read_text().splitlines() if text in line}


def test_all_that_is_theirs_goes_and_nothing_of_others(room, somebody, tmp_path):
    ann, ben = somebody(), somebody()
    agent, key = live(ann)
    kept, _ = live(ben)
    wait_until(lambda: SETS_OF_ALL <= sets_with(room, tmp_path, ben.uid), 10, "all to be in the store")
    before = sets_with(room, tmp_path, ben.uid)
    assert sets_with(room, tmp_path, ann.uid) == before
    assert room.put(f"/admin/users/{ann.uid}/disk-quota", {"maxMib": 7}, headers=ADMIN).status == 200

    reply = erase(room, ann.uid)
    assert reply.status == 200, reply
    erased = reply.json["erased"]
    assert erased == {"answers": 1, "agents": 2, "demos": 1, "data-store": 1, "sessions": 1, "chats": 1, "runs": 1, "api-keys": 1, "profile": 1}
    assert sets_with(room, tmp_path, ann.uid) <= STAY
    assert sets_with(room, tmp_path, agent["_id"]) <= {"audit"}  # its secret and its deployment neither
    assert sets_with(room, tmp_path, ben.uid) == before
    assert ben.get(f"/agents/{kept['_id']}").status == 200
    assert room.get("/agents", headers={"Authorization": f"Bearer {key['key']}"}).status == 401
    assert [one["details"] for one in room.get("/admin/audit", headers=ADMIN).json if (one["action"], one["target"]) == ("user_erased", ann.uid)] == [erased]

    # Who comes back begins anew, but for what was spent.
    assert ann.get("/agents").json == ann.get("/runs").json == ann.get("/demos").json == []
    me = ann.get("/users/me").json
    assert me["usageInfo"]["spendRemaining"] == 99.75 and me["apiKeys"]["openaiApiKey"] is None
    assert ann.get("/disk-quota").json["usedBytes"] == 0 and ann.get("/disk-quota").json["maxBytes"] == 1 << 30
    make_agent(ann)
    assert erase(room, ann.uid).json == {"erased": {"agents": 1}}
    assert erase(room, ann.uid).json == {"erased": {}}


def test_what_is_a_workspaces_stays(room, somebody):
    name = f"team{uuid.uuid4().hex}"
    ann, ben = somebody(**{name: "admin"}), somebody(**{name: "member"})
    agent = make_agent(ann, workspaceId=name)
    own = make_agent(ann)
    assert ann.put(f"/data-store/namespaces/n/records/k?workspaceId={name}", {"value": 1}).status == 200
    assert erase(room, ann.uid).json["erased"]["agents"] == 1
    assert ben.agents() == [agent["_id"]] and ann.get(f"/agents/{own['_id']}").status == 404
    assert ben.get(f"/agents/{agent['_id']}/versions").json
    assert ben.get(f"/data-store/namespaces/n/records/k?workspaceId={name}").json["value"] == 1


def test_a_personal_workspace_is_theirs_alone(start_server, tmp_path):
    server = start_to_erase(start_server, logins(), "plugins.auth-session.session_ttl_hours=0.001", ready=True)
    for uid in ("alice", "alice", "carol"):
        LoggedIn(server).login(uid)
    time.sleep(3.7)  # a session that is over says who it was of as well
    alice, carol = (LoggedIn(server).login(uid) for uid in ("alice", "carol"))
    for one in (alice, carol):
        place = f"personal:{one.get('/auth/me').json['uid']}"
        deploy(one, workspaceId=place)
        make_demo(one, workspaceId=place)
        assert one.put(f"/data-store/namespaces/n/records/k?workspaceId={place}", {"value": 1}).status == 200
    before = sets_with(server, tmp_path, "dev_stub:carol")
    assert before == sets_with(server, tmp_path, "dev_stub:alice")
    erased = erase(server, "dev_stub:alice").json["erased"]
    assert erased == {"agents": 1, "demos": 1, "data-store": 1, "logins": 3}
    assert sets_with(server, tmp_path, "dev_stub:alice") <= STAY
    assert sets_with(server, tmp_path, "dev_stub:carol") == before


def test_what_is_running_is_stopped_first(room, somebody, vendor):
    ann, gate = somebody(), Gate()
    vendor.answer("/held", raw(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", gate, b"ok"))
    connection = room.connect()
    body = json.dumps({"code": SLOW, "inputDict": {}, "tools": {}}).encode()
    connection.send_request("POST", "/agents/run-code/stream", body, [*ann.headers.items(), ("Content-Type", "application/json")])
    wait_until(lambda: ann.get("/runs?status=running").json, 30, "the run to begin")
    ask(ann, {"fetch": vendor.url + "/held"})
    assert gate.reached.wait(PATIENCE), "nobody asked the vendor"
    reply = erase(room, ann.uid)
    assert reply.status == 200 and reply.json["erased"]["runs"] >= 2 and reply.json["erased"]["chats"] >= 2, reply
    assert ann.get("/runs").json == []
    gate.open()
    connection.close()


def test_who_has_many_things_is_erased_as_well(room, somebody):
    ann = somebody()
    for i in range(620):
        assert ann.put(f"/data-store/namespaces/n/records/k{i}", {"value": i}).status == 200
    for _ in range(120):
        make_agent(ann)
    chats = [ask(ann, {"text": "x"}) for _ in range(110)]
    for one in chats:
        ended(ann, one)
    erased = erase(room, ann.uid).json["erased"]
    assert (erased["data-store"], erased["agents"], erased["chats"]) == (620, 120, 110)


def test_what_does_not_end_in_time_is_said(start_server):
    """A record of a server that has died says that it runs until its lease is over."""
    server = start_server(sets=["plugins.users.erase_ms=300", "plugins.runs.lease_ms=3600000"], env={"ADMIN_PANEL_ENABLED": "true", "ADMIN_PANEL_PASSWORD": "pw"}, ready=True)
    connection = server.connect()
    body = json.dumps({"code": SLOW, "inputDict": {}, "tools": {}}).encode()
    connection.send_request("POST", "/agents/run-code/stream", body, [("Content-Type", "application/json")])
    wait_until(lambda: server.get("/runs?status=running").json, 30, "the run to begin")
    make_agent(server)
    uid = server.get("/users/me").json["_id"]
    server.kill()
    connection.close()
    server.start(ready=True)
    reply = erase(server, uid)
    assert reply.status == 409 and reply.detail == f"There are still runs of '{uid}': erase them again, and see to it that they do not go on.", reply
    assert server.get("/agents").json == [] and len(server.get("/runs").json) == 1


def test_the_page_of_a_demo_ends_with_who_opened_it(room, somebody, tmp_path):
    """Its token says their name and address."""
    team = f"team{uuid.uuid4().hex}"
    ann, ben = somebody(**{team: "member"}), somebody(**{team: "member"})
    _, name = deploy(ben, workspaceId=team)
    demo = make_demo(ben, selectedApis=[api(name)], workspaceId=team)
    assert ann.post(f"/demos/{demo['_id']}/app/token").status == ben.post(f"/demos/{demo['_id']}/app/token").status == 200
    assert "demo_tokens" in sets_with(room, tmp_path, ann.uid)
    assert erase(room, ann.uid).json["erased"] == {"demos": 1}
    assert "demo_tokens" not in sets_with(room, tmp_path, ann.uid) and "demo_tokens" in sets_with(room, tmp_path, ben.uid)


def start_to_erase(start_server, *sets, **more):
    return start_server(sets=[*AUTH_SETS, *sets], env={"ADMIN_PANEL_ENABLED": "true", "ADMIN_PANEL_PASSWORD": "pw"}, **more)


def test_deleting_what_is_there_is_no_waiting(start_server):
    server = start_to_erase(start_server, "plugins.users.erase_ms=0")
    ann = Person(server, "header:ann")
    for i in range(620):
        assert ann.put(f"/data-store/namespaces/n/records/k{i}", {"value": i}).status == 200
    assert erase(server, ann.uid).json == {"erased": {"data-store": 620}}


def test_an_erasing_that_does_not_come_to_an_end_is_in_the_audit(start_server):
    server = start_to_erase(start_server, "plugins.users.erase_ms=0", "plugins.runs.lease_ms=3600000")
    ann = Person(server, "header:ann")
    with begin(server, ann, SLOW):
        wait_until(lambda: ann.get("/runs?status=running").json, 30, "the run to begin")
        make_agent(ann)
        server.kill()
    server.start(ready=True)
    reply = erase(server, ann.uid)
    assert reply.status == 409 and "There are still runs of 'header:ann'" in reply.detail, reply
    entry = server.get("/admin/audit", headers=ADMIN).json[0]
    assert (entry["action"], entry["target"]) == ("user_erased_in_part", ann.uid) and entry["details"]["agents"] == 1


def begin(server, person, code):
    """A run of theirs; its connection."""
    connection = server.connect()
    body = json.dumps({"code": code, "inputDict": {}, "tools": {}}).encode()
    connection.send_request("POST", "/agents/run-code/stream", body, [*person.headers.items(), ("Content-Type", "application/json")])
    return connection


def test_runs_at_another_server_leave_nothing(start_server, postgres, tmp_path):
    url, schema = postgres(), f"plugins.storage-postgres.schema=t{uuid.uuid4().hex}"
    env = {"ADMIN_PANEL_ENABLED": "true", "ADMIN_PANEL_PASSWORD": "pw", "DATABASE_URL": url}
    one, other = (start_server(backend="postgres", sets=[*AUTH_SETS, schema], env=env, ready=True) for _ in range(2))
    ann = Person(other, "header:ann")
    connections = [begin(other, ann, SLOW) for _ in range(3)]
    runs = wait_until(lambda: len(got := ann.get("/runs?status=running").json) == 3 and got, 30, "the runs to begin")
    reply = erase(one, ann.uid)
    assert reply.status == 200, reply
    assert [sets_with(one, tmp_path, run["_id"]) for run in runs] == [set()] * 3
    for connection in connections:
        connection.close()


@pytest.mark.parametrize("uid, status, detail", [
    ("header:nobody", 404, "Document 'header:nobody' not found for deletion."),
    ("workspace:team", 422, "'workspace:team' is not the id of a user."),
    ("user:workspace:team", 422, "'user:workspace:team' is not the id of a user."),
])  # fmt: skip
def test_who_is_not_there_is_not_erased(room, uid, status, detail):
    reply = erase(room, uid)
    assert (reply.status, reply.detail) == (status, detail)


def test_only_an_admin_erases(room, somebody):
    ann = somebody()
    make_agent(ann)
    assert ann.delete(f"/admin/users/{ann.uid}").status in (401, 403)
    assert erase(room, ann.uid, **{"X-Admin-Password": "no"}).status in (401, 403)
    assert len(ann.agents()) == 1
