# SPDX-License-Identifier: Apache-2.0
"""What the agent prints and logs becomes events, one a line."""
import io
import logging
import threading

# More than the server shows: it removes secrets first, and cuts then.
MESSAGE_MAX = 4096 + 512
LINE_MAX = 1 << 16


class Sender:
    """Counts what is sent; the server counts too."""

    def __init__(self, channel):
        self.channel = channel
        self.left = 2000
        self.muted = False

    def send(self, event):
        if self.muted or self.left < 0:
            return
        self.left -= 1
        text = event["message"]
        if len(text) > MESSAGE_MAX:
            event["message"] = text[:MESSAGE_MAX]
            event["more"] = len(text[MESSAGE_MAX:].encode("utf-8", "replace"))
        self.channel.send(event)


class _Bytes(io.RawIOBase):
    def __init__(self, text):
        self.text = text

    def writable(self):
        return True

    def write(self, data):
        self.text.write(bytes(data).decode("utf-8", "replace"))
        return len(data)


class LineWriter(io.TextIOBase):
    """sys.stdout and sys.stderr of the agent.  Each thread has its own unfinished
    line, so that lines of two threads do not mix."""

    encoding = "utf-8"
    errors = "replace"

    def __init__(self, sender):
        self.sender = sender
        self.open_lines = {}
        self.buffer = _Bytes(self)

    def writable(self):
        return True

    def write(self, text):
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        me = threading.get_ident()
        lines = (self.open_lines.pop(me, "") + text).split("\n")
        rest = lines.pop()
        if len(rest) > LINE_MAX:
            lines.append(rest)
            rest = ""
        for line in lines:
            if self.sender.left < 0:
                break
            self._emit(line)
        if rest:
            self.open_lines[me] = rest
        return len(text)

    def _emit(self, line):
        if line:
            self.sender.send({"t": "stdout", "message": line})

    def finish(self):
        while self.open_lines:
            self._emit(self.open_lines.popitem()[1])


class LogSender(logging.Handler):
    def __init__(self, sender):
        super().__init__()
        self.sender = sender

    def emit(self, record):
        self.sender.send({"t": "log", "level": record.levelname, "logger": record.name,
                          "message": self.format(record)})
