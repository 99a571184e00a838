"""How much the inbox takes of anybody: deliveries of a token, and refusals of an address.

Counted in this process and kept in memory. What is counted, and when, decides whom a flood hurts:
an address pays for what was refused and a token for what was authentic, so a stranger who knows a
token's public id cannot use up the token's rate. An address that is spent is turned away before its
body is read, except with a token under which it has lately delivered: a flood from an address that
is shared (a vendor's cloud, a proxy) does not lock out who is known there.
"""

from __future__ import annotations

import ipaddress
import logging
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final

from casebridge.services.buckets import Buckets, Recent
from casebridge.services.clock import Clock
from casebridge.services.faults import TooMany

log = logging.getLogger(__name__)

_KNOWN_FOR: Final = timedelta(days=7)
_LONGEST: Final = 64
"""What is kept of an address that is none: a path of a socket, or what a proxy made up."""
_PLACES: Final = 10_000
_NETWORK_BITS: Final = 64
"""Of an IPv6 address, what one customer is given; the rest is theirs to change at will."""


class Throttle:
    """Counts what comes in; `TooMany` says when to come back."""

    def __init__(self, clock: Clock, *, per_token: int, per_address: int) -> None:
        """Allow so many authentic deliveries and so many refused ones a minute; 0 is no limit."""
        self._clock = clock
        self._tokens = Buckets(clock, per_token)
        self._addresses = Buckets(clock, per_address)
        self._known = Recent[tuple[str, str], datetime]()

    def knock(self, address: str, token_id: str) -> None:
        """See whether a request is worth its body. ``address`` is the sender's IP address.

        Raises:
            TooMany: too much from this address was refused lately.
        """
        place = _place(address)
        seen = self._known.get((place, token_id))
        if seen is not None and seen + _KNOWN_FOR > self._clock():
            return
        seconds = self._addresses.seconds_to_wait(place)
        if seconds > 0:
            raise TooMany("too many refused requests from this address", retry_after=seconds)

    def refused(self, address: str) -> None:
        """Charge an address for a request that was not authentic, or not even complete."""
        place = _place(address)
        if self._addresses.charge(place):
            log.warning("the inbox refused many requests from %.60r: turning it away", place)

    def admitted(self, address: str, token_id: str) -> None:
        """Charge a token for an authentic delivery, and know the address by it.

        Raises:
            TooMany: the token delivers too much.
        """
        self._known.put((_place(address), token_id), self._clock())
        seconds = self._tokens.seconds_to_wait(token_id)
        if seconds > 0:
            raise TooMany("too many deliveries with this token", retry_after=seconds)
        if self._tokens.charge(token_id):
            log.warning("inbox token %s delivers more than its rate", token_id)


@lru_cache(maxsize=_PLACES)
def _place(address: str) -> str:
    """Return what stands for everybody behind an address: itself, or the network of an IPv6 one."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address[:_LONGEST]
    if parsed.version == 4:  # noqa: PLR2004 - IPv4
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed, _NETWORK_BITS), strict=False))
