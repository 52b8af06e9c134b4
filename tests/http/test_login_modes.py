# SPDX-License-Identifier: Apache-2.0
"""Who is let in by which configuration, and what a server refuses to start with."""

import json
import pathlib
import re
import signal
import subprocess

import pytest
from support import EINION, USERS, Person, Server, logins, wait_until

ROOT = pathlib.Path(__file__).resolve().parents[2]
EVERYWHERE = "listen.address=0.0.0.0"
STRONG = {"ADMIN_PANEL_ENABLED": "true", "ADMIN_PANEL_PASSWORD": "a long and unusual one"}
ON_PURPOSE = {"providers": [{"type": "dev_stub", "config": {
    "users": USERS, "anybody_on_the_network_may_log_in_as_anybody": True}}]}  # fmt: skip


def refusal(sets, env=None, command=()):
    """What a server that does not start says on its standard error; None if it would go on."""
    server = Server(sets=sets, env=env, arguments=command)
    try:
        server.spawn()
        wait_until(lambda: server.ended() or server.answers("/livez"), 10, "it to start or to refuse")
        return server.log() if server.process.poll() else None
    finally:
        server.clean()


# ---- no login ----

def test_without_a_login_everybody_is_the_local_user(server):
    reply = server.get("/auth/me")
    assert reply.status == 200
    assert list(reply.json.items()) == [
        ("uid", "local-dev-user"), ("displayName", None), ("email", None), ("providerType", "local"),
        ("workspaces", []), ("isSiteAdmin", False)]  # fmt: skip


def test_without_a_login_a_stale_cookie_is_ignored(server):
    for cookie in ("x", "A" * 43, "", "a; gofannon_sid=b"):
        headers = {"Cookie": f"gofannon_sid={cookie}"}
        assert server.get("/auth/me", headers=headers).json["uid"] == "local-dev-user"
        assert server.get("/agents", headers=headers).status == 200


def test_without_a_login_there_is_nobody_to_log_in_with(server):
    assert server.get("/auth/providers").json == {"providers": [], "legacyFirebaseEnabled": False}
    reply = server.get("/auth/login/dev_stub")
    assert (reply.status, reply.detail) == (404, "Unknown provider: dev_stub")
    assert server.post("/auth/logout").status == 204
    assert server.get("/auth/dev-stub-picker").status == 404


@pytest.mark.parametrize("headers, status", [
    ({"X-Forwarded-For": "192.0.2.1"}, 403), ({"X-Forwarded-For": "192.0.2.1, 127.0.0.1"}, 403),
    ({"X-Forwarded-For": "127.0.0.1, [2001:db8::1]:4711"}, 403), ({"X-Forwarded-For": "unknown"}, 403), ({"X-Forwarded-For": ""}, 403),
    ({"Forwarded": "for=192.0.2.1"}, 403), ({"X-Forwarded-For": "\xff, 192.0.2.1"}, 403), ({"Forwarded": "for=\xff"}, 403),
    ({"X-Real-IP": "192.0.2.1"}, 403), ({"X-Forwarded-For": "127.0.0.1", "X-Real-IP": "2001:db8::1"}, 403), ({"X-Real-IP": "127.0.0.1"}, 200),
    # a development server for a front end, on this machine for somebody who is here
    ({"X-Forwarded-For": "127.0.0.1"}, 200), ({"X-Forwarded-For": "::1, ::ffff:127.0.0.1"}, 200),
])  # fmt: skip
def test_without_a_login_nobody_comes_through_a_proxy(server, headers, status):
    """Tunnels and proxies on this machine may say of themselves that they ask for localhost."""
    for path in ("/agents", "/auth/me"):
        assert server.get(path, headers=headers).status == status
    assert server.get("/livez", headers=headers).status == 200


# ---- logins ----

def test_with_logins_nobody_is_in_by_being_near(login_server):
    for path in ("/agents", "/deployments", "/data-store/namespaces"):
        reply = login_server.get(path)
        assert (reply.status, reply.detail) == (401, "Not authenticated. Session cookie missing or invalid.")
        assert reply.header("WWW-Authenticate") == 'Bearer realm="einion", reason="missing_credentials"'
    reply = login_server.get("/auth/me")
    assert (reply.status, reply.detail) == (401, "Not authenticated")
    for path in ("/", "/health", "/livez", "/auth/providers", "/docs", "/openapi.json"):
        assert login_server.get(path).status == 200


def test_bearer_null_is_no_credential(login_server, person):
    assert login_server.get("/agents", headers={"Authorization": "Bearer null"}).status == 401
    assert person("alice").get("/agents", headers={"Authorization": "Bearer null"}).status == 200


def test_where_people_log_in_programs_have_keys(login_server, person):
    alice = person("alice")
    made = alice.post("/users/me/keys", {"name": "ci", "scopes": ["agents"]})
    assert made.status == 201, made
    key = {"Authorization": f"Bearer {made.json['key']}"}
    me = login_server.get("/auth/me", headers=key).json
    assert me["uid"] == "dev_stub:alice"
    assert login_server.get("/agents", headers=key).status == 200
    # it is known to whoever sends it: no page of another origin sends it by itself
    assert login_server.request("DELETE", "/agents/x", headers={**key, "Origin": "http://evil.example"}).status == 404
    for method, path in (("GET", "/auth/sessions"), ("DELETE", "/auth/sessions"), ("GET", "/users/me/keys")):
        assert login_server.request(method, path, headers=key).status == 403
    assert alice.get("/auth/me").status == 200
    # a session comes first, and a stale one is the end of it
    dave = person("dave")
    assert dave.get("/auth/me", headers=key).json["uid"] == "dev_stub:dave"
    dave.delete("/auth/sessions")
    stale = {"Cookie": "gofannon_sid=" + "A" * 43, **key}
    assert login_server.get("/agents", headers=stale).detail == "Session expired or invalid"


def test_the_section_may_lie_in_a_file_of_its_own(start_server):
    server = start_server(env={"AUTH_CONFIG_PATH": str(ROOT / "config" / "auth.dev.yaml")})
    assert server.get("/auth/providers").json["providers"] == [
        {"type": "dev_stub", "displayName": "Dev stub login", "icon": "dev"}]
    assert Person(server).login("alice").get("/auth/me").json["uid"] == "dev_stub:alice"
    assert Person(server).login("site_admin_1").get("/auth/me").json["isSiteAdmin"] is True


def test_the_server_says_who_may_log_in(start_server):
    for sets, words in (([], r"listens on .*, without login, for this machine only"),
                        ([logins()], r"listens on .*, logins: .*session.*dev_stub.*\n.*"
                                     r"auth-dev-stub is on: whoever reaches this server may be any of its users")):  # fmt: skip
        server = start_server(sets=sets)  # it answers before it has said so
        wait_until(lambda: re.search(words, server.log()), 10, words)


def test_whoever_has_the_admin_password_revokes_them_without_a_login(start_server):
    admin = {"headers": {"X-Admin-Password": STRONG["ADMIN_PANEL_PASSWORD"]}}
    server = start_server(sets=[logins()], env=STRONG)
    key = Person(server).login("alice").post("/users/me/keys", {"name": "k", "scopes": ["agents"]}).json
    assert [one["userId"] for one in server.get("/admin/keys", **admin).json] == ["dev_stub:alice"]
    assert server.delete(f"/admin/keys/{key['_id']}", **admin).status == 204
    assert server.get("/agents", headers={"Authorization": f"Bearer {key['key']}"}).status == 401
    told = server.get("/admin/audit?action=api_key.revoke", **admin).json
    assert [(one["actor"], one["target"]) for one in told] == [("admin", key["_id"])]


# ---- what does not start ----


@pytest.mark.parametrize("command", [(), ("check",)])
@pytest.mark.parametrize("sets, env, says", [
    ([EVERYWHERE], None, "no login is configured: write a section auth"),
    (["http.trusted_proxies=[10.0.0.1]"], None, "no login is configured"),
    (["http.public_url=https://agents.example"], None, "no login is configured"),
    ([EVERYWHERE, logins()], None, "auth-dev-stub lets whoever comes be any of its users"),
    (["http.trusted_proxies=[10.0.0.1]", logins()], None, "auth-dev-stub lets whoever comes"),
    (["http.public_url=https://agents.example", logins()], None, "auth-dev-stub lets whoever comes"),
    (["auth={providers: [{type: dev_stub, enabled: false}]}"], None, "auth.providers: none is enabled"),
    (["auth={providers: [{type: dev_stub}], session_ttl: 3}"], None, "did you mean `session_ttl_hours`?"),
    (["auth={providers: [{type: dev_stub, config: {user: []}}]}"], None,
     "auth.providers.0.config.user: unknown key; did you mean `users`?"),
    (["http.trusted_proxies=[nowhere]"], None, "http.trusted_proxies: 'nowhere' is neither an address nor a network"),
    ([EVERYWHERE, "auth=" + json.dumps(ON_PURPOSE)], {**STRONG, "ADMIN_PANEL_PASSWORD": "password"}, "tried first"),
    ([EVERYWHERE, "auth=" + json.dumps(ON_PURPOSE)], {**STRONG, "ADMIN_PANEL_PASSWORD": "Admin"}, "tried first"),
    ([EVERYWHERE, "auth=" + json.dumps(ON_PURPOSE)], {**STRONG, "ADMIN_PANEL_PASSWORD": "x7!k"}, "shorter than 8"),
])  # fmt: skip
def test_what_lets_anybody_in_is_refused(sets, env, says, command):
    told = refusal(sets, env, command)
    assert told is not None and says in told
    assert "Traceback" not in told and len(told.splitlines()) <= 3


@pytest.mark.parametrize("command", [(), ("check",)])
@pytest.mark.parametrize("reached", [EVERYWHERE, "http.trusted_proxies=[10.0.0.1]", "http.public_url=https://agents.example"])
def test_the_emulator_is_for_this_machine(reached, command):
    """Whoever comes through a proxy on this machine seems to be here."""
    sets = ["env=firebase", "plugins.auth-firebase.project_id=p", "plugins.auth-firebase.emulator=true"]
    env = {"FIREBASE_AUTH_EMULATOR_HOST": "127.0.0.1:9099"}
    assert "the emulator of auth-firebase lets whoever comes be anybody" in (refusal([reached, *sets], env, command) or "")


def test_it_starts_if_the_operator_says_so_in_words(start_server):
    server = start_server(sets=[EVERYWHERE, "auth=" + json.dumps(ON_PURPOSE)], env=STRONG)
    assert Person(server).login("alice").get("/auth/me").status == 200


@pytest.mark.parametrize("password", ["password", "x"])
def test_on_loopback_any_admin_password_will_do(start_server, password):
    assert start_server(env={**STRONG, "ADMIN_PANEL_PASSWORD": password}).healthy()


def test_a_reload_does_not_open_what_a_start_refuses(start_server):
    shared = "listen: {address: 0.0.0.0}\nstorage: {backend: memory}\nplugins: {storage-memory: , service: , agents: "
    config = shared + "}\nauth: " + json.dumps(ON_PURPOSE) + "\n"
    server = start_server(config=config)
    path = server.state / "einion.yaml"
    for opened in (shared + "}\n", shared.replace("0.0.0.0", "127.0.0.1") + "}\n",
                   config.replace("anybody_on_the_network_may_log_in_as_anybody", "display_name").replace("true", '"D"')):
        path.write_text(opened)
        before = server.log().count("configuration")
        server.signal(signal.SIGHUP)
        wait_until(lambda: server.log().count("configuration") > before, 10, "the reload")
        assert server.get("/agents").status == 401


def test_logins_come_and_go_with_a_reload(start_server):
    shared = "storage: {backend: memory}\nplugins: {storage-memory: , service: , agents: , auth-session: }\n"
    server = start_server(config=shared)
    path = server.state / "einion.yaml"
    assert server.get("/agents").status == 200
    path.write_text(shared + "auth: " + logins()[5:] + "\n")
    server.signal(signal.SIGHUP)
    wait_until(lambda: server.get("/agents").status == 401, 10, "logins")
    assert Person(server).login("alice").get("/agents").status == 200
    path.write_text(shared)
    server.signal(signal.SIGHUP)
    wait_until(lambda: server.get("/agents").status == 200, 10, "no logins")


def test_ownership_can_be_shared(start_server):
    """One big room, as the original has it."""
    server = start_server(sets=[logins(ownership="shared")])
    assert Person(server).login("alice").get("/agents").status == 200
    done = subprocess.run([str(EINION), "--set", logins(ownership="mine"), "check"], capture_output=True, text=True,
                          env=server.environment())  # fmt: skip
    assert done.returncode and "auth.ownership: 'mine' is not 'own' or 'shared'" in done.stderr
