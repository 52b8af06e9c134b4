# SPDX-License-Identifier: Apache-2.0
"""Questions to models, as agents write them (the format of OpenAI's chat completions, which most
code speaks), in the form that the server takes."""
import json
import re

DATA_URL = re.compile(r"data:([^;,]+);base64,(.*)", re.DOTALL)


def _image(part):
    holder = part.get("image_url")
    url = holder.get("url") if isinstance(holder, dict) else holder
    data = DATA_URL.fullmatch(url) if isinstance(url, str) else None
    if data:
        return {"type": "image", "media_type": data[1], "data": data[2]}
    return {"type": "image", "url": url}


def _file(part):
    holder = part.get("file") or {}
    data = DATA_URL.fullmatch(holder.get("file_data") or "")
    made = {"type": "file", "name": holder.get("filename") or "file"}
    if data:
        return {**made, "media_type": data[1], "data": data[2]}
    return {**made, "media_type": "application/pdf", "data": holder.get("file_data")}


PARTS = {"image_url": _image, "file": lambda part: _file(part) if "file" in part else part}


def _content(content):
    if not isinstance(content, (list, tuple)):
        return content if isinstance(content, str) else "" if content is None else str(content)
    parts = []
    for part in content:
        if isinstance(part, str):
            part = {"type": "text", "text": part}
        elif isinstance(part, dict):
            part = PARTS.get(part.get("type"), lambda same: same)(part)
        parts.append(part)
    return parts


def _arguments(text):
    if not isinstance(text, str):
        return text or {}
    try:
        return json.loads(text or "{}")
    except ValueError:
        raise ValueError("The arguments of a tool call are not JSON.") from None


def _calls(message):
    calls = []
    for call in message["tool_calls"]:
        function = call.get("function") or call
        calls.append({"type": "tool_call", "id": call.get("id"), "name": function.get("name"),
                      "arguments": _arguments(function.get("arguments"))})
    return calls


def _said(message):
    content = _content(message.get("content"))
    if not message.get("tool_calls"):
        return content
    if isinstance(content, str):
        content = [{"type": "text", "text": content}] if content else []
    return content + _calls(message)


def _messages(messages):
    """Results of tools that follow each other are one message."""
    made, names = [], {}
    for message in messages:
        if not isinstance(message, dict):
            raise ValueError("A message is a dict with role and content.")
        role = message.get("role")
        if role != "tool":
            content = _said(message)
            for part in content if role == "assistant" and isinstance(content, list) else ():
                if isinstance(part, dict) and part.get("type") == "tool_call":
                    names[part.get("id")] = part.get("name")
            made.append({"role": "system" if role == "developer" else role, "content": content})
            continue
        number = message.get("tool_call_id")
        result = {"type": "tool_result", "id": number, "content": _content(message.get("content"))}
        if names.get(number) or message.get("name"):
            result["name"] = names.get(number) or message["name"]
        last = made[-1] if made else {}
        if last.get("tools"):
            last["content"].append(result)
        else:
            made.append({"role": "user", "content": [result], "tools": True})
    return [{"role": message["role"], "content": message["content"]} for message in made]


def _tools(tools):
    """(those that the agent performs itself, the vendor's own: ids or configurations)"""
    own, built_in = [], []
    for tool in tools or ():
        if isinstance(tool, dict) and isinstance(tool.get("function"), dict):
            tool = tool["function"]
        if isinstance(tool, dict) and "name" in tool and tool.get("type", "function") == "function":
            own.append({name: tool[name] for name in ("name", "description", "parameters", "strict")
                        if tool.get(name) is not None})
        else:
            built_in.append(tool)
    return own, built_in


def _choice(choice):
    function = choice.get("function") if isinstance(choice, dict) else None
    return {"name": function.get("name")} if isinstance(function, dict) else choice


def _schema(form):
    """Of the reply, from response_format."""
    if not isinstance(form, dict) or form.get("type") == "text":
        return None
    if form.get("type") == "json_schema":
        return (form.get("json_schema") or {}).get("schema")
    return {"type": "object"}


def question(provider, model, messages, parameters, tools, timeout):
    parameters = dict(parameters or {})
    own, built_in = _tools(tools if tools is not None else parameters.pop("tools", None))
    asked = {"provider": provider, "model": model, "messages": _messages(messages),
             "tool_choice": _choice(parameters.pop("tool_choice", None)),
             "reply_schema": _schema(parameters.pop("response_format", None)), "timeout": timeout}
    parameters.pop("stream", None)
    parameters.pop("tools", None)
    asked["parameters"] = {name: value for name, value in parameters.items() if value is not None}
    if own:
        asked["tools"] = own
    if built_in:
        asked["built_in_tools"] = built_in
    return asked


def answer(said):
    """(content, thoughts).  Thoughts are text or None; where the model calls tools they are a dict
    with its calls, and with the message that is to come before their results."""
    if not said["tool_calls"]:
        return said["content"], said["thoughts"]
    calls = [{"id": call["id"], "type": "function",
              "function": {"name": call["name"], "arguments": json.dumps(call["arguments"])}}
             for call in said["tool_calls"]]
    return said["content"], {"text": said["thoughts"], "tool_calls": calls, "message": said["message"]}
