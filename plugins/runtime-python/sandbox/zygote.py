# SPDX-License-Identifier: Apache-2.0
"""The warm interpreter: imports once what agents use, then waits in C to be forked.

zygote.py HOUSE MISSING PRELOAD PATH...  The control socket is descriptor 3."""
import ctypes
import gc
import importlib
import json
import os
import platform
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
CONTROL_FD = 3
CLONE_THREAD = 0x10000

# httpx has a command line that nobody needs here; it costs 80 ms.
UNWANTED = ("rich", "rich.console", "click", "pygments")
WANTED = """
_strptime abc argparse array ast asyncio base64 binascii bisect bz2 calendar cmath codecs collections
colorsys concurrent.futures.thread contextlib contextvars copy csv ctypes dataclasses datetime decimal difflib
email email.message email.mime.multipart email.mime.text encodings.ascii encodings.cp1252 encodings.cp437 encodings.idna
encodings.latin_1 encodings.punycode encodings.raw_unicode_escape encodings.utf_16 encodings.utf_8_sig enum
errno fnmatch fractions functools glob graphlib gzip hashlib heapq hmac html html.parser http http.client
http.cookies inspect io ipaddress itertools keyword linecache locale logging lzma math mimetypes mmap numbers
operator os pathlib pickle platform pprint queue random re resource secrets select selectors shlex shutil signal
socket sqlite3 ssl stat statistics string stringprep struct tarfile tempfile textwrap threading time timeit
tokenize traceback types typing unicodedata urllib.error urllib.parse urllib.request urllib.robotparser uuid
warnings weakref xml.dom.minidom xml.etree.ElementTree zipfile zlib zoneinfo
""".split()
OPTIONAL = ("httpx", "httpcore", "anyio", "anyio._backends._asyncio", "h11")

# Their hooks set locks free that other threads held at the time of the fork.  Here are no others.
NEEDLESS_AFTER_FORK = ("asyncio.events", "concurrent.futures.thread", "logging", "threading")


def leave_out_needless(register=os.register_at_fork):
    """Before anybody registers: it cannot be taken back."""
    def register_others(**hooks):
        if sys._getframe(1).f_globals.get("__name__") not in NEEDLESS_AFTER_FORK:
            register(**hooks)

    os.register_at_fork = register_others


def preload(names):
    missing = []
    for name in names:
        try:
            importlib.import_module(name)
        except ImportError:
            missing.append(name)
    return missing


def make_child(agent_rt):
    """What each child is a copy of.  It has lived a child's life once, so that lazy imports and caches
    are done before the first fork."""
    child = agent_rt.Child(CONTROL_FD)  # whose place the channel takes in the children
    agent_rt.rehearse(child)
    child.loop.close_epoll()
    sys.stdout, sys.stderr = sys.__stdout__, sys.__stderr__
    return child


def reseed():
    """A generator that was used before the fork would give each child the same.  OpenSSL tells a fork by the
    pid, which is 1 in every child."""
    modules = sys.modules
    if "ssl" in modules:
        modules["ssl"].RAND_add(os.urandom(32), 32)
    if "numpy.random" in modules:
        modules["numpy.random"].seed()


def count_threads():
    try:
        return len(os.listdir("/proc/self/task"))
    except OSError:  # an own root has no /proc; unshare() fails where there is more than one
        return 1 if ctypes.CDLL(None).unshare(CLONE_THREAD) == 0 else 2


def main():
    house, missing, wanted, paths = int(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4:]
    sys.argv = [""]
    leave_out_needless()
    for name in UNWANTED:
        sys.modules[name] = None
    sys.path.insert(0, HERE)
    preload(WANTED)
    preload(OPTIONAL)
    absent = preload(filter(None, wanted.split(",")))
    if absent:
        sys.exit("preload: no module named " + ", ".join(absent))

    reseed()  # OpenSSL's first use takes milliseconds
    os.register_at_fork(after_in_child=reseed)
    import agent_rt
    import given
    if agent_rt.remote_http:
        agent_rt.remote_http.install()
    given.install_modules()
    child = make_child(agent_rt)
    sys.path.remove(HERE)

    loop = ctypes.PyDLL(os.path.join(HERE, "zygote_loop.so"))
    landlock = ctypes.c_int(-1)
    names = (ctypes.c_char_p * (len(paths) + 1))(*map(os.fsencode, paths), None)
    abi = loop.ein_zygote_prepare(names, ctypes.byref(landlock))
    hello = {"python": platform.python_version(), "house": house, "missing": missing, "landlock": abi,
             "httpx": getattr(given.httpx, "__version__", None), "threads": count_threads()}
    os.write(CONTROL_FD, json.dumps(hello).encode())
    gc.collect()
    gc.freeze()
    loop.ein_zygote_serve(landlock.value)
    agent_rt.live(child)


if __name__ == "__main__":
    main()
