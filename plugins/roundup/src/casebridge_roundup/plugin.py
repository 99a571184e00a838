"""The hooks of the Roundup plugin: each translates its arguments and delegates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from casebridge_core import (
    Capability,
    CaseProjection,
    CaseStatus,
    ChangePage,
    CommentRef,
    ConnectionReport,
    Connector,
    ConnectorManifest,
    Delivery,
    InboxAddress,
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
from casebridge_roundup.changes import list_changes
from casebridge_roundup.checks import check_connection
from casebridge_roundup.client import ONE_USE_SECONDS, RoundupClient
from casebridge_roundup.commenting import find_comments, post_comment
from casebridge_roundup.config import RoundupConfig
from casebridge_roundup.creating import create_ticket, find_tickets
from casebridge_roundup.guide import setup_guide
from casebridge_roundup.moving import move_ticket
from casebridge_roundup.statuses import KNOWN_STATUSES, STATUS_MAP, VENDOR
from casebridge_roundup.webhooks import detect

if TYPE_CHECKING:
    from datetime import datetime

_LONGEST_WAY: Final = 60.0
"""Seconds that the two calls before the one that creates may take."""

MANIFEST: Final = ConnectorManifest(
    vendor=VENDOR,
    title="Roundup",
    capabilities=frozenset(Capability),
    config_type=RoundupConfig,
    known_statuses=KNOWN_STATUSES,
    index_lag=_LONGEST_WAY + ONE_USE_SECONDS,
    docs_url="https://www.roundup-tracker.org/docs/rest.html",
)


@hookimpl
def itsm_declare_connector() -> ConnectorManifest:
    """Declare Roundup with every capability."""
    return MANIFEST


@hookimpl
async def itsm_push_case(
    connector: Connector[RoundupConfig], projection: CaseProjection
) -> PushResult:
    """Create an issue whose first message carries the correlation key."""
    return await create_ticket(RoundupClient(connector), projection)


@hookimpl
async def itsm_find_ticket(
    connector: Connector[RoundupConfig], correlation_key: str
) -> tuple[Ticket, ...]:
    """Find the issues by the Message-ID of their first message."""
    return await find_tickets(RoundupClient(connector), correlation_key)


@hookimpl
async def itsm_fetch_ticket(connector: Connector[RoundupConfig], ticket: TicketRef) -> Ticket:
    """Read an issue that is not retired."""
    return await RoundupClient(connector).ticket(ticket.external_id)


@hookimpl
def itsm_map_outbound_status(connector: Connector[RoundupConfig], status: CaseStatus) -> str | None:
    """Name the classic template's status for a case status."""
    return STATUS_MAP.native_for(status)


@hookimpl
async def itsm_push_status_change(
    connector: Connector[RoundupConfig], ticket: TicketRef, change: StatusChange
) -> Ticket:
    """Set the status and read the issue back."""
    return await move_ticket(RoundupClient(connector), ticket, change)


@hookimpl
async def itsm_push_comment(
    connector: Connector[RoundupConfig], ticket: TicketRef, comment: ProjectedComment
) -> CommentRef:
    """Put a message on the issue whose Message-ID carries the key."""
    return await post_comment(RoundupClient(connector), ticket, comment)


@hookimpl
async def itsm_find_comment(
    connector: Connector[RoundupConfig], ticket: TicketRef, key: str
) -> tuple[CommentRef, ...]:
    """Find the issue's messages by their Message-ID."""
    return await find_comments(RoundupClient(connector), ticket, key)


@hookimpl
async def itsm_list_changes(
    connector: Connector[RoundupConfig], since: datetime, page: str | None
) -> ChangePage:
    """List the account's issues by the time of their last change."""
    return await list_changes(RoundupClient(connector), since, page)


@hookimpl
def itsm_detect_inbound(delivery: Delivery) -> TicketEvent | None:
    """Recognise what our detector sends."""
    return detect(delivery)


@hookimpl
def itsm_map_inbound_status(
    connector: Connector[RoundupConfig], status: NativeStatus
) -> tuple[CaseStatus, ...] | None:
    """Go by the status's name."""
    return STATUS_MAP.meanings_of(status)


@hookimpl
async def itsm_identify_account(connector: Connector[RoundupConfig]) -> Person:
    """Tell the number of the account's user."""
    return await RoundupClient(connector).account()


@hookimpl
async def itsm_check_connection(connector: Connector[RoundupConfig]) -> ConnectionReport:
    """Look at the tracker, the account, its rights, statuses and priorities."""
    return await check_connection(RoundupClient(connector), _outbound(connector))


@hookimpl
def itsm_setup_guide(connector: Connector[RoundupConfig], inbox: InboxAddress) -> str | None:
    """Explain the detector to the administrator of this tracker."""
    return setup_guide(connector.config, inbox)


def _outbound(connector: Connector[RoundupConfig]) -> dict[CaseStatus, str]:
    """Return where each case status goes: the instance's own entry, else the default."""
    return {**STATUS_MAP.outbound, **connector.statuses.outbound}
