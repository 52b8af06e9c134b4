# SPDX-License-Identifier: Apache-2.0
import contextlib

import pytest
from fixtures import time_limit  # noqa: F401
from talk import Talk
from upstreams import the_upstream, upstream  # noqa: F401


@pytest.fixture(scope="session")
def talks():
    made = {}
    yield made
    with contextlib.ExitStack() as stack:  # one that fails leaves no other running
        for talk in made.values():
            stack.callback(talk.end)


@pytest.fixture
def talk(talks):
    """talk("llm-gemini", base_url=upstream.url, ...): the plugin in a server, called as Talk has it.

    One server for each set of settings, for the whole session; `name` and `env` are the instance's
    name and the server's environment."""
    lent = []

    def to(plugin, name=None, env=None, **settings):
        key = repr((plugin, name, env, sorted(settings.items())))
        if key not in talks:
            talks[key] = Talk(plugin, name, env, settings)
        lent.append(talks[key])
        return talks[key]

    yield to
    for talk in lent:
        talk.server.check()
