# SPDX-License-Identifier: Apache-2.0
"""Servers that break the rules, go away, lie, or never answer."""

import json
import threading

import pytest
from scripts import TOOL, Legacy, Modern, error, result, text
from vendor import CUT, RESET, STALL, Gate, Vendor, event, raw, sse, stream, whole


@pytest.fixture
def user(caller):
    """calls of a user whom no server knows yet."""
    call, who = caller(), caller().someone()
    return lambda *arguments, **more: call(*arguments, **{"user_id": who, **more})


@pytest.fixture
def modern(peer, caller):
    return Modern(peer, f"/{caller().someone()}")


@pytest.fixture
def legacy(peer, caller):
    return Legacy(peer, f"/{caller().someone()}")


# ---- what a server speaks ---------------------------------------------------------------


def test_the_headers_and_the_body_of_a_modern_request_agree(peer, user, modern):
    assert user(modern.url, "t", {"a": 1}, token="secret").text == "done"
    request = peer.last
    meta = request.json["params"]["_meta"]
    assert request.headers["mcp-protocol-version"] == meta["io.modelcontextprotocol/protocolVersion"] == "2026-07-28"
    assert request.headers["mcp-method"] == "tools/call" and request.headers["mcp-name"] == "t"
    assert request.headers["accept"] == "application/json, text/event-stream"
    assert request.headers["authorization"] == "Bearer secret" and request.json["params"]["arguments"] == {"a": 1}
    assert "mcp-session-id" not in request.headers


def test_a_legacy_server_is_initialised_once_for_all_calls(user, legacy):
    assert user(legacy.url).names == ["t"] and user(legacy.url, "t").text == "done"
    assert legacy.seen == ["initialize", "notifications/initialized", "tools/list", "tools/call"]


def test_what_a_server_speaks_is_asked_once_for_everybody(peer, caller, user, legacy):
    user(legacy.url)
    caller()(legacy.url, user_id="somebody else")
    probes = [request for request in peer.requests if request.headers.get("mcp-protocol-version") == "2026-07-28"]
    assert len(probes) == 1 and legacy.seen.count("initialize") == 2


def test_a_version_that_nobody_speaks_is_refused(peer, user):
    old = Legacy(peer, "/future", version="2031-01-01")
    said = user(old.url)
    assert said.r == "unsupported" and "2031-01-01" in said.error


def test_a_modern_server_of_another_version_is_refused(user, modern):
    modern.listed = lambda request: error(request, -32022, "no", 400, {"supported": ["2031-01-01"], "requested": "x"})
    said = user(modern.url)
    assert said.r == "unsupported" and "2031-01-01" in said.error


def test_a_server_that_became_modern_is_found_out(peer, user, legacy):
    assert user(legacy.url, "t").text == "done"
    path = legacy.url.removeprefix(peer.url)
    modern = Modern(peer, path)
    modern.called = lambda request: text("now modern")
    peer.answer(path, lambda request: modern.take(request) if "mcp-method" in request.headers else whole("gone", 404))
    assert user(legacy.url, "t").text == "now modern"


@pytest.mark.parametrize(("status", "r"), [(401, "denied"), (403, "denied"), (404, "not_found"), (405, "not_found"),
                                           (429, "busy"), (500, "unavailable"), (302, "unavailable")])  # fmt: skip
def test_what_is_no_server_is_told_by_its_status(peer, user, status, r):
    peer.answer("/not-here-*", whole("<html>", status))
    said = user(peer.url + f"/not-here-{status}")
    assert said.r == r and str(status) in said.error, said


def test_a_page_is_no_server(peer, user):
    peer.answer("/page", whole("<html>hello</html>"))
    said = user(peer.url + "/page")
    assert said.r == "unavailable" and "not JSON" in said.error


def test_nobody_there(user):
    said = user("http://127.0.0.1:1/mcp")
    assert said.r == "unavailable" and said.error.startswith("the MCP server cannot be reached")


@pytest.mark.parametrize("url", ["ftp://x", "file:///etc/passwd", "gopher://x", "", "http:/x", "stdio"])
def test_other_schemes_are_refused(user, url):
    assert user(url).r == "invalid"


@pytest.mark.parametrize("url", ["http://10.0.0.1/mcp", "http://169.254.169.254/latest", "http://[::ffff:10.0.0.1]/",
                                 "http://user:word@example.org/mcp", "http://167772161/", "http://012.0.0.1/"])  # fmt: skip
def test_a_users_url_leads_to_no_private_address(user, url):
    said = user(url, egress=0, total_ms=3000)
    assert said.r == "denied", said


# ---- sessions ------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [404, 400])
def test_a_session_that_is_lost_is_opened_again(user, legacy, status):
    assert user(legacy.url, "t").text == "done"
    legacy.sessions.clear()
    legacy.lost = status
    assert user(legacy.url, "t").text == "done"
    assert legacy.seen.count("initialize") == 2


def test_a_session_that_is_lost_for_ever_is_an_error(user, legacy):
    legacy.called = lambda request: error(request, -32001, "Session not found", 404, id=None)
    said = user(legacy.url, "t")
    assert said.r == "unavailable" and "Session not found" in said.error
    assert legacy.seen.count("tools/call") == 2 and legacy.seen.count("initialize") == 2


def test_sessions_of_two_users_and_of_two_tokens_are_not_one(peer, user, legacy):
    for token in "ab":
        user(legacy.url, "t", token=token)
    user(legacy.url, "t", token="a", user_id="someone")
    sessions = [request.headers["mcp-session-id"] for request in peer.requests if b"tools/call" in request.body]
    assert len(set(sessions)) == 3


def test_an_idle_session_is_ended(peer, caller):
    legacy = Legacy(peer, "/idle")
    assert caller(session_idle_ms=50)(legacy.url, "t").text == "done"
    with peer.changed:
        assert peer.changed.wait_for(lambda: any(r.method == "DELETE" for r in peer._requests), 120)
    assert peer.last.headers["mcp-session-id"] == "session-1"


def test_sessions_have_a_maximum(peer, caller):
    call = caller(sessions=2)
    legacy = Legacy(peer, "/many")
    for user in "abcda":
        assert call(legacy.url, "t", user_id=user).text == "done"
    assert legacy.seen.count("initialize") == 5


# ---- streams -----------------------------------------------------------------------------------


def test_a_stream_that_the_server_closes_is_resumed(peer, user, legacy):
    asked = []

    def called(request):
        asked.append(request)
        return sse(b"retry: 1\nid: first-1\ndata:\n\n")

    def resumed(request):
        if request.headers["last-event-id"] == "first-1":
            return sse(b"id: second-2\ndata:\n\n")
        assert request.headers["last-event-id"] == "second-2" and request.headers["mcp-session-id"]
        return sse(result(asked[0], text("at last")))

    legacy.called, legacy.resumed = called, resumed
    assert user(legacy.url, "t").text == "at last" and len(asked) == 1


def test_a_stream_that_breaks_is_resumed(user, legacy):
    asked = []
    legacy.called = lambda request: asked.append(request) or sse(b"retry: 1\nid: 7\ndata:\n\n", CUT)
    legacy.resumed = lambda request: sse(result(asked[0], text("still there")))
    assert user(legacy.url, "t").text == "still there"


def test_a_stream_is_not_resumed_for_ever(peer, caller):
    legacy = Legacy(peer, "/resumes")
    legacy.called = legacy.resumed = lambda request: sse(b"retry: 1\nid: 7\ndata:\n\n")
    said = caller(resumes=3)(legacy.url, "t")
    assert said.r == "unavailable" and "ended before its answer" in said.error and legacy.seen.count("GET") == 3


@pytest.mark.parametrize("end", [CUT, RESET])
def test_a_tool_whose_stream_breaks_is_not_called_twice(peer, user, modern, end):
    modern.called = lambda request: sse({"jsonrpc": "2.0", "method": "notifications/message"}, end)
    said = user(modern.url, "t")
    assert said.r == "unavailable" and "broke off" in said.error
    assert len([request for request in peer.requests if b"tools/call" in request.body]) == 1


def test_a_list_whose_stream_breaks_is_asked_for_again(user, modern):
    user(modern.url)
    replies = [lambda request: sse(b": nothing\n\n", CUT), lambda request: {"tools": [TOOL, TOOL]}]
    modern.listed = lambda request: replies.pop(0)(request)
    assert user(modern.url).names == ["t", "t"] and not replies


def test_a_servers_questions_are_answered(peer, user, legacy):
    legacy.called = lambda request: sse(
        {"jsonrpc": "2.0", "id": "p", "method": "ping"},
        {"jsonrpc": "2.0", "id": 9, "method": "sampling/createMessage", "params": {}},
        result(request, text("thanks")))  # fmt: skip
    assert user(legacy.url, "t").text == "thanks"
    with peer.changed:
        assert peer.changed.wait_for(lambda: legacy.seen.count("answer") == 2, 120)
    answers = {json.dumps(r.json["id"]): r.json for r in peer.requests if r.method == "POST" and "method" not in r.json}
    assert answers['"p"']["result"] == {} and answers["9"]["error"]["code"] == -32601


def test_a_server_that_asks_much_and_does_not_listen_holds_up_nobody_else(peer, caller, legacy):
    call, who = caller(notice_ms=600000), caller().someone()
    take, pings = legacy.take, [{"jsonrpc": "2.0", "id": number, "method": "ping"} for number in range(200)]
    legacy.called = lambda request: sse(*pings, result(request, text("thanks")))
    peer.answer(legacy.url.removeprefix(peer.url), lambda request: take(request) if "method" in request.json else raw(STALL))
    assert call(legacy.url, "t", user_id=who).text == "thanks"
    other = Legacy(peer, "/other")
    other.called = lambda request: sse(result(request, text("all")), STALL)
    assert call(other.url, "t", total_ms=600000, timeout=60, user_id=who).text == "all"
    assert sum("method" not in request.json for request in peer.requests if request.body) <= 1


def test_a_batch_has_the_answer(user, legacy):
    legacy.called = lambda request: whole([{"jsonrpc": "2.0", "method": "notifications/message"}, 7,
                                           result(request, text("in a batch"))])  # fmt: skip
    assert user(legacy.url, "t").text == "in a batch"


def test_an_answer_ends_the_call_though_the_stream_goes_on(user, legacy):
    legacy.called = lambda request: sse(result(request, text("all")), STALL)
    assert user(legacy.url, "t", total_ms=20000).text == "all"


def test_a_stream_that_ends_leaves_its_connection_to_the_next_call(peer, caller, legacy):
    call, who = caller({"linger_ms": 10000}), caller().someone()
    legacy.called = lambda request: sse(result(request, text("all")))
    call(legacy.url, user_id=who)
    for _ in range(5):
        assert call(legacy.url, "t", user_id=who).text == "all"
    assert len({request.connection for request in peer.requests[-5:]}) == 1


def test_a_stream_that_does_not_end_is_broken_off(peer, caller, legacy):
    call = caller({"linger_ms": 1})
    legacy.called = lambda request: sse(result(request, text("all")), STALL)
    for _ in range(5):
        assert call(legacy.url, "t", total_ms=60000).text == "all"
    peer.wait_left(5)


# ---- deadlines and cancelling -----------------------------------------------------------------------


@pytest.mark.parametrize("reply", [raw(STALL), sse(b": hm\n\n", STALL), stream(b"{", STALL, kind="application/json")])
def test_a_server_that_never_answers(peer, user, legacy, reply):
    legacy.called = lambda request: reply
    user(legacy.url)
    said = user(legacy.url, "t", total_ms=2000)
    assert said.r == "timeout" and "does not answer in time" in said.error
    with peer.changed:  # and it is told
        assert peer.changed.wait_for(lambda: "notifications/cancelled" in legacy.seen, 120)
    assert peer.last.json["params"]["reason"] == "timeout"


def test_a_server_that_never_answers_the_probe(peer, user):
    peer.answer("/never", raw(STALL))
    assert user(peer.url + "/never", total_ms=200).r == "timeout"


def test_the_callers_patience_has_a_maximum(peer, caller):
    peer.answer("/never", raw(STALL))
    assert caller(total_max_ms=200)(peer.url + "/never", total_ms=100000).r == "timeout"
    assert caller(total_ms=200)(peer.url + "/never").r == "timeout"


def test_whoever_leaves_cancels_the_call(peer, caller, legacy):
    call, gate = caller(), Gate()
    legacy.called = lambda request: sse(gate)
    call(legacy.url)
    body = json.dumps({"url": legacy.url, "tool": "t", "egress": 100, "user_id": "alice"}).encode()
    with call.server.connect() as connection:
        connection.send_request("POST", "/mcp-driver", body)
        assert gate.reached.wait(120)
    peer.wait_left()
    with peer.changed:
        assert peer.changed.wait_for(lambda: "notifications/cancelled" in legacy.seen, 120)


# ---- what is wrong, too long, or endless ----------------------------------------------------------------


def test_endless_pages_end(peer, caller):
    modern = Modern(peer, "/endless")
    modern.listed = lambda request: {"tools": [TOOL], "nextCursor": "more"}
    said = caller(pages=4)(modern.url)
    assert (said.r, said.error) == ("too_large", "the MCP server's list of tools has more than 4 pages (pages)")
    assert len(peer.requests) == 5  # and the probe


def test_too_many_tools(peer, caller):
    modern = Modern(peer, "/tools")
    modern.listed = lambda request: {"tools": [TOOL] * 11}
    said = caller(tools=10)(modern.url)
    assert said.r == "too_large" and "more than 10 tools" in said.error


def test_pages_together_are_no_longer_than_one_answer_may_be(peer, caller):
    modern = Modern(peer, "/long-pages")
    modern.listed = lambda request: {"tools": [{**TOOL, "description": "x" * 600}], "nextCursor": "on"}
    said = caller(reply_bytes=10000)(modern.url)
    assert said.r == "too_large" and "10000 bytes (reply_bytes)" in said.error
    assert 10 <= len(peer.requests) <= 17


@pytest.mark.parametrize("as_stream", [False, True])
def test_an_answer_of_too_many_values_is_not_read(caller, peer, as_stream):
    """Ten megabytes of them were a gigabyte of memory."""
    modern = Modern(peer, "/values")
    many = text("x", structuredContent={"a": [{}] * 200})
    modern.called = lambda request: sse(result(request, many)) if as_stream else many
    modern.listed = lambda request: {"tools": [{**TOOL, "x": [{}] * 30}], "nextCursor": "on"}
    few = caller(values=100)
    for said in (few(modern.url, "t"), few(modern.url)):
        assert said.r == "too_large" and "more than 100 values (values)" in said.error
    modern.listed = lambda request: {"tools": [{**TOOL, "x": [{}] * 30}]}
    assert few(modern.url).names == ["t"]


@pytest.mark.parametrize("as_stream", [False, True])
def test_a_result_of_more_than_10_mb_is_refused(user, modern, as_stream):
    long = text("x" * (10 << 20))
    modern.called = lambda request: sse(result(request, long)) if as_stream else long
    said = user(modern.url, "t")
    assert said.r == "too_large" and "10485760 bytes (reply_bytes)" in said.error


@pytest.mark.parametrize("as_stream", [False, True])
def test_a_result_of_almost_10_mb_comes_whole(user, modern, as_stream):
    long = text("y" * (10 * 1000 * 1000))
    modern.called = lambda request: sse(result(request, long)) if as_stream else long
    assert len(user(modern.url, "t").text) == 10 * 1000 * 1000


@pytest.mark.parametrize("as_stream", [False, True])
def test_an_answer_to_another_request_is_none(user, modern, as_stream):
    def called(request):
        other = {"jsonrpc": "2.0", "id": request.json["id"] + 1000, "result": text("not yours")}
        return sse(other) if as_stream else whole(other)

    modern.called = called
    said = user(modern.url, "t")
    assert (said.r, said.error) == ("unavailable", "the MCP server answered a different request")


@pytest.mark.parametrize("value", [{}, {"content": "text"}, {"content": [], "isError": "yes"}])
def test_a_result_that_is_none_of_a_tool(user, modern, value):
    modern.called = lambda request: value
    assert user(modern.url, "t").error == "the MCP server's result is not a tool result"


@pytest.mark.parametrize(("said", "right"), [
    ({"sum": 5}, True), ({"sum": 5.0, "more": 1}, True), ({"sum": 5, "of": [1, 2]}, True), ({"sum": 5, "kind": "a"}, True),
    ({"sum": "5"}, False), ({}, False), ([5], False), (None, False), (5, False), ({"sum": 5, "of": [1, "2"]}, False),
    ({"sum": 5, "kind": "c"}, False), ({"sum": 5, "always": 2}, False), ({"sum": 5.5}, False)])  # fmt: skip
@pytest.mark.parametrize("era", [Modern, Legacy])
def test_a_server_that_lies_about_its_schema(peer, user, caller, era, said, right):
    server = era(peer, f"/{caller().someone()}")
    server.listed = lambda request: {"tools": [{**TOOL, "outputSchema": {
        "type": "object", "required": ["sum"], "properties": {
            "sum": {"type": "integer"}, "of": {"type": "array", "items": {"type": "number"}},
            "kind": {"enum": ["a", "b"]}, "always": {"const": 1}}}}]}  # fmt: skip
    server.called = lambda request: text("5", **({} if said is None else {"structuredContent": said}))
    user(server.url)
    answer = user(server.url, "t")
    assert answer.r == ("ok" if right else "unavailable"), answer
    assert right or answer.error == "the MCP server's result of 't' is not what its outputSchema says"
    server.called = lambda request: text("failed", isError=True)
    assert user(server.url, "t").value["isError"] is True


def test_a_tool_whose_schema_is_none_is_left_out(user, modern, legacy):
    for server in (modern, legacy):
        server.listed = lambda request: {"tools": [TOOL, {"name": "none"}, {"name": "seven", "inputSchema": 7}]}
        assert user(server.url).names == ["t"]


def test_lists_that_take_too_much_memory_are_not_remembered(peer, caller):
    list_tools, asked = caller(kept_bytes=16000), []

    def serve(path, tools):
        long = {"tools": [{**TOOL, "description": "x" * 4000}] * tools, "ttlMs": 3600000}
        Modern(peer, path).listed = lambda request: asked.append(path) or long
        list_tools(peer.url + path)  # what it speaks, and its tools

    def is_kept(path):
        asked.clear()
        list_tools(peer.url + path)
        return not asked

    for path in ("/one", "/two", "/three"):
        serve(path, 1)
    assert is_kept("/three") and not is_kept("/one")
    serve("/four", 5)
    assert not is_kept("/four") and is_kept("/one")


def test_limits_are_settings(peer, caller):
    long = Modern(peer, "/long")
    long.called = lambda request: text("x" * 2000)
    assert "1024 bytes (reply_bytes)" in caller(reply_bytes=1024)(long.url, "t").error

    peer.answer("/redirects", whole("", 307, {"Location": "/long"}))
    assert "status 307" in caller(max_redirects=0)(peer.url + "/redirects").error

    patient = Legacy(peer, "/patient")
    asked = []
    patient.called = lambda request: asked.append(request) or sse(b"retry: 3600000\nid: 7\ndata:\n\n")
    patient.resumed = lambda request: sse(result(asked[0], text("soon")))
    assert caller(retry_max_ms=1)(patient.url, "t").text == "soon"

    forgotten = Modern(peer, "/forgotten")
    for _ in range(2):
        caller(verdict_ms=0)(forgotten.url)
    assert len(peer.asked("/forgotten")) >= 3


def test_a_redirect_inward_is_not_followed(peer, user):
    peer.answer("/inward", whole("", 307, {"Location": "http://169.254.169.254/latest/meta-data"}))
    said = user(peer.url + "/inward", egress=0)
    assert said.r == "denied" and "169.254.169.254" in said.error


@pytest.mark.parametrize("value", [{}, {"tools": {}}, {"tools": [1]}, {"tools": [{"description": "no name"}]}])
def test_a_list_that_is_none(user, modern, value):
    modern.listed = lambda request: value
    assert user(modern.url).error == "the MCP server's list of tools is malformed"


@pytest.mark.parametrize("body", [b"nonsense", b"[" * 100000, b'{"jsonrpc":"2.0"', b"\xff\xfe", b"null", b"[]", b"7"])
def test_what_is_no_message(user, modern, body):
    user(modern.url)
    for reply in (whole(body), sse(event(body.decode("latin-1")))):
        modern.called = lambda request, reply=reply: reply
        assert user(modern.url, "t").r == "unavailable"


def test_a_kind_of_result_that_nobody_knows(user, modern):
    modern.called = lambda request: text("?", resultType="surprise")
    assert "result is of an unknown type" in user(modern.url, "t").error
    modern.called = lambda request: {"resultType": "input_required", "requestState": "x"}
    assert user(modern.url, "t").r == "unsupported"


def test_a_tool_with_wrong_headers_is_left_out(user, modern):
    def tool(name, **properties):
        return {"name": name, "inputSchema": {"type": "object", "properties": properties}}

    header = {"type": "string", "x-mcp-header": "A"}
    modern.listed = lambda request: {"tools": [
        tool("good", a=header, deep={"type": "object", "properties": {"b": {"type": "integer", "x-mcp-header": "B"}}}),
        tool("twice", a=header, b={"type": "boolean", "x-mcp-header": "a"}), tool("object", a={**header, "type": "object"}),
        tool("blank", a={**header, "x-mcp-header": "A B"}), tool("number", a={**header, "type": "number"}),
        tool("colon", a={**header, "x-mcp-header": "A:"}), tool("empty", a={**header, "x-mcp-header": ""})]}  # fmt: skip
    assert user(modern.url).names == ["good"]


@pytest.mark.parametrize(("value", "sent"), [
    ("plain", "plain"), ("ä", "=?base64?w6Q=?="), (" x", "=?base64?IHg=?="), ("=?base64?eA==?=", "=?base64?PT9iYXNlNjQ/ZUE9PT89?="),
    ("a\r\nX-Evil: 1", "=?base64?YQ0KWC1FdmlsOiAx?="), (12, "12"), (True, "true"), (None, None)])  # fmt: skip
def test_arguments_as_headers(peer, user, modern, value, sent):
    kind = {"type": {int: "integer", bool: "boolean"}.get(type(value), "string"), "x-mcp-header": "Where"}
    modern.listed = lambda request: {"tools": [{"name": "t", "inputSchema": {"type": "object", "properties": {"w": kind}}}]}
    assert user(modern.url, "t", {"w": value}).text == "done"
    assert peer.last.headers.get("mcp-param-where") == sent and "x-evil" not in peer.last.headers


def test_a_schema_that_changed_is_read_again(peer, user, modern):
    name = ["Old"]
    modern.listed = lambda request: {"ttlMs": 60000, "tools": [{"name": "t", "inputSchema": {
        "type": "object", "properties": {"w": {"type": "string", "x-mcp-header": name[0]}}}}]}  # fmt: skip
    modern.called = lambda request: (
        text("done") if f"mcp-param-{name[0].lower()}" in request.headers else error(request, -32020, "mismatch", 400))  # fmt: skip
    assert user(modern.url, "t", {"w": "x"}).text == "done"
    name[0] = "New"
    assert user(modern.url, "t", {"w": "x"}).text == "done"
    name[0] = "Newer"
    modern.listed = lambda request: {"tools": []}
    assert "mismatch" in user(modern.url, "t", {"w": "x"}).error


def test_a_list_is_kept_until_the_server_says_that_it_has_changed(peer, user, modern):
    modern.listed = lambda request: {"ttlMs": 60000, "cacheScope": "private", "tools": [TOOL]}

    def lists():
        return sum(request.json["method"] == "tools/list" for request in peer.requests)

    assert user(modern.url).names == ["t"]
    before = lists()
    assert user(modern.url).names == ["t"] and lists() == before
    changed = {"jsonrpc": "2.0", "method": "notifications/tools/list_changed"}
    modern.called = lambda request: sse(changed, result(request, text("done", resultType="complete")))
    modern.listed = lambda request: {"ttlMs": 0, "tools": [TOOL, {**TOOL, "name": "new"}]}
    assert user(modern.url).names == ["t"] and lists() == before
    assert user(modern.url, "t").text == "done"
    assert user(modern.url).names == user(modern.url).names == ["t", "new"] and lists() == before + 2, "0 ms are not kept"


def test_a_servers_words_are_shortened_and_hold_no_key(user, modern):
    modern.called = lambda request: error(request, -32603, "line\nAuthorization: Bearer abcdefghijklmnop1234567890 " + "x" * 5000)
    said = user(modern.url, "t")
    assert "abcdefghijklmnop" not in said.error and "\n" not in said.error and len(said.error) < 252


@pytest.mark.parametrize("token", ["a\nb", "a\rb", "ä\x01"])
def test_a_token_is_one_line(peer, user, modern, token):
    assert user(modern.url, token=token).r == "invalid" and not peer.requests


def test_a_redirect_is_followed_and_another_origin_gets_no_token(peer, user, modern):
    peer.answer("/moved", whole("", 307, {"Location": modern.url.removeprefix(peer.url)}))
    assert user(peer.url + "/moved", "t", token="secret").text == "done"
    assert peer.last.headers["authorization"] == "Bearer secret"
    with Vendor() as other:
        peer.answer("/away", whole("", 307, {"Location": Modern(other).url}))
        assert user(peer.url + "/away", "t", token="secret").text == "done"
        assert "authorization" not in other.last.headers


def test_many_calls_at_once_get_their_own_answers(caller, legacy):
    call, wrong = caller(), []
    legacy.called = lambda request: sse(result(request, text(request.json["params"]["arguments"]["n"])))

    def run(n):
        for i in range(10):
            said = call(legacy.url, "t", {"n": f"{n}-{i}"})
            if said.r != "ok" or said.text != f"{n}-{i}":
                wrong.append(said)

    threads = [threading.Thread(target=run, args=[n]) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


# ---- HTTP+SSE ---------------------------------------------------------------------------------------


class OldSse:
    """Says where to post to, and no more."""

    def __init__(self, peer, endpoint="/post?session=1", path="/old"):
        self.url, self.posts = peer.url + path, []
        self.first = event(endpoint, "endpoint")
        peer.answer(path, self.take)
        peer.answer("/post", self.post)

    def take(self, request):
        return whole("Cannot POST", 404) if request.method == "POST" else sse(self.first, STALL)

    def post(self, request):
        self.posts.append(request.json)
        return whole("Accepted", 202)


@pytest.mark.parametrize("endpoint", ["http://example.org/post", "//example.org/post", "https://127.0.0.1/post"])
def test_the_address_to_post_to_is_of_the_same_origin(peer, user, endpoint):
    old = OldSse(peer, endpoint)
    said = user(old.url, "t", total_ms=5000)
    assert (said.r, said.error) == ("denied", "the MCP server names an endpoint at another origin") and not old.posts


def test_an_old_server_that_never_answers(peer, user):
    old = OldSse(peer)
    assert user(old.url, "t", total_ms=2000).r == "timeout"
    assert [post["method"] for post in old.posts] == ["initialize"]


def test_a_stream_without_an_address_is_no_server(peer, user):
    peer.answer("/no-endpoint", lambda request: sse(b": hi\n\n") if request.method == "GET" else whole("", 405))
    assert user(peer.url + "/no-endpoint").r == "not_found"
