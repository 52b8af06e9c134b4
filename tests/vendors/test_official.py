# SPDX-License-Identifier: Apache-2.0
"""The vendors' own clients understand the upstream that our wires are tested with: it speaks as they do."""

import pathlib

import pytest
from node_tools import run_client
from vendor_formats import Said, speak

SCRIPT = pathlib.Path(__file__).resolve().parent / "official.mjs"

# The client, the modules it is in, how it calls the end of an answer and of one with calls of tools.
CLIENTS = {
    "anthropic": ("anthropic", "end_turn", "tool_use"), "bedrock": ("bedrock", "end_turn", "tool_use"), "genai": ("genai", "STOP", "STOP"), "ollama": ("ollama", "stop", "stop"),
    "openai": ("openai", "stop", "tool_calls"), "responses": ("openai", "completed", "completed"),
}  # fmt: skip


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("said", [Said("Grüße, 世界 🎉", thought="Ein Gruß?", reasoning=3),
                                  Said(tools=[("get_weather", {"city": "Zürich"}), ("now", {})])])  # fmt: skip
def test_the_official_client_hears_what_was_said(upstream, client, said):
    modules, stop, stop_with_tools = CLIENTS[client]
    speak(upstream, said)
    heard = run_client(modules, SCRIPT, client, upstream.url)
    assert heard == {"text": said.text, "thought": said.thought, "tools": [list(tool) for tool in said.tools],
                     "stop": stop_with_tools if said.tools else stop, "input": said.input, "output": said.output}  # fmt: skip
