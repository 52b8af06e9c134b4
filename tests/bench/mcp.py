# SPDX-License-Identifier: Apache-2.0
"""What the MCP client adds to a call of a tool: the same server is called by it and by a bare POST
from the same plugin (tests/mcp/mcp_driver.c), in turns.  And what /mcp does: calls a second of a tool that needs
no agent, and what a call of an agent takes longer than by /rest.
"""
import json
import socket
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


def message(tool, arguments, modern):
    """(the message of a call, the headers that 2026-07-28 wants with it)"""
    meta = {"io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {}}
    params = {"name": tool, "arguments": arguments, **({"_meta": meta} if modern else {})}
    headers = ["MCP-Protocol-Version: 2026-07-28", "Mcp-Method: tools/call", f"Mcp-Name: {tool}"] if modern else []
    return {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}, headers


def ask_raw(sock, path, body):
    """The microseconds of a POST on a bare socket."""
    text = json.dumps(body)
    request = (f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
               f"Content-Length: {len(text)}\r\n\r\n{text}").encode()  # fmt: skip
    began = time.perf_counter()
    sock.sendall(request)
    reply = sock.recv(65536)
    assert reply.startswith(b"HTTP/1.1 200"), reply
    return 1e6 * (time.perf_counter() - began)


def in_turns(port, ours, baseline, count=300, pause_s=0.02):
    """The microseconds that ours takes longer than the baseline, the median of calls in turn, each when nothing else is
    asked for: what the machine does meanwhile is the same for both."""
    added = []
    with socket.create_connection(("127.0.0.1", port)) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for _ in range(count):
            took = []
            for path, body in (ours, baseline):
                time.sleep(pause_s)
                took.append(ask_raw(sock, path, body))
            added.append(took[0] - took[1])
    return statistics.median(added)


def bench_server(run):
    with run.Server() as server:
        server.deploy_echo()
        time.sleep(1)
        for era, modern in (("2026-07-28", True), ("2025-11-25", False)):
            body, headers = message("search_agents", {"query": "echo"}, modern)
            rates, p50s = zip(*[run.wrk(server.url + "/mcp", 16, "POST", body, headers=headers)[:2]
                                for _ in range(run.OPTIONS.rounds)])  # fmt: skip
            rate, p50 = statistics.median(rates), statistics.median(p50s)
            run.show(f"mcp-server {era}: calls/s", f"{rate:.0f}, p50 {p50:.2f} ms", "5000", rate >= 5000)
        body, _ = message("echo", {"inputText": "x"}, False)
        added = in_turns(server.port, ("/mcp", body), ("/rest/echo", {"inputText": "x"}))
        run.show("mcp-server: p50 added to /rest", f"{added:.0f} us", "100 us", added <= 100)


def bench(run):
    bench_server(run)
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
