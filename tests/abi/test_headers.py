# SPDX-License-Identifier: Apache-2.0
"""Each public header stands alone, in every dialect a plugin may be written in."""

import pytest
from conftest import HERE, INCLUDE, TEMPLATE, run

DIALECTS = [
    *((compiler, f"c{year}") for compiler in ("gcc", "clang") for year in ("99", "11", "17", "2x")),
    *((compiler, f"c++{year}") for compiler in ("g++", "clang++") for year in ("11", "14", "17", "20")),
]
STRICT = ["-pedantic-errors", "-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Werror", "-fsyntax-only"]
CPP = ["-Wold-style-cast"]
USED = """
extern const struct ein_plugin used;
const struct ein_plugin used = { EIN_PLUGIN_HEADER, 0, 0, 0, "used", "1", "Is used", 0, 0, 0, 0, 0, 0, 0 };
extern int has(const struct ein_host *host);
int has(const struct ein_host *host) { return EIN_HAS(struct ein_host, host, tracing) ? 1 : 0; }
"""


@pytest.mark.parametrize("header", ["einion/plugin.h", "einion/services.h"])
@pytest.mark.parametrize("compiler, dialect", DIALECTS)
def test_a_header_compiles_alone(compiler, dialect, header, tmp_path):
    source = tmp_path / ("alone.cpp" if "++" in compiler else "alone.c")
    source.write_text(f"#include <{header}>\n#include <{header}>\n{USED}")
    run(compiler, f"-std={dialect}", *STRICT, *(CPP if "++" in compiler else ()), f"-I{INCLUDE}", source)


@pytest.mark.parametrize("compiler, dialect", DIALECTS)
def test_a_whole_plugin_compiles(compiler, dialect):
    source = HERE / "sample" / "echo.cpp" if "++" in compiler else TEMPLATE
    run(compiler, f"-std={dialect}", *STRICT, f"-I{INCLUDE}", source)


def test_the_headers_need_nothing_but_the_c_library():
    text = "".join((INCLUDE / "einion" / name).read_text() for name in ("plugin.h", "services.h"))
    included = {line.split()[1] for line in text.splitlines() if line.startswith("#include")}
    assert included == {"<stddef.h>", "<stdint.h>", "<einion/plugin.h>"}
