"""Whether a delivery is authentic: the token that it names, and the proof that it carries."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Final

import msgspec
from sqlalchemy import select

from casebridge.persistence.connectors import ConnectorRow
from casebridge.persistence.database import Database
from casebridge.persistence.inbox import InboxTokenRow
from casebridge.services.faults import Unauthenticated
from casebridge.services.tokens import Tokens
from casebridge_core import AISOC_SIGNATURE, ConnectorCatalog, SignatureScheme

log = logging.getLogger(__name__)

TOKEN_HEADER: Final = "x-aisoc-token-id"  # noqa: S105 - a header's name
_NOBODY: Final = ("no such token, but the same work",)


class InboundRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A request at the inbox's door, of which nothing is believed yet.

    ``headers`` have lower-case names.
    """

    token_id: str
    headers: Mapping[str, str]
    body: bytes


class Admission(msgspec.Struct, frozen=True, kw_only=True):
    """Whose delivery an authentic request is, and how it proved that.

    ``connector`` is the one that the token is bound to, if any; ``scheme`` is the header of the
    signature that was good.
    """

    token: InboxTokenRow
    connector: ConnectorRow | None
    scheme: str

    @property
    def vendor(self) -> str | None:
        """The vendor that the token is bound to, or None for any."""
        return self.connector.vendor if self.connector is not None else None


class Authenticity:
    """Lets authentic requests in, and tells nobody else why not."""

    def __init__(self, database: Database, tokens: Tokens, catalog: ConnectorCatalog) -> None:
        """Bind what a proof is checked against."""
        self._database = database
        self._tokens = tokens
        self._catalog = catalog

    async def admit(self, request: InboundRequest) -> Admission:
        """Return whose delivery this is.

        Raises:
            Unauthenticated: unknown or revoked token, or no valid signature: one and the same.
            sqlalchemy.exc.SQLAlchemyError: the tokens cannot be read.
        """
        query = (
            select(InboxTokenRow, ConnectorRow)
            .outerjoin(ConnectorRow, ConnectorRow.id == InboxTokenRow.connector_id)
            .where(InboxTokenRow.public_id == request.token_id, InboxTokenRow.revoked_at.is_(None))
        )
        async with self._database.read() as session:
            found = (await session.execute(query)).one_or_none()
        secrets = self._tokens.live_secrets(found[0]) if found is not None else _NOBODY
        proven = None
        for scheme in self._schemes():
            value = request.headers.get(scheme.header)
            for secret in secrets if value is not None else ():
                if scheme.verify(secret, request.body, value or ""):
                    proven = scheme.header
        if found is None or proven is None:
            log.warning("webhook refused: token %.60r, signed: %s", request.token_id, bool(proven))
            raise Unauthenticated("the token or the signature is not valid")
        return Admission(token=found[0], connector=found[1], scheme=proven)

    def _schemes(self) -> tuple[SignatureScheme, ...]:
        declared = (
            scheme
            for hooks in self._catalog.values()
            for scheme in hooks.manifest.signature_schemes
        )
        return tuple(dict.fromkeys((AISOC_SIGNATURE, *declared)))
