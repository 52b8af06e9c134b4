# SPDX-License-Identifier: Apache-2.0
"""The official client for python, and responses that are kept; it knows URL and key from its environment."""

import json

import openai

client = openai.OpenAI(max_retries=0)
model = "anthropic/claude-opus-4-6"
parameters = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"], "additionalProperties": False}
tool = {"type": "function", "name": "get_weather", "strict": True, "parameters": parameters}
first = client.responses.create(model=model, input="Weather in Paris?", instructions="Be brief.", tools=[tool], metadata={"a": "b"})
call = next(item for item in first.output if item.type == "function_call")
result = {"type": "function_call_output", "call_id": call.call_id, "output": "rain"}
with client.responses.stream(model=model, input=[result], previous_response_id=first.id, tools=[tool]) as stream:
    last = stream.until_done().get_final_response()
kept = client.responses.retrieve(last.id)
asked = [item.type for item in client.responses.input_items.list(last.id, limit=2, order="asc")]
again = client.responses.create(model=model, input="And now?", previous_response_id=last.id, store=False)
client.responses.delete(first.id)


def missing(call):
    try:
        call()
    except openai.APIStatusError as error:
        return [type(error).__name__, error.code, error.param]


print(json.dumps({
    "kept": kept.output_text == last.output_text and kept.previous_response_id == first.id, "text": kept.output_text, "asked": asked,
    "metadata": first.metadata, "again": [again.output_text, again.store],
    "deleted": missing(lambda: client.responses.retrieve(first.id)),
    "not kept": missing(lambda: client.responses.retrieve(again.id)),
    "broken": missing(lambda: client.responses.create(model=model, input="x", previous_response_id=last.id)),
}))  # fmt: skip
