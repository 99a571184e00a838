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
from casebridge_servicenow.lines import failed, unsure, well
from casebridge_servicenow.queries import both, where
from casebridge_servicenow.required import check_required_fields
from casebridge_servicenow.rights import check_rights
from casebridge_servicenow.values import Row, value_of

if TYPE_CHECKING:
    from casebridge_servicenow.config import ServiceNowConfig

_MOST_SKEW: Final = 60.0
_MOST_RULES: Final = 20
_ZONES_OF_UTC: Final = frozenset({"Etc/UTC", "Etc/GMT", "GMT", "UTC"})


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
        cure = f"check {_credential(connector.config)}, and that the account is not locked out"
        return ConnectionReport(lines=(reachable, failed("Signed in", error, cure)))
    except PushError:
        account = {}
    person = client.person(account)
    states, statuses = await table_checks.check_states(connector, client)
    held = await table_checks.check_hold_reason(client)
    lines = (
        reachable,
        _account(connector.config, account, person),
        _zone(account),
        await table_checks.check_table(client),
        *(await check_rights(connector, client, account)),
        await check_required_fields(client),
        states,
        await table_checks.check_close_code(client),
        *([held] if held else []),
        await table_checks.check_caller(client, account),
        await table_checks.check_journal(client),
        await _webhook(client),
        await _clock(client),
    )
    return ConnectionReport(lines=lines, account=person, statuses=statuses)


def _credential(config: ServiceNowConfig) -> str:
    if config.api_key is not None:
        return "the API key"
    signs = "username and password"
    if config.client_secret is None:
        return signs
    return f"client_id and client_secret{f' with {signs}' if config.password else ''}"


def _account(config: ServiceNowConfig, account: Row, person: Person) -> CheckLine:
    told = f"{person.name or person.id} ({person.id})"
    if account and person.id.casefold() != config.username.casefold():
        cure = f"set username to {person.id}, so that the set-up guide names the right account"
        return failed("Signed in", f"the credential is that of {told}, not of username", cure)
    if account:
        return well("Signed in", told)
    return unsure(
        "Signed in",
        f"the credential works; the row of {person.id} in sys_user cannot be seen",
        "check that username is the account's user name: webhooks name it as the actor",
    )


def _zone(account: Row) -> CheckLine:
    """Tell whether times in queries are read as they are meant: ServiceNow takes the account's."""
    name, zone = "Time zone", value_of(account.get("time_zone"))
    cure = "set the account's time zone to GMT: times in queries are read in it"
    if zone in _ZONES_OF_UTC:
        return well(name, zone)
    if zone:
        return unsure(name, f"{zone}: changes may be listed late or twice", cure)
    told = "the instance's own, which may not be GMT" if account else "cannot be seen"
    return unsure(name, told, cure)


async def _webhook(client: ServiceNowClient) -> CheckLine:
    """Tell whether our business rule is there; only administrators see business rules."""
    name = "Webhook"
    cure = f"follow the set-up guide and create the business rule {RULE_NAME!r}"
    table = where("collection", "=", client.config.table)
    try:
        ours = await _rules(client, both(where("name", "=", RULE_NAME), table))
        others = ours or await _rules(client, table)
    except PushError as error:
        return unsure(name, f"cannot be told: {error}", cure)
    ours = [rule for rule in ours if value_of(rule.get("name")) == RULE_NAME]
    if any(value_of(rule.get("active")) == "true" for rule in ours):
        return well(name, f"the business rule {RULE_NAME!r} is active")
    if ours:
        return unsure(name, f"the business rule {RULE_NAME!r} is not active", "activate it")
    if others:
        return unsure(name, f"there is no business rule {RULE_NAME!r}", cure)
    return unsure(name, "cannot be told: only administrators see business rules", cure)


async def _rules(client: ServiceNowClient, query: str) -> list[Row]:
    fields = ("name", "collection", "active")
    return await client.api.rows("sys_script", query, fields, limit=_MOST_RULES)


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
