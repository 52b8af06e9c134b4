# SPDX-License-Identifier: Apache-2.0
"""auth-asf against slapd, and an OAuth without clients in the shape of oauth.apache.org."""

import socket
import threading

import pytest
from directory import ADMIN, Directory
from driver import DENIED, INVALID, UNAVAILABLE, Login, Refused

PEOPLE = {
    "jdoe": {"uid": "jdoe", "fullname": "Jane Doe", "email": "jdoe@apache.org"},
    "capitals": {"uid": "JDoe", "fullname": "Jane Doe", "email": "jdoe@apache.org"},
    "asmith": {"uid": "asmith", "fullname": "", "email": "asmith@apache.org"},
    "emeritus": {"uid": "emeritus", "fullname": "Old Hand", "email": "emeritus@apache.org"},
    "badguy": {"uid": "badguy", "fullname": "Bad Guy", "email": "badguy@apache.org"},
}


@pytest.fixture(scope="module")
def directory():
    directory = Directory()
    yield directory
    directory.close()


@pytest.fixture
def asf(peer):
    """Codes are "NAME-anything", each good once."""
    used = set()

    def token(request):
        person = PEOPLE.get(request.query["code"].split("-")[0])
        if not person or request.query["code"] in used:
            return 404, "Invalid code"
        used.add(request.query["code"])
        return person

    peer.answers["/token"] = token
    return peer


def settings(peer, directory, ldap=None, **more):
    return {"oauth_init_url": peer.url + "/auth", "oauth_callback_url": peer.url + "/token",
            "ldap": {"server": directory.url, "timeout_seconds": 2} | (ldap or {})} | more  # fmt: skip


def test_it_says_what_it_is(open_provider, asf, directory):
    provider = open_provider("auth-asf", settings(asf, directory))
    assert (provider.name, provider.describe()) == ("asf", {"displayName": "Apache Software Foundation", "icon": "asf"})


def test_somebody_is_sent_there_without_a_client(open_provider, asf, directory):
    login = Login()
    provider = open_provider("auth-asf", settings(asf, directory))
    assert provider.login_url(login).startswith(asf.url + "/auth?")
    assert provider.query_of_login(login) == {"state": login.state, "redirect_uri": login.redirect_uri}


def test_committers_have_their_projects_and_admin_those_of_their_pmc(open_provider, asf, directory):
    httpd = "Apache HTTP Server, " + "ж" * 60
    provider = open_provider("auth-asf", settings(asf, directory, project_display_names={"httpd": httpd}))
    claims = provider.exchange(Login(), "jdoe-1")
    assert claims | {"workspaces": None} == {"uid": "asf:jdoe", "name": "Jane Doe", "email": "jdoe@apache.org",
                                             "provider": "asf", "workspaces": None}  # fmt: skip
    assert sorted(claims["workspaces"], key=lambda workspace: workspace["id"]) == [
        {"id": "project:httpd", "role": "member", "name": httpd, "source": "ldap_committer", "description": None},
        {"id": "project:tomcat", "role": "admin", "name": "Apache Tomcat", "source": "ldap_pmc", "description": None},
    ]
    other = provider.exchange(Login(), "asmith-1")
    assert (other["name"], [w["role"] for w in other["workspaces"]]) == ("asmith", ["member"])
    assert provider.exchange(Login(), "emeritus-1")["workspaces"] == []


def test_somebody_is_nobody_else_in_capitals(open_provider, asf, directory):
    provider = open_provider("auth-asf", settings(asf, directory))
    said = provider.exchange(Login(), "capitals-1")
    assert (said["uid"], said["workspaces"]) == ("asf:jdoe", provider.exchange(Login(), "jdoe-1")["workspaces"])


def test_whoever_is_banned_is_not_let_in(open_provider, asf, directory):
    with pytest.raises(Refused) as refused:
        open_provider("auth-asf", settings(asf, directory)).exchange(Login(), "badguy-1")
    assert (refused.value.code, refused.value.text) == (DENIED, "Your account has been suspended by ASF Infrastructure.")


def test_a_ban_counts_though_its_name_cannot_be_read(open_provider, asf):
    directory = Directory(nameless="cn=asf-banned,ou=groups,dc=apache,dc=org")
    try:
        provider = open_provider("auth-asf", settings(asf, directory))
        with pytest.raises(Refused, match="suspended") as refused:
            provider.exchange(Login(), "badguy-1")
        assert refused.value.code == DENIED
        assert len(provider.exchange(Login(), "jdoe-1")["workspaces"]) == 2
    finally:
        directory.close()


def test_a_code_is_good_once(open_provider, asf, directory):
    provider = open_provider("auth-asf", settings(asf, directory))
    provider.exchange(Login(), "jdoe-1")
    for code in ("jdoe-1", "nobody-1"):
        with pytest.raises(Refused) as refused:
            provider.exchange(Login(), code)
        assert (refused.value.code, refused.value.text) == (INVALID, "Apache Software Foundation refuses the code.")


def test_a_code_is_nothing_but_a_parameter(open_provider, asf, directory):
    with pytest.raises(Refused):
        open_provider("auth-asf", settings(asf, directory)).exchange(Login(), "x&code=jdoe-1#")
    assert asf.requests[-1].query == {"code": "x&code=jdoe-1#"}


INJECTIONS = ["*", "jdoe)(cn=*", "*)(objectClass=*", "jdoe\\", "j*", "x)(|(memberUid=*", "jdoe,ou=people", "jdoe+cn=a", "#jdoe", "jd\u00f6e"]


@pytest.mark.parametrize("uid", INJECTIONS)
def test_a_uid_is_nothing_but_a_value(open_provider, asf, directory, uid):
    asf.answers["/token"] = {"uid": uid, "fullname": "Mallory", "email": "m@example.org"}
    provider = open_provider("auth-asf", settings(asf, directory))
    try:
        assert provider.exchange(Login())["workspaces"] == []
    except Refused as refused:
        assert refused.code == INVALID  # it is no account's name at all
    assert all(searched.count("(") == 1 and "*" not in searched for searched in directory.filters())


@pytest.mark.parametrize("uid", ["", None, 5, "a b", "a\nb", "x" * 65, ["jdoe"]])
def test_whoever_has_no_name_is_nobody(open_provider, asf, directory, uid):
    asf.answers["/token"] = {"uid": uid, "fullname": "Mallory"}
    with pytest.raises(Refused, match="does not say who this is") as refused:
        open_provider("auth-asf", settings(asf, directory)).exchange(Login())
    assert refused.value.code == INVALID


def test_the_directory_is_asked_again(open_provider, asf):
    directory = Directory()
    try:
        provider = open_provider("auth-asf", settings(asf, directory))
        claims = provider.exchange(Login(), "asmith-1")
        directory.modify("dn: cn=tomcat,ou=pmc,ou=project,ou=groups,dc=apache,dc=org\nchangetype: modify\nadd: member\n"
                         "member: uid=asmith,ou=people,dc=apache,dc=org\n")
        assert provider.refresh(claims)["workspaces"][0]["role"] == "admin"
        directory.modify("dn: cn=asf-banned,ou=groups,dc=apache,dc=org\nchangetype: modify\nadd: memberUid\nmemberUid: asmith\n")
        with pytest.raises(Refused) as refused:
            provider.refresh(claims)
        assert refused.value.code == DENIED
        directory.stop()
        with pytest.raises(Refused) as refused:
            provider.refresh(claims)
        assert refused.value.code == UNAVAILABLE
        directory.start()
    finally:
        directory.close()


def test_somebody_elses_claims_are_not_asked_for(open_provider, asf, directory):
    provider = open_provider("auth-asf", settings(asf, directory))
    for uid in ("github:jdoe", "asfjdoe", "asf", "asf:*)("):
        try:
            assert provider.refresh({"uid": uid, "workspaces": []})["workspaces"] == []
        except Refused as refused:
            assert refused.code == INVALID


def test_a_directory_that_wants_a_password_gets_it(open_provider, asf):
    directory = Directory(readers="users")
    try:
        binding = {"bind_dn": "uid=jdoe,ou=people,dc=apache,dc=org", "bind_password": "pw"}
        provider = open_provider("auth-asf", settings(asf, directory, ldap=binding))
        assert len(provider.exchange(Login(), "jdoe-1")["workspaces"]) == 2
        wrong = open_provider("auth-asf", settings(asf, directory, ldap=binding | {"bind_password": "not-this"}))
        with pytest.raises(Refused) as refused:
            wrong.exchange(Login(), "jdoe-2")
        assert (refused.value.code, "Invalid credentials" in refused.value.text) == (UNAVAILABLE, True)
        assert "not-this" not in refused.value.text and "not-this" not in wrong.close()
        anonymous = open_provider("auth-asf", settings(asf, directory))
        with pytest.raises(Refused) as refused:
            anonymous.exchange(Login(), "jdoe-3")
        assert refused.value.code == UNAVAILABLE  # and not somebody without projects, or without a ban
    finally:
        directory.close()


def test_nobody_in_particular_is_not_taken_for_somebody(open_provider, asf, directory):
    """A name with an empty password, as of a variable that is not set, is a bind that asks for none."""
    for binding in ({"bind_dn": ADMIN}, {"bind_dn": ADMIN, "bind_password": ""}):
        with pytest.raises(Refused, match="bind_dn needs a bind_password") as refused:
            open_provider("auth-asf", settings(asf, directory, ldap=binding))
        assert refused.value.code == INVALID


def test_a_directory_that_is_silent_is_an_error(open_provider, asf):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        accepted = []
        threading.Thread(target=lambda: accepted.append(silent.accept()), daemon=True).start()

        class Silent:
            url = f"ldap://127.0.0.1:{silent.getsockname()[1]}"

        provider = open_provider("auth-asf", settings(asf, Silent, ldap={"timeout_seconds": 1, "bind_dn": ADMIN, "bind_password": "secret"}))
        with pytest.raises(Refused, match="cannot be reached: Timed out|cannot be reached: Can't contact") as refused:
            provider.exchange(Login(), "jdoe-1")
        assert refused.value.code == UNAVAILABLE


def test_a_directory_has_to_prove_who_it_is(open_provider, asf):
    directory = Directory(tls=True)
    try:
        trusted = open_provider("auth-asf", settings(asf, directory), env={"LDAPTLS_CACERT": str(directory.authority)})
        assert len(trusted.exchange(Login(), "jdoe-1")["workspaces"]) == 2
        named = settings(asf, directory, ldap={"ca_file": str(directory.authority)})
        assert len(open_provider("auth-asf", named).exchange(Login(), "jdoe-3")["workspaces"]) == 2
        for number, env in enumerate(({}, {"LDAPTLS_REQCERT": "never"})):  # whatever the environment says
            with pytest.raises(Refused) as refused:
                open_provider("auth-asf", settings(asf, directory), env=env).exchange(Login(), f"jdoe-x{number}")
            assert (refused.value.code, "or its certificate is not good" in refused.value.text) == (UNAVAILABLE, True)
        elsewhere = settings(asf, directory, ldap={"server": directory.url.replace("127.0.0.1", "localhost")})
        with pytest.raises(Refused):
            open_provider("auth-asf", elsewhere, env={"LDAPTLS_CACERT": str(directory.authority)}).exchange(Login(), "jdoe-2")
    finally:
        directory.close()


@pytest.mark.parametrize("missing", ["banned_group", "committer_base", "pmc_base"])
def test_a_base_that_is_not_there_is_an_error(open_provider, asf, directory, missing):
    provider = open_provider("auth-asf", settings(asf, directory, ldap={missing: "cn=nothing,dc=apache,dc=org"}))
    with pytest.raises(Refused, match="No such object") as refused:
        provider.exchange(Login(), "jdoe-1")
    assert refused.value.code == UNAVAILABLE


def test_addresses_are_encrypted(open_provider, asf, directory):
    for changes in ({"oauth_init_url": "http://oauth.example/"}, {"oauth_callback_url": "http://oauth.example/"},
                    {"ldap": {"server": "ldap://ldap.example"}}):  # fmt: skip
        with pytest.raises(Refused, match="has to be (https|ldaps)"):
            open_provider("auth-asf", settings(asf, directory) | changes)
    open_provider("auth-asf", settings(asf, directory) | {"ldap": {"server": "ldap://ldap.example"}, "allow_http": True})


def test_an_answer_of_another_provider_is_refused(open_provider, asf, directory):
    with pytest.raises(Refused, match="from somebody else"):
        open_provider("auth-asf", settings(asf, directory)).exchange(Login(), "jdoe-1", iss="https://evil.example")
    assert not asf.requests
