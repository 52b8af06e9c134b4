# SPDX-License-Identifier: Apache-2.0
import functools
import os
import pathlib
import subprocess
import sys

import pytest
from fixtures import time_limit  # noqa: F401
from support import BUILD, Person, Server, logins
from upstreams import the_upstream, upstream  # noqa: F401

TESTS = pathlib.Path(__file__).resolve().parent.parent
NPM = TESTS.parent / "build" / "npm"


@pytest.fixture(scope="session")
def the_server(the_upstream):
    env = {"OPENAI_BASE_URL": f"{the_upstream.url}/v1", "ANTHROPIC_BASE_URL": the_upstream.url,
           "OPENAI_API_KEY": "sk-upstream", "ANTHROPIC_API_KEY": "sk-ant-upstream"}  # fmt: skip
    sets = [logins(), "plugins.runtime-python.enabled=false", "plugins.models.retries=0"]
    with Server("memory", sets=sets, env=env) as server:
        yield server.start(ready=True)


@pytest.fixture
def server(the_server):
    yield the_server
    the_server.check()


@pytest.fixture(scope="session")
def key(the_server):
    """Alice's, for models."""
    alice = Person(the_server).login("alice")
    reply = alice.post("/users/me/keys", {"name": "sdk", "scopes": ["models"]})
    assert reply.status == 201, reply
    return reply.json["key"]


@pytest.fixture(scope="session")
def npm():
    """npm("openai"): where that package of support/npm.sh is."""

    def folder(name):
        subprocess.run([TESTS / "support" / "npm.sh", NPM, name], check=True)
        return NPM / name / "node_modules"

    return functools.cache(folder)


@pytest.fixture(scope="session")
def run_python(the_server, key):
    """run_python("openai", "-c", "..."): what that says, which has the python client of this name."""
    versions = {"openai": "3.57.0", "anthropic": "2.14.0"}

    @functools.cache
    def folder(name):
        folder = BUILD / "pip" / f"{name}-{versions[name]}"
        if not (folder / ".done").exists():
            command = [sys.executable, "-m", "pip", "install", "--quiet", "--retries", "0", "--target", folder, f"{name}=={versions[name]}"]
            if subprocess.run(command, capture_output=True).returncode != 0:
                return None
            (folder / ".done").touch()
        return folder

    def run(name, *arguments):
        if folder(name) is None:
            pytest.skip(f"the python client {name} cannot be had")
        url = f"http://127.0.0.1:{the_server.port}"
        env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(folder(name)), "PYTHONDONTWRITEBYTECODE": "1",
               "OPENAI_BASE_URL": f"{url}/v1", "OPENAI_API_KEY": key, "ANTHROPIC_BASE_URL": url, "ANTHROPIC_API_KEY": key}  # fmt: skip
        run = subprocess.run(["/usr/bin/python3", *arguments], env=env, capture_output=True, text=True, timeout=300)
        assert run.returncode == 0, run.stderr
        return run.stdout

    return run
