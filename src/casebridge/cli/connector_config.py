"""A connector's configuration from a file, from options, and from whoever is at the terminal.

A secret never stands on a command line, where every user of the machine can read it with `ps`.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any, Final

import click

from casebridge.cli.calling import Refused
from casebridge.web.console.config_form import CONFIG, Field, Kind, read

_YES: Final = frozenset({"true", "yes", "on", "1"})
_NO: Final = frozenset({"false", "no", "off", "0"})
_ASKED: Final = frozenset({Kind.TEXT, Kind.SECRET, Kind.NUMBER, Kind.CHECK, Kind.CHOICE})
"""What is asked for one by one; lists and JSON are easier in a file."""


def from_file(file: IO[bytes] | None) -> dict[str, Any]:
    """Read a JSON object; what stands in a file that is none is not quoted."""
    if file is None:
        return {}
    try:
        found = json.load(file)
    except (ValueError, RecursionError) as error:
        where = f" (line {error.lineno})" if isinstance(error, json.JSONDecodeError) else ""
        raise Refused(f"{file.name} is not JSON{where}") from None
    if not isinstance(found, dict):
        raise Refused(
            f"{file.name} must hold one JSON object, with the fields of the configuration"
        )
    return found


def from_options(
    fields: Sequence[Field],
    plain: Sequence[str],
    files: Sequence[str],
    variables: Sequence[str],
) -> dict[str, Any]:
    """Read NAME=VALUE, NAME=FILE and NAME=VARIABLE; a list is given by repeating its name."""
    texts: dict[str, str] = {}
    for option in plain:
        field, text = _split(fields, option, "--set")
        if field.kind is Kind.SECRET:
            raise _wrong(
                "--set", f"{field.name} is a secret: give it with --secret-file or --secret-env"
            )
        given = texts.get(field.name)
        texts[field.name] = text if given is None else f"{given}\n{text}"
    for option in files:
        field, name = _split(fields, option, "--secret-file")
        texts[field.name] = _secret_in(field, name)
    for option in variables:
        field, name = _split(fields, option, "--secret-env")
        if not os.environ.get(name):
            raise Refused(f"{field.name}: the variable {name} is not set")
        texts[field.name] = os.environ[name]
    return _values([field for field in fields if field.name in texts], texts)


def ask(fields: Sequence[Field], given: Mapping[str, Any]) -> dict[str, Any]:
    """Ask at the terminal for what is required and missing, and for everything if nothing is given.

    Whatever is left empty goes by its default. Where nobody is at the terminal, nobody is asked.
    """
    if not sys.stdin.isatty():
        return {}
    wanted = [field for field in fields if field.kind in _ASKED and _short(field) not in given]
    if given:
        wanted = [field for field in wanted if field.required]
    texts = {field.name: _answer(field) for field in wanted}
    kept = [field for field in wanted if texts[field.name]]
    return _values(kept, texts)


def _answer(field: Field) -> str:
    """Ask until the answer fits the field."""
    if field.hint:
        click.echo(f"  {field.hint}", err=True)
    options = f" ({', '.join(field.options)})" if field.options else ""
    while True:
        text = str(
            click.prompt(
                f"{field.label}{options}",
                default=None if field.required else field.value,
                hide_input=field.kind is Kind.SECRET,
                show_default=bool(field.value),
                err=True,
            )
        )
        try:
            if text:
                _values([field], {field.name: text})
        except click.BadParameter as error:
            click.echo(error.message, err=True)
        else:
            return text


def _values(fields: Sequence[Field], texts: Mapping[str, str]) -> dict[str, Any]:
    form = {field.name: _switch(field, texts[field.name]) for field in fields}
    values, problems = read(fields, form)
    for name, problem in problems.items():
        raise _wrong(None, f"{name}: {problem}")
    return {name.removeprefix(CONFIG): value for name, value in values.items()}


def _switch(field: Field, text: str) -> str:
    """Return what a form would send: of a box that is not ticked, nothing."""
    if field.kind is not Kind.CHECK:
        return text
    word = text.strip().casefold()
    if word not in _YES | _NO:
        raise _wrong(None, f"{field.name}: must be true or false")
    return "on" if word in _YES else ""


def _split(fields: Sequence[Field], option: str, hint: str) -> tuple[Field, str]:
    name, equals, value = option.partition("=")
    found = next((field for field in fields if _short(field) == name.removeprefix(CONFIG)), None)
    if not equals:
        raise _wrong(hint, "must be NAME=VALUE")
    if found is None:
        known = ", ".join(map(_short, fields))
        raise _wrong(hint, f"config.{name} is not a field; there are: {known}")
    return found, value


def _secret_in(field: Field, name: str) -> str:
    try:
        return Path(name).read_text().rstrip("\r\n")
    except (OSError, ValueError) as error:
        kind = type(error).__name__
        raise Refused(f"{field.name}: the file {name!r} cannot be read ({kind})") from None


def _short(field: Field) -> str:
    return field.name.removeprefix(CONFIG)


def _wrong(option: str | None, sentence: str) -> click.BadParameter:
    return click.BadParameter(sentence, param_hint=option)
