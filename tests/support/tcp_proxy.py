# SPDX-License-Identifier: Apache-2.0
"""A network that misbehaves: connections to a Unix socket, which stall or break where a test wants it."""

import contextlib
import socket
import threading


class Proxy:
    """proxy.port leads to the socket at PATH.

    stalled      what arrives is taken and kept, in both directions
    refusing     new connections are ended at once
    cut          cut(to_server, data), asked before each piece is passed on: how many bytes of it still are
                 before the connection is reset; None: all of it
    """

    def __init__(self, path):
        self.path, self.stalled, self.refusing, self.cut = path, False, False, None
        self.listener, self.open, self.lock = socket.create_server(("127.0.0.1", 0)), set(), threading.Lock()
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                if self.refusing:
                    client.close()
                    continue
                server = socket.socket(socket.AF_UNIX)
                try:
                    server.connect(self.path)
                except OSError:
                    client.close()
                    continue
                with self.lock:
                    self.open |= {client, server}
                for pair in ((client, server), (server, client)):
                    threading.Thread(target=self.pump, args=(*pair, pair[1] is server), daemon=True).start()

    def pump(self, source, target, to_server):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if self.stalled:
                    continue
                kept = self.cut(to_server, data) if self.cut else None
                target.sendall(data if kept is None else data[:kept])
                if kept is not None:
                    break
        self.end(source, target)

    def end(self, *sockets):
        for each in sockets:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
        with self.lock:
            self.open -= set(sockets)

    def cut_all(self):
        with self.lock:
            sockets = list(self.open)
        self.end(*sockets)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end(self.listener)
        self.cut_all()
