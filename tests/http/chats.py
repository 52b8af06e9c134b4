# SPDX-License-Identifier: Apache-2.0
"""Chats as the suites ask them: of a model that does what the message says (SCRIPTED), see
tests/third-party/scripted-completion.c."""

import json

from support import BUILD, wait_until

SCRIPTED = [
    f"plugins.scripted-completion.plugin={BUILD / 'tests/third-party/scripted-completion.so'}",
    "plugins.models.enabled=false",
    "plugins.openai-api.enabled=false",
    "plugins.runtime-python.enabled=false",
]
OPEN = ("pending", "processing")


def chat(*steps, **fields):
    """The body of a POST /chat: the steps of its answer."""
    message = {"role": "user", "content": json.dumps(steps)}
    return {"messages": [message], "provider": "scripted", "model": "m", **fields}


def ask(server, *steps, **fields):
    """The id of a new ticket."""
    reply = server.post("/chat", chat(*steps, **fields))
    assert reply.status == 200, reply
    return reply.json["ticket_id"]


def ticket(server, ticket_id, wait=0):
    reply = server.get(f"/chat/{ticket_id}" + (f"?wait={wait}" if wait else ""))
    assert reply.status == 200, reply
    return reply.json


def ended(server, ticket_id):
    """The ticket once it has ended."""
    return wait_until(lambda: (got := ticket(server, ticket_id, 10))["status"] not in OPEN and got, 30, "the end of a ticket")


class Stream:
    """A ticket's events as they come: (event, data, id) or (None, comment, None)."""

    def __init__(self, server, method, path, body=None, headers=()):
        self.connection = server.connect()
        fields = [("Accept", "text/event-stream"), *dict(headers).items()]
        if body is not None:
            fields.append(("Content-Type", "application/json"))
        self.connection.send_request(method, path, None if body is None else json.dumps(body).encode(), fields)
        self.head = self.connection.read_head()
        self.parts = self.connection.pieces(self.head)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.close()

    def __iter__(self):
        buffer, event, data, event_id = b"", None, [], None
        for piece in self.parts:
            buffer += piece
            *lines, buffer = buffer.split(b"\n")
            for line in lines:
                name, _, value = line.decode().partition(": ")
                if name == "":
                    if data:
                        yield event, json.loads("\n".join(data)), event_id
                    event, data, event_id = None, [], None
                elif name == "event":
                    event = value
                elif name == "data":
                    data.append(value)
                elif name == "id":
                    event_id = value
                else:
                    assert line.startswith(b":"), line
        assert not buffer, f"the stream ended within a line: {buffer!r}"


def follow(server, ticket_id, last=None):
    headers = {"Last-Event-ID": last} if last else {}
    return Stream(server, "GET", f"/chat/{ticket_id}", headers=headers)


def texts(events):
    return "".join(data["text"] for event, data, _ in events if event == "text")
