# SPDX-License-Identifier: Apache-2.0
"""Demos are kept: their fields, revisions, limits, owners."""

import uuid

import pytest
from demos import CODE, FIELDS, MODEL, api, body, make_demo
from people import Person
from people import room as people_room


def test_a_demo_is_kept_as_it_was_sent(server):
    apis = [api("a", inputSchema={"z": "string", "a": "json"}, outputSchema={"r": "list"}), api("b/ü ;,")]
    sent = body(selectedApis=apis, description="d", composerThoughts={"any": [1]}, generatedCode={**CODE, "thoughts": "hm"})
    made = make_demo(server, **sent)
    assert list(made) == FIELDS
    assert made["selectedApis"] == [apis[0], {**apis[1], "inputSchema": None, "outputSchema": None}]
    assert list(made["selectedApis"][0]["inputSchema"]) == ["z", "a"]
    assert made["generatedCode"] == {**CODE, "thoughts": "hm"} and made["composerThoughts"] == {"any": [1]}
    assert made["modelConfig"] == {**MODEL, "builtInTool": None} and made["created_at"] == made["updated_at"]

    reply = server.get(f"/demos/{made['_id']}")
    assert reply.json == made and reply.header("ETag") == f'"{made["_rev"]}"'
    assert made in server.get("/demos").json


def test_absent_fields_are_null(server):
    made = make_demo(server)
    assert made["description"] is None and made["composerThoughts"] is None
    assert made["generatedCode"] == {**CODE, "thoughts": None}


def test_a_put_replaces(server):
    made = make_demo(server, description="before", composerThoughts=1)
    reply = server.put(f"/demos/{made['_id']}", body(name="after", selectedApis=[]))
    assert reply.status == 200 and reply.json["_rev"] != made["_rev"]
    assert reply.json == {**made, "name": "after", "description": None, "composerThoughts": None, "selectedApis": [],
                          "_rev": reply.json["_rev"], "updated_at": reply.json["updated_at"]}  # fmt: skip
    assert reply.json["updated_at"] > made["updated_at"]


def test_a_put_to_an_unknown_id_makes_it(server):
    name = f"my demo/{uuid.uuid4().hex}"
    path = "/demos/" + name.replace(" ", "%20").replace("/", "%2F")
    reply = server.put(path, body())
    assert (reply.status, reply.json["_id"]) == (200, name)
    assert server.get(path).json == reply.json
    assert server.put(f"/demos/{uuid.uuid4().hex}", body(_rev="1-x")).status == 409
    assert server.put("/demos/" + "x" * 513, body()).detail == "A document's id has 1 to 512 bytes"


def test_who_is_late_is_told(server):
    made = make_demo(server)
    path = f"/demos/{made['_id']}"
    assert server.put(path, body(_rev=made["_rev"])).status == 200
    assert server.put(path, body(_rev=made["_rev"])).status == 409
    assert server.put(path, body(), headers={"If-Match": f'"{made["_rev"]}"'}).status == 412
    assert server.delete(path, headers={"If-Match": f'"{made["_rev"]}"'}).status == 412
    assert server.delete(path).status == 204
    reply = server.delete(path)
    assert (reply.status, reply.detail) == (404, f"Document '{made['_id']}' not found for deletion.")
    assert server.get(path).detail == f"Document '{made['_id']}' not found in 'demos'"


def test_the_list_is_in_order_and_in_pages(server):
    made = [make_demo(server)["_id"] for _ in range(3)]
    assert [demo["_id"] for demo in server.get("/demos").json if demo["_id"] in made] == made
    first = server.get("/demos?limit=1")
    assert len(first.json) == 1 and 'rel="next"' in first.header("Link")


FAULTS = [
    ({"name": 3}, ["body", "name"], "Input should be a valid string"),
    ({"selectedApis": "x"}, ["body", "selectedApis"], "Input should be a valid list"),
    ({"selectedApis": [{"agentId": "a", "description": "d"}]}, ["body", "selectedApis", 0, "friendlyName"], "Field required"),
    ({"generatedCode": {"html": "", "css": ""}}, ["body", "generatedCode", "js"], "Field required"),
    ({"generatedCode": None}, ["body", "generatedCode"], "Input should be a valid dictionary or object to extract fields from"),
]


@pytest.mark.parametrize("fields, loc, message", FAULTS)
def test_what_is_wrong_is_said(sqlite_server, fields, loc, message):
    reply = sqlite_server.post("/demos", body(**fields))
    assert reply.status == 422 and (reply.detail[0]["loc"], reply.detail[0]["msg"]) == (loc, message)


def test_parameters_that_exclude_each_other(sqlite_server):
    config = {"provider": "anthropic", "model": "claude-opus-4-6", "parameters": {"temperature": 0.5, "top_p": 0.5}}
    for method, path in (("POST", "/demos"), ("PUT", "/demos/x"), ("POST", "/demos/generate-code")):
        reply = sqlite_server.request(method, path, body(modelConfig=config))
        assert reply.status == 422 and reply.detail[0]["loc"] == ["body", "modelConfig"], reply
        assert "mutually exclusive for anthropic/claude-opus-4-6" in reply.detail[0]["msg"]


def test_limits(start_server):
    limits = {"code_max_bytes": 10, "apis_max": 1, "prompt_max_bytes": 5, "name_max_bytes": 8}
    server = start_server(sets=[f"plugins.demos.{name}={value}" for name, value in limits.items()])
    small = {"generatedCode": {"html": "12345", "css": "123", "js": "12"}, "userPrompt": "12345", "name": "12345678", "description": "12345"}
    made = make_demo(server, **small)
    for method, path in (("POST", "/demos"), ("PUT", f"/demos/{made['_id']}"), ("POST", "/demos/generate-code")):
        for fields, sentence in [
            ({"generatedCode": {"html": "12345", "css": "123", "js": "123"}}, "The code has 11 bytes; 10 is the most that a demo may have."),
            ({"selectedApis": [api("a"), api("b")]}, "2 APIs are selected; 1 is the most that a demo may have."),
            ({"userPrompt": "123456"}, "The prompt has 6 bytes; 5 is the most that it may have."),
            ({"name": "123456789"}, "The name has 9 bytes; 8 is the most that it may have."),
            ({"description": "123456"}, "The description has 6 bytes; 5 is the most that it may have."),
        ]:  # fmt: skip
            if "generate" in path and not {"selectedApis", "userPrompt"} & set(fields):
                continue
            reply = server.request(method, path, body(**{**small, **fields}))
            assert (reply.status, reply.detail) == (413, sentence), path
    assert server.get("/demos").json == [made]


# ---- owners ----


@pytest.fixture(scope="module")
def room(postgres):
    with people_room("sqlite", postgres) as server:
        yield server


def person(room, name, **roles):
    return Person(room, f"header:{name}-{uuid.uuid4().hex[:8]}", **roles)


def test_others_cannot_tell_my_demo_from_none(room):
    maker, stranger = person(room, "maker"), person(room, "stranger")
    demo, none = make_demo(maker), str(uuid.uuid4())
    for method, given in [("GET", None), ("DELETE", None)]:
        found = stranger.request(method, f"/demos/{demo['_id']}", given)
        absent = stranger.request(method, f"/demos/{none}", given)
        assert found.status == absent.status == 404
        assert found.body.replace(demo["_id"].encode(), none.encode()) == absent.body
    # Where nothing is, a PUT makes it; that one cannot is all that there is to see.
    assert stranger.put(f"/demos/{demo['_id']}", body()).status == 404
    assert stranger.get("/demos").json == []
    assert maker.get(f"/demos/{demo['_id']}").json == demo and maker.get("/demos").json == [demo]


def test_a_workspace_shares_its_demos(room):
    team = f"team-{uuid.uuid4().hex[:8]}"
    maker, member, admin = (person(room, name, **{team: role}) for name, role in
                            [("maker", "member"), ("member", "member"), ("admin", "admin")])  # fmt: skip
    stranger = person(room, "stranger")
    assert stranger.post("/demos", body(workspaceId=team)).status == 403
    demo = make_demo(maker, workspaceId=team)
    path = f"/demos/{demo['_id']}"
    assert demo["workspaceId"] == team and member.get(path).json == demo
    assert member.put(path, body()).status == 403 and member.delete(path).status == 403
    assert stranger.get(path).status == 404
    assert admin.put(path, body(name="changed")).json["workspaceId"] == team
    assert admin.put(path, body(workspaceId=None)).status == 403  # not the admin's to take
    assert member.get("/demos").json[0]["name"] == "changed"
    assert admin.delete(path).status == 204
