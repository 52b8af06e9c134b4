# SPDX-License-Identifier: Apache-2.0
"""The three things to try that packaging/run.sh prints do what they say."""

import subprocess

import pytest
from support import TESTS

BLOCKS = (TESTS.parent / "packaging" / "try.txt").read_text().split("\n\n")
SAID = [["status"], ["event: trace", "thinking", "event: done", '"twice":42'], ["/rest/twice", '{"twice":42}']]


@pytest.mark.parametrize("number", range(3))
def test_what_the_first_screen_says_works(number, start_server):
    server = start_server(ready=True)
    assert len(BLOCKS) == 3
    script = BLOCKS[number].replace("URL", f"http://127.0.0.1:{server.port}")
    done = subprocess.run(["bash", "-euo", "pipefail", "-c", script], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert [word for word in SAID[number] if word not in done.stdout] == [], done.stdout
