# SPDX-License-Identifier: Apache-2.0
"""llm-openai as Perplexity, with the settings of config/einion.yaml."""

import pytest
from talk import shipped
from vendor import sse, whole
from vendor_formats import OPENAI_CHAT

RESPONSES = "/v1/responses"
SEARCHED = {"url": "https://x.test/a", "title": "A", "date": "2026-01-01", "snippet": "..."}
USAGE = {"input_tokens": 10, "output_tokens": 20, "total_tokens": 30,
         "input_tokens_details": {"cache_creation_input_tokens": 2, "cache_read_input_tokens": 3},
         "cost": {"currency": "USD", "input_cost": 0.00001, "output_cost": 0.0002, "tool_calls_cost": 0.005,
                  "total_cost": 0.00521}}  # fmt: skip


@pytest.fixture
def perplexity(talk, upstream):
    return talk("llm-openai", name="perplexity", base_url=upstream.url, **shipped("perplexity"))


def response(status="completed", **more):
    text = {"type": "output_text", "text": "Paris", "annotations": [
        {"type": "url_citation", "url": "https://x.test/b", "title": "B", "start_index": 0, "end_index": 5}]}  # fmt: skip
    output = [{"type": "search_results", "queries": ["capital"], "results": [SEARCHED]},
              {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": [text]}]  # fmt: skip
    return {"id": "resp_1", "object": "response", "created_at": 1, "model": "perplexity/sonar", "status": status,
            "output": output, "usage": USAGE, **more}  # fmt: skip


def events():
    return [
        {"type": "response.created", "response": response("in_progress", output=[], usage=None)},
        {"type": "response.reasoning.started", "thought": "I should look it up."},
        {"type": "response.reasoning.search_queries", "queries": ["capital"], "thought": "Searching."},
        {"type": "response.reasoning.search_results", "results": [SEARCHED]},
        {"type": "response.reasoning.fetch_url_queries", "urls": ["https://x.test/c"]},
        {"type": "response.reasoning.fetch_url_results", "contents": [{"url": "https://x.test/c", "title": "C", "snippet": "x"}]},
        {"type": "response.reasoning.stopped"},
        {"type": "response.output_text.delta", "item_id": "msg_1", "delta": "Par"},
        {"type": "response.output_text.delta", "item_id": "msg_1", "delta": "is"},
        {"type": "response.output_item.done", "item": response()["output"][1]},
        {"type": "response.completed", "response": response()},
    ]


@pytest.mark.parametrize("model, members", [
    ("sonar", {"model": "perplexity/sonar", "tools": [{"type": "web_search"}]}),
    ("sonar-pro", {"preset": "fast"}),
    ("sonar-reasoning", {"preset": "low"}),
    ("sonar-reasoning-pro", {"preset": "low"}),
    ("openai/gpt-5", {"model": "openai/gpt-5"}),
])  # fmt: skip
def test_ids_of_before(perplexity, upstream, model, members):
    upstream.answer(RESPONSES, sse(*events(), named=True))
    perplexity([{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Capital of France?"}], model=model,
               parameters={"max_tokens": 100})  # fmt: skip
    assert upstream.last.json == {"input": "Capital of France?", "instructions": "Be brief.", "stream": True, "store": False,
                                  "max_output_tokens": 100, **members}  # fmt: skip
    assert upstream.last.bearer == "key-of-the-user"


def test_a_conversation_and_structured_output(perplexity, upstream):
    upstream.answer(RESPONSES, sse(*events(), named=True))
    turns = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}, {"role": "user", "content": "c"}]
    perplexity(turns, model="sonar", reply_schema={"type": "object", "properties": {}, "additionalProperties": False},
               built_in_tools=[{"type": "fetch_url"}])  # fmt: skip
    body = upstream.last.json
    assert body["input"] == [{"type": "message", **turn} for turn in turns]
    assert body["response_format"]["json_schema"]["strict"] is True and "text" not in body
    assert body["tools"] == [{"type": "fetch_url"}, {"type": "web_search"}]


@pytest.mark.parametrize("stream", [True, False])
def test_an_answer_with_its_sources_and_cost(perplexity, upstream, stream):
    upstream.answer(RESPONSES, sse(*events(), named=True) if stream else whole(response()))
    answer = perplexity(model="sonar", parameters={"stream": stream})
    assert (answer.r, answer.text, answer.stop_reason, answer.vendor_cost) == ("ok", "Paris", "stop", 5_210_000)
    urls = [source["url"].removeprefix("https://x.test/") for source in answer.sources]
    assert urls == (["a", "c", "b"] if stream else ["a", "b"])
    assert answer.sources[0] == {"url": "https://x.test/a", "title": "A"}
    assert answer.usage == {"input_tokens": 10, "cached_tokens": 3, "cache_write_tokens": 2, "output_tokens": 20,
                            "reasoning_tokens": 0}  # fmt: skip
    if stream:
        assert answer.thought == "I should look it up.\nSearching.\n"


def test_a_cost_in_another_currency_is_none(perplexity, upstream):
    euros = USAGE | {"cost": {"currency": "EUR", "total_cost": 1}}
    upstream.answer(RESPONSES, whole(response(usage=euros)))
    assert perplexity(parameters={"stream": False}).vendor_cost == 0


@pytest.mark.parametrize("status, fault", [(400, "bad_request"), (401, "bad_key"), (429, "rate_limit"), (500, "overloaded")])
def test_errors(perplexity, upstream, status, fault):
    upstream.answer(RESPONSES, whole({"error": {"message": "No", "type": "some", "code": status}}, status))
    answer = perplexity()
    assert (answer.fault, answer.error.split(": ")[-1]) == (fault, "No")


def test_a_response_that_failed(perplexity, upstream):
    failed = {"type": "response.failed", "response": response("failed", output=[], error={"code": 503, "message": "Busy"})}
    upstream.answer(RESPONSES, sse(failed, named=True))
    answer = perplexity()
    assert (answer.r, answer.fault, answer.error) == ("unavailable", "overloaded", "Perplexity is overloaded (503): Busy")
    assert answer.usage["input_tokens"] == 10


def test_a_server_that_still_speaks_as_before(talk, upstream):
    server = talk("llm-openai", name="perplexity", base_url=upstream.url, title="Perplexity")
    usage = {"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12, "reasoning_tokens": 2,
             "cost": {"input_tokens_cost": 0.1, "request_cost": 0.005, "total_cost": 0.006}}  # fmt: skip
    both = {"message": {"content": "Paris"}, "delta": {"content": "Paris"}, "index": 0, "finish_reason": "stop"}
    upstream.answer(OPENAI_CHAT, sse({"id": "1", "choices": [both], "usage": usage, "citations": ["https://x.test/a"],
                                      "search_results": [{"url": "https://x.test/a", "title": "A"}]}))  # fmt: skip
    answer = server(parameters={"search_domain_filter": ["x.test"], "disable_search": False})
    assert (answer.text, answer.sources) == ("Paris", [{"url": "https://x.test/a", "title": "A"}])
    assert (answer.vendor_cost, answer.usage["output_tokens"]) == (6_000_000, 7)
    assert upstream.last.json["search_domain_filter"] == ["x.test"]
