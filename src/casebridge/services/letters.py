"""Letters: authentic deliveries on their way into the database."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from casebridge.domain.identifiers import EVENT, new_id
from casebridge.persistence.cases import CaseRow
from casebridge.persistence.connectors import ConnectorRow, RefRow
from casebridge.persistence.inbox import InboundEventRow
from casebridge.services.authenticity import Admission
from casebridge.services.deliveries import Reading
from casebridge.services.inbox_statements import as_stored
from casebridge.services.taking import Taking
from casebridge_core import TicketEvent

_TICKET: Final = RefRow.external_id.type
_DELIVERY_ID: Final = InboundEventRow.delivery_id.type


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Letter:
    """An authentic delivery; ``digest`` is the SHA-256 of its body in hex."""

    admission: Admission
    headers: dict[str, str]
    body: bytes
    digest: str
    reading: Reading


class Arrived:
    """A letter in a transaction, with what it is found to be about and the row that is stored."""

    def __init__(self, letter: Letter, now: datetime) -> None:
        """Begin the row."""
        token = letter.admission.token
        self.reading = letter.reading
        self.token = token
        self.known = letter.admission.known
        self.connectors: list[ConnectorRow] = []
        self.ref: RefRow | None = None
        self.case: CaseRow | None = None
        self.taking: Taking | None = None
        self.repeated = False
        self.row: dict[str, Any] = {
            **letter.reading.columns(),
            "public_id": new_id(EVENT),
            "tenant_id": token.tenant_id,
            "token_id": token.id,
            "connector_id": token.connector_id,
            "case_id": None,
            "scheme": letter.admission.scheme,
            "received_at": now,
            "body_digest": letter.digest,
            "headers": letter.headers,
            "body": letter.body,
            "applied": False,
            "reason": None,
            "detail": None,
        }

    @property
    def event(self) -> TicketEvent:
        """What it tells; not to be asked of one that tells nothing."""
        assert self.reading.event is not None  # noqa: S101 - for the type checker
        return self.reading.event

    @property
    def is_news(self) -> bool:
        """Whether it tells anything that was not dealt with before."""
        return self.reading.event is not None and not self.repeated

    @property
    def ticket(self) -> str:
        """The ticket that it tells of, as its ref holds it."""
        text: str = as_stored(_TICKET, self.event.external_id)
        return text

    @property
    def delivery_id(self) -> str:
        """The vendor's id of it, as its row holds it."""
        text: str = as_stored(_DELIVERY_ID, self.event.delivery_id)
        return text

    def keys(self) -> Iterator[tuple[Any, ...]]:
        """Return by what it is recognised when it comes again."""
        yield self.token.id, self.row["body_digest"]
        if self.event.delivery_id is not None:
            yield self.token.id, self.event.vendor, self.delivery_id

    def locks(self) -> Iterator[str]:
        """Name the locks by which it is dealt with in one process after the other."""
        yield f"delivery:{self.token.id}:{self.row['body_digest']}"
        if self.event.delivery_id is not None:
            yield f"delivery:{self.token.id}:{self.event.delivery_id}"

    def subjects(self) -> list[Hashable]:
        """Return what no other one of its wave may bear on."""
        if not self.is_news:
            return []
        return [*self.keys(), *([self.case.id] if self.case is not None else [])]
