# SPDX-License-Identifier: Apache-2.0
"""Deployments: agents that are called by name."""

import concurrent.futures
import json
import re
import urllib.parse

import pytest
from agents import ECHO, deploy, make_agent, unique
from support import wait_until


def quoted(name):
    return urllib.parse.quote(name, safe="")


def listed(server, agent):
    return [one for one in server.get("/deployments").json if one["agentId"] == agent["_id"]]


# ---- deploying; needs no runtime ----


def test_an_agent_is_deployed_once_and_stays_so(server):
    name = unique("served")
    agent = make_agent(server, friendlyName=name)
    path = f"/agents/{agent['_id']}"
    assert server.get(path + "/deployment").json == {"is_deployed": False}
    first, second = (server.post(path + "/deploy") for _ in range(2))
    assert (first.status, first.json) == (201, {"message": "Agent deployed successfully", "endpoint": f"/rest/{name}"})
    assert (second.status, second.json) == (201, {"message": "Agent is already deployed", "endpoint": f"/rest/{name}"})
    assert server.get(path + "/deployment").json == {"is_deployed": True, "friendly_name": name}
    assert server.get(path).json == agent


def test_undeploying_ends_it_and_may_be_repeated(server):
    agent, name = deploy(server)
    for _ in range(2):
        reply = server.delete(f"/agents/{agent['_id']}/undeploy")
        assert reply.status == 204 and reply.body == b""
    assert server.get(f"/agents/{agent['_id']}/deployment").json == {"is_deployed": False}
    assert server.post(f"/rest/{name}", {}).detail == "No deployed agent found with that name."
    assert server.delete("/agents/nope/undeploy").status == 204


def test_an_unknown_agent_is_not_found(server):
    for method, path in ("POST", "deploy"), ("GET", "deployment"):
        reply = server.request(method, f"/agents/nope/{path}")
        assert (reply.status, reply.detail) == (404, "Document 'nope' not found in 'agents'")
    assert server.post("/rest/" + unique(), {}).status == 404


@pytest.mark.parametrize("name", [None, ""])
def test_an_agent_without_a_name_cannot_be_deployed(server, name):
    agent = make_agent(server, friendlyName=name)
    reply = server.post(f"/agents/{agent['_id']}/deploy")
    assert (reply.status, reply.detail) == (400, "Agent must have a friendly_name to be deployed.")


@pytest.mark.parametrize("name", ["a\nb", "a\x7f", "\x01"])
def test_a_name_that_cannot_be_a_path_is_refused(server, name):
    agent = make_agent(server, friendlyName=name)
    reply = server.post(f"/agents/{agent['_id']}/deploy")
    assert reply.status == 400
    assert reply.detail.startswith("A friendly_name ")


def test_a_name_may_be_too_long_to_be_deployed(start_server):
    server = start_server(sets=["plugins.agents.name_max_bytes=300"])
    for name in ("x" * 201, "é" * 101):
        agent = make_agent(server, friendlyName=name)
        reply = server.post(f"/agents/{agent['_id']}/deploy")
        assert reply.status == 400 and reply.detail.startswith("A friendly_name "), reply


def test_a_name_serves_one_agent(server):
    _, name = deploy(server)
    other = make_agent(server, friendlyName=name)
    reply = server.post(f"/agents/{other['_id']}/deploy")
    assert (reply.status, reply.detail) == (409, f"A deployment with the name '{name}' already exists for a different agent.")


def test_of_agents_that_want_one_name_at_once_one_gets_it(server):
    name = unique("wanted")
    made = [make_agent(server, friendlyName=name) for _ in range(8)]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(lambda agent: server.post(f"/agents/{agent['_id']}/deploy"), made))
    assert sorted(reply.status for reply in replies) == [201] + [409] * 7
    owners = [one["agentId"] for one in server.get("/deployments").json if one["friendlyName"] == name]
    assert owners == [made[[reply.status for reply in replies].index(201)]["_id"]]


def test_a_deployment_keeps_its_name_when_the_agent_is_renamed(server):
    agent, name = deploy(server)
    path = f"/agents/{agent['_id']}"
    server.put(path, {"friendlyName": unique("renamed")})
    assert server.get(path + "/deployment").json == {"is_deployed": True, "friendly_name": name}
    assert [one["friendlyName"] for one in listed(server, agent)] == [name]
    other = make_agent(server, friendlyName=name)
    assert server.post(f"/agents/{other['_id']}/deploy").status == 409


def test_deployed_under_a_second_name_it_serves_both_until_undeployed(server):
    agent, first = deploy(server)
    path, second = f"/agents/{agent['_id']}", unique("second")
    server.put(path, {"friendlyName": second})
    assert server.post(path + "/deploy").json["message"] == "Agent deployed successfully"
    assert [one["friendlyName"] for one in listed(server, agent)] == [first, second]
    assert server.get(path + "/deployment").json["friendly_name"] == second
    server.delete(path + "/undeploy")
    assert listed(server, agent) == []


def test_the_list_shows_the_agents_as_they_are_served(server):
    agent, name = deploy(server, description="first", inputSchema={"a": "string"}, outputSchema=None)
    server.put(f"/agents/{agent['_id']}", {"description": "as it is now", "inputSchema": {"b": "string", "a": "list"}})
    assert [one["description"] for one in listed(server, agent)] == ["first"]
    server.post(f"/agents/{agent['_id']}/deploy")
    (found,) = listed(server, agent)
    assert list(found.items()) == [
        ("friendlyName", name),
        ("agentId", agent["_id"]),
        ("description", "as it is now"),
        ("inputSchema", {"b": "string", "a": "list"}),
        ("outputSchema", None),
    ]


def test_the_list_is_in_order_of_deployment_and_read_in_pages(server):
    names = [deploy(server)[1] for _ in range(5)]
    whole = [one["friendlyName"] for one in server.get("/deployments").json]
    assert [name for name in whole if name in names] == names
    reply = server.get("/deployments?limit=2")
    assert [one["friendlyName"] for one in reply.json] == whole[:2]
    next_page = reply.header("Link").partition(">")[0].lstrip("<")
    assert [one["friendlyName"] for one in server.get(next_page).json] == whole[2:4]


# ---- calling ----


def test_a_deployed_agent_answers_what_it_returns(agent_server):
    _, name = deploy(agent_server)
    reply = agent_server.post(f"/rest/{name}", {"inputText": "héllo 🎉"})
    assert (reply.status, reply.json) == (200, {"outputText": "héllo 🎉"})
    assert reply.header("Content-Type") == "application/json"


@pytest.mark.parametrize("value", ["None", "1", "2.0", "'text'", "[1, {'a': None}]", "True", "{'b': 1, 'a': 2}", "''"])
def test_any_value_is_answered_as_it_is(agent_server, value):
    _, name = deploy(agent_server, f"async def run(input_dict, tools):\n    return {value}")
    reply = agent_server.post(f"/rest/{name}", {})
    assert reply.status == 200
    assert reply.text.replace(" ", "") == json.dumps(eval(value)).replace(" ", "")


@pytest.mark.parametrize("body", [b"", b"{}", b"null"])
def test_no_body_is_an_empty_input(agent_server, body):
    _, name = deploy(agent_server, "async def run(input_dict, tools):\n    return {'got': input_dict}")
    reply = agent_server.post(f"/rest/{name}", body=body)
    assert (reply.status, reply.json) == (200, {"got": {}})


@pytest.mark.parametrize("body", ["[1]", '"x"', "1", "true"])
def test_an_input_that_is_no_object_is_refused(agent_server, body):
    _, name = deploy(agent_server)
    reply = agent_server.post(f"/rest/{name}", body=body.encode())
    assert reply.status == 422
    assert [(one["loc"], one["input"]) for one in reply.detail] == [(["body"], json.loads(body))]


def test_an_input_that_is_not_json_is_refused(agent_server):
    _, name = deploy(agent_server)
    reply = agent_server.post(f"/rest/{name}", body=b"{nope")
    assert reply.status == 422 and reply.detail[0]["type"] == "json_invalid"


def test_the_names_in_an_input_are_the_agents_own(agent_server):
    _, name = deploy(agent_server, "async def run(input_dict, tools):\n    return list(input_dict)")
    given = {"snake_case": 1, "camelCase": 2, "_id": 3, "": 4}
    assert agent_server.post(f"/rest/{name}", given).json == list(given)


def test_an_agent_that_fails_is_a_500_with_its_error(agent_server):
    for code, error in (
        ("async def run(input_dict, tools):\n    raise ValueError('boom')", "ValueError: boom"),
        ("def x(:\n", "SyntaxError: invalid syntax (<string>, line 1)"),
        ("x = 1", "ValueError: Code did not define an 'async def run(input_dict, tools)' function."),
    ):
        _, name = deploy(agent_server, code)
        reply = agent_server.post(f"/rest/{name}", {})
        assert (reply.status, reply.detail) == (500, f"Error executing agent: {error}")


def test_the_log_has_no_words_of_an_agent_that_fails(agent_server):
    _, name = deploy(agent_server, "async def run(input_dict, tools):\n    raise ValueError('asked: ' + str(input_dict))")
    question = "what is wrong with me"
    chat = {"model": f"gofannon/{name}", "messages": [{"role": "user", "content": question}]}
    for path, body in ((f"/rest/{name}", {"q": question}), ("/v1/chat/completions", chat)):
        reply = agent_server.post(path, body)
        assert reply.status == 500 and question in reply.text, reply
        pattern = f'access: POST {path} .*{reply.header("X-Request-ID")}.*'
        line = wait_until(lambda: re.search(pattern, agent_server.log()), 5, "the line")[0]  # noqa: B023
        assert line.endswith(' said="Error executing agent: ValueError"'), line
    assert question not in agent_server.log()


def test_an_agent_that_calls_one_that_is_gone_fails(agent_server):
    _, name = deploy(agent_server, gofannonAgents=["gone"])
    reply = agent_server.post(f"/rest/{name}", {})
    assert reply.status == 500
    assert reply.detail == "Error executing agent: ValueError: Could not load one or more dependent Gofannon agents."


def test_a_deployed_agent_calls_another(agent_server):
    echo = make_agent(agent_server)
    code = (
        "async def run(input_dict, tools):\n"
        f"    r = await gofannon_client.call(agent_name={echo['name']!r}, input_dict={{'inputText': 'n'}})\n"
        "    return r['outputText'] + '!'"
    )
    _, name = deploy(agent_server, code, gofannonAgents=[echo["_id"]])
    assert agent_server.post(f"/rest/{name}", {}).json == "n!"


def test_tools_reach_the_agent(agent_server):
    tools = {"http://z/": ["b", "a"], "http://a/": []}
    _, name = deploy(agent_server, "async def run(input_dict, tools):\n    return tools", tools=tools)
    assert agent_server.post(f"/rest/{name}", {}).json == tools


def returning(value):
    return f"async def run(input_dict, tools):\n    return {value}"


def test_a_change_counts_once_it_is_deployed(agent_server):
    agent, name = deploy(agent_server, returning(0))
    path = f"/agents/{agent['_id']}"
    for i in range(1, 4):
        agent_server.put(path, {"code": returning(i)})
        assert agent_server.post(f"/rest/{name}", {}).json == i - 1
        assert agent_server.post(path + "/deploy").json["message"] == "Agent deployed successfully"
        assert agent_server.post(path + "/deploy").json["message"] == "Agent is already deployed"
        reply = agent_server.post(f"/rest/{name}", {})
        assert (reply.json, reply.header("X-Einion-Agent-Version")) == (i, str(i + 1))
    agent_server.put(path, {"friendlyName": unique("renamed"), "code": ECHO})
    assert agent_server.post(f"/rest/{name}", {}).json == 3
    agent_server.delete(path + "/undeploy")
    assert agent_server.post(f"/rest/{name}", {}).status == 404


def test_a_version_can_be_deployed(agent_server):
    agent, name = deploy(agent_server, returning(1))
    path = f"/agents/{agent['_id']}"
    for i in 2, 3:
        agent_server.put(path, {"code": returning(i)})
    for query, message, value in (
        ("?version=2", "Agent deployed successfully", 2),
        ("?version=2", "Agent is already deployed", 2),
        ("?version=1", "Agent deployed successfully", 1),
        ("", "Agent deployed successfully", 3),
    ):
        reply = agent_server.post(path + "/deploy" + query)
        assert (reply.status, reply.json) == (201, {"message": message, "endpoint": f"/rest/{name}"})
        assert reply.header("X-Einion-Agent-Version") == str(value)
        assert agent_server.get(path + "/deployment").header("X-Einion-Agent-Version") == str(value)
        assert agent_server.post(f"/rest/{name}", {}).json == value
        served = [one["deployedAs"] for one in agent_server.get(path + "/versions").json]
        assert served == [[name] if i == value else [] for i in (1, 2, 3)]
    reply = agent_server.post(path + "/deploy?version=4")
    assert (reply.status, reply.detail) == (404, f"Agent '{agent['_id']}' has no version 4, or no longer")
    assert agent_server.post(path + "/deploy?version=0").status == 422


def test_a_served_version_that_is_no_longer_kept_is_served_on(start_server):
    server = start_server(sets=["plugins.agents.versions_max=1"])
    agent, name = deploy(server, description="deployed")
    path = f"/agents/{agent['_id']}"
    for i in range(3):
        server.put(path, {"description": f"later {i}"})
    assert [one["version"] for one in server.get(path + "/versions").json] == [4]
    assert [one["description"] for one in listed(server, agent)] == ["deployed"]


def test_switching_versions_loses_no_request(agent_server):
    agent, name = deploy(agent_server, returning(1))
    path = f"/agents/{agent['_id']}"
    for i in range(2, 6):
        agent_server.put(path, {"code": returning(i)})
    with concurrent.futures.ThreadPoolExecutor(5) as pool:
        calls = [pool.submit(agent_server.post, f"/rest/{name}", {}) for _ in range(60)]
        switched = [agent_server.post(f"{path}/deploy?version={i % 5 + 1}") for i in range(1, 20)]
        replies = [call.result() for call in calls]
    assert {reply.status for reply in switched} == {201}
    assert {reply.status for reply in replies} == {200}
    assert all(reply.text == reply.header("X-Einion-Agent-Version") for reply in replies)


@pytest.mark.parametrize("shape", ["two words {}", "größe/{}", "100%25 {}", "漢字-🎉-{}", "a+b?c#{}", "..{}"])
def test_any_text_can_be_a_name(agent_server, shape):
    name = shape.format(unique())
    _, name = deploy(agent_server, friendlyName=name)
    assert agent_server.post(f"/rest/{quoted(name)}", {"inputText": "x"}).json == {"outputText": "x"}


def test_calls_at_once_do_not_mix(agent_server):
    _, name = deploy(agent_server)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda i: agent_server.post(f"/rest/{name}", {"inputText": str(i)}).json, range(40)))
    assert answers == [{"outputText": str(i)} for i in range(40)]
