# SPDX-License-Identifier: Apache-2.0
"""The rules that hold for every call."""

import re

import pytest
from support import wait_until

ORIGIN = "http://localhost:3000"
METHODS = "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT"


# ---- errors ----


def test_an_unknown_route_is_404(sqlite_server):
    for path in ("/nope", "/agents/a/b/c", "/Agents", "/health/x", "/.", "/~"):
        reply = sqlite_server.get(path)
        assert (reply.status, reply.json) == (404, {"detail": "Not Found"})
        assert reply.header("Content-Type") == "application/json"


@pytest.mark.parametrize(
    "method, path, allow",
    [("DELETE", "/health", {"GET", "HEAD"}), ("PATCH", "/agents", {"GET", "HEAD", "POST"}),
     ("POST", "/agents/x", {"GET", "HEAD", "PUT", "DELETE"}), ("GET", "/log/client", {"POST"})],
)  # fmt: skip
def test_a_known_path_with_another_method_is_405(sqlite_server, method, path, allow):
    reply = sqlite_server.request(method, path)
    assert (reply.status, reply.json) == (405, {"detail": "Method Not Allowed"})
    assert {word.strip() for word in reply.header("Allow").split(",")} - {"OPTIONS"} == allow


def test_a_trailing_slash_is_redirected(sqlite_server):
    for path in ("/agents/", "/data-store/namespaces/", "/health/"):
        reply = sqlite_server.get(path)
        assert (reply.status, reply.body) == (307, b"")
        assert reply.header("Location").endswith(path.rstrip("/"))
    reply = sqlite_server.get("/agents/?limit=2&x=%2F")
    assert reply.status == 307 and reply.header("Location").endswith("/agents?limit=2&x=%2F")
    assert sqlite_server.get("/nowhere/").status == 404


def test_a_redirect_never_leads_to_another_host(sqlite_server):
    for path in ("//evil.example/", "//evil.example/agents/", "/\\evil.example/", "/%2Fevil.example/"):
        reply = sqlite_server.get(path)
        location = reply.header("Location") or ""
        assert not re.match(r"(//|/\\|https?://(?!127\.0\.0\.1))", location), (path, location)


def test_head_answers_like_get_without_a_body(sqlite_server):
    for path in ("/health", "/agents", "/openapi.json", "/agents/none", "/nowhere", "/docs"):
        with sqlite_server.connect() as connection:
            connection.send_request("GET", path)
            full = connection.read_reply()
            connection.send_request("HEAD", path)
            head = connection.read_reply("HEAD")
            assert head.status == full.status
            assert head.header("Content-Type") == full.header("Content-Type")
            assert head.header("Content-Length") in (None, str(len(full.body)))
            connection.send_request("GET", "/health")
            assert connection.read_reply().status == 200, "the body of a HEAD was sent"


def test_204_has_no_body_and_no_type(sqlite_server):
    agent = sqlite_server.post("/agents", {"name": "n", "description": "d", "code": "c"}).json
    reply = sqlite_server.delete(f"/agents/{agent['_id']}")
    assert (reply.status, reply.body, reply.header("Content-Type")) == (204, b"", None)


# ---- request ids ----


def test_a_request_id_is_echoed(sqlite_server):
    for path in ("/health", "/nowhere", "/agents/none"):
        reply = sqlite_server.get(path, headers={"X-Request-ID": "my-own.id_7"})
        assert reply.header("X-Request-ID") == "my-own.id_7"
    wait_until(lambda: "my-own.id_7" in sqlite_server.log(), 5, "the access log")


def test_a_request_id_is_made(sqlite_server):
    made = {sqlite_server.get("/health").header("X-Request-ID") for _ in range(20)}
    assert len(made) == 20 and all(re.fullmatch(r"[0-9a-zA-Z_-]{8,}", one) for one in made)


@pytest.mark.parametrize("bad", ["a b\tc", "x" * 10_000, "\x1b[31mred", "é", "a b"], ids=range(5))
def test_a_request_id_that_could_do_harm_is_replaced(sqlite_server, bad):
    reply = sqlite_server.get("/nowhere", headers={"X-Request-ID": bad})
    assert reply.header("X-Request-ID") != bad
    assert "\x1b[31mred" not in sqlite_server.log()


# ---- CORS ----


def test_every_answer_to_a_known_origin_says_so(sqlite_server):
    calls = [("GET", "/health"), ("GET", "/nowhere"), ("DELETE", "/health"), ("GET", "/agents/"), ("POST", "/agents"),
             ("DELETE", "/agents/none/undeploy"), ("GET", "/agents/none"), ("HEAD", "/health")]  # fmt: skip
    for method, path in calls:
        for origin in (ORIGIN, "http://127.0.0.1:3000"):
            reply = sqlite_server.request(method, path, headers={"Origin": origin})
            assert reply.header("Access-Control-Allow-Origin") == origin, (method, path, reply.headers)
            assert reply.header("Access-Control-Allow-Credentials") == "true"
            assert "Origin" in reply.header("Vary")


def exposed(reply):
    return (reply.header("Access-Control-Expose-Headers") or "").split(", ")


def test_a_page_may_read_the_headers_of_an_answer(sqlite_server):
    reply = sqlite_server.get("/openapi.json", headers={"Origin": ORIGIN})
    assert {"ETag", "X-Request-ID"} <= set(exposed(reply))
    for name in exposed(reply):
        assert reply.header(name) and not name.startswith("Access-Control"), name
    assert exposed(sqlite_server.get("/health")) == [""]
    assert exposed(sqlite_server.get("/health", headers={"Origin": "http://evil.example"})) == [""]


def test_an_event_stream_says_so_too(agent_server):
    body = b'{"code":"async def run(input_dict, tools):\\n    return 1","inputDict":{},"tools":{}}'
    with agent_server.connect() as connection:
        connection.send_request("POST", "/agents/run-code/stream", body, {"Origin": ORIGIN})
        head = connection.read_head()
        assert head.status == 200
        assert head.header("Content-Type") == "text/event-stream; charset=utf-8"
        assert head.header("Cache-Control") == "no-cache"
        assert head.header("X-Accel-Buffering") == "no"
        assert head.header("Access-Control-Allow-Origin") == ORIGIN
        assert "X-Einion-Run-Id" in exposed(head)
        list(connection.events(head))


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "http://localhost:3001", "https://localhost:3000", "null", "http://localhost:3000.evil.example"]
)
def test_an_unknown_origin_is_not_let_in(sqlite_server, origin):
    reply = sqlite_server.get("/health", headers={"Origin": origin})
    assert reply.header("Access-Control-Allow-Origin") is None
    reply = sqlite_server.request(
        "OPTIONS", "/agents", headers={"Origin": origin, "Access-Control-Request-Method": "POST"}
    )
    assert (reply.status, reply.text) == (400, "Disallowed CORS origin")


@pytest.mark.parametrize("path", ["/agents", "/agents/some/deploy", "/rest/x"])
def test_a_preflight_is_answered(sqlite_server, path):
    reply = sqlite_server.request(
        "OPTIONS", path,
        headers={"Origin": ORIGIN, "Access-Control-Request-Method": "POST",
                 "Access-Control-Request-Headers": "content-type,x-admin-password"},
    )  # fmt: skip
    assert (reply.status, reply.text) == (200, "OK")
    assert reply.header("Content-Type").startswith("text/plain")
    assert reply.header("Access-Control-Allow-Origin") == ORIGIN
    assert reply.header("Access-Control-Allow-Credentials") == "true"
    assert reply.header("Access-Control-Allow-Methods") == METHODS
    assert reply.header("Access-Control-Allow-Headers").lower() == "content-type,x-admin-password"
    assert int(reply.header("Access-Control-Max-Age")) >= 600


def test_the_origins_come_from_frontend_url(start_server):
    server = start_server(backend="memory", env={"FRONTEND_URL": "https://a.example,https://b.example:8443"})
    for origin, known in [("https://a.example", True), ("https://b.example:8443", True), (ORIGIN, False)]:
        reply = server.get("/health", headers={"Origin": origin})
        assert (reply.header("Access-Control-Allow-Origin") == origin) is known


# ---- revisions ----


def test_a_stale_revision_changes_nothing(server):
    agent = server.post("/agents", {"name": "n", "description": "d", "code": "c"})
    url, first = f"/agents/{agent.json['_id']}", agent.json["_rev"]
    reply = server.get(url)
    assert reply.header("ETag") == f'"{first}"'

    second = server.put(url, {"name": "two"}, headers={"If-Match": f'"{first}"'})
    assert second.status == 200 and second.json["_rev"] != first
    assert server.put(url, {"name": "three"}, headers={"If-Match": f'"{first}"'}).status == 412
    assert server.put(url, {"name": "three", "_rev": first}).status == 409
    assert server.delete(url, headers={"If-Match": f'"{first}"'}).status == 412
    assert server.get(url).json["name"] == "two"
    assert server.get(url, headers={"If-None-Match": f'"{second.json["_rev"]}"'}).status == 304
    assert server.delete(url, headers={"If-Match": f'"{second.json["_rev"]}"'}).status == 204


def test_a_list_is_whole_or_in_pages(server):
    made = [server.post("/agents", {"name": f"p{i}", "description": "d", "code": "c"}).json["_id"] for i in range(7)]
    whole = [agent["_id"] for agent in server.get("/agents").json]
    assert [one for one in whole if one in made] == made

    paged, path = [], "/agents?limit=3"
    while path:
        reply = server.get(path)
        assert len(reply.json) <= 3
        paged += [agent["_id"] for agent in reply.json]
        link = re.fullmatch(r'<([^>]+)>; rel="next"', reply.header("Link") or "")
        path = re.sub(r"^https?://[^/]+", "", link[1]) if link else None
    assert paged == whole
    for one in made:
        server.delete(f"/agents/{one}")


@pytest.mark.parametrize("query", ["limit=x", "limit=-1", "limit=0", "limit=1e3", "cursor=nonsense", "cursor=", "limit=3&cursor=%F0%9F%98%80"])
def test_a_wrong_page_is_refused_or_whole_but_no_server_error(server, query):
    assert server.get(f"/agents?{query}").status in (200, 400, 422)


# ---- what the server says of itself ----


def test_the_document_describes_every_route(sqlite_server):
    document = sqlite_server.get("/openapi.json").json
    assert document["openapi"].startswith("3.1")
    assert {"/health", "/agents", "/agents/{agent_id}", "/rest/{friendly_name}"} <= set(document["paths"])
    ids = [op["operationId"] for methods in document["paths"].values() for op in methods.values() if "operationId" in op]
    assert len(ids) == len(set(ids)) > 20
    for path, methods in document["paths"].items():
        named = set(re.findall(r"\{(\w+)", path))
        for operation in methods.values():
            listed = {one["name"] for one in operation.get("parameters", []) if one["in"] == "path"}
            assert listed == named, path


def test_the_document_tells_what_errors_look_like(sqlite_server):
    """Below /v1 and at /mcp they are those of other APIs; a sentence where no schema says what is wrong."""
    paths = sqlite_server.get("/openapi.json").json["paths"]
    for path, method, wrong in (("/agents/{agent_id}", "get", None), ("/v1/messages", "post", {}), ("/v1/models/{model}", "get", None),
                                ("/mcp", "delete", None), ("/mcp", "post", {}), ("/users/me/usage", "post", {})):  # fmt: skip
        replies = paths[path][method]["responses"]
        reply = sqlite_server.request(method.upper(), re.sub(r"\{\w+\}", "none", path), wrong)
        assert 400 <= reply.status < 500, reply
        schema = replies.get(str(reply.status), replies["default"])["content"][reply.header("Content-Type")]["schema"]
        if schema.get("properties"):
            assert set(schema["required"]) <= set(reply.json) and "detail" not in reply.json, (path, reply)
            assert set(schema["properties"]["error"]["required"]) <= set(reply.json["error"]), (path, reply)
        else:
            assert schema == {"$ref": "#/components/schemas/Error"} or "anyOf" in schema, path
            assert "detail" in reply.json
    assert all("default" in operation["responses"] for methods in paths.values() for operation in methods.values())
    for path, method, other in (("/v1/chat/completions", "post", "text/event-stream"), ("/mcp", "post", "text/event-stream"),
                                ("/users/me/usage", "get", "text/csv")):  # fmt: skip
        assert list(paths[path][method]["responses"]["200"]["content"]) == ["application/json", other]


def test_the_documentation_needs_no_other_host(sqlite_server):
    page = sqlite_server.get("/docs")
    assert page.status == 200 and page.header("Content-Type").startswith("text/html")
    assert not re.findall(r"""(?:src|href)=["']?(?:https?:)?//""", page.text)


def test_metrics_count_requests(sqlite_server):
    def total():
        text = sqlite_server.get("/metrics").text
        return sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if re.match(r"\w*requests\w*total", line))

    before = total()
    for _ in range(5):
        sqlite_server.get("/health")
    assert total() >= before + 5


def test_readiness_names_what_is_not_well(sqlite_server):
    reply = sqlite_server.get("/readyz")
    assert reply.status in (200, 503)
    assert sqlite_server.get("/livez").status == 200


# ---- nobody else's browser ----


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8000", "127.0.0.1.evil.example", ""])
def test_a_name_that_leads_here_by_trickery_is_refused(sqlite_server, host):
    """DNS rebinding: a page of evil.example, resolved to 127.0.0.1, is not local-dev-user."""
    reply = sqlite_server.get("/agents", headers={"Host": host})
    assert reply.status in (400, 401, 403, 421), reply


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "localhost:8000", "[::1]:8000"])
def test_the_local_names_are_served(sqlite_server, host):
    assert sqlite_server.get("/agents", headers={"Host": host}).status == 200


def test_secrets_are_not_logged(sqlite_server):
    secret = "sk-proj-Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4MTIzNDU2"
    body = {"eventType": "e", "message": f"the key is {secret}", "level": "ERROR", "metadata": {"authorization": f"Bearer {secret}"}}
    assert sqlite_server.post("/log/client", body).status == 202
    sqlite_server.get(f"/agents/none?api_key={secret}", headers={"Authorization": f"Bearer {secret}", "Cookie": f"gofannon_sid={secret}"})
    wait_until(lambda: "the key is" in sqlite_server.log(), 5, "the client's line")
    assert secret not in sqlite_server.log()
