# SPDX-License-Identifier: Apache-2.0
"""auth-firebase: the verdicts of Firebase's own library on the same tokens, and stricter where that
is laxer than its documents."""

import concurrent.futures
import re
import threading
import time

import pytest
from demos import api, body
from support import PATIENCE, SCALE, wait_until
from peer import Peer
from tokens import Signer, encode, hmac_token, token

PROJECT = "demo-gofannon"
CUSTOM_TOKEN = "https://identitytoolkit.googleapis.com/google.identity.identitytoolkit.v1.IdentityToolkit"
KEY1, KEY2, KEY3 = Signer("key1"), Signer("key2"), Signer("key3")
NOW = int(time.time())


def claims(**changes):
    now = int(time.time())
    given = {
        "iss": f"https://securetoken.google.com/{PROJECT}", "aud": PROJECT, "auth_time": now - 10, "user_id": "u1",
        "sub": "u1", "iat": now - 10, "exp": now + 3590, "email": "a@example.org", "email_verified": True,
        "firebase": {"identities": {"email": ["a@example.org"]}, "sign_in_provider": "password"},
    }  # fmt: skip
    return {name: value for name, value in (given | changes).items() if value is not None}


@pytest.fixture(scope="module")
def google():
    peer = Peer()
    peer.answers["/x509"] = (200, {"key1": KEY1.certificate, "key2": KEY2.certificate},
                             {"Cache-Control": "public, max-age=19302, must-revalidate, no-transform"})
    yield peer
    peer.close()


def settings(certs_url, **more):
    given = {"project_id": PROJECT, "certs_url": certs_url} | more
    return ["env=firebase", "http.wrong_logins_per_minute=1000000"] + [f"plugins.auth-firebase.{name}={value}" for name, value in given.items()]


@pytest.fixture(scope="module")
def shared(google):
    from support import Server

    with Server(sets=settings(google.url + "/x509")) as server:
        yield server.start()


def ask(server, bearer, headers=(), **options):
    return server.get("/agents", headers={"Authorization": f"Bearer {bearer}", **dict(headers)}, **options)


ACCEPTED = {
    "good": lambda: KEY1.sign(claims()),
    "kid key2, signed by key2": lambda: KEY2.sign(claims()),
    "sub 128": lambda: KEY1.sign(claims(sub="x" * 128)),
    "iat a little ahead": lambda: KEY1.sign(claims(iat=int(time.time()) + 5)),
}

REFUSED = {
    "alg none, empty signature": lambda: token({"alg": "none", "typ": "JWT"}, claims()),
    "alg none, kid": lambda: token({"alg": "none", "kid": "key1"}, claims()),
    "HS256 with the certificate as key": lambda: hmac_token(KEY1.certificate, {"alg": "HS256", "kid": "key1"}, claims()),
    "RS512": lambda: KEY1.sign(claims(), alg="RS512"),
    "no kid": lambda: KEY1.sign(claims(), kid=None),
    "unknown kid": lambda: KEY1.sign(claims(), kid="nope"),
    "signed by key2, kid key1": lambda: KEY2.sign(claims(), kid="key1"),
    "wrong aud": lambda: KEY1.sign(claims(aud="other")),
    "aud array": lambda: KEY1.sign(claims(aud=[PROJECT])),
    "wrong iss": lambda: KEY1.sign(claims(iss="https://securetoken.google.com/other")),
    "iss with slash": lambda: KEY1.sign(claims(iss=f"https://securetoken.google.com/{PROJECT}/")),
    "no sub": lambda: KEY1.sign(claims(sub=None)),
    "empty sub": lambda: KEY1.sign(claims(sub="")),
    "sub 129": lambda: KEY1.sign(claims(sub="x" * 129)),
    "sub number": lambda: KEY1.sign(claims(sub=5)),
    "expired": lambda: KEY1.sign(claims(exp=int(time.time()) - 1)),
    "exp missing": lambda: KEY1.sign(claims(exp=None)),
    "exp a text": lambda: KEY1.sign(claims(exp=str(NOW + 3600))),
    "iat in future": lambda: KEY1.sign(claims(iat=int(time.time()) + 600)),
    "iat missing": lambda: KEY1.sign(claims(iat=None)),
    "auth_time in future": lambda: KEY1.sign(claims(auth_time=int(time.time()) + 600)),
    "auth_time missing": lambda: KEY1.sign(claims(auth_time=None)),
    "nbf in future": lambda: KEY1.sign(claims(nbf=int(time.time()) + 600)),
    "payload tampered": lambda: ".".join((lambda t: [t[0], encode(claims(sub="evil")), t[2]])(KEY1.sign(claims()).split("."))),
    "signature truncated": lambda: KEY1.sign(claims())[:-4],
    "no signature": lambda: KEY1.sign(claims()).rsplit(".", 1)[0] + ".",
    "two parts": lambda: KEY1.sign(claims()).rsplit(".", 1)[0],
    "not a jwt": lambda: "abc",
    "session cookie": lambda: KEY1.sign(claims(iss=f"https://session.firebase.google.com/{PROJECT}")),
    "custom token": lambda: KEY1.sign(claims(aud=CUSTOM_TOKEN), kid=None),
    "extensions": lambda: KEY1.sign(claims(), crit=["b64"], b64=False),
    "key in the header": lambda: KEY3.sign(claims(), kid="key1", jwk=KEY3.jwk),
}


@pytest.mark.parametrize("name", ACCEPTED)
def test_a_good_token_is_accepted(shared, name):
    reply = ask(shared, ACCEPTED[name]())
    assert reply.status == 200, reply


@pytest.mark.parametrize("name", REFUSED)
def test_a_bad_token_is_refused(shared, name):
    reply = ask(shared, REFUSED[name]())
    assert (reply.status, reply.detail) == (401, "Invalid authentication token")
    reason = "token_expired" if name == "expired" else "token_invalid"
    assert reply.header("WWW-Authenticate") == f'Bearer realm="einion", error="invalid_token", reason="{reason}"'


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer null"}, {"Authorization": "Bearer "},
                                     {"Authorization": "Basic YTpi"}], ids=["none", "null", "empty", "basic"])  # fmt: skip
def test_without_a_token_nobody_is_there(shared, headers):
    reply = shared.get("/agents", headers=headers)
    assert (reply.status, reply.detail) == (401, "Not authenticated")


def test_a_key_of_einion_is_left_to_others(shared):
    reply = ask(shared, "eink_0123456789abcdef")
    assert reply.status == 401 and reply.detail != "Invalid authentication token"
    assert "token_invalid" not in (reply.header("WWW-Authenticate") or "")


def test_the_scheme_is_read_as_http_has_it(shared):
    bearer = KEY1.sign(claims())
    assert shared.get("/agents", headers={"Authorization": f"bearer   {bearer}"}).status == 200
    assert shared.get("/agents", headers={"Authorization": f"Bearerx {bearer}"}).status == 401


def test_a_user_is_the_subject(shared):
    made = shared.post("/agents", {"name": "a", "description": "", "code": "", "inputSchema": {}, "outputSchema": {}},
                       headers={"Authorization": f"Bearer {KEY1.sign(claims(sub='maker'))}"})
    assert made.status == 201, made
    mine = shared.get("/agents/" + made.json["_id"], headers={"Authorization": f"Bearer {KEY2.sign(claims(sub='maker'))}"})
    assert mine.status == 200
    other = shared.get("/agents/" + made.json["_id"], headers={"Authorization": f"Bearer {KEY1.sign(claims(sub='other'))}"})
    assert other.status == 404


def test_certificates_are_fetched_once(start_server, google):
    before = len(google.asked("/x509"))
    server = start_server(sets=settings(google.url + "/x509"))
    for i in range(28):
        assert ask(server, KEY1.sign(claims(sub=f"u{i}"))).status == 200
    assert len(google.asked("/x509")) == before + 1


def verified(server):
    match = re.search(r"^einion_firebase_tokens_verified_total(?:\{.*\})? (\d+)", server.get("/metrics").text, re.M)
    return int(match[1]) if match else 0


def test_a_verified_token_is_known_until_it_expires(start_server, google):
    server = start_server(sets=settings(google.url + "/x509"))
    short = KEY1.sign(claims(exp=int(time.time()) + 8))
    for _ in range(5):
        assert ask(server, short).status == 200
    assert verified(server) == 1
    wait_until(lambda: ask(server, short).status == 401, 20, "the token to expire")
    assert "token_expired" in ask(server, short).header("WWW-Authenticate")


def test_the_oldest_of_too_many_tokens_is_verified_again(start_server, google):
    server = start_server(sets=settings(google.url + "/x509", cached_tokens=2))
    first, second, third = (KEY1.sign(claims(sub=name)) for name in ("a", "b", "c"))
    for bearer in (first, second, first, third, first, second):
        assert ask(server, bearer).status == 200
    assert verified(server) == 4  # `second` had made room for `third`


def test_without_a_cache_each_is_verified(start_server, google):
    server = start_server(sets=settings(google.url + "/x509", cached_tokens=0))
    bearer = KEY1.sign(claims())
    assert [ask(server, bearer).status for _ in range(3)] == [200] * 3
    assert verified(server) == 3


# ---- an endpoint of keys that misbehaves ----


@pytest.fixture
def bad_google():
    peer = Peer()
    yield peer
    peer.close()


def test_a_new_key_is_found_and_a_flood_of_names_is_not_fetched_for(start_server, bad_google):
    bad_google.answers["/x509"] = (200, {"key1": KEY1.certificate}, {"Cache-Control": "max-age=19302"})
    server = start_server(sets=settings(bad_google.url + "/x509"))
    assert ask(server, KEY1.sign(claims())).status == 200
    bad_google.answers["/x509"] = {"key1": KEY1.certificate, "key3": KEY3.certificate}
    assert ask(server, KEY3.sign(claims())).status == 200
    for i in range(50):
        assert ask(server, KEY1.sign(claims(), kid=f"guess{i}")).status == 401
    assert len(bad_google.requests) == 2


LIES = {
    "redirects": lambda good: (302, "", {"Location": good + "/x509"}),
    "fails": lambda good: (500, "oops"),
    "html": lambda good: (200, "<html>sign in</html>"),
    "empty": lambda good: (200, "{}"),
    "huge": lambda good: (200, {"key1": "x" * (1 << 20)}),
    "deep": lambda good: (200, "[" * 100000),
    "hmac key": lambda good: (200, {"keys": [{"kty": "oct", "kid": "key1", "k": "AAAA", "alg": "HS256"}]}),
    "key of another use": lambda good: (200, {"keys": [KEY1.jwk | {"use": "enc"}]}),
}


@pytest.mark.parametrize("name", LIES)
def test_keys_that_cannot_be_had_are_an_error_of_the_server(start_server, bad_google, google, name):
    bad_google.answers["/x509"] = LIES[name](google.url)
    server = start_server(sets=settings(bad_google.url + "/x509"))
    before = len(google.requests)
    for _ in range(3):
        reply = ask(server, KEY1.sign(claims()))
        assert (reply.status, reply.detail) == (503, "Firebase's keys cannot be fetched at the moment; try again.")
    assert len(bad_google.requests) == 1  # it is not asked again at once
    assert len(google.requests) == before  # nothing was followed
    assert "cannot be fetched: " in server.log()
    assert server.healthy()


def test_an_endpoint_that_is_silent_holds_up_nobody_for_long(start_server, bad_google):
    let_go = threading.Event()
    bad_google.answers["/x509"] = lambda request: (let_go.wait(60 * SCALE), {})[1]
    server = start_server(sets=settings(bad_google.url + "/x509", timeout_ms=1000))
    replies = []
    callers = [threading.Thread(target=lambda: replies.append(ask(server, KEY1.sign(claims())))) for _ in range(8)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    let_go.set()
    assert [reply.status for reply in replies] == [503] * 8
    assert len(bad_google.requests) == 1


def test_many_at_once_are_told_apart(start_server, google):
    server = start_server(sets=settings(google.url + "/x509", cached_tokens=16))
    good = [KEY1.sign(claims(sub=f"u{i}")) for i in range(48)]
    bad = [KEY2.sign(claims(sub=f"u{i}"), kid="key1") for i in range(16)]

    def asked(bearer):
        return [ask(server, bearer).status for _ in range(4)]

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        results = list(pool.map(asked, [bearer for trio in zip(good[:16], good[16:32], good[32:], bad) for bearer in trio]))
    assert results == [[200] * 4, [200] * 4, [200] * 4, [401] * 4] * 16


# ---- how it is set up ----

EMULATOR = {"FIREBASE_AUTH_EMULATOR_HOST": "127.0.0.1:9099"}


def start_fails(server):
    server.expect_end = True
    status = server.spawn().process.wait(PATIENCE * SCALE)
    return status, server.log()


@pytest.fixture
def failing_server():
    from support import Server

    servers = []

    def make(**options):
        servers.append(Server(**options))
        return servers[-1]

    yield make
    for server in servers:
        server.clean()


def test_the_emulator_is_refused_unless_it_is_wanted(failing_server, google):
    status, log = start_fails(failing_server(sets=settings(google.url + "/x509"), env=EMULATOR))
    assert status != 0
    assert "FIREBASE_AUTH_EMULATOR_HOST is set: the emulator's tokens are not signed" in log


def test_the_emulators_address_is_no_url(failing_server, google):
    server = failing_server(sets=settings(google.url + "/x509", emulator="true"),
                            env={"FIREBASE_AUTH_EMULATOR_HOST": "http://127.0.0.1:9099"})
    status, log = start_fails(server)
    assert status != 0 and "and no URL" in log


def test_a_project_is_needed(failing_server):
    status, log = start_fails(failing_server(sets=["env=firebase", "plugins.auth-firebase.leeway_s=0"]))
    assert status != 0 and "Which project? Set project_id" in log


@pytest.mark.parametrize("name", ["FIREBASE_PROJECT_ID", "GOOGLE_CLOUD_PROJECT"])
def test_the_project_may_come_from_the_environment(start_server, google, name):
    server = start_server(sets=["env=firebase", f"plugins.auth-firebase.certs_url={google.url}/x509"], env={name: PROJECT})
    assert ask(server, KEY1.sign(claims())).status == 200
    assert ask(server, KEY1.sign(claims(aud="other"))).status == 401


def test_the_emulators_tokens_are_taken_in_development_only(start_server, shared, google):
    unsigned = lambda **changes: token({"alg": "none", "typ": "JWT"}, claims(**changes))  # noqa: E731
    server = start_server(sets=settings(google.url + "/x509", emulator="true"), env=EMULATOR)
    assert "for development only" in server.log()
    assert ask(server, unsigned()).status == 200
    assert ask(server, unsigned(aud="other")).status == 401
    assert ask(server, unsigned(exp=int(time.time()) - 1)).status == 401
    assert ask(server, token({"alg": "none"}, claims(), b"x")).status == 401
    assert ask(server, token({"alg": "RS256", "kid": "key1"}, claims())).status == 401
    assert ask(server, KEY1.sign(claims())).status == 200
    for header in ("X-Forwarded-For", "X-Real-IP", "Forwarded"):  # a proxy on this machine, for somebody else
        assert ask(server, unsigned(), headers={header: "for=192.0.2.1"}).status == 401
    before, again = verified(server), unsigned(sub="again")
    assert (ask(server, again).status, ask(server, again).status) == (200, 200)
    assert verified(server) == before + 2  # whoever sends it the next time may be on another machine

    without = start_server(sets=settings(google.url + "/x509", emulator="true"))  # the variable is not set
    assert ask(without, unsigned()).status == 401


def test_no_token_is_in_the_log(shared):
    bearer = KEY1.sign(claims(sub="unlogged"))
    wrong = KEY1.sign(claims(aud="other", sub="unlogged"))
    ask(shared, bearer)
    ask(shared, wrong)
    assert "A Firebase token was refused: The token is for somebody else." in shared.log()
    for part in (*bearer.split("."), *wrong.split(".")):
        assert part not in shared.log()


def test_a_token_of_a_demo_is_no_id_token(shared):
    """It is the demo's to know; see test_demo_app.py."""
    headers = {"Authorization": f"Bearer {KEY1.sign(claims())}"}
    demo = shared.post("/demos", body(selectedApis=[api("not-deployed")]), headers=headers).json["_id"]
    token = shared.post(f"/demos/{demo}/app/token", headers=headers).json["token"]
    assert shared.post("/rest/not-deployed", {}, headers={"Authorization": f"Bearer {token}"}).status == 404
    assert ask(shared, token).detail == "The token of a demo calls the APIs of its demo and nothing else."
    assert ask(shared, "eind_x").detail == "This token of a demo is not known."
