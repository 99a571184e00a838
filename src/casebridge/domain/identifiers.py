"""Public identifiers: what people and vendors see; rows refer to each other by integers."""

from __future__ import annotations

import base64
import secrets
from typing import Final

_BYTES: Final = 12

TENANT: Final = "ten"
API_KEY: Final = "key"
CASE: Final = "case"
ACTION: Final = "act"
CONNECTOR: Final = "con"
REF: Final = "ref"
ANNOTATION: Final = "note"
TOKEN: Final = "tok"  # noqa: S105 - a prefix, not a password
EVENT: Final = "evt"
BACKFILL: Final = "bkf"
UNMAPPED: Final = "uns"
IDEMPOTENCY: Final = "idk"


def new_id(prefix: str) -> str:
    """Return ``<prefix>_`` and 20 characters of ``[a-z2-7]``: 96 random bits."""
    return f"{prefix}_{base64.b32encode(secrets.token_bytes(_BYTES)).decode().rstrip('=').lower()}"


def correlation_key(ref_id: str) -> str:
    """Return the key that a ref's ticket carries: 30 characters, safe as label and query value."""
    return f"aisoc-{ref_id}"
