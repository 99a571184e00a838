"""`Secret`: a configuration value that cannot be shown by accident."""

from __future__ import annotations

import hmac
from typing import Any, Final, NoReturn

MASK: Final = "********"
EMPTY_SECRET: Final = "a secret must not be empty"  # noqa: S105 - a sentence


class Secret:
    """A credential in a connector's configuration.

    Its repr and str are masked, it cannot be pickled, and msgspec refuses to encode it: only
    `reveal` gives the text, at the moment it is sent to the vendor.
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        """Wrap a non-empty text.

        Raises:
            ValueError: the text is empty.
        """
        if not text:
            raise ValueError(EMPTY_SECRET)
        self._text = text

    def reveal(self) -> str:
        """Return the text itself."""
        return self._text

    def __repr__(self) -> str:
        return f"Secret({MASK!r})"

    def __str__(self) -> str:
        return MASK

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(
            self._text.encode(errors="surrogatepass"), other._text.encode(errors="surrogatepass")
        )

    def __hash__(self) -> int:
        return hash((Secret, self._text))

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret cannot be pickled or copied")


def decode_secret(kind: type, value: object) -> Any:  # noqa: ANN401 - msgspec's dec_hook signature
    """Turn a string into a `Secret` (msgspec's ``dec_hook``).

    Raises:
        TypeError: the value is not a string.
        ValueError: the string is empty.
        NotImplementedError: the type is not `Secret`.
    """
    if kind is not Secret:
        raise NotImplementedError(f"{kind!r} cannot stand in a connector's configuration")
    if not isinstance(value, str):
        raise TypeError("Expected `str`")
    return Secret(value)


def mask_secret(value: object) -> str:
    """Turn a `Secret` into a mask (msgspec's ``enc_hook`` for what people may see).

    Raises:
        NotImplementedError: the value is not a `Secret`.
    """
    if isinstance(value, Secret):
        return MASK
    raise NotImplementedError(f"{type(value)!r} cannot be shown")


def reveal_secret(value: object) -> str:
    """Turn a `Secret` into its text (an ``enc_hook`` for what is sealed or decoded again at once).

    Raises:
        NotImplementedError: the value is not a `Secret`.
    """
    if isinstance(value, Secret):
        return value.reveal()
    raise NotImplementedError(f"{type(value)!r} cannot stand in a configuration")


def secret_schema(kind: type) -> dict[str, Any]:
    """Describe a `Secret` as a write-only password (msgspec's ``schema_hook``).

    Raises:
        NotImplementedError: the type is not `Secret`.
    """
    if kind is not Secret:
        raise NotImplementedError
    return {"type": "string", "format": "password", "writeOnly": True, "minLength": 1}
