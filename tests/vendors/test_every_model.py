# SPDX-License-Identifier: Apache-2.0
"""The server as it is shipped, told by the environment where each vendor is: every model of the
catalog answers a client of OpenAI's API, for exactly its price."""

import math
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction

import pytest
from support import Server
from vendor import Vendor
from vendor_formats import Said, speak

# Which name of the environment says where it is, what is below that, and which has the key.
VENDORS = {
    "anthropic": ("ANTHROPIC_BASE_URL", "", "ANTHROPIC_API_KEY"),
    "bedrock": ("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", "", "AWS_BEARER_TOKEN_BEDROCK"),
    "gemini": ("GEMINI_BASE_URL", "", "GEMINI_API_KEY"),
    "ollama": ("OLLAMA_BASE_URL", "", None),
    "openai": ("OPENAI_BASE_URL", "/v1", "OPENAI_API_KEY"),
    "openrouter": ("OPENROUTER_BASE_URL", "/api/v1", "OPENROUTER_API_KEY"),
    "perplexity": ("PERPLEXITY_BASE_URL", "", "PERPLEXITYAI_API_KEY"),
}
WEATHER = {"type": "function", "function": {"name": "get_weather", "description": "d", "parameters": {
    "type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}}  # fmt: skip


@pytest.fixture(scope="module")
def every_vendor():
    """(the server, the upstream that stands for all of them)."""
    with Vendor() as vendor:
        env = {name: vendor.url + path for name, path, _ in VENDORS.values()} | {"AWS_REGION": "eu-central-1"}
        env |= {key: f"key-of-{name}" for name, (_, _, key) in VENDORS.items() if key}
        sets = ["plugins.runtime-python.enabled=false", "plugins.users.monthly_allowance=1000000"]
        with Server(env=env, sets=sets) as server:
            yield server.start(ready=True), vendor


def key_of(request):
    headers = request.headers
    return headers.get("x-api-key") or headers.get("x-goog-api-key") or request.bearer


def cost_of(price, said):
    """In nano-dollars, by the catalog's entry: dollars for a million."""
    if not price:
        return 0
    million = {kind: Fraction(str(value)) for kind, value in price.items() if isinstance(value, (int, float))}
    cached = said.cached if "cache_read" in million else 0
    reasoning = said.reasoning if "reasoning" in million else 0
    total = million["input"] * (said.input - cached) + million["output"] * (said.output - reasoning)
    total += million.get("cache_read", 0) * cached + million.get("reasoning", 0) * reasoning + million.get("request", 0)
    return math.ceil(total * 1000)


@pytest.mark.parametrize("provider", VENDORS)
def test_every_model_answers_for_its_price(every_vendor, provider):
    server, vendor = every_vendor
    vendor.forget()
    said = Said("Hello there", input=1003, cached=401, output=507, reasoning=101)
    if provider == "ollama":  # which counts neither
        said = Said("Hello there", input=1003, output=507)
    speak(vendor, said)
    models = server.get("/providers").json[provider]["models"]

    def ask(name):
        reply = server.post("/v1/chat/completions", {"model": f"{provider}/{name}", "messages": [{"role": "user", "content": "Hi"}]})
        assert reply.status == 200, (name, reply)
        choice = reply.json["choices"][0]
        assert (choice["message"]["content"], choice["finish_reason"]) == ("Hello there", "stop"), name
        cost = Fraction(reply.header("x-einion-cost")) * 10**9
        assert (reply.header("x-einion-model"), cost) == (f"{provider}/{name}", cost_of(models[name].get("price"), said)), name

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(ask, models))
    asked = [request for request in vendor.requests if request.method == "POST" and request.path != "/api/show"]
    assert len(asked) == len(models) > 0
    assert {key_of(request) for request in asked} == ({f"key-of-{provider}"} if VENDORS[provider][2] else {""})


@pytest.mark.parametrize("model", ["anthropic/claude-opus-4-6", "bedrock/us.anthropic.claude-opus-4-6-v1", "gemini/gemini-3-pro-preview",
                                   "openai/gpt-5.2", "ollama/llama2"])  # fmt: skip
def test_what_was_thought_goes_back_through_a_client_that_knows_nothing_of_it(every_vendor, model):
    server, vendor = every_vendor
    vendor.forget()
    speak(vendor, Said("Let me see.", thought="Hm.", tools=[("get_weather", {"city": "Paris"})], signature="c2lnbmF0dXJl"))
    messages = [{"role": "user", "content": "Weather?"}]
    reply = server.post("/v1/chat/completions", {"model": model, "messages": messages, "tools": [WEATHER]})
    message = reply.json["choices"][0]["message"]
    (call,) = message["tool_calls"]
    speak(vendor, Said("Rain."))
    messages += [message, {"role": "tool", "tool_call_id": call["id"], "content": "It rains."}]
    reply = server.post("/v1/chat/completions", {"model": model, "messages": messages, "tools": [WEATHER]})
    assert reply.json["choices"][0]["message"]["content"] == "Rain.", reply
    sent = vendor.last.body.decode()
    assert all(word in sent for word in ("Let me see.", "get_weather", "Paris", "It rains."))
    assert ("Hm." if model == "ollama/llama2" else "c2lnbmF0dXJl") in sent and "einion" not in sent
