"""Pages that are made from the code: docs/command-line.md and docs/capabilities.md.

Run `python -m tests.reference` after a command has changed, or what a vendor's plugin can do.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import click

from casebridge.cli import main
from casebridge_core import Capability, ConnectorCatalog

DOCS: Final = Path(__file__).parent.parent / "docs"
PAGE: Final = DOCS / "command-line.md"
CAPABILITIES: Final = DOCS / "capabilities.md"
_BEGIN: Final = "<!-- made from the commands: python -m tests.reference -->\n"
VENDORS: Final = ("jira", "roundup", "servicenow")
"""The plugins of this repository."""
_MATRIX_BEGIN: Final = "<!-- made from the plugins: python -m tests.reference -->\n"
_SHARED: Final = ("url", "key_file", "local", "tenant", "as_json")


def rewritten(page: str) -> str:
    """Return the page with the reference as the commands are now."""
    return page.partition(_BEGIN)[0] + _BEGIN + "\n" + "\n".join(_groups())


def capabilities(page: str) -> str:
    """Return the page with the matrix as the plugins of this repository are now."""
    return page.partition(_MATRIX_BEGIN)[0] + _MATRIX_BEGIN + "\n" + "\n".join(_matrix()) + "\n"


def _matrix() -> Iterator[str]:
    catalog = ConnectorCatalog.installed()
    manifests = [catalog[vendor].manifest for vendor in VENDORS]
    yield f"| Capability | {' | '.join(manifest.title for manifest in manifests)} |"
    yield f"| --- |{' --- |' * len(manifests)}"
    for capability in Capability:
        marks = ["yes" if capability in manifest.capabilities else "" for manifest in manifests]
        yield f"| `{capability}` | {' | '.join(marks)} |"


def _groups() -> Iterator[str]:
    for name, command in sorted(main.commands.items()):
        yield f"### casebridge {name}\n"
        if isinstance(command, click.Group):
            yield f"{_paragraphs(command)}\n"
            for verb, each in sorted(command.commands.items()):
                yield from _command(f"{name} {verb}", each)
        else:
            yield from _command(name, command)


def _command(name: str, command: click.Command) -> Iterator[str]:
    arguments = [p.make_metavar(click.Context(command)) for p in command.params if _is_word(p)]
    yield f"**`{' '.join(('casebridge', name, *arguments))}`**\n"
    yield f"{_paragraphs(command)}\n"
    rows = [_option(p) for p in command.params if isinstance(p, click.Option)]
    if rows := [row for row in rows if row]:
        yield "| Option | What it does |\n| --- | --- |"
        yield "\n".join(rows) + "\n"


def _is_word(parameter: click.Parameter) -> bool:
    return isinstance(parameter, click.Argument)


def _option(option: click.Option) -> str:
    if option.name in _SHARED:
        return ""
    value = "" if option.is_flag else f" {option.make_metavar(click.Context(main))}"
    notes = [option.help or ""]
    if option.required:
        notes.append("Required.")
    elif option.show_default and option.default not in (None, "", False):
        notes.append(f"Default: `{option.default}`.")
    names = ", ".join((*option.opts, *option.secondary_opts))
    shown = f"{names}{value}".replace("|", "\\|").replace(" RANGE", "")
    return f"| `{shown}` | {' '.join(filter(None, notes))} |"


def _paragraphs(command: click.Command) -> str:
    parts = re.split(r"\n\s*\n", (command.help or "").strip())
    return "\n\n".join(" ".join(part.split()) for part in parts)


if __name__ == "__main__":
    PAGE.write_text(rewritten(PAGE.read_text()))
    CAPABILITIES.write_text(capabilities(CAPABILITIES.read_text()))
