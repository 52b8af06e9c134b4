# SPDX-License-Identifier: Apache-2.0
"""Providers of models that answer wrongly: the caller is told in a sentence, and pays what is true."""

import pytest
from conftest import HERE
from support import wait_until

CONFIG = """\
storage: {{backend: memory}}
plugins:
  storage-memory:
  service:
  users:
  models:
  openai-api:
  odd: {{plugin: {file}}}
"""

REFUSED = {
    "no-utf8": "text that is not UTF-8, or cut within a character",
    "no-piece": "a piece that is NULL",
    "no-size": "a piece whose struct_size is not set",
    "no-object": "a piece whose data are no object",
    "no-source": "a source or a search without data",
    "no-arguments": "a tool call without the texts id and name and the object arguments",
    "no-vector": "more or fewer vectors than there are inputs",
    "no-number": "a vector that has no numbers, or one that is none",
    "no-input": "vectors that are not in the order of the inputs",
    "one-too-many": "more or fewer vectors than there are inputs",
}
EMBEDDINGS = {"no-vector", "no-number", "no-input", "one-too-many"}


@pytest.fixture(scope="module")
def ask(build_plugin, start_module):
    """ask(model): its reply, at the door of OpenAI's clients."""
    file = build_plugin(HERE / "bad" / "odd-provider.c")
    server = start_module(backend="memory", config=CONFIG.format(file=file))
    wait_until(lambda: server.get("/providers/odd").status == 200, 10, "the list of models")

    def ask(model):
        if model in EMBEDDINGS:
            return server.post("/v1/embeddings", {"model": f"odd/{model}", "input": "x"})
        messages = [{"role": "user", "content": "x"}]
        return server.post("/v1/chat/completions", {"model": f"odd/{model}", "messages": messages})

    ask.server = server
    return ask


def test_what_nobody_could_use_is_nobody_s_answer(ask):
    for model, what in REFUSED.items():
        reply = ask(model)
        assert (reply.status, reply.json["error"]["message"]) == (500, f"The provider 'odd' gave {what}"), model


def test_a_failure_without_words_is_a_sentence(ask):
    reply = ask("long-error")
    assert reply.status == 500 and reply.json["error"]["message"] == "it failed with -9999 and did not say why"


def test_texts_end_where_there_is_no_room_and_what_is_not_utf8_is_left_out(ask):
    reply = ask("no-end")
    choice = reply.json["choices"][0]
    assert (reply.status, choice["message"]["content"], choice["finish_reason"]) == (200, "said", "s" * 31)


def test_what_cannot_be_is_not_paid(ask):
    for model, doubtful in {
        "most-tokens": "has used more than a billion tokens",
        "most-money": "has cost less than nothing, or millions",
        "least-money": "has cost less than nothing, or millions",
    }.items():
        reply = ask(model)
        assert reply.status == 200
        assert 0 < reply.json["usage"]["cost"] < 0.001
        assert f"The provider 'odd' says that a call to '{model}' {doubtful}: it is not believed" in ask.server.log()
