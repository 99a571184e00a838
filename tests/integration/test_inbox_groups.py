"""Deliveries that share a transaction end as they would have one by one: streams, both ways.

Each stream goes to a tenant whose deliveries are stored plainly, and to another whose deliveries
come many at once. What is left in the database, and every answer, must not tell the two apart.
"""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest
from sqlalchemy import event, select, update

from casebridge.bridge import Bridge
from casebridge.domain.actors import TimelineKind
from casebridge.persistence.cases import AnnotationRow, CaseRow, TimelineRow
from casebridge.persistence.connectors import ConnectorRow, RefRow
from casebridge.persistence.inbox import InboundEventRow, UnmappedStatusRow
from casebridge.persistence.schema import Row
from casebridge.services.authenticity import InboundRequest
from casebridge.services.inbox import Inbox, InboxAnswer
from casebridge_core.signatures import sign
from tests.integration.acme import US
from tests.integration.desk import Desk
from tests.integration.plain_inbox import store_plainly
from tests.integration.rows import NOON

CASES, BATCHES, AT_ONCE = 4, 4, 24
STATUSES = ("Open", "Triage", "Contained", "Resolved", "Closed", "Limbo", "Limbo", "Waiting")
PEOPLE = ({"id": "ada", "name": "Ada"}, {"id": "ben"}, {"id": US.id}, None)
TABLES: tuple[type[Row], ...] = (
    CaseRow,
    RefRow,
    TimelineRow,
    InboundEventRow,
    UnmappedStatusRow,
    AnnotationRow,
)
THEIR_OWN = {"id", "public_id", "tenant_id", "token_id", "correlation_key", "deep_link", "headers"}
"""Columns by which the tenants differ in any case."""


@dataclass
class Moment:
    """The time of day, for a tenant's inbox."""

    now: datetime = NOON

    def __call__(self) -> datetime:
        return self.now


class Tenant:
    """A tenant with two connectors, some cases with a ticket at each, and an inbox of its own."""

    def __init__(self, desk: Desk, name: str, *, plainly: bool) -> None:
        self.desk, self.caller = desk, desk.stranger(name)
        self.bridge: Bridge = desk.app.state.bridge
        self.clock = Moment()
        shared = self.bridge.inbox
        self.inbox = Inbox(
            self.bridge.database,
            shared._authenticity,
            shared._connections,
            shared._fanout,
            self.clock,
        )
        if plainly:
            store_plainly(self.inbox)
        self.token = self.caller.mint_token()
        for site in ("one", "two"):
            self.caller.add_connector(base_url=f"https://{site}.example")
        self.cases = [self.caller.create_case() for _ in range(CASES)]
        self.run(self._link)
        self.deliver([b'{"nobody": "knows"}'])  # from now on, deliveries keep their order

    def run(self, work: Any, *arguments: Any) -> Any:
        return self.desk.http.blocking_portal.call(work, *arguments)

    async def _link(self) -> None:
        """Name each ticket after its place, and let both sides agree since noon."""
        async with self.bridge.database.write() as session:
            ids = [case["id"] for case in self.cases]
            of_case = select(CaseRow).where(CaseRow.public_id.in_(ids)).order_by(CaseRow.id)
            for number, case in enumerate((await session.scalars(of_case)).all()):
                case.status_changed_at = case.created_at = case.updated_at = NOON
                refs = select(RefRow).where(RefRow.case_id == case.id).order_by(RefRow.id)
                for site, ref in zip(
                    ("one", "two"), (await session.scalars(refs)).all(), strict=True
                ):
                    ref.external_id = f"{site}-{number}"
                    ref.external_key, ref.external_url = f"K-{number}", f"https://x/K-{number}"
                    ref.settled_status, ref.settled_native = "open", "Open"
                    ref.ticket_status, ref.due_at = "Open", None
                    ref.created_at = ref.updated_at = NOON
            mine = ConnectorRow.tenant_id == case.tenant_id
            await session.execute(update(ConnectorRow).where(mine).values(account_id=US.id))

    def deliver(self, bodies: Sequence[bytes]) -> list[InboxAnswer]:
        """Deliver all of them at once, in their order."""

        async def work() -> list[InboxAnswer]:
            return await asyncio.gather(*(self.inbox.receive(self._request(b)) for b in bodies))

        answers: list[InboxAnswer] = self.run(work)
        return answers

    def _request(self, body: bytes) -> InboundRequest:
        headers = {"x-aisoc-signature": sign(self.token["secret"], body)}
        return InboundRequest(token_id=self.token["id"], headers=headers, body=body)

    def remains(self) -> dict[str, list[Any]]:
        """Return what is in the database, without what tells the tenants apart in any case."""

        async def read() -> dict[str, list[Any]]:
            async with self.bridge.database.read() as session:
                first = await session.scalar(
                    select(CaseRow).where(CaseRow.public_id == self.cases[0]["id"])
                )
                assert first is not None
                found: dict[type[Row], list[Any]] = {}
                for table in TABLES:
                    mine = select(table).where(table.__table__.c.tenant_id == first.tenant_id)
                    if table is TimelineRow:
                        mine = mine.where(TimelineRow.kind != TimelineKind.CASE_CREATED)
                    found[table] = list((await session.scalars(mine.order_by(table.id))).all())
                connectors = select(ConnectorRow).where(ConnectorRow.tenant_id == first.tenant_id)
                ranks = {
                    "case_id": _ranks(found[CaseRow]),
                    "ref_id": _ranks(found[RefRow]),
                    "connector_id": _ranks((await session.scalars(connectors)).all()),
                    "event_id": {row.id: row.body_digest for row in found[InboundEventRow]},
                }
            return {
                table.__tablename__: _in_order(table, [_told(row, ranks) for row in rows])
                for table, rows in found.items()
            }

        remains: dict[str, list[Any]] = self.run(read)
        return remains


def _ranks(rows: Sequence[Row]) -> dict[int, int]:
    return {row.id: rank for rank, row in enumerate(sorted(rows, key=lambda row: row.id))}


def _told(row: Row, ranks: dict[str, dict[int, Any]]) -> tuple[tuple[str, str], ...]:
    told = {}
    for name in row.__table__.columns.keys():  # noqa: SIM118 - a column collection
        value = getattr(row, name)
        if name not in THEIR_OWN:
            known = ranks[name].get(value) if name in ranks else value
            told[name] = re.sub(r"\bevt_[a-z2-7]{20}", "evt", repr(known))
    return tuple(sorted(told.items()))


def _in_order(table: type[Row], rows: list[Any]) -> list[Any]:
    """A case's own lines have an order; what is of different cases has none."""
    if table is TimelineRow:
        return sorted(rows, key=lambda row: dict(row)["case_id"])
    return rows if table in {CaseRow, RefRow} else sorted(rows)


def stream(seed: int) -> Iterator[list[bytes]]:
    """Return batches of deliveries, of which some bear on one ticket, some repeat, some are odd."""
    chance = random.Random(seed)  # noqa: S311 - a stream is no secret
    sent: list[bytes] = [b'{"hello": "world"}']
    for batch in range(BATCHES):
        bodies = []
        for number in range(AT_ONCE):
            body = msgspec.json.encode({"acme": _event(chance, batch, number)})
            bodies.append(body if chance.random() < 0.8 else chance.choice(sent))
            sent.append(bodies[-1])
        yield bodies


def _event(chance: random.Random, batch: int, number: int) -> dict[str, Any]:
    site, case = chance.choice(("one", "two")), chance.randrange(CASES + 1)
    at = NOON + timedelta(minutes=batch, seconds=chance.randrange(-40, 45))
    told: dict[str, Any] = {"external_id": f"{site}-{case}"}
    if chance.random() < 0.9:
        told["occurred_at"] = at.isoformat()
    if chance.random() < 0.9:
        told["site"] = f"{site}.example"
    if chance.random() < 0.8:
        told["status"] = {"name": chance.choice(STATUSES)}
    if (actor := chance.choice(PEOPLE)) is not None:
        told["actor"] = actor
    if chance.random() < 0.2:
        told["assignee"] = chance.choice(PEOPLE)
    if chance.random() < 0.1:
        told["key"] = f"K-{chance.randrange(9)}"
    if chance.random() < 0.3:
        told["delivery_id"] = f"delivery-{chance.randrange(30)}"
    if chance.random() < 0.05:
        told["deleted"] = True
    if chance.random() < 0.3:
        told["comments"] = [
            {
                "external_id": f"comment-{chance.randrange(3)}",
                "action": chance.choice(("created", "edited", "deleted")),
                "text": f"words {batch} {number}",
                "author": {"id": chance.choice(("ada", US.id))},
                "at": at.isoformat(),
            }
        ]
    return told


@pytest.mark.parametrize("seed", range(2))
def test_a_stream_ends_the_same_in_groups_and_one_by_one(desk_of_both: Desk, seed: int) -> None:
    plain = Tenant(desk_of_both, f"plain {seed}", plainly=True)
    grouped = Tenant(desk_of_both, f"grouped {seed}", plainly=False)
    reasons = set()
    for number, bodies in enumerate(stream(seed)):
        answers = []
        for tenant in (plain, grouped):
            tenant.clock.now = NOON + timedelta(minutes=number)
            told = tenant.deliver(bodies)
            answers.append([(answer.applied, answer.reason) for answer in told])
        assert answers[0] == answers[1]
        reasons |= {reason for _, reason in answers[0]}

    there, here = plain.remains(), grouped.remains()
    for table, rows in there.items():
        assert here[table] == rows, table
    assert len(reasons) > 5  # the stream is worth something
    assert all(there.values())


def test_a_group_is_one_transaction(desk_of_both: Desk) -> None:
    tenant = Tenant(desk_of_both, "counted", plainly=False)
    commits = []
    engine = tenant.bridge.database.engine.sync_engine
    event.listen(engine, "commit", lambda _: commits.append(1))

    told = [
        {"external_id": f"one-{n}", "site": "one.example", "status": {"name": "Triage"}}
        for n in range(CASES)
    ]
    answers = tenant.deliver([msgspec.json.encode({"acme": each}) for each in told])

    assert [answer.applied for answer in answers] == [True] * CASES
    assert len(commits) == 1


def test_one_that_fails_fails_nobody_else(desk_of_both: Desk) -> None:
    tenant = Tenant(desk_of_both, "unlucky", plainly=False)
    store = tenant.inbox._together._work

    async def fail_on_one(letters: Any) -> Any:
        stored = await store(letters)
        if any(b"one-1" in letter.body for letter in letters):
            msg = "unlucky"
            raise OSError(msg)
        return stored

    tenant.inbox._together._work = fail_on_one
    told = [
        {"external_id": f"one-{n}", "site": "one.example", "status": {"name": "Triage"}}
        for n in range(CASES)
    ]
    bodies = [msgspec.json.encode({"acme": each}) for each in told]

    async def work() -> list[Any]:
        requests = [tenant.inbox.receive(tenant._request(body)) for body in bodies]
        return await asyncio.gather(*requests, return_exceptions=True)

    ends = tenant.run(work)

    assert [isinstance(end, Exception) for end in ends] == [False, True, False, False]
