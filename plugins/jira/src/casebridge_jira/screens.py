"""The create screen: what Jira lets us fill, compared with what we fill. Pure.

Source: Atlassian, Jira Cloud REST v3, Issues, Get create field metadata; Cloud lists under
``issueTypes`` and ``fields``, Data Center under ``values``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from casebridge_core import CheckLine, Severity
from casebridge_jira.tickets import read_id, read_objects, read_text
from casebridge_jira.transitions import ScreenField, Transition, fill

if TYPE_CHECKING:
    from casebridge_jira.config import JiraConfig

_FILLED: Final = frozenset({"project", "issuetype", "summary", "description", "labels"})
_GIVEN_BY_JIRA: Final = frozenset({"reporter"})


def read_issue_type(answer: object, wanted: str) -> tuple[str | None, tuple[str, ...]]:
    """Return the id of the issue type named ``wanted``, and the names of all."""
    types = _listed(answer, "issueTypes")
    names = tuple(name for each in types if (name := read_text(each.get("name"))))
    for each in types:
        identity = read_id(each.get("id"))
        if wanted.strip().casefold() in {str(each.get("name", "")).casefold(), identity}:
            return identity, names
    return None, names


def read_create_fields(answer: object) -> tuple[ScreenField, ...]:
    """Return the fields of the create screen."""
    return tuple(
        ScreenField(
            id=str(each.get("fieldId") or each.get("key")),
            name=read_text(each.get("name")) or str(each.get("fieldId")),
            required=each.get("required") is True,
            has_default=each.get("hasDefaultValue") is True,
            allowed=tuple(read_objects(each.get("allowedValues"))),
        )
        for each in _listed(answer, "fields")
    )


def screen_lines(fields: tuple[ScreenField, ...], config: JiraConfig) -> Iterator[CheckLine]:
    """Yield a line for labels, for the priorities, and for what is required and not filled."""
    on_screen = {field.id: field for field in fields}
    there = "labels" in on_screen
    yield CheckLine(
        name="labels",
        ok=there,
        detail="on the create screen" if there else "not on the create screen",
        cure="" if there else "Add the field Labels to it: tickets are found again by it.",
    )
    yield from _priority_lines(on_screen.get("priority"), config)
    filled = _FILLED | _GIVEN_BY_JIRA | config.fields.keys()
    for field in fields:
        if field.required and not field.has_default and field.id not in filled:
            yield CheckLine(
                name=f"required field {field.name}",
                ok=False,
                detail=f"Jira asks for {field.id} and nothing fills it",
                cure=f'Give "{field.id}" a value under fields, or make it optional in Jira.',
            )


def transition_lines(
    offers: Iterable[Transition], wanted: Iterable[str], config: JiraConfig
) -> Iterator[CheckLine]:
    """Yield a line for each transition to a wanted status that asks for what nothing fills.

    A workflow asks for more in other places: these are the transitions out of one status only.
    """
    names = tuple(wanted)
    for offer in offers:
        hop = fill(offer, lambda status: config.fields_for_status(status.name, status.id))
        if hop.unmet and any(offer.to.matches(name) for name in names):
            yield CheckLine(
                name=f"transition {offer.name}",
                ok=None,
                detail=f"to {offer.to.name} asks for {', '.join(f.id for f in hop.unmet)}",
                cure=f'Give these a value under transition_fields for "{offer.to.name}".',
            )


def _priority_lines(field: ScreenField | None, config: JiraConfig) -> Iterator[CheckLine]:
    if field is None and not config.priorities:
        return
    if field is None:
        yield CheckLine(
            name="priority",
            ok=None,
            detail="not on the create screen: it is left out",
            cure="Add the field Priority to the create screen, or remove the priorities.",
        )
        return
    offered = {str(v.get(part, "")).casefold() for v in field.allowed for part in ("id", "name")}
    names = ", ".join(f"{value.get('name')} ({value.get('id')})" for value in field.allowed)
    wrong = [
        CheckLine(
            name=f"priority {chosen}",
            ok=False,
            detail=f"Jira has no such priority for severity {severity}",
            cure=f"Choose one of: {names}.",
        )
        for severity, chosen in config.priorities.items()
        if field.allowed and chosen.strip().casefold() not in offered
    ]
    open_ones = [severity for severity in Severity if severity not in config.priorities]
    left = f"; left to Jira for {', '.join(open_ones)}" if open_ones else ""
    yield from wrong or [CheckLine(name="priorities", ok=None, detail=f"offered: {names}{left}")]


def _listed(answer: object, name: str) -> list[Mapping[str, Any]]:
    if not isinstance(answer, Mapping):
        return []
    return read_objects(answer.get(name, answer.get("values")))
