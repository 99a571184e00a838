from __future__ import annotations

import base64
import hashlib
import hmac
import time

import httpx
import pytest

from casebridge_sandbox import ControlRefused, RunningSandbox, ServiceNowSandbox, WebhookReceiver

ServiceNow = RunningSandbox[ServiceNowSandbox]


@pytest.fixture
def hooked(servicenow: ServiceNow, receiver: WebhookReceiver) -> ServiceNow:
    servicenow.control.send_webhooks_to(receiver.url, secret="s3cret", token_id="tok_1")
    return servicenow


def test_the_rule_posts_ascii_signed_in_base64(
    hooked: ServiceNow, incidents: httpx.Client, receiver: WebhookReceiver
) -> None:
    incidents.post("/incident", json={"short_description": "Übermäßig 🦊", "correlation_id": "c1"})
    hooked.control.wait_until_idle()

    (got,) = receiver.received
    assert got.raw.isascii()
    mac = hmac.new(b"s3cret", got.raw, hashlib.sha256).digest()
    assert got.headers["x-aisoc-signature"] == base64.b64encode(mac).decode()
    assert got.headers["x-aisoc-token-id"] == "tok_1"
    body = got.body
    assert set(body) == {
        "table",
        "sys_id",
        "number",
        "state",
        "state_label",
        "sys_updated_on",
        "sys_updated_by",
        "short_description",
        "assigned_to",
        "correlation_id",
        "event",
        "changed",
        "comment",
        "instance",
    }
    assert body["assigned_to"] is None
    assert body["changed"] == ["state", "assigned_to"]
    assert body["short_description"] == "Übermäßig 🦊"
    assert (body["event"], body["table"], body["state_label"]) == ("inserted", "incident", "New")
    assert (body["sys_updated_by"], body["instance"]) == ("casebridge", hooked.url)


def test_the_rule_can_sign_the_time_too(hooked: ServiceNow, receiver: WebhookReceiver) -> None:
    hooked.control.change_scenario(sign_timestamp=True)
    hooked.control.create_ticket("Phishing mail")
    hooked.control.wait_until_idle()

    (got,) = receiver.received
    timestamp = got.headers["x-aisoc-timestamp"]
    assert abs(int(timestamp) - time.time()) < 60
    mac = hmac.new(b"s3cret", f"{timestamp}.".encode() + got.raw, hashlib.sha256).digest()
    assert got.headers["x-aisoc-signature"] == base64.b64encode(mac).decode()


def test_changes_comments_and_deletions_are_told(
    hooked: ServiceNow, receiver: WebhookReceiver
) -> None:
    ticket = hooked.control.create_ticket("Phishing mail")
    hooked.control.move(ticket.key, "In Progress", by="Ben Responder")
    hooked.control.assign(ticket.key, "Ben Responder")
    hooked.control.comment(ticket.key, "Note", by="Ben Responder", internal=True)
    hooked.control.delete(ticket.key)
    hooked.control.wait_until_idle()

    events = [each["event"] for each in receiver.bodies]
    assert events == ["inserted", "updated", "updated", "comment_added", "deleted"]
    moved, assigned, commented = receiver.bodies[1:4]
    assert (moved["state"], moved["state_label"]) == ("2", "In Progress")
    assert moved["sys_updated_by"] == "ben.responder"
    assert [each["changed"] for each in receiver.bodies[1:]] == [
        ["state"],
        ["assigned_to"],
        [],
        [],
    ]
    assert assigned["assigned_to"]["email"] == "ben.responder@example.com"
    assert commented["comment"]["value"] == "Note"
    assert commented["comment"]["element"] == "work_notes"
    assert commented["comment"]["sys_created_by"] == "ben.responder"


def test_the_rule_of_the_guide_keeps_still_about_other_columns(
    hooked: ServiceNow, receiver: WebhookReceiver
) -> None:
    ticket = hooked.control.create_ticket("Phishing mail")
    hooked.control.edit(ticket.key, {"category": "security"})
    hooked.control.wait_until_idle()
    assert [each["event"] for each in receiver.bodies] == ["inserted"]

    hooked.control.change_scenario(rule_body="label")
    hooked.control.edit(ticket.key, {"category": "network"})
    hooked.control.wait_until_idle()

    assert receiver.bodies[1]["state"] == "New"
    assert "changed" not in receiver.bodies[1]


@pytest.mark.parametrize(
    ("form", "state", "sys_id"),
    [
        ("label", "In Progress", "own"),
        ("objects", {"value": "2", "display_value": "In Progress"}, "object"),
        ("record_id", "2", "subscription"),
    ],
)
def test_administrators_write_rules_of_their_own(
    hooked: ServiceNow, receiver: WebhookReceiver, form: str, state: object, sys_id: str
) -> None:
    hooked.control.change_scenario(rule_body=form)
    ticket = hooked.control.create_ticket("Phishing mail")
    hooked.control.move(ticket.key, "In Progress")
    hooked.control.wait_until_idle()

    moved = receiver.bodies[1]
    ids = {"own": ticket.id, "object": {"value": ticket.id, "display_value": ticket.id}}
    assert moved["state"] == state
    assert moved["sys_id"] == ids.get(sys_id, moved["sys_id"])
    assert (moved["sys_id"] == ticket.id) is (sys_id == "own")
    assert moved.get("record_id", ticket.id) == ticket.id


def test_the_rule_can_skip_our_own_user(
    hooked: ServiceNow, incidents: httpx.Client, receiver: WebhookReceiver
) -> None:
    hooked.control.change_scenario(skip_own_user=True)

    incidents.post("/incident", json={"short_description": "Ours"})
    hooked.control.create_ticket("Theirs")
    hooked.control.wait_until_idle()

    assert [each["short_description"] for each in receiver.bodies] == ["Theirs"]


def test_a_message_is_not_sent_again_unless_set(
    hooked: ServiceNow, receiver: WebhookReceiver
) -> None:
    receiver.answers.extend([503, 503])
    hooked.control.create_ticket("One")
    hooked.control.wait_until_idle()
    assert len(receiver.received) == 1

    hooked.control.change_scenario(webhook_retries=1, webhook_pause_seconds=0.01)
    hooked.control.create_ticket("Two")
    hooked.control.wait_until_idle()
    assert len(receiver.received) == 3
    assert hooked.control.deliveries()[-1].delivery_id == ""


def test_without_a_secret_nothing_is_signed(
    servicenow: ServiceNow, receiver: WebhookReceiver
) -> None:
    servicenow.control.send_webhooks_to(receiver.url)
    servicenow.control.create_ticket("One")
    servicenow.control.wait_until_idle()

    assert "x-aisoc-signature" not in receiver.received[0].headers


def test_nobody_edits_a_journal_or_moves_a_record_to_another_table(
    servicenow: ServiceNow,
) -> None:
    ticket = servicenow.control.create_ticket("One")
    comment = servicenow.control.comment(ticket.key, "Note")

    with pytest.raises(ControlRefused, match="no edit or delete"):
        servicenow.control.edit_comment(ticket.key, comment.id, "Other")
    with pytest.raises(ControlRefused, match="no such move"):
        servicenow.control.move_project(ticket.key, "problem")
