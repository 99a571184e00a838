"""The ways to sign in: basic, API key, and OAuth by client credentials or password.

An OAuth token is asked for anew by every hook, since a plugin keeps no state.
Source: ServiceNow, "OAuth 2.0 credentials" and "Configure API key".
"""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING

import httpx

from casebridge_core import AuthenticationFailed, PushError, UnexpectedResponse
from casebridge_core.http import decode_json, error_for
from casebridge_servicenow.refusals import asleep, reason_in

if TYPE_CHECKING:
    from casebridge_servicenow.config import ServiceNowConfig


def headers_of(config: ServiceNowConfig) -> dict[str, str]:
    """Return the headers that hold the credential; empty unless it is an API key."""
    return {"x-sn-apikey": config.api_key.reveal()} if config.api_key is not None else {}


def auth_of(config: ServiceNowConfig) -> httpx.Auth | None:
    """Return what signs each request; None when the headers do."""
    if config.client_secret is not None:
        return OAuth(config)
    if config.password is not None:
        return httpx.BasicAuth(config.username, config.password.reveal())
    return None


class OAuth(httpx.Auth):
    """Fetches an access token before the first request and bears it on every one.

    Raises:
        AuthenticationFailed: ServiceNow refuses the client or the user.
        PushError: it gives no token for another reason.
    """

    requires_response_body = True

    def __init__(self, config: ServiceNowConfig) -> None:
        self._config = config
        self._token = ""

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Ask for a token, unless there is one, and send the request with it."""
        if not self._token:
            response = yield self._token_request()
            self._token = _token_in(response)
        request.headers["authorization"] = f"Bearer {self._token}"
        yield request

    def _token_request(self) -> httpx.Request:
        config = self._config
        form = {"grant_type": "client_credentials", "client_id": config.client_id}
        if config.client_secret is not None:
            form["client_secret"] = config.client_secret.reveal()
        if config.password is not None:
            user = {"username": config.username, "password": config.password.reveal()}
            form |= {"grant_type": "password", **user}
        url = f"{config.base_url}/oauth_token.do"
        return httpx.Request("POST", url, data=form, headers={"accept": "application/json"})


def _token_in(response: httpx.Response) -> str:
    match decode_json(response):
        case {"access_token": str(token)} if token and response.is_success:
            return token
        case document:
            raise _no_token(response, reason_in(document))


def _no_token(response: httpx.Response, reason: str) -> PushError:
    host = response.request.url.host
    if response.status_code in {400, 401, 403}:
        why = f": {reason}" if reason else ""
        return AuthenticationFailed(f"{host} refuses the OAuth client or its user{why}")
    if response.is_error:
        return error_for(response, writes=False, reason=reason)
    if "html" in response.headers.get("content-type", ""):
        return asleep(host, writes=False)
    return UnexpectedResponse(f"{host} sent no access token")
