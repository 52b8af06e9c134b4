# SPDX-License-Identifier: Apache-2.0
"""The operator's files: they add, change and take away models while the server runs, or not at all."""

import re
import signal
import subprocess

import pytest
from house import ALL_KEYS, Folder, config
from ports import free_port
from readme import README
from support import EINION, Server, wait_until


def model(server, name):
    provider, _, id = name.partition("/")
    reply = server.get(f"/providers/{provider}/models/{id}")
    return reply.json if reply.status == 200 else None


def reason(server):
    (state,) = [plugin for plugin in server.get("/readyz").json["plugins"] if plugin["name"] == "models"]
    return state["reason"]


@pytest.fixture
def folder(tmp_path):
    return Folder(tmp_path / "models")


@pytest.fixture
def start(start_server, folder):
    def begin(**models):
        return start_server(config=config(models={"path": str(folder.path), **models}), env=ALL_KEYS)

    return begin


NEW = """
# What we pay since our contract.
note: {who: finance}
providers:
  openai:
    models:
      gpt-5: {price: {input: 1, output: 8, date: 2026-11-01}}
      gpt-5-tuned:
        like: gpt-5
        note: for the helpdesk
        description: GPT-5 as it answers our customers.
        limits: {output: 4000}
      gpt-4: null
"""


def test_files_add_change_and_take_away(folder, start):
    folder.write("contract.yaml", NEW)
    server = start()
    changed, tuned = model(server, "openai/gpt-5"), model(server, "openai/gpt-5-tuned")
    assert changed["price"] == {"input": 1, "output": 8, "date": "2026-11-01", "source": "contract.yaml"}
    assert changed["description"] and changed["parameters"]
    assert tuned["price"] == changed["price"] and tuned["limits"] == {"context": 272000, "output": 4000}
    assert tuned["description"] == "GPT-5 as it answers our customers." and "note" not in tuned and "like" not in tuned
    assert model(server, "openai/gpt-4") is None
    assert model(server, "openai/gpt-4-0613") is not None
    assert server.get("/providers/openai/models").json[-1] == "gpt-5-tuned"


def test_a_changed_file_counts_without_a_restart(folder, start):
    server = start()
    before = server.get("/providers").header("ETag")
    assert model(server, "openai/gpt-5-tuned") is None
    folder.write("contract.yaml", NEW)
    wait_until(lambda: model(server, "openai/gpt-5-tuned"), 5, "the file to count")
    assert server.get("/providers").header("ETag") != before
    folder.remove("contract.yaml")
    wait_until(lambda: model(server, "openai/gpt-5-tuned") is None, 5, "the file to be forgotten")
    assert server.get("/providers").header("ETag") == before


def test_sighup_has_it_read_at_once(folder, start):
    server = start(watch_ms=3600000)
    folder.write("contract.yaml", NEW)
    server.signal(signal.SIGHUP)
    wait_until(lambda: model(server, "openai/gpt-5-tuned"), 5, "the file to count")


def test_later_files_count_over_earlier_ones(folder, start):
    folder.write("20.yaml", "providers: {openai: {models: {gpt-5: {description: later}}}}")
    folder.write("10.json", {"providers": {"openai": {"models": {"gpt-5": {"description": "earlier"}}}}})
    folder.write("30.txt", "not looked at")
    folder.write("40.yaml", "# nothing but a comment\n")
    assert model(start(), "openai/gpt-5")["description"] == "later"


def test_a_provider_can_be_added_and_changed(folder, start_server):
    folder.write("ours.yaml", """
providers:
  house: {models: {small: {description: Ours.}}}
  openai: {api_key_env_var: null}
""")  # fmt: skip
    server = start_server(config=config(["house", "openai"], models={"path": str(folder.path)}))
    assert list(server.get("/providers").json) == ["openai", "house"]
    assert model(server, "house/small") == {"description": "Ours.", "parameters": {}}


WRONG = {
    "a key that nobody knows": (
        "providers: {openai: {models: {x: {prcie: 1}}}}", 1, "providers.openai.models.x.prcie: is not known here"),
    "no integer without a max": (
        "providers:\n  openai:\n    models:\n      x:\n        parameters:\n          n: {type: integer}\n", 6,
        "providers.openai.models.x.parameters.n: is an integer without an integer as its max"),
    "a default out of range": (
        "providers: {openai: {models: {x: {parameters:\n  {n: {type: float, max: 1, default: 2}}}}}}", 2,
        "providers.openai.models.x.parameters.n: has a default that it does not allow itself"),
    "defaults that exclude each other": (
        "providers: {anthropic: {models: {claude-opus-4-6: {parameters: {\n  top_p: {default: 0.5}}}}}}", 1,
        "providers.anthropic.models.claude-opus-4-6.parameters.temperature: temperature and top_p exclude each other, "
        "and both have a default"),
    "no negative price": (
        "providers: {openai: {models: {gpt-5: {price:\n\n {input: -1, output: 2}}}}}", 3,
        "providers.openai.models.gpt-5.price.input: is not a price in dollars from 0 to 1000000"),
    "no price finer than money is": (
        "providers: {openai: {models: {gpt-5: {price: {input: 0.00000000015, output: 2}}}}}", 1,
        "providers.openai.models.gpt-5.price.input: has more than nine decimals"),
    "no half of a price": (
        "providers: {openai: {models: {gpt-5: {price: {input: 1}}}}}", 1,
        "providers.openai.models.gpt-5.price: has no output"),
    "no unknown modality": (
        "providers: {openai: {models: {gpt-5: {modalities: {input: [smell]}}}}}", 1,
        "providers.openai.models.gpt-5.modalities.input: smell is none of those that there are"),
    "nothing like nothing": (
        "providers: {openai: {models: {x: {like: y}}}}", 1, "providers.openai.models.x: is like y, which is not there"),
    "no circle": (
        "providers: {openai: {models: {x: {like: y}, y: {like: x}}}}", 1,
        "providers.openai.models.x: is like a model that is like another, and so on without an end"),
    "no unknown tool": (
        "providers: {openai: {models: {gpt-5: {built_in_tools: [saw]}}}}", 1,
        "providers.openai.models.gpt-5.built_in_tools: names saw, which is not in its provider's built_in_tools"),
    "no alias of nowhere": ("aliases: {best: gpt-5}", 1, 'aliases.best: is not "provider/model"'),
    "not a key twice": ("aliases:\n  a: x/y\n  a: x/z\n", 3, "aliases.a: appears twice, first in line 2"),
    "no anchors": ("a: &x 1", 1, "a: YAML anchors are not supported"),
    "not without an end": ("providers: [", 2, "did not find expected node content"),
    "no list": ("- 1", 0, "is not an object"),
    "no two documents": ("note: 1\n---\nnote: 2\n", 2, "there is more than one document"),
    "not deep": ("a: " + "[" * 30, 1, "is deeper than 16 levels"),
}  # fmt: skip


@pytest.mark.parametrize("what", WRONG)
def test_einion_check_tells_a_wrong_file(folder, tmp_path, what):
    text, line, fault = WRONG[what]
    folder.write("wrong.yaml", text)
    said = check(folder, tmp_path)
    assert said.returncode == 1
    assert re.search(rf"{re.escape(str(folder.path))}/wrong.yaml:{line}: .*{re.escape(fault)}", said.stderr + said.stdout), said


def check(folder, tmp_path, **models):
    path = tmp_path / "einion.yaml"
    path.write_text(config([], models={"path": str(folder.path), **models}))
    return subprocess.run([EINION, "--config", path, "--set", f"listen.port={free_port()}", "check"], capture_output=True, text=True,
                          env={"EINION_STATE_DIR": str(tmp_path), "PATH": "/usr/bin"})  # fmt: skip


def test_the_file_that_the_readme_shows_is_right(folder, start_server):
    (shown,) = [block for block in re.findall(r"```yaml\n(.*?)```", README, re.S) if "prices of our contract" in block]
    folder.write("ours.yaml", shown)
    server = start_server(config=config(["openai", "vllm"], models={"path": str(folder.path)}), env=ALL_KEYS)
    assert model(server, "openai/gpt-5-helpdesk")["price"]["input"] == 1
    assert model(server, "openai/gpt-3.5-turbo") is None
    assert model(server, "vllm/qwen3")["description"] == "On our own machines."


def test_einion_check_is_content_with_a_right_one(folder, tmp_path):
    folder.write("contract.yaml", NEW)
    assert check(folder, tmp_path).returncode == 0


@pytest.mark.parametrize("models, fault", [
    ({"max_files": 1}, "has more files than max_files, 1"),
    ({"max_file_bytes": 1024}, "2.yaml: is larger than max_file_bytes, 1024"),
])  # fmt: skip
def test_the_folder_has_limits(folder, tmp_path, models, fault):
    folder.write("1.yaml", "note: 1")
    folder.write("2.yaml", "#" * 1025)
    assert check(folder, tmp_path).returncode == 0
    said = check(folder, tmp_path, **models)
    assert said.returncode == 1 and fault in said.stderr + said.stdout


def test_a_server_does_not_start_with_a_wrong_file(folder, tmp_path):
    folder.write("wrong.yaml", "providers: 1")
    server = Server(config=config(models={"path": str(folder.path)}), port=free_port())
    try:
        assert server.spawn().process.wait(120) != 0
        assert "wrong.yaml:1: providers: is not an object" in server.log()
    finally:
        server.clean()


def test_a_running_server_keeps_what_it_has(folder, start):
    folder.write("contract.yaml", NEW)
    server = start()
    before = server.get("/providers")
    folder.write("more.yaml", "providers: {openai: {models: {mine: {like: gpt-5}, x: {like: zzz}}}}")
    wait_until(lambda: server.get("/readyz").status != 200 or reason(server), 5, "/readyz to tell")
    fault = f"{folder.path}/more.yaml:1: providers.openai.models.x: is like zzz, which is not there"
    assert reason(server) == fault
    assert f"the models stay as they are: {fault}" in server.log()
    assert server.get("/providers").body == before.body  # not the right half of it either

    folder.write("more.yaml", "providers: {openai: {models: {mine: {like: gpt-5}}}}")
    wait_until(lambda: reason(server) is None, 5, "/readyz to be well again")
    assert model(server, "openai/mine")


def test_a_folder_that_is_gone_changes_nothing(folder, start):
    folder.write("contract.yaml", NEW)
    server = start()
    folder.path.rename(folder.path.with_name("away"))
    wait_until(lambda: reason(server), 5, "/readyz to tell")
    assert "cannot be read: No such file or directory" in reason(server)
    assert model(server, "openai/gpt-5-tuned")
    folder.path.with_name("away").rename(folder.path)
    wait_until(lambda: reason(server) is None, 5, "/readyz to be well again")
