# SPDX-License-Identifier: Apache-2.0
"""auth-oidc against oidc-provider, which the OpenID Foundation has certified."""

import pytest
from certified import Browser, CertifiedProvider
from driver import CALLBACK, DENIED, INVALID, Login, Refused


@pytest.fixture(scope="module")
def certified():
    provider = CertifiedProvider(CALLBACK)
    yield provider
    provider.close()


def settings(certified, client="basic", **more):
    return {"issuer": certified.url, "client_id": client, "client_secret": "secret", "allowed_groups": ["engineering"]} | more


def log_in(provider, user, login=None, browser=None):
    login = login or Login()
    url = (browser or Browser()).log_in(provider.login_url(login), user, CALLBACK)
    return login, url


@pytest.mark.parametrize("client", ["basic", "post", "elliptic"])
def test_somebody_logs_in(open_provider, certified, client):
    provider = open_provider("auth-oidc", settings(certified, client))
    login, url = log_in(provider, "alice")
    assert f"state={login.state}" in url and "iss=http" in url
    assert provider.exchange_query(login, url) == {
        "uid": "oidc:alice", "name": "ALICE", "email": "alice@acme.com", "provider": "oidc",
        "workspaces": [{"id": "oidc:group:engineering", "role": "member", "name": "engineering", "source": "oidc_group", "description": None}],
    }  # fmt: skip


def test_whoever_is_in_no_group_has_no_workspace(open_provider, certified):
    provider = open_provider("auth-oidc", settings(certified))
    login, url = log_in(provider, "bob")
    assert provider.exchange_query(login, url)["workspaces"] == []


def test_a_code_is_good_once(open_provider, certified):
    provider = open_provider("auth-oidc", settings(certified))
    login, url = log_in(provider, "alice")
    provider.exchange_query(login, url)
    with pytest.raises(Refused) as refused:
        provider.exchange_query(login, url)
    assert (refused.value.code, refused.value.text) == (INVALID, "OpenID Connect refuses (invalid_grant).")


def test_a_code_is_good_for_its_login_only(open_provider, certified):
    provider = open_provider("auth-oidc", settings(certified))
    _, url = log_in(provider, "alice")
    with pytest.raises(Refused, match="invalid_grant"):
        provider.exchange_query(Login(), url)  # another code_verifier


def test_an_id_token_is_good_for_its_login_only(open_provider, certified):
    provider = open_provider("auth-oidc", settings(certified))
    login, url = log_in(provider, "alice")
    login.nonce = "another"
    with pytest.raises(Refused, match="The token is of another login"):
        provider.exchange_query(login, url)


def test_the_wrong_secret_is_no_secret(open_provider, certified):
    provider = open_provider("auth-oidc", settings(certified, client_secret="wrong"))
    login, url = log_in(provider, "alice")
    with pytest.raises(Refused, match="invalid_client"):
        provider.exchange_query(login, url)


def test_the_provider_is_asked_again(open_provider, certified):
    provider = open_provider("auth-oidc", settings(certified))
    login, url = log_in(provider, "alice")
    claims = provider.exchange_query(login, url)
    grants = {provider.vault()["login/oidc/alice"]}
    for _ in range(3):
        assert provider.refresh(claims) == claims
        grants.add(provider.vault()["login/oidc/alice"])
    assert grants


def test_a_grant_that_was_used_up_ends_it(open_provider, certified):
    """oidc-provider takes back all that a code gave once the code comes twice."""
    provider = open_provider("auth-oidc", settings(certified))
    login, url = log_in(provider, "alice")
    claims = provider.exchange_query(login, url)
    with pytest.raises(Refused):
        provider.exchange_query(login, url)
    with pytest.raises(Refused) as refused:
        provider.refresh(claims)
    assert (refused.value.code, provider.vault()) == (DENIED, {})
