# SPDX-License-Identifier: Apache-2.0
"""What an operator finds in packaging/: behind nginx, installed, as a Debian package."""

import contextlib
import ctypes
import errno
import hashlib
import http.client
import json
import os
import pathlib
import re
import runpy
import socket
import ssl
import subprocess

import pytest
import yaml
from ports import free_port
from support import BUILD, Server, logins, wait_until

ROOT = pathlib.Path(__file__).resolve().parents[2]
STATE = "${EINION_STATE_DIR:-/var/lib/einion}"


# ---- behind nginx ----


@contextlib.contextmanager
def nginx(folder, port):
    """packaging/nginx/einion.conf, with ports and a certificate of ours."""
    mine, pair = free_port(), ["-keyout", folder / "key", "-out", folder / "pem"]
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=agents.example.org", *pair],
                   check=True, capture_output=True)  # fmt: skip
    site = (ROOT / "packaging/nginx/einion.conf").read_text()
    for written, here in {"listen 443": f"listen 127.0.0.1:{mine}", "127.0.0.1:8000": f"127.0.0.1:{port}",
                          "/etc/ssl/agents.example.org.pem": f"{folder}/pem",
                          "/etc/ssl/private/agents.example.org.key": f"{folder}/key"}.items():  # fmt: skip
        assert site.count(written) == 1
        site = site.replace(written, here)
    paths = "".join(f"{kind}_temp_path {folder}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    user = "user root;" if os.geteuid() == 0 else ""
    (folder / "nginx.conf").write_text(f"{user} pid {folder}/pid; error_log {folder}/error.log; daemon off;\n"
                                       f"events {{}}\nhttp {{ access_log off;\n{paths}{site}}}\n")  # fmt: skip
    process = subprocess.Popen(["/usr/sbin/nginx", "-p", folder, "-c", folder / "nginx.conf"], stderr=subprocess.DEVNULL)
    try:
        yield lambda: http.client.HTTPSConnection("127.0.0.1", mine, timeout=120, context=ssl._create_unverified_context())
    finally:
        process.terminate()
        process.wait()


def answers(connect):
    connection = connect()
    try:
        connection.request("GET", "/health")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


HOST = {"Host": "agents.example.org", "Content-Type": "application/json"}


@pytest.fixture(scope="module")
def behind(tmp_path_factory):
    tmp_path = tmp_path_factory.mktemp("nginx")
    settings = ["http.public_url=https://agents.example.org", "http.trusted_proxies=[127.0.0.1]"]
    with Server("memory", sets=[logins(), "plugins.auth-dev-stub.anybody_on_the_network_may_log_in_as_anybody=true", *settings]) as server:
        server.start(ready=True)
        with nginx(tmp_path, server.port) as connect:
            wait_until(lambda: answers(connect), 20, "nginx to answer")
            yield connect


def ask(connect, method, path, body=None, headers=()):
    connection = connect()
    try:
        connection.request(method, path, body, HOST | dict(headers))
        reply = connection.getresponse()
        return reply, reply.read()
    finally:
        connection.close()


@pytest.fixture(scope="module")
def alice(behind):
    """The headers of somebody who has logged in."""
    reply, _ = ask(behind, "GET", "/auth/login/dev_stub")
    state = re.search(r"state=([\w-]+)", reply.headers["Location"])[1]
    assert "Secure" in reply.headers["Set-Cookie"]
    path = f"/auth/callback/dev_stub?code=alice&state={state}"
    reply, _ = ask(behind, "GET", path, headers={"Cookie": f"gofannon_auth_state={state}"})
    return {"Cookie": re.search(r"gofannon_sid=[\w-]+", str(reply.headers))[0], "Origin": "https://agents.example.org"}


def test_behind_nginx_one_logs_in_by_the_public_name(behind, alice):
    reply, body = ask(behind, "GET", "/auth/me", headers=alice)
    assert (reply.status, json.loads(body)["uid"]) == (200, "dev_stub:alice")


def test_behind_nginx_a_stream_comes_as_it_is_made_and_its_reader_is_missed(behind, alice):
    code = "async def run(input_dict, tools):\n    print('first')\n    await asyncio.sleep(600)"
    connection = behind()
    connection.request("POST", "/agents/run-code/stream", json.dumps({"code": code, "inputDict": {}, "tools": {}}), HOST | alice)
    reply = connection.getresponse()
    run = reply.headers["X-Einion-Run-Id"]
    while b"first" not in reply.readline():
        pass
    connection.close()
    reply.close()
    shown = lambda: json.loads(ask(behind, "GET", f"/runs/{run}", headers=alice)[1])  # noqa: E731
    wait_until(lambda: shown()["status"] == "stopped", 60, "the run to be stopped")


def test_behind_nginx_what_is_too_large_is_told_by_einion(behind, alice):
    reply, body = ask(behind, "POST", "/agents", b" " * 11_000_000, headers=alice)
    assert reply.status == 413 and "longer than" in json.loads(body)["detail"]


# ---- installed ----


def install(folder):
    subprocess.run(["/usr/bin/meson", "install", "-C", BUILD, "--no-rebuild", "--quiet"], check=True, capture_output=True,
                   env=os.environ | {"DESTDIR": str(folder)})  # fmt: skip
    return next(folder.rglob("etc/einion/einion.yaml"))


def places(config):
    """{(plugin, setting): value} of what lies in the folder of the server's data."""
    plugins = yaml.safe_load(config.read_text())["plugins"]
    return {(plugin, name): value for plugin, settings in plugins.items() for name, value in (settings or {}).items()
            if "STATE_DIR" in str(value)}  # fmt: skip


def test_what_is_installed_keeps_its_data_in_one_place_and_the_configuration_of_its_administrator(tmp_path):
    config = install(tmp_path)
    default = next(tmp_path.rglob("share/einion/einion.yaml"))
    assert default.read_text() == (ROOT / "config/einion.yaml").read_text()
    assert len(places(default)) == 3
    home = "${EINION_STATE_DIR:-${XDG_STATE_HOME:-${HOME}/.local/state}/einion}"
    assert places(config) == {name: value.replace(home, STATE) for name, value in places(default).items()}
    assert set(yaml.safe_load(config.read_text())) == {"plugins"}  # an upgrade asks about nothing else
    ours = {path.relative_to(tmp_path).parts for path in tmp_path.rglob("*.so")}
    assert len(ours) > 30 and all("lib/einion/plugins" in "/".join(parts) for parts in ours)  # where no agent looks
    config.write_text("log: {level: warn}\n")
    assert install(tmp_path).read_text() == "log: {level: warn}\n"


def test_the_unit_is_one_that_systemd_takes_and_that_says_no_to_what_nobody_needs(tmp_path):
    install(tmp_path)
    unit = next(tmp_path.rglob("einion.service"))
    text = unit.read_text()
    server = re.search(r"^ExecStart=(\S+) --config (\S+)$", text, re.M)
    assert all((tmp_path / path[1:]).is_file() for path in server.groups())
    # What a system without procps has; verify looks for programs where the unit says they are.
    assert re.search(r"^ExecReload=(\S+)", text, re.M)[1] == "/bin/sh"
    unit.write_text(text.replace(server[1], str(tmp_path / server[1][1:])))
    for wanted in (["verify", "--man=no"], ["security", "--offline=true", "--threshold=40"]):
        told = subprocess.run(["systemd-analyze", *wanted, unit], capture_output=True, text=True, check=False)
        assert told.returncode == 0, told.stderr + told.stdout


# ---- in a container ----

PROFILE = json.loads((ROOT / "packaging/container/seccomp.json").read_text())
LIBSECCOMP = ctypes.CDLL("libseccomp.so.2")
LIBSECCOMP.seccomp_init.restype = ctypes.c_void_p
ALLOW, ERRNO, COMPARISONS = 0x7FFF0000, 0x00050000, {"SCMP_CMP_GT": 6}


class Comparison(ctypes.Structure):
    _fields_ = [("arg", ctypes.c_uint), ("op", ctypes.c_int), ("a", ctypes.c_uint64), ("b", ctypes.c_uint64)]


def confine():
    """This process, as a container's engine does it."""
    filter_ = ctypes.c_void_p(LIBSECCOMP.seccomp_init(ctypes.c_uint32(ALLOW)))
    for rule in PROFILE["syscalls"]:
        compared = [Comparison(one["index"], COMPARISONS[one["op"]], one["value"], 0) for one in rule.get("args", [])]
        for name in rule["names"]:
            number = LIBSECCOMP.seccomp_syscall_resolve_name(name.encode())
            action = ctypes.c_uint32(ERRNO | rule.get("errnoRet", errno.EPERM))
            assert LIBSECCOMP.seccomp_rule_add_array(filter_, action, number, len(compared), (Comparison * len(compared))(*compared)) == 0
    assert LIBSECCOMP.seccomp_load(filter_) == 0


class Confined(Server):
    def set_limits(self):
        confine()


def test_under_the_filter_of_containers_the_server_listens_everywhere_and_agents_are_isolated():
    anybody = "plugins.auth-dev-stub.anybody_on_the_network_may_log_in_as_anybody=true"
    # LeakSanitizer looks with ptrace.
    env = {"ASAN_OPTIONS": f"{os.environ.get('ASAN_OPTIONS', '')}:detect_leaks=0"}
    with Confined("memory", sets=["listen.address=0.0.0.0", logins(), anybody], env=env) as server:
        server.start(ready=True)
        wait_until(lambda: "agents run isolated (strict)" in server.log(), 60, "agents")
        assert re.search(r"^Seccomp:\t2$", pathlib.Path(f"/proc/{server.process.pid}/status").read_text(), re.M)


def test_the_filter_of_containers_is_that_of_the_unit():
    unit = (ROOT / "packaging/systemd/einion.service.in").read_text()
    refused = set(" ".join(re.findall(r"^SystemCallFilter=~(.*)$", unit, re.M)).split())
    for group in [name for name in refused if name.startswith("@")]:
        told = subprocess.run(["systemd-analyze", "syscall-filter", group], capture_output=True, text=True, check=True).stdout
        refused |= {line.strip() for line in told.splitlines() if re.match(r" +\w+$", line)}
    known = {name for name in refused if LIBSECCOMP.seccomp_syscall_resolve_name(name.encode()) >= 0}
    assert known == set(PROFILE["syscalls"][0]["names"]) and PROFILE["syscalls"][0]["action"] == "SCMP_ACT_ERRNO"
    # AF_INET6 is the highest of those that the unit allows.
    assert re.findall(r"^RestrictAddressFamilies=(.*)$", unit, re.M) == ["AF_INET AF_INET6 AF_UNIX"]
    assert PROFILE["syscalls"][1]["args"] == [{"index": 0, "value": socket.AF_INET6, "op": "SCMP_CMP_GT"}]


def test_the_manifest_for_kubernetes_is_that_of_the_image_and_its_server(tmp_path):
    of = {one["kind"]: one for one in yaml.safe_load_all((ROOT / "packaging/container/kubernetes.yaml").read_text())}
    runs = runpy.run_path(str(ROOT / "packaging/image.py"))["RUNS"]
    pod = of["Deployment"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert f"{pod['securityContext']['runAsUser']}:{pod['securityContext']['runAsGroup']}" == runs["User"]
    assert {f"{port['containerPort']}/tcp" for port in container["ports"]} == set(runs["ExposedPorts"])
    assert pod["hostname"] == "agent" and pod["securityContext"]["seccompProfile"]["localhostProfile"] == "einion.seccomp.json"

    mounts = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
    state, configuration = pod["volumes"]
    assert {mounts[state["name"]]} == set(runs["Volumes"]) and mounts[configuration["name"]] == "/etc/einion"
    assert state["persistentVolumeClaim"]["claimName"] == of["PersistentVolumeClaim"]["metadata"]["name"]
    assert configuration["configMap"]["name"] == of["ConfigMap"]["metadata"]["name"]
    assert container["envFrom"][0]["secretRef"]["name"] == of["Secret"]["metadata"]["name"]

    limits = yaml.safe_load((ROOT / "config/einion.yaml").read_text())["limits"]
    assert pod["terminationGracePeriodSeconds"] * 1000 > limits["drain_ms"] + limits["plugin_drain_ms"]
    (tmp_path / "einion.yaml").write_text(of["ConfigMap"]["data"]["einion.yaml"])
    einion = [BUILD / "core/einion", "--config", tmp_path / "einion.yaml", "--set", f"listen.port={free_port()}"]
    env = {"EINION_STATE_DIR": str(tmp_path), **of["Secret"]["stringData"], "OIDC_SECRET": "a secret"}
    told = {command: subprocess.run([*einion, command], capture_output=True, text=True, env=env) for command in ("check", "routes")}
    assert [one.returncode for one in told.values()] == [0, 0], told
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        assert f"GET     {container[probe]['httpGet']['path']} " in told["routes"].stdout


# ---- as a package ----


def test_a_bill_of_materials_names_what_is_ours_and_what_it_needs(tmp_path):
    program = tmp_path / "usr/bin/einion"
    program.parent.mkdir(parents=True)
    program.write_bytes(b"a program")
    told = lambda: subprocess.run([ROOT / "packaging/sbom.py", "1.2", tmp_path, "libulfius2.7 (>= 2.7), nonesuch | ca-certificates"],  # noqa: E731
                                  check=True, capture_output=True, text=True, env={"SOURCE_DATE_EPOCH": "0"}).stdout  # fmt: skip
    bill = json.loads(told())
    assert bill == json.loads(told()) and (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.5")
    assert bill["metadata"]["component"]["version"] == "1.2" and bill["metadata"]["timestamp"] == "1970-01-01T00:00:00Z"
    parts = {part["name"]: part for part in bill["components"]}
    assert parts["/usr/bin/einion"]["hashes"] == [{"alg": "SHA-256", "content": hashlib.sha256(b"a program").hexdigest()}]
    assert parts["libulfius2.7"]["purl"].startswith(f"pkg:deb/debian/libulfius2.7@{parts['libulfius2.7']['version']}?arch=")
    assert {"license": {"id": "LGPL-2.1-only"}} in parts["libulfius2.7"]["licenses"]
    refs = {part["bom-ref"] for part in parts.values()}
    edges = {edge["ref"]: set(edge["dependsOn"]) for edge in bill["dependencies"]}
    direct = {parts["libulfius2.7"]["bom-ref"], parts["ca-certificates"]["bom-ref"]}
    assert len(refs) == len(bill["components"]) and edges[bill["metadata"]["component"]["bom-ref"]] == direct
    assert set().union(*edges.values()) <= refs and parts["libjansson4"]["bom-ref"] in edges[parts["libulfius2.7"]["bom-ref"]]


def holds_what_a_server_needs(package, tmp_path):
    subprocess.run(["dpkg-deb", "-x", package, tmp_path], check=True)
    about = subprocess.run(["dpkg-deb", "-f", package], check=True, capture_output=True, text=True).stdout
    assert re.search(r"^Depends: .*\blibulfius2.7\b.*\bpython3-httpx\b", about, re.M)
    assert (tmp_path / "usr/lib/einion/plugins/runtime-python/sandbox").is_dir()  # not in a folder that agents can read
    bill = json.loads((tmp_path / "usr/share/doc/einion/sbom.cdx.json").read_text())
    assert {"/usr/bin/einion", "libulfius2.7", "python3-httpx"} <= {part["name"] for part in bill["components"]}
    assert (tmp_path / "usr/share/bash-completion/completions/einion").is_file()
    examples = {path.name for path in (tmp_path / "usr/share/doc/einion/examples").iterdir()}
    assert examples == {"einion.conf", "kubernetes.yaml", "seccomp.json", *(path.name for path in (ROOT / "plugin-api/template").iterdir())}
    unit = next(tmp_path.rglob("einion.service")).read_text()
    program, config = re.search(r"^ExecStart=/(\S+) --config /(\S+)$", unit, re.M).groups()
    checked = subprocess.run([tmp_path / program, "--config", tmp_path / config, "--set", f"listen.port={free_port()}", "check"],
                             capture_output=True, text=True)  # fmt: skip
    assert checked.returncode == 0, checked.stderr


PACKAGES = list((BUILD / "results").glob("einion_*.deb"))
if PACKAGES:  # tests/run.sh --full has it built

    def test_the_package_holds_what_a_server_needs(tmp_path):
        holds_what_a_server_needs(PACKAGES[0], tmp_path)
