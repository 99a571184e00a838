"""Credentials that a vendor sends back in its complaint, taken out before anybody quotes it."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from http.cookies import CookieError, SimpleCookie
from typing import Final

import httpx

_BEARING: Final = re.compile(r"auth|cookie|token|key|secret|password|session", re.IGNORECASE)
_SHORTEST: Final = 4
"""Shorter texts are left alone: they would be found in any sentence."""
_IN_PLACE: Final = b"[credential]"


def without_echoes(response: httpx.Response) -> httpx.Response:
    """Return a response that was read, without the credentials of its own request in the body."""
    content = response.content
    for secret in _credentials(response.request):
        for form in {secret, json.dumps(secret)[1:-1]}:
            if len(form) >= _SHORTEST:
                content = content.replace(form.encode(), _IN_PLACE)
    if content == response.content:
        return response
    headers = httpx.Headers(response.headers)
    for name in ("content-encoding", "content-length", "transfer-encoding"):
        headers.pop(name, None)
    return httpx.Response(
        response.status_code, headers=headers, content=content, request=response.request
    )


def _credentials(request: httpx.Request) -> Iterator[str]:
    """Yield the credentials in a request's headers, the longest form of each first."""
    for name, value in request.headers.items():
        if not _BEARING.search(name):
            continue
        yield value
        scheme, _, rest = value.partition(" ")
        if rest:
            yield rest.strip()
        if scheme.lower() == "basic":
            yield from _passwords(rest)
        if name == "cookie":
            yield from _cookies(value)


def _passwords(encoded: str) -> Iterator[str]:
    try:
        pair = base64.b64decode(encoded).decode()
    except ValueError:
        return
    yield pair
    yield pair.partition(":")[2]


def _cookies(value: str) -> Iterator[str]:
    try:
        jar: SimpleCookie = SimpleCookie(value)
    except CookieError:
        return
    for morsel in jar.values():
        yield morsel.value
