# SPDX-License-Identifier: Apache-2.0
"""What a single API key may: models, a budget, rates.  They hold at every door that models are asked by."""

import concurrent.futures
import itertools

import pytest
from agents import deploy
from people import SETS, Bearer, Person, room
from support import wait_until
from vendor import whole
from vendor_formats import ANTHROPIC, OPENAI_CHAT, Said, anthropic, openai_chat_whole

KEYS = "/users/me/keys"
HAIKU, SONNET = "claude-haiku-4-5-20251001", "claude-sonnet-4-5-20250929"  # 1 and 5, 3 and 15 dollars
HELLO = anthropic(Said("Hello", input=1, output=100))
COST = 0.001503  # of SONNET, and a third of that of HAIKU
MORE = 0.0005  # than calls cost has to be there for them
NUMBERS = itertools.count(1)
AGENT = """
async def run(input_dict, tools):
    try:
        return {"said": (await call_llm(provider="anthropic", model=input_dict["inputText"], messages=[{"role": "user", "content": "Hi"}]))[0]}
    except Exception as error:
        return {"error": str(error)}
"""


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def server(request, postgres, the_upstream):
    env = {"ANTHROPIC_BASE_URL": the_upstream.url, "ANTHROPIC_API_KEY": "k", "OPENAI_BASE_URL": f"{the_upstream.url}/v1",
           "OPENAI_API_KEY": "k", "OPENROUTER_BASE_URL": f"{the_upstream.url}/v1", "OPENROUTER_API_KEY": "k"}  # fmt: skip
    sets = [*SETS, "plugins.auth-api-key.enabled=true", "plugins.users.settle_ms=5", "plugins.users.self_service_limits=true",
            f'plugins.models.fallbacks={{"openai/gpt-4-turbo": ["anthropic/{SONNET}"]}}']  # fmt: skip
    with room(request.param, postgres, sets, ready=True, env=env) as server:
        yield server


@pytest.fixture
def alice(server, upstream):
    upstream.answer(ANTHROPIC, HELLO)
    yield Person(server, f"header:alice-{next(NUMBERS)}")
    server.check()


def key_of(person, scopes=("models", "agents"), **limits):
    reply = person.post(KEYS, {"name": "k", "scopes": [*scopes], **limits})
    assert reply.status == 201, reply
    key = Bearer(person.server, reply.json["key"])
    key.path, key.made = f"{KEYS}/{reply.json['_id']}", reply.json
    return key


def chat(key, model=f"anthropic/{SONNET}", **more):
    body = {"model": model, "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 100, **more}
    return key.post("/v1/chat/completions", body)


def budget_of(person, key):
    return person.get(key.path).json["budget"]


def ticket(key, model):
    body = {"provider": "anthropic", "model": model, "messages": [{"role": "user", "content": "Hi"}]}
    made = key.post("/chat", body)
    assert made.status == 200, made
    reply = wait_until(lambda: (got := key.get(f"/chat/{made.json['ticket_id']}?wait=10").json)["status"] not in
                       ("pending", "processing") and got, 30, "the ticket")  # fmt: skip
    return reply


# ---- how they are told ----


def test_they_are_shown_and_changed(alice):
    plain = key_of(alice)
    assert plain.made["models"] is plain.made["budget"] is plain.made["rates"] is None
    key = key_of(alice, models=["openai/gpt-4*"], budget={"limit": 2.5}, rates={"tokens": 1000})
    assert key.made["models"] == ["openai/gpt-4*"] and key.made["rates"] == {"tokens": 1000}
    budget = key.made["budget"]
    assert budget["resetsAt"].endswith("-01T00:00:00.000000Z")
    assert budget == {"limit": 2.5, "period": "month", "remaining": 2.5, "resetsAt": budget["resetsAt"]}
    assert alice.get(KEYS).json[1]["budget"] == budget

    reply = alice.put(key.path, {"name": "other", "budget": {"limit": 1, "period": "total"}, "models": None})
    assert reply.status == 200
    shown = alice.get(key.path).json
    assert reply.json == shown
    assert (shown["name"], shown["models"], shown["rates"]) == ("other", None, {"tokens": 1000})
    assert shown["budget"] == {"limit": 1, "period": "total", "remaining": 1, "resetsAt": None}
    assert alice.put(key.path, {}).json == shown
    assert alice.put(key.path, {"budget": None, "rates": None}).json["budget"] is None


@pytest.mark.parametrize("body, loc", [
    ({"models": []}, ["models"]), ({"models": ["gpt-4"]}, ["models", 0]), ({"models": ["*"]}, ["models", 0]),
    ({"models": ["openai/*-mini"]}, ["models", 0]), ({"models": ["a/b"] * 101}, ["models"]), ({"models": "a/b"}, ["models"]),
    ({"models": ["a/" + 255 * "b"]}, ["models", 0]),
    ({"budget": {}}, ["budget", "limit"]), ({"budget": {"limit": -1}}, ["budget", "limit"]), ({"budget": 5}, ["budget"]),
    ({"budget": {"limit": 4000001}}, ["budget", "limit"]), ({"budget": {"limit": "much"}}, ["budget", "limit"]),
    ({"budget": {"limit": 1, "period": "year"}}, ["budget", "period"]),
    ({"rates": {"requests": 0}}, ["rates", "requests"]), ({"rates": {"tokens": 1.5}}, ["rates", "tokens"]),
    ({"name": ""}, ["name"]),
])  # fmt: skip
def test_what_makes_no_sense_is_refused(alice, body, loc):
    key = key_of(alice)
    for reply in (alice.put(key.path, body), alice.post(KEYS, {"name": "n", "scopes": ["models"], **body})):
        assert reply.status == 422 and reply.detail[0]["loc"] == ["body", *loc], reply
    assert [one["_id"] for one in alice.get(KEYS).json] == [key.made["_id"]]


def test_a_key_with_limits_makes_and_changes_no_keys(alice):
    free, bound = key_of(alice, ["admin"]), key_of(alice, ["admin"], budget={"limit": 1})
    for key, status in ((free, 201), (bound, 403)):
        reply = key.post(KEYS, {"name": "child", "scopes": ["admin"]})
        assert reply.status == status, reply
    for path in (free.path, bound.path):
        reply = bound.put(path, {"budget": None})
        assert (reply.status, reply.detail) == (403, "An API key with limits of its own makes and changes no keys.")
        assert free.put(path, {"name": "new"}).status == 200
    assert alice.put(f"{KEYS}/AAAAAAAAAAAA", {"name": "x"}).status == 404
    assert Person(alice.server, "header:mallory").put(free.path, {"name": "x"}).status == 404


def test_a_key_sees_what_it_may(alice):
    key = key_of(alice, ["models"], budget={"limit": 1, "period": "total"})
    assert chat(key).status == 200 and key.get(key.path).status == 403
    shown = key.get("/users/me/key").json
    assert shown == alice.get(key.path).json and shown["budget"]["remaining"] == 1 - COST
    reply = alice.get("/users/me/key")
    assert (reply.status, reply.detail) == (404, "This request comes without an API key.")
    assert key_of(alice, ["agents"]).get("/users/me/key").status == 403


# ---- models ----


def test_models_that_a_key_may_not_ask(alice, upstream):
    key = key_of(alice, models=[f"anthropic/{HAIKU}", "openai/gpt-4o*"])
    assert chat(key, f"anthropic/{HAIKU}").status == 200
    assert chat(key, HAIKU).status == 200  # by its bare name
    asked = len(upstream.requests)
    reply = chat(key)
    assert reply.status == 403 and reply.json["error"]["message"] == f"The API key 'k' may not ask anthropic/{SONNET}"
    assert chat(key, stream=True).status == 403
    reply = key.post("/v1/messages", {"model": f"anthropic/{SONNET}", "max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}]})
    assert reply.status == 403 and reply.json["error"]["type"] == "permission_error"
    assert key.post("/v1/responses", {"model": f"anthropic/{SONNET}", "input": "Hi"}).status == 403
    assert key.post("/v1/embeddings", {"model": "openai/text-embedding-3-small", "input": "Hi"}).status == 403
    assert ticket(key, SONNET)["status"] == "failed" and ticket(key, HAIKU)["status"] == "completed"
    assert len(upstream.requests) == asked + 1

    listed = [model["id"] for model in key.get("/v1/models").json["data"]]
    assert f"anthropic/{HAIKU}" in listed and "openai/gpt-4o-mini" in listed
    assert all(name == f"anthropic/{HAIKU}" or name.startswith("openai/gpt-4o") for name in listed)
    assert len(alice.get("/v1/models").json["data"]) > len(listed)
    assert key.get(f"/v1/models/anthropic/{HAIKU}").status == 200
    assert key.get(f"/v1/models/anthropic/{SONNET}").status == 403


def test_the_next_model_of_a_chain_is_not_asked_either(alice, upstream):
    upstream.answer(OPENAI_CHAT, whole({"error": {"message": "no", "type": "server_error"}}, 503))
    key = key_of(alice, models=["openai/*"])
    assert chat(key, "openai/gpt-4-turbo").status == 502 or chat(key, "openai/gpt-4-turbo").status == 503
    assert not any(request.path.endswith("/messages") for request in upstream.requests)
    alice.put(key.path, {"models": ["openai/*", "anthropic/*"]})
    assert chat(key, "openai/gpt-4-turbo").json["model"] == f"anthropic/{SONNET}"


def test_an_agent_asks_what_its_callers_key_may(alice):
    path = f"/rest/{deploy(alice, AGENT)[1]}"
    key = key_of(alice, ["deployments", "models"], models=[f"anthropic/{HAIKU}"], budget={"limit": 1})
    assert key.post(path, {"inputText": HAIKU}).json == {"said": "Hello"}
    assert "may not ask" in key.post(path, {"inputText": SONNET}).json["error"]
    assert alice.post(path, {"inputText": SONNET}).json == {"said": "Hello"}
    assert budget_of(alice, key)["remaining"] == 1 - COST / 3


def test_an_agent_that_is_a_model_asks_what_its_callers_key_may(alice):
    name = f"gofannon/{deploy(alice, AGENT)[1]}"
    key = key_of(alice, ["deployments", "models"], models=[name, f"anthropic/{HAIKU}"], budget={"limit": 1})
    for model, answer in ((HAIKU, '{"said":"Hello"}'), (SONNET, f"may not ask anthropic/{SONNET}")):
        reply = chat(key, name, messages=[{"role": "user", "content": model}])
        assert answer in reply.json["choices"][0]["message"]["content"], reply
    assert budget_of(alice, key)["remaining"] == 1 - COST / 3
    assert chat(key_of(alice, ["deployments", "models"], models=["anthropic/*"]), name).status == 403


def test_what_a_revoked_key_has_begun_asks_no_more(alice, upstream):
    """A key that was stolen is not to spend until the runs end that it has started."""
    key = key_of(alice, ["models", "agents"])
    code = f"""
async def run(input_dict, tools):
    for said in range(600):
        try:
            await call_llm("anthropic", "{SONNET}", [{{"role": "user", "content": "Hi"}}])
        except Exception as error:
            return str(error)
        await asyncio.sleep(0.05)
"""
    with concurrent.futures.ThreadPoolExecutor() as pool:
        run = pool.submit(key.post, "/agents/run-code", {"code": code, "inputDict": {}, "tools": {}})
        wait_until(lambda: upstream.requests, 30, "the first call")
        assert alice.delete(key.path).status == 204
        assert "This API key has been revoked." in str(run.result().json["result"]), run.result()


# ---- money ----


def test_a_budget_is_spent_to_its_end(alice, upstream):
    key, other = key_of(alice, budget={"limit": 2 * COST + MORE, "period": "total"}), key_of(alice)
    assert chat(key).status == 200
    assert budget_of(alice, key)["remaining"] == COST + MORE
    assert chat(key).status == 200
    asked = len(upstream.requests)
    reply = chat(key)
    assert reply.status == 402 and "this API key may spend 0.003506 dollars in total" in reply.json["error"]["message"]
    assert reply.json["error"]["code"] == "insufficient_quota"
    assert "Insufficient budget" in ticket(key, SONNET)["error"]
    assert len(upstream.requests) == asked
    assert chat(other).status == chat(alice).status == 200
    assert alice.get("/users/me").json["usageInfo"]["spendRemaining"] == pytest.approx(100 - 4 * COST, abs=1e-9)

    budget = {"limit": 3 * COST + MORE, "period": "total"}
    assert alice.put(key.path, {"budget": budget}).json["budget"]["remaining"] == COST + MORE
    assert (chat(key).status, chat(key).status) == (200, 402)
    assert alice.put(key.path, {"budget": None}).status == 200
    assert chat(key).status == 200


def test_a_key_has_no_more_than_its_owner(alice):
    key = key_of(alice, budget={"limit": 1000})
    assert alice.put("/users/me/spend-remaining", {"spendRemaining": 0.001}).status == 200
    reply = chat(key)
    assert reply.status == 402 and "Insufficient spend allowance" in reply.json["error"]["message"]
    assert budget_of(alice, key)["remaining"] == 1000


def test_what_has_no_price_is_free_only_while_it_costs_nothing(alice, upstream):
    """Its vendor says afterwards what it has cost, so that one call is too many, and no more."""
    model, said = "openrouter/x-ai/grok-code-fast-1", openai_chat_whole(Said("Hello"))
    assert "price" not in {one["id"]: one for one in alice.get("/v1/models").json["data"]}[model]
    answer = lambda cost: upstream.answer(OPENAI_CHAT, whole(said | {"usage": said["usage"] | {"cost": cost}}))  # noqa: E731
    key, other = key_of(alice, budget={"limit": 1, "period": "total"}), key_of(alice)
    answer(0)
    assert alice.put("/users/me/spend-remaining", {"spendRemaining": 0}).status == 200
    assert chat(other, model).status == 200
    assert alice.put("/users/me/spend-remaining", {"spendRemaining": 100}).status == 200
    answer(0.6)
    assert [chat(key, model).status for _ in range(4)] == [200, 200, 402, 402]
    assert [chat(other, model).status for _ in range(4)] == [200] * 4
    assert alice.put("/users/me/spend-remaining", {"spendRemaining": 0.5}).status == 200
    reply = [chat(other, model) for _ in range(3)]
    assert [one.status for one in reply] == [200, 402, 402]
    assert "Insufficient spend allowance" in reply[1].json["error"]["message"]


def test_a_key_without_money_asks_nobody(alice, upstream):
    key = key_of(alice, budget={"limit": 0, "period": "day"})
    assert chat(key).status == 402 and upstream.requests == []


def test_parallel_calls_stay_within_a_budget(alice):
    key = key_of(alice, budget={"limit": 10 * COST + MORE, "period": "week"})
    with concurrent.futures.ThreadPoolExecutor(32) as pool:
        statuses = list(pool.map(lambda _: chat(key).status, range(48)))
    assert set(statuses) <= {200, 402} and statuses.count(200) <= 10
    while chat(key).status == 200:  # what others held is theirs no longer
        statuses.append(200)
    assert statuses.count(200) == 10
    assert budget_of(alice, key)["remaining"] == MORE


# ---- rates ----


def test_a_key_has_rates_of_its_own(alice):
    key, other = key_of(alice, rates={"requests": 2}), key_of(alice)
    assert [chat(key).status for _ in range(3)] == [200, 200, 429]
    reply = chat(key)
    assert int(reply.header("Retry-After")) in range(1, 31) and "this key of 2 requests a minute" in reply.json["error"]["message"]
    assert reply.header("x-ratelimit-limit-requests") == "2"
    assert chat(other).status == 200
    alice.put(key.path, {"rates": {"requests": 4}})
    assert [chat(key).status for _ in range(3)] == [200, 200, 429]
