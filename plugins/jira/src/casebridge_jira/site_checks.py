"""The first lines of the connection check: which Jira answers, at which address, at what time."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import httpx

from casebridge_core import AuthenticationFailed, CheckLine, InboxScheme, PushError
from casebridge_jira.tickets import read_moment, read_text

if TYPE_CHECKING:
    from casebridge_jira.client import JiraClient
    from casebridge_jira.config import JiraConfig

SIGNS_FROM: Final = 10
"""The first Jira Data Center that signs webhooks. Source: Atlassian, Managing webhooks."""

_SKEW_SECONDS: Final = 120


async def site_lines(client: JiraClient) -> AsyncIterator[CheckLine]:
    """Yield the lines about the site; one that fails makes every other line pointless."""
    try:
        found = await client.server_info()
    except AuthenticationFailed as error:  # the gateway and the OAuth server ask for it at once
        cure = await account_cure(client)
        yield CheckLine(name="account", ok=False, detail=str(error), cure=cure)
        return
    except PushError as error:
        cure = "Check base_url, and that this machine may reach it."
        if client.config.cloud_id:
            cure = "Check the cloud id, and that this machine may reach the gateway."
        yield CheckLine(name="reachable", ok=False, detail=str(error), cure=cure)
        return
    yield _kind(found)
    if (line := _deployment(found, client.config)) is not None:
        yield line
        return
    for line in (_address(found, client.config), _clock(client, found), _signs(found)):
        if line is not None:
            yield line
    if client.config.cloud_id and (line := await _cloud_id(client)) is not None:
        yield line


async def account_cure(client: JiraClient) -> str:
    """Return what to do about a refused credential; on Cloud it may be a scoped token."""
    if client.config.refresh_token is not None:
        return "Sign in again, and save the new refresh_token in the settings."
    cure = "Renew the token and save it in the settings."
    if client.config.is_cloud and not client.config.cloud_id:
        told = await client.cloud_id()
        cure += f" A scoped token needs the cloud_id as well{f': {told}' if told else ''}."
    return cure


def _kind(found: Mapping[str, Any]) -> CheckLine:
    kind = "Jira Cloud" if _is_cloud(found) else "Jira Data Center"
    version = read_text(found.get("version")) or "unknown"
    return CheckLine(name="reachable", ok=True, detail=f"{kind}, version {version}")


def _deployment(found: Mapping[str, Any], config: JiraConfig) -> CheckLine | None:
    """Say that the settings speak of another Jira; that is why nothing else would work."""
    if _is_cloud(found) is config.is_cloud:
        return None
    actual = "cloud" if _is_cloud(found) else "data_center"
    return CheckLine(
        name="deployment",
        ok=False,
        detail=f"the settings say {config.deployment}, and this server is {actual}",
        cure=f"Change the deployment to {actual} in the settings, with the credential it needs.",
    )


def _address(found: Mapping[str, Any], config: JiraConfig) -> CheckLine | None:
    """Compare the address that Jira goes by: an event is matched by it."""
    own = read_text(found.get("baseUrl"))
    if own is None or _host(own) == _host(config.base_url):
        return None
    return CheckLine(
        name="address",
        ok=None,
        detail=f"Jira calls itself {own}",
        cure="Use that as base_url, or bind an inbox token to this connector: webhooks name it.",
    )


def _clock(client: JiraClient, found: Mapping[str, Any]) -> CheckLine:
    """Compare the clocks by ``serverTime``, which not every Jira tells, or by ``Date``."""
    there = read_moment(found.get("serverTime")) or client.answered_at
    if there is None:
        return CheckLine(name="clock", ok=None, detail="cannot be told: Jira told no time")
    skew = round((there - datetime.now(UTC)).total_seconds())
    ok = abs(skew) <= _SKEW_SECONDS
    side = "ahead of" if skew > 0 else "behind"
    return CheckLine(
        name="clock",
        ok=ok,
        detail=f"Jira's is {abs(skew)} s {side} ours" if not ok else f"{abs(skew)} s apart",
        cure="" if ok else "Set this machine's clock by a time server, or that of Jira.",
    )


def _signs(found: Mapping[str, Any]) -> CheckLine | None:
    """Say that this Jira cannot sign webhooks."""
    match found.get("versionNumbers"):
        case [int(major), *_] if not _is_cloud(found) and major < SIGNS_FROM:
            return CheckLine(
                name="signature",
                ok=None,
                detail=f"Jira {major} cannot sign webhooks",
                cure=f"Make an inbox token with the scheme {InboxScheme.STATIC_URL}; the set-up"
                " guide goes on from there.",
            )
        case _:
            return None


async def _cloud_id(client: JiraClient) -> CheckLine | None:
    told = await client.cloud_id()
    if told is None:
        return None
    same = told == client.config.cloud_id
    return CheckLine(
        name="cloud id",
        ok=same,
        detail="that of the site" if same else f"the site's is {told}",
        cure="" if same else f"Change the cloud_id to {told}, or base_url to its site.",
    )


def _is_cloud(found: Mapping[str, Any]) -> bool:
    return found.get("deploymentType") == "Cloud"


def _host(url: str) -> str | None:
    try:
        return httpx.URL(url).netloc.decode()
    except httpx.InvalidURL:
        return None
