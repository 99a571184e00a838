"""Looking for secrets where they must not be."""

from __future__ import annotations

import base64
import contextlib
import io
import logging
import re
import traceback
import warnings
from collections.abc import Generator, Mapping
from typing import Final
from urllib.parse import unquote_plus

from casebridge_core.secret import Secret
from casebridge_core.testing.parts import parts

_BASE64: Final = re.compile(r"[A-Za-z0-9+/_-]{8,}={0,2}")


def revealed(config: object, where: str = "") -> dict[str, str]:
    """Return the text of every secret in a configuration, by the path of its field."""
    if isinstance(config, Secret):
        return {where: config.reveal()}
    found: dict[str, str] = {}
    for name, value in parts(config):
        found |= revealed(value, f"{where}.{name}" if where else name)
    return found


def found_in(text: str, secrets: Mapping[str, str]) -> list[str]:
    """Return the paths of the secrets that stand in a text, plain, in a URL's form or in base64."""
    plain = f"{text}\n{unquote_plus(text)}\n{_decoded(text)}"
    return [path for path, secret in secrets.items() if secret in plain]


@contextlib.contextmanager
def overhearing() -> Generator[io.StringIO]:
    """Collect all that is logged (at any level), warned of or printed meanwhile."""
    heard = io.StringIO()
    handler = logging.StreamHandler(heard)
    root = logging.getLogger()
    level, disabled = root.level, logging.root.manager.disable
    root.addHandler(handler)
    root.setLevel(logging.NOTSET)
    logging.disable(logging.NOTSET)
    try:
        with (
            contextlib.redirect_stdout(heard),
            contextlib.redirect_stderr(heard),
            warnings.catch_warnings(),
        ):
            warnings.simplefilter("always")
            yield heard
    finally:
        root.setLevel(level)
        root.removeHandler(handler)
        logging.disable(disabled)


def told_by(error: BaseException) -> str:
    """Return all that a log would show of an error: its message, its repr, its whole chain."""
    return "\n".join((str(error), repr(error), *traceback.format_exception(error)))


def _decoded(text: str) -> str:
    parts: list[str] = []
    for token in _BASE64.findall(text):
        padded = token.rstrip("=") + "=" * (-len(token.rstrip("=")) % 4)
        with contextlib.suppress(ValueError):
            parts.append(base64.b64decode(padded, altchars=b"-_").decode())
    return "\n".join(parts)
