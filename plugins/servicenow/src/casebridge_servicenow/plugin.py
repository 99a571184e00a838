"""The hooks: each translates and delegates."""

from __future__ import annotations

from datetime import datetime
from typing import Final

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
from casebridge_servicenow import webhooks
from casebridge_servicenow.changes import list_changes
from casebridge_servicenow.checks import check_connection
from casebridge_servicenow.client import ServiceNowClient
from casebridge_servicenow.config import ServiceNowConfig
from casebridge_servicenow.guide import setup_guide
from casebridge_servicenow.journal import find_comment, post_comment
from casebridge_servicenow.state_models import KNOWN_STATUSES
from casebridge_servicenow.transitions import move

MANIFEST: Final = ConnectorManifest(
    vendor=webhooks.VENDOR,
    title="ServiceNow",
    capabilities=frozenset(Capability),
    config_type=ServiceNowConfig,
    known_statuses=KNOWN_STATUSES,
)


@hookimpl
def itsm_declare_connector() -> ConnectorManifest:
    """Declare ServiceNow, which can do all that the contract knows."""
    return MANIFEST


@hookimpl
async def itsm_push_case(
    connector: Connector[ServiceNowConfig], projection: CaseProjection
) -> PushResult:
    """Create a record with the correlation key in ``correlation_id``."""
    return await ServiceNowClient(connector).create(projection)


@hookimpl
async def itsm_find_ticket(
    connector: Connector[ServiceNowConfig], correlation_key: str
) -> tuple[Ticket, ...]:
    """Search by ``correlation_id`` and compare what came."""
    return await ServiceNowClient(connector).find(correlation_key)


@hookimpl
async def itsm_fetch_ticket(connector: Connector[ServiceNowConfig], ticket: TicketRef) -> Ticket:
    """Read a record by its sys_id."""
    return await ServiceNowClient(connector).fetch(ticket)


@hookimpl
def itsm_map_outbound_status(
    connector: Connector[ServiceNowConfig], status: CaseStatus
) -> str | None:
    """Answer from the state model of the connector's table."""
    return connector.config.states.statuses.native_for(status)


@hookimpl
async def itsm_push_status_change(
    connector: Connector[ServiceNowConfig], ticket: TicketRef, change: StatusChange
) -> Ticket:
    """Write the state with what it asks for, and read the record back."""
    return await move(ServiceNowClient(connector), ticket, change)


@hookimpl
async def itsm_push_comment(
    connector: Connector[ServiceNowConfig], ticket: TicketRef, comment: ProjectedComment
) -> CommentRef:
    """Append a work note (or a comment to the caller, if configured) that ends in its key."""
    return await post_comment(ServiceNowClient(connector), ticket, comment)


@hookimpl
async def itsm_find_comment(
    connector: Connector[ServiceNowConfig], ticket: TicketRef, key: str
) -> tuple[CommentRef, ...]:
    """Search the journal for entries that end in the key."""
    return await find_comment(ServiceNowClient(connector), ticket, key)


@hookimpl
async def itsm_list_changes(
    connector: Connector[ServiceNowConfig], since: datetime, page: str | None
) -> ChangePage:
    """List our records by ``sys_updated_on``."""
    return await list_changes(ServiceNowClient(connector), since, page)


@hookimpl
def itsm_detect_inbound(delivery: Delivery) -> TicketEvent | None:
    """Recognise the body of our business rule, and of those that admins write."""
    return webhooks.detect(delivery.payload)


@hookimpl
def itsm_map_inbound_status(
    connector: Connector[ServiceNowConfig], status: NativeStatus
) -> tuple[CaseStatus, ...] | None:
    """Answer from the state model of the connector's table."""
    return connector.config.states.meanings_of(status, connector.statuses)


@hookimpl
async def itsm_identify_account(connector: Connector[ServiceNowConfig]) -> Person:
    """Return the integration account, by its user name."""
    return await ServiceNowClient(connector).identify()


@hookimpl
async def itsm_check_connection(connector: Connector[ServiceNowConfig]) -> ConnectionReport:
    """Look at credential, table, fields, choices, journal and business rule."""
    return await check_connection(connector)


@hookimpl
def itsm_setup_guide(connector: Connector[ServiceNowConfig], inbox: InboxAddress) -> str:
    """Write the guide to the business rule."""
    return setup_guide(connector.config, inbox)
