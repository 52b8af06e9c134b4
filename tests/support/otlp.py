# SPDX-License-Identifier: Apache-2.0
"""What came to a collector, read by OpenTelemetry's own protocol definitions."""

import base64
import pathlib
import re
import subprocess
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
IDS = {"traceId": 32, "spanId": 16, "parentSpanId": 16}
NUMBERS = ["kind", "code", "aggregationTemporality"]
KINDS = {1: "internal", 2: "server", 3: "client"}


def definitions():
    """(ExportTraceServiceRequest, ExportMetricsServiceRequest, json_format), as their makers publish them."""
    folder = HERE.parents[1] / "build" / "pip"
    done = subprocess.run([HERE / "pip.sh", folder, "opentelemetry"], capture_output=True, text=True)
    if done.returncode != 0:
        pytest.skip(f"pip cannot install opentelemetry-proto: {done.stderr.strip()[-200:]}")
    (packages,) = (folder / "opentelemetry").glob("lib/python3*/site-packages")
    sys.path.insert(0, str(packages))
    try:
        from google.protobuf import json_format
        from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2
        from opentelemetry.proto.collector.trace.v1 import trace_service_pb2
    finally:
        sys.path.remove(str(packages))
    return trace_service_pb2.ExportTraceServiceRequest, metrics_service_pb2.ExportMetricsServiceRequest, json_format


def in_protobuf_form(value):
    """The JSON of OTLP has hexadecimal ids and numbers of enumerations; that of protobuf has base64."""
    if isinstance(value, list):
        return [in_protobuf_form(one) for one in value]
    if not isinstance(value, dict):
        return value
    changed = {}
    for name, member in value.items():
        if name in IDS:
            assert re.fullmatch("[0-9a-f]{%d}" % IDS[name], member), (name, member)
            member = base64.b64encode(bytes.fromhex(member)).decode()
        if name in NUMBERS:
            assert type(member) is int, (name, member)
        if name.endswith("UnixNano"):
            assert re.fullmatch("[0-9]{19}", member), (name, member)
        changed[name] = in_protobuf_form(member)
    return changed


def plain(value):
    kind = value.WhichOneof("value")
    return [plain(one) for one in value.array_value.values] if kind == "array_value" else getattr(value, kind)


def attributes(message):
    return {one.key: plain(one.value) for one in message.attributes}


class Span:
    def __init__(self, span, resource):
        self.trace, self.id, self.parent = span.trace_id.hex(), span.span_id.hex(), span.parent_span_id.hex()
        self.name, self.kind, self.attributes = span.name, KINDS[span.kind], attributes(span)
        self.failed = span.status.code == 2
        self.resource = attributes(resource)
        assert span.start_time_unix_nano <= span.end_time_unix_nano

    def __repr__(self):
        return f"<{self.kind} {self.name!r} {self.id} in {self.parent or None} {self.attributes}>"


class Collector:
    """Reads what a Vendor that stands in for one was sent."""

    def __init__(self, vendor):
        self.vendor = vendor
        self.traces, self.metrics, self.json_format = definitions()

    def read(self, request, form):
        assert request.method == "POST" and request.headers["content-type"] == "application/json"
        return self.json_format.ParseDict(in_protobuf_form(request.json), form())

    def spans(self):
        return [Span(span, resource.resource)
                for request in self.vendor.asked("/v1/traces")
                for resource in self.read(request, self.traces).resource_spans
                for scope in resource.scope_spans
                for span in scope.spans]  # fmt: skip

    def last_metrics(self):
        """{name: metric} of the last request."""
        requests = self.vendor.asked("/v1/metrics")
        return {metric.name: metric
                for resource in (self.read(requests[-1], self.metrics).resource_metrics if requests else [])
                for scope in resource.scope_metrics
                for metric in scope.metrics}  # fmt: skip
