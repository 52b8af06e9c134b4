# SPDX-License-Identifier: Apache-2.0
"""llm-ollama speaks Ollama's own API as its own client does, and understands all it says."""

import pytest
from support import Server, wait_until
from talk import WEATHER, message, text
from vendor import CUT, RESET, STALL, Gate, in_pieces, ndjson, raw, whole
from vendor_formats import OLLAMA, Said, ollama, ollama_lines, ollama_whole


@pytest.fixture
def ask(talk, upstream):
    ollama = talk("llm-ollama", base_url=upstream.url)

    def ask(messages="Hi", model="llama3", api_key=None, **call):
        return ollama(messages, model, api_key=api_key, **call)

    ask.talk = ollama
    return ask


@pytest.fixture
def sent(ask, upstream):
    def sent(messages="Hi", **call):
        upstream.answer(OLLAMA, ollama(Said("ok")))
        answer = ask(messages, **call)
        assert answer.r == "ok", answer
        return upstream.last.json

    return sent


# ---- requests ---------------------------------------------------------------------


def test_a_request_is_that_of_the_vendors_client(sent, upstream):
    body = sent([message("system", text("Be brief.")), {"role": "user", "content": "Weather in Paris?"}], tools=[WEATHER],
                parameters={"temperature": 0.5, "num_predict": 64})  # fmt: skip
    assert body == {
        "model": "llama3",
        "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Weather in Paris?"}],
        "tools": [{"type": "function", "function": {"name": "get_weather", "description": "d", "parameters": {
            "type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}}],
        "options": {"temperature": 0.5, "num_predict": 64}, "stream": True}  # fmt: skip
    request = upstream.last
    assert (request.method, request.target, request.headers["content-type"]) == ("POST", "/api/chat", "application/json")
    assert request.headers["accept"] == "application/json" and "authorization" not in request.headers


def test_a_key_is_sent_where_there_is_one(sent, talk, upstream):
    sent(api_key="key-of-the-user")
    assert upstream.last.bearer == "key-of-the-user"
    own = talk("llm-ollama", base_url=upstream.url, env={"OLLAMA_API_KEY": "key-of-the-server"}, keep_alive="5m")
    upstream.answer(OLLAMA, ollama(Said("ok")))
    assert own(api_key=None).r == "ok"
    assert (upstream.last.bearer, upstream.last.json["keep_alive"]) == ("key-of-the-server", "5m")


def test_parameters_are_options(sent):
    options = {"temperature": 0.1, "top_p": 0.5, "top_k": 3, "min_p": 0.05, "num_ctx": 8192, "seed": 7, "stop": ["a"],
               "repeat_penalty": 1.1, "repeat_last_n": 64, "presence_penalty": 0.1, "frequency_penalty": 0.2}  # fmt: skip
    body = sent(parameters=options | {"max_tokens": 9, "keep_alive": -1, "user": "u", "verbosity": "low"})
    assert body["options"] == options | {"num_predict": 9}
    assert body["keep_alive"] == -1 and "user" not in body and "keep_alive" not in sent()


@pytest.mark.parametrize("parameters, think", [
    ({"reasoning_effort": "disable"}, False), ({"reasoning_effort": "none"}, False), ({"reasoning_effort": "low"}, "low"),
    ({"reasoning_effort": "high"}, "high"), ({"reasoning_effort": "minimal"}, "low"), ({"reasoning_effort": "max"}, "max"),
    ({"thinking_budget": 0}, False), ({"thinking_budget": 99}, True), ({"show_thinking": True}, True), ({"think": "medium"}, "medium"),
    ({"show_thinking": False}, None), ({}, None)])  # fmt: skip
def test_think(sent, parameters, think):
    assert sent(parameters=parameters).get("think") == think
    assert "think" not in sent(parameters=parameters, settings={"can_reasoning": False})


@pytest.mark.parametrize("refused_s, times", [(600, 3), (0, 4)])
def test_who_does_not_know_levels_is_asked_again_without(talk, upstream, refused_s, times):
    """Ollama's older servers refuse them but for a few models."""
    ask = talk("llm-ollama", base_url=upstream.url, refused_s=refused_s)

    def older(request):
        refused = whole({"error": 'think value "high" is not supported for this model'}, 400)
        return refused if request.json.get("think") == "high" else ollama(Said("ok"))(request)

    upstream.answer(OLLAMA, older)
    answer = ask(parameters={"reasoning_effort": "high"})
    assert (answer.r, answer.text, upstream.last.json["think"], len(upstream.requests)) == ("ok", "ok", True, 2)
    assert ask(parameters={"reasoning_effort": "high"}).text == "ok"
    assert (upstream.last.json["think"], len(upstream.requests)) == (True, times)
    for effort, think in (("low", "low"), ("none", False)):  # neither was refused
        assert ask(parameters={"reasoning_effort": effort}).text == "ok"
        assert upstream.last.json["think"] == think


def test_structured_output(sent):
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    assert sent(reply_schema=schema)["format"] == schema


def test_tools_that_are_not_to_be_called_are_left_out(sent):
    tools = [WEATHER, {"name": "other", "parameters": {"type": "object"}}]

    def names(choice):
        return [tool["function"]["name"] for tool in sent(tools=tools, tool_choice=choice).get("tools", [])]

    assert [names(choice) for choice in ("auto", "required", "none", {"name": "other"})] == [
        ["get_weather", "other"], ["get_weather", "other"], [], ["other"]]  # fmt: skip


def test_a_conversation_with_tools_and_images(sent):
    call = {"type": "tool_call", "id": "call_1", "name": "get_weather", "arguments": {"city": "Paris"}}
    image = {"type": "image", "media_type": "image/png", "data": "cG5n"}
    body = sent([message("user", text("See"), image, text("and tell.")),
                 message("assistant", {"type": "thought", "text": "Hm.", "replay": {"wire": "ollama"}},
                         {"type": "thought", "text": "No.", "replay": {"wire": "anthropic"}}, text("I "), text("ask."), call),
                 message("user", {"type": "tool_result", "id": "call_1", "content": [text("rain"), image]},
                         {"type": "tool_result", "name": "other", "content": "broke", "is_error": True}, text("So?"))])  # fmt: skip
    assert body["messages"] == [
        {"role": "user", "content": "See\nand tell.", "images": ["cG5n"]},
        {"role": "assistant", "content": "I ask.", "thinking": "Hm.",
         "tool_calls": [{"id": "call_1", "function": {"name": "get_weather", "arguments": {"city": "Paris"}}}]},
        {"role": "tool", "content": "rain", "images": ["cG5n"], "tool_name": "get_weather", "tool_call_id": "call_1"},
        {"role": "tool", "content": "Error: broke", "tool_name": "other"},
        {"role": "user", "content": "So?"}]  # fmt: skip


@pytest.mark.parametrize("part, error", [
    ({"type": "image", "url": "https://example.org/a.png"}, "Ollama takes an image as data, and does not fetch it from a URL"),
    ({"type": "file", "media_type": "application/pdf", "data": "cGRm"},
     "Ollama takes images, but no file of the type application/pdf"),
    ({"type": "video"}, "Ollama takes no part of the type video"), ({"type": "tool_call"}, "a call of a tool has no name"),
])  # fmt: skip
def test_messages_that_cannot_be(ask, upstream, part, error):
    answer = ask([message("user", part)])
    assert (answer.r, answer.fault, answer.error) == ("invalid", "bad_request", error)
    assert upstream.requests == []


# ---- answers ------------------------------------------------------------------------


def test_text_streams_as_it_comes(ask, upstream):
    gate = Gate()
    first, *rest = ollama_lines(Said("Hello there"))
    upstream.answer(OLLAMA, ndjson(first, gate, *rest))
    events = ask.talk.events(model="llama3")
    assert next(events) == {"kind": "text", "text": "Hello th"}
    gate.open()
    assert next(events) == {"kind": "text", "text": "ere"}
    end = next(events)
    assert (end.r, end.stop_reason, end.model) == ("ok", "stop", "model-of-the-vendor")
    assert end.usage == {"input_tokens": 11, "cached_tokens": 0, "cache_write_tokens": 0, "output_tokens": 7, "reasoning_tokens": 0}
    events.close()


@pytest.mark.parametrize("size", [1, 7, 1 << 20])
def test_pieces_on_the_wire_may_end_anywhere(ask, upstream, size):
    said = Said("Grüße, 世界 🎉", thought="Ein Gruß?", tools=[("get_weather", {"city": "Zürich"})], piece=3)
    upstream.answer(OLLAMA, in_pieces(ndjson(*ollama_lines(said)), size))
    answer = ask()
    assert (answer.text, answer.thought, answer.stop_reason) == (said.text, said.thought, "tool_calls")
    assert answer.tool_calls == [{"id": "call_0", "name": "get_weather", "arguments": {"city": "Zürich"}}]
    assert [part["type"] for part in answer.as_message()["content"]][0] == "thought"
    assert answer.replays == [{"wire": "ollama"}]


def test_a_thought_goes_back_with_the_answer(ask, sent, upstream):
    upstream.answer(OLLAMA, ollama(Said("Hello", thought="Hm.", tools=[("f", {})])))
    said = ask().as_message()
    assert sent([said])["messages"] == [{"role": "assistant", "content": "Hello", "thinking": "Hm.",
                                         "tool_calls": [{"id": "call_0", "function": {"name": "f", "arguments": {}}}]}]  # fmt: skip


def test_calls_without_an_id_get_one(ask, upstream):
    upstream.answer(OLLAMA, whole(ollama_whole(Said(tools=[("f", {}), ("g", {"x": 1})]))))
    first, second = ask().tool_calls
    assert len(first["id"]) == len(second["id"]) == 36 and first["id"] != second["id"]


@pytest.mark.parametrize("function", [{"name": "f", "arguments": "{}"}, {"name": "f", "arguments": [1]}, {"arguments": {}}])
def test_a_tool_call_that_is_none(ask, upstream, function):
    upstream.answer(OLLAMA, ndjson({"message": {"tool_calls": [{"function": function}]}, "done": False}))
    answer = ask()
    assert (answer.r, answer.fault, answer.error) == ("unavailable", "overloaded", "Ollama sent a tool call that is not JSON")


@pytest.mark.parametrize("end, stop", [({"done_reason": "length"}, "length"), ({"done_reason": "stop"}, "stop"), ({}, "stop"),
                                       ({"done_reason": "load"}, "stop")])  # fmt: skip
def test_stop_reasons_and_counts_that_are_left_out(ask, upstream, end, stop):
    upstream.answer(OLLAMA, ndjson({"message": {"content": "a"}}, {"done": True, "eval_count": 3, **end}))
    answer = ask()
    assert (answer.stop_reason, answer.usage["input_tokens"], answer.usage["output_tokens"]) == (stop, 0, 3)


def test_the_last_line_may_lack_its_end(ask, upstream):
    *lines, last = ndjson(*ollama_lines(Said("Hello"))).steps[1:-1]
    upstream.answer(OLLAMA, ndjson(*lines, last.rstrip()))
    assert ask().text == "Hello"


# ---- errors ---------------------------------------------------------------------------


@pytest.mark.parametrize("status, words, r, fault, error", [
    (404, "model 'llama9' not found", "invalid", "bad_request", "Ollama does not take the request (404): model 'llama9' not found"),
    (400, '"llama2" does not support tools', "invalid", "bad_request", 'Ollama does not take the request (400): "llama2" does'),
    (400, "the prompt exceeds the available context size", "too_large", "context_too_long", "Ollama finds the conversation too long"),
    (401, "unauthorized", "denied", "bad_key", "Ollama does not accept the key (401): unauthorized"),
    (403, "this model requires a subscription, upgrade for access", "denied", "no_credit", "Ollama says that there is no credit left"),
    (429, "too many concurrent requests", "busy", "rate_limit", "Ollama takes no more requests for now (429): too many"),
    (500, "model requires more system memory (5 GiB)", "unavailable", "overloaded", "Ollama is overloaded (500): model requires"),
    (502, "upstream", "unavailable", "overloaded", "Ollama is overloaded (502): upstream"),
    (503, "server busy, please try again", "unavailable", "overloaded", "Ollama is overloaded (503): server busy"),
])  # fmt: skip
def test_errors(ask, upstream, status, words, r, fault, error):
    upstream.answer(OLLAMA, whole({"error": words, "signin_url": "https://ollama.com/connect"}, status))
    answer = ask()
    assert (answer.r, answer.fault, answer.vendor_status) == (r, fault, status)
    assert answer.error.startswith(error)


@pytest.mark.parametrize("before", [0, 1])
def test_an_error_in_a_stream(ask, upstream, before):
    lines = ollama_lines(Said("Hello there"))[:before]
    upstream.answer(OLLAMA, ndjson(*lines, {"error": "an error was encountered while running the model: CUDA error"}))
    answer = ask()
    assert (answer.r, answer.fault) == ("unavailable", "overloaded")
    assert answer.error == "Ollama is overloaded: an error was encountered while running the model: CUDA error"
    assert answer.text == "Hello th" * before


LINES = ollama_lines(Said("Hello there"))


@pytest.mark.parametrize("reply", [raw(RESET), raw(CUT), ndjson(RESET), ndjson(LINES[0], RESET), ndjson(LINES[0], b'{"mess', CUT),
                                   ndjson(*LINES[:-1]), ndjson(b'{"message": {"content": "\xe2\x82', CUT), ndjson(b"{not json}\n"),
                                   ndjson(*LINES[:-1], chunked=False), whole({}), whole(LINES[0])], ids=lambda reply: None)  # fmt: skip
def test_an_answer_that_breaks_off(ask, upstream, reply):
    upstream.answer(OLLAMA, reply)
    answer = ask()
    assert (answer.r, answer.fault) == ("unavailable", "unreachable"), answer
    assert "Ollama" in answer.error


@pytest.mark.parametrize("reply, limits", [(raw(STALL), {"first_byte_ms": 200}), (ndjson(LINES[0], STALL), {"idle_ms": 200}),
                                           (ndjson(b'{"message', STALL), {"idle_ms": 200})])  # fmt: skip
def test_an_answer_that_stalls(ask, upstream, reply, limits):
    upstream.answer(OLLAMA, reply)
    answer = ask(**limits)
    assert (answer.r, answer.fault) == ("timeout", "unreachable")
    upstream.wait_left()


def test_who_stops_listening_stops_the_vendor(ask, upstream):
    upstream.answer(OLLAMA, ndjson(*LINES[:2], STALL))
    answer = ask(stop_after=1)
    assert (answer.r, answer.fault, len(answer.pieces)) == ("cancelled", "none", 1)
    upstream.wait_left()


def test_a_client_that_leaves_takes_the_vendor_along(ask, upstream):
    upstream.answer(OLLAMA, ndjson(LINES[0], STALL))
    events = ask.talk.events(model="llama3")
    assert next(events)["kind"] == "text"
    events.close()
    upstream.wait_left()


# ---- the list of models ---------------------------------------------------------------------

SHOWN = {"llava:7b": {"capabilities": ["completion", "vision"], "model_info": {"llama.context_length": 32768}},
         "qwen3": {"capabilities": ["completion", "tools", "thinking"], "model_info": {"general.architecture": "qwen3",
                                                                                      "qwen3.context_length": 40960}},
         "embed": {"capabilities": ["embedding"], "model_info": {"bert.embedding_length": 384}}, "old": {"details": {}}}  # fmt: skip


def show(request):
    return whole(SHOWN[request.json["model"]]) if request.json["model"] in SHOWN else whole({"error": "not found"}, 404)


def test_the_list_of_models(ask, upstream):
    names = [*SHOWN, "gone"]
    upstream.answer("/api/tags", whole({"models": [{"name": name, "model": name} for name in names] + [{}]}))
    upstream.answer("/api/show", show)
    models = {model["id"]: model for model in ask.talk.models()}
    assert list(models) == ["llava:7b", "qwen3", "embed", "old", "gone"]
    assert models["llava:7b"] == {
        "id": "llava:7b", "context_window": 32768, "limits": {"context": 32768}, "can_tool_call": False, "can_reasoning": False,
        "can_attachment": True, "modalities": {"input": ["text", "image"], "output": ["text"]}}  # fmt: skip
    assert models["qwen3"] == {
        "id": "qwen3", "context_window": 40960, "limits": {"context": 40960}, "can_tool_call": True, "can_reasoning": True,
        "can_attachment": False, "modalities": {"input": ["text"], "output": ["text"]}}  # fmt: skip
    assert models["embed"]["embedding"] == {"dimensions": 384} and models["embed"]["parameters"]["dimensions"]["max"] == 384
    assert models["old"] == {"id": "old"} and models["gone"] == {"id": "gone"}


def test_details_are_asked_for_so_many_models(talk, upstream):
    upstream.answer("/api/tags", whole({"models": [{"name": "qwen3"}, {"name": "llava:7b"}]}))
    upstream.answer("/api/show", show)
    few = talk("llm-ollama", base_url=upstream.url, details_max=1)
    assert ["context_window" in model for model in few.models()] == [True, False]
    assert len(upstream.asked("/api/show")) == 1


def test_a_list_that_does_not_come(ask, talk, upstream):
    upstream.answer("/api/tags", whole({"error": "broken"}, 500), whole({}), whole([]), raw(CUT))
    assert ask.talk.models() == ("unavailable", "Ollama is overloaded (500): broken")
    assert [ask.talk.models(), ask.talk.models()] == [[], []]
    assert ask.talk.models()[0] == "unavailable"


def test_the_catalog_has_what_the_server_has(upstream):
    """The list, over the catalog and the door to the models, to a client of OpenAI's API."""
    upstream.answer("/api/tags", whole({"models": [{"name": "qwen3"}, {"name": "embed"}]}))
    upstream.answer("/api/show", show)
    upstream.answer(OLLAMA, ollama(Said("Hello there")))
    with Server("memory", env={"OLLAMA_BASE_URL": upstream.url}, sets=["plugins.runtime-python.enabled=false"]) as server:
        server.start()
        entry = wait_until(lambda: server.get("/providers").json["ollama"]["models"].get("qwen3"), 20, "the list")
        assert (entry["limits"]["context"], entry["can_tool_call"], entry["can_reasoning"]) == (40960, True, True)
        assert "num_predict" in entry["parameters"] and entry["price"]["output"] == 0
        call = {"model": "qwen3", "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 9}
        reply = server.post("/v1/chat/completions", call)
        assert reply.json["choices"][0]["message"]["content"] == "Hello there", reply
        assert "embed" not in server.get("/providers").json["ollama"]["models"]
        entry = server.get("/v1/models/ollama/embed").json
        assert entry["embedding"] == {"dimensions": 384} and list(entry["parameters"]) == ["dimensions"]
        assert (upstream.last.json["model"], upstream.last.json["options"]["num_predict"]) == ("qwen3", 9)
