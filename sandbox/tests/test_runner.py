from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import MutableMapping
from typing import Any

import httpx
import pytest

from casebridge_sandbox import JiraSandbox, JiraScenario, WebhookReceiver, running
from casebridge_sandbox.serving import SandboxApplication


def test_it_is_ready_at_once_and_leaves_nothing_behind() -> None:
    before = set(threading.enumerate())

    with running(JiraSandbox()) as vendor:
        port = httpx.URL(vendor.url).port
        assert vendor.control.tickets() == []
        assert vendor.url == f"http://127.0.0.1:{port}"

    assert set(threading.enumerate()) == before
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", port))


def test_two_vendors_run_side_by_side() -> None:
    with running(JiraSandbox()) as one, running(JiraSandbox(JiraScenario(project="SOC"))) as two:
        assert one.url != two.url
        assert one.control.create_ticket("x").key == "SEC-1"
        assert two.control.create_ticket("x").key == "SOC-1"


def test_a_port_that_is_taken_is_an_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match="in use"), running(JiraSandbox(), port=port):
            pass


def test_a_server_that_does_not_start_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    sandbox = JiraSandbox()

    async def refuse() -> None:
        raise RuntimeError

    monkeypatch.setattr(sandbox.webhooks, "start", refuse)

    with pytest.raises(RuntimeError, match="did not start"), running(sandbox):
        pass


def test_an_end_cuts_a_delay_short() -> None:
    with running(JiraSandbox()) as vendor:
        vendor.control.arm("slow_answer", "server_info", seconds=60)
        with pytest.raises(httpx.ReadTimeout):
            httpx.get(f"{vendor.url}/rest/api/3/serverInfo", timeout=0.1)


def test_an_end_does_not_wait_for_pending_webhooks() -> None:
    with running(JiraSandbox(JiraScenario(webhook_pause_seconds=60))) as vendor:
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            vendor.control.send_webhooks_to(f"http://127.0.0.1:{unused.getsockname()[1]}")
        vendor.control.create_ticket("x")


def test_what_happened_before_the_start_is_sent_after_it(receiver: WebhookReceiver) -> None:
    sandbox = JiraSandbox()
    with running(sandbox) as vendor:
        vendor.control.send_webhooks_to(receiver.url)
        kept = dict(sandbox.webhooks.endpoints)
    sandbox.webhooks.set_endpoints(kept.values())
    person = sandbox.scenario.people[0]
    sandbox.human_create(person, summary="Early", description="", project=None, fields={})

    with running(sandbox) as vendor:
        vendor.control.wait_until_idle()

    assert receiver.bodies[0]["issue"]["fields"]["summary"] == "Early"


def test_the_control_api_answers_on_the_loopback_interface_only() -> None:
    application = SandboxApplication(JiraSandbox(), close_connection=lambda _: None)
    sent = []

    async def ask(client: tuple[str, int] | None) -> None:
        async def receive() -> dict[str, object]:
            return {"type": "http.request", "body": b""}

        async def send(message: MutableMapping[str, Any]) -> None:
            sent.append(message)

        scope: dict[str, Any] = {
            "type": "http",
            "method": "GET",
            "path": "/_sandbox",
            "query_string": b"",
            "headers": [],
            "client": client,
        }
        await application(scope, receive, send)

    for client in (("192.0.2.7", 1), None, ("::1", 1)):
        asyncio.run(ask(client))

    assert [each["status"] for each in sent if "status" in each] == [403, 403, 200]
