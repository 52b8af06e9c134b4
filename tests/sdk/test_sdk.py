# SPDX-License-Identifier: Apache-2.0
"""The official clients, unchanged, talk to the server as if it were the vendor."""

import base64
import json
import os
import pathlib
import re
import struct
import subprocess

import pytest
from readme import README
from vendor import STALL, Gate, event, sse, whole
from vendor_formats import (
    ANTHROPIC, OPENAI_CHAT, OPENAI_RESPONSES, Said, anthropic, anthropic_events, openai_chat, openai_chat_events,
    openai_responses, speak,
)  # fmt: skip

HERE = pathlib.Path(__file__).resolve().parent
WEATHER = Said(tools=[("get_weather", {"city": "Paris"})])
RAIN = Said("It rains in Paris.")


class Client:
    """A client in a process of its own, which does one thing after the other."""

    def __init__(self, script, folder, server, key):
        command = ["node", HERE / script, folder, f"http://127.0.0.1:{server.port}"]
        env = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env)
        self.key = key

    def start(self, what, key=None):
        self.process.stdin.write(json.dumps({"what": what, "key": key or self.key}) + "\n")
        self.process.stdin.flush()

    def end(self):
        return json.loads(self.process.stdout.readline())

    def __call__(self, what, key=None):
        self.start(what, key)
        return self.end()

    def close(self):
        self.process.stdin.close()
        assert self.process.wait(60) == 0


@pytest.fixture(scope="module")
def clients(npm, the_server, key):
    made = {}

    def client(script, package):
        if package not in made:
            made[package] = Client(script, npm(package), the_server, key)
        return made[package]

    yield client
    for one in made.values():
        one.close()


@pytest.fixture
def openai(clients, server):
    return clients("openai.mjs", "openai")


@pytest.fixture(params=["anthropic", "anthropic-1"])
def claude(request, clients, server):
    return clients("anthropic.mjs", request.param)


def refused(said, name, status):
    assert (said["class"], said["status"]) == (name, status), said
    assert said["requestID"]
    return said


# ---- OpenAI's ----


def test_a_conversation(openai, upstream):
    upstream.answer(OPENAI_CHAT, openai_chat(Said("Hello!")), openai_chat(Said("Again.", input=20, output=2)))
    said = openai("conversation")
    assert said["first"]["choices"][0]["message"]["content"] == "Hello!"
    assert said["second"]["choices"][0]["message"]["content"] == "Again."
    assert said["second"]["usage"]["total_tokens"] == 22 and said["second"]["usage"]["cost"] > 0
    assert said["second"]["model"] == "openai/gpt-4-turbo" and said["requestId"]
    assert [message["content"] for message in upstream.last.json["messages"]] == ["Be brief.", "Hello", "Hello!", "And now?"]
    assert upstream.last.bearer == "sk-upstream"


def test_a_stream(openai, upstream):
    upstream.answer(OPENAI_CHAT, openai_chat(Said("Many a little makes a mickle. \u2603", input=100, output=9)))
    said = openai("stream")
    assert said["text"] == "Many a little makes a mickle. \u2603"
    assert said["last"]["choices"] == [] and said["last"]["usage"]["completion_tokens"] == 9
    assert said["last"]["usage"]["cost"] == pytest.approx(100e-6 * 10 + 9e-6 * 30)


def test_the_clients_own_helper(openai, upstream):
    upstream.answer(OPENAI_CHAT, openai_chat(Said("Many a little makes a mickle.", input=100, output=9)))
    said = openai("helper")
    assert said["final"]["choices"][0]["message"]["content"] == said["seen"] == "Many a little makes a mickle."
    assert said["final"]["choices"][0]["finish_reason"] == "stop" and said["usage"]["total_tokens"] == 109


def test_tools(openai, upstream):
    upstream.answer(OPENAI_CHAT, openai_chat(WEATHER), openai_chat(RAIN))
    said = openai("tools")
    assert said["final"] == "It rains in Paris." and said["calls"] == [{"city": "Paris"}]
    first, second = [request.json for request in upstream.requests]
    assert first["tools"][0]["function"]["name"] == "get_weather"
    call, result = second["messages"][-2:]
    assert json.loads(call["tool_calls"][0]["function"]["arguments"]) == {"city": "Paris"}
    assert result == {"role": "tool", "tool_call_id": "call_0", "content": "rain in Paris"}


def test_structured_output(openai, upstream):
    upstream.answer(OPENAI_CHAT, openai_chat(Said('{"a": 5}')))
    assert openai("structured")["parsed"] == {"a": 5}
    assert upstream.last.json["response_format"]["json_schema"]["schema"]["required"] == ["a"]


def test_an_image(openai, upstream):
    speak(upstream, Said("A dot."))
    assert openai("image")["choices"][0]["message"]["content"] == "A dot."
    parts = upstream.last.json["messages"][0]["content"]
    assert parts[1]["image_url"]["url"] == "data:image/png;base64,iVBORw0KGgo="


def test_a_model_of_another_api(openai, upstream):
    upstream.answer(OPENAI_RESPONSES, openai_responses(Said("Hello!", thought="A greeting.")))
    said = openai("responses")
    assert said["model"] == "openai/gpt-5-mini"
    assert said["choices"][0]["message"]["content"] == "Hello!"
    assert said["choices"][0]["message"]["reasoning_content"] == "A greeting."


def test_a_model_of_another_vendor(openai, upstream):
    upstream.answer(ANTHROPIC, anthropic(Said("Bonjour.")))
    assert openai("claude")["choices"][0]["message"]["content"] == "Bonjour."
    assert upstream.last.headers["x-api-key"] == "sk-ant-upstream" and upstream.last.json["system"] == "Be brief."


def test_responses(openai, upstream):
    upstream.answer(ANTHROPIC, anthropic(Said(thought="I must look.", tools=WEATHER.tools)), anthropic(RAIN))
    first, last = openai("respond")
    assert [item["type"] for item in first["response"]["output"]] == ["reasoning", "function_call"]
    assert last["text"] == last["response"]["output_text"] == "It rains in Paris."
    turn = upstream.last.json["messages"][1]["content"]
    assert turn[0] == {"type": "thinking", "thinking": "I must look.", "signature": "c2lnbmF0dXJl"}
    assert turn[1]["input"] == {"city": "Paris"}


def test_structured_responses(openai, upstream):
    upstream.answer(OPENAI_CHAT, openai_chat(Said('{"a": 5}')))
    assert openai("parsed") == {"parsed": {"a": 5}, "text": '{"a": 5}', "status": "completed"}


def test_embeddings(openai, upstream):
    row = base64.b64encode(struct.pack("<3f", 0.5, -0.25, 1)).decode()
    rows = [{"object": "embedding", "index": i, "embedding": row} for i in range(2)]
    answer = {"object": "list", "model": "m", "usage": {"prompt_tokens": 2, "total_tokens": 2}}
    upstream.answer("/v1/embeddings", *(whole({"data": data, **answer}) for data in (rows, rows, rows[:1])))
    said = openai("embeddings")
    assert [one["embedding"] for one in said["plain"]["data"]] == [[0.5, -0.25, 1]] * 2
    assert said["plain"]["usage"]["total_tokens"] == 2
    assert [one["embedding"] for one in said["packed"]["data"]] == [row] * 2
    assert said["few"]["data"][0]["embedding"] == [0.5, -0.25, 1] and upstream.last.json["dimensions"] == 3


def test_models(openai):
    said = openai("models")
    assert {"openai/gpt-4-turbo", "anthropic/claude-opus-4-6"} <= set(said["ids"])
    assert said["one"]["id"] == "openai/gpt-4-turbo" and said["one"]["owned_by"] == "openai"


def test_errors_are_the_clients_classes(openai, upstream):
    assert refused(openai("call", key="sk-wrong"), "AuthenticationError", 401)["code"] == "invalid_api_key"
    assert refused(openai("unknown"), "NotFoundError", 404)["code"] == "model_not_found"
    assert refused(openai("bad"), "BadRequestError", 400)["param"] == "n"
    limit = {"error": {"message": "Slow down", "type": "requests", "code": "rate_limit_exceeded", "param": None}}
    upstream.answer(OPENAI_CHAT, whole(limit, 429, {"Retry-After": "7"}))
    assert refused(openai("call"), "RateLimitError", 429)["retryAfter"] == "7"
    upstream.answer(OPENAI_CHAT, whole({"error": {"message": "Oops", "type": "server_error"}}, 500))
    refused(openai("call"), "InternalServerError", 503)
    long = {"error": {"message": "too long", "type": "invalid_request_error", "code": "context_length_exceeded", "param": "messages"}}
    upstream.answer(OPENAI_CHAT, whole(long, 400))
    assert refused(openai("call"), "BadRequestError", 400)["code"] == "context_length_exceeded"


def test_who_aborts_cancels_the_vendors_stream(openai, upstream):
    upstream.answer(OPENAI_CHAT, sse(*openai_chat_events(Said("Hello there"))[:2], STALL))
    assert openai("abort") == "aborted"
    upstream.wait_left()


def test_a_stream_comes_as_it_is_made(openai, upstream):
    gate = Gate()
    events = openai_chat_events(Said("Hello there"))
    upstream.answer(OPENAI_CHAT, sse(*events[:2], gate, *events[2:]))
    openai.start("stream")
    assert gate.reached.wait(60)
    gate.open()
    assert openai.end()["text"] == "Hello there"


def test_a_stream_that_breaks_off(openai, upstream):
    error = {"error": {"message": "The engine is on fire", "type": "server_error"}}
    upstream.answer(OPENAI_CHAT, sse(*openai_chat_events(Said("Hello there"))[:2], event(error)))
    said = openai("broken")
    assert said["text"] == "Hello th" and said["is"] and said["error"]


# ---- Anthropic's, before and after it sent its key as a bearer ----


def test_a_conversation_with_claude(claude, upstream):
    upstream.answer(ANTHROPIC, anthropic(Said("Hello!", cached=3, cache_write=2)), anthropic(Said("Again.")))
    said = claude("conversation")
    assert said["first"]["content"][0]["text"] == "Hello!" and said["second"]["content"][0]["text"] == "Again."
    assert said["first"]["usage"]["input_tokens"] == 6 and said["first"]["usage"]["cache_read_input_tokens"] == 3
    assert said["first"]["stop_reason"] == "end_turn" and said["requestId"]
    assert upstream.last.json["system"] == "Be brief." and len(upstream.last.json["messages"]) == 3


def test_a_stream_of_claude(claude, upstream):
    upstream.answer(ANTHROPIC, anthropic(Said("Many a little makes a mickle.", input=100, output=9)))
    said = claude("stream")
    assert said["events"][:3] == ["message_start", "content_block_start", "content_block_delta"]  # it swallows pings
    assert said["events"][-3:] == ["content_block_stop", "message_delta", "message_stop"]
    assert said["text"] == said["final"]["content"][0]["text"] == "Many a little makes a mickle."
    assert said["final"]["usage"]["input_tokens"] == 100 and said["final"]["usage"]["output_tokens"] == 9


def test_tools_of_claude(claude, upstream):
    upstream.answer(ANTHROPIC, anthropic(WEATHER), anthropic(RAIN))
    first, last = claude("tools")
    assert first["content"][0]["input"] == {"city": "Paris"} and last["content"][0]["text"] == "It rains in Paris."
    call, result = upstream.last.json["messages"][-2:]
    assert call["content"][0] == {"type": "tool_use", "id": "toolu_0", "name": "get_weather", "input": {"city": "Paris"}}
    assert result["content"][0]["tool_use_id"] == "toolu_0" and "rain in Paris" in json.dumps(result)


def test_thoughts_of_claude_go_back_to_it(claude, upstream):
    upstream.answer(ANTHROPIC, anthropic(Said(thought="I must look.", tools=WEATHER.tools)), anthropic(RAIN))
    first, _ = claude("thinking")
    thinking = {"type": "thinking", "thinking": "I must look.", "signature": "c2lnbmF0dXJl"}
    assert first["content"][0] == thinking
    assert upstream.last.json["messages"][1]["content"][0] == thinking
    assert upstream.last.json["thinking"]["type"] in ("enabled", "adaptive")


def test_thoughts_of_another_vendor_go_back_to_that(claude, upstream):
    upstream.answer(OPENAI_RESPONSES, openai_responses(Said(thought="I must look.", tools=WEATHER.tools)), openai_responses(RAIN))
    first, last = claude("gpt")
    assert first["content"][0]["thinking"] == "I must look." and last["content"][0]["text"] == "It rains in Paris."
    items = upstream.last.json["input"]
    assert next(item for item in items if item["type"] == "reasoning")["encrypted_content"] == "c2lnbmF0dXJl"
    assert [item["type"] for item in items][-2:] == ["function_call", "function_call_output"]


def test_structured_output_of_claude(claude, upstream):
    upstream.answer(ANTHROPIC, anthropic(Said('{"a": 5}')))
    assert json.loads(claude("structured")["content"][0]["text"]) == {"a": 5}
    assert upstream.last.json["output_config"]["format"]["schema"]["required"] == ["a"]


def test_an_image_for_claude(claude, upstream):
    upstream.answer(ANTHROPIC, anthropic(Said("A dot.")))
    assert claude("image")["content"][0]["text"] == "A dot."
    source = upstream.last.json["messages"][0]["content"][1]["source"]
    assert source == {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}


def test_counting_and_models_for_claudes_client(claude):
    assert claude("count")["input_tokens"] == 5
    said = claude("models")
    assert len(said["ids"]) == len(set(said["ids"])) > 50 and "anthropic/claude-opus-4-6" in said["ids"]
    assert said["one"]["id"] == "anthropic/claude-opus-4-6" and said["one"]["type"] == "model"


def test_errors_are_claudes_clients_classes(claude, upstream):
    assert refused(claude("call", key="sk-ant-wrong"), "AuthenticationError", 401)["type"] == "authentication_error"
    assert refused(claude("unknown"), "NotFoundError", 404)["type"] == "not_found_error"
    assert refused(claude("bad"), "BadRequestError", 400)["type"] == "invalid_request_error"
    limit = {"type": "error", "error": {"type": "rate_limit_error", "message": "Slow down"}}
    upstream.answer(ANTHROPIC, whole(limit, 429, {"retry-after": "7"}))
    assert refused(claude("call"), "RateLimitError", 429)["retryAfter"] == "7"
    overloaded = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
    upstream.answer(ANTHROPIC, whole(overloaded, 529))
    said = claude("call")
    assert said["status"] == 529 and said["type"] == "overloaded_error" and said["class"] in ("InternalServerError", "OverloadedError")


SEARCHED = [
    {"type": "message_start", "message": {"model": "m", "usage": {"input_tokens": 10, "output_tokens": 1}}},
    {"type": "content_block_start", "index": 0, "content_block": {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search",
                                                                  "input": {"query": "anvils"}}},
    {"type": "content_block_stop", "index": 0},
    {"type": "content_block_start", "index": 1, "content_block": {
        "type": "web_search_tool_result", "tool_use_id": "srvtoolu_1",
        "content": [{"type": "web_search_result", "url": "https://c", "title": "C", "encrypted_content": "E", "page_age": None}]}},
    {"type": "content_block_stop", "index": 1},
    *anthropic_events(Said("Iron."))[2:5],
    {"type": "message_delta", "delta": {"stop_reason": "end_turn"},
     "usage": {"output_tokens": 9, "server_tool_use": {"web_search_requests": 1}}},
    {"type": "message_stop"},
]  # fmt: skip


def test_a_search(openai, claude, upstream):
    upstream.answer(ANTHROPIC, sse(*SEARCHED, named=True))
    said = claude("search")
    use, found, *_ = said["content"]
    assert use["input"] == {"query": "anvils"} and found["content"][0]["url"] == "https://c"
    assert said["usage"]["server_tool_use"]["web_search_requests"] == 1
    assert upstream.last.json["tools"] == [{"type": "web_search_20250305", "name": "web_search", "max_uses": 2}]
    said = openai("search")
    assert said["output"][0]["action"]["query"] == "anvils" and said["seen"] == ["in_progress", "searching", "completed"]
    assert upstream.last.json["tools"] == [{"type": "web_search_20250305", "name": "web_search"}]


def test_who_aborts_cancels_claudes_stream(claude, upstream):
    upstream.answer(ANTHROPIC, sse(*anthropic_events(Said("Hello there"))[:4], STALL, named=True))
    assert claude("abort") == "aborted"
    upstream.wait_left()


def test_a_stream_of_claude_that_breaks_off(claude, upstream):
    error = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
    upstream.answer(ANTHROPIC, sse(*anthropic_events(Said("Hello there"))[:4], error, named=True))
    said = claude("broken")
    assert said["text"] == "Hello th" and said["is"] and "overloaded" in said["error"].lower()


# ---- in python ----


def test_the_python_client(run_python, server, upstream):
    upstream.answer(OPENAI_CHAT, openai_chat(Said("Hello!")), openai_chat(Said("Many a little")), openai_chat(WEATHER),
                    openai_chat(Said(" upon")), openai_chat(Said(" a time")), openai_chat(Said(tools=[("edit", {"input": "a\nb"})])))
    said = json.loads(run_python("openai", HERE / "openai_client.py"))
    assert said == {"text": "Hello!", "streamed": "Many a little", "call": {"city": "Paris"}, "missing": "NotFoundError",
                    "prompted": " upon a time", "custom": ["ChatCompletionMessageCustomToolCall", "a\nb"]}  # fmt: skip


def test_the_python_client_goes_on_from_responses(run_python, server, upstream):
    upstream.answer(ANTHROPIC, anthropic(Said(thought="I must look.", tools=WEATHER.tools)), anthropic(RAIN), anthropic(Said("Sun.")))
    said = json.loads(run_python("openai", HERE / "openai_responses.py"))
    assert said == {"kept": True, "text": "It rains in Paris.", "metadata": {"a": "b"}, "again": ["Sun.", False],
                    "asked": ["message", "reasoning", "function_call", "function_call_output"],
                    "deleted": ["NotFoundError", None, None], "not kept": ["NotFoundError", None, None],
                    "broken": ["BadRequestError", "previous_response_not_found", "previous_response_id"]}  # fmt: skip
    first, second, third = [request.json for request in upstream.requests]
    assert first["system"] == "Be brief." and "system" not in second
    assert second["messages"][1]["content"][0] == {"type": "thinking", "thinking": "I must look.", "signature": "c2lnbmF0dXJl"}
    assert third["messages"][:3] == second["messages"] and len(third["messages"]) == 5


def test_the_python_client_of_claude(run_python, server, upstream):
    """Its tool runner would have the vendor keep the conversation, and sends all of it when told that nobody does."""
    upstream.answer(ANTHROPIC, anthropic(WEATHER), anthropic(RAIN), anthropic(Said("Many a little")))
    said = json.loads(run_python("anthropic", HERE / "anthropic_client.py"))
    assert said == {"final": "It rains in Paris.", "calls": ["Paris"], "streamed": "Many a little"}
    second = upstream.requests[1].json
    assert [message["role"] for message in second["messages"]] == ["user", "assistant", "user"] and second["tools"]


def test_the_readme(run_python, server, key, upstream):
    upstream.answer(ANTHROPIC, anthropic(Said("A block of iron.", input=1000, output=100)))
    code = re.search(r"```python\n(.*?)```", README, re.S)[1]
    code = code.replace("127.0.0.1:8000", f"127.0.0.1:{server.port}").replace("eink_\u2026", key)
    assert run_python("openai", "-c", code) == "A block of iron.\n0.0075 USD"
