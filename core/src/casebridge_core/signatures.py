"""Signature schemes as declarations: where the MAC stands in a webhook and how it is written."""

from __future__ import annotations

import base64
import hmac
from typing import Final

import msgspec

_DIGEST_BYTES: Final = 32


class SignatureScheme(msgspec.Struct, frozen=True, kw_only=True):
    """A way in which a vendor signs: HMAC-SHA256 over the raw body, sent in ``header``.

    The value may be hex (either case) or base64, with or without ``sha256=`` before it; every
    scheme accepts all of them, because vendors and admins mix them. ``header`` is in lower case.
    """

    header: str
    title: str

    def verify(self, secret: str, body: bytes, value: str) -> bool:
        """Tell whether ``value`` is the MAC of ``body`` under ``secret``, in constant time.

        An empty secret verifies nothing.
        """
        given = decode_signature(value)
        same = hmac.compare_digest(digest(secret, body), given or bytes(_DIGEST_BYTES))
        return same and given is not None and secret != ""


AISOC_SIGNATURE: Final = SignatureScheme(header="x-aisoc-signature", title="Casebridge signature")
"""The scheme that every vendor may use, whatever its plugin declares."""


def digest(secret: str, body: bytes) -> bytes:
    """Return the 32 bytes of HMAC-SHA256 of ``body`` keyed with the UTF-8 of ``secret``."""
    return hmac.digest(secret.encode(), body, "sha256")


def sign(secret: str, body: bytes) -> str:
    """Return the MAC as ``sha256=<hex>``, the form that Jira sends."""
    return f"sha256={digest(secret, body).hex()}"


def decode_signature(value: str) -> bytes | None:
    """Return the 32 bytes that a signature header holds, or None when it holds anything else."""
    text = value.strip()
    if text[:7].lower() == "sha256=":
        text = text[7:]
    if not text.isascii():
        return None
    is_hex = len(text) == 2 * _DIGEST_BYTES
    try:
        raw = bytes.fromhex(text) if is_hex else base64.b64decode(text, validate=True)
    except ValueError:
        return None
    return raw if len(raw) == _DIGEST_BYTES else None
