"""The statuses of Roundup's classic template, and the default maps to and from a case's ladder."""

from __future__ import annotations

from typing import Final

from casebridge_core import CaseStatus, NativeStatus, StatusCategory, StatusMap

VENDOR: Final = "roundup"
"""The name under which the manifest and every event speak."""

NO_STATUS: Final = NativeStatus(name="(no status)")
"""Where the property is empty, which a tracker without the classic auditors allows."""

KNOWN_STATUSES: Final = (
    NativeStatus(name="unread", category=StatusCategory.NEW),
    NativeStatus(name="deferred", category=StatusCategory.NEW),
    NativeStatus(name="chatting", category=StatusCategory.IN_PROGRESS),
    NativeStatus(name="need-eg", category=StatusCategory.IN_PROGRESS),
    NativeStatus(name="in-progress", category=StatusCategory.IN_PROGRESS),
    NativeStatus(name="testing", category=StatusCategory.IN_PROGRESS),
    NativeStatus(name="done-cbb", category=StatusCategory.DONE),
    NativeStatus(name="resolved", category=StatusCategory.DONE),
)
"""What ``initial_data.py`` of the classic template creates; Roundup itself has no categories."""

STATUS_MAP: Final = StatusMap(
    outbound={
        CaseStatus.OPEN: "unread",
        CaseStatus.TRIAGE: "in-progress",
        CaseStatus.CONTAINED: "in-progress",
        CaseStatus.RESOLVED: "resolved",
        CaseStatus.CLOSED: "resolved",
    },
    inbound={
        "unread": CaseStatus.OPEN,
        "deferred": CaseStatus.OPEN,
        "chatting": CaseStatus.TRIAGE,
        "need-eg": CaseStatus.TRIAGE,
        "in-progress": CaseStatus.TRIAGE,
        "testing": CaseStatus.TRIAGE,
        "done-cbb": CaseStatus.RESOLVED,
        "resolved": CaseStatus.RESOLVED,
    },
)
"""The defaults, which an instance's own entries go before."""
