# SPDX-License-Identifier: Apache-2.0
import pathlib
import sys

TESTS = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(TESTS / "http"), str(TESTS / "support")]

from fixtures import *  # noqa: E402, F401, F403
