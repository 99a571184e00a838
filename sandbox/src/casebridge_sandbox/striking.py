"""What a fault does to a call that it strikes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, assert_never

from casebridge_sandbox.exchange import Reply

if TYPE_CHECKING:
    from casebridge_sandbox.faults import Fault
    from casebridge_sandbox.sandbox import VendorSandbox

__all__ = ("Outcome", "strike")

_UNAVAILABLE = 503


@dataclass(frozen=True, slots=True)
class Outcome:
    """What becomes of a call.

    Attributes:
        reply: The answer; None to close the connection without one.
        cut: Whether to close the connection in the middle of the answer.
    """

    reply: Reply | None
    cut: bool = False


async def strike(  # noqa: C901, PLR0911, PLR0912 - one branch for each kind of fault
    sandbox: VendorSandbox[Any],
    fault: Fault,
    perform: Callable[[], Reply],
    pause: Callable[[float], Awaitable[None]],
) -> Outcome:
    """Answer a call under a fault.

    Args:
        sandbox: The vendor.
        fault: The fault.
        perform: Does the work of the call and returns the right answer.
        pause: Waits for some seconds.
    """
    match fault.kind:
        case "status":
            return Outcome(_with_body(fault, sandbox.failure(fault.status or _UNAVAILABLE)))
        case "rate_limited":
            return Outcome(sandbox.rate_limited(fault))
        case "html_error":
            page = sandbox.html_page(error=True)
            return Outcome(Reply(fault.status or page.status, page.body, page.headers))
        case "html_ok":
            return Outcome(sandbox.html_page(error=False))
        case "truncated_json":
            reply = perform()
            return Outcome(Reply(reply.status, reply.body[: len(reply.body) // 2], reply.headers))
        case "delay":
            await pause(fault.seconds)
            return Outcome(perform())
        case "slow_answer":
            reply = perform()
            await pause(fault.seconds)
            return Outcome(reply)
        case "cut_before":
            return Outcome(None)
        case "cut_after":
            perform()
            return Outcome(None)
        case "cut_midway":
            return Outcome(perform(), cut=True)
        case "stored_error":
            perform()
            return Outcome(_with_body(fault, sandbox.failure(fault.status or 500)))
        case "not_done":
            replies: list[Reply] = []
            sandbox.desk.rehearse(lambda: replies.append(perform()))
            return Outcome(replies[0])
        case "unknown_outcome":
            if sandbox.faults.coin():
                perform()
            return Outcome(None)
        case "result_and_error":
            return Outcome(sandbox.result_and_error(perform()))
        case _:
            assert_never(fault.kind)


def _with_body(fault: Fault, usual: Reply) -> Reply:
    """Return the usual failure with the fault's own body and headers, where it has any."""
    if fault.body is None:
        return usual.with_headers(fault.headers)
    if isinstance(fault.body, str):
        return Reply.html(fault.body, usual.status, fault.headers)
    return Reply.json(fault.body, usual.status, fault.headers)
