# SPDX-License-Identifier: Apache-2.0
"""Responses that are kept: read, deleted, and gone on from."""

import json
import subprocess
import threading
import time

import pytest
from chats import Stream
from people import SETS as PEOPLE
from people import Person, room
from scripted import UNAVAILABLE, call, events, said, scripted_sets, text, thought
from support import BACKENDS, wait_until

ECHO = said(echo=True)


@pytest.fixture(scope="module", params=sorted(BACKENDS, reverse=True))
def keeper(request, postgres, scripted_plugin):
    sets = [*scripted_sets(scripted_plugin), *BACKENDS[request.param], "plugins.storage-postgres.schema=responses"]
    if request.param == "sqlite":
        sets.append("storage.backend=sqlite")
    with room(request.param, postgres, sets, ready=True) as server:
        yield server


@pytest.fixture
def ann(keeper):
    return Person(keeper, "header:ann")


@pytest.fixture
def bob(keeper):
    return Person(keeper, "header:bob")


def respond(person, items, **more):
    """The response, also where it came as a stream."""
    reply = person.post("/v1/responses", {"model": "one/small", "input": items, **more})
    assert reply.status == 200, reply
    return events(reply)[-1][1]["response"] if more.get("stream") else reply.json


def messages(response):
    """Those that the model was given."""
    return json.loads(response["output"][-1]["content"][0]["text"])["messages"]


def refused(reply, status, param, code, words):
    error = reply.json["error"]
    assert (reply.status, error["type"], error["param"], error["code"]) == (status, "invalid_request_error", param, code), reply
    assert words in error["message"], error


def gone(person, id):
    refused(person.get(f"/v1/responses/{id}"), 404, None, None, f"Response with id '{id}' not found.")


def no_previous(reply, id):
    refused(reply, 400, "previous_response_id", "previous_response_not_found", f"Previous response with id '{id}' not found.")


def go_on(person, id, items=(ECHO,), **more):
    return person.post("/v1/responses", {"model": "one/small", "input": list(items), "previous_response_id": id, **more})


# ---- one response ----


@pytest.mark.parametrize("stream", [False, True])
def test_a_response_is_read_as_it_was_answered(ann, bob, stream):
    told = respond(ann, [said(text("Hello"), call("c", "f", {"a": 1}))], metadata={"topic": "demo"}, stream=stream)
    assert told["store"] is True and told["metadata"] == {"topic": "demo"} and told["previous_response_id"] is None
    path = f"/v1/responses/{told['id']}"
    assert ann.get(path).json == told
    for reply in (bob.get(path), bob.get(path + "/input_items"), bob.delete(path)):
        refused(reply, 404, None, None, "not found")
    assert ann.delete(path).json == {"id": told["id"], "object": "response", "deleted": True}
    gone(ann, told["id"])
    assert ann.delete(path).status == 404


@pytest.mark.parametrize("stream", [False, True])
def test_what_is_not_to_be_kept_is_not(ann, stream):
    told = respond(ann, [said(text("x"))], store=False, stream=stream)
    assert told["store"] is False
    gone(ann, told["id"])


@pytest.mark.parametrize("id", ["resp_" + "0" * 32, "x", "%00", "a" * 600, "resp_%2F"])
def test_ids_that_are_nobodys(ann, id):
    assert ann.get(f"/v1/responses/{id}").status in (400, 404)


def test_a_stream_is_not_read_once_more(ann):
    told = respond(ann, [said(text("x"))])
    refused(ann.get(f"/v1/responses/{told['id']}?stream=true"), 400, "stream", None, "background")


def test_what_ended_early_is_kept_as_such(ann):
    cut = respond(ann, [said(text("x"), outcome={"stop_reason": "length"})])
    assert ann.get(f"/v1/responses/{cut['id']}").json["status"] == "incomplete"
    failed = respond(ann, [said(text("a"), error=[UNAVAILABLE, "One broke off."])], stream=True)
    kept = ann.get(f"/v1/responses/{failed['id']}").json
    assert kept == failed and kept["status"] == "failed" and kept["error"]["message"] == "One broke off."


# ---- going on ----


@pytest.mark.parametrize("stream", [False, True])
def test_a_conversation_goes_on(ann, bob, stream):
    replay = {"wire": "anthropic", "signature": "c2ln"}
    first = respond(ann, [said(thought("hm", replay), call("c1", "f", {"a": 1}, replay={"wire": "gemini", "thoughtSignature": "s"}))],
                    instructions="be brief", stream=stream)  # fmt: skip
    second = respond(ann, [{"type": "function_call_output", "call_id": "c1", "output": said(text("42"))["content"]}],
                     previous_response_id=first["id"], stream=stream)  # fmt: skip
    assert second["previous_response_id"] == first["id"] and second["output"][-1]["content"][0]["text"] == "42"
    third = respond(ann, ECHO["content"], previous_response_id=second["id"], instructions="be kind")
    question, call_made, result, answer, last = messages(third)[1:]
    assert messages(third)[0] == {"role": "system", "content": "be kind"} and question["role"] == "user"
    assert call_made["content"] == [
        {"type": "thought", "text": "hm", "replay": replay},
        {"type": "tool_call", "id": "c1", "name": "f", "arguments": {"a": 1}, "replay": {"wire": "gemini", "thoughtSignature": "s"}}]  # fmt: skip
    assert result["content"][0]["name"] == "f" and answer["content"] == [{"type": "text", "text": "42"}] and last == ECHO
    no_previous(go_on(bob, second["id"]), second["id"])


def test_one_may_go_on_without_being_kept_and_twice_from_the_same(ann):
    first = respond(ann, [said(text("a"))])
    for more in ({"store": False}, {}, {}):
        reply = go_on(ann, first["id"], **more)
        assert len(messages(reply.json)) == 3
    gone(ann, go_on(ann, first["id"], store=False).json["id"])


@pytest.mark.parametrize("id", ["resp_" + "0" * 32, "", "x", "a" * 600])
def test_what_is_not_there_is_not_gone_on_from(ann, id):
    no_previous(go_on(ann, id), id[:60])
    refused(go_on(ann, 5), 400, "previous_response_id", None, "not a text")


def test_what_goes_on_from_a_deleted_one_ends_with_it(ann):
    ids = [respond(ann, [said(text("a"))])["id"]]
    for _ in range(2):
        ids.append(go_on(ann, ids[-1], [said(text("b"))]).json["id"])
    assert ann.delete(f"/v1/responses/{ids[1]}").status == 200
    no_previous(go_on(ann, ids[2]), ids[1])
    assert ann.get(f"/v1/responses/{ids[2]}").status == 200
    assert len(ann.get(f"/v1/responses/{ids[2]}/input_items").json["data"]) == 1
    assert go_on(ann, ids[0]).status == 200


def test_a_long_conversation_is_whole_and_each_part_of_it_is_kept_once(ann, keeper):
    """Over the ends of several lists of ids."""
    word, before = "w" * 1000, ann.get("/disk-quota").json["usedBytes"]
    id = respond(ann, [said(text("0"), word=word)])["id"]
    for i in range(1, 140):
        id = go_on(ann, id, [said(text(str(i)), word=word)]).json["id"]
    said_back = messages(go_on(ann, id).json)
    assert [message["content"][0]["text"] for message in said_back if message["role"] == "assistant"] == [str(i) for i in range(140)]
    bytes_kept = ann.get("/disk-quota").json["usedBytes"] - before
    assert 140_000 < bytes_kept < 140 * 8000, bytes_kept


# ---- references ----


def reference(item):
    return {"type": "item_reference", "id": item["id"]}


@pytest.mark.parametrize("stream", [False, True])
def test_items_are_told_by_their_ids(ann, bob, stream):
    """As Vercel's SDK does: all of the conversation, and what the server said by its id."""
    ask = said(thought("hm", {"wire": "anthropic", "signature": "c2ln"}), text("look"), call("c1", "f", {}))
    first = respond(ann, [ask], stream=stream)
    items = [ask, *map(reference, first["output"]), {"type": "function_call_output", "call_id": "c1", "output": "x"}, ECHO]
    second = respond(ann, items)
    assert [part["type"] for part in messages(second)[1]["content"]] == ["thought", "text", "tool_call"]
    assert messages(second)[1]["content"][0]["replay"]["signature"] == "c2ln"
    assert messages(respond(ann, [{"id": first["output"][1]["id"]}, ECHO]))[0]["content"] == [{"type": "text", "text": "look"}]
    asked = ann.get(f"/v1/responses/{first['id']}/input_items").json["data"][0]
    assert messages(respond(ann, [reference(asked), ECHO]))[0]["content"] == ask["content"]

    kept = ann.get(f"/v1/responses/{second['id']}/input_items?order=asc").json["data"]
    assert [item["id"] for item in kept[1:4]] == [item["id"] for item in first["output"]] and kept[3]["name"] == "f"
    for person, id in ((bob, first["output"][0]["id"]), (ann, "msg_" + "0" * 32 + "_0"), (ann, first["output"][0]["id"] + "9"), (ann, "x")):
        reply = person.post("/v1/responses", {"model": "one/small", "input": [reference({"id": id}), ECHO]})
        refused(reply, 404, "input", None, f"Item with id '{id}' not found.")


def test_a_reference_to_what_is_gone_on_from_says_it_once(ann):
    first = respond(ann, [said(text("a"))])
    assert len(messages(go_on(ann, first["id"], [reference(first["output"][0]), ECHO]).json)) == 3


# ---- its input ----


def test_what_a_response_was_made_from(ann):
    first = respond(ann, said(text("a"))["content"])
    second = go_on(ann, first["id"], [{"role": "developer", "content": "d"}, said(text("b"))]).json
    page = ann.get(f"/v1/responses/{second['id']}/input_items").json
    assert page["object"] == "list" and page["has_more"] is False
    assert [item["role"] for item in page["data"]] == ["user", "developer", "assistant", "user"]
    assert [page["first_id"], page["last_id"]] == [page["data"][0]["id"], page["data"][-1]["id"]]
    assert len({item["id"] for item in page["data"]}) == 4
    assert page["data"][1] == {"id": page["data"][1]["id"], "type": "message", "role": "developer", "status": "completed",
                               "content": [{"type": "input_text", "text": "d"}]}  # fmt: skip
    assert page["data"][2] == first["output"][0]

    ids, more, after = [], True, ""
    while more:
        part = ann.get(f"/v1/responses/{second['id']}/input_items?limit=3&order=asc{after}").json
        ids += [item["id"] for item in part["data"]]
        more, after = part["has_more"], f"&after={part['last_id']}"
    assert ids == [item["id"] for item in reversed(page["data"])]
    empty = ann.get(f"/v1/responses/{second['id']}/input_items?after=nobody").json
    assert empty == {"object": "list", "data": [], "first_id": None, "last_id": None, "has_more": False}
    assert ann.get(f"/v1/responses/{second['id']}/input_items?limit=0").status == 400


# ---- limits ----


@pytest.fixture
def start(start_server, scripted_plugin):
    def start(*sets, backend="memory", **options):
        stored = [] if backend == "memory" else [f"storage.backend={backend}"]
        return start_server(backend=backend, sets=[*PEOPLE, *scripted_sets(scripted_plugin), *stored, *sets], ready=True, **options)

    return start


def test_nothing_is_kept_where_that_is_the_setting(start):
    ann = Person(start("plugins.openai-api.keep_days=0"), "header:ann")
    told = respond(ann, [said(text("a"))], store=True)
    assert told["store"] is False
    gone(ann, told["id"])
    refused(go_on(ann, told["id"]), 400, "previous_response_id", None, "not kept")
    refused(ann.post("/v1/responses", {"model": "one/small", "input": [reference(told["output"][0])]}), 400, "input[0]", None, "'store': false")


@pytest.mark.parametrize(
    ("setting", "what"),
    [("messages=4", "4 items"), ("chain_bytes=3000", "3000 bytes"), ("json_values=450", "450 values")],
)
def test_how_long_a_conversation_may_become(start, setting, what):
    ann = Person(start(f"plugins.openai-api.{setting}"), "header:ann")
    reply = ann.post("/v1/responses", {"model": "one/small", "input": said(text("a"))["content"]})
    rounds = 0
    while reply.status == 200:
        rounds, last = rounds + 1, reply.json
        reply = go_on(ann, last["id"], [said(text("a"))])
    assert 1 < rounds < 12
    refused(reply, 400, "input", "context_length_exceeded", f"more than {what} (plugins.openai-api.{setting.split('=')[0]})")
    if "messages" not in setting:
        many = [reference(last["output"][0])] * 60
        refused(ann.post("/v1/responses", {"model": "one/small", "input": many}), 400, "input", "context_length_exceeded", what)


def test_what_has_no_room_is_answered_and_says_so(start):
    """The answer is paid by then."""
    ann = Person(start("plugins.disk-quota.max_mib=2", "plugins.openai-api.spare_mib=1"), "header:ann")
    for stream in (False, True):
        told = respond(ann, [{"role": "user", "content": "x" * (1 << 20)}, said(text("a"))], stream=stream)
        assert told["store"] is False and told["output"][0]["content"][0]["text"] == "a"
        assert "The response is not kept: There is no room" in told["einion"]["notes"][0]
        gone(ann, told["id"])
    value = {"value": "x" * (700 << 10)}
    small = respond(ann, [{"role": "user", "content": "x" * (700 << 10)}, said(text("a"))])
    assert small["store"] is True and respond(ann, [{"role": "user", "content": "x" * (700 << 10)}, said(text("a"))])["store"] is False
    assert ann.put("/data-store/namespaces/n/records/k", value).status == 200  # what is left to other things
    assert ann.delete("/data-store/namespaces/n/records/k").status == 204
    assert ann.delete(f"/v1/responses/{small['id']}").status == 200
    assert respond(ann, [{"role": "user", "content": "x" * (700 << 10)}, said(text("a"))])["store"] is True


def run(server, *command):
    subprocess.run([*server.command(), *command], env=server.environment(), cwd=server.state, check=True, capture_output=True, timeout=300)


def documents(server, out):
    """{id: document} of the responses that are kept."""
    run(server, "export", str(out))
    lines = map(json.loads, out.read_text().splitlines()[1:-1])
    return {line["doc"]["_id"]: line["doc"] for line in lines if line["set"] == "responses"}


def test_old_ones_go_and_those_that_are_gone_on_from_stay(start, tmp_path):
    day, out = 24 * 3600 * 1000, tmp_path / "out.jsonl"
    server = start(backend="sqlite", state=tmp_path)
    ann = Person(server, "header:ann")
    old, used, named = (respond(ann, [said(text("a"))]) for _ in range(3))
    last = go_on(ann, used["id"]).json
    server.stop()
    made = documents(server, out)
    assert all(30 * day < doc["dueAt"] - time.time() * 1000 < 31 * day for doc in made.values())
    (tmp_path / "einion.db").unlink()
    due = {old["id"]: 1, used["id"]: 10, named["id"]: 10}
    changed = []
    for line in map(json.loads, out.read_text().splitlines()):
        if line.get("set") == "responses":
            days = due.get(line["doc"]["_id"], 20)
            line["doc"]["dueAt"] = int(time.time() * 1000) + days * day if days > 1 else 1
        line.pop("sum", None)  # it was changed on purpose
        changed.append(json.dumps(line))
    (tmp_path / "changed.jsonl").write_text("\n".join(changed) + "\n")
    run(server, "import", str(tmp_path / "changed.jsonl"))
    server.sets.append("plugins.openai-api.sweep_ms=20")
    server.start(ready=True)
    wait_until(lambda: ann.get(f"/v1/responses/{old['id']}").status == 404, 10, "the old one to be gone")
    assert go_on(ann, last["id"]).status == 200
    assert respond(ann, [reference(named["output"][0]), ECHO])
    server.stop()
    (tmp_path / "out.jsonl").unlink()
    left = documents(server, out)
    assert old["id"] not in left and len(left) == 5
    assert all(doc["dueAt"] > time.time() * 1000 + 30 * day for doc in left.values())


# ---- after a block ----


def test_of_somebody_who_is_blocked_nothing_is_kept_that_is_answered_late(start):
    server = start("limits.recheck_s=1")
    admin, ann = Person(server, "header:root", site_admin=True), Person(server, "header:ann")
    body = {"model": "one/small", "input": [said(text("a"), hang=True)], "stream": True}
    with Stream(server, "POST", "/v1/responses", body, headers=ann.headers) as stream:
        id = next(iter(stream))[1]["response"]["id"]
        assert admin.put("/admin/users/header:ann/blocked", {}).status == 200
        assert "response.completed" not in [event for event, _, _ in stream]
    assert admin.delete("/admin/users/header:ann/blocked").status == 200
    wait_until(lambda: ann.get("/agents").status == 200, 20, "the block to end")
    gone(ann, id)


# ---- after a kill ----


def test_what_was_answered_is_there_after_a_kill(start):
    server = start(backend="sqlite")
    ann = Person(server, "header:ann")
    told, over = [], threading.Event()

    def ask(i):
        previous = None
        try:
            while not over.is_set():
                more = {"previous_response_id": previous} if previous else {}
                told.append(respond(ann, [said(text(str(i)))], stream=i % 2 == 1, **more))
                previous = told[-1]["id"]
        except (OSError, ConnectionError, AssertionError, ValueError, IndexError, KeyError):
            assert over.is_set()

    threads = [threading.Thread(target=ask, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    wait_until(lambda: len(told) > 40, 20, "responses")
    over.set()
    server.kill()
    for thread in threads:
        thread.join()
    server.start(ready=True)
    for response in told:
        if response["status"] == "completed":
            assert ann.get(f"/v1/responses/{response['id']}").json == response
    assert go_on(ann, told[-1]["id"]).status == 200
