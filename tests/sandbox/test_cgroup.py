# SPDX-License-Identifier: Apache-2.0
"""A control group for each process of an agent, where the machine has them."""

import os
import pathlib
import re
import subprocess

import pytest
from driver import AS_NOBODY, BUILD, Driver, body, descendants, failure, outcome
from ports import free_port
from test_lifecycle import wait_until

ONE = body("return 1")


def mount():
    text = pathlib.Path("/proc/self/mountinfo").read_text()
    found = re.search(r"^\S+ \S+ \S+ \S+ (\S+) .* - cgroup2 ", text, re.MULTILINE)
    return pathlib.Path(found[1]) if found else None


def is_writable():
    return os.geteuid() == 0 and mount() and os.statvfs(mount()).f_flag & os.ST_RDONLY == 0


def has_controllers():
    return is_writable() and {"memory", "pids"} <= set((mount() / "cgroup.controllers").read_text().split())


needs_tree = pytest.mark.skipif(not is_writable(), reason="no version 2 tree that this user may write")
needs_controllers = pytest.mark.skipif(not has_controllers(), reason="no controllers memory and pids in a version 2 tree")


@pytest.fixture
def folder():
    folder = mount() / f"test-{os.getpid()}"
    folder.mkdir()
    yield folder
    wait_until(lambda: remove(folder), 10, "the groups to be empty")


def remove(folder):
    for below, _, _ in os.walk(folder, topdown=False):
        try:
            os.rmdir(below)
        except OSError:
            return False
    return True


def group_of(pid):
    """Empty for a process that has ended since it was listed."""
    try:
        lines = pathlib.Path(f"/proc/{pid}/cgroup").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return ""
    return next(line[3:] for line in lines if line.startswith("0::"))


def groups(folder):
    # os.walk(), not rglob(): it does not mind what vanishes meanwhile.
    return sorted(os.path.relpath(path, folder) for path, _, _ in os.walk(folder) if path != str(folder))


@needs_tree
def test_each_process_is_in_a_group_of_its_own_and_none_is_left(folder):
    with Driver(settings={"cgroup": str(folder), "pool_min": 2}) as driver:
        assert [outcome(driver.run(ONE)) for _ in range(20)] == [1] * 20
        wait_until(lambda: driver.status()["status"]["idle"] >= 2, 10, "the pool")
        below = descendants(driver.process.pid)
        mine = [group for group in map(group_of, below) if f"/{folder.name}/einion-{driver.process.pid}/" in group]
        assert len(mine) >= 2 and len(set(mine)) == len(mine)
        wait_until(lambda: len(groups(folder)) <= 1 + 4, 10, "the groups of runs that have ended to go")
    assert groups(folder) == []


@needs_tree
def test_runs_that_hang_and_crash_leave_no_group(folder):
    texts = ["while True:\n    pass", "import ctypes\nctypes.string_at(0)", "import os\nos._exit(3)", "await asyncio.sleep(100)"]
    with Driver(settings={"cgroup": str(folder), "grace_ms": 100}) as driver:
        waits = [driver.start_run(body(text), timeout_ms=500, user_id=text) for text in texts * 3]
        assert all(failure(wait()) for wait in waits)
    assert groups(folder) == []


@needs_tree
def test_what_a_killed_server_left_is_taken_away_by_the_next(folder):
    killed = Driver(settings={"cgroup": str(folder)})
    outcome(killed.run(ONE))
    killed.kill()
    left = f"einion-{killed.process.pid}"
    assert left in groups(folder)
    wait_until(lambda: "populated 0" in (folder / left / "cgroup.events").read_text(), 10, "its processes to end")
    with Driver(settings={"cgroup": str(folder)}) as driver:
        assert outcome(driver.run(ONE)) == 1
        assert left not in groups(folder)


@needs_tree
def test_a_group_that_cannot_be_made_starts_no_agent(folder):
    """The tree has an end: no run goes on without what was promised."""
    with Driver(settings={"cgroup": str(folder), "start_ms": 2000}) as driver:
        wait_until(lambda: driver.run(ONE)["code"] == 0, 60, "agents to run")
        (folder / "cgroup.max.descendants").write_text("1")
        wait_until(lambda: driver.run(ONE)["code"] == -5 and "a control group could not be made" in driver.log(), 60, "the pool to be empty")
        (folder / "cgroup.max.descendants").write_text("max")
        wait_until(lambda: driver.run(ONE)["code"] == 0, 20, "agents to run again")


@pytest.mark.parametrize("setting, said", [
    ("/proc", "cgroup /proc: not in a cgroup v2 tree"), ("/nonesuch", "cgroup /nonesuch: No such file or directory"),
])  # fmt: skip
def test_a_folder_that_is_no_group_turns_agents_off(setting, said):
    with Driver(settings={"cgroup": setting}) as driver:
        answer = driver.run(ONE)
        assert answer["code"] == -5 and said in answer["text"]


@needs_controllers
def test_the_kernel_kills_for_memory_and_counts_threads(folder):
    eat = body("x = bytearray(100 << 20)\nfor i in range(0, len(x), 4096):\n    x[i] = 1\nreturn 'fed'")
    with Driver(settings={"cgroup": str(folder), "memory_mb": 64, "address_space_mb": 512}) as driver:
        assert failure(driver.run(eat)) == "MemoryError: The agent used more than its 64 MiB of memory."
        barriers = driver.status()["status"]["barriers"]
        assert (barriers["memory"], barriers["threads"]) == ("cgroup", "cgroup")


# ---- einion check


def check(*sets, user=()):
    settings = [f"--set=listen.port={free_port()}", *(f"--set=plugins.runtime-python.{one}" for one in ("start_ms=600000", *sets))]
    return subprocess.run([*user, str(BUILD / "core" / "einion"), *settings, "check"], capture_output=True, text=True,
                          env=os.environ | {"EINION_STATE_DIR": "/tmp/einion-is-not-started"})  # fmt: skip


@pytest.mark.parametrize("user", [(), AS_NOBODY], ids=["here", "user"])
def test_check_tells_what_this_machine_gives(user):
    if user and os.geteuid() != 0:
        pytest.skip("needs root")
    done = check("isolation=best-effort", user=user)
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert any(line.startswith("agents run isolated here (") for line in lines)
    assert len([line for line in lines if re.match(r"  (yes|no ) ", line)]) == 10
    assert "  yes seccomp, no new privileges, no capabilities, rlimits, no descriptors" in lines


def test_check_tells_when_agents_will_be_off():
    done = check("cgroup=/nonesuch")
    assert done.returncode == 0
    assert "agents will be off here: cgroup /nonesuch: No such file or directory" in done.stdout.splitlines()
    assert check("cgroup=sometimes").returncode != 0


@needs_tree
def test_check_leaves_no_group(folder):
    assert "  yes cgroup for each run" in check(f"cgroup={folder}").stdout
    assert groups(folder) == []
