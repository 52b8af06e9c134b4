# SPDX-License-Identifier: Apache-2.0
"""llm-openai as OpenRouter, with the settings of config/einion.yaml."""

import pytest
from talk import shipped
from vendor import sse, whole
from vendor_formats import OPENAI_CHAT, Said, openai_chat


@pytest.fixture
def openrouter(talk, upstream):
    settings = shipped("openrouter") | {"headers": {"HTTP-Referer": "https://app.example", "X-Title": "einion"}}
    return talk("llm-openai", name="openrouter", base_url=upstream.url + "/api/v1", **settings)


def chunk(delta, **more):
    return {"id": "gen-1", "object": "chat.completion.chunk", "model": "openai/gpt-4o", "provider": "OpenAI",
            "choices": [{"index": 0, "delta": delta, "finish_reason": more.pop("finish", None),
                         "native_finish_reason": None}], **more}  # fmt: skip


def test_a_chat_is_what_the_official_client_sends(openrouter, upstream):
    """Field for field, as @openrouter/sdk sends it."""
    upstream.answer(OPENAI_CHAT, openai_chat(Said("Hi")))
    openrouter("Weather in Paris?", model="openai/gpt-4o", parameters={"reasoning_effort": "low", "stream": False})
    request = upstream.last
    assert request.json == {"messages": [{"content": "Weather in Paris?", "role": "user"}], "model": "openai/gpt-4o",
                            "reasoning": {"effort": "low"}, "stream": False}  # fmt: skip
    assert (request.path, request.bearer) == ("/api/v1/chat/completions", "key-of-the-user")
    assert (request.headers["http-referer"], request.headers["x-title"]) == ("https://app.example", "einion")


def test_what_only_openrouter_knows(openrouter, upstream):
    upstream.answer(OPENAI_CHAT, openai_chat(Said("Hi")))
    given = {"provider": {"order": ["groq"], "allow_fallbacks": False}, "plugins": [{"id": "web"}], "models": ["a", "b"],
             "min_p": 0.1, "thinking_budget": 2000, "show_thinking": False, "max_tokens": 10}  # fmt: skip
    system = [{"type": "text", "text": "Long.", "cache": {"ttl": "1h"}}]
    openrouter([{"role": "system", "content": system}, {"role": "user", "content": "Hi"}], parameters=given,
               settings={"wire": {"extra_body": {"transforms": ["middle-out"]}}})  # fmt: skip
    body = upstream.last.json
    assert {name: body[name] for name in ("provider", "plugins", "models", "min_p", "max_tokens", "transforms")} == {
        "provider": given["provider"], "plugins": given["plugins"], "models": ["a", "b"], "min_p": 0.1, "max_tokens": 10,
        "transforms": ["middle-out"]}  # fmt: skip
    assert body["reasoning"] == {"max_tokens": 2000, "exclude": True}
    assert "thinking_budget" not in body and "show_thinking" not in body
    openrouter(parameters=given | {"reasoning_effort": "low"})  # it takes one of the two
    assert upstream.last.json["reasoning"] == {"effort": "low", "exclude": True}
    openrouter(parameters={"thinking_budget": -1})
    assert upstream.last.json["reasoning"] == {"enabled": True}
    openrouter(parameters={"thinking_budget": 0})
    assert upstream.last.json["reasoning"] == {"enabled": False}
    cached = {"type": "text", "text": "Long.", "cache_control": {"type": "ephemeral", "ttl": "1h"}}
    assert body["messages"][0] == {"role": "system", "content": [cached]}


def test_comments_reasoning_and_what_it_has_cost(openrouter, upstream):
    detail = {"type": "reasoning.text", "format": "anthropic-claude-v1", "index": 0}
    upstream.answer(OPENAI_CHAT, sse(
        b": OPENROUTER PROCESSING\n\n",
        chunk({"role": "assistant", "reasoning": "Hm", "reasoning_details": [{**detail, "text": "Hm", "signature": None}]}),
        chunk({"reasoning": "...", "reasoning_details": [{**detail, "text": "..."}]}),
        chunk({"reasoning_details": [{**detail, "signature": "sealed"}]}),
        chunk({"reasoning_details": [{"type": "reasoning.encrypted", "data": "xx", "index": 1, "id": "r"}]}),
        chunk({"content": "Yes"}),
        chunk({}, finish="stop"),
        {"id": "gen-1", "choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 5, "total_tokens": 14,
         "cost": 0.00014, "cost_details": {"upstream_inference_cost": None}, "is_byok": False,
         "completion_tokens_details": {"reasoning_tokens": 3}}}, "[DONE]"))  # fmt: skip
    answer = openrouter()
    assert (answer.thought, answer.text, answer.vendor_cost) == ("Hm...", "Yes", 140_000)
    assert (answer.vendor_request_id, answer.model, answer.usage["reasoning_tokens"]) == ("gen-1", "openai/gpt-4o", 3)
    details = [{**detail, "text": "Hm...", "signature": "sealed"},
               {"type": "reasoning.encrypted", "data": "xx", "index": 1, "id": "r"}]  # fmt: skip
    assert answer.replays == [{"wire": "OpenRouter", "reasoning_details": details}]
    openrouter([{"role": "user", "content": "a"}, answer.as_message(), {"role": "user", "content": "b"}])
    assert upstream.last.json["messages"][1] == {"role": "assistant", "content": "Yes", "reasoning_details": details}


def test_reasoning_that_comes_as_details_only(openrouter, upstream):
    upstream.answer(OPENAI_CHAT, sse(
        chunk({"reasoning_details": [{"type": "reasoning.summary", "summary": "First, "}]}),
        chunk({"reasoning_details": [{"type": "reasoning.summary", "summary": "second"}]}, finish="stop"), "[DONE]"))  # fmt: skip
    answer = openrouter()
    assert answer.thought == "First, second"
    assert answer.replays[0]["reasoning_details"] == [{"type": "reasoning.summary", "summary": "First, second"}]


def test_the_bill_of_ones_own_key(openrouter, upstream):
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "cost": 0.000001, "is_byok": True,
             "cost_details": {"upstream_inference_cost": 0.00002}}  # fmt: skip
    upstream.answer(OPENAI_CHAT, sse(chunk({"content": "x"}, finish="stop"), {"choices": [], "usage": usage}, "[DONE]"))
    assert openrouter().vendor_cost == 21_000


def test_an_error_in_the_middle_of_a_stream(openrouter, upstream):
    error = {"code": 502, "message": "Provider disconnected", "metadata": {"error_type": "provider_unavailable"}}
    upstream.answer(OPENAI_CHAT, sse(chunk({"content": "Hal"}), chunk({}, finish="error", error=error), "[DONE]"))
    answer = openrouter()
    assert (answer.r, answer.fault, answer.text) == ("unavailable", "overloaded", "Hal")
    assert answer.error == "OpenRouter is overloaded (502): Provider disconnected"


@pytest.mark.parametrize("stream", [True, False])
def test_an_error_in_a_200(openrouter, upstream, stream):
    upstream.answer(OPENAI_CHAT, whole({"error": {"code": 429, "message": "Slow down"}, "user_id": "u"}))
    answer = openrouter(parameters={"stream": stream})
    assert (answer.r, answer.fault) == ("busy", "rate_limit")
    assert answer.error == "OpenRouter takes no more requests for now (429): Slow down"


@pytest.mark.parametrize("status, error, fault", [
    (402, {"message": "Insufficient credits"}, "no_credit"),
    (403, {"message": "Flagged", "metadata": {"reasons": ["violence"], "flagged_input": "x"}}, "refused"),
    (403, {"message": "Key disabled"}, "bad_key"),
    (408, {"message": "Timed out"}, "overloaded"),
    (503, {"message": "No provider"}, "overloaded"),
    (524, {"message": "Timeout"}, "overloaded"),
    (529, {"message": "Overloaded"}, "overloaded"),
    (400, {"message": "x", "metadata": {"error_type": "context_length_exceeded"}}, "context_too_long"),
    (422, {"message": "No such parameter"}, "bad_request"),
])  # fmt: skip
def test_errors(openrouter, upstream, status, error, fault):
    upstream.answer(OPENAI_CHAT, whole({"error": {"code": status, **error}}, status))
    answer = openrouter()
    assert (answer.fault, answer.vendor_status) == (fault, status)


def test_what_the_models_vendor_said(openrouter, upstream):
    metadata = {"provider_name": "Acme", "raw": "image is broken"}
    upstream.answer(OPENAI_CHAT, whole({"error": {"code": 400, "message": "Provider returned error", "metadata": metadata}}, 400))
    assert openrouter().error == "OpenRouter does not take the request (400): image is broken"
