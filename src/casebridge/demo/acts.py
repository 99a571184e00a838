"""What can happen in the live demo, as values: who does what to which case.

Cases have numbers in the script, in the order in which they are opened. A line, a path or a text
may name in braces what only the running service knows: ``{id}``, ``{title}``, and for either vendor
``{jira}`` (the ticket's key), ``{jira_ticket}`` (the ticket's id here) and ``{jira_connector}``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

Vendor = Literal["jira", "servicenow"]
Verb = Literal["move", "assign", "comment", "delete", "move_project"]


class Act(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happens. ``line`` is told when it has; ``page`` is where the console shows it.

    ``case`` is the number of the case that it is about; 0 is none.
    """

    line: str = ""
    page: str = ""
    case: int = 0


class Rest(Act, frozen=True, kw_only=True):
    """Nothing happens for a while (seconds)."""

    seconds: float


class Connect(Act, frozen=True, kw_only=True):
    """An administrator connects a vendor; ``config`` goes before what its stand-in asks for."""

    vendor: Vendor
    config: Mapping[str, Any] = {}


class Open(Act, frozen=True, kw_only=True):
    """A detection opens the case ``case``; ``fields`` are as ``POST /v1/cases`` takes them."""

    fields: Mapping[str, Any]


class Ask(Act, frozen=True, kw_only=True):
    """Somebody calls the API."""

    path: str
    body: object = None
    method: Literal["POST", "PATCH", "PUT"] = "POST"


class AtVendor(Act, frozen=True, kw_only=True):
    """A human works on a case's ticket in the vendor's own pages."""

    vendor: Vendor
    verb: Verb
    what: str = ""
    by: str


class Trouble(Act, frozen=True, kw_only=True):
    """A vendor answers an operation otherwise than it should, as the sandbox's faults say."""

    vendor: Vendor
    kind: Literal["status", "slow_answer"]
    operation: str = "any"
    status: int | None = None
    seconds: float = 0.0


class Mend(Act, frozen=True, kw_only=True):
    """A vendor answers as it should again."""

    vendor: Vendor


class Webhooks(Act, frozen=True, kw_only=True):
    """What becomes of a vendor's webhooks from now on; ``flow`` also sends those that were held."""

    vendor: Vendor
    mode: Literal["flow", "hold", "drop"]


class Until(Act, frozen=True, kw_only=True):
    """Wait until a case is as it should be, in everything that is named.

    ``status`` is the case's; ``state`` and ``there`` (its native status) are those of the ticket at
    ``vendor``, or of every ticket where none is named; ``said`` is part of a row of the timeline.
    """

    vendor: Vendor | None = None
    status: str | None = None
    state: str | None = None
    there: str | None = None
    said: str | None = None


class MapStatus(Act, frozen=True, kw_only=True):
    """An administrator says what an unmapped native status means."""

    name: str
    status: str


class ReplayEvent(Act, frozen=True, kw_only=True):
    """Somebody replays the newest event that was not applied for a reason."""

    reason: str
