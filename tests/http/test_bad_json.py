# SPDX-License-Identifier: Apache-2.0
"""Bodies that are no JSON, too much of it, or of the wrong types."""

import json

import pytest
from support import SCALE, Person, Server, logins

HEADERS = {"Content-Type": "application/json"}
RECORD = "/data-store/namespaces/bad-json/records/k"
LOG = {"eventType": "e", "message": "m"}


@pytest.fixture(autouse=True)
def afterwards_it_is_well(sqlite_server):
    yield
    assert sqlite_server.healthy()


def post(server, path, body, **options):
    return server.post(path, body=body, headers=HEADERS, **options)


def json_fault(text):
    """Where and why CPython's decoder refuses it: the words clients of this API know."""
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        return error.pos, error.msg
    raise AssertionError(f"{text!r} is JSON")


MALFORMED = [
    "{nope", "{", "}", "[", "]", "{]", "[}", '{"a"', '{"a":', '{"a":1', '{"a":1,', '{"a":1,}', '{"a" 1}',
    '{"a":1 "b":2}', "[1,", "[1,]", "[1 2]", '"', '"abc', '"\\', '"\\x"', '"\\u12"', '"\\u12zz"', '"a\nb"',
    '"a\tb"', "tru", "nul", "fals", "True", "None", "'a'", "01", "1.", "1e", "-", "+1", ".5", "1 2", "{} {}",
    "{}x", "// c\n{}", "/* */{}", '{"a":1}}', " ", "\n\t", '{1:2}', '{"é', '{"é":é}', "abc", "\ufeff{}",
]  # fmt: skip


@pytest.mark.parametrize("text", MALFORMED)
def test_malformed_json_is_answered_with_its_place(sqlite_server, text):
    if text.startswith("\ufeff"):
        place, why = None, None
    else:
        place, why = json_fault(text)
    reply = post(sqlite_server, "/log/client", text.encode())
    assert reply.status == 422
    (fault,) = reply.detail
    assert fault["type"] == "json_invalid" and fault["msg"] == "JSON decode error"
    if why:
        assert (fault["loc"], fault["ctx"]) == (["body", place], {"error": why})


def test_no_prefix_of_a_body_is_taken_for_the_body(sqlite_server):
    whole = json.dumps(LOG | {"metadata": {"a": [1, -2.5e3, None, True, "é\\u00e9\\n"]}}, ensure_ascii=False).encode()
    for length in range(1, len(whole)):
        reply = post(sqlite_server, "/log/client", whole[:length])
        assert reply.status == 422 and reply.detail[0]["type"] == "json_invalid", whole[:length]
    assert post(sqlite_server, "/log/client", whole).status == 202


@pytest.mark.parametrize("opener, closer", [("[", "]"), ('{"a":', "}"), ('[{"a":', "}]")])
@pytest.mark.parametrize("depth", [65, 1000, 100_000, 1_000_000])
def test_deep_json_is_refused(sqlite_server, opener, closer, depth):
    text = opener * depth + "1" + closer * depth
    reply = sqlite_server.put(RECORD, body=text.encode(), headers=HEADERS)
    assert reply.status == 422 and reply.detail[0]["type"] == "json_invalid", reply
    assert "esting" in reply.detail[0]["ctx"]["error"]


def test_deep_json_that_never_closes_is_refused(sqlite_server):
    reply = sqlite_server.put(RECORD, body=b"[" * 1_000_000, headers=HEADERS)
    assert reply.status == 422 and len(reply.body) < 1000


def test_nesting_within_the_limit_is_kept(sqlite_server):
    value = 1
    for _ in range(60):
        value = [value]
    path = "/data-store/namespaces/deep/records/k"
    assert sqlite_server.put(path, {"value": value}).json["value"] == value
    assert sqlite_server.get(path).json["value"] == value


@pytest.mark.parametrize(
    "text", ['{"message":"a","eventType":"e","message":"b"}', '{"eventType":"e","message":"m","metadata":{"a":1,"a":2}}']
)
def test_duplicate_names_are_refused(sqlite_server, text):
    reply = post(sqlite_server, "/log/client", text.encode())
    assert reply.status == 422 and reply.detail[0]["type"] == "json_invalid", reply


NOT_TEXT = {
    "a stray continuation": b"\x80",
    "a lone lead byte": b"\xc3",
    "an overlong slash": b"\xc0\xaf",
    "an overlong NUL": b"\xc0\x80",
    "a surrogate in UTF-8": b"\xed\xa0\x80",
    "beyond Unicode": b"\xf4\x90\x80\x80",
    "Latin-1": b"caf\xe9",
    "0xff": b"\xff",
    "a truncated emoji": b"\xf0\x9f\x98",
    "a raw NUL": b"\x00",
    "an escaped NUL": b"\\u0000",
    "a lone high surrogate": b"\\ud800",
    "a lone low surrogate": b"\\udc00",
    "surrogates the wrong way round": b"\\udc00\\ud800",
    "a high surrogate before a letter": b"\\ud83da",
}


@pytest.mark.parametrize("what", NOT_TEXT)
@pytest.mark.parametrize("place", ["value", "name"])
def test_what_is_no_text_is_refused(sqlite_server, what, place):
    template = b'{"eventType":"e","message":"%s"}' if place == "value" else b'{"eventType":"e","message":"m","x%s":1}'
    reply = post(sqlite_server, "/log/client", template % NOT_TEXT[what])
    assert reply.status == 422 and reply.detail[0]["type"] == "json_invalid", reply


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32", "utf-8-sig"])
def test_other_encodings_are_refused(sqlite_server, encoding):
    reply = post(sqlite_server, "/log/client", json.dumps(LOG).encode(encoding))
    assert reply.status == 422 and reply.detail[0]["type"] == "json_invalid", reply


@pytest.mark.parametrize("text", ["\U0001f600", "\\ud83d\\ude00", "\\u2028", "e\u0301", "\u200b", "\ufffd", "\x7f"])
def test_what_is_text_is_kept(sqlite_server, text):
    path = "/data-store/namespaces/text/records/k"
    body = ('{"value":"%s"}' % text).encode()
    assert sqlite_server.put(path, body=body, headers=HEADERS).status == 200
    assert sqlite_server.get(path).json["value"] == json.loads(f'"{text}"')


NUMBERS = ["1e400", "-1e400", "NaN", "Infinity", "-Infinity", "9" * 400, "0." + "9" * 5000]


@pytest.mark.parametrize("number", NUMBERS, ids=lambda number: number[:12])
def test_a_number_no_machine_holds_is_refused_or_kept_but_never_breaks_a_reply(sqlite_server, number):
    path = "/data-store/namespaces/numbers/records/k"
    reply = sqlite_server.put(path, body=b'{"value":%s}' % number.encode(), headers=HEADERS)
    assert reply.status in (200, 422), reply
    json.loads(reply.body, parse_constant=lambda name: pytest.fail(f"{name} in a reply"))
    if reply.status == 200:
        assert sqlite_server.get(path).json["value"] == reply.json["value"]


def test_a_body_over_the_limit_is_413(start_server):
    server = start_server(backend="memory", sets=["limits.body_bytes=100000"])
    path = "/data-store/namespaces/n/records/k"
    assert server.put(path, {"value": "v" * 90_000}).status == 200
    for size in (100_001, 110_000, 1_000_000, 5_000_000):
        reply = server.put(path, body=b" " * size, headers=HEADERS)
        assert reply.status == 413 and isinstance(reply.detail, str), size
    chunked = b"".join(b"%x\r\n%s\r\n" % (60_000, b" " * 60_000) for _ in range(3)) + b"0\r\n\r\n"
    reply = server.put(path, body=chunked, headers=HEADERS | {"Transfer-Encoding": "chunked"})
    assert reply.status == 413
    assert server.healthy()


def test_a_compressed_body_is_415(sqlite_server):
    reply = sqlite_server.put(RECORD, body=b"\x1f\x8b", headers=HEADERS | {"Content-Encoding": "gzip"})
    assert reply.status == 415 and "Content-Encoding" in reply.detail
    assert reply.header("Accept-Encoding") == "identity"
    assert sqlite_server.put(RECORD, body=b'{"value": 1}', headers=HEADERS | {"Content-Encoding": "identity"}).status == 200


def test_a_code_of_5_mb_is_kept_where_that_is_allowed(start_server):
    code = "async def run(input_dict, tools):\n    return 1\n" + "# ├ filler\n" * 450_000
    agent = {"name": "large", "description": "d", "code": code}
    assert len(code.encode()) > 5_000_000

    reply = start_server().post("/agents", agent)
    assert reply.status == 413 and "code" in reply.detail
    server = start_server(sets=["plugins.agents.code_max_bytes=6000000"])
    reply = server.post("/agents", agent)
    assert reply.status == 201
    url = f"/agents/{reply.json['_id']}"
    assert server.get(url).json["code"] == code
    assert server.delete(url).status == 204


@pytest.mark.parametrize("path", ["/agents/{}", "/sessions/{}/config", "/data-store/namespaces/{}", "/rest/{}"])
def test_an_id_of_10_kb_is_answered_clearly(sqlite_server, path):
    for letter in ("a", "%C3%A9", "%2F"):
        reply = sqlite_server.get(path.format(letter * (10_000 // len(letter))))
        assert reply.status in (404, 405, 414, 422), reply
        assert len(reply.body) < 20_000


def test_an_id_of_10_kb_in_a_body_is_answered_clearly(agent_server):
    body = {"code": "async def run(input_dict, tools):\n    return 1", "inputDict": {}, "tools": {}}
    reply = agent_server.post("/agents/run-code", body | {"gofannonAgents": ["x" * 10_000]})
    assert reply.status == 422 and reply.detail[0]["loc"] == ["body", "gofannonAgents", 0] and len(reply.body) < 20_000
    reply = agent_server.post("/agents/run-code", body | {"gofannonAgents": ["x" * 256]})
    assert reply.status == 200
    assert reply.json["error"] == "ValueError: Could not load one or more dependent Gofannon agents."


# ---- wrong types, everywhere ----

WRONG = {
    "string": [1, 1.5, True, [], {}, ["a"]],
    "integer": ["x", [], {}, 1.5],
    "number": ["x", [], {}],
    "boolean": ["maybe", 7, [], {}],
    "array": ["x", 1, True, {}],
    "object": ["x", 1, True, [], [1]],
}


def types_of(schema):
    kinds = schema.get("type", [])
    return [kinds] if isinstance(kinds, str) else list(kinds)


def expand(schema, document):
    while "$ref" in schema:
        node = document
        for part in schema["$ref"].removeprefix("#/").split("/"):
            node = node[part]
        schema = node
    return schema


def example(schema, document):
    """The smallest value that fits the schema."""
    schema = expand(schema, document)
    if "enum" in schema:
        return schema["enum"][0]
    if "anyOf" in schema:
        return example(schema["anyOf"][0], document)
    kind = (types_of(schema) or ["null"])[0]
    if kind == "object":
        needed = schema.get("required", [])
        return {name: example(schema["properties"][name], document) for name in needed}
    return {"string": "x", "integer": 1, "number": 1, "boolean": True, "array": [], "null": None}[kind]


def wrong_bodies(schema, document, depth=0):
    """(path in the body, a body wrong in that one place) for each property, however deep."""
    schema = expand(schema, document)
    whole = example(schema, document)
    for name, part in schema.get("properties", {}).items():
        part = expand(part, document)
        kinds = types_of(part)
        if kinds and "anyOf" not in part:
            bad = WRONG[kinds[0]] + ([] if "null" in kinds else [None])
            for value in bad:
                yield [name], whole | {name: value}
        if depth < 4 and "object" in kinds:
            for path, inner in wrong_bodies(part, document, depth + 1):
                yield [name, *path], whole | {name: inner}
        if depth < 4 and "array" in kinds and "items" in part:
            items = expand(part["items"], document)
            for value in WRONG.get((types_of(items) or [""])[0], []):
                yield [name, 0], whole | {name: [value]}
            for path, inner in wrong_bodies(items, document, depth + 1):
                yield [name, 0, *path], whole | {name: [inner]}


ADMIN = {"X-Admin-Password": "pw"}


@pytest.fixture(scope="module")
def open_server():
    """One that lets whoever has the password do everything."""
    with Server(env={"ADMIN_PANEL_ENABLED": "true", "ADMIN_PANEL_PASSWORD": "pw"}) as server:
        yield server.start()


def body_routes(server):
    document = server.get("/openapi.json").json
    for path, methods in document["paths"].items():
        if path.startswith("/v1/") or path == "/mcp":
            continue  # these read their bodies themselves, and answer in the words of the API they speak
        for method, operation in methods.items():
            if body := operation.get("requestBody"):
                schema = body["content"].get("application/json", {}).get("schema")
                if schema:
                    yield method.upper(), path, schema, document


def test_every_route_refuses_every_wrong_type(open_server):
    tried = routes = 0
    for method, path, schema, document in body_routes(open_server):
        url = path.replace("{", "").replace("}", "")
        routes += 1
        for place, body in wrong_bodies(schema, document):
            reply = open_server.request(method, url, body, headers=ADMIN)
            assert reply.status == 422, f"{method} {url} {body} -> {reply}"
            places = [fault["loc"][1 : 1 + len(place)] for fault in reply.detail]
            assert place in places, f"{method} {url} {body}: {place} is not in {places}"
            tried += 1
    assert routes >= 6 and tried > 100, (routes, tried)


@pytest.mark.parametrize("body", [b"[]", b"[1]", b'"x"', b"1", b"true", b"1.5"])
def test_every_route_refuses_a_body_that_is_no_object(open_server, body):
    for method, path, schema, document in body_routes(open_server):
        if "object" not in types_of(expand(schema, document)):
            continue
        url = path.replace("{", "").replace("}", "")
        reply = open_server.request(method, url, body=body, headers=HEADERS | ADMIN)
        assert reply.status == 422, (method, url, reply)
        expected = "model_attributes_type" if expand(schema, document).get("properties") else "dict_type"
        assert reply.detail[0]["type"] == expected, (method, url, reply)
        assert reply.detail[0]["loc"] == ["body"]


@pytest.mark.parametrize("body", [None, b"", b"null"])
def test_every_route_asks_for_the_body_it_needs(open_server, body):
    for method, path, schema, document in body_routes(open_server):
        if not expand(schema, document).get("required"):
            continue
        url = path.replace("{", "").replace("}", "")
        reply = open_server.request(method, url, body=body, headers=HEADERS | ADMIN)
        assert reply.status == 422, (method, url, reply)
        assert (reply.detail[0]["type"], reply.detail[0]["loc"]) == ("missing", ["body"]), (method, url, reply)


def test_examples_of_the_schemas_are_no_server_errors(open_server):
    """The counterpart: with the smallest right body no route answers 422 for its types."""
    for method, path, schema, document in body_routes(open_server):
        url = path.replace("{", "").replace("}", "")
        reply = open_server.request(method, url, example(schema, document))
        assert reply.status < 500 or reply.status == 503, (method, url, reply)


def test_a_long_body_of_a_stranger_is_not_read(start_server):
    """It took a hundred times its length of memory."""
    server = start_server(sets=[logins()])
    before = server.memory()
    body = b"[" + b"{}," * 3000000 + b"{}]"
    for text in (body, body[:-1]):
        assert server.request("POST", "/agents", body=text).status == 401
    assert server.memory() < before + 100 * SCALE
    assert server.request("POST", "/agents", body=b"[1").status == 422
    reply = Person(server).login("alice").request("POST", "/agents", body=body)
    assert reply.status == 422 and reply.json["detail"][0]["ctx"] == {"error": "More than 1000000 values"}
