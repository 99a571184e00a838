"""The default projection: the innermost implementation of ``itsm_project_case``.

It is where the boundary of the specification is drawn. Detection lineage, reasoning, evidence and
containment stay with the case; a summary, a link, a flat list and two kinds of comments leave.
"""

from __future__ import annotations

import hashlib
import re
from typing import Final

from casebridge_core._markers import hookimpl
from casebridge_core.cases import Case, CaseProjection, CommentKind, ProjectedComment

_KEY: Final = re.compile(r"[A-Za-z0-9._:-]{1,80}")


@hookimpl(trylast=True)
def itsm_project_case(case: Case, correlation_key: str) -> CaseProjection:
    """Project a case; a redaction plugin wraps this hook and returns a changed copy."""
    return CaseProjection(
        case_id=case.id,
        correlation_key=correlation_key,
        title=case.title,
        summary=case.summary,
        severity=case.severity_initial,
        status=case.status,
        deep_link=case.deep_link,
        opened_at=case.created_at,
        detections=case.detection_rules,
        raw_event_count=len(case.raw_events),
        entities=case.entities,
        comments=_comments(case),
    )


def _comments(case: Case) -> tuple[ProjectedComment, ...]:
    comments: list[ProjectedComment] = []
    if case.agent_summary:
        comments.append(
            ProjectedComment(
                key=_key(case, "agent-summary"),
                kind=CommentKind.AGENT_SUMMARY,
                text=f"Agent summary\n\n{case.agent_summary}",
                at=case.created_at,
            )
        )
    comments += (
        ProjectedComment(
            key=_key(case, action.id),
            kind=CommentKind.CONTAINMENT,
            text=(
                f"Containment: {action.action} on {action.target}\n"
                f"Outcome: {action.outcome}\nAt: {action.at:%Y-%m-%d %H:%M:%S} UTC"
            ),
            at=action.at,
        )
        for action in case.containment_actions
    )
    return tuple(comments)


def _key(case: Case, what: str) -> str:
    key = f"{case.id}.{what}"
    return key if _KEY.fullmatch(key) else f"sha256.{hashlib.sha256(key.encode()).hexdigest()}"
