# SPDX-License-Identifier: Apache-2.0
"""GET /admin/audit and einion audit verify."""

import re
import signal
import sqlite3
import subprocess

import pytest
from people import SETS, Person
from support import BUILD, EINION, Server, wait_until

ADMIN = {"X-Admin-Password": "pw"}
ENV = {"ADMIN_PANEL_ENABLED": "true", "ADMIN_PANEL_PASSWORD": "pw"}


@pytest.fixture
def audited(start_fresh):
    return start_fresh(env=ENV)


@pytest.fixture
def sqlite_audited(start_server):
    return start_server(env=ENV)


def change(server, dollars):
    assert server.put("/users/me/monthly-allowance", {"monthlyAllowance": dollars}).status == 200


def entries(server, query=""):
    reply = server.get(f"/admin/audit{query}", headers=ADMIN)
    assert reply.status == 200, reply
    return reply.json


def verify(server):
    return subprocess.run([EINION, "audit", "verify"], env=server.environment(), cwd=server.state,
                          capture_output=True, text=True, timeout=300)  # fmt: skip


def test_who_changed_what_is_told_newest_first(audited):
    change(audited, 50)
    audited.put("/admin/users/u2", {"spendRemaining": 5}, headers=ADMIN)
    newest, oldest = entries(audited)
    assert list(newest) == ["seq", "timestamp", "action", "actor", "target", "address", "outcome", "details", "mac"]
    assert (oldest["seq"], oldest["action"], oldest["actor"], oldest["target"]) == (1, "limits_changed", "local-dev-user", "local-dev-user")
    assert (newest["seq"], newest["action"], newest["actor"], newest["target"]) == (2, "user_limits_changed", "admin", "u2")
    assert newest["address"] == "127.0.0.1"
    assert newest["details"] == {"spendRemaining": 5} and newest["outcome"] == "success"


def test_a_long_path_hides_nothing(audited):
    """Who tries passwords cannot keep that out of the log."""
    for length in (10, 2000):
        reply = audited.put("/admin/users/" + "é" * length, {}, headers={"X-Admin-Password": "wrong"})
        assert reply.status == 401
    newest, oldest = entries(audited)
    assert newest["action"] == oldest["action"] == "wrong_login"
    assert newest["target"] == "PUT /admin/users/" + "é" * 503 and len(newest["target"].encode()) == 1023


def test_the_log_is_filtered_and_read_in_pages(audited):
    for dollars in range(1, 6):
        change(audited, dollars)
    audited.put("/admin/users/u2", {}, headers=ADMIN)
    assert [entry["seq"] for entry in entries(audited, "?action=limits_changed")] == [5, 4, 3, 2, 1]
    assert entries(audited, "?actor=nobody") == []
    third = entries(audited)[3]["timestamp"]
    assert [entry["seq"] for entry in entries(audited, f"?from={third}")] == [6, 5, 4, 3]
    assert [entry["seq"] for entry in entries(audited, f"?to={third}")] == [2, 1]
    second = third.partition(".")[0] + "Z"  # the third came in it, or at its beginning
    assert 3 in [entry["seq"] for entry in entries(audited, f"?from={second}")]
    assert 3 not in [entry["seq"] for entry in entries(audited, f"?to={second}")]
    for other in ("yesterday", "", "2026-11-24T10:00:00%2B02:00", "1764000000000"):
        assert audited.get(f"/admin/audit?from={other}", headers=ADMIN).status == 422

    seen, path = [], "/admin/audit?limit=2&action=limits_changed"
    while path:
        reply = audited.get(path, headers=ADMIN)
        seen += [entry["seq"] for entry in reply.json]
        link = reply.header("Link")
        path = link and re.fullmatch(r'<(.*)>; rel="next"', link)[1]
    assert seen == [5, 4, 3, 2, 1]


def test_every_change_of_keys_secrets_and_limits_is_told(start_server):
    server = start_server(sets=[*SETS, "plugins.auth-api-key.enabled=true", "plugins.users.self_service_limits=true"])
    alice = Person(server, "header:alice", site_admin=True)
    secret = f"/agents/{alice.make_agent()}/secrets/TOKEN"
    key = alice.post("/users/me/keys", {"name": "k", "scopes": ["agents"]}).json["_id"]
    for action, method, path, body, target in (
        ("model_key_set", "PUT", "/users/me/api-keys", {"provider": "openai", "api_key": "sk-told"}, "header:alice"),
        ("model_key_deleted", "DELETE", "/users/me/api-keys/openai", None, "header:alice"),
        ("allowance_reset", "POST", "/users/me/reset-allowance", None, "header:alice"),
        ("user_limits_changed", "PUT", "/admin/users/u2", {"spendRemaining": 5}, "u2"),
        ("api_key.create", None, None, None, key),
        ("api_key.update", "PUT", f"/users/me/keys/{key}", {"name": "other"}, key),
        ("api_key.revoke", "DELETE", f"/users/me/keys/{key}", None, key),
        ("agent_secret_set", "PUT", secret, {"value": "sealed-value"}, None),
        ("agent_secret_deleted", "DELETE", secret, None, None),
    ):
        if method:
            assert alice.request(method, path, body).status < 300, action
        (told,) = alice.get(f"/admin/audit?action={action}").json
        assert told["actor"] == "header:alice" and told["outcome"] == "success"
        assert target in (None, told["target"]) and "sk-told" not in str(told) and "sealed-value" not in str(told)


def test_a_reload_tells_which_plugins_came_and_went(start_server):
    config = "plugins:\n  service:\n  storage-memory:\n  vault:\n    key_file: ${EINION_STATE_DIR}/key\n  audit:\nstorage:\n  backend: memory\n"
    server = start_server(config=config, env=ENV)
    (server.state / "einion.yaml").write_text(config.replace("  service:\n", "  service:\n  sessions:\n"))
    server.signal(signal.SIGHUP)
    wait_until(lambda: entries(server), 10, "the reload")
    (server.state / "einion.yaml").write_text(config)
    server.signal(signal.SIGHUP)
    wait_until(lambda: len(entries(server)) == 2, 10, "the second reload")
    assert [entry["details"] for entry in entries(server)] == [
        {"plugins_started": [], "plugins_stopped": ["sessions"]}, {"plugins_started": ["sessions"], "plugins_stopped": []}]  # fmt: skip
    assert {entry["action"] for entry in entries(server)} == {"configuration_reloaded"}


def test_the_log_is_verified_beside_a_server_and_without(sqlite_audited):
    done = verify(sqlite_audited)
    assert (done.returncode, done.stdout) == (0, "0 entries, none changed, taken away or put in\n")
    for dollars in range(1, 8):
        change(sqlite_audited, dollars)
    for _ in range(2):
        done = verify(sqlite_audited)
        assert (done.returncode, done.stdout, done.stderr) == (0, "7 entries, none changed, taken away or put in\n", "")
        sqlite_audited.stop()
    sqlite_audited.start()


@pytest.mark.parametrize("sql, found", [
    ("UPDATE set_audit SET body = replace(body, 'local-dev-user', 'someone-else') WHERE id LIKE '%3'", "Entry 3 of the audit log was changed"),
    ("DELETE FROM set_audit WHERE id LIKE '%2'", "Entry 2 of the audit log was taken away"),
    ("DELETE FROM set_audit WHERE id LIKE '%4'", "Entry 4 of the audit log was taken away, and all behind it"),
    ("DELETE FROM set_audit_head", "The head of the audit log is gone"),
    ("UPDATE set_audit_head SET body = replace(body, '\"seq\":4', '\"seq\":3')", "The head of the audit log is not what einion has written"),
    ("DELETE FROM set_vault", "The audit log's key is gone from the vault"),
])  # fmt: skip
def test_every_change_of_the_file_is_found(sqlite_audited, sql, found):
    server = sqlite_audited
    for dollars in range(1, 5):
        change(server, dollars)
    server.stop()
    with sqlite3.connect(next(server.state.glob("*.db"))) as database:
        database.create_function("ein_key", 2, lambda *_: None, deterministic=True)
        assert database.execute(sql).rowcount == 1
    done = verify(server)
    assert done.returncode == 1 and done.stderr == f"einion: {found}\n"
    server.start()
    beside = verify(server)
    assert beside.returncode == 1 and beside.stderr == f"einion: {found}\n"


def test_a_log_that_is_not_in_order_is_told_and_does_not_stop_the_server(sqlite_audited):
    server = sqlite_audited
    change(server, 1)
    server.stop()
    with sqlite3.connect(next(server.state.glob("*.db"))) as database:
        database.execute("DELETE FROM set_audit_head")
    server.start()
    change(server, 2)
    reply = server.get("/readyz")
    assert reply.status == 503 and "The head of the audit log is gone" in reply.text
    assert "An entry is missing from the audit log" in server.log()
    assert len(entries(server)) == 1


def test_a_wrong_command_is_told(sqlite_server):
    done = subprocess.run([EINION, "audit", "erase"], env=sqlite_server.environment(), capture_output=True, text=True)
    assert done.returncode == 2 and "audit knows no such command: erase" in done.stderr


@pytest.mark.parametrize("command, service", [("rotate-keys", "vault/1"), ("audit verify", "audit/1")])
def test_a_plugin_that_cannot_do_it_is_not_asked(tmp_path, command, service):
    sets = [f"plugins.cannot.plugin={BUILD}/tests/third-party/cannot.so", "plugins.vault.enabled=false", "plugins.audit.enabled=false"]
    options = [word for one in sets for word in ("--set", one)]
    done = subprocess.run([EINION, *options, *command.split()], env=Server(state=tmp_path).environment(), cwd=tmp_path,
                          capture_output=True, text=True, timeout=300)  # fmt: skip
    assert (done.returncode, done.stdout) == (1, "") and f"the plugin that offers {service} cannot do that" in done.stderr, done
