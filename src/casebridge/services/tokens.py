"""Inbox tokens: the right to deliver webhooks to a tenant."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Final

import msgspec
from msgspec import Meta
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from casebridge.domain.identifiers import TOKEN, new_id
from casebridge.persistence.connectors import ConnectorRow
from casebridge.persistence.database import Database
from casebridge.persistence.inbox import InboxTokenRow
from casebridge.services.clock import Clock
from casebridge.services.connections import Connections
from casebridge.services.faults import Invalid, NotFound
from casebridge.services.tenants import Principal
from casebridge.services.vault import Vault
from casebridge_core import InboxAddress, InvalidConfig, UnknownVendor

INBOX_PATH: Final = "/v1/inbox/itsm"
_SECRET_BYTES: Final = 32


class Template(StrEnum):
    """What a token is for."""

    ITSM_INBOUND = "itsm-inbound"


class NewToken(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a token is made of; ``connector_id`` binds it to one connector."""

    name: Annotated[str, Meta(min_length=1, max_length=200)]
    template: Template = Template.ITSM_INBOUND
    connector_id: str | None = None


class Rotation(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long (hours) the secret before stays good after a rotation."""

    overlap_hours: Annotated[float, Meta(ge=0, le=24 * 90)] = 24.0


class IssuedToken(msgspec.Struct, frozen=True, kw_only=True):
    """A token with its secret, which is shown this once."""

    row: InboxTokenRow
    secret: str


class Tokens:
    """A tenant's inbox tokens."""

    def __init__(
        self,
        database: Database,
        vault: Vault,
        connections: Connections,
        clock: Clock,
        public_url: str,
    ) -> None:
        """Bind what the verbs need."""
        self._database = database
        self._vault = vault
        self._connections = connections
        self._clock = clock
        self._public_url = public_url.rstrip("/")

    async def mint(self, who: Principal, new: NewToken) -> IssuedToken:
        """Create a token and return its secret, this once.

        Raises:
            NotFound: the tenant has no such connector.
        """
        public_id = new_id(TOKEN)
        secret = secrets.token_urlsafe(_SECRET_BYTES)
        row = InboxTokenRow(
            public_id=public_id,
            tenant_id=who.tenant_id,
            template=new.template,
            name=new.name,
            secret_sealed=self._seal(public_id, secret),
            created_at=self._clock(),
        )
        async with self._database.write() as session:
            if new.connector_id is not None:
                row.connector_id = await _connector(session, who, new.connector_id)
            session.add(row)
        return IssuedToken(row=row, secret=secret)

    async def rotate(self, who: Principal, token_id: str, rotation: Rotation) -> IssuedToken:
        """Give the token a new secret; the one before stays good for the overlap.

        Raises:
            NotFound: the tenant has no such token.
            Invalid: the token is revoked.
        """
        now = self._clock()
        secret = secrets.token_urlsafe(_SECRET_BYTES)
        async with self._database.write() as session:
            row = await self._find(session, who, token_id)
            if row.revoked_at is not None:
                raise Invalid("the token is revoked; mint a new one", field="token_id")
            row.previous_sealed = row.secret_sealed
            row.previous_until = now + timedelta(hours=rotation.overlap_hours)
            row.secret_sealed = self._seal(row.public_id, secret)
            row.rotated_at = now
        return IssuedToken(row=row, secret=secret)

    async def revoke(self, who: Principal, token_id: str) -> None:
        """Revoke a token at once and for ever.

        Raises:
            NotFound: the tenant has no such token.
        """
        async with self._database.write() as session:
            row = await self._find(session, who, token_id)
            row.revoked_at = row.revoked_at or self._clock()

    async def list(self, who: Principal) -> Sequence[InboxTokenRow]:
        """Return the tenant's tokens, oldest first, revoked ones included."""
        query = select(InboxTokenRow).where(InboxTokenRow.tenant_id == who.tenant_id)
        async with self._database.read() as session:
            return (await session.scalars(query.order_by(InboxTokenRow.id))).all()

    async def guide(self, who: Principal, token_id: str, connector_id: str) -> str:
        """Return the vendor's set-up guide for this token and connector, in Markdown.

        Raises:
            NotFound: the tenant has no such token or connector.
            Invalid: the vendor's plugin has no guide or cannot be used.
        """
        async with self._database.read() as session:
            token = await self._find(session, who, token_id)
            connector = await session.get_one(
                ConnectorRow, await _connector(session, who, connector_id)
            )
        try:
            opened = self._connections.open(connector, who.tenant)
        except (InvalidConfig, UnknownVendor) as error:
            raise Invalid(str(error), field="connector_id") from error
        guide = self._connections.hooks(connector.vendor).setup_guide(opened, self.address(token))
        if guide is None:
            raise Invalid(f"the plugin for {connector.vendor} has no guide", field="connector_id")
        return guide

    def address(self, row: InboxTokenRow) -> InboxAddress:
        """Return where a vendor delivers with this token."""
        return InboxAddress(
            url=f"{self._public_url}{INBOX_PATH}/{row.public_id}", token_id=row.public_id
        )

    def live_secrets(self, row: InboxTokenRow) -> tuple[str, ...]:
        """Return the secrets that are good now: one, or two while a rotation overlaps."""
        context = f"inbox-token:{row.public_id}"
        live = [self._vault.open(row.secret_sealed, context=context).decode()]
        if (
            row.previous_sealed is not None
            and row.previous_until is not None
            and row.previous_until > self._clock()
        ):
            live.append(self._vault.open(row.previous_sealed, context=context).decode())
        return tuple(live)

    async def _find(self, session: AsyncSession, who: Principal, token_id: str) -> InboxTokenRow:
        row = await session.scalar(
            select(InboxTokenRow).where(
                InboxTokenRow.tenant_id == who.tenant_id, InboxTokenRow.public_id == token_id
            )
        )
        if row is None:
            raise NotFound(f"there is no inbox token {token_id!r}", field="token_id")
        return row

    def _seal(self, public_id: str, secret: str) -> bytes:
        return self._vault.seal(secret.encode(), context=f"inbox-token:{public_id}")


async def _connector(session: AsyncSession, who: Principal, connector_id: str) -> int:
    found = await session.scalar(
        select(ConnectorRow.id).where(
            ConnectorRow.tenant_id == who.tenant_id,
            ConnectorRow.public_id == connector_id,
            ConnectorRow.removed_at.is_(None),
        )
    )
    if found is None:
        raise NotFound(f"there is no connector {connector_id!r}", field="connector_id")
    return found
