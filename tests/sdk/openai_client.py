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
try:
    client.chat.completions.create(model="none", messages=call["messages"])
    missing = None
except openai.NotFoundError as error:
    missing = type(error).__name__
print(json.dumps({"text": text, "streamed": streamed, "call": arguments, "missing": missing}))
