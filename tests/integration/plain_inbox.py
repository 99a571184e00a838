"""The inbox as plainly as it can be: a transaction for each delivery, by the unit of work."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncSession

from casebridge.domain.decision import FINAL, Reason
from casebridge.persistence.inbox import InboundEventRow, InboxTokenRow
from casebridge.persistence.locks import hold
from casebridge.persistence.together import Together
from casebridge.services.consumer import Consumer
from casebridge.services.inbox import Inbox, Stored
from casebridge.services.letters import Arrived, Letter


def store_plainly(inbox: Inbox) -> None:
    """Have an inbox store each delivery by itself."""
    consumer = Consumer(inbox._connections, inbox._fanout, inbox._clock)

    async def store(letters: Sequence[Letter]) -> list[Stored | None]:
        return [await _store(inbox, consumer, letter) for letter in letters]

    inbox._together = Together(store, most=1)


async def _store(inbox: Inbox, consumer: Consumer, letter: Letter) -> Stored:
    now = inbox._clock()
    async with inbox._database.write() as session:
        row = InboundEventRow(**Arrived(letter, now).row)
        if letter.reading.event is not None and await _seen_before(session, row):
            row.reason = Reason.DUPLICATE
            session.add(row)
        else:
            session.add(row)
            await session.flush()
            await consumer.consume(session, row, letter.reading, received_at=now)
        token = await session.get_one(InboxTokenRow, letter.admission.token.id)
        token.last_used_at = now
    return {name: getattr(row, name) for name in InboundEventRow.__table__.columns.keys()}  # noqa: SIM118 - a column collection


async def _seen_before(session: AsyncSession, row: InboundEventRow) -> bool:
    known: list[ColumnElement[bool]] = [InboundEventRow.body_digest == row.body_digest]
    await hold(session, f"delivery:{row.token_id}:{row.body_digest}")
    if row.delivery_id is not None:
        known.append(
            (InboundEventRow.delivery_id == row.delivery_id)
            & (InboundEventRow.vendor == row.vendor)
        )
        await hold(session, f"delivery:{row.token_id}:{row.delivery_id}")
    dealt_with = InboundEventRow.applied | InboundEventRow.reason.in_(FINAL)
    query = select(InboundEventRow.id).where(InboundEventRow.token_id == row.token_id, dealt_with)
    for same in known:
        if await session.scalar(query.where(same).limit(1)) is not None:
            return True
    return False
