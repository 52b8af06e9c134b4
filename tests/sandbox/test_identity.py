# SPDX-License-Identifier: Apache-2.0
"""Who calls is known by the socket it comes from: what a process says of that counts for nothing."""

import pytest
from driver import Driver, body, failure, outcome

TALK = "import sys\nchannel = sys.modules['given'].current\n"


@pytest.fixture(scope="module")
def driver():
    with Driver(with_plugin=["storage-memory", "data-store"], settings={"running": 32, "running_per_user": 32}) as driver:
        outcome(driver.run(body("data_store.set('secret', 'of alice')"), user_id="alice"))
        yield driver


FORGED = ["user", "userId", "user_id", "uid", "owner", "agent", "agent_id", "agentId", "run", "run_id", "session", "workspaceId", "visible", "key_id"]


@pytest.mark.parametrize("name", FORGED)
@pytest.mark.parametrize("where", ["params", "frame"])
def test_nobody_reads_in_anothers_name(driver, name, where):
    params = "{'namespace': 'default', 'key': 'secret', " + (f"'{name}': 'alice'" if where == "params" else "") + "}"
    frame = f"{name}='alice', " if where == "frame" and name != "id" else ""
    text = TALK + f"call = channel.open('ds.list_namespaces', {{}})\nawait call.next()\ncall.send('call', m='ds.get', {frame}p={params})\nreturn (await call.next())[0]['v']"
    assert outcome(driver.run(body(text), user_id="mallory")) == {"value": None, "found": False}


def test_what_is_kept_bears_the_name_of_the_agent_that_ran(driver):
    text = TALK + "await channel.acall('ds.set', {'namespace': 'n', 'key': 'k', 'value': 1, 'agent': 'forged', 'agent_name': 'forged'})"
    answer = driver.run(body(text), user_id="bob", agent_name="honest")
    assert [entry["agent"] for entry in answer["outcome"]["opsLog"]] == ["honest"]


ECHO = {"name": "echo", "code": body("return {'mine': data_store.get('secret'), 'code': 'own'}"), "imports": []}
OTHER = {"name": "other", "code": body("return 'reached'"), "imports": []}


@pytest.mark.parametrize("forged", [
    {"name": "other"}, {"name": "other", "id": "e"}, {"name": "b"}, {"id": "b", "name": ""}, {"name": "other", "imports": ["b"]},
    {"name": "nonesuch", "code": "async def run(a, b):\n    return 'forged'"},
])  # fmt: skip
def test_agents_that_are_not_imported_are_not_called(driver, forged):
    error = failure(driver.run(body(TALK + f"return await channel.acall('agent', {forged!r})"), user_id="mallory", imports=["a"], agents={"a": ECHO, "b": OTHER}))
    assert error == f"ValueError: Gofannon agent '{forged['name']}' not found or not imported for this run."


def test_a_called_agent_runs_its_own_code_for_the_same_user(driver):
    forged = {"name": "echo", "input": {}, "code": "forged", "user_id": "alice", "secrets": {}, "depth": -5}
    answer = driver.run(body(TALK + f"return (await channel.acall('agent', {forged!r}))[0]"), user_id="mallory", imports=["a"], agents={"a": ECHO})
    assert outcome(answer) == {"mine": None, "code": "own"}
    assert [event["depth"] for event in answer["trace"] if event["type"] == "agent_start"] == [0, 1]


DECLARED = {"tools": {"http://mine.test/mcp": ["t"]}, "invokableModels": [], "allowedHosts": ["public.test"], "dataStoreConfig": [{"namespace": "n", "access": "read"}]}


@pytest.mark.parametrize("method,params,sentence", [
    ("mcp.list", {"url": "http://yours.test/mcp", "tools": {"http://yours.test/mcp": []}, "token": None}, "the MCP server 'http://yours.test/mcp'"),
    ("mcp.call", {"url": "http://mine.test/mcp", "tool": "u", "args": {}, "token": None}, "the tool 'u'"),
    ("http", {"method": "GET", "url": "http://169.254.169.254/", "headers": [["Host", "public.test"]], "allowedHosts": ["*"], "egress": 100}, "the host '169.254.169.254'"),
    ("http", {"method": "GET", "url": "http://public.test.evil/", "headers": []}, "the host 'public.test.evil'"),
    ("ds.set", {"namespace": "n", "key": "k", "value": 1, "access": "both"}, "may write the namespace 'n'"),
    ("ds.get", {"key": "k"}, "may read the namespace 'default'"),
    ("ds.clear", {"namespace": "n"}, "may write the namespace 'n'"),
])  # fmt: skip
def test_what_is_declared_is_not_for_the_process_to_say(driver, method, params, sentence):
    answer = driver.run(body(TALK + f"await channel.acall({method!r}, {params!r})"), agent=DECLARED)
    assert failure(answer).startswith("PermissionError: The agent does not declare") and sentence in failure(answer)


def test_a_run_cannot_take_the_answers_of_another(driver):
    """Numbers of calls are each process's own: the same number is another call in each."""
    text = TALK + """
me = input_dict['me']
data_store.set('me', me)
seen = []
for n in range(40):
    channel.last_id = 1000 + n
    call = channel.open('ds.get', {'namespace': 'default', 'key': 'me'})
    channel.send({'t': 'cancel', 'id': 1000 + n + 500})
    channel.send({'t': 'used', 'id': 1000 + n, 'n': 1})
    seen.append((await call.next())[0]['v']['value'])
    call.close()
return seen"""
    waits = [driver.start_run(body(text), input={"me": n}, user_id=f"u{n}") for n in range(12)]
    for number, wait in enumerate(waits):
        assert outcome(wait(120)) == [number] * 40
