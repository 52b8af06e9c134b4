# SPDX-License-Identifier: Apache-2.0
"""Which model a name means: provider/model, an id where one provider has it, an alias."""

import concurrent.futures

import pytest
from house import ALL_KEYS, Folder, config
from support import wait_until
from vendor import Vendor, whole

FILE = """
aliases: {best: house/small, gone: house/zzz, house/latest: house/only}
providers:
  house:
    models:
      small: {price: {input: 1, output: 2}}
      only: {price: {input: 1, output: 2}}
      a/b: {price: {input: 1, output: 2}}
  annex: {models: {small: {price: {input: 1, output: 2}}}}
"""


@pytest.fixture(scope="module")
def upstream():
    with Vendor() as vendor:
        vendor.answer("/models", whole("")).answer("/generate", whole('"x"\n{"stop": "stop", "input": 1, "output": 1}\n'))
        yield vendor


@pytest.fixture
def server(start_server, upstream, tmp_path):
    folder = Folder(tmp_path / "models")
    folder.write("house.yaml", FILE)
    providers = ["house", "annex", "openai"]
    return start_server(config=config(providers, dict.fromkeys(providers, upstream.url), {"path": str(folder.path)},
                                      plugins=["openai-api"]), env=ALL_KEYS)  # fmt: skip


def ask(server, model):
    return server.post("/v1/chat/completions", {"model": model, "messages": [{"role": "user", "content": "Hi"}]})


@pytest.mark.parametrize("name, means", [
    ("house/small", "small"), ("annex/small", "small"), ("only", "only"), ("a/b", "a/b"), ("house/a/b", "a/b"),
    ("best", "small"), ("house/latest", "only"), ("gpt-5", "gpt-5"),
])  # fmt: skip
def test_a_name_means_one_model(server, upstream, name, means):
    reply = ask(server, name)
    assert reply.status == 200, reply
    assert [asked for asked in upstream.requests if asked.path == "/generate"][-1].json["model"] == means


@pytest.mark.parametrize("name, status, sentence", [
    ("small", 400, "Several providers have small: say house/... or annex/..."),
    ("zzz", 404, "Model not found: zzz"),
    ("house/zzz", 404, "Model not found: house/zzz"),
    ("gone", 404, "gone stands for house/zzz, which is not there"),
])  # fmt: skip
def test_else_a_sentence_says_why_not(server, name, status, sentence):
    reply = ask(server, name)
    assert (reply.status, reply.json["error"]["message"]) == (status, sentence)


@pytest.mark.parametrize("name", ["claude-sonnet-4-5", "anthropic/claude-sonnet-4-5"])
def test_a_vendors_own_name_without_a_date(start_server, upstream, name):
    server = start_server(config=config(["anthropic"], {"anthropic": upstream.url}, plugins=["openai-api"]), env=ALL_KEYS)
    reply = ask(server, name)
    assert (reply.status, reply.json["model"]) == (200, "anthropic/claude-sonnet-4-5-20250929"), reply


def test_nobody_sees_half_a_change(start_server, tmp_path):
    """Two models appear and disappear together, whoever looks."""
    folder = Folder(tmp_path / "models")
    both = "providers: {openai: {models: {one: {like: gpt-5}}}, gemini: {models: {two: {like: gemini-2.5-pro}}}}"
    folder.write("x.yaml", both)
    server = start_server(config=config(models={"path": str(folder.path), "watch_ms": 10}), env=ALL_KEYS)

    def look(_):
        told = server.get("/providers").json
        return "one" in told["openai"]["models"], "two" in told["gemini"]["models"]

    with concurrent.futures.ThreadPoolExecutor(4) as threads:
        for text, there in [("note: none", False), (both, True)] * 5:
            folder.write("x.yaml", text)
            wait_until(lambda there=there: look(None) == (there, there), 5, "the file to count")
            assert set(threads.map(look, range(8))) == {(there, there)}
