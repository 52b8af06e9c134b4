# SPDX-License-Identifier: Apache-2.0
"""Google and Microsoft: auth-oidc with the groups of the Admin SDK and of Graph, in the shapes that the
vendors' documents give."""

import pytest
from driver import DENIED, INVALID, TOO_LARGE, UNAVAILABLE, Login, Refused
from issuer import Issuer

TENANT = "72f988bf-86f1-41af-91ab-2d7cd011db47"


# ---- Google ----


@pytest.fixture
def google(peer):
    issuer = Issuer(peer, sub="110169484474386276334")
    issuer.metadata["scopes_supported"] = ["openid", "email", "profile"]
    issuer.claims = {"email": "alice@acme.com", "email_verified": True, "name": "Alice", "hd": "acme.com", "azp": "einion",
                     "at_hash": "x"}  # fmt: skip
    pages = [["eng@acme.com", "all@acme.com"], ["sales@acme.com"], ["board@acme.com"]]

    def groups(request):
        assert request.query["userKey"] == issuer.sub
        if request.bearer != "access":
            return 401, {"error": {"code": 401}}
        number = int(request.query.get("pageToken", "page0").removeprefix("page"))
        page = {"kind": "admin#directory#groups", "groups": [
            {"kind": "admin#directory#group", "id": f"0{email}", "email": email, "name": email.split("@")[0].title()}
            for email in pages[number]]}  # fmt: skip
        return page | ({"nextPageToken": f"page{number + 1}"} if number + 1 < len(pages) else {})

    peer.answers["/groups"] = groups
    return issuer


def google_settings(issuer, **more):
    return issuer.settings(type="google", groups_url=issuer.url + "/groups", allowed_groups=["eng@acme.com", "board@acme.com"]) | more


def test_google_is_asked_for_a_refresh_token_and_the_groups(open_provider, google):
    provider = open_provider("auth-oidc", google_settings(google, hosted_domain="acme.com"))
    assert (provider.name, provider.describe()) == ("google", {"displayName": "Google", "icon": "google"})
    query = provider.query_of_login(Login())
    assert query["scope"] == "openid email profile https://www.googleapis.com/auth/admin.directory.group.readonly"
    assert (query["access_type"], query["prompt"], query["hd"]) == ("offline", "consent", "acme.com")
    alone = open_provider("auth-oidc", google_settings(google, mode="open_domain", hosted_domain="acme.com", allowed_groups=[]))
    assert alone.query_of_login(Login())["scope"] == "openid email profile"


def test_google_groups_come_in_pages(open_provider, google):
    provider = open_provider("auth-oidc", google_settings(google, admin_groups=["board@acme.com"], group_display_names={"eng@acme.com": "Engineers"}))
    claims = google.login(provider, Login())
    assert claims["uid"] == "google:110169484474386276334"
    assert claims["workspaces"] == [
        {"id": "google:group:eng@acme.com", "role": "member", "name": "Engineers", "source": "google_group", "description": None},
        {"id": "google:group:board@acme.com", "role": "admin", "name": "Board", "source": "google_group", "description": None},
    ]
    assert len(google.peer.asked("/groups")) == 3


def test_an_open_domain_lets_everybody_of_it_in(open_provider, google):
    provider = open_provider("auth-oidc", google_settings(google, mode="open_domain", hosted_domain="acme.com", allowed_groups=[]))
    assert google.login(provider, Login())["workspaces"] == [
        {"id": "google:domain:acme.com", "role": "member", "name": "acme.com", "source": "google_domain", "description": None}]  # fmt: skip
    assert not google.peer.asked("/groups")


@pytest.mark.parametrize("hd", [None, "evil.com", "acme.com.evil.com", "", 5])
def test_only_accounts_of_the_domain_are_let_in(open_provider, google, hd):
    google.claims["hd"] = hd  # whatever the address says
    for mode in ("open_domain", "allowlist"):
        provider = open_provider("auth-oidc", google_settings(google, mode=mode, hosted_domain="acme.com"))
        with pytest.raises(Refused) as refused:
            google.login(provider, Login(), mode)
        assert (refused.value.code, refused.value.text) == (DENIED, "Only accounts of acme.com may log in here.")


def test_an_account_that_may_not_see_groups_is_told(open_provider, google):
    google.peer.answers["/groups"] = (403, {"error": {"code": 403, "message": "Not Authorized to access this resource/api"}})
    with pytest.raises(Refused) as refused:
        google.login(open_provider("auth-oidc", google_settings(google)), Login())
    assert (refused.value.code, refused.value.text) == (UNAVAILABLE, "The list of groups of Google answers with status 403.")


def test_a_list_of_groups_without_end_is_an_error(open_provider, google):
    google.peer.answers["/groups"] = {"groups": [], "nextPageToken": "more"}
    with pytest.raises(Refused, match="has too many pages") as refused:
        google.login(open_provider("auth-oidc", google_settings(google)), Login())
    assert refused.value.code == TOO_LARGE


def test_too_many_groups_are_an_error(open_provider, google):
    google.peer.answers["/groups"] = {"groups": [{"email": f"g{i}@acme.com"} for i in range(1001)]}
    with pytest.raises(Refused, match="more than 1000 groups"):
        google.login(open_provider("auth-oidc", google_settings(google)), Login())


def test_what_is_no_group_is_passed_over(open_provider, google):
    google.peer.answers["/groups"] = {"groups": [None, 5, {}, {"email": 7}, {"email": "eng@acme.com", "name": 1}]}
    names = [w["name"] for w in google.login(open_provider("auth-oidc", google_settings(google)), Login())["workspaces"]]
    assert names == ["eng@acme.com"]


def test_google_is_asked_again(open_provider, google):
    provider = open_provider("auth-oidc", google_settings(google))
    claims = google.login(provider, Login())
    google.nonce = None
    google.peer.answers["/groups"] = {"kind": "admin#directory#groups"}
    assert provider.refresh(claims)["workspaces"] == []


# ---- Microsoft ----


@pytest.fixture
def microsoft(peer):
    issuer = Issuer(peer, sub="AAAAAAAAAAAAAAAAAAAAAIkzqFVrSaSaFHy782bbtaQ")
    issuer.claims = {"tid": TENANT, "oid": "00000000-0000-0000-66f3-3332eca7ea81", "name": "Alice", "email": "alice@acme.com",
                     "preferred_username": "alice@acme.com", "ver": "2.0"}  # fmt: skip

    def groups(request):
        if request.bearer != "access":
            return 401, {"error": {"code": "InvalidAuthenticationToken"}}
        assert request.query["$select"] == "id,displayName"
        if "$skiptoken" in request.query:
            return {"value": [{"@odata.type": "#microsoft.graph.group", "id": "g-3", "displayName": "Board"}]}
        return {"@odata.context": "https://graph.microsoft.com/v1.0/$metadata#directoryObjects(id,displayName)",
                "@odata.nextLink": issuer.url + "/memberOf?$select=id,displayName&$skiptoken=X",
                "value": [{"@odata.type": "#microsoft.graph.directoryRole", "id": "r-1", "displayName": "Global Administrator"},
                          {"@odata.type": "#microsoft.graph.group", "id": "g-1", "displayName": "Engineering"},
                          {"@odata.type": "#microsoft.graph.group", "id": "g-2", "displayName": None}]}  # fmt: skip

    peer.answers["/memberOf"] = groups
    return issuer


def microsoft_settings(issuer, **more):
    return issuer.settings(type="microsoft", tenant_id=TENANT, groups_url=issuer.url + "/memberOf", allowed_groups=["g-1", "g-2", "g-3"]) | more


def test_graphs_groups_come_in_pages_and_roles_are_none(open_provider, microsoft):
    provider = open_provider("auth-oidc", microsoft_settings(microsoft, admin_groups=["g-3"], allowed_groups=["g-1", "g-2", "r-1"]))
    assert (provider.name, provider.describe()) == ("microsoft", {"displayName": "Microsoft", "icon": "microsoft"})
    assert provider.query_of_login(Login())["scope"] == "openid email profile https://graph.microsoft.com/User.Read offline_access"
    claims = microsoft.login(provider, Login())
    assert [(w["id"], w["name"], w["role"]) for w in claims["workspaces"]] == [
        ("microsoft:group:g-1", "Engineering", "member"), ("microsoft:group:g-2", "g-2", "member"),
        ("microsoft:group:g-3", "Board", "admin")]  # fmt: skip


def test_an_open_tenant_lets_everybody_of_it_in(open_provider, microsoft):
    provider = open_provider("auth-oidc", microsoft_settings(microsoft, mode="open_tenant", allowed_groups=[]))
    assert [w["id"] for w in microsoft.login(provider, Login())["workspaces"]] == [f"microsoft:tenant:{TENANT}"]
    assert not microsoft.peer.asked("/memberOf")


def test_accounts_of_another_directory_are_not_let_in(open_provider, microsoft):
    microsoft.claims["tid"] = "11111111-86f1-41af-91ab-2d7cd011db47"
    with pytest.raises(Refused) as refused:
        microsoft.login(open_provider("auth-oidc", microsoft_settings(microsoft)), Login())
    assert refused.value.code == DENIED


@pytest.mark.parametrize("where", ["https://evil.example/memberOf", "{host}.evil.example/", "{other}/memberOf", "{host}@evil.example/"])
def test_a_token_does_not_follow_a_list_elsewhere(open_provider, microsoft, where):
    link = where.format(host=microsoft.url, other=microsoft.url.replace("127.0.0.1", "localhost"))
    microsoft.peer.answers["/memberOf"] = {"value": [], "@odata.nextLink": link}
    with pytest.raises(Refused, match="continues on another server") as refused:
        microsoft.login(open_provider("auth-oidc", microsoft_settings(microsoft)), Login())
    assert refused.value.code == INVALID
    assert len(microsoft.peer.asked("/memberOf")) == 1


def test_graphs_list_without_end_is_an_error(open_provider, microsoft):
    microsoft.peer.answers["/memberOf"] = {"value": [], "@odata.nextLink": microsoft.url + "/memberOf?again"}
    with pytest.raises(Refused, match="has too many pages"):
        microsoft.login(open_provider("auth-oidc", microsoft_settings(microsoft)), Login())
