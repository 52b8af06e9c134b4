# SPDX-License-Identifier: Apache-2.0
"""/mcp, message by message; test_official_clients.py calls it as its users do."""

import base64
import json

import pytest
from agents import unique
from endpoint import CODE, Talker
from people import Bearer, Person

ECHO = {"inputSchema": {"inputText": "string"}, "outputSchema": {"outputText": "string"}}


@pytest.fixture
def echo(alice):
    return alice.deploy(description="Says it again", **ECHO)


# ---- 2026-07-28 ---------------------------------------------------------------------


@pytest.fixture
def modern(alice):
    return Talker(alice, modern=True)


@pytest.fixture
def legacy(alice):
    return Talker(alice).initialize()


def test_a_server_says_what_it_is(modern):
    said = modern.ask("server/discover")
    assert said["supportedVersions"] == ["2026-07-28"] and said["resultType"] == "complete"
    assert said["capabilities"] == {"tools": {"listChanged": True}} and said["cacheScope"] == "private"
    assert said["_meta"]["io.modelcontextprotocol/serverInfo"]["name"] == "einion"


def test_deployed_agents_are_listed_with_their_schemas(modern, echo):
    tool = modern.tool(echo)
    assert tool == {
        "name": echo, "title": tool["title"], "description": "Says it again",
        "inputSchema": {"type": "object", "properties": {"inputText": {"type": "string"}}, "additionalProperties": True},
        "outputSchema": {"type": "object", "properties": {"outputText": {"type": "string"}}, "additionalProperties": True},
    }  # fmt: skip


def test_an_agent_is_called(modern, echo):
    said = modern.call(echo, {"inputText": "hello"})
    assert said["content"] == [{"type": "text", "text": "hello"}] and said["isError"] is False
    assert said["structuredContent"] == {"outputText": "hello"} and said["resultType"] == "complete"


def test_every_type_of_a_field_has_its_schema(modern, alice):
    fields = {"s": "string", "i": "integer", "f": "float", "b": "boolean", "l": "list", "j": "json",
              "x": "what", "own": {"type": "string", "enum": ["a"]}}  # fmt: skip
    name = alice.deploy(inputSchema=fields)
    properties = modern.tool(name)["inputSchema"]["properties"]
    assert list(properties.values()) == [
        {"type": "string"}, {"type": "integer"}, {"type": "number"}, {"type": "boolean"}, {"type": "array"}, {}, {},
        {"type": "string", "enum": ["a"]}]  # fmt: skip


def test_an_agent_without_schemas_takes_any_object(modern, alice):
    tool = modern.tool(alice.deploy())
    assert tool["inputSchema"] == {"type": "object", "additionalProperties": True} and "outputSchema" not in tool


@pytest.mark.parametrize(("code", "text", "structured"), [
    ("return {'a': 1, 'b': 'x'}", '{"a":1,"b":"x"}', {"a": 1, "b": "x"}), ("return 'plain'", "plain", "plain"),
    ("return [1, 2]", "[1,2]", [1, 2]), ("return None", "null", None), ("return {'n': 1.5}", '{"n":1.5}', {"n": 1.5})])  # fmt: skip
def test_whatever_an_agent_returns_is_a_result(modern, legacy, alice, code, text, structured):
    name = alice.deploy(CODE.format(code))
    said = modern.call(name)
    assert said["content"][0]["text"] == text and said["structuredContent"] == structured
    said = legacy.call(name)
    assert said["content"][0]["text"] == text
    assert said.get("structuredContent") == (structured if isinstance(structured, dict) else None)


def test_an_agent_that_fails_is_a_failure_of_the_tool(modern, alice):
    said = modern.call(alice.deploy(CODE.format("raise ValueError('no luck')")))
    assert said["isError"] is True and said["content"][0]["text"] == "Error executing agent: ValueError: no luck"


def test_a_result_that_breaks_the_promise_is_told_as_a_failure(modern, alice):
    said = modern.call(alice.deploy(CODE.format("return {'n': 'many'}"), outputSchema={"n": "integer"}))
    assert said["isError"] is True and said["content"][0]["text"].endswith("output schema says: many")
    assert "structuredContent" not in said


def test_arguments_of_the_wrong_type_do_not_run(modern, echo):
    said = modern.call(echo, {"inputText": 5})
    assert said["isError"] is True and "input schema" in said["content"][0]["text"]


def test_a_call_is_a_run_of_its_kind(modern, alice, echo):
    run = modern.reply("tools/call", {"name": echo, "arguments": {}}, name=echo).header("X-Einion-Run-Id")
    assert alice.get(f"/runs/{run}").json["kind"] == "mcp"


def test_progress_comes_from_the_trace(modern, alice):
    name = alice.deploy(CODE.format("print('half way')\n    return 'done'"))
    events = modern.stream("tools/call", {"name": name, "_meta": {"progressToken": "p1"}}, name=name)
    steps = [event["params"] for event in events[:-1]]
    assert [step["progressToken"] for step in steps] == ["p1"] * len(steps)
    assert [step["progress"] for step in steps] == list(range(1, len(steps) + 1))
    assert [step["message"] for step in steps] == [f"{name} begins", "half way", f"{name} has ended: success"]
    assert events[-1]["result"]["content"][0]["text"] == "done"


# ---- errors ---------------------------------------------------------------------------------


def failure(reply):
    return reply.status, reply.json["error"]["code"]


def test_tools_that_are_not_there(modern, legacy):
    assert failure(modern.reply("tools/call", {"name": "nothing"}, name="nothing")) == (200, -32602)
    assert failure(legacy.reply("tools/call", {"name": "nothing"})) == (200, -32602)


def test_long_names_of_any_letters_are_told(legacy):
    name = "a" + "ä" * 150
    error = legacy.reply("tools/call", {"name": name}).json["error"]
    assert (error["code"], error["message"]) == (-32602, "Unknown tool: a" + "ä" * 99)
    error = legacy.reply(name).json["error"]
    assert (error["code"], error["message"]) == (-32601, "Method not found: a" + "ä" * 99)


def test_agents_of_others_are_not_there(bob, echo):
    talker = Talker(bob, modern=True)
    assert echo not in talker.names()
    assert failure(talker.reply("tools/call", {"name": echo}, name=echo)) == (200, -32602)


def test_methods_that_are_not_there(modern, legacy):
    for method in ("ping", "initialize", "resources/list"):
        assert failure(modern.reply(method)) == (404, -32601)
    assert failure(legacy.reply("server/nothing")) == (200, -32601)
    assert legacy.ask("ping") == {}


def test_headers_have_to_say_what_the_body_says(modern, echo):
    reply = modern.reply("tools/call", {"name": echo}, name="another")
    assert failure(reply) == (400, -32020) and "Mcp-Name" in reply.json["error"]["message"]
    assert failure(modern.reply("tools/list", headers={"Mcp-Method": "tools/call"})) == (400, -32020)
    assert failure(modern.reply("tools/list", headers={"Mcp-Method": None})) == (400, -32020)
    assert failure(modern.reply("tools/list", headers={"MCP-Protocol-Version": "2025-11-25"})) == (400, -32020)
    assert failure(modern.reply("tools/list", headers={"MCP-Protocol-Version": None})) == (400, -32020)


def test_a_name_may_be_encoded_in_its_header(modern, echo):
    encoded = "=?base64?" + base64.b64encode(echo.encode()).decode() + "?="
    assert modern.reply("tools/call", {"name": echo}, name=encoded).json["result"]["isError"] is False
    assert failure(modern.reply("tools/call", {"name": echo}, name="=?base64?%%?=")) == (400, -32020)


def test_versions_that_are_not_spoken(modern, legacy):
    reply = modern.reply("tools/list", version="2031-01-01", headers={"MCP-Protocol-Version": "2031-01-01"})
    assert failure(reply) == (400, -32022)
    assert reply.json["error"]["data"] == {"supported": ["2026-07-28"], "requested": "2031-01-01"}
    assert failure(legacy.reply("tools/list", headers={"MCP-Protocol-Version": "1999-01-01"})) == (400, -32000)


@pytest.mark.parametrize(("body", "code"), [
    (b"", -32700), (b"{", -32700), (b"5", -32700), (b"[" * 100 + b"]" * 100, -32700), (b"{}", -32600), (b"[]", -32600),
    (b'{"jsonrpc":"2.0","id":null,"method":"ping"}', -32600), (b'{"jsonrpc":"2.0","id":1.5,"method":"ping"}', -32600),
    (b'{"jsonrpc":"1.0","id":1,"method":"ping"}', -32600), (b'{"jsonrpc":"2.0","id":1,"method":5}', -32600),
    (b'{"jsonrpc":"2.0","id":1,"method":"ping","params":[]}', -32600)])  # fmt: skip
def test_what_is_no_message(alice, body, code):
    reply = alice.request("POST", "/mcp", body=body, headers={"Content-Type": "application/json"})
    assert failure(reply) == (400, code) and reply.json["id"] is None


def test_other_types_of_body(alice):
    assert alice.request("POST", "/mcp", body=b"{}", headers={"Content-Type": "text/plain"}).status == 415


def test_answers_are_not_waited_for(legacy):
    assert legacy.send({"jsonrpc": "2.0", "id": 1, "result": {}}).status == 202
    reply = legacy.send({"jsonrpc": "2.0", "method": "notifications/initialized"})
    assert reply.status == 202 and reply.body == b""


# ---- before 2026-07-28 ------------------------------------------------------------------------


@pytest.mark.parametrize(("asked", "got"), [("2025-11-25", "2025-11-25"), ("2025-06-18", "2025-06-18"),
                                            ("2025-03-26", "2025-03-26"), ("2024-11-05", "2024-11-05"),
                                            ("2031-01-01", "2025-11-25")])  # fmt: skip
def test_initialize(alice, asked, got):
    talker = Talker(alice)
    assert talker.initialize(asked).about["protocolVersion"] == got
    assert talker.about["serverInfo"]["name"] == "einion" and talker.session


def test_a_session_calls(legacy, echo):
    assert echo in legacy.names()
    assert legacy.call(echo, {"inputText": "x"})["structuredContent"] == {"outputText": "x"}


def test_sessions_are_their_users_and_end(alice, bob, legacy):
    other = Talker(bob)
    other.session = legacy.session
    assert failure(other.reply("ping")) == (404, -32001)
    assert alice.delete("/mcp", headers={"Mcp-Session-Id": legacy.session}).status == 204
    assert failure(legacy.reply("ping")) == (404, -32001)
    legacy.session = "nonsense"
    assert failure(legacy.reply("ping")) == (404, -32001)
    legacy.session = None
    assert legacy.ask("ping") == {}, "a client need not have one"


def test_several_messages_at_once_are_of_2025_03_26(alice):
    messages = [{"jsonrpc": "2.0", "id": 1, "method": "ping"}, {"jsonrpc": "2.0", "method": "notifications/initialized"},
                {"jsonrpc": "2.0", "id": "b", "method": "nothing"}]  # fmt: skip
    old = Talker(alice).initialize("2025-03-26")
    answers = old.send(messages).json
    assert [(answer["id"], "result" in answer) for answer in answers] == [(1, True), ("b", False)]
    assert old.send(messages[1:2]).status == 202
    assert failure(old.send(messages[:1] * 51)) == (400, -32600)
    assert failure(Talker(alice).initialize().send(messages)) == (400, -32600)


# ---- cancelling --------------------------------------------------------------------------------

FOREVER = CODE.format("print('it runs')\n    await asyncio.sleep(600)")


def ended(alice, name):
    runs = [run for run in alice.get("/runs?limit=5").json if run["agentName"] == name]
    return runs and runs[0]["status"] != "running" and runs[0]["status"]


def test_who_leaves_has_cancelled(alice, modern, wait):
    name = alice.deploy(FOREVER)
    with modern.open("tools/call", {"name": name, "_meta": {"progressToken": 1}}, name=name) as stream:
        stream.until("it runs")
    assert wait(lambda: ended(alice, name)) == "stopped"


def test_cancelled_is_what_a_client_of_2025_says(alice, bob, legacy, wait):
    name = alice.deploy(FOREVER)
    with legacy.open("tools/call", {"name": name, "_meta": {"progressToken": 1}}, id="mine") as stream:
        stream.until("it runs")
        cancelled = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": "mine"}}
        assert Talker(bob).send(cancelled).status == 202
        assert Talker(alice).initialize().send(cancelled).status == 202, "another session"
        assert not ended(alice, name)
        assert legacy.send(cancelled).status == 202
        assert stream.rest()[-1]["result"]["isError"] is True
    assert wait(lambda: ended(alice, name)) == "stopped"


def test_a_client_of_2025_that_leaves_has_not_cancelled(alice, legacy, wait):
    name = alice.deploy(FOREVER)
    with legacy.open("tools/call", {"name": name, "_meta": {"progressToken": 1}}) as stream:
        stream.until("it runs")
    assert not ended(alice, name)
    assert alice.delete("/mcp", headers={"Mcp-Session-Id": legacy.session}).status == 204
    assert wait(lambda: ended(alice, name)) == "stopped"


# ---- who may -------------------------------------------------------------------------------------


def test_who_is_nobody_is_told_where_to_log_in(mcp_server):
    reply = mcp_server.post("/mcp", {"jsonrpc": "2.0", "id": 1, "method": "ping"})
    assert reply.status == 401 and reply.json["error"]["code"] == -32000
    assert "no API key of einion in this request" in reply.json["error"]["message"]
    said = reply.header("WWW-Authenticate")
    url = "http://127.0.0.1/.well-known/oauth-protected-resource/mcp"
    assert f'resource_metadata="{url}"' in said
    for path in ("/.well-known/oauth-protected-resource", "/.well-known/oauth-protected-resource/mcp"):
        told = mcp_server.get(path).json
        assert told["resource"] == "http://127.0.0.1/mcp" and told["bearer_methods_supported"] == ["header"]
        assert told["authorization_servers"] == ["https://id.example.org"]


def test_keys_need_their_scope(alice):
    key = alice.post("/users/me/keys", {"name": "k", "scopes": ["models"]}).json["key"]
    reply = alice.server.post("/mcp", {"jsonrpc": "2.0", "id": 1, "method": "ping"}, headers={"Authorization": f"Bearer {key}"})
    assert reply.status == 403 and 'error="insufficient_scope", scope="deployments:run"' in reply.header("WWW-Authenticate")


def test_a_page_of_another_origin_is_not_let_in(start_server):
    server = start_server(backend="memory", sets=["plugins.runtime-python.enabled=false"])
    ping = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
    assert server.post("/mcp", ping).json["result"] == {}, "without logins everybody is the local user"
    for headers in ({"Origin": "https://evil.example"}, {"Origin": "null"}, {"Host": "evil.example", "Origin": "http://evil.example"}):
        reply = server.post("/mcp", ping, headers=headers)
        assert reply.status == 403 and reply.json["error"]["message"], reply


# ---- many ------------------------------------------------------------------------------------------


def test_names_that_no_model_could_say_are_changed(modern, alice):
    names = [unique("Wörk & play / "), unique("x" * 80), unique("dotted.name.")]
    for name in names:
        alice.deploy(friendlyName=name, description=name, **ECHO)
        tool = next(tool for tool in modern.tools() if tool["description"] == name)
        assert tool["name"] != name and len(tool["name"]) <= 64
        assert all(letter.isascii() and (letter.isalnum() or letter in "_-") for letter in tool["name"])
        assert modern.call(tool["name"], {"inputText": name})["content"][0]["text"] == name


def test_lists_come_in_pages(many):
    server, person = many(whole_tools=1000, page_tools=7)
    talker = Talker(person, modern=True)
    pages = talker.pages()
    assert [len(page["tools"]) for page in pages] == [7, 7, 6]
    assert len({tool["name"] for page in pages for tool in page["tools"]}) == 20
    assert failure(talker.reply("tools/list", {"cursor": "nonsense"})) == (200, -32602)


def test_who_has_many_agents_has_a_tool_to_search_them(many):
    server, person = many(whole_tools=10, found_tools=3)
    talker = Talker(person, modern=True)
    assert talker.names() == ["search_agents", "run_agent"]
    assert "20 agents" in talker.tool("search_agents")["description"]
    found = talker.call("search_agents", {"query": "sums of numbers"})["structuredContent"]
    assert found["total"] == 20 and found["agents"][0]["name"] == "adder" and len(found["agents"]) <= 3
    assert found["agents"][0]["inputSchema"]["properties"] == {"a": {"type": "integer"}, "b": {"type": "integer"}}
    assert len(json.dumps(talker.tools())) < 4000
    assert talker.call("run_agent", {"name": "adder", "arguments": {"a": 2, "b": 3}})["structuredContent"] == {"sum": 5}
    assert talker.call("adder", {"a": 1, "b": 1})["structuredContent"] == {"sum": 2}
    assert talker.call("run_agent", {"arguments": {}})["isError"] is True
    assert len(talker.call("search_agents", {"limit": 1})["structuredContent"]["agents"]) == 1
    assert talker.call("search_agents", {"query": "zzz"})["structuredContent"]["agents"] == []
    everything = Talker(person, modern=True, path="/mcp?tools=all")
    assert len(everything.names()) == 20
    always = Talker(person, modern=True, path="/mcp?tools=search")
    assert always.names() == ["search_agents", "run_agent"]


# ---- listening ---------------------------------------------------------------------------------------


def test_who_subscribes_is_told_that_the_list_has_changed(modern, alice):
    with modern.open("subscriptions/listen", {"notifications": {"toolsListChanged": True, "promptsListChanged": True}}, id="s") as stream:
        begun = next(stream)
        assert begun["method"] == "notifications/subscriptions/acknowledged"
        assert begun["params"] == {"_meta": {"io.modelcontextprotocol/subscriptionId": "s"}, "notifications": {"toolsListChanged": True}}
        alice.deploy()
        changed = next(stream)
        assert changed["method"] == "notifications/tools/list_changed"
        assert changed["params"]["_meta"] == {"io.modelcontextprotocol/subscriptionId": "s"}


def test_nothing_to_listen_for_ends_at_once(modern):
    events = modern.stream("subscriptions/listen", {"notifications": {}}, id="s")
    assert events[-1]["result"]["resultType"] == "complete"
    assert events[-1]["result"]["_meta"]["io.modelcontextprotocol/subscriptionId"] == "s"


def test_a_client_of_2025_listens_by_get(legacy, alice):
    with legacy.listen() as stream:
        alice.deploy()
        assert next(stream) == {"jsonrpc": "2.0", "method": "notifications/tools/list_changed"}
    assert alice.get("/mcp", headers={"Mcp-Session-Id": legacy.session}).status == 406
    headers = {"Accept": "text/event-stream", "Mcp-Session-Id": "nonsense"}
    assert alice.get("/mcp", headers=headers).status == 404


@pytest.mark.parametrize("version", [None, "2026-07-28"])
def test_a_client_of_2024_or_2026_is_not_left_waiting_for_what_never_comes_by_get(alice, version):
    reply = alice.get("/mcp", headers={"Accept": "text/event-stream"} | ({"MCP-Protocol-Version": version} if version else {}))
    assert reply.status == 405 and reply.header("Allow") == "POST" and "begins with a POST" in reply.text


def test_who_is_blocked_listens_no_more_and_calls_nothing(many):
    server, person = many()
    admin, talker = Person(server, "header:root", site_admin=True), Talker(person).initialize()
    with talker.listen() as stream:
        assert admin.put(f"/admin/users/{person.uid}/blocked", {}).status == 200
        assert [event for event in stream.events if event[0] is not None] == []
    for one in (talker, Talker(person, modern=True)):
        assert one.reply("tools/list").status == 403
    assert admin.delete(f"/admin/users/{person.uid}/blocked").status == 200
    assert talker.reply("tools/list").status == 200


def test_there_are_only_so_many_who_listen(many):
    server, person = many(listeners=1)
    talker, legacy = Talker(person, modern=True), Talker(person).initialize()
    with legacy.listen():
        assert failure(talker.reply("subscriptions/listen", {"notifications": {}})) == (200, -32000)
        headers = {"Accept": "text/event-stream", "Mcp-Session-Id": legacy.session}
        assert person.get("/mcp", headers=headers).status == 503


def test_a_stream_ends_after_its_time(many):
    server, person = many(listen_ms=50)
    events = Talker(person, modern=True).stream("subscriptions/listen", {"notifications": {"toolsListChanged": True}})
    assert events[-1]["result"]["resultType"] == "complete"


def test_a_server_that_stops_waits_for_nobody_who_listens(start_own):
    server, person = start_own(server=["limits.drain_ms=3600000"])
    with Talker(person).initialize().listen():
        assert server.stop() == 0


def test_calls_end_with_the_time_that_a_stop_gives_them(start_own):
    server, person = start_own(server=["limits.drain_ms=100"])
    name = person.deploy(FOREVER)
    with Talker(person).initialize().open("tools/call", {"name": name, "_meta": {"progressToken": 1}}) as stream:
        stream.until("it runs")
        assert server.stop() == 0


def test_instructions_and_limits_are_settings(many):
    server, person = many(instructions="Agents of a test.", body_bytes=2000, json_depth=8, json_values=100, batch=1)
    assert Talker(person).initialize().about["instructions"] == "Agents of a test."
    assert Talker(person, modern=True).ask("server/discover")["instructions"] == "Agents of a test."
    headers = {"Content-Type": "application/json"}
    assert person.request("POST", "/mcp", body=b" " * 2001, headers=headers).status == 413
    deep = b'{"jsonrpc":"2.0","id":1,"method":"ping","params":{"a":' + b"[" * 8 + b"]" * 8 + b"}}"
    assert failure(person.request("POST", "/mcp", body=deep, headers=headers)) == (400, -32700)
    ping = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
    assert failure(person.post("/mcp", {**ping, "params": {"a": [{}] * 100}})) == (413, -32000)
    assert failure(person.post("/mcp", [ping, ping])) == (400, -32600)


def test_a_deployment_that_asks_for_a_scope_has_it_asked_for(alice, modern):
    name = alice.deploy()
    agent = next(one["agentId"] for one in alice.get("/deployments").json if one["friendlyName"] == name)
    reply = alice.put(f"/agents/{agent}/deployment/settings", {"scope": "use:payroll"})
    assert reply.status == 200, reply
    key = alice.post("/users/me/keys", {"name": "k", "scopes": ["deployments:run"]}).json["key"]
    said = Talker(Bearer(alice.server, key), modern=True).call(name)
    assert said["isError"] is True and "'use:payroll'" in said["content"][0]["text"]
    key = alice.post("/users/me/keys", {"name": "k", "scopes": ["deployments:run", "use:payroll"]}).json["key"]
    assert Talker(Bearer(alice.server, key), modern=True).call(name)["isError"] is False
    assert modern.call(name)["isError"] is False, "who logs in is not limited"
