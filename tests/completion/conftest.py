# SPDX-License-Identifier: Apache-2.0
import pytest
from door import Door
from fixtures import time_limit  # noqa: F401
from upstreams import the_upstream, upstream  # noqa: F401


@pytest.fixture(scope="session")
def doors():
    made = {}
    yield made
    for door in made.values():
        door.end()


@pytest.fixture
def door(doors, upstream):
    """door(retries=5, ...): a server with these settings of `models`, shared by the tests of them."""
    lent = []

    def to(**settings):
        key = repr(sorted(settings.items()))
        if key not in doors:
            doors[key] = Door(upstream.url, settings)
        lent.append(doors[key])
        return doors[key]

    yield to
    for door in lent:
        door.server.check()


@pytest.fixture
def own_door(upstream):
    """The same for one test alone."""
    made = []

    def to(**settings):
        made.append(Door(upstream.url, settings))
        return made[-1]

    yield to
    for door in made:
        door.end()
