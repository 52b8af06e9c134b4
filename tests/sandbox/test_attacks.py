# SPDX-License-Identifier: Apache-2.0
"""The escape suite: every attack, in every place, ends contained; without protection most succeed."""

import os
import re
import sys

import pytest
from attacks import ATTACKS, BY_NAME
from driver import LAYERS, WEAKENED, Driver
from layers import WITHOUT_NAMESPACES
from world import SETTINGS, escaped, perform

CONTROL_LEAST = 25


@pytest.fixture(scope="session")
def answers(place, world):
    os.environ["EINION_TEST_SECRET"] = "do not tell"
    with Driver(settings={**SETTINGS, "isolation": place.level}, deny=place.deny, user=place.user) as driver:
        answers = perform(ATTACKS, world, driver, place.user)
        assert driver.run("async def run(i, t):\n    return 'well'")["outcome"]["result"] == "well"
        status = driver.status()["status"]
        assert status["state"] == "ready"
        answers["level"] = status["level"]
    del os.environ["EINION_TEST_SECRET"]
    return answers


@pytest.mark.seconds(300)
@pytest.mark.parametrize("name", BY_NAME)
def test_an_attack_is_contained(answers, place, name):
    answer = answers[name]
    assert answer["code"] == 0, answer["text"]
    assert escaped(answer) == (name in WITHOUT_NAMESPACES.get(place.name, ())), answer["outcome"]
    wanted = BY_NAME[name].wanted
    assert re.search(wanted, str(answer["outcome"])), answer["outcome"]


def test_nothing_outside_has_changed(answers, world):
    assert sorted(path.name for path in world.folder.iterdir()) == ["id", "letters", "scratch", "secret", "socket"]
    assert (world.folder / "secret").read_text() == "the server's own"
    assert (world.folder / "scratch").read_text() == "the server's own"


@pytest.mark.seconds(300)
def test_without_protection_most_of_them_succeed(world):
    """Else the attacks prove nothing."""
    safe = [attack for attack in ATTACKS if attack.safe]
    with Driver(WEAKENED, settings=SETTINGS, without=LAYERS) as driver:
        answers = perform(safe, world, driver, None)
    (world.folder / "scratch").write_text("the server's own")
    assert not [answer["text"] for answer in answers.values() if answer["code"] != 0]
    succeeded = [name for name, answer in answers.items() if escaped(answer)]
    print(f"{len(succeeded)} of {len(safe)} succeed without protection; not:",
          sorted(set(answers) - set(succeeded)), file=sys.stderr)  # fmt: skip
    assert len(succeeded) >= CONTROL_LEAST
