# SPDX-License-Identifier: Apache-2.0
"""The world outside the sandbox, and attacks on it."""

import os
import pathlib
import shutil
import socket
import subprocess
import tempfile

from attacks import code
from driver import BUILD

SETTINGS = {"cpu_s": 1, "timeout_ms": 120000, "grace_ms": 300, "running": 6}
NAMESPACES = ("user", "pid", "mnt", "net", "ipc", "uts", "cgroup")


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
        self.letters = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.letters.bind(str(self.folder / "letters"))
        (self.folder / "letters").chmod(0o777)
        self.abstract = socket.socket(socket.AF_UNIX)
        self.abstract.bind("\0" + self.folder.name)
        self.abstract.listen(64)

        shutil.copy("/usr/bin/id", self.folder / "id")
        (self.folder / "id").chmod(0o4755)

    def described(self, server, neighbour):
        return {"secret": str(self.folder / "secret"), "scratch": str(self.folder / "scratch"),
                "socket": str(self.folder / "socket"), "letters": str(self.folder / "letters"), "abstract": self.folder.name,
                "port": self.tcp.getsockname()[1], "server": server, "neighbour": neighbour,
                "plugin": str(BUILD / "plugins" / "runtime-python" / "runtime-python.so"),
                "setuid": str(self.folder / "id"), "host": socket.gethostname(),
                "namespaces": {name: os.readlink(f"/proc/self/ns/{name}") for name in NAMESPACES},
                "library": str(BUILD / "plugins" / "runtime-python" / "sandbox" / "zygote_loop.so")}  # fmt: skip

    def close(self):
        for one in (self.tcp, self.unix, self.letters, self.abstract):
            one.close()
        subprocess.run(["rm", "-rf", str(self.folder)], check=True)


def perform(attacks, world, driver, user):
    """The answers to all of them, and whether the server still works then."""
    neighbour = subprocess.Popen((user or []) + ["sleep", "600"])
    try:
        described = world.described(driver.process.pid, neighbour.pid)
        waits = {a.name: driver.start_run(code(a), input=described, user_id=a.name, timeout_ms=3000 if a.takes_its_time else 0) for a in attacks}
        answers = {name: wait() for name, wait in waits.items()}
    finally:
        neighbour.kill()
        neighbour.wait()
    return answers


def escaped(answer):
    result = answer["outcome"]["result"] if answer["code"] == 0 else None
    return isinstance(result, dict) and result["escaped"]
