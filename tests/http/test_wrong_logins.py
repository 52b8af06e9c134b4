# SPDX-License-Identifier: Apache-2.0
"""Wrong credentials from one address are slowed down, and then refused; right ones go on."""

import pytest
from support import Person, logins

RIGHT, WRONG = {"X-Naughty": "right"}, {"X-Naughty": "guess"}


@pytest.fixture
def server(start_server, naughty_plugin, tmp_path):
    return start_server(backend="memory", sets=[
        logins(), f"plugins.naughty.plugin={naughty_plugin}", f"plugins.naughty.file={tmp_path}/says.json",
        "http.wrong_logins_per_minute=20", "http.wrong_login_delay_ms=10", "http.trusted_proxies=[127.0.0.1]",
        "plugins.auth-dev-stub.anybody_on_the_network_may_log_in_as_anybody=true"])  # fmt: skip


def test_after_so_many_wrong_ones_429(server):
    alice = Person(server).login("alice")
    for _ in range(20):
        reply = server.get("/agents", headers=WRONG)
        assert (reply.status, reply.detail) == (401, "wrong credential")
    for path in ("/agents", "/auth/me"):
        reply = server.get(path, headers=WRONG)
        assert (reply.status, reply.detail) == (429, "Too many wrong logins from your address; wait a minute.")
        assert 1 <= int(reply.header("Retry-After")) <= 61
    # who proves who they are is not meant
    assert server.get("/agents", headers=RIGHT).status == 200
    assert alice.get("/agents").status == 200
    assert Person(server).login("carol").get("/auth/me").status == 200
    # nor is who has nothing to prove it with
    assert server.get("/agents").status == 401
    assert server.get("/health").status == 200


def test_a_wrong_one_is_slow_from_half_of_it_on(server):
    """No clock is asked: the metric of the route says how long its requests took."""
    for _ in range(20):
        server.get("/deployments", headers=WRONG)
    text = server.get("/metrics").text
    slow = [line for line in text.splitlines() if "deployments" in line and 'le="0.01"' in line]
    assert slow and int(float(slow[0].split()[-1])) <= 10, slow


def test_each_address_is_counted_for_itself(server):
    """Behind a proxy that is trusted the address is the client's, and only that."""
    def ask(address):
        return server.get("/agents", headers={**WRONG, "X-Forwarded-For": f"6.6.6.6, {address}"}).status

    assert [ask("192.0.2.1") for _ in range(21)] == [401] * 20 + [429]
    assert ask("192.0.2.2") == 401
    assert [ask(f"2001:db8::{i}") for i in range(21)] == [401] * 20 + [429]
    assert ask("2001:db8:1::1") == 401


def test_an_expired_session_is_no_guess(server):
    stale = {"Cookie": "gofannon_sid=" + "A" * 43}
    assert {server.get("/agents", headers=stale).status for _ in range(50)} == {401}
