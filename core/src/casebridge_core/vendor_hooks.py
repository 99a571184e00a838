"""`VendorHooks`: one vendor's hooks, typed, isolated from every other vendor's."""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Mapping
from datetime import datetime
from typing import Any, TypeVar, cast

import msgspec

from casebridge_core.cases import Case, CaseProjection, CaseStatus, ProjectedComment
from casebridge_core.connectors import (
    Capability,
    Connector,
    ConnectorConfig,
    ConnectorManifest,
    config_schema,
    decode_config,
)
from casebridge_core.discovery import PluginSource
from casebridge_core.errors import CasebridgeError, HookFailed
from casebridge_core.tickets import (
    ChangePage,
    CommentRef,
    ConnectionReport,
    Delivery,
    InboxAddress,
    NativeStatus,
    Person,
    PushResult,
    StatusChange,
    Ticket,
    TicketEvent,
    TicketRef,
)

HookCall = Callable[..., Any]
ResultT = TypeVar("ResultT")

_KEY = re.compile(r"[A-Za-z0-9._:-]{1,80}")


class VendorHooks:
    """The only way in which the host calls a vendor's plugin.

    Every call reaches this vendor's plugin and the cross-cutting ones, never another vendor's.
    A result of a wrong type and an exception that is not a `CasebridgeError` become `HookFailed`.
    The async methods raise `PushError` for everything the vendor does.
    """

    def __init__(
        self,
        source: PluginSource,
        manifest: ConnectorManifest,
        callers: Mapping[str, HookCall],
        implemented: frozenset[str],
    ) -> None:
        """Bind a manifest to the vendor's own hook callers (the catalog does this)."""
        self.source = source
        self.manifest = manifest
        self._callers = callers
        self._implemented = implemented

    def __repr__(self) -> str:
        return f"VendorHooks({self.manifest.vendor!r})"

    def can(self, capability: Capability) -> bool:
        """Tell whether the plugin claims a capability."""
        return capability in self.manifest.capabilities

    def has(self, hook: str) -> bool:
        """Tell whether the plugin implements a hook, such as ``itsm_check_connection``."""
        return hook in self._implemented

    def decode_config(self, raw: object, *, plain_http: Container[str] = ()) -> ConnectorConfig:
        """Decode a configuration into the plugin's type.

        ``plain_http`` names the hosts that may be called without TLS.

        Raises:
            InvalidConfig: with the path of the first wrong field; never with its value.
            HookFailed: the configuration's own checks failed.
        """
        try:
            return decode_config(self.manifest.config_type, raw, plain_http=plain_http)
        except CasebridgeError:
            raise
        except Exception as cause:
            raise self._failed("config_type", f"raised {type(cause).__name__}") from cause

    def config_schema(self) -> dict[str, Any]:
        """Return the JSON Schema of the plugin's configuration."""
        return config_schema(self.manifest.config_type)

    def project_case(
        self, connector: Connector[Any], case: Case, correlation_key: str
    ) -> CaseProjection:
        """Return what leaves of a case for this connector."""
        hook = "itsm_project_case"
        projection = self._call(
            hook, CaseProjection, connector=connector, case=case, correlation_key=correlation_key
        )
        if projection.correlation_key != correlation_key:
            raise self._failed(hook, "changed the correlation key, which must stay as it is")
        keys = [comment.key for comment in projection.comments]
        if len(set(keys)) < len(keys) or not all(map(_KEY.fullmatch, keys)):
            raise self._failed(hook, "returned comments whose keys are malformed or not unique")
        return projection

    def native_status(self, connector: Connector[Any], status: CaseStatus) -> str | None:
        """Return the vendor's id or name for a case status: the instance's, else the plugin's."""
        own = connector.statuses.native_for(status)
        if own is not None:
            return own
        if not self.can(Capability.PUSH_STATUS):
            return None
        hook = "itsm_map_outbound_status"
        return self._call_optional(hook, str, connector=connector, status=status)

    def meanings_of(
        self, connector: Connector[Any], native: NativeStatus
    ) -> tuple[CaseStatus, ...]:
        """Return every case status that ``native`` can stand for, most likely first.

        First what the instance's own map says, else the plugin's; then the statuses whose outbound
        image is this very native status. Empty when it is not mapped at all.
        """
        own = connector.statuses.meaning_of(native)
        mapped: tuple[CaseStatus, ...] = (own,) if own is not None else ()
        if not mapped and self.can(Capability.INBOUND_STATUS):
            hook = "itsm_map_inbound_status"
            answer = self._call_optional(hook, object, connector=connector, status=native)
            mapped = () if answer is None else self._tuple_of(hook, CaseStatus, answer)
        images = (
            status
            for status in CaseStatus
            if (image := self.native_status(connector, status)) is not None
            and native.matches(image)
        )
        return tuple(dict.fromkeys((*mapped, *images)))

    def detect(self, delivery: Delivery) -> TicketEvent | None:
        """Return the event in a delivery, or None when it is not this vendor's."""
        if not self.has("itsm_detect_inbound"):
            return None
        hook = "itsm_detect_inbound"
        # A copy of its own for each plugin: what one of them changes, the next must not read.
        try:
            payload = msgspec.to_builtins(delivery.payload)
        except RecursionError:
            raise self._failed(hook, "was not asked: the payload is nested too deeply") from None
        own = msgspec.structs.replace(delivery, payload=payload)
        answers = self._call(hook, object, delivery=own)
        for event in cast("list[object]", answers if isinstance(answers, list) else [answers]):
            self._must_be_own(hook, event)
            return cast("TicketEvent", event)
        return None

    async def push_case(self, connector: Connector[Any], projection: CaseProjection) -> PushResult:
        """Create the ticket."""
        hook = "itsm_push_case"
        return await self._await(hook, PushResult, connector=connector, projection=projection)

    async def find_ticket(
        self, connector: Connector[Any], correlation_key: str
    ) -> tuple[Ticket, ...]:
        """Return the tickets that carry a correlation key."""
        hook = "itsm_find_ticket"
        found = await self._await(
            hook, object, connector=connector, correlation_key=correlation_key
        )
        tickets = self._tuple_of(hook, Ticket, found)
        return tuple(ticket for ticket in tickets if ticket.correlation_key == correlation_key)

    async def fetch_ticket(self, connector: Connector[Any], ticket: TicketRef) -> Ticket:
        """Read a ticket."""
        return await self._await("itsm_fetch_ticket", Ticket, connector=connector, ticket=ticket)

    async def push_status_change(
        self, connector: Connector[Any], ticket: TicketRef, change: StatusChange
    ) -> Ticket:
        """Bring a ticket to a native status; the caller compares what comes back."""
        hook = "itsm_push_status_change"
        return await self._await(hook, Ticket, connector=connector, ticket=ticket, change=change)

    async def push_comment(
        self, connector: Connector[Any], ticket: TicketRef, comment: ProjectedComment
    ) -> CommentRef:
        """Put a comment on a ticket."""
        hook = "itsm_push_comment"
        return await self._await(
            hook, CommentRef, connector=connector, ticket=ticket, comment=comment
        )

    async def find_comment(
        self, connector: Connector[Any], ticket: TicketRef, key: str
    ) -> tuple[CommentRef, ...]:
        """Return the comments on a ticket that carry a key."""
        hook = "itsm_find_comment"
        found = await self._await(hook, object, connector=connector, ticket=ticket, key=key)
        return self._tuple_of(hook, CommentRef, found)

    async def list_changes(
        self, connector: Connector[Any], since: datetime, page: str | None = None
    ) -> ChangePage:
        """Return one page of what changed at the vendor since a moment (UTC)."""
        hook = "itsm_list_changes"
        changes = await self._await(hook, ChangePage, connector=connector, since=since, page=page)
        for event in changes.events:
            self._must_be_own(hook, event)
        return changes

    async def identify_account(self, connector: Connector[Any]) -> Person:
        """Tell whose credential the connector uses."""
        return await self._await("itsm_identify_account", Person, connector=connector)

    async def check_connection(self, connector: Connector[Any]) -> ConnectionReport:
        """Look at everything the connector needs."""
        return await self._await("itsm_check_connection", ConnectionReport, connector=connector)

    def setup_guide(self, connector: Connector[Any], inbox: InboxAddress) -> str | None:
        """Return the vendor's set-up guide in Markdown, or None when the plugin has none."""
        if not self.has("itsm_setup_guide"):
            return None
        return self._call_optional("itsm_setup_guide", str, connector=connector, inbox=inbox)

    def _call_optional(self, hook: str, kind: type[ResultT], **arguments: object) -> ResultT | None:
        try:
            result = self._callers[hook](**arguments)
        except CasebridgeError:
            raise
        except Exception as cause:
            raise self._failed(hook, f"raised {type(cause).__name__}") from cause
        if result is not None and not isinstance(result, kind):
            raise self._failed(hook, f"returned {type(result).__name__}, not {kind.__name__}")
        return result

    def _call(self, hook: str, kind: type[ResultT], **arguments: object) -> ResultT:
        result = self._call_optional(hook, kind, **arguments)
        if result is None:
            raise self._failed(hook, f"returned None, not {kind.__name__}")
        return result

    async def _await(self, hook: str, kind: type[ResultT], **arguments: object) -> ResultT:
        started = self._call_optional(hook, object, **arguments)
        if started is None:
            raise self._failed(hook, "is not implemented by this plugin")
        try:
            result = await cast("Any", started)
        except CasebridgeError:
            raise
        except Exception as cause:
            raise self._failed(hook, f"raised {type(cause).__name__}") from cause
        if not isinstance(result, kind):
            raise self._failed(hook, f"returned {type(result).__name__}, not {kind.__name__}")
        return result

    def _tuple_of(self, hook: str, kind: type[ResultT], result: object) -> tuple[ResultT, ...]:
        items = cast("tuple[object, ...]", result if isinstance(result, tuple) else (result,))
        for item in items:
            if not isinstance(item, kind) or not isinstance(result, tuple):
                what = type(item).__name__
                raise self._failed(hook, f"returned {what}, not a tuple of {kind.__name__}")
        return cast("tuple[ResultT, ...]", items)

    def _must_be_own(self, hook: str, event: object) -> None:
        if not isinstance(event, TicketEvent) or event.vendor != self.manifest.vendor:
            raise self._failed(hook, "returned what is not its own TicketEvent")

    def _failed(self, hook: str, problem: str) -> HookFailed:
        return HookFailed(self.source.name, hook, problem)
