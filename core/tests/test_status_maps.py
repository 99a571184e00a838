"""Status maps: the instance's own entries first, ids and names alike, whatever the case."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from casebridge_core import CaseStatus, NativeStatus, StatusCategory, StatusMap, StatusOverrides

IN_PROGRESS = NativeStatus(name="In Progress", id="3", category=StatusCategory.IN_PROGRESS)
MAPS = StatusMap(
    outbound={CaseStatus.OPEN: "To Do", CaseStatus.TRIAGE: "In Progress"},
    inbound={"To Do": CaseStatus.OPEN, "In Progress": CaseStatus.TRIAGE},
    categories={
        StatusCategory.DONE: (CaseStatus.RESOLVED, CaseStatus.CLOSED),
        StatusCategory.IN_PROGRESS: (CaseStatus.CONTAINED,),
    },
)

names = st.text(min_size=1).filter(str.strip)
statuses = st.sampled_from(CaseStatus)
natives = st.builds(
    NativeStatus,
    name=names,
    id=st.none() | names,
    category=st.none() | st.sampled_from(StatusCategory),
)


@pytest.mark.parametrize("text", ["In Progress", "in progress", " IN PROGRESS ", "3", " 3"])
def test_a_status_is_named_by_id_or_name(text: str) -> None:
    assert IN_PROGRESS.matches(text)


@pytest.mark.parametrize("text", ["", "Progress", "33", "None", "in_progress"])
def test_nothing_else_names_it(text: str) -> None:
    assert not IN_PROGRESS.matches(text)


def test_a_status_without_an_id_is_named_by_its_name_only() -> None:
    assert NativeStatus(name="Done").matches("done")
    assert not NativeStatus(name="Done").matches("None")


@given(natives)
def test_every_status_matches_itself(native: NativeStatus) -> None:
    assert native.matches(native.name)
    assert native.id is None or native.matches(native.id)


def test_a_case_status_that_is_not_in_the_map_is_not_projected() -> None:
    assert MAPS.native_for(CaseStatus.OPEN) == "To Do"
    assert MAPS.native_for(CaseStatus.CLOSED) is None


def test_a_mapped_name_goes_before_its_category() -> None:
    assert MAPS.meanings_of(IN_PROGRESS) == (CaseStatus.TRIAGE,)


def test_an_unmapped_name_falls_back_on_its_category() -> None:
    done = NativeStatus(name="Shipped", category=StatusCategory.DONE)

    assert MAPS.meanings_of(done) == (CaseStatus.RESOLVED, CaseStatus.CLOSED)
    assert MAPS.meanings_of(done, by_category=False) is None


@pytest.mark.parametrize("category", [None, StatusCategory.NEW])
def test_a_status_without_a_mapped_category_is_unmapped(category: StatusCategory | None) -> None:
    assert MAPS.meanings_of(NativeStatus(name="Exotic", category=category)) is None


@given(st.dictionaries(names, statuses), natives)
def test_an_inbound_answer_comes_from_the_map_and_nowhere_else(
    inbound: dict[str, CaseStatus], native: NativeStatus
) -> None:
    found = StatusMap(outbound={}, inbound=inbound).meanings_of(native)

    entries = {status for name, status in inbound.items() if native.matches(name)}
    assert found is None if not entries else found is not None and set(found) <= entries


@given(st.dictionaries(statuses, names))
def test_one_to_one_maps_bring_every_status_back(outbound: dict[CaseStatus, str]) -> None:
    outbound = {status: f"{status}-{name}" for status, name in outbound.items()}
    maps = StatusMap(outbound=outbound, inbound={name: s for s, name in outbound.items()})

    for status, name in outbound.items():
        assert maps.meanings_of(NativeStatus(name=name)) == (status,)


def test_an_instance_has_its_own_entries_in_both_directions() -> None:
    own = StatusOverrides(
        outbound={CaseStatus.CONTAINED: "Blocked"}, inbound={"blocked": CaseStatus.CONTAINED}
    )

    assert own.native_for(CaseStatus.CONTAINED) == "Blocked"
    assert own.native_for(CaseStatus.OPEN) is None
    assert own.meaning_of(NativeStatus(name="Blocked")) is CaseStatus.CONTAINED
    assert own.meaning_of(NativeStatus(name="Open")) is None


def test_the_overrides_of_two_instances_share_nothing() -> None:
    assert StatusOverrides().inbound is not StatusOverrides().inbound


@pytest.mark.parametrize(
    "stored",
    [{"outbound": {"reopened": "X"}}, {"inbound": {"X": "reopened"}}, {"other": {}}],
)
def test_overrides_name_statuses_of_the_ladder_only(stored: object) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(stored, StatusOverrides)
