# SPDX-License-Identifier: Apache-2.0
"""auth-firebase and the emulator that Firebase's developers have."""

import json
import os
import pathlib
import subprocess
import urllib.request

import pytest
from ports import free_port
from support import wait_until

TESTS = pathlib.Path(__file__).resolve().parent.parent
FOLDER = TESTS.parent / "build" / "npm" / "emulator"
PROJECT = "demo-einion"  # "demo-": the emulator calls nobody

pytestmark = pytest.mark.skipif(not (FOLDER / ".done").exists(),
                                reason="the Firebase emulator is not installed; tests/run.sh --full does")


class Emulator:
    def __init__(self, folder):
        self.ports = {name: free_port() for name in ("auth", "hub", "logging")}
        self.address = f"127.0.0.1:{self.ports['auth']}"
        emulators = {name: {"host": "127.0.0.1", "port": port} for name, port in self.ports.items()}
        (folder / "firebase.json").write_text(json.dumps({"emulators": emulators | {"ui": {"enabled": False}, "singleProjectMode": True}}))
        command = ["node", FOLDER / "node_modules/firebase-tools/lib/bin/firebase.js", "emulators:start", "--only", "auth", "--project", PROJECT]
        env = {"PATH": os.environ["PATH"], "HOME": str(folder), "CI": "1"}
        with (folder / "log").open("w") as log:
            self.process = subprocess.Popen(command, cwd=folder, env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait_until(self.answers, 90, "the emulator")

    def answers(self):
        assert self.process.poll() is None, "the emulator has ended"
        try:
            return urllib.request.urlopen(f"http://{self.address}/").status == 200
        except OSError:
            return False

    def call(self, method, body):
        url = f"http://{self.address}/identitytoolkit.googleapis.com/v1/accounts:{method}?key=any"
        request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
        return json.load(urllib.request.urlopen(request))

    def close(self):
        self.process.terminate()
        self.process.wait()


@pytest.fixture(scope="module")
def emulator(tmp_path_factory):
    emulator = Emulator(tmp_path_factory.mktemp("firebase"))
    yield emulator
    emulator.close()


@pytest.fixture
def server(start_server, emulator):
    return start_server(sets=["env=firebase", f"plugins.auth-firebase.project_id={PROJECT}", "plugins.auth-firebase.emulator=true"],
                        env={"FIREBASE_AUTH_EMULATOR_HOST": emulator.address})


def agents_of(server, token):
    return server.get("/agents", headers={"Authorization": f"Bearer {token}"})


@pytest.mark.seconds(240)
def test_whoever_signs_up_there_is_somebody_here(server, emulator):
    signed_up = emulator.call("signUp", {"email": "alice@example.org", "password": "secret12", "returnSecureToken": True})
    assert agents_of(server, signed_up["idToken"]).status == 200
    again = emulator.call("signInWithPassword", {"email": "alice@example.org", "password": "secret12", "returnSecureToken": True})
    assert again["localId"] == signed_up["localId"]
    agent = {"name": "a", "description": "", "code": "", "inputSchema": {}, "outputSchema": {}}
    made = server.post("/agents", agent, headers={"Authorization": f"Bearer {signed_up['idToken']}"})
    assert made.status == 201
    assert [found["_id"] for found in agents_of(server, again["idToken"]).json] == [made.json["_id"]]


@pytest.mark.seconds(240)
def test_another_project_is_another_world(start_server, emulator):
    token = emulator.call("signUp", {"returnSecureToken": True})["idToken"]
    server = start_server(sets=["env=firebase", "plugins.auth-firebase.project_id=demo-other", "plugins.auth-firebase.emulator=true"],
                          env={"FIREBASE_AUTH_EMULATOR_HOST": emulator.address})
    assert agents_of(server, token).status == 401


@pytest.mark.seconds(240)
def test_its_tokens_are_nothing_in_production(start_server, emulator):
    token = emulator.call("signUp", {"returnSecureToken": True})["idToken"]
    server = start_server(sets=["env=firebase", f"plugins.auth-firebase.project_id={PROJECT}"])
    reply = agents_of(server, token)
    assert (reply.status, reply.detail) == (401, "Invalid authentication token")
