from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx
import pytest

from casebridge_sandbox import (
    ControlRefused,
    JiraSandbox,
    Person,
    RunningSandbox,
    ServiceNowSandbox,
    WebhookReceiver,
)
from casebridge_sandbox.exchange import JsonObject

Jira = RunningSandbox[JiraSandbox]
ServiceNow = RunningSandbox[ServiceNowSandbox]
MakeIssue = Callable[..., JsonObject]


def test_it_says_what_is_served(jira: Jira, servicenow: ServiceNow) -> None:
    about = jira.control.about()

    assert (about.vendor, about.title, about.base_url) == ("jira", "Jira", jira.url)
    assert {"standard", "strict", "data-center"} <= set(about.presets)
    assert {"create", "transition", "comment", "search", "fetch"} <= set(about.operations)
    assert about.people == ("Casebridge", "Ada Analyst", "Ben Responder")
    assert {"create", "transition", "comment", "token"} <= set(
        servicenow.control.about().operations
    )


def test_a_ticket_is_shown_with_everything_about_it(jira: Jira) -> None:
    jira.control.create_ticket("Phishing mail", description="See h2.", by="Ada Analyst")
    jira.control.move("SEC-1", "In Progress", by="Ben Responder")
    jira.control.comment("SEC-1", "On it", by="ben", internal=True)
    jira.control.assign("SEC-1", "ben.responder@example.com")

    ticket = jira.control.ticket("10001")

    assert ticket == jira.control.tickets()[0]
    assert (ticket.key, ticket.project, ticket.type) == ("SEC-1", "SEC", "Task")
    assert ticket.url == f"{jira.url}/browse/SEC-1"
    assert (ticket.summary, ticket.description) == ("Phishing mail", "See h2.")
    assert (ticket.status, ticket.status_id, ticket.category) == ("In Progress", "10001", "active")
    assert (ticket.assignee, ticket.reporter) == ("Ben Responder", "Ada Analyst")
    assert ticket.updated_by == "Ada Analyst"
    (comment,) = ticket.comments
    assert (comment.author, comment.text, comment.internal) == ("Ben Responder", "On it", True)
    moved, assigned = ticket.history
    assert moved.actor == "Ben Responder"
    assert moved.changes[0].after_text == "In Progress"
    assert assigned.changes[0].field == "assignee"
    assert ticket.created <= ticket.updated


def test_people_obey_the_workflow_unless_forced(jira: Jira) -> None:
    jira.control.use_preset("strict")
    jira.control.create_ticket("Phishing mail")

    with pytest.raises(ControlRefused, match="it can go to: In Progress") as refused:
        jira.control.move("SEC-1", "Done")

    assert refused.value.status == 409
    assert jira.control.move("SEC-1", "Done", force=True).status == "Done"


def test_people_must_fill_in_what_is_required(jira: Jira) -> None:
    jira.control.use_preset("strict")
    jira.control.change_scenario(resolve_on_done=False)
    jira.control.create_ticket("Phishing mail")
    jira.control.move("SEC-1", "In Review", force=True)

    with pytest.raises(ControlRefused, match="without: resolution"):
        jira.control.move("SEC-1", "Done")

    moved = jira.control.move("SEC-1", "Done", fields={"resolution": "Duplicate"})
    assert moved.fields["resolution"] == "Duplicate"


def test_what_is_not_there_is_refused_with_a_reason(jira: Jira, servicenow: ServiceNow) -> None:
    jira.control.create_ticket("Phishing mail")
    reasons: dict[str, Callable[[], object]] = {
        "there is no ticket SEC-9": lambda: jira.control.ticket("SEC-9"),
        "nobody here is called 'Eve'": lambda: jira.control.assign("SEC-1", "Eve"),
        "has no comment 7": lambda: jira.control.delete_comment("SEC-1", "7"),
        "there is no status 'Sideways'": lambda: jira.control.move("SEC-1", "Sideways"),
        "there is no project 'X'": lambda: jira.control.create_ticket("x", project="X"),
        "no project 'Y'": lambda: jira.control.move_project("SEC-1", "Y"),
        "there is no table": lambda: servicenow.control.create_ticket("x", project="problem"),
        "no preset 'odd'": lambda: jira.control.use_preset("odd"),
        "forward": lambda: jira.control.advance_clock(-1),
        "unknown field": lambda: jira.control.change_scenario(nonsense=1),
        "Expected": lambda: jira.control.change_scenario(search_lag_searches="many"),
    }

    for reason, ask in reasons.items():
        with pytest.raises(ControlRefused, match=reason):
            ask()


def test_without_people_somebody_must_be_named(jira: Jira) -> None:
    jira.control.change_scenario(people=[])

    with pytest.raises(ControlRefused, match="say who does it"):
        jira.control.create_ticket("Phishing mail")

    assert jira.control.create_ticket("Phishing mail", by="Casebridge").key == "SEC-1"


def test_a_scenario_is_read_and_changed_in_part(jira: Jira) -> None:
    eve = Person(id="eve-account", name="eve", display_name="Eve Else")

    changed = jira.control.change_scenario(search_lag_searches=3, people=[eve])

    assert changed["search_lag_searches"] == 3
    assert changed["project"] == "SEC"
    assert jira.control.scenario() == changed
    assert "Eve Else" in jira.control.about().people
    assert jira.control.create_ticket("x").reporter == "Eve Else"


def test_a_reset_forgets_everything(
    jira: Jira,
    jira_api: httpx.Client,
    issue: MakeIssue,
    receiver: WebhookReceiver,
) -> None:
    jira.control.change_scenario(search_lag_searches=1, seed=5)
    jira.control.send_webhooks_to(receiver.url)
    jira.control.arm("cut_before", "fetch")
    jira.control.advance_clock(3600)
    jira_api.post("/issue", json=issue())

    jira.control.reset()

    assert jira.control.tickets() == []
    assert jira.control.requests() == []
    assert jira.control.deliveries() == []
    assert jira.control.faults() == []
    assert jira.control.webhooks().endpoints == ()
    assert jira.control.scenario()["search_lag_searches"] == 0
    assert jira_api.post("/issue", json=issue()).json()["key"] == "SEC-1"


def test_every_answer_tells_the_time_of_the_vendor(jira: Jira, jira_api: httpx.Client) -> None:
    jira.control.advance_clock(7200)

    answers = [jira_api.get("/myself"), jira_api.get("/no/such/path")]

    for told in (parsedate_to_datetime(each.headers["date"]) for each in answers):
        assert 7140 < (told - datetime.now(UTC)).total_seconds() < 7260
    assert [len(each.headers.get_list("date")) for each in answers] == [1, 1]


def test_the_log_tells_operations_and_actors(
    jira: Jira, jira_api: httpx.Client, issue: MakeIssue
) -> None:
    jira_api.post("/issue", json=issue())
    jira_api.get("/issue/SEC-1", params={"fields": "summary"})
    jira_api.get("/nonsense")

    created, read, unknown = jira.control.requests()

    assert (created.operation, created.method, created.status) == ("create", "POST", 201)
    assert created.actor == "bridge"
    assert (read.path, read.query) == ("/rest/api/3/issue/SEC-1", "fields=summary")
    assert (unknown.operation, unknown.status) == ("", 404)
    assert jira.control.requests("fetch") == [read]
    assert jira.control.requests(after=read.number) == [unknown]
    assert jira.control.requests("fetch", after=read.number) == []
    assert "jira-sandbox-token" not in str(jira.control.requests())


def test_the_control_api_answers_nobody_elses_page(jira: Jira, web: httpx.Client) -> None:
    address = f"{jira.url}/_sandbox/reset"

    foreign = web.post(address, headers={"origin": "https://evil.example"})
    own = web.post(address, headers={"origin": jira.url})

    assert (foreign.status_code, own.status_code) == (403, 204)


def test_bad_calls_of_the_control_api_are_answered(jira: Jira, web: httpx.Client) -> None:
    def status(method: str, path: str, content: bytes = b"") -> int:
        return web.request(method, f"{jira.url}/_sandbox{path}", content=content).status_code

    assert status("GET", "/nowhere") == 404
    assert status("POST", "/faults", b"{") == 400
    assert status("POST", "/faults", b'{"kind": "odd"}') == 400
    assert status("PATCH", "/scenario", b"[]") == 400
    assert status("GET", "/idle?timeout=soon") == 400
    assert status("POST", "/webhooks/release", b'{"order": "odd"}') == 400
    assert status("GET", "/webhook-faults") == 200
