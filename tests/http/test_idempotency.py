# SPDX-License-Identifier: Apache-2.0
"""Idempotency-Key: what is sent again runs once."""

import concurrent.futures

import pytest
from agents import deploy, make_agent, unique
from demos import body as demo
from people import Person
from people import room as people_room
from support import wait_until

COUNT = """async def run(input_dict, tools):
    count = (data_store.get("count") or 0) + 1
    data_store.set("count", count)
    if input_dict.get("fail"):
        raise ValueError(f"failed {count}")
    while input_dict.get("wait") and not data_store.get("go"):
        await asyncio.sleep(0.02)
    return {"count": count, "text": input_dict.get("text")}
"""


@pytest.fixture
def counter(agent_server):
    for key in "count", "go":
        agent_server.delete(f"/data-store/namespaces/default/records/{key}")
    _, name = deploy(agent_server, COUNT)
    return lambda key, body, **more: agent_server.post(f"/rest/{name}", body, headers={"Idempotency-Key": key} if key else {}, **more)


def test_the_same_request_again_gets_the_same_answer(counter):
    key, body = unique(), {"text": "é", "n": 1}
    first, second = counter(key, body), counter(key, {"n": 1, "text": "é"})
    assert (first.status, first.json) == (200, {"count": 1, "text": "é"})
    assert (second.status, second.body) == (200, first.body)
    assert (first.header("Idempotent-Replayed"), second.header("Idempotent-Replayed")) == (None, "true")
    assert second.header("X-Einion-Agent-Version") == first.header("X-Einion-Agent-Version") == "1"
    assert counter(unique(), body).json["count"] == 2
    assert counter(None, body).json["count"] == 3


def test_a_failure_is_an_answer(counter):
    key = unique()
    first, second = counter(key, {"fail": True}), counter(key, {"fail": True})
    assert (first.status, first.detail) == (500, "Error executing agent: ValueError: failed 1")
    assert (second.status, second.body) == (500, first.body)


def test_another_input_is_refused(counter):
    key = unique()
    assert counter(key, {"text": "a"}).status == 200
    reply = counter(key, {"text": "b"})
    assert (reply.status, reply.detail) == (422, "This Idempotency-Key was used with another input before.")


def test_what_is_no_key_is_refused(agent_server, counter):
    reply = counter("caf\u00e9", {})
    assert (reply.status, reply.detail) == (400, "An Idempotency-Key has 1 to 255 visible ASCII characters.")
    assert agent_server.get("/data-store/namespaces/default/records/count").status == 404


def test_of_requests_at_once_one_runs(agent_server, counter):
    key, body = unique(), {"wait": True}
    with concurrent.futures.ThreadPoolExecutor(5) as pool:
        first = pool.submit(counter, key, body)
        wait_until(lambda: agent_server.get("/data-store/namespaces/default/records/count").status == 200, 10, "the run to begin")
        others = list(pool.map(lambda _: counter(key, body), range(4)))
        agent_server.put("/data-store/namespaces/default/records/go", {"value": True})
        done = first.result()
    assert {(reply.status, reply.header("Retry-After")) for reply in others} == {(409, "1")}
    assert others[0].detail == "The request with this Idempotency-Key is still running."
    assert (done.status, done.json["count"]) == (200, 1)
    assert counter(key, body).json == done.json


def test_a_client_that_left_asks_again(agent_server, counter):
    _, name = deploy(agent_server, COUNT)
    record, body = "/data-store/namespaces/default/records", b'{"wait": true}'
    headers = {"Idempotency-Key": unique(), "Content-Type": "application/json"}
    with agent_server.connect() as client:
        client.send_request("POST", f"/rest/{name}", body, headers)
        wait_until(lambda: agent_server.get(f"{record}/count").status == 200, 10, "the run to begin")
    again = lambda: agent_server.post(f"/rest/{name}", body=body, headers=headers)  # noqa: E731
    assert again().status == 409
    agent_server.put(f"{record}/go", {"value": True})
    reply = wait_until(lambda: (reply := again()).status == 200 and reply, 10, "the answer")
    assert (reply.json["count"], reply.header("Idempotent-Replayed")) == (1, "true")


def test_after_its_time_it_runs_again(start_server):
    server = start_server(sets=["limits.idempotency_kept_s=1"], ready=True)
    _, name = deploy(server, COUNT)
    send = lambda: server.post(f"/rest/{name}", {}, headers={"Idempotency-Key": "k"})  # noqa: E731
    assert send().json["count"] == 1
    wait_until(lambda: send().header("Idempotent-Replayed") is None, 10, "the answer to be forgotten")
    assert server.get("/data-store/namespaces/default/records/count").json["value"] == 2


def test_what_a_kill_cut_off_does_not_run_again(start_server):
    server = start_server(backend="sqlite", sets=["limits.idempotency_running_s=10"], ready=True)
    _, name = deploy(server, COUNT)
    headers, count = {"Idempotency-Key": "k"}, "/data-store/namespaces/default/records/count"
    send = lambda: server.post(f"/rest/{name}", {"wait": True}, headers=headers)  # noqa: E731
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        first = pool.submit(send)
        wait_until(lambda: server.get(count).status == 200, 10, "the run to begin")
        server.kill()
        assert isinstance(first.exception(), OSError)
    server.start(ready=True)
    assert (send().status, send().detail) == (409, "The request with this Idempotency-Key is still running.")
    reply = wait_until(lambda: (reply := send()).status != 409 and reply, 30, "the first server to be thought gone")
    assert (reply.status, "was cut off when its server stopped" in reply.detail) == (422, True)
    assert server.get(count).json["value"] == 1


# ---- beside /rest ----

TAKE_KEYS = {
    "/agents", "/agents/generate-code", "/agents/run-code", "/agents/run-code/stream",
    "/agents/{agent_id}/versions/{version}/restore", "/chat", "/demos", "/demos/generate-code", "/rest/{friendly_name}",
    "/runs/{run_id}/repeat", "/users/me/usage", "/v1/chat/completions", "/v1/completions", "/v1/embeddings",
    "/v1/messages", "/v1/responses",
}  # fmt: skip


def test_openapi_says_where_a_key_is_taken(server):
    taken = {path for path, item in server.get("/openapi.json").json["paths"].items() for operation in item.values()
             if any(parameter["name"] == "Idempotency-Key" for parameter in operation.get("parameters", []))}  # fmt: skip
    assert {path for path in taken if not path.startswith("/rest/") or "{" in path} == TAKE_KEYS


def twice(server, path, body=None, **headers):
    """The first answer, which is also the second."""
    headers["Idempotency-Key"] = unique()
    first, again = (server.post(path, body, headers=headers) for _ in range(2))
    assert first.status < 300 and (again.status, again.body) == (first.status, first.body), again
    assert (first.header("Idempotent-Replayed"), again.header("Idempotent-Replayed")) == (None, "true")
    assert again.header("Content-Type") == first.header("Content-Type")
    assert again.header("X-Einion-Run-Id") == first.header("X-Einion-Run-Id")
    assert again.header("X-Request-ID") != first.header("X-Request-ID")
    return first


def test_what_is_made_is_made_once(agent_server):
    for path, body in ("/agents", {"name": unique(), "description": "", "code": COUNT}), ("/demos", demo()):
        made = twice(agent_server, path, body).json
        assert [one["_id"] for one in agent_server.get(path).json if one["name"] == body["name"]] == [made["_id"]]
    agent = make_agent(agent_server)["_id"]
    assert agent_server.put(f"/agents/{agent}", {"code": COUNT}).status == 200
    twice(agent_server, f"/agents/{agent}/versions/1/restore")
    assert len(agent_server.get(f"/agents/{agent}/versions").json) == 3
    spent = lambda: agent_server.get("/users/me").json["usageInfo"]["spendRemaining"]  # noqa: E731
    before = spent()
    twice(agent_server, "/users/me/usage", {"responseCost": 0.5})
    assert before - spent() == pytest.approx(0.5)


def test_what_runs_runs_once(agent_server, counter):
    job = {"code": COUNT, "inputDict": {}, "tools": {}}
    first = twice(agent_server, "/agents/run-code", job)
    assert first.json["result"]["count"] == 1
    assert b'"count":2' in twice(agent_server, "/agents/run-code/stream", job).body
    repeat = f"/runs/{first.header('X-Einion-Run-Id')}/repeat"
    assert twice(agent_server, repeat).json["result"]["count"] == 3
    assert b'"count":4' in twice(agent_server, repeat, Accept="text/event-stream").body
    assert b'ValueError: failed 5' in twice(agent_server, "/agents/run-code", job | {"inputDict": {"fail": True}}).body


@pytest.fixture(scope="module")
def people(postgres):
    with people_room("sqlite", postgres, ready=True) as room:
        yield room


def test_a_key_is_its_callers(people):
    maker, member = (Person(people, f"header:{unique()}") for _ in range(2))
    team, name = unique("team"), unique("served")
    maker.roles = member.roles = {team: "member"}
    code = "import os\nasync def run(input_dict, tools):\n    return os.urandom(8).hex()"
    agent = maker.make_agent(workspaceId=team, friendlyName=name, code=code)
    assert maker.post(f"/agents/{agent}/deploy").status == 201
    mine, again, theirs = (person.post(f"/rest/{name}", {}, headers={"Idempotency-Key": "k"}) for person in (maker, maker, member))
    assert mine.json == again.json != theirs.json
