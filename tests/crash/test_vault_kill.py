# SPDX-License-Identifier: Apache-2.0
"""SIGKILL in the middle of einion rotate-keys, and of the server that it works with."""

import itertools
import os
import random
import subprocess
import time

import pytest
from support import EINION, wait_until

ROUNDS = 3 * int(os.environ.get("EIN_CRASH_ROUNDS", "5"))
PROVIDERS = ("openai", "anthropic", "gemini", "perplexity", "openrouter")
ADMIN = {"ADMIN_PANEL_ENABLED": "true", "ADMIN_PANEL_PASSWORD": "pw"}


def key_of(provider):
    return f"sk-{provider}-0123456789-{provider[-4:]}"


def rotate(server):
    return subprocess.Popen([EINION, "rotate-keys"], env=server.environment(), cwd=server.state,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)  # fmt: skip


def masks(server):
    reply = server.get("/users/me/api-keys")
    assert reply.status == 200, reply
    return reply.json


def keys_in_ring(server):
    return (server.state / "vault.key").read_text().splitlines()


@pytest.mark.seconds(60 + 10 * ROUNDS)
def test_no_secret_is_lost_by_a_rotation_that_is_killed(start_server):
    server = start_server(sets=["plugins.vault.check_ms=20", "plugins.runtime-python.enabled=false"], env=ADMIN)
    for provider in PROVIDERS:
        assert server.put("/users/me/api-keys", {"provider": provider, "api_key": key_of(provider)}).status == 200
    expected, chance = masks(server), random.Random(os.environ.get("EIN_CRASH_SEED", "anvil"))
    assert expected["openaiApiKey"] == "sk-…enai"
    seen = set()
    began = time.monotonic()
    assert rotate(server).wait() == 0
    took = time.monotonic() - began

    for number in itertools.count():
        if number >= ROUNDS and len(seen) > 1:  # some have got as far as a new key
            break
        runs = number % 3 != 0
        if not runs:
            server.kill()
        command = rotate(server)
        time.sleep(chance.uniform(0, 1.5) * took)
        (server if number % 3 == 2 else command).kill()
        command.kill()
        command.communicate()
        seen |= set(keys_in_ring(server))
        if server.ended():
            server.start()
        assert masks(server) == expected, f"round {number}"

    wait_until(lambda: len(keys_in_ring(server)) == 1, 20, "the last rotation to be brought to its end")
    done = rotate(server)
    out, err = done.communicate(timeout=120)
    assert done.returncode == 0, err
    assert out == f"a new master key has sealed {len(PROVIDERS) + 1} secrets; the old one is gone\n"  # the audit log's too
    assert len(keys_in_ring(server)) == 1 and not set(keys_in_ring(server)) & seen
    assert masks(server) == expected
    assert server.stop() == 0
