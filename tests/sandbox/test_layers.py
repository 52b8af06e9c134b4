# SPDX-License-Identifier: Apache-2.0
"""Each layer of the sandbox left out, alone: the others hold what matters, and what they do not hold shows that the layer
does something.  Each step made to fail: no agent runs."""

import os
import re
import signal

import layers
import pytest
from attacks import ATTACKS, BY_NAME
from driver import AS_NOBODY, BUILD, CHILD_LAYERS, LAYERS, WEAKENED, Driver, alive, body, descendants, outcome, stat_of
from test_lifecycle import wait_until
from world import SETTINGS, escaped, perform

FULL = bool(os.environ.get("EIN_FULL"))
QUICK = [attack for attack in ATTACKS if not attack.is_slow]
EVERY = 1 if FULL else 16  # without --full, each layer is left out against another part of the attacks
OTHERS = {"tmpfs", "dumpable", "parent death"}  # have tests of their own below
STEPS = ["descriptors", "mount namespace", "tmpfs", "rlimits", "bounding set", "securebits", "uid", "capabilities",
         "no_new_privs", "dumpable", "parent death", "landlock", "seccomp"]  # fmt: skip

root_only = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


def test_every_layer_and_every_step_is_tried():
    assert set(layers.LAYERS) | OTHERS == set(LAYERS)
    text = (BUILD.parent / "plugins/runtime-python/sandbox/protocol.h").read_text()
    assert set(re.findall(r'\] = "([^"]+)"', text)) == {*STEPS, "user namespace", "none"}


def test_nothing_that_is_installed_can_be_weakened():
    for name in ("runtime-python.so", "sandbox/einion-sandbox", "sandbox/zygote_loop.so"):
        assert b"EINION_SANDBOX" in (WEAKENED.parent / name).read_bytes()
        assert b"EINION_SANDBOX" not in (BUILD / "plugins" / "runtime-python" / name).read_bytes()


# ---- one layer less


def getting_through(world, without, attacks, user):
    os.environ["EINION_TEST_SECRET"] = "do not tell"
    try:
        with Driver(WEAKENED, settings={**SETTINGS, "running": 12}, without=without, user=user) as driver:
            answers = perform(attacks, world, driver, user)
            assert "not available here" not in driver.log()
    finally:
        del os.environ["EINION_TEST_SECRET"]
        (world.folder / "scratch").write_text("the server's own")
    assert not [answer["text"] for answer in answers.values() if answer["code"] != 0]
    return {name for name, answer in answers.items() if escaped(answer)}


def part(number, wanted):
    return [attack for n, attack in enumerate(QUICK) if n % EVERY == number % EVERY or attack.name in wanted]


USERS = ["root", "user"] if FULL else ["root"]


@root_only
@pytest.mark.seconds(300)
@pytest.mark.parametrize("user", USERS)
@pytest.mark.parametrize("layer", [layer for layer in LAYERS if layer != "no_new_privs"])
def test_without_it_only_what_it_alone_stops_gets_through(world, layer, user):
    wanted = layers.LAYERS[layer].alone if layer in layers.LAYERS else ()
    if user == "user":
        wanted = layers.OF_USER.get(layer, wanted)
    attacks = part(LAYERS.index(layer), wanted)
    assert getting_through(world, [layer], attacks, AS_NOBODY if user == "user" else None) == set(wanted)


def test_without_no_new_privs_there_is_no_landlock_and_no_run():
    with Driver(WEAKENED, without=["no_new_privs"]) as driver:
        answer = driver.run(body("return 'ran'"))
        assert answer["code"] == -5 and "isolation step landlock failed" in answer["text"]


# ---- one layer only


@root_only
@pytest.mark.seconds(300)
@pytest.mark.parametrize("layer", [layer for layer, what in layers.LAYERS.items() if what.too])
def test_alone_it_stops(world, layer):
    attacks = [BY_NAME[name] for name in layers.LAYERS[layer].too]
    assert all(attack.safe for attack in attacks)
    assert getting_through(world, [other for other in LAYERS if other != layer], attacks, None) == set()


@root_only
@pytest.mark.seconds(300)
def test_with_none_all_of_these_get_through(world):
    names = {name for what in layers.LAYERS.values() for name in what.too}
    assert getting_through(world, LAYERS, [BY_NAME[name] for name in sorted(names)], None) == names


@root_only
def test_alone_undumpable_a_process_keeps_its_memory_from_others_of_its_user(world):
    attacks = [BY_NAME["opens its memory"], BY_NAME["reads its own environment in /proc"]]
    assert getting_through(world, LAYERS, attacks, AS_NOBODY) == {attack.name for attack in attacks}
    assert getting_through(world, [layer for layer in LAYERS if layer != "dumpable"], attacks, AS_NOBODY) == set()


WRITES = body("try:\n    with open('/tmp/mine', 'w') as f:\n        return f.write('x')\nexcept OSError as e:\n    return e.strerror")


@root_only
def test_without_a_tmpfs_of_its_own_nothing_can_be_written():
    with Driver() as driver:
        assert outcome(driver.run(WRITES)) == 1
        assert outcome(driver.run(body("import os\nreturn os.listdir('/tmp')"))) == []
    with Driver(WEAKENED, without=["tmpfs"]) as driver:
        assert outcome(driver.run(WRITES)) == "Read-only file system"


@root_only
@pytest.mark.parametrize("without, survives", [(LAYERS, True), ([layer for layer in LAYERS if layer != "parent death"], False)])
def test_alone_the_death_signal_ends_a_run_with_its_zygote(without, survives):
    driver = Driver(WEAKENED, without=without)
    driver.start_run(body("print('x')\nwhile True:\n    pass"))
    wait_until(lambda: driver.status()["status"].get("running"), 20, "the run")
    launcher = descendants(driver.process.pid)[0]
    zygote = descendants(launcher)[0]
    below = descendants(zygote)
    wait_until(lambda: any(busy(pid) for pid in below), 20, "the run to be busy")
    running = [pid for pid in below if busy(pid)]
    os.kill(zygote, signal.SIGKILL)
    try:
        if survives:
            wait_until(lambda: not alive([zygote]), 5, "the zygote to end")
            assert alive(running)
        else:
            wait_until(lambda: not alive(running), 5, "the run to end")
    finally:
        for pid in alive(running):
            os.kill(pid, signal.SIGKILL)
        driver.kill()


def busy(pid):
    """Has used a fifth of a second of processor time."""
    fields = stat_of(pid)
    return fields is not None and int(fields[11]) > 20


# ---- one step fails


@pytest.mark.parametrize("step", STEPS)
def test_a_run_whose_step_fails_does_not_begin(step):
    with Driver(WEAKENED, settings={"isolation": "best-effort"}, fail=step) as driver:
        answer = driver.run(body("return 'ran'"))
        if step == "uid" and os.geteuid() != 0:
            pytest.skip("only root gives uids")
        assert answer["code"] == -5 and "outcome" not in answer
        assert f"isolation step {step} failed: Operation not permitted" in answer["text"]
        assert driver.status()["status"]["state"] == "off"


@root_only
def test_an_ordinary_users_run_whose_user_namespace_fails_does_not_begin():
    with Driver(WEAKENED, fail="user namespace", user=AS_NOBODY) as driver:
        answer = driver.run(body("return 'ran'"))
        assert answer["code"] == -5 and "isolation step user namespace failed" in answer["text"]


def test_a_place_that_is_refused_for_the_moment_is_asked_for_again():
    with Driver() as driver, Driver(WEAKENED, fail="place") as again:
        for one in (driver, again):
            assert outcome(one.run(body("return 'ran'"))) == "ran"
        assert again.status()["status"]["barriers"] == driver.status()["status"]["barriers"]
        assert "not available here" not in again.log()


def test_all_steps_are_those_of_children():
    assert set(CHILD_LAYERS) - {"identity"} <= set(STEPS)
