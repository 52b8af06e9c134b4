# SPDX-License-Identifier: Apache-2.0
"""The system calls that agents may make, as the filter itself judges them: a change is a change of seccomp.golden, which
somebody must have wanted.

To write it: build/tests/sandbox/seccomp_list > tests/sandbox/seccomp.golden"""

import pathlib
import subprocess

import pytest
from driver import BUILD

LIST = BUILD / "tests" / "sandbox" / "seccomp_list"
GOLDEN = pathlib.Path(__file__).with_name("seccomp.golden")
# Whatever else is allowed one day, these are not.
NEVER = {"execve", "execveat", "fork", "vfork", "socket", "connect", "bind", "sendmsg", "recvmsg", "kill", "tkill", "ptrace",
         "memfd_create", "io_uring_setup", "chmod", "chown", "setuid", "capset", "mount", "unshare", "bpf", "pkey_mprotect"}  # fmt: skip


@pytest.mark.skipif(not LIST.exists(), reason="the list is that of x86_64")
def test_the_filter_is_the_golden_one():
    said = subprocess.run([LIST], capture_output=True, text=True, check=True).stdout
    assert said.splitlines() == GOLDEN.read_text().splitlines()


def test_the_golden_one_allows_nothing_that_must_not_be():
    with_files, without = GOLDEN.read_text().split("# where files are kept away by this alone\n")
    allowed = {line.split(maxsplit=1)[1] for line in with_files.splitlines() if line.startswith("allow")}
    assert not NEVER & allowed and "openat" in allowed
    fewer = {line.split(maxsplit=1)[1] for line in without.splitlines() if line.startswith("allow")}
    assert fewer < allowed and not {"open", "openat", "unlink", "mkdir", "rename"} & fewer
    assert len({name.split(" (")[0] for name in allowed}) <= 120
