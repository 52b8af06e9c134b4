# SPDX-License-Identifier: Apache-2.0
"""POST /v1/messages: Anthropic's blocks both ways, its streams and its errors."""

import json

import pytest
from support import wait_until
from scripted import (
    ECHO, OUTCOME, UNAVAILABLE,
    call, echo, events, messages, said, source, text, thought,
)  # fmt: skip
from test_chat_completions import FAULTS, REPLAYS

CACHE = {"cache_control": {"type": "ephemeral"}}


def asked(gateway, said, **more):
    return echo(messages(gateway, [*said, ECHO], **more))


def translated(gateway, *said):
    return asked(gateway, said)["messages"][:-1]


def parts(gateway, *blocks, role="user"):
    return translated(gateway, {"role": role, "content": list(blocks)})[0]["content"]


def refused(reply, words):
    assert reply.status == 400, reply
    body = reply.json
    assert set(body) == {"type", "error", "request_id"} and set(body["error"]) == {"type", "message"}
    assert body["type"] == "error" and body["error"]["type"] == "invalid_request_error"
    assert body["request_id"] == reply.header("request-id") == reply.header("x-request-id")
    assert words in body["error"]["message"], body


# ---- messages ----


def test_texts_are_taken_over(gateway):
    talk = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]
    assert translated(gateway, *talk) == talk
    block = {"type": "text", "text": "a"}
    assert translated(gateway, {"role": "user", "content": [block]}) == [{"role": "user", "content": [block]}]


def test_the_system(gateway):
    assert asked(gateway, [], system="be brief")["messages"][0] == {"role": "system", "content": "be brief"}
    blocks = [{"type": "text", "text": "a"}, {"type": "text", "text": "b", **CACHE}]
    assert asked(gateway, [], system=blocks)["messages"][0]["content"] == [
        {"type": "text", "text": "a"}, {"type": "text", "text": "b", "cache": {"ttl": "5m"}}]  # fmt: skip
    for none in ("", None, []):
        assert len(asked(gateway, [], system=none)["messages"]) == 1


def test_media(gateway):
    assert parts(
        gateway,
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}, **CACHE},
        {"type": "image", "source": {"type": "url", "url": "https://a/b.png"}},
        {"type": "document", "title": "T", "source": {"type": "base64", "media_type": "application/pdf", "data": "AAAA"}},
        {"type": "document", "source": {"type": "url", "url": "https://a/b.pdf"}},
        {"type": "document", "title": "T", "source": {"type": "text", "media_type": "text/plain", "data": "words"}},
        {"type": "document", "source": {"type": "content", "content": "plain"}},
        {"type": "document", "source": {"type": "content", "content": [{"type": "text", "text": "in"}]}},
        {"type": "search_result", "source": "http://a", "title": "T", "content": [{"type": "text", "text": "found"}]},
    ) == [
        {"type": "image", "media_type": "image/png", "data": "AAAA", "cache": {"ttl": "5m"}},
        {"type": "image", "url": "https://a/b.png"},
        {"type": "file", "name": "T", "media_type": "application/pdf", "data": "AAAA"},
        {"type": "file", "url": "https://a/b.pdf"},
        {"type": "text", "text": "T\n\nwords"},
        {"type": "text", "text": "plain"},
        {"type": "text", "text": "in"},
        {"type": "text", "text": "T (http://a)"},
        {"type": "text", "text": "found"},
    ]


def test_a_loop_of_tools(gateway):
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}}
    talk = [
        {"role": "assistant", "content": [{"type": "tool_use", "id": "t1", "name": "look", "input": {"at": 1}}]},
        {"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": "t1", "content": [{"type": "text", "text": "x"}, image], **CACHE},
            {"type": "tool_result", "tool_use_id": "t2", "content": "no", "is_error": True},
            {"type": "tool_result", "tool_use_id": "t1"},
            {"type": "text", "text": "so?"}]},
    ]  # fmt: skip
    assert translated(gateway, *talk) == [
        {"role": "assistant", "content": [{"type": "tool_call", "id": "t1", "name": "look", "arguments": {"at": 1}}]},
        {"role": "user", "content": [
            {"type": "tool_result", "id": "t1", "name": "look", "cache": {"ttl": "5m"}, "content": [
                {"type": "text", "text": "x"}, {"type": "image", "media_type": "image/png", "data": "AAAA"}]},
            {"type": "tool_result", "id": "t2", "content": "no", "is_error": True},
            {"type": "tool_result", "id": "t1", "name": "look", "content": ""},
            {"type": "text", "text": "so?"}]},
    ]  # fmt: skip


def test_what_claude_code_sends(gateway):
    """All of a turn, with the members and betas that it has."""
    mark = {"cache_control": {"type": "ephemeral"}}
    body = {
        "model": "one/small", "max_tokens": 64000, "stream": False, "thinking": {"type": "adaptive"}, "output_config": {"effort": "high"},
        "context_management": {"edits": [{"type": "clear_thinking_20251015", "keep": "all"}]},
        "metadata": {"user_id": '{"device_id":"d","account_uuid":"","session_id":"s"}'},
        "system": [{"type": "text", "text": "x-anthropic-billing-header: cc_version=2;"}, {"type": "text", "text": "Be brief.", **mark}],
        "tools": [{"name": "Bash", "description": "Runs.", "input_schema": {"type": "object", "properties": {}}},
                  {"name": "mcp__f__g", "input_schema": {"type": "object"}, "defer_loading": True}],
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": "<system-reminder>Today</system-reminder>"}, {"type": "text", "text": "Go"}]},
            {"role": "system", "content": "These agents there are."},
            {"role": "assistant", "content": [{"type": "thinking", "thinking": "", "signature": "c2ln"},
                                              {"type": "tool_use", "id": "t", "name": "ToolSearch", "input": {"query": "g"}}]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "is_error": False, **mark,
                                          "content": [{"type": "tool_reference", "tool_name": "mcp__f__g"}]}]},
            ECHO],
    }  # fmt: skip
    headers = {"anthropic-version": "2023-06-01", "anthropic-beta": "claude-code-20250219,interleaved-thinking-2025-05-14"}
    reply = gateway.post("/v1/messages?beta=true", body, headers=headers)
    sent = echo(reply)
    assert reply.json["einion"]["notes"][:2] == ["'defer_loading' of tools was left out.", "'context_management' was left out."]
    assert sent["parameters"] == {"max_tokens": 64000, "reasoning_effort": "high", "user": body["metadata"]["user_id"]}
    assert [tool["name"] for tool in sent["tools"]] == ["Bash", "mcp__f__g"]
    assert [message["role"] for message in sent["messages"]] == ["system", "user", "system", "assistant", "user", "user"]
    assert sent["messages"][0]["content"][1] == {"type": "text", "text": "Be brief.", "cache": {"ttl": "5m"}}
    assert sent["messages"][3]["content"][0] == {"type": "thought", "text": "", "replay": {"wire": "anthropic", "signature": "c2ln"}}
    assert sent["messages"][4]["content"] == [{"type": "tool_result", "id": "t", "name": "ToolSearch", "cache": {"ttl": "5m"},
                                               "content": [{"type": "text", "text": "mcp__f__g"}]}]  # fmt: skip
    assert gateway.request("HEAD", "/").status == 200  # which it begins with


def test_results_go_in_the_order_of_their_calls(gateway):
    """Claude Code sends what is there first, and some models know which is which by their place alone."""
    calls = [{"type": "tool_use", "id": id, "name": "f", "input": {}} for id in "abc"]
    results = [{"type": "tool_result", "tool_use_id": id, "content": said} for id, said in (
        ("c", "1"), ("stranger", "2"), ("a", "3"), ("a", "again"), ("b", "4"))]  # fmt: skip
    sent = translated(gateway, {"role": "assistant", "content": calls},
                      {"role": "user", "content": [{"type": "text", "text": "so"}, *results]})[1]["content"]  # fmt: skip
    assert [part.get("content", part.get("text")) for part in sent] == ["3", "4", "1", "so", "2", "again"]


def test_thinking(gateway):
    assert parts(
        gateway,
        {"type": "thinking", "thinking": "hm", "signature": "c2ln"},
        {"type": "redacted_thinking", "data": "ZGF0YQ=="},
        {"type": "thinking", "thinking": "hm", "signature": ""},
        {"type": "thinking", "thinking": "hm", "signature": "einion.e30"},
        role="assistant",
    ) == [
        {"type": "thought", "text": "hm", "replay": {"wire": "anthropic", "signature": "c2ln"}},
        {"type": "thought", "replay": {"wire": "anthropic", "redacted": "ZGF0YQ=="}},
        {"type": "thought", "text": "hm"},
        {"type": "thought", "text": "hm"},
    ]


def test_blocks_of_the_vendors_own_tools_are_left_out(gateway):
    block = {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}}
    others = ("mcp_tool_listing", "tool_search_tool_result", "container_upload", "tool_addition", "fallback")
    reply = messages(gateway, [{"role": "assistant", "content": [block, *({"type": other} for other in others)]}, ECHO])
    assert len(echo(reply)["messages"]) == 1
    assert reply.json["einion"]["notes"] == [f"Blocks of the type '{type}' were left out." for type in ("server_tool_use", *others)]


def test_blocks_that_say_it_in_short(gateway):
    found = {"type": "tool_result", "tool_use_id": "t", "content": [{"type": "tool_reference", "tool_name": "weather"}]}
    said = translated(gateway, {"role": "assistant", "content": [{"type": "compaction", "content": "We met."}]},
                      {"role": "user", "content": [found]})  # fmt: skip
    assert said[0]["content"] == [{"type": "text", "text": "We met."}]
    assert said[1]["content"][0]["content"] == [{"type": "text", "text": "weather"}]


def test_the_whole_conversation_is_kept(gateway):
    body = {"model": "one/small", "max_tokens": 9, **CACHE}
    reply = gateway.post("/v1/messages", {**body, "messages": [{"role": "user", "content": "a"}, ECHO]})
    assert echo(reply)["messages"][1]["content"] == [{"type": "text", "text": ECHO["content"], "cache": {"ttl": "5m"}}]
    last = {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": ECHO["content"]}]}
    reply = gateway.post("/v1/messages", {**body, "messages": [last]})
    assert [part.get("cache") for part in echo(reply)["messages"][0]["content"]] == [None, {"ttl": "5m"}]


@pytest.mark.parametrize(
    ("block", "words"),
    [
        ({"type": "text"}, "no 'text'"),
        ({"type": "hologram"}, "'hologram'"),
        ({"type": "tool_reference"}, "tool_name"),
        ({"type": "compaction", "content": None, "encrypted_content": "x"}, "cannot be read"),
        ("x", "type ''"),
        ({"type": "image", "source": {"type": "file", "file_id": "f"}}, "'file'"),
        ({"type": "image", "source": {"type": "base64", "data": "A"}}, "'base64'"),
        ({"type": "document"}, "type ''"),
        ({"type": "thinking"}, "no 'thinking'"),
        ({"type": "redacted_thinking"}, "no 'data'"),
        ({"type": "tool_use", "id": "a", "name": "b"}, "'input'"),
        ({"type": "tool_result"}, "tool_use_id"),
        ({"type": "tool_result", "tool_use_id": "t", "content": 5}, "neither a text nor"),
    ],
)
def test_blocks_that_cannot_be(gateway, block, words):
    refused(messages(gateway, [{"role": "user", "content": [block]}]), words)


@pytest.mark.parametrize(
    "more",
    [
        {"messages": []}, {"messages": [{"role": "tool", "content": "x"}]}, {"messages": [{"role": "user"}]}, {"system": 5},
        {"tools": [{}]}, {"tools": [{"name": "f"}]}, {"tools": "x"}, {"tool_choice": {"type": "some"}},
        {"tool_choice": {"type": "tool"}}, {"tool_choice": "any"}, {"thinking": {"type": "enabled"}},
        {"thinking": {"type": "deep"}}, {"output_config": {"format": {"type": "xml"}}}, {"model": 5}, {"stream": 1},
    ],
    ids=str,
)  # fmt: skip
def test_requests_that_cannot_be(gateway, more):
    body = {"model": "one/small", "max_tokens": 9, "messages": [ECHO], **more}
    refused(gateway.post("/v1/messages", body), "")


# ---- tools and parameters ----


def test_tools(gateway):
    schema = {"type": "object", "properties": {}}
    sent = asked(gateway, [], tools=[
        {"name": "a", "description": "d", "input_schema": schema, **CACHE}, {"type": "custom", "name": "b", "input_schema": schema},
        {"type": "web_search_20250305", "name": "web_search", "max_uses": 3}])  # fmt: skip
    assert sent["tools"] == [{"name": "a", "description": "d", "parameters": schema, "cache": {"ttl": "5m"}},
                             {"name": "b", "parameters": schema}]  # fmt: skip
    assert [tool["wire"] for tool in sent["built_in_tools"]] == ["anthropic"]
    nameless = {"type": "mcp_toolset", "mcp_server_name": "s"}
    assert asked(gateway, [], tools=[nameless])["built_in_tools"] == [{"wire": "anthropic", "tool": nameless}]


@pytest.mark.parametrize(
    ("choice", "as_sent"),
    [({"type": "auto"}, "auto"), ({"type": "any"}, "required"), ({"type": "none"}, "none"),
     ({"type": "tool", "name": "a"}, {"name": "a"})],
)  # fmt: skip
def test_choices(gateway, choice, as_sent):
    assert asked(gateway, [], tool_choice=choice)["tool_choice"] == as_sent
    serial = asked(gateway, [], tool_choice={**choice, "disable_parallel_tool_use": True})
    assert serial["parameters"]["parallel_tool_calls"] is False


@pytest.mark.parametrize(
    ("more", "parameters"),
    [
        ({"temperature": 0.5, "top_p": 0.9, "top_k": 4}, {"temperature": 0.5, "top_p": 0.9, "top_k": 4}),
        ({"stop_sequences": ["a"]}, {"stop": ["a"]}),
        ({"metadata": {"user_id": "u"}}, {"user": "u"}),
        ({"service_tier": "auto"}, {"service_tier": "auto"}),
        ({"thinking": {"type": "enabled", "budget_tokens": 2048}}, {"thinking_budget": 2048}),
        ({"thinking": {"type": "disabled"}}, {"reasoning_effort": "disable"}),
        ({"thinking": {"type": "adaptive"}}, {"reasoning_effort": "high"}),
        ({"thinking": {"type": "between_tools"}}, {"reasoning_effort": "high"}),
        ({"thinking": {"type": "adaptive"}, "output_config": {"effort": "low"}}, {"reasoning_effort": "low"}),
        ({"output_config": {"effort": "medium"}}, {"reasoning_effort": "medium"}),
        ({"temperature": None}, {}),
    ],
)
def test_parameters(gateway, more, parameters):
    assert asked(gateway, [], **more)["parameters"] == {"max_tokens": 100, **parameters}


def test_a_format(gateway):
    form = {"type": "json_schema", "schema": {"type": "object"}}
    assert asked(gateway, [], output_config={"format": form})["reply_schema"] == {"type": "object"}
    assert asked(gateway, [], output_format=form)["reply_schema"] == {"type": "object"}


def test_of_more_marks_than_vendors_take_the_last_are_kept(gateway):
    def words(text, **more):
        return {"type": "text", "text": text, **more}

    found = {"type": "tool_result", "tool_use_id": "t", "content": [words("found", **CACHE)], **CACHE}
    body = {"tools": [{"name": "a", "input_schema": {"type": "object"}, **CACHE}], "system": [words("s", **CACHE)]}
    for more in ([], [{"role": "user", "content": [words("x", **CACHE)]}]):
        said = [{"role": "user", "content": [found]}, *more, {"role": "user", "content": [words(ECHO["content"], **CACHE)]}]
        reply = messages(gateway, said, **body)
        sent = echo(reply)
        parts = [part for message in sent["messages"] for part in message["content"] if isinstance(part, dict)]
        marks = ["cache" in tool for tool in sent["tools"]]
        marks += [mark for part in parts for mark in
                  (*("cache" in inner for inner in part.get("content", []) if isinstance(inner, dict)), "cache" in part)]  # fmt: skip
        assert marks[-4:] == [True] * 4 and sum(marks) == 4, marks
        assert reply.json["einion"]["notes"] == [f"Of {len(marks)} 'cache_control' the last 4 were kept."]


def test_what_is_left_out_is_told(gateway):
    reply = messages(gateway, [ECHO], container="c", mcp_servers=[], context_management={"edits": []}, strange={})
    names = ("container", "mcp_servers", "context_management", "strange")
    assert reply.json["einion"]["notes"] == [f"'{name}' was left out." for name in names]
    cited = {"citations": {"enabled": True}}
    document = {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "words"}, **cited}
    found = {"type": "search_result", "source": "http://a", "title": "T", "content": [{"type": "text", "text": "x"}], **cited}
    for block in (document, found):
        reply = messages(gateway, [{"role": "user", "content": [block]}, ECHO])
        assert reply.json["einion"]["notes"] == ["'citations' of documents were left out."]


def test_members_of_tools_are_left_out_with_a_word(gateway):
    tools = [{"name": name, "input_schema": {"type": "object"}, "strict": True, "eager_input_streaming": True, "defer_loading": False}
             for name in ("f", "g")]  # fmt: skip
    notes = messages(gateway, [ECHO], tools=tools).json["einion"]["notes"]
    assert notes == ["'eager_input_streaming' of tools was left out."]


def test_of_many_things_only_some_are_told(gateway):
    """Each compared with all before it, they would keep a processor for hours."""
    notes = messages(gateway, [ECHO], **{f"m{i}": {} for i in range(50_000)}).json["einion"]["notes"]
    assert notes == [*(f"'m{i}' was left out." for i in range(64)), "There is more to tell of this request."]


# ---- whole answers ----


def test_an_answer(gateway):
    pieces = [thought("hm "), thought("hm"), thought(None, REPLAYS[0]), thought(None, REPLAYS[1]), text("See"),
              source("http://a/", "A"), text(' "it"'), call("t1", "f", {"a": 1}), text("and")]  # fmt: skip
    reply = messages(gateway, [said(*pieces, outcome=OUTCOME)])
    body = reply.json
    assert body.pop("id").startswith("msg_")
    assert body == {
        "type": "message", "role": "assistant", "model": "one/small", "stop_reason": "end_turn", "stop_sequence": None,
        "content": [
            {"type": "thinking", "thinking": "hm hm", "signature": "c2ln"},
            {"type": "redacted_thinking", "data": "ZGF0YQ=="},
            {"type": "text", "text": 'See "it"', "citations": [{"type": "web_search_result_location", "url": "http://a/",
                                                               "title": "A", "encrypted_index": "", "cited_text": ""}]},
            {"type": "tool_use", "id": "t1", "name": "f", "input": {"a": 1}},
            {"type": "text", "text": "and"},
        ],
        "usage": {"input_tokens": 50, "cache_creation_input_tokens": 20, "cache_read_input_tokens": 30, "output_tokens": 50,
                  "cost": 0.001234567},
        "einion": {"provider": "one", "attempts": 2, "overhead_us": 42, "notes": OUTCOME["notes"]},
    }  # fmt: skip
    assert reply.header("request-id") == reply.header("x-request-id")
    assert reply.header("anthropic-ratelimit-requests-remaining") == "59"
    assert reply.header("anthropic-ratelimit-tokens-reset").endswith("Z")
    assert reply.header("x-ratelimit-limit-requests") is None


@pytest.mark.parametrize(
    ("outcome", "reason", "sequence"),
    [
        ({"stop_reason": "stop"}, "end_turn", None),
        ({}, "end_turn", None),
        ({"stop_reason": "stop", "stop_sequence": "END"}, "stop_sequence", "END"),
        ({"stop_reason": "length"}, "max_tokens", None),
        ({"stop_reason": "tool_calls"}, "tool_use", None),
        ({"stop_reason": "content_filter"}, "refusal", None),
    ],
)
def test_why_it_stopped(gateway, outcome, reason, sequence):
    body = messages(gateway, [said(text("x"), outcome=outcome)]).json
    assert (body["stop_reason"], body["stop_sequence"]) == (reason, sequence)
    last = events(messages(gateway, [said(text("x"), outcome=outcome)], stream=True))[-2][1]
    assert last["delta"] == {"stop_reason": reason, "stop_sequence": sequence}


@pytest.mark.parametrize("stream", [False, True])
def test_thoughts_come_back_as_they_went(gateway, stream):
    pieces = [thought("no replay"), text("x")]
    for replay in REPLAYS:
        pieces += [thought("a"), thought("b", replay)]
    pieces += [call("c", "f", {"a": []}, replay={"wire": "gemini", "thoughtSignature": "abc"})]
    reply = messages(gateway, [said(*pieces)], stream=stream)
    content = whole(events(reply))["content"] if stream else reply.json["content"]
    assert set(content[-1]) == {"type", "id", "name", "input"}  # all that clients keep
    assert parts(gateway, *content, role="assistant") == [
        {"type": "thought", "text": "no replay"},
        {"type": "text", "text": "x"},
        {"type": "thought", "text": "ab", "replay": REPLAYS[0]},
        {"type": "thought", "text": "ab"},
        {"type": "thought", "replay": REPLAYS[1]},
        {"type": "thought", "text": "ab", "replay": REPLAYS[2]},
        {"type": "tool_call", "id": "c", "name": "f", "arguments": {"a": []}, "replay": {"wire": "gemini", "thoughtSignature": "abc"}},
    ]  # fmt: skip


@pytest.mark.parametrize("stream", [False, True])
def test_an_answer_ends_with_its_text(gateway, stream):
    """Claude Code shows the last block: the signature of a text goes before what comes next, or nowhere."""

    def content(*pieces):
        reply = messages(gateway, [said(*pieces)], stream=stream)
        return whole(events(reply))["content"] if stream else reply.json["content"]

    signed = [text("x"), thought(None, {"wire": "gemini", "thoughtSignature": "abc", "text_bytes": 1})]
    assert content(*signed) == [{"type": "text", "text": "x"}]
    assert [block["type"] for block in content(*signed, source("http://a/", "A"))] == ["text"]
    assert [block["type"] for block in content(*signed, text("y"))] == ["text", "thinking", "text"]
    assert parts(gateway, *content(*signed, call("c", "f", {})), role="assistant")[1]["replay"]["text_bytes"] == 1
    assert [block["type"] for block in content(thought("hm"), signed[1])] == ["thinking"]


# ---- streams ----


def whole(pairs):
    """The message that a stream adds up to, checked on the way."""
    names = [name for name, _ in pairs]
    assert names[:2] == ["message_start", "ping"] and names[-2:] == ["message_delta", "message_stop"], names
    message = pairs[0][1]["message"]
    assert message["content"] == [] and message["stop_reason"] is None
    open_block, arguments = None, ""
    for name, data in pairs[2:-2]:
        if name == "content_block_start":
            assert open_block is None and data["index"] == len(message["content"])
            open_block, arguments = dict(data["content_block"]), ""
            message["content"].append(open_block)
            continue
        assert open_block is not None and data["index"] == len(message["content"]) - 1
        if name == "content_block_stop":
            if arguments:
                open_block["input"] = json.loads(arguments)
            open_block = None
            continue
        assert name == "content_block_delta"
        delta = data["delta"]
        match delta["type"]:
            case "text_delta":
                open_block["text"] += delta["text"]
            case "thinking_delta":
                open_block["thinking"] += delta["thinking"]
            case "signature_delta":
                open_block["signature"] = delta["signature"]
            case "input_json_delta":
                arguments += delta["partial_json"]
            case "citations_delta":
                open_block.setdefault("citations", []).append(delta["citation"])
    assert open_block is None
    message |= pairs[-2][1]["delta"]
    message["usage"] |= pairs[-2][1]["usage"]
    return message


def test_a_stream(gateway):
    pairs = events(messages(gateway, [said(thought("hm"), text('a"\n'), text("b"), outcome=OUTCOME)], stream=True))
    assert [name for name, _ in pairs] == [
        "message_start", "ping", "content_block_start", "content_block_delta", "content_block_stop", "content_block_start",
        "content_block_delta", "content_block_delta", "content_block_stop", "message_delta", "message_stop"]  # fmt: skip
    message = whole(pairs)
    assert message["id"].startswith("msg_") and message["model"] == "one/small" and message["role"] == "assistant"
    assert message["content"] == [{"type": "thinking", "thinking": "hm", "signature": ""}, {"type": "text", "text": 'a"\nb'}]
    assert message["usage"] == {"input_tokens": 50, "cache_creation_input_tokens": 20, "cache_read_input_tokens": 30,
                                "output_tokens": 50, "cost": 0.001234567}  # fmt: skip
    assert pairs[-2][1]["einion"]["notes"] == OUTCOME["notes"]


def test_tools_and_sources_in_a_stream(gateway):
    pieces = text("x"), call("t1", "f", {"a": '"'}), call("t2", "g", {}), source("http://a/", "A")
    message = whole(events(messages(gateway, [said(*pieces, outcome={"stop_reason": "tool_calls"})], stream=True)))
    assert message["content"][1:3] == [{"type": "tool_use", "id": "t1", "name": "f", "input": {"a": '"'}},
                                       {"type": "tool_use", "id": "t2", "name": "g", "input": {}}]  # fmt: skip
    assert message["content"][3]["citations"][0]["url"] == "http://a/"
    assert message["stop_reason"] == "tool_use"


def test_a_stream_without_pieces(gateway):
    assert whole(events(messages(gateway, [said()], stream=True)))["content"] == []


# ---- failures ----

KINDS = {400: "invalid_request_error", 401: "authentication_error", 402: "billing_error", 404: "not_found_error",
         429: "rate_limit_error", 500: "api_error", 503: "overloaded_error", 504: "timeout_error"}  # fmt: skip


@pytest.mark.parametrize(("script", "status", "code"), [(script, status, code) for script, status, _, code in FAULTS])
@pytest.mark.parametrize("stream", [False, True])
def test_a_call_that_fails(gateway, script, status, code, stream):
    reply = messages(gateway, [said(**script)], stream=stream)
    words = script["error"][1]
    if script.get("outcome", {}).get("fault") == 400:
        words = f"prompt is too long: {words}"
    assert reply.status == (529 if status == 503 else status), reply  # Anthropic's own number for it
    told = {"details": {"error_code": code}} if status in (400, 404) else {}  # the others' type says it
    assert reply.json == {"type": "error", "error": {"type": KINDS[status], "message": words, **told},
                          "request_id": reply.header("request-id")}  # fmt: skip
    assert reply.header("Retry-After") == ("2" if status == 429 else None)


@pytest.mark.parametrize("thread", [{"type": "create"}, {"type": "continue", "previous_message_id": "msg_1"}])
def test_conversations_are_not_kept(gateway, thread):
    """The vendor's clients know the code, and send the whole conversation from then on."""
    reply = messages(gateway, [{"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": "rain"}]}], thread=thread)
    assert reply.status == 400 and "not kept" in reply.json["error"]["message"]
    assert reply.json["error"]["details"] == {"error_code": "thread_unsupported_request"}
    assert messages(gateway, [ECHO], thread=None).status == 200


def test_a_stream_that_breaks_off_says_why(gateway):
    pairs = events(messages(gateway, [said(text("a"), error=[UNAVAILABLE, "One broke off."])], stream=True))
    assert pairs[-1][0] == "error"
    assert pairs[-1][1]["error"] == {"type": "overloaded_error", "message": "One broke off."}


def test_who_hangs_up_cancels_the_call(gateway):
    before = gateway.heard.read_text() if gateway.heard.exists() else ""
    body = {"model": "one/small", "max_tokens": 9, "messages": [said(text("a"), hang=True)], "stream": True}
    with gateway.connect() as connection:
        connection.send_request("POST", "/v1/messages", json.dumps(body).encode())
        assert connection.read_head().status == 200
    wait_until(lambda: gateway.heard.exists() and gateway.heard.read_text() == before + "cancelled\n", 10, "the news")


def test_the_servers_own_errors_have_the_same_shape(gateway):
    for method, path, headers, status, kind in [
        ("GET", "/v1/messages", {}, 405, "invalid_request_error"),
        ("POST", "/v1/messages/batches", {}, 404, "not_found_error"),
        ("GET", "/v1/nothing", {"anthropic-version": "2023-06-01"}, 404, "not_found_error"),
    ]:
        reply = gateway.request(method, path, headers=headers)
        assert reply.status == status and reply.json["type"] == "error" and reply.json["error"]["type"] == kind, reply
        assert reply.json["request_id"] == reply.header("request-id")


# ---- counting ----


def count(gateway, **body):
    reply = gateway.post("/v1/messages/count_tokens", {"model": "one/small", **body})
    assert reply.status == 200, reply
    return reply.json["input_tokens"]


def test_tokens_are_estimated(gateway):
    user = {"role": "user", "content": "x" * 400}
    assert count(gateway, messages=[user]) == 104
    assert count(gateway, messages=[user], system="y" * 40) == 104 + 14
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "A" * 4000}}
    assert count(gateway, messages=[{"role": "user", "content": [image]}]) == 1604
    pdf = {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "A" * 1600}}
    assert count(gateway, messages=[{"role": "user", "content": [pdf]}]) == 104
    tool = {"name": "f", "description": "d" * 400, "input_schema": {"type": "object"}}
    assert 204 < count(gateway, messages=[user], tools=[tool]) < 230
    refused(gateway.post("/v1/messages/count_tokens", {"model": "m"}), "not an array")
