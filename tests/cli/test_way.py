# SPDX-License-Identifier: Apache-2.0
"""The way to a server: proxies, authorities, and keys that others could read."""

import json

import pytest
from certificates import authority, certificate, serve
from forward_proxy import ForwardProxy
from shell import FAILED, NOBODY, USAGE, Shell, kept

ME = json.dumps({"uid": "me"}).encode()


@pytest.fixture
def proxy():
    with ForwardProxy() as proxy:
        yield proxy


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """Servers by name, and the folder of certificates."""
    folder = tmp_path_factory.mktemp("tls")
    authority(folder, "ours")
    authority(folder, "foreign")
    chains = {
        "good": certificate(folder, "good", "ours"),
        "named": certificate(folder, "named", "ours", host="server.test"),
        "expired": certificate(folder, "expired", "ours", days=-1),
    }
    servers = {name: serve(chain, ME) for name, chain in chains.items()}
    yield servers, folder
    for server in servers.values():
        server.shutdown()


def https(server, host="localhost"):
    return f"https://{host}:{server.server_port}"


# ---- proxies ----


def test_a_proxy_carries_every_command(stranger, key, proxy):
    url = f"http://server.test:{stranger.server.port}"
    stranger.env["http_proxy"] = f"http://me:secret@{proxy.address}"
    assert stranger.good("login", url, "--plain-http", "--key-file", "-", text=key) == f"dev_stub:alice at {url}\n"
    method, target, headers = proxy.seen[-1]
    assert (method, target) == ("GET", f"{url}/auth/me")
    assert "Proxy-Authorization: Basic bWU6c2VjcmV0\r\n" in headers and f"Authorization: Bearer {key}\r\n" in headers
    stranger.write_agent("carried")
    assert json.loads(stranger.good("run", "./carried", '{"n": 1}')) == {"twice": 2}
    assert proxy.seen[-1][:2] == ("POST", f"{url}/agents/run-code/stream")

    proxy.refusal = b"HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n"
    status, _, said = stranger.run("agents")
    assert status == FAILED and said == f"einion: {url} answers 407, but not as einion does\n"


@pytest.mark.parametrize("variable", ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"])
def test_what_is_encrypted_passes_a_proxy_unread(tmp_path, world, proxy, variable):
    (servers, folder), shell = world, Shell(tmp_path, **{variable: proxy.address})
    url = https(servers["named"], "server.test")
    shell.good("whoami", "--server", url, "--cacert", str(folder / "ours.pem"), env={"EINION_API_KEY": "hidden"})
    assert servers["named"].seen[-1]["Authorization"] == "Bearer hidden"
    assert [(method, target) for method, target, _ in proxy.seen] == [("CONNECT", url.removeprefix("https://"))]
    assert "hidden" not in proxy.seen[0][2]


def test_what_is_here_or_excepted_goes_by_no_proxy(stranger, proxy):
    port = stranger.server.port
    env = {name: f"http://{proxy.address}" for name in ("http_proxy", "https_proxy", "all_proxy")}
    for url in (f"http://127.0.0.1:{port}", f"http://localhost:{port}"):
        assert "does not know you" in stranger.run("whoami", "--server", url, env=env)[2]
    url = f"http://0.0.0.0:{port}"  # this machine for the kernel, but for nobody's rules
    for name in ("no_proxy", "NO_PROXY"):
        stranger.run("whoami", "--server", url, env=env | {name: "example.org,0.0.0.0"})
    stranger.run("whoami", "--server", url, env={"HTTP_PROXY": env["http_proxy"]})
    assert proxy.seen == []
    stranger.run("whoami", "--server", url, env=env)
    assert [target for _, target, _ in proxy.seen] == [f"{url}/auth/me"]


def test_a_proxy_that_does_not_help_is_named(stranger, proxy):
    said = {}
    for refusal in (b"HTTP/1.1 403 No\r\n\r\n", b"nonsense\r\n\r\n"):
        proxy.refusal = refusal
        status, _, said[refusal] = stranger.run("whoami", "--server", "https://server.test", env={"https_proxy": proxy.address})
        assert status == NOBODY and said[refusal].startswith("einion: https://server.test cannot be reached (a proxy is set): ")
    assert "403" in said[b"HTTP/1.1 403 No\r\n\r\n"]


# ---- authorities ----


def test_an_authority_is_given_once(tmp_path, world):
    (servers, folder), shell = world, Shell(tmp_path)
    url, own = https(servers["good"]), tmp_path / "own"
    own.mkdir()
    (own / "ca.pem").write_bytes((folder / "ours.pem").read_bytes())
    assert shell.good("login", url, "--cacert", "own/ca.pem", env={"EINION_API_KEY": "k"}) == f"me at {url}\n"
    assert json.loads(kept(shell).read_text())["servers"][url.removeprefix("https://")]["ca"] == str(own / "ca.pem")
    shell.home = own  # another folder to be in
    assert shell.good("whoami") == f"me at {url}\n"
    (own / "ca.pem").rename(own / "gone.pem")
    status, _, said = shell.run("whoami")
    assert (status, said) == (USAGE, f"einion: --cacert, EINION_CA: {own}/ca.pem: No such file or directory\n")
    assert shell.good("whoami", env={"EINION_CA": "gone.pem"}) == f"me at {url}\n"
    (own / "ca.pem").write_text("no certificate")
    assert shell.run("whoami")[0] == USAGE


@pytest.mark.parametrize(
    ("name", "host", "ca", "why"),
    [
        ("good", "localhost", None, "issuer"),
        ("good", "localhost", "foreign.pem", "issuer"),
        ("good", "127.0.0.1", "ours.pem", "name"),
        ("expired", "localhost", "ours.pem", "expired"),
    ],
)
def test_who_does_not_prove_who_it_is_gets_no_key(tmp_path, world, name, host, ca, why):
    (servers, folder), trusting = world, ["--cacert", str(world[1] / ca)] if ca else []
    before = len(servers[name].seen)
    status, _, said = Shell(tmp_path).run("login", https(servers[name], host), *trusting, env={"EINION_API_KEY": "k"})
    assert status == NOBODY and why in said and said.count("\n") == 1
    assert len(servers[name].seen) == before


# ---- keys that others could read ----

ELSEWHERE = ["0.0.0.0", "10.1.2.3", "server.test", "127.0.0.1.server.test", "localhost.test", "[2001:db8::1]", "[::ffff:10.1.2.3]"]


@pytest.mark.parametrize("host", ELSEWHERE)
def test_no_login_over_http_but_on_this_machine(tmp_path, host):
    status, _, said = Shell(tmp_path).run("login", f"http://{host}:1", env={"EINION_API_KEY": "k"})
    assert status == USAGE and "use https" in said and "--plain-http" in said and said.count("\n") == 1


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "localhost", "LocalHost", "a.localhost", "[::1]"])
def test_this_machine_may_be_asked_over_http(tmp_path, host):
    status, _, said = Shell(tmp_path).run("login", f"http://{host}:1", env={"EINION_API_KEY": "k"})
    assert status == NOBODY and "https" not in said


def test_who_knows_that_a_key_can_be_read_may_send_it(stranger, key):
    url = f"http://0.0.0.0:{stranger.server.port}"
    status, _, said = stranger.run("login", url)
    assert status == USAGE and "--plain-http" in said and not kept(stranger).exists()
    assert stranger.run("login", url, "--plain-http", "--key-file", "-", text=key)[::2] == (0, "")
    assert stranger.run("agents")[::2] == (0, "")
    stranger.good("logout")
    status, _, said = stranger.run("agents", env={"EINION_URL": url, "EINION_API_KEY": key})
    assert (status, said) == (0, f"einion: the API key goes to {url} over http, and can be read on the way: use https\n")
