# SPDX-License-Identifier: Apache-2.0
"""SIGTERM, SIGHUP, and starts that fail."""

import json
import os
import signal
import socket
import subprocess
import threading
import time

import pytest
from ports import free_port
from support import EINION, PATIENCE, Server, logins, wait_until

SLOW = {"code": "import asyncio\nasync def run(input_dict, tools):\n    await asyncio.sleep(input_dict['s'])\n    return 'slept'", "tools": {}}


def in_background(function):
    result = []
    thread = threading.Thread(target=lambda: result.append(function()))
    thread.start()
    return thread, result


def test_sigterm_ends_an_idle_server_at_once(start_server):
    server = start_server(sets=["limits.drain_ms=3600000"])
    with server.connect() as idle:
        idle.send_request("GET", "/health")
        assert idle.read_reply().status == 200
        assert server.stop() == 0
        assert idle.at_end()


def test_sigint_ends_it_too(start_server):
    server = start_server(backend="memory")
    server.expect_end = True
    server.signal(signal.SIGINT)
    assert server.process.wait(PATIENCE) == 0


def run_in_background(server, body):
    """Returns once the run is on."""
    thread, result = in_background(lambda: server.post("/agents/run-code", body))
    wait_until(lambda: server.get("/runs?status=running").json, 20, "the run to begin")
    return thread, result


def test_a_signal_to_the_whole_group_is_for_the_server_alone():
    """As a terminal sends it for Ctrl-C: what runs comes to its end."""
    server = Server("memory")
    server.set_limits = os.setpgrp
    try:
        server.start(ready=True)
        thread, result = run_in_background(server, SLOW | {"inputDict": {"s": 2}})
        os.killpg(server.process.pid, signal.SIGINT)
        assert server.process.wait(PATIENCE) == 0
        thread.join()
        assert (result[0].json["result"], result[0].json["error"]) == ("slept", None)
        assert "the sandbox ended" not in server.log()
    finally:
        server.clean()


def test_sigterm_lets_what_runs_come_to_its_end(start_server):
    server = start_server(ready=True)
    thread, result = run_in_background(server, SLOW | {"inputDict": {"s": 2}})
    assert server.stop() == 0
    thread.join()
    assert (result[0].json["result"], result[0].json["error"]) == ("slept", None)


def test_sigterm_lets_an_answer_be_read_to_its_end(start_server):
    server, path = start_server(), "/data-store/namespaces/n/records/k"
    assert server.put(path, {"value": "v" * 8_000_000}).status == 200
    with server.connect() as slow:
        slow.send_request("GET", path)
        wait_until(lambda: f"GET {path} status=200" in server.log(), 20, "the answer to be made")
        server.expect_end = True
        server.signal(signal.SIGTERM)
        wait_until(lambda: "stopping: " in server.log(), 20, "the server to notice")
        assert len(slow.read_reply().json["value"]) == 8_000_000
    assert server.stop() == 0


def test_a_draining_server_is_not_ready(start_server):
    server = start_server(ready=True)
    with server.connect() as kept:
        kept.send_request("GET", "/readyz")
        assert kept.read_reply().status == 200
        thread, _ = run_in_background(server, SLOW | {"inputDict": {"s": 3}})
        server.expect_end = True
        server.signal(signal.SIGTERM)

        def refuses():
            try:
                kept.send_request("GET", "/readyz")
                return kept.read_reply().status == 503
            except ConnectionError:
                return True  # closed: just as clear

        wait_until(refuses, 10, "the server to be unready")
        assert server.process.wait(PATIENCE) == 0
        thread.join()


def test_sigterm_has_a_deadline(start_server):
    server = start_server(ready=True, sets=["limits.drain_ms=200", "limits.plugin_drain_ms=60000"])
    thread, result = run_in_background(server, SLOW | {"inputDict": {"s": 3600}})
    assert server.stop() == 0
    thread.join()
    assert "Cancelled" in result[0].json["error"]  # who is cancelled is still told so


def test_what_was_written_is_there_after_sigterm(start_server):
    first = start_server()
    agent = first.post("/agents", {"name": "n", "description": "d", "code": "c"}).json
    assert first.stop() == 0
    second = start_server(state=first.state)
    assert second.get(f"/agents/{agent['_id']}").json == agent


# ---- SIGHUP ----


CONFIG = """\
storage:
  backend: memory
log:
  level: {level}
http:
  origins: ["{origin}"]
limits:
  body_bytes: {body}
plugins:
  storage-memory:
  service:
  data-store:
  sessions:
    enabled: {sessions}
"""


def reload(server, text, said):
    (server.state / "einion.yaml").write_text(text)
    mark = len(server.log())
    server.signal(signal.SIGHUP)
    wait_until(lambda: said(server.log()[mark:]), 10, "the reload")


def test_sighup_takes_over_limits_origins_and_plugins(start_server):
    values = {"level": "info", "origin": "http://a.example", "body": 100_000, "sessions": "true"}
    server = start_server(backend="memory", config=CONFIG.format(**values))
    session = {"provider": "p", "model": "m", "parameters": {}}
    large = {"value": "v" * 50_000}
    record = "/data-store/namespaces/n/records/k"
    assert server.post("/sessions/s/config", session).status == 200
    assert server.put(record, large).status == 200
    assert server.get("/health", headers={"Origin": "http://a.example"}).header("Access-Control-Allow-Origin")

    with server.connect() as kept:
        values |= {"origin": "http://b.example", "body": 10_000, "sessions": "false"}
        (server.state / "einion.yaml").write_text(CONFIG.format(**values))
        server.signal(signal.SIGHUP)
        wait_until(lambda: server.put(record, large).status == 413, 10, "the new limit")
        reply = server.get("/health", headers={"Origin": "http://b.example"})
        assert reply.header("Access-Control-Allow-Origin") == "http://b.example"
        reply = server.get("/health", headers={"Origin": "http://a.example"})
        assert reply.header("Access-Control-Allow-Origin") is None
        wait_until(lambda: server.get("/sessions/s/config").status in (404, 503), 10, "sessions to leave")
        kept.send_request("GET", "/health")
        assert kept.read_reply().status == 200

    values |= {"sessions": "true"}
    (server.state / "einion.yaml").write_text(CONFIG.format(**values))
    server.signal(signal.SIGHUP)
    wait_until(lambda: server.post("/sessions/s/config", session).status == 200, 10, "sessions to come back")


def test_sighup_with_a_wrong_configuration_changes_nothing(start_server):
    values = {"level": "info", "origin": "http://a.example", "body": 100_000, "sessions": "true"}
    server = start_server(backend="memory", config=CONFIG.format(**values))
    text = CONFIG.format(**values) + "lmits: {}\nlgo: {}\n"
    reload(server, text, lambda log: "lmits" in log and "limits" in log and "lgo" in log)
    assert "\\n" not in server.log()  # a line for each fault
    assert server.healthy()
    assert server.get("/health", headers={"Origin": "http://a.example"}).header("Access-Control-Allow-Origin")


@pytest.mark.parametrize(
    "wrong, said",
    [("egress: {ca_file: /no/such.pem}", "egress.ca_file: /no/such.pem: No such file"),
     ("egress: {allow: [10.0.0.0/33]}", "egress.allow: '10.0.0.0/33' is neither"),
     ("admin: {panel: true}", "ADMIN_PANEL_PASSWORD or"),
     ("storage: {backend: memory}\nhttp: {trusted_proxies: [proxy.local]}", "http.trusted_proxies: 'proxy.local' is neither")],
)  # fmt: skip
def test_sighup_takes_nothing_over_where_one_thing_is_refused(start_server, wrong, said):
    plugins = "\nshipped_plugins: false\nplugins: {storage-memory: , service: , data-store: , sessions: {enabled: %s}}\n"
    right = "storage: {backend: memory}\nlimits: {body_bytes: 100000}"
    server = start_server(backend="memory", config=right + plugins % "true")
    session = {"provider": "p", "model": "m", "parameters": {}}
    assert server.post("/sessions/s/config", session).status == 200
    reload(server, wrong + "\nlimits: {body_bytes: 1024}" + plugins % "false", lambda log: said in log)
    assert server.post("/sessions/s/config", session).status == 200
    assert server.put("/data-store/namespaces/n/records/k", {"value": "v" * 50_000}).status == 200


def test_sighup_opens_the_log_again_whatever_the_configuration_is(start_server, tmp_path):
    path = tmp_path / "log"
    config = f"storage: {{backend: memory}}\nlog: {{to: {path}}}\n"
    server = start_server(backend="memory", config=config)
    path.rename(tmp_path / "log.1")
    (server.state / "einion.yaml").write_text(config + "lmits: {}\n")
    server.signal(signal.SIGHUP)
    wait_until(path.exists, 10, "the new file")
    wait_until(lambda: "lmits" in path.read_text(), 10, "the fault")
    (server.state / "einion.yaml").write_text(config.replace(str(path), "stderr"))
    server.signal(signal.SIGHUP)
    wait_until(lambda: "log.to has changed: that takes effect" in path.read_text(), 10, "the warning")


def test_plugins_come_and_go_while_requests_run(start_server):
    values = {"level": "warn", "origin": "http://a.example", "body": 100_000, "sessions": "true"}
    server = start_server(backend="memory", config=CONFIG.format(**values))
    session = {"provider": "p", "model": "m", "parameters": {}}
    statuses, stop = set(), threading.Event()

    def hammer():
        while not stop.is_set():
            with server.connect() as connection:
                for _ in range(20):
                    connection.send_request("POST", "/sessions/h/config", json.dumps(session).encode())
                    statuses.add(connection.read_reply().status)

    threads = [threading.Thread(target=hammer) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        wait_until(lambda: 200 in statuses, 10, "the first answer")
        for i in range(20):
            values |= {"sessions": str(i % 2 == 1).lower()}
            (server.state / "einion.yaml").write_text(CONFIG.format(**values))
            server.signal(signal.SIGHUP)
            time.sleep(0.15)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert 200 in statuses and statuses <= {200, 404, 503}, statuses
    assert server.healthy()


# ---- starts that fail ----


def test_a_port_in_use_is_said(sqlite_server):
    other = Server("memory")
    other.port = sqlite_server.port
    try:
        other.spawn()
        assert other.process.wait(PATIENCE) != 0
        assert str(sqlite_server.port) in other.log()
    finally:
        other.clean()


def run(*arguments, state, **env):
    return subprocess.run(
        [EINION, *arguments], capture_output=True, text=True, timeout=PATIENCE,
        env={"PATH": "/usr/bin:/bin", "EINION_STATE_DIR": str(state)} | env,
    )  # fmt: skip


@pytest.mark.parametrize(
    "text, said",
    [("listen:\n  prot: 8000\n", ["einion.yaml:2", "prot", "port"]),
     ("listen:\n  port: many\n", ["einion.yaml:2", "port"]),
     ("listen: [\n", ["einion.yaml:"]),
     ("plugins:\n  sesions:\n    enabled: true\n", ["einion.yaml:2: plugins.sesions: there is no plugin 'sesions' in /"]),
     ("plugins:\n  a: {plugin: service}\n  b: {plugin: service}\n",
      ["einion.yaml:3: plugins.b: the plugin service can have one instance, which is a"]),
     ("plugins:\n  sessions:\n    colour: red\n", ["colour"]),
     ("plugins:\n  mine: {plugin: mine.so}\n", ["einion.yaml:2: plugins.mine: 'mine.so' is neither the name of a plugin nor an absolute path"]),
     ("log:\n  level: loud\n", ["einion.yaml:2", "level"])],
)  # fmt: skip
@pytest.mark.parametrize("command", ["check", "serve"])
def test_a_wrong_configuration_is_explained(command, text, said, tmp_path):
    config = tmp_path / "einion.yaml"
    config.write_text(text)
    done = run("--config", config, command, state=tmp_path)
    assert done.returncode != 0
    assert [word for word in said if word not in done.stderr] == [], done.stderr


@pytest.mark.parametrize("command, said", [("check", "plugins.storage-nonesuch with enabled: true"), ("serve", "storage.backend names")])
def test_a_storage_that_is_not_there_is_said(command, said, tmp_path):
    done = run("--set", "storage.backend=nonesuch", "--set", f"listen.port={free_port()}", command, state=tmp_path)
    assert done.returncode == 1 and said in done.stderr, done


@pytest.mark.parametrize("command", ["check", "serve"])
def test_authorities_that_are_not_there_are_said(command, tmp_path):
    done = run("--set", "egress.ca_file=/no/such.pem", "--set", f"listen.port={free_port()}", command, state=tmp_path)
    assert done.returncode == 1 and "egress.ca_file: /no/such.pem: No such file" in done.stderr, done


@pytest.mark.parametrize("path", ["/dev/null", "/"])
def test_a_store_that_cannot_be_opened_is_named(path, tmp_path):
    done = run("--set", f"plugins.storage-sqlite.path={path}", "--set", f"listen.port={free_port()}", state=tmp_path)
    assert done.returncode == 1 and f"start: {path}" in done.stderr, done


def test_a_file_that_lists_no_plugins_has_those_that_ship(start_server):
    server = start_server(config="log: {level: info}\n")
    assert server.get("/agents").json == []


def test_check_tells_who_may_log_in(tmp_path):
    told = run("--set", f"listen.port={free_port()}", "check", state=tmp_path)
    assert "\nthere are no logins: only this machine is served, as one user\n" in told.stdout, told
    told = run("--set", f"listen.port={free_port()}", "--set", logins(), "check", state=tmp_path)
    assert "\nlogins: session, dev_stub, api_key; site admins: dev_stub:site_admin_1\n" in told.stdout, told
    told = run("--set", f"listen.port={free_port()}", "--set", logins(site_admins=[]), "check", state=tmp_path)
    assert "; site admins: nobody\n" in told.stdout, told


def test_check_leaves_nothing_behind(tmp_path):
    state = tmp_path / "state"
    assert run("--set", f"listen.port={free_port()}", "check", state=state).returncode == 0
    assert not state.exists()


def test_check_looks_at_the_place_of_documents_and_at_the_address(start_server, tmp_path):
    started = start_server(backend="memory")
    started.get("/livez")
    os.chmod(tmp_path, 0o750)
    told = run("--set", f"listen.port={started.port}", "check", state=tmp_path / "new" / "state")
    assert told.returncode == 0 and f"127.0.0.1 port {started.port} is served by an einion that runs\n" in told.stdout, told
    assert f"/new/state/einion.db: {tmp_path} is of user {os.geteuid()}, mode 0750, with " in told.stdout
    with socket.create_server(("127.0.0.1", 0)) as stranger:
        stranger.settimeout(PATIENCE)
        port = stranger.getsockname()[1]
        thread, told = in_background(lambda: run("--set", f"listen.port={port}", "check", state=tmp_path))
        connection, _ = stranger.accept()
        with connection:
            connection.sendall(b"HTTP/1.1 200 OK\r\n\r\nhello")
        thread.join()
    assert told[0].returncode == 1 and f"cannot listen on 127.0.0.1 port {port}: Address already in use" in told[0].stderr, told
    (tmp_path / "file").write_text("")
    told = run("--set", f"listen.port={free_port()}", "check", state=tmp_path / "file" / "state")
    assert told.returncode == 1 and "documents cannot be kept in" in told.stderr and "Not a directory" in told.stderr, told


def test_without_a_login_only_loopback_is_served(tmp_path):
    done = run("--set", "listen.address=0.0.0.0", "--set", f"listen.port={free_port()}", state=tmp_path)
    assert done.returncode != 0
    assert "0.0.0.0" in done.stderr or "loopback" in done.stderr or "other machines" in done.stderr


@pytest.mark.parametrize(
    "arguments, said",
    [(["--nonsense"], "there is no such option: --nonsense"), (["-hx"], None), (["-xh"], "there is no such option: -x"),
     (["fly"], "unknown command: fly"), (["rotate-key"], "unknown command: rotate-key; did you mean 'rotate-keys'?"),
     (["modles"], "unknown command: modles; did you mean 'models'?"), (["--config"], "this option needs a value: --config"),
     (["-s"], "this option needs a value: -s"), (["--set", "listen.port"], "--set needs KEY=VALUE, not listen.port"),
     (["backup"], "this command needs an argument: FILE"), (["plugin-info"], "this command needs an argument: FILE.so"),
     (["check", "it"], "this command takes no argument: it")],
)  # fmt: skip
def test_a_wrong_command_line_is_a_usage_error(arguments, said, tmp_path):
    done = run(*arguments, state=tmp_path)
    if said is None:  # help was asked for first
        assert (done.returncode, done.stderr) == (0, "")
    else:
        assert (done.returncode, done.stderr) == (2, f"einion: {said}\nTry 'einion --help'.\n")


def test_the_commands_that_list(tmp_path):
    assert run("--version", state=tmp_path).stdout.startswith("einion 0.1.0")
    assert "Usage" in run("--help", state=tmp_path).stdout
    assert run("help", state=tmp_path).stdout == run("--help", state=tmp_path).stdout
    assert run("version", state=tmp_path).stdout == run("--version", state=tmp_path).stdout
    plugins = run("plugins", state=tmp_path)
    assert plugins.returncode == 0 and "storage-sqlite" in plugins.stdout
    routes = run("routes", state=tmp_path)
    assert routes.returncode == 0 and "/rest/{friendly_name}" in routes.stdout
