"""The inbound decision: what one event means for every field of a case and its ticket.

One pure function, used by the webhook, the reconciler, a resync and a replay alike. It reads no
clock and no database: what is known comes in, what is to be done comes out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from casebridge.domain.assignees import AssigneeDecision, Assignment, decide_assignee
from casebridge.domain.comments import KnownComment, OurComments, follow, is_ours
from casebridge.domain.decision import (
    CaseState,
    Reason,
    RefState,
    StatusDecision,
    decide_status,
    is_own_write,
)
from casebridge.domain.watermarks import Arrival
from casebridge.domain.whereabouts import Whereabouts, WhereaboutsDecision, decide_whereabouts
from casebridge_core import CaseStatus, CommentAction, InboundComment, TicketEvent


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that is known of a case and one of its tickets, field by field.

    ``comments`` are the annotations that the event is about, by the comment's id at the vendor.
    """

    case: CaseState
    ref: RefState
    whereabouts: Whereabouts
    assignment: Assignment
    comments: Mapping[str, KnownComment] = {}
    ours: OurComments = OurComments()


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """What to do for every field. ``comments`` are those that are new or known otherwise now."""

    status: StatusDecision
    whereabouts: WhereaboutsDecision
    assignee: AssigneeDecision
    comments: Mapping[str, KnownComment] = {}

    @property
    def asks(self) -> bool:
        """Whether the ticket has to be read, because the order of things cannot be told."""
        return self.status.asks or self.whereabouts.asks or self.assignee.asks

    @property
    def reason(self) -> Reason | None:
        """Why the case keeps its status; that the ticket is read first, if only that is to say."""
        if self.status.reason is Reason.NO_STATUS and self.asks:
            return Reason.VERIFY_ASKED
        return self.status.reason


def decide(
    known: Known, event: TicketEvent, *, meanings: Sequence[CaseStatus], arrival: Arrival
) -> Decision:
    """Decide what an event means for every field.

    ``meanings`` are the case statuses that the event's native status can stand for, most likely
    first. What is about a ticket that is gone bears on nothing but what people wrote on it.
    """
    own = is_own_write(event, known.ref)
    whereabouts = decide_whereabouts(known.whereabouts, event, arrival, own=own)
    comments = _decide_comments(known, event, arrival, gone=not whereabouts.is_there)
    if not whereabouts.is_there:
        return Decision(
            status=StatusDecision(reason=Reason.TICKET_DELETED),
            whereabouts=whereabouts,
            assignee=AssigneeDecision(assignment=known.assignment),
            comments=comments,
        )
    return Decision(
        status=decide_status(known.case, known.ref, event, meanings=meanings, arrival=arrival),
        whereabouts=whereabouts,
        assignee=decide_assignee(known.assignment, event, arrival),
        comments=comments,
    )


def _decide_comments(
    known: Known, event: TicketEvent, arrival: Arrival, *, gone: bool
) -> dict[str, KnownComment]:
    changed: dict[str, KnownComment] = {}
    for told in event.comments:
        if is_ours(told, known.ours) or (gone and _goes_with_its_ticket(told)):
            continue
        before = changed.get(told.external_id) or known.comments.get(told.external_id)
        after = follow(before, told, arrival)
        if after != before:
            changed[told.external_id] = after
    return changed


def _goes_with_its_ticket(told: InboundComment) -> bool:
    """Tell whether a comment was deleted because its ticket was: it stays on the case."""
    return told.action is CommentAction.DELETED
