# SPDX-License-Identifier: Apache-2.0
"""What the server says of itself."""

import base64
import hashlib
import re

import pytest
from support import SCALE, wait_until


def test_the_three_signs_of_life(sqlite_server):
    expected = {
        "/": b'{"Hello":"World","Service":"User-Service"}',
        "/health": b'{"status":"healthy","service":"user-service"}',
        "/livez": b'{"status":"alive"}',
    }
    for path, body in expected.items():
        reply = sqlite_server.get(path)
        assert (reply.status, reply.body) == (200, body)
        assert reply.header("Content-Type") == "application/json"


def test_readiness_lists_every_plugin(agent_server):
    reply = agent_server.get("/readyz")
    assert (reply.status, reply.json["status"]) == (200, "ready")
    assert reply.header("Cache-Control") == "no-store"
    plugins = {plugin["name"]: plugin for plugin in reply.json["plugins"]}
    assert {"service", "sessions", "data-store", "storage-sqlite"} <= set(plugins)
    assert plugins["data-store"]["reason"] is None


# ---- metrics ----


def test_metrics_are_for_prometheus_on_this_machine(sqlite_server):
    reply = sqlite_server.get("/metrics")
    assert reply.status == 200
    assert reply.header("Content-Type") == "text/plain; version=0.0.4; charset=utf-8"
    for line in reply.text.splitlines():
        assert re.match(r'# (HELP|TYPE) \w+ .+$|\w+(\{\w+="[^\n]*"\})? \S+$', line), line


def test_metrics_are_named_as_prometheus_wants_it(agent_server):
    """What promtool check metrics looks at."""
    agent_server.post("/v1/chat/completions", {"model": "ollama/llama2", "messages": [{"role": "user", "content": "a"}]})
    text = agent_server.get("/metrics").text
    kinds = dict(re.findall(r"^# TYPE (\w+) (\w+)$", text, re.M))
    helps = dict(re.findall(r"^# HELP (\w+) (.+)$", text, re.M))
    assert "gen_ai_client_operation_duration_seconds" in kinds and "einion_sqlite_commits_total" in kinds
    assert set(helps) == set(kinds)
    assert [name for name, kind in kinds.items() if name.endswith("_total") != (kind == "counter")] == []
    assert [name for name in kinds if re.search(r"[A-Z]|__|_(ms|us|milliseconds|kb|mb|gauge|counter|histogram)(_|$)", name)] == []
    samples = re.findall(r"^(\w+)(?:\{(.*)\})? \S+$", text, re.M)
    families = {re.sub(r"_(bucket|sum|count)$", "", name) if name not in kinds else name for name, _ in samples}
    assert families <= set(kinds)
    assert len(samples) == len(set(samples))  # no series twice


def test_metrics_do_not_leave_through_a_proxy(sqlite_server):
    for header in ("X-Forwarded-For", "Forwarded"):
        assert sqlite_server.get("/metrics", headers={header: "for=192.0.2.1"}).status == 403


def test_metrics_are_given_for_a_token(start_server):
    server = start_server(backend="memory", env={"METRICS_TOKEN": "right"}, sets=["plugins.service.metrics=nobody"])
    assert server.get("/metrics").status == 403
    assert server.get("/metrics", headers={"Authorization": "Bearer wrong"}).status == 403
    assert server.get("/metrics", headers={"Authorization": "Bearer right"}).status == 200


# ---- the routes, described and tried ----


def test_the_document_is_sent_once(sqlite_server):
    reply = sqlite_server.get("/openapi.json")
    assert re.fullmatch(r'"[0-9a-f]{16}"', reply.header("ETag"))
    again = sqlite_server.get("/openapi.json", headers={"If-None-Match": reply.header("ETag")})
    assert (again.status, again.body) == (304, b"")


def test_the_docs_page_runs_only_what_its_policy_names(sqlite_server):
    reply = sqlite_server.get("/docs")
    assert reply.status == 200
    assert reply.header("Content-Type") == "text/html; charset=utf-8"
    policy = dict(part.strip().split(" ", 1) for part in reply.header("Content-Security-Policy").split(";"))
    assert policy["default-src"] == "'none'" and policy["connect-src"] == "'self'"
    for element, directive in (("script", "script-src"), ("style", "style-src")):
        (text,) = re.findall(f"<{element}>(.*?)</{element}>", reply.text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert policy[directive] == f"'sha256-{digest}'"
    assert not re.search(r"\s(on\w+|style)=", reply.text.split("<script>")[0])


def test_the_docs_can_be_switched_off(start_server):
    server = start_server(backend="memory", sets=["plugins.service.docs=false"])
    assert [server.get(path).status for path in ("/docs", "/openapi.json", "/health")] == [404, 404, 200]


# ---- the front end's log ----


def test_a_client_line_is_logged_with_where_it_came_from(sqlite_server):
    body = {"eventType": "page-view", "message": "seen-once", "metadata": {"path": "/x"}}
    reply = sqlite_server.post("/log/client", body, headers={"User-Agent": "browser/7"})
    assert (reply.status, reply.body) == (202, b'{"status":"logged"}')
    line = next(line for line in sqlite_server.log().splitlines() if "seen-once" in line)
    for part in ("page-view", "client_host", "127.0.0.1", "user_agent", "browser/7"):
        assert part in line


def test_a_client_line_is_one_line(sqlite_server):
    body = {"eventType": "e", "message": "first-part\nINFO forged-line\r\x1b[31m", "metadata": {"a": "b\nc"}}
    assert sqlite_server.post("/log/client", body).status == 202
    lines = [line for line in sqlite_server.log().splitlines() if "first-part" in line]
    assert len(lines) == 1 and "forged-line" in lines[0] and "\x1b" not in lines[0]


@pytest.mark.parametrize("secret", ["sk-proj-Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4OTg3NjU0", "ghp_A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q7r8"])
def test_a_secret_is_not_saved_by_where_a_line_is_cut(sqlite_server, secret):
    for padding in (2048 - 20, 2048 - 4):
        body = {"eventType": "cut", "message": "x" * padding + " " + secret}
        assert sqlite_server.post("/log/client", body).status == 202
    assert secret[:12] not in sqlite_server.log()


def test_a_long_line_is_cut(sqlite_server):
    body = {"eventType": "long", "message": "é" * 5_000}
    assert sqlite_server.post("/log/client", body).status == 202
    line = next(line for line in sqlite_server.log().splitlines() if "client long" in line)
    assert len(line.encode()) < 5_000 and "[truncated, 7952 more bytes]" in line


def test_where_a_line_came_from_is_neither_forged_nor_cut_off(sqlite_server):
    body = {"eventType": "forge", "message": "m" * 5000, "metadata": {"client_host": "192.0.2.1", "x": "y" * 5000}}
    assert sqlite_server.post("/log/client", body, headers=[("User-Agent", "caf\xe9" + "z" * 1000)]).status == 202
    line = next(line for line in sqlite_server.log().splitlines() if "client forge" in line)
    assert "127.0.0.1" in line and "192.0.2.1" not in line and "zzz" in line


def test_a_line_that_is_too_large_is_refused(sqlite_server):
    body = {"eventType": "e", "message": "x" * 70_000}
    assert sqlite_server.post("/log/client", body).status == 413


def test_a_flood_of_lines_does_not_fill_the_disk(start_server):
    server = start_server(backend="memory", sets=["plugins.service.client_log_per_minute=5"])
    body = {"eventType": "flood", "message": "again"}
    replies = [server.post("/log/client", body) for _ in range(20)]
    assert [reply.status for reply in replies] == [202] * 5 + [429] * 15
    assert int(replies[-1].header("Retry-After")) in range(1, 61)
    assert server.log().count("client flood") == 5


@pytest.mark.skipif(SCALE != 1, reason="sanitizers keep what was freed")
def test_memory_that_was_freed_goes_back(start_server):
    """Of ten records one is kept: what the others leave free lies between."""
    server = start_server(backend="memory", sets=["limits.trim_ms=100"])
    idle = server.memory()
    for i in range(1500):
        place = "kept" if i % 10 == 0 else "gone"
        assert server.put(f"/data-store/namespaces/{place}/records/{i}", {"value": "x" * 20000}).status == 200
    full = server.memory()
    assert full - idle > 25
    server.delete("/data-store/namespaces/gone")
    wait_until(lambda: server.memory() - idle < (full - idle) / 3, 20, "the memory to go back")
