"""ServiceNow's refusals as the right `PushError`.

A 403 can be an access rule, a business rule or a data policy: only the text of ``detail`` tells.
Source: ServiceNow, "REST API HTTP response codes" and "Inbound REST API rate limiting".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

import httpx

from casebridge_core import (
    DestinationNotFound,
    InvalidRequest,
    OutcomeUnknown,
    PushError,
    RateLimited,
    VendorUnavailable,
)
from casebridge_core.documents import shorten
from casebridge_core.http import error_for, retry_after

_REASON_LIMIT: Final = 400
_PAGE_HEAD: Final = 4000
_ONE_HOUR: Final = 3600.0
"""Limits count by the hour, so no reset is further away."""

_RULE: Final = re.compile(
    r"data policy exception|aborted by business rule|is mandatory|fields are mandatory"
    r"|operation aborted|invalid update|invalid insert",
    re.IGNORECASE,
)
_ACL: Final = re.compile(
    r"acl (validation|exception)|security constraints|insufficient rights|not authorized",
    re.IGNORECASE,
)
_INVALID_TABLE: Final = re.compile(r"invalid table", re.IGNORECASE)
_LISTED: Final = re.compile(r"mandatory\s*(?:fields?)?\s*:\s*(?P<labels>[^\r\n.]+)", re.IGNORECASE)
_SINGLE: Final = re.compile(
    r"(?:^|[:,;]|\band\b)\s*(?P<label>[^:,;]+?)\s+(?:is|are) mandatory", re.IGNORECASE
)
_SEPARATOR: Final = re.compile(r"\s*(?:,|;|\band\b)\s*")
_FIELD_OF: Final[Mapping[str, str]] = {
    "additional comments": "comments",
    "caller": "caller_id",
    "close code": "close_code",
    "close notes": "close_notes",
    "notes": "close_notes",
    "on hold reason": "hold_reason",
    "resolution code": "close_code",
    "resolution notes": "close_notes",
    "short description": "short_description",
}
_SLEEPING: Final = "a hibernating instance answers so: sign in at its address to wake it"


class RefusedByRule(InvalidRequest):
    """A business rule or a data policy of the instance refuses the change."""


def refine(response: httpx.Response, document: Any) -> PushError | None:  # noqa: ANN401 - any JSON
    """Return the error that a failed answer stands for, or None to go by its status alone."""
    writes = response.request.method != "GET"
    host = response.request.url.host
    if response.status_code == httpx.codes.TOO_MANY_REQUESTS:
        return RateLimited(_limit(host, response), retry_after=seconds_to_wait(response))
    if document is None and "hibernat" in response.text[:_PAGE_HEAD].lower():
        return asleep(host, writes=writes)
    reason = reason_in(document)
    if response.status_code in {httpx.codes.BAD_REQUEST, httpx.codes.FORBIDDEN} and reason:
        return _refusal(response.status_code, reason, writes=writes)
    return error_for(response, writes=writes, reason=reason) if reason else None


def _refusal(status_code: int, reason: str, *, writes: bool) -> PushError:
    """Tell a 400 or 403 by its text: the table, a rule of the instance, or an access rule."""
    if _INVALID_TABLE.search(reason):
        return DestinationNotFound(f"{reason}: check the connector's table")
    if _RULE.search(reason):
        return RefusedByRule(reason, fields=mandatory_fields(reason))
    if status_code == httpx.codes.FORBIDDEN:
        return InvalidRequest(f"{reason}. {_missing_right(reason, writes=writes)}")
    return InvalidRequest(reason)


def asleep(host: str, *, writes: bool) -> PushError:
    """Return the error for an instance that answers with a page instead of JSON."""
    told = f"{host} sent an HTML page instead of JSON; {_SLEEPING}"
    return OutcomeUnknown(f"{told}; it may have been stored") if writes else VendorUnavailable(told)


def reason_in(document: object) -> str:
    """Return the vendor's own sentence in an error body, on one line, or an empty text."""
    match document:
        case {"error": {"message": message, "detail": detail}}:
            parts = [message, detail]
        case {"error": {"message": message}}:
            parts = [message]
        case {"error": str(message), "error_description": description}:
            parts = [message, description]
        case {"error": str(message)}:
            parts = [message]
        case _:
            return ""
    sentences = [" ".join(part.split()) for part in parts if isinstance(part, str) and part.strip()]
    return shorten(": ".join(dict.fromkeys(sentences)), _REASON_LIMIT)


def mandatory_fields(reason: str) -> tuple[str, ...]:
    """Return the fields that a data policy asks for; a label without a known name stays a label."""
    listed = [_SEPARATOR.split(found["labels"]) for found in _LISTED.finditer(reason)]
    labels = [label for group in listed for label in group] or [
        label for found in _SINGLE.finditer(reason) for label in _SEPARATOR.split(found["label"])
    ]
    names = (label.strip().removeprefix("and ").strip("'\"") for label in labels)
    return tuple(dict.fromkeys(_FIELD_OF.get(n.lower(), n.lower()) for n in names if n))


def seconds_to_wait(response: httpx.Response, *, now: datetime | None = None) -> float | None:
    """Return the seconds that ``Retry-After`` or ``X-RateLimit-Reset`` (Unix time) asks for."""
    wait = retry_after(response, now=now)
    if wait is not None:
        return wait
    reset = response.headers.get("x-ratelimit-reset", "").strip()
    if not reset.isdecimal():
        return None
    seconds = float(reset) - (now or datetime.now(UTC)).timestamp()
    return min(max(0.0, seconds), _ONE_HOUR)


def _limit(host: str, response: httpx.Response) -> str:
    """Say which limit was hit: the headers tell how many an hour, and by which rule."""
    allowed = response.headers.get("x-ratelimit-limit", "")
    rule = response.headers.get("x-ratelimit-rule", "")
    many = f"its {allowed} requests" if allowed.isdecimal() else "its requests"
    by = f" (sys_rate_limit_rules {rule})" if rule.isalnum() and rule.isascii() else ""
    return f"{host} answered 429: the account has used up {many} of this hour{by}"


def _missing_right(reason: str, *, writes: bool) -> str:
    deed = "write to" if writes else "read"
    if "API level" in reason or not _ACL.search(reason):
        return (
            f"The integration account may not {deed} this table over REST:"
            " grant it a role that may (itil or sn_incident_write for incidents, sn_si.basic for"
            " security incidents)"
        )
    return f"An access rule (ACL) keeps the integration account from this record: let it {deed} it"
