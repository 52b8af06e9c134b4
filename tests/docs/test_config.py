# SPDX-License-Identifier: Apache-2.0
"""config/einion.yaml names every setting of the server, each with its default."""

import json
import pathlib
import re

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCHEMA = json.loads((ROOT / "core/base/config_schema.json").read_text())["properties"]


def named():
    """The file as it would be read if the settings that are commented out were not."""
    text = (ROOT / "config/einion.yaml").read_text()
    return yaml.safe_load(re.sub(r"^( *)# (?=[a-z_]+: \S+$|[a-z_]+: \[)", r"\1", text, flags=re.M))


def defaults(schema):
    if "properties" not in schema:
        return schema["default"]
    return {name: defaults(member) for name, member in schema["properties"].items()}


def test_every_setting_is_named_with_its_default():
    written = named()
    assert written.pop("plugins")
    assert written == {name: defaults(schema) for name, schema in SCHEMA.items() if name != "plugins"}
