"""What the connection check finds out about the table: each answer is one line, with its cure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from casebridge_core import (
    CaseStatus,
    CheckLine,
    Connector,
    DestinationNotFound,
    NativeStatus,
    PushError,
)
from casebridge_servicenow.columns import CORRELATION
from casebridge_servicenow.lines import failed, unsure, well
from casebridge_servicenow.queries import where
from casebridge_servicenow.values import Row, value_of

if TYPE_CHECKING:
    from casebridge_servicenow.client import ServiceNowClient
    from casebridge_servicenow.config import ServiceNowConfig

NO_SUCH_KEY: Final = "casebridge-connection-check"
"""A value that no record holds."""


async def check_table(client: ServiceNowClient) -> CheckLine:
    """Tell whether the table is there, and whether tickets can be found in it by their key.

    ServiceNow ignores a condition on a field that it does not know: a search for a key that nobody
    has must find nothing.
    """
    columns = client.table.columns
    table, key = client.config.table, columns.of(CORRELATION)
    name = f"Table and {key}"
    ignored = []
    for field in (key, columns.of("correlation_display")):
        query = where(field, "=", NO_SUCH_KEY)
        try:
            found = await client.api.rows(table, query, ("sys_id", field), limit=1)
        except DestinationNotFound as error:
            return failed(name, error, "name an existing table, such as incident")
        except PushError as error:
            return failed(name, error, "give the integration account a role that may read it")
        ignored += [field] if found else []
    if ignored:
        fields = " and ".join(ignored)
        cure = (
            f"let the integration account read {fields}, or configure another field: without it a"
            " ticket cannot be found again"
        )
        return failed(name, f"{table} ignores a search by {fields}", cure)
    return well(name, f"{table} can be searched by {key}")


async def check_states(
    connector: Connector[ServiceNowConfig], client: ServiceNowClient
) -> tuple[CheckLine, tuple[NativeStatus, ...]]:
    """Tell whether the status map leads to states that the instance has, and which it has."""
    name, model = "States", client.config.states
    try:
        choices = await client.choices("state")
    except PushError as error:
        return unsure(name, error, "let the account read sys_choice to have states offered"), ()
    if not choices:
        return unsure(name, "the table's states cannot be seen"), ()
    read = [status for pair in choices if (status := model.read(*pair)) is not None]
    statuses = tuple({status.id: status for status in reversed(read)}.values())[::-1]
    offered = ", ".join(f"{status.name} ({status.id})" for status in statuses)
    wanted = {
        status: connector.statuses.native_for(status) or model.statuses.native_for(status)
        for status in CaseStatus
    }
    missing = [
        f"{status} -> {native}"
        for status, native in wanted.items()
        if native is not None and not any(choice.matches(native) for choice in read)
    ]
    if missing:
        detail = f"the status map leads to states that are not there: {', '.join(missing)}"
        return failed(name, detail, f"choose among {offered}"), statuses
    return well(name, offered), statuses


async def check_close_code(client: ServiceNowClient) -> CheckLine:
    """Tell whether the instance knows the close code, and which it knows."""
    name = "Close code"
    try:
        choices = await client.choices("close_code")
    except PushError as error:
        return unsure(name, error, "let the account read sys_choice to have codes checked")
    codes = ", ".join(dict.fromkeys(value for value, _ in choices))
    if not choices:
        return unsure(name, "the table's close codes cannot be seen")
    if any(value == client.config.close_code for value, _ in choices):
        return well(name, f"{client.config.close_code} (of: {codes})")
    detail = "close_code is not one that this instance knows"
    return failed(name, detail, f"set close_code to one of: {codes}")


async def check_hold_reason(client: ServiceNowClient) -> CheckLine | None:
    """Tell whether the instance knows the hold reason; None where none is configured."""
    name, reason = "On hold reason", client.config.hold_reason
    if not reason:
        return None
    try:
        choices = await client.choices("hold_reason")
    except PushError as error:
        return unsure(name, error, "let the account read sys_choice to have reasons checked")
    if not choices:
        return unsure(name, "the table's reasons cannot be seen")
    offered = ", ".join(f"{label} ({value})" for value, label in choices)
    if any(value == reason for value, _ in choices):
        return well(name, f"{reason} (of: {offered})")
    return failed(name, "hold_reason is not one that this instance knows", f"choose: {offered}")


async def check_caller(client: ServiceNowClient, account: Row) -> CheckLine:
    """Tell whether the caller exists, or whom one could name."""
    name, caller_id = "Caller", client.config.caller_id
    if not caller_id:
        own = value_of(account.get("sys_id"))
        cure = f"set caller_id, for example to the integration account's {own}" if own else ""
        return unsure(name, "tickets are opened without a caller_id, which many require", cure)
    try:
        row = await client.api.row("sys_user", caller_id, ("sys_id", "name"))
    except PushError as error:
        return unsure(name, error, "set caller_id to the sys_id of an active user")
    return well(name, value_of(row.get("name")) or caller_id)


async def check_journal(client: ServiceNowClient) -> CheckLine:
    """Tell whether the account may read the journal."""
    name = "Comments can be found again"
    query = where("element_id", "=", NO_SUCH_KEY)
    try:
        await client.api.rows("sys_journal_field", query, ("sys_id",), limit=1)
    except PushError as error:
        cure = "let the account read sys_journal_field; until then the ticket's text is searched"
        return unsure(name, error, cure)
    return well(name, "sys_journal_field is open to the account")
