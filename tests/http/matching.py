# SPDX-License-Identifier: Apache-2.0
"""Compares an answer with a recorded one: equal, in the order of keys too, but for patterns, which may stand within
a text."""

import re

PATTERNS = {
    "<uuid>": re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"),
    "<rev>": re.compile(r"[!#-~]{1,39}"),
    "<ts>": re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z"),
    "<traceback>": re.compile(r"Traceback \(most recent call last\):\n.*", re.DOTALL),
}
MARK = re.compile("|".join(f"({mark})" for mark in PATTERNS))


def looks_like(expected, found):
    """A text with patterns in it."""
    parts = MARK.split(expected)
    pattern = "".join(PATTERNS[part].pattern if part in PATTERNS else re.escape(part) for part in parts if part)
    return isinstance(found, str) and re.fullmatch(pattern, found, re.DOTALL) is not None


def differences(expected, found, at="$"):
    """What differs, a line for each."""
    if expected == "<num>":
        if isinstance(found, bool) or not isinstance(found, (int, float)):
            yield f"{at}: {found!r} is not a number"
    elif isinstance(expected, str) and MARK.search(expected):
        if not looks_like(expected, found):
            yield f"{at}: {found!r} does not look like {expected}"
    elif type(expected) is not type(found):
        yield f"{at}: expected {expected!r}, found {found!r}"
    elif isinstance(expected, dict):
        if list(expected) != list(found):
            yield f"{at}: expected the keys {list(expected)}, found {list(found)}"
        for key in expected.keys() & found.keys():
            yield from differences(expected[key], found[key], f"{at}.{key}")
    elif isinstance(expected, list):
        if len(expected) != len(found):
            yield f"{at}: expected {len(expected)} items, found {len(found)}: {found!r}"
        for i, (one, other) in enumerate(zip(expected, found)):
            yield from differences(one, other, f"{at}[{i}]")
    elif expected != found:
        yield f"{at}: expected {expected!r}, found {found!r}"
