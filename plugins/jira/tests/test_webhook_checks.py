"""What Jira lists of its webhooks, judged."""

from __future__ import annotations

from typing import Any

import pytest

from casebridge_jira.webhook_checks import webhook_line

URL = "https://soc.example.com/v1/inbox/itsm/tok_1"
CLOUD: dict[str, Any] = {
    "url": URL,
    "enabled": True,
    "isSigned": True,
    "excludeBody": False,
    "events": ["jira:issue_created", "jira:issue_updated"],
}
SERVER: dict[str, Any] = {
    "url": URL,
    "active": True,
    "events": ["jira:issue_updated"],
    "configuration": {"EXCLUDE_BODY": "false", "FILTERS": "project = SEC"},
}


@pytest.mark.parametrize("hook", [CLOUD, SERVER, {"url": URL}, {**CLOUD, "events": []}])
@pytest.mark.parametrize("paged", [False, True])
def test_a_sound_webhook_is_well_in_either_notation(hook: dict[str, Any], *, paged: bool) -> None:
    assert webhook_line({"values": [hook]} if paged else [hook]).ok is True


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"enabled": False}, "Enable"),
        ({"active": False}, "Enable"),
        ({"excludeBody": True}, "body"),
        ({"configuration": {"EXCLUDE_BODY": "true"}, "excludeBody": None}, "body"),
        ({"events": ["jira:issue_deleted"]}, "updated"),
        ({"isSigned": False}, "secret"),
    ],
)
def test_what_keeps_it_from_being_of_use_has_its_cure(change: dict[str, Any], told: str) -> None:
    hook = {name: value for name, value in {**CLOUD, **change}.items() if value is not None}
    line = webhook_line([hook])
    assert line.ok is False
    assert told in line.cure


def test_one_sound_webhook_is_enough() -> None:
    assert webhook_line([{**CLOUD, "enabled": False}, CLOUD]).ok is True


@pytest.mark.parametrize("answer", [None, [], {}, "x", [{"url": "https://chat.example.com"}, 7]])
def test_without_one_nothing_is_claimed(answer: object) -> None:
    assert webhook_line(answer).ok is None
