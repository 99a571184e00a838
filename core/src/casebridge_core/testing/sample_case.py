"""The case that the kit projects: a mark in everything that may leave, and in all that may not."""

from __future__ import annotations

import itertools
import secrets
from datetime import UTC, datetime
from typing import Final

from casebridge_core.cases import (
    Case,
    CaseStatus,
    ContainmentAction,
    Entity,
    EntityKind,
    Severity,
)

TENANT: Final = "kittenant7d1f"
RAW_EVENT: Final = "kitrawevent7d1f"
"""Neither of the two ever leaves."""
TITLE: Final = "Unusual sign-in kittitle"
HOST: Final = "kithost01"
RULE: Final = "kitrule sign-in from two countries"
OPENED: Final = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)

_RUN: Final = secrets.token_hex(4)
_numbers: Final = itertools.count(1)


def new_key() -> str:
    """Return a correlation key that no earlier run has left at a vendor."""
    return f"aisoc-kit_{_RUN}.{next(_numbers)}"


def sample_case(
    number: str = "1",
    *,
    title: str = TITLE,
    summary: str = "A service account signed in from two countries within a minute.",
    status: CaseStatus = CaseStatus.OPEN,
    severity: Severity = Severity.CRITICAL,
) -> Case:
    """Return a case; its initial severity is low, whatever its present ``severity``."""
    return Case(
        id=f"kitcase-{number}",
        tenant_id=TENANT,
        title=title,
        summary=summary,
        severity_initial=Severity.LOW,
        severity=severity,
        status=status,
        deep_link=f"https://soc.example.com/cases/kitcase-{number}",
        created_at=OPENED,
        agent_summary="The account was used by two people.",
        detection_rules=(RULE,),
        raw_events=(f'{{"raw": "{RAW_EVENT}"}}', f"second {RAW_EVENT}"),
        entities=(
            Entity(kind=EntityKind.HOST, value=HOST),
            Entity(kind=EntityKind.IP, value="192.0.2.7"),
        ),
        containment_actions=(
            ContainmentAction(
                id="action-1",
                action="isolate",
                target=HOST,
                outcome="isolated",
                at=datetime(2026, 3, 1, 9, 40, tzinfo=UTC),
            ),
        ),
    )
