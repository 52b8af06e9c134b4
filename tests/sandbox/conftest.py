# SPDX-License-Identifier: Apache-2.0
import os
import subprocess

import pytest
from driver import AS_NOBODY, BUILD, CONTAINER, NO_LANDLOCK
from world import World

USERS = {"root": [], "user": AS_NOBODY}
LEVELS = {"strict": None, "container": CONTAINER, "best-effort": NO_LANDLOCK}


class Place:
    """Who runs the server, and what the machine lets it have."""

    def __init__(self, user, level):
        self.name = f"{user}-{level}"
        self.user = USERS[user]
        self.level = level
        self.deny = LEVELS[level]


def reason_to_skip(user, level):
    if user == "root" and os.geteuid() != 0:
        return "needs root"
    if user == "user" and os.geteuid() == 0 and not os.access(BUILD, os.X_OK):
        return "an ordinary user cannot reach the build folder"
    if level == "strict":
        probe = (AS_NOBODY if user == "user" and os.geteuid() == 0 else []) + ["unshare", "--user", "--map-root-user", "true"]
        if subprocess.run(probe, capture_output=True).returncode != 0:
            return "this machine gives no user namespaces"
    return None


PLACES = [(user, level) for user in USERS for level in LEVELS]


@pytest.fixture(scope="session", params=PLACES, ids=["-".join(place) for place in PLACES])
def place(request):
    user, level = request.param
    reason = reason_to_skip(user, level)
    if reason:
        pytest.skip(reason)
    place = Place(user, level)
    if os.geteuid() != 0:
        place.user = []
    return place


@pytest.fixture(scope="session")
def world():
    world = World()
    yield world
    world.close()
