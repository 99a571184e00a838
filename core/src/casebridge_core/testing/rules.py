"""`rule`: turns a generator of complaints into a pytest test that knows when it does not apply."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Callable, Collection, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any, Final

import pytest

from casebridge_core.connectors import Capability
from casebridge_core.testing.bench import Bench, Wire
from casebridge_core.testing.vendors import NotOffered

Complaints = Iterator[str]
"""What a pure rule yields: a sentence for each thing that is wrong, with its cure."""
LiveComplaints = AsyncIterator[str]
"""What a rule yields that calls the vendor."""

ATTRIBUTE: Final = "casebridge_rule"


@dataclass(frozen=True, slots=True)
class RuleFacts:
    """What the report card tells of a rule; `title` is the first line of its docstring."""

    subject: str
    title: str


def rule(
    subject: str,
    *needs: Capability,
    hooks: Collection[str] = (),
    packages: Collection[str] = (),
    of_refused: bool = False,
) -> Callable[[Callable[..., Any]], Callable[[Any, Bench], None]]:
    """Make a test of a method that yields complaints.

    A method ``(self, bench)`` is pure; an async one ``(self, bench, wire)`` is handed a fresh
    connector and may call the vendor. The test is skipped, and says so, when the adapter does not
    claim what the rule ``needs``, or does not have one of the ``hooks``, or when one of the
    ``packages`` is not installed; also when the host refuses the adapter, unless the rule is
    ``of_refused`` ones too.
    """

    def decorate(method: Callable[..., Any]) -> Callable[[Any, Bench], None]:
        def test(self: Any, bench: Bench) -> None:  # noqa: ANN401 - the class it is a method of
            __tracebackhide__ = True
            if bench.refusal and not of_refused:
                pytest.skip("the host refuses this adapter: mend that first")
            missing: list[str] = [need for need in needs if not bench.can(need)]
            missing += [hook for hook in hooks if not bench.hooks.has(hook)]
            if missing:
                pytest.skip(f"not claimed: {', '.join(missing)}")
            if absent := [name for name in packages if find_spec(name) is None]:
                extra = "pip install 'casebridge-core[testing]'"
                pytest.skip(f"not installed: {', '.join(absent)} ({extra})")
            try:
                complaints = _complaints(method, self, bench)
            except NotOffered as lack:
                pytest.skip(str(lack))
            if complaints:
                pytest.fail("\n".join(complaints), pytrace=False)

        test.__name__ = method.__name__
        test.__qualname__ = method.__qualname__
        test.__doc__ = method.__doc__
        test.__module__ = method.__module__
        title = (inspect.getdoc(method) or method.__name__).partition("\n")[0].rstrip(".")
        setattr(test, ATTRIBUTE, RuleFacts(subject, title))
        return test

    return decorate


def _complaints(method: Callable[..., Any], case: object, bench: Bench) -> list[str]:
    if not inspect.isasyncgenfunction(method):
        return list(method(case, bench))

    async def listen(wire: Wire) -> list[str]:
        return [complaint async for complaint in method(case, bench, wire)]

    return bench.run(listen)
