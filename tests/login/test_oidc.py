# SPDX-License-Identifier: Apache-2.0
"""auth-oidc against a provider that lies in every way."""

import json
import threading
import time

import pytest
from driver import DENIED, INVALID, UNAVAILABLE, UNSUPPORTED, Login, Refused
from issuer import KEY, OTHER_KEY, Issuer
from tokens import hmac_token, token


@pytest.fixture
def issuer(peer):
    return Issuer(peer)


def workspace(name, role="member"):
    return {"id": f"oidc:group:{name}", "role": role, "name": name, "source": "oidc_group", "description": None}


def test_it_says_what_it_is(open_provider, issuer):
    provider = open_provider("auth-oidc", issuer.settings())
    assert (provider.name, provider.describe()) == ("oidc", {"displayName": "OpenID Connect", "icon": "oidc"})
    named = open_provider("auth-oidc", issuer.settings(name="acme", display_name="Acme"))
    assert (named.name, named.describe()["displayName"]) == ("acme", "Acme")
    assert not issuer.peer.requests  # it starts while the provider is down


def test_somebody_is_sent_there_with_state_nonce_and_challenge(open_provider, issuer):
    login = Login()
    provider = open_provider("auth-oidc", issuer.settings(), vault=False)
    assert provider.login_url(login).startswith(issuer.url + "/auth?")
    assert provider.query_of_login(login) == {
        "response_type": "code", "client_id": "einion", "redirect_uri": login.redirect_uri, "state": login.state,
        "nonce": login.nonce, "code_challenge": login.challenge, "code_challenge_method": "S256",
        "scope": "openid email profile groups",
    }  # fmt: skip
    keeping = open_provider("auth-oidc", issuer.settings()).query_of_login(login)
    assert (keeping["scope"], keeping["prompt"]) == ("openid email profile groups offline_access", "consent")


def test_a_scope_that_the_provider_does_not_know_is_not_asked_for(open_provider, issuer):
    issuer.metadata["scopes_supported"] = ["openid", "email", "profile"]
    provider = open_provider("auth-oidc", issuer.settings())
    assert provider.query_of_login(Login())["scope"] == "openid email profile"
    provider = open_provider("auth-oidc", issuer.settings(scope="openid roles"))
    assert provider.query_of_login(Login())["scope"] == "openid roles"


def test_an_authorization_endpoint_may_have_a_query(open_provider, issuer):
    issuer.metadata["authorization_endpoint"] = issuer.url + "/auth?realm=a"
    assert open_provider("auth-oidc", issuer.settings()).query_of_login(Login())["realm"] == "a"


@pytest.mark.parametrize("methods", [None, ["client_secret_basic"], ["client_secret_post"], ["private_key_jwt", "client_secret_post"]])
def test_somebody_logs_in(open_provider, issuer, methods):
    if methods is None:
        del issuer.metadata["token_endpoint_auth_methods_supported"]
    else:
        issuer.metadata["token_endpoint_auth_methods_supported"] = methods
    login = Login()
    provider = open_provider("auth-oidc", issuer.settings())
    assert issuer.login(provider, login) == {"uid": "oidc:alice", "name": "Alice", "email": "alice@acme.com", "provider": "oidc",
                                             "workspaces": [workspace("engineering")]}  # fmt: skip
    asked = issuer.peer.asked("/token")[0]
    assert bool(asked.basic) == (methods is None or "client_secret_basic" in methods)
    assert ("client_secret" in asked.form) != bool(asked.basic)
    assert (asked.form["code_verifier"], asked.form["redirect_uri"]) == (login.code_verifier, login.redirect_uri)
    assert not issuer.peer.asked("/me")  # the id_token has said it all


def test_a_public_client_sends_its_name_only(open_provider, issuer):
    issuer.peer.answers["/token"] = lambda request: (
        {"access_token": "access", "id_token": issuer.id_token()} if (request.form.get("client_id"), request.basic) == ("einion", None) else (401, {}))  # fmt: skip
    provider = open_provider("auth-oidc", issuer.settings(client_secret=""))
    assert issuer.login(provider, Login())["uid"] == "oidc:alice"


def test_groups_become_workspaces(open_provider, issuer):
    both = issuer.settings(allowed_groups=["engineering", "sales", "board"], admin_groups=["Sales"], group_display_names={"sales": "Sales!"})
    assert issuer.login(open_provider("auth-oidc", both), Login(), "1")["workspaces"] == [
        workspace("engineering"), workspace("sales", "admin") | {"name": "Sales!"}]  # fmt: skip
    none = issuer.settings(allowed_groups=[])
    assert issuer.login(open_provider("auth-oidc", none), Login(), "2")["workspaces"] == []
    room = {"id": "oidc:all:everybody", "role": "member", "name": "OpenID Connect", "source": "oidc_all", "description": None}
    opened = issuer.settings(mode="open", allowed_groups=[])
    assert issuer.login(open_provider("auth-oidc", opened), Login(), "3")["workspaces"] == [room]
    some = issuer.settings(mode="open", allowed_groups=["sales"])
    assert issuer.login(open_provider("auth-oidc", some), Login(), "4")["workspaces"] == [room, workspace("sales")]


def test_groups_may_be_another_claim_and_one_text(open_provider, issuer):
    issuer.claims["roles"] = "engineering"
    provider = open_provider("auth-oidc", issuer.settings(groups_claim="roles"))
    assert issuer.login(provider, Login())["workspaces"] == [workspace("engineering")]


def test_userinfo_says_what_the_id_token_does_not(open_provider, issuer):
    issuer.claims = {}
    issuer.userinfo = {"email": "alice@acme.com", "name": "Alice", "groups": ["engineering"]}
    provider = open_provider("auth-oidc", issuer.settings())
    claims = issuer.login(provider, Login())
    assert (claims["email"], claims["name"], claims["workspaces"]) == ("alice@acme.com", "Alice", [workspace("engineering")])


def test_userinfo_of_somebody_else_is_refused(open_provider, issuer):
    issuer.claims = {}
    issuer.userinfo = {"sub": "mallory", "groups": ["engineering"]}
    with pytest.raises(Refused, match="describes somebody else"):
        issuer.login(open_provider("auth-oidc", issuer.settings()), Login())


@pytest.mark.parametrize("verified", [False, "false", "no"])
def test_an_address_that_is_not_verified_is_left_out(open_provider, issuer, verified):
    issuer.claims["email_verified"] = verified
    assert "email" not in issuer.login(open_provider("auth-oidc", issuer.settings()), Login())


@pytest.mark.parametrize("verified", [True, "true", None])
def test_an_address_that_is_verified_or_of_which_nothing_is_said_is_shown(open_provider, issuer, verified):
    issuer.claims["email_verified"] = verified
    assert issuer.login(open_provider("auth-oidc", issuer.settings()), Login())["email"] == "alice@acme.com"


def test_a_name_is_no_longer_than_one(open_provider, issuer):
    """It is in every session and in much that is answered."""
    issuer.claims = {}
    issuer.userinfo = {"name": "é" * 100000, "email": "e" * 321, "groups": ["engineering"]}
    claims = issuer.login(open_provider("auth-oidc", issuer.settings(group_display_names={"engineering": "E" * 5000})), Login(), "1")
    assert (claims["name"], claims.get("email"), claims["workspaces"][0]["name"]) == ("é" * 100, None, "E" * 200)
    issuer.userinfo |= {"name": "Alice", "email": "e" * 320}
    claims = issuer.login(open_provider("auth-oidc", issuer.settings()), Login(), "2")
    assert (claims["name"], claims["email"]) == ("Alice", "e" * 320)


# ---- tokens that are not good ----


def now():
    return int(time.time())


CLAIMS = {
    "another issuer": {"iss": "https://accounts.example.com"},
    "an issuer with a slash": lambda issuer: {"iss": issuer.url + "/"},
    "another audience": {"aud": "other"},
    "several audiences": {"aud": ["einion", "other"]},
    "another party": {"aud": ["einion", "other"], "azp": "other"},
    "no audience": {"aud": None},
    "audiences of none": {"aud": []},
    "an audience that is no text": {"aud": {"einion": True}},
    "one audience and another party": {"aud": "einion", "azp": "other"},
    "an expiry in words": lambda issuer: {"exp": str(now() + 300)},
    "an expiry beyond all sense": {"exp": 1e300},
    "an expiry before all time": {"exp": -1},
    "an expiry that is true": {"exp": True},
    "made when nobody knows": {"iat": "1"},
    "not valid until nobody knows": {"nbf": "0"},
    "a subject with a NUL": {"sub": "alice\0mallory"},
    "another nonce": {"nonce": "n"},
    "no nonce": {"nonce": None},
    "expired": lambda issuer: {"exp": now() - 61},
    "no expiry": {"exp": None},
    "from the future": lambda issuer: {"iat": now() + 600},
    "not valid yet": lambda issuer: {"nbf": now() + 600},
    "nobody": {"sub": None},
    "an empty name": {"sub": ""},
    "a long name": {"sub": "x" * 256},
    "a number": {"sub": 7},
}


@pytest.mark.parametrize("name", CLAIMS)
def test_claims_that_are_wrong_are_refused(open_provider, issuer, name):
    changes = CLAIMS[name](issuer) if callable(CLAIMS[name]) else CLAIMS[name]
    issuer.claims |= changes
    with pytest.raises(Refused, match="The id_token of OpenID Connect is not good") as refused:
        issuer.login(open_provider("auth-oidc", issuer.settings()), Login())
    assert refused.value.code == INVALID


SIGNATURES = {
    "alg none": lambda claims: token({"alg": "none"}, claims),
    "alg none, kid": lambda claims: token({"alg": "none", "kid": "k1"}, claims),
    "hmac with the public key": lambda claims: hmac_token(json.dumps(KEY.jwk), {"alg": "HS256", "kid": "k1"}, claims),
    "hmac with the client's secret": lambda claims: hmac_token("s3cret &", {"alg": "HS256"}, claims),
    "another key": lambda claims: OTHER_KEY.sign(claims, kid="k1"),
    "an unknown key": OTHER_KEY.sign,
    "its own key": lambda claims: OTHER_KEY.sign(claims, jwk=OTHER_KEY.jwk),
    "another algorithm": lambda claims: KEY.sign(claims, alg="PS256"),
    "ES256 with an RSA key": lambda claims: KEY.sign(claims, alg="ES256"),
    "cut": lambda claims: KEY.sign(claims)[:-4],
    "none": lambda claims: KEY.sign(claims).rpartition(".")[0] + ".",
}


@pytest.mark.parametrize("name", SIGNATURES)
def test_signatures_that_are_wrong_are_refused(open_provider, issuer, name):
    issuer.sign = SIGNATURES[name]
    with pytest.raises(Refused, match="The id_token of OpenID Connect is not good") as refused:
        issuer.login(open_provider("auth-oidc", issuer.settings()), Login())
    assert refused.value.code == INVALID


def test_one_key_without_a_name_is_enough(open_provider, issuer):
    issuer.sign = lambda claims: KEY.sign(claims, kid=None)
    assert issuer.login(open_provider("auth-oidc", issuer.settings()), Login())["uid"] == "oidc:alice"


def test_a_new_key_is_found(open_provider, issuer):
    provider = open_provider("auth-oidc", issuer.settings())
    issuer.login(provider, Login(), "1")
    issuer.peer.answers["/jwks"] = {"keys": [KEY.jwk, OTHER_KEY.jwk]}
    issuer.sign = OTHER_KEY.sign
    issuer.login(provider, Login(), "2")
    assert len(issuer.peer.asked("/jwks")) == 2


# ---- providers that are mixed up ----


def test_iss_of_the_callback_has_to_be_the_issuer(open_provider, issuer):
    provider = open_provider("auth-oidc", issuer.settings())
    assert issuer.login(provider, Login(), "1", iss=issuer.url)["uid"] == "oidc:alice"
    for iss in ("https://evil.example", issuer.url + "/", ""):
        with pytest.raises(Refused, match="not from OpenID Connect but from somebody else"):
            issuer.login(provider, Login(), "2", iss=iss)
    assert len(issuer.peer.asked("/token")) == 1  # the code went to nobody


def test_iss_is_missed_where_it_was_promised(open_provider, issuer):
    issuer.metadata["authorization_response_iss_parameter_supported"] = True
    provider = open_provider("auth-oidc", issuer.settings())
    with pytest.raises(Refused, match="from somebody else"):
        issuer.login(provider, Login())
    issuer.login(provider, Login(), iss=issuer.url)


def test_a_code_is_good_once(open_provider, issuer):
    provider = open_provider("auth-oidc", issuer.settings())
    issuer.login(provider, Login(), "once")
    with pytest.raises(Refused) as refused:
        issuer.login(provider, Login(), "once")
    assert (refused.value.code, refused.value.text) == (INVALID, "OpenID Connect refuses (invalid_grant).")


def test_an_answer_without_an_id_token_is_no_login(open_provider, issuer):
    issuer.peer.answers["/token"] = {"access_token": "access"}
    with pytest.raises(Refused, match="sent no id_token"):
        issuer.login(open_provider("auth-oidc", issuer.settings()), Login())


# ---- discovery ----

DOCUMENTS = {
    "another issuer": lambda issuer: issuer.metadata | {"issuer": "https://accounts.example.com"},
    "a slash more": lambda issuer: issuer.metadata | {"issuer": issuer.url + "/"},
    "no issuer": lambda issuer: {name: value for name, value in issuer.metadata.items() if name != "issuer"},
    "no token endpoint": lambda issuer: issuer.metadata | {"token_endpoint": None},
    "keys over http": lambda issuer: issuer.metadata | {"jwks_uri": "http://keys.example/"},
    "userinfo over http": lambda issuer: issuer.metadata | {"userinfo_endpoint": "http://me.example/"},
    "a script": lambda issuer: issuer.metadata | {"authorization_endpoint": "javascript:alert(1)"},
    "a redirect": lambda issuer: (302, "", {"Location": issuer.url + "/elsewhere"}),
    "not json": lambda issuer: (200, "<html>"),
    "a list": lambda issuer: (200, []),
    "down": lambda issuer: (503, ""),
    "huge": lambda issuer: (200, {"issuer": "x" * (2 << 20)}),
}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_discovery_document_that_is_not_good_is_no_provider(open_provider, issuer, name):
    document = DOCUMENTS[name](issuer)
    issuer.peer.answers["/.well-known/openid-configuration"] = lambda request: document
    provider = open_provider("auth-oidc", issuer.settings())
    for _ in range(3):
        with pytest.raises(Refused) as refused:
            provider.login_url(Login())
        assert refused.value.code == UNAVAILABLE
    assert len(issuer.peer.requests) == 1  # it is not asked again at once


DISCOVERY = "/.well-known/openid-configuration"


def moved(issuer):
    """Every endpoint of the issuer is elsewhere from now on, and signs with another key."""
    for name, path in (("authorization_endpoint", "/auth"), ("token_endpoint", "/token"), ("jwks_uri", "/jwks"), ("userinfo_endpoint", "/me")):
        issuer.metadata = issuer.metadata | {name: f"{issuer.url}/new{path}"}
        issuer.peer.answers[f"/new{path}"] = issuer.peer.answers.get(path)
        issuer.peer.answers[path] = (404, "")
    issuer.peer.answers["/new/jwks"] = {"keys": [OTHER_KEY.jwk]}
    issuer.sign = OTHER_KEY.sign


def test_a_discovery_document_that_is_old_is_read_again(open_provider, issuer):
    provider = open_provider("auth-oidc", issuer.settings(discovery_s=1))
    issuer.login(provider, Login(), "1")
    moved(issuer)
    time.sleep(1.1)
    assert provider.login_url(Login()).startswith(issuer.url + "/new/auth?")
    assert issuer.login(provider, Login(), "2")["uid"] == "oidc:alice"
    assert len(issuer.peer.asked(DISCOVERY)) <= 3


def test_one_that_is_young_is_not(open_provider, issuer):
    provider = open_provider("auth-oidc", issuer.settings())
    for code in "123":
        issuer.login(provider, Login(), code)
    assert len(issuer.peer.asked(DISCOVERY)) == 1


def test_an_endpoint_that_fails_is_looked_for_again(open_provider, issuer):
    provider = open_provider("auth-oidc", issuer.settings(discovery_retry_s=1))
    issuer.login(provider, Login(), "1")
    moved(issuer)
    time.sleep(1.1)
    with pytest.raises(Refused, match="404"):
        issuer.login(provider, Login(), "2")
    assert issuer.login(provider, Login(), "3")["uid"] == "oidc:alice"
    assert len(issuer.peer.asked(DISCOVERY)) == 2


def test_keys_that_have_moved_are_found_by_the_same_login(open_provider, issuer):
    provider = open_provider("auth-oidc", issuer.settings(discovery_retry_s=1))
    issuer.login(provider, Login(), "1")
    issuer.metadata["jwks_uri"] = issuer.url + "/new/jwks"
    issuer.peer.answers["/new/jwks"] = {"keys": [OTHER_KEY.jwk]}
    issuer.sign = OTHER_KEY.sign
    time.sleep(1.1)
    assert issuer.login(provider, Login(), "2")["uid"] == "oidc:alice"


def test_tokens_of_unknown_keys_are_no_storm(open_provider, issuer):
    provider = open_provider("auth-oidc", issuer.settings(discovery_retry_s=600))
    issuer.login(provider, Login(), "1")
    issuer.sign = OTHER_KEY.sign
    for code in range(20):
        with pytest.raises(Refused, match="none of those"):
            issuer.login(provider, Login(), f"bad-{code}")
    assert len(issuer.peer.asked(DISCOVERY)) == 1 and len(issuer.peer.asked("/jwks")) <= 2


@pytest.mark.parametrize("name", DOCUMENTS)
def test_what_was_known_is_good_until_something_better_is_said(open_provider, issuer, name):
    provider = open_provider("auth-oidc", issuer.settings(discovery_s=1, discovery_retry_s=600))
    issuer.login(provider, Login(), "1")
    good, document = dict(issuer.metadata), DOCUMENTS[name](issuer)
    issuer.peer.answers[DISCOVERY] = lambda request: document
    time.sleep(1.1)
    for code in "23":
        assert issuer.login(provider, Login(), code)["uid"] == "oidc:alice"
    assert len(issuer.peer.asked(DISCOVERY)) == 2 and provider.login_url(Login()).startswith(good["authorization_endpoint"])
    assert "What it said before is believed." in provider.close()


def test_an_issuer_with_a_path_is_found_below_it(open_provider, issuer):
    issuer.metadata["issuer"] = issuer.url + "/realms/acme"
    issuer.peer.answers["/realms/acme/.well-known/openid-configuration"] = issuer.metadata
    provider = open_provider("auth-oidc", issuer.settings(issuer=issuer.url + "/realms/acme"))
    assert issuer.login(provider, Login())["uid"] == "oidc:alice"


SETTINGS = {
    "no issuer": ({"issuer": ""}, "issuer is missing"),
    "http": ({"issuer": "http://id.example.org"}, "issuer has to be https"),
    "another's mode": ({"mode": "open_domain"}, "it is allowlist or open"),
    "an open domain without a domain": ({"type": "google", "mode": "open_domain"}, "needs hosted_domain"),
    "everybody's directory": ({"type": "microsoft", "tenant_id": "common"}, "tenant_id is the GUID"),
    "no directory": ({"type": "microsoft"}, "tenant_id is the GUID"),
    "groups over http": ({"type": "google", "groups_url": "http://groups.example"}, "groups_url has to be https"),
}


@pytest.mark.parametrize("name", SETTINGS)
def test_settings_that_are_not_enough_are_told(open_provider, issuer, name):
    changes, text = SETTINGS[name]
    with pytest.raises(Refused, match=text):
        open_provider("auth-oidc", issuer.settings(**changes))


SLOW = {"discovery": "/.well-known/openid-configuration", "tokens": "/token", "keys": "/jwks", "userinfo": "/me"}


@pytest.mark.parametrize("name", SLOW)
def test_a_provider_that_is_silent_is_an_error(open_provider, issuer, name):
    let_go = threading.Event()
    issuer.claims = {}
    issuer.peer.answers[SLOW[name]] = lambda request: (let_go.wait(60), {})[1]
    provider = open_provider("auth-oidc", issuer.settings(timeout_ms=500))
    with pytest.raises(Refused) as refused:
        issuer.login(provider, Login())
    let_go.set()
    assert refused.value.code == UNAVAILABLE


# ---- asking again ----


@pytest.mark.parametrize("with_id_token", [True, False])
def test_the_provider_is_asked_again(open_provider, issuer, with_id_token):
    provider = open_provider("auth-oidc", issuer.settings(allowed_groups=["engineering", "sales"]))
    claims = issuer.login(provider, Login())
    assert len(claims["workspaces"]) == 2
    issuer.claims["groups"] = issuer.userinfo["groups"] = ["sales"]
    issuer.userinfo |= {"name": "Alice", "email": "alice@acme.com"}
    issuer.nonce, issuer.id_tokens_on_refresh = None, with_id_token
    for _ in range(3):
        assert provider.refresh(claims) == claims | {"workspaces": [workspace("sales")]}
    assert provider.vault() == {"login/oidc/alice": issuer.grants[-1]}  # each is used once


def test_what_the_provider_says_of_somebody_else_is_refused(open_provider, issuer):
    provider = open_provider("auth-oidc", issuer.settings())
    claims = issuer.login(provider, Login())
    issuer.sub = "mallory"
    with pytest.raises(Refused, match="describes somebody else") as refused:
        provider.refresh(claims)
    assert refused.value.code == INVALID


def test_whoever_may_not_any_more_is_out(open_provider, issuer):
    provider = open_provider("auth-oidc", issuer.settings())
    claims = issuer.login(provider, Login())
    issuer.grants.append("revoked")
    with pytest.raises(Refused) as refused:
        provider.refresh(claims)
    assert (refused.value.code, provider.vault()) == (DENIED, {})
    with pytest.raises(Refused) as refused:
        provider.refresh(claims)
    assert refused.value.code == UNSUPPORTED


def test_while_the_provider_is_down_nothing_is_taken_away(open_provider, issuer):
    provider = open_provider("auth-oidc", issuer.settings())
    claims = issuer.login(provider, Login())
    issuer.peer.answers["/token"] = (503, "")
    with pytest.raises(Refused) as refused:
        provider.refresh(claims)
    assert (refused.value.code, len(provider.vault())) == (UNAVAILABLE, 1)


def test_a_token_that_userinfo_does_not_take_ends_no_session(open_provider, issuer):
    issuer.claims = {}
    issuer.userinfo = {"name": "Alice", "email": "alice@acme.com", "groups": []}
    provider = open_provider("auth-oidc", issuer.settings())
    claims = issuer.login(provider, Login())
    issuer.peer.answers["/me"] = (401, {})
    issuer.nonce = None
    with pytest.raises(Refused, match="no longer accepts its own token") as refused:
        provider.refresh(claims)
    assert refused.value.code != DENIED


def test_without_a_vault_or_a_wish_nothing_is_kept(open_provider, issuer):
    for provider in (open_provider("auth-oidc", issuer.settings(), vault=False),
                     open_provider("auth-oidc", issuer.settings(ask_again=False))):  # fmt: skip
        assert "prompt" not in provider.query_of_login(Login())
        claims = issuer.login(provider, Login(), code=provider.login_url(Login()))
        with pytest.raises(Refused) as refused:
            provider.refresh(claims)
        assert (refused.value.code, provider.vault()) == (UNSUPPORTED, {})


def test_no_secret_is_in_an_error_or_in_the_log(open_provider, issuer):
    provider = open_provider("auth-oidc", issuer.settings(client_secret="wrong-secret"))
    with pytest.raises(Refused) as refused:
        issuer.login(provider, Login(), "the-code")
    assert refused.value.text == "OpenID Connect refuses (invalid_client)."
    log = provider.close()
    assert "wrong-secret" not in log and "the-code" not in log
