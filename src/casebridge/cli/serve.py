"""`casebridge serve`."""

from __future__ import annotations

import click

from casebridge.cli.calling import EXIT_CODES


@click.command(epilog=EXIT_CODES)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8000, show_default=True, help="Port to listen on.")
def serve(host: str, port: int) -> None:
    """Run the service: API, inbox and fan-out in one process.

    With CASEBRIDGE_ENGINE=distributed the fan-out is left to processes of `casebridge worker`.

    Settings come from environment variables named CASEBRIDGE_…; without any, it runs on SQLite in
    ./casebridge-data and writes the first admin key to ./casebridge-data/admin.key.
    """
    from casebridge import serving
    from casebridge.asgi import create_app
    from casebridge.logs import configure
    from casebridge.settings import InvalidSettings, Settings

    try:
        settings = Settings.from_env().reached_at(f"http://{host}:{port}")
        configure(settings.log_level, settings.log_format)
        patience = settings.inbox_body_seconds
        serving.serve(create_app(settings), host=host, port=port, patience=patience)
    except (InvalidSettings, serving.NotServing) as error:
        raise click.ClickException(str(error)) from error
