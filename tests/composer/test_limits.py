# SPDX-License-Identifier: Apache-2.0
"""Every limit is a setting; and a server that cannot try code has none written."""

import pytest
from agents import deploy
from support import wait_until
from vendor import STALL, raw
from world import MODEL, run, written

BODY = {"tools": {}, "description": "Echoes.", "inputSchema": {}, "outputSchema": {"text": "string"},
        "modelConfig": {"provider": "anthropic", "model": MODEL, "parameters": {}}}  # fmt: skip
GOOD = written(run("return {'text': 'a'}"))


def environment(world):
    return {"ANTHROPIC_API_KEY": "sk-ant-secret", "ANTHROPIC_BASE_URL": world.vendor.url}


@pytest.fixture(scope="module")
def small(composer_world, start_module):
    sets = ["egress.allow=[127.0.0.1]", "egress.ports=[]", "plugins.composer.repairs=0", "plugins.composer.answer_bytes=1024",
            "plugins.composer.tools_ms=100", "plugins.composer.store_bytes=1024",
            "plugins.composer.prompt_bytes=4096"]  # fmt: skip
    return start_module(backend="memory", env=environment(composer_world), sets=sets, ready=True)


def test_without_repairs_the_first_answer_counts(small, world):
    world.says(written(run("return 1")), GOOD)
    reply = small.post("/agents/generate-code", BODY)
    assert reply.status == 502 and "in 1 try." in reply.detail and len(world.asked) == 1


def test_an_answer_that_is_too_long(small, world):
    world.says(GOOD + "x" * 1024)
    reply = small.post("/agents/generate-code", BODY)
    assert (reply.status, reply.detail) == (502, "The model's answer is longer than the 1024 bytes of answer_bytes.")


@pytest.mark.parametrize("write", ["data_store.set('k', 'x' * 400)", "data_store.set_many({'k': 'x' * 400})",
                                   "data_store.use_namespace('n' * 400).set('k', 1)"])  # fmt: skip
def test_a_rehearsal_writes_no_more_than_it_may(small, world, write):
    world.says(written(run(f"for i in range(2):\n    {write}\nreturn {{'text': 'a'}}")))
    assert small.post("/agents/generate-code", BODY).status == 200
    world.says(written(run(f"for i in range(3):\n    {write}\nreturn {{'text': 'a'}}")))
    reply = small.post("/agents/generate-code", BODY)
    assert reply.status == 502, reply
    assert "ValueError: The agent writes more to the data store than the 1024 bytes of store_bytes, which a rehearsal keeps." in reply.detail


def test_what_is_told_of_calls_is_short_however_long_they_are(small, world):
    call = "try:\n    await http_client.get(input_dict.get('a', 'https://shop.test/') + %r * %d)\nexcept Exception:\n    pass\nreturn {'text': 'a'}"
    world.says(written(run(call % ("é", 100000))))
    reply = small.post("/agents/generate-code", BODY | {"allowedHosts": ["shop.test"]})
    assert reply.status == 200 and len(reply.json["proof"]["calls"][0]["call"]) == 500, reply
    reply = small.post("/agents/generate-code", BODY | {"allowedHosts": ["other.test"]})
    assert reply.status == 502 and len(reply.detail) < 1200, reply


def test_servers_whose_tools_are_too_much_to_be_told_are_not_all_asked(small, world):
    tool = {"name": "t", "description": "x" * 12000, "inputSchema": {"type": "object"}}
    world.mcp.listed = lambda request: {"tools": [tool]}
    reply = small.post("/agents/generate-code", BODY | {"tools": {f"{world.mcp_url}?{i}": [] for i in range(9)}})
    assert (reply.status, world.mcp.seen.count("tools/list")) == (413, 2), reply
    assert "above the 4096 of prompt_bytes" in reply.detail and world.asked == []


def test_of_what_agents_have_returned_only_so_much_is_held(small, world):
    def answered_from(length):
        agent, name = deploy(small, run(f"return {{'text': 'x' * {length}}}"), outputSchema={"text": "string"})
        assert small.post(f"/rest/{name}", {}).status == 200
        wait_until(lambda: small.get(f"/runs?status=completed&agent_id={agent['_id']}").json, 20, "the record of a run")
        world.says(written(run(f"return await gofannon_client.call({agent['name']!r}, {{}})")))
        reply = small.post("/agents/generate-code", BODY | {"gofannonAgents": [agent["_id"]]})
        return reply.json["proof"]["calls"][0]["answeredFrom"]

    assert answered_from(4 * 4096 - 100) == "an earlier run"
    assert answered_from(4 * 4096 + 100) == "its declared types"


def test_an_mcp_server_that_does_not_answer_is_not_waited_for(small, world):
    world.vendor.answer("/mcp", raw(STALL))
    world.says(GOOD)
    reply = small.post("/agents/generate-code", BODY | {"tools": {world.mcp_url: ["price"]}})
    assert reply.status == 200, reply
    assert "composed for by their names alone" in reply.json["proof"]["notes"][0]


def test_without_a_runtime_nothing_is_written(composer_world, world, start_server):
    server = start_server(backend="memory", env=environment(composer_world), sets=["plugins.runtime-python.enabled=false"])
    reply = server.post("/agents/generate-code", BODY)
    assert (reply.status, reply.detail) == (503, "What is composed cannot be proved: the server has no agent runtime.")
    assert world.asked == []
