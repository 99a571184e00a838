"""Wrong results and unexpected exceptions: each is told by plugin and hook, without any value."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from types import ModuleType
from typing import Any

import pytest

from casebridge_core import (
    Case,
    CaseStatus,
    Connector,
    HookFailed,
    InboxAddress,
    NativeStatus,
    PushError,
    TicketRef,
    VendorHooks,
    VendorUnavailable,
)

NOW = datetime(2026, 3, 1, tzinfo=UTC)
TICKET = TicketRef(external_id="1", key="T-1", url="https://t.example/1")
INBOX = InboxAddress(url="https://soc.example/v1/inbox/itsm/tok", token_id="tok")
MARKER = "s3cr3t-marker"

Call = Callable[[VendorHooks, Connector[Any], Case], object]

ASYNC: dict[str, tuple[str, Callable[[VendorHooks, Connector[Any]], Awaitable[object]]]] = {
    "itsm_find_ticket": ("find_ticket", lambda h, c: h.find_ticket(c, "cb-1")),
    "itsm_fetch_ticket": ("fetch_ticket", lambda h, c: h.fetch_ticket(c, TICKET)),
    "itsm_list_changes": ("list_changes", lambda h, c: h.list_changes(c, NOW)),
    "itsm_identify_account": ("", lambda h, c: h.identify_account(c)),
    "itsm_check_connection": ("", lambda h, c: h.check_connection(c)),
}
SYNC: dict[str, Call] = {
    "itsm_map_outbound_status": lambda h, c, _: h.native_status(c, CaseStatus.OPEN),
    "itsm_map_inbound_status": lambda h, c, _: h.meanings_of(c, NativeStatus(name="New")),
    "itsm_setup_guide": lambda h, c, _: h.setup_guide(c, INBOX),
    "itsm_project_case": lambda h, c, case: h.project_case(c, case, "cb-1"),
}


@pytest.fixture
def hooks_with(
    vendor_plugin: Callable[..., ModuleType], hooks_of: Callable[..., VendorHooks]
) -> Callable[[str, str], VendorHooks]:
    """Make a plugin whose one hook has the given body; what it needs beside it is mute."""

    def make(hook: str, body: str) -> VendorHooks:
        if hook in ASYNC:
            claim = ASYNC[hook][0]
            source = f"@hookimpl\nasync def {hook}(): {body}\n"
            return hooks_of(vendor_plugin(source, claims=[claim] if claim else []))
        beside = {
            "itsm_map_outbound_status": ("push_status", "async def itsm_push_status_change"),
            "itsm_map_inbound_status": ("inbound_status", "def itsm_detect_inbound"),
        }
        source = f"@hookimpl\ndef {hook}(): {body}\n"
        claim, mute = beside.get(hook, ("", ""))
        source += f"@hookimpl\n{mute}(): ...\n" if mute else ""
        return hooks_of(vendor_plugin(source, claims=[claim] if claim else []))

    return make


@pytest.fixture
def hooks_and_connector(
    hooks_with: Callable[[str, str], VendorHooks], connector_to: Callable[..., Connector[Any]]
) -> Callable[[str, str], tuple[VendorHooks, Connector[Any]]]:
    """Make the same, with a connector that holds the marker as its secret."""

    def make(hook: str, body: str) -> tuple[VendorHooks, Connector[Any]]:
        hooks = hooks_with(hook, body)
        return hooks, connector_to(hooks, token=MARKER)

    return make


Made = Callable[[str, str], tuple[VendorHooks, Connector[Any]]]


@pytest.mark.parametrize("hook", ASYNC)
async def test_an_unexpected_exception_of_an_async_hook_is_named_and_not_quoted(
    hooks_and_connector: Made, hook: str
) -> None:
    hooks, connector = hooks_and_connector(hook, f"raise KeyError('{MARKER}')")

    with pytest.raises(HookFailed) as caught:
        await ASYNC[hook][1](hooks, connector)

    assert str(caught.value) == f"plugin 'acme': {hook} raised KeyError"
    assert isinstance(caught.value.__cause__, KeyError)
    assert (caught.value.plugin, caught.value.hook) == ("acme", hook)
    assert not isinstance(caught.value, PushError)


@pytest.mark.parametrize("hook", ASYNC)
@pytest.mark.parametrize("answer", ["None", f"'{MARKER}'", "42", "[]", f"('{MARKER}',)"])
async def test_a_wrong_result_of_an_async_hook_is_named_and_not_quoted(
    hooks_and_connector: Made, hook: str, answer: str
) -> None:
    hooks, connector = hooks_and_connector(hook, f"return {answer}")

    with pytest.raises(HookFailed, match=f"{hook} returned ") as caught:
        await ASYNC[hook][1](hooks, connector)

    assert MARKER not in str(caught.value)


async def test_another_vendors_event_in_a_list_of_changes_is_refused(
    hooks_and_connector: Made,
) -> None:
    hooks, connector = hooks_and_connector(
        "itsm_list_changes",
        "return ChangePage(events=(TicketEvent(vendor='zulu', external_id='1'),))",
    )

    with pytest.raises(HookFailed, match="returned what is not its own TicketEvent"):
        await hooks.list_changes(connector, NOW)


@pytest.mark.parametrize("hook", SYNC)
async def test_an_unexpected_exception_of_a_pure_hook_is_named_and_not_quoted(
    hooks_and_connector: Made, case: Case, hook: str
) -> None:
    hooks, connector = hooks_and_connector(hook, f"raise KeyError('{MARKER}')")

    with pytest.raises(HookFailed) as caught:
        SYNC[hook](hooks, connector, case)

    assert str(caught.value) == f"plugin 'acme': {hook} raised KeyError"


@pytest.mark.parametrize("hook", SYNC)
@pytest.mark.parametrize("answer", ["42", f"['{MARKER}']", f"('{MARKER}',)", "CaseStatus"])
async def test_a_wrong_result_of_a_pure_hook_is_named_and_not_quoted(
    hooks_and_connector: Made, case: Case, hook: str, answer: str
) -> None:
    hooks, connector = hooks_and_connector(hook, f"return {answer}")

    with pytest.raises(HookFailed, match=f"{hook} returned ") as caught:
        SYNC[hook](hooks, connector, case)

    assert MARKER not in str(caught.value)


async def test_a_bare_status_is_not_a_tuple_of_meanings(hooks_and_connector: Made) -> None:
    hooks, connector = hooks_and_connector("itsm_map_inbound_status", "return CaseStatus.OPEN")

    with pytest.raises(HookFailed, match="returned CaseStatus, not a tuple of CaseStatus"):
        hooks.meanings_of(connector, NativeStatus(name="New"))


async def test_a_pure_hook_may_raise_an_error_of_the_tree(
    hooks_and_connector: Made, case: Case
) -> None:
    hooks, connector = hooks_and_connector("itsm_project_case", "raise VendorUnavailable('no')")

    with pytest.raises(VendorUnavailable):
        hooks.project_case(connector, case, "cb-1")


async def test_a_projection_that_nobody_made_is_told(hooks_and_connector: Made, case: Case) -> None:
    hooks, connector = hooks_and_connector(
        "itsm_setup_guide", "...\n@hookimpl(wrapper=True)\ndef itsm_project_case():\n    yield"
    )

    with pytest.raises(HookFailed, match="itsm_project_case returned None, not CaseProjection"):
        hooks.project_case(connector, case, "cb-1")
