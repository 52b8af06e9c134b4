#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""layout.py layout|probe: writes layout.c or probe.c from the public headers.

Run by freeze.sh when an ABI version is frozen; afterwards lines are only added to layout.c,
by hand, and what this writes is only a help.
"""

import pathlib
import re
import subprocess
import sys
import tempfile

INCLUDE = pathlib.Path(__file__).resolve().parents[2] / "plugin-api" / "include"
HEADERS = ("einion/plugin.h", "einion/services.h")


def text():
    source = "".join((INCLUDE / name).read_text() for name in HEADERS)
    return re.sub(r"/\*.*?\*/", "", source, flags=re.DOTALL)


def structs():
    """(name, [member, ...]) of every struct the headers define."""
    for name, body in re.findall(r"^struct (ein_\w+) \{(.*?)^\};", text(), re.DOTALL | re.MULTILINE):
        body = re.sub(r"\)\s*EIN_PRINTF\([^)]*\)", ")", body)
        members = []
        for statement in re.split(r";\s", body + "\n"):
            if pointer := re.search(r"\(\*(\w+)\)\(", statement):
                members.append(pointer[1])
            elif statement.strip():
                members += [
                    re.search(r"(\w+)(\[\w+\])?\s*$", declarator)[1] for declarator in statement.split(",")
                ]
        yield name, members


def enums():
    return re.findall(r"^enum (ein_\w+) \{", text(), re.MULTILINE)


def values():
    """Names of enumerators and of macros that are a number or a text."""
    for body in re.findall(r"^enum (?:\w+ )?\{(.*?)\};", text(), re.DOTALL | re.MULTILINE):
        yield from re.findall(r"(EIN_\w+)\s*=", body)
    for name, value in re.findall(r"^#define (EIN_\w+)[ \t]+(\S.*?)\s*$", text(), re.MULTILINE):
        if re.fullmatch(r'"[^"]*"|\d\w*|NULL', value):
            yield name


def ask(lines):
    """What a program with these printf lines prints."""
    program = "#include <einion/services.h>\n#include <stdio.h>\nint main(void) {\n%s\n}\n" % "\n".join(lines)
    with tempfile.TemporaryDirectory() as folder:
        source = pathlib.Path(folder, "ask.c")
        source.write_text(program)
        subprocess.run(["gcc", f"-I{INCLUDE}", source, "-o", source.with_suffix("")], check=True)
        return subprocess.run([source.with_suffix("")], check=True, capture_output=True, text=True).stdout


LAYOUT_HEAD = """\
/* SPDX-License-Identifier: Apache-2.0 */
/* The binary layout of ABI 1 on 64-bit Linux: what a plugin compiled years ago relies on.
 * Lines are added, never changed: a line that no longer compiles is a broken ABI. */
#include <einion/services.h>

#ifndef __LP64__
#error "these offsets are those of LP64; write a list for this machine"
#endif

#define AT(type, member, offset)                                                                   \\
    _Static_assert(offsetof(struct type, member) == (offset), #type "." #member " moved")
/* Without tail padding whatever is appended makes the struct longer, so struct_size tells. */
#define ENDS(type, member)                                                                         \\
    _Static_assert(offsetof(struct type, member) + sizeof(((struct type *)0)->member) ==           \\
                       sizeof(struct type),                                                        \\
                   #type " has padding after " #member)
#define VALUE(name, value) _Static_assert((name) == (value), #name " was renumbered")
#define TEXT(name, value)                                                                          \\
    _Static_assert(__builtin_strcmp(name, value) == 0, #name " is another word now")

_Static_assert(sizeof(struct ein_error) == 256, "ein_error is 256 bytes for ever");
"""


def layout():
    lines = []
    for name, members in structs():
        lines += [
            f'printf("AT({name}, {member}, %zu);\\n", offsetof(struct {name}, {member}));' for member in members
        ]
        lines += [f'puts("ENDS({name}, {members[-1]});\\n");']
    for name in values():
        if name in ("EIN_REV_ANY", "EIN_ABI_MINOR"):
            continue
        lines.append(
            f"printf(_Generic(({name}), char *: \"TEXT({name}, \\\"%s\\\");\\n\", "
            f"unsigned: \"VALUE({name}, %uu);\\n\", default: \"VALUE({name}, %d);\\n\"), {name});"
        )
    return LAYOUT_HEAD + "\n" + ask(lines)


PROBE_HEAD = """\
/* SPDX-License-Identifier: Apache-2.0 */
/* Mentions every public type, so that its debug information describes the whole ABI. */
#include <einion/services.h>

"""


def probe():
    lines = [f"EIN_PUBLIC const struct {name} *probe_{name};" for name, _ in structs()]
    lines += [f"EIN_PUBLIC enum {name} probe_{name};" for name in enums()]
    return PROBE_HEAD + "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write({"layout": layout, "probe": probe}[sys.argv[1]]())
