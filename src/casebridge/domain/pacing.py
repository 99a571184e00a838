"""How much work may start now: a token bucket per connector, and fair shares between tenants."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TypeVar

import msgspec

ItemT = TypeVar("ItemT")


class Bucket(msgspec.Struct, frozen=True, kw_only=True):
    """A connector's allowance of vendor calls.

    It refills with ``per_minute`` and holds at most ten seconds' worth (at least one call). A step
    starts while ``tokens`` is positive and is charged with the calls it made afterwards, so the
    bucket can fall below zero and then has to fill up again.
    """

    per_minute: int
    tokens: float
    at: datetime

    @property
    def capacity(self) -> float:
        """The most that it holds."""
        return max(1.0, self.per_minute / 6)

    def refilled(self, now: datetime) -> Bucket:
        """Return the bucket as it is at ``now``."""
        minutes = max(0.0, (now - self.at).total_seconds() / 60)
        tokens = min(self.capacity, self.tokens + minutes * self.per_minute)
        return Bucket(per_minute=self.per_minute, tokens=tokens, at=max(now, self.at))

    def charged(self, calls: int) -> Bucket:
        """Return the bucket after so many calls."""
        return Bucket(per_minute=self.per_minute, tokens=self.tokens - calls, at=self.at)

    def opens_at(self) -> datetime | None:
        """Return when the next step may start, or None when it may start now."""
        if self.tokens > 0:
            return None
        seconds = (1.0 - self.tokens) / self.per_minute * 60
        return self.at + timedelta(seconds=seconds)


class Demand(msgspec.Struct, frozen=True, kw_only=True):
    """What one connector could start now: the smaller of its due refs and its free places."""

    tenant_id: int
    connector_id: int
    wanted: int


def share_out(demands: Sequence[Demand], places: int, *, turn: int = 0) -> dict[int, int]:
    """Deal ``places`` out and return how many each connector gets.

    One place at a time, tenant by tenant and within a tenant connector by connector; ``turn`` says
    who is first, so that over many rounds everybody is.
    """
    queues: dict[int, list[Demand]] = defaultdict(list)
    for demand in sorted(demands, key=lambda each: each.connector_id):
        if demand.wanted > 0:
            queues[demand.tenant_id].append(demand)
    # within a tenant the turn goes on once every tenant was first: in step, some would never be
    inner = turn // max(1, len(queues))
    order = [_rotated(queues[tenant], inner) for tenant in _rotated(sorted(queues), turn)]
    given: dict[int, int] = defaultdict(int)
    while places > 0 and order:
        for queue in list(order):
            if places == 0:
                break
            demand = queue.pop(0)
            given[demand.connector_id] += 1
            places -= 1
            if given[demand.connector_id] < demand.wanted:
                queue.append(demand)
            if not queue:
                order.remove(queue)
    return dict(given)


def _rotated(items: Sequence[ItemT], turn: int) -> list[ItemT]:
    start = turn % len(items) if items else 0
    return [*items[start:], *items[:start]]
