"""What a call of the Table API says: its headers, its body, and its query.

Source: ServiceNow, "Table API".
"""

from __future__ import annotations

from urllib.parse import parse_qsl

from casebridge_sandbox.exchange import Call, JsonObject, UnreadableBody
from casebridge_sandbox.servicenow.errors import refused

_WHO_CALLS = "javascript:gs.getUserID()"

__all__ = ("body_of", "check_headers", "number", "query_text", "take_state", "text")


def check_headers(call: Call) -> None:
    """Refuse a write without the headers that ServiceNow insists on.

    Raises:
        Refusal: With 400.
    """
    accept = call.headers.get("accept", "")
    content = call.headers.get("content-type", "")
    if not any(each in accept for each in ("application/json", "application/*", "*/*")):
        raise refused(400, "Missing or unsupported header", "Accept: application/json is required")
    if not content.startswith("application/json"):
        raise refused(
            400, "Missing or unsupported header", "Content-Type: application/json is required"
        )


def body_of(call: Call) -> JsonObject:
    """Return the body.

    Raises:
        Refusal: With 400 if it is not a JSON object.
    """
    try:
        return call.json_object()
    except UnreadableBody as error:
        raise refused(
            400,
            "Exception while reading request",
            "The payload is not valid JSON",
        ) from error


def text(given: object) -> str:
    """Return a value of a body as it is stored."""
    if given is None:
        return ""
    if isinstance(given, bool):
        return "true" if given else "false"
    if isinstance(given, dict):
        return text(given.get("value"))
    return str(given)


def take_state(values: JsonObject) -> str | None:
    """Take the state out of a write; ``incident_state`` is its twin."""
    twin = values.pop("incident_state", None)
    state = values.pop("state", None) or twin
    return str(state) if state else None


def query_text(call: Call) -> str:
    """Return the query, with plain parameters such as ``number=INC...`` as terms of it.

    Of scripts, it knows the one that tells who is calling.
    """
    terms = [
        f"{name}={value}"
        for name, value in parse_qsl(call.query, keep_blank_values=True)
        if not name.startswith("sysparm_")
    ]
    query = call.argument("sysparm_query")
    text = "^".join([*([query] if query else []), *terms])
    return text.replace(_WHO_CALLS, call.person.id)


def number(given: str | None, otherwise: int) -> int:
    """Return a parameter that counts something."""
    return int(given) if given and given.isdecimal() else otherwise
