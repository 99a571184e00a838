"""A form made from a plugin's JSON Schema, and what somebody typed into it made into values."""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Any, Final

import msgspec

CONFIG: Final = "config."
FORGET: Final = "forget."
"""The name of the box that empties a secret begins so."""


class Kind(StrEnum):
    """With what a field is filled in."""

    TEXT = "text"
    SECRET = "secret"  # noqa: S105 - a kind of field
    NUMBER = "number"
    CHECK = "check"
    CHOICE = "choice"
    LINES = "lines"
    JSON = "json"


class Field(msgspec.Struct, frozen=True, kw_only=True):
    """One field. ``value`` is what stands in it; a secret never stands anywhere.

    ``nullable`` fields can be empty; ``stored`` says that there is a secret already, which stays
    unless another is typed. ``whole`` numbers have no fraction.
    """

    name: str
    label: str
    hint: str = ""
    kind: Kind = Kind.TEXT
    required: bool = False
    nullable: bool = False
    whole: bool = True
    options: tuple[str, ...] = ()
    value: str = ""
    stored: bool = False
    problem: str | None = None


def fields_of(schema: Mapping[str, Any], *, but: Collection[str] = ()) -> tuple[Field, ...]:
    """Return the fields of a configuration's schema, with their defaults, in its order.

    What is read-only, and the fields named in ``but``, fills itself in.
    """
    definitions = schema.get("$defs", {})
    root = _resolved(schema, definitions)
    needed = root.get("required", ())
    return tuple(
        _field(name, _resolved(part, definitions), required=name in needed)
        for name, part in root.get("properties", {}).items()
        if name not in but and not part.get("readOnly")
    )


def with_values(
    fields: Iterable[Field], values: Mapping[str, Any], *, secrets: Collection[str] = ()
) -> tuple[Field, ...]:
    """Return the fields with values in them; ``secrets`` are the names of those stored."""
    return tuple(
        msgspec.structs.replace(
            field,
            stored=field.name in secrets,
            value=_text(field.kind, values[field.name])
            if field.name in values and field.kind is not Kind.SECRET
            else field.value,
        )
        for field in fields
    )


def as_typed(
    fields: Iterable[Field], form: Mapping[str, str], problems: Mapping[str, str]
) -> tuple[Field, ...]:
    """Return the fields as somebody sent them, but for secrets, with what is wrong at each."""
    return tuple(
        msgspec.structs.replace(
            field,
            value="" if field.kind is Kind.SECRET else form.get(field.name, ""),
            problem=problems.get(field.name),
        )
        for field in fields
    )


def read(fields: Iterable[Field], form: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the values of a form and its problems, both by the field's name.

    None sends a field back to its default; a secret that is left empty is not among the values.
    """
    values: dict[str, Any] = {}
    problems: dict[str, str] = {}
    for field in fields:
        typed = form.get(field.name, "")
        if field.kind is Kind.SECRET:
            if typed:
                values[field.name] = typed
            elif form.get(FORGET + field.name):
                values[field.name] = None
            continue
        try:
            values[field.name] = _value(field, typed)
        except ValueError as error:
            problems[field.name] = str(error)
    return values, problems


def field_at(fields: Sequence[Field], path: str | None) -> str | None:
    """Return the name of the field that a path such as ``config.labels[0]`` is about, if any."""
    for field in fields:
        rest = (path or "").removeprefix(field.name)
        if path == field.name or (rest != path and rest.startswith((".", "["))):
            return field.name
    return None


def _resolved(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> dict[str, Any]:
    """Follow a reference, and take the one thing that a value may be beside null."""
    found = dict(schema)
    if "$ref" in found:
        name = found.pop("$ref").rsplit("/", 1)[1]
        found = {**_resolved(definitions[name], definitions), **found}
    if "anyOf" in found:
        kinds = [_resolved(each, definitions) for each in found["anyOf"]]
        real = [each for each in kinds if each.get("type") != "null"]
        if len(real) == 1:
            found.pop("anyOf")
            found = {**real[0], **found, "nullable": len(kinds) > 1}
    return found


def _field(name: str, schema: Mapping[str, Any], *, required: bool) -> Field:
    kind = _kind(schema)
    default = schema.get("default")
    return Field(
        name=CONFIG + name,
        label=schema.get("title", name),
        hint=schema.get("description", ""),
        kind=kind,
        required=required,
        nullable=bool(schema.get("nullable")),
        whole=schema.get("type") == "integer",
        options=tuple(schema.get("enum", ())),
        value="" if kind is Kind.SECRET else _text(kind, default),
    )


def _kind(schema: Mapping[str, Any]) -> Kind:
    match schema:
        case {"writeOnly": True}:
            return Kind.SECRET
        case {"enum": [*options]} if all(isinstance(each, str) for each in options):
            return Kind.CHOICE
        case {"type": "string"}:
            return Kind.TEXT
        case {"type": "integer" | "number"}:
            return Kind.NUMBER
        case {"type": "boolean"} if not schema.get("nullable"):
            return Kind.CHECK
        case {"type": "array", "items": {"type": "string"}}:
            return Kind.LINES
        case _:
            return Kind.JSON


def _text(kind: Kind, value: Any) -> str:  # noqa: ANN401 - any JSON value
    """Return how a value stands in its field; whatever is empty leaves it empty."""
    if value in (None, "", [], {}):
        return ""
    match kind:
        case Kind.CHECK:
            return "on" if value else ""
        case Kind.LINES:
            return "\n".join(map(str, value))
        case Kind.JSON:
            return json.dumps(value, indent=2, ensure_ascii=False)
        case _:
            return str(value)


def _value(field: Field, typed: str) -> Any:  # noqa: ANN401 - any JSON value
    match field.kind:
        case Kind.CHECK:
            return bool(typed)
        case Kind.LINES:
            return list(_lines(typed)) or None
        case Kind.NUMBER:
            return _number(typed, whole=field.whole) if typed.strip() else None
        case Kind.JSON:
            return _json(typed) if typed.strip() else None
        case _:
            left_out = not typed.strip() and (field.nullable or field.required)
            return None if left_out else typed.strip()


def _lines(typed: str) -> Iterator[str]:
    return (line.strip() for line in typed.splitlines() if line.strip())


def _number(typed: str, *, whole: bool) -> float:
    try:
        number = int(typed) if whole else float(typed)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        msg = "must be a whole number" if whole else "must be a number"
        raise ValueError(msg)
    return number


def _json(typed: str) -> Any:  # noqa: ANN401 - any JSON value
    try:
        return msgspec.json.decode(typed)
    except (msgspec.DecodeError, RecursionError) as error:
        msg = f"this is not JSON: {str(error).removeprefix('JSON is malformed: ')}"
        raise ValueError(msg) from None
