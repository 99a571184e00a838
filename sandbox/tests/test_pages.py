from __future__ import annotations

import httpx
import pytest

from casebridge_sandbox import (
    JiraSandbox,
    RunningSandbox,
    ServiceNowSandbox,
    TicketView,
    WebhookReceiver,
)

Jira = RunningSandbox[JiraSandbox]
ServiceNow = RunningSandbox[ServiceNowSandbox]


@pytest.fixture
def ticket(jira: Jira) -> TicketView:
    return jira.control.create_ticket(
        "Mail <script>alert(1)</script>", description="h2. What\n\nSee https://soc.example/1"
    )


def test_the_list_shows_the_tickets(jira: Jira, ticket: TicketView, web: httpx.Client) -> None:
    page = web.get(f"{jira.url}/")

    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert 'href="' + ticket.url + '"' in page.text
    assert "sandbox stand-in" in page.text
    assert "<script>alert(1)" not in page.text


def test_an_empty_list_says_so(jira: Jira, web: httpx.Client) -> None:
    assert "No tickets yet" in web.get(f"{jira.url}/").text


def test_a_ticket_shows_everything_about_it(
    jira: Jira,
    jira_api: httpx.Client,
    ticket: TicketView,
    web: httpx.Client,
    receiver: WebhookReceiver,
) -> None:
    jira_api.post(
        f"/issue/{ticket.key}/remotelink",
        json={"globalId": "1", "object": {"url": "https://soc.example/2", "title": "Case 2"}},
    )
    jira_api.post(
        f"/issue/{ticket.key}/remotelink",
        json={"globalId": "2", "object": {"url": "javascript:alert(2)", "title": "Bad"}},
    )
    jira.control.send_webhooks_to(receiver.url, secret="hush-hush")
    jira.control.edit(ticket.key, {"labels": ["case-1", "soc"]})
    jira.control.comment(ticket.key, "On it", by="Ben Responder")
    jira.control.move(ticket.key, "In Progress", by="Ben Responder")
    jira.control.wait_until_idle()

    text = web.get(ticket.url).text

    for part in (
        "<h3>What</h3>",
        '<a href="https://soc.example/1">',
        '<a href="https://soc.example/2">Case 2</a>',
        "On it",
        "Ben Responder",
        "case-1, soc",
        "To Do → In Progress",
        "jira:issue_updated",
        "accepted",
    ):
        assert part in text
    assert 'href="javascript:' not in text
    assert "hush-hush" not in text
    assert "<script>alert" not in text


def test_a_ticket_that_is_not_there_is_a_404(jira: Jira, web: httpx.Client) -> None:
    page = web.get(f"{jira.url}/browse/SEC-9")

    assert page.status_code == 404
    assert "There is no ticket SEC-9" in page.text


def test_a_person_works_on_a_ticket_with_plain_forms(
    jira: Jira, ticket: TicketView, web: httpx.Client
) -> None:
    form = f"{jira.url}/_sandbox/pages/{ticket.id}"

    moved = web.post(f"{form}/move", data={"status": "10001", "by": "ben-account"})
    assert moved.status_code == 303
    assert moved.headers["location"] == "/browse/SEC-1"
    web.post(f"{form}/assign", data={"to": "ada-account", "by": "ben-account"})
    web.post(f"{form}/comment", data={"text": "Hm", "internal": "on", "by": "ada-account"})

    seen = jira.control.ticket(ticket.key)
    assert (seen.status, seen.assignee) == ("In Progress", "Ada Analyst")
    assert seen.history[0].actor == "Ben Responder"
    assert (seen.comments[0].text, seen.comments[0].internal) == ("Hm", True)
    web.post(f"{form}/assign", data={"to": "", "by": "ben-account"})
    assert jira.control.ticket(ticket.key).assignee is None


def test_a_person_creates_a_ticket(jira: Jira, web: httpx.Client) -> None:
    made = web.post(f"{jira.url}/_sandbox/pages", data={"summary": "New", "by": "ada-account"})

    assert made.headers["location"] == "/browse/SEC-1"
    assert jira.control.ticket("SEC-1").reporter == "Ada Analyst"


def test_what_cannot_be_done_is_said_on_the_page(
    jira: Jira, ticket: TicketView, web: httpx.Client
) -> None:
    jira.control.use_preset("strict")
    form = f"{jira.url}/_sandbox/pages/{ticket.id}"
    ada = {"by": "ada-account"}

    def post(path: str, **data: str) -> tuple[int, str]:
        answer = web.post(path, data=data)
        return answer.status_code, answer.text

    status, text = post(f"{form}/move", status="10002", **ada)
    assert status == 409
    assert "it can go to: In Progress" in text
    assert post(f"{form}/comment", text=" ", **ada)[0] == 400
    assert post(f"{form}/comment", text="x", by="nobody")[0] == 400
    assert post(f"{jira.url}/_sandbox/pages", summary="", **ada)[0] == 400
    assert post(f"{jira.url}/_sandbox/pages/none/move", **ada)[0] == 404


def test_servicenow_has_its_two_addresses(servicenow: ServiceNow, web: httpx.Client) -> None:
    ticket = servicenow.control.create_ticket("Travel", description="Two sign-ins")

    classic = web.get(ticket.url)
    target = f"incident.do%3Fsys_id%3D{ticket.id}"
    modern = web.get(f"{servicenow.url}/now/nav/ui/classic/params/target/{target}")
    missing = web.get(f"{servicenow.url}/nav_to.do")

    assert ticket.url == f"{servicenow.url}/nav_to.do?uri=incident.do?sys_id={ticket.id}"
    assert "Two sign-ins" in classic.text
    assert "<dt>caller_id</dt><dd>Ada Analyst</dd>" in classic.text
    assert modern.text == classic.text
    assert missing.status_code == 404
    moved = web.post(
        f"{servicenow.url}/_sandbox/pages/{ticket.id}/move",
        data={"status": "2", "by": servicenow.sandbox.scenario.people[0].id},
    )
    assert moved.headers["location"] == ticket.url.removeprefix(servicenow.url)


def test_a_page_knows_when_it_is_out_of_date(
    jira: Jira, ticket: TicketView, web: httpx.Client
) -> None:
    revision = jira.control.about().revision
    assert f"const seen = {revision};" in web.get(ticket.url).text

    jira.control.comment(ticket.key, "x")

    assert jira.control.about().revision > revision


def test_head_has_no_body(jira: Jira, web: httpx.Client) -> None:
    answer = web.head(f"{jira.url}/")

    assert (answer.status_code, answer.content) == (200, b"")
