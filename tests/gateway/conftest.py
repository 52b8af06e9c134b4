# SPDX-License-Identifier: Apache-2.0
import pathlib
import subprocess

import pytest
from fixtures import *  # noqa: F401, F403
from support import Server, logins
from scripted import scripted_sets
from upstreams import the_upstream, upstream  # noqa: F401

TESTS = pathlib.Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def scripted_plugin(tmp_path_factory):
    """The file of a completion/1 that does what a message tells it; see http/plugins/scripted.c."""
    built = tmp_path_factory.mktemp("plugin") / "scripted.so"
    subprocess.run(["cc", "-fPIC", "-shared", "-fvisibility=hidden", f"-I{TESTS.parent}/plugin-api/include",
                    "-o", built, TESTS / "http" / "plugins" / "scripted.c", "-ljansson"], check=True)  # fmt: skip
    return built


@pytest.fixture(scope="session")
def gateway_server(scripted_plugin, tmp_path_factory):
    heard = tmp_path_factory.mktemp("gateway") / "heard"
    with Server("memory", sets=[*scripted_sets(scripted_plugin), f"plugins.scripted.file={heard}"]) as server:
        server.heard = heard
        yield server.start()


@pytest.fixture
def gateway(gateway_server):
    """Without logins; the models do what they are told."""
    yield gateway_server
    gateway_server.check()


@pytest.fixture(scope="session")
def locked_server(scripted_plugin):
    """The same with logins."""
    with Server("memory", sets=[*scripted_sets(scripted_plugin), logins()]) as server:
        yield server.start(ready=True)

