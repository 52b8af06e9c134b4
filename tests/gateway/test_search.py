# SPDX-License-Identifier: Apache-2.0
"""The search of the web that vendors have built in: asked for at any door, done by any vendor."""

import json

import pytest
from scripted import ECHO, chat, echo, events, messages, said, search, source, text
from support import Server
from vendor import sse
from vendor_formats import ANTHROPIC, GEMINI, OPENAI_CHAT, OPENAI_RESPONSES, Said, anthropic, gemini, openai_chat, openai_responses

PLACE = {"city": "Cardiff", "country": "GB"}


def respond(server, content, **more):
    body = {"model": "one/small", "input": content, **more}
    return server.post("/v1/responses", body)


# ---- what clients ask for, in one form ----


def asked(server, path, tool):
    if path == "/v1/responses":
        reply = respond(server, [ECHO], tools=[tool])
        assert reply.status == 200, reply
        return json.loads(reply.json["output"][-1]["content"][0]["text"])
    return echo((chat if path == "/v1/chat/completions" else messages)(server, [ECHO], tools=[tool]))


@pytest.mark.parametrize(
    ("path", "tool", "wire", "form"),
    [
        ("/v1/responses", {"type": "web_search"}, "openai", {}),
        ("/v1/responses", {"type": "web_search_2025_08_26", "external_web_access": False, "filters": {"allowed_domains": ["a.org"]}},
         "openai", {"live": False, "allowed_domains": ["a.org"]}),
        ("/v1/responses", {"type": "web_search", "external_web_access": True, "filters": None, "search_context_size": "low",
                           "user_location": {"type": "approximate", **PLACE}}, "openai", {"context_size": "low", "location": PLACE}),
        ("/v1/responses", {"type": "web_search_preview", "filters": {"blocked_domains": ["b.org"], "allowed_domains": []}},
         None, {"blocked_domains": ["b.org"]}),
        ("/v1/chat/completions", {"type": "web_search", "search_context_size": "high"}, "openai", {"context_size": "high"}),
        ("/v1/chat/completions", {"googleSearch": {}}, None, {}),
        ("/v1/messages", {"type": "web_search_20250305", "name": "web_search", "max_uses": 3, "allowed_domains": ["a.org"],
                          "blocked_domains": None, "user_location": {"type": "approximate", **PLACE, "region": None}},
         "anthropic", {"max_uses": 3, "allowed_domains": ["a.org"], "location": PLACE}),
        ("/v1/messages", {"type": "web_search_20260209", "name": "web_search"}, "anthropic", {}),
    ],
    ids=str,
)  # fmt: skip
def test_a_search_has_one_form(gateway, path, tool, wire, form):
    (sent,) = asked(gateway, path, tool)["built_in_tools"]
    assert (sent["web_search"], sent.get("wire"), sent.get("tool", tool)) == (form, wire, tool)


def test_options_of_chat_completions(gateway):
    options = {"search_context_size": "high", "user_location": {"type": "approximate", "approximate": PLACE}}
    sent = echo(chat(gateway, [ECHO], web_search_options=options))
    assert sent["built_in_tools"] == [{"web_search": {"context_size": "high", "location": PLACE}}]
    assert echo(chat(gateway, [ECHO], web_search_options={}))["built_in_tools"] == [{"web_search": {}}]


def test_other_tools_of_vendors_keep_their_words(gateway):
    run = {"type": "code_interpreter", "container": {"type": "auto"}}
    assert asked(gateway, "/v1/responses", run)["built_in_tools"] == [{"wire": "openai", "tool": run}]
    fetch = {"type": "web_fetch_20250910", "name": "web_fetch"}
    assert asked(gateway, "/v1/messages", fetch)["built_in_tools"] == [{"wire": "anthropic", "tool": fetch}]


@pytest.mark.parametrize("bad", ["a.org", ["a.org", 5], {"a": 1}])
def test_bounds_that_nobody_could_keep_are_refused(gateway, bad):
    reply = respond(gateway, "x", tools=[{"type": "web_search", "filters": {"allowed_domains": bad}}])
    assert (reply.status, reply.json["error"]["param"]) == (400, "tools")
    assert "allowed_domains" in reply.json["error"]["message"]


def test_how_often_responses_may_search(gateway):
    reply = respond(gateway, [ECHO], tools=[{"type": "web_search"}], max_tool_calls=2)
    assert '"web_search":{"max_uses":2}' in reply.json["output"][-1]["content"][0]["text"].replace(" ", "")
    assert reply.json["einion"]["notes"] == []
    notes = respond(gateway, [ECHO], max_tool_calls=2).json["einion"]["notes"]
    assert notes == ["'max_tool_calls' was left out."]


def test_which_tools_may_be_used_counts_for_the_vendors_own(gateway):
    tools = [{"type": "function", "name": "f"}, {"type": "web_search"}, {"type": "file_search", "vector_store_ids": []}]

    def sent(*allowed):
        choice = {"type": "allowed_tools", "mode": "auto", "tools": list(allowed)}
        reply = respond(gateway, [ECHO], tools=tools, tool_choice=choice)
        told = json.loads(reply.json["output"][-1]["content"][0]["text"])
        return len(told["tools"]), [tool["tool"]["type"] for tool in told["built_in_tools"]]

    assert sent({"type": "function", "name": "f"}) == (1, [])
    assert sent({"type": "web_search"}) == (0, ["web_search"])


# ---- what vendors have found, in the form of each door ----

FOUND = [search("ws_1", 'the "anvil"', ("http://a/", "A"), ("http://b/", "B")), search("x", "more", error="unavailable"),
         {"kind": 600, "data": {"id": "ws_3", "action": {"type": "open_page", "url": "http://a/"}}},
         text("It is"), source("http://a/", "A")]  # fmt: skip


def result(url, title):
    return {"type": "web_search_result", "url": url, "title": title, "encrypted_content": "", "page_age": None}


BLOCKS = [
    {"type": "server_tool_use", "id": "srvtoolu_ws_1", "name": "web_search", "input": {"query": 'the "anvil"'}},
    {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_ws_1", "content": [result("http://a/", "A"), result("http://b/", "B")]},
    {"type": "server_tool_use", "id": "srvtoolu_x", "name": "web_search", "input": {"query": "more"}},
    {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_x",
     "content": {"type": "web_search_tool_result_error", "error_code": "unavailable"}},
]  # fmt: skip


def test_messages_tell_a_search(gateway):
    asked = said(*FOUND, outcome={"searches": 2})
    body = messages(gateway, [asked]).json
    assert body["content"][:4] == BLOCKS and body["content"][4]["citations"][0]["url"] == "http://a/"
    assert len(body["content"]) == 5 and body["usage"]["server_tool_use"] == {"web_search_requests": 2}
    told = events(messages(gateway, [asked], stream=True))
    starts = [data["content_block"] for name, data in told if name == "content_block_start"]
    assert starts[:4] == [BLOCKS[0] | {"input": {}}, BLOCKS[1], BLOCKS[2] | {"input": {}}, BLOCKS[3]]
    inputs = [data["delta"]["partial_json"] for name, data in told if name == "content_block_delta" and "partial_json" in data["delta"]]
    assert inputs == ['{"query":"the \\"anvil\\""}', '{"query":"more"}']
    assert [data["index"] for name, data in told if name == "content_block_stop"] == [0, 1, 2, 3, 4]
    assert told[-2][1]["usage"]["server_tool_use"] == {"web_search_requests": 2}
    assert "server_tool_use" not in messages(gateway, [said(text("x"))]).json["usage"]


def test_responses_tell_a_search(gateway):
    asked = [said(*FOUND)]
    *items, message = respond(gateway, asked).json["output"]
    assert [(item["type"], item["status"], item["action"]) for item in items] == [
        ("web_search_call", "completed", {"type": "search", "query": 'the "anvil"', "queries": ['the "anvil"']}),
        ("web_search_call", "failed", {"type": "search", "query": "more", "queries": ["more"]}),
        ("web_search_call", "completed", {"type": "open_page", "url": "http://a/"})]  # fmt: skip
    assert message["content"][0]["annotations"][0]["url"] == "http://a/"
    first = respond(gateway, asked, include=["web_search_call.action.sources"]).json["output"][0]
    assert first["action"]["sources"] == [{"type": "url", "url": url} for url in ("http://a/", "http://b/")]
    told = events(respond(gateway, asked, stream=True))
    assert [name for name, data in told if data.get("output_index") == 0] == [
        "response.output_item.added", "response.web_search_call.in_progress", "response.web_search_call.searching",
        "response.web_search_call.completed", "response.output_item.done"]  # fmt: skip
    assert told[-1][1]["response"]["output"][0] == next(data["item"] for name, data in told if name == "response.output_item.done")


def test_what_is_cited_and_where(gateway):
    message = chat(gateway, [said(*FOUND)]).json["choices"][0]["message"]
    assert message["content"] == "It is" and len(message["annotations"]) == 1
    asked = [said(text("Iron is old."), source("http://a/", "A", **{"from": 0, "to": 4, "text": "Of iron."}), search("s", "more"),
                  text("So"), source("http://b/", "B"))]  # fmt: skip
    (cited, end) = chat(gateway, asked).json["choices"][0]["message"]["annotations"]
    assert (cited["url_citation"]["start_index"], cited["url_citation"]["end_index"], end["url_citation"]["end_index"]) == (0, 4, 14)
    first, _, second = respond(gateway, asked).json["output"]
    assert [item["content"][0]["annotations"][0]["end_index"] for item in (first, second)] == [4, 2]
    assert messages(gateway, asked).json["content"][0]["citations"][0]["cited_text"] == "Of iron."


# ---- from any door to any vendor ----

MODELS = {"openai": "openai/gpt-5-mini", "anthropic": "anthropic/claude-sonnet-4-5-20250929", "gemini": "gemini/gemini-2.5-flash",
          "bedrock": "bedrock/amazon.nova-lite-v1:0", "codex": "openai/gpt-5.1-codex-max", "none": "openai/gpt-4-turbo"}  # fmt: skip


@pytest.fixture(scope="module")
def the_house(the_upstream):
    env = {"OPENAI_BASE_URL": f"{the_upstream.url}/v1", "ANTHROPIC_BASE_URL": the_upstream.url, "GEMINI_BASE_URL": the_upstream.url}
    keys = {"OPENAI_API_KEY": "k", "ANTHROPIC_API_KEY": "k", "GEMINI_API_KEY": "k"}
    with Server("memory", sets=["plugins.runtime-python.enabled=false"], env=env | keys) as server:
        yield server.start(ready=True)


@pytest.fixture
def house(the_house, upstream):
    for path, form in ((OPENAI_CHAT, openai_chat), (OPENAI_RESPONSES, openai_responses), (ANTHROPIC, anthropic), (GEMINI, gemini)):
        upstream.answer(path, form(Said("Hello")))
    yield the_house
    the_house.check()


def through(house, upstream, path, model, tool, **more):
    """What the vendor was sent of tools, and what was left out."""
    body = {"model": MODELS[model], "stream": False, "max_tokens": 64, **more}
    said = {"input": "x"} if path == "/v1/responses" else {"messages": [{"role": "user", "content": "x"}]}
    given = {"web_search_options": tool} if path == "/v1/chat/completions" else {"tools": [tool, *more.pop("functions", [])]}
    body.pop("functions", None)
    reply = house.post(path, {**body, **said, **given})
    assert reply.status == 200, reply
    sent = upstream.requests[-1].json
    return sent.get("tools"), reply.json["einion"]["notes"]


CODEX = {"type": "web_search", "external_web_access": False}
SONNET = {"type": "web_search_20250305", "name": "web_search", "max_uses": 2, "blocked_domains": ["b.org"],
          "user_location": {"type": "approximate", **PLACE}}  # fmt: skip
OPTIONS = {"search_context_size": "low", "user_location": {"type": "approximate", "approximate": PLACE}}
FLAT = {"type": "approximate", **PLACE}


@pytest.mark.parametrize(
    ("path", "tool", "model", "sent", "notes"),
    [
        ("/v1/responses", CODEX, "openai", [CODEX], []),
        ("/v1/responses", CODEX, "codex", [CODEX], []),
        ("/v1/responses", CODEX, "anthropic", None, ["keeps away from the live web"]),
        ("/v1/responses", CODEX, "gemini", None, ["keeps away from the live web"]),
        ("/v1/responses", CODEX, "none", None, ["has no such tool"]),
        ("/v1/responses", {"type": "web_search", "search_context_size": "low"}, "anthropic",
         [{"type": "web_search_20250305", "name": "web_search"}], ["'context_size' was left out"]),
        ("/v1/responses", {"type": "web_search"}, "gemini", [{"googleSearch": {}}], []),
        ("/v1/responses", {"type": "web_search", "filters": {"allowed_domains": ["a.org"]}}, "gemini", None, ["to some domains"]),
        ("/v1/responses", {"type": "code_interpreter"}, "anthropic", None, ["'code_interpreter' was left out"]),
        ("/v1/responses", {"type": "code_interpreter", "container": {"type": "auto"}}, "openai", None, ["nor in pass_tools"]),
        ("/v1/responses", {"type": "file_search", "vector_store_ids": ["vs_1"]}, "openai", None, ["nor in pass_tools"]),
        ("/v1/responses", {"type": "local_shell"}, "openai", [{"type": "local_shell"}], []),
        ("/v1/messages", {"type": "code_execution_20250825", "name": "code_execution"}, "anthropic", None, ["nor in pass_tools"]),
        ("/v1/messages", {"type": "bash_20250124", "name": "bash"}, "anthropic", [{"type": "bash_20250124", "name": "bash"}], []),
        ("/v1/messages", SONNET, "anthropic", [SONNET], []),
        ("/v1/messages", SONNET, "openai", [{"type": "web_search", "user_location": FLAT, "filters": {"blocked_domains": ["b.org"]}}], []),
        ("/v1/messages", SONNET, "gemini", None, ["away from some domains"]),
        ("/v1/messages", {"type": "web_search_20250305", "name": "web_search", "max_uses": 2}, "gemini",
         [{"googleSearch": {}}], ["'max_uses' was left out"]),
        ("/v1/messages", {"type": "bash_20250124", "name": "bash"}, "openai", None, ["'bash_20250124' was left out"]),
        ("/v1/chat/completions", OPTIONS, "openai", [{"type": "web_search", "search_context_size": "low", "user_location": FLAT}], []),
        ("/v1/chat/completions", {"user_location": OPTIONS["user_location"]}, "anthropic",
         [{"type": "web_search_20250305", "name": "web_search", "user_location": FLAT}], []),
        ("/v1/chat/completions", {}, "gemini", [{"googleSearch": {}}], []),
    ],
    ids=str,
)  # fmt: skip
def test_a_search_speaks_every_vendors_words(house, upstream, path, tool, model, sent, notes):
    tools, told = through(house, upstream, path, model, tool)
    assert tools == sent and len(told) == len(notes), (tools, told)
    assert all(words in note for words, note in zip(notes, told))


def test_how_often_it_may_search(house, upstream):
    through(house, upstream, "/v1/messages", "openai", SONNET)
    assert upstream.requests[-1].json["max_tool_calls"] == 2
    assert upstream.requests[-1].json["include"] == ["reasoning.encrypted_content", "web_search_call.action.sources"]
    through(house, upstream, "/v1/responses", "anthropic", {"type": "web_search"}, max_tool_calls=4)
    assert upstream.requests[-1].json["tools"][0]["max_uses"] == 4


def test_it_stands_beside_functions_where_that_can_be(house, upstream):
    function = [{"type": "function", "name": "f", "parameters": {"type": "object", "properties": {}}}]
    tools, notes = through(house, upstream, "/v1/responses", "gemini", {"type": "web_search"}, functions=function)
    assert [list(tool) for tool in tools] == [["functionDeclarations"]] and "beside other tools" in notes[0]
    tools, notes = through(house, upstream, "/v1/responses", "anthropic", {"type": "web_search"}, functions=function)
    assert [tool["name"] for tool in tools] == ["f", "web_search"] and notes == []


def test_a_search_that_is_to_be_made(house, upstream):
    """Claude Code asks in a request of its own, in which nothing else may be called."""
    forced = {"type": "tool", "name": "web_search"}
    for model, choice in (("anthropic", forced), ("openai", "required"), ("gemini", None)):
        tools, notes = through(house, upstream, "/v1/messages", model, SONNET if model != "gemini" else
                               {"type": "web_search_20250305", "name": "web_search"}, tool_choice=forced)  # fmt: skip
        assert (upstream.requests[-1].json.get("tool_choice"), notes) == (choice, [])
    through(house, upstream, "/v1/responses", "anthropic", {"type": "web_search"}, tool_choice={"type": "web_search"})
    assert upstream.requests[-1].json["tool_choice"] == forced


def test_chats_ask_for_it_in_everybodys_words(house, upstream):
    for model, sent in (("anthropic", {"type": "web_search_20250305", "name": "web_search"}), ("gemini", {"googleSearch": {}})):
        provider, name = MODELS[model].split("/")
        body = {"provider": provider, "model": name, "messages": [{"role": "user", "content": "x"}], "builtInTools": [{"web_search": {}}]}
        ticket = house.post("/chat", body).json["ticket_id"]
        assert house.get(f"/chat/{ticket}?wait=60").json["status"] == "completed"
        assert upstream.requests[-1].json["tools"] == [sent]


SEARCHED = [
    {"type": "message_start", "message": {"model": "m", "usage": {"input_tokens": 1000, "output_tokens": 1}}},
    {"type": "content_block_start", "index": 0, "content_block": {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search",
                                                                  "input": {}}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "input_json_delta", "partial_json": '{"query": "anvils"}'}},
    {"type": "content_block_stop", "index": 0},
    {"type": "content_block_start", "index": 1, "content_block": {
        "type": "web_search_tool_result", "tool_use_id": "srvtoolu_1",
        "content": [{"type": "web_search_result", "url": "https://c", "title": "C", "encrypted_content": "E", "page_age": "May 2, 2026"}]}},
    {"type": "content_block_stop", "index": 1},
    {"type": "content_block_start", "index": 2, "content_block": {"type": "text", "text": ""}},
    {"type": "content_block_delta", "index": 2, "delta": {"type": "text_delta", "text": "Iron"}},
    {"type": "content_block_stop", "index": 2},
    {"type": "message_delta", "delta": {"stop_reason": "end_turn"},
     "usage": {"output_tokens": 100, "server_tool_use": {"web_search_requests": 3}}},
    {"type": "message_stop"},
]  # fmt: skip


def test_what_it_found_and_what_it_cost(house, upstream):
    upstream.answer(ANTHROPIC, sse(*SEARCHED, named=True))
    body = {"model": MODELS["anthropic"], "max_tokens": 64, "messages": [{"role": "user", "content": "x"}], "tools": [SONNET]}
    reply = house.post("/v1/messages", body).json
    assert reply["content"][0] == {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "anvils"}}
    assert reply["content"][1]["content"] == SEARCHED[4]["content_block"]["content"]
    assert reply["usage"]["server_tool_use"] == {"web_search_requests": 3}
    assert reply["usage"]["cost"] == pytest.approx(0.003 + 0.0015 + 3 * 0.01)
    reply = house.post("/v1/responses", {"model": MODELS["anthropic"], "input": "x", "tools": [{"type": "web_search"}]}).json
    assert reply["output"][0]["action"] == {"type": "search", "query": "anvils", "queries": ["anvils"]}


def test_what_it_found_goes_back_to_it(house, upstream):
    """A conversation goes on with the blocks of its answers, word for word; what another vendor found, and what goes to
    another vendor or to a call that is not to search, is left out."""

    def sent(model, content, tools=(SONNET,)):
        said = [{"role": "user", "content": "x"}, {"role": "assistant", "content": content}, {"role": "user", "content": "y"}]
        reply = house.post("/v1/messages", {"model": MODELS[model], "max_tokens": 64, "messages": said, "tools": list(tools)})
        assert reply.status == 200, reply.text
        request = upstream.requests[-1].json
        return (request.get("messages") or request["input"])[1]["content"]

    upstream.answer(ANTHROPIC, sse(*SEARCHED, named=True))
    body = {"model": MODELS["anthropic"], "max_tokens": 64, "messages": [{"role": "user", "content": "x"}], "tools": [SONNET]}
    content = house.post("/v1/messages", body).json["content"]
    assert [block["type"] for block in content] == ["server_tool_use", "web_search_tool_result", "text"]
    assert sent("anthropic", content) == content
    failed = {**content[1], "content": {"type": "web_search_tool_result_error", "error_code": "unavailable"}}
    assert sent("anthropic", [content[0], failed, content[2]]) == [content[0], failed, content[2]]
    for others in ([content[0], {**content[1], "content": [result("https://c", "C")]}, content[2]], content[1:], content[::2]):
        assert sent("anthropic", others) == "Iron"
    assert sent("anthropic", content, ()) == "Iron"
    assert sent("openai", content) == "Iron"


def test_what_openai_found(house, upstream):
    action = {"type": "search", "queries": ["anvils"], "sources": [{"type": "url", "url": "https://c"}]}
    item = {"type": "web_search_call", "id": "ws_9", "status": "completed", "action": action}
    opened = {"type": "web_search_call", "id": "ws_10", "status": "completed", "action": {"type": "open_page", "url": "https://c"}}
    done = {"id": "r", "status": "completed", "output": [item, opened, {"type": "message", "content": [
        {"type": "output_text", "text": "Iron", "annotations": [{"type": "url_citation", "url": "https://c", "title": "C"}]}]}],
        "usage": {"input_tokens": 0, "output_tokens": 1}}  # fmt: skip
    upstream.answer(OPENAI_RESPONSES, sse({"type": "response.output_item.done", "item": item}, {"type": "response.completed", "response": done},
                                          named=True))  # fmt: skip
    body = {"model": MODELS["openai"], "max_tokens": 64, "messages": [{"role": "user", "content": "x"}], "tools": [SONNET]}
    reply = house.post("/v1/messages", body).json
    assert [block["type"] for block in reply["content"]] == ["server_tool_use", "web_search_tool_result", "text"]
    assert reply["content"][1]["content"] == [result("https://c", "")] and reply["usage"]["server_tool_use"] == {"web_search_requests": 1}
    assert reply["usage"]["cost"] == pytest.approx(0.01 + 2e-6)
    output = house.post("/v1/responses", {"model": MODELS["openai"], "input": "x", "tools": [{"type": "web_search"}]}).json["output"]
    assert [each["action"] for each in output[:2]] == [{"type": "search", "queries": ["anvils"]}, opened["action"]]

    def sent(model, items, **more):
        said = [{"role": "user", "content": "x"}, *items, {"role": "user", "content": "y"}]
        reply = house.post("/v1/responses", {"model": MODELS[model], "input": said, **more})
        assert reply.status == 200, reply.text
        request = upstream.requests[-1].json
        return [each for each in request.get("input", ()) if each["type"] == "web_search_call"], "ws_9" in json.dumps(request)

    # It goes back without an id, which nothing that is not stored can be known by, and without what is no search.
    tools, made = {"tools": [{"type": "web_search"}]}, {"type": "search", "queries": ["anvils"]}
    back = [{"type": "web_search_call", "status": "completed", "action": each["action"]} for each in output[:2]]
    assert sent("openai", output, **tools) == (back, False)
    odd = {**output[0], "status": "failed", "file_id": "f", "action": {**made, "query": 5, "file_id": "f"}}
    assert sent("openai", [odd], **tools) == ([{"type": "web_search_call", "status": "failed", "action": made}], False)
    assert sent("openai", output) == ([], False)
    upstream.answer(ANTHROPIC, anthropic(Said("Hello")))
    assert sent("anthropic", output, **tools) == ([], False)


def test_what_gemini_found(house, upstream):
    def reply(request):
        grounding = {"webSearchQueries": ["anvils", "iron"], "groundingChunks": [{"web": {"uri": "https://c", "title": "C"}}]}
        candidate = {"content": {"role": "model", "parts": [{"text": "Iron"}]}, "finishReason": "STOP", "groundingMetadata": grounding}
        return sse({"candidates": [candidate], "usageMetadata": {"promptTokenCount": 10, "candidatesTokenCount": 1}})

    upstream.answer(GEMINI, reply)
    body = {"model": MODELS["gemini"], "max_tokens": 64, "messages": [{"role": "user", "content": "x"}],
            "tools": [{"type": "web_search_20250305", "name": "web_search"}]}  # fmt: skip
    told = house.post("/v1/messages", body).json
    assert [block["type"] for block in told["content"]] == ["text"] + 2 * ["server_tool_use", "web_search_tool_result"]
    assert told["content"][0]["citations"][0]["url"] == "https://c" and told["content"][2]["content"] == [result("https://c", "C")]
    assert told["usage"]["server_tool_use"] == {"web_search_requests": 1} and told["usage"]["cost"] > 0.035


def test_what_cannot_be_is_refused_where_that_is_configured(the_upstream, upstream):
    upstream.answer(ANTHROPIC, anthropic(Said("Hello")))
    sets = ["plugins.runtime-python.enabled=false", "plugins.models.parameters=refuse"]
    with Server("memory", sets=sets, env={"ANTHROPIC_BASE_URL": the_upstream.url, "ANTHROPIC_API_KEY": "k"}) as server:
        server.start(ready=True)
        reply = server.post("/v1/responses", {"model": MODELS["anthropic"], "input": "x", "tools": [CODEX]})
        assert reply.status == 400 and "'web_search' cannot be" in reply.json["error"]["message"], reply
        assert not upstream.requests
        server.check()
