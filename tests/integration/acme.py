"""A vendor for tests in which no vendor's behaviour matters: it answers at once, from nothing."""

from __future__ import annotations

from typing import Any

import msgspec

from casebridge_core import (
    Capability,
    CaseProjection,
    CaseStatus,
    CheckLine,
    ConnectionReport,
    Connector,
    ConnectorConfig,
    ConnectorManifest,
    Delivery,
    InboxAddress,
    NativeStatus,
    Person,
    PushResult,
    Secret,
    StatusChange,
    StatusMap,
    Ticket,
    TicketEvent,
    TicketRef,
    hookimpl,
)

STATUSES = StatusMap(
    outbound={status: status.title() for status in CaseStatus},
    inbound={status.title(): status for status in CaseStatus},
)
US = Person(id="bridge", name="Casebridge")


class AcmeConfig(ConnectorConfig, frozen=True, kw_only=True):
    """One secret that is needed, one that is not, and a field with a default."""

    token: Secret
    second_token: Secret | None = None
    project: str = "SEC"


@hookimpl
def itsm_declare_connector() -> ConnectorManifest:
    return ConnectorManifest(
        vendor="acme",
        title="Acme",
        config_type=AcmeConfig,
        capabilities=frozenset(
            {
                Capability.PUSH_CASE,
                Capability.PUSH_STATUS,
                Capability.INBOUND_STATUS,
                Capability.INBOUND_ASSIGNEE,
            }
        ),
    )


@hookimpl
async def itsm_push_case(connector: Connector[Any], projection: CaseProjection) -> PushResult:
    key = projection.correlation_key
    ref = TicketRef(external_id=key, key=f"T-{key}", url=f"{connector.config.base_url}/{key}")
    return PushResult(ticket=Ticket(ref=ref, status=NativeStatus(name="Open"), correlation_key=key))


@hookimpl
def itsm_map_outbound_status(status: CaseStatus) -> str | None:
    return STATUSES.native_for(status)


@hookimpl
async def itsm_push_status_change(ticket: TicketRef, change: StatusChange) -> Ticket:
    return Ticket(ref=ticket, status=NativeStatus(name=change.native))


@hookimpl
def itsm_detect_inbound(delivery: Delivery) -> TicketEvent | None:
    """Recognise ``{"acme": {…}}``, whose object has the fields of an event."""
    fields = delivery.payload.get("acme")
    return msgspec.convert({**fields, "vendor": "acme"}, TicketEvent) if fields else None


@hookimpl
def itsm_map_inbound_status(status: NativeStatus) -> tuple[CaseStatus, ...] | None:
    return STATUSES.meanings_of(status)


@hookimpl
async def itsm_identify_account(connector: Connector[Any]) -> Person:
    return US


@hookimpl
async def itsm_check_connection(connector: Connector[Any]) -> ConnectionReport:
    return ConnectionReport(
        lines=(CheckLine(name="account", ok=True, detail="signed in"),), account=US
    )


@hookimpl
def itsm_setup_guide(connector: Connector[Any], inbox: InboxAddress) -> str | None:
    return f"Send webhooks of {connector.config.base_url} to {inbox.url}"
