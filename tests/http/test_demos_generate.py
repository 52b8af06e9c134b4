# SPDX-License-Identifier: Apache-2.0
"""A model writes a demo: what it is asked, how strictly it is read, what a failure says."""

import json

import pytest
from demos import MODEL, api, written
from vendor import STALL, Gate, Reply, raw, whole
from vendor_formats import ANTHROPIC, Said, anthropic, speak


@pytest.fixture(scope="module")
def server(the_vendor, start_module):
    env = {"ANTHROPIC_API_KEY": "sk-ant-secret", "ANTHROPIC_BASE_URL": the_vendor.url}
    return start_module(env=env, sets=["plugins.users.settle_ms=10", "plugins.models.retry_base_ms=1",
                                       "plugins.demos.code_max_bytes=2000"])  # fmt: skip


def answers(vendor, *texts):
    """The model says one text after the other."""
    vendor.answer(ANTHROPIC, *[anthropic(Said(text)) for text in texts])


def generate(server, **fields):
    wanted = {"userPrompt": "A page with a box.", "selectedApis": [api("echo me", inputSchema={"n": "integer"})], "modelConfig": MODEL}
    return server.post("/demos/generate-code", wanted | fields)


def test_the_model_is_told_what_it_needs(server, vendor):
    answers(vendor, written())
    reply = generate(server)
    assert (reply.status, reply.json) == (200, {"html": "<p>hi</p>", "css": "p{}", "js": "1", "thoughts": None})
    (asked,) = vendor.requests
    system, user = json.dumps(asked.json["system"]), json.dumps(asked.json["messages"])
    assert asked.json["model"] == MODEL["model"] and asked.json["max_tokens"] == 100
    for words in ("One JSON object", "sandboxed frame", "fetch()"):
        assert words in system
    assert "A page with a box." in user and "what echo me does" in user and "integer" in user
    assert "http://127.0.0.1/rest/echo%20me" in user


def test_with_a_key_it_is_asked_for_once(server, vendor):
    answers(vendor, written())
    wanted = {"userPrompt": "A page.", "selectedApis": [], "modelConfig": MODEL}
    first, again = (server.post("/demos/generate-code", wanted, headers={"Idempotency-Key": "k"}) for _ in range(2))
    assert first.status == 200 and again.body == first.body and again.header("Idempotent-Replayed") == "true"
    assert len(vendor.requests) == 1


def test_thoughts_are_told(server, vendor):
    vendor.answer(ANTHROPIC, anthropic(Said(written(), thought="A box, then.")))
    assert generate(server).json["thoughts"] == "A box, then."


FORGIVEN = [
    "\n " + written() + " \n",
    "```json\n" + written() + "\n```",
    "```\n" + written() + "```\n",
    json.dumps({"html": "<p>{[</p>", "css": "", "js": ""}),
    written(html="<p title=' onx=1' data-on=x once>on = 1, onclick=2 < 3</p>"),
]


@pytest.mark.parametrize("text", FORGIVEN)
def test_what_is_forgiven(server, vendor, text):
    answers(vendor, text)
    assert generate(server).status == 200 and len(vendor.requests) == 1


WRONG = {
    "Here you are: {}": "It does not begin with the { of a JSON object.",
    "": "It is empty.",
    "[1]": "It does not begin with the { of a JSON object.",
    '{"html": "x", "css": "", "js": "a\nb"}': "It is not JSON: line 1",
    written() + "\nI hope that helps.": "It is not JSON",
    '{"html": "x", "css": ""}': 'The member "js" is missing.',
    '{"html": "", "css": "", "js": ""}': '"html" is empty.',
    '{"html": "x", "css": 3, "js": ""}': '"css" is not a text.',
    '{"html": "x", "html": "x", "css": "", "js": ""}': "It is not JSON",
    written(js={"a": 1}): "A member holds an object or a list; each has to be a text.",
    written(thoughts="mine"): 'It has a member that was not asked for: "thoughts".',
    json.dumps({"html": "x", "css": "", "js": "", "é" * 99: 1}): "It has a member that was not asked for",
    written(html="<p>x<SCRIPT src=y>"): '"html" has a <script>; the one script is "js".',
    written(html="<a title='>' onClick = 'go()'>"): '"html" has a handler as an attribute, which does not run',
    written(js="x" * 2000): "It is longer than 2000 bytes.",
}


@pytest.mark.parametrize("text", WRONG, ids=range(len(WRONG)))
def test_an_answer_that_is_no_demo_is_sent_back_once(server, vendor, text):
    answers(vendor, text, written(html="<b>right</b>"))
    reply = generate(server)
    assert reply.status == 200 and reply.json["html"] == "<b>right</b>"
    first, second = vendor.requests
    asked, *said, wrong = second.json["messages"] if text.strip() else [*first.json["messages"], *second.json["messages"]]
    assert [asked] == first.json["messages"] and wrong["role"] == "user" and WRONG[text].replace('"', '\\"') in json.dumps(wrong)
    # Nothing but white space is no answer, which the vendor would refuse.
    assert [each["role"] for each in said] == ["assistant"] * bool(text.strip())


def test_two_bad_answers_are_told(server, vendor):
    answers(vendor, "no", "no, again")
    reply = generate(server)
    assert reply.status == 502 and len(vendor.requests) == 2
    assert reply.detail == ("The model was asked 2 times, and its last answer is no demo. "
                            "It does not begin with the { of a JSON object.")  # fmt: skip


def test_repairs_are_a_setting(start_server, vendor):
    env = {"ANTHROPIC_API_KEY": "sk-ant-secret", "ANTHROPIC_BASE_URL": vendor.url}
    server = start_server(env=env, sets=["plugins.demos.repairs=0"])
    answers(vendor, "no")
    assert generate(server).detail.startswith("The model was asked 1 times") and len(vendor.requests) == 1


def test_an_endless_answer_ends(server, vendor):
    answers(vendor, "x" * 20000)
    reply = generate(server)
    assert (reply.status, reply.detail) == (502, "The model's answer has more than 12000 bytes.")


FAILURES = {
    "no such model": ({"modelConfig": {**MODEL, "model": "nothing-of-that-name"}}, None, 422, ""),
    "no key": ({"modelConfig": {**MODEL, "provider": "openai", "model": "gpt-5.2"}}, None, 422, ""),
    "a bad key": ({}, whole({"type": "error", "error": {"type": "authentication_error", "message": "bad"}}, 401), 422, "Anthropic"),
    "a fault of the vendor": ({}, whole({"type": "error", "error": {"type": "api_error", "message": "oops"}}, 500), 502, "Anthropic"),
    "a bad request": ({}, whole({"type": "error", "error": {"type": "invalid_request_error", "message": "bad"}}, 400), 422, "Anthropic"),
    "too many": ({}, whole({"type": "error", "error": {"type": "rate_limit_error", "message": "slow"}}, 429), 429, "Anthropic"),
}


@pytest.mark.parametrize("name", FAILURES)
def test_failures_are_sentences(server, vendor, name):
    fields, answer, status, words = FAILURES[name]
    if answer:
        vendor.answer(ANTHROPIC, answer)
    reply = generate(server, **fields)
    assert reply.status == status and words in reply.detail, reply
    assert reply.detail.endswith((".", "'")) or " " in reply.detail
    assert "sk-ant" not in reply.text


def test_it_takes_no_longer_than_it_may(start_server, vendor):
    env = {"ANTHROPIC_API_KEY": "sk-ant-secret", "ANTHROPIC_BASE_URL": vendor.url}
    server = start_server(env=env, sets=["plugins.demos.generate_ms=300", "plugins.models.retries=0"])
    vendor.answer(ANTHROPIC, raw(STALL))
    assert generate(server).status == 504


def test_who_leaves_stops_it(server, vendor):
    gate = Gate()

    def held(request):
        reply = anthropic(Said(written()))(request)
        return Reply([*reply.steps[:2], gate, STALL], reply.chunked)

    vendor.answer(ANTHROPIC, held)
    with server.connect() as connection:
        wanted = json.dumps({"userPrompt": "x", "selectedApis": [], "modelConfig": MODEL}).encode()
        connection.send_request("POST", "/demos/generate-code", wanted, {"Content-Type": "application/json"})
        assert gate.reached.wait(120)
    vendor.wait_left()


def test_no_money_no_demo(start_server, vendor):
    env = {"ANTHROPIC_API_KEY": "sk-ant-secret", "ANTHROPIC_BASE_URL": vendor.url}
    server = start_server(env=env)
    assert server.put("/users/me/spend-remaining", {"spendRemaining": 0}).status == 200
    reply = generate(server)
    assert (reply.status, vendor.requests) == (402, []) and reply.detail.endswith("complete request"), reply


def test_it_is_paid_for(server, vendor):
    before = server.get("/users/me").json["usageInfo"]["usage"]
    answers(vendor, "no", written())
    assert generate(server).status == 200
    after = server.get("/users/me").json["usageInfo"]["usage"]
    assert len(after) == len(before) + 2


def test_tools_of_the_model(start_server, vendor):
    """By the ids of the catalog, in the body or in modelConfig."""
    server = start_server(env={"OPENAI_API_KEY": "sk-secret", "OPENAI_BASE_URL": vendor.url})
    models = server.get("/providers/openai").json["models"]
    name, tool = next((name, model["built_in_tools"][0]) for name, model in models.items() if model.get("built_in_tools"))
    config = {"provider": "openai", "model": name, "parameters": {}}
    for fields in ({"modelConfig": config, "builtInTools": [tool["id"], "none-of-it"]}, {"modelConfig": {**config, "builtInTool": tool["id"]}}):
        vendor.forget()
        speak(vendor, Said(written()))
        assert generate(server, **fields).status == 200
        assert vendor.last.json["tools"] == [tool["tool_config"]]


def test_without_models_it_says_so(start_server):
    server = start_server(sets=["plugins.models.enabled=false", "plugins.openai-api.enabled=false",
                                "plugins.chat.enabled=false"])  # fmt: skip
    reply = generate(server)
    assert (reply.status, reply.detail) == (503, "Models cannot be asked: no plugin of the server does that now.")
