"""Jira's calls on issues: create, read, edit, delete, properties, and remote links."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec
from msgspec import UNSET

from casebridge_sandbox.exchange import Call, JsonObject, Reply, UnreadableBody
from casebridge_sandbox.jira.errors import not_found, refused
from casebridge_sandbox.jira.fields import FieldReader

if TYPE_CHECKING:
    from casebridge_sandbox.jira.site import JiraSite
    from casebridge_sandbox.jira.transitions import TransitionCalls
    from casebridge_sandbox.routing import Operation
    from casebridge_sandbox.tickets import Ticket

__all__ = ("IssueCalls",)

_LONGEST_KEY = 255
_LARGEST_PROPERTY = 32_768
_PROPERTY_KEY = re.compile(r"\S+")


class IssueCalls:
    """Issues.

    Args:
        site: The site.
        transitions: For a transition in a create.
    """

    def __init__(self, site: JiraSite, transitions: TransitionCalls) -> None:
        self._site = site
        self._transitions = transitions

    def operations(self) -> list[Operation]:
        """Return the calls of this group."""
        make = self._site.operation
        return [
            make("create", "POST", "/issue", self.create),
            make("fetch", "GET", "/issue/{issue}", self.fetch),
            make("edit", "PUT", "/issue/{issue}", self.edit),
            make("delete", "DELETE", "/issue/{issue}", self.delete),
            make("fetch_property", "GET", "/issue/{issue}/properties/{key}", self.fetch_property),
            make("edit_property", "PUT", "/issue/{issue}/properties/{key}", self.edit_property),
            make("link", "POST", "/issue/{issue}/remotelink", self.link),
            make("list_links", "GET", "/issue/{issue}/remotelink", self.links),
        ]

    def create(self, call: Call) -> Reply:
        """Create an issue."""
        site = self._site
        body = call.json_object()
        fields = _object(body, "fields")
        project, type_, errors = self._place(fields)
        reader = self._reader(call)
        rest = {k: v for k, v in fields.items() if k not in ("project", "issuetype")}
        rest.setdefault("summary", None)
        for name in site.scenario.required_fields:
            if name in site.scenario.default_fields:
                continue
            if rest.get(name) in (None, "", []):
                errors[name] = f"{name.capitalize()} is required."
        reader.read(rest, {"summary", *site.scenario.create_screen})
        errors |= reader.errors
        if errors:
            raise refused(400, errors=errors)
        site.need("CREATE_ISSUES", 403, "You do not have permission to create issues here.")
        properties = _properties(body)
        values = reader.values
        assignee, reporter = values.pop("assignee", None), values.pop("reporter", None)
        if "priority" in site.scenario.create_screen:
            values.setdefault("priority", site.scenario.priorities[2:3][0])
        desk = site.sandbox.desk
        ticket = desk.create(
            call.person,
            key=f"{project}-{desk.next_number(project)}",
            project=project,
            type_=type_,
            status=site.scenario.workflow.initial,
            fields={name: value for name, value in values.items() if value is not None},
            assignee=assignee if isinstance(assignee, str) else None,
            reporter=desk.people.get(reporter) if isinstance(reporter, str) else None,
        )
        ticket.properties.update(properties)
        site.count_write(ticket)
        answer: JsonObject = {
            "id": ticket.id,
            "key": ticket.key,
            "self": site.shapes(call).issue(ticket, ())["self"],
        }
        if isinstance(body.get("transition"), dict):
            answer["transition"] = self._transitions.during_creation(call, ticket, body)
        return Reply.json(answer, 201)

    def fetch(self, call: Call) -> Reply:
        """Show an issue."""
        ticket = self._site.issue(call)
        fields = (call.argument("fields") or "*all").split(",")
        shown = self._site.shapes(call).issue(ticket, fields)
        wanted = [name for name in (call.argument("properties") or "").split(",") if name]
        if wanted:
            shown["properties"] = {
                name: value
                for name, value in ticket.properties.items()
                if name in wanted or "*all" in wanted
            }
        return Reply.json(shown)

    def edit(self, call: Call) -> Reply:
        """Change fields of an issue; a transition in the body is ignored."""
        site = self._site
        ticket, body = site.issue(call), call.json_object()
        site.need("EDIT_ISSUES", 403, "You do not have permission to edit this issue.")
        fields, update = _object(body, "fields"), _object(body, "update")
        both = sorted(fields.keys() & update.keys())
        if both:
            raise refused(
                400,
                errors={
                    name: f"Field '{name}' cannot appear in both 'fields' and 'update'"
                    for name in both
                },
            )
        reader = self._reader(call)
        screen = {"summary", *site.scenario.create_screen}
        reader.read({**fields, **_applied(ticket, update)}, screen)
        if reader.errors:
            raise refused(400, errors=reader.errors)
        site.count_write(ticket)
        values = reader.values
        assignee = values.pop("assignee", UNSET)
        values.pop("reporter", None)
        site.sandbox.desk.update(
            ticket,
            call.person,
            fields=values,
            assignee=assignee if isinstance(assignee, str) or assignee is None else UNSET,
        )
        return Reply.empty()

    def delete(self, call: Call) -> Reply:
        """Delete an issue."""
        ticket = self._site.issue(call)
        self._site.need(
            "DELETE_ISSUES", 403, "You do not have permission to delete issues in this project."
        )
        self._site.sandbox.desk.delete(ticket, call.person)
        return Reply.empty()

    def fetch_property(self, call: Call) -> Reply:
        """Show a property of an issue."""
        ticket, key = self._site.issue(call), call.params["key"]
        if key not in ticket.properties:
            raise not_found(f"The property with key '{key}' does not exist.")
        return Reply.json({"key": key, "value": ticket.properties[key]})

    def edit_property(self, call: Call) -> Reply:
        """Set a property of an issue."""
        ticket, key = self._site.issue(call), call.params["key"]
        try:
            value: object = msgspec.json.decode(call.body)
        except msgspec.DecodeError as error:
            raise UnreadableBody(str(error)) from error
        _check_property(key, value)
        self._site.count_write(ticket)
        status = 200 if key in ticket.properties else 201
        ticket.properties[key] = value
        return Reply.empty(status)

    def link(self, call: Call) -> Reply:
        """Add a link to a page elsewhere, or replace the one with the same global id."""
        ticket, body = self._site.issue(call), call.json_object()
        linked = body.get("object")
        page = linked if isinstance(linked, dict) else {}
        missing = [name for name in ("url", "title") if not isinstance(page.get(name), str)]
        if missing:
            raise refused(400, errors={name: f"'{name}' is required." for name in missing})
        global_id = body.get("globalId")
        if global_id is not None and (
            not isinstance(global_id, str) or len(global_id) > _LONGEST_KEY
        ):
            raise refused(400, errors={"globalId": "The value is too long (255 at most)."})
        self._site.count_write(ticket)
        link, fresh = self._site.sandbox.desk.link(
            ticket,
            global_id=global_id,
            url=page["url"],
            title=page["title"],
            content=body,
        )
        address = f"{self._site.sandbox.base_url}/rest/api/{call.params['version']}"
        shown = {"id": int(link.id), "self": f"{address}/issue/{ticket.id}/remotelink/{link.id}"}
        return Reply.json(shown, 201 if fresh else 200)

    def links(self, call: Call) -> Reply:
        """List the links of an issue, or show the one with a global id."""
        ticket, wanted = self._site.issue(call), call.argument("globalId")
        shown = [
            {"id": int(link.id), "globalId": link.global_id, **link.content}
            for link in ticket.links
            if wanted is None or link.global_id == wanted
        ]
        if wanted is None:
            return Reply.json(shown)
        if not shown:
            raise not_found("The remote link does not exist.")
        return Reply.json(shown[0])

    def _reader(self, call: Call) -> FieldReader:
        site = self._site
        return FieldReader(site.scenario, site.sandbox.desk, rich_text=site.rich_text(call))

    def _place(self, fields: JsonObject) -> tuple[str, str, dict[str, str]]:
        """Return the project and the issue type that a caller wants, and what is wrong."""
        shapes, scenario = self._site.shapes_of("2"), self._site.scenario
        errors = {}
        project = _chosen(fields.get("project"), scenario.projects, "key", shapes.project)
        if project is None:
            errors["project"] = "Specify a valid project ID or key"
        given = fields.get("issuetype")
        type_ = _chosen(given, scenario.issue_types, "name", shapes.issue_type)
        if type_ is None:
            errors["issuetype"] = (
                "Specify an issue type" if not given else "Specify a valid issue type"
            )
        return project or "", type_ or "", errors


def _object(body: JsonObject, name: str) -> JsonObject:
    value = body.get(name)
    return value if isinstance(value, dict) else {}


def _chosen(given: object, names: tuple[str, ...], by: str, shape: object) -> str | None:
    """Return the name that an object chooses by id or by name."""
    if not isinstance(given, dict) or not callable(shape):
        return None
    for name in names:
        if given.get("id") is not None:
            if str(given["id"]) == shape(name)["id"]:
                return name
        elif str(given.get(by, "")).casefold() == name.casefold():
            return name
    return None


def _applied(ticket: Ticket, update: JsonObject) -> JsonObject:
    """Return the fields that the verbs of an ``update`` amount to."""
    fields: JsonObject = {}
    for name, verbs in update.items():
        present = ticket.fields.get(name)
        value: object = list(present) if isinstance(present, list) else present
        for verb in verbs if isinstance(verbs, list) else []:
            if not isinstance(verb, dict):
                continue
            if "set" in verb:
                value = verb["set"]
            elif "add" in verb:
                value = [*(value if isinstance(value, list) else []), verb["add"]]
            elif "remove" in verb and isinstance(value, list):
                value = [each for each in value if each != verb["remove"]]
        fields[name] = value
    return fields


def _properties(body: JsonObject) -> JsonObject:
    given = body.get("properties")
    if given is None:
        return {}
    if not isinstance(given, list):
        raise refused(400, "Can not deserialize the properties.")
    properties = {}
    for each in given:
        if not isinstance(each, dict) or not isinstance(each.get("key"), str):
            raise refused(400, "Can not deserialize the properties.")
        _check_property(each["key"], each.get("value"))
        properties[each["key"]] = each.get("value")
    return properties


def _check_property(key: str, value: object) -> None:
    if len(key) > _LONGEST_KEY or not _PROPERTY_KEY.fullmatch(key):
        raise refused(400, "The property key has to be at most 255 characters.")
    if len(msgspec.json.encode(value)) > _LARGEST_PROPERTY:
        raise refused(400, "The property value is too long (32,768 bytes at most).")
