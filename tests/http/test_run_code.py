# SPDX-License-Identifier: Apache-2.0
"""Code that is tried out: its result, its trace, and the trace as it happens."""

import json
import time

import pytest
from agents import make_agent, unique
from support import wait_until

HEAD = "async def run(input_dict, tools):\n"


def body(code, **more):
    return {"code": HEAD + "".join(f"    {line}\n" for line in code.split("\n")), "inputDict": {}, "tools": {}} | more


def run(server, code, **more):
    reply = server.post("/agents/run-code", body(code, **more))
    assert reply.status == 200, reply
    answer = reply.json
    assert list(answer) == ["result", "error", "schemaWarnings", "opsLog", "trace"]
    return answer


def types(trace):
    return [event["type"] for event in trace]


# ---- bodies ----


def test_the_faults_of_a_body_are_listed(agent_server):
    reply = agent_server.post("/agents/run-code", {"code": "x", "llmSettings": {"perModel": {"a/b": {"maxTokens": "many"}}, "temperature": []}})
    assert reply.status == 422
    assert [(one["type"], one["loc"]) for one in reply.detail] == [
        ("missing", ["body", "inputDict"]),
        ("missing", ["body", "tools"]),
        ("int_parsing", ["body", "llmSettings", "perModel", "a/b", "maxTokens"]),
        ("float_type", ["body", "llmSettings", "temperature"]),
    ]


@pytest.mark.parametrize("path", ["/agents/run-code", "/agents/run-code/stream"])
def test_code_that_is_too_long_is_refused_in_a_sentence(agent_server, path):
    reply = agent_server.post(path, {"code": "#" * 5_000_000, "inputDict": {}, "tools": {}})
    assert (reply.status, reply.detail) == (413, "The code has 5000000 bytes; 524288 is the most that it may have.")


def test_fields_are_taken_in_both_spellings(agent_server):
    request = {"code": HEAD + "    return input_dict", "input_dict": {"snake_case": 1}, "tools": {}, "friendly_name": "snake", "output_schema": {"a": "json"}}
    answer = agent_server.post("/agents/run-code", request).json
    assert answer["result"] == {"snake_case": 1}
    assert answer["trace"][0]["agent_name"] == "snake"
    assert len(answer["schemaWarnings"]) == 2


@pytest.mark.parametrize(
    "settings", [None, {}, {"maxTokens": 5, "temperature": 0.5, "reasoningEffort": "disable"}, {"per_model": {"a/b": {"max_tokens": 5}}}]
)
def test_settings_for_models_are_taken(agent_server, settings):
    assert run(agent_server, "return 1", llmSettings=settings)["result"] == 1


# ---- results ----


def test_a_run_answers_its_result_and_its_trace(agent_server):
    answer = run(agent_server, "print('hi', 'there')\nreturn {'v': input_dict['n'] * 21}", inputDict={"n": 2}, friendlyName="doubler")
    assert answer["result"] == {"v": 42}
    assert answer["error"] is answer["schemaWarnings"] is answer["opsLog"] is None
    assert types(answer["trace"]) == ["agent_start", "stdout", "agent_end"]
    assert {event["agent_name"] for event in answer["trace"]} == {"doubler"}
    assert [event["depth"] for event in answer["trace"]] == [0, 1, 0]
    assert answer["trace"][1]["message"] == "hi there"
    assert answer["trace"][2]["outcome"] == "success"


def test_an_agent_that_fails_is_an_answer_too(agent_server):
    answer = run(agent_server, "raise KeyError('kk')", outputSchema={"a": "string"})
    assert (answer["result"], answer["error"], answer["schemaWarnings"]) == (None, "KeyError: 'kk'", None)
    assert types(answer["trace"]) == ["agent_start", "error", "agent_end"]
    assert answer["trace"][-1]["outcome"] == "error"


@pytest.mark.parametrize(
    "code, error",
    [
        ("def x(:\n", "SyntaxError: invalid syntax (<string>, line 1)"),
        ("def run(input_dict, tools):\n    return 1", "ValueError: Code did not define an 'async def run(input_dict, tools)' function."),
    ],
)
def test_code_that_cannot_begin_leaves_no_trace(agent_server, code, error):
    reply = agent_server.post("/agents/run-code", {"code": code, "inputDict": {}, "tools": {}})
    assert reply.status == 200
    assert reply.json == {"result": None, "error": error, "schemaWarnings": None, "opsLog": None, "trace": None}


def arguments(server, parameters, first, second):
    """What a run() with these parameters finds in two of them."""
    code = f"async def run({parameters}):\n    return [{first}, {second}]"
    job = {"code": code, "inputDict": {"n": 1}, "tools": {"u": ["t"]}}
    return server.post("/agents/run-code", job).json["result"]


@pytest.mark.parametrize("parameters", ["input_dict, tools", "tools, input_dict", "*, tools, input_dict"])
def test_run_is_called_by_the_names_of_its_parameters(agent_server, parameters):
    assert arguments(agent_server, parameters, "input_dict", "tools") == [{"n": 1}, {"u": ["t"]}]


@pytest.mark.parametrize("parameters", ["a, b", "input_dict, b", "a, tools", "a, b, c=None"])
def test_run_with_other_names_is_called_in_their_order(agent_server, parameters):
    assert arguments(agent_server, parameters, *parameters.split(", ")[:2]) == [{"n": 1}, {"u": ["t"]}]


def test_what_differs_from_the_schema_is_told(agent_server):
    answer = run(agent_server, "return {'a': 'x', 'z': 1}", outputSchema={"a": "integer", "d": "json"})
    assert answer["schemaWarnings"] == [
        "Missing required output keys: ['d']",
        "Unexpected output keys not in schema: ['z']. The composer LLM may have ignored the output schema — "
        "try regenerating the code, or update the schema.",
        "Output 'a' has type str but schema declares integer.",
    ]


def test_whole_numbers_and_fractions_are_told_apart(agent_server):
    answer = run(agent_server, "return {'i': 2, 'f': 2.0}", outputSchema={"i": "integer", "f": "integer"})
    assert answer["schemaWarnings"] == ["Output 'f' has type float but schema declares integer."]


def test_operations_on_the_data_store_are_logged(agent_server):
    namespace = unique("ns")
    code = f"ds = data_store.use_namespace({namespace!r})\nds.set('k', {{'a': 1}})\nreturn [ds.get('k'), ds.get('none', 'd'), ds.list_keys()]"
    answer = run(agent_server, code, friendlyName="keeper")
    assert answer["result"] == [{"a": 1}, "d", ["k"]]
    assert [(entry["op"], entry["namespace"], entry["agent"]) for entry in answer["opsLog"]] == [
        ("set", namespace, "keeper"),
        ("get", namespace, "keeper"),
        ("get", namespace, "keeper"),
        ("list_keys", namespace, "keeper"),
    ]
    assert [event["operation"] for event in answer["trace"] if event["type"] == "data_store"] == ["set", "get", "get", "list_keys"]
    record = agent_server.get(f"/data-store/namespaces/{namespace}/records/k").json
    assert (record["value"], record["createdByAgent"]) == ({"a": 1}, "keeper")


# ---- agents that call agents ----


def caller(name, argument="{}"):
    return f"return await gofannon_client.call({name!r}, {argument})"


def test_a_called_agent_is_one_deeper_in_the_trace(agent_server):
    inner = make_agent(agent_server, body("print('in')\nreturn input_dict")["code"])
    answer = run(agent_server, caller(inner["name"], "{'x': 1}"), gofannonAgents=[inner["_id"]])
    assert answer["result"] == {"x": 1}
    assert [(event["type"], event["agent_name"], event["depth"]) for event in answer["trace"]] == [
        ("agent_start", "sandbox_agent", 0),
        ("agent_start", inner["name"], 1),
        ("stdout", inner["name"], 2),
        ("agent_end", inner["name"], 1),
        ("agent_end", "sandbox_agent", 0),
    ]


def test_agents_call_each_other_through_three_levels(agent_server):
    last = make_agent(agent_server, body("return 'deep'")["code"])
    middle = make_agent(agent_server, body(caller(last["name"]))["code"], gofannonAgents=[last["_id"]])
    answer = run(agent_server, caller(middle["name"]), gofannonAgents=[middle["_id"]])
    assert (answer["result"], answer["error"]) == ("deep", None)


def test_an_agent_that_was_not_imported_cannot_be_called(agent_server):
    inner = make_agent(agent_server)
    answer = run(agent_server, caller(inner["name"]))
    assert answer["error"] == f"ValueError: Gofannon agent '{inner['name']}' not found or not imported for this run."


@pytest.mark.parametrize("imports", [["nope"], ["x" * 256], [""]])
def test_an_unknown_import_fails_the_run_before_it_begins(agent_server, imports):
    answer = run(agent_server, "return 1", gofannonAgents=imports)
    assert answer == {
        "result": None,
        "error": "ValueError: Could not load one or more dependent Gofannon agents.",
        "schemaWarnings": None,
        "opsLog": None,
        "trace": None,
    }


def test_the_failure_of_a_called_agent_can_be_caught(agent_server):
    inner = make_agent(agent_server, body("raise ValueError('inner')")["code"])
    code = f"try:\n    {caller(inner['name'])}\nexcept Exception as e:\n    return str(e)"
    answer = run(agent_server, code, gofannonAgents=[inner["_id"]])
    assert answer["error"] is None and "inner" in answer["result"]
    assert types(answer["trace"]).count("agent_start") == types(answer["trace"]).count("agent_end") == 2


# ---- streams ----


def stream(server, code, **more):
    return [(event, data) for event, data in server.stream("/agents/run-code/stream", body(code, **more)) if event]


def test_a_stream_is_the_trace_and_then_the_answer(agent_server):
    events = stream(agent_server, "print('s1')\nreturn {'v': 3}", friendlyName="streamer", outputSchema={"v": "string"})
    assert [event for event, _ in events] == ["trace"] * 3 + ["done"]
    assert types(data for _, data in events[:3]) == ["agent_start", "stdout", "agent_end"]
    assert list(events[-1][1].items()) == [
        ("outcome", "success"),
        ("result", {"v": 3}),
        ("error", None),
        ("schemaWarnings", ["Output 'v' has type int but schema declares string."]),
        ("opsLog", None),
    ]


def test_a_stream_of_a_failure_ends_in_its_error(agent_server):
    events = stream(agent_server, "raise KeyError('kk')")
    assert types(data for _, data in events[:-1]) == ["agent_start", "error", "agent_end"]
    assert events[-1] == ("done", {"outcome": "error", "result": None, "error": "KeyError: 'kk'", "schemaWarnings": None, "opsLog": None})


def test_a_stream_of_code_that_cannot_begin_is_its_answer_alone(agent_server):
    events = list(agent_server.stream("/agents/run-code/stream", {"code": "def x(:\n", "inputDict": {}, "tools": {}}))
    assert [event for event, _ in events] == ["done"]
    assert events[0][1]["error"] == "SyntaxError: invalid syntax (<string>, line 1)"


def test_a_stream_has_the_headers_that_keep_it_flowing(agent_server):
    with agent_server.connect() as connection:
        connection.send_request("POST", "/agents/run-code/stream", json.dumps(body("return 1")).encode())
        head = connection.read_head()
        assert head.status == 200
        assert head.header("Content-Type") == "text/event-stream; charset=utf-8"
        assert head.header("Cache-Control") == "no-cache"
        assert head.header("X-Accel-Buffering") == "no"
        raw = b"".join(connection.pieces(head))
    assert b"\r" not in raw
    assert raw.startswith(b"event: trace\ndata: {") and raw.endswith(b"}\n\n")


def test_what_is_wrong_before_a_stream_begins_is_a_plain_answer(agent_server):
    reply = agent_server.post("/agents/run-code/stream", {"code": "x"})
    assert reply.status == 422
    assert reply.header("Content-Type") == "application/json"


def until_told(namespace, look_s=0.02):
    """Steps of an agent that end with tell(); each look is an event."""
    return f"while not data_store.use_namespace({namespace!r}).get('told'):\n    await asyncio.sleep({look_s})"


def tell(server, namespace):
    assert server.put(f"/data-store/namespaces/{namespace}/records/told", {"value": True}).status in (200, 201)


def test_events_arrive_as_they_happen(agent_server):
    namespace = unique("ns")
    with agent_server.connect() as connection:
        code = "print('first')\n" + until_told(namespace) + "\nprint('second')"
        connection.send_request("POST", "/agents/run-code/stream", json.dumps(body(code)).encode())
        seen = []
        for event, data in connection.events(connection.read_head()):
            if event == "trace" and data["type"] == "stdout":
                seen.append(data["message"])
                tell(agent_server, namespace)
    assert seen == ["first", "second"]


def test_a_silent_stream_has_a_heart(start_server):
    server = start_server(ready=True, sets=["limits.heartbeat_ms=100"])
    with server.connect() as connection:
        connection.send_request("POST", "/agents/run-code/stream", json.dumps(body(until_told("heart", 2) + "\nreturn 1")).encode())
        beats, said = 0, []
        for event, data in connection.events(connection.read_head()):
            if event:
                said.append((event, data))
            elif data == "heartbeat" and (beats := beats + 1) == 3:
                tell(server, "heart")
    assert said[-1][0] == "done" and said[-1][1]["result"] == 1


def counter(namespace):
    return (
        f"ds = data_store.use_namespace({namespace!r})\n"
        "for i in range(10**6):\n    ds.set('n', i)\n    print(i)\n    await asyncio.sleep(0.02)"
    )


def count(server, namespace):
    reply = server.get(f"/data-store/namespaces/{namespace}/records/n")
    return reply.json["value"] if reply.status == 200 else -1


@pytest.mark.parametrize("path", ["/agents/run-code", "/agents/run-code/stream"])
def test_a_client_that_leaves_stops_the_run(agent_server, path):
    namespace = unique("ns")
    with agent_server.connect() as connection:
        connection.send_request("POST", path, json.dumps(body(counter(namespace))).encode())
        wait_until(lambda: count(agent_server, namespace) > 3, 10, "the agent to count")

    def stands_still():
        before = count(agent_server, namespace)
        time.sleep(0.5)
        return count(agent_server, namespace) == before

    wait_until(stands_still, 5, "the agent to stop")


def test_runs_answer_503_while_there_is_no_runtime(start_server):
    server = start_server(sets=["plugins.runtime-python.enabled=false"])
    agent = make_agent(server, friendlyName=unique())
    server.post(f"/agents/{agent['_id']}/deploy")
    for path in "/agents/run-code", "/agents/run-code/stream", f"/rest/{agent['friendlyName']}":
        reply = server.post(path, body("return 1"))
        assert (reply.status, reply.detail) == (503, "Agents cannot be run: the server has no agent runtime.")
