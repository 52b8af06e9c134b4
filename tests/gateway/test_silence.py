# SPDX-License-Identifier: Apache-2.0
"""A model that is silent for long: nobody between takes its stream for dead."""

import json

import pytest
from support import Server
from test_repeated_calls import CHAT, EVERY, SETS, env
from vendor import Gate, Reply, sse, whole
from vendor_formats import OPENAI_CHAT, Said, openai_chat_events

BEAT = b": heartbeat\n\n"
HEARD = b"Hello there"


@pytest.fixture(scope="module")
def the_door(the_upstream):
    with Server("memory", sets=[*SETS, "limits.heartbeat_ms=100"], env=env(the_upstream)) as server:
        yield server.start(ready=True)


@pytest.fixture
def ask(the_door, upstream):
    """ask(PATH, BODY, GATE, REPLY): what comes before the vendor goes on, and all of it."""

    def ask(path, body, gate, reply):
        upstream.answer(OPENAI_CHAT, reply)
        with the_door.connect() as client:
            client.send_request("POST", path, json.dumps({**body, "stream": True}).encode())
            head = client.read_head()
            pieces = client.pieces(head)
            first = next(pieces)
            gate.open()
            return head, first, b"".join(pieces)

    yield ask
    the_door.check()


@pytest.mark.parametrize("path, body", EVERY)
def test_it_begins_with_a_heartbeat(ask, path, body):
    gate = Gate()
    head, first, rest = ask(path, body, gate, sse(gate, *openai_chat_events(Said(HEARD.decode(), piece=20))))
    assert (head.status, first) == (200, BEAT) and HEARD in rest
    assert head.header("Content-Type").startswith("text/event-stream") and head.header("x-einion-model") is None
    assert b"openai/gpt-4o-mini" in rest.replace(BEAT, b"")


@pytest.mark.parametrize("path, body", EVERY)
def test_what_fails_then_is_told_within_it(ask, path, body):
    gate = Gate()
    reply = whole({"error": {"message": "too late", "type": "server_error", "code": None}}, 503)
    head, first, rest = ask(path, body, gate, Reply([gate, *reply.steps]))
    assert (head.status, first) == (200, BEAT)
    assert b"too late" in rest and b"error" in rest and HEARD not in rest and b"[DONE]" not in rest


def test_an_answer_that_is_no_stream_keeps_its_status(the_door, upstream):
    gate = Gate()
    upstream.answer(OPENAI_CHAT, Reply([gate, *whole({"error": {"message": "no"}}, 503).steps]))
    with the_door.connect() as client:
        client.send_request("POST", "/v1/chat/completions", json.dumps(CHAT).encode())
        assert gate.reached.wait(60)
        client.socket.settimeout(0.5)  # five heartbeats of a stream
        with pytest.raises(TimeoutError):
            client.socket.recv(1)
        client.socket.settimeout(60)
        gate.open()
        assert client.read_reply().status == 503
