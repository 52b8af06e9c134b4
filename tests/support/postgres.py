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


@contextlib.contextmanager
def server(*settings):
    """A running server; yields its URL.  It forgets what was written when the power fails, which no test waits for."""
    folder = tempfile.mkdtemp(prefix="pg-")
    data = f"{folder}/data"
    bin_ = programs()
    quiet = {"stdout": subprocess.DEVNULL, "cwd": "/", "preexec_fn": become(NOBODY)}
    os.chmod(folder, 0o711)
    if os.getuid() == 0:
        shutil.chown(folder, NOBODY)
    process = None
    try:
        subprocess.run([bin_ / "initdb", "-D", data, "-U", "einion", "--auth=trust", "-E", "UTF8", "--locale=C", "-N"], check=True, **quiet)
        options = ["listen_addresses=", f"unix_socket_directories={folder}", "fsync=off", "max_connections=200", *settings]
        process = subprocess.Popen([bin_ / "postgres", "-D", data, *(f"-c{option}" for option in options)],
                                   stderr=open(f"{folder}/log", "w"), **quiet)  # fmt: skip
        url = f"postgresql://einion@/postgres?host={folder}"
        for _ in range(2400):
            if subprocess.run([bin_ / "pg_isready", "-q", "-h", folder]).returncode == 0:
                break
            time.sleep(0.05)
        else:
            raise RuntimeError(f"PostgreSQL does not start: {pathlib.Path(folder, 'log').read_text()}")
        yield url
    finally:
        if process:
            process.send_signal(signal.SIGQUIT)
            process.wait()
        shutil.rmtree(folder, ignore_errors=True)


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
