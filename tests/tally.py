#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""tally.py [--passed N] [--failed N] RESULT...

Sums meson's testlog.json files and pytest's JUnit files into one line
`N passed, N failed, N skipped`, preceded by the names of what failed.  A cmocka
program counts as many tests as it ran.  Exits 1 if anything failed or nothing ran.
"""

import argparse
import json
import pathlib
import re
import sys
import xml.etree.ElementTree as xml

CMOCKA = re.compile(r"^\[ +(OK|FAILED|SKIPPED|ERROR) +\] (\S.*)$", re.MULTILINE)
MESON = {"OK": "passed", "EXPECTEDFAIL": "passed", "SKIP": "skipped"}


def meson(path):
    """(outcome, name) of each test in a testlog.json."""
    for line in path.read_text().splitlines():
        test = json.loads(line)
        outcome = MESON.get(test["result"], "failed")
        cases = [case for case in CMOCKA.findall(test.get("stdout") or "") if case[0] != "ERROR"]
        for word, name in cases:
            yield {"OK": "passed", "FAILED": "failed", "SKIPPED": "skipped"}[word], f"{test['name']}: {name}"
        if not cases or (outcome == "failed" and all(word != "FAILED" for word, _ in cases)):
            yield outcome, f"{test['name']} ({test['result']})"


def pytest(path):
    """(outcome, name) of each test in a JUnit file; a test that fails twice fails once."""
    worst = {}
    for case in xml.parse(path).iter("testcase"):
        name = f"{case.get('classname')}: {case.get('name')}"
        found = {child.tag for child in case}
        outcome = "failed" if found & {"failure", "error"} else "skipped" if "skipped" in found else "passed"
        if worst.get(name) != "failed":
            worst[name] = outcome
    for name, outcome in worst.items():
        yield outcome, name


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--passed", type=int, default=0, help="what passed that no file knows of")
    parser.add_argument("--failed", type=int, default=0, help="failures that no file knows of")
    parser.add_argument("result", nargs="*", type=pathlib.Path)
    args = parser.parse_args()

    count = {"passed": args.passed, "failed": args.failed, "skipped": 0}
    for path in args.result:
        for outcome, name in (meson if path.suffix == ".json" else pytest)(path):
            count[outcome] += 1
            if outcome == "failed":
                print(f"FAILED {path.stem}: {name}")
    print(", ".join(f"{number} {outcome}" for outcome, number in count.items()))
    return 1 if count["failed"] or not count["passed"] else 0


if __name__ == "__main__":
    sys.exit(main())
