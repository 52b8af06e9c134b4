# SPDX-License-Identifier: Apache-2.0
"""SIGKILL while 64 tickets and 64 streams are under way.

The vendor keeps a journal: every call that it began to serve, for which ticket or stream, and what
it costs by the price of the catalog.  What is promised, and checked here:

- every ticket that was answered with its id ends, completed or failed with a reason;
- an answer that is stored is that of the last call that was made for its ticket: nothing is asked
  again after it;
- every entry of the ledger is a call of the journal, once, with its cost to the nano-dollar;
- every stored answer, and every stream that came to its end, is an entry;
- the ledger's sum is the journal's but for the calls that a kill cut off, which are covered by holds
  that have expired; what is left and what was paid are the allowance, exactly."""

import http.server
import json
import os
import random
import threading
import time

import pytest
from chats import OPEN
from support import SCALE, Connection, wait_until
from test_ledger_kill import documents
from vendor_formats import Said, anthropic_events

KILLS = 2 * int(os.environ.get("EIN_CRASH_ROUNDS", "5"))
TICKETS, STREAMS = 64, 64
MODEL = "claude-sonnet-4-5-20250929"
INPUT, OUTPUT = 3000, 15000  # nano-dollars a token
ALLOWANCE = 100_000
LOST = ("This chat was begun 3 times, and each time its server stopped before it had an answer; "
        "it is not tried again.")  # fmt: skip


class Vendor:
    """Answers each call in pieces, as slowly as it likes, and never forgets one."""

    def __init__(self):
        self.calls, self.lock, self.random = [], threading.Lock(), random.Random(5)
        vendor = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                number, said, pause = vendor.begin(body["messages"][-1]["content"])
                self.send_response(200)
                self.send_header("Content-Type", "text/event-stream")
                self.send_header("Transfer-Encoding", "chunked")
                self.send_header("request-id", f"call-{number}")
                self.end_headers()
                for event in anthropic_events(said):
                    self.piece(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode())
                    time.sleep(pause)
                self.piece(b"")

            def piece(self, data):
                self.wfile.write(b"%x\r\n%b\r\n" % (len(data), data))

            def log_message(self, *_):
                pass

        class Quiet(http.server.ThreadingHTTPServer):
            daemon_threads, request_queue_size = True, 512

            def handle_error(self, *_):
                pass  # whoever asked was killed

        self.server = Quiet(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def begin(self, content):
        name = content if isinstance(content, str) else content[-1]["text"]
        with self.lock:
            number = len(self.calls)
            said = Said(f"{name} is call {number}", input=self.random.randrange(1, 5000), output=self.random.randrange(1, 500))
            self.calls.append((name, said.input * INPUT + said.output * OUTPUT))
            return number, said, self.random.random() * 0.03


def number_of(text, name):
    """Which call it was that answered this."""
    said, number = text.rsplit(" is call ", 1)
    assert said == name, (text, name)
    return int(number)


class Asker(threading.Thread):
    """Does its work until the server is killed."""

    def __init__(self, server, names):
        super().__init__()
        self.port, self.names, self.done, self.wrong = server.port, names, {}, None

    def run(self):
        try:
            for name in self.names:
                with Connection(self.port) as connection:
                    self.ask(connection, name)
        except (OSError, ConnectionError):
            pass
        except Exception as error:  # shown by the test: a thread's own exceptions are lost
            self.wrong = error

    def send(self, connection, path, body):
        connection.send_request("POST", path, json.dumps(body).encode(), {"Content-Type": "application/json"}.items())


class Tickets(Asker):
    """done: {name: ticket id}"""

    def ask(self, connection, name):
        body = {"provider": "anthropic", "model": MODEL, "messages": [{"role": "user", "content": name}]}
        self.send(connection, "/chat", body)
        reply = connection.read_reply()
        assert reply.status == 200, reply
        self.done[name] = reply.json["ticket_id"]


class Streams(Asker):
    """done: {name: text} of those that came to their end"""

    def ask(self, connection, name):
        body = {"model": f"anthropic/{MODEL}", "stream": True, "messages": [{"role": "user", "content": name}]}
        self.send(connection, "/v1/chat/completions", body)
        head, buffer = connection.read_head(), b""
        assert head.status == 200, (head, b"".join(connection.pieces(head)))
        for piece in connection.pieces(head):
            buffer += piece
        lines = [line[6:] for line in buffer.decode().split("\n") if line.startswith("data: ")]
        if not lines or lines[-1] != "[DONE]":
            raise ConnectionError("killed")
        chunks = [json.loads(line) for line in lines[:-1]]
        self.done[name] = "".join(choice["delta"].get("content") or "" for chunk in chunks for choice in chunk["choices"])


@pytest.fixture
def vendor():
    return Vendor()


@pytest.fixture
def chatting(start_server, vendor):
    env = {"ADMIN_PANEL_ENABLED": "true", "ADMIN_PANEL_PASSWORD": "pw", "ANTHROPIC_BASE_URL": vendor.url,
           "ANTHROPIC_API_KEY": "sk-ant-test"}  # fmt: skip
    sets = ["plugins.runtime-python.enabled=false", "plugins.chat.lease_ms=1000", "plugins.chat.poll_ms=50",
            "plugins.chat.queue=100000", "plugins.chat.user_tickets=100000", "plugins.models.hold_lease_ms=1500",
            "plugins.users.hold_lease_ms=1500", "plugins.users.sweep_ms=50", "log.access=false"]  # fmt: skip
    server = start_server(sets=sets, env=env)
    limits = {"monthlyAllowance": ALLOWANCE, "spendRemaining": ALLOWANCE}
    reply = server.put("/admin/users/local-dev-user", limits, headers={"X-Admin-Password": "pw"})
    assert reply.status == 200, reply
    return server


def one_life(server, round_number, seconds):
    """Tickets and streams until the server is killed: {name: id}, {name: text}."""
    tickets = [Tickets(server, [f"ticket {round_number}-{i}-{n}" for n in range(TICKETS // 8)]) for i in range(8)]
    streams = [Streams(server, [f"stream {round_number}-{i}-{n}" for n in range(1000)]) for i in range(STREAMS)]
    for asker in [*tickets, *streams]:
        asker.start()
    wait_until(lambda: any(asker.done for asker in tickets), 20, "the first ticket")
    time.sleep(seconds)
    server.kill()
    for asker in [*tickets, *streams]:
        asker.join()
    assert [asker.wrong for asker in [*tickets, *streams] if asker.wrong] == []
    return *({name: done for asker in askers for name, done in asker.done.items()} for askers in (tickets, streams)),


def ended(server, ticket_id):
    def look():
        reply = server.get(f"/chat/{ticket_id}?wait=10")
        assert reply.status == 200, reply
        return reply.json["status"] not in OPEN and reply.json

    return wait_until(look, 120, f"the end of ticket {ticket_id}")


@pytest.mark.seconds(240 + 10 * KILLS)
def test_every_ticket_ends_and_the_ledger_is_exact(chatting, vendor):
    server, tickets, streams = chatting, {}, {}
    chance = random.Random(os.environ.get("EIN_CRASH_SEED", "anvil"))
    for number in range(KILLS):
        more_tickets, more_streams = one_life(server, number, chance.uniform(0, 1) * SCALE)
        tickets |= more_tickets
        streams |= more_streams
        server.start()

    got = {name: ended(server, ticket_id) for name, ticket_id in tickets.items()}
    wait_until(lambda: not documents(server, "ledger_holds"), 60, "the holds of the killed servers to expire")
    assert server.stop() == 0
    entries, expired, users = (documents(server, name) for name in ("ledger_entries", "ledger_expired", "ledger_accounts"))
    calls = vendor.calls
    last = {name: number for number, (name, _) in enumerate(calls)}
    paid = {int(entry["metadata"]["vendorRequestId"].removeprefix("call-")): entry["costNano"] for entry in entries.values()}

    failed = [one["error"] for one in got.values() if one["status"] == "failed"]
    assert set(failed) <= {LOST}
    answered = {name: number_of(one["result"]["content"], name) for name, one in got.items() if one["status"] == "completed"}
    assert {name: last[name] for name in answered} == answered  # none was asked again after its answer was stored
    heard = {name: number_of(text, name) for name, text in streams.items()}
    assert len(paid) == len(entries)
    assert {number: calls[number][1] for number in paid} == paid
    assert set(answered.values()) | set(heard.values()) <= paid.keys()
    for name, one in got.items():
        if one["status"] == "completed":
            assert round(one["result"]["cost"] * 1e9) == paid[answered[name]]

    unsettled = [cost for number, (_, cost) in enumerate(calls) if number not in paid]
    assert sum(paid.values()) == sum(cost for _, cost in calls) - sum(unsettled)
    assert sum(unsettled) <= sum(hold["boundNano"] for hold in expired.values())
    assert len(unsettled) <= KILLS * (TICKETS + STREAMS)
    account = users["local-dev-user"]
    assert account["heldNano"] == 0
    assert account["remainingNano"] + sum(paid.values()) == ALLOWANCE * 10**9
    assert len(answered) >= KILLS
    print(f"\n{KILLS} kills, {len(tickets)} tickets: {len(answered)} completed, {len(failed)} given up; {len(streams)} whole streams; "
          f"{len(calls)} calls served, {len(paid)} in the ledger, {len(unsettled)} cut off")  # fmt: skip
