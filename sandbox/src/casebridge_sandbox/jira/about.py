"""Jira's calls about the site itself: who, which projects, types, statuses, and rights."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from casebridge_sandbox.exchange import Call, JsonObject, Reply
from casebridge_sandbox.jira.errors import not_found
from casebridge_sandbox.jira.shapes import jira_time

if TYPE_CHECKING:
    from casebridge_sandbox.jira.site import JiraSite
    from casebridge_sandbox.routing import Operation

__all__ = ("AboutCalls",)

_PERMISSIONS = (
    "BROWSE_PROJECTS",
    "CREATE_ISSUES",
    "EDIT_ISSUES",
    "TRANSITION_ISSUES",
    "ADD_COMMENTS",
    "DELETE_ISSUES",
    "LINK_ISSUES",
    "ASSIGN_ISSUES",
    "ASSIGNABLE_USER",
)


class AboutCalls:
    """The site itself.

    Args:
        site: The site.
    """

    def __init__(self, site: JiraSite) -> None:
        self._site = site

    def operations(self) -> list[Operation]:
        """Return the calls of this group."""
        make = self._site.operation
        types = "/issue/createmeta/{project}/issuetypes"
        return [
            make("myself", "GET", "/myself", self.myself),
            make("server_info", "GET", "/serverInfo", self.server_info),
            make("metadata", "GET", "/mypermissions", self.permissions),
            make("metadata", "GET", "/priority/search", self.priorities),
            make("metadata", "GET", "/priority", self.priority_list),
            make("metadata", "GET", "/resolution", self.resolutions),
            make("metadata", "GET", "/status", self.statuses),
            make("metadata", "GET", "/project/search", self.projects),
            make("metadata", "GET", "/project/{project}", self.project),
            make("metadata", "GET", "/project/{project}/statuses", self.project_statuses),
            make("metadata", "GET", types, self.create_types),
            make("metadata", "GET", types + "/{type}", self.create_fields),
        ]

    def myself(self, call: Call) -> Reply:
        """Show the caller's own account."""
        return Reply.json(self._site.shapes(call).user(call.person))

    def server_info(self, call: Call) -> Reply:  # noqa: ARG002 - a handler
        """Show what kind of Jira this is; needs no credentials."""
        scenario = self._site.scenario
        version = scenario.server_version
        now = self._site.sandbox.clock() + timedelta(seconds=scenario.clock_ahead_seconds)
        return Reply.json(
            {
                "baseUrl": self._site.sandbox.base_url,
                "version": version,
                "versionNumbers": [int(part) for part in version.partition("-")[0].split(".")],
                "deploymentType": "Cloud" if scenario.is_cloud else "Server",
                "serverTime": jira_time(now),
                "buildNumber": 100_000,
                "serverTitle": "Sandbox",
            }
        )

    def permissions(self, call: Call) -> Reply:
        """Show which permissions the caller has."""
        asked = (call.argument("permissions") or ",".join(_PERMISSIONS)).split(",")
        shown = {
            name: {
                "id": str(number),
                "key": name,
                "name": name.replace("_", " ").capitalize(),
                "type": "PROJECT",
                "description": "",
                "havePermission": name in _PERMISSIONS and not self._site.denied(name),
            }
            for number, name in enumerate(asked, start=10)
        }
        return Reply.json({"permissions": shown})

    def priorities(self, call: Call) -> Reply:
        """Show the priorities, as a page."""
        return Reply.json(_page(self._priorities(call)))

    def priority_list(self, call: Call) -> Reply:
        """Show the priorities, as a list."""
        return Reply.json(self._priorities(call))

    def resolutions(self, call: Call) -> Reply:
        """Show the resolutions."""
        shapes = self._site.shapes(call)
        return Reply.json(
            [shapes.named("resolution", each) for each in self._site.scenario.resolutions]
        )

    def statuses(self, call: Call) -> Reply:
        """Show the statuses of every project."""
        shapes = self._site.shapes(call)
        return Reply.json([shapes.status(each) for each in self._site.scenario.workflow.statuses])

    def projects(self, call: Call) -> Reply:
        """Show the projects, as a page."""
        shapes = self._site.shapes(call)
        return Reply.json(_page([shapes.project(key) for key in self._site.scenario.projects]))

    def project(self, call: Call) -> Reply:
        """Show a project."""
        key, shapes = self._key(call), self._site.shapes(call)
        types = [shapes.issue_type(each) for each in self._site.scenario.issue_types]
        return Reply.json({**shapes.project(key), "issueTypes": types})

    def project_statuses(self, call: Call) -> Reply:
        """Show the statuses of a project, for each issue type."""
        self._key(call)
        shapes, scenario = self._site.shapes(call), self._site.scenario
        statuses = [shapes.status(each) for each in scenario.workflow.statuses]
        return Reply.json(
            [{**shapes.issue_type(each), "statuses": statuses} for each in scenario.issue_types]
        )

    def create_types(self, call: Call) -> Reply:
        """Show the issue types that can be created in a project."""
        self._key(call)
        shapes = self._site.shapes(call)
        types = [shapes.issue_type(each) for each in self._site.scenario.issue_types]
        if not self._site.scenario.is_cloud:
            return Reply.json(_page(types))
        return Reply.json(
            {"issueTypes": types, "startAt": 0, "maxResults": 50, "total": len(types)}
        )

    def create_fields(self, call: Call) -> Reply:
        """Show the fields of the create screen."""
        self._key(call)
        shapes, scenario = self._site.shapes(call), self._site.scenario
        if call.params["type"] not in {shapes.issue_type(e)["id"] for e in scenario.issue_types}:
            raise not_found("The issue type does not exist.")
        always = ("summary", "issuetype", "project")
        names = (*always, *scenario.create_screen)
        fields: list[JsonObject] = [
            {
                "required": name in (*always, *scenario.required_fields),
                "schema": {"type": _TYPES.get(name, "string"), "system": name},
                "name": name.capitalize(),
                "key": name,
                "fieldId": name,
                "hasDefaultValue": name in ("priority", *scenario.default_fields),
                "operations": ["add", "set", "remove"] if name == "labels" else ["set"],
                **({"allowedValues": self._priorities(call)} if name == "priority" else {}),
            }
            for name in names
        ]
        if not scenario.is_cloud:
            return Reply.json(_page(fields))
        return Reply.json({"fields": fields, "startAt": 0, "maxResults": 50, "total": len(fields)})

    def _priorities(self, call: Call) -> list[JsonObject]:
        shapes, scenario = self._site.shapes(call), self._site.scenario
        return [shapes.named("priority", each) for each in scenario.priorities]

    def _key(self, call: Call) -> str:
        """Return the key of the project that a call names by key or id."""
        wanted, shapes = call.params["project"], self._site.shapes(call)
        for key in self._site.scenario.projects:
            if wanted.upper() == key or wanted == shapes.project(key)["id"]:
                if self._site.denied("BROWSE_PROJECTS"):
                    break
                return key
        raise not_found(f"No project could be found with key '{wanted}'.")


_TYPES = {
    "labels": "array",
    "priority": "priority",
    "assignee": "user",
    "reporter": "user",
    "issuetype": "issuetype",
    "project": "project",
    "duedate": "date",
}


def _page(values: list[JsonObject]) -> JsonObject:
    return {
        "startAt": 0,
        "maxResults": 50,
        "total": len(values),
        "isLast": True,
        "values": values,
    }
