# SPDX-License-Identifier: Apache-2.0
"""auth-api-key: programs that call as the user who gave them a key."""

import concurrent.futures
import json
import re
import string
import uuid
import zlib

import pytest
from people import SETS, Bearer, Person
from people import room as people_room
from support import BACKENDS, wait_until

KEYS = "/users/me/keys"
ON = [*SETS, "plugins.auth-api-key.enabled=true"]
ALL = ["models:read", "agents:read", "agents:write", "agents:run", "deployments:run", "admin:read", "admin:write"]
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
DIGITS = string.digits + string.ascii_uppercase + string.ascii_lowercase


@pytest.fixture(scope="module", params=sorted(BACKENDS, reverse=True))
def room(request, postgres):
    with people_room(request.param, postgres, ON) as server:
        yield server


def somebody(server, **roles):
    tag = uuid.uuid4().hex[:8]
    return Person(server, f"header:user-{tag}", **roles)


@pytest.fixture
def alice(room):
    return somebody(room)


def make_key(person, scopes=ALL, name="mine", **more):
    reply = person.post(KEYS, {"name": name, "scopes": scopes, **more})
    assert reply.status == 201, reply
    return reply.json


def holder(person, *args, **more):
    """Whoever holds a new key of `person`, with what was shown of it as `made`."""
    made = make_key(person, *args, **more)
    key = Bearer(person.server, made["key"])
    key.made, key.id = made, made["_id"]
    return key


def refusal(reply):
    """(status, reason) of a reply that says why."""
    challenge = reply.header("WWW-Authenticate") or ""
    found = re.fullmatch(r'Bearer realm="einion", error="invalid_token", reason="(\w+)"', challenge)
    assert found, (reply, challenge)
    return reply.status, found[1]


# ---- what a key is ----


def test_a_key_is_shown_once(alice):
    reply = alice.post(KEYS, {"name": "deploy from CI", "scopes": ["agents:read", "admin:read"]})
    made = reply.json
    assert reply.status == 201 and reply.header("Cache-Control") == "no-store"
    assert list(made) == ["_id", "name", "prefix", "scopes", "createdAt", "expiresAt", "lastUsedAt", "madeBy", "models", "budget",
                          "rates", "key"]  # fmt: skip
    assert made["name"] == "deploy from CI" and made["scopes"] == ["agents:read", "admin:read"]
    assert TIME.fullmatch(made["createdAt"]) and TIME.fullmatch(made["expiresAt"])
    assert made["lastUsedAt"] is made["madeBy"] is None

    key = made.pop("key")
    assert re.fullmatch(r"eink_[0-9A-Za-z]{12}_[0-9A-Za-z]{49}", key)
    assert made["prefix"] == key[:9] + "…" and key[5:17] == made["_id"]
    assert alice.get(KEYS).json == [made]
    assert alice.get(f"{KEYS}/{made['_id']}").json == made
    assert key not in alice.get(KEYS).text


def test_a_scanner_can_tell_a_key_from_what_looks_like_one(alice):
    key = make_key(alice)["key"]
    number, check = zlib.crc32(key[:-6].encode()), ""
    for _ in range(6):
        number, digit = divmod(number, 62)
        check = DIGITS[digit] + check
    assert key.endswith(check)


def test_the_store_has_no_key_in_it(start_server):
    server = start_server(sets=ON)
    key = holder(somebody(server))
    assert key.get("/agents").status == 200
    assert server.stop() == 0
    kept = b"".join(file.read_bytes() for file in server.state.rglob("*") if file.is_file())
    assert key.id.encode() in kept
    assert key.token.encode() not in kept and key.token[18:61].encode() not in kept


def test_the_log_tells_whose_key_was_refused_and_why(start_server):
    server = start_server(sets=ON)
    key = holder(somebody(server), scopes=["models"])
    refused = key.get("/agents")
    assert refused.status == 403
    wait_until(lambda: refused.header("X-Request-ID") in server.log(), 5, "the line")
    line = next(line for line in server.log().splitlines() if refused.header("X-Request-ID") in line)
    assert line.endswith(f' key={key.id} said="This credential lacks the scope \'agents:read\'."')
    wrong = key.post("/v1/chat/completions", {"model": 3})
    wait_until(lambda: wrong.header("X-Request-ID") in server.log(), 5, "the line")
    assert re.search(f'request={wrong.header("X-Request-ID")} .* key={key.id} said="', server.log())
    none = key.post("/v1/chat/completions", {"model": "openai/nonesuch", "messages": [{"role": "user", "content": "x"}]})
    wait_until(lambda: f"request_id={none.header('X-Request-ID')}" in server.log(), 5, "the line")
    assert re.search(f"request_id={none.header('X-Request-ID')} provider= model=openai/nonesuch status=404", server.log())


def test_a_key_is_not_logged(start_server):
    server = start_server(sets=ON + ["log.level=debug"])
    key = holder(somebody(server))
    assert key.get("/agents").status == 200
    assert server.get(f"/agents?key={key.token}", headers=key.headers).status == 200
    line = {"eventType": "e", "level": "ERROR", "message": f"{key.token} and {key.token[:40]}1 end", "metadata": {"x": key.token}}
    assert server.post("/log/client", line).status == 202
    wait_until(lambda: " end" in server.log(), 5, "the client's line")
    assert "[REDACTED:einion_key] and [REDACTED:einion_key] end" in server.log()
    assert key.token[18:40] not in server.log()


# ---- what it opens ----


def test_a_key_acts_as_its_owner(alice):
    agent = alice.make_agent()
    key = holder(alice)
    assert key.agents() == [agent]
    made = key.make_agent()
    assert alice.agents() == [agent, made]
    other = holder(somebody(alice.server))
    assert other.agents() == [] and other.get(f"/agents/{agent}").status == 404


@pytest.mark.parametrize("scheme", ["Bearer ", "bearer ", "BEARER  "])
def test_the_scheme_is_bearer(alice, scheme):
    token = make_key(alice)["key"]
    assert alice.server.get("/agents", headers={"Authorization": scheme + token}).status == 200


def test_clients_of_anthropics_api_send_it_as_x_api_key(alice):
    token = make_key(alice)["key"]
    foreign = {"Authorization": "Bearer sk-of-somebody"}
    assert alice.server.get("/agents", headers={"x-api-key": token}).status == 200
    assert alice.server.get("/agents", headers={"X-API-Key": token, **foreign}).status == 200
    assert refusal(alice.server.get("/agents", headers={"x-api-key": token[:-1]})) == (401, "key_unknown")
    for value in ("", "sk-ant-x", "Bearer " + token):
        reply = alice.server.get("/agents", headers={"x-api-key": value})
        assert reply.status == 401 and "key_" not in (reply.header("WWW-Authenticate") or "")


@pytest.mark.parametrize("value", ["null", "", "x", "eyJhbGciOiJub25lIn0.e30.", "ein_1234567890123456789012"])
def test_other_bearer_tokens_are_left_to_others(alice, value):
    reply = alice.server.get("/agents", headers={"Authorization": f"Bearer {value}"})
    assert reply.status == 401 and "key_" not in (reply.header("WWW-Authenticate") or "")
    assert alice.get("/agents", headers={"Authorization": f"Bearer {value}"}).status == 200


def test_a_key_does_what_its_scopes_say_and_no_more(alice):
    agent = alice.make_agent()
    body = {"name": "n", "description": "d", "code": "c"}
    for scope, allowed in [
        ("agents:read", {("GET", "/agents"), ("GET", f"/agents/{agent}"), ("GET", "/data-store/namespaces")}),
        ("agents:write", {("POST", "/agents"), ("PUT", f"/agents/{agent}")}),
        ("deployments:read", {("GET", "/deployments")}), ("admin:read", {("GET", KEYS)}), ("models:read", set()),
    ]:  # fmt: skip
        key = holder(alice, [scope])
        for method, path in [("GET", "/agents"), ("GET", f"/agents/{agent}"), ("GET", "/data-store/namespaces"),
                             ("POST", "/agents"), ("PUT", f"/agents/{agent}"), ("GET", "/deployments"),
                             ("GET", KEYS)]:  # fmt: skip
            reply = key.request(method, path, body if method in ("POST", "PUT") else None)
            if (method, path) in allowed:
                assert reply.status < 300, (scope, method, path, reply)
            else:
                assert reply.status == 403 and reply.detail.startswith("This credential lacks the scope"), (scope, path)


def test_a_key_has_its_owners_workspaces(room):
    tag = uuid.uuid4().hex[:8]
    alice, bob = somebody(room), somebody(room)
    alice.roles = bob.roles = {tag: "member"}
    agent = bob.make_agent(workspaceId=tag)
    key = holder(alice)
    assert key.agents() == [agent]
    assert key.put(f"/agents/{agent}", {"name": "x"}).status == 403

    # Gone for the owner, gone for the key, once the owner has been at their keys.
    alice.roles = {}
    assert alice.get(KEYS).status == 200
    assert key.agents() == []
    alice.roles = {tag: "admin"}
    make_key(alice)
    assert key.put(f"/agents/{agent}", {"name": "x"}).status == 200


def test_the_rights_of_a_site_admin_need_the_scope_too(room):
    agent = somebody(room).make_agent()
    root = somebody(room)
    root.site_admin = True
    assert agent in root.agents()
    assert holder(root, ["agents:read", "admin:read"]).get(f"/agents/{agent}").status == 404
    key = holder(root, ["agents:read", "admin"])
    assert key.get(f"/agents/{agent}").status == 200
    root.site_admin = False
    make_key(root)
    assert key.get(f"/agents/{agent}").status == 404


# ---- what it does not open ----


def test_a_key_that_is_wrong_anywhere_is_unknown(alice):
    key = make_key(alice)["key"]
    for at in range(len(key)):
        wrong = key[:at] + ("x" if key[at] != "x" else "y") + key[at + 1 :]
        reply = alice.server.get("/agents", headers={"Authorization": f"Bearer {wrong}"})
        assert reply.status == 401, at
        if at >= 5:
            assert refusal(reply) == (401, "key_unknown") and reply.detail == "This API key is not known."
    for wrong in (key[:-1], key + "0", key + " x", key + "\tx", "eink_", "eink_" + "0" * 5000, key[:17] + "_" + key[17:]):
        assert refusal(alice.server.get("/agents", headers={"Authorization": f"Bearer {wrong}"})) == (401, "key_unknown")


def with_check(text):
    number, check = zlib.crc32(text.encode()), ""
    for _ in range(6):
        number, digit = divmod(number, 62)
        check = DIGITS[digit] + check
    return text + check


def test_a_forged_key_with_a_good_check_is_unknown(alice):
    key = make_key(alice)["key"]
    assert alice.server.get("/agents", headers={"Authorization": f"Bearer {key}"}).status == 200
    for body in (key[:18] + "A" * 43, "eink_" + "A" * 12 + key[17:61], key[:60] + ("0" if key[60] != "0" else "1")):
        forged = with_check(body)
        assert len(forged) == len(key)
        assert refusal(alice.server.get("/agents", headers={"Authorization": f"Bearer {forged}"})) == (401, "key_unknown")


def test_a_key_expires(alice):
    key = holder(alice, expiresIn=1)
    lasting = holder(alice)
    wait_until(lambda: key.get("/agents").status == 401, 10, "the key to expire")
    reply = key.get("/agents")
    assert refusal(reply) == (401, "key_expired") and reply.detail == "This API key has expired."
    assert lasting.get("/agents").status == 200
    assert alice.get(f"{KEYS}/{key.id}").json["expiresAt"] == key.made["expiresAt"]


def test_a_revoked_key_is_refused_at_once(alice):
    key = holder(alice)
    assert key.get("/agents").status == 200  # it is held now
    reply = alice.delete(f"{KEYS}/{key.id}")
    assert (reply.status, reply.body) == (204, b"")
    reply = key.get("/agents")
    assert refusal(reply) == (401, "key_revoked") and reply.detail == "This API key has been revoked."
    assert alice.get(KEYS).json == []
    assert alice.get(f"{KEYS}/{key.id}").json == {"detail": f"Document '{key.id}' not found in 'api_keys'"}
    reply = alice.delete(f"{KEYS}/{key.id}")
    assert (reply.status, reply.detail) == (404, f"Document '{key.id}' not found for deletion.")


def test_a_key_is_refused_however_many_requests_are_under_way(alice):
    """No request that begins after the DELETE was answered gets in, whatever was being read then."""
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        for _ in range(10):
            key = holder(alice)
            hammer = [pool.submit(lambda: [key.get("/agents").status for _ in range(10)]) for _ in range(7)]
            assert alice.delete(f"{KEYS}/{key.id}").status == 204
            assert key.get("/agents").status == 401
            assert all(status in (200, 401) for future in hammer for status in future.result())
            assert key.get("/agents").status == 401


def test_another_server_refuses_it_when_it_is_not_held_there_any_more(start_server, postgres):
    def start(*sets):
        sets = [*ON, "plugins.storage-postgres.schema=keys", *sets]
        return start_server(backend="postgres", sets=sets, env={"DATABASE_URL": postgres()})

    one, other = start(), start("plugins.auth-api-key.cache_ms=100")
    alice = somebody(one)
    key = holder(alice)
    there = Bearer(other, key.token)
    assert key.get("/agents").status == there.get("/agents").status == 200
    assert alice.delete(f"{KEYS}/{key.id}").status == 204
    assert key.get("/agents").status == 401
    wait_until(lambda: there.get("/agents").status == 401, 10, "the other server to refuse it")
    assert refusal(there.get("/agents")) == (401, "key_revoked")


# ---- other people's ----


def test_keys_are_their_owners_alone(alice):
    key = make_key(alice)
    for other in (somebody(alice.server), Person(alice.server, "header:root", site_admin=True)):
        assert other.get(f"{KEYS}/{key['_id']}").json == {"detail": f"Document '{key['_id']}' not found in 'api_keys'"}
        reply = other.delete(f"{KEYS}/{key['_id']}")
        assert (reply.status, reply.detail) == (404, f"Document '{key['_id']}' not found for deletion.")
    assert alice.get(f"{KEYS}/{key['_id']}").status == 200


@pytest.mark.parametrize("key_id", ["x", "0" * 12, "x" * 600, "%00", "..%2F..", "'; --", "é" * 6])
def test_what_is_no_key_is_not_found(alice, key_id):
    for method in ("GET", "DELETE"):
        assert alice.request(method, f"{KEYS}/{key_id.replace(' ', '%20')}").status in (400, 404)


def test_an_admin_sees_and_revokes_them_all(room, alice):
    bob, admin = somebody(room), somebody(room, site_admin=True)
    key, child = holder(alice), None
    child = key.post(KEYS, {"name": "child", "scopes": ["agents:read"]}).json
    theirs = make_key(bob, name="bob's")
    listed = {one["_id"]: one for one in admin.get("/admin/keys").json}
    assert {key.id, child["_id"], theirs["_id"]} <= listed.keys()
    assert listed[theirs["_id"]]["userId"] == bob.uid and listed[theirs["_id"]]["name"] == "bob's"
    assert "key" not in listed[key.id] and "hash" not in str(listed)
    only = admin.get(f"/admin/keys?user_id={alice.uid}").json
    assert [one["_id"] for one in only] == [key.id, child["_id"]]
    page = admin.get(f"/admin/keys?user_id={alice.uid}&limit=1")
    assert len(page.json) == 1 and "next" in page.header("Link")
    for somebodys in (alice, key):
        assert somebodys.get("/admin/keys").status == somebodys.delete(f"/admin/keys/{theirs['_id']}").status == 403

    assert admin.delete(f"/admin/keys/{key.id}").status == 204
    assert refusal(key.get("/agents")) == (401, "key_revoked")
    assert alice.get(KEYS).json == [] and len(bob.get(KEYS).json) == 1
    assert admin.delete(f"/admin/keys/{key.id}").status == admin.delete("/admin/keys/x").status == 404


# ---- making them ----


@pytest.mark.parametrize(
    "body, loc",
    [
        ({"scopes": ["agents"]}, ["name"]), ({"name": "", "scopes": ["agents"]}, ["name"]),
        ({"name": "x" * 101, "scopes": ["agents"]}, ["name"]), ({"name": "a\nb", "scopes": ["agents"]}, ["name"]),
        ({"name": "n"}, ["scopes"]), ({"name": "n", "scopes": []}, ["scopes"]),
        ({"name": "n", "scopes": ["everything"]}, ["scopes", 0]), ({"name": "n", "scopes": ["agents:*"]}, ["scopes", 0]),
        ({"name": "n", "scopes": ["agents", "agents:delete"]}, ["scopes", 1]),
        ({"name": "n", "scopes": ["models"] * 17}, ["scopes"]), ({"name": "n", "scopes": None}, ["scopes"]),
        ({"name": "n", "scopes": ["agents"], "expiresIn": 0}, ["expiresIn"]),
        ({"name": "n", "scopes": ["agents"], "expiresIn": -5}, ["expiresIn"]),
        ({"name": "n", "scopes": ["agents"], "expiresIn": "soon"}, ["expiresIn"]),
        ({"name": "n", "scopes": ["agents"], "expiresIn": 10**12}, ["expiresIn"]),
    ],
)  # fmt: skip
def test_a_key_that_makes_no_sense_is_refused(alice, body, loc):
    reply = alice.post(KEYS, body)
    assert reply.status == 422 and reply.detail[0]["loc"] == ["body", *loc], reply
    assert alice.get(KEYS).json == []


def test_a_name_may_have_so_many_characters(alice):
    assert make_key(alice, name="é" * 100)["name"] == "é" * 100


def test_a_key_lives_so_long_at_most(alice):
    reply = alice.post(KEYS, {"name": "n", "scopes": ["agents"], "expires_in": 365 * 86400 + 1})
    assert (reply.status, reply.detail) == (422, "A key may live for 31536000 seconds at most.")
    assert make_key(alice, expiresIn=365 * 86400)["expiresAt"]


def test_a_key_may_live_for_ever_where_that_is_allowed(start_server):
    server = start_server(backend="memory", sets=[*ON, "plugins.auth-api-key.max_days=0"])
    key = holder(somebody(server))
    assert key.made["expiresAt"] is None and key.get("/agents").status == 200


def test_a_user_has_so_many_keys_and_no_more(start_server):
    server = start_server(sets=[*ON, "plugins.auth-api-key.keys_per_user=5"])
    alice = somebody(server)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        calls = [pool.submit(alice.post, KEYS, {"name": "n", "scopes": ["agents"]}) for _ in range(24)]
        statuses = sorted(call.result().status for call in calls)
    assert statuses.count(201) == len(alice.get(KEYS).json) <= 5
    while alice.post(KEYS, {"name": "n", "scopes": ["agents"]}).status == 201:
        pass
    keys = alice.get(KEYS).json
    assert len(keys) == 5
    reply = alice.post(KEYS, {"name": "n", "scopes": ["agents"]})
    assert (reply.status, reply.detail) == (409, "You have 5 API keys; 5 is the most there may be.")
    assert alice.delete(f"{KEYS}/{keys[0]['_id']}").status == 204
    assert make_key(alice)
    assert make_key(somebody(server))


def test_keys_are_listed_in_order_and_in_pages(alice):
    made = [make_key(alice, name=f"k{i}")["_id"] for i in range(5)]
    assert [key["_id"] for key in alice.get(KEYS).json] == made
    paged, path = [], f"{KEYS}?limit=2"
    while path:
        reply = alice.get(path)
        paged += [key["_id"] for key in reply.json]
        link = re.fullmatch(r'<([^>]+)>; rel="next"', reply.header("Link") or "")
        path = link[1] if link else None
    assert paged == made


# ---- keys that make keys ----


def test_a_key_cannot_make_more_of_itself_than_it_is(alice):
    key = holder(alice, ["admin:write", "admin:read", "agents"], expiresIn=600)
    for scopes in (["models"], ["agents", "deployments:run"], ["admin"], ["agent"]):
        assert key.post(KEYS, {"name": "n", "scopes": scopes}).status in (403, 422)
    reply = key.post(KEYS, {"name": "n", "scopes": ["agents:read"], "expiresIn": 601})
    assert (reply.status, reply.detail) == (403, "A key cannot make one that outlives it.")

    child = holder(key, ["agents:read"])
    assert child.made["madeBy"] == key.id and child.made["expiresAt"] == key.made["expiresAt"]
    assert holder(key, ["agents"], expiresIn=5).made["expiresAt"] < key.made["expiresAt"]
    assert child.get("/agents").status == 200 and child.get(KEYS).status == 403


def test_what_a_key_has_made_goes_with_it(alice):
    scopes = ["admin:write", "admin:read", "agents:read"]
    parent, stays = holder(alice, scopes), holder(alice, scopes)
    child = holder(parent, scopes)
    grandchild = holder(child, scopes)
    assert grandchild.get("/agents").status == 200
    assert alice.delete(f"{KEYS}/{parent.id}").status == 204
    for key in (parent, child, grandchild):
        assert refusal(key.get("/agents")) == (401, "key_revoked")
    assert [key["_id"] for key in alice.get(KEYS).json] == [stays.id]


def test_a_key_that_is_being_revoked_leaves_no_child(alice):
    scopes = ["admin:write", "admin:read", "agents:read"]
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        for _ in range(10):
            parent = holder(alice, scopes)
            calls = [pool.submit(parent.post, KEYS, {"name": "n", "scopes": scopes}) for _ in range(3)]
            assert alice.delete(f"{KEYS}/{parent.id}").status == 204
            for call in calls:
                reply = call.result()
                assert reply.status in (201, 401, 403, 409), reply
                if reply.status == 201:
                    assert Bearer(alice.server, reply.json["key"]).get("/agents").status == 401
    assert alice.get(KEYS).json == []


def test_a_key_can_revoke_itself(alice):
    key = holder(alice)
    assert key.delete(f"{KEYS}/{key.id}").status == 204
    assert refusal(key.get("/agents")) == (401, "key_revoked")


# ---- when it was used ----


def test_its_last_use_is_written_later(alice):
    key, idle = holder(alice), holder(alice)
    assert key.get("/agents").status == 200
    wait_until(lambda: alice.get(f"{KEYS}/{key.id}").json["lastUsedAt"], 10, "the use to be written")
    used = alice.get(f"{KEYS}/{key.id}").json["lastUsedAt"]
    assert TIME.fullmatch(used) and used >= key.made["createdAt"]
    for _ in range(20):
        key.get("/agents")
    assert alice.get(f"{KEYS}/{key.id}").json["lastUsedAt"] == used
    assert alice.get(f"{KEYS}/{idle.id}").json["lastUsedAt"] is None


# ---- what becomes of its owner ----


class Provider:
    """A server on which providers are asked again with every request."""

    def __init__(self, start_server, tmp_path, **settings):
        self.file = tmp_path / "people.json"
        self.people = {}
        settings = {"cache_ms": 0, "recheck_ms": 0, **settings}
        sets = [f"plugins.auth-api-key.{name}={value}" for name, value in settings.items()]
        self.server = start_server(sets=[*ON, f"plugins.auth-header.people={self.file}", *sets])

    def says(self, person, claims):
        self.people[person.uid] = claims
        self.file.write_text(json.dumps(self.people))


def test_a_workspace_that_the_provider_takes_away_is_gone_for_the_key(start_server, tmp_path):
    provider = Provider(start_server, tmp_path)
    alice, bob = somebody(provider.server), somebody(provider.server, team="admin")
    agent = bob.make_agent(workspaceId="team")
    alice.roles = {"team": "member", "other": "member"}
    key = holder(alice)
    assert key.agents() == [agent]
    provider.says(alice, {"uid": alice.uid, "workspaces": [{"id": "other"}]})
    wait_until(lambda: key.agents() == [], 10, "the workspace to go")
    provider.says(alice, {"uid": alice.uid, "workspaces": [{"id": "team", "role": "admin"}]})
    wait_until(lambda: key.agents() == [agent], 10, "the workspace to come back")
    assert key.put(f"/agents/{agent}", {"name": "by the new admin"}).status == 200


def test_a_provider_speaks_of_nobody_else_and_gives_no_personal_workspace(start_server, tmp_path):
    provider = Provider(start_server, tmp_path)
    alice, bob = somebody(provider.server, team="member"), somebody(provider.server, **{"personal_bob": "admin"})
    bobs = bob.make_agent(workspaceId="personal:bob")
    agent = alice.make_agent(workspaceId="team")
    key = holder(alice)
    provider.says(alice, {"uid": bob.uid, "workspaces": []})
    for _ in range(10):
        assert key.agents() == [agent]
    workspaces = [{"id": "personal:bob", "role": "admin"}, {"id": "seen"}, {"role": "admin"}, 7]
    provider.says(alice, {"uid": alice.uid, "workspaces": workspaces})
    wait_until(lambda: key.agents() == [], 10, "the workspace to go")
    assert key.get(f"/agents/{bobs}").status == 404


def test_who_is_in_no_workspace_any_more_has_no_keys(start_server, tmp_path):
    provider = Provider(start_server, tmp_path)
    alice, root = somebody(provider.server, team="member"), somebody(provider.server, team="member")
    root.site_admin = True
    key, roots = holder(alice), holder(root)
    for person in (alice, root):
        provider.says(person, {"uid": person.uid, "workspaces": []})
    wait_until(lambda: key.get("/agents").status == 401, 10, "the key to be locked")
    for _ in range(10):
        assert refusal(key.get("/agents")) == (401, "key_revoked")
        assert roots.get("/agents").status == 200
    provider.says(alice, {"uid": alice.uid, "workspaces": [{"id": "new"}]})
    wait_until(lambda: key.get("/agents").status == 200, 10, "the key to open again")


def test_a_provider_that_is_down_changes_nothing(start_server, tmp_path):
    provider = Provider(start_server, tmp_path)
    alice = somebody(provider.server, team="member")
    agent = alice.make_agent(workspaceId="team")
    key = holder(alice)
    provider.says(alice, "down")
    for _ in range(20):
        assert key.agents() == [agent]


def test_who_may_not_log_in_any_more_has_no_keys(start_server, tmp_path):
    provider = Provider(start_server, tmp_path)
    alice = somebody(provider.server)
    key, other = holder(alice), holder(somebody(provider.server))
    provider.says(alice, "denied")
    wait_until(lambda: key.get("/agents").status == 401, 10, "the key to be locked")
    reply = key.get("/agents")
    assert refusal(reply) == (401, "key_revoked")
    assert reply.detail == "The owner of this API key may not log in any more."
    assert other.get("/agents").status == 200
    assert f"the API keys of {alice.uid} are locked" in provider.server.log()

    provider.says(alice, {"uid": alice.uid, "workspaces": []})
    assert alice.get(KEYS).status == 200  # they are back
    assert key.get("/agents").status == 200


def test_what_nobody_confirms_lapses(start_server, tmp_path):
    provider = Provider(start_server, tmp_path, unconfirmed_hours=0)
    alice = somebody(provider.server, team="member")
    alice.site_admin = True
    shared, own = alice.make_agent(workspaceId="team"), alice.make_agent()
    stranger = somebody(provider.server).make_agent()
    key = holder(alice, ["agents", "agents:read", "admin"])
    assert key.agents() == [own]
    assert key.get(f"/agents/{shared}").status == key.get(f"/agents/{stranger}").status == 404


def test_a_personal_workspace_stays(start_server, tmp_path):
    provider = Provider(start_server, tmp_path, unconfirmed_hours=0)
    alice = somebody(provider.server)
    personal = {"id": f"personal:{alice.uid}", "role": "admin", "source": "auto_personal"}
    identity = {"uid": alice.uid, "provider": "header", "workspaces": [personal, {"id": "t", "role": "admin"}]}
    headers = {"X-Test-Identity": json.dumps(identity)}
    body = {"name": "n", "description": "d", "code": "c"}
    mine = provider.server.post("/agents", {**body, "workspaceId": personal["id"]}, headers=headers).json["_id"]
    provider.server.post("/agents", {**body, "workspaceId": "t"}, headers=headers)
    made = provider.server.post(KEYS, {"name": "n", "scopes": ["agents:read"]}, headers=headers).json
    assert Bearer(provider.server, made["key"]).agents() == [mine]
    provider.says(alice, {"uid": alice.uid, "workspaces": [{"id": "t"}]})
    for _ in range(5):
        assert Bearer(provider.server, made["key"]).agents() == [mine]


# ---- where nobody logs in ----


def test_without_logins_there_are_no_keys(sqlite_server):
    assert sqlite_server.get(KEYS).status == 404
    key = "Bearer eink_" + "0" * 12 + "_" + "0" * 49
    assert sqlite_server.get("/agents", headers={"Authorization": key}).status == 200


def test_enabled_without_logins_it_lets_nobody_in(start_server):
    server = start_server(backend="memory", sets=["plugins.auth-api-key.enabled=true"])
    assert server.get("/agents").status == server.post(KEYS, {"name": "n", "scopes": ["agents"]}).status == 401
    assert server.get("/health").status == 200


def test_a_key_is_made_once_and_kept_nowhere(start_server):
    """Idempotency-Key: an answer that shows a secret is not kept to be given again."""
    server = start_server(backend="sqlite", sets=ON, ready=True)
    alice = somebody(server)
    make = lambda key: alice.post(KEYS, {"name": "ci", "scopes": ALL}, headers={"Idempotency-Key": key})  # noqa: E731
    made, again = make("k"), make("k")
    assert made.status == 201
    assert (again.status, again.detail) == (422, "The first request with this Idempotency-Key was answered, but the answer is "
                                                 "not kept: it was a secret, which is shown once.")  # fmt: skip
    assert [key["_id"] for key in alice.get(KEYS).json] == [made.json["_id"]]
    assert make("l").status == 201
    server.stop()
    stored = b"".join(file.read_bytes() for file in server.state.rglob("*") if file.is_file())
    assert b"which is shown once" in stored and made.json["key"].encode() not in stored
