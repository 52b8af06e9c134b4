# SPDX-License-Identifier: Apache-2.0
"""The upstream that stands for a vendor says what it was told, byte for byte."""

import http.client
import json
import socket

import pytest
from vendor import CUT, HALF, RESET, STALL, Gate, event, in_pieces, ndjson, raw, sse, stream, whole


@pytest.fixture
def ask(upstream):
    connections = []

    def ask(path="/x", body=None, method="POST"):
        connections.append(http.client.HTTPConnection("127.0.0.1", upstream.port, timeout=20))
        connections[-1].request(method, path, body, {"Content-Type": "application/json", "X-One": "1"})
        return connections[-1].getresponse()

    yield ask
    for connection in connections:
        connection.close()


def test_requests_are_kept(upstream, ask):
    upstream.answer("/a/*", whole({"ok": True}))
    assert json.load(ask("/a/b%3Ac?x=1", '{"q": 2}')) == {"ok": True}
    request = upstream.last
    assert (request.method, request.path, request.raw_path, request.query) == ("POST", "/a/b:c", "/a/b%3Ac", {"x": "1"})
    assert (request.json, request.headers["x-one"]) == ({"q": 2}, "1")


def test_replies_come_one_after_the_other_and_the_last_stays(upstream, ask):
    upstream.answer("/x", whole({}, 500), whole({}, 429, {"Retry-After": "3"}), lambda request: whole(request.json))
    assert [ask(body="[1]").status for _ in range(2)] == [500, 429]
    assert [json.load(ask(body=text)) for text in ("[1]", "[2]")] == [[1], [2]]
    assert ask("/y").status == 404


def test_streams_are_sent_piece_by_piece(upstream, ask):
    upstream.answer("/x", sse({"a": 1}, ": comment\n\n".encode(), "[DONE]"))
    reply = ask()
    assert reply.getheader("Content-Type") == "text/event-stream"
    assert reply.read() == b'data: {"a": 1}\n\n: comment\n\ndata: [DONE]\n\n'
    upstream.answer("/x", in_pieces(ndjson({"a": "\u20ac"}, chunked=False), 1))
    assert ask().read() == '{"a": "\u20ac"}\n'.encode()
    upstream.answer("/x", sse({"type": "ping"}, named=True))
    assert ask().read() == event({"type": "ping"}, "ping") == b'event: ping\ndata: {"type": "ping"}\n\n'


def test_a_gate_holds_a_reply_until_it_is_opened(upstream, ask):
    gate = Gate()
    upstream.answer("/x", stream(b"one", gate, b"two"))
    reply = ask()
    assert reply.read1() == b"one" and gate.reached.wait(20)
    gate.open()
    assert reply.read() == b"two"


@pytest.mark.parametrize("step, error", [(RESET, ConnectionResetError), (CUT, http.client.IncompleteRead),
                                         (HALF, http.client.IncompleteRead)])  # fmt: skip
def test_a_reply_can_break_off(upstream, ask, step, error):
    upstream.answer("/x", stream(b"one", step))
    with pytest.raises(error):
        ask().read()


def test_nothing_may_come_at_all(upstream, ask):
    upstream.answer("/x", raw(RESET), raw(CUT))
    with pytest.raises(ConnectionResetError):
        ask()
    with pytest.raises(http.client.RemoteDisconnected):
        ask()


def test_a_stalled_reply_sees_its_client_leave(upstream):
    upstream.answer("/x", raw(STALL))
    with socket.create_connection(("127.0.0.1", upstream.port)) as client:
        client.sendall(b"GET /x HTTP/1.1\r\n\r\n")
        upstream.wait_asked()
        assert upstream.left == 0
    upstream.wait_left()
