# SPDX-License-Identifier: Apache-2.0
"""A plugin of a third party: an installed server, a copy of the template, pkg-config."""

from conftest import HERE, run
from support import BUILD


def test_a_plugin_built_out_of_tree_answers():
    said = run(HERE.parent / "out-of-tree" / "run.sh", BUILD)
    assert 'out-of-tree: {"text":"you said: anvil"}' in said
