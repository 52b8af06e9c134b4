# SPDX-License-Identifier: Apache-2.0
"""Agents ask models: through the door that every other caller uses, for the user who runs them."""

import concurrent.futures
import functools
import json

import pytest
from agents import body, deploy, make_agent, run
from support import wait_until
from vendor import STALL, Gate, Reply, raw, whole
from vendor_formats import ANTHROPIC, Said, anthropic

MODEL = "claude-sonnet-4-5-20250929"  # 3 and 15 dollars a million tokens
HELLO = Said("Hello there", input=1000, output=100)
COST = (1000 * 3 + 100 * 15) / 1e6


@pytest.fixture
def vendor(vendor):
    return vendor.answer(ANTHROPIC, anthropic(HELLO))


@pytest.fixture(scope="module")
def server(the_vendor, start_module):
    env = {"ANTHROPIC_API_KEY": "sk-ant-secret", "ANTHROPIC_BASE_URL": the_vendor.url}
    return start_module(env=env, sets=["plugins.users.settle_ms=10", "plugins.models.retry_base_ms=1"], ready=True)


def ask(parameters="{'max_tokens': 100}", content="'Hi'", more=""):
    return f"await call_llm('anthropic', '{MODEL}', [{{'role': 'user', 'content': {content}}}], {parameters}{more})"


def held(gate, request):
    """HELLO, once the gate is open."""
    reply = anthropic(HELLO)(request)
    return Reply([*reply.steps[:1], gate, *reply.steps[1:]], reply.chunked)


def calls(answer):
    return [event for event in answer["trace"] if event["type"] == "llm_call"]


def test_content_and_thoughts(server, vendor):
    answer = run(server, f"return {ask()}")
    assert answer["error"] is None and answer["result"] == ["Hello there", None]
    (event,) = calls(answer)
    assert event["duration_ms"] >= 0 and event["ts"]
    expected = {"provider": "anthropic", "model": MODEL, "input_tokens": 1000, "output_tokens": 100,
                "cost_usd": pytest.approx(COST), "error": None, "depth": 1, "source": "system",
                "agent_name": "sandbox_agent"}  # fmt: skip
    assert {name: event[name] for name in expected} == expected
    assert [event["type"] for event in answer["trace"]] == ["agent_start", "llm_call", "agent_end"]


def test_thoughts_are_text(server, vendor):
    vendor.answer(ANTHROPIC, anthropic(Said("42", thought="Let me see.")))
    assert run(server, f"return {ask()}")["result"] == ["42", "Let me see."]


SETTINGS = {
    "for all": ({"maxTokens": 7, "temperature": 0.25}, {"max_tokens": 7, "temperature": 0.25}),
    "for this model": ({"perModel": {f"anthropic/{MODEL}": {"maxTokens": 8}}}, {"max_tokens": 8, "temperature": 0.5}),
    "for another": ({"perModel": {"anthropic/x": {"maxTokens": 9}}, "maxTokens": 9}, {"max_tokens": 100, "temperature": 0.5}),
    "none": (None, {"max_tokens": 100, "temperature": 0.5}),
}


@pytest.mark.parametrize("settings,sent", SETTINGS.values(), ids=list(SETTINGS))
def test_the_settings_of_the_run_count_for_more(server, vendor, settings, sent):
    answer = run(server, f"return {ask(chr(123) + repr('max_tokens') + ': 100, ' + repr('temperature') + ': 0.5}')}", llmSettings=settings)
    assert answer["error"] is None, answer
    assert {name: vendor.requests[-1].json.get(name) for name in sent} == sent


def test_tools_come_and_go(server, vendor):
    vendor.answer(ANTHROPIC, anthropic(Said(tools=[("weather", {"city": "Paris"})])), anthropic(Said("Sunny.")))
    answer = run(server, f"""
tool = {{'type': 'function', 'function': {{'name': 'weather', 'description': 'It.', 'parameters': {{'type': 'object', 'properties': {{}}}}}}}}
messages = [{{'role': 'user', 'content': 'How is it?'}}]
content, thoughts = await call_llm('anthropic', '{MODEL}', messages, {{}}, tools=[tool])
call = thoughts['tool_calls'][0]
messages += [{{'role': 'assistant', 'content': content, 'tool_calls': thoughts['tool_calls']}},
             {{'role': 'tool', 'tool_call_id': call['id'], 'content': '25 degrees'}}]
return [call['function'], (await call_llm('anthropic', '{MODEL}', messages, {{}}, tools=[tool]))[0]]""")
    assert answer["error"] is None, answer
    assert answer["result"] == [{"name": "weather", "arguments": '{"city": "Paris"}'}, "Sunny."]
    assert vendor.requests[0].json["tools"][0]["name"] == "weather"
    sent = json.dumps(vendor.requests[1].json["messages"])
    assert "tool_use" in sent and "tool_result" in sent and "25 degrees" in sent


REFUSED = {
    "no such model": ("await call_llm('anthropic', 'x' * 9, [{'role': 'user', 'content': 'a'}], {})", "ValueError"),
    "no messages": (f"await call_llm('anthropic', '{MODEL}', [], {{}})", "ValueError: The messages are not a list with at least one message."),
    "a role": (f"await call_llm('anthropic', '{MODEL}', [{{'role': 'boss', 'content': 'a'}}], {{}})", "ValueError: messages[0]: the role 'boss' is none of"),
    "a part": (f"await call_llm('anthropic', '{MODEL}', [{{'role': 'user', 'content': [{{'type': 'x'}}]}}], {{}})", "ValueError: messages[0]: Input should be"),
    "parameters": (ask(parameters="7"), "TypeError"),
    "a tool": (ask(more=", tools=[{'name': ''}]"), "ValueError: tools[0]: a tool has a name and parameters."),
    "a built-in tool": (ask(more=", tools=['telepathy']"), f"ValueError: anthropic/{MODEL} has no built-in tool 'telepathy'."),
}  # fmt: skip


@pytest.mark.parametrize("text,error", REFUSED.values(), ids=list(REFUSED))
def test_what_is_wrong_is_an_exception(server, vendor, text, error):
    answer = run(server, text)
    assert answer["error"] and answer["error"].startswith(error), answer["error"]
    assert vendor.requests == []


def test_a_vendor_that_fails(server, vendor):
    vendor.answer(ANTHROPIC, whole({"type": "error", "error": {"type": "authentication_error", "message": "no"}}, status=401))
    answer = run(server, f"try:\n    {ask()}\nexcept PermissionError as error:\n    return str(error)")
    assert "does not accept the key" in answer["result"], answer
    (event,) = calls(answer)
    assert event["error"] == answer["result"] and event["cost_usd"] == 0


def test_in_parallel_with_a_bound(server, vendor):
    """Eight are asked at a time (llm_in_flight): the ninth when one of them has answered."""
    gates = [Gate() for _ in range(20)]
    vendor.answer(ANTHROPIC, *[functools.partial(held, gate) for gate in gates])
    with concurrent.futures.ThreadPoolExecutor() as pool:
        coroutine = ask().removeprefix("await ")
        running = pool.submit(run, server, f"return [one[0] for one in await asyncio.gather(*[{coroutine} for _ in range(20)])]")
        vendor.wait_asked(8)
        assert len(vendor.requests) == 8
        for gate in gates:
            gate.open()
        answer = running.result()
    assert answer["error"] is None and answer["result"] == ["Hello there"] * 20
    assert len(calls(answer)) == 20


def test_a_timeout(server, vendor):
    vendor.answer(ANTHROPIC, raw(STALL))
    answer = run(server, ask(more=", timeout=2"))
    assert answer["error"].startswith("TimeoutError"), answer
    assert calls(answer)[0]["error"]
    vendor.wait_left()


def test_a_task_that_is_cancelled_leaves_its_vendor(server, vendor):
    vendor.answer(ANTHROPIC, raw(STALL))
    answer = run(server, f"""
task = asyncio.ensure_future({ask().removeprefix('await ')})
try:
    await asyncio.wait_for(task, 2)
except asyncio.TimeoutError:
    return 'left'""")
    assert answer["result"] == "left", answer
    (event,) = calls(answer)
    assert event["error"] and answer["trace"].index(event) < len(answer["trace"]) - 1
    vendor.wait_left()


def test_a_client_that_leaves_stops_the_model_call(server, vendor):
    vendor.answer(ANTHROPIC, raw(STALL))
    connection = server.connect()
    payload = json.dumps({"code": body(ask()), "inputDict": {}, "tools": {}}).encode()
    connection.send_request("POST", "/agents/run-code", payload, {"Content-Type": "application/json"})
    vendor.wait_asked()
    connection.close()
    vendor.wait_left()


def test_a_run_is_stopped_in_the_middle_of_a_model_call(server, vendor):
    vendor.answer(ANTHROPIC, raw(STALL))
    agent, name = deploy(server, body(f"try:\n    {ask()}\nexcept BaseException:\n    {ask()}"))
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        answer = pool.submit(server.post, f"/rest/{name}", {})
        vendor.wait_asked()
        (record,) = wait_until(lambda: server.get(f"/runs?agent_id={agent['_id']}").json, 20, "the record")
        assert server.post(f"/runs/{record['_id']}/stop").json["status"] == "stopping"
        assert answer.result().status == 500
    vendor.wait_left()
    record = server.get(f"/runs/{record['_id']}").json
    assert (record["status"], record["reason"]) == ("stopped", "local-dev-user stopped it.")


def test_what_a_run_used_and_cost_is_in_its_record(server, vendor):
    reply = server.post("/agents/run-code", {"code": body(f"{ask()}\n{ask()}"), "inputDict": {}, "tools": {}})
    usage = server.get(f"/runs/{reply.header('X-Einion-Run-Id')}").json["usage"]
    assert (usage["inputTokens"], usage["outputTokens"]) == (2000, 200)
    assert usage["costUsd"] == pytest.approx(2 * COST)


def test_an_empty_purse(server, vendor):
    run(server, f"return {ask()}")
    asked = len(vendor.requests)
    server.put("/users/me/spend-remaining", {"spendRemaining": 0})
    try:
        answer = run(server, ask())
    finally:
        server.put("/users/me/spend-remaining", {"spendRemaining": 100})
    assert answer["error"] == "PermissionError: Insufficient spend allowance to complete request"
    assert len(vendor.requests) == asked
    assert calls(answer)[0]["error"] == "Insufficient spend allowance to complete request"


def test_nested_agents_ask_too_and_the_user_pays(server, vendor):
    inner = make_agent(server, body(f"return {ask()}"), name="inner_llm")
    before = server.get("/users/me").json["usageInfo"]["spendRemaining"]
    answer = run(server, "return await gofannon_client.call('inner_llm', {})", gofannonAgents=[inner["_id"]])
    assert answer["result"] == ["Hello there", None], answer
    (event,) = calls(answer)
    assert (event["agent_name"], event["depth"]) == ("inner_llm", 2)
    paid = wait_until(lambda: before - server.get("/users/me").json["usageInfo"]["spendRemaining"], 20, "the bill")
    assert paid == pytest.approx(COST)


def test_a_deployed_agent_asks(server, vendor):
    _, name = deploy(server, body(f"return {{'said': ({ask()})[0]}}"))
    reply = server.post(f"/rest/{name}", {})
    assert (reply.status, reply.json) == (200, {"said": "Hello there"})


def test_context_windows_and_counts(server, vendor):
    answer = run(server, f"return [get_context_window('anthropic', '{MODEL}'), get_context_window('a', 'b'), count_tokens('')]")
    assert answer["result"] == [200000, 128000, 0], answer


def test_only_declared_models(server, vendor):
    declared = {"provider": "anthropic", "model": MODEL, "parameters": {}}
    _, name = deploy(server, body(f"return {{'said': ({ask()})[0]}}"), invokableModels=[declared])
    assert server.post(f"/rest/{name}", {}).json == {"said": "Hello there"}
    _, other = deploy(server, body(ask()), invokableModels=[declared | {"model": "claude-opus-4-6"}])
    reply = server.post(f"/rest/{other}", {})
    sentence = f"The agent does not declare the model 'anthropic/{MODEL}': add it to its invokableModels."
    assert reply.status == 500 and sentence in reply.detail, reply


def test_only_declared_tools(server, vendor):
    answer = run(server, "await RemoteMCPClient('http://b.test/').list_tools()", tools={"http://a.test/": ["x"]})
    assert answer["error"] == "PermissionError: The agent does not declare the MCP server 'http://b.test/': add it to its tools."
    answer = run(server, "await RemoteMCPClient('http://a.test/').call('y')", tools={"http://a.test/": ["x"]})
    assert answer["error"].startswith("PermissionError: The agent does not declare the tool 'y' of the MCP server"), answer
