# SPDX-License-Identifier: Apache-2.0
import pathlib
import sys

TESTS = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(TESTS / "http"), str(TESTS / "support"), str(TESTS / "mcp")]

import pytest  # noqa: E402
from fixtures import *  # noqa: E402, F401, F403
from vendor import Vendor  # noqa: E402
from world import MODEL, World  # noqa: E402


@pytest.fixture(scope="session")
def composer_world():
    """Everything that is outside: a vendor of models, an MCP server, an HTTP API."""
    with Vendor() as vendor:
        yield World(vendor)


@pytest.fixture
def world(composer_world):
    composer_world.reset()
    return composer_world


@pytest.fixture(scope="session")
def composer_server(composer_world):
    from support import Server

    env = {"ANTHROPIC_API_KEY": "sk-ant-secret", "ANTHROPIC_BASE_URL": composer_world.vendor.url}
    sets = ["plugins.models.retry_base_ms=1", "plugins.composer.prompt_bytes=100000", "plugins.composer.proof_ms=10000",
            "egress.allow=[127.0.0.1]", "egress.ports=[]", "plugins.users.settle_ms=10"]  # fmt: skip
    with Server("sqlite", env=env, sets=sets) as server:
        yield server.start(ready=True)


@pytest.fixture
def composer(composer_server):
    yield composer_server
    composer_server.check()


@pytest.fixture
def compose(composer):
    """compose(description=..., ...): the reply."""

    def call(headers=(), **fields):
        body = {"tools": {}, "description": "Returns what it is given.", "inputSchema": {"inputText": "string"},
                "outputSchema": {"outputText": "string"},
                "modelConfig": {"provider": "anthropic", "model": MODEL, "parameters": {}}}  # fmt: skip
        return composer.post("/agents/generate-code", body | fields, headers=headers)

    return call
