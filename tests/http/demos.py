# SPDX-License-Identifier: Apache-2.0
"""Demos as the suites make them."""

import json

from agents import unique

FIELDS = ["name", "description", "selectedApis", "modelConfig", "userPrompt", "generatedCode", "composerThoughts",
          "_id", "_rev", "created_at", "updated_at"]  # fmt: skip
MODEL = {"provider": "anthropic", "model": "claude-sonnet-4-5-20250929", "parameters": {"max_tokens": 100}}
CODE = {"html": "<p id=p>é</p>", "css": "p{}", "js": "1"}


def api(name, agent="an-agent", **fields):
    return {"friendlyName": name, "agentId": agent, "description": f"what {name} does", **fields}


def body(**fields):
    """What POST and PUT want."""
    return {"name": unique("demo"), "selectedApis": [api("echo")], "modelConfig": MODEL, "userPrompt": "a page",
            "generatedCode": CODE} | fields  # fmt: skip


def make_demo(server, **fields):
    """A new demo of the caller, as it was answered."""
    reply = server.post("/demos", body(**fields))
    assert reply.status == 201, reply
    return reply.json


def written(html="<p>hi</p>", css="p{}", js="1", **more):
    """What a model is to answer."""
    return json.dumps({"html": html, "css": css, "js": js, **more})
