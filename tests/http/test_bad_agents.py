# SPDX-License-Identifier: Apache-2.0
"""Agents that misbehave: each run ends with a clear error, and the server goes on."""

import concurrent.futures
import glob
import json
import os
import pathlib
import threading
import time

import pytest
from agents import deploy
from support import SCALE, Server, wait_until

RUN = "/agents/run-code"


@pytest.fixture(scope="module")
def strict_server():
    """A server whose agents have little time and memory."""
    with Server("memory", sets=[
        "plugins.runtime-python.timeout_ms=4000", "plugins.runtime-python.grace_ms=500",
        "plugins.runtime-python.cpu_s=2",
    ]) as server:  # fmt: skip
        yield server.start(ready=True)


@pytest.fixture
def run(strict_server):
    """run(code) runs the body of an agent and returns the answer."""

    def go(body, **inputs):
        code = "async def run(input_dict, tools):\n" + "\n".join("    " + line for line in body.split("\n"))
        reply = strict_server.post(RUN, {"code": code, "inputDict": inputs, "tools": {}})
        assert reply.status == 200, reply
        return reply.json

    yield go
    assert strict_server.healthy()
    strict_server.check()
    assert go("return 'well'")["result"] == "well"
    wait_until(lambda: not stray_processes(strict_server), 10, "the agents' processes to be gone")


def stray_processes(server):
    """Commands of processes below the server that are neither zygote nor idle children of it."""
    found = []
    for pid in descendants(server.process.pid):
        try:
            command = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
            state = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
        except OSError:
            continue
        if state == "R" or "sleep" in command or "sh -c" in command:
            found.append((pid, state, command))
    return found


def descendants(pid):
    """Those that there are: while they are listed, some of them end."""
    children = []
    for listed in glob.glob(f"/proc/{pid}/task/*/children"):
        try:
            children += pathlib.Path(listed).read_text().split()
        except OSError:
            pass
    return [int(child) for child in children] + [one for child in children for one in descendants(int(child))]


def size(answer):
    return len(json.dumps(answer))


# ---- much ----


def test_one_that_prints_100_mb_is_cut(run):
    answer = run("for _ in range(100_000):\n    print('x' * 1000)\nreturn 'done'")
    assert size(answer) < 20_000_000
    assert answer["result"] == "done" or answer["error"]
    assert len([event for event in answer["trace"] if event["type"] == "stdout"]) <= 10_001


def test_one_that_prints_100_mb_in_one_line_is_cut(run):
    answer = run("print('x' * 100_000_000)\nreturn 'done'")
    assert size(answer) < 1_000_000
    lines = [event for event in answer["trace"] if event["type"] == "stdout"]
    assert answer["error"] or "[truncated, " in lines[0]["message"]


def test_one_that_writes_100_mb_past_its_stdout_is_stopped_or_ignored(run):
    answer = run("import os\nfor _ in range(1600):\n    os.write(1, b'y' * 65536)\nreturn 'done'")
    assert size(answer) < 1_000_000


def test_one_that_returns_100_mb_fails(run):
    answer = run("return 'x' * 100_000_000")
    assert answer["result"] is None and answer["error"]
    assert size(answer) < 100_000


def test_one_that_returns_deep_json_fails(run):
    answer = run("d = {}\nfor _ in range(100_000):\n    d = {'a': d}\nreturn d")
    assert answer["result"] is None and answer["error"]


def test_one_that_returns_itself_fails(run):
    answer = run("d = {}\nd['d'] = d\nreturn d")
    assert answer["result"] is None and answer["error"]


@pytest.mark.parametrize("value", ["float('nan')", "float('inf')", "{1: 2, (1, 2): 3}", "b'\\xff'", "object()", "'\\ud800'", "'\\0'", "{'\\0': 1}", "10 ** 400", "set([1])"])
def test_one_that_returns_what_is_no_json_gives_json_all_the_same(run, value):
    answer = run(f"return {value}")
    assert answer["error"] is not None or "result" in answer


def test_one_that_logs_without_end_is_cut(run):
    answer = run("import logging\nfor i in range(200_000):\n    logging.error('line %d', i)\nreturn 'done'")
    assert size(answer) < 20_000_000


def test_one_that_calls_without_end_is_stopped(run):
    answer = run("for i in range(10 ** 7):\n    data_store.set('k', i)\nreturn 'done'")
    assert answer["result"] is None and answer["error"]
    assert size(answer) < 50_000_000


# ---- long ----


ENDLESS = [
    "import asyncio\nawait asyncio.sleep(10 ** 6)", "while True:\n    pass", "import time\ntime.sleep(10 ** 6)",
    "import asyncio\nwhile True:\n    try:\n        await asyncio.sleep(10 ** 6)\n    except BaseException:\n        pass",
    "import threading\nthreading.Event().wait()", "import re\nre.match(r'(a+)+$', 'a' * 40 + 'b')",
    "while True:\n    try:\n        raise ValueError\n    except ValueError:\n        pass"]  # fmt: skip


def test_one_that_never_ends_is_ended(run):
    with concurrent.futures.ThreadPoolExecutor(len(ENDLESS)) as pool:
        answers = list(pool.map(run, ENDLESS))
    for body, answer in zip(ENDLESS, answers):
        assert answer["result"] is None and answer["error"], body
        ends = [event for event in answer["trace"] if event["type"] == "agent_end"]
        assert [event["outcome"] for event in ends] == ["error"], body
    assert "imeout" in answers[0]["error"]


def test_one_left_running_after_its_result_is_gone(run):
    answer = run("import threading\ndef spin():\n    while True:\n        pass\nthreading.Thread(target=spin).start()\nreturn 'left'")
    assert answer["result"] == "left" or answer["error"]


# ---- greedy ----


@pytest.mark.parametrize("body", ["x = bytearray(3 << 30)\nreturn len(x)", "x = []\nwhile True:\n    x.append(bytearray(1 << 20))"])
def test_one_that_fills_memory_fails(run, strict_server, body):
    before = strict_server.memory()
    answer = run(body)
    assert answer["result"] is None and answer["error"]
    assert strict_server.memory() < before + 64


def test_one_that_fills_the_disk_fails(run):
    answer = run(
        "n = 0\nwith open('/tmp/full', 'wb') as file:\n    while True:\n        n += file.write(b'z' * (1 << 20))\n        file.flush()"
    )
    assert answer["result"] is None and answer["error"]
    assert not os.path.exists("/tmp/full")


def test_one_that_makes_files_without_end_fails(run):
    answer = run("for i in range(10 ** 6):\n    open(f'/tmp/many-{i}', 'w').close()\nreturn 'done'")
    assert answer["result"] is None and answer["error"]
    assert not os.path.exists("/tmp/many-0")


def test_one_that_opens_files_without_end_fails(run):
    answer = run("import os\nx = []\nwhile True:\n    x.append(os.dup(0))")
    assert answer["result"] is None and answer["error"]


def test_one_that_forks_without_end_fails(run):
    answer = run("import os\nwhile True:\n    os.fork()")
    assert answer["result"] is None and answer["error"]


def test_one_that_starts_programs_fails(run):
    for body in ("import subprocess\nreturn subprocess.run(['/bin/sleep', '100']).returncode", "import os\nreturn os.execv('/bin/sh', ['sh'])"):
        answer = run(body)
        assert answer["result"] is None and answer["error"]


def test_one_that_starts_threads_without_end_fails(run):
    answer = run("import threading, time\nwhile True:\n    threading.Thread(target=time.sleep, args=(1000,), daemon=True).start()")
    assert answer["result"] is None and answer["error"]


# ---- broken ----


def test_one_that_recurses_fails(run):
    assert run("def f(n):\n    return f(n + 1)\nreturn f(0)")["error"].startswith("RecursionError")


def test_one_that_recurses_past_every_limit_fails(run):
    answer = run("import sys\nsys.setrecursionlimit(10 ** 9)\ndef f(n):\n    return [f(n + 1)]\nreturn f(0)")
    assert answer["result"] is None and answer["error"]


@pytest.mark.parametrize(
    "body",
    ["import os\nos._exit(0)", "import os\nos._exit(77)", "import sys\nsys.exit(3)", "raise SystemExit", "raise KeyboardInterrupt",
     "import os\nos.abort()", "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)", "import ctypes\nctypes.string_at(0)",
     "raise GeneratorExit", "import asyncio\nraise asyncio.CancelledError", "import asyncio\nasyncio.get_event_loop().stop()\nawait asyncio.sleep(1)"],
)  # fmt: skip
def test_one_that_ends_itself_fails(run, body):
    answer = run(body)
    assert answer["result"] is None and answer["error"]


@pytest.mark.parametrize(
    "deed",
    ["os.close(fd)", "os.write(fd, b'\\xff' * 65536)", "os.write(fd, b'[' * 200000)", "os.write(fd, b'\\0' * 7)",
     "os.write(fd, (2 ** 32 - 1).to_bytes(4, 'little') * 2)", "os.write(fd, (10).to_bytes(4, 'little') + bytes(4) + b'{\"t\":\"zz\"}')",
     "os.dup2(0, fd)"],
)  # fmt: skip
def test_one_that_tampers_with_its_socket_fails(run, deed):
    answer = run(f"import os, time\nfor fd in range(3, 64):\n    try:\n        {deed}\n    except OSError:\n        pass\ntime.sleep(0.5)\nreturn 'still here'")
    assert answer["error"] or answer["result"] == "still here"


def test_a_code_of_5_mb_is_answered_clearly(strict_server):
    code = "async def run(input_dict, tools):\n    return 1\n" + "# filler line\n" * 380_000
    assert len(code) > 5_000_000
    reply = strict_server.post(RUN, {"code": code, "inputDict": {}, "tools": {}})
    assert reply.status in (200, 413, 422)
    if reply.status == 200:
        assert reply.json["result"] == 1 or reply.json["error"]
    assert strict_server.healthy()


@pytest.mark.parametrize("code", ["", "\0", "x = '\\ud800'\n", "\ufeffasync def run(input_dict, tools):\n    return 1", "(" * 10_000, "-" * 100_000 + "1", "a." * 50_000 + "b", "run = 5", "class run: pass",
                                  "async def run(): return 1", "raise SystemExit", "import os; os._exit(1)", "while True: pass", "import nonesuch"])  # fmt: skip
def test_code_that_is_no_agent_fails_clearly(strict_server, code):
    reply = strict_server.post(RUN, {"code": code, "inputDict": {}, "tools": {}})
    assert reply.status in (200, 422), reply
    if reply.status == 200 and not code.startswith("\ufeff"):
        assert reply.json["result"] is None and reply.json["error"]
    assert strict_server.healthy()


# ---- clients that leave, and many at once ----


@pytest.mark.parametrize("path", [RUN, RUN + "/stream"])
def test_a_client_that_leaves_stops_its_run(strict_server, path):
    body = json.dumps({
        "code": "import asyncio\nasync def run(input_dict, tools):\n    for n in range(1000):\n        data_store.set('ticks', n)\n        await asyncio.sleep(0.05)",
        "inputDict": {}, "tools": {}, "friendlyName": "ticker",
    }).encode()  # fmt: skip
    connection = strict_server.connect()
    connection.send_request("POST", path, body)
    record = "/data-store/namespaces/default/records/ticks"
    wait_until(lambda: strict_server.get(record).status == 200, 10, "the run to begin")
    connection.close()

    def stands_still():
        ticks = strict_server.get(record).json["value"]
        time.sleep(0.5)
        return strict_server.get(record).json["value"] == ticks

    wait_until(stands_still, 10, "the run to stop")
    strict_server.delete("/data-store/namespaces/default")


def test_fifty_runs_at_once_do_not_mix(agent_server):
    answers = {}

    def one(number):
        code = "import asyncio\nasync def run(input_dict, tools):\n    print('number', input_dict['n'])\n    await asyncio.sleep(0.01)\n    return input_dict['n']"
        answers[number] = agent_server.post(RUN, {"code": code, "inputDict": {"n": number}, "tools": {}}).json

    threads = [threading.Thread(target=one, args=(number,)) for number in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for number in range(50):
        answer = answers[number]
        assert answer["result"] == number, answer
        assert [event["message"] for event in answer["trace"] if event["type"] == "stdout"] == [f"number {number}"]


def test_a_deployed_agent_that_fails_is_a_500_with_its_reason(strict_server):
    for name, body, said in [("raises", "raise ValueError('boom')", "boom"), ("exits", "import os\n    os._exit(1)", "")]:
        agent = {"name": name, "description": "d", "friendlyName": name, "code": f"async def run(input_dict, tools):\n    {body}"}
        made = strict_server.post("/agents", agent).json["_id"]
        assert strict_server.post(f"/agents/{made}/deploy").status == 201
        reply = strict_server.post(f"/rest/{name}", {})
        assert reply.status == 500
        assert reply.detail.startswith("Error executing agent: ") and said in reply.detail
        for malformed in (b"{nope", b"[]", b"null", b'"x"', b"1", b""):
            assert strict_server.post(f"/rest/{name}", body=malformed).status in (422, 500)
        assert strict_server.delete(f"/agents/{made}").status == 204
    assert strict_server.healthy()


@pytest.mark.parametrize("shape", ["[v]", "{'a': v}"])
def test_the_deepest_result_there_may_be_is_carried_everywhere(start_server, shape):
    """The stacks of connections are small."""
    deepest = "plugins.runtime-python.json_depth"
    stack = ["limits.stack_bytes=1048576"] if SCALE != 1 else []  # what sanitizers add does not count
    server = start_server(backend="memory", sets=[f"{deepest}=256", *stack], ready=True)
    code = f"""async def run(input_dict, tools):
    v = 1
    for _ in range(250):
        v = {shape}
    data_store.set('deep', v)
    assert data_store.get('deep') == v
    return v"""
    _, name = deploy(server, code)
    assert server.post(f"/rest/{name}", {}).status == 200
    said = {"model": f"gofannon/{name}", "messages": [{"role": "user", "content": "x"}]}
    assert server.post("/v1/chat/completions", said).status == 200
    assert server.get("/data-store/namespaces/default/records").status == 200
    assert server.get("/runs").status == 200
    refused = Server("memory", sets=[f"{deepest}=257"]).spawn()
    assert refused.process.wait(60) != 0 and f"{deepest}: is more than 256" in refused.log()
    refused.clean()
