from __future__ import annotations

from typing import Any

import httpx
import pytest

from casebridge_sandbox import RunningSandbox, ServiceNowSandbox

ServiceNow = RunningSandbox[ServiceNowSandbox]

SYSTEM = (
    "sys_data_policy2",
    "sys_data_policy_rule",
    "sys_dictionary",
    "sys_script",
    "sys_user_has_role",
)


def rows(incidents: httpx.Client, table: str, query: str, fields: str) -> list[dict[str, Any]]:
    params = {
        "sysparm_query": query,
        "sysparm_fields": fields,
        "sysparm_exclude_reference_link": "true",
    }
    found: list[dict[str, Any]] = incidents.get(f"/{table}", params=params).json()["result"]
    return found


@pytest.mark.parametrize("table", SYSTEM)
def test_a_table_of_the_system_looks_empty_to_an_ordinary_account(
    servicenow: ServiceNow, incidents: httpx.Client, table: str
) -> None:
    servicenow.control.send_webhooks_to(f"{servicenow.url}/nowhere")
    assert rows(incidents, table, "", "sys_id") == []

    servicenow.control.change_scenario(readable_tables=[table])
    assert rows(incidents, table, "", "sys_id") != []

    servicenow.control.change_scenario(readable_tables=[], user_is_admin=True)
    assert rows(incidents, table, "", "sys_id") != []


def test_the_roles_of_the_account_are_named_over_a_reference(
    servicenow: ServiceNow, incidents: httpx.Client
) -> None:
    servicenow.control.change_scenario(roles=["itil"], user_is_admin=True)
    me = servicenow.sandbox.scenario.user_id

    found = rows(incidents, "sys_user_has_role", f"user={me}", "user,role.name,role.none")

    assert found == [{"user": me, "role.name": "itil"}, {"user": me, "role.name": "admin"}]


def test_the_business_rule_is_there_once_webhooks_have_somewhere_to_go(
    servicenow: ServiceNow, incidents: httpx.Client
) -> None:
    servicenow.control.change_scenario(readable_tables=["sys_script"])
    assert rows(incidents, "sys_script", "collection=incident", "name") == []

    servicenow.control.send_webhooks_to(f"{servicenow.url}/nowhere")

    assert rows(incidents, "sys_script", "collection=incident", "name") == [
        {"name": "Casebridge: tell the inbox"}
    ]


def test_data_policies_say_when_which_column_is_mandatory(
    servicenow: ServiceNow, incidents: httpx.Client
) -> None:
    servicenow.control.change_scenario(user_is_admin=True, require_caller=True)

    found = rows(
        incidents,
        "sys_data_policy_rule",
        "table=incident^mandatory=true",
        "field,sys_data_policy.conditions,sys_data_policy.active",
    )

    assert {each["field"]: each["sys_data_policy.conditions"] for each in found} == {
        "caller_id": "",
        "close_code": "stateIN6,7",
        "close_notes": "stateIN6,7",
        "hold_reason": "state=3",
    }
    assert {each["sys_data_policy.active"] for each in found} == {"true"}
