# SPDX-License-Identifier: Apache-2.0
"""Logging in with a browser: the flow, and those who would bend it."""

import concurrent.futures
import html.parser
import json
import re
import sqlite3
import time
import urllib.parse

import pytest
from support import USERS, Person, logins, wait_until

FRONT = "http://localhost:3000"
ALICE = {
    "uid": "dev_stub:alice", "displayName": "Alice Dev", "email": "alice@dev.local", "providerType": "dev_stub",
    "workspaces": [
        {"workspaceId": "personal:dev_stub:alice", "role": "admin", "displayName": "Personal",
         "source": "auto_personal", "description": None},
        {"workspaceId": "project:tomcat", "role": "admin", "displayName": "Apache Tomcat", "source": "dev_stub",
         "description": None}],
    "isSiteAdmin": False}  # fmt: skip


class Page(html.parser.HTMLParser):
    """What a browser makes of a page: its links, its words, its elements."""

    def __init__(self, reply):
        super().__init__()
        self.links, self.words, self.tags = [], [], []
        self.feed(reply.text)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        if tag == "a":
            self.links.append(dict(attributes)["href"])

    def handle_data(self, data):
        self.words.append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())


def assert_harmless(reply):
    """A page that runs nothing, and loads nothing."""
    policy = reply.header("Content-Security-Policy")
    assert "default-src 'none'" in policy and "unsafe" not in policy and "frame-ancestors 'none'" in policy
    assert reply.header("Content-Type") == "text/html; charset=utf-8"
    assert reply.header("Cache-Control") == "no-store" and reply.header("Referrer-Policy") == "no-referrer"
    assert reply.header("X-Frame-Options") == "DENY" and reply.header("X-Content-Type-Options") == "nosniff"
    assert not set(Page(reply).tags) - {"html", "head", "meta", "title", "style", "body", "h1", "p", "ul", "li", "a"}


# ---- the flow ----

def test_from_the_login_to_the_logout(person):
    someone = person()
    reply = someone.get("/auth/login/dev_stub?return_to=/agents")
    assert reply.status == 302 and reply.header("Location").startswith("/auth/dev-stub-picker?state=")
    state = someone.attributes["gofannon_auth_state"]
    assert state == {"max-age": "600", "path": "/", "httponly": "", "samesite": "Lax"}
    assert someone.cookies["gofannon_return_to"] == "/agents"

    page = Page(someone.get(reply.header("Location")))
    link = next(link for link in page.links if "code=alice" in link)
    assert link == f"/auth/callback/dev_stub?code=alice&state={someone.cookies['gofannon_auth_state']}"
    reply = someone.get(link)
    assert (reply.status, reply.header("Location")) == (302, FRONT + "/agents")
    assert re.fullmatch(r"[A-Za-z0-9_-]{43}", someone.cookies["gofannon_sid"])
    assert someone.attributes["gofannon_sid"] == {"max-age": "86400", "path": "/", "httponly": "", "samesite": "Lax"}
    assert set(someone.cookies) == {"gofannon_sid"}

    assert list(someone.get("/auth/me").json.items()) == list(ALICE.items())
    assert someone.get("/agents").json == []
    session = dict(someone.cookies)
    reply = someone.post("/auth/logout")
    assert (reply.status, reply.body, someone.cookies) == (204, b"", {})
    someone.cookies = session
    reply = someone.get("/agents")
    assert (reply.status, reply.detail) == (401, "Session expired or invalid")
    assert reply.header("WWW-Authenticate") == (
        'Bearer realm="einion", error="invalid_token", reason="session_expired"')
    assert reply.header("X-Auth-Reason") == "session_expired" and person().get("/agents").header("X-Auth-Reason") is None
    assert someone.post("/auth/logout").status == 204


def test_who_is_in_no_workspace_is_not_let_in(person):
    someone = person()
    reply = someone.finish("bob", someone.begin()["state"])
    assert reply.status == 403 and "gofannon_sid" not in someone.cookies
    assert_harmless(reply)
    assert "Login denied" in Page(reply).text and "Bob Emeritus" in Page(reply).text


def test_a_site_admin_needs_no_workspace(person):
    assert person("site_admin_1").get("/auth/me").json["isSiteAdmin"] is True


def test_unknown_providers_and_codes(person):
    someone = person()
    for path in ("/auth/login/nope", "/auth/callback/nope?code=a&state=b", "/auth/login/session"):
        reply = someone.get(path)
        assert (reply.status, reply.detail) == (404, f"Unknown provider: {path.split('/')[3].split('?')[0]}")
    reply = someone.finish("nobody", someone.begin()["state"])
    assert (reply.status, reply.detail) == (502, "Provider exchange failed: there is no user 'nobody'")
    state = someone.begin()["state"]
    assert someone.get(f"/auth/callback/dev_stub?state={state}").status == 400
    assert "gofannon_sid" not in someone.cookies


@pytest.fixture
def pair(start_server, postgres):
    """Two servers of one store."""
    sets = [logins(), "plugins.storage-postgres.schema=login_pair"]
    return [start_server(backend="postgres", sets=sets, env={"DATABASE_URL": postgres()}) for _ in range(2)]


def test_the_servers_of_one_store_know_the_same_people(pair):
    """A proxy sends a browser now here, now there."""
    one, two = pair
    someone = Person(one)
    state = someone.begin(return_to="/x")["state"]
    cookies = dict(someone.cookies)
    someone.server = two
    assert someone.finish("alice", state).header("Location") == FRONT + "/x"
    for server in (one, two):
        someone.server = server
        assert someone.get("/auth/me").json == ALICE
        again = Person(server)
        again.cookies = dict(cookies)
        assert refused(again.finish("alice", state))  # used up, at both
    session = dict(someone.cookies)
    someone.server = one
    assert someone.post("/auth/logout").status == 204
    for server in (one, two):
        someone.server, someone.cookies = server, dict(session)
        assert someone.get("/agents").detail == "Session expired or invalid"


def test_a_login_and_its_session_are_in_the_store_alone(start_server):
    """Each step by another process: the servers of one store know the same people."""
    server = start_server(sets=[logins()])
    someone = Person(server)
    state = someone.begin(return_to="/x")["state"]
    server.stop()
    server.start()
    reply = someone.finish("alice", state)
    assert (reply.status, reply.header("Location")) == (302, FRONT + "/x")
    server.stop()
    server.start()
    assert someone.get("/auth/me").json == ALICE
    someone.cookies["gofannon_auth_state"] = state
    assert refused(someone.finish("alice", state))


# ---- the return address ----

@pytest.mark.parametrize("return_to, location", [
    (None, "/"), ("", "/"), ("/", "/"), ("/agents?x=1&y=a/b#top", "/agents?x=1&y=a/b#top"), ("/a,b;c", "/a,b;c"),
    ("/é", "/%C3%A9"), ("/%2F%2Fevil.example", "/%2F%2Fevil.example"), (FRONT + "/deep?q=1", "/deep?q=1"),
    (FRONT, ""), ("HTTP://LOCALHOST:3000/x", "HTTP://LOCALHOST:3000/x"), ("http://127.0.0.1:3000/y", "http://127.0.0.1:3000/y"),
    # elsewhere
    ("//evil.example", "/"), ("///evil.example", "/"), ("/\\evil.example", "/"), ("\\\\evil.example", "/"),
    ("/\t/evil.example", "/"), ("\t//evil.example", "/"), ("http://evil.example/", "/"), ("https://localhost:3000/", "/"),
    ("http://localhost:3000.evil.example/", "/"), ("http://localhost:3000@evil.example/", "/"),
    ("http://localhost:30001/", "/"), ("javascript:alert(1)", "/"), ("data:text/html,x", "/"), ("evil.example", "/"),
    ("http:/evil.example", "/"), ("http://localhost:3000\\@evil.example", "/"), ("/a\r\nSet-Cookie: x=y", "/"),
    ("/a\nLocation: http://evil.example", "/"), ("/\x7f", "/"), ("/" + "a" * 2000, "/"),
])  # fmt: skip
def test_a_login_comes_out_at_the_front_end_only(person, return_to, location):
    someone = person()
    reply = someone.finish("alice", someone.begin(return_to=return_to)["state"])
    assert reply.status == 302 and "gofannon_sid" in someone.cookies
    assert reply.header("Location") == (location if "://" in location else FRONT + location)
    assert [name for name, _ in reply.headers if name.lower() == "set-cookie"] == ["Set-Cookie"] * 3


@pytest.mark.parametrize("planted", ["http://evil.example/", "//evil.example", "/%0d%0aX: y", "%zz", "/%00", "%2F%2Fevil.example"])
def test_a_planted_return_cookie_leads_nowhere_else(person, planted):
    someone = person()
    state = someone.begin()["state"]
    someone.cookies["gofannon_return_to"] = planted
    assert someone.finish("alice", state).header("Location") == FRONT + "/"


# ---- the state ----

def refused(reply):
    return (reply.status, reply.json) == (400, {"detail": "Invalid state; possible CSRF"})


def test_a_state_belongs_to_the_browser_that_was_given_it(person):
    attacker, victim = person(), person()
    state = attacker.begin()["state"]
    assert refused(victim.finish("alice", state))
    victim.begin()
    assert refused(victim.finish("alice", state)) and "gofannon_sid" not in victim.cookies


def test_a_forged_state_is_none(person):
    someone = person()
    good = someone.begin()["state"]
    for state in ("", "x", "A" * 59, good[:-1], good + "A", good[:20] + ("A" if good[20] != "A" else "B") + good[21:],
                  good[:-2] + ("AA" if good[-2:] != "AA" else "BB"), "é", good * 20):  # fmt: skip
        someone.cookies["gofannon_auth_state"] = state
        assert refused(someone.finish("alice", state)), state
    assert refused(someone.get("/auth/callback/dev_stub?code=alice"))
    assert refused(someone.get("/auth/callback/dev_stub"))


def test_a_state_is_used_once(person):
    someone = person()
    state = someone.begin()["state"]
    cookies = dict(someone.cookies)
    assert someone.finish("alice", state).status == 302
    someone.cookies = cookies
    assert refused(someone.finish("alice", state))
    # also if it came to nothing
    state = someone.begin()["state"]
    cookies = dict(someone.cookies)
    assert someone.finish("nobody", state).status == 502
    someone.cookies = cookies
    assert refused(someone.finish("alice", state))


def test_of_many_at_once_one_uses_a_state(login_server, person):
    someone = person()
    state = someone.begin()["state"]
    headers = {"Cookie": f"gofannon_auth_state={state}"}
    path = f"/auth/callback/dev_stub?code=alice&state={state}"
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(lambda _: login_server.get(path, headers=headers), range(16)))
    assert sorted(reply.status for reply in replies) == [302] + [400] * 15


DEV_STUB = {"type": "dev_stub", "config": {"users": USERS}}


def test_a_state_belongs_to_its_provider(start_server):
    """Mixed-up providers: what one was given is not taken back from the other."""
    server = start_server(sets=["auth=" + json.dumps({"providers": [{**DEV_STUB, "name": "first"}]})])
    someone = Person(server)
    state = someone.begin(provider="first")["state"]
    cookies = dict(someone.cookies)
    restarted(server, ["auth=" + json.dumps({"providers": [{**DEV_STUB, "name": "second"}]})])
    assert refused(someone.finish("alice", state, provider="second"))
    restarted(server, ["auth=" + json.dumps({"providers": [{**DEV_STUB, "name": "first"}]})])
    someone.cookies = cookies
    assert someone.finish("alice", state, provider="first").status == 302
    assert someone.get("/auth/me").json["uid"] == "first:alice"


# ---- sessions ----

def test_a_login_makes_a_new_session_whatever_the_browser_had(person):
    """Session fixation: a cookie that was planted before the login is not the session after it."""
    someone = person()
    planted = "A" * 43
    someone.cookies["gofannon_sid"] = planted
    someone.login("alice")
    assert someone.cookies["gofannon_sid"] != planted
    assert person().get("/auth/me", headers={"Cookie": f"gofannon_sid={planted}"}).status == 401

    before = someone.cookies["gofannon_sid"]
    someone.login("carol")
    assert someone.get("/auth/me").json["uid"] == "dev_stub:carol"
    someone.cookies["gofannon_sid"] = before
    assert someone.get("/auth/me").status == 401


@pytest.mark.parametrize("value", [
    "", "x", "A" * 42, "A" * 43, "A" * 44, "A" * 9000, "'", "{}", "%00", "null", "../../x", "é" * 20, "\\\"", "A" * 42 + "="])  # fmt: skip
def test_a_wrong_cookie_is_401_and_nothing_else_is_asked(person, value):
    reply = person().get("/agents", headers={"Cookie": f"gofannon_sid={value}", "Authorization": "Bearer x"})
    if value:
        assert (reply.status, reply.detail) == (401, "Session expired or invalid")
    else:
        assert reply.status == 401


def test_an_oversized_cookie_is_refused(login_server, person):
    headers = {"Cookie": "gofannon_sid=" + "A" * 20000}
    assert login_server.get("/agents", headers=headers).status == 431
    alice = person("alice")
    alice.cookies["padding"] = "x" * 10000
    assert alice.get("/auth/me").status == 200


def test_a_tossed_cookie_makes_nobody_somebody_else(person):
    """A neighbouring site can set a cookie of the same name: which is ours cannot be told."""
    alice, mallory = person("alice"), person("dave")
    own, tossed = alice.cookies["gofannon_sid"], mallory.cookies["gofannon_sid"]
    for pair in ((own, tossed), (tossed, own), (own, "x"), ("", own), (own, "")):
        headers = {"Cookie": "; ".join(f"gofannon_sid={value}" for value in pair)}
        reply = person().get("/auth/me", headers=headers)
        assert reply.status == 401, pair
    headers = {"Cookie": f"gofannon_sid={own}; gofannon_sid={own}; Gofannon_sid=x; xgofannon_sid=y; gofannon_sidx=z"}
    assert person().get("/auth/me", headers=headers).json["uid"] == "dev_stub:alice"

    someone = person()
    state, other = someone.begin()["state"], mallory.begin()["state"]
    path = f"/auth/callback/dev_stub?code=alice&state={state}"
    headers = {"Cookie": f"gofannon_auth_state={state}; gofannon_auth_state={other}"}
    assert refused(person().get(path, headers=headers))


def test_ones_sessions_are_listed_and_ended(person):
    everywhere = [person("alice") for _ in range(3)]
    here, there, _ = everywhere
    listed = here.get("/auth/sessions", headers={"User-Agent": "x"}).json
    current = [entry for entry in listed if entry["current"]]
    assert len(current) == 1 and len(listed) >= 3
    assert set(current[0]) == {"id", "providerType", "createdAt", "expiresAt", "address", "userAgent", "current"}
    assert all(here.cookies["gofannon_sid"] not in str(entry) for entry in listed)

    other = next(entry["id"] for entry in there.get("/auth/sessions").json if entry["current"])
    dave = person("dave")
    for id_ in (other, "x", "0" * 64):
        reply = dave.delete(f"/auth/sessions/{id_}")
        assert (reply.status, reply.detail) == (404, "You have no such session.")
    assert there.get("/auth/me").status == 200
    assert here.delete(f"/auth/sessions/{other}").status == 204
    assert there.get("/auth/me").status == 401 and here.get("/auth/me").status == 200

    reply = here.delete("/auth/sessions")
    assert reply.status == 200 and reply.json["deletedCount"] >= 2
    assert here.cookies == {} and all(one.get("/auth/me").status == 401 for one in everywhere)
    assert dave.get("/auth/me").status == 200


def test_an_admin_ends_the_sessions_of_others(start_server):
    server = start_server(backend="memory", sets=[logins()])
    here, there, carol = Person(server).login("alice"), Person(server).login("alice"), Person(server).login("carol")
    root = Person(server).login("site_admin_1")
    path = "/admin/users/dev_stub%3Aalice/sessions"
    assert carol.delete(path).status == 403 and Person(server).delete(path).status == 403
    assert here.get("/auth/me").status == 200
    assert root.delete(path).json == {"deletedCount": 2}
    for someone in (here, there):
        assert someone.get("/agents").detail == "Session expired or invalid"
    assert carol.get("/auth/me").status == root.get("/auth/me").status == 200
    assert root.delete(path).json == {"deletedCount": 0}
    told = root.get("/admin/audit?action=sessions_ended").json[-1]
    assert (told["actor"], told["target"], told["details"]) == ("dev_stub:site_admin_1", "dev_stub:alice", {"deletedCount": 2})
    assert here.login("alice").get("/auth/me").status == 200


def test_the_oldest_of_too_many_sessions_go(start_server):
    server = start_server(backend="memory", sets=[logins(), "plugins.auth-session.sessions_per_user=3"])
    all_of_them = [Person(server).login("alice") for _ in range(5)]
    assert [one.get("/auth/me").status for one in all_of_them] == [401, 401, 200, 200, 200]


def test_logins_are_counted(start_server):
    server = start_server(backend="memory", sets=[logins()])
    Person(server).login("alice")
    for uid in ("bob", "nobody"):
        someone = Person(server)
        someone.finish(uid, someone.begin()["state"])
    text = server.get("/metrics").text
    for outcome in ("success", "denied", "failed"):
        assert f'einion_logins_total{{provider="dev_stub",outcome="{outcome}"}} 1' in text


def test_a_link_of_a_stranger_is_no_failed_login(start_server):
    server = start_server(backend="memory", sets=[logins()])
    for _ in range(3):
        assert server.get("/auth/callback/dev_stub?error=access_denied&state=x").status == 400
    someone = Person(server)
    state = someone.begin()["state"]
    assert someone.get(f"/auth/callback/dev_stub?error=access_denied&state={state}").status == 400
    told = Person(server).login("site_admin_1").get("/admin/audit?action=login").json
    assert [entry["outcome"] for entry in told] == ["success", "failed"]


def test_strangers_do_not_fill_the_audit(start_server):
    """Whoever has a browser can fail to log in without end, and say what they like of why."""
    server = start_server(backend="memory", sets=[logins()])
    someone, word = Person(server), "x" * 1500
    begun, failures = time.monotonic(), 0
    while failures < 60:
        state = someone.begin()["state"]
        assert someone.get(f"/auth/callback/dev_stub?error={word}&state={state}").status == 400
        failures += 1
    seconds = int(time.monotonic() - begun) + 2
    wait_until(lambda: time.monotonic() - begun > seconds, 5, "another second")
    someone.finish("nobody", someone.begin()["state"])
    told = Person(server).login("site_admin_1").get("/admin/audit?action=login").json[1:]
    assert {entry["outcome"] for entry in told} == {"failed"} and len(told) <= 20 * seconds
    assert max(len(entry["details"]["reason"]) for entry in told) == 200
    assert len(told) + sum(entry["details"].get("leftOut", 0) for entry in told) == failures + 1


def test_nothing_that_lets_somebody_in_is_in_store_or_log(start_server):
    server = start_server(sets=[logins(), "log.level=debug"])
    someone = Person(server)
    state = someone.begin(return_to="/x")["state"]
    someone.finish("alice", state)
    someone.get("/auth/me")
    token = someone.cookies["gofannon_sid"]
    server.stop()
    kept = b"".join(path.read_bytes() for path in server.state.glob("einion.db*"))
    assert token.encode() not in kept and state.encode() not in kept
    assert token not in server.log() and state not in server.log()


# ---- workspaces ----

def users(**workspaces):
    return [{**user, "workspaces": workspaces.get(user["uid"], user["workspaces"])} for user in USERS]


def restarted(server, sets):
    server.stop()
    server.sets = sets
    return server.start()


def test_workspaces_are_asked_for_again(start_server):
    server = start_server(sets=[logins()])
    alice, carol = Person(server).login("alice"), Person(server).login("carol")
    nothing = {"added": [], "removed": [], "roleChanges": [], "siteAdminChanged": False}
    assert list(alice.post("/auth/refresh-workspaces").json.items()) == list(nothing.items())

    changed = users(alice=[{"id": "project:tomcat", "role": "member"}, {"id": "project:new", "role": "admin"}],
                    carol=[{"id": "project:new"}])  # fmt: skip
    restarted(server, [logins(changed, site_admins=["dev_stub:carol"])])
    assert [item["workspaceId"] for item in alice.get("/auth/me").json["workspaces"]][1:] == ["project:tomcat"]
    assert alice.post("/auth/refresh-workspaces").json == {
        **nothing, "added": ["project:new"],
        "roleChanges": [{"workspaceId": "project:tomcat", "from": "admin", "to": "member"}]}  # fmt: skip
    assert [(item["workspaceId"], item["role"]) for item in alice.get("/auth/me").json["workspaces"]] == [
        ("personal:dev_stub:alice", "admin"), ("project:tomcat", "member"), ("project:new", "admin")]  # fmt: skip
    assert alice.post("/auth/refresh-workspaces").json == nothing
    assert carol.post("/auth/refresh-workspaces").json == {
        "added": ["project:new"], "removed": ["project:tomcat"], "roleChanges": [], "siteAdminChanged": True}


def test_who_has_left_all_workspaces_is_out(start_server):
    server = start_server(sets=[logins()])
    alice, carol = Person(server).login("alice"), Person(server).login("carol")
    restarted(server, [logins([user for user in users(alice=[]) if user["uid"] != "carol"])])
    for someone in (alice, carol):
        assert someone.get("/auth/me").status == 200
        reply = someone.post("/auth/refresh-workspaces")
        assert (reply.status, reply.detail) == (401, "Session expired or invalid")
        assert someone.get("/auth/me").status == 401


def test_who_is_no_site_admin_any_more_is_none_at_once(start_server):
    server = start_server(sets=[logins()])
    admin = Person(server).login("site_admin_1")
    key = admin.post("/users/me/keys", {"name": "k", "scopes": ["admin"]}).json["key"]
    with_key = {"headers": {"Authorization": f"Bearer {key}"}}
    assert server.get("/auth/me", **with_key).json["isSiteAdmin"] is True
    restarted(server, [logins(site_admins=[])])
    assert admin.get("/auth/me").json["isSiteAdmin"] is False
    assert server.get("/auth/me", **with_key).json["isSiteAdmin"] is False and server.get("/admin/users", **with_key).status == 403
    restarted(server, [logins()])
    assert server.get("/auth/me", **with_key).json["isSiteAdmin"] is True


def test_a_session_is_refused_while_its_provider_is_gone(start_server):
    server = start_server(sets=[logins()])
    alice = Person(server).login("alice")
    restarted(server, ["auth=" + json.dumps({"providers": [{**DEV_STUB, "name": "other"}]})])
    reply = alice.get("/agents")
    assert (reply.status, reply.detail) == (401, "This session belongs to the login 'dev_stub', which this server no longer has.")
    assert 'reason="session_expired"' in reply.header("WWW-Authenticate")
    assert alice.get("/auth/me").status == alice.post("/auth/refresh-workspaces").status == 401
    restarted(server, [logins()])  # it was a mistake
    assert alice.get("/auth/me").json == ALICE


def test_on_a_full_disk_nobody_new_comes_in_and_who_is_in_stays(start_server):
    server = start_server(sets=[logins(workspace_refresh_minutes=0.01), "plugins.storage-sqlite.max_mib=8"])
    alice = Person(server).login("alice")
    key = alice.post("/users/me/keys", {"name": "k", "scopes": ["agents"]}).json["key"]
    for i in range(200):
        if alice.put(f"/data-store/namespaces/n/records/{i}", {"value": f"{i}" * 100000}).status == 503:
            break
    someone = Person(server)
    reply = someone.finish("carol", someone.begin()["state"])
    assert reply.status == 503 and "the disk, or the size allowed to it, is full" in reply.detail
    time.sleep(1)  # its provider is to be asked again by now, which cannot be noted
    assert alice.get("/agents").status == server.get("/agents", headers={"Authorization": f"Bearer {key}"}).status == 200
    assert alice.delete("/data-store/namespaces/n").status in (200, 204)
    wait_until(lambda: someone.finish("carol", someone.begin()["state"]).status == 302, 10, "space")
    assert alice.post("/auth/logout").status == 204 and alice.get("/agents").status == 401


def test_workspaces_are_asked_for_again_by_themselves(start_server):
    soon = {"workspace_refresh_minutes": 0.01}
    server = start_server(sets=[logins(**soon)])
    alice, carol = Person(server).login("alice"), Person(server).login("carol")
    restarted(server, [logins(users(alice=[{"id": "project:new"}], carol=[]), **soon)])
    wait_until(lambda: alice.get("/auth/me").json["workspaces"][1]["workspaceId"] == "project:new", 10, "the refresh")
    wait_until(lambda: carol.get("/auth/me").status == 401, 10, "the refresh")
    assert carol.get("/agents").detail == "Session expired or invalid"


def test_nobody_needs_a_session_to_have_no_workspaces_to_refresh(server):
    assert server.post("/auth/refresh-workspaces").json == {
        "added": [], "removed": [], "roleChanges": [], "siteAdminChanged": False}


# ---- pages ----

NASTY = ['<script>alert(1)</script>', '"><img src=x onerror=alert(1)>', "' onmouseover='alert(1)", "</title><b>", "&lt;b&gt;",
         "a\r\nSet-Cookie: x=y", "\u202egnp.exe", "javascript:alert(1)"]  # fmt: skip


@pytest.fixture(scope="module")
def nasty_users():
    return [{"uid": f"n{i}", "display_name": name, "email": name, "workspaces": []} for i, name in enumerate(NASTY)] + [
        {"uid": name, "display_name": name, "workspaces": [{"id": name, "display_name": name}]} for name in NASTY
        if "," not in name]  # fmt: skip


def test_names_are_words_on_every_page(start_server, nasty_users):
    server = start_server(backend="memory", sets=[logins(nasty_users)])
    someone = Person(server)
    reply = someone.get(someone.get("/auth/login/dev_stub").header("Location"))
    assert_harmless(reply)
    assert len(Page(reply).links) == len(nasty_users)
    assert all(link.startswith("/auth/callback/dev_stub?code=") for link in Page(reply).links)

    for i, name in enumerate(NASTY):
        reply = someone.finish(f"n{i}", someone.begin()["state"])
        assert reply.status == 403
        assert_harmless(reply)
        assert " ".join(name.split()) in Page(reply).text
    for name in NASTY:
        if "\n" in name:  # a provider may not say such a uid
            assert someone.finish(name, someone.begin()["state"]).status == 502
            continue
        someone.login(name)
        assert someone.get("/auth/me").json["displayName"] == name


def test_the_picker_shows_the_users_that_it_is_asked_for_or_all(person):
    assert len(Page(person().get("/auth/dev-stub-picker?state=x")).links) == len(USERS)
    page = Page(person().get("/auth/dev-stub-picker?state=a%26b&users=bob,alice,,"))
    assert page.links == [f"/auth/callback/dev_stub?code={uid}&state=a%26b" for uid in ("bob", "alice")]
    assert len(Page(person().get("/auth/dev-stub-picker?users=" + "x," * 1000)).links) == 200


@pytest.mark.parametrize("text", NASTY)
def test_what_the_picker_is_given_is_words(person, text):
    query = urllib.parse.urlencode({"state": text, "redirect_uri": text, "users": f"alice,{text}"})
    reply = person().get(f"/auth/dev-stub-picker?{query}")
    assert reply.status == 200
    assert_harmless(reply)
    for link in Page(reply).links:
        assert dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(link).query))["state"] == text


@pytest.mark.parametrize("text", [*NASTY, "access_denied"])
def test_an_error_of_the_provider_is_a_page(person, text):
    someone = person()
    query = {"error": "access_denied", "error_description": text, "state": someone.begin()["state"]}
    reply = someone.get("/auth/callback/dev_stub?" + urllib.parse.urlencode(query))
    assert reply.status == 400
    assert_harmless(reply)
    assert "access_denied" in Page(reply).text and " ".join(text.split()) in Page(reply).text
    assert "gofannon_auth_state" not in someone.cookies


def test_a_link_from_elsewhere_puts_no_words_on_our_page(person):
    query = urllib.parse.urlencode({"error": "Call 0900 for help", "error_description": "Call 0900 for help"})
    reply = person().get(f"/auth/callback/dev_stub?{query}")
    assert reply.status == 400 and "0900" not in reply.text
    assert_harmless(reply)


# ---- other origins ----

@pytest.mark.parametrize("headers, allowed", [
    ({}, True), ({"Origin": FRONT}, True), ({"Origin": "http://127.0.0.1"}, True), ({"Sec-Fetch-Site": "same-origin"}, True),
    ({"Origin": "http://evil.example"}, False), ({"Origin": "null"}, False), ({"Sec-Fetch-Site": "cross-site"}, False),
    ({"Origin": "http://localhost:3001"}, False), ({"Origin": "http://127.0.0.1:9"}, False)])  # fmt: skip
def test_a_cookie_alone_does_not_authorise_a_foreign_page(person, headers, allowed):
    alice = person("alice")
    body = {"name": "n", "description": "d", "code": "async def run(input_dict, tools):\n    return 1"}
    reply = alice.post("/agents", body, headers=headers)
    assert reply.status == (201 if allowed else 403), reply
    if not allowed:
        assert reply.detail == "This server takes no changes from pages of another origin."
    assert alice.get("/auth/me", headers=headers).status == 200
    reply = alice.post("/auth/logout", headers=headers)
    assert reply.status == (204 if allowed else 403)
    assert alice.get("/auth/me").status == (401 if allowed else 200)


# ---- behind a proxy ----

def test_behind_tls_cookies_are_secure_and_links_https(start_server):
    server = start_server(sets=[logins(), "http.trusted_proxies=[127.0.0.1]", ON_PURPOSE_SET])
    someone = Person(server, headers={"Host": "agents.example", "X-Forwarded-Proto": "https", "X-Forwarded-For": "192.0.2.7"})
    said = someone.begin(return_to="/x")
    assert said["redirect_uri"] == "https://agents.example/auth/callback/dev_stub"
    assert all("secure" in someone.attributes[name] for name in ("gofannon_auth_state", "gofannon_return_to"))
    someone.finish("alice", said["state"])
    assert "secure" in someone.attributes["gofannon_sid"]
    assert [entry["address"] for entry in someone.get("/auth/sessions").json] == ["192.0.2.7"]
    assert someone.post("/auth/logout", headers={"Origin": "http://agents.example"}).status == 403
    assert someone.post("/auth/logout", headers={"Origin": "https://agents.example"}).status == 204


ON_PURPOSE_SET = "plugins.auth-dev-stub.anybody_on_the_network_may_log_in_as_anybody=true"


def test_nobody_else_is_believed(login_server):
    someone = Person(login_server, headers={"X-Forwarded-Proto": "https", "X-Forwarded-For": "192.0.2.7"})
    assert someone.begin()["redirect_uri"].startswith("http://")
    assert "secure" not in someone.attributes["gofannon_auth_state"]
    someone.login("alice")
    assert {entry["address"] for entry in someone.get("/auth/sessions").json if entry["current"]} == {"127.0.0.1"}


def test_the_public_url_is_what_the_operator_says(start_server):
    server = start_server(sets=[logins(), "http.public_url=https://agents.example", ON_PURPOSE_SET])
    someone = Person(server, headers={"Host": "evil.example"})
    assert someone.begin()["redirect_uri"] == "https://agents.example/auth/callback/dev_stub"
    assert "secure" in someone.attributes["gofannon_auth_state"]


# ---- the end of a session ----

def kept_sessions(server):
    with sqlite3.connect(f"file:{server.state}/einion.db?mode=ro", uri=True) as database:
        return database.execute("SELECT count(*) FROM set_auth_sessions").fetchone()[0]


def test_a_session_ends_after_its_time_however_often_it_is_used(start_server):
    server = start_server(sets=[logins(session_ttl_hours=0.001), "plugins.auth-session.sweep_s=1"])
    alice = Person(server).login("alice")
    assert alice.attributes["gofannon_sid"]["max-age"] == "3"
    wait_until(lambda: alice.get("/agents").status == 401, 20, "the end of the session")
    assert alice.get("/agents").detail == "Session expired or invalid"
    wait_until(lambda: kept_sessions(server) == 0, 20, "the sweep")
