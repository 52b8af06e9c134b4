# SPDX-License-Identifier: Apache-2.0
"""What agent code finds in its namespace.  Everything here is a call to the
server, which knows who is running what: nothing of that is sent from here."""
import asyncio
import json
import math
import os
import re
import sys
import types

import model_call
from remote_mcp import RemoteMCPClient

try:
    import httpx
except ImportError:
    httpx = None

current = None  # the channel of this child
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "context_windows.json")) as file:
    context_windows = json.load(file)  # {"provider/model": tokens}

CONTEXT_WINDOW_UNKNOWN = 128000
windows_told = {}


class DataStore:
    def __init__(self, namespace="default"):
        self._namespace = namespace

    def _call(self, operation, **args):
        return current.call("ds." + operation, {"namespace": self._namespace, **args})[0]

    def use_namespace(self, name):
        return DataStore(name)

    def get(self, key, default=None):
        answer = self._call("get", key=key, default=default)
        return answer["value"] if answer["found"] else default

    def set(self, key, value, metadata=None):
        return self._call("set", key=key, value=value, metadata=metadata)["value"]

    def delete(self, key):
        return self._call("delete", key=key)["value"]

    def list_keys(self, prefix=None):
        return self._call("list_keys", prefix=prefix)["value"]

    def list_namespaces(self):
        return self._call("list_namespaces")["value"]

    def get_all(self):
        return self._call("get_all")["value"]

    def get_many(self, keys):
        return self._call("get_many", keys=list(keys))["value"]

    def set_many(self, items):
        return self._call("set_many", items=items)["value"]

    def clear(self):
        return self._call("clear")["value"]


class AgentClient:
    async def call(self, agent_name, input_dict=None):
        params = {"name": agent_name, "input": {} if input_dict is None else input_dict}
        return (await current.acall("agent", params))[0]


async def call_llm(provider, model, messages, parameters=None, tools=None, timeout=None, **ignored):
    question = model_call.question(provider, model, messages, parameters, tools, timeout)
    return model_call.answer((await current.acall("llm", question))[0])


def get_context_window(provider, model):
    """The server's catalog knows; without one, what was known when this was built."""
    name = f"{provider}/{model}"
    if name not in windows_told:
        told = current.call("window", {"provider": provider, "model": model})[0] if current else None
        windows_told[name] = told or context_windows.get(name, CONTEXT_WINDOW_UNKNOWN)
    return windows_told[name]


# Characters that are a token, on the average.
WEIGHTS = ((re.compile(r"[A-Za-z\s]"), 5), (re.compile(r"[0-9]"), 1.2), (re.compile(r"[\0-\x7f]"), 1.8),
           (re.compile(r"[\x80-\u2e7f]"), 2.5), (re.compile(r"[\u2e80-\U0010ffff]"), 1))


def count_tokens(text, provider=None, model=None):
    """An estimate, the same for every model: vocabularies are the vendors'.  Against o200k and cl100k it
    was within 7 % for English, source code and JSON, within 22 % for German and Chinese, and
    up to 44 % too high for Russian."""
    if not isinstance(text, str):
        text = json.dumps(text, default=str)
    tokens = 0
    for pattern, characters in WEIGHTS:
        text, count = pattern.subn("", text)
        tokens += count / characters
    return math.ceil(tokens)


def count_message_tokens(messages, provider=None, model=None):
    """The same estimate, and four tokens of framing a message."""
    return sum(4 + count_tokens(message.get("content") or "") for message in messages)


class _Missing:
    """Stands for httpx where the package is not installed."""

    def __getattr__(self, name):
        raise RuntimeError("httpx is not installed for this server's Python (Debian: python3-httpx).")


def _module(name, **members):
    module = types.ModuleType(name)
    vars(module).update(members)
    sys.modules[name] = module
    return module


def install_modules():
    """Saved agents begin with imports of these."""
    mcp = _module("agent_factory.remote_mcp_client", RemoteMCPClient=RemoteMCPClient)
    _module("agent_factory", __path__=[], remote_mcp_client=mcp)
    llm = _module("services.llm_service", call_llm=call_llm, get_context_window=get_context_window,
                  count_tokens=count_tokens, count_message_tokens=count_message_tokens)
    _module("services", __path__=[], llm_service=llm)


def make_module(http_client):
    """The module that the agent's code runs in; its helpers and classes are found
    by pickle, dataclasses and typing."""
    return _module(
        "agent", asyncio=asyncio, re=re, json=json, httpx=httpx or _Missing(),
        http_client=http_client or _Missing(), gofannon_client=AgentClient(), data_store=DataStore(),
        RemoteMCPClient=RemoteMCPClient, call_llm=call_llm, get_context_window=get_context_window,
        count_tokens=count_tokens, count_message_tokens=count_message_tokens)
