# SPDX-License-Identifier: Apache-2.0
"""Agents: what a run takes, over HTTP and without, against a cold interpreter, a plain warm process and the same zygote
with no layer of isolation; what each layer, each kind of call and each process costs.
"""
import json
import pathlib
import statistics
import subprocess
import sys
import time

from driver import LAYERS, WEAKENED, Driver, body, descendants

CODE = body("return {'ok': True}")
COLD = ["/usr/bin/python3", "-I", "-c",
        "import asyncio, httpx, json, re\nasync def run(i, t):\n    return {'ok': True}\nprint(json.dumps(asyncio.run(run({}, {}))))"]
WARM = ("import asyncio, httpx, json, sys\nfor line in sys.stdin:\n    scope = {}\n    exec(json.loads(line), scope)\n"
        "    print(json.dumps(asyncio.run(scope['run']({}, {}))), flush=True)\n")
RUNS, IDLE_RUNS, LIVE = 300, 30, 200
WAITS = body("await asyncio.sleep(600)")
ECHO = {"e": {"name": "echo", "code": body("return input_dict"), "tools": {}, "imports": []}}
TIMED = """
import time
{call}
began = time.perf_counter()
for n in range({count}):
    {call}
return (time.perf_counter() - began) / {count} * 1e6
"""


def rate(driver, runs=RUNS):
    answer = driver.send("bench", code=CODE, count=runs, parallel=2)(120)
    assert all(isinstance(one, int) for one in answer["us"]), answer["us"]
    return runs / answer["total_us"] * 1e6


def idle_latency(driver):
    """The milliseconds of a run that finds the pool full and rested."""
    took = []
    for _ in range(IDLE_RUNS):
        time.sleep(0.06)
        answer = driver.run(CODE)
        assert answer["outcome"]["error"] is None, answer
        took.append(answer["us"] / 1000)
    return statistics.median(took)


def cold():
    began = time.monotonic()
    subprocess.run(COLD, check=True, capture_output=True)
    return (time.monotonic() - began) * 1000


def warm(process):
    """The milliseconds of the same code in a process that runs all of it: no isolation at all."""
    took = []
    for _ in range(IDLE_RUNS):
        began = time.monotonic()
        process.stdin.write(json.dumps(CODE) + "\n")
        process.stdin.flush()
        process.stdout.readline()
        took.append((time.monotonic() - began) * 1000)
    return statistics.median(took)


def bench_run(run):
    latency, rates = {}, {}
    with Driver() as ours, Driver(WEAKENED, without=LAYERS) as bare, \
            subprocess.Popen(["/usr/bin/python3", "-I", "-c", WARM], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as plain:  # fmt: skip
        for one in (ours, bare):
            one.run(CODE)
            rate(one)
        warm(plain)
        for _ in range(run.OPTIONS.rounds):
            for name, one in (("isolated", ours), ("no layers", bare)):
                latency.setdefault(name, []).append(idle_latency(one))
                rates.setdefault(name, []).append(rate(one))
            latency.setdefault("warm process", []).append(warm(plain))
            latency.setdefault("cold python3", []).append(cold())
        plain.stdin.close()
    middle = {name: statistics.median(took) for name, took in latency.items()}
    for name, took in middle.items():
        run.show(f"runtime: {name}", f"p50 {took:8.2f} ms, {took / middle['isolated']:.2f} times isolated")
    ratio = statistics.median(a / b for a, b in zip(rates["isolated"], rates["no layers"]))
    run.show("runtime: runs a second", f"{statistics.median(rates['isolated']):.0f}", "400", statistics.median(rates["isolated"]) >= 400)
    run.show("runtime: against no layers", f"{ratio:.2f}", "0.85", ratio >= 0.85)


def bench_layers(run):
    """Each layer left out alone, against all of them, in turns."""
    with Driver(WEAKENED) as whole:
        rate(whole)
        for layer in LAYERS:
            if layer == "no_new_privs":
                continue  # without it there is no Landlock, and no run
            with Driver(WEAKENED, without=[layer]) as without:
                rate(without)
                pairs = [(1e6 / rate(whole, RUNS // 2), 1e6 / rate(without, RUNS // 2)) for _ in range(run.OPTIONS.rounds)]
            cost = statistics.median(a - b for a, b in pairs)
            run.show(f"runtime: {layer}", f"{cost:+6.0f} us of {statistics.median(a for a, _ in pairs):.0f} us a run")


def bench_calls(run):
    calls = [("data_store.get", "data_store.get('k')", 300), ("data_store.set", "data_store.set('k', n if 'n' in dir() else 0)", 300),
             ("http_client.get", "await http_client.get('http://public.test/echo')", 200),
             ("a nested agent", "await gofannon_client.call('echo', {})", 40)]  # fmt: skip
    with Driver(with_plugin=["storage-memory", "data-store"], settings={"http_calls": 10000, "nested_runs": 1000}) as driver:
        for name, call, count in calls:
            text = body(TIMED.format(call=call, count=count))
            took = []
            for _ in range(run.OPTIONS.rounds):
                answer = driver.run(text, imports=["e"], agents=ECHO)
                assert answer["outcome"]["error"] is None, answer["outcome"]
                took.append(answer["outcome"]["result"])
            run.show(f"runtime: {name}", f"{statistics.median(took):.0f} us")


def memory(pid):
    """Private, proportional and resident MiB."""
    text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
    kb = {line.split(":")[0]: int(line.split()[1]) for line in text.splitlines()[1:]}
    return (kb["Private_Clean"] + kb["Private_Dirty"]) / 1024, kb["Pss"] / 1024, kb["Rss"] / 1024


def of_many(pids):
    found = [memory(pid) for pid in pids]
    return [statistics.median(one[n] for one in found) for n in range(3)], sum(one[1] for one in found)


def bench_memory(run):
    settings = {"running": LIVE, "running_per_user": LIVE, "processes": LIVE + 20, "pool_min": 16, "start_ms": 120000}
    with Driver(settings=settings) as driver:
        driver.run(CODE)
        while driver.status()["status"]["idle"] < 16:
            time.sleep(0.05)
        time.sleep(1)
        zygote = descendants(descendants(driver.process.pid)[0])[0]
        idle = descendants(zygote)
        (private, _, resident), _ = of_many(idle)
        run.show("runtime: an idle child", f"{private:.1f} MiB private, {resident - private:.1f} MiB shared", "8 MiB private", private <= 8)
        private, _, resident = memory(zygote)
        run.show("runtime: the zygote", f"{private:.1f} MiB private, {resident:.1f} MiB resident")
        for _ in range(LIVE):
            driver.start_run(WAITS)
        while driver.status()["status"]["running"] < LIVE:
            time.sleep(0.1)
        time.sleep(2)
        (private, _, _), total = of_many(descendants(zygote))
        run.show(f"runtime: {LIVE} live runs", f"{total:.0f} MiB together, {private:.1f} MiB private each")
        driver.kill()
        driver.process.returncode = 0


def bench(run):
    bench_run(run)
    bench_calls(run)
    bench_layers(run)
    if pathlib.Path("/proc/self/smaps_rollup").exists():
        bench_memory(run)
    else:
        print("no smaps_rollup: memory is not measured", file=sys.stderr)
