# SPDX-License-Identifier: Apache-2.0
"""The page of a demo, and its token: what they may, for whom, and for how long."""

import re
import uuid

import pytest
from agents import ECHO, deploy, unique
from demos import api, body, make_demo
from people import Bearer, Person
from people import room as people_room
from ports import free_port
from support import Person as Somebody
from support import Server, wait_until

ELSEWHERE = "The token of a demo calls the APIs of its demo and nothing else."


@pytest.fixture
def shown(agent_server):
    """(demo, name of its API) of a demo that is there to be opened."""
    _, name = deploy(agent_server)
    return make_demo(agent_server, selectedApis=[api(name), api(name)]), name


def token_of(server, demo):
    reply = server.post(f"/demos/{demo['_id']}/app/token")
    assert reply.status == 200 and reply.header("Cache-Control") == "no-store", reply
    return reply.json["token"]


def policy(reply):
    """{directive: [sources]}"""
    directives = [part.split() for part in reply.header("Content-Security-Policy").split(";")]
    assert len({words[0] for words in directives}) == len(directives)
    return {words[0]: words[1:] for words in directives}


# ---- the page ----


def test_the_page_frames_the_demo_and_calls_its_apis(agent_server):
    names = ["a;b, c'd", "<é>"]
    demo = make_demo(agent_server, name="<b>&\"'", selectedApis=[api(name) for name in names])
    path = f"/demos/{demo['_id']}/app"
    reply = agent_server.get(path, headers={"Host": "127.0.0.1:8000"})
    assert reply.status == 200 and reply.header("Content-Type") == "text/html; charset=utf-8"
    assert "<b>" not in reply.text and "&lt;b&gt;&amp;&quot;&#39;" in reply.text
    assert re.search(r'<iframe [^>]*sandbox="allow-scripts allow-forms"[^>]*src="([^"]*)"', reply.text)[1] == path + "/frame"
    found, origin = policy(reply), "http://127.0.0.1:8000"
    assert found["default-src"] == ["'none'"] and found["form-action"] == found["base-uri"] == ["'none'"]
    assert found["frame-src"] == [f"{origin}{path}/frame"] and found["frame-ancestors"] == ["'self'"]
    assert found["connect-src"] == [f"{origin}{path}/token", f"{origin}/rest/a%3Bb%2C%20c%27d", f"{origin}/rest/%3C%C3%A9%3E"]
    assert all(source.startswith("'sha256-") for source in found["script-src"] + found["style-src"])
    assert reply.header("Cache-Control") == "no-store" and reply.header("Referrer-Policy") == "no-referrer"


def test_the_frame_has_no_origin_and_no_network(agent_server):
    demo = make_demo(agent_server, generatedCode={"html": "<p>x</p>", "css": "a</STYLE>b", "js": "1;\r\n'</Script><!--'"})
    reply = agent_server.get(f"/demos/{demo['_id']}/app/frame")
    found = policy(reply)
    assert found["sandbox"] == ["allow-scripts", "allow-forms"]
    for directive in ("default-src", "connect-src", "form-action", "base-uri"):
        assert found[directive] == ["'none'"]
    assert len(found["script-src"]) == 1 and found["frame-ancestors"] == ["'self'"]
    assert "<p>x</p>" in reply.text and "a<\\/STYLE>b" in reply.text and "1;\n'<\\/Script><\\!--'" in reply.text
    assert agent_server.get(f"/demos/{demo['_id']}/app/frame", headers={"Sec-Fetch-Dest": "iframe"}).status == 200
    reply = agent_server.get(f"/demos/{demo['_id']}/app/frame", headers={"Sec-Fetch-Dest": "document"})
    assert (reply.status, reply.detail) == (403, "A demo is opened at /demos/ID/app, which frames this.")


def test_an_id_is_no_path(agent_server):
    name = "x/../y?z#\"'"
    path = "/demos/x%2F..%2Fy%3Fz%23%22%27"
    assert agent_server.put(path, body()).json["_id"] == name
    reply = agent_server.get(path + "/app")
    assert f'src="{path}/app/frame"' in reply.text and policy(reply)["frame-src"] == [f"http://127.0.0.1{path}/app/frame"]


def test_front_ends_that_show_it_are_a_setting(start_server):
    server = start_server(sets=['plugins.demos.frame_ancestors=["https://front.example", "http://localhost:3000"]'])
    demo = make_demo(server)
    for path in ("app", "app/frame"):
        ancestors = policy(server.get(f"/demos/{demo['_id']}/{path}"))["frame-ancestors"]
        assert ancestors == ["'self'", "https://front.example", "http://localhost:3000"]


def test_what_is_not_there_has_no_page(agent_server):
    for method, path in (("GET", "app"), ("GET", "app/frame"), ("POST", "app/token")):
        reply = agent_server.request(method, f"/demos/none/{path}")
        assert (reply.status, reply.detail) == (404, "Document 'none' not found in 'demos'")


# ---- the token ----


def test_a_token_calls_what_the_demo_selects(agent_server, shown):
    demo, name = shown
    _, other = deploy(agent_server)
    reply = agent_server.post(f"/demos/{demo['_id']}/app/token").json
    assert list(reply) == ["token", "expiresAt", "apis"] and reply["apis"] == [name]
    caller = Bearer(agent_server, reply["token"])
    assert caller.post(f"/rest/{name}", {"inputText": "hi"}).json == {"outputText": "hi"}
    for method, path in [("POST", f"/rest/{other}"), ("GET", f"/rest/{name}"), ("POST", f"/rest/{name}/"), ("POST", f"/rest/{name}%2F"),
                         ("GET", "/agents"), ("POST", "/agents"), ("GET", f"/demos/{demo['_id']}"), ("POST", f"/demos/{demo['_id']}/app/token"),
                         ("GET", f"/demos/{demo['_id']}/app"), ("GET", "/users/me"), ("POST", "/users/me/usage")]:  # fmt: skip
        reply = caller.request(method, path, {} if method == "POST" else None)
        assert reply.status in (401, 405, 307), (path, reply)
        assert reply.status != 401 or reply.detail == ELSEWHERE and 'reason="insufficient_scope"' in reply.header("WWW-Authenticate")
    assert agent_server.get("/agents").status == 200  # without one, nobody has to log in


def test_a_token_follows_its_demo(agent_server, shown):
    demo, name = shown
    _, other = deploy(agent_server)
    caller = Bearer(agent_server, token_of(agent_server, demo))
    path = f"/demos/{demo['_id']}"
    assert caller.post(f"/rest/{name}", {}).status == 200
    assert agent_server.put(path, body(selectedApis=[api(other)])).status == 200
    assert caller.post(f"/rest/{name}", {}).detail == ELSEWHERE  # no longer
    assert caller.post(f"/rest/{other}", {}).detail == ELSEWHERE  # not when it was made
    assert agent_server.put(path, body(selectedApis=[api(name)])).status == 200
    assert caller.post(f"/rest/{name}", {}).status == 200
    assert agent_server.delete(path).status == 204
    reply = caller.post(f"/rest/{name}", {})
    assert (reply.status, reply.detail) == (401, "This token of a demo has ended.")


def test_a_token_ends(start_server):
    server = start_server(ready=True, sets=["plugins.demos.token_s=1"])
    _, name = deploy(server)
    caller = Bearer(server, token_of(server, make_demo(server, selectedApis=[api(name)])))

    def refusal():
        reply = caller.post(f"/rest/{name}", {})
        return reply.status == 401 and (reply.detail, re.search('reason="(.*)"', reply.header("WWW-Authenticate"))[1])

    ended, forgotten = ("This token of a demo has ended.", "token_expired"), ("This token of a demo is not known.", "token_unknown")
    assert wait_until(refusal, 20, "the token to end") in (ended, forgotten)
    wait_until(lambda: refusal() == forgotten, 20, "the token to be swept away")


def test_a_token_of_nobody_is_refused(sqlite_server):
    for token in ("eind_", "eind_" + "x" * 43, "eind_" + "é"):
        reply = sqlite_server.post("/rest/x", {}, headers={"Authorization": f"Bearer {token}"})
        assert (reply.status, reply.detail) == (401, "This token of a demo is not known.")


def test_tokens_are_kept_as_hashes(agent_server, shown):
    token = token_of(agent_server, shown[0])
    agent_server.post(f"/rest/{shown[1]}", {}, headers={"Authorization": f"Bearer {token}"})
    stored = b"".join(path.read_bytes() for path in agent_server.state.rglob("*") if path.is_file())
    assert token[5:].encode() not in stored and token[5:] not in agent_server.log()


# ---- whose it is ----


@pytest.fixture(scope="module")
def room(postgres):
    with people_room("sqlite", postgres, ready=True) as server:
        yield server


def person(room, name, **roles):
    return Person(room, f"header:{name}-{uuid.uuid4().hex[:8]}", **roles)


def test_a_token_acts_as_who_has_opened_the_page(room):
    team = f"team-{uuid.uuid4().hex[:8]}"
    maker, member, stranger = person(room, "maker", **{team: "admin"}), person(room, "member", **{team: "member"}), person(room, "stranger")
    served, private = unique(), unique()
    for name, fields in ((served, {"workspaceId": team}), (private, {})):
        agent = maker.make_agent(friendlyName=name, code=ECHO, **fields)
        assert maker.post(f"/agents/{agent}/deploy").status == 201
    demo = make_demo(maker, workspaceId=team, selectedApis=[api(served), api(private)])
    caller = Bearer(room, token_of(member, demo))
    assert caller.post(f"/rest/{served}", {"inputText": "x"}).json == {"outputText": "x"}
    assert caller.post(f"/rest/{private}", {}).status == 404  # as it is for the member
    assert [run["userId"] for run in member.get("/runs").json] == [member.uid]
    for method, path in (("GET", "app"), ("GET", "app/frame"), ("POST", "app/token")):
        reply = stranger.request(method, f"/demos/{demo['_id']}/{path}")
        assert (reply.status, reply.detail) == (404, f"Document '{demo['_id']}' not found in 'demos'")


def test_a_site_admin_lends_no_more_than_themselves(room):
    maker, root = person(room, "maker"), Person(room, f"header:root-{uuid.uuid4().hex[:8]}", site_admin=True)
    name = unique()
    agent = maker.make_agent(friendlyName=name, code=ECHO)
    assert maker.post(f"/agents/{agent}/deploy").status == 201
    demo = make_demo(maker, selectedApis=[api(name)])
    assert root.post(f"/rest/{name}", {}).status == 200
    assert Bearer(room, token_of(root, demo)).post(f"/rest/{name}", {}).status == 404


# ---- with logins ----


def operations(server):
    for path, item in server.get("/openapi.json").json["paths"].items():
        for method, operation in item.items():
            yield method.upper(), re.sub(r"\{[^}]*\}", "x", path), operation


def test_a_token_opens_no_other_route(login_server):
    """With it one is told what a stranger is told, at every route there is."""
    alice = Somebody(login_server).login("alice")
    demo = make_demo(alice, selectedApis=[api("some-name")])
    token = {"Authorization": f"Bearer {token_of(alice, demo)}"}
    count = 0
    for method, path, _ in operations(login_server):
        if "auth" in path.split("/")[1] or path.endswith(("/stream", "/docs")):
            continue
        given = None if method in ("GET", "DELETE") else {}
        with_token = login_server.request(method, path, given, headers=token)
        without = login_server.request(method, path, given)
        assert with_token.status == without.status, (method, path, with_token)
        count += with_token.status == 401
    assert count > 50


def test_a_limited_key_opens_a_page_only_if_it_may_call(person):
    alice = person("alice")
    demo = make_demo(alice)
    for scopes, status in ((["agents"], 403), (["models"], 403), (["deployments:run"], 200), (["deployments"], 200)):
        key = alice.post("/users/me/keys", {"name": "k", "scopes": scopes}).json["key"]
        caller = Bearer(alice.server, key)
        assert caller.get(f"/demos/{demo['_id']}/app").status == status, scopes
        assert caller.post(f"/demos/{demo['_id']}/app/token").status == status, scopes


def test_a_token_ends_with_the_key_that_made_it(person):
    alice = person("alice")
    agent, name = deploy(alice)
    demo = make_demo(alice, selectedApis=[api(name)])
    first = alice.post("/users/me/keys", {"name": "k", "scopes": ["deployments", "admin"]}).json
    key = Bearer(alice.server, first["key"])
    child = key.post("/users/me/keys", {"name": "c", "scopes": ["deployments"]}).json["key"]
    callers = [Bearer(alice.server, token_of(maker, demo)) for maker in (key, Bearer(alice.server, child), alice)]
    assert [caller.post(f"/rest/{name}", {}).status for caller in callers] == [200, 200, 200]
    assert alice.delete(f"/users/me/keys/{first['_id']}").status == 204
    replies = [caller.post(f"/rest/{name}", {}) for caller in callers]
    assert [reply.status for reply in replies] == [401, 401, 200]
    assert replies[0].detail == "This token of a demo has ended."
    assert alice.delete(f"/agents/{agent['_id']}").status == 204  # other tests know Alice without one


def test_a_page_lends_what_a_deployment_asks_for(person):
    """As far as whoever opens it may call that deployment."""
    alice = person("alice")
    agent, name = deploy(alice)
    assert alice.put(f"/agents/{agent['_id']}/deployment/settings", {"scope": "use:payroll"}).status == 200
    demo = make_demo(alice, selectedApis=[api(name)])
    assert Bearer(alice.server, token_of(alice, demo)).post(f"/rest/{name}", {"inputText": "hi"}).status == 200
    for scopes, status in ((["deployments:run"], 403), (["deployments:run", "use:other"], 403), (["deployments:run", "use:payroll"], 200)):
        caller = Bearer(alice.server, alice.post("/users/me/keys", {"name": "k", "scopes": scopes}).json["key"])
        assert Bearer(alice.server, token_of(caller, demo)).post(f"/rest/{name}", {"inputText": "hi"}).status == status, scopes
    assert alice.delete(f"/agents/{agent['_id']}").status == 204  # other tests know Alice without one


def test_it_is_no_login(start_server):
    """A server that has this plugin and no login is still one without a login."""
    server = start_server()
    assert "without login, for this machine only" in server.log()
    refused = Server(sets=["listen.address=0.0.0.0"], port=free_port())
    try:
        refused.spawn()
        assert refused.process.wait(120) != 0
        assert "no login is configured" in refused.log()
    finally:
        refused.clean()
