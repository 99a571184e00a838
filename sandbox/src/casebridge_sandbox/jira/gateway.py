"""Jira Cloud's second entrance: the gateway, and the OAuth 2.0 (3LO) tokens that it takes.

Scoped API tokens and OAuth tokens are good at ``/ex/jira/<cloud id>`` only. A refresh token is
good for one use, and for a short time of grace. Source: Atlassian, "OAuth 2.0 (3LO) apps" and
"Implementing the refresh token flow", Cloud platform. At the real Jira the site, the gateway and
the token endpoint are three hosts; here they share one.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from casebridge_sandbox.exchange import Call, JsonObject, Reply
from casebridge_sandbox.routing import Operation

if TYPE_CHECKING:
    from casebridge_sandbox.jira.scenario import JiraScenario
    from casebridge_sandbox.jira.site import JiraSite

__all__ = ("GatewayCalls", "Grants", "enter", "refuse_at_the_gateway")

_ENTRANCE = re.compile(r"(/ex/jira/([^/]+))(/.*)?")
_SCOPE = "read:jira-work write:jira-work read:jira-user offline_access"


def enter(call: Call, scenario: JiraScenario) -> Call | Reply:
    """Return a call at the gateway as the site sees it, any other call as it is."""
    found = _ENTRANCE.fullmatch(call.path)
    if found is None or not scenario.is_cloud:
        return call
    if found[2] != scenario.cloud_id:
        return Reply.json(
            {
                "timestamp": "2026-01-01T00:00:00.000+00:00",
                "status": 404,
                "error": "Not Found",
                "message": "No message available",
                "path": call.path,
            },
            404,
        )
    return replace(call, door=found[1], path=found[3] or "/")


def refuse_at_the_gateway() -> Reply:
    """Return the answer to a call whose token the gateway does not know."""
    return Reply.json({"code": 401, "message": "Unauthorized; scope does not match"}, 401)


class Grants:
    """The OAuth tokens of the integration's app, for the account that signed in."""

    def __init__(self) -> None:
        self._access: dict[str, datetime] = {}
        self._current = ""
        self._spent: dict[str, datetime] = {}
        self._number = 0

    def knows(self, token: str, now: datetime) -> bool:
        """Tell whether an access token is good."""
        ends = self._access.get(token)
        return ends is not None and now < ends

    def exchange(self, asked: JsonObject, scenario: JiraScenario, now: datetime) -> Reply:
        """Answer a request for a token."""
        client = (asked.get("client_id"), asked.get("client_secret"))
        if client != (scenario.oauth_client_id, scenario.oauth_client_secret):
            return _denied(401, "access_denied", "Unauthorized")
        if asked.get("grant_type") != "refresh_token":
            return _denied(403, "unauthorized_client", "Grant type not allowed for the client.")
        given = str(asked.get("refresh_token"))
        current = self._current or scenario.oauth_refresh_token
        spent = self._spent.get(given)
        grace = timedelta(seconds=scenario.refresh_grace_seconds)
        if given != current and (spent is None or spent + grace <= now):
            return _denied(403, "invalid_grant", "Unknown or invalid refresh token.")
        self._number += 1
        self._spent[given] = self._spent[current] = now
        self._current = f"jira-sandbox-refresh-{self._number}"
        access = f"jira-sandbox-access-{self._number}"
        self._access[access] = now + timedelta(seconds=scenario.access_token_seconds)
        return Reply.json(
            {
                "access_token": access,
                "expires_in": int(scenario.access_token_seconds),
                "refresh_token": self._current,
                "scope": _SCOPE,
                "token_type": "Bearer",
            }
        )


class GatewayCalls:
    """The calls that lead to the gateway: tokens, and the cloud id.

    Args:
        site: The site.
    """

    def __init__(self, site: JiraSite) -> None:
        self._site = site

    def operations(self) -> list[Operation]:
        """Return the calls of this group."""
        resources = "/oauth/token/accessible-resources"
        return [
            Operation("token", "POST", "/oauth/token", self.token),
            Operation("resources", "GET", resources, self.resources),
            Operation("tenant_info", "GET", "/_edge/tenant_info", self.tenant_info),
        ]

    def token(self, call: Call) -> Reply:
        """Exchange a refresh token, sent as JSON or as a form."""
        if not self._site.scenario.is_cloud:
            return self._site.sandbox.unknown_path(call)
        is_form = "form" in call.headers.get("content-type", "")
        asked: JsonObject = {**call.form()} if is_form else call.json_object()
        return self._site.grants.exchange(asked, self._site.scenario, self._site.sandbox.clock())

    def resources(self, call: Call) -> Reply:
        """List the sites that an access token reaches."""
        scheme, _, token = call.headers.get("authorization", "").partition(" ")
        known = self._site.grants.knows(token.strip(), self._site.sandbox.clock())
        if scheme.lower() != "bearer" or not known:
            return refuse_at_the_gateway()
        site, scopes = self._site.sandbox.base_url, _SCOPE.split()
        cloud_id = self._site.scenario.cloud_id
        return Reply.json([{"id": cloud_id, "url": site, "name": "sandbox", "scopes": scopes}])

    def tenant_info(self, call: Call) -> Reply:
        """Show the cloud id; needs no credentials."""
        if not self._site.scenario.is_cloud:
            return self._site.sandbox.unknown_path(call)
        return Reply.json({"cloudId": self._site.scenario.cloud_id})


def _denied(status: int, error: str, description: str) -> Reply:
    return Reply.json({"error": error, "error_description": description}, status)
