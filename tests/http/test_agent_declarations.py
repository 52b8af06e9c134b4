# SPDX-License-Identifier: Apache-2.0
"""What an agent declares is what it may call: the refusals are sentences that say what to declare."""

import json

import pytest
from agents import body, deploy, make_agent, run, unique

ELSEWHERE = "http://127.0.0.1:9/"  # not allowed by the server's egress: who may ask it learns that


@pytest.fixture(scope="module")
def server(start_module):
    return start_module(ready=True)


@pytest.fixture(scope="module")
def strict_server(start_module):
    return start_module(sets=["plugins.runtime-python.undeclared=refuse"], ready=True)


def error(server, text, **fields):
    return run(server, text, **fields)["error"] or ""


def served(server, text, **fields):
    """What a deployed agent answers."""
    _, name = deploy(server, body(text), **fields)
    return server.post(f"/rest/{name}", {})


GET = f"await http_client.get('{ELSEWHERE}')"
NOT_PUBLIC = "ConnectError: 127.0.0.1 is a loopback address, which egress.allow does not allow"


# ---- hosts

HOST = "PermissionError: The agent does not declare the host '127.0.0.1': add it to its allowedHosts."


@pytest.mark.parametrize("hosts", [["127.0.0.1"], ["127.0.0.1:9"], ["*"], ["a.example", "127.0.0.1"]])
def test_declared_hosts_may_be_asked(server, hosts):
    assert error(server, GET, allowedHosts=hosts) == NOT_PUBLIC


@pytest.mark.parametrize("hosts", [[], ["a.example"], ["127.0.0.1:80"], ["*.127.0.0.1"]])
@pytest.mark.parametrize("text", [GET, f"httpx.get('{ELSEWHERE}')", f"async with httpx.AsyncClient() as c:\n    await c.get('{ELSEWHERE}')"])
def test_others_may_not(server, hosts, text):
    assert error(server, text, allowedHosts=hosts) == HOST


def test_a_url_that_could_be_read_in_two_ways_is_refused(server):
    text = "import httpx\nawait http_client.get(httpx.URL('http://u@a.example/'))"
    assert error(server, text, allowedHosts=["a.example"]).startswith("UnsupportedProtocol: The URL 'http://u@a.example/'")


def test_saved_agents_are_held_to_their_hosts(server):
    reply = served(server, GET, allowedHosts=["api.example.org"])
    assert reply.status == 500 and "add it to its allowedHosts" in reply.detail


def test_a_called_agent_is_held_to_its_own(server):
    inner = make_agent(server, body(GET), allowedHosts=["api.example.org"], name=unique("inner"))
    call = f"return await gofannon_client.call('{inner['name']}', {{}})"
    assert error(server, call, gofannonAgents=[inner["_id"]], allowedHosts=["*"]) == HOST


def test_hosts_are_a_member_of_agents_where_they_are_set(server):
    agent = make_agent(server, allowedHosts=["*.example.org", "api.example.com:8443"])
    assert agent["allowedHosts"] == ["*.example.org", "api.example.com:8443"]
    assert list(agent)[13:15] == ["dataStoreConfig", "allowedHosts"]
    path = f"/agents/{agent['_id']}"
    assert server.get(path).json["allowedHosts"] == agent["allowedHosts"]
    assert server.put(path, {"allowed_hosts": []}).json["allowedHosts"] == []
    assert "allowedHosts" not in server.put(path, {"allowedHosts": None}).json
    changes = server.get(f"{path}/versions/1/diff").json["changes"]
    assert [(one["field"], one["to"]) for one in changes] == [("allowedHosts", None)]
    assert "allowedHosts" not in make_agent(server)


@pytest.mark.parametrize("pattern", ["http://a.example", "a.example/x", "*a", "", "a b"])
def test_a_host_that_is_none_is_refused(server, pattern):
    for path, field in (("/agents", {"name": "n", "description": "d"}), ("/agents/run-code", {"inputDict": {}, "tools": {}})):
        reply = server.post(path, {"code": "x", "allowedHosts": ["ok.example", pattern], **field})
        assert reply.status == 422, reply
        assert [(one["type"], one["loc"]) for one in reply.detail] == [("string_pattern_mismatch", ["body", "allowedHosts", 1])]


SPEC = """
openapi: 3.0.3
info: {title: Pets, version: '1'}
servers: [{url: 'http://127.0.0.1:9/v1'}]
paths:
  /pets: {get: {operationId: list, responses: {'200': {description: ok}}}}
"""
SWAGGER = {"swagger": "2.0", "info": {"title": "p", "version": "1"}, "host": "127.0.0.1:9", "schemes": ["http"], "paths": {}}
NOWHERE = {"openapi": "3.0.3", "info": {"title": "p", "version": "1"}, "paths": {}}


@pytest.mark.parametrize("spec", [SPEC, json.dumps(SWAGGER)], ids=["YAML", "Swagger"])
def test_who_serves_a_specification_may_be_asked(server, spec):
    specs = [{"name": "pets", "content": spec}]
    assert error(server, GET, swaggerSpecs=specs) == NOT_PUBLIC
    assert error(server, GET.replace(":9", ":81"), swaggerSpecs=specs) == HOST
    assert "'a.example'" in error(server, "await http_client.get('http://a.example/')", swaggerSpecs=specs)
    assert "'b.example'" in error(server, "await http_client.get('http://b.example/')", swaggerSpecs=specs, allowedHosts=["a.example"])
    assert error(server, GET, swaggerSpecs=specs, allowedHosts=["a.example"]) == NOT_PUBLIC


@pytest.mark.parametrize("spec", [json.dumps(NOWHERE), "not one", ""])
def test_a_specification_without_servers_declares_no_host(server, strict_server, spec):
    specs = [{"name": "pets", "content": spec}]
    assert error(server, GET, swaggerSpecs=specs) == NOT_PUBLIC
    assert error(strict_server, GET, swaggerSpecs=specs) == HOST


# ---- namespaces


def use(namespace, access):
    return [{"namespace": namespace, "access": access}]


def namespace_error(verb, name):
    return (f"PermissionError: The agent does not declare that it may {verb} the namespace '{name}': "
            f"add it to its dataStoreConfig with the access '{verb}' or 'both'.")  # fmt: skip


READS = ["get('k')", "get_many(['k'])", "get_all()", "list_keys()"]
WRITES = ["set('k', 1)", "set_many({'k': 1})", "delete('k')", "clear()"]


@pytest.mark.parametrize("operation", READS + WRITES)
def test_namespaces_are_used_as_declared(server, operation):
    verb, other = ("read", "write") if operation in READS else ("write", "read")
    text = f"data_store.use_namespace('notes').{operation}"
    for access in (verb, "both"):
        assert error(server, text, dataStoreConfig=use("notes", access)) == ""
    assert error(server, text, dataStoreConfig=[{"namespace": "notes"}]) == ""
    assert error(server, text, dataStoreConfig=use("notes", other)) == namespace_error(verb, "notes")
    assert error(server, text, dataStoreConfig=use("mail", "both")) == namespace_error(verb, "notes")


def test_a_namespace_may_be_declared_by_how_it_begins(server):
    text = "data_store.use_namespace('files:apache/x').set('k', 1)\nreturn data_store.list_namespaces()"
    answer = run(server, text, dataStoreConfig=use("files:*", "both"))
    assert answer["error"] is None and answer["result"] == ["files:apache/x"]
    assert error(server, text, dataStoreConfig=use("*", "both")) == ""
    for other in ("files", "file:*", "files:apache"):
        assert error(server, text, dataStoreConfig=use(other, "both")) == namespace_error("write", "files:apache/x")


def test_a_refusal_is_an_exception_and_no_entry_of_the_log(server):
    answer = run(server, "try:\n    data_store.set('k', 1)\nexcept PermissionError as e:\n    return str(e)", dataStoreConfig=use("notes", "both"))
    assert answer["result"].startswith("The agent does not declare that it may write the namespace 'default'")
    assert answer["opsLog"] is None


def test_names_of_other_namespaces_are_not_shown(server):
    run(server, "for name in ('seen', 'hidden'):\n    data_store.use_namespace(name).set('k', 1)")
    answer = run(server, "return data_store.list_namespaces()", dataStoreConfig=use("seen", "read"))
    assert answer["result"] == ["seen"]
    assert answer["opsLog"][0]["count"] == 1
    assert {"seen", "hidden"} <= set(run(server, "return data_store.list_namespaces()")["result"])


# ---- agents that declare nothing

NOTHING = {
    "models": ("await call_llm('anthropic', 'x', [{'role': 'user', 'content': 'a'}], {})", "add it to its invokableModels."),
    "tools": ("await RemoteMCPClient('http://127.0.0.1:9/').list_tools()", "add it to its tools."),
    "hosts": (GET, "add it to its allowedHosts."),
    "namespaces": ("return data_store.get('k')", "add it to its dataStoreConfig with the access 'read' or 'both'."),
}


@pytest.mark.parametrize("text,sentence", NOTHING.values(), ids=list(NOTHING))
def test_agents_that_declare_nothing_may_call_all_unless_it_is_refused(server, strict_server, text, sentence):
    assert "does not declare" not in str(served(server, text).json)
    reply = served(strict_server, text)
    assert reply.status == 500 and reply.detail.endswith(sentence), reply


def test_code_that_is_tried_out_is_held_to_what_it_is_sent_with(strict_server):
    assert error(strict_server, "return data_store.get('k')") == ""
    assert "dataStoreConfig" in error(strict_server, "return data_store.get('k')", dataStoreConfig=[])
    assert "allowedHosts" in error(strict_server, GET, swaggerSpecs=[])
