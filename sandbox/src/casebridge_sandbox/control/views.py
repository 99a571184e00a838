"""A sandbox's state in the words of the control API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from casebridge_sandbox.control.messages import (
    CommentView,
    EndpointView,
    HistoryView,
    LinkView,
    TicketView,
    WebhooksView,
)

if TYPE_CHECKING:
    from casebridge_sandbox.sandbox import VendorSandbox
    from casebridge_sandbox.tickets import Comment, Ticket

__all__ = ("comment_view", "ticket_view", "webhooks_view")


def comment_view(sandbox: VendorSandbox[Any], comment: Comment) -> CommentView:
    """Return a comment for the control API."""
    return CommentView(
        id=comment.id,
        author=comment.author.display_name,
        author_id=comment.author.id,
        text=sandbox.comment_text(comment),
        internal=comment.internal,
        kind=comment.kind,
        created=comment.created,
        updated=comment.updated,
    )


def ticket_view(sandbox: VendorSandbox[Any], ticket: Ticket) -> TicketView:
    """Return a ticket for the control API."""
    status = sandbox.workflow(ticket.project).status(ticket.status)
    assignee = sandbox.desk.people.get(ticket.assignee or "")
    return TicketView(
        id=ticket.id,
        key=ticket.key,
        project=ticket.project,
        type=ticket.type,
        url=sandbox.base_url + sandbox.page_path(ticket),
        summary=sandbox.text_of(ticket, sandbox.summary_field),
        description=sandbox.text_of(ticket, "description"),
        status=status.name if status else ticket.status,
        status_id=ticket.status,
        category=status.category if status else "active",
        assignee=assignee.display_name if assignee else None,
        reporter=ticket.reporter.display_name,
        created=ticket.created,
        updated=ticket.updated,
        updated_by=ticket.updated_by.display_name,
        fields=ticket.fields,
        properties=ticket.properties,
        comments=tuple(comment_view(sandbox, each) for each in ticket.comments),
        links=tuple(
            LinkView(id=link.id, global_id=link.global_id, url=link.url, title=link.title)
            for link in ticket.links
        ),
        history=tuple(
            HistoryView(
                id=entry.id, at=entry.at, actor=entry.actor.display_name, changes=entry.changes
            )
            for entry in ticket.history
        ),
    )


def webhooks_view(sandbox: VendorSandbox[Any]) -> WebhooksView:
    """Return the state of the outgoing messages for the control API."""
    return WebhooksView(
        endpoints=tuple(
            EndpointView(
                id=each.id,
                url=each.url,
                signed=bool(each.secret),
                token_id=each.token_id,
                events=each.events,
                projects=each.projects,
            )
            for each in sandbox.webhooks.endpoints.values()
        ),
        pending=sandbox.webhooks.pending,
        held=len(sandbox.webhooks.held),
    )
