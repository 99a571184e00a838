"""What the connection check finds out about the account's roles.

ServiceNow has no dry run: the roles tell who may usually create and move tickets of a table.
Source: ServiceNow, "Resolve and close an incident" and "Security Incident Response roles".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from casebridge_core import CaseStatus, CheckLine, Connector, PushError
from casebridge_servicenow.lines import failed, unsure, well
from casebridge_servicenow.queries import where
from casebridge_servicenow.state_models import CLOSED, INCIDENT, SECURITY_INCIDENT
from casebridge_servicenow.values import Row, label_of, value_of

if TYPE_CHECKING:
    from casebridge_servicenow.client import ServiceNowClient
    from casebridge_servicenow.config import ServiceNowConfig

_CREATE: Final = "May create tickets"
_MOVE: Final = "May move tickets"
_INCIDENT_ROLES: Final = ("itil", "sn_incident_write", "itil_admin", "admin")
_SECURITY_ROLES: Final = (
    "sn_si.basic",
    "sn_si.analyst",
    "sn_si.manager",
    "sn_si.admin",
    "admin",
)
_TASK_ROLES: Final = ("itil", "admin")
_CLOSING_ROLES: Final = frozenset({"itil_admin", "admin"})
_MOST_ROLES: Final = 500


async def check_rights(
    connector: Connector[ServiceNowConfig], client: ServiceNowClient, account: Row
) -> tuple[CheckLine, CheckLine]:
    """Tell whether the account has a role that creates, and one that moves, tickets."""
    usual = _usual_roles(client)
    cure = f"grant the account {' or '.join(usual[:2])}"
    roles = await _roles(client, account)
    if not roles:
        unseen = "its roles cannot be seen"
        return unsure(_CREATE, unseen, cure), unsure(_MOVE, unseen, cure)
    writing = sorted(roles.intersection(usual))
    if not writing:
        none = f"none of its roles is known to write to {client.config.table}"
        return unsure(_CREATE, none, cure), unsure(_MOVE, none, cure)
    told = f"roles: {', '.join(writing)}"
    closed = _closes(connector, client)
    if closed and not roles & _CLOSING_ROLES:
        return well(_CREATE, told), failed(
            _MOVE,
            f"{told}; the status map takes {' and '.join(closed)} to Closed (7), which needs"
            " itil_admin or admin",
            "map them to 6, from which ServiceNow closes by itself, or grant itil_admin",
        )
    return well(_CREATE, told), well(_MOVE, told)


def _usual_roles(client: ServiceNowClient) -> tuple[str, ...]:
    model = client.config.states
    if model is INCIDENT:
        return _INCIDENT_ROLES
    return _SECURITY_ROLES if model is SECURITY_INCIDENT else _TASK_ROLES


def _closes(connector: Connector[ServiceNowConfig], client: ServiceNowClient) -> list[str]:
    """Return the case statuses that the map takes to the incident's final state."""
    model = client.config.states
    if model is not INCIDENT:
        return []
    mapped = {status: connector.statuses.native_for(status) for status in CaseStatus}
    return [s.value for s, native in mapped.items() if native and model.code_of(native) == CLOSED]


async def _roles(client: ServiceNowClient, account: Row) -> frozenset[str]:
    """Return the names of the account's roles, empty where they cannot be seen."""
    user = value_of(account.get("sys_id"))
    if not user:
        return frozenset()
    try:
        rows = await client.api.rows(
            "sys_user_has_role", where("user", "=", user), ("user", "role"), limit=_MOST_ROLES
        )
    except PushError:
        return frozenset()
    # A role is shown by its name. ServiceNow ignores a condition that the account may not use.
    own = (row for row in rows if value_of(row.get("user")) == user)
    return frozenset(label_of(row.get("role")) for row in own) - {""}
