# SPDX-License-Identifier: Apache-2.0
"""/sessions: which model a session asks."""

from urllib.parse import quote

import pytest

CONFIG = {"provider": "openai", "model": "gpt-4.1", "parameters": {"temperature": 0.5}}


def test_a_config_is_kept_replaced_and_forgotten(server):
    reply = server.post("/sessions/s1/config", CONFIG)
    assert (reply.status, reply.body) == (200, b'{"message":"Configuration updated","session_id":"s1"}')
    reply = server.get("/sessions/s1/config")
    assert list(reply.json.items()) == [*CONFIG.items(), ("built_in_tool", None)]

    server.post("/sessions/s1/config", {"provider": "ollama", "model": "llama2", "parameters": {}, "builtInTool": "web"})
    assert server.get("/sessions/s1/config").json == {"provider": "ollama", "model": "llama2", "parameters": {}, "built_in_tool": "web"}

    reply = server.delete("/sessions/s1")
    assert (reply.status, reply.json) == (200, {"message": "Session deleted"})
    reply = server.get("/sessions/s1/config")
    assert (reply.status, reply.json) == (404, {"detail": "Document 's1' not found in 'sessions'"})
    reply = server.delete("/sessions/s1")
    assert (reply.status, reply.json) == (404, {"detail": "Document 's1' not found for deletion."})


def test_both_spellings_of_a_field_are_taken(server):
    server.post("/sessions/s2/config", {**CONFIG, "built_in_tool": "snake"})
    assert server.get("/sessions/s2/config").json["built_in_tool"] == "snake"
    server.delete("/sessions/s2")


def test_parameters_keep_their_order_and_their_nesting(server):
    parameters = {"z": 1, "a": {"y": [1, None, {"x": "é"}], "b": False}, "m": 1e-7}
    server.post("/sessions/s3/config", {**CONFIG, "parameters": parameters})
    kept = server.get("/sessions/s3/config").json["parameters"]
    assert kept == parameters and list(kept) == list(parameters)
    server.delete("/sessions/s3")


def test_parameters_that_exclude_each_other_are_refused(server):
    body = {"provider": "anthropic", "model": "claude-opus-4-6", "parameters": {"temperature": 1, "top_p": 0.5}}
    reply = server.post("/sessions/s4/config", body)
    assert reply.status == 422
    assert reply.detail == [{
        "type": "value_error",
        "loc": ["body"],
        "msg": "Value error, Parameters 'temperature' and 'top_p' are mutually exclusive for anthropic/claude-opus-4-6.",
        "input": body,
        "ctx": {"error": {}},
    }]  # fmt: skip
    assert server.get("/sessions/s4/config").status == 404
    body["parameters"]["top_p"] = None
    assert server.post("/sessions/s4/config", body).status == 200
    server.delete("/sessions/s4")


def test_every_wrong_field_is_named(server):
    reply = server.post("/sessions/s5/config", {"model": 7, "parameters": []})
    assert reply.status == 422
    assert [(fault["type"], fault["loc"]) for fault in reply.detail] == [
        ("missing", ["body", "provider"]), ("string_type", ["body", "model"]), ("dict_type", ["body", "parameters"])]  # fmt: skip


@pytest.mark.parametrize("name", ["a/b", "a b", "é", "..", "a:b", "%", "0:x", "'"])
def test_an_id_may_be_any_text(server, name):
    path = "/sessions/" + quote(name, safe="").replace("..", "%2E%2E")
    assert server.post(path + "/config", CONFIG).json["session_id"] == name
    assert server.get(path + "/config").json["model"] == "gpt-4.1"
    assert server.delete(path).status == 200
    assert server.get(path + "/config").detail == f"Document '{name}' not found in 'sessions'"


def test_an_id_that_is_too_long_is_refused(server):
    assert server.post(f"/sessions/{'x' * 480}/config", CONFIG).status == 200
    assert server.delete(f"/sessions/{'x' * 480}").status == 200
    for method, path in (("POST", "/config"), ("GET", "/config"), ("DELETE", "")):
        reply = server.request(method, f"/sessions/{'x' * 600}{path}", CONFIG if method == "POST" else None)
        assert reply.status == 422 and "too long" in reply.detail


def test_a_stale_revision_is_not_deleted(server):
    server.post("/sessions/s6/config", CONFIG)
    first = server.get("/sessions/s6/config").header("ETag")
    assert server.get("/sessions/s6/config", headers={"If-None-Match": first}).status == 304
    server.post("/sessions/s6/config", CONFIG)
    assert server.delete("/sessions/s6", headers={"If-Match": first}).status == 412
    second = server.get("/sessions/s6/config").header("ETag")
    assert second != first
    assert server.delete("/sessions/s6", headers={"If-Match": second}).status == 200


def test_sessions_outlive_the_server(start_server):
    server = start_server()
    server.post("/sessions/kept/config", CONFIG)
    assert server.stop() == 0
    server.start()
    assert server.get("/sessions/kept/config").json["parameters"] == {"temperature": 0.5}
