# SPDX-License-Identifier: Apache-2.0
"""Traces and metrics go to an OpenTelemetry collector, and traces on to other servers."""

import re
import subprocess

import pytest
from agents import make_agent
from otlp import Collector
from support import EINION, wait_until
from vendor import RESET, STALL, Vendor, raw, whole
from vendor_formats import ANTHROPIC, Said, anthropic

MODEL = "claude-sonnet-4-5-20250929"
ASK = f"await call_llm('anthropic', '{MODEL}', [{{'role': 'user', 'content': 'the prompt'}}], {{'max_tokens': 100}})"
FAST = ["plugins.otlp.enabled=true", "plugins.otlp.interval_ms=5", "plugins.otlp.metrics_interval_ms=100",
        "plugins.otlp.retry_base_ms=1", "plugins.otlp.quiet_ms=0"]  # fmt: skip
NO_AGENTS = ["plugins.runtime-python.enabled=false"]
LATE = "plugins.otlp.interval_ms=3600000"
TAKEN = whole({"partialSuccess": {}})


def parent(trace, flags="01"):
    """The header of a client that is within this trace."""
    return {"traceparent": f"00-{trace * 32}-00f067aa0ba902b7-{flags}"}


def code(line):
    return f"async def run(input_dict, tools):\n    return {line}"


@pytest.fixture(scope="module")
def the_vendor():
    with Vendor() as vendor:
        yield vendor.answer(ANTHROPIC, anthropic(Said("the answer", input=1000, output=100)))


@pytest.fixture(scope="module")
def collector():
    with Vendor() as vendor:
        yield Collector(vendor.answer("*", TAKEN))


@pytest.fixture(scope="module")
def server(the_vendor, collector, start_module):
    env = {"ANTHROPIC_API_KEY": "sk-ant-secret", "ANTHROPIC_BASE_URL": the_vendor.url,
           "OTEL_EXPORTER_OTLP_ENDPOINT": collector.vendor.url + "/", "OTEL_SERVICE_NAME": "smithy",
           "OTEL_EXPORTER_OTLP_HEADERS": "authorization=Bearer%20abc, x-tenant=b",
           "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment.name=a%2Cb,service.name=no"}  # fmt: skip
    sets = [*FAST, 'egress.traceparent=["127.0.0.1"]', 'plugins.otlp.resource={"host.name": "anvil"}']
    return start_module(env=env, sets=sets, ready=True)


def of_trace(collector, trace, root):
    """The spans of a trace, once its first one has come: all others have ended before it."""
    def found():
        spans = [span for span in collector.spans() if span.trace == trace * 32]
        return any(span.name.startswith(root) for span in spans) and spans

    return wait_until(found, 10, f"the span {root!r}")


def test_a_run_is_a_trace_from_the_client_to_the_vendor(server, the_vendor, collector):
    inner = make_agent(server, code(ASK), name="inner")
    outer = "(await gofannon_client.call('inner', {}), " + ASK + ")"
    reply = server.post("/agents/run-code", {"code": code(outer), "inputDict": {}, "tools": {}, "gofannonAgents": [inner["_id"]]},
                        headers=parent("a"))  # fmt: skip
    assert reply.status == 200 and reply.json["error"] is None, reply
    spans = of_trace(collector, "a", "POST /agents/run-code")
    by_id = {span.id: span for span in spans}
    chains = []
    for span in spans:
        if span.name == "POST":
            chains.append([span.name])
            while span.parent in by_id:
                span = by_id[span.parent]
                chains[-1].append(span.name)
    chat, run = f"chat {MODEL}", "invoke_agent sandbox_agent"
    assert sorted(chains) == sorted([["POST", chat, run, "POST /agents/run-code"],
                                     ["POST", chat, "invoke_agent inner", run, "POST /agents/run-code"]])  # fmt: skip
    (root,) = [span for span in spans if span.kind == "server"]
    assert root.parent == "00f067aa0ba902b7" and not root.failed
    assert root.attributes.items() >= {"http.request.method": "POST", "http.route": "/agents/run-code",
                                       "http.response.status_code": 200, "url.scheme": "http"}.items()  # fmt: skip
    asked = next(span for span in spans if span.name == chat)
    assert asked.kind == "client"
    assert asked.attributes.items() >= {
        "gen_ai.operation.name": "chat", "gen_ai.provider.name": "anthropic", "gen_ai.request.model": MODEL,
        "gen_ai.usage.input_tokens": 1000, "gen_ai.usage.output_tokens": 100, "server.address": "127.0.0.1",
        "server.port": the_vendor.port}.items()  # fmt: skip
    assert asked.attributes["gen_ai.response.finish_reasons"] == ["stop"] and asked.attributes["gen_ai.response.model"]
    agent = next(span for span in spans if span.name == "invoke_agent inner")
    assert agent.attributes["gen_ai.agent.id"] == inner["_id"]
    assert agent.attributes["einion.run_id"] == reply.header("X-Einion-Run-Id")
    # Each request to the vendor says which one it is.
    assert {request.headers["traceparent"] for request in the_vendor.requests[-2:]} == {
        f"00-{'a' * 32}-{span.id}-01" for span in spans if span.name == "POST"}  # fmt: skip
    assert spans[0].resource.items() >= {"service.name": "smithy", "deployment.environment.name": "a,b",
                                         "host.name": "anvil"}.items()  # fmt: skip
    assert spans[0].resource["service.version"] and spans[0].resource["service.instance.id"]
    request = collector.vendor.last
    assert (request.bearer, request.headers["x-tenant"]) == ("abc", "b")
    assert not any(words in request.body for request in collector.vendor.requests
                   for words in (b"the prompt", b"the answer", b"sk-ant-secret", b"Bearer"))  # fmt: skip


def test_what_goes_wrong_bears_its_type(server, the_vendor, collector):
    run = {"code": code("1 / 0"), "inputDict": {}, "tools": {}}
    assert "ZeroDivisionError" in server.post("/agents/run-code", run, headers=parent("b")).json["error"]
    spans = {span.name: span for span in of_trace(collector, "b", "POST /agents/run-code")}
    failed = spans["invoke_agent sandbox_agent"]
    assert failed.failed and failed.attributes["error.type"] == "ZeroDivisionError"
    assert not spans["POST /agents/run-code"].failed


def test_a_chat_is_answered_within_the_trace_that_has_asked(server, collector):
    body = {"messages": [{"role": "user", "content": "Hi"}], "provider": "anthropic", "model": MODEL}
    reply = server.post("/chat", body, headers=parent("c"))
    ticket = reply.json["ticket_id"]
    wait_until(lambda: server.get(f"/chat/{ticket}?wait=10").json["status"] == "completed", 10, "the answer")
    of_trace(collector, "c", "chat ")
    spans = {span.name: span for span in of_trace(collector, "c", "POST /chat")}
    assert spans[f"chat {MODEL}"].parent == spans["POST /chat"].id


def test_who_does_not_record_a_trace_is_told_of_it_all_the_same(server, the_vendor, collector):
    body = {"model": f"anthropic/{MODEL}", "messages": [{"role": "user", "content": "Hi"}]}
    assert server.post("/v1/chat/completions", body, headers=parent("d", "00")).status == 200
    assert re.fullmatch(f"00-{'d' * 32}-[0-9a-f]{{16}}-00", the_vendor.last.headers["traceparent"])
    assert server.post("/v1/chat/completions", body, headers=parent("e")).status == 200
    of_trace(collector, "e", "POST /v1/chat/completions")
    assert not [span for span in collector.spans() if span.trace == "d" * 32]
    # A trace begins here where a client sends none, or one that is out of order.
    assert server.post("/v1/chat/completions", body, headers={"traceparent": "00-nonsense"}).status == 200
    trace = the_vendor.last.headers["traceparent"].split("-")[1]
    (root,) = wait_until(lambda: [span for span in collector.spans() if span.trace == trace and span.kind == "server"],
                         10, "the trace")  # fmt: skip
    assert root.parent == ""


def test_metrics_are_those_that_prometheus_is_told(server, collector):
    body = {"model": f"anthropic/{MODEL}", "messages": [{"role": "user", "content": "Hi"}]}
    assert server.post("/v1/chat/completions", body).status == 200
    told = {line.split()[2]: line.split()[3] for line in server.get("/metrics").text.splitlines() if line.startswith("# TYPE")}
    ours = {"gen_ai_client_operation_duration_seconds": "gen_ai.client.operation.duration",
            "gen_ai_client_operation_time_to_first_chunk_seconds": "gen_ai.client.operation.time_to_first_chunk",
            "gen_ai_client_token_usage": "gen_ai.client.token.usage"}  # fmt: skip
    names = {ours.get(name, name) for name in told}
    metrics = wait_until(lambda: (got := collector.last_metrics()).keys() >= names and got, 10, "the metrics")
    kinds = {"counter": "sum", "gauge": "gauge", "histogram": "histogram"}
    for name, kind in told.items():
        metric = metrics[ours.get(name, name)]
        assert metric.WhichOneof("data") == kinds[kind], name
        points = getattr(metric, kinds[kind]).data_points
        assert all(0 < point.start_time_unix_nano < point.time_unix_nano for point in points)
        if kind == "counter":
            assert metric.sum.is_monotonic and metric.sum.aggregation_temporality == 2
        if kind == "histogram":
            assert metric.histogram.aggregation_temporality == 2
            assert all(sum(point.bucket_counts) == point.count and len(point.bucket_counts) == len(point.explicit_bounds) + 1
                       for point in points)  # fmt: skip
    tokens = metrics["gen_ai.client.token.usage"]
    keys = {one.key for point in tokens.histogram.data_points for one in point.attributes}
    assert keys == {"gen_ai.operation.name", "gen_ai.provider.name", "gen_ai.request.model", "gen_ai.token.type"}
    assert (tokens.unit, metrics["gen_ai.client.operation.duration"].unit) == ("{token}", "s")


# ---- a collector that is not well ---------------------------------------------------


def metric(server, name):
    for line in server.get("/metrics").text.splitlines():
        if line.startswith(name + " "):
            return float(line.split()[1])
    return 0


def spans_total(server, outcome):
    return metric(server, f'einion_otlp_spans_total{{outcome="{outcome}"}}')


def test_a_collector_asks_for_patience_refuses_takes_a_part_and_goes(start_server):
    with Vendor() as vendor:
        busy = [whole({}, status, {"Retry-After": "0"}) for status in (429, 502, 503, 504)]
        collector = Collector(vendor.answer("/v1/traces", raw(RESET), *busy, TAKEN))
        server = start_server(backend="memory", sets=[*FAST, *NO_AGENTS, f"plugins.otlp.endpoint={vendor.url}",
                                                      "plugins.otlp.metrics=false", "plugins.otlp.drain_ms=100"])  # fmt: skip
        wait_until(lambda: "accepts traces and metrics again" in server.log(), 10, "the log to say so")
        assert "The collector does not accept traces and metrics" in server.log()
        assert len({request.body for request in vendor.requests[:6]}) == 1 and spans_total(server, "failed") == 0
        server.get("/health", headers=parent("1"))
        of_trace(collector, "1", "GET /health")
        vendor.answer("/v1/traces", whole({"message": "no"}, 400))
        server.get("/health", headers=parent("2"))
        wait_until(lambda: spans_total(server, "failed") >= 1, 10, "the count of those that are lost")
        vendor.answer("/v1/traces", whole({"partialSuccess": {"rejectedSpans": "1", "errorMessage": "one is too old"}}))
        wait_until(lambda: server.get("/health") and "rejectedSpans: one is too old" in server.log(), 10, "the log to say so")
        bodies = [request.body for request in vendor.requests if b"2" * 32 in request.body]
        assert len(bodies) == 1  # what was refused is not sent again
        said = server.log().count("does not accept")
    server.get("/health")
    wait_until(lambda: server.log().count("does not accept") > said, 10, "the log to say so")
    assert server.stop() == 0


def test_a_collector_that_comes_and_goes_does_not_fill_the_log(start_server):
    with Vendor() as vendor:
        partial = whole({"partialSuccess": {"rejectedSpans": "1", "errorMessage": "too old"}})
        vendor.answer("/v1/traces", *[whole({}, 400), partial] * 20, TAKEN)
        server = start_server(backend="memory", sets=[*FAST, *NO_AGENTS, f"plugins.otlp.endpoint={vendor.url}",
                                                      "plugins.otlp.metrics=false", "plugins.otlp.quiet_ms=3600000"])  # fmt: skip
        wait_until(lambda: server.get("/health") and len(vendor.requests) > 40, 20, "the collector to be asked")
        assert server.log().count("The collector") == 2
        assert "does not accept traces and metrics" in server.log() and "rejected some of what was sent" in server.log()
        assert server.stop() == 0


def test_what_the_queue_cannot_hold_is_dropped_and_the_end_does_not_wait(start_server):
    with Vendor() as vendor:
        vendor.answer("/v1/traces", raw(STALL))
        sets = [*FAST, *NO_AGENTS, f"plugins.otlp.endpoint={vendor.url}", "plugins.otlp.metrics=false",
                "plugins.otlp.queue=3", "plugins.otlp.timeout_ms=500", "plugins.otlp.retry_ms=0", "plugins.otlp.drain_ms=200"]  # fmt: skip
        server = start_server(backend="memory", sets=sets)
        vendor.wait_asked(1)  # it is waiting for the answer
        wait_until(lambda: spans_total(server, "dropped") > 0, 10, "the count of those that are dropped")
        assert "spans were dropped: the queue of 3 was full" in server.log()
        assert server.stop() == 0


def test_what_is_left_is_sent_at_the_end(start_server):
    with Vendor() as vendor:
        collector = Collector(vendor.answer("*", TAKEN))
        server = start_server(backend="memory", sets=["plugins.otlp.enabled=true", *NO_AGENTS, "plugins.otlp.share=0", LATE,
                                                      f"plugins.otlp.endpoint={vendor.url}"])  # fmt: skip
        server.get("/agents", headers=parent("f"))
        server.get("/agents")
        server.get("/health", headers=parent("e"))  # where nobody is known, nobody decides
        assert not vendor.requests
        assert server.stop() == 0
        assert {span.trace for span in collector.spans()} == {"f" * 32}  # of its own share it records none
        assert "einion_http_requests_total" in collector.last_metrics()


@pytest.mark.parametrize("what, why", [
    ({"OTEL_EXPORTER_OTLP_ENDPOINT": "collector:4318"}, "is not a URL of http or https"),
    ({"OTEL_EXPORTER_OTLP_HEADERS": "secret-of-somebody"}, "with commas between them, percent-encoded"),
    ({"OTEL_RESOURCE_ATTRIBUTES": "a=%zz"}, "OTEL_RESOURCE_ATTRIBUTES is not a list"),
])  # fmt: skip
def test_an_environment_that_is_wrong_is_refused(what, why, tmp_path):
    done = subprocess.run([EINION, "--set", "plugins.otlp.enabled=true", "check"], capture_output=True, text=True,
                          env={"HOME": str(tmp_path)} | what)  # fmt: skip
    assert done.returncode != 0 and why in done.stderr and "somebody" not in done.stderr
