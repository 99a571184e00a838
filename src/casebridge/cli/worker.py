"""`casebridge worker`."""

from __future__ import annotations

import click

from casebridge.cli.calling import EXIT_CODES


@click.command(epilog=EXIT_CODES)
def worker() -> None:
    """Bring tickets up to date in a process of its own, beside `casebridge serve`.

    Start as many as you like, on any machine that reaches the database. SIGTERM or Ctrl-C ends it
    once the steps under way are done; what is left goes to the other workers.
    """
    import asyncio

    from sqlalchemy.exc import SQLAlchemyError

    from casebridge import serving, working
    from casebridge.logs import configure
    from casebridge.persistence.migrate import UnknownRevision
    from casebridge.services.vault import VaultError
    from casebridge.settings import InvalidSettings, Settings

    try:
        settings = Settings.from_env()
        configure(settings.log_level, settings.log_format)
        asyncio.run(working.work(settings))
    except (InvalidSettings, UnknownRevision, VaultError, SQLAlchemyError, OSError) as error:
        raise click.ClickException(serving.why(error)) from error
