"""What an author writes into a new plugin, for the simulator that it brings."""

from __future__ import annotations

import ast
from typing import Final

CLIENT: Final = {
    "whoami": """
    return await api(connector).request_as(Person, "GET", "/api/me")
""",
    "create": """
    payload = {
        "title": shorten(" ".join(projection.title.split()), 200),
        "text": plain_text(describe(projection)),
        "reference": projection.correlation_key,
    }
    told = await api(connector).request_as(Told, "POST", "/api/tickets", payload=payload)
    return ticket_from(connector, told)
""",
    "find": """
    params = {"reference": correlation_key}
    found = await api(connector).request_as(list[Told], "GET", "/api/tickets", params=params)
    same = [told for told in found if told.reference == correlation_key]
    return tuple(ticket_from(connector, told) for told in same)
""",
    "fetch": """
    path = f"/api/tickets/{ticket.external_id}"
    return ticket_from(connector, await api(connector).request_as(Told, "GET", path))
""",
    "set_status": """
    now = await fetch(connector, ticket)
    if now.status.matches(native):
        return now
    path = f"/api/tickets/{ticket.external_id}/status"
    await api(connector).request("POST", path, payload={"status": native})
    return await fetch(connector, ticket)
""",
    "add_comment": """
    path = f"/api/tickets/{ticket.external_id}/comments"
    payload = {"text": marked(comment, 10_000)}
    note = await api(connector).request_as(Note, "POST", path, payload=payload)
    return CommentRef(external_id=note.id)
""",
    "find_comments": """
    path = f"/api/tickets/{ticket.external_id}/comments"
    notes = await api(connector).request_as(list[Note], "GET", path)
    return tuple(CommentRef(external_id=note.id) for note in notes if key_in(note.text) == key)
""",
    "list_changes": """
    params = {"changed_since": since.isoformat()}
    found = await api(connector).request_as(list[Told], "GET", "/api/tickets", params=params)
    events = (
        TicketEvent(
            vendor="tidy_desk",
            external_id=told.id,
            status=NativeStatus(name=told.status),
            assignee=Person(id=told.assignee) if told.assignee else None,
            occurred_at=told.updated,
        )
        for told in found
    )
    return ChangePage(events=tuple(events))
""",
}
CLIENT_TOP: Final = """
from casebridge_core import TicketEvent
from casebridge_core.comments import key_in, marked
from casebridge_core.documents import describe, plain_text, shorten
"""
WEBHOOK: Final = {
    "event_from": """
    assignee = Person(id=told.assignee) if told.assignee else None
    return TicketEvent(
        vendor="tidy_desk",
        external_id=told.ticket,
        status=NativeStatus(name=told.status) if "status" in told.changes else None,
        assignee=assignee if "assignee" in told.changes else msgspec.UNSET,
        comments=tuple(comment_from(note) for note in (told.comment,) if note),
        actor=Person(id=told.by),
        occurred_at=told.at,
        deleted=told.deleted,
    )
"""
}
WEBHOOK_TOP: Final = '''
from casebridge_core import CommentAction, InboundComment, NativeStatus, Person
from casebridge_core.comments import key_in


def comment_from(note: Note) -> InboundComment:
    """Put a new comment into the contract's words."""
    return InboundComment(
        external_id=note.id,
        action=CommentAction.CREATED,
        text=note.text,
        author=Person(id=note.author),
        key=key_in(note.text),
    )
'''


def with_bodies(source: str, bodies: dict[str, str]) -> str:
    """Put bodies in the place of the functions' last statements, which say what to write."""
    lines = source.splitlines(keepends=True)
    functions = [
        node
        for node in ast.parse(source).body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name in bodies
    ]
    for node in reversed(functions):
        last = node.body[-1]
        lines[last.lineno - 1 : last.end_lineno] = [bodies[node.name].lstrip("\n")]
    return "".join(lines)


def with_top(source: str, top: str) -> str:
    """Add lines before the first definition."""
    first = next(
        node for node in ast.parse(source).body if isinstance(node, ast.ClassDef | ast.Assign)
    )
    lines = source.splitlines(keepends=True)
    lines.insert(first.lineno - 1, top.lstrip("\n") + "\n\n")
    return "".join(lines)
