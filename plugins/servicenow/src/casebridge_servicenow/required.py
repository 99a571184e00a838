"""What the connection check finds out about mandatory fields.

The dictionary makes a field mandatory on forms. A data policy does so for the API too, perhaps in
some states only. Both tables are for administrators: what cannot be seen is told when a write is
refused. Source: ServiceNow, "Data policies".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from casebridge_core import CheckLine, PushError
from casebridge_servicenow.columns import CORRELATION
from casebridge_servicenow.fields import FILLED_FIELDS
from casebridge_servicenow.lines import failed, unsure, well
from casebridge_servicenow.queries import both, where
from casebridge_servicenow.values import Row, value_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from casebridge_servicenow.client import ServiceNowClient
    from casebridge_servicenow.config import ServiceNowConfig

_NAME: Final = "Required fields"
_MOST: Final = 200
_ACTIVE: Final = "sys_data_policy.active"
_INHERITED: Final = "sys_data_policy.inherit"
_CONDITIONS: Final = "sys_data_policy.conditions"
_OPTIONAL: Final = (
    "assignment_group",
    "caller_id",
    "category",
    "close_code",
    "close_notes",
    "hold_reason",
)
_CURE: Final = (
    "set caller_id, category, assignment_group, close_code, close_notes, hold_reason or"
    " extra_fields"
)


class _Demand(msgspec.Struct, frozen=True):
    """A field that a data policy asks for, and where it does: empty for every write."""

    field: str
    condition: str


async def check_required_fields(client: ServiceNowClient) -> CheckLine:
    """Tell whether the settings fill what dictionary and data policies make mandatory."""
    try:
        on_forms = await _dictionary(client)
        demands = await _policies(client)
    except PushError as error:
        cure = "let the account read sys_dictionary and sys_data_policy_rule to have them checked"
        return unsure(_NAME, error, cure)
    if not on_forms and not demands:
        detail = "neither dictionary nor data policies show any (only administrators see them)"
        return unsure(_NAME, detail, "none: what is missing is named when a write is refused")
    filled = _filled(client.config)
    missing = [demand for demand in demands if demand.field not in filled]
    always = _listed(demand for demand in missing if not demand.condition)
    if always:
        return failed(_NAME, f"a data policy asks for, and nothing fills: {always}", _CURE)
    sometimes = _listed(demand for demand in missing if demand.condition)
    if sometimes:
        return unsure(_NAME, f"data policies ask for, and nothing fills: {sometimes}", _CURE)
    unfilled = sorted(on_forms - filled)
    if unfilled:
        return unsure(_NAME, f"mandatory on forms and not filled: {', '.join(unfilled)}", _CURE)
    known = [_Demand(name, "") for name in sorted(on_forms)]
    return well(_NAME, f"all filled: {_listed([*known, *demands])}")


def _filled(config: ServiceNowConfig) -> frozenset[str]:
    own = {name for name in _OPTIONAL if getattr(config, name)}
    return FILLED_FIELDS | config.extra_fields.keys() | {CORRELATION} | own


async def _dictionary(client: ServiceNowClient) -> set[str]:
    tables = _tables(client)
    query = both(where("name", "IN", ",".join(tables)), "mandatory=true")
    fields = ("name", "element", "mandatory")
    rows = await client.api.rows("sys_dictionary", query, fields, limit=_MOST)
    # ServiceNow ignores a condition that the account may not use: what came is compared again.
    own = (row for row in rows if value_of(row.get("name")) in tables and _is_true(row, fields[2]))
    return {client.table.columns.usual(value_of(row.get("element"))) for row in own} - {""}


async def _policies(client: ServiceNowClient) -> list[_Demand]:
    tables = where("table", "IN", ",".join(_tables(client)))
    query = both(tables, "mandatory=true", f"{_ACTIVE}=true")
    fields = ("table", "field", "mandatory", _ACTIVE, _INHERITED, _CONDITIONS)
    rows = await client.api.rows("sys_data_policy_rule", query, fields, limit=_MOST)
    return [_demand(client, row) for row in rows if _applies(client, row)]


def _applies(client: ServiceNowClient, row: Row) -> bool:
    """Tell whether a rule is in force for the table; one of a parent table may not be inherited."""
    table = value_of(row.get("table"))
    parent = table in _tables(client) and _is_true(row, _INHERITED)
    asks = _is_true(row, "mandatory") and value_of(row.get(_ACTIVE)) != "false"
    return asks and bool(value_of(row.get("field"))) and (table == client.config.table or parent)


def _demand(client: ServiceNowClient, row: Row) -> _Demand:
    when = value_of(row.get(_CONDITIONS)).removesuffix("^EQ").removesuffix("EQ")
    field = client.table.columns.usual(value_of(row.get("field")))
    return _Demand(field, when if _CONDITIONS in row else "a condition that cannot be seen holds")


def _tables(client: ServiceNowClient) -> tuple[str, ...]:
    return tuple(dict.fromkeys((client.config.table, *client.config.states.tables)))


def _is_true(row: Row, field: str) -> bool:
    return value_of(row.get(field)) == "true"


def _listed(demands: Iterable[_Demand]) -> str:
    told = (f"{d.field} (where {d.condition})" if d.condition else d.field for d in demands)
    return ", ".join(dict.fromkeys(told))
