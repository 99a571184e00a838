"""Pacing: a connector's bucket of calls, and the shares of those who wait."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from casebridge.domain.pacing import Bucket, Demand, share_out

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
rates = st.integers(min_value=1, max_value=100_000)
pauses = st.timedeltas(timedelta(0), timedelta(days=30))
buckets = st.builds(
    Bucket,
    per_minute=rates,
    tokens=st.floats(min_value=-1000, max_value=1, allow_nan=False),
    at=st.just(NOON),
)
demands = st.lists(
    st.builds(
        Demand,
        tenant_id=st.integers(min_value=1, max_value=4),
        connector_id=st.integers(min_value=1, max_value=9),
        wanted=st.integers(min_value=-3, max_value=12),
    ),
    unique_by=lambda demand: demand.connector_id,
    max_size=9,
)
places_free = st.integers(min_value=0, max_value=40)
turns = st.integers(min_value=0, max_value=1000)


def wanted_of(demand: Demand) -> int:
    return max(0, demand.wanted)


@given(bucket=buckets, pause=pauses, calls=st.integers(min_value=0, max_value=50))
def test_a_bucket_never_holds_more_than_its_capacity(
    bucket: Bucket, pause: timedelta, calls: int
) -> None:
    later = bucket.charged(calls).refilled(NOON + pause)

    assert later.tokens <= later.capacity


@pytest.mark.parametrize(("per_minute", "capacity"), [(1, 1), (6, 1), (60, 10), (600, 100)])
def test_a_bucket_holds_ten_seconds_worth_and_at_least_one_call(
    per_minute: int, capacity: float
) -> None:
    full = Bucket(per_minute=per_minute, tokens=0, at=NOON).refilled(NOON + timedelta(days=1))

    assert full.tokens == full.capacity == capacity


@pytest.mark.parametrize(("seconds", "tokens"), [(0, 0.0), (1, 2.0), (5, 10.0), (60, 20.0)])
def test_a_bucket_refills_with_its_rate(seconds: int, tokens: float) -> None:
    bucket = Bucket(per_minute=120, tokens=0.0, at=NOON)

    assert bucket.refilled(NOON + timedelta(seconds=seconds)).tokens == pytest.approx(tokens)


@given(bucket=buckets, first=pauses, second=pauses)
def test_how_often_one_looks_changes_nothing(
    bucket: Bucket, first: timedelta, second: timedelta
) -> None:
    at_once = bucket.refilled(NOON + first + second)

    in_two = bucket.refilled(NOON + first).refilled(NOON + first + second)

    assert in_two.tokens == pytest.approx(at_once.tokens)
    assert in_two.at == at_once.at


@given(bucket=buckets, back=pauses)
def test_a_clock_that_goes_back_gives_and_takes_nothing(bucket: Bucket, back: timedelta) -> None:
    looked_at_early = bucket.refilled(NOON - back)

    assert looked_at_early == bucket


@given(bucket=buckets, calls=st.integers(min_value=0, max_value=100))
def test_every_call_is_charged_as_a_debt_if_need_be(bucket: Bucket, calls: int) -> None:
    assert bucket.charged(calls).tokens == pytest.approx(bucket.tokens - calls)


@given(bucket=buckets)
def test_a_bucket_is_closed_until_it_says_that_it_opens(bucket: Bucket) -> None:
    opens_at = bucket.opens_at()
    assume(opens_at is not None)
    assert opens_at is not None

    shortly_before = NOON + (opens_at - NOON) * 0.5
    then = bucket.refilled(opens_at + timedelta(milliseconds=1))

    assert then.opens_at() is None
    assert then.tokens == pytest.approx(1, abs=0.01 + bucket.per_minute / 60_000)
    assert bucket.refilled(shortly_before).tokens < 1


@given(tokens=st.floats(min_value=0, exclude_min=True, max_value=100), per_minute=rates)
def test_a_bucket_that_holds_anything_is_open(tokens: float, per_minute: int) -> None:
    assert Bucket(per_minute=per_minute, tokens=tokens, at=NOON).opens_at() is None


@given(
    per_minute=st.integers(min_value=6, max_value=600),
    costs=st.lists(st.integers(min_value=1, max_value=5), min_size=1, max_size=60),
)
def test_over_any_time_no_more_is_spent_than_the_rate_the_capacity_and_one_debt(
    per_minute: int, costs: list[int]
) -> None:
    bucket = Bucket(per_minute=per_minute, tokens=1.0, at=NOON)
    spent = 0

    for cost in costs:
        opens_at = bucket.opens_at()
        bucket = bucket.refilled(opens_at or bucket.at).charged(cost)
        spent += cost

    minutes = (bucket.at - NOON).total_seconds() / 60
    assert spent <= minutes * per_minute + bucket.capacity + max(costs) + 0.001


@given(demands=demands, places=places_free, turn=turns)
def test_nobody_gets_more_than_wanted_and_no_place_is_wasted(
    demands: list[Demand], places: int, turn: int
) -> None:
    given_out = share_out(demands, places, turn=turn)

    wanted = {demand.connector_id: wanted_of(demand) for demand in demands}
    assert all(0 < count <= wanted[connector] for connector, count in given_out.items())
    assert sum(given_out.values()) == min(places, sum(wanted.values()))


@given(demands=demands, turn=turns)
def test_every_tenant_gets_one_before_any_gets_two(demands: list[Demand], turn: int) -> None:
    waiting = {demand.tenant_id for demand in demands if demand.wanted > 0}

    given_out = share_out(demands, len(waiting), turn=turn)

    tenant_of = {demand.connector_id: demand.tenant_id for demand in demands}
    shares = Counter(tenant_of[connector] for connector in given_out)
    assert shares == Counter(waiting)


@given(demands=demands, places=places_free, turn=turns)
def test_a_tenant_is_more_than_one_place_behind_only_when_it_wants_no_more(
    demands: list[Demand], places: int, turn: int
) -> None:
    given_out = share_out(demands, places, turn=turn)

    got: Counter[int] = Counter()
    wanted: Counter[int] = Counter()
    for demand in demands:
        got[demand.tenant_id] += given_out.get(demand.connector_id, 0)
        wanted[demand.tenant_id] += wanted_of(demand)
    most = max(got.values(), default=0)
    assert all(got[tenant] >= most - 1 or got[tenant] == wanted[tenant] for tenant in wanted)


@given(demands=demands, places=places_free, turn=turns)
def test_within_a_tenant_connectors_share_alike(
    demands: list[Demand], places: int, turn: int
) -> None:
    given_out = share_out(demands, places, turn=turn)

    for tenant in {demand.tenant_id for demand in demands}:
        own = [demand for demand in demands if demand.tenant_id == tenant]
        got = {demand.connector_id: given_out.get(demand.connector_id, 0) for demand in own}
        most = max(got.values())
        for demand in own:
            share = got[demand.connector_id]
            assert share >= most - 1 or share == wanted_of(demand)


def test_a_backlog_of_a_thousand_leaves_the_other_tenant_its_place() -> None:
    backlog = Demand(tenant_id=1, connector_id=1, wanted=1000)
    newcomer = Demand(tenant_id=2, connector_id=2, wanted=1)

    for turn in range(4):
        assert share_out([backlog, newcomer], 2, turn=turn) == {1: 1, 2: 1}


@pytest.mark.parametrize("tenants", [1, 2, 3, 4])
@pytest.mark.parametrize("connectors", [1, 2, 3, 4])
def test_over_many_turns_everybody_is_first_equally_often(tenants: int, connectors: int) -> None:
    waiting = [
        Demand(tenant_id=tenant, connector_id=10 * tenant + number, wanted=1000)
        for tenant in range(tenants)
        for number in range(connectors)
    ]

    first = Counter(
        connector
        for turn in range(2 * len(waiting))
        for connector in share_out(waiting, 1, turn=turn)
    )

    assert first == {demand.connector_id: 2 for demand in waiting}
