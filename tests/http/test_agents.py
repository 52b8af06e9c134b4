# SPDX-License-Identifier: Apache-2.0
"""Agents: created, read, changed, deleted, and the chain of what they reach."""

import concurrent.futures
import re

import pytest
from agents import FIELDS, deploy, make_agent, unique

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
MINIMAL = {"name": "n", "description": "", "code": ""}


def all_at_once(count, do):
    with concurrent.futures.ThreadPoolExecutor(count) as pool:
        return list(pool.map(do, range(count)))


def fault(kind, loc, message, **more):
    return {"type": kind, "loc": ["body", *loc], "msg": message} | more


# ---- creating ----


def test_a_new_agent_has_all_fields_in_their_order(server):
    reply = server.post("/agents", MINIMAL)
    assert reply.status == 201
    agent = reply.json
    assert list(agent) == FIELDS
    assert agent["tools"] == {}
    assert agent["swaggerSpecs"] == agent["gofannonAgents"] == agent["dataStoreConfig"] == []
    absent = ["docstring", "friendlyName", "inputSchema", "outputSchema", "invokableModels", "composerThoughts", "composerModelConfig"]
    assert [agent[name] for name in absent] == [None] * len(absent)
    assert TIME.fullmatch(agent["createdAt"]) and agent["createdAt"] == agent["updatedAt"]
    assert reply.header("ETag") == f'"{agent["_rev"]}"'
    assert server.get(f"/agents/{agent['_id']}").json == agent


def test_fields_are_taken_in_both_spellings_and_unknown_ones_dropped(server):
    agent = make_agent(
        server, friendly_name="snake", input_schema={"a": "string"}, data_store_config=[{"namespace": "n"}], userId="x", _id="mine", zzz=1
    )
    assert list(agent) == FIELDS
    assert agent["friendlyName"] == "snake"
    assert agent["inputSchema"] == {"a": "string"}
    assert agent["_id"] != "mine"


def test_what_is_nested_is_made_whole(server):
    model = {"provider": "openai", "model": "m", "parameters": {"z": 1, "a": [1, {"b": None}]}}
    agent = make_agent(
        server,
        invokableModels=[model | {"extra": 1}],
        composer_model_config=model | {"built_in_tool": "search"},
        dataStoreConfig=[{"namespace": "n"}, {"namespace": "m", "access": "write", "description": "d"}],
        swaggerSpecs=[{"name": "s", "content": "{}", "more": 1}],
    )
    assert agent["invokableModels"] == [model | {"builtInTool": None}]
    assert agent["composerModelConfig"] == model | {"builtInTool": "search"}
    assert agent["dataStoreConfig"] == [
        {"namespace": "n", "access": "both", "description": None},
        {"namespace": "m", "access": "write", "description": "d"},
    ]
    assert agent["swaggerSpecs"] == [{"name": "s", "content": "{}"}]


def test_keys_keep_their_order(server):
    tools = {"http://z/": ["b", "a"], "http://a/": [], "http://m/": ["x"]}
    schema = {"zeta": "string", "alpha": "json", "camelCase": "list", "snake_case": "float"}
    agent = make_agent(server, tools=tools, inputSchema=schema, outputSchema=schema, composerThoughts={"z": 1, "a": [2]})
    stored = server.get(f"/agents/{agent['_id']}").json
    for found in agent, stored:
        assert list(found["tools"].items()) == list(tools.items())
        assert list(found["inputSchema"].items()) == list(found["outputSchema"].items()) == list(schema.items())
        assert list(found["composerThoughts"]) == ["z", "a"]


def test_null_is_the_same_as_absent_where_it_is_allowed(server):
    optional = FIELDS[3:5] + FIELDS[6:14]
    agent = make_agent(server, **dict.fromkeys(optional))
    plain = make_agent(server)
    assert {name: agent[name] for name in optional} == {name: plain[name] for name in optional}


def test_text_survives_as_it_is(server):
    text = "äöü 漢字 🎉 \u2028 \x7f \"quoted\" \\ \t\n"
    agent = make_agent(server, code=text, docstring=text, composerThoughts=text)
    stored = server.get(f"/agents/{agent['_id']}").json
    assert stored["code"] == stored["docstring"] == stored["composerThoughts"] == text


def test_all_faults_of_a_body_are_listed_in_the_order_of_the_fields(server):
    body = {
        "name": 3,
        "code": None,
        "friendlyName": 1,
        "tools": {"u": "notalist", "v": [1]},
        "swaggerSpecs": [{"name": "s"}],
        "inputSchema": [],
        "gofannonAgents": ["a", 2],
        "dataStoreConfig": [{"namespace": "n", "access": "all"}],
    }
    reply = server.post("/agents", body)
    assert reply.status == 422
    text = "Input should be a valid string"
    assert reply.detail == [
        fault("string_type", ["name"], text, input=3),
        fault("missing", ["description"], "Field required", input=body),
        fault("string_type", ["code"], text, input=None),
        fault("string_type", ["friendlyName"], text, input=1),
        fault("list_type", ["tools", "u"], "Input should be a valid list", input="notalist"),
        fault("string_type", ["tools", "v", 0], text, input=1),
        fault("missing", ["swaggerSpecs", 0, "content"], "Field required", input={"name": "s"}),
        fault("dict_type", ["inputSchema"], "Input should be a valid dictionary", input=[]),
        fault("string_type", ["gofannonAgents", 1], text, input=2),
        fault(
            "literal_error", ["dataStoreConfig", 0, "access"], "Input should be 'read', 'write' or 'both'",
            input="all", ctx={"expected": "'read', 'write' or 'both'"},
        ),
    ]  # fmt: skip


def test_parameters_that_exclude_each_other_are_refused_where_they_stand(server):
    model = {"provider": "anthropic", "model": "claude-opus-4-6", "parameters": {"temperature": 1, "top_p": 0.5}}
    fine = model | {"parameters": {"temperature": 1, "top_p": None}}
    reply = server.post("/agents", MINIMAL | {"invokableModels": [fine, model], "composerModelConfig": model})
    assert reply.status == 422
    message = "Value error, Parameters 'temperature' and 'top_p' are mutually exclusive for anthropic/claude-opus-4-6."
    assert [(one["type"], one["loc"], one["msg"]) for one in reply.detail] == [
        ("value_error", ["body", "invokableModels", 1], message),
        ("value_error", ["body", "composerModelConfig"], message),
    ]
    agent = make_agent(server)
    assert server.put(f"/agents/{agent['_id']}", {"composerModelConfig": model}).status == 422


@pytest.mark.parametrize("length", [600_000, 5_000_000])
def test_code_that_is_too_long_is_refused_in_a_sentence(server, length):
    agent = make_agent(server)
    for reply in (
        server.post("/agents", MINIMAL | {"code": "#" * length}),
        server.put(f"/agents/{agent['_id']}", {"code": "#" * length}),
    ):
        assert reply.status == 413
        assert reply.detail == f"The code has {length} bytes; 524288 is the most that it may have."
    assert server.get(f"/agents/{agent['_id']}").json == agent


def test_the_limit_of_code_is_a_setting_and_counts_bytes(start_server):
    server = start_server(sets=["plugins.agents.code_max_bytes=100"])
    assert server.post("/agents", MINIMAL | {"code": "x" * 100}).status == 201
    assert server.post("/agents", MINIMAL | {"code": "é" * 51}).status == 413


def test_names_and_descriptions_have_limits_of_their_own(start_server):
    server = start_server(sets=["plugins.agents.name_max_bytes=10", "plugins.agents.text_max_bytes=20"])
    longest = MINIMAL | {"name": "n" * 10, "friendlyName": "f" * 10, "description": "d" * 20, "docstring": "s" * 20}
    made = server.post("/agents", longest)
    assert made.status == 201
    for member, title, most in [("name", "name", 10), ("friendlyName", "friendly name", 10),
                                ("description", "description", 20), ("docstring", "docstring", 20)]:  # fmt: skip
        for reply in (
            server.post("/agents", longest | {member: "x" * (most + 1)}),
            server.put(f"/agents/{made.json['_id']}", {member: "x" * (most + 1)}),
        ):
            assert (reply.status, reply.detail) == (413, f"The {title} has {most + 1} bytes; {most} is the most that it may have.")


# ---- reading ----


def test_an_unknown_agent_is_not_found(server):
    assert server.get("/agents/nope").detail == "Document 'nope' not found in 'agents'"
    assert server.put("/agents/nope", {"name": "x"}).detail == "Document 'nope' not found in 'agents'"
    assert server.delete("/agents/nope").detail == "Document 'nope' not found for deletion."
    for method in "GET", "PUT", "DELETE":
        assert server.request(method, "/agents/nope", {} if method == "PUT" else None).status == 404


def test_a_longer_id_than_any_document_has_is_not_found(server):
    assert server.get("/agents/" + "x" * 2000).status == 404
    assert server.delete("/agents/" + "x" * 2000).status == 404


def test_an_agent_that_has_not_changed_is_not_sent_again(server):
    agent = make_agent(server)
    path = f"/agents/{agent['_id']}"
    etag = server.get(path).header("ETag")
    assert server.get(path, headers={"If-None-Match": etag}).status == 304
    server.put(path, {"name": "other"})
    assert server.get(path, headers={"If-None-Match": etag}).status == 200


def test_head_answers_like_get_without_a_body(server):
    agent = make_agent(server)
    got, headed = (server.request(method, f"/agents/{agent['_id']}") for method in ("GET", "HEAD"))
    assert headed.status == 200 and headed.body == b""
    assert headed.header("ETag") == got.header("ETag")
    assert headed.header("Content-Length") == got.header("Content-Length")


def test_the_list_is_in_order_of_creation(server):
    made = [make_agent(server)["_id"] for _ in range(5)]
    server.put(f"/agents/{made[2]}", {"name": "changed"})
    listed = [agent["_id"] for agent in server.get("/agents").json]
    assert [one for one in listed if one in made] == made
    assert all(list(agent) == FIELDS for agent in server.get("/agents").json)


def test_the_list_is_read_in_pages(server):
    for _ in range(7):
        make_agent(server)
    whole = [agent["_id"] for agent in server.get("/agents").json]
    path, found, pages = "/agents?limit=3", [], 0
    while path:
        reply = server.get(path)
        assert reply.status == 200 and len(reply.json) <= 3
        found += [agent["_id"] for agent in reply.json]
        link = reply.header("Link")
        path = re.fullmatch(r'<(/agents\?[^>]+)>; rel="next"', link)[1] if link else None
        pages += 1
    assert found == whole
    assert pages == -(-len(whole) // 3)
    assert server.get("/agents").header("Link") is None


@pytest.mark.parametrize("query", ["limit=0", "limit=-1", "limit=x", "limit=1001"])
def test_a_limit_out_of_range_is_refused(server, query):
    reply = server.get(f"/agents?{query}")
    assert reply.status == 422
    assert [one["loc"] for one in reply.detail] == [["query", "limit"]]


def test_a_cursor_that_nobody_gave_is_refused(server):
    assert server.get("/agents?limit=1&cursor=nonsense").status in (400, 422)


# ---- changing ----


def test_a_put_changes_the_fields_that_are_present_and_no_other(server):
    before = make_agent(server, docstring="d", tools={"http://a/": ["x"]}, inputSchema={"a": "string"})
    reply = server.put(f"/agents/{before['_id']}", {"description": "new", "friendly_name": "f", "docstring": None})
    assert reply.status == 200
    after = reply.json
    assert list(after) == FIELDS
    changed = {name for name in FIELDS if before[name] != after[name]}
    assert changed == {"description", "friendlyName", "docstring", "_rev", "updatedAt"}
    assert (after["description"], after["friendlyName"], after["docstring"]) == ("new", "f", None)
    assert after["updatedAt"] > before["updatedAt"]
    assert reply.header("ETag") == f'"{after["_rev"]}"'
    assert server.get(f"/agents/{before['_id']}").json == after


def test_a_list_set_to_null_is_empty(server):
    agent = make_agent(server, gofannonAgents=["a"], swaggerSpecs=[{"name": "s", "content": "c"}], dataStoreConfig=[{"namespace": "n"}])
    after = server.put(f"/agents/{agent['_id']}", {"gofannonAgents": None, "swaggerSpecs": None, "dataStoreConfig": None}).json
    assert after["gofannonAgents"] == after["swaggerSpecs"] == after["dataStoreConfig"] == []


def test_required_fields_cannot_become_null(server):
    agent = make_agent(server)
    reply = server.put(f"/agents/{agent['_id']}", {"tools": None, "code": None, "name": None, "docstring": None})
    assert reply.status == 422
    assert reply.detail == [
        fault("string_type", ["name"], "Input should be a valid string"),
        fault("string_type", ["code"], "Input should be a valid string"),
        fault("dict_type", ["tools"], "Input should be a valid dictionary"),
    ]
    assert server.get(f"/agents/{agent['_id']}").json == agent


def test_a_put_that_says_nothing_is_a_write(server):
    agent = make_agent(server)
    after = server.put(f"/agents/{agent['_id']}", {}).json
    assert after["_rev"] != agent["_rev"]
    assert {name: after[name] for name in FIELDS[:15]} == {name: agent[name] for name in FIELDS[:15]}


def test_a_put_without_a_body_is_refused(server):
    agent = make_agent(server)
    reply = server.put(f"/agents/{agent['_id']}")
    assert reply.status == 422
    assert reply.detail == [{"type": "missing", "loc": ["body"], "msg": "Field required", "input": None}]


def test_a_stale_revision_is_refused_and_the_present_one_taken(server):
    agent = make_agent(server)
    path, stale = f"/agents/{agent['_id']}", agent["_rev"]
    fresh = server.put(path, {"name": "a", "_rev": stale}).json["_rev"]
    assert server.put(path, {"name": "b", "_rev": stale}).status == 409
    assert server.put(path, {"name": "b"}, headers={"If-Match": f'"{stale}"'}).status == 412
    assert server.delete(path, headers={"If-Match": f'"{stale}"'}).status == 412
    assert server.get(path).json["name"] == "a"
    assert server.put(path, {"name": "b", "_rev": fresh}, headers={"If-Match": f'"{fresh}"'}).status == 200
    assert server.delete(path, headers={"If-Match": "*"}).status == 204


def test_of_writes_that_name_one_revision_one_wins(server):
    agent = make_agent(server)
    path = f"/agents/{agent['_id']}"
    replies = all_at_once(8, lambda i: server.put(path, {"name": f"w{i}", "_rev": agent["_rev"]}))
    assert sorted(reply.status for reply in replies) == [200] + [409] * 7
    winner = next(reply for reply in replies if reply.status == 200)
    assert server.get(path).json == winner.json


def test_writes_of_different_fields_at_once_all_count(server):
    agent = make_agent(server)
    path = f"/agents/{agent['_id']}"
    fields = ["name", "description", "code", "docstring", "friendlyName"]
    replies = all_at_once(len(fields), lambda i: server.put(path, {fields[i]: "changed"}))
    assert [reply.status for reply in replies] == [200] * len(fields)
    after = server.get(path).json
    assert [after[name] for name in fields] == ["changed"] * len(fields)


# ---- deleting ----


def test_a_deleted_agent_is_gone_with_its_deployments(server):
    agent, name = deploy(server)
    server.put(f"/agents/{agent['_id']}", {"friendlyName": unique("second")})
    assert server.post(f"/agents/{agent['_id']}/deploy").status == 201
    reply = server.delete(f"/agents/{agent['_id']}")
    assert reply.status == 204 and reply.body == b"" and reply.header("Content-Type") is None
    assert server.get(f"/agents/{agent['_id']}").status == 404
    assert server.delete(f"/agents/{agent['_id']}").status == 404
    assert agent["_id"] not in [one["agentId"] for one in server.get("/deployments").json]
    assert server.post(f"/rest/{name}", {}).status == 404


def test_of_deletes_at_once_one_finds_the_agent(server):
    agent, _ = deploy(server)
    replies = all_at_once(8, lambda _: server.delete(f"/agents/{agent['_id']}"))
    assert sorted(reply.status for reply in replies) == [204] + [404] * 7


def test_deploying_while_deleting_leaves_nothing_behind(server):
    for _ in range(10):
        agent = make_agent(server, friendlyName=unique("race"))
        path = f"/agents/{agent['_id']}"
        calls = [lambda: server.delete(path)] + [lambda: server.post(path + "/deploy")] * 3
        replies = all_at_once(4, lambda i: calls[i]())
        assert replies[0].status == 204
        assert {reply.status for reply in replies[1:]} <= {201, 404}
        assert agent["friendlyName"] not in [one["friendlyName"] for one in server.get("/deployments").json]
        # The name is free again.
        other = make_agent(server, friendlyName=agent["friendlyName"])
        assert server.post(f"/agents/{other['_id']}/deploy").status == 201


# ---- the chain ----


def node(agent, **more):
    return {
        "id": agent["_id"], "type": "agent", "name": agent["name"], "description": agent["description"],
        "input_schema": agent["inputSchema"], "output_schema": agent["outputSchema"], "missing": False, "truncated": False,
    } | more  # fmt: skip


def test_the_chain_shows_agents_servers_and_calls(server):
    leaf = make_agent(server, tools={"http://m/": ["b", "a"]}, inputSchema={"x": "string"})
    root = make_agent(server, tools={"http://m/": ["c"]}, gofannonAgents=[leaf["_id"], "gone", leaf["_id"]])
    reply = server.get(f"/agents/{root['_id']}/chain")
    assert reply.status == 200
    chain = reply.json
    assert list(chain) == ["root", "nodes", "edges"] and chain["root"] == root["_id"]
    assert list(chain["nodes"].items()) == [
        (root["_id"], node(root)),
        ("mcp:http://m/", {"id": "mcp:http://m/", "type": "mcp_server", "url": "http://m/", "tool_count": 1, "tools": ["c"]}),
        (leaf["_id"], node(leaf)),
        ("gone", {
            "id": "gone", "type": "agent", "name": "(missing)", "description": "", "input_schema": {},
            "output_schema": {}, "missing": True, "truncated": False,
        }),
    ]  # fmt: skip
    assert chain["edges"] == [
        {"from": root["_id"], "to": "mcp:http://m/", "type": "uses_tools", "tools": ["c"]},
        {"from": leaf["_id"], "to": "mcp:http://m/", "type": "uses_tools", "tools": ["b", "a"]},
        {"from": root["_id"], "to": leaf["_id"], "type": "calls", "cyclic": False},
        {"from": root["_id"], "to": "gone", "type": "calls", "cyclic": False},
    ]


def test_agents_that_call_each_other_are_a_cycle(server):
    first = make_agent(server)
    second = make_agent(server, gofannonAgents=[first["_id"]])
    server.put(f"/agents/{first['_id']}", {"gofannonAgents": [second["_id"], first["_id"]]})
    edges = server.get(f"/agents/{first['_id']}/chain").json["edges"]
    assert [(edge["from"], edge["to"], edge["cyclic"]) for edge in edges] == [
        (second["_id"], first["_id"], True),
        (first["_id"], second["_id"], False),
        (first["_id"], first["_id"], True),
    ]


def test_a_chain_ends_at_depth_eight(server):
    ids = [make_agent(server)["_id"]]
    for _ in range(10):
        ids.insert(0, make_agent(server, gofannonAgents=[ids[0]])["_id"])
    nodes = server.get(f"/agents/{ids[0]}/chain").json["nodes"]
    assert list(nodes) == ids[:10]
    assert [one["truncated"] for one in nodes.values()] == [False] * 9 + [True]
