# SPDX-License-Identifier: Apache-2.0
"""A child's life: get ready, rehearse while nobody asks, run one job, exit."""
import asyncio
import inspect
import linecache
import logging
import os
import select
import socket
import struct
import sys
import traceback

import channel
import event_loop
import given
import jsonable
import output
import rehearsal
import remote_mcp

try:
    import remote_http
except ImportError:
    remote_http = None

HERE = os.path.dirname(os.path.abspath(__file__))
CODE_NAME = "<string>"
TRACEBACK_HEAD, TRACEBACK_TAIL = 1000, 3000
WHERE_PACKAGES_COME_FROM = "Agents have the packages of the server's Python, or of plugins.runtime-python.venv.\n"
READY, BEGAN = channel.frame({"t": "ready"}), channel.frame({"t": "began"})
IDLE_S = 0.05  # longer than children wait while many runs are made


def connect(to):
    given.current = remote_mcp.current = to
    if remote_http:
        remote_http.current = to


class Child:
    """Everything that does not depend on the job.  The zygote makes it: a child only opens what it may not
    share with others."""

    def __init__(self, fd):
        self.channel = channel.Channel(fd)
        connect(self.channel)
        self.loop = event_loop.Loop()
        asyncio.set_event_loop(self.loop)
        self.channel.attach(self.loop)
        self.module = given.make_module(remote_http.make_client() if remote_http else None)
        self.sender = output.Sender(self.channel)
        self.stdout = output.LineWriter(self.sender)
        self.stderr = output.LineWriter(self.sender)
        logging.getLogger().addHandler(output.LogSender(self.sender))

    def finish_output(self):
        self.stdout.finish()
        self.stderr.finish()


def is_coroutine_function(run):
    code = getattr(run, "__code__", None)
    return code is not None and code.co_flags & inspect.CO_COROUTINE or asyncio.iscoroutinefunction(run)


def define(code, namespace):
    """The agent's run(), its top level having been executed."""
    linecache.cache[CODE_NAME] = (len(code), None, code.splitlines(True), CODE_NAME)
    exec(compile(code, CODE_NAME, "exec", dont_inherit=True), namespace)
    run = namespace.get("run")
    if not is_coroutine_function(run):
        raise ValueError("Code did not define an 'async def run(input_dict, tools)' function.")
    return run


def start(run, input_dict, tools):
    """run() is called by the names of its parameters, or in order if not both are there."""
    code = getattr(run, "__code__", None)
    if code is None or code.co_flags & inspect.CO_VARKEYWORDS:
        return run(input_dict=input_dict, tools=tools)
    names = code.co_varnames[:code.co_argcount + code.co_kwonlyargcount]
    if "input_dict" in names and "tools" in names:
        return run(input_dict=input_dict, tools=tools)
    return run(input_dict, tools)


def perform(child, job):
    sys.stdout, sys.stderr = child.stdout, child.stderr
    run = define(job["code"], vars(child.module))
    child.channel.write(BEGAN)

    async def main():
        child.channel.task = asyncio.current_task()
        return await start(run, job.get("input") or {}, job.get("tools") or {})

    return child.loop.run_until_complete(main())


def _of_agent(frames):
    """From the agent's first line on, without this runtime's own."""
    first = next((i for i, frame in enumerate(frames) if frame.filename == CODE_NAME), 0)
    return [frame for frame in frames[first:] if not frame.filename.startswith(HERE)]


def _without_runtime(summary):
    """The same for what led to the exception."""
    seen = set()
    while summary is not None and id(summary) not in seen:
        seen.add(id(summary))
        summary.stack = traceback.StackSummary.from_list(_of_agent(summary.stack))
        if summary.__cause__ is not None:
            _without_runtime(summary.__cause__)
        summary = summary.__context__


def describe(error):
    try:
        message = str(error)
    except Exception:
        message = "<the exception's text could not be made>"
    summary = traceback.TracebackException.from_exception(error, limit=-40)
    _without_runtime(summary)
    text = "".join(summary.format())
    if isinstance(error, ModuleNotFoundError):
        text += WHERE_PACKAGES_COME_FROM
    if len(text) > TRACEBACK_HEAD + TRACEBACK_TAIL:
        text = text[:TRACEBACK_HEAD] + "\n...\n" + text[-TRACEBACK_TAIL:]
    return {"t": "error", "type": type(error).__name__, "msg": message[:output.MESSAGE_MAX], "tb": text}


def rehearse(child):
    """Runs a job of our own, so that the pages a real job dirties are private to
    this process before the real one arrives."""
    ours, theirs = socket.socketpair()
    stage = channel.Channel(theirs.detach())
    real, child.channel, child.sender.channel = child.channel, stage, stage
    connect(stage)
    real.detach()
    stage.attach(child.loop)
    job = jsonable.encode({"t": "job", "code": rehearsal.CODE, "input": {"q": "x"}},
                          channel.FRAME_MAX, "job")
    ours.sendall(struct.pack("<II", len(job), 0) + job)
    job, _ = stage.receive()
    saved = dict(vars(child.module))
    try:
        stage.send({"t": "result", "v": perform(child, job)})
        child.finish_output()
    finally:
        stage.detach()
        stage.socket.close()
        ours.close()
        real.attach(child.loop)
        child.channel = child.sender.channel = real
        connect(real)
        child.sender.left = output.Sender(real).left
        vars(child.module).clear()
        vars(child.module).update(saved)
        linecache.cache.pop(CODE_NAME, None)


def _prepare(child, job):
    child.sender.muted = bool(job.get("mute"))
    child.sender.left = job.get("events", child.sender.left)
    child.channel.http_window = job.get("http_window", child.channel.http_window)
    child.channel.uploads = job.get("uploads", child.channel.uploads)
    if job.get("env"):
        os.environ.update(job["env"])


def perform_and_tell(child, job):
    try:
        _prepare(child, job)
        result = perform(child, job)
        child.finish_output()
        child.channel.send({"t": "result", "v": result}, limit=job["result_max"], what="result")
    except BaseException as error:
        try:
            child.finish_output()
            child.channel.send(describe(error))
        except Exception as worse:
            child.channel.send({"t": "error", "type": type(worse).__name__,
                                "msg": "The failure could not be described.", "tb": ""})


def live(child):
    """Never returns."""
    child.loop.open_epoll()
    child.channel.write(READY)
    if not select.select([child.channel.socket], [], [], IDLE_S)[0]:
        rehearse(child)
    job, _ = child.channel.receive()
    try:
        perform_and_tell(child, job)
    finally:
        os._exit(0)
