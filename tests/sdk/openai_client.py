# SPDX-License-Identifier: Apache-2.0
"""The official client for python; it knows URL and key from its environment."""

import json

import openai

client = openai.OpenAI(max_retries=0)
call = {"model": "openai/gpt-4-turbo", "messages": [{"role": "user", "content": "Hello"}]}
text = client.chat.completions.create(**call).choices[0].message.content
streamed = ""
for chunk in client.chat.completions.create(**call, stream=True):
    streamed += chunk.choices[0].delta.content or ""
tool = {"type": "function", "function": {"name": "get_weather", "parameters": {"type": "object", "properties": {}}}}
answer = client.chat.completions.create(**call, tools=[tool])
arguments = json.loads(answer.choices[0].message.tool_calls[0].function.arguments)
prompted = client.completions.create(model=call["model"], prompt="Once", max_tokens=9).choices[0].text
prompted += "".join(chunk.choices[0].text for chunk in client.completions.create(model=call["model"], prompt=["Once"], stream=True))
edit = {"type": "custom", "custom": {"name": "edit", "description": "d", "format": {"type": "text"}}}
custom = client.chat.completions.create(**call, tools=[edit]).choices[0].message.tool_calls[0]
try:
    client.chat.completions.create(model="none", messages=call["messages"])
    missing = None
except openai.NotFoundError as error:
    missing = type(error).__name__
print(json.dumps({"text": text, "streamed": streamed, "call": arguments, "missing": missing, "prompted": prompted,
                  "custom": [type(custom).__name__, custom.custom.input]}))
