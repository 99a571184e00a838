"""A connector's status maps in both directions, and what survives the way there and back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from enum import StrEnum

import msgspec
from sqlalchemy import select

from casebridge.persistence.connectors import ConnectorRow, RefRow
from casebridge.persistence.database import Database
from casebridge.persistence.inbox import UnmappedStatusRow
from casebridge.services.connections import Connections
from casebridge.services.faults import Invalid
from casebridge.services.tenants import Principal
from casebridge.services.vault import VaultError
from casebridge_core import (
    CasebridgeError,
    CaseStatus,
    NativeStatus,
    StatusCategory,
    StatusOverrides,
)


class Verdict(StrEnum):
    """What becomes of a case status on its way to the ticket and back.

    ``shared``: our own push is recognised, but a person who moves the ticket there moves the case
    to another status. ``unknown``: the vendor has no such status. ``stays``: it is not pushed.
    """

    SURVIVES = "survives"
    SHARED = "shared"
    UNKNOWN = "unknown"
    STAYS = "stays"


class RoundTrip(msgspec.Struct, frozen=True, kw_only=True):
    """A case status, the native one that it is pushed as, and what that is read as.

    ``default`` is what the plugin's map says, ``own`` the connector's own entry.
    """

    status: CaseStatus
    native: str | None
    own: str | None
    default: str | None
    back: tuple[CaseStatus, ...]
    verdict: Verdict


class Meaning(msgspec.Struct, frozen=True, kw_only=True):
    """A native status and what it means for a case; ``entry`` is how the own map names it."""

    native: NativeStatus
    entry: str
    own: CaseStatus | None
    default: CaseStatus | None
    means: CaseStatus | None


class MapPreview(msgspec.Struct, frozen=True, kw_only=True):
    """Both maps of a connector with certain entries of its own."""

    trips: tuple[RoundTrip, ...]
    meanings: tuple[Meaning, ...]

    @property
    def lost(self) -> tuple[RoundTrip, ...]:
        """Those that do not come back as what they were."""
        return tuple(trip for trip in self.trips if trip.verdict is not Verdict.SURVIVES)


class StatusMaps:
    """Reads maps; they are written by editing the connector."""

    def __init__(self, database: Database, connections: Connections) -> None:
        """Bind the plugins that know the maps."""
        self._database = database
        self._connections = connections

    async def vocabulary(
        self, row: ConnectorRow, live: Sequence[NativeStatus] = ()
    ) -> tuple[NativeStatus, ...]:
        """Return the vendor's statuses: those that it told just now, its stock, and those seen."""
        hooks = self._connections.catalog.get(row.vendor)
        async with self._database.read() as session:
            query = select(UnmappedStatusRow).where(UnmappedStatusRow.connector_id == row.id)
            unmapped = (await session.scalars(query.order_by(UnmappedStatusRow.id))).all()
            query_of_tickets = select(
                RefRow.ticket_status, RefRow.ticket_status_id, RefRow.ticket_category
            ).where(RefRow.connector_id == row.id, RefRow.ticket_status.is_not(None))
            found = (await session.execute(query_of_tickets.distinct())).all()
        seen = [(each.name, each.native_id, each.category) for each in unmapped]
        seen += [(name or "", code, category) for name, code, category in found]
        told = [
            NativeStatus(
                name=name, id=code, category=StatusCategory(category) if category else None
            )
            for name, code, category in sorted(seen, key=lambda each: each[0].casefold())
        ]
        stock = hooks.manifest.known_statuses if hooks is not None and not live else ()
        return tuple(_distinct((*live, *stock, *told)))

    def preview(
        self,
        who: Principal,
        row: ConnectorRow,
        overrides: StatusOverrides,
        natives: Sequence[NativeStatus],
        *,
        complete: bool = False,
    ) -> MapPreview:
        """Tell what the maps say with these overrides; nothing is written and nobody is called.

        ``complete`` says that ``natives`` are all that the vendor has.

        Raises:
            Invalid: the plugin is missing, or the stored configuration does not fit it.
        """
        try:
            opened = self._connections.open(row, who.tenant)
            hooks = self._connections.hooks(row.vendor)
            connector = replace(opened, statuses=overrides)
            plain = replace(opened, statuses=StatusOverrides())
            trips = []
            for status in CaseStatus:
                native = hooks.native_status(connector, status)
                known = next((each for each in natives if native and each.matches(native)), None)
                there = known or (NativeStatus(name=native) if native is not None else None)
                back = hooks.meanings_of(connector, there) if there is not None else ()
                trip = RoundTrip(
                    status=status,
                    native=native,
                    own=overrides.native_for(status),
                    default=hooks.native_status(plain, status),
                    back=back,
                    verdict=_verdict(status, native, back, missing=complete and known is None),
                )
                trips.append(trip)
            others = (NativeStatus(name=entry) for entry in overrides.inbound)
            meanings = [
                Meaning(
                    native=native,
                    entry=next(
                        (key for key in overrides.inbound if native.matches(key)), native.name
                    ),
                    own=overrides.meaning_of(native),
                    default=next(iter(hooks.meanings_of(plain, native)), None),
                    means=next(iter(hooks.meanings_of(connector, native)), None),
                )
                for native in _distinct((*natives, *others))
            ]
        except (CasebridgeError, VaultError) as error:
            raise Invalid(str(error), field="config") from error
        return MapPreview(trips=tuple(trips), meanings=tuple(meanings))


def _verdict(
    status: CaseStatus, native: str | None, back: Sequence[CaseStatus], *, missing: bool
) -> Verdict:
    if native is None:
        return Verdict.STAYS
    if missing:
        return Verdict.UNKNOWN
    return Verdict.SURVIVES if back and back[0] is status else Verdict.SHARED


def _distinct(natives: Iterable[NativeStatus]) -> list[NativeStatus]:
    """Keep the first of those that are the same by name or id."""
    kept: list[NativeStatus] = []
    for native in natives:
        if not any(each.matches(native.name) or native.matches(each.name) for each in kept):
            kept.append(native)
    return kept
