"""Two tenants, and two sites of one vendor, whose tickets have the same keys and ids."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from casebridge_sandbox import JiraSandbox, RunningSandbox, running
from tests.letters import Mailbox, jira_moved
from tests.stage import Service, eventually

Vendor = RunningSandbox[Any]


@pytest.fixture(scope="module")
def _second_jira() -> Iterator[Vendor]:
    with running(JiraSandbox()) as vendor:
        yield vendor


@pytest.fixture
def second_jira(_second_jira: Vendor) -> Vendor:
    """Another Jira, with the same project and the same ids."""
    _second_jira.control.reset()
    return _second_jira


def by_site(service: Service, case: str, site: Vendor) -> Any:
    (found,) = (t for t in service.api.case(case)["tickets"] if t["url"].startswith(site.url))
    return found


def test_two_sites_with_the_same_keys_are_told_apart(
    service: Service, jira: Vendor, second_jira: Vendor
) -> None:
    first = service.add_jira(jira)
    service.add_jira(second_jira, project="SEC")
    case = service.api.create_case()
    eventually(lambda: jira.control.tickets() and second_jira.control.tickets())
    eventually(lambda: all(t["state"] == "linked" for t in service.api.case(case)["tickets"]))
    mine, other = by_site(service, case, jira), by_site(service, case, second_jira)
    assert (mine["key"], mine["external_id"]) == (other["key"], other["external_id"])
    assert mine["connector_id"] == first

    second_jira.control.move("SEC-1", "Done", by="Ada Analyst")

    eventually(lambda: jira.control.ticket("SEC-1").status == "Done")
    assert second_jira.control.requests("transition") == []
    assert by_site(service, case, second_jira)["last_inbound_status"] == "resolved"
    assert by_site(service, case, jira)["last_inbound_status"] is None


def test_a_webhook_that_names_no_site_is_not_guessed_at(
    service: Service, jira: Vendor, second_jira: Vendor
) -> None:
    service.add_jira(jira)
    service.add_jira(second_jira)
    case = service.api.create_case()
    eventually(lambda: all(t["state"] == "linked" for t in service.api.case(case)["tickets"]))
    issue = jira.control.ticket("SEC-1").id

    answer = Mailbox.mint(service).deliver(jira_moved(issue, "Done"))

    assert (answer["applied"], answer["reason"]) == (False, "unlinked_ticket")
    assert service.api.status(case) == "open"


def test_a_token_of_one_connector_speaks_for_that_site_only(
    service: Service, jira: Vendor, second_jira: Vendor
) -> None:
    first = service.add_jira(jira)
    service.add_jira(second_jira)
    case = service.api.create_case()
    eventually(lambda: all(t["state"] == "linked" for t in service.api.case(case)["tickets"]))
    issue = jira.control.ticket("SEC-1").id

    answer = Mailbox.mint(service, connector_id=first).deliver(jira_moved(issue, "Done"))

    assert answer["applied"] is True
    eventually(lambda: second_jira.control.ticket("SEC-1").status == "Done")
    assert jira.control.requests("transition") == []


def test_the_ticket_of_one_tenant_is_unknown_to_the_inbox_of_another(
    shared_service: Service, service: Service, jira: Vendor
) -> None:
    service.add_jira(jira)
    case = service.api.create_case()
    service.api.linked(case)
    issue = jira.control.ticket("SEC-1").id
    with shared_service.fresh_tenant() as stranger:
        stranger.add_jira(jira)

        answer = Mailbox.mint(stranger).deliver(jira_moved(issue, "Done"))

    assert (answer["applied"], answer["reason"]) == (False, "unlinked_ticket")
    assert service.api.status(case) == "open"


def test_two_tenants_on_one_site_each_hear_of_their_own_ticket_only(
    shared_service: Service, service: Service, jira: Vendor
) -> None:
    service.add_jira(jira)
    case = service.api.create_case()
    service.api.linked(case)
    with shared_service.fresh_tenant() as stranger:
        stranger.add_jira(jira)
        other = stranger.api.create_case()
        key = stranger.api.linked(other)["jira"]["key"]
        assert key == "SEC-2"

        jira.control.move("SEC-2", "Done")
        eventually(lambda: stranger.api.status(other) == "resolved")

        assert service.api.status(case) == "open"
        assert service.api.http.get(f"/v1/cases/{other}").status_code == 404
        assert stranger.api.http.get(f"/v1/cases/{case}").status_code == 404
