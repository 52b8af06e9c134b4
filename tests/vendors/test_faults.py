# SPDX-License-Identifier: Apache-2.0
"""Whatever goes wrong, at whatever moment, at whatever vendor: one clear error, soon, and all that
came before it.  The next call is none the worse."""

import dataclasses
import gzip
import json
import threading
import time
import typing

import pytest
from ports import free_port
from support import BUILD
from vendor import CUT, HALF, RESET, STALL, Gate, Reply, event, http_date, in_pieces, raw, stream, whole
from vendor_formats import ANTHROPIC, BEDROCK, GEMINI, OLLAMA, OPENAI_CHAT, OPENAI_RESPONSES, Said, anthropic_events
from vendor_formats import bedrock_events, bedrock_frame, gemini_events, ollama_lines, openai_chat_events
from vendor_formats import openai_responses_events

TEXT = "Hello \u20ac there, and good day"
SAID = Said(TEXT, piece=6)


def sse_pieces(events):
    return [event(value) for value in events]


def named_pieces(events):
    return [event(value, value["type"]) for value in events]


def lines(values):
    return [json.dumps(value, ensure_ascii=False).encode() + b"\n" for value in values]


def frames(events):
    return [bedrock_frame(json.dumps(payload, ensure_ascii=False).encode(), kind) for kind, payload in events]


@dataclasses.dataclass
class Wire:
    plugin: str
    path: str
    title: str
    pieces: list  # of a stream that says TEXT
    kind: str  # its content type
    error: typing.Callable  # a body that tells an error
    midway: bytes  # the error that takes the place of a piece
    settings: dict = dataclasses.field(default_factory=dict)  # the catalog's entry

    def wrap(self, payload):
        """A piece that holds this instead of JSON."""
        if self.kind == FRAMES:
            return bedrock_frame(payload, "contentBlockDelta")
        return b"data: " + payload + b"\n\n" if self.kind == SSE else payload + b"\n"

    def begun(self, *then):
        """Most of a stream, then these steps."""
        half = len(self.pieces) // 2 + 1
        return stream(*self.pieces[:half], *then, kind=self.kind)


def openai_error(message):
    return {"error": {"message": message, "type": "some", "param": None, "code": None}}


def anthropic_error(message):
    return {"type": "error", "error": {"type": "overloaded_error", "message": message}}


def gemini_error(message):
    return {"error": {"code": 503, "message": message, "status": "UNAVAILABLE"}}


SSE, NDJSON, FRAMES = "text/event-stream", "application/x-ndjson", "application/vnd.amazon.eventstream"
WIRES = {
    "chat": Wire("llm-openai", OPENAI_CHAT, "OpenAI", sse_pieces(openai_chat_events(SAID)), SSE, openai_error,
                 event({"error": {"message": "midway", "type": "server_error", "code": None}})),
    "responses": Wire("llm-openai", OPENAI_RESPONSES, "OpenAI", named_pieces(openai_responses_events(SAID)), SSE, openai_error,
                      event({"type": "error", "code": "server_error", "message": "midway", "param": None}, "error"),
                      {"api_style": "responses"}),
    "anthropic": Wire("llm-anthropic", ANTHROPIC, "Anthropic", named_pieces(anthropic_events(SAID)), SSE, anthropic_error,
                      event(anthropic_error("midway"), "error")),
    "gemini": Wire("llm-gemini", GEMINI, "Gemini", sse_pieces(gemini_events(SAID)), SSE, gemini_error,
                   event(gemini_error("midway"))),
    "ollama": Wire("llm-ollama", OLLAMA, "Ollama", lines(ollama_lines(SAID)), NDJSON, lambda message: {"error": message},
                   b'{"error": "midway"}\n'),
    "bedrock": Wire("llm-bedrock", BEDROCK, "Bedrock", frames(bedrock_events(SAID)), FRAMES, lambda message: {"message": message},
                    bedrock_frame({"message": "midway"}, "serviceUnavailableException", "exception")),
}  # fmt: skip


@pytest.fixture(params=WIRES)
def wire(request):
    return WIRES[request.param]


@pytest.fixture
def ask(wire, talk, upstream):
    """ask(REPLY, ...): the vendor replies so, and the provider is called.  Afterwards all is well."""
    provider = talk(wire.plugin, base_url=upstream.url)

    def ask(reply, **call):
        upstream.answer(wire.path, reply)
        return provider(settings=wire.settings, **call)

    yield ask
    upstream.answer(wire.path, stream(*wire.pieces, kind=wire.kind))
    answer = provider(settings=wire.settings)
    assert (answer.r, answer.text, answer.fault) == ("ok", TEXT, "none"), answer


def unreachable(answer, r="unavailable"):
    assert (answer.r, answer.fault) == (r, "unreachable"), answer
    assert len(answer.error) > 10 and "key-of-the-user" not in answer.error
    return True


# ---- before the answer ------------------------------------------------------------


def test_refused(wire, talk):
    answer = talk(wire.plugin, base_url=f"http://127.0.0.1:{free_port()}")(settings=wire.settings)
    assert unreachable(answer) and wire.title in answer.error and answer.vendor_status == 0


def test_reset(ask):
    assert unreachable(ask(raw(RESET)))


def test_closed_without_a_word(ask):
    assert unreachable(ask(raw(CUT)))


def test_stalled_before_the_headers(ask):
    assert unreachable(ask(raw(STALL), first_byte_ms=100), "timeout")


def test_stalled_in_the_headers(ask):
    assert unreachable(ask(raw("HTTP/1.1 200 OK\r\nContent-Ty", STALL), first_byte_ms=100), "timeout")


def test_not_http(ask):
    assert unreachable(ask(raw("SSH-2.0-OpenSSH_9.2\r\n", CUT)))


def test_headers_without_end(ask):
    assert unreachable(ask(raw("HTTP/1.1 200 OK\r\n", "X-Long: " + "x" * 200_000 + "\r\n\r\n", CUT)))


# ---- in the middle of it ----------------------------------------------------------


def begins(answer):
    return answer.text and TEXT.startswith(answer.text) and answer.text != TEXT


@pytest.mark.parametrize("step", [RESET, CUT, HALF], ids=["reset", "cut", "half"])
def test_broken_off_between_pieces(ask, wire, step):
    answer = ask(wire.begun(step))
    assert unreachable(answer) and begins(answer)


def test_ended_between_pieces(ask, wire):
    """As if that were all: but the stream did not say so."""
    answer = ask(wire.begun())
    assert unreachable(answer) and begins(answer)
    assert unreachable(ask(stream(kind=wire.kind)))


def test_stalled_between_pieces(ask, wire, upstream):
    answer = ask(wire.begun(STALL), idle_ms=100)
    assert unreachable(answer, "timeout") and begins(answer)
    upstream.wait_left()


def test_stalled_for_too_long_in_all(ask, wire):
    assert unreachable(ask(wire.begun(STALL), total_ms=150), "timeout")


@pytest.mark.parametrize("step", [RESET, CUT, STALL], ids=["reset", "cut", "stall"])
def test_inside_a_piece(ask, wire, step):
    piece = wire.pieces[len(wire.pieces) // 2 + 1]
    answer = ask(wire.begun(piece[: len(piece) // 2], step), idle_ms=100)
    assert unreachable(answer, "timeout" if step is STALL else "unavailable") and begins(answer)


def test_half_a_character(ask, wire):
    """The stream breaks off inside the euro sign."""
    whole_stream = b"".join(wire.pieces)
    at = whole_stream.find("\u20ac".encode())
    assert at > 0
    answer = ask(stream(whole_stream[: at + 2], CUT, kind=wire.kind))
    assert unreachable(answer) and TEXT.startswith(answer.text)


@pytest.mark.parametrize("size", [1, 7])
def test_pieces_of_every_size(ask, wire, size):
    assert ask(in_pieces(stream(*wire.pieces, kind=wire.kind), size)).text == TEXT


def test_nothing_after_the_end(ask, wire):
    """What comes after the end of the answer does no harm.  (A reset may take with it what was not read.)"""
    answer = ask(Reply([*stream(*wire.pieces, kind=wire.kind).steps[:-1], CUT], chunked=True))
    if wire.plugin not in ("llm-gemini",):  # which has no end but that of the body
        assert (answer.r, answer.text) == ("ok", TEXT)


def test_nobody_waits_behind_the_end(ask, wire, upstream):
    """An answer that is whole ends the call, whether or not the vendor ends the reply."""
    begun = time.monotonic()
    answer = ask(stream(*wire.pieces, STALL, kind=wire.kind), idle_ms=100000, total_ms=100000)
    assert (answer.r, answer.text) == ("ok", TEXT) and time.monotonic() - begun < 50
    upstream.wait_left()


def used_by(answer):
    return answer.usage["input_tokens"], answer.usage["output_tokens"]


UNTOLD = {"chat": WIRES["chat"].pieces[:-1], "gemini": WIRES["gemini"].pieces}  # an end without its mark


@pytest.mark.parametrize("step", [STALL, CUT], ids=["stall", "cut"])
@pytest.mark.parametrize("wire", UNTOLD, indirect=True)
def test_an_end_without_its_mark(ask, wire, step, request):
    """All is there, soon and with what it used, but the vendor keeps the reply open, or breaks it off."""
    begun = time.monotonic()
    answer = ask(stream(*UNTOLD[request.node.callspec.params["wire"]], step, kind=wire.kind), idle_ms=100000, total_ms=100000)
    assert (answer.r, answer.text, answer.fault) == ("ok", TEXT, "none"), answer
    assert (answer.stop_reason, used_by(answer)) == ("stop", (SAID.input, SAID.output))
    assert time.monotonic() - begun < 50


@pytest.mark.parametrize("wire", ["chat"], indirect=True)
def test_what_was_used_may_come_late(ask, wire):
    """Later than egress.finish_ms: who has not told it is waited for as long as for any piece; and who never tells it
    has answered all the same."""
    *pieces, used, _ = wire.pieces
    gate = Gate()
    threading.Timer(1.5, gate.open).start()
    answer = ask(stream(*pieces, gate, used, STALL, kind=wire.kind), idle_ms=100000, total_ms=100000)
    assert (answer.r, answer.text, used_by(answer)) == ("ok", TEXT, (SAID.input, SAID.output))
    answer = ask(stream(*pieces, STALL, kind=wire.kind), idle_ms=200)
    assert (answer.r, answer.text, used_by(answer)) == ("ok", TEXT, (0, 0))


def test_the_caller_leaves(ask, wire, upstream):
    answer = ask(wire.begun(Gate()), stop_after=1)
    assert (answer.r, answer.fault) == ("cancelled", "none")
    upstream.wait_left()


# ---- what is no answer --------------------------------------------------------------


def test_an_error_inside_a_200(ask, wire):
    answer = ask(whole(wire.error("no luck today")))
    if wire.kind == FRAMES:  # nothing but frames can be inside
        assert unreachable(answer)
        return
    assert answer.r != "ok" and answer.fault not in ("none", "unreachable"), answer
    assert "no luck today" in answer.error and answer.text == ""


def test_an_error_after_a_200(ask, wire):
    answer = ask(wire.begun(wire.midway))
    assert (answer.r, answer.fault) == ("unavailable", "overloaded"), answer
    assert "midway" in answer.error and begins(answer)


def test_malformed_json(ask, wire):
    answer = ask(wire.begun(wire.wrap(b'{"a": ')))
    assert unreachable(answer) and begins(answer) and "not JSON" in answer.error
    assert unreachable(ask(whole(b'{"a": ')))


@pytest.mark.parametrize("body", [b"[]", b"{}", b"null", b"7", b'"x"', b'{"choices": 5, "output": 5, "message": 5}'])
def test_json_that_is_no_answer(ask, wire, body):
    assert ask(whole(body)).r != "ok"
    assert ask(stream(wire.wrap(body), kind=wire.kind)).r != "ok"


def test_json_without_a_bottom(ask, wire):
    assert unreachable(ask(stream(wire.wrap(b"[" * 100_000), kind=wire.kind)))
    assert ask(stream(wire.wrap(b"[" * 127 + b"]" * 127), kind=wire.kind)).r != "ok"


def test_a_line_of_ten_megabytes(ask, wire):
    answer = ask(wire.begun(wire.wrap(b'{"x": "' + b"x" * 10_000_000)[:-2], STALL))
    assert unreachable(answer) and begins(answer)
    assert "8388608" in answer.error


def test_an_answer_without_end(talk, wire, upstream):
    piece = {SSE: b": and so on\n" * 1000, NDJSON: b"\n" * 12000, FRAMES: wire.pieces[0] * 100}[wire.kind]
    upstream.answer(wire.path, stream(*[piece] * 20, STALL, kind=wire.kind))
    answer = talk(wire.plugin, base_url=upstream.url, reply_max_bytes=100_000)(settings=wire.settings)
    assert unreachable(answer)


def test_a_page_of_html(ask):
    answer = ask(whole(b"<html>Please log in", headers={"Content-Type": "text/html; charset=utf-8"}))
    assert unreachable(answer) and "HTML" in answer.error


def test_no_content(ask):
    assert ask(raw("HTTP/1.1 204 No Content\r\n\r\n")).r == "unavailable"


def test_compressed(ask, wire):
    assert ask(stream(*wire.pieces, kind=wire.kind, compress=True)).text == TEXT
    body = gzip.compress(b"".join(wire.pieces))
    broken = body[:20] + b"\0" * 20 + body[40:]
    answer = ask(stream(broken, kind=wire.kind, headers={"Content-Encoding": "gzip"}))
    assert unreachable(answer)
    assert unreachable(ask(stream(body[: len(body) // 2], kind=wire.kind, headers={"Content-Encoding": "gzip"})))


# ---- redirects ----------------------------------------------------------------------


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(ask, upstream, status):
    answer = ask(whole(b"", status, {"Location": upstream.url + "/elsewhere"}))
    assert unreachable(answer) and "base_url" in answer.error
    assert upstream.asked("/elsewhere") == []


def test_a_redirect_is_followed_where_that_is_set(wire, talk, upstream):
    provider = talk(wire.plugin, base_url=upstream.url, max_redirects=1)
    upstream.answer("/elsewhere", stream(*wire.pieces, kind=wire.kind))
    upstream.answer(wire.path, whole(b"", 307, {"Location": "/elsewhere"}))
    assert provider(settings=wire.settings).text == TEXT
    assert upstream.last.json == upstream.requests[0].json
    upstream.answer("/elsewhere", whole(b"", 307, {"Location": "/elsewhere"}))
    assert unreachable(provider(settings=wire.settings))


# ---- statuses -------------------------------------------------------------------------


@pytest.mark.parametrize("headers, least, most", [
    ({}, 0, 0),
    ({"retry-after-ms": "1500"}, 1500, 1500),
    ({"retry-after": "7"}, 7000, 7000),
    ({"retry-after": "0.5"}, 500, 500),
    ({"retry-after": http_date(1_900_000_060), "date": http_date(1_900_000_000)}, 60_000, 60_000),
    ({"retry-after": http_date(1_000_000_060), "date": http_date(1_000_000_000)}, 60_000, 60_000),
    ({"retry-after": http_date(4_000_000_000)}, 86_400_000, 86_400_000),
    ({"retry-after": http_date(1_000_000_000)}, 0, 0),
    ({"retry-after": "soon"}, 0, 0),
], ids=["none", "ms", "seconds", "fraction", "date", "clock", "far", "past", "words"])  # fmt: skip
def test_too_many_requests(ask, wire, headers, least, most):
    """A date counts from the vendor's own: whose clock is wrong, or jumps, does not matter."""
    answer = ask(whole(wire.error("slow down"), 429, headers))
    assert answer.vendor_status == 429 and least <= answer.retry_after_ms <= most
    assert answer.fault in ("rate_limit", "overloaded")  # what Anthropic names has the last word


@pytest.mark.parametrize("status, faults", [
    (401, ["bad_key", "overloaded"]), (408, ["overloaded"]), (500, ["overloaded"]), (502, ["overloaded"]),
    (503, ["overloaded"]), (504, ["overloaded", "unreachable"]), (529, ["overloaded"]),
])  # fmt: skip
@pytest.mark.parametrize("body", ["json", "text", "nothing", "cut", "long"])
def test_other_statuses(ask, wire, status, faults, body):
    error = json.dumps(wire.error("because")).encode()
    reply = {"json": lambda: whole(wire.error("because"), status), "text": lambda: whole("because", status),
             "nothing": lambda: whole(b"", status), "cut": lambda: stream(error[:-5], CUT, kind="application/json", status=status),
             "long": lambda: stream(error[:-5], *[b"x" * 100_000] * 20, status=status)}[body]()  # fmt: skip
    answer = ask(reply)
    assert answer.r in ("denied", "unavailable") and answer.fault in faults, answer
    assert (answer.vendor_status, len(answer.error) < 252) == (status, True)
    if body in ("json", "text"):
        assert "because" in answer.error


def test_an_error_that_stalls(ask, wire):
    """What is known by then is told."""
    answer = ask(stream(b"{", STALL, kind="application/json", status=500), idle_ms=100)
    assert (answer.fault, answer.vendor_status) == ("overloaded", 500)


def test_the_key_is_not_in_an_error(ask, wire):
    answer = ask(whole(wire.error("wrong key: key-of-the-user!"), 401))
    assert answer.r != "ok" and "key-of-the-user" not in answer.error


# ---- a clock that jumps ---------------------------------------------------------------


def test_a_clock_that_jumps(wire, talk, upstream):
    """Deadlines are no matter of the time of day, whatever it is."""
    clock = str(BUILD / "tests" / "vendors" / "jumping_clock.so")
    provider = talk(wire.plugin, base_url=upstream.url, env={"LD_PRELOAD": clock})
    upstream.answer(wire.path, stream(*wire.pieces, kind=wire.kind))
    answers = [provider(settings=wire.settings, connect_ms=20_000, idle_ms=20_000, total_ms=20_000) for _ in range(10)]
    assert [answer.text for answer in answers] == [TEXT] * 10
    upstream.answer(wire.path, wire.begun(STALL))
    assert unreachable(provider(settings=wire.settings, idle_ms=100), "timeout")
    upstream.answer(wire.path, raw(STALL))
    assert unreachable(provider(settings=wire.settings, first_byte_ms=100), "timeout")
