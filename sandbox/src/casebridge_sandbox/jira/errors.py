"""How Jira says no.

Source: Atlassian, "The Jira Cloud platform REST API" (v3), on status codes and the
``ErrorCollection`` schema.
"""

from __future__ import annotations

from collections.abc import Mapping

from casebridge_sandbox.exchange import Refusal, Reply

__all__ = (
    "ISSUE_NOT_FOUND",
    "UNAVAILABLE_PAGE",
    "error_reply",
    "not_found",
    "not_on_screen",
    "refused",
)

ISSUE_NOT_FOUND = "Issue does not exist or you do not have permission to see it."

UNAVAILABLE_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Page unavailable</title></head>
<body><h1>Your site is not available here</h1><p>Page unavailable</p></body></html>
"""


def error_reply(status: int, *messages: str, errors: Mapping[str, str] | None = None) -> Reply:
    """Return an error collection."""
    return Reply.json({"errorMessages": messages, "errors": errors or {}}, status)


def refused(status: int, *messages: str, errors: Mapping[str, str] | None = None) -> Refusal:
    """Return an error collection, to be raised."""
    return Refusal(error_reply(status, *messages, errors=errors))


def not_found(message: str = ISSUE_NOT_FOUND) -> Refusal:
    """Return a 404, to be raised."""
    return refused(404, message)


def not_on_screen(field: str) -> str:
    """Return the text for a field that the screen does not have."""
    return f"Field '{field}' cannot be set. It is not on the appropriate screen, or unknown."
