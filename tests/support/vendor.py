# SPDX-License-Identifier: Apache-2.0
"""A vendor of models in this process: what it answers is scripted byte for byte.

    with Vendor() as vendor:
        vendor.answer("/v1/chat/completions", sse({"choices": []}, "[DONE]"))
        ... vendor.url ... vendor.requests[0].json ...

`answer(PATTERN, REPLY, ...)`: requests whose path fits the pattern (fnmatch) get one reply after
the other, and the last one again and again.  A reply is a Reply, or a function of the Request that
returns one.  The format of each vendor is in vendor_formats.py.

A Reply is a list of steps that come one after the other on the wire:

    bytes, str     sent as they are; in a chunked body each is one chunk
    Gate()         waits until the test opens it
    STALL          sends nothing more, and keeps the connection until the client leaves
    RESET          the connection is reset
    CUT            the connection is closed, whatever was promised
    HALF           the sending side is closed; the client may still send
"""

import email.utils
import fnmatch
import gzip
import json
import os
import select
import socket
import struct
import threading
from urllib.parse import parse_qsl, unquote, urlsplit


class _Step:
    """A step that is not to be sent."""


STALL, RESET, CUT, HALF = _Step(), _Step(), _Step(), _Step()
_END = _Step()  # of a chunked body


class Gate:
    """Holds a reply back until open()."""

    def __init__(self):
        self._read, self._write = os.pipe()
        self.reached = threading.Event()  # the reply has come as far as this

    def open(self):
        os.write(self._write, b"x")

    def fileno(self):
        return self._read

    def __del__(self):
        os.close(self._read)
        os.close(self._write)


class Reply:
    def __init__(self, steps, chunked=False):
        self.steps, self.chunked = list(steps), chunked


class Request:
    """One request: header names are in lower case, `query` has the last value of each name."""

    def __init__(self, method, target, headers, body, connection):
        url = urlsplit(target)
        self.method, self.target, self.path = method, target, unquote(url.path)
        self.raw_path, self.query = url.path, dict(parse_qsl(url.query, keep_blank_values=True))
        self.headers, self.body, self.connection = headers, body, connection

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def bearer(self):
        return self.headers.get("authorization", "").removeprefix("Bearer ")

    def __repr__(self):
        return f"<{self.method} {self.target} {self.body[:300]!r}>"


# ---- replies ----------------------------------------------------------------------


def _bytes(value):
    if isinstance(value, (bytes, Gate, _Step)):
        return value
    return value.encode() if isinstance(value, str) else json.dumps(value, ensure_ascii=False).encode()


def _head(status, headers):
    lines = [f"HTTP/1.1 {status} Because"] + [f"{name}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def raw(*steps):
    """Exactly these steps, head of the reply and all."""
    return Reply([_bytes(step) for step in steps])


def whole(value, status=200, headers=(), compress=False):
    """A reply with its length: JSON, text or bytes."""
    body = _bytes(value)
    kind = "text/plain" if isinstance(value, str) else "application/json"
    fields = {"Content-Type": kind, **dict(headers)}
    if compress:
        body, fields = gzip.compress(body), fields | {"Content-Encoding": "gzip"}
    return Reply([_head(status, fields | {"Content-Length": len(body)}), body])


def stream(*pieces, kind="application/octet-stream", status=200, headers=(), chunked=True, compress=False):
    """A body in pieces.  Not chunked: it ends where the connection does."""
    fields = {"Content-Type": kind, **dict(headers)}
    pieces = [_bytes(piece) for piece in pieces]
    if compress:
        pieces, fields = [gzip.compress(b"".join(pieces))], fields | {"Content-Encoding": "gzip"}
    fields["Transfer-Encoding" if chunked else "Connection"] = "chunked" if chunked else "close"
    return Reply([_head(status, fields), *pieces, _END if chunked else CUT], chunked)


def event(value, name=None):
    """The bytes of one server-sent event."""
    if isinstance(value, (bytes, Gate, _Step)):
        return value
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return (f"event: {name}\n" if name else "").encode() + f"data: {text}\n\n".encode()


def sse(*events, named=False, **options):
    """Events with JSON or text; bytes go out as they are.  `named`: each bears its own `type`."""
    return stream(*(event(value, value["type"] if named and isinstance(value, dict) else None) for value in events),
                  kind="text/event-stream", **options)  # fmt: skip


def ndjson(*lines, **options):
    pieces = [_bytes(line) + b"\n" if isinstance(line, (dict, list)) else line for line in lines]
    return stream(*pieces, kind="application/x-ndjson", **options)


def in_pieces(reply, size):
    """The same bytes behind the head in pieces of so many."""
    body = b"".join(step for step in reply.steps[1:] if isinstance(step, bytes))
    pieces = [body[at : at + size] for at in range(0, len(body), size)]
    return Reply([reply.steps[0], *pieces, *[step for step in reply.steps[1:] if not isinstance(step, bytes)]],
                 reply.chunked)  # fmt: skip


def http_date(seconds):
    return email.utils.formatdate(seconds, usegmt=True)


# ---- the server -------------------------------------------------------------------


class _Over(Exception):
    """The connection is done with."""


class _Left(_Over):
    """The client has closed it."""


class _Connection:
    def __init__(self, vendor, sock, number):
        self.vendor, self.sock, self.number = vendor, sock, number
        self.file = sock.makefile("rb")

    def serve(self):
        try:
            while self.request():
                pass
        except _Left:
            self.vendor.note_left()
        except (_Over, ValueError):
            pass
        except OSError:  # a client that leaves while it is sent to
            self.vendor.note_left()
        finally:
            self.file.close()
            self.sock.close()

    def request(self):
        line = self.file.readline().decode("latin-1")
        if not line:
            return False
        method, target, _ = line.split(" ", 2)
        headers = {}
        while line := self.file.readline().decode("latin-1").rstrip("\r\n"):
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        if headers.get("expect", "").lower() == "100-continue":
            self.sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        request = Request(method, target, headers, self.body(headers), self.number)
        self.send(self.vendor.take(request))
        return headers.get("connection", "").lower() != "close"

    def body(self, headers):
        if headers.get("transfer-encoding", "").lower() != "chunked":
            return self.file.read(int(headers.get("content-length") or 0))
        pieces = []
        while size := int(self.file.readline(), 16):
            pieces.append(self.file.read(size))
            self.file.readline()
        self.file.readline()
        return b"".join(pieces)

    def send(self, reply):
        # What comes before a stall comes at once: no limit of time may end between its pieces.
        at_once, held = STALL in reply.steps, b""
        for at, step in enumerate(reply.steps):
            if at_once and isinstance(step, bytes):
                held += b"%x\r\n%b\r\n" % (len(step), step) if reply.chunked and at > 0 and step else step
                continue
            self.sock.sendall(held)
            held = b""
            if isinstance(step, Gate):
                step.reached.set()
                self.wait(step)
            elif step is _END:
                self.sock.sendall(b"0\r\n\r\n")
            elif isinstance(step, _Step):
                self.do(step)
            elif reply.chunked and at > 0:
                if step:
                    self.sock.sendall(b"%x\r\n%b\r\n" % (len(step), step))
            else:
                self.sock.sendall(step)

    def do(self, step):
        if step is STALL:
            self.wait(None)
        elif step is HALF:
            self.sock.shutdown(socket.SHUT_WR)
            self.wait(None)
        elif step is RESET:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raise _Over

    def wait(self, gate):
        """Until the gate is open; not longer than client and vendor are there."""
        watched = [self.sock, self.vendor.closing] + ([gate] if gate else [])
        while True:
            ready = select.select(watched, [], [])[0]
            if self.vendor.closing in ready:
                raise _Over
            if gate in ready:
                return
            if not self.sock.recv(1, socket.MSG_PEEK):
                raise _Left
            watched.remove(self.sock)  # it sends its next request already


class Vendor:
    def __init__(self, port=0, host="127.0.0.1"):
        self._script, self._lock = [], threading.Lock()
        self._requests, self._left = [], 0
        self.changed = threading.Condition(self._lock)
        self.closing, self._close = os.pipe()
        self.server = socket.create_server((host, port), backlog=512)
        self.port = self.server.getsockname()[1]
        self.url = f"http://{host}:{self.port}"
        self.connections = 0
        self._sockets = set()
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _accept(self):
        while True:
            try:
                sock, _ = self.server.accept()
            except OSError:
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.connections += 1
            self._sockets.add(sock)
            threading.Thread(target=self._serve, args=(sock, self.connections), daemon=True).start()

    def _serve(self, sock, number):
        try:
            _Connection(self, sock, number).serve()
        finally:
            self._sockets.discard(sock)

    def close(self):
        os.write(self._close, b"x")
        self.server.shutdown(socket.SHUT_RDWR)
        self.server.close()
        for sock in list(self._sockets):
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def answer(self, pattern, *replies):
        """Later rules come before earlier ones."""
        with self._lock:
            self._script.insert(0, (pattern, list(replies)))
        return self

    def forget(self):
        """No rules, no requests."""
        with self._lock:
            self._script.clear()
            self._requests.clear()
            self._left = 0

    def take(self, request):
        with self.changed:
            self._requests.append(request)
            self.changed.notify_all()
            replies = next((replies for pattern, replies in self._script if fnmatch.fnmatchcase(request.path, pattern)), None)
            reply = whole({"error": f"nothing is scripted for {request.path}"}, 404) if not replies else replies[0]
            if replies and len(replies) > 1:
                del replies[0]
        return reply(request) if callable(reply) else reply

    def note_left(self):
        with self.changed:
            self._left += 1
            self.changed.notify_all()

    @property
    def requests(self):
        with self._lock:
            return list(self._requests)

    @property
    def last(self):
        return self.requests[-1]

    def asked(self, pattern):
        """The requests for such a path so far."""
        return [request for request in self.requests if fnmatch.fnmatchcase(request.path, pattern)]

    @property
    def left(self):
        """How many clients have left before the end of a reply."""
        with self._lock:
            return self._left

    def wait_left(self, count=1, seconds=120):
        """Until so many have."""
        with self.changed:
            assert self.changed.wait_for(lambda: self._left >= count, seconds), f"{self._left} have left, not {count}"

    def wait_asked(self, count=1, seconds=120):
        """Until there were so many requests."""
        with self.changed:
            assert self.changed.wait_for(lambda: len(self._requests) >= count, seconds), f"{len(self._requests)} requests"
