"""Tenants, API keys, and who is asking."""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Final

import msgspec
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from casebridge.domain.actors import api_actor
from casebridge.domain.identifiers import API_KEY, TENANT, new_id
from casebridge.persistence.database import Database
from casebridge.persistence.tenants import ApiKeyRow, TenantRow
from casebridge.persistence.together import Together
from casebridge.services.clock import Clock
from casebridge.services.faults import NotFound, Unauthenticated
from casebridge.services.timeline import Cause

DEFAULT_TENANT: Final = "default"
FIRST_KEY_FILE: Final = "admin.key"
_KEY_PREFIX: Final = "cbk_"
_REMEMBERED: Final = timedelta(seconds=5)
_MOST_REMEMBERED: Final = 1000


class Scope(StrEnum):
    """What an API key may do; each scope includes the ones before it."""

    READ = "read"
    WRITE = "write"
    ADMIN = "admin"


class Principal(msgspec.Struct, frozen=True, kw_only=True):
    """Who is asking: a tenant, the scopes, and the label for the timeline.

    ``key_id`` is the public id of the API key, empty for whoever acts without a stored one.
    """

    tenant_id: int
    tenant: str
    scopes: frozenset[Scope]
    label: str
    key_id: str = ""

    def cause(self, at: datetime) -> Cause:
        """Return what the timeline says of something that this principal does."""
        return Cause(actor=self.label, at=at)

    def may(self, scope: Scope) -> bool:
        """Tell whether the scope, or one that includes it, is granted."""
        ladder = list(Scope)
        return any(ladder.index(granted) >= ladder.index(scope) for granted in self.scopes)


class Tenants:
    """Who may use the service."""

    def __init__(self, database: Database, clock: Clock) -> None:
        """Bind the database."""
        self._database = database
        self._clock = clock
        self._recent: dict[str, tuple[datetime, Principal]] = {}
        self._together = Together(self._look_up, most=_MOST_REMEMBERED)
        self._vouched: dict[str, Principal] = {}

    async def vouch(self, tenant: str, name: str) -> str:
        """Return a key to everything of a tenant that this process alone takes, while it runs.

        It is for code that has the database at hand and could do all of it anyway; nothing is
        stored, and no request can ask for it. ``name`` stands on the timeline as a key's would.

        Raises:
            NotFound: there is no such tenant.
        """
        owner = await self.find(tenant)
        key = _KEY_PREFIX + secrets.token_urlsafe(30)
        self._vouched[digest_of(key)] = Principal(
            tenant_id=owner.id,
            tenant=owner.public_id,
            scopes=frozenset({Scope.ADMIN}),
            label=api_actor(name),
        )
        return key

    async def authenticate(self, key: str) -> Principal:
        """Tell whose API key this is.

        Raises:
            Unauthenticated: nobody's, or it was revoked.
        """
        return await self.recognise(digest_of(key))

    async def recognise(self, digest: str) -> Principal:
        """Tell whose API key has this digest; what is told is remembered for five seconds.

        Raises:
            Unauthenticated: nobody's, or it was revoked.
        """
        if (vouched := self._vouched.get(digest)) is not None:
            return vouched
        now = self._clock()
        known = self._recent.get(digest)
        if known is not None and now - known[0] < _REMEMBERED:
            return known[1]
        principal = await self._together.do(digest)
        if principal is None:
            raise Unauthenticated("the API key is not valid; send Authorization: Bearer cbk_…")
        if len(self._recent) >= _MOST_REMEMBERED:
            self._recent.clear()
        self._recent[digest] = (now, principal)
        return principal

    async def _look_up(self, digests: Sequence[str]) -> list[Principal | None]:
        query = (
            select(ApiKeyRow, TenantRow)
            .join(TenantRow, TenantRow.id == ApiKeyRow.tenant_id)
            .where(ApiKeyRow.digest.in_(set(digests)), ApiKeyRow.revoked_at.is_(None))
        )
        async with self._database.read() as session:
            found = {row.digest: _principal(row, of) for row, of in await session.execute(query)}
        return [found.get(digest) for digest in digests]

    async def create(self, name: str) -> TenantRow:
        """Create a tenant."""
        row = self._tenant(name)
        async with self._database.write() as session:
            session.add(row)
        return row

    async def issue_key(self, tenant_id: int, name: str, *scopes: Scope) -> str:
        """Create an API key and return it; only its digest is kept."""
        key, row = self._key(tenant_id, name, *scopes)
        async with self._database.write() as session:
            session.add(row)
        return key

    async def find(self, name: str) -> TenantRow:
        """Return the tenant of a name.

        Raises:
            NotFound: there is none.
        """
        async with self._database.read() as session:
            row = await session.scalar(select(TenantRow).where(TenantRow.name == name))
        if row is None:
            raise NotFound(f"there is no tenant {name!r}", field="tenant")
        return row

    async def list(self) -> Sequence[TenantRow]:
        """Return every tenant, oldest first."""
        async with self._database.read() as session:
            return (await session.scalars(select(TenantRow).order_by(TenantRow.id))).all()

    async def list_keys(self, tenant_id: int) -> Sequence[ApiKeyRow]:
        """Return a tenant's keys, oldest first, revoked ones included; none shows its text."""
        query = select(ApiKeyRow).where(ApiKeyRow.tenant_id == tenant_id).order_by(ApiKeyRow.id)
        async with self._database.read() as session:
            return (await session.scalars(query)).all()

    async def revoke_key(self, tenant_id: int, key_id: str) -> None:
        """Revoke a key for ever; every process refuses it within five seconds.

        Raises:
            NotFound: the tenant has no such key.
        """
        async with self._database.write() as session:
            row = await session.scalar(
                select(ApiKeyRow).where(
                    ApiKeyRow.tenant_id == tenant_id, ApiKeyRow.public_id == key_id
                )
            )
            if row is None:
                raise NotFound(f"there is no API key {key_id!r}", field="key_id")
            row.revoked_at = row.revoked_at or self._clock()
        self._recent.clear()

    async def bootstrap(self, folder: Path) -> Path | None:
        """On an empty database, create the first tenant and write its admin key to a 0600 file.

        Returns the file, or None when there are tenants already. The file is written before the
        commit, so that a crash between the two leaves no key that nobody knows.
        """
        try:
            async with self._database.write() as session:
                if await session.scalar(select(TenantRow.id).limit(1)) is not None:
                    return None
                tenant = self._tenant(DEFAULT_TENANT)
                session.add(tenant)
                await session.flush()
                key, row = self._key(tenant.id, "first admin", Scope.ADMIN)
                session.add(row)
                return _write_private(folder / FIRST_KEY_FILE, key)
        except IntegrityError:  # another process, started together with this one, was quicker
            return None

    def _tenant(self, name: str) -> TenantRow:
        return TenantRow(public_id=new_id(TENANT), name=name, created_at=self._clock())

    def _key(self, tenant_id: int, name: str, *scopes: Scope) -> tuple[str, ApiKeyRow]:
        key = _KEY_PREFIX + secrets.token_urlsafe(30)
        return key, ApiKeyRow(
            public_id=new_id(API_KEY),
            tenant_id=tenant_id,
            name=name,
            digest=digest_of(key),
            scopes=list(scopes),
            created_at=self._clock(),
        )


def _principal(key: ApiKeyRow, tenant: TenantRow) -> Principal:
    return Principal(
        tenant_id=tenant.id,
        tenant=tenant.public_id,
        scopes=frozenset(Scope(scope) for scope in key.scopes),
        label=api_actor(key.name),
        key_id=key.public_id,
    )


def _write_private(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.fchmod(descriptor, 0o600)  # of a file that was there already, too
    with os.fdopen(descriptor, "w") as file:
        file.write(text + "\n")
    return path


def digest_of(key: str) -> str:
    """Return what is kept of an API key."""
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
