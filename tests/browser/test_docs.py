# SPDX-License-Identifier: Apache-2.0
"""/docs in a real browser: it lists every route, tries them, and asks nobody else."""

import json

import pytest
from browser import CHROMEDRIVER, CHROMIUM
from support import wait_until

pytestmark = pytest.mark.skipif(not (CHROMIUM and CHROMEDRIVER),
                                reason="chromium and chromedriver are not installed; tests/run.sh --full does")
SETTLED = "return document.querySelector('#routes section') !== null"


@pytest.fixture
def docs(browser, agent_server):
    browser.open(f"http://127.0.0.1:{agent_server.port}/docs")
    wait_until(lambda: browser.run(SETTLED), 20, "the page to list the routes")
    return browser


def try_route(browser, operation, body):
    """Opens a route, writes its body, sends it: the status line, and the reply's text."""
    route = f"details#{operation}"
    browser.click(f"{route} > summary")
    wait_until(lambda: browser.run(f"return document.querySelector('{route} form') !== null"), 10, "the form")
    browser.run(f"document.querySelector('{route} textarea.body').value = arguments[0]", body)
    browser.click(f"{route} button.send")
    status = f"return document.querySelector('{route} .status')?.textContent"
    wait_until(lambda: " in " in (browser.run(status) or ""), 20, "the reply")
    return browser.run(status), browser.run(f"return document.querySelector('{route} form pre[aria-label]').textContent")


def test_it_lists_every_route(docs, agent_server):
    paths = agent_server.get("/openapi.json").json["paths"]
    wanted = {(method.upper(), path) for path, item in paths.items() for method in item}
    listed = docs.run("return [...document.querySelectorAll('details.route > summary')]"
                      ".map((line) => [line.children[0].textContent, line.children[1].textContent])")
    assert {tuple(line) for line in listed} == wanted


def test_it_tries_a_route(docs):
    code = "async def run(input_dict, tools):\n    return input_dict['n'] * 2"
    status, text = try_route(docs, "run_code", json.dumps({"code": code, "inputDict": {"n": 21}, "tools": {}}))
    assert status.startswith("200") and json.loads(text)["result"] == 42


def test_it_shows_a_stream(docs):
    code = "async def run(input_dict, tools):\n    print('seen')"
    status, text = try_route(docs, "run_code_stream", json.dumps({"code": code, "inputDict": {}, "tools": {}}))
    assert status.startswith("200") and '"message":"seen"' in text and "event: done" in text


def test_it_shows_what_was_wrong(docs):
    status, text = try_route(docs, "create_agent", '{"name": 3}')
    assert status.startswith("422") and json.loads(text)["detail"][0]["loc"] == ["body", "name"]


def test_it_filters(docs):
    docs.run("const f = document.getElementById('filter'); f.value = 'post /rest/';"
             "f.dispatchEvent(new Event('input'))")
    shown = docs.run("return [...document.querySelectorAll('details.route:not([hidden]) .path')]"
                     ".filter((path) => path.offsetParent).map((path) => path.textContent)")
    assert shown == ["/rest/{friendly_name}"]


def test_its_policy_is_obeyed_and_complains_of_nothing(docs, agent_server):
    sources = docs.run("return performance.getEntriesByType('resource').map((entry) => entry.name)")
    assert all(source.startswith(f"http://127.0.0.1:{agent_server.port}/") for source in sources)
    assert [line for line in docs.complaints() if "422" not in line] == []
