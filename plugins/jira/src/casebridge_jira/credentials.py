"""The ways to sign in: e-mail with API token, a bearer token, and OAuth 2.0 (3LO).

Sources: Atlassian, Basic auth for REST APIs; Atlassian, Using personal access tokens; Atlassian,
OAuth 2.0 (3LO) apps.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import httpx

from casebridge_core.oauth import AccessToken

if TYPE_CHECKING:
    from casebridge_core import Connector
    from casebridge_jira.config import JiraConfig

TOKEN_PATH: Final = "/oauth/token"  # noqa: S105 - a path

_CURE: Final = (
    "the sign-in has ended (after 90 days without use, a year, or a new password); sign in again as"
    " the set-up page says, and save the new refresh_token in the settings"
)


def headers_of(config: JiraConfig) -> dict[str, str]:
    """Return the headers that hold the credential; empty unless it is a bearer token."""
    if config.personal_token is None:
        return {}
    return {"Authorization": f"Bearer {config.personal_token.reveal()}"}


def auth_of(config: JiraConfig) -> httpx.Auth | None:
    """Return what signs each request with e-mail and API token, or None."""
    if config.api_token is None:
        return None
    return httpx.BasicAuth(config.email, config.api_token.reveal())


def access_token_of(connector: Connector[JiraConfig]) -> AccessToken | None:
    """Return the access token that a refresh token stands for, or None."""
    if connector.config.refresh_token is None:
        return None
    token_url = connector.config.auth_url.rstrip("/") + TOKEN_PATH
    return AccessToken(connector, token_url, _grant, cure=_CURE)


def _grant(config: JiraConfig) -> dict[str, str]:
    secrets = {"client_secret": config.client_secret, "refresh_token": config.refresh_token}
    return {
        "grant_type": "refresh_token",
        "client_id": config.client_id,
        **{name: secret.reveal() for name, secret in secrets.items() if secret is not None},
    }
