# SPDX-License-Identifier: Apache-2.0
"""Somebody with a real browser logs in at a certified OpenID Connect provider."""

import json

import pytest
from browser import CHROMEDRIVER, CHROMIUM
from ports import free_port
from support import wait_until
from certified import CertifiedProvider

pytestmark = pytest.mark.skipif(not (CHROMIUM and CHROMEDRIVER),
                                reason="chromium and chromedriver are not installed; tests/run.sh --full does")


@pytest.fixture
def url(start_server):
    """A server that is its own front end, and the provider's client."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    provider = CertifiedProvider(url + "/auth/callback/oidc")
    config = {"issuer": provider.url, "client_id": "basic", "client_secret": "secret", "allowed_groups": ["engineering"]}
    auth = "auth=" + json.dumps({"providers": [{"type": "oidc", "config": config}]})
    start_server(port=port, sets=[auth], env={"FRONTEND_URL": url})
    yield url
    provider.close()


def submit(browser, prompt, **fields):
    """The provider's page for this prompt, filled in."""
    wait_until(lambda: browser.run("return document.querySelector('[name=prompt]')?.value") == prompt, 20, f"the {prompt} page")
    for name, value in fields.items():
        browser.run("document.querySelector(`[name=${arguments[0]}]`).value = arguments[1]", name, value)
    browser.click("[type=submit]")


def log_in(browser, url, who):
    browser.open(f"{url}/auth/login/oidc?return_to=/auth/me")
    submit(browser, "login", login=who, password="any")
    submit(browser, "consent")
    wait_until(lambda: browser.run("return location.href").startswith(url), 20, "the way back")


def test_in_through_the_provider_and_out_again(browser, url):
    log_in(browser, url, "alice")
    assert browser.run("return location.href") == f"{url}/auth/me"
    me = browser.json()
    assert (me["uid"], me["displayName"], len(me["workspaces"])) == ("oidc:alice", "ALICE", 2)
    assert browser.run("return document.cookie") == ""
    assert browser.run("return fetch('/auth/logout', {method: 'POST'}).then((reply) => reply.status)") == 204
    browser.open(f"{url}/auth/me")
    assert browser.json() == {"detail": "Not authenticated"}


def test_whoever_is_in_no_group_is_told(browser, url):
    log_in(browser, url, "bob")
    assert browser.run("return document.title") == "Login denied"
    assert "BOB (oidc:bob) is neither a member" in browser.run("return document.body.textContent")
