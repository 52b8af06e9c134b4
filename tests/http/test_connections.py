# SPDX-License-Identifier: Apache-2.0
"""Requests that are slow, broken, huge, half or many on one connection."""

import contextlib
import json
import resource
import socket
import struct
import time
from urllib.parse import quote

import pytest
from support import PATIENCE, wait_until

AGENT = json.dumps({"name": "n", "description": "d", "code": "c"}).encode()


@pytest.fixture(autouse=True)
def afterwards_it_is_well(sqlite_server):
    yield
    assert sqlite_server.healthy()


def reset(connection):
    """Closes so that the server gets an RST."""
    connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def agents(server):
    return len(server.get("/agents").json)


# ---- bytes that are no request ----

GARBAGE = [
    b"\r\n\r\n\r\n",
    b"\x00" * 64,
    b"\xff\xfe\xfd" * 100,
    b"GET\r\n\r\n",
    b"GET /health\r\n\r\n",
    b"GET /health HTTP/9.9\r\nHost: x\r\n\r\n",
    b"GET  /health  HTTP/1.1\r\nHost: x\r\n\r\n",
    b"G\x00T /health HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /health HTTP/1.1\r\nNo colon here\r\nHost: x\r\n\r\n",
    b"GET /health HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
    b"POST /agents HTTP/1.1\r\nHost: x\r\nContent-Length: abc\r\n\r\n{}",
    b"POST /agents HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999999\r\n\r\n{}",
    b"POST /agents HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
    b"POST /agents HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n{}",
    b"POST /agents HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    b"POST /agents HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 200,
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"OPTIONS * HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    b"CONNECT 127.0.0.1:22 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    b"TRACE /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    b"BREW /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    b"A" * 5000 + b" /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
]


@pytest.mark.parametrize("data", GARBAGE, ids=lambda data: repr(data[:40]))
def test_what_is_no_request_is_refused_or_dropped(sqlite_server, data):
    before = agents(sqlite_server)
    with sqlite_server.connect() as connection:
        connection.send(data)
        connection.socket.shutdown(socket.SHUT_WR)
        try:
            reply = connection.read_reply()
            assert 400 <= reply.status < 600 and reply.status != 500, reply
        except ConnectionError:
            pass
    assert agents(sqlite_server) == before


def test_ten_thousand_headers_are_refused(sqlite_server):
    headers = b"".join(b"X-%d: %d\r\n" % (i, i) for i in range(10_000))
    with sqlite_server.connect() as connection:
        try:
            connection.send(b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n" + headers + b"\r\n")
            assert connection.read_reply().status == 431
        except (BrokenPipeError, ConnectionResetError):
            pass  # refused while it was still being sent


def test_the_status_for_too_many_headers_reaches_a_client_that_waits(sqlite_server):
    headers = b"".join(b"X-%d: %s\r\n" % (i, b"v" * 100) for i in range(500))
    reply = sqlite_server.raw(b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n" + headers + b"\r\n")
    assert reply.status == 431


def test_one_huge_header_is_refused(sqlite_server):
    reply = sqlite_server.raw(b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nX: " + b"v" * 50_000 + b"\r\n\r\n")
    assert reply.status == 431


def test_a_url_over_the_limit_is_414(sqlite_server):
    for path in ("/agents/" + "a" * 9000, "/agents?x=" + "a" * 9000):
        reply = sqlite_server.get(path)
        assert (reply.status, type(reply.detail)) == (414, str)


# ---- paths ----


@pytest.mark.parametrize(
    "path",
    ["/../../etc/passwd", "/..%2f..%2fetc%2fpasswd", "/%2e%2e/%2e%2e/etc/passwd", "/agents/../../etc/passwd",
     "/agents/..%2F..%2Fetc%2Fpasswd", "//etc/passwd", "/docs/../../../etc/passwd", "/agents/%2e%2e",
     "/data-store/namespaces/..%2F../records/..%2F..%2Fetc%2Fpasswd", "/agents/....//....//etc/passwd",
     "/\\..\\..\\etc\\passwd", "/agents/%5C..%5C.."],
)  # fmt: skip
def test_no_path_leads_out_of_the_routes(sqlite_server, path):
    reply = sqlite_server.get(path)
    assert reply.status in (400, 404), reply
    assert b"root:" not in reply.body


@pytest.mark.parametrize("path", ["/agents/%00", "/agents/a%00b", "/%00", "/data-store/namespaces/n/records/%00",
                                  "/agents/%", "/agents/%4", "/agents/%zz", "/agents/%ff", "/agents/%c0%af",
                                  "/agents/%ed%a0%80", "/agents?limit=%00", "/agents?%ff=1"])  # fmt: skip
def test_a_path_or_query_that_is_no_text_is_refused(sqlite_server, path):
    reply = sqlite_server.get(path)
    assert reply.status in (400, 404, 422), reply
    assert isinstance(reply.detail, (str, list))


def test_an_encoded_slash_belongs_to_its_segment(server):
    for key in ("a/b", "/", "a//b", "../up", "ünï/cödé", "a b", "%", "?x=1", "#"):
        url = f"/data-store/namespaces/slash/records/{quote(key, safe='')}"
        assert server.put(url, {"value": key}).json["key"] == key
        assert server.get(url).json["value"] == key
        assert server.delete(url).status == 204
    assert server.get("/agents%2F").status == 404
    assert server.get("/data-store%2Fnamespaces").status == 404


# ---- versions, reuse, pipelining ----


def test_http_1_0_is_answered_and_closed(sqlite_server):
    with sqlite_server.connect() as connection:
        connection.send("GET /health HTTP/1.0\r\n\r\n")
        reply = connection.read_reply()
        assert reply.status == 200 and reply.json["status"] == "healthy"
        assert reply.header("Transfer-Encoding") is None
        assert connection.at_end()


def test_http_1_0_keeps_the_connection_if_asked(sqlite_server):
    with sqlite_server.connect() as connection:
        for _ in range(3):
            connection.send("GET /health HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
            assert connection.read_reply().status == 200


def test_http_1_1_without_host_is_refused(sqlite_server):
    assert sqlite_server.raw("GET /health HTTP/1.1\r\n\r\n").status == 400


def test_a_connection_serves_many_requests(sqlite_server):
    with sqlite_server.connect() as connection:
        for i in range(200):
            path, status = (("/health", 200), ("/agents/none", 404), ("/nowhere", 404))[i % 3]
            connection.send_request("GET", path)
            assert connection.read_reply().status == status


def test_pipelined_requests_are_answered_in_order(sqlite_server):
    paths = [f"/agents/missing-{i}" for i in range(50)]
    with sqlite_server.connect() as connection:
        connection.send("".join(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" for path in paths))
        for i in range(50):
            reply = connection.read_reply()
            assert reply.detail == f"Document 'missing-{i}' not found in 'agents'"


def test_pipelined_bodies_are_not_mixed_up(sqlite_server):
    """A body that looks like a request is a body."""
    inner = b"DELETE /data-store/namespaces/pipe HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    bodies = [json.dumps({"value": f"{i} {inner.decode()}"}).encode() for i in range(10)]
    with sqlite_server.connect() as connection:
        for i, body in enumerate(bodies):
            connection.send_request("PUT", f"/data-store/namespaces/pipe/records/k{i}", body)
        for i in range(10):
            assert connection.read_reply().json["key"] == f"k{i}"
    assert sqlite_server.get("/data-store/namespaces/pipe").json["recordCount"] == 10
    sqlite_server.delete("/data-store/namespaces/pipe")


def test_a_length_and_chunks_at_once_smuggle_nothing(sqlite_server):
    before = agents(sqlite_server)
    with sqlite_server.connect() as connection:
        connection.send(
            b"POST /log/client HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n"
            b"0\r\n\r\nPOST /agents HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: %d\r\n\r\n%s" % (len(AGENT), AGENT)
        )
        assert connection.read_reply().status in (400, 422)
        assert connection.at_end() or agents(sqlite_server) == before
    assert agents(sqlite_server) == before


def test_two_lengths_that_differ_are_refused(sqlite_server):
    before = agents(sqlite_server)
    with sqlite_server.connect() as connection:
        connection.send(
            b"POST /agents HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: %d\r\nContent-Length: 0\r\n\r\n%s"
            % (len(AGENT), AGENT)
        )
        try:
            assert connection.read_reply().status >= 400
        except ConnectionError:
            pass
    assert agents(sqlite_server) == before


@pytest.mark.parametrize("version, headers", [
    ("1.1", "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n"),
    ("1.0", "Connection: keep-alive\r\nTransfer-Encoding: chunked\r\n"),
    ("1.1", "Transfer-Encoding: chunked\r\nHost: evil.example\r\n"),
    ("1.1", "Transfer-Encoding: chunked\r\nHost: 127.0.0.1\r\n"),
])  # fmt: skip
def test_what_a_proxy_may_frame_otherwise_is_the_last_of_its_connection(sqlite_server, version, headers):
    before = agents(sqlite_server)
    with sqlite_server.connect() as connection:
        connection.send(
            f"POST /log/client HTTP/{version}\r\nHost: 127.0.0.1\r\n{headers}\r\n0\r\n\r\n"
            f"POST /agents HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(AGENT)}\r\n\r\n".encode() + AGENT
        )
        assert connection.read_reply().status == 400
        assert connection.at_end()
    assert agents(sqlite_server) == before


@pytest.mark.parametrize("host", ["localhost, evil.example", "localhost/evil", "user@localhost", "local host"])
def test_a_host_that_is_not_one_host_is_refused(sqlite_server, host):
    assert sqlite_server.get("/health", headers={"Host": host}).status == 400


@pytest.mark.parametrize("line", ["X: a\rb", "X: a\x01b", "X: a\x7fb", "X(Y): a", "X\x01: a", "X : a", ": a", " X: a"])
def test_a_header_that_a_proxy_may_read_otherwise_is_refused(sqlite_server, line):
    reply = sqlite_server.raw(f"GET /health HTTP/1.1\r\nConnection: close\r\n{line}\r\nHost: 127.0.0.1\r\n\r\n")
    assert reply.status == 400, reply


def answer(server, method, target, *lines, body=""):
    """To a request with these header lines, each as it is."""
    head = "".join(f"{line}\r\n" for line in ("Host: 127.0.0.1", *lines, *([f"Content-Length: {len(body)}"] if body else [])))
    with server.connect() as connection:
        connection.send(f"{method} {target} HTTP/1.1\r\n{head}\r\n{body}")
        return connection.read_reply(method)


def test_every_line_of_a_list_header_counts(sqlite_server):
    path = f"/agents/{sqlite_server.post('/agents', json.loads(AGENT)).json['_id']}"
    for lines in (('"x"', "{}"), ("{}", '"x"')):
        tag = sqlite_server.get(path).header("ETag")
        assert answer(sqlite_server, "GET", path, *(f"If-None-Match: {line.format(tag)}" for line in lines)).status == 304
        conditions = [f"If-Match: {line.format(tag)}" for line in lines]
        assert answer(sqlite_server, "PUT", path, *conditions, body='{"name": "m"}').status == 200
        assert answer(sqlite_server, "PUT", path, *conditions, body='{"name": "m"}').status == 412
    assert answer(sqlite_server, "GET", "/agents", "Authorization: Bearer a", "Authorization: Bearer b").status < 500


@pytest.mark.parametrize("method, target, status", [
    ("GET", "http://127.0.0.1/health", 200), ("GET", "HTTP://127.0.0.1/health?x", 200), ("GET", "http://127.0.0.1", 200),
    ("GET", "http://other.example/health", 400), ("GET", "http://u@127.0.0.1/health", 400), ("GET", "ftp://127.0.0.1/health", 404),
    ("GET", "127.0.0.1:80", 404), ("GET", "health", 404), ("GET", "/health#x", 404), ("GET", "/health/", 307),
    ("GET", "//health", 404), ("GET", "/./health", 404), ("GET", "/agents/../health", 404), ("GET", "/%68ealth", 200),
    ("HEAD", "/health", 200), ("HEAD", "/nowhere", 404), ("OPTIONS", "/health", 405), ("OPTIONS", "*", 404),
    ("PATCH", "/health", 405), ("get", "/health", 405),
])  # fmt: skip
def test_each_form_of_a_target_has_one_answer(sqlite_server, method, target, status):
    reply = answer(sqlite_server, method, target, "Range: bytes=0-3", "Upgrade: h2c")  # neither is for us
    assert reply.status == status, reply
    assert status != 405 or reply.header("Allow") == "GET, HEAD"


def test_a_chunked_body_in_tiny_pieces_is_read(sqlite_server):
    with sqlite_server.connect() as connection:
        connection.send(
            "PUT /data-store/namespaces/chunks/records/k HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            "Transfer-Encoding: chunked\r\n\r\n"
        )
        for byte in b'{"value": "one byte at a time"}':
            connection.send(b"1\r\n%c\r\n" % byte)
        connection.send("0\r\n\r\n")
        assert connection.read_reply().json["value"] == "one byte at a time"


def test_expect_100_continue_is_answered(sqlite_server):
    with sqlite_server.connect() as connection:
        connection.send_request(
            "PUT", "/data-store/namespaces/expect/records/k", None,
            {"Expect": "100-continue", "Content-Length": "11"},
        )  # fmt: skip
        assert connection.stream.readline() == b"HTTP/1.1 100 Continue\r\n"
        assert connection.stream.readline() == b"\r\n"
        connection.send('{"value":1}')
        assert connection.read_reply().status == 200


# ---- clients that are slow, or leave ----


def test_a_request_that_comes_byte_by_byte_is_answered(sqlite_server):
    with sqlite_server.connect() as connection:
        for byte in b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n":
            connection.send(bytes([byte]))
            time.sleep(0.002)
        assert connection.read_reply().status == 200


def test_one_that_sends_too_slowly_is_let_go(start_server):
    server = start_server(backend="memory", sets=["limits.read_ms=1000", "limits.idle_ms=3000"])
    beginnings = [
        b"GET /health HT",
        b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nX: ",
        b"POST /log/client HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000\r\n\r\n{",
    ]
    for beginning in beginnings:
        with server.connect() as connection:
            started = time.monotonic()
            connection.send(beginning)
            try:
                while time.monotonic() - started < PATIENCE:  # never idle, never done
                    connection.send(b"a")
                    time.sleep(0.2)
                pytest.fail("still listening after so long")
            except (BrokenPipeError, ConnectionResetError):
                pass
            assert server.healthy()


@pytest.mark.parametrize("length", ["Content-Length: 1000000000000", "Transfer-Encoding: chunked"])
def test_a_body_without_end_is_read_no_longer_than_another(start_server, length):
    """One that is too long is read to its end before its 413, and thrown away: but for limits.read_ms at most."""
    server = start_server(backend="memory", sets=["limits.read_ms=1000", "limits.body_bytes=100000"])
    piece = b"x" * 65536
    piece = b"10000\r\n%s\r\n" % piece if "chunked" in length else piece
    with server.connect() as connection:
        started = time.monotonic()
        connection.send(f"PUT /data-store/namespaces/n/records/k HTTP/1.1\r\nHost: 127.0.0.1\r\n{length}\r\n\r\n")
        with pytest.raises((BrokenPipeError, ConnectionResetError)):
            while time.monotonic() - started < PATIENCE:
                connection.send(piece)
    assert server.healthy()


def test_an_idle_connection_is_closed(start_server):
    server = start_server(backend="memory", sets=["limits.idle_ms=3000", "limits.read_ms=3000"])
    with server.connect() as silent, server.connect() as used:
        used.send_request("GET", "/health")
        assert used.read_reply().status == 200
        assert silent.at_end() and used.at_end()


STAGES = {
    "at once": b"",
    "within the request line": b"GET /hea",
    "within the headers": b"POST /agents HTTP/1.1\r\nHost: 127.0.0.1\r\nX",
    "before the body": b"POST /agents HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100\r\n\r\n",
    "within the body": b'POST /agents HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100\r\n\r\n{"name":',
    "within a chunk": b"POST /agents HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n10\r\n{",
    "before the reply": b"GET /openapi.json HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    "with requests left": b"GET /openapi.json HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" * 20,
}


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("how", ["closes", "resets", "shuts its side"])
def test_a_client_may_leave_at_every_stage(sqlite_server, stage, how):
    before = agents(sqlite_server)
    for _ in range(10):
        connection = sqlite_server.connect()
        connection.send(STAGES[stage])
        if how == "shuts its side":
            connection.socket.shutdown(socket.SHUT_WR)
            connection.socket.settimeout(0.05)
            try:
                connection.socket.recv(100)
            except TimeoutError:
                pass
        if how == "resets":
            reset(connection)
        connection.close()
    assert sqlite_server.healthy()
    assert agents(sqlite_server) == before


def test_a_client_may_leave_within_the_reply(sqlite_server):
    for size in (0, 1, 100, 1000):
        connection = sqlite_server.connect()
        connection.send_request("GET", "/openapi.json")
        connection.stream.read(size)
        reset(connection)


# ---- many ----


def test_connections_over_the_limit_are_turned_away_and_the_rest_served(start_server):
    server = start_server(backend="memory", sets=["limits.connections_per_ip=20"])
    kept = [server.connect() for _ in range(20)]
    try:
        wait_until(lambda: refused(server), 5, "the 21st connection to be turned away")
        kept[0].send_request("GET", "/health")
        assert kept[0].read_reply().status == 200
    finally:
        for connection in kept:
            connection.close()
    wait_until(lambda: server.answers("/health"), 5, "room for new connections")


def refused(server):
    try:
        return server.get("/health", timeout=PATIENCE).status == 503
    except OSError:
        return True


def test_a_thousand_connections_come_and_go(sqlite_server):
    for _ in range(5):
        connections = [sqlite_server.connect() for _ in range(200)]
        for connection in connections:
            connection.send_request("GET", "/health")
        assert {connection.read_reply().status for connection in connections} == {200}
        for connection in connections:
            connection.close()
    wait_until(lambda: threads(sqlite_server) < 100, 20, "the threads of closed connections to end")


def threads(server):
    with open(f"/proc/{server.process.pid}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("Threads:"))


def test_more_connections_than_descriptors_take_nothing_from_those_that_are_open(start_server):
    server = start_server(limits={resource.RLIMIT_NOFILE: (128, 128)})
    assert "limits.connections is 4096, but the system allows 128 open files: 64" in server.log()
    with contextlib.ExitStack() as stack:
        first = stack.enter_context(server.connect())
        for _ in range(150):
            stack.enter_context(server.connect())
        first.send_request("POST", "/agents", AGENT)
        assert first.read_reply().status == 201
    wait_until(lambda: server.answers("/health"), 10, "connections to be accepted again")
