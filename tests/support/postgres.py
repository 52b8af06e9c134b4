#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A PostgreSQL server of our own for one command: its address is in EIN_POSTGRES_URL.

usage: postgres.py COMMAND [ARGUMENT...]

The server listens on a Unix socket in a folder that is gone afterwards.  PostgreSQL does not run
as root: root runs it as `nobody`.
"""
import contextlib
import glob
import os
import pathlib
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time

NOBODY = "nobody"


def programs():
    """The folder of initdb and postgres, of the newest version; None if it is not installed."""
    found = glob.glob("/usr/lib/postgresql/*/bin/initdb")
    return pathlib.Path(max(found, key=lambda path: float(path.split("/")[4]))).parent if found else None


def become(user):
    """For preexec_fn: the rest of the process is USER's."""

    def change():
        entry = pwd.getpwnam(user)
        os.setgroups([])
        os.setgid(entry.pw_gid)
        os.setuid(entry.pw_uid)

    return change if os.getuid() == 0 else None


class Cluster:
    """A database cluster in a folder of its own, which may be stopped, started and followed."""

    def __init__(self, *settings, primary=None):
        self.folder = tempfile.mkdtemp(prefix="pg-")
        self.data, self.settings, self.process = f"{self.folder}/data", settings, None
        self.url = f"postgresql://einion@/postgres?host={self.folder}"
        os.chmod(self.folder, 0o711)
        if os.getuid() == 0:
            shutil.chown(self.folder, NOBODY)
        if primary:
            self.run("pg_basebackup", "-D", self.data, "-R", "-c", "fast", "-d", primary.url)
        else:
            self.run("initdb", "-D", self.data, "-U", "einion", "--auth=trust", "-E", "UTF8", "--locale=C", "-N")

    def quiet(self):
        return {"stdout": subprocess.DEVNULL, "cwd": "/", "preexec_fn": become(NOBODY)}

    def run(self, program, *arguments):
        subprocess.run([programs() / program, *arguments], check=True, **self.quiet())

    def spawn(self):
        options = ["listen_addresses=", f"unix_socket_directories={self.folder}", "fsync=off", "max_connections=200", *self.settings]
        self.process = subprocess.Popen([programs() / "postgres", "-D", self.data, *(f"-c{option}" for option in options)],
                                        stderr=open(f"{self.folder}/log", "a"), **self.quiet())  # fmt: skip

    def start(self):
        self.spawn()
        for _ in range(2400):
            if subprocess.run([programs() / "pg_isready", "-q", "-h", self.folder]).returncode == 0:
                return self
            time.sleep(0.05)
        raise RuntimeError(f"PostgreSQL does not start: {pathlib.Path(self.folder, 'log').read_text()}")

    def stop(self, number=signal.SIGQUIT):
        """SIGQUIT: immediately, so that it has to recover; SIGINT: in order."""
        if self.process:
            self.process.send_signal(number)
            self.process.wait()
        self.process = None

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


@contextlib.contextmanager
def server(*settings):
    """A running server; yields its URL.  It forgets what was written when the power fails, which no test waits for."""
    with Cluster(*settings) as cluster:
        yield cluster.url


def query(url, text):
    """Runs SQL as an operator would."""
    return subprocess.run(["psql", "-X", "-q", "-A", "-t", "-c", text, url], check=True, capture_output=True, text=True).stdout


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    if not programs():
        print("PostgreSQL is not installed", file=sys.stderr)
        sys.exit(77)
    with server() as url:
        sys.exit(subprocess.run(sys.argv[1:], env={**os.environ, "EIN_POSTGRES_URL": url}).returncode)


if __name__ == "__main__":
    main()
