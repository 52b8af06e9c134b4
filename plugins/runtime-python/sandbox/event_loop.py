# SPDX-License-Identifier: Apache-2.0
"""asyncio's loop, made before a fork: what no two processes may share is opened after it."""
import asyncio
import select
import selectors
import threading


class Loop(asyncio.SelectorEventLoop):
    def __init__(self):
        self._opening = threading.Lock()
        super().__init__(selectors.EpollSelector())

    def close_epoll(self):
        self._selector._selector.close()

    def open_epoll(self):
        epoll = self._selector._selector = select.epoll()
        for fd in self._selector._fd_to_key:
            epoll.register(fd, select.EPOLLIN)

    def _make_self_pipe(self):
        """Other threads and signals wake the loop with it, which is rare: it is made when first used."""

    def __getattr__(self, name):
        if name not in ("_ssock", "_csock"):
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        with self._opening:
            if name not in vars(self):
                super()._make_self_pipe()
        return vars(self)[name]
