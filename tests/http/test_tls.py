# SPDX-License-Identifier: Apache-2.0
"""What agents fetch over TLS: authorities, names and dates are checked, whatever the agent asks for."""

import pytest
from certificates import authority, certificate, serve
from support import Server

FETCH = "async def run(input_dict, tools):\n    return (await http_client.get(input_dict['url'])).text"


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A server that trusts the authority `ours`, and upstreams by name."""
    folder = tmp_path_factory.mktemp("tls")
    authority(folder, "ours")
    authority(folder, "foreign")
    upstreams = {
        "good": serve(certificate(folder, "good", "ours")),
        "foreign": serve(certificate(folder, "unknown", "foreign")),
        "expired": serve(certificate(folder, "expired", "ours", days=-1)),
    }
    with Server("memory", sets=["egress.allow=[localhost, 127.0.0.1]", f"egress.ca_file={folder / 'ours.pem'}"]) as server:
        yield server.start(ready=True), upstreams
    for upstream in upstreams.values():
        upstream.shutdown()


def fetch(world, upstream, host="localhost", code=FETCH):
    server, upstreams = world
    url = f"https://{host}:{upstreams[upstream].server_port}/"
    return server.post("/agents/run-code", {"code": code, "inputDict": {"url": url}, "tools": {}}).json


def test_a_server_of_the_trusted_authority_is_reached(world):
    assert fetch(world, "good")["result"] == "secret"


def test_it_is_reached_over_connections_that_are_resumed(world):
    """The upstream closes each connection; the next one goes on with its session."""
    code = FETCH.replace("    ", "    for i in range(4): await http_client.get(input_dict['url'])\n    ", 1)
    for _ in range(3):
        assert fetch(world, "good", code=code)["result"] == "secret"


@pytest.mark.parametrize("upstream, host", [("foreign", "localhost"), ("expired", "localhost"), ("good", "127.0.0.1")])
def test_others_are_not(world, upstream, host):
    answer = fetch(world, upstream, host)
    assert answer["result"] is None
    assert answer["error"].startswith("ConnectError: ") and "certificate" in answer["error"].lower()


def test_an_agent_cannot_switch_it_off(world):
    code = FETCH.replace("http_client.get", "httpx.AsyncClient(verify=False).get")
    assert fetch(world, "foreign", code=code)["result"] is None
