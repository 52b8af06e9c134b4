# SPDX-License-Identifier: Apache-2.0
"""auth-github against a GitHub in the shape that its documents give."""

import pytest
from driver import DENIED, INVALID, TOO_LARGE, UNAVAILABLE, UNSUPPORTED, Login, Refused


def membership(number, login, role="member", state="active"):
    return {"url": "", "state": state, "role": role, "organization": {"login": login, "id": number}, "user": {"login": "octocat"}}


@pytest.fixture
def github(peer):
    used = set()

    def access_token(request):
        if request.form.get("client_secret") != "gh-secret":
            return {"error": "incorrect_client_credentials", "error_description": "<b>gh-secret</b>"}
        if request.form["code"] in used:
            return {"error": "bad_verification_code", "error_description": "The code passed is incorrect or expired."}
        used.add(request.form["code"])
        return {"access_token": "gho_token", "scope": "read:org,read:user,user:email", "token_type": "bearer"}

    def for_the_token(answer):
        return lambda request: answer if request.bearer == "gho_token" else (401, {"message": "Bad credentials"})

    peer.answers |= {
        "/login/oauth/access_token": access_token,
        "/user": for_the_token({"login": "octocat", "id": 583231, "name": "The Octocat", "email": None}),
        "/user/emails": for_the_token([
            {"email": "old@example.org", "primary": False, "verified": True, "visibility": None},
            {"email": "octocat@github.com", "primary": True, "verified": True, "visibility": "public"}]),
        "/user/memberships/orgs": for_the_token([
            membership(9919, "Example", "admin"), membership(11, "other"), membership(12, "invited", state="pending")]),
    }  # fmt: skip
    return peer


def settings(peer, **more):
    return {"client_id": "Iv1.abc", "client_secret": "gh-secret", "authorize_url": peer.url + "/login/oauth/authorize",
            "token_url": peer.url + "/login/oauth/access_token", "api_url": peer.url,
            "allowed_orgs": ["example"]} | more  # fmt: skip


def test_it_says_what_it_is(open_provider, github):
    provider = open_provider("auth-github", settings(github))
    assert provider.name == "github"
    assert provider.describe() == {"displayName": "GitHub", "icon": "github"}
    named = open_provider("auth-github", settings(github, name="ghe", display_name="Our GitHub"))
    assert (named.name, named.describe()["displayName"]) == ("ghe", "Our GitHub")


def test_somebody_is_sent_there_with_a_challenge(open_provider, github):
    login = Login()
    provider = open_provider("auth-github", settings(github))
    assert provider.login_url(login).startswith(github.url + "/login/oauth/authorize?")
    assert provider.query_of_login(login) == {
        "client_id": "Iv1.abc", "redirect_uri": login.redirect_uri, "state": login.state,
        "scope": "read:user user:email read:org", "code_challenge": login.challenge, "code_challenge_method": "S256",
    }  # fmt: skip


def test_members_of_allowed_organisations_have_their_workspaces(open_provider, github):
    login = Login()
    provider = open_provider("auth-github", settings(github, org_display_names={"Example": "The Example"}))
    assert provider.exchange(login) == {
        "uid": "github:583231", "name": "The Octocat", "email": "octocat@github.com", "provider": "github",
        "workspaces": [{"id": "github:org:9919", "role": "admin", "name": "The Example", "source": "github_org",
                        "description": None}],
    }  # fmt: skip
    sent = github.asked("/login/oauth/access_token")[0].form
    assert (sent["code"], sent["code_verifier"], sent["redirect_uri"]) == ("code", login.code_verifier, login.redirect_uri)


def test_others_have_none(open_provider, github):
    assert open_provider("auth-github", settings(github, allowed_orgs=["else"])).exchange(Login())["workspaces"] == []
    assert open_provider("auth-github", settings(github, allowed_orgs=[])).exchange(Login(), "another")["workspaces"] == []


def test_in_the_open_mode_everybody_has_one(open_provider, github):
    provider = open_provider("auth-github", settings(github, mode="open_github", allowed_orgs=[]))
    ids = [workspace["id"] for workspace in provider.exchange(Login())["workspaces"]]
    assert ids == ["github:all:everybody", "github:org:9919", "github:org:11"]
    listed = open_provider("auth-github", settings(github, mode="open_github", allowed_orgs=["other"]))
    ids = [workspace["id"] for workspace in listed.exchange(Login(), "another")["workspaces"]]
    assert ids == ["github:all:everybody", "github:org:11"]


def test_organisations_come_in_pages(open_provider, github):
    def page(request):
        number = int(request.query.get("page", 1))
        link = f'<{github.url}/user/memberships/orgs?page=1>; rel="first", <{github.url}/user/memberships/orgs?page={number + 1}>; rel="next"'
        return 200, [membership(100 + number, f"org{number}")], {"Link": link} if number < 3 else {}

    github.answers["/user/memberships/orgs"] = page
    provider = open_provider("auth-github", settings(github, mode="open_github", allowed_orgs=[]))
    assert [w["name"] for w in provider.exchange(Login())["workspaces"]] == ["GitHub", "org1", "org2", "org3"]


def test_a_list_without_end_is_an_error(open_provider, github):
    github.answers["/user/memberships/orgs"] = lambda request: (
        200, [], {"Link": f'<{github.url}/user/memberships/orgs?page=2>; rel="next"'})  # fmt: skip
    with pytest.raises(Refused, match="has too many pages") as refused:
        open_provider("auth-github", settings(github)).exchange(Login())
    assert refused.value.code == TOO_LARGE


def test_a_token_does_not_follow_a_list_elsewhere(open_provider, github):
    elsewhere = github.url.replace("127.0.0.1", "localhost")
    github.answers["/user/memberships/orgs"] = (200, [], {"Link": f'<{elsewhere}/steal>; rel="next"'})
    with pytest.raises(Refused, match="continues on another server"):
        open_provider("auth-github", settings(github)).exchange(Login())
    assert not github.asked("/steal")


def test_a_code_is_good_once(open_provider, github):
    provider = open_provider("auth-github", settings(github))
    provider.exchange(Login(), "once")
    with pytest.raises(Refused) as refused:
        provider.exchange(Login(), "once")
    assert (refused.value.code, refused.value.text) == (INVALID, "GitHub refuses (bad_verification_code).")


def test_an_answer_of_another_provider_is_refused(open_provider, github):
    with pytest.raises(Refused, match="not from GitHub but from somebody else"):
        open_provider("auth-github", settings(github)).exchange(Login(), iss="https://evil.example")
    assert not github.requests


def test_what_ends_a_login_there_is_told(open_provider, github):
    provider = open_provider("auth-github", settings(github))
    with pytest.raises(Refused, match=r"GitHub ended the login \(access_denied\)"):
        provider.exchange(Login(), error="access_denied")
    with pytest.raises(Refused) as refused:
        provider.exchange(Login(), error="<script>alert(1)</script>")
    assert refused.value.text == "GitHub ended the login (no reason)."


ANSWERS = {
    "not json": (200, "<html>"),
    "an error": (500, {"message": "oops"}),
    "a redirect": (302, "", {"Location": "/elsewhere"}),
    "nobody": (200, {"login": "octocat"}),
    "a number as text": (200, {"login": "octocat", "id": "583231"}),
    "huge": (200, {"login": "x" * (2 << 20), "id": 1}),
    "deep": (200, "[" * 50000),
    "twice": (200, '{"id": 1, "id": 2, "login": "a"}'),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_an_account_that_cannot_be_read_is_an_error(open_provider, github, name):
    github.answers["/user"] = ANSWERS[name]
    with pytest.raises(Refused) as refused:
        open_provider("auth-github", settings(github)).exchange(Login())
    assert refused.value.code in (INVALID, UNAVAILABLE)
    assert not github.asked("/elsewhere")


def test_github_is_asked_again_with_its_token(open_provider, github):
    provider = open_provider("auth-github", settings(github))
    claims = provider.exchange(Login())
    assert provider.vault() == {"login/github/583231": "gho_token"}
    github.answers["/user/memberships/orgs"] = [membership(9919, "example")]
    assert provider.refresh(claims)["workspaces"][0]["role"] == "member"

    github.answers["/user"] = (401, {"message": "Bad credentials"})
    with pytest.raises(Refused) as refused:
        provider.refresh(claims)
    assert refused.value.code == DENIED
    assert provider.vault() == {}
    with pytest.raises(Refused) as refused:
        provider.refresh(claims)
    assert refused.value.code == UNSUPPORTED


def test_while_github_is_down_nothing_is_taken_away(open_provider, github):
    provider = open_provider("auth-github", settings(github))
    claims = provider.exchange(Login())
    github.answers["/user"] = (503, "")
    with pytest.raises(Refused) as refused:
        provider.refresh(claims)
    assert refused.value.code == UNAVAILABLE
    assert provider.vault()


def test_without_a_vault_nothing_is_kept(open_provider, github):
    provider = open_provider("auth-github", settings(github), vault=False)
    with pytest.raises(Refused) as refused:
        provider.refresh(provider.exchange(Login()))
    assert refused.value.code == UNSUPPORTED


@pytest.mark.parametrize("setting", ["authorize_url", "token_url", "api_url"])
def test_addresses_are_https(open_provider, github, setting):
    bad = settings(github, **{setting: "http://github.example/x"})
    with pytest.raises(Refused, match=f"{setting} has to be https"):
        open_provider("auth-github", bad)
    open_provider("auth-github", bad | {"allow_http": True})
    for trick in ("http://127.0.0.1@evil.example/", "http://127.0.0.1.evil.example/", "http://localhost.evil.example", "ftp://localhost/"):
        with pytest.raises(Refused):
            open_provider("auth-github", settings(github, **{setting: trick}))


def test_no_secret_is_in_an_error_or_in_the_log(open_provider, github):
    provider = open_provider("auth-github", settings(github, client_secret="wrong-secret"))
    with pytest.raises(Refused) as refused:
        provider.exchange(Login(), "the-code")
    assert refused.value.text == "GitHub refuses (incorrect_client_credentials)."
    log = provider.close()
    assert "wrong-secret" not in log and "the-code" not in log
