# SPDX-License-Identifier: Apache-2.0
"""The README and the guide, which the tests take at their word."""

import pathlib

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGES = {path: (ROOT / path).read_text() for path in ("README.md", "packaging/guide.md")}
README = "\n".join(PAGES.values())
