# SPDX-License-Identifier: Apache-2.0
"""Says to the scripted models of conftest.py what they are to do."""

import json

TEXT, THOUGHT, CALL, SOURCE, SEARCH = 100, 200, 300, 400, 600
DENIED, UNAVAILABLE, TIMEOUT, BUSY, INVALID, NOT_FOUND, TOO_LARGE = -4, -5, -6, -12, -1, -2, -11


def scripted_sets(plugin):
    return ["storage.backend=memory", "plugins.models.enabled=false",
            "plugins.runtime-python.enabled=false", f"plugins.scripted.plugin={plugin}"]  # fmt: skip


def text(words):
    return {"kind": TEXT, "text": words}


def thought(words=None, replay=None):
    return {"kind": THOUGHT, "text": words, "data": {"replay": replay} if replay else None}


def call(id, name, arguments, **more):
    return {"kind": CALL, "data": {"id": id, "name": name, "arguments": arguments, **more}}


def source(url, title, **more):
    return {"kind": SOURCE, "data": {"url": url, "title": title, **more}}


def search(id, query, *pages, **more):
    results = [{"url": url, "title": title} for url, title in pages]
    return {"kind": SEARCH, "data": {"id": id, "query": query, "results": results, **more}}


def said(*pieces, **what):
    """The message of a user who wants to hear these."""
    return {"role": "user", "content": json.dumps({"pieces": pieces, **what})}


OUTCOME = {
    "provider": "one", "model": "small", "attempts": 2, "cost": 1234567, "overhead_us": 42, "stop_reason": "stop",
    "input_tokens": 100, "cached_tokens": 30, "cache_write_tokens": 20, "output_tokens": 50, "reasoning_tokens": 10,
    "requests": [60, 59, 1500], "tokens": [1000, 900, 61000], "notes": ["temperature was left out"],
}  # fmt: skip


def chat(server, messages, headers=(), **more):
    return server.post("/v1/chat/completions", {"model": "one/small", "messages": messages, **more}, headers=headers)


def messages(server, messages, headers=(), **more):
    body = {"model": "one/small", "max_tokens": 100, "messages": messages, **more}
    return server.post("/v1/messages", body, headers=headers)


def echo(reply):
    """The call as completion/1 was given it."""
    body = reply.json
    assert reply.status == 200, reply
    words = body["choices"][0]["message"]["content"] if "choices" in body else body["content"][-1]["text"]
    return json.loads(words)


ECHO = said(echo=True)


def lines(reply):
    """The data of a stream of chat completions; it ends with [DONE]."""
    assert reply.status == 200, reply
    assert reply.header("Content-Type") == "text/event-stream; charset=utf-8"
    blocks = reply.text.split("\n\n")
    assert blocks.pop() == ""
    assert all(block.startswith("data: ") for block in blocks)
    return [block[6:] for block in blocks]


def events(reply):
    """(event, data) of a stream of Anthropic's."""
    assert reply.status == 200, reply
    pairs = []
    for block in reply.text.split("\n\n")[:-1]:
        name, data = block.split("\n")
        assert name.startswith("event: ") and data.startswith("data: ")
        pairs.append((name[7:], json.loads(data[6:])))
        assert pairs[-1][0] == pairs[-1][1]["type"]
    return pairs
