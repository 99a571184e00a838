"""The steps by which a ref gets its ticket: exactly one, whatever happened to the attempt before.

The attempt is noted before the call, so that whoever comes after a crash looks before it tries
again.
"""

from __future__ import annotations

from collections.abc import Awaitable
from datetime import datetime, timedelta
from typing import TypeVar

from casebridge.domain.actors import TimelineKind
from casebridge.engine.claims import Claim, Claims
from casebridge.engine.outcomes import conclude, note_failure, note_success, traffic
from casebridge.engine.situation import Situation
from casebridge.services import timeline
from casebridge.services.clock import Clock
from casebridge.services.replay import Replays
from casebridge.services.snapshots import note_ticket_status
from casebridge_core import (
    Capability,
    CasebridgeError,
    OutcomeUnknown,
    PushError,
    PushResult,
    Ticket,
    TicketNotFound,
)

ResultT = TypeVar("ResultT")


class Minting:
    """Creates tickets, and finds those of attempts that broke off; raises as `Steps` does."""

    def __init__(self, claims: Claims, replays: Replays, clock: Clock) -> None:
        """Bind what minting needs."""
        self._claims = claims
        self._replays = replays
        self._clock = clock

    async def mint(self, claim: Claim, now: Situation) -> bool:
        """Create the ticket; True when nothing is missing then, and the claim is given back."""
        await self._claims.note(claim, create_attempted_at=self._clock())
        try:
            result = await outcome_of(now.hooks.push_case(now.connector, now.projection))
            seen = await _read_back(now, result.ticket)
        except PushError as error:
            # the vendor's index may lag behind the end of the attempt, which can be a late one
            ended = self._clock() if error.uncertain else None
            await self._claims.note(claim, create_attempted_at=ended)
            raise
        return await self._link(claim, now, result, seen)

    async def find_ticket(self, claim: Claim, now: Situation, *, last_chance: bool) -> bool:
        """Look for what an unclear attempt left behind; False when it is too early to tell."""
        if not now.hooks.can(Capability.FIND_TICKET):
            async with self._claims.commit(claim) as (session, ref, case):
                error = CasebridgeError(
                    "an attempt to create the ticket had no clear outcome, and this vendor cannot"
                    " be searched: look there, then resync"
                )
                await note_failure(session, ref, case, error, self._clock())
            return False
        found = await now.hooks.find_ticket(now.connector, now.ref.correlation_key)
        if found:
            notes: tuple[str, ...] = ("found after an unclear attempt",)
            if len(found) > 1:
                others = ", ".join(ticket.ref.key for ticket in found[1:])
                notes = (*notes, f"the same key stands in {others}: close them by hand")
            result = PushResult(ticket=found[0], created=False, notes=notes)
            await self._link(claim, now, result, found[0])
            return True
        async with self._claims.commit(claim) as (_, ref, _):
            if last_chance:
                ref.create_attempted_at = None
            else:
                ref.attempts += 1
                delay = timedelta(seconds=min(2.0**ref.attempts, now.hooks.manifest.index_lag))
                ref.due_at = ref.due_at or self._clock() + delay
        return last_chance

    async def _link(self, claim: Claim, now: Situation, result: PushResult, seen: Ticket) -> bool:
        """Bind the ref to its ticket, with what webhooks told of it before anybody knew it.

        They count from how the ticket was minted; then what was ``seen`` of it, if that is newer.
        """
        at = self._clock()
        ticket, minted = seen, result.ticket.status
        async with self._claims.commit(claim) as (session, ref, case):
            ref.external_id = ticket.ref.external_id
            ref.external_key = ticket.ref.key
            ref.external_url = ticket.ref.url
            ref.key_seen_at = ticket.updated_at
            ref.create_attempted_at = None
            ref.minted_at = ref.last_pushed_at = at
            ref.ticket_status, ref.ticket_status_id = minted.name, minted.id
            await note_success(session, ref, at, noted=now.success_at)
            text = f"{'minted' if result.created else 'adopted'} {ticket.ref.key}"
            if result.notes:
                text += f" ({'; '.join(result.notes)})"
            detail = {"key": ticket.ref.key, "url": ticket.ref.url}
            kind = TimelineKind.TICKET_MINTED
            timeline.record(session, case, traffic(ref, at), kind, text, **detail)
            await self._replays.catch_up(session, ref)
            if ref.status_noted_at is None or _is_newer(ticket, ref.status_seen_at):
                note_ticket_status(ref, ticket.status, at)
                ref.status_seen_at = ticket.updated_at
            return conclude(ref, case, now, at)


async def outcome_of(call: Awaitable[ResultT]) -> ResultT:
    """Await a write; a plugin that breaks in the middle of one leaves its outcome unknown."""
    try:
        return await call
    except PushError:
        raise
    except CasebridgeError as error:
        raise OutcomeUnknown(str(error)) from error


async def _read_back(now: Situation, ticket: Ticket) -> Ticket:
    """Return a pushed ticket as it is, since a 2xx is not success.

    A ticket that cannot be read for another reason than its absence is believed.
    """
    if not now.hooks.can(Capability.FETCH_TICKET):
        return ticket
    try:
        return await now.hooks.fetch_ticket(now.connector, ticket.ref)
    except TicketNotFound as error:
        raise OutcomeUnknown(
            f"the vendor reported {ticket.ref.key} as created, and it is not there"
        ) from error
    except CasebridgeError:
        return ticket


def _is_newer(ticket: Ticket, known: datetime | None) -> bool:
    return known is None or (ticket.updated_at is not None and ticket.updated_at >= known)
