# SPDX-License-Identifier: Apache-2.0
"""POST /v1/responses: items both ways, and the events of a stream."""

import json

import pytest
from scripted import OUTCOME, UNAVAILABLE, call, events, said, source, text, thought
from test_chat_completions import FAULTS, REPLAYS

ECHO = said(echo=True)


def respond(server, items, **more):
    return server.post("/v1/responses", {"model": "one/small", "input": items, **more})


def asked(gateway, items, **more):
    reply = respond(gateway, [*items, ECHO], **more)
    assert reply.status == 200, reply
    return json.loads(reply.json["output"][-1]["content"][0]["text"])


def translated(gateway, *items):
    return asked(gateway, items)["messages"][:-1]


def refused(reply, param, words):
    assert reply.status == 400, reply
    error = reply.json["error"]
    assert error["type"] == "invalid_request_error" and error["param"] == param and words in error["message"], error


# ---- requests ----


def test_a_text(gateway):
    sent = json.loads(respond(gateway, ECHO["content"], instructions="be brief").json["output"][0]["content"][0]["text"])
    assert sent["messages"] == [{"role": "system", "content": "be brief"}, ECHO] and "parameters" not in sent


def test_items(gateway):
    image = {"type": "input_image", "image_url": "data:image/png;base64,AA==", "detail": "low"}
    file = {"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,AA=="}
    items = [
        {"role": "developer", "content": "s"},
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "a"}, image, file,
                                                        {"type": "input_file", "file_url": "https://a/b.pdf"}]},
        {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "h"}, {"type": "summary_text", "text": "m"}]},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "b", "annotations": []}]},
        {"type": "function_call", "call_id": "c1", "name": "f", "arguments": '{"a": 1}'},
        {"type": "function_call", "call_id": "c2", "name": "g", "arguments": ""},
        {"type": "function_call_output", "call_id": "c1", "output": "x"},
        {"type": "function_call_output", "call_id": "c2", "output": [{"type": "input_text", "text": "y"}]},
    ]  # fmt: skip
    assert translated(gateway, *items) == [
        {"role": "system", "content": "s"},
        {"role": "user", "content": [
            {"type": "text", "text": "a"}, {"type": "image", "media_type": "image/png", "data": "AA==", "detail": "low"},
            {"type": "file", "name": "a.pdf", "media_type": "application/pdf", "data": "AA=="}, {"type": "file", "url": "https://a/b.pdf"}]},
        {"role": "assistant", "content": [
            {"type": "thought", "text": "hm"}, {"type": "text", "text": "b"},
            {"type": "tool_call", "id": "c1", "name": "f", "arguments": {"a": 1}},
            {"type": "tool_call", "id": "c2", "name": "g", "arguments": {}}]},
        {"role": "user", "content": [
            {"type": "tool_result", "id": "c1", "name": "f", "content": "x"},
            {"type": "tool_result", "id": "c2", "name": "g", "content": [{"type": "text", "text": "y"}]}]},
    ]  # fmt: skip


def test_outputs_go_in_the_order_of_their_calls(gateway):
    calls = [{"type": "function_call", "call_id": id, "name": "f", "arguments": "{}"} for id in "ab"]
    outputs = [{"type": "function_call_output", "call_id": id, "output": id} for id in "ba"]
    assert [part["content"] for part in translated(gateway, *calls, *outputs)[1]["content"]] == ["a", "b"]


def test_a_summary_in_many_pieces_is_read_once(gateway):
    """Joined piece by piece, each time anew, it would keep a processor for minutes."""
    summary = [{"text": "a" * 150}] * 60_000
    (thought,) = asked(gateway, [{"type": "reasoning", "summary": summary}])["messages"][0]["content"]
    assert thought == {"type": "thought", "text": "a" * 150 * len(summary)}


def test_calls_of_the_vendors_own_tools_are_left_out(gateway):
    reply = respond(gateway, [{"type": "web_search_call", "id": "w"}, ECHO])
    assert reply.json["einion"]["notes"] == ["Items of the type 'web_search_call' were left out."]


def test_items_and_members_of_newer_clients(gateway):
    found = {"type": "tool_search_output", "call_id": "s", "status": "completed", "tools": [{"type": "function", "name": "g"}]}
    audio = {"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "wav"}}
    sent = asked(gateway, [found, {"role": "user", "content": [audio]}], top_k=5, client_metadata={"a": "b"}, truncation="auto")
    assert [tool["name"] for tool in sent["tools"]] == ["g"] and sent["parameters"] == {"top_k": 5}
    assert sent["messages"][0]["content"] == [{"type": "file", "media_type": "audio/wav", "data": "UklGRg=="}]
    left_out = [{"type": type} for type in ("mcp_list_tools", "mcp_approval_response", "compaction_trigger", "program")]
    notes = respond(gateway, [*left_out, ECHO], context_management=[{"type": "compaction"}], moderation={}).json["einion"]["notes"]
    assert notes == [*(f"Items of the type '{item['type']}' were left out." for item in left_out),
                     "'context_management' was left out.", "'moderation' was left out."]  # fmt: skip
    refused(respond(gateway, [{"type": "compaction", "encrypted_content": "x"}, ECHO]), "input[0]", "compaction")


def test_tools_and_parameters(gateway):
    schema = {"type": "object", "properties": {}}
    sent = asked(
        gateway, [], tools=[{"type": "function", "name": "f", "description": "d", "parameters": schema, "strict": True},
                            {"type": "web_search", "search_context_size": "low"}],
        tool_choice={"type": "function", "name": "f"}, temperature=0.5, top_p=0.9, max_output_tokens=64, user="u",
        parallel_tool_calls=False, reasoning={"effort": "low", "summary": "auto"}, store=True, include=["x"], truncation="auto",
        text={"format": {"type": "json_schema", "name": "n", "schema": schema}, "verbosity": "low"}, service_tier="flex",
    )  # fmt: skip
    assert sent["tools"] == [{"name": "f", "description": "d", "parameters": schema, "strict": True}]
    assert [tool["wire"] for tool in sent["built_in_tools"]] == ["openai"]
    assert sent["tool_choice"] == {"name": "f"} and sent["reply_schema"] == schema
    assert sent["parameters"] == {"temperature": 0.5, "top_p": 0.9, "max_tokens": 64, "user": "u", "parallel_tool_calls": False,
                                  "reasoning_effort": "low", "verbosity": "low", "service_tier": "flex"}  # fmt: skip
    assert asked(gateway, [], reasoning={"effort": "none"})["parameters"] == {"reasoning_effort": "disable"}
    assert asked(gateway, [], text={"format": {"type": "json_object"}})["reply_schema"] == {"type": "object"}
    for choice in ("auto", "none", "required"):
        assert asked(gateway, [], tool_choice=choice)["tool_choice"] == choice
    allowed = {"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": "g"}]}
    sent = asked(gateway, [], tools=[{"type": "function", "name": name} for name in "fg"], tool_choice=allowed)
    assert sent["tools"] == [{"name": "g"}] and sent["tool_choice"] == "required"


@pytest.mark.parametrize(
    ("more", "param", "words"),
    [
        ({"input": None}, "input", "neither a text"),
        ({"input": []}, "input", "neither a text"),
        ({"input": [5]}, "input[0]", "type ''"),
        ({"input": [{"type": "tool_search_call", "call_id": "c", "arguments": "["}]}, "input[0].arguments", "JSON object"),
        ({"input": [{"role": "robot", "content": "x"}]}, "input[0].role", "robot"),
        ({"input": [{"role": "user", "content": [{"type": "hologram"}]}]}, "input[0].content[0]", "not taken"),
        ({"input": [{"role": "user", "content": [{"type": "input_image"}]}]}, "input[0].content[0]", "image_url"),
        ({"input": [{"type": "function_call", "name": "f"}]}, "input[0]", "call_id"),
        ({"input": [{"type": "function_call", "call_id": "c", "name": "f", "arguments": "["}]}, "input[0].arguments", "JSON object"),
        ({"input": [{"type": "function_call_output", "output": "x"}]}, "input[0].call_id", "missing"),
        ({"conversation": "conv_1"}, "conversation", "not kept"),
        ({"background": True}, "background", "background"),
        ({"tools": [{"type": "custom"}]}, "tools", "no 'name'"),
        ({"tools": [{"name": "f"}]}, "tools", "no 'type'"),
        ({"tools": [{"type": "namespace", "tools": []}]}, "tools", "no 'name'"),
        ({"tools": [{"type": "namespace", "name": "n", "tools": [{"type": "web_search"}]}]}, "tools", "only"),
        ({"input": [{"type": "custom_tool_call", "call_id": "c", "name": "f", "input": 5}]}, "input[0].input", "not a text"),
        ({"tools": [{"type": "function"}]}, "tools", "no 'name'"),
        ({"text": {"format": {"type": "xml"}}}, "text.format", "none of"),
        ({"model": None}, "model", "missing"),
    ],
    ids=str,
)
def test_what_cannot_be_is_named(gateway, more, param, words):
    refused(gateway.post("/v1/responses", {"model": "one/small", "input": "x", **more}), param, words)


# ---- answers ----

PIECES = [thought("hm "), thought("hm"), thought(None, REPLAYS[2]), text("See"), source("http://a/", "A"), text(' "it"'),
          call("c1", "f", {"a": '"'}), text("and"), thought("no replay")]  # fmt: skip


def test_an_answer(gateway):
    reply = respond(gateway, [said(*PIECES, outcome=OUTCOME)])
    body = reply.json
    assert body["id"].startswith("resp_") and body["object"] == "response" and body["status"] == "completed"
    assert body["model"] == "one/small" and body["error"] is None and body["incomplete_details"] is None and body["store"] is True
    assert [item["type"] for item in body["output"]] == ["reasoning", "message", "function_call", "message", "reasoning"]
    assert len({item.pop("id") for item in body["output"]}) == 5
    assert body["output"][0]["summary"] == [{"type": "summary_text", "text": "hm hm"}]
    assert body["output"][1] == {"type": "message", "status": "completed", "role": "assistant", "content": [
        {"type": "output_text", "text": 'See "it"', "logprobs": [], "annotations": [
            {"type": "url_citation", "url": "http://a/", "title": "A", "start_index": 3, "end_index": 3}]}]}  # fmt: skip
    assert body["output"][2] == {"type": "function_call", "call_id": "c1", "name": "f", "arguments": '{"a":"\\""}', "status": "completed"}
    assert body["output"][4] == {"type": "reasoning", "summary": [{"type": "summary_text", "text": "no replay"}]}
    assert body["usage"] == {
        "input_tokens": 100, "input_tokens_details": {"cached_tokens": 30, "cache_write_tokens": 20}, "output_tokens": 50,
        "output_tokens_details": {"reasoning_tokens": 10}, "total_tokens": 150, "cost": 0.001234567}  # fmt: skip
    assert body["einion"]["notes"] == OUTCOME["notes"] and reply.header("x-einion-cost") == "0.001234567"


@pytest.mark.parametrize("text", [None, {"verbosity": "low", "format": {"type": "json_schema", "name": "n", "schema": {"type": "object"}}}])
def test_the_form_that_was_asked_for_is_told(gateway, text):
    """Clients parse an answer by it."""
    whole, last = respond(gateway, [said()], text=text).json, events(respond(gateway, [said()], text=text, stream=True))[-1]
    assert whole["text"] == last[1]["response"]["text"] == (text or {"format": {"type": "text"}})


@pytest.mark.parametrize(
    ("stop", "status", "reason"),
    [("stop", "completed", None), ("tool_calls", "completed", None), ("length", "incomplete", "max_output_tokens"),
     ("content_filter", "incomplete", "content_filter")],
)  # fmt: skip
def test_why_it_stopped(gateway, stop, status, reason):
    item = said(text("x"), outcome={"stop_reason": stop})
    last = events(respond(gateway, [item], stream=True))[-1]
    assert last[0] == f"response.{status}"
    for body in (respond(gateway, [item]).json, last[1]["response"]):
        assert body["status"] == status
        assert body["incomplete_details"] == ({"reason": reason} if reason else None)


def followed(pairs):
    """The response at the end of a stream, whose parts are what came before."""
    assert [data["sequence_number"] for _, data in pairs] == list(range(len(pairs)))
    assert [name for name, _ in pairs[:2]] == ["response.created", "response.in_progress"]
    final, items, texts = pairs[-1][1]["response"], {}, {}
    for name, data in pairs[2:-1]:
        at = data["output_index"]
        if name == "response.output_item.added":
            assert at == len(items)
            items[at], texts[at] = data["item"], ""
        elif name.endswith(".delta"):
            assert data["item_id"] == items[at]["id"]
            texts[at] += data["delta"]
        elif name in ("response.output_text.done", "response.reasoning_summary_text.done"):
            assert data["text"] == texts[at]
        elif name == "response.function_call_arguments.done":
            assert data["arguments"] == texts[at]
        elif name == "response.custom_tool_call_input.done":
            assert data["input"] == texts[at]
        elif name == "response.output_item.done":
            assert data["item"] == final["output"][at] and data["item"]["id"] == items[at]["id"]
    assert len(items) == len(final["output"])
    return final


def test_a_stream(gateway):
    pairs = events(respond(gateway, [said(*PIECES, outcome=OUTCOME)], stream=True))
    final, whole = followed(pairs), respond(gateway, [said(*PIECES, outcome=OUTCOME)]).json
    for body in (final, whole):
        for item in [body, *body["output"]]:
            del item["id"]
        del body["created_at"]
    assert final == whole
    assert [name for name, _ in pairs[2:9]] == [
        "response.output_item.added", "response.reasoning_summary_part.added", "response.reasoning_summary_text.delta",
        "response.reasoning_summary_text.delta", "response.reasoning_summary_text.done", "response.reasoning_summary_part.done",
        "response.output_item.done"]  # fmt: skip
    assert next(data for name, data in pairs if name == "response.output_text.annotation.added")["annotation"]["url"] == "http://a/"


def test_a_stream_without_pieces(gateway):
    assert followed(events(respond(gateway, [said()], stream=True)))["output"] == []


@pytest.mark.parametrize("stream", [False, True])
def test_thoughts_come_back_as_they_went(gateway, stream):
    pieces = []
    for replay in REPLAYS:
        pieces += [thought("a"), thought("b", replay)]
    pieces += [text("x"), call("c", "f", {}, replay={"wire": "gemini", "thoughtSignature": "abc"})]
    reply = respond(gateway, [said(*pieces)], stream=stream)
    output = followed(events(reply))["output"] if stream else reply.json["output"]
    assert set(output[-1]) == {"type", "id", "call_id", "name", "arguments", "status"}  # all that clients keep
    assert translated(gateway, *output) == [{"role": "assistant", "content": [
        *({"type": "thought", "text": "ab", "replay": replay} for replay in REPLAYS),
        {"type": "text", "text": "x"},
        {"type": "tool_call", "id": "c", "name": "f", "arguments": {}, "replay": {"wire": "gemini", "thoughtSignature": "abc"}},
    ]}]  # fmt: skip


PATCH = {"type": "custom", "name": "apply_patch", "description": "Edits files.",
         "format": {"type": "grammar", "syntax": "lark", "definition": "start: LINE+"}}  # fmt: skip
TEAM = {"type": "namespace", "name": "team", "description": "Others.", "tools": [
    {"type": "function", "name": "spawn", "description": "d", "strict": False, "parameters": {"type": "object", "properties": {}}},
    {"type": "custom", "name": "tell"}]}  # fmt: skip


@pytest.mark.parametrize("stream", [False, True])
def test_custom_tools_and_namespaces(gateway, stream):
    """Functions to the model, and what they were again to the client."""
    tools = asked(gateway, [], tools=[PATCH, TEAM], tool_choice={"type": "custom", "name": "apply_patch"})["tools"]
    assert [tool["name"] for tool in tools] == ["apply_patch", "team__spawn", "team__tell"]
    item = {"type": "additional_tools", "role": "developer", "tools": [PATCH, TEAM]}
    assert asked(gateway, [item])["tools"] == asked(gateway, [item, item])["tools"] == tools
    assert tools[0]["description"] == "Edits files.\n\nThe input follows this grammar (lark):\nstart: LINE+"
    assert tools[0]["parameters"]["required"] == ["input"] and tools[1]["parameters"] == {"type": "object", "properties": {}}

    calls = [call("c1", "apply_patch", {"input": 'a\n"b"'}), call("c2", "team__spawn", {"a": 1}), call("c3", "team__tell", {"x": 1}),
             call("c4", "other", {})]  # fmt: skip
    reply = respond(gateway, [said(*calls)], tools=[PATCH, TEAM], stream=stream)
    pairs = events(reply) if stream else []
    output = followed(pairs)["output"] if stream else reply.json["output"]
    assert [{name: item[name] for name in item if name != "id"} for item in output] == [
        {"type": "custom_tool_call", "call_id": "c1", "name": "apply_patch", "input": 'a\n"b"', "status": "completed"},
        {"type": "function_call", "call_id": "c2", "name": "spawn", "namespace": "team", "arguments": '{"a":1}', "status": "completed"},
        {"type": "custom_tool_call", "call_id": "c3", "name": "tell", "namespace": "team", "input": '{"x":1}', "status": "completed"},
        {"type": "function_call", "call_id": "c4", "name": "other", "arguments": "{}", "status": "completed"}]  # fmt: skip
    assert [name for name, _ in pairs[2:6]] == stream * [
        "response.output_item.added", "response.custom_tool_call_input.delta", "response.custom_tool_call_input.done",
        "response.output_item.done"]  # fmt: skip
    said_before, results = translated(gateway, *output, {"type": "custom_tool_call_output", "call_id": "c1", "output": "done"})
    assert [(part["name"], part["arguments"]) for part in said_before["content"]] == [
        ("apply_patch", {"input": 'a\n"b"'}), ("team__spawn", {"a": 1}), ("team__tell", {"input": '{"x":1}'}), ("other", {})]  # fmt: skip
    assert results["content"] == [{"type": "tool_result", "id": "c1", "name": "apply_patch", "content": "done"}]


SEARCH = {"type": "tool_search", "execution": "client", "description": "Looks for tools.",
          "parameters": {"type": "object", "properties": {"query": {"type": "string"}}}}  # fmt: skip


@pytest.mark.parametrize("stream", [False, True])
def test_a_search_for_tools_by_the_client(gateway, stream):
    """A function to the model, too; Codex has the tools of MCP servers by it alone."""
    search = {"name": "tool_search", "description": "Looks for tools.", "parameters": SEARCH["parameters"]}
    assert asked(gateway, [], tools=[SEARCH])["tools"] == [search]
    reply = respond(gateway, [said(call("c1", "tool_search", {"query": "x"}))], tools=[SEARCH], stream=stream)
    pairs = events(reply) if stream else []
    (item,) = followed(pairs)["output"] if stream else reply.json["output"]
    assert item.pop("id").startswith("tsc_") and item == {
        "type": "tool_search_call", "call_id": "c1", "execution": "client", "arguments": {"query": "x"}, "status": "completed"}  # fmt: skip
    assert [name for name, _ in pairs[2:4]] == stream * ["response.output_item.added", "response.output_item.done"]

    found = {"type": "tool_search_output", "call_id": "c1", "execution": "client", "status": "completed", "tools": [TEAM]}
    again = [{**item, "call_id": "c2"}, {**found, "call_id": "c2"}]
    sent = asked(gateway, [item, found, *again], tools=[SEARCH])
    assert [tool["name"] for tool in sent["tools"]] == ["team__spawn", "team__tell", "tool_search"]
    assert sent["messages"][:-1] == [message for id in ("c1", "c2") for message in (
        {"role": "assistant", "content": [{"type": "tool_call", "id": id, "name": "tool_search", "arguments": {"query": "x"}}]},
        {"role": "user", "content": [{"type": "tool_result", "id": id, "name": "tool_search",
                                      "content": '["team__spawn","team__tell"]'}]})]  # fmt: skip


def test_a_search_for_tools_by_the_vendor_is_its_own(gateway):
    assert asked(gateway, [], tools=[{"type": "tool_search"}])["built_in_tools"] == [{"wire": "openai", "tool": {"type": "tool_search"}}]
    reply = respond(gateway, [{"type": "tool_search_call", "call_id": None, "execution": "server", "arguments": {}}, ECHO])
    assert reply.json["einion"]["notes"] == ["Items of the type 'tool_search_call' were left out."]


# ---- failures ----


@pytest.mark.parametrize(("script", "status", "kind", "code"), FAULTS)
@pytest.mark.parametrize("stream", [False, True])
def test_a_call_that_fails(gateway, script, status, kind, code, stream):
    reply = respond(gateway, [said(**script)], stream=stream)
    assert reply.status == status and (reply.json["error"]["type"], reply.json["error"]["code"]) == (kind, code), reply


def test_a_stream_that_breaks_off_says_why(gateway):
    pairs = events(respond(gateway, [said(text("a"), error=[UNAVAILABLE, "One broke off."])], stream=True))
    assert pairs[-1][0] == "response.failed"
    response = followed(pairs)
    assert response["status"] == "failed" and response["error"] == {"code": "server_error", "message": "One broke off."}
    assert response["output"][0]["content"][0]["text"] == "a"
