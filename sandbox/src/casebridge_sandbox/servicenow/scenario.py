"""How the stand-in ServiceNow behaves."""

from __future__ import annotations

import msgspec

from casebridge_sandbox.sandbox import Scenario
from casebridge_sandbox.tickets import Person
from casebridge_sandbox.workflow import Status, Transition, Workflow, open_workflow

__all__ = (
    "PRESETS",
    "ServiceNowScenario",
    "ServiceNowTable",
    "incident_table",
    "security_incident_table",
)

NEW = Status(id="1", name="New", category="new")
IN_PROGRESS = Status(id="2", name="In Progress", category="active")
ON_HOLD = Status(id="3", name="On Hold", category="active")
RESOLVED = Status(id="6", name="Resolved", category="done")
CLOSED = Status(id="7", name="Closed", category="done")
CANCELED = Status(id="8", name="Canceled", category="done")
_STATES = (NEW, IN_PROGRESS, ON_HOLD, RESOLVED, CLOSED, CANCELED)


class ServiceNowTable(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of tickets.

    Attributes:
        name: The name of the table.
        prefix: What its numbers begin with.
        workflow: Its states, and from which to which a record may go.
    """

    name: str
    prefix: str
    workflow: Workflow


def incident_table() -> ServiceNowTable:
    """Return the incident table, in which every state goes to every other."""
    return ServiceNowTable(
        name="incident", prefix="INC", workflow=open_workflow(_STATES, initial=NEW.id)
    )


def security_incident_table() -> ServiceNowTable:
    """Return a table for security incidents, with the states of an incident."""
    return ServiceNowTable(
        name="sn_si_incident", prefix="SIR", workflow=open_workflow(_STATES, initial=NEW.id)
    )


def strict_incident_table() -> ServiceNowTable:
    """Return an incident table in which a New incident cannot be resolved at once."""
    edges = (
        (NEW, (IN_PROGRESS, ON_HOLD, CANCELED)),
        (IN_PROGRESS, (ON_HOLD, RESOLVED, CANCELED)),
        (ON_HOLD, (IN_PROGRESS,)),
        (RESOLVED, (IN_PROGRESS, CLOSED)),
    )
    return ServiceNowTable(
        name="incident",
        prefix="INC",
        workflow=Workflow(
            statuses=_STATES,
            initial=NEW.id,
            transitions=tuple(
                Transition(
                    id=f"{source.id}-{target.id}",
                    name=target.name,
                    to=target.id,
                    sources=(source.id,),
                )
                for source, targets in edges
                for target in targets
            ),
        ),
    )


class ServiceNowScenario(Scenario, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the stand-in ServiceNow behaves.

    Attributes:
        tables: The tables of tickets; the first is the default of the control API.
        user_name: The login name of the integration's user.
        password: Its password.
        user_id: Its sys_id.
        display_name: Its name.
        email: Its e-mail address.
        user_is_admin: Whether it is an administrator.
        basic_auth: Whether basic authentication is on.
        api_key: What ``x-sn-apikey`` must be.
        client_id: The OAuth client's id.
        client_secret: The OAuth client's secret.
        client_credentials: Whether the client-credentials grant is switched on.
        token_seconds: How long an access token lives, in seconds of the sandbox's clock.
        close_codes: The choices of ``close_code``.
        require_close_fields: Whether a data policy wants ``close_code`` and ``close_notes``
            in the states 6 and 7.
        require_hold_reason: Whether a data policy wants ``hold_reason`` in state 3.
        require_caller: Whether a data policy wants ``caller_id``.
        only_admins_close: Whether state 7 is for administrators only.
        closed_is_read_only: Whether a record in state 7 takes nothing but journal entries.
        extra_columns: Columns beside the usual ones, for example ``u_case``.
        dropped_columns: Columns that a write leaves as they are, without saying so, as an
            ACL on a field does.
        denied_tables: Tables that the account may not use, for example
            ``sys_journal_field``.
        invalid_query_returns_no_rows: Whether a query on an unknown column finds nothing
            (``glide.invalid_query.returns_no_rows``); otherwise such a term is ignored.
        groups: The names of the assignment groups.
        skip_own_user: Whether the business rule leaves out what the integration's user did.
        webhook_retries: How often a webhook is sent again; RESTMessageV2 never does.
        webhook_pause_seconds: How long it waits before it does, in seconds.
    """

    people: tuple[Person, ...] = (
        Person(
            id="ada0000000000000000000000000ada0",
            name="ada.analyst",
            display_name="Ada Analyst",
            email="ada.analyst@example.com",
            admin=True,
        ),
        Person(
            id="be000000000000000000000000000be0",
            name="ben.responder",
            display_name="Ben Responder",
            email="ben.responder@example.com",
        ),
    )
    tables: tuple[ServiceNowTable, ...] = (incident_table(),)
    user_name: str = "casebridge"
    password: str = "servicenow-sandbox-password"  # noqa: S105 - of this stand-in only
    user_id: str = "ca5eb00000000000000000000000b1d6"
    display_name: str = "Casebridge"
    email: str = "bridge@example.com"
    user_is_admin: bool = False
    basic_auth: bool = True
    api_key: str = "servicenow-sandbox-key"
    client_id: str = "casebridge-client"
    client_secret: str = "servicenow-sandbox-client-secret"  # noqa: S105 - of this stand-in only
    client_credentials: bool = True
    token_seconds: int = 1800
    close_codes: tuple[str, ...] = (
        "Solution provided",
        "Workaround provided",
        "Resolved by caller",
        "Resolved by change",
        "Resolved by problem",
        "Resolved by request",
        "Known error",
        "Duplicate",
        "User error",
        "No resolution provided",
    )
    require_close_fields: bool = True
    require_hold_reason: bool = True
    require_caller: bool = False
    only_admins_close: bool = True
    closed_is_read_only: bool = True
    extra_columns: tuple[str, ...] = ()
    dropped_columns: tuple[str, ...] = ()
    denied_tables: tuple[str, ...] = ()
    invalid_query_returns_no_rows: bool = False
    groups: tuple[str, ...] = ("Security Operations",)
    skip_own_user: bool = False
    webhook_retries: int = 0
    webhook_pause_seconds: float = 0.5

    def table(self, name: str) -> ServiceNowTable | None:
        """Return the table of tickets with a name, or None."""
        return next((table for table in self.tables if table.name == name), None)


PRESETS = {
    "standard": ServiceNowScenario(),
    "strict": ServiceNowScenario(tables=(strict_incident_table(),), require_caller=True),
    "security-incidents": ServiceNowScenario(tables=(security_incident_table(), incident_table())),
    "no-echo": ServiceNowScenario(skip_own_user=True),
}
"""Named scenarios."""
