"""Tokens as they were last read, with their secrets opened: to check a delivery needs no query.

What is remembered here only ever lets in, and what it lets in is checked once more in the
transaction that stores the delivery. Every refusal rests on what the database says at that moment:
so a token counts from the moment in which it is minted, rotated or revoked, in whatever process,
and a refusal is the same work whether its token is known here or not.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from casebridge.persistence.connectors import ConnectorRow
from casebridge.persistence.inbox import InboxTokenRow
from casebridge.services.clock import Clock
from casebridge.services.token_secrets import TokenSecrets

_MOST: Final = 10_000
TERMS: Final = (
    InboxTokenRow.revoked_at,
    InboxTokenRow.expires_at,
    InboxTokenRow.secret_sealed,
    InboxTokenRow.previous_sealed,
    InboxTokenRow.previous_until,
    InboxTokenRow.connector_id,
    InboxTokenRow.scheme,
    InboxTokenRow.timestamp_required,
)
"""The columns that say what a token demands; the others change without a bearing on it."""
_NAMES: Final = tuple(column.key for column in TERMS)


class KnownToken(msgspec.Struct, frozen=True, kw_only=True):
    """A token and the connector that it is bound to; ``secrets`` are two, see `TokenSecrets`."""

    row: InboxTokenRow | None
    connector: ConnectorRow | None
    secrets: tuple[str, str]

    def is_as_read(self, terms: Sequence[Any] | None) -> bool:
        """Tell whether the token still is what it was when it was read; ``terms`` are `TERMS`."""
        row = self.row
        if row is None or terms is None:
            return False
        return all(getattr(row, name) == now for name, now in zip(_NAMES, terms, strict=True))


class KnownTokens:
    """Remembers tokens by their public ids; the one that was used longest ago is forgotten."""

    def __init__(self, secrets: TokenSecrets, clock: Clock) -> None:
        """Begin with nothing."""
        self._secrets = secrets
        self._clock = clock
        self._nobody = KnownToken(row=None, connector=None, secrets=secrets.to_try(None))
        self._known = OrderedDict[str, KnownToken]()

    def get(self, token_id: str) -> KnownToken:
        """Return what is known of a token; where nothing is, one that lets nobody in."""
        known = self._known.get(token_id)
        if known is None:
            return self._nobody
        row = known.row
        if row is not None and row.previous_sealed is not None and not self._overlaps(row):
            return msgspec.structs.replace(
                known, secrets=(known.secrets[0], self._nobody.secrets[1])
            )
        return known

    def learn(self, row: InboxTokenRow | None, connector: ConnectorRow | None) -> KnownToken:
        """Open the secrets of a token that was read just now (None: there is none).

        It is remembered by `keep`, once it has let somebody in.

        Raises:
            VaultError: the master key is not there.
        """
        return KnownToken(row=row, connector=connector, secrets=self._secrets.to_try(row))

    def keep(self, known: KnownToken) -> None:
        """Remember a token."""
        if known.row is not None:
            self._known[known.row.public_id] = known
            self._known.move_to_end(known.row.public_id)
            if len(self._known) > _MOST:
                self._known.popitem(last=False)

    def forget(self, token_id: str) -> None:
        """Forget a token: it has to be read again."""
        self._known.pop(token_id, None)

    def _overlaps(self, row: InboxTokenRow) -> bool:
        return row.previous_until is not None and row.previous_until > self._clock()
