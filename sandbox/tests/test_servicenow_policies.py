from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest

from casebridge_sandbox import ControlRefused, RunningSandbox, ServiceNowSandbox

ServiceNow = RunningSandbox[ServiceNowSandbox]
Send = Callable[..., httpx.Response]


CLOSING = {"close_code": "Solution provided", "close_notes": "Blocked the sender."}


@pytest.fixture
def patch(servicenow: ServiceNow, incidents: httpx.Client) -> Send:
    ticket = servicenow.control.create_ticket("Phishing mail", by="Ben Responder")

    def send(**body: object) -> httpx.Response:
        return incidents.patch(f"/incident/{ticket.id}", json=body)

    return send


def state(servicenow: ServiceNow) -> str:
    return servicenow.control.ticket("INC0010001").status


def test_resolving_needs_a_code_and_notes(servicenow: ServiceNow, patch: Send) -> None:
    refused = patch(state="6")

    assert refused.status_code == 403
    assert refused.json()["error"]["detail"] == (
        "Data Policy Exception: The following fields are mandatory: "
        "Resolution code, Resolution notes"
    )
    assert state(servicenow) == "New"
    taken = patch(state="6", **CLOSING)
    assert taken.status_code == 200
    record = taken.json()["result"]
    assert (record["state"], record["incident_state"], record["active"]) == ("6", "6", "true")
    assert record["resolved_by"]["value"] == servicenow.sandbox.scenario.user_id
    assert record["resolved_at"] != ""


def test_the_legacy_twin_moves_the_state_too(servicenow: ServiceNow, patch: Send) -> None:
    assert patch(incident_state="2").status_code == 200
    assert state(servicenow) == "In Progress"


def test_reopening_clears_what_resolving_set(patch: Send) -> None:
    patch(state="6", **CLOSING)

    assert patch(state="2").json()["result"]["resolved_at"] == ""


def test_the_policy_on_closing_can_be_off(servicenow: ServiceNow, patch: Send) -> None:
    servicenow.control.change_scenario(require_close_fields=False)

    assert patch(state="6").status_code == 200


def test_closing_is_for_administrators(servicenow: ServiceNow, patch: Send) -> None:
    refused = patch(state="7", **CLOSING)

    assert refused.status_code == 403
    assert "was aborted by Business Rule" in refused.json()["error"]["detail"]
    servicenow.control.change_scenario(user_is_admin=True)
    assert patch(state="7", **CLOSING).json()["result"]["active"] == "false"


def test_a_closed_record_takes_nothing_but_notes(servicenow: ServiceNow, patch: Send) -> None:
    servicenow.control.move("INC0010001", "Closed", by="Ada Analyst")

    refused = patch(short_description="Other")

    assert refused.status_code == 403
    assert refused.json()["error"]["detail"] == (
        "ACL Exception Update Failed due to security constraints"
    )
    assert patch(state="2").status_code == 403
    assert patch(work_notes="Afterthought").status_code == 200
    servicenow.control.change_scenario(closed_is_read_only=False)
    assert patch(state="2").status_code == 200


def test_holding_needs_a_reason_and_for_the_caller_a_comment(
    servicenow: ServiceNow, patch: Send
) -> None:
    assert "On hold reason" in patch(state="3").json()["error"]["detail"]
    assert "Additional comments" in patch(state="3", hold_reason="1").json()["error"]["detail"]
    assert patch(state="3", hold_reason="1", comments="Which mail?").status_code == 200

    servicenow.control.comment("INC0010001", "That one", by="Ben Responder")

    assert state(servicenow) == "In Progress"
    assert "hold_reason" not in servicenow.control.ticket("INC0010001").fields


def test_a_note_of_the_caller_leaves_the_record_on_hold(
    servicenow: ServiceNow, patch: Send
) -> None:
    patch(state="3", hold_reason="1", comments="Which mail?")

    servicenow.control.comment("INC0010001", "Hm", by="Ben Responder", internal=True)
    servicenow.control.comment("INC0010001", "Hm", by="Ada Analyst")

    assert state(servicenow) == "On Hold"


def test_a_caller_can_be_mandatory(servicenow: ServiceNow, incidents: httpx.Client) -> None:
    servicenow.control.change_scenario(require_caller=True)

    refused = incidents.post("/incident", json={"short_description": "x"})
    taken = incidents.post("/incident", json={"caller_id": "ada.analyst"})

    assert "Caller" in refused.json()["error"]["detail"]
    assert taken.status_code == 201


def test_an_insert_may_begin_in_another_state(incidents: httpx.Client) -> None:
    assert incidents.post("/incident", json={"state": "6"}).status_code == 403
    assert incidents.post("/incident", json={"state": "7", **CLOSING}).status_code == 403
    begun = incidents.post("/incident", json={"state": "6", "work_notes": "n", **CLOSING})
    assert begun.json()["result"]["resolved_at"] != ""


def test_the_strict_table_refuses_a_leap(servicenow: ServiceNow, patch: Send) -> None:
    servicenow.control.use_preset("strict")

    refused = patch(state="6", **CLOSING)

    assert refused.status_code == 403
    assert "Refuse a change of state" in refused.json()["error"]["detail"]
    assert patch(state="2").status_code == 200
    assert patch(state="6", **CLOSING).status_code == 200


def test_people_fill_in_what_the_form_wants_but_obey_the_rules(
    servicenow: ServiceNow, patch: Send
) -> None:
    assert servicenow.control.move("INC0010001", "On Hold").fields["hold_reason"] == "5"
    resolved = servicenow.control.move("INC0010001", "Resolved", by="Ben Responder")
    assert resolved.fields["close_code"] == "Solution provided"
    with pytest.raises(ControlRefused, match="Only administrators close"):
        servicenow.control.move("INC0010001", "Closed", by="Ben Responder")
    with pytest.raises(ControlRefused, match="no status"):
        servicenow.control.move("INC0010001", "Sideways")
    moved = servicenow.control.move("INC0010001", "Closed", by="Ben Responder", force=True)
    assert moved.status == "Closed"
