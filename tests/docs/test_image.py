# SPDX-License-Identifier: Apache-2.0
"""The container image that tests/run.sh --full has built, unpacked and entered as its settings say."""

import gzip
import hashlib
import json
import os
import subprocess
import tarfile
import urllib.request

import pytest
from ports import free_port
from support import BUILD, wait_until

IMAGE = BUILD / "results" / "einion.image.tar"

# As a container has it: its files and nothing else, read-only but for the volume; no capabilities.
ENTER = """
set -e
mount --make-rprivate /
mount --bind "$0" "$0"
mount --bind -o ro "$0" "$0" && mount -o remount,bind,ro "$0"
mount -t tmpfs -o mode=700,uid=10001,gid=10001 volume "$0/var/lib/einion"
mount --rbind /proc "$0/proc"
mount --rbind /dev "$0/dev"
cd "$0"
pivot_root . .
/usr/bin/python3 -c 'import ctypes; exit(ctypes.CDLL(None).umount2(b".", 2))'  # MNT_DETACH: the image has no umount
cd /var/lib/einion
hostname agent
exec setpriv --reuid=10001 --regid=10001 --clear-groups --no-new-privs --bounding-set=-all "$@"
"""


class Container:
    def __init__(self, folder):
        with tarfile.open(IMAGE) as tar:
            self.files = {entry.name: tar.extractfile(entry).read() for entry in tar}
        (manifest,) = json.loads(self.files["index.json"])["manifests"]
        manifest = json.loads(self.blob(manifest))
        (layer,) = manifest["layers"]
        about = json.loads(self.blob(manifest["config"]))
        content = gzip.decompress(self.blob(layer))
        assert about["rootfs"]["diff_ids"] == ["sha256:" + hashlib.sha256(content).hexdigest()]
        self.config, self.root = about["config"], folder
        subprocess.run(["tar", "-xp", "--numeric-owner", "-C", folder], input=content, check=True)

    def blob(self, reference):
        data = self.files["blobs/" + reference["digest"].replace(":", "/")]
        assert reference["digest"] == "sha256:" + hashlib.sha256(data).hexdigest() and reference["size"] == len(data)
        return data

    def command(self, *arguments):
        assert self.config["User"] == "10001:10001"
        inside = ["env", "-i", *self.config["Env"], *self.config["Entrypoint"], *arguments]
        return ["unshare", "--mount", "--uts", "sh", "-c", ENTER, str(self.root), *inside]

    def is_healthy(self, port):
        command = [word.replace(":8000/", f":{port}/") for word in self.config["Healthcheck"]["Test"][1:]]
        return subprocess.run(command, capture_output=True).returncode == 0


@pytest.fixture
def container(tmp_path):
    tmp_path.chmod(0o755)
    return Container(tmp_path)


if IMAGE.exists() and os.geteuid() == 0:

    def test_the_image_serves_and_runs_agents_without_rights_on_a_read_only_root(container, tmp_path):
        rights = subprocess.run(["find", tmp_path, "-xdev", "-perm", "/6000", "-type", "f"], capture_output=True, text=True)
        assert rights.stdout == ""
        told = subprocess.run(container.command(), capture_output=True, text=True, timeout=300)
        assert told.returncode == 1 and "reachable from other machines, and no login is configured" in told.stderr, told

        port = free_port()
        command = container.command("--set", "listen.address=127.0.0.1", "--set", f"listen.port={port}")
        server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        try:
            wait_until(lambda: server.poll() is not None or container.is_healthy(port), 60, "the server")
            code = "import os\nasync def run(input_dict, tools):\n    return [os.uname().nodename, os.path.exists('/etc/einion')]"
            request = urllib.request.Request(f"http://127.0.0.1:{port}/agents/run-code", headers={"Content-Type": "application/json"},
                                             data=json.dumps({"tools": {}, "inputDict": {}, "code": code}).encode())  # fmt: skip
            answer = json.load(urllib.request.urlopen(request, timeout=300))
            assert answer["error"] is None and answer["result"] == ["agent", False]
        finally:
            server.terminate()
            said, _ = server.communicate(timeout=300)
        assert server.returncode == 0 and "agents run isolated (strict)" in said, said

    def test_the_image_comes_with_a_bill_of_materials():
        bill = json.loads(IMAGE.with_suffix(".cdx.json").read_text())
        assert bill["metadata"]["component"]["type"] == "container"
        assert {"/usr/bin/einion", "libc6", "libulfius2.7", "python3-httpx"} <= {part["name"] for part in bill["components"]}
