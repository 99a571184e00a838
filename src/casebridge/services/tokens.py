"""Inbox tokens: the right to deliver webhooks to a tenant."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
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
from casebridge.services.clock import Clock, in_utc
from casebridge.services.connections import Connections
from casebridge.services.faults import Invalid, NotFound
from casebridge.services.idempotency import ONCE_MORE, Attempt
from casebridge.services.known_tokens import KnownTokens
from casebridge.services.tenants import Principal
from casebridge.services.token_secrets import TokenSecrets
from casebridge.services.token_terms import TokenState, state_of, warnings_of
from casebridge.services.vault import VaultError
from casebridge_core import (
    InboxAddress,
    InboxScheme,
    InvalidConfig,
    UnknownVendor,
)

INBOX_PATH: Final = "/v1/inbox/itsm"
SECRET_PLACE: Final = "<secret>"  # noqa: S105 - where a secret goes


class Template(StrEnum):
    """What a token is for."""

    ITSM_INBOUND = "itsm-inbound"


class NewToken(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a token is made of; ``connector_id`` binds it to one connector.

    ``scheme`` is how deliveries prove themselves, and no other way is taken. With
    ``timestamp_required``, a signature must cover a timestamp. ``expires_at`` ends the token.
    """

    name: Annotated[str, Meta(min_length=1, max_length=200)]
    template: Template = Template.ITSM_INBOUND
    connector_id: str | None = None
    scheme: InboxScheme = InboxScheme.SIGNATURE
    timestamp_required: bool = False
    expires_at: Annotated[datetime, Meta(tz=True)] | None = None


class Rotation(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long (hours) the secret before stays good after a rotation."""

    overlap_hours: Annotated[float, Meta(ge=0, le=24 * 90)] = 24.0


_held: Final = select(InboxTokenRow, ConnectorRow).outerjoin(
    ConnectorRow, ConnectorRow.id == InboxTokenRow.connector_id
)


class HeldToken(msgspec.Struct, frozen=True, kw_only=True):
    """A token, and the connector that it is bound to, if any."""

    row: InboxTokenRow
    connector: ConnectorRow | None


class IssuedToken(HeldToken, frozen=True, kw_only=True):
    """A token with its secret, which is shown this once."""

    secret: str


class Tokens:
    """A tenant's inbox tokens."""

    def __init__(
        self,
        database: Database,
        secrets: TokenSecrets,
        known: KnownTokens,
        connections: Connections,
        clock: Clock,
        public_url: str,
    ) -> None:
        """Bind what the verbs need."""
        self._database = database
        self._secrets = secrets
        self._known = known
        self._connections = connections
        self._clock = clock
        self._public_url = public_url.rstrip("/")

    async def mint(
        self, who: Principal, new: NewToken, *, attempt: Attempt[IssuedToken] = ONCE_MORE
    ) -> IssuedToken:
        """Create a token and return its secret, this once.

        Raises:
            Repeated: the key of the attempt is taken.
            NotFound: the tenant has no such connector.
            Invalid: a static secret cannot have a timestamp, or the end is past or beyond the
                calendar.
        """
        now = self._clock()
        if new.timestamp_required and new.scheme is not InboxScheme.SIGNATURE:
            raise Invalid("only a signature can cover a timestamp", field="timestamp_required")
        ends = in_utc(new.expires_at, field="expires_at") if new.expires_at is not None else None
        if ends is not None and ends <= now:
            raise Invalid("must be in the future", field="expires_at")
        public_id = new_id(TOKEN)
        secret = self._secrets.new()
        row = InboxTokenRow(
            public_id=public_id,
            tenant_id=who.tenant_id,
            template=new.template,
            name=new.name,
            secret_sealed=self._secrets.seal(public_id, secret),
            scheme=new.scheme,
            timestamp_required=new.timestamp_required,
            expires_at=ends,
            created_at=now,
        )
        connector = None
        async with self._database.write() as session:
            await attempt.begin(session)
            if new.connector_id is not None:
                connector = await _connector(session, who, new.connector_id)
                row.connector_id = connector.id
            session.add(row)
            issued = IssuedToken(row=row, connector=connector, secret=secret)
            await attempt.finish(session, issued)
        return issued

    async def rotate(
        self,
        who: Principal,
        token_id: str,
        rotation: Rotation,
        *,
        attempt: Attempt[IssuedToken] = ONCE_MORE,
    ) -> IssuedToken:
        """Give the token a new secret; the one before stays good for the overlap.

        Raises:
            Repeated: the key of the attempt is taken.
            NotFound: the tenant has no such token.
            Invalid: the token is revoked, or it has expired.
        """
        now = self._clock()
        secret = self._secrets.new()
        async with self._database.write() as session:
            await attempt.begin(session)
            held = await _find(session, who, token_id)
            row = held.row
            if (state := state_of(row, now)) is not TokenState.ACTIVE:
                raise Invalid(f"the token is {state}; mint a new one", field="token_id")
            row.previous_sealed = row.secret_sealed
            row.previous_until = now + timedelta(hours=rotation.overlap_hours)
            row.secret_sealed = self._secrets.seal(row.public_id, secret)
            row.rotated_at = now
            issued = IssuedToken(row=row, connector=held.connector, secret=secret)
            await attempt.finish(session, issued)
        self._known.forget(token_id)
        return issued

    async def revoke(self, who: Principal, token_id: str) -> None:
        """Revoke a token at once and for ever.

        Raises:
            NotFound: the tenant has no such token.
        """
        async with self._database.write() as session:
            row = (await _find(session, who, token_id)).row
            row.revoked_at = row.revoked_at or self._clock()
        self._known.forget(token_id)

    async def list(self, who: Principal) -> Sequence[HeldToken]:
        """Return the tenant's tokens, oldest first, those that are over included."""
        query = _held.where(InboxTokenRow.tenant_id == who.tenant_id).order_by(InboxTokenRow.id)
        async with self._database.read() as session:
            found = (await session.execute(query)).all()
        return [HeldToken(row=row, connector=connector) for row, connector in found]

    async def get(self, who: Principal, token_id: str) -> HeldToken:
        """Read one token.

        Raises:
            NotFound: the tenant has no such token.
        """
        async with self._database.read() as session:
            return await _find(session, who, token_id, lock=False)

    async def guide(self, who: Principal, token_id: str, connector_id: str) -> str:
        """Return the vendor's set-up guide for this token and connector, in Markdown.

        What the token does not take of this vendor stands before it.

        Raises:
            NotFound: the tenant has no such token or connector.
            Invalid: the vendor's plugin has no guide or cannot be used.
        """
        async with self._database.read() as session:
            token = (await _find(session, who, token_id, lock=False)).row
            connector = await _connector(session, who, connector_id)
        try:
            opened = self._connections.open(connector, who.tenant)
            hooks = self._connections.hooks(connector.vendor)
        except (InvalidConfig, UnknownVendor, VaultError) as error:
            raise Invalid(str(error), field="connector_id") from error
        guide = hooks.setup_guide(opened, self.address(token))
        if guide is None:
            raise Invalid(f"the plugin for {connector.vendor} has no guide", field="connector_id")
        warnings = warnings_of(token, self._connections.catalog, vendor=connector.vendor)
        return "".join(f"> **Note:** {warning}\n\n" for warning in warnings) + guide

    def address(self, row: InboxTokenRow, secret: str = SECRET_PLACE) -> InboxAddress:
        """Return where a vendor delivers with this token.

        The URL holds ``secret`` where the scheme wants it there: a placeholder, unless it is given.
        """
        url = f"{self._public_url}{INBOX_PATH}/{row.public_id}"
        scheme = InboxScheme(row.scheme)
        return InboxAddress(
            url=f"{url}/{secret}" if scheme is InboxScheme.STATIC_URL else url,
            token_id=row.public_id,
            scheme=scheme,
            timestamp_required=row.timestamp_required,
        )

    def state(self, row: InboxTokenRow) -> TokenState:
        """Tell whether the token can deliver now."""
        return state_of(row, self._clock())

    def warnings(self, held: HeldToken) -> tuple[str, ...]:
        """Say what is weak about a token, and which signatures it does not take."""
        vendor = held.connector.vendor if held.connector is not None else None
        return warnings_of(held.row, self._connections.catalog, vendor=vendor)


async def _find(
    session: AsyncSession, who: Principal, token_id: str, *, lock: bool = True
) -> HeldToken:
    """Return the tenant's token, locked until the transaction ends unless it is only read."""
    query = _held.where(
        InboxTokenRow.tenant_id == who.tenant_id, InboxTokenRow.public_id == token_id
    )
    if lock:
        query = query.with_for_update(of=InboxTokenRow)
    found = (await session.execute(query)).one_or_none()
    if found is None:
        raise NotFound(f"there is no inbox token {token_id!r}", field="token_id")
    return HeldToken(row=found[0], connector=found[1])


async def _connector(session: AsyncSession, who: Principal, connector_id: str) -> ConnectorRow:
    found = await session.scalar(
        select(ConnectorRow).where(
            ConnectorRow.tenant_id == who.tenant_id,
            ConnectorRow.public_id == connector_id,
            ConnectorRow.removed_at.is_(None),
        )
    )
    if found is None:
        raise NotFound(f"there is no connector {connector_id!r}", field="connector_id")
    return found
