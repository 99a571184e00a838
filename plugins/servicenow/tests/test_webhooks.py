"""What each body shape says, and which are not ours."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET

from casebridge_core import (
    CommentAction,
    Delivery,
    NativeStatus,
    Person,
    ProjectedComment,
    VendorHooks,
)
from casebridge_core.comments import marked
from casebridge_core.tickets import StatusCategory
from casebridge_servicenow.webhooks import detect

SYS_ID = "9d385017c611228701d22104cc95c371"
PAYLOADS = Path(__file__).parent / "payloads"
KEYS = st.sampled_from(
    [
        "sys_id",
        "record_id",
        "id",
        "number",
        "state",
        "state_label",
        "table",
        "event",
        "changed",
        "comment",
        "comments",
        "assigned_to",
        "instance",
        "sys_updated_on",
        "value",
        "display_value",
    ]
)
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just(SYS_ID),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=6,
)


def payload(name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((PAYLOADS / f"{name}.json").read_text())
    return content


def test_our_rule_tells_a_status_change() -> None:
    event = detect(payload("business_rule_updated"))

    assert event is not None
    assert event.vendor == "servicenow"
    assert event.external_id == SYS_ID
    assert event.key == "INC0010001"
    assert event.site == "example.service-now.com"
    assert event.status == NativeStatus(id="6", name="Resolved", category=StatusCategory.DONE)
    assert event.actor == Person(id="ann.analyst")
    assert event.occurred_at == datetime(2026, 3, 1, 12, 30, 45, tzinfo=UTC)
    assert event.comments == ()
    assert not event.deleted


def test_what_our_rule_does_not_list_as_changed_is_not_news() -> None:
    body = payload("business_rule_updated")

    event = detect(body | {"changed": ["assigned_to"]})

    assert event is not None
    assert event.status is None
    assert event.assignee == Person(
        id="46d44a23a9fe19810012d100cca80666", name="Ann Analyst", email="ann@example.com"
    )


@pytest.mark.parametrize("event_name", ["updated", "inserted", "update", None])
def test_without_a_list_of_changes_state_and_assignee_may_have_changed(
    event_name: str | None,
) -> None:
    body = payload("business_rule_updated") | {"event": event_name, "assigned_to": None}
    del body["changed"]

    event = detect(body)

    assert event is not None
    assert event.status is not None
    assert event.assignee is None


def test_a_work_note_says_nothing_about_the_status() -> None:
    event = detect(payload("business_rule_comment"))

    assert event is not None
    assert event.status is None
    assert event.assignee is UNSET
    (comment,) = event.comments
    assert comment.external_id == "a1b2c3d4e5f60718293a4b5c6d7e8f90"
    assert comment.action is CommentAction.CREATED
    assert comment.text == "Password reset, user informed."
    assert comment.author == Person(id="ann.analyst")
    assert comment.at == datetime(2026, 3, 1, 12, 31, tzinfo=UTC)
    assert comment.internal is True
    assert comment.key is None


def test_a_comment_to_the_caller_is_not_internal() -> None:
    body = payload("business_rule_comment")

    event = detect(body | {"comment": body["comment"] | {"element": "comments"}})

    assert event is not None
    assert event.comments[0].internal is False


def test_our_own_comment_is_known_by_its_key(comment: ProjectedComment) -> None:
    body = payload("business_rule_comment")
    text = marked(comment)

    event = detect(body | {"comment": body["comment"] | {"value": text}})

    assert event is not None
    assert event.comments[0].key == "case-7.act-1"


def test_a_comment_that_quotes_ours_is_a_persons(comment: ProjectedComment) -> None:
    body = payload("business_rule_comment")
    text = marked(comment) + "\nThanks, confirmed."

    event = detect(body | {"comment": body["comment"] | {"value": text}})

    assert event is not None
    assert event.comments[0].key is None


def test_a_deletion_says_nothing_else() -> None:
    event = detect(payload("business_rule_deleted"))

    assert event is not None
    assert event.deleted
    assert event.status is None
    assert event.assignee is UNSET
    assert event.actor == Person(id="admin")


def test_a_label_is_the_same_state_as_its_code() -> None:
    event = detect(payload("handwritten_label"))

    assert event is not None
    assert event.external_id == SYS_ID
    assert event.status == NativeStatus(id="6", name="Resolved", category=StatusCategory.DONE)
    assert event.assignee == Person(id="Ann Analyst")
    assert event.occurred_at is None


def test_objects_of_value_and_label_are_read() -> None:
    event = detect(payload("handwritten_objects"))

    assert event is not None
    assert event.external_id == SYS_ID
    assert event.status is not None
    assert (event.status.id, event.status.name) == ("3", "On Hold")
    assert event.assignee is None
    assert event.occurred_at == datetime(2026, 3, 1, 12, 30, 45, tzinfo=UTC)


def test_the_id_of_a_subscription_is_not_the_tickets() -> None:
    event = detect(payload("subscription_record"))

    assert event is not None
    assert event.external_id == SYS_ID


@pytest.mark.parametrize(
    "name", ["sys_id", "record_id", "record_sys_id", "incident_sys_id", "incident_id", "id"]
)
@pytest.mark.parametrize(
    "value",
    [
        SYS_ID,
        f" {SYS_ID}\n",
        {"value": SYS_ID, "display_value": "INC0010001"},
        {"link": f"https://example.service-now.com/api/now/table/incident/{SYS_ID}"},
    ],
)
def test_the_id_has_several_names_and_shapes(name: str, value: object) -> None:
    event = detect({name: value, "state": 6})

    assert event is not None
    assert event.external_id == SYS_ID
    assert event.status is not None
    assert event.status.name == "Resolved"


@pytest.mark.parametrize("wrapper", ["record", "incident", "current"])
def test_a_record_may_stand_as_a_whole_beside_what_happened(wrapper: str) -> None:
    record = {"sys_id": {"value": SYS_ID}, "state": {"display_value": "On Hold"}, "number": "INC1"}
    body = {"event": "updated", "id": "a" * 32, "changed": ["state"], wrapper: record}

    event = detect(body)

    assert event is not None
    assert (event.external_id, event.key) == (SYS_ID, "INC1")
    assert event.status is not None
    assert event.status.id == "3"
    assert event.assignee is UNSET


@pytest.mark.parametrize("wrapped", [None, "record", [], {}, {"state": "6"}, {"sys_id": 7}])
def test_what_only_looks_like_a_record_is_left_alone(wrapped: object) -> None:
    event = detect({"sys_id": SYS_ID, "state": "6", "record": wrapped})

    assert event is not None
    assert event.external_id == SYS_ID


def test_a_journal_entry_written_by_hand_loses_its_header() -> None:
    first, again = (detect(payload("handwritten_journal")) for _ in range(2))

    assert first is not None
    assert again is not None
    (comment,) = first.comments
    assert comment.text == "We are on it."
    assert comment.internal is False
    assert comment.external_id == again.comments[0].external_id
    assert first.status is not None


@pytest.mark.parametrize("name", ["jira_issue_updated", "jira_bare_issue"])
def test_a_jira_payload_is_not_claimed(name: str) -> None:
    assert detect(payload(name)) is None


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"sys_id": SYS_ID},
        {"sys_id": "short", "state": "6"},
        {"id": 10001, "state": "6"},
        {"sys_id": None, "state": "6"},
        {"sys_id": SYS_ID, "state": "6", "issue": {"key": "SEC-1"}},
        {"number": "INC0010001", "state": "6"},
    ],
)
def test_a_body_without_a_record_or_a_trace_of_servicenow_is_not_claimed(
    body: dict[str, Any],
) -> None:
    assert detect(body) is None


@pytest.mark.parametrize(
    ("instance", "site"),
    [
        ("https://Example.service-now.com", "example.service-now.com"),
        ("http://127.0.0.1:8081/", "127.0.0.1:8081"),
        ("example.service-now.com", "example.service-now.com"),
        ("https://user@example.service-now.com/x", "example.service-now.com"),
        ("https://[broken", None),
        ("example", None),
        ("", None),
        (7, None),
    ],
)
def test_the_site_is_the_instances_host(instance: object, site: str | None) -> None:
    event = detect({"sys_id": SYS_ID, "state": "6", "instance": instance})

    assert event is not None
    assert event.site == site


@given(st.dictionaries(KEYS | st.text(), ANY_JSON, max_size=6))
def test_any_json_object_is_answered(hooks: VendorHooks, body: dict[str, Any]) -> None:
    event = hooks.detect(Delivery(headers={}, payload=body))

    assert event == hooks.detect(Delivery(headers={}, payload=body))


@given(st.dictionaries(KEYS, ANY_JSON, max_size=6))
def test_any_body_that_is_ours_makes_an_event(hooks: VendorHooks, body: dict[str, Any]) -> None:
    event = hooks.detect(
        Delivery(headers={}, payload=body | {"record_id": SYS_ID, "table": "incident"})
    )

    assert event is not None
    assert event.external_id == SYS_ID
