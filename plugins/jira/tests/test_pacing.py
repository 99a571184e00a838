"""Slowing down by the rate-limit headers."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime

import httpx
import pytest

from casebridge_core import (
    CaseProjection,
    CaseStatus,
    Connector,
    ProjectedComment,
    StatusChange,
    VendorHooks,
)
from casebridge_jira import JiraConfig
from casebridge_jira.pacing import BURST, PER_SECOND, pause_after
from casebridge_sandbox import JiraSandbox, RunningSandbox

Jira = RunningSandbox[JiraSandbox]

NOW = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, 0),
        ({"X-RateLimit-NearLimit": "false", "X-RateLimit-Reset": "2026-11-23T12:00:30Z"}, 0),
        ({"X-RateLimit-NearLimit": "true", "X-RateLimit-Reset": "2026-11-23T12:00:30Z"}, 30),
        ({"X-RateLimit-NearLimit": "true", "X-RateLimit-Reset": "2026-11-23T12:01Z"}, 60),
        ({"X-RateLimit-NearLimit": "true", "X-RateLimit-Reset": "2026-11-23T11:59:00Z"}, 0),
        ({"X-RateLimit-NearLimit": "true", "X-RateLimit-Reset": "2026-11-23T18:00:00Z"}, 60),
        ({"X-RateLimit-NearLimit": "true", "X-RateLimit-Reset": "soon"}, 1),
        ({"X-RateLimit-NearLimit": "true"}, 1),
        ({"X-RateLimit-Remaining": "0", "X-RateLimit-Interval-Seconds": "5"}, 5),
        ({"X-RateLimit-Remaining": "0", "X-RateLimit-Interval-Seconds": "x"}, 1),
        ({"X-RateLimit-Remaining": "0", "X-RateLimit-Interval-Seconds": "nan"}, 1),
        ({"X-RateLimit-Remaining": "7", "X-RateLimit-Interval-Seconds": "5"}, 0),
        ({"Retry-After": "0", "X-RateLimit-Remaining": "12"}, 0),
        ({"RateLimit": '"burst";r=0;t=7'}, 7),
        ({"RateLimit": '"quota";r=12;t=900, "burst"; r=0; t=3'}, 3),
        ({"RateLimit": '"burst";r=10;t=7'}, 0),
        ({"RateLimit": '"burst";r=0'}, 1),
        ({"RateLimit": "nonsense"}, 0),
        ({"Beta-RateLimit": '"burst";r=0;t=7'}, 0),
    ],
)
def test_a_near_limit_asks_for_a_pause(headers: dict[str, str], seconds: float) -> None:
    assert pause_after(httpx.Headers(headers), now=NOW) == seconds


@pytest.mark.parametrize(("limit", "window"), [(20, 2), (100, 30)])
def test_the_spacing_keeps_within_the_limits_of_one_issue(limit: int, window: int) -> None:
    assert 1 + BURST + PER_SECOND * window <= limit


async def test_every_write_to_an_issue_is_spaced_on_cloud(
    hooks: VendorHooks,
    connector: Connector[JiraConfig],
    projection: CaseProjection,
    comment: ProjectedComment,
    deployment: str,
) -> None:
    spaced: list[str] = []

    async def space(ticket: str, /, *, burst: int, per_second: float) -> None:
        spaced.append(ticket)

    paced = dataclasses.replace(connector, space=space)
    ref = (await hooks.push_case(paced, projection)).ticket.ref
    await hooks.push_comment(paced, ref, comment)
    change = StatusChange(status=CaseStatus.RESOLVED, native="Done")
    await hooks.push_status_change(paced, ref, change)
    await hooks.fetch_ticket(paced, ref)
    assert spaced == ([ref.external_id] * 3 if deployment == "cloud" else [])


@pytest.mark.parametrize("deployment", ["cloud"])
async def test_a_near_limit_slows_the_connector_down(
    hooks: VendorHooks, connector: Connector[JiraConfig], jira: Jira, projection: CaseProjection
) -> None:
    asked: list[float] = []
    slowed = dataclasses.replace(connector, slow_down=asked.append)
    await hooks.push_case(slowed, projection)
    assert asked == []
    jira.control.change_scenario(near_limit_seconds=30)
    await hooks.find_ticket(slowed, projection.correlation_key)
    assert 25 < max(asked) <= 30
