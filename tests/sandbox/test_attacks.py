# SPDX-License-Identifier: Apache-2.0
"""The escape suite: every attack, in every place, ends contained; without protection most succeed."""

import os
import pathlib
import re
import socket
import subprocess
import sys
import tempfile

import pytest
from attacks import ATTACKS, BY_NAME, code
from driver import BUILD, UNPROTECTED, Driver

SETTINGS = {"cpu_s": 1, "timeout_ms": 3000, "grace_ms": 300, "running": 6}
CONTROL_LEAST = 25


class World:
    """What there is to find, steal and reach outside the sandbox."""

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="einion-world-"))
        self.folder.chmod(0o777)
        for name in ("secret", "scratch"):
            (self.folder / name).write_text("the server's own")
            (self.folder / name).chmod(0o666)
        self.tcp = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.unix = socket.socket(socket.AF_UNIX)
        self.unix.bind(str(self.folder / "socket"))
        self.unix.listen(64)
        (self.folder / "socket").chmod(0o777)
        self.abstract = socket.socket(socket.AF_UNIX)
        self.abstract.bind("\0" + self.folder.name)
        self.abstract.listen(64)

    def described(self, server, neighbour):
        return {"secret": str(self.folder / "secret"), "scratch": str(self.folder / "scratch"),
                "socket": str(self.folder / "socket"), "abstract": self.folder.name,
                "port": self.tcp.getsockname()[1], "server": server, "neighbour": neighbour,
                "plugin": str(BUILD / "plugins" / "runtime-python" / "runtime-python.so"),
                "library": str(BUILD / "plugins" / "runtime-python" / "sandbox" / "zygote_loop.so")}  # fmt: skip

    def close(self):
        for one in (self.tcp, self.unix, self.abstract):
            one.close()
        subprocess.run(["rm", "-rf", str(self.folder)], check=True)


@pytest.fixture(scope="session")
def world():
    world = World()
    yield world
    world.close()


def perform(attacks, world, driver, user):
    """The answers to all of them, and whether the server still works then."""
    neighbour = subprocess.Popen((user or []) + ["sleep", "600"])
    try:
        described = world.described(driver.process.pid, neighbour.pid)
        waits = {a.name: driver.start_run(code(a), input=described, user_id=a.name) for a in attacks}
        answers = {name: wait(120) for name, wait in waits.items()}
    finally:
        neighbour.kill()
        neighbour.wait()
    return answers


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


def escaped(answer):
    result = answer["outcome"]["result"] if answer["code"] == 0 else None
    return isinstance(result, dict) and result["escaped"]


@pytest.mark.seconds(300)
@pytest.mark.parametrize("name", BY_NAME)
def test_an_attack_is_contained(answers, name):
    answer = answers[name]
    assert answer["code"] == 0, answer["text"]
    assert not escaped(answer), answer["outcome"]
    wanted = BY_NAME[name].wanted
    assert re.search(wanted, str(answer["outcome"])), answer["outcome"]


def test_nothing_outside_has_changed(answers, world):
    assert sorted(path.name for path in world.folder.iterdir()) == ["scratch", "secret", "socket"]
    assert (world.folder / "secret").read_text() == "the server's own"
    assert (world.folder / "scratch").read_text() == "the server's own"


@pytest.mark.seconds(300)
def test_without_protection_most_of_them_succeed(world):
    """Else the attacks prove nothing."""
    safe = [attack for attack in ATTACKS if attack.safe]
    with Driver(plugin=UNPROTECTED, settings=SETTINGS) as driver:
        answers = perform(safe, world, driver, None)
    (world.folder / "scratch").write_text("the server's own")
    assert not [answer["text"] for answer in answers.values() if answer["code"] != 0]
    succeeded = [name for name, answer in answers.items() if escaped(answer)]
    print(f"{len(succeeded)} of {len(safe)} succeed without protection; not:",
          sorted(set(answers) - set(succeeded)), file=sys.stderr)  # fmt: skip
    assert len(succeeded) >= CONTROL_LEAST
