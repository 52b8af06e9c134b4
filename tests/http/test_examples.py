# SPDX-License-Identifier: Apache-2.0
"""Replays recorded calls (examples.json) in their order and compares every answer.

An example may have `before`, calls that are made and not compared, and `keep`, a name for the
`_id` or `ticket_id` of the answer: later calls say $name."""

import json
import pathlib
import re

import pytest
from matching import differences
from support import BACKENDS, Server

ADMIN = {"ADMIN_PANEL_ENABLED": "true", "ADMIN_PANEL_PASSWORD": "pw"}
VENDORS = {"OPENAI_API_KEY": "sk-0123456789abcdef", "OPENAI_BASE_URL": "http://127.0.0.1:9", "OLLAMA_BASE_URL": "http://127.0.0.1:9"}
EXAMPLES = json.loads(pathlib.Path(__file__).with_name("examples.json").read_text())


def resolve(value, kept):
    """`value` with every $name replaced by what was kept under it."""
    text = json.dumps(value)
    return json.loads(re.sub(r"\$([a-z]\w*)", lambda match: kept[match[1]], text))


def perform(server, request, kept):
    method, path = resolve(request["call"], kept).split()
    body = resolve(request.get("body"), kept)
    with server.connect() as connection:
        if isinstance(body, str) and body.startswith("RAW:"):
            body = body[4:].encode()
        elif body is not None:
            body = json.dumps(body).encode()
        headers = [("Content-Type", "application/json"), ("Connection", "close"), *request.get("headers", {}).items()]
        connection.send_request(method, path, body, headers)
        reply = connection.read_head()
        if (reply.header("Content-Type") or "").startswith("text/event-stream"):
            events = [(event, data) for event, data in connection.events(reply) if event]
            return reply, [{"event": event, "data": data} for event, data in events]
        if reply.status not in (204, 304):
            reply.body = b"".join(connection.pieces(reply))
    answer = reply.json if reply.body else ""
    if "keep" in request:
        kept[request["keep"]] = answer.get("_id") or answer["ticket_id"]
    return reply, answer


@pytest.fixture(scope="module", params=sorted(BACKENDS, reverse=True))
def replayed(request, postgres):
    """(status, answer) of every example, or the error that kept it from being made."""
    env = ADMIN | VENDORS | ({"DATABASE_URL": postgres()} if request.param == "postgres" else {})
    kept, answers = {}, []
    with Server(request.param, sets=["plugins.storage-postgres.schema=examples"], env=env) as server:
        server.start(ready=True)
        for example in EXAMPLES:
            try:
                for call in example.get("before", []):
                    reply, _ = perform(server, call, kept)
                    assert reply.status < 300, (call, reply)
                reply, answer = perform(server, example["request"], kept)
                answers.append((reply.status, answer))
            except Exception as error:
                answers.append(error)
        server.check()
        yield answers


def name(number):
    return f"{number:02}-{EXAMPLES[number]['request']['call'].replace(' ', '-')}"


@pytest.mark.parametrize("number", range(len(EXAMPLES)), ids=map(name, range(len(EXAMPLES))))
def test_answers_as_recorded(number, replayed):
    example = EXAMPLES[number]
    if isinstance(replayed[number], Exception):
        raise replayed[number]
    status, answer = replayed[number]
    assert status == example["status"], answer
    assert list(differences(example["answer"], answer)) == []


def test_all_that_was_recorded_is_here():
    assert len(EXAMPLES) == 93
