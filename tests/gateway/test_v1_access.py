# SPDX-License-Identifier: Apache-2.0
"""/v1 with logins: who is let in, what they see, and how those are told who are not."""

import pytest
from people import Bearer
from support import Person
from scripted import ECHO, chat, echo, messages, said, text

ANTHROPIC = {"anthropic-version": "2023-06-01"}


@pytest.fixture
def alice(locked_server):
    yield Person(locked_server).login("alice")
    locked_server.check()


def key_of(person, *scopes):
    reply = person.post("/users/me/keys", {"name": "k", "scopes": list(scopes)})
    assert reply.status == 201, reply
    return reply.json["key"], reply.json["_id"]


def test_a_key_pays_as_its_owner(alice):
    key, key_id = key_of(alice, "models")
    call = echo(chat(alice.server, [ECHO], headers={"Authorization": f"Bearer {key}", "X-Request-ID": "r-9"}))
    assert call["user"] == "dev_stub:alice" and call["key"] == key_id and call["request_id"] == "r-9"
    assert echo(messages(alice.server, [ECHO], headers={"x-api-key": key}))["key"] == key_id
    assert "key" not in echo(chat(alice, [ECHO]))  # a browser's


def test_who_has_no_key(alice):
    for headers in ({}, {"Authorization": "Bearer sk-1234"}, {"x-api-key": "sk-ant"}):
        reply = chat(alice.server, [ECHO], headers=headers)
        assert reply.status == 401 and reply.header("WWW-Authenticate")
        error = reply.json["error"]
        assert error["code"] == "invalid_api_key" and "no API key of einion" in error["message"]
        assert messages(alice.server, [ECHO], headers=headers).json["error"]["type"] == "authentication_error"


def test_who_has_a_wrong_key(alice):
    key, key_id = key_of(alice, "models")
    assert alice.delete(f"/users/me/keys/{key_id}").status == 204
    for wrong, words in ((key, "revoked"), (key[:-1], "not known")):
        reply = chat(alice.server, [ECHO], headers={"Authorization": f"Bearer {wrong}"})
        assert reply.status == 401 and words in reply.json["error"]["message"]
        reply = messages(alice.server, [ECHO], headers={"x-api-key": wrong})
        assert reply.status == 401 and words in reply.json["error"]["message"]


def test_scopes(alice):
    key, _ = key_of(alice, "models:read", "agents")
    reply = chat(alice.server, [ECHO], headers={"Authorization": f"Bearer {key}"})
    assert reply.status == 403 and reply.json["error"]["type"] == "permission_error"
    assert messages(alice.server, [ECHO], headers={"x-api-key": key}).json["error"]["type"] == "permission_error"
    assert Bearer(alice.server, key).get("/v1/models").status == 200
    runner, _ = key_of(alice, "models:run")
    assert Bearer(alice.server, runner).get("/v1/models").status == 403


def test_agents_are_called_by_who_may_run_them(alice):
    for scopes, may in ((["models"], False), (["models", "deployments:read"], False), (["models", "deployments:run"], True),
                        (["models", "deployments"], True)):  # fmt: skip
        headers = {"Authorization": f"Bearer {key_of(alice, *scopes)[0]}"}
        for model in ("gofannon/x", "x"):
            visible = echo(chat(alice.server, [ECHO], headers=headers, model=model))["visible"]
            assert (visible != {"owner": {"$in": []}}) == may, (scopes, visible)
        assert "visible" not in echo(chat(alice.server, [ECHO], headers=headers))
    visible = echo(chat(alice, [ECHO], model="gofannon/x"))["visible"]
    assert visible["owner"]["$in"][0] == "dev_stub:alice"


def test_a_page_of_another_origin_is_told_so(alice):
    reply = chat(alice, [said(text("x"))], headers={"Origin": "https://evil.example"})
    assert reply.status == 403 and reply.json["error"]["type"] == "permission_error"


# ---- the models ----


def test_models(gateway):
    body = gateway.get("/v1/models").json
    assert body["object"] == "list"
    assert [model["id"] for model in body["data"]] == ["one/small", "one/large/v2", "gofannon/agent"]
    assert body["data"][0] == {"id": "one/small", "object": "model", "created": 0, "owned_by": "one", "context_window": 1000}


def test_one_model(gateway):
    small = {"id": "one/small", "object": "model", "created": 0, "owned_by": "one", "context_window": 1000}
    for path in ("one/small", "one%2Fsmall", "small"):
        assert gateway.get(f"/v1/models/{path}").json == small
    reply = gateway.get("/v1/models/one/none")
    assert reply.status == 404
    assert reply.json["error"] == {"message": "There is no model 'one/none'.", "type": "invalid_request_error",
                                   "param": "model", "code": "model_not_found"}  # fmt: skip


def test_models_for_anthropics_clients(gateway):
    body = gateway.get("/v1/models", headers=ANTHROPIC).json
    assert body["data"][0] == {"type": "model", "id": "one/small", "display_name": "one/small", "created_at": "1970-01-01T00:00:00Z"}
    assert body["data"][1]["display_name"] == "Large"
    assert (body["has_more"], body["first_id"], body["last_id"]) == (False, "one/small", "gofannon/agent")
    assert gateway.get("/v1/models/small", headers=ANTHROPIC).json == body["data"][0]
    reply = gateway.get("/v1/models/none", headers=ANTHROPIC)
    assert reply.status == 404 and reply.json["error"]["type"] == "not_found_error"


@pytest.mark.parametrize(
    ("query", "ids", "more"),
    [
        ("limit=2", ["one/small", "one/large/v2"], True),
        ("limit=2&after_id=one/small", ["one/large/v2", "gofannon/agent"], False),
        ("limit=1&before_id=gofannon/agent", ["one/large/v2"], True),
        ("after_id=gofannon/agent", [], False),
        ("after_id=unknown", [], False),
        ("before_id=unknown", [], False),
        ("limit=3", ["one/small", "one/large/v2", "gofannon/agent"], False),
        ("limit=x", ["one/small", "one/large/v2", "gofannon/agent"], False),
    ],
)
def test_pages_of_models(gateway, query, ids, more):
    body = gateway.get(f"/v1/models?{query}", headers=ANTHROPIC).json
    assert [model["id"] for model in body["data"]] == ids and body["has_more"] is more
    assert (body["first_id"], body["last_id"]) == ((ids[0], ids[-1]) if ids else (None, None))

