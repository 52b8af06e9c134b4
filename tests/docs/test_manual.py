# SPDX-License-Identifier: Apache-2.0
"""The manual pages say what there is: every public name, every setting, code that compiles."""

import html
import os
import pathlib
import re
import subprocess
import sys

import pytest
from readme import README, ROOT

BUILD = pathlib.Path(os.environ.get("EIN_BUILD", ROOT / "build")).resolve()
HEADERS = sorted((ROOT / "plugin-api/include/einion").glob("*.h"))
PAGES = sorted((ROOT / "packaging/man").glob("*.[0-9]"))


def page(name):
    return (ROOT / "packaging/man" / name).read_text()


def test_the_settings_page_is_as_its_generator_writes_it():
    written = subprocess.run([sys.executable, str(ROOT / "packaging/man/settings.py"), str(BUILD)],
                             capture_output=True, text=True, check=True)
    assert written.stdout == page("einion.yaml.5"), "run packaging/man/settings.py"


def without_comments(text):
    return re.sub(r"/\*.*?\*/", "", text, flags=re.S)


def public_names():
    """Structs, enums, enumerators, macros, and the members that are functions."""
    names = set()
    for header in HEADERS:
        text = without_comments(header.read_text())
        names |= set(re.findall(r"^(?:struct|enum)\s+(ein_\w+)", text, re.M))
        names |= set(re.findall(r"^#define\s+(EIN_\w+)", text, re.M))
        names |= set(re.findall(r"\b(EIN_[A-Z0-9_]+)\s*=", text))
        names |= set(re.findall(r"^typedef\s.*?\b(ein_\w+)\(", text, re.M))
        if header.name == "plugin.h":
            names |= set(re.findall(r"\(\*(\w+)\)\(", text))
    guards = {f"EIN_{header.stem.upper()}_H" for header in HEADERS}
    return sorted(names - guards)


@pytest.mark.parametrize("name", public_names())
def test_every_public_name_is_in_the_plugin_page(name):
    assert re.search(rf"\b{name}\b", page("einion-plugin.3"))


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_pages_are_well_formed(path):
    lint = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", str(path)], capture_output=True, text=True)
    assert lint.stdout == ""


def compile_c(source, folder):
    path = folder / "code.c"
    path.write_text(source)
    flags = subprocess.run(["pkg-config", "--cflags", "--libs", "jansson"], capture_output=True, text=True, check=True)
    return subprocess.run(["gcc", "-Wall", "-Wextra", "-Werror", "-fPIC", "-shared", "-Wl,--no-undefined",
                           f"-I{ROOT}/plugin-api/include", "-o", str(folder / "code.so"), str(path),
                           *flags.stdout.split()], capture_output=True, text=True)


def test_the_synopsis_compiles(tmp_path):
    synopsis = re.search(r"\.Sh SYNOPSIS\n\.Bd -literal\n(.*?)\.Ed", page("einion-plugin.3"), re.S).group(1)
    result = compile_c(synopsis, tmp_path)
    assert result.returncode == 0, result.stderr


def test_the_plugin_of_the_readme_compiles(tmp_path):
    blocks = re.findall(r"```c\n(.*?)```", README, re.S)
    assert blocks, "the README shows no plugin"
    for block in blocks:
        result = compile_c(html.unescape(block), tmp_path)
        assert result.returncode == 0, result.stderr
