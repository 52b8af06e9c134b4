# SPDX-License-Identifier: Apache-2.0
"""httpx without a network: each request is a call to the server, which decides
whether it may leave.  Redirects are followed here, so every hop is asked again.

Bodies go and come in pieces.  Either side has sent at most a window of bytes that the
other has not said to have used."""
import asyncio
import contextlib

import httpx

import channel

PIECE = 1 << 16  # of a body that is sent
DROPPED = {"content-encoding", "transfer-encoding"}  # it comes decoded
FAULTS = {"ConnectTimeout": httpx.ConnectTimeout, "ReadTimeout": httpx.ReadTimeout,
          "ReadError": httpx.ReadError, "UnsupportedProtocol": httpx.UnsupportedProtocol}

current = None  # the channel of this child
gate = None  # of the requests that send pieces


def _params(request, more):
    headers = [[name.decode("latin-1"), value.decode("latin-1")] for name, value in request.headers.raw]
    length = request.headers.get("content-length", "")
    return {"method": request.method, "url": str(request.url), "headers": headers,
            "timeout": request.extensions.get("timeout"), "more": more,
            "length": int(length) if length.isascii() and length.isdigit() else None}


@contextlib.contextmanager
def _faults_of(request):
    try:
        yield
    except channel.CallError as fault:
        raise FAULTS.get(fault.kind, httpx.ConnectError)(str(fault), request=request) from None


# ---- the request's body


async def _pieces(stream, blocking):
    if blocking:
        for piece in stream:
            yield piece
    else:
        async for piece in stream:
            yield piece


async def _begin_of(pieces):
    """(the pieces up to a window, whether there are more)"""
    held, size = [], 0
    async for piece in pieces:
        held.append(piece)
        size += len(piece)
        if size > current.http_window:
            return held, True
    return held, False


def _heed(call, credit):
    """(the bytes that may be sent, whether the answer is there), of the messages that have come."""
    while call.messages and call.messages[0][0]["t"] == "used":
        credit += call.messages.popleft()[0]["n"]
    return credit, bool(call.messages)


async def _send_piece(call, piece, credit):
    """What may be sent after it; None: the server has answered and wants no more."""
    view = memoryview(piece)
    while view:
        credit, answered = _heed(call, credit)
        if answered:
            return None
        if credit == 0:
            call.messages.appendleft(await call.next())
            continue
        length = min(len(view), credit, PIECE)
        call.send("body", view[:length])
        credit -= length
        view = view[length:]
    return credit


async def _send_all(call, held, pieces):
    credit = current.http_window
    for piece in held:
        credit = await _send_piece(call, piece, credit)
        if credit is None:
            return
    held.clear()
    async for piece in pieces:
        credit = await _send_piece(call, piece, credit)
        if credit is None:
            return
    call.send("body", last=True)


# ---- the reply's body


class Body(httpx.AsyncByteStream, httpx.SyncByteStream):
    def __init__(self, call, first, request):
        self.call = call
        self.first = first
        self.request = request

    async def _pieces(self):
        piece, last = self.first, False
        self.first = b""
        while True:
            if piece:
                yield piece
                self.call.send("used", n=len(piece))
            if last:
                self.call.close()
                return
            message, piece = await self.call.next()
            last = message.get("last")
            with _faults_of(self.request):
                channel.value_of(message)

    def __aiter__(self):
        return self._pieces()

    def __iter__(self):
        pieces = self._pieces()
        with contextlib.suppress(StopAsyncIteration):
            while True:
                yield channel.finish(pieces.__anext__())

    async def aclose(self):
        self.call.leave()

    def close(self):
        self.call.leave()


# ---- a request and its reply


async def _receive(call, request):
    while True:
        message, body = await call.next()
        if message["t"] != "used":
            break
    with _faults_of(request):
        answer = channel.value_of(message)
    headers = [(name, value) for name, value in answer["headers"] if name not in DROPPED]
    if answer.get("more"):
        return httpx.Response(answer["status"], headers=headers, stream=Body(call, body, request), request=request)
    call.close()
    return httpx.Response(answer["status"], headers=headers, content=body, request=request)


async def _talk(call, request, held, pieces):
    try:
        if held is not None:
            await _send_all(call, held, pieces)
        return await _receive(call, request)
    except BaseException:
        call.leave()
        raise


def _turn(blocking):
    """Few at a time send pieces: each may wait for the server to take some."""
    global gate
    if blocking:
        return contextlib.AsyncExitStack()
    if gate is None:
        gate = asyncio.Semaphore(current.uploads)
    return gate


async def _request(request, blocking):
    pieces = _pieces(request.stream, blocking)
    held, more = await _begin_of(pieces)
    if not more:
        return await _talk(current.open("http", _params(request, False), b"".join(held), blocking), request, None, pieces)
    async with _turn(blocking):
        return await _talk(current.open("http", _params(request, True), b"", blocking), request, held, pieces)


class AsyncTransport(httpx.AsyncBaseTransport):
    def __init__(self, *args, **settings):
        pass

    async def handle_async_request(self, request):
        return await _request(request, False)


class Transport(httpx.BaseTransport):
    def __init__(self, *args, **settings):
        pass

    def handle_request(self, request):
        return channel.finish(_request(request, True))


def install():
    """Clients that agents make for themselves land here too."""
    def async_transport(self, *args, transport=None, **settings):
        return transport or AsyncTransport()

    def transport(self, *args, transport=None, **settings):
        return transport or Transport()

    httpx.AsyncClient._init_transport = async_transport
    httpx.Client._init_transport = transport
    httpx.AsyncHTTPTransport = AsyncTransport
    httpx.HTTPTransport = Transport


def make_client():
    return httpx.AsyncClient(follow_redirects=True, trust_env=False)
