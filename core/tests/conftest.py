"""Plugins built from source text, as real modules, and the values that their hooks are handed."""

from __future__ import annotations

import textwrap
from collections.abc import AsyncIterator, Callable, Iterable
from datetime import UTC, datetime
from types import ModuleType
from typing import Any

import httpx
import pytest

from casebridge_core import (
    Capability,
    Case,
    CaseStatus,
    Connector,
    ConnectorCatalog,
    ContainmentAction,
    Entity,
    EntityKind,
    PluginError,
    Severity,
    StatusOverrides,
    VendorHooks,
)
from casebridge_core.discovery import Discovery, LoadedPlugin, PluginSource

MANIFEST = """
class Config(ConnectorConfig, frozen=True, kw_only=True):
    token: Secret

@hookimpl
def itsm_declare_connector():
    return ConnectorManifest(
        vendor={vendor!r}, title="Test", config_type=Config,
        capabilities=frozenset(map(Capability, {claims!r})),
        signature_schemes=(SignatureScheme(header="x-test", title="Test"),),
    )
"""

EVERYTHING = """
from anyio.lowlevel import checkpoint

VENDOR = {vendor!r}
STATUSES = StatusMap(
    outbound={{CaseStatus.OPEN: "New", CaseStatus.TRIAGE: "Doing", CaseStatus.CONTAINED: "Doing"}},
    inbound={{"New": CaseStatus.OPEN, "Doing": CaseStatus.TRIAGE}},
)
seen = []

async def _saw(hook, connector):
    await checkpoint()
    seen.append((hook, connector.vendor, connector.id, connector.config.token.reveal()))
    await checkpoint()

def _ticket(connector, key=None):
    ref = TicketRef(external_id=f"{{VENDOR}}/{{connector.id}}", key="T-1", url="https://t.example/1")
    return Ticket(ref=ref, status=NativeStatus(name="New"), correlation_key=key)

@hookimpl
async def itsm_push_case(connector, projection):
    await _saw("push_case", connector)
    return PushResult(ticket=_ticket(connector, projection.correlation_key))

@hookimpl
async def itsm_find_ticket(connector, correlation_key):
    await _saw("find_ticket", connector)
    return (_ticket(connector, correlation_key), _ticket(connector, correlation_key + "0"))

@hookimpl
async def itsm_fetch_ticket(connector, ticket):
    await _saw("fetch_ticket", connector)
    return _ticket(connector)

@hookimpl
def itsm_map_outbound_status(status):
    return STATUSES.native_for(status)

@hookimpl
async def itsm_push_status_change(connector, ticket, change):
    await _saw("push_status_change", connector)
    return _ticket(connector)

@hookimpl
async def itsm_push_comment(connector, ticket, comment):
    await _saw("push_comment", connector)
    return CommentRef(external_id=comment.key)

@hookimpl
async def itsm_find_comment(connector, ticket, key):
    await _saw("find_comment", connector)
    return (CommentRef(external_id=key),)

@hookimpl
async def itsm_list_changes(connector, since, page):
    await _saw("list_changes", connector)
    return ChangePage(events=(TicketEvent(vendor=VENDOR, external_id="1"),), next_page=page)

@hookimpl
def itsm_detect_inbound(delivery):
    if VENDOR in delivery.payload:
        return TicketEvent(vendor=VENDOR, external_id=delivery.payload[VENDOR])

@hookimpl
def itsm_map_inbound_status(status):
    return STATUSES.meanings_of(status)

@hookimpl
async def itsm_identify_account(connector):
    await _saw("identify_account", connector)
    return Person(id=connector.id)

@hookimpl
async def itsm_check_connection(connector):
    await _saw("check_connection", connector)
    return ConnectionReport(lines=(CheckLine(name="account", ok=True, detail="fine"),))

@hookimpl
def itsm_setup_guide(inbox):
    return f"Paste {{inbox.url}}"
"""


def build(source: str, name: str = "plugin_under_test") -> ModuleType:
    """Run source text, after every public name of the contract, as a module."""
    module = ModuleType(name)
    text = "from casebridge_core import *\n" + textwrap.dedent(source)
    exec(compile(text, f"<{name}>", "exec", dont_inherit=True), module.__dict__)  # noqa: S102 - our own text
    return module


@pytest.fixture
def cross_cutting() -> Callable[[str], ModuleType]:
    """Build a plugin without a manifest."""
    return build


@pytest.fixture
def vendor_plugin() -> Callable[..., ModuleType]:
    """Build a vendor's plugin from its claims and the source of its hooks."""

    def make(source: str = "", *, vendor: str = "acme", claims: Iterable[str] = ()) -> ModuleType:
        head = MANIFEST.format(vendor=vendor, claims=sorted(map(str, claims)))
        return build(head + textwrap.dedent(source))

    return make


@pytest.fixture
def whole_plugin(vendor_plugin: Callable[..., ModuleType]) -> Callable[[str], ModuleType]:
    """Build a vendor's plugin with every capability and hook; ``seen`` holds its calls."""

    def make(vendor: str = "acme") -> ModuleType:
        return vendor_plugin(EVERYTHING.format(vendor=vendor), vendor=vendor, claims=Capability)

    return make


@pytest.fixture
async def connector_to() -> AsyncIterator[Callable[..., Connector[Any]]]:
    """Configure an instance of a vendor."""
    async with httpx.AsyncClient() as http:

        def make(
            hooks: VendorHooks,
            id: str = "connector-1",  # noqa: A002 - the field's name
            token: str = "a token",
            **statuses: Any,
        ) -> Connector[Any]:
            return Connector(
                id=id,
                tenant_id="tenant-1",
                vendor=hooks.manifest.vendor,
                config=hooks.decode_config({"base_url": "https://acme.example", "token": token}),
                http=http,
                statuses=StatusOverrides(**statuses),
            )

        yield make


@pytest.fixture
def hooks_of() -> Callable[..., VendorHooks]:
    """Accept one vendor's plugin (and cross-cutting ones), and return its hooks."""

    def make(plugin: ModuleType, **others: ModuleType) -> VendorHooks:
        catalog = ConnectorCatalog.of(acme=plugin, **others)
        assert catalog.failures == ()
        return catalog["acme"]

    return make


@pytest.fixture
def case() -> Case:
    """Return a case with something in every field."""
    at = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
    return Case(
        id="case-1",
        tenant_id="tenant-1",
        title="Ransomware on web-01",
        summary="Files are being encrypted.",
        severity_initial=Severity.HIGH,
        severity=Severity.CRITICAL,
        status=CaseStatus.TRIAGE,
        deep_link="https://soc.example/cases/case-1",
        created_at=at,
        agent_summary="The agent thinks it is real.",
        detection_rules=("Mass file rename",),
        raw_events=("event-1", "event-2"),
        entities=(Entity(kind=EntityKind.HOST, value="web-01"),),
        containment_actions=(
            ContainmentAction(
                id="action-1", action="isolate", target="web-01", outcome="isolated", at=at
            ),
        ),
    )


@pytest.fixture
def refusal() -> Callable[[object], PluginError]:
    """Offer a catalog one plugin that it refuses, and return why."""

    def offer(plugin: object) -> PluginError:
        source = PluginSource(name="mine", distribution="casebridge-mine", version="1")
        catalog = ConnectorCatalog(Discovery(loaded=(LoadedPlugin(source=source, module=plugin),)))
        (failure,) = catalog.failures
        assert failure.source == source
        assert not catalog
        assert catalog.cross_cutting == ()
        return failure.error

    return offer
