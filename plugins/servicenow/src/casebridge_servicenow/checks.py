"""The connection check: everything the connector needs, in order, line by line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from casebridge_core import (
    AuthenticationFailed,
    CheckLine,
    ConnectionReport,
    Connector,
    Person,
    PushError,
    RateLimited,
    VendorUnavailable,
)
from casebridge_servicenow import table_checks
from casebridge_servicenow.business_rule import RULE_NAME
from casebridge_servicenow.client import ServiceNowClient
from casebridge_servicenow.queries import both, where
from casebridge_servicenow.table_checks import failed, unsure, well
from casebridge_servicenow.values import Row, value_of

if TYPE_CHECKING:
    from casebridge_servicenow.config import ServiceNowConfig

_MOST_SKEW: Final = 60.0
_WRITING_ROLES: Final = frozenset({"admin", "itil", "itil_admin", "sn_incident_write"})


async def check_connection(connector: Connector[ServiceNowConfig]) -> ConnectionReport:
    """Look at everything; an instance out of reach or a refused credential ends the report."""
    client = ServiceNowClient(connector)
    reachable = well("Reachable", connector.config.base_url)
    try:
        account = await client.account()
    except (VendorUnavailable, RateLimited) as error:
        cure = "check base_url and the network, or wake the instance, and try again"
        return ConnectionReport(lines=(failed("Reachable", error, cure),))
    except AuthenticationFailed as error:
        cure = "check username and password or API key, and that the account is not locked out"
        return ConnectionReport(lines=(reachable, failed("Signed in", error, cure)))
    except PushError:
        account = {}
    person = client.person(account)
    states, statuses = await table_checks.check_states(connector, client)
    lines = (
        reachable,
        _account(account, person),
        await table_checks.check_table(client),
        await _roles(client, account),
        await table_checks.check_required_fields(client),
        states,
        await table_checks.check_close_code(client),
        await table_checks.check_caller(client, account),
        await table_checks.check_journal(client),
        await _webhook(client),
        await _clock(client),
    )
    return ConnectionReport(lines=lines, account=person, statuses=statuses)


def _account(account: Row, person: Person) -> CheckLine:
    zone = value_of(account.get("time_zone"))
    told = f"{person.name or person.id} ({person.id})" + (f", time zone {zone}" if zone else "")
    if account:
        return well("Signed in", told)
    return unsure(
        "Signed in",
        f"the credential works; the row of {person.id} in sys_user cannot be seen",
        "check that username is the account's user name: webhooks name it as the actor",
    )


async def _roles(client: ServiceNowClient, account: Row) -> CheckLine:
    name = "May create and change tickets"
    cure = "grant the account itil or sn_incident_write (closing, state 7, needs itil_admin)"
    user = value_of(account.get("sys_id"))
    roles: set[str] = set()
    if user:
        query = where("user", "=", user)
        try:
            rows = await client.api.rows(
                "sys_user_has_role", query, ("user", "role.name"), limit=500
            )
        except PushError:
            rows = []
        # The name comes only where dot-walking is allowed, and only this user's rows count.
        own = (row for row in rows if value_of(row.get("user")) == user)
        roles = {value_of(row.get("role.name")) for row in own} - {""}
    if not roles:
        return unsure(name, "its roles cannot be seen", cure)
    writing = sorted(roles & _WRITING_ROLES)
    if writing:
        return well(name, f"roles: {', '.join(writing)}")
    return unsure(name, "none of its roles is known to write incidents", cure)


async def _webhook(client: ServiceNowClient) -> CheckLine:
    name = "Webhook"
    cure = f"follow the set-up guide and create the business rule {RULE_NAME!r}"
    query = both(
        where("name", "=", RULE_NAME),
        where("collection", "=", client.config.table),
        "active=true",
    )
    try:
        rules = await client.api.rows("sys_script", query, ("name", "collection"), limit=1)
    except PushError as error:
        return unsure(name, error, cure)
    if any(value_of(rule.get("name")) == RULE_NAME for rule in rules):
        return well(name, f"the business rule {RULE_NAME!r} is active")
    detail = "no active business rule of ours can be seen (only administrators see them)"
    return unsure(name, detail, cure)


async def _clock(client: ServiceNowClient) -> CheckLine:
    name = "Clock"
    try:
        skew = await client.api.clock_skew(client.config.table)
    except PushError as error:
        return unsure(name, error)
    if skew is None:
        return unsure(name, "the instance does not tell its time")
    detail = f"the instance is {abs(skew):.0f} s {'ahead' if skew > 0 else 'behind'}"
    if abs(skew) <= _MOST_SKEW:
        return well(name, detail)
    cure = "set this machine's clock by NTP: changes are listed by the instance's time"
    return failed(name, detail, cure)
