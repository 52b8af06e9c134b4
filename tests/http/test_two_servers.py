# SPDX-License-Identifier: Apache-2.0
"""Two servers on one database: money, keys and the audit log are one."""

import re
import subprocess
import threading

import pytest

ENV = {"ADMIN_PANEL_ENABLED": "true", "ADMIN_PANEL_PASSWORD": "pw"}
ADMIN = {"X-Admin-Password": "pw"}
KEY = "sk-live-0123456789abcdefWXYZ"


@pytest.fixture
def pair(start_server, postgres, tmp_path):
    sets = ["plugins.storage-postgres.schema=money", f"plugins.vault.key_file={tmp_path}/vault.key",
            "plugins.vault.check_ms=20"]  # fmt: skip

    def start():
        return start_server(backend="postgres", sets=sets, env=ENV | {"DATABASE_URL": postgres(), "EINION_MASTER_KEY": ""})

    return start(), start()


def run(server, *command):
    return subprocess.run([*server.command(), *command], env=server.environment(), cwd=server.state,
                          capture_output=True, text=True, timeout=300)  # fmt: skip


def test_two_servers_share_money_keys_and_the_audit_log(pair):
    wrong = []

    def spend(server):
        for _ in range(10):
            if server.post("/users/me/usage", {"responseCost": 0.25}).status != 200:
                wrong.append("usage")
            if server.put("/users/me/allowance-reset-date", {"allowanceResetDate": 7}).status != 200:
                wrong.append("date")

    threads = [threading.Thread(target=spend, args=(pair[i % 2],)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    for server in pair:
        assert server.get("/users/me").json["usageInfo"]["spendRemaining"] == 80
        assert server.get("/admin/usage", headers=ADMIN).json["total"]["calls"] == 80
    assert len(pair[0].get("/admin/audit", headers=ADMIN).json) == 80

    pair[0].put("/users/me/api-keys", {"provider": "openai", "api_key": KEY})
    assert pair[1].get("/users/me/api-keys").json["openaiApiKey"] == "sk-…WXYZ"
    done = run(pair[0], "rotate-keys")
    assert done.returncode == 0 and re.fullmatch(r"a new master key has sealed \d secrets; the old one is gone\n", done.stdout), done
    for server in pair:
        assert server.get("/users/me/api-keys").json["openaiApiKey"] == "sk-…WXYZ"
    pair[1].put("/users/me/api-keys", {"provider": "gemini", "api_key": KEY})
    assert pair[0].get("/users/me/api-keys").json["geminiApiKey"] == "sk-…WXYZ"
    done = run(pair[1], "audit", "verify")
    assert (done.returncode, done.stdout) == (0, "82 entries, none changed, taken away or put in\n"), done
