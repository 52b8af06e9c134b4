# SPDX-License-Identifier: Apache-2.0
"""Idempotency-Key on /v1: what is sent again is asked of the vendor once."""

import concurrent.futures
import json
import uuid

import pytest
from support import Server, wait_until
from vendor import Gate, sse, whole
from vendor_formats import OPENAI_CHAT, Said, openai_chat, openai_chat_events

CHAT = {"model": "openai/gpt-4o-mini", "messages": [{"role": "user", "content": "hi"}]}
EVERY = [("/v1/chat/completions", CHAT), ("/v1/completions", {"model": CHAT["model"], "prompt": "hi"}),
         ("/v1/responses", {"model": CHAT["model"], "input": "hi"}),
         ("/v1/messages", {**CHAT, "max_tokens": 9})]  # fmt: skip


SETS = ["plugins.runtime-python.enabled=false", "plugins.openai.api_style=chat", "plugins.models.retries=0"]


def env(upstream):
    return {"OPENAI_BASE_URL": f"{upstream.url}/v1", "OPENAI_API_KEY": "sk-upstream"}


@pytest.fixture(scope="module")
def the_door(the_upstream):
    with Server("memory", sets=[*SETS, "limits.idempotency_bytes=8192"], env=env(the_upstream)) as server:
        yield server.start(ready=True)


@pytest.fixture
def door(the_door, upstream):
    upstream.answer(OPENAI_CHAT, openai_chat(Said("Hello there")))
    yield the_door
    the_door.check()


def call(door, key, body=CHAT, path="/v1/chat/completions", **more):
    return door.post(path, {**body, **more}, headers={"Idempotency-Key": key} if key else {})


def fresh():
    return uuid.uuid4().hex


def replayed(*replies):
    return [reply.header("Idempotent-Replayed") for reply in replies]


@pytest.mark.parametrize("path, body", EVERY)
@pytest.mark.parametrize("stream", [False, True])
def test_it_is_asked_once(door, upstream, path, body, stream):
    key = fresh()
    first, again = (call(door, key, body, path, stream=stream) for _ in range(2))
    assert first.status == again.status == 200 and b"Hello" in first.body.replace(b'"', b"")
    assert (again.body, again.header("Content-Type")) == (first.body, first.header("Content-Type"))
    assert replayed(first, again) == [None, "true"]
    assert len(upstream.requests) == 1
    told, told_again = (sorted(pair for pair in reply.headers if pair[0].lower().startswith("x-einion-")) for reply in (first, again))
    assert told == told_again and first.header("x-einion-model") and bool(first.header("x-einion-cost")) is not stream
    assert call(door, fresh(), body, path, stream=stream).body != first.body
    assert call(door, None, body, path, stream=stream).body != first.body
    assert len(upstream.requests) == 3


def test_another_question_is_refused(door, upstream):
    key = fresh()
    assert call(door, key).status == 200
    reply = call(door, key, temperature=0.5)
    assert (reply.status, reply.json["error"]["message"]) == (400, "This Idempotency-Key was used with another input before.")
    assert call(door, key, stream=True).status == 400
    assert len(upstream.requests) == 1


def test_what_is_no_key_is_refused(door, upstream):
    reply = call(door, "x" * 256)
    assert (reply.status, reply.json["error"]["message"]) == (400, "An Idempotency-Key has 1 to 255 visible ASCII characters.")
    assert not upstream.requests


@pytest.mark.parametrize("stream", [False, True])
def test_a_failure_is_no_answer(door, upstream, stream):
    key = fresh()
    upstream.answer(OPENAI_CHAT, whole({"error": {"message": "down"}}, 500), openai_chat(Said("Hello there")))
    assert call(door, key, stream=stream).status >= 500
    good = call(door, key, stream=stream)
    assert (good.status, replayed(good)) == (200, [None])
    assert replayed(call(door, key, stream=stream)) == ["true"]


@pytest.mark.parametrize("stream, begun", [(False, 0), (True, 0), (True, 2)])
def test_who_left_asks_again(door, upstream, stream, begun):
    gate, key = Gate(), fresh()
    events = openai_chat_events(Said("Hello there"))
    upstream.answer(OPENAI_CHAT, sse(*events[:begun], gate, *events[begun:]))
    with door.connect() as client:
        body = json.dumps({**CHAT, "stream": stream}).encode()
        client.send_request("POST", "/v1/chat/completions", body, {"Idempotency-Key": key})
        upstream.wait_asked()
    busy = call(door, key, stream=stream)
    assert (busy.status, busy.header("Retry-After")) == (409, "1")
    gate.open()
    reply = wait_until(lambda: (reply := call(door, key, stream=stream)).status == 200 and reply, 10, "the answer")
    assert replayed(reply) == ["true"] and b'ere"' in reply.body
    assert len(upstream.requests) == 1 and upstream.left == 0


@pytest.mark.parametrize("stream", [False, True])
def test_what_is_too_long_is_not_kept(door, upstream, stream):
    key = fresh()
    upstream.answer(OPENAI_CHAT, openai_chat(Said("long " * 4000, piece=500)))
    assert call(door, key, stream=stream).status == 200
    reply = call(door, key, stream=stream)
    assert reply.status == 400 and "idempotency_bytes" in reply.json["error"]["message"]
    assert len(upstream.requests) == 1


def test_the_answer_of_who_was_erased_meanwhile_is_not_kept(start_server, upstream):
    gate = Gate()
    upstream.answer(OPENAI_CHAT, sse(gate, *openai_chat_events(Said("Hello there"))))
    panel = {"ADMIN_PANEL_ENABLED": "true", "ADMIN_PANEL_PASSWORD": "pw"}
    server = start_server(backend="memory", sets=SETS, env=env(upstream) | panel, ready=True)
    with concurrent.futures.ThreadPoolExecutor() as pool:
        first = pool.submit(call, server, "k")
        upstream.wait_asked()
        uid = server.get("/users/me").json["_id"]
        reply = server.delete(f"/admin/users/{uid}", headers={"X-Admin-Password": "pw"})
        gate.open()
        assert reply.status == first.result().status == 200, reply
    upstream.answer(OPENAI_CHAT, openai_chat(Said("Hello there")))
    assert replayed(call(server, "k")) == [None] and len(upstream.requests) == 2


def test_after_its_time_it_is_asked_again(start_server, upstream):
    upstream.answer(OPENAI_CHAT, openai_chat(Said("Hello there")))
    server = start_server(backend="memory", sets=[*SETS, "limits.idempotency_kept_s=1"], env=env(upstream), ready=True)
    first = call(server, "k")
    wait_until(lambda: call(server, "k").body != first.body, 20, "the answer to be forgotten")
    assert len(upstream.requests) == 2


def test_it_is_paid_once(door, upstream):
    left = lambda: door.get("/users/me").json["usageInfo"]["spendRemaining"]  # noqa: E731
    key, before = fresh(), left()
    cost = float(call(door, key).header("x-einion-cost"))
    assert cost > 0 and before - left() == pytest.approx(cost)
    again = call(door, key)
    assert (replayed(again), float(again.header("x-einion-cost"))) == (["true"], cost)
    assert before - left() == pytest.approx(cost)


def test_embeddings_too(door, upstream):
    vectors = {"object": "list", "data": [{"object": "embedding", "index": 0, "embedding": [0.5]}], "model": "m",
               "usage": {"prompt_tokens": 1, "total_tokens": 1}}  # fmt: skip
    upstream.answer("*/embeddings", whole(vectors))
    body, key = {"model": "openai/text-embedding-3-small", "input": "hi"}, fresh()
    first, again = (call(door, key, body, "/v1/embeddings") for _ in range(2))
    assert (first.status, first.body, replayed(first, again)) == (200, again.body, [None, "true"])
    assert len(upstream.requests) == 1
