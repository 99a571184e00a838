"""ServiceNow's records as the bridge's tickets (pure)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from casebridge_core import NativeStatus, Person, Ticket, TicketRef
from casebridge_servicenow.values import Row, label_of, moment_of, value_of

if TYPE_CHECKING:
    from casebridge_servicenow.config import ServiceNowConfig

TICKET_FIELDS: Final = (
    "sys_id",
    "number",
    "state",
    "assigned_to",
    "assigned_to.email",
    "close_code",
    "close_notes",
    "correlation_display",
    "correlation_id",
    "incident_state",
    "sys_created_on",
    "sys_updated_on",
)
"""The fields that every read of a ticket asks for; the one that a table lacks is left out."""


def read_ticket(config: ServiceNowConfig, row: Row) -> Ticket | None:
    """Return the ticket that a row of the configured table holds, or None when it holds none."""
    sys_id = value_of(row.get("sys_id"))
    status = read_status(config, row)
    if not sys_id or status is None:
        return None
    key = label_of(row.get("number")) or sys_id
    return Ticket(
        ref=TicketRef(external_id=sys_id, key=key, url=record_url(config, sys_id)),
        status=status,
        correlation_key=value_of(row.get("correlation_id")) or None,
        assignee=read_person(row.get("assigned_to"), email=value_of(row.get("assigned_to.email"))),
        updated_at=moment_of(row.get("sys_updated_on")),
    )


def read_status(config: ServiceNowConfig, row: Row) -> NativeStatus | None:
    """Return a row's state, whether it comes as a code, a label or both."""
    state = row.get("state")
    return config.states.read(value_of(state), label_of(state))


def read_person(field: object, *, email: str = "") -> Person | None:
    """Return the person that a reference to ``sys_user`` names, or None when it names nobody."""
    person_id = value_of(field)
    if not person_id:
        return None
    name = label_of(field)
    told = email or (value_of(field.get("email")) if isinstance(field, dict) else "")
    return Person(id=person_id, name=name if name != person_id else None, email=told or None)


def record_url(config: ServiceNowConfig, sys_id: str) -> str:
    """Return the address at which a person opens a record."""
    inner = quote(f"{config.table}.do?sys_id={sys_id}", safe="")
    return f"{config.base_url}/nav_to.do?uri={inner}"
