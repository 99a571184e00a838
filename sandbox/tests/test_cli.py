from __future__ import annotations

import os
import signal
import subprocess
import sys

import httpx
import pytest
from click.testing import CliRunner

from casebridge_sandbox import SandboxControl, WebhookReceiver
from casebridge_sandbox.cli import main


def test_presets_are_listed() -> None:
    result = CliRunner().invoke(main, ["presets"])

    assert "jira: standard, strict" in result.output
    assert "servicenow: standard" in result.output


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--vendor", "jira", "--scenario", "odd"], "jira has no scenario 'odd'"),
        (["--vendor", "servicenow", "--webhook-secret-env", "NOT_SET"], "NOT_SET is not set"),
        (["--vendor", "remedy"], "Invalid value"),
    ],
)
def test_a_wrong_option_is_explained(arguments: list[str], reason: str) -> None:
    result = CliRunner().invoke(main, ["serve", *arguments])

    assert result.exit_code == 2
    assert reason in result.output


@pytest.mark.parametrize(("vendor", "key"), [("jira", "SEC-1"), ("servicenow", "INC0010001")])
def test_a_vendor_is_served_until_interrupted(
    receiver: WebhookReceiver, vendor: str, key: str
) -> None:
    command = [
        *(sys.executable, "-m", "casebridge_sandbox", "serve", "--vendor", vendor),
        *("--port", "0", "--scenario", "strict", "--webhook-token-id", "tok_1"),
        *("--webhook-url", receiver.url, "--webhook-secret-env", "HOOK_SECRET"),
    ]
    environment = {**os.environ, "HOOK_SECRET": "s3cret", "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(  # noqa: S603 - our own command
        command, stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        url = httpx.URL(line.split()[2])
        with SandboxControl(str(url)) as control:
            assert control.create_ticket("x").key == key
            control.wait_until_idle()
            assert control.webhooks().endpoints[0].signed
        process.send_signal(signal.SIGINT)

        assert process.wait(timeout=10) == 0

    assert receiver.received[0].headers["x-aisoc-token-id"] == "tok_1"
