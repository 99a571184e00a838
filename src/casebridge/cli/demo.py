"""`casebridge demo`."""

from __future__ import annotations

import click

from casebridge.cli.calling import EXIT_CODES


@click.command(epilog=EXIT_CODES)
@click.option("--once", is_flag=True, help="End by itself; exit code 0 only if all of it happened.")
@click.option("--live", is_flag=True, help="Go on with new cases, and all that can happen to them.")
@click.option(
    "--browser/--no-browser",
    default=True,
    help="Open the console in a browser, where there is a desktop.",
)
def demo(*, once: bool, live: bool, browser: bool) -> None:
    """Watch a case become two tickets and come back, on this machine alone.

    Starts the service on SQLite and a stand-in Jira and ServiceNow on 127.0.0.1, prints a link that
    signs in to the console once, lets a human resolve the Jira issue, and keeps running until
    Ctrl-C. With --live, cases come and go by themselves in every state that there is.
    """
    if once and live:
        raise click.UsageError("--once and --live exclude each other: a live demo has no end.")
    try:
        from casebridge.demo import DemoFailed, run
    except ModuleNotFoundError as error:
        hint = "the demo needs the stand-in vendors: pip install casebridge[demo,vendors]"
        raise click.ClickException(hint) from error
    try:
        run(say=click.echo, once=once, live=live, browser=browser)
    except DemoFailed as error:
        raise click.ClickException(str(error)) from error
