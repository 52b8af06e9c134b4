# SPDX-License-Identifier: Apache-2.0
"""The commands of those who use a server: einion login, agents, run, runs, chat."""

import json
import pathlib
import re
import signal
import stat
import subprocess
import time

import pytest
from people import Bearer
from shell import CONFLICT, FAILED, INTERRUPTED, NOBODY, TWICE, USAGE, Shell, kept
from support import EINION, PATIENCE, Person, Server, logins, wait_until
from vendor import CUT, Gate, Vendor, stream, whole
from vendor_formats import Said, openai_responses

SLEEP = "async def run(input_dict, tools):\n    print('begun')\n    await asyncio.sleep(600)\n"
WRONG = "async def run(input_dict, tools):\n    raise ValueError('no good')\n"


# ---- login ----


def test_a_login_is_kept_for_its_owners_eyes(alice, key):
    assert stat.S_IMODE(kept(alice).stat().st_mode) == 0o600
    assert stat.S_IMODE(kept(alice).parent.stat().st_mode) == 0o700
    name = f"127.0.0.1:{alice.server.port}"
    assert json.loads(kept(alice).read_text()) == {"servers": {name: {"url": alice.url, "key": key}}, "default": name}
    assert alice.good("whoami") == f"dev_stub:alice at {alice.url}\n"
    assert alice.json("whoami")["uid"] == "dev_stub:alice"
    alice.good("logout")
    assert "key" not in kept(alice).read_text()
    assert alice.run("whoami")[0] == USAGE


def test_who_is_not_known_is_told_to_log_in(stranger, key):
    wrong = key[:-1] + ("a" if key[-1] != "a" else "b")
    status, _, said = stranger.run("login", stranger.url, "--key-file", "-", text=wrong)
    assert status == NOBODY and "does not know you" in said and wrong not in said
    assert not kept(stranger).exists()
    status, _, said = stranger.run("login", stranger.url)
    assert status == USAGE and "--key-file" in said
    status, _, said = stranger.run("agents", env={"EINION_URL": stranger.url})
    assert status == NOBODY and f"einion login {stranger.url}" in said
    assert stranger.run("agents")[0] == USAGE
    assert stranger.good("whoami", env={"EINION_URL": stranger.url, "EINION_API_KEY": key}).startswith("dev_stub:alice")


def test_a_key_that_a_vendor_wants_is_no_login(anybody):
    status, _, said = anybody.run("chat", "openai/gpt-4o-mini", "hi")
    assert status == 1 and "no key for OpenAI" in said and "login" not in said


def test_there_may_be_several_servers(alice, agent_server):
    other = f"http://127.0.0.1:{agent_server.port}"
    assert alice.good("login", other + "/", "--name", "open") == f"local-dev-user at {other}\n"
    assert alice.good("whoami").startswith("local-dev-user")
    assert alice.good("whoami", "--server", f"127.0.0.1:{alice.server.port}").startswith("dev_stub:alice")
    names = f"127.0.0.1:{alice.server.port}", "open"
    assert [line.split() for line in alice.good("servers").splitlines()] == [
        ["NAME", "URL", "DEFAULT"], [names[0], alice.url, "false"], ["open", other, "true"]]  # fmt: skip
    assert [set(server) for server in alice.json("servers")] == [{"name", "url", "default"}] * 2
    assert alice.good("logout") == "logged out of open\n"
    assert alice.good("whoami").startswith("dev_stub:alice")
    status, _, said = alice.run("whoami", "--server", "open")
    assert status == USAGE and "'open'" in said


@pytest.mark.parametrize("url", ["ftp://x", "agents.example.org", "http://", "https://a@b", "http://x/?q"])
def test_what_is_no_server_is_no_server(stranger, url):
    assert stranger.run("login", url)[0] == USAGE


def test_a_server_that_is_not_there(stranger):
    with Vendor() as vendor:
        gone = vendor.url
    status, _, said = stranger.run("agents", "--server", gone)
    assert status == NOBODY and said.startswith(f"einion: {gone} cannot be reached: Failed to connect to ")


def test_a_key_is_in_no_command_line_and_no_log(alice, key):
    alice.write_agent("sleeper", SLEEP)
    process = alice.start("run", "./sleeper")
    while "begun" not in process.stderr.readline():
        pass
    for part in ("cmdline", "environ"):
        assert key.encode() not in pathlib.Path(f"/proc/{process.pid}/{part}").read_bytes()
    process.send_signal(signal.SIGINT)
    _, said = process.communicate()
    assert process.returncode == INTERRUPTED and key not in said
    assert key not in alice.server.log()


# ---- agents ----


def test_an_agent_goes_to_and_fro_unchanged(alice):
    rest = {"tools": {}, "inputSchema": {"z": "float", "a": "string"}, "docstring": 'two\nlines, "ü" \u2028'}
    folder = alice.write_agent("fro", TWICE + "\r\n# ünd", **rest)
    assert alice.good("agents", "push", "fro").startswith("made fro (")
    assert alice.good("agents", "pull", "fro", "again").startswith("pulled into again: fro (")
    again = alice.home / "again"
    assert (again / "agent.py").read_bytes() == (folder / "agent.py").read_bytes()
    pulled = json.loads((again / "agent.json").read_text())
    assert {name: pulled[name] for name in rest} == rest and list(pulled["inputSchema"]) == ["z", "a"]
    files = [(again / name).read_bytes() for name in ("agent.py", "agent.json")]
    alice.good("agents", "push", "again")
    alice.good("agents", "pull", "fro", "again")
    assert [(again / name).read_bytes() for name in ("agent.py", "agent.json")] == files
    row = next(row for row in alice.json("agents") if row["name"] == "fro")
    assert alice.json("agents", "pull", row["_id"], "third")["_rev"] == row["_rev"]
    table = alice.good("agents").splitlines()
    assert table[0].split() == ["ID", "NAME", "CALLED", "CHANGED", "DESCRIPTION"]
    assert any(line.startswith(row["_id"] + "  fro ") for line in table)
    assert alice.good("agents", "delete", row["_id"]).startswith("deleted fro")
    assert alice.run("agents", "delete", "fro")[0] == FAILED


def test_a_name_that_two_agents_have_in_any_way_is_none(alice):
    """One by what it is called by, one by its name: which of them is to be deleted has to be said."""
    alice.write_agent("pair-a", friendlyName="pair")
    alice.write_agent("pair-b", name="pair", friendlyName="pair-b")
    for folder in ("pair-a", "pair-b"):
        alice.good("agents", "push", folder, "--force")
    status, _, said = alice.run("agents", "delete", "pair")
    assert (status, "2 agents are called 'pair': say which by its id" in said) == (FAILED, True)
    assert alice.good("agents", "delete", "pair-a").startswith("deleted pair-a")
    assert alice.good("agents", "delete", "pair").startswith("deleted pair ")


def test_nobody_writes_over_what_another_has_changed(alice):
    alice.write_agent("shared")
    alice.good("agents", "push", "shared")
    alice.good("agents", "pull", "shared", "mine")
    (alice.home / "shared/agent.py").write_text(WRONG)
    assert alice.good("agents", "push", "shared").startswith("changed shared")

    (alice.home / "mine/agent.py").write_text(SLEEP)
    status, _, said = alice.run("agents", "push", "mine")
    assert status == CONFLICT and "has been changed" in said and len(said.splitlines()) == 1
    status, _, said = alice.run("agents", "pull", "shared", "mine")
    assert status == CONFLICT and (alice.home / "mine/agent.py").read_text() == SLEEP
    alice.good("agents", "pull", "shared", "mine", "--force")
    assert (alice.home / "mine/agent.py").read_text() == WRONG
    alice.good("agents", "pull", "shared", "mine")

    alice.write_agent("copy", friendlyName="shared")
    status, _, said = alice.run("agents", "push", "copy")
    assert status == CONFLICT and "'shared'" in said
    alice.good("agents", "delete", "shared")
    status, _, said = alice.run("agents", "push", "mine")
    assert status == CONFLICT and "gone" in said


@pytest.mark.parametrize("rest", ["{", "[]", '{"code": "x"}'])
def test_files_that_are_no_agent(anybody, rest):
    (anybody.write_agent("bad") / "agent.json").write_text(rest)
    status, _, said = anybody.run("agents", "push", "bad")
    assert status == USAGE and "agent.json" in said
    assert anybody.run("agents", "push", "nowhere")[0] == USAGE


def test_the_server_says_what_is_wrong_with_an_agent(anybody):
    anybody.write_agent("bad", name=3)
    status, _, said = anybody.run("agents", "push", "bad")
    assert (status, said) == (FAILED, 'einion: Input should be a valid string, at ["body","name"]\n')


# ---- runs ----


def test_an_agent_is_deployed_run_and_asked(alice):
    alice.write_agent("twice", outputSchema={"twice": "integer", "more": "string"})
    alice.good("agents", "push", "twice")
    assert alice.good("agents", "deploy", "twice") == f"deployed as {alice.url}/rest/twice\n"
    status, out, said = alice.run("run", "twice", '{"n": 21}')
    assert (status, json.loads(out)) == (0, {"twice": 42})
    assert re.fullmatch(r"\[twice\]\n  thinking\n\[twice\] success, \d+ ms\n"
                        r"einion: Missing required output keys: \['more'\]\n", said), said  # fmt: skip
    assert alice.run("run", "twice", "-", "--quiet", text='{"n": 1.5}')[1] == '{"twice":3.0}\n'
    (alice.home / "in.json").write_text('{"n": 2}')
    assert alice.json("run", "twice", "--input", "in.json")["result"] == {"twice": 4}
    status, out, said = alice.run("run", "twice", "{}")
    assert (status, out) == (FAILED, "") and said.endswith("einion: KeyError: 'n'\n")
    assert alice.run("run", "nobody")[::2] == (FAILED, "einion: No deployed agent found with that name.\n")
    for wrong in ("{", "5", "[1]"):
        status, _, said = alice.run("run", "twice", wrong)
        assert status == USAGE and said.startswith("einion: the input is no")

    assert "gofannon/twice" in alice.good("models")
    alice.write_agent("speaker", 'async def run(input_dict, tools):\n    return {"outputText": input_dict["inputText"] + "\\x1b[31m!"}')
    alice.good("agents", "push", "speaker")
    alice.good("agents", "deploy", "speaker")
    assert alice.good("chat", "gofannon/speaker", "hi") == "hi\x1b[31m!\n"
    assert alice.good("chat", "gofannon/speaker", text="ho") == "ho\x1b[31m!\n"
    assert alice.json("chat", "gofannon/speaker", "hi")["choices"][0]["message"]["content"] == "hi\x1b[31m!"
    assert alice.run("chat", "no/such", "hi")[0] == FAILED
    assert alice.good("agents", "undeploy", "speaker").startswith("undeployed speaker")
    assert alice.run("run", "speaker")[0] == FAILED


def begun(shell, *words):
    process = shell.start(*words)
    while "begun" not in (line := process.stderr.readline()):
        assert line, process.communicate()
    return process


def test_a_run_is_listed_shown_followed_and_stopped(anybody):
    anybody.write_agent("long", SLEEP, friendlyName="long-one")
    run = anybody.good("run", "./long", "--detach").strip()
    assert anybody.json("runs", "show", run)["status"] == "running"
    assert json.loads(anybody.good("runs", "show", run))["_id"] == run
    listed = lambda: anybody.good("runs", "--status", "running").splitlines()  # noqa: E731; by what is stored, which follows
    wait_until(lambda: any(line.startswith(f"{run}  running ") for line in listed()), 20, "the run to be listed")
    follower = begun(anybody, "runs", "follow", run)
    assert anybody.good("runs", "cancel", run) == f"the run {run} is stopped\n"
    out, said = follower.communicate()
    assert follower.returncode == FAILED and "the run is stopped: local-dev-user stopped it." in said and out == ""
    assert len(anybody.json("runs", "--limit", "1")) == 1
    for command in ("show", "follow", "cancel"):
        assert anybody.run("runs", command, "nowhere")[::2] == (FAILED, "einion: there is no run 'nowhere'\n")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_who_leaves_a_run_stops_it(anybody, number):
    anybody.write_agent("long", SLEEP)
    process = begun(anybody, "run", "./long")
    process.send_signal(number)
    _, said = process.communicate()
    run = re.search(r"the run (\S+) is stopped", said)[1]
    assert process.returncode == INTERRUPTED
    shown = lambda: anybody.json("runs", "show", run)  # noqa: E731
    assert wait_until(lambda: shown()["status"] != "running" and shown(), 20, "the run to end")["status"] == "stopped"


def trace(*numbers):
    return [f"id: {n}\nevent: trace\ndata: " + json.dumps({"type": "stdout", "depth": 0, "message": f"line {n}"}) + "\n\n" for n in numbers]


def test_a_lost_connection_is_taken_up_where_it_broke(tmp_path):
    done = 'id: end\nevent: done\ndata: {"status": "completed", "result": {"a": 0.1}}\n\n'
    with Vendor() as vendor:
        kind = "text/event-stream"
        vendor.answer("/runs/r/stream", stream(*trace(1, 2), CUT, kind=kind), stream(*trace(3), done, kind=kind))
        status, out, said = Shell(tmp_path).run("runs", "follow", "r", "--server", vendor.url)
        assert (status, out) == (0, '{"a":0.1}\n')
        assert said == "line 1\nline 2\neinion: the connection is lost; trying again\nline 3\n"
        assert [request.headers.get("last-event-id") for request in vendor.requests] == [None, "2"]
        vendor.forget()
        vendor.answer("/runs/r/stream", stream(*trace(1), CUT, kind=kind))
        assert Shell(tmp_path).run("runs", "follow", "r", "--server", vendor.url, "--retry", "0")[0] == NOBODY


# ---- servers that are not kind ----


def test_what_a_server_sends_does_nothing_to_a_terminal(tmp_path):
    evil = "a\x1b]0;x\x07\u009b2J\u202eb\n"
    shell = Shell(tmp_path)
    with Vendor() as vendor:
        agent = {"_id": "\x1b1", "_rev": "1", "name": evil, "code": "", "friendlyName": "../../\x1bup"}
        vendor.answer("/agents", whole([agent]))
        vendor.answer("/runs/x", whole({"detail": evil}, status=500))
        events = [f"event: trace\ndata: {json.dumps(event)}\n\n" for event in ({"type": "log", "level": evil}, {"type": evil})]
        vendor.answer("/runs/y/stream", stream(*events, 'event: done\ndata: {"status": "failed"}\n\n', kind="text/event-stream"))
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", shell.good("agents", "--server", vendor.url))
        assert shell.json("agents", "--server", vendor.url) == [agent]
        status, _, said = shell.run("runs", "show", "x", "--server", vendor.url)
        assert (status, said) == (FAILED, "einion: a?]0;x??2J?b?\n")
        said = shell.run("runs", "follow", "y", "--server", vendor.url)[2]
        assert said.startswith("a?]0;x") and r"\u202e" in said and not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", said)
        shell.good("agents", "pull", "\x1b1", "--server", vendor.url)
        assert [path.name for path in tmp_path.iterdir()] == ["_._..__up"]


@pytest.mark.parametrize("reply", [whole("a page", status=200), whole({}, status=502), whole([], status=302)])
def test_what_is_no_einion_is_told_in_a_sentence(tmp_path, reply):
    with Vendor() as vendor:
        vendor.answer("/auth/me", reply)
        status, out, said = Shell(tmp_path).run("login", vendor.url)
        assert status == FAILED and out == "" and re.fullmatch(r"einion: .*\n", said)


# ---- options ----


def test_options_may_stand_before_the_command(anybody):
    anybody.write_agent("first")
    anybody.good("agents", "push", "first")
    assert json.loads(anybody.good("--json", "whoami")) == anybody.json("whoami")
    here = ["--server", anybody.url, "--json"]
    assert json.loads(anybody.good(*here, "agents", "deploy", "first"))
    assert json.loads(anybody.good(f"--server={anybody.url}", "run", "first", "--quiet", "--", '{"n": 2}')) == {"twice": 4}
    for words in (["--json"], ["--server", "models"], ["--json", "serve"], ["--jsonx", "models"]):
        status, out, said = anybody.run(*words)
        assert (status, out) == (USAGE, "") and said.startswith("einion: there is no such option: --"), words


def test_keys_are_made_listed_and_revoked(stranger, guarded):
    alice = Person(guarded).login("alice")
    admins = alice.post("/users/me/keys", {"name": "mine", "scopes": ["admin", "models", "agents"]}).json
    stranger.good("login", stranger.url, "--key-file", "-", text=admins["key"] + "\n")
    limits = ["--models", "openai/gpt-4o-mini,anthropic/*", "--budget", "2.5/week", "--days", "30"]
    key = stranger.good("keys", "create", "chatbot", *limits).strip()
    made = Bearer(guarded, key).get("/users/me/key").json
    assert (made["name"], made["scopes"], made["models"]) == ("chatbot", ["models"], ["openai/gpt-4o-mini", "anthropic/*"])
    assert (made["budget"]["limit"], made["budget"]["period"]) == (2.5, "week") and made["expiresAt"]
    other = stranger.json("keys", "create", "plain", "--scopes", "agents:read,models", "--budget", "1")
    assert other["budget"]["period"] == "month" and other["scopes"] == ["agents:read", "models"]

    rows = [line.split() for line in stranger.good("keys").splitlines()]
    assert rows[0] == ["ID", "NAME", "BUDGET", "PER", "LEFT", "ENDS", "USED"]
    assert ["chatbot", "2.5", "week", "2.5"] in [row[1:5] for row in rows]
    assert stranger.good("keys", "revoke", made["_id"]) == f"revoked {made['_id']}\n"
    assert made["_id"] not in stranger.good("keys") and Bearer(guarded, key).get("/v1/models").status == 401
    status, _, said = stranger.run("keys", "revoke", made["_id"])
    assert status == FAILED and "not found" in said
    for wrong in ("much", "5/", "/month", ""):
        status, _, said = stranger.run("keys", "create", "x", "--budget", wrong)
        assert (status, said) == (USAGE, "einion: a budget is dollars, and a period, such as 5/month\n")
    status, _, said = stranger.run("keys", "create", "x", "--budget", "5/year")
    assert status == FAILED and "period" in said


def test_a_server_without_logins_has_no_keys(anybody):
    for words in (["keys"], ["keys", "create", "x"]):
        assert anybody.run(*words) == (FAILED, "", "einion: this server has no API keys: without logins nobody needs one\n")


# ---- what a newcomer does ----


def test_a_folder_without_a_description_and_an_agent_without_a_name_are_told_what_they_lack(anybody):
    folder = anybody.write_agent("nameless")
    (folder / "agent.json").unlink()
    status, _, said = anybody.run("agents", "push", "nameless")
    assert status == USAGE and said.startswith("einion: nameless/agent.json is missing") and '{"name": ' in said
    (folder / "agent.json").write_text('{"name": "No name", "description": "d"}')
    anybody.good("agents", "push", "nameless")
    status, _, said = anybody.run("agents", "deploy", "No name")
    assert status == FAILED and '"friendlyName" in its agent.json' in said
    assert anybody.run("run", "./nameless", '{"n": 1}')[2].startswith("[No name]\n")


def test_a_failure_is_shown_with_the_line_where_it_happened(anybody):
    anybody.write_agent("broken", "async def run(input_dict, tools):\n    return input_dict['n']\n")
    status, _, said = anybody.run("run", "./broken")
    assert status == FAILED and "\n  Traceback (most recent call last):\n" in said
    assert ', line 2, in run\n      return input_dict[\'n\']\n' in said and "\n  KeyError: 'n'\n[broken] error, " in said


def test_secrets_are_given_to_an_agent_and_never_read_again(anybody):
    anybody.write_agent("keeper", "import os\nasync def run(input_dict, tools):\n    return len(os.environ.get('TOKEN', ''))\n")
    anybody.good("agents", "push", "keeper")
    anybody.good("agents", "deploy", "keeper")
    assert anybody.good("secrets", "set", "keeper", "TOKEN", text="sesame open\n") == "set TOKEN\n"
    assert anybody.good("run", "keeper", "--quiet") == f"{len('sesame open')}\n"
    rows = [line.split() for line in anybody.good("secrets", "keeper").splitlines()]
    assert rows[0] == ["NAME", "SET", "BY"] and rows[1][0] == "TOKEN" and len(rows) == 2
    (anybody.home / "secret").write_text("longer than that")
    anybody.good("secrets", "set", "keeper", "TOKEN", "--input", "secret")
    assert anybody.good("run", "keeper", "--quiet") == "16\n"
    assert anybody.good("secrets", "delete", "keeper", "TOKEN") == "deleted TOKEN\n"
    assert anybody.good("run", "keeper", "--quiet") == "0\n" and anybody.json("secrets", "keeper") == []
    assert anybody.run("secrets", "nobody")[2] == "einion: there is no agent 'nobody'\n"
    for dots in ("..", "."):
        for command in (["set"], ["delete"]):
            status, _, said = anybody.run("secrets", *command, "keeper", dots, text="x")
            assert (status, said) == (USAGE, "einion: nothing on a server is called '.' or '..'\n")
    for command in (["runs", "cancel"], ["runs", "follow"], ["run"]):
        assert anybody.run(*command, "..")[::2] == (USAGE, "einion: nothing on a server is called '.' or '..'\n"), command
    status, _, said = anybody.run("secrets", "set", "keeper", "not a name", text="x")
    assert status == FAILED and said.startswith("einion: ")


# ---- usage ----


@pytest.fixture(scope="module")
def paying():
    """A server with a login, and a vendor whose answers cost money."""
    with Vendor() as vendor:
        vendor.answer("/v1/responses", openai_responses(Said(text="A block of iron.", input=100, output=10)))
        with Server(sets=[logins()], env={"OPENAI_API_KEY": "sk-x", "OPENAI_BASE_URL": vendor.url + "/v1"}) as server:
            yield server.start(ready=True)


def test_usage_is_told_by_the_names_that_people_know(tmp_path, paying):
    ada = Person(paying).login("alice")
    key = ada.post("/users/me/keys", {"name": "laptop", "scopes": ["admin", "models", "agents", "deployments"]}).json
    shell = Shell(tmp_path, paying)
    shell.good("login", shell.url, "--key-file", "-", text=key["key"] + "\n")
    shell.write_agent("asker", "async def run(input_dict, tools):\n    await call_llm('openai', 'gpt-4o-mini', "
                               "[{'role': 'user', 'content': 'hi'}], {})\n")  # fmt: skip
    shell.good("agents", "push", "asker")
    shell.good("agents", "deploy", "asker")
    assert "  openai/gpt-4o-mini: 100 in, 10 out, " in (said := shell.run("run", "asker")[2]) and "USD 0.000021" in said
    shell.good("chat", "openai/gpt-4o-mini", "hi")
    shell.good("chat", "openai/gpt-4o-mini", "hi")
    assert [line.split()[-1] for line in shell.good("runs", "--agent", "asker").splitlines()] == ["USD", "0.000021"]

    assert shell.run("runs", "--agent", "nobody") == (FAILED, "", "einion: there is no agent 'nobody'\n")
    agent = shell.json("agents")[0]["_id"]
    table = [line.split() for line in shell.good("usage", "--by", "agent").splitlines()[:4]]
    assert table == [["AGENT", "NAME", "CALLS", "USD", "IN", "OUT"], ["-", "-", "2", "0.000042", "200", "20"],
                     [agent, "asker", "1", "0.000021", "100", "10"], ["total", "-", "3", "0.000063", "300", "30"]]  # fmt: skip
    assert [key["_id"], "laptop", "3", "0.000063", "300", "30"] in [line.split() for line in shell.good("usage", "--by", "key").splitlines()]
    assert shell.json("usage", "--by", "key")["rows"][0]["name"] == "laptop"
    day = time.strftime("%Y-%m-%d", time.gmtime())
    assert shell.good("usage", "--from", day, "--to", day).splitlines()[1].split() == [day, "3", "0.000063", "300", "30"]
    assert shell.good("usage", "--to", "2020-01-01").splitlines()[1].split() == ["total", "0", "0", "0", "0"]
    status, _, said = shell.run("usage", "--all")
    assert status == FAILED and "auth.site_admins does not name you" in said
    assert shell.run("usage", "--by", "moon")[0] == FAILED
    text = ada.get("/users/me/usage?by=key&format=csv").text
    assert text.splitlines()[1].startswith(f'"{key["_id"]}","laptop",3,0.000063,')


# ---- users ----


def test_a_site_admin_ends_what_somebody_who_leaves_has(tmp_path, paying):
    carol, admin = Person(paying).login("carol"), Person(paying).login("site_admin_1")
    key = Bearer(paying, carol.post("/users/me/keys", {"name": "mine", "scopes": ["models"]}).json["key"])
    assert carol.get("/users/me").status == key.get("/v1/models").status == 200
    limits = {"models": ["openai/*"], "budget": {"limit": 5, "period": "week"}}
    mine = admin.post("/users/me/keys", {"name": "root", "scopes": ["admin", "models"]}).json["key"]
    admin.post("/users/me/keys", {"name": "limited", "scopes": ["models"], **limits})
    made = admin.get("/admin/audit?limit=1").json[0]["details"]
    assert made == {"name": "limited", "scopes": ["models"], "models": ["openai/*"], "budget": {"limitNano": 5 * 10**9, "period": "week"}}
    shell = Shell(tmp_path, paying)
    shell.good("login", shell.url, "--key-file", "-", text=mine + "\n")
    assert re.search(r"(?m)^dev_stub:carol +Carol Member +carol@dev.local +\S+ +100 +100 +-$", shell.good("users"))
    assert shell.good("users", "revoke", "dev_stub:carol") == "dev_stub:carol: 1 logins ended, 1 keys revoked\n"
    assert carol.get("/users/me").status == key.get("/v1/models").status == 401
    assert shell.json("users", "revoke", "dev_stub:carol") == {"sessions": 0, "keys": 0}
    assert [entry["action"] for entry in admin.get("/admin/audit?limit=3").json] == ["sessions_ended", "api_key.revoke", "sessions_ended"]
    assert Person(paying).login("alice").delete("/admin/users/dev_stub:carol/keys").status == 403


def shell_of(person, tmp_path, paying):
    """Logged in with a key of theirs that may do everything."""
    shell = Shell(tmp_path, paying)
    shell.key = person.post("/users/me/keys", {"name": "root", "scopes": ["admin"]}).json["key"]
    shell.good("login", shell.url, "--key-file", "-", text=shell.key + "\n")
    return shell


def test_somebody_is_blocked_by_id_or_by_address(tmp_path, paying):
    admin, carol = Person(paying).login("site_admin_1"), Person(paying).login("carol")
    assert carol.get("/users/me").status == 200
    shell = shell_of(admin, tmp_path, paying)
    for called in ("dev_stub:carol", "Carol@DEV.local"):
        assert shell.good("users", "block", called, "--reason", "has left") == "dev_stub:carol: blocked\n"
        assert carol.get("/users/me").status == 403
        assert re.search(r"(?m)^dev_stub:carol .* \d{4}-\d\d-\d\dT\S+$", shell.good("users"))
        assert shell.good("users", "unblock", called) == "dev_stub:carol: unblocked\n"
        assert carol.get("/users/me").status == 200
    status, _, said = shell.run("users", "block", "dev_stub:carole")
    assert (status, said) == (1, "einion: no user has the id or the address 'dev_stub:carole'\n")
    blocked = shell.json("users", "block", "dev_stub:dave", "--force", "--reason", "a new one")
    assert [(user["_id"], user["blocked"]["reason"]) for user in blocked] == [("dev_stub:dave", "a new one")]
    status, _, said = shell.run("users", "block", "dev_stub:site_admin_1", "--force")
    assert status == 1 and "cannot block yourself" in said
    shell.good("users", "unblock", "dev_stub:dave")


def test_somebody_is_erased(tmp_path, paying):
    admin, carol = Person(paying).login("site_admin_1"), Person(paying).login("carol")
    assert carol.get("/users/me").status == carol.put("/data-store/namespaces/n/records/k", {"value": 1}).status == 200
    shell = shell_of(admin, tmp_path, paying)
    said = shell.good("users", "erase", "dev_stub:carol")
    assert re.fullmatch(r"dev_stub:carol erased: .*1 data-store.*\n", said) and " logins" in said
    assert carol.get("/users/me").status == 401
    assert shell.good("users", "erase", "dev_stub:carol") == "dev_stub:carol had nothing\n"
    assert shell.json("users", "erase", "dev_stub:carol") == {"erased": {}}
    status, _, said = shell.run("users", "erase", "carol@dev.local")
    assert status == 1 and "'carol@dev.local' not found" in said


# ---- takeout ----


def lines_of(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_one_takes_out_what_is_ones_own(tmp_path, paying):
    alice = Person(paying).login("alice")
    assert alice.get("/users/me").status == 200
    assert alice.put("/data-store/namespaces/n/records/k", {"value": "kept\nhere"}).status == 200
    shell = shell_of(alice, tmp_path, paying)
    said = shell.good("takeout", "mine.jsonl")
    assert re.fullmatch(r"mine\.jsonl: 1 users, .*\b1 data_store\b.*\n", said), said
    path = tmp_path / "mine.jsonl"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    head, *docs, end = lines_of(path)
    assert head["user"] == "dev_stub:alice" and len(docs) == sum(end["end"].values())
    assert [line["doc"]["value"] for line in docs if line["set"] == "data_store"] == ["kept\nhere"]
    assert shell.key not in path.read_text()

    assert shell.run("takeout", "mine.jsonl") == (CONFLICT, "", "einion: mine.jsonl is there already\n")
    assert lines_of(path)[0] == head
    assert shell.json("takeout", "again.jsonl") == end["end"]
    status, _, said = shell.run("takeout", "no/such/folder")
    assert status == USAGE and "no/such/folder cannot be written" in said
    status, _, said = shell.run("users", "takeout", "dev_stub:alice")
    assert status == USAGE and "missing argument: FILE" in said

    limited = alice.post("/users/me/keys", {"name": "limited", "scopes": ["models"]}).json["key"]
    assert shell.run("takeout", "no.jsonl", env={"EINION_API_KEY": limited})[0] == FAILED
    assert not (tmp_path / "no.jsonl").exists()


def test_a_site_admin_takes_out_what_is_somebodys(tmp_path, paying):
    admin, dave = Person(paying).login("site_admin_1"), Person(paying).login("dave")
    assert dave.get("/users/me").status == 200
    shell = shell_of(admin, tmp_path, paying)
    for i, called in enumerate(("dev_stub:dave", "Dave@DEV.local")):
        shell.good("users", "takeout", called, f"{i}.jsonl")
        assert lines_of(tmp_path / f"{i}.jsonl")[0]["user"] == "dev_stub:dave"
    assert shell.run("users", "takeout", "davy", "2.jsonl")[::2] == (FAILED, "einion: no user has the id or the address 'davy'\n")
    with Vendor() as vendor:
        twins = [{"_id": ident, "basicInfo": {"email": "a@b"}} for ident in ("x", "y")]
        vendor.answer("/admin/users", whole(twins))
        status, _, said = shell.run("users", "takeout", "a@b", "2.jsonl", "--server", vendor.url)
        assert status == FAILED and "several users have that address" in said
    assert not (tmp_path / "2.jsonl").exists()


@pytest.mark.parametrize("users", [[{}], [{"basicInfo": {"email": 1}}], [1], {}, 1])
def test_what_no_einion_answers_is_nobody(tmp_path, users):
    with Vendor() as vendor:
        vendor.answer("/admin/users", whole(users))
        done = Shell(tmp_path).run("users", "block", "x", "--server", vendor.url)
    assert done[::2] == (FAILED, "einion: no user has the id or the address 'x'\n")


@pytest.mark.parametrize("steps, status, said", [
    (['{"end":{"agents":1}}\n'], 0, ""),
    ([], FAILED, "the server has not sent all of it"),
    (['{"end":{"agents":1}'], FAILED, "the server has not sent all of it"),
    (['{"error":"The store\\u001b is away."}\n'], FAILED, "not all of it can be read: The store? is away."),
    (['{"end":{"agents":1}}\n', CUT], NOBODY, "cannot be reached"),
])  # fmt: skip
def test_what_is_not_whole_leaves_no_file(tmp_path, steps, status, said):
    with Vendor() as vendor:
        lines = ['{"user":"x"}\n', '{"set":"agents","doc":{"name":"', '{\\"end\\""}}\n']
        vendor.answer("/users/me/export", stream(*lines, *steps, kind="application/x-ndjson"))
        done = Shell(tmp_path).run("takeout", "it.jsonl", "--server", vendor.url)
        assert done[0] == status and said in done[2], done
    assert [path.name for path in tmp_path.iterdir()] == ([] if status else ["it.jsonl"])


def test_what_finds_no_room_leaves_no_file(tmp_path):
    with Vendor() as vendor:
        vendor.answer("/users/me/export", stream('{"user":"x"}\n', "x" * 100_000 + "\n", '{"end":{}}\n', kind="application/x-ndjson"))
        little = ["bash", "-c", 'trap "" XFSZ; ulimit -f 8; exec "$@"', "-"]
        done = subprocess.run([*little, EINION, "takeout", "it.jsonl", "--server", vendor.url], env=Shell(tmp_path).env, cwd=tmp_path, capture_output=True, text=True, timeout=PATIENCE)
        assert (done.returncode, done.stderr) == (FAILED, "einion: it.jsonl cannot be written: File too large\n")
    assert list(tmp_path.iterdir()) == []


def test_who_interrupts_a_takeout_keeps_no_half_of_it(tmp_path):
    with Vendor() as vendor:
        gate = Gate()
        vendor.answer("/users/me/export", stream('{"user":"x"}\n', gate, kind="application/x-ndjson"))
        asked = Shell(tmp_path).start("takeout", "it.jsonl", "--server", vendor.url)
        assert gate.reached.wait(PATIENCE)
        asked.send_signal(signal.SIGINT)
        assert asked.communicate(timeout=PATIENCE)[1] == "einion: interrupted\n" and asked.returncode == INTERRUPTED
        gate.open()
    assert list(tmp_path.iterdir()) == []


# ---- help ----


def test_every_command_has_help(tmp_path):
    shell = Shell(tmp_path)
    for command in ["login", "logout", "servers", "whoami", "agents", "agents pull", "agents push", "agents deploy", "agents undeploy",
                    "agents delete", "run", "runs", "runs show", "runs follow", "runs cancel", "keys", "keys create", "keys revoke", "secrets", "secrets set", "secrets delete", "usage", "users", "users revoke", "users block", "users unblock", "users erase", "users takeout", "takeout", "chat", "models"]:  # fmt: skip
        assert shell.good(*command.split(), "--help").startswith(f"Usage: einion {command}")
        assert command.split()[0] in shell.good("help")
        status, _, said = shell.run(*command.split(), "--no-such-option")
        assert status == USAGE and f"Usage: einion {command}" in said
    for wrong in (["login"], ["agents", "nonsense"], ["run"], ["runs", "show"], ["models", "x"], ["run", "x", "--input"]):
        assert shell.run(*wrong)[0] == USAGE
    assert shell.run("runs", "show")[2] == "einion: missing argument: ID\nUsage: einion runs show ID\n"
    for wrong in (["runs", "--limit", "ten"], ["runs", "follow", "x", "--retry", "-1"]):
        status, _, said = shell.run(*wrong)
        assert status == USAGE and "wants a number" in said
