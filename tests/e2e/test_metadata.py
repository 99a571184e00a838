"""What is taken over beside the status: assignee, human comments, deletion and a move."""

from __future__ import annotations

from typing import Any

from casebridge_sandbox import RunningSandbox
from casebridge_sandbox.webhooks import WebhookFaults
from tests.stage import Service, eventually

Vendor = RunningSandbox[Any]


def settle(service: Service, case: str, *vendors: Vendor) -> None:
    """Wait until every webhook is answered and every ticket is where its case is."""
    for _ in range(2):
        for vendor in vendors:
            vendor.control.wait_until_idle()
        service.api.linked(case)


def annotations_of(service: Service, case: str) -> list[tuple[str, str, bool]]:
    found = service.api.case(case)["annotations"]
    return [(a["author"], a["text"], a["deleted_at"] is not None) for a in found]


def test_the_assignee_is_taken_over_and_cases_are_found_by_it(
    bridged: Service, jira: Vendor
) -> None:
    case, other = bridged.api.create_case(), bridged.api.create_case("Nobody's")
    for each in (case, other):
        bridged.api.linked(each)
    key = bridged.api.ticket(case, "jira")["key"]

    jira.control.assign(key, "Ben Responder")

    eventually(lambda: bridged.api.case(case)["assignee"])
    assert bridged.api.case(case)["assignee"]["id"] == "ben-account"
    for name in ("ben-account", "Ben Responder"):
        page = bridged.api.get("/v1/cases", assignee=name)
        assert [found["id"] for found in page["items"]] == [case]
    assert bridged.api.get("/v1/cases", assignee="Ada Analyst")["items"] == []
    assert bridged.api.status(case) == "open"


def test_an_assignee_who_is_taken_away_is_forgotten(bridged: Service, jira: Vendor) -> None:
    case = bridged.api.create_case()
    bridged.api.linked(case)
    jira.control.assign("SEC-1", "Ben Responder")
    eventually(lambda: bridged.api.case(case)["assignee"])

    jira.control.assign("SEC-1", None)

    eventually(lambda: bridged.api.case(case)["assignee"] is None)


def test_an_unassigned_ticket_takes_nobody_from_the_case(
    bridged: Service, jira: Vendor, servicenow: Vendor
) -> None:
    case = bridged.api.create_case()
    bridged.api.linked(case)
    jira.control.assign("SEC-1", "Ben Responder")
    eventually(lambda: bridged.api.case(case)["assignee"])

    bridged.api.move(case, "triage")

    settle(bridged, case, jira, servicenow)
    assert bridged.api.case(case)["assignee"]["id"] == "ben-account"


def test_two_tickets_have_an_assignee_each_and_the_case_is_found_by_both(
    bridged: Service, jira: Vendor, servicenow: Vendor
) -> None:
    case = bridged.api.create_case()
    number = bridged.api.linked(case)["servicenow"]["key"]
    jira.control.assign("SEC-1", "Ben Responder")
    eventually(lambda: bridged.api.case(case)["assignee"])
    servicenow.control.advance_clock(2)
    servicenow.control.assign(number, "Ada Analyst")
    eventually(lambda: bridged.api.ticket(case, "servicenow")["assignee"])

    assert bridged.api.case(case)["assignee"]["name"] == "Ada Analyst"
    for name in ("Ben Responder", "Ada Analyst"):
        page = bridged.api.get("/v1/cases", assignee=name)
        assert [found["id"] for found in page["items"]] == [case]
    servicenow.control.advance_clock(2)
    servicenow.control.assign(number, None)

    eventually(lambda: bridged.api.case(case)["assignee"]["name"] == "Ben Responder")
    assert bridged.api.get("/v1/cases", assignee="Ada Analyst")["items"] == []


def test_an_assignment_never_reaches_another_ticket(
    bridged: Service, jira: Vendor, servicenow: Vendor
) -> None:
    case = bridged.api.create_case()
    bridged.api.linked(case)

    jira.control.assign("SEC-1", "Ben Responder")

    eventually(lambda: bridged.api.case(case)["assignee"])
    settle(bridged, case, jira, servicenow)
    assert servicenow.control.tickets()[0].assignee is None


def test_a_humans_comment_is_an_annotation_whose_edit_and_deletion_are_followed(
    bridged: Service, jira: Vendor
) -> None:
    case = bridged.api.create_case()
    bridged.api.linked(case)

    comment = jira.control.comment("SEC-1", "The host is back.", by="Ben Responder")
    eventually(
        lambda: annotations_of(bridged, case) == [("Ben Responder", "The host is back.", False)]
    )
    jira.control.edit_comment("SEC-1", comment.id, "The host is clean.", by="Ben Responder")
    eventually(
        lambda: annotations_of(bridged, case) == [("Ben Responder", "The host is clean.", False)]
    )
    jira.control.delete_comment("SEC-1", comment.id)

    eventually(
        lambda: annotations_of(bridged, case) == [("Ben Responder", "The host is clean.", True)]
    )
    assert bridged.api.status(case) == "open"


def test_a_work_note_is_an_annotation_that_stays_internal(
    bridged: Service, servicenow: Vendor
) -> None:
    case = bridged.api.create_case()
    number = bridged.api.linked(case)["servicenow"]["key"]

    servicenow.control.comment(number, "For us only.", by="Ben Responder", internal=True)
    servicenow.control.comment(number, "For the caller.", by="Ben Responder")

    eventually(lambda: len(annotations_of(bridged, case)) == 2)
    found = bridged.api.case(case)["annotations"]
    assert [(a["text"], a["internal"]) for a in found] == [
        ("For us only.", True),
        ("For the caller.", False),
    ]


def test_our_own_comments_are_no_annotations_and_humans_comments_no_comments(
    bridged: Service, jira: Vendor, servicenow: Vendor
) -> None:
    case = bridged.api.create_case(agent_summary="Likely a web shell.")
    settle(bridged, case, jira, servicenow)
    assert annotations_of(bridged, case) == []

    jira.control.comment("SEC-1", "The host is back.", by="Ben Responder")

    eventually(lambda: len(annotations_of(bridged, case)) == 1)
    settle(bridged, case, jira, servicenow)
    assert len(jira.control.ticket("SEC-1").comments) == 2
    assert len(servicenow.control.tickets()[0].comments) == 1


def test_a_comment_whose_webhooks_arrive_backwards_ends_as_it_is_at_the_vendor(
    bridged: Service, jira: Vendor
) -> None:
    case = bridged.api.create_case()
    settle(bridged, case, jira)
    jira.control.webhook_faults(WebhookFaults(hold=True))
    kept = jira.control.comment("SEC-1", "First thought.", by="Ben Responder")
    jira.control.advance_clock(0.1)
    jira.control.edit_comment("SEC-1", kept.id, "Second thought.", by="Ben Responder")
    gone = jira.control.comment("SEC-1", "Never mind.", by="Ben Responder")
    jira.control.advance_clock(0.1)
    jira.control.delete_comment("SEC-1", gone.id)

    jira.control.release("reversed")

    settle(bridged, case, jira)
    alive = [text for _, text, deleted in annotations_of(bridged, case) if not deleted]
    assert alive == ["Second thought."]


def test_a_deleted_ticket_is_shown_as_gone_and_the_case_goes_on(
    bridged: Service, jira: Vendor, servicenow: Vendor
) -> None:
    case = bridged.api.create_case()
    bridged.api.linked(case)

    jira.control.delete("SEC-1")

    gone = bridged.api.ticket_in(case, "jira", "gone")
    assert gone["key"] == "SEC-1"
    bridged.api.move(case, "resolved")
    eventually(lambda: servicenow.control.tickets()[0].status == "Resolved")
    bridged.api.ticket_in(case, "servicenow", "linked")
    assert bridged.api.ticket(case, "jira")["state"] == "gone"
    assert jira.control.tickets() == []
    texts = [row["text"] for row in bridged.api.timeline(case) if row["kind"] == "ticket_deleted"]
    assert len(texts) == 1


def test_a_ticket_that_moves_to_another_project_stays_linked_under_its_new_key(
    bridged: Service, jira: Vendor
) -> None:
    case = bridged.api.create_case()
    bridged.api.linked(case)

    jira.control.move_project("SEC-1", "OPS")

    eventually(lambda: bridged.api.ticket(case, "jira")["key"] == "OPS-1")
    assert bridged.api.ticket(case, "jira")["url"].endswith("/browse/OPS-1")
    jira.control.move("OPS-1", "Done")
    eventually(lambda: bridged.api.status(case) == "resolved")
    bridged.api.move(case, "triage")
    settle(bridged, case, jira)
    assert [(t.key, t.status) for t in jira.control.tickets()] == [("OPS-1", "In Progress")]


def test_what_happened_to_a_ticket_before_it_was_deleted_arrives_too_late(
    bridged: Service, jira: Vendor
) -> None:
    case = bridged.api.create_case()
    settle(bridged, case, jira)
    jira.control.webhook_faults(WebhookFaults(hold=True))
    jira.control.move("SEC-1", "Done")
    jira.control.assign("SEC-1", "Ben Responder")
    jira.control.advance_clock(1)
    jira.control.delete("SEC-1")

    jira.control.release("reversed")

    bridged.api.ticket_in(case, "jira", "gone")
    jira.control.wait_until_idle()
    found = bridged.api.case(case)
    assert (found["status"], found["assignee"]) == ("open", None)
    assert bridged.api.ticket(case, "jira")["gone_at"] is not None


def test_two_moves_in_one_second_that_arrive_backwards_end_as_the_ticket_is(
    bridged: Service, servicenow: Vendor
) -> None:
    case = bridged.api.create_case()
    number = bridged.api.linked(case)["servicenow"]["key"]
    settle(bridged, case, servicenow)
    servicenow.control.webhook_faults(WebhookFaults(hold=True))
    servicenow.control.advance_clock(2)
    servicenow.control.move(number, "Resolved")
    servicenow.control.move(number, "In Progress")

    servicenow.control.release("reversed")

    settle(bridged, case, servicenow)
    eventually(lambda: bridged.api.status(case) == "triage")
    bridged.api.linked(case)
    assert servicenow.control.ticket(number).status == "In Progress"
    assert bridged.api.status(case) == "triage"
