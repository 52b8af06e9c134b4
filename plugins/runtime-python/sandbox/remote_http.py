# SPDX-License-Identifier: Apache-2.0
"""httpx without a network: each request is a call to the server, which decides
whether it may leave.  Redirects are followed here, so every hop is asked again."""
import httpx

import channel

DROPPED = {"content-encoding", "transfer-encoding", "content-length"}
FAULTS = {"ConnectTimeout": httpx.ConnectTimeout, "ReadTimeout": httpx.ReadTimeout,
          "ReadError": httpx.ReadError, "UnsupportedProtocol": httpx.UnsupportedProtocol}

current = None  # the channel of this child


def _params(request):
    headers = [[name.decode("latin-1"), value.decode("latin-1")] for name, value in request.headers.raw]
    return {"method": request.method, "url": str(request.url), "headers": headers,
            "timeout": request.extensions.get("timeout")}


def _response(answer, body, request):
    # The body comes decoded and whole.
    headers = [(name, value) for name, value in answer["headers"] if name not in DROPPED]
    return httpx.Response(answer["status"], headers=headers, content=body, request=request)


def _error(fault, request):
    return FAULTS.get(fault.kind, httpx.ConnectError)(str(fault), request=request)


class AsyncTransport(httpx.AsyncBaseTransport):
    def __init__(self, *args, **settings):
        pass

    async def handle_async_request(self, request):
        body = await request.aread()
        try:
            return _response(*await current.acall("http", _params(request), body), request)
        except channel.CallError as fault:
            raise _error(fault, request) from None


class Transport(httpx.BaseTransport):
    def __init__(self, *args, **settings):
        pass

    def handle_request(self, request):
        body = request.read()
        try:
            return _response(*current.call("http", _params(request), body), request)
        except channel.CallError as fault:
            raise _error(fault, request) from None


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
