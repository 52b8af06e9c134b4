# SPDX-License-Identifier: Apache-2.0
"""Certificates of authorities of our own, and upstreams that show them."""

import http.server
import ssl
import subprocess
import threading


def openssl(*arguments, **options):
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True, **options)


def authority(folder, name):
    """A key and a certificate of an authority of our own: NAME.key, NAME.pem."""
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
            "-subj", f"/CN={name}", "-keyout", folder / f"{name}.key", "-out", folder / f"{name}.pem")  # fmt: skip


def certificate(folder, name, signed_by, days=2, host="localhost"):
    """NAME.chain for a host, its key included; with days < 0 it ended long ago."""
    openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", f"/CN={host}",
            "-keyout", folder / f"{name}.key", "-out", folder / f"{name}.csr")  # fmt: skip
    extensions = folder / f"{name}.ext"
    extensions.write_text(f"subjectAltName=DNS:{host}\n")
    openssl("x509", "-req", "-in", folder / f"{name}.csr", "-CA", folder / f"{signed_by}.pem", "-CAkey",
            folder / f"{signed_by}.key", "-CAcreateserial", "-days", days, "-extfile", extensions,
            "-out", folder / f"{name}.pem")  # fmt: skip
    chain = folder / f"{name}.chain"
    chain.write_bytes((folder / f"{name}.pem").read_bytes() + (folder / f"{name}.key").read_bytes())
    return chain


class Answer(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.server.seen.append(self.headers)
        self.send_response(200)
        self.send_header("Content-Length", len(self.server.answer))
        self.end_headers()
        self.wfile.write(self.server.answer)

    def log_message(self, *_):
        pass


class Quiet(http.server.ThreadingHTTPServer):
    def handle_error(self, *_):
        pass  # a client that does not trust us hangs up


def serve(chain, answer=b"secret"):
    """Answers every GET so; the headers of each are in `seen`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain)
    upstream = Quiet(("127.0.0.1", 0), Answer)
    upstream.answer, upstream.seen = answer, []
    upstream.socket = context.wrap_socket(upstream.socket, server_side=True)
    threading.Thread(target=upstream.serve_forever, daemon=True).start()
    return upstream
