"""The ways to sign in: basic, API key, and OAuth by password, refresh token or client credentials.

Source: ServiceNow, "OAuth 2.0 credentials" and "Configure API key".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import httpx

from casebridge_core import Connector, PushError, UnexpectedResponse
from casebridge_core.oauth import AccessToken
from casebridge_servicenow.refusals import asleep

if TYPE_CHECKING:
    from casebridge_core.http import Credential
    from casebridge_servicenow.config import ServiceNowConfig

_CURES: Final = {
    "password": "check username and password, and that the user is not locked out",
    "refresh_token": (
        "the refresh token has run out or was withdrawn: have the user grant access again, and save"
        " the new one"
    ),
    "client_credentials": (
        "switch the grant on (glide.oauth.inbound.client.credential.grant_type.enabled) and name a"
        " user in the OAuth application"
    ),
}


def headers_of(config: ServiceNowConfig) -> dict[str, str]:
    """Return the headers that hold the credential; empty unless it is an API key."""
    return {"x-sn-apikey": config.api_key.reveal()} if config.api_key is not None else {}


def auth_of(config: ServiceNowConfig) -> httpx.Auth | None:
    """Return basic authentication, or None when something else signs in."""
    if config.client_secret is None and config.password is not None:
        return httpx.BasicAuth(config.username, config.password.reveal())
    return None


def credential_of(connector: Connector[ServiceNowConfig]) -> Credential | None:
    """Return the OAuth token, or None when there is no OAuth client."""
    return None if connector.config.client_secret is None else _Token(connector)


def grant_of(config: ServiceNowConfig) -> str:
    """Return the OAuth grant by which an access token is asked for.

    A password goes first: it outlives the refresh tokens that ServiceNow gives for it.
    """
    if config.password is not None:
        return "password"
    return "client_credentials" if config.refresh_token is None else "refresh_token"


class _Token:
    """An access token; a page of HTML in its place is told as what it is."""

    def __init__(self, connector: Connector[ServiceNowConfig]) -> None:
        url = f"{connector.config.base_url}/oauth_token.do"
        cure = _CURES[grant_of(connector.config)]
        self._host = httpx.URL(url).host
        self._token = AccessToken(connector, url, _form, cure=cure)

    async def headers(self) -> dict[str, str]:
        try:
            return await self._token.headers()
        except UnexpectedResponse as odd:
            raise self._told(odd) from odd

    async def renew(self) -> None:
        try:
            await self._token.renew()
        except UnexpectedResponse as odd:
            raise self._told(odd) from odd

    def _told(self, odd: UnexpectedResponse) -> PushError:
        return asleep(self._host, writes=False) if "HTML page" in str(odd) else odd


def _form(config: ServiceNowConfig) -> dict[str, str]:
    grant = grant_of(config)
    form = {"grant_type": grant, "client_id": config.client_id}
    if config.client_secret is not None:
        form["client_secret"] = config.client_secret.reveal()
    if grant == "password" and config.password is not None:
        form |= {"username": config.username, "password": config.password.reveal()}
    if grant == "refresh_token" and config.refresh_token is not None:
        form["refresh_token"] = config.refresh_token.reveal()
    return form
