"""A form made from a plugin's schema, and the values that are made of what somebody typed."""

from __future__ import annotations

from typing import Annotated, Any

import pytest
from msgspec import Meta, field

from casebridge.web.console.config_form import (
    CONFIG,
    FORGET,
    Field,
    Kind,
    as_typed,
    field_at,
    fields_of,
    read,
    with_values,
)
from casebridge_core import ConnectorConfig, Secret, Severity
from casebridge_core.connectors import config_schema

STORED = "stored-secret"


class OddConfig(ConnectorConfig, frozen=True, kw_only=True):
    """One field of every kind."""

    token: Secret
    second: Secret | None = None
    severity: Severity = Severity.LOW
    maybe: Severity | None = None
    note: Annotated[str, Meta(title="A note", description="What to say.")] = "hello"
    nothing: str | None = None
    count: int = 3
    share: float | None = None
    on: bool = True
    labels: tuple[str, ...] = ()
    nested: dict[str, dict[str, int]] = field(default_factory=dict)
    either: int | str = 1
    filled: Annotated[str, Meta(extra_json_schema={"readOnly": True})] = ""
    renewed: str = ""


FIELDS = fields_of(config_schema(OddConfig), but={"renewed"})


def of(name: str, fields: tuple[Field, ...] = FIELDS) -> Field:
    return next(each for each in fields if each.name == CONFIG + name)


def values(**typed: str) -> tuple[dict[str, Any], dict[str, str]]:
    found, problems = read(FIELDS, {CONFIG + name: text for name, text in typed.items()})
    strip = {name.removeprefix(CONFIG): value for name, value in found.items()}
    return strip, {name.removeprefix(CONFIG): text for name, text in problems.items()}


def test_each_field_of_the_schema_has_what_it_is_filled_in_with() -> None:
    assert {each.name.removeprefix(CONFIG): each.kind for each in FIELDS} == {
        "base_url": Kind.TEXT,
        "token": Kind.SECRET,
        "second": Kind.SECRET,
        "severity": Kind.CHOICE,
        "maybe": Kind.CHOICE,
        "note": Kind.TEXT,
        "nothing": Kind.TEXT,
        "count": Kind.NUMBER,
        "share": Kind.NUMBER,
        "on": Kind.CHECK,
        "labels": Kind.LINES,
        "nested": Kind.JSON,
        "either": Kind.JSON,
    }
    assert [each.name for each in FIELDS if each.required] == ["config.base_url", "config.token"]
    assert (of("note").label, of("note").hint, of("note").value) == (
        "A note",
        "What to say.",
        "hello",
    )
    assert of("severity").value == "low"
    assert "critical" in of("severity").options
    assert of("maybe").nullable


def test_what_is_stored_stands_in_the_form_but_for_secrets() -> None:
    config = {
        "config.token": STORED,
        "config.labels": ["a", "b"],
        "config.nested": {"x": {"y": 1}},
        "config.on": False,
        "config.count": 0,
    }

    fields = with_values(FIELDS, config, secrets={"config.token"})

    assert of("token", fields).stored
    assert not of("second", fields).stored
    assert STORED not in repr(fields)
    assert of("labels", fields).value == "a\nb"
    assert of("nested", fields).value == '{\n  "x": {\n    "y": 1\n  }\n}'
    assert of("on", fields).value == ""
    assert of("count", fields).value == "0"


def test_the_stored_values_survive_the_form_unchanged() -> None:
    config = {"labels": ["a"], "nested": {"x": {"y": 1}}, "on": True, "count": 7, "share": 0.5}
    fields = with_values(FIELDS, {CONFIG + name: value for name, value in config.items()})

    found, problems = read(fields, {each.name: each.value for each in fields})

    assert problems == {}
    assert {name: found[CONFIG + name] for name in config} == config


def test_what_is_left_empty_goes_back_to_its_default_and_secrets_stay() -> None:
    found, problems = values(note=" ", count="", nested="", labels="\r\n \r\n")

    assert problems == {}
    assert found["count"] is found["nested"] is found["labels"] is found["nothing"] is None
    assert found["note"] == ""
    assert found["on"] is False
    assert not {"token", "second"} & set(found)


def test_a_secret_is_changed_or_forgotten() -> None:
    assert values(token=" new ")[0]["token"] == " new "
    found, _ = read(FIELDS, {FORGET + "config.second": "on"})
    assert found["config.second"] is None


@pytest.mark.parametrize(
    ("name", "typed"),
    [
        ("count", "three"),
        ("count", "1.5"),
        ("share", "nan"),
        ("nested", "{'x': 1}"),
        ("nested", "[" * 100_000),
    ],
)
def test_what_cannot_be_read_is_told_at_its_field(name: str, typed: str) -> None:
    found, problems = values(**{name: typed})

    assert set(problems) == {name}
    assert name not in found


def test_what_was_typed_stays_but_for_secrets() -> None:
    form = {"config.note": "typed", "config.token": STORED}

    fields = as_typed(FIELDS, form, {"config.note": "is too short"})

    assert (of("note", fields).value, of("note", fields).problem) == ("typed", "is too short")
    assert of("on", fields).value == ""
    assert STORED not in repr(fields)


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("config.note", "config.note"),
        ("config.labels[0]", "config.labels"),
        ("config.nested.x.y", "config.nested"),
        ("config.note_of_another", None),
        ("config", None),
        (None, None),
    ],
)
def test_a_path_leads_to_its_field(path: str | None, name: str | None) -> None:
    assert field_at(FIELDS, path) == name
