"""Why a status cannot be reached, in words that an analyst understands, with the cure. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from casebridge_core import CaseStatus, InvalidRequest, NativeStatus, TransitionRejected

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from casebridge_jira.transitions import Hop, Transition


def unknown_status(
    native: str, status: CaseStatus, known: Iterable[NativeStatus]
) -> TransitionRejected:
    """Say that no workflow of the project has the status, and which ones there are."""
    names = tuple(each.name for each in known)
    return TransitionRejected(
        f'The project has no status "{native}". It has: {_listed(names)}. Map the case status'
        f' "{status}" to one of these in the connector\'s status map.',
        allowed=names,
    )


def out_of_steps(here: NativeStatus, target: NativeStatus, steps: int) -> TransitionRejected:
    """Say that the walk was too long."""
    return TransitionRejected(
        f'"{target.name}" was not reached within {steps} steps; the issue stands in "{here.name}".'
    )


def no_way(
    here: NativeStatus, target: NativeStatus, offers: Sequence[Transition]
) -> TransitionRejected:
    """Say that no transition leads on, and which there are."""
    allowed = _names(offers)
    if not allowed:
        return TransitionRejected(
            f'Jira offers no transition out of "{here.name}". The account may lack the permission'
            ' "Transition issues", or the workflow ends there.'
        )
    return TransitionRejected(
        f'Jira\'s workflow has no way from "{here.name}" to "{target.name}". From there it allows:'
        f" {_listed(allowed)}. Add a transition in Jira, or change the connector's status map.",
        allowed=allowed,
    )


def asks_for_more(
    hop: Hop, refusal: InvalidRequest, offers: Sequence[Transition]
) -> TransitionRejected:
    """Say which fields the transition asks for, and their allowed values."""
    names = {field.id: field for field in hop.transition.fields}
    missing = refusal.fields or tuple(field.id for field in hop.unmet)
    choices = [
        f"{names[name].name} (allowed: {_listed(values)})"
        for name in missing
        if name in names and (values := _values(names[name].allowed))
    ]
    told = f'Jira refused the transition "{hop.transition.name}" to "{hop.transition.to.name}"'
    cure = ""
    if missing:
        cure = (
            f" It asks for: {_listed(missing)}. Set it under transition_fields for"
            f' "{hop.transition.to.name}".'
        )
    if choices:
        cure += f" {'; '.join(choices)}."
    return TransitionRejected(
        f"{told}: {refusal}.{cure}", missing_fields=missing, allowed=_names(offers)
    )


def not_taken(hop: Hop, here: NativeStatus, offers: Sequence[Transition]) -> TransitionRejected:
    """Say that a transition was accepted and did not take."""
    return TransitionRejected(
        f'Jira accepted the transition "{hop.transition.name}" to "{hop.transition.to.name}", yet'
        f' the issue still stands in "{here.name}". Look for an automation that moves it back.',
        allowed=_names(offers),
    )


def _names(offers: Iterable[Transition]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(offer.to.name for offer in offers))


def _values(allowed: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    found = (value.get("name") or value.get("value") for value in allowed)
    return tuple(name for name in found if isinstance(name, str))


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)
