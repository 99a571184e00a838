"""The hooks of the Jira plugin: each translates its arguments and delegates."""

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
    SignatureScheme,
    StatusChange,
    Ticket,
    TicketEvent,
    TicketRef,
    hookimpl,
)
from casebridge_jira.changes import list_changes
from casebridge_jira.checks import check_connection
from casebridge_jira.client import JiraClient
from casebridge_jira.commenting import find_comments, post_comment
from casebridge_jira.config import JiraConfig
from casebridge_jira.creating import create_ticket
from casebridge_jira.guide import setup_guide
from casebridge_jira.moving import move_ticket
from casebridge_jira.statuses import KNOWN_STATUSES, STATUS_MAP, VENDOR
from casebridge_jira.webhooks import detect

if TYPE_CHECKING:
    from datetime import datetime

MANIFEST: Final = ConnectorManifest(
    vendor=VENDOR,
    title="Jira",
    capabilities=frozenset(Capability),
    config_type=JiraConfig,
    signature_schemes=(
        SignatureScheme(header="x-hub-signature", title="Jira webhook secret (X-Hub-Signature)"),
    ),
    known_statuses=KNOWN_STATUSES,
    index_lag=60.0,
    docs_url="https://developer.atlassian.com/cloud/jira/platform/webhooks/",
)


@hookimpl
def itsm_declare_connector() -> ConnectorManifest:
    """Declare Jira with every capability."""
    return MANIFEST


@hookimpl
async def itsm_push_case(
    connector: Connector[JiraConfig], projection: CaseProjection
) -> PushResult:
    """Create an issue labelled with the correlation key."""
    return await create_ticket(JiraClient(connector), projection)


@hookimpl
async def itsm_find_ticket(
    connector: Connector[JiraConfig], correlation_key: str
) -> tuple[Ticket, ...]:
    """Find the issues that carry the label."""
    return await JiraClient(connector).find(correlation_key)


@hookimpl
async def itsm_fetch_ticket(connector: Connector[JiraConfig], ticket: TicketRef) -> Ticket:
    """Read an issue by its numeric id."""
    return await JiraClient(connector).ticket(ticket.external_id)


@hookimpl
def itsm_map_outbound_status(connector: Connector[JiraConfig], status: CaseStatus) -> str | None:
    """Name the stock status for a case status."""
    return STATUS_MAP.native_for(status)


@hookimpl
async def itsm_push_status_change(
    connector: Connector[JiraConfig], ticket: TicketRef, change: StatusChange
) -> Ticket:
    """Walk the live transitions to the target and read the issue back."""
    return await move_ticket(JiraClient(connector), ticket, change)


@hookimpl
async def itsm_push_comment(
    connector: Connector[JiraConfig], ticket: TicketRef, comment: ProjectedComment
) -> CommentRef:
    """Post a comment that carries its key."""
    return await post_comment(JiraClient(connector), ticket, comment)


@hookimpl
async def itsm_find_comment(
    connector: Connector[JiraConfig], ticket: TicketRef, key: str
) -> tuple[CommentRef, ...]:
    """Find the comments that carry a key."""
    return await find_comments(JiraClient(connector), ticket, key)


@hookimpl
async def itsm_list_changes(
    connector: Connector[JiraConfig], since: datetime, page: str | None
) -> ChangePage:
    """List the project's issues by the time of their last change."""
    return await list_changes(JiraClient(connector), since, page)


@hookimpl
def itsm_detect_inbound(delivery: Delivery) -> TicketEvent | None:
    """Recognise Jira's webhooks and what its Automation sends."""
    return detect(delivery)


@hookimpl
def itsm_map_inbound_status(
    connector: Connector[JiraConfig], status: NativeStatus
) -> tuple[CaseStatus, ...] | None:
    """Go by the status's name, and by its category if the settings allow it."""
    return STATUS_MAP.meanings_of(status, by_category=connector.config.category_fallback)


@hookimpl
async def itsm_identify_account(connector: Connector[JiraConfig]) -> Person:
    """Tell the account id (Cloud) or user name (Data Center) of the credential."""
    return await JiraClient(connector).account()


@hookimpl
async def itsm_check_connection(connector: Connector[JiraConfig]) -> ConnectionReport:
    """Look at the site, the account, the project, its screens, statuses and webhooks."""
    return await check_connection(JiraClient(connector), _outbound(connector))


@hookimpl
def itsm_setup_guide(connector: Connector[JiraConfig], inbox: InboxAddress) -> str | None:
    """Explain the webhook to the administrator of this Jira."""
    return setup_guide(connector.config, inbox)


def _outbound(connector: Connector[JiraConfig]) -> dict[CaseStatus, str]:
    """Return where each case status goes: the instance's own entry, else the default."""
    return {**STATUS_MAP.outbound, **connector.statuses.outbound}
