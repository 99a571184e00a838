"""Roundup's error answers, told as the right `PushError`.

Roundup has few status codes: 400 also stands for whatever fails unexpectedly in the server, 405
also for a veto of the tracker's auditors, and 403 also for an anonymous caller. Source: Roundup
2.6, ``rest.py`` (``_data_decorator``) and ``cgi/client.py`` (``handle_rest``).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from casebridge_core import (
    AuthenticationFailed,
    DestinationNotFound,
    InvalidRequest,
    OutcomeUnknown,
    PermissionDenied,
    PushError,
    TicketNotFound,
    VendorUnavailable,
)
from casebridge_core.documents import shorten

if TYPE_CHECKING:
    import httpx

_REASON_LIMIT: Final = 500
_SERVER_FAULT: Final = "check the server log"
_OUT_OF_SIGHT: Final = ("/data/msg", "/@poe")
"""Where a write makes nothing that anybody sees, so that no outcome is unclear."""

_WRONG_ORIGIN: Final = (
    "Required Header Missing",
    "Client is not allowed to use Rest Interface.",
    "Invalid Referer",
    "Invalid Origin",
    "Invalid HOST",
    "Invalid X-FORWARDED-HOST",
)


def refine(response: httpx.Response, document: object) -> PushError | None:
    """Return what a failed answer of Roundup means, or None to go by its status alone."""
    host = response.request.url.host
    reason = reason_of(document)
    told = f"{host} answered {response.status_code}" + (f": {reason}" if reason else "")
    match response.status_code:
        case 400:
            return _bad_request(response, reason, told)
        case 401:
            return AuthenticationFailed(f"{told}; check user name and password")
        case 403:
            return _forbidden(reason, told)
        case 404:
            return _not_found(reason, told)
        case 412:
            return VendorUnavailable(
                f"{told}; the issue was being changed at the same moment, or config.ini lacks"
                " secret_key, without which no change can be told from another"
            )
        case 408 | 425 | 429:
            return None
        case code if code < 500:  # noqa: PLR2004 - the HTTP client error range
            return InvalidRequest(told)
        case _:
            return None


def reason_of(document: object) -> str:
    """Return the sentence of an error document, shortened."""
    match document:
        case {"error": {"msg": str(message)}} | {"error": str(message)}:
            return shorten(" ".join(message.split()), _REASON_LIMIT)
        case {"error": Mapping() as error}:
            return shorten(" ".join(str(error.get("msg", "")).split()), _REASON_LIMIT)
        case _:
            return ""


def _bad_request(response: httpx.Response, reason: str, told: str) -> PushError:
    if reason.startswith(_WRONG_ORIGIN):
        return DestinationNotFound(
            f"{told}; make web_url what [tracker] web says in the tracker's config.ini"
        )
    if reason.startswith("POE token"):
        return OutcomeUnknown(f"{told}; it was late, or somebody on the way sent it twice")
    if reason and _SERVER_FAULT not in reason:
        return InvalidRequest(told)
    request = response.request
    if request.method == "GET" or request.url.path.endswith(_OUT_OF_SIGHT):
        return VendorUnavailable(f"{told}; the tracker's log has more")
    return OutcomeUnknown(f"{told}; it may have been stored, and the tracker's log has more")


def _forbidden(reason: str, told: str) -> PushError:
    if reason != "Forbidden.":
        return PermissionDenied(told)
    return AuthenticationFailed(
        f"{told}; give the account's role the permission 'Rest Access' in schema.py"
    )


def _not_found(reason: str, told: str) -> PushError:
    if reason.startswith("no such "):
        return TicketNotFound(told)
    return DestinationNotFound(
        f"{told}; check base_url and issue_class, and that the tracker has enable_rest"
    )
