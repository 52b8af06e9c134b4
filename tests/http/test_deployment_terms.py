# SPDX-License-Identifier: Apache-2.0
"""What may be set for a deployment, its event stream, and its operation in /openapi.json."""

import concurrent.futures
import json
import urllib.parse

import pytest
from agents import deploy, make_agent, unique
from people import Person
from people import room as people_room
from support import wait_until

NOTHING_SET = dict.fromkeys([
    "concurrency", "queue", "scope", "timeoutMs", "cpuSeconds", "memoryMb", "addressSpaceMb", "threads", "openFiles",
    "outputEvents", "traceKb", "resultKb", "calls", "httpCalls", "llmCalls", "mcpCalls",
])  # fmt: skip
EVENTS = {"Accept": "text/event-stream"}


def settings_path(agent):
    return f"/agents/{agent['_id']}/deployment/settings"


def put(server, agent, **settings):
    reply = server.put(settings_path(agent), settings)
    assert reply.status == 200, reply
    return reply.json


def events(reply):
    assert reply.header("Content-Type") == "text/event-stream; charset=utf-8", reply
    blocks = [block.split("\n") for block in reply.text.split("\n\n") if block and not block.startswith(":")]
    return [(event.removeprefix("event: "), json.loads(data.removeprefix("data: "))) for event, data in blocks]


# ---- settings ----


def test_nothing_is_set_until_it_is_and_what_is_left_out_is_null_again(server):
    agent = make_agent(server)
    assert server.get(settings_path(agent)).json == NOTHING_SET
    assert put(server, agent, concurrency=2, timeoutMs=500) == NOTHING_SET | {"concurrency": 2, "timeoutMs": 500}
    assert put(server, agent, queue=0, scope="use:payroll") == NOTHING_SET | {"queue": 0, "scope": "use:payroll"}
    assert server.get(settings_path(agent)).json == NOTHING_SET | {"queue": 0, "scope": "use:payroll"}
    assert list(server.get(settings_path(agent)).json) == list(NOTHING_SET)
    assert server.put(settings_path(agent), {"cpu_seconds": 3}).json["cpuSeconds"] == 3


def test_settings_are_written_by_revision(server):
    agent = make_agent(server)
    first = server.put(settings_path(agent), {"concurrency": 1})
    second = server.put(settings_path(agent), {"concurrency": 2}, headers={"If-Match": first.header("ETag")})
    assert second.status == 200 and second.header("ETag") == server.get(settings_path(agent)).header("ETag")
    assert server.put(settings_path(agent), {"concurrency": 3}, headers={"If-Match": first.header("ETag")}).status == 412
    assert server.get(settings_path(agent)).json["concurrency"] == 2


@pytest.mark.parametrize("body", [
    {"concurrency": 0}, {"concurrency": "many"}, {"queue": -1}, {"timeoutMs": 0}, {"scope": ""}, {"scope": "payroll"},
    {"scope": "use:"}, {"scope": "use:A B"}, {"memoryMb": 1}, {"resultKb": 10**9},
])  # fmt: skip
def test_a_setting_that_makes_no_sense_is_refused(server, body):
    agent = make_agent(server)
    reply = server.put(settings_path(agent), body)
    assert reply.status == 422 and reply.detail[0]["loc"] == ["body", *body], reply
    assert server.get(settings_path(agent)).json == NOTHING_SET


def test_settings_of_an_unknown_agent_are_not_found(server):
    for method in "GET", "PUT":
        reply = server.request(method, "/agents/nope/deployment/settings", {} if method == "PUT" else None)
        assert (reply.status, reply.detail) == (404, "Document 'nope' not found in 'agents'")


def test_they_go_with_their_agent(server):
    agent = make_agent(server)
    put(server, agent, concurrency=2)
    assert server.delete(f"/agents/{agent['_id']}").status == 204
    assert server.get(settings_path(agent)).status == 404


def test_they_outlast_undeploying_and_hold_for_every_name(agent_server):
    agent, name = deploy(agent_server, "import time\nasync def run(input_dict, tools):\n    time.sleep(1000)\n")
    path = f"/agents/{agent['_id']}"
    put(agent_server, agent, timeoutMs=100)
    agent_server.put(path, {"friendlyName": unique("second")})
    second = agent_server.post(path + "/deploy").json["endpoint"]
    for endpoint in f"/rest/{name}", second:
        assert agent_server.post(endpoint, {}).detail == "Error executing agent: TimeoutError: The agent did not finish within 0.1 s."
    assert agent_server.delete(path + "/undeploy").status == 204
    assert agent_server.post(path + "/deploy").status == 201
    assert "TimeoutError" in agent_server.post(second, {}).detail


@pytest.mark.parametrize(("settings", "code", "error"), [
    ({"timeoutMs": 150}, "    await asyncio.sleep(1000)", "TimeoutError: The agent did not finish within 0.15 s."),
    ({"cpuSeconds": 1}, "    while True: pass", "CPU"),
    ({"addressSpaceMb": 200}, "    return len(bytearray(190 << 20))", "MemoryError"),
    ({"resultKb": 1}, "    return 'x' * 2000", "1024"),
    ({"calls": 2}, "    for i in range(9): data_store.get('x')", "too many calls to the server"),
    ({"httpCalls": 0}, "    await http_client.get('http://127.0.0.1:9/')", "its limit of HTTP requests"),
    ({"traceKb": 5}, "    for i in range(9999): print('x' * 100); await asyncio.sleep(0)", "RuntimeError: The trace of the run is longer than 5 KiB."),
    ({"openFiles": 16}, "    kept = [open('/dev/null') for i in range(40)]", "Too many open files"),
    ({"threads": 2}, "    import threading\n    for i in range(9): threading.Thread(target=lambda: __import__('time').sleep(2), daemon=True).start()", "can't start new thread"),
])  # fmt: skip
def test_each_limit_ends_a_run(agent_server, settings, code, error):
    agent, name = deploy(agent_server, f"async def run(input_dict, tools):\n{code}\n    return 'done'\n")
    put(agent_server, agent, **settings)
    reply = agent_server.post(f"/rest/{name}", {})
    assert reply.status == 500 and error in reply.detail, reply


# ---- how many at a time ----

UNTIL = """
import asyncio
async def run(input_dict, tools):
    data_store.set(input_dict['mine'], 'begun')
    while not data_store.get(input_dict['until']):
        await asyncio.sleep(0.02)
    return 'done'
"""


def given(server, key, value="go"):
    assert server.put(f"/data-store/namespaces/default/records/{key}", {"value": value}).status in (200, 201)


def running(server, agent):
    runs = server.get(f"/runs?agent_id={agent['_id']}&status=running").json
    return [run["waitedMs"] is not None for run in runs]


def test_so_many_run_at_a_time_so_many_wait_and_the_rest_are_refused(agent_server):
    agent, name = deploy(agent_server, UNTIL)
    put(agent_server, agent, concurrency=2, queue=1)
    until = unique("until")
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        calls = [pool.submit(agent_server.post, f"/rest/{name}", {"mine": unique(), "until": until}) for _ in range(3)]
        try:
            wait_until(lambda: sorted(running(agent_server, agent)) == [False, True, True], 30, "two to run and one to wait")
            reply = agent_server.post(f"/rest/{name}", {"mine": unique(), "until": until})
            assert (reply.status, reply.header("Retry-After")) == (429, "1")
            assert reply.detail == "too many agents are running for this deployment (2, and 1 wait)"
            assert agent_server.post(f"/rest/{name}", {}, headers=EVENTS).status == 429
            assert chat_model(agent_server, name).status in (429, 503)
            _, other = deploy(agent_server)
            assert agent_server.post(f"/rest/{other}", {}).status == 200
        finally:
            given(agent_server, until)
        assert [call.result().json for call in calls] == ["done"] * 3
    assert agent_server.post(f"/rest/{name}", {"mine": unique(), "until": until}).json == "done"


def test_users_have_limits_of_their_own(start_server):
    own = "plugins.runtime-python.users.local-dev-user"
    server = start_server(sets=[f"{own}.running_per_user=1", f"{own}.queue_per_user=0", f"{own}.timeout_ms=600000"], ready=True)
    agent, name = deploy(server, UNTIL)
    until = unique("until")
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        first = pool.submit(server.post, f"/rest/{name}", {"mine": unique(), "until": until})
        try:
            wait_until(lambda: running(server, agent) == [True], 30, "it to run")
            reply = server.post(f"/rest/{name}", {})
            assert (reply.status, reply.detail) == (429, "too many agents are running for this user (1, and 0 wait)")
        finally:
            given(server, until)
        assert first.result().json == "done"


def test_a_user_may_have_less_time(start_server):
    server = start_server(sets=["plugins.runtime-python.users.local-dev-user.timeout_ms=150"], ready=True)
    reply = server.post("/agents/run-code", {"code": UNTIL, "inputDict": {"mine": "m", "until": "never"}, "tools": {}})
    assert reply.json["error"] == "TimeoutError: The agent did not finish within 0.15 s."


# ---- the scope that a key must have ----


@pytest.fixture(scope="module")
def people(postgres):
    with people_room("sqlite", postgres, ["plugins.auth-api-key.enabled=true"], ready=True) as room:
        yield room


class Holder:
    """Who calls with a key."""

    def __init__(self, person, *scopes):
        reply = person.post("/users/me/keys", {"name": "k", "scopes": list(scopes)})
        assert reply.status == 201, reply
        self.server, self.headers = person.server, {"Authorization": f"Bearer {reply.json['key']}"}

    def request(self, method, path, body=None, headers=()):
        return self.server.request(method, path, body, headers={**self.headers, **dict(headers)})

    def post(self, path, body=None):
        return self.request("POST", path, body)

    def get(self, path):
        return self.request("GET", path)


def chat_model(caller, name):
    return caller.post("/v1/chat/completions", {"model": f"gofannon/{name}", "messages": [{"role": "user", "content": "hi"}]})


@pytest.fixture(scope="module")
def guarded(people):
    alice = Person(people, f"header:{unique()}")
    agent, name = deploy(alice)
    put(alice, agent, scope="use:payroll")
    return alice, agent, name


def test_a_key_without_the_scope_cannot_call(guarded):
    alice, _, name = guarded
    holder = Holder(alice, "deployments", "models")
    reply = holder.post(f"/rest/{name}", {})
    assert (reply.status, reply.detail) == (403, "This credential lacks the scope 'use:payroll', which this deployment asks for.")
    reply = chat_model(holder, name)
    assert reply.status in (401, 403) and "use:payroll" in reply.text, reply
    assert f"/rest/{name}" not in holder.get("/openapi.json").json["paths"]
    whole = Holder(alice, "use:payroll")
    assert whole.post(f"/rest/{name}", {}).detail == "This credential lacks the scope 'deployments:run'."


def test_a_key_with_the_scope_and_a_login_can(guarded):
    alice, _, name = guarded
    for caller in alice, Holder(alice, "deployments:run", "models", "use:payroll"):
        assert caller.post(f"/rest/{name}", {"inputText": "x"}).json == {"outputText": "x"}
        reply = chat_model(caller, name)
        assert reply.status == 200 and reply.json["choices"][0]["message"]["content"] == "hi", reply
        assert caller.get("/openapi.json").json["paths"][f"/rest/{name}"]["post"]["x-einion-scope"] == "use:payroll"


def test_an_agent_acts_with_the_scopes_of_who_runs_it(guarded):
    alice, _, name = guarded
    code = (
        "async def run(input_dict, tools):\n"
        f"    content, _ = await call_llm(provider='gofannon', model={name!r}, messages=[{{'role': 'user', 'content': 'hi'}}], parameters={{}})\n"
        "    return content\n"
    )
    _, caller = deploy(alice, code)
    assert alice.post(f"/rest/{caller}", {}).json == "hi"
    assert "use:payroll" in Holder(alice, "deployments", "models").post(f"/rest/{caller}", {}).detail
    assert Holder(alice, "deployments", "models", "use:payroll").post(f"/rest/{caller}", {}).json == "hi"


def test_no_door_lets_a_key_without_deployments_run_call_one(people):
    alice = Person(people, f"header:{unique()}")
    _, name = deploy(alice)
    code = f"async def run(input_dict, tools):\n    return (await call_llm('gofannon', {name!r}, [{{'role': 'user', 'content': 'hi'}}], {{}}))[0]\n"
    body = {"code": code, "inputDict": {}, "tools": {}}
    reply = Holder(alice, "agents", "models").post("/agents/run-code", body)
    assert "deployments:run" in reply.json["error"], reply
    assert Holder(alice, "agents", "deployments:run").post("/agents/run-code", body).json["result"] == "hi"


def test_members_read_the_settings_and_their_admins_change_them(people):
    maker, member, admin, stranger = (Person(people, f"header:{unique()}") for _ in range(4))
    team = unique("team")
    maker.roles = member.roles = {team: "member"}
    admin.roles = {team: "admin"}
    agent = {"_id": maker.make_agent(workspaceId=team)}
    assert admin.put(settings_path(agent), {"concurrency": 3}).status == 200
    assert member.get(settings_path(agent)).json["concurrency"] == 3
    assert member.put(settings_path(agent), {}).status == 403
    assert stranger.get(settings_path(agent)).status == stranger.put(settings_path(agent), {}).status == 404


# ---- the event stream ----


def test_an_event_stream_is_answered_to_who_asks_for_one(agent_server):
    _, name = deploy(agent_server, "async def run(input_dict, tools):\n    print('one')\n    return {'n': 1}\n", outputSchema={"n": "string"})
    reply = agent_server.post(f"/rest/{name}", {}, headers=EVENTS)
    assert reply.status == 200 and reply.header("X-Einion-Run-Id") and reply.header("Cache-Control") == "no-cache"
    *trace, (last, done) = events(reply)
    assert {event for event, _ in trace} == {"trace"} and last == "done"
    assert [event["type"] for _, event in trace] == ["agent_start", "stdout", "agent_end"]
    assert done == {
        "outcome": "success", "result": {"n": 1}, "error": None,
        "schemaWarnings": ["Output 'n' has type int but schema declares string."], "opsLog": done["opsLog"],
    }  # fmt: skip
    assert list(done) == ["outcome", "result", "error", "schemaWarnings", "opsLog"]


def test_a_run_that_fails_in_a_stream_says_so_at_its_end(agent_server):
    _, name = deploy(agent_server, "async def run(input_dict, tools):\n    return 1 / 0\n")
    last, done = events(agent_server.post(f"/rest/{name}", {}, headers=EVENTS))[-1]
    assert (last, done["outcome"], done["error"]) == ("done", "error", "ZeroDivisionError: division by zero")


@pytest.mark.parametrize(("accept", "streams"), [
    ("text/event-stream", True), ("text/event-stream, application/json;q=0.9", True), ("*/*", False), ("application/json", False),
    ("application/json, text/event-stream", False), ("text/event-stream;q=0", False), ("text/event-stream;q=0.5, */*", False),
    ("TEXT/Event-Stream ; q=0.8, application/*;q=0.1", True), ("text/*", False), ("", False), (",,;q=;,", False),
])  # fmt: skip
def test_accept_decides(agent_server, accept, streams):
    name = test_accept_decides.__dict__.setdefault("name", None) or deploy(agent_server)[1]
    test_accept_decides.name = name
    reply = agent_server.post(f"/rest/{name}", {"inputText": "x"}, headers={"Accept": accept})
    assert reply.status == 200
    assert reply.header("Content-Type").startswith("text/event-stream" if streams else "application/json")


def test_before_a_stream_begins_it_can_still_be_refused(agent_server):
    assert agent_server.post("/rest/" + unique(), {}, headers=EVENTS).status == 404
    _, name = deploy(agent_server)
    assert agent_server.post(f"/rest/{name}", [1], headers=EVENTS).status == 422


def test_a_stream_with_an_idempotency_key_is_sent_again_whole(agent_server):
    _, name = deploy(agent_server)
    headers = EVENTS | {"Idempotency-Key": unique()}
    first, again = (agent_server.post(f"/rest/{name}", {"inputText": "x"}, headers=headers) for _ in range(2))
    assert again.header("Idempotent-Replayed") == "true"
    assert again.body == first.body and len(events(again)) > 1


# ---- /openapi.json ----


def operation(server, name):
    path = "/rest/" + urllib.parse.quote(name, safe="")
    return server.get("/openapi.json").json["paths"].get(path, {}).get("post")


def test_a_deployed_agent_is_an_operation(server):
    fields = {"s": "string", "i": "integer", "f": "float", "b": "boolean", "l": "list", "j": "json", "u": "unheard-of"}
    agent, name = deploy(server, description="First line.\nSecond line.", inputSchema=fields, outputSchema={"out": "string"})
    found = operation(server, name)
    assert found["operationId"] == f"call_{name}" and found["tags"] == ["deployments"]
    assert (found["summary"], found["description"]) == ("First line.", "First line.\nSecond line.")
    schema = found["requestBody"]["content"]["application/json"]["schema"]
    assert schema["properties"] == {
        "s": {"type": "string"}, "i": {"type": "integer"}, "f": {"type": "number"}, "b": {"type": "boolean"},
        "l": {"type": "array"}, "j": {}, "u": {},
    }  # fmt: skip
    assert "required" not in schema and found["requestBody"]["required"] is False
    answer = found["responses"]["200"]["content"]
    assert answer["application/json"]["schema"] == {
        "type": "object", "properties": {"out": {"type": "string"}}, "required": ["out"], "additionalProperties": True,
    }  # fmt: skip
    assert "text/event-stream" in answer and {"401", "403", "404", "429", "500"} <= set(found["responses"])
    assert found["security"] == [{"session": []}, {"bearer": []}] and "x-einion-scope" not in found
    server.delete(f"/agents/{agent['_id']}/undeploy")
    assert operation(server, name) is None


def test_names_of_all_kinds_are_operations_with_ids_of_their_own(server):
    stem = unique()
    names = [f"{stem} a", f"{stem}/a", f"{stem}-a", f"{stem}_é", "{" + stem + "}", stem + "x" * 180]
    for name in names:
        deploy(server, friendlyName=name)
    ids = [operation(server, name)["operationId"] for name in names]
    assert len(set(ids)) == len(ids) and all(id.replace("_", "").isalnum() and id.isascii() for id in ids)


def test_the_document_stays_sound_and_is_tagged(server):
    _, name = deploy(server)
    reply = server.get("/openapi.json")
    every = [one["operationId"] for item in reply.json["paths"].values() for one in item.values()]
    assert len(every) == len(set(every)) and f"call_{name}" in every
    assert server.get("/openapi.json", headers={"If-None-Match": reply.header("ETag")}).status == 304
    deploy(server)
    assert server.get("/openapi.json", headers={"If-None-Match": reply.header("ETag")}).status == 200


def test_it_shows_each_caller_their_own(people):
    alice, bob = (Person(people, f"header:{unique()}") for _ in range(2))
    (_, hers), (_, his) = deploy(alice), deploy(bob)
    shown = [person.get("/openapi.json").json["paths"] for person in (alice, bob)]
    assert [f"/rest/{hers}" in paths for paths in shown] == [True, False]
    assert [f"/rest/{his}" in paths for paths in shown] == [False, True]
    nobody = people.get("/openapi.json")
    assert nobody.status == 200 and not any("/rest/served" in path for path in nobody.json["paths"])
    assert not any("/rest/served" in path for path in Holder(alice, "models").get("/openapi.json").json["paths"])
    assert people.get("/openapi.json", headers={"Authorization": "Bearer eink_wrong"}).status == 200


def test_it_shows_so_many_and_no_more(start_server):
    server = start_server(sets=["plugins.deployments.openapi_operations=2"])
    for _ in range(3):
        deploy(server)
    assert sum("/rest/served" in path for path in server.get("/openapi.json").json["paths"]) == 2


# ---- versions under load ----


def test_switching_versions_loses_no_request(agent_server):
    agent, name = deploy(agent_server, "async def run(input_dict, tools):\n    return 1\n")
    path = f"/agents/{agent['_id']}"
    switching = True

    def call(_):
        answers = []
        while switching or not answers:
            reply = agent_server.post(f"/rest/{name}", {})
            assert reply.status == 200, reply
            assert str(reply.json) == reply.header("X-Einion-Agent-Version"), reply
            answers.append(reply.json)
        return answers

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        calls = [pool.submit(call, i) for i in range(4)]
        try:
            for version in range(2, 12):
                code = f"async def run(input_dict, tools):\n    return {version}\n"
                assert agent_server.put(path, {"code": code}).status == 200
                assert agent_server.post(path + "/deploy").status == 201
                assert agent_server.post(f"/rest/{name}", {}).json == version
        finally:
            switching = False
        answered = [one.result() for one in calls]
    for answers in answered:
        assert answers == sorted(answers), "an older version after a newer one"
    assert len({version for answers in answered for version in answers}) > 1
