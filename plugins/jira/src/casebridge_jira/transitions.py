"""Which transition to take: pure decisions over what Jira offers from where an issue is.

Source: Atlassian, Jira Cloud REST v3, Issues, Get transitions (``expand=transitions.fields``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import msgspec

from casebridge_core import NativeStatus, StatusCategory
from casebridge_jira.tickets import read_id, read_objects, read_status, read_text

DEFAULT_RESOLUTIONS: Final = ("Done", "Fixed", "Resolved", "Completed")
"""What fills a required resolution that the settings leave open, the first that is allowed."""

_RANK: Final = {StatusCategory.NEW: 0, StatusCategory.IN_PROGRESS: 1, StatusCategory.DONE: 2}
_SIDE_TRACKS: Final = ("block", "hold", "wait", "pending", "pause", "cancel", "reject")


class ScreenField(msgspec.Struct, frozen=True, kw_only=True):
    """A field of a screen; ``allowed`` are the values it offers, as Jira lists them."""

    id: str
    name: str
    required: bool = False
    has_default: bool = False
    allowed: tuple[Mapping[str, Any], ...] = ()


class Transition(msgspec.Struct, frozen=True, kw_only=True):
    """An edge of the workflow that is open now. Its ``name`` says nothing of where it leads."""

    id: str
    name: str
    to: NativeStatus
    is_global: bool = False
    fields: tuple[ScreenField, ...] = ()


class Hop(msgspec.Struct, frozen=True, kw_only=True):
    """A decision: take ``transition`` with ``fields``; ``unmet`` are required and not filled.

    ``final`` tells that it ends at the target, ``last`` that no other edge from here does.
    """

    transition: Transition
    fields: Mapping[str, Any]
    unmet: tuple[ScreenField, ...] = ()
    final: bool = False
    last: bool = False


class Trail(msgspec.Struct, frozen=True, kw_only=True):
    """Where a walk has been.

    ``path`` are the statuses (their ids, else names) from the start to here; ``seen`` are all that
    were entered, dead ends included; ``refused`` the ids of transitions that Jira refused.
    """

    path: tuple[str, ...]
    seen: frozenset[str]
    refused: frozenset[str] = frozenset()


Settings = Callable[[NativeStatus], Mapping[str, Any]]
"""The configured fields of the transition to a status."""


def read_transitions(answer: object) -> tuple[Transition, ...]:
    """Return the transitions in Jira's answer; those whose target is not told are left out."""
    listed = read_objects(answer.get("transitions")) if isinstance(answer, Mapping) else ()
    return tuple(found for each in listed if (found := _read_transition(each)) is not None)


def identity(status: NativeStatus) -> str:
    """Return what tells a status from others: its id, or its name where there is none."""
    return status.id or status.name.strip().casefold()


def refuse(trail: Trail, hop: Hop) -> Trail:
    """Return the trail with one transition never to be tried again."""
    return msgspec.structs.replace(trail, refused=trail.refused | {hop.transition.id})


def start(status: NativeStatus) -> Trail:
    """Return the trail of a walk that begins at ``status``."""
    return Trail(path=(identity(status),), seen=frozenset({identity(status)}))


def follow(trail: Trail, status: NativeStatus) -> Trail:
    """Return the trail after the issue came to ``status``, forwards or back."""
    here = identity(status)
    back = here in trail.path
    path = trail.path[: trail.path.index(here) + 1] if back else (*trail.path, here)
    return msgspec.structs.replace(trail, path=path, seen=trail.seen | {here})


def choose(
    offers: Iterable[Transition],
    here: NativeStatus,
    target: NativeStatus,
    settings: Settings,
    trail: Trail,
    *,
    forced: bool = False,
) -> Hop | None:
    """Return the next hop: to the target, else towards it, else back; None where nothing is left.

    ``forced`` lets the way lead through statuses of the done category.
    """
    listed = tuple(offers)
    if final := direct_hops(listed, target, settings, trail):
        return msgspec.structs.replace(final[0], final=True, last=len(final) == 1)
    way = detours(listed, here, target, settings, trail, through_done=forced)
    return way[0] if way else retreat(listed, settings, trail)


def direct_hops(
    offers: Iterable[Transition], target: NativeStatus, settings: Settings, trail: Trail
) -> list[Hop]:
    """Return the hops that end at the target, those without unmet fields first."""
    hops = (
        fill(offer, settings)
        for offer in offers
        if offer.id not in trail.refused and is_target(offer.to, target)
    )
    return sorted(hops, key=lambda hop: len(hop.unmet))


def is_target(status: NativeStatus, target: NativeStatus) -> bool:
    """Tell whether a status is the one to reach, by id or by name."""
    return status.matches(target.id or target.name) or status.matches(target.name)


def detours(
    offers: Iterable[Transition],
    here: NativeStatus,
    target: NativeStatus,
    settings: Settings,
    trail: Trail,
    *,
    through_done: bool = False,
) -> list[Hop]:
    """Return the hops worth taking when none ends at the target, the best first.

    A detour never enters a status twice, needs no field that is not filled, and passes through no
    status of the done category, unless ``through_done``. It goes towards the target's category and
    not past it, prefers the workflow's own edges to global ones, and side tracks come last.
    """
    hops = [
        fill(offer, settings)
        for offer in offers
        if offer.id not in trail.refused
        and identity(offer.to) not in trail.seen
        and (through_done or offer.to.category is not StatusCategory.DONE)
    ]
    ready = [hop for hop in hops if not hop.unmet and _leads_on(hop, here, target)]
    return sorted(ready, key=lambda hop: _detour_cost(hop.transition, target))


def retreat(offers: Iterable[Transition], settings: Settings, trail: Trail) -> Hop | None:
    """Return the hop back out of a dead end, to where the walk came from; never into done."""
    if len(trail.path) < 2:  # noqa: PLR2004 - here and before
        return None
    back = (
        offer
        for offer in offers
        if identity(offer.to) == trail.path[-2] and offer.to.category is not StatusCategory.DONE
    )
    hops = (fill(offer, settings) for offer in back if offer.id not in trail.refused)
    return next((hop for hop in hops if not hop.unmet), None)


def fill(transition: Transition, settings: Settings) -> Hop:
    """Fill a transition's screen: settings first, else a resolution on the way to done.

    A field that is not on the screen is not sent, since Jira would refuse the whole request.
    """
    configured = settings(transition.to)
    fields: dict[str, Any] = {}
    unmet: list[ScreenField] = []
    for field in transition.fields:
        if field.id in configured:
            fields[field.id] = configured[field.id]
        elif not field.required or field.has_default:
            continue
        elif (resolution := _usual_resolution(transition, field)) is not None:
            fields[field.id] = resolution
        else:
            unmet.append(field)
    return Hop(transition=transition, fields=fields, unmet=tuple(unmet))


def _usual_resolution(transition: Transition, field: ScreenField) -> Mapping[str, Any] | None:
    if field.id != "resolution" or transition.to.category is not StatusCategory.DONE:
        return None
    allowed = {str(value.get("name", "")).casefold(): value for value in field.allowed}
    for name in DEFAULT_RESOLUTIONS:
        if (value := allowed.get(name.casefold())) is not None:
            return {"id": value["id"]} if "id" in value else {"name": value["name"]}
    return None


def _leads_on(hop: Hop, here: NativeStatus, target: NativeStatus) -> bool:
    """Tell whether a hop stays between the category of here and that of the target."""
    ranks = [_RANK.get(s.category) for s in (here, hop.transition.to, target) if s.category]
    if len(ranks) < 3:  # noqa: PLR2004 - one of the three is not told: any way may lead on
        return True
    a, b, c = (rank or 0 for rank in ranks)
    return min(a, c) <= b <= max(a, c)


def _detour_cost(transition: Transition, target: NativeStatus) -> tuple[int, bool, bool]:
    ours, wanted = transition.to.category, target.category
    distance = abs(_RANK[ours] - _RANK[wanted]) if ours and wanted else 0
    name = transition.to.name.casefold()
    return distance, any(word in name for word in _SIDE_TRACKS), transition.is_global


def _read_transition(value: Mapping[str, Any]) -> Transition | None:
    transition_id, to = read_id(value.get("id")), read_status(value.get("to"))
    if transition_id is None or to is None or value.get("isAvailable") is False:
        return None
    return Transition(
        id=transition_id,
        name=read_text(value.get("name")) or transition_id,
        to=to,
        is_global=value.get("isGlobal") is True,
        fields=_read_fields(value.get("fields")),
    )


def _read_fields(value: object) -> tuple[ScreenField, ...]:
    if not isinstance(value, Mapping):
        return ()
    return tuple(
        ScreenField(
            id=str(field_id),
            name=read_text(field.get("name")) or str(field_id),
            required=field.get("required") is True,
            has_default=field.get("hasDefaultValue") is True,
            allowed=tuple(read_objects(field.get("allowedValues"))),
        )
        for field_id, field in value.items()
        if isinstance(field, Mapping)
    )
