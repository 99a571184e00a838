"""Each way to break a promise is planted in a sound world, and is found."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from chaos.evidence import Comment, Evidence, Note
from chaos.invariants import Kind, check
from chaos.ledger import Deed
from tests.chaos.sound import (
    CASE,
    GO,
    ORDERS,
    ROWS,
    SOUND,
    TICKETS,
    at,
    change,
    row,
    with_case,
    with_jira,
    with_ref,
    with_rows,
)

PUSHES = tuple(row(20 + number, "status_pushed", vendor="jira") for number in range(5))
FAILED = row(17, "push_failed", vendor="jira")
DELETED = Deed(
    kind="delete",
    vendor="jira",
    ticket="100",
    began_at=at(16),
    ended_at=at(16),
    key="aisoc-ref_a",
)
LEAKED = Comment(text="chaos-4", ours=True)
PLANTED: list[tuple[Kind, Evidence]] = [
    (Kind.TICKET_MISSING, replace(SOUND, tickets=TICKETS[1:])),
    (Kind.TICKET_MISSING, with_case(refs=CASE.refs[1:])),
    (Kind.TICKET_DOUBLED, replace(SOUND, tickets=(*TICKETS, replace(TICKETS[0], id="101")))),
    (Kind.TICKET_DOUBLED, replace(SOUND, deeds=(GO, replace(DELETED, ticket="99")))),
    (Kind.TICKET_MIXED_UP, with_ref(ticket="101")),
    (Kind.DISAGREEMENT, with_jira(status="Done")),
    (Kind.DISAGREEMENT, with_jira(status="Waiting for tea")),
    (Kind.DISAGREEMENT, with_ref(gone=True)),
    (Kind.DELETION_UNNOTICED, replace(SOUND, tickets=TICKETS[1:], deeds=(GO, DELETED))),
    (Kind.ASSIGNEE_DIFFERS, with_jira(assignee="Ben Responder")),
    (Kind.COMMENT_LOST, with_jira(comments=TICKETS[0].comments[1:])),
    (Kind.COMMENT_DOUBLED, with_jira(comments=(*TICKETS[0].comments, TICKETS[0].comments[0]))),
    (Kind.COMMENT_LEAKED, with_jira(comments=(*TICKETS[0].comments, LEAKED))),
    (Kind.ANNOTATION_LOST, with_case(notes=())),
    (Kind.ANNOTATION_LOST, with_case(notes=(replace(CASE.notes[0], deleted=True),))),
    (Kind.ANNOTATION_DOUBLED, with_case(notes=(*CASE.notes, *CASE.notes))),
    (Kind.ECHO_ANNOTATED, with_case(notes=(*CASE.notes, Note(vendor="jira", text="on chaos-3")))),
    (Kind.EVENT_LOST, replace(SOUND, stored=frozenset())),
    (Kind.ORDER_LOST, replace(SOUND, orders=(*ORDERS, replace(ORDERS[0], marker="chaos-8")))),
    (Kind.ORDER_LOST, with_case(actions=())),
    (Kind.ORDER_LOST, with_rows(*(each for each in ROWS if each.kind != "comment"))),
    (Kind.ORDER_LOST, with_rows(*(each for each in ROWS if each.kind != "force_sync"))),
    (Kind.ORDER_LOST, with_rows(*(each for each in ROWS if each.kind != "resync"))),
    (
        Kind.ORDER_LOST,
        replace(SOUND, orders=(*ORDERS, replace(ORDERS[1], marker="chaos-8", status="resolved"))),
    ),
    (Kind.ORDER_DOUBLED, replace(SOUND, cases=(CASE, replace(CASE, id="case_2", refs=())))),
    (Kind.ORDER_DOUBLED, with_case(actions=("chaos-3", "chaos-3"))),
    (Kind.ORDER_DOUBLED, with_rows(*ROWS, row(17, "comment", "chaos-4"))),
    (Kind.TIMELINE_BROKEN, with_rows(*ROWS[1:])),
    (Kind.TIMELINE_BROKEN, with_case(status="contained")),
    (Kind.TIMELINE_BROKEN, with_rows(*(each for each in ROWS if each.number != 8))),
    (Kind.TIMELINE_BROKEN, with_rows(*(each for each in ROWS if each.kind != "inbound_payload"))),
    (Kind.TIMELINE_BROKEN, with_rows(*(each for each in ROWS if each.number != 2))),
    (Kind.TIMELINE_BROKEN, with_rows(*ROWS, row(17, "ticket_minted", vendor="jira"))),
    (Kind.ROW_CHANGED, replace(SOUND, rows={1: "a", 2: "other"})),
    (Kind.ROW_CHANGED, replace(SOUND, rows={1: "a"})),
    (Kind.UNASKED_REOPEN, replace(SOUND, deeds=())),
    (Kind.UNASKED_REOPEN, replace(SOUND, deeds=(replace(GO, began_at=at(13)),))),
    (Kind.UNASKED_MOVE, replace(SOUND, orders=(ORDERS[0], *ORDERS[2:]))),
    (
        Kind.UNASKED_MOVE,  # one move of a person, taken twice
        with_rows(
            *ROWS,
            change(17, "triage", "open"),
            change(18, "open", "triage", vendor="jira"),
            row(19, "inbound_actor"),
            row(20, "inbound_payload"),
        ),
    ),
    (Kind.PING_PONG, with_rows(*ROWS, *PUSHES)),
    (Kind.PING_PONG, with_jira(moves=TICKETS[0].moves[:1] * 6)),
    (Kind.LEFT_DUE, with_ref(due=True)),
    (Kind.LEFT_LEASED, with_ref(leased=True)),
]
FINE: dict[str, Evidence] = {
    "as it is": SOUND,
    "a dead letter that the case tells of": replace(
        with_case(
            refs=(replace(CASE.refs[0], dead=True, error="no way"), CASE.refs[1]),
            rows=(*ROWS, FAILED),
        ),
        tickets=(replace(TICKETS[0], status="Done"), TICKETS[1]),
    ),
    "an unmapped status on the list": replace(
        with_jira(status="Waiting for tea"),
        vendors={
            **SOUND.vendors,
            "jira": replace(SOUND.vendors["jira"], unmapped=["Waiting for tea"]),
        },
    ),
    "a deleted ticket that the case knows of": replace(
        with_case(
            refs=(replace(CASE.refs[0], gone=True), CASE.refs[1]),
            rows=(*ROWS, row(17, "ticket_deleted", vendor="jira")),
        ),
        tickets=TICKETS[1:],
        deeds=(GO, DELETED),
    ),
    "a comment on a ticket that was moved away": replace(
        with_case(notes=()), tickets=(replace(TICKETS[0], listed=False), TICKETS[1])
    ),
    "a request that nobody confirmed": replace(
        SOUND,
        orders=(*ORDERS, replace(ORDERS[2], marker="chaos-8", acknowledged_at=None)),
    ),
}


def test_a_sound_world_is_sound() -> None:
    assert {name: check(world) for name, world in FINE.items()} == {name: [] for name in FINE}


@pytest.mark.parametrize(
    ("kind", "world"), PLANTED, ids=[f"{kind} {number}" for number, (kind, _) in enumerate(PLANTED)]
)
def test_what_is_planted_is_found(kind: Kind, world: Evidence) -> None:
    found = check(world)

    assert kind in {each.kind for each in found}


def test_every_kind_is_planted() -> None:
    assert {kind for kind, _ in PLANTED} == set(Kind)


def test_a_dead_letter_explains_nothing_where_the_case_does_not_tell_of_it() -> None:
    dead: dict[str, Any] = {"dead": True, "error": "no way"}
    world = replace(with_ref(**dead), tickets=(replace(TICKETS[0], status="Done"), TICKETS[1]))

    assert [each.kind for each in check(world)] == [Kind.DISAGREEMENT]


def test_a_violation_names_its_case() -> None:
    (found,) = check(with_ref(due=True))

    assert (found.case, found.words) == ("case_1", "jira: SEC-1 is due; no error")
