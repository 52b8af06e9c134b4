# SPDX-License-Identifier: Apache-2.0
"""Servers whose providers are instances of the example, plugin-api/template/llm-lines.c."""

import json
import pathlib

from support import BUILD

LINES = BUILD / "tests" / "models" / "llm-lines.so"
DRIVER = BUILD / "tests" / "vendors" / "llm_driver.so"
ORDER = ["openai", "gemini", "anthropic", "perplexity", "bedrock", "openrouter", "ollama"]
KEYS = {
    "openai": "OPENAI_API_KEY", "gemini": "GEMINI_API_KEY", "anthropic": "ANTHROPIC_API_KEY",
    "perplexity": "PERPLEXITYAI_API_KEY", "bedrock": "AWS_BEARER_TOKEN_BEDROCK", "openrouter": "OPENROUTER_API_KEY",
}  # fmt: skip
ALL_KEYS = {variable: f"sk-{name}-0123456789" for name, variable in KEYS.items()}
NOWHERE = "http://127.0.0.1:1"
COMMON = ["service", "storage-sqlite", "vault", "audit", "users"]


def config(providers=ORDER, upstreams=None, models=None, plugins=()):
    """The text of a configuration with these providers; `upstreams` has the base_url of some."""
    told = {name: {} for name in [*COMMON, *plugins]}
    told["storage-sqlite"] = {"path": "${EINION_STATE_DIR}/einion.db"}
    told["vault"] = {"key_file": "${EINION_STATE_DIR}/vault.key"}
    told["models"] = {"watch_ms": 20, "list_ttl_ms": 50, "list_retry_ms": 20, **(models or {})}
    for name in providers:
        told[name] = {"plugin": str(LINES), "base_url": (upstreams or {}).get(name, NOWHERE)}
    return json.dumps({"plugins": told})


class Folder:
    """A folder of the operator's files of models."""

    def __init__(self, path):
        self.path = pathlib.Path(path)
        self.path.mkdir(exist_ok=True)

    def write(self, name, text):
        """As editors do it: beside, then in its place."""
        beside = self.path / f".{name}.new"
        beside.write_text(text if isinstance(text, str) else json.dumps(text))
        beside.rename(self.path / name)

    def remove(self, name):
        (self.path / name).unlink()
