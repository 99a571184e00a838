"""What is written into a new issue: fields, the property and the link back to the case. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from casebridge_core.documents import describe
from casebridge_core.templates import fill
from casebridge_jira import adf, wiki
from casebridge_jira.tickets import PROPERTY
from casebridge_jira.wording import one_line, summary_of

if TYPE_CHECKING:
    from casebridge_core import CaseProjection
    from casebridge_jira.config import JiraConfig


def issue_fields(config: JiraConfig, projection: CaseProjection) -> dict[str, Any]:
    """Return the ``fields`` of the create request.

    Source: Atlassian, Jira Cloud REST v3 and Jira Data Center REST v2, Create issue.
    """
    blocks = describe(projection)
    return {
        **{name: fill(value, projection) for name, value in config.fields.items()},
        "project": {"key": config.project},
        "issuetype": _by_name_or_id(config.issue_type),
        "summary": summary_of(projection.title, fallback=f"Case {projection.case_id}"),
        "description": adf.document(blocks) if config.is_cloud else wiki.document(blocks),
        "labels": list(dict.fromkeys((projection.correlation_key, *config.labels))),
        **_priority(config, projection),
    }


def correlation_property(projection: CaseProjection) -> dict[str, Any]:
    """Return the issue property that says which case this is, beside the label."""
    return {"key": PROPERTY, "value": {"correlation_key": projection.correlation_key}}


def remote_link(projection: CaseProjection) -> dict[str, Any]:
    """Return the link back to the case; the global id makes a repetition an update.

    Source: Atlassian, Jira Cloud REST v3, Issue remote links.
    """
    return {
        "globalId": projection.correlation_key,
        "application": {"name": "Casebridge"},
        "relationship": "security case",
        "object": {
            "url": projection.deep_link,
            "title": summary_of(projection.title, fallback=one_line(projection.case_id)),
        },
    }


def _priority(config: JiraConfig, projection: CaseProjection) -> dict[str, Any]:
    chosen = config.priorities.get(projection.severity)
    return {"priority": _by_name_or_id(chosen)} if chosen else {}


def _by_name_or_id(text: str) -> dict[str, str]:
    return {"id": text.strip()} if text.strip().isdecimal() else {"name": text.strip()}
