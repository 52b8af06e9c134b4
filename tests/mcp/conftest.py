# SPDX-License-Identifier: Apache-2.0
import contextlib
import pathlib
import sys

import pytest

TESTS = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(TESTS / "http"), str(TESTS / "support")]

from caller import Caller  # noqa: E402
from fixtures import time_limit  # noqa: E402, F401
from servers import NodeServer  # noqa: E402
from vendor import Vendor  # noqa: E402


@pytest.fixture(scope="session")
def the_peer():
    with Vendor() as vendor:
        yield vendor


@pytest.fixture
def peer(the_peer):
    """An MCP server that knows no answer yet; see tests/support/vendor.py."""
    the_peer.forget()
    return the_peer


@pytest.fixture(scope="session")
def callers():
    made = {}
    yield made
    with contextlib.ExitStack() as stack:
        for caller in made.values():
            stack.callback(caller.end)


@pytest.fixture
def caller(callers):
    """caller(pages=3, ...): a server with the plugin and these settings, called as Caller has it."""
    lent = []

    def get(**settings):
        key = repr(sorted(settings.items()))
        if key not in callers:
            callers[key] = Caller(settings)
        lent.append(callers[key])
        return callers[key]

    yield get
    for one in lent:
        one.server.check()


@pytest.fixture(scope="session")
def node_servers():
    running = {}
    yield running
    for server in running.values():
        server.close()


@pytest.fixture
def node(node_servers):
    """node("everything"): the address of that server; see servers.py."""

    def start(name):
        if name not in node_servers:
            node_servers[name] = NodeServer(name)
        return node_servers[name]

    return start
