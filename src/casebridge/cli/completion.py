"""`casebridge completion`, and what is completed with: the names of connectors."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click

from casebridge.cli import calling

_VARIABLE: Final = "_CASEBRIDGE_COMPLETE"
_PATIENCE_SECONDS: Final = 1.0


@click.command(epilog=calling.EXIT_CODES)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print what completes commands, options and connectors' names in a SHELL.

    bash: eval "$(casebridge completion bash)" in ~/.bashrc; zsh: the same in ~/.zshrc; fish:
    casebridge completion fish > ~/.config/fish/completions/casebridge.fish
    """
    from click.shell_completion import get_completion_class

    program = context.find_root()
    kind = get_completion_class(shell)
    assert kind is not None  # noqa: S101 - click has all three
    click.echo(kind(program.command, {}, "casebridge", _VARIABLE).source())


def connector_names(
    context: click.Context, _parameter: click.Parameter, incomplete: str
) -> list[str]:
    """Ask the service for the names that begin so; without an answer there are none."""
    given = context.params
    key_file = given.get("key_file")
    try:
        key, _ = calling.find_key(key_file if isinstance(key_file, Path) else None)
        url = str(given.get("url") or calling.DEFAULT_URL)
        with calling.ServiceClient(url, key, patience=_PATIENCE_SECONDS) as service:
            names = [str(each["name"]) for each in service.get("/v1/connectors")]
    except Exception:  # noqa: BLE001 - a completion says nothing of its own
        return []
    return [name for name in names if name.startswith(incomplete)]
