"""Jira's error answers, told as the right `PushError`.

Sources: Atlassian, Jira Cloud REST v3, Status codes and ErrorCollection; Atlassian, Rate limiting.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from casebridge_core import (
    AuthenticationFailed,
    DestinationNotFound,
    InvalidRequest,
    PushError,
    RateLimited,
    TicketNotFound,
    VendorUnavailable,
)
from casebridge_core.documents import shorten
from casebridge_core.http import retry_after
from casebridge_jira.tickets import read_date, read_moment, read_text

if TYPE_CHECKING:
    import httpx

_REASON_LIMIT: Final = 500
_QUOTA_WAIT: Final = 900.0
_SHORTEST_WAIT: Final = 1.0
_OF_ONE_ISSUE: Final = "jira-per-issue-on-write"
_CURES: Final = {
    410: "; this call is gone, check the deployment",
    413: "; Jira limits comments and links of one issue: delete some of them",
    422: "; the workflow or the fields are configured in a way that Jira cannot carry out",
}


def refine(response: httpx.Response, document: object) -> PushError | None:
    """Return what a failed answer of Jira means, or None to go by its status alone."""
    host = response.request.url.host
    reason = reason_of(document)
    told = f"{host} answered {response.status_code}" + (f": {reason}" if reason else "")
    match response.status_code:
        case 401:
            return AuthenticationFailed(
                f"{told}; check the token: it may have expired, lack a scope or be another site's"
            )
        case 403 if "x-authentication-denied-reason" in response.headers:
            return AuthenticationFailed(
                f"{told}; Jira has locked the account behind a CAPTCHA: log in once in a browser"
            )
        case 408 | 425:
            return None
        case 404 if not _is_error_collection(document):
            return DestinationNotFound(
                f"{host} has no Jira API at this address; check base_url, the cloud id and the"
                " deployment"
            )
        case 404:
            return TicketNotFound(told)
        case 409:
            return VendorUnavailable(f"{told}; the issue was being changed at the same moment")
        case 429:
            return _rate_limited(response)
        case code if code < 500:  # noqa: PLR2004 - the HTTP client error range
            return InvalidRequest(told + _CURES.get(code, ""), fields=fields_of(document))
        case _:
            return None


def reason_of(document: object) -> str:
    """Return the sentences of an error collection as one, shortened."""
    return shorten("; ".join(_sentences(document)), _REASON_LIMIT)


def fields_of(document: object) -> tuple[str, ...]:
    """Return the ids of the fields that an error collection complains of."""
    match document:
        case {"errors": Mapping() as errors}:
            return tuple(str(field) for field in errors)
        case _:
            return ()


def _sentences(document: object) -> Iterator[str]:
    if not isinstance(document, Mapping):
        return
    messages, errors = document.get("errorMessages"), document.get("errors")
    for message in messages if isinstance(messages, list) else (document.get("message"),):
        if text := read_text(message):
            yield text
    for field, message in errors.items() if isinstance(errors, Mapping) else ():
        if text := read_text(message):
            yield f"{field}: {text}"


def _is_error_collection(document: object) -> bool:
    """Tell Jira's own 404 from the pages and documents of gateways and of suspended sites."""
    return isinstance(document, Mapping) and ("errorMessages" in document or "errors" in document)


def _rate_limited(response: httpx.Response) -> PushError:
    """Return how long to wait, and who: a limit of one issue is no reason for others to wait.

    Source: Atlassian, Jira Cloud, Build an app that respects rate limits, ``RateLimit-Reason``.
    """
    reason = response.headers.get("ratelimit-reason", "")
    wait = retry_after(response)
    reset = read_moment(response.headers.get("x-ratelimit-reset"))
    if not wait and reset is not None:
        now = read_date(response.headers) or datetime.now(UTC)
        wait = max(0.0, (reset - now).total_seconds())
    if not wait and "quota" in reason:
        wait = _QUOTA_WAIT
    told = f"{response.request.url.host} asks to wait" + (f" ({reason})" if reason else "")
    seconds = None if wait is None else max(wait, _SHORTEST_WAIT)
    if reason == _OF_ONE_ISSUE:
        return VendorUnavailable(told, retry_after=seconds)
    return RateLimited(told, retry_after=seconds)
