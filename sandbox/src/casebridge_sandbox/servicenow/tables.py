"""The tables of tickets: their states, what is mandatory when, and who may write.

Source: ServiceNow, "Incident life cycle" and "Understanding Security Incident Response process
definition"; the codes of the security incident's states are those of a stock instance.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

import msgspec

from casebridge_sandbox.workflow import Status, Transition, Workflow, open_workflow

__all__ = (
    "ServiceNowTable",
    "incident_table",
    "security_incident_table",
    "stateful_security_incident_table",
    "strict_incident_table",
    "task_table",
)

NEW = Status(id="1", name="New", category="new")
IN_PROGRESS = Status(id="2", name="In Progress", category="active")
ON_HOLD = Status(id="3", name="On Hold", category="active")
RESOLVED = Status(id="6", name="Resolved", category="done")
CLOSED = Status(id="7", name="Closed", category="done")
CANCELED = Status(id="8", name="Canceled", category="done")
_INCIDENT = (NEW, IN_PROGRESS, ON_HOLD, RESOLVED, CLOSED, CANCELED)

_DRAFT = Status(id="10", name="Draft", category="new")
_ANALYSIS = Status(id="16", name="Analysis", category="active")
_CONTAIN = Status(id="18", name="Contain", category="active")
_ERADICATE = Status(id="19", name="Eradicate", category="active")
_RECOVER = Status(id="20", name="Recover", category="active")
_REVIEW = Status(id="100", name="Review", category="done")
_SI_CLOSED = Status(id="3", name="Closed", category="done")
_SI_CANCELLED = Status(id="7", name="Cancelled", category="done")
_PROCESS = (_DRAFT, _ANALYSIS, _CONTAIN, _ERADICATE, _RECOVER, _REVIEW, _SI_CLOSED)

_TASK = (
    Status(id="-5", name="Pending", category="active"),
    Status(id="1", name="Open", category="new"),
    Status(id="2", name="Work in Progress", category="active"),
    Status(id="3", name="Closed Complete", category="done"),
    Status(id="4", name="Closed Incomplete", category="done"),
    Status(id="7", name="Closed Skipped", category="done"),
)

_NOT_OF_A_TASK = ("caller_id", "category", "close_code", "hold_reason", "incident_state")


class ServiceNowTable(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of tickets.

    Attributes:
        name: The name of the table.
        prefix: What its numbers begin with.
        workflow: Its states, and from which to which a record may go.
        resolving: The states that stamp ``resolved_at``.
        closing: The states that stamp ``closed_at`` and are not active.
        explained: The states that want ``close_code`` and ``close_notes``.
        holding: The state that wants ``hold_reason``, if there is one.
        final: The state that is for administrators and read-only, if there is one.
        lacks: Columns of an incident that this table does not have.
        names: Other names for columns of an incident, for example
            ``{"short_description": "u_title"}``.
        writers: The roles of which one lets an account write; none lets everybody.
    """

    name: str
    prefix: str
    workflow: Workflow
    resolving: tuple[str, ...] = (RESOLVED.id,)
    closing: tuple[str, ...] = (CLOSED.id, CANCELED.id)
    explained: tuple[str, ...] = (RESOLVED.id, CLOSED.id)
    holding: str | None = ON_HOLD.id
    final: str | None = CLOSED.id
    lacks: tuple[str, ...] = ()
    names: dict[str, str] = {}
    writers: tuple[str, ...] = ("itil", "sn_incident_write")


def incident_table() -> ServiceNowTable:
    """Return the incident table, in which every state goes to every other."""
    return ServiceNowTable(
        name="incident", prefix="INC", workflow=open_workflow(_INCIDENT, initial=NEW.id)
    )


def strict_incident_table() -> ServiceNowTable:
    """Return an incident table in which a New incident cannot be resolved at once."""
    edges = (
        (NEW, (IN_PROGRESS, ON_HOLD, CANCELED)),
        (IN_PROGRESS, (ON_HOLD, RESOLVED, CANCELED)),
        (ON_HOLD, (IN_PROGRESS,)),
        (RESOLVED, (IN_PROGRESS, CLOSED)),
    )
    return ServiceNowTable(name="incident", prefix="INC", workflow=_guarded(_INCIDENT, edges))


def security_incident_table() -> ServiceNowTable:
    """Return a table of security incidents under the process NIST Open: any state to any other."""
    states = (*_PROCESS, _SI_CANCELLED)
    return _security_incident(open_workflow(states, initial=_DRAFT.id))


def stateful_security_incident_table() -> ServiceNowTable:
    """Return a table of security incidents under NIST Stateful: forward only, no step skipped."""
    edges = [(state, (after, _SI_CANCELLED)) for state, after in pairwise(_PROCESS)]
    return _security_incident(_guarded((*_PROCESS, _SI_CANCELLED), edges))


def task_table() -> ServiceNowTable:
    """Return a table of one's own that extends task and not incident, with a name of its own."""
    return ServiceNowTable(
        name="u_security_task",
        prefix="SEC",
        workflow=open_workflow(_TASK, initial="1"),
        resolving=(),
        closing=("3", "4", "7"),
        explained=(),
        holding=None,
        final=None,
        lacks=_NOT_OF_A_TASK,
        names={"short_description": "u_title"},
        writers=("itil",),
    )


def _security_incident(workflow: Workflow) -> ServiceNowTable:
    return ServiceNowTable(
        name="sn_si_incident",
        prefix="SIR",
        workflow=workflow,
        resolving=(),
        closing=(_SI_CLOSED.id, _SI_CANCELLED.id),
        explained=(_SI_CLOSED.id,),
        holding=None,
        final=None,
        lacks=("caller_id", "hold_reason", "incident_state"),
        writers=("sn_si.analyst", "sn_si.basic"),
    )


def _guarded(
    states: tuple[Status, ...], edges: Iterable[tuple[Status, tuple[Status, ...]]]
) -> Workflow:
    """Return a workflow that begins in the first state and has these edges only."""
    return Workflow(
        statuses=states,
        initial=states[0].id,
        transitions=tuple(
            Transition(
                id=f"{source.id}-{target.id}", name=target.name, to=target.id, sources=(source.id,)
            )
            for source, targets in edges
            for target in targets
        ),
    )
