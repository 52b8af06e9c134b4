#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Agents without HTTP: a trivial run through the plugin, against a cold interpreter with the
same imports and against the same zygote with no layer of isolation, in turns."""

import pathlib
import statistics
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "sandbox"))
from driver import Driver, body, unprotected  # noqa: E402

CODE = body("return {'ok': True}")
COLD = ["/usr/bin/python3", "-I", "-c",
        "import asyncio, httpx, json, re\nasync def run(i, t):\n    return {'ok': True}\nprint(json.dumps(asyncio.run(run({}, {}))))"]
ROUNDS, RUNS, IDLE_RUNS, COLD_RUNS = 5, 300, 30, 6


def rate(driver, parallel):
    answer = driver.send("bench", code=CODE, count=RUNS, parallel=parallel)(120)
    assert all(isinstance(one, int) for one in answer["us"]), answer["us"]
    return RUNS / answer["total_us"] * 1e6


def idle_latency(driver):
    """Of a run that finds the pool full and rested."""
    took = []
    for _ in range(IDLE_RUNS):
        time.sleep(0.06)
        answer = driver.run(CODE)
        assert answer["outcome"]["error"] is None, answer
        took.append(answer["us"])
    return took


def cold():
    began = time.monotonic()
    subprocess.run(COLD, check=True, capture_output=True)
    return time.monotonic() - began


def cold_rate():
    began = time.monotonic()
    for _ in range(COLD_RUNS // 2):
        pair = [subprocess.Popen(COLD, stdout=subprocess.DEVNULL) for _ in range(2)]
        assert [one.wait() for one in pair] == [0, 0]
    return COLD_RUNS / (time.monotonic() - began)


def main():
    rates = {"isolated": [], "unprotected": [], "cold": []}
    latency = {"isolated": [], "unprotected": [], "cold": []}
    with Driver() as isolated, unprotected() as bare:
        drivers = {"isolated": isolated, "unprotected": bare}
        for driver in drivers.values():
            driver.run(CODE)
        for _ in range(ROUNDS):
            for name, driver in drivers.items():
                latency[name] += idle_latency(driver)
                rates[name].append(rate(driver, 2))
            latency["cold"] += [cold() * 1e6 for _ in range(2)]
            rates["cold"].append(cold_rate())
    for name, took in latency.items():
        took.sort()
        print(f"{name:12} p50 {statistics.median(took) / 1000:8.2f} ms   p90 {took[int(len(took) * 0.9)] / 1000:8.2f} ms"
              f"   {statistics.median(rates[name]):7.1f} runs/s")  # fmt: skip
    middle = {name: statistics.median(values) for name, values in rates.items()}
    print(f"isolated against cold: {middle['isolated'] / middle['cold']:.1f} times the rate (goal 20)")
    print(f"isolated against unprotected: {middle['isolated'] / middle['unprotected']:.2f} of the rate (goal 0.85)")


if __name__ == "__main__":
    main()
