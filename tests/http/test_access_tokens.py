# SPDX-License-Identifier: Apache-2.0
"""auth-oidc: access tokens in the forms of the issuers that there are, and all that is none."""

import json
import pathlib
import re
import sys
import time

import pytest
from support import Server

TESTS = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(TESTS / "support"), str(TESTS / "login")]

from issuer import KEY, OTHER_KEY, Issuer  # noqa: E402
from peer import Peer  # noqa: E402
from tokens import encode, hmac_token, token  # noqa: E402

AUDIENCE = "https://agents.example.org/mcp"
TENANT = "72f988bf-86f1-41af-91ab-2d7cd011db47"
PROJECT = "demo-gofannon"
CHALLENGE = 'Bearer realm="einion", error="invalid_token", reason="{}"'


class World:
    """A server that trusts three issuers and Firebase."""

    def __init__(self):
        self.peers = [Peer() for _ in range(3)]
        self.oidc, self.google, self.microsoft = (Issuer(peer) for peer in self.peers)
        self.peers[0].answers["/x509"] = {"k1": KEY.certificate}
        common = {"client_id": "einion", "client_secret": "secret", "audience": AUDIENCE}
        providers = [
            ("oidc", {"issuer": self.oidc.url, "allowed_groups": ["engineering"]}),
            ("google", {"issuer": self.google.url, "hosted_domain": "acme.com", "mode": "open_domain"}),
            ("microsoft", {"issuer": self.microsoft.url, "tenant_id": TENANT, "mode": "open_tenant"}),
        ]
        self.listed = [{"type": name, "config": common | config} for name, config in providers]

    def sets(self, *more):
        return ["auth=" + json.dumps({"providers": self.listed, "site_admins": ["oidc:alice"]}), "http.wrong_logins_per_minute=1000000",
                *more]  # fmt: skip

    def close(self):
        for peer in self.peers:
            peer.close()


@pytest.fixture(scope="module")
def world():
    world = World()
    yield world
    world.close()


@pytest.fixture(scope="module")
def server(world):
    firebase = ["env=firebase", f"plugins.auth-firebase.project_id={PROJECT}", f"plugins.auth-firebase.certs_url={world.oidc.url}/x509"]
    with Server("memory", sets=world.sets(*firebase)) as server:
        yield server.start()


def claims(issuer, **changes):
    """Of RFC 9068; None takes one out."""
    now = int(time.time())
    given = {"iss": issuer.url, "aud": AUDIENCE, "sub": "alice", "client_id": "a-client", "iat": now - 10, "exp": now + 300,
             "jti": "j", "scope": "openid deployments:run", "groups": ["engineering"]} | changes  # fmt: skip
    return {name: value for name, value in given.items() if value is not None}


def sign(issuer, header_typ="at+jwt", signer=KEY, header=(), **changes):
    return signer.sign(claims(issuer, **changes), typ=header_typ, **dict(header))


def ask(server, bearer, path="/deployments"):
    return server.get(path, headers={"Authorization": f"Bearer {bearer}"})


def me(server, bearer):
    reply = ask(server, bearer, "/auth/me")
    assert reply.status == 200, reply
    return reply.json


ACCEPTED = {
    "RFC 9068": lambda w: sign(w.oidc),
    "the long name of its type": lambda w: sign(w.oidc, "application/AT+JWT"),
    "several audiences": lambda w: sign(w.oidc, aud=["https://other.example", AUDIENCE], azp="a-client"),
    "just expired": lambda w: sign(w.oidc, exp=int(time.time()) - 20),
    "a little ahead": lambda w: sign(w.oidc, iat=int(time.time()) + 30),
    "Keycloak": lambda w: sign(w.oidc, "JWT", typ="Bearer", azp="a-client", client_id=None, scope="openid profile"),
    "a name like a client's": lambda w: sign(w.oidc, "JWT", typ="Bearer", azp="a-client", client_id=None, preferred_username="service-account-b"),
    "Okta": lambda w: sign(w.oidc, None, cid="a-client", client_id=None, scp=["openid"], scope=None, ver=1),
    "Auth0": lambda w: sign(w.oidc, "JWT", aud=[AUDIENCE, w.oidc.url + "/userinfo"], azp="a-client", client_id=None),
    "Cognito": lambda w: sign(w.oidc, None, token_use="access"),
    "Entra": lambda w: sign(w.microsoft, "JWT", tid=TENANT, oid="an-object", azp="a-client", client_id=None, scp="access_as_user", scope=None),
    "a hosted domain": lambda w: sign(w.google, hd="ACME.com"),
}

REFUSED = {
    "another audience": lambda w: sign(w.oidc, aud="https://other.example/mcp"),
    "other audiences": lambda w: sign(w.oidc, aud=["https://other.example", AUDIENCE + "/"]),
    "no audience": lambda w: sign(w.oidc, aud=None),
    "nbf in future": lambda w: sign(w.oidc, nbf=int(time.time()) + 600),
    "iat in future": lambda w: sign(w.oidc, iat=int(time.time()) + 600),
    "iat missing": lambda w: sign(w.oidc, iat=None),
    "exp missing": lambda w: sign(w.oidc, exp=None),
    "no subject": lambda w: sign(w.oidc, sub=None),
    "alg none": lambda w: token({"alg": "none", "typ": "at+jwt"}, claims(w.oidc)),
    "alg none, but a kid": lambda w: token({"alg": "none", "typ": "at+jwt", "kid": "k1"}, claims(w.oidc)),
    "HS256 with the key as secret": lambda w: hmac_token(KEY.jwk["n"], {"alg": "HS256", "typ": "at+jwt", "kid": "k1"}, claims(w.oidc)),
    "RS512": lambda w: sign(w.oidc, header={"alg": "RS512"}),
    "unknown kid": lambda w: sign(w.oidc, header={"kid": "nope"}),
    "another key of that name": lambda w: sign(w.oidc, signer=OTHER_KEY, header={"kid": "k1"}),
    "its own key in the header": lambda w: sign(w.oidc, signer=OTHER_KEY, header={"kid": "k1", "jwk": OTHER_KEY.jwk}),
    "tampered": lambda w: ".".join((lambda t: [t[0], encode(claims(w.oidc, sub="mallory")), t[2]])(sign(w.oidc).split("."))),
    "no signature": lambda w: sign(w.oidc).rsplit(".", 1)[0] + ".",
    # tokens of the same issuer that are not access tokens
    "an id_token": lambda w: sign(w.oidc, "JWT", nonce="n", scope=None),
    "an id_token without a nonce": lambda w: sign(w.oidc, "JWT", scope=None, client_id=None),
    "an id_token that says more": lambda w: sign(w.oidc, "JWT", at_hash="h"),
    "an id_token of Keycloak's": lambda w: sign(w.oidc, "JWT", typ="ID"),
    "an id_token of Cognito's": lambda w: sign(w.oidc, None, token_use="id"),
    "a logout token": lambda w: sign(w.oidc, "logout+jwt"),
    "a logout token of no type": lambda w: sign(w.oidc, "JWT", events={"http://schemas.openid.net/event/backchannel-logout": {}}),
    "a type that is no text": lambda w: sign(w.oidc, 7),
    "bound to a key": lambda w: sign(w.oidc, cnf={"jkt": "x"}),
    "a client's own": lambda w: sign(w.oidc, sub="a-client"),
    "a client's own at Entra": lambda w: sign(w.microsoft, "JWT", tid=TENANT, sub="o", oid="o", scp="x"),
    "a client's own at Keycloak": lambda w: sign(w.oidc, "JWT", typ="Bearer", azp="A-Client", client_id=None, sub="8a1f", preferred_username="service-account-a-client"),
    "a client's own at Auth0": lambda w: sign(w.oidc, "JWT", sub="c@clients", gty="client-credentials"),
}

NOT_LET_IN = {
    "a subject with a line in it": lambda w: sign(w.oidc, sub="a\nb"),
    "in no group": lambda w: sign(w.oidc, groups=None),
    "in another group": lambda w: sign(w.oidc, groups=["sales"]),
    "of no domain": lambda w: sign(w.google),
    "of another domain": lambda w: sign(w.google, hd="acme.com.evil.example"),
    "of no tenant": lambda w: sign(w.microsoft),
    "of another tenant": lambda w: sign(w.microsoft, tid="11111111-86f1-41af-91ab-2d7cd011db47"),
}

NOBODYS = {
    "another issuer": lambda w: sign(w.oidc, iss="https://evil.example"),
    "an issuer with a slash": lambda w: sign(w.oidc, iss=w.oidc.url + "/"),
    "no issuer": lambda w: sign(w.oidc, iss=None),
    "two parts": lambda w: sign(w.oidc).rsplit(".", 1)[0],
    "an opaque token": lambda w: "ya29.a0AfH6SMBx",
}


@pytest.mark.parametrize("name", ACCEPTED)
def test_a_good_token_is_accepted(world, server, name):
    reply = ask(server, ACCEPTED[name](world))
    assert (reply.status, reply.header("WWW-Authenticate")) == (403, 'Bearer realm="einion", error="insufficient_scope", scope="deployments:read"'), reply
    reply = ask(server, ACCEPTED[name](world), "/auth/me")
    assert reply.status == 200, reply


@pytest.mark.parametrize("name", REFUSED)
def test_a_bad_token_is_refused(world, server, name):
    reply = ask(server, REFUSED[name](world), "/auth/me")
    assert (reply.status, reply.header("WWW-Authenticate")) == (401, CHALLENGE.format("token_invalid")), reply


def test_an_expired_token_is_told_apart(world, server):
    reply = ask(server, sign(world.oidc, exp=int(time.time()) - 61))
    assert (reply.status, reply.header("WWW-Authenticate")) == (401, CHALLENGE.format("token_expired"))
    assert reply.detail == "The token has expired."


@pytest.mark.parametrize("name", NOT_LET_IN)
def test_who_may_not_log_in_may_not_come_with_a_token(world, server, name):
    reply = ask(server, NOT_LET_IN[name](world))
    assert (reply.status, reply.header("WWW-Authenticate")) == (401, CHALLENGE.format("account_refused")), reply


@pytest.mark.parametrize("name", NOBODYS)
def test_a_token_of_nobody_we_know_is_refused(world, server, start_server, name):
    reply = ask(server, NOBODYS[name](world))
    assert (reply.status, reply.header("WWW-Authenticate")) == (401, CHALLENGE.format("token_invalid"))  # says Firebase


def test_without_firebase_a_token_of_nobody_we_know_is_refused_as_well(world, start_server):
    server = start_server(backend="memory", sets=world.sets())
    for bearer in NOBODYS.values():
        reply = ask(server, bearer(world))
        assert (reply.status, reply.header("WWW-Authenticate")) == (401, CHALLENGE.format("token_unknown"))
    for bearer in ("null", ""):
        assert 'reason="missing_credentials"' in ask(server, bearer).header("WWW-Authenticate")


def test_somebody_is_who_logs_in_with_the_same_subject(world, server):
    same = me(server, sign(world.oidc, email="alice@acme.com", email_verified=True, name="Alice"))
    assert same == {
        "uid": "oidc:alice", "displayName": "Alice", "email": "alice@acme.com", "providerType": "oidc", "isSiteAdmin": False,
        "workspaces": [
            {"workspaceId": "personal:oidc:alice", "role": "admin", "displayName": "Personal", "source": "auto_personal", "description": None},
            {"workspaceId": "oidc:group:engineering", "role": "member", "displayName": "engineering", "source": "oidc_group", "description": None}],
    }  # fmt: skip
    assert me(server, sign(world.oidc, email="alice@acme.com", email_verified=False))["email"] is None
    assert me(server, ACCEPTED["Entra"](world))["uid"] == "microsoft:alice"


def test_firebase_is_asked_as_well(world, server):
    now = int(time.time())
    bearer = KEY.sign({"iss": f"https://securetoken.google.com/{PROJECT}", "aud": PROJECT, "sub": "u1", "auth_time": now - 9, "iat": now - 9, "exp": now + 300})
    assert ask(server, bearer, "/agents").status == 200


# ---- what it may do ------------------------------------------------------------------------------

ROUTES = {"models:read": "/providers", "agents:read": "/agents", "deployments:read": "/deployments", "admin:read": "/users/me/keys"}


def allowed(server, bearer):
    return [scope for scope, path in ROUTES.items() if ask(server, bearer, path).status == 200]


@pytest.mark.parametrize("scopes, may", [
    ({"scope": "openid agents:read offline_access"}, ["agents:read"]),
    ({"scope": "  agents   models "}, ["models:read", "agents:read"]),
    ({"scope": None, "scp": ["deployments", "profile"]}, ["deployments:read"]),
    ({"scope": "deployments", "scp": "agents"}, ["agents:read", "deployments:read"]),
    ({"scope": "use:payroll"}, []),
    ({"scope": "admin agents:read admin:read"}, ["agents:read"]),
    ({"scope": "Agents agentsx agents:all use agents/read"}, []),
    ({"scope": ["agents", 7, None, {}]}, ["agents:read"]),
    ({"scope": 7}, []),
])  # fmt: skip
def test_scopes_narrow_what_a_token_may(world, server, scopes, may):
    assert allowed(server, sign(world.oidc, **scopes)) == may


def mcp(server, bearer):
    return server.post("/mcp", {"jsonrpc": "2.0", "id": 1, "method": "ping"}, headers={"Authorization": f"Bearer {bearer}"})


def test_a_token_without_scopes_of_ours_may_call_what_is_deployed(world, server):
    for scope in (None, "openid", "admin"):
        assert mcp(server, sign(world.oidc, scope=scope)).json["result"] == {}
    reply = mcp(server, sign(world.oidc, scope="agents"))
    assert reply.status == 403 and 'error="insufficient_scope", scope="deployments:run", resource_metadata=' in reply.header("WWW-Authenticate")
    reply = mcp(server, sign(world.oidc, aud="x"))
    assert reply.status == 401 and CHALLENGE.format("token_invalid") + ", resource_metadata=" in reply.header("WWW-Authenticate")


# ---- settings ------------------------------------------------------------------------------------


def change(world, **changes):
    changed = World.__new__(World)
    changed.listed = [{"type": "oidc", "config": world.listed[0]["config"] | changes}]
    return changed.sets()


def test_what_a_token_may_without_scopes_is_a_setting(world, start_server):
    server = start_server(backend="memory", sets=change(world, token_scopes=["models", "agents:read"]))
    assert allowed(server, sign(world.oidc, scope="openid")) == ["models:read", "agents:read"]
    server = start_server(backend="memory", sets=change(world, token_scopes=[]))
    assert mcp(server, sign(world.oidc, scope="openid")).status == 403
    assert mcp(server, sign(world.oidc)).status == 200


def test_without_an_audience_no_token_is_taken(world, start_server):
    server = start_server(backend="memory", sets=change(world, audience=""))
    for bearer in (sign(world.oidc), sign(world.oidc, aud=""), sign(world.oidc, aud="einion"), sign(world.oidc, aud=None)):
        reply = ask(server, bearer)
        assert (reply.status, reply.header("WWW-Authenticate")) == (401, CHALLENGE.format("token_unknown"))
    assert "authorization_servers" not in server.get("/.well-known/oauth-protected-resource/mcp").json


def test_an_id_token_is_refused_where_the_audience_is_the_client_as_well(world, start_server):
    """As it is at Entra."""
    server = start_server(backend="memory", sets=change(world, audience="einion"))
    world.oidc.nonce = "n"
    assert ask(server, world.oidc.id_token()).detail == "The token is no access token."
    world.oidc.nonce = None
    assert ask(server, world.oidc.id_token()).detail == "The token is no access token."
    assert ask(server, sign(world.oidc, "JWT", aud="einion", scope=None, scp="deployments"), "/deployments").status == 200


def verified(server):
    match = re.search(r"^einion_oidc_tokens_verified_total(?:\{.*\})? (\d+)", server.get("/metrics").text, re.M)
    return int(match[1]) if match else 0


@pytest.mark.parametrize("cached, times", [(10000, 2), (1, 4), (0, 6)])
def test_a_verified_token_is_known(world, start_server, cached, times):
    server = start_server(backend="memory", sets=change(world, cached_tokens=cached))
    one, other = sign(world.oidc, jti="1"), sign(world.oidc, jti="2")
    for bearer in (one, one, other, other, one, other):
        assert ask(server, bearer, "/auth/me").status == 200
    assert verified(server) == times


# ---- an issuer that is not well --------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/.well-known/openid-configuration", "/jwks"])
def test_while_the_issuer_is_down_tokens_are_not_refused(start_server, path):
    world = World()
    server = start_server(backend="memory", sets=world.sets())
    world.peers[0].answers[path] = (500, "oops")
    reply = ask(server, sign(world.oidc, aud="x"))
    assert (reply.status, world.peers[0].asked(path)) == (401, [])  # what is not for us costs nothing
    reply = ask(server, sign(world.oidc))
    assert (reply.status, reply.header("WWW-Authenticate")) == (503, None), reply
    assert reply.detail == "The keys of OpenID Connect cannot be fetched at the moment; try again."
    world.close()


def test_no_token_is_in_the_log(world, server):
    for bearer in (sign(world.oidc, sub="unlogged"), sign(world.oidc, sub="unlogged", aud="x"), sign(world.oidc, sub="unlogged", groups=[])):
        ask(server, bearer)
        assert all(part not in server.log() for part in bearer.split("."))
    assert "A token of oidc was refused: The token is for somebody else." in server.log()
