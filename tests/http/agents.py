# SPDX-License-Identifier: Apache-2.0
"""Agents as the suites make them."""

import uuid

FIELDS = [
    "name", "description", "code", "docstring", "friendlyName", "tools", "swaggerSpecs", "inputSchema",
    "outputSchema", "invokableModels", "gofannonAgents", "composerThoughts", "composerModelConfig",
    "dataStoreConfig", "_id", "_rev", "createdAt", "updatedAt",
]  # fmt: skip

ECHO = "async def run(input_dict, tools):\n    return {'outputText': input_dict.get('inputText', '')}"


def unique(prefix="agent"):
    return f"{prefix}_{uuid.uuid4().hex[:12]}"


def make_agent(server, code=ECHO, **fields):
    """A new agent of the caller, as it was answered."""
    reply = server.post("/agents", {"name": unique(), "description": "made by a test", "code": code} | fields)
    assert reply.status == 201, reply
    return reply.json


def deploy(server, code=ECHO, **fields):
    """(agent, friendly name) of a new agent that is deployed."""
    name = fields.setdefault("friendlyName", unique("served"))
    agent = make_agent(server, code, **fields)
    reply = server.post(f"/agents/{agent['_id']}/deploy")
    assert reply.status == 201, reply
    return agent, name


def body(text):
    """The code of an agent that does this."""
    return "async def run(input_dict, tools):\n" + "\n".join("    " + line for line in text.strip().split("\n"))


def run_code(server, code, **fields):
    """What is answered to code that is run without an agent of its own."""
    reply = server.post("/agents/run-code", {"code": code, "inputDict": {}, "tools": {}, **fields})
    assert reply.status == 200, reply
    return reply.json


def run(server, text, **fields):
    return run_code(server, body(text), **fields)
