"""The wire that breaks: what each fault does, and what of it reaches the vendor."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest

from casebridge_core import InvalidRequest
from casebridge_core.testing import FaultyTransport, NotOffered, VendorUnderTest, faults
from casebridge_core.testing.faults import Killed, Strike
from casebridge_core.testing.listener import Webhook, listening
from casebridge_core.tickets import TicketRef

URL = "https://acme.example/tickets"
TICKET = TicketRef(external_id="7", key="ACME-7", url=f"{URL}/7")


class Vendor(httpx.AsyncBaseTransport):
    """Takes every request, and answers in a compressed form as real ones do."""

    def __init__(self) -> None:
        self.took: list[str] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.took.append(f"{request.method} {request.url.path}")
        headers = {"content-encoding": "gzip", "content-type": "application/json", "etag": '"1"'}
        content = gzip.compress(b'{"id": 7, "status": "Open"}')
        return httpx.Response(201, headers=headers, content=content)


@pytest.fixture
def vendor() -> Vendor:
    return Vendor()


@pytest.fixture
async def wire(vendor: Vendor) -> AsyncIterator[tuple[httpx.AsyncClient, FaultyTransport]]:
    transport = FaultyTransport(vendor, frozenset({"acme.example"}))
    async with httpx.AsyncClient(transport=transport) as http:
        yield http, transport


Wire = tuple[httpx.AsyncClient, FaultyTransport]


@pytest.mark.parametrize(
    ("fault", "error", "reaches"),
    [
        (faults.unreachable, httpx.ConnectError, False),
        (faults.timed_out, httpx.ReadTimeout, True),
        (faults.cut_off, httpx.RemoteProtocolError, True),
        (faults.killed_before, Killed, False),
        (faults.killed_after, Killed, True),
    ],
)
async def test_a_fault_that_breaks_off(
    wire: Wire, vendor: Vendor, fault: Strike, error: type[BaseException], *, reaches: bool
) -> None:
    http, transport = wire
    transport.strike(fault)

    with pytest.raises(error):
        await http.post(URL, json={"title": "x"})

    (call,) = transport.calls
    assert bool(vendor.took) is reaches
    assert (call.told is not None) is reaches
    assert call.answer is None
    assert call.content == b'{"title":"x"}'


@pytest.mark.parametrize(
    ("fault", "status", "starts", "reaches"),
    [
        (faults.answered(429, headers={"retry-after": "7"}), 429, "", False),
        (faults.html(), 200, "<!doctype html>", False),
        (faults.redirected(), 302, "", False),
        (faults.stored_but_500, 500, "{", True),
        (faults.stored_but_html, 200, "<!doctype html>", True),
        (faults.half_json, 201, '{"id": 7, "st', True),
    ],
)
async def test_a_fault_that_answers(
    wire: Wire, vendor: Vendor, fault: Strike, status: int, starts: str, *, reaches: bool
) -> None:
    http, transport = wire
    transport.strike(fault)

    answer = await http.post(URL)

    assert answer.status_code == status
    assert answer.text.startswith(starts)
    assert bool(vendor.took) is reaches


async def test_only_the_requests_that_were_named_are_struck(wire: Wire, vendor: Vendor) -> None:
    http, transport = wire
    transport.strike(faults.answered(500), first=2, count=1)

    codes = [(await http.get(URL)).status_code for _ in range(3)]
    transport.heal()
    after = await http.get(URL)

    assert codes == [201, 500, 201]
    assert after.headers["etag"] == '"1"'
    assert len(vendor.took) == 3
    assert len(transport.calls) == 1


async def test_a_process_that_was_killed_sends_nothing_more(wire: Wire, vendor: Vendor) -> None:
    http, transport = wire
    transport.strike(faults.killed_after, first=1, count=1)

    for _ in range(2):
        with pytest.raises(Killed):
            await http.get(URL)

    assert len(vendor.took) == 1


async def test_no_stranger_is_called(wire: Wire, vendor: Vendor) -> None:
    http, transport = wire

    with pytest.raises(InvalidRequest, match=r"elsewhere\.example is not a host"):
        await http.get(f"https://{faults.ELSEWHERE}/login")

    assert transport.strangers == [faults.ELSEWHERE]
    assert vendor.took == []


async def test_an_earlier_success_is_played_back_to_writes_only(wire: Wire, vendor: Vendor) -> None:
    http, transport = wire
    await http.get(f"{URL}/7")
    await http.patch(f"{URL}/7")
    transport.strike(faults.claimed(transport.calls, {"7": "8"}))

    claimed = await http.patch(f"{URL}/8")
    unknown = await http.put(f"{URL}/8")
    read = await http.get(f"{URL}/8")

    assert claimed.json() == {"id": 8, "status": "Open"}
    assert unknown.status_code == 204
    assert read.json()["id"] == 7
    assert vendor.took == ["GET /tickets/7", "PATCH /tickets/7", "GET /tickets/8"]


@pytest.mark.parametrize(
    "ask",
    [
        lambda vendor: vendor.subscribe("https://soc.example", "s"),
        lambda vendor: vendor.move(TICKET, "Solved"),
        lambda vendor: vendor.assign(TICKET),
        lambda vendor: vendor.comment(TICKET, "Done."),
        lambda vendor: vendor.delete(TICKET),
    ],
)
def test_a_vendor_says_what_it_does_not_offer(ask: Callable[[Any], None]) -> None:
    with pytest.raises(NotOffered, match=r"VendorUnderTest does not offer \w+\(\): override it"):
        ask(VendorUnderTest({"base_url": "https://acme.example"}))


async def test_a_listener_waits_for_what_is_wanted_and_no_longer_than_told() -> None:
    def wanted(webhook: Webhook) -> bytes | None:
        return webhook.body if webhook.headers["x-number"] == "2" else None

    with listening() as listener:
        async with httpx.AsyncClient(trust_env=False) as http:
            waiting = asyncio.to_thread(listener.wait_for, wanted, 60.0)
            found = asyncio.ensure_future(waiting)
            for number in ("1", "2"):
                await http.post(listener.url, content=number, headers={"X-Number": number})
            assert await found == b"2"
        assert listener.wait_for(lambda _: None, 0.0) is None
