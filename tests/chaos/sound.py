"""A sound world: one case, its two tickets, and all that was done to them, nothing wrong."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from msgspec.structs import replace

from chaos.evidence import (
    Case,
    Comment,
    Delivery,
    Evidence,
    Move,
    Note,
    Ref,
    Row,
    Ticket,
    VendorFacts,
)
from chaos.ledger import Deed, Order

NOON: Final = datetime(2026, 3, 1, 12, tzinfo=UTC)
JIRA: Final = {
    "To Do": ["open"],
    "In Progress": ["triage", "contained"],
    "Done": ["resolved", "closed"],
}
SERVICENOW: Final = {
    "New": ["open"],
    "In Progress": ["triage", "contained"],
    "Resolved": ["resolved", "closed"],
}


def at(seconds: float) -> datetime:
    """Return a moment after noon."""
    return NOON + timedelta(seconds=seconds)


def row(number: int, kind: str, text: str = "", **more: Any) -> Row:
    """Return a row of the timeline, one second after the one before."""
    return Row(number=number, at=at(number), kind=kind, actor="api (first)", text=text, **more)


def change(number: int, before: str, after: str, text: str = "", **more: Any) -> Row:
    """Return a row of a changed status."""
    detail = {"before": before, "after": after, "reopened": before == "closed"}
    return row(number, "status_changed", f"{before} → {after}{text}", detail=detail, **more)


ROWS: Final = (
    row(1, "case_created"),
    row(2, "ticket_minted", vendor="jira"),
    row(3, "ticket_minted", vendor="servicenow"),
    row(4, "containment_action"),
    row(5, "comment", "chaos-4"),
    row(6, "comment_pushed", vendor="jira"),
    row(7, "comment_pushed", vendor="servicenow"),
    change(8, "open", "closed", ": chaos-2"),
    row(9, "status_pushed", vendor="jira"),
    row(10, "status_pushed", vendor="servicenow"),
    change(11, "closed", "triage", vendor="jira", event=1),
    row(12, "inbound_actor", vendor="jira"),
    row(13, "inbound_payload", vendor="jira"),
    row(14, "status_pushed", vendor="servicenow"),
    row(15, "force_sync", "force-sync: chaos-5", vendor="jira"),
    row(16, "resync"),
)
ORDERS: Final = tuple(
    Order(
        kind=kind,  # type: ignore[arg-type]
        marker=f"chaos-{number}",
        asked_at=at(moment),
        acknowledged_at=at(moment + 0.5),
        case="case_1",
        status=status,
        summarised=kind == "create",
    )
    for number, (kind, moment, status) in enumerate(
        (
            ("create", 0.5, "open"),
            ("move", 7.5, "closed"),
            ("contain", 3.5, None),
            ("comment", 4.5, None),
            ("force", 14.5, None),
            ("resync", 15.5, None),
            ("move", 9, "closed"),  # it was there already
        ),
        start=1,
    )
)
GO: Final = Deed(
    kind="go",
    vendor="jira",
    ticket="100",
    began_at=at(10.2),
    ended_at=at(10.4),
    native="In Progress",
)
CASE: Final = Case(
    id="case_1",
    title="Case chaos-1",
    status="triage",
    refs=(
        Ref(vendor="jira", key="aisoc-ref_a", ticket="100", name="SEC-1", assignee="Ada Analyst"),
        Ref(vendor="servicenow", key="aisoc-ref_b", ticket="200", name="INC1", assignee=None),
    ),
    rows=ROWS,
    actions=("chaos-3",),
    notes=(Note(vendor="jira", text="Ada says 7"),),
)
OURS: Final = (
    Comment(text="Agent summary\n\nWhat the agent found, chaos-1.", ours=True),
    Comment(text="Containment: chaos-3 on web-01", ours=True),
)
TICKETS: Final = (
    Ticket(
        vendor="jira",
        id="100",
        name="SEC-1",
        key="aisoc-ref_a",
        status="In Progress",
        assignee="Ada Analyst",
        comments=(*OURS, Comment(text="Ada says 7", ours=False)),
        moves=(Move(to="Done", ours=True, at=at(9)), Move(to="In Progress", ours=False, at=at(10))),
    ),
    Ticket(
        vendor="servicenow",
        id="200",
        name="INC1",
        key="aisoc-ref_b",
        status="In Progress",
        assignee=None,
        comments=OURS,
        moves=(Move(to="Resolved", ours=True, at=at(9)),),
    ),
)
SOUND: Final = Evidence(
    vendors={"jira": VendorFacts(meanings=JIRA), "servicenow": VendorFacts(meanings=SERVICENOW)},
    cases=(CASE,),
    tickets=TICKETS,
    orders=ORDERS,
    deeds=(GO,),
    deliveries=(Delivery(vendor="jira", ticket="SEC-1", event="evt_1"),),
    stored=frozenset({"evt_1"}),
    earlier={1: "a", 2: "b"},
    rows={1: "a", 2: "b", 3: "c"},
)


def with_case(**changes: Any) -> Evidence:
    """Return the world with the case changed."""
    return replace(SOUND, cases=(replace(CASE, **changes),))


def with_jira(**changes: Any) -> Evidence:
    """Return the world with Jira's ticket changed."""
    return replace(SOUND, tickets=(replace(TICKETS[0], **changes), TICKETS[1]))


def with_ref(**changes: Any) -> Evidence:
    """Return the world with the ref of Jira's ticket changed."""
    return with_case(refs=(replace(CASE.refs[0], **changes), CASE.refs[1]))


def with_rows(*rows: Row) -> Evidence:
    """Return the world with another timeline."""
    return with_case(rows=rows)
