"""Tables of the system: choices, roles, dictionary, data policies, and business rules.

All but the choices are for administrators: to others they look empty, as a table does whose every
row an access rule hides.
Source: ServiceNow, "Data policies", "System dictionary", and "Business rules".
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import TYPE_CHECKING

from casebridge_sandbox.servicenow.rows import Cell, Row

if TYPE_CHECKING:
    from casebridge_sandbox.servicenow.scenario import ServiceNowScenario
    from casebridge_sandbox.servicenow.tables import ServiceNowTable

__all__ = ("HOLD_REASONS", "LEVELS", "RULE_NAME", "id_of", "system_rows")

HOLD_REASONS = {
    "1": "Awaiting Caller",
    "3": "Awaiting Problem",
    "4": "Awaiting Vendor",
    "5": "Awaiting Change",
}
LEVELS = {"1": "1 - High", "2": "2 - Medium", "3": "3 - Low"}
RULE_NAME = "Casebridge: tell the inbox"
"""The name that the set-up guide gives the business rule."""


def id_of(name: str) -> str:
    """Return a sys_id that a name always has."""
    return hashlib.sha256(name.encode()).hexdigest()[:32]


def system_rows(
    scenario: ServiceNowScenario, table: str, *, rule_is_active: bool
) -> list[Row] | None:
    """Return every row that the account sees of a table, or None when it is no such table.

    Args:
        scenario: The scenario.
        table: The name of the table.
        rule_is_active: Whether somebody has created the business rule.
    """
    if table == "sys_choice":
        return _choices(scenario)
    rows = _ADMINISTRATIVE.get(table)
    if rows is None:
        return None
    hidden = not scenario.user_is_admin and table not in scenario.readable_tables
    if hidden or (table == "sys_script" and not rule_is_active):
        return []
    return rows(scenario)


def _choices(scenario: ServiceNowScenario) -> list[Row]:
    listed: list[Row] = []
    for table in scenario.tables:
        states = [(each.id, each.name) for each in table.workflow.statuses]
        choices = {
            "state": states,
            "incident_state": states,
            "close_code": [(code, code) for code in scenario.close_codes],
            "hold_reason": list(HOLD_REASONS.items()),
            "impact": list(LEVELS.items()),
            "urgency": list(LEVELS.items()),
        }
        listed.extend(
            _row(
                f"{table.name}.{element}.{value}",
                element=table.names.get(element, element),
                inactive="false",
                label=label,
                language="en",
                name=table.name,
                sequence=str(number),
                value=value,
            )
            for element, pairs in choices.items()
            if element not in table.lacks
            for number, (value, label) in enumerate(pairs)
        )
    return listed


def _roles(scenario: ServiceNowScenario) -> list[Row]:
    names = (*scenario.roles, *(["admin"] if scenario.user_is_admin else []))
    return [
        _row(
            f"user.role.{name}",
            user=Cell(scenario.user_id, scenario.display_name, "sys_user"),
            role=Cell(id_of(f"role.{name}"), name, "sys_user_role"),
            state="active",
        )
        for name in names
    ]


def _known_roles(scenario: ServiceNowScenario) -> list[Row]:
    return [_row(f"role.{name}", name=name) for name in (*scenario.roles, "admin")]


def _dictionary(scenario: ServiceNowScenario) -> list[Row]:
    return [
        _row(
            f"{table.name}.{column}",
            name=table.name,
            element=table.names.get(column, column),
            mandatory="true",
            active="true",
        )
        for table in scenario.tables
        for column in scenario.mandatory_columns
    ]


def _rules(scenario: ServiceNowScenario) -> list[Row]:
    return [
        _row(f"rule.{each.name}", name=RULE_NAME, collection=each.name, active="true", when="after")
        for each in scenario.tables
    ]


def _policies(scenario: ServiceNowScenario) -> list[Row]:
    return [
        _row(
            f"policy.{table.name}.{conditions}",
            model_table=table.name,
            conditions=conditions,
            short_description=f"Mandatory where {conditions or 'anything is written'}",
            active="true",
        )
        for table in scenario.tables
        for conditions, _ in _mandatory(scenario, table)
    ]


def _policy_rules(scenario: ServiceNowScenario) -> list[Row]:
    return [
        _row(
            f"policy.{table.name}.{conditions}.{column}",
            sys_data_policy=Cell(
                id_of(f"policy.{table.name}.{conditions}"), conditions, "sys_data_policy2"
            ),
            table=table.name,
            field=table.names.get(column, column),
            mandatory="true",
        )
        for table in scenario.tables
        for conditions, columns in _mandatory(scenario, table)
        for column in columns
    ]


def _mandatory(
    scenario: ServiceNowScenario, table: ServiceNowTable
) -> list[tuple[str, tuple[str, ...]]]:
    """Return the conditions of the table's data policies, each with its mandatory columns."""
    listed: list[tuple[str, tuple[str, ...]]] = []
    if scenario.require_caller and "caller_id" not in table.lacks:
        listed.append(("", ("caller_id",)))
    if scenario.require_close_fields and table.explained:
        condition = f"stateIN{','.join(table.explained)}"
        listed.append((condition, ("close_code", "close_notes")))
    if scenario.require_hold_reason and table.holding:
        listed.append((f"state={table.holding}", ("hold_reason",)))
    return listed


_ADMINISTRATIVE: dict[str, Callable[[ServiceNowScenario], list[Row]]] = {
    "sys_data_policy2": _policies,
    "sys_data_policy_rule": _policy_rules,
    "sys_dictionary": _dictionary,
    "sys_script": _rules,
    "sys_user_has_role": _roles,
    "sys_user_role": _known_roles,
}


def _row(identity: str, **cells: Cell | str) -> Row:
    row = {name: Cell(cell) if isinstance(cell, str) else cell for name, cell in cells.items()}
    return dict(sorted({**row, "sys_id": Cell(id_of(identity))}.items()))
