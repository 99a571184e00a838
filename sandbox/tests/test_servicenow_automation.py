"""What ServiceNow does by itself, and what it keeps to itself."""

from __future__ import annotations

import httpx

from casebridge_sandbox import RunningSandbox, ServiceNowSandbox, WebhookReceiver

ServiceNow = RunningSandbox[ServiceNowSandbox]


def test_resolving_a_parent_resolves_its_children_and_tells_of_each(
    servicenow: ServiceNow, receiver: WebhookReceiver
) -> None:
    parent = servicenow.control.create_ticket("Outage")
    child, other = (
        servicenow.control.create_ticket(name, fields={"parent_incident": parent.id})
        for name in ("Mail", "Web")
    )
    servicenow.control.move(other.key, "Canceled")
    servicenow.control.send_webhooks_to(receiver.url)

    servicenow.control.move(parent.key, "Resolved", by="Ben Responder")
    servicenow.control.wait_until_idle()

    resolved = servicenow.control.ticket(child.key)
    assert (resolved.status, resolved.fields["close_code"]) == ("Resolved", "Solution provided")
    assert servicenow.control.ticket(other.key).status == "Canceled"
    assert [(each["number"], each["sys_updated_by"]) for each in receiver.bodies] == [
        (parent.key, "ben.responder"),
        (child.key, "ben.responder"),
    ]


def test_children_can_be_left_alone(servicenow: ServiceNow) -> None:
    servicenow.control.change_scenario(parent_resolves_children=False)
    parent = servicenow.control.create_ticket("Outage")
    child = servicenow.control.create_ticket("Mail", fields={"parent_incident": parent.id})

    servicenow.control.move(parent.key, "Resolved")

    assert servicenow.control.ticket(child.key).status == "New"


def test_the_system_closes_what_has_been_resolved_long_enough(
    servicenow: ServiceNow, receiver: WebhookReceiver
) -> None:
    servicenow.control.change_scenario(auto_close_days=7)
    ticket = servicenow.control.create_ticket("Phishing mail")
    servicenow.control.create_ticket("Still open")
    servicenow.control.move(ticket.key, "Resolved")
    servicenow.control.send_webhooks_to(receiver.url)

    servicenow.control.advance_clock(6 * 86_400)
    assert servicenow.control.ticket(ticket.key).status == "Resolved"
    servicenow.control.advance_clock(2 * 86_400)
    servicenow.control.wait_until_idle()

    assert servicenow.control.ticket(ticket.key).status == "Closed"
    (told,) = receiver.bodies
    assert (told["state"], told["sys_updated_by"]) == ("7", "system")


def test_an_account_has_so_many_calls_an_hour(
    servicenow: ServiceNow, incidents: httpx.Client
) -> None:
    servicenow.control.change_scenario(requests_per_hour=2)
    answers = [incidents.get("/incident", params={"sysparm_limit": "1"}) for _ in range(3)]

    assert [each.status_code for each in answers] == [200, 200, 429]
    allowed, refused = answers[0].headers, answers[2].headers
    assert allowed["x-ratelimit-limit"] == refused["x-ratelimit-limit"] == "2"
    assert 3590 <= int(refused["retry-after"]) <= 3600
    assert abs(int(refused["x-ratelimit-reset"]) - int(allowed["x-ratelimit-reset"])) <= 1
    assert "retry-after" not in allowed
    servicenow.control.advance_clock(3601)
    assert incidents.get("/incident").status_code == 200


def test_a_page_is_short_where_an_access_rule_hides_a_record(
    servicenow: ServiceNow, incidents: httpx.Client
) -> None:
    tickets = [servicenow.control.create_ticket(name) for name in ("One", "Two", "Three")]
    servicenow.control.change_scenario(hidden_records=[tickets[0].key])

    page = incidents.get("/incident", params={"sysparm_limit": "2"})

    assert [each["number"] for each in page.json()["result"]] == [tickets[1].key]
    assert page.headers["x-total-count"] == "3"
    assert incidents.get(f"/incident/{tickets[0].id}").status_code == 404
    assert incidents.patch(f"/incident/{tickets[0].id}", json={}).status_code == 404
