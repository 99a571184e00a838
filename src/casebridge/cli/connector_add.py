"""`casebridge connector add`."""

from __future__ import annotations

from typing import IO, Any

import click

from casebridge.cli.calling import EXIT_CODES, Refused, ServiceClient, calls_service
from casebridge.cli.display import Display


@click.command(epilog=EXIT_CODES)
@click.argument("vendor")
@click.argument("name")
@click.option("--config", type=click.File("rb"), help="JSON file of the configuration; - is stdin.")
@click.option("--set", "plain", multiple=True, metavar="NAME=VALUE", help="A field, no secret.")
@click.option("--secret-file", multiple=True, metavar="NAME=FILE", help="A secret, in a file.")
@click.option(
    "--secret-env", multiple=True, metavar="NAME=VARIABLE", help="A secret, in a variable."
)
@click.option("--calls-per-minute", type=click.IntRange(1), help="At most; no limit unless given.")
@click.option("--in-flight", type=click.IntRange(1), default=8, show_default=True, help="Tickets.")
@click.option("--disabled", is_flag=True, help="Switched off, until somebody enables it.")
@calls_service
def add(service: ServiceClient, display: Display, /, vendor: str, name: str, **given: Any) -> None:  # noqa: ANN401 - options
    """Add a connector NAME for a VENDOR; see its fields with `casebridge plugins --json`.

    The configuration comes from a file, from options that go before it, and from questions: about
    what is required and missing, or about everything if nothing is given. Secrets are asked without
    echo, and never stand on the command line. The vendor is not called: `casebridge connector
    check` does that. Needs an API key with the scope admin.
    """
    config = _configuration(service, vendor, given)
    limits = {"calls_per_minute": given["calls_per_minute"], "in_flight": given["in_flight"]}
    body = {
        "vendor": vendor,
        "name": name,
        "config": config,
        "limits": limits,
        "enabled": not given["disabled"],
    }
    made = service.post("/v1/connectors", body)
    hint = f"{made['id']} added; now: casebridge connector check {made['id']}"
    display.sentence(made, hint)


def _configuration(service: ServiceClient, vendor: str, given: dict[str, Any]) -> dict[str, Any]:
    from casebridge.cli import connector_config
    from casebridge.web.console.config_form import fields_of

    file: IO[bytes] | None = given["config"]
    vendors = {each["vendor"]: each for each in service.get("/v1/plugins")["vendors"]}
    if vendor not in vendors:
        known = ", ".join(vendors) or "none is"
        raise Refused(f"vendor: no plugin serves {vendor!r}; installed: {known}")
    fields = fields_of(vendors[vendor]["config_schema"])
    config = connector_config.from_file(file)
    config |= connector_config.from_options(
        fields, given["plain"], given["secret_file"], given["secret_env"]
    )
    return {**connector_config.ask(fields, config), **config}
