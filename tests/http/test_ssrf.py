# SPDX-License-Identifier: Apache-2.0
"""Nobody makes the server ask where only the server may: every place that takes a URL, every way to write one.

A place is a function of a server and URLs that gives, for each URL, what the server said of it; None is a success.
"""

import functools
import json
import subprocess

import pytest
from agents import unique
from support import TESTS
from vendor import Vendor, raw, whole
from vendor_formats import ANTHROPIC, Said, anthropic

PUBLIC = "127.0.0.2"  # what the operator allows stands for the world
DENIED = "egress.allow does not allow"


# ---- places --------------------------------------------------------------------------


def by_post(path, member, server, urls):
    replies = [server.post(path, {member: url}) for url in urls]
    assert {reply.status for reply in replies} <= {200, 400, 502}, replies
    return [None if reply.status == 200 else reply.detail for reply in replies]


def by_agent(call, server, urls):
    """Each URL in turn, in one run."""
    code = ("import httpx\nasync def run(input_dict, tools):\n    said = []\n    for url in input_dict['urls']:\n        try:\n"
            f"            {call}\n            said.append(None)\n        except Exception as e:\n"
            "            said.append(f'{type(e).__name__}: {e}')\n    return {'said': said}")  # fmt: skip
    reply = server.post("/agents/run-code", {"code": code, "inputDict": {"urls": urls}, "tools": {}})
    assert reply.status == 200 and reply.json["error"] is None, reply
    return reply.json["result"]["said"]


PLACES = {
    "POST /specs/fetch": functools.partial(by_post, "/specs/fetch", "url"),
    "POST /mcp/tools": functools.partial(by_post, "/mcp/tools", "mcp_url"),
    "http_client": functools.partial(by_agent, "(await http_client.get(url)).raise_for_status()"),
    "httpx": functools.partial(by_agent, "httpx.post(url, content=b'x', follow_redirects=True).raise_for_status()"),
    "RemoteMCPClient": functools.partial(by_agent, "await RemoteMCPClient(url).list_tools()"),
    "RemoteMCPClient.call": functools.partial(by_agent, "await RemoteMCPClient(url).call('tool')"),
}


@pytest.fixture(params=PLACES)
def place(request):
    return PLACES[request.param]


@pytest.fixture(scope="module")
def the_secret():
    with Vendor() as vendor:
        yield vendor


@pytest.fixture
def secret(the_secret):
    """What only this machine may ask; it must see nobody."""
    before = the_secret.connections
    yield the_secret
    assert the_secret.connections == before


@pytest.fixture(scope="module")
def server(start_module):
    """Nothing is allowed."""
    return start_module(backend="memory", ready=True)


@pytest.fixture(scope="module")
def the_world(the_secret):
    """Listens on the secret's port, on another address."""
    with Vendor(the_secret.port, PUBLIC) as vendor:
        yield vendor


@pytest.fixture
def world(the_world):
    the_world.forget()
    return the_world


@pytest.fixture(scope="module")
def names(tmp_path_factory):
    """names("turn.test 127.0.0.2", ...): what lookups are answered from now on, one after the other."""
    folder = tmp_path_factory.mktemp("names")
    subprocess.run(["cc", "-shared", "-fPIC", "-D_GNU_SOURCE", "-o", folder / "names.so",
                    TESTS / "http" / "plugins" / "names.c", "-ldl"], check=True)  # fmt: skip
    (folder / "names").touch()

    class Names:
        env = {"LD_PRELOAD": str(folder / "names.so"), "EIN_TEST_NAMES": str(folder / "names"),
               "ASAN_OPTIONS": "verify_asan_link_order=0"}  # fmt: skip

        def add(self, *answers):
            """A name that nobody has looked up; its lookups are answered in this order."""
            name = unique("n").replace("_", "-") + ".test"
            with open(folder / "names", "a") as file:
                file.write("".join(f"{name} {answer}\n" for answer in answers))
            return name

        def asked(self, name):
            return (folder / "names.asked").read_text().split().count(name)

    return Names()


@pytest.fixture(scope="module")
def world_server(start_module, names):
    """127.0.0.2 is allowed, 127.0.0.1 is not."""
    return start_module(backend="memory", sets=[f"egress.allow=[{PUBLIC}]"], env=names.env, ready=True)


# ---- ways to write an address ----------------------------------------------------------

LOOPBACK = [
    "127.0.0.1", "127.1", "127.0.1", "2130706433", "0x7f000001", "0x7F.1", "0x7f.0x0.0x0.0x1", "0177.0.0.1", "017700000001",
    "0177.0.0.0x1", "127.0.0.1.", "127.1.2.3", "localhost", "LocalHost", "localhost.", "0", "0.0.0.0", "0x0", "00", "[::1]", "[::]",
    "[0:0:0:0:0:0:0:1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::FFFF:0:127.0.0.1]", "[::127.0.0.1]", "[64:ff9b::127.0.0.1]",
    "[64:ff9b::7f00:1]", "[64:ff9b:1::127.0.0.1]", "[2002:7f00:1::]", "[2001:0:7f00:1::]", "%31%32%37.0.0.1", "127%2e0%2e0%2e1",
    "\u2460\u2461\u2466.\u24ea.\u24ea.\u2460", "127\u30020\u30020\u30021", "\uff11\uff12\uff17.0.0.1",
]  # fmt: skip
INNER = [
    "169.254.169.254", "0xA9FEA9FE", "2852039166", "0251.0376.0251.0376", "169.254.43518", "[::ffff:169.254.169.254]", "[::ffff:a9fe:a9fe]",
    "[fd00:ec2::254]", "[fe80::1]", "[fe80::1%25lo]", "[fec0::1]", "10.0.0.1", "012.1.1.1", "172.16.0.1", "172.31.255.255", "192.168.0.1",
    "3232235521", "100.64.0.1", "100.100.100.200", "192.0.0.192", "192.0.2.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1",
    "255.255.255.255", "240.0.0.1", "[fc00::1]", "[ff02::1]", "[2001:db8::1]", "[64:ff9b::a00:1]", "[2002:a00:1::1]",
]  # fmt: skip
NOT_HTTP = [
    "file:///etc/passwd", "file://localhost/etc/passwd", "FILE:///etc/passwd", "gopher://127.0.0.1:{port}/_GET%20/", "dict://127.0.0.1:{port}/x",
    "ftp://127.0.0.1:{port}/", "ldap://127.0.0.1:{port}/", "tftp://127.0.0.1:{port}/x", "smb://127.0.0.1:{port}/x", "telnet://127.0.0.1:{port}",
    "data:application/json,{{}}", "jar:http://127.0.0.1:{port}!/", "unix:///run/x", "ws://127.0.0.1:{port}/", "//127.0.0.1:{port}/",
    "127.0.0.1:{port}", "javascript:1", "view-source:http://127.0.0.1:{port}/",
]  # fmt: skip
DISGUISED = [
    "http://user:pass@127.0.0.1:{port}/", "http://127.0.0.1:{port}@127.0.0.1:{port}/", "http://public.example@127.0.0.1:{port}/",
    "http://public.example:80@127.0.0.1:{port}/", "http://@127.0.0.1:{port}/", "http://127.0.0.1:{port}\\@public.invalid/",
    "http://127.0.0.1:{port}#@public.invalid/", "http://127.0.0.1:{port}?@public.invalid/", "http://public.invalid#@127.0.0.1:{port}/",
    "http:\\\\127.0.0.1:{port}/", "http:/127.0.0.1:{port}/", "http:127.0.0.1:{port}", "http:///127.0.0.1:{port}/", " http://127.0.0.1:{port}/",
    "http://127.0.0.1:{port}/\r\nX: y", "http://127.0.0.1:{port}\r\n/", "http://127.0.0.1\t:{port}/", 
    "http://[127.0.0.1]:{port}/", "http://[::1:{port}/", "http://[::ffff:127.0.0.1%25lo]:{port}/", "HTTP://127.0.0.1:{port}/", "https://127.0.0.1:{port}/",
    "http://127.0.0.1:0{port}/", "http://127.0.0.1:99999/", "http://127.0.0.1:-1/", "http://127.0.0.1:/", "http://:{port}/", "http://",
    "http://127.0.0.1:{port}%2f@public.invalid/", "http://public.invalid%2f@127.0.0.1:{port}/", "http://public.invalid%00@127.0.0.1:{port}/",
]  # fmt: skip


def test_loopback_in_every_form(server, place, secret):
    urls = [f"http://{host}:{secret.port}/" for host in LOOPBACK]
    for url, said in zip(urls, place(server, urls), strict=True):
        assert said, url
    said = place(server, [f"http://127.1:{secret.port}/x"])
    assert f"127.0.0.1 is a loopback address, which {DENIED}" in said[0]


def test_addresses_that_are_not_public(server, place, secret):
    urls = [f"http://{host}{path}" for host in INNER for path in ("/", ":8080/latest/meta-data/")]
    for url, said in zip(urls, place(server, urls), strict=True):
        assert said and (DENIED in said or "[fe80::1%25lo]" in url), (url, said)


def test_other_schemes(server, place, secret):
    urls = [url.format(port=secret.port) for url in NOT_HTTP]
    for url, said in zip(urls, place(server, urls), strict=True):
        assert said and "root:" not in said, (url, said)


def test_a_nul_character_in_a_url(server):
    for path, member in [("/specs/fetch", "url"), ("/mcp/tools", "mcp_url")]:
        reply = server.post(path, {member: "http://127.0.0.1\u0000.public.invalid/"})
        assert reply.status == 422 and "NUL" in reply.text


def test_disguises(server, place, secret):
    urls = [url.format(port=secret.port) for url in DISGUISED]
    for url, said in zip(urls, place(server, urls), strict=True):
        assert said, url


def test_credentials_in_a_url_are_refused_where_the_host_is_not(world_server, place, world):
    said = place(world_server, [f"http://user:pass@{PUBLIC}:{world.port}/", f"http://user@{PUBLIC}:{world.port}/"])
    assert all("may not carry a user name or password" in one and "pass@" not in one for one in said), said
    assert world.requests == []


# ---- the server itself ------------------------------------------------------------------


def test_the_server_itself_even_where_its_address_is_allowed(start_server, place):
    server = start_server(backend="memory", sets=["egress.allow=[127.0.0.0/8, localhost, '::1']"], ready=True)
    hosts = ["127.0.0.1", "127.1", "2130706433", "localhost", "[::ffff:127.0.0.1]"]
    said = place(server, [f"http://{host}:{server.port}/health" for host in hosts])
    assert all("is this server itself" in one for one in said), said


# ---- redirects ---------------------------------------------------------------------------


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_inward(world_server, place, world, secret, status):
    inward = [f"http://127.0.0.1:{secret.port}/", f"http://localhost:{secret.port}/", "http://169.254.169.254/latest/meta-data/",
              f"//127.1:{secret.port}/", "http://[::1]/", f"http://{PUBLIC}:{world_server.port}@127.0.0.1:{secret.port}/", "file:///etc/passwd",
              f"gopher://127.0.0.1:{secret.port}/"]  # fmt: skip
    for i, location in enumerate(inward):
        world.answer(f"/to/{i}", whole("", status, {"Location": location}))
    said = place(world_server, [f"http://{PUBLIC}:{world.port}/to/{i}" for i in range(len(inward))])
    assert all(said), said
    assert world.requests  # it was asked, and not believed


def test_redirects_to_the_server_itself(world_server, place, world):
    world.answer("*", whole("", 302, {"Location": f"http://127.0.0.1:{world_server.port}/health"}))
    assert "is this server itself" in place(world_server, [f"http://{PUBLIC}:{world.port}/"])[0]


def test_a_redirect_that_comes_after_many(world_server, world, secret):
    """Each hop is checked, not the first alone."""
    world.answer("/1", whole("", 302, {"Location": "/2"})).answer("/2", whole("", 302, {"Location": f"http://127.0.0.1:{secret.port}/"}))
    said = PLACES["POST /specs/fetch"](world_server, [f"http://{PUBLIC}:{world.port}/1"])
    assert DENIED in said[0]


# ---- names --------------------------------------------------------------------------------


@pytest.mark.parametrize("address", ["127.0.0.1", "::ffff:127.0.0.1", "::1", "10.0.0.1", "169.254.169.254", "64:ff9b::7f00:1", "fe80::1"])
def test_a_name_that_leads_inward(world_server, place, names, secret, address):
    name = names.add(address)
    said = place(world_server, [f"http://{name}:{secret.port}/"])
    assert DENIED in said[0] and names.asked(name) > 0


def test_a_name_that_leads_here_and_there(world_server, place, names, world, secret):
    name = names.add(f"127.0.0.1,{PUBLIC}", f"{PUBLIC},127.0.0.1")
    place(world_server, [f"http://{name}:{secret.port}/"])
    place(world_server, [f"http://{name}:{secret.port}/"])
    assert names.asked(name) > 0  # and `secret` has seen nobody


def test_a_name_that_changes_between_check_and_use(world_server, place, names, world, secret):
    """The first lookup leads to the world, each one after that inward: what counts is the address that is connected to.
    A port of its own makes it another lookup; that of before is kept for a minute."""
    name = names.add(PUBLIC, "127.0.0.1")
    world.answer("*", whole({}))
    place(world_server, [f"http://{name}:{world.port}/"])
    asked = len(world.requests)
    with Vendor() as other:
        said = place(world_server, [f"http://{name}:{other.port}/", f"http://{name}:{world.port}/"])
        assert f"127.0.0.1 is a loopback address, which {DENIED}" in said[0] and other.connections == 0
    assert names.asked(name) == 2 and len(world.requests) > asked > 0


def test_a_redirect_to_a_name_that_leads_inward(world_server, place, names, world, secret):
    name = names.add("127.0.0.1")
    world.answer("*", whole("", 302, {"Location": f"http://{name}:{secret.port}/"}))
    assert DENIED in place(world_server, [f"http://{PUBLIC}:{world.port}/"])[0] and names.asked(name) > 0


# ---- what another server says --------------------------------------------------------------


def endpoint(to, request):
    if request.method != "GET":
        return whole("", 405)
    return raw("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n" + f"event: endpoint\ndata: {to}\n\n")


@pytest.mark.parametrize("place", ["POST /mcp/tools", "RemoteMCPClient"])
def test_an_mcp_server_that_names_another_address(world_server, world, secret, place):
    """HTTP+SSE: where to post is the server's word."""
    for i, to in enumerate([f"http://127.0.0.1:{secret.port}/", f"//127.0.0.1:{secret.port}/", "http://169.254.169.254/", "file:///etc/passwd"]):
        world.answer(f"/sse{i}", functools.partial(endpoint, to))
        assert PLACES[place](world_server, [f"http://{PUBLIC}:{world.port}/sse{i}"])[0]


def test_an_openapi_document_is_never_followed(server, secret):
    """Neither a $ref, nor a server, nor where it is said to come from."""
    url = f"http://127.0.0.1:{secret.port}/x.json"
    document = {"openapi": "3.1.0", "servers": [{"url": url}], "externalDocs": {"url": url}, "paths": {
        "/a": {"$ref": url}, "/b": {"get": {"parameters": [{"$ref": url}], "requestBody": {"$ref": url},
                                            "responses": {"200": {"content": {"application/json": {"schema": {"$ref": url + "#/A"}}}}}}}}}  # fmt: skip
    reply = server.post("/specs/operations", {"content": json.dumps(document), "baseUrl": url})
    assert reply.status == 200 and len(reply.json["notes"]) == 4, reply


def test_a_host_header_of_the_agents_own(world_server, world):
    """What it is sent with says where it goes."""
    world.answer("*", whole({}))
    url = f"http://{PUBLIC}:{world.port}/"
    assert by_agent("await http_client.get(url, headers={'Host': '169.254.169.254'})", world_server, [url]) == [None]
    assert world.last.headers["host"] == f"{PUBLIC}:{world.port}"


def test_a_picture_by_url_is_for_the_vendor_to_fetch(start_server, secret):
    """The server passes the URL on; it does not look itself."""
    with Vendor() as vendor:
        vendor.answer(ANTHROPIC, anthropic(Said("Seen")))
        server = start_server(backend="memory", env={"ANTHROPIC_API_KEY": "sk-ant-secret", "ANTHROPIC_BASE_URL": vendor.url})
        picture = {"type": "image_url", "image_url": {"url": f"{secret.url}/picture.png"}}
        asked = {"model": "anthropic/claude-sonnet-4-5-20250929", "messages": [{"role": "user", "content": [picture]}]}
        reply = server.post("/v1/chat/completions", asked)
        assert reply.status == 200 and f"{secret.url}/picture.png" in vendor.last.body.decode(), reply


def test_what_the_composer_asks_on_its_way(start_server, secret):
    """It lists the tools of MCP servers, and reads documents that name servers."""
    url = f"http://127.0.0.1:{secret.port}/mcp"
    document = {"openapi": "3.1.0", "servers": [{"url": url}], "paths": {"/a": {"get": {"parameters": [{"$ref": url}]}}}}
    with Vendor() as vendor:
        vendor.answer(ANTHROPIC, anthropic(Said("no code")))
        server = start_server(backend="memory", env={"ANTHROPIC_API_KEY": "sk-ant-secret", "ANTHROPIC_BASE_URL": vendor.url}, ready=True)
        reply = server.post("/agents/generate-code", {
            "description": "d", "tools": {url: ["t"], "http://169.254.169.254/": []}, "inputSchema": {}, "outputSchema": {},
            "swaggerSpecs": [{"name": "s", "content": json.dumps(document)}],
            "modelConfig": {"provider": "anthropic", "model": "claude-sonnet-4-5-20250929", "parameters": {}}})  # fmt: skip
        assert reply.status == 502 and vendor.requests, reply  # it came as far as the model
