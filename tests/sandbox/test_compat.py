# SPDX-License-Identifier: Apache-2.0
"""What ordinary agents do works as they are used to, in every place."""

import pytest
from driver import Driver, body, failure, outcome

# name: (body, result); the body raises if it does not work
EVERYWHERE = {
    "json, re, asyncio and httpx are there": ("return [json.loads('[1]'), bool(re.match('a', 'a')), asyncio.iscoroutinefunction(call_llm), httpx.codes.OK]", [[1], True, True, 200]),
    "threads of asyncio": ("return await asyncio.to_thread(lambda: 5)", 5),
    "a thread that wakes the loop": ("import threading\ndone = asyncio.Event()\nthreading.Timer(0.01, asyncio.get_running_loop().call_soon_threadsafe, (done.set,)).start()\nreturn await asyncio.wait_for(done.wait(), 20)", True),
    "a signal's handler": ("import signal\nloop = asyncio.get_running_loop()\nloop.add_signal_handler(signal.SIGUSR1, print)\nreturn loop.remove_signal_handler(signal.SIGUSR1)", True),
    "a loop of its own in a thread": ("import asyncio as a\nreturn await asyncio.to_thread(lambda: a.run(a.sleep(0.001, 'slept')))", "slept"),
    "a pool of threads": ("from concurrent.futures import ThreadPoolExecutor\nwith ThreadPoolExecutor(4) as pool:\n    return list(pool.map(lambda n: n * n, range(8)))", [0, 1, 4, 9, 16, 25, 36, 49]),
    "gather with a semaphore": ("gate = asyncio.Semaphore(2)\nasync def one(n):\n    async with gate:\n        await asyncio.sleep(0.001)\n        return n\nreturn await asyncio.wait_for(asyncio.gather(*[one(n) for n in range(6)]), 5)", [0, 1, 2, 3, 4, 5]),
    "a timeout": ("try:\n    async with asyncio.timeout(0.01):\n        await asyncio.sleep(5)\nexcept TimeoutError:\n    return 'late'", "late"),
    "a zip in memory": ("import io, zipfile\nbuffer = io.BytesIO()\nwith zipfile.ZipFile(buffer, 'w', zipfile.ZIP_DEFLATED) as z:\n    z.writestr('a', 'b' * 100)\nreturn zipfile.ZipFile(buffer).read('a').decode() == 'b' * 100", True),
    "a database in memory": ("import sqlite3\nc = sqlite3.connect(':memory:')\nc.execute('create table t (a)')\nc.execute('insert into t values (7)')\nreturn c.execute('select a from t').fetchone()[0]", 7),
    "random numbers and ids": ("import random, secrets, uuid\nreturn [len(str(uuid.uuid4())), len(secrets.token_hex(8)), 0 <= random.random() < 1]", [36, 16, True]),
    "hashes": ("import hashlib, hmac\nreturn hashlib.sha256(b'a').hexdigest()[:6] + hmac.new(b'k', b'm', 'sha256').hexdigest()[:4]", "ca9781b600"),
    "a context for TLS": ("import ssl\nreturn ssl.create_default_context().check_hostname", True),
    "input() has nothing to read": ("try:\n    return input()\nexcept EOFError:\n    return 'end'", "end"),
    "what it may know of the machine": ("import os, platform, time\nreturn [os.cpu_count() > 0, os.getpid() > 0, time.time() > 0, bool(platform.system())]", [True] * 4),
    "its own source": ("import inspect\nreturn 'inspect.getsource' in inspect.getsource(run)", True),
    "dataclasses, enums and their pickles": ("import pickle\nreturn [pickle.loads(pickle.dumps(Point(1))).x, Colour.RED.value]", [1, "red"]),
    "top level names are seen in run": ("return helper() + GLOBAL", 8),
    "type hints": ("import typing\nreturn list(typing.get_type_hints(Point)) ", ["x"]),
    "the imports that saved agents begin with": ("from agent_factory.remote_mcp_client import RemoteMCPClient as R\nfrom services.llm_service import call_llm as c\nimport services.llm_service as m\nreturn [R is RemoteMCPClient, c is call_llm, m.count_tokens('abcd')]", [True, True, 1]),
    "an unknown model has a context window": ("return get_context_window('q', 'q')", 128000),
    "a known model has its own": ("return get_context_window('anthropic', 'claude-opus-4-6')", 200000),
    "tokens are estimated": ("return [count_tokens(''), 20 <= count_tokens('word ' * 20) <= 30, count_message_tokens([{'role': 'user', 'content': 'abcd'}])]", [0, True, 5]),
    "a logger": ("import logging\nlogging.getLogger('x').warning('hello %s', 1)\nreturn 'said'", "said"),
    "recursion to the usual depth": ("def f(n):\n    return 0 if n == 0 else 1 + f(n - 1)\nreturn f(800)", 800),
    "subprocesses fail clearly": ("import subprocess\ntry:\n    subprocess.run(['ls'])\nexcept OSError as error:\n    return type(error).__name__", "PermissionError"),
}  # fmt: skip

WITH_FILES = {
    "imports that are not loaded yet": ("import netrc, plistlib, sched, this\nreturn 'ok'", "ok"),
    "a C extension that is not loaded yet": ("import _codecs_tw\nreturn 'ok'", "ok"),
    "time zones": ("import datetime, zoneinfo\nreturn str(datetime.datetime(2024, 7, 1, tzinfo=zoneinfo.ZoneInfo('Europe/Paris')).utcoffset())", "2:00:00"),
}  # fmt: skip

WITH_TMP = {
    "a temporary file": ("import tempfile\nwith tempfile.NamedTemporaryFile('w+') as file:\n    file.write('x')\n    file.flush()\n    file.seek(0)\n    return file.read()", "x"),
    "a temporary folder": ("import pathlib, tempfile\nwith tempfile.TemporaryDirectory() as folder:\n    path = pathlib.Path(folder) / 'a.txt'\n    path.write_text('q')\n    path.rename(path.with_suffix('.b'))\n    return [one.name for one in pathlib.Path(folder).iterdir()]", ["a.b"]),
    "a database in a file": ("import sqlite3\nc = sqlite3.connect('/tmp/a.db')\nc.execute('create table t (a)')\nc.commit()\nreturn 'ok'", "ok"),
    "each run has its own /tmp": ("import os\nbefore = os.listdir('/tmp')\nopen('/tmp/mine', 'w').close()\nreturn before", []),
}  # fmt: skip

TOP = """
import dataclasses, enum
GLOBAL = 7
def helper():
    return 1
@dataclasses.dataclass
class Point:
    x: int = 0
class Colour(enum.Enum):
    RED = "red"
"""


@pytest.fixture(scope="module")
def driver(place):
    with Driver(settings={"isolation": place.level}, deny=place.deny, user=place.user) as driver:
        driver.place = place
        yield driver


def check(driver, text, wanted):
    assert outcome(driver.run(TOP + body(text), input={"q": 1})) == wanted


@pytest.mark.parametrize("name", EVERYWHERE)
def test_ordinary_code_runs(driver, name):
    check(driver, *EVERYWHERE[name])


@pytest.mark.parametrize("name", WITH_FILES)
def test_code_that_reads_the_library_runs(driver, name):
    if driver.place.level == "best-effort":
        assert failure(driver.run(TOP + body(WITH_FILES[name][0])))
    else:
        check(driver, *WITH_FILES[name])


@pytest.mark.parametrize("name", WITH_TMP)
def test_code_that_keeps_files_runs_where_there_is_a_tmp(driver, name):
    if driver.place.level == "strict":
        check(driver, *WITH_TMP[name])
        check(driver, *WITH_TMP[name])
    elif name != "each run has its own /tmp":
        assert failure(driver.run(TOP + body(WITH_TMP[name][0])))


def test_no_two_runs_draw_the_same_random_numbers(driver):
    text = body("import random\nreturn [random.random(), random.Random().random()]")
    drawn = [number for _ in range(4) for number in outcome(driver.run(text))]
    assert len(set(drawn)) == len(drawn)
