# SPDX-License-Identifier: Apache-2.0
"""Agents that were saved elsewhere call MCP servers as they are used to."""

import pytest
from fixtures import starting
from scripts import Modern, error, text
from vendor import Vendor

HEAD = """
from agent_factory.remote_mcp_client import RemoteMCPClient
from services.llm_service import call_llm
import httpx

async def run(input_dict, tools):
    mcpc = { url : RemoteMCPClient(remote_url = url) for url in tools.keys() }
    http_client = httpx.AsyncClient(transport=httpx.AsyncHTTPTransport(retries=3))
    url = list(tools)[0]
    try:
"""
TAIL = """
    finally:
        await http_client.aclose()
"""
WEATHER = {
    "name": "weather",
    "description": "How it is.",
    "inputSchema": {"type": "object", "properties": {"city": {"type": "string", "description": "where"}, "days": {"type": "integer"}}, "required": ["city"]},
}


@pytest.fixture(scope="module")
def peer():
    with Vendor() as vendor:
        yield vendor


@pytest.fixture(scope="module")
def server():
    with starting() as start:
        yield start(sets=["egress.allow=[127.0.0.0/8]"], ready=True)


@pytest.fixture
def weather(peer):
    peer.forget()
    server = Modern(peer, "/weather")
    server.listed = lambda request: {"tools": [WEATHER, {"name": "bare", "inputSchema": {"type": "object"}}], "resultType": "complete", "ttlMs": 0}
    return server


def run(server, weather, code, names=()):
    indented = "".join(f"        {line}\n" for line in code.strip().split("\n"))
    reply = server.post("/agents/run-code", {"code": HEAD + indented + TAIL, "inputDict": {}, "tools": {weather.url: list(names)}})
    assert reply.status == 200, reply
    return reply.json


def result(*args, **more):
    answer = run(*args, **more)
    assert answer["error"] is None, answer
    return answer["result"]


def test_tools_have_attributes(server, weather):
    code = "return [[t.name, t.description, t.inputSchema.get('type'), t.title] for t in await mcpc[url].list_tools()]"
    assert result(server, weather, code) == [["weather", "How it is.", "object", None], ["bare", None, "object", None]]


def test_a_tool_is_described(server, weather):
    code = "await mcpc[url].list_tools()\nreturn [mcpc[url].get_tool_doc(n) for n in ('weather', 'bare', 'x')]"
    first, second, third = result(server, weather, code)
    assert "- `city` (string, required): where" in first and "- `days` (integer, optional)" in first
    assert f"await mcpc['{weather.url}'].call('weather', city=..., days=...)" in first
    assert "none" in second and third is None


def test_results_have_attributes(server, weather):
    weather.called = lambda request: text("25 degrees", structuredContent={"degrees": 25, "wind": {"from": "W"}}, resultType="complete")
    code = """
r = await mcpc[url].call(tool_name='weather', city='Paris')
return [r.content[0].text, r.content[0].type, r.data.degrees, r.data['wind']['from'], r.structured_content, r.is_error]"""
    structured = {"degrees": 25, "wind": {"from": "W"}}
    assert result(server, weather, code) == ["25 degrees", "text", 25, "W", structured, False]


def test_a_value_that_was_wrapped_is_the_data(server, weather):
    weather.called = lambda request: text("25", structuredContent={"result": 25}, resultType="complete")
    assert result(server, weather, "return (await mcpc[url].call('weather', city='Paris')).data") == 25


def test_a_result_may_be_returned(server, weather):
    weather.called = lambda request: text("25 degrees", resultType="complete")
    answer = result(server, weather, "return await mcpc[url].call('weather', city='Paris')")
    assert answer["content"] == [{"type": "text", "text": "25 degrees"}] and answer["is_error"] is False


def test_a_tool_that_fails_is_an_exception(server, weather):
    weather.called = lambda request: text("no such city", isError=True, resultType="complete")
    assert run(server, weather, "await mcpc[url].call('weather', city='X')")["error"] == "ToolError: no such city"


@pytest.mark.parametrize("said", [
    lambda request: text("Unknown tool: x", isError=True, resultType="complete"),
    lambda request: error(request, -32602, "Unknown tool: x"),
], ids=["as a result", "as an error"])  # fmt: skip
def test_a_tool_that_is_not_there_is_a_value_error(server, weather, said):
    weather.called = said
    assert run(server, weather, "await mcpc[url].call('x')")["error"] == "ValueError: Tool 'x' not found on the server."


def test_many_at_once(server, weather):
    weather.called = lambda request: text(request.json["params"]["arguments"]["city"], resultType="complete")
    code = "import asyncio\nreturn [r.content[0].text for r in await asyncio.gather(*[mcpc[url].call('weather', city=str(n)) for n in range(20)])]"
    assert result(server, weather, code) == [str(n) for n in range(20)]
