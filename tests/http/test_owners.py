# SPDX-License-Identifier: Apache-2.0
"""What belongs to whom: several people, workspaces, roles."""

import re
import uuid

import pytest
from people import ECHO, Person
from people import room as people_room
from support import BACKENDS

MOVERS = "moves things in or out of it."


@pytest.fixture(scope="module", params=sorted(BACKENDS, reverse=True))
def room(request, postgres):
    """One server for all tests here; each makes its own workspaces and people."""
    with people_room(request.param, postgres, ready=True) as server:
        yield server


class People:
    """A team with an admin and two members, and somebody who is not in it."""

    def __init__(self, server):
        self.tag = uuid.uuid4().hex[:8]
        self.team = f"team-{self.tag}"
        self.admin = self.person(server, "admin", "admin")
        self.maker = self.person(server, "maker", "member")
        self.member = self.person(server, "member", "member")
        self.stranger = self.person(server, "stranger", None)
        self.site_admin = Person(server, f"header:root-{self.tag}", site_admin=True)

    def person(self, server, name, role):
        person = Person(server, f"header:{name}-{self.tag}")
        person.roles = {self.team: role} if role else {f"personal:header:{name}-{self.tag}": "admin"}
        return person


@pytest.fixture
def people(room):
    return People(room)


def same(one, other):
    """Equal but for what differs in any two answers."""
    return (one.status, one.body) == (other.status, other.body)


# ---- one's own ----


def test_others_cannot_tell_my_agent_from_none(people):
    mine, none = people.maker.make_agent(friendlyName=f"f-{people.tag}"), str(uuid.uuid4())
    assert people.maker.post(f"/agents/{mine}/deploy").status == 201
    before = people.maker.get(f"/agents/{mine}").body

    for person in (people.stranger, people.member, people.admin):
        for method, path, body in [
            ("GET", "/agents/{}", None), ("PUT", "/agents/{}", {"name": "stolen"}), ("DELETE", "/agents/{}", None),
            ("PUT", "/agents/{}", {"workspaceId": people.team}), ("PUT", "/agents/{}", {"workspaceId": None}),
            ("POST", "/agents/{}/deploy", None), ("GET", "/agents/{}/deployment", None),
            ("DELETE", "/agents/{}/undeploy", None), ("GET", "/agents/{}/chain", None),
            ("GET", "/agents/{}/versions", None), ("GET", "/agents/{}/versions/1", None),
            ("GET", "/agents/{}/versions/1/diff", None), ("POST", "/agents/{}/versions/1/restore", None),
            ("GET", "/agents/{}/secrets", None), ("PUT", "/agents/{}/secrets/A", {"value": "x"}),
            ("DELETE", "/agents/{}/secrets/A", None),
        ]:  # fmt: skip
            found = person.request(method, path.format(mine), body)
            absent = person.request(method, path.format(none), body)
            assert found.status == absent.status, (method, path, found)
            assert found.body.replace(mine.encode(), none.encode()) == absent.body, (method, path, found, absent)
            assert found.status == 404 or path.endswith(("undeploy", "chain"))
        assert same(person.post(f"/rest/f-{people.tag}", {}), person.post(f"/rest/x-{people.tag}", {}))
        assert person.agents() == person.deployments() == []
    assert people.maker.get(f"/agents/{mine}").body == before
    assert people.maker.deployments() == [f"f-{people.tag}"]


def test_an_etag_tells_a_stranger_nothing(people):
    mine = people.maker.make_agent()
    rev = people.maker.get(f"/agents/{mine}").header("ETag")
    for header in ({"If-Match": rev}, {"If-Match": '"no"'}, {"If-None-Match": rev}):
        for method, body in (("GET", None), ("PUT", {"name": "x", "_rev": rev.strip('"')}), ("DELETE", None)):
            assert people.stranger.request(method, f"/agents/{mine}", body, headers=header).status == 404


def test_an_agent_of_my_own_shows_no_workspace(people):
    agent = people.maker.get(f"/agents/{people.maker.make_agent()}").json
    assert not {"workspaceId", "workspace_id", "owner", "userId"} & set(agent)


# ---- a workspace's ----


@pytest.mark.parametrize("spelling", ["workspaceId", "workspace_id"])
def test_members_read_what_is_in_their_workspace(people, spelling):
    agent = people.maker.make_agent(**{spelling: people.team})
    for person in (people.maker, people.member, people.admin):
        reply = person.get(f"/agents/{agent}")
        assert reply.status == 200 and reply.json["workspaceId"] == people.team
        assert person.agents() == [agent]
        assert person.get(f"/agents/{agent}/chain").json["nodes"][agent]["name"] == "n"
        assert person.get(f"/agents/{agent}/deployment").json == {"is_deployed": False}
    assert people.stranger.get(f"/agents/{agent}").status == 404
    assert people.stranger.agents() == []


def test_only_its_maker_and_admins_change_what_is_in_a_workspace(people):
    agent = people.maker.make_agent(workspaceId=people.team, friendlyName=f"f-{people.tag}")
    before = people.maker.get(f"/agents/{agent}").json
    for method, path, body in [
        ("PUT", "", {"name": "x"}), ("DELETE", "", None), ("POST", "/deploy", None), ("DELETE", "/undeploy", None),
        ("POST", "/versions/1/restore", None), ("PUT", "/secrets/A", {"value": "x"}),
    ]:  # fmt: skip
        reply = people.member.request(method, f"/agents/{agent}{path}", body)
        assert reply.status == 403, (method, path, reply)
        assert reply.detail == "Only who made this and the admins of its workspace may change it."
    assert people.maker.get(f"/agents/{agent}").json == before

    assert people.admin.put(f"/agents/{agent}", {"name": "by admin"}).json["name"] == "by admin"
    assert people.maker.put(f"/agents/{agent}", {"name": "by maker"}).json["name"] == "by maker"
    assert people.member.get(f"/agents/{agent}").json["workspaceId"] == people.team
    assert people.admin.post(f"/agents/{agent}/deploy").status == 201
    assert people.admin.delete(f"/agents/{agent}").status == 204
    assert people.maker.agents() == people.maker.deployments() == []


def test_members_call_what_is_deployed_in_their_workspace(people):
    name = f"f-{people.tag}"
    inner = people.maker.make_agent(workspaceId=people.team, friendlyName=f"inner-{people.tag}")
    agent = people.maker.make_agent(workspaceId=people.team, friendlyName=name, gofannonAgents=[inner])
    assert people.maker.post(f"/agents/{agent}/deploy").status == 201
    for person in (people.maker, people.member, people.admin, people.site_admin):
        assert person.post(f"/rest/{name}", {"n": 1}).json == {"echo": {"n": 1}}
        assert name in person.deployments()
    reply = people.stranger.post(f"/rest/{name}", {"n": 1})
    assert (reply.status, reply.detail) == (404, "No deployed agent found with that name.")
    assert people.stranger.deployments() == []


def test_a_run_reaches_only_agents_that_its_caller_may_run(people):
    private = people.maker.make_agent(friendlyName="private")
    shared = people.maker.make_agent(workspaceId=people.team, friendlyName="shared", gofannonAgents=[private])
    run = {"code": ECHO, "inputDict": {}, "tools": {}}
    for person, agent, fine in [
        (people.member, shared, True), (people.member, private, False), (people.stranger, shared, False),
        (people.maker, private, True),
    ]:  # fmt: skip
        outcome = person.post("/agents/run-code", {**run, "gofannonAgents": [agent]}).json
        expected = None if fine else "ValueError: Could not load one or more dependent Gofannon agents."
        assert outcome["error"] == expected, (person.uid, agent)


def test_a_name_that_a_stranger_holds_is_taken_and_no_more_is_said(people):
    name = f"f-{people.tag}"
    first, second = people.maker.make_agent(friendlyName=name), people.stranger.make_agent(friendlyName=name)
    assert people.maker.post(f"/agents/{first}/deploy").status == 201
    reply = people.stranger.post(f"/agents/{second}/deploy")
    assert reply.status == 409
    assert reply.json == {"detail": f"A deployment with the name '{name}' already exists for a different agent."}
    assert people.stranger.get(f"/agents/{second}/deployment").json == {"is_deployed": False}
    assert people.maker.delete(f"/agents/{first}").status == 204
    assert people.stranger.post(f"/agents/{second}/deploy").status == 201


def test_who_leaves_a_workspace_sees_nothing_of_it_any_more(people):
    agent = people.maker.make_agent(workspaceId=people.team)
    people.maker.roles = {}
    assert people.maker.get(f"/agents/{agent}").status == 404
    assert people.maker.put(f"/agents/{agent}", {"workspaceId": None}).status == 404
    assert people.maker.agents() == []
    assert people.member.agents() == [agent]


def test_a_site_admin_sees_and_changes_all(people):
    agent = people.maker.make_agent(friendlyName=f"f-{people.tag}")
    assert agent in people.site_admin.agents()
    assert people.site_admin.put(f"/agents/{agent}", {"description": "seen"}).status == 200
    assert people.site_admin.post(f"/agents/{agent}/deploy").status == 201
    assert people.maker.deployments() == [f"f-{people.tag}"]
    assert people.site_admin.delete(f"/agents/{agent}").status == 204


def test_lists_show_own_and_shared_in_order_of_creation_in_pages(people):
    made = []
    for i in range(9):
        who = (people.maker, people.member, people.stranger)[i % 3]
        where = {"workspaceId": people.team} if i % 3 == 0 or i == 4 else {}
        made.append((who, who.make_agent(name=f"a{i}", **where), bool(where)))
    expected = [agent for who, agent, shared in made if shared or who is people.member]
    assert people.member.agents() == expected

    paged, path = [], "/agents?limit=2"
    while path:
        reply = people.member.get(path)
        assert len(reply.json) <= 2
        paged += [agent["_id"] for agent in reply.json]
        link = re.fullmatch(r'<([^>]+)>; rel="next"', reply.header("Link") or "")
        path = link[1] if link else None
    assert paged == expected


def test_a_cursor_is_of_no_use_to_others(people):
    for _ in range(3):
        people.maker.make_agent()
    link = re.search(r"<([^>]+)>", people.maker.get("/agents?limit=1").header("Link"))[1]
    reply = people.stranger.get(link)
    assert (reply.status, reply.detail) == (400, "The cursor does not come from this query")


# ---- into and out of workspaces ----


@pytest.mark.parametrize("workspace", ["nobodys", "TEAM", "team ", "*", "workspace:team"])
def test_nobody_makes_things_in_a_workspace_of_others(people, workspace):
    body = {"name": "n", "description": "d", "code": "c", "workspaceId": workspace.replace("team", people.team)}
    reply = people.member.post("/agents", body)
    assert reply.status == 403
    assert reply.detail == f"You are not a member of the workspace '{body['workspaceId']}'."
    assert people.member.agents() == []


@pytest.mark.parametrize("workspace", [7, True, [], {}, "", "x" * 257])
def test_a_workspace_id_is_a_short_text(people, workspace):
    reply = people.maker.post("/agents", {"name": "n", "description": "d", "code": "c", "workspaceId": workspace})
    assert reply.status == 422 and reply.detail[0]["loc"] == ["body", "workspaceId"]


def test_moving_needs_an_admin_of_both_places(people):
    agent = people.maker.make_agent(friendlyName=f"f-{people.tag}")
    url = f"/agents/{agent}"
    assert people.maker.post(f"{url}/deploy").status == 201

    # A member puts new things there, and does not move old ones there.
    reply = people.maker.put(url, {"workspaceId": people.team})
    assert (reply.status, reply.detail) == (403, f"Only an admin of the workspace '{people.team}' {MOVERS}")
    assert people.maker.put(url, {"workspaceId": "other"}).status == 403
    assert people.member.deployments() == []

    people.maker.roles = {people.team: "admin"}
    reply = people.maker.put(url, {"workspaceId": people.team, "name": "moved"})
    assert reply.status == 200 and reply.json["workspaceId"] == people.team and reply.json["name"] == "moved"
    assert people.maker.get(url).header("ETag") == reply.header("ETag") == f'"{reply.json["_rev"]}"'
    assert people.member.agents() == [agent]
    assert people.member.deployments() == [f"f-{people.tag}"]

    # An admin who did not make it cannot give it away, nor keep it to themselves.
    assert people.admin.put(url, {"workspaceId": "other"}).status == 403
    reply = people.admin.put(url, {"workspaceId": None})
    assert (reply.status, reply.detail) == (403, "Only who made this can take it out of its workspace.")
    people.admin.roles["second"] = "admin"
    assert people.admin.put(url, {"workspaceId": "second"}).status == 200
    assert people.member.agents() == people.member.deployments() == people.maker.agents() == []
    assert people.admin.deployments() == [f"f-{people.tag}"]

    people.maker.roles["second"] = "admin"
    reply = people.maker.put(url, {"workspaceId": None})
    assert reply.status == 200 and "workspaceId" not in reply.json
    assert people.admin.agents() == people.admin.deployments() == []
    assert people.maker.deployments() == [f"f-{people.tag}"]


def test_naming_the_place_where_it_is_moves_nothing(people):
    agent = people.maker.make_agent(workspaceId=people.team)
    assert people.maker.put(f"/agents/{agent}", {"workspaceId": people.team, "name": "x"}).status == 200
    assert people.maker.put(f"/agents/{agent}", {"name": "y"}).json["workspaceId"] == people.team
    own = people.maker.make_agent()
    assert people.maker.put(f"/agents/{own}", {"workspaceId": None}).status == 200


def test_roles_come_from_no_body(people):
    forged = {"userId": people.maker.uid, "user_id": people.maker.uid, "owner": people.maker.uid, "_id": "mine"}
    agent = people.stranger.make_agent(**forged)
    assert agent != "mine" and people.maker.agents() == []
    assert people.stranger.put(f"/agents/{agent}", forged).status == 200
    assert people.stranger.agents() == [agent]


# ---- what stays personal ----


def test_records_and_sessions_are_each_persons_own(people):
    record, session = "/data-store/namespaces/n/records/k", "/sessions/s/config"
    config = {"provider": "openai", "model": "m", "parameters": {}}
    for person in (people.maker, people.member):
        assert person.put(record, {"value": person.uid}).status == 200
        assert person.post(session, {**config, "model": person.uid}).status == 200
    for person in (people.maker, people.member):
        assert person.get(record).json["value"] == person.uid
        assert person.get(session).json["model"] == person.uid
    for person in (people.admin, people.stranger, people.site_admin):
        assert person.get(record).json == {"detail": "Record 'k' not found in 'n'"}
        assert person.delete("/data-store/namespaces/n").json["deletedCount"] == 0
        assert person.get(session).status == person.delete("/sessions/s").status == 404


# ---- where nobody logs in ----


def test_without_logins_there_are_no_workspaces(sqlite_server):
    body = {"name": "n", "description": "d", "code": "c"}
    reply = sqlite_server.post("/agents", {**body, "workspaceId": "team"})
    assert (reply.status, reply.detail) == (403, "You are not a member of the workspace 'team'.")
    reply = sqlite_server.post("/agents", {**body, "workspaceId": None})
    assert reply.status == 201 and "workspaceId" not in reply.json
    assert sqlite_server.delete(f"/agents/{reply.json['_id']}").status == 204


# ---- what is kept in drawers: records and sessions ----

DRAWERS = {
    "record": ("/data-store/namespaces/n/records/k", "PUT", {"value": "v"}, "/data-store/namespaces/n/records/k"),
    "session": ("/sessions/s/config", "POST", {"provider": "openai", "model": "m", "parameters": {}}, "/sessions/s"),
}


@pytest.fixture(params=DRAWERS)
def drawer(request):
    return DRAWERS[request.param]


def test_a_workspaces_drawer_is_read_by_members_and_changed_by_its_admins(people, drawer):
    path, method, body, gone = (part + f"?workspaceId={people.team}" if i in (0, 3) else part for i, part in enumerate(drawer))
    assert people.admin.request(method, path, body).status == 200
    assert people.member.get(path).status == 200
    assert people.site_admin.get(path).json == people.member.get(path).json
    for refused, status in ((people.member, 403), (people.stranger, 404)):
        assert refused.request(method, path, body).status == status
        assert refused.delete(gone).status == status
    assert people.stranger.get(path).status == 404
    assert people.member.get(drawer[0]).status == 404, "it is not in one's own drawer"
    assert people.admin.delete(gone).status in (200, 204)
    assert people.member.get(path).status == 404


def test_a_site_admin_opens_anybodys_drawer(people, drawer):
    path, method, body, _ = drawer
    assert people.maker.request(method, path, body).status == 200
    hers = f"{path}?userId={people.maker.uid}"
    assert people.site_admin.get(hers).json == people.maker.get(path).json == people.maker.get(hers).json
    assert people.member.get(hers).status == 404 and people.admin.get(hers).status == 404
    assert people.site_admin.get(path).status == 404


def test_namespaces_are_the_drawers(people):
    path = f"/data-store/namespaces/n/records/k?workspaceId={people.team}"
    assert people.admin.put(path, {"value": 1}).status == 200
    listed = people.member.get(f"/data-store/namespaces?workspaceId={people.team}").json
    assert [one["namespace"] for one in listed["namespaces"]] == ["n"]
    assert people.member.get("/data-store/namespaces").json["namespaces"] == []
    assert people.member.get(f"/data-store/namespaces/n?workspaceId={people.team}").json["recordCount"] == 1
    assert len(people.member.get(f"/data-store/namespaces/n/records?workspaceId={people.team}&limit=1").json) == 1
    assert people.member.delete(f"/data-store/namespaces/n?workspaceId={people.team}").status == 403
    assert people.stranger.get(f"/data-store/namespaces?workspaceId={people.team}").status == 404
    assert people.admin.delete(f"/data-store/namespaces/n?workspaceId={people.team}").json["deletedCount"] == 1


def test_a_name_that_reads_like_a_workspace_opens_no_drawer(people, room):
    path = "/data-store/namespaces/n/records/k"
    assert people.admin.put(f"{path}?workspaceId={people.team}", {"value": 1}).status == 200
    for uid in (f"workspace:{people.team}", f"user:workspace:{people.team}"):
        liar = Person(room, uid)
        assert liar.get(path).status == 404
        assert liar.put(path, {"value": 2}).status == 200
    assert people.admin.get(f"{path}?workspaceId={people.team}").json["value"] == 1
    assert Person(room, f"workspace:{people.team}").put(path, {"value": 3}).status == 200
    assert Person(room, f"user:workspace:{people.team}").get(path).json["value"] == 2


def test_one_drawer_at_a_time(people, drawer):
    reply = people.admin.get(f"{drawer[0]}?workspaceId={people.team}&userId={people.admin.uid}")
    assert (reply.status, reply.detail) == (422, "A thing belongs to a workspace or to a user: name one.")
