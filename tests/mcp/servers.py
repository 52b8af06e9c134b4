# SPDX-License-Identifier: Apache-2.0
"""Real MCP servers, from npm."""

import os
import pathlib
import socket
import subprocess
import tempfile
import time

from node_tools import SCALE, modules
from ports import free_port

HERE = pathlib.Path(__file__).resolve().parent
EVERYTHING = "node_modules/@modelcontextprotocol/server-everything/dist/index.js"
EXAMPLES = "node_modules/@modelcontextprotocol/sdk/dist/esm/examples/server/"

# name: (package of npm.sh, script, arguments, path of its URL)
SERVERS = {
    "everything": ("mcp-everything", EVERYTHING, ["streamableHttp"], "/mcp"),
    "everything-sse": ("mcp-everything", EVERYTHING, ["sse"], "/sse"),
    "json-answers": ("mcp-sdk", EXAMPLES + "jsonResponseStreamableHttp.js", [], "/mcp"),
    "polling": ("mcp-sdk", EXAMPLES + "ssePollingExample.js", [], "/mcp"),
    "stateless": ("mcp-sdk", EXAMPLES + "simpleStatelessStreamableHttp.js", [], "/mcp"),
    "compatible": ("mcp-sdk", EXAMPLES + "sseAndStreamableHttpCompatibleServer.js", [], "/mcp"),
    "compatible-sse": ("mcp-sdk", EXAMPLES + "sseAndStreamableHttpCompatibleServer.js", [], "/sse"),
    "dual": ("mcp-dual", HERE / "dual.mjs", ["{port}"], "/mcp"),
    "dual-token": ("mcp-dual", HERE / "dual.mjs", ["{port}", "open-sesame"], "/mcp"),
}


class NodeServer:
    def __init__(self, name):
        package, script, arguments, path = SERVERS[name]
        folder = modules(package)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}{path}"
        command = ["node", "--import", str(HERE / "listen_at.mjs"), str(folder / script), *[argument.format(port=self.port) for argument in arguments]]
        self.log = tempfile.TemporaryFile("w+")
        environment = {**os.environ, "PORT": str(self.port), "EIN_MODULES": str(folder)}
        self.process = subprocess.Popen(command, cwd=folder, env=environment, stdin=subprocess.DEVNULL,
                                        stdout=self.log, stderr=subprocess.STDOUT)  # fmt: skip
        self._wait()

    def _wait(self):
        end = time.monotonic() + 120 * SCALE
        while True:
            try:
                return socket.create_connection(("127.0.0.1", self.port), 5).close()
            except OSError:
                assert self.process.poll() is None and time.monotonic() < end, self.text()
                time.sleep(0.05)

    def text(self):
        """What it has said so far."""
        self.log.seek(0)
        return self.log.read()

    def wait_for(self, words):
        end = time.monotonic() + 120 * SCALE
        while words not in self.text():
            assert time.monotonic() < end, self.text()
            time.sleep(0.02)

    def close(self):
        self.process.terminate()
        self.process.wait()
        self.log.close()
