# SPDX-License-Identifier: Apache-2.0
"""The client against servers that others wrote."""

import pytest

# ---- both eras at one address ----------------------------------------------------------


@pytest.fixture
def dual(node, caller):
    server, call = node("dual"), caller()
    return lambda *arguments, **more: call(server.url, *arguments, **more)


def test_a_modern_server_lists_every_page_with_its_schemas(dual):
    tools = dual(user_id="lists")
    assert tools.r == "ok" and tools.names == ["greet", "add", "place", "steps", "broken"], tools
    assert tools.value[0]["inputSchema"]["properties"] == {"name": {"type": "string"}}
    assert tools.value[1]["outputSchema"]["required"] == ["sum"]


def test_a_list_is_kept_as_long_as_the_server_says(node, caller):
    server, call = node("dual"), caller()
    call(server.url, user_id="keeps")
    before = server.text().count("tools/list")
    assert call(server.url, user_id="keeps").names[0] == "greet"
    assert server.text().count("tools/list") == before
    call(server.url, user_id="somebody else")  # who may see others
    assert server.text().count("tools/list") > before


def test_a_modern_tool_is_called(dual):
    assert dual("greet", {"name": "Ärger & co"}).text == "Hello, Ärger & co"
    added = dual("add", {"a": 2, "b": 3})
    assert added.value["structuredContent"] == {"sum": 5} and added.value["isError"] is False


def test_a_tool_that_fails_is_no_failure_of_the_call(dual):
    failed = dual("broken")
    assert failed.r == "ok" and failed.value["isError"] is True and failed.text == "no luck"


def test_a_tool_that_is_not_there_is_a_failure_of_the_call(dual):
    failed = dual("nonsense")
    assert failed.r == "invalid" and "There is no tool nonsense" in failed.error


def test_arguments_go_into_headers_where_the_schema_says_so(node, caller):
    server, call = node("dual"), caller()
    said = call(server.url, "place", {"where": "eu", "what": "x"}, user_id="has not listed")
    assert said.text == "x in eu", said
    assert "POST tools/call eu" in server.text()
    said = call(server.url, "place", {"where": "Grün", "what": "x"}, user_id="has not listed")
    assert said.text == "x in Grün", said


def test_progress_comes_as_it_happens(dual):
    said = dual("steps", {"count": 3}, progress=True)
    assert said.text == "all steps"
    assert [(step["progress"], step["total"], step["message"]) for step in said.progress] == [
        (1, 3, "step 1"), (2, 3, "step 2"), (3, 3, "step 3")]  # fmt: skip


def test_a_call_that_is_cancelled_stops_the_tool(node, caller):
    server, call = node("dual"), caller()
    said = call(server.url, "steps", {"count": 1000}, progress=True, stop_after=2)
    assert said.r == "cancelled" and len(said.progress) == 2
    server.wait_for("nobody wants them any more")


def test_a_token_is_sent_and_its_refusal_told(node, caller):
    server, call = node("dual-token"), caller()
    assert call(server.url, "greet", {"name": "x"}, token="open-sesame").text == "Hello, x"
    wrong = call(server.url, "greet", {"name": "x"}, token="something-else")
    assert (wrong.r, wrong.error) == ("denied", "the MCP server does not accept the token (401)")
    none = call(server.url, "greet", {"name": "x"})
    assert (none.r, none.error) == ("denied", "the MCP server wants a token (401)")


# ---- server-everything: 2025-11-25 with sessions, and 2024-11-05 -----------------------------


@pytest.fixture(params=["everything", "everything-sse"])
def everything(request, node, caller):
    server, call = node(request.param), caller()
    return lambda *arguments, **more: call(server.url, *arguments, **more)


def test_everything_is_listed(everything):
    tools = everything()
    assert tools.r == "ok" and {"echo", "get-sum", "get-structured-content"} <= set(tools.names), tools
    echo = next(tool for tool in tools.value if tool["name"] == "echo")
    assert echo["inputSchema"]["required"] == ["message"]


def test_everything_answers(everything):
    assert everything("echo", {"message": "hi"}).text == "Echo: hi"
    assert everything("get-sum", {"a": 2, "b": 40}).text == "The sum of 2 and 40 is 42."
    structured = everything("get-structured-content", {"location": "New York"})
    assert structured.value["structuredContent"]["conditions"], structured
    image = everything("get-tiny-image").value["content"]
    assert any(part["type"] == "image" and part["mimeType"] == "image/png" for part in image)


def test_everything_tells_its_progress(everything):
    said = everything("trigger-long-running-operation", {"duration": 0.2, "steps": 2}, progress=True)
    assert said.r == "ok" and [step["progress"] for step in said.progress] == [1, 2], said


def test_what_everything_says_of_arguments_is_an_error_of_the_tool(everything):
    wrong = everything("echo", {})
    assert wrong.r == "ok" and wrong.value["isError"] is True


# ---- the official SDK's examples ----------------------------------------------------------------


@pytest.mark.parametrize("name", ["json-answers", "stateless", "compatible", "compatible-sse"])
def test_an_example_is_listed_and_called(node, caller, name):
    call, url = caller(), node(name).url
    tools = call(url)
    assert tools.r == "ok" and tools.names, tools
    tool = "greet" if "greet" in tools.names else tools.names[0]
    arguments = {"name": "Ann"} if tool == "greet" else {"interval": 1, "count": 1}
    said = call(url, tool, arguments)
    assert said.r == "ok" and not said.value["isError"] and said.value["content"], said


def test_a_server_that_lets_go_is_polled(node, caller):
    server = node("polling")
    said = caller()(server.url, "long-task", {})
    assert said.r == "ok" and said.text == "Long task completed successfully!", said
    assert "Closing SSE stream" in server.text()
