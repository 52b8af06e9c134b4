# SPDX-License-Identifier: Apache-2.0
"""The README's pictures can be taken anew."""

import struct

import pictures
import pytest
from browser import CHROMEDRIVER, CHROMIUM

pytestmark = pytest.mark.skipif(not (CHROMIUM and CHROMEDRIVER),
                                reason="chromium and chromedriver are not installed; tests/run.sh --full does")


def test_they_are_taken(tmp_path):
    (tmp_path / "profile").mkdir()
    pictures.take(tmp_path, tmp_path / "profile")
    kept = pictures.TESTS.parent / "packaging/pictures"
    assert {path.name for path in tmp_path.glob("*.png")} == {path.name for path in kept.iterdir()}
    for path in tmp_path.glob("*.png"):
        assert struct.unpack(">II", path.read_bytes()[16:24]) == pictures.SIZE
