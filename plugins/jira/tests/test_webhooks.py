"""Every body that Jira sends, read into one event; anything else is left to others."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import UNSET

from casebridge_core import CommentAction, Delivery, Person, StatusCategory, TicketEvent
from casebridge_jira.webhooks import detect

PAYLOADS = Path(__file__).parent / "payloads"
AT = datetime(2026, 3, 1, 10, 2, 3, 456000, tzinfo=UTC)
ADA = Person(id="5b-ada", name="Ada Analyst")
BEN = Person(id="5b-ben", name="Ben Responder", email="ben@example.com")


def payload(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((PAYLOADS / f"{name}.json").read_text("utf-8"))
    return loaded


def read(name: str, **headers: str) -> TicketEvent:
    event = detect(Delivery(headers=headers, payload=payload(name)))
    assert event is not None
    return event


@pytest.mark.parametrize(
    "name", sorted(p.stem for p in PAYLOADS.glob("*.json") if p.stem != "worklog_created")
)
def test_every_shape_names_the_issue_by_its_stable_id(name: str) -> None:
    event = read(name)
    assert (event.vendor, event.external_id) == ("jira", "10231")
    data_center = name.startswith(("data_center", "workflow"))
    assert event.site == ("jira.example.com:8443" if data_center else "acme.example.com")
    assert event.occurred_at is not None
    assert event.occurred_at.tzinfo is UTC


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("cloud_status_changed", "Done"),
        ("data_center_status_changed", "Done"),
        ("cloud_created", "To Do"),
        ("workflow_post_function", "Done"),
        ("automation_issue", "Done"),
        ("automation_jira_format", "Done"),
        ("automation_custom", "Done"),
        ("cloud_status_overtaken", "Done"),
        ("cloud_status_unmapped", "In Prüfung"),
        ("cloud_edited", None),
        ("cloud_empty_changelog", None),
        ("cloud_assigned", None),
        ("cloud_moved", None),
        ("cloud_deleted", None),
        ("cloud_comment_created", None),
        ("cloud_comment_edited", None),
        ("cloud_comment_deleted", None),
        ("data_center_comment_created", None),
        ("data_center_issue_commented", None),
    ],
)
def test_a_status_is_news_only_when_the_event_may_have_changed_it(
    name: str, status: str | None
) -> None:
    found = read(name).status
    assert (found.name if found else None) == status


def test_a_resolution_that_is_set_or_left_behind_is_no_status() -> None:
    """An open issue may keep the resolution it was closed with: it is open all the same."""
    body = payload("cloud_edited")
    body["issue"]["fields"]["resolution"] = {"id": "10000", "name": "Won't Do"}
    body["changelog"] = {
        "items": [{"field": "resolution", "fieldId": "resolution", "toString": "Won't Do"}]
    }

    event = detect(Delivery(headers={}, payload=body))

    assert event is not None
    assert event.status is None


def test_the_status_carries_id_and_category_by_key() -> None:
    status = read("cloud_status_unmapped").status
    assert status is not None
    assert (status.id, status.category) == ("10017", StatusCategory.IN_PROGRESS)


def test_what_the_changelog_says_goes_before_what_the_issue_holds() -> None:
    status = read("cloud_status_overtaken").status
    assert status is not None
    assert (status.name, status.id, status.category) == ("Done", "10002", None)


def test_actor_time_and_delivery_id_are_told() -> None:
    event = read("cloud_status_changed", **{"x-atlassian-webhook-identifier": "d-1"})
    assert event.actor == ADA
    assert event.occurred_at == AT
    assert event.delivery_id == "d-1"
    assert event.key == "SEC-12"


@pytest.mark.parametrize(
    ("name", "assignee"),
    [
        ("cloud_assigned", BEN),
        ("cloud_unassigned", None),
        ("cloud_created", None),
        ("cloud_status_changed", UNSET),
        ("cloud_edited", UNSET),
        ("cloud_deleted", UNSET),
        ("cloud_comment_created", UNSET),
        ("data_center_issue_commented", UNSET),
        ("automation_issue", BEN),
        ("automation_jira_format", BEN),
        ("automation_custom", None),
    ],
)
def test_the_assignee_is_news_only_when_told(name: str, assignee: object) -> None:
    assert read(name).assignee == assignee


def test_on_data_center_people_are_user_names() -> None:
    event = read("data_center_status_changed")
    assert event.actor == Person(id="ada", name="Ada Analyst", email="ada@example.com")
    assert event.assignee == event.actor


def test_a_changelog_may_name_a_person_by_another_id() -> None:
    body = payload("data_center_status_changed")
    body["changelog"]["items"][1]["to"] = "JIRAUSER10100"
    event = detect(Delivery(headers={}, payload=body))
    assert event is not None
    assert event.assignee == event.actor


def test_a_move_to_another_project_keeps_the_id_and_changes_the_key() -> None:
    event = read("cloud_moved")
    assert (event.external_id, event.key) == ("10231", "OPS-3")


def test_a_deletion_says_nothing_else() -> None:
    event = read("cloud_deleted")
    assert event.deleted
    assert (event.status, event.assignee, event.comments) == (None, UNSET, ())


@pytest.mark.parametrize(
    ("name", "action", "actor"),
    [
        ("cloud_comment_created", CommentAction.CREATED, ADA),
        ("cloud_comment_edited", CommentAction.EDITED, BEN),
        ("cloud_comment_deleted", CommentAction.DELETED, None),
        (
            "data_center_comment_created",
            CommentAction.CREATED,
            Person(id="ada", name="Ada Analyst", email="ada@example.com"),
        ),
        (
            "data_center_issue_commented",
            CommentAction.CREATED,
            Person(id="ada", name="Ada Analyst", email="ada@example.com"),
        ),
    ],
)
def test_a_comment_keeps_its_id_author_and_fate(
    name: str, action: CommentAction, actor: Person | None
) -> None:
    event = read(name)
    (comment,) = event.comments
    assert (comment.external_id, comment.action, event.actor) == ("10555", action, actor)
    assert comment.author is not None
    assert comment.author.name == "Ada Analyst"
    assert comment.key is None
    assert "clean" in comment.text


def test_an_internal_comment_is_told_from_a_public_one() -> None:
    assert read("cloud_comment_created").comments[0].internal is True
    assert read("cloud_comment_edited").comments[0].internal is None


def test_our_own_comment_is_recognised_by_its_key() -> None:
    assert read("cloud_comment_ours").comments[0].key == "CASE-7.action-1"


@pytest.mark.parametrize(
    "strange",
    [
        {},
        {"sys_id": "a" * 32, "state": "6", "number": "INC0010001"},
        {"table": "incident", "issue": {"sys_id": "x", "state": "2"}},
        {"record_id": "9d385017c611228701d22104cc95c371", "fields": {"state": "6"}},
        {"id": "5", "key": "value", "fields": {"state": "6"}},
        {"jira": {"issue_id": ""}},
        {"jira": "SEC-1"},
        {"webhookEvent": "jira:version_released", "version": {"id": "1"}},
        {"webhookEvent": "jira:issue_updated", "issue": None},
        {"webhookEvent": "comment_created", "comment": {"id": "1", "self": "nowhere"}},
        {"issue": {"id": True, "key": "SEC-1", "fields": {}}},
        {"eventType": "issue", "issue": {"id": "1", "fields": {}}},
    ],
)
def test_what_is_not_jiras_is_left_to_others(strange: dict[str, Any]) -> None:
    assert detect(Delivery(headers={}, payload=strange)) is None


def test_events_about_other_things_name_no_ticket() -> None:
    assert detect(Delivery(headers={}, payload=payload("worklog_created"))) is None


@pytest.mark.parametrize("stamp", [10**30, -(10**30), 1e308, float("nan"), "soon", "9" * 400, True])
def test_an_impossible_time_is_no_time(stamp: object) -> None:
    body = payload("cloud_comment_created") | {"timestamp": stamp}
    body["comment"] |= {"created": stamp, "updated": stamp}
    event = detect(Delivery(headers={}, payload=body))
    assert event is not None
    assert event.occurred_at is None


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=8) | st.sampled_from(["id", "key", "name"]), inner)
    ),
    max_leaves=12,
)


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_any_part_of_a_body_may_be_anything(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(p.stem for p in PAYLOADS.glob("*.json"))))
    body = payload(name)
    for _ in range(data.draw(st.integers(1, 3))):
        holder: Any = body
        while True:
            keys = list(holder) if isinstance(holder, dict) else list(range(len(holder)))
            if not keys:
                break
            key = data.draw(st.sampled_from(keys))
            if isinstance(holder[key], dict | list) and data.draw(st.booleans()):
                holder = holder[key]
                continue
            holder[key] = data.draw(json_values)
            break
    event = detect(Delivery(headers={}, payload=body))
    assert event is None or event.vendor == "jira"
