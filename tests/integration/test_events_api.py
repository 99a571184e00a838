"""Stored events: everything authentic is kept without its secrets, and found again."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from casebridge_core.signatures import sign
from tests.integration.desk import Desk
from tests.integration.events import EVENTS, Tenant


@pytest.fixture
def tenant(desk_of_both: Desk) -> Tenant:
    made = Tenant.settle_in(desk_of_both)
    made.link()
    return made


def post(tenant: Tenant, body: bytes, **headers: str) -> httpx.Response:
    signed = {"X-AiSOC-Signature": sign(tenant.token["secret"], body), **headers}
    path = f"/v1/inbox/itsm/{tenant.token['id']}"
    return tenant.caller.http.post(path, content=body, headers=signed)


def test_an_applied_event_is_read_as_it_came(tenant: Tenant) -> None:
    answer = tenant.deliver("Triage", actor={"id": "ada"}, delivery_id="d-1")

    event = tenant.event(answer["event_id"])

    assert event == {
        "id": answer["event_id"],
        "received_at": event["received_at"],
        "vendor": "acme",
        "connector_id": tenant.connector["id"],
        "token_id": tenant.token["id"],
        "scheme": "x-aisoc-signature",
        "external_id": tenant.ticket_id,
        "native_status": "Triage",
        "case_id": tenant.case_id,
        "ticket_id": tenant.ticket_id,
        "delivery_id": "d-1",
        "applied": True,
        "reason": None,
        "detail": None,
        "replay_of": None,
        "purged_at": None,
        "headers": event["headers"],
        "body": event["body"],
        "body_base64": None,
        "replays": [],
    }
    assert json.loads(event["body"])["acme"]["status"]["name"] == "Triage"
    assert "user-agent" in event["headers"]


def test_the_rows_of_the_timeline_refer_to_the_event(tenant: Tenant) -> None:
    answer = tenant.deliver("Triage", actor={"id": "ada"})

    for kind in ("status_changed", "inbound_actor", "inbound_payload"):
        (row,) = tenant.timeline(kind)
        assert row["event_id"] == answer["event_id"]
    (created,) = tenant.timeline("case_created")
    assert created["event_id"] is None


@pytest.mark.parametrize(
    ("body", "reason", "detail"),
    [
        (b'{"hello": 1}', "unrecognised_payload", None),
        (b'{"acme": {"external_id": 5}}', "unrecognised_payload", "itsm_detect_inbound"),
        (b'{"acme": {"external_id": "nobody\'s"}}', "unlinked_ticket", None),
        (b"[1]", "malformed_payload", "must be a JSON object"),
        (b'{"a": "\xff"}', "malformed_payload", "not JSON"),
        (b"", "malformed_payload", "not JSON"),
    ],
)
def test_what_means_nothing_is_kept_too(
    tenant: Tenant, body: bytes, reason: str, detail: str | None
) -> None:
    answer = post(tenant, body)

    assert answer.status_code == (400 if reason == "malformed_payload" else 200)
    (listed,) = tenant.events(reason=reason)
    event = tenant.event(listed["id"])
    kept = event["body"] if event["body"] is not None else base64.b64decode(event["body_base64"])
    assert kept == (body.decode() if event["body"] is not None else body)
    assert (event["applied"], event["reason"]) == (False, reason)
    assert detail is None or detail in event["detail"]


def test_an_event_of_a_disabled_connector_is_kept_and_may_come_again(tenant: Tenant) -> None:
    path = f"/v1/connectors/{tenant.connector['id']}"
    tenant.caller.ask("PATCH", path, {"enabled": False})
    assert tenant.deliver("Triage")["reason"] == "connector_disabled"
    tenant.caller.ask("PATCH", path, {"enabled": True})

    assert tenant.deliver("Triage")["applied"] is True

    assert [event["applied"] for event in tenant.events()] == [True, False]


def test_an_event_whose_plugin_fails_is_kept_with_the_reason(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    hooks = tenant.bridge.catalog["acme"]
    failing = dict.fromkeys(hooks._callers, lambda **_: 1 / 0)
    detect = hooks._callers["itsm_detect_inbound"]
    with monkeypatch.context() as patch:
        patch.setattr(hooks, "_callers", {**failing, "itsm_detect_inbound": detect})
        answer = tenant.deliver("Triage")
    assert answer["reason"] == "plugin_failed"
    assert "ZeroDivisionError" in tenant.event(answer["event_id"])["detail"]

    assert tenant.replay(answer["event_id"])["applied"] is True
    assert tenant.status() == "triage"


def test_headers_with_a_secret_are_not_kept(tenant: Tenant) -> None:
    secret_ones = {
        "Authorization": "Basic c2VjcmV0",
        "Proxy-Authorization": "Basic c2VjcmV0",
        "X-Auth": "c2VjcmV0",
        "X-Api-Key": "c2VjcmV0",
        "Cookie": "c2VjcmV0",
    }

    answer = post(tenant, b'{"hello": 1}', **secret_ones, **{"X-Delivery": "d-1"})

    event = tenant.event(answer.json()["event_id"])
    assert "c2VjcmV0" not in json.dumps(event)
    assert sign(tenant.token["secret"], b'{"hello": 1}') not in json.dumps(event)
    assert event["headers"]["x-delivery"] == "d-1"


def test_events_are_listed_newest_first_page_by_page(tenant: Tenant) -> None:
    ids = [tenant.deliver(None, delivery_id=str(n))["event_id"] for n in range(5)]

    first = tenant.caller.ask("GET", EVENTS, limit=3)
    second = tenant.caller.ask("GET", EVENTS, limit=3, cursor=first["next_cursor"])

    assert [event["id"] for event in first["items"]] == ids[:1:-1]
    assert [event["id"] for event in second["items"]] == ids[1::-1]
    assert second["next_cursor"] is None
    assert "body" not in first["items"][0]


def test_events_are_filtered(tenant: Tenant) -> None:
    applied = tenant.deliver("Triage", actor={"id": "ada"})["event_id"]
    unknown = tenant.deliver("Triage", external_id="another's")["event_id"]
    other = tenant.caller.mint_token(name="the other")
    foreign = tenant.caller.deliver(other, {"hello": 1}).json()["event_id"]
    now = datetime.now(UTC)

    def found(**filters: object) -> list[str]:
        return [event["id"] for event in tenant.events(**filters)][::-1]

    assert found(applied="true") == found(case_id=tenant.case_id) == [applied]
    assert found(ticket_id=tenant.ticket_id) == [applied]
    assert found(reason="unlinked_ticket") == found(external_id="another's") == [unknown]
    assert found(vendor="acme") == found(connector_id=tenant.connector["id"]) == [applied, unknown]
    assert found(token_id=other["id"]) == [foreign]
    assert found(since=(now - timedelta(minutes=5)).isoformat()) == [applied, unknown, foreign]
    assert found(until=(now - timedelta(minutes=5)).isoformat()) == []
    assert found(applied="false", vendor="acme") == [unknown]


@pytest.mark.parametrize(
    ("parameter", "value", "status"),
    [
        ("connector_id", "con_nobody", 404),
        ("case_id", "case_nobody", 404),
        ("token_id", "tok_nobody", 404),
        ("ticket_id", "ref_nobody", 404),
        ("reason", "because", 400),
        ("applied", "perhaps", 400),
        ("since", "yesterday", 400),
        ("since", "2026-03-01T08:00:00", 400),
        ("until", "0001-01-01T00:00:00+14:00", 400),
        ("cursor", "nonsense", 400),
        ("limit", "0", 400),
    ],
)
def test_a_wrong_filter_is_named(tenant: Tenant, parameter: str, value: str, status: int) -> None:
    answer = tenant.caller.send("GET", EVENTS, params={parameter: value})

    assert answer.status_code == status, answer.text
    assert [error["field"] for error in answer.json()["errors"]] == [parameter]


def test_another_tenants_event_is_as_if_it_were_not_there(tenant: Tenant) -> None:
    event_id = tenant.deliver("Triage")["event_id"]
    stranger = Tenant.settle_in(tenant.desk).caller

    for method, path in (("GET", ""), ("POST", "/replay")):
        answer = stranger.send(method, f"{EVENTS}/{event_id}{path}")
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (404, "event_id")
    by_case = stranger.send("GET", EVENTS, params={"case_id": tenant.case_id})
    assert by_case.status_code == 404
    assert stranger.ask("GET", EVENTS)["items"] == []
