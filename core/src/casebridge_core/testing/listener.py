"""A listener for the vendor's webhooks, on a loopback port."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final, TypeVar

SECRET: Final = "kit-webhook-secret-7d1f"  # noqa: S105 - opens nothing but this listener

ResultT = TypeVar("ResultT")


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """A webhook as it came in; header names are in lower case."""

    headers: dict[str, str]
    body: bytes


class WebhookListener:
    """What came in so far, and a way to wait for more."""

    def __init__(self, url: str) -> None:
        """Begin with nothing; ``url`` is where webhooks are to be sent."""
        self.url = url
        self.received: list[Webhook] = []
        self._news = threading.Condition()

    def take(self, webhook: Webhook) -> None:
        """Keep a webhook and tell those who wait."""
        with self._news:
            self.received.append(webhook)
            self._news.notify_all()

    def wait_for(self, look: Callable[[Webhook], ResultT | None], seconds: float) -> ResultT | None:
        """Return the first thing that ``look`` finds, or None when the time is up."""
        until = time.monotonic() + seconds
        seen = 0
        with self._news:
            while True:
                for webhook in self.received[seen:]:
                    seen += 1
                    if (found := look(webhook)) is not None:
                        return found
                left = until - time.monotonic()
                if left <= 0 or not self._news.wait(left):
                    return None


@contextlib.contextmanager
def listening() -> Generator[WebhookListener]:
    """Listen for webhooks on a free loopback port, and answer each with 200."""
    listener = WebhookListener("")

    class Handler(BaseHTTPRequestHandler):
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            listener.take(Webhook(headers=headers, body=body))
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the overridden name
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = False
    listener.url = f"http://127.0.0.1:{server.server_port}/v1/inbox/itsm/kit-token"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield listener
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
