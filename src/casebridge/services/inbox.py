"""The inbox: an authentic delivery in, one commit, one answer out."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from casebridge.domain.decision import Reason
from casebridge.persistence.database import Database
from casebridge.persistence.together import Together
from casebridge.services.authenticity import Authenticity, InboundRequest
from casebridge.services.clock import Clock
from casebridge.services.connections import Connections
from casebridge.services.deliveries import keepable, read
from casebridge.services.fanout import FanOut
from casebridge.services.faults import Invalid, Unavailable
from casebridge.services.inbox_group import InboxGroup, waves
from casebridge.services.inbox_statements import Statements
from casebridge.services.letters import Letter
from casebridge.services.reflection import note_unmapped
from casebridge.services.taking import Taking
from casebridge.telemetry.metrics import ECHOES, NOBODY, webhook_timed

log = logging.getLogger(__name__)

_ECHOES: Final = frozenset({Reason.OWN_WRITE, Reason.PUSH_IN_FLIGHT, Reason.LAST_KNOWN})

Stored = dict[str, Any]
"""The columns of a stored event."""


class InboxAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What the vendor is told. ``applied`` is whether the case took anything from the event."""

    applied: bool
    reason: str | None = None
    event_id: str | None = None


class Inbox:
    """Takes webhooks, and keeps every authentic one. It never calls a vendor."""

    def __init__(
        self,
        database: Database,
        authenticity: Authenticity,
        connections: Connections,
        fanout: FanOut,
        clock: Clock,
    ) -> None:
        """Bind what a delivery needs."""
        self._database = database
        self._authenticity = authenticity
        self._catalog = connections.catalog
        self._connections = connections
        self._fanout = fanout
        self._clock = clock
        self._statements = Statements(is_sqlite=database.is_sqlite)
        self._tenants: dict[int, str] = {}
        self._together = Together(self._store)

    async def receive(self, request: InboundRequest) -> InboxAnswer:
        """Take one delivery.

        Raises:
            Unauthenticated: it does not prove to be authentic; why is not told.
            Invalid: the body is not a JSON object; it is kept all the same.
            Unavailable: it could not be stored; nothing was, and the vendor shall send it again.
        """
        with webhook_timed() as told:
            try:
                row = await self._take(request)
            except (SQLAlchemyError, OSError) as error:
                raise Unavailable("the event could not be stored; send it again") from error
            vendor, reason = row["vendor"] or NOBODY, row["reason"]
            told[:] = vendor, "applied" if row["applied"] else str(reason)
        if reason in _ECHOES:
            ECHOES.labels(vendor).inc()
        if reason == Reason.MALFORMED:
            raise Invalid(row["detail"] or "", field="body")
        return InboxAnswer(applied=row["applied"], reason=reason, event_id=row["public_id"])

    async def _take(self, request: InboundRequest) -> Stored:
        row: Stored | None = None
        while row is None:
            admission = await self._authenticity.admit(request)
            headers = keepable(request.headers, self._catalog)
            reading = read(self._catalog, headers, request.body, vendor=admission.vendor)
            letter = Letter(
                admission=admission,
                headers=headers,
                body=request.body,
                digest=hashlib.sha256(request.body).hexdigest(),
                reading=reading,
            )
            row = await self._together.do(letter)
            if row is None:
                self._authenticity.forget(admission)
        log.info(
            "webhook %s for token %s: %s",
            row["public_id"],
            request.token_id,
            "applied" if row["applied"] else row["reason"],
        )
        return row

    async def _store(self, letters: Sequence[Letter]) -> list[Stored | None]:
        """Store deliveries and reflect them in their cases: one transaction.

        None stands for one whose token is no more what it was when it was admitted.
        """
        now = self._clock()
        async with self._database.write() as session:
            group = InboxGroup(
                session.sync_session, self._statements, self._connections, self._tenants, now
            )
            begun = await session.run_sync(group.begin, letters)
            arrived = [each for each in begun if each is not None]
            for number, wave in enumerate(waves(arrived)):
                takings = await session.run_sync(group.decide, wave, number)
                await self._follow_up(session, takings, now)
            await session.run_sync(group.note_use, arrived)
        return [each.row if each is not None else None for each in begun]

    async def _follow_up(
        self, session: AsyncSession, takings: Sequence[Taking], now: datetime
    ) -> None:
        """List what has no meaning, and make due what is to be looked at."""
        unmapped = [(each.ref, each.unmapped) for each in takings if each.unmapped is not None]
        for ref, native in sorted(unmapped, key=lambda each: (each[0].connector_id, each[1].name)):
            await note_unmapped(session, ref, native, now)
        for at in {each.due for each in takings if each.due is not None}:
            refs = [each.ref.id for each in takings if each.due == at]
            await self._fanout.schedule_refs(session, refs, at)
        if moved := [each for each in takings if each.moved]:
            cases = [each.case.id for each in moved]
            but = [each.ref.id for each in moved]
            await self._fanout.schedule_all(session, cases, now, but=but)
