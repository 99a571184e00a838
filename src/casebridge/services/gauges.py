"""What stands in the rows at this moment, as figures: asked of the database at each scrape."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from prometheus_client.core import GaugeMetricFamily
from sqlalchemy import Row, func, select

from casebridge.domain.pacing import Bucket
from casebridge.persistence.connectors import ConnectorRow, RefRow
from casebridge.persistence.database import Database
from casebridge.persistence.inbox import UnmappedStatusRow
from casebridge.persistence.tenants import TenantRow
from casebridge.services.clock import Clock
from casebridge.services.connector_activity import ConnectorActivity, Failures

_PER_CONNECTOR = ("connector", "vendor")


class Gauges:
    """Counts what waits, what failed and what is held up, for every connector that is in use."""

    def __init__(self, database: Database, clock: Clock) -> None:
        """Bind the database."""
        self._database = database
        self._clock = clock
        self._activity = ConnectorActivity(database, clock)

    async def read(self) -> list[GaugeMetricFamily]:
        """Return every gauge, each with a sample for each connector that is not removed.

        Every process that shares the database tells the same, so one of them is enough to ask.
        """
        now = self._clock()
        async with self._database.read() as session:
            connectors = [
                (row, tenant)
                for row, tenant in await session.execute(
                    select(ConnectorRow, TenantRow.public_id)
                    .join(TenantRow, TenantRow.id == ConnectorRow.tenant_id)
                    .where(ConnectorRow.removed_at.is_(None))
                    .order_by(ConnectorRow.id)
                )
            ]
            due = (
                await session.execute(
                    select(RefRow.connector_id, func.count(), func.min(RefRow.due_at))
                    .where(RefRow.due_at <= now)
                    .group_by(RefRow.connector_id)
                )
            ).all()
            unmapped = (
                await session.execute(
                    select(UnmappedStatusRow.connector_id, func.count())
                    .where(
                        UnmappedStatusRow.mapped_to.is_(None),
                        UnmappedStatusRow.dismissed_at.is_(None),
                    )
                    .group_by(UnmappedStatusRow.connector_id)
                )
            ).all()
        rows = [row for row, _ in connectors]
        failures = await self._activity.failures(rows)
        return [
            _known(connectors),
            *_waiting(rows, due, now),
            *_failing(rows, [failures[row.id] for row in rows]),
            *_held_up(rows, now),
            _family(
                "unmapped_statuses",
                "Statuses of the vendor that came in and that nobody has mapped.",
                zip(rows, _of(rows, unmapped), strict=True),
            ),
        ]


def _known(connectors: Sequence[tuple[ConnectorRow, str]]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(
        "casebridge_connector_info",
        "1 for each connector: what its id stands for.",
        labels=(*_PER_CONNECTOR, "name", "tenant"),
    )
    for row, tenant in connectors:
        family.add_metric((row.public_id, row.vendor, row.name, tenant), 1)
    return family


def _waiting(
    rows: Sequence[ConnectorRow], due: Sequence[Row[int, int, datetime | None]], now: datetime
) -> Iterable[GaugeMetricFamily]:
    since = {connector: oldest for connector, _, oldest in due}
    counts = [(connector, count) for connector, count, _ in due]
    yield _family(
        "tickets_due",
        "Tickets that are due to be brought up to date.",
        zip(rows, _of(rows, counts), strict=True),
    )
    yield _family(
        "queue_age_seconds",
        "For how long the ticket that waits longest has been due.",
        ((row, _seconds(since.get(row.id), now)) for row in rows),
    )


def _failing(
    rows: Sequence[ConnectorRow], failures: Sequence[Failures]
) -> Iterable[GaugeMetricFamily]:
    yield _family(
        "tickets_failing",
        "Tickets whose last attempt failed and that are tried again by themselves.",
        zip(rows, (each.failing for each in failures), strict=True),
    )
    yield _family(
        "dead_letters",
        "Tickets that nobody tries again until somebody asks.",
        zip(rows, (each.dead for each in failures), strict=True),
    )


def _held_up(rows: Sequence[ConnectorRow], now: datetime) -> Iterable[GaugeMetricFamily]:
    yield _family(
        "breaker_open",
        "1 while a connector is paused because every call of it would fail.",
        ((row, row.paused_at is not None and not row.paused_by_hand) for row in rows),
    )
    yield _family(
        "paused_by_hand",
        "1 while a connector is paused by a person.",
        ((row, row.paused_at is not None and row.paused_by_hand) for row in rows),
    )
    yield _family(
        "quiet_seconds",
        "How much longer the vendor, or our own limit, asks for quiet.",
        ((row, _seconds(now, row.quiet_until)) for row in rows),
    )
    yield _family(
        "calls_left",
        "Vendor calls that the connector's own limit leaves now, where it has one.",
        ((row, _left(row, now)) for row in rows if row.calls_per_minute is not None),
    )
    yield _family(
        "reconcile_lag_seconds",
        "Since when changes that no webhook told of may have been missed.",
        ((row, _seconds(row.reconciled_at, now)) for row in rows if row.reconciled_at is not None),
    )


def _left(row: ConnectorRow, now: datetime) -> float:
    if row.calls_per_minute is None:
        return 0
    bucket = Bucket(per_minute=row.calls_per_minute, tokens=row.tokens, at=row.tokens_at or now)
    return max(bucket.refilled(now).tokens, 0)


def _seconds(since: datetime | None, until: datetime | None) -> float:
    if since is None or until is None:
        return 0
    return max((until - since).total_seconds(), 0)


def _of(rows: Sequence[ConnectorRow], counts: Iterable[tuple[int, int]]) -> list[int]:
    by_id: dict[int, int] = dict(counts)
    return [by_id.get(row.id, 0) for row in rows]


def _family(
    name: str, documentation: str, samples: Iterable[tuple[ConnectorRow, float]]
) -> GaugeMetricFamily:
    family = GaugeMetricFamily(f"casebridge_{name}", documentation, labels=_PER_CONNECTOR)
    for row, number in samples:
        family.add_metric((row.public_id, row.vendor), number)
    return family
