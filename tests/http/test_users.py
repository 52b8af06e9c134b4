# SPDX-License-Identifier: Apache-2.0
"""/users/me and /admin/users: limits, usage, months, keys.  What was recorded is in test_examples."""

import contextlib
import json
import pathlib
import re
import sqlite3
import struct
import subprocess
import threading
import time

import pytest
from people import SETS, Person
from support import EINION, SCALE, Connection, Server, wait_until

ADMIN = {"X-Admin-Password": "pw"}
ENV = {"ADMIN_PANEL_ENABLED": "true", "ADMIN_PANEL_PASSWORD": "pw"}
KEY = "sk-live-0123456789abcdefWXYZ"
MONTH_MS = 31 * 86400 * 1000


@pytest.fixture
def users(start_fresh):
    return start_fresh(env=ENV)


@pytest.fixture
def sqlite_users(start_server):
    return start_server(env=ENV)


def me(server):
    reply = server.get("/users/me")
    assert reply.status == 200, reply
    return reply.json


def usage_of(user):
    return user["usageInfo"]


# ---- users ----


def test_a_user_is_made_when_first_seen(users):
    user = me(users)
    assert list(user) == ["_id", "_rev", "createdAt", "updatedAt", "basicInfo", "billingInfo", "usageInfo", "apiKeys"]
    assert user["_id"] == "local-dev-user"
    assert user["basicInfo"] == {"displayName": None, "email": None}
    assert user["billingInfo"] == {"plan": None, "status": None}
    assert usage_of(user) == {"monthlyAllowance": 100, "allowanceResetDate": 0, "spendRemaining": 100, "usage": []}
    assert set(user["apiKeys"].values()) == {None}
    assert me(users) == user


def test_defaults_are_settings(start_server):
    server = start_server(sets=["plugins.users.monthly_allowance=12.5"])
    assert usage_of(me(server))["monthlyAllowance"] == usage_of(me(server))["spendRemaining"] == 12.5


def test_many_see_a_new_user_at_once(users):
    seen = []
    threads = [threading.Thread(target=lambda: seen.append(me(users))) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) == 16 and all(user == seen[0] for user in seen)


def test_the_revision_is_the_etag_and_guards_a_write(users):
    reply = users.get("/users/me")
    rev = reply.json["_rev"]
    assert reply.header("ETag") == f'"{rev}"'
    assert users.get("/users/me", headers={"If-None-Match": f'"{rev}"'}).status == 304
    assert users.post("/users/me/usage", {"responseCost": 1}).json["_rev"] != rev
    stale = users.put("/users/me/spend-remaining", {"spendRemaining": 5}, headers={"If-Match": f'"{rev}"'})
    assert stale.status == 412
    fresh = me(users)["_rev"]
    good = users.put("/users/me/spend-remaining", {"spendRemaining": 5}, headers={"If-Match": f'"{fresh}"'})
    assert good.status == 200 and usage_of(good.json)["spendRemaining"] == 5
    stale = users.put("/admin/users/local-dev-user", {"spendRemaining": 6}, headers={"If-Match": f'"{fresh}"', **ADMIN})
    assert stale.status == 412


# ---- limits ----


def test_the_allowance_lowers_what_is_left_and_never_raises_it(users):
    def put(dollars):
        info = usage_of(users.put("/users/me/monthly-allowance", {"monthlyAllowance": dollars}).json)
        assert info["monthlyAllowance"] == dollars
        return info["spendRemaining"]

    assert put(150) == 100
    assert put(20) == 20
    assert put(80) == 20
    users.put("/users/me/spend-remaining", {"spendRemaining": 0.125})
    assert put(80) == 0.125
    assert put(0) == 0


def test_usage_is_kept_in_order_and_lowers_what_is_left(users):
    for number in range(5):
        user = users.post("/users/me/usage", {"responseCost": 0.1, "metadata": {"n": number}}).json
    assert usage_of(user)["spendRemaining"] == 99.5
    assert [item["metadata"]["n"] for item in usage_of(user)["usage"]] == list(range(5))
    assert all(list(item) == ["timestamp", "responseCost", "metadata"] for item in usage_of(user)["usage"])
    user = users.post("/users/me/usage", {"responseCost": 1000}).json
    assert usage_of(user)["spendRemaining"] == 0
    assert usage_of(user)["usage"][-1] == {**usage_of(user)["usage"][-1], "responseCost": 1000, "metadata": None}
    user = users.post("/users/me/reset-allowance").json
    assert usage_of(user)["spendRemaining"] == 100 and usage_of(user)["usage"] == []


def test_only_the_latest_usage_is_shown(start_server):
    server = start_server(sets=["plugins.users.usage_shown=3"])
    for cost in range(1, 6):
        user = server.post("/users/me/usage", {"responseCost": cost}).json
    assert [item["responseCost"] for item in usage_of(user)["usage"]] == [3, 4, 5]
    assert usage_of(user)["spendRemaining"] == 85


def test_cents_add_up_exactly(users):
    users.put("/users/me/spend-remaining", {"spendRemaining": 1})
    for _ in range(10):
        user = users.post("/users/me/usage", {"responseCost": 0.1}).json
    assert usage_of(user)["spendRemaining"] == 0
    users.post("/users/me/usage", {"responseCost": 1e-9})
    assert users.get("/users/me/usage").json["total"]["costNano"] == 1_000_000_001


@pytest.mark.parametrize("value, kind", [
    (-1, "greater_than_equal"), (4000000.1, "less_than_equal"), ("x", "float_parsing"), ([], "float_type"), (None, "float_type"),
])  # fmt: skip
@pytest.mark.parametrize("path, name", [
    ("monthly-allowance", "monthlyAllowance"), ("spend-remaining", "spendRemaining"), ("usage", "responseCost"),
])  # fmt: skip
def test_what_is_no_amount_is_refused(sqlite_server, path, name, value, kind):
    reply = sqlite_server.request("POST" if path == "usage" else "PUT", f"/users/me/{path}", {name: value})
    assert reply.status == 422 and reply.detail[0]["type"] == kind and reply.detail[0]["loc"] == ["body", name]


@pytest.mark.parametrize("value", [-1, 253402300800000, "soon"])
def test_what_is_no_date_is_refused(sqlite_server, value):
    assert sqlite_server.put("/users/me/allowance-reset-date", {"allowanceResetDate": value}).status == 422


def test_users_may_be_kept_from_their_limits(start_server):
    server = start_server(sets=["plugins.users.self_service_limits=false"], env=ENV)
    for path, name in (("monthly-allowance", "monthlyAllowance"), ("allowance-reset-date", "allowanceResetDate"),
                       ("spend-remaining", "spendRemaining")):  # fmt: skip
        reply = server.put(f"/users/me/{path}", {name: 1000})
        assert (reply.status, reply.detail) == (403, "Limits are changed by an administrator.")
    assert server.post("/users/me/reset-allowance").status == 403
    assert server.post("/users/me/usage", {"responseCost": 1}).status == 200
    reply = server.put("/admin/users/local-dev-user", {"spendRemaining": 1000}, headers=ADMIN)
    assert usage_of(reply.json)["spendRemaining"] == 1000


# ---- months ----


def test_an_allowance_is_full_again_at_its_date_and_then_monthly(users):
    soon = int(time.time() * 1000) + 5000
    users.post("/users/me/usage", {"responseCost": 40})
    user = users.put("/users/me/allowance-reset-date", {"allowanceResetDate": soon}).json
    assert usage_of(user)["allowanceResetDate"] == soon and usage_of(user)["spendRemaining"] == 60
    while time.time() * 1000 <= soon:
        time.sleep(0.05)
    info = usage_of(users.get("/admin/users", headers=ADMIN).json[0])
    assert info["spendRemaining"] == 100
    assert soon + 27 * 86400 * 1000 < info["allowanceResetDate"] <= soon + MONTH_MS
    assert len(info["usage"]) == 1
    users.post("/users/me/usage", {"responseCost": 1})
    assert usage_of(me(users))["spendRemaining"] == 99


def test_a_date_in_the_past_is_kept_and_resets_nothing(users):
    users.post("/users/me/usage", {"responseCost": 40})
    info = usage_of(users.put("/users/me/allowance-reset-date", {"allowanceResetDate": 86400000}).json)
    assert info["allowanceResetDate"] == 86400000 and info["spendRemaining"] == 60


def test_a_time_zone_is_the_users_or_the_servers(start_server):
    server = start_server(sets=["plugins.users.time_zone=Asia/Tokyo"])
    assert server.get("/users/me/time-zone").json == {"timeZone": None, "effective": "Asia/Tokyo"}
    reply = server.put("/users/me/time-zone", {"timeZone": "America/New_York"})
    assert reply.json == {"timeZone": "America/New_York", "effective": "America/New_York"}
    assert server.get("/users/me/usage").json["timeZone"] == "America/New_York"
    for name in ("Mars/Olympus", "../../etc/passwd", "", "posixrules/x"):
        reply = server.put("/users/me/time-zone", {"timeZone": name})
        assert (reply.status, reply.detail) == (400, f"There is no time zone '{name}'")
    assert server.put("/users/me/time-zone", {"timeZone": None}).json["effective"] == "Asia/Tokyo"


def test_a_time_zone_that_is_gone_is_the_servers(start_server, tmp_path):
    (tmp_path / "Mine").write_bytes(pathlib.Path("/usr/share/zoneinfo/Asia/Tokyo").read_bytes())
    server = start_server(sets=[f"plugins.users.zone_folder={tmp_path}"])
    assert server.put("/users/me/time-zone", {"timeZone": "Mine"}).status == 200
    (tmp_path / "Mine").unlink()
    assert server.post("/users/me/usage", {"responseCost": 1}).status == 200
    assert server.get("/users/me/usage").json["total"]["calls"] == 1
    (tmp_path / "Broken").write_text("TZif2")
    reply = server.put("/users/me/time-zone", {"timeZone": "Broken"})
    assert (reply.status, reply.detail) == (400, "The file of the time zone 'Broken' is damaged")


def test_a_server_in_no_time_zone_does_not_start(tmp_path):
    command = [EINION, "--set", "plugins.users.time_zone=Nowhere"]
    done = subprocess.run(command, env=Server(state=tmp_path).environment(), capture_output=True, text=True, timeout=300)
    assert done.returncode == 1 and "There is no time zone 'Nowhere'" in done.stderr


# ---- reports ----


def test_usage_by_day_model_agent_and_key(users):
    for cost in (1, 0.5):
        users.post("/users/me/usage", {"responseCost": cost})
    report = users.get("/users/me/usage").json
    assert list(report) == ["from", "to", "by", "timeZone", "total", "rows", "unsettled"]
    today = time.strftime("%Y-%m-%d", time.gmtime())
    counts = {"calls": 2, "cost": 1.5, "costNano": 1_500_000_000, "inputTokens": 0, "cachedTokens": 0,
              "cacheWriteTokens": 0, "outputTokens": 0, "reasoningTokens": 0}  # fmt: skip
    assert report["rows"] == [{"day": today, **counts}] and report["total"] == counts
    assert report["unsettled"] == {"open": 0, "expired": 0, "bound": 0}
    assert users.get("/users/me/usage?by=model").json["rows"] == [{"model": None, **counts}]
    for by in ("agent", "key"):
        assert users.get(f"/users/me/usage?by={by}").json["rows"] == [{by: None, "name": None, **counts}]
    assert users.get("/users/me/usage?by=user").status == 422
    assert users.get("/admin/usage?by=user", headers=ADMIN).json["rows"] == [{"user": "local-dev-user", "name": None, **counts}]
    assert users.get("/admin/usage").status == 401


def test_a_report_is_of_a_time(users):
    users.post("/users/me/usage", {"responseCost": 1})
    now = int(time.time() * 1000)
    assert users.get(f"/users/me/usage?from={now - 60000}&to={now + 60000}").json["total"]["calls"] == 1
    assert users.get(f"/users/me/usage?from={now + 60000}&to={now + 120000}").json["total"]["calls"] == 0
    today = time.strftime("%Y-%m-%d", time.gmtime())
    report = users.get(f"/users/me/usage?from={today}&to={today}").json
    assert report["from"] == today + "T00:00:00.000000Z" and report["total"]["calls"] == 1
    reply = users.get("/users/me/usage?from=yesterday")
    assert reply.status == 422 and reply.detail.startswith("'from' is no day")


def test_a_report_as_csv(users):
    users.post("/users/me/usage", {"responseCost": 0.000000001})
    today = time.strftime("%Y-%m-%d", time.gmtime())
    expected = ("day,calls,cost,inputTokens,cachedTokens,cacheWriteTokens,outputTokens,reasoningTokens\r\n"
                f'"{today}",1,0.000000001,0,0,0,0,0\r\n')  # fmt: skip
    for options in ({"headers": {"Accept": "text/csv"}}, {}):
        reply = users.get("/users/me/usage" + ("" if options else "?format=csv"), **options)
        assert reply.text == expected
        assert reply.header("Content-Type") == "text/csv; charset=utf-8"
    assert users.get("/users/me/usage?format=json", headers={"Accept": "text/csv"}).json["total"]["calls"] == 1
    assert users.get("/admin/usage?by=user&format=csv", headers=ADMIN).text.splitlines()[1].startswith('"local-dev-user","",1,')


# ---- keys ----


def test_a_key_is_kept_masked_used_and_forgotten(users):
    user = users.put("/users/me/api-keys", {"provider": "openai", "api_key": KEY}).json
    assert user["apiKeys"]["openaiApiKey"] == "sk-…WXYZ"
    assert users.get("/users/me/api-keys").json == user["apiKeys"] == me(users)["apiKeys"]
    effective = "/users/me/api-keys/openai/effective"
    assert users.get(effective).json == {"provider": "openai", "has_key": True, "source": "user"}
    user = users.delete("/users/me/api-keys/openai").json
    assert user["apiKeys"]["openaiApiKey"] is None
    assert users.get(effective).json == {"provider": "openai", "has_key": False, "source": None}
    assert users.delete("/users/me/api-keys/openai").status == 200
    users.put("/users/me/api-keys", {"provider": "gemini", "apiKey": "short-one"})
    assert me(users)["apiKeys"]["geminiApiKey"] == "…"


def test_the_environments_key_comes_second(start_server, tmp_path):
    (tmp_path / "anthropic").write_text(KEY + "\n")
    server = start_server(env={"OPENAI_API_KEY": KEY, "ANTHROPIC_API_KEY_FILE": str(tmp_path / "anthropic"),
                               "AWS_BEARER_TOKEN_BEDROCK": KEY})  # fmt: skip
    sources = {name: server.get(f"/users/me/api-keys/{name}/effective").json["source"]
               for name in ("openai", "anthropic", "bedrock", "gemini")}  # fmt: skip
    assert sources == {"openai": "env", "anthropic": "env", "bedrock": "env", "gemini": None}
    server.put("/users/me/api-keys", {"provider": "openai", "api_key": KEY})
    assert server.get("/users/me/api-keys/openai/effective").json["source"] == "user"
    assert server.get("/users/me/api-keys").json["anthropicApiKey"] is None


@pytest.mark.parametrize("provider", ["zzz", "", "bedrock", "ollama", "openai "])
def test_an_unknown_provider_has_no_key(sqlite_server, provider):
    reply = sqlite_server.put("/users/me/api-keys", {"provider": provider, "api_key": KEY})
    assert (reply.status, reply.detail) == (400, f"Unknown provider: {provider}")
    assert sqlite_server.delete("/users/me/api-keys/zzz").detail == "Unknown provider: zzz"
    assert sqlite_server.get("/users/me/api-keys/zzz/effective").detail == "Unknown provider: zzz"


@pytest.mark.parametrize("key, status", [
    ("", 422), ("x" * 8193, 422), (7, 422), ("two words", 400), ("line\nline", 400), ("schlüssel", 400),
])  # fmt: skip
def test_what_is_no_key_is_refused(sqlite_server, key, status):
    assert sqlite_server.put("/users/me/api-keys", {"provider": "openai", "api_key": key}).status == status


def test_no_fault_repeats_a_key(sqlite_server):
    for body in ({"api_key": KEY}, {"apiKey": KEY}, {"api_key": [KEY], "provider": 3}, {"provider": {"api_key": 1}, "apiKey": {"a": KEY}}):
        reply = sqlite_server.put("/users/me/api-keys", body)
        assert reply.status == 422 and KEY not in reply.text


def memory_of(process):
    """All that the process can read of itself."""
    with open(f"/proc/{process.pid}/maps") as maps, open(f"/proc/{process.pid}/mem", "rb", 0) as memory:
        for line in maps:
            begin, end = (int(number, 16) for number in line.split()[0].split("-"))
            try:
                memory.seek(begin)
                yield memory.read(end - begin)
            except (OSError, ValueError, OverflowError):
                pass  # the kernel's own


def test_a_key_is_nowhere_but_sealed(sqlite_users):
    server = sqlite_users
    server.put("/users/me/api-keys", {"provider": "openai", "api_key": KEY})
    server.put("/users/me/api-keys", {"api_key": KEY})
    assert server.get("/users/me/api-keys/openai/effective").json["has_key"]
    answers = [server.get(path, headers=ADMIN).text for path in ("/users/me", "/users/me/api-keys", "/admin/users", "/admin/audit")]
    assert "model_key_set" in answers[3]
    secret = KEY.encode()
    assert all(KEY not in answer for answer in answers)
    assert KEY not in server.log()
    process = f"/proc/{server.process.pid}"
    assert all(secret not in open(f"{process}/{name}", "rb").read() for name in ("cmdline", "environ"))
    assert all(secret not in path.read_bytes() for path in server.state.iterdir() if path.is_file())
    if b"__asan_init" not in EINION.read_bytes() and b"__tsan_init" not in EINION.read_bytes():
        assert not any(secret in piece for piece in memory_of(server.process))


def test_without_a_vault_no_key_is_kept(start_server):
    server = start_server(sets=["plugins.vault.enabled=false", "plugins.audit.enabled=false", "plugins.transfer.enabled=false"], env={"OPENAI_API_KEY": KEY})
    assert server.put("/users/me/api-keys", {"provider": "openai", "api_key": KEY}).status == 503
    assert server.get("/users/me/api-keys/openai/effective").json["source"] == "env"
    assert me(server)["apiKeys"]["openaiApiKey"] is None


def test_a_report_has_so_many_rows_and_no_more(start_server):
    server = start_server(sets=[*SETS, "plugins.users.report_rows=1"])
    for name, status in (("alice", 200), ("alice", 200), ("bob", 422)):
        person = Person(server, f"header:{name}", site_admin=True)
        assert person.post("/users/me/usage", {"responseCost": 1}).status == 200
        reply = person.get("/admin/usage?by=user")
        assert reply.status == status, reply
    assert "more than 1 rows: choose a shorter time" in reply.detail


# ---- admin ----


def test_admin_sees_all_users_in_pages(users):
    for number in range(5):
        assert users.put(f"/admin/users/u{number}", {"monthlyAllowance": number}, headers=ADMIN).status == 200
    whole = users.get("/admin/users", headers=ADMIN).json
    assert [user["_id"] for user in whole] == [f"u{number}" for number in range(5)]
    page = users.get("/admin/users?limit=2", headers=ADMIN)
    seen = page.json
    assert len(seen) == 2
    while link := page.header("Link"):
        page = users.get(re.fullmatch(r'<(.*)>; rel="next"', link)[1], headers=ADMIN)
        seen += page.json
    assert seen == whole


def test_for_each_user_of_the_list_the_store_is_asked_once(start_server):
    server = start_server(backend="memory", env=ENV)

    def make(numbers):
        for number in numbers:
            assert server.put(f"/admin/users/u{number}", {"spendRemaining": number}, headers=ADMIN).status == 200

    make([1])
    alone = server.store_operations("/admin/users", headers=ADMIN)
    make(range(2, 502))
    left = [usage_of(user)["spendRemaining"] for user in server.get("/admin/users", headers=ADMIN).json]
    assert left == list(range(1, 502))
    assert server.store_operations("/admin/users", headers=ADMIN) == alone + 500 + 1  # what is left is read for 500 at once


def test_admin_changes_allowance_then_date_then_what_is_left(users):
    user = users.put("/admin/users/new%3Auser", {"monthlyAllowance": 10, "spendRemaining": 25, "allowanceResetDate": 7}, headers=ADMIN).json
    assert user["_id"] == "new:user"
    assert usage_of(user) == {"monthlyAllowance": 10, "allowanceResetDate": 7, "spendRemaining": 25, "usage": []}
    user = users.put("/admin/users/new%3Auser", {"monthlyAllowance": None, "spend_remaining": "3"}, headers=ADMIN).json
    assert usage_of(user)["monthlyAllowance"] == 10 and usage_of(user)["spendRemaining"] == 3
    assert users.put("/admin/users/" + "u" * 381, {}, headers=ADMIN).status == 400


@pytest.mark.parametrize("method, path", [
    ("GET", "/admin/users"), ("PUT", "/admin/users/x"), ("GET", "/admin/usage"), ("GET", "/admin/audit")])
def test_admin_needs_a_password(sqlite_users, sqlite_server, method, path):
    users = sqlite_users
    body = {} if method == "PUT" else None
    assert users.request(method, path, body).status == 401
    reply = users.request(method, path, body, headers={"X-Admin-Password": "p"})
    assert (reply.status, reply.detail) == (401, "Invalid admin password")
    reply = sqlite_server.request(method, path, body)
    assert (reply.status, reply.detail) == (403, "Admin panel is disabled, and auth.site_admins does not name you")


# ---- many at once ----


def test_changes_meet_calls_without_losing_either(users):
    """Limits are changed while costs are reported: at the end both are there."""
    wrong = []

    def report():
        with Connection(users.port) as connection:
            for _ in range(20):
                connection.send_request("POST", "/users/me/usage", json.dumps({"responseCost": 0.01}).encode())
                reply = connection.read_reply()
                if reply.status != 200:
                    wrong.append(("a cost", reply.status, reply.body))

    def change():
        for number in range(10):
            if users.put("/users/me/allowance-reset-date", {"allowanceResetDate": number}).status != 200:
                wrong.append("a date")

    threads = [threading.Thread(target=report) for _ in range(8)] + [threading.Thread(target=change) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert usage_of(me(users))["spendRemaining"] == 100 - 8 * 20 * 0.01
    assert users.get("/users/me/usage").json["total"] == {**users.get("/users/me/usage").json["total"], "calls": 160, "cost": 1.6}


def test_what_was_answered_is_there_after_a_kill(sqlite_users):
    server = sqlite_users
    server.post("/users/me/usage", {"responseCost": 1.5})
    server.put("/users/me/api-keys", {"provider": "openai", "api_key": KEY})
    before = me(server)
    server.kill()
    server.start()
    assert me(server) == before
    with sqlite3.connect(f"file:{next(server.state.glob('*.db'))}?mode=ro", uri=True) as database:
        (body,) = database.execute("SELECT body FROM set_ledger_accounts").fetchone()
    assert json.loads(body) == {"remainingNano": 98_500_000_000, "heldNano": 0}


def key_of(value):
    """As plugins/common/query/key.c: a number, text, or nothing."""
    if value is None:
        return b"\x10"
    if isinstance(value, str):
        return b"@" + value.encode()
    bits = struct.unpack(">Q", struct.pack(">d", value))[0] | 1 << 63
    return b"0" + struct.pack(">QH", bits, 0x8000)


def put_docs(server, name, docs):
    """(id, document) ... in the file of a server that is stopped."""
    with contextlib.closing(sqlite3.connect(server.state / "einion.db")) as db, db:
        columns = dict(db.execute("SELECT field, number FROM ein_indexes WHERE set_name = ?", [name]))
        keys = "".join(f", k{number}" for number in columns.values())
        db.executemany(
            f"INSERT INTO set_{name}(id, rev, body{keys}) VALUES(?, '1-0', ?{', ?' * len(columns)})",
            ((id, json.dumps(doc), *(key_of(doc.get(field)) for field in columns)) for id, doc in docs),
        )


def entries(uid, count):
    """So many calls of today."""
    now = time.time_ns() // 1000
    for us in range(now - count, now):
        yield f"{uid}{us}", {"userId": uid, "userTime": f"{uid}|{us:020d}", "createdAtUs": us, "costNano": 1,
                             "timestamp": "2026-01-01T00:00:00.000000Z", "model": "m"}  # fmt: skip


def test_what_is_left_to_keys_and_what_nobody_settled_is_in_ones_copy():
    with Server(env=ENV) as server:
        server.start()
        server.stop()
        for name in ("ledger_budgets", "ledger_expired"):
            put_docs(server, name, ((f"{name} of {uid}", {"userId": uid, "createdAtUs": 1}) for uid in ("local-dev-user", "another")))
        server.start()
        docs = [json.loads(line).get("doc") for line in server.get("/users/me/export").text.splitlines()]
        assert [doc["_id"] for doc in docs if doc] == ["ledger_expired of local-dev-user", "ledger_budgets of local-dev-user"]


def test_a_report_nobody_waits_for_ends():
    pages = 100

    def pages_read():
        return int(re.search(r'operations_total\{op="find",outcome="success"\} (\d+)', server.get("/metrics").text)[1])

    def reports():
        return int(re.search(r"einion_http_requests_in_flight (\d+)", server.get("/metrics").text)[1]) - 1

    with Server("sqlite", sets=SETS) as server:
        server.start(ready=True)
        server.stop()
        put_docs(server, "ledger_entries", entries("header:alice", pages * 1000))
        server.start(ready=True)
        root = Person(server, "header:root", site_admin=True)
        before = pages_read()
        with server.connect() as connection:
            connection.send_request("GET", "/admin/usage?by=day", headers=root.headers)
            wait_until(lambda: pages_read() > before, 10, "the report to begin")
        wait_until(lambda: reports() == 0, 10, "the report to end")
        assert pages_read() - before < pages
        assert root.get("/admin/usage?by=user").json["total"]["calls"] == pages * 1000


def test_the_list_of_all_users_takes_little_more_memory_than_its_text():
    def peak():
        return int(re.search(r"VmHWM:\s+(\d+)", pathlib.Path(f"/proc/{server.process.pid}/status").read_text())[1])

    with Server("sqlite", sets=SETS, env={"EIN_CHECK_REPLIES": "0"}) as server:
        server.start(ready=True)
        root = Person(server, "header:root", site_admin=True)
        assert root.get("/users/me").status == 200
        server.stop()
        with contextlib.closing(sqlite3.connect(server.state / "einion.db")) as db:
            user = json.loads(db.execute("SELECT body FROM set_users").fetchone()[0])
            account = json.loads(db.execute("SELECT body FROM set_ledger_accounts").fetchone()[0])
        uids = [f"header:u{n}" for n in range(800)]
        put_docs(server, "users", ((uid, user) for uid in uids))
        put_docs(server, "ledger_accounts", ((uid, account) for uid in uids))
        put_docs(server, "ledger_entries", (entry for uid in uids for entry in entries(uid, 100)))
        server.start(ready=True)
        assert root.get("/admin/users?limit=9").status == 200
        before = peak()
        reply = root.get("/admin/users")
        assert len(reply.json) == len(uids) + 1 and len(reply.body) > 8 << 20
        if SCALE == 1:  # a sanitizer keeps what is freed
            assert peak() - before < 5 * len(reply.body) / 1024
