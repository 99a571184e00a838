"""Who is turned away from the inbox, for how long, and who never is."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from casebridge.services import buckets
from casebridge.services.faults import TooMany
from casebridge.services.throttle import Throttle

VENDOR, STRANGER = "192.0.2.1", "203.0.113.9"
TOKEN = "tok_vendor"


class Watch:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 1, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def throttle(watch: Watch) -> Throttle:
    """Ten deliveries at once and one a second; five refusals at once and one in two seconds."""
    return Throttle(watch, per_token=60, per_address=30)


def seconds_to_wait(work: Callable[[], None]) -> int:
    """Return for how long somebody is turned away; 0 when he is not."""
    try:
        work()
    except TooMany as error:
        return error.retry_after
    return 0


def flood(throttle: Throttle, address: str, times: int = 50) -> None:
    for _ in range(times):
        throttle.refused(address)


def test_an_address_that_is_refused_again_and_again_is_turned_away(throttle: Throttle) -> None:
    for _ in range(5):
        throttle.knock(STRANGER, TOKEN)
        throttle.refused(STRANGER)

    assert seconds_to_wait(lambda: throttle.knock(STRANGER, TOKEN)) == 2
    throttle.knock(VENDOR, TOKEN)


def test_a_longer_flood_is_not_a_longer_sentence(throttle: Throttle, watch: Watch) -> None:
    flood(throttle, STRANGER, 10_000)

    assert seconds_to_wait(lambda: throttle.knock(STRANGER, TOKEN)) == 2
    watch.now += timedelta(seconds=2)
    throttle.knock(STRANGER, TOKEN)


def test_a_flood_with_a_known_token_uses_up_nothing_of_the_token(throttle: Throttle) -> None:
    flood(throttle, STRANGER, 1000)

    throttle.knock(VENDOR, TOKEN)
    for _ in range(10):
        throttle.admitted(VENDOR, TOKEN)


def test_who_delivered_lately_is_heard_though_others_at_the_address_flood(
    throttle: Throttle, watch: Watch
) -> None:
    throttle.admitted(VENDOR, TOKEN)
    flood(throttle, VENDOR)

    throttle.knock(VENDOR, TOKEN)
    assert seconds_to_wait(lambda: throttle.knock(VENDOR, "tok_another")) > 0
    watch.now += timedelta(days=7)
    flood(throttle, VENDOR)
    assert seconds_to_wait(lambda: throttle.knock(VENDOR, TOKEN)) > 0


def test_a_token_delivers_at_its_rate_and_no_faster(throttle: Throttle, watch: Watch) -> None:
    for _ in range(10):
        throttle.admitted(VENDOR, TOKEN)

    assert seconds_to_wait(lambda: throttle.admitted(VENDOR, TOKEN)) == 1
    throttle.admitted(VENDOR, "tok_another")
    watch.now += timedelta(seconds=1)
    throttle.admitted(VENDOR, TOKEN)
    assert seconds_to_wait(lambda: throttle.admitted(VENDOR, TOKEN)) == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("2001:db8::1", "2001:db8::ffff:1"),
        ("2001:db8::1%eth0", "2001:db8::2"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
    ],
)
def test_addresses_of_one_customer_are_one(throttle: Throttle, one: str, other: str) -> None:
    flood(throttle, one)

    assert seconds_to_wait(lambda: throttle.knock(other, TOKEN)) > 0


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("2001:db8::1", "2001:db8:0:1::1"),
        ("203.0.113.9", "203.0.113.8"),
        ("", "unix socket"),
    ],
)
def test_addresses_of_others_are_others(throttle: Throttle, one: str, other: str) -> None:
    flood(throttle, one)

    throttle.knock(other, TOKEN)


def test_no_limit_means_none(watch: Watch) -> None:
    throttle = Throttle(watch, per_token=0, per_address=0)
    flood(throttle, STRANGER)

    throttle.knock(STRANGER, TOKEN)
    for _ in range(1000):
        throttle.admitted(VENDOR, TOKEN)


def test_what_is_remembered_is_bounded_and_a_stranger_cannot_have_a_vendor_forgotten(
    throttle: Throttle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(buckets, "_REMEMBERED", 100)
    throttle.admitted(VENDOR, TOKEN)
    flood(throttle, VENDOR)

    for number in range(1000):
        throttle.refused(f"198.51.{number // 250}.{number % 250}")

    sizes = [len(throttle._addresses), len(throttle._known)]
    assert sizes == [100, 1]
    throttle.knock(VENDOR, TOKEN)


def test_a_clock_that_goes_back_locks_nobody_out(throttle: Throttle, watch: Watch) -> None:
    flood(throttle, STRANGER)
    watch.now -= timedelta(days=1)
    flood(throttle, STRANGER)

    watch.now += timedelta(days=1, seconds=2)

    throttle.knock(STRANGER, TOKEN)
