"""`casebridge case export`."""

from __future__ import annotations

from pathlib import Path

import click

from casebridge.cli.calling import EXIT_CODES, Refused, ServiceClient, calls_service
from casebridge.cli.display import Display


@click.command(epilog=EXIT_CODES)
@click.argument("case_id", metavar="[CASE]", required=False)
@click.option("--since", help="Only from this moment on, such as 2026-03-01T08:00Z.")
@click.option("--until", help="Only before this moment.")
@click.option("--after", type=click.IntRange(0), help="Only above this id: the last you have.")
@click.option(
    "--output",
    "-o",
    type=click.Path(dir_okay=False, path_type=Path),
    help="A file that is not there yet; it appears once it is whole. Else standard output.",
)
@calls_service
def export(
    service: ServiceClient,
    display: Display,
    case_id: str | None,
    since: str | None,
    until: str | None,
    after: int | None,
    output: Path | None,
) -> None:
    """Export the timeline of a case, or of all, as JSON Lines: one row a line, oldest first."""
    asked = {"case_id": case_id, "since": since, "until": until, "after": after}
    lines = service.chunks("/v1/timeline.jsonl", **asked)
    if output is None:
        for chunk in lines:
            click.echo(chunk, nl=False)
        return
    if output.exists():
        raise Refused(f"there is a file at {output} already; name one that is not there")
    part = output.with_name(f".{output.name}.part")
    count = 0
    try:
        with part.open("wb") as file:
            part.chmod(0o600)
            for chunk in lines:
                count += chunk.count(b"\n")
                file.write(chunk)
        part.rename(output)
    except OSError as error:
        raise Refused(f"{output} cannot be written: {error.strerror}") from error
    finally:
        part.unlink(missing_ok=True)
    display.sentence({"file": str(output), "rows": count}, f"{count} rows are in {output}")
