# SPDX-License-Identifier: Apache-2.0
"""The whole way, from the button to /auth/me, at every kind of provider; and those who would bend it."""

import contextlib
import json
import pathlib
import sqlite3
import sys
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from support import Person

TESTS = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(TESTS / "support"), str(TESTS / "login")]

from certified import Browser, CertifiedProvider  # noqa: E402
from directory import Directory  # noqa: E402
from issuer import Issuer  # noqa: E402
from peer import Peer  # noqa: E402

ORIGIN = "http://127.0.0.1"  # as the Host header of these tests says
CALLBACK = ORIGIN + "/auth/callback/oidc"
FRONT = "http://localhost:3000"


@pytest.fixture(scope="module")
def certified():
    provider = CertifiedProvider(CALLBACK)
    yield provider
    provider.close()


@pytest.fixture
def peer():
    peer = Peer()
    yield peer
    peer.close()


def auth(*providers, **more):
    """The setting that turns these on: (type, config) or (type, config, name)."""
    listed = [dict(zip(("type", "config", "name"), provider)) for provider in providers]
    return "auth=" + json.dumps({"providers": listed, **more})


def at_certified(certified, **more):
    return "oidc", {"issuer": certified.url, "client_id": "basic", "client_secret": "${OIDC_CLIENT_SECRET}",
                    "display_name": "Acme", "allowed_groups": ["engineering"]} | more  # fmt: skip


SECRET = {"OIDC_CLIENT_SECRET": "secret"}


def go(person, user, return_to=None):
    """To the certified provider and through its pages; the path that its answer is for."""
    query = "?" + urlencode({"return_to": return_to}) if return_to else ""
    url = person.get("/auth/login/oidc" + query).header("Location")
    return Browser().log_in(url, user, CALLBACK).removeprefix(ORIGIN)


def test_somebody_logs_in_at_a_certified_provider(start_server, certified):
    server = start_server(sets=[auth(at_certified(certified))], env=SECRET)
    assert server.get("/auth/providers").json["providers"] == [{"type": "oidc", "displayName": "Acme", "icon": "oidc"}]
    alice = Person(server)
    back = go(alice, "alice", "/agents")
    reply = alice.get(back)
    assert (reply.status, reply.header("Location")) == (302, FRONT + "/agents"), reply
    me = alice.get("/auth/me")
    assert me.json == {
        "uid": "oidc:alice", "displayName": "ALICE", "email": "alice@acme.com", "providerType": "oidc",
        "workspaces": [
            {"workspaceId": "personal:oidc:alice", "role": "admin", "displayName": "Personal", "source": "auto_personal", "description": None},
            {"workspaceId": "oidc:group:engineering", "role": "member", "displayName": "engineering", "source": "oidc_group", "description": None}],
        "isSiteAdmin": False}  # fmt: skip
    assert alice.get("/agents").json == []
    assert alice.post("/auth/refresh-workspaces").status == 200
    assert alice.get("/auth/me").json == me.json
    assert alice.post("/auth/logout").status == 204
    assert alice.get("/agents").status == 401


def test_who_is_erased_leaves_no_token_of_their_provider(start_server, certified):
    server = start_server(sets=[auth(at_certified(certified), site_admins=["oidc:bob"])], env=SECRET | {"ADMIN_PANEL_ENABLED": "true", "ADMIN_PANEL_PASSWORD": "pw"})
    alice, bob = Person(server), Person(server)
    for person, uid in ((alice, "alice"), (bob, "bob")):
        assert person.get(go(person, uid)).status == 302
    with contextlib.closing(sqlite3.connect(next(server.state.glob("*.db")))) as database:
        sealed = lambda: sorted(name for (name,) in database.execute("SELECT id FROM set_vault WHERE id LIKE 'login/%'"))  # noqa: E731
        assert sealed() == ["login/oidc/alice", "login/oidc/bob"]
        reply = server.delete("/admin/users/oidc:alice", headers={"X-Admin-Password": "pw"})
        assert reply.status == 200 and reply.json == {"erased": {"logins": 1, "auth-oidc": 1}}, reply
        assert sealed() == ["login/oidc/bob"]
    assert bob.post("/auth/refresh-workspaces").status == 200


def test_who_is_blocked_is_not_let_in_by_their_provider(start_server, certified):
    server = start_server(sets=[auth(at_certified(certified), site_admins=["oidc:bob"])], env=SECRET)
    alice, bob = Person(server), Person(server)
    for person, uid in ((alice, "alice"), (bob, "bob")):
        assert person.get(go(person, uid)).status == 302
    back = go(alice, "alice")  # on the way when it happens
    assert bob.put("/admin/users/oidc:alice/blocked", {"reason": "has left"}).status == 200
    assert alice.get("/agents").status == 403
    for person, path in ((alice, back), (again := Person(server), go(again, "alice"))):
        reply = person.get(path)
        assert reply.status == 403 and "This account is blocked here" in reply.text and "has left" not in reply.text
    assert "gofannon_sid" not in again.cookies
    told = [entry for entry in bob.get("/admin/audit").json if entry["action"] == "login" and entry["outcome"] == "denied"]
    assert [(entry["actor"], entry["details"]["provider"]) for entry in told] == [("oidc:alice", "oidc")] * 2
    assert bob.delete("/admin/users/oidc:alice/blocked").status == 200
    assert alice.get("/agents").status == 200 and again.get(go(again, "alice")).status == 302


def test_an_answer_is_good_once(start_server, certified):
    server = start_server(sets=[auth(at_certified(certified))], env=SECRET)
    alice = Person(server)
    back = go(alice, "alice")
    code = parse_qs(urlsplit(back).query)["code"][0]
    cookies = dict(alice.cookies)
    assert alice.get(back).status == 302

    again = Person(server)
    again.cookies = cookies
    reply = again.get(back)
    assert (reply.status, reply.detail) == (400, "Invalid state; possible CSRF")
    state = again.begin("oidc")["state"]  # one of its own
    reply = again.get("/auth/callback/oidc?" + urlencode({"code": code, "state": state, "iss": certified.url}))
    assert (reply.status, reply.detail) == (502, "Provider exchange failed: Acme refuses (invalid_grant).")
    assert "gofannon_sid" not in again.cookies


def test_whoever_is_in_no_workspace_is_denied(start_server, certified):
    server = start_server(sets=[auth(at_certified(certified))], env=SECRET)
    bob = Person(server)
    reply = bob.get(go(bob, "bob"))
    assert reply.status == 403 and "Login denied" in reply.text
    assert "gofannon_sid" not in bob.cookies


def test_a_site_admin_needs_no_workspace(start_server, certified):
    server = start_server(sets=[auth(at_certified(certified), site_admins=["oidc:bob"])], env=SECRET)
    bob = Person(server)
    assert bob.get(go(bob, "bob")).status == 302
    assert bob.get("/auth/me").json["isSiteAdmin"] is True


def test_an_answer_of_another_provider_is_refused(start_server, certified):
    server = start_server(sets=[auth(at_certified(certified))], env=SECRET)
    alice = Person(server)
    back = go(alice, "alice")
    mixed_up = back.split("&iss=")[0] + "&" + urlencode({"iss": "https://evil.example"})
    reply = alice.get(mixed_up)
    assert (reply.status, reply.detail) == (502, "Provider exchange failed: The answer is not from Acme but from somebody else.")
    assert "gofannon_sid" not in alice.cookies


def test_iss_cannot_be_left_out_where_it_was_promised(start_server, certified):
    server = start_server(sets=[auth(at_certified(certified))], env=SECRET)
    alice = Person(server)
    reply = alice.get(go(alice, "alice").split("&iss=")[0])
    assert reply.status == 502 and "from somebody else" in reply.detail


def test_no_secret_is_logged(start_server, certified):
    server = start_server(sets=[auth(at_certified(certified), ("github", {"client_id": "x", "client_secret": "${GH}"}))],
                          env=SECRET | {"GH": "a-github-secret"})  # fmt: skip
    alice = Person(server)
    back = go(alice, "alice")
    alice.get(back)
    log = server.log()
    assert "a-github-secret" not in log
    assert parse_qs(urlsplit(back).query)["code"][0] not in log
    assert alice.cookies["gofannon_sid"] not in log


# ---- two providers of a type ----


def test_two_providers_do_not_take_each_others_answers(start_server):
    peers = Peer(), Peer()
    try:
        acme, evil = Issuer(peers[0]), Issuer(peers[1])
        server = start_server(sets=[auth(("oidc", acme.settings(allowed_groups=["engineering"]), "acme"),
                                         ("oidc", evil.settings(allowed_groups=["engineering"]), "evil"))])  # fmt: skip
        alice = Person(server)
        query = alice.begin("acme")
        reply = alice.finish("code", query["state"], "evil")  # the state is acme's
        assert (reply.status, reply.detail) == (400, "Invalid state; possible CSRF")
        assert not evil.peer.asked("/token")

        for issuer, name in ((acme, "acme"), (evil, "evil")):
            someone = Person(server)
            query = someone.begin(name)
            issuer.nonce = query["nonce"]
            assert query["redirect_uri"] == f"{ORIGIN}/auth/callback/{name}"
            assert someone.finish("code", query["state"], name).status == 302
            assert someone.get("/auth/me").json["uid"] == f"{name}:alice"  # the same name is not the same person
    finally:
        for peer in peers:
            peer.close()


# ---- the other kinds ----


def test_somebody_logs_in_at_github(start_server, peer):
    user = {"login": "octocat", "id": 583231, "name": "<script>alert(1)</script>"}
    peer.answers |= {
        "/token": {"access_token": "gho"}, "/user": lambda request: user, "/user/emails": [],
        "/user/memberships/orgs": [{"state": "active", "role": "admin", "organization": {"login": "acme", "id": 7}}],
    }  # fmt: skip
    config = {"client_id": "x", "client_secret": "y", "authorize_url": peer.url + "/authorize", "token_url": peer.url + "/token",
              "api_url": peer.url, "allowed_orgs": ["acme"]}  # fmt: skip
    server = start_server(sets=[auth(("github", config))])
    someone = Person(server)
    assert someone.finish("code", someone.begin("github")["state"], "github").status == 302
    me = someone.get("/auth/me").json
    assert (me["uid"], [w["workspaceId"] for w in me["workspaces"]]) == ("github:583231", ["personal:github:583231", "github:org:7"])

    peer.answers["/user/memberships/orgs"] = []
    denied = Person(server)
    reply = denied.finish("code", denied.begin("github")["state"], "github")
    assert reply.status == 403 and "<script>" not in reply.text and "&lt;script&gt;" in reply.text


def test_somebody_logs_in_at_google_with_a_domain(start_server, peer):
    google = Issuer(peer, sub="1101")
    config = google.settings(mode="open_domain", hosted_domain="acme.com", allowed_groups=[])
    server = start_server(sets=[auth(("google", config))])
    for hd, status in (("acme.com", 302), ("evil.com", 403)):
        google.claims = {"email": "a@acme.com", "name": "A", "hd": hd}
        someone = Person(server)
        query = someone.begin("google")
        google.nonce = query["nonce"]
        reply = someone.finish(hd, query["state"], "google")
        assert reply.status == status, reply
    assert "Only accounts of acme.com may log in here." in reply.text


def test_somebody_logs_in_at_the_asf(start_server, peer):
    directory = Directory()
    try:
        peer.answers["/token"] = lambda request: {"uid": request.query["code"], "fullname": "Jane Doe", "email": "j@apache.org"}
        config = {"oauth_init_url": peer.url + "/auth", "oauth_callback_url": peer.url + "/token", "ldap": {"server": directory.url}}
        server = start_server(sets=[auth(("asf", config), site_admins=["asf:badguy"])])
        jane = Person(server)
        assert jane.finish("jdoe", jane.begin("asf")["state"], "asf").status == 302
        roles = {w["workspaceId"]: w["role"] for w in jane.get("/auth/me").json["workspaces"]}
        assert roles == {"personal:asf:jdoe": "admin", "project:tomcat": "admin", "project:httpd": "member"}

        directory.modify("dn: cn=httpd,ou=project,ou=groups,dc=apache,dc=org\nchangetype: modify\ndelete: memberUid\nmemberUid: jdoe\n")
        assert jane.post("/auth/refresh-workspaces").json["removed"] == ["project:httpd"]

        banned = Person(server)
        reply = banned.finish("badguy", banned.begin("asf")["state"], "asf")
        assert reply.status == 403 and "Your account has been suspended by ASF Infrastructure." in reply.text

        directory.stop()
        assert jane.post("/auth/refresh-workspaces").json["removed"] == []  # who is down takes nothing away
        late = Person(server)
        reply = late.finish("jdoe", late.begin("asf")["state"], "asf")
        assert reply.status == 502 and "Can't contact LDAP server" in reply.detail
        directory.start()

        directory.modify("dn: cn=asf-banned,ou=groups,dc=apache,dc=org\nchangetype: modify\nadd: memberUid\nmemberUid: jdoe\n")
        jane.post("/auth/refresh-workspaces")
        assert jane.get("/agents").status == 401  # a ban ends the session
    finally:
        directory.close()


def test_a_directory_is_asked_in_secret(start_server, peer):
    directory = Directory(tls=True)
    try:
        peer.answers["/token"] = {"uid": "jdoe", "fullname": "Jane Doe", "email": "j@apache.org"}
        config = {"oauth_init_url": peer.url, "oauth_callback_url": peer.url + "/token",
                  "ldap": {"server": directory.url, "ca_file": str(directory.authority)}}  # fmt: skip
        server = start_server(sets=[auth(("asf", config))])
        jane = Person(server)
        assert jane.finish("code", jane.begin("asf")["state"], "asf").status == 302
        assert len(jane.get("/auth/me").json["workspaces"]) == 3
    finally:
        directory.close()


def test_a_provider_that_is_down_is_told(start_server, peer):
    server = start_server(sets=[auth(("oidc", {"issuer": peer.url, "client_id": "x"}))])
    reply = server.get("/auth/login/oidc")
    assert reply.status == 502
    assert reply.detail == "Provider exchange failed: The discovery document of OpenID Connect answers with status 404."


# ---- settings ----


@pytest.mark.parametrize("kind", ["google", "microsoft", "oidc"])
def test_a_provider_that_lacks_settings_stops_the_server(kind, tmp_path):
    from support import SCALE, Server

    bad = {"google": {"client_id": "x", "mode": "open_domain"}, "microsoft": {"client_id": "x", "tenant_id": "common"},
           "oidc": {"client_id": "x"}}[kind]  # fmt: skip
    server = Server(sets=[auth((kind, bad))])
    server.expect_end = True
    try:
        assert server.spawn().process.wait(20 * SCALE) != 0
        assert {"google": "needs hosted_domain", "microsoft": "tenant_id is the GUID", "oidc": "issuer is missing"}[kind] in server.log()
    finally:
        server.clean()


def test_the_example_is_a_configuration(start_server):
    secrets = {name: "secret" for name in ("OIDC_CLIENT_SECRET", "GOOGLE_CLIENT_SECRET", "MICROSOFT_CLIENT_SECRET",
                                           "GITHUB_CLIENT_SECRET", "ASF_LDAP_PASSWORD")}  # fmt: skip
    server = start_server(env=secrets | {"AUTH_CONFIG_PATH": str(TESTS.parent / "config/auth.example.yaml")})
    types = [provider["type"] for provider in server.get("/auth/providers").json["providers"]]
    assert types == ["acme", "asf", "github", "google", "microsoft"]
