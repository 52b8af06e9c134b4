# SPDX-License-Identifier: Apache-2.0
"""Prints what this interpreter reads to run, one path a line: the rest of the
machine is not shown to agents."""
import glob
import os
import sys

for name in ("ssl", "sqlite3", "ctypes", "lzma", "bz2", "zlib", "hashlib", "decimal", "uuid"):
    try:
        __import__(name)
    except ImportError:
        pass


def library_folders():
    try:
        with open("/proc/self/maps") as maps:
            files = {line.split(maxsplit=5)[-1].strip() for line in maps if ".so" in line}
    except OSError:
        import sysconfig
        files = {sysconfig.get_config_var("LIBDIR") + "/x"}
        files.add("/usr/lib/" + (sysconfig.get_config_var("MULTIARCH") or "") + "/x")
    return {os.path.dirname(file) for file in files if file.startswith("/")}


folders = {os.path.realpath(path) for path in sys.path + sorted(library_folders()) if os.path.isdir(path)}
outermost = [path for path in folders
             if not any(path != other and path.startswith(other + "/") for other in folders)]
files = [
    sys.executable,
    os.path.join(sys.prefix, "pyvenv.cfg"),
    *glob.glob("/lib*/ld-*.so*"),
    "/etc/ld.so.cache",
    "/usr/share/zoneinfo",
    "/dev/null",
    "/dev/urandom",
]
print("\n".join(sorted(outermost) + [file for file in files if os.path.exists(file)]))
