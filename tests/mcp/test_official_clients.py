# SPDX-License-Identifier: Apache-2.0
"""The official SDK's clients, of both eras, with agents as tools."""

import json
import pathlib
import subprocess

import pytest
from endpoint import CODE
from node_tools import modules

OFFICIAL = pathlib.Path(__file__).resolve().parent / "official.mjs"
PACKAGES = {"1": "mcp-sdk", "2-legacy": "mcp-client", "2-modern": "mcp-client"}


@pytest.mark.parametrize("which", list(PACKAGES))
def test_an_official_client(alice, wait, which):
    key = alice.post("/users/me/keys", {"name": which, "scopes": ["deployments:run"]}).json["key"]
    echo = alice.deploy(description="Says it again", inputSchema={"inputText": "string"}, outputSchema={"outputText": "string"})
    failing = alice.deploy(CODE.format("raise ValueError('no luck')"))
    forever = alice.deploy(CODE.format("print('it runs')\n    await asyncio.sleep(600)"))
    headers = json.dumps({"Authorization": f"Bearer {key}"})
    url = f"http://127.0.0.1:{alice.server.port}/mcp"
    client = subprocess.Popen(["node", OFFICIAL, modules(PACKAGES[which]), which, url, headers, echo, failing, forever],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)  # fmt: skip
    try:
        line = client.stderr.readline()
        assert line == "cancelled\n", line + client.stderr.read()
        alice.deploy()
        out, errors = client.communicate(timeout=300)
        assert client.returncode == 0, errors
    finally:
        client.kill()
        client.wait()
    seen = json.loads(out)
    assert seen["server"] == "einion" and seen["session"] == (which != "2-modern")
    assert seen["tool"]["description"] == "Says it again"
    assert seen["tool"]["inputSchema"]["properties"] == {"inputText": {"type": "string"}}
    assert seen["echo"]["structuredContent"] == {"outputText": "hello"} and not seen["echo"]["isError"]
    assert seen["progress"] == [f"{echo} begins", f"{echo} has ended: success"]
    assert seen["failing"]["isError"] and seen["failing"]["content"][0]["text"].endswith("ValueError: no luck")
    assert "nobody-has-this" in seen["unknown"] and seen["cancelled"] and seen["changes"] >= 1

    def stopped():
        runs = [run for run in alice.get("/runs?limit=9").json if run["agentName"] == forever]
        return runs and runs[0]["status"] == "stopped"

    assert wait(stopped)
