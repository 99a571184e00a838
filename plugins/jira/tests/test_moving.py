"""Walks through workflows that the stand-in Jira does not have, call by call."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from casebridge_core import (
    CaseStatus,
    Connector,
    StatusChange,
    StatusOverrides,
    TicketRef,
    TransitionRejected,
    VendorHooks,
    VendorUnavailable,
)
from casebridge_jira import JiraConfig

if TYPE_CHECKING:
    from pytest_httpx import HTTPXMock

pytestmark = pytest.mark.anyio

Connect = Callable[..., Connector[JiraConfig]]
CATEGORIES = {"n": "new", "i": "indeterminate", "d": "done"}
REF = TicketRef(external_id="10231", key="SEC-12", url="https://acme.example.com/browse/SEC-12")
DONE = StatusChange(status=CaseStatus.RESOLVED, native="Done")


class Workflow:
    """A Jira of one issue: ``edges`` are pairs of names such as ``"n:To Do"``."""

    def __init__(self, *edges: tuple[str, str], at: str) -> None:
        self.edges = edges
        self.at = at
        self.visited: list[str] = []
        self.answers: list[httpx.Response] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        if path.endswith("/statuses"):
            names = dict.fromkeys(name for edge in self.edges for name in edge)
            statuses = [self.status(name) for name in names]
            return httpx.Response(200, json=[{"name": "Task", "statuses": statuses}])
        if not path.endswith("/transitions"):
            fields = {"status": self.status(self.at)}
            return httpx.Response(200, json={"id": "10231", "key": "SEC-12", "fields": fields})
        if request.method == "GET":
            offers = [
                {"id": str(n), "name": "x", "to": self.status(to), "fields": {}}
                for n, (source, to) in enumerate(self.edges)
                if source == self.at
            ]
            return httpx.Response(200, json={"transitions": offers})
        answer = self.answers.pop(0) if self.answers else httpx.Response(204)
        if answer.is_success:
            chosen = int(json.loads(request.content)["transition"]["id"])
            self.at = self.edges[chosen][1]
            self.visited.append(self.at.partition(":")[2])
        return answer

    def status(self, name: str) -> dict[str, Any]:
        category, _, text = name.partition(":")
        number = str(sum(map(ord, text)))
        return {"name": text, "id": number, "statusCategory": {"key": CATEGORIES[category]}}


@pytest.fixture
def play(httpx_mock: HTTPXMock) -> Callable[..., Workflow]:
    def start(*edges: tuple[str, str], at: str = "n:To Do") -> Workflow:
        workflow = Workflow(*edges, at=at)
        httpx_mock.add_callback(workflow, is_reusable=True, is_optional=True)
        return workflow

    return start


async def test_a_dead_end_is_left_and_the_way_found(
    hooks: VendorHooks, online: Connect, play: Callable[..., Workflow]
) -> None:
    workflow = play(
        ("n:To Do", "i:Analysis"),
        ("i:Analysis", "i:Parking lot"),
        ("i:Parking lot", "i:Analysis"),
        ("i:Analysis", "i:Testing"),
        ("i:Testing", "d:Done"),
    )
    ticket = await hooks.push_status_change(online(), REF, DONE)
    assert ticket.status.name == "Done"
    assert workflow.visited == ["Analysis", "Parking lot", "Analysis", "Testing", "Done"]


async def test_the_way_never_leads_through_another_done(
    hooks: VendorHooks, online: Connect, play: Callable[..., Workflow]
) -> None:
    workflow = play(("n:To Do", "d:Rejected"), ("d:Rejected", "d:Done"))
    with pytest.raises(TransitionRejected, match='"Rejected"') as rejected:
        await hooks.push_status_change(online(), REF, DONE)
    assert rejected.value.allowed == ("Rejected",)
    assert workflow.visited == []
    forced = StatusChange(status=CaseStatus.RESOLVED, native="Done", forced=True)
    assert (await hooks.push_status_change(online(), REF, forced)).status.name == "Done"
    assert workflow.visited == ["Rejected", "Done"]


async def test_a_conflict_was_not_done_and_may_be_repeated(
    hooks: VendorHooks, online: Connect, play: Callable[..., Workflow]
) -> None:
    workflow = play(("n:To Do", "d:Done"))
    workflow.answers = [httpx.Response(409, json={"errorMessages": ["busy"]}), httpx.Response(200)]
    with pytest.raises(VendorUnavailable) as conflict:
        await hooks.push_status_change(online(), REF, DONE)
    assert conflict.value.retryable
    assert not conflict.value.uncertain
    assert (await hooks.push_status_change(online(), REF, DONE)).status.name == "Done"


@pytest.mark.parametrize("code", [400, 422])
async def test_another_edge_is_tried_when_one_is_refused(
    hooks: VendorHooks, online: Connect, play: Callable[..., Workflow], code: int
) -> None:
    workflow = play(("n:To Do", "d:Done"), ("n:To Do", "d:Done"))
    workflow.answers = [httpx.Response(code, json={"errors": {"customfield_1": "is required"}})]
    assert (await hooks.push_status_change(online(), REF, DONE)).status.name == "Done"


async def test_the_last_refusal_names_what_a_validator_wants(
    hooks: VendorHooks, online: Connect, play: Callable[..., Workflow]
) -> None:
    workflow = play(("n:To Do", "d:Done"))
    workflow.answers = [httpx.Response(400, json={"errors": {"customfield_1": "is required"}})]
    with pytest.raises(TransitionRejected, match="transition_fields") as rejected:
        await hooks.push_status_change(online(), REF, DONE)
    assert rejected.value.missing_fields == ("customfield_1",)
    assert rejected.value.allowed == ("Done",)


async def test_a_name_that_no_workflow_has_finds_its_category(
    hooks: VendorHooks, online: Connect, play: Callable[..., Workflow]
) -> None:
    workflow = play(("n:Offen", "i:In Arbeit"), ("i:In Arbeit", "d:Erledigt"), at="n:Offen")
    ticket = await hooks.push_status_change(online(), REF, DONE)
    assert workflow.visited == ["In Arbeit", "Erledigt"]
    assert CaseStatus.RESOLVED in hooks.meanings_of(online(), ticket.status)


async def test_a_stand_in_never_means_something_else(
    hooks: VendorHooks, online: Connect, play: Callable[..., Workflow]
) -> None:
    play(("n:To Do", "d:Resolved"), ("n:To Do", "d:Closed"))
    closed = StatusChange(status=CaseStatus.CLOSED, native="Done")
    assert (await hooks.push_status_change(online(), REF, closed)).status.name == "Closed"


@pytest.mark.parametrize(
    "settings",
    [
        {"category_fallback": False},
        {"statuses": StatusOverrides(inbound={"Erledigt": CaseStatus.CLOSED})},
    ],
)
async def test_without_a_stand_in_nothing_is_moved_and_the_cure_is_named(
    hooks: VendorHooks,
    online: Connect,
    play: Callable[..., Workflow],
    settings: dict[str, Any],
) -> None:
    workflow = play(("n:Offen", "d:Erledigt"), at="n:Offen")
    with pytest.raises(TransitionRejected, match="status map") as rejected:
        await hooks.push_status_change(online(**settings), REF, DONE)
    assert rejected.value.allowed == ("Offen", "Erledigt")
    assert workflow.visited == []


async def test_a_long_way_ends_after_a_bounded_number_of_steps(
    hooks: VendorHooks, online: Connect, play: Callable[..., Workflow]
) -> None:
    names = ["n:To Do", *(f"i:Step {letter}" for letter in "abcdefghijklmnop"), "d:Done"]
    workflow = play(*pairwise(names))
    with pytest.raises(TransitionRejected, match="within 10 steps"):
        await hooks.push_status_change(online(), REF, DONE)
    assert len(workflow.visited) < 10
    assert (await hooks.push_status_change(online(), REF, DONE)).status.name == "Done"
