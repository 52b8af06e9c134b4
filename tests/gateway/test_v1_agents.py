# SPDX-License-Identifier: Apache-2.0
"""A deployed agent is a model of every client."""

from scripted import chat, events, lines, messages

ECHO = "async def run(input_dict, tools):\n    return {'outputText': 'heard ' + input_dict['inputText']}\n"
SAID = [{"role": "user", "content": "hello"}]


def test_agents_are_models(start_server):
    server = start_server(backend="memory", ready=True)
    agent = {"name": "parrot", "description": "says it again", "code": ECHO, "friendlyName": "parrot"}
    made = server.post("/agents", agent)
    assert made.status in (200, 201), made
    assert server.post(f"/agents/{made.json['_id']}/deploy").status == 201
    assert "gofannon/parrot" in [model["id"] for model in server.get("/v1/models").json["data"]]
    assert server.get("/v1/models/gofannon/parrot").json["owned_by"] == "gofannon"
    reply = chat(server, SAID, model="gofannon/parrot")
    assert reply.status == 200, reply
    assert reply.json["choices"][0]["message"]["content"] == "heard hello" and reply.json["model"] == "gofannon/parrot"
    assert any("heard hello" in line for line in lines(chat(server, SAID, model="gofannon/parrot", stream=True)))
    assert events(messages(server, SAID, model="gofannon/parrot", stream=True))[-1][0] == "message_stop"
    reply = chat(server, SAID, model="gofannon/none")
    assert reply.status == 404 and reply.json["error"]["code"] == "model_not_found"


def test_one_is_looked_up_alone_and_all_together_however_many_there_are(start_server):
    server = start_server(backend="memory", ready=True)

    def deploy(name):
        agent = server.post("/agents", {"name": name, "description": "d", "code": ECHO, "friendlyName": name}).json
        assert server.post(f"/agents/{agent['_id']}/deploy").status == 201

    paths = ("/v1/models/gofannon/parrot", "/v1/models", "/providers", "/deployments")
    deploy("parrot")
    alone = [server.store_operations(path) for path in paths]
    for i in range(5):
        deploy(f"other{i}")
    assert [server.store_operations(path) for path in paths] == alone
    assert len([model for model in server.get("/v1/models").json["data"] if model["owned_by"] == "gofannon"]) == 6
