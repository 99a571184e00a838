"""How the service writes its log: one line an event, secrets never in it."""

from __future__ import annotations

import logging

_FORMAT = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"


def configure(level: str) -> None:
    """Write to standard error from ``level`` up; quieten what only repeats the service's lines."""
    logging.basicConfig(level=level, format=_FORMAT)
    logging.getLogger("uvicorn.error").addFilter(_is_no_startup_traceback)
    for name in ("httpx", "httpcore", "alembic", "aiosqlite"):
        logging.getLogger(name).setLevel(logging.WARNING)


def _is_no_startup_traceback(record: logging.LogRecord) -> bool:
    """Leave out uvicorn's traceback of a failed start: the command tells the reason in words."""
    return "Traceback (most recent call last)" not in record.getMessage()
