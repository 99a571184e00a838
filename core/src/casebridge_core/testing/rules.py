"""`rule`: turns a generator of complaints into a pytest test that knows when it does not apply."""

from __future__ import annotations

import inspect
import traceback
from collections.abc import AsyncIterator, Callable, Collection, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any, Final

import pytest

from casebridge_core.connectors import Capability
from casebridge_core.documents import shorten
from casebridge_core.errors import CasebridgeError, HookFailed
from casebridge_core.testing.bench import Bench, Unsound, Wire
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
            complaints, lack = _listen_to(method, self, bench)
            if complaints:
                pytest.fail("\n".join(complaints), pytrace=False)
            if lack is not None:
                pytest.skip(str(lack))

        test.__name__ = method.__name__
        test.__qualname__ = method.__qualname__
        test.__doc__ = method.__doc__
        test.__module__ = method.__module__
        title = (inspect.getdoc(method) or method.__name__).partition("\n")[0].rstrip(".")
        setattr(test, ATTRIBUTE, RuleFacts(subject, title))
        return test

    return decorate


def _listen_to(
    method: Callable[..., Any], case: object, bench: Bench
) -> tuple[list[str], NotOffered | None]:
    """Return what a rule complains of, and what it lacked to go on."""
    complaints: list[str] = []

    async def listen(wire: Wire) -> None:
        try:
            async for complaint in method(case, bench, wire):
                complaints.append(complaint)  # noqa: PERF401 - kept, should a later step break off
        except CasebridgeError as error:
            complaints.append(f"{_told(error)}{_said_by_vendor(wire)}")

    try:
        if inspect.isasyncgenfunction(method):
            bench.run(listen)
        else:
            complaints.extend(method(case, bench))
    except NotOffered as lack:
        return complaints, lack
    except (CasebridgeError, Unsound) as error:
        complaints.append(_told(error))
    return complaints, None


def _said_by_vendor(wire: Wire) -> str:
    """Return what the vendor itself said when the last call failed on its side, such as a 500."""
    told = next((call.told for call in reversed(wire.transport.calls) if call.told), None)
    return f" ({shorten(told.text, 300)})" if told is not None and told.is_server_error else ""


def _told(error: Exception) -> str:
    """Return what an adapter raised where all was well, with its own traceback where it broke."""
    told = f"{type(error).__name__}: {error}"
    if not isinstance(error, HookFailed) or error.__cause__ is None:
        return told
    trace = "".join(traceback.format_exception(error.__cause__))
    return f"{told} ({error.__cause__!r})\n\n{trace}"
