# SPDX-License-Identifier: Apache-2.0
"""llm-anthropic speaks the Messages API as its vendor does."""

import base64

import pytest
from talk import WEATHER
from vendor import CUT, HALF, RESET, STALL, Gate, event, http_date, in_pieces, raw, sse, stream, whole
from vendor_formats import ANTHROPIC, Said, anthropic, anthropic_events, anthropic_message

CLAUDE = {"supports_thinking": True, "supports_effort": False, "returns_thoughts": True,
          "parameters": {"max_tokens": {"type": "integer", "default": 16384, "max": 64000}}}  # fmt: skip
OPUS = CLAUDE | {"supports_effort": True}
PLAIN = CLAUDE | {"supports_thinking": False, "returns_thoughts": False}
QUESTION = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Weather in Paris?"}]


@pytest.fixture
def claude(talk, upstream):
    """Asks, and is told "Hello there" unless the test has scripted something else."""
    upstream.answer(ANTHROPIC, anthropic(Said("Hello there")))
    return talk("llm-anthropic", base_url=upstream.url)


@pytest.fixture
def sent(claude, upstream):
    """What is sent for a call."""

    def sent(messages="Hi", **call):
        assert claude(messages, **call).r == "ok"
        return upstream.last.json

    return sent


# ---- requests ---------------------------------------------------------------------


def test_a_request_is_what_the_vendors_client_sends(claude, upstream):
    claude(QUESTION, model="claude-sonnet-4-5", api_key="sk-ant", tools=[WEATHER],
           parameters={"max_tokens": 64, "temperature": 0.5})  # fmt: skip
    request = upstream.last
    assert (request.method, request.target) == ("POST", "/v1/messages")
    assert {name: request.headers[name] for name in ("accept", "anthropic-version", "x-api-key", "content-type")} == {
        "accept": "application/json", "anthropic-version": "2023-06-01", "x-api-key": "sk-ant",
        "content-type": "application/json"}  # fmt: skip
    assert "anthropic-beta" not in request.headers and "authorization" not in request.headers
    assert request.json == {
        "model": "claude-sonnet-4-5", "max_tokens": 64, "system": "Be brief.",
        "messages": [{"role": "user", "content": "Weather in Paris?"}],
        "tools": [{"name": "get_weather", "description": "d",
                   "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}],
        "temperature": 0.5, "stream": True}  # fmt: skip


def test_a_newer_version_is_sent_no_sampling(talk, upstream):
    upstream.answer(ANTHROPIC, anthropic(Said("Hello")))
    newer = talk("llm-anthropic", base_url=upstream.url, version="2026-10-21", beta=["a-2026-01-01", "b-2026-02-02"])
    newer(QUESTION, model="claude-sonnet-4-5", api_key="sk-ant", tools=[WEATHER],
          parameters={"max_tokens": 64, "temperature": 0.5, "top_p": 0.9, "top_k": 5})  # fmt: skip
    assert upstream.last.headers["anthropic-version"] == "2026-10-21"
    assert upstream.last.headers["anthropic-beta"] == "a-2026-01-01,b-2026-02-02"
    assert upstream.last.json == {
        "model": "claude-sonnet-4-5", "max_tokens": 64, "system": "Be brief.",
        "messages": [{"role": "user", "content": "Weather in Paris?"}],
        "tools": [{"name": "get_weather", "description": "d", "input_schema": WEATHER["parameters"]}],
        "stream": True}  # fmt: skip


def test_the_key_is_the_calls_or_the_servers(talk, upstream):
    upstream.answer(ANTHROPIC, anthropic(Said("Hello")))
    own = talk("llm-anthropic", env={"ANTHROPIC_API_KEY": "sk-of-the-server"}, base_url=upstream.url)
    own(api_key=None)
    assert upstream.last.headers["x-api-key"] == "sk-of-the-server"
    own(api_key="sk-of-the-user")
    assert upstream.last.headers["x-api-key"] == "sk-of-the-user"


def test_without_a_key_nothing_is_sent(claude, upstream):
    answer = claude(api_key=None)
    assert (answer.r, answer.fault, answer.error) == ("denied", "bad_key", "There is no key for Anthropic: neither the caller nor this server has one")
    assert upstream.requests == []


def test_max_tokens_is_always_there(sent):
    assert sent()["max_tokens"] == 4096
    assert sent(settings=CLAUDE)["max_tokens"] == 16384
    assert sent(settings={"limits": {"output": 8192}})["max_tokens"] == 8192
    assert sent(settings=CLAUDE, parameters={"max_tokens": 5})["max_tokens"] == 5


def test_parameters_by_the_vendors_names(sent):
    body = sent(parameters={"stop": ["END", "."], "user": "u-1", "service_tier": "standard_only", "top_k": 7, "top_p": 0.5,
                            "temperature": 1, "seed": 3, "presence_penalty": 1, "inference_geo": "us", "verbosity": "low",
                            "container": None})  # fmt: skip
    assert body == {"model": "m", "max_tokens": 4096, "stream": True, "messages": [{"role": "user", "content": "Hi"}],
                    "stop_sequences": ["END", "."], "metadata": {"user_id": "u-1"}, "service_tier": "standard_only",
                    "top_k": 7, "top_p": 0.5, "temperature": 1, "inference_geo": "us"}  # fmt: skip
    assert sent(parameters={"stop": "END"})["stop_sequences"] == ["END"]


def test_what_the_vendor_refuses_of_parameters(sent):
    """Stop sequences of white space, and users known by their address."""
    assert sent(parameters={"stop": ["\n", "END"]})["stop_sequences"] == ["END"]
    assert "stop_sequences" not in sent(parameters={"stop": "\n\n"})
    user = sent(parameters={"user": "ann@example.org"})["metadata"]["user_id"]
    assert user.startswith("user_") and "@" not in user
    assert sent(parameters={"user": "u" * 256})["metadata"]["user_id"] == "u" * 256
    assert len(sent(parameters={"user": "u" * 257})["metadata"]["user_id"]) < 64


@pytest.mark.parametrize("settings, parameters, thinking, output", [
    (CLAUDE, {}, None, None),
    (CLAUDE, {"reasoning_effort": "disable"}, {"type": "disabled"}, None),
    (CLAUDE, {"reasoning_effort": "low"}, {"type": "enabled", "budget_tokens": 3260}, None),
    (CLAUDE, {"reasoning_effort": "medium"}, {"type": "enabled", "budget_tokens": 8150}, None),
    (CLAUDE, {"reasoning_effort": "high", "max_tokens": 60000}, {"type": "enabled", "budget_tokens": 32000}, None),
    (CLAUDE, {"reasoning_effort": "minimal", "max_tokens": 2000}, {"type": "enabled", "budget_tokens": 1024}, None),
    (CLAUDE, {"reasoning_effort": "high", "max_tokens": 1024}, None, None),
    (CLAUDE, {"thinking_budget": 2048}, {"type": "enabled", "budget_tokens": 2048}, None),
    (CLAUDE, {"thinking_budget": 99999, "max_tokens": 4000}, {"type": "enabled", "budget_tokens": 3999}, None),
    (CLAUDE, {"thinking_budget": 0}, {"type": "disabled"}, None),
    (CLAUDE, {"thinking_budget": 5, "show_thinking": False},
     {"type": "enabled", "budget_tokens": 1024, "display": "omitted"}, None),
    (OPUS, {"reasoning_effort": "high"}, {"type": "adaptive", "display": "summarized"}, {"effort": "high"}),
    (OPUS, {"reasoning_effort": "minimal", "show_thinking": False}, {"type": "adaptive", "display": "omitted"},
     {"effort": "low"}),
    (OPUS, {"thinking_budget": -1}, {"type": "adaptive", "display": "summarized"}, None),
    (OPUS, {"reasoning_effort": "none"}, {"type": "disabled"}, None),
    (OPUS | {"wire": {"thinking": "budget"}}, {"reasoning_effort": "low"}, {"type": "enabled", "budget_tokens": 3260},
     {"effort": "low"}),
    (PLAIN, {"reasoning_effort": "high", "thinking_budget": 2000}, None, None),
    (PLAIN, {"reasoning_effort": "disable"}, None, None),
    (None, {"thinking_budget": 2000}, {"type": "enabled", "budget_tokens": 2000}, None),
])  # fmt: skip
def test_how_models_think(sent, settings, parameters, thinking, output):
    body = sent(settings=settings, parameters=parameters)
    assert (body.get("thinking"), body.get("output_config")) == (thinking, output)


def test_who_thinks_is_sent_no_temperature(sent):
    sampling = {"temperature": 0.3, "top_k": 4, "top_p": 0.96, "thinking_budget": 2000}
    body = sent(settings=CLAUDE, parameters=sampling)
    assert body["top_p"] == 0.96 and not {"temperature", "top_k"} & body.keys()
    assert "top_p" not in sent(settings=CLAUDE, parameters=sampling | {"top_p": 0.9})
    assert sent(settings=CLAUDE, parameters=sampling | {"thinking_budget": 0})["temperature"] == 0.3


def test_who_must_call_a_tool_does_not_think(sent):
    for choice in ("required", {"name": "get_weather"}):
        body = sent(settings=CLAUDE, parameters={"thinking_budget": 2000}, tools=[WEATHER], tool_choice=choice)
        assert "thinking" not in body


@pytest.mark.parametrize("choice, parallel, said", [
    (None, None, None),
    ("auto", None, {"type": "auto"}),
    ("none", False, {"type": "none"}),
    ("required", None, {"type": "any"}),
    ("required", False, {"type": "any", "disable_parallel_tool_use": True}),
    ({"name": "get_weather"}, True, {"type": "tool", "name": "get_weather"}),
    (None, False, {"type": "auto", "disable_parallel_tool_use": True}),
])  # fmt: skip
def test_tool_choice(sent, choice, parallel, said):
    parameters = {} if parallel is None else {"parallel_tool_calls": parallel}
    assert sent(tools=[WEATHER], tool_choice=choice, parameters=parameters).get("tool_choice") == said


def test_tools_without_a_schema_take_nothing(sent):
    assert sent(tools=[{"name": "now"}])["tools"] == [{"name": "now", "input_schema": {"type": "object", "properties": {}}}]


def test_a_strict_tool_is_held_to_what_the_vendor_takes(sent):
    """Twenty of them at most, and none whose members nobody has named."""
    strict = {"name": "f", "strict": True, "parameters": {"type": "object", "properties": {"n": {"type": "integer", "minimum": 1}}}}
    free = {"name": "g", "strict": True, "parameters": {"type": "object", "properties": {}}}
    first, second, *others = sent(tools=[free, strict] + 20 * [strict])["tools"]
    assert first == {"name": "g", "input_schema": free["parameters"]}
    assert second == {"name": "f", "strict": True, "input_schema": {
        "type": "object", "properties": {"n": {"type": "integer", "description": '{"minimum":1}'}}, "additionalProperties": False}}  # fmt: skip
    assert others[-1] == {"name": "f", "input_schema": strict["parameters"]} and others[-2] == second
    assert "strict" not in sent(tools=[strict], settings={"wire": {"reply_schema": "tool"}})["tools"][0]


@pytest.mark.parametrize("content, failed, sent_as", [
    ("", False, ""), (" \n", False, ""), ([], False, []), ("", True, "(empty)"), ([], True, "(empty)"),
    ([{"type": "text", "text": " "}], True, "(empty)"), ("No", True, "No"),
])  # fmt: skip
def test_a_tool_that_answers_nothing(sent, content, failed, sent_as):
    """The vendor takes no text that is blank, and no error without words."""
    messages = sent([
        {"role": "user", "content": "Run it"},
        {"role": "assistant", "content": [{"type": "tool_call", "id": "c", "name": "run", "arguments": {}}]},
        {"role": "user", "content": [{"type": "tool_result", "id": "c", "content": content, "is_error": failed}]},
    ], tools=[WEATHER])["messages"]  # fmt: skip
    (result,) = messages[2]["content"]
    assert (result["content"], result.get("is_error", False)) == (sent_as, failed)


@pytest.mark.parametrize("said, data, is_of", [
    ("image/jpeg", "iVBORw0KGgoAAAA", "image/png"), ("image/png", "/9j/4AAQ", "image/jpeg"), ("image/png", "UklGRiQA", "image/webp"),
    ("image/png", "R0lGODlhAQ", "image/gif"), ("image/jpg", "AAAA", "image/jpeg"), ("image/png", "AAAA", "image/png"),
])  # fmt: skip
def test_an_image_is_of_the_type_of_its_bytes(sent, said, data, is_of):
    """The vendor looks at them, and refuses what is said to be something else."""
    (image,) = sent([{"role": "user", "content": [{"type": "image", "media_type": said, "data": data}]}])["messages"][0]["content"]
    assert image["source"] == {"type": "base64", "media_type": is_of, "data": data}


def test_an_answer_that_was_cut_off_while_it_thought_is_left_out(sent):
    """A message that ends in thoughts is refused."""
    thought = {"type": "thought", "text": "Hm.", "replay": {"wire": "anthropic", "signature": "c2ln"}}
    messages = sent([{"role": "user", "content": [{"type": "text", "text": "a"}]}, {"role": "assistant", "content": [thought, thought]},
                     {"role": "user", "content": [{"type": "text", "text": "b"}]},
                     {"role": "assistant", "content": [thought, {"type": "text", "text": "c"}, thought]},
                     {"role": "user", "content": "d"}])["messages"]  # fmt: skip
    assert [message["role"] for message in messages] == ["user", "assistant", "user"]
    assert [block["text"] for block in messages[0]["content"]] == ["a", "b"] and messages[1]["content"][-1]["text"] == "c"
    assert len(messages[1]["content"]) == 2


def test_a_choice_without_tools_is_not_sent(sent):
    assert "tool_choice" not in sent(tool_choice="auto", parameters={"parallel_tool_calls": False})


def test_built_in_tools_come_after_the_callers(sent, claude):
    search = {"type": "web_search_20250305", "name": "web_search", "max_uses": 3}
    assert [tool["name"] for tool in sent(tools=[WEATHER], built_in_tools=[search])["tools"]] == ["get_weather", "web_search"]
    assert sent(built_in_tools=[search])["tools"] == [search]
    both = {"web_search": {"allowed_domains": ["a.org"], "blocked_domains": ["b.org"]}}
    answer = claude(built_in_tools=[both])
    assert (answer.r, answer.fault) == ("invalid", "bad_request") and "not both" in answer.error


def test_structured_output(sent):
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}, "additionalProperties": False}
    assert sent(reply_schema=schema)["output_config"] == {"format": {"type": "json_schema", "schema": schema}}
    both = sent(settings=OPUS, reply_schema=schema, parameters={"reasoning_effort": "low"})["output_config"]
    assert both == {"effort": "low", "format": {"type": "json_schema", "schema": schema}}


def test_a_schema_is_sent_as_the_vendor_takes_it(sent):
    """Every object closed, and without bounds, which it refuses: they are told in words."""
    schema = {"type": "object", "properties": {
        "n": {"type": "integer", "description": "How many", "minimum": 1, "maximum": 5},
        "list": {"type": "array", "minItems": 1, "items": {"oneOf": [{"$ref": "#/$defs/at"}, {"type": "null"}]}}},
        "$defs": {"at": {"type": "object", "properties": {"day": {"type": "string", "format": "date"},
                                                          "minimum": {"type": "string", "format": "iri", "minLength": 2}}}}}  # fmt: skip
    assert sent(reply_schema=schema)["output_config"]["format"]["schema"] == {
        "type": "object", "additionalProperties": False, "properties": {
            "n": {"type": "integer", "description": 'How many\n{"minimum":1,"maximum":5}'},
            "list": {"type": "array", "minItems": 1, "items": {"anyOf": [{"$ref": "#/$defs/at"}, {"type": "null"}]}}},
        "$defs": {"at": {"type": "object", "additionalProperties": False, "properties": {
            "day": {"type": "string", "format": "date"},
            "minimum": {"type": "string", "description": '{"minLength":2,"format":"iri"}'}}}}}  # fmt: skip


@pytest.mark.parametrize("schema", [
    {"type": "object"},
    {"type": "object", "properties": {"counts": {"type": "object", "additionalProperties": {"type": "integer"}}}},
    {"type": "object", "properties": {"anything": {}}},
])  # fmt: skip
def test_an_open_schema_is_answered_by_a_tool(claude, upstream, schema):
    """Closed, as the vendor wants it, it would be empty."""
    upstream.answer(ANTHROPIC, anthropic(Said(tools=[("give_the_answer", {"counts": {"a": 1}})])))
    answer = claude(reply_schema=schema)
    assert (answer.text, answer.tool_calls, answer.stop_reason) == ('{"counts":{"a":1}}', [], "stop")
    any_object = {"type": "object", "properties": {}, "additionalProperties": True}
    assert "output_config" not in upstream.last.json
    assert [tool["input_schema"] for tool in upstream.last.json["tools"]] == [schema if "properties" in schema else any_object]


def test_models_that_take_no_schema_answer_by_a_tool(claude, upstream):
    old = CLAUDE | {"wire": {"reply_schema": "tool"}}
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}}

    def ask(said, **call):
        upstream.answer(ANTHROPIC, anthropic(said))
        answer = claude(settings=old, reply_schema=schema, parameters={"thinking_budget": 2000}, **call)
        assert "output_config" not in upstream.last.json and "thinking" not in upstream.last.json
        return answer, upstream.last.json["tools"], upstream.last.json["tool_choice"]

    given = Said(tools=[("give_the_answer", {"a": 1})])
    answer, tools, choice = ask(given)
    assert (answer.text, answer.tool_calls, answer.stop_reason) == ('{"a":1}', [], "stop")
    assert (tools[-1]["name"], tools[-1]["input_schema"], choice) == ("give_the_answer", schema, {"type": "any"})
    assert ask(given, tools=[WEATHER], tool_choice="none")[2] == {"type": "tool", "name": "give_the_answer"}
    answer, tools, choice = ask(Said(tools=[("get_weather", {"city": "Paris"})]), tools=[WEATHER])
    assert (answer.text, len(answer.tool_calls), answer.stop_reason) == ("", 1, "tool_calls")
    assert ([tool["name"] for tool in tools], choice) == (["get_weather", "give_the_answer"], {"type": "any"})
    forced = {"name": "get_weather"}
    answer, tools, choice = ask(Said(tools=[("get_weather", {"city": "Paris"})]), tools=[WEATHER], tool_choice=forced)
    assert (len(tools), choice) == (1, {"type": "tool", "name": "get_weather"})


def test_images_and_documents(sent):
    text = base64.b64encode("Größe: 3".encode()).decode()
    content = sent([{"role": "user", "content": [
        {"type": "text", "text": "See"},
        {"type": "image", "media_type": "image/png", "data": "iVBO"},
        {"type": "image", "url": "https://a/b.png"},
        {"type": "file", "media_type": "image/gif", "data": "R0lG"},
        {"type": "file", "media_type": "application/pdf", "data": "JVBE", "name": "a.pdf"},
        {"type": "file", "media_type": "application/pdf", "url": "https://a/b.pdf"},
        {"type": "file", "media_type": "text/markdown", "data": text, "name": "a.md"},
    ]}])["messages"][0]["content"]  # fmt: skip
    assert content == [
        {"type": "text", "text": "See"},
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBO"}},
        {"type": "image", "source": {"type": "url", "url": "https://a/b.png"}},
        {"type": "image", "source": {"type": "base64", "media_type": "image/gif", "data": "R0lG"}},
        {"type": "document", "title": "a.pdf",
         "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBE"}},
        {"type": "document", "source": {"type": "url", "url": "https://a/b.pdf"}},
        {"type": "document", "title": "a.md",
         "source": {"type": "text", "media_type": "text/plain", "data": "Größe: 3"}},
    ]  # fmt: skip


@pytest.mark.parametrize("part, error", [
    ({"type": "file", "media_type": "audio/mp3", "data": "AAAA"}, "Anthropic does not take files of the type 'audio/mp3'"),
    ({"type": "file", "media_type": "text/plain", "data": "*"}, "a file is not in base64"),
    ({"type": "file", "media_type": "text/plain", "data": "/w=="}, "a file of text is not in UTF-8"),
    ({"type": "hologram"}, "Anthropic does not take parts of the type 'hologram'"),
])  # fmt: skip
def test_parts_that_cannot_be_sent_are_refused(claude, upstream, part, error):
    answer = claude([{"role": "user", "content": [part]}])
    assert (answer.r, answer.fault, answer.error) == ("invalid", "bad_request", error)
    assert upstream.requests == []


def test_cache_marks(sent):
    body = sent([
        {"role": "system", "content": [{"type": "text", "text": "Long", "cache": {"ttl": "1h"}}]},
        {"role": "user", "content": [{"type": "text", "text": "Book", "cache": {"ttl": "5m"}}, {"type": "text", "text": "?"}]},
    ], tools=[WEATHER | {"cache": {}}])  # fmt: skip
    assert body["system"] == [{"type": "text", "text": "Long", "cache_control": {"type": "ephemeral", "ttl": "1h"}}]
    assert body["messages"][0]["content"] == [
        {"type": "text", "text": "Book", "cache_control": {"type": "ephemeral", "ttl": "5m"}}, {"type": "text", "text": "?"}]
    assert body["tools"][0]["cache_control"] == {"type": "ephemeral"}


def test_a_conversation_with_tools(sent):
    messages = sent([
        {"role": "user", "content": "Weather?"},
        {"role": "assistant", "content": [
            {"type": "thought", "text": "Hm.", "replay": {"wire": "anthropic", "signature": "c2ln"}},
            {"type": "thought", "replay": {"wire": "anthropic", "redacted": "ZGF0YQ=="}},
            {"type": "thought", "text": "Of another.", "replay": {"wire": "gemini", "signature": "x"}},
            {"type": "text", "text": ""},
            {"type": "tool_call", "id": "toolu_1", "name": "get_weather", "arguments": {"city": "Paris"}},
            {"type": "tool_call", "id": "call|2", "name": "get_weather", "arguments": {}},
        ]},
        {"role": "user", "content": [{"type": "text", "text": "Well?"},
                                     {"type": "tool_result", "id": "toolu_1", "name": "get_weather", "content": "Rain"}]},
        {"role": "user", "content": [{"type": "tool_result", "id": "call|2", "is_error": True, "content": [
            {"type": "text", "text": "See"}, {"type": "image", "media_type": "image/png", "data": "iVBO"}]}]},
    ])["messages"]  # fmt: skip
    other = messages[1]["content"][3]["id"]
    assert other.replace("_", "").isalnum()
    assert messages == [
        {"role": "user", "content": "Weather?"},
        {"role": "assistant", "content": [
            {"type": "thinking", "thinking": "Hm.", "signature": "c2ln"},
            {"type": "redacted_thinking", "data": "ZGF0YQ=="},
            {"type": "tool_use", "id": "toolu_1", "name": "get_weather", "input": {"city": "Paris"}},
            {"type": "tool_use", "id": other, "name": "get_weather", "input": {}},
        ]},
        {"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": "toolu_1", "content": "Rain"},
            {"type": "tool_result", "tool_use_id": other, "is_error": True, "content": [
                {"type": "text", "text": "See"},
                {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBO"}}]},
            {"type": "text", "text": "Well?"},
        ]},
    ]  # fmt: skip


def test_a_conversation_with_tools_comes_with_tools(sent):
    """The vendor refuses it without; none may be called where the caller gives none."""
    call = {"type": "tool_call", "id": "t", "name": "get_weather", "arguments": {}}
    said = [{"role": "user", "content": "W?"}, {"role": "assistant", "content": [call, {**call, "id": "u"}]},
            {"role": "user", "content": [{"type": "tool_result", "id": id, "content": "Rain"} for id in "tu"]}]  # fmt: skip
    body = sent(said)
    assert body["tools"] == [{"name": "get_weather", "input_schema": {"type": "object", "properties": {}}}]
    assert body["tool_choice"] == {"type": "none"}
    assert "tool_choice" not in sent(said, tools=[WEATHER])


def test_white_space_that_the_vendor_refuses(sent):
    def texts(*said):
        return sent([{"role": "user", "content": "a"}, {"role": "assistant", "content": [{"type": "text", "text": text} for text in said]}])

    assert texts(" \n", "So: ", "{\n")["messages"][1]["content"] == [{"type": "text", "text": "So: "}, {"type": "text", "text": "{"}]
    assert texts("\t")["messages"] == [{"role": "user", "content": "a"}]


def test_a_turn_whose_thought_is_not_there_goes_on_without(sent):
    def turn(*parts):
        call = {"type": "tool_call", "id": "t", "name": "get_weather", "arguments": {}}
        return [{"role": "user", "content": "W?"}, {"role": "assistant", "content": [*parts, call]},
                {"role": "user", "content": [{"type": "tool_result", "id": "t", "content": "Rain"}]}]  # fmt: skip

    def think(messages):
        return sent(messages, tools=[WEATHER], settings=CLAUDE, parameters={"thinking_budget": 2000}).get("thinking")

    thought = {"type": "thought", "text": "Hm.", "replay": {"wire": "anthropic", "signature": "c2ln"}}
    assert think(turn()) is None
    assert think(turn(thought))["type"] == "enabled"
    assert think([*turn(), {"role": "assistant", "content": "It"}]) is None
    assert think([{"role": "user", "content": "W?"}, {"role": "assistant", "content": "It"}]) is None
    over = [*turn(), {"role": "assistant", "content": "Rain."}, {"role": "user", "content": "And now?"}]
    assert think(over)["type"] == "enabled"


# ---- answers ----------------------------------------------------------------------


def test_an_answer_is_replayed_as_it_came(claude, upstream):
    upstream.answer(ANTHROPIC, anthropic(Said("It rains.", thought="Let me see.", tools=[("get_weather", {"city": "Paris"})],
                                              input=30, cached=10, cache_write=5)))  # fmt: skip
    answer = claude("Weather?", tools=[WEATHER], settings=CLAUDE, parameters={"thinking_budget": 2000})
    assert (answer.r, answer.fault, answer.stop_reason) == ("ok", "none", "tool_calls")
    assert (answer.text, answer.thought) == ("It rains.", "Let me see.")
    assert answer.tool_calls == [{"id": "toolu_0", "name": "get_weather", "arguments": {"city": "Paris"}}]
    assert answer.replays == [{"wire": "anthropic", "signature": "c2lnbmF0dXJl"}]
    assert (answer.usage["input_tokens"], answer.usage["cached_tokens"], answer.usage["cache_write_tokens"], answer.usage["output_tokens"]) == (30, 10, 5, 7)
    assert answer.model == "model-of-the-vendor"
    result = {"role": "user", "content": [{"type": "tool_result", "id": "toolu_0", "content": "Rain"}]}
    claude([{"role": "user", "content": "Weather?"}, together(answer.as_message()), result], tools=[WEATHER])
    assert upstream.last.json["messages"][1]["content"] == [
        {"type": "thinking", "thinking": "Let me see.", "signature": "c2lnbmF0dXJl"},
        {"type": "text", "text": "It rains."},
        {"type": "tool_use", "id": "toolu_0", "name": "get_weather", "input": {"city": "Paris"}}]  # fmt: skip


def together(message):
    """The pieces of each thought, and of each text, as one part, as callers keep them."""
    parts = []
    for part in message["content"]:
        last = parts[-1] if parts else {}
        if last.get("type") == part["type"] and "replay" not in last and part["type"] in ("text", "thought"):
            parts[-1] = {**last, **part, "text": last.get("text", "") + part.get("text", "")}
        else:
            parts.append(part)
    return {"role": "assistant", "content": parts}


def test_pieces_of_any_size(claude, upstream):
    said = Said("Grüße, 世界 🌍", thought="Mmh…", tools=[("f", {"a": "ä\n"})])
    for size in (1, 7):
        upstream.answer(ANTHROPIC, in_pieces(sse(*anthropic_events(said), named=True), size))
        answer = claude()
        assert (answer.text, answer.thought) == (said.text, said.thought)
        assert answer.tool_calls[0]["arguments"] == {"a": "ä\n"}


def block(index, start, *deltas):
    yield {"type": "content_block_start", "index": index, "content_block": start}
    for delta in deltas:
        yield {"type": "content_block_delta", "index": index, "delta": delta}
    yield {"type": "content_block_stop", "index": index}


START = {"type": "message_start", "message": {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-x",
                                              "content": [], "stop_reason": None,
                                              "usage": {"input_tokens": 3, "output_tokens": 1}}}  # fmt: skip
STOP = {"type": "message_stop"}


def end(reason="end_turn", sequence=None, **usage):
    return {"type": "message_delta", "delta": {"stop_reason": reason, "stop_sequence": sequence},
            "usage": {"output_tokens": 9, **usage}}  # fmt: skip


def text(index, *pieces):
    return block(index, {"type": "text", "text": ""}, *({"type": "text_delta", "text": piece} for piece in pieces))


def script(upstream, *events, **options):
    upstream.answer(ANTHROPIC, sse(*events, named=True, **options))


def test_what_is_not_known_is_ignored(claude, upstream):
    script(upstream, {"type": "ping"}, START, {"type": "later", "x": [1]}, *text(0, "A"), b": comment\n\n",
           *block(1, {"type": "hologram", "depth": 3}, {"type": "hologram_delta", "z": 1}), b"event: odd\ndata: 17\n\n",
           *text(2, "B"), end(), STOP, {"type": "after"})  # fmt: skip
    answer = claude()
    assert (answer.r, answer.text, answer.stop_reason, answer.usage["output_tokens"]) == ("ok", "AB", "stop", 9)


@pytest.mark.parametrize("reason, stop", [
    ("end_turn", "stop"), ("max_tokens", "length"), ("tool_use", "tool_calls"), ("refusal", "content_filter"),
    ("model_context_window_exceeded", "length"), ("pause_turn", "length"), ("something_new", "stop"),
])  # fmt: skip
def test_stop_reasons(claude, upstream, reason, stop):
    script(upstream, START, *text(0, "A"), end(reason), STOP)
    answer = claude()
    assert (answer.r, answer.stop_reason, answer.stop_sequence) == ("ok", stop, "")


def test_the_stop_sequence_is_told(claude, upstream):
    script(upstream, START, *text(0, "A"), end("stop_sequence", "END"), STOP)
    answer = claude()
    assert (answer.stop_reason, answer.stop_sequence) == ("stop", "END")


def test_usage_is_the_sum_of_all_kinds(claude, upstream):
    start = {"type": "message_start", "message": START["message"] | {"usage": {
        "input_tokens": 3, "output_tokens": 1, "cache_read_input_tokens": 100, "cache_creation_input_tokens": None,
        "cache_creation": {"ephemeral_5m_input_tokens": 20, "ephemeral_1h_input_tokens": 30},
        "server_tool_use": None, "service_tier": "standard"}}}  # fmt: skip
    script(upstream, start, *text(0, "A"), end(output_tokens=40, output_tokens_details={"thinking_tokens": 25}), STOP)
    answer = claude()
    assert answer.usage | {"input_tokens": 153, "cached_tokens": 100, "cache_write_tokens": 50, "output_tokens": 40,
                             "reasoning_tokens": 25} == answer.usage  # fmt: skip


def test_zeros_at_the_end_do_not_undo_what_was_told(claude, upstream):
    told = {"input_tokens": 3, "output_tokens": 1, "cache_read_input_tokens": 100, "cache_creation_input_tokens": 20,
            "cache_creation": {"ephemeral_5m_input_tokens": 20, "ephemeral_1h_input_tokens": 0}}  # fmt: skip
    zeros = {name: 0 for name in told if name != "cache_creation"} | {"cache_creation": {"ephemeral_5m_input_tokens": 0}}
    script(upstream, {"type": "message_start", "message": START["message"] | {"usage": told}}, *text(0, "A"),
           end(**zeros | {"output_tokens": 40}), STOP)  # fmt: skip
    usage = claude().usage
    assert (usage["input_tokens"], usage["cached_tokens"], usage["cache_write_tokens"], usage["output_tokens"]) == (123, 100, 20, 40)


def test_what_the_cache_keeps_for_an_hour_is_told_apart(claude, upstream):
    def usage(minutes, hour, **more):
        return {"input_tokens": 3, "output_tokens": 1, "cache_creation_input_tokens": minutes + hour, **more,
                "cache_creation": {"ephemeral_5m_input_tokens": minutes, "ephemeral_1h_input_tokens": hour}}  # fmt: skip

    script(upstream, {"type": "message_start", "message": START["message"] | {"usage": usage(20, 30)}}, *text(0, "A"),
           end(), STOP)  # fmt: skip
    answer = claude()
    assert (answer.usage["cache_write_tokens"], answer.cache_hour_tokens) == (50, 30)
    script(upstream, {"type": "message_start", "message": START["message"] | {"usage": usage(0, 0)}}, *text(0, "A"),
           end(cache_creation_input_tokens=7), STOP)  # fmt: skip
    answer = claude()
    assert (answer.usage["cache_write_tokens"], answer.cache_hour_tokens) == (7, 0)


def test_redacted_thoughts_are_replayed(claude, upstream):
    script(upstream, START, *block(0, {"type": "redacted_thinking", "data": "ZGF0YQ=="}), *text(1, "A"), end(), STOP)
    answer = claude()
    assert answer.replays == [{"wire": "anthropic", "redacted": "ZGF0YQ=="}] and answer.thought == ""


def test_thoughts_that_are_not_shown_are_replayed(claude, upstream):
    script(upstream, START, *block(0, {"type": "thinking", "thinking": "", "signature": ""},
                                   {"type": "signature_delta", "signature": "c2ln"}), *text(1, "A"), end(), STOP)  # fmt: skip
    assert claude().replays == [{"wire": "anthropic", "signature": "c2ln"}]


def test_pages_that_are_cited_are_told_once(claude, upstream):
    def cite(url):
        return {"type": "web_search_result_location", "url": url, "title": "T", "cited_text": "c", "encrypted_index": "e"}

    cited = [cite("https://a"), cite("https://b"), cite("https://a")]
    search = {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {}}
    found = {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1",
             "content": [{"type": "web_search_result", "url": "https://c", "title": "C"}]}  # fmt: skip
    script(upstream, START, *block(0, search, {"type": "input_json_delta", "partial_json": '{"query": "x"}'}), *block(1, found),
           *block(2, {"type": "text", "text": ""}, {"type": "text_delta", "text": "A"},
                  *({"type": "citations_delta", "citation": citation} for citation in cited)),
           end(), STOP)  # fmt: skip
    streamed = claude(built_in_tools=[SEARCH])
    content = [search | {"input": {"query": "x"}}, found, {"type": "text", "text": "A", "citations": cited}]
    upstream.answer(ANTHROPIC, whole(anthropic_message(Said("A")) | {"content": content}))
    for answer in (streamed, claude(built_in_tools=[SEARCH])):
        assert answer.sources == [{"url": "https://a", "title": "T", "text": "c"}, {"url": "https://b", "title": "T", "text": "c"}]
        assert (answer.text, answer.tool_calls) == ("A", [])


SEARCH = {"type": "web_search_20250305", "name": "web_search"}


def paused(number):
    return sse(START, *text(0, f"Part {number}. "),
               *block(1, {"type": "server_tool_use", "id": f"s{number}", "name": "web_search", "input": {}},
                      {"type": "input_json_delta", "partial_json": '{"query":'},
                      {"type": "input_json_delta", "partial_json": f' "{number}"}}'}),
               *block(2, {"type": "thinking", "thinking": "", "signature": ""}, {"type": "thinking_delta", "thinking": "T"},
                      {"type": "signature_delta", "signature": "S"}),
               end("pause_turn"), STOP, named=True)  # fmt: skip


def blocks_of(number):
    return [{"type": "text", "text": f"Part {number}. "},
            {"type": "server_tool_use", "id": f"s{number}", "name": "web_search", "input": {"query": str(number)}},
            {"type": "thinking", "thinking": "T", "signature": "S"}]  # fmt: skip


def test_an_answer_that_pauses_goes_on(claude, upstream):
    upstream.answer(ANTHROPIC, paused(1), paused(2), sse(START, *text(0, "Done."), end(), STOP, named=True))
    answer = claude(built_in_tools=[SEARCH])
    assert (answer.text, answer.stop_reason) == ("Part 1. Part 2. Done.", "stop")
    assert (answer.usage["input_tokens"], answer.usage["output_tokens"]) == (9, 27)
    first, second, third = (request.json["messages"] for request in upstream.requests)
    assert second == [*first, {"role": "assistant", "content": blocks_of(1)}]
    assert third == [*first, {"role": "assistant", "content": blocks_of(1) + blocks_of(2)}]


def test_an_answer_does_not_pause_for_ever(talk, upstream):
    upstream.answer(ANTHROPIC, paused(1))
    answer = talk("llm-anthropic", base_url=upstream.url, continuations=2)(built_in_tools=[SEARCH])
    assert (answer.r, answer.stop_reason, len(upstream.requests)) == ("ok", "length", 3)
    assert answer.usage["output_tokens"] == 27


def call(*pieces, start=None):
    return block(0, {"type": "tool_use", "id": "t", "name": "f", "input": start or {}},
                 *({"type": "input_json_delta", "partial_json": piece} for piece in pieces))  # fmt: skip


@pytest.mark.parametrize("pieces, start, arguments", [
    ((), None, {}), (("",), None, {}), ((), {"a": 1}, {"a": 1}), (('{"a"', ": [1, ", "{}]}"), None, {"a": [1, {}]}),
])  # fmt: skip
def test_arguments_come_in_pieces_or_not_at_all(claude, upstream, pieces, start, arguments):
    script(upstream, START, *call(*pieces, start=start), end("tool_use"), STOP)
    assert claude().tool_calls == [{"id": "t", "name": "f", "arguments": arguments}]


@pytest.mark.parametrize("piece", ['{"a": ', "[1]", "nonsense", "[" * 300 + "]" * 300])
def test_arguments_that_are_not_json(claude, upstream, piece):
    script(upstream, START, *call(piece), end("tool_use"), STOP)
    answer = claude()
    assert (answer.r, answer.fault, answer.tool_calls) == ("unavailable", "overloaded", [])
    assert answer.error == "Anthropic sent a tool call that is not JSON"


def test_a_tool_call_that_was_cut_is_not_one(claude, upstream):
    script(upstream, START, *call('{"a": '), end("max_tokens"), STOP)
    answer = claude()
    assert (answer.r, answer.stop_reason, answer.tool_calls) == ("ok", "length", [])


def test_an_answer_in_one_piece(claude, upstream):
    said = Said("It rains.", thought="Hm.", tools=[("f", {"a": 1})], input=30, cached=10)
    upstream.answer(ANTHROPIC, whole(anthropic_message(said)))
    answer = claude()
    assert (answer.r, answer.text, answer.thought, answer.stop_reason) == ("ok", "It rains.", "Hm.", "tool_calls")
    assert answer.tool_calls == [{"id": "toolu_0", "name": "f", "arguments": {"a": 1}}]
    assert answer.replays and (answer.usage["input_tokens"], answer.usage["output_tokens"]) == (30, 7)


# ---- failures ---------------------------------------------------------------------


def error(kind, message="Words of the vendor.", status=400, headers=()):
    body = {"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_1"}
    return whole(body, status, {"request-id": "req_of_the_header", **dict(headers)})


@pytest.mark.parametrize("status, kind, r, fault", [
    (400, "invalid_request_error", "invalid", "bad_request"), (401, "authentication_error", "denied", "bad_key"),
    (402, "billing_error", "denied", "no_credit"), (403, "permission_error", "denied", "bad_key"),
    (404, "not_found_error", "invalid", "bad_request"), (409, "conflict_error", "unavailable", "overloaded"),
    (413, "request_too_large", "too_large", "context_too_long"), (429, "rate_limit_error", "busy", "rate_limit"),
    (500, "api_error", "unavailable", "overloaded"), (504, "timeout_error", "unavailable", "overloaded"),
    (529, "overloaded_error", "unavailable", "overloaded"), (408, "unheard_of", "unavailable", "overloaded"),
])  # fmt: skip
def test_errors(claude, upstream, status, kind, r, fault):
    upstream.answer(ANTHROPIC, error(kind, status=status))
    answer = claude()
    assert (answer.r, answer.fault, answer.vendor_status) == (r, fault, status)
    assert answer.error.startswith("Anthropic ") and answer.error.endswith(f"({status}): Words of the vendor.")
    assert answer.vendor_request_id == "req_of_the_header" and len(upstream.requests) == 1


@pytest.mark.parametrize("words, fault", [
    ("prompt is too long: 210000 tokens > 200000 maximum", "context_too_long"),
    ("input length and `max_tokens` exceed context limit: 190000 + 20000 > 200000", "context_too_long"),
    ("Your credit balance is too low to access the Anthropic API.", "no_credit"),
    ("Output blocked by content filtering policy", "refused"),
])  # fmt: skip
def test_errors_that_only_words_tell_apart(claude, upstream, words, fault):
    upstream.answer(ANTHROPIC, error("invalid_request_error", words))
    assert claude().fault == fault


def test_errors_without_json(claude, upstream):
    upstream.answer(ANTHROPIC, whole("<html>Bad gateway</html>", 502), whole(b"", 413))
    answer = claude()
    assert (answer.fault, answer.error) == ("overloaded", "Anthropic is overloaded (502)")
    assert claude().fault == "context_too_long"


def test_no_error_shows_the_key(claude, upstream):
    upstream.answer(ANTHROPIC, error("authentication_error", "invalid x-api-key: sk-ant-api03-secret", 401))
    answer = claude(api_key="sk-ant-api03-secret")
    assert answer.fault == "bad_key" and "secret" not in answer.error
    assert "secret" not in claude.server.log()


def limits(**resets):
    return {f"anthropic-ratelimit-{name.replace('_', '-')}-{what}": value
            for name, (remaining, reset) in resets.items() for what, value in (("remaining", remaining), ("reset", reset))}  # fmt: skip


@pytest.mark.parametrize("headers, ms", [
    ({"Retry-After": "7"}, 7000),
    ({"retry-after-ms": "250", "Retry-After": "7"}, 250),
    ({"Date": http_date(1_000_000_000), "Retry-After": http_date(1_000_000_012)}, 12000),
    ({"Date": http_date(1_000_000_000), **limits(requests=("0", "2001-09-09T01:46:45Z"), tokens=("5", "2001-09-09T02:00:00Z"),
                                                 input_tokens=("0", "2001-09-09T01:46:50Z"))}, 10000),
    ({}, 0),
])  # fmt: skip
def test_how_long_to_wait(claude, upstream, headers, ms):
    upstream.answer(ANTHROPIC, error("rate_limit_error", status=429, headers=headers))
    answer = claude()
    assert (answer.fault, answer.retry_after_ms) == ("rate_limit", ms)


@pytest.mark.parametrize("kind, r, fault", [
    ("overloaded_error", "unavailable", "overloaded"), ("rate_limit_error", "busy", "rate_limit"),
    ("api_error", "unavailable", "overloaded"), ("unheard_of", "unavailable", "overloaded"),
    ("invalid_request_error", "invalid", "bad_request"),
])  # fmt: skip
def test_an_error_after_200(claude, upstream, kind, r, fault):
    script(upstream, START, *list(text(0, "Begun"))[:-1],
           {"type": "error", "error": {"type": kind, "message": "Overloaded"}, "request_id": "req_2"})  # fmt: skip
    answer = claude()
    assert (answer.r, answer.fault, answer.text) == (r, fault, "Begun")
    assert answer.error.endswith(": Overloaded") and answer.vendor_request_id == "req_2"
    assert (answer.usage["input_tokens"], answer.usage["output_tokens"]) == (3, 1)


def test_an_error_instead_of_a_stream(claude, upstream):
    upstream.answer(ANTHROPIC, error("overloaded_error", status=200), whole({"ok": True}), whole("[]"))
    assert claude().fault == "overloaded"
    answer = claude()
    assert (answer.fault, answer.error) == ("unreachable", "Anthropic sent JSON that is no answer")
    assert claude().fault == "unreachable"


@pytest.mark.parametrize("step", [CUT, RESET, HALF])
def test_a_stream_that_breaks_off(claude, upstream, step):
    script(upstream, START, *list(text(0, "Begun"))[:-1], step)
    answer = claude(idle_ms=20000)
    assert (answer.fault, answer.text, answer.usage["input_tokens"]) == ("unreachable", "Begun", 3)


def test_a_stream_without_its_end_is_not_whole(claude, upstream):
    script(upstream, START, *text(0, "All of it"), end())
    answer = claude()
    assert (answer.fault, answer.error) == ("unreachable", "the answer of Anthropic broke off before its end")
    assert (answer.text, answer.usage["output_tokens"]) == ("All of it", 9)


@pytest.mark.parametrize("at", ["head", "events", "event", "character"])
def test_a_stall_is_a_timeout(claude, upstream, at):
    half = event(list(text(0, "é"))[1], "content_block_delta")
    split = half.index("é".encode()) + 1
    steps = {"events": [event(START)], "event": [event(START), half[:20]], "character": [event(START), half[:split]]}
    upstream.answer(ANTHROPIC, raw(STALL) if at == "head" else stream(*steps[at], STALL, kind="text/event-stream"))
    answer = claude(first_byte_ms=300, idle_ms=300)
    assert (answer.r, answer.fault) == ("timeout", "unreachable")


@pytest.mark.parametrize("events, fault", [
    ([START, b"data: {not json\n\n"], "unreachable"),
    ([START, list(text(0, "A"))[1]], "overloaded"),  # a delta of no block
    ([START, list(text(0, "A"))[0], list(text(0, "A"))[0]], "overloaded"),  # a block that is open
    ([START, {"type": "content_block_start", "index": 0}], "overloaded"),
    ([START, *({"type": "content_block_start", "index": n, "content_block": {"type": "text"}} for n in range(17))], "overloaded"),
    ([b"data: " + b"[" * 5000 + b"\n\n"], "unreachable"),
])  # fmt: skip
def test_streams_that_make_no_sense(claude, upstream, events, fault):
    script(upstream, *events, end(), STOP)
    answer = claude()
    assert (answer.r, answer.fault) == ("unavailable", fault)


def test_what_is_too_large_is_not_kept(talk, upstream):
    small = talk("llm-anthropic", base_url=upstream.url, event_max_bytes=4096, reply_max_bytes=100_000)
    script(upstream, START, *text(0, "x" * 5000), end(), STOP)
    assert small().fault == "unreachable"
    script(upstream, START, *call(*['{"a": "', *["y" * 1000] * 5, '"}']), end("tool_use"), STOP)
    answer = small()
    assert (answer.fault, answer.error) == ("overloaded", "Anthropic sent a block of more than 4096 bytes")
    script(upstream, START, *text(0, *["z" * 1000] * 200), end(), STOP)
    assert small().fault == "unreachable"


def test_nobody_is_there(talk):
    answer = talk("llm-anthropic", base_url="http://127.0.0.1:9")()
    assert (answer.r, answer.fault, answer.vendor_status) == ("unavailable", "unreachable", 0)


def test_who_wants_no_more_ends_the_stream(claude, upstream):
    gate = Gate()
    script(upstream, START, *list(text(0, "A"))[:-1], gate, *text(1, "B"), end(), STOP)
    answer = claude(stop_after=1)
    assert (answer.r, answer.fault, answer.text, answer.usage["input_tokens"]) == ("cancelled", "none", "A", 3)
    upstream.wait_left()


def test_a_caller_that_leaves_ends_the_stream(claude, upstream):
    script(upstream, START, *list(text(0, "A"))[:-1], STALL)
    events = claude.events()
    assert next(events)["text"] == "A"
    events.close()
    upstream.wait_left()
