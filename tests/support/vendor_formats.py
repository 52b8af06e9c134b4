# SPDX-License-Identifier: Apache-2.0
"""What each vendor answers, in its own format.

    vendor.answer(OPENAI_CHAT, openai_chat(Said("Hello there", thought="A greeting.")))
    speak(vendor, Said(tools=[("get_weather", {"city": "Paris"})]))   all vendors at once

Each function gives a reply that is a stream or one body, as the request asks.  The events
themselves, for tests that change or interrupt them, come from NAME_events(said).
"""

import dataclasses
import json
import struct
import zlib

from vendor import ndjson, sse, stream, whole

# Paths of the requests, for Vendor.answer(), below the base URLs that the vendors have.
OPENAI_CHAT = "*/chat/completions"
OPENAI_RESPONSES = "*/responses"
ANTHROPIC = "*/v1/messages"
GEMINI = "*/models/*:*enerateContent"
BEDROCK = "*/model/*/converse*"
OLLAMA = "*/api/chat"


@dataclasses.dataclass
class Said:
    """What the model says.  Usage as einion counts it: `input` with what was cached and written
    to the cache, `output` with reasoning."""

    text: str = ""
    thought: str = ""
    tools: list = dataclasses.field(default_factory=list)  # (name, arguments)
    stop: str = ""  # stop, length, tool_calls, content_filter
    input: int = 11
    cached: int = 0
    cache_write: int = 0
    output: int = 7
    reasoning: int = 0
    model: str = "model-of-the-vendor"
    signature: str = "c2lnbmF0dXJl"
    piece: int = 8  # characters of text in one event

    def __post_init__(self):
        self.stop = self.stop or ("tool_calls" if self.tools else "stop")

    def split(self, text):
        return [text[at : at + self.piece] for at in range(0, len(text), self.piece)]


def _choose(events_reply, whole_reply):
    return lambda request: events_reply() if request.json.get("stream") else whole_reply()


# ---- OpenAI: chat completions -----------------------------------------------------


def openai_usage(said):
    return {"prompt_tokens": said.input, "completion_tokens": said.output, "total_tokens": said.input + said.output,
            "prompt_tokens_details": {"cached_tokens": said.cached, "audio_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": said.reasoning, "audio_tokens": 0}}  # fmt: skip


def openai_chat_events(said):
    common = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1700000000, "model": said.model}

    def chunk(delta, finish=None):
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        return common | {"choices": [choice], "usage": None}

    events = [chunk({"role": "assistant", "content": ""})]
    events += [chunk({"reasoning_content": piece}) for piece in said.split(said.thought)]
    events += [chunk({"content": piece}) for piece in said.split(said.text)]
    for index, (name, arguments) in enumerate(said.tools):
        call = {"index": index, "id": f"call_{index}", "type": "function", "function": {"name": name, "arguments": ""}}
        events.append(chunk({"tool_calls": [call]}))
        for piece in said.split(json.dumps(arguments)):
            events.append(chunk({"tool_calls": [{"index": index, "function": {"arguments": piece}}]}))
    return [*events, chunk({}, said.stop), common | {"choices": [], "usage": openai_usage(said)}, "[DONE]"]


def openai_chat_whole(said):
    calls = [{"id": f"call_{index}", "type": "function", "function": {"name": name, "arguments": json.dumps(arguments)}}
             for index, (name, arguments) in enumerate(said.tools)]  # fmt: skip
    message = {"role": "assistant", "content": said.text or None, "refusal": None}
    message |= {"tool_calls": calls} if calls else {}
    message |= {"reasoning_content": said.thought} if said.thought else {}
    return {"id": "chatcmpl-1", "object": "chat.completion", "created": 1700000000, "model": said.model,
            "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": said.stop}],
            "usage": openai_usage(said)}  # fmt: skip


def openai_chat(said):
    return _choose(lambda: sse(*openai_chat_events(said)), lambda: whole(openai_chat_whole(said)))


# ---- OpenAI: responses ------------------------------------------------------------


def openai_output(said):
    """The items of a response."""
    items = []
    if said.thought:
        items.append({"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": said.thought}],
                      "encrypted_content": said.signature})  # fmt: skip
    if said.text:
        items.append({"type": "message", "id": "msg_1", "status": "completed", "role": "assistant",
                      "content": [{"type": "output_text", "text": said.text, "annotations": []}]})  # fmt: skip
    for index, (name, arguments) in enumerate(said.tools):
        items.append({"type": "function_call", "id": f"fc_{index}", "call_id": f"call_{index}", "name": name,
                      "arguments": json.dumps(arguments), "status": "completed"})  # fmt: skip
    return items


def openai_response(said, status="completed", output=None):
    incomplete = {"length": "max_output_tokens", "content_filter": "content_filter"}.get(said.stop)
    status = "incomplete" if incomplete and status == "completed" else status
    return {"id": "resp_1", "object": "response", "created_at": 1700000000, "model": said.model, "status": status,
            "error": None, "incomplete_details": {"reason": incomplete} if incomplete else None,
            "output": openai_output(said) if output is None else output, "parallel_tool_calls": True,
            "usage": {"input_tokens": said.input, "input_tokens_details": {"cached_tokens": said.cached},
                      "output_tokens": said.output, "output_tokens_details": {"reasoning_tokens": said.reasoning},
                      "total_tokens": said.input + said.output}}  # fmt: skip


def _openai_item_events(said, index, item):
    at = {"item_id": item["id"], "output_index": index}
    if item["type"] == "reasoning":
        part = at | {"summary_index": 0}
        yield {"type": "response.reasoning_summary_part.added", **part, "part": {"type": "summary_text", "text": ""}}
        for piece in said.split(said.thought):
            yield {"type": "response.reasoning_summary_text.delta", **part, "delta": piece}
        yield {"type": "response.reasoning_summary_text.done", **part, "text": said.thought}
        yield {"type": "response.reasoning_summary_part.done", **part, "part": item["summary"][0]}
    elif item["type"] == "message":
        part = at | {"content_index": 0}
        yield {"type": "response.content_part.added", **part, "part": {"type": "output_text", "text": "", "annotations": []}}
        for piece in said.split(said.text):
            yield {"type": "response.output_text.delta", **part, "delta": piece, "logprobs": []}
        yield {"type": "response.output_text.done", **part, "text": said.text, "logprobs": []}
        yield {"type": "response.content_part.done", **part, "part": item["content"][0]}
    else:
        for piece in said.split(item["arguments"]):
            yield {"type": "response.function_call_arguments.delta", **at, "delta": piece}
        yield {"type": "response.function_call_arguments.done", **at, "arguments": item["arguments"]}


def openai_responses_events(said):
    begun = openai_response(said, "in_progress", []) | {"usage": None, "incomplete_details": None}
    done = openai_response(said)
    events = [{"type": "response.created", "response": begun}, {"type": "response.in_progress", "response": begun}]
    for index, item in enumerate(done["output"]):
        empty = {"reasoning": {"summary": []}, "message": {"content": []}, "function_call": {"arguments": ""}}[item["type"]]
        opened = {name: value for name, value in item.items() if name != "encrypted_content"} | empty
        opened |= {"status": "in_progress"} if "status" in item else {}
        events.append({"type": "response.output_item.added", "output_index": index, "item": opened})
        events += _openai_item_events(said, index, item)
        events.append({"type": "response.output_item.done", "output_index": index, "item": item})
    events.append({"type": f"response.{done['status']}", "response": done})
    return [event | {"sequence_number": number} for number, event in enumerate(events)]


def openai_responses(said):
    return _choose(lambda: sse(*openai_responses_events(said), named=True), lambda: whole(openai_response(said)))


# ---- Anthropic --------------------------------------------------------------------

ANTHROPIC_STOPS = {"stop": "end_turn", "length": "max_tokens", "tool_calls": "tool_use", "content_filter": "refusal"}


def anthropic_usage(said):
    return {"input_tokens": said.input - said.cached - said.cache_write, "output_tokens": said.output,
            "cache_creation_input_tokens": said.cache_write, "cache_read_input_tokens": said.cached}  # fmt: skip


def anthropic_blocks(said):
    blocks = [{"type": "thinking", "thinking": said.thought, "signature": said.signature}] if said.thought else []
    blocks += [{"type": "text", "text": said.text}] if said.text else []
    return blocks + [{"type": "tool_use", "id": f"toolu_{index}", "name": name, "input": arguments}
                     for index, (name, arguments) in enumerate(said.tools)]  # fmt: skip


def anthropic_message(said):
    return {"id": "msg_1", "type": "message", "role": "assistant", "content": anthropic_blocks(said), "model": said.model,
            "stop_reason": ANTHROPIC_STOPS[said.stop], "stop_sequence": None, "usage": anthropic_usage(said)}  # fmt: skip


def _anthropic_deltas(said, block):
    if block["type"] == "thinking":
        deltas = [{"type": "thinking_delta", "thinking": piece} for piece in said.split(block["thinking"])]
        return {"type": "thinking", "thinking": "", "signature": ""}, [
            *deltas, {"type": "signature_delta", "signature": block["signature"]}]  # fmt: skip
    if block["type"] == "text":
        return {"type": "text", "text": ""}, [{"type": "text_delta", "text": piece} for piece in said.split(block["text"])]
    pieces = said.split(json.dumps(block["input"]))
    return block | {"input": {}}, [{"type": "input_json_delta", "partial_json": piece} for piece in ["", *pieces]]


def anthropic_events(said):
    begun = anthropic_message(said) | {"content": [], "stop_reason": None}
    begun["usage"] = anthropic_usage(said) | {"output_tokens": 1}
    events = [{"type": "message_start", "message": begun}, {"type": "ping"}]
    for index, block in enumerate(anthropic_blocks(said)):
        opened, deltas = _anthropic_deltas(said, block)
        events.append({"type": "content_block_start", "index": index, "content_block": opened})
        events += [{"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas]
        events.append({"type": "content_block_stop", "index": index})
    end = {"stop_reason": ANTHROPIC_STOPS[said.stop], "stop_sequence": None}
    return [*events, {"type": "message_delta", "delta": end, "usage": {"output_tokens": said.output}}, {"type": "message_stop"}]


def anthropic(said):
    return _choose(lambda: sse(*anthropic_events(said), named=True), lambda: whole(anthropic_message(said)))


# ---- Gemini -----------------------------------------------------------------------

GEMINI_STOPS = {"stop": "STOP", "length": "MAX_TOKENS", "tool_calls": "STOP", "content_filter": "SAFETY"}


def gemini_usage(said):
    usage = {"promptTokenCount": said.input, "candidatesTokenCount": said.output - said.reasoning,
             "totalTokenCount": said.input + said.output}  # fmt: skip
    usage |= {"cachedContentTokenCount": said.cached} if said.cached else {}
    return usage | ({"thoughtsTokenCount": said.reasoning} if said.reasoning else {})


def gemini_parts(said):
    parts = [{"text": piece, "thought": True} for piece in said.split(said.thought)]
    parts += [{"text": piece} for piece in said.split(said.text)]
    for index, (name, arguments) in enumerate(said.tools):
        signed = {"thoughtSignature": said.signature} if said.thought and index == 0 else {}
        parts.append({"functionCall": {"name": name, "args": arguments}, **signed})
    if said.thought and not said.tools:
        parts.append({"text": "", "thoughtSignature": said.signature})
    return parts


def gemini_response(said, parts, finish=None):
    candidate = {"content": {"parts": parts, "role": "model"}, "index": 0} | ({"finishReason": finish} if finish else {})
    return {"candidates": [candidate], "usageMetadata": gemini_usage(said), "modelVersion": said.model, "responseId": "resp-1"}


def gemini_events(said):
    *parts, last = gemini_parts(said) or [{"text": ""}]
    return [gemini_response(said, [part]) for part in parts] + [gemini_response(said, [last], GEMINI_STOPS[said.stop])]


def gemini(said):
    """With alt=sse events, without it an array."""

    def reply(request):
        if not request.path.endswith(":streamGenerateContent"):
            parts = gemini_parts(dataclasses.replace(said, piece=1 << 30))
            return whole(gemini_response(said, parts, GEMINI_STOPS[said.stop]))
        return sse(*gemini_events(said)) if request.query.get("alt") == "sse" else whole(gemini_events(said))

    return reply


# ---- Bedrock ----------------------------------------------------------------------

BEDROCK_STOPS = {"stop": "end_turn", "length": "max_tokens", "tool_calls": "tool_use", "content_filter": "content_filtered"}


def bedrock_frame(payload, kind, message_type="event"):
    """One frame of application/vnd.amazon.eventstream; `payload` is JSON, or bytes as they are."""
    headers = b""
    named = ":exception-type" if message_type == "exception" else ":event-type"
    for name, value in ((":message-type", message_type), (named, kind), (":content-type", "application/json")):
        headers += bytes([len(name)]) + name.encode() + b"\x07" + struct.pack(">H", len(value)) + value.encode()
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    prelude = struct.pack(">II", 16 + len(headers) + len(body), len(headers))
    frame = prelude + struct.pack(">I", zlib.crc32(prelude)) + headers + body
    return frame + struct.pack(">I", zlib.crc32(frame))


def bedrock_usage(said):
    usage = {"inputTokens": said.input - said.cached - said.cache_write, "outputTokens": said.output,
             "totalTokens": said.input + said.output}  # fmt: skip
    usage |= {"cacheReadInputTokens": said.cached} if said.cached else {}
    return usage | ({"cacheWriteInputTokens": said.cache_write} if said.cache_write else {})


def bedrock_events(said):
    """(type, payload) of each frame."""
    events, index = [("messageStart", {"role": "assistant"})], 0

    def block(deltas, start=None):
        nonlocal index
        if start:
            events.append(("contentBlockStart", {"contentBlockIndex": index, "start": start}))
        events.extend(("contentBlockDelta", {"contentBlockIndex": index, "delta": delta, "p": "abc"}) for delta in deltas)
        events.append(("contentBlockStop", {"contentBlockIndex": index}))
        index += 1

    if said.thought:
        block([{"reasoningContent": {"text": piece}} for piece in said.split(said.thought)]
              + [{"reasoningContent": {"signature": said.signature}}])  # fmt: skip
    if said.text:
        block([{"text": piece} for piece in said.split(said.text)])
    for number, (name, arguments) in enumerate(said.tools):
        block([{"toolUse": {"input": piece}} for piece in said.split(json.dumps(arguments))],
              {"toolUse": {"toolUseId": f"tooluse_{number}", "name": name}})  # fmt: skip
    events.append(("messageStop", {"stopReason": BEDROCK_STOPS[said.stop]}))
    return [*events, ("metadata", {"usage": bedrock_usage(said), "metrics": {"latencyMs": 7}})]


def bedrock_whole(said):
    content = []
    if said.thought:
        content.append({"reasoningContent": {"reasoningText": {"text": said.thought, "signature": said.signature}}})
    content += [{"text": said.text}] if said.text else []
    content += [{"toolUse": {"toolUseId": f"tooluse_{number}", "name": name, "input": arguments}}
                for number, (name, arguments) in enumerate(said.tools)]  # fmt: skip
    return {"output": {"message": {"role": "assistant", "content": content}}, "stopReason": BEDROCK_STOPS[said.stop],
            "usage": bedrock_usage(said), "metrics": {"latencyMs": 7}}  # fmt: skip


def bedrock(said):
    def reply(request):
        if not request.path.endswith("/converse-stream"):
            return whole(bedrock_whole(said))
        frames = [bedrock_frame(payload, kind) for kind, payload in bedrock_events(said)]
        return stream(*frames, kind="application/vnd.amazon.eventstream")

    return reply


# ---- Ollama -----------------------------------------------------------------------


def ollama_lines(said):
    def line(message, **more):
        return {"model": said.model, "created_at": "2026-11-23T04:03:32.782Z",
                "message": {"role": "assistant", "content": "", **message}, "done": False, **more}  # fmt: skip

    lines = [line({"thinking": piece}) for piece in said.split(said.thought)]
    lines += [line({"content": piece}) for piece in said.split(said.text)]
    for index, (name, arguments) in enumerate(said.tools):
        lines.append(line({"tool_calls": [{"id": f"call_{index}", "function": {"index": index, "name": name, "arguments": arguments}}]}))
    stop = "length" if said.stop == "length" else "stop"
    return [*lines, line({}, done=True, done_reason=stop, total_duration=5, load_duration=1, prompt_eval_duration=1,
                         eval_duration=2, prompt_eval_count=said.input, eval_count=said.output)]  # fmt: skip


def ollama_whole(said):
    message = {"role": "assistant", "content": said.text} | ({"thinking": said.thought} if said.thought else {})
    calls = [{"function": {"name": name, "arguments": arguments}} for name, arguments in said.tools]
    return ollama_lines(said)[-1] | {"message": message | ({"tool_calls": calls} if calls else {})}


def ollama(said):
    """It streams unless it is told not to."""
    return lambda request: whole(ollama_whole(said)) if request.json.get("stream") is False else ndjson(*ollama_lines(said))


def speak(vendor, said):
    """Answers like any of them."""
    for pattern, make in ((OPENAI_CHAT, openai_chat), (OPENAI_RESPONSES, openai_responses), (ANTHROPIC, anthropic),
                          (GEMINI, gemini), (BEDROCK, bedrock), (OLLAMA, ollama)):  # fmt: skip
        vendor.answer(pattern, make(said))
    return vendor
