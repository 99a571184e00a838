"""The pure choice of the next transition."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import given
from hypothesis import strategies as st

from casebridge_core import NativeStatus, StatusCategory
from casebridge_jira.transitions import (
    Hop,
    ScreenField,
    Trail,
    Transition,
    choose,
    detours,
    direct_hops,
    fill,
    follow,
    identity,
    read_transitions,
    refuse,
    retreat,
    start,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

NEW, ACTIVE, DONE = StatusCategory.NEW, StatusCategory.IN_PROGRESS, StatusCategory.DONE


def status(name: str, category: StatusCategory | None = ACTIVE) -> NativeStatus:
    return NativeStatus(name=name, id=str(sum(map(ord, name))), category=category)


def edge(
    to: NativeStatus, *fields: ScreenField, number: str = "", glob: bool = False
) -> Transition:
    number = number or f"{identity(to)}1"
    return Transition(id=number, name=f"go {number}", to=to, fields=fields, is_global=glob)


def nothing(to: NativeStatus) -> Mapping[str, Any]:
    return {}


TO_DO, PROGRESS, REVIEW = status("To Do", NEW), status("In Progress"), status("In Review")
BLOCKED, CLOSED, FINISHED = status("Blocked"), status("Closed", DONE), status("Done", DONE)
RESOLUTION = ScreenField(
    id="resolution",
    name="Resolution",
    required=True,
    allowed=({"id": "7", "name": "Won't Do"}, {"id": "10", "name": "Done"}),
)
ROOT_CAUSE = ScreenField(id="customfield_1", name="Root cause", required=True)


def names(hops: list[Hop]) -> list[str]:
    return [hop.transition.to.name for hop in hops]


def test_the_target_is_chosen_by_where_an_edge_leads_never_by_its_name() -> None:
    misleading = Transition(id="9", name="Done", to=REVIEW)
    hops = direct_hops([misleading, edge(FINISHED)], FINISHED, nothing, start(PROGRESS))
    assert names(hops) == ["Done"]
    assert hops[0].transition.id != "9"


def test_the_target_may_be_given_by_its_id() -> None:
    target = NativeStatus(name=FINISHED.id or "")
    assert names(direct_hops([edge(FINISHED)], target, nothing, start(TO_DO))) == ["Done"]


def test_of_several_edges_one_without_unmet_fields_is_preferred() -> None:
    asking, free = edge(FINISHED, ROOT_CAUSE, number="1"), edge(FINISHED, number="2")
    hops = direct_hops([asking, free], FINISHED, nothing, start(PROGRESS))
    assert [hop.transition.id for hop in hops] == ["2", "1"]
    assert hops[1].unmet == (ROOT_CAUSE,)


def test_a_refused_edge_is_not_offered_again() -> None:
    first, second = edge(FINISHED, number="1"), edge(FINISHED, number="2")
    trail = refuse(start(PROGRESS), fill(first, nothing))
    hops = direct_hops([first, second], FINISHED, nothing, trail)
    assert [hop.transition.id for hop in hops] == ["2"]


def test_a_required_resolution_is_filled_on_the_way_to_done_only() -> None:
    assert fill(edge(FINISHED, RESOLUTION), nothing).fields == {"resolution": {"id": "10"}}
    assert fill(edge(REVIEW, RESOLUTION), nothing).unmet == (RESOLUTION,)


def test_settings_go_before_the_default_and_only_what_the_screen_has_is_sent() -> None:
    configured = {"resolution": {"name": "Won't Do"}, "customfield_9": "not on the screen"}
    hop = fill(edge(FINISHED, RESOLUTION), lambda _: configured)
    assert hop.fields == {"resolution": {"name": "Won't Do"}}


def test_an_optional_field_and_one_with_a_default_are_left_to_jira() -> None:
    optional = ScreenField(id="comment", name="Comment")
    preset = ScreenField(id="priority", name="Priority", required=True, has_default=True)
    hop = fill(edge(FINISHED, optional, preset), nothing)
    assert (dict(hop.fields), hop.unmet) == ({}, ())


def test_a_detour_never_passes_through_done() -> None:
    offers = [edge(CLOSED), edge(PROGRESS)]
    assert names(detours(offers, TO_DO, FINISHED, nothing, start(TO_DO))) == ["In Progress"]


def test_by_force_a_detour_may_pass_through_done() -> None:
    offers = [edge(CLOSED)]
    found = detours(offers, TO_DO, FINISHED, nothing, start(TO_DO), through_done=True)
    assert names(found) == ["Closed"]


def test_a_detour_goes_on_and_leaves_side_tracks_for_last() -> None:
    offers = [edge(BLOCKED), edge(TO_DO), edge(REVIEW, glob=True), edge(status("Testing"))]
    found = detours(offers, PROGRESS, FINISHED, nothing, start(PROGRESS))
    assert names(found) == ["Testing", "In Review", "Blocked"]


def test_a_detour_that_asks_for_fields_is_not_taken() -> None:
    offers = [edge(PROGRESS, ROOT_CAUSE)]
    assert detours(offers, TO_DO, FINISHED, nothing, start(TO_DO)) == []


def test_out_of_a_dead_end_the_way_goes_back_once() -> None:
    trail = follow(follow(start(TO_DO), PROGRESS), BLOCKED)
    back = retreat([edge(PROGRESS)], nothing, trail)
    assert back is not None
    assert back.transition.to == PROGRESS
    returned = follow(trail, PROGRESS)
    assert returned.path == follow(start(TO_DO), PROGRESS).path
    assert names(detours([edge(BLOCKED)], PROGRESS, FINISHED, nothing, returned)) == []


def test_the_way_back_never_leads_into_done() -> None:
    trail = follow(start(CLOSED), PROGRESS)
    assert retreat([edge(CLOSED)], nothing, trail) is None
    assert retreat([edge(CLOSED)], nothing, start(PROGRESS)) is None


def test_answers_without_targets_and_closed_edges_are_left_out() -> None:
    answer = {
        "transitions": [
            {"id": "11", "name": "Old server"},
            {"id": "21", "to": {"name": "Done", "id": "3"}, "isAvailable": False},
            {"id": 31, "to": {"name": "Done", "id": "3"}, "fields": {"x": None}},
            None,
        ]
    }
    assert [found.id for found in read_transitions(answer)] == ["31"]
    assert read_transitions(None) == ()


@given(
    edges=st.dictionaries(
        st.integers(0, 7), st.sets(st.integers(0, 7), max_size=4), min_size=1, max_size=8
    ),
    done=st.sets(st.integers(0, 7), max_size=4),
    goal=st.integers(0, 7),
)
def test_no_walk_runs_in_circles_or_through_done(
    edges: dict[int, set[int]], done: set[int], goal: int
) -> None:
    nodes = [
        NativeStatus(name=f"s{n}", id=str(n), category=DONE if n in done else ACTIVE)
        for n in range(8)
    ]
    here, target = nodes[0], nodes[goal]
    trail: Trail = start(here)
    entered: list[str] = []
    for _ in range(30):
        offers = [edge(nodes[n], number=str(n)) for n in sorted(edges.get(int(here.id or 0), ()))]
        hop = choose(offers, here, target, nothing, trail)
        if here == target or hop is None:
            break
        here = hop.transition.to
        assert here == target or here.category is not DONE
        if identity(here) not in trail.path:
            entered.append(here.name)
        trail = follow(trail, here)
    else:
        raise AssertionError("the walk did not end")
    assert len(entered) == len(set(entered))
