# SPDX-License-Identifier: Apache-2.0
"""What the README and the guide show, done word for word."""

import os
import re
import shlex
import subprocess

import yaml
from ports import free_port
from readme import PAGES, README, ROOT
from support import EINION

MARK = "-- next command --"


def tour():
    """[(command, expected output)]: `$ ` begins a command, `> ` goes on with it."""
    steps = []
    for block in re.findall(r"```console\n(.*?)```", README, re.S):
        for line in block.splitlines():
            if line.startswith("$ "):
                steps.append([[line[2:]], []])
            elif line.startswith("> ") and not steps[-1][1]:
                steps[-1][0].append(line[2:])
            else:
                steps[-1][1].append(line)
    return [("\n".join(command), "\n".join(expected)) for command, expected in steps]


def matches(expected, output):
    """A dots character stands for any text."""
    pattern = ".*".join(re.escape(part) for part in expected.split("…"))
    return re.fullmatch(pattern, output.strip("\n"), re.S)


def test_the_tour_goes_as_written(start_server, tmp_path):
    server = start_server(ready=True)
    steps = tour()
    assert len(steps) >= 8
    script = f"\necho; echo '{MARK}'\n".join(command for command, _ in steps)
    script = script.replace("127.0.0.1:8000", f"127.0.0.1:{server.port}")
    env = os.environ | {"PATH": f"{EINION.parent}:{os.environ['PATH']}"}
    done = subprocess.run(["bash", "-c", script], cwd=tmp_path, env=env, capture_output=True, text=True, timeout=300)
    outputs = done.stdout.split(f"\n{MARK}\n")
    assert len(outputs) == len(steps), done
    for (command, expected), output in zip(steps, outputs):
        assert matches(expected, output), f"{command}\n--- the README shows\n{expected}\n--- it printed\n{output}"


def test_every_link_leads_somewhere():
    prose = {ROOT / page: re.sub(r"```.*?```", "", text, flags=re.S) for page, text in PAGES.items()}
    headings = {page: {re.sub(r"[^\w -]", "", line).strip().lower().replace(" ", "-") for line in re.findall(r"^#+ (.*)$", text, re.M)}
                for page, text in prose.items()}  # fmt: skip
    for page, text in prose.items():
        for target in re.findall(r"\]\(([^)]+)\)", text):
            path, _, heading = target.partition("#")
            to = (page.parent / path).resolve() if path else page
            if "://" not in target:
                assert to.exists() and (not heading or heading in headings[to]), target


def test_the_contents_of_the_guide_name_every_section_in_its_order():
    contents, sections = re.split(r"^(?=## )", re.sub(r"```.*?```", "", PAGES["packaging/guide.md"], flags=re.S), maxsplit=1, flags=re.M)
    assert re.findall(r"\[([^]]+)\]\(#", contents) == re.findall(r"^###? (.*)$", sections, re.M)


def test_the_plugin_is_built_and_served_as_written(start_server, tmp_path):
    (tmp_path / "hello.c").write_text(re.search(r"```c\n(.*?)```", README, re.S)[1])
    build, serve = re.search(r"```\n(cc .*?)\n(einion .*?)\n```", README).groups()
    flags = f"-I{ROOT}/plugin-api/include -ljansson"
    build = re.sub(r"\$\(pkg-config [^)]*\)", flags, build)
    subprocess.run(["bash", "-c", build], cwd=tmp_path, check=True, timeout=300)
    arguments = shlex.split(serve.replace("$PWD", str(tmp_path)))[1:]

    server = start_server(arguments=arguments)
    assert server.get("/hello").json == {"hello": "world"}
    routes = subprocess.run([str(EINION), *arguments, "routes"], env=server.environment(), capture_output=True, text=True)
    assert re.search(r"^GET +/hello +none +hello +Greet$", routes.stdout, re.M)


def blocks():
    return [yaml.safe_load(re.sub(r"\$\{\w+\}", "a-secret", block)) for block in re.findall(r"```yaml\n(.*?)```", README, re.S)]


def test_every_provider_is_configured_as_written(tmp_path):
    whole = next(block for block in blocks() if "auth" in block)
    providers = [block[0] for block in blocks() if isinstance(block, list)]
    assert {one["type"] for one in providers} == {"oidc", "google", "microsoft", "github", "asf"}
    for auth in (whole["auth"], {"providers": providers}):
        config = tmp_path / "einion.yaml"
        config.write_text(yaml.safe_dump(whole | {"auth": auth}))
        done = subprocess.run([EINION, "--config", config, "--set", f"listen.port={free_port()}", "check"], capture_output=True, text=True,
                              env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)})  # fmt: skip
        assert done.returncode == 0, done.stderr


def test_the_front_end_is_served_as_written(start_server, tmp_path):
    command = re.search(r"```\nFRONTEND_URL=(\S+) (einion .*static-site.*)\n```", README)
    (tmp_path / "dist").mkdir()
    (tmp_path / "dist" / "index.html").write_text("<title>front end</title>")
    arguments = shlex.split(command[2].replace("$PWD", str(tmp_path)))[1:]
    server = start_server(arguments=arguments, env={"FRONTEND_URL": command[1]})
    assert server.get("/agents", headers={"Sec-Fetch-Mode": "navigate"}).text == "<title>front end</title>"
    assert server.get("/agents").json == []
