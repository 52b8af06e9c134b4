# SPDX-License-Identifier: Apache-2.0
import pathlib
import subprocess

import pytest
from fixtures import *  # noqa: F401, F403

HERE = pathlib.Path(__file__).resolve().parent
INCLUDE = HERE.parents[1] / "plugin-api" / "include"
TEMPLATE = HERE.parents[1] / "plugin-api" / "template" / "echo.c"
WARNINGS = ["-Wall", "-Wextra", "-Werror", "-Wno-override-init"]


def run(*command, **options):
    """Runs a command that has to succeed; returns what it printed."""
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, **options)
    assert done.returncode == 0, f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}"
    return done.stdout


@pytest.fixture(scope="session")
def build_plugin(tmp_path_factory):
    """build_plugin(source, include=, name=, flags=): a plugin's .so, as its author would build it."""
    folder = tmp_path_factory.mktemp("plugins")

    def build(source, include=INCLUDE, name=None, flags=()):
        target = folder / f"{name or source.stem}.so"
        if not target.exists():
            compiler = "g++" if source.suffix == ".cpp" else "gcc"
            warnings = [flag for flag in WARNINGS if compiler == "gcc" or "override" not in flag]
            run(compiler, *warnings, "-O1", "-g", "-shared", "-fPIC", "-fvisibility=hidden",
                "-Wl,--no-undefined", f"-I{include}", *flags, source, "-ljansson", "-o", target)  # fmt: skip
        return target

    return build


@pytest.fixture(scope="session")
def plugin_config():
    """plugin_config({instance: FILE.so}, instance={setting: value}): a configuration in memory."""

    def text(files, **settings):
        lines = ["storage:", "  backend: memory", "shipped_plugins: false", "plugins:"]
        lines += ["  storage-memory:", "  service:", "  data-store:", "  runtime-python:", "  agents:"]
        for instance, file in files.items():
            lines += [f"  {instance}:", f"    plugin: {file}"]
            lines += [f"    {name}: {value!r}" for name, value in settings.get(instance, {}).items()]
        return "\n".join(lines) + "\n"

    return text
