"""What commands print: JSON, or tables that need neither colour nor a wide terminal."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import click

if TYPE_CHECKING:
    from rich.console import Console

_WIDE: Final = 400
"""Columns where nobody looks: a pipe must not lose the end of an id."""
_VERDICTS: Final = {True: "ok", False: "FAILED", None: "note"}


AS_JSON: Final = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


class Display:
    """Prints results, as JSON when the caller asked for it."""

    def __init__(self, *, as_json: bool) -> None:
        """Choose how."""
        self.as_json = as_json

    def table(
        self, rows: Sequence[Mapping[str, Any]], columns: Mapping[str, str], *, empty: str
    ) -> None:
        """Print rows; ``columns`` are the headings by field, ``empty`` is said without rows."""
        if self.as_json:
            self._json(rows)
        elif rows:
            self._table([[row.get(name) for name in columns] for row in rows], columns.values())
        else:
            click.echo(empty)

    def card(self, value: Mapping[str, Any], fields: Mapping[str, str]) -> None:
        """Print one thing: ``fields`` are the labels by field; what is not set is left out."""
        if self.as_json:
            self._json(value)
            return
        wide = max(map(len, fields.values()))
        for name, label in fields.items():
            if value.get(name) not in (None, "", [], {}):
                click.echo(f"{label:<{wide}}  {in_words(value[name])}")

    def sentence(self, value: object, text: str) -> None:
        """Print what was done."""
        if self.as_json:
            self._json(value)
        else:
            click.echo(text)

    def section(
        self, title: str, rows: Sequence[Mapping[str, Any]], columns: Mapping[str, str]
    ) -> None:
        """Print a table under a card; with JSON, the card had it all."""
        if rows and not self.as_json:
            click.echo(f"\n{title}")
            self._table([[row.get(name) for name in columns] for row in rows], columns.values())

    def note(self, text: str) -> None:
        """Say something to a person; with JSON, nothing."""
        if not self.as_json:
            click.echo(text)

    def console(self) -> Console:
        """Return the terminal, for what moves."""
        from rich.console import Console

        terminal = Console(highlight=False)
        if not terminal.is_terminal:
            terminal.width = _WIDE
        return terminal

    def _table(self, rows: Sequence[Sequence[Any]], headings: Any) -> None:  # noqa: ANN401
        from rich.table import Table
        from rich.text import Text

        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
        for heading in headings:
            table.add_column(heading, overflow="fold")
        for row in rows:
            table.add_row(*(Text(in_words(cell)) for cell in row))
        self.console().print(table)

    @staticmethod
    def _json(value: object) -> None:
        click.echo(json.dumps(value, indent=2, ensure_ascii=False))


def verdict_table(
    display: Display, lines: Sequence[Mapping[str, Any]], columns: Mapping[str, str]
) -> None:
    """Print the lines of a check, each with its verdict; a column that is empty is left out."""
    rows = [{**line, "ok": _VERDICTS[line["ok"]]} for line in lines]
    used = {name: title for name, title in columns.items() if any(row.get(name) for row in rows)}
    display.table(rows, {"ok": "VERDICT", **used}, empty="Fine.")


def in_words(value: object) -> str:
    """Return a JSON value as a person reads it: no list brackets, no microseconds."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(in_words, value))
    if isinstance(value, dict):
        given = {name: each for name, each in value.items() if each not in (None, "", [], {})}
        return ", ".join(f"{name} {in_words(each)}" for name, each in given.items())
    text = str(value)
    if len(text) >= len("2026-01-01T00:00:00Z") and text[4:5] == "-" and text.endswith("Z"):
        return f"{text[:10]} {text[11:19]} UTC" if text[10] == "T" else text
    return text


def lasting(seconds: float | None) -> str:
    """Return a duration as a person says it."""
    if seconds is None:
        return "-"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
