"""What a caller may write into an issue, and what Jira says when it may not.

Source: Atlassian, "Create issue" and "Edit issue", Jira Cloud platform REST API.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from casebridge_sandbox.jira.documents import is_document, text_of
from casebridge_sandbox.jira.errors import not_on_screen

if TYPE_CHECKING:
    from casebridge_sandbox.desk import Desk
    from casebridge_sandbox.exchange import JsonObject
    from casebridge_sandbox.jira.scenario import JiraScenario

__all__ = ("FieldReader",)

_LONGEST_SUMMARY = 255
_LONGEST_LABEL = 255
_LONGEST_TEXT = 32_767
_TEXT_TOO_LONG = "The entered text is too long. It exceeds the allowed limit of 32,767 characters."
_RICH_TEXT = ("description", "environment")


class FieldReader:
    """Reads the ``fields`` of a create, an edit, or a transition.

    Args:
        scenario: The scenario.
        desk: Where the accounts are.
        rich_text: Whether texts are documents in this version of the API.

    Attributes:
        values: What was read so far, in the form in which it is stored.
        errors: What was wrong so far, by field.
    """

    def __init__(self, scenario: JiraScenario, desk: Desk, *, rich_text: bool) -> None:
        self._scenario = scenario
        self._desk = desk
        self._rich_text = rich_text
        self.values: dict[str, object] = {}
        self.errors: dict[str, str] = {}

    def read(self, fields: JsonObject, screen: Collection[str]) -> None:
        """Read every field; those that the screen does not have are errors."""
        for name, value in fields.items():
            if name not in screen:
                self.errors[name] = not_on_screen(name)
                continue
            stored, error = self._field(name, value)
            if error:
                self.errors[name] = error
            else:
                self.values[name] = stored

    def _field(self, name: str, value: object) -> tuple[object, str]:
        match name:
            case "summary":
                return self._summary(value)
            case "description" | "environment":
                return self._text(value)
            case "labels":
                return self._labels(value)
            case "priority":
                return self._named(value, self._scenario.priorities, "priority")
            case "resolution":
                return self._named(value, self._scenario.resolutions, "resolution")
            case "assignee" | "reporter":
                return self._user(value, name)
            case _:
                return value, ""

    def _summary(self, value: object) -> tuple[object, str]:
        if not isinstance(value, str) or not value.strip():
            return None, "You must specify a summary of the issue."
        if "\n" in value or "\r" in value:
            return None, "The summary is invalid because it contains newline characters."
        if len(value) > _LONGEST_SUMMARY:
            return None, "Summary must be less than 255 characters."
        return value, ""

    def _text(self, value: object) -> tuple[object, str]:
        if value is None:
            return None, ""
        if self._rich_text:
            if not is_document(value):
                return None, "Operation value must be an Atlassian Document"
        elif not isinstance(value, str):
            return None, "Operation value must be a string"
        if len(text_of(value)) > _LONGEST_TEXT:
            return None, _TEXT_TOO_LONG
        return value or None, ""

    def _labels(self, value: object) -> tuple[object, str]:
        if value is None:
            return None, ""
        if not isinstance(value, list) or not all(isinstance(label, str) for label in value):
            return None, "data was not an array"
        for label in value:
            if not label or any(character.isspace() for character in label):
                return None, f"The label '{label}' contains spaces which is invalid."
            if len(label) > _LONGEST_LABEL:
                return None, f"The label '{label}' is longer than 255 characters."
        return list(dict.fromkeys(value)) or None, ""

    def _named(self, value: object, names: tuple[str, ...], kind: str) -> tuple[object, str]:
        if value is None:
            return None, ""
        if not isinstance(value, dict):
            return None, "data was not an object"
        by_id = {str(number): name for number, name in enumerate(names, start=1)}
        if "id" in value:
            found = by_id.get(str(value["id"]))
            wrong = f"The {kind} selected is invalid."
        else:
            wanted = str(value.get("name", "")).casefold()
            found = next((name for name in names if name.casefold() == wanted), None)
            wrong = f"The {kind} selected is invalid."
        return (found, "") if found else (None, wrong)

    def _user(self, value: object, field: str) -> tuple[object, str]:
        if value is None:
            return None, ""
        key = ("accountId", "id") if self._scenario.is_cloud else ("name", "key")
        if not isinstance(value, dict):
            return None, "data was not an object"
        given = next((value[name] for name in key if name in value), None)
        if given is None:
            return None, ""
        for person in self._desk.people.values():
            if given == (person.id if self._scenario.is_cloud else person.name):
                return person.id, ""
        return None, f"The {field} specified is not valid."
