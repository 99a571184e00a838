"""The configuration of one ServiceNow instance."""

from __future__ import annotations

import re
from collections.abc import Iterator
from string import Formatter
from typing import Annotated, ClassVar, Final

import msgspec
from msgspec import Meta

from casebridge_core import ConnectorConfig, Secret, Severity
from casebridge_core.oauth import ACCESS_TOKEN_FIELDS
from casebridge_core.templates import PLACEHOLDERS_SHOWN, unknown_placeholders
from casebridge_servicenow.columns import FILLED, RENAMEABLE, Columns
from casebridge_servicenow.queries import is_literal
from casebridge_servicenow.severities import DEFAULT_SEVERITY_MAP, Priority
from casebridge_servicenow.state_models import ModelName, state_model
from casebridge_servicenow.statuses import StateModel

CLOSE_NOTES_PLACEHOLDERS: Final = ("status", "ticket", "correlation_key", "reason")
DEFAULT_CLOSE_NOTES: Final = "The security case is {status}. Reference: {correlation_key}"

_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,79}")
_RENAMEABLE: Final = sorted(RENAMEABLE)


class ServiceNowConfig(ConnectorConfig, frozen=True, kw_only=True):
    """Where the instance is, who signs in, and what an incident is filled with.

    Sign in with ``password`` (basic), with ``api_key``, or with ``client_id`` and
    ``client_secret`` (OAuth: the password grant if there is a password, the refresh token's if
    there is one, else client credentials). Fields left empty are left to ServiceNow.
    """

    renewed_fields: ClassVar[frozenset[str]] = ACCESS_TOKEN_FIELDS

    username: Annotated[
        str,
        Meta(
            title="User name",
            description=(
                "The integration account. Webhooks name it as the actor of what the bridge did,"
                " so it is needed with an API key too."
            ),
        ),
    ]
    password: Annotated[
        Secret | None,
        Meta(title="Password", description="For basic authentication, or OAuth with a client."),
    ] = None
    api_key: Annotated[
        Secret | None, Meta(title="API key", description="Instead of a password or OAuth client.")
    ] = None
    client_id: Annotated[
        str, Meta(title="OAuth client id", description="Of an OAuth API endpoint for clients.")
    ] = ""
    client_secret: Annotated[
        Secret | None,
        Meta(
            title="OAuth client secret",
            description="Alone: the client credentials grant. With a password or a refresh token:"
            " that grant.",
        ),
    ] = None
    refresh_token: Annotated[
        Secret | None,
        Meta(
            title="OAuth refresh token",
            description="Of a user who has granted access; replaced whenever ServiceNow sends"
            " another.",
        ),
    ] = None
    access_token: Annotated[
        Secret | None, Meta(title="OAuth access token", description="Kept by Casebridge itself.")
    ] = None
    access_token_until: Annotated[
        float | None,
        Meta(title="Access token until", description="Kept by Casebridge itself."),
    ] = None
    table: Annotated[
        str,
        Meta(
            title="Table",
            description="incident, sn_si_incident, or a table of your own.",
        ),
    ] = "incident"
    state_model: Annotated[
        ModelName | None,
        Meta(
            title="State model",
            description="Which states a table of your own has: those of incident (the default),"
            " security_incident or task.",
        ),
    ] = None
    field_names: Annotated[
        dict[str, str],
        Meta(
            title="Field names",
            description="What a table of your own calls the fields of incident, such as"
            ' {"short_description": "u_title"}.',
        ),
    ] = msgspec.field(default_factory=dict)
    correlation_field: Annotated[
        str,
        Meta(
            title="Correlation field",
            description="Text field for the bridge's key, for tables where another system uses"
            " correlation_id.",
        ),
    ] = "correlation_id"
    caller_id: Annotated[
        str,
        Meta(title="Caller", description="sys_id of the user in whose name tickets are opened."),
    ] = ""
    category: Annotated[str, Meta(title="Category", description="Value of the category.")] = ""
    assignment_group: Annotated[
        str, Meta(title="Assignment group", description="sys_id of the group.")
    ] = ""
    close_code: Annotated[
        str,
        Meta(
            title="Close code",
            description="Resolution code for resolving; the connection check lists the valid ones.",
        ),
    ] = "Solution provided"
    close_notes: Annotated[
        str,
        Meta(
            title="Close notes",
            description=(
                "Resolution notes for resolving. Placeholders: {status}, {ticket},"
                " {correlation_key}, {reason}."
            ),
        ),
    ] = DEFAULT_CLOSE_NOTES
    hold_reason: Annotated[
        str,
        Meta(
            title="On hold reason",
            description=(
                "For a status map that leads to On Hold: 1 Awaiting Caller, 3 Awaiting Problem,"
                " 4 Awaiting Vendor, 5 Awaiting Change."
            ),
        ),
    ] = ""
    hold_comment: Annotated[
        str,
        Meta(
            title="On hold comment",
            description=(
                "Comment to the caller that goes with On Hold, where Awaiting Caller asks for one."
                " It is mailed to the caller."
            ),
        ),
    ] = ""
    extra_fields: Annotated[
        dict[str, str],
        Meta(
            title="Extra fields",
            description="Further fields of a new ticket: name to value, which may hold"
            f" {PLACEHOLDERS_SHOWN}.",
        ),
    ] = msgspec.field(default_factory=dict)
    severity_map: Annotated[
        dict[Severity, Priority],
        Meta(
            title="Severity map",
            description="Severity to impact and urgency; what is left out keeps its default.",
        ),
    ] = msgspec.field(default_factory=dict)
    comments_visible_to_caller: Annotated[
        bool,
        Meta(
            title="Comments visible to the caller",
            description="Post as additional comments, which are mailed to the caller, not as work"
            " notes.",
        ),
    ] = False

    def problems(self) -> Iterator[tuple[str, str]]:
        """Yield what the types cannot say, by field."""
        yield from super().problems()
        if not is_literal(self.username):
            yield "username", "must be a user name without '^', control characters or scripts"
        yield from self._credential_problems()
        if not _NAME.fullmatch(self.table):
            yield "table", "must be a table's name, such as incident (not its label)"
        yield from self._name_problems()
        for name in self.extra_fields:
            if not _NAME.fullmatch(name):
                yield f"extra_fields.{name}", "must be a field's name (not its label)"
            elif Columns(self).usual(name) in FILLED:
                yield f"extra_fields.{name}", "is filled by the bridge and cannot be set here"
        for path in unknown_placeholders(self.extra_fields):
            known = PLACEHOLDERS_SHOWN
            yield f"extra_fields.{path}", f"holds an unknown placeholder; there are {known}"
        yield from _template_problems(self.close_notes)

    def _name_problems(self) -> Iterator[tuple[str, str]]:
        if not _NAME.fullmatch(self.correlation_field):
            yield "correlation_field", "must be a field's name, such as correlation_id"
        elif self.correlation_field in FILLED - {"correlation_id"}:
            yield "correlation_field", "must be a field that the bridge does not fill otherwise"
        taken = {self.correlation_field}
        for name, column in self.field_names.items():
            path = f"field_names.{name}"
            if name not in RENAMEABLE:
                yield path, f"is none of the fields that can be renamed: {', '.join(_RENAMEABLE)}"
            elif not _NAME.fullmatch(column):
                yield path, "must be a field's name, such as u_title (not its label)"
            elif column in taken or (column in RENAMEABLE and column not in self.field_names):
                yield path, "must not be the name of another field that the bridge uses"
            taken.add(column)

    def _credential_problems(self) -> Iterator[tuple[str, str]]:
        if self.password is None and self.api_key is None and self.client_secret is None:
            yield "password", "is required, unless api_key or client_secret is given"
        if self.api_key is not None and (self.password or self.client_secret):
            yield "api_key", "must be left out when there is a password or an OAuth client"
        if self.client_id and self.client_secret is None:
            yield "client_secret", "is required for client_id"
        if self.client_secret is not None and not self.client_id:
            yield "client_id", "is required for client_secret"

    @property
    def states(self) -> StateModel:
        """The state model of the configured table."""
        return state_model(self.table, self.state_model)

    @property
    def comment_field(self) -> str:
        """The journal field that comments are written to, by its usual name."""
        return "comments" if self.comments_visible_to_caller else "work_notes"

    def priority_of(self, severity: Severity) -> Priority:
        """Return impact and urgency for a severity."""
        return self.severity_map.get(severity) or DEFAULT_SEVERITY_MAP[severity]


def _template_problems(template: str) -> Iterator[tuple[str, str]]:
    known = ", ".join(f"{{{name}}}" for name in CLOSE_NOTES_PLACEHOLDERS)
    try:
        parts = list(Formatter().parse(template))
    except ValueError:
        yield "close_notes", f"has an unmatched brace; its placeholders are {known}"
        return
    if any(
        name is not None and (name not in CLOSE_NOTES_PLACEHOLDERS or spec or conversion)
        for _, name, spec, conversion in parts
    ):
        yield "close_notes", f"has an unknown placeholder; there are {known}"
