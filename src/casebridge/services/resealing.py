"""Everything that is sealed in the database: with which master key, and anew with another one."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Final

import msgspec
from sqlalchemy import select, update

from casebridge.persistence.connectors import ConnectorRow
from casebridge.persistence.database import Database
from casebridge.persistence.idempotency import IdempotencyRow
from casebridge.persistence.inbox import InboxTokenRow
from casebridge.persistence.schema import PublicRow
from casebridge.services import connections, idempotency, token_secrets
from casebridge.services.vault import Vault, VaultError, sealed_with

_PAGE: Final = 200
UNREADABLE: Final = "unreadable"
"""Stands for the key of what is not even an envelope."""


@dataclass(frozen=True, slots=True)
class Place:
    """A column of sealed values, and what each of them is bound to, by the row's public id."""

    row: type[PublicRow]
    column: str
    context_of: Callable[[str], str]


PLACES: Final = (
    Place(ConnectorRow, "config_sealed", connections.context_of),
    Place(InboxTokenRow, "secret_sealed", token_secrets.context_of),
    Place(InboxTokenRow, "previous_sealed", token_secrets.context_of),
    Place(IdempotencyRow, "answer_sealed", idempotency.context_of),
)


class SealedValue(msgspec.Struct, frozen=True, kw_only=True):
    """Where a sealed value is, what it is bound to, and the bytes themselves."""

    place: Place
    row_id: int
    context: str
    sealed: bytes

    @property
    def key(self) -> str:
        """The id of its master key."""
        return sealed_with(self.sealed) or UNREADABLE


class Resealed(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a rotation: values sealed anew, and sentences about those that are shut."""

    values: int
    failures: tuple[str, ...]


class Resealing:
    """Goes through every sealed value, while services and workers use them.

    Each value is sealed anew in a transaction of its own that locks its row, so that nobody's
    change is lost, and a process that is killed leaves every value whole, under one key or the
    other.
    """

    def __init__(self, database: Database, vault: Vault) -> None:
        """Bind the vault that knows the old keys and the new one."""
        self._database = database
        self._vault = vault

    async def values(self) -> AsyncIterator[SealedValue]:
        """Read every sealed value, those of removed connectors and ended tokens included."""
        for place in PLACES:
            async for value in self._in(place):
                yield value

    async def keys(self) -> Counter[str]:
        """Return how many values are sealed with each master key, by its id."""
        return Counter([value.key async for value in self.values()])

    async def shut(self) -> list[str]:
        """Return a sentence for each value that does not open."""
        return [problem async for value in self.values() if (problem := self._problem(value))]

    async def run(self) -> Resealed:
        """Seal anew what is not sealed with the present key, until there is nothing left.

        What cannot be opened stays as it is.
        """
        done = 0
        while True:
            current = self._vault.current
            left = [value async for value in self.values() if value.key != current]
            failures = [problem for value in left if (problem := self._problem(value))]
            if len(failures) == len(left):
                return Resealed(values=done, failures=tuple(failures))
            for value in left:
                done += await self._reseal(value)

    async def _reseal(self, value: SealedValue) -> bool:
        """Seal one value anew, as it is by now; tell whether that was possible."""
        kind = value.place.row
        this, column = kind.id == value.row_id, getattr(kind, value.place.column)
        async with self._database.write() as session:
            sealed = await session.scalar(select(column).where(this).with_for_update())
            if sealed is None or sealed_with(sealed) == self._vault.current:
                return False
            try:
                plain = self._vault.open(sealed, context=value.context)
            except VaultError:
                return False
            anew = self._vault.seal(plain, context=value.context)
            await session.execute(update(kind).where(this).values({column: anew}))
            return True

    def _problem(self, value: SealedValue) -> str | None:
        try:
            self._vault.open(value.sealed, context=value.context)
        except VaultError as error:
            return str(error)
        return None

    async def _in(self, place: Place) -> AsyncIterator[SealedValue]:
        kind, sealed = place.row, getattr(place.row, place.column)
        last = 0
        while True:
            query = (
                select(kind.id, kind.public_id, sealed)
                .where(kind.id > last, sealed.is_not(None))
                .order_by(kind.id)
                .limit(_PAGE)
            )
            async with self._database.read() as session:
                found = (await session.execute(query)).all()
            for last, public_id, value in found:
                context = place.context_of(public_id)
                yield SealedValue(place=place, row_id=last, context=context, sealed=value)
            if len(found) < _PAGE:
                return


async def is_anything_sealed(database: Database) -> bool:
    """Tell whether anything would be lost for good without the master keys."""
    async with database.read() as session:
        for place in PLACES:
            column = getattr(place.row, place.column)
            query = select(place.row.id).where(column.is_not(None)).limit(1)
            if await session.scalar(query) is not None:
                return True
    return False
