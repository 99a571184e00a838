"""A SQLite connection without a thread of its own: real, and quicker for one caller at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from casebridge.persistence.sqlite_thread import OneTripConnection


class _Inline(OneTripConnection):
    """A connection that works where it is called: one caller at a time needs no other thread."""

    async def _execute(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        return fn(*args, **kwargs)


def stay_in_this_thread(
    _dialect: object, _record: object, _arguments: object, options: dict[str, Any]
) -> None:
    """Have an engine's new connections work in the caller's thread: for its ``do_connect``."""

    def connect(path: str, **more: Any) -> _Inline:
        return _Inline(path, **{**more, "check_same_thread": False})

    options["async_creator_fn"] = connect
