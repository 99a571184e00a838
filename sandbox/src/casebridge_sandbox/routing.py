"""The calls a vendor answers: method, path template, and handler."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

from casebridge_sandbox.exchange import Call, Reply

__all__ = ("Handler", "NamedByCall", "Operation", "Router")

Handler = Callable[[Call], Reply | Awaitable[Reply]]
"""Answers a call; may raise `Refusal`."""

_PARAMETER = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class NamedByCall:
    """An operation's name that depends on the call, as when one path does several things.

    Attributes:
        names: Every name there is.
        choose: Returns the name for a call.
    """

    names: tuple[str, ...]
    choose: Callable[[Call], str]


@dataclass(frozen=True, slots=True)
class Operation:
    """A call that a vendor answers.

    Attributes:
        name: What faults and the request log call it, or how to tell from the call.
        method: The HTTP method.
        template: The path; ``{name}`` stands for one segment.
        handler: Answers the call.
    """

    name: str | NamedByCall
    method: str
    template: str
    handler: Handler

    @property
    def names(self) -> tuple[str, ...]:
        """Every name that a call of it can have."""
        return (self.name,) if isinstance(self.name, str) else self.name.names

    def name_for(self, call: Call) -> str:
        """Return the name of the operation that a call amounts to."""
        return self.name if isinstance(self.name, str) else self.name.choose(call)


class Router:
    """Finds the operation of a call; the first that fits wins.

    Args:
        operations: The operations.
    """

    def __init__(self, operations: Iterable[Operation]) -> None:
        self._routes = [(_pattern(each.template), each) for each in operations]

    def match(self, method: str, path: str) -> tuple[Operation, dict[str, str]] | None:
        """Return the operation of a method and path with its parameters, or None."""
        for pattern, operation in self._routes:
            if operation.method == method and (found := pattern.fullmatch(path)):
                return operation, found.groupdict()
        return None

    def methods(self, path: str) -> list[str]:
        """Return the methods that a path knows."""
        return sorted({each.method for pattern, each in self._routes if pattern.fullmatch(path)})


def _pattern(template: str) -> re.Pattern[str]:
    parts = _PARAMETER.split(template)
    return re.compile(
        "".join(
            re.escape(part) if index % 2 == 0 else f"(?P<{part}>[^/]+)"
            for index, part in enumerate(parts)
        )
    )
