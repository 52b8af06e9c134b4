# SPDX-License-Identifier: Apache-2.0
"""From a sentence to an agent that others call: composed of an API, an MCP server and another agent, repaired,
deployed, and called in each way that there is."""

import pytest
from agents import make_agent, unique
from support import wait_until
from world import MODEL, run, written

CODE = """
import asyncio

API = {api!r}
MCP = {mcp!r}


async def run(input_dict, tools):
    thing = input_dict["inputText"]
    stock, price = await asyncio.gather(
        http_client.get(f"{{API}}/stock/{{thing}}", params={{"place": "here"}}),
        RemoteMCPClient(remote_url=MCP).call("price", thing=thing),
    )
    stock.raise_for_status()
    worth = await gofannon_client.call({agent!r}, {{"count": stock.json()["count"], "cents": price.structuredContent["cents"]}})
    return {{{out}: f"{{thing}}: {{worth['worth']}} cents"}}
"""


@pytest.fixture(scope="module")
def made(composer_server, composer_world):
    """(server, the agent as it was stored, what generate-code answered, how often its model was asked)"""
    world, server = composer_world, composer_server
    world.reset()
    multiply = make_agent(server, run("return {'worth': input_dict['count'] * input_dict['cents']}"), name=unique("multiply"),
                          inputSchema={"count": "integer", "cents": "integer"}, outputSchema={"worth": "integer"})  # fmt: skip
    names = {"api": world.vendor.url + "/shop", "mcp": world.mcp_url, "agent": multiply["name"]}
    world.says(written(CODE.format(out="'answer'", **names), "stock_worth"), written(CODE.format(out="'outputText'", **names), "stock_worth"))
    fields = {
        "description": "What the stock of a thing is worth.", "tools": {world.mcp_url: ["price"]}, "swaggerSpecs": [world.spec],
        "gofannonAgents": [multiply["_id"]], "inputSchema": {"inputText": "string"}, "outputSchema": {"outputText": "string"},
        "invokableModels": None,
    }  # fmt: skip
    config = {"provider": "anthropic", "model": MODEL, "parameters": {}}
    reply = server.post("/agents/generate-code", {**fields, "modelConfig": config})
    assert reply.status == 200, reply
    assert world.touched() == []
    composed, name = reply.json, unique("stock_worth")
    agent = make_agent(server, composed["code"], name=name, **fields, friendlyName=name, docstring=composed["docstring"],
                       composerThoughts=composed["thoughts"], composerModelConfig=config)  # fmt: skip
    assert server.post(f"/agents/{agent['_id']}/deploy").status == 201
    return server, agent, composed, len(world.asked)


def test_the_first_answer_was_repaired(made):
    _, _, composed, asked = made
    first, second = composed["proof"]["attempts"]
    assert first["faults"][0] == "Missing required output keys: ['outputText']" and second["faults"] == []
    assert asked == 2
    assert composed["proof"]["result"] == {"outputText": "sample text: 3 cents"}
    assert [call["answeredFrom"] for call in composed["proof"]["calls"]] == ["its schema", "its schema", "its declared types"]


WORTH = "nail: 3000 cents"


def test_by_rest(made, world):
    server, agent, *_ = made
    assert server.post(f"/rest/{agent['friendlyName']}", {"inputText": "nail"}).json == {"outputText": WORTH}
    assert {request.path for request in world.touched()} == {"/shop/stock/nail", "/mcp"}


def test_as_a_model_of_chat_completions(made, world):
    server, agent, *_ = made
    question = {"model": f"gofannon/{agent['friendlyName']}", "messages": [{"role": "user", "content": "nail"}]}
    reply = server.post("/v1/chat/completions", question)
    assert reply.status == 200, reply
    assert reply.json["choices"][0]["message"]["content"] == WORTH


def test_as_a_model_of_chat(made, world):
    server, agent, *_ = made
    question = {"provider": "gofannon", "model": agent["friendlyName"], "messages": [{"role": "user", "content": "nail"}]}
    ticket = server.post("/chat", question).json["ticket_id"]
    ended = wait_until(lambda: (found := server.get(f"/chat/{ticket}").json)["status"] in ("completed", "failed") and found, 20, "the ticket")
    assert ended["result"]["content"] == WORTH


def test_as_a_tool_of_mcp(made, world):
    """As the revision 2026-07-28 asks: a message without a session."""
    server, agent, *_ = made
    about = {"io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {}}

    def ask(method, headers=(), **params):
        headers = {"Accept": "application/json, text/event-stream", "MCP-Protocol-Version": "2026-07-28", "Mcp-Method": method, **dict(headers)}
        message = {"jsonrpc": "2.0", "id": 1, "method": method, "params": {**params, "_meta": about}}
        reply = server.post("/mcp", message, headers=headers)
        assert reply.status == 200, reply
        return reply.json["result"]

    (tool,) = [tool for tool in ask("tools/list")["tools"] if tool["name"] == agent["friendlyName"]]
    assert tool["inputSchema"]["properties"]["inputText"]["type"] == "string"
    result = ask("tools/call", {"Mcp-Name": tool["name"]}, name=tool["name"], arguments={"inputText": "nail"})
    assert result["structuredContent"] == {"outputText": WORTH}
