"""Spans: sent to a collector that speaks OTLP, about every part of the way, without a secret."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from casebridge.telemetry.traces import Tracing, span
from tests.integration.desk import open_desk


class Collector:
    """An OTLP collector on a loopback port, and what it was sent."""

    def __init__(self) -> None:
        self.spans: list[Span] = []
        self.raw = b""
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                collector.take(body)
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def take(self, body: bytes) -> None:
        self.raw += body
        request = ExportTraceServiceRequest.FromString(body)
        for resource in request.resource_spans:
            for scope in resource.scope_spans:
                self.spans += scope.spans

    @contextmanager
    def listening(self) -> Iterator[None]:
        thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield
        finally:
            self._server.shutdown()
            thread.join()
            self._server.server_close()

    def named(self, name: str) -> Span:
        [found] = [each for each in self.spans if each.name == name]
        return found


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    collector = Collector()
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
    with collector.listening():
        yield collector


def test_without_the_setting_there_is_nothing(collector: Collector, tmp_path: Path) -> None:
    with open_desk(tmp_path) as desk:
        desk.admin.create_case()
        with span("work", case="cas_1"):
            pass

    assert collector.spans == []


def test_a_webhook_is_seen_from_its_request_to_its_commit(
    collector: Collector, tmp_path: Path
) -> None:
    with open_desk(tmp_path, traces="otlp") as desk:
        desk.admin.add_connector()
        case, token = desk.admin.create_case(), desk.admin.mint_token()
        desk.link(case)
        event = {"external_id": case["tickets"][0]["id"], "status": {"name": "Resolved"}}
        assert desk.admin.deliver(token, {"acme": event}).json()["applied"] is True

    inbox = collector.named("POST /v1/inbox/itsm/{token_id}")
    [commit] = [
        each
        for each in collector.spans
        if each.name == "transaction" and each.trace_id == inbox.trace_id
    ]
    assert commit.parent_span_id == inbox.span_id
    for secret in (desk.admin.key or "", token["secret"]):
        assert secret.encode() not in collector.raw


def test_a_failure_is_named_and_not_quoted(collector: Collector) -> None:
    with Tracing(), pytest.raises(ValueError, match="hush"), span("work", vendor="acme"):
        raise ValueError("hush")

    told = {each.key: each.value.string_value for each in collector.named("work").attributes}
    assert told == {"casebridge.vendor": "acme", "error.type": "ValueError"}
    assert b"hush" not in collector.raw
