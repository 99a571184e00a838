"""The gateway over real HTTP: scoped tokens, and OAuth 2.0 whose tokens expire and rotate."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from casebridge_core import (
    AuthenticationFailed,
    CaseProjection,
    Connector,
    DestinationNotFound,
    OutcomeUnknown,
    VendorHooks,
    VendorUnavailable,
)
from casebridge_jira import JiraConfig
from casebridge_sandbox import JiraSandbox, JiraScenario, RunningSandbox

pytestmark = pytest.mark.anyio

Jira = RunningSandbox[JiraSandbox]
Connect = Callable[..., Connector[JiraConfig]]

SCENARIO = JiraScenario()


@pytest.fixture
def deployment() -> str:
    return "cloud"


@pytest.fixture
def at_the_gateway(jira: Jira, online: Connect) -> Connect:
    """Return a function that makes a connector which calls the gateway."""

    def make(**credential: object) -> Connector[JiraConfig]:
        return online(
            {"base_url": jira.url, "project": "SEC", "cloud_id": SCENARIO.cloud_id},
            gateway_url=jira.url,
            auth_url=jira.url,
            **credential,
        )

    return make


@pytest.fixture
def oauth(at_the_gateway: Connect) -> Connector[JiraConfig]:
    return at_the_gateway(
        client_id=SCENARIO.oauth_client_id,
        client_secret=SCENARIO.oauth_client_secret,
        refresh_token=SCENARIO.oauth_refresh_token,
    )


@pytest.mark.parametrize("email", ["bridge@example.com", ""])
async def test_a_scoped_token_works_through_the_gateway(
    hooks: VendorHooks, at_the_gateway: Connect, jira: Jira, projection: CaseProjection, email: str
) -> None:
    jira.control.change_scenario(scoped_token=True)
    token = SCENARIO.api_token
    chosen = {"email": email, "api_token": token} if email else {"personal_token": token}
    connector = at_the_gateway(**chosen)

    ticket = (await hooks.push_case(connector, projection)).ticket

    assert ticket.ref.url == f"{jira.url}/browse/SEC-1"
    assert await hooks.find_ticket(connector, projection.correlation_key) == (ticket,)
    report = await hooks.check_connection(connector)
    assert [line for line in report.lines if line.ok is False] == []


async def test_changes_seen_through_the_gateway_name_the_site(
    hooks: VendorHooks, oauth: Connector[JiraConfig], jira: Jira
) -> None:
    jira.control.create_ticket("Phishing mail")
    changes = await hooks.list_changes(oauth, datetime.now(UTC) - timedelta(minutes=5), None)
    assert [event.site for event in changes.events] == [jira.url.removeprefix("http://")]


async def test_an_unknown_cloud_id_pauses_the_connector(
    hooks: VendorHooks, at_the_gateway: Connect, jira: Jira, projection: CaseProjection
) -> None:
    connector = at_the_gateway(personal_token="any", cloud_id="nobody")
    with pytest.raises(DestinationNotFound, match="cloud id"):
        await hooks.push_case(connector, projection)


async def test_oauth_tokens_are_renewed_over_many_hooks(
    hooks: VendorHooks, oauth: Connector[JiraConfig], jira: Jira, projection: CaseProjection
) -> None:
    jira.control.change_scenario(refresh_grace_seconds=0)
    await asyncio.gather(*(hooks.identify_account(oauth) for _ in range(5)))
    await hooks.push_case(oauth, projection)
    assert len(jira.control.requests("token")) == 1

    jira.control.advance_clock(3600)  # what the connector holds for good is refused
    await hooks.push_case(oauth, projection)

    assert len(jira.control.requests("token")) == 2
    assert [call.status for call in jira.control.requests("create")] == [201, 401, 201]
    assert len(jira.control.tickets()) == 2


async def test_a_refused_refresh_says_how_to_sign_in_again(
    hooks: VendorHooks, oauth: Connector[JiraConfig], jira: Jira, projection: CaseProjection
) -> None:
    jira.control.change_scenario(oauth_refresh_token="another")
    with pytest.raises(AuthenticationFailed, match="sign in again") as refused:
        await hooks.push_case(oauth, projection)
    assert SCENARIO.oauth_refresh_token not in str(refused.value)
    jira.control.change_scenario(
        oauth_refresh_token=SCENARIO.oauth_refresh_token, oauth_client_secret="another"
    )
    with pytest.raises(AuthenticationFailed, match="client secret"):
        await hooks.push_case(oauth, projection)
    assert jira.control.tickets() == []


@pytest.mark.parametrize("grace", [0, 600])
async def test_an_answer_that_is_lost_costs_the_sign_in_only_without_grace(
    hooks: VendorHooks,
    oauth: Connector[JiraConfig],
    jira: Jira,
    projection: CaseProjection,
    grace: int,
) -> None:
    jira.control.change_scenario(refresh_grace_seconds=grace)
    jira.control.arm("cut_after", operation="token")
    with pytest.raises(VendorUnavailable):
        await hooks.push_case(oauth, projection)
    if grace:
        await hooks.push_case(oauth, projection)
    else:
        with pytest.raises(AuthenticationFailed, match="refresh_token"):
            await hooks.push_case(oauth, projection)


async def test_a_create_that_is_cut_under_oauth_is_unclear_as_any_other(
    hooks: VendorHooks, oauth: Connector[JiraConfig], jira: Jira, projection: CaseProjection
) -> None:
    jira.control.arm("cut_after", operation="create")
    with pytest.raises(OutcomeUnknown):
        await hooks.push_case(oauth, projection)
    assert len(await hooks.find_ticket(oauth, projection.correlation_key)) == 1


async def test_a_scoped_token_sent_to_the_site_is_told_by_the_check(
    hooks: VendorHooks, online: Connect, jira: Jira
) -> None:
    jira.control.change_scenario(scoped_token=True)
    credential = {"email": SCENARIO.email, "api_token": SCENARIO.api_token}
    report = await hooks.check_connection(
        online({"base_url": jira.url, "project": "SEC"}, **credential)
    )
    (failing,) = [line for line in report.lines if line.ok is False]
    assert failing.name == "account"
    assert SCENARIO.cloud_id in failing.cure
