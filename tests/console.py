"""The console as a browser without scripts sees it."""

from __future__ import annotations

import re
from typing import Any, Self

import httpx

from tests.stage import DEADLINE_SECONDS, NO_TLS, Service


class Browser:
    """A browser with cookies and no scripts."""

    def __init__(self, service: Service) -> None:
        self.http = httpx.Client(
            base_url=service.url,
            trust_env=False,
            follow_redirects=True,
            timeout=DEADLINE_SECONDS,
            verify=NO_TLS,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    def open(self, path: str, **params: Any) -> httpx.Response:
        return self.http.get(path, params=params or None)

    def sign_in(self, key: str, *, to: str = "/") -> httpx.Response:
        return self.http.post("/sign-in", data={"key": key, "next": to})

    def submit(self, path: str, *, on: str, **fields: str) -> httpx.Response:
        """Send a form of a page, with the token that the page gave it."""
        found = re.search(r'name="csrf" value="([^"]+)"', self.open(on).text)
        token = found.group(1) if found else ""
        return self.http.post(path, data={"csrf": token, **fields})
