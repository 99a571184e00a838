"""`JiraConfig`: everything that an administrator says about one Jira project."""

from __future__ import annotations

import re
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Final

import httpx
import msgspec
from msgspec import Meta

from casebridge_core import ConnectorConfig, Secret, Severity
from casebridge_core.oauth import ACCESS_TOKEN_FIELDS
from casebridge_core.templates import PLACEHOLDERS_SHOWN, unknown_placeholders

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_PROJECT_KEY: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_CLOUD_ID: Final = re.compile(r"[A-Za-z0-9-]*")
_FIELDS_OF_OUR_OWN: Final = frozenset(
    {"project", "issuetype", "summary", "description", "labels", "priority"}
)


class Deployment(StrEnum):
    """Which Jira it is: they differ in paths, text format, search and accounts."""

    CLOUD = "cloud"
    DATA_CENTER = "data_center"


class JiraConfig(ConnectorConfig, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One Jira project as a destination.

    The credential is ``email`` with ``api_token`` (Basic, Cloud), ``personal_token`` (Bearer: a
    personal access token of Data Center, or a service account's token on Cloud), or
    ``refresh_token`` with ``client_id`` and ``client_secret`` (OAuth 2.0 3LO, Cloud).
    """

    renewed_fields: ClassVar[frozenset[str]] = ACCESS_TOKEN_FIELDS

    project: Annotated[
        str,
        Meta(title="Project key", description="The letters before the number, as in SEC-1."),
    ]
    deployment: Annotated[
        Deployment, Meta(title="Deployment", description="Jira Cloud or Jira Data Center.")
    ] = Deployment.CLOUD
    email: Annotated[
        str, Meta(title="E-mail", description="Cloud: the account that the API token belongs to.")
    ] = ""
    api_token: Annotated[
        Secret | None, Meta(title="API token", description="Cloud: goes with the e-mail.")
    ] = None
    personal_token: Annotated[
        Secret | None,
        Meta(
            title="Personal access token",
            description="Data Center; on Cloud the token of a service account, with the cloud id.",
        ),
    ] = None
    client_id: Annotated[
        str, Meta(title="OAuth client id", description="Cloud: of an OAuth 2.0 (3LO) app.")
    ] = ""
    client_secret: Annotated[
        Secret | None, Meta(title="OAuth client secret", description="Goes with the client id.")
    ] = None
    refresh_token: Annotated[
        Secret | None,
        Meta(
            title="OAuth refresh token",
            description="From signing in once with the scope offline_access. Each use gives the"
            " next one, which is stored here.",
        ),
    ] = None
    access_token: Annotated[
        Secret | None,
        Meta(
            title="OAuth access token",
            description="Filled by Casebridge.",
            extra_json_schema={"readOnly": True},
        ),
    ] = None
    access_token_until: Annotated[
        float | None,
        Meta(
            title="End of the access token",
            description="Filled by Casebridge.",
            extra_json_schema={"readOnly": True},
        ),
    ] = None
    cloud_id: Annotated[
        str,
        Meta(
            title="Cloud id",
            description="For scoped tokens and OAuth: calls then go through the gateway."
            " The id is shown at https://<site>/_edge/tenant_info.",
        ),
    ] = ""
    gateway_url: Annotated[
        str, Meta(title="Gateway", description="Where scoped tokens are accepted.")
    ] = "https://api.atlassian.com"
    auth_url: Annotated[
        str, Meta(title="OAuth server", description="Where access tokens are renewed.")
    ] = "https://auth.atlassian.com"
    issue_type: Annotated[
        str, Meta(title="Issue type", description="Name or id of the type of new issues.")
    ] = "Task"
    labels: Annotated[
        tuple[str, ...], Meta(title="Labels", description="Further labels, without white space.")
    ] = ()
    priorities: Annotated[
        dict[Severity, str],
        Meta(
            title="Priorities",
            description="Severity to the name or id of a priority; what is not listed is left to"
            " Jira. A priority that is not on the create screen is left out.",
        ),
    ] = msgspec.field(default_factory=dict)
    fields: Annotated[
        dict[str, Any],
        Meta(
            title="Further fields",
            description="Field id to its value at creation, as Jira's REST API takes it. Texts may"
            f" hold {PLACEHOLDERS_SHOWN}.",
        ),
    ] = msgspec.field(default_factory=dict)
    transition_fields: Annotated[
        dict[str, dict[str, Any]],
        Meta(
            title="Fields of transitions",
            description="Name or id of a target status to the fields that its transition asks for,"
            ' such as {"Done": {"resolution": {"name": "Done"}}}. Only what is on the'
            " transition's screen is sent.",
        ),
    ] = msgspec.field(default_factory=dict)
    category_fallback: Annotated[
        bool,
        Meta(
            title="Go by category",
            description="Whether a status without an entry in the map is understood by its"
            " category (to do, in progress, done). Otherwise it is reported as unmapped.",
        ),
    ] = True
    comments_public: Annotated[
        bool,
        Meta(
            title="Public comments",
            description="Service projects: whether customers see our comments. Off: internal.",
        ),
    ] = False

    def problems(self) -> Iterator[tuple[str, str]]:
        """Yield what the types cannot say; see `ConnectorConfig.problems`."""
        yield from super().problems()
        yield from self._credential_problems()
        yield from self._gateway_problems()
        if not _PROJECT_KEY.fullmatch(self.project):
            yield "project", "must be a project key such as SEC"
        if not self.issue_type.strip():
            yield "issue_type", "must be the name or id of an issue type"
        for number, label in enumerate(self.labels):
            if not label or len(label) > 255 or any(c.isspace() for c in label):  # noqa: PLR2004
                yield f"labels[{number}]", "must be 1 to 255 characters without white space"
        for name in self.fields:
            if name in _FIELDS_OF_OUR_OWN:
                yield f"fields.{name}", "is filled by Casebridge; remove it"
        for path in unknown_placeholders(self.fields):
            yield f"fields.{path}", f"holds an unknown placeholder; known: {PLACEHOLDERS_SHOWN}"

    @property
    def is_cloud(self) -> bool:
        """Whether this is Jira Cloud."""
        return self.deployment is Deployment.CLOUD

    @property
    def api_url(self) -> str:
        """The root of the REST API.

        Source: Atlassian, Jira Cloud REST v3 and Jira Data Center REST v2, introductions.
        """
        return f"{self.root_url}/rest/api/{3 if self.is_cloud else 2}"

    @property
    def root_url(self) -> str:
        """What stands before ``/rest``: the site, or the gateway's entrance to it."""
        if self.cloud_id:
            return f"{self.gateway_url.rstrip('/')}/ex/jira/{self.cloud_id}"
        return self.base_url

    def hosts(self) -> frozenset[str]:
        """Return the hosts that may get a credential: the gateway and the OAuth server if used."""
        also = [
            *([self.gateway_url] if self.cloud_id else []),
            *([self.auth_url] if self.refresh_token is not None else []),
        ]
        return super().hosts() | {httpx.URL(url).netloc.decode() for url in also}

    def fields_for_status(self, *names: str | None) -> Mapping[str, Any]:
        """Return the configured fields of the transition to a status, by its name or id."""
        wanted = {name.strip().casefold() for name in names if name}
        for status, fields in self.transition_fields.items():
            if status.strip().casefold() in wanted:
                return fields
        return MappingProxyType({})

    def _credential_problems(self) -> Iterator[tuple[str, str]]:
        given = [
            name
            for name in ("personal_token", "refresh_token", "api_token")
            if getattr(self, name) is not None
        ]
        match given:
            case [_, _, *_]:
                yield given[0], f"give either this or {given[1]}"
            case names if not self.is_cloud and names != ["personal_token"]:
                yield "personal_token", "is required for Data Center"
            case ["refresh_token"]:
                yield from self._oauth_problems()
            case ["api_token"] if not self.email.strip():
                yield "email", "is required with api_token"
            case []:
                yield "api_token", "is required for Cloud (or personal_token, or refresh_token)"
            case _:
                return

    def _oauth_problems(self) -> Iterator[tuple[str, str]]:
        if not self.client_id.strip():
            yield "client_id", "is required with refresh_token"
        if self.client_secret is None:
            yield "client_secret", "is required with refresh_token"
        if not self.cloud_id:
            yield "cloud_id", "is required with refresh_token: OAuth works at the gateway only"

    def _gateway_problems(self) -> Iterator[tuple[str, str]]:
        if not _CLOUD_ID.fullmatch(self.cloud_id):
            yield "cloud_id", "must be the id from /_edge/tenant_info"
        if self.cloud_id and not self.is_cloud:
            yield "cloud_id", "is for Jira Cloud only"
        for field in ("gateway_url", "auth_url"):
            address = ConnectorConfig(base_url=getattr(self, field))
            yield from ((field, problem) for _, problem in address.problems())
