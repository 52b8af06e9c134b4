# SPDX-License-Identifier: Apache-2.0
"""What agents fetch over TLS: authorities, names and dates are checked, whatever the agent asks for."""

import http.server
import ssl
import subprocess
import threading

import pytest
from support import Server

FETCH = "async def run(input_dict, tools):\n    return (await http_client.get(input_dict['url'])).text"


def openssl(*arguments, **options):
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True, **options)


def authority(folder, name):
    """A key and a certificate of an authority of our own: NAME.key, NAME.pem."""
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
            "-subj", f"/CN={name}", "-keyout", folder / f"{name}.key", "-out", folder / f"{name}.pem")  # fmt: skip


def certificate(folder, name, signed_by, days=2):
    """NAME.chain for localhost, its key included; with days < 0 it ended long ago."""
    openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=localhost",
            "-keyout", folder / f"{name}.key", "-out", folder / f"{name}.csr")  # fmt: skip
    extensions = folder / f"{name}.ext"
    extensions.write_text("subjectAltName=DNS:localhost\n")
    openssl("x509", "-req", "-in", folder / f"{name}.csr", "-CA", folder / f"{signed_by}.pem", "-CAkey",
            folder / f"{signed_by}.key", "-CAcreateserial", "-days", days, "-extfile", extensions,
            "-out", folder / f"{name}.pem")  # fmt: skip
    chain = folder / f"{name}.chain"
    chain.write_bytes((folder / f"{name}.pem").read_bytes() + (folder / f"{name}.key").read_bytes())
    return chain


class Answer(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "6")
        self.end_headers()
        self.wfile.write(b"secret")

    def log_message(self, *_):
        pass


class Quiet(http.server.ThreadingHTTPServer):
    def handle_error(self, *_):
        pass  # a client that does not trust us hangs up


def serve(chain):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain)
    upstream = Quiet(("127.0.0.1", 0), Answer)
    upstream.socket = context.wrap_socket(upstream.socket, server_side=True)
    threading.Thread(target=upstream.serve_forever, daemon=True).start()
    return upstream


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A server that trusts the authority `ours`, and upstreams by name."""
    folder = tmp_path_factory.mktemp("tls")
    authority(folder, "ours")
    authority(folder, "foreign")
    upstreams = {
        "good": serve(certificate(folder, "good", "ours")),
        "foreign": serve(certificate(folder, "unknown", "foreign")),
        "expired": serve(certificate(folder, "expired", "ours", days=-1)),
    }
    with Server("memory", sets=["egress.allow=[localhost, 127.0.0.1]", f"egress.ca_file={folder / 'ours.pem'}"]) as server:
        yield server.start(ready=True), upstreams
    for upstream in upstreams.values():
        upstream.shutdown()


def fetch(world, upstream, host="localhost", code=FETCH):
    server, upstreams = world
    url = f"https://{host}:{upstreams[upstream].server_port}/"
    return server.post("/agents/run-code", {"code": code, "inputDict": {"url": url}, "tools": {}}).json


def test_a_server_of_the_trusted_authority_is_reached(world):
    assert fetch(world, "good")["result"] == "secret"


def test_it_is_reached_over_connections_that_are_resumed(world):
    """The upstream closes each connection; the next one goes on with its session."""
    code = FETCH.replace("    ", "    for i in range(4): await http_client.get(input_dict['url'])\n    ", 1)
    for _ in range(3):
        assert fetch(world, "good", code=code)["result"] == "secret"


@pytest.mark.parametrize("upstream, host", [("foreign", "localhost"), ("expired", "localhost"), ("good", "127.0.0.1")])
def test_others_are_not(world, upstream, host):
    answer = fetch(world, upstream, host)
    assert answer["result"] is None
    assert answer["error"].startswith("ConnectError: ") and "certificate" in answer["error"].lower()


def test_an_agent_cannot_switch_it_off(world):
    code = FETCH.replace("http_client.get", "httpx.AsyncClient(verify=False).get")
    assert fetch(world, "foreign", code=code)["result"] is None
