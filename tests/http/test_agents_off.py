# SPDX-License-Identifier: Apache-2.0
"""Where agents cannot be isolated, they are off, and the log says so."""

import pathlib
import shutil
import tempfile

import pytest
from support import wait_until


@pytest.fixture
def broken():
    """A virtual environment whose interpreter ends at once, and counts how often."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="einion-venv-", dir="/var/tmp"))
    python = folder / "bin" / "python3"
    python.parent.mkdir()
    python.write_text(f"#!/bin/sh\necho >> {folder}/tries\n")
    python.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def test_a_start_that_fails_again_in_the_same_way_is_logged_once(start_server, broken):
    server = start_server(sets=[f"plugins.runtime-python.venv={broken}"])
    tries = broken / "tries"
    wait_until(lambda: tries.exists() and len(tries.read_text().splitlines()) >= 4, 60, "agents to be tried again")
    told = [plugin for plugin in server.get("/readyz").json["plugins"] if plugin["name"] == "runtime-python"]
    assert told[0]["reason"] == f"agents are off: {broken}/bin/python3 does not run"
    assert server.log().count("agents are off") == 1
