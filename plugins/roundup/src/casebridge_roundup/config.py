"""The configuration of one Roundup tracker."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Final

import httpx
import msgspec
from msgspec import Meta

from casebridge_core import ConnectorConfig, Secret, Severity
from casebridge_core.templates import PLACEHOLDERS_SHOWN, unknown_placeholders

DEFAULT_PRIORITIES: Final = {
    Severity.CRITICAL: "critical",
    Severity.HIGH: "urgent",
    Severity.MEDIUM: "bug",
    Severity.LOW: "bug",
    Severity.INFORMATIONAL: "bug",
}
"""Priorities of the classic template, whose lower ones (feature, wish) are no severities."""

_FILLED: Final = frozenset({"title", "messages", "priority", "status"})
_USERNAME: Final = re.compile(r"[^\s:,][^:,\x00-\x1f]*")
_NAME: Final = re.compile(r"[a-z_][A-Za-z0-9_]{0,79}")


class RoundupConfig(ConnectorConfig, frozen=True, kw_only=True):
    """Where the tracker is, who signs in, and what an issue is filled with.

    ``base_url`` is the tracker's own address, such as ``https://issues.example.com/soc``.
    """

    username: Annotated[
        str,
        Meta(
            title="User name",
            description="The account of Casebridge in the tracker. What it creates is what is"
            " kept in step, so do not share it with a person.",
        ),
    ]
    password: Annotated[
        Secret, Meta(title="Password", description="The account's password in the tracker.")
    ]
    web_url: Annotated[
        str,
        Meta(
            title="Public address",
            description="What [tracker] web says in the tracker's config.ini, where Casebridge"
            " reaches the tracker at another address.",
        ),
    ] = ""
    issue_class: Annotated[
        str,
        Meta(
            title="Issue class",
            description="The class of the tracker's schema that holds the tickets.",
        ),
    ] = "issue"
    priorities: Annotated[
        dict[Severity, str],
        Meta(
            title="Priorities",
            description="Severity to the name of a priority; an empty name leaves it to the"
            " tracker, and what is left out keeps its default.",
        ),
    ] = msgspec.field(default_factory=dict)
    extra_fields: Annotated[
        dict[str, str],
        Meta(
            title="Extra fields",
            description="Further properties of a new issue: name to value, which may hold"
            f" {PLACEHOLDERS_SHOWN}. A link takes the name, a multilink names with commas.",
        ),
    ] = msgspec.field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__post_init__()
        msgspec.structs.force_setattr(self, "web_url", self.web_url.strip().rstrip("/"))

    def problems(self) -> Iterator[tuple[str, str]]:
        """Yield what the types cannot say, by field."""
        yield from super().problems()
        if not _USERNAME.fullmatch(self.username) or self.username.isdecimal():
            yield "username", "must be the account's user name: no number, no colon and no comma"
        if self.web_url and origin_of(self.web_url) is None:
            yield "web_url", "must be an absolute URL such as https://issues.example.com/soc"
        if not _NAME.fullmatch(self.issue_class):
            yield "issue_class", "must be the name of a class, such as issue"
        for name in self.extra_fields:
            if not _NAME.fullmatch(name):
                yield f"extra_fields.{name}", "must be the name of a property, such as keyword"
            elif name in _FILLED:
                yield f"extra_fields.{name}", "is filled by the bridge and cannot be set here"
        for path in unknown_placeholders(self.extra_fields):
            known = PLACEHOLDERS_SHOWN
            yield f"extra_fields.{path}", f"holds an unknown placeholder; there are {known}"

    @property
    def address(self) -> str:
        """The address at which people open the tracker."""
        return self.web_url or self.base_url

    @property
    def origin(self) -> str:
        """The ``Origin`` that the tracker lets in: its own."""
        return origin_of(self.address) or ""

    @property
    def site(self) -> str:
        """The host by which the tracker's webhooks are told from another tracker's."""
        return httpx.URL(self.base_url).netloc.decode()

    def priority_of(self, severity: Severity) -> str:
        """Return the name of the priority for a severity; empty to leave it to the tracker."""
        return self.priorities.get(severity, DEFAULT_PRIORITIES[severity]).strip()


def origin_of(address: str) -> str | None:
    """Return scheme and host of an absolute URL as a browser sends them, else None."""
    try:
        url = httpx.URL(address)
    except httpx.InvalidURL:
        return None
    if url.scheme not in {"http", "https"} or not url.host:
        return None
    return f"{url.scheme}://{url.netloc.decode()}"
