"""Envelope encryption: every sealed value has a key of its own, wrapped by the master key."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from pathlib import Path
from typing import Final, Self

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from casebridge.services.key_file import KEY_BYTES, KeyFile, VaultError, decode_key

__all__ = ("KEY_BYTES", "Vault", "VaultError")

_NONCE_BYTES: Final = 12


class _Envelope(msgspec.Struct, frozen=True, array_like=True):
    key_id: bytes
    wrap_nonce: bytes
    wrapped: bytes
    nonce: bytes
    sealed: bytes


class _MasterKey:
    """A master key in use: what it wraps with, and what it proves its possession with."""

    def __init__(self, key: bytes) -> None:
        self.wraps = AESGCM(key)
        self._proves = hmac.digest(key, b"casebridge-identity", "sha256")

    def proof(self, challenge: str) -> str:
        return hmac.digest(self._proves, challenge.encode("utf-8", "surrogatepass"), "sha256").hex()


class Vault:
    """Seals and opens bytes with AES-256-GCM, bound to a context.

    The context (such as ``connector:con_x``) is associated data: a sealed value moved to another
    row does not open there.

    With a key file, a running vault follows it: it seals with the first key as the file is now, and
    looks there for a key that it does not know. A key that it has known goes on opening.
    """

    def __init__(self, keys: tuple[bytes, ...], *, file: KeyFile | None = None) -> None:
        """Take the master keys, 32 bytes each; the first seals, all of them open.

        Raises:
            VaultError: there is no key, or one has not 32 bytes.
        """
        if not keys or any(len(key) != KEY_BYTES for key in keys):
            msg = f"a master key must have exactly {KEY_BYTES} bytes"
            raise VaultError(msg)
        self._file = file
        self._keys: dict[bytes, _MasterKey] = {}
        self._take(keys)

    @classmethod
    def from_settings(cls, keys: str, key_file: Path, *, create: bool = True) -> Self:
        """Build the vault from base64 keys, or from a key file.

        ``create`` makes the file when it is missing.

        Raises:
            VaultError: a key is not base64 of 32 bytes, or the file is readable by others, or
                missing.
        """
        if keys:
            return cls(tuple(decode_key(text, "CASEBRIDGE_KEYS") for text in keys.split(",")))
        file = KeyFile(key_file)
        if create and not key_file.exists():
            file.create()
        return cls(file.read(), file=file)

    @property
    def current(self) -> str:
        """The id of the master key that seals now; it tells nothing of the key."""
        self._follow()
        return self._current.hex()

    @property
    def key_ids(self) -> tuple[str, ...]:
        """The ids of every master key that opens."""
        return tuple(known.hex() for known in self._keys)

    def seal(self, plain: bytes, *, context: str) -> bytes:
        """Encrypt ``plain``; it opens only with the same context."""
        self._follow()
        bound = context.encode()
        inner = AESGCM.generate_key(bit_length=8 * KEY_BYTES)
        nonce, wrap_nonce = secrets.token_bytes(_NONCE_BYTES), secrets.token_bytes(_NONCE_BYTES)
        return msgspec.msgpack.encode(
            _Envelope(
                key_id=self._current,
                wrap_nonce=wrap_nonce,
                wrapped=self._keys[self._current].wraps.encrypt(wrap_nonce, inner, bound),
                nonce=nonce,
                sealed=AESGCM(inner).encrypt(nonce, plain, bound),
            )
        )

    def open(self, sealed: bytes, *, context: str) -> bytes:
        """Decrypt what `seal` made.

        Raises:
            VaultError: the key is not there, the context differs, or the bytes were changed.
        """
        try:
            envelope = msgspec.msgpack.decode(sealed, type=_Envelope)
            if envelope.key_id not in self._keys:
                self._follow()
            outer = self._keys[envelope.key_id].wraps
            inner = outer.decrypt(envelope.wrap_nonce, envelope.wrapped, context.encode())
            return AESGCM(inner).decrypt(envelope.nonce, envelope.sealed, context.encode())
        except KeyError:
            where = self._file.path if self._file is not None else "CASEBRIDGE_KEYS"
            msg = f"{context} was sealed with a master key that is not among those of {where}"
            raise VaultError(msg) from None
        except (InvalidTag, msgspec.DecodeError):
            msg = f"{context} cannot be opened: it was changed or belongs to another record"
            raise VaultError(msg) from None

    def proof(self, challenge: str) -> str:
        """Return what only a process with our master key can say to a challenge; 64 hex digits."""
        self._follow()
        return self._keys[self._current].proof(challenge)

    def believes(self, challenge: str, proof: str) -> bool:
        """Tell whether `proof` was made with one of our master keys."""
        self._follow()
        given = proof.encode()
        return any(
            hmac.compare_digest(key.proof(challenge).encode(), given) for key in self._keys.values()
        )

    def _follow(self) -> None:
        if self._file is not None and (keys := self._file.news()):
            self._take(keys)

    def _take(self, keys: tuple[bytes, ...]) -> None:
        """Know these keys as well; those known before may still be needed in this process."""
        for key in keys:
            self._keys.setdefault(key_id(key), _MasterKey(key))
        self._current = key_id(keys[0])


def key_id(key: bytes) -> bytes:
    """Return the name under which sealed values remember a master key."""
    return hashlib.sha256(b"casebridge-key-id" + key).digest()[:8]


def sealed_with(sealed: bytes) -> str | None:
    """Return the id of the master key that a value is sealed with; None when it is no such value.

    Nothing is opened.
    """
    try:
        return msgspec.msgpack.decode(sealed, type=_Envelope).key_id.hex()
    except msgspec.DecodeError:
        return None
