# SPDX-License-Identifier: Apache-2.0
"""OpenAPI documents: fetched, and read as what can be called."""

import json
import re

import pytest
from specs import PET, answering, one, three, two
from vendor import RESET, STALL, Vendor, raw, stream, whole

INVALID = "Content from URL is not valid JSON or YAML."
SMALL = {"text_bytes": 20000, "nodes": 500, "depth": 24, "operations": 3, "schema_bytes": 600, "schema_depth": 4,
         "total_bytes": 3000, "max_redirects": 1, "total_ms": 3000}  # fmt: skip


@pytest.fixture(scope="module")
def the_site():
    with Vendor() as vendor:
        yield vendor


@pytest.fixture
def site(the_site):
    """Where documents lie."""
    the_site.forget()
    return the_site


@pytest.fixture(scope="module")
def server(start_module):
    return start_module(backend="memory", sets=["egress.allow=[127.0.0.1]"])


@pytest.fixture(scope="module")
def small(start_module):
    sets = [f"plugins.specs.{name}={value}" for name, value in SMALL.items()]
    return start_module(backend="memory", sets=["egress.allow=[127.0.0.1]", *sets])


@pytest.fixture
def fetch(server):
    return lambda url, at=None: (at or server).post("/specs/fetch", {"url": url})


def text_of(document):
    return document if isinstance(document, str) else json.dumps(document, ensure_ascii=False)


def read(server, document, **more):
    reply = server.post("/specs/operations", {"content": text_of(document), **more})
    assert reply.status == 200, reply
    return reply.json


def refusal(server, document, **more):
    reply = server.post("/specs/operations", {"content": text_of(document), **more})
    assert reply.status == 400, reply
    return reply.detail


def answer_of(spec):
    (operation,) = spec["operations"]
    return operation["response"]["schema"]


# ---- POST /specs/fetch ----------------------------------------------------------------


@pytest.mark.parametrize("content", [
    '{"openapi": "3.0.0"}', "openapi: 3.0.0\n", "\ufeffopenapi: 3.0.0\n", "# nothing\na: [1, 2]\n",
    '{"a": 123456789012345678901234567890}', '{"a": "\u00fc \\u00fc"}', '{"a": 1, "a": 2}'])  # fmt: skip
def test_a_document_comes_as_it_is(fetch, site, content):
    site.answer("/spec.yaml", whole(content))
    reply = fetch(site.url + "/spec.yaml")
    assert (reply.status, reply.json) == (200, {"name": "spec.yaml", "content": content})
    assert "application/json" in site.last.headers["accept"]


@pytest.mark.parametrize(("path", "name"), [
    ("", "spec_from_url.json"), ("/", "spec_from_url.json"), ("/a/b.json", "b.json"), ("/a/b/?x=/c.json", "spec_from_url.json"),
    ("/a?x=1#/y", "a"), ("?a/b", "spec_from_url.json"), ("/a%20b.yaml", "a%20b.yaml"), ("/v2/api-docs", "api-docs")])  # fmt: skip
def test_it_is_called_by_the_last_segment_of_the_path(fetch, site, path, name):
    site.answer("*", whole("{}"))
    assert fetch(site.url + path).json == {"name": name, "content": "{}"}


@pytest.mark.parametrize("content", [
    "<!DOCTYPE html>\n<html><body>No: such page</body></html>", "just words", "[1, 2]", "1", "", "{", '{"a": ]', "a: b: c",
    "a: &x [*x]", "a: *x", "- 1\nb: 2", "a: 1\n---\nb: 2", "? [1]\n: 2", "<<: 1", '{"a": "\\u0000"}', b'{"a": "\xff"}',
    b"a: \xff\n", b"\xff\xfea\x00"])  # fmt: skip
def test_what_is_neither_json_nor_yaml_is_refused(fetch, site, content):
    site.answer("/x", whole(content))
    reply = fetch(site.url + "/x")
    assert (reply.status, reply.detail) == (400, INVALID)


@pytest.mark.parametrize(("answer", "said"), [
    (whole("{}", 404), "the server answered with status 404"), (whole("{}", 500), "the server answered with status 500"),
    (whole("{}", 304), "the server answered with status 304"), (whole("{}", 302, {"Location": "ftp://x/y"}), "only http and https"),
    (raw(RESET), "127.0.0.1: "), (whole("{}", 302, {"Location": "/again"}), "more than 3 redirects")])  # fmt: skip
def test_what_the_other_server_does_is_said(fetch, site, answer, said):
    site.answer("*", answer)
    reply = fetch(site.url + "/x")
    assert reply.status == 400 and reply.detail.startswith("Error fetching from URL: "), reply
    assert said in reply.detail or said == "only http and https", reply


def test_redirects_are_followed(fetch, site):
    site.answer("/old", whole("", 301, {"Location": "/new/api.json"})).answer("/new/api.json", whole('{"a": 1}'))
    assert fetch(site.url + "/old").json == {"name": "old", "content": '{"a": 1}'}


@pytest.mark.parametrize("url", ["", "x", "ftp://x/y", "file:///etc/passwd", "gopher://x/", "http://", "http://a b/", "http:/x"])
def test_what_is_no_url_is_said(fetch, url):
    reply = fetch(url)
    assert reply.status == 400 and reply.detail.startswith("Error fetching from URL: "), reply


def test_a_compressed_document_is_unpacked(fetch, site):
    site.answer("/x", whole("{}", compress=True))
    assert fetch(site.url + "/x").json["content"] == "{}"


def test_the_body_is_checked(server):
    for body, where in [({}, "missing"), ({"url": 1}, "string_type"), ({"url": "x" * 9000}, "string_too_long")]:
        reply = server.post("/specs/fetch", body)
        assert reply.status == 422 and reply.json["detail"][0]["type"] == where, reply


# ---- limits of fetching ---------------------------------------------------------------


def test_a_long_document_is_refused(small, fetch, site):
    site.answer("/whole", whole('{"a": "' + "x" * 20000 + '"}')).answer("/pieces", stream("{", *['"x' + "y" * 5000 + '": 1,'] * 5))
    for path in ("/whole", "/pieces"):
        reply = fetch(site.url + path, small)
        assert reply.status == 400 and "longer than 20000 bytes" in reply.detail, reply


@pytest.mark.parametrize(("content", "said"), [
    ('{"a": [' + "1," * 600 + "1]}", "it has more than 500 values"), ("a:\n" + "- 1\n" * 600, "there are too many values"),
    ('{"a": ' + "[" * 40 + "]" * 40 + "}", "it is nested deeper than 24 levels"), ("a: " + "[" * 40 + "]" * 40, "nested too deeply")])  # fmt: skip
def test_a_large_or_deep_document_is_refused(small, fetch, site, content, said):
    site.answer("/x", whole(content))
    reply = fetch(site.url + "/x", small)
    assert reply.status == 400 and reply.detail.startswith("Content from URL is too large: ") and said in reply.detail, reply


def test_more_redirects_than_may_be(small, fetch, site):
    site.answer("*", whole("", 302, {"Location": "/again"}))
    assert "more than 1 redirects" in fetch(site.url + "/x", small).detail


def test_a_server_that_never_answers(small, fetch, site):
    site.answer("/x", raw(STALL))
    reply = fetch(site.url + "/x", small)
    assert reply.status == 400 and reply.detail.startswith("Error fetching from URL: 127.0.0.1: "), reply


# ---- POST /specs/operations: three versions -------------------------------------------

POT = PET | {"properties": PET["properties"] | {"parent": {"x-cut": "Pet again, which this is inside of"}}}
EXPECTED = [
    {"operationId": "getPet", "method": "GET", "path": "/pets/{id}", "server": "https://pets.example/v1", "summary": "One pet",
     "description": "By its number", "deprecated": False,
     "parameters": {"type": "object", "properties": {
         "id": {"type": "integer", "x-in": "path"}, "fields": {"type": "array", "items": {"type": "string"}, "x-in": "query"},
         "X-Trace": {"type": "string", "description": "For logs", "x-in": "header"}}, "required": ["id"]},
     "body": None,
     "response": {"status": "200", "contentType": "application/json", "description": "The pet", "schema": POT},
     "security": [{"type": "apiKey", "in": "header", "name": "X-Key"}]},
    {"operationId": "deletePet", "method": "DELETE", "path": "/pets/{id}", "server": "https://pets.example/v1", "summary": "",
     "description": "", "deprecated": True,
     "parameters": {"type": "object", "properties": {"id": {"type": "integer", "x-in": "path"}}, "required": ["id"]},
     "body": None, "response": {"status": "204", "contentType": None, "description": "Gone", "schema": None}, "security": []},
    {"operationId": "addPet", "method": "POST", "path": "/pets", "server": "https://pets.example/v1", "summary": "", "description": "",
     "deprecated": False, "parameters": {"type": "object", "properties": {}, "required": []},
     "body": {"contentType": "application/json", "required": True, "schema": POT},
     "response": {"status": "201", "contentType": "application/json", "description": "Made", "schema": {"type": "array", "items": POT}},
     "security": [{"type": "apiKey", "in": "header", "name": "X-Key"}]},
]  # fmt: skip


def expected(version):
    operations = json.loads(json.dumps(EXPECTED))
    if version != "2.0":
        operations[0]["parameters"]["properties"]["fields"]["x-explode"] = False
    return {"title": "Pets", "version": "1.2", "description": "All pets", "openapi": version,
            "servers": ["https://pets.example/v1"], "operations": operations, "notes": []}  # fmt: skip


@pytest.mark.parametrize("version", ["2.0", "3.0.3", "3.1.0"])
def test_all_versions_say_the_same(server, version):
    assert read(server, two() if version == "2.0" else three(version)) == expected(version)


YAML = """\
swagger: 2.0        # a number, as people write it
info: {title: Pets, version: 1.0}
host: pets.example
x-pet: &pet
  type: object
  properties: {name: {type: string, default: 'no', example: "1"}, "on": {type: boolean}}
paths:
  /pets:
    get:
      responses:
        200:
          description: >-
            All
            pets
          schema: {type: array, items: *pet}
        default: {description: ~}
    post:
      parameters:
      - {name: pet, in: body, schema: {<<: *pet, title: New, required: [name]}}
      responses: {201: {description: yes}}
"""


def test_yaml_with_anchors_and_merges(server):
    spec = read(server, YAML)
    get, post = spec["operations"]
    pet = {"type": "object", "properties": {"name": {"type": "string", "default": "no", "example": "1"}, "on": {"type": "boolean"}}}
    assert (spec["openapi"], spec["version"], get["server"]) == ("2.0", "1.0", "https://pets.example")
    assert get["response"] == {"status": "200", "contentType": "application/json", "description": "All pets",
                               "schema": {"type": "array", "items": pet}}  # fmt: skip
    assert post["body"]["schema"] == pet | {"title": "New", "required": ["name"]}
    assert post["response"]["description"] == "yes"
    assert [get["operationId"], post["operationId"]] == ["get_pets", "post_pets"]


def test_forms_of_version_two(server):
    upload = {"consumes": ["application/json"], "parameters": [
        {"name": "file", "in": "formData", "type": "file", "required": True}, {"name": "note", "in": "formData", "type": "string"}]}  # fmt: skip
    document = two() | {"paths": {"/a": {"post": upload, "put": {"parameters": upload["parameters"][1:]}}}}
    put, post = read(server, document)["operations"]
    assert post["body"] == {"contentType": "multipart/form-data", "required": True, "schema": {
        "type": "object", "properties": {"file": {"type": "string", "format": "binary"}, "note": {"type": "string"}},
        "required": ["file"]}}  # fmt: skip
    assert put["body"]["contentType"] == "application/x-www-form-urlencoded" and not put["body"]["required"]


def test_words_of_older_schemas_become_those_of_json_schema(server):
    schema = {"type": "integer", "nullable": True, "minimum": 1, "exclusiveMinimum": True, "maximum": 9, "exclusiveMaximum": False}
    assert answer_of(read(server, answering(schema))) == {"type": ["integer", "null"], "exclusiveMinimum": 1, "maximum": 9}
    schema = {"type": ["integer", "null"], "exclusiveMinimum": 1, "const": 5, "if": {"minimum": 3}, "not": {}, "additionalProperties": False}
    assert answer_of(read(server, answering(schema))) == schema
    schema = {"$ref": "#/components/schemas/A", "description": "Nearer"}
    assert answer_of(read(server, answering(schema, A={"type": "string", "description": "Far"}))) == {"type": "string", "description": "Nearer"}


def test_a_parameter_of_one_name_in_two_places(server):
    parameters = [{"name": "id", "in": "query", "schema": {"type": "string"}}, {"name": "id", "in": "cookie", "content": {"text/plain": {"schema": {"type": "integer"}}}}]
    (operation,) = read(server, one(parameters=parameters))["operations"]
    assert operation["parameters"]["properties"] == {
        "id": {"type": "string", "x-in": "query"}, "id (cookie)": {"type": "integer", "x-in": "cookie", "x-name": "id"}}  # fmt: skip


@pytest.mark.parametrize(("servers", "base", "found"), [
    ([{"url": "https://a/b/"}], None, ["https://a/b"]), ([{"url": "/v1"}], "https://a:8/docs/openapi.json?x=1", ["https://a:8/v1"]),
    ([{"url": "v1"}], "https://a/docs/openapi.json", ["https://a/docs/v1"]), ([{"url": "../v1/./x"}], "https://a/b/c/d", ["https://a/b/v1/x"]),
    ([{"url": "//b/c"}], "http://a", ["http://b/c"]), ([], "https://a/x/y", ["https://a"]), (None, "https://a", ["https://a"]),
    ([{"url": "https://{host}.x/{v}/{gone}", "variables": {"host": {"default": "eu"}, "v": {"default": "2"}}}], None, ["https://eu.x/2"]),
    ([{"url": "https://{open"}], None, ["https://"]), ([{"url": "/v1"}], None, []), ([{"url": "/v1"}], "no url", []), ([1, {}, {"url": "x"}], "https://a/", ["https://a/x"])])  # fmt: skip
def test_servers_are_whole_urls(server, servers, base, found):
    spec = read(server, one() | {"servers": servers}, baseUrl=base)
    assert spec["servers"] == found
    assert spec["operations"][0]["server"] == (found[0] if found else None)
    assert bool(spec["notes"]) == (not found)


def test_the_nearest_server_counts(server):
    document = one(servers=[{"url": "https://operation"}]) | {"servers": [{"url": "https://root"}]}
    document["paths"]["/"] |= {"servers": [{"url": "https://path"}], "put": {}}
    put = {operation["method"]: operation["server"] for operation in read(server, document)["operations"]}
    assert put == {"GET": "https://operation", "PUT": "https://path"}


def test_names_are_unique_and_plain(server):
    document = one()
    names = ["a b", "a_b", "a/b", "", "\u00fc", "x" * 100, "x" * 101]
    document["paths"] = {f"/{i}/{{id}}": {"get": {"operationId": name}} for i, name in enumerate(names)}
    found = [operation["operationId"] for operation in read(server, document)["operations"]]
    assert found == ["a_b", "a_b_2", "a_b_3", "get_3_id", "get_4_id", "x" * 64, "x" * 52 + "_2"]
    assert all(re.fullmatch("[a-zA-Z0-9_-]{1,64}", name) for name in found)


def test_what_a_call_has_to_carry(server):
    schemes = {"basic": {"type": "http", "scheme": "basic"}, "oauth": {"type": "oauth2", "flows": {}}, "key": {"type": "apiKey", "in": "query", "name": "k"}}
    document = one(security=[{"basic": []}, {"key": [], "oauth": ["a"]}, {}, {"gone": []}]) | {"components": {"securitySchemes": schemes}}
    assert read(server, document)["operations"][0]["security"] == [
        {"type": "http", "scheme": "basic"}, {"type": "apiKey", "in": "query", "name": "k"}, {"type": "oauth2"}]  # fmt: skip


@pytest.mark.parametrize(("responses", "status"), [
    ({"default": {}, "204": {}, "200": {}}, "200"), ({"2XX": {}, "299": {}}, "299"), ({"default": {}, "2XX": {}}, "2XX"),
    ({"500": {}, "default": {}}, "default"), ({"500": {}}, None), ({}, None)])  # fmt: skip
def test_the_response_is_that_of_success(server, responses, status):
    response = read(server, one(responses=responses))["operations"][0]["response"]
    assert (response and response["status"]) == status


# ---- $ref ----------------------------------------------------------------------------


def test_refs_with_escapes_and_through_lists(server):
    schemas = {"a/b~c d": {"type": "string"}, "L": {"allOf": [{"type": "integer"}]}}
    assert answer_of(read(server, answering({"$ref": "#/components/schemas/a~1b~0c%20d"}, **schemas))) == {"type": "string"}
    assert answer_of(read(server, answering({"$ref": "#/components/schemas/L/allOf/0"}, **schemas))) == {"type": "integer"}


@pytest.mark.parametrize(("ref", "said"), [
    ("other.yaml#/A", "leads out of the document"), ("https://example.org/a.json", "leads out of the document"),
    ("file:///etc/passwd", "leads out of the document"), ("#/components/schemas/None", "leads nowhere"), ("#anchor", "leads nowhere"),
    ("#/openapi/x", "leads nowhere"), ("#/components/schemas/A/%zz", "leads nowhere"), ("#/" + "x" * 600, "leads nowhere"),
    ("#/" + "\u00fc" * 100, "leads nowhere"), ("", "leads out of the document")])  # fmt: skip
def test_a_ref_that_cannot_be_followed_is_said(server, ref, said):
    spec = read(server, answering({"type": "array", "items": {"$ref": ref, "description": "d"}}, A={}))
    items = answer_of(spec)["items"]
    assert said in items["x-cut"] and items["description"] == "d"
    assert len(spec["notes"]) == 1 and said in spec["notes"][0]


def test_refs_everywhere(server):
    document = three()
    document["components"] |= {"requestBodies": {"B": document["paths"]["/pets"]["post"]["requestBody"]},
                               "responses": {"R": {"description": "r"}}, "pathItems": {"P": {"post": {
                                   "requestBody": {"$ref": "#/components/requestBodies/B"}, "responses": {"200": {"$ref": "#/components/responses/R"}}}}}}  # fmt: skip
    document["paths"] = {"/a": {"$ref": "#/components/pathItems/P"}, "/b": {"$ref": "b.yaml"}}
    spec = read(server, document)
    (operation,) = spec["operations"]
    assert operation["body"]["schema"] == POT and operation["response"]["description"] == "r"
    assert spec["notes"] == ["The path /b is left out: $ref 'b.yaml' leads out of the document."]


def test_schemas_inside_themselves_end(server):
    schemas = {"A": {"properties": {"b": {"$ref": "#/components/schemas/B"}}}, "B": {"items": {"$ref": "#/components/schemas/A"}},
               "Loop": {"$ref": "#/components/schemas/Loop"}, "Self": {"anyOf": [{"$ref": "#/components/schemas/Self"}]}}  # fmt: skip
    ref = {name: {"$ref": f"#/components/schemas/{name}"} for name in schemas}
    assert answer_of(read(server, answering(ref["A"], **schemas))) == {"properties": {"b": {"items": {"x-cut": "A again, which this is inside of"}}}}
    assert answer_of(read(server, answering(ref["Self"], **schemas))) == {"anyOf": [{"x-cut": "Self again, which this is inside of"}]}
    assert answer_of(read(server, answering(ref["Loop"], **schemas))) == {"x-cut": "a $ref leads to a $ref, and so on"}


# ---- limits of reading -----------------------------------------------------------------


def test_limits_of_the_text(small):
    assert refusal(small, "x" * 20001) == "The document cannot be read: it is longer than 20000 bytes."
    assert "more than 500 values" in refusal(small, '{"a": [' + "1," * 600 + "1]}")
    assert "nested deeper than 24 levels" in refusal(small, '{"a": ' + "[" * 40 + "]" * 40 + "}")


def test_what_is_no_openapi_document(server):
    for document in ({}, {"openapi": "2.0"}, {"swagger": "3.0"}, {"openapi": None}, {"openapi": "4"}, {"asyncapi": "3.0.0"}):
        assert "it is not an OpenAPI document" in refusal(server, document)
    assert "is not an object" in refusal(server, "[]")
    assert "line 2" in refusal(server, "a: 1\n b: [}\n")


def test_a_deep_schema_is_cut(small):
    found = answer_of(read(small, answering({"items": {"items": {"items": {"items": {"type": "string"}}}}})))
    assert found == {"items": {"items": {"items": {"items": {"x-cut": "deeper than 4 schemas"}}}}}


def test_the_deepest_that_may_be(start_server):
    """Readers call themselves for each level, on the small stack of a connection's thread."""
    server = start_server(backend="memory", sets=["plugins.specs.depth=64", "plugins.specs.schema_depth=64"])
    for text in ('{"openapi": "3.1.0", "x": ' + "[" * 63 + "]" * 63 + "}", "openapi: 3.1.0\nx: " + "{a: " * 63 + "1" + "}" * 63):
        assert read(server, text)["operations"] == []
    schemas = {f"S{i}": {"properties": {"a": {"$ref": f"#/components/schemas/S{i + 1}"}}} for i in range(100)}
    assert "deeper than 64 schemas" in json.dumps(answer_of(read(server, answering({"$ref": "#/components/schemas/S0"}, **schemas))))


def test_what_lies_deepest_of_a_long_schema_is_cut(small):
    """$refs that double at each step stand for more than memory holds."""
    schemas = {f"S{i}": {"properties": {"a": {"$ref": f"#/components/schemas/S{i + 1}"}, "b": {"$ref": f"#/components/schemas/S{i + 1}"}}} for i in range(20)}
    found = answer_of(read(small, answering({"$ref": "#/components/schemas/S0"}, **schemas)))
    assert "x-cut" in json.dumps(found) and len(json.dumps(found)) < 1500
    assert list(found["properties"]) == ["a", "b"]
    long = answer_of(read(small, answering({"type": "object", "description": "d" * 700, "title": "kept"})))
    assert long == {"type": "object", "title": "kept", "x-cut": "the schema is longer than 600 bytes"}
    many = answer_of(read(small, answering({"properties": {f"p{i:03}": {"type": "string"} for i in range(60)}})))
    assert many["x-cut"] == "the schema is longer than 600 bytes" and "p000" in many["properties"]


def test_aliases_that_stand_for_gigabytes(small, server):
    laughs = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 10))  # fmt: skip
    assert "there are too many values" in refusal(small, laughs)
    assert "there are too many values" in refusal(server, laughs)
    deep = "a0: &a0 [x]\n" + "".join(f"a{i}: &a{i} [*a{i - 1}]\n" for i in range(1, 30))
    assert "nested too deeply" in refusal(small, deep)


def test_more_operations_than_are_read(small):
    document = one()
    document["paths"] = {f"/{i}": {"get": {}} for i in range(5)}
    spec = read(small, document)
    assert len(spec["operations"]) == 3 and spec["notes"][-1] == "Of 5 operations only the first 3 are here."


def test_all_of_it_has_a_limit(small):
    """One path that many names stand for: each is small, together they are not."""
    shared = {"get": {"description": "d" * 1400, "parameters": [{"name": "q", "in": "query"}], "security": [{"k": []}],
                      "responses": {"200": {"description": "r", "content": {"application/json": {"schema": {"type": "string", "title": "t" * 400}}}}}}}  # fmt: skip
    document = one() | {"components": {"pathItems": {"P": shared}}}
    document["paths"] = {f"/{i}": {"$ref": "#/components/pathItems/P"} for i in range(3)}
    spec = read(small, document)
    assert "All of it is longer than 3000 bytes: the last schemas and texts are cut." in spec["notes"]
    assert len(json.dumps(spec)) < 6000 and len(spec["operations"]) == 3
    assert spec["operations"][0]["response"]["schema"]["title"] == "t" * 400
    assert spec["operations"][2]["response"]["schema"] == {"x-cut": "there are too many large schemas before it"}
