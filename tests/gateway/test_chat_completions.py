# SPDX-License-Identifier: Apache-2.0
"""POST /v1/chat/completions: what a client says becomes a call, and what a model says an answer."""

import json
import time

import pytest
from support import wait_until
from scripted import (
    ECHO, OUTCOME, BUSY, INVALID, NOT_FOUND, TOO_LARGE, UNAVAILABLE,
    call, chat, echo, lines, said, scripted_sets, source, text, thought,
)  # fmt: skip


def asked(gateway, messages, **more):
    return echo(chat(gateway, [*messages, ECHO], **more))


def translated(gateway, *messages):
    """These messages as a model gets them."""
    return asked(gateway, messages)["messages"][:-1]


def test_results_go_in_the_order_of_their_calls(gateway):
    calls = [{"id": id, "type": "function", "function": {"name": "f", "arguments": "{}"}} for id in "ab"]
    results = [{"role": "tool", "tool_call_id": id, "content": id} for id in "ba"]
    sent = translated(gateway, {"role": "assistant", "content": None, "tool_calls": calls}, *results)
    assert [part["content"] for part in sent[1]["content"]] == ["a", "b"]


def refused(reply, param, words):
    assert reply.status == 400, reply
    error = reply.json["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert error["type"] == "invalid_request_error" and error["param"] == param, error
    assert words in error["message"], error


# ---- messages ----


def test_texts_are_taken_over(gateway):
    said = [{"role": "system", "content": "a"}, {"role": "user", "content": "b"}, {"role": "assistant", "content": "c"}]
    assert translated(gateway, *said) == said


def test_developers_are_the_system(gateway):
    assert translated(gateway, {"role": "developer", "content": "a"}) == [{"role": "system", "content": "a"}]


def test_names_of_people_are_dropped(gateway):
    assert translated(gateway, {"role": "user", "name": "eve", "content": "a"}) == [{"role": "user", "content": "a"}]


def test_parts(gateway):
    content = [
        {"type": "text", "text": "look"},
        {"type": "text", "text": "kept", "cache_control": {"type": "ephemeral", "ttl": "1h"}},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo=", "detail": "low"}},
        {"type": "image_url", "image_url": {"url": "https://example.org/a.png"}},
        {"type": "image_url", "image_url": "http://example.org/b.png"},
        {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBERi0="}},
        {"type": "file", "file": {"file_data": "JVBERi0="}},
        {"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "wav"}},
    ]
    assert translated(gateway, {"role": "user", "content": content})[0]["content"] == [
        {"type": "text", "text": "look"},
        {"type": "text", "text": "kept", "cache": {"ttl": "1h"}},
        {"type": "image", "media_type": "image/png", "data": "iVBORw0KGgo=", "detail": "low"},
        {"type": "image", "url": "https://example.org/a.png"},
        {"type": "image", "url": "http://example.org/b.png"},
        {"type": "file", "media_type": "application/pdf", "data": "JVBERi0=", "name": "a.pdf"},
        {"type": "file", "media_type": "application/pdf", "data": "JVBERi0="},
        {"type": "file", "media_type": "audio/wav", "data": "UklGRg=="},
    ]


def tool_call(id, name, arguments, **more):
    return {"id": id, "type": "function", "function": {"name": name, "arguments": arguments}, **more}


def test_a_loop_of_tools(gateway):
    messages = [
        {"role": "assistant", "content": "let me see", "tool_calls": [
            tool_call("c1", "weather", '{"city": "Paris"}'), tool_call("c2", "time", "")]},
        {"role": "tool", "tool_call_id": "c1", "content": "rain"},
        {"role": "tool", "tool_call_id": "c2", "content": [{"type": "text", "text": "noon"}]},
        {"role": "user", "content": "so?"},
        {"role": "tool", "tool_call_id": "c9", "content": "late"},
    ]  # fmt: skip
    assert translated(gateway, *messages) == [
        {"role": "assistant", "content": [
            {"type": "text", "text": "let me see"},
            {"type": "tool_call", "id": "c1", "name": "weather", "arguments": {"city": "Paris"}},
            {"type": "tool_call", "id": "c2", "name": "time", "arguments": {}}]},
        {"role": "user", "content": [
            {"type": "tool_result", "id": "c1", "name": "weather", "content": "rain"},
            {"type": "tool_result", "id": "c2", "name": "time", "content": [{"type": "text", "text": "noon"}]}]},
        {"role": "user", "content": "so?"},
        {"role": "user", "content": [{"type": "tool_result", "id": "c9", "content": "late"}]},
    ]  # fmt: skip


def test_functions_of_old(gateway):
    messages = [
        {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": "{}"}},
        {"role": "function", "name": "f", "content": "1"},
    ]
    assert translated(gateway, *messages) == [
        {"role": "assistant", "content": [{"type": "tool_call", "id": "function_1", "name": "f", "arguments": {}}]},
        {"role": "user", "content": [{"type": "tool_result", "id": "function_1", "name": "f", "content": "1"}]},
    ]


def test_assistants_say_parts_and_refusals_and_nothing(gateway):
    messages = [
        {"role": "assistant", "content": [{"type": "text", "text": "a"}, {"type": "refusal", "refusal": "no"}]},
        {"role": "assistant", "content": None, "refusal": "never"},
        {"role": "assistant", "content": None},
    ]
    assert translated(gateway, *messages) == [
        {"role": "assistant", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "no"}]},
        {"role": "assistant", "content": [{"type": "text", "text": "never"}]},
    ]


@pytest.mark.parametrize(
    ("messages", "param", "words"),
    [
        (None, "messages", "not an array"),
        ([], "messages", "not an array"),
        ("hello", "messages", "not an array"),
        (["hello"], "messages[0].role", "none of system"),
        ([{"role": "robot", "content": "x"}], "messages[0].role", "'robot'"),
        ([{"role": "user"}], "messages[0].content", "neither a text nor"),
        ([{"role": "user", "content": 1}], "messages[0].content", "neither a text nor"),
        ([{"role": "user", "content": ["x"]}], "messages[0].content[0]", "type ''"),
        ([{"role": "user", "content": [{"type": "video_url"}]}], "messages[0].content[0]", "'video_url'"),
        ([{"role": "user", "content": [{"type": "text"}]}], "messages[0].content[0]", "no 'text'"),
        ([{"role": "user", "content": [{"type": "image_url", "image_url": {}}]}], "messages[0].content[0]", "image_url.url"),
        ([{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:image/png,x"}}]}],
         "messages[0].content[0]", "base64"),
        ([{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "file:///etc/passwd"}}]}],
         "messages[0].content[0]", "neither http(s)"),
        ([{"role": "user", "content": [{"type": "file", "file": {"file_id": "f"}}]}], "messages[0].content[0]", "file_id"),
        ([{"role": "user", "content": [{"type": "input_audio", "input_audio": {"data": "", "format": "ogg"}}]}],
         "messages[0].content[0]", "wav or mp3"),
        ([{"role": "tool", "content": "x"}], "messages[0].tool_call_id", "missing"),
        ([{"role": "function", "name": "f", "content": "x"}], "messages[0]", "No function was called"),
        ([{"role": "assistant", "tool_calls": [{"id": "c", "type": "custom", "custom": {}}]}], "messages[0].tool_calls[0]", "function"),
        ([{"role": "assistant", "tool_calls": [{"id": "c", "type": "other"}]}], "messages[0].tool_calls[0]", "custom"),
        ([{"role": "assistant", "tool_calls": [{"id": "c", "type": "custom", "custom": {"name": "f", "input": 5}}]}],
         "messages[0].tool_calls[0]", "not a text"),
        ([{"role": "assistant", "tool_calls": [tool_call("c", "f", "{")]}], "messages[0].tool_calls[0]", "JSON object"),
        ([{"role": "assistant", "tool_calls": [tool_call("c", "f", "[1]")]}], "messages[0].tool_calls[0]", "JSON object"),
        ([{"role": "assistant", "tool_calls": [tool_call("c", "f", 5)]}], "messages[0].tool_calls[0]", "not a text"),
        ([{"role": "assistant", "tool_calls": [tool_call(None, "f", "{}")]}], "messages[0].tool_calls[0]", "'id'"),
        ([ECHO, {"role": "user"}], "messages[1].content", "neither"),
    ],
)  # fmt: skip
def test_messages_that_cannot_be(gateway, messages, param, words):
    refused(chat(gateway, messages), param, words)


# ---- tools and the form of the answer ----

WEATHER = {"type": "function", "function": {"name": "weather", "description": "d", "strict": True,
                                            "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}}}  # fmt: skip
TIME = {"type": "function", "function": {"name": "time"}}


def test_tools(gateway):
    sent = asked(gateway, [], tools=[WEATHER, TIME, {"type": "web_search", "search_context_size": "low"}])
    assert sent["tools"] == [WEATHER["function"], {"name": "time"}]
    assert [tool["tool"] for tool in sent["built_in_tools"]] == [{"type": "web_search", "search_context_size": "low"}]
    assert "tool_choice" not in sent and "parameters" not in sent


@pytest.mark.parametrize(
    ("choice", "as_sent"),
    [("auto", "auto"), ("none", "none"), ("required", "required"),
     ({"type": "function", "function": {"name": "time"}}, {"name": "time"})],
)  # fmt: skip
def test_choices(gateway, choice, as_sent):
    assert asked(gateway, [], tools=[WEATHER, TIME], tool_choice=choice)["tool_choice"] == as_sent


def test_tools_that_are_not_allowed_are_not_offered(gateway):
    allowed = {"mode": "required", "tools": [{"type": "function", "function": {"name": "time"}}]}
    sent = asked(gateway, [], tools=[WEATHER, TIME], tool_choice={"type": "allowed_tools", "allowed_tools": allowed})
    assert sent["tools"] == [{"name": "time"}] and sent["tool_choice"] == "required"


def test_functions_of_old_are_tools(gateway):
    sent = asked(gateway, [], functions=[WEATHER["function"]], function_call={"name": "weather"})
    assert sent["tools"] == [WEATHER["function"]] and sent["tool_choice"] == {"name": "weather"}


def test_formats(gateway):
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}}
    form = {"type": "json_schema", "json_schema": {"name": "n", "schema": schema, "strict": True}}
    assert asked(gateway, [], response_format=form)["reply_schema"] == schema
    assert asked(gateway, [], response_format={"type": "json_object"})["reply_schema"] == {"type": "object"}
    assert "reply_schema" not in asked(gateway, [], response_format={"type": "text"})


@pytest.mark.parametrize(
    ("more", "param"),
    [
        ({"tools": {}}, "tools"),
        ({"tools": ["x"]}, "tools"),
        ({"tools": [{"type": "function"}]}, "tools"),
        ({"tools": [{"type": "function", "function": {}}]}, "tools"),
        ({"tools": [{"type": "custom", "name": "c"}]}, "tools"),
        ({"functions": [{}]}, "functions"),
        ({"tool_choice": "perhaps"}, "tool_choice"),
        ({"tool_choice": {"type": "function"}}, "tool_choice"),
        ({"tool_choice": {"type": "allowed_tools", "allowed_tools": {}}}, "tool_choice"),
        ({"response_format": {"type": "xml"}}, "response_format"),
        ({"response_format": "json"}, "response_format"),
        ({"response_format": {"type": "json_schema"}}, "response_format"),
        ({"n": 2}, "n"),
        ({"modalities": ["text", "audio"]}, "modalities"),
        ({"stop": [1]}, "stop"),
        ({"stop": 1}, "stop"),
        ({"stream": "yes"}, "stream"),
        ({"model": None}, "model"),
        ({"model": ""}, "model"),
    ],
)
def test_what_cannot_be_is_named(gateway, more, param):
    refused(chat(gateway, [ECHO], **more), param, "")


# ---- parameters ----


def test_parameters_bear_the_names_of_the_catalog(gateway):
    sent = asked(
        gateway, [], temperature=0.5, top_p=0.9, seed=7, max_completion_tokens=64, stop="END", frequency_penalty=0.1,
        presence_penalty=-0.1, reasoning_effort="low", parallel_tool_calls=False, verbosity="low", user="u",
        service_tier="flex", repeat_penalty=1.1, store=True, metadata={"a": "b"}, prompt_cache_key="k", n=1,
        modalities=["text"], logprobs=False, top_k=None,
    )["parameters"]  # fmt: skip
    assert sent == {
        "temperature": 0.5, "top_p": 0.9, "seed": 7, "max_tokens": 64, "stop": ["END"], "frequency_penalty": 0.1,
        "presence_penalty": -0.1, "reasoning_effort": "low", "parallel_tool_calls": False, "verbosity": "low",
        "user": "u", "service_tier": "flex", "repeat_penalty": 1.1, "prompt_cache_key": "k",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("more", "parameters"),
    [
        ({"max_tokens": 5}, {"max_tokens": 5}),
        ({"stop": ["a", "b"]}, {"stop": ["a", "b"]}),
        ({"stop": []}, {}),
        ({"reasoning_effort": "none"}, {"reasoning_effort": "disable"}),
        ({"reasoning": {"effort": "high", "max_tokens": 2000}}, {"reasoning_effort": "high", "thinking_budget": 2000}),
        ({"parallel_tool_calls": True}, {}),
        ({"safety_identifier": "s"}, {"user": "s"}),
    ],
)
def test_the_same_in_other_words(gateway, more, parameters):
    assert asked(gateway, [], **more).get("parameters", {}) == parameters


def test_what_is_left_out_is_told(gateway):
    reply = chat(gateway, [ECHO], logit_bias={"1": 2}, logprobs=True, provider={"order": ["x"]})
    assert reply.json["einion"]["notes"] == [f"'{name}' was left out." for name in ("logit_bias", "logprobs", "provider")]
    assert reply.header("x-einion-notes") == "'logit_bias' was left out.; 'logprobs' was left out.; 'provider' was left out."


def test_what_is_left_out_may_have_a_long_name_of_any_letters(gateway):
    reply = chat(gateway, [ECHO], **{"a" + "ä" * 40: {}})
    assert reply.json["einion"]["notes"] == [f"'a{'ä' * 31}' was left out."]


PATCH = {"type": "custom", "custom": {"name": "patch", "description": "Edits.", "format": {
    "type": "grammar", "grammar": {"syntax": "regex", "definition": "a+"}}}}  # fmt: skip
CALLED = [{"id": "c1", "type": "custom", "custom": {"name": "patch", "input": 'a\n"b"'}},
          {"id": "c2", "type": "function", "function": {"name": "time", "arguments": "{}"}}]  # fmt: skip


def test_custom_tools(gateway):
    sent = asked(gateway, [], tools=[PATCH, TIME], tool_choice={"type": "custom", "custom": {"name": "patch"}})
    assert [tool["name"] for tool in sent["tools"]] == ["patch", "time"] and sent["tool_choice"] == {"name": "patch"}
    assert sent["tools"][0]["description"] == "Edits.\n\nThe input follows this grammar (regex):\na+"
    assert sent["tools"][0]["parameters"]["required"] == ["input"]
    allowed = {"mode": "auto", "tools": [{"type": "custom", "custom": {"name": "patch"}}]}
    sent = asked(gateway, [], tools=[PATCH, TIME], tool_choice={"type": "allowed_tools", "allowed_tools": allowed})
    assert [tool["name"] for tool in sent["tools"]] == ["patch"]
    wanted = [said(call("c1", "patch", {"input": 'a\n"b"'}), call("c2", "time", {}))]
    message = chat(gateway, wanted, tools=[PATCH, TIME]).json["choices"][0]["message"]
    assert message["tool_calls"] == CALLED
    chunks = [json.loads(line) for line in lines(chat(gateway, wanted, tools=[PATCH, TIME], stream=True))[:-1]]
    deltas = [delta for chunk in chunks for delta in chunk["choices"][0]["delta"].get("tool_calls", [])]
    assert deltas == [{"index": index, **called} for index, called in enumerate(CALLED)]
    before = [{"role": "assistant", "tool_calls": CALLED}, {"role": "tool", "tool_call_id": "c1", "content": "done"}]
    assistant, tool, *_ = asked(gateway, before)["messages"]
    assert [part["arguments"] for part in assistant["content"]] == [{"input": 'a\n"b"'}, {}] and tool["content"][0]["name"] == "patch"


def test_limits_are_settings(start_server, scripted_plugin):
    limits = {"messages": 2, "parts": 2, "tools": 1, "json_depth": 8, "json_values": 100, "body_bytes": 4096, "notes": 2}
    server = start_server(backend="memory", sets=[*scripted_sets(scripted_plugin),
                                                  *(f"plugins.openai-api.{k}={v}" for k, v in limits.items())])  # fmt: skip
    part = {"type": "text", "text": "{}"}
    assert chat(server, [ECHO, ECHO], tools=[TIME]).status == 200
    noted = chat(server, [ECHO], **{name: 1 for name in ("logprobs", "provider", "logit_bias", "audio")}).json["einion"]["notes"]
    assert len(noted) == 3 and noted[2] == "There is more to tell of this request."
    refused(chat(server, [ECHO] * 3), "messages", "3 items; 2 are allowed")
    for role in ("user", "assistant"):
        refused(chat(server, [{"role": role, "content": [part] * 3}]), "messages[0].content", "3 parts; 2 are allowed")
    calls = [tool_call(str(i), "f", "{}") for i in range(3)]
    refused(chat(server, [{"role": "assistant", "tool_calls": calls}]), "tool_calls", "2 are allowed")
    refused(chat(server, [ECHO], tools=[TIME, TIME]), "tools", "2 items; 1 are allowed")
    deep = chat(server, [ECHO], metadata=json.loads("[" * 9 + "]" * 9))
    assert deep.status == 400 and "nests deeper than 8 levels" in deep.json["error"]["message"]
    many = chat(server, [ECHO], metadata=[{}] * 100)
    assert many.status == 400 and "more than 100 values" in many.json["error"]["message"]
    calls = [tool_call(str(i), "f", json.dumps({"a": [0] * 46})) for i in range(2)]
    assert chat(server, [{"role": "assistant", "tool_calls": calls}, ECHO]).status == 200
    calls = [tool_call(str(i), "f", json.dumps({"a": [0] * 49})) for i in range(2)]
    refused(chat(server, [{"role": "assistant", "tool_calls": calls}]), "messages[0].tool_calls[1]", "more than 100 values")
    large = chat(server, [{"role": "user", "content": "x" * 5000}])
    assert large.status == 413 and large.json["error"]["code"] == "request_too_large"


# ---- whole answers ----


def test_an_answer(gateway):
    reply = chat(gateway, [said(text("Hel"), text('lo "\n\u2603\x01'), outcome=OUTCOME)])
    body = reply.json
    assert body["id"].startswith("chatcmpl-") and body["object"] == "chat.completion"
    assert abs(body["created"] - time.time()) < 60 and body["model"] == "one/small"
    assert body["choices"] == [{"index": 0, "finish_reason": "stop", "logprobs": None, "message": {
        "role": "assistant", "content": 'Hello "\n\u2603\x01', "refusal": None, "annotations": []}}]  # fmt: skip
    assert body["usage"] == {
        "prompt_tokens": 100, "completion_tokens": 50, "total_tokens": 150, "cost": 0.001234567,
        "prompt_tokens_details": {"cached_tokens": 30, "cache_write_tokens": 20, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 10, "audio_tokens": 0, "accepted_prediction_tokens": 0,
                                      "rejected_prediction_tokens": 0},
    }  # fmt: skip
    assert body["einion"] == {"provider": "one", "attempts": 2, "overhead_us": 42, "notes": OUTCOME["notes"]}


def test_the_headers_of_an_answer(gateway):
    reply = chat(gateway, [said(text("x"), outcome=OUTCOME)], headers={"X-Request-ID": "r-1"})
    expected = {
        "x-request-id": "r-1", "x-einion-cost": "0.001234567", "x-einion-model": "one/small", "x-einion-provider": "one",
        "x-einion-attempts": "2", "x-einion-overhead-us": "42", "x-einion-notes": "temperature was left out",
        "x-ratelimit-limit-requests": "60", "x-ratelimit-remaining-requests": "59", "x-ratelimit-reset-requests": "1.5s",
        "ratelimit-policy": '"requests";q=60;w=60;qu="requests", "tokens";q=1000;w=60;qu="tokens"',
        "ratelimit": '"requests";r=59;t=2, "tokens";r=900;t=61',
        "x-ratelimit-limit-tokens": "1000", "x-ratelimit-remaining-tokens": "900", "x-ratelimit-reset-tokens": "1m1s",
        "content-type": "application/json",
    }  # fmt: skip
    assert {name: reply.header(name) for name in expected} == expected


@pytest.mark.parametrize(
    ("nano", "usd"),
    [(0, "0"), (1, "0.000000001"), (10, "0.00000001"), (15000, "0.000015"), (1000000000, "1"), (12500000000, "12.5")],
)
def test_money_is_exact(gateway, nano, usd):
    reply = chat(gateway, [said(text("x"), outcome={**OUTCOME, "cost": nano})])
    assert reply.header("x-einion-cost") == usd and f'"cost":{usd}}}' in reply.text


def test_calls_of_tools(gateway):
    pieces = call("c1", "weather", {"city": 'P"ris'}), call("c2", "time", {})
    message = chat(gateway, [said(*pieces, outcome={"stop_reason": "tool_calls"})]).json["choices"][0]
    assert message["finish_reason"] == "tool_calls" and message["message"]["content"] is None
    assert message["message"]["tool_calls"] == [tool_call("c1", "weather", '{"city":"P\\"ris"}'), tool_call("c2", "time", "{}")]


def test_a_call_of_a_function_of_old(gateway):
    pieces = call("c1", "weather", {}), call("c2", "time", {})
    whole = chat(gateway, [said(*pieces, outcome={"stop_reason": "tool_calls"})], functions=[WEATHER["function"]])
    choice = whole.json["choices"][0]
    assert choice["finish_reason"] == "function_call" and "tool_calls" not in choice["message"]
    assert choice["message"]["function_call"] == {"name": "weather", "arguments": "{}"}


def test_sources_are_annotations(gateway):
    reply = chat(gateway, [said(text("h\u00e9!"), source("http://a/", "A"), text("x"), source("http://b/", "B"))])
    assert reply.json["choices"][0]["message"]["annotations"] == [
        {"type": "url_citation", "url_citation": {"url": "http://a/", "title": "A", "start_index": 3, "end_index": 3}},
        {"type": "url_citation", "url_citation": {"url": "http://b/", "title": "B", "start_index": 4, "end_index": 4}},
    ]


REPLAYS = [
    {"wire": "anthropic", "signature": "c2ln"},
    {"wire": "anthropic", "redacted": "ZGF0YQ=="},
    {"wire": "openai", "item": {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gAAA="}},
]


def test_thoughts_come_back_as_they_went(gateway):
    pieces = []
    for n, replay in enumerate(REPLAYS):
        pieces += [thought(f"first {n} "), thought("second"), thought(None, replay)]
    pieces += [text("so"), call("c", "f", {}, replay={"wire": "gemini", "thoughtSignature": "abc"})]
    message = chat(gateway, [said(*pieces)]).json["choices"][0]["message"]
    assert message["reasoning_content"] == "first 0 secondfirst 1 secondfirst 2 second"
    assert [detail["index"] for detail in message["reasoning_details"]] == [0, 1, 2]
    assert message["reasoning_details"][0]["signature"] == "c2ln"
    assert translated(gateway, message) == [{"role": "assistant", "content": [
        *({"type": "thought", "text": f"first {n} second", "replay": replay} for n, replay in enumerate(REPLAYS)),
        {"type": "text", "text": "so"},
        {"type": "tool_call", "id": "c", "name": "f", "arguments": {}, "replay": {"wire": "gemini", "thoughtSignature": "abc"}},
    ]}]  # fmt: skip


def test_thoughts_that_litellm_sends_back(gateway):
    """Members that it does not know stand below one of its own."""
    details = chat(gateway, [said(thought("hm"), thought(None, REPLAYS[0]), thought(None, REPLAYS[1]))]).json["choices"][0]["message"]["reasoning_details"]
    for content in ("x", None):
        message = {"role": "assistant", "content": content, "provider_specific_fields": {"reasoning_details": details}}
        (sent,) = translated(gateway, message)
        assert [part["replay"] for part in sent["content"] if part["type"] == "thought"] == REPLAYS[:2]
    plain = {"role": "assistant", "content": "x", "provider_specific_fields": {"refusal": None}}
    assert translated(gateway, plain)[0]["content"] == [{"type": "text", "text": "x"}]


def test_thoughts_of_other_servers(gateway):
    for name in ("reasoning", "reasoning_content"):
        message = {"role": "assistant", "content": "x", name: "hm"}
        assert translated(gateway, message)[0]["content"][0] == {"type": "thought", "text": "hm"}
    bad = {"role": "assistant", "content": "x", "reasoning_details": [{"text": "hm", "signature": "einion.!!!"}, {}, 5]}
    assert translated(gateway, bad)[0]["content"][0] == {"type": "thought", "text": "hm"}


# ---- streams ----


def deltas(data):
    return [json.loads(line)["choices"][0]["delta"] for line in data[:-1]]


def test_a_stream(gateway):
    reply = chat(gateway, [said(thought("hm"), text('a"\n'), text("b"), outcome=OUTCOME)], stream=True)
    data = lines(reply)
    assert data[-1] == "[DONE]"
    chunks = [json.loads(line) for line in data[:-1]]
    assert len({(c["id"], c["object"], c["created"], c["model"]) for c in chunks}) == 1
    assert chunks[0]["object"] == "chat.completion.chunk" and chunks[0]["model"] == "one/small"
    assert deltas(data) == [
        {"role": "assistant", "content": "", "refusal": None}, {"reasoning_content": "hm"}, {"content": 'a"\n'},
        {"content": "b"}, {},
    ]  # fmt: skip
    assert [c["choices"][0]["finish_reason"] for c in chunks] == [None] * 4 + ["stop"]
    assert all("usage" not in c for c in chunks)


def test_the_usage_of_a_stream(gateway):
    reply = chat(gateway, [said(text("a"), outcome=OUTCOME)], stream=True, stream_options={"include_usage": True})
    *before, last = [json.loads(line) for line in lines(reply)[:-1]]
    assert all(chunk["usage"] is None for chunk in before)
    assert last["choices"] == [] and last["usage"]["total_tokens"] == 150 and last["usage"]["cost"] == 0.001234567
    assert last["einion"] == {"provider": "one", "attempts": 2, "overhead_us": 42, "notes": OUTCOME["notes"]}
    assert reply.header("x-einion-model") == "one/small" and reply.header("x-einion-attempts") == "2"
    assert reply.header("x-ratelimit-remaining-requests") == "59" and reply.header("x-einion-cost") is None


def test_tools_and_sources_in_a_stream(gateway):
    pieces = call("c1", "f", {"a": '"'}), call("c2", "g", {}), source("http://a/", "A")
    data = lines(chat(gateway, [said(*pieces, outcome={"stop_reason": "tool_calls"})], stream=True))
    assert deltas(data)[1:4] == [
        {"tool_calls": [{"index": 0, **tool_call("c1", "f", '{"a":"\\""}')}]},
        {"tool_calls": [{"index": 1, **tool_call("c2", "g", "{}")}]},
        {"annotations": [{"type": "url_citation", "url_citation": {"url": "http://a/", "title": "A", "start_index": 0, "end_index": 0}}]},
    ]  # fmt: skip
    assert json.loads(data[-2])["choices"][0]["finish_reason"] == "tool_calls"
    old = lines(chat(gateway, [said(*pieces, outcome={"stop_reason": "tool_calls"})], stream=True, functions=[{"name": "f"}]))
    assert deltas(old)[1] == {"function_call": {"name": "f", "arguments": '{"a":"\\""}'}}
    assert json.loads(old[-2])["choices"][0]["finish_reason"] == "function_call"


def test_thoughts_of_a_stream_come_back_as_they_went(gateway):
    data = lines(chat(gateway, [said(thought("a"), thought("b"), thought(None, REPLAYS[2]))], stream=True))
    details = next(delta["reasoning_details"] for delta in deltas(data) if "reasoning_details" in delta)
    message = {"role": "assistant", "content": None, "reasoning_details": details}
    assert translated(gateway, message)[0]["content"] == [{"type": "thought", "text": "ab", "replay": REPLAYS[2]}]


def test_a_stream_without_pieces(gateway):
    data = lines(chat(gateway, [said(outcome={"stop_reason": "length"})], stream=True))
    assert deltas(data) == [{"role": "assistant", "content": "", "refusal": None}, {}]
    assert json.loads(data[-2])["choices"][0]["finish_reason"] == "length"


# ---- failures ----

FAULTS = [
    ({"error": [UNAVAILABLE, "One is overloaded."], "outcome": {"status": 503, "fault": 600}}, 503, "server_error", "overloaded"),
    ({"error": [BUSY, "Too fast."], "outcome": {"status": 429, "fault": 300, "retry_after_ms": 1200}},
     429, "rate_limit_error", "rate_limit_exceeded"),
    ({"error": [TOO_LARGE, "Too long."], "outcome": {"status": 400, "fault": 400}},
     400, "invalid_request_error", "context_length_exceeded"),
    ({"error": [INVALID, "Refused."], "outcome": {"status": 400, "fault": 500}},
     400, "invalid_request_error", "content_policy_violation"),
    ({"error": [-4, "No money left."], "outcome": {"status": 402}}, 402, "insufficient_quota", "insufficient_quota"),
    ({"error": [-4, "The key is wrong."], "outcome": {"status": 401, "fault": 100}},
     401, "invalid_request_error", "invalid_api_key"),
    ({"error": [NOT_FOUND, "No such model."]}, 404, "invalid_request_error", "model_not_found"),
    ({"error": [-6, "Too slow."]}, 504, "server_error", "timeout"),
    ({"error": [-10, "Broken."]}, 500, "server_error", None),
]  # fmt: skip


@pytest.mark.parametrize(("script", "status", "type", "code"), FAULTS)
@pytest.mark.parametrize("stream", [False, True])
def test_a_call_that_fails(gateway, script, status, type, code, stream):
    reply = chat(gateway, [said(**script)], stream=stream)
    assert reply.status == status, reply
    error = reply.json["error"]
    assert (error["type"], error["code"], error["message"]) == (type, code, script["error"][1])
    assert error["param"] == ("model" if status == 404 else None)
    assert reply.header("Retry-After") == {429: "2", 503: "5"}.get(status)
    assert reply.header("retry-after-ms") == ("1200" if status == 429 else None)
    challenge = 'Bearer realm="einion", reason="upstream_credentials"'  # the caller's own are right
    assert reply.header("WWW-Authenticate") == (challenge if status == 401 else None)


def test_a_stream_that_breaks_off_says_why(gateway):
    data = lines(chat(gateway, [said(text("a"), error=[UNAVAILABLE, "One broke off."])], stream=True))
    assert deltas(data)[-1] == {"content": "a"}
    assert json.loads(data[-1]) == {"error": {"message": "One broke off.", "type": "server_error", "param": None, "code": "overloaded"}}


def test_who_hangs_up_cancels_the_call(gateway):
    for stream in (False, True):
        before = gateway.heard.read_text() if gateway.heard.exists() else ""
        body = {"model": "one/small", "messages": [said(*([text("a")] if stream else []), hang=True)], "stream": stream}
        with gateway.connect() as connection:
            connection.send_request("POST", "/v1/chat/completions", json.dumps(body).encode())
            if stream:
                head = connection.read_head()
                assert head.status == 200 and next(connection.pieces(head))
        wait_until(lambda: gateway.heard.exists() and gateway.heard.read_text() == before + "cancelled\n", 10, "the news")


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'{"model": "a", "model": "b"}', b"\xff", b'{"a": "\\u0000"}'])
def test_bodies_that_are_no_json(gateway, body):
    reply = gateway.post("/v1/chat/completions", body=body)
    assert reply.status == 400 and reply.json["error"]["type"] == "invalid_request_error", reply


def test_the_servers_own_errors_have_the_same_shape(gateway):
    for method, path, status, code in [
        ("GET", "/v1/nothing", 404, "unknown_url"), ("GET", "/v1", 404, "unknown_url"),
        ("GET", "/v1/chat/completions", 405, "method_not_supported"), ("POST", "/v1/models", 405, "method_not_supported"),
    ]:  # fmt: skip
        reply = gateway.request(method, path)
        assert reply.status == status, reply
        error = reply.json["error"]
        assert error["code"] == code and error["type"] == "invalid_request_error" and error["param"] is None
    assert "adds /v1 to its base URL" in gateway.post("/v1/v1/messages", {}).json["error"]["message"]
    assert gateway.get("/v1/chat/completions").header("Allow") == "POST"
    assert gateway.get("/nothing").json == {"detail": "Not Found"}


@pytest.mark.parametrize(
    "body, why",
    [(b"", "The body is missing."), (b"[]", "The body is no JSON object."), (b'{"model"}', "not JSON: line 1, column 9"),
     (b'{"a": 1,\n "a": 2}', "not JSON: line 2, column 4: duplicate object key"), (b'{"a": "\xff"}', "unable to decode byte 0xff")],
)  # fmt: skip
def test_a_body_that_cannot_be_read_is_told_why(gateway, body, why):
    refused(gateway.post("/v1/chat/completions", body=body), None, why)


def test_a_compressed_body_is_refused_in_words(gateway):
    reply = gateway.post("/v1/chat/completions", body=b"{}", headers={"Content-Encoding": "gzip"})
    assert reply.status == 415 and "Content-Encoding" in reply.json["error"]["message"]
