# SPDX-License-Identifier: Apache-2.0
"""MCP servers that do as the test says, on top of tests/support/vendor.py."""

import itertools

from vendor import sse, whole

TOOL = {"name": "t", "description": "d", "inputSchema": {"type": "object"}}


def result(request, value, **more):
    return {"jsonrpc": "2.0", "id": request.json["id"], "result": value, **more}


def error(request, code, message, status=200, data=None, id=...):
    id = request.json["id"] if id is ... else id
    return whole({"jsonrpc": "2.0", "id": id, "error": {"code": code, "message": message, "data": data}}, status)


def text(words, **more):
    return {"content": [{"type": "text", "text": words}], **more}


class Modern:
    """2026-07-28.  `listed` and `called` answer by (request) a result, or a whole reply."""

    def __init__(self, peer, path="/mcp"):
        self.url = peer.url + path
        self.listed = lambda request: {"tools": [TOOL], "resultType": "complete", "ttlMs": 0}
        self.called = lambda request: text("done", resultType="complete")
        peer.answer(path, self.take)

    def take(self, request):
        said = (self.listed if request.json["method"] == "tools/list" else self.called)(request)
        return whole(result(request, said)) if isinstance(said, dict) else said


class Legacy:
    """2025-11-25 with sessions.  `called` likewise; `seen` are the methods that came."""

    def __init__(self, peer, path="/mcp", version="2025-11-25"):
        self.url, self.version = peer.url + path, version
        self.sessions, self.numbers, self.seen = set(), itertools.count(1), []
        self.listed = lambda request: {"tools": [TOOL]}
        self.called = lambda request: text("done")
        self.resumed = lambda request: whole("", 405)
        self.lost = 404
        peer.answer(path, self.take)

    def take(self, request):
        session = request.headers.get("mcp-session-id")
        if request.method != "POST":
            self.seen.append(request.method)
            self.sessions.discard(session if request.method == "DELETE" else None)
            return self.resumed(request) if request.method == "GET" else whole("", 200)
        message = request.json
        method = message.get("method", "answer")
        if request.headers.get("mcp-protocol-version") == "2026-07-28":
            return error(request, -32000, "Bad Request: Server not initialized", 400, id=None)
        self.seen.append(method)
        if method == "initialize":
            return self.initialize(request)
        if session not in self.sessions:
            return error(request, -32001, "Session not found", self.lost, id=None)
        if "id" not in message or method == "answer":
            return whole("", 202)
        said = (self.listed if method == "tools/list" else self.called)(request)
        return whole(result(request, said)) if isinstance(said, dict) else said

    def initialize(self, request):
        session = f"session-{next(self.numbers)}"
        self.sessions.add(session)
        said = {"protocolVersion": self.version, "capabilities": {"tools": {}}, "serverInfo": {"name": "s", "version": "1"}}
        return sse(result(request, said), headers={"Mcp-Session-Id": session})
