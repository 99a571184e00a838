"""Secrets in the inbox's URLs: taken out before a router, a log or a trace can see them."""

from __future__ import annotations

import re
from typing import Final

from litestar.types import ASGIApp, Receive, Scope, Send

from casebridge.services.tokens import INBOX_PATH

MASK: Final = "********"
_KEY: Final = "inbox_secret"
_AFTER_INBOX: Final = re.compile(
    INBOX_PATH.replace("/", "/+") + r"/+(?P<token>tok_[a-z0-9]+/+)?(?P<rest>.+)", re.DOTALL
)
_TOKEN: Final = re.compile(r"tok_[a-z0-9]+/*")


class UrlSecrets:
    """The outermost layer of the application: what follows the token id in a path is masked.

    So is whatever stands in the place of a token id and is none, since people paste secrets there.
    The scope itself is changed, because a server writes its access log from it.
    """

    def __init__(self, app: ASGIApp) -> None:
        """Wrap an application."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on with its secret beside the path instead of in it."""
        found = _AFTER_INBOX.search(scope["path"])
        if found is not None and (found["token"] or not _TOKEN.fullmatch(found["rest"])):
            scope["path"] = scope["path"][: found.start("rest")] + MASK
            scope["raw_path"] = scope["path"].encode()
            scope["state"][_KEY] = found["rest"]
        await self._app(scope, receive, send)


def token_id_of(text: str) -> str:
    """Return a token id as it came, or the mask when it is none: it may be a secret gone astray."""
    return text if _TOKEN.fullmatch(text) else MASK


def url_secret(scope: Scope) -> str:
    """Return the secret that came in the URL of a request, or an empty text."""
    secret: str = scope["state"].get(_KEY, "")
    return secret


def without(secret: str, text: str) -> str:
    """Return a text (a header that a proxy made of the URL) with the secret masked."""
    return text.replace(secret, MASK)
