"""Jira's stock statuses and the default maps between them and a case's ladder."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from casebridge_core import CaseStatus, Connector, NativeStatus, StatusCategory, StatusMap

if TYPE_CHECKING:
    from casebridge_jira.config import JiraConfig

VENDOR: Final = "jira"
"""The name under which the manifest and every event speak."""

CATEGORY_OF_KEY: Final = {
    "new": StatusCategory.NEW,
    "indeterminate": StatusCategory.IN_PROGRESS,
    "done": StatusCategory.DONE,
}
"""The keys of ``statusCategory``; its names vary and are translated, its keys are not.

Source: Atlassian, Jira Cloud REST v3, Workflow status categories.
"""

CATEGORY_OF_CASE: Final = {
    CaseStatus.OPEN: StatusCategory.NEW,
    CaseStatus.TRIAGE: StatusCategory.IN_PROGRESS,
    CaseStatus.CONTAINED: StatusCategory.IN_PROGRESS,
    CaseStatus.RESOLVED: StatusCategory.DONE,
    CaseStatus.CLOSED: StatusCategory.DONE,
}
"""What a case status amounts to, for workflows that have no status of the mapped name."""

KNOWN_STATUSES: Final = (
    NativeStatus(name="Backlog", category=StatusCategory.NEW),
    NativeStatus(name="To Do", category=StatusCategory.NEW),
    NativeStatus(name="Open", category=StatusCategory.NEW),
    NativeStatus(name="Reopened", category=StatusCategory.NEW),
    NativeStatus(name="Selected for Development", category=StatusCategory.NEW),
    NativeStatus(name="In Progress", category=StatusCategory.IN_PROGRESS),
    NativeStatus(name="In Review", category=StatusCategory.IN_PROGRESS),
    NativeStatus(name="Work in progress", category=StatusCategory.IN_PROGRESS),
    NativeStatus(name="Waiting for support", category=StatusCategory.IN_PROGRESS),
    NativeStatus(name="Waiting for customer", category=StatusCategory.IN_PROGRESS),
    NativeStatus(name="Escalated", category=StatusCategory.IN_PROGRESS),
    NativeStatus(name="Done", category=StatusCategory.DONE),
    NativeStatus(name="Resolved", category=StatusCategory.DONE),
    NativeStatus(name="Closed", category=StatusCategory.DONE),
    NativeStatus(name="Completed", category=StatusCategory.DONE),
    NativeStatus(name="Canceled", category=StatusCategory.DONE),
)
"""The statuses that Jira's own project templates come with."""

STATUS_MAP: Final = StatusMap(
    outbound={
        CaseStatus.OPEN: "To Do",
        CaseStatus.TRIAGE: "In Progress",
        CaseStatus.CONTAINED: "In Progress",
        CaseStatus.RESOLVED: "Done",
        CaseStatus.CLOSED: "Done",
    },
    inbound={
        "to do": CaseStatus.OPEN,
        "open": CaseStatus.OPEN,
        "reopened": CaseStatus.OPEN,
        "backlog": CaseStatus.OPEN,
        "in progress": CaseStatus.TRIAGE,
        "work in progress": CaseStatus.TRIAGE,
        "done": CaseStatus.RESOLVED,
        "resolved": CaseStatus.RESOLVED,
        "completed": CaseStatus.RESOLVED,
        "closed": CaseStatus.CLOSED,
    },
    categories={
        StatusCategory.NEW: (CaseStatus.OPEN,),
        StatusCategory.IN_PROGRESS: (CaseStatus.TRIAGE, CaseStatus.CONTAINED),
        StatusCategory.DONE: (CaseStatus.RESOLVED, CaseStatus.CLOSED),
    },
)
"""The defaults, which an instance's own entries go before."""


def means(connector: Connector[JiraConfig], native: NativeStatus, status: CaseStatus) -> bool:
    """Tell whether ``native``, coming back, can stand for ``status``."""
    own = connector.statuses.meaning_of(native)
    if own is not None:
        return own is status
    by_category = connector.config.category_fallback
    return status in (STATUS_MAP.meanings_of(native, by_category=by_category) or ())
