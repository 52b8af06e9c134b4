# SPDX-License-Identifier: Apache-2.0
"""POST /mcp/tools."""

import pytest
from scripts import TOOL, Legacy, Modern
from vendor import whole


@pytest.fixture
def tools(caller):
    return lambda url, **more: caller().server.post("/mcp/tools", {"mcp_url": url, **more})


def test_the_tools_of_a_server_with_their_schemas(peer, tools):
    server = Modern(peer, "/route-modern")
    server.listed = lambda request: {"tools": [TOOL, {"name": "bare", "inputSchema": {"type": "object"}}]}
    reply = tools(server.url)
    assert reply.status == 200 and reply.json == {
        "mcp_url": server.url,
        "tools": [TOOL, {"name": "bare", "inputSchema": {"type": "object"}, "description": ""}],
    }


def test_the_token_is_sent(peer, tools):
    server = Legacy(peer, "/route-legacy")
    assert tools(server.url, auth_token="secret").json["tools"] == [TOOL]
    assert {request.headers["authorization"] for request in peer.requests} == {"Bearer secret"}
    assert tools(server.url, auth_token=None).status == 200
    assert "authorization" not in peer.last.headers
    assert tools(server.url, authToken="other").status == 200
    assert peer.last.headers["authorization"] == "Bearer other"


@pytest.mark.parametrize("url", ["ftp://x", "file:///etc/passwd", "x", ""])
def test_other_schemes_are_refused_in_words(tools, url):
    reply = tools(url)
    assert (reply.status, reply.detail) == (400, f"Invalid MCP server URL scheme: {url}. Must be http:// or https://")


@pytest.mark.parametrize(("status", "said"), [
    (401, "the MCP server does not accept the token (401)"), (403, "the MCP server forbids it (403)"),
    (404, "no MCP server answers there (404)"), (500, "the MCP server answers with status 500")])  # fmt: skip
def test_what_a_server_refuses_is_not_our_refusal(peer, tools, status, said):
    peer.answer("/refuses", whole("", status, {"WWW-Authenticate": "Bearer"}))
    reply = tools(peer.url + "/refuses", auth_token="x")
    assert (reply.status, reply.detail) == (502, f"Error listing the tools of the MCP server: {said}")
    assert reply.header("www-authenticate") is None


@pytest.mark.parametrize("url", ["http://10.1.2.3/mcp", "http://169.254.169.254/", "http://localhost.invalid/",
                                 "http://127.0.0.1:1/", "http://u:p@127.0.0.1/", "http://[fe80::1]/", "http://0x7f.1:1/"])  # fmt: skip
def test_what_cannot_be_reached(tools, url):
    reply = tools(url)
    assert reply.status == 502 and reply.detail.startswith("Error listing the tools of the MCP server: the MCP server can")


def test_this_server_itself_is_none(caller):
    server = caller().server
    reply = server.post("/mcp/tools", {"mcp_url": f"http://127.0.0.1:{server.port}/mcp"})
    assert reply.status == 502 and "is this server itself" in reply.detail


def test_a_body_without_a_url(caller):
    assert caller().server.post("/mcp/tools", {"auth_token": "x"}).status == 422


def test_everything_is_listed_by_the_route(node, tools):
    for name in ("everything", "everything-sse", "dual"):
        url = node(name).url
        reply = tools(url)
        assert reply.status == 200 and reply.json["mcp_url"] == url, reply
        assert all(tool["inputSchema"]["type"] == "object" and tool["description"] for tool in reply.json["tools"])
