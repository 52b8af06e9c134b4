# SPDX-License-Identifier: Apache-2.0
"""The child's one socket: u32 length of the JSON, u32 length of the blob (both
little-endian), the JSON, the blob.

Calls work from three places: awaited on the loop, made on the loop's thread by
code that is not async (it reads the socket itself until its answer is there), and
made from other threads (they wait for the loop's thread to read)."""
import asyncio
import builtins
import json
import os
import socket
import struct
import threading

import jsonable

HEAD = struct.Struct("<II")
FRAME_MAX = 16 << 20
PIECE = 1 << 18


class CallError(RuntimeError):
    """A call to the server failed; `kind` is the name of the fault."""

    def __init__(self, kind, message):
        super().__init__(message)
        self.kind = kind


def raise_fault(fault):
    """Faults that are named like a built-in exception are raised as that."""
    kind, message = fault.get("type") or "RuntimeError", fault.get("msg") or ""
    known = getattr(builtins, kind, None)
    if isinstance(known, type) and issubclass(known, Exception):
        raise known(message)
    raise CallError(kind, message)


class Channel:
    def __init__(self, fd):
        self.socket = socket.socket(fileno=fd)
        self.socket.setblocking(True)
        self.received = bytearray()
        self.writing = threading.Lock()
        self.waiting = {}  # id: asyncio.Future, or [threading.Event, answer]
        self.last_id = 0
        self.loop = None
        self.task = None  # what a cancel from the server cancels
        self.thread = threading.get_ident()

    def attach(self, loop):
        self.loop = loop
        loop.add_reader(self.socket.fileno(), self._on_readable)

    def detach(self):
        self.loop.remove_reader(self.socket.fileno())
        self.socket.close()

    # -- writing

    def send(self, message, blob=b"", limit=FRAME_MAX, what="message"):
        text = jsonable.encode(message, limit, what)
        if len(text) + len(blob) > limit:
            raise ValueError(f"The {what} of {len(text) + len(blob)} bytes is over the limit of {limit} bytes.")
        with self.writing:
            self.socket.sendall(HEAD.pack(len(text), len(blob)) + text)
            if blob:
                self.socket.sendall(blob)

    # -- reading

    def _take(self):
        buffer = self.received
        if len(buffer) < HEAD.size:
            return None
        text_len, blob_len = HEAD.unpack_from(buffer)
        end = HEAD.size + text_len + blob_len
        if len(buffer) < end:
            return None
        message = json.loads(bytes(buffer[HEAD.size:HEAD.size + text_len]))
        blob = bytes(buffer[HEAD.size + text_len:end])
        del buffer[:end]
        return message, blob

    def _read(self, flags=0):
        piece = self.socket.recv(PIECE, flags)
        if not piece:
            os._exit(0)  # the server has gone or wants no more of this run
        self.received += piece

    def receive(self):
        while (frame := self._take()) is None:
            self._read()
        return frame

    def _on_readable(self):
        try:
            self._read(socket.MSG_DONTWAIT)
        except BlockingIOError:
            return
        while (frame := self._take()) is not None:
            self._dispatch(*frame)

    def _dispatch(self, message, blob):
        if message["t"] == "cancel":
            if self.task is not None:
                self.task.cancel()
            return
        waiter = self.waiting.pop(message.get("id"), None)
        if isinstance(waiter, list):
            waiter[1] = (message, blob)
            waiter[0].set()
        elif waiter is not None and not waiter.done():
            waiter.set_result((message, blob))

    # -- calls

    def _begin(self, waiter, method, params, blob):
        with self.writing:
            self.last_id += 1
            number = self.last_id
        self.waiting[number] = waiter
        try:
            self.send({"t": "call", "id": number, "m": method, "p": params}, blob)
        except BaseException:
            self.waiting.pop(number, None)
            raise
        return number

    @staticmethod
    def _answer(message, blob):
        if message["t"] == "err":
            raise_fault(message)
        return message.get("v"), blob

    async def acall(self, method, params, blob=b""):
        future = asyncio.get_running_loop().create_future()
        number = self._begin(future, method, params, blob)
        try:
            return self._answer(*await future)
        except asyncio.CancelledError:
            if self.waiting.pop(number, None) is not None:
                self.send({"t": "cancel", "id": number})
            raise

    def call(self, method, params, blob=b""):
        waiter = [threading.Event(), None]
        self._begin(waiter, method, params, blob)
        if threading.get_ident() == self.thread:
            while waiter[1] is None:
                self._dispatch(*self.receive())
        else:
            waiter[0].wait()
        return self._answer(*waiter[1])
