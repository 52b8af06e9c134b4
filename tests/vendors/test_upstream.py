# SPDX-License-Identifier: Apache-2.0
"""The upstream that stands for a vendor says what it was told, byte for byte."""

import http.client
import json
import socket

import pytest
from vendor import CUT, HALF, RESET, STALL, Gate, event, in_pieces, ndjson, raw, sse, stream, whole
from vendor_formats import Said, bedrock_frame, speak


@pytest.fixture
def ask(upstream):
    connections = []

    def ask(path="/x", body=None, method="POST"):
        connections.append(http.client.HTTPConnection("127.0.0.1", upstream.port, timeout=120))
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
    assert reply.read1() == b"one" and gate.reached.wait(120)
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


def test_it_speaks_like_each_vendor(upstream, ask):
    said = Said("Hello there", thought="A greeting.", tools=[("get_weather", {"city": "Paris"})], reasoning=3)
    speak(upstream, said)
    for path, mark in (("/v1/chat/completions", b"data: [DONE]\n\n"), ("/v1/responses", b'"type": "response.completed"'),
                       ("/v1/messages", b"event: message_stop"), ("/v1beta/models/m:streamGenerateContent?alt=sse", b"STOP"),
                       ("/model/m/converse-stream", b"messageStop"), ("/api/chat", b'"done": true')):  # fmt: skip
        streamed = ask(path, '{"stream": true}').read()
        assert mark in streamed and b"get_weather" in streamed
        at_once = json.load(ask(path.replace("streamG", "g").replace("-stream", ""), '{"stream": false}'))
        assert "Hello there" in json.dumps(at_once)


def test_a_frame_is_what_the_vendors_own_codec_makes():
    payload = b'{"usage":{"inputTokens":3,"outputTokens":2,"totalTokens":5},"metrics":{"latencyMs":7}}'
    headers = {":event-type": "metadata", ":content-type": "application/json", ":message-type": "event"}
    made = bytes.fromhex(
        "000000b40000004e11011d2a0b3a6576656e742d747970650700086d657461646174610d3a636f6e74656e742d747970650700106170706c6963"
        "6174696f6e2f6a736f6e0d3a6d6573736167652d747970650700056576656e747b227573616765223a7b22696e707574546f6b656e73223a332c"
        "226f7574707574546f6b656e73223a322c22746f74616c546f6b656e73223a357d2c226d657472696373223a7b226c6174656e63794d73223a37"
        "7d7dd1014739")
    ours = bedrock_frame(payload, "metadata")
    assert len(ours) == len(made) and ours[:12] == made[:12] and payload in ours
    assert all(bytes([len(name)]) + name.encode() + b"\x07" in ours for name in headers)
