"""The plan of a backfill, on both databases: how many, how long, and what would fail and why."""

from __future__ import annotations

from collections.abc import AsyncIterator, Generator
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import msgspec
import pytest

from casebridge.domain.backfill import CALLS_TO_MINT, Ramp
from casebridge.persistence.cases import ContainmentActionRow
from casebridge.persistence.connectors import ConnectorRow
from casebridge.persistence.database import Database
from casebridge.persistence.tenants import TenantRow
from casebridge.services.backfill_plan import Plan, Planner
from casebridge.services.connections import Connections
from casebridge.services.tenants import Principal, Scope
from casebridge.services.vault import Vault
from casebridge_core import (
    Capability,
    CaseProjection,
    ConnectorCatalog,
    ConnectorManifest,
    InvalidRequest,
    hookimpl,
)
from tests.integration import acme
from tests.integration.rows import NOON, add_case, add_connector, add_ref, add_tenant

VAULT = Vault((bytes(range(32)),))
CONFIG = {"base_url": "https://acme.example", "token": "secret"}
FIXED = Ramp(first=8, most=8)


def plugin(name: str, **hooks: Any) -> ModuleType:
    module = ModuleType(name)
    for hook, function in hooks.items():
        setattr(module, hook, function)
    return module


@hookimpl(wrapper=True)
def _refuse_poison() -> Generator[None, CaseProjection, CaseProjection]:
    projection = yield
    if "poison" in projection.title:
        raise InvalidRequest("the title must not be poison")
    return projection


@hookimpl
def _declare_a_reader() -> ConnectorManifest:
    return ConnectorManifest(
        vendor="reader", title="Reader", config_type=acme.AcmeConfig, capabilities=frozenset()
    )


READER = plugin("reader", itsm_declare_connector=_declare_a_reader)
POISON = plugin("poison", itsm_project_case=_refuse_poison)


@dataclass
class Desk:
    """A connector that came after three open cases."""

    database: Database
    connections: Connections
    tenant: TenantRow
    connector: ConnectorRow

    async def plan(self, ramp: Ramp = FIXED) -> Plan:
        who = Principal(
            tenant_id=self.tenant.id,
            tenant=self.tenant.public_id,
            scopes=frozenset({Scope.WRITE}),
            label="api (tester)",
        )
        return await Planner(self.database, self.connections).plan(who, self.connector, ramp)


@pytest.fixture
async def desk(database: Database) -> AsyncIterator[Desk]:
    catalog = ConnectorCatalog.of(acme=acme, reader=READER, poison=POISON)
    connections = Connections(database, catalog, VAULT, lambda: NOON, timeout=1)
    async with database.write() as session:
        tenant = await add_tenant(session)
        connector = await add_connector(session, tenant, calls_per_minute=60)
        connector.config_sealed = connections.seal(connector.public_id, CONFIG)
        for number in range(3):
            await add_case(session, tenant, title=f"Case {number}")
    yield Desk(database, connections, tenant, connector)
    await connections.close()


async def test_open_cases_without_a_ticket_are_counted(desk: Desk) -> None:
    async with desk.database.write() as session:
        await add_case(session, desk.tenant, status="closed")
        await add_case(session, await add_tenant(session))
        known = await add_case(session, desk.tenant)
        await add_ref(session, known, desk.connector)

    found = await desk.plan()

    assert (found.tickets, found.failing, found.obstacles) == (3, 0, [])


async def test_the_time_follows_from_the_calls_and_the_limit(desk: Desk) -> None:
    found = await desk.plan()

    assert found.calls == 3 * CALLS_TO_MINT
    assert found.seconds == pytest.approx(found.calls)
    assert "60 calls a minute" in found.basis


async def test_a_case_that_is_not_to_stay_as_its_ticket_is_born_costs_more(desk: Desk) -> None:
    before = (await desk.plan()).calls
    async with desk.database.write() as session:
        await add_case(session, desk.tenant, status="contained")

    assert (await desk.plan()).calls - before > CALLS_TO_MINT


async def test_comments_cost_nothing_where_the_vendor_takes_none(desk: Desk) -> None:
    before = (await desk.plan()).calls
    async with desk.database.write() as session:
        case = await add_case(session, desk.tenant, agent_summary="Isolate it.")
        values = {"action": "Isolate host", "target": "web-01", "outcome": "isolated", "at": NOON}
        session.add(
            ContainmentActionRow(
                public_id="act_1", tenant_id=desk.tenant.id, case_id=case.id, **values
            )
        )

    assert not desk.connections.hooks("acme").can(Capability.PUSH_COMMENT)
    assert (await desk.plan()).calls - before == CALLS_TO_MINT


async def test_a_case_whose_projection_fails_is_named_with_the_reason(desk: Desk) -> None:
    async with desk.database.write() as session:
        case = await add_case(session, desk.tenant, title="poison")

    found = await desk.plan()

    assert (found.tickets, found.failing) == (4, 1)
    assert [(each.case_id, each.title) for each in found.would_fail] == [(case.public_id, "poison")]
    assert "must not be poison" in found.would_fail[0].reason
    assert found.seconds == pytest.approx(3 * CALLS_TO_MINT)


async def test_a_plan_covers_more_cases_than_it_reads_at_a_time(desk: Desk) -> None:
    async with desk.database.write() as session:
        for _ in range(230):
            await add_case(session, desk.tenant, title="poison")

    found = await desk.plan()

    assert (found.tickets, found.failing, len(found.would_fail)) == (233, 230, 100)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"paused_at": NOON, "paused_reason": "the credential is refused"}, "credential"),
        ({"enabled": False}, "disabled"),
        ({"removed_at": NOON}, "removed"),
        ({"vendor": "uninstalled"}, "no enabled plugin"),
        ({"vendor": "reader"}, "mints no tickets"),
        ({"config_sealed": b"changed"}, "cannot be used"),
    ],
    ids=["paused", "disabled", "removed", "without its plugin", "no minter", "unreadable"],
)
async def test_what_keeps_every_ticket_from_being_minted_is_an_obstacle(
    desk: Desk, values: dict[str, Any], words: str
) -> None:
    for name, value in values.items():
        setattr(desk.connector, name, value)

    found = await desk.plan()

    assert [words in sentence for sentence in found.obstacles] == [True]
    assert found.tickets == 3


async def test_a_configuration_that_no_longer_fits_is_an_obstacle_without_its_values(
    desk: Desk,
) -> None:
    wrong = {**CONFIG, "project": ["hidden-value"]}
    desk.connector.config_sealed = desk.connections.seal(desk.connector.public_id, wrong)

    (obstacle,) = (await desk.plan()).obstacles

    assert "config.project" in obstacle
    assert "hidden-value" not in obstacle


async def test_a_plan_can_be_shown_as_json(desk: Desk) -> None:
    found = await desk.plan(Ramp())

    assert msgspec.json.decode(msgspec.json.encode(found))["ramp"] == {"first": 5, "most": 50}
