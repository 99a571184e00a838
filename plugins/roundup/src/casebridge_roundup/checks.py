"""The connection check: what the connector needs, line by line, each failing line with its cure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from casebridge_core import (
    CaseStatus,
    CheckLine,
    ConnectionReport,
    NativeStatus,
    PushError,
    Severity,
)
from casebridge_roundup.statuses import NO_STATUS
from casebridge_roundup.tickets import read_status, read_text

if TYPE_CHECKING:
    from casebridge_roundup.client import RoundupClient


async def check_connection(
    client: RoundupClient, outbound: Mapping[CaseStatus, str]
) -> ConnectionReport:
    """Return the report; ``outbound`` is the native status that each case status is pushed to."""
    try:
        versions = await client.versions()
        account = await client.account()
    except PushError as error:
        cure = "Check base_url, user name and password, and the rights of the account's role."
        return ConnectionReport(lines=(_failed("account", error, cure),))
    lines = [
        CheckLine(
            name="reachable", ok=True, detail=f"Roundup's REST interface, {_named(versions)}"
        ),
        CheckLine(name="account", ok=True, detail=f"{account.name} (user{account.id})"),
        await _issues(client),
        await _writes(client),
    ]
    statuses = await _statuses(client, outbound, lines)
    lines += [await _priorities(client), _webhook()]
    return ConnectionReport(lines=tuple(lines), account=account, statuses=statuses)


async def _issues(client: RoundupClient) -> CheckLine:
    name = client.config.issue_class
    try:
        await client.issues({"creator": client.config.username, "@page_size": 1})
    except PushError as error:
        return _failed("issues", error, f"Let the account's role view {name}, and see issue_class.")
    return CheckLine(name="issues", ok=True, detail=f"the class {name} is there")


async def _writes(client: RoundupClient) -> CheckLine:
    """Ask for a URL to create at, which passes every check that a write passes and writes none."""
    try:
        await client.one_use_token()
    except PushError as error:
        cure = "Make web_url what [tracker] web says in the tracker's config.ini."
        return _failed("writes", error, cure)
    return CheckLine(name="writes", ok=True, detail="the tracker lets our writes in")


async def _statuses(
    client: RoundupClient, outbound: Mapping[CaseStatus, str], lines: list[CheckLine]
) -> tuple[NativeStatus, ...]:
    try:
        rows = await client.names("status")
    except PushError as error:
        lines.append(_failed("statuses", error, "Let the account's role view status."))
        return ()
    known = tuple(status for row in rows if (status := read_status(row)) is not NO_STATUS)
    names = ", ".join(status.name for status in known)
    for native in dict.fromkeys(outbound.values()):
        there = any(status.matches(native) for status in known)
        lines.append(
            CheckLine(
                name=f"status {native}",
                ok=there,
                detail="in the tracker" if there else "not in the tracker",
                cure="" if there else f"Map it in the status map to one of: {names}.",
            )
        )
    return known


async def _priorities(client: RoundupClient) -> CheckLine:
    """Tell which priorities are missing; an issue is created all the same."""
    wanted = {client.config.priority_of(severity) for severity in Severity} - {""}
    try:
        rows = await client.names("priority")
    except PushError:
        return CheckLine(name="priorities", ok=None, detail="cannot be told: they cannot be read")
    known = [name for row in rows if (name := read_text(row.get("name")))]
    missing = ", ".join(sorted(wanted - set(known)))
    if not missing:
        return CheckLine(name="priorities", ok=True, detail="all of them are in the tracker")
    return CheckLine(
        name="priorities",
        ok=None,
        detail=f"not in the tracker, and left out: {missing}",
        cure=f"Choose from {', '.join(known)} in priorities.",
    )


def _webhook() -> CheckLine:
    return CheckLine(
        name="webhook",
        ok=None,
        detail="cannot be told: the REST interface shows no detectors; see the set-up guide",
    )


def _named(versions: list[int]) -> str:
    return f"version {', '.join(map(str, versions))}"


def _failed(name: str, error: PushError, cure: str) -> CheckLine:
    return CheckLine(name=name, ok=False, detail=str(error), cure=cure)
