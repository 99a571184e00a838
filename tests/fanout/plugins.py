"""The plugin of a vendor in memory: the contract's hooks, and nothing of its own."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from types import ModuleType
from typing import Any

import msgspec

from casebridge_core import (
    Capability,
    CaseProjection,
    CaseStatus,
    ChangePage,
    CheckLine,
    CommentRef,
    ConnectionReport,
    Connector,
    ConnectorConfig,
    ConnectorManifest,
    Delivery,
    NativeStatus,
    Person,
    ProjectedComment,
    PushResult,
    StatusChange,
    Ticket,
    TicketEvent,
    TicketRef,
    hookimpl,
)
from tests.fanout.desks import US, Desk, Trouble

Hook = Callable[..., Any]


class DeskConfig(ConnectorConfig, frozen=True, kw_only=True):
    """Nothing but the address."""


def plugin_of(desk: Desk) -> ModuleType:
    """Return the plugin that serves a vendor."""
    module = ModuleType(f"plugin_of_{desk.vendor}")
    for hook in (*_declaring(desk), *_writing(desk), *_reading(desk)):
        setattr(module, hook.__name__, hook)
    return module


def _declaring(desk: Desk) -> tuple[Hook, ...]:
    """Return the hooks for what it is and what it understands."""

    @hookimpl
    def itsm_declare_connector() -> ConnectorManifest:
        return ConnectorManifest(
            vendor=desk.vendor,
            title=desk.vendor.title(),
            config_type=DeskConfig,
            capabilities=frozenset(Capability),
            index_lag=30.0,
        )

    @hookimpl
    def itsm_map_outbound_status(status: CaseStatus) -> str | None:
        return desk.maps.native_for(status)

    @hookimpl
    def itsm_map_inbound_status(status: NativeStatus) -> tuple[CaseStatus, ...] | None:
        return desk.maps.meanings_of(status)

    @hookimpl
    def itsm_detect_inbound(delivery: Delivery) -> TicketEvent | None:
        told = delivery.payload.get(desk.vendor)
        return msgspec.convert(told, TicketEvent) if told is not None else None

    return (
        itsm_declare_connector,
        itsm_map_outbound_status,
        itsm_map_inbound_status,
        itsm_detect_inbound,
    )


def _writing(desk: Desk) -> tuple[Hook, ...]:
    """Return the hooks for what changes something at the vendor."""

    @hookimpl
    async def itsm_push_case(connector: Connector[Any], projection: CaseProjection) -> PushResult:
        issue = await desk.call(
            connector,
            "create",
            projection.correlation_key,
            lambda _: desk.create(projection, desk.maps.outbound[CaseStatus.OPEN]),
        )
        return PushResult(ticket=desk.shown(issue))

    @hookimpl
    async def itsm_push_status_change(
        connector: Connector[Any], ticket: TicketRef, change: StatusChange
    ) -> Ticket:
        number = ticket.external_id

        def move(trouble: Trouble | None) -> Ticket:
            desk.transition(desk.get(number), change, trouble)
            return desk.shown(desk.get(number))

        return await desk.call(connector, "transition", number, move, native=change.native)

    @hookimpl
    async def itsm_push_comment(
        connector: Connector[Any], ticket: TicketRef, comment: ProjectedComment
    ) -> CommentRef:
        number = ticket.external_id
        await desk.call(
            connector, "comment", number, lambda _: desk.get(number).comments.append(comment.key)
        )
        return CommentRef(external_id=comment.key)

    return (
        itsm_push_case,
        itsm_push_status_change,
        itsm_push_comment,
    )


def _reading(desk: Desk) -> tuple[Hook, ...]:
    """Return the hooks for what only reads."""

    @hookimpl
    async def itsm_find_ticket(
        connector: Connector[Any], correlation_key: str
    ) -> tuple[Ticket, ...]:
        return await desk.call(
            connector, "search", correlation_key, lambda _: desk.find(correlation_key)
        )

    @hookimpl
    async def itsm_fetch_ticket(connector: Connector[Any], ticket: TicketRef) -> Ticket:
        number = ticket.external_id
        return await desk.call(connector, "fetch", number, lambda _: desk.shown(desk.get(number)))

    @hookimpl
    async def itsm_list_changes(
        connector: Connector[Any], since: datetime, page: str | None
    ) -> ChangePage:
        return await desk.call(
            connector, "list_changes", page or "", lambda _: desk.changes(since, page)
        )

    @hookimpl
    async def itsm_find_comment(
        connector: Connector[Any], ticket: TicketRef, key: str
    ) -> tuple[CommentRef, ...]:
        number = ticket.external_id
        found = await desk.call(
            connector, "list_comments", number, lambda _: tuple(desk.get(number).comments)
        )
        return tuple(CommentRef(external_id=each) for each in found if each == key)

    @hookimpl
    async def itsm_identify_account(connector: Connector[Any]) -> Person:
        return await desk.call(connector, "whoami", "", lambda _: US)

    @hookimpl
    async def itsm_check_connection(connector: Connector[Any]) -> ConnectionReport:
        person = await desk.call(connector, "check", "", lambda _: US)
        line = CheckLine(name="account", ok=True, detail="signed in")
        return ConnectionReport(lines=(line,), account=person)

    return (
        itsm_find_ticket,
        itsm_fetch_ticket,
        itsm_list_changes,
        itsm_find_comment,
        itsm_identify_account,
        itsm_check_connection,
    )
