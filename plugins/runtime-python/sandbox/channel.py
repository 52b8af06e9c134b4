# SPDX-License-Identifier: Apache-2.0
"""The child's one socket: u32 length of the JSON, u32 length of the blob (both
little-endian), the JSON, the blob.

Calls are awaited on the loop, or waited for by any thread.  Whoever waits reads the
socket, for all others too: one thread at a time, and the next of those that wait when
it has its answer.  So a thread has answers also while the loop's thread waits for it."""
import asyncio
import builtins
import collections
import json
import os
import select
import socket
import struct
import threading

import jsonable

HEAD = struct.Struct("<II")
FRAME_MAX = 16 << 20
PIECE = 1 << 16


def frame(message, blob_len=0, limit=FRAME_MAX, what="message"):
    """As it is sent, without the blob."""
    text = jsonable.encode(message, limit, what)
    if len(text) + blob_len > limit:
        raise ValueError(f"The {what} of {len(text) + blob_len} bytes is over the limit of {limit} bytes.")
    return HEAD.pack(len(text), blob_len) + text


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


def value_of(message):
    """Of an answer, or its fault as an exception."""
    if message["t"] == "err":
        raise_fault(message)
    return message.get("v")


class Call:
    """A call that is under way, and the messages that have come for it."""

    def __init__(self, channel, number, blocking):
        self.channel = channel
        self.number = number
        self.blocking = blocking
        self.messages = collections.deque()
        self.event = threading.Event() if blocking else None
        self.wake = self.event.set if blocking else None

    def deliver(self, message, blob):
        """By the thread that reads."""
        self.messages.append((message, blob))
        wake = self.wake
        if wake is not None:
            wake()

    async def _wait_elsewhere(self, loop):
        """On a loop that nobody reads the socket for: that of a thread which the agent has made."""
        self.event = self.event or threading.Event()
        self.wake = self.event.set
        await loop.run_in_executor(None, self.channel.read_for, self)

    async def _wait(self):
        loop = asyncio.get_running_loop()
        if loop is not self.channel.loop:
            await self._wait_elsewhere(loop)
            return
        future = loop.create_future()
        me = threading.get_ident()

        def resolve():
            if not future.done():
                future.set_result(None)

        def wake():
            if threading.get_ident() == me:
                resolve()
            else:
                loop.call_soon_threadsafe(resolve)

        self.wake = wake
        if not self.messages:
            await future

    async def next(self):
        """(message, blob).  Where the call blocks, so does this: it never gives up control."""
        while not self.messages:
            if self.blocking:
                self.channel.read_for(self)
            else:
                await self._wait()
        return self.messages.popleft()

    def send(self, kind, blob=b"", **members):
        self.channel.send({"t": kind, "id": self.number, **members}, blob)

    def close(self):
        """No more messages are wanted."""
        self.channel.calls.pop(self.number, None)

    def leave(self):
        """Likewise, and the server is told."""
        if self.channel.calls.pop(self.number, None) is not None:
            self.send("cancel")
            if self.event is not None:
                self.event.set()


def finish(coroutine):
    """The result of one that never gives up control."""
    try:
        coroutine.send(None)
    except StopIteration as done:
        return done.value
    raise RuntimeError("A call that blocks has waited for the loop.")


class Channel:
    def __init__(self, fd):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM, 0, fd)
        self.received = bytearray()  # guarded by reading
        self.reading = threading.Lock()
        self.writing = threading.Lock()
        self.sleeping = set()  # calls whose threads wait for the one that reads
        self.calls = {}
        self.last_id = 0
        self.loop = None
        self.task = None  # what a cancel from the server cancels
        self.http_window = 1 << 18
        self.uploads = 16

    def attach(self, loop):
        self.loop = loop
        loop.add_reader(self.socket.fileno(), self._on_readable)

    def detach(self):
        self.loop.remove_reader(self.socket.fileno())

    # -- writing

    def send(self, message, blob=b"", limit=FRAME_MAX, what="message"):
        self.write(frame(message, len(blob), limit, what), blob)

    def write(self, *parts):
        with self.writing:
            for part in parts:
                self._write(part)

    def _write(self, data):
        view = memoryview(data)
        while view:
            try:
                view = view[self.socket.send(view, socket.MSG_DONTWAIT):]
            except BlockingIOError:
                self._wait_writable()

    def _wait_writable(self):
        """Reads meanwhile: the server takes nothing while too much of what it has said is unread."""
        ready, _, _ = select.select([self.socket], [self.socket], [])
        if ready and self.reading.acquire(blocking=False):
            try:
                self._read_some(socket.MSG_DONTWAIT)
            finally:
                self.reading.release()
            self._wake_sleeping()
        elif ready:
            select.select([], [self.socket], [], 0.01)

    # -- reading

    def _take(self):
        buffer = self.received
        if len(buffer) < HEAD.size:
            return None
        text_len, blob_len = HEAD.unpack_from(buffer)
        end = HEAD.size + text_len + blob_len
        if len(buffer) < end:
            return None
        with memoryview(buffer) as view:
            message = json.loads(bytes(view[HEAD.size:HEAD.size + text_len]))
            blob = bytes(view[HEAD.size + text_len:end])
        del buffer[:end]
        return message, blob

    def _read(self, flags=0):
        piece = self.socket.recv(PIECE, flags)
        if not piece:
            os._exit(0)  # the server has gone or wants no more of this run
        self.received += piece

    def receive(self):
        """The next frame, before there are calls."""
        while (frame := self._take()) is None:
            self._read()
        return frame

    def _read_some(self, flags=0):
        """By the thread that holds `reading`."""
        try:
            self._read(flags)
        except BlockingIOError:
            return
        while (frame := self._take()) is not None:
            self._dispatch(*frame)

    def _on_readable(self):
        if self.reading.acquire(blocking=False):
            try:
                self._read_some(socket.MSG_DONTWAIT)
            finally:
                self.reading.release()
            self._wake_sleeping()

    def _wake_sleeping(self):
        """One of them reads now."""
        for call in list(self.sleeping):
            call.event.set()

    def read_for(self, call):
        """Something has come for CALL, or may have."""
        if self.reading.acquire(blocking=False):
            try:
                if not call.messages:
                    self._read_some()
            finally:
                self.reading.release()
            if call.messages:
                self._wake_sleeping()
            return
        call.event.clear()
        self.sleeping.add(call)
        if not call.messages and self.reading.locked():
            call.event.wait()
        self.sleeping.discard(call)

    def _cancel_task(self):
        if self.task is not None:
            self.loop.call_soon_threadsafe(self.task.cancel)

    def _dispatch(self, message, blob):
        if message["t"] == "cancel":
            self._cancel_task()
            return
        call = self.calls.get(message.get("id"))
        if call is not None:
            call.deliver(message, blob)

    # -- calls

    def open(self, method, params, blob=b"", blocking=False):
        """A call whose answer comes in several messages: the caller closes or leaves it."""
        with self.writing:
            self.last_id += 1
            call = Call(self, self.last_id, blocking)
        self.calls[call.number] = call
        try:
            call.send("call", blob, m=method, p=params)
        except BaseException:
            call.close()
            raise
        return call

    async def acall(self, method, params, blob=b""):
        call = self.open(method, params, blob)
        try:
            message, blob = await call.next()
        except asyncio.CancelledError:
            call.leave()
            raise
        call.close()
        return value_of(message), blob

    def call(self, method, params, blob=b""):
        call = self.open(method, params, blob, blocking=True)
        message, blob = finish(call.next())
        call.close()
        return value_of(message), blob
