# SPDX-License-Identifier: Apache-2.0
"""Runs: results, errors, traces, calls, limits, stopping."""

import json
import time

import pytest
from driver import SCALE, Driver, body, failure, outcome
from test_lifecycle import wait_until

RUN = "async def run(input_dict, tools):\n"


@pytest.fixture(scope="module")
def driver():
    with Driver(with_plugin=["storage-memory", "data-store"], settings={"running": 32, "running_per_user": 32}) as driver:
        yield driver


def types(answer):
    return [event["type"] for event in answer["trace"]]


def messages(answer):
    return [event["message"] for event in answer["trace"] if event["type"] == "stdout"]


# ---- results


@pytest.mark.parametrize("value, wanted", [
    ("None", None), ("{'a': 1}", {"a": 1}), ("float('nan')", None), ("[float('inf'), 1.5]", [None, 1.5]),
    ("{3, 1, 2}", [1, 2, 3]), ("(1, 2)", [1, 2]), ("b'ab'", "ab"), ("{1: 2, None: 3, True: 4, (5, 6): 7}", {"1": 4, "null": 3, "(5, 6)": 7}),
    ("__import__('datetime').date(2024, 2, 29)", "2024-02-29"), ("__import__('decimal').Decimal('1.50')", "1.50"),
    ("'\\ud800x'", "\ufffdx"), ("'\\0'", "\0"), ("{'\\0a': 1}", {"\ufffda": 1}), ("10 ** 30", 1e30), ("2 ** 63 - 1", 2 ** 63 - 1),
    ("10 ** 400", None), ("'é' * 3 + '\\U0001f600'", "ééé\U0001f600"), ("__import__('pathlib').PurePosixPath('/a')", "/a"),
])  # fmt: skip
def test_any_value_becomes_json(driver, value, wanted):
    assert outcome(driver.run(RUN + f"    return {value}")) == wanted


def test_a_circle_is_an_error(driver):
    assert "ircular" in failure(driver.run(body("d = {}\nd['d'] = d\nreturn d")))


def test_a_result_over_the_limit_names_it(driver):
    error = failure(driver.run(body("return 'x' * 20000"), limits={"result_kb": 16}))
    assert error == "ValueError: The result of 20035 bytes is over the limit of 16384 bytes." or "limit of 16384 bytes" in error
    assert "limit of" in failure(driver.run(body("return 'x' * (100 << 20)")))


@pytest.mark.parametrize("least", [
    {"open_files": 16}, {"threads": 2}, {"address_space_mb": 128, "memory_mb": 64}, {"tmp_mb": 1, "frame_kb": 64},
    {"pool_max": 1, "zygote_runs": 1}, {"running": 1, "processes": 1, "queue": 0}])  # fmt: skip
def test_the_least_of_each_limit_is_enough_for_a_run(least):
    with Driver(settings=least) as driver:
        assert [outcome(driver.run(body("return 1"))) for _ in range(3)] == [1, 1, 1]


def test_values_over_the_limit_end_the_run(driver):
    assert "more than 1000 values" in failure(driver.run(body("return [1] * 2000"), limits={"json_values": 1000}))


def test_input_and_tools_arrive(driver):
    assert outcome(driver.run(body("return [input_dict, tools]"), input={"a": [1, {"é": None}]}, tools={"u": ["t"]})) == [{"a": [1, {"é": None}]}, {"u": ["t"]}]


def test_secrets_are_in_the_environment_of_this_run_only(driver):
    text = body("import os\nreturn os.environ.get('MY_KEY')")
    assert outcome(driver.run(text, secrets={"MY_KEY": "s3cret"})) == "s3cret"
    assert outcome(driver.run(text)) is None


# ---- errors and traces


def test_a_failure_shows_the_agents_own_lines(driver):
    answer = driver.run("def helper():\n    return {}['x']\n" + RUN + "    return helper()")
    assert failure(answer) == "KeyError: 'x'"
    assert types(answer) == ["agent_start", "error", "agent_end"]
    traceback = answer["trace"][1]["traceback"]
    unmarked = "".join(line for line in traceback.splitlines(keepends=True) if line.strip(" ~^\n"))  # each Python marks other columns
    assert unmarked == ("Traceback (most recent call last):\n"
                        '  File "<string>", line 4, in run\n    return helper()\n'
                        '  File "<string>", line 2, in helper\n    return {}[\'x\']\nKeyError: \'x\'\n')  # fmt: skip


@pytest.mark.parametrize("code, error", [
    ("def x(:\n", "SyntaxError: invalid syntax (<string>, line 1)"),
    ("def run(i, t):\n    return 1", "ValueError: Code did not define an 'async def run(input_dict, tools)' function."),
    ("run = 5", "ValueError: Code did not define an 'async def run(input_dict, tools)' function."),
    ("", "ValueError: Code did not define an 'async def run(input_dict, tools)' function."),
    ("raise OSError('top')", "OSError: top"),
    ("import nonesuch", "ModuleNotFoundError: No module named 'nonesuch'"),
])  # fmt: skip
def test_code_that_cannot_begin_leaves_no_trace(driver, code, error):
    answer = driver.run(code)
    assert failure(answer) == error
    assert answer["trace"] == []


def test_code_that_prints_before_it_fails_leaves_one(driver):
    answer = driver.run("print('top')\nraise KeyError('k')")
    assert types(answer) == ["agent_start", "stdout", "error", "agent_end"]


def test_lines_keep_their_order_and_empty_ones_are_dropped(driver):
    answer = driver.run(body("import sys, logging\nprint('a', end='')\nprint('b')\nprint()\nsys.stderr.write('c\\nd')\nlogging.info('no')\nlogging.getLogger('q').error('e')\nprint('f')\nsys.stdout.buffer.write(b'g\\n')"))
    assert messages(answer) == ["ab", "c", "f", "g", "d"]
    log = next(event for event in answer["trace"] if event["type"] == "log")
    assert (log["level"], log["logger"], log["message"], log["depth"]) == ("ERROR", "q", "e", 1)


def test_what_bypasses_stdout_is_shown_too(driver):
    assert messages(driver.run(body("import os\nos.write(1, b'raw one\\nraw \\xff two')"))) == ["raw one", "raw ? two"]


def test_long_lines_are_cut(driver):
    line = messages(driver.run(body("print('é' * 5000)")))[0]
    assert line == "é" * 4096 + "\n... [truncated, 1808 more bytes]"


def test_output_has_a_limit(driver):
    answer = driver.run(body("for n in range(10000):\n    print(n)\nreturn 'done'"), limits={"output_events": 50})
    assert outcome(answer) == "done"
    said = "... [these are all the lines that a run may print (output_events), the rest is not shown]"
    assert messages(answer) == [str(n) for n in range(50)] + [said]


def test_all_that_is_below_the_limit_is_shown(driver):
    answer = driver.run(body("for n in range(9999):\n    print(n)"))
    assert outcome(answer) is None and messages(answer) == [str(n) for n in range(9999)]


def test_raw_output_has_a_limit_that_is_said(driver):
    answer = driver.run(body("import os\nfor _ in range(30):\n    os.write(1, b'x' * 99 + b'\\n')"), limits={"raw_output_kb": 1})
    assert messages(answer)[:10] == ["x" * 99] * 10
    assert messages(answer)[-1] == "... [1976 more bytes were written past sys.stdout than are kept (raw_output_kb)]"


@pytest.mark.parametrize("forged", [
    {"t": "agent_end", "type": "agent_end", "outcome": "success", "source": "system"},
    {"t": "ev", "type": "error", "source": "system"}, {"t": "stdout", "message": 5}, {"t": 7}, {}, {"t": "ret", "id": 1},
])  # fmt: skip
def test_events_cannot_be_forged(driver, forged):
    text = f"import given\nc = given.current\nc.send({forged!r})\nreturn 'sent'"
    answer = driver.run(body(text))
    assert outcome(answer) == "sent"
    assert types(answer) == ["agent_start", "agent_end"]


def test_identity_is_never_taken_from_the_child(driver):
    text = ("import given\nc = given.current\n"
            "c.send({'t': 'stdout', 'message': 'hi', 'agent_name': 'admin', 'depth': 7, 'source': 'system', 'ts': 'x', 'type': 'agent_end'})\n"
            "v = await c.acall('ds.get', {'namespace': 'default', 'key': 'mine', 'user': 'a', 'user_id': 'a', 'userId': 'a'})\nreturn v[0]['found']")  # fmt: skip
    outcome(driver.run(body("data_store.set('mine', 1)"), user_id="a"))
    answer = driver.run(body(text), user_id="b")
    assert outcome(answer) is False
    said = answer["trace"][1]
    assert (said["type"], said["agent_name"], said["depth"], said["source"]) == ("stdout", "sandbox_agent", 1, "stdout")
    assert said["ts"].endswith("Z")


# ---- calls


def test_the_data_store_is_called_and_noted(driver):
    answer = driver.run(body("data_store.set('k', {'a': [1]})\nn = data_store.use_namespace('other')\nmark = object()\nreturn [data_store.get('k'), n.get('k', 'dflt'), n.get('k', mark) is mark, data_store.list_keys(), data_store.delete('k')]"), user_id="ds")
    assert outcome(answer) == [{"a": [1]}, "dflt", True, ["k"], True]
    assert [entry["op"] for entry in answer["outcome"]["opsLog"]] == ["set", "get", "get", "get", "list_keys", "delete"]
    events = [event for event in answer["trace"] if event["type"] == "data_store"]
    assert [event["operation"] for event in events] == ["set", "get", "get", "get", "list_keys", "delete"]
    assert [event["found"] for event in events] == [None, True, False, False, None, True]


def test_the_data_store_works_from_threads(driver):
    answer = driver.run(body("def one(n):\n    data_store.set(str(n), n)\n    return data_store.get(str(n))\nreturn await asyncio.gather(*[asyncio.to_thread(one, n) for n in range(6)])"), user_id="threads")
    assert outcome(answer) == [0, 1, 2, 3, 4, 5]


def test_without_a_data_store_the_error_says_so():
    with Driver() as driver:
        assert failure(driver.run(body("data_store.get('k')"))) == "RuntimeError: No data store is configured on this server."


AGENTS = {
    "e": {"name": "echo", "code": RUN + "    print('hi')\n    return input_dict", "tools": {}, "imports": []},
    "f": {"name": "fails", "code": RUN + "    raise ValueError('inner')", "tools": {}, "imports": []},
    "l": {"name": "loop", "code": RUN + "    return await gofannon_client.call('loop', {})", "tools": {}, "imports": ["l"]},
    "s": {"name": "sleeps", "code": RUN + "    data_store.set('asleep', True)\n    await asyncio.sleep(1000)", "tools": {}, "imports": []},
    "m": {"name": "middle", "code": RUN + "    return await gofannon_client.call('echo', {'deep': 1})", "tools": {}, "imports": ["e"]},
    "b": {"name": "broken", "code": "def (", "tools": {}, "imports": []},
}  # fmt: skip


def called(driver, text, imports, **more):
    return driver.run(body(text), imports=imports, agents=AGENTS, **more)


def test_a_called_agent_is_one_deeper(driver):
    answer = called(driver, "return await gofannon_client.call(agent_name='middle', input_dict={})", ["m"])
    assert outcome(answer) == {"deep": 1}
    assert [(event["type"], event["agent_name"], event["depth"]) for event in answer["trace"]] == [
        ("agent_start", "sandbox_agent", 0), ("agent_start", "middle", 1), ("agent_start", "echo", 2), ("stdout", "echo", 3),
        ("agent_end", "echo", 2), ("agent_end", "middle", 1), ("agent_end", "sandbox_agent", 0),
    ]  # fmt: skip


def test_agents_are_called_at_the_same_time(driver):
    answer = called(driver, "return await asyncio.gather(*[gofannon_client.call('echo', {'n': n}) for n in range(5)])", ["e"])
    assert outcome(answer) == [{"n": n} for n in range(5)]
    assert types(answer).count("agent_start") == types(answer).count("agent_end") == 6


def test_only_imported_agents_can_be_called(driver):
    answer = called(driver, "return await gofannon_client.call('fails', {})", ["e"])
    assert failure(answer) == "ValueError: Gofannon agent 'fails' not found or not imported for this run."


def test_long_names_of_any_letters_are_told(driver):
    long = "'a' + 'ä' * 150"
    assert failure(called(driver, f"return await gofannon_client.call({long}, {{}})", [])) == f"ValueError: Gofannon agent 'a{'ä' * 89}' not found or not imported for this run."
    error = failure(driver.run(body(f"return data_store.use_namespace({long}).get('x')"), agent={"dataStoreConfig": [{"namespace": "n"}]}))
    assert error.startswith(f"PermissionError: The agent does not declare that it may read the namespace 'a{'ä' * 59}': add")
    agents = {"i": {"name": "odd", "code": body("raise type('Er' + 'ä' * 100, (Exception,), {})('x')")}}
    answer = driver.run(body("try:\n    await gofannon_client.call('odd', {})\nexcept RuntimeError as error:\n    return error.kind"), imports=["i"], agents=agents)
    assert outcome(answer) == "Er" + "ä" * 62


def test_an_import_that_is_missing_fails_the_run(driver):
    answer = called(driver, "return 1", ["e", "nope"])
    assert failure(answer) == "ValueError: Could not load one or more dependent Gofannon agents."
    assert answer["trace"] == []


def test_the_failure_of_a_called_agent_can_be_caught(driver):
    answer = called(driver, "try:\n    await gofannon_client.call('fails', {})\nexcept ValueError as e:\n    return str(e)", ["f"])
    assert outcome(answer) == "inner"
    assert types(answer) == ["agent_start", "agent_start", "error", "agent_end", "agent_end"]
    assert "invalid syntax" in failure(called(driver, "await gofannon_client.call('broken', {})", ["b"]))


def test_calls_without_end_are_stopped(driver):
    answer = called(driver, "return await gofannon_client.call('loop', {})", ["l"])
    assert failure(answer).startswith("RecursionError: Agents call each other too deeply")
    assert types(answer).count("agent_start") == types(answer).count("agent_end") == 9
    answer = called(driver, "for n in range(9):\n    await gofannon_client.call('echo', {})", ["e"], limits={"nested_runs": 4})
    assert "its limit of agent calls" in failure(answer)


def test_a_called_agent_ends_with_its_caller(driver):
    begun = "while not data_store.get('asleep'):\n    await asyncio.sleep(0.02)"
    answer = called(driver, f"t = asyncio.ensure_future(gofannon_client.call('sleeps', {{}}))\n{begun}\nreturn 'early'", ["s"], user_id="early")
    assert outcome(answer) == "early"
    assert [kind for kind in types(answer) if kind != "data_store"] == ["agent_start", "agent_start", "agent_end", "agent_end"]
    answer = called(driver, "try:\n    await asyncio.wait_for(gofannon_client.call('sleeps', {}), 0.3)\nexcept TimeoutError:\n    return 'late'", ["s"])
    assert outcome(answer) == "late"


def test_what_is_not_configured_says_so(driver):
    assert failure(driver.run(body("await call_llm('p', 'm', [{'role': 'user', 'content': 'a'}])"))) == "RuntimeError: No model provider is configured on this server."
    assert "No MCP client is configured" in failure(driver.run(body("await RemoteMCPClient('http://x').list_tools()")))


ECHO = "http://public.test/echo"


@pytest.mark.parametrize("text", [
    f"r = await http_client.get('{ECHO}')", f"r = httpx.get('{ECHO}')",
    f"async with httpx.AsyncClient(timeout=5) as c:\n    r = await c.get('{ECHO}')",
    f"with httpx.Client(verify=False) as c:\n    r = c.get('{ECHO}')",
    "r = await http_client.get('http://public.test/redirect')",
    f"r = await asyncio.to_thread(httpx.get, '{ECHO}')",
    f"async with http_client.stream('GET', '{ECHO}') as r:\n    await r.aread()",
])  # fmt: skip
def test_http_goes_through_the_server(driver, text):
    answer = outcome(driver.run(body(text + "\nreturn [r.status_code, r.json()['path'], r.headers.get_list('x-two')]")))
    assert answer == [200, "/echo", ["a", "b"]]


def test_bodies_and_headers_go_along(driver):
    answer = outcome(driver.run(body(f"r = await http_client.post('{ECHO}', content=b'\\xff' * 100000, headers={{'X-A': 'e', 'Host': 'evil', 'Connection': 'x'}})\nreturn r.json()")))
    assert (answer["method"], answer["body_len"]) == ("POST", 100000)
    names = [header.split(":")[0].lower() for header in answer["headers"]]
    assert "x-a" in names and not {"host", "connection", "content-length", "accept-encoding"} & set(names)


@pytest.mark.parametrize("url, error", [
    ("http://127.0.0.1/", "ConnectError: the address is not public"), ("http://public.test/inside", "ConnectError: the address is not public"),
    ("http://public.test/big", "ReadError: the reply is too large"), ("ftp://public.test/", "UnsupportedProtocol: "),
])  # fmt: skip
def test_http_that_is_refused_is_an_error_of_httpx(driver, url, error):
    assert failure(driver.run(body(f"await http_client.get('{url}')"))).startswith(error)
    assert outcome(driver.run(body(f"try:\n    await http_client.get('{url}')\nexcept httpx.TransportError:\n    return 'caught'"))) == "caught"


def test_http_requests_run_at_the_same_time_and_end_with_the_run(driver):
    answer = driver.run(body(f"r = await asyncio.gather(*[http_client.get('{ECHO}') for _ in range(40)])\nreturn len(r)"))
    assert outcome(answer) == 40
    assert "ReadTimeout" in failure(driver.run(body("await http_client.get('http://public.test/slow', timeout=0.3)")))
    answer = driver.run(body("asyncio.ensure_future(http_client.get('http://public.test/slow', timeout=60))\nawait asyncio.sleep(0.2)\nreturn 'left'"))
    assert outcome(answer) == "left" and answer["us"] < 50_000_000
    answer = driver.run(body("try:\n    await asyncio.wait_for(http_client.get('http://public.test/slow', timeout=60), 0.2)\nexcept TimeoutError:\n    return 'late'"))
    assert outcome(answer) == "late"


def test_http_requests_are_counted(driver):
    error = failure(driver.run(body(f"for _ in range(9):\n    await http_client.get('{ECHO}')"), limits={"http_calls": 5}))
    assert error == "ConnectError: This run has reached its limit of HTTP requests."


TALK = "import sys\nchannel = sys.modules['given'].current\n"
POST = "{'method': 'POST', 'url': 'http://public.test/echo', 'headers': [], 'more': True}"


def test_a_body_may_come_no_faster_than_it_is_used(driver):
    unread = POST.replace("echo", "slow")
    text = TALK + f"call = channel.open('http', {unread})\nfor _ in range(200):\n    call.send('body', b'x' * 100000)\nawait asyncio.sleep(60)"
    assert failure(driver.run(body(text))) == "RuntimeError: The agent's process sent more of a request's body than allowed."


@pytest.mark.parametrize("text", [
    "channel.send({'t': 'body', 'id': 99, 'last': True}, b'x')", "channel.send({'t': 'body'}, b'x')", "channel.send({'t': 'used', 'id': 99, 'n': 1})",
    "call = channel.open('ds.get', {'key': 'a'})\ncall.send('used', n=-5)",
    f"call = channel.open('http', {POST})\nfor n in (-1, 1 << 62, 'x', None):\n    call.send('used', n=n)\ncall.send('body', last=True)\ncall.send('body', last=True)",
])  # fmt: skip
def test_what_makes_no_sense_is_not_heard(driver, text):
    assert outcome(driver.run(body(TALK + text + "\nreturn data_store.get('k', 1)"))) == 1


def test_a_request_without_its_body_ends_with_the_run(driver):
    answer = driver.run(body(TALK + f"channel.open('http', {POST})\nreturn 'left'"))
    assert outcome(answer) == "left" and answer["us"] < 50_000_000


def test_requests_that_wait_for_their_bodies_are_bounded(driver):
    text = TALK + f"for _ in range(65):\n    call = channel.open('http', {POST})\nreturn (await call.next())[0]['msg']"
    assert outcome(driver.run(body(text))) == "No more than 64 requests with streamed bodies may be open."


def test_a_body_that_comes_whole_is_no_longer_than_a_piece(driver):
    text = TALK + f"call = channel.open('http', {POST.replace('True', 'False')}, b'x' * (257 << 10))\nreturn (await call.next())[0]['msg']"
    assert outcome(driver.run(body(text))) == "A body of 263168 bytes has to be streamed."


def test_calls_that_wait_take_no_more_memory_in_the_server_than_the_process_may_have():
    with Driver(with_plugin=["mcp"]) as driver:
        flood = TALK + "args = {'a': [0] * 900000}\nfor n in range(40):\n    channel.open('mcp.call', {'url': 'http://public.test/slow', 'tool': 'x', 'args': args})"
        before = driver.status()["resident_kb"]
        waiting = driver.start_run(body(flood), timeout_ms=6000, limits={"grace_ms": 0})
        most = 0
        while driver.status()["status"]["running"] or not most:
            most = max(most, driver.status()["resident_kb"])
            time.sleep(0.1)
        assert "TimeoutError" in failure(waiting())
        assert most - before < 500 << 10


def test_calls_are_counted(driver):
    error = failure(driver.run(body("for n in range(100):\n    data_store.list_namespaces()"), limits={"calls": 20}))
    assert "too many calls" in error


# ---- limits and stopping


def test_too_much_code_is_refused(driver):
    answer = driver.run("# filler\n" * 600_000)
    assert answer["code"] == -1
    assert answer["text"] == "The agent's code has 5400000 bytes; the limit is 524288."


def test_wall_time_is_limited(driver):
    began = time.monotonic()
    answer = driver.run(body("await asyncio.sleep(60)"), timeout_ms=400)
    assert failure(answer) == "TimeoutError: The agent did not finish within 0.4 s."
    assert types(answer)[-1] == "agent_end"
    answer = driver.run(body("import time\ntime.sleep(60)"), timeout_ms=400, limits={"grace_ms": 200})
    assert failure(answer) == "TimeoutError: The agent did not finish within 0.4 s."
    assert time.monotonic() - began < 50 * SCALE


def test_cpu_time_is_limited_for_one_run(driver):
    assert failure(driver.run(body("while True:\n    pass"), limits={"cpu_s": 1})) == "TimeoutError: The agent used up its 1 s of CPU time."


def test_memory_is_limited(driver):
    assert failure(driver.run(body("return len(bytearray(3 << 30))"))).startswith("MemoryError")
    answer = driver.run(body("x = bytearray(200 << 20)\nfor i in range(0, len(x), 4096):\n    x[i] = 1\nawait asyncio.sleep(5)"), limits={"memory_mb": 128})
    assert failure(answer) == "MemoryError: The agent used more than its 128 MiB of memory."


def test_a_run_is_cancelled(driver):
    answer = driver.run(body("try:\n    await asyncio.sleep(60)\nexcept asyncio.CancelledError:\n    print('asked')\n    raise"), cancel_after_ms=3000)
    assert failure(answer) == "CancelledError: The run was cancelled."
    assert messages(answer) == ["asked"]
    assert answer["us"] < 50_000_000


def test_a_sink_stops_the_run(driver):
    answer = driver.run(body("print('x')\nawait asyncio.sleep(60)"), stop_at="stdout")
    assert failure(answer) == "CancelledError: The run was cancelled."
    assert types(answer) == ["agent_start", "stdout"]


def test_cancelling_ends_called_agents_too(driver):
    answer = called(driver, "await gofannon_client.call('sleeps', {})", ["s"], cancel_after_ms=3000)
    assert failure(answer) == "CancelledError: The run was cancelled."
    assert types(answer).count("agent_start") == types(answer).count("agent_end") == 2


def test_runs_at_the_same_time_do_not_mix(driver):
    text = body("import random\nfor n in range(20):\n    print(input_dict['me'], n)\n    await asyncio.sleep(random.random() / 200)\ndata_store.set('me', input_dict['me'])\nreturn data_store.get('me')")
    waits = [driver.start_run(text, input={"me": n}, user_id=f"u{n}") for n in range(30)]
    for number, wait in enumerate(waits):
        answer = wait(120)
        assert outcome(answer) == number
        assert messages(answer) == [f"{number} {n}" for n in range(20)]


def test_too_many_runs_are_refused():
    with Driver(settings={"running": 1, "queue": 1}) as driver:
        first = driver.start_run(body("await asyncio.sleep(5)\nreturn 1"), user_id="a")
        wait_until(lambda: driver.status()["status"]["running"] == 1, 20, "it to run")
        waits = [driver.start_run(body("return 2"), user_id=user) for user in "bc"]
        waited, refused = sorted((wait() for wait in waits), key=lambda answer: -answer["code"])  # either may come first
        assert refused["code"] == -12 and "too many agents" in refused["text"]
        assert (outcome(first()), outcome(waited)) == (1, 2)


def test_status_tells_how_agents_are_isolated(driver):
    outcome(driver.run(body("return 1")))
    status = driver.status()["status"]
    assert status["state"] == "ready" and status["level"] in ("strict", "container", "best-effort")
    assert set(status["barriers"]) == {"system_calls", "files", "network", "processes", "identity", "tmp", "memory", "threads"}
    assert json.dumps(status)
