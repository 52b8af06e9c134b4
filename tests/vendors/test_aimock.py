# SPDX-License-Identifier: Apache-2.0
"""A conversation with a mock of all vendors that somebody else has written, over each of our wires.

Where it is not like the vendor (thoughts and lengths of Ollama, errors of Bedrock) the tests of that wire have
an upstream of their own.
"""

import pytest
from node_tools import Aimock
from ports import free_port
from talk import WEATHER

GREETING = "Hi there, how can I help you today?"
FIXTURES = [
    ("hello", {"content": GREETING, "reasoning": "The user greets me."}, {}),
    ("weather", {"content": "It rains in Paris."}, {"hasToolResult": True}),
    ("weather", {"toolCalls": [{"name": "get_weather", "arguments": '{"city":"Paris"}'}]}, {}),
    ("both", {"toolCalls": [{"name": "get_weather", "arguments": '{"city":"Paris"}'},
                            {"name": "get_weather", "arguments": '{"city":"Rome"}'}]}, {}),
    ("ratelimit", {"error": {"message": "Rate limit reached", "type": "rate_limit_error", "code": "rate_limit_exceeded"},
                   "status": 429}, {}),
    ("overload", {"error": {"message": "Overloaded", "type": "overloaded_error"}, "status": 503}, {}),
    ("long", {"content": "A long story that has no", "finishReason": "length"}, {}),
    ("cut", {"content": "one two three four five six seven eight nine ten"}, {}, {"truncateAfterChunks": 2}),
]  # fmt: skip

# The plugin, the path of its base URL at the mock, a model, more settings, and what of the mock is
# not the vendor's.
VENDORS = {
    "anthropic": ("llm-anthropic", "", "claude-sonnet-4-5", {}, ()),
    "bedrock": ("llm-bedrock", "", "anthropic.claude-sonnet-4-5-v1:0", {}, ("errors",)),
    "gemini": ("llm-gemini", "", "gemini-2.5-flash", {}, ()),
    "ollama": ("llm-ollama", "", "llama3", {}, ("thought", "length")),
    "openai": ("llm-openai", "/v1", "gpt-5", {"api_style": "chat"}, ()),
    "openai-responses": ("llm-openai", "/v1", "gpt-5", {"api_style": "responses"}, ()),
    "openrouter": ("llm-openai", "/api/v1", "openai/gpt-4o", {"api_style": "chat", "title": "OpenRouter", "reasoning": "object"}, ()),
}


@pytest.fixture(scope="session")
def mock():
    mock = Aimock(FIXTURES, free_port())
    yield mock
    mock.close()


@pytest.fixture(params=sorted(VENDORS))
def vendor(request):
    return VENDORS[request.param]


@pytest.fixture
def ask(talk, mock, vendor):
    plugin, path, model, settings, _ = vendor

    def ask(messages, chaos=None, **call):
        headers = {"headers": {f"X-AIMock-Chaos-{chaos}": "1"}} if chaos else {}
        return talk(plugin, base_url=mock.url + path, **settings, **headers)(messages, model, **call)

    return ask


def test_text_and_thoughts(ask, vendor):
    answer = ask("hello")
    assert (answer.r, answer.text, answer.stop_reason, answer.vendor_status) == ("ok", GREETING, "stop", 200), answer
    assert answer.thought == ("" if "thought" in vendor[4] else "The user greets me.")


def test_tools_are_called_and_answered(ask):
    asked = [{"role": "user", "content": "weather?"}]
    answer = ask(asked, tools=[WEATHER])
    assert (answer.r, answer.stop_reason) == ("ok", "tool_calls"), answer
    (call,) = answer.tool_calls
    assert (call["name"], call["arguments"]) == ("get_weather", {"city": "Paris"})
    result = {"type": "tool_result", "id": call["id"], "name": call["name"], "content": "rain"}
    answer = ask([*asked, answer.as_message(), {"role": "user", "content": [result]}], tools=[WEATHER])
    assert (answer.r, answer.text, answer.stop_reason) == ("ok", "It rains in Paris.", "stop"), answer


def test_tools_are_called_together(ask):
    answer = ask("both", tools=[WEATHER])
    assert [call["arguments"]["city"] for call in answer.tool_calls] == ["Paris", "Rome"]
    assert len({call["id"] for call in answer.tool_calls}) == 2


def test_an_answer_that_is_cut_short_by_its_length(ask, vendor):
    answer = ask("long")
    stop = "stop" if "length" in vendor[4] else "length"
    assert (answer.r, answer.text, answer.stop_reason) == ("ok", "A long story that has no", stop), answer


def test_a_rate_limit(ask, vendor):
    answer = ask("ratelimit")
    assert (answer.r, answer.fault, answer.retry_after_ms) == ("busy", "rate_limit", 1000), answer
    assert ("Rate limit reached" in answer.error) == ("errors" not in vendor[4])


def test_an_overload(ask):
    answer = ask("overload")
    assert (answer.r, answer.fault, answer.vendor_status) == ("unavailable", "overloaded", 503), answer


def test_a_stream_that_is_cut(ask):
    answer = ask("cut")
    assert (answer.r, answer.fault) == ("unavailable", "unreachable"), answer
    assert "one two three".startswith(answer.text[:13])


@pytest.mark.parametrize("chaos, r, fault", [("Disconnect", "unavailable", "unreachable"), ("Malformed", "unavailable", "unreachable"),
                                             ("Drop", "unavailable", "overloaded")])  # fmt: skip
def test_chaos(ask, chaos, r, fault):
    answer = ask("hello", chaos=chaos)
    assert (answer.r, answer.fault, answer.text) == (r, fault, ""), answer
