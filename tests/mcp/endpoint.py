# SPDX-License-Identifier: Apache-2.0
"""Who speaks with /mcp: people, and the messages of both eras."""

import contextlib
import itertools
import json

import people
from agents import ECHO, unique

CODE = "import asyncio\nasync def run(input_dict, tools):\n    {}\n"
META = "io.modelcontextprotocol/"


class Person(people.Person):
    def deploy(self, code=ECHO, **fields):
        """The name of a new agent that is deployed."""
        name = fields.setdefault("friendlyName", unique("served"))
        agent = self.make_agent(code=code, **fields)
        reply = self.post(f"/agents/{agent}/deploy")
        assert reply.status == 201, reply
        return name


class Stream:
    """An answer in pieces: messages, as they come."""

    def __init__(self, connection):
        self.connection, self.head = connection, connection.read_head()
        self.events = self.head.status == 200 and connection.events(self.head)
        assert self.events, (self.head, b"".join(connection.pieces(self.head)))

    def __iter__(self):
        return self

    def __next__(self):
        return next(data for event, data in self.events if event == "message")

    def until(self, words):
        for message in self:
            if words in json.dumps(message):
                return message
        raise AssertionError(f"the stream ended before {words!r}")

    def rest(self):
        return [data for event, data in self.events if event == "message"]


class Talker:
    """One client of PERSON's."""

    def __init__(self, person, modern=False, path="/mcp"):
        self.person, self.modern, self.path = person, modern, path
        self.session = self.version = self.about = None
        self.ids = itertools.count(1)

    def initialize(self, version="2025-11-25"):
        params = {"protocolVersion": version, "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
        reply = self.reply("initialize", params)
        assert reply.status == 200, reply
        self.about, self.session = reply.json["result"], reply.header("Mcp-Session-Id")
        self.version = self.about["protocolVersion"]
        return self

    def headers(self, message, name=None, more=()):
        headers = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
        if self.modern:
            headers |= {"MCP-Protocol-Version": "2026-07-28", "Mcp-Method": message["method"], "Mcp-Name": name}
        else:
            headers |= {"MCP-Protocol-Version": self.version, "Mcp-Session-Id": self.session}
        headers |= dict(more)
        return {name: value for name, value in headers.items() if value is not None}

    def message(self, method, params=None, id=None, version="2026-07-28"):
        params = dict(params or {})
        if self.modern:
            meta = {META + "protocolVersion": version, META + "clientCapabilities": {}}
            params["_meta"] = meta | params.get("_meta", {})
        return {"jsonrpc": "2.0", "id": id or next(self.ids), "method": method, "params": params}

    def send(self, message):
        return self.person.post(self.path, message, headers=self.headers(message))

    def reply(self, method, params=None, name=None, headers=(), **message):
        message = self.message(method, params, **message)
        return self.person.post(self.path, message, headers=self.headers(message, name, headers))

    def ask(self, method, params=None, **more):
        reply = self.reply(method, params, **more)
        assert reply.status == 200 and "result" in reply.json, reply
        return reply.json["result"]

    @contextlib.contextmanager
    def open(self, method, params=None, name=None, **message):
        message = self.message(method, params, **message)
        headers = {**self.headers(message, name), **self.person.headers}
        with self.person.server.connect() as connection:
            connection.send_request("POST", self.path, json.dumps(message).encode(), headers)
            yield Stream(connection)

    def stream(self, *arguments, **more):
        with self.open(*arguments, **more) as stream:
            return stream.rest()

    @contextlib.contextmanager
    def listen(self):
        headers = {"Accept": "text/event-stream", "Mcp-Session-Id": self.session, **self.person.headers}
        with self.person.server.connect() as connection:
            connection.send_request("GET", self.path, headers=headers)
            stream = Stream(connection)
            assert next(stream.events) == (None, "listening")
            yield stream

    def pages(self):
        pages = [self.ask("tools/list")]
        while "nextCursor" in pages[-1]:
            pages.append(self.ask("tools/list", {"cursor": pages[-1]["nextCursor"]}))
        return pages

    def tools(self):
        return [tool for page in self.pages() for tool in page["tools"]]

    def names(self):
        return [tool["name"] for tool in self.tools()]

    def tool(self, name):
        return next(tool for tool in self.tools() if tool["name"] == name)

    def call(self, name, arguments=None):
        return self.ask("tools/call", {"name": name, "arguments": arguments or {}}, name=name if self.modern else None)
