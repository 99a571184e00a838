"""How ServiceNow says no.

Source: ServiceNow, "REST API HTTP response codes".
"""

from __future__ import annotations

import msgspec

from casebridge_sandbox.exchange import Refusal, Reply

__all__ = (
    "HIBERNATING_PAGE",
    "NO_RECORD",
    "acl_refusal",
    "data_policy_refusal",
    "detail_of",
    "error_reply",
    "is_data_policy",
    "refused",
    "rule_refusal",
)

NO_RECORD = ("No Record found", "Record doesn't exist or ACL restricts the record retrieval")

HIBERNATING_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Instance Hibernating page</title></head>
<body><h1>Your instance is hibernating</h1><p>Wake it up to go on.</p></body></html>
"""


def error_reply(status: int, message: str, detail: str | None = None) -> Reply:
    """Return an error."""
    return Reply.json(
        {"error": {"message": message, "detail": detail}, "status": "failure"}, status
    )


def refused(status: int, message: str, detail: str | None = None) -> Refusal:
    """Return an error, to be raised."""
    return Refusal(error_reply(status, message, detail))


def data_policy_refusal(labels: list[str]) -> Refusal:
    """Return the 403 of a data policy, to be raised."""
    return refused(
        403,
        "Operation Failed",
        f"Data Policy Exception: The following fields are mandatory: {', '.join(labels)}",
    )


def rule_refusal(table: str, rule: str, rule_id: str) -> Refusal:
    """Return the 403 of a business rule, to be raised; the rule's own text stays inside."""
    return refused(
        403,
        "Operation Failed",
        f"Operation against file '{table}' was aborted by Business Rule '{rule}^{rule_id}'. "
        "Business Rule Stack:" + rule,
    )


def acl_refusal(operation: str) -> Refusal:
    """Return the 403 of an access control on a row, to be raised."""
    return refused(
        403,
        "Operation Failed",
        f"ACL Exception {operation} Failed due to security constraints",
    )


def detail_of(refusal: Refusal) -> str:
    """Return the ``detail`` of an error that was raised."""
    answer: dict[str, dict[str, str]] = msgspec.json.decode(refusal.reply.body)
    return answer["error"]["detail"]


def is_data_policy(refusal: Refusal) -> bool:
    """Tell whether a data policy refused; a person's form asks for its fields."""
    return detail_of(refusal).startswith("Data Policy")
