"""The state models of ServiceNow's tables, with their default maps, as data."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from casebridge_core import CaseStatus, NativeStatus, StatusCategory, StatusMap
from casebridge_servicenow.statuses import StateModel

NEW: Final = "1"
IN_PROGRESS: Final = "2"
ON_HOLD: Final = "3"
RESOLVED: Final = "6"
CLOSED: Final = "7"
CANCELED: Final = "8"

_ACTIVE: Final = (CaseStatus.TRIAGE, CaseStatus.CONTAINED, CaseStatus.OPEN)


class ModelName(StrEnum):
    """Which state model a table has."""

    INCIDENT = "incident"
    SECURITY_INCIDENT = "security_incident"
    TASK = "task"


INCIDENT: Final = StateModel(
    labels={
        NEW: "New",
        IN_PROGRESS: "In Progress",
        ON_HOLD: "On Hold",
        RESOLVED: "Resolved",
        CLOSED: "Closed",
        CANCELED: "Canceled",
    },
    spellings={"cancelled": CANCELED},
    categories={
        NEW: StatusCategory.NEW,
        IN_PROGRESS: StatusCategory.IN_PROGRESS,
        ON_HOLD: StatusCategory.IN_PROGRESS,
        RESOLVED: StatusCategory.DONE,
        CLOSED: StatusCategory.DONE,
        CANCELED: StatusCategory.DONE,
    },
    ladder=(NEW, IN_PROGRESS, RESOLVED, CLOSED),
    tables=("incident", "task"),
    beside={ON_HOLD: NEW},
    closing=frozenset({RESOLVED, CLOSED}),
    holding=ON_HOLD,
    final=CLOSED,
    statuses=StatusMap(
        outbound={
            CaseStatus.OPEN: NEW,
            CaseStatus.TRIAGE: IN_PROGRESS,
            CaseStatus.CONTAINED: IN_PROGRESS,
            CaseStatus.RESOLVED: RESOLVED,
            # 7 (Closed) needs itil_admin or admin, and ServiceNow closes resolved incidents itself.
            CaseStatus.CLOSED: RESOLVED,
        },
        inbound={
            NEW: CaseStatus.OPEN,
            IN_PROGRESS: CaseStatus.TRIAGE,
            RESOLVED: CaseStatus.RESOLVED,
            CLOSED: CaseStatus.CLOSED,
            CANCELED: CaseStatus.CLOSED,
        },
        # On Hold has no rung of its own: it leaves an active case where it is and takes a resolved
        # one up again.
        categories={StatusCategory.IN_PROGRESS: _ACTIVE},
    ),
)
"""Source: ServiceNow, "Incident life cycle", and the choices of ``incident.state`` as shipped."""

SECURITY_INCIDENT: Final = StateModel(
    labels={
        "10": "Draft",
        "16": "Analysis",
        "18": "Contain",
        "19": "Eradicate",
        "20": "Recover",
        "100": "Review",
        "3": "Closed",
        "7": "Cancelled",
    },
    spellings={"canceled": "7"},
    categories={
        "10": StatusCategory.NEW,
        "16": StatusCategory.IN_PROGRESS,
        "18": StatusCategory.IN_PROGRESS,
        "19": StatusCategory.IN_PROGRESS,
        "20": StatusCategory.IN_PROGRESS,
        "100": StatusCategory.DONE,
        "3": StatusCategory.DONE,
        "7": StatusCategory.DONE,
    },
    ladder=("10", "16", "18", "19", "20", "100", "3"),
    tables=("sn_si_incident",),
    closing=frozenset({"3"}),
    final="3",
    statuses=StatusMap(
        outbound={
            CaseStatus.OPEN: "10",
            CaseStatus.TRIAGE: "16",
            CaseStatus.CONTAINED: "18",
            CaseStatus.RESOLVED: "100",
            CaseStatus.CLOSED: "3",
        },
        inbound={
            "10": CaseStatus.OPEN,
            "16": CaseStatus.TRIAGE,
            "18": CaseStatus.CONTAINED,
            "19": CaseStatus.CONTAINED,
            "20": CaseStatus.CONTAINED,
            "100": CaseStatus.RESOLVED,
            "3": CaseStatus.CLOSED,
            "7": CaseStatus.CLOSED,
        },
    ),
)
"""Source: ServiceNow, "Understanding Security Incident Response process definition": the ladder is
that of the default process, NIST Stateful. The codes are those of a stock instance; the connection
check compares them with the instance's own.
"""

TASK: Final = StateModel(
    labels={
        "-5": "Pending",
        "1": "Open",
        "2": "Work in Progress",
        "3": "Closed Complete",
        "4": "Closed Incomplete",
        "7": "Closed Skipped",
    },
    categories={
        "-5": StatusCategory.IN_PROGRESS,
        "1": StatusCategory.NEW,
        "2": StatusCategory.IN_PROGRESS,
        "3": StatusCategory.DONE,
        "4": StatusCategory.DONE,
        "7": StatusCategory.DONE,
    },
    ladder=("1", "2", "3"),
    tables=("task",),
    beside={"-5": "1"},
    closing=frozenset({"3", "4", "7"}),
    statuses=StatusMap(
        outbound={
            CaseStatus.OPEN: "1",
            CaseStatus.TRIAGE: "2",
            CaseStatus.CONTAINED: "2",
            CaseStatus.RESOLVED: "3",
            CaseStatus.CLOSED: "3",
        },
        inbound={
            "1": CaseStatus.OPEN,
            "2": CaseStatus.TRIAGE,
            "3": CaseStatus.RESOLVED,
            "4": CaseStatus.CLOSED,
            "7": CaseStatus.CLOSED,
        },
        categories={StatusCategory.IN_PROGRESS: _ACTIVE},
    ),
)
"""Source: the choices of ``task.state`` as shipped."""

UNKNOWN: Final = StateModel(
    labels={}, categories={}, ladder=(), tables=(), statuses=StatusMap(outbound={}, inbound={})
)
"""Of a table that nothing is known of: a code is a code, and a label a label."""

_MODELS: Final = {
    ModelName.INCIDENT: INCIDENT,
    ModelName.SECURITY_INCIDENT: SECURITY_INCIDENT,
    ModelName.TASK: TASK,
}


def state_model(table: str, name: ModelName | None = None) -> StateModel:
    """Return the model of that name, or else the one that a table usually has.

    A table of one's own is taken to extend incident.
    """
    if name is not None:
        return _MODELS[name]
    return SECURITY_INCIDENT if table == "sn_si_incident" else INCIDENT


def model_of_body(table: str) -> StateModel:
    """Return the model by which a webhook's body is read, which tells no more than the table."""
    return state_model(table) if table in {"", "incident", "sn_si_incident"} else UNKNOWN


KNOWN_STATUSES: Final[tuple[NativeStatus, ...]] = tuple(
    NativeStatus(id=code, name=label, category=INCIDENT.categories[code])
    for code, label in INCIDENT.labels.items()
)
"""The stock states of an incident, from which people choose."""
