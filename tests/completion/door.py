# SPDX-License-Identifier: Apache-2.0
"""Calls completion/1 in a server of its own, through completion_driver.c."""

import contextlib
import itertools
import json
import pathlib
import tempfile

import yaml
from support import BUILD, Server

DRIVER = BUILD / "tests" / "completion" / "completion_driver.so"

# enum ein_err
ERRORS = {0: "ok", -1: "invalid", -2: "not_found", -4: "denied", -5: "unavailable", -6: "timeout", -7: "cancelled",
          -8: "no_memory", -9: "unsupported", -10: "internal", -11: "too_large", -12: "busy"}  # fmt: skip

CLAUDE = "anthropic/claude-sonnet-4-5-20250929"  # 3 and 15 dollars, 6 and 22.50 above 200,000 tokens
OPUS = "anthropic/claude-opus-4-6"

NUMBERS = itertools.count(1)


class Answer:
    """What complete() said: `r` in words, `error`, `text`, and the members of the outcome."""

    def __init__(self, said):
        self.r, self.error, self.text, self.pieces = ERRORS[said["r"]], said["error"], said["text"], said["pieces"]
        for name, value in said["outcome"].items():
            setattr(self, name, value)

    def __repr__(self):
        return repr(vars(self))


class Door:
    def __init__(self, url, settings, **others):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="einion-models-"))
        self.plugins = {
            "service": {}, "storage-memory": {}, "vault": {"key_file": str(self.folder / "vault.key")},
            "users": {"settle_ms": 10},
            "models": {"path": str(self.folder), "watch_ms": 20, "retry_base_ms": 1, "retry_max_ms": 2, **settings},
            "anthropic": {"plugin": "llm-anthropic", "base_url": url, "api_key_env": "THE_KEY"},
            "openai": {"plugin": "llm-openai", "base_url": url, "api_key_env": "THE_KEY"},
            "gemini": {"plugin": "llm-gemini", "base_url": url, "api_key_env": "THE_KEY"},
            "openrouter": {"plugin": "llm-openai", "title": "OpenRouter", "base_url": url, "api_key_env": "THE_KEY",
                           "api_style": "chat", "max_tokens_name": "max_tokens", "reasoning": "object"},
            "perplexity": {"plugin": "llm-openai", "title": "Perplexity", "base_url": url, "api_key_env": "THE_KEY",
                           "api_style": "responses", "responses_path": "/v1/responses"},
            "completion-driver": {"plugin": str(DRIVER)}, **others,
        }  # fmt: skip
        self.server = Server("memory", env={"THE_KEY": "sk-ant-secret"}, config=json.dumps({"plugins": self.plugins})).start()

    def end(self):
        self.server.end()
        assert "sk-ant-secret" not in self.server.log()

    def configure(self, plugins):
        """Reads the configuration again, with these plugins."""
        (self.server.state / "einion.yaml").write_text(json.dumps({"plugins": plugins}))

    def _call(self, messages, model, call):
        messages = [{"role": "user", "content": messages}] if isinstance(messages, str) else messages
        return {"model": model, "messages": messages, **call}

    def __call__(self, messages="Hi", model=CLAUDE, timeout=120, **call):
        reply = self.server.post("/completion-driver", self._call(messages, model, call), timeout=timeout)
        assert reply.status == 200, reply
        return Answer(reply.json)

    def events(self, messages="Hi", model=CLAUDE, **call):
        """The same as it comes: texts, at the end an Answer.  Leave with close()."""
        with self.server.connect(60) as connection:
            body = json.dumps(self._call(messages, model, call)).encode()
            connection.send_request("POST", "/completion-driver?stream=1", body)
            head = connection.read_head()
            assert head.status == 200, head
            with contextlib.closing(connection.events(head)) as events:
                for event, data in events:
                    if event == "piece":
                        yield data.get("text")
                    elif event == "end":
                        yield Answer(data)

    # ---- money ----

    def me(self):
        return self.server.get("/users/me").json

    def spent(self):
        """What has been paid so far, in nano-dollars."""
        usage = self.me()["usageInfo"]
        return round((usage["monthlyAllowance"] - usage["spendRemaining"]) * 1e9)

    def entries(self):
        return self.me()["usageInfo"]["usage"]

    def write_models(self, models):
        """A file of the operator's, whole at once."""
        new = self.folder / f"new-{next(NUMBERS)}.tmp"
        new.write_text(yaml.safe_dump(models))
        new.rename(self.folder / "models.yaml")
