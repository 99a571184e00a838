"""Severity as impact and urgency, as data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from casebridge_core import Severity


class Priority(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Impact and urgency, 1 (high) to 3 (low), from which ServiceNow computes the priority."""

    impact: Annotated[int, Meta(ge=1, le=3)]
    urgency: Annotated[int, Meta(ge=1, le=3)]


DEFAULT_SEVERITY_MAP: Final[Mapping[Severity, Priority]] = {
    Severity.CRITICAL: Priority(impact=1, urgency=1),
    Severity.HIGH: Priority(impact=1, urgency=2),
    Severity.MEDIUM: Priority(impact=2, urgency=2),
    Severity.LOW: Priority(impact=2, urgency=3),
    Severity.INFORMATIONAL: Priority(impact=3, urgency=3),
}
"""Reaches P1 to P5. Source: ServiceNow, "Define priority lookup rules"."""
