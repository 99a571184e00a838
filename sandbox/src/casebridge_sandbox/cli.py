"""The command ``casebridge-sandbox``."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import click

from casebridge_sandbox.jira import JiraSandbox, JiraScenario
from casebridge_sandbox.jira.scenario import PRESETS as JIRA_PRESETS
from casebridge_sandbox.runner import serve
from casebridge_sandbox.servicenow import ServiceNowSandbox, ServiceNowScenario
from casebridge_sandbox.servicenow.scenario import PRESETS as SERVICENOW_PRESETS
from casebridge_sandbox.webhooks import WebhookEndpoint

if TYPE_CHECKING:
    from casebridge_sandbox.sandbox import VendorSandbox

__all__ = ("main",)


@click.group()
@click.version_option(package_name="casebridge-sandbox")
def main() -> None:
    """Stand-in Jira and ServiceNow over real HTTP, with faults."""


@main.command("serve")
@click.option("--vendor", type=click.Choice(["jira", "servicenow"]), required=True)
@click.option("--port", type=click.IntRange(0, 65535), default=8101, show_default=True)
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--scenario", default="standard", show_default=True, help="A preset; see `presets`.")
@click.option("--webhook-url", help="Where webhooks go.")
@click.option(
    "--webhook-secret-env",
    metavar="NAME",
    help="The environment variable with the secret that webhooks are signed with.",
)
@click.option("--webhook-token-id", help="The public id sent in X-AiSOC-Token-Id.")
def serve_command(
    vendor: str,
    port: int,
    host: str,
    scenario: str,
    webhook_url: str | None,
    webhook_secret_env: str | None,
    webhook_token_id: str | None,
) -> None:
    """Serve one vendor until interrupted."""
    sandbox = _sandbox(vendor, scenario)
    secret = None
    if webhook_secret_env is not None:
        secret = os.environ.get(webhook_secret_env)
        if not secret:
            msg = f"the environment variable {webhook_secret_env} is not set"
            raise click.UsageError(msg)
    if webhook_url is not None:
        endpoint = WebhookEndpoint(url=webhook_url, secret=secret, token_id=webhook_token_id)
        sandbox.webhooks.set_endpoints([endpoint])
    serve(sandbox, port=port, host=host, ready=_announce)


@main.command()
def presets() -> None:
    """List the scenario presets of each vendor."""
    for vendor, names in (("jira", JIRA_PRESETS), ("servicenow", SERVICENOW_PRESETS)):
        click.echo(f"{vendor}: {', '.join(names)}")


def _sandbox(vendor: str, preset: str) -> VendorSandbox[Any]:
    names = JIRA_PRESETS if vendor == "jira" else SERVICENOW_PRESETS
    scenario = names.get(preset)
    if isinstance(scenario, JiraScenario):
        return JiraSandbox(scenario)
    if isinstance(scenario, ServiceNowScenario):
        return ServiceNowSandbox(scenario)
    msg = f"{vendor} has no scenario {preset!r}; it has: {', '.join(names)}"
    raise click.UsageError(msg)


def _announce(url: str) -> None:
    click.echo(f"Listening on {url} (pages at /, control API at /_sandbox). Stop with Ctrl+C.")
