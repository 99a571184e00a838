"""Renewed credentials, on both databases: one exchange for all workers, and nothing is lost."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import ModuleType
from typing import Any, ClassVar

import pytest
from sqlalchemy.exc import OperationalError

from casebridge.persistence.connectors import ConnectorRow
from casebridge.persistence.database import Database
from casebridge.services.clock import Clock
from casebridge.services.connections import Connections
from casebridge.services.connector_terms import ConnectorEdit
from casebridge.services.connectors import Connectors
from casebridge.services.fanout import FanOut
from casebridge.services.renewals import Renewals
from casebridge.services.spacing import Spacing
from casebridge.services.tenants import Principal, Scope
from casebridge.services.vault import Vault
from casebridge_core import (
    AuthenticationFailed,
    Connector,
    ConnectorCatalog,
    ConnectorConfig,
    ConnectorManifest,
    Secret,
    VendorUnavailable,
    hookimpl,
)
from casebridge_core.oauth import ACCESS_TOKEN_FIELDS
from tests.integration.rows import NOON, add_connector, add_tenant

IMPATIENT = 0.05
TURN_SECONDS = 60.0
KILLED = 9
CONFIG = {"base_url": "https://acme.example", "refresh_token": "refresh-0", "project": "SEC"}


class Config(ConnectorConfig, frozen=True, kw_only=True):
    renewed_fields: ClassVar[frozenset[str]] = ACCESS_TOKEN_FIELDS

    refresh_token: Secret
    access_token: Secret | None = None
    access_token_until: float | None = None
    project: str


def plugin() -> ModuleType:
    module = ModuleType("acme")

    @hookimpl
    def itsm_declare_connector() -> ConnectorManifest:
        return ConnectorManifest(
            vendor="acme", title="Acme", capabilities=frozenset(), config_type=Config
        )

    module.itsm_declare_connector = itsm_declare_connector  # type: ignore[attr-defined]
    return module


@dataclass
class Grant:
    """A vendor whose refresh tokens are good for one use."""

    number: int = 0
    forgives: bool = False
    answering: asyncio.Event = field(default_factory=asyncio.Event)
    asked: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.answering.set()

    async def exchange(self, config: Config) -> dict[str, Any]:
        self.asked.set()
        valid = {f"refresh-{self.number}"} | ({"refresh-0"} if self.forgives else set())
        if config.refresh_token.reveal() not in valid:
            raise AuthenticationFailed("refused: sign in again")
        self.number += 1
        number = self.number
        await self.answering.wait()
        return {"refresh_token": f"refresh-{number}", "access_token": f"access-{number}"}


class Nobody:
    """An engine that nothing is to wake."""

    async def wake(self, *_: Any) -> None:
        return


def open_worker(database: Database, clock: Clock, timeout: float) -> Connections:
    catalog = ConnectorCatalog.of(acme=plugin())
    return Connections(database, catalog, Vault((b"k" * 32,)), clock, timeout=timeout)


def die(url: str, row_id: int) -> None:
    """Renew in this process, and end it at once when the vendor has answered."""

    async def exchange(config: Config) -> dict[str, Any]:
        os._exit(KILLED)

    async def renew() -> None:
        worker = open_worker(Database(url), lambda: NOON, TURN_SECONDS / 3)
        async with worker._renewals._database.read() as session:
            row = await session.get_one(ConnectorRow, row_id)
        connector = worker.open(row, "t-1")
        await connector.renew(connector.config, exchange)

    asyncio.run(renew())


@dataclass
class Office:
    """Workers on one database, and what is stored there."""

    database: Database
    opened: Callable[[str], Database]
    row_id: int
    who: Principal
    connector_id: str
    now: datetime = NOON
    workers: list[Connections] = field(default_factory=list)

    def hire(self, timeout: float = 30.0) -> Connections:
        """Open another process's view of the database."""
        url = self.database.url.render_as_string(hide_password=False)
        worker = open_worker(self.opened(url), lambda: self.now, timeout)
        self.workers.append(worker)
        return worker

    async def row(self) -> ConnectorRow:
        async with self.database.read() as session:
            return await session.get_one(ConnectorRow, self.row_id)

    async def connector(self, worker: Connections) -> Connector[Config]:
        return worker.open(await self.row(), "t-1")

    async def stored(self) -> dict[str, Any]:
        return self.workers[0].raw_config(await self.row())

    async def edit(self, **config: Any) -> None:
        worker = self.workers[0]
        fanout = FanOut(worker.catalog, Nobody())
        connectors = Connectors(self.database, worker, fanout, lambda: self.now)
        await connectors.edit(self.who, self.connector_id, ConnectorEdit(config=config))

    async def store(self, **values: Any) -> None:
        async with self.database.write() as session:
            row = await session.get_one(ConnectorRow, self.row_id)
            for name, value in values.items():
                setattr(row, name, value)


@pytest.fixture
async def office(database: Database, opened: Callable[[str], Database]) -> AsyncIterator[Office]:
    async with database.write() as session:
        tenant = await add_tenant(session)
        row = await add_connector(session, tenant)
    scopes = frozenset({Scope.ADMIN})
    who = Principal(tenant_id=tenant.id, tenant=tenant.public_id, scopes=scopes, label="tester")
    found = Office(database, opened, row.id, who, row.public_id)
    await found.store(config_sealed=found.hire().seal(row.public_id, CONFIG))
    yield found
    for worker in found.workers:
        await worker.close()


async def test_workers_that_renew_at_once_ask_the_vendor_once(office: Office) -> None:
    grant = Grant()
    connectors = [await office.connector(office.hire()) for _ in range(3)]
    renewals = [
        connector.renew(connector.config, grant.exchange)
        for connector in connectors
        for _ in range(4)
    ]

    renewed = await asyncio.gather(*renewals)

    assert grant.number == 1
    assert {config.access_token for config in renewed} == {Secret("access-1")}
    assert await office.stored() == {
        **CONFIG, "refresh_token": "refresh-1", "access_token": "access-1",
    }  # fmt: skip


async def test_a_renewed_credential_is_what_a_connector_is_opened_with(office: Office) -> None:
    grant = Grant()
    first, second = office.hire(), office.hire()
    connector = await office.connector(first)
    await connector.renew(connector.config, grant.exchange)

    for worker in (first, second):
        assert (await office.connector(worker)).config.access_token == Secret("access-1")


async def test_a_connector_that_is_opened_anew_goes_on_counting(office: Office) -> None:
    worker = office.hire()
    before = await office.connector(worker)
    await before.renew(before.config, Grant().exchange)
    after = await office.connector(worker)
    assert after is not before
    assert after.space is before.space
    assert isinstance(after.space, Spacing)


async def test_an_answer_is_stored_although_nobody_waits_for_it_any_more(office: Office) -> None:
    grant = Grant()
    worker = office.hire()
    connector = await office.connector(worker)
    grant.answering.clear()
    asking = asyncio.create_task(connector.renew(connector.config, grant.exchange))
    await grant.asked.wait()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking

    grant.answering.set()
    await worker.close()

    assert (await office.stored())["refresh_token"] == "refresh-1"


async def test_after_a_kill_before_the_store_the_old_credential_is_tried_again(
    office: Office,
) -> None:
    """A killed process had the vendor's answer in its hands, and leaves nothing but its turn."""
    grant = Grant(number=1)
    connector = await office.connector(office.hire(IMPATIENT))
    url = office.database.url.render_as_string(hide_password=False)
    program = f"from {__name__} import die; die({url!r}, {office.row_id})"
    killed = await asyncio.create_subprocess_exec(sys.executable, "-c", program)
    assert await killed.wait() == KILLED
    with pytest.raises(VendorUnavailable) as busy:
        await connector.renew(connector.config, grant.exchange)
    assert busy.value.retry_after == TURN_SECONDS
    assert not grant.asked.is_set()

    office.now += timedelta(seconds=TURN_SECONDS)

    with pytest.raises(AuthenticationFailed, match="sign in again"):
        await connector.renew(connector.config, grant.exchange)
    assert await office.stored() == CONFIG
    assert (await office.row()).renewing_until is None

    grant.forgives = True  # as a vendor with a time of grace does
    await connector.renew(connector.config, grant.exchange)
    assert (await office.stored())["refresh_token"] == "refresh-2"


async def test_a_vendor_that_is_silent_ends_the_turn(office: Office) -> None:
    grant = Grant()
    grant.answering.clear()
    connector = await office.connector(office.hire(IMPATIENT))

    with pytest.raises(VendorUnavailable, match="in time"):
        await connector.renew(connector.config, grant.exchange)

    assert (await office.row()).renewing_until is None


async def test_what_people_edit_meanwhile_stays(office: Office) -> None:
    grant = Grant()
    grant.answering.clear()
    connector = await office.connector(office.hire())
    asking = asyncio.create_task(connector.renew(connector.config, grant.exchange))
    await grant.asked.wait()

    await office.edit(project="OPS")
    grant.answering.set()
    renewed = await asking

    assert renewed.project == "OPS"
    assert await office.stored() == {
        **CONFIG, "project": "OPS", "refresh_token": "refresh-1", "access_token": "access-1",
    }  # fmt: skip


async def test_a_credential_that_people_give_meanwhile_goes_before(office: Office) -> None:
    grant = Grant()
    grant.answering.clear()
    connector = await office.connector(office.hire())
    asking = asyncio.create_task(connector.renew(connector.config, grant.exchange))
    await grant.asked.wait()

    await office.edit(refresh_token="fresh")
    grant.answering.set()
    renewed = await asking

    assert renewed.refresh_token == Secret("fresh")
    assert renewed.access_token is None
    assert (await office.stored())["refresh_token"] == "fresh"


async def test_an_edit_forgets_the_access_token_that_may_be_anothers(office: Office) -> None:
    connector = await office.connector(office.hire())
    await connector.renew(connector.config, Grant().exchange)

    await office.edit(refresh_token="of another account")

    assert await office.stored() == {**CONFIG, "refresh_token": "of another account"}


async def test_a_new_credential_never_goes_to_the_hosts_of_before(office: Office) -> None:
    connector = await office.connector(office.hire())
    await office.edit(base_url="https://new.example", refresh_token="fresh")
    grant = Grant()

    with pytest.raises(VendorUnavailable, match="hosts"):
        await connector.renew(connector.config, grant.exchange)

    assert not grant.asked.is_set()


async def test_a_database_that_stumbles_is_asked_again(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, failures = Renewals._store, [True, True, False]

    async def stumble(self: Renewals, *arguments: Any) -> Any:
        if failures.pop(0):
            raise OperationalError("UPDATE", {}, OSError("gone"))
        return await store(self, *arguments)

    monkeypatch.setattr(Renewals, "_store", stumble)
    monkeypatch.setattr("casebridge.services.renewals._STORING_PAUSES", (0.0, 0.0, 0.0))
    connector = await office.connector(office.hire())

    await connector.renew(connector.config, Grant().exchange)

    assert (await office.stored())["refresh_token"] == "refresh-1"
