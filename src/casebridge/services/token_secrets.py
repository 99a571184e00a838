"""The secrets of inbox tokens: sealed at rest, and always two when a delivery is checked."""

from __future__ import annotations

import secrets
from typing import Final

from casebridge.persistence.inbox import InboxTokenRow
from casebridge.services.clock import Clock
from casebridge.services.vault import Vault

_SECRET_BYTES: Final = 32
_DECOY: Final = "nobody"


class TokenSecrets:
    """Makes, seals and opens the secrets of inbox tokens."""

    def __init__(self, vault: Vault, clock: Clock) -> None:
        """Bind the vault, and seal a decoy that nobody knows."""
        self._vault = vault
        self._clock = clock
        self._decoy = self.seal(_DECOY, self.new())

    def new(self) -> str:
        """Return a new secret: 43 characters that can stand in a header and in a URL."""
        return secrets.token_urlsafe(_SECRET_BYTES)

    def seal(self, token_id: str, secret: str) -> bytes:
        """Encrypt a secret for the token with this public id."""
        return self._vault.seal(secret.encode(), context=context_of(token_id))

    def to_try(self, row: InboxTokenRow | None) -> tuple[str, str]:
        """Return the secrets that may prove a delivery: the present one and the one before.

        Where there is none (no such token, no rotation that overlaps now) a decoy stands for it,
        so that every delivery is as much work as any other.

        Raises:
            VaultError: the master key is not there.
        """
        current = previous = (_DECOY, self._decoy)
        if row is not None:
            current = (row.public_id, row.secret_sealed)
            overlaps = row.previous_until is not None and row.previous_until > self._clock()
            if row.previous_sealed is not None and overlaps:
                previous = (row.public_id, row.previous_sealed)
        return self._open(*current), self._open(*previous)

    def _open(self, token_id: str, sealed: bytes) -> str:
        return self._vault.open(sealed, context=context_of(token_id)).decode()


def context_of(token_id: str) -> str:
    """Return what the sealed secrets of the token with this public id are bound to."""
    return f"inbox-token:{token_id}"
