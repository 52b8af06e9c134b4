# SPDX-License-Identifier: Apache-2.0
"""Old plugins with the new server, new plugins with an old one, and what each exports."""

import platform
import re

import pytest
from conftest import HERE, INCLUDE, TEMPLATE, run
from support import BUILD, EINION

OLD_INCLUDE = HERE / "1.0"
OLD_PLUGIN = HERE / "old" / f"{platform.machine()}-linux" / "1.0" / "echo.so"
PLUGINS = sorted((BUILD / "plugins").glob("*/*.so"))
NAMES = [plugin.stem for plugin in PLUGINS]


@pytest.fixture(scope="module")
def old_host(tmp_path_factory):
    program = tmp_path_factory.mktemp("old-host") / "old-host"
    run("gcc", "-Wall", "-Wextra", "-Werror", f"-I{OLD_INCLUDE}", HERE / "old-host.c", "-ljansson", "-o", program)
    return program


# ---- source ----


def test_the_template_compiles_with_the_headers_of_1_0(build_plugin):
    build_plugin(TEMPLATE, include=OLD_INCLUDE, name="echo-old-headers", flags=["-std=c99"])


def test_the_template_compiles_with_todays_headers(build_plugin):
    build_plugin(TEMPLATE, include=INCLUDE, name="echo", flags=["-std=c99"])


# ---- new plugin, old host ----


def test_an_old_host_runs_todays_template(old_host, build_plugin):
    assert run(old_host, build_plugin(TEMPLATE)) == "echo: accepted\necho: answered 200 old anvil\n"


def test_an_old_host_runs_the_old_plugin(old_host):
    if not OLD_PLUGIN.exists():
        pytest.skip(f"no old plugin for {platform.machine()}")
    assert "answered 200 old anvil" in run(old_host, OLD_PLUGIN)


@pytest.mark.parametrize("plugin", PLUGINS, ids=NAMES)
def test_an_old_host_accepts_todays_plugins(old_host, plugin):
    if re.search("__[at]san_", run("nm", "-D", plugin)):
        pytest.skip("instrumented: only an instrumented host can open it")
    assert run(old_host, plugin) == f"{plugin.stem}: accepted\n"


def test_an_old_host_refuses_a_plugin_that_needs_a_newer_one(old_host, build_plugin):
    plugin = build_plugin(HERE / "bad" / "newer-host.c")
    assert run(old_host, plugin) == "newer-host: refused: needs ABI 1.99\n"


# ---- old plugin, new host ----


@pytest.mark.parametrize("which", ["a binary of 1.0", "1.0 headers", "today's headers", "C++"])
def test_the_server_runs_it(which, start_server, build_plugin, plugin_config):
    path = "/echo"
    if which == "a binary of 1.0":
        if not OLD_PLUGIN.exists():
            pytest.skip(f"no old plugin for {platform.machine()}")
        plugin = OLD_PLUGIN
    elif which == "C++":
        plugin, path = build_plugin(HERE / "sample" / "echo.cpp", name="echo-cpp"), "/echo-cpp"
    else:
        include = OLD_INCLUDE if which == "1.0 headers" else INCLUDE
        plugin = build_plugin(TEMPLATE, include=include, name=f"echo-{include.name}")
    server = start_server(backend="memory", config=plugin_config({"echo": plugin}, echo={"prefix": "on the "}))

    assert server.post(path, {"text": "anvil"}).json == {"text": "on the anvil"}
    assert server.post(path, {"text": ""}).detail == "There is nothing to echo."
    assert server.post(path, {"text": 7}).status == 422
    assert server.get(path).status == 405


# ---- symbols ----


def exported(path):
    lines = run("nm", "-D", "--defined-only", "--format=posix", path).splitlines()
    # NAME@GLIBC...: a copy of the C library's own variable.
    return {line.split()[0] for line in lines if "@" not in line.split()[0]}


def test_there_are_plugins():
    assert len(PLUGINS) >= 8


@pytest.mark.parametrize("plugin", PLUGINS, ids=NAMES)
def test_a_plugin_exports_its_entry_and_nothing_else(plugin):
    symbols = {name for name in exported(plugin) if "san" not in name}
    assert symbols == {"ein_plugin_v1"}


@pytest.mark.parametrize("plugin", PLUGINS, ids=NAMES)
def test_a_plugin_links_nothing_of_ours(plugin):
    needed = [line for line in run("readelf", "-d", plugin).splitlines() if "(NEEDED)" in line]
    assert needed and not [line for line in needed if "einion" in line]


def test_the_server_exports_nothing_but_what_it_puts_before_ulfius():
    symbols = exported(EINION)
    if any(name.startswith(("__asan_", "__tsan_")) for name in symbols):
        pytest.skip("instrumented: it exports what the sanitizer intercepts")
    # What begins with an underscore is the linker's.
    assert {name for name in symbols if not name.startswith("_")} == {"MHD_start_daemon"}
