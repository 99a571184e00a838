"""Deliveries that came at once, stored and reflected in one transaction: the inbox's fast path.

What costs is paid once for all of them: the trip to the database for each statement, and the
commit. Everything is read in bulk, decided one by one in memory, and written in bulk, past the unit
of work. The decision, and what is done to the rows of a case and its ticket, are those of a replay
(`casebridge.services.taking`); only reading and writing are of this room.

No two deliveries of a group are decided on the same state. Those that bear on the same case, or
that may be the same delivery, are of different waves: a wave reads what the one before has written.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, cast

from sqlalchemy import select
from sqlalchemy.orm import Session

from casebridge.domain.decision import Reason
from casebridge.persistence.cases import AnnotationRow, CaseRow
from casebridge.persistence.connectors import ConnectorRow, PostedCommentRow, RefRow
from casebridge.persistence.inbox import UnmappedStatusRow
from casebridge.persistence.locks import hold_all
from casebridge.services.connections import Connections
from casebridge.services.consumer import ticket_lock, told_apart
from casebridge.services.inbox_statements import CASE, CONNECTOR, REF, Statements, as_stored
from casebridge.services.letters import Arrived, Letter
from casebridge.services.recollection import Annotations, Posted, assignment_of
from casebridge.services.taking import News, Taking
from casebridge.services.ticket_metadata import name_assignee
from casebridge.services.vault import VaultError
from casebridge_core import CasebridgeError, CaseStatus, NativeStatus


class InboxGroup:
    """A group on its way through one transaction: `begin`, `decide` for each wave, `note_use`."""

    def __init__(
        self,
        session: Session,
        statements: Statements,
        connections: Connections,
        tenants: dict[int, str],
        now: datetime,
    ) -> None:
        """``tenants`` are the public ids that are known of tenants, and is added to."""
        self._session = session
        self._ask = statements
        self._connections = connections
        self._tenants = tenants
        self._now = now
        self._meanings = defaultdict[int, dict[NativeStatus, tuple[CaseStatus, ...]]](dict)

    def begin(self, session: Session, letters: Sequence[Letter]) -> list[Arrived | None]:
        """Lock what the letters are about.

        None stands for one that was admitted by a token that has changed since.
        """
        self._connection = session.connection()
        arrived = [Arrived(letter, self._now) for letter in letters]
        tokens = [each.token.id for each in arrived]
        terms = {row[0]: row[1:] for row in self._read(self._ask.tokens, tokens=tokens)}
        good = {each for each in arrived if each.known.is_as_read(terms.get(each.token.id))}
        told = [each for each in arrived if each in good and each.reading.event is not None]
        if told:
            hold_all(self._connection, [name for each in told for name in each.locks()])
            if news := self._news(told):
                self._learn_tenants(news)
                self._find_connectors(news)
                self._lock_cases(news)
        return [each if each in good else None for each in arrived]

    def decide(self, _: Session, wave: Sequence[Arrived], number: int) -> list[Taking]:
        """Decide a wave and store what comes of it; return what is left to the unit of work."""
        news = [each for each in wave if each.is_news]
        if number:  # as the wave before has left them
            news = self._news(news)
            self._find_refs(news)
        annotations, posted = self._comments(news)
        for each in wave:
            if each.repeated:
                each.row["reason"] = Reason.DUPLICATE
            else:
                self._consume(each, annotations, posted)
        takings = [each.taking for each in news if each.taking is not None]
        self._name_assignees(takings)
        self._write(wave, takings)
        return takings

    def note_use(self, _: Session, arrived: Sequence[Arrived]) -> None:
        """Note that the tokens were used."""
        lists = self._ask.lists(tokens=sorted(each.token.id for each in arrived))
        self._connection.execute(self._ask.note_use, {**lists, "now": self._now})

    def _read(self, statement: Any, **lists: Iterable[Any]) -> Sequence[Any]:  # noqa: ANN401 - SQLAlchemy's
        return self._connection.execute(statement, self._ask.lists(**lists)).all()

    def _learn_tenants(self, told: Sequence[Arrived]) -> None:
        tenants = {each.token.tenant_id for each in told}
        if unknown := tenants - self._tenants.keys():
            self._tenants.update(map(tuple, self._read(self._ask.tenants, tenants=unknown)))

    def _find_connectors(self, told: Sequence[Arrived]) -> None:
        tenants = {each.token.tenant_id for each in told}
        rows = [
            cast("ConnectorRow", CONNECTOR.row(row))
            for row in self._read(self._ask.connectors, tenants=tenants)
        ]
        for each in told:
            token = each.token
            each.connectors = told_apart(
                [
                    row
                    for row in rows
                    if row.tenant_id == token.tenant_id
                    and row.vendor == each.event.vendor
                    and token.connector_id in {None, row.id}
                ],
                each.event,
            )

    def _lock_cases(self, told: Sequence[Arrived]) -> None:
        """Lock the cases, then find the refs: whoever held the lock may have changed them.

        Where there is none, whoever may be linking the ticket is waited for before it is believed.
        """
        if self._connection.dialect.name == "sqlite":  # its one writer holds everything
            self._find_refs(told)
            return
        self._connection.execute(self._ask.lock_cases, self._named(told))
        self._find_refs(told)
        if strange := [each for each in told if each.ref is None]:
            names = [
                ticket_lock(each.token.tenant_id, each.event.vendor, each.event.external_id)
                for each in strange
            ]
            hold_all(self._connection, names)
            self._connection.execute(self._ask.lock_cases, self._named(strange))
            self._find_refs(strange)

    def _named(self, told: Sequence[Arrived]) -> dict[str, Any]:
        return self._ask.lists(
            connectors=[row.id for each in told for row in each.connectors],
            vendors=[each.event.vendor for each in told],
            tickets=[each.ticket for each in told],
        )

    def _find_refs(self, told: Sequence[Arrived]) -> None:
        width, found = len(REF.names), defaultdict[Hashable, list[tuple[RefRow, CaseRow]]](list)
        for row in self._connection.execute(self._ask.refs, self._named(told)):
            ref = cast("RefRow", REF.row(row[:width]))
            found[ref.external_id].append((ref, cast("CaseRow", CASE.row(row[width:]))))
        for each in told:
            among = {row.id for row in each.connectors}
            pairs = [pair for pair in found[each.ticket] if pair[0].connector_id in among]
            each.ref, each.case = pairs[0] if len(pairs) == 1 else (None, None)

    def _news(self, told: Sequence[Arrived]) -> list[Arrived]:
        """Mark what came before and was dealt with for good, by body or by id; return the rest.

        The body counts even under another id: that stands in a header, which no signature covers.
        """
        tokens = [each.token.id for each in told]
        digests = [each.row["body_digest"] for each in told]
        by_id = [each.delivery_id for each in told if each.event.delivery_id is not None]
        same = set[Hashable](
            map(tuple, self._read(self._ask.same_bodies, tokens=tokens, digests=digests))
        )
        if by_id:
            same.update(map(tuple, self._read(self._ask.same_ids, tokens=tokens, deliveries=by_id)))
        for each in told:
            each.repeated = not same.isdisjoint(each.keys())
        return [each for each in told if not each.repeated]

    def _comments(
        self, told: Sequence[Arrived]
    ) -> tuple[Mapping[int, Annotations], Mapping[int, Posted]]:
        """Return the annotations and our own comments that events tell of, by the ref's id."""
        ids = {comment.external_id for each in told for comment in each.event.comments}
        refs = {each.ref.id for each in told if each.ref is not None and each.event.comments}
        annotations = defaultdict[int, dict[str, AnnotationRow]](dict)
        posted = defaultdict[int, dict[str, str | None]](dict)
        if refs:
            known = select(AnnotationRow).where(
                AnnotationRow.ref_id.in_(refs), AnnotationRow.external_id.in_(ids)
            )
            for row in self._session.scalars(known):
                annotations[row.ref_id][row.external_id] = row
            ours = select(
                PostedCommentRow.ref_id, PostedCommentRow.key, PostedCommentRow.external_id
            ).where(PostedCommentRow.ref_id.in_(refs))
            for ref_id, key, external_id in self._session.execute(ours):
                posted[ref_id][key] = external_id
        return annotations, posted

    def _consume(
        self,
        each: Arrived,
        annotations: Mapping[int, Annotations],
        posted: Mapping[int, Posted],
    ) -> None:
        """Do what a letter means to the rows in memory, and write the outcome to its own."""
        row, ref, case = each.row, each.ref, each.case
        row["detail"], row["reason"] = each.reading.detail, each.reading.reason
        if each.reading.event is None:
            return
        if ref is None or case is None:
            row["reason"] = Reason.UNLINKED
            if len(each.connectors) == 1:
                row["connector_id"] = each.connectors[0].id
            return
        connector = next(one for one in each.connectors if one.id == ref.connector_id)
        row["connector_id"], row["case_id"] = connector.id, ref.case_id
        if connector.removed_at is not None or not connector.enabled:
            row["reason"] = Reason.CONNECTOR_DISABLED
            return
        if connector.held_by is not None:
            row["reason"] = Reason.BRIDGE_OFF
            return
        try:  # hooks are asked before anything is changed
            news = News(
                hooks=self._connections.hooks(each.event.vendor),
                connector=self._connections.open(connector, self._tenants[each.token.tenant_id]),
                account=connector.account_id,
                event_row=None,
                event_id=row["public_id"],
                now=self._now,
                meanings=self._meanings[connector.id],
            )
            taking = news.decide(
                case, ref, each.event, annotations.get(ref.id, {}), posted.get(ref.id, {})
            )
        except (CasebridgeError, VaultError) as error:
            row["reason"], row["detail"] = Reason.PLUGIN_FAILED, str(error)
            return
        each.taking = taking
        row["applied"], row["reason"] = taking.take(), taking.decision.reason

    def _name_assignees(self, takings: Sequence[Taking]) -> None:
        concerned = {taking.case.id: taking for taking in takings if taking.named}
        if not concerned:
            return
        refs = defaultdict[int, list[RefRow]](list)
        for values in self._read(self._ask.refs_of_cases, cases=concerned):
            ref = cast("RefRow", REF.row(values))
            changed = concerned[ref.case_id].ref
            refs[ref.case_id].append(changed if changed.id == ref.id else ref)
        for case_id, taking in concerned.items():
            there = [assignment_of(ref) for ref in refs[case_id] if ref.gone_at is None]
            name_assignee(taking.case, there, taking.arrival)

    def _dismissed(self, takings: Sequence[Taking]) -> set[int]:
        """Return the refs that stand in a status of which somebody said that it means nothing."""
        unmapped = [taking.ref for taking in takings if taking.is_unmapped]
        if not unmapped:
            return set()
        query = select(UnmappedStatusRow.connector_id, UnmappedStatusRow.name).where(
            UnmappedStatusRow.connector_id.in_({ref.connector_id for ref in unmapped}),
            UnmappedStatusRow.dismissed_at.is_not(None),
        )
        dismissed = {(connector_id, name) for connector_id, name in self._connection.execute(query)}
        return {
            ref.id
            for ref in unmapped
            if (ref.connector_id, as_stored(UnmappedStatusRow.name.type, ref.ticket_status))
            in dismissed
        }

    def _write(self, wave: Sequence[Arrived], takings: Sequence[Taking]) -> None:
        rows = self._connection.execute(self._ask.add_events, [each.row for each in wave])
        ids = {public_id: row_id for row_id, public_id in rows}
        dismissed = self._dismissed(takings)
        lines = []
        for each in wave:
            if (taking := each.taking) is not None:
                told = taking.conclude(dismissed=taking.ref.id in dismissed)
                for line in told:
                    line["event_id"] = ids[each.row["public_id"]]
                lines += told
        if lines:
            self._connection.execute(self._ask.add_lines, lines)
        REF.write(self._connection, [taking.ref for taking in takings])
        CASE.write(self._connection, [taking.case for taking in takings])
        self._session.add_all(row for taking in takings for row in taking.commented)


def waves(arrived: Sequence[Arrived]) -> Iterator[list[Arrived]]:
    """Part deliveries so that no two of a wave bear on each other; those that do keep order."""
    parted: list[list[Arrived]] = []
    latest: dict[Hashable, int] = {}
    for each in arrived:
        subjects = each.subjects()
        at = max((latest[key] + 1 for key in subjects if key in latest), default=0)
        latest.update(dict.fromkeys(subjects, at))
        parted += [[]] if at == len(parted) else []
        parted[at].append(each)
    yield from parted
