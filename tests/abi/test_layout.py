# SPDX-License-Identifier: Apache-2.0
"""What the headers promise in binary does not change: offsets, sizes, numbers, signatures."""

import re
import shutil
import subprocess

import layout
import pytest
from conftest import HERE, INCLUDE, run

RELEASED = HERE / "einion-1.0.abi"


@pytest.mark.parametrize("compiler", ["gcc", "clang"])
def test_nothing_has_moved(compiler):
    run(compiler, "-std=c11", "-fsyntax-only", f"-I{INCLUDE}", HERE / "layout.c")


def test_a_moved_member_would_be_noticed(tmp_path):
    """The asserts are about these headers and not about nothing."""
    include = mutate(tmp_path, swap("const char *method, *url;", "const char *url, *method;"))
    done = subprocess.run(
        ["gcc", "-fsyntax-only", f"-I{include}", HERE / "layout.c"], capture_output=True, text=True
    )
    assert done.returncode != 0 and "ein_fetch.method moved" in done.stderr


def test_padding_at_an_end_would_be_noticed(tmp_path):
    include = mutate(tmp_path, swap("void (*fini)(void *self);", "void (*fini)(void *self); char c;"))
    source = tmp_path / "ends.c"
    macros = (HERE / "layout.c").read_text().split("_Static_assert(sizeof(struct ein_error)")[0]
    source.write_text(macros + "ENDS(ein_plugin, c);\n")
    done = subprocess.run(["gcc", "-fsyntax-only", f"-I{include}", source], capture_output=True, text=True)
    assert done.returncode != 0 and "has padding after c" in done.stderr


def test_every_member_of_every_public_struct_is_asserted():
    listed = set(re.findall(r"^AT\((\w+), (\w+),", (HERE / "layout.c").read_text(), re.MULTILINE))
    declared = {(struct, member) for struct, members in layout.structs() for member in members}
    assert len(declared) > 100
    assert declared - listed == set(), "add these to layout.c"
    assert listed - declared == set(), "these are gone from the headers"


def test_every_number_is_asserted():
    listed = set(re.findall(r"^(?:VALUE|TEXT)\((\w+),", (HERE / "layout.c").read_text(), re.MULTILINE))
    assert set(layout.values()) - listed == {"EIN_REV_ANY", "EIN_ABI_MINOR"}


def test_the_probe_mentions_every_public_type():
    assert (HERE / "probe.c").read_text() == layout.probe()


# ---- abidiff against the released description ----


def swap(old, new):
    def change(text):
        assert text.count(old) == 1, f"{old!r} is {text.count(old)} times in the headers"
        return text.replace(old, new)

    return change


def both(*changes):
    def change(text):
        for one in changes:
            text = one(text)
        return text

    return change


def mutate(folder, change):
    """A copy of the headers with one change; the folder to include."""
    include = folder / "include"
    shutil.copytree(INCLUDE, include)
    header = include / "einion" / "plugin.h"
    header.write_text(change(header.read_text()))
    return include


def verdict(folder, include):
    probe = folder / "probe.so"
    run("gcc", "-g", "-O0", "-shared", "-fPIC", f"-fdebug-prefix-map={HERE}=.", f"-I{include}",
        HERE / "probe.c", "-o", probe)  # fmt: skip
    return subprocess.run([HERE / "abi-additive.sh", RELEASED, probe], capture_output=True, text=True)


LAST_OF_1_0 = "char *(*json_text)(const struct json_t *json, size_t *ret_len);\n"
LAST = "const struct ein_tracing *tracing; /* 1.1 */\n};"
APPEND = swap(LAST, LAST[:-2] + "    int (*one)(void); int (*two)(void); int (*three)(void);\n};")
RELEASE = "void (*release)(struct ein_ctx *ctx, const struct ein_service *service); /* NULL is fine */"
DUP, FREE = "char *(*text_dup)(const char *text);", "void (*mem_free)(void *memory); /* NULL is fine */"
SWAP = both(swap(DUP, "@"), swap(FREE, DUP), swap("@", FREE))
SIGNATURE = swap(RELEASE, RELEASE.replace("void (", "int (", 1))

ADDITIONS = {
    "nothing": lambda text: text,
    "three members appended": APPEND,
    "an enumerator appended": swap("EIN_E_FULL = -13 ", "EIN_E_FULL = -13, EIN_E_TIRED = -14 "),
}
BREAKS = {
    "two members swapped": SWAP,
    "a member inserted in the middle": swap(DUP, DUP + " int (*middle)(void);"),
    "a method's signature changed": SIGNATURE,
    "two members swapped and three appended": both(SWAP, APPEND),
    "a signature changed and three members appended": both(SIGNATURE, APPEND),
    "two enumerators swapped": both(
        swap("EIN_E_CANCELLED = -7", "EIN_E_CANCELLED = -6"), swap("EIN_E_TIMEOUT = -6", "EIN_E_TIMEOUT = -7")
    ),
    "the last members removed": both(swap(LAST_OF_1_0, ""), swap(LAST, "};")),
}


@pytest.mark.parametrize("change", ADDITIONS)
def test_an_addition_is_accepted(change, tmp_path):
    done = verdict(tmp_path, mutate(tmp_path, ADDITIONS[change]))
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("change", BREAKS)
def test_a_break_is_refused(change, tmp_path):
    done = verdict(tmp_path, mutate(tmp_path, BREAKS[change]))
    assert done.returncode == 1, done.stdout
    assert "ein_" in done.stdout
