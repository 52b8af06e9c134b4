# SPDX-License-Identifier: Apache-2.0
"""The listener and the data path over sockets, with the routes of driver.c."""

import json
import os
import re
import select
import socket
import subprocess
import time

import pytest

DRIVER = os.environ["HTTP_DRIVER"]
PATIENCE = 60  # no wait is shorter: many may share the machine
FAST = {"read_ms": 600, "idle_ms": 900, "heartbeat_ms": 300}


class Driver:
    def __init__(self, environment=None, **limits):
        arguments = [f"{name}={value}" for name, value in limits.items()]
        self.process = subprocess.Popen(
            [DRIVER, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, env={**os.environ, "EIN_CHECK_REPLIES": "1", **(environment or {})})
        line = self.process.stdout.readline()
        assert line, self.process.stderr.read().decode()
        self.port = int(line)

    def quiesce(self):
        self.process.stdin.write(b"q")
        self.process.stdin.flush()

    def stop(self):
        """Ends it; returns its log."""
        _, log = self.process.communicate(timeout=PATIENCE)
        assert self.process.returncode == 0, log.decode()
        assert b"ERROR:" not in log and b"WARNING: ThreadSanitizer" not in log, log.decode()
        return log.decode()

    def connect(self, address="127.0.0.1"):
        return socket.create_connection((address, self.port), timeout=PATIENCE)

    def ask(self, request):
        with self.connect() as client:
            client.sendall(request if isinstance(request, bytes) else request.encode())
            return read_reply(client)

    def get(self, path, headers="", method="GET"):
        return self.ask(f"{method} {path} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n")

    def post(self, path, body, headers="", method="POST"):
        body = body if isinstance(body, bytes) else body.encode()
        head = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n{headers}\r\n"
        return self.ask(head.encode() + body)


class Reply:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def json(self):
        return json.loads(self.body)

    def detail(self):
        return self.json()["detail"]

    def header(self, name):
        values = [value for key, value in self.headers if key.lower() == name.lower()]
        return values[0] if values else None


def read_reply(client, head_only=False, pending=b""):
    data = pending
    while b"\r\n\r\n" not in data:
        piece = client.recv(65536)
        assert piece, f"closed in the head: {data!r}"
        data += piece
    head, rest = data.split(b"\r\n\r\n", 1)
    first, *lines = head.decode().split("\r\n")
    headers = [tuple(line.split(": ", 1)) for line in lines]
    reply = Reply(int(first.split()[1]), headers, rest)
    length = int(reply.header("Content-Length") or 0)
    while not head_only and len(reply.body) < length:
        piece = client.recv(65536)
        assert piece, "closed in the body"
        reply.body += piece
    return reply


def is_closed(client, seconds=PATIENCE):
    """Whether the server ends the connection within that time; its last words are thrown away."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        ready, _, _ = select.select([client], [], [], until - time.monotonic())
        if ready:
            try:
                if not client.recv(65536):
                    return True
            except ConnectionError:
                return True
    return False


def wait_for(condition, seconds=PATIENCE):
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.02)


@pytest.fixture(scope="module")
def driver():
    running = Driver()
    yield running
    running.stop()


@pytest.fixture
def own():
    """Drivers with limits of their own."""
    started = []

    def start(environment=None, **limits):
        started.append(Driver(environment, **limits))
        return started[-1]

    yield start
    for it in started:
        if it.process.poll() is None:
            it.stop()


# ---- routes, statuses, headers ----

def test_every_reply_has_a_request_id_and_nosniff(driver):
    reply = driver.get("/health")
    assert (reply.status, reply.header("Content-Type")) == (200, "application/json")
    assert re.fullmatch("[0-9a-f]{32}", reply.header("X-Request-ID"))
    assert reply.header("X-Content-Type-Options") == "nosniff"
    assert driver.get("/nope").header("X-Request-ID") != reply.header("X-Request-ID")


@pytest.mark.parametrize("sent, kept", [("abc-1", True), ("x" * 128, True), ("x" * 129, False), ("a b", False)])
def test_the_clients_request_id_is_kept_if_it_is_a_decent_one(driver, sent, kept):
    assert (driver.get("/health", f"X-Request-ID: {sent}\r\n").header("X-Request-ID") == sent) == kept


@pytest.mark.parametrize("method, path, status", [
    ("GET", "/nope", 404), ("GET", "//health", 404), ("PUT", "/health", 405), ("OPTIONS", "/health", 405),
    ("GET", "/files/%zz", 400), ("GET", "/files/%00", 400), ("GET", "/files/%ff", 400),
    ("GET", "/files/%c0%80", 400), ("GET", "/files/%ed%a0%80", 400), ("GET", "/echo?a=%zz", 400),
    ("GET", "/echo?a=%00", 400), ("GET", "/silent", 500), ("GET", "/failing", 409), ("GET", "/wrong", 500)])
def test_refusals_are_json_with_a_detail(driver, method, path, status):
    reply = driver.get(path, method=method)
    assert reply.status == status
    assert isinstance(reply.detail(), str)
    assert reply.header("Content-Type") == "application/json"


def test_405_says_what_is_allowed(driver):
    reply = driver.get("/echo", method="PATCH")
    assert sorted(reply.header("Allow").split(", ")) == ["GET", "HEAD", "POST"]
    assert reply.detail() == "Method Not Allowed"


@pytest.mark.parametrize("path, key", [
    ("/files/a", "a"), ("/files/a/b", "a/b"), ("/files/a%2Fb", "a/b"), ("/files/../..", "../.."),
    ("/files/list/x", "list/x"), ("/files/%E2%82%AC", "€"), ("/files/a+b", "a+b"), ("/files/a//b/", "a//b/")])
def test_the_path_is_split_before_it_is_decoded(driver, path, key):
    assert driver.get(path).json() == {"key": key}


def test_an_absolute_target_is_read_as_its_path(driver):
    assert driver.get("http://localhost/files/a?x=1").json() == {"key": "a"}


def test_a_target_of_another_host_is_refused(driver):
    assert driver.get("http://evil.example/health").status == 400


def test_a_trailing_slash_is_redirected_with_its_query(driver):
    reply = driver.get("/health/?a=1")
    assert (reply.status, reply.header("Location")) == (307, "/health?a=1")


def test_head_is_get_without_a_body(driver):
    with driver.connect() as client:
        client.sendall(b"HEAD /health HTTP/1.1\r\nHost: localhost\r\n\r\n"
                       b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        first = read_reply(client, head_only=True)
        assert (first.status, first.header("Content-Length")) == (200, "45")
        second = read_reply(client, pending=first.body)
        assert second.json()["status"] == "healthy"


def test_204_has_neither_body_nor_type(driver):
    reply = driver.get("/nothing", method="DELETE")
    assert (reply.status, reply.body, reply.header("Content-Type")) == (204, b"", None)


@pytest.mark.parametrize("tags, status", [
    ('"one"', 304), ('W/"one"', 304), ('"two", "one"', 304), ("*", 304), ('"two"', 200), ('"on', 200), ("", 200)])
def test_a_known_etag_is_answered_304(driver, tags, status):
    reply = driver.get("/tagged", f"If-None-Match: {tags}\r\n")
    assert reply.status == status
    assert reply.header("ETag") == '"one"'
    assert bool(reply.body) == (status == 200)


def test_cookies_are_set_and_deleted(driver):
    cookies = sorted(value for name, value in driver.get("/tagged").headers if name == "Set-Cookie")
    assert cookies[0].startswith("a=1; ") and "Max-Age=600" in cookies[0] and "HttpOnly" in cookies[0]
    assert cookies[1].startswith("b=2; ") and "1970" in cookies[1] and "SameSite=Lax" in cookies[1]


def test_the_query_is_decoded_as_a_form(driver):
    assert driver.get("/echo?a=1&b=x%20y+z&a=2&c&=d&%C3%A9=%26").json()["query"] == {
        "a": "2", "b": "x y z", "c": "", "": "d", "é": "&"}


def test_traceparent_is_carried_on(driver):
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    good = f"traceparent: 00-{trace}-00f067aa0ba902b7-01\r\n"
    assert driver.get("/who", good).json()["trace"] == trace
    made = driver.get("/who", f"traceparent: 00-{'0' * 32}-00f067aa0ba902b7-01\r\n").json()["trace"]
    assert re.fullmatch("[0-9a-f]{32}", made) and made != "0" * 32


def test_a_reply_that_breaks_its_schema_is_a_500_that_says_so(driver):
    assert "does not match its schema" in driver.get("/wrong").detail()


# ---- bodies ----

def test_a_body_is_parsed_checked_and_handed_on(driver):
    assert driver.post("/echo", '{"text":"a","other":1}').json()["body"] == {"text": "a"}


@pytest.mark.parametrize("body, kind", [
    ("", "missing"), ("{", "json_invalid"), ('{"text":1}', "string_type"), ("{}", "missing"),
    ("[]", "model_attributes_type"), ("\xff", "json_invalid"), ('{"text":"a"}x', "json_invalid")])
def test_a_bad_body_is_a_422_with_a_list(driver, body, kind):
    reply = driver.post("/echo", body.encode("latin-1"))
    assert reply.status == 422
    assert [fault["type"] for fault in reply.detail()] == [kind]


def test_a_deep_body_is_refused(own):
    assert own(json_depth=10).post("/echo", "[" * 100000 + "]" * 100000).status == 422


def test_a_body_of_many_values_is_refused(own):
    driver = own(json_values=1000)
    many = lambda count: json.dumps({"text": "a", "other": [{}] * count})  # noqa: E731
    assert driver.post("/echo", many(997)).status == 200
    reply = driver.post("/echo", many(998))
    assert reply.status == 422 and reply.detail()[0]["ctx"]["error"] == "More than 1000 values"


def test_a_body_over_the_routes_limit_is_413_and_one_at_it_is_not(driver):
    assert driver.post("/raw", b"x" * 65536).body == b"x" * 65536
    assert driver.post("/raw", b"x" * 65537).status == 413


def test_a_body_over_the_servers_limit_is_413(own):
    small = own(body_bytes=100000)
    assert small.post("/echo", b"x" * 3000000).status == 413
    assert small.get("/health").status == 200


def test_what_the_log_has_of_a_bad_id_is_one_that_was_made(driver):
    assert driver.get("/health", 'X-Request-ID: "><b>\r\n').header("X-Request-ID").isalnum()


def test_a_form_is_not_taken_apart(driver):
    form = "Content-Type: multipart/form-data\r\n"
    assert driver.post("/raw", b"a=1&b=2", form).body == b"a=1&b=2"
    assert driver.post("/raw", b"a=1", "Content-Type: application/x-www-form-urlencoded\r\n").body == b"a=1"


def test_a_chunked_body_is_read(driver):
    reply = driver.ask(b"POST /raw HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
                       b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")
    assert reply.body == b"abcde"


# ---- the head's limits ----

def test_a_long_url_is_414(own):
    assert own(url_bytes=1000).get("/files/" + "a" * 1000).status == 414


def test_many_headers_are_431(own):
    server = own(header_bytes=4096)
    assert server.get("/health", "".join(f"X-{i}: y\r\n" for i in range(300))).status == 431
    assert server.get("/health").status == 200


def test_ten_thousand_headers_are_431_and_the_server_goes_on(driver):
    with driver.connect() as client:
        try:
            client.sendall(b"GET /health HTTP/1.1\r\nHost: a\r\n" + b"".join(b"X-%d: y\r\n" % i for i in range(10000)))
            client.sendall(b"\r\n")
            assert client.recv(65536).split(b" ")[1] in (b"431", b"414", b"413")
        except ConnectionError:
            pass
    assert driver.get("/health").status == 200


def test_garbage_is_refused_and_the_server_goes_on(driver):
    for garbage in (b"\x16\x03\x01\x02\x00\x01\x00", b"\r\n\r\n\r\n", b"GET\r\n\r\n", b"\0" * 5000 + b"\r\n\r\n",
                    b"GET /health HTTP/9.9\r\n\r\n", b"GET /health\r\n\r\n"):
        with driver.connect() as client:
            client.sendall(garbage)
            client.shutdown(socket.SHUT_WR)
            assert is_closed(client)
    assert driver.get("/health").status == 200


@pytest.mark.parametrize("head", [
    "GET /health HTTP/1.1", "GET /health/?\x01 HTTP/1.1\r\nHost: a", "GET /health HTTP/1.1\r\nHost: a\r\nX Y: b",
    "POST /raw HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n0",
    "POST /raw HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nContent-Length: 5\r\n\r\nabcde"])
def test_a_head_that_others_may_read_differently_is_refused_and_the_connection_closed(driver, head):
    with driver.connect() as client:
        client.sendall(f"{head}\r\n\r\nGET /health HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        assert read_reply(client).status == 400
        assert is_closed(client)


STRICT_OK = b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.mark.parametrize("head", [
    b"GET /health HTTP/1.1\nHost: a\r\n\r\n", b"GET /health HTTP/1.1\r\nHost: a\nX: b\r\n\r\n",
    b"GET /health HTTP/1.1\r\nHost: a\n\r\n", b"GET /health HTTP/1.1\r\nHost: a\r\nX: b\r\n\n",
    b"GET /health HTTP/1.1\r\nHost: a\r\nX: b\0c\r\n\r\n", b"GET /health HTTP/1.1\r\nHost: a\0b\r\nX: c\r\n\r\n",
    b"GET /health HTTP/1.1\r\nHost: a\r\nX\0: b\r\n\r\n", b"GET  /health HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET /health HTTP/1.1\r\nHost: a\r\nX: b\r\n c\r\n\r\n", b"GET /health HTTP/1.1\r\nHost: a\r\nX: b\r\n\tc\r\nY: d\r\n\r\n",
    b"GET /health HTTP/1.1\r\nHost: a\r\nX:\r\n b\r\n\r\n",
    b"POST /raw HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n 45\r\n\r\n",
    b"POST /raw HTTP/1.1\r\nHost: a\r\nX: b\nContent-Length: 45\r\n\r\n"])
def test_a_line_that_others_may_end_elsewhere_is_refused_before_the_body(driver, head):
    with driver.connect() as client:
        client.sendall(head)
        reply = read_reply(client)
        assert reply.status == 400
        assert reply.header("Connection").lower() == "close"
        assert is_closed(client)


@pytest.mark.parametrize("line", [b"GET /hea\0lth HTTP/1.1", b"GE\0T /health HTTP/1.1"])
def test_a_nul_in_the_request_line_is_no_request(driver, line):
    with driver.connect() as client:
        client.sendall(line + b"\r\nHost: a\r\n\r\n")
        reply = client.recv(100)  # libmicrohttpd 1.0 says nothing
        assert reply == b"" or reply.startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize("more", [b"", b"X:\r\n", b"X:  \t y z\r\nY:z\r\n", b"X: " + b"y" * 13000 + b"\r\n",
                                  b"Cookie: a=b; c=\"d\"\r\n" + b"".join(b"X-%d: y\r\n" % i for i in range(200))])
def test_a_proper_head_is_taken_however_it_arrives(driver, more):
    head = b"POST /raw?a=%41&b=%20 HTTP/1.1\r\n" + more + b"Host: localhost\r\nContent-Length: 2\r\n\r\n"
    with driver.connect() as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for step in (len(head) + 2, len(head) // 2 + 1, len(head) // 40 + 1, len(head) + 2):
            whole = head + b"ab"
            for at in range(0, len(whole), step):
                client.sendall(whole[at:at + step])
                time.sleep(0.005)
            assert read_reply(client).body == b"ab"


def test_after_a_chunked_body_the_connection_is_closed(driver):
    with driver.connect() as client:
        client.sendall(b"POST /raw HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
                       b"2;x=\nab\r\n0\r\n\r\n" + STRICT_OK)
        reply = read_reply(client)  # libmicrohttpd 1.0 refuses a line of a chunk that ends in LF alone
        assert (reply.body if reply.status == 200 else reply.status) in (b"ab", 400)
        assert reply.header("Connection").lower() == "close"
        assert is_closed(client)


@pytest.mark.parametrize("path, limit", [("/raw", 65536), ("/echo", 100000), ("/nope", 100000)])
def test_who_asks_before_sending_too_much_is_told_so_at_once(own, path, limit):
    server = own(body_bytes=100000)
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nExpect: 100-Continue\r\nContent-Length: %d\r\n\r\n"
    with server.connect() as client:
        client.sendall((head % (limit + 1)).encode())
        assert read_reply(client).status == (404 if path == "/nope" else 413)
        assert is_closed(client)
    with server.connect() as client:
        client.sendall((head % limit).encode())
        assert client.recv(100).startswith(b"HTTP/1.1 100 ")


# ---- connections ----

def test_http_1_0_is_answered_and_closed(driver):
    with driver.connect() as client:
        client.sendall(b"GET /who HTTP/1.0\r\nHost: localhost\r\n\r\n")
        assert read_reply(client).status == 200
        assert is_closed(client)


def test_pipelined_requests_are_answered_in_order(driver):
    with driver.connect() as client:
        client.sendall(b"".join(b"GET /files/%d HTTP/1.1\r\nHost: localhost\r\n\r\n" % i for i in range(50)))
        data = b""
        while data.count(b'{"key"') < 50:
            data += client.recv(65536)
        assert re.findall(rb'"key":"(\d+)"', data) == [b"%d" % i for i in range(50)]


def test_ipv6_is_served(own):
    server = own({"DRIVER_ADDRESS": "::1"})
    with server.connect("::1") as client:
        client.sendall(b"GET /who HTTP/1.1\r\nHost: [::1]:80\r\n\r\n")
        assert read_reply(client).json()["addr"] == "::1"


def test_both_families_meet_on_the_unspecified_address(own):
    server = own({"DRIVER_ADDRESS": "::"})
    with server.connect("127.0.0.1") as client:
        client.sendall(b"GET /who HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert read_reply(client).json()["addr"] == "127.0.0.1"


def test_one_address_may_open_so_many_connections(own):
    server = own(connections_per_ip=3)
    held = [server.connect() for _ in range(3)]
    for client in held:
        client.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert read_reply(client).status == 200
    with server.connect() as one_more:
        assert is_closed(one_more)
    for client in held:
        client.close()


# ---- slow senders ----

@pytest.mark.parametrize("pieces", [
    [b"G"] * 400, [b"GET / HTTP/1.1\r\n"] + [b"X: y\r\n"] * 400,
    [b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n"] + [b"x"] * 400, [b""] * 400])
@pytest.mark.parametrize("later", [False, True], ids=["first", "later"])
def test_a_request_that_trickles_in_is_cut_off(own, pieces, later):
    server = own(**FAST)
    with server.connect() as client:
        if later:
            client.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert read_reply(client).status == 200
        begin = time.monotonic()
        try:
            for piece in pieces:
                client.sendall(piece)
                if is_closed(client, 0.1):
                    break
        except ConnectionError:
            pass
        assert 0.3 < time.monotonic() - begin < 30
    assert server.get("/health").status == 200


def test_a_client_that_takes_nothing_of_its_reply_is_dropped(own):
    server = own(**FAST)
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect(("127.0.0.1", server.port))
        client.sendall(b"GET /stream?count=100000&size=1000 HTTP/1.1\r\nHost: localhost\r\n\r\n")
        wait_for(lambda: server.get("/left").json()["left"] == 1)


def test_a_client_that_takes_its_reply_too_slowly_is_dropped(own):
    server = own(read_ms=60000, idle_ms=1000, reply_bytes_s=4_000_000)
    text = json.dumps({"text": "x" * 8_000_000}).encode()
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.settimeout(PATIENCE)
        client.connect(("127.0.0.1", server.port))
        client.sendall(b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%s" % (len(text), text))
        end, got = time.monotonic() + 30, b"x"
        try:
            while got and time.monotonic() < end:  # never so long that it would be silent
                got = client.recv(1024)
                time.sleep(0.1)
            assert not got
        except ConnectionResetError:
            pass
    assert len(server.post("/echo", text).body) > 8_000_000


def read_slowly(client, seconds):
    """A kilobyte each so many seconds, to the end of the stream; how many came."""
    got = 0
    while piece := client.recv(1024):
        got += len(piece)
        time.sleep(seconds)
    return got


@pytest.mark.parametrize("limit, dropped", [(4_000_000, True), (4096, False)], ids=["too slowly", "slowly"])
def test_a_client_that_takes_a_stream_too_slowly_is_dropped(own, limit, dropped):
    server = own(read_ms=60000, idle_ms=1000, reply_bytes_s=limit, stream_queue_bytes=4096)
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.settimeout(PATIENCE)
        client.connect(("127.0.0.1", server.port))
        client.sendall(b"GET /stream?count=100&size=1000 HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert (read_slowly(client, 0.05) > 100_000) is not dropped
        wait_for(lambda: server.get("/left").json()["left"] == dropped)


def test_a_handler_may_take_longer_than_idle_connections_last(own):
    server = own(**FAST)
    assert server.get("/wait?ms=2000").json() == {"waited": True}


# ---- clients that leave ----

@pytest.mark.parametrize("sent", [
    b"", b"GE", b"GET /health HTTP/1.1\r\n", b"GET /health HTTP/1.1\r\nHost: localhost\r\n",
    b"POST /echo HTTP/1.1\r\nContent-Length: 10\r\n\r\n", b"POST /echo HTTP/1.1\r\nContent-Length: 10\r\n\r\n12345",
    b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n", b"GET /stream?count=1000&ms=5 HTTP/1.1\r\nHost: a\r\n\r\n"])
@pytest.mark.parametrize("reset", [False, True], ids=["fin", "rst"])
def test_a_client_may_leave_at_every_stage(driver, sent, reset):
    for _ in range(5):
        client = driver.connect()
        client.sendall(sent)
        if reset:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        client.close()
    assert driver.get("/health").status == 200
    wait_for(lambda: driver.get("/left").json()["inside"] == 1)


def test_a_waiting_handler_learns_at_once_that_its_client_has_left(own):
    server = own()
    client = server.connect()
    client.sendall(b"GET /wait?ms=600000 HTTP/1.1\r\nHost: localhost\r\n\r\n")
    wait_for(lambda: server.get("/left").json()["inside"] == 2)
    client.close()
    wait_for(lambda: server.get("/left").json() == {"left": 1, "inside": 1})


# ---- streams ----

def read_stream(client):
    """Head and the chunks' content, until the end."""
    head = read_reply(client, head_only=True)
    data, rest = b"", head.body
    while True:
        while b"\r\n" not in rest:
            rest += client.recv(65536)
        size, rest = rest.split(b"\r\n", 1)
        size = int(size, 16)
        while len(rest) < size + 2:
            rest += client.recv(65536)
        data, rest = data + rest[:size], rest[size + 2:]
        if size == 0:
            return head, data


def stream(server, query, method="GET"):
    with server.connect() as client:
        client.sendall(f"{method} /stream?{query} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        head, data = read_stream(client)
        assert is_closed(client)
        return head, data


def test_a_stream_of_events_is_framed_and_then_closed(driver):
    head, data = stream(driver, "count=2")
    assert (head.status, head.header("Content-Type")) == (200, "text/event-stream; charset=utf-8")
    assert head.header("Cache-Control") == "no-cache" and head.header("X-Accel-Buffering") == "no"
    assert head.header("X-Request-ID") and head.header("X-Content-Type-Options") == "nosniff"
    assert data == b'event: trace\ndata: {"n":0,"text":"x"}\n\nevent: trace\ndata: {"n":1,"text":"x"}\n\n'


def test_a_stream_larger_than_its_queue_arrives_whole(own):
    _, data = stream(own(stream_queue_bytes=1000), "count=200&size=5000")
    assert data.count(b"event: trace") == 200 and len(data) > 1000000


def test_silence_is_filled_with_heartbeats(own):
    _, data = stream(own(**FAST), "count=2&ms=1100")
    assert 4 <= data.count(b": heartbeat\n\n") <= 8
    assert data.startswith(b"event: trace\n")


def test_a_stream_waits_for_its_first_piece_in_silence(own):
    head, data = stream(own(**FAST), "count=1&first=1000")
    assert head.status == 200 and data.startswith(b"event: trace\n")


def test_before_its_first_piece_a_stream_may_still_fail(driver):
    reply = driver.get("/refused-stream")
    assert (reply.status, reply.detail()) == (409, "Not today")
    assert reply.header("Connection") is None


def test_a_stream_may_have_a_type_of_its_own(driver):
    with driver.connect() as client:
        client.sendall(b"GET /raw-stream HTTP/1.1\r\nHost: localhost\r\n\r\n")
        head, data = read_stream(client)
        assert (head.header("Content-Type"), data) == ("text/csv", b"a,b\n1,2\n")


def test_so_many_streams_may_run_at_once(own):
    server = own(streams=2)
    held = [server.connect() for _ in range(2)]
    for client in held:
        client.sendall(b"GET /stream?count=100000&ms=10 HTTP/1.1\r\nHost: localhost\r\n\r\n")
        read_reply(client, head_only=True)
    refused = server.get("/stream")
    assert refused.status == 503 and refused.header("Retry-After")
    for client in held:
        client.close()
    wait_for(lambda: server.get("/stream?count=1").status == 200)


def test_a_stream_ends_when_its_client_leaves(own):
    server = own()
    client = server.connect()
    client.sendall(b"GET /stream?count=100000&ms=1 HTTP/1.1\r\nHost: localhost\r\n\r\n")
    read_reply(client, head_only=True)
    client.close()
    wait_for(lambda: server.get("/left").json() == {"left": 1, "inside": 1})


def test_http_1_0_gets_a_stream_without_chunks(driver):
    with driver.connect() as client:
        client.sendall(b"GET /stream?count=1 HTTP/1.0\r\nHost: localhost\r\n\r\n")
        data = b""
        while piece := client.recv(65536):
            data += piece
        assert data.endswith(b'\r\n\r\nevent: trace\ndata: {"n":0,"text":"x"}\n\n')


# ---- browsers ----

FRONT = "http://front.example:3000"


def test_a_listed_origin_gets_cors_on_every_reply(driver):
    for path in ("/health", "/nope", "/health/", "/silent", "/tagged"):
        reply = driver.get(path, f"Origin: {FRONT}\r\n")
        assert reply.header("Access-Control-Allow-Origin") == FRONT
        assert reply.header("Access-Control-Allow-Credentials") == "true"
        assert reply.header("Vary") == "Origin"
    assert driver.get("/nothing", f"Origin: {FRONT}\r\n", "DELETE").header("Vary") == "Origin"
    with driver.connect() as client:
        client.sendall(f"GET /stream HTTP/1.1\r\nHost: localhost\r\nOrigin: {FRONT}\r\n\r\n".encode())
        head, _ = read_stream(client)
        assert head.header("Access-Control-Allow-Origin") == FRONT


def test_another_origin_gets_none(driver):
    reply = driver.get("/health", "Origin: http://evil.example\r\n")
    assert reply.status == 200 and reply.header("Access-Control-Allow-Origin") is None


def test_a_preflight_is_answered_without_a_route(driver):
    asked = "Access-Control-Request-Method: PUT\r\nAccess-Control-Request-Headers: x-a, content-type\r\n"
    reply = driver.get("/who", f"Origin: {FRONT}\r\n{asked}", "OPTIONS")
    assert (reply.status, reply.body) == (200, b"OK")
    assert reply.header("Content-Type").startswith("text/plain")
    assert reply.header("Access-Control-Allow-Methods") == "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT"
    assert reply.header("Access-Control-Allow-Headers") == "x-a, content-type"
    assert int(reply.header("Access-Control-Max-Age")) >= 600
    refused = driver.get("/who", f"Origin: http://evil.example\r\n{asked}", "OPTIONS")
    assert (refused.status, refused.body) == (400, b"Disallowed CORS origin")


@pytest.mark.parametrize("headers, status", [
    ("Origin: http://evil.example\r\n", 403), ("Origin: null\r\n", 403), ("Sec-Fetch-Site: cross-site\r\n", 403),
    (f"Origin: {FRONT}\r\nSec-Fetch-Site: cross-site\r\n", 204), ("Origin: http://localhost\r\n", 204),
    ("Sec-Fetch-Site: same-origin\r\n", 204), ("", 204)])
def test_changes_from_foreign_pages_are_refused(driver, headers, status):
    assert driver.get("/nothing", headers, "DELETE").status == status


# ---- who is calling ----

@pytest.mark.parametrize("host, status", [
    ("localhost", 200), ("LOCALHOST:8000", 200), ("app.localhost", 200), ("127.0.0.1:1", 200), ("127.9.9.9", 200),
    ("[::1]:8000", 200), ("front.example", 200), ("front.example:99", 200), ("evil.example", 403),
    ("localhost.evil.example", 403), ("127.0.0.1.evil.example", 403), ("[::1", 403), ("localhost:x", 403),
    ("10.0.0.1", 403), ("", 403)])
def test_without_login_only_local_names_are_answered(driver, host, status):
    reply = driver.ask(f"GET /who HTTP/1.1\r\nHost: {host}\r\n\r\n")
    assert reply.status == status
    if status == 200:
        assert reply.json()["uid"] == "local-dev-user"


def test_with_login_configured_a_stranger_is_401(own):
    reply = own({"DRIVER_LOGIN": "1"}).get("/who")
    assert reply.status == 401
    assert reply.header("WWW-Authenticate") == 'Bearer realm="einion", reason="missing_credentials"'
    assert reply.detail() == "Not authenticated. Session cookie missing or invalid."


def test_the_admin_password_opens_admin_routes_where_there_is_one(driver, own):
    reply = driver.get("/admin")
    assert (reply.status, reply.detail()) == (403, "Admin panel is disabled, and auth.site_admins does not name you")
    server = own({"DRIVER_ADMIN": "secret"})
    for headers in ("", "X-Admin-Password: wrong\r\n", "X-Admin-Password: secretx\r\n"):
        reply = server.get("/admin", headers)
        assert (reply.status, reply.detail()) == (401, "Invalid admin password")
    assert server.get("/admin", "X-Admin-Password: secret\r\n").status == 200


# ---- the end ----

def takes_nobody(server):
    try:
        server.connect().close()
    except OSError:
        return True
    return False


def test_quiesced_no_connection_is_taken_and_the_others_are_closed_after_their_answer(own):
    server = own()
    with server.connect() as client:
        client.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert read_reply(client).header("Connection") is None
        server.quiesce()
        wait_for(lambda: takes_nobody(server))
        client.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert read_reply(client).header("Connection") == "close"
        assert is_closed(client)


def test_stopping_cancels_what_waits(own):
    server = own()
    clients = [server.connect() for _ in range(4)]
    for client, path in zip(clients, ["/wait?ms=600000", "/stream?count=100000&ms=10", "/wait?ms=600000", "/health"]):
        client.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    wait_for(lambda: server.get("/left").json()["inside"] == 4)
    server.stop()


def test_the_access_log_has_a_line_for_every_request(own):
    server = own({"DRIVER_ACCESS": "1"})
    for path in ("/health", "/nope", "/stream?count=1"):
        server.get(path)
    wait_for(lambda: server.get("/left").json()["inside"] == 1)
    lines = [json.loads(line) for line in server.stop().splitlines() if '"access"' in line]
    found = {line["message"]: line["status"] for line in lines}
    assert (found["GET /health"], found["GET /nope"], found["GET /stream"]) == (200, 404, 200)
    assert all(line["request"] and line["client"] == "127.0.0.1" for line in lines)
