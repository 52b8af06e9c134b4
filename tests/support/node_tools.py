# SPDX-License-Identifier: Apache-2.0
"""What tests have from npm: a mock of all vendors, and the vendors' own clients."""

import functools
import http.client
import json
import os
import pathlib
import subprocess
import tempfile
import time

import pytest

HERE = pathlib.Path(__file__).resolve().parent
SCALE = float(os.environ.get("EIN_TEST_SCALE", "1"))


@functools.cache
def modules(name):
    """The folder with node_modules of what npm.sh calls so; the test is skipped where npm has nothing to give."""
    folder = HERE.parent.parent / "build" / "npm"
    done = subprocess.run([HERE / "npm.sh", folder, name], capture_output=True, text=True)
    if done.returncode != 0:
        pytest.skip(f"npm cannot install {name}: {done.stderr.strip()[-200:]}")
    return folder / name


def run_client(name, script, *arguments):
    """What the script says, which is run beside the modules `name`: JSON."""
    done = subprocess.run(["node", script, modules(name), *arguments], capture_output=True, text=True, timeout=120 * SCALE)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


class Aimock:
    """@copilotkit/aimock with these fixtures: (message of the user, response, further members to match, options)."""

    def __init__(self, fixtures, port):
        program = modules("aimock") / "node_modules" / ".bin" / "llmock"
        self.folder = tempfile.TemporaryDirectory(prefix="aimock-")
        listed = [{"match": {"userMessage": message, **match}, "response": response, **(options[0] if options else {})}
                  for message, response, match, *options in fixtures]  # fmt: skip
        pathlib.Path(self.folder.name, "fixtures.json").write_text(json.dumps({"fixtures": listed}))
        self.port, self.url = port, f"http://127.0.0.1:{port}"
        command = ["node", program, "-p", str(port), "-h", "127.0.0.1", "-f", self.folder.name, "--validate-on-load", "--strict"]
        self.log = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=self.log, stderr=subprocess.STDOUT)
        self._wait()

    def _wait(self):
        end = time.monotonic() + 120 * SCALE
        while True:
            try:
                return self.get("/health")
            except OSError:
                self.log.seek(0)
                assert self.process.poll() is None and time.monotonic() < end, self.log.read()
                time.sleep(0.05)

    def get(self, path):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        connection.request("GET", path)
        reply = connection.getresponse()
        body = reply.read()
        connection.close()
        return json.loads(body) if reply.status == 200 else None

    def journal(self):
        """The requests so far."""
        return self.get("/__aimock/journal")

    def close(self):
        self.process.terminate()
        self.process.wait()
        self.folder.cleanup()
