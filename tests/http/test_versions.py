# SPDX-License-Identifier: Apache-2.0
"""Versions: every save of an agent is one."""

import concurrent.futures
import difflib

import pytest
from agents import FIELDS, make_agent, unique
from people import Person
from people import room as people_room

VERSION = ["version", "createdAt", "createdBy", "restoredFrom", "name", "friendlyName", "current", "deployedAs"]


def numbers(server, url):
    return [one["version"] for one in server.get(url + "/versions").json]


def saved(server, *codes, **fields):
    """The URL of an agent that was saved with each of the codes in turn."""
    agent = make_agent(server, codes[0], **fields)
    url = f"/agents/{agent['_id']}"
    for code in codes[1:]:
        assert server.put(url, {"code": code}).status == 200
    return url


def test_every_save_is_a_version(server):
    agent = make_agent(server, "one", friendlyName=unique())
    url = f"/agents/{agent['_id']}"
    changed = server.put(url, {"code": "two", "name": "renamed"}).json
    first, second = server.get(url + "/versions").json
    assert list(first) == list(second) == VERSION
    assert first == {
        "version": 1, "createdAt": agent["createdAt"], "createdBy": first["createdBy"], "restoredFrom": None,
        "name": agent["name"], "friendlyName": agent["friendlyName"], "current": False, "deployedAs": [],
    }  # fmt: skip
    assert second == first | {"version": 2, "createdAt": changed["updatedAt"], "name": "renamed", "current": True}
    whole = server.get(url + "/versions/1").json
    assert list(whole) == [*VERSION, "agent"]
    assert whole["agent"] == {field: agent[field] for field in FIELDS if field not in ("_id", "_rev", "createdAt", "updatedAt")}
    assert list(whole["agent"]) == FIELDS[: len(whole["agent"])]
    assert server.get(url + "/versions/2").json["agent"]["code"] == "two"


def test_the_agent_is_shown_as_ever_and_its_version_is_a_header(server):
    url = saved(server, "one", "two")
    reply = server.get(url)
    assert list(reply.json) == FIELDS
    assert reply.header("X-Einion-Agent-Version") == "2"
    assert server.put(url, {"code": "three"}).header("X-Einion-Agent-Version") == "3"


def test_a_save_that_is_refused_is_none(server):
    url = saved(server, "one")
    assert server.put(url, {"code": None}).status == 422
    assert server.put(url, {"code": "two", "_rev": "1-stale"}).status == 409
    assert server.put(url, {"code": "two"}, headers={"If-Match": '"1-stale"'}).status == 412
    assert numbers(server, url) == [1]


def test_the_list_comes_in_pages(server):
    url = saved(server, "one", "two", "three")
    page = server.get(url + "/versions?limit=2")
    assert [one["version"] for one in page.json] == [1, 2]
    more = page.header("Link").split(";")[0].strip("<>")
    assert [one["version"] for one in server.get(more).json] == [3]


def test_a_diff_names_what_changed_and_shows_texts_by_line(server):
    before = "".join(f"line {i}\n" for i in range(30))
    after = before.replace("line 3\n", "").replace("line 20\n", "line twenty\nand more\n")
    url = saved(server, before, after, description="same")
    server.put(url, {"description": "other", "tools": {"http://x/mcp": ["t"]}})
    body = server.get(url + "/versions/1/diff?to=2").json
    assert (body["from"], body["to"], [change["field"] for change in body["changes"]]) == (1, 2, ["code"])
    expected = list(difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm=""))[2:]
    assert body["changes"][0] == {"field": "code", "from": before, "to": after, "lines": expected}
    body = server.get(url + "/versions/2/diff").json
    assert body == {
        "from": 2, "to": 3,
        "changes": [
            {"field": "description", "from": "same", "to": "other"},
            {"field": "tools", "from": {}, "to": {"http://x/mcp": ["t"]}},
        ],
    }  # fmt: skip
    assert server.get(url + "/versions/3/diff?to=3").json["changes"] == []
    backwards = server.get(url + "/versions/2/diff?to=1").json["changes"][0]
    assert (backwards["from"], backwards["to"]) == (after, before)


def applied(lines, text):
    """What the pieces of a diff make of a text."""
    old, made, at = text.split("\n"), [], 0
    for line in lines:
        if line.startswith("@@"):
            start, count = (int(n) for n in line.split()[1][1:].split(","))
            begin = start - 1 if count else start
            made += old[at:begin]
            at = begin
        elif line[0] == "+":
            made.append(line[1:])
        else:
            assert old[at] == line[1:]
            made += [line[1:]] if line[0] == " " else []
            at += 1
    return "\n".join(made + old[at:])


@pytest.mark.parametrize(("before", "after"), [
    ("a\nb\nc", "b\nc\na"), ("a\nb\nc\nd\ne\nf\ng\nh\ni\nj", "a\nX\nc\nd\ne\nf\ng\nh\nY\nj"), ("x\n" * 50 + "y", "y"),
    ("\n".join("ab" * 40), "\n".join("ba" * 41)), ("one\ntwo", "three"), ("a\n\n\nb", "a\nb"),
    ("\n".join(f"old {i}" for i in range(2100)), "\n".join(f"new {i}" for i in range(2100))),
])  # fmt: skip
def test_a_diff_makes_the_one_from_the_other(server, before, after):
    url = saved(server, before, after)
    lines = server.get(url + "/versions/1/diff").json["changes"][0]["lines"]
    assert applied(lines, before) == after


def test_restoring_is_a_new_version(server):
    url = saved(server, "one", "two", docstring="as made")
    server.put(url, {"docstring": "later", "gofannonAgents": ["x"]})
    reply = server.post(url + "/versions/1/restore")
    assert reply.status == 200 and reply.json == server.get(url).json
    assert (reply.json["code"], reply.json["docstring"], reply.json["gofannonAgents"]) == ("one", "as made", [])
    assert reply.header("ETag") == f'"{reply.json["_rev"]}"'
    newest = server.get(url + "/versions").json[-1]
    assert (newest["version"], newest["restoredFrom"], newest["current"]) == (4, 1, True)
    assert server.get(url + "/versions/4/diff?to=1").json["changes"] == []
    assert server.post(url + "/versions/2/restore", headers={"If-Match": '"1-stale"'}).status == 412
    assert numbers(server, url) == [1, 2, 3, 4]


@pytest.mark.parametrize("number", ["0", "-1", "3", "x", "1x", " 1", "+1", "9223372036854775807", "9" * 30])
def test_a_version_that_is_not_there(server, number):
    url = saved(server, "one", "two")
    quoted = number.replace(" ", "%20").replace("+", "%2B")
    for method, path in ("GET", ""), ("GET", "/diff"), ("POST", "/restore"):
        reply = server.request(method, f"{url}/versions/{quoted}{path}")
        assert reply.status == 404 and "version" in reply.detail, reply
    assert server.get(f"{url}/versions/1/diff?to=3").status == 404
    assert server.get(f"{url}/versions/1/diff?to=0").status == 422
    for path in "", "/1", "/1/diff":
        assert server.get(f"/agents/nope/versions{path}").detail == "Document 'nope' not found in 'agents'"


def test_saves_at_once_all_get_numbers_of_their_own(server):
    url = saved(server, "one")
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        replies = list(pool.map(lambda i: server.put(url, {"code": f"code {i}"}), range(12)))
    done = [reply for reply in replies if reply.status == 200]
    assert {reply.status for reply in replies} <= {200, 409} and len(done) >= 4
    assert numbers(server, url) == list(range(1, len(done) + 2))
    for reply in done:
        number = reply.header("X-Einion-Agent-Version")
        assert server.get(f"{url}/versions/{number}").json["agent"]["code"] == reply.json["code"]


def test_the_oldest_go_and_deleting_takes_all(start_server):
    server = start_server(sets=["plugins.agents.versions_max=3"])
    url = saved(server, "one", "two", "three", "four", "five")
    assert numbers(server, url) == [3, 4, 5]
    reply = server.get(url + "/versions/2")
    assert (reply.status, reply.detail) == (404, f"Agent '{url.split('/')[-1]}' has no version 2, or no longer")
    assert server.delete(url).status == 204
    assert server.get(url + "/versions").status == 404
    assert server.get(url + "/versions/5").status == 404


@pytest.fixture(scope="module")
def people(postgres):
    with people_room("sqlite", postgres) as room:
        yield room


def test_who_saved_is_told_and_members_do_not_restore(people):
    maker, member, admin = (Person(people, f"header:{unique()}") for _ in range(3))
    team = unique("team")
    maker.roles = member.roles = {team: "member"}
    admin.roles = {team: "admin"}
    url = f"/agents/{maker.make_agent(workspaceId=team)}"
    assert admin.put(url, {"code": "by the admin"}).status == 200
    assert [one["createdBy"] for one in member.get(url + "/versions").json] == [maker.uid, admin.uid]
    assert member.get(url + "/versions/2/diff?to=1").status == 200
    assert member.post(url + "/versions/1/restore").status == 403
    assert admin.post(url + "/versions/1/restore").status == 200
    assert numbers(maker, url) == [1, 2, 3]
