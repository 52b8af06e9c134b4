# SPDX-License-Identifier: Apache-2.0
"""What HTTP and server-sent events allow, and what some servers make of them: the same answer each
time, or one clear error."""

import gzip
import zlib

import pytest
from test_faults import SAID, SSE, TEXT, WIRES, ask, unreachable, wire  # noqa: F401
from vendor import CUT, RESET, Reply, raw, stream, whole
from vendor_formats import ANTHROPIC, GEMINI, OPENAI_CHAT, OPENAI_RESPONSES, anthropic_message, gemini_parts
from vendor_formats import gemini_response, openai_chat_whole, openai_response


def head(wire, *more, status="200 OK", version="1.1"):
    lines = [f"HTTP/{version} {status}", f"Content-Type: {wire.kind}", *more, "", ""]
    return "\r\n".join(lines).encode()


def chunks(pieces):
    return [b"%X;name=\"value\"\r\n%b\r\n" % (len(piece), piece) for piece in pieces]


def body(wire):
    return b"".join(wire.pieces)


EARLY = (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\nContent-Type: text/html\r\n\r\n"
         b"HTTP/1.1 103 Early Hints\r\nContent-Encoding: gzip\r\nRetry-After: 7\r\n\r\n")  # fmt: skip
CHUNKED = "Transfer-Encoding: chunked"
END = b"0\r\n\r\n"

HARMLESS = {
    "hints before the answer": lambda wire: raw(EARLY, head(wire, CHUNKED), *chunks(wire.pieces), END),
    "trailers": lambda wire: raw(head(wire, CHUNKED, "Trailer: X-A"), *chunks(wire.pieces), b"0\r\nX-A: b\r\nX-B: c\r\n\r\n"),
    "zeros that end": lambda wire: raw(head(wire, CHUNKED), *chunks(wire.pieces), b"0000\r\n\r\n"),
    "a length beside chunks": lambda wire: raw(head(wire, "Content-Length: 3", CHUNKED), *chunks(wire.pieces), END),
    "HTTP/1.0": lambda wire: raw(head(wire, version="1.0"), *wire.pieces, CUT),
    "no type": lambda wire: raw(f"HTTP/1.1 200 OK\r\n{CHUNKED}\r\n\r\n", *chunks(wire.pieces), END),
    "another case": lambda wire: stream(*wire.pieces, kind=wire.kind.upper() + '; Charset="UTF-8"'),
    "deflate": lambda wire: stream(zlib.compress(body(wire)), kind=wire.kind, headers={"Content-Encoding": "deflate"}),
    "a long header": lambda wire: stream(*wire.pieces, kind=wire.kind, headers={"X-Long": "y" * 60000}),
    "garbage behind the end": lambda wire: stream(*wire.pieces, b"\0garbage{{{", kind=wire.kind),
}

EVENTS = {
    "CR": lambda pieces: [piece.replace(b"\n", b"\r") for piece in pieces],
    "CR LF, byte by byte": lambda pieces: [bytes([byte]) for byte in b"".join(pieces).replace(b"\n", b"\r\n")],
    "every line end": lambda pieces: [piece.replace(b"\n", [b"\n", b"\r\n", b"\r"][at % 3]) for at, piece in enumerate(pieces)],
    "a mark of byte order": lambda pieces: [b"\xef", b"\xbb", b"\xbf", *pieces],
    "a flood of comments": lambda pieces: [pieces[0], b": WAITING\n\n" * 20000, *pieces[1:]],
    "names without data": lambda pieces: [b"event: x\n\nid: 5\n\nretry: 1\n\nevent\n\n", pieces[0], b"data\n\ndata:\n\ndata: \n\n", *pieces[1:]],
    "no blanks": lambda pieces: [piece.replace(b"data: ", b"data:").replace(b"event: ", b"event:") for piece in pieces],
    "data in two lines": lambda pieces: [piece.replace(b": {", b":\ndata: {") for piece in pieces],
    "blank lines": lambda pieces: [b"\n\n\n" + piece for piece in pieces],
    "two ends": lambda pieces: [*pieces, b"data: [DONE]\n\n", b"data: [DONE]\n\n"],
}

WHOLE = {OPENAI_CHAT: openai_chat_whole(SAID), OPENAI_RESPONSES: openai_response(SAID),
         ANTHROPIC: anthropic_message(SAID), GEMINI: [gemini_response(SAID, gemini_parts(SAID), "STOP")]}  # fmt: skip

BROKEN = {
    "202 and nothing": lambda wire: raw(head(wire, "Content-Length: 0", status="202 Accepted")),
    "204": lambda wire: raw(head(wire, status="204 No Content")),
    "a head that comes slowly and breaks off": lambda wire: raw(head(wire, CHUNKED)[:20], head(wire, CHUNKED)[20:40], RESET),
    "too short a length": lambda wire: raw(head(wire, f"Content-Length: {len(body(wire)) // 2}"), body(wire)),
    "a length of zero": lambda wire: raw(head(wire, "Content-Length: 0"), body(wire)),
    "a length below zero": lambda wire: raw(head(wire, "Content-Length: -5"), body(wire)),
    "a NUL in a header": lambda wire: raw(head(wire, "X-A: a\0b", CHUNKED), *chunks(wire.pieces), END),
    "half of what was compressed": lambda wire: stream(gzip.compress(body(wire), mtime=0)[:60], kind=wire.kind, headers={"Content-Encoding": "gzip"}),
}


@pytest.mark.parametrize("oddity", HARMLESS)
def test_it_is_the_same_answer(ask, wire, oddity):  # noqa: F811
    answer = ask(HARMLESS[oddity](wire))
    assert (answer.r, answer.text, answer.fault) == ("ok", TEXT, "none"), answer


@pytest.mark.parametrize("oddity", EVENTS)
@pytest.mark.parametrize("wire", [name for name in WIRES if WIRES[name].kind == SSE], indirect=True)
def test_events_are_the_same_in_other_lines(ask, wire, oddity):  # noqa: F811
    answer = ask(stream(*EVENTS[oddity](wire.pieces), kind=SSE))
    assert (answer.r, answer.text, answer.fault) == ("ok", TEXT, "none"), answer


@pytest.mark.parametrize("kind", ["application/json", "text/plain; charset=utf-8", "application/x-ndjson"])
@pytest.mark.parametrize("wire", [name for name in WIRES if WIRES[name].kind == SSE], indirect=True)
def test_a_stream_is_one_whatever_it_is_called(ask, wire, kind):  # noqa: F811
    for before in (b"", b" \r\n\n"):
        answer = ask(stream(*([before] if before else []), *wire.pieces, kind=kind))
        assert (answer.r, answer.text, answer.fault) == ("ok", TEXT, "none"), answer


@pytest.mark.parametrize("kind", [SSE, "text/plain"])
@pytest.mark.parametrize("wire", [name for name in WIRES if WIRES[name].kind == SSE], indirect=True)
def test_a_whole_answer_is_one_whatever_it_is_called(ask, wire, kind):  # noqa: F811
    """Also one that tells an error."""
    answer = ask(whole(WHOLE[wire.path], headers={"Content-Type": kind}))
    assert (answer.r, answer.text, answer.fault) == ("ok", TEXT, "none"), answer
    answer = ask(whole(wire.error("The words"), headers={"Content-Type": kind}))
    assert answer.r != "ok" and "The words" in answer.error, answer


@pytest.mark.parametrize("oddity", BROKEN)
def test_it_is_one_clear_error(ask, wire, oddity):  # noqa: F811
    """Also for the call after it: what was too much is not its answer."""
    reply = BROKEN[oddity](wire)
    for _ in range(2):
        answer = ask(Reply(list(reply.steps), reply.chunked))
        assert unreachable(answer) and TEXT.startswith(answer.text)
