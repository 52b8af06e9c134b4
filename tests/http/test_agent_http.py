# SPDX-License-Identifier: Apache-2.0
"""Agents ask the web through the server: bodies stream both ways, in pieces, with no more in memory than is on its
way."""

import concurrent.futures
import pathlib
import subprocess
import sys

import pytest
from agents import body, run_code
from support import EINION
from vendor import CUT, STALL, Gate, stream, whole

MEGABYTE = 1 << 20
UPSTREAM = pathlib.Path(__file__).parents[1] / "support" / "upstream.py"


@pytest.fixture(scope="module")
def upstream():
    """The URL of a server that tells what it was sent."""
    process = subprocess.Popen([sys.executable, UPSTREAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    yield f"http://127.0.0.1:{int(process.stdout.readline())}"
    process.communicate()


ALLOW = "egress.allow=[127.0.0.1, localhost]"


@pytest.fixture(scope="module")
def server(start_module):
    return start_module(sets=[ALLOW], ready=True)


@pytest.fixture(scope="module")
def narrow(start_module):
    """Where little is allowed."""
    limits = {"http_body_kb": 1024, "http_window_kb": 64, "http_timeout_ms": 4000, "http_in_flight": 2}
    return start_module(sets=[ALLOW] + [f"plugins.runtime-python.{name}={value}" for name, value in limits.items()], ready=True)


def run(server, url, text, **fields):
    code = f"URL = {url!r}\nimport httpx\n" + body(text)
    return run_code(server, code, **fields)


def result(server, url, text, **fields):
    answer = run(server, url, text, **fields)
    assert answer["error"] is None, answer
    return answer["result"]


def gated(vendor):
    """A reply whose second piece comes when /go was asked."""
    gate = Gate()

    def go(_):
        gate.open()
        return whole("went")

    vendor.answer("/pieces", stream("first", gate, "second")).answer("/go", go)


# ---- replies


STREAMS = {
    "async": """
async with http_client.stream('GET', URL + '/pieces') as r:
    seen = []
    async for piece in r.aiter_raw():
        seen.append(piece.decode())
        if len(seen) == 1:
            await http_client.get(URL + '/go')
return seen""",
    "sync": """
with httpx.stream('GET', URL + '/pieces') as r:
    seen = []
    for piece in r.iter_raw():
        seen.append(piece.decode())
        if len(seen) == 1:
            httpx.get(URL + '/go')
return seen""",
    "thread": """
def work():
    with httpx.stream('GET', URL + '/pieces') as r:
        pieces = (piece.decode() for piece in r.iter_raw())
        first = next(pieces)
        httpx.get(URL + '/go')
        return [first, *pieces]
return await asyncio.to_thread(work)""",
    "mixed": """
async with http_client.stream('GET', URL + '/pieces') as r:
    pieces = r.aiter_raw()
    first = await pieces.__anext__()
    httpx.get(URL + '/go')
    return [piece.decode() for piece in [first] + [piece async for piece in pieces]]""",
}


@pytest.mark.parametrize("text", STREAMS.values(), ids=list(STREAMS))
def test_a_reply_is_there_while_it_still_comes(server, vendor, text):
    gated(vendor)
    assert result(server, vendor.url, text) == ["first", "second"]


def test_events_are_read_as_they_come(server, vendor):
    gate = Gate()

    def go(_):
        gate.open()
        return whole("went")

    vendor.answer("/events", stream("data: 1\n\n", gate, "data: 2\n\n", kind="text/event-stream")).answer("/go", go)
    text = """
lines = []
async with http_client.stream('GET', URL + '/events') as r:
    async for line in r.aiter_lines():
        if line.strip():
            lines.append(line.strip())
            if len(lines) == 1:
                await http_client.get(URL + '/go')
return lines"""
    assert result(server, vendor.url, text) == ["data: 1", "data: 2"]


def peak_kb(server):
    """The most that the server has had in memory; a sanitizer keeps what was freed."""
    if b"__asan_init" in EINION.read_bytes() or b"__tsan_init" in EINION.read_bytes():
        return 0
    status = pathlib.Path(f"/proc/{server.process.pid}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0])


DOWNLOADS = {
    "async": "async with http_client.stream('GET', URL + '/big?n=%d') as r:\n    async for piece in r.aiter_bytes():\n        n += len(piece)",
    "sync": "with httpx.stream('GET', URL + '/big?n=%d') as r:\n    for piece in r.iter_bytes():\n        n += len(piece)",
}


@pytest.mark.parametrize("text", DOWNLOADS.values(), ids=list(DOWNLOADS))
@pytest.mark.parametrize("hide", ["", "&hide=1"])
def test_a_large_reply_comes_in_pieces(server, upstream, text, hide):
    size = 100 * MEGABYTE
    before = peak_kb(server)
    text = text.replace("%d", f"{size}{hide}")
    assert result(server, upstream, f"n = 0\n{text}\nreturn [n, r.headers.get('content-length')]") == [size, None if hide else str(size)]
    assert peak_kb(server) - before < 20 * 1024


def test_a_whole_reply_may_be_large_too(server, upstream):
    assert result(server, upstream, f"return len((await http_client.get(URL + '/big?n={30 * MEGABYTE}')).content)") == 30 * MEGABYTE


def test_a_short_reply_is_whole(server, vendor):
    vendor.answer("/a", whole({"a": 1}, compress=True))
    text = "r = await http_client.get(URL + '/a')\nreturn [r.json(), 'content-encoding' in r.headers]"
    assert result(server, vendor.url, text) == [{"a": 1}, False]


def test_what_head_says_of_the_length_is_kept(server, upstream):
    assert result(server, upstream, "r = await http_client.head(URL + '/hello')\nreturn [r.status_code, r.headers['content-length'], r.text]") == [200, "5", ""]


# ---- requests


UPLOADS = {
    "bytes": "r = await http_client.post(URL, content=b'ab' * (size // 2))",
    "async generator": """
async def pieces():
    for _ in range(size >> 18):
        yield b'ab' * (1 << 17)
r = await http_client.post(URL, content=pieces())""",
    "sync generator": "r = httpx.post(URL, content=(b'ab' * (1 << 17) for _ in range(size >> 18)))",
    "small pieces": """
async def pieces():
    for _ in range(size >> 12):
        yield b'ab' * (1 << 11)
r = await http_client.put(URL, content=pieces())""",
    "sync bytes": "r = httpx.put(URL, content=b'ab' * (size // 2))",
    "thread": "r = await asyncio.to_thread(httpx.put, URL, content=b'ab' * (size // 2))",
}


@pytest.mark.parametrize("text", UPLOADS.values(), ids=list(UPLOADS))
def test_a_large_request_goes_in_pieces(server, upstream, text):
    before = peak_kb(server)
    size = 30 * MEGABYTE
    told = result(server, upstream + "/echo", f"size = {size}\n{text.strip()}\nreturn r.json()")
    assert (told["length"], told["sum"]) == (size, size // 2 * (ord("a") + ord("b")))
    names = [name for name, _ in told["headers"]]
    assert ("transfer-encoding" in names) is ("pieces" in text or "for _" in text)
    assert ("content-length" in names) is ("transfer-encoding" not in names)
    assert peak_kb(server) - before < 20 * 1024


def test_files_go_as_forms_do(server, upstream):
    text = "r = await http_client.post(URL, files={'file': ('a.bin', b'x' * 5_000_000)}, data={'b': 'c'})\nreturn r.json()"
    told = result(server, upstream + "/echo", text)
    assert told["length"] > 5_000_000 and "multipart/form-data" in dict(told["headers"])["content-type"]


def test_a_server_that_answers_before_it_has_read_all_is_heard(server, upstream):
    text = "r = await http_client.post(URL + '/echo?refuse=1', content=b'x' * 20_000_000)\nreturn r.status_code"
    assert result(server, upstream, text) == 417


def test_an_upload_that_fails_in_the_agent_leaves_the_server(server, vendor):
    text = """
async def pieces():
    yield b'x' * 1_000_000
    raise KeyError('mine')
await http_client.post(URL, content=pieces())"""
    assert run(server, vendor.url, text)["error"] == "KeyError: 'mine'"
    assert vendor.requests == []


def test_a_body_that_is_not_as_long_as_it_says_leaves_nothing_on_the_connection(server, vendor):
    """The rest of it would be a request of its own, whose answer the next user of the connection is given."""
    text = """
import remote_http
async def all_of_it(pieces):
    return [piece async for piece in pieces], True
remote_http._begin_of = all_of_it
async def pieces():
    yield b'12345GET /planted HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n'
return (await http_client.post(URL, content=pieces(), headers={'Content-Length': length})).text"""
    vendor.answer("*", whole("what was asked for")).answer("/planted", whole("what was planted"))
    for length in ("5", "5000"):
        assert "not as long as its Content-Length" in run(server, vendor.url, f"length = {length!r}\n{text.strip()}")["error"]
        assert result(server, vendor.url, "return (await http_client.get(URL)).text") == "what was asked for"
    assert "/planted" not in [request.path for request in vendor.requests]


# ---- many at once


def test_many_at_once_do_not_wait_for_each_other(server, vendor):
    """All sixteen that may be asked at a time are open before one of them goes on."""
    gates = [Gate() for _ in range(16)]
    vendor.answer("/many/*", *[stream("a", gate, "b") for gate in gates], stream("a", "b"))
    opened = []

    def go(_):
        opened.append([gate.reached.is_set() for gate in gates])
        for gate in gates:
            gate.open()
        return whole("went")

    vendor.answer("/go", go)
    text = """
count = [0]
ready = asyncio.Event()
async def one(n):
    async with http_client.stream('GET', URL + f'/many/{n}') as r:
        pieces = r.aiter_text()
        first = await pieces.__anext__()
        count[0] += 1
        if count[0] == 15:
            ready.set()
        return first + ''.join([piece async for piece in pieces])
tasks = [asyncio.ensure_future(one(n)) for n in range(15)]
await ready.wait()
await http_client.get(URL + '/go')
return await asyncio.gather(*tasks)"""
    assert result(server, vendor.url, text) == ["ab"] * 15
    assert opened[0][:15] == [True] * 15


def test_downloads_uploads_and_other_calls_at_the_same_time(server, upstream):
    """Neither side stops listening because it has much to say."""
    text = """
big = 'x' * 1_000_000
async def down():
    return len((await http_client.get(URL + '/big?n=2000000')).content)
async def up():
    return (await http_client.post(URL + '/echo', content=b'x' * 2_000_000)).json()['length']
def keep(n):
    data_store.set(f'big{n}', big)
    return len(data_store.get(f'big{n}'))
async def both(n):
    keep(n)
    return await asyncio.gather(down(), up(), asyncio.to_thread(keep, n))
sizes = await asyncio.gather(*[both(n) for n in range(12)])
return all(size == [2_000_000, 2_000_000, 1_000_000] for size in sizes)"""
    assert result(server, upstream, text) is True


def test_threads_ask_while_the_loop_waits_for_them(server, upstream):
    text = """
from concurrent.futures import ThreadPoolExecutor
def one(n):
    data_store.get('k')
    with httpx.Client() as client:
        return len(client.get(URL + '/big?n=300000').content)
with ThreadPoolExecutor(8) as pool:
    return sum(pool.map(one, range(40)))"""
    assert result(server, upstream, text) == 40 * 300000


def test_more_uploads_than_may_be_open_wait_for_their_turn(narrow, upstream):
    text = """
async def up(n):
    return (await http_client.post(URL + '/echo', content=b'x' * 200_000)).json()['length']
return sum(await asyncio.gather(*[up(n) for n in range(100)]))"""
    assert result(narrow, upstream, text) == 100 * 200_000


# ---- the end of it


LEAVES = {
    "early": "async with http_client.stream('GET', URL + '/a') as r:\n    async for piece in r.aiter_raw():\n        break\nreturn 'left'",
    "sync": "with httpx.stream('GET', URL + '/a') as r:\n    next(r.iter_raw())\nreturn 'left'",
    "cancelled": "try:\n    await asyncio.wait_for(http_client.get(URL + '/a', timeout=60), 2)\nexcept asyncio.TimeoutError:\n    return 'left'",
    "forgotten": "keep = await http_client.send(http_client.build_request('GET', URL + '/a'), stream=True)\nreturn 'left'",
}


@pytest.mark.parametrize("text", LEAVES.values(), ids=list(LEAVES))
def test_a_reply_that_nobody_wants_any_more_is_left(server, vendor, text):
    vendor.answer("/a", stream("some", STALL))
    assert result(server, vendor.url, text) == "left"
    vendor.wait_left()


def test_a_task_that_is_cancelled_in_the_middle_leaves(server, vendor):
    vendor.answer("/a", stream("some", STALL))
    text = """
began = asyncio.Event()
async def read():
    async with http_client.stream('GET', URL + '/a', timeout=60) as r:
        async for piece in r.aiter_raw():
            began.set()
task = asyncio.ensure_future(read())
await began.wait()
task.cancel()
try:
    await task
except asyncio.CancelledError:
    pass
await http_client.get(URL + '/left')
return 'went on'"""
    vendor.answer("/left", lambda _: whole("yes"))
    assert result(server, vendor.url, text) == "went on"
    vendor.wait_left()


FAULTS = {
    "nothing more comes": (stream("some", STALL), ", timeout=2", "ReadTimeout: 127.0.0.1: nothing more came within 2001 ms"),
    "it breaks off": (stream("some", CUT), "", "ReadError: 127.0.0.1:"),
    "nobody answers": (None, "", "ConnectError: 127.0.0.1:"),
}  # fmt: skip


@pytest.mark.parametrize("reply,more,error", FAULTS.values(), ids=list(FAULTS))
@pytest.mark.parametrize("ask", ["await http_client.get", "httpx.get"])
def test_what_goes_wrong_is_an_error_of_httpx(server, vendor, ask, reply, more, error):
    url = vendor.url if reply else "http://127.0.0.1:1"
    if reply:
        vendor.answer("/a", reply)
    assert (run(server, url, f"{ask}(URL + '/a'{more})")["error"] or "").startswith(error)
    assert result(server, url, f"try:\n    {ask}(URL + '/a'{more})\nexcept httpx.TransportError as e:\n    return e.request.method") == "GET"


def test_the_first_of_a_reply_is_read_before_its_fault(server, vendor):
    vendor.answer("/a", stream("some", CUT))
    text = """
seen = []
try:
    async with http_client.stream('GET', URL + '/a') as r:
        async for piece in r.aiter_text():
            seen.append(piece)
except httpx.ReadError:
    return seen"""
    assert result(server, vendor.url, text) == ["some"]


# ---- limits


@pytest.mark.parametrize("ask", ["await http_client.get", "httpx.get"])
@pytest.mark.parametrize("hide", ["", "&hide=1"])
def test_a_reply_has_a_limit(narrow, upstream, ask, hide):
    error = run(narrow, upstream, f"r = {ask}(URL + '/big?n={2 * MEGABYTE}{hide}')\nreturn len(r.content)")["error"]
    assert error == f"ReadError: 127.0.0.1: the reply is longer than {MEGABYTE} bytes"


def test_a_request_has_a_limit(narrow, upstream):
    error = run(narrow, upstream, f"await http_client.post(URL + '/echo', content=b'x' * {2 * MEGABYTE})")["error"]
    assert error == f"ReadError: The request's body is longer than {MEGABYTE} bytes."


SLOW = {
    "reads": "async with http_client.stream('GET', URL + '/big?n=1000000', timeout=60) as r:\n    import time\n    pieces = r.aiter_raw()\n    await pieces.__anext__()\n    await asyncio.sleep(6)\n    return [len(piece) async for piece in pieces]",
    "sends": "async def pieces():\n    yield b'x' * 100_000\n    await asyncio.sleep(6)\n    yield b'x'\nawait http_client.post(URL + '/echo', content=pieces(), timeout=60)",
}


def test_an_agent_that_is_slow_ends_its_request_only(narrow, upstream):
    with concurrent.futures.ThreadPoolExecutor(len(SLOW)) as pool:
        answers = pool.map(lambda text: run(narrow, upstream, text), SLOW.values())
    late = "ReadTimeout: The agent did not send or take all of the body within 4000 ms."
    assert {name: answer["error"] for name, answer in zip(SLOW, answers)} == dict.fromkeys(SLOW, late)


# ---- where it may go


def test_each_hop_is_held_to_what_is_declared(server, upstream):
    elsewhere = upstream.replace("127.0.0.1", "localhost")
    text = f"return (await http_client.get(URL + '/to?url={elsewhere}/hello')).text"
    assert run(server, upstream, text, allowedHosts=["127.0.0.1"])["error"] == (
        "PermissionError: The agent does not declare the host 'localhost': add it to its allowedHosts.")  # fmt: skip
    assert result(server, upstream, text, allowedHosts=["127.0.0.1", "localhost"]) == "hello"
