# SPDX-License-Identifier: Apache-2.0
"""What a login provider may say, and what becomes of a session when it says something else later."""

import json

import pytest
from support import Person, logins

MEMBER = {"uid": "naughty:eve", "name": "Eve", "workspaces": [{"id": "team:a", "role": "member", "name": "Team A"}]}
NOTHING = {"added": [], "removed": [], "roleChanges": [], "siteAdminChanged": False}


class Naughty:
    def __init__(self, start_server, naughty_plugin, path):
        self.file = path / "says.json"
        self.says(MEMBER)
        self.server = start_server(backend="memory", sets=[
            logins(), f"plugins.naughty.plugin={naughty_plugin}", f"plugins.naughty.file={self.file}"])  # fmt: skip

    def says(self, exchange=None, refresh=None):
        self.file.write_text(json.dumps({"exchange": exchange, "refresh": refresh}))

    def login(self):
        person = Person(self.server)
        said = person.begin("naughty")
        self.reply = person.finish(f"{said['verifier']}.{said['nonce']}", said["state"], "naughty")
        return person


@pytest.fixture
def naughty(start_server, naughty_plugin, tmp_path):
    return Naughty(start_server, naughty_plugin, tmp_path)


def test_a_provider_of_somebody_elses_is_one_like_ours(naughty):
    providers = naughty.server.get("/auth/providers").json["providers"]
    assert [provider["type"] for provider in providers] == ["dev_stub", "naughty"]
    me = naughty.login().get("/auth/me").json
    assert (me["uid"], me["providerType"], me["email"]) == ("naughty:eve", "naughty", None)
    assert [(item["workspaceId"], item["source"]) for item in me["workspaces"]] == [
        ("personal:naughty:eve", "auto_personal"), ("team:a", "naughty")]


def test_verifier_and_nonce_belong_to_one_login(naughty):
    person = Person(naughty.server)
    first, second = person.begin("naughty"), person.begin("naughty")
    assert len(first["verifier"]) == 43 and first["verifier"] != first["nonce"]
    assert {first["verifier"], first["nonce"]}.isdisjoint({second["verifier"], second["nonce"]})
    reply = person.finish(f"{first['verifier']}.{second['nonce']}", second["state"], "naughty")
    assert (reply.status, reply.detail) == (502, "Provider exchange failed: not what was sent")


@pytest.mark.parametrize("uid", ["eve", "dev_stub:alice", "naughty", "naughty:", "local-dev-user", "naughty:a\nb", "", None, 7,
                                 "naughty:" + "x" * 500, "naughtyx:eve"])  # fmt: skip
def test_a_provider_speaks_of_its_own_users(naughty, uid):
    naughty.says({**MEMBER, "uid": uid})
    person = naughty.login()
    assert naughty.reply.status == 502
    assert naughty.reply.detail == "Provider exchange failed: naughty named a user who is not its own"
    assert person.get("/auth/me").status == 401


def test_a_provider_lets_nobody_into_somebodys_personal_workspace(naughty):
    naughty.says({**MEMBER, "workspaces": [{"id": "personal:dev_stub:alice", "role": "admin"}, {"id": ""}, {"id": 7}, "x", {},
                                           {"id": "team:\n"}, {"id": "t" * 500}]})  # fmt: skip
    naughty.login()
    assert naughty.reply.status == 403
    naughty.says({**MEMBER, "workspaces": [{"id": "personal:dev_stub:alice", "role": "admin"}, {"id": "team:a"}]})
    me = naughty.login().get("/auth/me").json
    assert [item["workspaceId"] for item in me["workspaces"]] == ["personal:naughty:eve", "team:a"]


def test_there_are_so_many_workspaces_and_no_more(naughty):
    naughty.says({**MEMBER, "workspaces": [{"id": f"team:{i}"} for i in range(1500)]})
    assert len(naughty.login().get("/auth/me").json["workspaces"]) == 1001
    assert "more than 1000 workspaces" in naughty.server.log()


@pytest.mark.parametrize("said", [None, [], "x", 7, {}])
def test_what_makes_no_sense_is_no_login(naughty, said):
    naughty.says(said)
    assert naughty.login().get("/auth/me").status == 401
    assert naughty.reply.status == 502


def test_a_provider_may_name_site_admins(naughty):
    naughty.says({**MEMBER, "workspaces": [], "admin": True})
    assert naughty.login().get("/auth/me").json["isSiteAdmin"] is True


@pytest.mark.parametrize("later", ["down", "unsupported", None, {}, {**MEMBER, "uid": "naughty:mallory"},
                                   {**MEMBER, "uid": "dev_stub:alice"}])  # fmt: skip
def test_a_provider_that_says_nothing_of_use_changes_nothing(naughty, later):
    person = naughty.login()
    me = person.get("/auth/me").json
    naughty.says(refresh=later)
    reply = person.post("/auth/refresh-workspaces")
    assert (reply.status, reply.json) == (200, NOTHING)
    assert person.get("/auth/me").json == me


@pytest.mark.parametrize("later", ["denied", {**MEMBER, "workspaces": []}])
def test_whom_the_provider_disowns_is_out(naughty, later):
    person = naughty.login()
    naughty.says(refresh=later)
    reply = person.post("/auth/refresh-workspaces")
    assert (reply.status, reply.detail) == (401, "Session expired or invalid")
    assert person.cookies == {}


def test_what_has_changed_is_told(naughty):
    person = naughty.login()
    naughty.says(refresh={**MEMBER, "admin": True, "workspaces": [{"id": "team:b", "role": "admin"}]})
    assert person.post("/auth/refresh-workspaces").json == {
        "added": ["team:b"], "removed": ["team:a"], "roleChanges": [], "siteAdminChanged": True}
    assert person.get("/auth/me").json["isSiteAdmin"] is True
