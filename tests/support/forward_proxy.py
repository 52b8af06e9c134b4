# SPDX-License-Identifier: Apache-2.0
"""A forward proxy: absolute URLs and CONNECT.  Every host that it is asked for is this machine."""

import select
import socket
import socketserver
import threading
from urllib.parse import urlsplit


class _Client(socketserver.StreamRequestHandler):
    rbufsize = 0

    def handle(self):
        method, target, version = self.rfile.readline().decode().split()
        lines = list(iter(self.rfile.readline, b"\r\n"))
        self.server.seen.append((method, target, b"".join(lines).decode()))
        if self.server.refusal:
            return self.wfile.write(self.server.refusal)
        url = urlsplit(f"//{target}" if method == "CONNECT" else target)
        with socket.create_connection(("127.0.0.1", url.port)) as upstream:
            if method == "CONNECT":
                self.wfile.write(b"HTTP/1.1 200 Here you are\r\n\r\n")
            else:  # one request to a connection: the next may be for another host
                path = target.partition(url.netloc)[2]
                lines = [line for line in lines if not line.lower().startswith((b"connection:", b"proxy-"))]
                upstream.sendall(f"{method} {path} {version}\r\nConnection: close\r\n".encode() + b"".join(lines) + b"\r\n")
            self.carry(upstream)

    def carry(self, upstream):
        to = {self.connection: upstream, upstream: self.connection}
        while True:
            for at in select.select(list(to), [], [])[0]:
                data = at.recv(65536)
                if not data:
                    return
                to[at].sendall(data)


class ForwardProxy(socketserver.ThreadingTCPServer):
    """`seen`: (method, target, headers) of each request; what `refusal` says is answered instead of all."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Client)
        self.seen, self.refusal = [], None
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def address(self):
        return f"127.0.0.1:{self.server_address[1]}"

    def handle_error(self, *_):
        pass  # a client that leaves

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()
