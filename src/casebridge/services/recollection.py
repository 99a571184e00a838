"""What is known of a case and its ticket, from the rows: what the inbound decision starts from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from casebridge.domain.assignees import Assignment
from casebridge.domain.comments import KnownComment, OurComments
from casebridge.domain.decision import CaseState, RefState
from casebridge.domain.inbound import Known
from casebridge.domain.whereabouts import Whereabouts
from casebridge.persistence.cases import AnnotationRow, CaseRow
from casebridge.persistence.connectors import PostedCommentRow, RefRow
from casebridge.services.snapshots import settled_native, ticket_status
from casebridge_core import CaseStatus, Person, TicketEvent

Annotations = Mapping[str, AnnotationRow]
"""Annotations by the comment's id at the vendor."""

Posted = Mapping[str, str | None]
"""The ids at the vendor of our own comments, by their keys."""


async def annotations_about(session: AsyncSession, ref: RefRow, event: TicketEvent) -> Annotations:
    """Return the annotations of the comments that an event tells of."""
    ids = {comment.external_id for comment in event.comments}
    if not ids:
        return {}
    rows = await session.scalars(
        select(AnnotationRow).where(
            AnnotationRow.ref_id == ref.id, AnnotationRow.external_id.in_(ids)
        )
    )
    return {row.external_id: row for row in rows}


async def posted_comments(session: AsyncSession, ref: RefRow, event: TicketEvent) -> Posted:
    """Return our own comments on a ticket, where an event tells of any."""
    if not event.comments:
        return {}
    query = select(PostedCommentRow.key, PostedCommentRow.external_id).where(
        PostedCommentRow.ref_id == ref.id
    )
    return {key: external_id for key, external_id in await session.execute(query)}  # noqa: C416 - rows are not pairs to a type checker


def what_is_known(
    case: CaseRow,
    ref: RefRow,
    annotations: Annotations,
    posted: Posted,
    *,
    account: str | None,
) -> Known:
    """Return everything that the decision needs; ``account`` is ours at the vendor."""
    return Known(
        case=CaseState(
            status=CaseStatus(case.status),
            trail=tuple(CaseStatus(held) for held in case.status_trail),
            status_changed_at=case.status_changed_at,
        ),
        ref=_ref_state(ref, account),
        whereabouts=Whereabouts(
            key=ref.external_key,
            key_seen_at=ref.key_seen_at,
            gone=ref.gone_at is not None,
            gone_seen_at=ref.gone_seen_at,
            status_seen_at=ref.status_seen_at,
            noted_at=ref.last_inbound_at,
        ),
        assignment=assignment_of(ref),
        comments={external_id: _known(row) for external_id, row in annotations.items()},
        ours=OurComments(account=account, posted=posted),
    )


async def assignments_of(session: AsyncSession, case: CaseRow) -> Sequence[Assignment]:
    """Return who has the tickets of a case that are there."""
    refs = await session.scalars(
        select(RefRow).where(RefRow.case_id == case.id, RefRow.gone_at.is_(None))
    )
    return [assignment_of(ref) for ref in refs]


def assignment_of(ref: RefRow) -> Assignment:
    """Return who has a ticket."""
    person: Person | None = None
    if ref.assignee_id is not None:
        person = Person(id=ref.assignee_id, name=ref.assignee_name, email=ref.assignee_email)
    return Assignment(
        person=person,
        since=ref.assigned_at,
        seen_at=ref.assignee_seen_at,
        noted_at=ref.last_inbound_at,
    )


def note_assignment(ref: RefRow, assignment: Assignment) -> None:
    """Write down who has a ticket."""
    person = assignment.person
    ref.assignee_id = person.id if person is not None else None
    ref.assignee_name = person.name if person is not None else None
    ref.assignee_email = person.email if person is not None else None
    ref.assigned_at, ref.assignee_seen_at = assignment.since, assignment.seen_at


def note_assignee(case: CaseRow, person: Person | None, now: datetime) -> None:
    """Write down whom a case names."""
    told = (person.id, person.name, person.email) if person is not None else (None, None, None)
    if told != (case.assignee_id, case.assignee_name, case.assignee_email):
        case.assignee_id, case.assignee_name, case.assignee_email = told
        case.updated_at = now


def note_comment(row: AnnotationRow, comment: KnownComment) -> None:
    """Write down what is known of a comment."""
    row.text, row.internal = comment.text, comment.internal
    row.author_id = comment.author.id if comment.author is not None else None
    row.author_name = comment.author.name if comment.author is not None else None
    row.written_at, row.edited_at = comment.written_at, comment.edited_at
    row.deleted_at, row.seen_at = comment.deleted_at, comment.seen_at


def _ref_state(ref: RefRow, account: str | None) -> RefState:
    return RefState(
        settled_status=CaseStatus(ref.settled_status) if ref.settled_status else None,
        settled_native=settled_native(ref),
        ticket_status=ticket_status(ref),
        status_seen_at=ref.status_seen_at,
        status_noted_at=ref.status_noted_at,
        own_account=account,
        pushing=ref.status_attempted_at is not None,
        unclear=ref.status_unclear_at is not None,
        given_up=ref.dead_at is not None,
    )


def _known(row: AnnotationRow) -> KnownComment:
    author = Person(id=row.author_id, name=row.author_name) if row.author_id is not None else None
    return KnownComment(
        text=row.text,
        written_at=row.written_at,
        author=author,
        internal=row.internal,
        edited_at=row.edited_at,
        deleted_at=row.deleted_at,
        seen_at=row.seen_at,
    )
