"""A connector that signed in once: tokens expire and rotate, and nobody signs in again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from casebridge_sandbox import JiraScenario, RunningSandbox
from tests.stage import Service, eventually, running_service

Vendor = RunningSandbox[Any]
SCENARIO = JiraScenario()


def sign_in(service: Service, jira: Vendor, token: str = SCENARIO.oauth_refresh_token) -> str:
    return service.add_jira(
        jira,
        email="",
        api_token=None,
        cloud_id=SCENARIO.cloud_id,
        gateway_url=jira.url,
        auth_url=jira.url,
        client_id=SCENARIO.oauth_client_id,
        client_secret=SCENARIO.oauth_client_secret,
        refresh_token=token,
    )


def refreshes(jira: Vendor) -> list[int | None]:
    return [call.status for call in jira.control.requests("token")]


def test_many_tickets_need_one_token_and_a_restart_none(tmp_path: Path, jira: Vendor) -> None:
    jira.control.change_scenario(refresh_grace_seconds=0)
    with running_service(tmp_path / "data") as service:
        connector = sign_in(service, jira)
        for case in [service.api.create_case() for _ in range(3)]:
            service.api.linked(case)
        shown = service.api.get(f"/v1/connectors/{connector}")["config"]
        key = service.api.http.headers["authorization"].removeprefix("Bearer ")
    assert refreshes(jira) == [200]
    assert {shown[name] for name in ("client_secret", "refresh_token", "access_token")} == {
        "********"
    }

    with running_service(tmp_path / "data") as service:
        service.api.http.headers["authorization"] = f"Bearer {key}"
        service.api.linked(service.api.create_case())
        assert refreshes(jira) == [200]

        jira.control.advance_clock(3600)
        service.api.linked(service.api.create_case())
    assert refreshes(jira) == [200, 200]
    assert len(jira.control.tickets()) == 5


def test_two_services_on_one_database_share_the_sign_in(tmp_path: Path, jira: Vendor) -> None:
    jira.control.change_scenario(refresh_grace_seconds=0, access_token_seconds=2)
    with running_service(tmp_path / "data") as first, running_service(tmp_path / "data"):
        sign_in(first, jira)
        cases = [first.api.create_case() for _ in range(4)]
        for case in cases:
            first.api.linked(case)
        for _ in range(2):
            jira.control.advance_clock(2)
            for case in cases:
                first.api.resync(case)
            for case in cases:
                first.api.linked(case)

    assert set(refreshes(jira)) == {200}
    assert len(jira.control.tickets()) == 4


def test_a_sign_in_that_ended_pauses_the_connector_until_the_next(
    service: Service, jira: Vendor
) -> None:
    connector = sign_in(service, jira, "jira-sandbox-refresh-of-last-year")
    case = service.api.create_case()

    def paused() -> Any:
        return service.api.get(f"/v1/connectors/{connector}")["paused_reason"]

    assert "sign in again" in eventually(paused)
    assert jira.control.tickets() == []

    change = {"config": {"refresh_token": SCENARIO.oauth_refresh_token}}
    service.api.patch(f"/v1/connectors/{connector}", change)
    service.api.linked(case)


def test_a_token_whose_answer_is_lost_is_asked_for_again(service: Service, jira: Vendor) -> None:
    jira.control.arm("cut_after", "token")
    sign_in(service, jira)
    service.api.linked(service.api.create_case())
    assert len(jira.control.tickets()) == 1
