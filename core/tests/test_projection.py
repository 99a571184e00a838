"""What leaves: the specification's table of state boundaries, line by line."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import msgspec
import pytest

from casebridge_core import (
    Case,
    CaseProjection,
    CaseStatus,
    CommentKind,
    ContainmentAction,
    Severity,
)
from casebridge_core.projection import itsm_project_case

KEY = "cb-case-1"


@pytest.fixture
def projected(case: Case) -> CaseProjection:
    return itsm_project_case(case, KEY)


def as_json(projection: CaseProjection) -> str:
    return msgspec.json.encode(projection).decode()


def test_summary_deep_link_and_flat_entities_leave(case: Case, projected: CaseProjection) -> None:
    assert projected.case_id == case.id
    assert projected.correlation_key == KEY
    assert projected.title == case.title
    assert projected.summary == case.summary
    assert projected.status is case.status
    assert projected.deep_link == case.deep_link
    assert projected.opened_at == case.created_at
    assert projected.entities == case.entities
    assert projected.detections == case.detection_rules


def test_raw_events_leave_as_a_number_only(case: Case) -> None:
    case = msgspec.structs.replace(case, raw_events=("marker-one", "marker-two"))

    projection = itsm_project_case(case, KEY)

    assert projection.raw_event_count == 2
    assert "marker" not in as_json(projection)


def test_the_tenant_does_not_leave(case: Case) -> None:
    case = msgspec.structs.replace(case, tenant_id="marker-tenant")

    assert "marker-tenant" not in as_json(itsm_project_case(case, KEY))


@pytest.mark.parametrize("now", Severity)
def test_only_the_initial_severity_leaves(case: Case, now: Severity) -> None:
    changed = msgspec.structs.replace(case, severity_initial=Severity.LOW, severity=now)

    assert itsm_project_case(changed, KEY).severity is Severity.LOW


def test_a_change_of_severity_leaves_the_projection_as_it_was(case: Case) -> None:
    before = itsm_project_case(case, KEY)

    changed = msgspec.structs.replace(case, severity=Severity.INFORMATIONAL)

    assert itsm_project_case(changed, KEY) == before


def test_the_case_has_no_field_that_the_boundary_does_not_know() -> None:
    stays = {"tenant_id", "severity", "raw_events"}
    leaves = {
        "id", "title", "summary", "severity_initial", "status", "deep_link", "created_at",
        "agent_summary", "detection_rules", "entities", "containment_actions",
    }  # fmt: skip

    assert set(Case.__struct_fields__) == stays | leaves


def test_the_agents_final_summary_leaves_as_one_comment(projected: CaseProjection) -> None:
    comments = [c for c in projected.comments if c.kind is CommentKind.AGENT_SUMMARY]

    assert [comment.text for comment in comments] == [
        "Agent summary\n\nThe agent thinks it is real."
    ]


def test_each_containment_action_leaves_as_a_comment_with_time_and_outcome(
    projected: CaseProjection,
) -> None:
    (comment,) = [c for c in projected.comments if c.kind is CommentKind.CONTAINMENT]

    assert "isolate on web-01" in comment.text
    assert "Outcome: isolated" in comment.text
    assert "2026-03-01 12:30:00 UTC" in comment.text
    assert comment.at == datetime(2026, 3, 1, 12, 30, tzinfo=UTC)


@pytest.mark.parametrize("summary", [None, ""])
def test_a_case_without_an_agents_summary_has_no_such_comment(
    case: Case, summary: str | None
) -> None:
    bare = msgspec.structs.replace(case, agent_summary=summary, containment_actions=())

    assert itsm_project_case(bare, KEY).comments == ()


def test_a_comments_key_stays_the_same_when_the_case_moves_on(case: Case) -> None:
    action = case.containment_actions[0]
    later = msgspec.structs.replace(
        case,
        status=CaseStatus.CLOSED,
        agent_summary="Another summary.",
        containment_actions=(action, msgspec.structs.replace(action, id="action-2")),
    )

    before = [comment.key for comment in itsm_project_case(case, KEY).comments]
    after = [comment.key for comment in itsm_project_case(later, KEY).comments]

    assert after[: len(before)] == before
    assert len(set(after)) == 3


@pytest.mark.parametrize("id_", ["edr #5: isolate", "ä", "x" * 200, "a\nb", 'a" OR "b'])
def test_a_comments_key_is_fit_for_a_query_whatever_the_actions_id(case: Case, id_: str) -> None:
    action = msgspec.structs.replace(case.containment_actions[0], id=id_)
    case = msgspec.structs.replace(case, containment_actions=(action,))

    first, again = itsm_project_case(case, KEY), itsm_project_case(case, KEY)

    assert first == again
    assert all(re.fullmatch(r"[A-Za-z0-9._:-]{1,80}", comment.key) for comment in first.comments)


def test_every_action_has_a_key_of_its_own(case: Case) -> None:
    at = case.created_at
    actions = tuple(
        ContainmentAction(id=f"#{n}", action="block", target="ip", outcome="done", at=at)
        for n in range(50)
    )

    projection = itsm_project_case(msgspec.structs.replace(case, containment_actions=actions), KEY)

    assert len({comment.key for comment in projection.comments}) == 51
