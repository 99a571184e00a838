"""`casebridge demo`."""

from __future__ import annotations

import click


@click.command()
@click.option("--once", is_flag=True, help="End by itself; exit code 0 only if all of it happened.")
def demo(*, once: bool) -> None:
    """Watch a case become two tickets and come back, on this machine alone.

    Starts the service on SQLite and a stand-in Jira and ServiceNow on 127.0.0.1, lets a human
    resolve the Jira issue, and keeps running until Ctrl-C.
    """
    try:
        from casebridge.demo import DemoFailed, run
    except ModuleNotFoundError as error:
        hint = "the demo needs the stand-in vendors: pip install casebridge[demo,vendors]"
        raise click.ClickException(hint) from error
    try:
        run(say=click.echo, once=once)
    except DemoFailed as error:
        raise click.ClickException(str(error)) from error
