# SPDX-License-Identifier: Apache-2.0
"""What is somebody's alone, everywhere: GET /users/me/export hands it over, DELETE /admin/users/{user_id} erases it."""

import collections
import contextlib
import json
import re
import sqlite3
import subprocess
import time
import uuid

import postgres as support_postgres
import pytest
from agents import ECHO, deploy, make_agent, unique
from chats import SCRIPTED, ask, ended
from demos import api, make_demo
from people import SETS as AUTH_SETS
from people import Person
from people import room as people_room
from support import PATIENCE, logins, wait_until
from support import Person as LoggedIn
from tcp_proxy import Proxy
from vendor import Gate, raw

ADMIN = {"X-Admin-Password": "pw"}
SETS = ["plugins.auth-api-key.enabled=true", "plugins.chat.poll_ms=50",
        *(one for one in SCRIPTED if "runtime-python" not in one and "openai-api" not in one)]  # fmt: skip
STAY = {"users", "ledger_accounts", "ledger_entries", "audit"}  # the books, and who did what
SETS_OF_ALL = {"agents", "agent_versions", "demos", "data_store", "sessions", "tickets", "runs", "api_keys", "vault",
               "idempotent_answers", "responses"}  # fmt: skip
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
    assert person.put(f"/agents/{agent['_id']}/deployment/settings", {"runs": 2}).status == 200
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
    assert person.post("/v1/responses", {"model": "scripted/m", "input": json.dumps([{"text": "hello"}])}).status == 200
    body = {"name": unique(), "description": person.uid, "code": ECHO}
    assert person.post("/agents", body, headers={"Idempotency-Key": "k"}).status == 201
    return agent, reply.json


def everything(room, tmp_path):
    """The whole store, a document a line."""
    out = tmp_path / f"{uuid.uuid4().hex}.jsonl"
    command = [*room.command(), "--set", "plugins.transfer.left_out=[]", "export", str(out)]
    subprocess.run(command, env=room.environment(), cwd=room.state, check=True, capture_output=True, timeout=300)
    return out.read_text().splitlines()[1:-1]


def sets_with(room, tmp_path, text):
    """The sets of documents that say TEXT."""
    return {json.loads(line)["set"] for line in everything(room, tmp_path) if text in line}


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
    assert erased == {"answers": 1, "agents": 2, "demos": 1, "data-store": 1, "sessions": 1, "chats": 1, "responses": 1, "runs": 1, "api-keys": 1, "profile": 1}
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


def with_an_agent(server):
    """Somebody with an agent that has all that an agent can have; its id."""
    ann = Person(server, f"header:{uuid.uuid4().hex}")
    agent, _ = deploy(ann)
    assert ann.put(f"/agents/{agent['_id']}/secrets/TOKEN", {"value": "v"}).status == 204
    assert ann.put(f"/agents/{agent['_id']}/deployment/settings", {"runs": 2}).status == 200
    return ann, agent["_id"]


def break_off_at(proxy, last):
    """Lets LAST messages to the database through, and counts them."""
    count = [0]

    def cut(to_server, data):
        count[0] += to_server
        return len(data) if to_server and count[0] == last else None

    proxy.cut = cut
    return count


@pytest.mark.skipif(not support_postgres.programs(), reason="PostgreSQL is not installed")
def test_an_erasure_that_is_broken_off_anywhere_leaves_nothing_to_the_next(start_server, tmp_path):
    with support_postgres.Cluster() as cluster, Proxy(f"{cluster.folder}/.s.PGSQL.5432") as proxy:
        env = {"ADMIN_PANEL_ENABLED": "true", "ADMIN_PANEL_PASSWORD": "pw",
               "DATABASE_URL": f"postgresql://einion@127.0.0.1:{proxy.port}/postgres?sslmode=disable"}  # fmt: skip
        server = start_server(backend="postgres", sets=AUTH_SETS, env=env)
        ben, kept = with_an_agent(server)
        before = sets_with(server, tmp_path, kept)
        statuses, last, sent = [], 0, 0
        while sent >= last:
            ann, agent = with_an_agent(server)
            last += 1
            count = break_off_at(proxy, last)
            statuses.append(erase(server, ann.uid).status)
            proxy.cut, sent = None, count[0]
            server.wait_ready()
            assert erase(server, ann.uid).status in (200, 404)
            left = {json.loads(line)["set"] for line in everything(server, tmp_path) if agent in line or ann.uid in line}
            assert left <= STAY, last
        assert set(statuses) == {200, 503} and statuses[-1] == 200
        assert sets_with(server, tmp_path, kept) == before and ben.get(f"/agents/{kept}").status == 200


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


# ---- a copy of it ----

# In no copy: what opens something, answers that are kept for Idempotency-Keys, and the log of whoever runs the server.
NOT_HANDED_OVER = {"vault", "demo_tokens", "idempotent_answers", "audit"}


def read_copy(reply):
    """Its documents, as (set, document), once it is seen to be whole."""
    assert reply.status == 200 and reply.header("Content-Type") == "application/x-ndjson", reply
    head, *docs, end = [json.loads(line) for line in reply.body.decode().splitlines()]
    assert set(head) == {"user", "at", "einion"}
    docs = [(line["set"], line["doc"]) for line in docs]
    counts = collections.Counter(name for name, _ in docs)
    assert end == {"end": counts}
    return docs


def missing(lines, docs, uid):
    """Of the store what is UID's, or belongs to something of theirs, and is not in the copy of it."""
    known = [uid, *(doc["_id"] for name, doc in docs if name in ("agents", "runs", "tickets"))]
    there = {(name, doc.get("_id")) for name, doc in docs}
    all_of = {(one["set"], one["doc"]["_id"]) for one in map(json.loads, (line for line in lines if any(text in line for text in known)))}
    return {(name, ident) for name, ident in all_of - there if name not in NOT_HANDED_OVER and not (name == "auth_sessions" and (name, None) in there)}


def test_all_that_is_theirs_is_in_the_copy_and_nothing_of_others(room, somebody, tmp_path):
    ann, ben = somebody(), somebody()
    agent, key = live(ann)
    other, _ = live(ben)
    assert room.put(f"/admin/users/{ann.uid}/disk-quota", {"maxMib": 7}, headers=ADMIN).status == 200
    wait_until(lambda: all(SETS_OF_ALL <= sets_with(room, tmp_path, one.uid) for one in (ann, ben)), 10, "all to be in the store")

    reply = ann.get("/users/me/export")
    docs = read_copy(reply)
    lines = everything(room, tmp_path)
    assert missing(lines, docs, ann.uid) == set()
    counts = collections.Counter(name for name, _ in docs)
    assert counts == {
        "users": 1, "ledger_accounts": 1, "ledger_entries": 1, "disk_quotas": 1,
        "api_keys": 1, "api_key_owners": 1, "deployments": 1, "deployment_settings": 1,
        "agents": 2, "agent_versions": 3, "agent_secrets": 1, "demos": 1, "data_store": 1, "sessions": 1,
        "tickets": 1, "ticket_requests": 1, "responses": 1, "runs": 1, "run_events": counts["run_events"], "run_code": 1,
    } and counts["run_events"]  # fmt: skip
    stored = {(one["set"], one["doc"]["_id"]): one["doc"] for one in map(json.loads, lines)}
    for name, doc in docs:
        whole = stored[name, doc["_id"]]
        assert {member: whole[member] for member in doc} == doc
        assert set(whole) - set(doc) <= {"api_keys": {"hash"}, "users": {"blocked"}}.get(name, set())
    text = reply.body.decode()
    for of_others in (ben.uid, other["_id"], "sk-live", key["key"], stored["api_keys", key["_id"]]["hash"]):
        assert of_others not in text
    assert ECHO in {doc["code"] for name, doc in docs if name == "run_code"}

    # A site admin has the same of them, whom they block as well, and it is known who asked.
    assert room.put(f"/admin/users/{ann.uid}/blocked", {"reason": "between admins"}, headers=ADMIN).status == 200
    reply = room.get(f"/admin/users/{ann.uid}/export", headers=ADMIN)
    assert collections.Counter(name for name, _ in read_copy(reply)) == counts and "between admins" not in reply.text
    asked = [one["actor"] for one in room.get("/admin/audit?action=user_exported", headers=ADMIN).json if one["target"] == ann.uid]
    assert asked == ["admin", ann.uid]

    # What an erasure leaves is in it, too.
    erase(room, ann.uid)
    left = read_copy(room.get(f"/admin/users/{ann.uid}/export", headers=ADMIN))
    assert [name for name, _ in left] == ["users", "ledger_accounts", "ledger_entries"]


def test_a_copy_has_the_personal_workspace_and_no_other(start_server, tmp_path):
    server = start_to_erase(start_server, logins(), ready=True)
    alice, carol = (LoggedIn(server).login(uid) for uid in ("alice", "carol"))
    uid = alice.get("/auth/me").json["uid"]
    for place in (f"personal:{uid}", "project:tomcat"):
        deploy(alice, workspaceId=place)
        make_demo(alice, workspaceId=place)
        assert alice.put(f"/data-store/namespaces/n/records/k?workspaceId={place}", {"value": 1}).status == 200
    _, name = deploy(carol, ECHO + "\n# carols", workspaceId="project:tomcat")
    run = alice.post(f"/rest/{name}", {"inputText": "hers"}).header("X-Einion-Run-Id")
    ended_in = f'"_id":"{run}".*"status":"completed"'
    reply = wait_until(lambda: (got := alice.get("/users/me/export")) and re.search(ended_in, got.text) and got, 10, "the run's end to be in the store")
    docs = read_copy(reply)
    counts = collections.Counter(name for name, _ in docs)
    assert counts == {"auth_sessions": 1, "agents": 1, "agent_versions": 1, "deployments": 1, "demos": 1, "data_store": 1, "runs": 1,
                      "run_events": 1}  # fmt: skip
    text = reply.body.decode()
    assert {name for name, doc in docs if "project:tomcat" in json.dumps(doc)} == {"auth_sessions", "runs"}  # a member, who ran something there
    assert "carol" not in text  # nor the code that she wrote
    login = next(doc for name, doc in docs if name == "auth_sessions")
    assert login["address"] and "_id" not in login
    hashes = [json.loads(line)["doc"]["_id"] for line in everything(server, tmp_path) if '"set":"auth_sessions"' in line]
    assert len(hashes) == 2 and not any(one in text for one in hashes)


def test_a_copy_of_many_things_is_whole(room, somebody):
    ann = somebody()
    for i in range(250):
        assert ann.put(f"/data-store/namespaces/n/records/k{i}", {"value": "x" * 100}).status == 200
    for _ in range(120):
        make_agent(ann)
    counts = collections.Counter(name for name, _ in read_copy(ann.get("/users/me/export")))
    assert (counts["data_store"], counts["agents"], counts["agent_versions"]) == (250, 120, 120)


@pytest.mark.parametrize("uid, status, detail", [
    ("header:nobody", 404, "Nothing is kept of 'header:nobody'."),
    ("workspace:team", 422, "'workspace:team' is not the id of a user."),
    ("user:workspace:team", 422, "'user:workspace:team' is not the id of a user."),
])  # fmt: skip
def test_of_who_is_not_there_there_is_no_copy(room, uid, status, detail):
    reply = room.get(f"/admin/users/{uid}/export", headers=ADMIN)
    assert (reply.status, reply.detail) == (status, detail)


def test_only_an_admin_has_the_copy_of_another(room, somebody):
    ann, ben = somebody(), somebody()
    make_agent(ann)
    assert ben.get(f"/admin/users/{ann.uid}/export").status in (401, 403)
    assert room.get(f"/admin/users/{ann.uid}/export", headers={"X-Admin-Password": "no"}).status in (401, 403)
    key = ann.post("/users/me/keys", {"name": "k", "scopes": ["agents", "models"]}).json["key"]
    assert room.get("/users/me/export", headers={"Authorization": f"Bearer {key}"}).status == 403


def test_a_copy_that_breaks_off_says_why(start_server):
    server = start_to_erase(start_server, ready=True)
    ann = Person(server, "header:ann")
    assert ann.get("/users/me").status == 200
    make_agent(ann)
    with contextlib.closing(sqlite3.connect(next(server.state.glob("*.db")))) as database:
        database.execute("UPDATE set_agents SET body = 'x'")
        database.commit()
    reply = ann.get("/users/me/export")
    lines = [json.loads(line) for line in reply.text.splitlines()]
    assert [line.get("set") for line in lines[:-1]] == [None, "users", "ledger_accounts"]
    assert list(lines[-1]) == ["error"] and "is not JSON" in lines[-1]["error"]
