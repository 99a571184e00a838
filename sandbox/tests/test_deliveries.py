from __future__ import annotations

import socket

import pytest

from casebridge_sandbox import JiraSandbox, RunningSandbox, WebhookFaults, WebhookReceiver
from casebridge_sandbox.webhooks import ReleaseOrder

Jira = RunningSandbox[JiraSandbox]


@pytest.fixture
def hooked(jira: Jira, receiver: WebhookReceiver) -> Jira:
    jira.control.change_scenario(webhook_pause_seconds=0.01)
    jira.control.send_webhooks_to(receiver.url, secret="s3cret")
    return jira


def make(jira: Jira, count: int) -> None:
    for number in range(count):
        jira.control.create_ticket(f"Number {number}")


def summaries(receiver: WebhookReceiver) -> list[str]:
    return [each["issue"]["fields"]["summary"][-1] for each in receiver.bodies]


def test_messages_arrive_in_order_and_are_logged(hooked: Jira, receiver: WebhookReceiver) -> None:
    make(hooked, 8)
    hooked.control.wait_until_idle()

    assert summaries(receiver) == list("01234567")
    log = hooked.control.deliveries()
    assert [each.number for each in log] == list(range(1, 9))
    assert {(each.outcome, each.status, each.answer) for each in log} == {("accepted", 200, "ok")}
    assert log[0].ticket == "SEC-1"
    assert log[0].body == receiver.received[0].raw.decode()
    assert "s3cret" not in str(log)


@pytest.mark.parametrize("status", [408, 409, 425, 429, 500, 503])
def test_jira_tries_again_with_the_same_identifier(
    hooked: Jira, receiver: WebhookReceiver, status: int
) -> None:
    receiver.answers.extend([status, status])

    make(hooked, 1)
    hooked.control.wait_until_idle()

    assert len(receiver.received) == 3
    assert len({each.headers["x-atlassian-webhook-identifier"] for each in receiver.received}) == 1
    retries = [each.headers.get("x-atlassian-webhook-retry") for each in receiver.received]
    assert retries == [None, "1", "2"]
    assert len({each.raw for each in receiver.received}) == 1
    outcomes = [each.outcome for each in hooked.control.deliveries()]
    assert outcomes == ["will_retry", "will_retry", "accepted"]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422])
def test_other_refusals_are_final(hooked: Jira, receiver: WebhookReceiver, status: int) -> None:
    receiver.answers.append(status)

    make(hooked, 1)
    hooked.control.wait_until_idle()

    assert [each.outcome for each in hooked.control.deliveries()] == ["refused"]


def test_jira_gives_up_after_five_retries(hooked: Jira, receiver: WebhookReceiver) -> None:
    receiver.answers.extend([503] * 9)

    make(hooked, 1)
    hooked.control.wait_until_idle()

    assert [each.outcome for each in hooked.control.deliveries()] == [
        *["will_retry"] * 5,
        "given_up",
    ]


def test_nobody_at_home_is_tried_again_too(jira: Jira) -> None:
    jira.control.change_scenario(webhook_pause_seconds=0.01, webhook_retries=1)
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        jira.control.send_webhooks_to(f"http://127.0.0.1:{unused.getsockname()[1]}")

    make(jira, 1)
    jira.control.wait_until_idle()

    log = jira.control.deliveries()
    assert [each.outcome for each in log] == ["will_retry", "given_up"]
    assert "ConnectError" in log[0].error


def test_an_address_that_is_none_is_given_up(jira: Jira) -> None:
    jira.control.change_scenario(webhook_retries=0)
    jira.control.send_webhooks_to("gopher://nowhere")

    make(jira, 1)
    jira.control.wait_until_idle()

    assert [each.outcome for each in jira.control.deliveries()] == ["given_up"]


def test_a_slow_receiver_times_out(jira: Jira) -> None:
    jira.control.change_scenario(webhook_retries=0, webhook_timeout_seconds=0.05)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        jira.control.send_webhooks_to(f"http://127.0.0.1:{silent.getsockname()[1]}")
        make(jira, 1)
        jira.control.wait_until_idle()

    assert "ReadTimeout" in jira.control.deliveries()[0].error


def test_messages_are_dropped_by_chance_but_the_same_in_every_run(
    hooked: Jira, receiver: WebhookReceiver
) -> None:
    def run(seed: int) -> list[str]:
        receiver.received.clear()
        hooked.control.webhook_faults(WebhookFaults(drop=0.5, seed=seed))
        make(hooked, 10)
        hooked.control.wait_until_idle()
        return summaries(receiver)

    first, again = run(7), run(7)

    assert first == again
    assert 0 < len(first) < 10
    assert "dropped" in {each.outcome for each in hooked.control.deliveries()}


def test_a_doubled_message_has_one_identifier(hooked: Jira, receiver: WebhookReceiver) -> None:
    hooked.control.webhook_faults(WebhookFaults(double=1.0))

    make(hooked, 1)
    hooked.control.wait_until_idle()

    one, two = receiver.received
    assert one.raw == two.raw
    identifier = "x-atlassian-webhook-identifier"
    assert one.headers[identifier] == two.headers[identifier]


def test_messages_overtake_each_other(hooked: Jira, receiver: WebhookReceiver) -> None:
    hooked.control.webhook_faults(WebhookFaults(reorder=1.0))

    make(hooked, 4)
    hooked.control.wait_until_idle()

    assert summaries(receiver) == list("1032")


def test_messages_are_delayed(hooked: Jira, receiver: WebhookReceiver) -> None:
    hooked.control.webhook_faults(WebhookFaults(delay_seconds=0.05))

    make(hooked, 2)
    assert hooked.control.webhooks().pending == 2
    hooked.control.wait_until_idle()

    assert summaries(receiver) == ["0", "1"]


@pytest.mark.parametrize(("order", "expected"), [("sent", "012"), ("reversed", "210")])
def test_messages_are_held_and_released(
    hooked: Jira,
    receiver: WebhookReceiver,
    order: ReleaseOrder,
    expected: str,
) -> None:
    hooked.control.webhook_faults(WebhookFaults(hold=True))
    make(hooked, 3)
    hooked.control.wait_until_idle()
    assert receiver.received == []
    assert hooked.control.webhooks().held == 3

    assert hooked.control.release(order) == 3
    hooked.control.wait_until_idle()

    assert summaries(receiver) == list(expected)


def test_a_shuffle_loses_nothing(hooked: Jira, receiver: WebhookReceiver) -> None:
    hooked.control.webhook_faults(WebhookFaults(hold=True, seed=3))
    make(hooked, 5)

    hooked.control.release("shuffled")
    hooked.control.wait_until_idle()

    assert sorted(summaries(receiver)) == list("01234")


def test_waiting_has_an_end(hooked: Jira) -> None:
    hooked.control.webhook_faults(WebhookFaults(delay_seconds=30))
    make(hooked, 1)

    with pytest.raises(TimeoutError, match="1 webhooks are pending"):
        hooked.control.wait_until_idle(0.01)


def test_the_api_does_not_wait_for_the_receiver(jira: Jira) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        jira.control.send_webhooks_to(f"http://127.0.0.1:{silent.getsockname()[1]}")
        make(jira, 2)
        assert jira.control.webhooks().pending == 2
        jira.control.reset()

    assert jira.control.webhooks().pending == 0


def test_endpoints_are_shown_without_their_secret(hooked: Jira) -> None:
    shown = hooked.control.webhooks()

    assert shown.endpoints[0].signed is True
    assert "s3cret" not in str(shown)
