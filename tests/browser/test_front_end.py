# SPDX-License-Identifier: Apache-2.0
"""A single-page front end beside the API, in a real browser: deep links, reloads, going back."""

import json

import pytest
from browser import CHROMEDRIVER, CHROMIUM
from ports import free_port
from support import logins

pytestmark = pytest.mark.skipif(not (CHROMIUM and CHROMEDRIVER),
                                reason="chromium and chromedriver are not installed; tests/run.sh --full does")
INDEX = """<!doctype html><title>front end</title><link rel="stylesheet" href="/assets/app-1.css">
<main></main><script type="module" src="/assets/app-1.js"></script>"""
APP = """
document.querySelector("main").textContent = location.pathname
window.agents = fetch("/agents").then((reply) => reply.json())
window.me = fetch("/auth/me").then((reply) => reply.json())
"""


@pytest.fixture
def url(start_server, tmp_path):
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text(INDEX)
    (tmp_path / "assets" / "app-1.js").write_text(APP)
    (tmp_path / "assets" / "app-1.css").write_text("main {color: rgb(1, 2, 3)}" + " " * 2000)
    (tmp_path / "favicon.ico").write_bytes(bytes(100))
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    start_server(port=port, env={"FRONTEND_URL": url},
                 sets=[logins(), "plugins.static-site.enabled=true", f"plugins.static-site.path={tmp_path}"])
    return url


def shown(browser):
    return browser.run("return [document.title, document.querySelector('main')?.textContent]")


def test_it_works_as_if_it_had_a_server_of_its_own(browser, url):
    browser.open(f"{url}/auth/login/dev_stub?return_to=/agents")
    browser.click("a[href*='code=alice&']")
    assert shown(browser) == ["front end", "/agents"]  # where the login came back to
    assert browser.run("return getComputedStyle(document.querySelector('main')).color") == "rgb(1, 2, 3)"
    assert browser.run("return window.me")["uid"] == "dev_stub:alice"
    assert browser.run("return window.agents") == []

    for path in ("/agent/42/runs/7", "/agents", "/chat", "/demos/9", "/"):
        browser.open(url + path)
        assert shown(browser) == ["front end", path]
        browser.run("location.reload()")
        assert shown(browser) == ["front end", path]
        assert browser.run("return fetch('/agents').then((reply) => reply.json())") == []
    # to an answer of the API, and back
    browser.open(f"{url}/health")
    assert json.loads(browser.run("return document.body.textContent"))["status"] == "healthy"
    browser.open(f"{url}/agents")
    assert shown(browser) == ["front end", "/agents"]
    assert browser.complaints() == []
