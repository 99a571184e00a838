"""Bearing an OAuth 2.0 access token that is renewed in time and kept by the host.

Sources: RFC 6749, sections 4.3, 4.4, 5 and 6; Atlassian, OAuth 2.0 (3LO) apps (a refresh token is
good for one use); ServiceNow, OAuth 2.0 (a refresh token stays the same).
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol, cast

import httpx
import msgspec

from casebridge_core.connectors import Connector
from casebridge_core.errors import AuthenticationFailed, PushError, UnexpectedResponse
from casebridge_core.http import VendorApi
from casebridge_core.secret import Secret

ACCESS_TOKEN_FIELDS: Final = frozenset({"access_token", "access_token_until"})
"""What a configuration names as its ``renewed_fields``."""

_MARGIN: Final = 60.0
_ROUNDS: Final = 3
_ERROR_CODE: Final = re.compile(r"[a-z_]{1,60}")
_ABOUT_THE_CLIENT: Final = frozenset({"invalid_client", "unauthorized_client", "access_denied"})
_CLIENT_CURE: Final = "check the client id and the client secret"


class OAuthConfig(Protocol):
    """The fields that a configuration has for this.

    ``access_token_until`` is when to renew the access token, in seconds since 1970; None when the
    vendor tells no end. A configuration may have a field ``refresh_token`` too: it is replaced
    whenever the vendor sends another one.
    """

    @property
    def access_token(self) -> Secret | None:
        """The access token that was kept last."""

    @property
    def access_token_until(self) -> float | None:
        """When it is to be renewed."""


class AccessToken:
    """The access token of one connector: a `casebridge_core.http.Credential`.

    It is renewed a minute before it expires, or when the vendor refuses it, through
    `Connector.renew`; the new tokens are stored before the first request bears them.
    """

    def __init__(
        self,
        connector: Connector[Any],
        token_url: str,
        form: Callable[[Any], Mapping[str, str]],
        *,
        cure: str,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Bind the grant.

        ``form`` returns the fields of the token request for a configuration (``grant_type`` and
        what goes with it); ``cure`` says what a person has to do when the grant is refused for
        good; ``clock`` tells the seconds since 1970.
        """
        self._connector = connector
        self._config: Any = connector.config
        self._form = form
        self._cure = cure
        self._clock = clock
        url = httpx.URL(token_url)
        self._path = url.raw_path.decode()
        self._api = VendorApi(
            connector.http, str(url.copy_with(raw_path=b"/")), refine=self._refusal
        )

    async def headers(self) -> dict[str, str]:
        """Return the header with a token that is still good.

        Raises:
            AuthenticationFailed: the vendor refuses the grant; the message holds the cure.
            PushError: no token for another reason.
        """
        for _ in range(_ROUNDS):
            token = self._fresh_token()
            if token is not None:
                return {"Authorization": f"Bearer {token}"}
            await self.renew()
        raise UnexpectedResponse(f"{self._host} sends access tokens that have already expired")

    async def renew(self) -> None:
        """Get a new token; raises as `headers` does."""
        self._config = await self._connector.renew(self._config, self._exchange)

    def _fresh_token(self) -> str | None:
        config: OAuthConfig = self._config
        if config.access_token is None:
            return None
        until = config.access_token_until
        return config.access_token.reveal() if until is None or self._clock() < until else None

    async def _exchange(self, config: Any) -> dict[str, Any]:  # noqa: ANN401 - the plugin's own type
        answer = await self._api.request("POST", self._path, form=self._form(config), writes=False)
        match answer:
            case {"access_token": str(token)} if token:
                changes: dict[str, Any] = {
                    "access_token": token,
                    "access_token_until": self._until(answer.get("expires_in")),
                }
            case _:
                raise UnexpectedResponse(f"{self._host} sent no access token")
        refreshed = answer.get("refresh_token")
        rotates = "refresh_token" in config.__struct_fields__
        if isinstance(refreshed, str) and refreshed and rotates:
            changes["refresh_token"] = refreshed
        return changes

    def _until(self, expires_in: object) -> float | None:
        """Return when to renew a token that is new now, ahead of its end by a minute or half."""
        try:
            seconds = msgspec.convert(expires_in, type=float, strict=False)
        except msgspec.ValidationError:
            return None
        return self._clock() + max(seconds - _MARGIN, seconds / 2)

    def _refusal(self, response: httpx.Response, document: Any) -> PushError | None:  # noqa: ANN401 - JSON
        """Return what a refused token request means; the vendor's own sentence stays out.

        It may quote what was sent. Only its code, such as ``invalid_grant``, is shown.
        """
        if response.status_code not in {400, 401, 403}:
            return None
        known = isinstance(document, Mapping)
        code = cast("Mapping[str, Any]", document).get("error") if known else None
        if not isinstance(code, str) or not _ERROR_CODE.fullmatch(code):
            told = f"{self._host} answered {response.status_code} to a token request"
            return UnexpectedResponse(f"{told}, without a reason that OAuth knows")
        cures = {"invalid_grant": self._cure, **dict.fromkeys(_ABOUT_THE_CLIENT, _CLIENT_CURE)}
        cure = cures.get(code, f"{self._cure}; or {_CLIENT_CURE}")
        return AuthenticationFailed(f"{self._host} gives no access token ({code}): {cure}")

    @property
    def _host(self) -> str:
        return self._api.host
