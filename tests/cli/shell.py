# SPDX-License-Identifier: Apache-2.0
"""Somebody who uses a server from the command line."""

import fcntl
import json
import os
import pty
import re
import select
import signal
import subprocess
import termios
import time

from support import EINION, PATIENCE, SCALE

# Who runs the tests in the background may have them ignored, and what is started here with them.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)

FAILED, USAGE, NOBODY, CONFLICT, INTERRUPTED = 1, 2, 3, 4, 130
TWICE = 'async def run(input_dict, tools):\n    print("thinking")\n    return {"twice": 2 * input_dict["n"]}\n'


class Shell:
    """Somebody at a terminal, with a home folder."""

    def __init__(self, home, server=None, **env):
        self.home, self.server, self.env = home, server, {"PATH": os.environ["PATH"], "HOME": str(home), "LANG": "C.UTF-8", **env}
        self.env |= {name: value for name, value in os.environ.items() if name.endswith("SAN_OPTIONS")}

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server.port}"

    def start(self, *words, **options):
        return subprocess.Popen([EINION, *words], env=self.env, cwd=self.home, text=True, start_new_session=True,
                                stdin=options.pop("stdin", subprocess.DEVNULL), stdout=subprocess.PIPE, stderr=subprocess.PIPE)  # fmt: skip

    def run(self, *words, text=None, env=()):
        """(exit status, stdout, stderr)"""
        done = subprocess.run([EINION, *words], env=self.env | dict(env), cwd=self.home, input=text or "", capture_output=True,
                              text=True, start_new_session=True)  # fmt: skip
        assert "Sanitizer" not in done.stderr, done.stderr
        return done.returncode, done.stdout, done.stderr

    def good(self, *words, **options):
        status, out, said = self.run(*words, **options)
        assert status == 0, said
        return out

    def json(self, *words, **options):
        return json.loads(self.good(*words, "--json", **options))

    def write_agent(self, folder, code=TWICE, **rest):
        path = self.home / folder
        path.mkdir(exist_ok=True)
        (path / "agent.py").write_text(code)
        (path / "agent.json").write_text(json.dumps({"name": folder, "description": "d", "friendlyName": folder, **rest}))
        return path


def kept(shell):
    return shell.home / ".config/einion/servers.json"


class Terminal:
    """A process whose terminal it is."""

    def __init__(self, shell, *words, **options):
        self.master, slave = pty.openpty()
        files = {name: options.get(name, slave) for name in ("stdin", "stdout", "stderr")}
        self.process = subprocess.Popen(words, env=shell.env | {"TERM": "dumb"}, cwd=shell.home, start_new_session=True, **files,
                                        preexec_fn=lambda: fcntl.ioctl(slave, termios.TIOCSCTTY, 0))  # fmt: skip
        self.slave, self.shown = slave, ""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.close_slave()
        os.close(self.master)

    def type(self, text):
        os.write(self.master, text.encode())

    def wait_for(self, pattern):
        """What is shown up to the end of what fits, from where the last one ended."""
        end = time.monotonic() + PATIENCE * SCALE
        while not (found := re.search(pattern, self.shown)):
            if not select.select([self.master], [], [], max(0, end - time.monotonic()))[0]:
                raise AssertionError(f"waited for {pattern!r}, and saw {self.shown!r}")
            self.shown += os.read(self.master, 65536).decode()
        text, self.shown = self.shown[: found.end()], self.shown[found.end() :]
        return text

    def end(self):
        """(exit status, what it has shown last)"""
        status = self.process.wait(PATIENCE * SCALE)
        self.close_slave()
        try:
            while data := os.read(self.master, 65536):
                self.shown += data.decode()
        except OSError:  # all of it has been read
            pass
        return status, self.shown

    def close_slave(self):
        if self.slave is not None:
            os.close(self.slave)
        self.slave = None

    @property
    def has_echo(self):
        return bool(termios.tcgetattr(self.master)[3] & termios.ECHO)
