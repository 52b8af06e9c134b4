# SPDX-License-Identifier: Apache-2.0
"""What the server adds to a call of a model: the same requests go to an upstream without delay
(upstream.c) and to the server, which calls that upstream with budget, ledger and metrics on.  The
two take turns, and what is printed are differences and ratios of neighbours.  A relay of the same
libraries that does nothing else (bare_ulfius.c) tells what of it is the machine's and theirs.
"""
import json
import pathlib
import re
import statistics
import subprocess
import time

PATH = "/v1/chat/completions"
QUESTION = {"model": "openai/gpt-4o-mini", "messages": [{"role": "user", "content": "What is an anvil?"}]}
STREAM = {**QUESTION, "stream": True, "stream_options": {"include_usage": True}}
STREAMS = 1000
STACK_KIB = 128  # of a connection's thread


class Upstream:
    """bench_upstream: `pieces` of text in each stream, `pause_ms` between them."""

    def __init__(self, run, pieces, pause_ms=0):
        self.port = run.free_port()
        self.process = subprocess.Popen([run.OPTIONS.build / "tests/bench/bench_upstream", str(self.port), str(pieces),
                                         str(pause_ms)], stdin=subprocess.PIPE)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait()


class Gateway:
    """A server whose model is the upstream, and a user whose calls are paid from an allowance."""

    def __init__(self, run, upstream, *sets):
        self.server = run.Server("plugins.openai.api_style=chat", "plugins.openai-api.enabled=true", *sets,
                                 f"limits.streams={2 * STREAMS}", f"limits.connections_per_ip={4 * STREAMS}",
                                 "log.level=warn",
                                 env={"OPENAI_BASE_URL": f"http://127.0.0.1:{upstream.port}/v1", "OPENAI_API_KEY": "sk-bench"})

    def __enter__(self):
        self.server.__enter__()
        self.port, self.pid = self.server.port, self.server.process.pid
        return self

    def __exit__(self, *_):
        self.server.__exit__()

    def smaps(self, name):
        """KiB."""
        text = pathlib.Path(f"/proc/{self.pid}/smaps_rollup").read_text()
        return int(re.search(rf"^{name}:\s+(\d+)", text, re.M).group(1))

    def stacks(self):
        """KiB of memory that belong to threads' stacks: what is resident of mappings of their size."""
        total, stack = 0, False
        for line in pathlib.Path(f"/proc/{self.pid}/smaps").read_text().splitlines():
            mapping = re.match(r"([0-9a-f]+)-([0-9a-f]+) rw", line)
            if re.match(r"[0-9a-f]+-[0-9a-f]+ ", line):
                size = mapping and (int(mapping[2], 16) - int(mapping[1], 16)) // 1024
                stack = size == STACK_KIB and line.rstrip().endswith(" 0")
            elif stack and line.startswith("Rss:"):
                total += int(line.split()[1])
        return total


def load(run, port, body, clients=1, count=0, seconds=0.0):
    """What bench_load prints; ends the run if a reply is lost."""
    text = subprocess.run([run.OPTIONS.build / "tests/bench/bench_load", str(port), PATH, str(clients), str(count), str(seconds)],
                          input=json.dumps(body), capture_output=True, text=True, check=True)
    found = json.loads(text.stdout)
    if found["lost"]:
        raise SystemExit(f"{found['lost']} of {found['count']} calls were lost:\n{text.stderr}")
    return found


def turns(run, servers, body, **how):
    """What load() found of each server in turn, after a warm-up that is not counted."""
    for server in servers:
        load(run, server.port, body, clients=how.get("clients", 1), count=500)
    return [[load(run, server.port, body, **how) for server in servers] for _ in range(max(5, run.OPTIONS.rounds))]


def added(rounds, key, server=1):
    """More than the first, to which the calls go directly."""
    return statistics.median(found[server][key] - found[0][key] for found in rounds)


def median(rounds, key, server):
    return statistics.median(found[server][key] for found in rounds)


def cpu_us(run, server):
    """Of a processor, by a call: clock_getcpuclockid(3)."""
    clock = (~server.pid << 3) | 2
    before = time.clock_gettime(clock)
    count = sum(load(run, server.port, QUESTION, count=5000)["count"] for _ in range(2))
    return (time.clock_gettime(clock) - before) / count * 1e6


def calls(run, pieces):
    """One client: what a call takes longer, and what it costs."""
    with Upstream(run, pieces) as upstream, Gateway(run, upstream) as gateway, run.BareUlfius(upstream.port) as bare:
        rounds = turns(run, (upstream, gateway, bare), QUESTION, count=2000)
        p50, p99 = added(rounds, "p50"), added(rounds, "p99")
        name = f"call, {pieces} piece{'s' if pieces > 1 else ''}"
        run.show(name, f"added p50 {p50:.0f} us, p99 {p99:.0f} us  bare relay {added(rounds, 'p50', 2):.0f} and "
                 f"{added(rounds, 'p99', 2):.0f} us  direct p50 {median(rounds, 'p50', 0):.0f} us", "80 and 150 us",
                 p50 <= 80 and p99 <= 150)
        cpu, least = cpu_us(run, gateway), cpu_us(run, bare)
        run.show(name, f"{cpu:.0f} us of a processor  bare relay {least:.0f} us  ratio {cpu / least:.1f}", "65 us", cpu <= 65)


def rate(run):
    with Upstream(run, 1) as upstream, Gateway(run, upstream) as gateway, run.BareUlfius(upstream.port) as bare:
        rounds = turns(run, (upstream, gateway, bare), QUESTION, clients=64, seconds=run.OPTIONS.seconds)
        direct, ours, least = (median(rounds, "rate", server) for server in range(3))
        run.show("calls, 64 clients", f"{ours:9.0f}/s  bare relay {least:9.0f}/s  ratio {ours / least:.2f}  direct {direct:.0f}/s")


def first_token(run):
    with Upstream(run, 20) as upstream, Gateway(run, upstream) as gateway:
        rounds = turns(run, (upstream, gateway), STREAM, count=1000)
        run.show("stream, to the first token", f"added p50 {added(rounds, 'first_p50'):.0f} us, "
                 f"p99 {added(rounds, 'first_p99'):.0f} us, each on a new connection")
        run.show("stream, to its end", f"added p50 {added(rounds, 'p50'):.0f} us for 20 pieces")


def streams(run):
    """1,000 at once, ten seconds long: 100 pieces, 100 ms apart.  What the first few need once and for all (caches,
    the allocator's arenas) is there before."""
    with Upstream(run, 100, 100) as upstream, Gateway(run, upstream) as gateway:
        load(run, gateway.port, STREAM, clients=32, count=32)
        before = {name: gateway.smaps(name) for name in ("Rss", "Pss")}
        stacks = gateway.stacks()
        command = [run.OPTIONS.build / "tests/bench/bench_load", str(gateway.port), PATH, str(STREAMS), str(STREAMS), "0"]
        clients = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        clients.stdin.write(json.dumps(STREAM))
        clients.stdin.close()
        time.sleep(6)
        after = {name: gateway.smaps(name) for name in ("Rss", "Pss")}
        stacks = gateway.stacks() - stacks
        found = json.loads(clients.stdout.read())
        clients.wait()
        grown = {name: (after[name] - before[name] - stacks) / STREAMS for name in before}
        whole = found["lost"] == 0 and found["count"] == STREAMS
        run.show("1,000 streams", f"{found['count'] - found['lost']} whole, {found['pieces']} pieces, longest gap "
                 f"{found['longest_gap'] / 1000:.0f} ms of 100", "none lost or stalled", whole and found["longest_gap"] < 2e6)
        run.show("memory of a stream", f"{grown['Rss']:.1f} KiB RSS, {grown['Pss']:.1f} KiB PSS beside "
                 f"{stacks / STREAMS:.0f} KiB of stack", "32 KiB", grown["Rss"] <= 32)


def settled(gateway):
    """KiB, the least in two times limits.trim_ms: neither what is being written to disk nor what is free is growth."""
    samples = []
    for _ in range(8):
        time.sleep(0.25)
        samples.append(gateway.smaps("Rss"))
    return min(samples)


def soak(run, seconds):
    """Growth from the second quarter to the last: in the first, pools, caches and what waits for the ledger's disk
    reach their size.  It is judged only where it is long enough to tell."""
    with Upstream(run, 5) as upstream, Gateway(run, upstream, "limits.trim_ms=1000") as gateway:
        sizes, count = [], 0
        for _ in range(16):
            count += sum(load(run, gateway.port, body, clients=16, seconds=seconds / 32)["count"] for body in (QUESTION, STREAM))
            sizes.append(settled(gateway))
        grown = (statistics.median(sizes[12:]) - statistics.median(sizes[4:8])) / 1024
        run.show(f"soak, {seconds:.0f} s", f"{grown:+.2f} MiB to {sizes[-1] / 1024:.1f} after {count} calls",
                 "below 1 MiB" if seconds >= 600 else None, grown < 1)


def bench(run):
    calls(run, 1)
    calls(run, 20)
    rate(run)
    first_token(run)
    streams(run)
    soak(run, 600 if run.OPTIONS.full else run.OPTIONS.soak)
