# SPDX-License-Identifier: Apache-2.0
"""Calls MCP servers through mcp_driver.c, in a server of its own."""

import json
import uuid

from support import BUILD, Server

DRIVER = BUILD / "tests" / "mcp" / "mcp_driver.so"

# enum ein_err
ERRORS = {0: "ok", -1: "invalid", -2: "not_found", -4: "denied", -5: "unavailable", -6: "timeout", -7: "cancelled",
          -8: "no_memory", -9: "unsupported", -10: "internal", -11: "too_large", -12: "busy"}  # fmt: skip


class Answer:
    def __init__(self, said):
        self.r, self.error = ERRORS[said["r"]], said["error"]
        self.value, self.progress = said.get("value"), said["progress"]

    @property
    def text(self):
        return "".join(part.get("text", "") for part in self.value["content"])

    @property
    def names(self):
        return [tool["name"] for tool in self.value]

    def __repr__(self):
        return f"<{self.r} {self.error!r} {str(self.value)[:500]}>"


class Caller:
    def __init__(self, settings, egress):
        instances = {"service": {}, "storage-memory": {}, "mcp": settings, "mcp-driver": {"plugin": str(DRIVER)}}
        config = {"plugins": instances, "egress": {"allow": ["127.0.0.0/8"], **egress}}
        self.server = Server("memory", config=json.dumps(config)).start()

    def end(self):
        self.server.end()

    def someone(self):
        """A user whom nobody has seen."""
        return uuid.uuid4().hex

    def __call__(self, url, tool=None, arguments=None, timeout=120, **call):
        """list_tools(), or call_tool() with a tool; with further members of struct ein_mcp_call."""
        said = {"url": url, "tool": tool, "arguments": arguments, "egress": 100, "user_id": "alice", **call}
        said = {name: value for name, value in said.items() if value is not None}
        reply = self.server.post("/mcp-driver", said, timeout=timeout)
        assert reply.status == 200, reply
        return Answer(reply.json)
