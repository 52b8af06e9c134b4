# SPDX-License-Identifier: Apache-2.0
"""Somebody with a real browser logs in through the picker, sees who they are, and logs out."""

import pytest
from browser import CHROMEDRIVER, CHROMIUM
from ports import free_port
from support import USERS, logins

pytestmark = pytest.mark.skipif(not (CHROMIUM and CHROMEDRIVER),
                                reason="chromium and chromedriver are not installed; tests/run.sh --full does")
NASTY = {"uid": "<img src=x onerror=document.title='owned'>", "workspaces": []}


@pytest.fixture
def url(start_server):
    """A server that is its own front end."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    start_server(port=port, sets=[logins([*USERS, NASTY])], env={"FRONTEND_URL": url})
    return url


def call(browser, method, path):
    script = ("const [method, path] = arguments; return fetch(path, {method})"
              ".then((reply) => reply.text().then((text) => [reply.status, text]))")  # fmt: skip
    return browser.run(script, method, path)


def log_in(browser, url, who, to="/auth/me"):
    browser.open(f"{url}/auth/login/dev_stub?return_to={to}")
    assert browser.run("return document.title") == "Who are you?"
    assert browser.run("return [...document.links].map((link) => link.textContent)")[:2] == ["alice", "carol"]
    browser.click(f"a[href*='code={who}&']")


def test_in_through_the_picker_and_out_again(browser, url):
    log_in(browser, url, "alice")
    assert browser.run("return location.href") == f"{url}/auth/me"
    me = browser.json()
    assert (me["uid"], me["displayName"]) == ("dev_stub:alice", "Alice Dev")
    assert browser.run("return document.cookie") == ""  # no script sees the session
    assert call(browser, "GET", "/agents")[0] == 200

    assert call(browser, "POST", "/auth/logout") == [204, ""]
    assert call(browser, "GET", "/auth/me") == [401, '{"detail":"Not authenticated"}']
    browser.open(f"{url}/auth/me")
    assert browser.json() == {"detail": "Not authenticated"}


def test_who_may_not_come_in_is_told(browser, url):
    log_in(browser, url, "bob")
    assert browser.run("return document.title") == "Login denied"
    assert "Bob Emeritus (dev_stub:bob) is neither a member" in browser.run("return document.body.textContent")
    assert [line for line in browser.complaints() if "Policy" in line] == []  # its style is the one that is allowed
    assert browser.run("return getComputedStyle(document.body).maxWidth") != "none"
    browser.open(f"{url}/auth/me")
    assert browser.json() == {"detail": "Not authenticated"}


def test_a_name_is_a_word(browser, url):
    browser.open(f"{url}/auth/login/dev_stub")
    assert browser.run("return [...document.links].at(-1).textContent") == NASTY["uid"]
    assert browser.run("return document.images.length") == 0
    browser.click("li:last-child a")
    assert browser.run("return document.title") == "Login denied"
    assert browser.run("return document.images.length") == 0


def test_a_page_of_another_origin_does_nothing_with_the_cookie(browser, url):
    """127.0.0.1 and localhost are two sites to a browser."""
    log_in(browser, url, "alice")
    browser.open(url.replace("127.0.0.1", "localhost") + "/docs")
    script = ("return fetch(arguments[0], {method: 'POST', mode: 'no-cors', credentials: 'include'})"
              ".then(() => 'sent', () => 'refused')")  # fmt: skip
    browser.run(script, f"{url}/auth/logout")
    browser.open(f"{url}/auth/me")
    assert browser.json()["uid"] == "dev_stub:alice"
