# SPDX-License-Identifier: Apache-2.0
"""Commands at a terminal: hidden keys, conversations, output that nobody takes, completion."""

import json
import os
import signal
import subprocess

import pytest
from shell import FAILED, INTERRUPTED, NOBODY, Shell, Terminal, kept
from support import BUILD, EINION
from vendor import Gate, Vendor, sse, whole


def begin_login(shell, **options):
    terminal = Terminal(shell, EINION, "login", shell.url, **options)
    terminal.wait_for(f"API key of {shell.url}: ")
    return terminal


# ---- keys ----


def test_a_key_that_is_typed_is_not_shown(stranger, key):
    with begin_login(stranger, stdin=subprocess.DEVNULL) as terminal:  # it asks the terminal, whatever stdin is
        assert not terminal.has_echo
        terminal.type(key + "\n")
        assert terminal.end() == (0, f"\r\ndev_stub:alice at {stranger.url}\r\n")
        assert terminal.has_echo
    assert json.loads(kept(stranger).read_text())["servers"][stranger.url.removeprefix("http://")]["key"] == key
    with begin_login(stranger) as terminal:
        terminal.type("wrong\n")
        status, shown = terminal.end()
        assert status == NOBODY and "does not know you" in shown and "wrong" not in shown


@pytest.mark.parametrize("typed", ["\x03", "half\x03", "\x04", "\n"])
def test_who_types_no_key_is_let_go(stranger, typed):
    with begin_login(stranger) as terminal:
        terminal.type(typed)
        assert terminal.end() == (INTERRUPTED, "\r\neinion: no key was given\r\n")
        assert terminal.has_echo
    assert not kept(stranger).exists()


def test_a_signal_at_the_prompt_leaves_the_terminal_as_it_was(stranger):
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        with begin_login(stranger) as terminal:
            assert not terminal.has_echo
            terminal.process.send_signal(number)
            assert terminal.end()[0] == -number
            assert terminal.has_echo


def test_a_secret_that_is_typed_is_not_shown(anybody):
    anybody.write_agent("hidden", "import os\nasync def run(input_dict, tools):\n    return os.environ['TOKEN'] == 'sesame'\n")
    anybody.good("agents", "push", "hidden")
    anybody.good("agents", "deploy", "hidden")
    terminal = Terminal(anybody, EINION, "secrets", "set", "hidden", "TOKEN")
    terminal.wait_for("TOKEN: ")
    with terminal:
        assert not terminal.has_echo
        terminal.type("sesame\n")
        assert terminal.end() == (0, "\r\nset TOKEN\r\n")
    assert anybody.good("run", "hidden", "--quiet") == "true\n"


# ---- conversations ----


def answer(*pieces):
    return sse(*(piece if isinstance(piece, Gate) else {"choices": [{"delta": {"content": piece}}]} for piece in pieces), "[DONE]")


def test_a_conversation_outlives_a_failure(tmp_path):
    with Vendor() as vendor:
        vendor.answer("/v1/chat/completions", answer("One", " and two"), whole({"error": {"message": "not now"}}, 429), answer("Three"))
        with Terminal(Shell(tmp_path), EINION, "chat", "m", "--server", vendor.url) as terminal:
            for question, shown in (("1", "One and two\r\n"), ("no", "einion: not now\r\n"), ("3", "Three\r\n")):
                terminal.wait_for("> ")
                terminal.type(question + "\n")
                terminal.wait_for(shown)
            terminal.wait_for("> ")
            terminal.type("\x04")
            assert terminal.end()[0] == 0
        said = [message["content"] for message in vendor.requests[2].json["messages"]]
        assert said == ["1", "One and two", "3"]


def test_an_interrupted_answer_is_not_the_end_of_a_conversation(tmp_path):
    with Vendor() as vendor:
        vendor.answer("/v1/chat/completions", answer("One", Gate(), "two"), answer(Gate(), "never"), answer("Three"))
        with Terminal(Shell(tmp_path), EINION, "chat", "m", "--server", vendor.url) as terminal:
            for question, shown in (("1", "One"), ("2", ""), ("3", "Three\r\n")):
                terminal.wait_for("> ")
                terminal.type(question + "\n")
                vendor.wait_asked(int(question))
                terminal.wait_for(shown)
                if question < "3":
                    terminal.type("\x03")
                    vendor.wait_left(int(question))
            terminal.wait_for("> ")
            terminal.type("\x03")
            assert terminal.end()[0] == -signal.SIGINT
        said = [message["content"] for message in vendor.requests[2].json["messages"]]
        assert said == ["1", "One", "3"]


def test_who_leaves_an_answer_stops_it(tmp_path):
    with Vendor() as vendor:
        vendor.answer("/v1/chat/completions", answer("One", Gate(), "two"))
        with Terminal(Shell(tmp_path), EINION, "chat", "m", "1", "--server", vendor.url) as terminal:
            terminal.wait_for("One")
            terminal.type("\x03")
            assert terminal.end()[0] == -signal.SIGINT
        vendor.wait_left()


# ---- output that nobody takes ----


def test_an_answer_that_nobody_reads_is_stopped(tmp_path):
    with Vendor() as vendor:
        gate = Gate()
        vendor.answer("/v1/chat/completions", answer("One", gate, "two", Gate()))
        process = Shell(tmp_path).start("chat", "m", "1", "--server", vendor.url)
        assert process.stdout.read(3) == "One"
        process.stdout.close()
        gate.open()
        assert process.wait() == FAILED and process.stderr.read() == ""
        process.stderr.close()
        vendor.wait_left()


def test_what_cannot_be_written_is_no_success(anybody):
    anybody.write_agent("twice")
    for words in (["run", "./twice", '{"n": 1}', "--quiet"], ["models"], ["whoami", "--help"],
                  ["plugins"], ["--version"], ["help"], ["completion", "bash"]):  # fmt: skip
        for to, why in (("/dev/full", "No space left on device"), ("&-", "Bad file descriptor")):
            done = subprocess.run(["sh", "-c", f'exec "$@" >{to}', "sh", EINION, *words], env=anybody.env, cwd=anybody.home,
                                  stderr=subprocess.PIPE, text=True)  # fmt: skip
            said = [f"einion: the output cannot be written: {text}\n" for text in (why, "Input/output error")]
            assert done.returncode == FAILED and done.stderr in said, done  # of a long one, which failed before its end, why is not known


# ---- completion ----

COMPLETE = """
source "$1"; shift
COMP_WORDS=(einion "$@") COMP_CWORD=$#
_einion
printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.fixture
def complete(anybody):
    anybody.write_agent("twice")
    anybody.env["PATH"] = f"{EINION.parent}:{anybody.env['PATH']}"

    def complete(*words):
        command = ["bash", "-c", COMPLETE, "bash", BUILD / "packaging/einion", *words]
        done = subprocess.run(command, env=anybody.env, cwd=anybody.home, capture_output=True, text=True)
        assert (done.returncode, done.stderr) == (0, "")
        return set(done.stdout.split())

    return complete


def test_bash_knows_what_may_follow(complete, anybody):
    assert complete("agents", "p") == {"pull", "push"}
    assert complete("r") == {"rotate-keys", "routes", "run", "runs"}
    assert {"serve", "login", "completion"} <= complete("--config", "file", "")
    for word in complete(""):  # whatever it offers is there
        assert "unknown command" not in anybody.run(word, "--help")[2]
    assert complete("runs", "cancel", "--") == {"--server", "--cacert", "--json", "--help"}
    assert complete("runs", "--status", "=", "f") == {"failed"} == complete("runs", "--status", "f")
    assert complete("run", "--input", "=") >= {"twice", ".config"} and complete("run", "./t") == {"./twice"}
    assert complete("agents", "pull", "t") == set() and complete("agents", "pull", "twice", "t") == {"twice"}
    assert complete("logout", "") == {anybody.url.removeprefix("http://")} == complete("whoami", "--server", "")
    anybody.good("agents", "push", "twice")
    assert complete("agents", "pull", "t") == {"twice"} and complete("run", "tw") == {"twice"}
    anybody.good("agents", "deploy", "twice")
    assert complete("chat", "gofannon/tw") == {"gofannon/twice"}
    assert complete("audit", "") == {"verify"} and complete("chat", "m", "") == set() == complete("nonsense", "x", "")


def test_what_others_call_their_agents_is_not_run(complete, anybody):
    for tag, command in enumerate(("$(touch${IFS}run)", "`touch${IFS}run`", "a;touch${IFS}run", "~", "$HOME", "good")):
        anybody.write_agent(f"evil-{tag}", friendlyName=command)
        anybody.good("agents", "push", f"evil-{tag}")
        anybody.good("agents", "deploy", command)
    offered = complete("chat", "") | complete("run", "") | complete("agents", "pull", "")
    assert not (anybody.home / "run").exists()
    assert {"good", "gofannon/good"} <= offered and not any(set(word) & set("$`;~") for word in offered)


def test_bash_completes_what_is_typed(complete, anybody):
    with Terminal(anybody, "bash", "--norc", "--noprofile", "-i") as terminal:
        terminal.type(f"source {BUILD / 'packaging/einion'}; PS1='re''ady '\n")
        terminal.wait_for("ready ")
        terminal.type("einion run ./tw\t --qu\t--input=twice/agent.j\t")
        terminal.wait_for(r"einion run \./twice/ --quiet --input=twice/agent\.json ")
        terminal.type("\x15exit\n")
        assert terminal.end()[0] == 0
