"""Creates that are done once: the answer is kept, in the transaction that creates, under a key.

So whoever did not hear the answer asks again and gets it, also after a crash in between. Asked
again while the first is under way, the second waits for it. An answer is sealed as a whole, since
that to a mint holds a secret; so is what it is recognised by, since a request holds secrets too.
What failed leaves nothing behind and is tried anew.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from datetime import timedelta
from typing import Any, Final, Generic, TypeVar

import msgspec
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from casebridge.domain.identifiers import IDEMPOTENCY, new_id
from casebridge.persistence.database import Database
from casebridge.persistence.idempotency import IdempotencyRow, take
from casebridge.services.clock import Clock
from casebridge.services.faults import Conflict, KeyReused, Unavailable
from casebridge.services.tenants import Principal
from casebridge.services.vault import Vault, VaultError

ResultT = TypeVar("ResultT")

KEPT_FOR: Final = timedelta(hours=24)
_FIELD: Final = "Idempotency-Key"


class Answer(msgspec.Struct, frozen=True, array_like=True):
    """What a create was answered: HTTP status code, headers of its own, body."""

    status: int
    headers: dict[str, str]
    body: bytes


class _Kept(msgspec.Struct, frozen=True, array_like=True):
    fingerprint: bytes
    answer: Answer


class Repeated(Exception):
    """The key of an attempt is taken: somebody else has done it by now."""


class Attempt(Generic[ResultT]):
    """An attempt to create something, inside of the transaction that does it.

    One without a key, such as this, promises nothing: the next one creates again.
    """

    order: tuple[str, ...] = ()
    """In which order those of one transaction begin, so that two transactions never cross."""

    async def begin(self, session: AsyncSession) -> None:
        """Take the key before anything else is done.

        Raises:
            Repeated: it is taken.
        """

    async def finish(self, session: AsyncSession, result: ResultT) -> None:
        """Keep the answer beside what was created."""


ONCE_MORE: Final = Attempt[Any]()
"""The attempt of whoever sends no key."""


async def begin_all(session: AsyncSession, attempts: Iterable[Attempt[Any]]) -> None:
    """Begin the attempts of a group.

    Raises:
        Repeated: the key of one of them is taken.
    """
    keyed = [attempt for attempt in attempts if attempt is not ONCE_MORE]
    for attempt in sorted(keyed, key=lambda each: each.order):
        await attempt.begin(session)


class KeyedAttempt(Attempt[ResultT]):
    """An attempt with an idempotency key."""

    def __init__(
        self,
        row: IdempotencyRow,
        fingerprint: bytes,
        vault: Vault,
        show: Callable[[ResultT], Answer],
    ) -> None:
        """``row`` holds the key; ``show`` makes the answer out of what was created."""
        self.row = row
        self.fingerprint = fingerprint
        self.order = (str(row.tenant_id), row.api_key, row.key)
        self.answer: Answer | None = None
        self._vault = vault
        self._show = show

    async def begin(self, session: AsyncSession) -> None:
        """Take the key, or wait for whoever is at it."""
        if not await take(session, self.row):
            raise Repeated

    async def finish(self, session: AsyncSession, result: ResultT) -> None:
        """Keep the answer under the key."""
        await session.flush()
        self.answer = self._show(result)
        kept = msgspec.msgpack.encode(_Kept(self.fingerprint, self.answer))
        sealed = self._vault.seal(kept, context=context_of(self.row.public_id))
        await session.execute(
            update(IdempotencyRow)
            .where(IdempotencyRow.public_id == self.row.public_id)
            .values(answer_sealed=sealed)
            .execution_options(synchronize_session=False)
        )


class Idempotency:
    """The keys of a database's callers, each tenant's and each API key's apart."""

    def __init__(self, database: Database, vault: Vault, clock: Clock) -> None:
        """Bind the vault that seals the answers."""
        self._database = database
        self._vault = vault
        self._clock = clock

    async def once(
        self,
        who: Principal,
        key: str,
        fingerprint: bytes,
        create: Callable[[Attempt[ResultT]], Awaitable[ResultT]],
        show: Callable[[ResultT], Answer],
    ) -> tuple[Answer, bool]:
        """Create something, unless it was created under this key already.

        ``fingerprint`` is what the same request is recognised by. Returns the answer, and whether
        it is the one to an earlier request.

        Raises:
            KeyReused: the key came with another request before.
            Conflict: it was done before, and its answer cannot be shown again.
        """
        row = IdempotencyRow(
            public_id=new_id(IDEMPOTENCY),
            tenant_id=who.tenant_id,
            api_key=who.key_id,
            key=key,
            created_at=self._clock(),
        )
        attempt = KeyedAttempt[ResultT](row, fingerprint, self._vault, show)
        known = await self._recall(attempt)
        if known is not None:
            return known, True
        try:
            await create(attempt)
        except Repeated:
            known = await self._recall(attempt)
        if known is not None:
            return known, True
        if attempt.answer is None:
            raise Unavailable("the request with this key is gone by now; send it again")
        return attempt.answer, False

    async def _recall(self, attempt: KeyedAttempt[Any]) -> Answer | None:
        asked = attempt.row
        query = select(IdempotencyRow.public_id, IdempotencyRow.answer_sealed).where(
            IdempotencyRow.tenant_id == asked.tenant_id,
            IdempotencyRow.api_key == asked.api_key,
            IdempotencyRow.key == asked.key,
        )
        async with self._database.read() as session:
            found = (await session.execute(query)).one_or_none()
        if found is None:
            return None
        try:
            plain = self._vault.open(found.answer_sealed, context=context_of(found.public_id))
        except VaultError as error:
            raise Conflict(f"it was done before, but {error}", field=_FIELD) from error
        kept = msgspec.msgpack.decode(plain, type=_Kept)
        if kept.fingerprint != attempt.fingerprint:
            raise KeyReused("came with another request before; use a new key", field=_FIELD)
        return kept.answer


def context_of(public_id: str) -> str:
    """Return what the sealed answer of a row is bound to."""
    return f"idempotency:{public_id}"
