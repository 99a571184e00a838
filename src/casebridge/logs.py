"""How a process writes its log: one event a line, with what it belongs to, and without secrets."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, Literal

import structlog

MASK: Final = "********"
_SECRET: Final = re.compile(
    r"(?P<kept>"
    r"cbk_"  # our API keys
    r"|(?:\bBearer|\bBasic)\s+"  # a header's credentials
    r"|://[^\s/:@]*:(?=[^\s/@]*@)"  # a URL's password
    r"|/inbox/itsm/(?:tok_[a-z0-9]+/)?(?!tok_)(?=[^\s/]{24})"  # of an inbox's path
    r")[^\s\"',;@/]+",
    re.IGNORECASE,
)

Form = Literal["text", "json"]


def configure(level: str, form: Form = "text") -> None:
    """Write to standard error from ``level`` up, as lines to read or as JSON, one object a line.

    Whatever any library logs goes the same way. What only repeats the service's lines is quiet.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter(form))
    logging.basicConfig(level=level, handlers=[handler])
    logging.getLogger("uvicorn.error").addFilter(_is_no_startup_traceback)
    for name in ("httpx", "httpcore", "alembic", "aiosqlite"):
        logging.getLogger(name).setLevel(logging.WARNING)


def formatter(form: Form) -> logging.Formatter:
    """Return what makes a line of a record, whichever library it comes from."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    render: list[Any] = (
        [structlog.processors.format_exc_info, _mask, structlog.processors.JSONRenderer()]
        if form == "json"
        else [_as_line]
    )
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *render],
    )


@contextmanager
def belonging_to(**ids: str) -> Iterator[None]:
    """Have every line that is logged inside tell these ids, such as the request's or the ref's."""
    with structlog.contextvars.bound_contextvars(**ids):
        yield


def masked(text: str) -> str:
    """Return a text without what looks like a secret of ours or a credential of anybody's.

    It is the last net: no line is meant to have one, and tests plant secrets to see to that.
    """
    return _SECRET.sub(rf"\g<kept>{MASK}", text)


def _mask(_logger: object, _name: str, event: dict[str, Any]) -> dict[str, Any]:
    return {key: masked(text) if isinstance(text, str) else text for key, text in event.items()}


def _as_line(_logger: object, _name: str, event: dict[str, Any]) -> str:
    error = event.pop("exc_info", None)
    head = [event.pop("timestamp"), f"{event.pop('level').upper():<7}", f"{event.pop('logger')}:"]
    words = [*head, str(event.pop("event")), *(f"{key}={text}" for key, text in event.items())]
    line = " ".join(words)
    if error:
        line += (
            "\n" + structlog.processors.format_exc_info(None, "", {"exc_info": error})["exception"]
        )
    return masked(line)


def _is_no_startup_traceback(record: logging.LogRecord) -> bool:
    """Leave out uvicorn's traceback of a failed start: the command tells the reason in words."""
    return "Traceback (most recent call last)" not in record.getMessage()
