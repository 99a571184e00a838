"""The part of the control API in which people work on tickets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from casebridge_sandbox.control.messages import (
    AssignOrder,
    CommentEdit,
    CommentOrder,
    CreateOrder,
    DeleteOrder,
    EditOrder,
    MoveOrder,
    RenameOrder,
)
from casebridge_sandbox.control.views import comment_view, ticket_view
from casebridge_sandbox.exchange import Call, Refusal, Reply
from casebridge_sandbox.routing import Operation
from casebridge_sandbox.sandbox import ActionRefused, VendorSandbox

if TYPE_CHECKING:
    from casebridge_sandbox.tickets import Comment, Person, Ticket

__all__ = ("PeopleControl", "order", "refuse")

OrderT = TypeVar("OrderT")


def refuse(status: int, message: str) -> Refusal:
    """Return the refusal of an order."""
    return Refusal(Reply.json({"error": message}, status))


def order(call: Call, type_: type[OrderT]) -> OrderT:
    """Return the body of a call as an order.

    Raises:
        Refusal: If the body does not fit.
    """
    try:
        return msgspec.json.decode(call.body or b"{}", type=type_)
    except msgspec.DecodeError as error:
        raise refuse(400, str(error)) from error


class PeopleControl:
    """What named people do by hand.

    Args:
        sandbox: The vendor.
    """

    def __init__(self, sandbox: VendorSandbox[Any]) -> None:
        self._sandbox = sandbox

    def operations(self) -> list[Operation]:
        """Return the calls of this part."""
        ticket = "/_sandbox/tickets/{id}"
        comment = ticket + "/comments/{comment}"
        return [
            Operation("tickets", "GET", "/_sandbox/tickets", self.tickets),
            Operation("create", "POST", "/_sandbox/tickets", self.create),
            Operation("ticket", "GET", ticket, self.ticket),
            Operation("move", "POST", f"{ticket}/move", self.move),
            Operation("assign", "POST", f"{ticket}/assign", self.assign),
            Operation("edit", "POST", f"{ticket}/edit", self.edit),
            Operation("delete", "POST", f"{ticket}/delete", self.delete),
            Operation("move-project", "POST", f"{ticket}/move-project", self.rename),
            Operation("comment", "POST", f"{ticket}/comments", self.comment),
            Operation("edit-comment", "POST", f"{comment}/edit", self.edit_comment),
            Operation("delete-comment", "POST", f"{comment}/delete", self.delete_comment),
        ]

    def tickets(self, call: Call) -> Reply:  # noqa: ARG002 - a handler
        """List every ticket."""
        return Reply.json([ticket_view(self._sandbox, each) for each in self._all()])

    def ticket(self, call: Call) -> Reply:
        """Show a ticket."""
        return self._shown(self._ticket(call))

    def create(self, call: Call) -> Reply:
        """Create a ticket by hand."""
        wanted = order(call, CreateOrder)
        try:
            ticket = self._sandbox.human_create(
                self._person(wanted.by),
                summary=wanted.summary,
                description=wanted.description,
                project=wanted.project,
                fields=wanted.fields,
            )
        except ActionRefused as refused:
            raise refuse(409, str(refused)) from refused
        return self._shown(ticket)

    def move(self, call: Call) -> Reply:
        """Move a ticket to a status."""
        wanted, ticket = order(call, MoveOrder), self._ticket(call)
        try:
            self._sandbox.human_move(
                ticket,
                self._person(wanted.by),
                wanted.status,
                wanted.fields,
                force=wanted.force,
            )
        except ActionRefused as refused:
            raise refuse(409, str(refused)) from refused
        return self._shown(ticket)

    def assign(self, call: Call) -> Reply:
        """Give a ticket to a person."""
        wanted, ticket = order(call, AssignOrder), self._ticket(call)
        assignee = self._person(wanted.to).id if wanted.to else None
        self._sandbox.desk.update(ticket, self._person(wanted.by), assignee=assignee)
        return self._shown(ticket)

    def edit(self, call: Call) -> Reply:
        """Change other fields."""
        wanted, ticket = order(call, EditOrder), self._ticket(call)
        self._sandbox.desk.update(ticket, self._person(wanted.by), fields=wanted.fields)
        return self._shown(ticket)

    def delete(self, call: Call) -> Reply:
        """Delete a ticket."""
        wanted, ticket = order(call, DeleteOrder), self._ticket(call)
        self._sandbox.desk.delete(ticket, self._person(wanted.by))
        return Reply.empty()

    def rename(self, call: Call) -> Reply:
        """Move a ticket to another project."""
        wanted, ticket = order(call, RenameOrder), self._ticket(call)
        try:
            self._sandbox.human_rename(ticket, self._person(wanted.by), wanted.project)
        except ActionRefused as refused:
            raise refuse(409, str(refused)) from refused
        return self._shown(ticket)

    def comment(self, call: Call) -> Reply:
        """Comment on a ticket."""
        wanted, ticket = order(call, CommentOrder), self._ticket(call)
        comment = self._sandbox.human_comment(
            ticket, self._person(wanted.by), wanted.text, internal=wanted.internal
        )
        return Reply.json(comment_view(self._sandbox, comment))

    def edit_comment(self, call: Call) -> Reply:
        """Replace the text of a comment."""
        wanted, ticket = order(call, CommentEdit), self._ticket(call)
        comment = self._comment(ticket, call)
        self._sandbox.desk.edit_comment(ticket, self._person(wanted.by), comment, wanted.text)
        return Reply.json(comment_view(self._sandbox, comment))

    def delete_comment(self, call: Call) -> Reply:
        """Delete a comment."""
        wanted, ticket = order(call, DeleteOrder), self._ticket(call)
        comment = self._comment(ticket, call)
        self._sandbox.desk.delete_comment(ticket, self._person(wanted.by), comment)
        return Reply.empty()

    def _all(self) -> list[Ticket]:
        return list(self._sandbox.desk.tickets.values())

    def _shown(self, ticket: Ticket) -> Reply:
        return Reply.json(ticket_view(self._sandbox, ticket))

    def _ticket(self, call: Call) -> Ticket:
        ticket = self._sandbox.desk.find(call.params["id"])
        if ticket is None:
            raise refuse(404, f"there is no ticket {call.params['id']}")
        return ticket

    def _comment(self, ticket: Ticket, call: Call) -> Comment:
        comment = ticket.comment(call.params["comment"])
        if comment is None:
            raise refuse(404, f"{ticket.key} has no comment {call.params['comment']}")
        if self._sandbox.comments_are_final:
            raise refuse(409, f"{self._sandbox.title} has no edit or delete of a comment")
        return comment

    def _person(self, name: str | None) -> Person:
        if name is None:
            people: tuple[Person, ...] = self._sandbox.scenario.people
            if people:
                return people[0]
            raise refuse(400, "the scenario has no people, so say who does it")
        person = self._sandbox.desk.person(name)
        if person is None:
            known = ", ".join(each.display_name for each in self._sandbox.desk.people.values())
            raise refuse(404, f"nobody here is called {name!r}; there are: {known}")
        return person
