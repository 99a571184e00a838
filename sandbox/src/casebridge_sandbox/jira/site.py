"""What every group of Jira's calls needs: the scenario, look-ups, and shapes."""

from __future__ import annotations

import base64
import binascii
from collections import defaultdict, deque
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from casebridge_sandbox.exchange import Call, Refusal, Reply
from casebridge_sandbox.jira.errors import error_reply, not_found, refused
from casebridge_sandbox.jira.gateway import Grants, refuse_at_the_gateway
from casebridge_sandbox.jira.shapes import Shapes
from casebridge_sandbox.routing import Operation
from casebridge_sandbox.tickets import Person, Ticket

if TYPE_CHECKING:
    from casebridge_sandbox.jira.scenario import JiraScenario
    from casebridge_sandbox.sandbox import VendorSandbox

__all__ = ("JiraSite", "account_of")

_OPEN = frozenset({"server_info", "tenant_info", "token", "resources"})
_VERSIONS = {"cloud": ("3", "2", "latest"), "data_center": ("2", "latest")}


def account_of(scenario: JiraScenario) -> Person:
    """Return the integration's own account."""
    return Person(
        id=scenario.account_id,
        name=scenario.user_name,
        display_name=scenario.display_name,
        email=scenario.email,
    )


class JiraSite:
    """The view that a group of calls has of a Jira sandbox.

    Args:
        sandbox: The sandbox; its scenario may change at any time.
    """

    def __init__(self, sandbox: VendorSandbox[JiraScenario]) -> None:
        self.sandbox = sandbox
        self.grants = Grants()
        self._writes: defaultdict[str, deque[datetime]] = defaultdict(lambda: deque(maxlen=1000))

    def reset(self) -> None:
        """Forget the writes that were counted and the tokens that were given."""
        self.grants = Grants()
        self._writes.clear()

    @property
    def scenario(self) -> JiraScenario:
        """The present scenario."""
        return self.sandbox.scenario

    def shapes(self, call: Call, *, most_comments: int = 0) -> Shapes:
        """Return the shapes of the version that a call asks for."""
        version = call.params.get("version", "2")
        if version == "latest":
            version = "3" if self.scenario.is_cloud else "2"
        return self.shapes_of(version, door=call.door, most_comments=most_comments)

    def shapes_of(self, version: str, door: str = "", *, most_comments: int = 0) -> Shapes:
        """Return the shapes of a version of the API, with links through the caller's entrance."""
        root = self.sandbox.origin + door if door else self.sandbox.base_url
        people, api = self.sandbox.desk.people, f"{root}/rest/api"
        return Shapes(self.scenario, people, api, version, most_comments=most_comments)

    def rich_text(self, call: Call) -> bool:
        """Tell whether texts are documents in the version that a call asks for."""
        version = call.params.get("version", "2")
        return version == "3" or (version == "latest" and self.scenario.is_cloud)

    def operation(
        self, name: str, method: str, path: str, handler: Callable[[Call], Reply]
    ) -> Operation:
        """Return an operation under every version of the REST API that the site has."""

        def versioned(call: Call) -> Reply:
            if call.params["version"] not in _VERSIONS[self.scenario.deployment]:
                return self.sandbox.unknown_path(call)
            return handler(call)

        return Operation(name, method, "/rest/api/{version}" + path, versioned)

    def issue(self, call: Call) -> Ticket:
        """Return the issue that a call names by id or key.

        Raises:
            Refusal: With 404 if there is none, or the caller may not see it.
        """
        ticket = self.sandbox.desk.find(call.params["issue"])
        if ticket is None or self.denied("BROWSE_PROJECTS"):
            raise not_found()
        return ticket

    def denied(self, permission: str) -> bool:
        """Tell whether the account lacks a permission."""
        return permission in self.scenario.denied_permissions

    def count_write(self, ticket: Ticket) -> None:
        """Count a write to an issue.

        Raises:
            Refusal: With 429 if there were too many in one of the windows.
        """
        scenario, now, writes = self.scenario, self.sandbox.clock(), self._writes[ticket.id]
        limits = (
            (scenario.issue_writes, scenario.issue_write_window_seconds),
            (scenario.issue_writes_long, scenario.issue_write_long_window_seconds),
        )
        for limit, seconds in limits:
            window = timedelta(seconds=seconds)
            if limit and sum(at > now - window for at in writes) >= limit:
                raise Refusal(self.too_many("jira-per-issue-on-write", window, limit))
        writes.append(now)

    def near_limit(self, limit: int) -> dict[str, str]:
        """Return the headers that say that less than a fifth of a limit is left, if it is so."""
        if not self.scenario.near_limit_seconds:
            return {}
        reset = self.sandbox.clock() + timedelta(seconds=self.scenario.near_limit_seconds)
        return {
            "x-ratelimit-limit": str(limit),
            "x-ratelimit-remaining": str(limit // 10),
            "x-ratelimit-reset": f"{reset:%Y-%m-%dT%H:%M:%SZ}",
            "x-ratelimit-nearlimit": "true",
        }

    def too_many(self, reason: str, pause: timedelta, limit: int) -> Reply:
        """Return a 429 with the headers of this deployment.

        Source: Atlassian, "Rate limiting", Jira Cloud platform; "Adjusting your code for
        rate limiting", Jira Data Center.
        """
        seconds = max(1, round(pause.total_seconds()))
        reply = error_reply(429, "Rate limit exceeded.")
        if not self.scenario.is_cloud:
            return reply.with_headers(
                {
                    "retry-after": str(seconds),
                    "x-ratelimit-limit": str(limit),
                    "x-ratelimit-remaining": "0",
                    "x-ratelimit-interval-seconds": "1",
                    "x-ratelimit-fillrate": "1",
                }
            )
        reset = self.sandbox.clock() + pause
        return reply.with_headers(
            {
                "retry-after": str(seconds),
                "x-ratelimit-limit": str(limit),
                "x-ratelimit-remaining": "0",
                "x-ratelimit-reset": f"{reset:%Y-%m-%dT%H:%M:%SZ}",
                "x-ratelimit-nearlimit": "true",
                "ratelimit-reason": reason,
            }
        )

    def identify(self, call: Call) -> Person | None:
        """Return the account whose credentials a call carries, or None.

        The gateway takes OAuth tokens and scoped API tokens, and the site takes neither.
        """
        scheme, _, value = call.headers.get("authorization", "").partition(" ")
        scenario = self.scenario
        at_its_place = bool(call.door) is (scenario.is_cloud and scenario.scoped_token)
        match scheme.lower():
            case "basic" if scenario.basic_auth:
                try:
                    given = base64.b64decode(value, validate=True).decode()
                except (binascii.Error, UnicodeDecodeError):
                    return None
                login = scenario.email if scenario.is_cloud else scenario.user_name
                known = at_its_place and given == f"{login}:{scenario.api_token}"
            case "bearer":
                token = value.strip()
                known = at_its_place and token == scenario.api_token
                if call.door and self.grants.knows(token, self.sandbox.clock()):
                    known = True
            case _:
                known = False
        return account_of(scenario) if known else None

    def refuse_anonymous(self, call: Call, operation: str) -> Reply | None:
        """Return the answer to an anonymous call.

        Jira Cloud treats bad credentials as no credentials, and hides what the anonymous
        may not see; Data Center answers 401.
        """
        if operation in _OPEN:
            return None
        bearer = call.headers.get("authorization", "").lower().startswith("bearer ")
        if call.door or (bearer and self.scenario.is_cloud):
            return refuse_at_the_gateway()
        if not self.scenario.is_cloud:
            return error_reply(
                401,
                "You are not authenticated. Authentication required to perform this operation.",
            ).with_headers({"www-authenticate": 'OAuth realm="Jira"'})
        match operation:
            case "search":
                return None
            case "create":
                return error_reply(
                    400,
                    errors={
                        "project": "Anonymous users do not have permission to create issues "
                        "in this project. Please try logging in first."
                    },
                )
            case _ if "project" in call.params:
                return error_reply(
                    404, f"No project could be found with key '{call.params['project']}'."
                )
            case _ if "issue" in call.params:
                return error_reply(
                    404,
                    "Issue does not exist or you do not have permission to see it.",
                )
            case _:
                return Reply.json(
                    {
                        "message": "Client must be authenticated to access this resource.",
                        "status-code": 401,
                    },
                    401,
                )

    def need(self, permission: str, status: int, message: str) -> None:
        """Refuse a call for lack of a permission.

        Raises:
            Refusal: If the account lacks it.
        """
        if self.denied(permission):
            raise refused(status, message)
