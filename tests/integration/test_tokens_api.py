"""/v1/inbox-tokens: minted once, rotated with an overlap, revoked for ever."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.integration.desk import Desk

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HELLO = {"hello": "there"}


class Watch:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture(scope="module")
def clock() -> Watch:
    """Let the service go by the clock that the tests move."""
    return Watch()


@pytest.fixture(autouse=True)
def watch(clock: Watch) -> Watch:
    """Begin each test at noon."""
    clock.now = NOON
    return clock


def accepted(desk: Desk, token: Any, secret: str) -> bool:
    answer = desk.nobody.deliver(token, HELLO, secret)
    assert answer.status_code in {200, 401}
    return answer.status_code == 200


def rotate(desk: Desk, token: Any, **body: Any) -> Any:
    return desk.admin.ask("POST", f"/v1/inbox-tokens/{token['id']}/rotate", body)


def test_a_token_tells_its_address_and_its_secret_once(desk: Desk) -> None:
    minted = desk.admin.mint_token()

    (listed,) = desk.admin.ask("GET", "/v1/inbox-tokens")
    assert minted["url"] == f"https://soc.example/v1/inbox/itsm/{minted['id']}"
    assert minted["template"] == "itsm-inbound"
    assert len(minted["secret"]) >= 43
    assert "secret" not in listed
    assert listed == {name: value for name, value in minted.items() if name != "secret"}


def test_two_tokens_share_no_secret(desk: Desk) -> None:
    first, second = desk.admin.mint_token(), desk.admin.mint_token()

    assert accepted(desk, first, first["secret"])
    assert not accepted(desk, first, second["secret"])


def test_while_a_rotation_overlaps_both_secrets_are_good(desk: Desk, watch: Watch) -> None:
    token = desk.admin.mint_token()

    rotated = rotate(desk, token, overlap_hours=2)

    assert rotated["secret"] != token["secret"]
    assert rotated["previous_secret_until"] == "2026-03-01T14:00:00Z"
    watch.now += timedelta(hours=2) - timedelta(seconds=1)
    assert accepted(desk, token, token["secret"])
    assert accepted(desk, token, rotated["secret"])


def test_after_the_overlap_the_old_secret_is_worth_nothing(desk: Desk, watch: Watch) -> None:
    token = desk.admin.mint_token()
    rotated = rotate(desk, token, overlap_hours=2)

    watch.now += timedelta(hours=2)

    assert not accepted(desk, token, token["secret"])
    assert accepted(desk, token, rotated["secret"])


def test_the_overlap_is_a_day_unless_it_is_chosen(desk: Desk) -> None:
    rotated = rotate(desk, desk.admin.mint_token())

    assert rotated["previous_secret_until"] == "2026-03-02T12:00:00Z"


def test_a_rotation_without_overlap_ends_the_old_secret_at_once(desk: Desk) -> None:
    token = desk.admin.mint_token()

    rotated = rotate(desk, token, overlap_hours=0)

    assert not accepted(desk, token, token["secret"])
    assert accepted(desk, token, rotated["secret"])


def test_two_secrets_live_and_never_three(desk: Desk) -> None:
    token = desk.admin.mint_token()
    second = rotate(desk, token)

    third = rotate(desk, token)

    assert not accepted(desk, token, token["secret"])
    assert accepted(desk, token, second["secret"])
    assert accepted(desk, token, third["secret"])


@pytest.mark.parametrize("hours", [-1, 24 * 90 + 1])
def test_an_overlap_out_of_bounds_is_refused(desk: Desk, hours: float) -> None:
    token = desk.admin.mint_token()

    answer = desk.admin.send(
        "POST", f"/v1/inbox-tokens/{token['id']}/rotate", json={"overlap_hours": hours}
    )

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == "overlap_hours"


def test_a_revoked_token_takes_nothing_more(desk: Desk) -> None:
    token = desk.admin.mint_token()
    rotated = rotate(desk, token)

    desk.admin.ask("DELETE", f"/v1/inbox-tokens/{token['id']}")

    assert not accepted(desk, token, token["secret"])
    assert not accepted(desk, token, rotated["secret"])
    (listed,) = desk.admin.ask("GET", "/v1/inbox-tokens")
    assert listed["revoked_at"] == "2026-03-01T12:00:00Z"


def test_revoking_again_keeps_the_first_moment(desk: Desk, watch: Watch) -> None:
    path = f"/v1/inbox-tokens/{desk.admin.mint_token()['id']}"
    desk.admin.ask("DELETE", path)
    watch.now += timedelta(hours=1)

    desk.admin.ask("DELETE", path)

    (listed,) = desk.admin.ask("GET", "/v1/inbox-tokens")
    assert listed["revoked_at"] == "2026-03-01T12:00:00Z"


def test_a_revoked_token_cannot_be_rotated_back_to_life(desk: Desk) -> None:
    token = desk.admin.mint_token()
    desk.admin.ask("DELETE", f"/v1/inbox-tokens/{token['id']}")

    answer = desk.admin.send("POST", f"/v1/inbox-tokens/{token['id']}/rotate", json={})

    assert answer.status_code == 400
    assert "revoked" in answer.json()["detail"]


def test_the_last_use_is_shown_for_authentic_deliveries_only(desk: Desk, watch: Watch) -> None:
    token = desk.admin.mint_token()
    desk.nobody.deliver(token, HELLO, "a guess")
    (unused,) = desk.admin.ask("GET", "/v1/inbox-tokens")
    watch.now += timedelta(hours=1)

    desk.nobody.deliver(token, HELLO)

    (used,) = desk.admin.ask("GET", "/v1/inbox-tokens")
    assert unused["last_used_at"] is None
    assert used["last_used_at"] == "2026-03-01T13:00:00Z"


def test_a_token_bound_to_a_connector_reaches_no_other(desk: Desk) -> None:
    first, second = desk.admin.add_connector(), desk.admin.add_connector()
    case = desk.admin.create_case()
    desk.link(case)
    tickets = {ticket["connector_id"]: ticket["id"] for ticket in case["tickets"]}
    bound = desk.admin.mint_token(connector_id=first["id"])

    def deliver(connector: Any, status: str) -> Any:
        event = {"external_id": tickets[connector["id"]], "status": {"name": status}}
        return desk.nobody.deliver(bound, {"acme": event}).json()

    other, own = deliver(second, "Resolved"), deliver(first, "Contained")

    assert (other["applied"], other["reason"]) == (False, "unlinked_ticket")
    assert own["applied"] is True
    assert desk.admin.ask("GET", f"/v1/cases/{case['id']}")["status"] == "contained"


def test_the_guide_names_the_address_and_never_the_secret(desk: Desk) -> None:
    token, connector = desk.admin.mint_token(), desk.admin.add_connector()

    answer = desk.admin.send("GET", f"/v1/inbox-tokens/{token['id']}/guide/{connector['id']}")

    assert answer.status_code == 200
    assert token["url"] in answer.text
    assert token["secret"] not in answer.text


def refused(desk: Desk, **fields: Any) -> str:
    """Return the field that a mint is refused for."""
    answer = desk.admin.send("POST", "/v1/inbox-tokens", json={"name": "webhooks", **fields})
    assert answer.status_code == 400, answer.text
    (error,) = answer.json()["errors"]
    return str(error["field"])


def listed(desk: Desk, token: Any) -> Any:
    (found,) = [t for t in desk.admin.ask("GET", "/v1/inbox-tokens") if t["id"] == token["id"]]
    return found


def test_a_token_shows_what_it_demands(desk: Desk) -> None:
    connector = desk.admin.add_connector()
    plain = desk.admin.mint_token()
    strict = desk.admin.mint_token(
        connector_id=connector["id"], timestamp_required=True, expires_at="2026-03-01T13:00:00Z"
    )

    told = {"state", "scheme", "timestamp_required", "warnings", "connector_id", "expires_at"}
    assert {name: listed(desk, plain)[name] for name in told} == {
        "state": "active",
        "scheme": "signature",
        "timestamp_required": False,
        "warnings": [],
        "connector_id": None,
        "expires_at": None,
    }
    assert {name: listed(desk, strict)[name] for name in told} == {
        "state": "active",
        "scheme": "signature",
        "timestamp_required": True,
        "warnings": [],
        "connector_id": connector["id"],
        "expires_at": "2026-03-01T13:00:00Z",
    }


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"template": "alerts"}, "template"),
        ({"scheme": "none"}, "scheme"),
        ({"scheme": "static_header", "timestamp_required": True}, "timestamp_required"),
        ({"scheme": "static_url", "timestamp_required": True}, "timestamp_required"),
        ({"expires_at": "2026-03-01T12:00:00Z"}, "expires_at"),
        ({"expires_at": "2026-03-01T13:00:00"}, "expires_at"),
        ({"expires_at": "soon"}, "expires_at"),
        ({"secret": "of my own"}, "secret"),
    ],
)
def test_what_a_token_cannot_be_is_refused_with_the_field(
    desk: Desk, fields: dict[str, Any], field: str
) -> None:
    assert refused(desk, **fields) == field


def test_a_token_ends_by_itself_and_is_not_rotated_back_to_life(desk: Desk, watch: Watch) -> None:
    token = desk.admin.mint_token(expires_at="2026-03-01T13:00:00Z")
    assert accepted(desk, token, token["secret"])

    watch.now += timedelta(hours=1)

    assert not accepted(desk, token, token["secret"])
    assert listed(desk, token)["state"] == "expired"
    answer = desk.admin.send("POST", f"/v1/inbox-tokens/{token['id']}/rotate", json={})
    assert answer.status_code == 400
    assert "expired" in answer.json()["detail"]


def test_no_secret_is_stored_as_it_is(desk: Desk) -> None:
    issued = [desk.admin.mint_token(scheme=scheme) for scheme in ("signature", "static_url")]
    issued.append(rotate(desk, issued[0]))

    files = b"".join(file.read_bytes() for file in desk.data_dir.glob("casebridge.db*"))
    for each in issued:
        assert each["secret"].encode() not in files
        assert each["id"].encode() in files


def test_the_guide_says_first_what_is_weak_about_the_token(desk: Desk) -> None:
    token, connector = desk.admin.mint_token(scheme="static_url"), desk.admin.add_connector()

    answer = desk.admin.send("GET", f"/v1/inbox-tokens/{token['id']}/guide/{connector['id']}")

    assert answer.text.startswith("> **Note:** This token is of the weakest scheme")
    assert f"{token['id']}/<secret>" in answer.text
    assert token["secret"] not in answer.text


def test_rotations_at_once_leave_every_secret_that_was_handed_out_good(desk_of_both: Desk) -> None:
    for _ in range(3):
        token = desk_of_both.admin.mint_token()
        with ThreadPoolExecutor(2) as pool:
            rotated = list(pool.map(lambda each: rotate(desk_of_both, each), [token] * 2))

        assert [accepted(desk_of_both, token, each["secret"]) for each in rotated] == [True, True]
        assert not accepted(desk_of_both, token, token["secret"])
