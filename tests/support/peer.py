# SPDX-License-Identifier: Apache-2.0
"""An HTTP server in this process whose answers a test chooses."""

import base64
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit


class Request:
    """One request: `query` and `form` have the last value of each name."""

    def __init__(self, handler):
        url = urlsplit(handler.path)
        body = handler.rfile.read(int(handler.headers["Content-Length"] or 0)).decode()
        self.method, self.path, self.target = handler.command, url.path, handler.path
        self.query = {name: values[-1] for name, values in parse_qs(url.query, keep_blank_values=True).items()}
        self.form = {name: values[-1] for name, values in parse_qs(body, keep_blank_values=True).items()}
        self.headers = handler.headers
        self.bearer = (self.headers["Authorization"] or "").removeprefix("Bearer ")

    @property
    def basic(self):
        """(user, password) of an OAuth client, or None."""
        scheme, _, value = (self.headers["Authorization"] or "").partition(" ")
        if scheme != "Basic":
            return None
        return tuple(unquote(part) for part in base64.b64decode(value).decode().split(":", 1))


class Peer:
    """`answers` maps a path to what is answered: JSON, (status, JSON or text), (status, it, headers),
    or a function of the Request that returns one of these."""

    def __init__(self):
        peer = self
        self.answers, self.requests = {}, []

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self):
                peer.handle(self)

            do_GET = do_POST = handle_any

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def handle(self, handler):
        request = Request(handler)
        self.requests.append(request)
        answer = self.answers.get(request.path, (404, {"error": "not_found"}))
        if callable(answer):
            answer = answer(request)
        status, body, headers = (answer + ({},))[:3] if isinstance(answer, tuple) else (200, answer, {})
        body = body.encode() if isinstance(body, str) else body if isinstance(body, bytes) else json.dumps(body).encode()
        try:
            handler.send_response(status)
            for name, value in {"Content-Type": "application/json", "Content-Length": str(len(body)), **headers}.items():
                handler.send_header(name, value)
            handler.end_headers()
            handler.wfile.write(body)
        except OSError:
            pass  # who asked has had enough

    def asked(self, path):
        """The requests for this path so far."""
        return [request for request in self.requests if request.path == path]
