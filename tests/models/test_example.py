# SPDX-License-Identifier: Apache-2.0
"""The example of a provider plugin, plugin-api/template/llm-lines.c: it does what its comment says."""

import json

import pytest
from house import DRIVER, config
from support import Server
from vendor import CUT, STALL, Gate, Vendor, raw, stream, whole

END = '{"stop": "stop", "input": 12, "output": 34}\n'
ASK = {"model": "small", "messages": [{"role": "system", "content": "Be brief."},
                                      {"role": "user", "content": [{"type": "text", "text": "Hi"}]}]}  # fmt: skip


@pytest.fixture(scope="module")
def upstream():
    with Vendor() as vendor:
        yield vendor


@pytest.fixture(scope="module")
def server(upstream):
    told = json.loads(config(["house"], {"house": upstream.url}, models={"list_ttl_ms": 3600000}))
    told["plugins"]["house"]["api_key_env"] = "HOUSE_KEY"
    told["plugins"]["llm-driver"] = {"plugin": str(DRIVER)}
    with Server(config=json.dumps(told), env={"HOUSE_KEY": "house-0123456789"}) as server:
        yield server.start()


def ask(server, **more):
    return server.post("/llm-driver/house", {**ASK, **more}).json


def sent_to(upstream):
    """The last call: the list of models is asked for at any time."""
    return upstream.asked("/generate")[-1]


def test_an_answer_streams_and_is_counted(server, upstream):
    upstream.answer("/generate", stream('"Hel', 'lo, "\n', '"wörld"\n' + END))
    said = ask(server, parameters={"max_tokens": 7})
    assert said["r"] == 0
    assert [piece["text"] for piece in said["pieces"]] == ["Hello, ", "wörld"]
    outcome = said["outcome"]
    usage = outcome["usage"]
    assert (usage["input_tokens"], usage["output_tokens"], outcome["stop_reason"]) == (12, 34, "stop")
    sent = sent_to(upstream)
    assert sent.json == {"model": "small", "prompt": "system: Be brief.\nuser: Hi\n", "max_tokens": 7}
    assert sent.bearer == "house-0123456789"
    ask(server, api_key="of-the-user-0123")
    assert sent_to(upstream).bearer == "of-the-user-0123"


def test_an_end_without_a_newline_is_one(server, upstream):
    upstream.answer("/generate", whole('"a"\n{"stop": "length", "input": 1, "output": 1}'))
    assert ask(server)["outcome"]["stop_reason"] == "length"


FAILURES = {  # reply, r, fault, sentence
    "a bad key": (whole("no such key", 401), -4, "bad_key", "The server does not accept the key (401): no such key"),
    "too much": (whole("", 413), -11, "context_too_long", "The server cannot read that much (413): "),
    "too often": (whole("slow down", 429, {"Retry-After": "7"}), -12, "rate_limit", "The server wants fewer calls (429): slow down"),
    "overload": (whole("", 503), -5, "overloaded", "The server is overloaded (503): "),
    "nonsense": (whole("", 418), -1, "bad_request", "The server refuses the call (418): "),
    "no JSON": (whole('"a"\nb\n'), -5, "unreachable", "The server sent a line that is not JSON"),
    "half an answer": (whole('"a"\n'), -5, "unreachable", "The answer broke off"),
    "a cut": (raw("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n", '"a"\n', CUT), -5, "unreachable", "The server cannot be reached"),
    "no server": (raw(CUT), -5, "unreachable", "The server cannot be reached"),
}  # fmt: skip


@pytest.mark.parametrize("what", FAILURES)
def test_each_failure_is_one_fault_and_one_sentence(server, upstream, what):
    reply, r, fault, sentence = FAILURES[what]
    upstream.answer("/generate", reply)
    said = ask(server)
    assert (said["r"], said["outcome"]["fault"], said["error"]) == (r, fault, sentence)
    if what == "too often":
        assert said["outcome"]["retry_after_ms"] == 7000


@pytest.mark.parametrize("more", [{"tools": [{"name": "f", "description": "d", "parameters": {}}]},
                                  {"reply_schema": {"type": "object"}}])  # fmt: skip
def test_what_it_cannot_is_refused(server, more):
    said = ask(server, **more)
    assert (said["r"], said["outcome"]["fault"]) == (-1, "bad_request")


def test_it_stops_when_nobody_listens(server, upstream):
    gate = Gate()
    upstream.answer("/generate", stream('"a"\n', '"b"\n', gate, '"c"\n'))
    said = ask(server, stop_after=2)
    assert said["r"] == -7 and [piece["text"] for piece in said["pieces"]] == ["a", "b"]


def test_it_keeps_deadlines(server, upstream):
    upstream.answer("/generate", raw("HTTP/1.1 200 OK\r\n\r\n", '"a"\n', STALL))
    said = ask(server, idle_ms=50)
    assert said["r"] == -6 and said["outcome"]["fault"] == "unreachable"
