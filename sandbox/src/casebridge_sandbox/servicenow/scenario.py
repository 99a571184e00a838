"""How the stand-in ServiceNow behaves."""

from __future__ import annotations

from typing import Literal

from casebridge_sandbox.sandbox import Scenario
from casebridge_sandbox.servicenow.tables import (
    ServiceNowTable,
    incident_table,
    security_incident_table,
    stateful_security_incident_table,
    strict_incident_table,
    task_table,
)
from casebridge_sandbox.tickets import Person

__all__ = ("PRESETS", "RuleBody", "ServiceNowScenario")

RuleBody = Literal["guide", "label", "objects", "record_id"]
"""What the business rule posts: the body of Casebridge's set-up guide, or one that an
administrator wrote: labels for codes, values as the Table API nests them, or the record's id
beside the ``sys_id`` of the subscription."""


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
        parent_resolves_children: Whether resolving a parent resolves its children.
        auto_close_days: How long a record stays resolved before the system closes it, in days
            of the sandbox's clock; 0 for ever.
        extra_columns: Columns beside the usual ones, for example ``u_case``.
        dropped_columns: Columns that a write leaves as they are, without saying so, as an
            ACL on a field does.
        denied_tables: Tables that the account may not use, for example
            ``sys_journal_field``.
        hidden_records: Numbers of records that an access rule hides from the account. A list
            is cut to its limit before they are taken out, so that it can be short.
        roles: The roles of the account; an administrator has ``admin`` too.
        readable_tables: Tables of the system that are shown to the account although it is no
            administrator: ``sys_script``, ``sys_dictionary``, ``sys_data_policy2``,
            ``sys_data_policy_rule``, ``sys_user_has_role``. Otherwise they look empty.
        mandatory_columns: Columns that the dictionary makes mandatory, for forms only.
        time_zone: The account's time zone; empty for the instance's own.
        invalid_query_returns_no_rows: Whether a query on an unknown column finds nothing
            (``glide.invalid_query.returns_no_rows``); otherwise such a term is ignored.
        requests_per_hour: How many calls of the Table API the account has in an hour of the
            sandbox's clock; 0 for any number.
        rotate_refresh_tokens: Whether a refresh token is replaced whenever it is used.
        groups: The names of the assignment groups.
        rule_body: What the business rule posts.
        sign_timestamp: Whether the rule signs the time with the body, as the guide's does, in
            ``X-AiSOC-Timestamp``.
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
    parent_resolves_children: bool = True
    auto_close_days: float = 0.0
    extra_columns: tuple[str, ...] = ()
    dropped_columns: tuple[str, ...] = ()
    denied_tables: tuple[str, ...] = ()
    hidden_records: tuple[str, ...] = ()
    roles: tuple[str, ...] = ("itil", "sn_si.basic")
    readable_tables: tuple[str, ...] = ()
    mandatory_columns: tuple[str, ...] = ("number", "short_description")
    time_zone: str = ""
    invalid_query_returns_no_rows: bool = False
    requests_per_hour: int = 0
    rotate_refresh_tokens: bool = False
    groups: tuple[str, ...] = ("Security Operations",)
    rule_body: RuleBody = "guide"
    sign_timestamp: bool = False
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
    "stateful-security-incidents": ServiceNowScenario(
        tables=(stateful_security_incident_table(), incident_table())
    ),
    "own-table": ServiceNowScenario(tables=(task_table(), incident_table())),
    "no-echo": ServiceNowScenario(skip_own_user=True),
}
"""Named scenarios."""
