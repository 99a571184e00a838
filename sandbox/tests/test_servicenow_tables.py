from __future__ import annotations

import re
from typing import Any

import httpx
import pytest

from casebridge_sandbox import RunningSandbox, ServiceNowSandbox
from casebridge_sandbox.servicenow.query import parse_query

ServiceNow = RunningSandbox[ServiceNowSandbox]


PERSON = "ada0000000000000000000000000ada0"


@pytest.fixture
def made(incidents: httpx.Client) -> httpx.Response:
    answer = incidents.post(
        "/incident",
        json={
            "short_description": "Phishing mail",
            "correlation_id": "case-1",
            "impact": 1,
            "urgency": "2",
            "assigned_to": "ada.analyst",
            "nonsense": "x",
            "priority": "5",
        },
    )
    assert answer.status_code == 201
    return answer


def test_a_record_has_a_number_a_sys_id_and_strings(
    servicenow: ServiceNow, made: httpx.Response
) -> None:
    record = made.json()["result"]

    assert record["number"] == "INC0010001"
    assert re.fullmatch(r"[0-9a-f]{32}", record["sys_id"])
    assert made.headers["location"].endswith(f"/api/now/table/incident/{record['sys_id']}")
    assert (record["state"], record["incident_state"], record["active"]) == ("1", "1", "true")
    assert (record["impact"], record["urgency"], record["priority"]) == ("1", "2", "2")
    assert record["assigned_to"] == {
        "link": f"{servicenow.url}/api/now/table/sys_user/{PERSON}",
        "value": PERSON,
    }
    assert "nonsense" not in record
    assert record["caller_id"] == ""
    assert (record["sys_created_by"], record["sys_mod_count"]) == ("casebridge", "0")


@pytest.mark.parametrize(
    ("impact", "urgency", "priority"),
    [(1, 1, 1), (1, 2, 2), (1, 3, 3), (2, 1, 2), (2, 2, 3), (2, 3, 4), (3, 1, 3), (3, 3, 5)],
)
def test_the_priority_is_computed(
    incidents: httpx.Client, impact: int, urgency: int, priority: int
) -> None:
    body = {"impact": str(impact), "urgency": str(urgency)}

    record = incidents.post("/incident", json=body).json()["result"]

    assert record["priority"] == str(priority)


def test_values_are_shown_in_three_ways(incidents: httpx.Client, made: httpx.Response) -> None:
    path = f"/incident/{made.json()['result']['sys_id']}"
    fields = "state,assigned_to,sys_created_on,priority,nonsense"

    def shown(display: str, **more: str) -> Any:
        params = {"sysparm_fields": fields, "sysparm_display_value": display, **more}
        return incidents.get(path, params=params).json()["result"]

    plain, labels, both = shown("false"), shown("true"), shown("all")

    assert set(plain) == {"state", "assigned_to", "sys_created_on", "priority"}
    assert plain["state"] == "1"
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", plain["sys_created_on"])
    assert labels["state"] == "New"
    assert labels["assigned_to"]["display_value"] == "Ada Analyst"
    assert "value" not in labels["assigned_to"]
    assert labels["priority"] == "2 - High"
    assert both["state"] == {"display_value": "New", "value": "1"}
    assert both["assigned_to"]["value"] == PERSON
    assert both["assigned_to"]["link"].endswith(PERSON)
    bare = shown("false", sysparm_exclude_reference_link="true")
    assert bare["assigned_to"] == PERSON
    assert shown("all", sysparm_exclude_reference_link="true")["assigned_to"] == {
        "display_value": "Ada Analyst",
        "value": PERSON,
    }


def numbers(incidents: httpx.Client, query: str, **more: str) -> list[str]:
    params = {"sysparm_query": query, "sysparm_fields": "number", **more}
    answer = incidents.get("/incident", params=params)
    return [each["number"][-1] for each in answer.json()["result"]]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("correlation_id=case-1", "1"),
        ("correlation_id!=case-1", "23"),
        ("stateIN1,2^correlation_idISNOTEMPTY", "12"),
        ("stateNOT IN1,2", ""),
        ("correlation_idISEMPTY", "3"),
        ("short_descriptionLIKEMAIL", "1"),
        ("short_descriptionNOT LIKEmail", "23"),
        ("short_descriptionSTARTSWITHtravel", "2"),
        ("short_descriptionENDSWITHbreach", "3"),
        ("correlation_id=case-1^ORcorrelation_id=case-2^state=1", "12"),
        ("correlation_id=case-1^NQcorrelation_id=case-2", "12"),
        ("ORDERBYDESCnumber", "321"),
        ("state=1^ORDERBYshort_description", "132"),
        ("sys_updated_on>=2020-01-01 00:00:00", "123"),
        ("sys_updated_on<javascript:gs.dateGenerate('2020-01-01','00:00:00')", ""),
        ("priority<=2", "1"),
        ("priority>2^priority<9", "23"),
        ("assigned_to.user_name=ada.analyst", "1"),
        ("assigned_to=" + PERSON, "1"),
        ("no_such_field=1", "123"),
        ("correlation_id=case-1^no_such_field=1", "1"),
        ("garbage", "123"),
    ],
)
def test_a_query_finds_what_it_says_and_ignores_unknown_fields(
    incidents: httpx.Client, made: httpx.Response, query: str, expected: str
) -> None:
    for body in (
        {"short_description": "Travel", "correlation_id": "case-2"},
        {"short_description": "Some breach"},
    ):
        incidents.post("/incident", json=body)

    assert numbers(incidents, query) == list(expected)


def test_unknown_fields_can_find_nothing(
    servicenow: ServiceNow, incidents: httpx.Client, made: httpx.Response
) -> None:
    servicenow.control.change_scenario(invalid_query_returns_no_rows=True)

    assert numbers(incidents, "no_such_field=1") == []
    assert numbers(incidents, "correlation_id=case-1") == ["1"]


def test_a_list_is_paged_and_counted(incidents: httpx.Client) -> None:
    for _ in range(3):
        incidents.post("/incident", json={})

    answer = incidents.get("/incident", params={"sysparm_limit": 1, "sysparm_offset": 1})

    assert [each["number"] for each in answer.json()["result"]] == ["INC0010002"]
    assert answer.headers["x-total-count"] == "3"
    assert 'rel="next"' in answer.headers["link"]
    uncounted = incidents.get("/incident", params={"sysparm_no_count": "true"})
    assert "x-total-count" not in uncounted.headers


def test_a_plain_parameter_is_a_term_too(incidents: httpx.Client, made: httpx.Response) -> None:
    answer = incidents.get("/incident", params={"number": "INC0010009"})

    assert answer.json()["result"] == []


def test_version_1_answers_an_empty_list_with_404(
    servicenow: ServiceNow, incidents: httpx.Client
) -> None:
    def status(version: str) -> int:
        return incidents.get(f"{servicenow.url}/api/now/{version}table/incident").status_code

    assert [status(""), status("v2/"), status("v1/"), status("v9/")] == [200, 200, 404, 400]


def test_a_query_without_orders_has_none() -> None:
    query = parse_query("a=1^ORb=2^NQc=3")

    assert query.fields() == {"a", "b", "c"}
    assert query.order == ()


@pytest.mark.parametrize(
    ("headers", "content"),
    [
        ({"accept": "application/json"}, b"{}"),
        ({"accept": "application/xml", "content-type": "application/json"}, b"{}"),
        ({"accept": "application/json", "content-type": "text/plain"}, b"{}"),
        ({"accept": "application/json", "content-type": "application/json"}, b"{"),
    ],
)
def test_a_write_needs_its_headers_and_json(
    incidents: httpx.Client, headers: dict[str, str], content: bytes
) -> None:
    answer = incidents.post("/incident", headers=headers, content=content)

    assert answer.status_code == 400
    assert answer.json()["status"] == "failure"


def test_tables_and_records_that_are_not_there(
    servicenow: ServiceNow, incidents: httpx.Client
) -> None:
    invalid = incidents.get("/no_such_table")
    missing = incidents.get(f"/incident/{'0' * 32}")

    assert invalid.status_code == 400
    assert invalid.json()["error"]["message"] == "Invalid table no_such_table"
    assert missing.status_code == 404
    assert missing.json()["error"] == {
        "message": "No Record found",
        "detail": "Record doesn't exist or ACL restricts the record retrieval",
    }
    assert incidents.patch(f"/incident/{'0' * 32}", json={}).status_code == 404
    assert incidents.get(f"{servicenow.url}/api/now/elsewhere").status_code == 400
    assert incidents.request("OPTIONS", "/incident").status_code == 405


def test_put_changes_and_delete_removes(
    servicenow: ServiceNow, incidents: httpx.Client, made: httpx.Response
) -> None:
    path = f"/incident/{made.json()['result']['sys_id']}"

    renamed = incidents.put(path, json={"short_description": "Renamed", "assigned_to": ""})
    quiet = incidents.patch(path, json={"urgency": 1}, headers={"x-no-response-body": "true"})

    assert renamed.json()["result"]["short_description"] == "Renamed"
    assert servicenow.control.ticket("INC0010001").assignee is None
    assert (quiet.status_code, quiet.content) == (204, b"")
    assert incidents.delete(path).status_code == 204
    assert incidents.get(path).status_code == 404


def test_labels_are_taken_when_asked_for(incidents: httpx.Client, made: httpx.Response) -> None:
    path = f"/incident/{made.json()['result']['sys_id']}"
    body = {"state": "On Hold", "hold_reason": "Awaiting Vendor", "urgency": "1 - High"}

    answer = incidents.patch(path, json=body, params={"sysparm_input_display_value": "true"})

    record = answer.json()["result"]
    assert (record["state"], record["hold_reason"], record["urgency"]) == ("3", "4", "1")


def test_journals_are_appended_and_read_elsewhere(
    servicenow: ServiceNow, incidents: httpx.Client, made: httpx.Response
) -> None:
    sys_id = made.json()["result"]["sys_id"]
    incidents.patch(f"/incident/{sys_id}", json={"work_notes": "One"})
    answer = incidents.patch(f"/incident/{sys_id}", json={"work_notes": "Two"})
    incidents.patch(f"/incident/{sys_id}", json={"comments": "Public"})

    assert answer.json()["result"]["work_notes"] == ""
    entries = incidents.get(
        "/sys_journal_field",
        params={"sysparm_query": f"element_id={sys_id}^element=work_notes"},
    ).json()["result"]
    assert [(each["value"], each["sys_created_by"]) for each in entries] == [
        ("One", "casebridge"),
        ("Two", "casebridge"),
    ]
    comments = servicenow.control.ticket(sys_id).comments
    assert [each.internal for each in comments] == [True, True, False]
    servicenow.control.change_scenario(denied_tables=["sys_journal_field"])
    denied = incidents.get("/sys_journal_field")
    assert denied.status_code == 403
    assert denied.json()["error"]["detail"] == "Failed API level ACL Validation"


def test_choices_and_users_can_be_read_but_not_written(incidents: httpx.Client) -> None:
    codes = incidents.get(
        "/sys_choice",
        params={
            "sysparm_query": "name=incident^element=close_code^inactive=false",
            "sysparm_fields": "label,value",
        },
    ).json()["result"]
    me = incidents.get("/sys_user", params={"sysparm_query": "user_name=casebridge"})
    groups = incidents.get("/sys_user_group").json()["result"]

    assert codes[0] == {"label": "Solution provided", "value": "Solution provided"}
    assert me.json()["result"][0]["name"] == "Casebridge"
    assert groups[0]["name"] == "Security Operations"
    assert incidents.post("/sys_user", json={}).status_code == 403


def test_a_query_can_ask_who_is_calling(incidents: httpx.Client) -> None:
    asked = {"sysparm_query": "sys_id=javascript:gs.getUserID()"}

    users = incidents.get("/sys_user", params=asked).json()["result"]

    assert [each["user_name"] for each in users] == ["casebridge"]


def test_an_empty_side_table_answers_an_empty_list(incidents: httpx.Client) -> None:
    answer = incidents.get("/sys_journal_field", params={"sysparm_query": "element_id=x"})

    assert answer.json()["result"] == []


def test_a_dropped_column_stays_as_it_is_without_a_word(
    servicenow: ServiceNow, incidents: httpx.Client, made: httpx.Response
) -> None:
    servicenow.control.change_scenario(dropped_columns=["state", "correlation_id"])
    path = f"/incident/{made.json()['result']['sys_id']}"

    answer = incidents.patch(path, json={"state": "2", "correlation_id": "other"})

    assert answer.status_code == 200
    assert answer.json()["result"]["state"] == "1"
    assert answer.json()["result"]["correlation_id"] == "case-1"
