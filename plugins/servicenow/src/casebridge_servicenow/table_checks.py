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
from casebridge_servicenow.fields import FILLED_FIELDS
from casebridge_servicenow.queries import both, where
from casebridge_servicenow.values import Row, value_of

if TYPE_CHECKING:
    from casebridge_servicenow.client import ServiceNowClient
    from casebridge_servicenow.config import ServiceNowConfig

NO_SUCH_KEY: Final = "casebridge-connection-check"
"""A value that no record holds."""


def well(name: str, detail: str) -> CheckLine:
    """Return a line that says that all is well."""
    return CheckLine(name=name, ok=True, detail=detail)


def failed(name: str, detail: object, cure: str) -> CheckLine:
    """Return a line that says what is wrong."""
    return CheckLine(name=name, ok=False, detail=str(detail), cure=cure)


def unsure(name: str, detail: object, cure: str = "") -> CheckLine:
    """Return a line about what cannot be seen, or is neither good nor bad."""
    return CheckLine(name=name, ok=None, detail=str(detail), cure=cure)


async def check_table(client: ServiceNowClient) -> CheckLine:
    """Tell whether the table is there, and whether tickets can be found in it by their key.

    ServiceNow ignores a condition on a field that it does not know: a search for a key that nobody
    has must find nothing.
    """
    table, field = client.config.table, client.config.correlation_field
    name = f"Table and {field}"
    query = where(field, "=", NO_SUCH_KEY)
    try:
        found = await client.api.rows(table, query, ("sys_id", field), limit=1)
    except DestinationNotFound as error:
        return failed(name, error, "name an existing table, such as incident")
    except PushError as error:
        return failed(name, error, "give the integration account a role that may read it")
    if found:
        cure = (
            f"let the integration account read {field}, or configure another field: without it a"
            " ticket cannot be found again"
        )
        return failed(name, f"{table} ignores a search by {field}", cure)
    return well(name, f"{table} can be searched by {field}")


async def check_required_fields(client: ServiceNowClient) -> CheckLine:
    """Tell whether the settings fill what the dictionary makes mandatory.

    Data policies may ask for more: what they ask for is told when a write is refused.
    """
    name, config = "Required fields", client.config
    query = both(where("name", "IN", f"{config.table},task"), "mandatory=true")
    try:
        rows = await client.api.rows("sys_dictionary", query, ("element",), limit=200)
    except PushError as error:
        return unsure(name, error, "let the account read sys_dictionary to have them checked")
    required = {value_of(row.get("element")) for row in rows} - {""}
    filled = FILLED_FIELDS | config.extra_fields.keys() | {config.correlation_field}
    filled |= {n for n in ("caller_id", "category", "assignment_group") if getattr(config, n)}
    missing = sorted(required - filled)
    if missing:
        cure = "set caller_id, category, assignment_group or extra_fields"
        return unsure(name, f"mandatory and not filled: {', '.join(missing)}", cure)
    return well(name, f"all filled: {', '.join(sorted(required)) or 'none is mandatory'}")


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
