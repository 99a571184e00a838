"""Roundup's JSON read into the bridge's values: pure, and total for whatever comes.

Issues look the same in an answer of the REST interface (``@verbose=2``) and in a webhook of our
detector: a link is an object of ``id`` and the label of what it links to.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from casebridge_core import NativeStatus, Person, Ticket, TicketRef
from casebridge_roundup.config import RoundupConfig
from casebridge_roundup.statuses import NO_STATUS

Json = Mapping[str, Any]

TICKET_FIELDS: Final = "status,assignedto,activity"
"""The properties that `read_ticket` needs, as ``@fields`` takes them."""

_DIGITS: Final = re.compile(r"[0-9]{1,18}")
_STAMP: Final = re.compile(r"(\d{4}-\d\d-\d\d)\.(\d\d:\d\d:\d\d(?:\.\d{6})?)")


def read_ticket(config: RoundupConfig, row: Json, correlation_key: str | None = None) -> Ticket:
    """Return the ticket that an issue's ``id`` and properties describe."""
    return Ticket(
        ref=ticket_ref(config, str(row.get("id"))),
        status=read_status(row.get("status")),
        correlation_key=correlation_key,
        assignee=read_person(row.get("assignedto")),
        updated_at=read_moment(row.get("activity")),
    )


def ticket_ref(config: RoundupConfig, issue_id: str) -> TicketRef:
    """Return the reference to an issue: its number, its designator and its page."""
    key = designator(config, issue_id)
    return TicketRef(external_id=issue_id, key=key, url=f"{config.address}/{key}")


def designator(config: RoundupConfig, issue_id: str) -> str:
    """Return how Roundup names an issue, such as ``issue12``."""
    return f"{config.issue_class}{issue_id}"


def read_id(value: object) -> str | None:
    """Return the id of an item as text, or None when it is not a number."""
    if isinstance(value, bool):
        return None
    text = str(value) if isinstance(value, int) else value
    return text if isinstance(text, str) and _DIGITS.fullmatch(text) else None


def read_status(value: object) -> NativeStatus:
    """Return the status that a link shows; an empty link is `NO_STATUS`."""
    if not isinstance(value, Mapping):
        return NO_STATUS
    status_id = read_id(value.get("id"))
    name = read_text(value.get("name")) or status_id
    return NativeStatus(name=name, id=status_id) if name else NO_STATUS


def read_person(value: object) -> Person | None:
    """Return the user that a link shows; the number is stable, the user name may change."""
    if not isinstance(value, Mapping):
        return None
    user_id = read_id(value.get("id"))
    return Person(id=user_id, name=read_text(value.get("username"))) if user_id else None


def read_text(value: object) -> str | None:
    """Return a text, or None when it is missing or blank."""
    return value.strip() or None if isinstance(value, str) else None


def read_moment(value: object) -> datetime | None:
    """Return a date such as ``2026-11-23.10:56:43``, which is UTC; only webhooks tell more."""
    found = _STAMP.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        return None
    try:
        return datetime.fromisoformat(f"{found[1]}T{found[2]}").replace(tzinfo=UTC)
    except ValueError:
        return None


def written(moment: datetime) -> str:
    """Return a moment as a search takes it; without a zone it would be the account's own."""
    return f"{moment.astimezone(UTC):%Y-%m-%d.%H:%M:%S}+0000"
