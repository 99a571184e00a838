from __future__ import annotations

import httpx
import pytest

from casebridge_sandbox import RunningSandbox, ServiceNowSandbox

ServiceNow = RunningSandbox[ServiceNowSandbox]

CLOSING = {"close_code": "Solution provided", "close_notes": "Blocked the sender."}


def test_a_security_incident_has_states_of_its_own_and_no_twin(
    servicenow: ServiceNow, incidents: httpx.Client
) -> None:
    servicenow.control.use_preset("security-incidents")
    servicenow.control.change_scenario(extra_columns=["u_case"])

    made = incidents.post(
        "/sn_si_incident", json={"u_case": "7", "incident_state": "3", "caller_id": "x"}
    ).json()["result"]

    assert made["number"] == "SIR0010001"
    assert (made["u_case"], made["state"]) == ("7", "10")
    assert not {"incident_state", "caller_id", "hold_reason"} & made.keys()
    assert incidents.get(f"/incident/{made['sys_id']}").status_code == 404
    labels = incidents.get(
        "/sys_choice", params={"sysparm_query": "name=sn_si_incident^element=state"}
    ).json()["result"]
    assert {each["value"]: each["label"] for each in labels} == {
        "10": "Draft",
        "16": "Analysis",
        "18": "Contain",
        "19": "Eradicate",
        "20": "Recover",
        "100": "Review",
        "3": "Closed",
        "7": "Cancelled",
    }


def test_a_security_incident_is_explained_when_it_is_closed(
    servicenow: ServiceNow, incidents: httpx.Client
) -> None:
    servicenow.control.use_preset("security-incidents")
    sys_id = incidents.post("/sn_si_incident", json={}).json()["result"]["sys_id"]

    assert incidents.patch(f"/sn_si_incident/{sys_id}", json={"state": "3"}).status_code == 403
    closed = incidents.patch(f"/sn_si_incident/{sys_id}", json={"state": "3", **CLOSING})

    assert closed.json()["result"]["active"] == "false"


def test_the_stateful_process_goes_forward_step_by_step(
    servicenow: ServiceNow, incidents: httpx.Client
) -> None:
    servicenow.control.use_preset("stateful-security-incidents")
    sys_id = incidents.post("/sn_si_incident", json={}).json()["result"]["sys_id"]

    def to(state: str) -> int:
        return incidents.patch(
            f"/sn_si_incident/{sys_id}", json={"state": state, **CLOSING}
        ).status_code

    assert to("18") == 403
    assert [to(state) for state in ("16", "18", "19", "20", "100", "3")] == [200] * 6
    assert to("16") == 403


def test_a_table_of_ones_own_has_fewer_columns_under_other_names(
    servicenow: ServiceNow, incidents: httpx.Client
) -> None:
    servicenow.control.use_preset("own-table")

    made = incidents.post(
        "/u_security_task", json={"u_title": "Phishing", "short_description": "lost"}
    ).json()["result"]
    found = incidents.get(
        "/u_security_task", params={"sysparm_query": "u_title=Phishing^caller_id=x"}
    ).json()["result"]

    assert (made["u_title"], made["state"]) == ("Phishing", "1")
    assert not {"short_description", "close_code", "caller_id"} & made.keys()
    assert len(found) == 1


@pytest.mark.parametrize(("roles", "status"), [(["itil"], 201), (["sn_si.basic"], 403), ([], 403)])
def test_writing_needs_a_role(
    servicenow: ServiceNow, incidents: httpx.Client, roles: list[str], status: int
) -> None:
    servicenow.control.change_scenario(roles=roles)

    answer = incidents.post("/incident", json={"short_description": "Phishing"})

    assert answer.status_code == status
    if status == 403:
        assert answer.json()["error"]["detail"] == "Failed API level ACL Validation"
        assert incidents.get("/incident").status_code == 200
