"""Signature schemes as declarations: where the MAC stands in a webhook and how it is written."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

import msgspec

_DIGEST_BYTES: Final = 32


_UNIX_SECONDS: Final = re.compile(r"[0-9]{1,11}")


class InboxScheme(StrEnum):
    """How the deliveries of one inbox token prove that they are authentic: this way and no other.

    ``SIGNATURE`` is an HMAC; the secret never travels. The others are weaker, for vendors that
    cannot sign: the secret itself comes with each delivery, in the header `STATIC_SECRET_HEADER`
    or as the last segment of the URL.
    """

    SIGNATURE = "signature"
    STATIC_HEADER = "static_header"
    STATIC_URL = "static_url"


STATIC_SECRET_HEADER: Final = "x-aisoc-secret"  # noqa: S105 - a header's name
"""Where a vendor that cannot sign sends the secret of a token of `InboxScheme.STATIC_HEADER`."""


class SignatureScheme(msgspec.Struct, frozen=True, kw_only=True):
    """A way in which a vendor signs: HMAC-SHA256 over the raw body, sent in ``header``.

    The value may be hex (either case) or base64, with or without ``sha256=`` before it; every
    scheme accepts all of them, because vendors and admins mix them. Where a request has
    ``timestamp_header`` (Unix seconds), the MAC covers ``"<timestamp>."`` before the body too, so
    that a timestamp can be neither changed nor taken away. Headers are in lower case.
    """

    header: str
    title: str
    timestamp_header: str | None = None

    def verify(self, secret: str, body: bytes, value: str, timestamp: str | None = None) -> bool:
        """Tell whether ``value`` is the MAC of ``body`` under ``secret``, in constant time.

        ``timestamp`` is the timestamp header's value as it came, None without one. Whether it is
        fresh is for the caller to judge. An empty secret verifies nothing.
        """
        return is_same_mac(value, digest(secret, stamped(body, timestamp))) and secret != ""


AISOC_SIGNATURE: Final = SignatureScheme(
    header="x-aisoc-signature",
    title="Casebridge signature",
    timestamp_header="x-aisoc-timestamp",
)
"""The scheme that every vendor may use, whatever its plugin declares."""


def digest(secret: str, message: bytes) -> bytes:
    """Return the 32 bytes of HMAC-SHA256 of ``message`` keyed with the UTF-8 of ``secret``."""
    return hmac.digest(secret.encode(), message, "sha256")


def stamped(body: bytes, timestamp: str | None) -> bytes:
    """Return what is signed: the body, after ``"<timestamp>."`` where there is a timestamp."""
    return body if timestamp is None else timestamp.encode(errors="replace") + b"." + body


def sign(secret: str, body: bytes, timestamp: int | None = None) -> str:
    """Return the MAC as ``sha256=<hex>``, the form that Jira sends; ``timestamp`` in seconds."""
    message = stamped(body, None if timestamp is None else str(timestamp))
    return f"sha256={digest(secret, message).hex()}"


def read_timestamp(value: str) -> datetime | None:
    """Return the moment that a timestamp header names, or None when it holds anything else."""
    if _UNIX_SECONDS.fullmatch(value) is None:
        return None
    return datetime.fromtimestamp(int(value), UTC)


def is_same_secret(given: str, secret: str) -> bool:
    """Tell whether a static secret is the one, in constant time whatever its length.

    An empty secret is never the one.
    """
    given_digest, known_digest = (
        hashlib.sha256(text.encode(errors="replace")).digest() for text in (given, secret)
    )
    same = hmac.compare_digest(given_digest, known_digest)
    return same and secret != ""


def is_same_mac(value: str, mac: bytes) -> bool:
    """Tell whether a signature header holds these 32 bytes, in constant time."""
    given = decode_signature(value)
    same = hmac.compare_digest(mac, given or bytes(_DIGEST_BYTES))
    return same and given is not None


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
