# SPDX-License-Identifier: Apache-2.0
"""Plugins that are not well: the server says why; one that runs already stays up."""

import signal
import subprocess

import pytest
from conftest import HERE, run
from support import BUILD, EINION, Server, wait_until

# What is said of each; {file} is its path.
REASONS = {
    "no-symbol": "{file}: has no ein_plugin_v1(): no plugin for ABI 1.1, which this server has",
    "no-descriptor": "{file}: ein_plugin_v1() returns nothing",
    "wrong-magic": "{file}: its descriptor begins with 12345678, not with 4e494521",
    "major-two": "{file}: is for plugin ABI 2, this server has 1.1",
    "too-small": "{file}: its descriptor has 64 bytes, that of plugin ABI 1.0 has 96",
    "unknown-flag": "{file}: sets flags 0x100000, of which this server knows 0x1",
    "bad-name": "{file}: its name is 'Bad Name', not [a-z][a-z0-9-]{{0,62}}",
    "no-name": "{file}: its name is '', not [a-z][a-z0-9-]{{0,62}}",
    "no-init": "{file}: has no init()",
    "no-utf8": "{file}: its version or summary is not UTF-8",
    "newer-host": "{file}: needs plugin ABI 1.99, this server has 1.1",
    "broken-schema": "{file}: its config_schema: ",
    "unknown-schema": "{file}: its config_schema: ",
    "init-fails": "the kettle is cold",
    "start-fails": "the kettle does not boil",
    "unmet-need": "time_machine/1",
    "route-twice": "GET /route-twice",
    "bad-route": "bad_route",
    "late-publish": "publish",
}


@pytest.fixture(scope="session", params=REASONS)
def bad(request, build_plugin):
    """(instance, file, reason)"""
    file = build_plugin(HERE / "bad" / f"{request.param}.c")
    return request.param, file, REASONS[request.param].format(file=file)


def start(config):
    """Starts a server that must refuse; returns what it said."""
    server = Server("memory", config=config)
    try:
        server.spawn()
        assert server.process.wait(120) == 1, server.log()
        server.expect_end = True
        server.check()
        return server.log()
    finally:
        server.clean()


def test_the_table_is_complete():
    sources = {source.stem for source in (HERE / "bad").glob("*.c")}
    assert sources == set(REASONS) | {"hen", "egg", "settings", "never-returns", "clumsy", "odd-provider", "odd-login"}


def test_at_start_it_is_refused_with_the_reason(bad, plugin_config):
    instance, file, reason = bad
    assert reason in start(plugin_config({instance: file}))


def test_at_reload_it_is_refused_and_the_server_stays_up(bad, plugin_config, start_server):
    instance, file, reason = bad
    server = start_server(backend="memory", config=plugin_config({}))
    (server.state / "einion.yaml").write_text(plugin_config({instance: file}))
    server.signal(signal.SIGHUP)
    wait_until(lambda: reason in server.log(), 10, f"{reason!r} in\n{server.log()}")
    assert server.healthy()
    for path in (f"/{instance}", "/echo"):
        assert server.get(path).status in (404, 503)

    (server.state / "einion.yaml").write_text(plugin_config({}))
    server.signal(signal.SIGHUP)
    assert server.post("/agents", {"name": "n", "description": "d", "code": "c"}).status == 201


MISTAKES = {
    "no complete": "llm_provider/1 'mine' has no complete",
    "no path": "error_shape/1 'clumsy' has no path",
    "no size": "agent_runtime/1 'mine': its struct_size, 0, does not reach as far as run",
    "no methods": "agent_runtime/1 'mine' has no methods",
    "no routes": 'routes of "clumsy": there are none',
    "a parameter twice": "route clumsy: {a} appears twice",
    "no listener": "subscribe(): there is no on_event(), or no name of a topic",
    "no watcher": "watch(): there is no on_span()",
    "two lines": "llm_provider/1 needs a name of 1 to 127 bytes of printable UTF-8",
    "no text": "llm_provider/1 needs a name of 1 to 127 bytes of printable UTF-8",
    "twice": "llm_provider/1 'clumsy' is published already, by clumsy",
    "no sets": "keeps/1 'clumsy' has no sets",
    "no owner": "keeps/1 'clumsy': after the set 'others' comes no field that names its owner",
    "no set": "keeps/1 'clumsy': 'Things' is not the name of a set",
    "no letters": "route clumsy: its summary is not UTF-8",
    "odd words": "the  kettle",
}


def test_a_mistake_of_init_is_a_sentence(build_plugin, plugin_config, tmp_path):
    file = build_plugin(HERE / "bad" / "clumsy.c")
    config = tmp_path / "einion.yaml"
    for mistake, sentence in MISTAKES.items():
        config.write_text(plugin_config({"clumsy": file}, clumsy={"mistake": mistake}))
        done = subprocess.run(
            [EINION, "--config", config, "check"], capture_output=True, text=True,
            env={"EINION_STATE_DIR": str(tmp_path), "EINION_PLUGIN_DIR": str(BUILD / "plugins")},
        )  # fmt: skip
        assert done.returncode == 1 and f"clumsy: init: {sentence}" in done.stderr, done


def test_a_mistake_of_a_handler_is_a_line_in_the_log(build_plugin, plugin_config, start_server):
    file = build_plugin(HERE / "bad" / "clumsy.c")
    server = start_server(backend="memory", config=plugin_config({"clumsy": file}))
    for what, sentence in {
        "status": "the status of the reply is not 200 to 599",
        "redirect": "that is no redirection",
        "bytes": "there are no bytes to reply with",
        "length": "the length of the reply is below 0",
        "type": "the type of the reply has characters that a header cannot have",
        "no%20failure": "the status of a failure is not 400 to 599",
        "unknown": "the handler failed with -777: An internal server error occurred.",
    }.items():
        assert server.get(f"/clumsy/{what}").status == 500
        wait_until(lambda said=f"clumsy: {sentence}": said in server.log(), 10, sentence)
    for path, status, sentence in (
        ("clumsy/stream", 501, "clumsy: its route is without EIN_ROUTE_EVENTS: it sends no stream"),
        ("clumsy-stream/no%20bytes", 400, "send_bytes(): there are no bytes, or fewer than none"),
        ("clumsy-stream/two%0Alines", 400, "send_event(): its data have no JSON text, or id or event are not one line"),
    ):
        assert server.get(f"/{path}").status == status
        wait_until(lambda said=sentence: said in server.log(), 10, sentence)
    for what in ("cancel", "texts", "jobs", "token", "unready", "release"):
        assert server.get(f"/clumsy/{what}").status == 204, what
    assert server.log().count("release(): storage_backend/1 'memory' is released more often than acquired") == 2
    assert server.get("/data-store/namespaces").status == 200
    plugins = server.get("/readyz").json["plugins"]
    assert [p["reason"] for p in plugins if p["name"] == "clumsy"] == ["the kettle is  cold"]
    reply = server.get("/clumsy/nulls")
    assert (reply.status, reply.detail) == (500, "An internal server error occurred."), reply


def test_what_shapes_all_errors_or_the_document_of_the_api_does_not_take_them_away(
    build_plugin, plugin_config, start_server
):
    file = build_plugin(HERE / "bad" / "clumsy.c")
    server = start_server(
        backend="memory", config=plugin_config({"clumsy": file}, clumsy={"mistake": "wrong shapes"})
    )
    reply = server.get("/clumsy/nothing")
    assert (reply.status, reply.detail) == (404, "There is no such mistake.")
    assert "/clumsy/{what}" in server.get("/openapi.json").json["paths"]
    sentence = "operations of clumsy left out of the OpenAPI document: they are not {path: {method: operation}}"
    wait_until(lambda: sentence in server.log(), 10, sentence)


@pytest.mark.parametrize("kind, held", [("call", "POST /never-returns/call (1)"), ("job", "1 jobs")])
def test_what_never_returns_is_named_and_does_not_keep_the_server(kind, held, build_plugin, plugin_config, start_server):
    file = build_plugin(HERE / "bad" / "never-returns.c")
    server = start_server(
        backend="memory", config=plugin_config({"never-returns": file}),
        sets=["limits.drain_ms=200", "limits.plugin_drain_ms=500"],
    )  # fmt: skip
    with server.connect() as kept, server.connect() as connection:
        kept.send_request("GET", "/livez")
        assert kept.read_reply().status == 200
        connection.send_request("POST", f"/never-returns/{kind}")
        if kind == "job":
            assert connection.read_reply().status == 200
        else:
            wait_until(lambda: "einion_http_requests_in_flight 2" in server.get("/metrics").text, 10, "the call")
        assert server.stop() == 1
        assert kept.at_end()
    assert f"never-returns: still in use after 500 ms, held by {held}" in server.log()
    assert "have not returned" in server.log()


def test_a_stop_that_is_late_is_named(build_plugin, plugin_config, start_server):
    file = build_plugin(HERE / "bad" / "never-returns.c")
    config = plugin_config({"never-returns": file}, **{"never-returns": {"slow": True}})
    server = start_server(backend="memory", config=config, sets=["limits.plugin_drain_ms=500"])
    assert server.stop() == 0
    assert server.log().count("never-returns: stop() has not returned for ") >= 2


def test_no_step_is_late_because_nothing_is_waited_for(start_server):
    server = start_server(backend="memory", sets=["limits.plugin_drain_ms=0"])
    server.stop()
    assert "has not returned for" not in server.log()


def test_two_that_need_each_other_are_refused_with_the_circle(build_plugin, plugin_config):
    files = {name: build_plugin(HERE / "bad" / f"{name}.c") for name in ("hen", "egg")}
    log = start(plugin_config(files))
    assert "hen" in log and "egg" in log and "hen/1" in log and "egg/1" in log


def test_a_setting_it_does_not_know_is_refused_with_the_one_meant(build_plugin, plugin_config):
    file = build_plugin(HERE / "bad" / "settings.c")
    log = start(plugin_config({"settings": file}, settings={"color": "red"}))
    assert "color" in log and "colour" in log and "einion.yaml:" in log


def test_a_file_that_is_not_there_is_said(plugin_config):
    assert "/nowhere/nothing.so" in start(plugin_config({"nothing": "/nowhere/nothing.so"}))


def test_what_it_is_linked_to_and_is_not_there_is_said(build_plugin, plugin_config, tmp_path):
    stub, source = tmp_path / "libmissing.so", tmp_path / "lost.c"
    source.write_text(f"""\
#include "{HERE}/bad/bad.h"
int nowhere(void);
int (*const lost)(void) = nowhere;
static const struct ein_plugin plugin = {{ BAD_PLUGIN("lost") }};
EIN_PLUGIN_EXPORT(plugin)
""")
    run("gcc", "-shared", "-fPIC", "-x", "c", "-o", stub, "-", input="int nowhere(void) { return 0; }")
    lost = build_plugin(source, flags=["-Wl,--unresolved-symbols=ignore-all"])
    linked = build_plugin(source, name="linked", flags=["-Wl,--no-as-needed", stub])
    stub.unlink()
    assert f"{lost}: undefined symbol: nowhere" in start(plugin_config({"lost": lost}))
    log = start(plugin_config({"lost": linked}))
    assert f"{linked}: " in log and "libmissing.so: cannot open shared object file" in log


def test_two_instances_with_the_same_route_are_refused(build_plugin, plugin_config):
    file = build_plugin(HERE.parents[1] / "plugin-api" / "template" / "echo.c")
    log = start(plugin_config({"echo-one": file, "echo-two": file}))
    assert "echo-one" in log and "echo-two" in log and "/echo" in log


@pytest.mark.parametrize("name", ["no-symbol", "wrong-magic", "major-two"])
def test_plugin_info_refuses_it_too(name, build_plugin):
    file = build_plugin(HERE / "bad" / f"{name}.c")
    done = subprocess.run([EINION, "plugin-info", file], capture_output=True, text=True)
    assert done.returncode == 1 and REASONS[name].format(file=file) in done.stderr


def test_plugin_info_shows_a_good_one():
    done = subprocess.run(
        [EINION, "plugin-info", BUILD / "plugins" / "sessions" / "sessions.so"], capture_output=True, text=True
    )
    said = dict(line.split(maxsplit=1) for line in done.stdout.splitlines())
    assert done.returncode == 0
    assert (said["name"], said["ABI"], said["needs"]) == ("sessions", "1.1", "storage_backend/1")
