"""The scenes of the live demo: each is something that happens between a case and its tickets.

They are values made of a seed; nothing here calls anything. What a scene waits for is part of it,
so a scene that has been played has been seen.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from typing import Any, Final

from casebridge.demo.acts import (
    Act,
    Ask,
    AtVendor,
    MapStatus,
    Mend,
    Open,
    ReplayEvent,
    Rest,
    Trouble,
    Until,
    Vendor,
    Verb,
    Webhooks,
)
from casebridge.demo.cast import ADA, BEN, Cast

Scene = Callable[[Cast], Iterator[Act]]

_SHORT: Final = Rest(seconds=2)
_LONG: Final = Rest(seconds=5)
_CASE_PAGE: Final = "/cases/{id}"
UNKNOWN_STATUSES: Final = ("Waiting for vendor", "Change freeze", "Parked")
"""Statuses of the stand-in Jira that the plugin has no meaning for, one for each early round."""


def an_incident_from_detection_to_resolution(cast: Cast) -> Iterator[Act]:
    """Contained by an analyst, resolved by a human in Jira, followed by ServiceNow."""
    incident = cast.incident()
    case = yield from _case(cast, incident)
    yield _ask(case, "comments", {"text": "Checked the EDR: the process is gone."})
    yield Ask(
        method="PATCH",
        path="/v1/cases/{id}",
        body={"agent_summary": "Confidence 0.93: true positive. Contain the host."},
        case=case,
        line="the agent sums up {title!r}; its tickets get that as a comment",
    )
    yield _LONG
    target = incident["entities"][0]["value"]
    action = {"action": "Contain", "target": target, "outcome": "done by the EDR"}
    yield _ask(case, "containment-actions", action, f"containment of {target} is recorded")
    yield Trouble(vendor="servicenow", kind="slow_answer", seconds=1.0)
    yield _ask(case, "status", {"status": "contained"}, "an analyst contains {title!r}")
    yield Until(case=case, vendor="servicenow", state="syncing")
    yield Until(case=case, vendor="jira", said="our own change coming back")
    yield Mend(vendor="servicenow", line="both tickets follow, and their echoes change nothing")
    yield Until(case=case, state="linked", there="In Progress")
    yield _LONG
    yield _human(case, "assign", ADA, ADA, "{jira} is assigned to " + ADA + ", in Jira")
    yield Until(case=case, vendor="jira", said=ADA)
    yield _SHORT
    text = "Rotated the password of the account."
    yield _human(case, "comment", text, BEN, BEN + " comments on {jira}; the case keeps it")
    yield Until(case=case, vendor="jira", said=BEN)
    yield _LONG
    yield _human(case, "move", "Done", ADA, ADA + " resolves {jira}, in Jira")
    yield Until(case=case, status="resolved")
    yield Until(
        case=case,
        vendor="servicenow",
        state="linked",
        there="Resolved",
        line="the case is resolved, and {servicenow} follows",
    )


def a_vendor_goes_down(cast: Cast) -> Iterator[Act]:
    """ServiceNow answers 503: the ticket fails and is tried again, until it is back."""
    yield Trouble(
        vendor="servicenow",
        kind="status",
        status=503,
        line="ServiceNow goes down: it answers 503",
        page="/connectors/{servicenow_connector}",
    )
    case = cast.number()
    yield Open(case=case, fields=cast.incident(), line="{title!r} is opened all the same")
    yield Until(case=case, vendor="jira", state="linked")
    yield Until(
        case=case,
        vendor="servicenow",
        state="failing",
        line="{jira} is minted; ServiceNow fails, and is tried again by itself",
        page=_CASE_PAGE,
    )
    yield _LONG
    yield Mend(vendor="servicenow", line="ServiceNow is back")
    yield Until(case=case, state="linked", line="a retry minted {servicenow}: nobody did anything")


def a_credential_is_refused(cast: Cast) -> Iterator[Act]:
    """Jira answers 401: the breaker opens with one notice, and a good check closes it."""
    case = yield from _case(cast)
    page = "/connectors/{jira_connector}"
    yield Trouble(vendor="jira", kind="status", status=401, line="Jira refuses the API token")
    yield _ask(case, "status", {"status": "triage"}, "an analyst takes {title!r}")
    yield Until(
        case=case,
        vendor="jira",
        state="paused",
        line="the breaker of Jira's connector is open; nothing hammers at Jira",
        page=page,
    )
    yield _LONG
    yield Mend(vendor="jira", line="the token is good again")
    yield Ask(
        path="/v1/connectors/{jira_connector}/check",
        case=case,
        line="somebody checks the connection, which closes the breaker",
        page=page,
    )
    yield Until(case=case, state="linked", there="In Progress", line="{jira} catches up")


def a_dead_letter(cast: Cast) -> Iterator[Act]:
    """Jira refuses a ticket for good; somebody mends it and replays the dead letter."""
    yield Trouble(vendor="jira", kind="status", operation="create", status=400)
    case = cast.number()
    yield Open(case=case, fields=cast.incident(), line="a detection opens {title!r}")
    yield Until(
        case=case,
        vendor="jira",
        state="dead",
        line="Jira refuses the ticket: a dead letter, and somebody has to look",
        page=_CASE_PAGE,
    )
    yield _LONG
    yield Mend(vendor="jira", line="the project's required field is gone")
    yield Ask(path="/v1/tickets/{jira_ticket}/replay", case=case, line="somebody replays it")
    yield Until(case=case, state="linked", line="minted {jira}: the dead letter is no more")


def a_conflict_during_maintenance(cast: Cast) -> Iterator[Act]:
    """Case and ticket are moved at once while the connector is paused: the case wins."""
    case = yield from _case(cast)
    page = "/connectors/{servicenow_connector}"
    yield Ask(
        path="/v1/connectors/{servicenow_connector}/pause",
        body={"reason": "ServiceNow is upgraded tonight"},
        case=case,
        line="ServiceNow's connector is paused for an upgrade",
        page=page,
    )
    yield Webhooks(vendor="servicenow", mode="hold")
    yield _human(case, "move", "Resolved", BEN, BEN + " resolves {servicenow}", vendor="servicenow")
    yield _SHORT
    yield _ask(case, "status", {"status": "contained"}, "an analyst contains the case meanwhile")
    yield _SHORT
    yield Webhooks(vendor="servicenow", mode="flow", line="the webhook about it arrives late")
    yield Until(
        case=case,
        vendor="servicenow",
        said="the case has moved since",
        status="contained",
        line="a conflict: the case moved since, so it stays contained",
        page=_CASE_PAGE,
    )
    yield _LONG
    yield Ask(
        path="/v1/connectors/{servicenow_connector}/resume",
        case=case,
        line="the connector is resumed",
        page=page,
    )
    yield Until(
        case=case, state="linked", there="In Progress", line="{servicenow} follows the case"
    )


def an_unmapped_status(cast: Cast, *, name: str = UNKNOWN_STATUSES[0]) -> Iterator[Act]:
    """Jira has a status that nobody gave a meaning; an administrator maps it."""
    case = yield from _case(cast)
    yield _human(case, "move", name, BEN, f"{BEN} moves {{jira}} to {name!r}")
    yield Until(
        case=case,
        vendor="jira",
        said="no meaning",
        line="which means nothing for a case yet: the case stays, and the status is on a list",
        page="/unmapped",
    )
    yield _LONG
    yield MapStatus(
        name=name, status="contained", line=f"an administrator maps {name!r} to contained"
    )
    yield Until(case=case, status="contained", line="the case follows at once", page=_CASE_PAGE)
    yield Until(case=case, vendor="servicenow", state="linked", there="In Progress")


def a_case_is_reopened(cast: Cast) -> Iterator[Act]:
    """Closed by an analyst, reopened by a human in Jira."""
    case = yield from _case(cast)
    yield _ask(
        case, "status", {"status": "closed", "reason": "false positive"}, "closed: {title!r}"
    )
    yield Until(case=case, state="linked", line="both tickets are done")
    yield _LONG
    yield _human(case, "move", "To Do", ADA, ADA + " is not convinced, and reopens {jira}")
    yield Until(case=case, status="open", line="the case is open again", page=_CASE_PAGE)
    yield Until(case=case, state="linked")


def a_webhook_is_lost(cast: Cast) -> Iterator[Act]:
    """No webhook tells of a change; the reconciler finds it."""
    case = yield from _case(cast)
    yield Webhooks(vendor="jira", mode="drop")
    yield _human(case, "move", "In Progress", ADA, ADA + " moves {jira}, and the webhook is lost")
    yield Rest(seconds=18)
    yield Webhooks(vendor="jira", mode="flow")
    yield Ask(path="/v1/connectors/{jira_connector}/reconcile", case=case)
    yield Until(
        case=case,
        status="triage",
        line="the reconciler asks Jira what has changed, and the case follows",
        page=_CASE_PAGE,
    )
    yield Until(case=case, state="linked")


def a_deaf_connector(cast: Cast) -> Iterator[Act]:
    """A webhook comes while its connector is disabled; its event is kept and replayed."""
    case = yield from _case(cast)
    yield _enable(case, enabled=False, line="somebody disables Jira's connector")
    yield _human(case, "move", "Done", BEN, BEN + " resolves {jira}; the webhook changes nothing")
    yield _LONG
    yield _enable(case, enabled=True, line="the connector is enabled again")
    yield ReplayEvent(
        case=case,
        reason="connector_disabled",
        line="somebody replays the event that was kept",
        page="/events",
    )
    yield Until(case=case, status="resolved", line="and the case is resolved", page=_CASE_PAGE)
    yield Until(case=case, state="linked")


def tickets_that_go(cast: Cast) -> Iterator[Act]:
    """One moves to another project, one is deleted, and one vanishes without a word."""
    case = yield from _case(cast)
    yield _human(case, "move_project", "OPS", ADA, ADA + " moves the ticket to the project OPS")
    yield Until(case=case, vendor="jira", said="OPS", line="it is {jira} now", page=_CASE_PAGE)
    yield _SHORT
    force = {"reason": "the workflow asks for an approval that nobody can give tonight"}
    yield Ask(
        path="/v1/tickets/{jira_ticket}/force-sync",
        body=force,
        case=case,
        line="an administrator forces {jira}, and says why",
    )
    yield Until(case=case, state="linked")
    yield _human(case, "delete", "", ADA, ADA + " deletes {jira}")
    yield Until(case=case, vendor="jira", state="gone", line="the case goes on without it")
    yield _SHORT
    yield Webhooks(vendor="servicenow", mode="drop")
    yield _human(case, "delete", "", BEN, BEN + " deletes {servicenow}", vendor="servicenow")
    yield _ask(case, "resync", None, "an analyst has the tickets read: one is not there any more")
    yield Until(case=case, vendor="servicenow", state="dead", page=_CASE_PAGE, line="it is told")
    yield Webhooks(vendor="servicenow", mode="flow")


SCENES: Final[tuple[Scene, ...]] = (
    an_incident_from_detection_to_resolution,
    a_credential_is_refused,
    a_vendor_goes_down,
    a_dead_letter,
    an_unmapped_status,
    a_case_is_reopened,
    a_conflict_during_maintenance,
    a_webhook_is_lost,
    a_deaf_connector,
    tickets_that_go,
)


def _case(cast: Cast, incident: dict[str, Any] | None = None) -> Generator[Act, None, int]:
    """Open the next case, see both of its tickets minted, and return its number."""
    case, fields = cast.number(), incident or cast.incident()
    yield Open(case=case, fields=fields, line="a detection opens {title!r}", page=_CASE_PAGE)
    yield Until(case=case, state="linked", line="minted {jira} and {servicenow}")
    yield _SHORT
    return case


def _ask(case: int, verb: str, body: object, line: str = "") -> Ask:
    return Ask(path=f"/v1/cases/{{id}}/{verb}", body=body, case=case, line=line)


def _enable(case: int, *, enabled: bool, line: str) -> Ask:
    path = "/v1/connectors/{jira_connector}"
    return Ask(method="PATCH", path=path, body={"enabled": enabled}, case=case, line=line)


def _human(
    case: int, verb: Verb, what: str, by: str, line: str, *, vendor: Vendor = "jira"
) -> AtVendor:
    return AtVendor(vendor=vendor, verb=verb, what=what, by=by, case=case, line=line)
