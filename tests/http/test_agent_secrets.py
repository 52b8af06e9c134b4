# SPDX-License-Identifier: Apache-2.0
"""Secrets of agents: set and named, never shown, given to the agent's runs and to no others."""

import json
import sqlite3

import pytest
from agents import deploy, make_agent, unique
from people import Person
from people import room as people_room

SECRET = "c0rrect-horse-battery-staple"
MASK = "[REDACTED:secret]"
READ = "import os\nasync def run(input_dict, tools):\n    return {name: os.environ.get(name) for name in input_dict['names']}"
TELL = """import os, logging
async def run(input_dict, tools):
    value = os.environ["TOKEN"]
    print("printed", value, repr(value))
    logging.warning("logged %s", value)
    print("x" * 4080 + value)
    data_store.set("kept " + value, {value: value})
    print("begun", value[:-1])
    if input_dict.get("fail"):
        raise ValueError("failed with " + value)
    return {"value": value, value: [value], "length": len(value), "same": value == input_dict["is"]}
"""


def put(server, agent, name, value):
    reply = server.put(f"/agents/{agent['_id']}/secrets/{name}", {"value": value})
    assert reply.status == 204, reply


def names(server, agent):
    return [one["name"] for one in server.get(f"/agents/{agent['_id']}/secrets").json]


def test_names_are_listed_and_values_are_not(server):
    agent = make_agent(server)
    url = f"/agents/{agent['_id']}/secrets"
    assert server.get(url).json == []
    put(server, agent, "TOKEN", SECRET)
    put(server, agent, "other_1", "x")
    put(server, agent, "TOKEN", SECRET + "2")
    reply = server.get(url)
    assert [list(one) for one in reply.json] == [["name", "updatedAt", "updatedBy"]] * 2
    assert sorted(names(server, agent)) == ["TOKEN", "other_1"] and SECRET not in reply.text
    assert SECRET not in server.get(f"/agents/{agent['_id']}").text
    assert server.get(f"/agents/{agent['_id']}").json == agent
    assert server.delete(url + "/TOKEN").status == 204
    reply = server.delete(url + "/TOKEN")
    assert (reply.status, reply.detail) == (404, "The agent has no secret 'TOKEN'.")
    assert names(server, agent) == ["other_1"]


@pytest.mark.parametrize("name", ["1A", "A-B", "A%20B", "%C3%A9", "PYTHONPATH", "LD_PRELOAD", "x" * 101, "A%3DB"])
def test_a_name_that_cannot_be_is_refused(server, name):
    agent = make_agent(server)
    reply = server.put(f"/agents/{agent['_id']}/secrets/{name}", {"value": "v"})
    assert reply.status == 422 and "name" in reply.detail
    assert names(server, agent) == []


def test_a_value_that_cannot_be_is_refused(server):
    agent = make_agent(server)
    url = f"/agents/{agent['_id']}/secrets/A"
    for body in {}, {"value": ""}, {"value": None}, {"value": 1}, {"value": "a\0b"}:
        reply = server.put(url, body)
        assert reply.status == 422, (body, reply)
    assert server.put(url, {"value": "x" * 8193}).status == 413
    assert server.put(url, {"value": "x" * 8192}).status == 204
    assert server.put("/agents/nope/secrets/A", {"value": "x"}).detail == "Document 'nope' not found in 'agents'"


def test_there_is_a_most_of_them(start_server):
    server = start_server(sets=["plugins.agents.secrets_max=2", "plugins.agents.secret_max_bytes=10"])
    agent = make_agent(server)
    put(server, agent, "A", "1")
    put(server, agent, "B", "2")
    reply = server.put(f"/agents/{agent['_id']}/secrets/C", {"value": "3"})
    assert (reply.status, reply.detail) == (413, "An agent has at most 2 secrets.")
    put(server, agent, "B", "x" * 10)
    assert server.put(f"/agents/{agent['_id']}/secrets/B", {"value": "x" * 11}).status == 413
    server.delete(f"/agents/{agent['_id']}/secrets/A")
    put(server, agent, "C", "3")


def test_without_a_vault_there_are_none(start_server):
    server = start_server(sets=["plugins.vault.enabled=false", "plugins.audit.enabled=false", "plugins.transfer.enabled=false"])
    agent = make_agent(server)
    reply = server.put(f"/agents/{agent['_id']}/secrets/A", {"value": "x"})
    assert reply.status == 503 and "vault" in reply.detail
    assert names(server, agent) == []
    assert server.delete(f"/agents/{agent['_id']}").status == 204


def test_a_run_has_them_as_they_are_now(agent_server):
    agent, name = deploy(agent_server, READ)
    asked = {"names": ["A", "B"]}
    put(agent_server, agent, "A", "short")
    assert agent_server.post(f"/rest/{name}", asked).json == {"A": "short", "B": None}
    put(agent_server, agent, "B", "two")
    put(agent_server, agent, "A", "new")
    assert agent_server.post(f"/rest/{name}", asked).json == {"A": "new", "B": "two"}
    agent_server.delete(f"/agents/{agent['_id']}/secrets/A")
    assert agent_server.post(f"/rest/{name}", asked).json == {"A": None, "B": "two"}


def test_others_do_not_have_them(agent_server):
    """Neither code that is only tried out, nor an agent that calls or is called."""
    inner = make_agent(agent_server, READ, name=unique("inner"))
    code = READ + (
        "\nmine = run\nasync def run(input_dict, tools):\n"
        f"    theirs = await gofannon_client.call({inner['name']!r}, input_dict)\n"
        "    return [await mine(input_dict, tools), theirs]"
    )
    outer, name = deploy(agent_server, code, gofannonAgents=[inner["_id"]])
    put(agent_server, outer, "OUT", "outer")
    put(agent_server, inner, "IN", "inner")
    asked = {"names": ["IN", "OUT"]}
    assert agent_server.post(f"/rest/{name}", asked).json == [{"IN": None, "OUT": "outer"}, {"IN": "inner", "OUT": None}]
    body = {"code": READ, "inputDict": asked, "tools": {}, "_id": outer["_id"], "agentId": outer["_id"]}
    assert agent_server.post("/agents/run-code", body).json["result"] == {"IN": None, "OUT": None}


def test_they_are_in_no_trace_answer_or_record(agent_server):
    agent, name = deploy(agent_server, TELL)
    put(agent_server, agent, "TOKEN", SECRET)
    reply = agent_server.post(f"/rest/{name}", {"is": MASK})
    assert reply.json == {"value": MASK, MASK: [MASK], "length": len(SECRET), "same": False}
    failed = agent_server.post(f"/rest/{name}", {"fail": True})
    assert (failed.status, failed.detail) == (500, f"Error executing agent: ValueError: failed with {MASK}")
    for answer in reply, failed:
        record = agent_server.get(f"/runs/{answer.header('X-Einion-Run-Id')}")
        assert record.status == 200 and MASK in record.text
        assert SECRET not in record.text and SECRET[:8] not in cut(record.text), record.text
        stream = agent_server.get(f"/runs/{answer.header('X-Einion-Run-Id')}/stream")
        assert MASK in stream.text and SECRET not in stream.text


def cut(text):
    """Without the line that says less than the whole secret and is not cut off."""
    return text.replace(f"begun {SECRET[:-1]}", "")


def test_lines_and_escapes_of_a_secret_are_found(agent_server):
    value = 'first "line" of it\nsecond \\ line of ü\n'
    code = "import os, json\nasync def run(input_dict, tools):\n    v = os.environ['KEY']\n    print(v)\n    return [json.dumps(v), v]"
    agent, name = deploy(agent_server, code)
    put(agent_server, agent, "KEY", value)
    reply = agent_server.post(f"/rest/{name}", {})
    assert reply.json == [f'"{MASK}"', MASK]
    record = agent_server.get(f"/runs/{reply.header('X-Einion-Run-Id')}/stream").text
    assert record.count(MASK) >= 2 and "second" not in record


def test_deleting_an_agent_takes_them_along(start_server):
    server = start_server()

    def kept():
        with sqlite3.connect(next(server.state.glob("*.db"))) as database:
            return [database.execute(f"SELECT count(*) FROM {table}").fetchone() for table in ("set_vault", "set_agent_secrets")]

    put(server, make_agent(server), "A", SECRET)
    before = kept()
    agent = make_agent(server)
    put(server, agent, "A", SECRET)
    assert all(now > then for now, then in zip(kept(), before, strict=True))
    assert server.delete(f"/agents/{agent['_id']}").status == 204
    assert server.get(f"/agents/{agent['_id']}/secrets").status == 404
    assert kept() == before


@pytest.fixture(scope="module")
def people(postgres):
    with people_room("sqlite", postgres) as room:
        yield room


def test_members_see_names_and_set_none(people):
    maker, member = (Person(people, f"header:{unique()}") for _ in range(2))
    team = unique("team")
    maker.roles = member.roles = {team: "member"}
    url = f"/agents/{maker.make_agent(workspaceId=team)}/secrets"
    assert maker.put(url + "/A", {"value": SECRET}).status == 204
    assert [(one["name"], one["updatedBy"]) for one in member.get(url).json] == [("A", maker.uid)]
    assert member.put(url + "/A", {"value": "mine"}).status == 403
    assert member.put(url + "/B", {"value": "mine"}).status == 403
    assert member.delete(url + "/A").status == 403
    assert json.dumps(member.get(url).json) == json.dumps(maker.get(url).json)
