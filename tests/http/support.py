# SPDX-License-Identifier: Apache-2.0
"""Starts the real server and talks to it: what every test over HTTP stands on."""

import itertools
import json
import os
import pathlib
import re
import resource
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.parse

from ports import free_port

TESTS = pathlib.Path(__file__).resolve().parent.parent
BUILD = pathlib.Path(os.environ.get("EIN_BUILD", TESTS.parent / "build")).resolve()
EINION = BUILD / "core" / "einion"
SCALE = float(os.environ.get("EIN_TEST_SCALE", "1"))  # sanitizers make everything slower
PATIENCE = 120  # no wait is shorter: it costs no time where all goes well, and many may share the machine

BACKENDS = {
    "sqlite": [],
    "memory": ["storage.backend=memory"],
    "postgres": ["storage.backend=postgres"], # and DATABASE_URL
}

# All tests come from one address, and are wrong more often than one address may be.
PATIENT = "http.wrong_logins_per_minute=1000000"

# The users of the dev stub: two who share a workspace, one who is in none, one who minds everything.
USERS = [
    {"uid": "alice", "display_name": "Alice Dev", "email": "alice@dev.local",
     "workspaces": [{"id": "project:tomcat", "role": "admin", "display_name": "Apache Tomcat"}]},
    {"uid": "carol", "display_name": "Carol Member", "email": "carol@dev.local",
     "workspaces": [{"id": "project:tomcat", "role": "member", "display_name": "Apache Tomcat"}]},
    {"uid": "dave", "display_name": "Dave Elsewhere", "email": "dave@dev.local",
     "workspaces": [{"id": "project:httpd", "role": "member", "display_name": "Apache HTTPD"}]},
    {"uid": "bob", "display_name": "Bob Emeritus", "email": "bob@dev.local", "workspaces": []},
    {"uid": "site_admin_1", "display_name": "Site Admin", "email": "root@dev.local", "workspaces": []},
]  # fmt: skip


def logins(users=None, **auth):
    """The --set that turns logins on: start_server(sets=[logins()]), then Person(server).login("alice")."""
    provider = {"type": "dev_stub", "config": {"users": USERS if users is None else users}}
    return "auth=" + json.dumps({"providers": [provider], "site_admins": ["dev_stub:site_admin_1"], **auth})


REPORTS = re.compile(
    r"(ERROR: (Address|Leak)Sanitizer|WARNING: ThreadSanitizer|runtime error: |"
    r"SUMMARY: \w+Sanitizer|Assertion .* failed|reply does not match its schema|returned without a reply)"
)


def wait_until(condition, seconds, what):
    """Waits for condition() to be true and returns its value; for no less than PATIENCE."""
    seconds = max(seconds, PATIENCE) * SCALE
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"waited {seconds:g} s for {what}")
        time.sleep(0.02)


class Reply:
    """A reply as it came: `status`, `headers` (pairs), `body` (bytes)."""

    def __init__(self, version, status, reason, headers, body=b""):
        self.version, self.status, self.reason = version, status, reason
        self.headers, self.body = headers, body

    def header(self, name):
        """The value of a header, None if absent; several are joined as RFC 9110 has it."""
        values = [value for key, value in self.headers if key.lower() == name.lower()]
        return ", ".join(values) if values else None

    @property
    def text(self):
        return self.body.decode("utf-8")

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def detail(self):
        """What an error says; below /v1 it is another object's member."""
        return self.json["detail"] if "detail" in self.json else self.json["error"]["message"]

    def __repr__(self):
        return f"<{self.status} {self.body[:500]!r}>"


class Connection:
    """One connection.  Nothing is normalised on the way out, nothing is read ahead of need."""

    def __init__(self, port, timeout=PATIENCE):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=timeout * SCALE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.stream = self.socket.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.stream.close()
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data.encode("latin-1") if isinstance(data, str) else data)

    def send_request(self, method, path, body=None, headers=()):
        lines = [f"{method} {path} HTTP/1.1"]
        headers = list(headers.items()) if isinstance(headers, dict) else list(headers)
        names = {name.lower() for name, _ in headers}
        if "host" not in names:
            headers.insert(0, ("Host", "127.0.0.1"))
        if body is not None and not names & {"content-length", "transfer-encoding"}:
            headers.append(("Content-Length", str(len(body))))
        lines += [f"{name}: {value}" for name, value in headers]
        self.send("\r\n".join(lines).encode("utf-8") + b"\r\n\r\n" + (body or b""))

    def read_head(self):
        """Status line and headers of the next final reply."""
        while True:
            line = self.stream.readline(65536)
            if not line:
                raise ConnectionError("closed without a reply")
            match = re.fullmatch(rb"(HTTP/1\.[01]) (\d{3}) ?([^\r]*)\r\n", line)
            assert match, f"not a status line: {line[:200]!r}"
            headers = []
            while (line := self.stream.readline(65536)) not in (b"\r\n", b""):
                name, _, value = line.decode("latin-1").rstrip("\r\n").partition(":")
                headers.append((name, value.strip()))
            status = int(match[2])
            if status >= 200:
                return Reply(match[1].decode(), status, match[3].decode(), headers)

    def pieces(self, head):
        """The body behind `head`, piece by piece as it arrives."""
        if (head.header("Transfer-Encoding") or "").lower() == "chunked":
            while size := int(self.stream.readline().split(b";")[0] or b"0", 16):
                yield self._exactly(size)
                self.stream.readline()
            while self.stream.readline() not in (b"\r\n", b""):
                pass
        elif head.header("Content-Length") is not None:
            yield self._exactly(int(head.header("Content-Length")))
        else:
            while piece := self.stream.read1(65536):
                yield piece

    def _exactly(self, size):
        data = self.stream.read(size)
        if len(data) < size:
            raise ConnectionError(f"closed after {len(data)} of {size} bytes")
        return data

    def read_reply(self, method="GET"):
        head = self.read_head()
        if method != "HEAD" and head.status not in (204, 304):
            head.body = b"".join(self.pieces(head))
        return head

    def events(self, head):
        """(event, data) of a stream; a comment is (None, its text)."""
        buffer, event, data = b"", None, []
        for piece in self.pieces(head):
            buffer += piece
            *lines, buffer = buffer.split(b"\n")
            for line in lines:
                text = line.decode("utf-8")
                if text.startswith(":"):
                    yield None, text[1:].strip()
                elif text == "" and (event or data):
                    yield event, json.loads("\n".join(data))
                    event, data = None, []
                elif text.startswith("event: "):
                    event = text[7:]
                elif text.startswith("data: "):
                    data.append(text[6:])
                elif text:
                    raise AssertionError(f"not a line of an event stream: {text!r}")
        assert not buffer, f"the stream ended within a line: {buffer!r}"

    def at_end(self):
        """True when the server has closed this connection."""
        try:
            return self.stream.read(1) == b""
        except ConnectionResetError:
            return True


class Verbs:
    """What request() asks for, by its verb."""

    def get(self, path, **options):
        return self.request("GET", path, **options)

    def post(self, path, json_body=None, **options):
        return self.request("POST", path, json_body, **options)

    def put(self, path, json_body=None, **options):
        return self.request("PUT", path, json_body, **options)

    def delete(self, path, **options):
        return self.request("DELETE", path, **options)


class Person(Verbs):
    """Somebody with a browser at a server: keeps cookies, follows no redirect by itself."""

    def __init__(self, server, headers=()):
        self.server, self.headers, self.cookies, self.attributes = server, dict(headers), {}, {}

    def request(self, method, path, json_body=None, *, headers=(), **options):
        headers = {**self.headers, **dict(headers)}
        if self.cookies:
            headers.setdefault("Cookie", "; ".join(f"{name}={value}" for name, value in self.cookies.items()))
        reply = self.server.request(method, path, json_body, headers=headers, **options)
        for header, cookie in reply.headers:
            if header.lower() == "set-cookie":
                self.keep(cookie)
        return reply

    def keep(self, cookie):
        pair, *attributes = (part.strip() for part in cookie.split(";"))
        name, _, value = pair.partition("=")
        self.attributes[name] = {key.lower(): value for key, _, value in (part.partition("=") for part in attributes)}
        self.cookies.pop(name, None)
        if "1970" not in self.attributes[name].get("expires", ""):
            self.cookies[name] = value

    def begin(self, provider="dev_stub", return_to=None):
        """To the provider: what the redirect's query says."""
        query = "" if return_to is None else "?" + urllib.parse.urlencode({"return_to": return_to})
        reply = self.get(f"/auth/login/{provider}{query}")
        assert reply.status == 302, reply
        query = urllib.parse.urlsplit(reply.header("Location")).query
        return dict(urllib.parse.parse_qsl(query, keep_blank_values=True))

    def finish(self, code, state, provider="dev_stub"):
        """Back from it."""
        return self.get(f"/auth/callback/{provider}?" + urllib.parse.urlencode({"code": code, "state": state}))

    def login(self, uid, return_to=None):
        """As one of the dev stub's users."""
        reply = self.finish(uid, self.begin(return_to=return_to)["state"])
        assert reply.status == 302, reply
        return self


class Server(Verbs):
    """A server of its own, on a free port, with a state folder of its own."""

    def __init__(self, backend="sqlite", sets=(), env=None, config=None, state=None, arguments=(), limits=None,
                 port=None):
        self.backend, self.sets = backend, list(sets)
        self.env, self.config, self.arguments = env or {}, config, list(arguments)
        self.limits = limits or {}
        self.own_state = state is None
        self.state = pathlib.Path(state or tempfile.mkdtemp(prefix="einion-state-"))
        self.log_file = tempfile.NamedTemporaryFile(prefix="einion-log-", suffix=".txt")
        self.port, self.process, self.expect_end = port, None, False

    def command(self):
        command = [str(EINION)]
        if self.config is not None:
            path = self.state / "einion.yaml"
            path.write_text(self.config)
            command += ["--config", str(path)]
            if "plugins" in self.config:  # it says which
                command += ["--set", "shipped_plugins=false"]
        sets = [f"listen.port={self.port}", PATIENT, *BACKENDS[self.backend], *self.sets]
        for value in sets:
            command += ["--set", value]
        return command + self.arguments

    def environment(self):
        env = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.state),
            "LANG": "C.UTF-8",
            "EINION_STATE_DIR": str(self.state),
            "EIN_CHECK_REPLIES": "1",
            "UBSAN_OPTIONS": "print_stacktrace=1",
        }
        if self.backend == "postgres":  # whoever shares a database shares the key of its secrets
            env["EINION_MASTER_KEY"] = "5a" * 32
        for name in ("ASAN_OPTIONS", "LSAN_OPTIONS", "TSAN_OPTIONS", "UBSAN_OPTIONS"):
            if name in os.environ:
                env[name] = os.environ[name]
        return env | self.env

    def spawn(self):
        assert EINION.exists(), f"{EINION} is not built"
        self.port = self.port or free_port()
        self.expect_end = False
        self.process = subprocess.Popen(
            self.command(), env=self.environment(), stdin=subprocess.DEVNULL,
            stdout=self.log_file, stderr=subprocess.STDOUT, cwd=self.state, preexec_fn=self.set_limits,
        )  # fmt: skip
        return self

    def set_limits(self):
        for which, limit in self.limits.items():
            resource.setrlimit(which, limit)

    def start(self, ready=False):
        self.spawn()
        wait_until(lambda: self.ended() or self.answers("/livez"), 10, "the server to be live")
        assert not self.ended(), f"the server did not start:\n{self.log()}"
        if ready:
            self.wait_ready()
        return self

    def wait_ready(self):
        wait_until(lambda: self.answers("/readyz"), 20, f"/readyz to be well; log:\n{self.log()}")

    def ended(self):
        return self.process is None or self.process.poll() is not None

    def answers(self, path):
        try:
            return self.get(path).status == 200
        except OSError:
            return False

    def signal(self, number):
        self.process.send_signal(number)

    def stop(self, seconds=PATIENCE):
        """SIGTERM, and the exit status; a server that will not go is killed and the test fails."""
        self.expect_end = True
        if not self.ended():
            self.signal(signal.SIGTERM)
        try:
            return self.process.wait(seconds * SCALE)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"still running {seconds * SCALE:g} s after SIGTERM:\n{self.log()}")

    def kill(self):
        self.expect_end = True
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def end(self):
        """Stops it if it still runs; it has ended well, and nothing is left of it."""
        try:
            if not self.ended():
                assert self.stop() == 0, self.log()
            self.check()
        finally:
            self.clean()

    def __enter__(self):
        return self

    def __exit__(self, failed, *_):
        self.clean() if failed else self.end()

    def clean(self):
        self.kill()
        if self.own_state:
            shutil.rmtree(self.state, ignore_errors=True)

    def log(self):
        return pathlib.Path(self.log_file.name).read_text(errors="replace")

    def check(self):
        """Fails if the server has died or something in it was found wrong."""
        log = self.log()
        found = REPORTS.search(log)
        assert not found, f"the server's log reports {found[0]!r}:\n{log[-20000:]}"
        if not self.expect_end:
            assert not self.ended(), f"the server died ({self.process.returncode}):\n{log[-20000:]}"

    def memory(self):
        """Resident memory of the server's own process, in MiB."""
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1024

    # ---- talking to it ----

    def store_operations(self, path, **options):
        """Of the document store, for a request: the least of a few, as timers ask it, too."""
        counts = []
        for _ in range(4):
            lines = [line for line in self.get("/metrics").text.splitlines() if line.startswith("einion_store_operations_total{")]
            counts.append(sum(float(line.split()[1]) for line in lines))
            assert self.get(path, **options).status == 200
        return min(after - before for before, after in itertools.pairwise(counts))

    def connect(self, timeout=PATIENCE):
        return Connection(self.port, timeout)

    def request(self, method, path, json_body=None, *, body=None, headers=(), timeout=PATIENCE):
        """One request on one connection."""
        headers = list(headers.items()) if isinstance(headers, dict) else list(headers)
        if json_body is not None:
            body = json.dumps(json_body).encode()
            headers.append(("Content-Type", "application/json"))
        headers.append(("Connection", "close"))
        with self.connect(timeout) as connection:
            connection.send_request(method, path, body, headers)
            return connection.read_reply(method)

    def stream(self, path, json_body, timeout=PATIENCE):
        """All events of POST path."""
        with self.connect(timeout) as connection:
            connection.send_request("POST", path, json.dumps(json_body).encode())
            head = connection.read_head()
            assert head.status == 200, (head, b"".join(connection.pieces(head)))
            return list(connection.events(head))

    def raw(self, data, timeout=PATIENCE):
        """Sends bytes as they are and returns the reply."""
        with self.connect(timeout) as connection:
            connection.send(data)
            return connection.read_reply()

    def healthy(self):
        reply = self.get("/health")
        assert reply.status == 200 and reply.json["status"] == "healthy", reply
        return True
