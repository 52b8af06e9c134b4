# SPDX-License-Identifier: Apache-2.0
"""Calls one vendor plugin in a server of its own, through llm_driver.c."""

import contextlib
import json
import pathlib

import yaml

from support import BUILD, Server

DRIVER = BUILD / "tests" / "vendors" / "llm_driver.so"

# enum ein_err
ERRORS = {0: "ok", -1: "invalid", -2: "not_found", -4: "denied", -5: "unavailable", -6: "timeout", -7: "cancelled",
          -8: "no_memory", -9: "unsupported", -10: "internal", -11: "too_large", -12: "busy"}  # fmt: skip

WEATHER = {"name": "get_weather", "description": "d",
           "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}  # fmt: skip


def message(role, *parts):
    return {"role": role, "content": list(parts)}


def text(value):
    return {"type": "text", "text": value}


def shipped(name):
    """What config/einion.yaml says of an instance, but for where its vendor is."""
    config = pathlib.Path(__file__).resolve().parents[2] / "config" / "einion.yaml"
    said = yaml.safe_load(config.read_text())["plugins"][name]
    return {setting: value for setting, value in said.items() if setting not in ("plugin", "base_url")}


class Answer:
    """What complete() said: `r` in words, `error`, and the members of the outcome as attributes."""

    def __init__(self, said):
        self.r, self.error, self.pieces = ERRORS[said["r"]], said["error"], said["pieces"]
        self.outcome = said["outcome"]
        for name, value in self.outcome.items():
            setattr(self, name, value)

    def _joined(self, kind):
        return "".join(piece.get("text", "") for piece in self.pieces if piece["kind"] == kind)

    @property
    def text(self):
        return self._joined("text")

    @property
    def thought(self):
        return self._joined("thought")

    @property
    def tool_calls(self):
        return [piece["data"] for piece in self.pieces if piece["kind"] == "tool_call"]

    @property
    def sources(self):
        return [piece["data"] for piece in self.pieces if piece["kind"] == "source"]

    @property
    def replays(self):
        return [piece["data"]["replay"] for piece in self.pieces if "replay" in piece.get("data", {})]

    def as_message(self):
        """The assistant's message that a next call gives back."""
        parts = []
        for piece in self.pieces:
            last = parts[-1] if parts and parts[-1]["type"] == piece["kind"] and "replay" not in parts[-1] else None
            if piece["kind"] == "thought" and last:  # which a replay ends
                last |= {"text": last["text"] + piece.get("text", ""), **piece.get("data", {})}
            elif piece["kind"] in ("text", "thought"):
                parts.append({"type": piece["kind"], "text": piece.get("text", ""), **piece.get("data", {})})
            elif piece["kind"] == "tool_call":
                parts.append({"type": "tool_call", **piece["data"]})
        return {"role": "assistant", "content": parts}

    def __repr__(self):
        return f"<{self.r} {self.error!r} {self.outcome} {self.pieces}>"


class Talk:
    def __init__(self, plugin, name, env, settings):
        self.name = name or plugin.removeprefix("llm-")
        instances = {"service": {}, "storage-memory": {}, "llm-driver": {"plugin": str(DRIVER)},
                     self.name: {"plugin": plugin, **settings}}  # fmt: skip
        self.server = Server("memory", env=env, config=json.dumps({"plugins": instances})).start()

    def end(self):
        self.server.end()

    def _call(self, messages, model, call):
        messages = [{"role": "user", "content": messages}] if isinstance(messages, str) else messages
        call = {"api_key": "key-of-the-user", **call}
        return {name: value for name, value in {"model": model, "messages": messages, **call}.items() if value is not None}

    def __call__(self, messages="Hi", model="m", timeout=120, **call):
        """complete() with these members of struct ein_llm_call; api_key=None: the plugin's own."""
        reply = self.server.post(f"/llm-driver/{self.name}", self._call(messages, model, call), timeout=timeout)
        assert reply.status == 200, reply
        return Answer(reply.json)

    def events(self, messages="Hi", model="m", **call):
        """The same as it comes: dictionaries of pieces, at the end an Answer.  Leave with close()."""
        with self.server.connect(30) as connection:
            body = json.dumps(self._call(messages, model, call)).encode()
            connection.send_request("POST", f"/llm-driver/{self.name}?stream=1", body)
            head = connection.read_head()
            assert head.status == 200, head
            pieces = []
            with contextlib.closing(connection.events(head)) as events:
                for event, data in events:
                    if event == "piece":
                        pieces.append(data)
                        yield data
                    elif event == "end":
                        yield Answer(data | {"pieces": pieces})

    def models(self):
        said = self.server.get(f"/llm-driver/{self.name}/models").json
        return said.get("models") if said["r"] == 0 else (ERRORS[said["r"]], said["error"])
