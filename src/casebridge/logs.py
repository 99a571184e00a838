"""How the service writes its log: one line an event, secrets never in it."""

from __future__ import annotations

import logging

_FORMAT = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"


def configure(level: str) -> None:
    """Write to standard error from ``level`` up; quieten what only repeats the service's own lines.

    Raises:
        ValueError: the level is not one of Python's names.
    """
    logging.basicConfig(level=level.upper(), format=_FORMAT)
    for name in ("httpx", "httpcore", "alembic", "aiosqlite"):
        logging.getLogger(name).setLevel(logging.WARNING)
