"""What Jira's REST API answers may be anything; reading it never fails."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from casebridge_jira.comments import read_comment
from casebridge_jira.refusals import fields_of, reason_of
from casebridge_jira.screens import read_create_fields, read_issue_type
from casebridge_jira.tickets import read_issue_id, read_moment, read_site, read_ticket
from casebridge_jira.transitions import read_transitions

NAMES = [
    "id",
    "key",
    "name",
    "fields",
    "status",
    "statusCategory",
    "labels",
    "assignee",
    "accountId",
    "updated",
    "properties",
    "casebridge",
    "transitions",
    "to",
    "allowedValues",
    "required",
    "errors",
    "errorMessages",
    "message",
    "issueTypes",
    "values",
    "fieldId",
    "body",
    "content",
    "type",
    "text",
    "comments",
    "created",
    "author",
]
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=5)
    ),
    max_leaves=25,
)


@given(answer=anything)
def test_reading_is_total(answer: object) -> None:
    read_ticket(answer, "https://acme.example.com")
    read_ticket(answer, "https://acme.example.com", "k.1")
    read_transitions(answer)
    read_issue_type(answer, "Task")
    read_create_fields(answer)
    read_comment(answer)
    assert len(reason_of(answer)) <= 500
    fields_of(answer)


@pytest.mark.parametrize(
    ("link", "site"),
    [
        ("https://acme.example.com/rest/api/2/issue/1", "acme.example.com"),
        ("https://ACME.example.com:443/rest/api/2/issue/1", "acme.example.com"),
        ("http://127.0.0.1:8080/jira/rest/api/2/issue/1", "127.0.0.1:8080"),
        ("https://api.atlassian.com/ex/jira/abc/rest/api/3/issue/1", None),
        ("//", None),
        ("nowhere", None),
        (None, None),
    ],
)
def test_the_site_is_the_host_of_a_link(link: object, site: str | None) -> None:
    assert read_site(link) == site


@pytest.mark.parametrize(
    ("link", "issue"),
    [
        ("https://a.example.com/rest/api/2/issue/10231/comment/10555", "10231"),
        ("https://a.example.com/jira/rest/api/latest/issue/10231", "10231"),
        ("https://a.example.com/rest/api/2/issue/SEC-1", None),
        ("https://a.example.com/rest/api/2/comment/1", None),
        (7, None),
    ],
)
def test_the_issue_is_in_the_link_of_its_parts(link: object, issue: str | None) -> None:
    assert read_issue_id(link) == issue


@pytest.mark.parametrize(
    "value",
    ["2026-03-01T11:02:03.456+0100", "2026-03-01T10:02:03.456Z", 1772359323456, "1772359323456"],
)
def test_times_are_read_in_every_notation(value: object) -> None:
    assert read_moment(value) == datetime(2026, 3, 1, 10, 2, 3, 456000, tzinfo=UTC)
