"""What an issue event says of status and assignee: pure, and silent where the event is.

Source: Atlassian, Webhooks, ``changelog``: its items come in any order, on creation the field is
called ``Status``, and the new value stands under the key ``toString``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import UNSET, UnsetType

from casebridge_core import NativeStatus, Person
from casebridge_jira.tickets import (
    ids_of,
    read_id,
    read_objects,
    read_person,
    read_status,
    read_text,
)

Json = Mapping[str, Any]


def changed_status(payload: Json, fields: Json) -> NativeStatus | None:
    """Return the status, if this event may have changed it.

    A changelog without a status item says nothing about it, whatever the issue's fields hold; the
    item is preferred to the fields, which may be from before or after the event.
    """
    held = read_status(fields.get("status"))
    items = _items(payload)
    if item := next((item for item in items or () if _is_about(item, "status")), None):
        changed = _status_of_item(item)
        return held if changed is None or _same(changed, held) else changed
    match payload:
        case {"transition": {"to_status": str(name)}} if name.strip():
            moved = NativeStatus(name=name.strip())
            return held if _same(moved, held) else moved
        case {"webhookEvent": "jira:issue_created"}:
            return held
        case {"comment": Mapping()}:
            return None
        case {"webhookEvent": str(event)} if event != "jira:issue_updated":
            return None
        case _:
            return held if items is None else None


def changed_assignee(payload: Json, fields: Json) -> Person | UnsetType | None:
    """Return the assignee, if this event may have changed it: None when nobody is assigned."""
    items = _items(payload)
    held = read_person(fields.get("assignee"))
    if item := next((item for item in items or () if _is_about(item, "assignee")), None):
        identity = read_text(item.get("to"))
        if identity is None:
            return None
        if identity in ids_of(fields.get("assignee")):
            return held
        return Person(id=identity, name=read_text(item.get("toString")))
    match payload:
        case {"webhookEvent": "jira:issue_created"}:
            told = True
        case {"webhookEvent": _} | {"comment": Mapping()}:
            told = False
        case _:
            told = not items
    return held if told and "assignee" in fields else UNSET


def _items(payload: Json) -> list[Json] | None:
    """Return the changelog's items, or None when the event has no changelog at all."""
    match payload.get("changelog"):
        case {"items": list(items)}:
            return read_objects(items)
        case _:
            return None


def _is_about(item: Json, field: str) -> bool:
    """Tell whether a changelog item is about a system field; a custom one may share its name."""
    field_id, name = read_text(item.get("fieldId")), read_text(item.get("field"))
    if field_id is not None:
        return field_id == field
    return name is not None and name.casefold() == field and item.get("fieldtype") != "custom"


def _status_of_item(item: Json) -> NativeStatus | None:
    name, identity = read_text(item.get("toString")), read_id(item.get("to"))
    if name is None and identity is None:
        return None
    return NativeStatus(name=name or identity or "", id=identity)


def _same(changed: NativeStatus, held: NativeStatus | None) -> bool:
    return held is not None and (
        held.matches(changed.id or changed.name) or held.matches(changed.name)
    )
