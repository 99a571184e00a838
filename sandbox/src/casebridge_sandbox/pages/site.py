"""The pages on which a person sees a vendor's tickets and works on them.

They work without JavaScript; with it, a page reloads when something has changed and
nobody is typing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined

from casebridge_sandbox.control.views import ticket_view
from casebridge_sandbox.exchange import Call, Refusal, Reply
from casebridge_sandbox.pages.markup import html_of
from casebridge_sandbox.routing import Operation
from casebridge_sandbox.sandbox import ActionRefused, VendorSandbox

if TYPE_CHECKING:
    from casebridge_sandbox.tickets import Person, Ticket

__all__ = ("Pages",)

_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_DELIVERIES_SHOWN = 30


class Pages:
    """The pages of one sandbox.

    Args:
        sandbox: The vendor.
    """

    def __init__(self, sandbox: VendorSandbox[Any]) -> None:
        self._sandbox = sandbox
        self._templates = Environment(
            loader=PackageLoader("casebridge_sandbox.pages"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters["markup"] = html_of
        self._templates.filters["moment"] = lambda moment: f"{moment:%Y-%m-%d %H:%M:%S}"

    def operations(self) -> list[Operation]:
        """Return the calls of the forms; they are part of the control API."""
        ticket = "/_sandbox/pages/{id}"
        return [
            Operation("page-move", "POST", f"{ticket}/move", self.move),
            Operation("page-assign", "POST", f"{ticket}/assign", self.assign),
            Operation("page-comment", "POST", f"{ticket}/comment", self.comment),
            Operation("page-create", "POST", "/_sandbox/pages", self.create),
        ]

    def answer(self, call: Call) -> Reply | None:
        """Return the page that a call asks for, or None when it asks for none."""
        if call.method not in ("GET", "HEAD"):
            return None
        if call.path == "/":
            return self._list()
        reference = self._sandbox.page_reference(call)
        if reference is None:
            return None
        ticket = self._sandbox.desk.find(reference)
        if ticket is None:
            return self._list(f"There is no ticket {reference}.", 404)
        return self._ticket(ticket)

    def create(self, call: Call) -> Reply:
        """Create a ticket and show it."""
        form = call.form()
        summary = form.get("summary", "").strip()
        if not summary:
            return self._list("A ticket needs a summary.", 400)
        ticket = self._sandbox.human_create(
            self._person(form), summary=summary, description="", project=None, fields={}
        )
        return self._back(ticket)

    def move(self, call: Call) -> Reply:
        """Move a ticket and show it."""
        form, ticket = call.form(), self._named(call)
        try:
            self._sandbox.human_move(ticket, self._person(form), form.get("status", ""), {})
        except ActionRefused as refused:
            return self._ticket(ticket, str(refused), 409)
        return self._back(ticket)

    def assign(self, call: Call) -> Reply:
        """Give a ticket to somebody and show it."""
        form, ticket = call.form(), self._named(call)
        to = self._sandbox.desk.people.get(form.get("to", ""))
        self._sandbox.desk.update(ticket, self._person(form), assignee=to.id if to else None)
        return self._back(ticket)

    def comment(self, call: Call) -> Reply:
        """Comment on a ticket and show it."""
        form, ticket = call.form(), self._named(call)
        text = form.get("text", "").strip()
        if not text:
            return self._ticket(ticket, "A comment needs a text.", 400)
        self._sandbox.human_comment(
            ticket, self._person(form), text, internal=form.get("internal") == "on"
        )
        return self._back(ticket)

    def _named(self, call: Call) -> Ticket:
        ticket = self._sandbox.desk.find(call.params["id"])
        if ticket is None:
            raise Refusal(self._list(f"There is no ticket {call.params['id']}.", 404))
        return ticket

    def _person(self, form: dict[str, str]) -> Person:
        person = self._sandbox.desk.people.get(form.get("by", ""))
        if person is None:
            raise Refusal(self._list("Choose the person who does it.", 400))
        return person

    def _back(self, ticket: Ticket) -> Reply:
        path = self._sandbox.context_path + self._sandbox.page_path(ticket)
        return Reply(303, headers={"location": quote(path, safe="/?=&.")})

    def _list(self, problem: str = "", status: int = 200) -> Reply:
        tickets = [ticket_view(self._sandbox, each) for each in self._sandbox.desk.tickets.values()]
        return self._page("tickets.html", problem, status, tickets=tickets[::-1])

    def _ticket(self, ticket: Ticket, problem: str = "", status: int = 200) -> Reply:
        sandbox = self._sandbox
        workflow = sandbox.workflow(ticket.project)
        targets = dict.fromkeys(edge.to for edge in workflow.open_from(ticket.status))
        targets.pop(ticket.status, None)
        view = ticket_view(sandbox, ticket)
        hidden = (sandbox.summary_field, "description")
        return self._page(
            "ticket.html",
            problem,
            status,
            ticket=view,
            fields={
                name: self._in_words(ticket, name, value)
                for name, value in view.fields.items()
                if name not in hidden
            },
            targets=[(target, workflow.name_of(target)) for target in targets],
            deliveries=[each for each in sandbox.webhooks.attempts if each.ticket == ticket.key][
                : -_DELIVERIES_SHOWN - 1 : -1
            ],
        )

    def _in_words(self, ticket: Ticket, field: str, value: object) -> object:
        """Return a value as people read it: a name for the id of a person."""
        if not isinstance(value, str):
            return value
        _, text = self._sandbox.wording(ticket, field, value)
        return text or value

    def _page(self, template: str, problem: str, status: int, **more: object) -> Reply:
        sandbox = self._sandbox
        people = [sandbox.desk.people[person.id] for person in sandbox.scenario.people]
        text = self._templates.get_template(template).render(
            title=sandbox.title,
            home=f"{sandbox.context_path}/",
            revision=sandbox.revision,
            people=people,
            problem=problem,
            **more,
        )
        return Reply.html(text, status, {"content-security-policy": _POLICY})
