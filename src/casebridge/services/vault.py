"""Envelope encryption: every sealed value has a key of its own, wrapped by the master key."""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import secrets
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Final, Self

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12


class VaultError(Exception):
    """A sealed value cannot be opened, or a key cannot be used; no secret is in the message."""


class _Envelope(msgspec.Struct, frozen=True, array_like=True):
    key_id: bytes
    wrap_nonce: bytes
    wrapped: bytes
    nonce: bytes
    sealed: bytes


class Vault:
    """Seals and opens bytes with AES-256-GCM, bound to a context.

    The context (such as ``connector:con_x``) is associated data: a sealed value moved to another
    row does not open there.
    """

    def __init__(self, keys: tuple[bytes, ...]) -> None:
        """Take the master keys, 32 bytes each; the first seals, all of them open.

        Raises:
            VaultError: there is no key, or one has not 32 bytes.
        """
        if not keys or any(len(key) != KEY_BYTES for key in keys):
            msg = f"a master key must have exactly {KEY_BYTES} bytes"
            raise VaultError(msg)
        self._keys = {_key_id(key): AESGCM(key) for key in keys}
        self._current = _key_id(keys[0])

    @classmethod
    def from_settings(cls, keys: str, key_file: Path) -> Self:
        """Build the vault from base64 keys, or from a key file that is made when it is missing.

        Raises:
            VaultError: a key is not base64 of 32 bytes, or the file is readable by others.
        """
        if keys:
            return cls(tuple(_decode(text, "CASEBRIDGE_KEYS") for text in keys.split(",")))
        if not key_file.exists():
            _create_key_file(key_file)
        if key_file.stat().st_mode & 0o077:
            msg = f"{key_file} can be read by others; run: chmod 600 {key_file}"
            raise VaultError(msg)
        lines = key_file.read_text().split()
        return cls(tuple(_decode(line, str(key_file)) for line in lines))

    def seal(self, plain: bytes, *, context: str) -> bytes:
        """Encrypt ``plain``; it opens only with the same context."""
        bound = context.encode()
        inner = AESGCM.generate_key(bit_length=8 * KEY_BYTES)
        nonce, wrap_nonce = secrets.token_bytes(_NONCE_BYTES), secrets.token_bytes(_NONCE_BYTES)
        return msgspec.msgpack.encode(
            _Envelope(
                key_id=self._current,
                wrap_nonce=wrap_nonce,
                wrapped=self._keys[self._current].encrypt(wrap_nonce, inner, bound),
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
            outer = self._keys[envelope.key_id]
            inner = outer.decrypt(envelope.wrap_nonce, envelope.wrapped, context.encode())
            return AESGCM(inner).decrypt(envelope.nonce, envelope.sealed, context.encode())
        except KeyError:
            msg = f"{context} was sealed with a master key that is not among CASEBRIDGE_KEYS"
            raise VaultError(msg) from None
        except (InvalidTag, msgspec.DecodeError):
            msg = f"{context} cannot be opened: it was changed or belongs to another record"
            raise VaultError(msg) from None


def _key_id(key: bytes) -> bytes:
    return hashlib.sha256(b"casebridge-key-id" + key).digest()[:8]


def _decode(text: str, where: str) -> bytes:
    try:
        return base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError):
        msg = f"{where} must hold base64 of {KEY_BYTES} bytes for each key"
        raise VaultError(msg) from None


def _create_key_file(path: Path) -> None:
    """Make the file complete under another name first: whoever finds it finds the key in it."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor, name = tempfile.mkstemp(dir=path.parent)  # mode 0600
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(base64.b64encode(secrets.token_bytes(KEY_BYTES)) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):  # another process of this service was quicker
            os.link(name, path)
    finally:
        Path(name).unlink()
