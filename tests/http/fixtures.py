# SPDX-License-Identifier: Apache-2.0
"""The fixtures of all suites that talk to a real server.

server          one for each storage backend, shared by the whole session
sqlite_server   the same server with SQLite only: for what does not depend on storage
agent_server    sqlite_server once the agent runtime is ready
login_server    one with logins for each storage backend, shared by the whole session
person          person("alice"): somebody who is logged in there; person(): nobody yet
naughty_plugin  the file of an auth provider that lies; see plugins/naughty.c
start_fresh     start_fresh(...): the same for each storage backend, with an empty store
start_server    start_server(backend=, sets=, env=, config=, ready=) for a special one
start_module    the same, for all tests of a file
vendor          a stand-in of a vendor (vendor.py) that knows no answer yet
"""

import contextlib
import functools
import signal
import subprocess
import uuid

import postgres as support_postgres
import pytest
from support import BACKENDS, SCALE, TESTS, Person, Server, logins
from vendor import Vendor

TEST_SECONDS = 600


@pytest.fixture(scope="session")
def postgres():
    """postgres(): the address of a PostgreSQL server, started for whoever asks first."""
    with contextlib.ExitStack() as stack:
        yield functools.cache(lambda: stack.enter_context(support_postgres.server()))


@pytest.fixture(scope="session")
def shared_servers(postgres):
    servers = {}

    def shared(backend):
        if backend not in servers:
            name, _, mode = backend.partition(" ")
            env = {"DATABASE_URL": postgres()} if name == "postgres" else {}
            sets = [logins(), "plugins.storage-postgres.schema=logins"] if mode == "logins" else []
            servers[backend] = Server(name, sets=sets, env=env).start()
        return servers[backend]

    with contextlib.ExitStack() as stack:
        yield shared
        for server in servers.values():
            stack.enter_context(server)


def lend(shared_servers, backend):
    """A shared server, checked after the test; one that died is replaced for the next."""
    server = shared_servers(backend)
    if server.ended():
        server.start()
    yield server
    server.check()


@pytest.fixture(params=sorted(BACKENDS, reverse=True))
def server(request, shared_servers):
    yield from lend(shared_servers, request.param)


@pytest.fixture(params=sorted(BACKENDS, reverse=True))
def login_server(request, shared_servers):
    yield from lend(shared_servers, f"{request.param} logins")


@pytest.fixture
def person(login_server):
    return lambda uid=None: Person(login_server).login(uid) if uid else Person(login_server)


@pytest.fixture(params=sorted(BACKENDS, reverse=True))
def start_fresh(request, start_server, postgres):
    """start_server() of each storage in turn, which holds nothing yet."""

    def start(env=None, sets=(), **options):
        if request.param == "postgres":
            sets = [*sets, f"plugins.storage-postgres.schema=t{uuid.uuid4().hex}"]
            env = {"DATABASE_URL": postgres()} | (env or {})
        return start_server(backend=request.param, env=env, sets=sets, **options)

    return start


@pytest.fixture
def sqlite_server(shared_servers):
    yield from lend(shared_servers, "sqlite")


@pytest.fixture
def agent_server(sqlite_server):
    sqlite_server.wait_ready()
    return sqlite_server


@contextlib.contextmanager
def starting():
    with contextlib.ExitStack() as stack:
        yield lambda ready=False, **options: stack.enter_context(Server(**options)).start(ready)


@pytest.fixture
def start_server():
    with starting() as start:
        yield start


@pytest.fixture(scope="module")
def start_module():
    """start_server() for all tests of a file."""
    with starting() as start:
        yield start


@pytest.fixture(scope="module")
def the_vendor():
    with Vendor() as vendor:
        yield vendor


@pytest.fixture
def vendor(the_vendor):
    the_vendor.forget()
    return the_vendor


@pytest.fixture(scope="session")
def naughty_plugin(tmp_path_factory):
    built = tmp_path_factory.mktemp("plugin") / "naughty.so"
    subprocess.run(["cc", "-fPIC", "-shared", "-fvisibility=hidden", f"-I{TESTS.parent}/plugin-api/include",
                    "-o", built, TESTS / "http" / "plugins" / "naughty.c", "-ljansson"], check=True)  # fmt: skip
    return built


@pytest.fixture(autouse=True)
def time_limit(request):
    """No test hangs: @pytest.mark.seconds(N) gives it more time."""
    mark = request.node.get_closest_marker("seconds")
    seconds = max(mark.args[0] if mark else 0, TEST_SECONDS) * SCALE

    def on_alarm(*_):
        pytest.fail(f"took longer than {seconds:g} s")

    previous = signal.signal(signal.SIGALRM, on_alarm)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, previous)
