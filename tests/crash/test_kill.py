# SPDX-License-Identifier: Apache-2.0
"""SIGKILL in the middle of 64 clients' writes: what was answered 2xx is there after restart."""

import json
import os
import random
import sqlite3
import threading
import time

import pytest
from support import SCALE, Connection, Server, wait_until

CLIENTS = 64
ROUNDS = int(os.environ.get("EIN_CRASH_ROUNDS", "5"))
GONE = None


class Client(threading.Thread):
    """Writes agents and records of its own until the server is gone.

    `kept` is what the server has promised: path -> (revision or None, a value to look for),
    or GONE for what it has answered 204 to.  `open` is the path of the one write that had no
    answer when the server died: it may have happened or not."""

    def __init__(self, server, number, kept):
        super().__init__()
        self.server, self.number, self.kept, self.open, self.wrong = server, number, kept, None, None
        self.random = random.Random(number)

    def run(self):
        try:
            connection = Connection(self.server.port)
            while True:
                self.random.choice((self.create_agent, self.change_agent, self.delete_agent, self.put_record))(connection)
        except (OSError, ConnectionError):
            pass
        except Exception as error:  # shown by the test: a thread's own exceptions are lost
            self.wrong = error

    def call(self, connection, method, path, body=None, headers=(), accepted=(200,)):
        self.open = path
        connection.send_request(method, path, None if body is None else json.dumps(body).encode(), headers)
        reply = connection.read_reply(method)
        assert reply.status in accepted, (method, path, reply)
        return reply

    def create_agent(self, connection):
        name = f"c{self.number}-{self.random.getrandbits(40):x}"
        agent = self.call(connection, "POST", "/agents", {"name": name, "description": "d", "code": "c" * 500}, accepted=(201,))
        self.keep(f"/agents/{agent.json['_id']}", agent.json["_rev"], name)

    def change_agent(self, connection):
        path = self.pick("/agents/")
        if path:
            revision, name = self.kept[path]
            name += "+"
            agent = self.call(connection, "PUT", path, {"name": name}, {"If-Match": f'"{revision}"'})
            self.keep(path, agent.json["_rev"], name)

    def delete_agent(self, connection):
        path = self.pick("/agents/")
        if path and self.random.random() < 0.3:
            self.call(connection, "DELETE", path, accepted=(204,))
            self.kept[path] = GONE
            self.open = None

    def put_record(self, connection):
        path = f"/data-store/namespaces/crash-{self.number}/records/k{self.random.randrange(20)}"
        value = self.random.getrandbits(50)
        reply = self.call(connection, "PUT", path, {"value": value})
        self.keep(path, (reply.header("ETag") or "").strip('"') or None, value)

    def keep(self, path, revision, value):
        self.kept[path] = (revision, value)
        self.open = None

    def pick(self, prefix):
        mine = [path for path, kept in self.kept.items() if path.startswith(prefix) and kept is not GONE]
        return self.random.choice(mine) if mine else None


def check(server, kept, unanswered):
    """Everything that was promised, over HTTP; a list of what is wrong."""
    wrong = []
    with Connection(server.port) as connection:
        for path, promise in kept.items():
            if path in unanswered:
                continue
            connection.send_request("GET", path)
            reply = connection.read_reply()
            if promise is GONE:
                if reply.status != 404:
                    wrong.append(f"{path} was deleted and is there: {reply.status}")
                continue
            revision, value = promise
            if reply.status != 200:
                wrong.append(f"{path} was written and is not there: {reply.status}")
            elif value not in (reply.json.get("name"), reply.json.get("value")):
                wrong.append(f"{path} has an older value")
            elif revision and (reply.header("ETag") or "").strip('"') != revision:
                wrong.append(f"{path} has another revision: {reply.header('ETag')} instead of {revision}")
    return wrong


def settle(server, kept, path):
    """What became of the write that had no answer: from now on that is what counts."""
    reply = server.get(path)
    if reply.status == 200:
        revision = (reply.header("ETag") or "").strip('"') or None
        kept[path] = (revision, reply.json.get("name", reply.json.get("value")))
    else:
        kept[path] = GONE


def integrity(state):
    (database,) = state.glob("*.db")
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
        return connection.execute("PRAGMA integrity_check").fetchall()


@pytest.mark.seconds(60 + 30 * ROUNDS)
def test_every_answered_write_survives_sigkill(start_server):
    server = start_server()
    kept = [{} for _ in range(CLIENTS)]
    writes = 0
    chance = random.Random(os.environ.get("EIN_CRASH_SEED", "anvil"))

    for number in range(ROUNDS):
        clients = [Client(server, i, kept[i]) for i in range(CLIENTS)]
        for client in clients:
            client.start()
        wait_until(lambda: sum(map(len, kept)) > writes, 20, "the first write")
        time.sleep(chance.uniform(0, 1) * SCALE)
        server.kill()
        for client in clients:
            client.join()
        assert [client.wrong for client in clients if client.wrong] == []

        writes = sum(map(len, kept))
        server.start()
        for client in clients:
            assert check(server, client.kept, {client.open}) == [], f"round {number}"
            if client.open in client.kept:
                settle(server, client.kept, client.open)

    print(f"\n{ROUNDS} rounds, {writes} documents")
    assert server.stop() == 0
    assert integrity(server.state) == [("ok",)]


@pytest.mark.seconds(120)
def test_a_kill_while_it_starts_harms_nothing(start_server):
    server = start_server()
    agent = server.post("/agents", {"name": "n", "description": "d", "code": "c"}).json
    server.kill()
    for delay in (0.0, 0.005, 0.01, 0.02, 0.03, 0.05, 0.08):
        again = Server(state=server.state)
        again.spawn()
        time.sleep(delay)
        again.kill()
        again.clean()
    server.start()
    assert server.get(f"/agents/{agent['_id']}").json == agent
    assert server.stop() == 0
    assert integrity(server.state) == [("ok",)]
