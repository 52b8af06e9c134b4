# SPDX-License-Identifier: Apache-2.0
"""Every way in which agents use httpx ends at the server, with Debian's httpx and with the current one."""

import pathlib
import subprocess

import pytest
from driver import Driver, agents_see, body, failure, outcome

HERE = pathlib.Path(__file__).resolve().parent
ECHO = "http://public.test/echo"


def current():
    """A virtual environment with httpx as its makers publish it."""
    folder = agents_see(HERE.parents[1] / "build") / "pip"
    done = subprocess.run([HERE.parent / "support" / "pip.sh", folder, "httpx"], capture_output=True, text=True)
    if done.returncode != 0:
        pytest.skip(f"pip cannot install httpx: {done.stderr.strip()[-200:]}")
    return {"venv": str(folder / "httpx")}


@pytest.fixture(scope="module", params=["Debian's", "current"])
def driver(request):
    with Driver(settings=current() if request.param == "current" else {}) as driver:
        version = outcome(driver.run(body("return httpx.__version__")))
        assert request.param != "current" or version >= "0.28"
        yield driver


FORMS = {
    "http_client": "r = await http_client.get(URL)",
    "get": "r = httpx.get(URL)",
    "post": "r = httpx.post(URL, json={'a': 1}, headers={'X-A': 'b'}, params={'q': 1})",
    "a client": "async with httpx.AsyncClient(timeout=5) as c:\n    r = await c.get(URL)",
    "a sync client": "with httpx.Client(verify=False, base_url='http://public.test') as c:\n    r = c.get('/echo')",
    "a transport": "c = httpx.AsyncClient(transport=httpx.AsyncHTTPTransport(retries=3), limits=httpx.Limits(max_connections=20),\n    timeout=httpx.Timeout(connect=15.0, read=60.0, write=60.0, pool=60.0))\nr = await c.get(URL)",
    "mounts": "c = httpx.Client(mounts={'http://': httpx.HTTPTransport()})\nr = c.get(URL)",
    "a redirect": "r = await http_client.get('http://public.test/redirect')",
    "a thread": "r = await asyncio.to_thread(httpx.get, URL)",
    "a stream": "async with http_client.stream('GET', URL) as r:\n    await r.aread()",
    "a sync stream": "with httpx.stream('GET', URL) as r:\n    r.read()",
    "sent": "r = await http_client.send(http_client.build_request('GET', URL), stream=True)\nawait r.aread()\nawait r.aclose()",
    "a loop of its own": "def work():\n    async def get():\n        async with httpx.AsyncClient() as c:\n            return await c.get(URL)\n    return asyncio.run(get())\nr = await asyncio.to_thread(work)",
    "a loop of its own that is waited for": "from concurrent.futures import ThreadPoolExecutor\ndef work(n):\n    async def get():\n        async with httpx.AsyncClient() as c:\n            return (await asyncio.gather(c.get(URL), c.get(URL)))[1]\n    return asyncio.run(get())\nwith ThreadPoolExecutor(3) as pool:\n    r = list(pool.map(work, range(6)))[5]",
    "hooks": "async def hook(response):\n    await response.aread()\nasync with httpx.AsyncClient(event_hooks={'response': [hook]}) as c:\n    r = await c.get(URL)",
    "auth": "r = httpx.get(URL, auth=('a', 'b'))",
    "cookies": "with httpx.Client(cookies={'a': 'b'}) as c:\n    r = c.get(URL)",
    "a request": "r = httpx.request('PATCH', URL, content=b'x')",
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_every_form_asks_through_the_server(driver, form):
    answer = outcome(driver.run(f"URL = {ECHO!r}\n" + body(FORMS[form] + "\nreturn [r.status_code, r.json()['path'][:5]]")))
    assert answer == [200, "/echo"]


@pytest.mark.parametrize("form", ["http_client", "get", "a client", "a sync client", "a transport", "mounts", "a stream", "auth"])
def test_no_form_reaches_what_is_not_public(driver, form):
    text = FORMS[form].replace("http://public.test", "http://127.0.0.1")
    error = failure(driver.run("URL = 'http://127.0.0.1/echo'\n" + body(text)))
    assert error == "ConnectError: the address is not public"


@pytest.mark.parametrize("text", [
    "r = await http_client.post(URL, content=b'x' * 3_000_000)", "r = httpx.post(URL, content=b'x' * 3_000_000)",
    "async def pieces():\n    for _ in range(30):\n        yield b'x' * 100_000\nr = await http_client.post(URL, content=pieces())",
    "r = httpx.post(URL, content=(b'x' * 100_000 for _ in range(30)))",
])  # fmt: skip
def test_large_bodies_go_in_pieces(driver, text):
    assert outcome(driver.run(f"URL = {ECHO!r}\n" + body(text + "\nreturn r.json()['body_len']"))) == 3_000_000
