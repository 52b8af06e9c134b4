# SPDX-License-Identifier: Apache-2.0
"""Somebody is blocked: by each way in, at each server, and what they had going on."""

import json
import socket
import threading
import time
import uuid

import pytest
from agents import deploy
from chats import SCRIPTED, Stream, ended
from demos import api, body
from people import Bearer
from support import Person, logins, wait_until

BLOCKED = "This account is blocked here; whoever runs this server knows why."
SLEEP = "import time\nasync def run(input_dict, tools):\n    print('begun')\n    time.sleep(1000)\n"
ADMIN = "dev_stub:site_admin_1"
ALICE = "/admin/users/dev_stub:alice/blocked"
ON = ["plugins.users.blocks_ms=50", "limits.recheck_s=1"]
SLEEPING = {"code": SLEEP, "inputDict": {}, "tools": {}, "gofannonAgents": []}


@pytest.fixture
def server(start_fresh):
    return start_fresh(sets=[logins(), *ON])


@pytest.fixture
def start_pair(start_server, postgres):
    """Two servers of one store."""
    sets = [*ON, f"plugins.storage-postgres.schema=t{uuid.uuid4().hex}"]

    def start(**auth):
        return [start_server(backend="postgres", sets=[logins(**auth), *sets], env={"DATABASE_URL": postgres()}) for _ in range(2)]

    return start


@pytest.fixture
def sqlite_server(start_server):
    return start_server(sets=[logins(), *ON])


def who(server, uid):
    return Person(server).login(uid)


def block(admin, path=ALICE, **body):
    reply = admin.put(path, body)
    assert reply.status == 200, reply
    return reply.json


def key_of(person, scopes=("models", "agents", "deployments")):
    reply = person.post("/users/me/keys", {"name": "k", "scopes": list(scopes)})
    assert reply.status == 201, reply
    return Bearer(person.server, reply.json["key"])


def cookie_of(person):
    return {"Cookie": f"gofannon_sid={person.cookies['gofannon_sid']}"}


def run_endless(server, headers):
    """A run of theirs that has begun, and is looked at."""
    stream = Stream(server, "POST", "/agents/run-code/stream", SLEEPING, headers=headers)
    assert stream.head.status == 200 and next(iter(stream))
    return stream


def cut_off(stream):
    """It ends, without the event that says so."""
    return "done" not in [event for event, _, _ in stream]


def refused(person, path="/agents"):
    reply = person.get(path)
    assert (reply.status, reply.detail) == (403, BLOCKED), reply
    assert 'reason="account_blocked"' in reply.header("WWW-Authenticate")
    return True


# ---- in and out ----


def test_who_is_blocked_is_out_with_the_next_request_and_in_again(server):
    admin, alice, carol = who(server, "site_admin_1"), who(server, "alice"), who(server, "carol")
    key = key_of(alice)
    assert alice.get("/agents").status == key.get("/agents").status == 200
    assert [one.post("/users/me/usage", {"responseCost": 1}).status for one in (alice, carol)] == [200, 200]
    shown = block(admin, reason="left the company")
    assert shown["_id"] == "dev_stub:alice"
    assert shown["blocked"] == {"at": shown["blocked"]["at"], "by": ADMIN, "reason": "left the company"}
    assert refused(alice) and refused(key) and refused(alice, "/auth/me") and refused(alice, "/admin/users")
    listed = {user["_id"]: user.get("blocked") for user in admin.get("/admin/users").json}
    assert listed["dev_stub:alice"] == shown["blocked"] and listed.get("dev_stub:carol") is None
    again = Person(server)
    reply = again.finish("alice", again.begin()["state"])
    assert reply.status == 403 and BLOCKED in reply.text and "left the company" not in reply.text
    assert "gofannon_sid" not in again.cookies
    assert carol.get("/agents").status == 200
    rows = {row["user"]: row.get("blocked") for row in admin.get("/admin/usage?by=user").json["rows"]}
    assert rows == {"dev_stub:alice": True, "dev_stub:carol": None}
    # what is theirs stays, and they do
    reply = admin.delete(ALICE)
    assert reply.status == 200 and "blocked" not in reply.json
    assert alice.get("/agents").status == key.get("/agents").status == 200
    assert who(server, "alice").get("/auth/me").status == 200
    log = [(entry["action"], entry["actor"], entry.get("target"), entry.get("details"))
           for entry in admin.get("/admin/audit").json if "blocked" in entry["action"]]  # fmt: skip
    assert sorted(log) == [("user_blocked", ADMIN, "dev_stub:alice", {"reason": "left the company"}),
                           ("user_unblocked", ADMIN, "dev_stub:alice", None)]  # fmt: skip


def test_a_block_outlives_the_server(sqlite_server):
    admin, alice = who(sqlite_server, "site_admin_1"), who(sqlite_server, "alice")
    block(admin)
    sqlite_server.stop()
    sqlite_server.start()
    assert refused(alice)


def test_a_second_reason_replaces_the_first_and_unblocking_twice_is_once(sqlite_server):
    admin = who(sqlite_server, "site_admin_1")
    block(admin, reason="one")
    assert block(admin, reason="two")["blocked"]["reason"] == "two"
    assert [admin.delete(ALICE).status for _ in range(2)] == [200, 200]
    assert sum(entry["action"] == "user_unblocked" for entry in admin.get("/admin/audit").json) == 1
    assert admin.put(ALICE, {"reason": "x" * 501}).status == 422
    assert admin.delete("/admin/users/dev_stub:nobody/blocked").status == 404
    assert "dev_stub:nobody" not in [user["_id"] for user in admin.get("/admin/users").json]


def test_somebody_is_blocked_before_they_come(sqlite_server):
    block(who(sqlite_server, "site_admin_1"))
    alice = Person(sqlite_server)
    assert alice.finish("alice", alice.begin()["state"]).status == 403


def test_only_admins_block(sqlite_server):
    carol = who(sqlite_server, "carol")
    assert carol.put(ALICE, {}).status == carol.delete(ALICE).status == 403
    assert key_of(carol, ["admin"]).put(ALICE, {}).status == 403
    assert key_of(who(sqlite_server, "site_admin_1"), ["admin:read"]).put(ALICE, {}).status == 403


def test_ids_that_differ_in_case_are_two_people(sqlite_server):
    admin, alice = who(sqlite_server, "site_admin_1"), who(sqlite_server, "alice")
    block(admin, "/admin/users/dev_stub:Alice/blocked")
    assert alice.get("/agents").status == 200


# ---- an admin is left ----


def test_nobody_blocks_themselves(sqlite_server):
    admin = who(sqlite_server, "site_admin_1")
    for one in (admin, key_of(admin, ["admin"])):
        reply = one.put(f"/admin/users/{ADMIN}/blocked", {})
        assert (reply.status, reply.detail) == (409, "You cannot block yourself: there would be one admin fewer.")
    assert admin.get("/admin/users").status == 200


@pytest.mark.parametrize("count", [1, 2])
def test_of_two_admins_who_block_each_other_one_is_left(start_server, start_pair, count):
    admins = ["dev_stub:alice", "dev_stub:carol"]
    servers = start_pair(site_admins=admins) if count == 2 else [start_server(sets=[logins(site_admins=admins), *ON])]
    for _ in range(5):
        pair = [(who(servers[0], "alice"), "dev_stub:carol"), (who(servers[-1], "carol"), "dev_stub:alice")]
        together, statuses = threading.Barrier(2), []

        def go(admin, other, together=together, statuses=statuses):
            together.wait()
            statuses.append(admin.put(f"/admin/users/{other}/blocked", {}).status)

        threads = [threading.Thread(target=go, args=one) for one in pair]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(statuses) == [200, 403]
        wait_until(lambda: sorted(admin.get("/agents").status for admin, _ in pair) == [200, 403], 5, "both servers to know")
        left, other = next(one for one in pair if one[0].get("/agents").status == 200)
        assert left.delete(f"/admin/users/{other}/blocked").status == 200
        wait_until(lambda: all(admin.get("/agents").status == 200 for admin, _ in pair), 5, "both servers to know")


# ---- several servers ----


def test_every_server_of_a_store_knows_it_soon(start_pair):
    one, other = start_pair()
    admin, alice = who(one, "site_admin_1"), who(one, "alice")
    key = key_of(alice)
    elsewhere = Bearer(other, key.token)
    assert elsewhere.get("/agents").status == 200  # and is in a cache
    begun = time.monotonic()
    block(admin)
    wait_until(lambda: elsewhere.get("/agents").status == 403, 5, "the other server to know")
    assert time.monotonic() - begun < 5
    assert refused(elsewhere)
    assert Person(other).finish("alice", "x").status == 400
    again = Person(other)
    assert again.finish("alice", again.begin()["state"]).status == 403
    admin.delete(ALICE)
    wait_until(lambda: elsewhere.get("/agents").status == 200, 5, "the other server to know")


# ---- what they had going on ----


def test_streams_and_runs_of_theirs_end(sqlite_server):
    admin, alice, carol = (who(sqlite_server, uid) for uid in ("site_admin_1", "alice", "carol"))
    streams = [run_endless(sqlite_server, headers) for headers in (cookie_of(alice), key_of(alice).headers, cookie_of(carol))]
    block(admin)
    assert all(cut_off(stream) for stream in streams[:2])
    assert "has been ended: " + BLOCKED in sqlite_server.log()
    admin.delete(ALICE)  # so that they can tell
    found = wait_until(lambda: len(got := alice.get("/runs?status=stopped").json) == 2 and got, 20, "the ends of runs")
    assert {run["reason"] for run in found} <= {"Who ran it was blocked.", "Its client left."}
    assert [run["status"] for run in carol.get("/runs").json] == ["running"]
    streams[2].connection.close()


def test_a_run_that_waits_for_no_client_ends_too(sqlite_server):
    admin, alice = who(sqlite_server, "site_admin_1"), who(sqlite_server, "alice")
    with run_endless(sqlite_server, cookie_of(alice) | {"Idempotency-Key": "one"}):
        pass
    assert alice.get("/runs").json[0]["status"] == "running"
    block(admin)
    wait_until(lambda: "has been ended" in sqlite_server.log(), 10, "the request to end")
    admin.delete(ALICE)
    wait_until(lambda: alice.get("/runs").json[0]["status"] == "stopped", 20, "the run to end")


def test_runs_at_another_server_end(start_pair):
    one, other = start_pair()
    other.wait_ready()
    stream = run_endless(other, cookie_of(who(other, "alice")))
    block(who(one, "site_admin_1"))
    assert cut_off(stream)


def test_a_chat_that_is_answered_ends(start_server):
    server = start_server(sets=[logins(), *SCRIPTED, *ON, "plugins.chat.poll_ms=50"])
    admin, alice = who(server, "site_admin_1"), who(server, "alice")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        steps = [{"fetch": f"http://127.0.0.1:{silent.getsockname()[1]}/"}]
        ask = {"messages": [{"role": "user", "content": json.dumps(steps)}], "provider": "scripted", "model": "m"}
        ticket = alice.post("/chat", ask).json["ticket_id"]
        connection, _ = silent.accept()
        block(admin)
        time.sleep(1)
        admin.delete(ALICE)
        end = ended(alice, ticket)
        connection.close()
    assert (end["status"], end["error"]) == ("failed", "The user who asked this has been blocked.")


# ---- logins that have ended ----


def test_a_stream_ends_with_its_login_and_its_key(sqlite_server):
    alice, carol = who(sqlite_server, "alice"), who(sqlite_server, "carol")
    streams = [run_endless(sqlite_server, headers) for headers in (cookie_of(alice), key_of(carol).headers)]
    assert alice.post("/auth/logout").status == 204
    assert carol.delete(f"/users/me/keys/{carol.get('/users/me/keys').json[0]['_id']}").status == 204
    assert all(cut_off(stream) for stream in streams)


def test_a_stream_of_a_login_that_goes_on_goes_on(sqlite_server):
    alice = who(sqlite_server, "alice")
    code = "import time\nasync def run(input_dict, tools):\n    print('begun')\n    time.sleep(4)\n    return {'done': True}\n"
    with Stream(sqlite_server, "POST", "/agents/run-code/stream", SLEEPING | {"code": code}, headers=cookie_of(alice)) as stream:
        assert [event for event, _, _ in stream if event][-1] == "done"


def test_somebody_is_blocked_though_the_store_is_full(start_server):
    full = ["plugins.storage-sqlite.max_mib=8", "plugins.storage-sqlite.reserve_mib=1"]
    server = start_server(sets=[logins(), *ON, *full])
    alice, admin = who(server, "alice"), who(server, "site_admin_1")
    assert alice.get("/users/me").status == admin.get("/users/me").status == 200
    written = 0
    while (reply := alice.put(f"/data-store/namespaces/n/records/{written}", {"value": "x" * 100_000})).status == 200:
        written += 1
    assert reply.status == 503 and "The store cannot grow" in reply.detail
    block(admin)
    assert alice.get("/users/me").status == 403
    assert admin.delete(ALICE).status == alice.get("/users/me").status == 200


def test_a_token_of_a_demo_ends_with_the_login_it_was_made_with(sqlite_server):
    alice = who(sqlite_server, "alice")
    _, name = deploy(alice)
    demo = alice.post("/demos", body(selectedApis=[api(name)]))
    assert demo.status == 201, demo
    token = Bearer(sqlite_server, alice.post(f"/demos/{demo.json['_id']}/app/token").json["token"])
    assert token.post(f"/rest/{name}", {"inputText": "x"}).status == 200
    other = who(sqlite_server, "alice")
    assert alice.post("/auth/logout").status == 204
    reply = token.post(f"/rest/{name}", {"inputText": "x"})
    assert (reply.status, reply.detail) == (401, "This token of a demo has ended.")
    again = Bearer(sqlite_server, other.post(f"/demos/{demo.json['_id']}/app/token").json["token"])
    assert again.post(f"/rest/{name}", {"inputText": "x"}).status == 200
    block(who(sqlite_server, "site_admin_1"))
    assert again.post(f"/rest/{name}", {"inputText": "x"}).status == 403
