"""Putting the evidence together: what the database, the vendors and their logs say in the end."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import Final

import httpx
import msgspec
from sqlalchemy import select

from casebridge.persistence.connectors import ConnectorRow
from casebridge.persistence.inbox import InboundEventRow, UnmappedStatusRow
from casebridge_core import Connector, ConnectorCatalog, NativeStatus, StatusCategory
from casebridge_sandbox import DeliveryAttempt, TicketView
from chaos.evidence import Comment, Delivery, Evidence, Move, Ticket, VendorFacts
from chaos.ledger import Ledger
from chaos.logs import Logs
from chaos.people import correlation_key
from chaos.records import cases, digests, reading
from chaos.stage import BRIDGE, Stage, Vendor

_CATEGORIES: Final[Mapping[str, StatusCategory]] = {
    "new": StatusCategory.NEW,
    "active": StatusCategory.IN_PROGRESS,
    "done": StatusCategory.DONE,
}


def gather(stage: Stage, ledger: Ledger, logs: Logs, earlier: dict[int, str]) -> Evidence:
    """Read everything, when all is calm."""
    logs.read_on()
    return asyncio.run(_gather(stage, ledger, logs, earlier))


async def _gather(stage: Stage, ledger: Ledger, logs: Logs, earlier: dict[int, str]) -> Evidence:
    async with reading(stage.database) as session:
        names = {row.id: row.vendor for row in (await session.scalars(select(ConnectorRow))).all()}
        unmapped = (await session.scalars(select(UnmappedStatusRow))).all()
        stored = await session.scalars(select(InboundEventRow.public_id))
        known = await cases(session, names)
        rows = await digests(session)
    return Evidence(
        vendors={
            vendor.name: VendorFacts(
                meanings=_meanings(vendor),
                unmapped=[
                    each.name for each in unmapped if names[each.connector_id] == vendor.name
                ],
                clock_went_back=vendor.clock.went_back,
            )
            for vendor in stage.vendors
        },
        cases=known,
        tickets=[
            _ticket(vendor, each)
            for vendor in stage.vendors
            for each in vendor.served.control.tickets()
        ],
        orders=ledger.orders,
        deeds=ledger.deeds,
        deliveries=[
            Delivery(vendor=vendor, ticket=each.ticket, event=_event_of(each))
            for vendor, attempts in logs.deliveries.items()
            for each in attempts.values()
            if each.outcome == "accepted"
        ],
        stored=frozenset(stored),
        earlier=earlier,
        rows=rows,
    )


def _ticket(vendor: Vendor, view: TicketView) -> Ticket:
    return Ticket(
        vendor=vendor.name,
        id=view.id,
        name=view.key,
        key=correlation_key(view),
        status=view.status,
        assignee=view.assignee,
        listed=view.project == vendor.config.get("project", view.project),
        comments=tuple(
            Comment(text=each.text, ours=each.author == BRIDGE) for each in view.comments
        ),
        moves=tuple(
            Move(to=change.after_text or "", ours=entry.actor == BRIDGE, at=entry.at)
            for entry in view.history
            for change in entry.changes
            if change.field == "status"
        ),
    )


def _event_of(attempt: DeliveryAttempt) -> str:
    """Return the id of the event that an answer named, empty where it named none."""
    with suppress(msgspec.DecodeError):
        return str(msgspec.json.decode(attempt.answer).get("event_id") or "")
    return ""


def _meanings(vendor: Vendor) -> dict[str, list[str]]:
    """Return what each native status can stand for, as the installed plugin has it."""
    hooks = ConnectorCatalog.installed()[vendor.name]
    connector = Connector(
        id="",
        tenant_id="",
        vendor=vendor.name,
        config=hooks.decode_config({"base_url": vendor.proxy.url, **vendor.config}),
        http=httpx.AsyncClient(),
    )
    scenario = vendor.served.sandbox.scenario
    flow = scenario.workflow if vendor.name == "jira" else scenario.tables[0].workflow
    return {
        status.name: list(
            hooks.meanings_of(
                connector,
                NativeStatus(id=status.id, name=status.name, category=_CATEGORIES[status.category]),
            )
        )
        for status in flow.statuses
    }
