"""What an inbox token demands of a delivery, how strong that is, and until when it holds."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Final

from casebridge.persistence.inbox import InboxTokenRow
from casebridge_core import STATIC_SECRET_HEADER, ConnectorCatalog, InboxScheme

_WEAKNESSES: Final = {
    InboxScheme.STATIC_HEADER: (
        f"This token is of a weaker scheme: the secret itself comes with every delivery, in the"
        f" header {STATIC_SECRET_HEADER}. Whoever reads one delivery can send others. Use it only"
        f" where the vendor cannot sign."
    ),
    InboxScheme.STATIC_URL: (
        "This token is of the weakest scheme: the secret stands in the URL, which proxies and"
        " vendors write into their logs. Whoever reads one can deliver. Use it only where the"
        " vendor can neither sign nor send a header."
    ),
}


class TokenState(StrEnum):
    """Whether a token can deliver."""

    ACTIVE = "active"
    EXPIRED = "expired"
    REVOKED = "revoked"


def state_of(row: InboxTokenRow, now: datetime) -> TokenState:
    """Tell whether a token can deliver at a moment."""
    if row.revoked_at is not None:
        return TokenState.REVOKED
    if row.expires_at is not None and row.expires_at <= now:
        return TokenState.EXPIRED
    return TokenState.ACTIVE


def warnings_of(
    row: InboxTokenRow, catalog: ConnectorCatalog, *, vendor: str | None
) -> tuple[str, ...]:
    """Say in sentences what is weak about a token, and which signatures it does not take.

    ``vendor`` is whose deliveries it is for, None for anybody's.
    """
    scheme = InboxScheme(row.scheme)
    if scheme is not InboxScheme.SIGNATURE:
        return (_WEAKNESSES[scheme],)
    if not row.timestamp_required:
        return ()
    return tuple(
        f"This token demands a signed timestamp. {hooks.manifest.title} sends none with"
        f" {declared.header}, so a delivery that is signed in that way only is refused."
        for name, hooks in catalog.items()
        if vendor in {None, name}
        for declared in hooks.manifest.signature_schemes
        if declared.timestamp_header is None
    )
