# SPDX-License-Identifier: Apache-2.0
"""/runs: every run is a record that can be watched, stopped and looked at later."""

import json
import sqlite3
import threading
import time
import uuid

import pytest
from support import Connection, wait_until

ECHO = "async def run(input_dict, tools):\n    return input_dict\n"
SLEEP = "import time\nasync def run(input_dict, tools):\n    print('begun')\n    time.sleep(1000)\n"
LOOP = "async def run(input_dict, tools):\n    print('begun')\n    while True: pass\n"
STUBBORN = """
import asyncio
async def run(input_dict, tools):
    print('begun')
    while True:
        try:
            await asyncio.sleep(1000)
        except BaseException:
            pass
"""
TALK = "async def run(input_dict, tools):\n    for i in range(input_dict['n']): print('line', i)\n    return {'n': i}\n"


def body(code, **more):
    return {"code": code, "inputDict": {}, "tools": {}, **more}


def run_code(server, code, **more):
    reply = server.post("/agents/run-code", body(code, **more))
    assert reply.status == 200, reply
    return reply


def run_id(reply):
    return reply.header("X-Einion-Run-Id")


def begin(server, code, path="/agents/run-code/stream", **more):
    """A run that goes on: its connection, and its id."""
    name = f"run-{uuid.uuid4().hex}"
    connection = Connection(server.port)
    connection.send_request("POST", path, json.dumps(body(code, friendlyName=name, **more)).encode())

    def found():
        return [run["_id"] for run in server.get("/runs?status=running").json if run["agentName"] == name]

    wait_until(found, 30, "the run to begin")
    return connection, found()[0]


def ended(server, run):
    wait_until(lambda: server.get(f"/runs/{run}").json.get("status", "gone") != "running", 30, "the run to end")
    reply = server.get(f"/runs/{run}")
    assert reply.status == 200, reply
    return reply.json


def events(server, run, last=None):
    headers = {"Last-Event-ID": str(last)} if last else {}
    reply = server.get(f"/runs/{run}/stream", headers=headers)
    assert reply.status == 200, reply
    parsed = []
    for block in reply.text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if line and not line.startswith(":"))
        if fields:
            parsed.append((fields["id"], fields["event"], json.loads(fields["data"])))
    return parsed


# ---- what is kept ----


def test_a_run_is_a_record(agent_server):
    reply = run_code(agent_server, ECHO, inputDict={"a": [1, {"b": "ü"}]})
    record = agent_server.get(f"/runs/{run_id(reply)}").json
    assert record["status"] == "completed" and record["kind"] == "code" and record["error"] is None
    assert record["input"] == {"a": [1, {"b": "ü"}]} and record["result"] == reply.json["result"]
    assert record["code"] == ECHO and len(record["codeHash"]) == 64
    assert record["durationMs"] >= 0 and record["startedAt"] <= record["endedAt"]
    assert record["usage"] == {"inputTokens": 0, "outputTokens": 0, "costUsd": 0.0}
    assert record["eventCount"] == len(reply.json["trace"])
    assert not {"owner", "dueAt", "startedMs", "_rev"} & set(record)


def test_one_that_fails_says_why(agent_server):
    reply = run_code(agent_server, "async def run(input_dict, tools):\n    return 1 / 0\n")
    record = agent_server.get(f"/runs/{run_id(reply)}").json
    assert record["status"] == "failed" and record["error"] == reply.json["error"] == "ZeroDivisionError: division by zero"


def test_the_trace_can_be_read_again_from_anywhere(agent_server):
    reply = run_code(agent_server, TALK, inputDict={"n": 50})
    trace = reply.json["trace"]
    whole = events(agent_server, run_id(reply))
    assert [data for _, event, data in whole if event == "trace"] == trace
    assert [id for id, event, _ in whole if event == "trace"] == [str(i + 1) for i in range(len(trace))]
    assert whole[-1][:2] == ("end", "done") and whole[-1][2]["status"] == "completed"
    assert events(agent_server, run_id(reply), 20) == whole[20:]
    assert events(agent_server, run_id(reply), len(trace)) == whole[-1:]


def test_a_long_trace_is_kept_whole(agent_server):
    reply = run_code(agent_server, TALK, inputDict={"n": 1900})
    lines = [data["message"] for _, event, data in events(agent_server, run_id(reply)) if data.get("type") == "stdout"]
    assert lines == [f"line {i}" for i in range(1900)]


def test_what_is_too_large_is_said_to_be(start_server):
    server = start_server(sets=["plugins.runs.max_value_bytes=100"], ready=True)
    reply = run_code(server, ECHO, inputDict={"text": "x" * 1000})
    record = server.get(f"/runs/{run_id(reply)}").json
    assert record["input"]["tooLarge"] and record["input"]["bytes"] > 1000 and record["result"]["tooLarge"]


def test_no_secret_is_kept(agent_server):
    key = "sk-" + "proj-" + "A1b2C3d4E5f6G7h8" * 3
    reply = run_code(agent_server, ECHO, inputDict={"key": key})
    assert key in reply.text
    assert key not in agent_server.get(f"/runs/{run_id(reply)}").text
    assert "[REDACTED" in agent_server.get(f"/runs/{run_id(reply)}").json["input"]["key"]


def test_no_secret_is_kept_of_code_or_trace_either(agent_server):
    key = "sk-" + "proj-" + "H8g7F6e5D4c3B2a1" * 3
    code = f"KEY = {key!r}\nasync def run(input_dict, tools):\n    data_store.set(KEY, 1)\n    print(KEY)\n    raise ValueError(KEY)\n"
    run = run_id(run_code(agent_server, code))
    record = agent_server.get(f"/runs/{run}")
    assert key not in record.text and "[REDACTED" in record.json["code"] and "[REDACTED" in record.json["error"]
    trace = events(agent_server, run)
    assert key not in json.dumps(trace) and {"stdout", "data_store", "error"} <= {data.get("type") for _, _, data in trace}


def test_every_way_to_run_an_agent_makes_a_record(agent_server):
    name = f"door-{uuid.uuid4().hex}"
    agent = agent_server.post("/agents", {"name": "n", "description": "d", "code": ECHO, "friendlyName": name}).json["_id"]
    assert agent_server.post(f"/agents/{agent}/deploy").status == 201
    run_code(agent_server, ECHO, friendlyName=name)
    agent_server.stream("/agents/run-code/stream", body(ECHO, friendlyName=name))
    assert agent_server.post(f"/rest/{name}", {}).status == 200
    assert agent_server.post(f"/rest/{name}", {}, headers={"Accept": "text/event-stream"}).status == 200
    messages = [{"role": "user", "content": "hi"}]
    reply = agent_server.post("/v1/chat/completions", {"model": f"gofannon/{name}", "messages": messages})
    assert reply.status == 200, reply
    ticket = agent_server.post("/chat", {"provider": "gofannon", "model": name, "messages": messages, "parameters": {}}).json
    ticket = ticket.get("ticket_id") or ticket["ticketId"]
    wait_until(lambda: agent_server.get(f"/chat/{ticket}").json["status"] == "completed", 30, "the chat to end")

    def kinds():
        made = [run for run in agent_server.get("/runs?status=completed").json if run["agentName"] == name]
        return sorted(run["kind"] for run in made)

    wait_until(lambda: kinds() == ["chat", "chat", "code", "code", "rest", "rest"], 20, "all records")


def test_a_record_says_how_long_the_run_waited(start_server):
    server = start_server(ready=True, sets=["plugins.runtime-python.running=1"])
    connection, first = begin(server, SLEEP)
    waiting, second = begin(server, ECHO)
    assert server.get(f"/runs/{second}").json["waitedMs"] is None and server.get(f"/runs/{second}").json["eventCount"] == 0
    server.post(f"/runs/{first}/stop")
    record = ended(server, second)
    assert record["status"] == "completed" and 0 < record["waitedMs"] <= record["durationMs"]
    assert ended(server, first)["waitedMs"] < record["waitedMs"]
    connection.close()
    waiting.close()


def test_runs_are_listed_the_newest_first(agent_server):
    agent = agent_server.post("/agents", {"name": "n", "description": "d", "code": ECHO, "friendlyName": "listed"}).json["_id"]
    assert agent_server.post(f"/agents/{agent}/deploy").status == 201
    ids = [run_id(agent_server.post("/rest/listed", {"i": i})) for i in range(3)]
    wait_until(lambda: len(agent_server.get(f"/runs?agent_id={agent}&status=completed").json) == 3, 20, "the store to know")
    listed = agent_server.get(f"/runs?agent_id={agent}").json
    assert [run["_id"] for run in listed] == ids[::-1]
    assert all(run["kind"] == "rest" and run["agentName"] == "listed" and "input" not in run for run in listed)
    page = agent_server.get(f"/runs?agent_id={agent}&limit=2")
    assert [run["_id"] for run in page.json] == ids[:0:-1] and 'rel="next"' in page.header("Link")
    assert agent_server.get(f"/runs?agent_id={agent}&status=failed").json == []


def test_who_saw_a_run_end_sees_it_in_the_list(start_server):
    server = start_server(ready=True, sets=["plugins.runs.write_ms=10000"])
    for count in range(1, 4):
        ended = run_id(run_code(server, ECHO))
        (first, *others) = server.get("/runs").json
        assert (first["_id"], first["status"], len(others)) == (ended, "completed", count - 1)


def test_an_ended_run_can_be_forgotten(agent_server):
    run = run_id(run_code(agent_server, ECHO))
    wait_until(lambda: agent_server.delete(f"/runs/{run}").status == 204, 20, "the store to have it")
    wait_until(lambda: agent_server.get(f"/runs/{run}").status == 404, 20, "it to be gone")
    assert agent_server.get(f"/runs/{run}").detail == f"Document '{run}' not found in 'runs'"
    assert agent_server.get(f"/runs/{run}/stream").status == 404
    assert agent_server.post(f"/runs/{run}/stop").status == 404


# ---- once more ----


def test_a_run_is_repeated_with_what_it_had(agent_server):
    helper = agent_server.post("/agents", {"name": f"helper-{uuid.uuid4().hex}", "description": "d", "code": ECHO}).json
    code = f"async def run(input_dict, tools):\n    return [input_dict, list(tools), await gofannon_client.call({helper['name']!r}, {{'x': 1}})]\n"
    fields = {"inputDict": {"n": 1}, "tools": {"http://t/mcp": ["a"]}, "gofannonAgents": [helper["_id"]], "friendlyName": "again"}
    first = agent_server.post("/agents/run-code", {"code": code, **fields})
    assert first.json["result"] == [{"n": 1}, ["http://t/mcp"], {"x": 1}], first
    second = agent_server.post(f"/runs/{run_id(first)}/repeat")
    assert second.status == 200 and list(second.json) == list(first.json) and second.json["result"] == first.json["result"]
    one, two = (agent_server.get(f"/runs/{run_id(reply)}").json for reply in (first, second))
    assert (one["kind"], one["repeats"], two["kind"], two["repeats"]) == ("code", None, "repeat", one["_id"])
    same = "agentName", "codeHash", "code", "input", "result", "declared"
    assert [one[member] for member in same] == [two[member] for member in same]
    third = agent_server.post(f"/runs/{two['_id']}/repeat", headers={"Accept": "text/event-stream"})
    assert third.text.count("event: trace") == len(first.json["trace"]) and "event: done" in third.text


def test_an_agents_run_is_repeated_with_the_version_that_ran(agent_server):
    name = f"repeated-{uuid.uuid4().hex}"
    agent = agent_server.post("/agents", {"name": "n", "description": "d", "code": ECHO, "friendlyName": name}).json
    assert agent_server.post(f"/agents/{agent['_id']}/deploy").status == 201
    run = run_id(agent_server.post(f"/rest/{name}", {"i": 1}))
    changed = ECHO.replace("return input_dict", "return 'newer'")
    assert agent_server.put(f"/agents/{agent['_id']}", {"code": changed}).status == 200
    again = agent_server.post(f"/runs/{run}/repeat")
    assert again.json["result"] == {"i": 1}
    record = agent_server.get(f"/runs/{run_id(again)}").json
    assert (record["agentId"], record["version"], record["repeats"]) == (agent["_id"], 1, run)
    assert agent_server.delete(f"/agents/{agent['_id']}").status == 204
    assert agent_server.post(f"/runs/{run}/repeat").detail == f"Document '{agent['_id']}' not found in 'agents'"


def test_what_was_not_kept_whole_cannot_be_repeated(start_server):
    server = start_server(sets=["plugins.runs.max_value_bytes=1000"], ready=True)
    key = "sk-" + "proj-" + "A1b2C3d4E5f6G7h8" * 3
    for code, given, why in (
        (ECHO, {"key": key}, "There were secrets in this run, which are not kept: it cannot be repeated."),
        (f"KEY = '{key}'\n{ECHO}", {}, "There were secrets in this run, which are not kept: it cannot be repeated."),
        (ECHO, {"text": "x" * 2000}, "What went into this run was too long to be kept: it cannot be repeated."),
    ):
        reply = server.post(f"/runs/{run_id(run_code(server, code, inputDict=given))}/repeat")
        assert (reply.status, reply.detail) == (409, why)
    assert server.post("/runs/nope/repeat").detail == "Document 'nope' not found in 'runs'"


# ---- watching and stopping ----


@pytest.mark.parametrize("code", [SLEEP, LOOP, STUBBORN], ids=["in C code", "in a tight loop", "an agent that will not"])
def test_a_run_is_stopped_whatever_it_does(agent_server, code):
    connection, run = begin(agent_server, code)
    reply = agent_server.post(f"/runs/{run}/stop")
    assert (reply.status, reply.json) == (202, {"_id": run, "status": "stopping"})
    record = ended(agent_server, run)
    assert record["status"] == "stopped" and record["reason"] == "local-dev-user stopped it."
    connection.close()
    assert agent_server.post(f"/runs/{run}/stop").json["status"] == "stopped"


def test_a_running_run_is_watched_live_and_not_deleted(agent_server):
    connection, run = begin(agent_server, SLEEP)
    assert any("begun" in str(event) for event in connection.events(connection.read_head()))
    assert agent_server.delete(f"/runs/{run}").status == 409
    watched = []
    watcher = threading.Thread(target=lambda: watched.extend(events(agent_server, run)))
    watcher.start()
    agent_server.post(f"/runs/{run}/stop")
    watcher.join()
    assert [data["message"] for _, event, data in watched if data.get("type") == "stdout"] == ["begun"]
    assert watched[-1][1] == "done" and watched[-1][2]["status"] == "stopped"
    connection.close()


def test_a_closed_tab_stops_its_run(agent_server):
    connection, run = begin(agent_server, SLEEP)
    connection.close()
    record = ended(agent_server, run)
    assert record["status"] == "stopped" and record["reason"] == "Its client left."


@pytest.mark.parametrize("path", ["/agents/run-code", "/agents/run-code/stream"])
def test_a_run_that_is_kept_goes_on(agent_server, path):
    namespace = f"ns-{uuid.uuid4().hex}"
    code = f"async def run(input_dict, tools):\n    while not data_store.use_namespace({namespace!r}).get('go'):\n        await asyncio.sleep(0.02)\n    return {{'kept': True}}\n"
    connection, run = begin(agent_server, code, path + "?detach=1")
    connection.close()
    agent_server.put(f"/data-store/namespaces/{namespace}/records/go", {"value": True})
    record = ended(agent_server, run)
    assert record["status"] == "completed" and record["result"] == {"kept": True}


def test_a_kept_run_does_not_keep_the_server(start_server):
    server = start_server(ready=True, sets=["limits.drain_ms=2000"])
    connection, run = begin(server, SLEEP, "/agents/run-code?detach=1")
    connection.close()
    assert server.stop() == 0
    server.start()
    record = server.get(f"/runs/{run}").json
    assert record["status"] == "stopped" and record["reason"] == "The server stopped."


# ---- crashes, other servers, retention ----


def test_a_killed_servers_runs_are_lost_and_say_so(start_server):
    server = start_server(ready=True, sets=["plugins.runs.lease_ms=3000", "plugins.runs.sweep_ms=100"])
    connection, run = begin(server, SLEEP)
    server.kill()
    connection.close()
    server.start()
    record = ended(server, run)
    assert record["status"] == "lost" and record["error"] == "The run was lost." and record["endedAt"]
    assert [data.get("type") for _, _, data in events(server, run)][-1] is None


def test_another_server_watches_and_stops(start_server, postgres):
    sets = ["plugins.storage-postgres.schema=runs_two"]
    env = {"DATABASE_URL": postgres()}
    one, two = (start_server(backend="postgres", sets=sets, env=env, ready=True) for _ in range(2))
    connection, run = begin(one, SLEEP)
    wait_until(lambda: two.get(f"/runs/{run}").status == 200, 20, "the other server to see it")
    assert two.post(f"/runs/{run}/stop").status == 202
    assert events(two, run)[-1][2]["status"] == "stopped"
    assert one.get(f"/runs/{run}").json["reason"] == "local-dev-user stopped it."
    connection.close()


def test_old_traces_make_room_for_new_ones(start_server):
    server = start_server(ready=True, sets=["plugins.runs.keep_mb=1", "plugins.runs.sweep_ms=100"])
    code = "async def run(input_dict, tools):\n    for i in range(150): print('x' * 4000)\n"
    ids = [run_id(run_code(server, code)) for _ in range(3)]
    wait_until(lambda: server.get(f"/runs/{ids[0]}").status == 404, 30, "the oldest to go")
    assert server.get(f"/runs/{ids[2]}").status == 200


def test_inputs_and_results_count_as_well(start_server):
    sets = ["plugins.runs.keep_mb=1", "plugins.runs.sweep_ms=100", "plugins.runs.max_value_bytes=1000000"]
    server = start_server(ready=True, sets=sets)
    ids = [run_id(run_code(server, ECHO, inputDict={"text": "x" * 240000})) for _ in range(4)]
    wait_until(lambda: server.get(f"/runs/{ids[0]}").status == 404, 30, "the oldest to go")
    assert server.get(f"/runs/{ids[3]}").status == 200


def stored_in(server):
    (path,) = server.state.rglob("*.db")
    return path


def test_a_record_goes_when_its_time_has_come_with_its_trace(start_server):
    """The clock is turned by ageing what is stored."""
    server = start_server(ready=True, sets=["plugins.runs.sweep_ms=100", "plugins.runs.keep_hours=2"])
    old, new = (run_id(run_code(server, TALK, inputDict={"n": n})) for n in (3, 4))
    assert server.stop() == 0
    database = sqlite3.connect(stored_in(server))
    with database:
        (number,) = database.execute("select number from ein_indexes where set_name = 'runs' and field = 'dueAt'").fetchone()
        ((body, key),) = database.execute(f'select body, k{number} from "set_runs" where id = ?', [old]).fetchall()
        (newer,) = database.execute(f'select k{number} from "set_runs" where id = ?', [new]).fetchone()
        due = json.loads(body)["dueAt"]
        assert abs(due / 1000 - time.time() - 2 * 3600) < 600 and key < newer
        aged = json.dumps(json.loads(body) | {"dueAt": due - 3 * 3600 * 1000})
        database.execute(f'update "set_runs" set body = ?, k{number} = ? where id = ?', [aged, key[:2], old])
    database.close()
    server.start(ready=True)
    wait_until(lambda: server.get(f"/runs/{old}").status == 404, 30, "the old one to go")
    assert [data["message"] for _, _, data in events(server, new) if data.get("type") == "stdout"] == [f"line {i}" for i in range(4)]
    assert server.stop() == 0
    database = sqlite3.connect(stored_in(server))
    stored = [json.loads(body)["runId"] for (body,) in database.execute('select body from "set_run_events"')]
    database.close()
    assert set(stored) == {new}
