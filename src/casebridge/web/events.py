"""/v1/inbox-events: what was delivered, what became of it, and once more."""

from __future__ import annotations

import base64
from datetime import datetime
from typing import Annotated, Any

import msgspec
from litestar import Controller, get, post
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from msgspec import Meta

from casebridge.domain.decision import Reason
from casebridge.services.events import EventDetail, EventFilter, StoredEvent
from casebridge.services.replay import ReplayOrder
from casebridge.services.tenants import Scope
from casebridge.web.access import Caller, TheBridge
from casebridge.web.paging import Cursor, Limit, Page, decode_cursor, encode_cursor, page_of


class EventView(msgspec.Struct, frozen=True, kw_only=True):
    """A stored event. ``reason`` says why nothing of it was applied, ``detail`` what went wrong.

    ``scheme`` is how it proved to be authentic; ``external_id`` and ``native_status`` are the
    ticket and the status that it names. ``purged_at`` is when its headers and body went, at the end
    of their retention. ``replay_of`` is the event that it decided again.
    """

    id: Annotated[str, Meta(examples=["evt_m4yqk2k5tzx3d5m6pu2a"])]
    received_at: datetime
    vendor: Annotated[str | None, Meta(examples=["jira"])]
    connector_id: Annotated[str | None, Meta(examples=["con_xq3kd5zj5fhv2m7c4bva"])]
    token_id: Annotated[str, Meta(examples=["tok_2c4nq7r5jzwy6l3ktdha"])]
    scheme: Annotated[str | None, Meta(examples=["x-hub-signature"])]
    external_id: Annotated[str | None, Meta(examples=["10042"])]
    native_status: Annotated[str | None, Meta(examples=["In Progress"])]
    case_id: Annotated[str | None, Meta(examples=["case_5ofj2kq7vdyl3m6x4tca"])]
    ticket_id: Annotated[str | None, Meta(examples=["ref_haddayp4hyqhks5hlbma"])]
    delivery_id: Annotated[str | None, Meta(examples=["1709294400123-1"])]
    applied: Annotated[bool, Meta(examples=[False])]
    reason: Annotated[str | None, Meta(examples=["unmapped_status"])]
    detail: str | None
    replay_of: Annotated[str | None, Meta(examples=["evt_m4yqk2k5tzx3d5m6pu2a"])]
    purged_at: datetime | None

    @classmethod
    def fields_of(cls, event: StoredEvent) -> dict[str, Any]:
        """Return the fields that a stored event fills."""
        row = event.row
        return {
            "id": row.public_id,
            "received_at": row.received_at,
            "vendor": row.vendor,
            "connector_id": event.connector_id,
            "token_id": event.token_id,
            "scheme": row.scheme,
            "external_id": row.external_id,
            "native_status": row.native_status,
            "case_id": event.case_id,
            "ticket_id": event.ticket_id,
            "delivery_id": row.delivery_id,
            "applied": row.applied,
            "reason": row.reason,
            "detail": row.detail,
            "replay_of": row.replay_of,
            "purged_at": row.purged_at,
        }

    @classmethod
    def of(cls, event: StoredEvent) -> EventView:
        """Show a stored event."""
        return cls(**cls.fields_of(event))


class EventDetailView(EventView, frozen=True, kw_only=True):
    """A stored event with what was delivered, as far as it is kept, and with its replays.

    ``headers`` are without those that carry a secret. A body that is JSON stands in ``body``, any
    other one in ``body_base64``; a replay shows the payload of what it decided again.
    """

    headers: Annotated[dict[str, Any] | None, Meta(examples=[{"user-agent": "Atlassian"}])]
    body: Annotated[str | None, Meta(examples=['{"webhookEvent": "jira:issue_updated"}'])]
    body_base64: str | None
    replays: tuple[str, ...]

    @classmethod
    def of_detail(cls, detail: EventDetail) -> EventDetailView:
        """Show a stored event in full."""
        payload = detail.payload
        text = _json_text(payload.body)
        encoded = base64.b64encode(payload.body).decode() if text is None else None
        kept = payload.purged_at is None
        fields = cls.fields_of(detail.event)
        return cls(
            **{**fields, "purged_at": payload.purged_at},
            headers=payload.headers if kept else None,
            body=text if kept else None,
            body_base64=encoded if kept else None,
            replays=detail.replays,
        )


class ReplayReportView(msgspec.Struct, frozen=True, kw_only=True):
    """What replays came to; ``reasons`` counts those of which nothing was applied.

    ``next_cursor`` asks for the rest, None when all are done.
    """

    replayed: Annotated[int, Meta(examples=[100])]
    applied: Annotated[int, Meta(examples=[97])]
    reasons: Annotated[dict[str, int], Meta(examples=[{"stale": 2, "unlinked_ticket": 1}])]
    next_cursor: str | None


class EventController(Controller):
    """Stored events, newest first."""

    path = "/inbox-events"
    tags = ("inbox",)

    @get(opt={"scope": Scope.WRITE})
    async def list_inbox_events(  # noqa: PLR0913 - an argument for each filter
        self,
        bridge: TheBridge,
        who: Caller,
        limit: Limit = 50,
        cursor: Cursor = None,
        connector_id: FromQuery[str | None] = None,
        vendor: FromQuery[str | None] = None,
        *,
        applied: FromQuery[bool | None] = None,
        reason: FromQuery[Reason | None] = None,
        case_id: FromQuery[str | None] = None,
        token_id: FromQuery[str | None] = None,
        ticket_id: Annotated[
            str | None, QueryParameter(description="The `id` in a case's `tickets`.")
        ] = None,
        external_id: Annotated[
            str | None, QueryParameter(description="The vendor's id of any ticket.")
        ] = None,
        since: Annotated[
            datetime | None, QueryParameter(description="Received at this moment or later.")
        ] = None,
        until: Annotated[
            datetime | None, QueryParameter(description="Received before this moment.")
        ] = None,
    ) -> Page[EventView]:
        """List events without their payload, newest first."""
        which = EventFilter(
            connector_id=connector_id,
            vendor=vendor,
            applied=applied,
            reason=reason,
            case_id=case_id,
            token_id=token_id,
            ticket_id=ticket_id,
            external_id=external_id,
            since=since,
            until=until,
        )
        found = await bridge.events.list(who, which, limit=limit + 1, before=decode_cursor(cursor))
        return page_of(found, limit, row_id=lambda event: event.row.id, show=EventView.of)

    @get("/{event_id:str}", opt={"scope": Scope.WRITE})
    async def read_inbox_event(
        self, bridge: TheBridge, who: Caller, event_id: FromPath[str]
    ) -> EventDetailView:
        """Read an event with its headers and its body."""
        return EventDetailView.of_detail(await bridge.events.get(who, event_id))

    @post("/{event_id:str}/replay", status_code=200, opt={"scope": Scope.WRITE})
    async def replay_inbox_event(
        self, bridge: TheBridge, who: Caller, event_id: FromPath[str]
    ) -> EventDetailView:
        """Decide an event again, on what is known now; the answer is the event of the replay.

        It crosses no guard but that of duplicates: what is stale stays stale.
        """
        made = await bridge.replays.one(who, event_id)
        return EventDetailView.of_detail(await bridge.events.get(who, made))

    @post("/replay", status_code=200, opt={"scope": Scope.ADMIN})
    async def replay_inbox_events(
        self, bridge: TheBridge, who: Caller, data: JSONBody[ReplayOrder]
    ) -> ReplayReportView:
        """Decide the open events of a filter again, oldest first, some at a time."""
        report = await bridge.replays.many(who, data, after=decode_cursor(data.cursor) or 0)
        return ReplayReportView(
            replayed=report.replayed,
            applied=report.applied,
            reasons=report.reasons,
            next_cursor=None if report.last is None else encode_cursor(report.last),
        )


def _json_text(body: bytes) -> str | None:
    """Return the body as text when it is JSON."""
    try:
        msgspec.json.decode(body)
        return body.decode()
    except (ValueError, RecursionError):
        return None
