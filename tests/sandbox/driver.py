# SPDX-License-Identifier: Apache-2.0
"""Talks to agent_driver: the runtime in a process of its own, without a server."""

import atexit
import functools
import itertools
import json
import os
import pathlib
import queue
import shutil
import signal
import subprocess
import tempfile
import threading

BUILD = pathlib.Path(os.environ.get("EIN_BUILD", pathlib.Path(__file__).parents[2] / "build")).resolve()
SCALE = float(os.environ.get("EIN_TEST_SCALE", "1"))
AGENT_DRIVER = BUILD / "tests" / "sandbox" / "agent_driver"
WEAKENED = BUILD / "tests" / "sandbox" / "weakened" / "runtime-python.so"

# What of the sandbox a test can leave out; see weaken.h.
HOUSE_LAYERS = ["user namespace", "pid namespace", "read-only root", "network namespace", "ipc namespace",
                "host name namespace", "cgroup namespace", "clean environment"]  # fmt: skip
CHILD_LAYERS = ["tmpfs", "identity", "rlimits", "capabilities", "no_new_privs", "dumpable", "parent death",
                "landlock", "descriptors", "seccomp"]  # fmt: skip
LAYERS = HOUSE_LAYERS + CHILD_LAYERS

# What the filters of containers refuse, and what an old kernel does not have.
CONTAINER = "clone_new,unshare,setns,mount,umount2,pivot_root,open_tree,move_mount,mount_setattr"
NO_LANDLOCK = CONTAINER + ",landlock"



@functools.cache
def agents_see(folder):
    """A folder for what they are shown: this one, unless it is below /tmp, where they have a folder of their own."""
    if not folder.is_relative_to("/tmp"):
        return folder
    other = pathlib.Path(tempfile.mkdtemp(prefix="einion-tests-", dir="/var/tmp"))
    other.chmod(0o755)
    atexit.register(shutil.rmtree, other, ignore_errors=True)
    return other


# A run begins, however long it must wait where many share the machine.
PATIENT = {"start_ms": 600000, "queue_ms": 3600000}

AS_NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]


def unprotected():
    """The same runtime with no layer of isolation."""
    return Driver(WEAKENED, without=LAYERS)


def body(text):
    """The code of an agent whose run() does this."""
    return "async def run(input_dict, tools):\n" + "\n".join("    " + line for line in text.strip("\n").split("\n"))


class Process(int):
    """A number and when the process of that number began: the kernel gives numbers again."""

    def __new__(cls, pid, began):
        process = super().__new__(cls, pid)
        process.began = began
        return process


class Driver:
    def __init__(self, plugin="runtime-python", settings=None, deny=None, user=None, with_plugin=None, without=None, fail=None):
        command = [str(AGENT_DRIVER), str(plugin), json.dumps({**PATIENT, **(settings or {})})]
        if deny:
            command += ["--deny", deny]
        for name in with_plugin or []:
            command += ["--with", name]
        environment = dict(os.environ)
        if without is not None:
            environment["EINION_SANDBOX_WITHOUT"] = f",{','.join(without)},"
        if fail:
            environment["EINION_SANDBOX_FAIL"] = f",{fail},"
        self.process = subprocess.Popen((user or []) + command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True, env=environment)
        self.numbers = itertools.count(1)
        self.waiting = {}
        self.lock = threading.Lock()
        self.errors = []
        threading.Thread(target=self._read, daemon=True).start()
        threading.Thread(target=self._read_errors, daemon=True).start()

    def _read(self):
        for line in self.process.stdout:
            answer = json.loads(line)
            self.waiting.pop(answer["id"]).put(answer)
        for waiter in list(self.waiting.values()):
            waiter.put(None)

    def _read_errors(self):
        self.errors += self.process.stderr

    def send(self, op, **members):
        """Asks, and returns a function that waits for the answer."""
        number, waiter = next(self.numbers), queue.Queue()
        self.waiting[number] = waiter
        with self.lock:
            self.process.stdin.write(json.dumps({"op": op, "id": number, **members}) + "\n")
            self.process.stdin.flush()

        def wait(seconds=300):
            answer = waiter.get(timeout=seconds * SCALE)
            assert answer is not None, "the driver ended: " + "".join(self.errors)
            return answer

        return wait

    def start_run(self, code, **members):
        return self.send("run", code=code, **members)

    def run(self, code, **members):
        return self.start_run(code, **members)()

    def status(self):
        return self.send("status")()

    def log(self):
        return self.send("log")()["log"]

    def close(self):
        if self.process.poll() is None:
            self.process.stdin.close()
            self.process.wait(60 * SCALE)
        assert self.process.returncode == 0, "".join(self.errors)

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, kind, *rest):
        if kind:
            self.kill()
        else:
            self.close()


def outcome(answer):
    """The result of a run that went well."""
    assert answer["code"] == 0, answer["text"]
    assert answer["outcome"]["error"] is None, answer["outcome"]["error"]
    return answer["outcome"]["result"]


def failure(answer):
    assert answer["code"] == 0, answer["text"]
    assert answer["outcome"]["error"] is not None, answer["outcome"]
    return answer["outcome"]["error"]


def stat_of(pid):
    """What /proc tells of it, from its state on; None for one that has ended."""
    try:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return None
    return fields if getattr(pid, "began", fields[19]) == fields[19] else None


def alive(pids):
    return [pid for pid in pids if (fields := stat_of(pid)) and fields[0] != "Z"]


def descendants(pid):
    """Every process below PID."""
    parents = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit() and (fields := stat_of(entry)):
            parents.setdefault(int(fields[1]), []).append(Process(entry, fields[19]))
    found, open_ = [], [pid]
    while open_:
        for child in parents.get(open_.pop(), []):
            found.append(child)
            open_.append(child)
    return found
