"""Why nothing of an event was applied, in words; docs/concepts.md says the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from casebridge.domain.decision import Reason

MEANINGS: Final[Mapping[Reason, str]] = {
    Reason.DUPLICATE: "this delivery came before, by its id or its body, and was dealt with",
    Reason.MALFORMED: "the body is no JSON object; the answer was a 400",
    Reason.UNRECOGNISED: "no plugin knows the payload",
    Reason.AMBIGUOUS: "several plugins claim it",
    Reason.PLUGIN_FAILED: "the plugin broke, or its configuration cannot be used",
    Reason.UNLINKED: "no case has this ticket",
    Reason.CONNECTOR_DISABLED: "the connector is disabled or removed",
    Reason.BRIDGE_OFF: "a feature flag is off: the tenant's bridge, or the vendor",
    Reason.TICKET_DELETED: (
        "the ticket is deleted, or was when this happened; the case keeps its status"
    ),
    Reason.NO_STATUS: "it is about something else, which may have been taken over",
    Reason.OWN_WRITE: "our own account did it",
    Reason.STALE: "something newer is known",
    Reason.VERIFY_ASKED: (
        "its place in time cannot be told: two changes in one second, no time at all, or a clock"
        " that was wrong"
    ),
    Reason.LAST_KNOWN: "both sides agree on this status already",
    Reason.ALREADY_THERE: "it can stand for the case's own status; both sides agree now",
    Reason.PUSH_IN_FLIGHT: ("our own push is under way or broke off, and this may be a hop of it"),
    Reason.UNMAPPED: "the status has no meaning on the ladder",
    Reason.SUPERSEDED: "the case has moved since, and its push is still to come",
}
CURES: Final[Mapping[Reason, str]] = {
    Reason.MALFORMED: "mend what sends it",
    Reason.UNRECOGNISED: "look at what is sent, or install the plugin",
    Reason.AMBIGUOUS: "bind the token to a connector",
    Reason.PLUGIN_FAILED: "mend it and replay the event",
    Reason.UNLINKED: "limit the webhook to tickets that Casebridge made",
    Reason.CONNECTOR_DISABLED: "enable it and replay the event, if you want it heard",
    Reason.BRIDGE_OFF: "switch the flag on",
    Reason.UNMAPPED: "map it, and what waited is applied",
}
"""What somebody can do; for any other reason, nothing is to be done."""
