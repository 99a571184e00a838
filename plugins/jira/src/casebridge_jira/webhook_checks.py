"""The last line of the connection check: whether a webhook is set up that would tell us. Pure.

Sources: Atlassian, Webhooks, Registering a webhook using the REST API; Atlassian, Managing webhooks
(Data Center, where ``active`` stands for ``enabled``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from casebridge_core import CheckLine, PushError
from casebridge_jira.tickets import read_objects

NAME: Final = "webhook"

_INBOX: Final = "/inbox/itsm"
_SECRET_IN_URL: Final = re.compile(r"/inbox/itsm/[^/?]+/[^/?]+")
_NEEDED: Final = "jira:issue_updated"


def cannot_be_told(error: PushError) -> CheckLine:
    """Return the line of an account that may not see webhooks."""
    return CheckLine(
        name=NAME,
        ok=None,
        detail=f"cannot be told ({error}): only an administrator of Jira may see webhooks",
        cure="Follow the set-up guide, and move a ticket: the case follows.",
    )


def webhook_line(answer: object) -> CheckLine:
    """Return the line for the webhooks that Jira lists; rules of Automation are not among them."""
    listed = answer if isinstance(answer, list) else _mapping(answer).get("values")
    ours = [hook for hook in read_objects(listed) if _INBOX in str(hook.get("url"))]
    if not ours:
        return CheckLine(
            name=NAME,
            ok=None,
            detail="none points to an inbox",
            cure="Follow the set-up guide, unless a rule of Automation sends the changes.",
        )
    faults = [tuple(_faults(hook)) for hook in ours]
    if () in faults:
        return CheckLine(name=NAME, ok=True, detail=f"{len(ours)} set up for an inbox")
    told, cures = zip(*faults[0], strict=True)
    return CheckLine(name=NAME, ok=False, detail="; ".join(told), cure=" ".join(cures))


def _faults(hook: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield what keeps a webhook from being of use, each with its cure."""
    configured = _mapping(hook.get("configuration"))
    if False in (hook.get("enabled"), hook.get("active")):
        yield "it is disabled", "Enable the webhook in Jira."
    if str(hook.get("excludeBody", configured.get("EXCLUDE_BODY"))).lower() == "true":
        yield "it sends no body", 'Switch "Exclude body" off.'
    events = hook.get("events")
    if isinstance(events, list) and events and _NEEDED not in events:
        yield "it leaves out updated issues", 'Tick "Issue: updated".'
    if hook.get("isSigned") is False and not _SECRET_IN_URL.search(str(hook.get("url"))):
        yield (
            "it has no secret",
            "Paste the secret of the inbox token, or use a token with the scheme static_url.",
        )


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
