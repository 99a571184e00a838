"""Examples for the OpenAPI document: made of its schemas, with values that tell one story.

A whole request is written out here; an answer is put together from the names of its fields.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

Schema = Mapping[str, Any]

_CASE: Final = "case_5ofj2kq7vdyl3m6x4tca"
_CONNECTOR: Final = "con_xq3kd5zj5fhv2m7c4bva"
_EARLY, _LATE = "2026-03-01T08:00:00Z", "2026-03-01T08:00:03Z"

_REQUESTS: Final[dict[str, Any]] = {
    "NewCase": {
        "title": "Web shell on web-01",
        "summary": "A PHP file that runs commands was written below /var/www.",
        "severity": "high",
        "detection_rules": ["Web server writes an executable file"],
        "entities": [{"kind": "host", "value": "web-01"}],
    },
    "CaseEdit": {"severity": "critical", "agent_summary": "Likely a web shell."},
    "StatusMove": {"status": "contained", "reason": "web-01 is isolated"},
    "NewContainmentAction": {"action": "isolate host", "target": "web-01", "outcome": "isolated"},
    "NewComment": {"text": "The same file is on web-02."},
    "NewConnector": {
        "vendor": "jira",
        "name": "SOC's Jira",
        "config": {
            "base_url": "https://example.atlassian.net",
            "email": "casebridge@example.com",
            "api_token": "the token of that account",
            "project": "SEC",
        },
    },
    "ConnectorEdit": {"statuses": {"outbound": {"contained": "In Progress"}}},
    "Pause": {"reason": "Jira is upgraded on Sunday"},
    "ManualPush": {"case_id": _CASE, "wait_seconds": 10},
    "NewToken": {"name": "webhooks of Jira", "connector_id": _CONNECTOR},
    "Rotation": {"overlap_hours": 24},
    "ReplayOrder": {"connector_id": _CONNECTOR, "reason": "unlinked_ticket", "limit": 100},
    "StatusMapping": {"status": "triage"},
    "ForceSync": {"reason": "The workflow has no way back from Done."},
    "PlanOrder": {"ramp": {"first": 2, "most": 8}},
    "NewBackfill": {"ramp": {"first": 2, "most": 8}, "tolerance": 10},
    "FlagSwitch": {"name": "backfill", "enabled": True},
}
_VALUES: Final[dict[str, Any]] = {
    "ActionView.id": "act_q2mzk4x7h5ydj3tcn6va",
    "AnnotationView.id": "note_t5xj2c7q4zmdk6y3hnva",
    "AssigneeView.id": "5b10ac8d82e05b22cc7d4ef5",
    "AssigneeView.name": "Ada Analyst",
    "BackfillView.id": "bkf_y7mq3d5kx2zcj4t6hnva",
    "BackfillView.state": "running",
    "CaseView.id": _CASE,
    "CheckLine.cure": "",
    "CheckLine.detail": "Casebridge <casebridge@example.com>",
    "CheckLine.name": "account",
    "ConnectorView.config": {
        "base_url": "https://example.atlassian.net",
        "email": "casebridge@example.com",
        "api_token": "********",
        "project": "SEC",
    },
    "ConnectorView.id": _CONNECTOR,
    "ConnectorView.name": "SOC's Jira",
    "CheckView.ok": True,
    "CheckLine.ok": True,
    "ConnectorView.state": "active",
    "FailingTicketView.id": "ref_haddayp4hyqhks5hlbma",
    "FailureView.kind": "rate_limited",
    "FailureView.reason": "Jira asks to wait",
    "Feature": "backfill",
    "Flag.enabled": True,
    "NativeStatus.id": "10107",
    "NativeStatus.name": "In Progress",
    "Plan.basis": "8 tickets at a time",
    "PluginSource.distribution": "casebridge-jira",
    "PluginSource.name": "jira",
    "PluginSource.version": "0.1.0",
    "ReconcileView.cursor": _EARLY,
    "ReconcileView.state": "waiting",
    "RefusedEntry.error": "it was made for another version of the contract",
    "StatusOverrides": {
        "outbound": {"contained": "In Progress"},
        "inbound": {"Waiting": "triage"},
    },
    "TicketView.id": "ref_haddayp4hyqhks5hlbma",
    "TicketView.last_inbound_status": "triage",
    "TicketView.last_pushed_status": "open",
    "TicketView.state": "linked",
    "TicketView.status": "In Progress",
    "TimelineView.detail": {},
    "TimelineView.kind": "status_changed",
    "TimelineView.text": "open → triage",
    "TokenView.id": "tok_2c4nq7r5jzwy6l3ktdha",
    "TokenView.name": "webhooks of Jira",
    "TokenView.url": "https://casebridge.example.com/v1/inbox/itsm/tok_2c4nq7r5jzwy6l3ktdha",
    "UnmappedStatusView.mapped_to": "triage",
    "UnmappedStatusView.state": "mapped",
    "VendorEntry.title": "Jira",
    "account": "Casebridge",
    "action": "isolate host",
    "actor_label": "itsm-webhook (jira)",
    "agent_summary": "Likely a web shell.",
    "allowed": 4,
    "author": "Ada Analyst",
    "calls": 642,
    "calls_per_minute": 60,
    "capabilities": ["push_case", "push_status_change"],
    "case_id": _CASE,
    "category": "in_progress",
    "config_schema": {"type": "object"},
    "connector_id": _CONNECTOR,
    "connector_name": "SOC's Jira",
    "created_by": "api (pipeline)",
    "deep_link": f"https://casebridge.example.com/cases/{_CASE}",
    "detection_rules": ["Web server writes an executable file"],
    "docs_url": "https://casebridge.example.com/vendors/jira",
    "email": "ada@example.com",
    "entities": [{"kind": "host", "value": "web-01"}],
    "event_id": "evt_m4yqk2k5tzx3d5m6pu2a",
    "external_id": "10042",
    "in_flight": 8,
    "key": "SEC-42",
    "lag_seconds": 12.5,
    "left": 150,
    "minted": 64,
    "native_id": "10107",
    "next_cursor": "AAAAAAAAAGQ",
    "outcome": "isolated",
    "per_cent": 29.9,
    "seconds": 420.0,
    "seconds_left": 294.0,
    "secret": "the secret, this once",
    "severity": "high",
    "severity_initial": "high",
    "status": "triage",
    "suggestion": "triage",
    "summary": "A PHP file that runs commands was written below /var/www.",
    "target": "web-01",
    "template": "itsm-inbound",
    "text": "The same file is on web-02.",
    "tickets": 214,
    "ticket_id": "ref_haddayp4hyqhks5hlbma",
    "title": "Web shell on web-01",
    "token_id": "tok_2c4nq7r5jzwy6l3ktdha",
    "tolerance": 10,
    "total": 214,
    "url": "https://example.atlassian.net/browse/SEC-42",
    "value": "web-01",
    "vendor": "jira",
    "version": 2,
}
_EMPTY: Final = (
    "body_base64 config_problem deleted_at delivery_id disabled dismissed_at edited_at error"
    " expires_at failure finished_at gone_at last_failure last_failure_at note obstacles"
    " paused_reason previous_secret_until purged_at quiet_until raw_events reason refused"
    " replay_of replays revoked_at rotated_at waiting_for warnings would_fail"
)
"""What is empty where all is well."""
_PARENTS: Final = {
    "CaseDetailView": "CaseView",
    "IssuedTokenView": "TokenView",
    "EventDetailView": "EventView",
}
"""Views that extend another one."""


def example_of(schema: Schema, document: Schema) -> Any:  # noqa: ANN401 - JSON
    """Return a value that a schema of the document allows."""
    return _example(schema, document["components"]["schemas"])


def _example(schema: Schema, known: Schema, name: str = "", owner: str = "") -> Any:  # noqa: ANN401 - JSON
    """Return an example of the field ``name`` of ``owner``, a schema's name in the document."""
    if "$ref" in schema:
        kind = schema["$ref"].rsplit("/", 1)[1]
        if kind in _REQUESTS:
            return _REQUESTS[kind]
        return _example(known[kind], known, name, kind)
    kinds = _kinds(schema)
    if name in _EMPTY.split() and kinds & {"array", "null"}:
        return None if "null" in kinds else []
    if schema.get("examples"):
        return schema["examples"][0]
    for key in (f"{_PARENTS.get(owner, owner)}.{name}", owner, name):
        if key in _VALUES and _fits(_VALUES[key], schema):
            return _VALUES[key]
    if "oneOf" in schema:
        return _example(schema["oneOf"][0], known, name, owner)
    return _made(schema, known, name, owner)


def _made(schema: Schema, known: Schema, name: str, owner: str) -> Any:  # noqa: ANN401 - JSON
    """Return an example that nothing but the kind of the schema says anything of."""
    if "enum" in schema:
        return schema["enum"][0]
    match schema.get("type"):
        case "object":
            fields = schema.get("properties", {})
            return {each: _example(fields[each], known, each, owner) for each in fields}
        case "array":
            return [_example(schema["items"], known, name)]
        case "integer" | "number":
            return schema.get("default", schema.get("minimum", 1))
        case "boolean":
            return schema.get("default", False)
        case _:
            return _text(schema, name)


def _text(schema: Schema, name: str) -> str:
    if schema.get("format") == "date-time":
        return _EARLY if name in {"created_at", "first_seen_at", "received_at"} else _LATE
    return str(schema.get("default", name))


def _kinds(schema: Schema) -> set[str]:
    return {str(each.get("type", "string")) for each in schema.get("oneOf", (schema,))}


def _fits(value: object, schema: Schema) -> bool:
    """Tell whether a value is of a schema's kind: a name may stand for another kind elsewhere."""
    kinds = _kinds(schema)
    match value:
        case bool():
            return "boolean" in kinds
        case int() | float():
            return bool(kinds & {"integer", "number"})
        case str():
            return "string" in kinds and value in schema.get("enum", (value,))
        case list():
            return "array" in kinds
        case _:
            return "object" in kinds
