# SPDX-License-Identifier: Apache-2.0
"""Requests made from what OpenAPI tells, right and wrong ones, sent by a user and by a site admin.

No answer is an error of the server's own, and each is as its route promises: EIN_CHECK_REPLIES sees to that, as
do the sanitizers where there are any.  EIN_GENERATED is how many requests each route gets from each person.
"""

import json
import os
import random
from urllib.parse import quote, urlencode

import pytest
from people import Person, room
from test_walk import Walk

COUNT = int(os.environ.get("EIN_GENERATED", "3"))
OTHERS = (502, 503, 504)  # somebody else is asked, and does not answer
TEXTS = ["", " ", "models:read", "openai/gpt-4o", "a.example.org", "x", "0", "-1", "null", "..", "a/b", "a%00b", "ünï", "\u202e", "\ud800", "\x00", "\x7f", "{}", "x" * 300,
         "http://127.0.0.1:1/", "use:gofannon", "2026-11-27", "9" * 40, "'; --", "*", "\n"]  # fmt: skip
NUMBERS = [0, 1, -1, 2**31, 2**53 + 1, -(2**63), 2**63, 1e308, 0.5, -0.0]
ANYTHING = [None, True, "x", 1.5, [], {}, [[]], {"": {"\u0000": []}}]


class Maker:
    """Values of JSON schemas: every second one fits, but perhaps for its texts."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.wild = self.random.choice((0, 0.15))

    def text(self, schema):
        text = self.random.choice(TEXTS) if self.random.random() < self.wild + 0.2 else self.random.choice("abxyz")
        return text if self.random.random() < self.wild else text[: schema.get("maxLength")]

    def number(self, schema):
        low, high = schema.get("minimum", -5), schema.get("maximum", schema.get("minimum", 0) + 1000)
        return self.random.choice(NUMBERS) if self.random.random() < self.wild else self.random.randint(int(low), int(high))

    def object(self, schema):
        members = {name: self.value(inner) for name, inner in schema.get("properties", {}).items()
                   if self.random.random() < (1 - self.wild / 4 if name in schema.get("required", ()) else 0.4)}  # fmt: skip
        if self.random.random() < self.wild:
            more = schema.get("additionalProperties")
            members[self.random.choice(TEXTS)] = self.value(more if isinstance(more, dict) else {})
        return members

    def array(self, schema):
        return [self.value(schema.get("items", {})) for _ in range(self.random.choice((0, 1, 1, 2, 5)))]

    def value(self, schema):
        if self.random.random() < self.wild:
            return self.random.choice([*ANYTHING, *TEXTS, *NUMBERS])
        if "anyOf" in schema:
            return self.value(self.random.choice(schema["anyOf"]))
        if "enum" in schema:
            return self.random.choice(schema["enum"])
        kinds = schema.get("type", [])
        kind = self.random.choice(kinds) if isinstance(kinds, list) and kinds else kinds
        makers = {"string": self.text, "integer": self.number, "number": self.number, "object": self.object, "array": self.array,
                  "boolean": lambda _: self.random.random() < 0.5, "null": lambda _: None}  # fmt: skip
        return makers[kind](schema) if kind else self.random.choice(ANYTHING)

    def request(self, params, path, operation):
        """(path and query, body, headers)"""
        query, headers = [], {}
        for parameter in operation.get("parameters", []):
            name, place = parameter["name"], parameter["in"]
            if place == "path":
                value = params[name] if self.random.random() < 0.6 else self.random.choice(TEXTS)
                path = path.replace("{" + name + "}", quote(value, safe="", errors="replace"))
            elif self.random.random() < 0.5:
                value = self.value(parameter["schema"])
                value = value if isinstance(value, str) else json.dumps(value)
                if place == "query":
                    query.append((name, value.encode(errors="replace")))
                else:
                    headers[name] = "".join(c for c in value if " " <= c <= "~")
        content = operation.get("requestBody", {}).get("content", {}).get("application/json")
        body = json.dumps(self.value(content["schema"])).encode() if content else None
        if body and self.random.random() < self.wild / 4:
            body = body[: self.random.randrange(len(body) + 1)]
        return path + ("?" + urlencode(query) if query else ""), body, headers


@pytest.mark.parametrize("backend", ["sqlite", "postgres"])
@pytest.mark.seconds(60 * COUNT)
def test_no_request_makes_an_error_of_the_servers_own(backend, postgres):
    with room(backend, postgres, ["plugins.auth-api-key.enabled=true"], ready=True) as server:
        walk = Walk(server)
        people = [walk.alice, Person(server, "header:root", site_admin=True)]
        for number, (method, path, operation, _) in enumerate(walk.routes):
            if "text/event-stream" in operation["responses"].get("200", {}).get("content", {}) and method == "GET":
                continue
            for person in people:
                for turn in range(COUNT):
                    seed = f"{number} {turn} {person.uid}"
                    url, body, headers = Maker(seed).request(walk.params, path, operation)
                    reply = person.request(method, url, body=body, headers=headers)
                    asked = (seed, method, url, body, reply)
                    assert reply.status < 500 or reply.status in OTHERS, asked
                    if reply.status >= 400 and method != "HEAD":
                        assert {"detail", "error"} & set(reply.json), asked
        assert server.healthy()
