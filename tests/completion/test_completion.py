# SPDX-License-Identifier: Apache-2.0
"""completion/1 in a real server, before a vendor whose every byte is scripted: what is answered, and what is paid."""

import concurrent.futures
import json
import re
import signal
import threading

import pytest
from door import CLAUDE, OPUS
from support import wait_until
from vendor import CUT, RESET, STALL, Gate, event, sse, whole
from vendor_formats import (ANTHROPIC, GEMINI, OPENAI_CHAT, OPENAI_RESPONSES, Said, anthropic, anthropic_events, gemini,
                            openai_chat, openai_chat_events, openai_response, openai_responses)  # fmt: skip

OVERLOADED = whole({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}, 529)
HELLO = anthropic(Said("Hello there", input=1000, output=100))
PRICE = {"input": 3.0, "output": 15.0}


def rate_limited(**headers):
    return whole({"type": "error", "error": {"type": "rate_limit_error", "message": "Slow down"}}, 429, headers=headers)


def failing(status, kind, text="no"):
    return whole({"type": "error", "error": {"type": kind, "message": text}}, status)


def entries_of(door, answer_count):
    """The entries of the ledger, once there are so many; newest last."""
    return wait_until(lambda: [*door.entries()][-answer_count:] if len(door.entries()) >= answer_count else None,
                      20, "the entries")  # fmt: skip


def spends(door, call):
    """What `call()` has taken from the allowance, in nano-dollars, and what it returned."""
    before = door.spent()
    returned = call()
    return door.spent() - before, returned


# ---- money ------------------------------------------------------------------------


def test_an_answer_costs_what_the_catalog_says(door, upstream):
    upstream.answer(ANTHROPIC, HELLO)
    door = door()
    spent, answer = spends(door, lambda: door("Hi", parameters={"max_tokens": "50", "temperature": ""}, key_id="key-1"))
    assert (answer.r, answer.status, answer.text, answer.attempts) == ("ok", 200, "Hello there", 1)
    assert (answer.provider, answer.model, answer.stop_reason) == ("anthropic", "claude-sonnet-4-5-20250929", "stop")
    assert answer.cost == spent == 1000 * 3000 + 100 * 15000
    assert answer.usage == {"input": 1000, "cached": 0, "cache_write": 0, "output": 100, "reasoning": 0}
    assert upstream.last.json["max_tokens"] == 50 and "temperature" not in upstream.last.json
    assert upstream.last.headers["x-api-key"] == "sk-ant-secret"
    entry = entries_of(door, 1)[0]
    assert round(entry["responseCost"] * 1e9) == answer.cost


@pytest.mark.parametrize("model, path, answer, given, sent, note", [
    (CLAUDE, ANTHROPIC, HELLO, {"max_tokens": 1000000}, {"max_tokens": 64000}, "'max_tokens' was made 64000"),
    (CLAUDE, ANTHROPIC, HELLO, {"max_tokens": 2000, "thinking_budget": 5000},
     {"thinking": {"type": "enabled", "budget_tokens": 1999}}, "'thinking_budget' was made 1999"),
    ("openai/o3", OPENAI_RESPONSES, openai_responses(Said("Hello there")), {"reasoning_effort": "xhigh"},
     {"reasoning": {"effort": "high", "summary": "auto"}}, "'reasoning_effort' was made 'high'"),
    ("openai/o3", OPENAI_RESPONSES, openai_responses(Said("Hello there")), {"reasoning_effort": "none"},
     {"reasoning": {"effort": "low", "summary": "auto"}}, "'reasoning_effort' was made 'low'"),
])  # fmt: skip
def test_more_than_a_model_has_is_the_most_that_it_has(door, upstream, model, path, answer, given, sent, note):
    """With a word about it, unless what cannot be is to be refused."""
    upstream.answer(path, answer)
    said = door()(model=model, parameters=given)
    assert (said.r, said.text) == ("ok", "Hello there")
    assert sent.items() <= upstream.last.json.items()
    assert len(said.notes) == 1 and said.notes[0].startswith(f"{note}: {model} takes "), said.notes
    said = door(parameters="refuse")(model=model, parameters=given)
    assert (said.r, said.status, said.attempts, len(upstream.requests)) == ("invalid", 400, 0, 1)


def test_of_many_notes_some_are_told(door, upstream):
    upstream.answer(ANTHROPIC, HELLO)
    more = "There is more to tell of this request."
    assert door(max_notes=2)(parameters={name: 1 for name in "abcd"}).notes == [
        *(f"'{name}' was left out: {CLAUDE} has no such parameter" for name in "ab"), more]  # fmt: skip


@pytest.mark.parametrize("said, cost", [
    (Said("x", input=1000, cached=600, cache_write=300, output=10), 100 * 3000 + 600 * 300 + 300 * 3750 + 10 * 15000),
    (Said("x", input=200000, output=10), 200000 * 3000 + 10 * 15000),
    (Said("x", input=200001, output=10), 200001 * 6000 + 10 * 22500),
    (Said("x", input=200001, cached=200000, output=1), 6000 + 200000 * 300 + 22500),
])  # fmt: skip
def test_each_kind_of_token_has_its_price(door, upstream, said, cost):
    upstream.answer(ANTHROPIC, anthropic(said))
    door = door()
    spent, answer = spends(door, door)
    assert (answer.r, answer.cost, spent) == ("ok", cost, cost)


def test_whose_key_is_used(own_door, upstream):
    upstream.answer(ANTHROPIC, HELLO)
    door = own_door()
    door.server.put("/users/me/api-keys", {"provider": "anthropic", "api_key": "sk-of-the-user"})
    assert door().r == "ok"
    assert upstream.last.headers["x-api-key"] == "sk-of-the-user"
    door.server.delete("/users/me/api-keys/anthropic")
    assert door().r == "ok"
    assert upstream.last.headers["x-api-key"] == "sk-ant-secret"
    assert "sk-of-the-user" not in door.server.log()


def test_what_a_vendor_charges_is_what_it_costs(door, upstream):
    """OpenRouter says it; Perplexity too, and that is how its citations and searches are paid."""
    *events, usage, done = openai_chat_events(Said("Hello there", input=1000, output=100))
    usage = usage | {"usage": usage["usage"] | {"cost": 0.0123456789}}
    upstream.answer(OPENAI_CHAT, sse(*events, usage, done))
    door = door()
    spent, answer = spends(door, lambda: door(model="openrouter/openai/gpt-5"))
    assert (answer.r, answer.cost, spent) == ("ok", 12_345_679, 12_345_679)

    said = openai_response(Said("Hello there", input=1000, output=100))
    said["usage"]["cost"] = {"currency": "USD", "input_cost": 0.002, "output_cost": 0.0008, "citation_cost": 0.001,
                             "search_queries_cost": 0.005, "total_cost": 0.0088}  # fmt: skip
    upstream.answer(OPENAI_RESPONSES, sse({"type": "response.completed", "response": said}, named=True))
    answer = door(model="perplexity/sonar-deep-research")
    assert (answer.r, answer.cost) == ("ok", 8_800_000)


def test_reasoning_and_requests_have_their_prices(door, upstream):
    upstream.answer(OPENAI_RESPONSES, openai_responses(Said("Hello", input=1000, output=100, reasoning=60)))
    answer = door()(model="perplexity/sonar-deep-research")
    assert answer.cost == 1000 * 2000 + 40 * 8000 + 60 * 3000 + 5_000_000
    assert door()(model="openai/gpt-5.2").cost == 1000 * 1750 + 100 * 14000


def test_prices_of_the_operators_files(own_door, upstream):
    """A request, reasoning, citations; the least that can be: a part of a nano-dollar is one."""
    models = {"fancy": {"parameters": {}, "price": {"input": 0.0000001, "output": 1, "reasoning": 2, "request": 5,
                                                    "source": "us", "date": "2026-11-01"}}}  # fmt: skip
    door = own_door()
    door.write_models({"providers": {"anthropic": {"models": models}}})
    wait_until(lambda: door.server.get("/completion-driver/find?model=anthropic/fancy").status == 200, 20, "the model")
    upstream.answer(ANTHROPIC, anthropic(Said("x", input=3, output=0)))
    answer = door(model="anthropic/fancy")
    found = door.server.get("/completion-driver/find?model=anthropic/fancy").json
    assert (found["provider"], found["id"]) == ("anthropic", "fancy")
    one_request = answer.cost - 1
    assert one_request == 5_000  # 3 tokens at a ten-thousandth of a nano-dollar are rounded up to one
    upstream.answer(ANTHROPIC, anthropic(Said("x", input=0, output=10)))
    assert door(model="anthropic/fancy").cost == one_request + 10 * 1000


def test_a_call_keeps_the_price_that_it_began_with(own_door, upstream):
    """The catalog changes while the answer streams."""
    door, gate = own_door(), Gate()
    events = [event(one, one["type"]) for one in anthropic_events(Said("Hello there", input=1000, output=100))]
    upstream.answer(ANTHROPIC, lambda _: sse(*events[:4], gate, *events[4:]))
    with concurrent.futures.ThreadPoolExecutor() as pool:
        asked = pool.submit(door)
        assert gate.reached.wait(120)
        dear = {"price": {"input": 30, "output": 150, "source": "us", "date": "2026-11-01"}}
        door.write_models({"providers": {"anthropic": {"models": {CLAUDE.split("/")[1]: dear}}}})
        wait_until(lambda: json.dumps(door.server.get(f"/completion-driver/find?model={CLAUDE}").json).find("150") > 0,
                   20, "the new price")  # fmt: skip
        gate.open()
        assert asked.result().cost == 1000 * 3000 + 100 * 15000
    upstream.answer(ANTHROPIC, HELLO)
    assert door().cost == 1000 * 30000 + 100 * 150000


def test_parallel_callers_stay_within_the_budget(own_door, upstream):
    """64 at once, of whom a few have the money: nobody is promised what is not there, and all is exact."""
    upstream.answer(ANTHROPIC, HELLO)
    door = own_door()
    call = {"parameters": {"max_tokens": 1000}}
    assert door(**call).r == "ok"
    door.server.put("/users/me/spend-remaining", {"spendRemaining": 0.1})
    with concurrent.futures.ThreadPoolExecutor(64) as pool:
        answers = list(pool.map(lambda _: door(**call), range(64)))
    paid = [answer for answer in answers if answer.r == "ok"]
    refused = [answer for answer in answers if answer.r != "ok"]
    assert paid and refused and len(upstream.requests) == 1 + len(paid)
    for answer in refused:
        assert (answer.r, answer.status, answer.attempts) == ("denied", 402, 0)
        assert answer.error == "Insufficient spend allowance to complete request"
    left = door.me()["usageInfo"]["spendRemaining"]
    assert round(left * 1e9) == 100_000_000 - len(paid) * 4_500_000 >= 0


def test_an_empty_purse_asks_nobody(own_door, upstream):
    upstream.answer(ANTHROPIC, HELLO)
    door = own_door(fallbacks={CLAUDE: [OPUS]})
    door.server.put("/users/me/spend-remaining", {"spendRemaining": 0})
    answer = door()
    assert (answer.status, answer.attempts, upstream.requests) == (402, 0, [])


# ---- names of tools ---------------------------------------------------------------

LONG, DOTTED = "mcp__plugin_of_somebody__" + 50 * "a", "tickets.search"


@pytest.mark.parametrize("model, path, form", [("openai/gpt-4-turbo", OPENAI_CHAT, openai_chat),
                                               (CLAUDE, ANTHROPIC, anthropic)])  # fmt: skip
def test_names_that_the_vendor_does_not_take_are_changed_and_changed_back(door, upstream, model, path, form):
    """OpenAI takes 64 bytes of a name, Anthropic 128, and neither a dot."""
    tools = [{"name": name, "parameters": {"type": "object", "properties": {}}} for name in (LONG, DOTTED, "plain")]
    history = [{"role": "user", "content": "Hi"},
               {"role": "assistant", "content": [{"type": "tool_call", "id": "t", "name": DOTTED, "arguments": {}}]},
               {"role": "user", "content": [{"type": "tool_result", "id": "t", "content": "ok"}]}]  # fmt: skip
    sent, told = {}, {}
    for name in (LONG, DOTTED, "plain"):
        upstream.answer(path, form(Said("x")))
        assert door()(history, model=model, tools=tools, tool_choice={"name": name}).r == "ok"
        choice = upstream.last.json["tool_choice"]
        sent[name] = choice.get("name") or choice["function"]["name"]
        upstream.answer(path, form(Said(tools=[(sent[name], {})])))
        told[name] = door()(history, model=model, tools=tools).text
    assert told == {name: f"{name}()" for name in told}
    assert sent["plain"] == "plain" and (sent[LONG] == LONG) is (model == CLAUDE)
    assert all(re.fullmatch("[A-Za-z0-9_-]+", name) for name in sent.values())
    assert max(len(name) for name in sent.values()) <= (128 if model == CLAUDE else 64)
    body = json.dumps(upstream.last.json)
    assert DOTTED not in body and body.count(sent[DOTTED]) == 2  # among the tools, and in what was said


# ---- parameters -------------------------------------------------------------------


def test_what_only_chat_completions_have_is_asked_there(door, upstream):
    """gpt-4o is asked by the Responses API, which knows neither stop nor seed."""
    given = {"stop": ["Observation:"], "seed": 7, "presence_penalty": 0.5, "top_p": 0.9}
    upstream.answer(OPENAI_CHAT, openai_chat(Said("x")))
    upstream.answer(OPENAI_RESPONSES, openai_responses(Said("x")), openai_responses(Said("x")))
    answer = door()("Hi", model="openai/gpt-4o", parameters=given)
    assert (answer.r, answer.notes) == ("ok", [])
    assert upstream.last.path == OPENAI_CHAT[1:] and {name: upstream.last.json[name] for name in given} == given
    answer = door()("Hi", model="openai/gpt-4o", parameters={"top_p": 0.9})
    assert (answer.r, answer.notes, upstream.last.path, upstream.last.json["top_p"]) == ("ok", [], OPENAI_RESPONSES[1:], 0.9)
    answer = door()("Hi", model="openai/gpt-5", parameters=given)
    assert answer.r == "ok" and len(answer.notes) == len(given) and not given.keys() & upstream.last.json.keys()


def test_geminis_top_p(door, upstream):
    upstream.answer(GEMINI, gemini(Said("x")))
    answer = door()("Hi", model="gemini/gemini-2.5-flash", parameters={"top_p": 0.9, "temperature": 0.5})
    assert (answer.r, answer.notes) == ("ok", [])
    assert upstream.last.json["generationConfig"].items() >= {"topP": 0.9, "temperature": 0.5}.items()


# ---- again ------------------------------------------------------------------------


def test_an_overloaded_vendor_is_asked_again(door, upstream):
    upstream.answer(ANTHROPIC, OVERLOADED, OVERLOADED, HELLO)
    door = door()
    spent, answer = spends(door, door)
    assert (answer.r, answer.attempts, spent) == ("ok", 3, answer.cost)


@pytest.mark.parametrize("reply, status", [
    (failing(401, "authentication_error"), 401),
    (failing(402, "billing_error"), 402),
    (failing(400, "invalid_request_error", "prompt is too long: 5 tokens > 4 maximum"), 400),
    (failing(400, "invalid_request_error", "temperature: is no"), 400),
    (failing(404, "not_found_error"), 404),
    (whole({"type": "error", "error": {"type": "api_error"}}, 500, {"x-should-retry": "false"}), 400),
])  # fmt: skip
def test_what_never_helps_is_asked_once(door, upstream, reply, status):
    upstream.answer(ANTHROPIC, reply)
    door = door()
    spent, answer = spends(door, door)
    assert (answer.status, answer.attempts, spent, len(upstream.requests)) == (status, 1, 0, 1)


@pytest.mark.parametrize("status", [400, 409, 422])
def test_who_says_that_it_helps_is_asked_again(door, upstream, status):
    """As often as others are, and no more."""
    lost = whole({"type": "error", "error": {"type": "invalid_request_error", "message": "Not now"}}, status, {"x-should-retry": "true"})
    upstream.answer(ANTHROPIC, lost, HELLO)
    answer = door()()
    assert (answer.r, answer.text, answer.attempts) == ("ok", "Hello there", 2)
    upstream.answer(ANTHROPIC, lost)
    answer = door()()
    assert (answer.r, answer.status, answer.attempts, answer.cost) == ("unavailable", 503, 3, 0)


@pytest.mark.parametrize("reply", [RESET, CUT], ids=["reset", "cut"])
def test_a_connection_that_breaks_is_made_again(door, upstream, reply):
    upstream.answer(ANTHROPIC, sse(reply), HELLO)
    answer = door()()
    assert (answer.r, answer.text) == ("ok", "Hello there")


def test_the_vendors_pause_is_kept_and_told(door, upstream):
    upstream.answer(ANTHROPIC, rate_limited(**{"retry-after-ms": "50"}), HELLO)
    answer = door()()
    assert (answer.r, answer.attempts) == ("ok", 2) and answer.vendor_us >= 50_000
    upstream.answer(ANTHROPIC, rate_limited(**{"retry-after": "3600"}))
    answer = door()()
    assert (answer.status, answer.attempts, answer.retry_after_ms) == (429, 1, 3_600_000)
    assert "Slow down" in answer.error


def test_a_pause_ends_when_the_client_leaves(door, upstream):
    upstream.answer(ANTHROPIC, rate_limited(**{"retry-after": "50"}))
    door = door()
    with door.server.connect() as connection:
        body = json.dumps({"model": CLAUDE, "messages": [{"role": "user", "content": "Hi"}]}).encode()
        connection.send_request("POST", "/completion-driver", body)
        upstream.wait_asked()
    wait_until(lambda: "status=499" in door.server.log(), 20, "the call to end")
    assert len(upstream.requests) == 1


def test_nothing_is_asked_again_after_the_first_piece(door, upstream):
    events = [event(one, one["type"]) for one in anthropic_events(Said("Hello there", input=1000, output=100))]
    upstream.answer(ANTHROPIC, sse(*events[:4], CUT), HELLO)
    door = door(fallbacks={CLAUDE: [OPUS]})
    spent, answer = spends(door, door)
    assert (answer.r, answer.status, answer.attempts, answer.text) == ("unavailable", 502, 1, "Hello th")
    assert answer.usage["input"] == 1000 and answer.usage["output"] == 2  # of 8 bytes
    assert answer.cost == spent == 1000 * 3000 + 2 * 15000


# ---- leaving ----------------------------------------------------------------------


def test_who_hangs_up_stops_the_vendor_and_pays(door, upstream):
    gate = Gate()
    events = [event(one, one["type"]) for one in anthropic_events(Said("Hello there", input=1000, output=100))]
    upstream.answer(ANTHROPIC, lambda _: sse(*events[:4], gate, *events[4:]))
    door = door()
    before = door.spent()
    stream = door.events()
    assert next(stream) == "Hello th"
    stream.close()
    upstream.wait_left()
    wait_until(lambda: door.spent() != before, 20, "the bill")
    assert door.spent() - before == 1000 * 3000 + 2 * 15000


def test_who_has_enough_stops_the_vendor(door, upstream):
    events = [event(one, one["type"]) for one in anthropic_events(Said("Hello there", input=1000, output=100))]
    upstream.answer(ANTHROPIC, lambda _: sse(*events[:5], STALL))
    answer = door()(stop_after=1)
    assert (answer.r, answer.status, answer.pieces) == ("cancelled", 499, 1)
    upstream.wait_left()


def test_a_stalled_vendor_is_given_up(door, upstream):
    upstream.answer(ANTHROPIC, lambda _: sse(STALL))
    answer = door(idle_ms=100, first_byte_ms=100, retries=1)()
    assert (answer.r, answer.status, answer.attempts, answer.fault) == ("timeout", 504, 2, 800)


def test_the_callers_deadline_is_kept(door, upstream):
    upstream.answer(ANTHROPIC, lambda _: sse(STALL))
    answer = door()(total_ms=2000)
    assert (answer.r, answer.status, answer.attempts) == ("timeout", 504, 1)


def test_a_provider_that_leaves_ends_what_it_has_begun(own_door, upstream):
    gate = Gate()
    events = [event(one, one["type"]) for one in anthropic_events(Said("Hello there", input=1000, output=100))]
    upstream.answer(ANTHROPIC, lambda _: sse(*events[:4], gate, *events[4:]), HELLO)
    door = own_door()
    stream = door.events()
    assert next(stream) == "Hello th"
    door.configure({**door.plugins, "anthropic": {**door.plugins["anthropic"], "enabled": False}})
    door.server.signal(signal.SIGHUP)
    wait_until(lambda: door().status in (404, 503), 20, "it to be gone for others")
    gate.open()
    answer = list(stream)[-1]
    assert (answer.r, answer.text, answer.cost) == ("ok", "Hello there", 1000 * 3000 + 100 * 15000)


# ---- others, limits ---------------------------------------------------------------


def test_another_model_answers_instead(door, upstream):
    upstream.answer(ANTHROPIC, lambda request: HELLO(request) if "opus" in request.json["model"] else OVERLOADED)
    door = door(fallbacks={CLAUDE: ["anthropic/no-such-model", OPUS]}, retries=1)
    spent, answer = spends(door, door)
    assert (answer.r, answer.model, answer.attempts) == ("ok", "claude-opus-4-6", 3)
    assert answer.cost == spent == 1000 * 5000 + 100 * 25000
    assert any("asked instead of anthropic/claude-sonnet-4-5-20250929: " in note for note in answer.notes)


def test_another_vendor_answers_instead(door, upstream):
    """Each with its own parameters, and with its own price."""
    upstream.answer(OPENAI_RESPONSES, failing(429, "insufficient_quota", "You exceeded your current quota"))
    upstream.answer(ANTHROPIC, HELLO)
    door = door(fallbacks={"openai/gpt-5.2": [CLAUDE]})
    answer = door(model="gpt-5.2", parameters={"temperature": 0.5, "reasoning_effort": "low"})
    assert (answer.r, answer.provider, answer.attempts, answer.cost) == ("ok", "anthropic", 2, 4_500_000), answer
    assert "temperature" not in upstream.asked(OPENAI_RESPONSES)[0].json
    assert upstream.last.json["thinking"]["type"] == "enabled"


def test_limits_say_when_to_come_again(own_door, upstream):
    upstream.answer(ANTHROPIC, HELLO)
    door = own_door(limits={"user": {"requests": 2}, "model": {"tokens": 1000000}})
    assert door().requests == {"limit": 2, "remaining": 1, "reset_ms": 30000}
    assert door().tokens["limit"] == 1000000
    answer = door()
    assert (answer.r, answer.status, answer.attempts, answer.fault) == ("busy", 429, 0, 300)
    assert 0 < answer.retry_after_ms <= 30_000 and answer.requests["remaining"] == 0
    assert "limit of this user of 2 requests a minute" in answer.error
    assert door(user="somebody else").r == "ok"
    assert len(upstream.requests) == 3


# ---- being looked at --------------------------------------------------------------


def test_calls_are_measured(own_door, upstream):
    upstream.answer(ANTHROPIC, OVERLOADED, HELLO)
    door = own_door()
    answer = door()
    metrics = door.server.get("/metrics").text
    labels = 'gen_ai_operation_name="chat",gen_ai_provider_name="anthropic",gen_ai_request_model="claude-sonnet-4-5-20250929"'
    assert f'gen_ai_client_token_usage_sum{{{labels},gen_ai_token_type="input"}} 1000\n' in metrics
    assert f'gen_ai_client_token_usage_sum{{{labels},gen_ai_token_type="output"}} 100\n' in metrics
    assert f'gen_ai_client_operation_duration_seconds_count{{{labels},error_type="overloaded"}} 1\n' in metrics
    assert f'gen_ai_client_operation_duration_seconds_count{{{labels},error_type=""}} 1\n' in metrics
    assert 'einion_completion_stage_seconds_count{stage="settle"} 1\n' in metrics
    assert answer.overhead_us < answer.vendor_us + 1_000_000


def test_many_at_once_mix_nothing_up(door, upstream):
    """Each is given its own answer, while clients come and go."""

    def echo(request):
        return anthropic(Said(request.json["messages"][-1]["content"], input=10, output=1))(request)

    upstream.answer(ANTHROPIC, echo)
    door, wrong = door(), []

    def ask(number):
        for turn in range(5):
            text = f"caller {number} turn {turn}"
            if door(text).text != text:
                wrong.append(text)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(32)]
    spent, _ = spends(door, lambda: [[thread.start() for thread in threads], [thread.join() for thread in threads]])
    assert not wrong and spent == 160 * (10 * 3000 + 15000)
