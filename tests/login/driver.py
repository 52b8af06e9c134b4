# SPDX-License-Identifier: Apache-2.0
"""Talks to login_driver: a login plugin without a server."""

import base64
import hashlib
import json
import os
import pathlib
import secrets
import subprocess
from urllib.parse import parse_qs, urlsplit

BUILD = pathlib.Path(os.environ.get("EIN_BUILD", pathlib.Path(__file__).parents[2] / "build")).resolve()
SCALE = float(os.environ.get("EIN_TEST_SCALE", "1"))
DRIVER = BUILD / "tests" / "login" / "login_driver"
CALLBACK = "http://127.0.0.1:9/auth/callback/oidc"

# enum ein_err
INVALID, DENIED, UNAVAILABLE, UNSUPPORTED, TOO_LARGE = -1, -4, -5, -9, -11


class Refused(Exception):
    def __init__(self, code, text):
        super().__init__(f"{code}: {text}")
        self.code, self.text = code, text


class Login:
    """What auth-session remembers of one login."""

    def __init__(self):
        self.state, self.nonce, self.code_verifier = (secrets.token_urlsafe(32) for _ in range(3))
        self.redirect_uri = CALLBACK

    @property
    def challenge(self):
        digest = hashlib.sha256(self.code_verifier.encode()).digest()
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


class Provider:
    """A plugin with its settings; raises Refused where it says no."""

    def __init__(self, plugin, settings, vault=True, env=None):
        command = [str(DRIVER), plugin, json.dumps(settings)] + ([] if vault else ["no-vault"])
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                        text=True, env=os.environ | (env or {}))
        try:
            self.name = self._read()
        except Refused:
            self.close()
            raise

    def _read(self):
        line = self.process.stdout.readline()
        assert line, self.process.stderr.read()
        answer = json.loads(line)
        if "error" in answer:
            raise Refused(answer["error"], answer["text"])
        return answer["value"]

    def _ask(self, **question):
        self.process.stdin.write(json.dumps(question) + "\n")
        self.process.stdin.flush()
        return self._read()

    def describe(self):
        return self._ask(op="describe")

    def login_url(self, login):
        return self._ask(op="login_url", login=vars(login))

    def query_of_login(self, login):
        """The parameters of the URL that somebody is sent to."""
        return {name: values[-1] for name, values in parse_qs(urlsplit(self.login_url(login)).query).items()}

    def exchange(self, login, code="code", **query):
        return self._ask(op="exchange", login=vars(login) | {"code": code, "query": {"code": code} | query})

    def exchange_query(self, login, url):
        """The same with the parameters that a provider put on the way back."""
        query = {name: values[-1] for name, values in parse_qs(urlsplit(url).query).items()}
        return self._ask(op="exchange", login=vars(login) | {"code": query.get("code"), "query": query})

    def refresh(self, claims):
        return self._ask(op="refresh", claims=claims)

    def vault(self):
        return self._ask(op="vault")

    def close(self):
        """Ends it, and returns what it has logged."""
        _, log = self.process.communicate(timeout=120 * SCALE)
        assert self.process.returncode == 0, log
        return log
