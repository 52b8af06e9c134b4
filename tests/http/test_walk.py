# SPDX-License-Identifier: Apache-2.0
"""Every route that there is, tried by those who are not to get in.

The routes come from the server itself: one that is added is walked from then on, and a path
parameter that is new fails the walk until it is said here whose object it names.
"""

import json
import re

import pytest
from chats import ask, ended
from people import ECHO, Bearer, Person, room
from support import wait_until

KEYS = "/users/me/keys"
MARK = "alices-own-7d1f"  # in everything that is Alice's
FAMILIES = ("models", "agents", "deployments", "admin")

# Needs nobody; all else needs somebody.
PUBLIC = re.compile(
    r"/|/(health|livez|readyz|metrics|docs|openapi\.json|log/client)"
    r"|/auth/(providers|logout|dev-stub-picker|login/.*|callback/.*)"
    r"|/\.well-known/.*"
)
# What the caller names is the caller's, or nothing: 2xx, and neither tells nor changes anything of Alice's.
OWN = re.compile(r"/users/me(?!/keys/).*|/auth/.*|/data-store/namespaces/.*|/sessions/.*")
# The answers that the API promises whether or not there is such an agent.
ANYWAY = {"undeploy_agent": 204, "get_agent_chain": 200}
# Open to a key whatever its scopes.
ANY_SCOPE = re.compile(r"/auth/(me|refresh-workspaces)")


# Members of bodies without a limit in their schema: a setting is theirs, or that of the body, or they are cut.
LONG = re.compile(
    r"/(agents|demos).* (name|friendlyName|description|docstring|code|userPrompt|generatedCode\.(html|css|js))"
    r"|/agents.* swaggerSpecs\.content|/specs/operations content|/chat messages|/log/client (eventType|message|level)"
)


class Walk:
    """A server with things of Alice's on it, and its routes."""

    def __init__(self, server):
        self.server = server
        self.alice, self.bob = Person(server, "header:alice"), Person(server, "header:bob")
        agent = self.alice.make_agent(name=MARK, code=ECHO + f"# {MARK}", friendlyName=MARK)
        assert self.alice.post(f"/agents/{agent}/deploy").status == 201
        config = {"provider": "openai", "model": MARK, "parameters": {}}
        assert self.alice.post(f"/sessions/{MARK}/config", config).status == 200
        assert self.alice.put(f"/data-store/namespaces/{MARK}/records/k", {"value": f"value {MARK}"}).status == 200
        key = self.alice.post(KEYS, {"name": MARK, "scopes": ["agents"]}).json
        ticket = ask(self.alice, {"text": f"answer {MARK}"})
        ended(self.alice, ticket)
        response = self.alice.post("/v1/responses", {"model": f"gofannon/{MARK}", "input": MARK}).json["id"]
        run = self.alice.post(f"/rest/{MARK}", {"said": MARK}).header("X-Einion-Run-Id")
        wait_until(lambda: self.alice.get("/runs?status=completed").json, 20, "the record of a run")
        secret = f"/agents/{agent}/secrets/MARK_SECRET"
        assert self.alice.put(secret, {"value": f"secret {MARK}"}).status == 204
        written = {"html": "", "css": "", "js": f"// {MARK}", "thoughts": None}
        demo = {"name": MARK, "selectedApis": [], "modelConfig": config, "userPrompt": "", "generatedCode": written}
        demo = self.alice.post("/demos", demo).json["_id"]
        self.params = {
            "agent_id": agent, "run_id": run, "friendly_name": MARK, "session_id": MARK, "namespace": MARK, "key": "k",
            "key_id": key["_id"], "provider": "openai", "user_id": self.alice.uid, "type": "dev_stub",
            "model": MARK, "ticket_id": ticket, "response_id": response, "version": "1",
            "name": "MARK_SECRET", "demo_id": demo, "workspace_id": MARK,
        }  # fmt: skip
        self.contents = [f"value {MARK}", f"# {MARK}", key["key"], key["key"][18:]]
        self.secrets = [MARK, agent, demo, key["_id"], ticket, response, run, *self.contents]
        self.routes = list(self.read_routes())

    def read_routes(self):
        for path, methods in self.server.get("/openapi.json").json["paths"].items():
            for method, operation in methods.items():
                body = operation.get("requestBody", {}).get("content", {}).get("application/json")
                yield method.upper(), path, operation, None if body is None else example(body["schema"])

    def url(self, path):
        return re.sub(r"\{(\w+)\}", lambda match: self.params[match[1]].replace(":", "%3A"), path)

    def call(self, person, route):
        method, path, _, body = route
        reply = person.request(method, self.url(path), body)
        assert reply.status < 500, (method, path, reply)
        return reply

    def guarded(self):
        return [route for route in self.routes if not PUBLIC.fullmatch(route[1])]

    def belongings(self):
        """All that Alice has, as she sees it."""
        a, p = self.alice, self.params
        urls = [f"/agents/{p['agent_id']}", f"/agents/{p['agent_id']}/deployment", f"/agents/{p['agent_id']}/versions",
                f"/agents/{p['agent_id']}/versions/1", f"/agents/{p['agent_id']}/secrets", f"/sessions/{MARK}/config",
                f"/data-store/namespaces/{MARK}/records/k", "/agents", "/deployments", "/data-store/namespaces", KEYS,
                f"/chat/{p['ticket_id']}", f"/v1/responses/{p['response_id']}", f"/demos/{p['demo_id']}", "/demos"]  # fmt: skip
        return [a.get(url).json for url in urls]


def example(schema):
    """The smallest value that fits."""
    kind = schema.get("type", "object")
    kind = kind[0] if isinstance(kind, list) else kind
    if "enum" in schema:
        return schema["enum"][0]
    if kind == "object":
        return {name: example(schema["properties"][name]) for name in schema.get("required", [])}
    if kind == "array":
        return [example(schema["items"])] if schema.get("minItems") else []
    if "pattern" in schema and "agents" in schema["pattern"]:
        return "agents:read"
    return {"string": "x", "integer": 1, "number": 1, "boolean": True}[kind]


@pytest.fixture(scope="module")
def walk(postgres):
    with room("memory", postgres, ["plugins.auth-api-key.enabled=true"], ready=True) as server:
        yield Walk(server)


@pytest.fixture
def unchanged(walk):
    before = walk.belongings()
    assert before[4] and before[5] and before[7]
    yield
    assert walk.belongings() == before, "a walk has changed what is Alice's"


class Sender(Person):
    """Whoever sends these headers."""

    headers = None

    def __init__(self, server, headers):
        super().__init__(server, None)
        self.headers = headers


def key_of(person, scopes, **more):
    reply = person.post(KEYS, {"name": "k", "scopes": scopes, **more})
    assert reply.status == 201, reply
    return Bearer(person.server, reply.json["key"]), reply.json["_id"]


def test_the_walk_knows_every_parameter(walk):
    named = {name for route in walk.routes for name in re.findall(r"\{(\w+)\}", route[1])}
    assert named <= set(walk.params), "say in test_walk.py what of Alice's these name"
    assert len(walk.guarded()) >= 20


def test_what_needs_nobody_is_a_short_list(walk):
    """A route without a lock is no accident."""
    for method, path, operation, _ in walk.routes:
        assert operation["security"] or PUBLIC.fullmatch(path), (method, path)


def unlimited(schema, place):
    """Where in `schema`, that of `place`, texts and lists are that may be as long as anybody likes."""
    kinds = schema.get("type", [])
    limits = {"string": {"maxLength", "enum", "pattern"}, "array": {"maxItems"}}.items()
    if any(kind in kinds and not keywords & set(schema) for kind, keywords in limits):
        yield place
    for member, inner in schema.get("properties", {}).items():
        yield from unlimited(inner, f"{place}.{member}" if place else member)
    for inner in (schema.get("items"), schema.get("additionalProperties")):
        if isinstance(inner, dict):
            yield from unlimited(inner, place)


def test_every_text_and_list_of_a_body_has_a_limit(walk):
    """A name of 9 MB is no name: say maxLength or maxItems in the schema.  /v1 and /mcp read their bodies themselves."""
    for method, path, operation, _ in walk.routes:
        body = operation.get("requestBody", {}).get("content", {}).get("application/json")
        if body and not re.match("/v1/|/mcp$", path):
            found = [place for place in unlimited(body["schema"], "") if not LONG.fullmatch(f"{path} {place}")]
            assert not found, (method, path)
    long = walk.alice.post("/sessions/long/config", {"provider": "p", "model": "m" * 9_000_000, "parameters": {}})
    assert (long.status, long.detail[0]["loc"]) == (422, ["body", "model"]) and len(long.body) < 1000


def test_the_owner_is_let_in(walk):
    """The walk would be worth nothing if these calls were refused to everybody."""
    for route in walk.guarded():
        if route[0] == "GET" and re.match(r"/(agents|deployments|data-store|sessions|chat|demos|users/me/keys)", route[1]):
            assert walk.call(walk.alice, route).status == 200, route[:2]


def test_who_has_an_etag_may_be_answered_304_and_says_so(walk):
    tagged = 0
    for method, path, operation, _ in walk.routes:
        if method != "GET" or "text/html" in operation["responses"].get("200", {}).get("content", {}):
            continue
        reply = walk.call(walk.alice, (method, path, operation, None))
        tag = reply.header("ETag") if reply.status == 200 else None
        if tag:
            again = walk.alice.get(walk.url(path), headers={"If-None-Match": f'"other", {tag}'})
            assert (again.status, again.body) == (304, b"") and "304" in operation["responses"], path
            tagged += 1
    assert tagged >= 6


@pytest.mark.parametrize(
    "headers",
    [{}, {"Authorization": "Bearer null"}, {"Authorization": "Bearer x.y.z"}, {"Authorization": "Basic YTpi"},
     {"Cookie": "gofannon_sid=" + "A" * 43}, {"X-Admin-Password": "admin"}, {"X-Forwarded-For": "127.0.0.1"}],
    ids=lambda headers: " ".join(headers) or "nothing",
)  # fmt: skip
def test_a_stranger_gets_nowhere(walk, unchanged, headers):
    stranger = Sender(walk.server, headers)
    for route in walk.guarded():
        reply = walk.call(stranger, route)
        assert reply.status in (401, 403), (route[:2], reply)
        assert not any(secret in reply.text for secret in walk.secrets), route[:2]


def refused_everywhere(walk, person, reason):
    for route in walk.guarded():
        reply = walk.call(person, route)
        if route[1].startswith("/admin"):
            assert reply.status in (401, 403), (route[:2], reply)
            continue
        assert reply.status == 401, (route[:2], reply)
        assert f'reason="{reason}"' in reply.header("WWW-Authenticate"), route[:2]


def every_scope():
    return [f"{family}{verb}" for family in FAMILIES for verb in (":read", ":write", ":run")]


def test_an_expired_key_opens_nothing(walk, unchanged):
    key, key_id = key_of(walk.alice, every_scope(), expiresIn=1)
    wait_until(lambda: key.get("/agents").status == 401, 10, "the key to expire")
    refused_everywhere(walk, key, "key_expired")
    assert walk.alice.delete(f"{KEYS}/{key_id}").status == 204


def test_a_revoked_key_opens_nothing(walk, unchanged):
    key, key_id = key_of(walk.alice, every_scope())
    assert key.get("/agents").status == 200
    assert walk.alice.delete(f"{KEYS}/{key_id}").status == 204
    refused_everywhere(walk, key, "key_revoked")


def test_an_unknown_key_opens_nothing(walk, unchanged):
    refused_everywhere(walk, Bearer(walk.server, "eink_" + "0" * 12 + "_" + "0" * 49), "key_unknown")


def lacks(reply, route):
    """Refused for want of a scope; administrators' routes ask for more before that."""
    return reply.detail.startswith("This credential lacks the scope") or route[1].startswith("/admin")


def test_every_route_is_closed_to_keys_of_other_scopes(walk, unchanged):
    """Bob's keys, so that the one that fits finds nothing either."""
    keys = [key_of(walk.bob, [f"{family}{verb}" for verb in (":read", ":write", ":run")])[0] for family in FAMILIES]
    for route in walk.guarded():
        replies = [walk.call(key, route) for key in keys]
        refused = [reply for reply in replies if reply.status == 403 and lacks(reply, route)]
        assert len(refused) >= 3 or ANY_SCOPE.fullmatch(route[1]), (route[:2], replies)


def test_somebody_else_finds_nothing(walk, unchanged):
    carol = Person(walk.server, "header:carol")  # nothing has her name yet
    for route in walk.guarded():
        method, path, operation, _ = route
        reply = walk.call(carol, route)
        if path.startswith("/admin"):
            assert reply.status in (401, 403), (route[:2], reply)
        elif operation["operationId"] in ANYWAY:
            assert reply.status == ANYWAY[operation["operationId"]], (route[:2], reply)
        elif "{" in path and not OWN.fullmatch(path):
            assert reply.status == 404, (route[:2], reply)
        named = "{" in path or operation["operationId"] == "export_me"
        told = walk.contents if named else walk.secrets  # what is in the path may come back, and has been kept as hers
        assert not any(secret in reply.text for secret in told), (route[:2], reply)
