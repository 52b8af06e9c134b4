# SPDX-License-Identifier: Apache-2.0
import contextlib
import json

import pytest
from caller import Caller
from endpoint import Person
from fixtures import start_server, time_limit  # noqa: F401
from people import SETS
from servers import NodeServer
from support import Server, wait_until
from vendor import Vendor


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

    def get(egress={}, **settings):
        key = repr((egress, sorted(settings.items())))
        if key not in callers:
            callers[key] = Caller(settings, egress)
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


# ---- the other way round: einion is the server ----------------------------------------------


@contextlib.contextmanager
def mcp_servers():
    """start(whole_tools=10, ...): a server whose /mcp has these settings, and Alice there."""

    def start(server=(), **settings):
        settings = {"watch_ms": 20, **settings}
        sets = [*SETS, *server, f"plugins.mcp-server={json.dumps(settings)}", "plugins.auth-api-key.enabled=true"]
        started = stack.enter_context(Server("memory", sets=sets)).start(ready=True)
        return started, Person(started, "header:alice")

    with contextlib.ExitStack() as stack:
        yield start


@pytest.fixture(scope="session")
def the_mcp_server():
    with mcp_servers() as start:
        yield start(whole_tools=1000, authorization_servers=["https://id.example.org"])[0]


@pytest.fixture
def mcp_server(the_mcp_server):
    yield the_mcp_server
    the_mcp_server.check()


@pytest.fixture
def alice(mcp_server):
    return Person(mcp_server, "header:alice")


@pytest.fixture
def bob(mcp_server):
    return Person(mcp_server, "header:bob")


@pytest.fixture
def start_own():
    with mcp_servers() as start:
        yield start


@pytest.fixture
def many(start_own):
    """many(**settings): likewise, with twenty agents."""

    def start(**settings):
        server, person = start_own(**settings)
        for number in range(19):
            person.deploy(friendlyName=f"agent{number}", description=f"Number {number} of many")
        person.deploy("async def run(input_dict, tools):\n    return {'sum': input_dict['a'] + input_dict['b']}\n",
                      friendlyName="adder", description="Makes sums of two numbers", inputSchema={"a": "integer", "b": "integer"},
                      outputSchema={"sum": "integer"})  # fmt: skip
        return server, person

    return start


@pytest.fixture
def wait():
    return lambda condition: wait_until(condition, 20, "what a test waits for")
