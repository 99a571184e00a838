"""Jira's JSON read into the bridge's values: pure, and total for whatever comes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Any, Final

import httpx

from casebridge_core import NativeStatus, Person, StatusCategory, Ticket, TicketRef
from casebridge_jira.statuses import CATEGORY_OF_KEY

PROPERTY: Final = "casebridge"
"""The issue property that holds ``{"correlation_key": ...}`` beside the label."""

TICKET_FIELDS: Final = ("status", "assignee", "labels", "updated")
"""The fields that `read_ticket` needs."""

_MILLISECONDS: Final = re.compile(r"[0-9]{9,15}")
_GATEWAY_PATH: Final = "/ex/jira/"
_ORIGIN: Final = re.compile(r"(?P<origin>[^/?#]*//[^/?#]*)(?P<path>[^?#]*)", re.DOTALL)
_ISSUE_IN_SELF: Final = re.compile(r"/rest/api/[^/]+/issue/(\d+)(?:/|$)")


def read_ticket(issue: object, base_url: str, correlation_key: str | None = None) -> Ticket | None:
    """Return the ticket that an issue resource describes, or None when it is not one.

    ``correlation_key`` is the one looked for: it is the ticket's when a label is exactly that;
    without it, the issue property tells.
    """
    if not isinstance(issue, Mapping):
        return None
    match issue:
        case {"id": identity, "key": str(key), "fields": Mapping() as fields}:
            external_id = read_id(identity)
            status = read_status(fields.get("status"))
            if external_id is None or status is None:
                return None
            return Ticket(
                ref=ticket_ref(external_id, key, base_url),
                status=status,
                correlation_key=_correlation_key(issue, fields, correlation_key),
                assignee=read_person(fields.get("assignee")),
                updated_at=read_moment(fields.get("updated")),
            )
        case _:
            return None


def ticket_ref(external_id: str, key: str, base_url: str) -> TicketRef:
    """Return the reference to an issue: the numeric id, which outlives the key, comes first."""
    return TicketRef(external_id=external_id, key=key, url=f"{base_url}/browse/{key}")


def read_id(value: object) -> str | None:
    """Return an issue's or comment's id as text; some senders write it as a number."""
    match value:
        case bool():
            return None
        case int() if value >= 0:
            return str(value)
        case str() if value.strip().isascii() and value.strip().isdigit():
            return value.strip()
        case _:
            return None


def read_objects(value: object) -> list[Mapping[str, Any]]:
    """Return the JSON objects in a list; whatever else is there or comes instead is left out."""
    if not isinstance(value, list):
        return []
    return [each for each in value if isinstance(each, Mapping)]


def read_text(value: object) -> str | None:
    """Return a text, or None when it is missing or blank."""
    return value.strip() or None if isinstance(value, str) else None


def read_status(value: object) -> NativeStatus | None:
    """Return the status in a ``fields.status`` or a transition's ``to``."""
    if not isinstance(value, Mapping) or (name := read_text(value.get("name"))) is None:
        return None
    return NativeStatus(
        name=name,
        id=read_id(value.get("id")),
        category=read_category(value.get("statusCategory")),
    )


def read_category(value: object) -> StatusCategory | None:
    """Return a ``statusCategory`` by its key; its name is translated."""
    match value:
        case {"key": str(key)}:
            return CATEGORY_OF_KEY.get(key.strip().casefold())
        case _:
            return None


def read_person(value: object) -> Person | None:
    """Return a user: by ``accountId`` on Cloud, by ``name`` on Data Center."""
    ids = ids_of(value)
    if not isinstance(value, Mapping) or not ids:
        return None
    return Person(
        id=ids[0],
        name=read_text(value.get("displayName")),
        email=read_text(value.get("emailAddress")),
    )


def ids_of(user: object) -> tuple[str, ...]:
    """Return every id of a user, the one we go by first; changelogs may name another one."""
    if not isinstance(user, Mapping):
        return ()
    named = (read_text(user.get(field)) for field in ("accountId", "name", "key"))
    return tuple(each for each in named if each is not None)


def read_moment(value: object) -> datetime | None:
    """Return a time in UTC from ISO 8601 text or from milliseconds since 1970."""
    match value:
        case bool():
            return None
        case int() | float():
            try:
                return datetime.fromtimestamp(value / 1000, tz=UTC)
            except (ValueError, OverflowError, OSError):
                return None
        case str() if _MILLISECONDS.fullmatch(value.strip()):
            return read_moment(int(value))
        case str():
            try:
                moment = datetime.fromisoformat(value.strip())
                return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
            except (ValueError, OverflowError):
                return None
        case _:
            return None


def read_date(headers: httpx.Headers) -> datetime | None:
    """Return the server's own time from the ``Date`` of an answer."""
    try:
        moment = parsedate_to_datetime(headers.get("date", ""))
    except (ValueError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def read_site(link: object) -> str | None:
    """Return the host of a ``self`` link as `ConnectorConfig.hosts` writes it.

    None for a link through the gateway that all sites share.
    """
    if not isinstance(link, str):
        return None
    found = _ORIGIN.match(link.strip())
    if found is None or found["path"].startswith(_GATEWAY_PATH):
        return None
    return _host_of(found["origin"])


@lru_cache(maxsize=256)
def _host_of(origin: str) -> str | None:
    """Return the host of an origin, of which there are few."""
    try:
        return httpx.URL(origin).netloc.decode() or None
    except (httpx.InvalidURL, ValueError):
        return None


def read_issue_id(link: object) -> str | None:
    """Return the issue's id in a ``self`` link of an issue or of something that is part of it."""
    found = _ISSUE_IN_SELF.search(link) if isinstance(link, str) else None
    return found.group(1) if found else None


def _correlation_key(
    issue: Mapping[str, object], fields: Mapping[str, object], wanted: str | None
) -> str | None:
    labels = fields.get("labels")
    if wanted is not None:
        return wanted if isinstance(labels, list) and wanted in labels else None
    match issue.get("properties"):
        case {"casebridge": {"correlation_key": str(key)}}:
            return key
        case _:
            return None
