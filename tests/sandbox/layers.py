# SPDX-License-Identifier: Apache-2.0
"""What each layer of the sandbox is good for: `alone` is what only it stops, so that it gets through where this layer is
left out and all others are there; `too` is what others stop as well, so that it is stopped where nothing but this layer is
there.  A layer that does nothing would have neither."""

import dataclasses


@dataclasses.dataclass
class Layer:
    alone: tuple = ()
    too: tuple = ()


LAYERS = {
    "user namespace": Layer(
        too=("writes the standard library", "signals the server", "traces a neighbour",
             "changes a neighbour's limits", "shares the server's user namespace"),
    ),
    "pid namespace": Layer(
        alone=("learns its host's processors through the server",),
        too=("signals the server", "signals everybody", "takes a handle on the server", "traces a neighbour",
             "shares the server's pid namespace"),
    ),
    "read-only root": Layer(
        alone=("shares the server's mnt namespace",),
        too=("reads /etc/passwd", "reads the server's secret", "reads the server's environment", "opens raw devices",
             "climbs out of a folder", "connects to a socket in the file system", "lists /proc", "fills the disk"),
    ),
    "network namespace": Layer(
        too=("connects to the server", "connects over IPv6", "connects to an abstract socket", "sends a datagram",
             "shares the server's net namespace"),
    ),
    "ipc namespace": Layer(too=("shares the server's ipc namespace",)),
    "host name namespace": Layer(alone=("learns the host's name",), too=("shares the server's uts namespace",)),
    "cgroup namespace": Layer(too=("shares the server's cgroup namespace",)),
    "clean environment": Layer(alone=("finds secrets in the environment",)),
    "identity": Layer(
        alone=("is root where it lives",),
        too=("writes the standard library", "changes a mode", "changes an owner",
             "signals the server", "signals a neighbour", "traces a neighbour", "opens its memory"),
    ),
    "rlimits": Layer(
        alone=("dumps its core", "duplicates descriptors", "opens many waits", "starts threads", "writes a sparse file"),
        too=("fills the disk",),
    ),
    "capabilities": Layer(too=("holds a capability", "keeps its bounding set", "traces a neighbour", "reads the server's environment")),
    "no_new_privs": Layer(too=("asks for new privileges",)),
    "landlock": Layer(
        too=("reads /etc/passwd", "reads the server's secret", "lists /proc", "opens raw devices", "fills the disk",
             "connects to the server", "connects to an abstract socket", "signals the server", "loads its own library"),
    ),
    "descriptors": Layer(alone=("finds descriptors of the server",)),
    "seccomp": Layer(
        alone=("asks for 32-bit calls", "asks for signals on input", "asks what is charged to whom", "changes its segments",
               "chooses its processors", "clones into new namespaces", "clones with clone3", "enlarges a pipe", "forks",
               "keeps a key", "leaves its session", "lifts its own death with its parent", "makes a memory file",
               "makes a message queue", "makes a ruleset of its own", "makes a signal's descriptor",
               "makes a timer's descriptor", "makes itself dumpable", "makes memory executable",
               "makes memory executable with a key", "moves pages between pipes", "places its memory",
               "sends a file by itself", "sets timers", "shares System V memory", "shares semaphores", "signals its parent",
               "takes a name for a handle", "talks netlink", "talks to the host's hypervisor",
               "unshares its user namespace", "uses personality", "uses userfaultfd", "watches files"),
        too=("connects to the server", "connects to an abstract socket", "takes a handle on the server", "changes an owner",
             "traces a neighbour", "signals everybody", "spawns a program"),
    ),
}  # fmt: skip

# As an ordinary user: what is otherwise than it is as root.
OF_USER = {
    "user namespace": LAYERS["user namespace"].alone + (
        "learns its host's processors through the server", "learns the host's name", "reads a neighbour's limits",
        *(f"shares the server's {name} namespace" for name in ("user", "pid", "mnt", "net", "ipc", "uts", "cgroup"))),
    "pid namespace": LAYERS["pid namespace"].alone + ("reads a neighbour's limits",),
    "seccomp": tuple(name for name in LAYERS["seccomp"].alone
                     if name not in ("clones into new namespaces", "unshares its user namespace")),
}  # fmt: skip

# Where the machine gives no namespaces, nothing hides what it is called and who runs on it; without Landlock as well, the
# filter opens no file, links included.
_KNOWN = {"learns the host's name", "learns its host's processors through the server"}
_SHARED = {f"shares the server's {name} namespace" for name in ("user", "pid", "mnt", "net", "ipc", "uts", "cgroup")}
WITHOUT_NAMESPACES = {
    "root-container": _KNOWN | _SHARED,
    "root-best-effort": _KNOWN,
    "user-container": _KNOWN | _SHARED | {"reads a neighbour's limits"},
    "user-best-effort": _KNOWN | {"reads a neighbour's limits"},
}
