"""Calling a vendor over HTTP, with every way it can fail told as the right `PushError`.

A plugin's client builds on `VendorApi`; what only the vendor's documentation can tell (which 403 is
a business rule, what a reset header means) goes into a ``refine`` function.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final, Protocol, TypedDict, TypeVar, Unpack

import httpx
import msgspec

from casebridge_core.echoes import without_echoes
from casebridge_core.errors import (
    AuthenticationFailed,
    InvalidRequest,
    OutcomeUnknown,
    PermissionDenied,
    PushError,
    RateLimited,
    TicketNotFound,
    UnexpectedResponse,
    VendorUnavailable,
)

Refine = Callable[[httpx.Response, Any], PushError | None]
"""Given a failed response and its JSON (None when it has none), the error it is, or None."""
Observe = Callable[[httpx.Response], None]
"""Given every response; it looks at the headers and raises nothing."""


AnswerT = TypeVar("AnswerT")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A vendor's good answer: its status, its headers, and its JSON (None without a body)."""

    status: int
    headers: httpx.Headers
    document: Any


class RequestParts(TypedDict, total=False):
    """What a request may have beside its method and path; see `VendorApi.call`."""

    writes: bool | None
    params: Mapping[str, Any] | None
    payload: object
    form: Mapping[str, str] | None
    headers: Mapping[str, str] | None


class Credential(Protocol):
    """A credential that expires, such as `casebridge_core.oauth.AccessToken`."""

    async def headers(self) -> Mapping[str, str]:
        """Return the headers that bear it; raises a `PushError` when there is none to be had."""
        ...

    async def renew(self) -> None:
        """Replace it, since the vendor refused it (401); raises a `PushError`."""
        ...


_READS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_NOT_SENT: Final = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
)
_UNWRITABLE: Final = (httpx.InvalidURL, httpx.LocalProtocolError, UnicodeError)
_LONGEST_WAIT: Final = 259_200.0
"""Three days in seconds: as long as the host goes on trying."""


class VendorApi:
    """The HTTP side of one connector.

    ``refine`` is asked first about every answer with a status of 400 or more, and may quote it: the
    request's own credential, should the vendor repeat it, has been taken out. ``observe`` sees
    every answer, to read rate limits from its headers (see `Connector.slow_down`). With a
    ``credential``, a request that is answered 401 is sent once more after it was renewed.
    """

    def __init__(
        self,
        http: httpx.AsyncClient,
        base_url: str,
        *,
        headers: Mapping[str, str] | None = None,
        auth: httpx.Auth | None = None,
        credential: Credential | None = None,
        refine: Refine | None = None,
        observe: Observe | None = None,
    ) -> None:
        """Bind the connector's client to a base URL, its headers and its credential."""
        self._http = http
        self._base_url = base_url.rstrip("/")
        self._headers = dict(headers or {})
        self._auth = auth
        self._credential = credential
        self._refine = refine
        self._observe = observe

    async def request(self, method: str, path: str, **parts: Unpack[RequestParts]) -> Any:  # noqa: ANN401 - a vendor's JSON is untyped until the plugin reads it
        """Call the vendor and return the decoded JSON, or None when the answer has no body.

        It takes and raises what `call` does.
        """
        answer = await self.call(method, path, **parts)
        return answer.document

    async def request_as(
        self, kind: type[AnswerT], method: str, path: str, **parts: Unpack[RequestParts]
    ) -> AnswerT:
        """Call the vendor and read its JSON into a type, such as a struct of the fields in use.

        It takes what `call` does. A number that comes as a text is read where a number is wanted;
        an id that may come as either has the type ``int | str``. Further fields are left out.

        Raises:
            UnexpectedResponse: the JSON does not fit the type, and the call was a read.
            OutcomeUnknown: it does not fit, and the call was a write.
            PushError: as `call` does.
        """
        answer = await self.call(method, path, **parts)
        try:
            return msgspec.convert(answer.document, kind, strict=False)
        except msgspec.ValidationError as error:
            told = f"{self.host} answered {method} {path} with something else: {error}"
            raise _unexpected(told, writes=_writes(method, writes=parts.get("writes"))) from None

    async def call(
        self,
        method: str,
        path: str,
        *,
        writes: bool | None = None,
        params: Mapping[str, Any] | None = None,
        payload: object = None,
        form: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Call the vendor and return its answer.

        ``writes`` says whether the call can change anything at the vendor; by default every method
        but GET, HEAD and OPTIONS can. ``path`` is appended to the base URL and starts with a slash.

        Raises:
            VendorUnavailable: nothing was sent, or a read failed.
            OutcomeUnknown: a write failed after it was sent, or its answer is a redirect or
                unreadable.
            RateLimited: 429.
            AuthenticationFailed: 401.
            PermissionDenied: 403.
            TicketNotFound: 404 or 410.
            InvalidRequest: any other 4xx, or a request that HTTP cannot carry.
            UnexpectedResponse: a read's answer is not JSON, or a redirect.
            ValueError: the path does not start with a slash.
        """
        if not path.startswith("/"):
            raise ValueError("path must start with a slash, lest it change the host")
        writes = _writes(method, writes=writes)
        parts = {"params": params, "json": payload, "data": form}
        response = await self._send(method, path, parts, headers or {}, writes=writes)
        if response.status_code == 401 and self._credential is not None:  # noqa: PLR2004 - as in `error_for`
            await self._credential.renew()
            response = await self._send(method, path, parts, headers or {}, writes=writes)
        return self._read(response, writes=writes)

    async def _send(
        self,
        method: str,
        path: str,
        parts: Mapping[str, Any],
        headers: Mapping[str, str],
        *,
        writes: bool,
    ) -> httpx.Response:
        borne: Mapping[str, str] = {}
        if self._credential is not None:
            borne = await self._credential.headers()
        try:
            response = await self._http.request(
                method,
                self._base_url + path,
                **parts,
                headers={"Accept": "application/json", **self._headers, **headers, **borne},
                auth=self._auth if self._auth is not None else httpx.USE_CLIENT_DEFAULT,
            )
        except _UNWRITABLE:
            # Its message may quote the header that holds the credential, so no chain is shown.
            raise InvalidRequest(
                f"the request to {self.host} holds characters that HTTP cannot carry"
                " (a line break in the credential?)"
            ) from None
        except _NOT_SENT as error:
            raise VendorUnavailable(f"could not connect to {self.host}") from error
        except httpx.HTTPError as error:
            what = "timed out" if isinstance(error, httpx.TimeoutException) else "broke off"
            raise _failed(f"the connection to {self.host} {what}", writes=writes) from error
        if self._observe is not None:
            self._observe(response)
        return response

    def _read(self, response: httpx.Response, *, writes: bool) -> Answer:
        if response.status_code >= 400:  # noqa: PLR2004 - the HTTP error range
            response = without_echoes(response)
            document = decode_json(response)
            refined = self._refine(response, document) if self._refine else None
            raise refined or error_for(response, writes=writes)
        readable, document = _decode(response)
        if response.is_redirect:
            raise _unexpected(
                f"{self.host} answered with a redirect ({response.status_code});"
                " check base_url, redirects are not followed",
                writes=writes,
            )
        if not readable:
            raise _unexpected(_what_came(response), writes=writes)
        return Answer(status=response.status_code, headers=response.headers, document=document)

    @property
    def host(self) -> str:
        """The host that is called, with its port unless it is the scheme's own."""
        return httpx.URL(self._base_url).netloc.decode()


def _writes(method: str, *, writes: bool | None) -> bool:
    return method.upper() not in _READS if writes is None else writes


def decode_json(response: httpx.Response) -> Any:  # noqa: ANN401 - a vendor's JSON is untyped
    """Return the response's JSON, or None when the body is empty or is not JSON."""
    return _decode(response)[1]


def _decode(response: httpx.Response) -> tuple[bool, Any]:
    """Tell whether the body can be read, and its JSON; no body is readable and gives None."""
    if not response.content.strip():
        return True, None
    try:
        return True, json.loads(response.content)
    except (ValueError, RecursionError):
        return False, None


def error_for(response: httpx.Response, *, writes: bool, reason: str = "") -> PushError:
    """Return the `PushError` that a failed response stands for by its status alone.

    ``reason`` is the vendor's own sentence, where the plugin could read one.
    """
    code = response.status_code
    told = f"{response.request.url.host} answered {code}" + (f": {reason}" if reason else "")
    match code:
        case 401:
            return AuthenticationFailed(told)
        case 403:
            return PermissionDenied(told)
        case 404 | 410:
            return TicketNotFound(told)
        case 429:
            return RateLimited(told, retry_after=retry_after(response))
        case _ if code in {408, 425} or code >= 500:  # noqa: PLR2004 - the server error range
            return _failed(told, retry_after(response), writes=writes)
        case _:
            return InvalidRequest(told)


def retry_after(response: httpx.Response, *, now: datetime | None = None) -> float | None:
    """Return the seconds that ``Retry-After`` asks for (delta or date), or None.

    Never more than three days, whatever the vendor asks for. Source: RFC 9110, section 10.2.3.
    """
    value = response.headers.get("retry-after", "").strip()
    if not value:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            when = parsedate_to_datetime(value)
        except (ValueError, OverflowError):
            return None
        if when.tzinfo is None:
            when = when.replace(tzinfo=UTC)
        seconds = (when - (now or datetime.now(UTC))).total_seconds()
    return None if math.isnan(seconds) else min(max(0.0, seconds), _LONGEST_WAIT)


def _failed(message: str, wait: float | None = None, *, writes: bool) -> PushError:
    if writes:
        return OutcomeUnknown(f"{message}; it may have been stored", retry_after=wait)
    return VendorUnavailable(message, retry_after=wait)


def _unexpected(told: str, *, writes: bool) -> PushError:
    return (
        OutcomeUnknown(f"{told}; it may have been stored") if writes else UnexpectedResponse(told)
    )


def _what_came(response: httpx.Response) -> str:
    kind = response.headers.get("content-type", "").partition(";")[0] or "no content type"
    what = "an HTML page" if "html" in kind else f"an unreadable answer ({kind})"
    return f"{response.request.url.host} sent {what} instead of JSON"
