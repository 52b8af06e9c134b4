# SPDX-License-Identifier: Apache-2.0
import pytest
from fixtures import *  # noqa: F401, F403
from shell import Shell
from support import Person, Server, logins


@pytest.fixture(scope="session")
def guarded():
    """A server with a login."""
    with Server(sets=[logins()]) as server:
        yield server.start(ready=True)


@pytest.fixture(scope="session")
def key(guarded):
    scopes = ["agents:read", "agents:write", "agents:run", "deployments", "models"]
    reply = Person(guarded).login("alice").post("/users/me/keys", {"name": "shell", "scopes": scopes})
    assert reply.status == 201, reply
    return reply.json["key"]


@pytest.fixture
def stranger(tmp_path, guarded):
    return Shell(tmp_path, guarded)


@pytest.fixture
def alice(stranger, key):
    stranger.good("login", stranger.url, "--key-file", "-", text=key + "\n")
    return stranger


@pytest.fixture
def anybody(tmp_path, agent_server):
    """At a server without a login."""
    shell = Shell(tmp_path, agent_server)
    shell.good("login", shell.url)
    return shell
