# SPDX-License-Identifier: Apache-2.0
"""llm-openai as OpenAI: what is sent, and what is made of the answers."""

import json
import re
import time

import pytest
import yaml
from readme import README
from talk import WEATHER
from vendor import STALL, raw, sse, whole
from vendor_formats import OPENAI_CHAT, OPENAI_RESPONSES, Said, openai_chat, openai_chat_events, openai_responses
from vendor_formats import openai_response, openai_responses_events

RESPONSES = {"api_style": "responses"}
BRIEF = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Weather in Paris?"}]
CAT = {"type": "image", "media_type": "image/png", "data": "Y2F0"}


def used(answer):
    return [answer.usage[f"{kind}_tokens"] for kind in ("input", "cached", "cache_write", "output", "reasoning")]


@pytest.fixture
def openai(talk, upstream):
    return talk("llm-openai", base_url=upstream.url + "/v1", api_key_env="OWN_KEY", env={"OWN_KEY": "key-of-the-server"})


def chat(openai, upstream, *args, said=None, **call):
    upstream.answer(OPENAI_CHAT, openai_chat(said or Said("Hello")))
    answer = openai(*args, **call)
    assert answer.r == "ok", answer
    return upstream.last.json


def responses(openai, upstream, *args, said=None, settings=RESPONSES, **call):
    upstream.answer(OPENAI_RESPONSES, openai_responses(said or Said("Hello")))
    answer = openai(*args, settings=settings, **call)
    assert answer.r == "ok", answer
    return upstream.last.json


# ---- requests ---------------------------------------------------------------------


def test_a_chat_is_what_the_official_client_sends(openai, upstream):
    """Field for field, as openai 6.49.0 for JavaScript sends it."""
    body = chat(openai, upstream, BRIEF, model="gpt-5", tools=[WEATHER], parameters={"temperature": 0.5, "max_tokens": 64})
    function = {"name": "get_weather", "description": "d", "parameters": WEATHER["parameters"]}
    assert body == {"model": "gpt-5", "messages": BRIEF, "tools": [{"type": "function", "function": function}],
                    "temperature": 0.5, "max_completion_tokens": 64, "stream": True,
                    "stream_options": {"include_usage": True}}  # fmt: skip
    request = upstream.last
    assert (request.method, request.path, request.bearer) == ("POST", "/v1/chat/completions", "key-of-the-user")
    assert (request.headers["accept"], request.headers["content-type"]) == ("application/json",) * 2


def test_a_response_is_what_the_official_client_sends(talk, upstream):
    openai = talk("llm-openai", base_url=upstream.url + "/v1", stream=False, extra_body={"store": None, "include": None})
    body = responses(openai, upstream, BRIEF, model="gpt-5", tools=[WEATHER],
                     parameters={"reasoning_effort": "low", "max_tokens": 64})  # fmt: skip
    assert body == {"model": "gpt-5", "instructions": "Be brief.", "input": "Weather in Paris?",
                    "reasoning": {"effort": "low", "summary": "auto"},
                    "tools": [{"type": "function", **WEATHER, "strict": False}], "max_output_tokens": 64}  # fmt: skip
    assert (upstream.last.path, upstream.last.bearer) == ("/v1/responses", "key-of-the-user")


def test_a_system_message_alone_is_the_input(openai, upstream):
    """The vendor refuses instructions without any."""
    body = responses(openai, upstream, [BRIEF[0]], model="gpt-5")
    assert "instructions" not in body
    assert [(item["role"], item["content"]) for item in body["input"]] == [("system", "Be brief.")]


def test_a_response_streams_and_nothing_is_kept_at_the_vendor(openai, upstream):
    body = responses(openai, upstream, "Hi", model="gpt-5")
    assert body == {"model": "gpt-5", "input": "Hi", "stream": True, "store": False,
                    "include": ["reasoning.encrypted_content"]}  # fmt: skip


@pytest.mark.parametrize("model, settings, reasons", [
    ("gpt-4o-mini", {}, False), ("chatgpt-4o-latest", {}, False), ("gpt-5-chat-latest", {}, False), ("gpt-5.4", {}, True),
    ("o3", {"can_reasoning": True}, True), ("gpt-5-x", {"can_reasoning": False}, False),
    ("gpt-4x", {"parameters": {"reasoning_effort": {}}}, True),
])  # fmt: skip
def test_who_does_not_reason_is_not_asked_for_thoughts_nor_told_them(openai, upstream, model, settings, reasons):
    """It refuses both, also those of a model before it in the conversation."""
    item = {"type": "reasoning", "summary": [], "encrypted_content": "sealed"}
    said = [{"type": "thought", "text": "", "replay": {"wire": "OpenAI", "item": item}}, {"type": "text", "text": "Yes"}]
    conversation = [{"role": "user", "content": "a"}, {"role": "assistant", "content": said}, {"role": "user", "content": "b"}]
    body = responses(openai, upstream, conversation, model=model, settings=RESPONSES | settings)
    assert body.get("include") == (["reasoning.encrypted_content"] if reasons else None)
    assert (item in body["input"]) is reasons


@pytest.mark.parametrize("refused_s, times", [(600, 4), (0, 6)])
def test_an_account_that_has_not_proved_who_it_is_is_asked_for_less(talk, upstream, refused_s, times):
    """Some models stream, and tell what they thought, only to others."""
    openai = talk("llm-openai", base_url=upstream.url, refused_s=refused_s)

    def unproved(request):
        for param, asked in (("stream", request.json.get("stream")), ("reasoning.summary", request.json["reasoning"].get("summary"))):
            if asked:
                words = f"Your organization must be verified to use {param}."
                error = {"message": words, "type": "invalid_request_error", "param": param, "code": "unsupported_value"}
                return whole({"error": error}, 400)
        return whole(openai_response(Said("Hello", thought="Hm.")))

    upstream.answer(OPENAI_RESPONSES, unproved)
    answer = openai(settings=RESPONSES, parameters={"reasoning_effort": "low"})
    assert (answer.r, answer.text, answer.stop_reason, len(upstream.requests)) == ("ok", "Hello", "stop", 3)
    assert upstream.last.json["reasoning"] == {"effort": "low"} and "stream" not in upstream.last.json
    assert openai(settings=RESPONSES, parameters={"reasoning_effort": "low"}).text == "Hello"
    assert len(upstream.requests) == times  # what was refused is not asked for again, of this account and model
    for other in ({"api_key": "of-another"}, {"model": "another"}):
        before = len(upstream.requests)
        assert openai(settings=RESPONSES, parameters={"reasoning_effort": "low"}, **other).text == "Hello"
        assert len(upstream.requests) == before + 3
    before = len(upstream.requests)
    refused = {"message": "Your organization must be verified.", "param": "model"}
    upstream.answer(OPENAI_RESPONSES, whole({"error": refused}, 400))
    answer = openai(settings=RESPONSES)
    assert (answer.r, answer.fault, len(upstream.requests)) == ("invalid", "bad_request", before + 1)


def test_who_is_asked_again_has_the_rest_of_the_time(talk, upstream):
    openai = talk("llm-openai", base_url=upstream.url, refused_s=0)

    def slow(request):
        if request.json.get("stream"):
            time.sleep(1)
            return whole({"error": {"message": "Your organization must be verified.", "param": "stream"}}, 400)
        return raw(STALL)

    upstream.answer(OPENAI_RESPONSES, slow)
    begun = time.monotonic()
    answer = openai(settings=RESPONSES, total_ms=3000)
    assert (answer.r, len(upstream.requests)) == ("timeout", 2) and time.monotonic() - begun < 3.8


def test_the_key_of_the_server_is_sent_where_the_user_has_none(openai, upstream):
    chat(openai, upstream, api_key=None)
    assert upstream.last.bearer == "key-of-the-server"


def test_there_may_be_no_key(talk, upstream):
    answer = talk("llm-openai", base_url=upstream.url, api_key_env="")(api_key=None)
    assert (answer.r, answer.fault, answer.error) == ("denied", "bad_key", "There is no key for OpenAI: neither the caller nor this server has one")
    chat(talk("llm-openai", base_url=upstream.url, api_key_env="", needs_key=False), upstream, api_key=None)
    assert "authorization" not in upstream.last.headers


def test_organization_project_and_other_headers(talk, upstream):
    chat(talk("llm-openai", base_url=upstream.url, organization="org-1", project="proj_1", headers={"X-Team": "a"}), upstream)
    headers = upstream.last.headers
    assert [headers[name] for name in ("openai-organization", "openai-project", "x-team")] == ["org-1", "proj_1", "a"]


def test_the_key_in_another_header(talk, upstream):
    azure = talk("llm-openai", base_url=upstream.url, key_header="api-key", chat_path="/chat/completions?api-version=1",
                 live_models=True, api_key_env="OWN_KEY", env={"OWN_KEY": "key-of-the-server"})  # fmt: skip
    chat(azure, upstream)
    assert (upstream.last.headers["api-key"], upstream.last.query) == ("key-of-the-user", {"api-version": "1"})
    assert "authorization" not in upstream.last.headers
    upstream.answer("/models", whole({"data": []}))
    assert azure.models() == [] and upstream.last.headers["api-key"] == "key-of-the-server"


def test_images_and_files_in_a_chat(openai, upstream):
    parts = [{"type": "text", "text": "What is this?"}, CAT, {"type": "image", "url": "https://x.test/a.png"},
             {"type": "file", "media_type": "application/pdf", "data": "cGRm", "name": "a.pdf"},
             {"type": "file", "media_type": "audio/mpeg", "data": "bXAz"}]  # fmt: skip
    body = chat(openai, upstream, [{"role": "user", "content": parts}])
    assert body["messages"][0]["content"] == [
        {"type": "text", "text": "What is this?"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,Y2F0"}},
        {"type": "image_url", "image_url": {"url": "https://x.test/a.png"}},
        {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,cGRm"}},
        {"type": "input_audio", "input_audio": {"data": "bXAz", "format": "mp3"}},
    ]


def test_images_and_files_in_a_response(openai, upstream):
    parts = [{"type": "text", "text": "What is this?"}, CAT, {"type": "file", "url": "https://x.test/a.pdf"}]
    body = responses(openai, upstream, [{"role": "user", "content": parts}])
    assert body["input"] == [{"type": "message", "role": "user", "content": [
        {"type": "input_text", "text": "What is this?"},
        {"type": "input_image", "image_url": "data:image/png;base64,Y2F0", "detail": "auto"},
        {"type": "input_file", "file_url": "https://x.test/a.pdf"}]}]  # fmt: skip


TOOL_TALK = [
    {"role": "user", "content": "Weather?"},
    {"role": "assistant", "content": [
        {"type": "text", "text": "Let me see."},
        {"type": "tool_call", "id": "call_1", "name": "get_weather", "arguments": {"city": "Paris"}}]},
    {"role": "user", "content": [
        {"type": "tool_result", "id": "call_1", "name": "get_weather", "content": [{"type": "text", "text": "Rain"}, CAT]},
        {"type": "text", "text": "And?"}]},
]  # fmt: skip


def test_tools_both_ways_in_a_chat(openai, upstream):
    assert chat(openai, upstream, TOOL_TALK, tools=[WEATHER])["messages"][1:] == [
        {"role": "assistant", "content": "Let me see.", "tool_calls": [
            {"id": "call_1", "type": "function", "function": {"name": "get_weather", "arguments": '{"city":"Paris"}'}}]},
        {"role": "tool", "tool_call_id": "call_1", "content": "Rain"},
        {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,Y2F0"}},
                                     {"type": "text", "text": "And?"}]}]  # fmt: skip


def test_tools_both_ways_in_a_response(openai, upstream):
    assert responses(openai, upstream, TOOL_TALK, tools=[WEATHER])["input"][1:] == [
        {"type": "message", "role": "assistant", "content": "Let me see."},
        {"type": "function_call", "call_id": "call_1", "name": "get_weather", "arguments": '{"city":"Paris"}'},
        {"type": "function_call_output", "call_id": "call_1", "output": [
            {"type": "input_text", "text": "Rain"},
            {"type": "input_image", "image_url": "data:image/png;base64,Y2F0", "detail": "auto"}]},
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "And?"}]}]  # fmt: skip


def test_a_message_with_tool_calls_only_has_no_content(openai, upstream):
    call = {"type": "tool_call", "id": "1", "name": "f", "arguments": {}}
    body = chat(openai, upstream, [{"role": "user", "content": "x"}, {"role": "assistant", "content": [call]}])
    assert body["messages"][1]["content"] is None


@pytest.mark.parametrize("choice", ["auto", "none", "required"])
def test_the_choice_of_tools(openai, upstream, choice):
    assert chat(openai, upstream, tools=[WEATHER], tool_choice=choice)["tool_choice"] == choice
    assert responses(openai, upstream, tools=[WEATHER], tool_choice=choice)["tool_choice"] == choice


def test_a_tool_that_must_be_called(openai, upstream):
    chosen = {"tools": [WEATHER], "tool_choice": {"name": "get_weather"}}
    assert chat(openai, upstream, **chosen)["tool_choice"] == {"type": "function", "function": {"name": "get_weather"}}
    assert responses(openai, upstream, **chosen)["tool_choice"] == {"type": "function", "name": "get_weather"}


STRICT = {"type": "object", "properties": {"a": {"type": "array", "items": {"type": "string"}}}, "required": ["a"],
          "additionalProperties": False}  # fmt: skip
OPEN = {"type": "object", "properties": {"a": STRICT, "b": {"type": "string"}}, "required": ["a"]}


@pytest.mark.parametrize("schema, strict", [(STRICT, True), (OPEN, False), ({"type": "object", "properties": {"x": OPEN},
                         "required": ["x"], "additionalProperties": False}, False),
                         (STRICT | {"$defs": {"c": {"anyOf": [STRICT]}}}, True), (STRICT | {"$defs": {"c": {"oneOf": [STRICT]}}}, False),
                         (STRICT | {"anyOf": [STRICT]}, False)])  # fmt: skip
def test_structured_output(openai, upstream, schema, strict):
    """A schema is said to be strict where it fits the vendor's rules for strict ones."""
    form = {"name": "reply", "schema": schema, "strict": strict}
    assert chat(openai, upstream, reply_schema=schema)["response_format"] == {"type": "json_schema", "json_schema": form}
    body = responses(openai, upstream, reply_schema=schema, parameters={"verbosity": "low"})
    assert body["text"] == {"format": {"type": "json_schema", **form}, "verbosity": "low"}


def test_any_object(openai, upstream):
    """gpt-4-turbo, and many a server, know no schemas; responses want the word JSON in what is asked."""
    schema = {"type": "object"}
    assert chat(openai, upstream, reply_schema=schema)["response_format"] == {"type": "json_object"}
    form = {"type": "json_schema", "name": "reply", "schema": schema, "strict": False}
    assert responses(openai, upstream, reply_schema=schema)["text"] == {"format": form}


def test_parameters_of_a_chat(openai, upstream):
    given = {"top_p": 0.5, "stop": ["a"], "seed": 7, "reasoning_effort": "low", "verbosity": "high", "user": "u",
             "service_tier": "flex", "parallel_tool_calls": False, "show_thinking": True, "temperature": None}  # fmt: skip
    body = chat(openai, upstream, parameters=given, tools=[WEATHER])
    assert {name: body.get(name) for name in given} == given | {"show_thinking": None}
    assert "parallel_tool_calls" not in chat(openai, upstream, parameters={"parallel_tool_calls": False})
    assert "reasoning_effort" not in chat(openai, upstream, parameters={"reasoning_effort": "disable"})


def test_ids_are_as_short_as_the_vendor_takes_them(openai, upstream):
    """Other vendors, and clients, make longer ones; a call and its result still have the same."""
    def conversation(name):
        call = {"type": "tool_call", "id": name, "name": "get_weather", "arguments": {}}
        return [{"role": "user", "content": "W?"}, {"role": "assistant", "content": [call]},
                {"role": "user", "content": [{"type": "tool_result", "id": name, "content": "Rain"}]}]  # fmt: skip

    for length, kept in ((40, True), (41, False)):
        body = chat(openai, upstream, conversation("c" * length), parameters={"user": "u" * 65})
        ids = {body["messages"][1]["tool_calls"][0]["id"], body["messages"][2]["tool_call_id"]}
        assert len(ids) == 1 and (ids == {"c" * length}) is kept and len(ids.pop()) <= 40
    for length, kept in ((64, True), (400, False)):
        body = responses(openai, upstream, conversation("c" * length), parameters={"user": "u" * 65, "prompt_cache_key": "k" * 65})
        ids = {body["input"][1]["call_id"], body["input"][2]["call_id"]}
        assert len(ids) == 1 and (ids == {"c" * length}) is kept and len(ids.pop()) <= 64
    assert re.fullmatch("user_[0-9a-f]{16}", body["user"])
    assert re.fullmatch("prompt_cache_key_[0-9a-f]{16}", body["prompt_cache_key"])


@pytest.mark.parametrize("parameters, reasoning", [
    ({"reasoning_effort": "high"}, {"effort": "high", "summary": "auto"}),
    ({"reasoning_effort": "high", "show_thinking": False}, {"effort": "high"}),
    ({"reasoning_effort": "disable"}, None),
    ({"show_thinking": True}, {"summary": "auto"}),
    ({"reasoning_effort": "none"}, {"effort": "none", "summary": "auto"}),
])  # fmt: skip
def test_reasoning_of_a_response(openai, upstream, parameters, reasoning):
    assert responses(openai, upstream, parameters=parameters).get("reasoning") == reasoning


def test_a_response_is_allowed_at_least_sixteen_tokens(openai, upstream):
    assert responses(openai, upstream, parameters={"max_tokens": 5})["max_output_tokens"] == 16


def test_what_only_a_chat_knows_is_asked_in_a_chat(openai, upstream):
    assert chat(openai, upstream, settings=RESPONSES, parameters={"stop": ["x"]})["stop"] == ["x"]


def test_built_in_tools(openai, upstream):
    search = {"type": "web_search", "search_context_size": "medium"}
    assert responses(openai, upstream, built_in_tools=[search])["tools"] == [search]
    assert chat(openai, upstream, built_in_tools=[search])["web_search_options"] == {"search_context_size": "medium"}


def test_a_search_in_everybodys_words(openai, upstream):
    search = {"context_size": "low", "location": {"country": "FR"}, "allowed_domains": ["a.org"], "live": False, "max_uses": 2}
    body = responses(openai, upstream, built_in_tools=[{"web_search": search}])
    assert body["tools"] == [{"type": "web_search", "search_context_size": "low", "filters": {"allowed_domains": ["a.org"]},
                              "user_location": {"type": "approximate", "country": "FR"}, "external_web_access": False}]
    assert body["max_tool_calls"] == 2
    own = {"type": "web_search", "search_content_types": ["text"]}
    assert responses(openai, upstream, built_in_tools=[{"web_search": {}, "wire": "openai", "tool": own}])["tools"] == [own]
    assert responses(openai, upstream, built_in_tools=[{"wire": "anthropic", "tool": own}]).get("tools") is None
    options = chat(openai, upstream, built_in_tools=[{"web_search": search, "wire": "openai", "tool": own}])["web_search_options"]
    assert options == {"search_context_size": "low", "user_location": {"type": "approximate", "approximate": {"country": "FR"}}}


def test_what_servers_like_it_do_differently(talk, upstream):
    server = talk("llm-openai", base_url=upstream.url, title="vLLM", needs_key=False, max_tokens_name="max_tokens",
                  stream_usage=False, system_role="developer", chat_path="/other/chat/completions", tools=False,
                  extra_body={"top_k": 5, "user": None}, model_body={"big": {"model": "bigger", "priority": 1}})  # fmt: skip
    body = chat(server, upstream, BRIEF, model="big", parameters={"max_tokens": 9, "user": "u"},
                settings={"wire": {"extra_body": {"priority": 2}}})  # fmt: skip
    assert body == {"model": "bigger", "messages": [{"role": "developer", "content": "Be brief."}, BRIEF[1]],
                    "max_tokens": 9, "stream": True, "top_k": 5, "priority": 2}  # fmt: skip
    assert upstream.last.path == "/other/chat/completions"
    answer = server(tools=[WEATHER])
    assert (answer.r, answer.fault, answer.error) == ("invalid", "bad_request", "vLLM takes no tools")


# ---- answers ----------------------------------------------------------------------

SAID = Said("Hello \u20ac there", thought="They greet.", input=20, cached=5, output=9, reasoning=3)


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("style", ["chat", "responses"])
def test_an_answer(openai, upstream, style, stream):
    upstream.answer(OPENAI_CHAT, openai_chat(SAID)).answer(OPENAI_RESPONSES, openai_responses(SAID))
    answer = openai(settings={"api_style": style}, parameters={"stream": stream})
    assert (answer.r, answer.text, answer.thought, answer.stop_reason) == ("ok", SAID.text, SAID.thought, "stop")
    assert used(answer) == [20, 5, 0, 9, 3]
    assert (answer.model, answer.fault, answer.vendor_status) == ("model-of-the-vendor", "none", 200)
    assert answer.vendor_request_id == {"chat": "chatcmpl-1", "responses": "resp_1"}[style]


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("style", ["chat", "responses"])
def test_tool_calls(openai, upstream, style, stream):
    said = Said("Wait.", tools=[("get_weather", {"city": "Paris"}), ("now", {})])
    upstream.answer(OPENAI_CHAT, openai_chat(said)).answer(OPENAI_RESPONSES, openai_responses(said))
    answer = openai(settings={"api_style": style}, parameters={"stream": stream}, tools=[WEATHER])
    assert answer.tool_calls == [{"id": "call_0", "name": "get_weather", "arguments": {"city": "Paris"}},
                                 {"id": "call_1", "name": "now", "arguments": {}}]  # fmt: skip
    assert (answer.text, answer.stop_reason) == ("Wait.", "tool_calls")


@pytest.mark.parametrize("style", ["chat", "responses"])
@pytest.mark.parametrize("stop", ["length", "content_filter"])
def test_why_it_stopped(openai, upstream, style, stop):
    said = Said("Half", stop=stop)
    upstream.answer(OPENAI_CHAT, openai_chat(said)).answer(OPENAI_RESPONSES, openai_responses(said))
    assert openai(settings={"api_style": style}).stop_reason == stop


def test_pieces_that_differ_in_their_text_alone(openai, upstream):
    def chunk(text, **more):
        return {"id": "c", "choices": [{"index": 0, "delta": {"content": text, **more}, "finish_reason": None}], "usage": None}

    texts = ["one", " two", "", 'quo"ted', "back\\slash", "né", "line\nbreak", '"content":"x', "three", "a" * 5000, " four"]
    raw = json.dumps(chunk("half \x00")).replace("\\u0000", "\udcff").encode("utf-8", "surrogateescape")
    thought = chunk(None, reasoning_content="hm")
    events = [*map(chunk, texts), chunk("five"), thought, chunk("six"), b"data: " + raw + b"\n\n", chunk("seven")]
    upstream.answer(OPENAI_CHAT, sse(*events, {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}, "[DONE]"))
    answer = openai()
    assert answer.r == "ok"
    assert [piece["text"] for piece in answer.pieces] == [*filter(None, texts), "five", "hm", "six", "half \ufffd", "seven"]


def test_pieces_come_as_they_are_sent(openai, upstream):
    events = openai_chat_events(Said("abcdef", piece=2))
    upstream.answer(OPENAI_CHAT, sse(*events))
    answer = openai()
    assert [piece["text"] for piece in answer.pieces] == ["ab", "cd", "ef"]


def test_what_was_thought_is_sent_back(openai, upstream):
    said = Said("Yes", thought="Hm", tools=[("f", {})], signature="sealed")
    upstream.answer(OPENAI_RESPONSES, openai_responses(said))
    answer = openai(settings=RESPONSES)
    item = {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "Hm"}],
            "encrypted_content": "sealed"}  # fmt: skip
    assert answer.replays == [{"wire": "OpenAI", "item": item}]
    turn = [{"role": "user", "content": "a"}, answer.as_message(), {"role": "user", "content": "b"}]
    assert responses(openai, upstream, turn)["input"][1] == {name: item[name] for name in ("type", "summary", "encrypted_content")}
    # Another vendor's is not.
    other = json.loads(json.dumps(turn).replace('"OpenAI"', '"anthropic"'))
    assert "sealed" not in json.dumps(responses(openai, upstream, other))
    assert "sealed" not in json.dumps(chat(openai, upstream, turn))


@pytest.mark.parametrize("item", [
    {"type": "item_reference", "id": "rs_of_another"},
    {"type": "message", "role": "user", "content": [{"type": "input_file", "file_id": "file-of-the-operator"}]},
    {"role": "user", "content": [{"type": "input_file", "file_url": "https://example.com/large.pdf"}]},
    {"type": "reasoning", "id": "rs_of_another", "summary": []},
    "text",
])  # fmt: skip
def test_what_is_no_sealed_thought_is_not_sent_as_one(openai, upstream, item):
    turn = [{"role": "user", "content": "a"},
            {"role": "assistant", "content": [{"type": "thought", "text": "", "replay": {"wire": "OpenAI", "item": item}},
                                              {"type": "text", "text": "Yes"}]},
            {"role": "user", "content": "b"}]  # fmt: skip
    assert [said["role"] for said in responses(openai, upstream, turn)["input"]] == ["user", "assistant", "user"]


def test_what_a_chat_thought_is_sent_back_where_that_is_wanted(talk, upstream):
    deepseek = talk("llm-openai", base_url=upstream.url, title="DeepSeek", reasoning_content=True)
    upstream.answer(OPENAI_CHAT, openai_chat(Said("Yes", thought="Hm, well, yes.")))
    answer = deepseek()
    assert answer.replays == [{"wire": "DeepSeek", "reasoning_content": "Hm, well, yes."}]
    deepseek([{"role": "user", "content": "a"}, answer.as_message(), {"role": "user", "content": "b"}])
    assert upstream.last.json["messages"][1] == {"role": "assistant", "content": "Yes", "reasoning_content": "Hm, well, yes."}


def test_a_refusal(openai, upstream):
    chunk = {"choices": [{"index": 0, "delta": {"refusal": "I cannot."}, "finish_reason": "stop"}]}
    upstream.answer(OPENAI_CHAT, sse(chunk, "[DONE]"))
    answer = openai()
    assert (answer.r, answer.text, answer.stop_reason) == ("ok", "I cannot.", "content_filter")
    upstream.answer(OPENAI_RESPONSES, sse({"type": "response.refusal.delta", "delta": "I can"},
                    {"type": "response.refusal.delta", "delta": "not."},
                    {"type": "response.completed", "response": openai_response(Said(), output=[])}))  # fmt: skip
    answer = openai(settings=RESPONSES)
    assert (answer.text, answer.stop_reason) == ("I cannot.", "content_filter")


CITED = {"type": "url_citation", "url": "https://x.test/a", "title": "A", "start_index": 0, "end_index": 3}


def test_sources(openai, upstream):
    nested = {"type": "url_citation", "url_citation": {"url": "https://x.test/a", "title": "A"}}
    upstream.answer(OPENAI_CHAT, sse({"choices": [{"index": 0, "delta": {"content": "x", "annotations": [nested, nested]}}]},
                                     {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}, "[DONE]"))  # fmt: skip
    assert openai().sources == [{"url": "https://x.test/a", "title": "A"}]
    message = {"type": "message", "content": [{"type": "output_text", "text": "x", "annotations": [CITED]}]}
    searched = {"type": "web_search_call", "id": "ws_1", "status": "completed"}
    upstream.answer(OPENAI_RESPONSES, sse(
        {"type": "response.web_search_call.searching", "item_id": "ws_1"},
        {"type": "response.output_item.done", "item": searched},
        {"type": "response.output_text.delta", "delta": "x"},
        {"type": "response.output_text.annotation.added", "annotation": CITED},
        {"type": "response.output_item.done", "item": message},
        {"type": "response.completed", "response": openai_response(Said("x"))}, named=True))  # fmt: skip
    answer = openai(settings=RESPONSES)
    assert (answer.sources, answer.text) == ([{"url": "https://x.test/a", "title": "A", "from": 0, "to": 3}], "x")


def test_events_that_nobody_knows_are_skipped(openai, upstream):
    first, *rest = openai_chat_events(Said("Hi"))
    upstream.answer(OPENAI_CHAT, sse(first | {"obfuscation": "xyz", "system_fingerprint": "fp", "service_tier": "flex"},
                                     b": comment\n\n", b"event: new\ndata: {}\n\n", *rest))  # fmt: skip
    assert openai().text == "Hi"
    upstream.answer(OPENAI_RESPONSES, sse({"type": "response.brand_new", "x": 1}, *openai_responses_events(Said("Hi")), named=True))
    assert openai(settings=RESPONSES).text == "Hi"


def test_the_vendors_request_id_is_its_header(openai, upstream):
    upstream.answer(OPENAI_CHAT, sse(*openai_chat_events(Said("Hi")), headers={"x-request-id": "req_9"}))
    assert openai().vendor_request_id == "req_9"


def test_a_server_that_counts_every_call_as_the_first(openai, upstream):
    def piece(**call):
        return {"choices": [{"index": 0, "delta": {"tool_calls": [call]}}]}

    upstream.answer(OPENAI_CHAT, sse(
        piece(index=0, id="a", function={"name": "f", "arguments": '{"x":'}), piece(index=0, function={"arguments": "1}"}),
        piece(index=0, id="b", function={"name": "g", "arguments": {"y": 2}}),
        piece(id="c", function={"name": "h"}),
        {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}))  # fmt: skip
    answer = openai()
    assert [(call["id"], call["name"], call["arguments"]) for call in answer.tool_calls] == [
        ("a", "f", {"x": 1}), ("b", "g", {"y": 2}), ("c", "h", {})]  # fmt: skip
    assert answer.stop_reason == "tool_calls"


def test_arguments_that_are_not_json(openai, upstream):
    call = {"index": 0, "id": "a", "function": {"name": "f", "arguments": '{"x":'}}
    for reason in ("tool_calls", "length"):
        upstream.answer(OPENAI_CHAT, sse({"choices": [{"index": 0, "delta": {"tool_calls": [call]}, "finish_reason": reason}]}))
        answer = openai()
        if reason == "length":  # there was no room for the rest
            assert (answer.r, answer.tool_calls, answer.stop_reason) == ("ok", [], "length")
        else:
            assert (answer.r, answer.fault) == ("unavailable", "overloaded")
            assert answer.error == "OpenAI sent a tool call that is not JSON"


def test_usage_by_kind(openai, upstream):
    def use(**usage):
        upstream.answer(OPENAI_CHAT, whole({"choices": [{"message": {"content": "x"}, "finish_reason": "stop"}], "usage": usage}))
        return used(openai(parameters={"stream": False}))

    details = {"prompt_tokens_details": {"cached_tokens": 3, "cache_write_tokens": 2},
               "completion_tokens_details": {"reasoning_tokens": 4}}  # fmt: skip
    assert use(prompt_tokens=10, completion_tokens=6, total_tokens=16, **details) == [10, 3, 2, 6, 4]
    # A vendor that counts reasoning beside the output.
    assert use(prompt_tokens=10, completion_tokens=6, total_tokens=20, **details) == [10, 3, 2, 10, 4]
    assert use(prompt_tokens="12", completion_tokens=None, prompt_cache_hit_tokens=7) == [12, 7, 0, 0, 0]


def test_usage_that_says_nothing_does_not_undo_what_was_said(openai, upstream):
    told = {"prompt_tokens": 10, "completion_tokens": 6, "total_tokens": 16}
    done = {"choices": [{"index": 0, "delta": {"content": "x"}, "finish_reason": "stop"}], "usage": told}
    for nothing in ({"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}, {"strange": 0}, {}, None):
        upstream.answer(OPENAI_CHAT, sse(done, {"choices": [], "usage": nothing}, "[DONE]"))
        assert used(openai()) == [10, 0, 0, 6, 0]


@pytest.mark.parametrize("arguments", ["", " ", "\n", "null", " null", None, "{}"])
def test_a_tool_that_is_called_without_arguments(openai, upstream, arguments):
    call = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": arguments}}
    upstream.answer(OPENAI_CHAT, whole({"choices": [{"message": {"tool_calls": [call]}, "finish_reason": "tool_calls"}]}))
    answer = openai(parameters={"stream": False})
    assert [(one["name"], one["arguments"]) for one in answer.tool_calls] == [("f", {})]


def test_the_caller_has_enough(openai, upstream):
    upstream.answer(OPENAI_CHAT, sse(*openai_chat_events(Said("abcdef", piece=1))))
    answer = openai(stop_after=2)
    assert (answer.r, answer.fault, answer.text) == ("cancelled", "none", "ab")


def test_of_several_answers_the_first(openai, upstream):
    def chunk(index, text, finish=None):
        return {"choices": [{"index": index, "delta": {"content": text}, "finish_reason": finish}]}

    upstream.answer(OPENAI_CHAT, sse(chunk(1, "B"), chunk(0, "A"), chunk(1, "", "stop"), chunk(0, "a", "stop"), "[DONE]"))
    assert openai(parameters={"n": 2}).text == "Aa"


# ---- errors -----------------------------------------------------------------------


def error(code=None, kind="invalid_request_error", message="Because."):
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


@pytest.mark.parametrize("status, body, fault, r", [
    (400, error(), "bad_request", "invalid"),
    (400, error("context_length_exceeded"), "context_too_long", "too_large"),
    (400, error(message="This model's maximum context length is 8192 tokens."), "context_too_long", "too_large"),
    (400, error("content_policy_violation"), "refused", "invalid"),
    (401, error("invalid_api_key"), "bad_key", "denied"),
    (403, error("unsupported_country_region_territory"), "bad_key", "denied"),
    (404, error("model_not_found"), "bad_request", "invalid"),
    (409, error(), "overloaded", "unavailable"),
    (422, error(), "bad_request", "invalid"),
    (429, error("rate_limit_exceeded", "requests"), "rate_limit", "busy"),
    (429, error("insufficient_quota", "insufficient_quota"), "no_credit", "denied"),
    (429, error("billing_hard_limit_reached", "billing_not_active"), "no_credit", "denied"),
    (429, error("rate_limit_exceeded", "tokens", "Request too large for gpt-4o on tokens per min"), "context_too_long", "too_large"),
    (500, error(None, "server_error"), "overloaded", "unavailable"),
    (503, error("slow_down", "service_unavailable"), "overloaded", "unavailable"),
    (400, {"detail": "Field required"}, "bad_request", "invalid"),
    (404, {"error": "model 'x' not found"}, "bad_request", "invalid"),
    (400, [{"error": {"code": 400, "message": "No"}}], "bad_request", "invalid"),
])  # fmt: skip
def test_errors(openai, upstream, status, body, fault, r):
    upstream.answer(OPENAI_CHAT, whole(body, status, {"x-request-id": "req_1"}))
    answer = openai()
    assert (answer.fault, answer.r, answer.vendor_status, answer.vendor_request_id) == (fault, r, status, "req_1")
    assert answer.error.startswith("OpenAI ") and f"({status}): " in answer.error


@pytest.mark.parametrize("status, said, fault", [
    (400, "true", "overloaded"), (500, "false", "bad_request"), (429, "false", "no_credit"), (401, "true", "bad_key"),
])  # fmt: skip
def test_the_vendor_says_whether_to_try_again(openai, upstream, status, said, fault):
    upstream.answer(OPENAI_CHAT, whole(error(), status, {"x-should-retry": said}))
    assert openai().fault == fault


@pytest.mark.parametrize("left, reset, ms", [("0", "6m0s", 360_000), ("0", "250ms", 250), ("0", "1h0m0.5s", 3_600_500),
                                             ("5", "6m0s", 0), ("0", "later", 0), ("0", "5", 0)])  # fmt: skip
def test_when_a_limit_begins_anew(openai, upstream, left, reset, ms):
    headers = {"x-ratelimit-remaining-tokens": left, "x-ratelimit-reset-tokens": reset}
    upstream.answer(OPENAI_CHAT, whole(error("rate_limit_exceeded"), 429, headers))
    assert openai().retry_after_ms == ms
    upstream.answer(OPENAI_CHAT, whole(error("rate_limit_exceeded"), 429, headers | {"retry-after": "2"}))
    assert openai().retry_after_ms == 2000


@pytest.mark.parametrize("code, fault", [("server_error", "overloaded"), ("rate_limit_exceeded", "rate_limit"),
                                         ("invalid_prompt", "refused"), ("context_length_exceeded", "context_too_long"),
                                         (None, "overloaded")])  # fmt: skip
def test_a_response_that_failed(openai, upstream, code, fault):
    failed = openai_response(Said("Half"), "failed", []) | {"error": {"code": code, "message": "Because."} if code else None}
    upstream.answer(OPENAI_RESPONSES, sse({"type": "response.output_text.delta", "delta": "Half"},
                                          {"type": "response.failed", "response": failed}, named=True))  # fmt: skip
    answer = openai(settings=RESPONSES)
    assert (answer.fault, answer.text, answer.usage["input_tokens"]) == (fault, "Half", 11)


def test_an_answer_that_ends_in_an_error(openai, upstream):
    upstream.answer(OPENAI_CHAT, sse({"choices": [{"index": 0, "delta": {}, "finish_reason": "error"}]}))
    assert openai().fault == "overloaded"


# ---- models -----------------------------------------------------------------------


def test_the_list_of_a_server(talk, upstream):
    upstream.answer("/models", whole({"object": "list", "data": [
        {"id": "qwen3", "object": "model", "max_model_len": 32768}, {"object": "nothing"},
        {"id": "a/b", "context_length": 1000, "description": "d", "top_provider": {"max_completion_tokens": 100},
         "pricing": {"prompt": "0.00000125", "completion": "0.00001", "input_cache_read": "0.000000125"},
         "architecture": {"input_modalities": ["text", "image"], "output_modalities": ["text"]},
         "supported_parameters": ["temperature", "max_tokens", "reasoning"]}]}))  # fmt: skip
    qwen, other = talk("llm-openai", base_url=upstream.url, live_models=True).models()
    assert (qwen["id"], qwen["context_window"], qwen["parameters"]["max_tokens"]["max"]) == ("qwen3", 32768, 32768)
    assert other["price"] == {"input": 1.25, "output": 10.0, "cache_read": 0.125}
    assert (list(other["parameters"]), other["description"]) == (["temperature", "max_tokens", "reasoning_effort"], "d")
    assert other["modalities"] == {"input": ["text", "image"], "output": ["text"]}
    assert other["parameters"]["max_tokens"]["max"] == 100


def test_a_list_that_is_none(talk, upstream):
    server = talk("llm-openai", base_url=upstream.url, live_models=True)
    upstream.answer("/models", whole({"error": {"message": "no"}}, 401))
    assert server.models() == ("denied", "OpenAI does not accept the key (401)")
    upstream.answer("/models", whole("nothing"))
    assert server.models() == ("unavailable", "OpenAI sent something that is not JSON")


def test_the_catalog_knows_the_models(openai):
    assert openai.models() is None




def test_the_server_of_the_readme(talk, upstream):
    example = next(yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", README, re.S) if "vllm:" in block)
    settings = example["plugins"]["vllm"] | {"base_url": upstream.url, "api_key_env": ""}
    vllm = talk(settings.pop("plugin"), name="vllm", **settings)
    assert chat(vllm, upstream, parameters={"max_tokens": 5}, api_key=None)["max_tokens"] == 5
    upstream.answer("/models", whole({"data": [{"id": "qwen3"}]}))
    assert [model["id"] for model in vllm.models()] == ["qwen3"]
