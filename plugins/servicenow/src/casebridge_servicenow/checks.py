"""The connection check: everything the connector needs, line by line, each with its cure."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Final

from casebridge_core import (
    AuthenticationFailed,
    CaseStatus,
    CheckLine,
    ConnectionReport,
    Connector,
    DestinationNotFound,
    NativeStatus,
    Person,
    PushError,
    RateLimited,
    VendorUnavailable,
)
from casebridge_servicenow.business_rule import RULE_NAME
from casebridge_servicenow.client import ServiceNowClient
from casebridge_servicenow.queries import both, where
from casebridge_servicenow.values import Row, value_of

if TYPE_CHECKING:
    from casebridge_servicenow.config import ServiceNowConfig

_NO_SUCH_KEY: Final = "casebridge-connection-check"
_MOST_SKEW: Final = 60.0
_WRITING_ROLES: Final = frozenset({"admin", "itil", "itil_admin", "sn_incident_write"})


async def check_connection(connector: Connector[ServiceNowConfig]) -> ConnectionReport:
    """Look at everything in order; what cannot be reached at all ends the report."""
    check = _Check(connector)
    try:
        account_row = await check.client.account()
    except (VendorUnavailable, RateLimited) as error:
        cure = "check base_url and the network, or wake the instance, and try again"
        return ConnectionReport(lines=(_failed("Reachable", error, cure),))
    except AuthenticationFailed as error:
        cure = (
            "check username and password or API key, and that the account is active and not"
            " locked out"
        )
        return ConnectionReport(
            lines=(_well("Reachable", connector.config.base_url), _failed("Signed in", error, cure))
        )
    except PushError:
        account_row = {}
    account = await check.client.identify()
    lines = (
        _well("Reachable", connector.config.base_url),
        _account_line(account_row, account),
        *[line async for line in check.lines(account_row)],
    )
    return ConnectionReport(lines=lines, account=account, statuses=check.statuses)


class _Check:
    def __init__(self, connector: Connector[ServiceNowConfig]) -> None:
        self.connector = connector
        self.config = connector.config
        self.client = ServiceNowClient(connector)
        self.statuses: tuple[NativeStatus, ...] = ()

    async def lines(self, account_row: Row) -> AsyncIterator[CheckLine]:
        """Yield a line for each thing that the connector needs beyond its credential."""
        yield await self._table()
        yield await self._roles(account_row)
        yield await self._states()
        yield await self._close_code()
        yield await self._caller(account_row)
        yield await self._journal()
        yield await self._webhook()
        yield await self._clock()

    async def _table(self) -> CheckLine:
        field = self.config.correlation_field
        name = f"Table and {field}"
        try:
            found = await self.client.api.rows(
                self.config.table, where(field, "=", _NO_SUCH_KEY), ("sys_id", field), limit=1
            )
        except DestinationNotFound as error:
            return _failed(name, error, "name an existing table, such as incident")
        except PushError as error:
            return _failed(name, error, "give the integration account a role that may read it")
        if found:
            return CheckLine(
                name=name,
                ok=False,
                detail=f"{self.config.table} ignores a search by {field}",
                cure=f"let the integration account read {field}, or configure another field:"
                " without it a ticket cannot be found again",
            )
        return _well(name, f"{self.config.table} can be searched by {field}")

    async def _clock(self) -> CheckLine:
        name = "Clock"
        try:
            skew = await self.client.api.clock_skew(self.config.table)
        except PushError as error:
            return _unsure(name, error, "")
        if skew is None:
            return CheckLine(name=name, ok=None, detail="the instance does not tell its time")
        detail = f"the instance is {abs(skew):.0f} s {'ahead' if skew > 0 else 'behind'}"
        if abs(skew) <= _MOST_SKEW:
            return _well(name, detail)
        cure = "set this machine's clock by NTP: changes are listed by the instance's time"
        return CheckLine(name=name, ok=False, detail=detail, cure=cure)

    async def _roles(self, account_row: Row) -> CheckLine:
        name = "May create and change tickets"
        cure = "grant the account itil or sn_incident_write (closing, state 7, needs itil_admin)"
        user = value_of(account_row.get("sys_id"))
        unseen = CheckLine(name=name, ok=None, detail="its roles cannot be seen", cure=cure)
        if not user:
            return unseen
        try:
            rows = await self.client.api.rows(
                "sys_user_has_role", where("user", "=", user), ("role", "role.name"), limit=500
            )
        except PushError:
            return unseen
        roles = {value_of(row.get("role.name")) for row in rows} - {""}
        if not roles:
            return unseen
        writing = sorted(roles & _WRITING_ROLES)
        if writing:
            return _well(name, f"roles: {', '.join(writing)}")
        detail = "none of its roles is known to write incidents"
        return CheckLine(name=name, ok=None, detail=detail, cure=cure)

    async def _states(self) -> CheckLine:
        name = "States"
        try:
            choices = await self.client.choices("state")
        except PushError as error:
            return _unsure(name, error, "let the account read sys_choice to have states offered")
        if not choices:
            return CheckLine(name=name, ok=None, detail="the table's states cannot be seen")
        model = self.config.states
        read = [status for pair in choices if (status := model.read(*pair)) is not None]
        self.statuses = tuple({status.id: status for status in reversed(read)}.values())[::-1]
        missing = [
            f"{status} -> {native}"
            for status in CaseStatus
            if (native := self._native(status)) is not None
            and not any(offered.matches(native) for offered in read)
        ]
        offered = ", ".join(f"{status.name} ({status.id})" for status in self.statuses)
        if missing:
            return CheckLine(
                name=name,
                ok=False,
                detail=f"the status map leads to states that are not there: {', '.join(missing)}",
                cure=f"choose among {offered}",
            )
        return _well(name, offered)

    def _native(self, status: CaseStatus) -> str | None:
        own = self.connector.statuses.native_for(status)
        return own or self.config.states.statuses.native_for(status)

    async def _close_code(self) -> CheckLine:
        name = "Close code"
        try:
            choices = await self.client.choices("close_code")
        except PushError as error:
            return _unsure(name, error, "let the account read sys_choice to have codes checked")
        if not choices:
            return CheckLine(name=name, ok=None, detail="the table's close codes cannot be seen")
        values = tuple(dict.fromkeys(value for value, _ in choices))
        if self.config.close_code in values:
            return _well(name, f"{self.config.close_code} (of: {', '.join(values)})")
        return CheckLine(
            name=name,
            ok=False,
            detail="close_code is not one that this instance knows",
            cure=f"set close_code to one of: {', '.join(values)}",
        )

    async def _caller(self, account_row: Row) -> CheckLine:
        name = "Caller"
        own = value_of(account_row.get("sys_id"))
        if not self.config.caller_id:
            return CheckLine(
                name=name,
                ok=None,
                detail="tickets are opened without a caller_id, which many instances require",
                cure=f"set caller_id, for example to the integration account's {own}"
                if own
                else "",
            )
        try:
            row = await self.client.api.row("sys_user", self.config.caller_id, ("sys_id", "name"))
        except PushError as error:
            return _unsure(name, error, "set caller_id to the sys_id of an active user")
        return _well(name, value_of(row.get("name")) or self.config.caller_id)

    async def _journal(self) -> CheckLine:
        name = "Comments can be found again"
        try:
            await self.client.api.rows(
                "sys_journal_field", where("element_id", "=", _NO_SUCH_KEY), ("sys_id",), limit=1
            )
        except PushError as error:
            cure = (
                "let the account read sys_journal_field; until then the ticket's text is searched"
            )
            return _unsure(name, error, cure)
        return _well(name, "sys_journal_field is open to the account")

    async def _webhook(self) -> CheckLine:
        name = "Webhook"
        cure = f"follow the set-up guide and create the business rule {RULE_NAME!r}"
        query = both(
            where("name", "=", RULE_NAME),
            where("collection", "=", self.config.table),
            "active=true",
        )
        try:
            rules = await self.client.api.rows(
                "sys_script", query, ("sys_id", "name", "collection"), limit=1
            )
        except PushError as error:
            return _unsure(name, error, cure)
        if any(value_of(rule.get("name")) == RULE_NAME for rule in rules):
            return _well(name, f"the business rule {RULE_NAME!r} is active")
        detail = "no active business rule of ours can be seen (only admins see them)"
        return CheckLine(name=name, ok=None, detail=detail, cure=cure)


def _account_line(row: Row, account: Person) -> CheckLine:
    zone = value_of(row.get("time_zone"))
    told = f"{account.name or account.id} ({account.id})" + (f", time zone {zone}" if zone else "")
    if row:
        return _well("Signed in", told)
    return CheckLine(
        name="Signed in",
        ok=None,
        detail=f"the credential works; the row of {account.id} in sys_user cannot be seen",
        cure="check that username is the account's user name: webhooks name it as the actor",
    )


def _well(name: str, detail: str) -> CheckLine:
    return CheckLine(name=name, ok=True, detail=detail)


def _failed(name: str, error: PushError, cure: str) -> CheckLine:
    return CheckLine(name=name, ok=False, detail=str(error), cure=cure)


def _unsure(name: str, error: PushError, cure: str) -> CheckLine:
    return CheckLine(name=name, ok=None, detail=str(error), cure=cure)
