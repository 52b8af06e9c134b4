# SPDX-License-Identifier: Apache-2.0
"""SIGKILL while calls that cost money run in parallel.

The upstream keeps a journal: what it served, by the hold in whose name it was asked.  What is
promised, and checked here to the nano-dollar:

- every entry of the ledger is a call that the upstream served, with the cost it asked, once;
- every call that was answered to a client is an entry;
- every call that the upstream served is an entry or covered by an expired hold, its own or that of the
  purse it was paid out of: the ledger's sum is the journal's, but for those whose answer never came to
  be settled;
- an expired hold's bound is at least what its calls have cost;
- what is left and what was paid are the allowance, exactly; and nothing is overspent;
- the same of what a key may spend, whose user has more."""

import collections
import http.server
import json
import os
import random
import sqlite3
import threading
import time

import pytest
from support import BUILD, SCALE, Connection, wait_until

CLIENTS = 24
KILLS = 4 * int(os.environ.get("EIN_CRASH_ROUNDS", "5"))
NANO = 10**9
ALLOWANCES = {"rich": 100 * NANO, "poor": 1 * NANO, "keyed": 100 * NANO}
BUDGETS = {"keyed": 1 * NANO}
BOUND_MAX = {"rich": 2_000_000, "poor": 100_000_000, "keyed": 10_000_000}
LEASE_MS = int(1500 * SCALE)  # longer than a slow machine keeps a server from renewing it: then it has overspent
DENIED = ("Insufficient spend allowance to complete request", "Insufficient budget to complete request: ")


class Upstream:
    """Serves what it is asked, at a price of its own, and never forgets."""

    def __init__(self, bounds):
        self.journal, self.lock, self.random = {}, threading.Lock(), random.Random(4)
        upstream = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                hold = self.rfile.read(int(self.headers["Content-Length"])).decode()
                body = json.dumps({"cost": upstream.serve(hold, int(self.path[1:]))}).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        class Quiet(http.server.ThreadingHTTPServer):
            def handle_error(self, *_):
                pass  # whoever asked was killed

        self.server = Quiet(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def serve(self, hold, bound):
        with self.lock:
            assert hold not in self.journal, "asked twice in the name of one hold"
            cost = self.random.randrange(1, bound + 1)
            self.journal[hold] = cost
        time.sleep(self.random.random() * 0.01)
        return cost


class Client(threading.Thread):
    def __init__(self, server, number, upstream):
        super().__init__()
        self.server, self.upstream, self.user = server, upstream, {0: "poor", 1: "keyed"}.get(number % 4, "rich")
        self.random, self.paid, self.wrong = random.Random(number), {}, None

    def run(self):
        try:
            connection = Connection(self.server.port)
            while True:
                self.spend(connection)
        except (OSError, ConnectionError):
            pass
        except Exception as error:  # shown by the test: a thread's own exceptions are lost
            self.wrong = error

    def spend(self, connection):
        bound = self.random.randrange(1, BOUND_MAX[self.user] + 1)
        body = {"user": self.user, "bound": bound, "url": f"{self.upstream.url}/{bound}"}
        if self.user in BUDGETS:
            body["budget"] = BUDGETS[self.user]
        connection.send_request("POST", "/spend", json.dumps(body).encode())
        reply = connection.read_reply()
        if reply.status == 402:
            assert reply.detail.startswith(DENIED)
            time.sleep(0.01)
        else:
            assert reply.status == 200, reply
            self.paid[reply.json["hold"]] = reply.json["cost"]


def documents(server, name):
    (database,) = server.state.glob("*.db")
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
        known = {row[0] for row in connection.execute("SELECT name FROM sqlite_schema")}
        rows = connection.execute(f"SELECT id, body FROM set_{name}") if f"set_{name}" in known else ()
        return {row[0]: json.loads(row[1]) for row in rows}


@pytest.fixture(params=["a journal", "no journal"])
def spending(start_server, request):
    admin = {"ADMIN_PANEL_ENABLED": "true", "ADMIN_PANEL_PASSWORD": "pw"}
    sets = [f"plugins.spender.plugin={BUILD / 'tests/crash/spender.so'}", "plugins.runtime-python.enabled=false",
            f"plugins.users.hold_lease_ms={LEASE_MS}", "plugins.users.sweep_ms=50"]  # fmt: skip
    if request.param == "no journal":
        sets.append("plugins.users.journal=''")
    server = start_server(sets=sets, env=admin)
    for user, nano in ALLOWANCES.items():
        body = {"monthlyAllowance": nano // NANO}
        assert server.put(f"/admin/users/{user}", body, headers={"X-Admin-Password": "pw"}).status == 200
    return server


@pytest.mark.seconds(120 + 5 * KILLS)
def test_the_ledger_says_what_the_upstream_says(spending):
    server, upstream = spending, Upstream(BOUND_MAX)
    chance, answered = random.Random(os.environ.get("EIN_CRASH_SEED", "anvil")), {}

    for number in range(KILLS):
        clients = [Client(server, number * CLIENTS + i, upstream) for i in range(CLIENTS)]
        for client in clients:
            client.start()
        wait_until(lambda: any(client.paid for client in clients), 20, "the first answer")
        time.sleep(chance.uniform(0, 0.35) * SCALE)
        server.kill()
        for client in clients:
            client.join()
            answered |= client.paid
        assert [client.wrong for client in clients if client.wrong] == []
        server.start()

    wait_until(lambda: not documents(server, "ledger_holds"), 30, "the holds of the killed servers to expire")
    assert server.stop() == 0
    entries, expired, users, budgets = (documents(server, f"ledger_{name}") for name in ("entries", "expired", "accounts", "budgets"))
    costs = {hold: entry["costNano"] for hold, entry in entries.items()}
    journal = upstream.journal

    assert answered.items() <= costs.items()
    assert costs.items() <= journal.items()
    assert costs.keys() & expired.keys() == set()
    unsettled = journal.keys() - costs.keys()
    assert len(unsettled) <= KILLS * CLIENTS
    covered = collections.Counter()
    for hold in unsettled:
        covered[hold if hold in expired else hold.split(".")[0]] += journal[hold]
    assert sum(costs.values()) == sum(journal.values()) - sum(journal[hold] for hold in unsettled)
    assert all(cost <= expired[hold]["boundNano"] for hold, cost in covered.items())
    for user, allowance in ALLOWANCES.items():
        paid = sum(entry["costNano"] for entry in entries.values() if entry["userId"] == user)
        account = users[user]
        assert account["heldNano"] == 0
        assert account["remainingNano"] + paid == allowance
        assert 0 < paid <= allowance
        for account in (budgets[f"{user} total"],) if user in BUDGETS else ():
            assert account["heldNano"] == 0
            assert account["remainingNano"] + paid == BUDGETS[user] >= paid
    assert len(answered) >= KILLS
    print(f"\n{KILLS} kills, {len(journal)} calls served, {len(costs)} in the ledger, {len(answered)} answered, "
          f"{len(unsettled)} served and never settled, {len(expired)} holds expired")  # fmt: skip
