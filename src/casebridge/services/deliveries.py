"""A delivery as it is kept, and what it says. A replay reads the same again, from what was kept."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

import msgspec

from casebridge.domain.decision import Reason
from casebridge_core import ConnectorCatalog, Delivery, TicketEvent

_SECRET_WORDS: Final = ("auth", "cookie", "signature", "secret", "token", "key", "password")
_NAMES: Final = 1000


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """What a delivery says: an event, or the reason why none could be read, with its detail."""

    event: TicketEvent | None = None
    reason: Reason | None = None
    detail: str | None = None

    def columns(self) -> dict[str, str | None]:
        """Return what a stored event's row tells of its content."""
        event = self.event
        return {
            "vendor": event.vendor if event is not None else None,
            "external_id": event.external_id if event is not None else None,
            "native_status": event.status.name if event is not None and event.status else None,
            "delivery_id": event.delivery_id if event is not None else None,
        }


def keepable(headers: Mapping[str, str], catalog: ConnectorCatalog) -> dict[str, str]:
    """Return the headers (names in lower case) without those that carry a credential or a MAC.

    Those that are left are all that detection ever sees, so that a replay detects the same.
    """
    declared = {
        scheme.header for hooks in catalog.values() for scheme in hooks.manifest.signature_schemes
    }
    return {
        name: value
        for name, value in headers.items()
        if name not in declared and not _tells_a_secret(name)
    }


@lru_cache(maxsize=_NAMES)
def _tells_a_secret(name: str) -> bool:
    return any(word in name for word in _SECRET_WORDS)


def read(
    catalog: ConnectorCatalog, headers: Mapping[str, str], body: bytes, *, vendor: str | None
) -> Reading:
    """Read a delivery: whose it is (``vendor`` None: anybody's) and what it tells.

    Nothing is raised for what a stranger or a plugin does.
    """
    payload = _decode(body)
    if isinstance(payload, str):
        return Reading(reason=Reason.MALFORMED, detail=payload)
    detection = catalog.detect(Delivery(headers=headers, payload=payload), vendor=vendor)
    detail = "; ".join(detection.failures) or None
    if detection.event is not None:
        return Reading(event=detection.event, detail=detail)
    reason = Reason.AMBIGUOUS if detection.claims else Reason.UNRECOGNISED
    if detection.claims:
        detail = "; ".join(filter(None, (f"claimed by {', '.join(detection.claims)}", detail)))
    return Reading(reason=reason, detail=detail)


def _decode(body: bytes) -> dict[str, Any] | str:
    """Return the JSON object, or what is wrong with the body."""
    try:
        payload = msgspec.json.decode(body)
    except (ValueError, RecursionError) as error:
        problem = str(error) if isinstance(error, msgspec.DecodeError) else type(error).__name__
        return f"the body is not JSON: {problem}"
    return payload if isinstance(payload, dict) else "the body must be a JSON object"
