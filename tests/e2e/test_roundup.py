"""A case and its ticket in a real Roundup, there and back."""

from __future__ import annotations

import pytest

from tests.roundup import Person, Tracker, annotated, connect, minted
from tests.stage import Service, eventually


@pytest.fixture
def roundup(service: Service, tracker: Tracker) -> Service:
    """A service that is connected with the tracker, both ways."""
    connect(service, tracker)
    return service


def status_of(joe: Person, issue: str) -> str:
    return str(joe.issue(issue)["status"]["name"])


def test_a_case_becomes_one_issue_with_its_comments(roundup: Service, joe: Person) -> None:
    action = {"action": "isolate", "target": "web-01", "outcome": "isolated"}

    case, issue = minted(
        roundup, title="Web shell on web-01", severity="high", agent_summary="Likely a web shell."
    )
    roundup.api.post(f"/v1/cases/{case}/containment-actions", action)
    roundup.api.linked(case)

    (found,) = joe.issues(title="Web shell on web-01")
    assert (found["id"], found["priority"]["name"]) == (issue, "urgent")
    assert status_of(joe, issue) == "unread"
    assert [text.partition("\n")[0] for text in joe.texts(issue)] == [
        "Agent summary",
        "Containment: isolate on web-01",
    ]
    ticket = roundup.api.ticket(case, "roundup")
    assert (ticket["external_id"], ticket["key"]) == (issue, f"issue{issue}")


def test_a_status_goes_there_and_comes_back(roundup: Service, joe: Person) -> None:
    case, issue = minted(roundup)

    roundup.api.move(case, "contained")
    roundup.api.linked(case)
    assert status_of(joe, issue) == "in-progress"
    assert roundup.api.status(case) == "contained"

    joe.move(issue, "resolved")

    eventually(lambda: roundup.api.status(case) == "resolved")
    rows = roundup.api.timeline(case, actor_label="itsm-webhook (roundup)")
    assert "contained → resolved" in [row["text"] for row in rows]


def test_comments_come_in_with_their_edits_and_go_when_they_are_taken_away(
    roundup: Service, joe: Person
) -> None:
    case, issue = minted(roundup)
    message = joe.comment(issue, "Looked into it.\nNothing yet.")
    annotated(roundup, case, "Looked into it.\nNothing yet.")

    for text in ("It was the backup.", "A backup, late."):
        joe.edit(message, text)
        annotated(roundup, case, text)

    joe.take_away(issue, message)
    annotated(roundup, case, "A backup, late.", deleted=True)


def test_a_reply_moves_an_issue_by_itself_and_the_case_with_it(
    roundup: Service, joe: Person
) -> None:
    case, issue = minted(roundup, status="resolved")
    assert status_of(joe, issue) == "resolved"

    joe.comment(issue, "It is back.")

    assert status_of(joe, issue) == "chatting"
    eventually(lambda: roundup.api.status(case) == "triage")
    roundup.api.linked(case)
    assert status_of(joe, issue) == "chatting"


def test_the_assignee_is_taken_over_and_forgotten(roundup: Service, joe: Person) -> None:
    case, issue = minted(roundup)

    joe.assign(issue, "joe")
    eventually(lambda: roundup.api.case(case)["assignee"])
    assert roundup.api.case(case)["assignee"]["name"] == "joe"

    joe.assign(issue, None)
    eventually(lambda: roundup.api.case(case)["assignee"] is None)
    assert roundup.api.status(case) == "open"


def test_a_move_that_the_workflow_refuses_is_told_in_its_words(
    roundup: Service, joe: Person
) -> None:
    case, issue = minted(roundup, status="resolved")

    roundup.api.move(case, "open")

    failure = roundup.api.ticket_in(case, "roundup", "dead")["failure"]
    assert failure["kind"] == "TransitionRejected"
    assert "a resolved issue is chatting again, and never unread" in failure["reason"]
    assert status_of(joe, issue) == "resolved"
    assert roundup.api.status(case) == "open"


def test_a_retired_issue_is_gone_and_the_case_stays(roundup: Service, tracker: Tracker) -> None:
    case, issue = minted(roundup)

    with tracker.acting("admin") as admin:
        admin.retire(issue)

    texts = [row["text"] for row in roundup.api.timeline(case)]
    assert f"issue{issue} was deleted at the vendor; the case keeps its status" in texts
    assert roundup.api.status(case) == "open"


def test_a_change_that_is_rolled_back_is_told_to_nobody(roundup: Service, joe: Person) -> None:
    case, issue = minted(roundup, status="resolved")

    with pytest.raises(AssertionError, match="405"):
        joe.move(issue, "unread")

    assert roundup.api.status(case) == "resolved"


def test_the_connection_check_is_well_and_names_the_account(roundup: Service) -> None:
    (connector,) = roundup.api.get("/v1/connectors")

    report = roundup.api.post(f"/v1/connectors/{connector['id']}/check")

    assert [line["name"] for line in report["lines"] if line["ok"] is False] == []
    (account,) = (line for line in report["lines"] if line["name"] == "account")
    assert account["detail"].startswith("casebridge (user")
    assert {"unread", "in-progress", "resolved"} <= {each["name"] for each in report["statuses"]}
