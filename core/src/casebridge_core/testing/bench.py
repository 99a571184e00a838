"""The bench: one adapter, one vendor, and connectors between them whose wire can be broken."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from types import ModuleType
from typing import Any, Final, TypeVar

import httpx

from casebridge_core.cases import CaseProjection, CaseStatus, ProjectedComment
from casebridge_core.catalog import ConnectorCatalog
from casebridge_core.connectors import Capability, Connector
from casebridge_core.errors import CasebridgeError, PushError
from casebridge_core.testing.faults import FaultyTransport, Killed
from casebridge_core.testing.sample_case import new_key, sample_case
from casebridge_core.testing.values import flaws
from casebridge_core.testing.vendors import NotOffered, VendorUnderTest
from casebridge_core.tickets import StatusChange, Ticket
from casebridge_core.vendor_hooks import VendorHooks

ResultT = TypeVar("ResultT")

_RULE_SECONDS: Final = 120.0
_REQUEST_SECONDS: Final = 30.0
_ATTEMPTS: Final = 6
_BETWEEN_LOOKS: Final = 0.5


class Unsound(Exception):
    """A hook returned what is not of its own type all the way down; no rule can go on with it."""


@dataclass(frozen=True, slots=True)
class Wire:
    """A connector as a hook is handed it, and the transport below it."""

    connector: Connector[Any]
    transport: FaultyTransport


class Bench:
    """What the rules work with: the adapter's hooks, the vendor, and ways between them."""

    def __init__(self, plugin: ModuleType, vendor: VendorUnderTest) -> None:
        """Take an adapter's module and a vendor that it can be tried on."""
        self.plugin = plugin
        self.vendor = vendor
        self._catalog = ConnectorCatalog.of(**{plugin.__name__: plugin})

    @property
    def refusal(self) -> str:
        """Why the host refuses the adapter; empty when it does not."""
        return "; ".join(str(failure.error) for failure in self._catalog.failures)

    @property
    def hooks(self) -> VendorHooks:
        """The adapter's hooks, as the host calls them.

        Raises:
            PluginError: the adapter is refused.
        """
        for failure in self._catalog.failures:
            raise failure.error
        for vendor in self._catalog.values():
            return vendor
        raise NotOffered("the plugin declares no connector: the kit is for vendors' adapters")

    @asynccontextmanager
    async def connect(
        self,
        config: Mapping[str, object] | None = None,
        *,
        name: str = "kit-connector",
        tenant: str = "kittenant7d1f",
        inner: httpx.AsyncBaseTransport | None = None,
    ) -> AsyncGenerator[Wire]:
        """Configure a connector to the vendor, or to whatever ``inner`` stands for."""
        decoded = self.hooks.decode_config(dict(config or self.vendor.config))
        transport = FaultyTransport(inner or self.vendor.open_transport(), decoded.hosts())
        async with httpx.AsyncClient(
            transport=transport,
            timeout=_REQUEST_SECONDS,
            trust_env=False,
            follow_redirects=False,
            headers={"User-Agent": "casebridge"},
        ) as http:
            connector: Connector[Any] = Connector(
                id=name,
                tenant_id=tenant,
                vendor=self.hooks.manifest.vendor,
                config=decoded,
                http=http,
            )
            yield Wire(connector, transport)

    def run(self, work: Callable[[Wire], Awaitable[ResultT]]) -> ResultT:
        """Do some work on a connector of its own, in an event loop of its own."""

        async def session() -> ResultT:
            async with self.connect() as wire:
                return await asyncio.wait_for(work(wire), _RULE_SECONDS)

        return asyncio.run(session())

    def can(self, capability: Capability) -> bool:
        """Tell whether the adapter claims a capability."""
        return self.hooks.can(capability)

    # What the host does, done by hand.

    def projection(self, wire: Wire, key: str | None = None, **case: Any) -> CaseProjection:  # noqa: ANN401 - the fields of the sample case
        """Project the sample case as the host would, for a key that is new unless given."""
        return self.hooks.project_case(wire.connector, sample_case(**case), key or new_key())

    def comments(self, wire: Wire) -> tuple[ProjectedComment, ...]:
        """Return the projected comments of the sample case."""
        return self.projection(wire).comments

    def change(self, wire: Wire, status: CaseStatus) -> StatusChange | None:
        """Return the change that brings a ticket to a case status, None if it is not projected."""
        native = self.hooks.native_status(wire.connector, status)
        if native is None:
            return None
        case = sample_case()
        return StatusChange(status=status, native=native, case_id=case.id, deep_link=case.deep_link)

    async def mint(self, wire: Wire) -> Ticket:
        """Create a ticket.

        Raises:
            Unsound: what came back cannot be worked with.
        """
        pushed = await self.hooks.push_case(wire.connector, self.projection(wire))
        for flaw in flaws(pushed):
            raise Unsound(f"itsm_push_case: {flaw}")
        return pushed.ticket

    def calls(self, wire: Wire, ticket: Ticket) -> dict[str, Callable[[], Awaitable[object]]]:
        """Return every async hook that the adapter has, by name, ready to be called once more.

        ``ticket`` stands where the hook wants one. Each call creates and posts something new.
        """
        hooks, connector, ref = self.hooks, wire.connector, ticket.ref
        comment = self.projection(wire, number=ref.external_id[:12]).comments[0]
        since = datetime.now(UTC) - timedelta(minutes=5)
        calls: dict[str, Callable[[], Awaitable[object]]] = {
            "itsm_push_case": lambda: hooks.push_case(connector, self.projection(wire)),
            "itsm_find_ticket": lambda: hooks.find_ticket(connector, new_key()),
            "itsm_fetch_ticket": lambda: hooks.fetch_ticket(connector, ref),
            "itsm_push_status_change": lambda: hooks.push_status_change(
                connector, ref, self.leading_away(wire, ticket)
            ),
            "itsm_push_comment": lambda: hooks.push_comment(connector, ref, comment),
            "itsm_find_comment": lambda: hooks.find_comment(connector, ref, comment.key),
            "itsm_list_changes": lambda: hooks.list_changes(connector, since),
            "itsm_identify_account": lambda: hooks.identify_account(connector),
            "itsm_check_connection": lambda: hooks.check_connection(connector),
        }
        return {name: call for name, call in calls.items() if hooks.has(name)}

    def leading_away(self, wire: Wire, ticket: Ticket) -> StatusChange:
        """Return a change that leads away from where a ticket is.

        Raises:
            NotOffered: the adapter tells of no other status.
        """
        pushed = (change for status in CaseStatus if (change := self.change(wire, status)))
        known = (
            StatusChange(status=status, native=native.name)
            for native in self.hooks.manifest.known_statuses
            for status in self.hooks.meanings_of(wire.connector, native)
        )
        for change in (*pushed, *known):
            if not ticket.status.matches(change.native):
                return change
        raise NotOffered("the adapter tells of no status but the first")

    async def find(self, wire: Wire, key: str) -> tuple[Ticket, ...]:
        """Search for a key."""
        return await self.eventually(partial(self.hooks.find_ticket, wire.connector, key))

    async def eventually(self, look: Callable[[], Awaitable[ResultT]]) -> ResultT:
        """Look, and again while there is nothing and the vendor's search may lag behind."""
        until = time.monotonic() + self.vendor.index_lag
        while True:
            found = await look()
            if found or time.monotonic() >= until:
                return found
            await asyncio.sleep(_BETWEEN_LOOKS)

    async def converge(
        self,
        wire: Wire,
        create: Callable[[], Awaitable[object]],
        find: Callable[[], Awaitable[Any]],
    ) -> str:
        """Create something as the host does, until it is there; return what went wrong, or "".

        After an uncertain outcome, and after a kill, it is looked for before it is tried again.
        Whatever struck the first attempt is over by the second.
        """
        for _ in range(_ATTEMPTS):
            look_first = True
            try:
                await create()
            except Killed:
                pass
            except PushError as error:
                look_first = error.uncertain
            except CasebridgeError:
                pass  # the host takes what is no PushError for an unknown outcome
            else:
                return ""
            wire.transport.heal()
            if look_first and await find():
                return ""
        return f"was not there after {_ATTEMPTS} attempts, of which one was struck"
