"""The state models of ServiceNow's tables, and the default maps, as data."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

import msgspec

from casebridge_core import CaseStatus, NativeStatus, StatusCategory, StatusMap

NEW: Final = "1"
IN_PROGRESS: Final = "2"
ON_HOLD: Final = "3"
RESOLVED: Final = "6"
CLOSED: Final = "7"
CANCELED: Final = "8"

_CODE: Final = re.compile(r"-?[0-9]{1,9}")
_ACTIVE: Final = (CaseStatus.TRIAGE, CaseStatus.CONTAINED, CaseStatus.OPEN)


class StateModel(msgspec.Struct, frozen=True, kw_only=True):
    """What the values of a table's ``state`` mean.

    ``labels`` gives the stock label of a code, ``spellings`` the code of other labels in use,
    ``categories`` the coarse meaning of a code or label. ``closing`` are the codes or labels that
    need ``close_code`` and ``close_notes``. ``statuses`` are the default maps.
    """

    labels: Mapping[str, str]
    spellings: Mapping[str, str]
    categories: Mapping[str, StatusCategory]
    closing: frozenset[str]
    statuses: StatusMap

    def code_of(self, text: str) -> str | None:
        """Return the code that ``text`` is or names, or None when only the instance knows."""
        if is_code(text):
            return text
        wanted = text.strip().casefold()
        for code, label in self.labels.items():
            if label.casefold() == wanted:
                return code
        return self.spellings.get(wanted)

    def read(self, value: str, label: str = "") -> NativeStatus | None:
        """Return the status that a code or label stands for, or None when both are empty.

        A label that is known becomes its code, so that either form is the same status.
        """
        text = value or label
        if not text:
            return None
        code = self.code_of(text)
        shown = next((name for name in (label, text) if name and not is_code(name)), "")
        name = shown or self.labels.get(text, text)
        category = self.categories.get(code or "") or self.categories.get(name)
        return NativeStatus(id=code, name=name, category=category)

    def closes(self, state: str, label: str = "") -> bool:
        """Tell whether moving to a state needs a close code and close notes."""
        return bool({state, label} & self.closing)


def is_code(text: str) -> bool:
    """Tell whether ``text`` is a state's code, such as ``6`` or ``-5``, and not a label."""
    return _CODE.fullmatch(text) is not None


def state_model(table: str) -> StateModel:
    """Return the state model of a table; a table of one's own is taken to extend incident."""
    return SECURITY_INCIDENT if table == "sn_si_incident" else INCIDENT


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
    closing=frozenset({RESOLVED, CLOSED}),
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
"""Source: the choices of ``incident.state``, as ServiceNow's Incident Management ships them."""

SECURITY_INCIDENT: Final = StateModel(
    labels={},
    spellings={},
    categories={
        "Draft": StatusCategory.NEW,
        "Analysis": StatusCategory.IN_PROGRESS,
        "Contain": StatusCategory.IN_PROGRESS,
        "Eradicate": StatusCategory.IN_PROGRESS,
        "Recover": StatusCategory.IN_PROGRESS,
        "Review": StatusCategory.DONE,
        "Closed": StatusCategory.DONE,
        "Cancelled": StatusCategory.DONE,
    },
    closing=frozenset({"Closed"}),
    statuses=StatusMap(
        outbound={
            CaseStatus.OPEN: "Draft",
            CaseStatus.TRIAGE: "Analysis",
            CaseStatus.CONTAINED: "Contain",
            CaseStatus.RESOLVED: "Review",
            CaseStatus.CLOSED: "Closed",
        },
        inbound={
            "Draft": CaseStatus.OPEN,
            "Analysis": CaseStatus.TRIAGE,
            "Contain": CaseStatus.CONTAINED,
            "Eradicate": CaseStatus.CONTAINED,
            "Recover": CaseStatus.CONTAINED,
            "Review": CaseStatus.RESOLVED,
            "Closed": CaseStatus.CLOSED,
            "Cancelled": CaseStatus.CLOSED,
        },
    ),
)
"""By label, since the codes differ from release to release: they are read from the instance.

Source: ServiceNow, Security Incident Response, "Process definition".
"""

KNOWN_STATUSES: Final[tuple[NativeStatus, ...]] = tuple(
    NativeStatus(id=code, name=label, category=INCIDENT.categories[code])
    for code, label in INCIDENT.labels.items()
)
"""The stock states of an incident, from which people choose."""
