"""The convergence of one ref: look at case and ref as they are now, do what is missing, repeat."""

from __future__ import annotations

import logging
from contextlib import suppress
from datetime import datetime
from enum import Enum, auto

from casebridge.domain.convergence import (
    FindTicket,
    Mint,
    PostComment,
    PushStatus,
    Settle,
    Step,
    Verify,
)
from casebridge.engine.claims import Claim, Claims, LeaseLost
from casebridge.engine.gate import Gate
from casebridge.engine.heartbeat import kept_alive
from casebridge.engine.outcomes import note_failure, note_success
from casebridge.engine.situation import Lookout, Situation
from casebridge.engine.steps import Steps
from casebridge.logs import belonging_to
from casebridge.services.clock import Clock
from casebridge.telemetry.metrics import PUSHES, timed
from casebridge.telemetry.traces import span
from casebridge_core import CasebridgeError, TransitionRejected

log = logging.getLogger(__name__)


class _Then(Enum):
    """What follows a step; the claim may have been given back with its outcome."""

    LOOK_AGAIN = auto()
    GIVE_BACK = auto()
    GIVEN_BACK = auto()


class Convergence:
    """Brings tickets to where their cases are."""

    def __init__(
        self, claims: Claims, lookout: Lookout, gate: Gate, steps: Steps, clock: Clock
    ) -> None:
        """Bind what a convergence needs."""
        self._claims = claims
        self._lookout = lookout
        self._gate = gate
        self._steps = steps
        self._clock = clock
        self._stopping = False

    def stop(self) -> None:
        """Have every convergence end after the step it is at, and leave the rest to others."""
        self._stopping = True

    async def run(self, claim: Claim) -> None:
        """Converge the claimed ref as far as it goes, then give the claim back.

        Nothing is raised for what a vendor or a plugin does: it ends up on the ref, in words.
        """
        then = _Then.LOOK_AGAIN
        async with kept_alive(lambda: self._claims.renew(claim), self._claims.lease):
            with suppress(LeaseLost):
                try:
                    while (then := await self._advance(claim)) is _Then.LOOK_AGAIN:
                        if self._stopping:
                            await self._set_aside(claim)
                            break
                except CasebridgeError as error:
                    then = _Then.GIVE_BACK
                    await self._fail(claim, error)
            if then is not _Then.GIVEN_BACK:
                await self._claims.release(claim)

    async def _advance(self, claim: Claim) -> _Then:
        """Do one step."""
        now = await self._lookout.look(claim)
        if now is None:
            await self._set_aside(claim)
            return _Then.GIVE_BACK
        if now.step is None:
            await self._finish(claim, now)
            return _Then.GIVE_BACK
        opens_at = now.quiet_until or await self._gate.admit(
            now.ref.connector_id, limited=now.limited
        )
        if opens_at is not None:
            await self._postpone(claim, opens_at)
            return _Then.GIVE_BACK
        if now.account is None and now.hooks.has("itsm_identify_account"):
            await self._steps.identify(now)
            return _Then.LOOK_AGAIN
        return await self._measured(claim, now, now.step)

    async def _measured(self, claim: Claim, now: Situation, step: Step) -> _Then:
        name, vendor, ref = type(step).__name__, now.ref.vendor, now.ref.public_id
        with (
            timed(PUSHES, vendor, name) as outcome,
            span(name, vendor=vendor, ref=ref),
            belonging_to(ref=ref),
        ):
            return await self._do(claim, now, step, outcome)

    async def _do(self, claim: Claim, now: Situation, step: Step, outcome: list[str]) -> _Then:
        """Do the step; a failure that ends it without an exception is named in ``outcome``."""
        goes_on, concluded = True, False
        match step:
            case Mint():
                concluded = await self._steps.minting.mint(claim, now)
            case FindTicket(last_chance):
                goes_on = await self._steps.minting.find_ticket(claim, now, last_chance=last_chance)
            case Verify():
                goes_on = await self._steps.verify(claim, now)
            case Settle():
                await self._steps.settle(claim, now)
            case PushStatus():
                try:
                    concluded = await self._steps.push_status(claim, now, step)
                except TransitionRejected as refusal:  # the comments go all the same
                    outcome[0] = type(refusal).__name__
                    goes_on = await self._fail(claim, refusal)
            case PostComment():
                concluded = await self._steps.post_comment(claim, now, step)
        if concluded:
            return _Then.GIVEN_BACK
        return _Then.LOOK_AGAIN if goes_on else _Then.GIVE_BACK

    async def _set_aside(self, claim: Claim) -> None:
        """Leave what is missing to whoever comes next, once the connector is enabled or resumed."""
        async with self._claims.commit(claim) as (_, ref, _):
            if ref.gone_at is None:
                ref.due_at = ref.due_at or self._clock()

    async def _postpone(self, claim: Claim, until: datetime) -> None:
        """Come back when the connector's limit allows; this is no failure."""
        async with self._claims.commit(claim) as (_, ref, _):
            ref.due_at = ref.due_at or until

    async def _finish(self, claim: Claim, now: Situation) -> None:
        """Nothing is missing: whatever failed before is over."""
        if now.ref.last_error is None:
            return
        async with self._claims.commit(claim) as (session, ref, _):
            if ref.last_error is not None and ref.gone_at is None and ref.dead_at is None:
                await note_success(session, ref, self._clock(), noted=now.success_at)

    async def _fail(self, claim: Claim, error: CasebridgeError) -> bool:
        """Note a failure; False when the ref is to be looked at anew."""
        log.info("convergence of ref %s: %s: %s", claim.ref_id, type(error).__name__, error)
        async with self._claims.commit(claim) as (session, ref, case):
            await note_failure(session, ref, case, error, self._clock())
            return ref.due_at is None
