"""Jira's calls with which an administrator registers webhooks.

Cloud and Data Center up to 9 have ``/rest/webhooks/1.0/webhook``, Data Center from 10 on
``/rest/jira-webhook/1.0/webhooks``; each answers 404 on the other. A secret is never shown
again. Source: Atlassian, "Webhooks", Jira Cloud platform; "Managing webhooks", Jira Data
Center.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from casebridge_sandbox.exchange import Call, JsonObject, Reply
from casebridge_sandbox.jira.errors import not_found, refused
from casebridge_sandbox.jira.jql import JqlError, parse_jql
from casebridge_sandbox.routing import Operation
from casebridge_sandbox.webhooks import WebhookEndpoint

if TYPE_CHECKING:
    from casebridge_sandbox.jira.site import JiraSite

__all__ = ("AdminCalls",)

_FILTERS = "issue-related-events-section"
_CLOUD = "/rest/webhooks/1.0/webhook"
_SERVER = "/rest/jira-webhook/1.0/webhooks"


class AdminCalls:
    """The registration of webhooks.

    Args:
        site: The site.
    """

    def __init__(self, site: JiraSite) -> None:
        self._site = site
        self._names: dict[str, str] = {}

    def operations(self) -> list[Operation]:
        """Return the calls of this group."""
        listed = []
        for path, old in ((_CLOUD, True), (_SERVER, False)):
            for method, suffix, handler in (
                ("GET", "", self.list_webhooks),
                ("POST", "", self.register),
                ("DELETE", "/{webhook}", self.remove),
            ):
                guarded = self._guarded(handler, old=old)
                listed.append(Operation("webhook_admin", method, path + suffix, guarded))
        return listed

    def list_webhooks(self, call: Call) -> Reply:  # noqa: ARG002 - a handler
        """List the webhooks, without their secrets."""
        return Reply.json([self._shown(each) for each in self._endpoints()])

    def register(self, call: Call) -> Reply:
        """Register a webhook."""
        body = call.json_object()
        url, events, secret = body.get("url"), body.get("events"), body.get("secret")
        if not isinstance(url, str) or not url.startswith(("http://", "https://")):
            raise refused(400, errors={"url": "A valid URL is required."})
        number = str(max((int(each.id) for each in self._endpoints()), default=0) + 1)
        endpoint = WebhookEndpoint(
            id=number,
            url=url,
            secret=secret if isinstance(secret, str) and secret else None,
            events=tuple(str(each) for each in events) if isinstance(events, list) else (),
            projects=_projects(body.get("filters")),
        )
        self._names[number] = str(body.get("name", ""))
        self._site.sandbox.webhooks.set_endpoints([*self._endpoints(), endpoint])
        return Reply.json(self._shown(endpoint), 201)

    def remove(self, call: Call) -> Reply:
        """Remove a webhook."""
        left = [each for each in self._endpoints() if each.id != call.params["webhook"]]
        if len(left) == len(self._endpoints()):
            raise not_found("The webhook does not exist.")
        self._site.sandbox.webhooks.set_endpoints(left)
        return Reply.empty()

    def _guarded(self, handler: Callable[[Call], Reply], *, old: bool) -> Callable[[Call], Reply]:
        def guarded(call: Call) -> Reply:
            if self._has_old_path() is not old:
                raise not_found("HTTP 404 Not Found")
            if self._site.denied("ADMINISTER"):
                raise refused(403, "You need to be a Jira administrator to do this.")
            return handler(call)

        return guarded

    def _has_old_path(self) -> bool:
        return self._site.scenario.is_cloud or self._site.scenario.is_before_ten

    def _endpoints(self) -> list[WebhookEndpoint]:
        return list(self._site.sandbox.webhooks.endpoints.values())

    def _shown(self, endpoint: WebhookEndpoint) -> JsonObject:
        path = _CLOUD if self._has_old_path() else _SERVER
        restriction = f"project in ({', '.join(endpoint.projects)})" if endpoint.projects else ""
        return {
            "name": self._names.get(endpoint.id, ""),
            "url": endpoint.url,
            "events": endpoint.events,
            "filters": {_FILTERS: restriction},
            "excludeBody": False,
            "enabled": True,
            "isSigned": endpoint.secret is not None and not self._site.scenario.is_before_ten,
            "self": f"{self._site.sandbox.base_url}{path}/{endpoint.id}",
        }


def _projects(filters: object) -> tuple[str, ...]:
    """Return the projects to which the JQL of a webhook restricts it."""
    jql = filters.get(_FILTERS) if isinstance(filters, dict) else None
    if not isinstance(jql, str):
        return ()
    try:
        query = parse_jql(jql)
    except JqlError as error:
        raise refused(400, str(error)) from error
    wanted = [clause.values for clause in query.clauses if clause.field == "project"]
    return tuple(value.upper() for values in wanted for value in values)
