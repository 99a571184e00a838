"""A webhook's payload as a `TicketEvent` (pure, and total for any JSON object).

ServiceNow has no webhook of its own: a business rule posts what its author wrote. The set-up guide
gives one documented body; beside it, what admins commonly write by hand is understood: the id under
several names, the state as a code, a label or an object of both.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit

from msgspec import UNSET, UnsetType

from casebridge_core import (
    InboundComment,
    NativeStatus,
    Person,
    TicketEvent,
)
from casebridge_servicenow.comments import JOURNALS, read_entry
from casebridge_servicenow.state_models import model_of_body
from casebridge_servicenow.tickets import read_person
from casebridge_servicenow.values import Row, label_of, moment_of, value_of

VENDOR: Final = "servicenow"

_SYS_ID: Final = re.compile(r"[0-9A-Za-z]{32}")
_ID_NAMES: Final = (
    "record_id",
    "record_sys_id",
    "incident_sys_id",
    "incident_id",
    "sys_id",
    "id",
)
"""Where the id may stand. ``sys_id`` comes after ``record_id``, beside which it is another's."""
_RECORD_NAMES: Final = ("record", "incident", "current")
"""Under which a body may hold the record, with what tells of the event beside it."""

_TRACES: Final = frozenset(
    {"assigned_to", "comment", "event", "incident_state", "number", "state", "state_label", "table"}
)
_JIRA_TRACES: Final = frozenset(
    {"changelog", "fields", "issue", "issue_event_type_name", "self", "webhookEvent"}
)
_ENTRY_HEADER: Final = re.compile(r"\A\d[^\n]{0,40} - [^\n]{1,200} \([^()\n]{1,80}\)\n")
"""The line that ``getJournalEntry(1)`` puts before an entry: time, author and kind."""


def detect(payload: Row) -> TicketEvent | None:
    """Return the event that a payload tells, or None when it is not ServiceNow's."""
    payload = _flat(payload)
    external_id = _external_id(payload)
    if external_id is None or not _is_ours(payload):
        return None
    kind = _kind(payload)
    news = _news(payload, kind)
    return TicketEvent(
        vendor=VENDOR,
        external_id=external_id,
        key=value_of(payload.get("number")) or None,
        site=_site(payload),
        status=_status(payload) if "state" in news else None,
        assignee=_assignee(payload) if "assigned_to" in news else UNSET,
        comments=tuple(_comments(payload, external_id)),
        deleted=kind == "deleted",
        actor=_actor(payload),
        occurred_at=moment_of(payload.get("sys_updated_on")),
    )


def _flat(payload: Row) -> Row:
    """Return the payload with the record that it holds laid over it, where it holds one."""
    for name in _RECORD_NAMES:
        record = payload.get(name)
        if isinstance(record, dict) and _external_id(record) is not None:
            return {key: value for key, value in payload.items() if key not in _ID_NAMES} | record
    return payload


def _external_id(payload: Row) -> str | None:
    ids = (value_of(payload.get(name)) for name in _ID_NAMES)
    return next((found for found in ids if _SYS_ID.fullmatch(found)), None)


def _is_ours(payload: Row) -> bool:
    return bool(_TRACES & payload.keys()) and not _JIRA_TRACES & payload.keys()


def _kind(payload: Row) -> str:
    """Return ``deleted``, ``comment_added`` or ``updated``, whatever tense its author chose."""
    event = value_of(payload.get("event")) or value_of(payload.get("operation"))
    event = event.casefold()
    if "delete" in event:
        return "deleted"
    return "comment_added" if "comment" in event else "updated"


def _news(payload: Row, kind: str) -> frozenset[str]:
    """Return the fields that the event may have changed: those it lists, or all it could."""
    if kind in {"deleted", "comment_added"}:
        return frozenset()
    listed = payload.get("changed")
    if isinstance(listed, list):
        return frozenset(name for name in listed if isinstance(name, str))
    return frozenset({"state", "assigned_to"})


def _status(payload: Row) -> NativeStatus | None:
    state = payload.get("state") or payload.get("incident_state")
    label = label_of(payload.get("state_label")) or label_of(state)
    return model_of_body(value_of(payload.get("table"))).read(value_of(state), label)


def _assignee(payload: Row) -> Person | UnsetType | None:
    return read_person(payload["assigned_to"]) if "assigned_to" in payload else UNSET


def _actor(payload: Row) -> Person | None:
    comment = payload.get("comment")
    author = comment.get("sys_created_by") if isinstance(comment, dict) else None
    name = value_of(payload.get("sys_updated_by")) or value_of(author)
    return Person(id=name) if name else None


def _site(payload: Row) -> str | None:
    """Return the host of the instance, which comes as an address or a bare host name."""
    instance = value_of(payload.get("instance"))
    try:
        host = urlsplit(instance if "//" in instance else f"//{instance}").netloc
    except ValueError:
        return None
    host = host.rpartition("@")[2].lower()
    return host if "." in host or ":" in host else None


def _comments(payload: Row, external_id: str) -> Iterator[InboundComment]:
    entries = [payload.get("comment")]
    for journal in JOURNALS:
        text = _ENTRY_HEADER.sub("", value_of(payload.get(journal)))
        entries.append({"value": text, "element": journal})
    for entry in entries:
        comment = read_entry(entry, external_id) if isinstance(entry, dict) else None
        if comment is not None:
            yield comment
