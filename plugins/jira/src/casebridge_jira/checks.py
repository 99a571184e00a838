"""The connection check: what the connector needs, line by line, each failing line with its cure."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from casebridge_core import (
    CaseStatus,
    CheckLine,
    ConnectionReport,
    NativeStatus,
    Person,
    PushError,
)
from casebridge_jira.screens import (
    read_create_fields,
    read_issue_type,
    screen_lines,
    transition_lines,
)
from casebridge_jira.site_checks import account_cure, site_lines
from casebridge_jira.tickets import read_objects, read_text
from casebridge_jira.webhook_checks import cannot_be_told, webhook_line

if TYPE_CHECKING:
    from casebridge_jira.client import JiraClient

_PERMISSIONS: Final = {
    "BROWSE_PROJECTS": ("see the project", "Browse projects"),
    "CREATE_ISSUES": ("create issues", "Create issues"),
    "TRANSITION_ISSUES": ("move issues", "Transition issues"),
    "ADD_COMMENTS": ("comment", "Add comments"),
    "LINK_ISSUES": ("link back to the case", "Link issues"),
}


async def check_connection(
    client: JiraClient, outbound: Mapping[CaseStatus, str]
) -> ConnectionReport:
    """Return the report; ``outbound`` is the native status that each case status is pushed to."""
    lines = [line async for line in site_lines(client)]
    if any(line.ok is False for line in lines):
        return ConnectionReport(lines=tuple(lines))
    try:
        account = await client.account()
    except PushError as error:
        lines.append(_failed("account", error, await account_cure(client)))
        return ConnectionReport(lines=tuple(lines))
    lines.append(CheckLine(name="account", ok=True, detail=_named(account)))
    project = await _project(client)
    lines.append(project)
    statuses: tuple[NativeStatus, ...] = ()
    if project.ok:
        lines += [line async for line in _permissions(client)]
        lines += [line async for line in _create_screen(client)]
        statuses = await _statuses(client, outbound, lines)
        lines += await _transitions(client, outbound)
        lines.append(await _webhook(client))
    return ConnectionReport(lines=tuple(lines), account=account, statuses=statuses)


async def _project(client: JiraClient) -> CheckLine:
    key = client.config.project
    try:
        found = _mapping(await client.read(f"/project/{key}"))
    except PushError as error:
        return _failed(
            "project", error, f"Check the key {key}, and give the account access to the project."
        )
    name = read_text(found.get("name")) or "no name"
    service = found.get("projectTypeKey") == "service_desk"
    kind = "service project" if service else "project"
    return CheckLine(name="project", ok=True, detail=f"{key} ({name}), a {kind}")


async def _permissions(client: JiraClient) -> AsyncIterator[CheckLine]:
    params = {"projectKey": client.config.project, "permissions": ",".join(_PERMISSIONS)}
    try:
        answer = await client.read("/mypermissions", params)
    except PushError as error:
        yield _failed("permissions", error, "Try again; the account may read its own permissions.")
        return
    granted = _mapping(_mapping(answer).get("permissions"))
    for key, (may, title) in _PERMISSIONS.items():
        held = _mapping(granted.get(key)).get("havePermission") is True
        yield CheckLine(
            name=f"may {may}",
            ok=held,
            detail="granted" if held else f'the permission "{title}" is missing',
            cure="" if held else f'Grant "{title}" to the account in the project\'s permissions.',
        )


async def _create_screen(client: JiraClient) -> AsyncIterator[CheckLine]:
    """Source: Atlassian, Jira Cloud REST v3, Issues, Get create metadata of a project."""
    path = f"/issue/createmeta/{client.config.project}/issuetypes"
    try:
        type_id, names = read_issue_type(await client.read(path), client.config.issue_type)
        if type_id is None:
            yield CheckLine(
                name="issue type",
                ok=False,
                detail=f"{client.config.issue_type} cannot be created here",
                cure=f"Choose one of: {', '.join(names) or 'none is offered'}.",
            )
            return
        yield CheckLine(name="issue type", ok=True, detail=client.config.issue_type)
        fields = read_create_fields(await client.read(f"{path}/{type_id}"))
    except PushError as error:
        yield _failed("create screen", error, 'Grant "Create issues" to the account.')
        return
    for line in screen_lines(fields, client.config):
        yield line


async def _statuses(
    client: JiraClient, outbound: Mapping[CaseStatus, str], lines: list[CheckLine]
) -> tuple[NativeStatus, ...]:
    try:
        known = await client.workflow_statuses(client.config.project, client.config.issue_type)
    except PushError as error:
        lines.append(_failed("statuses", error, "Try again; the project's statuses were not read."))
        return ()
    names = ", ".join(f"{status.name} ({status.id})" for status in known)
    for native in dict.fromkeys(outbound.values()):
        there = any(status.matches(native) for status in known)
        lines.append(
            CheckLine(
                name=f"status {native}",
                ok=there,
                detail="in the workflow" if there else "not in the workflow",
                cure="" if there else f"Map it in the status map to one of: {names}.",
            )
        )
    return known


async def _transitions(client: JiraClient, outbound: Mapping[CaseStatus, str]) -> list[CheckLine]:
    """Look at the transitions out of the newest issue, where there is one: Jira shows no others."""
    newest = f'project = "{client.config.project}" ORDER BY created DESC'
    try:
        for issue in read_objects((await client.search(newest, ("status",), limit=1))["issues"]):
            offers = await client.transitions(str(issue.get("id")))
            return list(transition_lines(offers, outbound.values(), client.config))
    except PushError as error:
        return [_failed("search", error, "Let the account browse the project's issues.")]
    return []


async def _webhook(client: JiraClient) -> CheckLine:
    try:
        return webhook_line(await client.webhooks())
    except PushError as error:
        return cannot_be_told(error)


def _named(account: Person) -> str:
    return f"{account.name} ({account.id})" if account.name else account.id


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _failed(name: str, error: PushError, cure: str) -> CheckLine:
    return CheckLine(name=name, ok=False, detail=str(error), cure=cure)
