"""Taking over what is not the status: a ticket's whereabouts, its assignee, people's comments."""

from __future__ import annotations

from collections.abc import Iterable

from casebridge.domain.actors import TimelineKind
from casebridge.domain.assignees import AssigneeDecision, Assignment, assignee_of_case
from casebridge.domain.comments import KnownComment
from casebridge.domain.identifiers import ANNOTATION, new_id
from casebridge.domain.watermarks import Arrival
from casebridge.domain.whereabouts import Fate, WhereaboutsDecision
from casebridge.persistence.cases import AnnotationRow, CaseRow
from casebridge.persistence.connectors import RefRow
from casebridge.services.narration import Narration, named
from casebridge.services.recollection import (
    assignment_of,
    note_assignee,
    note_assignment,
    note_comment,
)
from casebridge_core import TicketEvent


def take_whereabouts(
    ref: RefRow,
    event: TicketEvent,
    decision: WhereaboutsDecision,
    arrival: Arrival,
    narration: Narration,
) -> bool:
    """Follow a deletion, a restoration and a new key; tell whether there was any."""
    match decision.fate:
        case Fate.DELETED:
            ref.gone_at, ref.due_at, ref.gone_seen_at = arrival.received_at, None, arrival.at
            text = f"{ref.external_key} was deleted at the vendor; the case keeps its status"
            narration.record(TimelineKind.TICKET_DELETED, text)
        case Fate.BACK:
            ref.gone_at = ref.gone_seen_at = None
            text = f"{ref.external_key} is back at the vendor"
            narration.record(TimelineKind.TICKET_RESTORED, text)
        case Fate.GONE if event.deleted:
            ref.gone_seen_at = arrival.advance(ref.gone_seen_at)
    if decision.key is not None:
        _rename(ref, decision.key, narration)
    if event.key is not None and event.key == ref.external_key:
        ref.key_seen_at = arrival.advance(ref.key_seen_at)
    return decision.key is not None or decision.fate in {Fate.DELETED, Fate.BACK}


def _rename(ref: RefRow, key: str, narration: Narration) -> None:
    before, ref.external_key = ref.external_key or "", key
    if ref.external_url is not None and ref.external_url.endswith(before):
        ref.external_url = ref.external_url.removesuffix(before) + key
    narration.record(TimelineKind.TICKET_MOVED, f"{before} is now {key}")


def take_assignee(ref: RefRow, decision: AssigneeDecision, narration: Narration) -> bool:
    """Note who has the ticket; tell whether it is somebody else now."""
    before, person = ref.assignee_id, decision.assignment.person
    if decision.assignment != assignment_of(ref):
        note_assignment(ref, decision.assignment)
    if ref.assignee_id == before:
        return False
    who = named(person) if person is not None else "nobody"
    narration.record(TimelineKind.ASSIGNEE_CHANGED, f"{ref.external_key} is assigned to {who}")
    return True


def name_assignee(case: CaseRow, assignments: Iterable[Assignment], arrival: Arrival) -> None:
    """Let the case name whoever of its tickets' assignees was assigned last."""
    note_assignee(case, assignee_of_case(assignments), arrival.received_at)


def take_comment(
    event: TicketEvent,
    external_id: str,
    row: AnnotationRow | None,
    comment: KnownComment,
    narration: Narration,
) -> tuple[AnnotationRow, bool]:
    """Keep a comment as an annotation (``row``: the one that is there); tell whether it shows."""
    was_alive = row is None or row.deleted_at is None
    same_text = row is not None and row.text == comment.text
    verb, who = "commented" if row is None else "edited a comment", event.actor or comment.author
    if row is None:
        row = AnnotationRow(
            public_id=new_id(ANNOTATION),
            tenant_id=narration.case.tenant_id,
            case_id=narration.case.id,
            ref_id=narration.ref.id,
            external_id=external_id,
        )
    note_comment(row, comment)
    if comment.deleted_at is not None and was_alive:
        verb, who = "deleted a comment", event.actor
    elif same_text:
        return row, False
    text = f"{named(who)} {verb} on {narration.ref.external_key}"
    narration.record(TimelineKind.ANNOTATION, text, comment=external_id)
    return row, True
