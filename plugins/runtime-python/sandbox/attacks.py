# SPDX-License-Identifier: Apache-2.0
"""The self-test: a child of every new zygote tries these before any agent runs.
Each must be denied; the names are those of the server's own list."""
import ctypes
import errno
import mmap
import os
import socket
import stat

libc = ctypes.CDLL(None, use_errno=True)
RWX = mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC


def answer(result):
    """What a C function's -1 means, as Python would say it."""
    if result == -1:
        raise OSError(ctypes.get_errno(), "denied")


def map_executable():
    libc.mmap.restype = ctypes.c_void_p
    address = libc.mmap(None, 4096, RWX, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, -1, 0)
    answer(-1 if address == ctypes.c_void_p(-1).value else 0)


def make_executable():
    libc.mmap.restype = ctypes.c_void_p
    page = libc.mmap(None, 4096, mmap.PROT_READ | mmap.PROT_WRITE, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, -1, 0)
    answer(libc.mprotect(ctypes.c_void_p(page), 4096, RWX))


def open_anything(paths):
    for path in paths:
        try:
            os.close(os.open(path, os.O_RDONLY))
            return
        except OSError as error:
            last = error
    raise last


def read_environment_of(pid):
    with open(f"/proc/{pid}/environ", "rb") as file:
        file.read()


def write_library():
    os.close(os.open(os.__file__, os.O_WRONLY))


def keep_a_descriptor():
    """Only the output, the channel and what the event loop made may be open."""
    for fd in range(4, 256):
        try:
            mode = os.fstat(fd).st_mode
        except OSError:
            continue
        if stat.S_IFMT(mode) and not stat.S_ISSOCK(mode):  # an epoll has no type
            return
    raise OSError(errno.EBADF, "denied")


RLIMIT_CPU, RLIMIT_FSIZE, RLIMIT_NPROC, RLIMIT_AS = 0, 1, 6, 9
UNLIMITED = ctypes.c_ulong(-1).value


def hard_limit(which):
    pair = (ctypes.c_ulong * 2)()
    answer(libc.getrlimit(which, pair))
    return pair[1]


def raise_limit():
    more = hard_limit(RLIMIT_CPU) + 60
    answer(libc.setrlimit(RLIMIT_CPU, (ctypes.c_ulong * 2)(more, more)))


def run_without_limits():
    limits = [hard_limit(which) for which in (RLIMIT_CPU, RLIMIT_FSIZE, RLIMIT_NPROC, RLIMIT_AS)]
    if UNLIMITED not in limits:
        raise OSError(errno.EPERM, "denied")


async def run(input_dict, tools):
    attacks = {
        "open /etc/passwd": lambda: open_anything(["/etc/passwd", "/etc/hostname"]),
        "open the server's files": lambda: open_anything(input_dict["files"]),
        "read the server's environment": lambda: read_environment_of(input_dict["server"]),
        "write the standard library": write_library,
        "inherit a descriptor": keep_a_descriptor,
        "make a socket": lambda: socket.socket().close(),
        "make a local socket": lambda: socket.socket(socket.AF_UNIX).close(),
        "fork": lambda: os._exit(0) if os.fork() == 0 else None,
        "execute a program": lambda: os.execv("/proc/self/exe", ["x", "-c", "pass"]),
        "signal the parent": lambda: os.kill(os.getppid() or 1, 0),
        "map executable memory": map_executable,
        "make memory executable": make_executable,
        "make a memory file": lambda: os.close(os.memfd_create("x")),
        "raise a limit": raise_limit,
        "run without limits": run_without_limits,
        "become root": lambda: os.setuid(0),
        "change a file's mode": lambda: os.chmod("/", 0o777),
    }
    outcome = {}
    for name, attack in attacks.items():
        try:
            attack()
            outcome[name] = "worked"
        except (OSError, ValueError) as error:
            outcome[name] = f"denied: {error}"
    return outcome
