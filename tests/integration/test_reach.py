"""Connections of connectors, over real sockets: where they go, and where no credential goes."""

from __future__ import annotations

import asyncio
import ipaddress
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from casebridge.services.clock import utc_now
from casebridge.services.connections import Connections
from casebridge.services.meter import Meter
from casebridge.services.reach import Address, Reach
from casebridge.services.transport import GuardedPool, HostBoundTransport
from casebridge_core import (
    ConnectorCatalog,
    DestinationNotFound,
    InvalidRequest,
    OutcomeUnknown,
    StatusOverrides,
    VendorUnavailable,
)
from casebridge_core.http import VendorApi
from tests.integration.desk import CONFIG, Desk, open_desk

HERE = ipaddress.ip_address("127.0.0.1")
MARKER = "s3cret-marker"


class Names:
    """A resolver whose answers change from one look-up to the next."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = [tuple(map(ipaddress.ip_address, each)) for each in answers]
        self.asked: list[str] = []

    async def __call__(self, host: str, port: int) -> tuple[Address, ...]:
        self.asked.append(host)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


class Server:
    """A vendor on loopback that notes what it is sent."""

    def __init__(self, answer: bytes) -> None:
        self.answer = answer
        self.heads: list[bytes] = []
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.heads.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(self.answer)
        await writer.drain()
        writer.close()


@asynccontextmanager
async def serving(answer: bytes) -> AsyncIterator[Server]:
    server = Server(answer)
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listening.close()
        await listening.wait_closed()


@pytest.fixture
async def vendor() -> AsyncIterator[Server]:
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"
    async with serving(answer) as server:
        yield server


@asynccontextmanager
async def client(
    reach: Reach, names: Names | None, *hosts: str, follow: bool = False
) -> AsyncIterator[httpx.AsyncClient]:
    pool = GuardedPool(reach, names)
    transport = HostBoundTransport(pool, "acme", frozenset(hosts), Meter(utc_now))
    headers = {"Authorization": MARKER}
    try:
        async with httpx.AsyncClient(
            transport=transport, trust_env=False, follow_redirects=follow, headers=headers
        ) as http:
            yield http
    finally:
        await pool.aclose()


async def test_a_name_that_leads_inside_is_not_called(vendor: Server) -> None:
    host = f"vendor.example:{vendor.port}"
    async with client(Reach.of("localhost"), Names(["127.0.0.1"]), host) as http:
        with pytest.raises(DestinationNotFound, match="CASEBRIDGE_PRIVATE_HOSTS") as refused:
            await VendorApi(http, f"http://{host}").request("GET", "/me")

    assert refused.value.pauses_connector
    assert vendor.heads == []


async def test_a_name_that_is_permitted_is_called_at_that_address(vendor: Server) -> None:
    host = f"vendor.example:{vendor.port}"
    names = Names(["127.0.0.1"])
    async with client(Reach.of("vendor.example"), names, host) as http:
        assert await VendorApi(http, f"http://{host}").request("GET", "/me") == {}

    (head,) = vendor.heads
    assert f"host: {host}".encode() in head.lower()
    assert names.asked == ["vendor.example"]


async def test_a_name_whose_address_changes_is_judged_each_time(vendor: Server) -> None:
    host = f"vendor.example:{vendor.port}"
    names = Names(["127.0.0.1"], ["10.0.0.1"])
    async with client(Reach.of("127.0.0.1"), names, host) as http:
        api = VendorApi(http, f"http://{host}")
        await api.request("GET", "/me")
        with pytest.raises(DestinationNotFound):
            await api.request("GET", "/me")

    assert len(vendor.heads) == 1


async def test_of_several_addresses_only_permitted_ones_are_tried(vendor: Server) -> None:
    host = f"vendor.example:{vendor.port}"
    names = Names(["10.0.0.1", "127.0.0.9", "127.0.0.1"])
    async with client(Reach.of("127.0.0.0/8"), names, host) as http:
        assert await VendorApi(http, f"http://{host}").request("GET", "/me") == {}


async def test_a_name_without_an_address_is_a_vendor_that_cannot_be_reached() -> None:
    class Nowhere(Names):
        async def __call__(self, host: str, port: int) -> tuple[Address, ...]:
            raise OSError("no such name")

    async with client(Reach.of(""), Nowhere([]), "vendor.example") as http:
        with pytest.raises(VendorUnavailable):
            await VendorApi(http, "https://vendor.example").request("POST", "/issue")


async def test_a_slow_resolver_is_given_up() -> None:
    class Slow(Names):
        async def __call__(self, host: str, port: int) -> tuple[Address, ...]:
            await asyncio.Event().wait()
            raise AssertionError

    async with client(Reach.of(""), Slow([]), "vendor.example") as http:
        http.timeout = httpx.Timeout(0.05)
        with pytest.raises(VendorUnavailable):
            await VendorApi(http, "https://vendor.example").request("POST", "/issue")


@pytest.mark.parametrize("follow", [False, True])
async def test_a_redirect_takes_no_credential_to_another_host(
    vendor: Server, *, follow: bool
) -> None:
    target = f"http://127.0.0.1:{vendor.port}/stolen"
    answer = f"HTTP/1.1 307 Away\r\nLocation: {target}\r\nContent-Length: 0\r\n\r\n".encode()
    async with serving(answer) as first:
        host = f"127.0.0.1:{first.port}"
        async with client(Reach.of("localhost"), None, host, follow=follow) as http:
            expected = InvalidRequest if follow else OutcomeUnknown
            with pytest.raises(expected):
                await VendorApi(http, f"http://{host}").request("POST", "/issue", payload={})

        assert MARKER.encode() in first.heads[0]
    assert vendor.heads == []


async def test_tls_is_checked_against_the_name_and_not_the_address(vendor: Server) -> None:
    """The vendor speaks no TLS: what matters is that the handshake is asked for by name."""
    hellos: list[bytes] = []

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        hellos.append(await reader.read(600))
        writer.close()

    listening = await asyncio.start_server(listen, "127.0.0.1", 0)
    host = f"vendor.example:{listening.sockets[0].getsockname()[1]}"
    async with client(Reach.of("vendor.example"), Names(["127.0.0.1"]), host) as http:
        with pytest.raises(VendorUnavailable):
            await VendorApi(http, f"https://{host}").request("GET", "/me")
    listening.close()

    assert b"vendor.example" in hellos[0]


@pytest.fixture
def strict_desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with open_desk(
        tmp_path_factory.mktemp("strict"),
        private_hosts="10.9.0.0/16",
        plain_http_hosts="old.example",
    ) as desk:
        yield desk


def test_a_connector_to_a_private_number_is_refused_when_it_is_saved(strict_desk: Desk) -> None:
    for url, code in (
        ("https://10.8.0.1", 400),
        ("http://127.0.0.1:8080", 400),
        ("https://169.254.169.254", 400),
        ("https://10.9.0.1", 201),
        ("https://acme.example", 201),
        ("http://old.example", 201),
        ("http://older.example", 400),
    ):
        body = {"vendor": "acme", "name": url, "config": {**CONFIG, "base_url": url}}
        answer = strict_desk.admin.send("POST", "/v1/connectors", json=body)
        assert answer.status_code == code, (url, answer.text)
        if code == 400:
            assert "base_url" in answer.text


@pytest.fixture
def contexts(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Collect the TLS contexts that are made from now on."""
    made: list[object] = []
    make: Any = ssl.SSLContext.__new__

    def noted(kind: type[ssl.SSLContext], *arguments: Any, **options: Any) -> ssl.SSLContext:
        context: ssl.SSLContext = make(kind, *arguments, **options)
        made.append(context)
        return context

    monkeypatch.setattr(ssl.SSLContext, "__new__", noted)
    return made


async def test_however_much_is_pushed_the_certificates_are_read_once(
    vendor: Server, contexts: list[object]
) -> None:
    nothing: Any = None
    catalog = ConnectorCatalog.installed()
    url = f"http://127.0.0.1:{vendor.port}"
    config = {"base_url": url, "project": "SEC", "email": "a@b.example", "api_token": "t"}
    await Connections(nothing, catalog, nothing, utc_now, timeout=5).close()
    contexts.clear()  # it may have been this process's first

    connections = Connections(nothing, catalog, nothing, utc_now, timeout=5)
    for name in ("one", "another"):
        connector = connections.unsaved(
            "jira", config, StatusOverrides(), identity=name, tenant="tenant"
        )
        for _ in range(3):
            await connector.http.get(url)
    await connections.close()

    assert len(vendor.heads) == 6
    assert contexts == []
