# SPDX-License-Identifier: Apache-2.0
"""The Debian package on a system of its own that tests/run.sh --full has made, where systemd starts the service."""

import os
import pathlib
import subprocess

import pytest
from support import BUILD, wait_until

SYSTEM = BUILD / "results" / "einion.service.tar"

BOOT = """
set -e
mount --make-rprivate /
mount --bind "$0" "$0"
mount -t proc proc "$0/proc"
mount -t sysfs sysfs "$0/sys"
mount --rbind /sys/fs/cgroup "$0/sys/fs/cgroup"
mount --rbind /dev "$0/dev"
mount -t tmpfs run "$0/run"
mkdir "$0/before"
cd "$0"
pivot_root . before
umount -l /before
exec env -i container=oci PATH=/usr/sbin:/usr/bin /lib/systemd/systemd --unit=einion.service
"""

ON_THE_NETWORK = """
listen: {address: 0.0.0.0}
auth: {providers: [{type: dev_stub, config: {}}]}
plugins:
  auth-dev-stub: {anybody_on_the_network_may_log_in_as_anybody: true}
"""

RUN = """
import json, urllib.request as u
body = {"tools": {}, "inputDict": {}, "code": "async def run(input_dict, tools):\\n    return 42"}
asked = u.Request("http://127.0.0.1:8000/agents/run-code", json.dumps(body).encode(), {"Content-Type": "application/json"})
print(json.load(u.urlopen(asked))["result"])
"""


class System:
    """Booted with process numbers, mounts and a network of its own; ends with its first process."""

    def __init__(self, root):
        self.root = root
        subprocess.run(["tar", "-xpf", SYSTEM, "-C", root], check=True)
        self.unshare = subprocess.Popen(["unshare", "--fork", "--kill-child", "--pid", "--mount", "--uts", "--ipc", "--net", "sh", "-c", BOOT, root],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # fmt: skip
        (self.first,) = wait_until(self.children, 20, "its first process")

    def children(self):
        return pathlib.Path(f"/proc/{self.unshare.pid}/task/{self.unshare.pid}/children").read_text().split()

    def run(self, *command):
        return subprocess.run(["nsenter", "-t", self.first, "-p", "-m", "-u", "-i", "-n", "-r", "-w", "--", *command], capture_output=True, text=True)

    def says(self, what):
        return what in self.run("journalctl", "-u", "einion", "--no-pager").stdout

    def end(self):
        self.unshare.kill()
        self.unshare.wait()


@pytest.fixture(scope="module")
def system(tmp_path_factory):
    root = tmp_path_factory.mktemp("system")
    root.chmod(0o755)
    system = System(root)
    yield system
    system.end()


if SYSTEM.exists() and os.geteuid() == 0:

    def test_systemd_starts_the_service_that_the_package_brings(system):
        wait_until(lambda: system.says("agents run isolated (strict)"), 120, "agents")
        assert system.run("systemctl", "is-active", "einion").stdout == "active\n"
        assert system.run("/usr/bin/python3", "-c", RUN).stdout == "42\n"

    def test_it_listens_on_all_addresses_where_its_configuration_says_so(system):
        (system.root / "etc/einion/einion.yaml").write_text(ON_THE_NETWORK)
        assert system.run("systemctl", "reload", "einion").returncode == 0
        wait_until(lambda: system.says("listen has changed"), 60, "the configuration to be read again")
        assert system.run("systemctl", "restart", "einion").returncode == 0
        assert system.says("listens on 0.0.0.0 port 8000, logins: session, dev_stub, api_key")
        warned = system.run("journalctl", "-u", "einion", "-p", "warning", "--no-pager").stdout
        assert "whoever reaches this server" in warned and "listens on" not in warned

    def test_root_gives_the_commands_of_an_administrator(system):
        command = ["einion", "--config", "/etc/einion/einion.yaml"]
        verified = system.run(*command, "audit", "verify")
        assert (verified.returncode, "none changed" in verified.stdout) == (0, True), verified
        assert system.run(*command, "backup", "/var/backups/einion.db").returncode == 0
        assert (system.root / "var/backups/einion.db").stat().st_mode & 0o777 == 0o600

    def test_it_stops_as_it_is_told(system):
        assert system.run("systemctl", "stop", "einion").returncode == 0
        assert system.run("systemctl", "show", "-p", "Result,ActiveState", "einion").stdout == "Result=success\nActiveState=inactive\n"
