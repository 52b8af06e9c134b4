# SPDX-License-Identifier: Apache-2.0
"""GET /providers...: what a caller may call, in the form that front ends know."""

import contextlib
import json

import pytest
import yaml
from house import ALL_KEYS, KEYS, ORDER, config
from support import TESTS, Server, logins

FILES = TESTS.parent / "config" / "models"
TYPES = {"float", "integer", "choice", "list_choice", "boolean", "string"}


@contextlib.contextmanager
def running(**options):
    with Server(**options) as server:
        yield server.start()


@pytest.fixture(scope="module")
def server():
    with running(config=config(), env=ALL_KEYS) as server:
        yield server


@pytest.fixture(scope="module")
def told(server):
    return server.get("/providers").json


def models_of(told):
    return [(name, id, model) for name, provider in told.items() for id, model in provider["models"].items()]


# ---- what is told -----------------------------------------------------------------


def test_all_providers_come_in_their_order(told):
    assert list(told) == ORDER
    assert {name: provider.get("api_key_env_var") for name, provider in told.items()} == {**KEYS, "ollama": None}


def test_there_are_134_models(told):
    assert len(models_of(told)) == 134


def test_every_model_is_described_in_its_own_words(told):
    described = [model["description"] for _, _, model in models_of(told)]
    assert all(40 < len(text) < 250 and text.endswith(".") and text.count(". ") == 0 for text in described), described
    assert len(set(described)) == 134


def test_every_parameter_is_whole(told):
    for name, id, model in models_of(told):
        for parameter, about in model["parameters"].items():
            where = (name, id, parameter)
            assert about["type"] in TYPES and "default" in about and about["description"].endswith("."), where
            if about["type"] == "integer":
                assert isinstance(about["max"], int), where
            if about["type"] == "choice":
                assert about["default"] in about["choices"], where
            if about["type"] in ("integer", "float") and about["default"] is not None:
                assert about["min"] <= about["default"] <= about["max"], where


def test_defaults_never_exclude_each_other(told):
    pairs = 0
    for name, id, model in models_of(told):
        for parameter, about in model["parameters"].items():
            for other in about.get("mutually_exclusive_with", []):
                pairs += 1
                both = [about["default"], model["parameters"].get(other, {}).get("default")]
                assert None in both, (name, id, both)
    assert pairs >= 84


def test_prices_have_a_source_and_a_date(told):
    prices = [model["price"] for _, _, model in models_of(told) if "price" in model]
    assert len(prices) == 130
    assert all(price["source"] and len(price["date"]) == 10 for price in prices)
    assert told["openai"]["models"]["gpt-5.2"]["price"] == {
        "input": 1.75, "output": 14, "cache_read": 0.175, "search": 10000, "source": "models.dev (MIT)", "date": "2026-07-02",
    }  # fmt: skip


def test_built_in_tools_are_told_whole(told):
    assert told["openai"]["models"]["gpt-5.2-2025-12-11"]["built_in_tools"] == [{
        "id": "web_search",
        "description": "Looks the web up when the question needs it, and cites its sources.",
        "tool_config": {"type": "web_search", "search_context_size": "medium"},
        "web_search": ["allowed_domains", "blocked_domains", "max_uses", "context_size", "location", "live", "functions"],
    }]  # fmt: skip


EMBEDS = {"cohere.embed-multilingual-v3"}  # is `like` one that says so


def test_what_a_file_says_is_what_is_told(told):
    for name in ORDER:
        written = yaml.safe_load((FILES / f"{name}.yaml").read_text())["providers"][name]["models"]
        written = {id: model for id, model in written.items() if "embedding" not in model and id not in EMBEDS}
        assert list(written) == list(told[name]["models"])
        for id, model in written.items():
            shown = told[name]["models"][id]
            assert {"like", *shown} >= set(model)
            for member in ("context_window", "limits", "modalities", "api_style"):
                if member in model:
                    assert shown[member] == model[member], (name, id)


# ---- one by one -------------------------------------------------------------------


def test_a_provider_is_what_the_list_has_of_it(server, told):
    for name in ORDER:
        assert server.get(f"/providers/{name}").json == told[name]
        assert server.get(f"/providers/{name}/models").json == list(told[name]["models"])


@pytest.mark.parametrize("path", ["openai/models/gpt-5.2", "openrouter/models/openai/gpt-5",
                                  "openrouter/models/openai%2Fgpt-5",
                                  "bedrock/models/us.amazon.nova-pro-v1%3A0"])  # fmt: skip
def test_a_model_is_found_with_its_slashes_raw_or_encoded(server, told, path):
    name, _, id = path.partition("/models/")
    reply = server.get(f"/providers/{path}")
    assert reply.json == told[name]["models"][id.replace("%2F", "/").replace("%3A", ":")]


@pytest.mark.parametrize("path, detail", [
    ("/providers/zzz", "Provider not found or not configured"),
    ("/providers/zzz/models", "Provider not found or not configured"),
    ("/providers/zzz/models/gpt-5", "Provider not found or not configured"),
    ("/providers/gofannon", "Provider not found or not configured"),
    ("/providers/openai/models/zzz", "Model not found"),
    ("/providers/openai/models/a/b/c", "Model not found"),
])  # fmt: skip
def test_what_is_not_there_is_404(server, path, detail):
    reply = server.get(path)
    assert (reply.status, reply.detail) == (404, detail)


# ---- ETag -------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/providers", "/providers/openai", "/providers/openai/models",
                                  "/providers/openai/models/gpt-5"])  # fmt: skip
def test_answers_have_a_strong_etag_and_are_not_sent_twice(server, path):
    first = server.get(path)
    tag = first.header("ETag")
    assert tag.startswith('"') and server.get(path).header("ETag") == tag
    again = server.get(path, headers={"If-None-Match": f'"other", {tag}'})
    assert (again.status, again.body, again.header("ETag")) == (304, b"", tag)
    assert server.get(path, headers={"If-None-Match": '"other"'}).status == 200


# ---- whose keys -------------------------------------------------------------------


def test_only_what_there_is_a_key_for_is_told(start_server):
    server = start_server(config=config(), env={"GEMINI_API_KEY": "g-0123456789abcdef"})
    before = server.get("/providers")
    assert list(before.json) == ["gemini", "ollama"]
    assert server.get("/providers/openai").status == 404
    assert server.get("/providers/openai/models/gpt-5").status == 404

    server.put("/users/me/api-keys", {"provider": "openai", "api_key": "sk-0123456789abcdef"})
    after = server.get("/providers")
    assert list(after.json) == ["openai", "gemini", "ollama"]
    assert after.header("ETag") != before.header("ETag")
    assert server.get("/providers/openai/models/gpt-5").status == 200

    server.delete("/users/me/api-keys/openai")
    back = server.get("/providers")
    assert (back.body, back.header("ETag")) == (before.body, before.header("ETag"))


def test_bedrock_is_there_with_access_keys_too(start_server):
    env = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "x"}
    assert list(start_server(config=config(), env=env).get("/providers").json) == ["bedrock", "ollama"]


def test_a_provider_without_a_plugin_is_not_told(start_server):
    server = start_server(config=config(["gemini"]), env=ALL_KEYS)
    assert list(server.get("/providers").json) == ["gemini"]
    assert server.get("/providers/openai").status == 404


def test_keys_are_one_users_own(start_server):
    from support import Person

    told = json.loads(config(plugins=["auth-session"]))
    server = start_server(config=json.dumps(told), sets=[logins()])
    alice, carol = Person(server).login("alice"), Person(server).login("carol")
    alice.put("/users/me/api-keys", {"provider": "anthropic", "api_key": "sk-ant-0123456789"})
    assert list(alice.get("/providers").json) == ["anthropic", "ollama"]
    assert list(carol.get("/providers").json) == ["ollama"]
    assert Person(server).get("/providers").status == 401
