# SPDX-License-Identifier: Apache-2.0
"""Deployed agents as models of "gofannon"."""

import pytest
from house import config
from support import Person, logins, wait_until
from vendor import Vendor, whole

CODE = "async def run(input_dict, tools):\n    return input_dict"


def deploy(person, name, **more):
    agent = person.post("/agents", {"name": name, "description": f"does {name}", "code": CODE, "friendlyName": name,
                                    "inputSchema": {"inputText": "string", "count": "integer"}, **more}).json  # fmt: skip
    assert person.post(f"/agents/{agent['_id']}/deploy").status == 201
    return agent["_id"]


@pytest.fixture
def server(start_server):
    return start_server(config=config(["ollama"], plugins=["agents", "deployments"]))


def test_they_appear_once_something_is_deployed(server):
    before = server.get("/providers")
    assert list(before.json) == ["ollama"] and server.get("/providers/gofannon").status == 404
    id = deploy(server, "summarize")
    entry = {"id": id, "description": "does summarize", "parameters": {
        "inputText": {"type": "string", "description": "inputText", "default": ""},
        "count": {"type": "integer", "description": "count", "default": ""},
    }}  # fmt: skip
    after = server.get("/providers")
    assert list(after.json) == ["ollama", "gofannon"]
    assert after.json["gofannon"] == {"models": {"summarize": entry}}
    assert after.header("ETag") != before.header("ETag")
    assert server.get("/providers", headers={"If-None-Match": after.header("ETag")}).status == 304
    assert server.get("/providers/gofannon").json == {"models": {"summarize": entry}}
    assert server.get("/providers/gofannon/models").json == ["summarize"]
    assert server.get("/providers/gofannon/models/summarize").json == entry
    assert server.get("/providers/gofannon/models/other").detail == "Model not found"

    server.delete(f"/agents/{id}/undeploy")
    gone = server.get("/providers")
    assert (gone.body, gone.header("ETag")) == (before.body, before.header("ETag"))


def test_they_stand_before_somebodys_own_servers(start_server):
    with Vendor() as upstream:
        upstream.answer("/models", whole("small\n"))
        server = start_server(config=config(["ollama", "house"], {"house": upstream.url},
                                            plugins=["agents", "deployments"]))  # fmt: skip
        wait_until(lambda: "house" in server.get("/providers").json, 5, "the list")
        deploy(server, "summarize")
        assert list(server.get("/providers").json) == ["ollama", "gofannon", "house"]


def test_each_sees_their_own(start_server):
    server = start_server(config=config([], plugins=["auth-session", "agents", "deployments"]), sets=[logins()])
    alice, bob = Person(server).login("alice"), Person(server).login("carol")
    deploy(alice, "mine")
    deploy(bob, "yours")
    assert alice.get("/providers/gofannon/models").json == ["mine"]
    assert bob.get("/providers/gofannon/models").json == ["yours"]
    assert list(bob.get("/providers").json["gofannon"]["models"]) == ["yours"]
