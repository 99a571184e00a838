"""The custom data of an Automation rule, as `casebridge_jira.webhooks` reads it. Pure.

Source: Atlassian Automation, Smart values and JSON functions. A smart value that is not set becomes
nothing at all, and one that is set is filled in without escaping, which would break the JSON. So
what Jira makes up itself (ids, keys, times) stands between quotation marks, and the one text that
people choose, the status's name, goes through ``asJsonString``, which brings its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from casebridge_jira.config import JiraConfig


def template(config: JiraConfig) -> str:
    """Return the web request body to paste; it is JSON once Automation has filled it in."""
    account = "accountId" if config.is_cloud else "name"
    values = {
        "issue_id": '"{{issue.id}}"',
        "issue_key": '"{{issue.key}}"',
        "issue_url": '"{{issue.url}}"',
        "status": "{{issue.status.name.asJsonString}}",
        "status_id": '"{{issue.status.id}}"',
        "status_category": '"{{issue.status.statusCategory.key}}"',
        "assignee_id": f'"{{{{issue.assignee.{account}}}}}"',
        "actor_id": f'"{{{{initiator.{account}}}}}"',
        "updated": '"{{issue.updated}}"',
    }
    lines = ",\n".join(f'    "{name}": {value}' for name, value in values.items())
    return f'{{\n  "jira": {{\n{lines}\n  }}\n}}'
