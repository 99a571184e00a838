"""The composition root: what a process is made of, opened and closed together."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from casebridge.engine.admission import Admission
from casebridge.engine.backfill import BackfillDriver
from casebridge.engine.claims import Claims
from casebridge.engine.convergence import Convergence
from casebridge.engine.embedded import EmbeddedEngine, Engine
from casebridge.engine.gate import Gate
from casebridge.engine.minting import Minting
from casebridge.engine.reconcile_leases import ReconcileLeases
from casebridge.engine.reconcile_turn import ReconcileTurns
from casebridge.engine.reconciler import Reconciler
from casebridge.engine.retention import Retention
from casebridge.engine.situation import Lookout
from casebridge.engine.steps import Steps
from casebridge.persistence.database import Database
from casebridge.persistence.migrate import upgrade
from casebridge.services.api_rate import ApiRate
from casebridge.services.authenticity import Authenticity
from casebridge.services.backfill import Backfills
from casebridge.services.backfill_plan import Planner
from casebridge.services.case_lists import CaseLists
from casebridge.services.cases import Cases
from casebridge.services.clock import Clock, utc_now
from casebridge.services.connections import Connections
from casebridge.services.connector_activity import ConnectorActivity
from casebridge.services.connectors import Connectors
from casebridge.services.events import Events
from casebridge.services.fanout import FanOut
from casebridge.services.flags import Flags
from casebridge.services.gauges import Gauges
from casebridge.services.going_live import GoingLive
from casebridge.services.idempotency import Idempotency
from casebridge.services.inbox import Inbox
from casebridge.services.known_tokens import KnownTokens
from casebridge.services.pulse import Pulse
from casebridge.services.reach import Reach
from casebridge.services.readiness import Readiness
from casebridge.services.readings import Readings
from casebridge.services.reconciliation import Reconciliation
from casebridge.services.replay import Replays
from casebridge.services.resealing import is_anything_sealed
from casebridge.services.status_maps import StatusMaps
from casebridge.services.tenants import Tenants
from casebridge.services.throttle import Throttle
from casebridge.services.tickets import Tickets
from casebridge.services.timeline_export import TimelineExport
from casebridge.services.token_secrets import TokenSecrets
from casebridge.services.tokens import Tokens
from casebridge.services.unmapped import UnmappedStatuses
from casebridge.services.vault import Vault
from casebridge.settings import Settings
from casebridge_core import Capability, ConnectorCatalog

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bridge:
    """One process's parts, ready to use."""

    settings: Settings
    clock: Clock
    database: Database
    vault: Vault
    catalog: ConnectorCatalog
    readiness: Readiness
    tenants: Tenants
    idempotency: Idempotency
    api_rate: ApiRate
    cases: Cases
    case_lists: CaseLists
    timeline_export: TimelineExport
    pulse: Pulse
    connectors: Connectors
    activity: ConnectorActivity
    status_maps: StatusMaps
    tickets: Tickets
    reconciliation: Reconciliation
    backfills: Backfills
    flags: Flags
    going_live: GoingLive
    tokens: Tokens
    throttle: Throttle
    inbox: Inbox
    events: Events
    replays: Replays
    unmapped: UnmappedStatuses
    gauges: Gauges


@asynccontextmanager
async def open_bridge(
    settings: Settings,
    *,
    catalog: ConnectorCatalog | None = None,
    clock: Clock = utc_now,
    converging: bool = True,
) -> AsyncIterator[Bridge]:
    """Open the database (migrating it), the vault and the engine; close them at the end.

    ``catalog`` replaces the installed plugins; ``converging`` says whether this process also
    brings tickets up to date.

    Raises:
        InvalidSettings: the engine does not fit the database, or its packages are missing.
        VaultError: the master key cannot be used.
        UnknownRevision: a newer release has upgraded the database.
        sqlalchemy.exc.SQLAlchemyError: the database cannot be reached or migrated.
    """
    settings.check()
    if catalog is None:
        catalog = ConnectorCatalog.installed(only=settings.allow_list)
    for failure in catalog.failures:
        log.warning("plugin not used: %s", failure.error)
    database = Database(settings.database, patience_seconds=settings.database_seconds)
    database.create_folder()
    try:
        await upgrade(database)
        vault = await _open_vault(settings, database)
    except BaseException:
        await database.close()
        raise
    connections = Connections(
        database,
        catalog,
        vault,
        clock,
        timeout=settings.vendor_timeout_seconds,
        reach=Reach.of(settings.private_hosts, settings.plain_http_hosts),
    )
    engine = _engine(settings, database, clock)
    fanout = FanOut(catalog, engine)
    secrets = TokenSecrets(vault, clock)
    known = KnownTokens(secrets, clock)
    tokens = Tokens(database, secrets, known, connections, clock, settings.address)
    throttle = Throttle(
        clock, per_token=settings.inbox_token_rate, per_address=settings.inbox_address_rate
    )
    tolerance = timedelta(seconds=settings.inbox_timestamp_seconds)
    authenticity = Authenticity(database, known, catalog, throttle, clock, tolerance=tolerance)
    connectors = Connectors(database, connections, fanout, clock)
    backfills = Backfills(database, Planner(database, connections), clock)
    flags = Flags(database, catalog, clock)
    bridge = Bridge(
        settings=settings,
        clock=clock,
        database=database,
        vault=vault,
        catalog=catalog,
        readiness=Readiness(database),
        tenants=Tenants(database, clock),
        idempotency=Idempotency(database, vault, clock),
        api_rate=ApiRate(clock, per_minute=settings.api_rate),
        cases=Cases(database, fanout, clock, settings.address),
        case_lists=CaseLists(database),
        timeline_export=TimelineExport(database),
        pulse=Pulse(database),
        connectors=connectors,
        activity=ConnectorActivity(database, clock),
        status_maps=StatusMaps(database, connections),
        tickets=Tickets(database, fanout, clock),
        reconciliation=Reconciliation(database, catalog, clock),
        backfills=backfills,
        flags=flags,
        going_live=GoingLive(flags, connectors, backfills),
        tokens=tokens,
        throttle=throttle,
        inbox=Inbox(database, authenticity, connections, fanout, clock),
        events=Events(database),
        replays=Replays(database, connections, fanout, clock),
        unmapped=UnmappedStatuses(database, connections, fanout, clock),
        gauges=Gauges(database, clock),
    )
    try:
        await engine.prepare()
        first_key = await bridge.tenants.bootstrap(settings.data_dir)
        if first_key is not None:
            log.warning("created the first tenant; its admin key is in %s", first_key)
        claims = Claims(database, clock, lease=timedelta(seconds=settings.lease_seconds))
        gate = Gate(database, connections, clock)
        convergence = Convergence(
            claims,
            Lookout(database, connections, clock),
            gate,
            Steps(database, claims, fanout, Minting(claims, bridge.replays, clock), clock),
            clock,
        )
        vendors = [name for name in catalog if catalog[name].can(Capability.PUSH_CASE)]
        driver = BackfillDriver(database, fanout, clock, vendors=vendors)
        readings = Readings(fanout, clock)
        reconciler = _reconciler(settings, bridge, connections, gate, readings, clock)
        retention = _retention(settings, database, clock)
        driven = converging and settings.workers > 0
        async with (
            _running(engine, claims, convergence, catalog if converging else None),
            _driving(driver if driven else None, settings.sweep_seconds),
            _driving(reconciler if driven else None, settings.sweep_seconds),
            _driving(retention if driven else None, settings.sweep_seconds),
        ):
            yield bridge
    finally:
        await bridge.pulse.close()
        await connections.close()
        await database.close()


async def _open_vault(settings: Settings, database: Database) -> Vault:
    """Open the vault; a master key is made for a database that has no use for a lost one."""
    create = not settings.key_file.exists() and not await is_anything_sealed(database)
    return Vault.from_settings(settings.keys, settings.key_file, create=create)


@asynccontextmanager
async def _running(
    engine: Engine,
    claims: Claims,
    convergence: Convergence,
    catalog: ConnectorCatalog | None,
) -> AsyncIterator[None]:
    if catalog is None:
        yield
        return
    vendors = tuple(catalog)
    work = asyncio.create_task(
        engine.run(lambda limit: claims.take(limit, vendors), convergence.run)
    )
    try:
        yield
    finally:
        engine.stop()
        convergence.stop()
        await work


class _Driver(Protocol):
    """What looks after something beside the engine."""

    async def run(self, *, sweep_seconds: float) -> None: ...

    def stop(self) -> None: ...


@asynccontextmanager
async def _driving(driver: _Driver | None, sweep_seconds: float) -> AsyncIterator[None]:
    if driver is None:
        yield
        return
    work = asyncio.create_task(driver.run(sweep_seconds=sweep_seconds))
    try:
        yield
    finally:
        driver.stop()
        await work


def _reconciler(
    settings: Settings,
    bridge: Bridge,
    connections: Connections,
    gate: Gate,
    readings: Readings,
    clock: Clock,
) -> Reconciler:
    database, catalog = bridge.database, bridge.catalog
    period = timedelta(minutes=settings.reconcile_minutes)
    lasting = timedelta(seconds=settings.lease_seconds)
    leases = ReconcileLeases(database, clock, lasting=lasting, period=period)
    admission = Admission(database, gate, clock)
    verify_every = timedelta(hours=settings.verify_hours)
    turns = ReconcileTurns(
        database, connections, admission, leases, readings, clock, verify_every=verify_every
    )
    vendors = [name for name in catalog if catalog[name].can(Capability.LIST_CHANGES)]
    return Reconciler(leases, turns, admission, clock, period=period, vendors=vendors)


def _retention(settings: Settings, database: Database, clock: Clock) -> Retention:
    days = settings.event_retention_days
    return Retention(database, clock, lasting=timedelta(days=days) if days else None)


def _engine(settings: Settings, database: Database, clock: Clock) -> Engine:
    workers, sweep = settings.workers, settings.sweep_seconds
    if settings.engine == "embedded":
        return EmbeddedEngine(workers=workers, sweep_seconds=sweep, urgency=database.urgency)
    from casebridge.engine.distributed import DistributedEngine  # noqa: PLC0415 - an extra

    return DistributedEngine(database, clock, workers=workers, sweep_seconds=sweep)
