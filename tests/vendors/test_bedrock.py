# SPDX-License-Identifier: Apache-2.0
"""llm-bedrock speaks Converse as its vendor does."""

import base64
import json
import pathlib
import struct
import subprocess
import zlib

import pytest
from node_tools import modules, run_client
from talk import WEATHER
from vendor import CUT, HALF, RESET, STALL, Gate, in_pieces, raw, sse, stream, whole
from vendor_formats import BEDROCK, Said, bedrock, bedrock_events, bedrock_frame

CONVERSE = pathlib.Path(__file__).resolve().parent / "converse.mjs"
SIGNATURE = CONVERSE.parent.parent / "support" / "signature.mjs"

CLAUDE = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
PROFILE = "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc"
THINKS = {"supports_thinking": True, "supports_effort": False, "returns_thoughts": True,
          "parameters": {"max_tokens": {"type": "integer", "default": 16384, "max": 64000}}}  # fmt: skip
EFFORT = THINKS | {"supports_effort": True}
PLAIN = {"supports_thinking": False}
SIGNS = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"}
# Of AWS's own codec.
GOLDEN = bytes.fromhex(
    "000000b40000004e11011d2a0b3a6576656e742d747970650700086d657461646174610d3a636f6e74656e742d747970650700106170706c6963"
    "6174696f6e2f6a736f6e0d3a6d6573736167652d747970650700056576656e747b227573616765223a7b22696e707574546f6b656e73223a332c"
    "226f7574707574546f6b656e73223a322c22746f74616c546f6b656e73223a357d2c226d657472696373223a7b226c6174656e63794d73223a37"
    "7d7dd1014739")  # fmt: skip


@pytest.fixture
def model(talk, upstream):
    """Asks, and is told "Hello there" unless the test has scripted something else."""
    upstream.answer(BEDROCK, bedrock(Said("Hello there")))
    return talk("llm-bedrock", base_url=upstream.url)


@pytest.fixture
def sent(model, upstream):
    """What is sent for a call."""

    def sent(messages="Hi", **call):
        answer = model(messages, **call)
        assert answer.r == "ok", answer
        return upstream.last.json

    return sent


# ---- requests ---------------------------------------------------------------------


def test_a_request(model, upstream):
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Weather in Paris?"}]
    model(messages, model="amazon.nova-lite-v1:0", api_key="bedrock-key", tools=[WEATHER], tool_choice="auto",
          parameters={"max_tokens": 64, "temperature": 0.5, "top_p": 0.9, "stop": ["END"], "service_tier": "flex",
                      "guardrailConfig": {"guardrailIdentifier": "g", "guardrailVersion": "1"}})  # fmt: skip
    request = upstream.last
    assert (request.method, request.target) == ("POST", "/model/amazon.nova-lite-v1%3A0/converse-stream")
    assert request.headers["authorization"] == "Bearer bedrock-key"
    assert request.headers["content-type"] == "application/json"
    assert not any(name.startswith("x-amz-") for name in request.headers)
    assert request.json == {
        "system": [{"text": "Be brief."}],
        "messages": [{"role": "user", "content": [{"text": "Weather in Paris?"}]}],
        "inferenceConfig": {"maxTokens": 64, "temperature": 0.5, "topP": 0.9, "stopSequences": ["END"]},
        "toolConfig": {"tools": [{"toolSpec": {"name": "get_weather", "description": "d",
                                               "inputSchema": {"json": WEATHER["parameters"]}}}], "toolChoice": {"auto": {}}},
        "serviceTier": {"type": "flex"},
        "guardrailConfig": {"guardrailIdentifier": "g", "guardrailVersion": "1"}}  # fmt: skip


@pytest.mark.parametrize("name, path", [
    (CLAUDE, "us.anthropic.claude-sonnet-4-5-20250929-v1%3A0"),
    (PROFILE, "arn%3Aaws%3Abedrock%3Aus-east-1%3A123456789012%3Aapplication-inference-profile%2Fabc"),
    ("a b/ü", "a%20b%2F%C3%BC"),
])  # fmt: skip
def test_ids_are_encoded_once(model, upstream, name, path):
    assert model(model=name).r == "ok"
    assert upstream.last.target == f"/model/{path}/converse-stream"


def test_max_tokens(sent):
    assert sent()["inferenceConfig"] == {"maxTokens": 4096}
    assert sent(settings=THINKS)["inferenceConfig"] == {"maxTokens": 16384}


@pytest.mark.parametrize("name, settings, parameters, fields, output", [
    (CLAUDE, THINKS, {}, None, None),
    (CLAUDE, THINKS, {"reasoning_effort": "disable"}, {"thinking": {"type": "disabled"}}, None),
    (CLAUDE, THINKS, {"reasoning_effort": "low", "top_k": 5},
     {"thinking": {"type": "enabled", "budget_tokens": 3260}}, None),
    (CLAUDE, THINKS, {"top_k": 5}, {"top_k": 5}, None),
    (CLAUDE, EFFORT, {"reasoning_effort": "high"}, {"thinking": {"type": "adaptive", "display": "summarized"}},
     {"effort": "high"}),
    (PROFILE, THINKS | {"wire": {"family": "claude"}}, {"thinking_budget": 2000},
     {"thinking": {"type": "enabled", "budget_tokens": 2000}}, None),
    ("us.amazon.nova-2-lite-v1:0", THINKS, {"reasoning_effort": "low", "top_k": 5},
     {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": "low"}, "inferenceConfig": {"topK": 5}}, None),
    ("us.amazon.nova-2-lite-v1:0", THINKS, {"reasoning_effort": "disable"}, {"reasoningConfig": {"type": "disabled"}}, None),
    ("us.amazon.nova-pro-v1:0", PLAIN, {"reasoning_effort": "low"}, None, None),
    ("deepseek.v3-v1:0", THINKS, {"reasoning_effort": "high"}, {"reasoning_effort": "high"}, None),
    ("deepseek.v3-v1:0", THINKS, {"reasoning_effort": "disable"}, None, None),
    ("qwen.qwen3-32b-v1:0", THINKS, {"additionalModelRequestFields": {"x": 1}, "top_k": 3}, {"top_k": 3, "x": 1}, None),
])  # fmt: skip
def test_what_is_of_one_family(sent, name, settings, parameters, fields, output):
    body = sent(model=name, settings=settings, parameters=parameters)
    assert (body.get("additionalModelRequestFields"), body.get("outputConfig")) == (fields, output)


def test_who_thinks_is_sent_no_temperature(sent):
    def config(name, **parameters):
        sampling = {"temperature": 0.3, "top_p": 0.8, "max_tokens": 5000}
        return sent(model=name, settings=THINKS, parameters=sampling | parameters).get("inferenceConfig")

    assert config(CLAUDE, thinking_budget=2000) == {"maxTokens": 5000}
    assert config(CLAUDE, thinking_budget=2000, top_p=0.97) == {"maxTokens": 5000, "topP": 0.97}
    assert config("us.amazon.nova-2-lite-v1:0", reasoning_effort="high") == {}
    assert config("us.amazon.nova-2-lite-v1:0", reasoning_effort="low")["temperature"] == 0.3


@pytest.mark.parametrize("choice, said", [
    (None, None), ("auto", {"auto": {}}), ("required", {"any": {}}), ({"name": "get_weather"}, {"tool": {"name": "get_weather"}}),
])  # fmt: skip
def test_tool_choice(sent, choice, said):
    assert sent(tools=[WEATHER], tool_choice=choice)["toolConfig"].get("toolChoice") == said


def test_no_tool_may_be_called_where_none_is_named(sent):
    assert "toolConfig" not in sent(tools=[WEATHER], tool_choice="none")


def test_structured_output_goes_as_text(sent):
    schema = {"type": "object", "properties": {"b": {"type": "null"}, "a": {"type": "integer"}}}
    text = sent(reply_schema=schema)["outputConfig"]["textFormat"]
    assert text["type"] == "json_schema"
    assert json.loads(text["structure"]["jsonSchema"]["schema"]) == schema | {"additionalProperties": False}


def test_models_that_take_no_schema_answer_by_a_tool(model, upstream):
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}}
    upstream.answer(BEDROCK, bedrock(Said(tools=[("give_the_answer", {"a": 1})])))
    answer = model(settings={"can_tool_call": True}, reply_schema=schema)
    assert (answer.r, answer.text, answer.tool_calls, answer.stop_reason) == ("ok", '{"a":1}', [], "stop")
    (tool,) = upstream.last.json["toolConfig"]["tools"]
    assert tool["toolSpec"]["inputSchema"]["json"] == schema and "outputConfig" not in upstream.last.json
    assert upstream.last.json["toolConfig"]["toolChoice"] == {"any": {}}
    model(settings={"can_tool_call": True, "can_structured_output": True}, reply_schema=schema)
    assert "toolConfig" not in upstream.last.json and "outputConfig" in upstream.last.json
    model(settings={"can_tool_call": True, "can_structured_output": True}, reply_schema={"type": "object"})
    assert "toolConfig" in upstream.last.json and "outputConfig" not in upstream.last.json


def test_a_strict_tool_is_held_to_what_the_vendor_takes(sent):
    tool = {"name": "f", "strict": True, "parameters": {"type": "object", "properties": {"a": {"type": "null"}}}}
    spec = sent(tools=[tool], settings={"can_structured_output": True})["toolConfig"]["tools"][0]["toolSpec"]
    assert spec["strict"] is True and spec["inputSchema"]["json"] == tool["parameters"] | {"additionalProperties": False}
    spec = sent(tools=[tool], settings={"can_tool_call": True})["toolConfig"]["tools"][0]["toolSpec"]
    assert spec == {"name": "f", "inputSchema": {"json": tool["parameters"]}}


def test_built_in_tools(sent):
    grounding = {"systemTool": {"name": "nova_grounding"}}
    assert sent(built_in_tools=[grounding])["toolConfig"] == {"tools": [grounding]}


def test_images_and_documents(sent):
    pdf = {"type": "file", "media_type": "application/pdf", "data": "JVBE", "name": "a_b..pdf"}
    content = sent([{"role": "user", "content": [
        {"type": "text", "text": "See"}, {"type": "image", "media_type": "image/jpeg", "data": "/9j/"},
        pdf, pdf, {"type": "file", "media_type": "text/csv", "data": "YSxi"},
    ]}])["messages"][0]["content"]  # fmt: skip
    assert content == [
        {"text": "See"}, {"image": {"format": "jpeg", "source": {"bytes": "/9j/"}}},
        {"document": {"format": "pdf", "name": "a b pdf", "source": {"bytes": "JVBE"}}},
        {"document": {"format": "pdf", "name": "a b pdf (2)", "source": {"bytes": "JVBE"}}},
        {"document": {"format": "csv", "name": "Document (3)", "source": {"bytes": "YSxi"}}},
    ]  # fmt: skip


@pytest.mark.parametrize("part, error", [
    ({"type": "image", "media_type": "image/tiff", "data": "AA=="}, "Bedrock does not take images of the type 'image/tiff'"),
    ({"type": "file", "media_type": "audio/mp3", "data": "AA=="}, "Bedrock does not take files of the type 'audio/mp3'"),
    ({"type": "image", "media_type": "image/png", "url": "https://a"},
     "Bedrock takes images and files by their bytes, not by their URL"),
    ({"type": "hologram"}, "Bedrock does not take parts of the type 'hologram'"),
])  # fmt: skip
def test_parts_that_cannot_be_sent_are_refused(model, upstream, part, error):
    answer = model([{"role": "user", "content": [part]}])
    assert (answer.r, answer.fault, answer.error) == ("invalid", "bad_request", error)
    assert upstream.requests == []


def test_an_image_is_of_the_format_of_its_bytes(sent):
    image = {"type": "image", "media_type": "image/png", "data": "/9j/4AAQ"}
    assert sent([{"role": "user", "content": [image]}])["messages"][0]["content"][0]["image"]["format"] == "jpeg"


def test_an_answer_that_was_cut_off_while_it_thought_is_left_out(sent):
    """A message that ends in thoughts is refused."""
    thought = {"type": "thought", "text": "Hm.", "replay": {"wire": "bedrock", "signature": "c2ln"}}
    messages = sent([{"role": "user", "content": [{"type": "text", "text": "a"}]}, {"role": "assistant", "content": [thought, thought]},
                     {"role": "user", "content": [{"type": "text", "text": "b"}]},
                     {"role": "assistant", "content": [thought, {"type": "text", "text": "c"}, thought]},
                     {"role": "user", "content": "d"}])["messages"]  # fmt: skip
    assert [message["role"] for message in messages] == ["user", "assistant", "user"]
    assert [block["text"] for block in messages[0]["content"]] == ["a", "b"] and messages[1]["content"][-1]["text"] == "c"
    assert len(messages[1]["content"]) == 2


def test_a_document_comes_with_words(sent):
    pdf = {"type": "file", "media_type": "application/pdf", "data": "JVBE", "name": "a"}
    *_, words = sent([{"role": "user", "content": [pdf, {"type": "text", "text": " "}]}])["messages"][0]["content"]
    assert words == {"text": "(a document)"}


@pytest.mark.parametrize("content", ["", "\n", [], [{"type": "text", "text": " "}]])
def test_a_tool_that_answers_nothing_is_told_in_words(sent, content):
    """The vendor takes no text that is blank, nor a result without content."""
    messages = sent([
        {"role": "user", "content": "Run it"},
        {"role": "assistant", "content": [{"type": "tool_call", "id": "c", "name": "run", "arguments": {}}]},
        {"role": "user", "content": [{"type": "tool_result", "id": "c", "content": content}]},
    ], tools=[WEATHER])["messages"]  # fmt: skip
    assert messages[2]["content"] == [{"toolResult": {"toolUseId": "c", "content": [{"text": "(empty)"}]}}]


@pytest.mark.parametrize("name", ["us.amazon.nova-pro-v1:0", "us.meta.llama3-3-70b-instruct-v1:0", "deepseek.v3-v1:0"])
def test_who_does_not_cache_is_sent_no_cache_points(sent, name):
    """The vendor refuses them, and there are clients that mark whatever they send."""
    body = sent([{"role": "user", "content": [{"type": "text", "text": "Book", "cache": {}}]}],
                tools=[WEATHER | {"cache": {}}], model=name)  # fmt: skip
    assert body["messages"][0]["content"] == [{"text": "Book"}] and len(body["toolConfig"]["tools"]) == 1


@pytest.mark.parametrize("choice", ["required", {"name": "get_weather"}])
def test_llama_calls_tools_in_whole_answers_and_as_it_likes(model, upstream, choice):
    """In a stream the vendor refuses its tools, and a choice of one everywhere."""
    said = Said("Let me look.", thought="Hm.", tools=[("get_weather", {"city": "Paris"})], input=30, cached=10)
    upstream.answer(BEDROCK, bedrock(said))
    answer = model(model="us.meta.llama4-scout-17b-instruct-v1:0", tools=[WEATHER], tool_choice=choice)
    assert (answer.r, answer.text, answer.stop_reason) == ("ok", "Let me look.", "tool_calls")
    assert [(call["name"], call["arguments"]) for call in answer.tool_calls] == [("get_weather", {"city": "Paris"})]
    assert (answer.usage["input_tokens"], answer.usage["cached_tokens"]) == (30, 10)
    assert upstream.last.path == "/model/us.meta.llama4-scout-17b-instruct-v1:0/converse"
    assert "toolChoice" not in upstream.last.json["toolConfig"]
    model(model="us.meta.llama4-scout-17b-instruct-v1:0")
    assert upstream.last.path.endswith("/converse-stream")


@pytest.mark.parametrize("body", [{}, {"output": {"message": {"content": []}}}, {"output": {"message": {"content": {}}}, "stopReason": "end_turn"},
                                  {"output": {"message": {"content": [7]}}, "stopReason": "malformed_tool_use"}])  # fmt: skip
def test_a_whole_answer_that_is_none(model, upstream, body):
    upstream.answer(BEDROCK, whole(body))
    answer = model(model="us.meta.llama4-scout-17b-instruct-v1:0", tools=[WEATHER])
    assert answer.r == "unavailable" and answer.fault in ("unreachable", "overloaded"), answer


def test_cache_points_stand_behind_what_is_marked(sent):
    body = sent([
        {"role": "system", "content": [{"type": "text", "text": "Long", "cache": {"ttl": "1h"}}]},
        {"role": "user", "content": [{"type": "text", "text": "Book", "cache": {}}, {"type": "text", "text": "?"}]},
        {"role": "assistant", "content": [{"type": "tool_call", "id": "c", "name": "get_weather", "arguments": {}}]},
        {"role": "user", "content": [{"type": "tool_result", "id": "c", "content": [{"type": "text", "text": "It rains", "cache": {}}]}]},
    ], tools=[WEATHER | {"cache": {"ttl": "5m"}}], model=CLAUDE)  # fmt: skip
    assert body["messages"][2]["content"] == [{"toolResult": {"toolUseId": "c", "content": [{"text": "It rains"}]}}]
    assert body["system"] == [{"text": "Long"}, {"cachePoint": {"type": "default", "ttl": "1h"}}]
    assert body["messages"][0]["content"] == [{"text": "Book"}, {"cachePoint": {"type": "default"}}, {"text": "?"}]
    assert body["toolConfig"]["tools"][1:] == [{"cachePoint": {"type": "default", "ttl": "5m"}}]


def test_a_conversation_with_tools(sent):
    body = sent([
        {"role": "user", "content": "Weather?"},
        {"role": "assistant", "content": [
            {"type": "thought", "text": "Hm.", "replay": {"wire": "bedrock", "signature": "c2ln"}},
            {"type": "thought", "replay": {"wire": "bedrock", "redacted": "ZGF0YQ=="}},
            {"type": "thought", "text": "Of another.", "replay": {"wire": "anthropic", "signature": "x"}},
            {"type": "tool_call", "id": "tooluse_1", "name": "get_weather", "arguments": {"city": "Paris"}}]},
        {"role": "user", "content": "Well?"},
        {"role": "user", "content": [{"type": "tool_result", "id": "tooluse_1", "is_error": True, "content": [
            {"type": "text", "text": "See"}, {"type": "image", "media_type": "image/png", "data": "iVBO"}]}]},
        {"role": "user", "content": [{"type": "tool_result", "id": "t2", "content": ""}]},
    ], model=CLAUDE)  # fmt: skip
    assert body["messages"] == [
        {"role": "user", "content": [{"text": "Weather?"}]},
        {"role": "assistant", "content": [
            {"reasoningContent": {"reasoningText": {"text": "Hm.", "signature": "c2ln"}}},
            {"reasoningContent": {"redactedContent": "ZGF0YQ=="}},
            {"toolUse": {"toolUseId": "tooluse_1", "name": "get_weather", "input": {"city": "Paris"}}}]},
        {"role": "user", "content": [
            {"toolResult": {"toolUseId": "tooluse_1", "status": "error", "content": [
                {"text": "See"}, {"image": {"format": "png", "source": {"bytes": "iVBO"}}}]}},
            {"toolResult": {"toolUseId": "t2", "content": [{"text": "(empty)"}]}},
            {"text": "Well?"}]},
    ]  # fmt: skip
    # It has to say which tools there were.
    assert [tool["toolSpec"]["name"] for tool in body["toolConfig"]["tools"]] == ["get_weather"]


def test_a_turn_whose_thought_is_not_there_goes_on_without(sent):
    call = {"type": "tool_call", "id": "t", "name": "get_weather", "arguments": {}}
    thought = {"type": "thought", "text": "Hm.", "replay": {"wire": "bedrock", "signature": "c2ln"}}

    def fields(*parts):
        turn = [{"role": "user", "content": "W?"}, {"role": "assistant", "content": [*parts, call]},
                {"role": "user", "content": [{"type": "tool_result", "id": "t", "content": "Rain"}]}]  # fmt: skip
        body = sent(turn, model=CLAUDE, tools=[WEATHER], settings=THINKS, parameters={"thinking_budget": 2000})
        return body.get("additionalModelRequestFields")

    assert fields() is None
    assert fields(thought) == {"thinking": {"type": "enabled", "budget_tokens": 2000}}


def test_awss_client_sends_the_same(model, upstream):
    """It leaves out what it does not know: our bodies have no such members."""
    picture = {"type": "image", "media_type": "image/png", "data": "iVBO"}
    talk_so_far = [
        {"role": "system", "content": [{"type": "text", "text": "Be brief.", "cache": {"ttl": "1h"}}]},
        {"role": "user", "content": [{"type": "text", "text": "Weather?", "cache": {}}, picture,
                                     {"type": "file", "media_type": "application/pdf", "data": "JVBE", "name": "a.pdf"}]},
        {"role": "assistant", "content": [
            {"type": "thought", "text": "Hm.", "replay": {"wire": "bedrock", "signature": "c2ln"}},
            {"type": "thought", "replay": {"wire": "bedrock", "redacted": "ZGF0YQ=="}},
            {"type": "tool_call", "id": "t", "name": "get_weather", "arguments": {"city": "Paris"}}]},
        {"role": "user", "content": [{"type": "tool_result", "id": "t", "is_error": True, "content": [
            {"type": "text", "text": "See"}, picture]}]},
    ]  # fmt: skip
    calls = [
        {"model": CLAUDE, "tools": [WEATHER | {"cache": {}}], "settings": EFFORT,
         "parameters": {"reasoning_effort": "low", "stop": ["END"], "service_tier": "flex",
                        "guardrailConfig": {"guardrailIdentifier": "g", "guardrailVersion": "1", "trace": "enabled"},
                        "requestMetadata": {"a": "b"}, "performanceConfig": {"latency": "optimized"}}},
        {"model": "us.amazon.nova-2-lite-v1:0", "tools": [WEATHER], "tool_choice": {"name": "get_weather"},
         "parameters": {"reasoning_effort": "low", "top_k": 3, "temperature": 0.5, "top_p": 0.25}},
        {"model": PROFILE, "tools": [WEATHER], "tool_choice": "required", "reply_schema": {"type": "object"}},
        {"model": "m", "built_in_tools": [{"systemTool": {"name": "nova_grounding"}}], "tool_choice": "auto"},
    ]  # fmt: skip
    for call in calls:
        assert model(talk_so_far, **call).r == "ok"
    ours = upstream.requests
    wanted = [{"modelId": call["model"], **request.json} for call, request in zip(calls, ours, strict=True)]
    run_client("bedrock", CONVERSE, upstream.url, json.dumps(wanted))
    theirs = upstream.requests[len(ours) :]
    assert [(request.target, request.json) for request in theirs] == [(request.target, request.json) for request in ours]


# ---- keys and signatures ----------------------------------------------------------


def signatures_of(requests, **keys):
    """What AWS's own signer says these should be."""
    given = [{"method": request.method, "target": request.target, "headers": request.headers,
              "body": base64.b64encode(request.body).decode(), **keys} for request in requests]  # fmt: skip
    done = subprocess.run(["node", SIGNATURE, modules("bedrock")], input=json.dumps(given), check=True,
                          stdout=subprocess.PIPE, text=True)  # fmt: skip
    return json.loads(done.stdout)


@pytest.mark.parametrize("token", [None, "a/session+token=="])
@pytest.mark.parametrize("prefix", ["", "/behind/a%20proxy"])
def test_signatures_are_what_awss_signer_makes(talk, upstream, token, prefix):
    upstream.answer("*", bedrock(Said("Hello there")))
    env = SIGNS | ({"AWS_SESSION_TOKEN": token} if token else {})
    signing = talk("llm-bedrock", env=env, base_url=upstream.url + prefix, region="eu-central-1")
    for name in ("amazon.nova-lite-v1", CLAUDE, PROFILE, "a b~ü*"):
        assert signing("Größe?", model=name, api_key=None).r == "ok"
    assert len(upstream.requests) == 4
    expected = signatures_of(upstream.requests, id=SIGNS["AWS_ACCESS_KEY_ID"], secret=SIGNS["AWS_SECRET_ACCESS_KEY"],
                             token=token)  # fmt: skip
    for request, signature in zip(upstream.requests, expected, strict=True):
        assert request.headers["authorization"] == signature
        assert request.headers.get("x-amz-security-token") == token
        assert "/eu-central-1/bedrock/aws4_request" in signature


def test_a_bearer_key_comes_before_keys_that_sign(talk, upstream):
    upstream.answer(BEDROCK, bedrock(Said("Hello")))
    both = talk("llm-bedrock", env=SIGNS | {"AWS_BEARER_TOKEN_BEDROCK": "of-the-server"}, base_url=upstream.url)
    both(api_key=None)
    assert upstream.last.headers["authorization"] == "Bearer of-the-server"
    signing = talk("llm-bedrock", env=SIGNS, base_url=upstream.url, region="eu-central-1")
    signing(api_key="of-the-user")
    assert upstream.last.headers["authorization"] == "Bearer of-the-user"


def test_without_a_key_nothing_is_sent(model, upstream):
    answer = model(api_key=None)
    assert (answer.r, answer.fault, answer.error) == ("denied", "bad_key", "There is no key for Bedrock: neither the caller nor this server has one")
    assert upstream.requests == []


# ---- answers ----------------------------------------------------------------------


def test_an_answer(model, upstream):
    said = Said("It rains.", thought="Let me see.", tools=[("get_weather", {"city": "Paris"})], input=30, cached=10,
                cache_write=5)  # fmt: skip
    upstream.answer(BEDROCK, bedrock(said))
    answer = model("Weather?", tools=[WEATHER])
    assert (answer.r, answer.fault, answer.stop_reason, answer.vendor_status) == ("ok", "none", "tool_calls", 200)
    assert (answer.text, answer.thought) == ("It rains.", "Let me see.")
    assert answer.tool_calls == [{"id": "tooluse_0", "name": "get_weather", "arguments": {"city": "Paris"}}]
    assert answer.replays == [{"wire": "bedrock", "signature": "c2lnbmF0dXJl"}]
    assert answer.usage == {"input_tokens": 30, "cached_tokens": 10, "cache_write_tokens": 5, "output_tokens": 7,
                            "reasoning_tokens": 0}  # fmt: skip
    hidden = model(parameters={"show_thinking": False})
    assert hidden.thought == "" and hidden.replays == answer.replays


@pytest.mark.parametrize("size", [1, 3, 100])
def test_frames_in_pieces_of_any_size(model, upstream, size):
    said = Said("Grüße, 世界 🌍", tools=[("f", {"a": "ä\n"})])
    upstream.answer(BEDROCK, in_pieces(bedrock(said)(Path()), size))
    answer = model()
    assert (answer.text, answer.tool_calls[0]["arguments"]) == (said.text, {"a": "ä\n"})


class Path:
    path = "/model/m/converse-stream"


def frames(upstream, *steps, **options):
    """`steps` are frames, (type, payload), or what a Reply is made of."""
    made = [bedrock_frame(step[1], step[0], *step[2:]) if isinstance(step, tuple) else step for step in steps]
    upstream.answer(BEDROCK, stream(*made, kind="application/vnd.amazon.eventstream", **options))


def delta(index, **member):
    return ("contentBlockDelta", {"contentBlockIndex": index, "delta": member, "p": "abcdef"})


def start(index, **member):
    return ("contentBlockStart", {"contentBlockIndex": index, "start": member})


def stop(index):
    return ("contentBlockStop", {"contentBlockIndex": index})


def end(reason="end_turn"):
    return ("messageStop", {"stopReason": reason})


USAGE = ("metadata", {"usage": {"inputTokens": 3, "outputTokens": 2, "totalTokens": 5}, "metrics": {"latencyMs": 7}})


def test_the_frame_that_awss_codec_made(model, upstream):
    frames(upstream, delta(0, text="A"), stop(0), end(), GOLDEN)
    answer = model()
    assert (answer.r, answer.usage["input_tokens"], answer.usage["output_tokens"]) == ("ok", 3, 2)


def headers_of(*headers):
    """Frame headers of every type there is: (name, type, bytes of the value)."""
    return b"".join(bytes([len(name)]) + name.encode() + bytes([kind]) + value for name, kind, value in headers)


def frame_of(headers, payload):
    prelude = struct.pack(">II", 16 + len(headers) + len(payload), len(headers))
    frame = prelude + struct.pack(">I", zlib.crc32(prelude)) + headers + payload
    return frame + struct.pack(">I", zlib.crc32(frame))


def text_header(name, value):
    return (name, 7, struct.pack(">H", len(value)) + value.encode())


def test_headers_of_any_type(model, upstream):
    headers = headers_of(("t", 0, b""), ("f", 1, b""), ("b", 2, b"1"), ("s", 3, b"12"), ("i", 4, b"1234"),
                         ("l", 5, b"12345678"), ("y", 6, b"\x00\x02ab"), ("d", 8, b"12345678"), ("u", 9, b"1" * 16),
                         text_header("x" * 255, "y" * 60000), text_header(":message-type", "event"),
                         text_header(":event-type", "contentBlockDelta"))  # fmt: skip
    payload = json.dumps(delta(0, text="A")[1]).encode()
    frames(upstream, frame_of(headers, payload), stop(0), end(), USAGE)
    assert model().text == "A"


def test_what_is_not_known_is_ignored(model, upstream):
    frames(upstream, ("messageStart", {"role": "assistant"}), ("later", {"x": 1}), ("later", b"not json"),
           delta(0, text="A"), delta(0, hologram={"z": 1}), stop(0), start(1, image={"format": "png"}),
           delta(1, image={"source": {"bytes": "AA=="}}), stop(1), delta(2, text="B"), stop(2), end(), USAGE)  # fmt: skip
    answer = model()
    assert (answer.r, answer.text, answer.stop_reason) == ("ok", "AB", "stop")


@pytest.mark.parametrize("reason, expected", [
    ("end_turn", "stop"), ("stop_sequence", "stop"), ("max_tokens", "length"), ("tool_use", "tool_calls"),
    ("model_context_window_exceeded", "length"), ("guardrail_intervened", "content_filter"),
    ("content_filtered", "content_filter"), ("something_new", "stop"),
])  # fmt: skip
def test_stop_reasons(model, upstream, reason, expected):
    frames(upstream, delta(0, text="A"), stop(0), end(reason), USAGE)
    answer = model()
    assert (answer.r, answer.stop_reason) == ("ok", expected)


@pytest.mark.parametrize("reason", ["malformed_model_output", "malformed_tool_use"])
def test_what_the_vendor_could_not_read_is_no_answer(model, upstream, reason):
    frames(upstream, delta(0, text="A"), stop(0), end(reason), USAGE)
    answer = model()
    assert (answer.r, answer.fault) == ("unavailable", "overloaded")


def test_what_the_cache_keeps_for_an_hour_is_told_apart(model, upstream):
    usage = {"inputTokens": 3, "outputTokens": 2, "totalTokens": 55, "cacheWriteInputTokens": 50,
             "cacheDetails": [{"ttl": "5m", "inputTokens": 20}, {"ttl": "1h", "inputTokens": 30}]}  # fmt: skip
    frames(upstream, delta(0, text="A"), stop(0), end(), ("metadata", {"usage": usage}))
    answer = model()
    assert (answer.usage["input_tokens"], answer.usage["cache_write_tokens"], answer.cache_hour_tokens) == (53, 50, 30)


def test_redacted_thoughts_are_replayed(model, upstream):
    frames(upstream, delta(0, reasoningContent={"redactedContent": "ZGF0YQ=="}), stop(0), delta(1, text="A"), stop(1), end(),
           USAGE)  # fmt: skip
    assert model().replays == [{"wire": "bedrock", "redacted": "ZGF0YQ=="}]


def test_pages_that_are_cited_are_told_once(model, upstream):
    def cite(url, title=None):
        location = {"web": {"url": url, "domain": "d"}}
        return delta(1, citation={"location": location, **({"title": title} if title else {})})

    frames(upstream, start(0, toolUse={"toolUseId": "s", "name": "nova_grounding", "type": "server_tool_use"}),
           delta(0, toolUse={"input": "{}"}), stop(0), delta(1, text="A"), cite("https://a", "T"), cite("https://a", "T"),
           cite("https://b"), delta(1, citation={"location": {"documentChar": {"documentIndex": 0}}}), stop(1), end(),
           USAGE)  # fmt: skip
    answer = model()
    assert answer.sources == [{"url": "https://a", "title": "T"}, {"url": "https://b", "title": "d"}]
    assert (answer.text, answer.tool_calls) == ("A", [])


def call(*pieces):
    return [start(0, toolUse={"toolUseId": "t", "name": "f"}), *(delta(0, toolUse={"input": piece}) for piece in pieces), stop(0)]


@pytest.mark.parametrize("pieces, arguments", [((), {}), (("",), {}), (('{"a"', ": [1, ", "{}]}"), {"a": [1, {}]})])
def test_arguments_come_in_pieces_or_not_at_all(model, upstream, pieces, arguments):
    frames(upstream, *call(*pieces), end("tool_use"), USAGE)
    assert model().tool_calls == [{"id": "t", "name": "f", "arguments": arguments}]


@pytest.mark.parametrize("piece", ['{"a": ', "[1]", "nonsense"])
def test_arguments_that_are_not_json(model, upstream, piece):
    frames(upstream, *call(piece), end("tool_use"), USAGE)
    answer = model()
    assert (answer.r, answer.fault, answer.tool_calls) == ("unavailable", "overloaded", [])
    assert answer.error == "Bedrock sent a tool call that is not JSON"
    frames(upstream, *call(piece), end("max_tokens"), USAGE)
    answer = model()
    assert (answer.r, answer.stop_reason, answer.tool_calls) == ("ok", "length", [])


# ---- failures ---------------------------------------------------------------------


@pytest.mark.parametrize("status, name, r, fault", [
    (403, "AccessDeniedException", "denied", "bad_key"), (403, "InvalidSignatureException", "denied", "bad_key"),
    (400, "ValidationException", "invalid", "bad_request"), (400, "ServiceQuotaExceededException", "denied", "no_credit"),
    (404, "ResourceNotFoundException", "invalid", "bad_request"), (408, "ModelTimeoutException", "unavailable", "overloaded"),
    (424, "ModelErrorException", "unavailable", "overloaded"), (429, "ThrottlingException", "busy", "rate_limit"),
    (429, "ModelNotReadyException", "unavailable", "overloaded"), (500, "InternalServerException", "unavailable", "overloaded"),
    (503, "ServiceUnavailableException", "unavailable", "overloaded"), (400, "NewException", "invalid", "bad_request"),
])  # fmt: skip
def test_errors(model, upstream, status, name, r, fault):
    where = ":http://internal.amazon.com/coral/com.amazon.bedrock/"
    upstream.answer(BEDROCK, whole({"message": "Words of the vendor."}, status,
                                   {"x-amzn-ErrorType": name + where, "x-amzn-RequestId": "req-1"}))  # fmt: skip
    answer = model()
    assert (answer.r, answer.fault, answer.vendor_status) == (r, fault, status)
    assert answer.error.endswith(f"({status}): Words of the vendor.") and answer.vendor_request_id == "req-1"


def test_errors_told_in_other_ways(model, upstream):
    upstream.answer(BEDROCK, whole({"__type": "com.amazon.coral.service#ThrottlingException", "Message": "Slow down."}, 400),
                    whole({"message": "Input is too long for requested model."}, 400, {"x-amzn-ErrorType": "ValidationException"}),
                    whole({"message": "m", "originalStatusCode": 400}, 424, {"x-amzn-ErrorType": "ModelErrorException"}),
                    whole("<html></html>", 502))  # fmt: skip
    assert [model().fault for _ in range(4)] == ["rate_limit", "context_too_long", "bad_request", "overloaded"]


@pytest.mark.parametrize("name, r, fault", [
    ("throttlingException", "busy", "rate_limit"), ("modelStreamErrorException", "unavailable", "overloaded"),
    ("internalServerException", "unavailable", "overloaded"), ("serviceUnavailableException", "unavailable", "overloaded"),
    ("validationException", "invalid", "bad_request"), ("newException", "unavailable", "overloaded"),
])  # fmt: skip
def test_exceptions_in_a_stream(model, upstream, name, r, fault):
    frames(upstream, delta(0, text="Begun"), (name, {"message": "Words."}, "exception"))
    answer = model()
    assert (answer.r, answer.fault, answer.text) == (r, fault, "Begun")
    assert answer.error.endswith(": Words.")


def test_an_error_that_is_no_exception(model, upstream):
    headers = headers_of(text_header(":message-type", "error"), text_header(":error-code", "InternalServerException"),
                         text_header(":error-message", "It broke."))  # fmt: skip
    frames(upstream, delta(0, text="Begun"), frame_of(headers, b""))
    answer = model()
    assert (answer.fault, answer.error) == ("overloaded", "Bedrock is overloaded: It broke.")


@pytest.mark.parametrize("broken, error", [
    (lambda frame: frame[:-1] + bytes([frame[-1] ^ 1]), "Bedrock sent a frame with a wrong checksum"),
    (lambda frame: frame[:60] + bytes([frame[60] ^ 1]) + frame[61:], "Bedrock sent a frame with a wrong checksum"),
    (lambda frame: frame[:11] + bytes([frame[11] ^ 1]) + frame[12:], "Bedrock sent a frame whose lengths have a wrong checksum"),
    (lambda frame: frame[:2] + b"\x7f" + frame[3:], "Bedrock sent a frame whose lengths have a wrong checksum"),
])  # fmt: skip
def test_a_wrong_checksum_ends_the_answer(model, upstream, broken, error):
    frames(upstream, delta(0, text="Begun"), broken(bedrock_frame(*reversed(delta(0, text="Not to be seen")))), stop(0), end())
    answer = model()
    assert (answer.r, answer.fault, answer.text, answer.error) == ("unavailable", "unreachable", "Begun", error)


def lengths(total, headers):
    prelude = struct.pack(">II", total, headers)
    return prelude + struct.pack(">I", zlib.crc32(prelude))


@pytest.mark.parametrize("frame, words", [
    (lengths(0xFFFFFFFF, 10), "of 4294967295 bytes"), (lengths(8 * 1024 * 1024 + 1, 10), "above the limit"),
    (lengths(15, 0), "whose lengths cannot be"), (lengths(100, 85), "whose lengths cannot be"),
    (lengths(1 << 20, 1 << 17), "whose lengths cannot be"), (lengths(100, 0xFFFFFFF0), "whose lengths cannot be"),
    (frame_of(b"\x05abc", b""), "headers that cannot be read"), (frame_of(b"\x01a\x0a", b""), "headers that cannot be read"),
    (frame_of(b"\x01a\x07\x00\x09a", b""), "headers that cannot be read"), (frame_of(b"\x00\x07", b""), "cannot be read"),
    (bedrock_frame(b"{not json", "contentBlockDelta"), "not JSON"),
])  # fmt: skip
def test_frames_that_cannot_be(model, upstream, frame, words):
    frames(upstream, delta(0, text="Begun"), frame, STALL)
    answer = model()
    assert (answer.r, answer.fault, answer.text) == ("unavailable", "unreachable", "Begun")
    assert words in answer.error


def test_what_is_promised_takes_no_memory(model, upstream):
    """A frame may say that it is large; room is made for what comes."""
    frames(upstream, lengths(8 * 1024 * 1024, 0) + b"x" * 100, CUT)
    assert model().fault == "unreachable"


@pytest.mark.parametrize("step", [CUT, RESET, HALF])
@pytest.mark.parametrize("rest", [b"", bedrock_frame({}, "contentBlockStop")[:40]])
def test_a_stream_that_breaks_off(model, upstream, step, rest):
    frames(upstream, delta(0, text="Begun"), *([rest] if rest else []), step)
    answer = model(idle_ms=20000)
    assert (answer.fault, answer.text) == ("unreachable", "Begun")


def test_a_truncated_stream_is_not_whole(model, upstream):
    whole_frames = [bedrock_frame(payload, kind) for kind, payload in bedrock_events(Said("Hello"))]
    everything = b"".join(whole_frames)
    without_end = len(everything) - len(whole_frames[-1]) - 1
    for length in (0, 5, 11, 12, 50, without_end):
        frames(upstream, everything[:length])
        answer = model()
        assert (answer.r, answer.fault) == ("unavailable", "unreachable"), length


def test_the_answer_is_whole_without_its_usage(model, upstream):
    frames(upstream, delta(0, text="A"), stop(0), end())
    answer = model()
    assert (answer.r, answer.text, answer.usage["output_tokens"]) == ("ok", "A", 0)


@pytest.mark.parametrize("steps", [[raw(STALL)], None])
def test_a_stall_is_a_timeout(model, upstream, steps):
    if steps:
        upstream.answer(BEDROCK, *steps)
    else:
        frames(upstream, delta(0, text="A"), bedrock_frame({}, "contentBlockStop")[:20], STALL)
    answer = model(first_byte_ms=300, idle_ms=300)
    assert (answer.r, answer.fault) == ("timeout", "unreachable")


@pytest.mark.parametrize("events", [
    [("contentBlockDelta", {"delta": {"text": "A"}})],
    [delta(0, toolUse={"input": "{}"})],
    [start(0, toolUse={"toolUseId": "a", "name": "f"}), start(0, toolUse={"toolUseId": "b", "name": "f"})],
    [delta(n, text="A") for n in range(17)],
])  # fmt: skip
def test_streams_that_make_no_sense(model, upstream, events):
    frames(upstream, *events, end(), USAGE)
    answer = model()
    assert (answer.r, answer.fault) == ("unavailable", "overloaded")


def test_what_is_too_large_is_not_kept(talk, upstream):
    small = talk("llm-bedrock", base_url=upstream.url, event_max_bytes=4096)
    frames(upstream, delta(0, text="x" * 5000), stop(0), end(), USAGE)
    assert small().fault == "unreachable"
    frames(upstream, *call(*['{"a": "', *["y" * 1000] * 5, '"}']), end("tool_use"), USAGE)
    answer = small()
    assert (answer.fault, answer.error) == ("overloaded", "Bedrock sent a block of more than 4096 bytes")


def test_something_else_than_frames(model, upstream):
    upstream.answer(BEDROCK, sse({"a": 1}), whole({"message": "no"}), whole("<html></html>", headers={"Content-Type": "text/html"}))
    assert [model().fault for _ in range(3)] == ["unreachable"] * 3


def test_who_wants_no_more_ends_the_stream(model, upstream):
    gate = Gate()
    frames(upstream, delta(0, text="A"), gate, delta(0, text="B"), stop(0), end(), USAGE)
    answer = model(stop_after=1)
    assert (answer.r, answer.fault, answer.text) == ("cancelled", "none", "A")
    upstream.wait_left()


def test_a_caller_that_leaves_ends_the_stream(model, upstream):
    frames(upstream, delta(0, text="A"), STALL)
    events = model.events()
    assert next(events)["text"] == "A"
    events.close()
    upstream.wait_left()
