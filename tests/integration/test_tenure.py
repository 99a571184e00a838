"""A process that stood still for longer than its lease sends nothing more to a vendor."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import httpx
import pytest

from casebridge.engine.heartbeat import kept_alive
from casebridge.services.clock import utc_now
from casebridge.services.meter import Meter
from casebridge.services.transport import HostBoundTransport
from casebridge_core import VendorUnavailable

LEASE = timedelta(seconds=10)
BRIEF = timedelta(seconds=0.03)


class Vendor:
    """A vendor that counts what it is sent, and a clock that the test moves."""

    def __init__(self) -> None:
        self.heard = 0
        self.seconds = 0.0
        transport = HostBoundTransport(
            httpx.MockTransport(self._hear), "acme", frozenset({"acme.example"}), Meter(utc_now)
        )
        self.http = httpx.AsyncClient(transport=transport, base_url="https://acme.example")

    def clock(self) -> float:
        return self.seconds

    def _hear(self, request: httpx.Request) -> httpx.Response:
        self.heard += 1
        return httpx.Response(200)


async def renewed() -> bool:
    return True


async def test_what_comes_after_the_lease_is_not_sent() -> None:
    vendor = Vendor()
    async with vendor.http, kept_alive(renewed, LEASE, clock=vendor.clock):
        await vendor.http.patch("/tickets/1")
        vendor.seconds = 10.5  # the process was frozen, and nobody renewed
        with pytest.raises(VendorUnavailable, match="stood still past its lease"):
            await vendor.http.patch("/tickets/1")

    assert vendor.heard == 1


async def test_a_lease_that_is_renewed_lasts() -> None:
    vendor, renewed_once = Vendor(), asyncio.Event()

    async def renew() -> bool:
        renewed_once.set()
        return True

    async with vendor.http, kept_alive(renew, BRIEF, clock=vendor.clock):
        vendor.seconds = 0.02
        await renewed_once.wait()
        vendor.seconds = 0.04  # past the first lease, within the renewed one
        await vendor.http.patch("/tickets/1")

    assert vendor.heard == 1


async def test_a_lease_that_is_lost_ends_at_once() -> None:
    vendor, asked = Vendor(), asyncio.Event()

    async def renew() -> bool:
        asked.set()
        return False

    async with vendor.http, kept_alive(renew, BRIEF, clock=vendor.clock):
        await asked.wait()
        with pytest.raises(VendorUnavailable):
            await vendor.http.patch("/tickets/1")

    assert vendor.heard == 0


async def test_work_without_a_lease_is_not_held_back() -> None:
    vendor = Vendor()
    async with vendor.http:
        await vendor.http.get("/myself")

    assert vendor.heard == 1
