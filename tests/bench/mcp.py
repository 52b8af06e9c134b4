# SPDX-License-Identifier: Apache-2.0
"""What the MCP client adds to a call of a tool: the same server is called by it and by a bare POST
from the same plugin (tests/mcp/mcp_driver.c), in turns.
"""
import statistics
import threading
import time

from gateway import Upstream

TIMES, CLIENTS = 2000, 4


def ask(run, server, upstream, times, direct):
    """The microseconds of each call."""
    body = {"url": f"http://127.0.0.1:{upstream.port}/mcp", "times": times, "direct": direct}
    return run.call(server.url + "/mcp-driver/bench", "POST", body)["us"]


def rate(run, server, upstream, direct):
    """Calls a second of several at once."""
    threads = [threading.Thread(target=ask, args=(run, server, upstream, TIMES, direct)) for _ in range(CLIENTS)]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return CLIENTS * TIMES / (time.monotonic() - began)


def bench(run):
    driver = run.OPTIONS.build / "tests" / "mcp" / "mcp_driver.so"
    with Upstream(run, 1) as upstream, run.Server("plugins.mcp.enabled=true", f"plugins.mcp-driver.plugin={driver}") as server:
        ask(run, server, upstream, 200, False)
        rounds = [[statistics.median(ask(run, server, upstream, TIMES, direct)) for direct in (False, True)]
                  for _ in range(run.OPTIONS.rounds)]  # fmt: skip
        added = statistics.median(ours - bare for ours, bare in rounds)
        run.show("mcp: p50 of a tool's call", f"{statistics.median(ours for ours, _ in rounds):.0f} us")
        run.show("mcp: p50 added to a bare POST", f"{added:.0f} us", "100 us", added <= 100)
        rates = [rate(run, server, upstream, False) for _ in range(run.OPTIONS.rounds)]
        run.show("mcp: calls a second", f"{statistics.median(rates):.0f}", "5000", statistics.median(rates) >= 5000)
