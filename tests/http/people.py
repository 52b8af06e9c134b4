# SPDX-License-Identifier: Apache-2.0
"""Several people on one server: tests/third-party/auth-header.c believes who they say they are."""

import contextlib
import json

from support import BUILD, Server, Verbs

AUTH_HEADER = BUILD / "tests" / "third-party" / "auth-header.so"
SETS = [f"plugins.auth-header.plugin={AUTH_HEADER}"]


@contextlib.contextmanager
def room(backend, postgres, sets=(), ready=False, env=None):
    """A server for all tests of a file, checked at its end."""
    env = (env or {}) | ({"DATABASE_URL": postgres()} if backend == "postgres" else {})
    with Server(backend, sets=[*SETS, *sets], env=env) as server:
        yield server.start(ready)


class Person(Verbs):
    """Somebody on `server`: alice = Person(server, "header:alice", team="admin"); alice.get("/agents")."""

    def __init__(self, server, uid, site_admin=False, **roles):
        self.server, self.uid, self.site_admin = server, uid, site_admin
        self.roles = {name.replace("_", ":"): role for name, role in roles.items()}

    @property
    def headers(self):
        workspaces = [{"id": name, "role": role, "name": name.title()} for name, role in self.roles.items()]
        identity = {"uid": self.uid, "provider": "header", "workspaces": workspaces, "admin": self.site_admin}
        return {"X-Test-Identity": json.dumps(identity)}

    def request(self, method, path, json_body=None, *, headers=(), **options):
        return self.server.request(method, path, json_body, headers={**self.headers, **dict(headers)}, **options)

    def make_agent(self, **fields):
        reply = self.post("/agents", {"name": "n", "description": "d", "code": ECHO, **fields})
        assert reply.status == 201, reply
        return reply.json["_id"]

    def agents(self):
        return [agent["_id"] for agent in self.get("/agents").json]

    def deployments(self):
        return [one["friendlyName"] for one in self.get("/deployments").json]


class Bearer(Person):
    """Whoever holds this token."""

    def __init__(self, server, token):
        super().__init__(server, None)
        self.token = token

    @property
    def headers(self):
        return {"Authorization": f"Bearer {self.token}"}


ECHO = "async def run(input_dict, tools):\n    return {'echo': input_dict}\n"
