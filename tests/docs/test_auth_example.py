# SPDX-License-Identifier: Apache-2.0
"""config/auth.example.yaml shows every provider, with settings that its plugin has."""

import json
import os
import pathlib
import re
import subprocess

import pytest
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("EIN_BUILD", ROOT / "build")).resolve()
EXAMPLE = yaml.safe_load((ROOT / "config/auth.example.yaml").read_text())["auth"]
PLUGINS = {"oidc": "auth-oidc", "google": "auth-oidc", "microsoft": "auth-oidc", "github": "auth-github", "asf": "auth-asf"}
SHOWN = {provider["type"]: provider for provider in EXAMPLE["providers"]}


def settings_of(plugin):
    told = subprocess.run([BUILD / "core/einion", "plugin-info", BUILD / f"plugins/{plugin}/{plugin}.so"],
                          capture_output=True, text=True, check=True)
    return json.loads(re.search(r"^settings +(.*)$", told.stdout, re.M)[1])


def test_every_type_is_shown():
    assert sorted(SHOWN) == sorted([*PLUGINS, "dev_stub"])


@pytest.mark.parametrize("kind", PLUGINS)
def test_the_settings_are_the_plugins(kind):
    schema, config = settings_of(PLUGINS[kind]), SHOWN[kind]["config"]
    assert set(config) <= set(schema["properties"])
    assert set(schema.get("required", [])) <= set(config)
    assert set(config.get("ldap", {})) <= set(schema["properties"].get("ldap", {}).get("properties", {}))


@pytest.mark.parametrize("kind", PLUGINS)
def test_a_secret_is_a_reference(kind):
    text = json.dumps(SHOWN[kind])
    for value in re.findall(r'"(?:client_secret|bind_password)": "([^"]*)"', text):
        assert re.fullmatch(r"\$\{[A-Z_]+\}", value)
