# SPDX-License-Identifier: Apache-2.0
"""Ports for servers that are told theirs: what is free now may be another's before the server has it.  So each process of
tests has a block of its own, below those that the kernel gives away by itself."""

import fcntl
import functools
import itertools
import os
import pathlib
import socket
import tempfile

FIRST, BLOCK, BLOCKS = 10000, 100, 220


@functools.cache
def block():
    """The first port of this process's, and the locked file that says so as long as the process lives."""
    folder = pathlib.Path(tempfile.gettempdir(), f"einion-ports-{os.getuid()}")
    folder.mkdir(exist_ok=True)
    for number in itertools.islice(itertools.cycle(range(BLOCKS)), os.getpid() % BLOCKS, os.getpid() % BLOCKS + BLOCKS):
        file = open(folder / str(number), "w")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            continue
        return itertools.cycle(range(FIRST + number * BLOCK, FIRST + (number + 1) * BLOCK)), file
    raise RuntimeError("so many tests run here that there are no more ports")


def is_free(port):
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as servers do
        try:
            probe.bind(("0.0.0.0", port))
        except OSError:
            return False
    return True


def free_port():
    ports, _ = block()
    return next(port for port in itertools.islice(ports, BLOCK) if is_free(port))
