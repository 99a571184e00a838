"""The maps: no echo moves a case, and both directions are total and pure."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from casebridge_core import (
    CaseStatus,
    Connector,
    NativeStatus,
    StatusCategory,
    StatusOverrides,
    VendorHooks,
)
from casebridge_jira import JiraConfig
from casebridge_jira.statuses import KNOWN_STATUSES, STATUS_MAP

Connect = Callable[..., Connector[JiraConfig]]

natives = st.builds(
    NativeStatus,
    name=st.one_of(st.text(min_size=1), st.sampled_from([s.name for s in KNOWN_STATUSES])),
    id=st.one_of(st.none(), st.integers(0, 99999).map(str)),
    category=st.one_of(st.none(), st.sampled_from(StatusCategory)),
)
overrides = st.builds(
    StatusOverrides,
    outbound=st.dictionaries(
        st.sampled_from(CaseStatus), st.sampled_from([s.name for s in KNOWN_STATUSES])
    ),
    inbound=st.dictionaries(
        st.sampled_from([s.name for s in KNOWN_STATUSES]), st.sampled_from(CaseStatus)
    ),
)
quiet = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None
)


@quiet
@given(status=st.sampled_from(CaseStatus), own=overrides, fallback=st.booleans())
def test_a_push_and_its_echo_leave_the_case_where_it_was(
    connect: Connect,
    hooks: VendorHooks,
    status: CaseStatus,
    own: StatusOverrides,
    *,
    fallback: bool,
) -> None:
    connector = connect(statuses=own, category_fallback=fallback)
    native = hooks.native_status(connector, status)
    assert native is not None
    assert status in hooks.meanings_of(connector, NativeStatus(name=native))


@quiet
@given(native=natives)
def test_meanings_are_total_and_pure(
    connect: Connect, hooks: VendorHooks, native: NativeStatus
) -> None:
    connector = connect()
    first = hooks.meanings_of(connector, native)
    assert first == hooks.meanings_of(connector, native)
    assert set(first) <= set(CaseStatus)
    assert first or native.category is None


@pytest.mark.parametrize("status", CaseStatus)
def test_every_case_status_goes_to_a_known_status(status: CaseStatus) -> None:
    native = STATUS_MAP.native_for(status)
    assert native is not None
    assert any(known.matches(native) for known in KNOWN_STATUSES)


def test_an_unmapped_name_goes_by_its_category(connect: Connect, hooks: VendorHooks) -> None:
    in_review = NativeStatus(name="In Review", id="10003", category=StatusCategory.IN_PROGRESS)
    assert hooks.meanings_of(connect(), in_review) == (CaseStatus.TRIAGE, CaseStatus.CONTAINED)


@pytest.mark.parametrize("name", ["Done", "Cancelled", "Duplicate", "Won't Do", "Rejected"])
def test_whatever_ends_an_issue_ends_the_case(
    connect: Connect, hooks: VendorHooks, name: str
) -> None:
    end = NativeStatus(name=name, id="10009", category=StatusCategory.DONE)
    assert hooks.meanings_of(connect(), end)[0] is CaseStatus.RESOLVED


def test_without_the_fallback_an_unmapped_name_is_unmapped(
    connect: Connect, hooks: VendorHooks
) -> None:
    in_review = NativeStatus(name="In Review", id="10003", category=StatusCategory.IN_PROGRESS)
    assert hooks.meanings_of(connect(category_fallback=False), in_review) == ()


def test_the_instances_own_entry_goes_first(connect: Connect, hooks: VendorHooks) -> None:
    own = StatusOverrides(inbound={"10003": CaseStatus.CONTAINED})
    in_review = NativeStatus(name="In Review", id="10003")
    assert hooks.meanings_of(connect(statuses=own), in_review)[0] is CaseStatus.CONTAINED
