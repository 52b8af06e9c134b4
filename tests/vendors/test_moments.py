# SPDX-License-Identifier: Apache-2.0
"""What can go wrong on the way, at every moment, on every wire: one clear error each time, nothing
half, nothing that hangs, nothing left behind."""

import os
import re
from concurrent.futures import ThreadPoolExecutor

import pytest
import vendor_formats as formats
from support import wait_until
from vendor import CUT, HALF, RESET, STALL, Reply, event, raw, stream, whole
from vendor_formats import Said

SAID = Said("Grüße, 世界 🎉", thought="Ein Gruß?", tools=[("get_weather", {"city": "Zürich"}), ("now", {})], reasoning=3, piece=4)


def chat(said):
    return [event(one) for one in formats.openai_chat_events(said)]


def responses(said):
    return [event(one, one["type"]) for one in formats.openai_responses_events(said)]


def anthropic(said):
    return [event(one, one["type"]) for one in formats.anthropic_events(said)]


def bedrock(said):
    return [formats.bedrock_frame(payload, kind) for kind, payload in formats.bedrock_events(said)]


def gemini(said):
    return [event(one) for one in formats.gemini_events(said)]


def ollama(said):
    return [part for part in formats.ollama(said)(type("Request", (), {"json": {}})).steps[1:-1]]


# The plugin, settings, the events of an answer, their media type.
SSE = "text/event-stream"
WIRES = {
    "anthropic": ("llm-anthropic", {}, anthropic, SSE),
    "bedrock": ("llm-bedrock", {}, bedrock, "application/vnd.amazon.eventstream"),
    "gemini": ("llm-gemini", {}, gemini, SSE),
    "ollama": ("llm-ollama", {}, ollama, "application/x-ndjson"),
    "openai-chat": ("llm-openai", {"api_style": "chat"}, chat, SSE),
    "openai-responses": ("llm-openai", {"api_style": "responses"}, responses, SSE),
}


class Wire:
    def __init__(self, talk, upstream, plugin, settings, events, kind):
        self.talk = talk(plugin, base_url=upstream.url, **settings)
        self.upstream, self.kind = upstream, kind
        self.events = events(SAID)
        self.body = b"".join(self.events)

    def moments(self):
        """At the borders of events, beside them and within them."""
        found, at = {0}, 0
        for piece in self.events:
            found |= {at + len(piece) // 2, at + len(piece) - 1, at + len(piece)}
            at += len(piece)
        return sorted(found)

    def ask_at(self, moments, reply_at, **call):
        """The answers to calls that go wrong at these moments, many at once."""

        def reply(request):
            return reply_at(int(re.search(r"at-(\d+)", request.target + request.body.decode())[1]))

        self.upstream.answer("*", reply)
        with ThreadPoolExecutor(16) as pool:
            return list(pool.map(lambda moment: self.talk(model=f"at-{moment}", **call), moments))

    def stream(self, *pieces, **options):
        return stream(*pieces, kind=self.kind, **options)


@pytest.fixture(params=sorted(WIRES))
def wire(request, talk, upstream):
    return Wire(talk, upstream, *WIRES[request.param])


def check(wire, moments, answers, errors):
    """Each is whole, or has failed and is the beginning of the whole."""
    full = wire.ask_at([0], lambda _: wire.stream(wire.body))[0]
    assert (full.r, full.text, full.thought, len(full.tool_calls)) == ("ok", SAID.text, SAID.thought, 2), full
    for moment, answer in zip(moments, answers):
        where = f"at {moment} of {len(wire.body)} bytes: {answer}"
        assert SAID.text.startswith(answer.text) and SAID.thought.startswith(answer.thought), where
        assert [call["arguments"] for call in answer.tool_calls] == [call[1] for call in SAID.tools][: len(answer.tool_calls)], where
        if answer.r == "ok":
            assert (answer.text, answer.thought, len(answer.tool_calls)) == (SAID.text, SAID.thought, 2), where
            assert answer.stop_reason == "tool_calls" and answer.fault == "none", where
        else:
            assert (answer.r in errors, answer.fault, answer.vendor_status) == (True, "unreachable", 200), where
            assert wire.talk.name.split("-")[0].lower() in answer.error.lower() and answer.stop_reason in ("", "tool_calls"), where
    assert answers[0].r != "ok"


@pytest.mark.parametrize("step, chunked", [(CUT, True), (CUT, False), (RESET, True), (HALF, True)], ids=["cut", "end", "reset", "half"])
def test_the_answer_breaks_off(wire, step, chunked):
    moments = wire.moments()
    answers = wire.ask_at(moments, lambda moment: wire.stream(wire.body[:moment], step, chunked=chunked))
    check(wire, moments, answers, ["unavailable"])


def test_the_answer_stalls(wire):
    moments = wire.moments()
    answers = wire.ask_at(moments, lambda moment: wire.stream(wire.body[:moment], STALL), idle_ms=150)
    check(wire, moments, answers, ["timeout"])
    wire.upstream.wait_left(sum(answer.r == "timeout" for answer in answers))


def test_the_head_of_the_answer_breaks_off(wire):
    head = wire.stream(wire.body).steps[0]
    moments = range(0, len(head), 5)
    for step, errors, limits in ((CUT, ["unavailable"], {}), (RESET, ["unavailable"], {}),
                                 (STALL, ["timeout"], {"first_byte_ms": 150})):  # fmt: skip
        answers = wire.ask_at(moments, lambda moment: raw(head[:moment], step), **limits)
        assert {(answer.fault, answer.r in errors, len(answer.pieces)) for answer in answers} == {("unreachable", True, 0)}, answers


def test_nothing_is_left_behind(wire):
    """After many calls that failed there are as many files open as before them."""

    def files():
        return len(os.listdir(f"/proc/{wire.talk.server.process.pid}/fd"))

    def fail():
        wire.ask_at([len(wire.body) // 2] * 64, lambda moment: wire.stream(wire.body[:moment], RESET))

    fail()
    before = files()
    fail()
    wait_until(lambda: files() <= before, 20, "the files to be closed")


# What is sent, what the error has to say.
ODDITIES = {
    "empty": (stream(), ""),
    "bad-chunk": (raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", CUT), ""),
    "too-long": (raw("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n", CUT), "broke off"),
    "bad-gzip": (stream(b"no gzip", headers={"Content-Encoding": "gzip"}), ""),
    "unknown-coding": (stream(b"x", headers={"Content-Encoding": "rot13"}), ""),
    "nul": (stream(bytes(4096)), ""),
}


@pytest.mark.parametrize("oddity", ODDITIES)
def test_what_is_no_answer(wire, oddity):
    reply, words = ODDITIES[oddity]
    head, *rest = reply.steps
    kind = f"Content-Type: {wire.kind}\r\n".encode()
    reply = Reply([head.replace(b"Content-Type: application/octet-stream\r\n", kind), *rest], reply.chunked)
    wire.upstream.answer("*", reply)
    answer = wire.talk()
    assert (answer.r, answer.fault, answer.pieces) == ("unavailable", "unreachable", []), answer
    assert words in answer.error and len(wire.upstream.requests) == 1
