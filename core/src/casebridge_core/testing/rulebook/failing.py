"""What goes wrong at the vendor, told as the right error."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import partial
from typing import Final

from casebridge_core.connectors import Capability
from casebridge_core.documents import shorten
from casebridge_core.errors import (
    AuthenticationFailed,
    HookFailed,
    InvalidRequest,
    PushError,
    RateLimited,
    TransitionRejected,
)
from casebridge_core.testing import faults
from casebridge_core.testing.bench import Bench, Wire
from casebridge_core.testing.faults import Strike
from casebridge_core.testing.rules import LiveComplaints, rule
from casebridge_core.testing.values import flaws
from casebridge_core.tickets import ConnectionReport

_READS: Final = frozenset(
    {
        "itsm_find_ticket",
        "itsm_fetch_ticket",
        "itsm_find_comment",
        "itsm_list_changes",
        "itsm_identify_account",
    }
)
_WRITES: Final = frozenset({"itsm_push_case", "itsm_push_status_change", "itsm_push_comment"})
_ALL: Final = _READS | _WRITES
_DECISIVE: Final = _WRITES | {"itsm_find_ticket", "itsm_fetch_ticket"}
"""What nobody may go without. A vendor may well keep its list of users or comments to itself."""
_REFUSALS: Final = (InvalidRequest, TransitionRejected)
_WAIT: Final = 7.0
_MOST_GAPS: Final = 200
_SHAPES: Final = ("{}", "[]", "null", '"text"', "7", '[{"id": null}]', '{"result": 7, "id": []}')


class FailureRules:
    """Each rule strikes every call of every hook that calls the vendor."""

    @rule("failures", Capability.PUSH_CASE)
    async def test_a_401_is_a_refused_credential(self, bench: Bench, wire: Wire) -> LiveComplaints:
        """A 401 is `AuthenticationFailed`, and in the connection check a line with its cure."""
        refused = faults.answered(401, content='{"error": "unauthorized"}')
        async for hook, error in _failures(bench, wire, refused, _ALL):
            if not isinstance(error, AuthenticationFailed):
                yield _told(hook, "a 401", error, "raise AuthenticationFailed")
        if bench.hooks.has("itsm_check_connection"):
            wire.transport.strike(refused)
            async for complaint in _check_complaints(bench, wire):
                yield complaint

    @rule("failures", Capability.PUSH_CASE)
    async def test_a_403_is_final(self, bench: Bench, wire: Wire) -> LiveComplaints:
        """A 403 is an error that is not retried, and pauses nobody."""
        denied = faults.answered(403, content='{"error": "forbidden"}')
        async for hook, error in _failures(bench, wire, denied, _DECISIVE):
            if not isinstance(error, _REFUSALS):
                yield _told(hook, "a 403", error, "raise PermissionDenied")

    @rule("failures", Capability.PUSH_CASE)
    async def test_a_refused_write_is_final(self, bench: Bench, wire: Wire) -> LiveComplaints:
        """A write that is answered 400 or 422 is an `InvalidRequest` or `TransitionRejected`."""
        for code in (400, 422):
            refused = faults.refused(code, content='{"error": "status cannot be changed"}')
            async for hook, error in _failures(bench, wire, refused, _WRITES):
                if not isinstance(error, _REFUSALS):
                    yield _told(hook, f"a {code}", error, "raise InvalidRequest")

    @rule("failures", Capability.PUSH_CASE)
    async def test_a_404_is_final(self, bench: Bench, wire: Wire) -> LiveComplaints:
        """A 404 is an error that is not retried."""
        missing = faults.answered(404, content='{"error": "not found"}')
        # A search may answer 404 when it finds nothing.
        async for hook, error in _failures(bench, wire, missing, _DECISIVE - {"itsm_find_ticket"}):
            if not isinstance(error, PushError) or error.retryable:
                yield _told(hook, "a 404", error, "raise TicketNotFound or DestinationNotFound")

    @rule("failures", Capability.PUSH_CASE)
    async def test_a_429_is_a_wait(self, bench: Bench, wire: Wire) -> LiveComplaints:
        """A 429 is `RateLimited` with the wait of Retry-After, in seconds or as a date."""
        later = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
        for value, least, most in ((f"{_WAIT:.0f}", _WAIT, 2 * _WAIT), (later, 30.0, 180.0)):
            limited = faults.answered(429, headers={"retry-after": value}, content="{}")
            async for hook, error in _failures(bench, wire, limited, _ALL):
                if not isinstance(error, RateLimited):
                    yield _told(hook, "a 429", error, "raise RateLimited")
                elif not least <= (error.retry_after or 0.0) <= most:
                    yield f"{hook}: Retry-After: {value} became retry_after={error.retry_after}"

    @rule("failures", Capability.PUSH_CASE)
    async def test_no_connection_is_retried(self, bench: Bench, wire: Wire) -> LiveComplaints:
        """A connection that is refused is retried, and certainly nothing was done."""
        async for hook, error in _failures(bench, wire, faults.unreachable, _ALL):
            if not isinstance(error, PushError) or not error.retryable or error.uncertain:
                yield _told(hook, "a refused connection", error, "raise VendorUnavailable")

    @rule("failures", Capability.PUSH_CASE)
    async def test_a_failed_read_is_retried(self, bench: Bench, wire: Wire) -> LiveComplaints:
        """A read that times out or is answered 500 is retried, and nothing is unclear."""
        broken = faults.answered(500, content='{"error": "internal"}')
        for what, fault in (("a 500", broken), ("a time-out", faults.timed_out)):
            async for hook, error in _failures(bench, wire, fault, _READS):
                if not isinstance(error, PushError) or not error.retryable or error.uncertain:
                    yield _told(hook, what, error, "raise VendorUnavailable")

    @rule("failures", Capability.PUSH_CASE)
    async def test_what_is_not_json_is_no_answer(self, bench: Bench, wire: Wire) -> LiveComplaints:
        """A web page with 200, or half a JSON, is no answer."""
        half = faults.answered(200, content='{"half": [1, ')
        for what, fault in (("a web page", faults.html()), ("half a JSON", half)):
            async for hook, error in _failures(bench, wire, fault, _ALL):
                if not isinstance(error, PushError) or not error.retryable:
                    yield _told(hook, what, error, "raise UnexpectedResponse")
                elif error.uncertain is not (hook in _WRITES) and hook in _READS:
                    yield _told(hook, what, error, "a read leaves nothing unclear")

    @rule("failures", Capability.PUSH_CASE)
    async def test_json_of_another_shape(self, bench: Bench, wire: Wire) -> LiveComplaints:
        """JSON of another shape than the vendor documents is an error, and not a crash."""
        for shape in _SHAPES:
            strange = faults.answered(200, content=shape)
            async for hook, error in _failures(bench, wire, strange, _ALL):
                if isinstance(error, HookFailed):
                    cause = type(error.__cause__).__name__
                    yield (
                        f"{hook}: the answer {shape} raised {cause}: read answers with"
                        " VendorApi.request_as, which tells it as the right error"
                    )

    @rule("failures", Capability.PUSH_CASE)
    async def test_an_answer_with_gaps(self, bench: Bench, wire: Wire) -> LiveComplaints:
        """An answer in which a field is missing or null is an error, or read without it."""
        ticket = await bench.mint(wire)
        calls = bench.calls(wire, ticket)
        key = ticket.correlation_key
        if key is not None and bench.hooks.has("itsm_find_ticket"):
            calls["itsm_find_ticket"] = partial(bench.hooks.find_ticket, wire.connector, key)
        for hook in sorted(calls.keys() & _READS):
            wire.transport.heal()
            await calls[hook]()
            told = [call.answer for call in wire.transport.calls]
            for fault, document in faults.with_gaps(told, _MOST_GAPS):
                wire.transport.strike(fault)
                if complaint := await _flaw_of(calls[hook]):
                    yield f"{hook}: {complaint}, for the answer {shorten(document, 300)}"
                    break

    @rule("failures", Capability.PUSH_CASE)
    async def test_a_redirect_is_not_followed(self, bench: Bench, wire: Wire) -> LiveComplaints:
        """A redirect to another host is an error, and the credential stays here."""
        async for hook, error in _failures(bench, wire, faults.redirected(), _ALL):
            if faults.ELSEWHERE in wire.transport.strangers:
                wire.transport.strangers.clear()
                yield f"{hook} followed a redirect to another host, with the credential"
            elif not isinstance(error, PushError):
                yield _told(hook, "a redirect", error, "raise UnexpectedResponse")


async def _failures(
    bench: Bench, wire: Wire, fault: Strike, hooks: Collection[str]
) -> AsyncIterator[tuple[str, Exception | None]]:
    """Yield what each hook raises under a fault, None for one that returns as if all were well."""
    wire.transport.heal()
    ticket = await bench.mint(wire)
    calls = bench.calls(wire, ticket)
    for hook in sorted(calls.keys() & set(hooks)):
        wire.transport.strike(fault)
        error: Exception | None = None
        try:
            await calls[hook]()
        except Exception as raised:  # noqa: BLE001 - what it is, is the question
            error = raised
        yield hook, error


async def _flaw_of(call: Callable[[], Awaitable[object]]) -> str:
    """Return how a call crashed, or what is wrong with what it returned; "" if neither."""
    try:
        returned = await call()
    except HookFailed as error:
        return f"raised {error.__cause__!r}"
    except PushError:
        return ""
    return next(flaws(returned), "")


async def _check_complaints(bench: Bench, wire: Wire) -> LiveComplaints:
    try:
        report: ConnectionReport = await bench.hooks.check_connection(wire.connector)
    except AuthenticationFailed:
        return
    except PushError as error:
        yield _told("itsm_check_connection", "a 401", error, "report a line that failed")
        return
    if report.ok:
        yield "itsm_check_connection: all is well, although every call is answered 401"
    for line in report.lines:
        if line.ok is False and not line.cure:
            yield f"itsm_check_connection: the line {line.name!r} fails without a cure"


def _told(hook: str, what: str, error: Exception | None, cure: str) -> str:
    if error is None:
        return f"{hook}: {what} was taken for an answer: {cure}"
    if isinstance(error, HookFailed):
        cure = f"{cure}, as VendorApi does of itself"
        return f"{hook}: {what} raised {error.__cause__!r}: {cure}"
    return f"{hook}: {what} became {type(error).__name__}: {error}: {cure}"
