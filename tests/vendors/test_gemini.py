# SPDX-License-Identifier: Apache-2.0
"""llm-gemini speaks generateContent as the vendor's own client does, and understands all it says."""

import base64
import dataclasses
import time

import pytest
from talk import WEATHER, message, text
from vendor import CUT, RESET, STALL, Gate, http_date, in_pieces, raw, sse, whole
from vendor_formats import GEMINI, Said, gemini, gemini_events, gemini_response

PATH = "/v1beta/models/gemini-2.5-flash:streamGenerateContent"
SIGNATURE = "c2lnbmF0dXJl"


@pytest.fixture
def ask(talk, upstream):
    gemini = talk("llm-gemini", base_url=upstream.url + "/", env={"GEMINI_API_KEY": "key-of-the-server"})

    def ask(messages="Hi", model="gemini-2.5-flash", **call):
        return gemini(messages, model, **call)

    ask.talk = gemini
    return ask


@pytest.fixture
def sent(ask, upstream):
    """The body that a call sends."""

    def sent(messages="Hi", **call):
        upstream.answer(GEMINI, gemini(Said("ok")))
        answer = ask(messages, **call)
        assert answer.r == "ok", answer
        return upstream.last.json

    return sent


# ---- requests ---------------------------------------------------------------------


def test_a_request_is_that_of_the_vendors_client(sent, upstream):
    body = sent([message("system", text("Be brief.")), {"role": "user", "content": "Weather in Paris?"}], tools=[WEATHER],
                parameters={"temperature": 0.5, "max_tokens": 64, "show_thinking": True, "thinking_budget": 0})  # fmt: skip
    assert body == {
        "contents": [{"parts": [{"text": "Weather in Paris?"}], "role": "user"}],
        "systemInstruction": {"parts": [{"text": "Be brief."}], "role": "user"},
        "tools": [{"functionDeclarations": [{"name": "get_weather", "description": "d", "parametersJsonSchema": {
            "type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}]}],
        "generationConfig": {"temperature": 0.5, "maxOutputTokens": 64,
                             "thinkingConfig": {"includeThoughts": True, "thinkingBudget": 0}}}  # fmt: skip
    request = upstream.last
    assert (request.method, request.target) == ("POST", PATH + "?alt=sse")
    assert {name: request.headers[name] for name in ("content-type", "x-goog-api-key", "accept")} == {
        "content-type": "application/json", "x-goog-api-key": "key-of-the-user", "accept": "*/*"}  # fmt: skip
    assert "authorization" not in request.headers


def test_a_plain_request_has_nothing_that_was_not_asked_for(sent):
    assert sent() == {"contents": [{"role": "user", "parts": [{"text": "Hi"}]}]}


def test_the_name_of_a_model_is_one_segment_of_the_path(ask, upstream):
    upstream.answer("*", gemini(Said("ok")))
    for model, path in (("models/gemini-2.5-pro", "/v1beta/models/gemini-2.5-pro"), ("a b?c", "/v1beta/models/a%20b%3Fc"),
                        ("tunedModels/x-1", "/v1beta/tunedModels/x-1")):  # fmt: skip
        assert ask(model=model).text == "ok"
        assert upstream.last.raw_path == path + ":streamGenerateContent"


def test_the_servers_own_key_is_used_where_the_user_has_none(ask, upstream):
    upstream.answer(GEMINI, gemini(Said("ok")))
    assert ask(api_key=None).r == "ok"
    assert upstream.last.headers["x-goog-api-key"] == "key-of-the-server"


def test_no_key_is_a_bad_key(talk, upstream):
    answer = talk("llm-gemini", base_url=upstream.url)(api_key=None)
    assert (answer.r, answer.fault, answer.error) == ("denied", "bad_key", "There is no key for Gemini: neither the caller nor this server has one")
    assert upstream.requests == []


def test_parameters_have_the_vendors_names(sent):
    parameters = {"temperature": 0, "top_p": 0.5, "top_k": 3, "max_tokens": 9, "stop": ["a", "b"], "seed": 7,
                  "presence_penalty": 0.1, "frequency_penalty": 0.2, "user": "u", "verbosity": "low",
                  "safety_settings": [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "OFF"}]}  # fmt: skip
    body = sent(parameters=parameters)
    assert body["generationConfig"] == {"temperature": 0, "topP": 0.5, "topK": 3, "maxOutputTokens": 9, "stopSequences": ["a", "b"],
                                        "seed": 7, "presencePenalty": 0.1, "frequencyPenalty": 0.2}  # fmt: skip
    assert body["safetySettings"] == parameters["safety_settings"]


@pytest.mark.parametrize("model, parameters, thinking", [
    ("gemini-2.5-flash", {"reasoning_effort": "disable"}, {"thinkingBudget": 0}),
    ("gemini-2.5-pro", {"reasoning_effort": "disable"}, {"thinkingBudget": 128}),
    ("gemini-2.5-flash", {"reasoning_effort": "low"}, {"thinkingBudget": 1024, "includeThoughts": True}),
    ("gemini-2.5-pro", {"reasoning_effort": "medium"}, {"thinkingBudget": 8192, "includeThoughts": True}),
    ("gemini-2.5-flash", {"reasoning_effort": "high", "show_thinking": False}, {"thinkingBudget": 24576}),
    ("gemini-2.5-flash", {"thinking_budget": -1}, {"thinkingBudget": -1, "includeThoughts": True}),
    ("gemini-2.5-flash", {"show_thinking": True}, {"includeThoughts": True}),
    ("gemini-3-pro-preview", {"reasoning_effort": "disable"}, {"thinkingLevel": "LOW"}),
    ("gemini-3-pro-preview", {"reasoning_effort": "medium"}, {"thinkingLevel": "HIGH", "includeThoughts": True}),
    ("gemini-3.1-pro", {"reasoning_effort": "medium"}, {"thinkingLevel": "MEDIUM", "includeThoughts": True}),
    ("models/gemini-3-flash", {"reasoning_effort": "minimal"}, {"thinkingLevel": "MINIMAL", "includeThoughts": True}),
    ("gemini-3-flash", {"thinking_budget": 2000}, {"thinkingLevel": "MEDIUM", "includeThoughts": True}),
])  # fmt: skip
def test_thinking_is_a_budget_or_a_level(sent, model, parameters, thinking):
    assert sent(model=model, parameters=parameters)["generationConfig"]["thinkingConfig"] == thinking


def test_the_catalog_may_say_how_a_model_thinks(sent):
    body = sent(settings={"wire": {"thinking": "level"}}, parameters={"reasoning_effort": "high"})
    assert body["generationConfig"]["thinkingConfig"]["thinkingLevel"] == "HIGH"
    assert "thinkingConfig" not in sent(parameters={"show_thinking": False}).get("generationConfig", {})


def test_structured_output(sent):
    schema = {"type": "object", "properties": {"n": {"type": "integer", "minimum": 1}}, "additionalProperties": False}
    assert sent(reply_schema=schema)["generationConfig"] == {"responseMimeType": "application/json", "responseJsonSchema": schema}


def test_json_of_any_form(sent):
    assert sent(reply_schema={"type": "object"})["generationConfig"] == {"responseMimeType": "application/json"}


def test_a_schema_beside_tools_is_one_more_tool_to_the_older_models(ask, upstream):
    """They refuse the two together; the newer ones take them."""
    call = {"tools": [WEATHER], "reply_schema": {"type": "object", "properties": {"n": {"type": "integer"}}}}
    upstream.answer("*", gemini(Said(tools=[("give_the_answer", {"n": 1})])))
    answer = ask(**call)
    assert (answer.text, answer.tool_calls, answer.stop_reason) == ('{"n":1}', [], "stop")
    sent = upstream.last.json
    assert [f["name"] for f in sent["tools"][0]["functionDeclarations"]] == ["get_weather", "give_the_answer"]
    assert sent["toolConfig"] == {"functionCallingConfig": {"mode": "ANY"}} and "generationConfig" not in sent
    upstream.answer("*", gemini(Said(tools=[("get_weather", {"city": "Paris"})])))
    answer = ask(**call)
    assert (answer.text, len(answer.tool_calls), answer.stop_reason) == ("", 1, "tool_calls")
    ask(model="gemini-3-flash", **call)
    assert "responseJsonSchema" in upstream.last.json["generationConfig"] and "toolConfig" not in upstream.last.json


@pytest.mark.parametrize("choice, config", [
    ("auto", {"mode": "AUTO"}), ("none", {"mode": "NONE"}), ("required", {"mode": "ANY"}),
    ({"name": "get_weather"}, {"mode": "ANY", "allowedFunctionNames": ["get_weather"]})])  # fmt: skip
def test_tool_choice(sent, choice, config):
    assert sent(tools=[WEATHER], tool_choice=choice)["toolConfig"] == {"functionCallingConfig": config}
    assert "toolConfig" not in sent(tool_choice=choice)


def test_built_in_tools_stand_beside_the_callers(sent):
    built_in = [{"google_search": {}}, {"urlContext": {}}, {"codeExecution": {}}]
    tools = sent(tools=[WEATHER], built_in_tools=built_in)["tools"]
    assert [list(tool) for tool in tools] == [["functionDeclarations"], ["googleSearch"], ["urlContext"], ["codeExecution"]]


def test_images_and_files(sent):
    data = base64.b64encode(b"png").decode()
    parts = sent([message("user", text("See"), {"type": "image", "media_type": "image/png", "data": data},
                          {"type": "file", "media_type": "application/pdf", "url": "https://example.org/a.pdf", "name": "a.pdf"},
                          {"type": "image", "url": "https://example.org/b"})])["contents"][0]["parts"]  # fmt: skip
    assert parts == [{"text": "See"}, {"inlineData": {"mimeType": "image/png", "data": data}},
                     {"fileData": {"mimeType": "application/pdf", "fileUri": "https://example.org/a.pdf"}},
                     {"fileData": {"fileUri": "https://example.org/b"}}]  # fmt: skip


def test_messages_of_one_role_are_one_content(sent):
    call = {"type": "tool_call", "arguments": {"city": "Paris"}, "name": "get_weather"}
    body = sent([message("user", text("Both")), message("assistant", call | {"id": "1"}, call | {"id": "2"}),
                 message("user", {"type": "tool_result", "id": "1", "content": "rain"}),
                 message("user", {"type": "tool_result", "id": "2", "content": [text("sun"), text("wind")], "is_error": True}),
                 message("assistant", text("")), message("user", text("So?"))])  # fmt: skip
    answer = {"name": "get_weather"}
    assert body["contents"] == [
        {"role": "user", "parts": [{"text": "Both"}]},
        {"role": "model", "parts": [{"functionCall": {"name": "get_weather", "args": {"city": "Paris"}}}] * 2},
        {"role": "user", "parts": [{"functionResponse": answer | {"response": {"output": "rain"}}},
                                   {"functionResponse": answer | {"response": {"error": "sun\nwind"}}},
                                   {"text": "So?"}]}]  # fmt: skip


def test_an_image_that_a_tool_answers(sent):
    image = {"type": "image", "media_type": "image/png", "data": "cG5n"}
    messages = [message("assistant", {"type": "tool_call", "id": "1", "name": "f", "arguments": {}}),
                message("user", {"type": "tool_result", "id": "1", "content": [text("see"), image]})]  # fmt: skip
    blob = {"inlineData": {"mimeType": "image/png", "data": "cG5n"}}
    response = {"name": "f", "response": {"output": "see"}}
    assert sent(messages)["contents"][2]["parts"] == [{"functionResponse": response}, blob]
    assert sent(messages, model="gemini-3-flash")["contents"][2]["parts"] == [{"functionResponse": response | {"parts": [blob]}}]


def test_the_user_begins(sent):
    """A history that begins with a call of a tool is refused, and one without messages."""
    begins = {"role": "user", "parts": [{"text": "(The conversation begins.)"}]}
    assert sent([message("system", text("x"))])["contents"] == [begins]
    assert sent([message("assistant", text("Hello!")), message("user", text("Hi"))])["contents"][0] == begins


@pytest.mark.parametrize("messages, error", [
    ([message("user", {"type": "image"})], "an image or a file has neither data nor a URL"),
    ([message("user", {"type": "video"})], "Gemini takes no part of the type video"),
    ([message("user", {"type": "tool_result", "id": "7", "content": ""})], "the answer of a tool is to no call and has no name"),
    ([message("assistant", {"type": "tool_call", "id": "7"})], "a call of a tool has no name"),
])  # fmt: skip
def test_messages_that_cannot_be(ask, upstream, messages, error):
    answer = ask(messages)
    assert (answer.r, answer.fault, answer.error) == ("invalid", "bad_request", error)
    assert upstream.requests == []


# ---- answers ------------------------------------------------------------------------


def test_text_streams_as_it_comes(ask, upstream):
    gate = Gate()
    first, last = gemini_events(Said("Hello there"))
    upstream.answer(GEMINI, sse(first, gate, last))
    events = ask.talk.events(model="gemini-2.5-flash")
    assert next(events) == {"kind": "text", "text": "Hello th"}
    gate.open()
    assert next(events) == {"kind": "text", "text": "ere"}
    end = next(events)
    assert (end.r, end.stop_reason, end.model, end.vendor_request_id) == ("ok", "stop", "model-of-the-vendor", "resp-1")
    events.close()


@pytest.mark.parametrize("size", [1, 7, 1 << 20])
def test_pieces_on_the_wire_may_end_anywhere(ask, upstream, size):
    said = Said("Grüße, 世界 🎉", thought="Ein Gruß?", tools=[("get_weather", {"city": "Zürich"})], piece=3)
    upstream.answer(GEMINI, in_pieces(sse(*gemini_events(said)), size))
    answer = ask()
    assert (answer.text, answer.thought, answer.stop_reason) == (said.text, said.thought, "tool_calls")
    assert answer.tool_calls[0]["arguments"] == {"city": "Zürich"}


def test_usage(ask, upstream):
    usage = {"promptTokenCount": 100, "cachedContentTokenCount": "40", "candidatesTokenCount": 7, "thoughtsTokenCount": "9007199254",
             "toolUsePromptTokenCount": 5, "totalTokenCount": 112}  # fmt: skip
    first, last = gemini_events(Said("Hello there"))
    upstream.answer(GEMINI, sse(first | {"usageMetadata": {"promptTokenCount": 99}}, last | {"usageMetadata": usage}))
    assert ask().usage == {"input_tokens": 105, "cached_tokens": 40, "cache_write_tokens": 0,
                           "output_tokens": 9007199261, "reasoning_tokens": 9007199254}  # fmt: skip


@pytest.mark.parametrize("reason, stop", [("STOP", "stop"), ("MAX_TOKENS", "length"), ("SAFETY", "content_filter"),
                                          ("PROHIBITED_CONTENT", "content_filter"), ("RECITATION", "content_filter"),
                                          ("OTHER", "stop"), ("A_NEW_ONE", "stop")])  # fmt: skip
def test_stop_reasons(ask, upstream, reason, stop):
    upstream.answer(GEMINI, sse(gemini_response(Said(), [{"text": "Hel"}], reason)))
    answer = ask()
    assert (answer.r, answer.stop_reason, answer.text) == ("ok", stop, "Hel")
    if stop == "content_filter":
        assert f"Gemini ended an answer: {reason}" in ask.talk.server.log()


@pytest.mark.parametrize("reason, r, fault, error", [
    ("MALFORMED_FUNCTION_CALL", "unavailable", "overloaded",
     "Gemini made a tool call that cannot be read (MALFORMED_FUNCTION_CALL)"),
    ("UNEXPECTED_TOOL_CALL", "unavailable", "overloaded", "Gemini called a tool that it was not given (UNEXPECTED_TOOL_CALL)"),
    ("MISSING_THOUGHT_SIGNATURE", "invalid", "bad_request",
     "Gemini misses the signature of a thought (MISSING_THOUGHT_SIGNATURE)"),
    ("OTHER", "unavailable", "overloaded", "Gemini ended without an answer and without a reason"),
])  # fmt: skip
def test_reasons_that_are_faults(ask, upstream, reason, r, fault, error):
    upstream.answer(GEMINI, sse(gemini_response(Said(), [], reason)))
    answer = ask()
    assert (answer.r, answer.fault, answer.error, answer.usage["input_tokens"]) == (r, fault, error, 11)


def test_a_prompt_that_is_blocked(ask, upstream):
    upstream.answer(GEMINI, sse({"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}, "usageMetadata": {"promptTokenCount": 4}}))
    answer = ask()
    assert (answer.r, answer.fault, answer.error) == ("invalid", "refused", "Gemini refuses to answer this: PROHIBITED_CONTENT")
    assert answer.usage["input_tokens"] == 4


def test_tool_calls_end_with_stop(ask, upstream):
    parts = [{"functionCall": {"name": "a", "args": {"x": [1, None]}}}, {"functionCall": {"name": "b", "id": "fc-1"}}]
    upstream.answer(GEMINI, sse(gemini_response(Said(), parts), gemini_response(Said(), [], "STOP")))
    answer = ask()
    first, second = answer.tool_calls
    assert (first["name"], first["arguments"], len(first["id"]), "replay" in first) == ("a", {"x": [1, None]}, 36, False)
    assert second == {"id": "fc-1", "name": "b", "arguments": {}, "replay": {"wire": "gemini", "id": "fc-1"}}
    assert answer.stop_reason == "tool_calls"


@pytest.mark.parametrize("call", [{"name": "a", "args": "{"}, {"args": {}}, {"name": "a", "args": [1]}])
def test_a_tool_call_that_is_none(ask, upstream, call):
    upstream.answer(GEMINI, sse(gemini_response(Said(), [{"functionCall": call}], "STOP")))
    answer = ask()
    assert (answer.r, answer.fault, answer.error) == ("unavailable", "overloaded", "Gemini sent a tool call that is not JSON")


def test_sources_come_once(ask, upstream):
    chunks = [{"web": {"uri": "https://a.example/", "title": "A"}}, {"web": {"uri": "https://b.example/"}},
              {"retrievedContext": {"uri": "https://c.example/", "title": "C"}}, {"web": {}}]  # fmt: skip
    pages = [{"retrievedUrl": f"https://{status}.example/", "urlRetrievalStatus": f"URL_RETRIEVAL_STATUS_{status}"}
             for status in ("SUCCESS", "ERROR")]  # fmt: skip

    def event(finish, count):
        made = gemini_response(Said(), [{"text": "x"}], finish)
        made["candidates"][0] |= {"groundingMetadata": {"groundingChunks": chunks[:count], "webSearchQueries": ["q"]},
                                  "citationMetadata": {"citationSources": [{"uri": "https://d.example/", "startIndex": 0}]},
                                  "urlContextMetadata": {"urlMetadata": pages}}  # fmt: skip
        return made

    upstream.answer(GEMINI, sse(event(None, 1), event("STOP", 4)))
    assert ask().sources == [{"url": "https://a.example/", "title": "A"}, {"url": "https://d.example/"},
                             {"url": "https://SUCCESS.example/"}, {"url": "https://b.example/"},
                             {"url": "https://c.example/", "title": "C"}]  # fmt: skip


def test_code_that_gemini_ran_is_text(ask, upstream):
    parts = [{"text": "So:"}, {"executableCode": {"language": "PYTHON", "code": "print(1)"}},
             {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "1\n"}},
             {"codeExecutionResult": {"outcome": "OUTCOME_DEADLINE_EXCEEDED"}}]  # fmt: skip
    upstream.answer(GEMINI, sse(gemini_response(Said(), parts, "STOP")))
    assert ask().text == "So:\n```python\nprint(1)\n```\n\n```\n1\n```\n\n```\nOUTCOME_DEADLINE_EXCEEDED\n```\n"


def test_what_is_not_known_is_ignored(ask, upstream):
    odd = gemini_response(Said(), [{"newPart": {}}, {"text": "a"}, 7, {"inlineData": {"mimeType": "image/png", "data": ""}}])
    second = {"index": 1, "content": {"parts": [{"text": "another"}]}}
    odd["candidates"].append(second)
    upstream.answer(GEMINI, sse(b": ping\n\n", odd, {}, [], {"candidates": [{"finishReason": "STOP"}]}))
    assert ask().text == "a"


def test_a_vendor_that_does_not_stream(ask, upstream):
    upstream.answer(GEMINI, whole(gemini_events(Said("Hello there"))), whole(gemini_response(Said(), [{"text": "one"}], "STOP")))
    assert [ask().text, ask().text] == ["Hello there", "one"]


# ---- signatures ------------------------------------------------------------------------


def again(ask, sent, parts, model="gemini-3-flash"):
    """What is sent for an answer of these parts when it is given back."""
    ask.upstream.answer(GEMINI, sse(*[gemini_response(Said(), [part]) for part in parts[:-1]],
                                    gemini_response(Said(), parts[-1:], "STOP")))  # fmt: skip
    said = ask(model=model).as_message()
    results = [{"type": "tool_result", "id": part["id"], "content": "ok"} for part in said["content"] if part["type"] == "tool_call"]
    return sent([{"role": "user", "content": "Hi"}, said, *([message("user", *results)] if results else [])], model=model)["contents"]


@pytest.fixture
def replayed(ask, sent, upstream):
    ask.upstream = upstream
    return lambda parts, **options: again(ask, sent, parts, **options)


def test_signatures_go_back_on_the_same_parts(replayed):
    parts = [{"text": "I should ask.", "thought": True, "thoughtSignature": "czE="},
             {"text": "Let me see. "}, {"text": "Grüße", "thoughtSignature": "czI="},
             {"functionCall": {"name": "a", "args": {"x": 1}}, "thoughtSignature": "czM="},
             {"functionCall": {"name": "b", "args": {}, "id": "fc-2"}}]  # fmt: skip
    _, model, results = replayed(parts)
    assert model == {"role": "model", "parts": parts}
    assert results["parts"] == [{"functionResponse": {"name": "a", "response": {"output": "ok"}}},
                                {"functionResponse": {"id": "fc-2", "name": "b", "response": {"output": "ok"}}}]  # fmt: skip


def test_a_signature_may_come_without_text(replayed):
    assert replayed([{"text": "Hello"}, {"text": "", "thoughtSignature": SIGNATURE}])[1]["parts"] == [
        {"text": "Hello"}, {"text": "", "thoughtSignature": SIGNATURE}]  # fmt: skip


def test_text_that_a_client_joined_is_parted_again(sent):
    replay = {"type": "thought", "replay": {"wire": "gemini", "thoughtSignature": SIGNATURE, "text_bytes": 7}}
    parts = sent([message("assistant", text("Oh, Grüße"), replay)])["contents"][1]["parts"]
    assert parts == [{"text": "Oh, "}, {"text": "Grüße", "thoughtSignature": SIGNATURE}]
    # and one that was changed meanwhile is left as it is
    parts = sent([message("assistant", text("Oh"), replay)])["contents"][1]["parts"]
    assert parts == [{"text": "Oh"}, {"text": "", "thoughtSignature": SIGNATURE}]


def test_thoughts_of_others_stay_behind(sent):
    call = {"type": "tool_call", "id": "toolu_1", "name": "f", "arguments": {}}
    messages = [message("assistant", {"type": "thought", "text": "hm", "replay": {"wire": "anthropic", "signature": "x"}},
                        {"type": "thought", "text": "hm"}, call | {"replay": {"wire": "openai", "id": "fc"}}, call)]  # fmt: skip
    bare = {"functionCall": {"name": "f", "args": {}}}
    assert sent(messages)["contents"][1]["parts"] == [bare, bare]
    # A model that demands signatures is told that there is none.
    assert sent(messages, model="gemini-3-flash")["contents"][1]["parts"] == [
        bare | {"thoughtSignature": "skip_thought_signature_validator"}, bare]  # fmt: skip


# ---- errors ---------------------------------------------------------------------------


def status(code, name, words, *details):
    return {"error": {"code": code, "message": words, "status": name, "details": list(details)}}


def detail(kind, **members):
    return {"@type": f"type.googleapis.com/google.rpc.{kind}", **members}


BAD_KEY = status(400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key.", detail("ErrorInfo", reason="API_KEY_INVALID"))
QUOTA = "You exceeded your current quota, please check your plan and billing details."


def quota(identity, delay=None, value="10"):
    details = [detail("QuotaFailure", violations=[{"quotaId": identity, "quotaValue": value}]), detail("Help", links=[])]
    return status(429, "RESOURCE_EXHAUSTED", QUOTA, *details, *([detail("RetryInfo", retryDelay=delay)] if delay else []))


@pytest.mark.parametrize("code, body, r, fault, retry_ms, error", [
    (400, BAD_KEY, "denied", "bad_key", 0, "Gemini does not accept the key (400): API key not valid. Please pass a valid API key."),
    (400, [BAD_KEY], "denied", "bad_key", 0, "Gemini does not accept the key (400): API key not valid"),
    (400, status(400, "INVALID_ARGUMENT", "API key expired. Please renew the API key."), "denied", "bad_key", 0, "Gemini does not"),
    (400, status(400, "FAILED_PRECONDITION", "Please enable billing on your project."), "denied", "no_credit", 0, "Gemini says that"),
    (400, status(400, "INVALID_ARGUMENT", "The input token count (1048600) exceeds the maximum number of tokens allowed (1048576)."),
     "too_large", "context_too_long", 0, "Gemini finds the conversation too long (400): The input token count (1048600)"),
    (400, status(400, "INVALID_ARGUMENT", "Invalid value at 'contents'"), "invalid", "bad_request", 0,
     "Gemini does not take the request (400): Invalid value at 'contents'"),
    (403, status(403, "PERMISSION_DENIED", "Denied."), "denied", "bad_key", 0, "Gemini does not accept the key (403): Denied."),
    (403, status(403, "PERMISSION_DENIED", "No.", detail("ErrorInfo", reason="BILLING_DISABLED")), "denied", "no_credit", 0, "Gemini"),
    (404, status(404, "NOT_FOUND", "models/m is not found"), "invalid", "bad_request", 0, "Gemini does not take the request (404): models/m"),
    (429, quota("GenerateRequestsPerMinutePerProject", "34s"), "busy", "rate_limit", 34000, "Gemini takes no more requests for now (429)"),
    (429, quota("GenerateRequestsPerMinutePerProject", "0.6125s"), "busy", "rate_limit", 613, "Gemini takes no more"),
    (429, quota("GenerateRequestsPerDayPerProject", "34s"), "denied", "no_credit", 34000, "Gemini says that there is no credit left"),
    (429, quota("GenerateRequestsPerMinutePerProject", value="0"), "denied", "no_credit", 0, "Gemini says that"),
    (429, status(429, "RESOURCE_EXHAUSTED", "Your prepayment credits are depleted."), "denied", "no_credit", 0, "Gemini says that"),
    (429, status(429, "RESOURCE_EXHAUSTED", "Resource exhausted."), "busy", "rate_limit", 0, "Gemini takes no more"),
    (408, status(408, "X", "Slow."), "unavailable", "overloaded", 0, "Gemini is overloaded (408)"),
    (499, status(499, "CANCELLED", "Cancelled."), "unavailable", "overloaded", 0, "Gemini is overloaded (499)"),
    (500, status(500, "INTERNAL", "An internal error has occurred."), "unavailable", "overloaded", 0, "Gemini is overloaded (500)"),
    (503, status(503, "UNAVAILABLE", "The model is overloaded."), "unavailable", "overloaded", 0, "Gemini is overloaded (503): The model"),
    (504, status(504, "DEADLINE_EXCEEDED", "Too late."), "unavailable", "overloaded", 0, "Gemini is overloaded (504)"),
    (502, "<html>Bad gateway</html>", "unavailable", "overloaded", 0, "Gemini is overloaded (502)"),
    (400, {"error": "no object"}, "invalid", "bad_request", 0, "Gemini does not take the request (400): no object"),
    (400, [], "invalid", "bad_request", 0, "Gemini does not take the request (400)"),
])  # fmt: skip
def test_errors(ask, upstream, code, body, r, fault, retry_ms, error):
    upstream.answer(GEMINI, whole(body, code))
    answer = ask()
    assert (answer.r, answer.fault, answer.retry_after_ms, answer.vendor_status) == (r, fault, retry_ms, code)
    assert answer.error.startswith(error) and len(answer.error) <= 251


def test_a_delay_may_be_in_a_header(ask, upstream):
    body = status(429, "RESOURCE_EXHAUSTED", "x")
    now = time.time()
    upstream.answer(GEMINI, whole(body, 429, {"Retry-After": "3"}),
                    whole(body, 429, {"Retry-After": http_date(now + 60), "Date": http_date(now)}))  # fmt: skip
    assert [ask().retry_after_ms, ask().retry_after_ms] == [3000, 60000]


@pytest.mark.parametrize("said_before", [True, False])
@pytest.mark.parametrize("wrap", [lambda error: error, lambda error: [error]])
def test_an_error_in_a_stream(ask, upstream, said_before, wrap):
    events = gemini_events(Said("Hello there"))[:1] if said_before else []
    upstream.answer(GEMINI, sse(*events, wrap(status(503, "UNAVAILABLE", "The model is overloaded.", detail("RetryInfo", retryDelay="2s")))))
    answer = ask()
    assert (answer.r, answer.fault, answer.retry_after_ms) == ("unavailable", "overloaded", 2000)
    assert answer.error == "Gemini is overloaded (503): The model is overloaded."
    assert answer.text == ("Hello th" if said_before else "")


def test_a_key_is_told_to_nobody(ask, upstream):
    upstream.answer(GEMINI, whole(status(400, "INVALID_ARGUMENT", "Bad key AIza-secret-1 in ?key=AIza-secret-1"), 400))
    answer = ask(api_key="AIza-secret-1")
    assert "AIza-secret-1" not in answer.error + ask.talk.server.log()


# ---- every moment -------------------------------------------------------------------------

EVENTS = gemini_events(Said("Hello there", thought="Hm."))


@pytest.mark.parametrize("reply", [raw(RESET), raw(CUT), sse(RESET), sse(EVENTS[0], RESET), sse(EVENTS[0], b"data: {\"cand", CUT),
                                   sse(EVENTS[0]), sse(b"data: {\"candidates\": [{\"content\": {\"parts\": [{\"text\": \"\xe2\x82", CUT),
                                   sse(*EVENTS[:2], chunked=False), sse(b"data: {not json}\n\n"), sse("[DONE]"), whole({}),
                                   whole("<html>", headers={"Content-Type": "text/html"})],
                         ids=lambda reply: None)  # fmt: skip
def test_an_answer_that_breaks_off(ask, upstream, reply):
    upstream.answer(GEMINI, reply)
    answer = ask()
    assert (answer.r, answer.fault) == ("unavailable", "unreachable"), answer
    assert "Gemini" in answer.error


@pytest.mark.parametrize("reply, limits", [(raw(STALL), {"first_byte_ms": 200}), (sse(EVENTS[0], STALL), {"idle_ms": 200}),
                                           (sse(b"data: {", STALL), {"idle_ms": 200}), (sse(EVENTS[0], STALL), {"total_ms": 300})])  # fmt: skip
def test_an_answer_that_stalls(ask, upstream, reply, limits):
    upstream.answer(GEMINI, reply)
    answer = ask(**limits)
    assert (answer.r, answer.fault) == ("unavailable", "unreachable") or (answer.r, answer.fault) == ("timeout", "unreachable")
    upstream.wait_left()


def test_who_stops_listening_stops_the_vendor(ask, upstream):
    upstream.answer(GEMINI, sse(*EVENTS[:2], STALL))
    answer = ask(stop_after=1)
    assert (answer.r, answer.fault, len(answer.pieces)) == ("cancelled", "none", 1)
    upstream.wait_left()


def test_a_client_that_leaves_takes_the_vendor_along(ask, upstream):
    upstream.answer(GEMINI, sse(EVENTS[0], STALL))
    events = ask.talk.events(model="gemini-2.5-flash")
    assert next(events)["kind"] == "thought"
    events.close()
    upstream.wait_left()


def test_nobody_listens_there(talk):
    answer = talk("llm-gemini", base_url="http://127.0.0.1:1")()
    assert (answer.r, answer.fault, answer.vendor_status) == ("unavailable", "unreachable", 0)


def test_an_answer_may_be_compressed(ask, upstream):
    upstream.answer(GEMINI, sse(*gemini_events(Said("Hello there")), compress=True))
    assert ask().text == "Hello there"


def test_an_event_has_a_maximum(talk, upstream):
    small = talk("llm-gemini", base_url=upstream.url, event_max_bytes=65536)
    upstream.answer(GEMINI, sse(gemini_response(Said(), [{"text": "x" * 65536}], "STOP")))
    answer = small()
    assert (answer.r, answer.fault) == ("unavailable", "unreachable") and "65536" in answer.error
    upstream.answer(GEMINI, sse(*gemini_events(dataclasses.replace(Said("y" * 60000), piece=60000))))
    assert small().text == "y" * 60000


def test_the_instance_has_its_name_and_version(talk, upstream):
    other = talk("llm-gemini", name="vertex", **{"base_url": upstream.url, "api_version": "v1"}, headers={"X-Project": "p"})
    upstream.answer("/v1/*", gemini(Said("ok")))
    assert other().text == "ok" and upstream.last.headers["x-project"] == "p"
