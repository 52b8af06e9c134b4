# SPDX-License-Identifier: Apache-2.0
"""Starting, failing, ending: nothing is left behind, nothing runs unprotected."""

import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time

import pytest
from driver import AS_NOBODY, BUILD, CONTAINER, SCALE, Driver, agents_see, alive, body, descendants, failure, outcome

ONE = body("return 1")
PLUGIN = BUILD / "plugins" / "runtime-python"
POOL_MIN = 2 * os.cpu_count()


PATIENCE = 120


def wait_until(condition, seconds, what):
    """No less than PATIENCE: it costs no time where the condition comes soon, and many may share the machine."""
    end = time.monotonic() + max(seconds, PATIENCE) * SCALE
    while not condition():
        assert time.monotonic() < end, f"waited for {what}"
        time.sleep(0.02)


def filled(driver):
    """Waits until nothing runs and as many processes are ready as are kept."""

    def is_filled():
        status = driver.status()["status"]
        return status["running"] == 0 and status["idle"] >= POOL_MIN

    wait_until(is_filled, 30, "the pool")


# ---- fail closed


@pytest.mark.parametrize("deny, said", [
    ("seccomp", "isolation step seccomp failed: Operation not permitted"),
    ("no_new_privs", "isolation step no_new_privs failed: Operation not permitted"),
    ("landlock_restrict_self", "isolation step landlock failed: Operation not permitted"),
    ("capset", "isolation step capabilities failed: Operation not permitted"),
    ("close_range", "isolation step descriptors failed: Operation not permitted"),
])  # fmt: skip
def test_a_step_that_fails_turns_agents_off(deny, said):
    with Driver(settings={"isolation": "best-effort"}, deny=deny) as driver:
        answer = driver.run(body("return 'ran'"))
        assert answer["code"] == -5 and "outcome" not in answer
        assert said in answer["text"]
        assert said in driver.status()["unready"]
        assert driver.status()["status"]["state"] == "off"


@pytest.mark.parametrize("deny, level, said, less", [
    (CONTAINER, "strict", "new namespaces: Operation not permitted", "container"),
    ("unshare", "strict", "unshare: Operation not permitted", "container"),
    ("setns", "strict", "setns: Operation not permitted", "container"),
    ("sethostname", "strict", "sethostname: Operation not permitted", "container"),
    (CONTAINER + ",landlock", "container", "landlock", "best-effort"),
    (CONTAINER + ",landlock", "strict", "landlock", "best-effort"),
])  # fmt: skip
def test_a_level_that_cannot_be_reached_turns_agents_off(deny, level, said, less):
    user = AS_NOBODY if os.geteuid() == 0 else []
    with Driver(settings={"isolation": level}, deny=deny, user=user) as driver:
        answer = driver.run(ONE)
        assert answer["code"] == -5
        assert f"isolation {level} cannot be reached here" in answer["text"] and said in answer["text"]
        assert f"or accept {less} as plugins.runtime-python.isolation; nothing turns it off" in answer["text"]
        assert answer["text"] == driver.status()["unready"]


@pytest.mark.parametrize("deny", [CONTAINER, "unshare", "setns"])
def test_a_container_whose_filter_forbids_namespaces_is_enough_if_that_is_accepted(deny):
    user = AS_NOBODY if os.geteuid() == 0 else []
    with Driver(settings={"isolation": "container"}, deny=deny, user=user) as driver:
        assert driver.run(ONE)["outcome"]["result"] == 1
        assert driver.status()["status"]["level"] == "container"


@pytest.mark.skipif(os.geteuid() != 0, reason="names a machine")
def test_a_container_that_has_the_agents_name_already_need_not_be_renamed():
    named = ["unshare", "--uts", "sh", "-c", 'hostname agent && exec "$@"', "sh", *AS_NOBODY]
    with Driver(deny="sethostname", user=named) as driver:
        assert outcome(driver.run(body("import os\nreturn os.uname().nodename"))) == "agent"


@pytest.mark.parametrize("user", [[], AS_NOBODY] if os.geteuid() == 0 else [[]], ids=["here", "user"][: 1 + (os.geteuid() == 0)])
def test_the_plugin_is_not_seen_though_its_folder_is(environment, user):
    (packages,) = environment.glob("lib/python3*/site-packages")
    folder = packages / "server" / "plugins"
    shutil.copytree(PLUGIN, folder, ignore=shutil.ignore_patterns("*.p"), dirs_exist_ok=True)
    with Driver(plugin=folder / "runtime-python.so", settings={"venv": str(environment)}, user=user) as driver:
        assert outcome(driver.run(body(f"import os\nreturn os.listdir({str(folder)!r}) + os.listdir({str(folder.parent)!r})"))) == ["plugins"]
        assert driver.status()["status"]["level"] == "strict"


def test_a_filter_with_a_hole_is_noticed(tmp_path):
    shutil.copy(BUILD / "tests" / "sandbox" / "holed.so", tmp_path / "holed.so")
    os.symlink(PLUGIN / "sandbox", tmp_path / "sandbox")
    with Driver(plugin=tmp_path / "holed.so") as driver:
        answer = driver.run(ONE)
        assert answer["code"] == -5
        assert 'the sandbox does not hold: "make a ' in answer["text"]


@pytest.mark.parametrize("settings, said", [
    ({"python": "/nonesuch/python"}, "/nonesuch/python"),
    ({"preload": ["nonesuch"]}, "no module named nonesuch"),
])  # fmt: skip
def test_an_interpreter_that_does_not_start_turns_agents_off(settings, said):
    with Driver(settings=settings) as driver:
        answer = driver.run(ONE)
        assert answer["code"] == -5 and said in answer["text"]


def test_an_interpreter_that_prints_nothing_turns_agents_off(tmp_path):
    script = tmp_path / "python"
    script.write_text("#!/bin/sh\nexit 0\n")
    script.chmod(0o755)
    with Driver(settings={"python": str(script)}) as driver:
        answer = driver.run(ONE)
        assert answer["code"] == -5 and "does not run" in answer["text"]


def test_without_httpx_agents_run_and_it_says_so(tmp_path):
    """The other interpreter of this machine, a virtual environment without packages."""
    import venv

    venv.create(tmp_path / "bare", symlinks=True)
    with Driver(settings={"python": str(tmp_path / "bare" / "bin" / "python3")}) as driver:
        assert outcome(driver.run(ONE)) == 1
        assert "not installed" in failure(driver.run(body("return await http_client.get('http://example.com')")))
        assert driver.status()["status"]["httpx"] is None
        assert "httpx is not installed" in driver.log()


PACKAGE = """
import ctypes, pathlib
from importlib import resources
answer = ctypes.CDLL(str(pathlib.Path(__file__).with_name("answer.so"))).answer
text = resources.read_text(__name__, "data.txt")
"""


@pytest.fixture(scope="module")
def environment():
    """A virtual environment with a package in Python, with native code and with data."""
    import venv

    folder = pathlib.Path(tempfile.mkdtemp(prefix="venv-", dir=agents_see(BUILD)))
    folder.chmod(0o755)
    venv.create(folder, symlinks=True, system_site_packages=True)
    (package,) = [path / "inhouse" for path in folder.glob("lib/python3*/site-packages")]
    package.mkdir()
    (package / "__init__.py").write_text(PACKAGE)
    (package / "data.txt").write_text("data")
    (package / "answer.c").write_text("int answer(void) { return 42; }")
    subprocess.run(["cc", "-shared", "-fPIC", "-o", package / "answer.so", package / "answer.c"], check=True)
    yield folder
    shutil.rmtree(folder)


@pytest.mark.parametrize("preload", [[], ["inhouse"]], ids=["imported by the agent", "preloaded"])
@pytest.mark.parametrize("level,deny", [("strict", None), ("container", CONTAINER)])
def test_a_virtual_environment_brings_its_packages(environment, preload, level, deny):
    with Driver(settings={"venv": str(environment), "preload": preload, "isolation": level}, deny=deny) as driver:
        use = "import inhouse, sys\nreturn [inhouse.answer(), inhouse.text, sys.prefix, httpx.__name__]"
        assert outcome(driver.run(body(use))) == [42, "data", str(environment), "httpx"]
        write = "import inhouse\ntry:\n    open(inhouse.__file__, 'a')\nexcept OSError as e:\n    return 'refused'"
        assert outcome(driver.run(body(write))) == "refused"
        beside = f"import os\ntry:\n    return os.listdir({str(environment.parent)!r})\nexcept OSError:\n    return []"
        assert outcome(driver.run(body(beside))) in ([], [environment.name])


@pytest.mark.parametrize("level,deny", [("strict", None), ("container", CONTAINER)])
def test_random_numbers_of_a_preloaded_module_are_each_runs_own(environment, level, deny):
    (packages,) = environment.glob("lib/python3*/site-packages")
    (packages / "drawn.py").write_text("import ssl\nssl.RAND_bytes(8)\n")
    (packages / "numpy").mkdir(exist_ok=True)
    (packages / "numpy" / "__init__.py").write_text("")
    (packages / "numpy" / "random.py").write_text("import os\nstate = 0\n"
                                                  "def seed():\n    global state\n    state = os.urandom(8).hex()\n"
                                                  "def random():\n    return state\n")
    preload = ["drawn", "numpy.random"]
    with Driver(settings={"venv": str(environment), "preload": preload, "isolation": level}, deny=deny) as driver:
        draw = "import numpy.random, random, ssl\nreturn [ssl.RAND_bytes(8).hex(), random.random(), numpy.random.random()]"
        first, second = (outcome(driver.run(body(draw))) for _ in range(2))
        assert not set(first) & set(second)


@pytest.mark.parametrize("level,deny", [("strict", None), ("container", CONTAINER)])
def test_a_preloaded_module_with_a_thread_is_refused(environment, level, deny):
    (packages,) = environment.glob("lib/python3*/site-packages")
    (packages / "busy.py").write_text("import _thread, time\n_thread.start_new_thread(time.sleep, (1000,))\n")  # threading knows none
    with Driver(settings={"venv": str(environment), "preload": ["busy"], "isolation": level}, deny=deny) as driver:
        answer = driver.run(ONE)
        assert answer["code"] == -5 and "a preloaded module started threads" in answer["text"]


def test_a_package_that_is_missing_says_where_packages_come_from():
    with Driver() as driver:
        answer = driver.run(body("import no_such_package"))
        assert failure(answer) == "ModuleNotFoundError: No module named 'no_such_package'"
        (event,) = [event for event in answer["trace"] if event["type"] == "error"]
        assert event["traceback"].endswith("packages of the server's Python, or of plugins.runtime-python.venv.\n")


def test_start_does_not_wait():
    took, seen = [], set()
    for _ in range(5):
        with Driver() as driver:
            seen.add(driver.status()["status"]["state"])
            wait_until(lambda: driver.errors, 10, "the driver's word")
            took.append(int(driver.errors[0].split(" in ")[1].split()[0]))
    assert "starting" in seen and min(took) < 5000 * SCALE


# ---- nothing is left


@pytest.fixture
def busy():
    driver = Driver()
    outcome(driver.run(ONE))
    driver.start_run(body("while True:\n    pass"))
    driver.start_run(body("await asyncio.sleep(1000)"), user_id="other")
    wait_until(lambda: driver.status()["status"]["running"] == 2, 20, "both to run")
    yield driver, descendants(driver.process.pid)
    driver.kill()


def test_the_servers_death_takes_everything_along(busy):
    driver, below = busy
    assert len(below) >= 4  # launcher, zygote and both
    driver.kill()
    wait_until(lambda: not alive(below), 1, "the agents' processes to end")


@pytest.mark.parametrize("which", [0, 1], ids=["launcher", "zygote"])
def test_a_killed_sandbox_is_replaced(busy, which):
    driver, below = busy
    launcher = descendants(driver.process.pid)[0]
    victim = [launcher] + [pid for pid in descendants(launcher)][:1]
    os.kill(victim[which], signal.SIGKILL)
    wait_until(lambda: not alive(below), 1, "the old processes to end")
    answer = driver.run(ONE, user_id="third")
    assert outcome(answer) == 1
    wait_until(lambda: driver.status()["status"]["generation"] == 2, 5, "the second generation")


def test_a_run_whose_sandbox_is_killed_fails_clearly():
    with Driver() as driver:
        outcome(driver.run(ONE))
        wait = driver.start_run(body("await asyncio.sleep(1000)"))
        wait_until(lambda: driver.status()["status"]["running"] == 1, 20, "it to run")
        os.kill(descendants(driver.process.pid)[0], signal.SIGKILL)
        assert failure(wait()) == "RuntimeError: The sandbox was restarted while the agent was running."


def test_the_zygote_is_replaced_under_load_without_losing_a_run():
    with Driver(settings={"zygote_runs": 20, "running": 8, "running_per_user": 8}) as driver:
        waits = [driver.start_run(body("await asyncio.sleep(0.05)\nreturn input_dict['n']"), input={"n": n}) for n in range(120)]
        assert [outcome(wait(120)) for wait in waits] == list(range(120))
        wait_until(lambda: driver.status()["status"]["generation"] >= 2, 10, "the second generation")
        wait_until(lambda: driver.process.poll() is None and len([pid for pid in os.listdir(f"/proc/{driver.process.pid}/task")]) <= 6, 10, "threads to end")


# Mounts that only what is below the driver sees and may leave; those of the machine come and go.
OWN_MOUNTS = ["unshare", "--mount", "sh", "-c", 'mount --make-rshared / && exec "$0" "$@"']


@pytest.fixture
def own_mounts():
    """For Driver(user=...); nothing for who cannot mount."""
    return OWN_MOUNTS if subprocess.run([*OWN_MOUNTS, "true"], capture_output=True).returncode == 0 else []


def mounts(driver):
    if os.path.samefile(f"/proc/{driver.process.pid}/ns/mnt", "/proc/self/ns/mnt"):
        return 0
    return pathlib.Path(f"/proc/{driver.process.pid}/mounts").read_text().count("\n")


@pytest.mark.seconds(300)
def test_three_hundred_runs_leave_nothing_behind(own_mounts):
    with Driver(user=own_mounts) as driver:
        driver.send("bench", code=ONE, count=60, parallel=4)()
        filled(driver)
        before, mounted, below = driver.status(), mounts(driver), len(descendants(driver.process.pid))
        result = driver.send("bench", code=ONE, count=300, parallel=4)()
        assert all(isinstance(one, int) for one in result["us"]), result["us"]
        filled(driver)
        # What ends leaves a little later than it is counted out.
        wait_until(lambda: driver.status()["fds"] <= before["fds"] + 4, 20, "descriptors to be closed")
        wait_until(lambda: len(descendants(driver.process.pid)) <= below + 1, 20, "processes to end")
        assert driver.status()["resident_kb"] <= before["resident_kb"] + 2048 * SCALE**3  # freed memory waits long with a sanitizer
        assert mounts(driver) == mounted


def test_no_more_processes_run_than_may_though_many_wait_for_one():
    with Driver(settings={"processes": 2, "pool_min": 1, "running": 16}) as driver:
        wait_until(lambda: driver.status()["status"]["idle"] == 1, 30, "the pool")
        waits = [driver.start_run(body("await asyncio.sleep(4)\nreturn 1"), user_id=str(n)) for n in range(8)]
        answers = [wait() for wait in waits]
        assert [answer["code"] for answer in answers].count(0) == 2
        assert {answer["text"] for answer in answers} == {"", "2 agent processes are running, no more may be started"}
        assert driver.run(ONE)["outcome"]["result"] == 1


def test_each_run_has_a_process_of_its_own():
    text = body("global seen\ntry:\n    seen += 1\nexcept NameError:\n    seen = 1\nimport sys\nsys.mark = getattr(sys, 'mark', 0) + 1\nreturn [seen, sys.mark]")
    with Driver() as driver:
        for _ in range(12):
            assert outcome(driver.run(text)) == [1, 1]
