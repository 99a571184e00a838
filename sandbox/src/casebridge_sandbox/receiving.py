"""A receiver of webhooks for tests: it keeps what comes in and answers what it is told to."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import msgspec
from typing_extensions import override

__all__ = ("ReceivedWebhook", "WebhookReceiver", "receiving")


class ReceivedWebhook(msgspec.Struct, frozen=True, kw_only=True):
    """A webhook as it came in.

    Attributes:
        path: The path it was posted to, with its query.
        headers: Its headers, names in lower case.
        raw: Its body, as the signature covers it.
    """

    path: str
    headers: dict[str, str]
    raw: bytes

    @property
    def body(self) -> Any:  # noqa: ANN401 - a vendor's JSON, which the test knows
        """The body as JSON."""
        return msgspec.json.decode(self.raw)


class WebhookReceiver:
    """What a receiver got, and what it answers.

    Attributes:
        url: Its address, without a path.
        received: What came in, oldest first.
        answers: The status codes of the next answers; 200 when there are none left.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.received: list[ReceivedWebhook] = []
        self.answers: deque[int] = deque()

    @property
    def bodies(self) -> list[Any]:
        """The bodies as JSON, oldest first."""
        return [each.body for each in self.received]


@contextmanager
def receiving() -> Iterator[WebhookReceiver]:
    """Listen for webhooks on a free loopback port.

    Yields:
        The receiver.

    Example:
        >>> from casebridge_sandbox import JiraSandbox, running
        >>> with receiving() as receiver, running(JiraSandbox()) as vendor:
        ...     _ = vendor.control.send_webhooks_to(receiver.url, secret="s3cret")
        ...     _ = vendor.control.create_ticket("Phishing mail")
        ...     vendor.control.wait_until_idle()
        ...     receiver.bodies[0]["webhookEvent"]
        'jira:issue_created'
    """
    server = _Server(("127.0.0.1", 0), _Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server.receiver
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = False

    @override
    def server_activate(self) -> None:
        self.receiver = WebhookReceiver(f"http://127.0.0.1:{self.server_port}")
        super().server_activate()


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        """Keep a webhook and answer it."""
        receiver = self.server.receiver
        receiver.received.append(
            ReceivedWebhook(
                path=self.path,
                headers={name.lower(): value for name, value in self.headers.items()},
                raw=self.rfile.read(int(self.headers["content-length"])),
            )
        )
        self.send_response(receiver.answers.popleft() if receiver.answers else 200)
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    @override
    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""
