"""Jira's calls on transitions.

Source: Atlassian, "Get transitions" and "Transition issue", Jira Cloud platform REST API.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from casebridge_sandbox.exchange import Call, JsonObject, Refusal, Reply
from casebridge_sandbox.jira.comments import comment_body
from casebridge_sandbox.jira.errors import not_on_screen, refused
from casebridge_sandbox.jira.fields import FieldReader

if TYPE_CHECKING:
    from casebridge_sandbox.jira.shapes import Shapes
    from casebridge_sandbox.jira.site import JiraSite
    from casebridge_sandbox.routing import Operation
    from casebridge_sandbox.tickets import Ticket
    from casebridge_sandbox.workflow import Transition

__all__ = ("TransitionCalls",)


class TransitionCalls:
    """Transitions.

    Args:
        site: The site.
    """

    def __init__(self, site: JiraSite) -> None:
        self._site = site

    def operations(self) -> list[Operation]:
        """Return the calls of this group."""
        make = self._site.operation
        return [
            make("list_transitions", "GET", "/issue/{issue}/transitions", self.transitions),
            make("transition", "POST", "/issue/{issue}/transitions", self.transition),
        ]

    def transitions(self, call: Call) -> Reply:
        """List the transitions that are open to the caller now."""
        ticket = self._site.issue(call)
        shapes = self._site.shapes(call)
        expand = "transitions.fields" in (call.argument("expand") or "")
        wanted = call.argument("transitionId")
        shown = [
            self._shown(edge, shapes, expand=expand)
            for edge in self._open(ticket)
            if wanted in (None, edge.id)
        ]
        return Reply.json({"expand": "transitions", "transitions": shown})

    def transition(self, call: Call) -> Reply:
        """Move an issue along a transition."""
        ticket, body = self._site.issue(call), call.json_object()
        self.perform(call, ticket, body)
        return Reply.empty()

    def during_creation(self, call: Call, ticket: Ticket, body: JsonObject) -> JsonObject:
        """Move an issue that was just created; return what the create says of it."""
        try:
            self.perform(call, ticket, {"transition": body["transition"]})
        except Refusal as refusal:
            return {
                "status": refusal.reply.status,
                "errorCollection": {
                    "errorMessages": ["The transition was not performed."],
                    "errors": {},
                    "status": refusal.reply.status,
                },
            }
        return {"status": 200, "errorCollection": {"errorMessages": [], "errors": {}}}

    def perform(self, call: Call, ticket: Ticket, body: JsonObject) -> None:
        """Move an issue as a body says.

        Raises:
            Refusal: If it cannot be done; nothing is done then.
        """
        site = self._site
        edge = self._chosen(ticket, body)
        fields, update = _object(body.get("fields")), _object(body.get("update"))
        reader = FieldReader(site.scenario, site.sandbox.desk, rich_text=site.rich_text(call))
        reader.read(fields, edge.screen)
        errors = reader.errors
        for name in update:
            if name not in edge.screen:
                errors[name] = not_on_screen(name)
            elif name in fields:
                errors[name] = f"Field '{name}' cannot appear in both 'fields' and 'update'"
        for name in (*edge.required, *edge.hidden_required):
            if name not in fields and name not in update and name not in errors:
                errors[name] = f"{name.capitalize()} is required."
        comments = _comments(call, site, update)
        if errors:
            raise refused(400, errors=errors)
        site.count_write(ticket)
        changes = site.sandbox.fields_on_move(ticket, edge.to, reader.values)
        site.sandbox.desk.update(ticket, call.person, status=edge.to, fields=changes)
        for comment, internal in comments:
            site.sandbox.desk.comment(ticket, call.person, comment, internal=internal)

    def _open(self, ticket: Ticket) -> tuple[Transition, ...]:
        if self._site.denied("TRANSITION_ISSUES"):
            return ()
        return self._site.scenario.workflow.open_from(ticket.status)

    def _chosen(self, ticket: Ticket, body: JsonObject) -> Transition:
        given = body.get("transition")
        wanted = given.get("id") if isinstance(given, dict) else None
        if wanted is None:
            raise refused(400, "Missing 'transition' identifier")
        if not isinstance(wanted, str):
            raise refused(400, "Can not deserialize: 'transition' identifier must be a string")
        for edge in self._open(ticket):
            if edge.id == wanted:
                return edge
        raise refused(400, f"Transition id '{wanted}' is not valid for this issue.")

    def _shown(self, edge: Transition, shapes: Shapes, *, expand: bool) -> JsonObject:
        target = self._site.scenario.workflow.status(edge.to)
        shown: JsonObject = {
            "id": edge.id,
            "name": edge.name,
            "hasScreen": bool(edge.screen),
            "isGlobal": edge.sources is None,
            "isInitial": False,
            "isAvailable": True,
            "isConditional": False,
            "isLooped": False,
        }
        if target:
            shown["to"] = shapes.status(target)
        if expand:
            shown["fields"] = {
                name: self._field(name, shapes, required=name in edge.required)
                for name in edge.screen
            }
        return shown

    def _field(self, name: str, shapes: Shapes, *, required: bool) -> JsonObject:
        shown: JsonObject = {
            "required": required,
            "name": name.capitalize(),
            "key": name,
            "fieldId": name,
            "hasDefaultValue": False,
            "operations": ["add"] if name == "comment" else ["set"],
            "schema": {
                "type": {"comment": "comments-page", "resolution": "resolution"}.get(
                    name, "string"
                ),
                "system": name,
            },
        }
        if name == "resolution":
            shown["allowedValues"] = [
                shapes.named("resolution", each) for each in self._site.scenario.resolutions
            ]
        return shown


def _object(value: object) -> JsonObject:
    return value if isinstance(value, dict) else {}


def _comments(call: Call, site: JiraSite, update: JsonObject) -> list[tuple[object, bool]]:
    verbs = update.get("comment")
    added = [
        verb["add"]
        for verb in (verbs if isinstance(verbs, list) else [])
        if isinstance(verb, dict) and isinstance(verb.get("add"), dict)
    ]
    return [comment_body(call, site, each) for each in added]
