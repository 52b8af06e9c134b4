# SPDX-License-Identifier: Apache-2.0
"""An OpenID Connect provider whose every answer a test may change."""

import time

from tokens import Signer

KEY, OTHER_KEY = Signer("k1"), Signer("k2")


class Issuer:
    """`claims` is what id_tokens say besides the usual, `userinfo` what userinfo says besides sub."""

    def __init__(self, peer, sub="alice"):
        self.peer, self.url, self.sub = peer, peer.url, sub
        self.claims = {"email": "alice@acme.com", "email_verified": True, "name": "Alice", "groups": ["engineering", "sales"]}
        self.userinfo = {}
        self.nonce, self.grants, self.codes_used, self.id_tokens_on_refresh = None, [], set(), True
        self.sign = KEY.sign
        self.metadata = {
            "issuer": peer.url, "authorization_endpoint": peer.url + "/auth", "token_endpoint": peer.url + "/token",
            "jwks_uri": peer.url + "/jwks", "userinfo_endpoint": peer.url + "/me", "response_types_supported": ["code"],
            "scopes_supported": ["openid", "email", "profile", "groups", "offline_access"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        }  # fmt: skip
        peer.answers |= {
            "/.well-known/openid-configuration": lambda request: self.metadata,
            "/jwks": {"keys": [KEY.jwk | {"use": "sig", "alg": "RS256"}]},
            "/token": self.token,
            "/me": lambda request: {"sub": self.sub} | self.userinfo if request.bearer == "access" else (401, {}),
        }

    def settings(self, **more):
        return {"issuer": self.url, "client_id": "einion", "client_secret": "s3cret &", "allowed_groups": ["Engineering"]} | more

    def id_token(self, **changes):
        now = int(time.time())
        claims = {"iss": self.metadata["issuer"], "aud": "einion", "sub": self.sub, "iat": now, "exp": now + 300,
                  "nonce": self.nonce} | self.claims | changes  # fmt: skip
        return self.sign({name: value for name, value in claims.items() if value is not None})

    def token(self, request):
        if (request.basic or (request.form.get("client_id"), request.form.get("client_secret"))) != ("einion", "s3cret &"):
            return 401, {"error": "invalid_client"}
        if request.form["grant_type"] == "refresh_token":
            if request.form["refresh_token"] != (self.grants or [None])[-1]:
                return 400, {"error": "invalid_grant"}
        elif request.form["code"] in self.codes_used:
            return 400, {"error": "invalid_grant", "error_description": "grant request is invalid"}
        else:
            self.codes_used.add(request.form["code"])
        self.grants.append(f"refresh-{len(self.grants)}")
        answer = {"access_token": "access", "token_type": "Bearer", "refresh_token": self.grants[-1], "expires_in": 300}
        if request.form["grant_type"] != "refresh_token" or self.id_tokens_on_refresh:
            answer["id_token"] = self.id_token()
        return answer

    def login(self, provider, login, code="code", **query):
        self.nonce = login.nonce
        return provider.exchange(login, code, **query)
