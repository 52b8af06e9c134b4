# SPDX-License-Identifier: Apache-2.0
"""/chat: tickets that are stored before they are answered, waited for, followed, cancelled."""

import json
import signal
import threading
import time

import pytest
from agents import deploy
from chats import OPEN, SCRIPTED, Stream, ask, chat, ended, follow, texts, ticket
from people import SETS, Person
from support import PATIENCE, wait_until
from vendor import CUT, Gate, Vendor, raw, sse
from vendor_formats import ANTHROPIC, Said, anthropic, anthropic_events

FIELDS = ["ticket_id", "status", "result", "error", "created_at", "updated_at", "completed_at"]
NEW = {"status": "pending", **dict.fromkeys(FIELDS[2:])}
QUICK = ["plugins.chat.poll_ms=50"]
LATE = "The chat was not answered within the 4 seconds that it has."
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"


@pytest.fixture
def start(start_fresh):
    return lambda *sets: start_fresh(sets=[*SCRIPTED, *QUICK, *sets])


@pytest.fixture
def start_sqlite(start_server):
    return lambda *sets, **options: start_server(sets=[*SCRIPTED, *QUICK, *sets], **options)


@pytest.fixture
def vendor():
    with Vendor() as vendor:
        yield vendor


class Held:
    """A step that ends when the test says so."""

    def __init__(self, vendor, path="/held"):
        self.vendor, self.path, self.gate = vendor, path, Gate()
        vendor.answer(path, raw(ANSWER, self.gate, b"ok"))
        self.step = {"fetch": vendor.url + path}

    def reached(self):
        assert self.gate.reached.wait(PATIENCE), "nobody asked the vendor"

    def open(self):
        self.gate.open()


@pytest.fixture
def held(vendor):
    return Held(vendor)


# ---- asking --------------------------------------------------------------------------


def test_a_ticket_is_answered_at_once_and_then_has_a_result(start):
    server = start()
    reply = server.post("/chat", chat({"thought": "hm"}, {"text": "Hello, "}, {"text": "Alice"}, {"cost": 1_500_000}))
    assert reply.status == 200
    assert list(reply.json) == FIELDS
    assert {name: reply.json[name] for name in NEW} == NEW

    got = ended(server, reply.json["ticket_id"])
    assert list(got) == FIELDS
    assert got["status"] == "completed" and got["error"] is None
    assert got["result"] == {
        "content": "Hello, Alice", "thoughts": "hm", "model": "scripted/m",
        "usage": {"input_tokens": 3, "cached_tokens": 0, "cache_write_tokens": 0, "output_tokens": 5, "reasoning_tokens": 0},
        "cost": 0.0015, "stop_reason": "stop", "tool_calls": [], "sources": [], "notes": [],
    }  # fmt: skip


def test_what_is_asked_reaches_the_model_as_it_was_sent(start_sqlite):
    server = start_sqlite()
    tools = [{"name": "f", "description": "d", "parameters": {"type": "object"}}]
    got = ended(server, ask(server, {"echo": True}, parameters={"temperature": "0.5", "x": ""}, tools=tools, toolChoice="required",
                            replySchema={"type": "object"}, builtInTools=["web", {"type": "other"}, "zzz"]))["result"]  # fmt: skip
    call = json.loads(got["content"])
    assert call["model"] == "scripted/m" and call["user_id"] == "local-dev-user"
    assert call["parameters"] == {"temperature": "0.5", "x": ""}
    assert call["tools"] == tools and call["tool_choice"] == "required" and call["reply_schema"] == {"type": "object"}
    assert call["built_in_tools"] == [{"type": "web_search"}, {"type": "other"}]
    assert got["notes"] == ["scripted/m has no built-in tool 'zzz'; it was left out."]
    assert call["visible"] == {"userId": "local-dev-user", "workspaceId": None}


def test_tool_calls_sources_and_what_to_send_back_are_in_the_result(start_sqlite):
    server = start_sqlite()
    call = {"id": "c1", "name": "f", "arguments": {"x": 1}, "replay": {"wire": "w", "sign": "s"}}
    source = {"url": "https://example.org/", "title": "Example"}
    got = ended(server, ask(server, {"thought": "so"}, {"replay": {"wire": "w"}}, {"text": "a"}, {"text": "b"},
                            {"tool_call": call}, {"source": source}, {"note": "n"}))["result"]  # fmt: skip
    assert (got["tool_calls"], got["sources"], got["notes"]) == ([call], [source], ["n"])
    assert got["message"] == {"role": "assistant", "content": [
        {"type": "thought", "text": "so", "replay": {"wire": "w"}}, {"type": "text", "text": "ab"}, {"type": "tool_call", **call}]}  # fmt: skip


def test_a_failure_is_one_sentence(start):
    server = start()
    got = ended(server, ask(server, {"text": "half"}, {"fail": "OpenAI is overloaded (503): come back later"}))
    assert got["status"] == "failed" and got["result"] is None
    assert got["error"] == "OpenAI is overloaded (503): come back later"


def fault(kind, loc, msg, value):
    return {"type": kind, "loc": ["body", "messages", *loc], "msg": msg, "input": value}


def text_part(**more):
    return {"type": "text", "text": "x", **more}


USER, ASSISTANT = {"role": "user"}, {"role": "assistant"}
TEXT = "Input should be a valid string"
BAD = [
    (USER | {"content": 5}, fault("string_type", [0, "content"], TEXT, 5)),
    (USER | {"content": None}, fault("string_type", [0, "content"], TEXT, None)),
    (USER | {"content": ["x"]}, fault("dict_type", [0, "content", 0], "Input should be a valid dictionary", "x")),
    (USER | {"content": [text_part(), {"type": "text"}]}, fault("missing", [0, "content", 1, "text"], "Field required", {"type": "text"})),
    (USER | {"content": [{"type": "text", "text": 1}]}, fault("string_type", [0, "content", 0, "text"], TEXT, 1)),
    (USER | {"content": [{"type": "tool_call", "id": "a", "name": "f", "arguments": {}}]},
     fault("value_error", [0, "content", 0], "Value error, A part of type 'tool_call' is the assistant's.",
           {"type": "tool_call", "id": "a", "name": "f", "arguments": {}})),
    (ASSISTANT | {"content": [{"type": "tool_call", "id": "a", "name": "f", "arguments": "{}"}]},
     fault("dict_type", [0, "content", 0, "arguments"], "Input should be a valid dictionary", "{}")),
    (USER | {"content": [{"type": "image", "data": "a", "url": "b"}]},
     fault("value_error", [0, "content", 0], "Value error, A part of type 'image' has either 'data' or 'url'.",
           {"type": "image", "data": "a", "url": "b"})),
    ({"role": "tool", "content": "x"},
     {**fault("string_pattern_mismatch", [0, "role"], "String should match pattern '^(user|assistant|system)$'", "tool"),
      "ctx": {"pattern": "^(user|assistant|system)$"}}),
]  # fmt: skip


@pytest.mark.parametrize(("message", "expected"), BAD, ids=range(len(BAD)))
def test_messages_that_make_no_sense_are_refused(sqlite_chat, message, expected):
    reply = sqlite_chat.post("/chat", {"messages": [message]})
    assert reply.status == 422
    assert reply.json == {"detail": [expected]}


@pytest.fixture(scope="module")
def sqlite_chat_server(start_module):
    return start_module(sets=[*SCRIPTED, *QUICK, *SETS])


@pytest.fixture
def sqlite_chat(sqlite_chat_server):
    yield Person(sqlite_chat_server, "header:alice")
    sqlite_chat_server.check()


def test_conversations_with_tools_are_taken(sqlite_chat):
    messages = [
        {"role": "system", "content": "s"}, USER | {"content": [text_part(), {"type": "image", "media_type": "image/png", "data": "AA=="}]},
        ASSISTANT | {"content": [{"type": "thought", "text": "t", "replay": {"wire": "w"}},
                                 {"type": "tool_call", "id": "a", "name": "f", "arguments": {"x": 1}}]},
        USER | {"content": [{"type": "tool_result", "id": "a", "name": "f", "content": [text_part()], "is_error": False}]},
    ]  # fmt: skip
    assert sqlite_chat.post("/chat", {"messages": messages, "provider": "scripted"}).status == 200


def test_an_unknown_ticket_is_not_found(sqlite_chat):
    for method in ("GET", "DELETE"):
        for ticket_id in ("nope", "x" * 600):
            reply = sqlite_chat.request(method, f"/chat/{ticket_id}")
            assert reply.status == 404
            assert reply.detail.startswith(f"Document '{ticket_id[:200]}")
    assert sqlite_chat.get("/chat/nope").detail == "Document 'nope' not found in 'tickets'"


# ---- waiting -------------------------------------------------------------------------


def test_a_wait_ends_with_the_ticket_and_not_before(start, vendor, held):
    server = start("plugins.chat.poll_ms=60000", "plugins.chat.wait_max_s=30")
    ticket_id, got = ask(server, held.step, {"text": "x"}), []
    thread = threading.Thread(target=lambda: got.append(ticket(server, ticket_id, wait=1000)))
    thread.start()
    held.reached()
    assert ticket(server, ticket_id)["status"] == "processing"
    assert ticket(server, ticket_id, wait=0.05)["status"] == "processing"
    assert thread.is_alive()
    held.open()
    thread.join(PATIENCE)  # the next look into the store would be in a minute
    assert got[0]["result"]["content"] == "x"


def test_a_wait_for_one_that_has_ended_is_none(sqlite_chat):
    ticket_id = ask(sqlite_chat, {"text": "x"})
    assert ended(sqlite_chat, ticket_id)
    assert ticket(sqlite_chat, ticket_id, wait=60)["status"] == "completed"


@pytest.mark.parametrize("wait", ["-1", "x", "nan"])
def test_a_wait_is_a_number(sqlite_chat, wait):
    assert sqlite_chat.get(f"/chat/x?wait={wait}").status == 422


# ---- streams -------------------------------------------------------------------------


def test_a_stream_brings_the_pieces_as_they_come_and_then_the_ticket(start, vendor, held):
    server = start()
    call = {"id": "c1", "name": "f", "arguments": {"x": 1}}
    body = chat({"thought": "t"}, {"text": "one "}, held.step, {"text": "two"}, {"tool_call": call}, {"source": {"url": "u"}})
    with Stream(server, "POST", "/chat", {**body, "stream": True}) as stream:
        assert stream.head.status == 200
        assert stream.head.header("Content-Type") == "text/event-stream; charset=utf-8"
        events = iter(stream)
        first = next(events)
        assert first[0] == "ticket" and {name: first[1][name] for name in NEW} == NEW
        assert next(events) == ("thought", {"text": "t"}, "1-1")
        assert next(events) == ("text", {"text": "one "}, "1-2")
        held.open()
        assert next(events) == ("text", {"text": "two"}, "1-3")
        assert next(events) == ("tool_call", call, "1-4")
        assert next(events) == ("source", {"url": "u"}, "1-5")
        event, done, event_id = next(events)
        assert (event, event_id) == ("done", "end")
        assert done == ticket(server, first[1]["ticket_id"])
        assert done["result"]["content"] == "one two"
        assert next(events, None) is None


def test_stream_in_the_body_alone_is_answered_as_json(sqlite_chat):
    reply = sqlite_chat.post("/chat", chat({"text": "x"}, stream=True))
    assert reply.status == 200 and reply.json["status"] == "pending"


def test_a_stream_goes_on_where_its_reader_was(start_sqlite, vendor, held):
    server = start_sqlite()
    last = Held(vendor, "/last")
    ticket_id = ask(server, {"text": "a"}, {"thought": "b"}, {"text": "c"}, held.step, {"text": "d"}, last.step)
    with follow(server, ticket_id) as stream:
        events = iter(stream)
        seen = [next(events) for _ in range(4)]
    assert [event_id for _, _, event_id in seen] == [None, "1-1", "1-2", "1-3"]
    held.reached()
    held.open()
    last.reached()

    readers = {"1-2": "cd", "1-3": "d", "1-1": "cd", "1-4": "", "0-0": "acd", "7-2": "acd", "1-999999": "acd", "x": "acd", "1-": "acd"}
    streams = {event_id: follow(server, ticket_id, event_id) for event_id in readers}
    last.open()
    for event_id, expected in readers.items():
        with streams[event_id] as stream:
            events = list(stream)
            assert texts(events) == expected, event_id
            assert events[-1][0] == "done" and events[-1][1]["result"]["content"] == "acd"
            assert ("restart", {"attempt": 1}, None) in events if event_id == "7-2" else True


def test_a_stream_of_one_that_has_ended_is_its_end(sqlite_chat):
    ticket_id = ask(sqlite_chat, {"text": "x"})
    done = ended(sqlite_chat, ticket_id)
    headers = {"Accept": "text/event-stream", **sqlite_chat.headers}
    with Stream(sqlite_chat.server, "GET", f"/chat/{ticket_id}", headers=headers) as stream:
        assert list(stream) == [("ticket", done, None), ("done", done, "end")]
    reply = sqlite_chat.get(f"/chat/{ticket_id}", headers={"Accept": "text/event-stream", "Last-Event-ID": "end"})
    assert reply.status == 204  # a browser does not come again


def test_json_is_sent_to_who_wants_it_as_much_as_a_stream(sqlite_chat):
    accepts = ["application/json, text/event-stream", "text/event-stream;q=0", "application/json, text/event-stream;q=0.5"]
    for accept in accepts:
        ticket_id = ask(sqlite_chat, {"text": "x"})
        done = ended(sqlite_chat, ticket_id)
        assert sqlite_chat.get(f"/chat/{ticket_id}", headers={"Accept": accept}).json == done, accept


def test_a_slow_reader_gets_pieces_joined_and_misses_none(start_sqlite, vendor, held):
    server = start_sqlite()
    ticket_id = ask(server, {"text": "0123456789", "times": 20000}, held.step)
    held.reached()
    with follow(server, ticket_id) as stream:
        held.open()
        events = list(stream)
    assert texts(events) == "0123456789" * 20000
    assert sum(event == "text" for event, _, _ in events) < 50


def test_pieces_that_are_still_known_come_before_the_end(start_sqlite, vendor, held):
    """Somebody follows it who has not read them yet: who comes again goes on where he was, though the ticket has ended."""
    server = start_sqlite()
    ticket_id = ask(server, {"text": "a"}, {"text": "b"}, held.step, {"text": "0123456789", "times": 400000})
    rest = "0123456789" * 400000
    with follow(server, ticket_id) as slow:
        held.reached()
        held.open()
        assert ended(server, ticket_id)["result"]["content"] == "ab" + rest
        with follow(server, ticket_id, "1-2") as again:
            events = list(again)
        assert texts(events) == rest and events[-1][0] == "done"
        assert texts(list(slow)) == "ab" + rest


def test_a_silent_stream_has_heartbeats(start_sqlite, vendor, held):
    server = start_sqlite("limits.heartbeat_ms=100")
    with follow(server, ask(server, held.step)) as stream:
        seen = b""
        while seen.count(b": heartbeat\n\n") < 2:
            seen += next(stream.parts)
        held.open()
        assert list(stream)[-1][0] == "done"


def test_who_leaves_a_stream_does_not_end_the_ticket(start_sqlite, vendor, held):
    server = start_sqlite()
    with Stream(server, "POST", "/chat", chat(held.step, {"text": "x"})) as stream:
        ticket_id = next(iter(stream))[1]["ticket_id"]
        held.reached()
    held.open()
    assert ended(server, ticket_id)["result"]["content"] == "x"


# ---- cancelling ----------------------------------------------------------------------


def test_a_cancelled_ticket_is_cancelled_at_the_vendor(start, vendor, held):
    server = start()
    ticket_id = ask(server, {"text": "a"}, held.step, {"text": "b"})
    with follow(server, ticket_id) as stream:
        held.reached()
        assert server.delete(f"/chat/{ticket_id}").status == 204
        vendor.wait_left()
        got = list(stream)[-1][1]
    assert (got["status"], got["error"], got["result"]) == ("failed", "The chat was cancelled.", None)
    assert ticket(server, ticket_id) == got
    assert server.delete(f"/chat/{ticket_id}").status == 204
    assert ticket(server, ticket_id) == got


def test_a_pending_ticket_is_cancelled_and_never_begun(start, vendor, held):
    server = start("plugins.chat.workers=1")
    first = ask(server, held.step)
    held.reached()
    second = ask(server, {"fetch": vendor.url + "/never"})
    assert server.delete(f"/chat/{second}").status == 204
    held.open()
    assert ended(server, first)["status"] == "completed"
    assert ended(server, ask(server, {"text": "x"}))["status"] == "completed"
    assert ticket(server, second)["error"] == "The chat was cancelled."
    assert vendor.asked("/never") == []


def test_what_has_ended_is_not_cancelled(sqlite_chat):
    ticket_id = ask(sqlite_chat, {"text": "x"})
    got = ended(sqlite_chat, ticket_id)
    assert sqlite_chat.delete(f"/chat/{ticket_id}").status == 204
    assert ticket(sqlite_chat, ticket_id) == got


def test_what_is_forgotten_is_gone_whether_it_had_ended_or_not(start, vendor, held):
    server = start()
    kept = ask(server, {"text": "kept"})
    key = {"Idempotency-Key": "k"}
    done, going = server.post("/chat", chat({"text": "done"}), headers=key).json["ticket_id"], ask(server, held.step)
    got = ended(server, kept)
    ended(server, done)
    held.reached()
    for one in (done, going):
        assert server.delete(f"/chat/{one}?forget=true").status == 204
        for method in ("GET", "DELETE"):
            assert server.request(method, f"/chat/{one}").status == 404
    vendor.wait_left()
    assert ticket(server, kept) == got
    assert server.post("/chat", chat({"text": "done"}), headers=key).json["ticket_id"] != done  # its key is forgotten, too
    assert server.delete(f"/chat/{kept}?forget=x").status == 422


# ---- limits --------------------------------------------------------------------------


def test_a_full_queue_is_503(start, vendor, held):
    server = start("plugins.chat.workers=1", "plugins.chat.queue=3")
    tickets = [ask(server, held.step) for _ in range(3)]
    reply = server.post("/chat", chat())
    assert (reply.status, reply.detail) == (503, "Too many chats wait for an answer; try again in a moment.")
    assert int(reply.header("Retry-After")) > 0
    vendor.answer("/held", raw(ANSWER, b"ok"))
    held.open()
    for ticket_id in tickets:
        assert ended(server, ticket_id)["status"] == "completed"
    assert server.post("/chat", chat()).status == 200


def test_one_user_does_not_fill_the_queue(start_sqlite, vendor, held):
    server = start_sqlite(*SETS, "plugins.chat.user_tickets=2")
    alice, bob = Person(server, "header:alice"), Person(server, "header:bob")
    tickets = [ask(alice, held.step) for _ in range(2)]
    reply = alice.post("/chat", chat())
    assert (reply.status, reply.detail) == (429, "Too many of your chats wait for an answer; try again when one has ended.")
    assert reply.header("Retry-After")
    assert ended(bob, ask(bob))["status"] == "completed"
    for ticket_id in tickets:
        assert alice.delete(f"/chat/{ticket_id}").status == 204
    assert alice.post("/chat", chat()).status == 200


@pytest.mark.parametrize(
    ("setting", "body", "status", "sentence"),
    [("request_bytes=100", chat({"text": "x" * 100}), 413, "A chat may have 100 bytes; this one has "),
     ("messages=1", {"messages": [{"role": "user", "content": "x"}] * 2}, 422, "A chat may have 1 messages; this one has 2.")],
)  # fmt: skip
def test_what_is_too_large_is_refused(start_sqlite, setting, body, status, sentence):
    reply = start_sqlite(f"plugins.chat.{setting}").post("/chat", body)
    assert reply.status == status and reply.detail.startswith(sentence)


def test_an_answer_that_is_too_long_fails(start_sqlite, vendor):
    server = start_sqlite("plugins.chat.answer_bytes=10000")
    got = ended(server, ask(server, {"text": "0123456789", "times": 1000}, {"fetch": vendor.url + "/never"}))
    assert got["error"] == "The answer is longer than the 10000 bytes that an answer may have here."
    assert vendor.requests == []


def test_a_ticket_ends_after_its_time(start, vendor, held):
    server = start("plugins.chat.ticket_s=4", "plugins.chat.workers=1", "plugins.chat.sweep_ms=50")
    running = ask(server, held.step)
    held.reached()
    waiting = ask(server, {"text": "x"})
    assert ended(server, running)["error"] == LATE
    vendor.wait_left()
    assert ended(server, waiting)["status"] in ("completed", "failed")


def test_a_ticket_that_its_keeper_does_not_end_ends_too(start_sqlite, vendor, held):
    server = start_sqlite("plugins.chat.ticket_s=4", "plugins.chat.poll_ms=60000", "plugins.chat.sweep_ms=50")
    ticket_id = ask(server, held.step)  # its keeper does not look for a minute
    held.reached()
    assert ended(server, ticket_id)["error"] == LATE
    vendor.wait_left()


def test_a_ticket_that_nobody_got_round_to_in_time_is_not_begun(start_sqlite, vendor, held, tmp_path):
    server = start_sqlite("plugins.chat.ticket_s=4", "plugins.chat.workers=1", "plugins.chat.sweep_ms=3600000", state=tmp_path)
    first = ask(server, held.step)
    held.reached()
    tickets = [first, *(ask(server, {"fetch": vendor.url + "/never"}) for _ in range(3))]
    server.kill()
    late = time.monotonic() + 4.1
    wait_until(lambda: time.monotonic() > late, 10, "their time to be over")
    server.start()
    for ticket_id in tickets[1:]:
        assert ended(server, ticket_id)["error"] == LATE
    assert vendor.asked("/never") == []


def test_tickets_are_deleted_when_they_were_kept_long_enough(start):
    server = start("plugins.chat.keep_hours=0", "plugins.chat.sweep_ms=50")
    headers = {"Idempotency-Key": "k"}
    ticket_id = server.post("/chat", chat({"text": "x"}), headers=headers).json["ticket_id"]
    wait_until(lambda: server.get(f"/chat/{ticket_id}").status == 404, 20, "the ticket to be deleted")
    assert server.post("/chat", chat({"text": "y"}), headers=headers).status == 200  # and its key


# ---- once and only once --------------------------------------------------------------


def test_the_same_key_is_the_same_ticket(start):
    server = start()
    body, headers = chat({"text": "x"}), {"Idempotency-Key": "key 1"}
    first = server.post("/chat", body, headers=headers)
    assert ended(server, first.json["ticket_id"])
    again = server.post("/chat", body, headers=headers)
    assert again.status == 200 and again.json == first.json
    assert (first.header("Idempotent-Replayed"), again.header("Idempotent-Replayed")) == (None, "true")
    assert server.post("/chat", body, headers={"Idempotency-Key": "key 2"}).json != first.json
    other = server.post("/chat", chat({"text": "y"}), headers=headers)
    assert (other.status, other.detail) == (422, "This Idempotency-Key was sent with another chat.")
    assert server.post("/chat", body, headers={"Idempotency-Key": "k" * 256}).status == 400


def test_the_same_key_at_once_is_one_ticket(start):
    server, replies = start(), []
    body, headers = chat({"text": "x"}), {"Idempotency-Key": "k"}
    threads = [threading.Thread(target=lambda: replies.append(server.post("/chat", body, headers=headers))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [reply for reply in replies if reply.status != 200] == []
    assert len(replies) == 8 and len({reply.json["ticket_id"] for reply in replies}) == 1


def test_keys_of_different_users_do_not_meet(sqlite_chat):
    bob = Person(sqlite_chat.server, "header:bob")
    replies = [who.post("/chat", chat(), headers={"Idempotency-Key": "both"}) for who in (sqlite_chat, bob)]
    assert replies[0].json["ticket_id"] != replies[1].json["ticket_id"]


def test_many_tickets_are_each_answered_once(start, vendor):
    server = start("plugins.chat.workers=8")
    vendor.answer("/n/*", raw(ANSWER, b"ok"))
    tickets = {n: ask(server, {"fetch": f"{vendor.url}/n/{n}"}, {"text": str(n)}) for n in range(60)}
    for n, ticket_id in tickets.items():
        assert ended(server, ticket_id)["result"]["content"] == str(n)
    assert sorted(request.path for request in vendor.requests) == sorted(f"/n/{n}" for n in range(60))


# ---- whose it is ---------------------------------------------------------------------


def test_a_ticket_is_its_users_or_its_workspaces(sqlite_chat):
    server = sqlite_chat.server
    alice, bob = Person(server, "header:alice", team="member"), Person(server, "header:bob", team="member")
    boss, carol = Person(server, "header:boss", team="admin"), Person(server, "header:carol")
    own, shared = ask(alice), ask(alice, workspaceId="team")
    for who in (bob, boss, carol):
        for method in ("GET", "DELETE"):
            assert who.request(method, f"/chat/{own}").status == 404
    assert carol.get(f"/chat/{shared}").status == 404
    assert ended(bob, shared)["status"] == "completed"
    assert bob.delete(f"/chat/{shared}").status == 403
    assert boss.delete(f"/chat/{shared}").status == 204
    refused = carol.post("/chat", chat(workspaceId="team"))
    assert (refused.status, refused.detail) == (403, "You are not a member of the workspace 'team'.")


# ---- servers that stop ---------------------------------------------------------------


def test_a_server_that_stops_lets_answers_end(start_sqlite, vendor, held, tmp_path):
    server = start_sqlite("plugins.chat.drain_ms=60000", state=tmp_path)
    ticket_id = ask(server, held.step, {"text": "x"})
    held.reached()
    threading.Timer(0.3, held.open).start()  # whether before or after it begins to stop
    assert server.stop() == 0
    server.start()
    assert ticket(server, ticket_id)["result"]["content"] == "x"


def test_a_server_that_stops_hands_back_what_has_not_ended(start_sqlite, vendor, held, tmp_path):
    server = start_sqlite("plugins.chat.drain_ms=0", "plugins.chat.attempts=1", state=tmp_path)
    ticket_id = ask(server, held.step, {"text": "x"})
    held.reached()
    assert server.stop() == 0
    vendor.wait_left()
    vendor.answer("/held", raw(ANSWER, b"ok"))
    server.start()  # at once, however long the lease, and it was no attempt
    assert ended(server, ticket_id)["result"]["content"] == "x"


def test_a_ticket_whose_server_dies_is_begun_again_and_then_no_more(start_sqlite, vendor, held, tmp_path):
    server = start_sqlite("plugins.chat.lease_ms=2000", "plugins.chat.attempts=2", state=tmp_path)
    ticket_id = ask(server, {"text": "x"}, held.step)
    for count in (1, 2):
        vendor.wait_asked(count)
        server.kill()
        server.start()
    got = ended(server, ticket_id)
    assert got["error"] == ("This chat was begun 2 times, and each time its server stopped before it had an answer; "
                            "it is not tried again.")  # fmt: skip
    assert len(vendor.asked("/held")) == 2


def test_a_lease_lasts_as_long_as_the_work(start_sqlite, vendor, held):
    server = start_sqlite("plugins.chat.lease_ms=2000")
    ticket_id = ask(server, held.step, {"text": "x"})
    held.reached()
    assert ticket(server, ticket_id, wait=5)["status"] in OPEN
    held.open()
    assert ended(server, ticket_id)["status"] == "completed"
    assert len(vendor.asked("/held")) == 1


# ---- two servers on one database -----------------------------------------------------


@pytest.fixture
def pair(start_server, postgres):
    def start(*sets):
        sets = [*SCRIPTED, *QUICK, "plugins.storage-postgres.schema=chats", "plugins.chat.workers=2", *sets]
        return start_server(backend="postgres", sets=sets, env={"DATABASE_URL": postgres()})

    return start(), start()


def test_two_servers_share_the_work_and_the_news(pair, vendor):
    both = [Held(vendor, f"/held{n}") for n in range(4)]
    tickets = [ask(pair[0], one.step, {"text": "x"}) for one in both]
    for one in both:
        one.reached()  # each of them works on two
    streams = [(server, follow(server, ticket_id)) for server in pair for ticket_id in tickets]
    got = []
    waiter = threading.Thread(target=lambda: got.extend(ticket(server, one, wait=30) for server in pair for one in tickets))
    waiter.start()
    for one in both:
        one.open()
    waiter.join()
    assert [one["result"]["content"] for one in got] == ["x"] * 8
    for _, stream in streams:
        with stream:
            event, done, event_id = list(stream)[-1]
            assert (event, done["result"]["content"], event_id) == ("done", "x", "end")
    assert len(vendor.requests) == 4


def test_another_server_cancels(pair, vendor):
    both = [Held(vendor, f"/held{n}") for n in range(4)]
    tickets = [ask(pair[0], one.step) for one in both]
    for one in both:
        one.reached()
    for ticket_id in tickets:
        assert pair[1].delete(f"/chat/{ticket_id}").status == 204
    vendor.wait_left(4)
    for ticket_id in tickets:
        assert ticket(pair[0], ticket_id)["error"] == "The chat was cancelled."


@pytest.fixture
def start_heir(start_server, postgres):
    sets = [*SCRIPTED, *QUICK, "plugins.storage-postgres.schema=heirs", "plugins.chat.lease_ms=3000"]
    return lambda: start_server(backend="postgres", sets=sets, env={"DATABASE_URL": postgres()})


def test_a_server_that_was_asleep_leaves_what_another_has_taken_over(start_heir, vendor, held):
    first = start_heir()
    ticket_id = ask(first, held.step, {"text": "a"})
    held.reached()
    second = start_heir()
    first.process.send_signal(signal.SIGSTOP)
    vendor.wait_asked(2)
    first.process.send_signal(signal.SIGCONT)
    vendor.wait_left(1, 30)
    held.open()
    for server in (first, second):
        assert ended(server, ticket_id)["result"]["content"] == "a"
    assert len(vendor.requests) == 2


def test_another_server_takes_over_from_a_dead_one(start_heir, vendor, held):
    first = start_heir()
    ticket_id = ask(first, {"text": "a"}, held.step, {"text": "b"})
    held.reached()
    second = start_heir()
    with follow(second, ticket_id) as stream:
        events = iter(stream)
        assert next(events)[1]["status"] == "processing"
        first.kill()
        vendor.wait_asked(2)
        rest = [next(events)]  # it follows the second before that comes to its end
        held.open()
        rest += events
    assert texts(rest) == "ab"
    assert rest[0][2] == "2-1"
    assert rest[-1][1]["result"]["content"] == "ab"


# ---- a real vendor -------------------------------------------------------------------

CLAUDE = "claude-sonnet-4-5-20250929"  # 3 dollars a million tokens of input, 15 of output


@pytest.fixture
def claude(start_server, vendor):
    env = {"ANTHROPIC_BASE_URL": vendor.url, "ANTHROPIC_API_KEY": "sk-ant-secret"}
    return start_server(sets=[*QUICK, "plugins.runtime-python.enabled=false", "plugins.users.settle_ms=10"], env=env)


def ask_claude(server):
    body = {"messages": [USER | {"content": "hello"}], "provider": "anthropic", "model": CLAUDE}
    reply = server.post("/chat", body)
    assert reply.status == 200, reply
    return reply.json["ticket_id"]


def paid(server):
    usage = server.get("/users/me").json["usageInfo"]
    return round((usage["monthlyAllowance"] - usage["spendRemaining"]) * 1e9)


def test_a_vendors_answer_and_its_cost(claude, vendor):
    vendor.answer(ANTHROPIC, anthropic(Said("Good day", input=1000, cached=600, output=100)))
    parameters = {"max_tokens": "4096", "temperature": "", "frequency_penalty": 1}
    body = {"messages": [USER | {"content": "x"}], "provider": "anthropic", "model": CLAUDE, "parameters": parameters}
    reply = claude.post("/chat", body)
    result = ended(claude, reply.json["ticket_id"])["result"]
    assert (result["content"], result["model"]) == ("Good day", f"anthropic/{CLAUDE}")
    assert result["usage"] == {"input_tokens": 1000, "cached_tokens": 600, "cache_write_tokens": 0, "output_tokens": 100,
                               "reasoning_tokens": 0}  # fmt: skip
    assert result["cost"] == (400 * 3000 + 600 * 300 + 100 * 15000) / 1e9
    assert len(result["notes"]) == 1 and "frequency_penalty" in result["notes"][0]
    assert vendor.last.json["max_tokens"] == 4096 and "temperature" not in vendor.last.json
    wait_until(lambda: paid(claude) == round(result["cost"] * 1e9), 20, "the bill")
    entry = claude.get("/users/me").json["usageInfo"]["usage"][-1]
    assert entry["metadata"]["requestId"] == reply.header("X-Request-ID")


def test_a_cancelled_ticket_ends_the_vendors_stream_and_pays_for_it(claude, vendor):
    gate = Gate()
    events = anthropic_events(Said("Good day and good night", input=1000))
    vendor.answer(ANTHROPIC, sse(*events[:5], gate, *events[5:], named=True))
    ticket_id = ask_claude(claude)
    with follow(claude, ticket_id) as stream:
        seen = iter(stream)
        assert [next(seen)[0] for _ in range(2)] == ["ticket", "text"]
        assert claude.delete(f"/chat/{ticket_id}").status == 204
        vendor.wait_left()
        assert list(seen)[-1][1]["error"] == "The chat was cancelled."
    wait_until(lambda: paid(claude) >= 1000 * 3000, 20, "the cost of what was used")


def test_a_vendor_that_breaks_off_fails_the_ticket_in_one_sentence(claude, vendor):
    events = anthropic_events(Said("Good day and good night"))
    vendor.answer(ANTHROPIC, sse(*events[:5], CUT, named=True))
    got = ended(claude, ask_claude(claude))
    assert got["status"] == "failed" and got["result"] is None
    assert "Anthropic broke off" in got["error"] and "secret" not in got["error"]


def test_what_cannot_be_paid_is_not_asked(claude, vendor):
    assert claude.put("/users/me/spend-remaining", {"spendRemaining": 0}).status == 200
    got = ended(claude, ask_claude(claude))
    assert got["error"] == "Insufficient spend allowance to complete request"
    assert vendor.requests == []


@pytest.mark.parametrize(("model", "error"), [({}, "no key for OpenAI"), ({"provider": "zzz", "model": "m"}, "zzz/m")])
def test_a_model_that_cannot_be_asked_is_told(claude, model, error):
    got = ended(claude, claude.post("/chat", {"messages": [], **model}).json["ticket_id"])
    assert got["status"] == "failed" and error in got["error"]


# ---- deployed agents -----------------------------------------------------------------

ECHO_ALL = "async def run(input_dict, tools):\n    return {'outputText': 'said', 'input': input_dict}"


def ask_agent(server, name, role="user", **fields):
    body = {"messages": [{"role": role, "content": "hello"}], "provider": "gofannon", "model": name, **fields}
    return ended(server, server.post("/chat", body).json["ticket_id"])


def test_a_deployed_agent_answers_like_a_model(agent_server):
    _, name = deploy(agent_server, ECHO_ALL)
    got = ask_agent(agent_server, name, parameters={"k": 1})
    assert got["error"] is None
    result = got["result"]
    assert result["content"] == "said" and result["model"] == f"gofannon/{name}"
    assert result["thoughts"] == {"outputText": "said", "input": {"k": 1, "inputText": "hello"}}
    assert (result["cost"], result["stop_reason"]) == (0, "stop")


@pytest.mark.parametrize(
    ("returned", "content"),
    [("{'outputText': 5}", "5"), ("{'outputText': None}", "null"), ("{'x': [1]}", '{"x":[1]}'), ("'plain'", '"plain"'),
     ("{'outputText': ''}", "")],
)  # fmt: skip
def test_what_an_agent_returns_is_its_content(agent_server, returned, content):
    _, name = deploy(agent_server, f"async def run(input_dict, tools):\n    return {returned}")
    assert ask_agent(agent_server, name)["result"]["content"] == content


def test_parameters_become_what_the_agent_declares(agent_server):
    schema = {"n": "integer", "f": "float", "b": "boolean", "l": "list", "j": "json", "s": "string", "e": "integer", "z": "string", "u": "json"}
    _, name = deploy(agent_server, ECHO_ALL, inputSchema=schema)
    given = {"n": "42", "f": "0.5", "b": "true", "l": "[1]", "j": '{"a": 1}', "s": 7, "e": "", "z": "", "u": None, "free": "1"}
    got = ask_agent(agent_server, name, parameters=given)
    assert got["result"]["thoughts"]["input"] == {
        "n": 42, "f": 0.5, "b": True, "l": [1], "j": {"a": 1}, "s": "7", "z": "", "free": "1", "inputText": "hello"}  # fmt: skip


def test_a_text_that_nests_deeply_stays_a_text(agent_server):
    """It took the server down: the stack of a connection is small."""
    _, name = deploy(agent_server, ECHO_ALL, inputSchema={"j": "json"})
    for depth, is_read in ((60, True), (61, False), (2000, False), (500000, False)):
        text = "[" * depth + "]" * depth
        got = ask_agent(agent_server, name, parameters={"j": text})["result"]["thoughts"]["input"]["j"]
        assert got == (json.loads(text) if is_read else text)


@pytest.mark.parametrize(
    ("kind", "noun"), [("integer", "an integer"), ("float", "a number"), ("boolean", "true or false"), ("list", "a list")]
)
def test_a_parameter_that_is_not_what_it_has_to_be_is_told(agent_server, kind, noun):
    _, name = deploy(agent_server, ECHO_ALL, inputSchema={"n": kind})
    assert ask_agent(agent_server, name, parameters={"n": "many"})["error"] == f"The agent's parameter 'n' is not {noun}."


def test_the_last_text_of_the_user_is_the_input(agent_server):
    _, name = deploy(agent_server, ECHO_ALL)
    messages = [USER | {"content": "first"}, USER | {"content": [text_part(text="la"), text_part(text="st")]}, ASSISTANT | {"content": "no"}]
    reply = agent_server.post("/chat", {"messages": messages, "provider": "gofannon", "model": name})
    assert ended(agent_server, reply.json["ticket_id"])["result"]["thoughts"]["input"] == {"inputText": "last"}


def test_agents_that_cannot_answer_say_why(agent_server):
    _, name = deploy(agent_server, "async def run(input_dict, tools):\n    raise ValueError('no good')")
    assert ask_agent(agent_server, name)["error"] == "Error executing agent: ValueError: no good"
    assert ask_agent(agent_server, "zzz")["error"] == "Could not find a deployed agent with name 'zzz'"
    assert ask_agent(agent_server, name, role="system")["error"] == "No user message found to run the agent with."


def test_an_agent_may_call_those_that_its_caller_may(agent_server):
    helper, _ = deploy(agent_server, ECHO_ALL, name="helper")
    code = "async def run(input_dict, tools):\n    return await gofannon_client.call(agent_name='helper', input_dict={'x': 1})"
    _, name = deploy(agent_server, code, gofannonAgents=[helper["_id"]])
    assert ask_agent(agent_server, name)["result"]["thoughts"]["input"] == {"x": 1}


def test_deployed_agents_are_in_the_catalog(agent_server):
    agent, name = deploy(agent_server, ECHO_ALL, inputSchema={"n": "integer"})
    model = agent_server.get("/providers/gofannon").json["models"][name]
    assert model == {"id": agent["_id"], "description": "made by a test",
                     "parameters": {"n": {"type": "integer", "description": "n", "default": ""}}}  # fmt: skip


def test_cancelling_ends_the_agents_run(start_server):
    server = start_server(sets=[*QUICK, "plugins.chat.workers=1"], ready=True)
    _, slow = deploy(server, "async def run(input_dict, tools):\n    await asyncio.sleep(600)")
    _, quick = deploy(server, ECHO_ALL)
    body = {"messages": [USER | {"content": "x"}], "provider": "gofannon", "model": slow}
    ticket_id = server.post("/chat", body).json["ticket_id"]
    wait_until(lambda: ticket(server, ticket_id)["status"] == "processing", 20, "the agent to be begun")
    assert server.delete(f"/chat/{ticket_id}").status == 204
    assert ticket(server, ticket_id)["error"] == "The chat was cancelled."
    assert ask_agent(server, quick)["status"] == "completed"  # the only worker is free again


def test_an_agent_is_a_model_of_those_only_who_may_read_it(agents_of_two):
    alice, bob = (Person(agents_of_two, f"header:{name}") for name in ("alice", "bob"))
    _, name = deploy(alice, ECHO_ALL)
    _, shared = deploy(Person(agents_of_two, "header:alice", team="member"), ECHO_ALL, workspaceId="team")
    assert ask_agent(alice, name)["status"] == "completed"
    assert ask_agent(bob, name)["error"] == f"Could not find a deployed agent with name '{name}'"
    assert ask_agent(bob, shared)["error"] == f"Could not find a deployed agent with name '{shared}'"
    assert ask_agent(Person(agents_of_two, "header:bob", team="member"), shared)["status"] == "completed"
    assert bob.get("/providers/gofannon").status == 404
    assert list(alice.get("/providers/gofannon").json["models"]) == [name]


@pytest.fixture(scope="module")
def agents_of_two(start_module):
    return start_module(sets=SETS, ready=True)
