"""One vendor's hooks: typed results, failures by name, and nobody else's plugin in between."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from types import ModuleType
from typing import Any

import anyio
import pytest

from casebridge_core import (
    Capability,
    Case,
    CaseStatus,
    CommentKind,
    CommentRef,
    Connector,
    ConnectorCatalog,
    Delivery,
    HookFailed,
    InboxAddress,
    InvalidConfig,
    NativeStatus,
    ProjectedComment,
    StatusChange,
    TicketRef,
    VendorHooks,
    VendorUnavailable,
)
from casebridge_core.refusals import SPECS

Plugin = Callable[..., ModuleType]
ConnectorTo = Callable[..., Connector[Any]]
HooksOf = Callable[..., VendorHooks]

NOW = datetime(2026, 3, 1, tzinfo=UTC)
TICKET = TicketRef(external_id="1", key="T-1", url="https://t.example/1")
COMMENT = ProjectedComment(key="case-1.x", kind=CommentKind.AGENT_SUMMARY, text="Text", at=NOW)
CHANGE = StatusChange(status=CaseStatus.OPEN, native="New")
INBOX = InboxAddress(url="https://soc.example/v1/inbox/itsm/tok", token_id="tok")


async def call_everything(
    hooks: VendorHooks, connector: Connector[Any], case: Case
) -> dict[str, object]:
    """Call every async hook once and return the answers."""
    projection = hooks.project_case(connector, case, "cb-1")
    return {
        "push_case": await hooks.push_case(connector, projection),
        "find_ticket": await hooks.find_ticket(connector, "cb-1"),
        "fetch_ticket": await hooks.fetch_ticket(connector, TICKET),
        "push_status_change": await hooks.push_status_change(connector, TICKET, CHANGE),
        "push_comment": await hooks.push_comment(connector, TICKET, COMMENT),
        "find_comment": await hooks.find_comment(connector, TICKET, "case-1.x"),
        "list_changes": await hooks.list_changes(connector, NOW, page="2"),
        "identify_account": await hooks.identify_account(connector),
        "check_connection": await hooks.check_connection(connector),
    }


async def test_every_call_reaches_the_plugin_and_its_answer_the_caller(
    whole_plugin: Plugin, hooks_of: HooksOf, connector_to: ConnectorTo, case: Case
) -> None:
    plugin = whole_plugin()
    hooks = hooks_of(plugin)
    connector = connector_to(hooks)

    answers: dict[str, Any] = await call_everything(hooks, connector, case)

    assert [seen[0] for seen in vars(plugin)["seen"]] == list(answers)
    assert answers["push_case"].ticket.correlation_key == "cb-1"
    assert answers["find_comment"] == (CommentRef(external_id="case-1.x"),)
    assert answers["list_changes"].next_page == "2"
    assert answers["check_connection"].ok
    assert hooks.setup_guide(connector, INBOX) == f"Paste {INBOX.url}"


async def test_a_ticket_with_another_key_is_not_found(
    whole_plugin: Plugin, hooks_of: HooksOf, connector_to: ConnectorTo
) -> None:
    hooks = hooks_of(whole_plugin())

    found = await hooks.find_ticket(connector_to(hooks), "cb-1")

    assert [ticket.correlation_key for ticket in found] == ["cb-1"]


async def test_concurrent_connectors_of_several_vendors_never_mix(
    whole_plugin: Plugin, connector_to: ConnectorTo, case: Case
) -> None:
    plugins = {vendor: whole_plugin(vendor) for vendor in ("acme", "zulu")}
    catalog = ConnectorCatalog.of(**plugins)
    answers: dict[str, dict[str, Any]] = {}

    async def work(vendor: str, name: str) -> None:
        connector = connector_to(catalog[vendor], id=name, token=f"token of {name}")
        answers[name] = await call_everything(catalog[vendor], connector, case)

    async with anyio.create_task_group() as group:
        for vendor in catalog:
            for number in range(5):
                group.start_soon(work, vendor, f"{vendor}-{number}")

    for vendor, plugin in plugins.items():
        calls = vars(plugin)["seen"]
        assert len(calls) == 5 * 9
        assert all(call[1] == vendor for call in calls)
        assert all(call[3] == f"token of {call[2]}" for call in calls)
    for name, answer in answers.items():
        assert answer["push_case"].ticket.ref.external_id == f"{name[:4]}/{name}"
        assert answer["identify_account"].id == name


async def test_another_vendors_plugin_is_asked_nothing_even_where_ours_is_silent(
    whole_plugin: Plugin, vendor_plugin: Plugin, connector_to: ConnectorTo, case: Case
) -> None:
    loud = whole_plugin("zulu")
    hooks = ConnectorCatalog.of(quiet=vendor_plugin(vendor="quiet"), zulu=loud)["quiet"]
    connector = connector_to(hooks)

    for status in CaseStatus:
        assert hooks.native_status(connector, status) is None
    assert hooks.meanings_of(connector, NativeStatus(name="New")) == ()
    assert hooks.detect(Delivery(headers={}, payload={"zulu": "1"})) is None
    assert hooks.setup_guide(connector, INBOX) is None
    with pytest.raises(HookFailed, match="itsm_fetch_ticket is not implemented by this plugin"):
        await hooks.fetch_ticket(connector, TICKET)
    hooks.project_case(connector, case, "cb-1")
    assert vars(loud)["seen"] == []


def test_it_tells_what_the_plugin_can_and_has(
    whole_plugin: Plugin, vendor_plugin: Plugin, hooks_of: HooksOf
) -> None:
    whole, bare = hooks_of(whole_plugin()), hooks_of(vendor_plugin())

    assert all(whole.can(capability) for capability in Capability)
    assert not any(bare.can(capability) for capability in Capability)
    assert {hook for hook in SPECS if not whole.has(hook)} == {"itsm_project_case"}
    assert {hook for hook in SPECS if bare.has(hook)} == {"itsm_declare_connector"}


BAD_PROJECTIONS = {
    "changed the correlation key": "correlation_key='other'",
    "malformed or not unique": "comments=result.comments[:1] * 2",
    "comments whose keys are malformed": (
        "comments=(msgspec.structs.replace(result.comments[0], key='a b'),)"
    ),
}


@pytest.mark.parametrize("problem", BAD_PROJECTIONS)
async def test_a_wrapper_must_keep_what_the_projection_is_known_by(
    vendor_plugin: Plugin,
    cross_cutting: Plugin,
    hooks_of: HooksOf,
    connector_to: ConnectorTo,
    case: Case,
    problem: str,
) -> None:
    meddler = cross_cutting(f"""
        import msgspec

        @hookimpl(wrapper=True)
        def itsm_project_case():
            result = yield
            return msgspec.structs.replace(result, {BAD_PROJECTIONS[problem]})
    """)
    hooks = hooks_of(vendor_plugin(), meddler=meddler)

    with pytest.raises(HookFailed, match=problem):
        hooks.project_case(connector_to(hooks), case, "cb-1")


async def test_redaction_wrappers_change_what_leaves_for_every_vendor(
    whole_plugin: Plugin, cross_cutting: Plugin, connector_to: ConnectorTo, case: Case
) -> None:
    redaction = cross_cutting("""
        import msgspec

        @hookimpl(wrapper=True)
        def itsm_project_case(case):
            result = yield
            return msgspec.structs.replace(result, title=case.title.replace("web-01", "[host]"))
    """)
    catalog = ConnectorCatalog.of(
        acme=whole_plugin("acme"), zulu=whole_plugin("zulu"), redaction=redaction
    )

    for hooks in catalog.values():
        projection = hooks.project_case(connector_to(hooks), case, "cb-1")
        assert projection.title == "Ransomware on [host]"
        assert projection.summary == case.summary


async def test_a_one_file_plugin_can_add_a_status_for_every_vendor(
    whole_plugin: Plugin, cross_cutting: Plugin, hooks_of: HooksOf, connector_to: ConnectorTo
) -> None:
    extra = cross_cutting("""
        @hookimpl(tryfirst=True)
        def itsm_map_outbound_status(status):
            return "Gone" if status is CaseStatus.CLOSED else None
    """)
    hooks = hooks_of(whole_plugin(), extra=extra)
    connector = connector_to(hooks)

    assert hooks.native_status(connector, CaseStatus.CLOSED) == "Gone"
    assert hooks.native_status(connector, CaseStatus.OPEN) == "New"
    assert hooks.meanings_of(connector, NativeStatus(name="gone")) == (CaseStatus.CLOSED,)


async def test_the_instances_own_map_goes_before_the_plugins(
    whole_plugin: Plugin, hooks_of: HooksOf, connector_to: ConnectorTo
) -> None:
    hooks = hooks_of(whole_plugin())
    connector = connector_to(
        hooks, outbound={CaseStatus.OPEN: "Backlog"}, inbound={"Doing": CaseStatus.CONTAINED}
    )

    assert hooks.native_status(connector, CaseStatus.OPEN) == "Backlog"
    assert hooks.meanings_of(connector, NativeStatus(name="Doing")) == (
        CaseStatus.CONTAINED,
        CaseStatus.TRIAGE,
    )


async def test_a_native_status_means_whatever_is_projected_to_it(
    whole_plugin: Plugin, hooks_of: HooksOf, connector_to: ConnectorTo
) -> None:
    hooks = hooks_of(whole_plugin())
    connector = connector_to(hooks)

    assert hooks.meanings_of(connector, NativeStatus(name="doing")) == (
        CaseStatus.TRIAGE,
        CaseStatus.CONTAINED,
    )
    assert hooks.meanings_of(connector, NativeStatus(name="Exotic")) == ()


def test_a_configuration_is_decoded_with_the_plugins_type(
    whole_plugin: Plugin, hooks_of: HooksOf
) -> None:
    hooks = hooks_of(whole_plugin())

    with pytest.raises(InvalidConfig, match="token: is required"):
        hooks.decode_config({"base_url": "https://acme.example"})
    assert hooks.config_schema()["$ref"].endswith("/Config")


def test_a_configurations_own_checks_that_break_are_the_plugins_failure(
    cross_cutting: Plugin, hooks_of: HooksOf
) -> None:
    plugin = cross_cutting("""
        class Config(ConnectorConfig, frozen=True, kw_only=True):
            token: str

            def problems(self):
                raise LookupError(self.token)

        @hookimpl
        def itsm_declare_connector():
            return ConnectorManifest(
                vendor="acme", title="A", capabilities=frozenset(), config_type=Config)
    """)

    with pytest.raises(HookFailed) as caught:
        hooks_of(plugin).decode_config({"base_url": "https://a.example", "token": "marker"})

    assert str(caught.value) == "plugin 'acme': config_type raised LookupError"


async def test_a_push_error_passes_as_it_is(
    vendor_plugin: Plugin, hooks_of: HooksOf, connector_to: ConnectorTo
) -> None:
    hooks = hooks_of(
        vendor_plugin(
            "@hookimpl\nasync def itsm_fetch_ticket():\n"
            "    raise VendorUnavailable('gone', retry_after=5)",
            claims=["fetch_ticket"],
        )
    )

    with pytest.raises(VendorUnavailable) as caught:
        await hooks.fetch_ticket(connector_to(hooks), TICKET)

    assert caught.value.retry_after == 5
