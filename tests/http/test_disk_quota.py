# SPDX-License-Identifier: Apache-2.0
"""/disk-quota: how much each may keep."""

import concurrent.futures
import json
import uuid

import pytest
from agents import ECHO, run
from people import Person
from people import room as people_room
from support import BACKENDS, wait_until

MIB = 1 << 20
HALF = "x" * (MIB // 2)
SETS = ["plugins.disk-quota.max_mib=1"]
FULL = "Delete what nobody needs, or ask an administrator for more."


@pytest.fixture(scope="module", params=sorted(BACKENDS, reverse=True))
def room(request, postgres):
    with people_room(request.param, postgres, SETS, ready=True) as server:
        yield server


@pytest.fixture
def ann(room):
    return Person(room, f"header:{uuid.uuid4().hex}")


@pytest.fixture
def root(room):
    return Person(room, f"header:root-{uuid.uuid4().hex}", site_admin=True)


def put(person, key, value, query=""):
    return person.put(f"/data-store/namespaces/n/records/{key}{query}", {"value": value})


def kept(person, query=""):
    reply = person.get("/disk-quota" + query)
    assert reply.status == 200, reply
    return reply.json


def expect_full(reply):
    assert (reply.status, FULL in reply.text) == (507, True), reply


def test_who_keeps_nothing_is_told_so(ann):
    answer = kept(ann)
    assert (answer["usedBytes"], answer["maxBytes"]) == (0, MIB)
    assert answer["sets"] == {name: 0 for name in ("data_store", "agents", "agent_versions", "deployments", "demos", "tickets", "ticket_requests", "sessions", "responses")}


def test_what_would_be_too_much_is_refused_and_loses_nothing(ann):
    assert put(ann, "a", HALF).status == 200
    reply = put(ann, "b", HALF)
    expect_full(reply)
    assert reply.detail.startswith("There is no room for 0.500 MiB: 0.500 of 1 MiB are used."), reply
    assert ann.get("/data-store/namespaces/n/records/b").status == 404
    assert ann.get("/data-store/namespaces/n/records/a").json["value"] == HALF
    assert put(ann, "a", HALF[1:]).status == 200  # what takes no more is no matter of room


def test_what_is_deleted_makes_room_at_once(ann):
    for _ in range(3):
        assert put(ann, "a", HALF).status == 200
        expect_full(put(ann, "b", HALF))
        assert ann.delete("/data-store/namespaces/n/records/a").status == 204
        assert put(ann, "b", HALF).status == 200
        assert ann.delete("/data-store/namespaces/n").json["deletedCount"] == 1


def test_one_who_writes_over_a_record_needs_no_more_room(ann):
    for _ in range(6):
        assert put(ann, "a", HALF).status == 200


def test_everybody_has_room_of_their_own_and_so_has_a_workspace(room, ann):
    bea = Person(room, f"header:{uuid.uuid4().hex}")
    team = f"team-{uuid.uuid4().hex}"
    ann.roles = {team: "admin"}
    for person, query in ((ann, ""), (bea, ""), (ann, f"?workspaceId={team}")):
        assert put(person, "a", HALF, query).status == 200
        expect_full(put(person, "b", HALF, query))
    assert kept(ann, f"?workspaceId={team}")["usedBytes"] > MIB // 2
    assert bea.get(f"/disk-quota?workspaceId={team}").status in (403, 404)
    assert bea.get(f"/disk-quota?userId={ann.uid}").status in (403, 404)


@pytest.mark.parametrize("what", ["agent", "demo", "session", "chat"])
def test_all_that_users_make_counts(ann, what):
    assert put(ann, "a", "x" * (MIB * 9 // 10)).status == 200
    big = "#" + "x" * (MIB // 5)
    config = {"provider": "openai", "model": "gpt-4.1", "parameters": {}}
    path, body = {
        "agent": ("/agents", {"name": "n", "description": "d", "code": big}),
        "demo": ("/demos", {"name": "n", "description": "d", "userPrompt": "p", "modelConfig": config, "selectedApis": [], "generatedCode": {"html": big, "css": "", "js": ""}}),
        "session": ("/sessions/s/config", {**config, "parameters": {"stop": big}}),
        "chat": ("/chat", {**config, "messages": [{"role": "user", "content": big}]}),
    }[what]  # fmt: skip
    expect_full(ann.post(path, body))
    assert ann.delete("/data-store/namespaces/n").status == 200
    assert ann.post(path, body).status in (200, 201), what
    wait_until(lambda: sum(size for name, size in kept(ann)["sets"].items() if name != "data_store") > MIB // 5, 5, "the count")


def test_an_agent_that_grows_or_is_restored_needs_room(ann):
    agent = ann.make_agent(code=ECHO)
    big = "#" + "x" * 400_000
    assert ann.put(f"/agents/{agent}", {"code": big}).status == 200
    expect_full(ann.put(f"/agents/{agent}", {"code": big + "x"}))
    assert ann.get(f"/agents/{agent}").json["code"] == big
    assert ann.put(f"/agents/{agent}", {"code": "#"}).status == 200
    wait_until(lambda: kept(ann)["usedBytes"] < MIB // 2, 5, "the agent's room")
    assert put(ann, "a", HALF).status == 200
    expect_full(ann.post(f"/agents/{agent}/versions/2/restore"))
    assert ann.delete("/data-store/namespaces/n").status == 200
    assert ann.delete(f"/agents/{agent}").status == 204
    wait_until(lambda: kept(ann)["usedBytes"] == 0, 5, "the versions' room")


def test_a_deployment_has_a_copy_of_its_agent(ann):
    agent = ann.make_agent(code="#" + "x" * 200_000, friendlyName=f"n{uuid.uuid4().hex}")
    assert put(ann, "a", "x" * 500_000).status == 200
    expect_full(ann.post(f"/agents/{agent}/deploy"))
    assert ann.delete("/data-store/namespaces/n").status == 200
    assert ann.post(f"/agents/{agent}/deploy").status == 201
    assert put(ann, "a", "x" * 300_000).status == 200
    expect_full(put(ann, "b", "x" * 200_000))
    assert ann.delete(f"/agents/{agent}/undeploy").status == 204
    assert put(ann, "b", "x" * 200_000).status == 200


def test_an_agent_is_told_what_it_may_not_keep(room, ann):
    code = "data_store.set('a', 'x' * 700000)\ntry:\n    data_store.set_many({'b': 'y' * 700000, 'c': 1})\nexcept OSError as error:\n    return [str(error), data_store.list_keys()]"
    said, keys = run(ann, code)["result"]
    assert FULL in said and keys == ["a"]
    assert put(ann, "d", HALF).status == 507
    code = "data_store.delete('a')\ndata_store.set('b', 'y' * 700000)\nreturn data_store.list_keys()"
    assert run(ann, code)["result"] == ["b"]


def test_a_site_admin_changes_it_for_one(ann, root):
    assert put(ann, "a", HALF).status == 200
    expect_full(put(ann, "b", HALF))
    query = f"/admin/users/{ann.uid}/disk-quota"
    assert ann.put(query, {"maxMib": 5}).status == 403
    reply = root.put(query, {"maxMib": 2})
    assert (reply.status, reply.json["maxBytes"]) == (200, 2 * MIB)
    assert put(ann, "b", HALF).status == 200
    assert root.put(query, {"maxMib": 0}).json["maxBytes"] is None
    assert put(ann, "c", HALF * 6).status == 200
    assert root.put(query, {"maxMib": None}).json["maxBytes"] == MIB
    answer = kept(ann)
    assert answer["usedBytes"] > answer["maxBytes"]
    expect_full(put(ann, "d", 1))
    assert root.put(query, {"maxMib": -1}).status == 422
    assert root.put(query, {}).status == 422
    events = root.get("/admin/audit?action=disk_quota.set&limit=100").json
    events = events["events"] if isinstance(events, dict) else events
    assert [one["details"]["maxMib"] for one in events if one["target"] == ann.uid] in ([2, 0, None], [None, 0, 2])
    assert root.get(f"/disk-quota?userId={ann.uid}").json == answer

    team = f"team-{uuid.uuid4().hex}"
    ann.roles = {team: "admin"}
    assert ann.put(f"/admin/workspaces/{team}/disk-quota", {"maxMib": 3}).status == 403
    assert root.put(f"/admin/workspaces/{team}/disk-quota", {"maxMib": 3}).json["maxBytes"] == 3 * MIB
    assert kept(ann, f"?workspaceId={team}")["maxBytes"] == 3 * MIB


def test_whoever_has_the_admin_password_may_change_it(start_server):
    password = "correct horse battery"
    server = start_server(sets=SETS, env={"ADMIN_PANEL_ENABLED": "true", "ADMIN_PANEL_PASSWORD": password}, ready=True)
    headers = {"X-Admin-Password": password}
    assert server.put("/admin/users/ann/disk-quota", {"maxMib": 7}, headers=headers).json["maxBytes"] == 7 * MIB
    assert server.put("/admin/users/ann/disk-quota", {"maxMib": 7}, headers={"X-Admin-Password": "no"}).status in (401, 403)


def test_many_who_write_at_once_stay_within_a_little(ann):
    value = "x" * 50_000
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda n: put(ann, f"k{n}", value).status, range(60)))
    assert set(answers) == {200, 507}
    assert MIB - 8 * 51_000 <= answers.count(200) * 51_000 <= MIB + 8 * 51_000


@pytest.mark.parametrize("writer", ["records", "agents"])
def test_many_who_make_one_record_smaller_at_once_make_no_more_room(ann, writer):
    big = 900_000
    assert put(ann, "a", "x" * big).status == 200
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        if writer == "records":
            answers = list(pool.map(lambda n: put(ann, "a", n).status, range(64)))
        else:
            body = "import asyncio\nasync def run(input_dict, tools):\n    data_store.use_namespace('n').set_many({'a': 1, f\"b{input_dict['n']}\": 'x' * 450000})\n"
            ask = lambda n: ann.post("/agents/run-code", {"code": body, "inputDict": {"n": n}, "tools": {}, "gofannonAgents": []}).status  # noqa: E731
            answers = list(pool.map(ask, range(16)))
    assert 200 in answers
    if writer == "records":
        answers = [put(ann, f"k{n}", "x" * big).status for n in range(64)]
        assert answers.count(200) <= 1, answers
    wait_until(lambda: kept(ann)["sets"]["data_store"], 5, "the count")
    assert kept(ann)["usedBytes"] < 2 * MIB


def test_what_was_there_before_the_server_counts(start_fresh):
    server = start_fresh(sets=["plugins.disk-quota.max_mib=0"], ready=True)
    assert server.put("/data-store/namespaces/n/records/a", {"value": HALF * 3}).status == 200
    assert kept(server)["maxBytes"] is None


def test_a_server_counts_again_what_others_write(start_server, postgres):
    env = {"DATABASE_URL": postgres()}
    sets = [*SETS, "plugins.disk-quota.recount_s=1", f"plugins.storage-postgres.schema=t{uuid.uuid4().hex}"]
    one, two = (start_server(backend="postgres", env=env, sets=sets, ready=True) for _ in range(2))
    assert put(two, "a", 1).status == 200
    assert put(one, "b", HALF).status == 200
    wait_until(lambda: kept(two)["usedBytes"] > MIB // 2, 10, "the other server's count")
    expect_full(put(two, "c", HALF))


def test_without_the_plugin_there_is_no_limit(start_server):
    server = start_server(sets=["plugins.disk-quota.enabled=false"], ready=True)
    assert server.get("/disk-quota").status == 404
    assert put(server, "a", json.loads(json.dumps(HALF * 3))).status == 200
