"""Of tickets: exactly one, in step with its case, with everybody's comments once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final

from chaos.evidence import Ref
from chaos.invariants.case_files import CaseFile, TicketFile
from chaos.invariants.violations import Kind, Violation

_EXPLAINING: Final = frozenset({"push_failed", "ticket_missing", "ticket_deleted"})


def one_ticket_each(file: CaseFile) -> Iterator[Violation]:
    """A case has exactly one ticket at each vendor, deleted ones included, and knows which."""
    for each in file.tickets:
        ref, count = each.ref, len(each.tickets) + each.deleted
        if count > 1:
            names = ", ".join(ticket.name for ticket in each.tickets)
            yield file.wrong(
                Kind.TICKET_DOUBLED, f"{each.vendor}: {names}, and {each.deleted} deleted"
            )
        elif ref is None or (count == 0 and not _is_explained(file, ref)):
            yield file.wrong(Kind.TICKET_MISSING, f"{each.vendor}: no ticket, and no word of why")
        elif each.ticket is not None and ref.ticket != each.ticket.id:
            words = f"{each.vendor}: the ref names {ref.ticket}, its key is on {each.ticket.id}"
            yield file.wrong(Kind.TICKET_MIXED_UP, words)
        elif each.deleted and not (ref.gone or ref.dead) and file.case.status != "closed":
            # nobody reads the tickets of closed cases
            yield file.wrong(Kind.DELETION_UNNOTICED, f"{each.vendor}: {ref.name} was deleted")


def tickets_agree(file: CaseFile) -> Iterator[Violation]:
    """A ticket stands for its case's status, or the case says why not; its assignee is known."""
    for each in file.tickets:
        ref, ticket = each.ref, each.ticket
        if ref is None or ticket is None:
            continue
        agrees = file.case.status in each.facts.meanings.get(ticket.status, ())
        is_known = ticket.status in each.facts.unmapped
        if not (agrees or is_known or (_is_explained(file, ref) and not ref.gone)):
            words = f"{each.vendor}: {ticket.name} is {ticket.status}, the case {file.case.status}"
            yield file.wrong(Kind.DISAGREEMENT, words)
        if ref.gone:
            words = f"{each.vendor}: {ticket.name} is there and taken for deleted"
            yield file.wrong(Kind.DISAGREEMENT, words)
        elif ref.assignee != ticket.assignee:
            words = f"{each.vendor}: {ticket.name} is {ticket.assignee}'s, not {ref.assignee}'s"
            yield file.wrong(Kind.ASSIGNEE_DIFFERS, words)


def comments_stand_once(file: CaseFile) -> Iterator[Violation]:
    """Each containment action and the agent's summary stand on a ticket once, and no more."""
    wanted = [*file.case.actions]
    wanted += [order.marker for order in file.orders if order.kind == "create" and order.summarised]
    private = [order.marker for order in file.orders if order.kind == "comment"]
    for each in file.tickets:
        if each.ref is None or each.ticket is None:
            continue
        ours = [comment.text for comment in each.ticket.comments if comment.ours]
        for marker in wanted:
            count = sum(marker in text for text in ours)
            words = f"{each.vendor}: {marker} stands {count} times on {each.ticket.name}"
            if count > 1:
                yield file.wrong(Kind.COMMENT_DOUBLED, words)
            elif count == 0 and not _is_explained(file, each.ref):
                yield file.wrong(Kind.COMMENT_LOST, words)
        for marker in private:
            if any(marker in comment.text for comment in each.ticket.comments):
                words = f"{each.vendor}: {marker} was for the case only"
                yield file.wrong(Kind.COMMENT_LEAKED, words)


def notes_are_what_people_wrote(file: CaseFile) -> Iterator[Violation]:
    """What people wrote on a ticket stands with the case once, and what we wrote does not."""
    markers = [order.marker for order in file.orders]
    for each in file.tickets:
        notes = Counter(
            note.text for note in file.case.notes if note.vendor == each.vendor and not note.deleted
        )
        for text in notes:
            if any(marker in text for marker in markers):
                words = f"{each.vendor}: {text!r} is ours, and an annotation"
                yield file.wrong(Kind.ECHO_ANNOTATED, words)
        if each.ticket is None:
            continue
        for comment in each.ticket.comments:
            count = notes[comment.text]
            words = f"{each.vendor}: {comment.text!r} is an annotation {count} times"
            if comment.ours:
                continue
            if count > 1:
                yield file.wrong(Kind.ANNOTATION_DOUBLED, words)
            elif count == 0 and each.ticket.listed and not _may_be_an_older_text(each):
                yield file.wrong(Kind.ANNOTATION_LOST, words)


def _is_explained(file: CaseFile, ref: Ref) -> bool:
    """Tell whether the case itself says why its ticket is not where it should be."""
    told = any(row.kind in _EXPLAINING and row.vendor == ref.vendor for row in file.case.rows)
    return told and (ref.gone or (ref.dead and bool(ref.error)))


def _may_be_an_older_text(each: TicketFile) -> bool:
    """Tell whether the order of edits cannot be known: the vendor's clock was set back."""
    return each.facts.clock_went_back and any(deed.kind == "rewrite" for deed in each.deeds)
