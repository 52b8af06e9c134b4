# SPDX-License-Identifier: Apache-2.0
"""Anthropic's client for python; it knows URL and key from its environment."""

import json

import anthropic

client = anthropic.Anthropic(max_retries=0)
call = {"model": "claude-opus-4-6", "max_tokens": 100, "messages": [{"role": "user", "content": "The weather?"}]}
calls = []


@anthropic.beta_tool
def get_weather(city: str) -> str:
    """The weather.

    Args:
        city: Where.
    """
    calls.append(city)
    return "rain"


final = client.beta.messages.tool_runner(**call, tools=[get_weather]).until_done()
with client.messages.stream(**call) as stream:
    streamed = "".join(stream.text_stream)
print(json.dumps({"final": final.content[0].text, "calls": calls, "streamed": streamed}))
