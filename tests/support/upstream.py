#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""An HTTP/1.1 server that misbehaves on demand, for tests of the client.

Prints its port and ends when its standard input is closed.  The path says what to do; every
well-behaved reply names the connection (X-Connection) and the request on it (X-Request).
"""
import gzip
import itertools
import json
import socket
import struct
import sys
import threading
import time
from urllib.parse import parse_qs, unquote, urlsplit

connections = itertools.count(1)
gone = threading.Event()


class Closed(Exception):
    pass


class Connection:
    def __init__(self, sock):
        self.sock = sock
        self.file = sock.makefile("rb")
        self.number = next(connections)
        self.requests = 0

    def serve(self):
        try:
            while self.request():
                pass
        except (Closed, OSError, ValueError):
            pass
        finally:
            self.file.close()
            self.sock.close()

    def request(self):
        line = self.file.readline().decode("latin-1")
        if not line:
            return False
        self.requests += 1
        self.method, self.target, _ = line.split(" ", 2)
        self.headers = []
        while (line := self.file.readline().decode("latin-1").rstrip("\r\n")):
            name, value = line.split(":", 1)
            self.headers.append((name.lower(), value.strip()))
        url = urlsplit(self.target)
        self.query = {k: v[0] for k, v in parse_qs(url.query).items()}
        name = "do_" + url.path.strip("/").split("/")[0].replace("-", "_")
        getattr(self, name, self.do_missing)()
        return True

    def header(self, name):
        return next((v for n, v in self.headers if n == name), None)

    def body(self):
        if self.header("transfer-encoding") == "chunked":
            pieces = []
            while (size := int(self.file.readline(), 16)):
                pieces.append(self.file.read(size))
                self.file.readline()
            self.file.readline()
            return b"".join(pieces)
        return self.file.read(int(self.header("content-length") or 0))

    def send(self, data):
        self.sock.sendall(data.encode("latin-1") if isinstance(data, str) else data)

    def head(self, status=200, headers=(), length=None):
        lines = [f"HTTP/1.1 {status} Because", f"X-Connection: {self.number}",
                 f"X-Request: {self.requests}"]
        lines += [f"{n}: {v}" for n, v in headers]
        if length is not None:
            lines.append(f"Content-Length: {length}")
        self.send("\r\n".join(lines) + "\r\n\r\n")

    def reply(self, body, status=200, headers=()):
        body = body.encode() if isinstance(body, str) else body
        self.head(status, headers, len(body))
        if self.method != "HEAD":
            self.send(body)

    def wait(self):
        """Until the client has gone."""
        self.sock.settimeout(120)
        if not self.file.read(1):
            gone.set()
        raise Closed

    def do_missing(self):
        self.body()
        self.reply("no such thing", 404)

    def do_hello(self):
        self.body()
        self.reply("hello")

    def do_echo(self):
        if self.header("expect") and "refuse" in self.query:
            self.head(417, [("Connection", "close")], 0)
            raise Closed
        if self.header("expect"):
            self.send("HTTP/1.1 100 Continue\r\n\r\n")
        body = self.body()
        self.reply(json.dumps({"method": self.method, "target": self.target,
                               "headers": self.headers, "length": len(body),
                               "sum": sum(body), "body": body[:1000].decode("latin-1")}))

    def do_headers(self):
        self.reply("ok", headers=[("X-Two", "a"), ("X-TWO", "b"), ("Set-Cookie", "a=1"),
                                  ("Set-Cookie", "b=2"), ("X-Latin", "caf\xe9"), ("X-Empty", "")])

    def do_slow_head(self):
        time.sleep(float(self.query["s"]))
        self.reply("late")

    def do_silent(self):
        self.wait()

    def do_slow_body(self):
        self.head(length=10)
        for i in range(10):
            time.sleep(float(self.query["s"]))
            self.send(str(i))

    def do_stall(self):
        self.head(length=100)
        self.send("some")
        self.wait()

    def do_reset(self):
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        if "late" in self.query:
            self.head(length=100)
            self.send("some")
        raise Closed

    def do_close(self):
        raise Closed

    def do_truncated(self):
        self.head(length=100, headers=[("Connection", "close")])
        self.send("only this")
        raise Closed

    def do_chunked(self):
        self.head(headers=[("Transfer-Encoding", "chunked"), ("Trailer", "X-After")])
        for word in ("one ", "two ", "three"):
            self.send(f"{len(word):x}\r\n{word}\r\n")
        self.send("0\r\nX-After: trailer\r\n\r\n")

    def do_big_trailer(self):
        self.head(headers=[("Transfer-Encoding", "chunked")])
        self.send("3\r\none\r\n0\r\n")
        for i in range(10000):
            self.send(f"X-{i}: {'x' * 1000}\r\n")
        self.send("\r\n")

    def do_behind(self):
        """A reply, and a moment later one that nobody asked for."""
        self.reply("asked")
        time.sleep(0.05)
        self.reply("not asked")

    def do_early(self):
        """103 before the real head."""
        self.send("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")
        self.reply("after")

    def do_garbage(self):
        self.send("SSH-2.0-OpenSSH\r\n\r\n")
        raise Closed

    def do_gzip(self):
        body = gzip.compress(b"small" if "bomb" not in self.query else bytes(64 << 20))
        self.reply(body, headers=[("Content-Encoding", "gzip")])

    def do_big(self):
        size = int(self.query["n"])
        if "hide" in self.query:
            self.head(headers=[("Connection", "close")])
        else:
            self.head(length=size)
        piece = b"x" * 65536
        while size > 0:
            self.send(piece[:size])
            size -= len(piece)
        if "hide" in self.query:
            raise Closed

    def do_big_head(self):
        self.send("HTTP/1.1 200 OK\r\n")
        for i in range(10240):
            self.send(f"X-{i}: {'h' * 1000}\r\n")
        self.send("Content-Length: 0\r\n\r\n")

    def do_redirect(self):
        self.body()
        left = int(self.query["n"])
        to = f"/redirect?n={left - 1}" if left > 1 else "/hello"
        self.reply("moved", 302, [("Location", to)])

    def do_to(self):
        self.body()
        self.reply("moved", int(self.query.get("status", 302)),
                   [("Location", unquote(self.query["url"]))])

    def do_loop(self):
        self.reply("again", 302, [("Location", "/loop")])

    def do_no_location(self):
        self.reply("where?", 302)

    def do_endless(self):
        self.head()
        try:
            while True:
                self.send(b"y" * 65536)
        except OSError:
            gone.set()
            raise

    def do_gone(self):
        """Whether a client of /silent, /stall or /endless has left; waits for it."""
        self.reply("yes" if gone.wait(60) else "no")
        gone.clear()


def main():
    server = socket.create_server(("127.0.0.1", 0), backlog=64)
    print(server.getsockname()[1], flush=True)
    threading.Thread(target=accept, args=(server,), daemon=True).start()
    sys.stdin.read()


def accept(server):
    while True:
        sock, _ = server.accept()
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=Connection(sock).serve, daemon=True).start()


main()
