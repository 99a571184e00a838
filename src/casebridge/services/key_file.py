"""The file of master keys: one a line, the first seals, all of them open."""

from __future__ import annotations

import base64
import binascii
import fcntl
import logging
import os
import secrets
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

KEY_BYTES: Final = 32
_NEW_SUFFIX: Final = ".new"

log = logging.getLogger(__name__)


class VaultError(Exception):
    """A sealed value cannot be opened, or a key cannot be used; no secret is in the message."""


class KeyFile:
    """The key file of one machine, which running processes follow when it changes.

    It is only ever replaced as a whole, so that whoever reads it finds whole keys in it.
    """

    def __init__(self, path: Path) -> None:
        """Name the file; it is not read yet."""
        self.path = path
        self._seen: tuple[int, int, int] | None = None

    def read(self) -> tuple[bytes, ...]:
        """Return the keys, the one that seals first.

        Raises:
            VaultError: the file is missing, readable by others, or holds something else.
        """
        try:
            found = self.path.stat()
            lines = self.path.read_text().split()
        except FileNotFoundError:
            msg = (
                f"there is no master key: {self.path} is not there; set CASEBRIDGE_DATA_DIR to the"
                " service's data folder, or put the file back from the backup"
            )
            raise VaultError(msg) from None
        except (OSError, UnicodeDecodeError) as error:
            msg = f"{self.path} cannot be read ({type(error).__name__}); run this as its owner"
            raise VaultError(msg) from None
        if found.st_mode & 0o077:
            msg = f"{self.path} can be read by others; run: chmod 600 {self.path}"
            raise VaultError(msg)
        keys = tuple(decode_key(line, str(self.path)) for line in lines)
        if not keys:
            msg = f"{self.path} must hold base64 of {KEY_BYTES} bytes for each key, and it is empty"
            raise VaultError(msg)
        self._seen = (found.st_ino, found.st_mtime_ns, found.st_size)
        return keys

    def news(self) -> tuple[bytes, ...]:
        """Return the keys if the file is another one than was read last; nothing otherwise.

        A file that cannot be used is no news: the process goes on with the keys that it knows.
        """
        try:
            found = self.path.stat()
            signature = (found.st_ino, found.st_mtime_ns, found.st_size)
            if signature == self._seen:
                return ()
            self._seen = signature  # so that a broken file is told of once
            return self.read()
        except FileNotFoundError:
            return ()
        except (OSError, VaultError) as error:
            log.warning("the master keys are kept as they were: %s", error)
            return ()

    def create(self) -> None:
        """Make the file with one new key, unless it is there already.

        It is made complete under another name first: whoever finds it finds the key in it.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor, name = tempfile.mkstemp(dir=self.path.parent)  # mode 0600
        try:
            _fill(descriptor, (new_key(),))
            with suppress(FileExistsError):  # another process of this service was quicker
                os.link(name, self.path)
        finally:
            Path(name).unlink()

    def replace(self, keys: Sequence[bytes]) -> None:
        """Put these keys in the place of those in the file; whoever calls this holds `alone`.

        A power cut leaves the old file or the new one.
        """
        new = self.path.with_name(self.path.name + _NEW_SUFFIX)
        new.unlink(missing_ok=True)  # what a killed process left
        _fill(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), keys)
        new.replace(self.path)
        with _folder(self.path) as folder:
            os.fsync(folder)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Be the only process that changes the file or what is sealed with it.

        Raises:
            VaultError: another one is at it, or the folder is not there.
        """
        try:
            with _folder(self.path) as folder:
                fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
                yield
        except BlockingIOError:
            raise VaultError("another process is changing the master keys; wait for it") from None
        except FileNotFoundError:
            self.read()
            raise


def decode_key(text: str, where: str) -> bytes:
    """Return the key of a line; ``where`` it stands is told, and never what stands there.

    Raises:
        VaultError: it is not base64 of 32 bytes.
    """
    try:
        key = base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != KEY_BYTES:
        raise VaultError(f"{where} must hold base64 of {KEY_BYTES} bytes for each key")
    return key


def new_key() -> bytes:
    """Return a new master key."""
    return secrets.token_bytes(KEY_BYTES)


def _fill(descriptor: int, keys: Sequence[bytes]) -> None:
    with os.fdopen(descriptor, "wb") as file:
        file.write(b"".join(base64.b64encode(key) + b"\n" for key in keys))
        file.flush()
        os.fsync(file.fileno())


@contextmanager
def _folder(path: Path) -> Iterator[int]:
    descriptor = os.open(path.parent, os.O_RDONLY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
