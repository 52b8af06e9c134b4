# SPDX-License-Identifier: Apache-2.0
"""Plugins of a third party: an installed server, a copy of the templates, pkg-config."""

from conftest import HERE, run
from support import BUILD


def test_plugins_built_out_of_tree_answer():
    said = run(HERE.parent / "out-of-tree" / "run.sh", BUILD)
    assert 'out-of-tree: {"text":"you said: anvil"}' in said
    assert "out-of-tree: house/small: You said user: hammer 3 2" in said
