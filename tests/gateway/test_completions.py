# SPDX-License-Identifier: Apache-2.0
"""POST /v1/completions: a prompt, and its answer as text."""

import json

import pytest
from scripted import OUTCOME, UNAVAILABLE, call, lines, said, text, thought


def complete(server, prompt, **more):
    return server.post("/v1/completions", {"model": "one/small", "prompt": prompt, **more})


def script(*pieces, **what):
    return said(*pieces, **what)["content"]


def choice(text, reason):
    return [{"index": 0, "text": text, "logprobs": None, "finish_reason": reason}]


@pytest.mark.parametrize("prompt", [script(echo=True), [script(echo=True)]], ids=["text", "list"])
def test_a_prompt_is_what_a_user_says(gateway, prompt):
    body = complete(gateway, prompt, max_tokens=9, stop="\n", temperature=0.5, user="u", echo=False, suffix=None, best_of=1, n=1,
                    logprobs=None, tools=[{"type": "function", "function": {"name": "f"}}]).json  # fmt: skip
    sent = json.loads(body["choices"][0]["text"])
    assert sent["messages"] == [{"role": "user", "content": script(echo=True)}] and "tools" not in sent
    assert sent["parameters"] == {"max_tokens": 9, "temperature": 0.5, "user": "u", "stop": ["\n"]}


def test_an_answer(gateway):
    body = complete(gateway, script(thought("hm"), text('So "it"'), text(" is"), call("c", "f", {}), outcome=OUTCOME)).json
    assert body.pop("id").startswith("cmpl-") and body.pop("created") > 1700000000
    usage = body.pop("usage")
    assert body == {"object": "text_completion", "model": "one/small", "choices": choice('So "it" is', "stop"),
                    "einion": {"provider": "one", "attempts": 2, "overhead_us": 42, "notes": OUTCOME["notes"]}}  # fmt: skip
    assert (usage["prompt_tokens"], usage["completion_tokens"], usage["cost"]) == (100, 50, 0.001234567)
    for reason, told in (("length", "length"), ("content_filter", "content_filter"), ("tool_calls", "stop")):
        assert complete(gateway, script(text("x"), outcome={"stop_reason": reason})).json["choices"] == choice("x", told)


def test_a_stream(gateway):
    prompt = script(thought("hm"), text("a\n"), text("b"), outcome=OUTCOME)
    *chunks, done = lines(complete(gateway, prompt, stream=True))
    assert done == "[DONE]"
    chunks = [json.loads(chunk) for chunk in chunks]
    assert [chunk["choices"] for chunk in chunks] == [choice("a\n", None), choice("b", None), choice("", "stop")]
    assert {(chunk["object"], chunk["id"]) for chunk in chunks} == {("text_completion", chunks[0]["id"])}
    *chunks, done = lines(complete(gateway, prompt, stream=True, stream_options={"include_usage": True}))
    chunks = [json.loads(chunk) for chunk in chunks]
    assert [chunk["usage"] for chunk in chunks[:3]] == [None] * 3
    assert chunks[3]["choices"] == [] and chunks[3]["usage"]["total_tokens"] == 150 and chunks[3]["einion"]["provider"] == "one"
    broken = lines(complete(gateway, script(text("a"), error=[UNAVAILABLE, "One broke off."]), stream=True))
    assert json.loads(broken[-1])["error"]["message"] == "One broke off."


@pytest.mark.parametrize(
    ("more", "param"),
    [
        ({"echo": True}, "echo"), ({"suffix": "end"}, "suffix"), ({"logprobs": 0}, "logprobs"), ({"n": 2}, "n"),
        ({"best_of": 3}, "best_of"), ({"prompt": None}, "prompt"), ({"prompt": ["a", "b"]}, "prompt"), ({"prompt": [1, 2]}, "prompt"),
        ({"prompt": [[1]]}, "prompt"), ({"prompt": []}, "prompt"), ({"stop": 5}, "stop"), ({"model": None}, "model"),
    ],
    ids=str,
)  # fmt: skip
def test_what_cannot_be_is_named(gateway, more, param):
    reply = complete(gateway, "x", **more) if "prompt" not in more else gateway.post("/v1/completions", {"model": "one/small", **more})
    assert (reply.status, reply.json["error"]["param"]) == (400, param), reply
