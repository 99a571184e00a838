"""Force-sync and the manual verbs, on the running service."""

from __future__ import annotations

from typing import Any, cast

from casebridge_sandbox import RunningSandbox
from tests.fanout.orders import refuse, wall_off_done
from tests.stage import Service

Vendor = RunningSandbox[Any]


# Force-sync.


def test_a_force_sync_needs_a_reason_and_a_minted_ticket(service: Service, jira: Vendor) -> None:
    connector = service.add_jira(jira)
    service.api.post(f"/v1/connectors/{connector}/pause", {"reason": "maintenance"})
    case = service.api.create_case()
    ticket = service.api.ticket(case, "jira")["id"]
    path = f"/v1/tickets/{ticket}/force-sync"

    answers = [refuse(service, path, body).status_code for body in ({}, {"reason": "x"})]
    unminted = refuse(service, path, {"reason": "the workflow is wrong"})

    assert set(answers) == {400}
    assert (unminted.status_code, "not minted" in unminted.text) == (409, True)
    assert [row for row in service.api.timeline(case) if row["kind"] == "force_sync"] == []


def test_a_force_sync_is_on_the_timeline_before_anything_is_pushed(
    service: Service, jira: Vendor
) -> None:
    wall_off_done(jira)
    connector = service.add_jira(jira)
    case = service.api.create_case(status="resolved")
    ticket = service.api.ticket_in(case, "jira", "dead")
    service.api.post(f"/v1/connectors/{connector}/pause", {"reason": "maintenance"})
    before = len(jira.control.requests())

    order = {"reason": "the workflow is wrong"}
    service.api.post(f"/v1/tickets/{ticket['id']}/force-sync", order)

    (row,) = [row for row in service.api.timeline(case) if row["kind"] == "force_sync"]
    assert row["actor_label"] == "api (tester)"
    assert row["text"] == "force-sync of SEC-1 to resolved: the workflow is wrong"
    assert len(jira.control.requests()) == before


def test_a_force_sync_goes_through_a_done_status_that_a_push_avoids(
    service: Service, jira: Vendor
) -> None:
    workflow = cast("dict[str, Any]", jira.control.scenario()["workflow"])
    settled = {"id": "10004", "name": "Settled", "category": "done"}
    names = {status["name"]: status["id"] for status in (*workflow["statuses"], settled)}
    edges = [
        {"id": str(number), "name": end, "to": names[end], "sources": [names[start]]}
        for number, (start, end) in enumerate((("To Do", "Settled"), ("Settled", "Done")), start=11)
    ]
    statuses = [*workflow["statuses"], settled]
    jira.control.change_scenario(workflow={**workflow, "statuses": statuses, "transitions": edges})
    service.add_jira(jira)
    case = service.api.create_case(status="resolved")
    ticket = service.api.ticket_in(case, "jira", "dead")
    assert jira.control.ticket("SEC-1").status == "To Do"

    order = {"reason": "the only way leads through Settled"}
    service.api.post(f"/v1/tickets/{ticket['id']}/force-sync", order)

    service.api.linked(case)
    assert jira.control.ticket("SEC-1").status == "Done"
    assert service.api.status(case) == "resolved"
    texts = [row["text"] for row in service.api.timeline(case) if row["kind"] == "status_pushed"]
    assert texts == ["pushed resolved to SEC-1: Done (forced by api (tester))"]


def test_a_force_sync_that_the_vendor_does_not_allow_says_so_and_is_over(
    service: Service, jira: Vendor
) -> None:
    wall_off_done(jira)
    service.add_jira(jira)
    case = service.api.create_case(status="resolved")
    ticket = service.api.ticket_in(case, "jira", "dead")
    service.wait_until_idle()

    order = {"reason": "the workflow is wrong"}
    service.api.post(f"/v1/tickets/{ticket['id']}/force-sync", order)

    service.wait_until_idle()
    dead = service.api.ticket_in(case, "jira", "dead")
    assert dead["failure"]["kind"] == "TransitionRejected"
    forced = "SELECT force_reason, force_actor FROM case_external_refs WHERE public_id = ?"
    assert service.rows(forced, ticket["id"]) == [(None, None)]


# The manual verbs.


def test_push_case_waits_for_its_outcome_if_asked(service: Service, jira: Vendor) -> None:
    connector = service.add_jira(jira)
    service.api.patch(f"/v1/connectors/{connector}", {"enabled": False})
    case = service.api.create_case()
    service.api.patch(f"/v1/connectors/{connector}", {"enabled": True})

    body = {"case_id": case, "wait_seconds": 20}
    ticket = service.api.post(f"/v1/connectors/{connector}/push_case", body)

    assert (ticket["state"], ticket["key"]) == ("linked", "SEC-1")
    again = service.api.post(f"/v1/connectors/{connector}/push_case", body)
    assert (again["id"], again["state"]) == (ticket["id"], "linked")
    assert len(jira.control.tickets()) == 1


def test_push_case_does_not_wait_unless_asked(service: Service, jira: Vendor) -> None:
    connector = service.add_jira(jira)
    jira.control.arm("delay", "create", seconds=0.5)
    case = service.api.create_case()

    ticket = service.api.post(f"/v1/connectors/{connector}/push_case", {"case_id": case})

    assert ticket["state"] == "pending"
    service.api.linked(case)


def test_push_case_returns_a_failure_as_soon_as_there_is_one(
    service: Service, jira: Vendor
) -> None:
    connector = service.add_jira(jira)
    jira.control.arm("status", "create", status=400, count=None)
    case = service.api.create_case()
    service.api.ticket_in(case, "jira", "dead")

    body = {"case_id": case, "wait_seconds": 20}
    ticket = service.api.post(f"/v1/connectors/{connector}/push_case", body)

    assert (ticket["state"], ticket["failure"]["kind"]) == ("dead", "InvalidRequest")
    assert ticket["failure"]["attempts"] == 1


def test_push_status_change_retries_and_waits_for_the_new_outcome(
    service: Service, jira: Vendor
) -> None:
    wall_off_done(jira)
    connector = service.add_jira(jira)
    case = service.api.create_case(status="resolved")
    service.api.ticket_in(case, "jira", "dead")
    jira.control.use_preset("standard")

    body = {"case_id": case, "wait_seconds": 20}
    ticket = service.api.post(f"/v1/connectors/{connector}/push_status_change", body)

    assert (ticket["state"], ticket["failure"]) == ("linked", None)
    assert jira.control.ticket("SEC-1").status == "Done"


def test_nobody_waits_for_a_paused_connector(service: Service, jira: Vendor) -> None:
    connector = service.add_jira(jira)
    case = service.api.create_case()
    service.api.linked(case)
    service.api.post(f"/v1/connectors/{connector}/pause", {"reason": "maintenance"})

    body = {"case_id": case, "wait_seconds": 30}
    ticket = service.api.post(f"/v1/connectors/{connector}/push_status_change", body)

    assert ticket["state"] == "paused"


def test_push_status_change_needs_a_ticket(service: Service, jira: Vendor) -> None:
    connector = service.add_jira(jira)
    service.api.patch(f"/v1/connectors/{connector}", {"enabled": False})
    case = service.api.create_case()

    path = f"/v1/connectors/{connector}/push_status_change"
    answer = refuse(service, path, {"case_id": case})

    assert (answer.status_code, "push the case first" in answer.text) == (409, True)


def test_push_case_to_a_disabled_connector_is_refused(service: Service, jira: Vendor) -> None:
    connector = service.add_jira(jira)
    service.api.patch(f"/v1/connectors/{connector}", {"enabled": False})
    case = service.api.create_case()

    answer = refuse(service, f"/v1/connectors/{connector}/push_case", {"case_id": case})

    assert answer.status_code == 409
