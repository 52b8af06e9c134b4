# SPDX-License-Identifier: Apache-2.0
"""POST /agents/generate-code: what is answered was proved, what cannot be is refused in a sentence."""

import json

import pytest
from agents import make_agent
from support import wait_until
from vendor import STALL, raw, whole
from vendor_formats import ANTHROPIC, Said
from world import MODEL, run, written

ECHO = run("return {'outputText': input_dict['inputText']}")
MODELS = [{"provider": "anthropic", "model": MODEL, "parameters": {"temperature": 0.2}, "builtInTool": "web_search"}]


def faults(reply, attempt=0):
    return reply.json["proof"]["attempts"][attempt]["faults"]


# ---- what is answered -------------------------------------------------------------------


def test_an_agent_is_written(compose, world):
    world.says(Said(written(ECHO, "Echo-Agent"), thought="Simple."))
    reply = compose()
    assert reply.status == 200, reply
    answer = reply.json
    assert answer["code"].strip() == ECHO and answer["friendlyName"] == "echo_agent"
    assert answer["docstring"] == "What it does." and answer["thoughts"] == "Simple."
    proof = answer["proof"]
    assert proof["attempts"] == [{"attempt": 1, "faults": []}] and proof["calls"] == [] and proof["notes"] == []
    assert proof["input"] == {"inputText": "sample text"} and proof["result"] == {"outputText": "sample text"}
    assert proof["usage"] == {"model": f"anthropic/{MODEL}", "inputTokens": 11, "outputTokens": 7,
                              "costUsd": pytest.approx((11 * 3 + 7 * 15) / 1e6)}  # fmt: skip


@pytest.mark.parametrize("accept", ["application/json", "text/event-stream"])
def test_with_a_key_it_is_written_once(compose, world, accept):
    world.says(written(ECHO))
    first, again = (compose({"Idempotency-Key": accept, "Accept": accept}) for _ in range(2))
    assert first.status == 200 and again.body == first.body and again.header("Content-Type").startswith(accept)
    assert again.header("Idempotent-Replayed") == "true" and len(world.vendor.requests) == 1


def test_it_is_asked_for_once_and_paid_for(compose, composer, world):
    world.says(written(ECHO))
    before = composer.get("/users/me").json["usageInfo"]["spendRemaining"]
    assert compose(description="Echoes.").status == 200
    assert len(world.asked) == 1
    assert composer.get("/users/me").json["usageInfo"]["spendRemaining"] < before


def test_the_model_is_told_all_that_is_declared_and_nothing_else(compose, composer, world):
    other = make_agent(composer, description="Adds numbers.", inputSchema={"numbers": "list"}, outputSchema={"sum": "float"})
    world.says(written(ECHO))
    spaces = [{"namespace": "prices", "access": "read", "description": "What things cost"}]
    reply = compose(description="Echoes loudly.", tools={world.mcp_url: ["price"]}, swaggerSpecs=[world.spec], dataStoreConfig=spaces,
                    gofannonAgents=[other["_id"]], invokableModels=MODELS, allowedHosts=["*.example.org"])  # fmt: skip
    assert reply.status == 200, reply
    ((system, messages),) = world.asked
    told = system + str(messages)
    for words in ("Echoes loudly.", "inputText", "outputText", world.mcp_url, "The price of a thing.", "cents",
                  "/shop/stock/{thing}", "How many there are", other["name"], "Adds numbers.", "numbers", "prices", "What things cost",
                  MODEL, "temperature", "web_search", "*.example.org"):  # fmt: skip
        assert words in told, words
    world.vendor.forget()
    world.reset()
    world.says(written(ECHO))
    assert compose(dataStoreConfig=[]).status == 200
    ((system, _),) = world.asked
    for words in ("# MCP servers", "# HTTP APIs", "# Models", "# Data store", "# Other agents", "# Other hosts"):
        assert words not in system


FORMS = {
    "as asked": written(ECHO),
    "with talk around it": "Sure! Here it is:\n\n**NAME:** made_agent\n**DOCSTRING:**\nWhat it does.\n**CODE:**\n```python\n" + ECHO + "\n```\nEnjoy!",
    "a block alone": "```python\n" + ECHO + "\n```",
    "code alone": ECHO,
    "json": '{"friendlyName": "made_agent", "docstring": "What it does.", "code": "async def run(a, b):\\n    return {\'outputText\': a[\'inputText\']}"}',
    "json in a fence": '```json\n{"name": "made_agent", "code": "async def run(a, b):\\n    return {\'outputText\': a[\'inputText\']}"}\n```',
    "the body alone": written("return {'outputText': input_dict['inputText']}"),
    "not async": written(ECHO.removeprefix("async ")),
    "a fence in the code": written(run('text = """\n```\ncode\n```\n"""\nreturn {"outputText": text}')),
}  # fmt: skip


@pytest.mark.parametrize("answer", FORMS.values(), ids=list(FORMS))
def test_code_is_found_in(compose, world, answer):
    world.says(answer)
    reply = compose(description="Echo the text, always.")
    assert reply.status == 200, reply
    assert "async def run(" in reply.json["code"] and "```python" not in reply.json["code"]
    assert reply.json["friendlyName"] in ("made_agent", "echo_the_text_always")
    assert len(world.asked) == 1


def test_imports_that_are_used_are_there(compose, world):
    world.says(written(run("await asyncio.sleep(0)\nreturn {'outputText': json.dumps(re.findall('a', 'a'))}")))
    code = compose().json["code"]
    assert code.startswith("import asyncio\nimport json\nimport re\n\n\nasync def run(")


# ---- what is refused and repaired ---------------------------------------------------------

BAD = {
    "a syntax error": ("async def run(input_dict, tools:\n    return 1", "it does not compile"),
    "no run": ("def other():\n    return 1", "run() returns nothing."),
    "an unknown name": (run("return {'outputText': nonsense}"), "the name 'nonsense' is not defined"),
    "a module that is not there": ("import pandas\n" + ECHO, "there is no module 'pandas'"),
    "a network of its own": ("import requests\n" + ECHO, "no module 'requests': use http_client"),
    "a process": ("import subprocess\n" + ECHO, "no module 'subprocess'"),
    "hidden code": (run("return eval('{}')"), "eval() hides"),
    "a model": (run("a, b = await call_llm('anthropic', 'x', [], {})\nreturn {'outputText': a}"), "no model may be"),
    "an MCP server": (run("await RemoteMCPClient('http://x/mcp').call('t')\nreturn {'outputText': ''}"), "no MCP server is declared"),
    "an agent": (run("await gofannon_client.call('x', {})\nreturn {'outputText': ''}"), "no agent is declared"),
    "an API": (run("await http_client.get('http://127.0.0.1/')\nreturn {'outputText': ''}"), "no API is declared"),
    "a hidden MCP server": (run("for url in ['http://x/mcp']:\n    try:\n        await globals_()\n    except Exception: pass\nreturn {}"), "globals_"),
    "an exception": (run("return {'outputText': 1 / 0}"), "failed with ZeroDivisionError: division by zero"),
    "another output": (run("return {'text': ''}"), "Missing required output keys: ['outputText']"),
    "another type": (run("return {'outputText': 1}"), "Output 'outputText' has type int but schema declares string."),
    "no end": (run("while True: pass\nreturn {}"), "did not finish within 10 s"),
    "no code": ("", "There is no code in the answer."),
}  # fmt: skip


@pytest.mark.parametrize("code,fault", BAD.values(), ids=list(BAD))
def test_is_told_and_repaired(compose, world, code, fault):
    world.says(written(code) if code else "I would rather not.", written(ECHO))
    reply = compose()
    assert reply.status == 200, reply
    assert len(reply.json["proof"]["attempts"]) == 2 and faults(reply, 1) == []
    assert any(fault in said for said in faults(reply)), faults(reply)
    (_, first), (_, second) = world.asked
    assert len(second) == len(first) + 2 and second[-2]["role"] == "assistant"
    assert fault in str(second[-1]["content"]) or fault in str(second[-1]).replace("\\'", "'")
    assert world.touched() == []


DODGES = {
    "a URL that is not in the text": ("await http_client.get('http://' + input_dict['inputText'].replace('sample text', '127.0.0.1/x'))",
                                      "It asks for GET http://127.0.0.1/x, which is no operation"),
    "an operation": ("await http_client.delete(URL + 'shop/orders' if input_dict else 'x')", "It asks for DELETE"),
    "a server": ("await RemoteMCPClient(''.join(['http://127.0.0.1', '/x'])).list_tools()", "It asks the MCP server 'http://127.0.0.1/x'"),
    "a tool": ("await RemoteMCPClient(''.join([MCP])).call(''.join(['sub', 'tract']))", "It calls the tool 'subtract'"),
    "an argument": ("await RemoteMCPClient(''.join([MCP])).call('price', thing=3)", "'thing' is to be of the type string"),
    "a model": ("await call_llm(*['anthropic', 'other'], [{'role': 'user', 'content': 'a'}], {})", "It asks the model 'anthropic/other'"),
    "an agent": ("await gofannon_client.call(''.join(['x']), {})", "It calls the agent 'x'"),
    "a namespace": ("data_store.use_namespace(''.join(['hers'])).get('k')", "It reads the namespace 'hers'"),
    "the end of a name": ("data_store.use_namespace(''.join(['ours'])).get('k')", "It reads the namespace 'ours'"),
    "writing": ("data_store.use_namespace('mine').set('k', 1)", "It writes to the namespace 'mine'"),
    "a query parameter": ("await http_client.get(URL + 'shop/stock/nail')", "the query parameter 'place' is missing"),
    "a deep body": ("await http_client.post(URL + 'shop/orders', content='[' * 50000)", "its body is no JSON"),
    "a body": ("await http_client.post(URL + 'shop/orders', json={})", "'thing' is missing"),
}  # fmt: skip


@pytest.mark.parametrize("call,fault", DODGES.values(), ids=list(DODGES))
def test_what_the_text_does_not_tell_the_rehearsal_finds(compose, composer, world, call, fault):
    other = make_agent(composer)
    code = f"URL = {world.vendor.url + '/'!r}\nMCP = {world.mcp_url!r}\n\n" + run(f"try:\n    {call}\nexcept Exception:\n    pass\nreturn {{'outputText': ''}}")
    world.says(written(code), written(ECHO))
    reply = compose(tools={world.mcp_url: ["price"]}, swaggerSpecs=[world.spec], invokableModels=MODELS, gofannonAgents=[other["_id"]],
                    dataStoreConfig=[{"namespace": "mine", "access": "read"}, {"namespace": "ours:*"}])  # fmt: skip
    assert reply.status == 200, reply
    assert any(fault in said for said in faults(reply)), faults(reply)
    assert world.touched() == []


def test_connectors_answer_by_their_schemas_and_nothing_is_reached(compose, composer, world):
    other = make_agent(composer, outputSchema={"sum": "float"})
    world.says(written(f"""
import asyncio
URL, MCP = {world.vendor.url!r}, {world.mcp_url!r}

async def run(input_dict, tools):
    response, price, added, (words, _) = await asyncio.gather(
        http_client.get(URL + "/shop/stock/nail", params={{"place": "here"}}),
        RemoteMCPClient(MCP).call("price", thing="nail"),
        gofannon_client.call({other["name"]!r}, {{}}),
        call_llm("anthropic", {MODEL!r}, [{{"role": "user", "content": "Hi"}}], {{}}))
    ordered = await http_client.post(URL + "/shop/orders", json={{"thing": "nail"}})
    store = data_store.use_namespace("mine")
    store.set("a", 1)
    return {{"count": response.json()["count"], "cents": price.structuredContent["cents"], "sum": added["sum"], "words": words,
            "ordered": ordered.status_code, "kept": store.get("a"), "none": store.get("b", "x"), "keys": store.list_keys()}}
"""))  # fmt: skip
    reply = compose(tools={world.mcp_url: ["price"]}, swaggerSpecs=[world.spec], invokableModels=MODELS, gofannonAgents=[other["_id"]],
                    outputSchema={"count": "integer", "cents": "integer", "sum": "float", "words": "string", "ordered": "integer",
                                  "kept": "integer", "none": "string", "keys": "list"})  # fmt: skip
    assert reply.status == 200, reply
    proof = reply.json["proof"]
    assert proof["attempts"] == [{"attempt": 1, "faults": []}]
    assert proof["result"] == {"count": 7, "cents": 3, "sum": 2.5, "words": "This is what a model might say.", "ordered": 204,
                               "kept": 1, "none": "x", "keys": ["a"]}  # fmt: skip
    assert {"call": f"GET {world.vendor.url}/shop/stock/nail", "answeredFrom": "its schema"} in proof["calls"]
    assert {"call": f"{world.mcp_url}: price", "answeredFrom": "its schema"} in proof["calls"]
    assert {"call": f"agent {other['name']}", "answeredFrom": "its declared types"} in proof["calls"]
    assert world.touched() == [] and len(world.asked) == 1
    assert composer.get("/data-store/namespaces/mine").json["recordCount"] == 0


def test_an_agent_answers_what_it_last_returned(compose, composer, world):
    name = make_agent(composer, run("return {'numbers': [1, 2]}"), friendlyName="recorded_agent")
    assert composer.post(f"/agents/{name['_id']}/deploy").status == 201
    assert composer.post("/rest/recorded_agent", {}).json == {"numbers": [1, 2]}
    wait_until(lambda: composer.get(f"/runs?status=completed&agent_id={name['_id']}").json, 20, "the record of a run")
    world.says(written(run(f"return {{'outputText': str(sum((await gofannon_client.call({name['name']!r}, {{}}))['numbers']))}}")))
    reply = compose(gofannonAgents=[name["_id"]])
    assert reply.json["proof"]["result"] == {"outputText": "3"}
    assert reply.json["proof"]["calls"][0]["answeredFrom"] == "an earlier run"


def test_an_answer_of_unknown_form_is_no_fault_of_the_code(compose, world):
    world.says(written(run("response = await http_client.get('https://api.example.org/x')\nreturn {'outputText': response.json()['deep']['er']}")))
    reply = compose(allowedHosts=["api.example.org"])
    assert reply.status == 200 and faults(reply) == []
    assert "The rehearsal ended early, with KeyError: 'deep'" in reply.json["proof"]["notes"][0]


def test_a_host_that_the_description_names_may_be_asked(compose, world):
    world.says(written(run("return {'outputText': (await http_client.get('https://api.example.org/x')).text}")))
    reply = compose(description="Fetch https://api.example.org/x.")
    assert reply.status == 200
    assert "save it with that among its allowedHosts" in reply.json["proof"]["notes"][0]
    assert compose(description="Fetch https://api.example.org/x.", allowedHosts=["*.example.org"]).json["proof"]["notes"] == []


def test_the_sample_may_be_given(compose, world):
    world.says(written(run("return {'outputText': input_dict['inputText'].split(',')[1]}")))
    reply = compose(sampleInput={"inputText": "a,b"})
    assert reply.json["proof"]["result"] == {"outputText": "b"} and len(reply.json["proof"]["attempts"]) == 1


STORE = """
store = data_store.use_namespace('ours:a')
said = [store.set_many({'a': 1, 'b': 2}), store.get_many(['a', 'c']), store.get_all(), store.delete('a'), store.delete('a'),
        store.list_keys('b'), store.list_namespaces(), store.clear(), store.get('b'), store.set('c', None), store.get('c', 7)]
return {'outputText': json.dumps(said)}
"""


def test_the_data_store_is_an_empty_one_of_the_rehearsal(compose, world):
    world.says(written(run(STORE)))
    reply = compose(dataStoreConfig=[{"namespace": "ours:*"}])
    assert reply.json["proof"]["attempts"] == [{"attempt": 1, "faults": []}], reply
    assert json.loads(reply.json["proof"]["result"]["outputText"]) == [
        2, {"a": 1}, {"a": 1, "b": 2}, True, False, ["b"], ["ours:a"], 1, None, None, None]  # fmt: skip


def test_who_leaves_is_not_written_for(composer, world):
    world.vendor.answer(ANTHROPIC, raw(STALL))
    body = {"tools": {}, "description": "Echoes.", "inputSchema": None, "outputSchema": None,
            "modelConfig": {"provider": "anthropic", "model": MODEL, "parameters": {}}}  # fmt: skip
    with composer.connect() as connection:
        connection.send_request("POST", "/agents/generate-code", json.dumps(body).encode())
        world.vendor.wait_asked()
    world.vendor.wait_left()


def test_each_rehearsal_is_a_record(compose, composer, world):
    world.says(written(ECHO))
    assert compose().status == 200
    wait_until(lambda: composer.get("/runs?kind=compose").json[0]["status"] == "completed", 20, "the record of a rehearsal")


def test_an_mcp_server_that_is_not_there_is_composed_for_by_names(compose, world):
    url = "http://127.0.0.1:9/mcp"
    world.says(written(run(f"result = await RemoteMCPClient({url!r}).call('look')\nreturn {{'outputText': result.content[0]['text']}}")))
    reply = compose(tools={url: ["look"]})
    assert reply.status == 200, reply
    assert f"The tools of the MCP server '{url}' were composed for by their names alone" in reply.json["proof"]["notes"][0]


# ---- failures are sentences ------------------------------------------------------------------


def test_a_model_that_never_gets_it_right(compose, world):
    world.says(written(run("return {'outputText': nonsense}")))
    reply = compose()
    assert reply.status == 502
    assert reply.detail == ("The model wrote no agent that holds, in 3 tries. What is wrong with its last: "
                            "line 2: the name 'nonsense' is not defined.")  # fmt: skip
    assert len(world.asked) == 3


VENDOR_FAULTS = {
    "a wrong key": (401, 422), "no credit": (402, 402), "no such model": (404, 422), "wrong parameters": (400, 422), "too much": (429, 429),
    "out of order": (500, 502),
}  # fmt: skip


@pytest.mark.parametrize("vendor,ours", VENDOR_FAULTS.values(), ids=list(VENDOR_FAULTS))
def test_what_the_vendor_refuses(compose, world, vendor, ours):
    world.vendor.answer(ANTHROPIC, whole({"type": "error", "error": {"type": "x", "message": "No."}}, vendor))
    reply = compose()
    assert reply.status == ours, reply
    assert isinstance(reply.detail, str) and reply.detail.endswith(".") or "No." in reply.detail


def test_no_money(compose, composer, world):
    world.says(written(ECHO))
    assert composer.put("/users/me/spend-remaining", {"spendRemaining": 0}).status == 200
    reply = compose()
    assert composer.post("/users/me/reset-allowance").status == 200
    assert (reply.status, reply.detail) == (402, "Insufficient spend allowance to complete request")
    assert world.asked == []


REFUSED = {
    "an agent that is not there": ({"gofannonAgents": ["nobody"]}, 422, "The agent 'nobody', which is to be called, is not there."),
    "no document": ({"swaggerSpecs": [{"name": "x.json", "content": "hello"}]}, 422, "The OpenAPI document 'x.json' cannot be read: "),
    "nothing to do": ({"description": " \n"}, 422, "The description is empty"),
    "no host": ({"allowedHosts": ["http://x/"]}, 422, ""),
    "no such model": ({"modelConfig": {"provider": "anthropic", "model": "claude-none", "parameters": {}}}, 422, "The model that is to write the code"),
    "an agent as the model": ({"modelConfig": {"provider": "gofannon", "model": "x", "parameters": {}}}, 422, "The model that is to write the code"),
    "too much to be told": ({"description": "x" * 100001}, 413, "above the 100000 of prompt_bytes"),
}  # fmt: skip


@pytest.mark.parametrize("fields,status,sentence", REFUSED.values(), ids=list(REFUSED))
def test_refuses(compose, world, fields, status, sentence):
    reply = compose(**fields)
    assert reply.status == status, reply
    assert sentence in str(reply.detail)
    assert world.asked == []


def test_a_tool_that_is_not_there(compose, world):
    reply = compose(tools={world.mcp_url: ["cost"]})
    assert (reply.status, reply.detail) == (422, f"The MCP server '{world.mcp_url}' has no tool 'cost'.")


# ---- as it comes -------------------------------------------------------------------------------


def follow(composer, world, **fields):
    body = {"tools": {}, "description": "Echoes.", "inputSchema": {"inputText": "string"}, "outputSchema": {"outputText": "string"},
            "modelConfig": {"provider": "anthropic", "model": MODEL, "parameters": {}}, **fields}  # fmt: skip
    with composer.connect() as connection:
        connection.send_request("POST", "/agents/generate-code", json.dumps(body).encode(), {"Accept": "text/event-stream"})
        head = connection.read_head()
        return head, [pair for pair in connection.events(head) if pair[0]] if head.status == 200 else []


def test_it_can_be_followed(composer, world):
    world.says(Said(written(run("return {}")), thought="Hm."), written(ECHO))
    head, events = follow(composer, world)
    assert head.header("Content-Type").startswith("text/event-stream")
    states = [(data["state"], data["attempt"]) for event, data in events if event == "progress"]
    assert states == [("asking", 1), ("checking", 1), ("rehearsing", 1), ("repairing", 1),
                      ("asking", 2), ("checking", 2), ("rehearsing", 2)]  # fmt: skip
    said = "".join(data["text"] for event, data in events if event == "text")
    assert said == written(run("return {}")) + written(ECHO)
    assert "".join(data["text"] for event, data in events if event == "thought") == "Hm."
    assert events[-1][0] == "done" and events[-1][1]["code"].strip() == ECHO


def test_a_failure_is_the_last_event(composer, world):
    world.says(written(run("return {}")))
    _, events = follow(composer, world)
    assert events[-1][0] == "error" and events[-1][1]["status"] == 502
    assert events[-1][1]["detail"].startswith("The model wrote no agent that holds")


def test_what_is_wrong_from_the_start_has_its_status(composer, world):
    head, _ = follow(composer, world, gofannonAgents=["nobody"])
    assert head.status == 422
