# SPDX-License-Identifier: Apache-2.0
"""Providers of models, and logins, that answer wrongly: the caller is told in a sentence, and pays what is true.
One built for ABI 1.0, whose structs are shorter, does not."""

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
  odd: {{plugin: {odd}}}
  old: {{plugin: {old}}}
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
    files = {
        "odd": build_plugin(HERE / "bad" / "odd-provider.c"),
        "old": build_plugin(HERE / "sample" / "provider.c", include=HERE / "1.0"),
    }
    server = start_module(backend="memory", config=CONFIG.format(**files))
    for name in files:
        wait_until(lambda name=name: server.get(f"/providers/{name}").status == 200, 10, f"the models of {name}")

    def ask(model, provider="odd"):
        model = f"{provider}/{model}"
        if model.removeprefix("odd/") in EMBEDDINGS:
            return server.post("/v1/embeddings", {"model": model, "input": "x"})
        messages = [{"role": "user", "content": "x"}]
        return server.post("/v1/chat/completions", {"model": model, "messages": messages})

    ask.server = server
    return ask


def test_what_nobody_could_use_is_nobody_s_answer(ask):
    for model, what in REFUSED.items():
        reply = ask(model)
        assert (reply.status, reply.json["error"]["message"]) == (500, f"The provider 'odd' gave {what}"), model


def test_a_failure_without_words_is_a_sentence(ask):
    reply = ask("long-error")
    assert reply.status == 500 and reply.json["error"]["message"] == "it failed with code -9999 and gave no reason"


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


def test_one_of_abi_1_0_is_as_good_as_ever(ask):
    reply = ask("one", provider="old")
    choice = reply.json["choices"][0]
    assert (reply.status, choice["message"]["content"], choice["finish_reason"]) == (200, "one", "tool_calls")
    assert choice["message"]["tool_calls"][0]["function"] == {"name": "f", "arguments": '{"a":"b"}'}
    assert reply.json["usage"]["total_tokens"] == 7


def test_a_login_that_answers_wrongly_lets_nobody_in(build_plugin, start_server):
    plugins = f"{{storage-memory: , service: , auth-session: {{logins: true}}, odd: {{plugin: {build_plugin(HERE / 'bad' / 'odd-login.c')}}}}}"
    server = start_server(backend="memory", config=f"storage: {{backend: memory}}\nplugins: {plugins}\n")
    for odd, status, detail in (
        ("long", 401, "x" * 251),
        ("bytes", 401, "it failed with code -4 and gave no reason"),
        ("silent", 401, "Not allowed."),
        ("number", 500, "The login 'odd' answers with 7: that is nothing"),
        ("nobody", 500, "An internal server error occurred."),
    ):
        reply = server.get("/auth/sessions", headers={"Odd": odd})
        assert (reply.status, reply.detail) == (status, detail), odd
    reply = server.get("/auth/login/odd")
    assert (reply.status, reply.detail) == (502, "Provider exchange failed: it failed with code -5 and gave no reason")
    assert [p["type"] for p in server.get("/auth/providers").json["providers"]] == ["odd"]
    assert "The login 'odd' does not describe itself: it failed with code -5 and gave no reason" in server.log()
