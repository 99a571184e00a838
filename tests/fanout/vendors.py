"""Two vendors in memory, as unlike each other as Jira and ServiceNow."""

from __future__ import annotations

from typing import Any

from casebridge_core import CaseStatus, StatusMap
from tests.fanout.desks import Clock, Desk


def jira_like(clock: Clock, vendor: str = "alpha", **fields: Any) -> Desk:
    """Make a vendor with statuses that are walked hop by hop, which names the actor of an event.

    *In Review* has a meaning, and no case is projected to it.
    """
    maps = StatusMap(
        outbound={
            CaseStatus.OPEN: "To Do",
            CaseStatus.TRIAGE: "In Progress",
            CaseStatus.CONTAINED: "In Progress",
            CaseStatus.RESOLVED: "Done",
            CaseStatus.CLOSED: "Done",
        },
        inbound={
            "To Do": CaseStatus.OPEN,
            "In Progress": CaseStatus.TRIAGE,
            "In Review": CaseStatus.TRIAGE,
            "Done": CaseStatus.RESOLVED,
        },
    )
    return Desk(vendor, clock, maps, ("To Do", "In Progress", "Done"), **fields)


def servicenow_like(clock: Clock, vendor: str = "beta", **fields: Any) -> Desk:
    """Make a vendor with a status of its own for each of four, entered directly, and no actors."""
    maps = StatusMap(
        outbound={
            CaseStatus.OPEN: "New",
            CaseStatus.TRIAGE: "Active",
            CaseStatus.CONTAINED: "Active",
            CaseStatus.RESOLVED: "Resolved",
            CaseStatus.CLOSED: "Closed",
        },
        inbound={
            "New": CaseStatus.OPEN,
            "Active": CaseStatus.TRIAGE,
            "Resolved": CaseStatus.RESOLVED,
            "Closed": CaseStatus.CLOSED,
        },
    )
    return Desk(vendor, clock, maps, (), **{"names_actor": False, **fields})
