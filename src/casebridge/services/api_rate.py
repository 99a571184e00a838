"""How much the API takes of each API key, counted in this process and kept in memory."""

from __future__ import annotations

import msgspec

from casebridge.services.buckets import Buckets
from casebridge.services.clock import Clock
from casebridge.services.tenants import Principal


class Allowance(msgspec.Struct, frozen=True):
    """What a key may still send: ``left`` requests now, or none for so many seconds."""

    left: int
    seconds: int


class ApiRate:
    """Counts requests by API key; who acts without a stored key is not counted."""

    def __init__(self, clock: Clock, *, per_minute: int) -> None:
        """Allow so many requests a minute, ten seconds' worth of them at once; 0 is no limit."""
        self.per_minute = per_minute
        self._buckets = Buckets(clock, per_minute)

    def spend(self, who: Principal) -> Allowance | None:
        """Charge a key for a request, unless it has to wait; None where there is no limit."""
        if not self.per_minute or not who.key_id:
            return None
        return Allowance(*self._buckets.spend(who.key_id))
