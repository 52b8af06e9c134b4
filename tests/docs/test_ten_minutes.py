# SPDX-License-Identifier: Apache-2.0
"""The README's way from nothing to a demonstrated agent, done word for word with a model of our own."""

import pathlib
import re
import struct

import pytest
import ten_minutes

ROOT = pathlib.Path(__file__).resolve().parents[2]


def matches(expected, printed):
    """A dots character stands for any text."""
    pattern = ".*".join(re.escape(part) for part in expected.split("…"))
    return re.fullmatch(pattern, printed.strip("\n"), re.S)


def test_the_way_goes_as_written(start_server, tmp_path):
    with ten_minutes.model() as vendor:
        server = start_server(env=ten_minutes.env(vendor), ready=True)
        walked = ten_minutes.walk(server, tmp_path)
        assert len(walked) >= 6
        for command, expected, printed in walked:
            assert matches(expected, printed), f"{command}\n--- the README shows\n{expected}\n--- it printed\n{printed}"
        assert len(vendor.requests) == 5  # nothing was repaired


PICTURES = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", ten_minutes.README)


@pytest.mark.parametrize("path", PICTURES)
def test_its_pictures_are_there_and_small(path):
    data = (ROOT / path).read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n" and len(data) < 150_000
    assert struct.unpack(">II", data[16:24]) == (1000, 700)


def test_no_picture_is_left_over():
    assert {str(path.relative_to(ROOT)) for path in (ROOT / "packaging/pictures").iterdir()} == set(PICTURES) != set()
