# SPDX-License-Identifier: Apache-2.0
"""Clients that know nothing but the address of /mcp log their user in at a certified provider."""

import base64
import json
import pathlib
import subprocess
from urllib.parse import parse_qs, urlsplit

import pytest
from agents import ECHO
from certified import Browser, CertifiedProvider
from node_tools import SCALE, modules
from support import Person, free_port
from test_official_clients import PACKAGES

CLIENT = pathlib.Path(__file__).resolve().parent / "oauth.mjs"
BACK = "http://127.0.0.1:9/back"  # where clients have their users sent; nobody is there
CALLBACK = "http://127.0.0.1/auth/callback/oidc"


@pytest.fixture(scope="module")
def provider():
    provider = CertifiedProvider(CALLBACK)
    yield provider
    provider.close()


@pytest.fixture
def start(start_server, provider):
    """start(oauth_scopes=[...]): a server whose users are the provider's, with this setting of /mcp."""

    def make(**settings):
        port = free_port()
        config = {"issuer": provider.url, "client_id": "basic", "client_secret": "secret", "allowed_groups": ["engineering"],
                  "audience": f"http://127.0.0.1:{port}/mcp"}  # fmt: skip
        auth = {"providers": [{"type": "oidc", "config": config}]}
        return start_server(port=port, backend="memory", sets=[f"auth={json.dumps(auth)}", f"plugins.mcp-server={json.dumps(settings)}"])

    return make


def log_in(server, user):
    """With a browser, for comparison."""
    person = Person(server)
    back = Browser().log_in(person.get("/auth/login/oidc").header("Location"), user, CALLBACK)
    return person, person.get(back.removeprefix("http://127.0.0.1"))


def deploy(person, name):
    agent = person.post("/agents", {"name": name, "description": "Says it again", "code": ECHO, "friendlyName": name,
                                    "inputSchema": {"inputText": "string"}, "outputSchema": {"outputText": "string"}})  # fmt: skip
    assert person.post(f"/agents/{agent.json['_id']}/deploy").status == 201


class Client:
    """One of the official ones; `asked` is where its user has to go."""

    def __init__(self, which, server):
        url = f"http://127.0.0.1:{server.port}/mcp"
        self.process = subprocess.Popen(["node", CLIENT, modules(PACKAGES[which]), which, url, BACK, "echo"], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)  # fmt: skip
        self.asked = self.process.stdout.readline().strip()
        assert self.asked.startswith("http://127.0.0.1:"), self.asked + self.process.stderr.read()

    def finish(self, user):
        """What it has seen at the end; or None and what it says went wrong."""
        out, errors = self.process.communicate(Browser().log_in(self.asked, user, BACK) + "\n", timeout=60 * SCALE)
        return json.loads(out) if self.process.returncode == 0 else None, errors

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()


def parts(token):
    return [json.loads(base64.urlsafe_b64decode(part + "==")) for part in token.split(".")[:2]]


@pytest.mark.parametrize("which", list(PACKAGES))
def test_a_client_logs_in_and_calls(start, provider, which):
    server = start()
    alice, _ = log_in(server, "alice")
    deploy(alice, "echo")
    with Client(which, server) as client:
        query = {name: values[-1] for name, values in parse_qs(urlsplit(client.asked).query).items()}
        assert (query["resource"], query["code_challenge_method"]) == (f"http://127.0.0.1:{server.port}/mcp", "S256")
        seen, errors = client.finish("alice")
    assert seen, errors
    assert (seen["refused"], seen["registered"], seen["sent"]) == ("UnauthorizedError", 1, 1)
    assert (seen["tools"], seen["answer"]) == (["echo"], {"outputText": "hello"})
    assert (seen["again"], seen["renewed"], seen["tokens"]) == ({"outputText": "hello"}, True, 2)
    header, claims = parts(seen["access"])
    assert header["typ"] == "at+jwt" and claims["aud"] == query["resource"] and "scope" not in claims

    bearer = {"Authorization": f"Bearer {seen['access']}"}
    me, same = alice.get("/auth/me").json, server.get("/auth/me", headers=bearer).json
    assert (same["uid"], same["workspaces"], same["isSiteAdmin"]) == ("oidc:alice", me["workspaces"], False)
    refused = server.get("/agents", headers=bearer)
    assert refused.status == 403
    assert refused.header("WWW-Authenticate") == 'Bearer realm="einion", error="insufficient_scope", scope="agents:read"'


def test_a_client_asks_for_the_scopes_that_it_is_told_of(start):
    server = start(oauth_scopes=["deployments"])
    alice, _ = log_in(server, "alice")
    deploy(alice, "echo")
    with Client("1", server) as client:
        seen, errors = client.finish("alice")
    assert seen, errors
    assert parts(seen["access"])[1]["scope"] == "deployments" and seen["tools"] == ["echo"]
    bearer = {"Authorization": f"Bearer {seen['access']}"}
    assert [one["friendlyName"] for one in server.get("/deployments", headers=bearer).json] == ["echo"]
    assert server.get("/agents", headers=bearer).status == 403


def test_who_may_not_log_in_is_not_let_in_with_a_token(start):
    server = start()
    assert log_in(server, "bob")[1].status == 403
    with Client("2-modern", server) as client:
        seen, errors = client.finish("bob")
    assert not seen and "The token names no group that may log in here." in errors + server.log()


def test_the_metadata_name_the_issuer(start, provider):
    told = start(authorization_servers=["https://id.example.org"]).get("/.well-known/oauth-protected-resource/mcp").json
    assert told["authorization_servers"] == ["https://id.example.org", provider.url]
