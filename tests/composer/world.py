# SPDX-License-Identifier: Apache-2.0
"""What is outside the server: a model that says what it is told to, a shop's HTTP API, an MCP server."""

import json

from scripts import Legacy
from vendor import whole
from vendor_formats import ANTHROPIC, Said, anthropic

MODEL = "claude-sonnet-4-5-20250929"

PRICE = {
    "name": "price",
    "description": "The price of a thing.",
    "inputSchema": {"type": "object", "properties": {"thing": {"type": "string"}}, "required": ["thing"]},
    "outputSchema": {"type": "object", "properties": {"cents": {"type": "integer"}}, "required": ["cents"]},
}

STOCK = """
openapi: 3.0.3
info: {title: Shop, version: "1"}
servers: [{url: "@URL@/shop"}]
paths:
  /stock/{thing}:
    get:
      operationId: stockOf
      summary: How many there are
      parameters:
        - {name: thing, in: path, required: true, schema: {type: string}}
        - {name: place, in: query, required: true, schema: {type: string}}
      responses:
        "200":
          description: The count
          content:
            application/json:
              schema: {type: object, required: [count], properties: {count: {type: integer, example: 7}}}
  /orders:
    post:
      requestBody:
        required: true
        content:
          application/json:
            schema: {type: object, required: [thing], properties: {thing: {type: string}}}
      responses: {"204": {description: Ordered}}
"""


def written(code, name="made_agent", docstring="What it does."):
    """As the model is asked to answer."""
    return f"NAME: {name}\nDOCSTRING:\n{docstring}\nCODE:\n```python\n{code}\n```\n"


def run(body):
    """The code of an agent whose run() does this."""
    return "async def run(input_dict, tools):\n" + "\n".join("    " + line for line in body.strip().split("\n"))


class World:
    def __init__(self, vendor):
        self.vendor = vendor
        self.mcp_url = vendor.url + "/mcp"
        self.spec = {"name": "shop.yaml", "content": STOCK.replace("@URL@", vendor.url)}

    def reset(self):
        self.vendor.forget()
        self.mcp = Legacy(self.vendor)
        self.mcp.listed = lambda request: {"tools": [PRICE]}
        self.mcp.called = lambda request: {"content": [{"type": "text", "text": "250"}], "structuredContent": {"cents": 250}}
        self.vendor.answer("/shop/stock/*", whole({"count": 12}))

    def says(self, *answers):
        """The model's answers, one after the other: texts, or Said."""
        answers = [answer if isinstance(answer, Said) else Said(answer) for answer in answers]
        self.vendor.answer(ANTHROPIC, *[anthropic(answer) for answer in answers])

    @property
    def asked(self):
        """What the model was asked: [(system, messages)]."""
        requests = self.vendor.asked(ANTHROPIC)
        return [(json.dumps(request.json.get("system")), request.json["messages"]) for request in requests]

    def touched(self):
        """Requests that came to the shop and calls of tools."""
        called = [request for request in self.vendor.asked("/mcp") if request.body and request.json["method"] == "tools/call"]
        return self.vendor.asked("/shop/*") + called
