"""Timestamps and static secrets: what each scheme takes, and that none takes less."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from casebridge_core.signatures import sign
from tests.letters import INBOX, Mailbox, jira_moved
from tests.stage import MovableClock, Service

BODY = jira_moved("4711", "Done")


def now(clock: MovableClock) -> int:
    return int(clock().timestamp())


def timestamped(mailbox: Mailbox, at: int, body: bytes = BODY) -> dict[str, str]:
    return {"X-AiSOC-Signature": sign(mailbox.secret, body, at), "X-AiSOC-Timestamp": str(at)}


def accepts(mailbox: Mailbox, headers: Mapping[str, str], **where: str) -> bool:
    answer = mailbox.post(BODY, headers, **where)
    assert answer.status_code in {200, 401}
    return answer.status_code == 200


@pytest.mark.parametrize("timestamp_required", [True, False])
def test_a_timestamp_is_good_for_five_minutes_on_either_side(
    service: Service, clock: MovableClock, timestamp_required: Any
) -> None:
    mailbox = Mailbox.mint(service, timestamp_required=timestamp_required)
    taken = [
        accepts(mailbox, timestamped(mailbox, now(clock) + seconds))
        for seconds in (-302, -298, 298, 302)
    ]

    assert taken == [False, True, True, False]


def test_a_recorded_delivery_is_worthless_once_it_is_stale(
    service: Service, clock: MovableClock
) -> None:
    mailbox = Mailbox.mint(service)
    recorded = timestamped(mailbox, now(clock))
    assert accepts(mailbox, recorded)

    clock.advance(minutes=6)

    assert not accepts(mailbox, recorded)


def test_a_timestamp_that_is_changed_taken_away_or_doubled_breaks_the_signature(
    service: Service, clock: MovableClock
) -> None:
    mailbox = Mailbox.mint(service)
    good = timestamped(mailbox, now(clock))
    at = good["X-AiSOC-Timestamp"]
    doubled = [*good.items(), ("X-AiSOC-Timestamp", at)]

    assert accepts(mailbox, good)
    for other in (str(int(at) + 1), f"{at}.0", f"0{at}", "", "now", "9" * 400):
        assert not accepts(mailbox, good | {"X-AiSOC-Timestamp": other}), other
    assert not accepts(mailbox, {"X-AiSOC-Signature": good["X-AiSOC-Signature"]})
    assert not accepts(mailbox, {"X-Hub-Signature": good["X-AiSOC-Signature"]})
    answer = service.api.http.post(f"{INBOX}/{mailbox.token_id}", content=BODY, headers=doubled)
    assert answer.status_code == 401


def test_a_token_that_demands_a_timestamp_refuses_what_has_none_and_says_so_when_it_is_made(
    service: Service, clock: MovableClock
) -> None:
    minted = service.api.post("/v1/inbox-tokens", {"name": "strict", "timestamp_required": True})
    mailbox = Mailbox(service, minted["id"], minted["secret"])
    at = now(clock)

    assert accepts(mailbox, timestamped(mailbox, at))
    assert not accepts(mailbox, {"X-AiSOC-Signature": sign(mailbox.secret, BODY)})
    assert not accepts(mailbox, {"X-Hub-Signature": sign(mailbox.secret, BODY)})
    assert not accepts(
        mailbox, {"X-Hub-Signature": sign(mailbox.secret, BODY, at), "X-AiSOC-Timestamp": str(at)}
    )
    (warning,) = minted["warnings"]
    assert "Jira sends none with x-hub-signature" in warning
    assert service.api.get("/v1/inbox-tokens")[0]["warnings"] == [warning]


def test_a_jira_signature_without_a_timestamp_is_good_beside_a_header_that_it_does_not_cover(
    service: Service,
) -> None:
    mailbox = Mailbox.mint(service)
    headers = {"X-Hub-Signature": sign(mailbox.secret, BODY), "X-AiSOC-Timestamp": "1"}

    assert accepts(mailbox, headers)


def ways(mailbox: Mailbox) -> dict[str, tuple[dict[str, str], dict[str, str]]]:
    """Return every way to prove the mailbox's secret: its headers, and where it is sent."""
    by_url = {"path": f"{INBOX}/{mailbox.token_id}/{mailbox.secret}"}
    signature = sign(mailbox.secret, BODY)
    return {
        "signature": ({"X-AiSOC-Signature": signature}, {}),
        "jira's signature": ({"X-Hub-Signature": signature}, {}),
        "static_header": ({"X-AiSOC-Secret": mailbox.secret}, {}),
        "static_url": ({}, by_url),
    }


@pytest.mark.parametrize(
    ("scheme", "taken"),
    [
        ("signature", {"signature", "jira's signature"}),
        ("static_header", {"static_header"}),
        ("static_url", {"static_url"}),
    ],
)
def test_a_token_takes_its_own_scheme_and_no_other(
    service: Service, scheme: str, taken: set[str]
) -> None:
    mailbox = Mailbox.mint(service, scheme=scheme)

    accepted = {
        way for way, (headers, where) in ways(mailbox).items() if accepts(mailbox, headers, **where)
    }

    assert accepted == taken


@pytest.mark.parametrize("scheme", ["static_header", "static_url"])
def test_a_static_secret_is_taken_as_a_whole_or_not_at_all(service: Service, scheme: str) -> None:
    mailbox = Mailbox.mint(service, scheme=scheme)
    secret = mailbox.secret

    for text in ("", "x", f"{secret}x", f"{secret} {secret}", secret[:-1], secret.upper()):
        if scheme == "static_header":
            assert not accepts(mailbox, {"X-AiSOC-Secret": text}), text
        else:
            assert not accepts(mailbox, {}, path=f"{INBOX}/{mailbox.token_id}/{text}"), text


def test_a_static_secret_can_be_rotated_like_any_other(
    service: Service, clock: MovableClock
) -> None:
    old = Mailbox.mint(service, scheme="static_header")
    rotated = service.api.post(f"/v1/inbox-tokens/{old.token_id}/rotate", {"overlap_hours": 1})
    secrets = (old.secret, rotated["secret"])

    assert [accepts(old, {"X-AiSOC-Secret": secret}) for secret in secrets] == [True, True]
    clock.advance(hours=1)
    assert [accepts(old, {"X-AiSOC-Secret": secret}) for secret in secrets] == [False, True]


def test_a_weaker_scheme_is_called_that_wherever_it_is_shown(service: Service) -> None:
    for scheme, word in (("static_header", "weaker"), ("static_url", "weakest")):
        minted = service.api.post("/v1/inbox-tokens", {"name": scheme, "scheme": scheme})
        assert minted["scheme"] == scheme
        assert word in minted["warnings"][0]
    assert [each["scheme"] for each in service.api.get("/v1/inbox-tokens")] == [
        "static_header",
        "static_url",
    ]


def test_the_event_says_how_it_was_proven(service: Service) -> None:
    mailbox = Mailbox.mint(service, scheme="static_header")
    signed = Mailbox.mint(service)

    mailbox.post(BODY, {"X-AiSOC-Secret": mailbox.secret})
    signed.post(BODY)

    rows = service.rows(
        "SELECT scheme FROM inbound_events WHERE token_id IN"
        " (SELECT id FROM inbox_tokens WHERE public_id IN (?, ?)) ORDER BY id",
        mailbox.token_id,
        signed.token_id,
    )
    assert rows == [("static_header",), ("x-hub-signature",)]


def test_a_token_that_has_expired_takes_nothing_more(service: Service, clock: MovableClock) -> None:
    end = datetime.fromtimestamp(now(clock) + 3600, UTC).isoformat()
    mailbox = Mailbox.mint(service, expires_at=end)
    good: Any = {"X-AiSOC-Signature": sign(mailbox.secret, BODY)}
    assert accepts(mailbox, good)

    clock.advance(hours=1)

    assert not accepts(mailbox, good)
    assert service.api.get("/v1/inbox-tokens")[0]["state"] == "expired"
