# SPDX-License-Identifier: Apache-2.0
"""Many runs at a time that print, crash, hang and are stopped: nothing mixes, nothing is left.

40 at a time, twice; with EIN_SOAK_SECONDS (tests/run.sh --full: an hour) 200 at a time for so long."""

import os
import time

import pytest
from driver import SCALE, Driver, body, descendants, stat_of
from test_cgroup import folder, groups, is_writable  # noqa: F401: a fixture
from test_lifecycle import PATIENCE, filled, mounts, own_mounts, wait_until  # noqa: F401: a fixture

SECONDS = float(os.environ.get("EIN_SOAK_SECONDS", "0"))
PARALLEL = 200 if SECONDS else 40
WAVES = 2
KB_MORE = 4096

PRINTS = "for n in range(50):\n    print(input_dict['me'], n)\n    if n % 10 == 0:\n        await asyncio.sleep(0.001)\n"
KINDS = {
    "returns": (PRINTS + "return input_dict['me']", {}, None),
    "raises": (PRINTS + "raise ValueError(input_dict['me'])", {}, "ValueError: {me}"),
    "crashes": (PRINTS + "import ctypes\nctypes.string_at(0)", {}, "crashed"),
    "exits": (PRINTS + "import os\nos._exit(1)", {}, "without returning a result"),
    "hangs": (PRINTS + "while True:\n    pass", {"timeout_ms": 3000}, "TimeoutError"),
    "hangs in C": (PRINTS + "import re\nre.match('(a+)+$', 'a' * 40 + 'b')", {"timeout_ms": 3000}, "TimeoutError"),
    "is stopped": (PRINTS + "await asyncio.sleep(1000)", {"cancel_after_ms": 2000}, "CancelledError"),
    "does not want to stop": (PRINTS + "while True:\n    try:\n        await asyncio.sleep(9)\n    except BaseException:\n        pass",
                              {"cancel_after_ms": 2000}, "CancelledError"),
    "calls in the forbidden": (PRINTS + "import ctypes\nctypes.CDLL(None).unshare(0x10000000)", {}, "forbidden system call"),
    "writes": (PRINTS + "import os\nassert os.listdir('/tmp') == []\nopen('/tmp/mine', 'w').write('x' * 100000)\nreturn input_dict['me']", {}, None),
}  # fmt: skip


def start_wave(driver, wave):
    waits = []
    for number in range(PARALLEL):
        kind = list(KINDS)[number % len(KINDS)]
        text, members, _ = KINDS[kind]
        me = f"{wave}.{number}"
        waits.append((me, kind, driver.start_run(body(text), input={"me": me}, user_id=f"user{number % 7}", **members)))
    return waits


def check_run(me, kind, answer):
    assert answer["code"] == 0, answer["text"]
    said = [event["message"] for event in answer["trace"] if event["type"] == "stdout"]
    wanted = [f"{me} {n}" for n in range(50)]
    error = KINDS[kind][2]
    if error is None:
        assert answer["outcome"]["result"] == me, answer["outcome"]
        assert said == wanted
        return
    assert error.format(me=me) in answer["outcome"]["error"], (kind, answer["outcome"])
    # Who is ended may not have come to its last lines; none is another's.
    assert said == wanted[: len(said)]
    assert {event["agent_name"] for event in answer["trace"]} <= {"sandbox_agent"}  # none: stopped before it began


def states(pid):
    return [fields[0] for fields in map(stat_of, descendants(pid)) if fields]


def settle(driver):
    filled(driver)
    wait_until(lambda: len(states(driver.process.pid)) <= 16 + 4 and "Z" not in states(driver.process.pid), 30, "processes to end")


def census(driver, folder):
    status = driver.status()
    pool = status["status"]["idle"]
    return {"descriptors": status["fds"] - 3 * pool, "mounts": mounts(driver), "resident_kb": status["resident_kb"],
            "groups": len(groups(folder)) - pool if folder else 0}  # fmt: skip


def is_kept(before, after):
    return (after["descriptors"] <= before["descriptors"] + 6
            and after["mounts"] == before["mounts"]
            and after["groups"] <= before["groups"] + 2
            and after["resident_kb"] <= before["resident_kb"] + KB_MORE * SCALE**3)  # fmt: skip


def kept_equal(driver, folder, before):
    """Counted while the pool works: what leaks is there whenever it is counted."""
    end = time.monotonic() + PATIENCE
    while not is_kept(before, after := census(driver, folder)):
        assert time.monotonic() < end, (before, after)
        time.sleep(0.5)


@pytest.mark.seconds(300 + 2 * SECONDS)
@pytest.mark.parametrize("grouped", [False, True], ids=["", "cgroup"])
def test_runs_that_end_in_every_way_do_not_mix_and_leave_nothing(grouped, own_mounts, request):
    if grouped and not is_writable():
        pytest.skip("no version 2 tree that this user may write")
    if grouped and not SECONDS:
        pytest.skip("only with EIN_SOAK_SECONDS; test_cgroup.py has a small one")
    where = request.getfixturevalue("folder") if grouped else None
    settings = {"running": 200, "running_per_user": 200, "processes": 220, "grace_ms": 300, "cgroup": str(where) if where else "off"}  # fmt: skip
    end = time.monotonic() + SECONDS / (2 if is_writable() else 1)
    with Driver(settings=settings, user=own_mounts) as driver:
        before, wave = None, 0
        while wave < WAVES or time.monotonic() < end:
            for me, kind, wait in start_wave(driver, wave):
                check_run(me, kind, wait(1800))
            settle(driver)
            before = before or census(driver, where)
            wave += 1
        kept_equal(driver, where, before)
        print(f"{wave} waves of {PARALLEL} runs")
    if where:
        assert groups(where) == []
