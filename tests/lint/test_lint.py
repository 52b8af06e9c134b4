# SPDX-License-Identifier: Apache-2.0
"""What is true of every file."""

import pathlib
import re
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
SKIPPED = re.compile(r"(^|/)(build[^/]*|\.git|__pycache__|corpus|old)/|\.(abi|json|so|svg)$")
FILES = sorted(
    path
    for folder in ("core", "plugins", "plugin-api", "config", "tests", "packaging", ".ci")
    for path in (ROOT / folder).rglob("*")
    if path.is_file() and not SKIPPED.search(str(path.relative_to(ROOT)))
)
SCRIPTS = [path for path in FILES if path.suffix in (".sh", ".bash") or path.parent.name == ".ci"]
SOURCES = [path for path in FILES if path.suffix in (".c", ".h", ".cpp", ".py", ".sh", ".bash", ".sql")]
MANUALS = [path for path in FILES if re.fullmatch(r"\.[1-8]", path.suffix)]


def name(path):
    return str(path.relative_to(ROOT))


HEADERS = [path for path in SOURCES if path.suffix == ".h" and not re.search("plugin-api|abi/1.0", str(path))]


@pytest.mark.parametrize("header", HEADERS, ids=map(name, HEADERS))
def test_a_header_may_be_included_twice(header):
    assert re.match(r"(/\*.*?\*/\s*)+#pragma once\n", header.read_text(), re.DOTALL)


@pytest.mark.parametrize("script", SCRIPTS, ids=map(name, SCRIPTS))
def test_shellcheck_has_nothing_to_say(script):
    done = subprocess.run(["shellcheck", "-x", name(script)], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("manual", MANUALS, ids=map(name, MANUALS))
def test_a_manual_page_is_well_formed(manual):
    done = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", manual], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_every_source_names_its_licence():
    assert len(SOURCES) > 100
    assert [name(path) for path in SOURCES if "SPDX-License-Identifier: Apache-2.0" not in path.read_text()[:200]] == []


def test_no_work_is_left_in_comments():
    words = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
    here = pathlib.Path(__file__)
    assert [name(path) for path in SOURCES if path != here and words.search(path.read_text())] == []


def test_scripts_can_be_run():
    sourced = {"core/completion.bash", "packaging/packages.sh"}
    assert [name(path) for path in SCRIPTS if name(path) not in sourced and not path.stat().st_mode & 0o100] == []


def test_what_cleans_itself_up_begins_with_a_value():
    """Else a return before the first assignment frees what happened to lie there, and no compiler says so."""
    sources = {path: path.read_text() for path in SOURCES if path.suffix in (".c", ".h")}
    macros = {macro for text in sources.values() for macro in re.findall(r"#define (EIN_\w+)\s+__attribute__\(\(cleanup", text)}
    declared = re.compile(rf"^[ \t]+(?:{'|'.join(macros)}) [^;]*;", re.M)
    text_of, inner = re.compile(r"\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])'"), re.compile(r"\([^()]*\)|\{[^{}]*\}")
    found = []
    for path, text in sources.items():
        for declaration in declared.findall(text_of.sub("", text)):
            while inner.search(declaration):
                declaration = inner.sub("", declaration)
            found += [f"{name(path)}: {one.strip()}" for one in declaration.split(",") if "=" not in one]
    assert len(macros) > 5 and found == []
